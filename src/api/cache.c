/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that look at the cache as a whole. */
#include "api/private.h"

#include "core/cancel.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

#define TELL_EVERY_MS 100

hf_status hf_cache_scan(hf_client *client, const char *cache_dir, hf_cache_info **out,
                        hf_error *err)
{
    hf__cache *cache = NULL;
    const char *dir;
    hf__buf text;
    hf_status st;

    hf__error_clear(err);
    if (!client || !out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "client or out is NULL");
    st = hf__api_dir(cache_dir ? cache_dir : client->cache_dir, &text, &dir, err);
    if (st == HF_OK)
        st = hf__cache_open(dir, false, &client->log, &cache, err);
    if (st == HF_OK)
        st = hf__cache_scan(cache, out, err);
    hf__cache_close(cache);
    hf__buf_dispose(&text);
    return st;
}

void hf_cache_info_free(hf_cache_info *info)
{
    hf__cache_info_free(info);
}

hf_status hf_cache_delete_revisions(const hf_cache_info *info,
                                    const hf_cached_revision *const *revisions, size_t n,
                                    hf_cache_plan **out, hf_error *err)
{
    hf__error_clear(err);
    if (!info || !out || (n && !revisions))
        return hf__fail(err, HF_ERR_INVALID_ARG, "info, revisions or out is NULL");
    return hf__cache_plan_revisions(info, revisions, n, out, err);
}

hf_status hf_cache_delete_files(const hf_cache_info *info, const hf_cached_file *const *files,
                                size_t n, hf_cache_plan **out, hf_error *err)
{
    hf__error_clear(err);
    if (!info || !out || (n && !files))
        return hf__fail(err, HF_ERR_INVALID_ARG, "info, files or out is NULL");
    return hf__cache_plan_files(info, files, n, out, err);
}

hf_status hf_cache_prune(const hf_cache_info *info, hf_cache_plan **out, hf_error *err)
{
    hf__error_clear(err);
    if (!info || !out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "info or out is NULL");
    return hf__cache_plan_prune(info, out, err);
}

hf_status hf_cache_plan_execute(hf_client *client, const hf_cache_plan *plan, size_t *skipped,
                                hf_error *err)
{
    hf__error_clear(err);
    if (!client || !plan)
        return hf__fail(err, HF_ERR_INVALID_ARG, "client or plan is NULL");
    return hf__cache_plan_execute(plan, &client->log, skipped, err);
}

void hf_cache_plan_free(hf_cache_plan *plan)
{
    hf__cache_plan_free(plan);
}

/* ---- verifying */

typedef struct owner {
    hf_verification pub; /* first, so that it is the handle */
    hf__arena *arena;
} owner;

typedef struct verify_call {
    hf_client *client;
    hf_verify_opts opts;
    hf_repo_ref at; /* what the listing is asked for */
    char commit[41];
    hf__cache *cache;
    hf__cache_repo *repo;
    hf__arena *arena;
    const char *root;
    hf__tree_list tree; /* of the Hub, sorted */
    const char *const *local;
    size_t n_local;
    hf_verification result;
    hf_mismatch *mismatches; /* as many as files could mismatch */
    const char **missing;
    const char **extra;
    hf_progress progress;
    uint64_t told_ms;
} verify_call;

static int tell(verify_call *c, hf_phase phase, bool now)
{
    uint64_t ms = hf__clock_ms();
    int result;

    if (!c->opts.on_progress || (!now && ms - c->told_ms < TELL_EVERY_MS))
        return 0;
    c->told_ms = ms;
    c->progress.phase = phase;
    if (c->client->has_key)
        pthread_setspecific(c->client->in_callback, c);
    result = c->opts.on_progress(&c->progress, c->opts.user);
    if (c->client->has_key)
        pthread_setspecific(c->client->in_callback, NULL);
    return result;
}

static hf_status on_bytes(uint64_t n, void *arg, hf_error *err)
{
    verify_call *c = arg;

    c->progress.bytes_done += n;
    if (hf__canceled(c->opts.cancel) || tell(c, HF_PHASE_TRANSFER, false))
        return hf__fail(err, HF_ERR_CANCELED, "cancelled");
    return HF_OK;
}

/* What is to be looked at, and what it should be. */
static hf_status find_root(verify_call *c, const hf_repo_ref *repo, hf_error *err)
{
    hf__buf path;
    hf_status st = HF_OK;

    hf__buf_init(&path, HF__MAX_PATH);
    c->at = *repo;
    if (c->opts.local_dir) {
        c->at.revision = hf__revision_or_main(repo);
        st = hf__os_realpath(c->opts.local_dir, &path, err);
    } else {
        st = hf__cache_open(c->opts.cache_dir, false, &c->client->log, &c->cache, err);
        if (st == HF_OK)
            st = hf__cache_repo_open(c->cache, repo->type, repo->id, &c->repo, err);
        if (st == HF_OK)
            st = hf__cache_which_commit(c->repo, repo->revision, c->commit, err);
        if (st == HF_OK)
            st = hf__cache_snapshot_dir(c->repo, c->commit, &path, err);
        c->at.revision = c->commit;
    }
    if (st == HF_OK) {
        c->root = hf__arena_str(c->arena, hf__buf_str(&path));
        if (!c->root)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&path);
    return st;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const hf__entry *)a)->path, ((const hf__entry *)b)->path);
}

static hf_status add_entry(hf__tree_list *list, size_t *cap, const hf_tree_entry *from,
                           hf_error *err)
{
    hf__entry *to;

    if (list->n == *cap) {
        size_t more = *cap ? *cap * 2 : 256;
        hf__entry *grown = hf__arena_array(list->arena, more, sizeof(*grown));

        if (!grown)
            return hf__fail_nomem(err);
        if (list->n)
            memcpy(grown, list->entries, list->n * sizeof(*grown));
        list->entries = grown;
        *cap = more;
    }
    to = &list->entries[list->n++];
    to->path = hf__arena_cstr(list->arena, from->path);
    to->oid = hf__arena_cstr(list->arena, from->oid ? from->oid : "");
    to->lfs_sha256 = hf__arena_cstr(list->arena, from->lfs_sha256);
    to->size = from->size;
    return to->path && to->oid && (to->lfs_sha256 || !from->lfs_sha256) ? HF_OK
                                                                        : hf__fail_nomem(err);
}

static hf_status ask_listing(verify_call *c, hf_error *err)
{
    const hf_tree_entry *entry = NULL;
    hf_tree *tree = NULL;
    size_t cap = 0;
    hf_status st = hf__hub_tree_open(c->client->hub, &c->at, NULL, HF_TREE_RECURSIVE,
                                     c->opts.cancel, &tree, err);

    c->tree.arena = hf__arena_new();
    if (st == HF_OK && !c->tree.arena)
        st = hf__fail_nomem(err);
    while (st == HF_OK) {
        st = hf__hub_tree_next(tree, &entry, err);
        if (st != HF_OK || !entry)
            break;
        if (!entry->is_directory)
            st = add_entry(&c->tree, &cap, entry, err);
    }
    hf__hub_tree_close(tree);
    if (st == HF_OK && c->tree.n)
        qsort(c->tree.entries, c->tree.n, sizeof(hf__entry), by_path);
    return st;
}

static hf_status get_listing(verify_call *c, hf_error *err)
{
    bool found = false;
    hf_status st =
        c->repo ? hf__cache_tree_read(c->repo, NULL, c->commit, &c->tree, &found, err) : HF_OK;

    return st == HF_OK && !found ? ask_listing(c, err) : st;
}

static hf_status compare(verify_call *c, const hf__entry *entry, hf_error *err)
{
    bool sha256 = entry->lfs_sha256 != NULL;
    const char *expected = sha256 ? entry->lfs_sha256 : entry->oid;
    char actual[65];
    hf_mismatch *mismatch = &c->mismatches[c->result.n_mismatches];
    hf_status st;

    c->progress.path = entry->path;
    st = hf__cache_hash_file(c->root, entry->path, sha256, actual, on_bytes, c, err);
    if (st != HF_OK)
        return st;
    c->result.n_checked++;
    c->progress.files_done++;
    if (strcmp(actual, expected) == 0)
        return HF_OK;
    mismatch->path = hf__arena_cstr(c->arena, entry->path);
    mismatch->expected = hf__arena_cstr(c->arena, expected);
    mismatch->actual = hf__arena_cstr(c->arena, actual);
    mismatch->algorithm = sha256 ? "sha256" : "git-sha1";
    c->result.n_mismatches++;
    return mismatch->path && mismatch->expected && mismatch->actual ? HF_OK : hf__fail_nomem(err);
}

/* Both lists are sorted. */
static hf_status compare_all(verify_call *c, hf_error *err)
{
    size_t i = 0;
    size_t k = 0;
    hf_status st = HF_OK;

    c->mismatches = hf__arena_array(c->arena, c->n_local + 1, sizeof(*c->mismatches));
    c->missing = hf__arena_array(c->arena, c->tree.n + 1, sizeof(*c->missing));
    c->extra = hf__arena_array(c->arena, c->n_local + 1, sizeof(*c->extra));
    if (!c->mismatches || !c->missing || !c->extra)
        return hf__fail_nomem(err);
    for (size_t e = 0; e < c->tree.n; e++)
        c->progress.bytes_total += c->tree.entries[e].size;
    c->progress.files_total = c->tree.n;
    while (st == HF_OK && (i < c->tree.n || k < c->n_local)) {
        int order = i == c->tree.n    ? 1
                    : k == c->n_local ? -1
                                      : strcmp(c->tree.entries[i].path, c->local[k]);

        if (order < 0) {
            const char *path = hf__arena_cstr(c->arena, c->tree.entries[i].path);

            c->missing[c->result.n_missing++] = path;
            c->progress.bytes_total -= c->tree.entries[i].size;
            st = path ? HF_OK : hf__fail_nomem(err);
        } else if (order > 0) {
            c->extra[c->result.n_extra++] = c->local[k];
        } else {
            st = compare(c, &c->tree.entries[i], err);
        }
        i += order <= 0;
        k += order >= 0;
    }
    return st;
}

static hf_status verify(verify_call *c, const hf_repo_ref *repo, hf_error *err)
{
    hf_status st = find_root(c, repo, err);

    if (st == HF_OK)
        st = hf__cache_list_files(c->root, c->arena, &c->local, &c->n_local, err);
    if (st == HF_OK && tell(c, HF_PHASE_PLAN, true))
        st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
    if (st == HF_OK)
        st = get_listing(c, err);
    if (st == HF_OK)
        st = compare_all(c, err);
    c->progress.path = NULL;
    if (st == HF_OK && tell(c, HF_PHASE_DONE, true))
        st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
    return st;
}

static hf_status hand_over(verify_call *c, hf_verification **out, hf_error *err)
{
    owner *owned = hf__arena_alloc(c->arena, sizeof(*owned));

    c->result.path = c->root;
    c->result.revision = hf__arena_cstr(c->arena, c->at.revision);
    if (!owned || !c->result.revision)
        return hf__fail_nomem(err);
    c->result.mismatches = c->mismatches;
    c->result.missing = c->missing;
    c->result.extra = c->extra;
    owned->pub = c->result;
    owned->arena = c->arena;
    c->arena = NULL;
    *out = &owned->pub;
    return HF_OK;
}

hf_status hf_cache_verify(hf_client *client, const hf_repo_ref *repo, const hf_verify_opts *given,
                          hf_verification **out, hf_error *err)
{
    verify_call c = { .client = client };
    hf__buf cache_dir;
    hf__buf local_dir;
    hf_status st = hf__api_enter(client, err);

    if (st != HF_OK)
        return st;
    if (!out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__api_options(&c.opts, sizeof(c.opts), given, err);
    if (st == HF_OK && c.opts.flags)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", c.opts.flags);
    if (st == HF_OK && c.opts.cache_dir && c.opts.local_dir)
        st = hf__fail(err, HF_ERR_INVALID_ARG,
                      "a cache directory and a local directory cannot be looked at both at once");
    if (st != HF_OK)
        return st;
    c.progress.struct_size = sizeof(c.progress);
    st = hf__api_dir(c.opts.cache_dir ? c.opts.cache_dir : client->cache_dir, &cache_dir,
                     &c.opts.cache_dir, err);
    hf__buf_init(&local_dir, HF__MAX_PATH);
    if (st == HF_OK)
        st = hf__api_dir(c.opts.local_dir, &local_dir, &c.opts.local_dir, err);
    c.arena = hf__arena_new();
    if (st == HF_OK && !c.arena)
        st = hf__fail_nomem(err);
    if (st == HF_OK)
        st = verify(&c, repo, err);
    if (st == HF_OK)
        st = hand_over(&c, out, err);
    hf__tree_list_dispose(&c.tree);
    hf__cache_repo_close(c.repo);
    hf__cache_close(c.cache);
    hf__arena_free(c.arena);
    hf__buf_dispose(&cache_dir);
    hf__buf_dispose(&local_dir);
    return st;
}

void hf_verification_free(hf_verification *verification)
{
    if (verification)
        hf__arena_free(((owner *)(void *)verification)->arena);
}
