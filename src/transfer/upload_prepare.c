/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be settled before a list's files move: the repo and branch are there, which files of
 * the repo a pattern deletes, what is copied. */
#include "transfer/upload.h"

#include <stdlib.h>

#define MAX_CARD    ((size_t)1024 * 1024)
#define MAX_REGULAR ((size_t)16 * 1024 * 1024) /* of a copy that is no LFS file */

/* ---- repo and branch */

static hf_status make_repo(up_run *r, hf_error *err)
{
    uint32_t flags = r->opts->flags;
    int private_ = flags & HF_UPLOAD_PRIVATE ? 1 : flags & HF_UPLOAD_PUBLIC ? 0 : -1;
    hf_status st;

    if (!(flags & HF_UPLOAD_CREATE_REPO))
        return HF_OK;
    st = hf__hub_repo_ensure(r->ctx->hub, &r->base, private_, r->opts->space_sdk, &r->watch, r->id,
                             err);
    if (st == HF_OK && r->id[0])
        r->base.id = r->id;
    return st;
}

static hf_status make_branch(up_run *r, hf_error *err)
{
    const char *revision = hf__revision_or_main(&r->base);
    bool made = false;
    hf_status st = HF_OK;

    if (!(r->opts->flags & HF_UPLOAD_CREATE_BRANCH) || strcmp(revision, "main") == 0 ||
        strncmp(revision, "refs/", 5) == 0)
        return HF_OK;
    st = hf__hub_branch_ensure(r->ctx->hub, &r->base, &r->watch, &made, err);
    if (made)
        hf__logf(r->ctx->log, HF_LOG_INFO, "Branch '%s' not found. Creating it...", revision);
    return st;
}

/* ---- files the Hub wants to see the text of */

static hf_status read_text(const up_item *item, hf__buf *out, hf_error *err)
{
    int fd = -1;
    hf_status st = hf__up_open(item, &fd, err);

    while (st == HF_OK && out->len < item->size) {
        size_t want = (size_t)(item->size - out->len);
        size_t got = 0;
        char *to = hf__buf_reserve(out, want);

        if (!to)
            st = hf__fail(err, out->status, "'%.300s' is too large", item->path);
        else
            st = hf__up_read(item, fd, out->len, to, want, &got, err);
        if (st == HF_OK)
            hf__buf_grew(out, got);
    }
    hf__up_close(item, &fd);
    return st;
}

static hf_status read_special(up_run *r, const up_item *item, hf_error *err)
{
    hf__buf text;
    hf_status st;

    if (item->kind != UP_ADD || item->size > MAX_CARD || item->size == 0)
        return HF_OK;
    hf__buf_init(&text, MAX_CARD);
    if (strcmp(item->path, "README.md") == 0) {
        st = read_text(item, &text, err);
        if (st == HF_OK)
            st = hf__hub_validate_card(r->ctx->hub, r->base.type, hf__buf_str(&text), &r->watch,
                                       err);
    } else if (strcmp(item->path, ".gitignore") == 0) {
        st = read_text(item, &text, err);
        free(r->git_ignore);
        r->git_ignore = st == HF_OK ? hf__buf_take(&text) : NULL;
    } else {
        st = HF_OK;
    }
    hf__buf_dispose(&text);
    return st;
}

/* ---- copies */

static hf_status fetch_regular(up_run *r, up_item *item, const hf_repo_ref *from, hf_error *err)
{
    hf__hub_get get;
    hf__net_resp resp = { 0 };
    hf_status st = hf__hub_get_make(r->ctx->hub, from, item->from, NULL, &get, err);

    if (st != HF_OK)
        return st;
    get.req.max_body = MAX_REGULAR;
    st = hf__net_call(r->ctx->net, &get.req, &r->watch, &resp, err);
    if (st == HF_OK)
        st = hf__hub_classify(resp.status, resp.url, resp.headers, hf__buf_str(&resp.body), err);
    if (st == HF_OK) {
        item->bytes = (const uint8_t *)hf__arena_str(r->u->arena, hf__buf_str(&resp.body));
        item->size = resp.body.len;
        item->kind = UP_ADD;
        if (!item->bytes)
            st = hf__fail_nomem(err);
    }
    hf__net_resp_dispose(&resp);
    hf__hub_get_dispose(&get);
    return st;
}

static hf_status settle_copy(up_run *r, up_item *item, hf_error *err)
{
    hf_repo_ref from = r->base;
    hf_paths_info *info = NULL;
    hf_status st;

    if (item->from_revision)
        from.revision = item->from_revision;
    st = hf__hub_paths_info(r->ctx->hub, &from, &item->from, 1, 0, &r->watch, &info, err);
    if (st != HF_OK)
        return st;
    if (info->n_entries == 0 || info->entries[0].is_directory) {
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND,
                      "there is no file '%.300s' to copy in '%s' at '%s'", item->from, from.id,
                      hf__revision_or_main(&from));
    } else if (info->entries[0].lfs_sha256) {
        item->lfs = item->lfs_hash = true;
        item->size = info->entries[0].lfs_size;
        memcpy(item->hash, info->entries[0].lfs_sha256, sizeof(item->hash));
        item->state = UP_READY;
        up_push(&r->ready, item);
    } else {
        st = fetch_regular(r, item, &from, err);
    }
    hf__hub_paths_info_free(info);
    return st;
}

/* ---- deletions by pattern */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Paths that the list adds, sorted. */
static const char **added_paths(const hf__upload *u, size_t *n)
{
    const char **paths = calloc(u->n + 1, sizeof(*paths));

    *n = 0;
    for (size_t i = 0; paths && i < u->n; i++)
        if (u->items[i].kind == UP_ADD || u->items[i].kind == UP_COPY)
            paths[(*n)++] = u->items[i].path;
    if (paths)
        qsort(paths, *n, sizeof(*paths), by_name);
    return paths;
}

static bool is_removed(const up_removal *removal, const char *path)
{
    const char *name = strrchr(path, '/');
    size_t base = strlen(removal->base);

    if (strcmp(name ? name + 1 : path, ".gitattributes") == 0)
        return false;
    return strncmp(path, removal->base, base) == 0 &&
           hf__glob_filter(path + base, removal->patterns, removal->n, NULL, 0);
}

static hf_status add_removals(up_run *r, hf_error *err)
{
    hf__upload *u = r->u;
    const hf_tree_entry *entry = NULL;
    hf_tree *tree = NULL;
    const char **added;
    size_t n_added;
    hf_status st;

    if (!u->removals)
        return HF_OK;
    added = added_paths(u, &n_added);
    if (!added)
        return hf__fail_nomem(err);
    st = hf__hub_tree_open(r->ctx->hub, &r->base, NULL, HF_TREE_RECURSIVE, &r->watch, &tree, err);
    while (st == HF_OK) {
        up_item *item;
        bool removed = false;

        st = hf__hub_tree_next(tree, &entry, err);
        if (st != HF_OK || !entry)
            break;
        for (const up_removal *removal = u->removals; removal && !entry->is_directory && !removed;
             removal = removal->next)
            removed = is_removed(removal, entry->path);
        if (removed && !bsearch(&entry->path, added, n_added, sizeof(*added), by_name))
            st = hf__up_add(u, UP_DELETE_FILE, entry->path, &item, err);
    }
    if (st == HF_ERR_ENTRY_NOT_FOUND) { /* an empty repo */
        hf__error_clear(err);
        st = HF_OK;
    }
    hf__hub_tree_close(tree);
    free(added);
    return st;
}

/* ---- all of it */

hf_status hf__up_prepare(up_run *r, hf_error *err)
{
    hf__upload *u = r->u;
    hf_status st = make_repo(r, err);

    if (st == HF_OK)
        st = make_branch(r, err);
    if (st == HF_OK)
        st = add_removals(r, err);
    r->at = r->base;
    for (size_t i = 0; st == HF_OK && i < u->n; i++) {
        up_item *item = &u->items[i];

        if (item->kind == UP_COPY)
            st = settle_copy(r, item, err);
        if (item->kind == UP_ADD) {
            r->n_adds++;
            r->n_moving++;
            if (st == HF_OK)
                st = read_special(r, item, err);
        } else if (item->kind >= UP_DELETE_FILE) {
            item->state = UP_READY;
            r->n_deletes++;
        }
    }
    return st;
}
