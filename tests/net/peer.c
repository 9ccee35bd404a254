/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_HEAD ((size_t)1024 * 1024)

struct peer_conn {
    peer_conn *next;
    peer *p;
    int fd;
    SSL *ssl;
    pthread_t thread;
};

struct peer {
    peer_fn *fn;
    void *user;
    SSL_CTX *tls;
    int fd;
    unsigned port;
    char url[64];
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of what follows */
    peer_conn *conns;
    unsigned n_conns;
    unsigned n_requests;
    char **seen; /* head and body of each request */
    size_t n_seen;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

/* ---- bytes */

static ssize_t take(peer_conn *conn, char *bytes, size_t len)
{
    if (conn->ssl)
        return SSL_read(conn->ssl, bytes, (int)len);
    return recv(conn->fd, bytes, len, 0);
}

bool peer_write(peer_conn *conn, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len) {
        ssize_t n = conn->ssl ? SSL_write(conn->ssl, at, len > 1 << 20 ? 1 << 20 : (int)len)
                              : send(conn->fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool peer_say(peer_conn *conn, const char *text)
{
    return peer_write(conn, text, strlen(text));
}

bool peer_sayf(peer_conn *conn, const char *fmt, ...)
{
    char text[16384];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return peer_say(conn, text);
}

bool peer_answer(peer_conn *conn, const peer_request *request, const char *head, const char *body)
{
    return peer_sayf(conn, "HTTP/1.1 %sContent-Length: %zu\r\n\r\n", head, strlen(body)) &&
           (strcmp(request->method, "HEAD") == 0 || peer_say(conn, body));
}

bool peer_wait(peer_conn *conn, unsigned ms)
{
    struct pollfd poll_fd = { .fd = conn->fd, .events = POLLRDHUP };

    for (unsigned left = ms; left && !atomic_load(&conn->p->stopping);) {
        unsigned step = left < 20 ? left : 20;

        if (poll(&poll_fd, 1, (int)step) > 0)
            return false;
        left -= step;
    }
    return !atomic_load(&conn->p->stopping);
}

void peer_reset(peer_conn *conn)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void peer_tunnel(peer_conn *conn, unsigned port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd fds[2] = { { .fd = conn->fd, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
    bool open = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    char bytes[16384];

    while (open && !atomic_load(&conn->p->stopping)) {
        if (poll(fds, 2, 50) <= 0)
            continue;
        for (int i = 0; i < 2 && open; i++) {
            ssize_t n;

            if (!fds[i].revents)
                continue;
            n = recv(fds[i].fd, bytes, sizeof bytes, 0);
            open = n > 0 && send(fds[!i].fd, bytes, (size_t)n, MSG_NOSIGNAL) == n;
        }
    }
    close(fd);
}

/* ---- requests */

static void remember(peer *p, const char *head, const char *body, size_t body_len, unsigned *number)
{
    size_t len = strlen(head);
    char *text = malloc(len + body_len + 1);

    memcpy(text, head, len);
    memcpy(text + len, body, body_len);
    text[len + body_len] = '\0';
    pthread_mutex_lock(&p->lock);
    p->seen = realloc(p->seen, (p->n_seen + 1) * sizeof(*p->seen));
    p->seen[p->n_seen++] = text;
    *number = ++p->n_requests;
    pthread_mutex_unlock(&p->lock);
}

static size_t length_told(const char *head)
{
    const char *field = strcasestr(head, "\r\ncontent-length:");

    return field ? strtoul(field + 17, NULL, 10) : 0;
}

/* Reads one request and answers it. False when there is none or the connection is to end. */
static bool serve_one(peer_conn *conn, char *text)
{
    peer_request request = { 0 };
    char first[8192] = "";
    char *head;
    char *body;
    char *end = NULL;
    char *save = NULL;
    size_t len = 0;
    size_t body_len;
    bool more;

    text[0] = '\0';
    while (!(end = strstr(text, "\r\n\r\n"))) {
        ssize_t n = len < MOST_HEAD ? take(conn, text + len, MOST_HEAD - len) : 0;

        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        if (text[0] < 'A' || text[0] > 'Z') { /* TLS, perhaps */
            (void)peer_say(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            return false;
        }
    }
    end += 4;
    head = strndup(text, (size_t)(end - text));
    body_len = length_told(head);
    body = malloc(body_len + 1);
    for (size_t got = len - (size_t)(end - text), n = got < body_len ? got : body_len;;) {
        ssize_t now;

        memcpy(body, end, n);
        while (n < body_len && (now = take(conn, body + n, body_len - n)) > 0)
            n += (size_t)now;
        more = n == body_len;
        body[n] = '\0';
        break;
    }
    if (more) {
        snprintf(first, sizeof first, "%.*s", (int)strcspn(head, "\r"), head);
        request.method = strtok_r(first, " ", &save);
        request.target = strtok_r(NULL, " ", &save);
        request.head = head;
        request.body = body;
        request.body_len = body_len;
        remember(conn->p, head, body, body_len, &request.number);
        more = conn->p->fn(conn, &request, conn->p->user);
    }
    free(head);
    free(body);
    return more;
}

static void *serve(void *arg)
{
    peer_conn *conn = arg;
    char *text = malloc(MOST_HEAD + 1);

    if (conn->p->tls) {
        conn->ssl = SSL_new(conn->p->tls);
        SSL_set_fd(conn->ssl, conn->fd);
    }
    if (!conn->ssl || SSL_accept(conn->ssl) == 1)
        while (serve_one(conn, text)) {
        }
    free(text);
    if (conn->ssl) {
        (void)SSL_shutdown(conn->ssl);
        SSL_free(conn->ssl);
    }
    pthread_mutex_lock(&conn->p->lock);
    close(conn->fd);
    conn->fd = -1;
    pthread_mutex_unlock(&conn->p->lock);
    return NULL;
}

static void *accept_all(void *arg)
{
    peer *p = arg;

    for (;;) {
        int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
        peer_conn *conn;

        if (fd < 0 && atomic_load(&p->stopping))
            return NULL;
        if (fd < 0)
            continue;
        conn = calloc(1, sizeof *conn);
        conn->p = p;
        conn->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        pthread_mutex_lock(&p->lock);
        conn->next = p->conns;
        p->conns = conn;
        p->n_conns++;
        if (pthread_create(&conn->thread, NULL, serve, conn) != 0)
            die("pthread_create");
        if (atomic_load(&p->stopping))
            shutdown(fd, SHUT_RDWR);
        pthread_mutex_unlock(&p->lock);
    }
}

/* ---- life */

static SSL_CTX *make_tls(const char *cert, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        die("TLS");
    return tls;
}

peer *peer_start_tls(peer_fn *fn, void *user, const char *cert, const char *key)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    peer *p = calloc(1, sizeof *p);

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    p->fn = fn;
    p->user = user;
    p->tls = cert ? make_tls(cert, key) : NULL;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(p->fd, 128) != 0 || getsockname(p->fd, (struct sockaddr *)&at, &len) != 0)
        die("listen");
    p->port = ntohs(at.sin_port);
    snprintf(p->url, sizeof p->url, "%s://127.0.0.1:%u", cert ? "https" : "http", p->port);
    pthread_mutex_init(&p->lock, NULL);
    if (pthread_create(&p->thread, NULL, accept_all, p) != 0)
        die("pthread_create");
    return p;
}

peer *peer_start(peer_fn *fn, void *user)
{
    return peer_start_tls(fn, user, NULL, NULL);
}

void peer_stop(peer *p)
{
    if (!p)
        return;
    atomic_store(&p->stopping, true);
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    pthread_mutex_lock(&p->lock);
    for (peer_conn *conn = p->conns; conn; conn = conn->next)
        if (conn->fd >= 0)
            shutdown(conn->fd, SHUT_RDWR);
    pthread_mutex_unlock(&p->lock);
    while (p->conns) {
        peer_conn *conn = p->conns;

        p->conns = conn->next;
        pthread_join(conn->thread, NULL);
        free(conn);
    }
    close(p->fd);
    SSL_CTX_free(p->tls);
    for (size_t i = 0; i < p->n_seen; i++)
        free(p->seen[i]);
    free(p->seen);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- what it saw */

unsigned peer_port(const peer *p)
{
    return p->port;
}

const char *peer_url(const peer *p)
{
    return p->url;
}

unsigned peer_count(peer *p)
{
    unsigned n;

    pthread_mutex_lock(&p->lock);
    n = p->n_requests;
    pthread_mutex_unlock(&p->lock);
    return n;
}

unsigned peer_connections(peer *p)
{
    unsigned n;

    pthread_mutex_lock(&p->lock);
    n = p->n_conns;
    pthread_mutex_unlock(&p->lock);
    return n;
}

unsigned peer_saw_count(peer *p, const char *text)
{
    unsigned n = 0;

    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_seen; i++)
        n += strcasestr(p->seen[i], text) != NULL;
    pthread_mutex_unlock(&p->lock);
    return n;
}

bool peer_saw(peer *p, const char *text)
{
    return peer_saw_count(p, text) > 0;
}
