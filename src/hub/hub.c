/* SPDX-License-Identifier: Apache-2.0 */
/* Making a hub, its URLs, and the one way in which every request of this folder goes out. */
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

hf_status hf__hub_new(const hf__hub_conf *conf, hf__hub **out, hf_error *err)
{
    hf__hub *hub = calloc(1, sizeof(*hub));
    hf_status st = HF_OK;

    if (!hub)
        return hf__fail_nomem(err);
    pthread_mutex_init(&hub->token.lock, NULL);
    pthread_mutex_init(&hub->oidc.lock, NULL);
    hub->endpoint = strdup(conf->endpoint);
    hub->token_path = conf->token_path ? strdup(conf->token_path) : NULL;
    hub->stored_path = conf->stored_path ? strdup(conf->stored_path) : NULL;
    hub->offline = conf->offline;
    hub->use_env = conf->use_env;
    hub->no_implicit_token = conf->no_implicit_token;
    hub->etag_timeout_ms = conf->etag_timeout_ms ? conf->etag_timeout_ms : 10000;
    hub->read_timeout_ms = conf->read_timeout_ms ? conf->read_timeout_ms : 10000;
    hub->net = conf->net;
    hub->log = conf->log;
    if (!hub->endpoint || (conf->token_path && !hub->token_path) ||
        (conf->stored_path && !hub->stored_path))
        st = hf__fail_nomem(err);
    if (st == HF_OK && conf->token)
        st = hf__hub_token_given(hub, conf->token, err);
    if (st != HF_OK) {
        hf__hub_free(hub);
        return st;
    }
    *out = hub;
    return HF_OK;
}

void hf__hub_free(hf__hub *hub)
{
    if (!hub)
        return;
    hf__hub_token_dispose(hub);
    pthread_mutex_destroy(&hub->token.lock);
    pthread_mutex_destroy(&hub->oidc.lock);
    free(hub->endpoint);
    free(hub->token_path);
    free(hub->stored_path);
    free(hub);
}

const char *hf__hub_endpoint(const hf__hub *hub)
{
    return hub->endpoint;
}

bool hf__hub_offline(const hf__hub *hub)
{
    return hub->offline;
}

/* ---- URLs */

void hf__hub_add_api(hf__buf *out, const hf_repo_ref *repo)
{
    hf__buf_addf(out, "/api/%s/%s", hf__repo_type_plural(repo->type), repo->id);
}

hf_status hf__hub_resolve_url(const hf__hub *hub, const hf_repo_ref *repo, const char *path,
                              hf__buf *out, hf_error *err)
{
    hf__buf_adds(out, hub->endpoint);
    hf__buf_addc(out, '/');
    if (repo->type != HF_REPO_MODEL)
        hf__buf_addf(out, "%s/", hf__repo_type_plural(repo->type));
    hf__buf_addf(out, "%s/resolve/", repo->id);
    hf__buf_add_quoted(out, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    hf__buf_addc(out, '/');
    hf__buf_add_quoted(out, hf__str_from(path), HF__QUOTE_PATH);
    if (out->status != HF_OK)
        return hf__fail(err, out->status, "the URL of '%.200s' is too long", path);
    return HF_OK;
}

void hf__hub_add_rewritten(const hf__hub *hub, hf__buf *out, const char *url)
{
    static const char *const public_endpoints[] = { "https://huggingface.co",
                                                    "https://hub-ci.huggingface.co" };
    hf__str text = hf__str_from(url);

    for (size_t i = 0; i < HF__COUNT(public_endpoints); i++) {
        hf__str prefix = hf__str_from(public_endpoints[i]);

        if (hf__str_starts(text, prefix) &&
            (text.len == prefix.len || text.ptr[prefix.len] == '/')) {
            hf__buf_adds(out, hub->endpoint);
            hf__buf_adds(out, text.ptr + prefix.len);
            return;
        }
    }
    hf__buf_add_str(out, text);
}

/* ---- one exchange */

hf_status hf__hub_online(const hf__hub *hub, const char *url, hf_error *err)
{
    if (!hub->offline)
        return HF_OK;
    return hf__fail(err, HF_ERR_OFFLINE,
                    "Cannot reach %.400s: offline mode is enabled. To disable it, please unset the "
                    "`HF_HUB_OFFLINE` environment variable",
                    url);
}

hf_status hf__hub_call(hf__hub *hub, const hf__hub_exchange *exchange, const hf_cancel *cancel,
                       hf__net_resp *out, hf_error *err)
{
    hf__net_header accept = { "Accept", exchange->accept };
    hf__net_req req = { 0 };
    hf_status st = hf__hub_online(hub, exchange->url, err);

    if (st == HF_OK && exchange->own_auth)
        req.auth = exchange->auth;
    else if (st == HF_OK && hf__net_same_origin(exchange->url, hub->endpoint))
        st = hf__hub_auth(hub, &req.auth, err);
    if (st != HF_OK)
        return st;
    req.method = exchange->method;
    req.url = exchange->url;
    req.body = exchange->body;
    req.body_len = exchange->body_len;
    if (exchange->source)
        req.source = *exchange->source;
    req.headers = &accept;
    req.n_headers = exchange->accept ? 1 : 0;
    req.content_type = exchange->content_type;
    req.retry = exchange->retry;
    req.redirects = exchange->redirects;
    req.timeout_ms = exchange->timeout_ms;
    st = hf__net_call(hub->net, &req, cancel, out, err);
    if (st != HF_OK || exchange->any_status)
        return st;
    st = hf__hub_classify(out->status, out->url, out->headers, hf__buf_str(&out->body), err);
    if (st != HF_OK) {
        hf__hub_redact(hub, err);
        hf__net_resp_dispose(out);
    }
    return st;
}

/* Every complaint about an answer can be followed up at the server by its request id. */
static void tell_id(const hf__net_resp *resp, hf_error *err)
{
    const char *id = hf__net_header_get(resp->headers, "x-request-id");
    size_t len = err ? strlen(err->message) : 0;

    if (!err)
        return;
    err->http_status = resp->status;
    if (!id || len + 16 >= sizeof(err->message))
        return;
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s", id);
    hf__text_defuse(err->request_id);
    (void)snprintf(err->message + len, sizeof(err->message) - len, " (Request ID: %s)",
                   err->request_id);
}

hf_status hf__hub_odd(const hf__net_resp *resp, hf_error *err, const char *fmt, ...)
{
    char text[512];
    va_list args;
    hf_status st;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    st = hf__fail(err, HF_ERR_PROTOCOL, "%s", text);
    tell_id(resp, err);
    return st;
}

hf_status hf__hub_json(const hf__net_resp *resp, const char *what, hf__json **out, hf_error *err)
{
    hf__str text = hf__str_trim(hf__buf_str(&resp->body));
    hf_status st;

    if (text.len && text.ptr[0] == '<')
        return hf__hub_odd(resp, err,
                           "'%.200s' answered with a web page instead of the %s; is it a Hub, or a "
                           "login page in between?",
                           resp->url, what);
    st = hf__json_parse(text, what, out, err);
    if (st != HF_OK && st != HF_ERR_NO_MEMORY)
        tell_id(resp, err);
    return st;
}
