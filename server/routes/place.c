/* SPDX-License-Identifier: Apache-2.0 */
/* What every route below a repo asks first: who is it, does the repo exist for them, which commit.
 * Here is decided what a refusal looks like (hub-http 3.2 and 3.4). */
#include "routes/routes.h"

#include "core/base64.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BAD_TOKEN     "Invalid credentials in Authorization header"
#define NOT_LOGGED_IN "Invalid username or password."

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

bool srv_only(srv_req *req, const char *methods)
{
    if (strcmp(req->method, methods) == 0 ||
        (strcmp(methods, "GET") == 0 && strcmp(req->method, "HEAD") == 0))
        return true;
    srv_header_set(req, "Allow", strcmp(methods, "GET") == 0 ? "GET, HEAD" : methods);
    srv_answer_error(req, 405, NULL, "Method Not Allowed");
    return false;
}

/* ----------------------------------------------------------------------------------------- who */

/* The token of "Bearer T" or of "Basic base64(user:T)"; false when it is neither. */
static bool read_token(srv_req *req, const char *header, hf__str *out)
{
    hf__str text = hf__str_trim(hf__str_from(header));
    hf__str rest;
    hf__str scheme = hf__str_cut(text, ' ', &rest);
    hf__buf plain;
    char *copy;
    bool ok;

    rest = hf__str_trim(rest);
    if (!rest.ptr || rest.len == 0)
        return false;
    if (hf__str_eq_nocase(scheme, HF__STR("Bearer"))) {
        *out = rest;
        return true;
    }
    if (!hf__str_eq_nocase(scheme, HF__STR("Basic")))
        return false;
    hf__buf_init(&plain, 2 * HF__MAX_TOKEN);
    ok = hf__base64_decode(&plain, HF__BASE64_STANDARD, rest) && plain.status == HF_OK;
    if (ok) {
        hf__str_cut(hf__buf_str(&plain), ':', &rest);
        copy = rest.ptr ? hf__arena_str(req->arena, rest) : NULL;
        ok = copy != NULL;
        *out = hf__str_from(copy);
    }
    hf__buf_dispose(&plain);
    return ok;
}

static void want_login(srv_req *req, const char *message)
{
    srv_answer_error(req, 401, NULL, "%s", message);
}

bool srv_authenticate(srv_req *req)
{
    const char *header = srv_req_header(req, "Authorization");
    hf__str token = { "", 0 };
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    if (header && !read_token(req, header, &token)) {
        want_login(req, BAD_TOKEN);
        return false;
    }
    st = srv_identity_find(store_of(req), token, req->arena, &req->who, &err);
    if (st == HF_OK)
        return true;
    if (st == HF_ERR_UNAUTHORIZED)
        want_login(req, BAD_TOKEN);
    else
        srv_answer_failed(req, &err);
    return false;
}

bool srv_need_account(srv_req *req)
{
    if (!req->who && !srv_authenticate(req))
        return false;
    if (req->who->account)
        return true;
    want_login(req, NOT_LOGGED_IN);
    return false;
}

bool srv_may_act(srv_req *req)
{
    if (!srv_need_account(req))
        return false;
    if (srv_access_create(req->who, hf__str_from(req->who->account->name)) == SRV_ALLOWED)
        return true;
    srv_answer_error(req, 403, NULL, "This token cannot write: it needs the role write.");
    return false;
}

srv_want srv_want_of_commit(const srv_req *req, const srv_place *place)
{
    bool pr =
        place->n_segments > 1 && (hf__str_starts(place->segments[1], HF__STR("refs%2Fpr%2F")) ||
                                  hf__str_starts(place->segments[1], HF__STR("refs%2fpr%2f")) ||
                                  hf__str_eq(place->segments[1], HF__STR("refs")));

    return pr || srv_req_flag(req, "create_pr") ? SRV_WANT_PROPOSE : SRV_WANT_WRITE;
}

bool srv_place_may(srv_req *req, const srv_place *place, srv_want want)
{
    srv_access access = SRV_HIDDEN;
    hf_error err = HF_ERROR_INIT;

    return srv_access_decide(store_of(req), place->repo, req->who, want, &access, &err) == HF_OK &&
           access == SRV_ALLOWED;
}

/* ------------------------------------------------------------------------------------- refusals */

void srv_answer_status(srv_req *req, hf_status st, const hf_error *err)
{
    switch (st) {
    case HF_ERR_REPO_NOT_FOUND:
        srv_answer_error(req, 404, "RepoNotFound", "Repository not found");
        break;
    case HF_ERR_ENTRY_NOT_FOUND:
        srv_answer_error(req, 404, "EntryNotFound", "Entry not found");
        break;
    case HF_ERR_REVISION_NOT_FOUND:
        srv_answer_error(req, 404, "RevisionNotFound", "%s", err->message);
        break;
    case HF_ERR_INVALID_ARG:
    case HF_ERR_UNSAFE_PATH:
        srv_answer_error(req, 400, NULL, "%s", err->message);
        break;
    case HF_ERR_CONFLICT:
        srv_answer_error(req, 409, NULL, "%s", err->message);
        break;
    case HF_ERR_CORRUPT:
        srv_answer_error(req, 400, NULL, "%s", err->message);
        break;
    case HF_ERR_DISK_FULL:
        srv_answer_error(req, 507, NULL, "the server has no space left");
        break;
    case HF_ERR_LIMIT:
        srv_answer_error(req, 413, NULL, "%s", err->message);
        break;
    default:
        srv_answer_failed(req, err);
    }
}

static bool is_anonymous(const srv_req *req)
{
    return !req->who || !req->who->account;
}

/* What must stay hidden looks exactly like what is not there. */
static void hide(srv_req *req)
{
    /* The Hub leaves the code out of its 401. Its Python client then takes the 401 of a repo for
     * "not found" at an https address only, so on http, where this is at home, the code must tell. */
    if (is_anonymous(req))
        srv_answer_error(req, 401, "RepoNotFound", "%s", NOT_LOGGED_IN);
    else
        srv_answer_error(req, 404, "RepoNotFound", "Repository not found");
}

static void refuse_gated(srv_req *req, const srv_place *place)
{
    const char *type = srv_repo_type_name(place->type);

    if (is_anonymous(req))
        srv_answer_error(req, 401, "GatedRepo",
                         "Access to %s %s is restricted. You must have access to it and be "
                         "authenticated to access it. Please log in.",
                         type, place->repo->full_name);
    else
        srv_answer_error(req, 403, "GatedRepo",
                         "Access to %s %s is restricted and you are not in the authorized list. "
                         "Ask its owner for access.",
                         type, place->repo->full_name);
}

static void refuse(srv_req *req, const srv_place *place, srv_access access)
{
    switch (access) {
    case SRV_GATED:
        refuse_gated(req, place);
        break;
    case SRV_DISABLED:
        srv_answer_error(req, 403, NULL, "Access to this resource is disabled.");
        break;
    case SRV_FORBIDDEN:
        srv_answer_error(req, 403, NULL, "You don't have the rights to do this on %s.",
                         place->repo->full_name);
        break;
    case SRV_ANONYMOUS:
        want_login(req, NOT_LOGGED_IN);
        break;
    default:
        hide(req);
    }
}

/* Relative, as the Hub's: the client repeats the request there with its token. */
static void redirect_moved(srv_req *req, const srv_place *place)
{
    hf__buf to;
    const char *text;

    hf__buf_init(&to, 2 * SRV_MAX_TARGET);
    hf__buf_add_str(&to, place->before);
    hf__buf_adds(&to, place->repo->full_name);
    hf__buf_add_str(&to, place->after);
    if (req->query.len > 0) {
        hf__buf_addc(&to, '?');
        hf__buf_add_str(&to, req->query);
    }
    text = to.status == HF_OK ? hf__arena_str(req->arena, hf__buf_str(&to)) : NULL;
    hf__buf_dispose(&to);
    if (text)
        srv_answer_redirect(req, 307, text);
    else
        srv_answer_error(req, 414, NULL, "the new name does not fit into a URL");
}

bool srv_place_open(srv_req *req, srv_place *place, srv_want want)
{
    hf_error err = HF_ERROR_INIT;
    srv_access access = SRV_HIDDEN;
    bool moved = false;
    hf_status st;

    /* Git asks for a password only when told which kind is wanted. */
    if (place->is_git)
        srv_header_set(req, "WWW-Authenticate", "Basic realm=\"hf-serve\"");
    if (!req->who && !srv_authenticate(req))
        return false;
    st = srv_repo_find(store_of(req), place->type, hf__str_from(place->id), req->arena,
                       &place->repo, &moved, &err);
    if (st == HF_OK)
        st = srv_access_decide(store_of(req), place->repo, req->who, want, &access, &err);
    if (st == HF_ERR_REPO_NOT_FOUND || st == HF_ERR_INVALID_ARG) {
        hide(req);
        return false;
    }
    if (st != HF_OK) {
        srv_answer_failed(req, &err);
        return false;
    }
    if (access != SRV_ALLOWED) {
        refuse(req, place, access);
        return false;
    }
    srv_header_set(req, "WWW-Authenticate", NULL);
    if (moved && !place->is_git) {
        redirect_moved(req, place);
        return false;
    }
    return true;
}

/* --------------------------------------------------------------------------- revision and path */

/* One escaped segment, or the literal refs/pr/N and refs/convert/X of careless clients. */
static const char *revision_text(srv_req *req, const srv_place *place, size_t at, size_t *n_used)
{
    const hf__str *seg = place->segments + at;
    hf__str whole = seg[0];

    *n_used = 1;
    if (at + 2 < place->n_segments && hf__str_eq(seg[0], HF__STR("refs")) &&
        (hf__str_eq(seg[1], HF__STR("pr")) || hf__str_eq(seg[1], HF__STR("convert")))) {
        whole.len = (size_t)(seg[2].ptr + seg[2].len - seg[0].ptr);
        *n_used = 3;
    }
    return srv_unescape(req->arena, whole, false);
}

const char *srv_place_revision_text(srv_req *req, const srv_place *place)
{
    const char *revision = "main";
    size_t n_used;

    if (place->n_segments > 1 && place->segments[1].len > 0)
        revision = revision_text(req, place, 1, &n_used);
    if (!revision)
        srv_answer_error(req, 400, NULL, "malformed revision in the URL");
    return revision;
}

const char *srv_place_web(srv_req *req, const srv_place *place)
{
    const char *out;
    hf__buf path;

    hf__buf_init(&path, SRV_MAX_TARGET);
    hf__buf_addc(&path, '/');
    if (place->type != SRV_MODEL)
        hf__buf_addf(&path, "%s/", srv_repo_type_plural(place->type));
    hf__buf_adds(&path, place->repo->full_name);
    out = hf__arena_str(req->arena, hf__buf_str(&path));
    hf__buf_dispose(&path);
    return out ? out : "";
}

bool srv_place_revision(srv_req *req, const srv_place *place, size_t at, srv_git **git,
                        char commit[SRV_OID_HEX + 1], size_t *n_used)
{
    const char *revision = "main";
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    *git = NULL;
    *n_used = 0;
    if (at < place->n_segments && place->segments[at].len > 0)
        revision = revision_text(req, place, at, n_used);
    if (!revision) {
        srv_answer_error(req, 400, NULL, "malformed revision in the URL");
        return false;
    }
    st = srv_git_open(store_of(req), place->repo, git, &err);
    if (st == HF_OK)
        st = srv_git_resolve(*git, hf__str_from(revision), commit, &err);
    if (st == HF_OK)
        return true;
    srv_git_close(*git);
    *git = NULL;
    if (st == HF_ERR_REVISION_NOT_FOUND || st == HF_ERR_INVALID_ARG)
        srv_answer_error(req, 404, "RevisionNotFound", "Invalid rev id: %s", revision);
    else
        srv_answer_failed(req, &err);
    return false;
}

const char *srv_place_path(srv_req *req, const srv_place *place, size_t at)
{
    const char *end = place->after.ptr + place->after.len;
    char *path;
    size_t len;

    if (at >= place->n_segments)
        return "";
    path = srv_unescape(
        req->arena, (hf__str){ place->segments[at].ptr, (size_t)(end - place->segments[at].ptr) },
        false);
    if (!path) {
        srv_answer_error(req, 400, NULL, "malformed path in the URL");
        return NULL;
    }
    len = strlen(path);
    if (len > 0 && path[len - 1] == '/')
        path[len - 1] = '\0';
    return path;
}
