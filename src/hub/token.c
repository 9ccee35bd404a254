/* SPDX-License-Identifier: Apache-2.0 */
/* Where the token is found (cache.md 3.4, hub-http.md 5.2). It lives in one block that is wiped. */
#include "hub/private.h"

#include "core/env.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/os.h"

#include <stdlib.h>

void hf__secret_free(char *text)
{
    hf__secret_wipe(text, text ? strlen(text) : 0);
    free(text);
}

/* Drops CR and LF anywhere and blanks at the ends, then checks that the rest can stand in a header. */
hf_status hf__hub_bearer(hf__str raw, const char *source, char **out, hf_error *err)
{
    static const char scheme[] = "Bearer ";
    char *auth;
    size_t n = 0;

    *out = NULL;
    raw = hf__str_trim(raw);
    if (raw.len > HF__MAX_TOKEN)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the token (%s) is longer than %zu bytes", source,
                        HF__MAX_TOKEN);
    auth = calloc(1, sizeof(scheme) + raw.len);
    if (!auth)
        return hf__fail_nomem(err);
    memcpy(auth, scheme, sizeof(scheme) - 1);
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];

        if (c == '\r' || c == '\n')
            continue;
        if (c <= 0x20 || c >= 0x7f) {
            hf__secret_free(auth);
            return hf__fail(
                err, HF_ERR_INVALID_ARG,
                "the token (%s) holds a character that no token has; log in again or correct it",
                source);
        }
        auth[sizeof(scheme) - 1 + n++] = raw.ptr[i];
    }
    if (n == 0)
        free(auth);
    else
        *out = auth;
    return HF_OK;
}

static hf_status set_locked(hf__hub *hub, hf__str raw, const char *source, hf_error *err)
{
    hf_status st = hf__hub_bearer(raw, source, &hub->token.auth, err);

    if (st == HF_OK && hub->token.auth)
        hub->token.source = source;
    return st;
}

hf_status hf__hub_token_given(hf__hub *hub, const char *token, hf_error *err)
{
    hub->token_given = true;
    hub->token.looked = true;
    return set_locked(hub, hf__str_from(token), "argument", err);
}

const char *hf__hub_token_env(const hf__hub *hub, const char **name)
{
    static const char *const names[] = { "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN" };

    for (size_t i = 0; hub->use_env && i < HF__COUNT(names); i++) {
        const char *value = hf__env_get_nonempty(names[i]);

        if (value && hf__str_trim(hf__str_from(value)).len) {
            *name = names[i];
            return value;
        }
    }
    return NULL;
}

/* What a job of a CI is given, else of the environment, else of the file. */
static hf_status find(hf__hub *hub, char **auth, const char **source, hf_error *err)
{
    const char *resource = hf__hub_oidc_resource(hub);
    const char *value = resource ? NULL : hf__hub_token_env(hub, source);
    hf__buf text;
    bool found = false;
    hf_status st;

    *auth = NULL;
    if (resource) {
        *source = "HF_OIDC_RESOURCE";
        return hf__hub_oidc(hub, resource, auth, err);
    }
    if (value)
        return hf__hub_bearer(hf__str_from(value), *source, auth, err);
    *source = "file";
    if (!hub->token_path)
        return HF_OK;
    hf__buf_init(&text, HF__MAX_SMALL_FILE);
    st = hf__os_read_file(hub->token_path, &text, &found, err);
    if (st == HF_ERR_PERMISSION || st == HF_ERR_IO) {
        hf__logf(hub->log, HF_LOG_WARNING,
                 "the token file '%s' cannot be read; going on without a token", hub->token_path);
        st = HF_OK;
        found = false;
    }
    if (st == HF_OK && found) {
        hf__secret_report(hub->token_path, hub->log);
        st = hf__hub_bearer(hf__buf_str(&text), "file", auth, err);
    }
    if (*auth && hub->stored_path)
        hf__hub_refresh(hub, auth);
    hf__secret_dispose(&text);
    return st;
}

static hf_status look_locked(hf__hub *hub, hf_error *err)
{
    const char *source = NULL;
    hf_status st = find(hub, &hub->token.auth, &source, err);

    hub->token.source = hub->token.auth ? source : NULL;
    return st;
}

hf_status hf__hub_token_find(hf__hub *hub, char **out, hf_error *err)
{
    const char *source;

    *out = NULL;
    if (!hub->token_given)
        return find(hub, out, &source, err);
    *out = hub->token.auth ? strdup(hub->token.auth) : NULL;
    return !hub->token.auth || *out ? HF_OK : hf__fail_nomem(err);
}

/* Texts that were lent out stay until the end. */
struct hf__old_auth {
    struct hf__old_auth *next;
    char *auth;
};

static void retire_locked(hf__hub *hub)
{
    struct hf__old_auth *old = hub->token.auth ? malloc(sizeof(*old)) : NULL;

    if (!old)
        return; /* rather lost than freed under somebody's hands */
    *old = (struct hf__old_auth){ hub->token.old, hub->token.auth };
    hub->token.old = old;
}

/* A token of a CI is replaced before it expires; others stay what they were when first looked for. */
static const char *look(hf__hub *hub, hf_status *status, hf_error *err)
{
    const char *auth;

    pthread_mutex_lock(&hub->token.lock);
    if (hub->token.looked && !hub->token_given && hf__hub_oidc_is_due(hub)) {
        retire_locked(hub);
        hub->token.looked = false;
        hub->token.auth = NULL;
    }
    if (!hub->token.looked) {
        hub->token.looked = true;
        hub->token.error = (hf_error)HF_ERROR_INIT;
        if (!hub->no_implicit_token)
            hub->token.status = look_locked(hub, &hub->token.error);
    }
    auth = hub->token.auth;
    if (status)
        *status = hub->token.status;
    if (hub->token.status != HF_OK)
        hf__error_copy(err, &hub->token.error);
    pthread_mutex_unlock(&hub->token.lock);
    return auth;
}

/* The text may be lent out: it lives as long as the hub. */
hf_status hf__hub_auth(hf__hub *hub, const char **out, hf_error *err)
{
    hf_status st;

    *out = look(hub, &st, err);
    return st;
}

void hf__hub_redact(hf__hub *hub, hf_error *err)
{
    const char *auth = look(hub, NULL, NULL);

    if (auth)
        hf__error_redact(err, auth + strlen("Bearer "));
}

const char *hf__hub_token_source(hf__hub *hub)
{
    (void)look(hub, NULL, NULL);
    return hub->token.source ? hub->token.source : "none";
}

void hf__hub_token_dispose(hf__hub *hub)
{
    while (hub->token.old) {
        struct hf__old_auth *old = hub->token.old;

        hub->token.old = old->next;
        hf__secret_free(old->auth);
        free(old);
    }
    hf__secret_free(hub->token.auth);
    hf__secret_free(hub->oidc.auth);
    hub->token.auth = NULL;
    hub->oidc.auth = NULL;
}
