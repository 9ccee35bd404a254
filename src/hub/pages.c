/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches the pages of a listing one by one, and notices a server that never comes to an end. */
#include "hub/pages.h"

#include "core/error.h"
#include "core/limits.h"
#include "hub/private.h"

#include <stdio.h>

enum { MAX_EMPTY_PAGES = 16 };

void hf__pages_init(hf__pages *pages, hf__hub *hub, const hf_cancel *cancel)
{
    memset(pages, 0, sizeof(*pages));
    pages->hub = hub;
    pages->cancel = cancel;
    hf__buf_init(&pages->url, HF__MAX_URL);
    hf__buf_init(&pages->base, HF__MAX_URL);
    hf__buf_init(&pages->trail, HF__MAX_URL);
}

void hf__pages_dispose(hf__pages *pages)
{
    hf__json_free(pages->doc);
    hf__buf_dispose(&pages->url);
    hf__buf_dispose(&pages->base);
    hf__buf_dispose(&pages->trail);
}

/* Pages that name each other in a ring are found by Brent's method: each is compared with the one
 * remembered last, and the memory is renewed at every power of two. */
static hf_status check_progress(hf__pages *pages, const hf__buf *next, hf_error *err)
{
    unsigned n = ++pages->n_pages;

    pages->n_empty = hf__json_len(pages->page) ? 0 : pages->n_empty + 1;
    if (n >= HF__MAX_PAGES || pages->n_empty >= MAX_EMPTY_PAGES ||
        strcmp(hf__buf_cstr(next), hf__buf_cstr(&pages->trail)) == 0)
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the listing does not end: the server keeps naming further pages");
    if ((n & (n - 1)) == 0) {
        hf__buf_reset(&pages->trail);
        hf__buf_add_str(&pages->trail, hf__buf_str(next));
    }
    return pages->trail.status == HF_OK ? HF_OK : hf__fail_nomem(err);
}

/* The page after the one that came as resp, as Link has it; empty when that was the last. */
static hf_status linked_url(hf__pages *pages, const hf__net_resp *resp, hf__buf *next,
                            hf_error *err)
{
    hf__buf link;
    hf__buf target;
    hf_status st = HF_OK;

    hf__buf_init(&link, HF__MAX_URL);
    hf__buf_init(&target, HF__MAX_URL);
    if (!hf__net_link_get(resp->headers, "next", &link)) {
        st = link.status == HF_OK ? HF_OK : hf__fail_nomem(err);
        goto done;
    }
    hf__hub_add_rewritten(pages->hub, &target, hf__buf_cstr(&link));
    st = target.status == HF_OK ? hf__net_url_join(resp->url, hf__buf_cstr(&target), next)
                                : target.status;
    if (st == HF_OK)
        st = check_progress(pages, next, err);
    else if (st == HF_ERR_NO_MEMORY)
        st = hf__fail_nomem(err);
    else
        st = hf__fail(err, st == HF_ERR_TLS ? st : HF_ERR_PROTOCOL,
                      "the listing names a next page that cannot be asked for: '%.200s'",
                      hf__buf_cstr(&link));
done:
    hf__buf_dispose(&link);
    hf__buf_dispose(&target);
    return st;
}

static void add_numbered(const hf__pages *pages, unsigned number, hf__buf *out)
{
    hf__buf_add_str(out, hf__buf_str(&pages->base));
    hf__buf_addf(out, "%cp=%u", strchr(hf__buf_cstr(&pages->base), '?') ? '&' : '?', number);
}

/* The discussions' way: the answer tells where it starts and how many there are in all. An empty
 * page is the last one, whatever the count says. */
static hf_status numbered_url(hf__pages *pages, hf__buf *next, hf_error *err)
{
    uint64_t start = 0;
    uint64_t count = 0;
    size_t n = hf__json_len(pages->page);

    (void)hf__json_u64(pages->doc, "start", &start);
    if (n == 0 || !hf__json_u64(pages->doc, "count", &count) || start + n >= count)
        return HF_OK;
    add_numbered(pages, pages->n_pages + 1, next);
    if (next->status != HF_OK)
        return hf__fail(err, next->status, "the URL is too long");
    return check_progress(pages, next, err);
}

hf_status hf__pages_blame(const hf__pages *pages, hf_status status, hf_error *err)
{
    size_t len = err ? strlen(err->message) : 0;

    if (status == HF_OK || status == HF_ERR_NO_MEMORY || !err || !pages->request_id[0])
        return status;
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s", pages->request_id);
    (void)snprintf(err->message + len, sizeof(err->message) - len, " (Request ID: %s)",
                   pages->request_id);
    return status;
}

static hf_status read_page(hf__pages *pages, const hf__net_resp *resp, hf__buf *next, hf_error *err)
{
    const char *id = hf__net_header_get(resp->headers, "x-request-id");
    hf_status st = hf__hub_json(resp, "listing", &pages->doc, err);

    (void)snprintf(pages->request_id, sizeof(pages->request_id), "%s", id ? id : "");
    hf__text_defuse(pages->request_id);
    if (st != HF_OK)
        return st;
    pages->page = pages->items ? hf__json_get(pages->doc, pages->items) : pages->doc;
    if (pages->keyed ? !hf__json_is_object(pages->page) : !hf__json_is_array(pages->page))
        return hf__hub_odd(resp, err, "the listing is not a list");
    return pages->numbered ? numbered_url(pages, next, err) : linked_url(pages, resp, next, err);
}

hf_status hf__pages_fetch(hf__pages *pages, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "GET",
                                  .retry = HF__NET_RETRY_STANDARD,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = pages->hub->read_timeout_ms };
    hf__net_resp resp;
    hf__buf next;
    hf_status st;

    hf__json_free(pages->doc);
    pages->doc = NULL;
    pages->page = NULL;
    pages->at = 0;
    pages->iter = NULL;
    if (pages->numbered && pages->base.len == 0) {
        hf__buf_add_str(&pages->base, hf__buf_str(&pages->url));
        hf__buf_reset(&pages->url);
        add_numbered(pages, 0, &pages->url);
    }
    if (pages->base.status != HF_OK || pages->url.status != HF_OK)
        return hf__fail(err, HF_ERR_LIMIT, "the URL is too long");
    if (pages->hurried && pages->n_pages == 0)
        exchange.retry = HF__NET_RETRY_NONE;
    exchange.url = hf__buf_cstr(&pages->url);
    st = hf__hub_call(pages->hub, &exchange, pages->cancel, &resp, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&next, HF__MAX_URL);
    st = read_page(pages, &resp, &next, err);
    if (st == HF_OK) {
        hf__buf_dispose(&pages->url);
        pages->url = next;
    } else {
        hf__buf_dispose(&next);
        hf__json_free(pages->doc);
        pages->doc = NULL;
        pages->page = NULL;
    }
    hf__net_resp_dispose(&resp);
    return st;
}
