/* SPDX-License-Identifier: Apache-2.0 */
/* {A}/discussions: discussions and pull requests. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define PAGE        50
#define MAX_TITLE   300
#define MAX_TEXT    ((size_t)64 * 1024)
#define MAX_DIFF    ((size_t)4 * 1024 * 1024)
#define MAX_COMMITS 500

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static const char *me(const srv_req *req)
{
    return req->who->account->name;
}

/* ---------------------------------------------------------------------------------------- answers */

static void add_author(hf__buf *out, const char *name)
{
    if (!name)
        return; /* whoever it was is gone */
    hf__buf_adds(out, "\"author\":{");
    srv_json_text(out, "name", name);
    srv_json_text(out, "type", "user");
    srv_json_end(out);
    hf__buf_addc(out, ',');
}

static void add_talk(hf__buf *out, const srv_place *place, const srv_talk *talk)
{
    srv_json_u64(out, "num", talk->num);
    srv_json_text(out, "title", talk->title);
    srv_json_text(out, "status", srv_talk_status_name(talk->status));
    add_author(out, talk->author);
    srv_json_time(out, "createdAt", talk->created);
    srv_json_bool(out, "isPullRequest", talk->is_pr);
    hf__buf_adds(out, "\"repo\":{");
    srv_json_text(out, "name", place->repo->full_name);
    srv_json_text(out, "type", srv_repo_type_name(place->type));
    srv_json_end(out);
    hf__buf_addc(out, ',');
}

/* Text is told as it was written; where HTML is wanted, without its markup. */
static void add_comment(hf__buf *out, const srv_event *event)
{
    srv_json_bool(out, "edited", event->n_edits > 0);
    srv_json_bool(out, "hidden", event->hidden);
    srv_json_u64(out, "numEdits", event->n_edits);
    hf__buf_adds(out, "\"latest\":{");
    srv_json_text(out, "raw", event->one);
    srv_json_time(out, "updatedAt", event->edited ? event->edited : event->created);
    add_author(out, event->author);
    srv_json_end(out);
    hf__buf_adds(out, ",\"history\":[],");
}

static void add_event(hf__buf *out, const srv_event *event)
{
    static const char *const names[] = { "comment", "status-change", "title-change" };

    hf__buf_addc(out, '{');
    srv_json_text(out, "id", event->id);
    srv_json_text(out, "type", names[event->type]);
    srv_json_time(out, "createdAt", event->created);
    add_author(out, event->author);
    hf__buf_adds(out, "\"data\":{");
    if (event->type == SRV_EVENT_COMMENT) {
        add_comment(out, event);
    } else if (event->type == SRV_EVENT_STATUS) {
        srv_json_text(out, "status", event->one);
    } else {
        srv_json_text(out, "from", event->one);
        srv_json_text(out, "to", event->two);
    }
    srv_json_end(out);
    hf__buf_addc(out, '}');
}

static void answer_event(srv_req *req, const char *name, const srv_event *event)
{
    hf__buf out;

    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addf(&out, "{\"%s\":", name);
    add_event(&out, event);
    hf__buf_addc(&out, '}');
    srv_answer_json(req, 200, &out);
}

/* ------------------------------------------------------------------------------------------- list */

static bool read_choice(srv_req *req, const char *name, const char *yes, const char *no, int *out)
{
    const char *value = srv_req_param(req, name);

    *out = 0;
    if (!value || !*value || strcmp(value, "all") == 0)
        return true;
    *out = strcmp(value, yes) == 0 ? 1 : -1;
    if (*out == 1 || strcmp(value, no) == 0)
        return true;
    srv_answer_error(req, 400, NULL, "\"%s\" must be one of [all, %s, %s]", name, yes, no);
    return false;
}

static void list(srv_req *req, const srv_place *place)
{
    srv_talk_query query = { .limit = PAGE };
    const srv_talk *talks = NULL;
    hf_error err = HF_ERROR_INIT;
    uint64_t total = 0;
    uint64_t page;
    size_t n = 0;
    hf__buf out;
    hf_status st;

    if (!read_choice(req, "type", "pull_request", "discussion", &query.pr) ||
        !read_choice(req, "status", "open", "closed", &query.open))
        return;
    if (!srv_req_u64(req, "p", 0, &page) || page > UINT32_MAX) {
        srv_answer_error(req, 400, NULL, "p must be a number");
        return;
    }
    query.author = srv_req_param(req, "author");
    query.skip = (size_t)page * PAGE;
    st = srv_talk_list(store_of(req), place->repo, &query, req->arena, &talks, &n, &total, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '{');
    srv_json_u64(&out, "count", total);
    srv_json_u64(&out, "start", query.skip);
    hf__buf_adds(&out, "\"discussions\":[");
    for (size_t i = 0; i < n; i++) {
        hf__buf_adds(&out, i > 0 ? ",{" : "{");
        add_talk(&out, place, &talks[i]);
        srv_json_end(&out);
    }
    hf__buf_adds(&out, "]}");
    srv_answer_json(req, 200, &out);
}

/* ---------------------------------------------------------------------------------------- details */

/* Commits of a pull request, between the events by their time. */
static void add_events(hf__buf *out, const srv_event *events, size_t n,
                       const srv_commit *const *commits, size_t n_commits)
{
    size_t c = 0;

    hf__buf_adds(out, "\"events\":[");
    for (size_t i = 0; i <= n; i++) {
        /* The first comment comes first: it is what the pull request says of itself. */
        while (i > 0 && c < n_commits && (i == n || commits[c]->date < events[i].created)) {
            hf__buf_adds(out, ",{");
            hf__buf_addf(out, "\"id\":\"%.24s\",\"type\":\"commit\",", commits[c]->id);
            srv_json_time(out, "createdAt", commits[c]->date);
            add_author(out, commits[c]->author);
            hf__buf_adds(out, "\"data\":{");
            srv_json_text(out, "subject", commits[c]->title);
            srv_json_text(out, "oid", commits[c]->id);
            srv_json_end(out);
            hf__buf_addc(out, '}');
            c++;
        }
        if (i == n)
            break;
        if (i > 0)
            hf__buf_addc(out, ',');
        add_event(out, &events[i]);
    }
    hf__buf_adds(out, "],");
}

typedef struct both {
    srv_git *git;
    char ours[SRV_OID_HEX + 1];
    char theirs[SRV_OID_HEX + 1];
} both;

/* false: the pull request has no commits yet. */
static bool open_sides(srv_req *req, const srv_place *place, const srv_talk *talk, both *out)
{
    hf_error err = HF_ERROR_INIT;
    char ref[40];

    *out = (both){ 0 };
    (void)snprintf(ref, sizeof ref, "refs/pr/%llu", (unsigned long long)talk->num);
    return srv_git_open(store_of(req), place->repo, &out->git, &err) == HF_OK &&
           srv_git_resolve(out->git, HF__STR("refs/heads/main"), out->ours, &err) == HF_OK &&
           srv_git_resolve(out->git, hf__str_from(ref), out->theirs, &err) == HF_OK;
}

static hf_status add_changes(srv_req *req, hf__buf *out, const srv_talk *talk, const both *sides,
                             bool diff, hf_error *err)
{
    const char *const *conflicts = NULL;
    hf_status st = HF_OK;
    hf__buf text;

    hf__buf_adds(out, "\"changes\":{");
    srv_json_text(out, "base", "refs/heads/main");
    if (talk->merged)
        srv_json_text(out, "mergeCommitId", talk->merged);
    srv_json_end(out);
    hf__buf_adds(out, ",\"filesWithConflicts\":[");
    if (sides->theirs[0] && talk->status != SRV_TALK_MERGED)
        st = srv_git_conflicts(sides->git, sides->ours, sides->theirs, req->arena, &conflicts, err);
    for (size_t i = 0; st == HF_OK && conflicts && conflicts[i]; i++) {
        if (i > 0)
            hf__buf_addc(out, ',');
        hf__json_add_string(out, hf__str_from(conflicts[i]));
    }
    hf__buf_adds(out, "],");
    if (st == HF_OK && diff) {
        hf__buf_init(&text, MAX_DIFF);
        if (sides->theirs[0])
            st = srv_git_diff(sides->git, sides->ours, sides->theirs, &text, err);
        hf__buf_adds(out, "\"diff\":");
        hf__json_add_string(out, hf__buf_str(&text));
        hf__buf_addc(out, ',');
        hf__buf_dispose(&text);
    }
    return st;
}

static void details(srv_req *req, const srv_place *place, const srv_talk *talk)
{
    const srv_commit *const *commits = NULL;
    const srv_event *events = NULL;
    hf_error err = HF_ERROR_INIT;
    size_t n_commits = 0;
    both sides = { 0 };
    size_t n = 0;
    hf__buf out;
    hf_status st;

    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '{');
    add_talk(&out, place, talk);
    st = srv_talk_events(store_of(req), talk, req->arena, &events, &n, &err);
    if (st == HF_OK && talk->is_pr && open_sides(req, place, talk, &sides))
        st = srv_git_ahead(sides.git, sides.ours, sides.theirs, MAX_COMMITS, req->arena, &commits,
                           &n_commits, &err);
    if (st == HF_OK) {
        add_events(&out, events, n, commits, n_commits);
        if (talk->is_pr)
            st = add_changes(req, &out, talk, &sides, srv_req_flag(req, "diff"), &err);
    }
    srv_git_close(sides.git);
    srv_json_end(&out);
    if (st == HF_OK)
        srv_answer_json(req, 200, &out);
    else
        srv_answer_status(req, st, &err);
    hf__buf_dispose(&out);
}

/* --------------------------------------------------------------------------------------- changing */

static bool fits(srv_req *req, const char *key, size_t max, const char *text)
{
    if (strlen(text) <= max)
        return true;
    srv_answer_error(req, 400, NULL, "\"%s\" is longer than %zu bytes", key, max);
    return false;
}

static bool read_text(srv_req *req, const hf__json *body, const char *key, size_t max,
                      const char **out)
{
    return srv_body_need(req, body, key, out) && fits(req, key, max, *out);
}

/* Text that may be left out: NULL then, and when it is empty. */
static bool read_maybe(srv_req *req, const hf__json *body, const char *key, const char **out)
{
    if (!srv_body_text(req, body, key, out))
        return false;
    if (*out && !**out)
        *out = NULL;
    return !*out || fits(req, key, MAX_TEXT, *out);
}

static bool is_author(const srv_req *req, const char *author)
{
    return author && hf__str_eq_nocase(hf__str_from(author), hf__str_from(me(req)));
}

/* Whoever wrote it, or may write to the repo. */
static bool may_change(srv_req *req, const srv_place *place, const char *author)
{
    if (is_author(req, author) || srv_place_may(req, place, SRV_WANT_WRITE))
        return true;
    srv_answer_error(req, 403, NULL, "You don't have the rights to do this on %s.",
                     place->repo->full_name);
    return false;
}

/* An empty pull request begins where main is. */
static hf_status begin_pr(srv_req *req, const srv_place *place, uint64_t num, hf_error *err)
{
    char commit[SRV_OID_HEX + 1];
    srv_git *git = NULL;
    char ref[40];
    hf_status st = srv_git_open(store_of(req), place->repo, &git, err);

    (void)snprintf(ref, sizeof ref, "refs/pr/%llu", (unsigned long long)num);
    if (st == HF_OK)
        st = srv_git_resolve(git, HF__STR("refs/heads/main"), commit, err);
    if (st == HF_OK)
        st = srv_git_ref_make(git, ref, commit, false, err);
    srv_git_close(git);
    if (st != HF_OK)
        (void)srv_talk_drop(store_of(req), place->repo, num, NULL);
    return st;
}

static void create(srv_req *req, srv_place *place, const hf__json *body)
{
    srv_talk talk = { .author = me(req), .is_pr = hf__json_bool(body, "pullRequest", false) };
    hf_error err = HF_ERROR_INIT;
    const char *text = NULL;
    uint64_t num = 0;
    hf__buf out;
    hf_status st;

    talk.status = talk.is_pr ? SRV_TALK_DRAFT : SRV_TALK_OPEN;
    if (!read_text(req, body, "title", MAX_TITLE, &talk.title) ||
        !read_maybe(req, body, "description", &text))
        return;
    st = srv_talk_new(store_of(req), place->repo, &talk, text ? text : "", &num, &err);
    if (st == HF_OK && talk.is_pr)
        st = begin_pr(req, place, num, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addc(&out, '{');
    srv_json_u64(&out, "num", num);
    srv_json_bool(&out, "pullRequest", talk.is_pr);
    hf__buf_addf(&out, "\"url\":\"%s%s/discussions/%llu\"}", srv_base_url(req, SRV_HUB),
                 srv_place_web(req, place), (unsigned long long)num);
    srv_answer_json(req, 200, &out);
}

typedef struct talking {
    srv_place *place;
    srv_talk talk;
    const char *verb;    /* NULL: create */
    const char *comment; /* id of a comment that is edited or hidden */
} talking;

static void comment(srv_req *req, const talking *t, const hf__json *body)
{
    hf_error err = HF_ERROR_INIT;
    srv_event event;
    const char *text;
    hf_status st;

    if (!read_text(req, body, "comment", MAX_TEXT, &text))
        return;
    st = srv_talk_comment(store_of(req), &t->talk, me(req), text, req->arena, &event, &err);
    if (st == HF_OK)
        answer_event(req, "newMessage", &event);
    else
        srv_answer_status(req, st, &err);
}

static void rename_talk(srv_req *req, const talking *t, const hf__json *body)
{
    hf_error err = HF_ERROR_INIT;
    const char *title;
    srv_event event;
    hf_status st;

    if (!may_change(req, t->place, t->talk.author) ||
        !read_text(req, body, "title", MAX_TITLE, &title))
        return;
    st = srv_talk_rename(store_of(req), &t->talk, me(req), title, req->arena, &event, &err);
    if (st == HF_OK)
        answer_event(req, "newTitle", &event);
    else
        srv_answer_status(req, st, &err);
}

static void set_status(srv_req *req, const talking *t, const hf__json *body)
{
    hf_error err = HF_ERROR_INIT;
    srv_talk_status status;
    const char *remark;
    const char *name;
    srv_event event;
    hf_status st;

    if (!may_change(req, t->place, t->talk.author) || !srv_body_need(req, body, "status", &name) ||
        !read_maybe(req, body, "comment", &remark))
        return;
    status = strcmp(name, "open") == 0 ? SRV_TALK_OPEN : SRV_TALK_CLOSED;
    if (status == SRV_TALK_CLOSED && strcmp(name, "closed") != 0)
        srv_answer_error(req, 400, NULL, "\"status\" must be one of [open, closed]");
    else if (t->talk.status == SRV_TALK_MERGED)
        srv_answer_error(req, 400, NULL, "a merged pull request stays merged");
    else if (t->talk.status == status)
        srv_answer_error(req, 400, NULL, "it is %s already", name);
    else {
        st = srv_talk_set_status(store_of(req), &t->talk, me(req), status, NULL, remark, req->arena,
                                 &event, &err);
        if (st == HF_OK)
            answer_event(req, "newStatus", &event);
        else
            srv_answer_status(req, st, &err);
    }
}

static hf_status merge_commits(srv_req *req, const talking *t, char out[SRV_OID_HEX + 1],
                               hf_error *err)
{
    srv_commit_spec spec = { .ref = "refs/heads/main", .author = me(req) };
    char title[MAX_TITLE + 32];
    both sides;
    hf_status st;

    (void)snprintf(title, sizeof title, "%s (#%llu)", t->talk.title,
                   (unsigned long long)t->talk.num);
    spec.title = title;
    if (open_sides(req, t->place, &t->talk, &sides)) {
        spec.parent = sides.ours;
        st = srv_git_merge(sides.git, &spec, sides.theirs, out, err);
    } else {
        st = hf__fail(err, HF_ERR_INVALID_ARG, "there is nothing to merge");
    }
    srv_git_close(sides.git);
    return st;
}

static void merge(srv_req *req, const talking *t, const hf__json *body)
{
    char commit[SRV_OID_HEX + 1] = "";
    hf_error err = HF_ERROR_INIT;
    const char *remark;
    srv_event event;
    hf_status st;

    if (!srv_place_may(req, t->place, SRV_WANT_WRITE)) {
        srv_answer_error(req, 403, NULL, "You don't have the rights to merge into %s.",
                         t->place->repo->full_name);
        return;
    }
    if (!read_maybe(req, body, "comment", &remark))
        return;
    if (!t->talk.is_pr || t->talk.status != SRV_TALK_OPEN) {
        srv_answer_error(req, 400, NULL,
                         "This is no open pull request: it is %s, and cannot be merged",
                         t->talk.is_pr ? srv_talk_status_name(t->talk.status) : "a discussion");
        return;
    }
    st = merge_commits(req, t, commit, &err);
    if (st == HF_OK)
        st = srv_talk_set_status(store_of(req), &t->talk, me(req), SRV_TALK_MERGED, commit, remark,
                                 req->arena, &event, &err);
    if (st == HF_OK)
        answer_event(req, "newStatus", &event);
    else
        srv_answer_status(req, st, &err);
}

/* edit by whoever wrote it; hide, for good, also by who may write to the repo */
static void change_comment(srv_req *req, const talking *t, const hf__json *body)
{
    bool hide = strcmp(t->verb, "hide") == 0;
    hf_error err = HF_ERROR_INIT;
    const char *text = NULL;
    srv_event event;
    hf_status st;

    st = srv_comment_find(store_of(req), &t->talk, t->comment, req->arena, &event, &err);
    if (st != HF_OK) {
        srv_answer_error(req, 404, NULL, "%s", err.message);
        return;
    }
    if (hide ? !may_change(req, t->place, event.author) : !is_author(req, event.author)) {
        if (req->answer.status == 0)
            srv_answer_error(req, 403, NULL, "only its author may edit a comment");
        return;
    }
    if (!hide && !read_text(req, body, "content", MAX_TEXT, &text))
        return;
    st = srv_comment_edit(store_of(req), &t->talk, t->comment, text, req->arena, &event, &err);
    if (st == HF_OK)
        answer_event(req, "updatedComment", &event);
    else
        srv_answer_status(req, st, &err);
}

typedef void verb_fn(srv_req *req, const talking *t, const hf__json *body);

static const struct verb {
    const char *name;
    bool of_comment;
    verb_fn *fn;
} verbs[] = {
    { "comment", false, comment },    { "title", false, rename_talk },
    { "status", false, set_status },  { "merge", false, merge },
    { "edit", true, change_comment }, { "hide", true, change_comment },
};

/* false when it answered */
static bool find_talk(srv_req *req, talking *t)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st =
        srv_talk_find(store_of(req), t->place->repo, t->talk.num, req->arena, &t->talk, &err);

    if (st == HF_ERR_ENTRY_NOT_FOUND)
        srv_answer_error(req, 404, NULL, "%s", err.message);
    else if (st != HF_OK)
        srv_answer_status(req, st, &err);
    return st == HF_OK;
}

static void handler(srv_req *req)
{
    talking *t = req->state;
    hf__json *body;

    if (!srv_body_json(req, &body))
        return;
    /* Read only now: it may change as long as the body keeps us waiting. */
    if (t->verb && find_talk(req, t))
        for (size_t i = 0; i < HF__COUNT(verbs); i++)
            if (strcmp(verbs[i].name, t->verb) == 0)
                verbs[i].fn(req, t, body);
    if (!t->verb)
        create(req, t->place, body);
    hf__json_free(body);
}

/* discussions/{num}, …/{num}/{verb}, …/{num}/comment/{id}/{verb} */
static bool read_verb(srv_req *req, srv_place *place, talking *t)
{
    const hf__str *seg = place->segments;
    size_t n = place->n_segments;
    bool of_comment = n == 5 && hf__str_eq(seg[2], HF__STR("comment"));
    hf__str verb = of_comment ? seg[4] : (n == 3 ? seg[2] : HF__STR(""));

    for (size_t i = 0; i < HF__COUNT(verbs); i++)
        if (verbs[i].of_comment == of_comment && hf__str_eq(verb, hf__str_from(verbs[i].name)))
            t->verb = verbs[i].name;
    if (of_comment)
        t->comment = srv_unescape(req->arena, seg[3], false);
    return t->verb && (!of_comment || t->comment);
}

void srv_discussions(srv_req *req, srv_place *place)
{
    talking *t = hf__arena_alloc(req->arena, sizeof *t);
    bool post = strcmp(req->method, "POST") == 0;

    if (!t)
        return;
    t->place = place;
    if (post && !srv_may_act(req))
        return;
    if ((!post && !srv_only(req, "GET")) || !srv_place_open(req, place, SRV_WANT_INFO))
        return;
    if (place->n_segments == 1) {
        if (post)
            srv_body_await(req, handler, t);
        else
            list(req, place);
        return;
    }
    if (!hf__str_to_u64(place->segments[1], &t->talk.num) || t->talk.num > INT32_MAX ||
        (post ? !read_verb(req, place, t) : place->n_segments != 2))
        srv_answer_error(req, 404, NULL, "Not Found");
    else if (post)
        srv_body_await(req, handler, t);
    else if (find_talk(req, t))
        details(req, place, &t->talk);
}
