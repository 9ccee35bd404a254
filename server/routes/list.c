/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of repos, who the caller is, and the one page for people. */
#include "routes/routes.h"

#include "core/limits.h"

#include <string.h>

#define PAGE        1000
#define MAX_FILTERS 64
#define MAX_PAGE    ((size_t)8 * 1024 * 1024) /* a page of records with long cards ends early */

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

/* ---------------------------------------------------------------------------------------- repos */

typedef struct texts {
    const char *items[MAX_FILTERS];
    size_t n;
} texts;

/* What a list is asked for; query's texts lie here. */
typedef struct list_ask {
    srv_repo_query query;
    texts searches, tags, models, datasets;
    bool nothing; /* a filter by something that no repo here has */
} list_ask;

static bool add_text(srv_req *req, texts *list, const char *text)
{
    if (!text || !*text)
        return true;
    if (list->n == MAX_FILTERS) {
        srv_answer_error(req, 400, NULL, "too many filters");
        return false;
    }
    list->items[list->n++] = text;
    return true;
}

/* An app that runs models locally wants them in its format. */
static bool add_apps(srv_req *req, list_ask *ask, const char *names)
{
    hf__str rest = hf__str_from(names);

    while (rest.ptr) {
        hf__str name = hf__str_trim(hf__str_cut(rest, ',', &rest));
        bool plain = hf__str_eq(name, HF__STR("vllm")) || hf__str_eq(name, HF__STR("sglang"));

        if (name.len > 0 && !add_text(req, &ask->tags, plain ? "transformers" : "gguf"))
            return false;
    }
    return true;
}

static bool is_true(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "1") == 0;
}

/* "6B": digits, maybe with a fraction, and a unit. */
static bool read_count(hf__str text, uint64_t *out)
{
    static const char units[] = "KMBT";
    const char *unit =
        text.len && text.ptr[text.len - 1] ? strchr(units, text.ptr[text.len - 1] & ~0x20) : NULL;
    uint64_t scale = 1;
    hf__str rest;
    hf__str whole;
    uint64_t n;
    uint64_t part = 0;

    if (unit && text.ptr[text.len - 1] > '9')
        text.len--;
    else
        unit = NULL;
    for (const char *u = units; unit && u <= unit; u++)
        scale *= 1000;
    whole = hf__str_cut(text, '.', &rest);
    if (!hf__str_to_u64(whole, &n) || n > INT64_MAX / scale || (rest.ptr && rest.len > 3) ||
        (rest.ptr && !hf__str_to_u64(rest, &part)))
        return false;
    for (size_t i = rest.ptr ? rest.len : 3; i < 3; i++)
        part *= 10;
    *out = n * scale + part * (scale / 1000);
    return true;
}

/* "min:6B,max:128B" */
static bool read_params(srv_req *req, list_ask *ask, const char *text)
{
    hf__str rest = hf__str_from(text);

    while (rest.ptr) {
        hf__str value;
        hf__str name = hf__str_cut(hf__str_trim(hf__str_cut(rest, ',', &rest)), ':', &value);
        bool min = hf__str_eq(name, HF__STR("min"));
        uint64_t n;

        if ((!min && !hf__str_eq(name, HF__STR("max"))) || !value.ptr || !read_count(value, &n)) {
            srv_answer_error(req, 400, NULL, "Invalid num_parameters '%.64s'", text);
            return false;
        }
        if (min)
            ask->query.min_params = n;
        else
            ask->query.max_params = n ? n : 1;
    }
    return true;
}

static bool read_filter(srv_req *req, list_ask *ask, const srv_param *p)
{
    if (srv_param_is(p, "search"))
        return add_text(req, &ask->searches, p->value);
    if (srv_param_is(p, "filter") || srv_param_is(p, "library") || srv_param_is(p, "tags"))
        return add_text(req, &ask->tags, p->value);
    if (srv_param_is(p, "models"))
        return add_text(req, &ask->models, p->value);
    if (srv_param_is(p, "datasets"))
        return add_text(req, &ask->datasets, p->value);
    if (srv_param_is(p, "apps"))
        return add_apps(req, ask, p->value);
    if (srv_param_is(p, "gated") && p->value[0])
        ask->query.gated = is_true(p->value) ? 1 : -1;
    else if (srv_param_is(p, "linked"))
        ask->query.linked = is_true(p->value);
    else if (srv_param_is(p, "num_parameters") && p->value[0])
        return read_params(req, ask, p->value);
    else if (srv_param_is(p, "inference") || srv_param_is(p, "inference_provider"))
        ask->nothing = true; /* nobody runs the models of this server */
    return true;
}

static bool read_sort(srv_req *req, list_ask *ask)
{
    static const struct {
        const char *name;
        srv_sort sort;
    } sorts[] = {
        { "createdAt", SRV_SORT_CREATED },
        { "lastModified", SRV_SORT_MODIFIED },
        { "trendingScore", SRV_SORT_LIKES },
        { "downloads", SRV_SORT_DOWNLOADS },
        { "likes", SRV_SORT_LIKES },
        { "likes30d", SRV_SORT_LIKES },
        { "num_parameters", SRV_SORT_PARAMS },
        { "mainSize", SRV_SORT_CREATED },
        { "id", SRV_SORT_ID },
    };
    const char *sort = srv_req_param(req, "sort");
    const char *direction = srv_req_param(req, "direction");

    ask->query.sort = SRV_SORT_CREATED;
    if (sort && *sort) {
        size_t i = 0;

        while (i < HF__COUNT(sorts) && strcmp(sort, sorts[i].name) != 0)
            i++;
        if (i == HF__COUNT(sorts)) {
            srv_answer_error(req, 400, NULL, "Invalid sort '%.64s'", sort);
            return false;
        }
        ask->query.sort = sorts[i].sort;
    }
    ask->query.ascending = ask->query.sort == SRV_SORT_ID;
    if (direction && *direction)
        ask->query.ascending = strcmp(direction, "1") == 0;
    return true;
}

static bool read_ask(srv_req *req, srv_repo_type type, list_ask *ask)
{
    uint32_t page = srv_server_conf(req->server)->page_size;
    srv_repo_query *query = &ask->query;
    uint64_t limit;

    if (!srv_req_u64(req, "limit", page ? page : PAGE, &limit) || limit == 0) {
        srv_answer_error(req, 400, NULL, "limit must be a number above 0");
        return false;
    }
    for (const srv_param *p = req->params; p; p = p->next)
        if (!read_filter(req, ask, p))
            return false;
    query->type = type;
    query->limit = limit < PAGE ? (size_t)limit : PAGE;
    query->ns = srv_req_param(req, "author");
    query->task = srv_req_param(req, "pipeline_tag");
    query->after = srv_req_param(req, "cursor");
    query->viewer = req->who;
    query->searches = (srv_texts){ ask->searches.items, ask->searches.n };
    query->tags = (srv_texts){ ask->tags.items, ask->tags.n };
    query->models = (srv_texts){ ask->models.items, ask->models.n };
    query->datasets = (srv_texts){ ask->datasets.items, ask->datasets.n };
    if (query->ns && !*query->ns)
        query->ns = NULL;
    if (query->task && !*query->task)
        query->task = NULL;
    return read_sort(req, ask);
}

/* Files are looked up in git only for who wants them. */
static bool add_record(srv_req *req, hf__buf *out, const srv_repo *repo)
{
    bool files = srv_req_flag(req, "full") || srv_req_wants(req, "expand", "siblings");
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    srv_git *git = NULL;
    bool ok;

    if (files && srv_git_open(store_of(req), repo, &git, &err) == HF_OK &&
        srv_git_resolve(git, HF__STR("main"), commit, &err) != HF_OK) {
        srv_git_close(git);
        git = NULL;
    }
    ok = srv_json_repo(req, out, repo, git, commit, true);
    srv_git_close(git);
    return ok;
}

static void set_next(srv_req *req, const srv_repo *last, srv_sort sort)
{
    const char *cursor = srv_repo_cursor(last, sort, req->arena);

    if (cursor)
        srv_link_next(req, "cursor", cursor);
}

/* One repo more than a page is asked for, to know whether another page follows. */
static bool add_page(srv_req *req, list_ask *ask, hf__buf *out)
{
    size_t limit = ask->query.limit;
    hf_error err = HF_ERROR_INIT;
    const srv_repo *repos = NULL;
    size_t n = 0;
    hf_status st;

    ask->query.limit = limit + 1;
    st = srv_repo_list(store_of(req), &ask->query, req->arena, &repos, &n, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (i == limit || out->len > MAX_PAGE) {
            set_next(req, &repos[i - 1], ask->query.sort);
            break;
        }
        if (i > 0)
            hf__buf_addc(out, ',');
        if (!add_record(req, out, &repos[i]))
            return false;
    }
    return true;
}

void srv_repos(srv_req *req, srv_repo_type type)
{
    list_ask ask = { 0 };
    hf__buf out;

    if (!srv_only(req, "GET") || !srv_authenticate(req) || !read_ask(req, type, &ask))
        return;
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    if (ask.nothing || add_page(req, &ask, &out)) {
        hf__buf_addc(&out, ']');
        srv_answer_json(req, 200, &out);
    }
    hf__buf_dispose(&out);
}

/* ----------------------------------------------------------------------------------------- tags */

/* The part behind "license:" and its like. */
static const char *tag_label(const char *tag)
{
    const char *colon = strchr(tag, ':');

    return colon && colon[1] ? colon + 1 : tag;
}

void srv_tags_by_type(srv_req *req, srv_repo_type type)
{
    const srv_card_tag *tags = NULL;
    hf_error err = HF_ERROR_INIT;
    hf__buf out;
    size_t n = 0;
    hf_status st;

    if (!srv_only(req, "GET"))
        return;
    st = srv_tag_list(store_of(req), type, req->arena, &tags, &n, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(tags[i].type, tags[i - 1].type) != 0)
            hf__buf_addf(&out, "%s\"%s\":[{", i > 0 ? "]," : "", tags[i].type);
        else
            hf__buf_adds(&out, ",{");
        srv_json_text(&out, "id", tags[i].tag);
        srv_json_text(&out, "label", tag_label(tags[i].tag));
        hf__buf_addf(&out, "\"type\":\"%s\"}", tags[i].type);
    }
    hf__buf_adds(&out, n > 0 ? "]}" : "}");
    srv_answer_json(req, 200, &out);
}

/* --------------------------------------------------------------------------------------- whoami */

static void add_account(hf__buf *out, const srv_account *account)
{
    srv_json_text(out, "type", account->is_org ? "org" : "user");
    srv_json_text(out, "id", account->id);
    srv_json_text(out, "name", account->name);
    srv_json_text(out, "fullname", account->fullname);
    srv_json_text(out, "email", account->email);
    hf__buf_adds(out, "\"canPay\":false,\"periodEnd\":null,\"avatarUrl\":\"/avatars/none.svg\",");
}

/* {"entity":…,"permissions":[…]}, … of a fine-grained token */
static void add_scopes(hf__buf *out, const srv_identity *who)
{
    hf__buf_adds(out, "\"fineGrained\":{\"canReadGatedRepos\":true,\"global\":[],\"scoped\":[");
    for (size_t i = 0; i < who->n_scopes; i++) {
        hf__str name;
        hf__str kind = hf__str_cut(hf__str_from(who->scopes[i].entity), '/', &name);
        srv_repo_type type = SRV_MODEL;
        bool is_repo = name.ptr && srv_repo_type_parse(kind, &type);
        bool own = hf__str_eq_nocase(kind, hf__str_from(who->account->name));

        hf__buf_adds(out, i > 0 ? ",{\"entity\":{" : "{\"entity\":{");
        srv_json_text(out, "type", is_repo ? srv_repo_type_name(type) : (own ? "user" : "org"));
        hf__buf_adds(out, "\"name\":");
        hf__json_add_string(out, is_repo ? name : hf__str_from(who->scopes[i].entity));
        hf__buf_addf(out, "},\"permissions\":[\"repo.content.read\"%s]}",
                     who->scopes[i].permissions & SRV_SCOPE_WRITE ? ",\"repo.write\"" : "");
    }
    hf__buf_adds(out, "]},");
}

static void add_token(hf__buf *out, const srv_identity *who)
{
    hf__buf_adds(out, "\"accessToken\":{");
    srv_json_text(out, "displayName", who->token_name);
    srv_json_time(out, "createdAt", who->token_created);
    if (who->role == SRV_ROLE_FINE_GRAINED)
        add_scopes(out, who);
    hf__buf_addf(out, "\"role\":\"%s\"},", srv_role_name(who->role));
}

void srv_whoami(srv_req *req)
{
    const srv_identity *who;
    hf__buf out;

    if (!srv_only(req, "GET"))
        return;
    if (!srv_authenticate(req) || !req->who->account) {
        if (req->answer.status == 0 || req->answer.status == 401)
            srv_answer_error(req, 401, NULL, "Invalid username or password.");
        return;
    }
    who = req->who;
    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addc(&out, '{');
    add_account(&out, who->account);
    hf__buf_addf(&out, "\"emailVerified\":%s,\"isPro\":false,\"orgs\":[",
                 who->account->email ? "true" : "false");
    for (size_t i = 0; i < who->n_orgs; i++) {
        hf__buf_adds(&out, i > 0 ? ",{" : "{");
        add_account(&out, &who->orgs[i].org);
        hf__buf_addf(&out, "\"roleInOrg\":\"%s\"}", srv_org_role_name(who->orgs[i].role));
    }
    hf__buf_adds(&out, "],\"auth\":{");
    if (who->token_expires > 0)
        srv_json_time(&out, "expiresAt", who->token_expires);
    /* A login has no name that its user gave it; clients make one of the user's. */
    if (!who->is_oauth)
        add_token(&out, who);
    hf__buf_addf(&out, "\"type\":\"%s\"}}", who->is_oauth ? "app_token_as_user" : "access_token");
    srv_answer_json(req, 200, &out);
}

/* ----------------------------------------------------------------------------------------- page */

static void add_page_repos(srv_req *req, hf__buf *out, srv_repo_type type)
{
    static const srv_identity nobody = { 0 };
    srv_repo_query query = { .type = type, .viewer = &nobody, .limit = 1000 };
    hf_error err = HF_ERROR_INIT;
    const srv_repo *repos = NULL;
    size_t n = 0;

    if (srv_repo_list(store_of(req), &query, req->arena, &repos, &n, &err) != HF_OK || n == 0)
        return;
    hf__buf_addf(out, "<h2>%s</h2>\n<ul>\n", srv_repo_type_plural(type));
    /* A repo id needs no escaping: letters, digits, '-', '_', '.', '/' (hub-http 1.2). */
    for (size_t i = 0; i < n; i++)
        hf__buf_addf(out, "<li><a href=\"/api/%s/%s\">%s</a></li>\n", srv_repo_type_plural(type),
                     repos[i].full_name, repos[i].full_name);
    hf__buf_adds(out, "</ul>\n");
}

void srv_page(srv_req *req)
{
    const char *base = srv_base_url(req, SRV_HUB);
    const char *text;
    hf__buf out;

    if (!srv_only(req, "GET"))
        return;
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addf(&out,
                 "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                 "<title>hf-serve</title></head><body>\n<h1>hf-serve " HF_VERSION_STRING "</h1>\n"
                 "<p>A Hub of one's own. Clients find it with <code>HF_ENDPOINT=%s</code>.</p>\n",
                 base);
    for (int type = SRV_MODEL; type <= SRV_KERNEL; type++)
        add_page_repos(req, &out, (srv_repo_type)type);
    hf__buf_adds(&out, "</body></html>\n");
    text = out.status == HF_OK ? hf__arena_str(req->arena, hf__buf_str(&out)) : NULL;
    srv_header_set(req, "Content-Security-Policy", "default-src 'none'");
    if (text)
        srv_answer_text(req, 200, "text/html; charset=utf-8", (hf__str){ text, out.len });
    else
        srv_answer_error(req, 503, NULL, "out of memory");
    hf__buf_dispose(&out);
}
