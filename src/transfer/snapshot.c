/* SPDX-License-Identifier: Apache-2.0 */
/* A whole repo at one commit (cache.md 14): one listing, and of it every file that is not here. */
#include "transfer/private.h"

#include <stdlib.h>

typedef struct snapshot_call {
    run r;
    const hf_repo_ref *repo;
    const hf_snapshot_opts *opts;
    hf__tree_list tree;
    bool listed;
} snapshot_call;

static bool passes(const snapshot_call *c, const char *path)
{
    return hf__glob_filter(path, c->opts->allow, c->opts->n_allow, c->opts->ignore,
                           c->opts->n_ignore);
}

/* ---- without the Hub */

static hf_status is_here(snapshot_call *c, const char *path, bool *found, hf_error *err)
{
    if (c->r.local)
        return hf__cache_local_find(c->r.local, path, found, NULL, err);
    return hf__cache_pointer_find(c->r.repo, c->r.commit, path, found, NULL, err);
}

/* Without a listing of the commit there is no telling, and what is here is accepted. */
static hf_status check_complete(snapshot_call *c, const char *dir, hf_error *err)
{
    hf__buf missing;
    size_t n_missing = 0;
    bool found = false;
    hf_status st;

    hf__tree_list_dispose(&c->tree); /* the part of one that was asked for in vain */
    st = hf__cache_tree_read(c->r.repo, c->r.local, c->r.commit, &c->tree, &c->listed, err);
    hf__buf_init(&missing, 2048);
    for (size_t i = 0; st == HF_OK && i < c->tree.n; i++) {
        const char *path = c->tree.entries[i].path;

        if (!passes(c, path))
            continue;
        st = is_here(c, path, &found, err);
        if (st == HF_OK && !found && ++n_missing <= 3)
            hf__buf_addf(&missing, "%s'%.200s'", missing.len ? ", " : "", path);
    }
    if (st == HF_OK && n_missing)
        st = hf__fail(err, HF_ERR_INCOMPLETE_SNAPSHOT,
                      "the snapshot in '%s' lacks %zu files (%s%s), and the Hub is out of reach",
                      dir, n_missing, hf__buf_cstr(&missing), n_missing > 3 ? ", …" : "");
    hf__buf_dispose(&missing);
    return st;
}

static bool dir_has_something(const char *dir)
{
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;

    if (hf__os_iter_open(dir, &iter, NULL) != HF_OK || !iter)
        return false;
    if (hf__os_iter_next(iter, &name, &type, NULL) != HF_OK)
        name = NULL;
    hf__os_iter_close(iter);
    return name != NULL;
}

static hf_status target_dir(snapshot_call *c, hf__buf *out, hf_error *err)
{
    if (c->r.local) {
        hf__buf_adds(out, hf__cache_local_dir(c->r.local));
        return HF_OK;
    }
    return hf__cache_snapshot_dir(c->r.repo, c->r.commit, out, err);
}

/* The commit or its listing could not be asked for: what is here, if anything, else the reason. */
static hf_status fall_back(snapshot_call *c, hf_status why_st, const hf_error *why,
                           hf_snapshot **out, hf_error *err)
{
    run *r = &c->r;
    hf__buf dir;
    hf_status st = HF_OK;

    hf__buf_init(&dir, HF__MAX_PATH);
    if (r->flags & (HF_DOWNLOAD_DRY_RUN | HF_DOWNLOAD_REFRESH) || c->opts->expected)
        goto refuse;
    if (!r->commit[0])
        st = hf__cache_ref_read(r->repo, hf__revision_or_main(c->repo), r->commit, err);
    if (st == HF_OK && (r->local || r->commit[0]))
        st = target_dir(c, &dir, err);
    if (st != HF_OK)
        goto done;
    if (dir.len == 0 || !dir_has_something(hf__buf_cstr(&dir)))
        goto refuse;
    if (r->commit[0])
        st = check_complete(c, hf__buf_cstr(&dir), err);
    if (st != HF_OK)
        goto done;
    if (r->local)
        hf__logf(r->ctx->log, HF_LOG_WARNING,
                 "Returning existing local_dir '%s' as the Hub cannot be asked: %s",
                 hf__buf_cstr(&dir), why->message);
    *out = hf__result_snapshot(r, hf__buf_cstr(&dir));
    if (!*out)
        st = hf__fail_nomem(err);
    goto done;
refuse:
    hf__error_copy(err, why);
    st = why_st;
done:
    hf__buf_dispose(&dir);
    return st;
}

/* ---- the listing */

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
        hf__entry *grown = realloc(list->entries, more * sizeof(*grown));

        if (!grown)
            return hf__fail_nomem(err);
        list->entries = grown;
        *cap = more;
    }
    to = &list->entries[list->n++];
    to->path = hf__arena_cstr(list->arena, from->path);
    to->size = from->lfs_sha256 ? from->lfs_size : from->size;
    to->oid = hf__arena_cstr(list->arena, from->oid);
    to->lfs_sha256 = hf__arena_cstr(list->arena, from->lfs_sha256);
    to->lfs_size = from->lfs_size;
    to->xet_hash = hf__arena_cstr(list->arena, from->xet_hash);
    return to->path && to->oid ? HF_OK : hf__fail_nomem(err);
}

/* While it grew the array was on the heap: an arena would keep every outgrown one. */
static hf_status keep_entries(hf__tree_list *list, hf_error *err)
{
    hf__entry *grown = list->entries;

    list->entries = hf__arena_array(list->arena, list->n + 1, sizeof(*grown));
    if (list->entries && list->n)
        memcpy(list->entries, grown, list->n * sizeof(*grown));
    free(grown);
    return list->entries ? HF_OK : hf__fail_nomem(err);
}

static hf_status ask_listing(snapshot_call *c, bool patient, hf_error *err)
{
    const hf_tree_entry *entry = NULL;
    hf_tree *tree = NULL;
    size_t cap = 0;
    hf_status st = hf__hub_tree_open(c->r.ctx->hub, &c->r.at, NULL, HF_TREE_RECURSIVE, &c->r.watch,
                                     &tree, err);

    if (st == HF_OK && !patient)
        hf__hub_tree_hurry(tree);
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
    if (st == HF_OK) {
        st = keep_entries(&c->tree, err);
    } else {
        free(c->tree.entries);
        hf__tree_list_dispose(&c->tree);
    }
    if (st != HF_OK)
        return st;
    if (c->tree.n)
        qsort(c->tree.entries, c->tree.n, sizeof(hf__entry), by_path);
    for (size_t i = 1; i < c->tree.n; i++)
        if (strcmp(c->tree.entries[i].path, c->tree.entries[i - 1].path) == 0)
            return hf__fail(err, HF_ERR_PROTOCOL, "the listing names '%.200s' twice",
                            c->tree.entries[i].path);
    return HF_OK;
}

/* Something could stand in for an answer of the Hub. */
static bool has_fallback(snapshot_call *c)
{
    hf__buf dir;
    bool has;

    if (c->r.flags & (HF_DOWNLOAD_DRY_RUN | HF_DOWNLOAD_REFRESH) || c->opts->expected)
        return false;
    hf__buf_init(&dir, HF__MAX_PATH);
    has = target_dir(c, &dir, NULL) == HF_OK && dir_has_something(hf__buf_cstr(&dir));
    hf__buf_dispose(&dir);
    return has;
}

static hf_status get_listing(snapshot_call *c, hf_error *err)
{
    run *r = &c->r;
    hf_error why = HF_ERROR_INIT;
    bool hurry;
    hf_status st;

    r->at.revision = r->commit;
    if (hf__meter_show(r, HF_PHASE_PLAN, hf__clock_ms()))
        return hf__fail(err, HF_ERR_CANCELED, "cancelled");
    st = hf__cache_tree_read(r->repo, r->local, r->commit, &c->tree, &c->listed, err);
    if (st != HF_OK || c->listed)
        return st;
    /* Without a network what is here is to be had at once; a Hub in trouble is worth waiting for. */
    hurry = has_fallback(c);
    st = ask_listing(c, !hurry, err);
    if (hurry && (st == HF_ERR_SERVER || st == HF_ERR_RATE_LIMITED))
        st = ask_listing(c, true, err);
    if (st != HF_OK || r->flags & HF_DOWNLOAD_DRY_RUN)
        return st;
    if (hf__cache_tree_write(r->repo, r->local, r->commit, &c->tree, &why) != HF_OK)
        hf__logf(r->ctx->log, HF_LOG_WARNING, "the listing cannot be kept: %s", why.message);
    return HF_OK;
}

static hf_status make_ops(snapshot_call *c, hf_error *err)
{
    run *r = &c->r;
    hf_file *files = hf__result_files(r->arena, c->tree.n);

    r->ops = hf__arena_array(r->arena, c->tree.n + 1, sizeof(op));
    if (!files || !r->ops)
        return hf__fail_nomem(err);
    for (size_t i = 0; i < c->tree.n; i++) {
        const hf__entry *entry = &c->tree.entries[i];
        hf_file *file = &files[r->n_ops];

        if (!passes(c, entry->path))
            continue;
        file->repo_path = entry->path; /* until it has a place, whose end this is */
        file->etag = hf__arena_cstr(r->arena, hf__entry_etag(entry));
        file->size = entry->size;
        if (!file->etag)
            return hf__fail_nomem(err);
        r->ops[r->n_ops++].file = file;
    }
    return HF_OK;
}

/* ---- all of it */

/* The ref is a help for the next time without the Hub; a cache that cannot be written to is still a
 * cache. */
static void keep_ref(snapshot_call *c)
{
    const char *revision = hf__revision_or_main(c->repo);
    hf_error why = HF_ERROR_INIT;

    if (hf__is_commit(revision) || c->r.local)
        return;
    if (hf__cache_ref_write(c->r.repo, revision, c->r.commit, &why) != HF_OK)
        hf__logf(c->r.ctx->log, HF_LOG_WARNING, "the ref '%s' cannot be kept: %s", revision,
                 why.message);
}

/* Everything that was listed of what the branch was when last asked is here: then no request is
 * made. Anything else is as if nobody had looked. */
static hf_status find_cached(snapshot_call *c, hf_snapshot **out, bool *found, hf_error *err)
{
    run *r = &c->r;
    const char *revision = hf__revision_or_main(c->repo);
    hf__buf dir;
    hf_status st = HF_OK;

    *found = false;
    if (hf__is_commit(revision))
        memcpy(r->commit, revision, sizeof(r->commit));
    else
        st = hf__cache_ref_read(r->repo, revision, r->commit, err);
    if (st != HF_OK || !r->commit[0])
        return st;
    hf__buf_init(&dir, HF__MAX_PATH);
    st = hf__cache_tree_read(r->repo, r->local, r->commit, &c->tree, &c->listed, err);
    if (st == HF_OK && c->listed)
        st = make_ops(c, err);
    if (st == HF_OK && c->listed && c->opts->expected)
        st = hf__expect_plan(r, c->opts->expected, c->opts->n_expected, err);
    if (st == HF_OK && c->listed)
        st = hf__run_plan(r, err);
    if (st == HF_OK && c->listed && r->n_done == r->n_ops) {
        *found = true;
        st = hf__expect_content(r, err);
        if (st == HF_OK)
            st = target_dir(c, &dir, err);
        if (st == HF_OK && !(*out = hf__result_snapshot(r, hf__buf_cstr(&dir))))
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&dir);
    if (*found)
        return st;
    hf__tree_list_dispose(&c->tree);
    memset(&c->tree, 0, sizeof(c->tree));
    c->listed = false;
    r->commit[0] = '\0';
    r->n_ops = r->n_done = 0;
    r->bytes_total = 0;
    return st;
}

static hf_status fetch_all(snapshot_call *c, hf_snapshot **out, hf_error *err)
{
    run *r = &c->r;
    hf__buf dir;
    hf_status st = make_ops(c, err);

    hf__buf_init(&dir, HF__MAX_PATH);
    if (st == HF_OK && c->opts->expected)
        st = hf__expect_plan(r, c->opts->expected, c->opts->n_expected, err);
    if (st == HF_OK)
        st = hf__run_plan(r, err);
    if (st == HF_OK && !(r->flags & HF_DOWNLOAD_DRY_RUN)) {
        keep_ref(c);
        st = hf__run_go(r, err);
        if (st == HF_OK)
            st = hf__expect_content(r, err);
    }
    if (st == HF_OK)
        st = target_dir(c, &dir, err);
    if (st == HF_OK) {
        *out = hf__result_snapshot(r, hf__buf_cstr(&dir));
        if (!*out)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&dir);
    return st;
}

static bool is_final(hf_status st)
{
    return st == HF_ERR_REVISION_NOT_FOUND || st == HF_ERR_PROXY || st == HF_ERR_CANCELED ||
           st == HF_ERR_INVALID_ARG || st == HF_ERR_NO_MEMORY || st == HF_ERR_UNSAFE_PATH ||
           st == HF_ERR_LIMIT;
}

static hf_status resolve_commit(snapshot_call *c, hf_error *err)
{
    run *r = &c->r;

    if (hf__is_commit(c->repo->revision)) {
        memcpy(r->commit, c->repo->revision, sizeof(r->commit));
        if (!(r->flags & HF_DOWNLOAD_LOCAL_ONLY))
            return HF_OK;
    }
    if (r->flags & HF_DOWNLOAD_LOCAL_ONLY)
        return hf__fail(err, HF_ERR_NOT_CACHED,
                        "no snapshot of '%s' at '%s' is here, and only local files were asked for",
                        c->repo->id, hf__revision_or_main(c->repo));
    return hf__hub_revision(r->ctx->hub, c->repo, &r->watch, r->commit, err);
}

hf_status hf__transfer_snapshot(const hf__transfer_ctx *ctx, const hf_repo_ref *repo,
                                const hf_snapshot_opts *opts, hf_snapshot **out, hf_error *err)
{
    snapshot_call c = { .repo = repo, .opts = opts };
    hf_error why = HF_ERROR_INIT;
    bool found = false;
    hf_status st = hf__run_init(&c.r, ctx, err);

    c.r.flags = opts->flags;
    hf__run_listen(&c.r, opts->cancel, opts->on_progress, opts->user);
    if (opts->max_workers)
        c.r.max_active = opts->max_workers;
    if (st == HF_OK)
        st = hf__run_open(&c.r, repo, opts->cache_dir, opts->local_dir, err);
    if (st != HF_OK)
        goto done;
    if (opts->flags & HF_DOWNLOAD_PREFER_CACHE) {
        st = find_cached(&c, out, &found, err);
        if (st != HF_OK || found)
            goto done;
    }
    st = resolve_commit(&c, &why);
    if (st == HF_OK)
        st = get_listing(&c, &why);
    if (st == HF_OK)
        st = fetch_all(&c, out, err);
    else if (is_final(st))
        hf__error_copy(err, &why);
    else
        st = fall_back(&c, st, &why, out, err);
done:
    hf__tree_list_dispose(&c.tree);
    hf__run_dispose(&c.r);
    return st;
}
