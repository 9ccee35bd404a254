/* SPDX-License-Identifier: Apache-2.0 */
/* What the Hub has: URLs, metadata, descriptions, listings. */
#include "api/private.h"

#include "core/error.h"
#include "core/limits.h"

hf_status hf_hub_url(hf_client *client, const hf_repo_ref *repo, const char *path,
                     const char *subfolder, char **out, hf_error *err)
{
    hf__buf joined;
    hf__buf url;
    hf_status st;

    hf__error_clear(err);
    if (!client || !out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "client or out is NULL");
    hf__buf_init(&joined, HF__MAX_REPO_PATH + 1);
    hf__buf_init(&url, HF__MAX_URL);
    st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__repo_path_join(&joined, subfolder, path, err);
    if (st == HF_OK)
        st = hf__hub_resolve_url(client->hub, repo, hf__buf_cstr(&joined), &url, err);
    if (st == HF_OK) {
        char *text = hf__buf_take(&url);

        if (text)
            *out = text;
        else
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&joined);
    hf__buf_dispose(&url);
    return st;
}

/* ---- metadata of a file */

typedef struct metadata_owner {
    hf_file_metadata pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
} metadata_owner;

static hf_file_metadata *make_metadata(const hf__hub_meta *meta)
{
    hf__arena *arena = hf__arena_new();
    metadata_owner *owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;

    if (!owner) {
        hf__arena_free(arena);
        return NULL;
    }
    owner->arena = arena;
    owner->pub.commit = hf__arena_cstr(arena, meta->commit);
    owner->pub.etag = hf__arena_cstr(arena, meta->etag.text);
    owner->pub.size = meta->size;
    owner->pub.location = hf__arena_str(arena, hf__buf_str(&meta->location));
    if (meta->xet_hash[0]) {
        owner->pub.xet_hash = hf__arena_cstr(arena, meta->xet_hash);
        owner->pub.xet_token_url = hf__arena_str(arena, hf__buf_str(&meta->xet_token_url));
    }
    if (hf__arena_failed(arena)) {
        hf__arena_free(arena);
        return NULL;
    }
    return &owner->pub;
}

hf_status hf_file_metadata_get(hf_client *client, const hf_repo_ref *repo, const char *path,
                               hf_file_metadata **out, hf_error *err)
{
    hf__hub_meta meta;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__repo_path_check(path, err);
    if (st != HF_OK)
        return st;
    hf__hub_meta_init(&meta);
    st = hf__hub_head(client->hub, repo, path, false, NULL, &meta, err);
    if (st == HF_OK) {
        hf_file_metadata *result = make_metadata(&meta);

        if (result)
            *out = result;
        else
            st = hf__fail_nomem(err);
    }
    hf__hub_meta_dispose(&meta);
    return st;
}

void hf_file_metadata_free(hf_file_metadata *metadata)
{
    if (metadata)
        hf__arena_free(((metadata_owner *)metadata)->arena);
}

/* ---- repo and tree */

hf_status hf_repo_info_get(hf_client *client, const hf_repo_ref *repo, const hf_info_opts *opts,
                           hf_repo_info **out, hf_error *err)
{
    hf_info_opts o;
    void *info = NULL;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK && (o.flags & ~(HF_INFO_BLOBS | HF_INFO_SECURITY)))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", o.flags);
    if (st == HF_OK && o.flags && o.n_expand)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "expand cannot be combined with flags");
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st != HF_OK)
        return st;
    st = hf__hub_ask(client->hub,
                     &(hf__ask){ .id = repo->revision ? HF__EP_REPO_REVISION : HF__EP_REPO_INFO,
                                 .repo = repo,
                                 .values = (hf__value[]){ HF__BOOL(o.flags & HF_INFO_BLOBS),
                                                          HF__BOOL(o.flags & HF_INFO_SECURITY),
                                                          HF__TEXTS(o.expand, o.n_expand) },
                                 .n = 3,
                                 .cancel = o.cancel },
                     &info, err);
    if (st == HF_OK)
        *out = info;
    return st;
}

void hf_repo_info_free(hf_repo_info *info)
{
    hf__result_free(info);
}

hf_status hf_tree_open(hf_client *client, const hf_repo_ref *repo, const char *path, uint32_t flags,
                       hf_cancel *cancel, hf_tree **out, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK && (flags & ~(HF_TREE_RECURSIVE | HF_TREE_EXPAND)))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", flags);
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK && path && *path)
        st = hf__repo_path_check(path, err);
    return st == HF_OK ? hf__hub_tree_open(client->hub, repo, path, flags, cancel, out, err) : st;
}

hf_status hf_tree_next(hf_tree *tree, const hf_tree_entry **out, hf_error *err)
{
    hf__error_clear(err);
    if (!tree || !out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "tree or out is NULL");
    return hf__hub_tree_next(tree, out, err);
}

void hf_tree_close(hf_tree *tree)
{
    hf__hub_tree_close(tree);
}

hf_status hf_paths_info_get(hf_client *client, const hf_repo_ref *repo, const char *const *paths,
                            size_t n_paths, uint32_t flags, hf_cancel *cancel, hf_paths_info **out,
                            hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK && (!out || (!paths && n_paths)))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "paths or out is NULL");
    if (st == HF_OK && (flags & ~HF_TREE_EXPAND))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", flags);
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    for (size_t i = 0; st == HF_OK && i < n_paths; i++)
        st = hf__repo_path_check(paths[i], err);
    return st == HF_OK
               ? hf__hub_paths_info(client->hub, repo, paths, n_paths, flags, cancel, out, err)
               : st;
}

void hf_paths_info_free(hf_paths_info *info)
{
    hf__hub_paths_info_free(info);
}
