/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job of a CI shows what its provider says it is and gets a token for an hour (hub-http.md 5.7). It
 * asked for that by setting HF_OIDC_RESOURCE, so what goes wrong is an error and no reason to go on
 * with another token, or with none.
 */
#include "hub/private.h"

#include "core/clock.h"
#include "core/env.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdlib.h>

#define MARGIN_S   300 /* asked for again so long before it expires */
#define LIFETIME_S 3600
#define GRANT      "urn:ietf:params:oauth:grant-type:token-exchange"
#define ID_TOKEN   "urn:ietf:params:oauth:token-type:id_token"

const char *hf__hub_oidc_resource(const hf__hub *hub)
{
    return hub->use_env ? hf__env_get_nonempty("HF_OIDC_RESOURCE") : NULL;
}

/* Sends and reads JSON; says what the server says when it refuses. */
static hf_status ask(hf__hub *hub, hf__hub_exchange *exchange, const char *what, hf__json **out,
                     hf_error *err)
{
    hf__net_resp resp;
    hf_status st;

    exchange->timeout_ms = hub->read_timeout_ms;
    exchange->own_auth = true;
    exchange->any_status = true;
    st = hf__hub_call(hub, exchange, NULL, &resp, err);
    if (st == HF_OK) {
        st = hf__hub_json(&resp, what, out, err);
        if (st == HF_OK && resp.status >= 400) {
            const char *error = hf__json_text(*out, "error");
            const char *more = hf__json_text(*out, "error_description");

            st = hf__hub_odd(&resp, err, "HTTP %d, %.100s%s%.200s", resp.status,
                             error ? error : "no reason told", more ? ": " : "", more ? more : "");
            st = HF_ERR_UNAUTHORIZED;
            if (err)
                err->status = st;
            hf__json_free(*out);
            *out = NULL;
        }
        hf__secret_wipe(resp.body.ptr, resp.body.len);
        hf__net_resp_dispose(&resp);
    }
    if (st != HF_OK)
        hf__error_prefix(err, "OIDC exchange failed");
    return st;
}

/* What GitHub Actions says of the job, meant for this Hub alone. */
static hf_status mint(hf__hub *hub, char **out, hf_error *err)
{
    const char *ci = hf__env_get_nonempty("GITHUB_ACTIONS");
    const char *url = hf__env_get_nonempty("ACTIONS_ID_TOKEN_REQUEST_URL");
    const char *secret = hf__env_get_nonempty("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    hf__hub_exchange exchange = { .method = "GET", .retry = HF__NET_RETRY_STANDARD };
    hf__json *doc = NULL;
    char *auth = NULL;
    hf__buf target;
    hf_status st;

    if (!ci || strcmp(ci, "true") != 0)
        return hf__fail(
            err, HF_ERR_UNAUTHORIZED,
            "HF_OIDC_RESOURCE is set, but there is no id token: this is no job of GitHub "
            "Actions, and HF_OIDC_ID_TOKEN is not set; set it, or unset "
            "HF_OIDC_RESOURCE");
    if (!url || !secret)
        return hf__fail(err, HF_ERR_UNAUTHORIZED,
                        "GitHub Actions gives this job no id token; it needs `permissions: "
                        "id-token: write`");
    hf__buf_init(&target, HF__MAX_URL);
    hf__buf_addf(&target, "%s%caudience=", url, strchr(url, '?') ? '&' : '?');
    hf__buf_add_quoted(&target, hf__str_from(hub->endpoint), HF__QUOTE_SEGMENT);
    st = target.status == HF_OK
             ? hf__hub_bearer(hf__str_from(secret), "ACTIONS_ID_TOKEN_REQUEST_TOKEN", &auth, err)
             : hf__fail(err, HF_ERR_LIMIT, "ACTIONS_ID_TOKEN_REQUEST_URL is too long");
    exchange.url = hf__buf_cstr(&target);
    exchange.auth = auth;
    if (st == HF_OK)
        st = ask(hub, &exchange, "id token", &doc, err);
    hf__error_redact(err, secret);
    if (st == HF_OK && !hf__json_text(doc, "value"))
        st = hf__fail(err, HF_ERR_PROTOCOL, "OIDC exchange failed: GitHub's answer holds no token");
    if (st == HF_OK && !(*out = strdup(hf__json_text(doc, "value"))))
        st = hf__fail_nomem(err);
    hf__json_free(doc);
    hf__secret_free(auth);
    hf__buf_dispose(&target);
    return st;
}

static void add(hf__buf *body, const char *key, const char *value)
{
    hf__buf_addf(body, "%c\"%s\":", body->len ? ',' : '{', key);
    hf__json_add_string(body, hf__str_from(value));
}

static hf_status exchange_locked(hf__hub *hub, const char *resource, hf_error *err)
{
    const char *given = hf__env_get_nonempty("HF_OIDC_ID_TOKEN");
    hf__hub_exchange exchange = { .method = "POST",
                                  .content_type = "application/json",
                                  .retry = HF__NET_RETRY_STANDARD };
    uint64_t lives = LIFETIME_S;
    hf__json *doc = NULL;
    char *minted = NULL;
    char *auth = NULL;
    hf__buf body;
    hf__buf url;
    hf_status st = given ? HF_OK : mint(hub, &minted, err);

    if (st != HF_OK)
        return st;
    hf__buf_init(&body, 4 * HF__MAX_TOKEN);
    hf__buf_init(&url, HF__MAX_URL);
    add(&body, "grant_type", GRANT);
    add(&body, "subject_token_type", ID_TOKEN);
    add(&body, "subject_token", given ? given : minted);
    add(&body, "resource", resource);
    hf__buf_addc(&body, '}');
    hf__buf_addf(&url, "%s/oauth/token", hub->endpoint);
    exchange.url = hf__buf_cstr(&url);
    exchange.body = body.ptr;
    exchange.body_len = body.len;
    st = body.status == HF_OK && url.status == HF_OK
             ? ask(hub, &exchange, "token", &doc, err)
             : hf__fail(err, HF_ERR_LIMIT, "the id token is too long");
    hf__error_redact(err, given ? given : minted);
    if (st == HF_OK && !hf__json_text(doc, "access_token"))
        st = hf__fail(err, HF_ERR_PROTOCOL, "OIDC exchange failed: the answer holds no token");
    if (st == HF_OK)
        st = hf__hub_bearer(hf__str_from(hf__json_text(doc, "access_token")), "server", &auth, err);
    if (st == HF_OK) {
        (void)hf__json_u64(doc, "expires_in", &lives);
        /* An id token that was given is as old as its job: there is no other to ask with. */
        lives = given || lives < MARGIN_S ? lives : lives - MARGIN_S;
        hf__secret_free(hub->oidc.auth);
        hub->oidc.auth = auth;
        hub->oidc.until_ms = hf__clock_ms() + (lives < UINT32_MAX ? lives : UINT32_MAX) * 1000;
    }
    hf__json_free(doc);
    hf__secret_free(minted);
    hf__secret_dispose(&body);
    hf__buf_dispose(&url);
    return st;
}

bool hf__hub_oidc_is_due(hf__hub *hub)
{
    bool due;

    pthread_mutex_lock(&hub->oidc.lock);
    due = hub->oidc.auth && hf__clock_ms() >= hub->oidc.until_ms;
    pthread_mutex_unlock(&hub->oidc.lock);
    return due;
}

hf_status hf__hub_oidc(hf__hub *hub, const char *resource, char **auth, hf_error *err)
{
    hf_status st = HF_OK;

    *auth = NULL;
    pthread_mutex_lock(&hub->oidc.lock);
    if (!hub->oidc.auth || hf__clock_ms() >= hub->oidc.until_ms)
        st = exchange_locked(hub, resource, err);
    if (st == HF_OK && !(*auth = hub->oidc.auth ? strdup(hub->oidc.auth) : NULL))
        st = hub->oidc.auth ? hf__fail_nomem(err) : HF_OK;
    pthread_mutex_unlock(&hub->oidc.lock);
    return st;
}
