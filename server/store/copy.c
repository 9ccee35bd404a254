/* SPDX-License-Identifier: Apache-2.0 */
/* A repository that begins as the copy of another. Objects never change, so both share them on disk by hard links. */
#define _GNU_SOURCE /* copy_file_range */
#include "store/private.h"

#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* For file systems that know no hard links, or have enough of them for one file. */
static hf_status copy_bytes(const char *from, const char *to, hf_error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    ssize_t got = in < 0 || out < 0 ? -1 : 1;
    hf_status st = HF_OK;

    while (got > 0) {
        got = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
        if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (got < 0)
        st = hf__fail_os(err, errno, "cannot copy '%s'", from);
    hf__os_close(&in);
    hf__os_close(&out);
    return st;
}

bool srv__git_is_unfinished(const char *name)
{
    hf__str text = hf__str_from(name);

    return hf__str_starts(text, HF__STR("tmp_")) || hf__str_starts(text, HF__STR("incoming-")) ||
           hf__str_starts(text, HF__STR("pack_git2_")) || hf__str_ends(text, HF__STR(".lock"));
}

/* Also not what keeps a pack from git gc while its push goes on: nobody would take it off the copy's. */
static bool is_wanted(const char *name)
{
    return !srv__git_is_unfinished(name) && !hf__str_ends(hf__str_from(name), HF__STR(".keep"));
}

static hf_status link_folder(const char *from, const char *to, int depth, hf_error *err)
{
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    hf__buf source;
    hf__buf target;
    hf_status st = hf__os_mkdirs(to, 0777, err);

    hf__buf_init(&source, HF__MAX_PATH);
    hf__buf_init(&target, HF__MAX_PATH);
    if (st == HF_OK)
        st = hf__os_iter_open(from, &iter, err);
    while (st == HF_OK && iter && (st = hf__os_iter_next(iter, &name, &type, err)) == HF_OK &&
           name) {
        if (!is_wanted(name))
            continue;
        hf__buf_reset(&source);
        hf__buf_reset(&target);
        hf__buf_addf(&source, "%s/%s", from, name);
        hf__buf_addf(&target, "%s/%s", to, name);
        if (source.status != HF_OK || target.status != HF_OK)
            st = hf__fail(err, HF_ERR_LIMIT, "path of the data folder too long");
        else if (type == HF__OS_DIR && depth > 0)
            st = link_folder(hf__buf_cstr(&source), hf__buf_cstr(&target), depth - 1, err);
        else if (type == HF__OS_FILE && link(hf__buf_cstr(&source), hf__buf_cstr(&target)) != 0)
            st = copy_bytes(hf__buf_cstr(&source), hf__buf_cstr(&target), err);
    }
    hf__os_iter_close(iter);
    hf__buf_dispose(&source);
    hf__buf_dispose(&target);
    return st;
}

typedef struct ref_copy {
    srv_git *git;
    git_strarray names;
    git_oid *targets;
} ref_copy;

/* Before the objects: what a ref leads to is there when the ref is. */
static hf_status read_refs(srv_git *source, ref_copy *refs, hf__arena *arena, hf_error *err)
{
    int rc = git_reference_list(&refs->names, source->repo);

    if (rc != 0)
        return srv__git_fail(rc, err, "cannot list the refs");
    refs->targets = hf__arena_array(arena, refs->names.count + 1, sizeof *refs->targets);
    if (!refs->targets)
        return hf__fail_nomem(err);
    for (size_t i = 0; i < refs->names.count; i++) {
        const char *name = refs->names.strings[i];

        if ((strncmp(name, "refs/heads/", 11) != 0 && strncmp(name, "refs/tags/", 10) != 0) ||
            git_reference_name_to_id(&refs->targets[i], source->repo, name) != 0)
            refs->names.strings[i][0] = '\0'; /* pull requests stay where they were made */
    }
    return HF_OK;
}

static hf_status write_refs(srv_store *store, const ref_copy *refs, const char *path, hf_error *err)
{
    srv_git *git = NULL;
    hf_status st = srv__git_open_at(store, path, &git, err);

    for (size_t i = 0; st == HF_OK && i < refs->names.count; i++) {
        const char *name = refs->names.strings[i];
        git_reference *made = NULL;
        int rc;

        if (!name[0])
            continue;
        pthread_mutex_lock(&store->ref_lock);
        rc = git_reference_create(&made, git->repo, name, &refs->targets[i], 0, "duplicate");
        pthread_mutex_unlock(&store->ref_lock);
        git_reference_free(made);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot make '%s'", name);
    }
    srv_git_close(git);
    return st;
}

hf_status srv__git_copy(srv_store *store, const srv_repo *source, const char *path, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    srv_git *git = NULL;
    ref_copy refs = { 0 };
    hf__buf from;
    hf__buf to;
    hf_status st = arena ? srv_git_open(store, source, &git, err) : hf__fail_nomem(err);

    hf__buf_init(&from, HF__MAX_PATH);
    hf__buf_init(&to, HF__MAX_PATH);
    hf__buf_addf(&from, "%s/objects", source->git_dir);
    hf__buf_addf(&to, "%s/objects", path);
    if (st == HF_OK)
        st = read_refs(git, &refs, arena, err);
    if (st == HF_OK)
        st = link_folder(hf__buf_cstr(&from), hf__buf_cstr(&to), 1, err);
    if (st == HF_OK)
        st = write_refs(store, &refs, path, err);
    git_strarray_dispose(&refs.names);
    srv_git_close(git);
    hf__buf_dispose(&from);
    hf__buf_dispose(&to);
    hf__arena_free(arena);
    return st;
}
