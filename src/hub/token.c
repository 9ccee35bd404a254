/* SPDX-License-Identifier: Apache-2.0 */
/* Where the token is found (cache.md 3.4, hub-http.md 5.2). It lives in one block that is wiped. */
#include "hub/private.h"

#include "core/env.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/os.h"

#include <stdlib.h>

static void wipe(char *text)
{
    volatile char *p = text;

    while (p && *p)
        *p++ = '\0';
}

/* Drops CR and LF anywhere and blanks at the ends, then checks that the rest can stand in
 * a header. */
static hf_status set_locked(hf__hub *hub, hf__str raw, const char *source, hf_error *err)
{
    static const char scheme[] = "Bearer ";
    char *auth;
    size_t n = 0;

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
            wipe(auth);
            free(auth);
            return hf__fail(
                err, HF_ERR_INVALID_ARG,
                "the token (%s) holds a character that no token has; log in again or correct it",
                source);
        }
        auth[sizeof(scheme) - 1 + n++] = raw.ptr[i];
    }
    if (n == 0) {
        free(auth);
        return HF_OK;
    }
    hub->token.auth = auth;
    hub->token.source = source;
    return HF_OK;
}

hf_status hf__hub_token_given(hf__hub *hub, const char *token, hf_error *err)
{
    hub->token.looked = true;
    return set_locked(hub, hf__str_from(token), "argument", err);
}

static hf_status look_locked(hf__hub *hub, hf_error *err)
{
    static const char *const names[] = { "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN" };
    hf__buf text;
    bool found = false;
    hf_status st = HF_OK;

    for (size_t i = 0; hub->use_env && i < HF__COUNT(names) && !hub->token.auth && st == HF_OK;
         i++) {
        const char *value = hf__env_get_nonempty(names[i]);

        if (value)
            st = set_locked(hub, hf__str_from(value), names[i], err);
    }
    if (st != HF_OK || hub->token.auth || !hub->token_path)
        return st;
    hf__buf_init(&text, HF__MAX_SMALL_FILE);
    st = hf__os_read_file(hub->token_path, &text, &found, err);
    if (st == HF_ERR_PERMISSION || st == HF_ERR_IO) {
        hf__logf(hub->log, HF_LOG_WARNING,
                 "the token file '%s' cannot be read; going on without a token", hub->token_path);
        st = HF_OK;
    }
    if (st == HF_OK && found)
        st = set_locked(hub, hf__buf_str(&text), "file", err);
    wipe(text.ptr);
    hf__buf_dispose(&text);
    return st;
}

static void look(hf__hub *hub)
{
    pthread_mutex_lock(&hub->token.lock);
    if (!hub->token.looked) {
        hub->token.looked = true;
        hub->token.error = (hf_error)HF_ERROR_INIT;
        if (!hub->no_implicit_token)
            hub->token.status = look_locked(hub, &hub->token.error);
    }
    pthread_mutex_unlock(&hub->token.lock);
}

/* After look() the fields do not change any more, so the text may be lent out. */
hf_status hf__hub_auth(hf__hub *hub, const char **out, hf_error *err)
{
    look(hub);
    *out = hub->token.auth;
    if (hub->token.status != HF_OK)
        hf__error_copy(err, &hub->token.error);
    return hub->token.status;
}

void hf__hub_redact(hf__hub *hub, hf_error *err)
{
    look(hub);
    if (hub->token.auth)
        hf__error_redact(err, hub->token.auth + strlen("Bearer "));
}

const char *hf__hub_token_source(hf__hub *hub)
{
    look(hub);
    return hub->token.source ? hub->token.source : "none";
}

void hf__hub_token_dispose(hf__hub *hub)
{
    wipe(hub->token.auth);
    free(hub->token.auth);
    hub->token.auth = NULL;
}
