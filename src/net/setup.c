/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl handles. What never changes is set once when a handle is made; a hop sets its URL, method
 * and fields only, so a handle is never reset.
 */
#include "net/internal.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>

/* A larger receive buffer means fewer system calls; past this size the second-level cache is too
 * small for it and it gets slower again. */
enum { RECEIVE_BYTES = 256 * 1024, SEND_BYTES = 256 * 1024 };
/* curl allocates its buffer anew for every request; a large one costs more than a small answer. */
enum { SHORT_RECEIVE_BYTES = 32 * 1024 };

/* CURLOPT_QUICK_EXIT, which headers before 7.87 lack; an older library refuses it. */
enum { HF__OPT_QUICK_EXIT = 322 };

static void setup_protocols(const hf__curl *curl, CURL *easy)
{
    if (curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK)
        return;
    /* before curl 7.85 */
    (void)curl->easy_setopt(easy, (CURLoption)181, 1L | 2L);
}

static hf__handle *handle_new(hf__net *net)
{
    const hf__curl *curl = &net->curl;
    hf__handle *handle = calloc(1, sizeof(*handle));
    CURL *easy;

    if (!handle)
        return NULL;
    easy = handle->easy = curl->easy_init();
    if (!easy) {
        free(handle);
        return NULL;
    }
    setup_protocols(curl, easy);
    hf__tls_setup(net, easy);
    (void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Else giving up on a name that does not resolve waits for the resolver, and all with it. */
    (void)curl->easy_setopt(easy, (CURLoption)HF__OPT_QUICK_EXIT, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)net->conf.connect_timeout_ms);
    (void)curl->easy_setopt(easy, CURLOPT_SHARE, net->share);
    (void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
    (void)curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, hf__stream_on_header);
    (void)curl->easy_setopt(easy, CURLOPT_HEADERDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, hf__stream_on_body);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_READFUNCTION, hf__stream_on_read);
    (void)curl->easy_setopt(easy, CURLOPT_READDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_SEEKFUNCTION, hf__stream_on_seek);
    (void)curl->easy_setopt(easy, CURLOPT_SEEKDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_PRIVATE, handle);
    if (curl->easy_setopt(easy, CURLOPT_USERAGENT, net->conf.user_agent) != CURLE_OK) {
        curl->easy_cleanup(easy);
        free(handle);
        return NULL;
    }
    return handle;
}

hf__handle *hf__handle_get_io(hf__net *net)
{
    hf__handle *handle = net->io.handles;

    if (!handle)
        return handle_new(net);
    net->io.handles = handle->next;
    handle->next = NULL;
    return handle;
}

/* The fields hold the token. */
static void free_fields(const hf__curl *curl, struct curl_slist *fields)
{
    for (struct curl_slist *field = fields; field; field = field->next)
        for (volatile char *c = field->data; *c; c++)
            *c = '\0';
    curl->slist_free_all(fields);
}

void hf__handle_put_io(hf__net *net, hf__handle *handle)
{
    (void)net->curl.easy_setopt(handle->easy, CURLOPT_HTTPHEADER, NULL);
    free_fields(&net->curl, handle->fields);
    handle->fields = NULL;
    handle->stream = NULL;
    handle->next = net->io.handles;
    net->io.handles = handle;
}

void hf__handles_free_io(hf__net *net)
{
    while (net->io.handles) {
        hf__handle *handle = net->io.handles;

        net->io.handles = handle->next;
        net->curl.easy_cleanup(handle->easy);
        free(handle);
    }
}

static bool add_field(const hf__curl *curl, hf__handle *handle, const char *name, const char *value)
{
    struct curl_slist *grown;
    hf__buf line;

    hf__buf_init(&line, HF__MAX_HEADER_BYTES);
    hf__buf_adds(&line, name);
    /* "Name:" alone tells curl to leave its own field out; "Name;" sends one without a value. */
    hf__buf_adds(&line, !value ? ":" : *value ? ": " : ";");
    hf__buf_adds(&line, value ? value : "");
    grown = line.status == HF_OK ? curl->slist_append(handle->fields, line.ptr) : NULL;
    if (line.ptr)
        for (volatile char *c = line.ptr; *c; c++)
            *c = '\0';
    hf__buf_dispose(&line);
    if (!grown)
        return false;
    handle->fields = grown;
    return true;
}

static bool add_range(const hf__curl *curl, hf__handle *handle, const hf__net_req *req)
{
    char value[64];

    if (req->range_last == HF__NET_NO_LIMIT)
        (void)snprintf(value, sizeof(value), "bytes=%llu-", (unsigned long long)req->range_first);
    else
        (void)snprintf(value, sizeof(value), "bytes=%llu-%llu",
                       (unsigned long long)req->range_first, (unsigned long long)req->range_last);
    return add_field(curl, handle, "Range", value);
}

static bool add_length(const hf__curl *curl, hf__handle *handle, uint64_t length)
{
    char value[32];

    (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)length);
    return add_field(curl, handle, "Content-Length", value);
}

static bool set_fields(hf__handle *handle, const hf__net_stream *stream, bool has_body)
{
    const hf__curl *curl = &stream->net->curl;
    const hf__net_req *req = &stream->req;
    bool ok = add_field(curl, handle, "Accept-Encoding", "identity");
    bool traced = false;

    for (size_t i = 0; i < req->n_headers; i++) {
        ok = ok && add_field(curl, handle, req->headers[i].name, req->headers[i].value);
        traced = traced ||
                 hf__str_eq_nocase(hf__str_from(req->headers[i].name), HF__STR("X-Amzn-Trace-Id"));
    }
    if (!traced)
        ok = ok && add_field(curl, handle, "X-Amzn-Trace-Id", stream->trace_id);
    if (stream->auth && !stream->io.auth_dropped)
        ok = ok && add_field(curl, handle, "Authorization", stream->auth);
    if (req->has_range)
        ok = ok && add_range(curl, handle, req);
    if (handle->by_kernel) { /* curl knows of no body */
        ok = ok &&
             (!req->content_type || add_field(curl, handle, "Content-Type", req->content_type));
        ok = ok && add_length(curl, handle, req->source.len);
    } else if (has_body) {
        ok = ok && add_field(curl, handle, "Content-Type", req->content_type);
        ok = ok && add_field(curl, handle, "Expect", NULL);
    }
    return ok && curl->easy_setopt(handle->easy, CURLOPT_HTTPHEADER, handle->fields) == CURLE_OK;
}

static bool set_method(hf__handle *handle, const hf__net_stream *stream, const char *method,
                       bool has_body)
{
    const hf__curl *curl = &stream->net->curl;
    CURL *easy = handle->easy;
    const char *custom = NULL;

    /* Switching to GET undoes what HEAD and POST had set. */
    (void)curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (strcmp(method, "HEAD") == 0) {
        (void)curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (has_body) {
        const hf__net_source *source = &stream->req.source;
        const char *bytes = stream->req.body ? stream->req.body : "";

        (void)curl->easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl->easy_setopt(easy, CURLOPT_POSTFIELDS, source->read ? NULL : bytes);
        (void)curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)(source->read ? source->len : stream->req.body_len));
        (void)curl->easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
                                source->read ? (long)SEND_BYTES : 16384L);
        custom = strcmp(method, "POST") == 0 ? NULL : method;
    } else {
        custom = strcmp(method, "GET") == 0 ? NULL : method;
    }
    return curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, custom) == CURLE_OK;
}

/* One HTTP/2 connection serves many small answers well. Bodies come faster over several HTTP/1.1
 * connections, each with a window and a buffer of its own; but where a connection is open already,
 * opening another costs more than it brings. */
static bool wants_http2(const hf__net_stream *stream)
{
    if (stream->req.source.read) /* libcurl sends one body per connection faster */
        return false;
    if (stream->req.retry != HF__NET_RETRY_DOWNLOAD)
        return true;
    return stream->io.origin->multiplex && !stream->req.has_range;
}

hf_status hf__handle_prepare_io(hf__handle *handle, hf__net_stream *stream, hf_error *err)
{
    const hf__curl *curl = &stream->net->curl;
    const char *method = stream->io.is_get ? "GET" : stream->req.method;
    bool needs_length =
        strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    bool has_body =
        !stream->io.is_get && (stream->req.body || stream->req.source.read || needs_length);
    hf__url url;
    bool https = hf__url_parse(hf__buf_cstr(&stream->io.url), &url) && url.https;
    bool http2 = https && wants_http2(stream);
    bool by_kernel = hf__kernel_setup_io(handle, stream, https, has_body);

    handle->stream = stream;
    handle->error[0] = '\0';
    if (curl->easy_setopt(handle->easy, CURLOPT_URL, hf__buf_cstr(&stream->io.url)) != CURLE_OK ||
        !hf__proxy_setup(stream->net, handle->easy, https) ||
        !set_method(handle, stream, method, has_body && !by_kernel) ||
        !set_fields(handle, stream, has_body))
        return hf__fail_nomem(err);
    (void)curl->easy_setopt(handle->easy, CURLOPT_BUFFERSIZE,
                            stream->req.expected && stream->req.expected <= HF__SHORT_BODY
                                ? (long)SHORT_RECEIVE_BYTES
                                : (long)RECEIVE_BYTES);
    /* On a connection that was kept, curl sends a request again by itself when no answer comes. What
     * must not happen twice gets a connection of its own. */
    (void)curl->easy_setopt(
        handle->easy, CURLOPT_FRESH_CONNECT,
        by_kernel || (has_body && stream->req.retry == HF__NET_RETRY_NONE) ? 1L : 0L);
    /* A curl without HTTP/2 refuses the first and keeps what it has. */
    (void)curl->easy_setopt(handle->easy, CURLOPT_HTTP_VERSION,
                            http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    (void)curl->easy_setopt(handle->easy, CURLOPT_PIPEWAIT, http2 ? 1L : 0L);
    return HF_OK;
}
