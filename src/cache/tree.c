/* SPDX-License-Identifier: Apache-2.0 */
/* trees/<commit>.json: the listing of a commit (cache.md 12), in the bytes the Python client
 * writes. */
#include "cache/private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void hf__tree_list_dispose(hf__tree_list *list)
{
    hf__arena_free(list->arena);
    *list = (hf__tree_list){ NULL, NULL, 0 };
}

static bool is_hash(const char *text)
{
    return text && hf__str_is_hex(hf__str_from(text), 64);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const hf__entry *)a)->path, ((const hf__entry *)b)->path);
}

static hf_status tree_path(hf__cache_repo *repo, hf__cache_local *local, const char *commit,
                           hf__buf *out, hf_error *err)
{
    if (local)
        hf__buf_addf(out, "%s/.cache/huggingface/trees/%s.json", local->dir, commit);
    else
        hf__buf_addf(out, "%s/trees/%s.json", repo->path, commit);
    return out->status == HF_OK ? HF_OK
                                : hf__fail(err, out->status, "the path of the listing is too long");
}

/* ---- reading */

static const char no_memory[] = "out of memory";

/* NULL, or why the entry cannot be used. */
static const char *read_entry(hf__arena *arena, const char *path, const hf__json *node,
                              hf__entry *entry)
{
    const char *oid = hf__json_text(node, "blob_id");
    const char *sha256 = hf__json_text(node, "lfs_sha256");
    const char *xet = hf__json_text(node, "xet_hash");

    if (hf__repo_path_check(path, NULL) != HF_OK)
        return "it names an unsafe path";
    if (!hf__json_u64(node, "size", &entry->size) || !oid)
        return "an entry lacks size or blob_id";
    if (!hf__str_is_hex(hf__str_from(oid), 40) || (sha256 && !is_hash(sha256)))
        return "an entry's hash is malformed";
    if (xet && !is_hash(xet))
        return "a Xet hash is malformed";
    entry->path = hf__arena_cstr(arena, path);
    entry->oid = hf__arena_cstr(arena, oid);
    entry->lfs_sha256 = hf__arena_cstr(arena, sha256);
    entry->xet_hash = hf__arena_cstr(arena, xet);
    if (sha256)
        (void)hf__json_u64(node, "lfs_size", &entry->lfs_size);
    return entry->path && entry->oid && (entry->lfs_sha256 || !sha256) && (entry->xet_hash || !xet)
               ? NULL
               : no_memory;
}

static const char *read_files(const hf__json *doc, hf__tree_list *out)
{
    const hf__json *files = hf__json_get(doc, "files");
    const hf__json *value;
    const char *path;
    void *iter = NULL;

    if (!hf__json_is_object(files))
        return "it has no files";
    out->arena = hf__arena_new();
    out->entries =
        out->arena ? hf__arena_array(out->arena, hf__json_len(files) + 1, sizeof(hf__entry)) : NULL;
    if (!out->entries)
        return no_memory;
    while ((iter = hf__json_next(files, iter, &path, &value)) != NULL) {
        const char *problem = read_entry(out->arena, path, value, &out->entries[out->n]);

        if (problem)
            return problem;
        out->n++;
    }
    qsort(out->entries, out->n, sizeof(hf__entry), by_path);
    return NULL;
}

hf_status hf__cache_tree_read(hf__cache_repo *repo, hf__cache_local *local, const char *commit,
                              hf__tree_list *out, bool *found, hf_error *err)
{
    const char *problem = NULL;
    hf__json *doc = NULL;
    hf__buf path;
    hf__buf text;
    hf_error why = HF_ERROR_INIT;
    uint64_t version = 0;
    hf_status st;

    *found = false;
    *out = (hf__tree_list){ NULL, NULL, 0 };
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_init(&text, HF__MAX_TREE_FILE);
    st = tree_path(repo, local, commit, &path, err);
    if (st != HF_OK)
        goto done;
    if (hf__os_read_file(hf__buf_cstr(&path), &text, found, &why) != HF_OK ||
        (*found && hf__json_parse(hf__buf_str(&text), "listing", &doc, &why) != HF_OK))
        problem = why.status == HF_ERR_NO_MEMORY ? no_memory : why.message;
    else if (!*found)
        goto done;
    else if (!hf__json_u64(doc, "format_version", &version) || version != 1)
        *found = false; /* of a later client: not for us, and not broken */
    else
        problem = read_files(doc, out);
    if (problem == no_memory) {
        st = hf__fail_nomem(err);
        *found = false;
    } else if (problem) {
        hf__logf(repo->cache->log, HF_LOG_WARNING,
                 "the cached listing '%s' cannot be used and is ignored: %s", hf__buf_cstr(&path),
                 problem);
        *found = false;
    }
    if (!*found)
        hf__tree_list_dispose(out);
done:
    hf__json_free(doc);
    hf__buf_dispose(&path);
    hf__buf_dispose(&text);
    return st;
}

/* ---- writing */

static void add_entry(hf__buf *out, const hf__entry *entry, bool first)
{
    hf__buf_adds(out, first ? "\n  " : ",\n  ");
    hf__json_add_string(out, hf__str_from(entry->path));
    hf__buf_addf(out, ": {\n   \"size\": %" PRIu64 ",\n   \"blob_id\": \"%s\"", entry->size,
                 entry->oid);
    if (entry->lfs_sha256)
        hf__buf_addf(out, ",\n   \"lfs_sha256\": \"%s\",\n   \"lfs_size\": %" PRIu64,
                     entry->lfs_sha256, entry->lfs_size);
    if (entry->xet_hash)
        hf__buf_addf(out, ",\n   \"xet_hash\": \"%s\"", entry->xet_hash);
    hf__buf_adds(out, "\n  }");
}

hf_status hf__cache_tree_write(hf__cache_repo *repo, hf__cache_local *local, const char *commit,
                               const hf__tree_list *list, hf_error *err)
{
    hf__buf text;
    hf__os_dir dir = { -1 };
    char name[64];
    bool found;
    hf_status st;

    for (size_t i = 0; i < list->n; i++)
        if (list->entries[i].xet_hash && !is_hash(list->entries[i].xet_hash))
            return HF_OK; /* not to be written (cache.md 12) */
    hf__buf_init(&text, HF__MAX_TREE_FILE);
    hf__buf_adds(&text, "{\n \"format_version\": 1,\n \"files\": {");
    for (size_t i = 0; i < list->n; i++)
        add_entry(&text, &list->entries[i], i == 0);
    hf__buf_adds(&text, list->n ? "\n }\n}" : "}\n}");
    (void)snprintf(name, sizeof(name), "%s.json", commit);
    if (text.status != HF_OK) {
        st = hf__fail(err, text.status, "cannot hold the listing of '%s'", commit);
    } else if (local) {
        /* The first file is not here yet, so the directory may not be either. */
        st = hf__cache_local_prepare(local, err);
        if (st == HF_OK)
            st = hf__os_dir_at(&local->root, ".cache/huggingface/trees", CACHE_DIR_MODE, &dir,
                               &found, err);
        if (st == HF_OK)
            st = hf__cache_write_at(&dir, name, hf__buf_str(&text), name, err);
        hf__os_dir_close(&dir);
    } else {
        st = hf__cache_repo_dir(repo, "trees", true, &dir, &found, err);
        if (st == HF_OK)
            st = hf__cache_write_at(&dir, name, hf__buf_str(&text), name, err);
    }
    hf__buf_dispose(&text);
    return st;
}
