/* SPDX-License-Identifier: Apache-2.0 */
/* {A} and {A}/revision/{rev}: what a repo is, and the list of its files. */
#include "routes/routes.h"

#include "core/limits.h"

#include <string.h>

/* Members that ?expand= may name, by type: m, d, s, k. Those this server has nothing to say about
 * are accepted and left out. */
static const struct member {
    const char *name;
    const char *types;
} members[] = {
    { "author", "mdsk" },
    { "baseModels", "m" },
    { "cardData", "mds" },
    { "childrenModelCount", "m" },
    { "citation", "d" },
    { "config", "m" },
    { "createdAt", "mds" },
    { "datasets", "s" },
    { "description", "d" },
    { "disabled", "mds" },
    { "downloads", "mdk" },
    { "downloadsAllTime", "md" },
    { "evalResults", "m" },
    { "gated", "mdk" },
    { "gguf", "m" },
    { "id", "k" },
    { "inference", "m" },
    { "inferenceProviderMapping", "m" },
    { "lastModified", "mdsk" },
    { "library_name", "m" },
    { "likes", "mdsk" },
    { "mainSize", "d" },
    { "mask_token", "m" },
    { "model-index", "m" },
    { "models", "s" },
    { "paperswithcode_id", "d" },
    { "pipeline_tag", "m" },
    { "private", "mdsk" },
    { "region", "s" },
    { "resourceGroup", "mds" },
    { "runtime", "s" },
    { "safetensors", "m" },
    { "sdk", "s" },
    { "sha", "mdsk" },
    { "siblings", "mds" },
    { "spaces", "m" },
    { "subdomain", "s" },
    { "tags", "mds" },
    { "transformersInfo", "m" },
    { "trendingScore", "mds" },
    { "usedStorage", "mds" },
    { "widgetData", "m" },
    { "xetEnabled", "mds" },
    { "gitalyUid", "mds" },
};

static bool may_expand(srv_repo_type type, const char *name)
{
    for (size_t i = 0; i < HF__COUNT(members); i++)
        if (strcmp(members[i].name, name) == 0)
            return strchr(members[i].types, "mdsk"[type]) != NULL;
    return false;
}

static bool check_expand(srv_req *req, srv_repo_type type, bool *any)
{
    hf__buf text;

    *any = false;
    for (const srv_param *p = req->params; p; p = p->next) {
        if (!srv_param_is(p, "expand"))
            continue;
        *any = true;
        if (may_expand(type, p->value))
            continue;
        hf__buf_init(&text, 2048);
        for (size_t i = 0; i < HF__COUNT(members); i++)
            if (strchr(members[i].types, "mdsk"[type]))
                hf__buf_addf(&text, "%s\"%s\"", text.len ? ", " : "", members[i].name);
        srv_answer_error(req, 400, NULL, "Invalid 'expand' value '%.64s'; it must be one of %s",
                         p->value, hf__buf_cstr(&text));
        hf__buf_dispose(&text);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------ siblings */

static void add_sibling(hf__buf *out, const srv_entry *entry, bool blobs)
{
    hf__buf_adds(out, "{\"rfilename\":");
    hf__json_add_string(out, hf__str_from(entry->path));
    if (blobs) {
        hf__buf_addf(out, ",\"size\":%llu,\"blobId\":\"%s\"", (unsigned long long)entry->size,
                     entry->oid);
        if (entry->is_lfs)
            hf__buf_addf(out, ",\"lfs\":{\"sha256\":\"%s\",\"size\":%llu,\"pointerSize\":%llu}",
                         entry->sha256, (unsigned long long)entry->size,
                         (unsigned long long)entry->pointer_size);
    }
    hf__buf_addc(out, '}');
}

static hf_status add_siblings(hf__buf *out, srv_git *git, const char *commit, bool blobs,
                              hf_error *err)
{
    uint32_t flags = SRV_TREE_RECURSIVE | SRV_TREE_FILES_ONLY | (blobs ? 0 : SRV_TREE_NAMES_ONLY);
    const srv_entry *entry = NULL;
    srv_tree *tree = NULL;
    bool first = true;
    hf_status st;

    st = srv_tree_open(git, commit, HF__STR(""), flags, HF__STR(""), &tree, err);
    hf__buf_adds(out, "\"siblings\":[");
    while (st == HF_OK && (st = srv_tree_next(tree, &entry, err)) == HF_OK && entry) {
        if (!first)
            hf__buf_addc(out, ',');
        first = false;
        add_sibling(out, entry, blobs);
    }
    hf__buf_adds(out, "],");
    srv_tree_close(tree);
    return st;
}

/* ---------------------------------------------------------------------------------------- info */

typedef struct info_ask {
    srv_req *req;
    bool expand; /* only what is named */
    bool in_list;
} info_ask;

static bool wants(const info_ask *ask, const char *name)
{
    return !ask->expand || srv_req_wants(ask->req, "expand", name);
}

static void add_settings(hf__buf *out, const info_ask *ask, const srv_repo *repo)
{
    const char *gated = srv_gated_name(repo->gated);

    if (wants(ask, "author"))
        srv_json_text(out, "author", repo->ns);
    if (wants(ask, "createdAt"))
        srv_json_time(out, "createdAt", repo->created);
    if (wants(ask, "private"))
        hf__buf_addf(out, "\"private\":%s,", repo->is_private ? "true" : "false");
    if (wants(ask, "disabled"))
        hf__buf_addf(out, "\"disabled\":%s,", repo->disabled ? "true" : "false");
    if (wants(ask, "gated") && repo->type != SRV_SPACE) {
        if (gated)
            srv_json_text(out, "gated", gated);
        else
            hf__buf_adds(out, "\"gated\":false,");
    }
    if (wants(ask, "downloads") && repo->type != SRV_SPACE)
        hf__buf_addf(out, "\"downloads\":%llu,", (unsigned long long)repo->downloads);
    if (wants(ask, "likes"))
        hf__buf_addf(out, "\"likes\":%llu,", (unsigned long long)repo->likes);
    if (ask->expand && wants(ask, "trendingScore") && strchr("mds", "mdsk"[repo->type]))
        hf__buf_adds(out, "\"trendingScore\":0,");
    if (ask->expand && wants(ask, "downloadsAllTime"))
        hf__buf_addf(out, "\"downloadsAllTime\":%llu,", (unsigned long long)repo->downloads);
}

/* A member whose value is JSON already. */
static void add_raw(hf__buf *out, const char *name, const char *json)
{
    hf__buf_addf(out, "\"%s\":", name);
    hf__buf_adds(out, json ? json : "null");
    hf__buf_addc(out, ',');
}

/* What the card says a Space runs on goes before what was said when it was made. */
static void add_space(hf__buf *out, const info_ask *ask, const srv_repo *repo, const srv_card *card)
{
    hf_error err = HF_ERROR_INIT;
    const char *sdk = repo->sdk;
    hf__json *doc = NULL;

    if (card->data && hf__json_parse(hf__str_from(card->data), "card", &doc, &err) == HF_OK &&
        hf__json_text(doc, "sdk"))
        sdk = hf__json_text(doc, "sdk");
    if (wants(ask, "sdk") && sdk)
        srv_json_text(out, "sdk", sdk);
    hf__json_free(doc);
    if (wants(ask, "models") && (ask->expand || !ask->in_list))
        add_raw(out, "models", card->models);
    if (wants(ask, "datasets") && (ask->expand || !ask->in_list))
        add_raw(out, "datasets", card->datasets);
}

static void add_card(hf__buf *out, const info_ask *ask, const srv_repo *repo, const srv_card *card)
{
    bool whole = ask->expand || !ask->in_list;
    bool full = srv_req_flag(ask->req, "full");

    if (wants(ask, "tags"))
        add_raw(out, "tags", card->tags);
    if (repo->type == SRV_MODEL && wants(ask, "pipeline_tag") && card->task)
        srv_json_text(out, "pipeline_tag", card->task);
    if (repo->type == SRV_MODEL && wants(ask, "library_name") && card->library)
        srv_json_text(out, "library_name", card->library);
    if (repo->type == SRV_MODEL && wants(ask, "config") && card->config &&
        (whole || full || srv_req_flag(ask->req, "config")))
        add_raw(out, "config", card->config);
    if (wants(ask, "cardData") && repo->type != SRV_KERNEL &&
        (whole || srv_req_flag(ask->req, "cardData") || (full && repo->type != SRV_MODEL)))
        add_raw(out, "cardData", card->data);
    if (wants(ask, "safetensors") && whole && card->weights)
        add_raw(out, "safetensors", card->weights);
    if (wants(ask, "usedStorage") && whole && repo->type != SRV_KERNEL)
        hf__buf_addf(out, "\"usedStorage\":%llu,", (unsigned long long)card->lfs_bytes);
    if (repo->type == SRV_SPACE)
        add_space(out, ask, repo, card);
    if (ask->in_list && card->head[0] && wants(ask, "sha"))
        srv_json_text(out, "sha", card->head);
    if (ask->in_list && card->head[0] && wants(ask, "lastModified"))
        srv_json_time(out, "lastModified", card->modified);
}

static hf_status add_git(hf__buf *out, const info_ask *ask, srv_git *git, const char *commit,
                         hf_error *err)
{
    const srv_commit *head = NULL;
    hf_status st = HF_OK;

    if (!ask->in_list && wants(ask, "sha"))
        srv_json_text(out, "sha", commit);
    if (!ask->in_list && wants(ask, "lastModified")) {
        st = srv_git_commit(git, commit, ask->req->arena, &head, err);
        if (st == HF_OK)
            srv_json_time(out, "lastModified", head->date);
    }
    if (st == HF_OK && wants(ask, "siblings"))
        st = add_siblings(out, git, commit, srv_req_flag(ask->req, "blobs"), err);
    return st;
}

static hf_status add_repo(hf__buf *out, const info_ask *ask, const srv_repo *repo, srv_git *git,
                          const char *commit, hf_error *err)
{
    srv_store *store = ((srv_app *)srv_server_app(ask->req->server))->store;
    hf__arena *arena = hf__arena_new(); /* a card may be long, and a list has a thousand */
    srv_card card;
    hf_status st = arena ? srv_card_find(store, repo, arena, &card, err) : HF_ERR_NO_MEMORY;

    if (st == HF_OK) {
        hf__buf_addc(out, '{');
        srv_json_text(out, "_id", repo->id);
        if (repo->type == SRV_MODEL && !ask->expand)
            srv_json_text(out, "modelId", repo->full_name);
        add_settings(out, ask, repo);
        add_card(out, ask, repo, &card);
        if (srv_req_flag(ask->req, "securityStatus"))
            hf__buf_adds(out,
                         "\"securityRepoStatus\":{\"scansDone\":true,\"filesWithIssues\":[]},");
        if (git)
            st = add_git(out, ask, git, commit, err);
        hf__buf_adds(out, "\"id\":");
        hf__json_add_string(out, hf__str_from(repo->full_name));
        hf__buf_addc(out, '}');
    }
    hf__arena_free(arena);
    return st;
}

bool srv_json_repo(srv_req *req, hf__buf *out, const srv_repo *repo, srv_git *git,
                   const char *commit, bool in_list)
{
    info_ask ask = { req, false, in_list };
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    if (!check_expand(req, repo->type, &ask.expand))
        return false;
    st = add_repo(out, &ask, repo, git, commit, &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    return st == HF_OK;
}

void srv_repo_info(srv_req *req, srv_place *place)
{
    size_t at = place->n_segments > 0 ? 1 : 0;
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    srv_git *git;
    size_t n_used;
    hf__buf out;

    if (!srv_only(req, "GET") || !srv_place_open(req, place, SRV_WANT_INFO) ||
        !srv_place_revision(req, place, at, &git, commit, &n_used))
        return;
    if (at == 0)
        (void)srv_card_refresh(git, &err); /* a push may have moved main */
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    if (at + n_used < place->n_segments)
        srv_answer_error(req, 404, NULL, "Not Found");
    else if (srv_json_repo(req, &out, place->repo, git, commit, false))
        srv_answer_json(req, 200, &out);
    hf__buf_dispose(&out);
    srv_git_close(git);
}

void srv_auth_check(srv_req *req, srv_place *place)
{
    bool write = place->n_segments == 2 && hf__str_eq(place->segments[1], HF__STR("write"));

    if (place->n_segments > 1 && !write) {
        srv_answer_error(req, 404, NULL, "Not Found");
        return;
    }
    if (srv_only(req, "GET") &&
        srv_place_open(req, place, write ? SRV_WANT_WRITE : SRV_WANT_CONTENT))
        srv_answer_text(req, 200, "application/json; charset=utf-8", HF__STR("{}"));
}
