/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP half of hf-serve: listens on two origins, reads requests, sends answers, writes the
 * access log, counts rate limits, plays fault scripts, signs storage URLs. It knows nothing of
 * repositories: a route fills in an answer, and what is here sends it. Called by routes/ and by
 * cmd_serve.c.
 *
 * Every connection has its own thread, so a route may block: on a disk, on git, in a scripted
 * pause.
 */
#ifndef SRV_HTTP_H
#define SRV_HTTP_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/str.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* The API, git and small files come from the hub; large objects from the storage origin, which
 * stands for the CDN: it knows no tokens and refuses them. */
typedef enum srv_origin { SRV_HUB = 0, SRV_STORAGE = 1 } srv_origin;

#define SRV_UNKNOWN_SIZE UINT64_MAX

#define SRV_MAX_TARGET   ((size_t)16 * 1024)
#define SRV_MAX_BODY     ((size_t)8 * 1024 * 1024) /* of a request that is kept in memory */
#define SRV_MAX_SEGMENTS 64

typedef struct srv_server srv_server;
typedef struct srv_req srv_req;
struct srv_identity; /* who asks: the routes' knowledge */

/* ------------------------------------------------------------------------------------- request */

typedef struct srv_param { /* of a query or a form, decoded */
    struct srv_param *next;
    const char *name;
    const char *value;
} srv_param;

typedef enum srv_range_state {
    SRV_RANGE_NONE, /* whole content: none asked, or one that may be ignored */
    SRV_RANGE_PART,
    SRV_RANGE_UNSATISFIABLE
} srv_range_state;

typedef struct srv_range {
    srv_range_state state;
    uint64_t first;
    uint64_t n_bytes;
} srv_range;

/* ------------------------------------------------------------------------------------- answers */

typedef struct srv_header {
    struct srv_header *next;
    const char *name;
    const char *value;
} srv_header;

/* Up to max bytes from offset `at`, which never goes back; 0 at the end, negative when it failed. May
 * block. */
typedef int64_t srv_read_fn(void *user, uint64_t at, char *out, size_t max);
typedef void srv_close_fn(void *user);

typedef enum srv_body_kind { SRV_BODY_TEXT, SRV_BODY_FILE, SRV_BODY_STREAM } srv_body_kind;

typedef struct srv_answer {
    unsigned status; /* 0: not decided yet */
    srv_header *headers;
    srv_body_kind kind;
    hf__str text;        /* SRV_BODY_TEXT: borrowed until the request ends */
    int fd;              /* SRV_BODY_FILE: owned */
    uint64_t offset;     /* where in the file or stream the body begins */
    uint64_t n_bytes;    /* of the body; SRV_UNKNOWN_SIZE for a stream without a length */
    srv_read_fn *read;   /* SRV_BODY_STREAM */
    srv_close_fn *close; /* called once when the request ends, whatever the kind; NULL: none */
    void *user;
    bool close_connection; /* after this answer */
} srv_answer;

/* What the fault script wants of one request; all zero is nothing. */
typedef struct srv_fault {
    bool drop, ignore_range, wrong_range, chunked, loop, lose, expired;
    bool has_cut, has_flip, has_stall, has_length;
    bool has_take_cut, has_take_stall;
    uint64_t cut, flip, stall, length;
    uint64_t take_cut, take_stall; /* bytes of the request's body */
    uint32_t stall_ms, delay_ms, take_stall_ms;
    uint64_t bytes_per_second; /* 0: as fast as it goes */
    unsigned status;
    uint32_t retry_after; /* 0: none */
    const char *etag;
    const char *redirect;
    srv_header *headers; /* an empty value removes the header */
} srv_fault;

typedef void srv_handler_fn(srv_req *req);
/* A piece of the request's body, for a handler that wants it as it comes. False: failed, and the
 * answer says why. */
typedef bool srv_piece_fn(srv_req *req, const char *bytes, size_t len);

struct srv_req {
    srv_server *server;
    srv_origin origin;
    struct MHD_Connection *conn;
    hf__arena *arena;
    const char *method;
    const char *target; /* as it came, percent signs and all */
    hf__str path;       /* of target, still escaped */
    hf__str query;      /* of target, without '?'; still escaped */
    srv_param *params;  /* of the query */
    bool is_head;
    bool has_auth; /* an Authorization header arrived */
    const char *id;
    srv_fault fault;
    bool is_spoilt;          /* a rule of the fault script acts on it */
    srv_handler_fn *handler; /* called when the body is here */
    srv_piece_fn *on_piece;  /* NULL: the body is collected in `body` */
    void *state;             /* of the handler */
    const struct srv_identity *who;
    hf__buf body;
    srv_answer answer;
    /* for the log */
    double started_wall;
    uint64_t started_ms;
    uint64_t received;    /* bytes of the request's body */
    uint64_t sent;        /* bytes of the answer's body that the socket took */
    bool by_kernel;       /* the body goes by sendfile, and the socket had taken */
    uint64_t took_before; /* so much before it */
    bool routed, queued, stalled, take_stalled, drop_body;
    uint64_t n_discarded;
    unsigned status_sent;
};

const char *srv_req_header(const srv_req *req, const char *name); /* NULL when absent */
const char *srv_req_param(const srv_req *req, const char *name); /* first value; NULL when absent */
bool srv_req_flag(const srv_req *req, const char *name);         /* "1", "true", "True" */
bool srv_req_u64(const srv_req *req, const char *name, uint64_t fallback, uint64_t *out);
/* Is `value` among the values of name or name[]? */
bool srv_req_wants(const srv_req *req, const char *name, const char *value);
srv_param *srv_params_parse(hf__arena *arena, hf__str text);
/* The name of an `a[]=x` parameter equals `a` too. */
bool srv_param_is(const srv_param *param, const char *name);

/* Cuts the escaped path into its segments; false when there are too many. */
bool srv_path_split(hf__str path, hf__str *segments, size_t *n_segments);
/* Percent-decodes. NULL for a bad escape, a NUL, or no memory. */
char *srv_unescape(hf__arena *arena, hf__str text, bool plus_is_space);

srv_range srv_range_parse(const srv_req *req, uint64_t size, const char *etag);

/* "http://host:port" as this client should call the origin; no '/' at its end. */
const char *srv_base_url(srv_req *req, srv_origin origin);

/* Waits, unless the server stops or the client goes away; false then. */
bool srv_pause(const srv_req *req, uint32_t ms);

/* --------------------------------------------------------------------------- filling an answer */

void srv_header_set(srv_req *req, const char *name, const char *value); /* replaces; NULL removes */
void srv_header_setf(srv_req *req, const char *name, const char *fmt, ...) HF__PRINTF(3, 4);
const char *srv_header_get(const srv_req *req, const char *name); /* of the answer */

void srv_answer_text(srv_req *req, unsigned status, const char *type, hf__str text);
/* Takes the buffer's content; an error in it becomes 500. */
void srv_answer_json(srv_req *req, unsigned status, hf__buf *json);
/* {"error": message} or plain text by where the request went; code may be NULL. */
void srv_answer_error(srv_req *req, unsigned status, const char *code, const char *fmt, ...)
    HF__PRINTF(4, 5);
void srv_answer_failed(srv_req *req, const hf_error *err); /* 500, with the cause on stderr */
void srv_answer_redirect(srv_req *req, unsigned status, const char *location);
/* Content that ranges and conditions apply to. */
typedef struct srv_content {
    uint64_t size;
    const char *etag; /* without quotes */
    const char *type; /* Content-Type */
    int fd;           /* owned by the answer from now on; -1: read */
    srv_read_fn *read;
    srv_close_fn *close; /* called whatever happens; NULL: none */
    void *user;
} srv_content;

/* 200, 206, 304 or 416, with ETag and lengths. */
void srv_answer_content(srv_req *req, const srv_content *content);
void srv_answer_stream(srv_req *req, unsigned status, srv_read_fn *read, void *user);

/* -------------------------------------------------------------------------------------- signing */

/* The URL of target ("/path?a=b") on the origin, good for this method and the server's --url-ttl. */
const char *srv_sign_url(srv_req *req, srv_origin origin, const char *method, const char *target);
/* A URL of the storage origin for the object. name is what a browser saves it as. */
const char *srv_sign_object(srv_req *req, const char *oid, const char *name);
/* Is the request's URL one that we signed? 0, or the status to refuse with and why. */
unsigned srv_sign_check(const srv_req *req, const char **why);
bool srv_equal_secrets(hf__str a, hf__str b); /* in time that depends on the lengths alone */

/* ----------------------------------------------------------------------------------------- CGI */

typedef struct srv_cgi {
    const char *git_dir;
    const char *path_info;  /* starts with '/' */
    const char *user;       /* NULL: nobody in particular */
    const char *hooks_dir;  /* NULL: this request changes nothing, and no hook runs */
    const char *const *env; /* pairs of name and value for the hook, NULL at the end; NULL: none */
} srv_cgi;

/* `git http-backend` for a repository. Arranges the request so that its body flows into the child
 * and the child's output becomes the answer. */
void srv_cgi_start(srv_req *req, const srv_cgi *cgi);

/* -------------------------------------------------------------------------------------- server */

typedef struct srv_quota {
    uint32_t n;
    uint32_t seconds; /* 0: no limit */
} srv_quota;

typedef enum srv_bucket { SRV_BUCKET_API, SRV_BUCKET_RESOLVERS, SRV_BUCKET_PAGES } srv_bucket;
#define SRV_N_BUCKETS 3

typedef struct srv_conf {
    const char *data;
    const char *host;
    uint16_t port;
    uint16_t storage_port;
    const char *public_url;  /* NULL: what the client's Host header says */
    const char *storage_url; /* NULL: the same host, the storage port */
    const char *access_log;  /* NULL: none */
    const char *faults;      /* NULL: none */
    uint32_t url_ttl;        /* seconds */
    uint32_t login_interval; /* of polls, of a code, of an access token: seconds */
    uint32_t login_ttl;
    uint32_t login_token_ttl;
    bool lfs_inline;
    bool quiet;
    uint32_t max_connections;     /* of each origin */
    uint32_t page_size;           /* of listings, when the client names none */
    uint64_t lfs_threshold;       /* larger files are LFS whatever they are called */
    uint64_t multipart_threshold; /* larger LFS objects come in parts */
    uint64_t part_bytes;
    uint64_t max_file_bytes; /* 0: no limit */
    uint64_t quota_bytes;    /* of the LFS objects of a namespace; 0: no limit */
    srv_quota quota[SRV_N_BUCKETS];
} srv_conf;

typedef void srv_route_fn(srv_req *req); /* sets req->handler, or answers at once */

/* app is handed to routes by srv_server_app(); key (32 bytes) signs storage URLs. SIGTERM, SIGINT and
 * SIGHUP must be blocked. */
hf_status srv_server_start(const srv_conf *conf, srv_route_fn *route, void *app, hf__str key,
                           srv_server **out, hf_error *err);
/* Until SIGTERM or SIGINT. */
void srv_server_run(srv_server *server);
void srv_server_stop(srv_server *server); /* NULL allowed */
const srv_conf *srv_server_conf(const srv_server *server);
void *srv_server_app(const srv_server *server);
unsigned srv_server_port(const srv_server *server, srv_origin origin);

#endif
