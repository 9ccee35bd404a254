/* SPDX-License-Identifier: Apache-2.0 */
/* {A}/branch, {A}/tag and {A}/super-squash: names of commits come and go. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define MAX_REF (HF__MAX_REVISION + 16)

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

/* The one escaped segment that names a branch or tag. */
static bool read_name(srv_req *req, const srv_place *place, const char *folder, char ref[MAX_REF])
{
    const char *name = NULL;

    if (place->n_segments > 1)
        name = srv_place_path(req, place, 1);
    if (req->answer.status != 0)
        return false;
    if (!name || !*name || strlen(name) > HF__MAX_REVISION) {
        srv_answer_error(req, 400, NULL, "the URL must name a branch or tag");
        return false;
    }
    if (strncmp(name, "refs/", 5) == 0) {
        srv_answer_error(req, 400, NULL, "Invalid reference for a %s: %s",
                         strcmp(folder, "heads") == 0 ? "branch" : "tag", name);
        return false;
    }
    (void)snprintf(ref, MAX_REF, "refs/%s/%s", folder, name);
    return true;
}

static void answer_ok(srv_req *req, hf_status st, const hf_error *err)
{
    if (st != HF_OK)
        srv_answer_status(req, st, err);
    else
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
}

static hf_status resolve_start(srv_git *git, const char *start, char commit[SRV_OID_HEX + 1],
                               hf_error *err)
{
    hf_status st = srv_git_resolve(git, hf__str_from(start), commit, err);

    if (st == HF_ERR_INVALID_ARG || st == HF_ERR_REVISION_NOT_FOUND)
        st = hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "Invalid rev id: %.128s", start);
    return st;
}

/* ------------------------------------------------------------------------------------- branches */

/* A branch whose first commit has no files. */
static hf_status make_empty(srv_req *req, srv_git *git, const char *ref, hf_error *err)
{
    srv_commit_spec spec = {
        .ref = ref, .parent = "", .author = req->who->account->name, .title = "initial commit"
    };
    char commit[SRV_OID_HEX + 1];
    srv_change *change = NULL;
    bool made;
    hf_status st = srv_change_new(git, NULL, &change, err);

    if (st == HF_OK)
        st = srv_change_commit(change, &spec, commit, &made, err);
    srv_change_free(change);
    return st == HF_ERR_CONFLICT ? hf__fail(err, st, "'%s' exists already", ref) : st;
}

static void branch_handler(srv_req *req)
{
    srv_place *place = req->state;
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    hf__json *body = NULL;
    const char *start = NULL;
    srv_git *git = NULL;
    char ref[MAX_REF];
    hf_status st;

    if (!read_name(req, place, "heads", ref) || !srv_body_json(req, &body))
        return;
    if (srv_body_text(req, body, "startingPoint", &start)) {
        st = srv_git_open(store_of(req), place->repo, &git, &err);
        if (st == HF_OK && hf__json_bool(body, "emptyBranch", false)) {
            st = make_empty(req, git, ref, &err);
        } else if (st == HF_OK) {
            st = resolve_start(git, start ? start : "main", commit, &err);
            if (st == HF_OK)
                st = srv_git_ref_make(git, ref, commit, hf__json_bool(body, "overwrite", false),
                                      &err);
        }
        srv_git_close(git);
        answer_ok(req, st, &err);
    }
    hf__json_free(body);
}

static void delete_ref(srv_req *req, srv_place *place, const char *folder)
{
    hf_error err = HF_ERROR_INIT;
    srv_git *git = NULL;
    char ref[MAX_REF];
    hf_status st;

    if (!read_name(req, place, folder, ref))
        return;
    if (strcmp(ref, "refs/heads/main") == 0) {
        srv_answer_error(req, 403, NULL, "the branch main cannot be deleted");
        return;
    }
    st = srv_git_open(store_of(req), place->repo, &git, &err);
    if (st == HF_OK)
        st = srv_git_ref_delete(git, ref, &err);
    srv_git_close(git);
    if (st == HF_ERR_REVISION_NOT_FOUND)
        hf__fail(&err, st, "Invalid rev id: %.128s", ref + 6 + strlen(folder));
    answer_ok(req, st, &err);
}

static bool post_or_delete(srv_req *req)
{
    if (strcmp(req->method, "POST") == 0 || strcmp(req->method, "DELETE") == 0)
        return true;
    srv_header_set(req, "Allow", "POST, DELETE");
    srv_answer_error(req, 405, NULL, "Method Not Allowed");
    return false;
}

void srv_branch(srv_req *req, srv_place *place)
{
    if (!post_or_delete(req) || !srv_place_open(req, place, SRV_WANT_WRITE))
        return;
    if (strcmp(req->method, "DELETE") == 0)
        delete_ref(req, place, "heads");
    else
        srv_body_await(req, branch_handler, place);
}

/* ----------------------------------------------------------------------------------------- tags */

static void tag_handler(srv_req *req)
{
    srv_place *place = req->state;
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    const char *message = NULL;
    const char *name = NULL;
    hf__json *body = NULL;
    srv_git *git = NULL;
    size_t n_used;
    hf_status st;

    if (!srv_body_json(req, &body))
        return;
    if (srv_body_need(req, body, "tag", &name) && srv_body_text(req, body, "message", &message) &&
        srv_place_revision(req, place, 1, &git, commit, &n_used)) {
        st = strncmp(name, "refs/", 5) == 0
                 ? hf__fail(&err, HF_ERR_INVALID_ARG, "Invalid reference for a tag: %.128s", name)
                 : srv_git_tag_make(git, name, commit, message, req->who->account->name, &err);
        srv_git_close(git);
        if (st == HF_ERR_CONFLICT)
            hf__fail(&err, st, "Tag %.128s already exists", name);
        answer_ok(req, st, &err);
    }
    hf__json_free(body);
}

void srv_tag(srv_req *req, srv_place *place)
{
    if (!post_or_delete(req) || !srv_place_open(req, place, SRV_WANT_WRITE))
        return;
    if (strcmp(req->method, "DELETE") == 0)
        delete_ref(req, place, "tags");
    else
        srv_body_await(req, tag_handler, place);
}

/* --------------------------------------------------------------------------------- super-squash */

static void squash_handler(srv_req *req)
{
    srv_place *place = req->state;
    srv_commit_spec spec = { .author = req->who->account->name };
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    hf__json *body = NULL;
    const char *message;
    srv_git *git = NULL;
    char ref[MAX_REF];
    char title[MAX_REF + 64];
    hf_status st;

    if (!read_name(req, place, "heads", ref) || !srv_body_json(req, &body))
        return;
    if (srv_body_text(req, body, "message", &message)) {
        (void)snprintf(title, sizeof title, "Super-squash branch '%s'",
                       ref + strlen("refs/heads/"));
        spec.ref = ref;
        spec.title = message && *message ? message : title;
        spec.message = message && *message ? NULL : "Super-squashed on the server";
        st = srv_git_open(store_of(req), place->repo, &git, &err);
        if (st == HF_OK)
            st = srv_git_squash(git, &spec, commit, &err);
        srv_git_close(git);
        if (st == HF_ERR_REVISION_NOT_FOUND)
            hf__fail(&err, st, "Invalid rev id: %.128s", ref + strlen("refs/heads/"));
        answer_ok(req, st, &err);
    }
    hf__json_free(body);
}

void srv_super_squash(srv_req *req, srv_place *place)
{
    if (srv_only(req, "POST") && srv_place_open(req, place, SRV_WANT_WRITE))
        srv_body_await(req, squash_handler, place);
}
