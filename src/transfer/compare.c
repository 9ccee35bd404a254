/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where is a file wrong whose hash is wrong? The source is asked for the digests of stretches
 * (RFC 9530, in answer to a HEAD with a range), which are compared with what is on disk: first in
 * large steps, then in small ones where they differ. What the source says is a hint; the hash of the
 * whole file decides as before.
 *
 * It runs on the hash strand, which has nothing to do meanwhile. It may wait for answers there.
 */
#include "transfer/private.h"

#include <stdlib.h>

#define STRETCH              ((uint64_t)64 * 1024 * 1024)
#define PATIENCE_FOR_HINT_MS 30000 /* per answer; without it everything is fetched again */
#define ROOM_BYTES           ((size_t)256 * 1024)

typedef enum verdict { SAME, DIFFERS, UNKNOWN } verdict;

static bool hash_disk(compare *c, uint64_t at, uint64_t end, char out[HF__HASH_HEX_MAX + 1])
{
    const hf__writer *w = &c->f->w;
    hf__hash *hash = NULL;
    size_t got = 1;
    bool good = hf__hash_new(HF__HASH_SHA256, end - at, &hash, NULL) == HF_OK;

    while (good && at < end) {
        good = !hf__canceled(&c->cancel) &&
               hf__os_pread(w->fd, c->room, end - at < ROOM_BYTES ? (size_t)(end - at) : ROOM_BYTES,
                            at, &got, w->path, NULL) == HF_OK &&
               got > 0;
        if (good)
            hf__hash_add(hash, c->room, got);
        at += got;
    }
    if (good)
        hf__hash_end(hash, out);
    hf__hash_free(hash);
    return good;
}

static bool ask_source(compare *c, uint64_t at, uint64_t end, char out[HF__HASH_HEX_MAX + 1])
{
    hf__net_resp resp;
    uint64_t len;
    bool partial = false;
    bool good;

    c->get.req.range_first = at;
    c->get.req.range_last = end - 1;
    if (hf__net_call(c->f->run->ctx->net, &c->get.req, &c->cancel, &resp, NULL) != HF_OK)
        return false;
    good = hf__hub_check_content(&(hf__net_head){ .status = resp.status,
                                                  .url = resp.url,
                                                  .content_length = HF__NET_NO_LIMIT,
                                                  .headers = resp.headers },
                                 NULL, c->f->size, at, &partial, NULL) == HF_OK &&
           partial &&
           hf__str_to_u64(hf__str_from(hf__net_header_get(resp.headers, "content-length")), &len) &&
           len == end - at && hf__hub_content_digest(resp.headers, out);
    hf__net_resp_dispose(&resp);
    return good;
}

static verdict look(compare *c, uint64_t at, uint64_t end)
{
    char here[HF__HASH_HEX_MAX + 1];
    char there[HF__HASH_HEX_MAX + 1];

    if (!ask_source(c, at, end, there) || !hash_disk(c, at, end, here))
        return UNKNOWN;
    return strcmp(here, there) == 0 ? SAME : DIFFERS;
}

/* Compares [at, end) in steps. False: there is no telling. */
static bool walk(compare *c, uint64_t at, uint64_t end, uint64_t step)
{
    while (at < end) {
        uint64_t to = end - at < step ? end : at + step;
        verdict v = look(c, at, to);

        if (v == UNKNOWN)
            return false;
        if (v == DIFFERS && step > HF__COMPARE_PIECE) {
            if (!walk(c, at, to, HF__COMPARE_PIECE))
                return false;
        } else if (v == DIFFERS && !hf__ranges_add(&c->bad, at, to)) {
            return false;
        }
        at = to;
    }
    return true;
}

static void work(void *arg)
{
    compare *c = arg;
    fetch *f = c->f;
    uint64_t size = f->size;

    if (!walk(c, 0, size, size > STRETCH ? STRETCH : HF__COMPARE_PIECE))
        (void)hf__ranges_remove(&c->bad, 0, size);
    atomic_store(&c->done, true); /* from here on it is the caller's */
    hf__run_fetch_ready(f->run, f);
}

static hf_status make_request(compare *c, hf_error *err)
{
    hf__net_req *req = &c->get.req;
    hf__net_header *headers;
    hf_status st = hf__fetch_request(c->f, &c->get, err);

    if (st != HF_OK)
        return st;
    headers = hf__arena_array(c->get.arena, req->n_headers + 1, sizeof(*headers));
    if (!headers)
        return hf__fail_nomem(err);
    if (req->n_headers)
        memcpy(headers, req->headers, req->n_headers * sizeof(*headers));
    headers[req->n_headers++] = (hf__net_header){ "Want-Content-Digest", "sha-256=9" };
    req->headers = headers;
    req->method = "HEAD";
    req->has_range = true;
    req->total_ms = PATIENCE_FOR_HINT_MS;
    return HF_OK;
}

compare *hf__compare_start(fetch *f, hf_error *err)
{
    compare *c = calloc(1, sizeof(*c));
    hf_status st = HF_OK;

    if (!c) {
        (void)hf__fail_nomem(err);
        return NULL;
    }
    c->f = f;
    c->cancel.outer = f->run->cancel;
    c->room = malloc(ROOM_BYTES);
    st = c->room ? make_request(c, err) : hf__fail_nomem(err);
    if (st != HF_OK) {
        hf__compare_free(c);
        return NULL;
    }
    c->job.fn = work;
    c->job.arg = c;
    hf__strand_add(f->w.hash_strand, &c->job);
    return c;
}

void hf__compare_free(compare *c)
{
    if (!c)
        return;
    hf__hub_get_dispose(&c->get);
    hf__ranges_dispose(&c->bad);
    free(c->room);
    free(c);
}
