/* SPDX-License-Identifier: Apache-2.0 */
/* Repos come, go, move and change their settings: /api/repos/…, {A}/settings, {A}/duplicate. */
#include "routes/routes.h"

#include "core/base64.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define MAX_FILES   1000
#define MAX_REPO_ID 200

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static const char *web_url(srv_req *req, srv_repo_type type, const char *id)
{
    size_t size = strlen(srv_base_url(req, SRV_HUB)) + strlen(id) + 16;
    char *url = hf__arena_alloc(req->arena, size);

    if (url)
        (void)snprintf(url, size, "%s/%s%s%s", srv_base_url(req, SRV_HUB),
                       type == SRV_MODEL ? "" : srv_repo_type_plural(type),
                       type == SRV_MODEL ? "" : "/", id);
    return url ? url : "";
}

/* "type" of a body; a model when absent. */
static bool read_type(srv_req *req, const hf__json *body, srv_repo_type *out)
{
    const char *text;

    *out = SRV_MODEL;
    if (!srv_body_text(req, body, "type", &text))
        return false;
    if (!text || srv_repo_type_parse(hf__str_from(text), out))
        return true;
    srv_answer_error(req, 400, NULL,
                     "\"type\" must be one of [model, dataset, space, kernel], not '%.32s'", text);
    return false;
}

/* "name" and "organization" of a body as one id. Without a namespace it is the caller's. */
static bool read_id(srv_req *req, const hf__json *body, char id[MAX_REPO_ID])
{
    const char *name;
    const char *ns;
    int len;

    if (!srv_body_need(req, body, "name", &name) || !srv_body_text(req, body, "organization", &ns))
        return false;
    if (!ns && strchr(name, '/'))
        len = snprintf(id, MAX_REPO_ID, "%s", name);
    else
        len = snprintf(id, MAX_REPO_ID, "%s/%s", ns ? ns : req->who->account->name, name);
    if (len > 0 && len < MAX_REPO_ID)
        return true;
    srv_answer_error(req, 400, NULL, "the repo id is too long");
    return false;
}

/* "visibility", or "private" as it was called before. *set false: neither. */
static bool read_visibility(srv_req *req, const hf__json *body, bool *is_private, bool *set)
{
    const hf__json *old = hf__json_get(body, "private");
    const char *text;

    *is_private = hf__json_bool(body, "private", false);
    *set = !hf__json_is_null(old);
    if (!srv_body_text(req, body, "visibility", &text))
        return false;
    if (*set && hf__json_bool(body, "private", true) != *is_private) {
        srv_answer_error(req, 400, NULL, "\"private\" must be a boolean");
        return false;
    }
    if (!text)
        return true;
    *set = true;
    /* "protected" shows the app of a Space and hides its code: the code is what is here. */
    *is_private = strcmp(text, "private") == 0 || strcmp(text, "protected") == 0;
    if (*is_private || strcmp(text, "public") == 0)
        return true;
    srv_answer_error(req, 400, NULL, "\"visibility\" must be one of [public, private, protected]");
    return false;
}

static bool may_create(srv_req *req, srv_repo_type type, const char *id)
{
    hf__str rest;
    hf__str ns = hf__str_cut(hf__str_from(id), '/', &rest);

    if (srv_access_create(req->who, ns) == SRV_ALLOWED)
        return true;
    srv_answer_error(req, 403, NULL,
                     "You don't have the rights to create a %s under the namespace \"%.*s\"",
                     srv_repo_type_name(type), (int)ns.len, ns.ptr);
    return false;
}

/* Clients take the URL of what was there before as the URL of what they wanted. */
static void answer_exists(srv_req *req, srv_repo_type type, const char *id)
{
    char text[MAX_REPO_ID + 64];
    hf__buf out;

    (void)snprintf(text, sizeof text, "You already created this %s repo: %s",
                   srv_repo_type_name(type), id);
    srv_header_set(req, "X-Error-Message", text);
    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addc(&out, '{');
    srv_json_text(&out, "error", text);
    hf__buf_adds(&out, "\"url\":");
    hf__json_add_string(&out, hf__str_from(web_url(req, type, id)));
    hf__buf_addc(&out, '}');
    srv_answer_json(req, 409, &out);
}

static void answer_repo(srv_req *req, const srv_repo *repo)
{
    hf__buf out;

    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_addc(&out, '{');
    srv_json_text(&out, "url", web_url(req, repo->type, repo->full_name));
    srv_json_text(&out, "name", repo->full_name);
    hf__buf_addf(&out, "\"id\":\"%s\"}", repo->id);
    srv_answer_json(req, 200, &out);
}

static void create_repo(srv_req *req, const srv_repo_spec *spec)
{
    const srv_repo *repo = NULL;
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_repo_create(store_of(req), spec, req->arena, &repo, &err);

    if (st == HF_OK)
        answer_repo(req, repo);
    else if (st == HF_ERR_CONFLICT)
        answer_exists(req, spec->type, spec->id);
    else
        srv_answer_status(req, st, &err);
}

/* --------------------------------------------------------------------------------------- create */

static bool read_sdk(srv_req *req, const hf__json *body, srv_repo_spec *spec)
{
    static const char *const sdks[] = { "gradio", "streamlit", "docker", "static" };
    const char *sdk;

    if (!srv_body_text(req, body, "sdk", &sdk))
        return false;
    if (spec->type != SRV_SPACE)
        return true;
    for (size_t i = 0; sdk && i < HF__COUNT(sdks); i++)
        if (strcmp(sdk, sdks[i]) == 0)
            spec->sdk = sdks[i];
    if (spec->sdk)
        return true;
    srv_answer_error(req, 400, NULL,
                     "\"sdk\" is required for a Space: one of [gradio, streamlit, docker, static]");
    return false;
}

static bool read_file(srv_req *req, const hf__json *node, srv_new_file *file)
{
    const hf__json *content = hf__json_get(node, "content");
    const char *encoding;
    const char *path;
    hf__buf bytes;
    bool ok = true;

    if (!srv_body_need(req, node, "path", &path) ||
        !srv_body_text(req, node, "encoding", &encoding))
        return false;
    hf__buf_init(&bytes, SRV_MAX_BODY);
    if (!hf__json_is_string(content))
        ok = false;
    else if (encoding && strcmp(encoding, "base64") == 0)
        ok = hf__base64_decode(&bytes, HF__BASE64_STANDARD, hf__json_str(content));
    else
        hf__buf_add_str(&bytes, hf__json_str(content));
    file->path = hf__arena_cstr(req->arena, path);
    file->bytes = (hf__str){ hf__arena_str(req->arena, hf__buf_str(&bytes)), bytes.len };
    ok = ok && bytes.status == HF_OK && file->path && file->bytes.ptr;
    hf__buf_dispose(&bytes);
    if (!ok)
        srv_answer_error(req, 400, NULL, "the content of the file '%.128s' cannot be read", path);
    return ok;
}

/* The README that tells a license, or what a Space runs on; NULL when there is nothing to tell. */
static bool write_readme(srv_req *req, const srv_repo_spec *spec, const char *license,
                         srv_new_file *file)
{
    const char *name = strchr(spec->id, '/');
    hf__buf out;

    if (license && license[strspn(license, "abcdefghijklmnopqrstuvwxyz0123456789.-")]) {
        srv_answer_error(req, 400, NULL, "\"license\" is no license identifier: '%.32s'", license);
        return false;
    }
    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_adds(&out, "---\n");
    if (spec->sdk)
        hf__buf_addf(&out, "title: \"%s\"\nsdk: %s\n", name ? name + 1 : spec->id, spec->sdk);
    if (license)
        hf__buf_addf(&out, "license: %s\n", license);
    hf__buf_adds(&out, "---\n");
    file->path = "README.md";
    file->bytes = (hf__str){ hf__arena_str(req->arena, hf__buf_str(&out)), out.len };
    hf__buf_dispose(&out);
    if (file->bytes.ptr)
        return true;
    srv_answer_error(req, 503, NULL, "out of memory");
    return false;
}

static bool read_files(srv_req *req, const hf__json *body, srv_repo_spec *spec)
{
    const hf__json *list = hf__json_get(body, "files");
    size_t n = hf__json_is_array(list) ? hf__json_len(list) : 0;
    srv_new_file *files = hf__arena_array(req->arena, n + 1, sizeof *files);
    const char *license;

    if (!srv_body_text(req, body, "license", &license))
        return false;
    if (!files || n > MAX_FILES || (!n && !hf__json_is_null(list) && !hf__json_is_array(list))) {
        srv_answer_error(req, 400, NULL, "\"files\" must be an array of at most %d", MAX_FILES);
        return false;
    }
    spec->files = files;
    if (license || spec->sdk) {
        if (!write_readme(req, spec, license, &files[0]))
            return false;
        spec->n_files = 1;
    }
    for (size_t i = 0; i < n; i++)
        if (!read_file(req, hf__json_at(list, i), &files[spec->n_files++]))
            return false;
    return true;
}

static void create_with(srv_req *req, const hf__json *body)
{
    srv_repo_spec spec = { .author = req->who->account->name };
    char id[MAX_REPO_ID];
    bool set;

    spec.id = id;
    if (read_type(req, body, &spec.type) && read_id(req, body, id) &&
        may_create(req, spec.type, id) && read_visibility(req, body, &spec.is_private, &set) &&
        read_sdk(req, body, &spec) && read_files(req, body, &spec))
        create_repo(req, &spec);
}

/* ------------------------------------------------------------------------------- delete and move */

/* The repo of a body's id, if the caller may do this to it. */
static const srv_repo *open_repo(srv_req *req, srv_repo_type type, const char *id)
{
    srv_place *place = hf__arena_alloc(req->arena, sizeof *place);
    hf_error err = HF_ERROR_INIT;
    bool moved = false;

    if (!place) {
        srv_answer_error(req, 503, NULL, "out of memory");
        return NULL;
    }
    place->type = type;
    place->is_api = true;
    place->id = id;
    /* Only the name that it has now: an old one is no name to delete or move by. */
    if (srv_repo_find(store_of(req), type, hf__str_from(id), req->arena, &place->repo, &moved,
                      &err) == HF_OK &&
        moved && !hf__str_eq_nocase(hf__str_from(id), hf__str_from(place->repo->full_name))) {
        srv_answer_error(req, 404, "RepoNotFound", "Repository not found");
        return NULL;
    }
    if (place->repo)
        place->id = place->repo->full_name;
    return srv_place_open(req, place, SRV_WANT_ADMIN) ? place->repo : NULL;
}

static void delete_with(srv_req *req, const hf__json *body)
{
    hf_error err = HF_ERROR_INIT;
    const srv_repo *repo;
    srv_repo_type type;
    char id[MAX_REPO_ID];
    hf_status st;

    if (!read_type(req, body, &type) || !read_id(req, body, id))
        return;
    repo = open_repo(req, type, id);
    if (!repo)
        return;
    st = srv_repo_delete(store_of(req), repo, &err);
    if (st == HF_OK)
        srv_answer_text(req, 200, "text/plain; charset=utf-8", HF__STR("OK"));
    else
        srv_answer_status(req, st, &err);
}

static void move_with(srv_req *req, const hf__json *body)
{
    hf_error err = HF_ERROR_INIT;
    const srv_repo *repo;
    srv_repo_type type;
    const char *from;
    const char *to;
    hf_status st;

    if (!read_type(req, body, &type) || !srv_body_need(req, body, "fromRepo", &from) ||
        !srv_body_need(req, body, "toRepo", &to))
        return;
    repo = open_repo(req, type, from);
    if (!repo || !may_create(req, type, to))
        return;
    st = srv_repo_move(store_of(req), repo, to, &err);
    if (st == HF_OK)
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
    else
        srv_answer_status(req, st, &err);
}

typedef void with_fn(srv_req *req, const hf__json *body);

static const struct verb {
    const char *name;
    const char *method;
    with_fn *fn;
} verbs[] = {
    { "create", "POST", create_with },
    { "delete", "DELETE", delete_with },
    { "move", "POST", move_with },
};

static void manage_handler(srv_req *req)
{
    const struct verb *verb = req->state;
    hf__json *body;

    if (!srv_body_json(req, &body))
        return;
    verb->fn(req, body);
    hf__json_free(body);
}

void srv_manage(srv_req *req, hf__str name)
{
    for (size_t i = 0; i < HF__COUNT(verbs); i++) {
        if (!hf__str_eq(name, hf__str_from(verbs[i].name)))
            continue;
        if (srv_only(req, verbs[i].method) && srv_need_account(req))
            srv_body_await(req, manage_handler, (void *)(uintptr_t)&verbs[i]);
        return;
    }
    srv_answer_error(req, 404, NULL, "Not Found");
}

/* ------------------------------------------------------------------------ settings and duplicate */

static bool read_gated(srv_req *req, const hf__json *body, srv_repo_settings *settings)
{
    const hf__json *gated = hf__json_get(body, "gated");
    const char *text = hf__json_string(gated);

    if (!gated)
        return true;
    settings->set |= SRV_SET_GATED;
    if (text && strcmp(text, "auto") == 0)
        settings->gated = SRV_GATED_AUTO;
    else if (text && strcmp(text, "manual") == 0)
        settings->gated = SRV_GATED_MANUAL;
    else if (text || hf__json_bool(body, "gated", true)) { /* only false gives false */
        srv_answer_error(req, 400, NULL, "\"gated\" must be one of [auto, manual, false]");
        return false;
    }
    return true;
}

static void settings_handler(srv_req *req)
{
    srv_place *place = req->state;
    srv_repo_settings settings = { 0 };
    hf_error err = HF_ERROR_INIT;
    hf__json *body;
    hf_status st = HF_OK;
    bool set;

    if (!srv_body_json(req, &body))
        return;
    if (read_visibility(req, body, &settings.is_private, &set) &&
        read_gated(req, body, &settings)) {
        if (set)
            settings.set |= SRV_SET_PRIVATE;
        if (settings.set & SRV_SET_GATED && place->type == SRV_SPACE)
            st = hf__fail(&err, HF_ERR_INVALID_ARG, "a Space cannot be gated");
        else if (settings.set)
            st = srv_repo_set(store_of(req), place->repo, &settings, &err);
        if (st == HF_OK)
            srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
        else
            srv_answer_status(req, st, &err);
    }
    hf__json_free(body);
}

void srv_settings(srv_req *req, srv_place *place)
{
    if (srv_only(req, "PUT") && srv_place_open(req, place, SRV_WANT_ADMIN))
        srv_body_await(req, settings_handler, place);
}

static void duplicate_handler(srv_req *req)
{
    srv_place *place = req->state;
    srv_repo_spec spec = { .type = place->type, .copy_of = place->repo, .sdk = place->repo->sdk };
    char own[MAX_REPO_ID];
    hf__json *body;
    bool set;

    if (!srv_body_json(req, &body))
        return;
    (void)snprintf(own, sizeof own, "%s/%s", req->who->account->name, place->repo->name);
    if (srv_body_text(req, body, "repository", &spec.id) &&
        read_visibility(req, body, &spec.is_private, &set)) {
        if (!spec.id)
            spec.id = own;
        if (!set)
            spec.is_private = place->repo->is_private; /* what was hidden stays hidden */
        if (may_create(req, place->type, spec.id))
            create_repo(req, &spec);
    }
    hf__json_free(body);
}

void srv_duplicate(srv_req *req, srv_place *place)
{
    if (srv_only(req, "POST") && srv_need_account(req) &&
        srv_place_open(req, place, SRV_WANT_CONTENT))
        srv_body_await(req, duplicate_handler, place);
}
