/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: one thread that moves streams through their states.
 *
 *     start ──► queue of the origin ──► active (on curl) ──► done
 *                 ▲        ▲                │    │
 *                 │        └── redirect ────┘    │
 *                 └──────── waiting ◄── retry ───┘
 *
 * Streams enter through a locked list; after that only this thread touches them. curl is given no
 * more than may run, so that no time in a queue counts as silence of a server.
 */
#include "net/internal.h"

#include "core/clock.h"
#include "core/error.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PATIENCE = 6,
    FAR_MS = 5,
    GATHER_US = 2000,
    GATHER_PART = 16, /* of a round trip: a window that is full stays closed for as long */
    FAST_LOOK_MS = 128,
    FAST_BYTES = FAST_LOOK_MS * 64 * 1024,
    GATHER_BYTES = 256 * 1024,
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- made and freed */

static void free_conf(hf__net *net)
{
    free(net->conf.user_agent);
    hf__trust_dispose(&net->conf.trust);
}

hf_status hf__net_new(const hf__net_conf *conf, hf__net **out, hf_error *err)
{
    hf__net *net = calloc(1, sizeof(*net));

    if (!net)
        return hf__fail_nomem(err);
    net->conf.user_agent = strdup(conf->user_agent ? conf->user_agent : "");
    net->conf.name_curl = conf->name_curl;
    if (!hf__trust_init(&net->conf.trust, conf) || !net->conf.user_agent) {
        free_conf(net);
        free(net);
        return hf__fail_nomem(err);
    }
    net->conf.connect_timeout_ms = conf->connect_timeout_ms ? conf->connect_timeout_ms : 10000;
    net->conf.max_connections = conf->max_connections ? conf->max_connections : 16;
    net->conf.max_per_host = conf->max_per_host ? conf->max_per_host : 8;
    net->conf.log = conf->log;
    net->conf.second_ms = 1000;
    net->conf.trace_high = hf__random_u64();
    net->conf.trace_low = hf__random_u64();
    hf__blocks_init(&net->blocks,
                    conf->buffer_budget ? conf->buffer_budget : (uint64_t)32 * 1024 * 1024);
    pthread_mutex_init(&net->synced.lock, NULL);
    *out = net;
    return HF_OK;
}

void hf__net_set_second_ms(hf__net *net, uint32_t second_ms)
{
    net->conf.second_ms = second_ms;
}

void hf__net_wake(hf__net *net)
{
    /* One wakeup is enough until the thread has seen it. */
    if (!atomic_exchange(&net->woken, true))
        (void)net->curl.multi_wakeup(net->multi);
}

void hf__net_buf_release(hf__net *net, hf__net_buf *buf)
{
    if (hf__blocks_put(&net->blocks, (hf__block *)(void *)buf))
        hf__net_wake(net);
}

uint32_t hf__net_connections(const hf__net *net)
{
    return net->conf.max_connections;
}

bool hf__net_is_held_up(hf__net *net)
{
    return hf__blocks_used(&net->blocks) > net->blocks.budget / 2;
}

/* ---- a stream's way out of the engine */

/* The last thing done with a stream: on_done may free it. */
static void finish_io(hf__net *net, hf__net_stream *stream)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st = stream->io.failure;
    hf__net_sink sink = stream->sink;

    (void)net;
    atomic_store(&stream->wait_until_ms, 0);
    hf__stream_flush_io(stream);
    if (st != HF_OK) {
        hf__error_copy(&err, &stream->io.err);
        err.status = st;
        if (stream->auth) /* "Bearer …" */
            hf__error_redact(&err, stream->auth + strcspn(stream->auth, " ") +
                                       (strchr(stream->auth, ' ') != NULL));
        if (!err.request_id[0])
            (void)snprintf(err.request_id, sizeof(err.request_id), "%s", stream->trace_id);
    }
    sink.on_done(sink.self, st, &err);
}

static void detach_io(hf__net *net, hf__net_stream *stream)
{
    hf__handle *handle = stream->io.handle;
    hf__origin *origin = stream->io.origin;

    switch (stream->io.state) {
    case HF__STREAM_ACTIVE:
        (void)net->curl.multi_remove_handle(net->multi, handle->easy);
        hf__streams_remove(&net->io.active, stream);
        hf__handle_put_io(net, handle);
        stream->io.handle = NULL;
        origin->n_active--;
        net->io.n_active--;
        break;
    case HF__STREAM_QUEUED:
        if (origin)
            hf__streams_remove(&origin->queue, stream);
        break;
    case HF__STREAM_WAITING:
        hf__streams_remove(&net->io.waiting, stream);
        break;
    }
    stream->io.origin = NULL;
    stream->io.paused = false;
}

static void abandon_io(hf__net *net, hf__net_stream *stream, hf_status st)
{
    stream->io.failure = st;
    detach_io(net, stream);
    finish_io(net, stream);
}

/* ---- into the queue of an origin */

/* in_front: it had a slot before and others came later. */
static void enqueue_io(hf__net *net, hf__net_stream *stream, bool in_front)
{
    hf__origin *origin = hf__origin_find_io(net, hf__buf_cstr(&stream->io.url), &stream->io.err);

    stream->io.state = HF__STREAM_QUEUED;
    stream->io.origin = origin;
    if (!origin) {
        stream->io.failure = HF_ERR_NO_MEMORY;
        finish_io(net, stream);
        return;
    }
    if (stream->req.retry != HF__NET_RETRY_DOWNLOAD)
        origin->multiplex = true;
    /* What is never tried again does not wait either: its caller wants an answer, also a
     * bad one. */
    if (in_front || stream->req.retry == HF__NET_RETRY_NONE)
        hf__streams_prepend(&origin->queue, stream);
    else
        hf__streams_append(&origin->queue, stream);
    net->io.tick_ms = earlier(net->io.tick_ms, hf__stream_deadline_io(stream));
}

static void begin_try_io(hf__net *net, hf__net_stream *stream, bool in_front)
{
    if (hf__stream_reset_try_io(stream) != HF_OK) {
        stream->io.failure = hf__fail_nomem(&stream->io.err);
        finish_io(net, stream);
        return;
    }
    enqueue_io(net, stream, in_front);
}

/* ---- from the queue to curl */

static hf_status activate_io(hf__net *net, hf__net_stream *stream)
{
    hf__origin *origin = stream->io.origin;
    hf_status st = hf__stream_reset_hop_io(stream);
    hf__handle *handle;

    if (st != HF_OK)
        return st;
    handle = hf__handle_get_io(net);
    if (!handle)
        return hf__fail_nomem(&stream->io.err);
    st = hf__handle_prepare_io(handle, stream, &stream->io.err);
    if (st == HF_OK && net->curl.multi_add_handle(net->multi, handle->easy) != CURLM_OK)
        st = hf__fail_nomem(&stream->io.err);
    if (st != HF_OK) {
        hf__handle_put_io(net, handle);
        return st;
    }
    hf__streams_remove(&origin->queue, stream);
    hf__streams_append(&net->io.active, stream);
    stream->io.state = HF__STREAM_ACTIVE;
    stream->io.handle = handle;
    atomic_store(&stream->wait_until_ms, 0);
    origin->n_active++;
    net->io.n_active++;
    net->io.tick_ms = earlier(net->io.tick_ms, net->io.now_ms + stream->req.timeout_ms);
    return HF_OK;
}

static bool must_wait_io(hf__net *net, const hf__origin *origin, hf__net_stream *stream)
{
    if (origin->not_before_ms <= net->io.now_ms || stream->req.retry == HF__NET_RETRY_NONE ||
        origin->not_before_ms >= hf__stream_deadline_io(stream))
        return false;
    net->io.tick_ms = earlier(net->io.tick_ms, origin->not_before_ms);
    for (; stream; stream = stream->io.next)
        atomic_store(&stream->wait_until_ms, origin->not_before_ms);
    return true;
}

/* Ranges of a file are asked for side by side as long as more of them are measured to bring more, and
 * requests that share a connection cost the host little, which bring more where the way is long; of
 * anything else it gets a few at a time. */
static bool has_slot_io(const hf__net *net, const hf__origin *origin)
{
    bool many = origin->queue.first->req.has_range || (origin->http2 && origin->trip_ms >= FAR_MS);
    uint32_t most = many ? net->conf.max_connections : net->conf.max_per_host;

    return origin->n_active < most && net->io.n_active < net->conf.max_connections;
}

/* Gives free slots to queued streams, one origin after the other. True when any got one. */
static bool admit_io(hf__net *net)
{
    bool any = false;

    for (hf__origin *origin = net->io.origins; origin; origin = origin->next) {
        while (origin->queue.first && has_slot_io(net, origin)) {
            hf__net_stream *stream = origin->queue.first;
            hf_status st;

            if (must_wait_io(net, origin, stream))
                break;
            st = activate_io(net, stream);
            if (st != HF_OK)
                abandon_io(net, stream, st);
            any = any || st == HF_OK;
        }
    }
    return any;
}

/* ---- from curl to what comes next */

static void wait_io(hf__net *net, hf__net_stream *stream)
{
    stream->io.wake_ms = net->io.now_ms + stream->io.wait_ms;
    stream->io.state = HF__STREAM_WAITING;
    hf__streams_append(&net->io.waiting, stream);
    net->io.tick_ms = earlier(net->io.tick_ms, stream->io.wake_ms);
    atomic_fetch_add(&stream->retries, 1);
    atomic_store(&stream->wait_until_ms, stream->io.wake_ms);
}

static void log_hop(hf__net *net, const hf__net_stream *stream, CURLcode code)
{
    hf__url url;

    if (!net->conf.log || net->conf.log->level < HF_LOG_DEBUG ||
        !hf__url_parse(hf__buf_cstr(&stream->io.url), &url))
        return;
    hf__logf(net->conf.log, HF_LOG_DEBUG, "%s %.*s: status %d, curl %d, %llu bytes, %llu ms",
             stream->req.method, (int)url.authority.len, url.authority.ptr, stream->io.status,
             (int)code, (unsigned long long)stream->io.received,
             (unsigned long long)(net->io.now_ms - stream->io.hop_ms));
}

static void end_hop_io(hf__net *net, hf__net_stream *stream, CURLcode code)
{
    hf__verdict verdict = hf__stream_end_hop_io(stream, code);

    log_hop(net, stream, code);
    detach_io(net, stream);
    switch (verdict) {
    case HF__VERDICT_ANSWER:
        finish_io(net, stream);
        break;
    case HF__VERDICT_REDIRECT:
        enqueue_io(net, stream, true);
        break;
    case HF__VERDICT_RETRY:
        wait_io(net, stream);
        break;
    }
}

static void reap_io(hf__net *net)
{
    int left;
    CURLMsg *message;

    while ((message = net->curl.multi_info_read(net->multi, &left))) {
        hf__handle *handle = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)net->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
        end_hop_io(net, handle->stream, message->data.result);
    }
}

/* ---- buffers came back */

/* Who was let go on is the last in the line of the next time. */
static void resume_io(hf__net *net)
{
    hf__net_stream *next;
    uint32_t n = net->io.n_active;

    for (hf__net_stream *stream = net->io.active.first; stream && n; stream = next, n--) {
        CURLcode code;

        next = stream->io.next;
        if (!stream->io.paused)
            continue;
        if (!hf__rate_open_io(net) || !hf__blocks_have_room(&net->blocks))
            return;
        hf__streams_remove(&net->io.active, stream);
        hf__streams_append(&net->io.active, stream);
        stream->io.paused = false;
        stream->io.last_ms = net->io.now_ms;
        /* Hands over at once what curl kept, and may pause again within the call. */
        code = net->curl.easy_pause(stream->io.handle->easy, CURLPAUSE_CONT);
        if (code != CURLE_OK)
            end_hop_io(net, stream, code);
    }
}

/* ---- somebody was cancelled */

static void cancel_list_io(hf__net *net, hf__net_stream *stream)
{
    while (stream) {
        hf__net_stream *next = stream->io.next;

        if (atomic_load(&stream->canceled))
            abandon_io(net, stream, hf__fail(&stream->io.err, HF_ERR_CANCELED, "cancelled"));
        stream = next;
    }
}

static void cancel_io(hf__net *net)
{
    cancel_list_io(net, net->io.active.first);
    cancel_list_io(net, net->io.waiting.first);
    for (hf__origin *origin = net->io.origins; origin; origin = origin->next)
        cancel_list_io(net, origin->queue.first);
}

/* ---- the clock */

static void tick_later_io(hf__net *net, uint64_t at_ms)
{
    net->io.tick_ms = earlier(net->io.tick_ms, at_ms);
}

/* When this stream has been silent for too long. Our own back-pressure may hold up others on the
 * same HTTP/2 connection, so no silence counts from before the last pause. */
static uint64_t silent_at_io(hf__net *net, hf__net_stream *stream)
{
    uint64_t last_ms = stream->io.last_ms;
    curl_off_t sent = 0;

    if (stream->io.head_done && (stream->io.verdict != HF__VERDICT_ANSWER || stream->io.drop_body))
        return stream->io.hop_ms + HF__DISCARD_MS > last_ms ? stream->io.hop_ms + HF__DISCARD_MS
                                                            : last_ms;
    if ((stream->req.body_len || stream->req.source.read) && !stream->io.head_done &&
        net->curl.easy_getinfo(stream->io.handle->easy, CURLINFO_SIZE_UPLOAD_T, &sent) ==
            CURLE_OK &&
        (uint64_t)sent != stream->io.sent) {
        stream->io.sent = (uint64_t)sent;
        stream->io.last_ms = last_ms = net->io.now_ms;
    }
    if (net->io.starved_ms > last_ms)
        last_ms = net->io.starved_ms;
    /* An answer that someone waits for in one piece must not trickle for days: after the first few
     * time-outs it is asked for a byte per millisecond. */
    if (stream->collect && stream->io.head_done)
        return earlier(last_ms + stream->req.timeout_ms,
                       stream->io.hop_ms + PATIENCE * (uint64_t)stream->req.timeout_ms +
                           stream->io.received);
    return last_ms + stream->req.timeout_ms;
}

static void time_out_io(hf__net *net, hf__net_stream *stream, const char *why, uint64_t ms)
{
    (void)snprintf(stream->io.handle->error, sizeof(stream->io.handle->error), "%s %.1f s", why,
                   (double)ms / 1000.0);
    end_hop_io(net, stream, CURLE_OPERATION_TIMEDOUT);
}

static void tick_active_io(hf__net *net, hf__net_stream *stream)
{
    uint64_t now = net->io.now_ms;
    uint64_t deadline = hf__stream_deadline_io(stream);
    uint64_t silent_at = UINT64_MAX;

    if (stream->io.paused)
        net->io.starved_ms = now;
    else
        silent_at = silent_at_io(net, stream);
    if (stream->io.block && stream->io.block->buf.len) {
        if (now >= stream->io.block_ms + HF__FLUSH_MS)
            hf__stream_flush_io(stream);
        else
            tick_later_io(net, stream->io.block_ms + HF__FLUSH_MS);
    }
    if (now >= deadline)
        time_out_io(net, stream, "not done within", stream->req.total_ms);
    else if (now >= silent_at)
        time_out_io(net, stream,
                    now >= stream->io.last_ms + stream->req.timeout_ms ? "silent for" : "slow for",
                    stream->req.timeout_ms);
    else
        tick_later_io(net, earlier(deadline, silent_at));
}

/* Streams that are not on curl only have the bound on the whole exchange. */
static void tick_idle_io(hf__net *net, hf__net_stream *stream)
{
    uint64_t deadline = hf__stream_deadline_io(stream);

    if (net->io.now_ms < deadline) {
        tick_later_io(net, deadline);
        return;
    }
    abandon_io(net, stream,
               hf__fail(&stream->io.err, HF_ERR_TIMEOUT, "not done within %.1f s",
                        (double)stream->req.total_ms / 1000.0));
}

static void tick_waiting_io(hf__net *net, hf__net_stream *stream)
{
    if (net->io.now_ms < stream->io.wake_ms) {
        tick_later_io(net, stream->io.wake_ms);
        tick_idle_io(net, stream);
        return;
    }
    detach_io(net, stream);
    begin_try_io(net, stream, true);
}

static void tick_io(hf__net *net)
{
    hf__net_stream *next;

    if (net->io.now_ms < net->io.tick_ms)
        return;
    net->io.tick_ms = net->io.now_ms + HF__NO_WAKEUP_MS;
    (void)hf__rate_open_io(net); /* while it is not, it is looked at again soon */
    for (hf__net_stream *stream = net->io.active.first; stream; stream = next) {
        next = stream->io.next;
        tick_active_io(net, stream);
    }
    for (hf__net_stream *stream = net->io.waiting.first; stream; stream = next) {
        next = stream->io.next;
        tick_waiting_io(net, stream);
    }
    for (hf__origin *origin = net->io.origins; origin; origin = origin->next) {
        for (hf__net_stream *stream = origin->queue.first; stream; stream = next) {
            next = stream->io.next;
            tick_idle_io(net, stream);
        }
    }
}

/* ---- the thread */

/* Takes the new streams over; false when the engine is to stop. */
static bool take_new_io(hf__net *net)
{
    hf__net_stream *stream;
    bool stopping;

    pthread_mutex_lock(&net->synced.lock);
    stream = net->synced.first;
    net->synced.first = net->synced.last = NULL;
    atomic_store(&net->untold, false);
    stopping = net->synced.stopping;
    pthread_mutex_unlock(&net->synced.lock);
    while (stream) {
        hf__net_stream *next = stream->io.next;

        stream->io.next = NULL;
        begin_try_io(net, stream, false);
        stream = next;
    }
    return !stopping;
}

static bool is_idle_io(const hf__net *net)
{
    return !net->io.active.first && !net->io.waiting.first;
}

/* On a far line bytes come packet by packet, and to look at every connection for each is most of
 * what a download costs. In the middle of long bodies nobody waits for a packet, so that some are
 * left to gather; heads, ends, and lines that are fast as well as far are not kept waiting.
 * Microseconds. */
static uint64_t gather_io(const hf__net *net)
{
    uint64_t most = GATHER_US;

    if (net->io.fast || net->io.n_waits || !net->io.active.first)
        return 0;
    for (const hf__net_stream *stream = net->io.active.first; stream; stream = stream->io.next) {
        if (!stream->io.head_done || stream->io.origin->trip_ms < FAR_MS ||
            stream->io.content_length == HF__NET_NO_LIMIT ||
            stream->io.content_length - stream->io.received < GATHER_BYTES)
            return 0;
        most = earlier(most, stream->io.origin->trip_ms * 1000 / GATHER_PART);
    }
    return most;
}

static void *run(void *arg)
{
    hf__net *net = arg;
    bool was_idle = true;
    int running;

    for (;;) {
        uint64_t wait_ms;
        uint64_t nap_us;

        /* Before looking at what a wakeup announces, so that one that comes later is not lost. */
        atomic_store(&net->woken, false);
        net->io.now_ms = hf__clock_ms();
        if (net->io.now_ms >= net->io.look_ms + FAST_LOOK_MS) {
            net->io.fast = net->io.came >= FAST_BYTES;
            net->io.came = 0;
            net->io.look_ms = net->io.now_ms;
        }
        if (!take_new_io(net))
            break;
        if (atomic_exchange(&net->any_cancel, false))
            cancel_io(net);
        resume_io(net);
        (void)admit_io(net);
        (void)net->curl.multi_perform(net->multi, &running);
        reap_io(net);
        /* What took the place of what has ended is sent before anything is waited for. */
        if (admit_io(net)) {
            (void)net->curl.multi_perform(net->multi, &running);
            reap_io(net);
        }
        tick_io(net);
        (void)admit_io(net);
        hf__kernel_send_io(net, end_hop_io);
        if (is_idle_io(net) && !was_idle)
            hf__blocks_trim(&net->blocks);
        was_idle = is_idle_io(net);
        nap_us = gather_io(net);
        if (nap_us)
            hf__clock_sleep_us(nap_us);
        wait_ms = net->io.tick_ms > net->io.now_ms ? net->io.tick_ms - net->io.now_ms : 0;
        (void)net->curl.multi_poll(net->multi, net->io.waits, net->io.n_waits,
                                   (int)earlier(wait_ms, HF__NO_WAKEUP_MS), NULL);
    }
    return NULL;
}

static hf_status start_thread(hf__net *net, hf_error *err)
{
    sigset_t all;
    sigset_t before;
    int failed;

    /* Signals are for the program's own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&net->thread, NULL, run, net);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? hf__fail_os(err, failed, "cannot start the network thread") : HF_OK;
}

/* Handles last until the connections that tell them of their end are closed. */
static void close_curl(hf__net *net)
{
    if (net->multi)
        (void)net->curl.multi_cleanup(net->multi);
    hf__handles_free_io(net);
    if (net->share)
        (void)net->curl.share_cleanup(net->share);
    free(net->io.waits);
    net->multi = NULL;
    net->share = NULL;
    net->io.waits = NULL;
}

/* Only now is it known which curl this is. */
static hf_status name_curl(hf__net *net, hf_error *err)
{
    /* Not curl_version(), which asks OpenLDAP for its own, which resolves the name of the host. */
    const char *version = net->curl.version_info(CURLVERSION_FIRST)->version;
    const char *agent = net->conf.user_agent;
    const char *origin = strstr(agent, "; origin/");
    size_t head = origin ? (size_t)(origin - agent) : strlen(agent);
    size_t size = strlen(agent) + strlen(version) + sizeof("; libcurl/");
    char *named;

    if (!net->conf.name_curl)
        return HF_OK;
    named = malloc(size);
    if (!named)
        return hf__fail_nomem(err);
    (void)snprintf(named, size, "%.*s%slibcurl/%s%s", (int)head, agent, head ? "; " : "", version,
                   agent + head);
    free(net->conf.user_agent);
    net->conf.user_agent = named;
    net->conf.name_curl = false;
    return HF_OK;
}

static hf_status start_locked(hf__net *net, hf_error *err)
{
    hf_status st = hf__curl_load(&net->curl, err);

    if (st == HF_OK)
        st = name_curl(net, err);
    if (st != HF_OK)
        return st;
    net->multi = net->curl.multi_init();
    net->share = net->curl.share_init();
    net->io.waits = calloc(net->conf.max_connections, sizeof(*net->io.waits));
    if (!net->multi || !net->share || !net->io.waits) {
        close_curl(net);
        return hf__fail_nomem(err);
    }
    /* Used by one thread, so it needs no locks. */
    (void)net->curl.share_setopt(net->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    (void)net->curl.multi_setopt(net->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    (void)net->curl.multi_setopt(net->multi, CURLMOPT_MAXCONNECTS,
                                 (long)net->conf.max_connections * 2);
    net->io.now_ms = hf__clock_ms();
    net->io.tick_ms = net->io.now_ms + HF__NO_WAKEUP_MS;
    st = start_thread(net, err);
    if (st != HF_OK) {
        close_curl(net);
        return st;
    }
    net->synced.started = true;
    atomic_store(&net->pid, (long)getpid());
    return HF_OK;
}

hf_status hf__stream_submit(hf__net_stream *stream, hf_error *err)
{
    hf__net *net = stream->net;
    hf_status st = HF_OK;

    pthread_mutex_lock(&net->synced.lock);
    if (!net->synced.started)
        st = start_locked(net, err);
    if (st == HF_OK) {
        if (net->synced.last)
            net->synced.last->io.next = stream;
        else
            net->synced.first = stream;
        net->synced.last = stream;
        atomic_store(&net->untold, true);
    }
    pthread_mutex_unlock(&net->synced.lock);
    return st;
}

void hf__net_go(hf__net *net)
{
    if (atomic_exchange(&net->untold, false))
        hf__net_wake(net);
}

bool hf__net_forked(hf__net *net)
{
    long pid = atomic_load(&net->pid);

    return pid && pid != (long)getpid();
}

void hf__net_free(hf__net *net)
{
    if (!net)
        return;
    if (net->synced.started) {
        pthread_mutex_lock(&net->synced.lock);
        net->synced.stopping = true;
        pthread_mutex_unlock(&net->synced.lock);
        hf__net_wake(net);
        pthread_join(net->thread, NULL);
        HF__ASSERT(is_idle_io(net));
        hf__origins_free_io(net);
        close_curl(net);
    }
    hf__blocks_dispose(&net->blocks);
    pthread_mutex_destroy(&net->synced.lock);
    free_conf(net);
    free(net);
}
