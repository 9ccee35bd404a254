/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of net share: the engine, one exchange (stream), one hop of it on curl (handle).
 * Fields are grouped by who may touch them. Functions that end in _io run on the I/O thread only.
 */
#ifndef HF_NET_INTERNAL_H
#define HF_NET_INTERNAL_H

#include "core/arena.h"
#include "core/limits.h"
#include "net/buffers.h"
#include "net/curl_api.h"
#include "net/headers.h"
#include "net/net.h"
#include "net/url.h"

#include <stdatomic.h>

enum {
    HF__DISCARD_BYTES = 64 * 1024, /* of a body nobody wants; more and the connection goes */
    HF__DISCARD_MS = 1000,         /* likewise */
    HF__SHORT_BODY = 64 * 1024,
    HF__FLUSH_MS = 500, /* a part of a buffer is handed over when it has lain this long */
    HF__NO_WAKEUP_MS = 60000
};

/* ---- a stream */

typedef enum hf__verdict {
    HF__VERDICT_ANSWER = 0, /* this head is the answer */
    HF__VERDICT_REDIRECT,   /* go on at `url` */
    HF__VERDICT_RETRY       /* start again after `wait_ms` */
} hf__verdict;

typedef enum hf__stream_state {
    HF__STREAM_QUEUED = 0, /* waits for a slot of its origin */
    HF__STREAM_ACTIVE,     /* on curl */
    HF__STREAM_WAITING     /* for the time of its next try */
} hf__stream_state;

typedef struct hf__handle hf__handle;
typedef struct hf__origin hf__origin;

struct hf__net_stream {
    /* set by start, read-only after */
    hf__net *net;
    hf__arena *arena; /* owns the text of req */
    hf__net_req req;
    char *auth; /* in a block of its own, wiped */
    hf__net_sink sink;
    bool collect; /* the body goes to io.body, and sink.on_done is the only call made */
    char trace_id[64];

    /* any thread */
    atomic_bool canceled;
    atomic_uint_fast64_t wait_until_ms; /* 0: not waiting */
    atomic_uint retries;

    struct { /* the I/O thread; after on_done of a collecting stream its owner */
        hf__net_stream *next;
        hf__net_stream *prev;
        hf__stream_state state;
        hf__origin *origin; /* while queued or active */
        hf__handle *handle; /* while active */
        uint64_t start_ms;
        uint64_t last_ms; /* of the last sign of life of this hop */
        uint64_t hop_ms;  /* start of this hop */
        uint64_t wake_ms;
        uint64_t sent;    /* bytes of the request's body, when last looked at */
        uint64_t body_at; /* next byte to read from the request's source */

        /* of this try; a retry starts from req.url again */
        hf__buf url;
        bool is_get;       /* a redirect turned the method into GET */
        bool auth_dropped; /* never comes back within a try */
        uint32_t hops;
        hf__net_headers *first_redirect;

        /* of this hop */
        hf__net_headers *headers;
        size_t header_bytes;
        int status; /* of the head being read; 0 before */
        uint64_t content_length;
        bool head_done;
        hf__verdict verdict;
        uint32_t wait_ms;
        uint64_t discarded;
        bool drop_body; /* of the answer: it is coded in a way nobody asked for */

        /* of the answer's body */
        bool head_told;
        uint64_t received;
        hf__block *block; /* being filled */
        uint64_t block_ms;
        size_t skip; /* bytes of the chunk curl offers again that were taken before the pause */
        bool paused;
        hf__buf body; /* of a collecting stream */

        hf_status failure; /* decided by us, not by curl; final */
        bool transient;    /* the last failure of a hop: the line's, not of what is at its end */
        hf_error err;
    } io;
};

/* ---- lists of streams, and origins with their queues */

typedef struct hf__streams {
    hf__net_stream *first;
    hf__net_stream *last;
} hf__streams;

void hf__streams_append(hf__streams *list, hf__net_stream *stream);
void hf__streams_prepend(hf__streams *list, hf__net_stream *stream);
void hf__streams_remove(hf__streams *list, hf__net_stream *stream);

struct hf__origin {
    hf__origin *next;
    hf__streams queue;
    uint32_t n_active;
    uint64_t not_before_ms; /* the server asked for a pause */
    uint64_t trip_ms; /* least time from a request to the head of its answer; UINT64_MAX: none */
    uint64_t told_ms; /* when a person was last told that something is tried again */
    bool multiplex;   /* requests other than downloads were made here */
    bool http2;       /* and answered so: several share a connection */
    char name[];
};

/* ---- a hop on curl */

#define HF__SOCKETS 4 /* of one hop at a time: addresses that are tried side by side */

struct hf__handle {
    hf__handle *next; /* in the list of free ones */
    CURL *easy;
    struct curl_slist *fields;
    hf__net_stream *stream;
    bool by_kernel; /* the body of this hop goes from file to socket, past curl */
    bool head_sent; /* then, as all below */
    bool gave_up;   /* the other side takes no more */
    unsigned n_sockets;
    curl_socket_t sockets[HF__SOCKETS]; /* open ones */
    char error[CURL_ERROR_SIZE];
};

/* ---- the engine */

/* From the caller, else from the environment. NULL: none. */
typedef struct hf__trust {
    char *ca_file;
    char *ca_dir;
    char *http_proxy; /* for http://…, and for https://… */
    char *https_proxy;
    char *no_proxy; /* hosts, as curl reads them */
} hf__trust;

struct hf__net {
    struct {              /* set by new, read-only after */
        char *user_agent; /* curl's name is added by the first start */
        bool name_curl;
        hf__trust trust;
        uint32_t connect_timeout_ms;
        uint32_t max_connections;
        uint32_t max_per_host;
        hf__log *log;
        uint32_t second_ms;  /* 1000; tests make seconds short */
        uint64_t trace_high; /* random; ids to trace requests by begin with it, */
        uint64_t trace_low;  /* and end in a count from here */
    } conf;
    hf__blocks blocks;

    /* set by the first start, read-only after */
    hf__curl curl;
    CURLM *multi;
    CURLSH *share;
    pthread_t thread;
    atomic_long pid; /* of the process that has the thread; 0: not started */

    atomic_bool woken;      /* a wakeup is on its way to the I/O thread */
    atomic_bool untold;     /* there are new streams that it may not know of */
    atomic_bool any_cancel; /* some stream was asked to stop */

    struct { /* only with the lock held */
        pthread_mutex_t lock;
        bool started;
        bool stopping;
        hf__net_stream *first; /* new streams, linked by io.next */
        hf__net_stream *last;
    } synced;

    atomic_uint_fast64_t n_traced;
    atomic_uint_fast64_t asked_until_ms; /* the last time that any server named */

    atomic_uint_fast64_t rate_limit; /* bytes per second of all bodies; 0: none */

    struct {                /* the I/O thread */
        bool rate_shut;     /* until everything is paid */
        uint64_t rate_owed; /* bytes that moved and are not paid for yet */
        uint64_t rate_ms;   /* when it was last paid */
        hf__streams active;
        hf__streams waiting;
        struct curl_waitfd *waits; /* sockets that bodies wait for; room for all connections */
        unsigned n_waits;
        hf__origin *origins;
        hf__handle *handles; /* free ones */
        uint32_t n_active;
        uint64_t now_ms;
        uint64_t tick_ms;    /* when the clock has to be looked at next */
        uint64_t starved_ms; /* when a stream was last paused for want of buffers */
        uint64_t look_ms;    /* since then came so many bytes of bodies: */
        uint64_t came;
        bool fast; /* a line that brings much, as it was last looked at */
    } io;
};

void hf__net_wake(hf__net *net);

/* For tests: how long a second of waiting is. Before the first request. */
void hf__net_set_second_ms(hf__net *net, uint32_t second_ms);

/* ---- origin.c */

hf__origin *hf__origin_find_io(hf__net *net, const char *url, hf_error *err); /* NULL: err */
void hf__origins_free_io(hf__net *net);

/* ---- rate.c */

bool hf__rate_open_io(hf__net *net); /* false: the limit is used up; the engine looks again soon */
size_t hf__rate_piece_io(const hf__net *net); /* what one connection may send at a time */
void hf__rate_pay_io(hf__net *net, size_t bytes);

/* ---- setup.c, tls.c */

hf__handle *hf__handle_get_io(hf__net *net); /* NULL: out of memory */
void hf__handle_put_io(hf__net *net, hf__handle *handle);
void hf__handles_free_io(hf__net *net);
/* Sets what differs between hops. */
hf_status hf__handle_prepare_io(hf__handle *handle, hf__net_stream *stream, hf_error *err);
bool hf__trust_init(hf__trust *trust, const hf__net_conf *conf); /* false: out of memory */
void hf__trust_dispose(hf__trust *trust);
void hf__tls_setup(const hf__net *net, CURL *easy);
bool hf__proxy_setup(const hf__net *net, CURL *easy, bool https); /* false: out of memory */

/* ---- sendfile.c */

typedef void hf__end_hop_fn(hf__net *net, hf__net_stream *stream, CURLcode code);

/* Whether the body of this hop is one that the kernel sends; sets the handle up for it, or back. */
bool hf__kernel_setup_io(hf__handle *handle, const hf__net_stream *stream, bool https,
                         bool has_body);
/* Sends what the sockets take, and notes in net->io.waits which have to be waited for. */
void hf__kernel_send_io(hf__net *net, hf__end_hop_fn *end);

/* ---- stream.c */

hf_status hf__stream_new(hf__net *net, const hf__net_req *req, const hf__net_sink *sink,
                         bool collect, hf__net_stream **out, hf_error *err);
/* Hands it to the I/O thread, which hears of it at the next hf__net_go(). */
hf_status hf__stream_submit(hf__net_stream *stream, hf_error *err);
hf_status hf__stream_reset_hop_io(hf__net_stream *stream);
hf_status hf__stream_reset_try_io(hf__net_stream *stream);
size_t hf__stream_on_header(char *data, size_t size, size_t n, void *self);
size_t hf__stream_on_body(char *data, size_t size, size_t n, void *self);
size_t hf__stream_on_read(char *data, size_t size, size_t n, void *self);
int hf__stream_on_seek(void *self, curl_off_t offset, int origin);
void hf__stream_flush_io(hf__net_stream *stream);
/* What comes after a hop that ended with code: REDIRECT, RETRY (wait_ms is set) or ANSWER (failure
 * and err are set, or everything is delivered). */
hf__verdict hf__stream_end_hop_io(hf__net_stream *stream, CURLcode code);
uint64_t hf__stream_deadline_io(const hf__net_stream *stream); /* of the whole exchange */

/* ---- failure.c */

/* Fills err for a hop that curl ended with code; *transient: trying again may help. */
hf_status hf__net_failure(const hf__net *net, const hf__net_stream *stream, CURLcode code,
                          bool *transient, hf_error *err);

#endif
