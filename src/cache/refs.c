/* SPDX-License-Identifier: Apache-2.0 */
/* Which commit a branch or tag was last seen at (cache.md 10), and which files a commit lacks
 * (cache.md 11). */
#include "cache/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

/* Text of refs/<revision>, trimmed, into out; *found false when there is none. */
static hf_status ref_text(hf__cache_repo *repo, const char *revision, hf__buf *out, bool *found,
                          hf_error *err)
{
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/refs/%s", repo->path, revision);
    st = path.status == HF_OK
             ? hf__os_read_file(hf__buf_cstr(&path), out, found, err)
             : hf__fail(err, path.status, "the path of ref '%s' is too long", revision);
    hf__buf_dispose(&path);
    return st;
}

hf_status hf__cache_ref_read(hf__cache_repo *repo, const char *revision, char commit[41],
                             hf_error *err)
{
    hf__buf text;
    hf__str trimmed;
    bool found = false;
    hf_status st;

    commit[0] = '\0';
    hf__buf_init(&text, HF__MAX_REF_FILE);
    st = ref_text(repo, revision, &text, &found, err);
    /* A ref that is a directory, is huge, or cannot be read says nothing, and nothing more. */
    if (st == HF_ERR_IO || st == HF_ERR_PERMISSION || (st == HF_ERR_LIMIT && text.len))
        st = HF_OK;
    trimmed = hf__str_trim(hf__buf_str(&text));
    if (st == HF_OK && found && hf__str_is_hex(trimmed, 40)) {
        memcpy(commit, trimmed.ptr, 40);
        commit[40] = '\0';
    } else if (st == HF_OK && found) {
        hf__logf(repo->cache->log, HF_LOG_WARNING,
                 "the ref '%s' of '%s' is not a commit id; ignored", revision, repo->folder);
    }
    if (st == HF_OK)
        hf__error_clear(err);
    hf__buf_dispose(&text);
    return st;
}

hf_status hf__cache_ref_write(hf__cache_repo *repo, const char *revision, const char *commit,
                              hf_error *err)
{
    char rel[HF__MAX_REVISION + 16];
    char dir_rel[HF__MAX_REVISION + 16];
    hf__buf now;
    const char *name;
    hf__os_dir dir;
    bool found = false;
    bool same;
    hf_status st;

    if (strcmp(revision, commit) == 0)
        return HF_OK;
    /* Compared as it is, not trimmed: the Python client takes a newline for a part of the name. */
    hf__buf_init(&now, HF__MAX_REF_FILE);
    st = ref_text(repo, revision, &now, &found, NULL);
    same = st == HF_OK && found && hf__str_eq(hf__buf_str(&now), hf__str_from(commit));
    hf__buf_dispose(&now);
    if (st == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    if (same)
        return HF_OK;
    (void)snprintf(rel, sizeof(rel), "refs/%s", revision);
    st = hf__cache_split(rel, dir_rel, sizeof(dir_rel), &name, err);
    if (st == HF_OK)
        st = hf__cache_repo_dir(repo, dir_rel, true, &dir, &found, err);
    if (st == HF_OK)
        st = hf__cache_write_at(&dir, name, hf__str_from(commit), rel, err);
    return st;
}

hf_status hf__cache_no_exist_write(hf__cache_repo *repo, const char *commit, const char *path,
                                   hf_error *err)
{
    hf__buf rel;
    char dir_rel[HF__MAX_REPO_PATH + 64];
    const char *name;
    hf__os_dir dir;
    bool found;
    hf_status st;

    hf__buf_init(&rel, HF__MAX_PATH);
    hf__buf_addf(&rel, ".no_exist/%s/%s", commit, path);
    if (rel.status != HF_OK)
        return hf__fail(err, rel.status, "the path of '%.200s' is too long", path);
    st = hf__cache_split(hf__buf_cstr(&rel), dir_rel, sizeof(dir_rel), &name, err);
    if (st == HF_OK)
        st = hf__cache_repo_dir(repo, dir_rel, true, &dir, &found, err);
    if (st == HF_OK)
        st = hf__cache_write_at(&dir, name, HF__STR(""), hf__buf_cstr(&rel), err);
    hf__buf_dispose(&rel);
    return st;
}

hf_status hf__cache_try_load(hf__cache *cache, const hf_repo_ref *repo_ref, const char *path,
                             hf_cache_state *state, hf__buf *out, hf_error *err)
{
    hf__cache_repo *repo = NULL;
    const char *revision = hf__revision_or_main(repo_ref);
    char commit[41];
    hf__buf marker;
    bool found = false;
    hf_status st;

    *state = HF_CACHE_UNKNOWN;
    hf__buf_init(&marker, HF__MAX_PATH);
    st = hf__cache_repo_open(cache, repo_ref->type, repo_ref->id, &repo, err);
    if (st == HF_OK)
        st = hf__cache_ref_read(repo, revision, commit, err);
    if (st != HF_OK)
        goto done;
    if (!commit[0])
        (void)snprintf(commit, sizeof(commit), "%s", hf__is_commit(revision) ? revision : "");
    if (!commit[0])
        goto done;
    hf__buf_addf(&marker, "%s/.no_exist/%s/%s", repo->path, commit, path);
    if (marker.status == HF_ERR_NO_MEMORY) {
        st = hf__fail_nomem(err);
        goto done;
    }
    st = hf__os_file_inside(cache->dir, hf__buf_cstr(&marker), &found, NULL, err);
    if (st == HF_OK && found) {
        *state = HF_CACHE_ABSENT;
        goto done;
    }
    if (st == HF_OK)
        st = hf__cache_pointer_find(repo, commit, path, &found, NULL, err);
    if (st == HF_OK && found)
        st = hf__cache_pointer_path(repo, commit, path, out, err);
    if (st == HF_OK && found)
        *state = HF_CACHE_PRESENT;
done:
    hf__cache_repo_close(repo);
    hf__buf_dispose(&marker);
    return st;
}
