/* SPDX-License-Identifier: Apache-2.0 */
/* The GET of a file's content, and whether an answer to it is what was asked for
 * (hub-http.md 2.4). */
#include "hub/private.h"

#include "core/base64.h"
#include "core/error.h"
#include "core/limits.h"

hf_status hf__hub_get_make(hf__hub *hub, const hf_repo_ref *repo, const char *path, const char *url,
                           hf__hub_get *out, hf_error *err)
{
    hf__buf resolve;
    hf_status st = HF_OK;

    memset(out, 0, sizeof(*out));
    hf__buf_init(&resolve, HF__MAX_URL);
    out->arena = hf__arena_new();
    if (!out->arena) {
        st = hf__fail_nomem(err);
        goto done;
    }
    if (!url) {
        st = hf__hub_resolve_url(hub, repo, path, &resolve, err);
        url = hf__buf_cstr(&resolve);
    }
    if (st == HF_OK)
        st = hf__hub_online(hub, url, err);
    if (st != HF_OK)
        goto done;
    out->req.method = "GET";
    out->req.url = hf__arena_cstr(out->arena, url);
    if (!out->req.url)
        st = hf__fail_nomem(err);
    if (st == HF_OK && hf__net_same_origin(url, hub->endpoint))
        st = hf__hub_auth(hub, &out->req.auth, err);
    out->req.retry = HF__NET_RETRY_DOWNLOAD;
    out->req.redirects = HF__NET_REDIRECT_ANY;
    out->req.timeout_ms = hub->read_timeout_ms;
done:
    if (st != HF_OK)
        hf__hub_get_dispose(out);
    hf__buf_dispose(&resolve);
    return st;
}

void hf__hub_get_dispose(hf__hub_get *get)
{
    hf__arena_free(get->arena);
    memset(get, 0, sizeof(*get));
}

/* The Hub's own word on the etag: of the redirect that led here, or of this answer. A plain ETag
 * counts only when it is a hash of the same kind as the expected one: storage, asked directly or
 * behind a redirect, has etags of its own. */
static bool told_etag(const hf__net_head *head, const hf__etag *expected, hf__etag *out)
{
    const char *linked = hf__net_header_get(head->first_redirect, "x-linked-etag");
    const char *plain = head->first_redirect ? NULL : hf__net_header_get(head->headers, "etag");

    if (!linked)
        linked = hf__net_header_get(head->headers, "x-linked-etag");
    if (linked)
        return hf__etag_parse(out, hf__str_from(linked));
    return plain && hf__etag_parse(out, hf__str_from(plain)) &&
           ((hf__etag_is_sha256(out) && hf__etag_is_sha256(expected)) ||
            (hf__etag_is_sha1(out) && hf__etag_is_sha1(expected)));
}

static hf_status check_etag(const hf__net_head *head, const hf__etag *expected, hf_error *err)
{
    hf__etag now;

    if (expected && told_etag(head, expected, &now) && strcmp(now.text, expected->text) != 0)
        return hf__fail(
            err, HF_ERR_CHANGED,
            "the file changed on the server during the transfer (etag %.70s, now %.70s)",
            expected->text, now.text);
    return HF_OK;
}

/* "bytes 5-9/10" */
static bool parse_content_range(const char *value, uint64_t *first, uint64_t *total)
{
    hf__str text = hf__str_trim(hf__str_from(value));
    hf__str rest;
    hf__str range;

    if (!hf__str_starts(text, HF__STR("bytes ")))
        return false;
    range = hf__str_cut((hf__str){ text.ptr + 6, text.len - 6 }, '/', &rest);
    if (!hf__str_to_u64(hf__str_cut(range, '-', &range), first))
        return false;
    if (!hf__str_to_u64(rest, total))
        *total = HF__NET_NO_LIMIT;
    return true;
}

static hf_status check_partial(const hf__net_head *head, uint64_t expected_size,
                               uint64_t range_first, hf_error *err)
{
    const char *range = hf__net_header_get(head->headers, "content-range");
    uint64_t first = 0;
    uint64_t total = HF__NET_NO_LIMIT;

    if (!range || !parse_content_range(range, &first, &total) || first != range_first)
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the server sent another range (%.100s) than was asked for",
                        range ? range : "none named");
    if (total != HF__NET_NO_LIMIT && expected_size != HF__NET_NO_LIMIT && total != expected_size)
        return hf__fail(err, HF_ERR_CHANGED,
                        "the file has %llu bytes on the server, not %llu as announced",
                        (unsigned long long)total, (unsigned long long)expected_size);
    return HF_OK;
}

hf_status hf__hub_check_content(const hf__net_head *head, const hf__etag *expected,
                                uint64_t expected_size, uint64_t range_first, bool *resumed,
                                hf_error *err)
{
    hf_status st = hf__hub_classify(head->status, head->url, head->headers, HF__STR(""), err);

    if (st != HF_OK)
        return st;
    if (head->status != 200 && head->status != 206)
        return hf__fail(err, HF_ERR_PROTOCOL, "the server answered a download with status %d",
                        head->status);
    st = check_etag(head, expected, err);
    *resumed = head->status == 206;
    if (st == HF_OK && *resumed)
        return check_partial(head, expected_size, range_first, err);
    if (st == HF_OK && head->content_length != HF__NET_NO_LIMIT &&
        expected_size != HF__NET_NO_LIMIT && head->content_length != expected_size)
        return hf__fail(
            err, HF_ERR_TRUNCATED, "the server wants to send %llu bytes, but the file has %llu",
            (unsigned long long)head->content_length, (unsigned long long)expected_size);
    return st;
}

/* "sha-256=:…base64…:, sha-512=:…:" */
bool hf__hub_content_digest(const struct hf__net_headers *headers, char out[65])
{
    hf__str rest = hf__str_from(hf__net_header_get(headers, "content-digest"));
    hf__str name = HF__STR("sha-256=:");
    bool found = false;

    while (rest.len && !found) {
        hf__str one = hf__str_trim(hf__str_cut(rest, ',', &rest));
        hf__buf bytes;
        hf__buf hex;

        if (!hf__str_starts(one, name))
            continue;
        one.ptr += name.len;
        one.len -= name.len;
        hf__buf_init(&bytes, 64);
        hf__buf_init(&hex, 128);
        if (memchr(one.ptr, ':', one.len) &&
            hf__base64_decode(&bytes, HF__BASE64_STANDARD, hf__str_cut(one, ':', &one)) &&
            bytes.len == 32) {
            hf__buf_add_hex(&hex, (const uint8_t *)bytes.ptr, bytes.len);
            found = hex.status == HF_OK;
            if (found)
                memcpy(out, hf__buf_cstr(&hex), 65);
        }
        hf__buf_dispose(&bytes);
        hf__buf_dispose(&hex);
    }
    return found;
}
