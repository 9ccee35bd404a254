/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a fetch. Its callbacks run on the I/O thread and touch nothing but the lane, the
 * writer's queue and what of the fetch does not change. */
#include "transfer/private.h"

#include <stdlib.h>

static hf_status on_head(void *self, const hf__net_head *head, hf_error *err)
{
    lane *l = self;
    fetch *f = l->f;
    bool partial = false;
    hf_status st = hf__hub_check_content(head, f->etag.text[0] ? &f->etag : NULL, f->size, l->first,
                                         &partial, err);

    atomic_store(&l->elsewhere,
                 !hf__net_same_origin(head->url, hf__hub_endpoint(f->run->ctx->hub)));
    atomic_store(&l->wrong_length, st == HF_ERR_TRUNCATED);
    if (st != HF_OK)
        return st;
    if (!partial && l->get.req.has_range) {
        atomic_store(&l->range_ignored, true);
        return hf__fail(err, HF_ERR_RANGE, "the server sends all of '%s' instead of a range",
                        f->path);
    }
    l->base = partial ? l->first : 0;
    l->final_url = head->hops ? strdup(head->url) : NULL;
    atomic_store(&l->head_seen, true);
    return HF_OK;
}

static void on_data(void *self, hf__net_buf *buf)
{
    lane *l = self;
    uint64_t end = atomic_load(&l->end);

    buf->offset += l->base;
    if (buf->offset >= end || atomic_load(&l->stopped)) {
        hf__net_buf_release(l->f->run->ctx->net, buf);
        hf__lane_stop(l);
        return;
    }
    if (buf->len > end - buf->offset)
        buf->len = (size_t)(end - buf->offset);
    atomic_store(&l->at, buf->offset + buf->len);
    atomic_fetch_add_explicit(&l->f->run->received, buf->len, memory_order_relaxed);
    if (buf->offset + buf->len >= end && end < l->asked_end)
        hf__lane_stop(l); /* another lane brings the rest */
    hf__writer_take(&l->f->w, buf);
}

static void on_done(void *self, hf_status status, const hf_error *err)
{
    lane *l = self;

    l->status = status;
    if (status != HF_OK)
        hf__error_copy(&l->err, err);
    hf__writer_take(&l->f->w, &l->mark);
}

void hf__lane_on_mark(void *self, hf__net_buf *mark)
{
    lane *l = (lane *)(void *)((char *)mark - offsetof(lane, mark));

    (void)self;
    atomic_store(&l->ended, true);
}

hf_status hf__fetch_request(fetch *f, hf__hub_get *get, hf_error *err)
{
    const char *url = f->direct ? f->direct : f->url;
    hf_status st = hf__hub_get_make(f->run->ctx->hub, f->repo, f->path, url, get, err);

    if (st != HF_OK || f->repo)
        return st;
    get->req.auth = f->auth; /* the caller's choice, not the client's */
    if (f->user_agent) {
        hf__net_header *header = hf__arena_alloc(get->arena, sizeof(*header));

        if (!header)
            return hf__fail_nomem(err);
        *header = (hf__net_header){ "User-Agent", f->user_agent };
        get->req.headers = header;
        get->req.n_headers = 1;
    }
    return HF_OK;
}

static hf_status make_request(lane *l, hf_error *err)
{
    fetch *f = l->f;
    hf_status st = hf__fetch_request(f, &l->get, err);

    if (st != HF_OK)
        return st;
    if (l->asked_end != HF__PLAN_UNKNOWN)
        l->get.req.expected = l->asked_end - l->first;
    l->get.req.has_range = l->first > 0 || l->asked_end < f->plan.size;
    l->get.req.range_first = l->first;
    l->get.req.range_last = l->asked_end == HF__PLAN_UNKNOWN ? HF__NET_NO_LIMIT : l->asked_end - 1;
    return HF_OK;
}

lane *hf__lane_start(fetch *f, int index, uint64_t first, uint64_t end, hf_error *err)
{
    hf__net_sink sink = { NULL, on_head, on_data, on_done };
    lane *l = calloc(1, sizeof(*l));
    hf_status st;

    if (!l) {
        (void)hf__fail_nomem(err);
        return NULL;
    }
    sink.self = l;
    l->f = f;
    l->index = index;
    l->address = f->address;
    l->first = first;
    l->asked_end = end;
    l->err = (hf_error)HF_ERROR_INIT;
    atomic_init(&l->at, first);
    atomic_init(&l->end, end);
    st = make_request(l, err);
    if (st == HF_OK)
        st = hf__net_stream_start(f->run->ctx->net, &l->get.req, &sink, &l->stream, err);
    if (st != HF_OK) {
        hf__lane_free(l);
        return NULL;
    }
    return l;
}

void hf__lane_stop(lane *l)
{
    if (!atomic_exchange(&l->stopped, true))
        hf__net_stream_cancel(l->stream);
}

void hf__lane_free(lane *l)
{
    if (!l)
        return;
    hf__net_stream_free(l->stream);
    hf__hub_get_dispose(&l->get);
    free(l->final_url);
    free(l);
}
