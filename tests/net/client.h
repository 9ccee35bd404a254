/* SPDX-License-Identifier: Apache-2.0 */
/* A client that talks to a peer, quick to retry, whose log is kept and searched for its token. */
#ifndef HF_TESTS_NET_CLIENT_H
#define HF_TESTS_NET_CLIENT_H

#include "peer.h"
#include "unit.h"

#include <hfhub/hfhub.h>

#include <pthread.h>

#define TOKEN  "hf_TheSecretOfTheTests"
#define COMMIT "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
/* git's hash of "hello\n" */
#define HELLO_SHA1 "ce013625030ba8dba906f756967f9e9ca394464a"

extern const hf_repo_ref repo_x; /* model "acme/x" at main */

typedef struct client {
    hf_client *hf;
    unit_dir dir;
    pthread_mutex_t lock;
    char *log;
    size_t log_len;
} client;

/* Options for a client of a peer: no environment, the token, a cache in dir, a log at debug level,
 * time-outs of a second. */
hf_client_opts client_opts(client *c, const char *endpoint);
client *client_new(const char *endpoint);
client *client_new_with(client *c, const hf_client_opts *opts); /* c from client_make() */
client *client_make(void);
/* Frees it, after making sure that the token is not in the log. */
void client_free(client *c);
bool client_logged(client *c, const char *text);
size_t client_log_len(client *c);

/* Fails the test unless st and err are `wanted`, and err holds no secret and no control character. */
void client_expect(hf_status st, const hf_error *err, hf_status wanted);

/* The calls, each made and its result thrown away. */
typedef enum client_call {
    CALL_METADATA,
    CALL_INFO,
    CALL_TREE, /* recursive, to its end */
    CALL_PATHS,
    CALL_DOWNLOAD,
    CALL_SNAPSHOT
} client_call;

hf_status client_do(client *c, client_call call, hf_error *err);
const char *client_call_name(client_call call);

uint64_t now_ms(void);
/* Fails the test when the process took more since it had its peak at `before`. The sanitizers keep
 * what is freed, so under them nothing is said. */
void peak_within(size_t before_kib, size_t more_kib);
size_t peak_kib(void);

/* Head of a good answer to a HEAD or GET of a regular file holding "hello\n". */
#define HELLO_HEAD "200 OK\r\nX-Repo-Commit: " COMMIT "\r\nETag: \"" HELLO_SHA1 "\"\r\n"

#endif
