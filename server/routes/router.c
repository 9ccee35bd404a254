/* SPDX-License-Identifier: Apache-2.0 */
/* From the escaped path to the route that answers it. Decoding happens later, piece by piece, so
 * that a %2F in a revision or a path stays what it is. */
#include "routes/routes.h"

#include <stdlib.h>
#include <string.h>

typedef void place_fn(srv_req *req, srv_place *place);

static const struct word {
    const char *word;
    bool api; /* below /api/{type}s/{id}, else below the web name */
    place_fn *fn;
} words[] = {
    { "resolve", false, srv_resolve },
    { "raw", false, srv_resolve },
    { "info", false, srv_git_http },
    { "HEAD", false, srv_git_http },
    { "git-upload-pack", false, srv_git_http },
    { "git-receive-pack", false, srv_git_http },
    { "revision", true, srv_repo_info },
    { "tree", true, srv_tree_list },
    { "paths-info", true, srv_paths_info },
    { "commits", true, srv_commits },
    { "refs", true, srv_refs },
    { "auth-check", true, srv_auth_check },
    { "branch", true, srv_branch },
    { "tag", true, srv_tag },
    { "super-squash", true, srv_super_squash },
    { "settings", true, srv_settings },
    { "discussions", true, srv_discussions },
    { "like", true, srv_like_repo },
    { "likers", true, srv_likers },
    { "user-access-request", true, srv_requests },
    { "ask-access", false, srv_ask_access },
    { "duplicate", true, srv_duplicate },
    { "preupload", true, srv_preupload },
    { "commit", true, srv_commit_to },
};

static const struct word *find_word(hf__str text, bool api)
{
    for (size_t i = 0; i < HF__COUNT(words); i++)
        if (words[i].api == api && hf__str_eq(text, hf__str_from(words[i].word)))
            return &words[i];
    return NULL;
}

static void not_found(srv_req *req)
{
    srv_answer_error(req, 404, NULL, "Not Found");
}

/* Is there a repo whose id the first n_id segments are? */
static bool exists(srv_req *req, srv_repo_type type, const hf__str *segments, size_t n_id)
{
    const char *end = segments[n_id - 1].ptr + segments[n_id - 1].len;
    hf__str id = { segments[0].ptr, (size_t)(end - segments[0].ptr) };
    char *text = srv_unescape(req->arena, id, false);
    const srv_repo *repo = NULL;
    hf_error err = HF_ERROR_INIT;

    return text && srv_repo_find(((srv_app *)srv_server_app(req->server))->store, type,
                                 hf__str_from(text), req->arena, &repo, NULL, &err) == HF_OK;
}

/* The id is segments[0 … n_id-1]; what follows it belongs to the route. */
static bool make_place(srv_req *req, srv_place *place, hf__str *segments, size_t n, size_t n_id)
{
    const char *id_end = segments[n_id - 1].ptr + segments[n_id - 1].len;
    const char *path_end = req->path.ptr + req->path.len;
    hf__str id = { segments[0].ptr, (size_t)(id_end - segments[0].ptr) };
    char *text = srv_unescape(req->arena, id, false);
    size_t len = text ? strlen(text) : 0;

    if (!text) {
        srv_answer_error(req, 400, NULL, "malformed repo id in the URL");
        return false;
    }
    if (!place->is_api && len > 4 && strcmp(text + len - 4, ".git") == 0) {
        text[len - 4] = '\0';
        place->is_git = true;
    }
    place->id = text;
    place->before = (hf__str){ req->path.ptr, (size_t)(segments[0].ptr - req->path.ptr) };
    place->after = (hf__str){ id_end, (size_t)(path_end - id_end) };
    place->n_segments = n - n_id;
    memcpy(place->segments, segments + n_id, (n - n_id) * sizeof(*segments));
    return true;
}

static void route_repo(srv_req *req, srv_repo_type type, bool api, hf__str *segments, size_t n)
{
    srv_place *place = hf__arena_alloc(req->arena, sizeof(*place));
    const struct word *word = NULL;
    const struct word *short_word;
    size_t n_id = n < 2 ? n : 2;

    if (!place || n == 0) {
        not_found(req);
        return;
    }
    place->type = type;
    place->is_api = api;
    /* {namespace}/{name}/{word} is looked for first; a repo without a namespace comes second. A repo
     * may be named like a word, so that both may be meant: then what there is decides. */
    if (n > 2)
        word = find_word(segments[2], api);
    short_word = n > 1 ? find_word(segments[1], api) : NULL;
    if (short_word &&
        ((n > 2 && !word) || (!exists(req, type, segments, 2) && exists(req, type, segments, 1)))) {
        word = short_word;
        n_id = 1;
    }
    if (!make_place(req, place, segments, n, n_id))
        return;
    if (word)
        word->fn(req, place);
    else if (api && place->n_segments == 0)
        srv_repo_info(req, place);
    else
        not_found(req);
}

static void route_api(srv_req *req, hf__str *segments, size_t n)
{
    srv_repo_type type;

    if (n == 1 && hf__str_eq(segments[0], HF__STR("whoami-v2"))) {
        srv_whoami(req);
    } else if (n == 2 && hf__str_eq(segments[0], HF__STR("credentials")) &&
               hf__str_eq(segments[1], HF__STR("revoke"))) {
        srv_revoke(req);
    } else if (n >= 1 && n <= 5 && hf__str_eq(segments[0], HF__STR("collections"))) {
        srv_collections(req, segments + 1, n - 1);
    } else if (n >= 2 && n <= 4 && hf__str_eq(segments[0], HF__STR("settings")) &&
               hf__str_eq(segments[1], HF__STR("webhooks"))) {
        srv_webhooks(req, segments + 2, n - 2);
    } else if (n == 2 && hf__str_eq(segments[0], HF__STR("settings")) &&
               hf__str_eq(segments[1], HF__STR("repositories"))) {
        srv_owned_repos(req, NULL);
    } else if (n >= 3 && n <= 4 &&
               (hf__str_eq(segments[0], HF__STR("users")) ||
                hf__str_eq(segments[0], HF__STR("organizations")))) {
        srv_account_info(req, segments, n);
    } else if (n == 2 && hf__str_eq(segments[0], HF__STR("repos"))) {
        srv_manage(req, segments[1]);
    } else if (n == 1 && hf__str_eq(segments[0], HF__STR("models-tags-by-type"))) {
        srv_tags_by_type(req, SRV_MODEL);
    } else if (n == 1 && hf__str_eq(segments[0], HF__STR("datasets-tags-by-type"))) {
        srv_tags_by_type(req, SRV_DATASET);
    } else if (n == 1 && hf__str_eq(segments[0], HF__STR("validate-yaml"))) {
        srv_validate_yaml(req);
    } else if (n > 1 && hf__str_eq(segments[0], HF__STR("resolve-cache"))) {
        srv_resolve_cache(req, segments + 1, n - 1);
    } else if (n > 0 && srv_repo_type_parse(segments[0], &type) &&
               hf__str_ends(segments[0], HF__STR("s"))) {
        if (n == 1)
            srv_repos(req, type);
        else
            route_repo(req, type, true, segments + 1, n - 1);
    } else {
        not_found(req);
    }
}

void srv_route(srv_req *req)
{
    hf__str segments[SRV_MAX_SEGMENTS];
    srv_repo_type type = SRV_MODEL;
    size_t n;

    if (req->origin == SRV_STORAGE) {
        srv_storage(req);
        return;
    }
    if (!srv_path_split(req->path, segments, &n)) {
        not_found(req);
        return;
    }
    if (n == 1 && segments[0].len == 0)
        srv_page(req);
    else if (hf__str_eq(segments[0], HF__STR("api")))
        route_api(req, segments + 1, n - 1);
    else if (n == 2 && hf__str_eq(segments[0], HF__STR("oauth")))
        srv_oauth(req, segments[1]);
    else if (srv_repo_type_parse(segments[0], &type) && type != SRV_MODEL &&
             hf__str_ends(segments[0], HF__STR("s")))
        route_repo(req, type, false, segments + 1, n - 1);
    else
        route_repo(req, SRV_MODEL, false, segments, n);
}
