/* SPDX-License-Identifier: Apache-2.0 */
/* /api/collections: lists of repos and papers. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define PAGE            100
#define MAX_TITLE       60
#define MAX_DESCRIPTION 150
#define MAX_NOTE        500
#define MAX_ITEM        200
#define SHORT_LIST      4 /* items that a list shows of each */

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

/* Owners and members see what is private. */
static bool sees(const srv_req *req, const srv_collection *c)
{
    hf__str owner = hf__str_from(c->owner);

    if (!c->is_private)
        return true;
    if (!req->who || !req->who->account)
        return false;
    if (hf__str_eq_nocase(hf__str_from(req->who->account->name), owner))
        return true;
    for (size_t i = 0; i < req->who->n_orgs; i++)
        if (hf__str_eq_nocase(hf__str_from(req->who->orgs[i].org.name), owner))
            return true;
    return false;
}

/* A repo that the caller may not see is no item for them. */
static bool sees_item(srv_req *req, const char *type, const char *id)
{
    srv_place place = { 0 };
    hf_error err = HF_ERROR_INIT;

    if (!srv_repo_type_parse(hf__str_from(type), &place.type))
        return true;
    return srv_repo_find(store_of(req), place.type, hf__str_from(id), req->arena, &place.repo, NULL,
                         &err) == HF_OK &&
           srv_place_may(req, &place, SRV_WANT_INFO);
}

/* ---------------------------------------------------------------------------------------- answers */

static void add_slug(hf__buf *out, const srv_collection *c)
{
    char slug[SRV_ID_HEX + 256];

    (void)snprintf(slug, sizeof slug, "%s/%s%s%s", c->owner, c->slug, c->slug[0] ? "-" : "", c->id);
    srv_json_text(out, "slug", slug);
}

static void add_item(hf__buf *out, const srv_item *item, size_t position)
{
    hf__buf_addc(out, '{');
    srv_json_text(out, "_id", item->id);
    srv_json_text(out, "id", item->item);
    srv_json_text(out, "type", item->type);
    srv_json_text(out, "repoType", item->type);
    srv_json_u64(out, "position", position);
    if (strcmp(item->type, "collection") == 0)
        srv_json_text(out, "slug", item->item);
    if (item->note) {
        hf__buf_adds(out, "\"note\":{");
        srv_json_text(out, "text", item->note);
        srv_json_end(out);
    }
    srv_json_end(out);
}

static hf_status add_collection(srv_req *req, hf__buf *out, const srv_collection *c, size_t limit,
                                hf_error *err)
{
    const srv_item *items = NULL;
    size_t shown = 0;
    size_t n = 0;
    hf_status st = srv_item_list(store_of(req), c, req->arena, &items, &n, err);

    hf__buf_addc(out, '{');
    add_slug(out, c);
    srv_json_text(out, "title", c->title);
    srv_json_text(out, "description", c->description);
    hf__buf_adds(out, "\"owner\":{");
    srv_json_text(out, "name", c->owner);
    srv_json_end(out);
    hf__buf_adds(out, ",\"items\":[");
    for (size_t i = 0; i < n && shown < limit; i++) {
        if (!sees_item(req, items[i].type, items[i].item))
            continue;
        if (shown++ > 0)
            hf__buf_addc(out, ',');
        add_item(out, &items[i], i);
    }
    hf__buf_adds(out, "],");
    srv_json_time(out, "lastUpdated", c->updated);
    /* The Python client counts by itself in a list, and takes no second position. */
    if (limit != SHORT_LIST)
        srv_json_u64(out, "position", (uint64_t)c->position);
    srv_json_bool(out, "private", c->is_private);
    srv_json_text(out, "theme", c->theme);
    srv_json_u64(out, "upvotes", 0);
    srv_json_end(out);
    return st;
}

/* As it stands now; inside {"data":…} for a change. */
static void answer_collection(srv_req *req, hf__str id, bool in_data)
{
    hf_error err = HF_ERROR_INIT;
    srv_collection c;
    hf__buf out;
    hf_status st = srv_collection_find(store_of(req), id, req->arena, &c, &err);

    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_adds(&out, in_data ? "{\"data\":" : "");
    if (st == HF_OK)
        st = add_collection(req, &out, &c, SIZE_MAX, &err);
    hf__buf_adds(&out, in_data ? "}" : "");
    if (st == HF_OK)
        srv_answer_json(req, 200, &out);
    else
        srv_answer_status(req, st, &err);
    hf__buf_dispose(&out);
}

/* ------------------------------------------------------------------------------------------- list */

/* ?item=models/acme/x */
static bool read_item_param(srv_req *req, const char **type, const char **id)
{
    const char *text = srv_req_param(req, "item");
    srv_repo_type repo_type;
    hf__str rest;
    hf__str kind = hf__str_cut(hf__str_from(text), '/', &rest);

    *type = *id = NULL;
    if (!text || !*text)
        return true;
    if (srv_repo_type_parse(kind, &repo_type))
        *type = srv_repo_type_name(repo_type);
    else if (hf__str_eq(kind, HF__STR("papers")) || hf__str_eq(kind, HF__STR("paper")))
        *type = "paper";
    else if (hf__str_eq(kind, HF__STR("collections")) || hf__str_eq(kind, HF__STR("collection")))
        *type = "collection";
    *id = rest.ptr;
    if (*type && *id)
        return true;
    srv_answer_error(req, 400, NULL, "\"item\" must be as models/acme/x");
    return false;
}

static bool wanted_owner(const srv_req *req, const srv_collection *c)
{
    bool any = false;

    for (const srv_param *p = req->params; p; p = p->next) {
        if (!srv_param_is(p, "owner") || !p->value[0])
            continue;
        any = true;
        if (hf__str_eq_nocase(hf__str_from(p->value), hf__str_from(c->owner)))
            return true;
    }
    return !any;
}

static void list(srv_req *req)
{
    const srv_collection *all = NULL;
    hf_error err = HF_ERROR_INIT;
    uint64_t limit, cursor;
    const char *type, *item;
    char next[32];
    size_t found = 0;
    size_t shown = 0;
    size_t n = 0;
    hf__buf out;
    hf_status st;

    if (!read_item_param(req, &type, &item))
        return;
    if (!srv_req_u64(req, "limit", PAGE, &limit) || limit == 0 ||
        !srv_req_u64(req, "cursor", 0, &cursor)) {
        srv_answer_error(req, 400, NULL, "limit and cursor must be numbers");
        return;
    }
    if (limit > PAGE)
        limit = PAGE;
    st = srv_collection_list(store_of(req), NULL, type, item, req->arena, &all, &n, &err);
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = 0; st == HF_OK && i < n; i++) {
        if (!wanted_owner(req, &all[i]) || !sees(req, &all[i]) || found++ < cursor)
            continue;
        if (shown == limit) {
            (void)snprintf(next, sizeof next, "%llu", (unsigned long long)(cursor + limit));
            srv_link_next(req, "cursor", next);
            break;
        }
        if (shown++ > 0)
            hf__buf_addc(&out, ',');
        st = add_collection(req, &out, &all[i], SHORT_LIST, &err);
    }
    hf__buf_addc(&out, ']');
    if (st == HF_OK)
        srv_answer_json(req, 200, &out);
    else
        srv_answer_status(req, st, &err);
    hf__buf_dispose(&out);
}

/* --------------------------------------------------------------------------------------- changing */

static bool fits(srv_req *req, const char *key, const char *text, size_t max)
{
    if (!text || strlen(text) <= max)
        return true;
    srv_answer_error(req, 400, NULL, "\"%s\" is longer than %zu bytes", key, max);
    return false;
}

static bool may_write(srv_req *req, const char *owner)
{
    if (srv_access_create(req->who, hf__str_from(owner)) == SRV_ALLOWED)
        return true;
    srv_answer_error(req, 403, NULL, "You don't have the rights to do this for \"%.96s\"", owner);
    return false;
}

static void answer_exists(srv_req *req, const char *id)
{
    hf_error err = HF_ERROR_INIT;
    srv_collection c;
    hf__buf out;

    if (srv_collection_find(store_of(req), hf__str_from(id), req->arena, &c, &err) != HF_OK) {
        srv_answer_error(req, 409, NULL, "It exists already");
        return;
    }
    srv_header_set(req, "X-Error-Message", "You have a collection of that title already");
    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addc(&out, '{');
    srv_json_text(&out, "error", "You have a collection of that title already");
    add_slug(&out, &c);
    srv_json_end(&out);
    srv_answer_json(req, 409, &out);
}

static void create(srv_req *req, const hf__json *body)
{
    srv_collection spec = { .theme = "orange" };
    char id[SRV_ID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    bool exists = false;
    hf_status st;

    if (!srv_body_need(req, body, "title", &spec.title) ||
        !srv_body_text(req, body, "namespace", &spec.owner) ||
        !srv_body_text(req, body, "description", &spec.description) ||
        !fits(req, "title", spec.title, MAX_TITLE) ||
        !fits(req, "description", spec.description, MAX_DESCRIPTION))
        return;
    if (!spec.owner)
        spec.owner = req->who->account->name;
    spec.is_private = hf__json_bool(body, "private", false);
    if (!may_write(req, spec.owner))
        return;
    st = srv_collection_new(store_of(req), &spec, id, &exists, &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    else if (exists)
        answer_exists(req, id);
    else
        answer_collection(req, hf__str_from(id), false);
}

static void change(srv_req *req, const srv_collection *c, const hf__json *body)
{
    srv_collection_change change = { .is_private = hf__json_bool(body, "private", false),
                                     .position = -1 };
    const char *title, *theme;
    hf_error err = HF_ERROR_INIT;
    uint64_t position;
    hf_status st;

    if (!srv_body_text(req, body, "title", &title) ||
        !srv_body_text(req, body, "description", &change.description) ||
        !srv_body_text(req, body, "theme", &theme) || !fits(req, "title", title, MAX_TITLE) ||
        !fits(req, "description", change.description, MAX_DESCRIPTION) ||
        !fits(req, "theme", theme, 32))
        return;
    if (title && *title)
        change.title = title;
    if (theme && *theme)
        change.theme = theme;
    if (hf__json_u64(body, "position", &position) && position < INT32_MAX)
        change.position = (int64_t)position;
    if (hf__json_bool(body, "private", true) != change.is_private)
        change.is_private = -1; /* the body says nothing of it */
    st = srv_collection_set(store_of(req), c, &change, &err);
    if (st == HF_OK)
        answer_collection(req, hf__str_from(c->id), true);
    else
        srv_answer_status(req, st, &err);
}

static void add(srv_req *req, const srv_collection *c, const hf__json *body)
{
    static const char *const types[] = { "model", "dataset",    "space",
                                         "paper", "collection", "bucket" };
    const hf__json *node = hf__json_get(body, "item");
    hf_error err = HF_ERROR_INIT;
    srv_item item = { 0 };
    bool known = false;
    hf_status st;

    if (!hf__json_is_object(node)) {
        srv_answer_error(req, 400, NULL, "\"item\" is required");
        return;
    }
    if (!srv_body_need(req, node, "id", &item.item) ||
        !srv_body_need(req, node, "type", &item.type) ||
        !srv_body_text(req, body, "note", &item.note) || !fits(req, "id", item.item, MAX_ITEM) ||
        !fits(req, "note", item.note, MAX_NOTE))
        return;
    for (size_t i = 0; i < HF__COUNT(types); i++)
        known = known || strcmp(types[i], item.type) == 0;
    if (!known) {
        srv_answer_error(req, 400, NULL,
                         "\"type\" must be one of [model, dataset, space, paper, collection]");
    } else if (!sees_item(req, item.type, item.item)) {
        srv_answer_error(req, 404, "RepoNotFound", "Repository not found");
    } else {
        st = srv_item_add(store_of(req), c, &item, &err);
        if (st == HF_OK)
            answer_collection(req, hf__str_from(c->id), false);
        else
            srv_answer_status(req, st, &err);
    }
}

typedef struct asking {
    srv_collection c;
    bool items;
    const char *item; /* the object's id; NULL: none */
} asking;

static void change_item(srv_req *req, const asking *a, const hf__json *body)
{
    srv_item_change change = { .remove = strcmp(req->method, "DELETE") == 0 };
    hf_error err = HF_ERROR_INIT;
    uint64_t position = 0;
    hf_status st;

    if (!srv_body_text(req, body, "note", &change.note) ||
        !fits(req, "note", change.note, MAX_NOTE))
        return;
    change.set_note = change.note != NULL;
    change.set_position = hf__json_u64(body, "position", &position);
    change.position = (size_t)position;
    st = srv_item_change_one(store_of(req), &a->c, a->item, &change, &err);
    if (st == HF_OK)
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
    else if (st == HF_ERR_ENTRY_NOT_FOUND)
        srv_answer_error(req, 404, NULL, "%s", err.message);
    else
        srv_answer_status(req, st, &err);
}

static void handler(srv_req *req)
{
    asking *a = req->state;
    hf__json *body;

    if (!srv_body_json(req, &body))
        return;
    if (!a)
        create(req, body);
    else if (a->item)
        change_item(req, a, body);
    else if (a->items)
        add(req, &a->c, body);
    else
        change(req, &a->c, body);
    hf__json_free(body);
}

static void delete_collection(srv_req *req, const srv_collection *c)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_collection_delete(store_of(req), c, &err);

    if (st == HF_OK)
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
    else
        srv_answer_status(req, st, &err);
}

/* The collection that "ns/title-words-<24 hex>" names; false after an answer. */
static bool find(srv_req *req, const hf__str *segments, srv_collection *out)
{
    const char *owner = srv_unescape(req->arena, segments[0], false);
    hf__str slug = segments[1];
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_ERR_ENTRY_NOT_FOUND;

    if (owner && slug.len >= SRV_ID_HEX)
        st = srv_collection_find(store_of(req),
                                 (hf__str){ slug.ptr + slug.len - SRV_ID_HEX, SRV_ID_HEX },
                                 req->arena, out, &err);
    if (st == HF_OK && sees(req, out) &&
        hf__str_eq_nocase(hf__str_from(owner), hf__str_from(out->owner)))
        return true;
    if (st == HF_OK || st == HF_ERR_ENTRY_NOT_FOUND)
        srv_answer_error(req, 404, NULL, "Collection not found");
    else
        srv_answer_status(req, st, &err);
    return false;
}

/* {ns}/{slug}[/items[/{id}]] */
static void one(srv_req *req, const hf__str *segments, size_t n)
{
    asking *a = hf__arena_alloc(req->arena, sizeof *a);
    bool reads = strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
    const char *methods = n == 2 ? "PATCH" : (n == 3 ? "POST" : "PATCH");

    if (!a || n > 4 || (n > 2 && !hf__str_eq(segments[2], HF__STR("items")))) {
        srv_answer_error(req, 404, NULL, "Not Found");
        return;
    }
    if (!(reads ? srv_authenticate(req) : srv_need_account(req)) || !find(req, segments, &a->c))
        return;
    a->items = n > 2;
    a->item = n > 3 ? srv_unescape(req->arena, segments[3], false) : NULL;
    if (n > 3 && !a->item)
        srv_answer_error(req, 404, NULL, "Not Found");
    else if (reads && n == 2)
        answer_collection(req, hf__str_from(a->c.id), false);
    else if (!reads && !may_write(req, a->c.owner))
        return;
    else if (strcmp(req->method, "DELETE") == 0 && n == 2)
        delete_collection(req, &a->c);
    else if ((strcmp(req->method, "DELETE") == 0 && n == 4) || srv_only(req, methods))
        srv_body_await(req, handler, a);
}

void srv_collections(srv_req *req, const hf__str *segments, size_t n)
{
    if (n >= 2) {
        one(req, segments, n);
    } else if (n == 1) {
        srv_answer_error(req, 404, NULL, "Not Found");
    } else if (strcmp(req->method, "POST") == 0) {
        if (srv_need_account(req))
            srv_body_await(req, handler, NULL);
    } else if (srv_only(req, "GET") && srv_authenticate(req)) {
        list(req);
    }
}
