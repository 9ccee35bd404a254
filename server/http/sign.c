/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of the storage origin: good for one object, until a moment, by whoever holds them. */
#include "http/internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"

#include <string.h>

bool srv_equal_secrets(hf__str a, hf__str b)
{
    unsigned differ = a.len == b.len ? 0 : 1;

    for (size_t i = 0; i < a.len; i++)
        differ |= (unsigned)(a.ptr[i] ^ (b.len ? b.ptr[i % b.len] : 0)) & 0xffu;
    return differ == 0;
}

/* The name is signed too: it becomes a header of the answer. */
static bool signature(const srv_req *req, const char *oid, const char *expires, const char *name,
                      hf__buf *out)
{
    uint8_t mac[32];
    hf__buf text;
    hf_status st;

    hf__buf_init(&text, SRV_MAX_TARGET);
    hf__buf_addf(&text, "GET\n%s\n%s\n%s", oid, expires, name ? name : "");
    st = text.status;
    if (st == HF_OK)
        st = hf__hmac_sha256((hf__str){ (const char *)req->server->key, sizeof(req->server->key) },
                             hf__buf_str(&text), mac, NULL);
    hf__buf_dispose(&text);
    if (st != HF_OK)
        return false;
    hf__buf_add_hex(out, mac, sizeof(mac));
    return out->status == HF_OK;
}

const char *srv_sign_object(srv_req *req, const char *oid, const char *name)
{
    const srv_conf *conf = &req->server->conf;
    hf__buf expires;
    hf__buf url;
    const char *out = NULL;

    hf__buf_init(&expires, 64);
    hf__buf_init(&url, SRV_MAX_TARGET);
    hf__buf_addf(&expires, "%llu", (unsigned long long)hf__clock_wall() + conf->url_ttl);
    hf__buf_addf(&url, "%s/objects/%s?expires=%s", srv_base_url(req, SRV_STORAGE), oid,
                 hf__buf_cstr(&expires));
    if (name) {
        hf__buf_adds(&url, "&name=");
        hf__buf_add_quoted(&url, hf__str_from(name), HF__QUOTE_SEGMENT);
    }
    hf__buf_adds(&url, "&sig=");
    if (signature(req, oid, hf__buf_cstr(&expires), name, &url))
        out = hf__arena_str(req->arena, hf__buf_str(&url));
    hf__buf_dispose(&expires);
    hf__buf_dispose(&url);
    return out;
}

unsigned srv_sign_check(const srv_req *req, const char *oid, const char **why)
{
    const char *expires = srv_req_param(req, "expires");
    const char *sig = srv_req_param(req, "sig");
    uint64_t end;
    bool same = false;
    hf__buf want;

    *why = "the URL is not signed";
    if (!expires || !sig || !hf__str_to_u64(hf__str_from(expires), &end))
        return 403;
    hf__buf_init(&want, 128);
    if (signature(req, oid, expires, srv_req_param(req, "name"), &want))
        same = srv_equal_secrets(hf__str_from(sig), hf__buf_str(&want));
    hf__buf_dispose(&want);
    *why = "the signature does not match";
    if (!same)
        return 403;
    *why = "the URL has expired";
    if ((uint64_t)hf__clock_wall() >= end)
        return 403;
    return 0;
}
