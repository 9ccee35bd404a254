/* SPDX-License-Identifier: Apache-2.0 */
/* A plain URL into the flat cache of old (cache.md 22.4). */
#include "transfer/private.h"

#include <stdio.h>

typedef struct url_call {
    run r;
    const char *url;
    const hf_cached_download_opts *opts;
    const char *user_agent;
    const char *dir; /* resolved */
    const char *auth;
    char raw_etag[201]; /* empty: unknown */
    hf__etag etag;
    uint64_t size;
    hf__buf location; /* where the content is */
    hf__buf path;     /* the file */
    hf__legacy_file name;
} url_call;

/* ---- asking */

static hf_status choose_auth(url_call *c, hf_error *err)
{
    const char *token = c->opts->token;
    hf__hub_get get;
    hf__buf auth;
    hf_status st;

    if (!token)
        return HF_OK;
    if (!*token) {
        st = hf__hub_get_make(c->r.ctx->hub, NULL, NULL, c->url, &get, err);
        if (st == HF_OK) {
            c->auth = get.req.auth; /* the hub's own text, which outlives the call */
            hf__hub_get_dispose(&get);
        }
        return st;
    }
    hf__buf_init(&auth, HF__MAX_TOKEN);
    hf__buf_addf(&auth, "Bearer %s", token);
    for (const char *p = token; *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            auth.status = HF_ERR_INVALID_ARG;
    c->auth = auth.status == HF_OK ? hf__arena_str(c->r.arena, hf__buf_str(&auth)) : NULL;
    hf__buf_dispose(&auth);
    return c->auth
               ? HF_OK
               : hf__fail(err, HF_ERR_INVALID_ARG, "the token holds a character that no token has");
}

static void read_head(url_call *c, const hf__net_resp *resp)
{
    const char *etag = hf__net_header_get(resp->headers, "x-linked-etag");
    const char *size = hf__net_header_get(resp->headers, "x-linked-size");
    const char *location = hf__net_header_get(resp->headers, "location");

    if (!etag)
        etag = hf__net_header_get(resp->headers, "etag");
    (void)snprintf(c->raw_etag, sizeof(c->raw_etag), "%s", etag ? etag : "");
    if (etag)
        (void)hf__etag_parse(&c->etag, hf__str_from(etag));
    if (!size && resp->status < 300)
        size = hf__net_header_get(resp->headers, "content-length");
    if (!size || !hf__str_to_u64(hf__str_trim(hf__str_from(size)), &c->size))
        c->size = HF__NET_NO_LIMIT;
    hf__buf_reset(&c->location);
    hf__buf_adds(&c->location,
                 resp->status >= 300 && location && hf__net_url_has_authority(location) ? location
                                                                                        : c->url);
}

static hf_status ask(url_call *c, hf_error *err)
{
    hf__net_header agent = { "User-Agent", c->user_agent };
    hf__net_req req = { .method = "HEAD", .url = c->url, .redirects = HF__NET_REDIRECT_RELATIVE };
    hf__net_resp resp;
    hf_status st;

    if (hf__hub_offline(c->r.ctx->hub))
        return hf__fail(err, HF_ERR_OFFLINE, "cannot reach '%.*s': offline mode is enabled",
                        (int)strcspn(c->url, "?"), c->url);
    st = choose_auth(c, err);
    if (st != HF_OK)
        return st;
    req.auth = c->auth;
    req.headers = &agent;
    req.n_headers = c->user_agent ? 1 : 0;
    st = hf__net_call(c->r.ctx->net, &req, &c->r.watch, &resp, err);
    if (st != HF_OK)
        return st;
    st = hf__hub_classify(resp.status, resp.url, resp.headers, HF__STR(""), err);
    if (st == HF_OK)
        read_head(c, &resp);
    if (st == HF_OK && !c->raw_etag[0])
        st = hf__fail(err, HF_ERR_PROTOCOL,
                      "the server names no etag for '%.*s', so it cannot be cached",
                      (int)strcspn(c->url, "?"), c->url);
    hf__net_resp_dispose(&resp);
    return st;
}

/* ---- where it lies */

static hf_status set_path(url_call *c, hf_error *err)
{
    const char *forced = c->opts->force_filename;
    hf_status st = HF_OK;

    if (forced)
        st = hf__repo_path_check(forced, err);
    else
        st = hf__legacy_name(c->url, c->raw_etag, &c->name, err);
    if (st != HF_OK)
        return st;
    hf__buf_reset(&c->path);
    hf__buf_addf(&c->path, "%s/%s", c->dir, forced ? forced : c->name.name);
    return c->path.status == HF_OK ? HF_OK : hf__fail(err, c->path.status, "the path is too long");
}

static bool is_file(const char *path)
{
    hf__os_stat info;

    return hf__os_stat_path(path, &info, NULL) == HF_OK && info.type == HF__OS_FILE;
}

/* The etag is not known: any version of the file will do. */
static hf_status find_without_etag(url_call *c, hf_status why_st, const hf_error *why,
                                   hf_error *err)
{
    bool found = false;
    hf_status st = set_path(c, err);

    if (st == HF_OK && !(c->opts->flags & HF_DOWNLOAD_FORCE)) {
        found = is_file(hf__buf_cstr(&c->path));
        if (!found && !c->opts->force_filename)
            st = hf__legacy_find_any(c->dir, c->url, &c->path, &found, err);
    }
    if (st != HF_OK || found)
        return st;
    hf__error_copy(err, why);
    return why_st;
}

/* ---- fetching */

static hf_status wait_for_lock(url_call *c, hf__os_lock *lock, hf_error *err)
{
    const char *name = c->opts->force_filename ? c->opts->force_filename : c->name.name;
    bool got = false;
    hf_status st = HF_OK;

    while (st == HF_OK && !got) {
        if (hf__canceled(c->opts->cancel) || hf__meter_show(&c->r, HF_PHASE_WAIT, hf__clock_ms()))
            return hf__fail(err, HF_ERR_CANCELED, "cancelled");
        st = hf__legacy_lock(c->dir, name, lock, &got, err);
        if (st == HF_OK && !got)
            hf__clock_sleep_ms(LOCK_EVERY_MS);
    }
    return st;
}

static void drive(url_call *c, fetch *f)
{
    bool canceled = false;

    while (!fetch_is_over(f)) {
        uint64_t now = hf__clock_ms();

        c->r.bytes_finished = atomic_load(&f->w.written);
        if (!canceled &&
            (hf__canceled(c->opts->cancel) || hf__meter_show(&c->r, HF_PHASE_TRANSFER, now))) {
            canceled = true;
            hf__fetch_cancel(f);
        }
        (void)hf__run_take_fetches(&c->r);
        hf__fetch_step(f, now);
        (void)hf__fetch_open(f, false, now);
        if (!fetch_is_over(f))
            hf__run_wait(&c->r, TICK_MS);
    }
}

static hf_status fetch_it(url_call *c, hf_error *err)
{
    const char *name = c->opts->force_filename ? c->opts->force_filename : c->name.name;
    hf__cache_part *part = NULL;
    fetch f = { .run = &c->r,
                .path = c->url,
                .url = hf__buf_cstr(&c->location),
                .auth = c->auth,
                .user_agent = c->user_agent,
                .etag = c->etag,
                .size = c->size };
    hf_status st;

    if (c->size == HF__NET_NO_LIMIT && hf__fetch_kind(&c->etag) == HF__HASH_GIT_BLOB)
        f.etag.text[0] = '\0'; /* git's hash starts with the size, which nobody told */
    if (!hf__net_same_origin(f.url, c->url))
        f.auth = NULL;
    c->r.bytes_total = c->size == HF__NET_NO_LIMIT ? 0 : c->size;
    st = hf__legacy_begin(c->dir, name, c->size, &part, err);
    if (st != HF_OK)
        return st;
    st = hf__fetch_start(&f, part, err);
    if (st == HF_OK) {
        drive(c, &f);
        st = f.status;
        if (st != HF_OK)
            hf__error_copy(err, &f.err);
        else
            st = hf__fetch_sync(&f, part, err);
    }
    hf__fetch_dispose(&f); /* first, since its strands use the part */
    if (st == HF_OK)
        st = hf__cache_part_commit(part, f.kind ? f.etag.text : NULL, f.computed, f.size, err);
    else if (st == HF_ERR_CORRUPT)
        hf__cache_part_abandon(part);
    else
        hf__cache_part_close(part);
    if (st == HF_OK && !c->opts->force_filename)
        st = hf__legacy_sidecar_write(hf__buf_cstr(&c->path), c->url, c->raw_etag, err);
    return st;
}

static hf_status with_etag(url_call *c, hf_error *err)
{
    bool forced = c->opts->flags & HF_DOWNLOAD_FORCE;
    hf__os_lock lock = { .fd = -1 };
    hf_status st = set_path(c, err);

    if (st != HF_OK || (!forced && is_file(hf__buf_cstr(&c->path))))
        return st;
    st = hf__os_mkdirs(c->dir, 0777, err);
    if (st == HF_OK)
        st = wait_for_lock(c, &lock, err);
    if (st == HF_OK && (forced || !is_file(hf__buf_cstr(&c->path))))
        st = fetch_it(c, err);
    hf__os_lock_release(&lock);
    return st;
}

static hf_status prepare(url_call *c, hf_error *err)
{
    const char *dir = c->opts->cache_dir ? c->opts->cache_dir : c->r.ctx->cache_dir;
    hf__buf resolved;
    hf_status st;

    hf__run_listen(&c->r, c->opts->cancel, c->opts->on_progress, c->opts->user);
    c->r.n_ops = 1;
    hf__buf_init(&resolved, HF__MAX_PATH);
    st = hf__os_realpath(dir, &resolved, err);
    if (st == HF_OK) {
        c->dir = hf__arena_str(c->r.arena, hf__buf_str(&resolved));
        if (!c->dir)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&resolved);
    return st;
}

hf_status hf__transfer_url(const hf__transfer_ctx *ctx, const char *url,
                           const hf_cached_download_opts *opts, const char *user_agent, char **out,
                           hf_error *err)
{
    url_call c = { .url = url, .opts = opts, .user_agent = user_agent };
    hf_error why = HF_ERROR_INIT;
    hf_status st = hf__run_init(&c.r, ctx, err);

    hf__buf_init(&c.location, HF__MAX_URL);
    hf__buf_init(&c.path, HF__MAX_PATH);
    if (st == HF_OK)
        st = prepare(&c, err);
    if (st != HF_OK)
        goto done;
    if (opts->flags & HF_DOWNLOAD_LOCAL_ONLY)
        st = hf__fail(&why, HF_ERR_NOT_CACHED,
                      "the file is not in the cache, and only local files were asked for");
    else
        st = ask(&c, &why);
    if (st == HF_OK)
        st = with_etag(&c, err);
    else if (st == HF_ERR_NOT_CACHED || st == HF_ERR_OFFLINE || st == HF_ERR_NETWORK ||
             st == HF_ERR_TIMEOUT)
        st = find_without_etag(&c, st, &why, err);
    else
        hf__error_copy(err, &why);
    if (st == HF_OK) {
        char *path = hf__buf_take(&c.path);

        if (path)
            *out = path;
        else
            st = hf__fail_nomem(err);
    }
done:
    hf__buf_dispose(&c.location);
    hf__buf_dispose(&c.path);
    hf__run_dispose(&c.r);
    return st;
}
