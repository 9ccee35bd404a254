/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of server/http share and nobody else sees. */
#ifndef SRV_HTTP_INTERNAL_H
#define SRV_HTTP_INTERNAL_H

#include "http/http.h"

#include <pthread.h>

typedef struct srv_log srv_log;
typedef struct srv_faults srv_faults;
typedef struct srv_limits srv_limits;
typedef struct srv_conn srv_conn;

struct srv_server {
    srv_conf conf; /* set before the listeners start, read-only after; any thread */
    srv_route_fn *route;
    void *app;
    uint8_t key[32]; /* signs storage URLs */
    int stop_fd;     /* readable once the server stops: wakes whoever pauses */
    srv_log *log;
    srv_faults *faults;
    srv_limits *limits;
    struct {
        struct srv_origin_ctx {
            srv_server *server;
            srv_origin origin;
            struct MHD_Daemon *daemon;
            int fd;
            unsigned port;
        } of[2];
    } listen;
    struct { /* only with lock held; helpers end in _locked */
        pthread_mutex_t lock;
        pthread_cond_t settled;
        srv_conn *conns;
        uint32_t n_in_flight;
    } synced;
};

/* answer.c: hands the answer to libmicrohttpd, with what the fault script makes of it. */
enum MHD_Result srv_send(srv_req *req);

/* request.c */
srv_req *srv_req_new(srv_server *server, srv_origin origin, const char *target);
void srv_req_free(srv_req *req);
void srv_req_read_head(srv_req *req, struct MHD_Connection *conn, const char *method);

/* A line on stderr about what went wrong here; not with --quiet. */
void srv_warn(const srv_req *req, const char *fmt, ...) HF__PRINTF(2, 3);

/* took.c */
/* Bytes that the connection's socket has taken, heads and bodies; false when the kernel does not tell.
 */
bool srv_took(struct MHD_Connection *conn, uint64_t *out);
uint64_t srv_head_bytes(const srv_req *req); /* of the answer, to within a few */

/* log.c: JSON lines, one per finished request. */
hf_status srv_log_open(const char *path, srv_log **out, hf_error *err);
void srv_log_request(srv_log *log, const srv_req *req, bool finished);
void srv_log_close(srv_log *log);

/* faults.c */
hf_status srv_faults_open(const char *path, srv_faults **out, hf_error *err);
/* Reads the file again; on failure the old rules stay. Counters start anew. */
hf_status srv_faults_reload(srv_faults *faults, hf_error *err);
void srv_faults_match(srv_faults *faults, srv_req *req);
void srv_faults_close(srv_faults *faults);

/* rate.c */
hf_status srv_limits_new(const srv_quota *quota, srv_limits **out, hf_error *err);
/* Counts the request and sets the headers; false when it must be refused. */
bool srv_limits_take(srv_limits *limits, srv_req *req, srv_bucket bucket);
void srv_limits_free(srv_limits *limits);

#endif
