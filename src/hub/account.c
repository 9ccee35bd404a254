/* SPDX-License-Identifier: Apache-2.0 */
/* Who one is, and which tokens are kept: logging in and out, switching, listing (hub-http.md 5). */
#include "hub/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- whoami */

typedef struct user_owner {
    hf_user pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
} user_owner;

static const char *text_of(hf__arena *arena, const hf__json *node, const char *key)
{
    return hf__arena_cstr(arena, hf__json_text(node, key));
}

static bool read_user(user_owner *owner, const hf__json *doc)
{
    hf__arena *arena = owner->arena;
    const hf__json *auth = hf__json_get(doc, "auth");
    const hf__json *token = hf__json_get(auth, "accessToken");
    const hf__json *orgs = hf__json_get(doc, "orgs");
    size_t n = hf__json_is_array(orgs) ? hf__json_len(orgs) : 0;
    const char **names = hf__arena_array(arena, n + 1, sizeof(*names));
    hf_user *user = &owner->pub;

    if (!names)
        return false;
    user->name = text_of(arena, doc, "name");
    user->fullname = text_of(arena, doc, "fullname");
    user->email = text_of(arena, doc, "email");
    user->type = text_of(arena, doc, "type");
    user->auth_type = text_of(arena, auth, "type");
    user->token_name = text_of(arena, token, "displayName");
    user->token_role = text_of(arena, token, "role");
    for (size_t i = 0; i < n; i++) {
        const char *name = hf__json_text(hf__json_at(orgs, i), "name");

        if (name)
            names[user->n_orgs++] = hf__arena_cstr(arena, name);
    }
    user->orgs = names;
    return user->name != NULL;
}

static hf_status make_user(const hf__net_resp *resp, hf_user **out, hf_error *err)
{
    hf__json *doc = NULL;
    hf__arena *arena;
    user_owner *owner;
    hf_status st = hf__hub_json(resp, "description of the account", &doc, err);

    if (st == HF_OK && !hf__json_text(doc, "name")) {
        hf__json_free(doc);
        st = hf__hub_odd(resp, err, "the answer does not name an account");
    }
    if (st != HF_OK)
        return st;
    arena = hf__arena_new();
    owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
    if (owner) {
        owner->arena = arena;
        owner->pub.json = hf__arena_str(arena, hf__buf_str(&resp->body));
    }
    if (owner && read_user(owner, doc) && !hf__arena_failed(arena)) {
        *out = &owner->pub;
    } else {
        hf__arena_free(arena);
        st = hf__fail_nomem(err);
    }
    hf__json_free(doc);
    return st;
}

static hf_status ask_who(hf__hub *hub, const char *auth, const hf_cancel *cancel, hf_user **out,
                         hf_error *err)
{
    hf__hub_exchange exchange = { .method = "GET",
                                  .retry = HF__NET_RETRY_STANDARD,
                                  .redirects = HF__NET_REDIRECT_RELATIVE,
                                  .timeout_ms = hub->read_timeout_ms,
                                  .own_auth = true,
                                  .auth = auth };
    hf__net_resp resp;
    hf__buf url;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_addf(&url, "%s/api/whoami-v2", hub->endpoint);
    exchange.url = hf__buf_cstr(&url);
    st = url.status == HF_OK ? hf__hub_call(hub, &exchange, cancel, &resp, err)
                             : hf__fail(err, url.status, "the URL is too long");
    if (st == HF_OK) {
        st = make_user(&resp, out, err);
        hf__net_resp_dispose(&resp);
    }
    hf__buf_dispose(&url);
    return st;
}

/* Tells which token it was that the Hub did not accept. */
static void explain(hf__hub *hub, bool given, hf_error *err)
{
    const char *name;

    if (given)
        hf__error_prefix(err, "invalid user token");
    else if (hf__hub_token_env(hub, &name))
        hf__error_prefix(err,
                         "the token of the environment variable %s is invalid, and it takes "
                         "precedence over a login",
                         name);
    else
        hf__error_prefix(err, "the stored token is invalid; run `hf auth login` to renew it");
}

hf_status hf__hub_whoami(hf__hub *hub, const char *token, const hf_cancel *cancel, hf_user **out,
                         hf_error *err)
{
    char *auth = NULL;
    hf_status st = token ? hf__hub_bearer(hf__str_from(token), "argument", &auth, err)
                         : hf__hub_token_find(hub, &auth, err);

    if (st == HF_OK && !auth)
        st = hf__fail(err, HF_ERR_UNAUTHORIZED, "not logged in; run `hf auth login` first");
    else if (st == HF_OK && (st = ask_who(hub, auth, cancel, out, err)) == HF_ERR_UNAUTHORIZED)
        explain(hub, token || hub->token_given, err);
    hf__secret_free(auth);
    return st;
}

void hf__hub_user_free(hf_user *user)
{
    if (user)
        hf__arena_free(((user_owner *)(void *)user)->arena);
}

/* ---- keeping tokens */

hf_status hf__hub_keeps_tokens(const hf__hub *hub, hf_error *err)
{
    return hub->token_path && hub->stored_path
               ? HF_OK
               : hf__fail(err, HF_ERR_INVALID_ARG,
                          "this client ignores the environment, token files included");
}

static hf_status write_active(hf__hub *hub, const char *token, hf_error *err)
{
    return hf__secret_write(hub->token_path, hf__str_from(token), err);
}

/* A name that configparser can read back. */
static hf_status section_name(const hf_user *user, hf__buf *out, hf_error *err)
{
    hf__buf_init(out, 1024);
    if (user->token_name && *user->token_name)
        hf__buf_adds(out, user->token_name);
    else
        hf__buf_addf(out, "oauth-%s", user->name);
    if (out->status != HF_OK)
        return hf__fail(err, HF_ERR_PROTOCOL, "the Hub's name for the token is too long");
    for (size_t i = 0; i < out->len; i++)
        if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f)
            out->ptr[i] = ' ';
    if (strcmp(out->ptr, "DEFAULT") == 0) /* a section with a meaning of its own */
        hf__buf_adds(out, " token");
    return HF_OK;
}

static hf_status keep(hf__hub *hub, const hf__token_entry *entry, hf_error *err)
{
    hf__os_lock lock = { .fd = -1 };
    hf__token_store store;
    hf_status st = hf__store_lock(hub->stored_path, &lock, err);

    if (st != HF_OK)
        return st;
    st = hf__store_read(hub->stored_path, &store, hub->log, err);
    if (st == HF_OK)
        st = hf__store_put(&store, entry, err);
    if (st == HF_OK)
        st = hf__store_write(hub->stored_path, &store, err);
    hf__store_dispose(&store);
    if (st == HF_OK)
        st = write_active(hub, hf__token_field_get(entry, "hf_token"), err);
    hf__os_lock_release(&lock);
    return st;
}

hf_status hf__hub_log_in(hf__hub *hub, const hf__grant *g, const hf_cancel *cancel, hf_login **out,
                         hf_error *err)
{
    hf__token_entry entry = { .n = 0 };
    hf_login *login = calloc(1, sizeof(*login));
    char expires[24];
    hf__buf name;
    hf_status st = login ? hf__hub_keeps_tokens(hub, err) : hf__fail_nomem(err);

    hf__buf_init(&name, 1);
    if (st == HF_OK)
        st = hf__hub_whoami(hub, g->token, cancel, &login->user, err);
    if (st == HF_OK)
        st = section_name(login->user, &name, err);
    if (st != HF_OK)
        goto done;
    entry.name = hf__buf_cstr(&name);
    entry.fields[entry.n++] = (hf__token_field){ "hf_token", g->token };
    if (g->refresh)
        entry.fields[entry.n++] = (hf__token_field){ "refresh_token", g->refresh };
    if (g->lives_s) {
        login->expires_at = (uint64_t)hf__clock_wall() + g->lives_s;
        (void)snprintf(expires, sizeof(expires), "%llu", (unsigned long long)login->expires_at);
        entry.fields[entry.n++] = (hf__token_field){ "expires_at", expires };
    }
    login->can_refresh = g->refresh != NULL;
    st = keep(hub, &entry, err);
    if (st == HF_OK && !(login->name = hf__buf_take(&name)))
        st = hf__fail_nomem(err);
    if (st == HF_OK) {
        *out = login;
        login = NULL;
    }
done:
    hf__hub_login_free(login);
    hf__buf_dispose(&name);
    return st;
}

void hf__hub_login_free(hf_login *login)
{
    if (!login)
        return;
    hf__hub_user_free(login->user);
    free((char *)login->name);
    free(login);
}

hf_status hf__hub_login(hf__hub *hub, const char *token, const hf_cancel *cancel, hf_login **out,
                        hf_error *err)
{
    static const char scheme[] = "Bearer ";
    hf__grant g = { NULL, NULL, 0 };
    char *auth = NULL;
    hf_status st = hf__hub_bearer(hf__str_from(token), "argument", &auth, err);

    if (st == HF_OK && !auth)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the token is empty");
    if (st == HF_OK) {
        g.token = auth + sizeof(scheme) - 1; /* cleaned */
        if (hf__str_starts(hf__str_from(g.token), HF__STR("api_org")))
            st = hf__fail(err, HF_ERR_INVALID_ARG,
                          "You must use your personal account token, not an organization token");
    }
    if (st == HF_OK)
        st = hf__hub_log_in(hub, &g, cancel, out, err);
    hf__secret_free(auth);
    return st;
}

hf_status hf__hub_switch(hf__hub *hub, const char *name, hf_error *err)
{
    hf__token_store store = { .n = 0 };
    const char *token = NULL;
    hf_status st = hf__hub_keeps_tokens(hub, err);

    if (st == HF_OK)
        st = hf__store_read(hub->stored_path, &store, hub->log, err);
    if (st == HF_OK) {
        token = hf__token_field_get(hf__store_find(&store, name), "hf_token");
        st = token && *token ? write_active(hub, token, err)
                             : hf__fail(err, HF_ERR_INVALID_ARG, "Access token %s not found in %s",
                                        name, hub->stored_path);
    }
    hf__store_dispose(&store);
    return st;
}

/* Is this the token of the file? */
static bool is_active(hf__hub *hub, const char *token)
{
    hf__buf text;
    bool found = false;
    bool same = false;

    hf__buf_init(&text, HF__MAX_SMALL_FILE);
    if (hf__os_read_file(hub->token_path, &text, &found, NULL) == HF_OK && found && token)
        same = hf__str_eq(hf__str_trim(hf__buf_str(&text)), hf__str_trim(hf__str_from(token)));
    hf__secret_dispose(&text);
    return same;
}

static hf_status forget_one(hf__hub *hub, const char *name, uint32_t *removed, hf_error *err)
{
    hf__os_lock lock = { .fd = -1 };
    hf__token_store store = { .n = 0 };
    hf__token_entry *entry;
    bool active;
    hf_status st = hf__store_lock(hub->stored_path, &lock, err);

    if (st != HF_OK)
        return st;
    st = hf__store_read(hub->stored_path, &store, hub->log, err);
    entry = st == HF_OK ? hf__store_find(&store, name) : NULL;
    if (entry) {
        active = is_active(hub, hf__token_field_get(entry, "hf_token"));
        hf__store_remove(&store, name);
        st = hf__store_write(hub->stored_path, &store, err);
        if (st == HF_OK && active)
            st = hf__os_unlink(hub->token_path, err);
        if (st == HF_OK)
            *removed = HF_LOGOUT_STORED | (active ? HF_LOGOUT_ACTIVE : 0);
    }
    hf__store_dispose(&store);
    hf__os_lock_release(&lock);
    return st;
}

hf_status hf__hub_logout(hf__hub *hub, const char *name, uint32_t *removed, hf_error *err)
{
    hf__os_stat active, stored;
    hf_status st = hf__hub_keeps_tokens(hub, err);

    *removed = 0;
    if (st == HF_OK && name)
        return forget_one(hub, name, removed, err);
    if (st == HF_OK)
        st = hf__os_lstat_path(hub->token_path, &active, err);
    if (st == HF_OK)
        st = hf__os_lstat_path(hub->stored_path, &stored, err);
    if (st == HF_OK)
        st = hf__os_unlink(hub->token_path, err);
    if (st == HF_OK)
        st = hf__os_unlink(hub->stored_path, err);
    if (st == HF_OK)
        *removed = (active.type != HF__OS_ABSENT ? HF_LOGOUT_ACTIVE : 0) |
                   (stored.type != HF__OS_ABSENT ? HF_LOGOUT_STORED : 0);
    return st;
}

/* ---- listing */

typedef struct tokens_owner {
    hf_token_list pub;
    hf__arena *arena;
} tokens_owner;

static const char *masked(hf__arena *arena, const char *token)
{
    size_t len = token ? strlen(token) : 0;
    char text[16];

    if (!token)
        return hf__arena_cstr(arena, "<not set>");
    /* A short one would be shown in full. */
    (void)snprintf(text, sizeof(text), "%.3s****%s", len > 10 ? token : "",
                   len > 10 ? token + len - 4 : "");
    return hf__arena_cstr(arena, text);
}

static bool fill_list(tokens_owner *owner, const hf__token_store *store, const char *auth)
{
    hf_stored_token *list = hf__arena_array(owner->arena, store->n + 1, sizeof(*list));
    const char *current = auth ? auth + sizeof("Bearer ") - 1 : NULL;

    for (size_t i = 0; list && i < store->n; i++) {
        const hf__token_entry *entry = &store->entries[i];
        const char *token = hf__token_field_get(entry, "hf_token");
        const char *expires = hf__token_field_get(entry, "expires_at");

        list[i].name = hf__arena_cstr(owner->arena, entry->name);
        list[i].masked = masked(owner->arena, token);
        list[i].is_active = token && current && strcmp(token, current) == 0;
        list[i].can_refresh = hf__token_field_get(entry, "refresh_token") != NULL;
        if (expires && !hf__str_to_u64(hf__str_from(expires), &list[i].expires_at))
            list[i].expires_at = 0;
    }
    owner->pub.tokens = list;
    owner->pub.n_tokens = store->n;
    return list != NULL;
}

hf_status hf__hub_token_list(hf__hub *hub, hf_token_list **out, hf_error *err)
{
    hf__token_store store = { .n = 0 };
    hf__arena *arena = NULL;
    tokens_owner *owner;
    char *auth = NULL;
    hf_status st = hf__hub_keeps_tokens(hub, err);

    if (st == HF_OK)
        st = hf__hub_token_find(hub, &auth, err);
    if (st == HF_OK)
        st = hf__store_read(hub->stored_path, &store, hub->log, err);
    if (st == HF_OK) {
        arena = hf__arena_new();
        owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
        if (owner)
            owner->arena = arena;
        if (owner && fill_list(owner, &store, auth) && !hf__arena_failed(arena)) {
            *out = &owner->pub;
        } else {
            hf__arena_free(arena);
            st = hf__fail_nomem(err);
        }
    }
    hf__store_dispose(&store);
    hf__secret_free(auth);
    return st;
}

void hf__hub_token_list_free(hf_token_list *list)
{
    if (list)
        hf__arena_free(((tokens_owner *)(void *)list)->arena);
}

hf_status hf__hub_token_get(hf__hub *hub, const char *name, char **out, hf_error *err)
{
    hf__token_store store = { .n = 0 };
    char *auth = NULL;
    const char *token = NULL;
    hf_status st = name ? hf__hub_keeps_tokens(hub, err) : hf__hub_token_find(hub, &auth, err);

    if (st == HF_OK && name)
        st = hf__store_read(hub->stored_path, &store, hub->log, err);
    if (st == HF_OK) {
        token = name   ? hf__token_field_get(hf__store_find(&store, name), "hf_token")
                : auth ? auth + sizeof("Bearer ") - 1
                       : NULL;
        *out = token ? strdup(token) : NULL;
        if (token && !*out)
            st = hf__fail_nomem(err);
    }
    hf__store_dispose(&store);
    hf__secret_free(auth);
    return st;
}
