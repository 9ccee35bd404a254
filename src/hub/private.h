/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hub share. */
#ifndef HF_HUB_PRIVATE_H
#define HF_HUB_PRIVATE_H

#include "hub/hub.h"

#include <pthread.h>

struct hf__hub {
    char *endpoint;
    bool offline;
    uint32_t etag_timeout_ms;
    uint32_t read_timeout_ms;
    hf__net *net;
    hf__log *log;
    char *token_path; /* NULL: no file is read */
    bool use_env;
    bool no_implicit_token;
    struct { /* only with lock held; found at the first request, since most starts make none */
        pthread_mutex_t lock;
        bool looked;
        char *auth; /* "Bearer …", wiped when freed; NULL: none */
        const char *source;
        hf_status status; /* of looking */
        hf_error error;
    } token;
};

/* Value of Authorization or NULL. Fails for a token that must not be sent. */
hf_status hf__hub_auth(hf__hub *hub, const char **out, hf_error *err);
/* Takes the token out of an error that quotes a server. */
void hf__hub_redact(hf__hub *hub, hf_error *err);
void hf__hub_token_dispose(hf__hub *hub);
hf_status hf__hub_token_given(hf__hub *hub, const char *token, hf_error *err);

/* "/api/models/ns/name" */
void hf__hub_add_api(hf__buf *out, const hf_repo_ref *repo);

/* An error when the hub is offline. */
hf_status hf__hub_online(const hf__hub *hub, const char *url, hf_error *err);

/* One exchange with the Hub, errors classified. url is complete; a token goes only to the
 * endpoint's origin. */
typedef struct hf__hub_exchange {
    const char *method;
    const char *url;
    const void *body;
    size_t body_len;
    const char *content_type;
    hf__net_class retry;
    hf__net_redirects redirects;
    uint32_t timeout_ms;
} hf__hub_exchange;

hf_status hf__hub_call(hf__hub *hub, const hf__hub_exchange *exchange, const hf_cancel *cancel,
                       hf__net_resp *out, hf_error *err);

/* JSON of an answer; an HTML page gets its own words. */
hf_status hf__hub_json(const hf__net_resp *resp, const char *what, hf__json **out, hf_error *err);

/* Fills entry from a node of a tree or paths-info answer, in arena. HF_ERR_UNSAFE_PATH for a name
 * that must not be created, HF_ERR_PROTOCOL for one that lacks what is required. */
hf_status hf__hub_entry_read(hf__arena *arena, const hf__json *node, hf_tree_entry *out,
                             hf_error *err);

/* A server that names its public address while we reach it through a proxy: hub-http.md 1.1. */
void hf__hub_add_rewritten(const hf__hub *hub, hf__buf *out, const char *url);

#endif
