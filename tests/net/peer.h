/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of the line: a server on loopback whose every byte the test decides, malformed ones
 * included. It remembers what it was sent, so that it can witness what never came.
 */
#ifndef HF_TESTS_NET_PEER_H
#define HF_TESTS_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct peer peer;
typedef struct peer_conn peer_conn;

typedef struct peer_request {
    const char *head;   /* as it came, up to and with the empty line */
    const char *method; /* "GET" */
    const char *target; /* "/a/b?c", or what a proxy is given */
    const char *body;
    size_t body_len;
    unsigned number; /* of this peer, from 1 */
} peer_request;

/* Answers one request on a thread of the connection. True: another may follow on it. */
typedef bool peer_fn(peer_conn *conn, const peer_request *request, void *user);

/* Starts listening at 127.0.0.1 on a port of the system's choice. With cert and key (PEM files) it
 * speaks TLS. Never NULL: a test that cannot have a peer fails. */
peer *peer_start(peer_fn *fn, void *user);
peer *peer_start_tls(peer_fn *fn, void *user, const char *cert, const char *key);
void peer_stop(peer *p); /* breaks what is under way and waits for it */

unsigned peer_port(const peer *p);
const char *peer_url(const peer *p);      /* "http://127.0.0.1:1234" */
unsigned peer_count(peer *p);             /* requests so far */
unsigned peer_connections(peer *p);       /* connections so far, also those without a request */
bool peer_saw(peer *p, const char *text); /* in the head or body of any request, in any case */
unsigned peer_saw_count(peer *p, const char *text); /* requests that hold it */

/* Writing; false when the client has gone. */
bool peer_write(peer_conn *conn, const void *bytes, size_t len);
bool peer_say(peer_conn *conn, const char *text);
bool peer_sayf(peer_conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "HTTP/1.1 <head>" with the length and, unless it answers a HEAD, the body. head: "200 OK\r\nA: b\r\n" */
bool peer_answer(peer_conn *conn, const peer_request *request, const char *head, const char *body);

/* Waits; false when the client has gone or the peer is stopped meanwhile. */
bool peer_wait(peer_conn *conn, unsigned ms);
/* Copies bytes both ways between the connection and a port of this machine until one ends. */
void peer_tunnel(peer_conn *conn, unsigned port);
/* Ends the connection by a reset. */
void peer_reset(peer_conn *conn);

#endif
