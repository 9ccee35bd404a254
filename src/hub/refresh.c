/* SPDX-License-Identifier: Apache-2.0 */
/* A token of a browser login is renewed before it expires (hub-http.md 5.6, cache.md 3.4). */
#include "hub/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define MARGIN_S 86400 /* renewed when it has less than a day to live */
#define SCHEME   "Bearer "

static hf__token_entry *entry_of(const hf__token_store *store, const char *token)
{
    for (size_t i = 0; i < store->n; i++) {
        const char *its = hf__token_field_get(&store->entries[i], "hf_token");

        if (its && strcmp(its, token) == 0)
            return &store->entries[i];
    }
    return NULL;
}

static bool is_due(const hf__token_entry *entry)
{
    const char *expires = hf__token_field_get(entry, "expires_at");
    uint64_t at;

    return hf__token_field_get(entry, "refresh_token") && expires &&
           hf__str_to_u64(hf__str_from(expires), &at) && (double)at - MARGIN_S <= hf__clock_wall();
}

/* The token is in no entry, though some are renewed: another process may have written the one file
 * and be about to write the other. */
static bool is_outrun(const hf__token_store *store)
{
    for (size_t i = 0; i < store->n; i++)
        if (hf__token_field_get(&store->entries[i], "refresh_token"))
            return true;
    return false;
}

static hf_status exchange(hf__hub *hub, const char *refresh, hf__json **out, hf_error *err)
{
    hf__net_resp resp;
    hf__buf form;
    hf_status st;

    hf__buf_init(&form, HF__MAX_FORM);
    hf__form_add(&form, "grant_type", "refresh_token");
    hf__form_add(&form, "refresh_token", refresh);
    hf__form_add(&form, "client_id", hf__hub_oauth_client(hub));
    st = hf__hub_post_form(hub, "/oauth/token", &form, true, NULL, &resp, err);
    hf__secret_dispose(&form);
    if (st != HF_OK)
        return st;
    st = hf__hub_json(&resp, "renewed token", out, err);
    hf__secret_wipe(resp.body.ptr, resp.body.len);
    hf__net_resp_dispose(&resp);
    return st;
}

/* Writes the new token where the old one is; `token` only when it still holds the old one. */
static hf_status replace(hf__hub *hub, hf__token_store *store, const hf__token_entry *old,
                         const hf__json *doc, hf_error *err)
{
    const char *fresh = hf__json_text(doc, "access_token");
    const char *refresh = hf__json_text(doc, "refresh_token");
    const char *before = hf__token_field_get(old, "hf_token");
    hf__token_entry entry = { .name = old->name };
    char expires[24];
    uint64_t lives;
    hf__buf active;
    bool found = false;
    hf_status st = hf__token_check(fresh, err);

    if (st == HF_OK && refresh)
        st = hf__token_check(refresh, err);
    if (st != HF_OK)
        return st;
    entry.fields[entry.n++] = (hf__token_field){ "hf_token", fresh };
    entry.fields[entry.n++] =
        (hf__token_field){ "refresh_token",
                           refresh ? refresh : hf__token_field_get(old, "refresh_token") };
    if (hf__json_u64(doc, "expires_in", &lives) && lives < UINT32_MAX) {
        (void)snprintf(expires, sizeof(expires), "%llu",
                       (unsigned long long)hf__clock_wall() + lives);
        entry.fields[entry.n++] = (hf__token_field){ "expires_at", expires };
    }
    st = hf__store_put(store, &entry, err);
    if (st == HF_OK)
        st = hf__store_write(hub->stored_path, store, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&active, HF__MAX_SMALL_FILE);
    if (hf__os_read_file(hub->token_path, &active, &found, NULL) == HF_OK && found &&
        hf__str_eq(hf__str_trim(hf__buf_str(&active)), hf__str_from(before)))
        st = hf__secret_write(hub->token_path, hf__str_from(fresh), err);
    hf__secret_dispose(&active);
    return st;
}

static hf_status renew(hf__hub *hub, hf__token_store *store, const hf__token_entry *entry,
                       char **auth, hf_error *err)
{
    hf__json *doc = NULL;
    const char *error;
    char *fresh = NULL;
    hf_status st = exchange(hub, hf__token_field_get(entry, "refresh_token"), &doc, err);

    if (st != HF_OK)
        return st;
    error = hf__json_text(doc, "error");
    if (error && strcmp(error, "invalid_grant") == 0)
        st = hf__fail(err, HF_ERR_UNAUTHORIZED,
                      "the session has expired or was revoked; "
                      "run `hf auth login` to log in again");
    else if (!hf__json_text(doc, "access_token"))
        st = hf__fail(err, HF_ERR_PROTOCOL, "the server says '%.100s'", error ? error : "nothing");
    else
        st = replace(hub, store, entry, doc, err);
    if (st == HF_OK)
        st =
            hf__hub_bearer(hf__str_from(hf__json_text(doc, "access_token")), "server", &fresh, err);
    if (st == HF_OK) {
        hf__secret_free(*auth);
        *auth = fresh;
        hf__logf(hub->log, HF_LOG_INFO, "the access token has been renewed");
    }
    hf__json_free(doc);
    return st;
}

/* Under the lock, so that two processes do not use up each other's refresh token: what the file
 * says now decides. */
static hf_status renew_locked(hf__hub *hub, char **auth, hf_error *err)
{
    hf__os_lock lock = { .fd = -1 };
    hf__token_store store = { .n = 0 };
    hf__token_entry *entry;
    hf__buf active;
    bool found = false;
    hf_status st = hf__store_lock(hub->stored_path, &lock, err);

    if (st != HF_OK)
        return st;
    st = hf__store_read(hub->stored_path, &store, hub->log, err);
    entry = st == HF_OK ? entry_of(&store, *auth + sizeof(SCHEME) - 1) : NULL;
    if (entry && is_due(entry)) {
        st = renew(hub, &store, entry, auth, err);
    } else if (st == HF_OK && !entry) { /* another process was faster: its token is in the file */
        char *fresh = NULL;

        hf__buf_init(&active, HF__MAX_SMALL_FILE);
        if (hf__os_read_file(hub->token_path, &active, &found, NULL) == HF_OK && found &&
            hf__hub_bearer(hf__buf_str(&active), "file", &fresh, NULL) == HF_OK && fresh) {
            hf__secret_free(*auth);
            *auth = fresh;
        }
        hf__secret_dispose(&active);
    }
    hf__store_dispose(&store);
    hf__os_lock_release(&lock);
    return st;
}

void hf__hub_refresh(hf__hub *hub, char **auth)
{
    hf_error err = HF_ERROR_INIT;
    hf__token_store store;
    hf__token_entry *entry;
    bool due, outrun;

    if (hub->offline)
        return;
    if (hf__store_read(hub->stored_path, &store, hub->log, NULL) != HF_OK) {
        hf__store_dispose(&store);
        return;
    }
    entry = entry_of(&store, *auth + sizeof(SCHEME) - 1);
    due = entry && is_due(entry);
    outrun = !entry && is_outrun(&store);
    hf__store_dispose(&store);
    if ((due || outrun) && renew_locked(hub, auth, &err) != HF_OK && due)
        hf__logf(hub->log, HF_LOG_WARNING, "the access token could not be renewed: %s",
                 err.message);
}
