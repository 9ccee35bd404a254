/* SPDX-License-Identifier: Apache-2.0 */
/* A repo's description (hub-http.md 4.1). */
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

typedef struct info_owner {
    hf_repo_info pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
} info_owner;

static const char *text_of(hf__arena *arena, const hf__json *doc, const char *key)
{
    return hf__arena_cstr(arena, hf__json_text(doc, key));
}

/* Strings of an array, or of a member of its objects. */
static const char *const *strings_of(hf__arena *arena, const hf__json *array, const char *member,
                                     size_t *n)
{
    size_t len = hf__json_is_array(array) ? hf__json_len(array) : 0;
    const char **out = hf__arena_array(arena, len + 1, sizeof(*out));

    *n = 0;
    for (size_t i = 0; out && i < len; i++) {
        const hf__json *item = hf__json_at(array, i);
        const char *text = member ? hf__json_text(item, member) : hf__json_string(item);

        if (text)
            out[(*n)++] = hf__arena_cstr(arena, text);
    }
    return out;
}

static void read_info(info_owner *owner, const hf__json *doc)
{
    hf__arena *arena = owner->arena;
    hf_repo_info *info = &owner->pub;

    info->id = text_of(arena, doc, "id");
    info->author = text_of(arena, doc, "author");
    info->sha = text_of(arena, doc, "sha");
    info->created_at = text_of(arena, doc, "createdAt");
    info->last_modified = text_of(arena, doc, "lastModified");
    info->gated = text_of(arena, doc, "gated"); /* false is no text */
    info->pipeline_tag = text_of(arena, doc, "pipeline_tag");
    info->library_name = text_of(arena, doc, "library_name");
    info->sdk = text_of(arena, doc, "sdk");
    info->is_private = hf__json_bool(doc, "private", false);
    info->is_disabled = hf__json_bool(doc, "disabled", false);
    (void)hf__json_u64(doc, "downloads", &info->downloads);
    (void)hf__json_u64(doc, "likes", &info->likes);
    info->tags = strings_of(arena, hf__json_get(doc, "tags"), NULL, &info->n_tags);
    info->files = strings_of(arena, hf__json_get(doc, "siblings"), "rfilename", &info->n_files);
}

static hf_status fetch(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel,
                       hf__net_resp *resp, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "GET",
                                  .retry = HF__NET_RETRY_NONE,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = hub->read_timeout_ms };
    hf__buf url;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_adds(&url, hub->endpoint);
    hf__hub_add_api(&url, repo);
    if (repo->revision) {
        hf__buf_adds(&url, "/revision/");
        hf__buf_add_quoted(&url, hf__str_from(repo->revision), HF__QUOTE_SEGMENT);
    }
    exchange.url = hf__buf_cstr(&url);
    st = url.status == HF_OK ? hf__hub_call(hub, &exchange, cancel, resp, err)
                             : hf__fail(err, url.status, "the URL is too long");
    hf__buf_dispose(&url);
    return st;
}

hf_status hf__hub_repo_info(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel,
                            hf_repo_info **out, hf_error *err)
{
    info_owner *owner = NULL;
    hf__arena *arena = NULL;
    hf__json *doc = NULL;
    hf__net_resp resp;
    hf_status st = fetch(hub, repo, cancel, &resp, err);

    if (st != HF_OK)
        return st;
    st = hf__hub_json(&resp, "description of the repo", &doc, err);
    if (st == HF_OK && (!hf__json_is_object(doc) || !hf__json_text(doc, "id")))
        st = hf__fail(err, HF_ERR_PROTOCOL, "the answer does not describe a repo");
    if (st != HF_OK)
        goto done;
    arena = hf__arena_new();
    owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
    if (!owner) {
        hf__arena_free(arena);
        st = hf__fail_nomem(err);
        goto done;
    }
    owner->arena = arena;
    owner->pub.type = repo->type;
    read_info(owner, doc);
    owner->pub.json = hf__arena_str(arena, hf__buf_str(&resp.body));
    if (hf__arena_failed(arena)) {
        hf__arena_free(arena);
        st = hf__fail_nomem(err);
        goto done;
    }
    *out = &owner->pub;
done:
    hf__json_free(doc);
    hf__net_resp_dispose(&resp);
    return st;
}

void hf__hub_repo_info_free(hf_repo_info *info)
{
    if (info)
        hf__arena_free(((info_owner *)info)->arena);
}
