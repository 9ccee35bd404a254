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

/* Everything that the URL says is signed, down to the parameters of an upload. */
static bool signature(const srv_req *req, const char *method, hf__str target, hf__buf *out)
{
    uint8_t mac[32];
    hf__buf text;
    hf_status st;

    hf__buf_init(&text, 2 * SRV_MAX_TARGET);
    hf__buf_addf(&text, "%s\n", method);
    hf__buf_add_str(&text, target);
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

const char *srv_sign_url(srv_req *req, srv_origin origin, const char *method, const char *target)
{
    const char *base = srv_base_url(req, origin);
    const char *out = NULL;
    hf__str signed_part;
    hf__buf url;

    hf__buf_init(&url, SRV_MAX_TARGET);
    hf__buf_addf(&url, "%s%s%cexpires=%llu", base, target, strchr(target, '?') ? '&' : '?',
                 (unsigned long long)hf__clock_wall() + req->server->conf.url_ttl);
    signed_part = hf__buf_str(&url);
    if (url.status == HF_OK) {
        hf__buf sig;

        signed_part.ptr += strlen(base);
        signed_part.len -= strlen(base);
        hf__buf_init(&sig, 128);
        if (signature(req, method, signed_part, &sig)) {
            hf__buf_addf(&url, "&sig=%s", hf__buf_cstr(&sig));
            if (url.status == HF_OK)
                out = hf__arena_str(req->arena, hf__buf_str(&url));
        }
        hf__buf_dispose(&sig);
    }
    hf__buf_dispose(&url);
    return out;
}

const char *srv_sign_object(srv_req *req, const char *oid, const char *name)
{
    const char *out = NULL;
    hf__buf target;

    hf__buf_init(&target, SRV_MAX_TARGET);
    hf__buf_addf(&target, "/objects/%s", oid);
    if (name) { /* signed too: it becomes a header of the answer */
        hf__buf_adds(&target, "?name=");
        hf__buf_add_quoted(&target, hf__str_from(name), HF__QUOTE_SEGMENT);
    }
    if (target.status == HF_OK)
        out = srv_sign_url(req, SRV_STORAGE, "GET", hf__buf_cstr(&target));
    hf__buf_dispose(&target);
    return out;
}

/* The last parameter of the request's target is sig: what stands before it, and its value. */
static bool split_sig(const srv_req *req, hf__str *signed_part, hf__str *sig)
{
    static const char mark[] = "&sig=";
    size_t len = strlen(req->target);

    for (size_t at = len; at-- > 0;)
        if (strncmp(req->target + at, mark, strlen(mark)) == 0) {
            *signed_part = (hf__str){ req->target, at };
            *sig = hf__str_from(req->target + at + strlen(mark));
            return true;
        }
    return false;
}

unsigned srv_sign_check(const srv_req *req, const char **why)
{
    const char *expires = srv_req_param(req, "expires");
    const char *method = strcmp(req->method, "HEAD") == 0 ? "GET" : req->method;
    hf__str signed_part, sig;
    uint64_t end;
    bool same = false;
    hf__buf want;

    *why = "the URL is not signed";
    if (!expires || !hf__str_to_u64(hf__str_from(expires), &end) ||
        !split_sig(req, &signed_part, &sig))
        return 403;
    hf__buf_init(&want, 128);
    if (signature(req, method, signed_part, &want))
        same = srv_equal_secrets(sig, hf__buf_str(&want));
    hf__buf_dispose(&want);
    *why = "the signature does not match";
    if (!same)
        return 403;
    *why = "the URL has expired";
    if (req->fault.expired || (uint64_t)hf__clock_wall() >= end)
        return 403;
    return 0;
}
