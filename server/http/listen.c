/* SPDX-License-Identifier: Apache-2.0 */
/* The two listeners, the life of a request between libmicrohttpd's callbacks, signals, the end. */
#include "http/internal.h"

#include "core/clock.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_SECONDS   60u
#define HEAD_MS        75000u /* a connection that has brought no request for so long is closed */
#define CONN_MEMORY    ((size_t)256 * 1024)  /* half of it for what comes in one piece */
#define THREAD_STACK   ((size_t)1024 * 1024) /* virtual; libgit2 recurses into trees */
#define MAX_DISCARD    ((uint64_t)1024 * 1024)
#define MAX_DISCARD_UP ((uint64_t)64 * 1024 * 1024) /* of a refused upload */
#define SETTLE_SECONDS 5

struct srv_conn {
    srv_conn *next;
    srv_conn **link;
    int fd;
    bool busy;         /* a request is being answered */
    uint64_t since_ms; /* of the last change */
    srv_req *pending;  /* only on the connection's thread: its head is not complete yet */
};

/* ------------------------------------------------------------------------------ what is running */

static void conn_notify(void *cls, struct MHD_Connection *conn, void **socket_ctx,
                        enum MHD_ConnectionNotificationCode code)
{
    struct srv_origin_ctx *ctx = cls;
    srv_server *server = ctx->server;
    srv_conn *mine = *socket_ctx;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

        mine = calloc(1, sizeof(*mine));
        if (!mine || !info) {
            free(mine);
            return;
        }
        mine->fd = info->connect_fd;
        mine->since_ms = hf__clock_ms();
        pthread_mutex_lock(&server->synced.lock);
        mine->next = server->synced.conns;
        mine->link = &server->synced.conns;
        if (mine->next)
            mine->next->link = &mine->next;
        server->synced.conns = mine;
        pthread_mutex_unlock(&server->synced.lock);
        *socket_ctx = mine;
        return;
    }
    if (!mine)
        return;
    pthread_mutex_lock(&server->synced.lock);
    *mine->link = mine->next;
    if (mine->next)
        mine->next->link = mine->link;
    pthread_mutex_unlock(&server->synced.lock);
    srv_req_free(mine->pending);
    free(mine);
    *socket_ctx = NULL;
}

static srv_conn *conn_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void set_busy(srv_req *req, bool busy)
{
    srv_server *server = req->server;
    srv_conn *mine = conn_of(req->conn);

    pthread_mutex_lock(&server->synced.lock);
    if (mine) {
        mine->busy = busy;
        mine->since_ms = hf__clock_ms();
    }
    if (busy)
        server->synced.n_in_flight++;
    else
        server->synced.n_in_flight--;
    pthread_cond_broadcast(&server->synced.settled);
    pthread_mutex_unlock(&server->synced.lock);
}

/* libmicrohttpd's own timeout counts from the last byte, which who sends one byte a minute never
 * lets run out. */
static void close_slow_heads(srv_server *server)
{
    uint64_t now = hf__clock_ms();

    pthread_mutex_lock(&server->synced.lock);
    for (srv_conn *c = server->synced.conns; c; c = c->next)
        if (!c->busy && now - c->since_ms > HEAD_MS)
            shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->synced.lock);
}

/* ---------------------------------------------------------------------------- life of a request */

/* libmicrohttpd forgets what this returns when the head turns out malformed or too large, so the
 * connection owns the request until its head is complete. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *conn)
{
    struct srv_origin_ctx *ctx = cls;
    srv_conn *mine = conn_of(conn);

    if (!mine)
        return NULL;
    srv_req_free(mine->pending);
    mine->pending = srv_req_new(ctx->server, ctx->origin, target);
    return mine->pending;
}

/* GET /-/settled answers when every request that came before it has its line in the access log:
 * what a test asks before it reads the log. */
static void settled(srv_req *req)
{
    srv_server *server = req->server;
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SETTLE_SECONDS;
    pthread_mutex_lock(&server->synced.lock);
    while (server->synced.n_in_flight > 1)
        if (pthread_cond_timedwait(&server->synced.settled, &server->synced.lock, &end) != 0)
            break;
    pthread_mutex_unlock(&server->synced.lock);
    srv_answer_text(req, 200, "text/plain; charset=utf-8", HF__STR("settled\n"));
}

static srv_bucket bucket_of(const srv_req *req)
{
    char *path;

    if (hf__str_starts(req->path, HF__STR("/api/")))
        return SRV_BUCKET_API;
    path = hf__arena_str(req->arena, req->path);
    if (path && (strstr(path, "/resolve/") || strstr(path, "/raw/")))
        return SRV_BUCKET_RESOLVERS;
    if (path && (strstr(path, "/info/") || strstr(path, "/git-")))
        return SRV_BUCKET_API;
    return SRV_BUCKET_PAGES;
}

static void answer_fault(srv_req *req)
{
    const srv_fault *fault = &req->fault;

    if (fault->redirect) {
        const char *to = fault->redirect;

        if (fault->loop) {
            size_t size = strlen(srv_base_url(req, req->origin)) + strlen(req->target) + 1;
            char *self = hf__arena_alloc(req->arena, size);

            if (self)
                snprintf(self, size, "%s%s", srv_base_url(req, req->origin), req->target);
            to = self;
        }
        srv_answer_redirect(req, 302, to);
        return;
    }
    if (fault->retry_after > 0)
        srv_header_setf(req, "Retry-After", "%u", fault->retry_after);
    srv_answer_error(req, fault->status, NULL, "scripted answer %u", fault->status);
}

/* The head is here; a body may follow. False: end the connection without an answer. */
static bool begin(srv_req *req)
{
    srv_server *server = req->server;
    bool exempt = hf__str_eq(req->path, HF__STR("/-/settled"));

    if (server->faults && !exempt)
        srv_faults_match(server->faults, req);
    if (req->fault.delay_ms > 0 && !srv_pause(req, req->fault.delay_ms))
        return false;
    if (req->fault.drop)
        return false;
    if (req->fault.status || req->fault.redirect)
        answer_fault(req);
    else if (req->path.len == 0 || req->path.ptr[0] != '/' || strlen(req->target) > SRV_MAX_TARGET)
        srv_answer_error(req, 400, NULL, "the request names no path");
    else if (exempt)
        req->handler = settled;
    else if (server->limits && req->origin == SRV_HUB &&
             !srv_limits_take(server->limits, req, bucket_of(req)))
        srv_answer_error(req, 429, NULL,
                         "We had to rate limit you. Wait for the time that the "
                         "RateLimit header tells.");
    else
        server->route(req);
    return true;
}

/* How much of a body still comes that nobody wants. */
static uint64_t announced_body(const srv_req *req)
{
    const char *length = srv_req_header(req, "Content-Length");
    uint64_t n = 0;

    if (srv_req_header(req, "Transfer-Encoding"))
        return MAX_DISCARD + 1;
    if (length && !hf__str_to_u64(hf__str_from(length), &n))
        return MAX_DISCARD + 1;
    return n;
}

/* How much of a body that nobody wants is let in so that its sender gets to read the answer: who
 * closes a connection on bytes that still come takes the answer back with them. */
static uint64_t max_discard(const srv_req *req)
{
    const char *type = srv_req_header(req, "Content-Type");
    bool is_upload =
        req->origin == SRV_STORAGE
            ? strcmp(req->method, "PUT") == 0
            : type && strncmp(type, "application/x-ndjson", strlen("application/x-ndjson")) == 0;

    return is_upload ? MAX_DISCARD_UP : MAX_DISCARD;
}

static enum MHD_Result first_call(srv_req *req, struct MHD_Connection *conn, const char *method)
{
    conn_of(conn)->pending = NULL;
    srv_req_read_head(req, conn, method);
    req->routed = true;
    set_busy(req, true);
    if (!begin(req))
        return MHD_NO;
    if (req->answer.status == 0)
        return MHD_YES;
    /* Already decided. A short body is let in and forgotten, so that the connection can go on; a
     * long one is not worth its time. */
    if (announced_body(req) > max_discard(req)) {
        req->answer.close_connection = true;
        return srv_send(req);
    }
    return MHD_YES;
}

static void take_piece(srv_req *req, const char *bytes, size_t len)
{
    if (req->answer.status != 0) {
        req->n_discarded += len;
        return;
    }
    if (req->on_piece) {
        req->on_piece(req, bytes, len);
        return;
    }
    hf__buf_add(&req->body, bytes, len);
    if (req->body.status == HF_ERR_LIMIT)
        srv_answer_error(req, 413, NULL, "the body of the request is larger than %zu bytes",
                         SRV_MAX_BODY);
    else if (req->body.status != HF_OK)
        srv_answer_error(req, 503, NULL, "out of memory");
}

/* Scripted events while a body comes; false: the connection ends here. */
static bool play_take(srv_req *req, size_t len)
{
    const srv_fault *fault = &req->fault;

    if (fault->has_take_stall && !req->take_stalled && req->received + len > fault->take_stall) {
        req->take_stalled = true;
        if (!srv_pause(req, fault->take_stall_ms))
            return false;
    }
    return !fault->has_take_cut || req->received + len <= fault->take_cut;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_len, void **req_cls)
{
    srv_req *req = *req_cls;

    (void)cls;
    (void)url;
    (void)version;
    if (!req)
        return MHD_NO; /* there was no memory for it */
    if (!req->routed)
        return first_call(req, conn, method);
    if (req->queued)
        return MHD_YES;
    if (*upload_len > 0) {
        if (!play_take(req, *upload_len))
            return MHD_NO;
        req->received += *upload_len;
        take_piece(req, upload, *upload_len);
        *upload_len = 0;
        return req->n_discarded > max_discard(req) ? MHD_NO : MHD_YES;
    }
    if (req->answer.status == 0 && req->handler)
        req->handler(req);
    return srv_send(req);
}

static void count_sent(srv_req *req, bool finished)
{
    uint64_t took;

    if (req->is_head || !req->queued)
        req->sent = 0;
    else if (finished && req->fault.has_length)
        req->sent = req->fault.length;
    else if (finished && req->answer.n_bytes != SRV_UNKNOWN_SIZE)
        req->sent = req->answer.n_bytes;
    else if (req->by_kernel && srv_took(req->conn, &took)) {
        uint64_t before = req->took_before + srv_head_bytes(req);

        req->sent = took > before ? took - before : 0;
        if (req->sent > req->answer.n_bytes)
            req->sent = req->answer.n_bytes;
    }
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct srv_origin_ctx *ctx = cls;
    srv_req *req = *req_cls;
    bool finished = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;

    (void)conn;
    if (!req || !req->routed)
        return; /* never begun: still the connection's */
    count_sent(req, finished);
    if (ctx->server->log)
        srv_log_request(ctx->server->log, req, finished && req->queued);
    set_busy(req, false);
    srv_req_free(req);
    *req_cls = NULL;
}

/* -------------------------------------------------------------------------------------- sockets */

static hf_status listen_on(const char *host, uint16_t port, int *out, unsigned *out_port,
                           hf_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    struct sockaddr_storage name = { 0 };
    socklen_t name_len = sizeof(name);
    char service[8];
    int one = 1;
    int fd = -1;
    int code;
    int number;

    snprintf(service, sizeof(service), "%u", (unsigned)port);
    code = getaddrinfo(host, service, &hints, &found);
    if (code != 0)
        return hf__fail(err, HF_ERR_INVALID_ARG, "cannot listen on '%s': %s", host,
                        gai_strerror(code));
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &name_len) != 0) {
        number = errno;
        freeaddrinfo(found);
        if (fd >= 0)
            close(fd);
        if (number == EADDRINUSE)
            return hf__fail(
                err, HF_ERR_IO,
                "port %u of %s is in use; choose another with --port, or 0 for a free one",
                (unsigned)port, host);
        return hf__fail_os(err, number, "cannot listen on %s port %u", host, (unsigned)port);
    }
    freeaddrinfo(found);
    *out_port = name.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&name)->sin6_port)
                                           : ntohs(((struct sockaddr_in *)&name)->sin_port);
    *out = fd;
    return HF_OK;
}

static void on_daemon_log(void *cls, const char *fmt, va_list args)
{
    (void)cls; /* it tells of every client that went away: the access log does that */
    (void)fmt;
    (void)args;
}

static hf_status start_daemon(struct srv_origin_ctx *ctx, hf_error *err)
{
    struct sockaddr_storage name = { 0 };
    socklen_t name_len = sizeof(name);
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG;

    if (getsockname(ctx->fd, (struct sockaddr *)&name, &name_len) == 0 &&
        name.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    ctx->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, ctx, MHD_OPTION_EXTERNAL_LOGGER, on_daemon_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, ctx->fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, ctx,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, ctx, MHD_OPTION_NOTIFY_CONNECTION, conn_notify,
        ctx, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONN_MEMORY, MHD_OPTION_CONNECTION_LIMIT, ctx->server->conf.max_connections,
        MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK, MHD_OPTION_END);
    if (!ctx->daemon)
        return hf__fail(err, HF_ERR_IO, "cannot start the listener of port %u", ctx->port);
    return HF_OK;
}

/* --------------------------------------------------------------------------------------- server */

hf_status srv_server_start(const srv_conf *conf, srv_route_fn *route, void *app, hf__str key,
                           srv_server **out, hf_error *err)
{
    srv_server *server = calloc(1, sizeof(*server));
    hf_status st = HF_OK;

    if (!server)
        return hf__fail_nomem(err);
    server->conf = *conf;
    server->route = route;
    server->app = app;
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    memcpy(server->key, key.ptr, key.len < sizeof(server->key) ? key.len : sizeof(server->key));
    pthread_mutex_init(&server->synced.lock, NULL);
    pthread_cond_init(&server->synced.settled, NULL);
    for (int i = 0; i < 2; i++)
        server->listen.of[i] =
            (struct srv_origin_ctx){ .server = server, .origin = (srv_origin)i, .fd = -1 };
    if (server->stop_fd < 0)
        st = hf__fail_os(err, errno, "cannot make an event");
    if (st == HF_OK && conf->access_log)
        st = srv_log_open(conf->access_log, &server->log, err);
    if (st == HF_OK && conf->faults)
        st = srv_faults_open(conf->faults, &server->faults, err);
    if (st == HF_OK)
        st = srv_limits_new(conf->quota, &server->limits, err);
    for (int i = 0; st == HF_OK && i < 2; i++)
        st = listen_on(conf->host, i == SRV_HUB ? conf->port : conf->storage_port,
                       &server->listen.of[i].fd, &server->listen.of[i].port, err);
    for (int i = 0; st == HF_OK && i < 2; i++)
        st = start_daemon(&server->listen.of[i], err);
    if (st != HF_OK) {
        srv_server_stop(server);
        return st;
    }
    *out = server;
    return HF_OK;
}

void srv_server_run(srv_server *server)
{
    const struct timespec tick = { 5, 0 };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    for (;;) {
        int number = sigtimedwait(&set, NULL, &tick);
        hf_error err = HF_ERROR_INIT;

        if (number == SIGTERM || number == SIGINT)
            return;
        if (number == SIGHUP && server->faults && srv_faults_reload(server->faults, &err) != HF_OK)
            fprintf(stderr, "hf-serve: the old fault script stays: %s\n", err.message);
        close_slow_heads(server);
    }
}

void srv_server_stop(srv_server *server)
{
    uint64_t one = 1;

    if (!server)
        return;
    if (server->stop_fd >= 0 && write(server->stop_fd, &one, sizeof(one)) < 0)
        fprintf(stderr, "hf-serve: cannot wake pausing requests\n");
    for (int i = 0; i < 2; i++) {
        if (server->listen.of[i].daemon)
            MHD_stop_daemon(server->listen.of[i].daemon); /* closes the socket too */
        else if (server->listen.of[i].fd >= 0)
            close(server->listen.of[i].fd);
    }
    srv_limits_free(server->limits);
    srv_faults_close(server->faults);
    srv_log_close(server->log);
    if (server->stop_fd >= 0)
        close(server->stop_fd);
    pthread_cond_destroy(&server->synced.settled);
    pthread_mutex_destroy(&server->synced.lock);
    free(server);
}

const srv_conf *srv_server_conf(const srv_server *server)
{
    return &server->conf;
}

void *srv_server_app(const srv_server *server)
{
    return server->app;
}

unsigned srv_server_port(const srv_server *server, srv_origin origin)
{
    return server->listen.of[origin].port;
}
