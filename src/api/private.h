/* SPDX-License-Identifier: Apache-2.0 */
/* What the exported functions share: the client behind the handle, and how options come in. */
#ifndef HF_API_PRIVATE_H
#define HF_API_PRIVATE_H

#include "core/log.h"
#include "transfer/transfer.h"

#include <stdatomic.h>

struct hf_client {
    /* Set in hf_client_new, read-only after. */
    char *endpoint;
    char *home;
    char *cache_dir;
    char *assets_dir;
    char *token_path;
    char *stored_tokens_path;
    char *user_agent;
    bool offline;
    hf__log log;
    hf__net *net;
    hf__hub *hub;
    hf__pool *pool;
    hf__transfer_ctx transfer;
    /* Shared between threads. */
    pthread_key_t in_callback; /* set on a thread while it is in a callback of this client */
    bool has_key;
};

/* Copies a caller's options to a zeroed struct of our size. Bytes beyond what we know must be zero:
 * they are options of a later version that we could not honour. */
hf_status hf__api_options(void *out, size_t size, const void *given, hf_error *err);

/* A directory as the caller wrote it, "~" and all (cache.md 1.1); NULL stays NULL. out owns the text
 * and is to be disposed in any case. */
hf_status hf__api_dir(const char *dir, hf__buf *out, const char **expanded, hf_error *err);

/* What the calls of one question have in common: enters, reads opts, of whose flags `allowed` may be
 * set, checks the repo when there is one, and asks. result NULL: the call gives nothing out. */
hf_status hf__api_ask(hf_client *client, hf__ask *ask, const hf_call_opts *opts, uint32_t allowed,
                      void **result, hf_error *err);
/* The same for a list. */
hf_status hf__api_list(hf_client *client, hf__ask *ask, const hf_call_opts *opts, hf_list **out,
                       hf_error *err);
/* The same for the next item; result stays NULL at the end. */
hf_status hf__api_next(hf_list *list, hf__endpoint_id id, const void *out, const void **result,
                       hf_error *err);
/* HF_ERR_INVALID_ARG when text is NULL or empty. */
hf_status hf__api_text(const char *text, const char *name, hf_error *err);

/* A list of patterns: not NULL when there are some, none of them NULL. */
hf_status hf__api_patterns(const char *const *patterns, size_t n, hf_error *err);

/* Replaces a progress callback by one that marks the thread while it runs. */
typedef struct hf__api_guarded {
    hf_client *client;
    hf_progress_fn *fn;
    void *user;
} hf__api_guarded;

void hf__api_guard(hf__api_guarded *g, hf_client *client, hf_progress_fn **fn, void **user);

/* Refuses a call made from inside a callback of the same client. */
hf_status hf__api_enter(hf_client *client, hf_error *err);

#endif
