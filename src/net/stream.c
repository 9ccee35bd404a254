/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange: from the request through redirects and retries to the answer. A try follows
 * redirects from the first URL on; each request in it is a hop. What a head means for the exchange
 * (go on elsewhere, try again, this is the answer) is decided the moment the head is complete, so
 * that bodies nobody wants are dropped as they come.
 *
 * The engine moves streams between queue, curl and waiting; this file never does.
 */
#include "net/internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "net/retry.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUIET_MS = 30000 };

/* ---- making one */

static void wipe_free(char *secret)
{
    if (secret)
        for (volatile char *c = secret; *c; c++)
            *c = '\0';
    free(secret);
}

static bool is_clean(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static bool header_ok(const hf__net_header *header)
{
    static const char *const ours[] = { "Authorization",   "Host",       "Content-Length",
                                        "Content-Type",    "Range",      "Expect",
                                        "Accept-Encoding", "Connection", "Transfer-Encoding" };
    hf__str name = hf__str_from(header->name);

    for (size_t i = 0; i < HF__COUNT(ours); i++)
        if (hf__str_eq_nocase(name, hf__str_from(ours[i])))
            return false;
    return name.len && is_clean(header->name) && !strpbrk(header->name, " \t:;") &&
           is_clean(header->value);
}

static hf_status check_request(const hf__net_req *req, hf_error *err)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH" };
    hf__url url;
    bool known = false;

    for (size_t i = 0; i < HF__COUNT(methods); i++)
        known = known || strcmp(req->method, methods[i]) == 0;
    if (!known)
        return hf__fail(err, HF_ERR_INVALID_ARG, "unknown method '%s'", req->method);
    if (!hf__url_parse(req->url, &url))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "not a usable http or https URL, or one with a user name in it");
    if (req->auth && !is_clean(req->auth))
        return hf__fail(err, HF_ERR_INVALID_ARG, "the token has control characters in it");
    if (req->content_type && !is_clean(req->content_type))
        return hf__fail(err, HF_ERR_INVALID_ARG, "the content type has control characters in it");
    for (size_t i = 0; i < req->n_headers; i++)
        if (!header_ok(&req->headers[i]))
            return hf__fail(err, HF_ERR_INVALID_ARG, "request header '%s' cannot be set",
                            req->headers[i].name);
    return HF_OK;
}

static hf_status copy_headers(hf__net_stream *stream, const hf__net_req *req)
{
    hf__net_header *headers = hf__arena_array(stream->arena, req->n_headers, sizeof(*headers));

    if (!headers)
        return HF_ERR_NO_MEMORY;
    for (size_t i = 0; i < req->n_headers; i++) {
        headers[i].name = hf__arena_cstr(stream->arena, req->headers[i].name);
        headers[i].value = hf__arena_cstr(stream->arena, req->headers[i].value);
        if (!headers[i].name || !headers[i].value)
            return HF_ERR_NO_MEMORY;
    }
    stream->req.headers = headers;
    return HF_OK;
}

static hf_status copy_request(hf__net_stream *stream, const hf__net_req *req)
{
    hf__net_req *copy = &stream->req;

    *copy = *req;
    copy->auth = NULL;
    copy->headers = NULL;
    copy->body = NULL;
    copy->method = hf__arena_cstr(stream->arena, req->method);
    copy->url = hf__arena_cstr(stream->arena, req->url);
    copy->content_type = hf__arena_cstr(stream->arena, req->content_type);
    if (!copy->method || !copy->url || (req->content_type && !copy->content_type))
        return HF_ERR_NO_MEMORY;
    if (req->auth) {
        stream->auth = strdup(req->auth);
        if (!stream->auth)
            return HF_ERR_NO_MEMORY;
    }
    if (req->body) {
        void *body = malloc(req->body_len ? req->body_len : 1);

        if (!body)
            return HF_ERR_NO_MEMORY;
        memcpy(body, req->body, req->body_len);
        copy->body = body;
    }
    if (copy->timeout_ms == 0)
        copy->timeout_ms = 10000;
    if (copy->max_body == 0)
        copy->max_body = HF__MAX_JSON_BYTES;
    return req->n_headers ? copy_headers(stream, req) : HF_OK;
}

/* A caller's X-Request-Id is the id to trace by (hub-http.md 10.2); else a UUID that no other request has. */
static void make_trace_id(hf__net_stream *stream)
{
    uint64_t high = stream->net->conf.trace_high;
    uint64_t low = stream->net->conf.trace_low;

    for (size_t i = 0; i < stream->req.n_headers; i++) {
        const hf__net_header *header = &stream->req.headers[i];

        if (hf__str_eq_nocase(hf__str_from(header->name), HF__STR("X-Request-Id"))) {
            (void)snprintf(stream->trace_id, sizeof(stream->trace_id), "%.63s", header->value);
            return;
        }
    }
    low += atomic_fetch_add(&stream->net->n_traced, 1);
    (void)snprintf(stream->trace_id, sizeof(stream->trace_id), "%08x-%04x-4%03x-%04x-%012llx",
                   (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
                   (unsigned)(high & 0xfff), (unsigned)(low >> 48 & 0x3fff) | 0x8000u,
                   (unsigned long long)(low & 0xffffffffffffu));
}

hf_status hf__stream_new(hf__net *net, const hf__net_req *req, const hf__net_sink *sink,
                         bool collect, hf__net_stream **out, hf_error *err)
{
    hf_status st = check_request(req, err);
    hf__net_stream *stream;

    if (st != HF_OK)
        return st;
    stream = calloc(1, sizeof(*stream));
    if (!stream)
        return hf__fail_nomem(err);
    stream->net = net;
    stream->sink = *sink;
    stream->collect = collect;
    stream->io.err = (hf_error)HF_ERROR_INIT;
    hf__buf_init(&stream->io.url, HF__MAX_URL);
    stream->arena = hf__arena_new();
    if (!stream->arena || copy_request(stream, req) != HF_OK) {
        hf__net_stream_free(stream);
        return hf__fail_nomem(err);
    }
    hf__buf_init(
        &stream->io.body,
        (size_t)(stream->req.max_body < SIZE_MAX / 2 ? stream->req.max_body : SIZE_MAX / 2));
    make_trace_id(stream);
    stream->io.start_ms = hf__clock_ms();
    *out = stream;
    return HF_OK;
}

void hf__net_stream_free(hf__net_stream *stream)
{
    if (!stream)
        return;
    HF__ASSERT(!stream->io.handle && !stream->io.origin && !stream->io.block);
    wipe_free(stream->auth);
    free((void *)(uintptr_t)stream->req.body);
    hf__arena_free(stream->arena);
    hf__buf_dispose(&stream->io.url);
    hf__buf_dispose(&stream->io.body);
    hf__headers_free(stream->io.headers);
    hf__headers_free(stream->io.first_redirect);
    free(stream);
}

hf_status hf__net_stream_start(hf__net *net, const hf__net_req *req, const hf__net_sink *sink,
                               hf__net_stream **out, hf_error *err)
{
    hf__net_stream *stream = NULL;
    hf_status st = hf__stream_new(net, req, sink, false, &stream, err);

    if (st != HF_OK)
        return st;
    *out = stream; /* the sink may be called before this function returns */
    st = hf__stream_submit(stream, err);
    if (st != HF_OK) {
        *out = NULL;
        hf__net_stream_free(stream);
    }
    return st;
}

void hf__net_stream_cancel(hf__net_stream *stream)
{
    hf__net *net = stream->net;

    atomic_store(&stream->canceled, true);
    atomic_store(&net->any_cancel, true);
    hf__net_wake(net);
}

uint32_t hf__net_stream_waits_ms(hf__net_stream *stream, uint32_t *retries)
{
    uint64_t until = atomic_load(&stream->wait_until_ms);
    uint64_t now = hf__clock_ms();

    if (retries)
        *retries = atomic_load(&stream->retries);
    return until > now ? (uint32_t)(until - now) : 0;
}

bool hf__net_is_asked_to_wait(const hf__net *net)
{
    return atomic_load(&net->asked_until_ms) > hf__clock_ms();
}

/* ---- tries and hops */

uint64_t hf__stream_deadline_io(const hf__net_stream *stream)
{
    return stream->req.total_ms ? stream->io.start_ms + stream->req.total_ms : UINT64_MAX;
}

hf_status hf__stream_reset_try_io(hf__net_stream *stream)
{
    hf__buf_reset(&stream->io.url);
    hf__buf_adds(&stream->io.url, stream->req.url);
    hf__buf_reset(&stream->io.body);
    hf__headers_free(stream->io.first_redirect);
    stream->io.first_redirect = NULL;
    stream->io.is_get = false;
    stream->io.auth_dropped = false;
    stream->io.hops = 0;
    return stream->io.url.status;
}

hf_status hf__stream_reset_hop_io(hf__net_stream *stream)
{
    if (!stream->io.headers)
        stream->io.headers = hf__headers_new();
    if (!stream->io.headers)
        return hf__fail_nomem(&stream->io.err);
    hf__headers_reset(stream->io.headers);
    stream->io.header_bytes = 0;
    stream->io.status = 0;
    stream->io.content_length = HF__NET_NO_LIMIT;
    stream->io.head_done = false;
    stream->io.verdict = HF__VERDICT_ANSWER;
    stream->io.discarded = 0;
    stream->io.drop_body = false;
    stream->io.received = 0;
    stream->io.skip = 0;
    stream->io.sent = 0;
    stream->io.body_at = 0;
    stream->io.hop_ms = stream->io.last_ms = stream->net->io.now_ms;
    return HF_OK;
}

/* Marks the stream as failed for good; false, so that callbacks can return it as
 * "nothing taken". */
static bool fail(hf__net_stream *stream, hf_status st)
{
    stream->io.failure = st;
    return false;
}

static hf__str host_of(const char *url)
{
    hf__url parts;

    return hf__url_parse(url, &parts) ? parts.authority : HF__STR("");
}

/* ---- what a head means */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool wants_redirect(const hf__net_stream *stream)
{
    const char *location = hf__net_header_get(stream->io.headers, "Location");

    if (!is_redirect(stream->io.status) || !location)
        return false;
    return stream->req.redirects == HF__NET_REDIRECT_ANY ||
           (stream->req.redirects == HF__NET_REDIRECT_RELATIVE &&
            !hf__net_url_has_authority(location));
}

static hf_status next_url(hf__net_stream *stream, hf__buf *next)
{
    const char *url = hf__buf_cstr(&stream->io.url);
    hf__str host = host_of(url);
    hf_error *err = &stream->io.err;
    hf_status st;

    if (stream->io.hops >= HF__MAX_REDIRECTS)
        return hf__fail(err, HF_ERR_REDIRECTS, "more than %d redirects, the last from '%.*s'",
                        HF__MAX_REDIRECTS, (int)host.len, host.ptr);
    /* The Hub's own rule for metadata keeps the request's query (hub-http.md 2.2). */
    st = hf__url_join(url, hf__net_header_get(stream->io.headers, "Location"),
                      stream->req.redirects == HF__NET_REDIRECT_RELATIVE, next);
    if (st == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    if (st == HF_ERR_TLS)
        return hf__fail(err, st, "'%.*s' redirects from https to http, which is refused",
                        (int)host.len, host.ptr);
    if (st != HF_OK)
        return hf__fail(err, HF_ERR_PROTOCOL, "'%.*s' redirects to what is no usable URL",
                        (int)host.len, host.ptr);
    return HF_OK;
}

static hf_status prepare_redirect(hf__net_stream *stream)
{
    bool keeps_method = stream->io.status == 307 || stream->io.status == 308;
    hf_status st;
    hf__buf next;

    hf__buf_init(&next, HF__MAX_URL);
    st = next_url(stream, &next);
    if (st != HF_OK) {
        hf__buf_dispose(&next);
        return st;
    }
    if (!hf__net_same_origin(stream->req.url, hf__buf_cstr(&next)))
        stream->io.auth_dropped = true;
    if (!keeps_method && strcmp(stream->req.method, "HEAD") != 0)
        stream->io.is_get = true;
    if (!stream->io.first_redirect) {
        stream->io.first_redirect = stream->io.headers;
        stream->io.headers = NULL;
    }
    hf__buf_dispose(&stream->io.url);
    stream->io.url = next;
    stream->io.hops++;
    stream->io.verdict = HF__VERDICT_REDIRECT;
    return HF_OK;
}

/* A server that is out of patience is so with all of us: nobody of this origin asks before the time
 * it named. */
static void pause_origin(hf__net_stream *stream, uint32_t wait_ms)
{
    hf__origin *origin = stream->io.origin;
    uint64_t until = stream->net->io.now_ms + wait_ms;

    if (until > origin->not_before_ms)
        origin->not_before_ms = until;
}

static bool may_retry(const hf__net_stream *stream, uint32_t wait_ms)
{
    return stream->req.retry != HF__NET_RETRY_NONE &&
           atomic_load(&stream->retries) < HF__MAX_RETRIES &&
           stream->net->io.now_ms + wait_ms < hf__stream_deadline_io(stream);
}

/* A host that is away meets every request, again and again. */
static hf_log_level told_level(hf__net_stream *stream)
{
    hf__origin *origin = stream->io.origin;
    uint64_t now = stream->net->io.now_ms;

    if (origin->told_ms && now < origin->told_ms + QUIET_MS)
        return HF_LOG_DEBUG;
    origin->told_ms = now;
    return HF_LOG_INFO;
}

static void consider_retry(hf__net_stream *stream)
{
    hf__net *net = stream->net;
    uint32_t asked_s;
    uint32_t wait_ms;
    hf__str host;

    if (!hf__retry_status(stream->io.status))
        return;
    host = host_of(hf__buf_cstr(&stream->io.url));
    asked_s = hf__retry_asked_s(stream->io.status, stream->io.headers);
    wait_ms = hf__retry_wait_ms(atomic_load(&stream->retries), asked_s, net->conf.second_ms,
                                hf__random_u64());
    if (stream->io.status == 429 || (stream->io.status == 503 && asked_s))
        pause_origin(stream, wait_ms);
    if (asked_s && net->io.now_ms + wait_ms > atomic_load(&net->asked_until_ms))
        atomic_store(&net->asked_until_ms, net->io.now_ms + wait_ms);
    if (!may_retry(stream, wait_ms))
        return;
    stream->io.verdict = HF__VERDICT_RETRY;
    stream->io.wait_ms = wait_ms;
    if (asked_s)
        hf__logf(net->conf.log, HF_LOG_INFO,
                 "'%.*s' answered %d: waiting %u s, the server asked "
                 "for it",
                 (int)host.len, host.ptr, stream->io.status, (unsigned)asked_s);
    else
        hf__logf(net->conf.log, told_level(stream), "'%.*s' answered %d: trying again in %.1f s",
                 (int)host.len, host.ptr, stream->io.status, wait_ms / 1000.0);
}

/* Content-Length once, or the same several times; none counts when the body is chunked. */
static hf_status read_content_length(hf__net_stream *stream)
{
    const hf__net_headers *headers = stream->io.headers;
    uint64_t length = HF__NET_NO_LIMIT;
    const char *name;
    const char *value;
    size_t pos = 0;

    while (hf__headers_next(headers, &pos, &name, &value)) {
        uint64_t one;

        if (!hf__str_eq_nocase(hf__str_from(name), HF__STR("Content-Length")))
            continue;
        if (!hf__str_to_u64(hf__str_from(value), &one) ||
            (length != HF__NET_NO_LIMIT && one != length)) {
            hf__str host = host_of(hf__buf_cstr(&stream->io.url));

            return hf__fail(&stream->io.err, HF_ERR_PROTOCOL,
                            "'%.*s' sent an unusable Content-Length", (int)host.len, host.ptr);
        }
        length = one;
    }
    if (!hf__net_header_get(headers, "Transfer-Encoding"))
        stream->io.content_length = length;
    return HF_OK;
}

/* We asked for the plain bytes. Lengths, ranges and hashes of a coded body mean something else, so
 * a coded answer is refused; of a failure or a HEAD only what depends on the body is dropped.
 * "aws-chunked" is what object stores leave behind of an upload; their bytes are plain. */
static hf_status check_coding(hf__net_stream *stream)
{
    hf__str coding = hf__str_from(hf__net_header_get(stream->io.headers, "Content-Encoding"));
    hf__str host;

    if (!coding.len || hf__str_eq_nocase(coding, HF__STR("identity")) ||
        hf__str_eq_nocase(coding, HF__STR("aws-chunked")))
        return HF_OK;
    stream->io.drop_body = true;
    stream->io.content_length = HF__NET_NO_LIMIT;
    if (stream->io.status >= 400 || strcmp(stream->req.method, "HEAD") == 0)
        return HF_OK;
    host = host_of(hf__buf_cstr(&stream->io.url));
    return hf__fail(&stream->io.err, HF_ERR_PROTOCOL,
                    "'%.*s' sent its answer in coding '%.*s', which was not asked for",
                    (int)host.len, host.ptr, (int)coding.len, coding.ptr);
}

static bool head_complete(hf__net_stream *stream)
{
    hf_status st;

    if (stream->io.status < 200 && stream->io.status != 101) {
        stream->io.status = 0; /* 1xx: the real one follows */
        hf__headers_reset(stream->io.headers);
        return true;
    }
    stream->io.head_done = true;
    stream->io.last_ms = stream->net->io.now_ms;
    if (stream->io.last_ms - stream->io.hop_ms < stream->io.origin->trip_ms)
        stream->io.origin->trip_ms = stream->io.last_ms - stream->io.hop_ms;
    st = read_content_length(stream);
    if (st == HF_OK) {
        if (wants_redirect(stream))
            st = prepare_redirect(stream);
        else
            consider_retry(stream);
    }
    if (st == HF_OK && stream->io.verdict == HF__VERDICT_ANSWER)
        st = check_coding(stream);
    return st == HF_OK || fail(stream, st);
}

static int parse_status(hf__str line)
{
    hf__str rest;
    uint64_t status;

    (void)hf__str_cut(line, ' ', &rest);
    if (rest.ptr && hf__str_to_u64(hf__str_cut(rest, ' ', &rest), &status) && status >= 100 &&
        status < 1000)
        return (int)status;
    return 0;
}

/* Of a head that cannot be read; false. */
static bool fail_head(hf__net_stream *stream, hf_status st, const char *what)
{
    hf__str host = host_of(hf__buf_cstr(&stream->io.url));

    return fail(stream, hf__fail(&stream->io.err, st, "'%.*s' %s", (int)host.len, host.ptr, what));
}

static bool take_line(hf__net_stream *stream, hf__str line)
{
    hf_status st;

    stream->io.header_bytes += line.len;
    if (stream->io.header_bytes > HF__MAX_HEADER_BYTES)
        return fail_head(stream, HF_ERR_LIMIT, "sent too large headers");
    while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (stream->io.status == 0) {
        stream->io.status = hf__str_starts(line, HF__STR("HTTP/")) ? parse_status(line) : 0;
        if (hf__str_starts(line, HF__STR("HTTP/2")))
            stream->io.origin->http2 = true;
        return stream->io.status != 0 ||
               fail_head(stream, HF_ERR_PROTOCOL, "does not answer in HTTP");
    }
    if (line.len == 0)
        return head_complete(stream);
    st = hf__headers_add_line(stream->io.headers, line);
    if (st == HF_OK)
        return true;
    return fail_head(stream, st,
                     st == HF_ERR_PROTOCOL ? "sent a malformed header"
                                           : "sent headers that cannot be kept");
}

size_t hf__stream_on_header(char *data, size_t size, size_t n, void *self)
{
    hf__net_stream *stream = ((hf__handle *)self)->stream;

    (void)size;
    /* A head that comes line by line is no sign of life: the time-out is for all of it. */
    if (stream->io.head_done) { /* a trailer: nothing in it is of use */
        stream->io.header_bytes += n;
        return stream->io.header_bytes <= 2 * HF__MAX_HEADER_BYTES ? n : 0;
    }
    return take_line(stream, (hf__str){ data, n }) ? n : 0;
}

/* ---- the body */

/* The head waits for the first byte of the body, so that a connection that breaks in between can be
 * tried again without the sink seeing two heads. */
static bool tell_head(hf__net_stream *stream)
{
    hf__net_head head = { .status = stream->io.status,
                          .url = hf__buf_cstr(&stream->io.url),
                          .content_length = stream->io.content_length,
                          .hops = stream->io.hops,
                          .headers = stream->io.headers,
                          .first_redirect = stream->io.first_redirect };
    hf_status st;

    if (stream->io.head_told || stream->collect)
        return true;
    stream->io.head_told = true;
    st = stream->sink.on_head(stream->sink.self, &head, &stream->io.err);
    return st == HF_OK || fail(stream, st);
}

void hf__stream_flush_io(hf__net_stream *stream)
{
    hf__block *block = stream->io.block;

    stream->io.block = NULL;
    if (!block)
        return;
    if (block->buf.len)
        stream->sink.on_data(stream->sink.self, &block->buf);
    else
        (void)hf__blocks_put(&stream->net->blocks, block);
}

/* Size of the next buffer. Who decides how many connections are worth it wants to hear of the first
 * bytes at once, so of a long body the buffers grow with what came; what is left of a short one is
 * taken in one piece. */
static uint64_t wanted_bytes(const hf__net_stream *stream)
{
    uint64_t left = stream->io.content_length > stream->io.received
                        ? stream->io.content_length - stream->io.received
                        : 0;

    if (stream->io.content_length <= HF__SHORT_BODY || left < stream->io.received)
        return left;
    return stream->io.received;
}

static bool get_block(hf__net_stream *stream, bool *failed)
{
    hf__net *net = stream->net;
    bool no_memory;

    stream->io.block = hf__blocks_get(&net->blocks, wanted_bytes(stream), &no_memory);
    *failed = no_memory;
    if (!stream->io.block) {
        if (no_memory)
            (void)fail(stream, hf__fail_nomem(&stream->io.err));
        return false;
    }
    stream->io.block->buf.offset = stream->io.received;
    stream->io.block_ms = net->io.now_ms;
    if (net->io.tick_ms > net->io.now_ms + HF__FLUSH_MS)
        net->io.tick_ms = net->io.now_ms + HF__FLUSH_MS;
    return true;
}

static void hold(hf__net_stream *stream)
{
    stream->io.paused = true;
    stream->net->io.starved_ms = stream->net->io.now_ms;
}

/* Copies a chunk into buffers and hands full ones over. Without a buffer the transfer pauses; curl
 * then offers the whole chunk again later, so what was taken of it is remembered. */
static size_t take_chunk(hf__net_stream *stream, const char *data, size_t n)
{
    size_t taken = stream->io.skip;

    if (taken > n)
        taken = n;
    stream->io.skip -= taken;
    while (taken < n) {
        hf__net_buf *buf;
        size_t room;
        bool failed = false;

        if (!stream->io.block && (!hf__rate_open_io(stream->net) || !get_block(stream, &failed))) {
            if (failed)
                return 0;
            stream->io.skip = taken;
            hold(stream);
            return CURL_WRITEFUNC_PAUSE;
        }
        buf = &stream->io.block->buf;
        room = stream->io.block->size - buf->len;
        room = room < n - taken ? room : n - taken;
        memcpy(buf->data + buf->len, data + taken, room);
        buf->len += room;
        taken += room;
        stream->io.received += room;
        stream->net->io.came += room;
        hf__rate_pay_io(stream->net, room);
        if (buf->len == stream->io.block->size || stream->io.received == stream->io.content_length)
            hf__stream_flush_io(stream);
    }
    return n;
}

static size_t collect_chunk(hf__net_stream *stream, const char *data, size_t n)
{
    hf__buf *body = &stream->io.body;
    hf__str host = host_of(hf__buf_cstr(&stream->io.url));

    if (stream->io.status >= 400 && body->len + n > HF__MAX_ERROR_BODY) {
        stream->io.drop_body = true; /* what was kept says what is wrong */
        return n;
    }
    hf__buf_add(body, data, n);
    stream->io.received += n;
    if (body->status == HF_OK)
        return n;
    if (body->status == HF_ERR_LIMIT) {
        const char *id = hf__net_header_get(stream->io.headers, "x-request-id");

        (void)fail(stream,
                   hf__fail(&stream->io.err, HF_ERR_LIMIT,
                            "the answer of '%.*s' is longer than %llu bytes%s%.80s%s",
                            (int)host.len, host.ptr, (unsigned long long)stream->req.max_body,
                            id ? " (Request ID: " : "", id ? id : "", id ? ")" : ""));
        (void)snprintf(stream->io.err.request_id, sizeof(stream->io.err.request_id), "%s",
                       id ? id : "");
        hf__text_defuse(stream->io.err.request_id);
    } else {
        (void)fail(stream, hf__fail_nomem(&stream->io.err));
    }
    return 0;
}

size_t hf__stream_on_body(char *data, size_t size, size_t n, void *self)
{
    hf__net_stream *stream = ((hf__handle *)self)->stream;

    (void)size;
    stream->io.last_ms = stream->net->io.now_ms;
    if (stream->io.failure != HF_OK)
        return 0;
    if (stream->io.verdict != HF__VERDICT_ANSWER || stream->io.drop_body) {
        stream->io.discarded += n;
        return stream->io.discarded <= HF__DISCARD_BYTES ? n : 0;
    }
    if (stream->collect)
        return collect_chunk(stream, data, n);
    if (n && !tell_head(stream))
        return 0;
    return take_chunk(stream, data, n);
}

/* ---- the request's body, when it comes from a source */

size_t hf__stream_on_read(char *data, size_t size, size_t n, void *self)
{
    hf__net_stream *stream = ((hf__handle *)self)->stream;
    const hf__net_source *source = &stream->req.source;
    uint64_t left = source->len - stream->io.body_at;
    size_t want = size * n;
    size_t got = 0;
    hf_status st;

    if (want > left)
        want = (size_t)left;
    if (want == 0)
        return 0;
    if (!hf__rate_open_io(stream->net)) {
        hold(stream);
        return CURL_READFUNC_PAUSE;
    }
    if (want > hf__rate_piece_io(stream->net))
        want = hf__rate_piece_io(stream->net);
    st = source->read(source->self, stream->io.body_at, data, want, &got, &stream->io.err);
    if (st == HF_OK && got == 0)
        st = hf__fail(&stream->io.err, HF_ERR_CHANGED,
                      "what was being sent ended after %llu of %llu bytes",
                      (unsigned long long)stream->io.body_at, (unsigned long long)source->len);
    if (st != HF_OK) {
        (void)fail(stream, st);
        return CURL_READFUNC_ABORT;
    }
    stream->io.body_at += got;
    hf__rate_pay_io(stream->net, got);
    return got;
}

/* curl starts a body again when a connection it had kept turns out to be dead. */
int hf__stream_on_seek(void *self, curl_off_t offset, int origin)
{
    hf__net_stream *stream = ((hf__handle *)self)->stream;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > stream->req.source.len ||
        (stream->req.retry == HF__NET_RETRY_NONE && stream->io.body_at > 0))
        return CURL_SEEKFUNC_FAIL;
    stream->io.body_at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- the end of a hop */

static bool retry_failure(hf__net_stream *stream)
{
    hf__net *net = stream->net;
    uint32_t wait_ms =
        hf__retry_wait_ms(atomic_load(&stream->retries), 0, net->conf.second_ms, hf__random_u64());

    if (stream->io.head_told || !may_retry(stream, wait_ms))
        return false;
    stream->io.wait_ms = wait_ms;
    hf__logf(net->conf.log, told_level(stream), "%s: trying again in %.1f s",
             stream->io.err.message, wait_ms / 1000.0);
    return true;
}

hf__verdict hf__stream_end_hop_io(hf__net_stream *stream, CURLcode code)
{
    hf_status st;

    stream->io.transient = false;
    if (stream->io.failure != HF_OK)
        return HF__VERDICT_ANSWER;
    if (stream->io.head_done) {
        if (stream->io.verdict != HF__VERDICT_ANSWER)
            return stream->io.verdict;
        if (stream->io.drop_body)
            code = CURLE_OK;
        if (code == CURLE_OK) {
            (void)tell_head(stream);
            return HF__VERDICT_ANSWER;
        }
    } else if (code == CURLE_OK) {
        code = CURLE_GOT_NOTHING;
    }
    st = hf__net_failure(stream->net, stream, code, &stream->io.transient, &stream->io.err);
    if (stream->io.transient && retry_failure(stream))
        return HF__VERDICT_RETRY;
    stream->io.failure = st;
    return HF__VERDICT_ANSWER;
}
