/* SPDX-License-Identifier: Apache-2.0 */
/* The HEAD of a resolve URL: commit, etag, size, place and Xet facts of one file
 * (hub-http.md 2.1, 2.2, 2.5). */
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

void hf__hub_meta_init(hf__hub_meta *meta)
{
    memset(meta, 0, sizeof(*meta));
    hf__buf_init(&meta->location, HF__MAX_URL);
    hf__buf_init(&meta->xet_token_url, HF__MAX_URL);
}

void hf__hub_meta_dispose(hf__hub_meta *meta)
{
    hf__buf_dispose(&meta->location);
    hf__buf_dispose(&meta->xet_token_url);
}

static void read_commit(hf__hub_meta *meta, const struct hf__net_headers *headers)
{
    const char *commit = hf__net_header_get(headers, "x-repo-commit");

    if (commit && hf__str_is_hex(hf__str_trim(hf__str_from(commit)), 40))
        (void)snprintf(meta->commit, sizeof(meta->commit), "%.40s",
                       hf__str_trim(hf__str_from(commit)).ptr);
}

static hf_status read_xet(hf__hub *hub, hf__hub_meta *meta, const hf__net_resp *resp, hf_error *err)
{
    const char *hash = hf__net_header_get(resp->headers, "x-xet-hash");
    const char *route = hf__net_header_get(resp->headers, "x-xet-refresh-route");
    hf__buf link;
    bool out_of_memory;

    if (!hash || !hf__str_is_hex(hf__str_from(hash), 64))
        return HF_OK;
    hf__buf_init(&link, HF__MAX_URL);
    if (hf__net_link_get(resp->headers, "xet-auth", &link))
        route = hf__buf_cstr(&link);
    if (route)
        hf__hub_add_rewritten(hub, &meta->xet_token_url, route);
    out_of_memory =
        link.status == HF_ERR_NO_MEMORY || meta->xet_token_url.status == HF_ERR_NO_MEMORY;
    if (route && meta->xet_token_url.status == HF_OK)
        memcpy(meta->xet_hash, hash, 65);
    hf__buf_dispose(&link);
    return out_of_memory ? hf__fail_nomem(err) : HF_OK;
}

static void read_size(hf__hub_meta *meta, const hf__net_resp *resp)
{
    const char *size = hf__net_header_get(resp->headers, "x-linked-size");

    if (!size && resp->status < 300)
        size = hf__net_header_get(resp->headers, "content-length");
    meta->has_size = size && hf__str_to_u64(hf__str_trim(hf__str_from(size)), &meta->size);
}

static hf_status read_etag(hf__hub_meta *meta, const hf__net_resp *resp, hf_error *err)
{
    const char *etag = hf__net_header_get(resp->headers, "x-linked-etag");

    if (!etag || !*etag)
        etag = hf__net_header_get(resp->headers, "etag");
    if (!etag)
        return HF_OK;
    if (!hf__etag_parse(&meta->etag, hf__str_from(etag)))
        return hf__fail(err, HF_ERR_PROTOCOL, "the server's etag '%.100s' cannot be a file name",
                        etag);
    (void)snprintf(meta->raw_etag, sizeof(meta->raw_etag), "%s", etag);
    return HF_OK;
}

/* Where the content is: a redirect that was not followed names it. The token stays behind when it is
 * another host, but the content must not come over a line that anyone can write on either. */
static hf_status read_location(hf__hub *hub, const char *resolve_url, const hf__net_resp *resp,
                               hf__hub_meta *meta, hf_error *err)
{
    const char *location = hf__net_header_get(resp->headers, "location");
    hf__buf target;
    hf_status st;

    if (meta->xet_hash[0] || resp->status < 300 || !location) {
        hf__buf_adds(&meta->location, meta->xet_hash[0] ? resolve_url : resp->url);
        return meta->location.status == HF_OK ? HF_OK : hf__fail_nomem(err);
    }
    hf__buf_init(&target, HF__MAX_URL);
    hf__hub_add_rewritten(hub, &target, location);
    st = target.status == HF_OK
             ? hf__net_url_join(resp->url, hf__buf_cstr(&target), &meta->location)
             : target.status;
    hf__buf_dispose(&target);
    if (st == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    if (st == HF_ERR_TLS)
        return hf__fail(err, st, "%.*s redirects from https to http, which is refused",
                        (int)strcspn(resolve_url, "?"), resolve_url);
    if (st != HF_OK)
        return hf__fail(err, HF_ERR_PROTOCOL, "%.*s redirects to what is no usable URL",
                        (int)strcspn(resolve_url, "?"), resolve_url);
    return HF_OK;
}

static hf_status read_answer(hf__hub *hub, const char *resolve_url, const hf__net_resp *resp,
                             hf__hub_meta *meta, hf_error *err)
{
    hf_status st;

    read_commit(meta, resp->headers);
    read_size(meta, resp);
    st = read_xet(hub, meta, resp, err);
    if (st == HF_OK)
        st = read_etag(meta, resp, err);
    if (st == HF_OK)
        st = read_location(hub, resolve_url, resp, meta, err);
    if (st != HF_OK)
        return st;
    if (!meta->commit[0] || !meta->etag.text[0] || !meta->has_size)
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the answer of %.*s lacks the %s of the file; is the endpoint a Hub, and "
                        "does a proxy in "
                        "between pass its headers on?",
                        (int)strcspn(resolve_url, "?"), resolve_url,
                        !meta->commit[0]      ? "commit"
                        : !meta->etag.text[0] ? "etag"
                                              : "size");
    return HF_OK;
}

hf_status hf__hub_head(hf__hub *hub, const hf_repo_ref *repo, const char *path, bool patient,
                       const hf_cancel *cancel, hf__hub_meta *meta, hf_error *err)
{
    hf__net_req req = { .method = "HEAD", .redirects = HF__NET_REDIRECT_RELATIVE };
    hf__net_resp resp;
    hf__buf url;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    st = hf__hub_resolve_url(hub, repo, path, &url, err);
    if (st == HF_OK)
        st = hf__hub_online(hub, hf__buf_cstr(&url), err);
    if (st == HF_OK)
        st = hf__hub_auth(hub, &req.auth, err);
    if (st != HF_OK)
        goto done;
    req.url = hf__buf_cstr(&url);
    req.retry = patient ? HF__NET_RETRY_STANDARD : HF__NET_RETRY_NONE;
    req.timeout_ms = patient ? 60000 : hub->etag_timeout_ms;
    st = hf__net_call(hub->net, &req, cancel, &resp, err);
    if (st != HF_OK)
        goto done;
    st = hf__hub_classify(resp.status, resp.url, resp.headers, hf__buf_str(&resp.body), err);
    if (st == HF_OK)
        st = read_answer(hub, req.url, &resp, meta, err);
    else if (st == HF_ERR_ENTRY_NOT_FOUND)
        read_commit(meta, resp.headers);
    if (st != HF_OK)
        hf__hub_redact(hub, err);
    hf__net_resp_dispose(&resp);
done:
    hf__buf_dispose(&url);
    return st;
}
