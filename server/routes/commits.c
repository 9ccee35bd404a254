/* SPDX-License-Identifier: Apache-2.0 */
/* {A}/commits/{rev} and {A}/refs: the history and where it has names. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define PAGE     50
#define MAX_PAGE 1000

/* What the Hub calls formatted is HTML; plain text is, once it is escaped. */
static void add_html(hf__buf *out, const char *name, const char *text, const char *end)
{
    hf__buf html;

    hf__buf_init(&html, HF__MAX_SMALL_FILE);
    for (const char *c = text; *c; c++) {
        if (*c == '<')
            hf__buf_adds(&html, "&lt;");
        else if (*c == '>')
            hf__buf_adds(&html, "&gt;");
        else if (*c == '&')
            hf__buf_adds(&html, "&amp;");
        else
            hf__buf_addc(&html, *c);
    }
    hf__buf_addf(out, "\"%s\":", name);
    hf__json_add_string(out, hf__buf_str(&html));
    hf__buf_adds(out, end);
    hf__buf_dispose(&html);
}

static void add_commit(hf__buf *out, const srv_commit *commit, bool formatted)
{
    hf__buf_addc(out, '{');
    srv_json_text(out, "id", commit->id);
    srv_json_text(out, "title", commit->title);
    srv_json_text(out, "message", commit->message);
    srv_json_time(out, "date", commit->date);
    if (formatted) {
        hf__buf_adds(out, "\"formatted\":{");
        add_html(out, "title", commit->title, ",");
        add_html(out, "message", commit->message, "},");
    }
    hf__buf_adds(out, "\"authors\":[{\"user\":");
    hf__json_add_string(out, hf__str_from(commit->author));
    hf__buf_adds(out, "}]}");
}

static void list_commits(srv_req *req, srv_git *git, const char *commit)
{
    uint32_t page_size = srv_server_conf(req->server)->page_size;
    bool formatted = srv_req_wants(req, "expand", "formatted");
    const srv_commit *commits = NULL;
    hf_error err = HF_ERROR_INIT;
    uint64_t limit, page, total = 0;
    char next[32];
    size_t n = 0;
    hf__buf out;
    hf_status st;

    if (!srv_req_u64(req, "limit", page_size ? page_size : PAGE, &limit) || limit == 0 ||
        !srv_req_u64(req, "p", 0, &page) || page > UINT32_MAX) {
        srv_answer_error(req, 400, NULL, "limit and p must be numbers");
        return;
    }
    if (limit > MAX_PAGE)
        limit = MAX_PAGE;
    st = srv_git_log(git, commit, (size_t)(page * limit), (size_t)limit, req->arena, &commits, &n,
                     &total, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            hf__buf_addc(&out, ',');
        add_commit(&out, &commits[i], formatted);
    }
    hf__buf_addc(&out, ']');
    srv_header_setf(req, "X-Total-Count", "%llu", (unsigned long long)total);
    if ((page + 1) * limit < total) {
        snprintf(next, sizeof(next), "%llu", (unsigned long long)(page + 1));
        srv_link_next(req, "p", next);
    }
    srv_answer_json(req, 200, &out);
}

void srv_commits(srv_req *req, srv_place *place)
{
    char commit[SRV_OID_HEX + 1];
    srv_git *git;
    size_t n_used;

    if (!srv_only(req, "GET") || !srv_place_open(req, place, SRV_WANT_INFO) ||
        !srv_place_revision(req, place, 1, &git, commit, &n_used))
        return;
    list_commits(req, git, commit);
    srv_git_close(git);
}

/* ----------------------------------------------------------------------------------------- refs */

static void add_refs(hf__buf *out, const char *name, srv_ref_kind kind, const srv_ref *refs,
                     size_t n)
{
    bool first = true;

    hf__buf_addf(out, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (refs[i].kind != kind)
            continue;
        hf__buf_adds(out, first ? "{" : ",{");
        first = false;
        srv_json_text(out, "name", refs[i].name);
        srv_json_text(out, "ref", refs[i].ref);
        hf__buf_addf(out, "\"targetCommit\":\"%s\"}", refs[i].commit);
    }
    hf__buf_addc(out, ']');
}

void srv_refs(srv_req *req, srv_place *place)
{
    srv_app *app = srv_server_app(req->server);
    const srv_ref *refs = NULL;
    hf_error err = HF_ERROR_INIT;
    srv_git *git = NULL;
    size_t n = 0;
    hf__buf out;
    hf_status st;

    if (!srv_only(req, "GET") || !srv_place_open(req, place, SRV_WANT_INFO))
        return;
    st = srv_git_open(app->store, place->repo, &git, &err);
    if (st == HF_OK)
        st = srv_git_refs(git, req->arena, &refs, &n, &err);
    srv_git_close(git);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '{');
    add_refs(&out, "branches", SRV_REF_BRANCH, refs, n);
    hf__buf_addc(&out, ',');
    add_refs(&out, "converts", SRV_REF_CONVERT, refs, n);
    hf__buf_addc(&out, ',');
    add_refs(&out, "tags", SRV_REF_TAG, refs, n);
    if (srv_req_flag(req, "include_prs")) {
        hf__buf_addc(&out, ',');
        add_refs(&out, "pullRequests", SRV_REF_PR, refs, n);
    }
    hf__buf_addc(&out, '}');
    srv_answer_json(req, 200, &out);
}
