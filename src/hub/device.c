/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in by a code that is entered in a browser (RFC 8628, hub-http.md 5.5). */
#include "hub/private.h"

#include "core/cancel.h"
#include "core/clock.h"
#include "core/env.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdlib.h>

/* The public client of the official command, so that the page in the browser says what people
 * expect. */
#define CLIENT_ID      "26be6b09-91c5-47da-9861-d2d2bb7a7e36"
#define SLOWER_S       5
#define POLL_DEFAULT_S 5
#define EXPIRY_S       900

typedef struct device_owner {
    hf_device pub;
    hf__arena *arena;
    char *code; /* secret: whoever has it gets the token */
} device_owner;

static const char *text_of(const device_owner *owner, const hf__json *doc, const char *key)
{
    return hf__arena_cstr(owner->arena, hf__json_text(doc, key));
}

const char *hf__hub_oauth_client(const hf__hub *hub)
{
    const char *id = hub->use_env ? hf__env_get_nonempty("HF_DEVICE_CODE_OAUTH_CLIENT_ID") : NULL;

    return id ? id : CLIENT_ID;
}

void hf__form_add(hf__buf *form, const char *key, const char *value)
{
    hf__buf_addf(form, "%s%s=", form->len ? "&" : "", key);
    hf__buf_add_quoted(form, hf__str_from(value), HF__QUOTE_SEGMENT);
}

hf_status hf__hub_post_form(hf__hub *hub, const char *path, const hf__buf *form, bool any_status,
                            const hf_cancel *cancel, hf__net_resp *resp, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "POST",
                                  .body = form->ptr,
                                  .body_len = form->len,
                                  .content_type = "application/x-www-form-urlencoded",
                                  .retry = HF__NET_RETRY_NONE,
                                  .timeout_ms = hub->read_timeout_ms,
                                  .own_auth = true,
                                  .any_status = any_status };
    hf__buf url;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_addf(&url, "%s%s", hub->endpoint, path);
    exchange.url = hf__buf_cstr(&url);
    st = form->status == HF_OK && url.status == HF_OK
             ? hf__hub_call(hub, &exchange, cancel, resp, err)
             : hf__fail(err, HF_ERR_LIMIT, "the request is too long");
    hf__buf_dispose(&url);
    return st;
}

static uint32_t seconds_of(const hf__json *doc, const char *key, uint32_t fallback)
{
    uint64_t value;

    return hf__json_u64(doc, key, &value) && value <= 7 * 24 * 3600 ? (uint32_t)value : fallback;
}

static bool fill_device(device_owner *owner, const hf__json *doc)
{
    const char *code = hf__json_text(doc, "device_code");
    const char *complete = hf__json_text(doc, "verification_uri_complete");
    hf_device *device = &owner->pub;

    device->user_code = text_of(owner, doc, "user_code");
    device->verification_uri = text_of(owner, doc, "verification_uri");
    device->verification_uri_complete =
        complete && *complete ? hf__arena_cstr(owner->arena, complete) : device->verification_uri;
    device->interval_s = seconds_of(doc, "interval", POLL_DEFAULT_S);
    device->expires_in_s = seconds_of(doc, "expires_in", EXPIRY_S);
    owner->code = code ? strdup(code) : NULL;
    return owner->code && device->user_code && device->verification_uri_complete &&
           !hf__arena_failed(owner->arena);
}

hf_status hf__hub_device_start(hf__hub *hub, const hf_cancel *cancel, hf_device **out,
                               hf_error *err)
{
    hf__json *doc = NULL;
    hf__arena *arena = NULL;
    device_owner *owner;
    hf__net_resp resp;
    hf__buf form;
    hf_status st;

    hf__buf_init(&form, HF__MAX_FORM);
    hf__form_add(&form, "client_id", hf__hub_oauth_client(hub));
    st = hf__hub_post_form(hub, "/oauth/device", &form, false, cancel, &resp, err);
    hf__buf_dispose(&form);
    if (st != HF_OK) {
        hf__error_prefix(err, "cannot get a code to log in with");
        return st;
    }
    st = hf__hub_json(&resp, "code to log in with", &doc, err);
    if (st == HF_OK) {
        arena = hf__arena_new();
        owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
        if (!owner) {
            st = hf__fail_nomem(err);
        } else {
            owner->arena = arena;
            if (fill_device(owner, doc)) {
                *out = &owner->pub;
            } else {
                hf__secret_free(owner->code);
                st = hf__fail(err, HF_ERR_PROTOCOL,
                              "the server's code to log in with is incomplete");
            }
        }
        if (st != HF_OK)
            hf__arena_free(arena);
    }
    hf__secret_wipe(resp.body.ptr, resp.body.len);
    hf__json_free(doc);
    hf__net_resp_dispose(&resp);
    return st;
}

void hf__hub_device_free(hf_device *device)
{
    device_owner *owner = (device_owner *)(void *)device;

    if (!owner)
        return;
    hf__secret_free(owner->code);
    hf__arena_free(owner->arena);
}

typedef enum verdict { PENDING = 0, SLOW_DOWN, INCONCLUSIVE, GRANTED, REFUSED } verdict;

/* What one answer means. A server that is broken for a moment must not end the login, since the
 * code is good until it expires. */
static verdict judge(const hf__net_resp *resp, hf__json **doc, hf_status *why, hf_error *err)
{
    const char *error;

    if (resp->status >= 500 ||
        hf__json_parse(hf__buf_str(&resp->body), "answer", doc, NULL) != HF_OK)
        return INCONCLUSIVE;
    if (hf__json_text(*doc, "access_token"))
        return GRANTED;
    error = hf__json_text(*doc, "error");
    if (!error)
        return INCONCLUSIVE;
    if (strcmp(error, "authorization_pending") == 0)
        return PENDING;
    if (strcmp(error, "slow_down") == 0)
        return SLOW_DOWN;
    if (strcmp(error, "expired_token") == 0)
        *why = hf__fail(err, HF_ERR_UNAUTHORIZED, "the code has expired; try again");
    else if (strcmp(error, "access_denied") == 0)
        *why = hf__fail(err, HF_ERR_FORBIDDEN, "the authorization was denied");
    else
        *why = hf__fail(err, HF_ERR_UNAUTHORIZED, "the server says '%.100s': %.300s", error,
                        hf__json_text(*doc, "error_description")
                            ? hf__json_text(*doc, "error_description")
                            : "no reason given");
    return REFUSED;
}

/* It goes into a header and into files of lines. */
hf_status hf__token_check(const char *token, hf_error *err)
{
    for (const char *c = token; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return hf__fail(err, HF_ERR_PROTOCOL, "the server granted a token that cannot be one");
    return *token ? HF_OK : hf__fail(err, HF_ERR_PROTOCOL, "the server granted an empty token");
}

static hf_status granted(hf__hub *hub, const hf__json *doc, const hf_cancel *cancel, hf_login **out,
                         hf_error *err)
{
    hf__grant g = { hf__json_text(doc, "access_token"), hf__json_text(doc, "refresh_token"), 0 };
    uint64_t lives;
    hf_status st = hf__token_check(g.token, err);

    if (st == HF_OK && g.refresh)
        st = hf__token_check(g.refresh, err);
    if (hf__json_u64(doc, "expires_in", &lives) && lives < UINT32_MAX)
        g.lives_s = lives;
    return st == HF_OK ? hf__hub_log_in(hub, &g, cancel, out, err) : st;
}

static hf_status nap(uint32_t seconds, const hf_cancel *cancel, hf_error *err)
{
    uint64_t until = hf__clock_ms() + (uint64_t)seconds * 1000;

    while (!hf__canceled(cancel) && hf__clock_ms() < until)
        hf__clock_sleep_ms(20);
    return hf__canceled(cancel) ? hf__fail(err, HF_ERR_CANCELED, "cancelled") : HF_OK;
}

hf_status hf__hub_device_wait(hf__hub *hub, hf_device *device, hf_device_fn *on_pending, void *user,
                              const hf_cancel *cancel, hf_login **out, hf_error *err)
{
    device_owner *owner = (device_owner *)(void *)device;
    uint64_t until = hf__clock_ms() + (uint64_t)device->expires_in_s * 1000;
    uint32_t interval = device->interval_s ? device->interval_s : 1;
    hf__buf form;
    hf_status st = hf__hub_keeps_tokens(hub, err);
    bool over = false;

    hf__buf_init(&form, HF__MAX_FORM);
    hf__form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    hf__form_add(&form, "device_code", owner->code);
    hf__form_add(&form, "client_id", hf__hub_oauth_client(hub));
    while (st == HF_OK && !over) {
        hf__net_resp resp;
        hf__json *doc = NULL;
        verdict v = INCONCLUSIVE;

        if (hf__clock_ms() >= until) {
            st = hf__fail(err, HF_ERR_TIMEOUT, "the code has expired (timeout); try again");
            break;
        }
        st = hf__hub_post_form(hub, "/oauth/token", &form, true, cancel, &resp, err);
        if (st == HF_OK) {
            v = judge(&resp, &doc, &st, err);
            over = v == GRANTED || v == REFUSED;
            if (v == GRANTED)
                st = granted(hub, doc, cancel, out, err);
            hf__json_free(doc);
            hf__secret_wipe(resp.body.ptr, resp.body.len);
            hf__net_resp_dispose(&resp);
        } else if (st != HF_ERR_CANCELED && st != HF_ERR_OFFLINE && st != HF_ERR_NO_MEMORY) {
            st = HF_OK; /* the network, for a moment */
        }
        if (st == HF_OK && v == PENDING && on_pending && on_pending(user) != 0)
            st = hf__fail(err, HF_ERR_CANCELED, "cancelled by the caller");
        interval += v == SLOW_DOWN ? SLOWER_S : 0;
        if (st == HF_OK && !over)
            st = nap(interval, cancel, err);
    }
    hf__secret_dispose(&form);
    return st;
}
