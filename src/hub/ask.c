/* SPDX-License-Identifier: Apache-2.0 */
/* Asks what the table of endpoints describes: one answer, or a list of them. */
#include "hub/endpoints.h"
#include "hub/pages.h"
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- URL */

/* Adds the text of "{what}"; an unknown word is a mistake in the table. */
static void add_part(hf__buf *url, const hf__ask *ask, const char *what, size_t len)
{
    size_t index = (size_t)(what[0] - '1');
    bool as_path = len == 2;

    if (len == 4 && memcmp(what, "repo", 4) == 0) {
        hf__hub_add_api(url, ask->repo);
    } else if (len == 5 && memcmp(what, "types", 5) == 0) {
        hf__buf_adds(url, hf__repo_type_plural(ask->type));
    } else if (len == 3 && memcmp(what, "rev", 3) == 0) {
        hf__buf_add_quoted(url, hf__str_from(hf__revision_or_main(ask->repo)), HF__QUOTE_SEGMENT);
    } else {
        HF__ASSERT(index < ask->n);
        if (ask->values[index].kind == HF__V_UINT)
            hf__buf_addf(url, "%llu", (unsigned long long)ask->values[index].number);
        else
            hf__buf_add_quoted(url, hf__str_from(ask->values[index].text),
                               as_path ? HF__QUOTE_PATH : HF__QUOTE_SEGMENT);
    }
}

static void query_pair(hf__buf *url, bool *any, const char *name, const char *value)
{
    hf__buf_addf(url, "%c%s=", *any ? '&' : '?', name);
    hf__buf_add_quoted(url, hf__str_from(value), HF__QUOTE_SEGMENT);
    *any = true;
}

static void add_query(hf__buf *url, const hf__endpoint *ep, const hf__ask *ask)
{
    bool any = false;

    for (size_t i = 0; i < ask->n; i++) {
        const hf__value *v = &ask->values[i];
        char number[24];

        if (!ep->names[i])
            continue;
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)v->number);
        if ((v->kind == HF__V_TEXT || v->kind == HF__V_JSON) && v->text)
            query_pair(url, &any, ep->names[i], v->text);
        else if (v->kind == HF__V_UINT && v->number)
            query_pair(url, &any, ep->names[i], number);
        else if (v->kind == HF__V_BOOL && v->number)
            query_pair(url, &any, ep->names[i], "true");
        else if (v->kind == HF__V_CHOICE && v->number)
            query_pair(url, &any, ep->names[i], v->number == HF_YES ? "true" : "false");
        for (size_t k = 0; v->kind == HF__V_TEXTS && k < v->number; k++)
            query_pair(url, &any, ep->names[i], v->texts[k]);
    }
}

static hf_status make_url(const hf__hub *hub, const hf__ask *ask, hf__buf *url, hf_error *err)
{
    const hf__endpoint *ep = hf__endpoint_get(ask->id);

    hf__buf_adds(url, hub->endpoint);
    for (const char *at = ep->path; *at;) {
        size_t len = strcspn(at, "{");

        hf__buf_add(url, at, len);
        at += len;
        if (*at) {
            len = strcspn(at, "}");
            add_part(url, ask, at + 1, len - 1);
            at += len + 1;
        }
    }
    if (strcmp(ep->method, "GET") == 0)
        add_query(url, ep, ask);
    if (url->status != HF_OK)
        return hf__fail(err, url->status, "the request is too long for a URL");
    /* No name is a step in a path: "branch/.." would be another endpoint. */
    if (strstr(hf__buf_cstr(url), "/./") || strstr(hf__buf_cstr(url), "/../") ||
        hf__str_ends(hf__buf_str(url), HF__STR("/.")) ||
        hf__str_ends(hf__buf_str(url), HF__STR("/..")))
        return hf__fail(err, HF_ERR_INVALID_ARG, "a name is '.' or '..'");
    return HF_OK;
}

/* ---- body */

static void add_texts(hf__buf *body, const hf__value *v)
{
    hf__buf_addc(body, '[');
    for (size_t i = 0; i < v->number; i++) {
        hf__buf_adds(body, i ? ", " : "");
        hf__json_add_string(body, hf__str_from(v->texts[i]));
    }
    hf__buf_addc(body, ']');
}

static void add_member(hf__buf *body, const char *name, const hf__value *v)
{
    bool none = (v->kind == HF__V_TEXT || v->kind == HF__V_JSON)
                    ? !v->text
                    : v->kind != HF__V_BOOL && v->number == 0;

    if (!name || none)
        return;
    hf__buf_adds(body, body->len > 1 ? ", " : "");
    hf__json_add_string(body, hf__str_from(name));
    hf__buf_adds(body, ": ");
    switch (v->kind) {
    case HF__V_TEXT:
        hf__json_add_string(body, hf__str_from(v->text));
        break;
    case HF__V_JSON:
        hf__buf_adds(body, v->text);
        break;
    case HF__V_UINT:
        hf__buf_addf(body, "%llu", (unsigned long long)v->number);
        break;
    case HF__V_BOOL:
        hf__buf_adds(body, v->number ? "true" : "false");
        break;
    case HF__V_CHOICE:
        hf__buf_adds(body, v->number == HF_YES ? "true" : "false");
        break;
    case HF__V_TEXTS:
        add_texts(body, v);
        break;
    }
}

static hf_status make_body(const hf__ask *ask, hf__buf *body, hf_error *err)
{
    const hf__endpoint *ep = hf__endpoint_get(ask->id);

    hf__buf_addc(body, '{');
    for (size_t i = 0; i < ask->n; i++)
        add_member(body, ep->names[i], &ask->values[i]);
    hf__buf_addc(body, '}');
    if (body->status != HF_OK)
        return hf__fail(err, body->status, "the request is too large");
    return HF_OK;
}

void hf__hub_add_settings(hf__buf *out, const hf_space_setting *settings, size_t n)
{
    hf__buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        hf__buf_adds(out, i ? ", {\"key\": " : "{\"key\": ");
        hf__json_add_string(out, hf__str_from(settings[i].key));
        hf__buf_adds(out, ", \"value\": ");
        hf__json_add_string(out, hf__str_from(settings[i].value));
        if (settings[i].description) {
            hf__buf_adds(out, ", \"description\": ");
            hf__json_add_string(out, hf__str_from(settings[i].description));
        }
        hf__buf_addc(out, '}');
    }
    hf__buf_addc(out, ']');
}

static void add_text(hf__buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    hf__buf_addf(out, ", \"%s\": ", name);
    hf__json_add_string(out, hf__str_from(value));
}

void hf__hub_add_volumes(hf__buf *out, const hf_space_volume *volumes, size_t n)
{
    hf__buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        const hf_space_volume *v = &volumes[i];

        hf__buf_adds(out, i ? ", {\"type\": " : "{\"type\": ");
        hf__json_add_string(out, hf__str_from(v->type));
        add_text(out, "source", v->source);
        add_text(out, "mountPath", v->mount_path);
        add_text(out, "revision", v->revision);
        if (v->read_only != HF_UNSET)
            hf__buf_addf(out, ", \"readOnly\": %s", v->read_only == HF_YES ? "true" : "false");
        add_text(out, "path", v->path);
        hf__buf_addc(out, '}');
    }
    hf__buf_addc(out, ']');
}

/* ---- one answer */

static hf_repo_type type_of(const hf__ask *ask)
{
    return ask->repo ? ask->repo->type : ask->type;
}

static hf_status read_answer(const hf__ask *ask, const hf__net_resp *resp, void **out,
                             hf_error *err)
{
    const hf__endpoint *ep = hf__endpoint_get(ask->id);
    hf__json *doc = NULL;
    hf_status st = hf__hub_json(resp, ep->shape->what, &doc, err);

    if (st == HF_OK) {
        const hf__json *inside = ep->inside ? hf__json_get(doc, ep->inside) : NULL;

        st = hf__shape_result(ep->shape, type_of(ask), inside ? inside : doc, out, err);
        if (st == HF_ERR_PROTOCOL)
            st = hf__hub_odd(resp, err, "%s", err ? err->message : "");
    }
    hf__json_free(doc);
    return st;
}

/* An error that the caller may find fine: what its body tells is told, when it tells it. */
static void read_excuse(const hf__ask *ask, const hf__net_resp *resp, void **out)
{
    if (out && hf__endpoint_get(ask->id)->shape)
        (void)read_answer(ask, resp, out, NULL);
}

static bool excused(const hf__ask *ask, hf_status st, int status)
{
    return (ask->exist_ok && st == HF_ERR_CONFLICT) ||
           (ask->missing_ok &&
            (st == HF_ERR_REPO_NOT_FOUND || st == HF_ERR_REVISION_NOT_FOUND || status == 404));
}

hf_status hf__hub_ask(hf__hub *hub, const hf__ask *ask, void **out, hf_error *err)
{
    const hf__endpoint *ep = hf__endpoint_get(ask->id);
    bool get = strcmp(ep->method, "GET") == 0;
    hf__hub_exchange exchange = { .method = ep->method,
                                  .retry = HF__NET_RETRY_NONE,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = get ? hub->read_timeout_ms : 60000,
                                  .any_status = true };
    hf__net_resp resp = { 0 };
    hf__buf url;
    hf__buf body;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, HF__MAX_JSON_BYTES);
    st = make_url(hub, ask, &url, err);
    if (st == HF_OK && !get)
        st = make_body(ask, &body, err);
    if (st != HF_OK)
        goto done;
    exchange.url = hf__buf_cstr(&url);
    if (body.len > 2) { /* more than {} */
        exchange.body = hf__buf_cstr(&body);
        exchange.body_len = body.len;
        exchange.content_type = "application/json";
    } else if (strcmp(ep->method, "POST") == 0) {
        exchange.body = "{}";
        exchange.body_len = 2;
        exchange.content_type = "application/json";
    }
    st = hf__hub_call(hub, &exchange, ask->cancel, &resp, err);
    if (st != HF_OK)
        goto done;
    st = hf__hub_classify(resp.status, resp.url, resp.headers, hf__buf_str(&resp.body), err);
    if (st == HF_OK && out && ep->shape)
        st = read_answer(ask, &resp, out, err);
    else if (st == HF_ERR_CONFLICT)
        read_excuse(ask, &resp, out);
    if (excused(ask, st, resp.status)) {
        hf__error_clear(err);
        st = HF_OK;
    }
    if (st != HF_OK)
        hf__hub_redact(hub, err);
    hf__net_resp_dispose(&resp);
done:
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

/* ---- lists */

struct hf_list {
    hf__pages pages;
    hf__endpoint_id id;
    hf_repo_type type;
    uint64_t left; /* of the limit */
    void *item;    /* given out last */
};

hf_status hf__hub_list_open(hf__hub *hub, const hf__ask *ask, uint64_t limit, hf_list **out,
                            hf_error *err)
{
    const hf__endpoint *ep = hf__endpoint_get(ask->id);
    hf_list *list = calloc(1, sizeof(*list));
    hf_status st;

    if (!list)
        return hf__fail_nomem(err);
    hf__pages_init(&list->pages, hub, ask->cancel);
    list->pages.items = ep->items;
    list->pages.numbered = ep->numbered;
    list->pages.keyed = ep->keyed;
    list->id = ask->id;
    list->type = type_of(ask);
    list->left = limit ? limit : UINT64_MAX;
    st = make_url(hub, ask, &list->pages.url, err);
    if (st != HF_OK) {
        hf__hub_list_close(list);
        return st;
    }
    *out = list;
    return HF_OK;
}

/* The next node of the page; NULL at its end. */
static const hf__json *next_node(hf__pages *pages)
{
    if (!pages->page)
        return NULL;
    if (!pages->keyed)
        return pages->at < hf__json_len(pages->page) ? hf__json_at(pages->page, pages->at++) : NULL;
    for (;;) { /* an object of lists, one after the other */
        const hf__json *list = NULL;
        const char *key;

        if (pages->at == 0)
            pages->iter = hf__json_next(pages->page, pages->iter, &key, &list);
        else
            list = pages->group;
        if (!pages->iter) {
            pages->page = NULL;
            return NULL;
        }
        pages->group = list;
        if (hf__json_is_array(list) && pages->at < hf__json_len(list))
            return hf__json_at(list, pages->at++);
        pages->at = 0;
    }
}

hf_status hf__hub_list_next(hf_list *list, hf__endpoint_id id, const void **out, hf_error *err)
{
    const hf__json *node;
    hf_status st;

    if (hf__endpoint_get(list->id)->shape != hf__endpoint_get(id)->shape)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the list is one of other things");
    hf__result_free(list->item);
    list->item = NULL;
    if (list->left == 0) {
        *out = NULL;
        return HF_OK;
    }
    while ((node = next_node(&list->pages)) == NULL) {
        if (list->pages.url.len == 0) {
            *out = NULL;
            return HF_OK;
        }
        st = hf__pages_fetch(&list->pages, err);
        if (st != HF_OK)
            return st;
    }
    st = hf__shape_result(hf__endpoint_get(list->id)->shape, list->type, node, &list->item, err);
    if (st != HF_OK)
        return hf__pages_blame(&list->pages, st, err);
    list->left--;
    *out = list->item;
    return HF_OK;
}

void hf__hub_list_close(hf_list *list)
{
    if (!list)
        return;
    hf__result_free(list->item);
    hf__pages_dispose(&list->pages);
    free(list);
}
