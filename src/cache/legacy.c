/* SPDX-License-Identifier: Apache-2.0 */
/* The flat cache of the first client library (cache.md 22): names made of URL and etag, with a JSON
 * sidecar. */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

hf_status hf__legacy_name(const char *url, const char *raw_etag, hf__legacy_file *out,
                          hf_error *err)
{
    char url_hash[HF__HASH_HEX_MAX + 1];
    char etag_hash[HF__HASH_HEX_MAX + 1] = "";
    bool h5 = hf__str_ends(hf__str_from(url), HF__STR(".h5"));
    hf_status st = hf__hash_text(HF__HASH_SHA256, hf__str_from(url), url_hash, err);

    if (st == HF_OK && raw_etag && *raw_etag)
        st = hf__hash_text(HF__HASH_SHA256, hf__str_from(raw_etag), etag_hash, err);
    if (st == HF_OK)
        (void)snprintf(out->name, sizeof(out->name), "%s%s%s%s", url_hash, etag_hash[0] ? "." : "",
                       etag_hash, h5 ? ".h5" : "");
    return st;
}

static bool is_candidate(hf__str name, hf__str prefix)
{
    return hf__str_starts(name, prefix) && name.len > prefix.len && name.ptr[prefix.len] == '.' &&
           !hf__str_ends(name, HF__STR(".json")) && !hf__str_ends(name, HF__STR(".lock")) &&
           !hf__str_ends(name, HF__STR(".incomplete"));
}

/* Any version of the URL will do when its etag cannot be asked for; the newest is the
 * best guess. */
hf_status hf__legacy_find_any(const char *dir, const char *url, hf__buf *path, bool *found,
                              hf_error *err)
{
    hf__legacy_file base;
    hf__os_iter *iter = NULL;
    const char *name;
    hf__os_type type;
    double newest = 0;
    hf_status st = hf__legacy_name(url, NULL, &base, err);

    *found = false;
    base.name[HF__HASH_HEX_MAX] = '\0'; /* without ".h5" */
    if (st == HF_OK)
        st = hf__os_iter_open(dir, &iter, err);
    while (st == HF_OK && iter) {
        hf__os_stat info;
        hf__buf full;

        st = hf__os_iter_next(iter, &name, &type, err);
        if (st != HF_OK || !name)
            break;
        if (type != HF__OS_FILE || !is_candidate(hf__str_from(name), hf__str_from(base.name)))
            continue;
        hf__buf_init(&full, HF__MAX_PATH);
        hf__buf_addf(&full, "%s/%s", dir, name);
        if (full.status == HF_OK && hf__os_lstat_path(hf__buf_cstr(&full), &info, NULL) == HF_OK &&
            info.type == HF__OS_FILE && (!*found || info.mtime > newest)) {
            *found = true;
            newest = info.mtime;
            hf__buf_reset(path);
            hf__buf_add_str(path, hf__buf_str(&full));
        }
        if (full.status == HF_ERR_NO_MEMORY || path->status == HF_ERR_NO_MEMORY)
            st = hf__fail_nomem(err);
        hf__buf_dispose(&full);
    }
    hf__os_iter_close(iter);
    return st;
}

/* The directory that a file of the flat cache lies in, made when absent; a forced name may have
 * several parts. */
static hf_status open_dir_of(const char *dir, const char *name, hf__os_dir *out, const char **last,
                             char sub[HF__MAX_REPO_PATH + 1], hf_error *err)
{
    hf__os_dir root;
    bool found;
    hf_status st = hf__os_mkdirs(dir, CACHE_DIR_MODE, err);

    if (st == HF_OK)
        st = hf__cache_split(name, sub, HF__MAX_REPO_PATH + 1, last, err);
    if (st == HF_OK)
        st = hf__os_dir_open(dir, &root, err);
    if (st != HF_OK)
        return st;
    st = hf__os_dir_at(&root, sub, CACHE_DIR_MODE, out, &found, err);
    hf__os_dir_close(&root);
    return st;
}

hf_status hf__legacy_lock(const char *dir, const char *name, hf__os_lock *out, bool *got,
                          hf_error *err)
{
    char sub[HF__MAX_REPO_PATH + 1];
    char lock_name[300];
    const char *last;
    hf__os_dir at;
    hf__buf path;
    hf_status st = open_dir_of(dir, name, &at, &last, sub, err);

    *got = false;
    if (st != HF_OK)
        return st;
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/%s.lock", dir, name);
    (void)snprintf(lock_name, sizeof(lock_name), "%s.lock", last);
    st = path.status == HF_OK
             ? hf__os_lock_try_at(&at, lock_name, hf__buf_cstr(&path), out, got, err)
             : hf__fail(err, path.status, "the lock's path is too long");
    hf__buf_dispose(&path);
    hf__os_dir_close(&at);
    return st;
}

hf_status hf__legacy_begin(const char *dir, const char *name, uint64_t size, hf__cache_part **out,
                           hf_error *err)
{
    char sub[HF__MAX_REPO_PATH + 1];
    char stem[300];
    const char *last;
    hf__os_dir at;
    hf__buf dir_path;
    hf__buf final_path;
    hf_status st = open_dir_of(dir, name, &at, &last, sub, err);

    if (st != HF_OK)
        return st;
    hf__buf_init(&dir_path, HF__MAX_PATH);
    hf__buf_init(&final_path, HF__MAX_PATH);
    hf__buf_addf(&dir_path, "%s%s%s", dir, *sub ? "/" : "", sub);
    hf__buf_addf(&final_path, "%s/%s", dir, name);
    /* Not "<name>.": old clients take any file of such a name for the one they look for. */
    (void)snprintf(stem, sizeof(stem), "part-%.200s", last);
    st = hf__part_open(&(hf__part_place){ .dir = &at,
                                          .dir_path = hf__buf_cstr(&dir_path),
                                          .stem = stem,
                                          .final_dir = &at,
                                          .final = last,
                                          .final_path = hf__buf_cstr(&final_path) },
                       size, out, err);
    hf__buf_dispose(&dir_path);
    hf__buf_dispose(&final_path);
    hf__os_dir_close(&at);
    return st;
}

hf_status hf__legacy_sidecar_write(const char *file_path, const char *url, const char *raw_etag,
                                   hf_error *err)
{
    hf__buf path;
    hf__buf text;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_init(&text, HF__MAX_SMALL_FILE);
    hf__buf_addf(&path, "%s.json", file_path);
    hf__buf_adds(&text, "{\"url\": ");
    hf__json_add_string(&text, hf__str_from(url));
    hf__buf_adds(&text, ", \"etag\": ");
    hf__json_add_string(&text, hf__str_from(raw_etag));
    hf__buf_adds(&text, "}");
    if (path.status == HF_ERR_NO_MEMORY || text.status == HF_ERR_NO_MEMORY)
        st = hf__fail_nomem(err);
    else if (path.status != HF_OK || text.status != HF_OK)
        st = hf__fail(err, HF_ERR_LIMIT, "the sidecar of '%s' is too long", file_path);
    else
        st =
            hf__os_write_file_atomic(hf__buf_cstr(&path), hf__buf_str(&text), CACHE_FILE_MODE, err);
    hf__buf_dispose(&path);
    hf__buf_dispose(&text);
    return st;
}
