/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of repos, who the caller is, and the one page for people. */
#include "routes/routes.h"

#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE     1000
#define MAX_SORT 100000

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

/* ---------------------------------------------------------------------------------------- repos */

/* ?search= may be repeated; all must match. The store looks for the first. */
static bool matches_searches(const srv_req *req, const srv_repo *repo)
{
    for (const srv_param *p = req->params; p; p = p->next) {
        bool found = p->value[0] == '\0';
        size_t len = strlen(p->value);

        if (!srv_param_is(p, "search"))
            continue;
        for (const char *at = repo->full_name; *at && !found; at++)
            found =
                hf__str_eq_nocase((hf__str){ at, strnlen(at, len) }, (hf__str){ p->value, len });
        if (!found)
            return false;
    }
    return true;
}

/* No repo has tags or a task yet, so a filter finds nothing rather than everything. */
static bool filtered_out(const srv_req *req, const srv_repo *repo)
{
    const char *gated = srv_req_param(req, "gated");
    const char *task = srv_req_param(req, "pipeline_tag");
    const char *filter = srv_req_param(req, "filter");

    if ((task && *task) || (filter && *filter))
        return true;
    return gated && (strcmp(gated, "true") == 0 || strcmp(gated, "True") == 0) !=
                        (repo->gated != SRV_GATED_NO);
}

static int by_likes(const void *a, const void *b)
{
    const srv_repo *x = a;
    const srv_repo *y = b;

    return (x->likes < y->likes) - (x->likes > y->likes);
}

static int by_downloads(const void *a, const void *b)
{
    const srv_repo *x = a;
    const srv_repo *y = b;

    return (x->downloads < y->downloads) - (x->downloads > y->downloads);
}

static int by_id(const void *a, const void *b)
{
    const srv_repo *x = a;
    const srv_repo *y = b;

    return strcmp(x->full_name, y->full_name);
}

typedef int compare_fn(const void *a, const void *b);

/* false: an order nobody knows. *out NULL: newest first, the order the store has. */
static bool read_sort(srv_req *req, compare_fn **out)
{
    const char *sort = srv_req_param(req, "sort");

    *out = NULL;
    if (!sort || !*sort || strcmp(sort, "createdAt") == 0 || strcmp(sort, "lastModified") == 0 ||
        strcmp(sort, "trendingScore") == 0)
        return true;
    if (strcmp(sort, "downloads") == 0)
        *out = by_downloads;
    else if (strcmp(sort, "likes") == 0 || strcmp(sort, "likes30d") == 0)
        *out = by_likes;
    else if (strcmp(sort, "id") == 0)
        *out = by_id;
    else
        srv_answer_error(req, 400, NULL, "Invalid sort '%.64s'", sort);
    return *out != NULL;
}

/* A record of the list; with full, or the expand that asks for it, git is looked into. */
static bool add_record(srv_req *req, hf__buf *out, const srv_repo *repo)
{
    bool full = srv_req_flag(req, "full") || srv_req_param(req, "expand");
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    srv_git *git = NULL;
    bool ok;

    if (full && srv_git_open(store_of(req), repo, &git, &err) == HF_OK &&
        srv_git_resolve(git, HF__STR("main"), commit, &err) != HF_OK) {
        srv_git_close(git);
        git = NULL;
    }
    ok = srv_json_repo(req, out, repo, git, commit);
    srv_git_close(git);
    return ok;
}

typedef struct list_state {
    srv_repo_query query;
    compare_fn *sort;
    uint64_t limit;
    uint64_t skip; /* of the sorted list */
    hf__buf out;
    size_t n;
    int64_t last_key;
    bool more;
} list_state;

static bool add_repos(srv_req *req, list_state *list, const srv_repo *repos, size_t n)
{
    for (size_t i = 0; i < n && !list->more; i++) {
        if (!matches_searches(req, &repos[i]) || filtered_out(req, &repos[i]))
            continue;
        if (list->skip > 0) {
            list->skip--;
            continue;
        }
        if (list->n == list->limit) {
            list->more = true;
            break;
        }
        if (list->n++ > 0)
            hf__buf_addc(&list->out, ',');
        list->last_key = repos[i].key;
        if (!add_record(req, &list->out, &repos[i]))
            return false;
    }
    return true;
}

static bool run_list(srv_req *req, list_state *list)
{
    hf_error err = HF_ERROR_INIT;
    const srv_repo *repos;
    hf_status st;
    size_t n = 0;

    if (list->sort) {
        srv_repo *copy;

        list->query.limit = MAX_SORT;
        list->query.after_key = 0;
        st = srv_repo_list(store_of(req), &list->query, req->arena, &repos, &n, &err);
        copy = st == HF_OK ? hf__arena_array(req->arena, n + 1, sizeof(*copy)) : NULL;
        if (copy) {
            if (n > 0)
                memcpy(copy, repos, n * sizeof(*copy));
            qsort(copy, n, sizeof(*copy), list->sort);
            return add_repos(req, list, copy, n);
        }
        srv_answer_failed(req, &err);
        return false;
    }
    do {
        list->query.limit = PAGE;
        st = srv_repo_list(store_of(req), &list->query, req->arena, &repos, &n, &err);
        if (st != HF_OK) {
            srv_answer_failed(req, &err);
            return false;
        }
        if (!add_repos(req, list, repos, n))
            return false;
        if (n > 0)
            list->query.after_key = repos[n - 1].key;
    } while (n == PAGE && !list->more);
    return true;
}

void srv_repos(srv_req *req, srv_repo_type type)
{
    uint32_t page = srv_server_conf(req->server)->page_size;
    list_state list = { .query = { .type = type } };
    uint64_t cursor = 0;
    char next[32];

    if (!srv_only(req, "GET") || !srv_authenticate(req) || !read_sort(req, &list.sort))
        return;
    if (!srv_req_u64(req, "limit", page ? page : PAGE, &list.limit) || list.limit == 0 ||
        !srv_req_u64(req, "cursor", 0, &cursor) || cursor > INT64_MAX) {
        srv_answer_error(req, 400, NULL, "limit and cursor must be numbers");
        return;
    }
    if (list.limit > PAGE)
        list.limit = PAGE;
    list.query.ns = srv_req_param(req, "author");
    list.query.search = srv_req_param(req, "search");
    list.query.viewer = req->who;
    if (list.sort)
        list.skip = cursor;
    else
        list.query.after_key = (int64_t)cursor;
    hf__buf_init(&list.out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&list.out, '[');
    if (run_list(req, &list)) {
        hf__buf_addc(&list.out, ']');
        snprintf(next, sizeof(next), "%" PRId64,
                 list.sort ? (int64_t)(cursor + list.n) : list.last_key);
        if (list.more)
            srv_link_next(req, "cursor", next);
        srv_answer_json(req, 200, &list.out);
    }
    hf__buf_dispose(&list.out);
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
    hf__buf_adds(&out, "],\"auth\":{\"type\":\"access_token\",");
    if (who->token_expires > 0)
        srv_json_time(&out, "expiresAt", who->token_expires);
    hf__buf_adds(&out, "\"accessToken\":{");
    srv_json_text(&out, "displayName", who->token_name);
    srv_json_time(&out, "createdAt", who->token_created);
    if (who->role == SRV_ROLE_FINE_GRAINED)
        add_scopes(&out, who);
    hf__buf_addf(&out, "\"role\":\"%s\"}}}", srv_role_name(who->role));
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
