/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files on their way to the storage (hub-http.md 7.4): in one body, or in parts that go side by
 * side, then the call that puts them together, then the one that has it checked. A part that fails
 * is sent again alone; addresses that are refused are asked for again.
 */
#include "transfer/upload.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SAID 4096 /* of what a storage says when it refuses */

/* ---- one body, or a closing call */

static hf_status read_body(void *self, uint64_t offset, void *to, size_t len, size_t *got,
                           hf_error *err)
{
    up_put *put = self;
    hf_status st =
        hf__up_read(put->send->item, put->send->fd, put->first + offset, to, len, got, err);

    if (st == HF_OK)
        atomic_store(&put->at, offset + *got);
    return st;
}

static void body_moved(void *self, uint64_t at)
{
    up_put *put = self;

    atomic_store(&put->at, at);
}

static hf_status on_head(void *self, const hf__net_head *head, hf_error *err)
{
    up_put *put = self;
    const char *etag = hf__net_header_get(head->headers, "etag");

    (void)err;
    put->http_status = head->status;
    (void)snprintf(put->etag, sizeof(put->etag), "%s",
                   etag && strlen(etag) < sizeof(put->etag) ? etag : "");
    (void)hf__hub_classify(head->status, head->url, head->headers, HF__STR(""), &put->err);
    return HF_OK;
}

static void on_data(void *self, hf__net_buf *buf)
{
    up_put *put = self;

    if (put->http_status >= 300 && put->body.len + buf->len < MAX_SAID)
        hf__buf_add(&put->body, buf->data, buf->len);
    hf__net_buf_release(put->r->ctx->net, buf);
}

static void on_done(void *self, hf_status status, const hf_error *err)
{
    up_put *put = self;
    up_run *r = put->r;

    put->status = status;
    if (status != HF_OK)
        hf__error_copy(&put->err, err);
    pthread_mutex_lock(&r->synced.lock);
    put->next_done = r->synced.done;
    r->synced.done = put;
    r->synced.event = true;
    pthread_cond_signal(&r->synced.wake);
    pthread_mutex_unlock(&r->synced.lock);
}

static void put_free(up_put *put)
{
    hf__net_stream_free(put->stream);
    hf__buf_dispose(&put->body);
    free(put->url);
    free(put);
}

static up_put *put_new(up_send *send, const char *url)
{
    up_put *put = calloc(1, sizeof(*put));

    if (!put)
        return NULL;
    put->r = send->r;
    put->send = send;
    put->err = (hf_error)HF_ERROR_INIT;
    hf__buf_init(&put->body, MAX_SAID);
    put->url = strdup(url);
    if (!put->url) {
        put_free(put);
        return NULL;
    }
    return put;
}

static hf_status put_start(up_put *put, const hf__net_req *req, hf_error *err)
{
    hf__net_sink sink = { put, on_head, on_data, on_done };
    up_send *send = put->send;
    hf_status st = hf__net_stream_start(put->r->ctx->net, req, &sink, &put->stream, err);

    if (st != HF_OK) {
        put_free(put);
        return st;
    }
    hf__net_go(put->r->ctx->net);
    put->next = send->puts;
    send->puts = put;
    send->n_puts++;
    put->r->n_puts++;
    return HF_OK;
}

static uint64_t part_bytes(const up_send *send, size_t part)
{
    uint64_t first = part * send->action.part_bytes;

    if (!send->action.n_parts)
        return send->item->size;
    return send->item->size - first < send->action.part_bytes ? send->item->size - first
                                                              : send->action.part_bytes;
}

static hf_status start_part(up_send *send, size_t part, hf_error *err)
{
    up_put *put =
        put_new(send, send->action.n_parts ? send->action.parts[part] : send->action.href);
    hf__net_source source = { .read = read_body,
                              .self = put,
                              .len = part_bytes(send, part),
                              .is_file = send->fd >= 0,
                              .fd = send->fd,
                              .first = part * send->action.part_bytes,
                              .moved = body_moved };
    hf__net_req req;

    if (!put)
        return hf__fail_nomem(err);
    put->part = part;
    put->first = part * send->action.part_bytes;
    send->moving[part] = 1;
    hf__lfs_put(put->r->ctx->hub, put->url, &source, &req);
    return put_start(put, &req, err);
}

static hf_status start_call(up_send *send, bool verify, hf_error *err)
{
    up_put *put = put_new(send, verify ? send->action.verify : send->action.href);
    hf__net_req req;
    hf__buf body;
    hf_status st;

    if (!put)
        return hf__fail_nomem(err);
    hf__buf_init(&body, HF__MAX_JSON_BYTES);
    if (verify)
        hf__buf_addf(&body, "{\"oid\": \"%s\", \"size\": %llu}", send->item->hash,
                     (unsigned long long)send->item->size);
    else
        hf__lfs_completion(&body, send->item->hash, send->action.etags, send->n_parts);
    st = body.status == HF_OK ? hf__lfs_post(put->r->ctx->hub, put->url, verify, &body, &req, err)
                              : hf__fail_nomem(err);
    send->phase = verify ? SEND_VERIFYING : SEND_COMPLETING;
    if (st == HF_OK)
        st = put_start(put, &req, err);
    else
        put_free(put);
    hf__buf_dispose(&body);
    return st;
}

/* ---- one file */

hf_status hf__up_send_add(up_run *r, up_item *item, hf__lfs_action *action, hf_error *err)
{
    up_send *send = calloc(1, sizeof(*send));
    up_send **at = &r->sends;
    size_t n = action->n_parts ? action->n_parts : 1;

    if (!send)
        return hf__fail_nomem(err);
    send->r = r;
    send->item = item;
    send->fd = -1;
    send->n_parts = n;
    send->why = (hf_error)HF_ERROR_INIT;
    send->tries = calloc(n, 1);
    send->moving = calloc(n, 1);
    if (!send->tries || !send->moving) {
        free(send->tries);
        free(send->moving);
        free(send);
        return hf__fail_nomem(err);
    }
    send->action = *action;
    memset(action, 0, sizeof(*action));
    item->tries++;
    r->to_send_bytes += item->size;
    for (size_t i = 0; send->action.n_parts && i < n; i++)
        if (send->action.etags[i]) { /* it is there already */
            send->moving[i] = 2;
            send->n_done++;
            send->bytes_done += part_bytes(send, i);
        }
    while (*at)
        at = &(*at)->next;
    *at = send;
    r->n_sends++;
    return HF_OK;
}

static void send_remove(up_run *r, up_send *send)
{
    up_send **at = &r->sends;

    while (*at != send)
        at = &(*at)->next;
    *at = send->next;
    r->n_sends--;
    hf__up_close(send->item, &send->fd);
    hf__lfs_action_dispose(&send->action);
    free(send->tries);
    free(send->moving);
    free(send);
}

static void send_over(up_run *r, up_send *send)
{
    up_item *item = send->item;
    hf_error err = HF_ERROR_INIT;
    hf_status st = hf__up_check(item, send->fd, &err);

    r->sent_bytes += item->size;
    send_remove(r, send);
    if (st != HF_OK)
        hf__up_fail(r, st, &err, NULL);
    else
        hf__up_ready(r, item);
}

/* The addresses have expired, or what arrived there was not good: from the batch again. */
static void send_again(up_run *r, up_send *send)
{
    up_item *item = send->item;
    hf_error why = send->why;

    r->to_send_bytes -= item->size;
    send_remove(r, send);
    if (item->tries >= UP_FILE_TRIES)
        hf__up_fail(r, why.status, &why, item->path);
    else
        up_push(&r->to_batch, item);
}

static hf_status send_next(up_send *send, hf_error *err)
{
    if (send->phase == SEND_BODIES && send->action.n_parts)
        return start_call(send, false, err);
    if (send->phase != SEND_VERIFYING && send->action.verify)
        return start_call(send, true, err);
    send_over(send->r, send);
    return HF_OK;
}

/* Which refusals fresh addresses may help against: signed URLs expire with a 403, or a 400 or 404
 * when the upload they belong to is gone; a storage that did not get what was sent says 4xx, too. */
static bool may_renew(int http_status)
{
    return http_status == 400 || http_status == 401 || http_status == 403 || http_status == 404 ||
           http_status == 409 || http_status == 410 || http_status == 422;
}

static void want_renewal(up_send *send, const hf_error *why)
{
    send->renew = true;
    hf__error_copy(&send->why, why);
    if (send->why.status == HF_OK)
        send->why.status = HF_ERR_PROTOCOL;
}

/* What the storage said, in place of a bare status. */
static void add_said(up_put *put)
{
    hf_error said = HF_ERROR_INIT;

    if (!put->body.len)
        return;
    (void)hf__hub_classify(put->http_status, put->url, NULL, hf__buf_str(&put->body), &said);
    (void)snprintf(put->err.message, sizeof(put->err.message), "%s", said.message);
}

static void part_done(up_put *put)
{
    up_send *send = put->send;
    up_run *r = put->r;
    size_t part = put->part;

    send->moving[part] = 0;
    if (put->status == HF_OK && put->http_status < 300 && (put->etag[0] || !send->action.n_parts)) {
        send->moving[part] = 2;
        send->n_done++;
        send->bytes_done += part_bytes(send, part);
        if (send->action.n_parts)
            send->action.etags[part] = hf__arena_cstr(send->action.arena, put->etag);
        r->info.bytes_sent += part_bytes(send, part);
        return;
    }
    r->info.bytes_sent += atomic_load(&put->at);
    if (put->status == HF_ERR_CHANGED || put->status == HF_ERR_CANCELED) {
        hf__up_fail(r, put->status, &put->err, NULL);
    } else if (put->status == HF_OK && put->http_status >= 300 && may_renew(put->http_status)) {
        want_renewal(send, &put->err);
    } else if (++send->tries[part] >= UP_PART_TRIES) {
        if (put->status == HF_OK && put->http_status < 300)
            put->err.status =
                hf__fail(&put->err, HF_ERR_PROTOCOL,
                         "the storage took part %zu without naming its ETag", part + 1);
        hf__up_fail(r, put->err.status, &put->err, send->item->path);
    } else if (part < send->next_part) {
        send->next_part = part;
    }
}

static void call_done(up_put *put)
{
    up_send *send = put->send;

    if (put->status == HF_OK && put->http_status < 300)
        return;
    if (put->status == HF_OK && may_renew(put->http_status))
        want_renewal(send, &put->err);
    else
        hf__up_fail(put->r, put->status == HF_OK ? put->err.status : put->status, &put->err,
                    send->item->path);
}

static void put_done(up_run *r, up_put *put)
{
    up_send *send = put->send;
    up_put **at = &send->puts;
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_OK;

    while (*at != put)
        at = &(*at)->next;
    *at = put->next;
    send->n_puts--;
    r->n_puts--;
    if (put->status == HF_OK)
        add_said(put);
    if (r->status == HF_OK && send->phase == SEND_BODIES)
        part_done(put);
    else if (r->status == HF_OK)
        call_done(put);
    put_free(put);
    if (r->status != HF_OK || send->n_puts)
        return;
    if (send->renew)
        send_again(r, send);
    else if (send->phase != SEND_BODIES || send->n_done == send->n_parts)
        st = send_next(send, &err);
    if (st != HF_OK)
        hf__up_fail(r, st, &err, NULL);
}

void hf__up_sends_reap(up_run *r)
{
    up_put *put;

    pthread_mutex_lock(&r->synced.lock);
    put = r->synced.done;
    r->synced.done = NULL;
    pthread_mutex_unlock(&r->synced.lock);
    while (put) {
        up_put *next = put->next_done;

        put_done(r, put);
        put = next;
    }
}

/* ---- all files */

/* Next part to send; false when there is none at the moment. */
static bool find_part(up_send *send)
{
    while (send->next_part < send->n_parts && send->moving[send->next_part])
        send->next_part++;
    return send->next_part < send->n_parts;
}

void hf__up_sends_start(up_run *r)
{
    up_send *next;

    for (up_send *send = r->sends; send && r->n_puts < r->max_puts; send = next) {
        hf_error err = HF_ERROR_INIT;
        hf_status st = HF_OK;

        next = send->next;
        if (send->phase != SEND_BODIES || send->renew)
            continue;
        if (send->fd < 0)
            st = hf__up_open(send->item, &send->fd, &err);
        if (st == HF_OK && send->n_done == send->n_parts && !send->n_puts)
            st = send_next(send, &err); /* all parts were there */
        else
            while (st == HF_OK && r->n_puts < r->max_puts && find_part(send))
                st = start_part(send, send->next_part++, &err);
        if (st != HF_OK) {
            hf__up_fail(r, st, &err, NULL);
            return;
        }
    }
}

uint64_t hf__up_sends_bytes(const up_run *r)
{
    uint64_t bytes = 0;

    for (const up_send *send = r->sends; send; send = send->next) {
        bytes += send->bytes_done;
        if (send->phase == SEND_BODIES)
            for (const up_put *put = send->puts; put; put = put->next)
                bytes += atomic_load(&put->at);
    }
    return bytes;
}

void hf__up_sends_stop(up_run *r)
{
    for (up_send *send = r->sends; send; send = send->next)
        for (up_put *put = send->puts; put; put = put->next)
            hf__net_stream_cancel(put->stream);
    while (r->n_puts) {
        pthread_mutex_lock(&r->synced.lock);
        while (!r->synced.done)
            pthread_cond_wait(&r->synced.wake, &r->synced.lock);
        pthread_mutex_unlock(&r->synced.lock);
        hf__up_sends_reap(r);
    }
    while (r->sends)
        send_remove(r, r->sends);
}
