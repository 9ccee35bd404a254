/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file by name: the algorithm of cache.md 6, or 13 for a local directory. What is cached is
 * served when the Hub cannot be asked; what the Hub denies to have is an error even when a copy is
 * here.
 */
#include "transfer/private.h"

typedef struct file_call {
    run r;
    const hf_repo_ref *repo;
    const hf_download_opts *opts;
    const char *path; /* subfolder included */
    hf__hub_meta meta;
    hf_file *out;
} file_call;

static bool forced(const file_call *c)
{
    return c->r.flags & HF_DOWNLOAD_FORCE;
}

/* No copy that is here stands in for the Hub's answer. */
static bool must_ask(const file_call *c)
{
    return c->r.flags & (HF_DOWNLOAD_FORCE | HF_DOWNLOAD_REFRESH);
}

static hf_status set_result(file_call *c, const char *commit, uint64_t size, hf_error *err)
{
    hf_file *file = c->r.ops[0].file;
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    st = c->r.local ? hf__cache_local_path(c->r.local, c->path, &path, err)
                    : hf__cache_pointer_path(c->r.repo, commit, c->path, &path, err);
    if (st == HF_OK) {
        file->path = hf__arena_str(c->r.arena, hf__buf_str(&path));
        file->commit = commit && *commit ? hf__arena_cstr(c->r.arena, commit) : NULL;
        file->size = size;
        file->was_cached = 1;
        if (!file->path)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&path);
    return st;
}

/* ---- without the Hub */

/* The file at a commit that is known beforehand needs no request. */
static hf_status find_at_commit(file_call *c, const char *commit, bool *found, hf_error *err)
{
    hf__local_meta meta = { 0 };
    uint64_t size = 0;
    hf_status st;

    if (!c->r.local) {
        st = hf__cache_pointer_find(c->r.repo, commit, c->path, found, &size, err);
    } else {
        st = hf__cache_local_find(c->r.local, c->path, found, &size, err);
        if (st == HF_OK && *found)
            st = hf__cache_local_meta_read(c->r.local, c->path, &meta, err);
        *found = *found && meta.valid && strcmp(meta.commit, commit) == 0 &&
                 !hf__cache_is_hollow(meta.etag.text, size);
    }
    if (st == HF_OK && *found)
        st = set_result(c, commit, size, err);
    return st;
}

/* What the branch was when it was last asked for. */
static hf_status find_last_seen(file_call *c, bool *found, hf_error *err)
{
    char commit[41] = "";
    hf_status st = hf__cache_ref_read(c->r.repo, hf__revision_or_main(c->repo), commit, err);

    return st == HF_OK && commit[0] ? find_at_commit(c, commit, found, err) : st;
}

/* What is here of a revision that could not be asked for. */
static hf_status find_fallback(file_call *c, const hf_error *why, bool *found, hf_error *err)
{
    const char *revision = hf__revision_or_main(c->repo);
    char commit[41] = "";
    uint64_t size = 0;
    hf_status st = HF_OK;

    *found = false;
    if (c->r.local) {
        st = hf__cache_local_find(c->r.local, c->path, found, &size, err);
        if (st == HF_OK && *found)
            hf__logf(c->r.ctx->log, HF_LOG_WARNING,
                     "Couldn't access the Hub to check for update but local file already exists. "
                     "Defaulting to existing "
                     "file. (error: %s)",
                     why->message);
        return st == HF_OK && *found ? set_result(c, NULL, size, err) : st;
    }
    if (hf__is_commit(revision))
        memcpy(commit, revision, sizeof(commit));
    else
        st = hf__cache_ref_read(c->r.repo, revision, commit, err);
    if (st != HF_OK || !commit[0])
        return st;
    st = find_at_commit(c, commit, found, err);
    if (st == HF_OK && *found)
        hf__logf(c->r.ctx->log, HF_LOG_DEBUG, "using the cached '%s': %s", c->path, why->message);
    return st;
}

/* ---- asking the Hub */

/* These end the call whatever is cached (cache.md 6.3). */
static bool is_final(hf_status st)
{
    return st == HF_ERR_ENTRY_NOT_FOUND || st == HF_ERR_REVISION_NOT_FOUND || st == HF_ERR_PROXY ||
           st == HF_ERR_CANCELED || st == HF_ERR_INVALID_ARG || st == HF_ERR_NO_MEMORY ||
           st == HF_ERR_UNSAFE_PATH;
}

static bool worth_patience(hf_status st, int http_status)
{
    return st == HF_ERR_TIMEOUT || st == HF_ERR_NETWORK || st == HF_ERR_TRUNCATED ||
           st == HF_ERR_RATE_LIMITED || st == HF_ERR_SERVER || http_status == 408;
}

/* The Hub named the commit that lacks the file: worth remembering, but no reason to
 * fail otherwise. */
static void remember_absence(file_call *c)
{
    const char *revision = hf__revision_or_main(c->repo);

    if (!c->meta.commit[0] || c->r.local)
        return;
    if (hf__cache_no_exist_write(c->r.repo, c->meta.commit, c->path, NULL) == HF_OK &&
        !hf__is_commit(revision))
        (void)hf__cache_ref_write(c->r.repo, revision, c->meta.commit, NULL);
}

static hf_status ask(file_call *c, bool patient, hf_error *err)
{
    hf_status st;

    hf__hub_meta_dispose(&c->meta);
    hf__hub_meta_init(&c->meta);
    if (c->r.flags & HF_DOWNLOAD_LOCAL_ONLY)
        return hf__fail(err, HF_ERR_NOT_CACHED,
                        "'%s' of '%s' is not here, and only local files were asked for; allow "
                        "requests to fetch it",
                        c->path, c->repo->id);
    st = hf__hub_head(c->r.ctx->hub, c->repo, c->path, patient, &c->r.watch, &c->meta, err);
    if (st == HF_ERR_ENTRY_NOT_FOUND)
        remember_absence(c);
    return st;
}

static hf_status refuse(file_call *c, hf_status st, hf_error *err)
{
    bool local_only = c->r.flags & HF_DOWNLOAD_LOCAL_ONLY;

    if (forced(c) && (local_only || st == HF_ERR_OFFLINE))
        return hf__fail(err, HF_ERR_INVALID_ARG, "a forced download needs the Hub, but %s",
                        local_only ? "only local files were asked for" : "offline mode is enabled");
    if (!local_only && err && !forced(c) &&
        (worth_patience(st, err->http_status) || st == HF_ERR_OFFLINE)) {
        size_t len = strlen(err->message);

        if (len < sizeof(err->message) - 64)
            memcpy(err->message + len, "; and the file is not cached", 29);
    }
    return st;
}

/* Fills c->meta, or settles the call with what is here (*settled). */
static hf_status consult(file_call *c, bool *settled, hf_error *err)
{
    hf_error why = HF_ERROR_INIT;
    hf_status st = ask(c, false, &why);

    *settled = false;
    if (st != HF_OK && !is_final(st) && !must_ask(c)) {
        hf_status found_st = find_fallback(c, &why, settled, err);

        if (found_st != HF_OK || *settled)
            return found_st;
        if (worth_patience(st, why.http_status)) {
            hf__logf(c->r.ctx->log, HF_LOG_INFO, "No local file found. Retrying..");
            st = ask(c, true, &why);
        }
    }
    if (st == HF_OK)
        return HF_OK;
    hf__error_copy(err, &why);
    return refuse(c, st, err);
}

/* ---- the transfer */

static hf_status fetch_it(file_call *c, hf_error *err)
{
    run *r = &c->r;
    hf_file *file = r->ops[0].file;
    const char *revision = hf__revision_or_main(c->repo);
    hf_status st;

    memcpy(r->commit, c->meta.commit, sizeof(r->commit));
    r->at.revision = r->commit;
    r->url = hf__buf_cstr(&c->meta.location);
    file->etag = hf__arena_cstr(r->arena, c->meta.etag.text);
    file->size = c->meta.size;
    if (!file->etag)
        return hf__fail_nomem(err);
    st = hf__expect_etag(file, r->ops[0].expected, err);
    if (st == HF_OK)
        st = hf__run_plan(r, err);
    if (st != HF_OK || r->flags & HF_DOWNLOAD_DRY_RUN)
        return st;
    if (r->ops[0].state == OP_DONE) {
        if (!r->local)
            (void)hf__cache_ref_write(r->repo, revision, r->commit,
                                      NULL); /* a read-only cache is a good cache */
        return HF_OK;
    }
    if (!r->local) {
        st = hf__cache_prepare(r->repo, err);
        if (st == HF_OK && !hf__is_commit(revision))
            st = hf__cache_ref_write(r->repo, revision, r->commit, err);
    }
    return st == HF_OK ? hf__run_go(r, err) : st;
}

static hf_status prepare(file_call *c, const char *path, hf_error *err)
{
    run *r = &c->r;
    hf__buf joined;
    hf_status st;

    hf__buf_init(&joined, HF__MAX_REPO_PATH + 1);
    st = hf__repo_path_join(&joined, c->opts->subfolder, path, err);
    if (st == HF_OK) {
        c->path = hf__arena_str(r->arena, hf__buf_str(&joined));
        r->ops = hf__arena_array(r->arena, 1, sizeof(op));
        if (c->path && r->ops)
            r->ops[0].file = hf__result_files(r->arena, 1);
        if (!c->path || !r->ops || !r->ops[0].file)
            st = hf__fail_nomem(err);
        else
            r->ops[0].file->repo_path = c->path;
    }
    hf__buf_dispose(&joined);
    r->n_ops = 1;
    if (st == HF_OK)
        r->ops[0].expected = c->opts->expected_hash;
    r->flags = c->opts->flags;
    hf__run_listen(r, c->opts->cancel, c->opts->on_progress, c->opts->user);
    return st == HF_OK ? hf__run_open(r, c->repo, c->opts->cache_dir, c->opts->local_dir, err) : st;
}

hf_status hf__transfer_file(const hf__transfer_ctx *ctx, const hf_repo_ref *repo, const char *path,
                            const hf_download_opts *opts, hf_file **out, hf_error *err)
{
    file_call c = { .repo = repo, .opts = opts };
    bool settled = false;
    hf_status st = hf__run_init(&c.r, ctx, err);

    hf__hub_meta_init(&c.meta);
    if (st == HF_OK)
        st = prepare(&c, path, err);
    if (st == HF_OK && hf__is_commit(hf__revision_or_main(repo)) && !must_ask(&c))
        st = find_at_commit(&c, repo->revision, &settled, err);
    else if (st == HF_OK && (opts->flags & HF_DOWNLOAD_PREFER_CACHE))
        st = find_last_seen(&c, &settled, err);
    if (st == HF_OK && !settled)
        st = consult(&c, &settled, err);
    if (st == HF_OK && !settled)
        st = fetch_it(&c, err);
    if (st == HF_OK && !(opts->flags & HF_DOWNLOAD_DRY_RUN))
        st = hf__expect_content(&c.r, err);
    if (st == HF_OK) {
        hf_file *result = hf__result_single(&c.r);

        if (result)
            *out = result;
        else
            st = hf__fail_nomem(err);
    }
    hf__hub_meta_dispose(&c.meta);
    hf__run_dispose(&c.r);
    return st;
}
