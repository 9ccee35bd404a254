/* SPDX-License-Identifier: Apache-2.0 */
/* Logins without a browser of one's own: /oauth/device, /oauth/token, /api/credentials/revoke. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define MAX_CLIENT      128
#define MAX_CREDENTIALS 1000
#define GRANT_DEVICE    "urn:ietf:params:oauth:grant-type:device_code"

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static void answer_error(srv_req *req, const char *error, const char *text)
{
    hf__buf out;

    srv_header_set(req, "X-Error-Message", text);
    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addc(&out, '{');
    srv_json_text(&out, "error", error);
    hf__buf_adds(&out, "\"error_description\":");
    hf__json_add_string(&out, hf__str_from(text));
    hf__buf_addc(&out, '}');
    srv_answer_json(req, 400, &out);
}

/* A field of the form, or of JSON, that the request carries. */
typedef struct fields {
    srv_param *form;
    hf__json *json;
} fields;

static bool read_fields(srv_req *req, fields *out)
{
    const char *type = srv_req_header(req, "Content-Type");

    *out = (fields){ NULL, NULL };
    if (type && hf__str_starts(hf__str_from(type), HF__STR("application/json")))
        return srv_body_json(req, &out->json);
    out->form = srv_params_parse(req->arena, hf__buf_str(&req->body));
    return true;
}

static const char *field(const fields *f, const char *name)
{
    if (f->json)
        return hf__json_text(f->json, name);
    for (const srv_param *p = f->form; p; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p->value;
    return NULL;
}

/* The client's name, which later requests must repeat. */
static const char *client_of(srv_req *req, const fields *f)
{
    const char *client = field(f, "client_id");

    if (client && *client && strlen(client) <= MAX_CLIENT)
        return client;
    answer_error(req, "invalid_client", "client_id is missing or too long");
    return NULL;
}

/* --------------------------------------------------------------------------------------- device */

static void device_handler(srv_req *req)
{
    const srv_conf *conf = srv_server_conf(req->server);
    const char *base = srv_base_url(req, SRV_HUB);
    hf_error err = HF_ERROR_INIT;
    srv_device device;
    const char *client;
    hf_status st;
    hf__buf out;
    fields f;

    if (!read_fields(req, &f))
        return;
    client = client_of(req, &f);
    if (client) {
        st = srv_device_new(store_of(req), client, (srv_time_ms)conf->login_ttl * 1000,
                            (srv_time_ms)conf->login_interval * 1000, &device, &err);
        if (st != HF_OK) {
            srv_answer_status(req, st, &err);
        } else {
            hf__buf_init(&out, HF__MAX_SMALL_FILE);
            hf__buf_addf(&out,
                         "{\"device_code\":\"%s\",\"user_code\":\"%s\",\"verification_uri\":"
                         "\"%s/oauth/device\",\"verification_uri_complete\":"
                         "\"%s/oauth/device?code=%s\",\"interval\":%u,\"expires_in\":%u}",
                         device.code, device.user_code, base, base, device.user_code,
                         conf->login_interval, conf->login_ttl);
            srv_header_set(req, "Cache-Control", "no-store");
            srv_answer_json(req, 200, &out);
        }
    }
    hf__json_free(f.json);
}

/* There is no login by browser here: who runs the server says yes. */
static void device_page(srv_req *req)
{
    static const char page[] =
        "To let this login in, whoever runs this server says:\n\n"
        "    hf-serve device approve CODE --user NAME\n\n"
        "or `hf-serve device deny CODE`, with the code that the login shows.\n";

    srv_answer_text(req, 200, "text/plain; charset=utf-8", HF__STR(page));
}

/* ---------------------------------------------------------------------------------------- token */

static void answer_login(srv_req *req, const srv_login *login)
{
    hf__buf out;

    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addf(
        &out,
        "{\"access_token\":\"%s\",\"refresh_token\":\"%s\",\"token_type\":\"bearer\","
        "\"expires_in\":%u,\"scope\":\"openid profile read-repos write-repos manage-repos\"}",
        login->access, login->refresh, srv_server_conf(req->server)->login_token_ttl);
    srv_header_set(req, "Cache-Control", "no-store");
    srv_answer_json(req, 200, &out);
}

static void grant_device(srv_req *req, const fields *f, const char *client)
{
    static const char *const errors[][2] = {
        [SRV_DEVICE_PENDING] = { "authorization_pending", "nobody has decided yet" },
        [SRV_DEVICE_DENIED] = { "access_denied", "the login was refused" },
        [SRV_DEVICE_EXPIRED] = { "expired_token", "the device code has expired" },
        [SRV_DEVICE_TOO_FAST] = { "slow_down", "asked too soon: wait 5 seconds longer each time" },
        [SRV_DEVICE_UNKNOWN] = { "invalid_grant", "the device code is unknown or was used" },
    };
    srv_time_ms ttl = (srv_time_ms)srv_server_conf(req->server)->login_token_ttl * 1000;
    const char *code = field(f, "device_code");
    hf_error err = HF_ERROR_INIT;
    srv_device_state state;
    srv_login login;
    hf_status st;

    st = srv_device_poll(store_of(req), hf__str_from(code ? code : ""), client, ttl, &state, &login,
                         &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    else if (state == SRV_DEVICE_APPROVED)
        answer_login(req, &login);
    else
        answer_error(req, errors[state][0], errors[state][1]);
}

static void grant_refresh(srv_req *req, const fields *f, const char *client)
{
    srv_time_ms ttl = (srv_time_ms)srv_server_conf(req->server)->login_token_ttl * 1000;
    const char *text = field(f, "refresh_token");
    hf_error err = HF_ERROR_INIT;
    bool known = false;
    srv_login login;
    hf_status st;

    st = srv_login_refresh(store_of(req), hf__str_from(text ? text : ""), client, ttl, &known,
                           &login, &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    else if (known)
        answer_login(req, &login);
    else
        answer_error(req, "invalid_grant", "The refresh token is invalid");
}

static void token_handler(srv_req *req)
{
    const char *client;
    const char *grant;
    fields f;

    if (!read_fields(req, &f))
        return;
    grant = field(&f, "grant_type");
    if (!grant) {
        answer_error(req, "invalid_request", "grant_type is missing");
    } else if (strcmp(grant, GRANT_DEVICE) != 0 && strcmp(grant, "refresh_token") != 0) {
        answer_error(req, "unsupported_grant_type",
                     "this server knows device_code and refresh_token");
    } else if ((client = client_of(req, &f)) != NULL) {
        if (strcmp(grant, GRANT_DEVICE) == 0)
            grant_device(req, &f, client);
        else
            grant_refresh(req, &f, client);
    }
    hf__json_free(f.json);
}

void srv_oauth(srv_req *req, hf__str name)
{
    if (hf__str_eq(name, HF__STR("device")) && strcmp(req->method, "POST") == 0)
        srv_body_await(req, device_handler, NULL);
    else if (hf__str_eq(name, HF__STR("device"))) {
        if (srv_only(req, "GET"))
            device_page(req);
    } else if (hf__str_eq(name, HF__STR("token"))) {
        if (srv_only(req, "POST"))
            srv_body_await(req, token_handler, NULL);
    } else {
        srv_answer_error(req, 404, NULL, "Not Found");
    }
}

/* --------------------------------------------------------------------------------------- revoke */

static void revoke_handler(srv_req *req)
{
    const hf__json *list;
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_OK;
    hf__json *body;

    if (!srv_body_json(req, &body))
        return;
    list = hf__json_get(body, "credentials");
    if (!hf__json_is_array(list) || hf__json_len(list) > MAX_CREDENTIALS) {
        srv_answer_error(req, 400, NULL, "\"credentials\" must be an array of at most %d",
                         MAX_CREDENTIALS);
    } else {
        for (size_t i = 0; i < hf__json_len(list); i++)
            if (!hf__json_is_string(hf__json_at(list, i))) {
                srv_answer_error(req, 400, NULL, "\"credentials\" must be strings");
                hf__json_free(body);
                return;
            }
        for (size_t i = 0; st == HF_OK && i < hf__json_len(list); i++)
            st = srv_token_burn(store_of(req), hf__json_str(hf__json_at(list, i)), &err);
        if (st == HF_OK)
            srv_answer_text(req, 202, "application/json; charset=utf-8", HF__STR("{}"));
        else
            srv_answer_status(req, st, &err);
    }
    hf__json_free(body);
}

/* Who has a token may end it: no login, and the answer does not tell which were real. */
void srv_revoke(srv_req *req)
{
    if (srv_only(req, "POST"))
        srv_body_await(req, revoke_handler, NULL);
}
