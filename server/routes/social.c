/* SPDX-License-Identifier: Apache-2.0 */
/* Likes, requests for gated repos, users and organisations. */
#include "routes/routes.h"

#include "core/limits.h"

#include <string.h>

#define MAX_REASON 200

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static void answer_ok(srv_req *req, hf_status st, const hf_error *err)
{
    if (st != HF_OK)
        srv_answer_status(req, st, err);
    else
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
}

static void add_user(hf__buf *out, const char *key, const srv_account *account)
{
    srv_json_text(out, key, account->name);
    srv_json_text(out, "fullname", account->fullname);
    srv_json_text(out, "avatarUrl", "/avatars/none.svg");
    srv_json_text(out, "type", account->is_org ? "org" : "user");
}

/* Members of an object, for one of a list; the opening brace is there. */
typedef void add_one_fn(hf__buf *out, const void *list, size_t i);

/* The page asked for of a list that was read whole. */
static void answer_page(srv_req *req, const void *list, size_t n, add_one_fn *add_one)
{
    size_t first, end;
    hf__buf out;

    if (!srv_page_bounds(req, n, &first, &end))
        return;
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = first; i < end; i++) {
        hf__buf_adds(&out, i > first ? ",{" : "{");
        add_one(&out, list, i);
        srv_json_end(&out);
    }
    hf__buf_addc(&out, ']');
    srv_answer_json(req, 200, &out);
}

/* ------------------------------------------------------------------------------------------ likes */

void srv_like_repo(srv_req *req, srv_place *place)
{
    bool like = strcmp(req->method, "POST") == 0;
    hf_error err = HF_ERROR_INIT;

    if (!like && strcmp(req->method, "DELETE") != 0) {
        srv_only(req, "POST");
        return;
    }
    if (!srv_may_act(req) || !srv_place_open(req, place, SRV_WANT_INFO))
        return;
    answer_ok(req, srv_like_set(store_of(req), place->repo, req->who->account->name, like, &err),
              &err);
}

static void add_liker(hf__buf *out, const void *list, size_t i)
{
    add_user(out, "user", &((const srv_like *)list)[i].account);
}

void srv_likers(srv_req *req, srv_place *place)
{
    const srv_like *likes = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t n = 0;
    hf_status st;

    if (!srv_only(req, "GET") || !srv_place_open(req, place, SRV_WANT_INFO))
        return;
    st = srv_like_list(store_of(req), place->repo, NULL, req->arena, &likes, &n, &err);
    if (st == HF_OK)
        answer_page(req, likes, n, add_liker);
    else
        srv_answer_status(req, st, &err);
}

static bool sees(srv_req *req, const srv_like *like)
{
    srv_place place = { .type = like->type };
    hf_error err = HF_ERROR_INIT;

    if (!like->repo_is_private)
        return true;
    return srv_repo_find(store_of(req), like->type, hf__str_from(like->repo), req->arena,
                         &place.repo, NULL, &err) == HF_OK &&
           srv_place_may(req, &place, SRV_WANT_INFO);
}

static void list_likes(srv_req *req, const srv_account *account)
{
    const srv_like *likes = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t first, end;
    size_t n = 0;
    bool any = false;
    hf__buf out;
    hf_status st;

    st = srv_like_list(store_of(req), NULL, account->name, req->arena, &likes, &n, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    if (!srv_page_bounds(req, n, &first, &end))
        return;
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = first; i < end; i++) {
        if (!sees(req, &likes[i]))
            continue;
        hf__buf_adds(&out, any ? ",{" : "{");
        any = true;
        srv_json_time(&out, "createdAt", likes[i].created);
        hf__buf_adds(&out, "\"repo\":{");
        srv_json_text(&out, "name", likes[i].repo);
        srv_json_text(&out, "type", srv_repo_type_name(likes[i].type));
        srv_json_end(&out);
        hf__buf_addc(&out, '}');
    }
    hf__buf_addc(&out, ']');
    srv_answer_json(req, 200, &out);
}

/* --------------------------------------------------------------------------------------- accounts */

static void overview(srv_req *req, const srv_account *account)
{
    const srv_membership *orgs = NULL;
    hf_error err = HF_ERROR_INIT;
    srv_overview sum;
    size_t n = 0;
    hf__buf out;
    hf_status st = srv_account_overview(store_of(req), account, &sum, &err);

    if (st == HF_OK && !account->is_org)
        st = srv_member_list(store_of(req), account, req->arena, &orgs, &n, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '{');
    srv_json_text(&out, "_id", account->id);
    add_user(&out, account->is_org ? "name" : "user", account);
    srv_json_u64(&out, "numModels", sum.n_repos[SRV_MODEL]);
    srv_json_u64(&out, "numDatasets", sum.n_repos[SRV_DATASET]);
    srv_json_u64(&out, "numSpaces", sum.n_repos[SRV_SPACE]);
    srv_json_u64(&out, "numFollowers", 0);
    srv_json_u64(&out, "numPapers", 0);
    if (account->is_org) {
        srv_json_u64(&out, "numUsers", sum.n_members);
        srv_json_bool(&out, "isVerified", false);
    } else {
        srv_json_time(&out, "createdAt", account->created);
        srv_json_bool(&out, "isPro", false);
        srv_json_u64(&out, "numDiscussions", sum.n_discussions);
        srv_json_u64(&out, "numLikes", sum.n_likes);
        srv_json_u64(&out, "numUpvotes", 0);
        srv_json_u64(&out, "numFollowing", 0);
        hf__buf_adds(&out, "\"orgs\":[");
        for (size_t i = 0; i < n; i++) {
            hf__buf_adds(&out, i > 0 ? ",{" : "{");
            add_user(&out, "name", &orgs[i].org);
            srv_json_end(&out);
        }
        hf__buf_adds(&out, "],");
    }
    srv_json_end(&out);
    srv_answer_json(req, 200, &out);
}

static void add_member(hf__buf *out, const void *list, size_t i)
{
    const srv_membership *member = (const srv_membership *)list + i;

    add_user(out, "user", &member->org);
    srv_json_bool(out, "isPro", false);
    srv_json_text(out, "role", srv_org_role_name(member->role));
}

static void members(srv_req *req, const srv_account *account)
{
    const srv_membership *list = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t n = 0;
    hf_status st = srv_member_list(store_of(req), account, req->arena, &list, &n, &err);

    if (st == HF_OK)
        answer_page(req, list, n, add_member);
    else
        srv_answer_status(req, st, &err);
}

void srv_account_info(srv_req *req, const hf__str *segments, size_t n)
{
    bool org = hf__str_eq(segments[0], HF__STR("organizations"));
    const char *name = srv_unescape(req->arena, segments[1], false);
    const srv_account *account = NULL;
    hf_error err = HF_ERROR_INIT;
    hf__str what = segments[2];
    hf_status st;

    if (!srv_only(req, "GET") || !srv_authenticate(req))
        return;
    st =
        srv_account_find(store_of(req), hf__str_from(name ? name : ""), req->arena, &account, &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    else if (!account || account->is_org != org)
        srv_answer_error(req, 404, NULL, "This %s does not exist", org ? "organization" : "user");
    else if (n == 3 && hf__str_eq(what, HF__STR("overview")))
        overview(req, account);
    else if (n == 3 && !org && hf__str_eq(what, HF__STR("likes")))
        list_likes(req, account);
    else if (n == 3 && org && hf__str_eq(what, HF__STR("members")))
        members(req, account);
    else if (n == 4 && org && hf__str_eq(what, HF__STR("settings")) &&
             hf__str_eq(segments[3], HF__STR("repositories")))
        srv_owned_repos(req, account);
    else if (n == 3 && (hf__str_eq(what, HF__STR("followers")) ||
                        (!org && hf__str_eq(what, HF__STR("following")))))
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("[]"));
    else
        srv_answer_error(req, 404, NULL, "Not Found");
}

/* ------------------------------------------------------------------------------- access requests */

static const struct state {
    const char *name;
    srv_grant grant;
} states[] = {
    { "pending", SRV_GRANT_PENDING },
    { "accepted", SRV_GRANT_ACCEPTED },
    { "rejected", SRV_GRANT_REJECTED },
};

static const struct state *find_state(hf__str name)
{
    for (size_t i = 0; i < HF__COUNT(states); i++)
        if (hf__str_eq(name, hf__str_from(states[i].name)))
            return &states[i];
    return NULL;
}

static bool is_gated(srv_req *req, const srv_place *place)
{
    if (place->repo->gated != SRV_GATED_NO)
        return true;
    srv_answer_error(req, 400, NULL, "The repo %s is not gated", place->repo->full_name);
    return false;
}

static void add_request(hf__buf *out, const void *list, size_t i)
{
    const srv_request *request = (const srv_request *)list + i;

    hf__buf_adds(out, "\"user\":{");
    add_user(out, "user", &request->account);
    srv_json_text(out, "email", request->account.email);
    srv_json_end(out);
    hf__buf_addc(out, ',');
    srv_json_text(out, "requestId", request->account.id);
    for (size_t k = 0; k < HF__COUNT(states); k++)
        if (states[k].grant == request->grant)
            srv_json_text(out, "status", states[k].name);
    srv_json_time(out, "timestamp", request->changed);
}

static void list_requests(srv_req *req, const srv_place *place, const struct state *state)
{
    const srv_request *list = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t n = 0;
    hf_status st;

    if (!is_gated(req, place))
        return;
    st = srv_request_list(store_of(req), place->repo, state->grant, req->arena, &list, &n, &err);
    if (st == HF_OK)
        answer_page(req, list, n, add_request);
    else
        srv_answer_status(req, st, &err);
}

/* The user of the request with this id: that of their account. NULL: none. */
static const char *user_of_request(srv_req *req, const srv_place *place, const char *id)
{
    for (size_t i = 0; i < HF__COUNT(states); i++) {
        const srv_request *list = NULL;
        hf_error err = HF_ERROR_INIT;
        size_t n = 0;

        if (srv_request_list(store_of(req), place->repo, states[i].grant, req->arena, &list, &n,
                             &err) != HF_OK)
            return NULL;
        for (size_t k = 0; k < n; k++)
            if (strcmp(list[k].account.id, id) == 0)
                return list[k].account.name;
    }
    return NULL;
}

/* The user of a body, and how their request stands; false after an answer. */
static bool find_user(srv_req *req, const srv_place *place, const hf__json *body, const char **user,
                      srv_grant *grant)
{
    const srv_account *account = NULL;
    hf_error err = HF_ERROR_INIT;
    const char *id = NULL;
    hf_status st;

    if (!is_gated(req, place) || !srv_body_text(req, body, "user", user) ||
        !srv_body_text(req, body, "requestId", &id))
        return false;
    if (!*user && id && !(*user = user_of_request(req, place, id))) {
        srv_answer_error(req, 404, NULL, "There is no request '%.32s'", id);
        return false;
    }
    if (!*user && !srv_body_need(req, body, "user", user))
        return false;
    st = srv_account_find(store_of(req), hf__str_from(*user), req->arena, &account, &err);
    if (st == HF_OK && account && !account->is_org)
        st = srv_request_find(store_of(req), place->repo, *user, grant, &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    else if (!account || account->is_org)
        srv_answer_error(req, 404, NULL, "The user '%.96s' does not exist", *user);
    else
        return true;
    return false;
}

static void handle(srv_req *req, const srv_place *place, const hf__json *body)
{
    const struct state *state;
    hf_error err = HF_ERROR_INIT;
    const char *reason;
    const char *status;
    const char *user;
    srv_grant grant;

    if (!srv_body_need(req, body, "status", &status) ||
        !srv_body_text(req, body, "rejectionReason", &reason) ||
        !find_user(req, place, body, &user, &grant))
        return;
    state = find_state(hf__str_from(status));
    if (!state)
        srv_answer_error(req, 400, NULL, "\"status\" must be one of [accepted, rejected, pending]");
    else if (reason && (state->grant != SRV_GRANT_REJECTED || strlen(reason) > MAX_REASON))
        srv_answer_error(req, 400, NULL, "a reason of at most %d bytes goes with a rejection only",
                         MAX_REASON);
    else if (grant == SRV_GRANT_NONE)
        srv_answer_error(req, 404, NULL, "The user '%.96s' has not asked for access", user);
    else if (grant == state->grant)
        srv_answer_error(req, 400, NULL, "The request is %s already", state->name);
    else
        answer_ok(req, srv_repo_grant(store_of(req), place->repo, user, state->grant, &err), &err);
}

static void grant_access(srv_req *req, const srv_place *place, const hf__json *body)
{
    hf_error err = HF_ERROR_INIT;
    const char *user;
    srv_grant grant;

    if (!find_user(req, place, body, &user, &grant))
        return;
    if (grant == SRV_GRANT_ACCEPTED)
        srv_answer_error(req, 400, NULL, "The user '%.96s' has access already", user);
    else
        answer_ok(req, srv_repo_grant(store_of(req), place->repo, user, SRV_GRANT_ACCEPTED, &err),
                  &err);
}

static void request_handler(srv_req *req)
{
    srv_place *place = req->state;
    hf__json *body;

    if (!srv_body_json(req, &body))
        return;
    if (hf__str_eq(place->segments[1], HF__STR("handle")))
        handle(req, place, body);
    else
        grant_access(req, place, body);
    hf__json_free(body);
}

/* The caller's own request, while nobody has decided. */
static void cancel_own(srv_req *req, const srv_place *place)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_request_cancel(store_of(req), place->repo, req->who->account->name, &err);

    if (st == HF_ERR_ENTRY_NOT_FOUND)
        srv_answer_error(req, 404, NULL, "%s", err.message);
    else
        answer_ok(req, st, &err);
}

void srv_requests(srv_req *req, srv_place *place)
{
    hf__str what = place->n_segments == 2 ? place->segments[1] : HF__STR("");
    const struct state *state = find_state(what);

    if (state) {
        if (srv_only(req, "GET") && srv_need_account(req) &&
            srv_place_open(req, place, SRV_WANT_ADMIN))
            list_requests(req, place, state);
    } else if (hf__str_eq(what, HF__STR("cancel"))) {
        if (srv_only(req, "POST") && srv_may_act(req) && srv_place_open(req, place, SRV_WANT_INFO))
            cancel_own(req, place);
    } else if (hf__str_eq(what, HF__STR("handle")) || hf__str_eq(what, HF__STR("grant"))) {
        if (srv_only(req, "POST") && srv_place_open(req, place, SRV_WANT_ADMIN))
            srv_body_await(req, request_handler, place);
    } else {
        srv_answer_error(req, 404, NULL, "Not Found");
    }
}

static void ask_handler(srv_req *req)
{
    srv_place *place = req->state;
    srv_grant grant = place->repo->gated == SRV_GATED_AUTO ? SRV_GRANT_ACCEPTED : SRV_GRANT_PENDING;
    hf_error err = HF_ERROR_INIT;

    if (is_gated(req, place))
        answer_ok(
            req, srv_request_make(store_of(req), place->repo, req->who->account->name, grant, &err),
            &err);
}

/* What the button on the Hub's page does. The fields of its form are not kept. */
void srv_ask_access(srv_req *req, srv_place *place)
{
    if (srv_only(req, "POST") && srv_may_act(req) && srv_place_open(req, place, SRV_WANT_INFO))
        srv_body_await(req, ask_handler, place);
}
