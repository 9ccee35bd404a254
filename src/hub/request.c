/* SPDX-License-Identifier: Apache-2.0 */
/* The way out: any request to any endpoint, with the client's token, retries, paging and errors. */
#include "hub/pages.h"
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

typedef struct response_owner {
    hf_response pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
} response_owner;

static bool is_method(const char *method)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };

    for (size_t i = 0; i < HF__COUNT(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static hf_status make_url(const hf__hub *hub, const char *path, hf__buf *url, hf_error *err)
{
    if (path[0] == '/')
        hf__buf_adds(url, hub->endpoint);
    else if (!hf__net_url_has_authority(path) ||
             (strncmp(path, "http://", 7) != 0 && strncmp(path, "https://", 8) != 0))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the path '%.200s' starts neither with '/' nor with http(s)://", path);
    hf__buf_adds(url, path);
    for (const char *c = path; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return hf__fail(
                err, HF_ERR_INVALID_ARG,
                "the path '%.200s' holds a blank or control character; write it as %%20", path);
    if (url->status != HF_OK)
        return hf__fail(err, url->status, "the URL is too long");
    return HF_OK;
}

static const char *header_of(hf__arena *arena, const hf__net_resp *resp, const char *name)
{
    return hf__arena_cstr(arena, hf__net_header_get(resp->headers, name));
}

/* Makes the address of the next page complete, as the listings do. */
static const char *next_of(const hf__hub *hub, hf__arena *arena, const hf__net_resp *resp)
{
    const char *next = NULL;
    hf__buf link;
    hf__buf target;
    hf__buf url;

    hf__buf_init(&link, HF__MAX_URL);
    hf__buf_init(&target, HF__MAX_URL);
    hf__buf_init(&url, HF__MAX_URL);
    if (hf__net_link_get(resp->headers, "next", &link)) {
        hf__hub_add_rewritten(hub, &target, hf__buf_cstr(&link));
        if (hf__net_url_join(resp->url, hf__buf_cstr(&target), &url) == HF_OK)
            next = hf__arena_str(arena, hf__buf_str(&url));
    }
    hf__buf_dispose(&link);
    hf__buf_dispose(&target);
    hf__buf_dispose(&url);
    return next;
}

static hf_status make_response(const hf__hub *hub, const hf__net_resp *resp, hf_response **out,
                               hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    response_owner *owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;

    if (owner) {
        owner->arena = arena;
        owner->pub.status = resp->status;
        owner->pub.url = hf__arena_cstr(arena, resp->url);
        owner->pub.content_type = header_of(arena, resp, "content-type");
        owner->pub.request_id = header_of(arena, resp, "x-request-id");
        owner->pub.next = next_of(hub, arena, resp);
        owner->pub.body = hf__arena_str(arena, hf__buf_str(&resp->body));
        owner->pub.size = resp->body.len;
    }
    if (!owner || hf__arena_failed(arena)) {
        hf__arena_free(arena);
        return hf__fail_nomem(err);
    }
    *out = &owner->pub;
    return HF_OK;
}

hf_status hf__hub_request(hf__hub *hub, const char *method, const char *path,
                          const hf_api_opts *opts, hf_response **out, hf_error *err)
{
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    hf__hub_exchange exchange = { .method = method,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = reads ? hub->read_timeout_ms : 60000,
                                  .body = opts->body,
                                  .body_len = opts->body_size,
                                  .content_type = opts->content_type };
    hf__net_resp resp;
    hf__buf url;
    hf_status st;

    if (!is_method(method))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "'%.40s' is no method; one of GET, HEAD, POST, PUT, PATCH, DELETE is",
                        method);
    if (opts->body && !opts->content_type)
        exchange.content_type = "application/json";
    exchange.retry =
        reads || (opts->flags & HF_API_RETRY) ? HF__NET_RETRY_STANDARD : HF__NET_RETRY_NONE;
    exchange.any_status = (opts->flags & HF_API_ANY_STATUS) != 0;
    hf__buf_init(&url, HF__MAX_URL);
    st = make_url(hub, path, &url, err);
    exchange.url = hf__buf_cstr(&url);
    if (st == HF_OK)
        st = hf__hub_call(hub, &exchange, opts->cancel, &resp, err);
    hf__buf_dispose(&url);
    if (st != HF_OK)
        return st;
    st = make_response(hub, &resp, out, err);
    hf__net_resp_dispose(&resp);
    return st;
}

void hf__hub_response_free(hf_response *response)
{
    if (response)
        hf__arena_free(((response_owner *)response)->arena);
}
