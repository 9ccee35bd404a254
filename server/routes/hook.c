/* SPDX-License-Identifier: Apache-2.0 */
#include "routes/hook.h"

#include "store/store.h"

#include "core/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MAX_UPDATES ((size_t)1024 * 1024) /* bytes of stdin */
#define MAX_TOLD    10                    /* offending files in one message */

typedef struct hook {
    srv_store *store;
    hf__arena *arena;
    const srv_repo *repo;
    uint64_t max_regular;
    hf__buf updates; /* "<old> <new> <ref>" lines */
    unsigned n_large, n_dangling;
    char large[MAX_TOLD][SRV_OID_HEX + 1];
    char dangling[MAX_TOLD][SRV_OID_HEX + 1];
} hook;

static bool is_zero(hf__str oid)
{
    for (size_t i = 0; i < oid.len; i++)
        if (oid.ptr[i] != '0')
            return false;
    return true;
}

static bool next_update(hf__str *rest, hf__str *old, hf__str *fresh, hf__str *ref)
{
    hf__str line, tail;

    if (!rest->ptr || rest->len == 0)
        return false;
    line = hf__str_cut(*rest, '\n', rest);
    *old = hf__str_cut(line, ' ', &tail);
    *fresh = hf__str_cut(tail, ' ', ref);
    return ref->ptr != NULL;
}

/* ------------------------------------------------------------------------------------------- refs */

static bool ref_allowed(hf__str old, hf__str fresh, hf__str ref)
{
    if (hf__str_starts(ref, HF__STR("refs/heads/")) || hf__str_starts(ref, HF__STR("refs/tags/")))
        return true;
    if (!hf__str_starts(ref, HF__STR("refs/pr/"))) {
        fprintf(stderr, "Your push was rejected: '%.*s' is neither a branch nor a tag.\n",
                (int)ref.len, ref.ptr);
        return false;
    }
    if (is_zero(old) || is_zero(fresh)) {
        fprintf(stderr, "Your push was rejected: pull requests are neither made nor deleted by a "
                        "push.\n");
        return false;
    }
    return true;
}

static bool refs_allowed(const hook *h)
{
    hf__str rest = hf__buf_str(&h->updates);
    hf__str old, fresh, ref;

    while (next_update(&rest, &old, &fresh, &ref))
        if (!ref_allowed(old, fresh, ref))
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------------- objects */

static hf_status look_at_blob(void *user, const char *oid, uint64_t size, hf__str text,
                              hf_error *err)
{
    char sha256[SRV_SHA256_HEX + 1];
    hook *h = user;
    uint64_t stated;
    bool has = true;
    hf_status st = HF_OK;

    if (size > h->max_regular) {
        if (h->n_large < MAX_TOLD)
            memcpy(h->large[h->n_large], oid, SRV_OID_HEX + 1);
        h->n_large++;
    } else if (text.ptr && srv_lfs_pointer(text, sha256, &stated)) {
        st = srv_lfs_has(h->store, h->repo, sha256, &has, NULL, err);
        if (!has) {
            if (h->n_dangling < MAX_TOLD)
                memcpy(h->dangling[h->n_dangling], oid, SRV_OID_HEX + 1);
            h->n_dangling++;
        }
    }
    return st;
}

/* `git rev-list --objects` of what fresh brings; its output, NULL when it cannot be run. */
static FILE *list_objects(const char *fresh, pid_t *pid)
{
    char *const argv[] = { "git",   "rev-list", "--objects", (char *)(uintptr_t)fresh,
                           "--not", "--all",    NULL };
    posix_spawn_file_actions_t actions;
    FILE *out = NULL;
    int ends[2];
    int number;

    if (pipe(ends) != 0)
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    number = posix_spawnp(pid, "git", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (number == 0)
        out = fdopen(ends[0], "r");
    if (!out)
        close(ends[0]);
    return out;
}

/* Tells what a blob is called in the commits up to fresh. */
static bool find_name(const char *fresh, const char *oid)
{
    char line[HF__MAX_PATH];
    pid_t pid = 0;
    FILE *list = list_objects(fresh, &pid);
    bool found = false;

    while (list && !found && fgets(line, sizeof line, list)) {
        found = strncmp(line, oid, SRV_OID_HEX) == 0 && line[SRV_OID_HEX] == ' ';
        if (found)
            fprintf(stderr, "- %s", line + SRV_OID_HEX + 1);
    }
    if (list)
        (void)fclose(list);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return found;
}

/* The blob's id when it has no name. */
static void tell_name(const hook *h, const char *oid)
{
    hf__str rest = hf__buf_str(&h->updates);
    hf__str old, fresh, ref;

    while (next_update(&rest, &old, &fresh, &ref)) {
        char commit[SRV_OID_HEX + 1];

        if (is_zero(fresh) || !hf__str_is_hex(fresh, SRV_OID_HEX))
            continue;
        memcpy(commit, fresh.ptr, SRV_OID_HEX);
        commit[SRV_OID_HEX] = '\0';
        if (find_name(commit, oid))
            return;
    }
    fprintf(stderr, "- blob %s\n", oid);
}

static void tell(const hook *h, unsigned n, char (*oids)[SRV_OID_HEX + 1])
{
    for (unsigned i = 0; i < n && i < MAX_TOLD; i++)
        tell_name(h, oids[i]);
    if (n > MAX_TOLD)
        fprintf(stderr, "and %u more\n", n - MAX_TOLD);
}

static bool objects_allowed(hook *h)
{
    if (h->n_large > 0) {
        fprintf(stderr,
                "Your push was rejected because it contains files larger than %" PRIu64 " bytes.\n"
                "Please use git-lfs to store large files. Offending files:\n",
                h->max_regular);
        tell(h, h->n_large, h->large);
    }
    if (h->n_dangling > 0) {
        fprintf(stderr, "Your push was rejected because an LFS pointer pointed to a file that does "
                        "not exist.\nRun \"git lfs push --all origin\" first. Offending files:\n");
        tell(h, h->n_dangling, h->dangling);
    }
    return h->n_large + h->n_dangling == 0;
}

/* -------------------------------------------------------------------------------------------- run */

static hf_status begin(hook *h, hf_error *err)
{
    const char *data = getenv(SRV_HOOK_DATA);
    const char *repo = getenv(SRV_HOOK_REPO);
    const char *max = getenv(SRV_HOOK_MAX);
    char bytes[4096];
    hf_status st;
    size_t got;

    if (!data || !repo || !max || !hf__str_to_u64(hf__str_from(max), &h->max_regular))
        return hf__fail(err, HF_ERR_INVALID_ARG, "this is a hook that hf-serve runs itself");
    while ((got = fread(bytes, 1, sizeof bytes, stdin)) > 0)
        hf__buf_add(&h->updates, bytes, got);
    if (h->updates.status != HF_OK)
        return hf__fail(err, h->updates.status, "too many refs in one push");
    h->arena = hf__arena_new();
    if (!h->arena)
        return hf__fail_nomem(err);
    st = srv_store_open(&(srv_store_opts){ .data_dir = data, .must_exist = true }, &h->store, err);
    if (st == HF_OK)
        st = srv_repo_by_id(h->store, repo, h->arena, &h->repo, err);
    return st;
}

int srv_hook_run(void)
{
    const char *quarantine = getenv("GIT_QUARANTINE_PATH");
    hook h = { 0 };
    hf_error err = HF_ERROR_INIT;
    bool allowed = false;
    hf_status st;

    hf__buf_init(&h.updates, MAX_UPDATES);
    st = begin(&h, &err);
    if (st == HF_OK)
        allowed = refs_allowed(&h);
    if (allowed && quarantine) { /* else no object came: refs were deleted or moved */
        st = srv_git_each_blob(h.store, quarantine, look_at_blob, &h, &err);
        allowed = st == HF_OK && objects_allowed(&h);
    }
    if (st != HF_OK)
        fprintf(stderr, "Your push could not be looked through: %s\n", err.message);
    srv_store_close(h.store);
    hf__arena_free(h.arena);
    hf__buf_dispose(&h.updates);
    return st == HF_OK && allowed ? 0 : 1;
}

int srv_hook_done(void)
{
    hook h = { 0 };
    srv_git *git = NULL;
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    hf__buf_init(&h.updates, MAX_UPDATES);
    st = begin(&h, &err);
    if (st == HF_OK)
        st = srv_git_open(h.store, h.repo, &git, &err);
    if (st == HF_OK)
        st = srv_card_refresh(git, &err);
    if (st != HF_OK)
        fprintf(stderr, "A list may lack tags of this repo: %s\n", err.message);
    srv_git_close(git);
    srv_store_close(h.store);
    hf__arena_free(h.arena);
    hf__buf_dispose(&h.updates);
    return 0; /* the push is done */
}
