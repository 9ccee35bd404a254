/* SPDX-License-Identifier: Apache-2.0 */
/* Listings, page by page (hub-http.md 4.3, 4.4), and entries by path (4.5). */
#include "hub/pages.h"
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdlib.h>

enum { PATHS_PER_REQUEST = 500 };

/* ---- one entry */

static bool hex_or_null(const char *text, size_t len)
{
    return !text || hf__str_is_hex(hf__str_from(text), len);
}

hf_status hf__hub_entry_read(hf__arena *arena, const hf__json *node, hf_tree_entry *out,
                             hf_error *err)
{
    const hf__json *lfs = hf__json_get(node, "lfs");
    const hf__json *last = hf__json_get(node, "lastCommit");
    hf__str raw = hf__json_str(hf__json_get(node, "path"));
    const char *path = hf__json_text(node, "path");
    const char *type = hf__json_text(node, "type");
    const char *oid = hf__json_text(node, "oid");
    const char *sha256 = hf__json_text(lfs, "oid");
    const char *xet = hf__json_text(node, "xetHash");
    hf_status st;

    if (raw.ptr && !path)
        return hf__fail(err, HF_ERR_UNSAFE_PATH,
                        "the listing names a path with a NUL byte ('%.200s…'), which is refused",
                        raw.ptr);
    if (!path || !type)
        return hf__fail(err, HF_ERR_PROTOCOL, "the listing has an entry without path or type");
    st = hf__repo_path_check(path, err);
    if (st != HF_OK)
        return st;
    out->is_directory = strcmp(type, "directory") == 0;
    if (!out->is_directory && (!oid || !hf__json_u64(node, "size", &out->size)))
        return hf__fail(err, HF_ERR_PROTOCOL, "the listing's entry '%.200s' lacks oid or size",
                        path);
    if (!hex_or_null(oid, 40) || !hex_or_null(sha256, 64) || !hex_or_null(xet, 64))
        return hf__fail(err, HF_ERR_PROTOCOL, "the listing's entry '%.200s' has a malformed hash",
                        path);
    if (sha256 && !hf__json_u64(lfs, "size", &out->lfs_size))
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the listing's entry '%.200s' lacks the size of its LFS object", path);
    (void)hf__json_u64(lfs, "pointerSize", &out->lfs_pointer_size);
    out->path = hf__arena_cstr(arena, path);
    out->oid = hf__arena_cstr(arena, oid);
    out->lfs_sha256 = hf__arena_cstr(arena, sha256);
    out->xet_hash = hf__arena_cstr(arena, xet);
    out->last_commit = hf__arena_cstr(arena, hf__json_text(last, "id"));
    out->last_commit_title = hf__arena_cstr(arena, hf__json_text(last, "title"));
    out->last_commit_date = hf__arena_cstr(arena, hf__json_text(last, "date"));
    return hf__arena_failed(arena) ? hf__fail_nomem(err) : HF_OK;
}

/* ---- pages */

struct hf_tree {
    hf__pages pages;
    hf__arena *arena; /* of the entry given out last */
    hf_tree_entry entry;
    size_t n_entries;
};

hf_status hf__hub_tree_open(hf__hub *hub, const hf_repo_ref *repo, const char *path, uint32_t flags,
                            const hf_cancel *cancel, hf_tree **out, hf_error *err)
{
    hf_tree *tree = calloc(1, sizeof(*tree));
    hf__buf *url;

    if (!tree)
        return hf__fail_nomem(err);
    hf__pages_init(&tree->pages, hub, cancel);
    url = &tree->pages.url;
    hf__buf_adds(url, hub->endpoint);
    hf__hub_add_api(url, repo);
    hf__buf_adds(url, "/tree/");
    hf__buf_add_quoted(url, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    if (path && *path) {
        hf__buf_addc(url, '/');
        hf__buf_add_quoted(url, hf__str_from(path), HF__QUOTE_SEGMENT);
    }
    hf__buf_addf(url, "?recursive=%s&expand=%s", flags & HF_TREE_RECURSIVE ? "true" : "false",
                 flags & HF_TREE_EXPAND ? "true" : "false");
    if (url->status != HF_OK) {
        hf_status st = hf__fail(err, url->status, "the URL is too long");

        hf__hub_tree_close(tree);
        return st;
    }
    *out = tree;
    return HF_OK;
}

void hf__hub_tree_hurry(hf_tree *tree)
{
    tree->pages.hurried = true;
}

void hf__hub_tree_close(hf_tree *tree)
{
    if (!tree)
        return;
    hf__pages_dispose(&tree->pages);
    hf__arena_free(tree->arena);
    free(tree);
}

hf_status hf__hub_tree_next(hf_tree *tree, const hf_tree_entry **out, hf_error *err)
{
    hf__pages *pages = &tree->pages;
    hf_status st;

    while (pages->at >= (pages->page ? hf__json_len(pages->page) : 0)) {
        if (pages->url.len == 0) {
            *out = NULL;
            return HF_OK;
        }
        st = hf__pages_fetch(pages, err);
        if (st != HF_OK)
            return st;
    }
    if (++tree->n_entries > HF__MAX_TREE_ENTRIES)
        return hf__fail(err, HF_ERR_LIMIT, "the listing has more than %zu entries",
                        HF__MAX_TREE_ENTRIES);
    hf__arena_free(tree->arena);
    tree->arena = hf__arena_new();
    if (!tree->arena)
        return hf__fail_nomem(err);
    memset(&tree->entry, 0, sizeof(tree->entry));
    st = hf__hub_entry_read(tree->arena, hf__json_at(pages->page, pages->at++), &tree->entry, err);
    if (st == HF_OK)
        *out = &tree->entry;
    return hf__pages_blame(pages, st, err);
}

/* ---- paths-info */

typedef struct paths_owner {
    hf_paths_info pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
    hf_tree_entry *entries;
    size_t cap;
} paths_owner;

static hf_status add_answer(paths_owner *owner, const hf__json *page, hf_error *err)
{
    size_t n = hf__json_is_array(page) ? hf__json_len(page) : 0;
    hf_status st = HF_OK;

    if (!hf__json_is_array(page))
        return hf__fail(err, HF_ERR_PROTOCOL, "the answer to paths-info is not a list");
    if (n > owner->cap - owner->pub.n_entries)
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the server answers with more entries than were asked for");
    for (size_t i = 0; st == HF_OK && i < n; i++)
        st = hf__hub_entry_read(owner->arena, hf__json_at(page, i),
                                &owner->entries[owner->pub.n_entries++], err);
    return st;
}

static hf_status ask(hf__hub *hub, const hf_repo_ref *repo, const char *const *paths, size_t n,
                     uint32_t flags, const hf_cancel *cancel, paths_owner *owner, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "POST",
                                  .content_type = "application/json",
                                  .retry = HF__NET_RETRY_STANDARD,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = hub->read_timeout_ms };
    hf__json *page = NULL;
    hf__net_resp resp;
    hf__buf url;
    hf__buf body;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, HF__MAX_JSON_BYTES);
    hf__buf_adds(&url, hub->endpoint);
    hf__hub_add_api(&url, repo);
    hf__buf_adds(&url, "/paths-info/");
    hf__buf_add_quoted(&url, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    hf__buf_adds(&body, "{\"paths\": [");
    for (size_t i = 0; i < n; i++) {
        hf__buf_adds(&body, i ? ", " : "");
        hf__json_add_string(&body, hf__str_from(paths[i]));
    }
    hf__buf_addf(&body, "], \"expand\": %s}", flags & HF_TREE_EXPAND ? "true" : "false");
    if (url.status != HF_OK || body.status != HF_OK) {
        st = url.status == HF_ERR_NO_MEMORY || body.status == HF_ERR_NO_MEMORY
                 ? hf__fail_nomem(err)
                 : hf__fail(err, HF_ERR_LIMIT, "the request for %zu paths is too large", n);
        goto done;
    }
    exchange.url = hf__buf_cstr(&url);
    exchange.body = hf__buf_cstr(&body);
    exchange.body_len = body.len;
    st = hf__hub_call(hub, &exchange, cancel, &resp, err);
    if (st != HF_OK)
        goto done;
    st = hf__hub_json(&resp, "answer to paths-info", &page, err);
    if (st == HF_OK)
        st = add_answer(owner, page, err);
    hf__json_free(page);
    hf__net_resp_dispose(&resp);
done:
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

hf_status hf__hub_paths_info(hf__hub *hub, const hf_repo_ref *repo, const char *const *paths,
                             size_t n_paths, uint32_t flags, const hf_cancel *cancel,
                             hf_paths_info **out, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    paths_owner *owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
    hf_status st = HF_OK;

    if (owner) {
        owner->arena = arena;
        owner->cap = n_paths;
        owner->entries = hf__arena_array(arena, n_paths + 1, sizeof(*owner->entries));
        owner->pub.entries = owner->entries;
    }
    if (!owner || !owner->entries)
        st = hf__fail_nomem(err);
    for (size_t i = 0; st == HF_OK && i < n_paths; i += PATHS_PER_REQUEST)
        st = ask(hub, repo, paths + i,
                 n_paths - i < PATHS_PER_REQUEST ? n_paths - i : PATHS_PER_REQUEST, flags, cancel,
                 owner, err);
    if (st != HF_OK) {
        hf__arena_free(arena);
        return st;
    }
    *out = &owner->pub;
    return HF_OK;
}

void hf__hub_paths_info_free(hf_paths_info *info)
{
    if (info)
        hf__arena_free(((paths_owner *)info)->arena);
}
