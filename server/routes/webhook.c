/* SPDX-License-Identifier: Apache-2.0 */
/* /api/settings/webhooks: kept and told; delivered by nobody here. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define MAX_URL     2048
#define MAX_WATCHED 500
#define MAX_SECRET  4096
#define MAX_LIST    ((size_t)128 * 1024) /* of what is watched */

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static void add_hook(hf__buf *out, const srv_webhook *hook)
{
    hf__buf_addc(out, '{');
    srv_json_text(out, "id", hook->id);
    srv_json_text(out, "url", hook->url);
    hf__buf_addf(out, "\"job\":null,\"watched\":");
    hf__buf_adds(out, hook->watched);
    hf__buf_adds(out, ",\"domains\":");
    hf__buf_adds(out, hook->domains);
    hf__buf_addc(out, ',');
    srv_json_text(out, "secret", hook->secret);
    srv_json_bool(out, "disabled", hook->disabled);
    srv_json_end(out);
}

static void answer_hook(srv_req *req, const srv_webhook *hook)
{
    hf__buf out;

    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_adds(&out, "{\"webhook\":");
    add_hook(&out, hook);
    hf__buf_addc(&out, '}');
    srv_answer_json(req, 200, &out);
}

static void list(srv_req *req)
{
    const srv_webhook *hooks = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t n = 0;
    hf__buf out;
    hf_status st = srv_webhook_list(store_of(req), req->who->account->name, NULL, req->arena,
                                    &hooks, &n, &err);

    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            hf__buf_addc(&out, ',');
        add_hook(&out, &hooks[i]);
    }
    hf__buf_addc(&out, ']');
    srv_answer_json(req, 200, &out);
}

static void refuse(srv_req *req, hf_status st, const hf_error *err)
{
    if (st == HF_ERR_ENTRY_NOT_FOUND)
        srv_answer_error(req, 404, NULL, "%s", err->message);
    else
        srv_answer_status(req, st, err);
}

/* As it stands now. */
static void tell(srv_req *req, const char *id)
{
    const srv_webhook *hooks = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t n = 0;
    hf_status st =
        srv_webhook_list(store_of(req), req->who->account->name, id, req->arena, &hooks, &n, &err);

    if (st == HF_OK && n == 0)
        st = hf__fail(&err, HF_ERR_ENTRY_NOT_FOUND, "there is no webhook '%.32s'", id);
    if (st == HF_OK)
        answer_hook(req, &hooks[0]);
    else
        refuse(req, st, &err);
}

/* ------------------------------------------------------------------------------------ what is sent */

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static const char *read_watched(srv_req *req, const hf__json *body)
{
    static const char *const types[] = { "model", "dataset", "space", "user", "org", "bucket" };
    const hf__json *items = hf__json_get(body, "watched");
    size_t n = hf__json_is_array(items) ? hf__json_len(items) : 0;
    const char *text = NULL;
    hf__buf out;

    if (n > MAX_WATCHED)
        n = 0;
    hf__buf_init(&out, MAX_LIST);
    hf__buf_addc(&out, '[');
    for (size_t i = 0; i < n; i++) {
        const hf__json *item = hf__json_at(items, i);
        const char *type = hf__json_text(item, "type");
        const char *name = hf__json_text(item, "name");

        if (!type || !name || !*name || !is_one_of(type, types, HF__COUNT(types))) {
            n = 0;
            break;
        }
        hf__buf_adds(&out, i > 0 ? ",{" : "{");
        srv_json_text(&out, "type", type);
        srv_json_text(&out, "name", name);
        srv_json_end(&out);
    }
    hf__buf_addc(&out, ']');
    if (n > 0 && out.status == HF_OK)
        text = hf__arena_str(req->arena, hf__buf_str(&out));
    hf__buf_dispose(&out);
    if (!text)
        srv_answer_error(req, 400, NULL,
                         "\"watched\" must be 1 to %d of {type, name}, with a type of [model, "
                         "dataset, space, user, org]",
                         MAX_WATCHED);
    return text;
}

static const char *read_domains(srv_req *req, const hf__json *body)
{
    const hf__json *items = hf__json_get(body, "domains");
    bool repo = hf__json_is_null(items);
    bool talk = repo;

    for (size_t i = 0; hf__json_is_array(items) && i < hf__json_len(items); i++) {
        const char *text = hf__json_string(hf__json_at(items, i));

        if (text && strcmp(text, "repo") == 0)
            repo = true;
        else if (text && (strcmp(text, "discussion") == 0 || strcmp(text, "discussions") == 0))
            talk = true;
        else {
            repo = talk = false;
            break;
        }
    }
    if (!repo && !talk) {
        srv_answer_error(req, 400, NULL, "\"domains\" must be some of [repo, discussion]");
        return NULL;
    }
    return repo ? (talk ? "[\"repo\",\"discussion\"]" : "[\"repo\"]") : "[\"discussion\"]";
}

/* What the body names; of a fresh one all that must be there. */
static bool read_hook(srv_req *req, const hf__json *body, bool fresh, srv_webhook *hook)
{
    const char *url;
    const char *secret;

    if (!srv_body_text(req, body, "url", &url) || !srv_body_text(req, body, "secret", &secret))
        return false;
    if (secret && strlen(secret) > MAX_SECRET) {
        srv_answer_error(req, 400, NULL, "\"secret\" is longer than %d bytes", MAX_SECRET);
        return false;
    }
    if (url)
        hook->url = hf__arena_cstr(req->arena, url);
    if (secret)
        hook->secret = hf__arena_cstr(req->arena, secret);
    if ((fresh || url) &&
        (!hook->url || strlen(hook->url) > MAX_URL ||
         (strncmp(hook->url, "https://", 8) != 0 && strncmp(hook->url, "http://", 7) != 0))) {
        srv_answer_error(req, 400, NULL, "\"url\" must be an address of http or https%s",
                         hf__json_get(body, "jobSourceId") ? "; this server runs no jobs" : "");
        return false;
    }
    /* The Python client sends an empty list for "as it was". */
    if (fresh || hf__json_len(hf__json_get(body, "watched")) > 0) {
        hook->watched = read_watched(req, body);
        if (!hook->watched)
            return false;
    }
    if (fresh || !hf__json_is_null(hf__json_get(body, "domains"))) {
        hook->domains = read_domains(req, body);
        if (!hook->domains)
            return false;
    }
    return true;
}

static void set(srv_req *req, const char *id, const srv_webhook *hook, int disabled)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st =
        srv_webhook_set(store_of(req), req->who->account->name, id, hook, disabled, &err);

    if (st == HF_OK)
        tell(req, id);
    else
        refuse(req, st, &err);
}

static void make(srv_req *req, const srv_webhook *hook)
{
    char id[SRV_ID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_webhook_new(store_of(req), req->who->account->name, hook, id, &err);

    if (st == HF_OK)
        tell(req, id);
    else
        srv_answer_status(req, st, &err);
}

static void handler(srv_req *req)
{
    const char *id = req->state; /* NULL: a new one */
    srv_webhook hook = { 0 };
    hf__json *body;

    if (!srv_body_json(req, &body))
        return;
    if (read_hook(req, body, !id, &hook)) {
        if (id)
            set(req, id, &hook, -1);
        else
            make(req, &hook);
    }
    hf__json_free(body);
}

static void one(srv_req *req, char *id, hf__str verb)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    if (hf__str_eq(verb, HF__STR("enable")) || hf__str_eq(verb, HF__STR("disable"))) {
        if (srv_only(req, "POST"))
            set(req, id, &(srv_webhook){ 0 }, hf__str_eq(verb, HF__STR("disable")));
    } else if (verb.len > 0) {
        srv_answer_error(req, 404, NULL, "Not Found");
    } else if (strcmp(req->method, "POST") == 0) {
        srv_body_await(req, handler, id);
    } else if (strcmp(req->method, "DELETE") == 0) {
        st = srv_webhook_delete(store_of(req), req->who->account->name, id, &err);
        if (st == HF_OK)
            srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
        else
            refuse(req, st, &err);
    } else if (srv_only(req, "GET")) {
        tell(req, id);
    }
}

void srv_webhooks(srv_req *req, const hf__str *segments, size_t n)
{
    char *id = n > 0 ? srv_unescape(req->arena, segments[0], false) : NULL;

    /* The list holds secrets: who reads it may as well write. */
    if (!srv_may_act(req))
        return;
    if (id)
        one(req, id, n > 1 ? segments[1] : HF__STR(""));
    else if (n > 0)
        srv_answer_error(req, 404, NULL, "Not Found");
    else if (strcmp(req->method, "POST") == 0)
        srv_body_await(req, handler, NULL);
    else if (srv_only(req, "GET"))
        list(req);
}
