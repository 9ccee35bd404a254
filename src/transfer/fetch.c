/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one file. A stream that breaks is taken up again where the hash stands; a file whose
 * hash is wrong is fetched once more from the start over another connection; an address that has
 * expired is asked for again.
 */
#include "transfer/private.h"

hf__hash_kind hf__fetch_kind(const hf__etag *etag)
{
    return hf__etag_is_sha256(etag) ? HF__HASH_SHA256
           : hf__etag_is_sha1(etag) ? HF__HASH_GIT_BLOB
                                    : (hf__hash_kind)0;
}

/* ---- on the I/O thread */

static hf_status on_head(void *self, const hf__net_head *head, hf_error *err)
{
    fetch *f = self;
    bool resumed = false;
    hf_status st = hf__hub_check_content(head, f->etag.text[0] ? &f->etag : NULL, f->size,
                                         f->asked_from, &resumed, err);

    if (st == HF_OK)
        hf__writer_set_base(&f->w, resumed ? f->asked_from : 0);
    return st;
}

static void on_data(void *self, hf__net_buf *buf)
{
    hf__writer_take(&((fetch *)self)->w, buf);
}

static void on_done(void *self, hf_status status, const hf_error *err)
{
    fetch *f = self;

    f->status = status;
    if (status != HF_OK)
        hf__error_copy(&f->err, err);
    hf__writer_end(&f->w);
}

/* ---- on the strand */

static void on_drained(void *self)
{
    fetch *f = self;

    hf__run_fetch_ready(f->run, f);
}

/* ---- on the caller's thread */

static void finish(fetch *f, hf_status st)
{
    f->status = st;
    f->state = st == HF_OK ? FETCH_GOOD : FETCH_FAILED;
}

static hf_status make_request(fetch *f, hf_error *err)
{
    hf_status st;

    hf__hub_get_dispose(&f->get);
    if (f->repo)
        st = hf__hub_get_make(f->run->ctx->hub, f->repo, f->path, f->url, &f->get, err);
    else
        st = hf__hub_get_make(f->run->ctx->hub, NULL, NULL, f->url, &f->get, err);
    if (st != HF_OK)
        return st;
    if (!f->repo) {
        f->get.req.auth = f->auth; /* the caller's choice, not the client's */
        if (f->user_agent) {
            hf__net_header *header = hf__arena_alloc(f->get.arena, sizeof(*header));

            if (!header)
                return hf__fail_nomem(err);
            *header = (hf__net_header){ "User-Agent", f->user_agent };
            f->get.req.headers = header;
            f->get.req.n_headers = 1;
        }
    }
    f->asked_from = atomic_load(&f->w.written);
    f->get.req.has_range = f->asked_from > 0;
    f->get.req.range_first = f->asked_from;
    f->get.req.range_last = HF__NET_NO_LIMIT;
    return HF_OK;
}

static void stream_start(fetch *f)
{
    hf__net_sink sink = { f, on_head, on_data, on_done };
    hf_status st = make_request(f, &f->err);

    if (st == HF_OK) {
        hf__writer_stream_begins(&f->w);
        f->state = FETCH_STREAMING;
        f->progress_at = f->asked_from;
        st = hf__net_stream_start(f->run->ctx->net, &f->get.req, &sink, &f->stream, &f->err);
    }
    if (st != HF_OK)
        finish(f, st);
}

hf_status hf__fetch_start(fetch *f, hf__cache_part *part, hf_error *err)
{
    hf_status st;

    f->kind = hf__fetch_kind(&f->etag);
    f->err = (hf_error)HF_ERROR_INIT;
    st = hf__writer_init(&f->w, f->run->ctx, on_drained, f, err);
    f->writer_ready = true;
    if (st == HF_OK)
        st = hf__writer_open(&f->w, hf__cache_part_fd(part), hf__cache_part_path(part), f->kind,
                             f->size, err);
    if (st != HF_OK)
        return st;
    if (f->size == 0) {
        /* Nothing to ask for: an empty file is what it is, and its hash says so. */
        f->state = FETCH_STREAMING;
        f->status = HF_OK;
        hf__fetch_step(f, 0);
        return HF_OK;
    }
    stream_start(f);
    return HF_OK;
}

static bool worth_another_try(hf_status st)
{
    return st == HF_ERR_NETWORK || st == HF_ERR_TIMEOUT || st == HF_ERR_TRUNCATED ||
           st == HF_ERR_SERVER || st == HF_ERR_RATE_LIMITED;
}

/* Waits 1, 2, 4, 8, 8 s; a server that named a time is given it. */
static void try_again_later(fetch *f, uint64_t now)
{
    uint32_t wait = f->tries >= 4 ? 8000 : 1000u << (f->tries ? f->tries - 1 : 0);

    if (f->err.retry_after_s)
        wait = f->err.retry_after_s * 1000 + 1000;
    f->retries++;
    f->run->retries++;
    hf__logf(f->run->ctx->log, HF_LOG_INFO, "'%s': %s; going on from byte %llu in %u s", f->path,
             f->err.message, (unsigned long long)atomic_load(&f->w.written), wait / 1000);
    f->wait_until_ms = now + wait;
    f->state = FETCH_WAITING;
}

static hf_status start_over(fetch *f, hf_error *err)
{
    return hf__writer_open(&f->w, f->w.fd, f->w.path, f->kind, f->size, err);
}

/* A redirect target that was named in the past may have expired; the resolve URL leads to a fresh
 * one. */
static bool take_fresh_address(fetch *f)
{
    bool elsewhere =
        f->repo && f->url && !hf__net_same_origin(f->url, hf__hub_endpoint(f->run->ctx->hub));

    if (!elsewhere || f->status == HF_ERR_CANCELED)
        return false;
    f->url = NULL;
    return true;
}

static void step_failed(fetch *f, uint64_t now)
{
    uint64_t written = atomic_load(&f->w.written);

    if (written > f->progress_at)
        f->tries = 0;
    if (f->status == HF_ERR_RANGE && written > 0 && !f->refetched) {
        f->refetched = true; /* the server no longer has these bytes: from the start */
        f->restart = true;
        f->wait_until_ms = now;
        f->state = FETCH_WAITING;
    } else if (take_fresh_address(f)) {
        f->wait_until_ms = now;
        f->state = FETCH_WAITING;
    } else if (worth_another_try(f->status) && f->tries < FETCH_TRIES) {
        f->tries++;
        try_again_later(f, now);
    } else {
        finish(f, f->status);
    }
}

static void step_complete(fetch *f, uint64_t now)
{
    uint64_t written = atomic_load(&f->w.written);

    if (f->size != HF__NET_NO_LIMIT && written != f->size) {
        f->status =
            hf__fail(&f->err, HF_ERR_TRUNCATED, "the server sent %llu of the %llu bytes of '%s'",
                     (unsigned long long)written, (unsigned long long)f->size, f->path);
        step_failed(f, now);
        return;
    }
    f->size = written;
    f->computed[0] = '\0';
    if (f->w.strand_data.hash)
        hf__hash_end(f->w.strand_data.hash, f->computed);
    if (!f->w.strand_data.hash || strcmp(f->computed, f->etag.text) == 0) {
        finish(f, HF_OK);
        return;
    }
    f->status = hf__fail(&f->err, HF_ERR_CORRUPT,
                         "the content of '%s' has hash %s instead of %s; nothing was kept", f->path,
                         f->computed, f->etag.text);
    if (f->refetched) {
        finish(f, f->status);
        return;
    }
    hf__logf(f->run->ctx->log, HF_LOG_WARNING,
             "'%s' arrived with a wrong hash; fetching it once more", f->path);
    f->refetched = true;
    f->restart = true;
    f->retries++;
    f->run->retries++;
    f->wait_until_ms = now;
    f->state = FETCH_WAITING;
}

void hf__fetch_step(fetch *f, uint64_t now)
{
    if (f->state == FETCH_WAITING) {
        hf_status st = HF_OK;

        if (now < f->wait_until_ms)
            return;
        if (f->restart)
            st = start_over(f, &f->err);
        f->restart = false;
        if (st == HF_OK)
            stream_start(f);
        else
            finish(f, st);
        return;
    }
    if (f->state != FETCH_STREAMING)
        return;
    hf__net_stream_free(f->stream);
    f->stream = NULL;
    if (f->w.strand_data.status != HF_OK) {
        hf__error_copy(&f->err, &f->w.strand_data.err);
        finish(f, f->w.strand_data.status);
    } else if (f->status != HF_OK) {
        step_failed(f, now);
    } else {
        step_complete(f, now);
    }
}

void hf__fetch_cancel(fetch *f)
{
    if (f->stream)
        hf__net_stream_cancel(f->stream);
    else if (f->state == FETCH_WAITING)
        finish(f, hf__fail(&f->err, HF_ERR_CANCELED, "cancelled"));
}

void hf__fetch_dispose(fetch *f)
{
    HF__ASSERT(!f->stream);
    if (f->writer_ready)
        hf__writer_dispose(&f->w);
    hf__hub_get_dispose(&f->get);
}
