/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net: URLs, origins, headers, bodies, connections, redirects, retry classes and rate buckets, on
 * libcurl's multi interface with one I/O thread. It does not know what a token means, what a repo
 * is, JSON or files. Called by hub, cas and transfer. It is the only place where a socket is
 * opened.
 *
 * libcurl is loaded and the thread started by the first request, never before.
 */
#ifndef HF_NET_NET_H
#define HF_NET_NET_H

#include "core/buf.h"
#include "core/log.h"

#include <hfhub/hfhub.h>

typedef struct hf__net hf__net;

typedef struct hf__net_conf {
    const char *user_agent;
    bool name_curl;      /* add "libcurl/1.2.3" to it, before an "origin/…" at its end */
    const char *proxy;   /* for every host; "": none; NULL: the environment's */
    const char *ca_file; /* NULL: see hf__net_new */
    const char *ca_dir;
    uint32_t connect_timeout_ms; /* 0: 10000 */
    uint32_t max_connections;    /* over all hosts; 0: 16 */
    uint32_t max_per_host;       /* requests without a range; 0: 8 */
    uint64_t buffer_budget;      /* bytes of body buffers at once; 0: 32 MiB */
    /* Obey SSL_CERT_FILE, SSL_CERT_DIR, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE and *_PROXY. */
    bool use_env;
    hf__log *log; /* NULL: none; must outlive the engine */
} hf__net_conf;

/* Copies conf. When no CA is named, a hashed CA directory of the system is preferred to its bundle,
 * since parsing the whole bundle costs 40 ms on the first connection. */
hf_status hf__net_new(const hf__net_conf *conf, hf__net **out, hf_error *err);
/* Of all bodies together, bytes per second; 0: no limit. Any thread, any time. */
void hf__net_limit_rate(hf__net *net, uint64_t bytes_per_s);
void hf__net_free(hf__net *net); /* NULL allowed; no request may be under way */
/* Whether this process is a fork of the one whose thread the engine has: then no request would ever
 * end, and freeing would wait for that thread. */
bool hf__net_forked(hf__net *net);

/* ---- requests */

typedef enum hf__net_class {
    HF__NET_RETRY_NONE = 0,
    HF__NET_RETRY_STANDARD, /* 408 429 500 502 503 504, time-outs and network errors: 5 times */
    HF__NET_RETRY_DOWNLOAD, /* as standard, until the first body byte reached the sink */
    HF__NET_RETRY_UPLOAD
} hf__net_class;

typedef enum hf__net_redirects {
    HF__NET_REDIRECT_NONE = 0, /* a 3xx is the answer */
    HF__NET_REDIRECT_RELATIVE, /* follows a Location without authority; else it is the answer */
    HF__NET_REDIRECT_ANY       /* follows all; never from https to http */
} hf__net_redirects;

typedef struct hf__net_header {
    const char *name;
    const char *value;
} hf__net_header;

#define HF__NET_NO_LIMIT UINT64_MAX

/* A body that does not lie in memory. `read` runs on the I/O thread, must not block for long, and
 * fills in up to len bytes from offset, which goes on from the call before or starts again at 0. No
 * bytes before the end are HF_ERR_CHANGED. Not HF_OK ends the exchange with that status.
 *
 * A body that is a piece of a file can say so: where nothing has to be encrypted the kernel then
 * sends it, and `moved` is called in place of `read`. */
typedef struct hf__net_source {
    hf_status (*read)(void *self, uint64_t offset, void *to, size_t len, size_t *got,
                      hf_error *err); /* NULL: none */
    void *self;
    uint64_t len; /* of the whole body */
    bool is_file;
    int fd;                                 /* stays open and at rest until the exchange is over */
    uint64_t first;                         /* offset of the body in the file */
    void (*moved)(void *self, uint64_t at); /* bytes before at are on their way; NULL: none */
} hf__net_source;

typedef struct hf__net_req {
    const char *method; /* "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH" */
    const char *url;    /* http or https only */
    /* Value of Authorization, or NULL. Bound to the origin (scheme, host, port) of `url`: sent to no
     * other, and never shown in a log or message. */
    const char *auth;
    const hf__net_header *headers;
    size_t n_headers;
    const void *body; /* NULL: none */
    size_t body_len;
    hf__net_source source;    /* instead of body */
    const char *content_type; /* NULL: none is sent */
    hf__net_class retry;
    hf__net_redirects redirects;
    uint32_t timeout_ms; /* to the answer's headers, and longest silence after them; 0: 10000 */
    uint64_t total_ms;   /* for the whole exchange, retries included; 0: no bound */
    bool has_range;      /* Range: bytes=first-[last] */
    uint64_t range_first;
    uint64_t range_last; /* HF__NET_NO_LIMIT: open */
    uint64_t max_body;   /* of hf__net_call; 0: HF__MAX_JSON_BYTES. More is HF_ERR_LIMIT */
    uint64_t expected;   /* bytes of the answer's body, as far as one knows; 0: unknown. Nothing but
                            the size of buffers depends on it */
} hf__net_req;

/* An answer's head. In callbacks it is borrowed for the call. */
typedef struct hf__net_head {
    int status;
    const char *url;                       /* that answered, after redirects */
    uint64_t content_length;               /* HF__NET_NO_LIMIT when not told */
    uint32_t hops;                         /* redirects followed */
    const struct hf__net_headers *headers; /* of this answer */
    /* Of the first redirect followed; NULL: none. The Hub puts commit, linked etag and size there. */
    const struct hf__net_headers *first_redirect;
} hf__net_head;

/* First value of a header, by name in any case; NULL when absent. NULL headers allowed. */
const char *hf__net_header_get(const struct hf__net_headers *headers, const char *name);
/* URL of the entry of Link with this rel, written to out; false when there is none. */
bool hf__net_link_get(const struct hf__net_headers *headers, const char *rel, hf__buf *out);

/* Whole seconds that an answer asks to wait before the next request (hub-http.md 3.7); 0: it does
 * not ask. */
uint32_t hf__net_asked_wait_s(int status, const struct hf__net_headers *headers);

typedef struct hf__net_resp {
    int status;
    char *url;
    struct hf__net_headers *headers;
    hf__buf body;
} hf__net_resp;

/* Does one exchange and waits for it; any status is HF_OK. For answers that fit in memory.
 * The caller disposes of out on success. */
hf_status hf__net_call(hf__net *net, const hf__net_req *req, const hf_cancel *cancel,
                       hf__net_resp *out, hf_error *err);
void hf__net_resp_dispose(hf__net_resp *resp);

/* ---- streams: a body of any size, delivered in buffers of the engine */

typedef struct hf__net_buf {
    uint8_t *data;
    size_t len;
    uint64_t offset;          /* of data[0] in the body of this answer */
    struct hf__net_buf *next; /* for whoever holds it, to queue it */
} hf__net_buf;

/* Runs on the I/O thread; must not block. */
typedef struct hf__net_sink {
    void *self;
    /* The final head (any status). Not HF_OK ends the stream with that status. */
    hf_status (*on_head)(void *self, const hf__net_head *head, hf_error *err);
    /* Takes the buffer, which must go back by hf__net_buf_release() from any thread. When the
     * budget is used up the connection simply waits. */
    void (*on_data)(void *self, hf__net_buf *buf);
    /* Exactly once, last. After a failure err tells why; bytes delivered before it are good as far
     * as they go. */
    void (*on_done)(void *self, hf_status status, const hf_error *err);
} hf__net_sink;

typedef struct hf__net_stream hf__net_stream;

/* Adds a request; req is copied. *out is valid until hf__net_stream_free. The request is sent once
 * hf__net_go() was called, or sooner: those that are made together wake the I/O thread once. */
hf_status hf__net_stream_start(hf__net *net, const hf__net_req *req, const hf__net_sink *sink,
                               hf__net_stream **out, hf_error *err);
void hf__net_go(hf__net *net);
/* Asks; on_done still comes, with HF_ERR_CANCELED. */
void hf__net_stream_cancel(hf__net_stream *stream);
void hf__net_stream_free(hf__net_stream *stream); /* after on_done was entered; NULL allowed */
void hf__net_buf_release(hf__net *net, hf__net_buf *buf);
uint32_t hf__net_connections(const hf__net *net); /* at once, at most */
/* More than half of the buffers are out: whoever takes the bytes is slower than the network. */
bool hf__net_is_held_up(hf__net *net);

/* How long the engine is going to wait before it tries this stream again, 0 when it is
 * not waiting. */
uint32_t hf__net_stream_waits_ms(hf__net_stream *stream, uint32_t *retries);
/* After on_done: it failed as a line does that may be better later, unlike a certificate that is not
 * trusted. */
bool hf__net_stream_is_transient(const hf__net_stream *stream);
/* A server named a time before which it does not want to be asked again, and it has not come. */
bool hf__net_is_asked_to_wait(const hf__net *net);

/* ---- URLs */

/* Same scheme, host and port, default ports made explicit. */
bool hf__net_same_origin(const char *url_a, const char *url_b);
bool hf__net_url_has_authority(const char *location); /* false: a relative reference */

/* Writes the URL that `location` means when an answer of `base` names it. HF_ERR_PROTOCOL when that
 * is no usable http or https URL, HF_ERR_TLS when it leads from https to http. */
hf_status hf__net_url_join(const char *base, const char *location, hf__buf *out);

#endif
