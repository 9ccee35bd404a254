/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hub share. */
#ifndef HF_HUB_PRIVATE_H
#define HF_HUB_PRIVATE_H

#include "hub/hub.h"

#include "core/os.h"

#include <pthread.h>

struct hf__hub {
    char *endpoint;
    bool offline;
    uint32_t etag_timeout_ms;
    uint32_t read_timeout_ms;
    hf__net *net;
    hf__log *log;
    char *token_path;  /* NULL: no file is read */
    char *stored_path; /* likewise */
    bool use_env;
    bool no_implicit_token;
    bool token_given; /* by the caller; `token` below is it and does not change */
    struct { /* only with lock held; found at the first request, since most starts make none */
        pthread_mutex_t lock;
        bool looked;
        char *auth; /* "Bearer …", wiped when freed; NULL: none */
        const char *source;
        hf_status status; /* of looking */
        hf_error error;
        struct hf__old_auth *old; /* replaced, but lent out */
    } token;
    struct { /* only with lock held */
        pthread_mutex_t lock;
        char *auth; /* "Bearer …" that a job of a CI was given; NULL: none yet */
        uint64_t until_ms;
    } oidc;
};

/* Value of Authorization or NULL. Fails for a token that must not be sent. */
hf_status hf__hub_auth(hf__hub *hub, const char **out, hf_error *err);
/* Takes the token out of an error that quotes a server. */
void hf__hub_redact(hf__hub *hub, hf_error *err);
void hf__hub_token_dispose(hf__hub *hub);
hf_status hf__hub_token_given(hf__hub *hub, const char *token, hf_error *err);

/* Makes "Bearer …" of a token: without line breaks and blanks around, checked to be fit for a header.
 * *out NULL for an empty one; hf__secret_free(). source names it in messages. */
hf_status hf__hub_bearer(hf__str raw, const char *source, char **out, hf_error *err);
void hf__secret_free(char *text);
/* HF_TOKEN or its older name; NULL when neither holds anything. */
const char *hf__hub_token_env(const hf__hub *hub, const char **name);
/* The token that is in use, even when it is not to be sent unasked: the argument, else the
 * environment, else the file. "Bearer …" or NULL; hf__secret_free(). */
hf_status hf__hub_token_find(hf__hub *hub, char **out, hf_error *err);

/* ---- token files (store.c) */

typedef struct hf__token_field {
    const char *key;
    const char *value;
} hf__token_field;

typedef struct hf__token_entry {
    const char *name;
    hf__token_field fields[16];
    size_t n;
} hf__token_entry;

/* Text points into `text`, or to what hf__store_put() was given. */
typedef struct hf__token_store {
    hf__buf text;
    hf__token_entry *entries;
    size_t n;
    size_t cap;
    bool broken; /* there is a file and it cannot be parsed */
} hf__token_store;

void hf__secret_wipe(char *text, size_t len);
void hf__secret_dispose(hf__buf *buf); /* wipes, then disposes */
/* Writes a file of mode 0600 in one step, under any umask; makes its directory when it is missing. */
hf_status hf__secret_write(const char *path, hf__str content, hf_error *err);
/* Warns of a file that is somebody else's or can be read by others. */
void hf__secret_report(const char *path, hf__log *log);

/* Parses `text` in place. NULL, or why configparser would not read it. */
const char *hf__store_parse(hf__token_store *store);
void hf__store_format(hf__token_store *store, hf__buf *out);
hf_status hf__store_read(const char *path, hf__token_store *out, hf__log *log, hf_error *err);
void hf__store_dispose(hf__token_store *store);
hf__token_entry *hf__store_find(const hf__token_store *store, const char *name);
const char *hf__token_field_get(const hf__token_entry *entry, const char *key);
hf_status hf__store_put(hf__token_store *store, const hf__token_entry *entry, hf_error *err);
void hf__store_remove(hf__token_store *store, const char *name);
hf_status hf__store_write(const char *path, hf__token_store *store, hf_error *err);
/* Held while the file is read, changed and written. Waits for at most 30 s. */
hf_status hf__store_lock(const char *path, hf__os_lock *out, hf_error *err);

/* ---- logging in (account.c) */

typedef struct hf__grant {
    const char *token;
    const char *refresh; /* NULL: none */
    uint64_t lives_s;    /* 0: not told */
} hf__grant;

/* An error when this client knows no token files. */
hf_status hf__hub_keeps_tokens(const hf__hub *hub, hf_error *err);
/* Asks who it is and keeps it. Nothing is written unless the Hub knows the token. */
hf_status hf__hub_log_in(hf__hub *hub, const hf__grant *g, const hf_cancel *cancel, hf_login **out,
                         hf_error *err);

/* ---- OAuth (device.c, refresh.c) */

#define HF__MAX_FORM ((size_t)16 * 1024)

const char *hf__hub_oauth_client(const hf__hub *hub);
void hf__form_add(hf__buf *form, const char *key, const char *value);
/* POST of a form without a token. any_status: the caller reads what an error says. */
hf_status hf__hub_post_form(hf__hub *hub, const char *path, const hf__buf *form, bool any_status,
                            const hf_cancel *cancel, hf__net_resp *resp, hf_error *err);
/* A granted token goes into a header and into files of lines. */
hf_status hf__token_check(const char *token, hf_error *err);
/* Exchanges the token of the file, "Bearer …", for a new one when it came with a refresh token and
 * has less than a day to live. Never fails: what does not work is logged, and *auth stays. */
void hf__hub_refresh(hf__hub *hub, char **auth);

/* What the environment says that a job of a CI wants a token for; NULL: nothing (oidc.c). */
const char *hf__hub_oidc_resource(const hf__hub *hub);
/* Gets that token, or the one it got before; hf__secret_free(). */
hf_status hf__hub_oidc(hf__hub *hub, const char *resource, char **auth, hf_error *err);
/* The token it got is to be replaced. */
bool hf__hub_oidc_is_due(hf__hub *hub);

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
    const hf__net_source *source; /* instead of body; NULL: none */
    const char *accept;           /* NULL: none is sent */
    const char *content_type;
    hf__net_class retry;
    hf__net_redirects redirects;
    uint32_t timeout_ms;
    bool own_auth;    /* send `auth` instead of the token that was found */
    const char *auth; /* value of Authorization; NULL: none */
    bool any_status;  /* do not classify: the caller reads the answer of an error itself */
} hf__hub_exchange;

hf_status hf__hub_call(hf__hub *hub, const hf__hub_exchange *exchange, const hf_cancel *cancel,
                       hf__net_resp *out, hf_error *err);

/* HF_ERR_PROTOCOL, with the answer's request id. */
hf_status hf__hub_odd(const hf__net_resp *resp, hf_error *err, const char *fmt, ...)
    HF__PRINTF(3, 4);

/* JSON of an answer; an HTML page gets its own words. */
hf_status hf__hub_json(const hf__net_resp *resp, const char *what, hf__json **out, hf_error *err);

/* Fills entry from a node of a tree or paths-info answer, in arena. HF_ERR_UNSAFE_PATH for a name
 * that must not be created, HF_ERR_PROTOCOL for one that lacks what is required. */
hf_status hf__hub_entry_read(hf__arena *arena, const hf__json *node, hf_tree_entry *out,
                             hf_error *err);

/* A server that names its public address while we reach it through a proxy: hub-http.md 1.1. */
void hf__hub_add_rewritten(const hf__hub *hub, hf__buf *out, const char *url);

#endif
