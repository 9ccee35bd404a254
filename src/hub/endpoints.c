/* SPDX-License-Identifier: Apache-2.0 */
/* Every endpoint of the API that is asked in one way, and the shapes of their answers
 * (hub-http.md 4, 6, 11). */
#include "hub/endpoints.h"

#define AT(type, field) offsetof(type, field)
#define TEXT(type, field, path)                                                                    \
    {                                                                                              \
        path, HF__F_TEXT, AT(type, field), 0, NULL, NULL                                           \
    }
#define NUMBER(type, field, path)                                                                  \
    {                                                                                              \
        path, HF__F_U64, AT(type, field), 0, NULL, NULL                                            \
    }
#define REAL(type, field, path)                                                                    \
    {                                                                                              \
        path, HF__F_DOUBLE, AT(type, field), 0, NULL, NULL                                         \
    }
#define TRUTH(type, field, path)                                                                   \
    {                                                                                              \
        path, HF__F_BOOL, AT(type, field), 0, NULL, NULL                                           \
    }
#define HAS_TEXT(type, field, path)                                                                \
    {                                                                                              \
        path, HF__F_TRUE_TEXT, AT(type, field), 0, NULL, NULL                                      \
    }
#define TYPE(type, field, path)                                                                    \
    {                                                                                              \
        path, HF__F_TYPE, AT(type, field), 0, NULL, NULL                                           \
    }
#define JSON(type, field, path)                                                                    \
    {                                                                                              \
        path, HF__F_JSON, AT(type, field), 0, NULL, NULL                                           \
    }
#define TEXTS(type, field, path, in)                                                               \
    {                                                                                              \
        path, HF__F_STRS, AT(type, field), AT(type, n_##field), in, NULL                           \
    }
#define LIST(type, field, path, of)                                                                \
    {                                                                                              \
        path, HF__F_LIST, AT(type, field), AT(type, n_##field), NULL, &(of)                        \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, (hf__field_kind)0, 0, 0, NULL, NULL                                                  \
    }

/* ---- shapes */

static const hf__shape repo_shape = {
    sizeof(hf_repo_info),
    "description of a repo",
    "id",
    (const hf__field[]){
        TYPE(hf_repo_info, type, NULL),
        TEXT(hf_repo_info, id, "id"),
        TEXT(hf_repo_info, author, "author"),
        TEXT(hf_repo_info, sha, "sha"),
        TEXT(hf_repo_info, created_at, "createdAt"),
        TEXT(hf_repo_info, last_modified, "lastModified"),
        TEXT(hf_repo_info, gated, "gated"), /* false is no text */
        TEXT(hf_repo_info, pipeline_tag, "pipeline_tag"),
        TEXT(hf_repo_info, library_name, "library_name"),
        TEXT(hf_repo_info, sdk, "sdk"),
        TRUTH(hf_repo_info, is_private, "private"),
        TRUTH(hf_repo_info, is_disabled, "disabled"),
        NUMBER(hf_repo_info, downloads, "downloads"),
        NUMBER(hf_repo_info, likes, "likes"),
        TEXTS(hf_repo_info, tags, "tags", NULL),
        TEXTS(hf_repo_info, files, "siblings", "rfilename"),
        JSON(hf_repo_info, json, NULL),
        END,
    },
};

static const hf__shape url_shape = {
    sizeof(hf_repo_url),
    "address of a repo",
    "url",
    (const hf__field[]){
        TYPE(hf_repo_url, type, NULL),
        TEXT(hf_repo_url, url, "url"),
        TRUTH(hf_repo_url, is_copying, "filesCopyPending"),
        END,
    },
};

static const hf__shape ref_shape = {
    sizeof(hf_ref),
    "list of refs",
    "name",
    (const hf__field[]){
        TEXT(hf_ref, name, "name"),
        TEXT(hf_ref, ref, "ref"),
        TEXT(hf_ref, target_commit, "targetCommit"),
        END,
    },
};

static const hf__shape refs_shape = {
    sizeof(hf_refs),
    "list of refs",
    NULL,
    (const hf__field[]){
        LIST(hf_refs, branches, "branches", ref_shape),
        LIST(hf_refs, tags, "tags", ref_shape),
        LIST(hf_refs, converts, "converts", ref_shape),
        LIST(hf_refs, pull_requests, "pullRequests", ref_shape),
        END,
    },
};

static const hf__shape commit_shape = {
    sizeof(hf_git_commit),
    "list of commits",
    "id",
    (const hf__field[]){
        TEXT(hf_git_commit, id, "id"),
        TEXT(hf_git_commit, title, "title"),
        TEXT(hf_git_commit, message, "message"),
        TEXT(hf_git_commit, date, "date"),
        TEXTS(hf_git_commit, authors, "authors", "user"),
        JSON(hf_git_commit, json, NULL),
        END,
    },
};

static const hf__shape owned_shape = {
    sizeof(hf_owned_repo),
    "list of repos",
    "id",
    (const hf__field[]){
        TEXT(hf_owned_repo, id, "id"),
        TEXT(hf_owned_repo, type, "type"),
        TEXT(hf_owned_repo, updated_at, "updatedAt"),
        TEXT(hf_owned_repo, visibility, "visibility"),
        NUMBER(hf_owned_repo, storage, "storage"),
        REAL(hf_owned_repo, storage_percent, "storagePercent"),
        END,
    },
};

static const hf__shape topic_shape = {
    sizeof(hf_topic),
    "list of tags",
    "id",
    (const hf__field[]){
        TEXT(hf_topic, id, "id"),
        TEXT(hf_topic, label, "label"),
        TEXT(hf_topic, type, "type"),
        END,
    },
};

/* ---- endpoints */

static const hf__endpoint endpoints[HF__N_ENDPOINTS] = {
    [HF__EP_REPO_INFO] = { .method = "GET",
                           .path = "{repo}",
                           .shape = &repo_shape,
                           .names = { "blobs", "securityStatus", "expand" } },
    [HF__EP_REPO_REVISION] = { .method = "GET",
                               .path = "{repo}/revision/{rev}",
                               .shape = &repo_shape,
                               .names = { "blobs", "securityStatus", "expand" } },
    [HF__EP_REPO_LIST] = { .method = "GET",
                           .path = "/api/{types}",
                           .shape = &repo_shape,
                           .is_list = true,
                           .names = { "search", "author", "filter", "pipeline_tag", "apps",
                                      "num_parameters", "gated", "inference", "inference_provider",
                                      "linked", "models", "datasets", "sort", "full", "config",
                                      "cardData", "expand", "limit" } },
    [HF__EP_REPO_CREATE] = { .method = "POST",
                             .path = "/api/repos/create",
                             .shape = &url_shape,
                             .names = { "name", "organization", "type", "visibility", "sdk",
                                        "template", "hardware", "storageTier", "sleepTimeSeconds",
                                        "secrets", "variables", "volumes", "resourceGroupId",
                                        "region", "license" } },
    [HF__EP_REPO_DELETE] = { .method = "DELETE",
                             .path = "/api/repos/delete",
                             .names = { "name", "organization", "type" } },
    [HF__EP_REPO_MOVE] = { .method = "POST",
                           .path = "/api/repos/move",
                           .names = { "fromRepo", "toRepo", "type" } },
    [HF__EP_REPO_SETTINGS] = { .method = "PUT",
                               .path = "{repo}/settings",
                               .names = { "visibility", "gated" } },
    [HF__EP_REPO_DUPLICATE] = { .method = "POST",
                                .path = "{repo}/duplicate",
                                .shape = &url_shape,
                                .names = { "repository", "visibility", "hardware", "storageTier",
                                           "sleepTimeSeconds", "secrets", "variables",
                                           "volumes" } },
    [HF__EP_REPO_SQUASH] = { .method = "POST",
                             .path = "{repo}/super-squash/{rev}",
                             .names = { "message" } },
    [HF__EP_BRANCH_CREATE] = { .method = "POST",
                               .path = "{repo}/branch/{1}",
                               .names = { NULL, "startingPoint" } },
    [HF__EP_BRANCH_DELETE] = { .method = "DELETE", .path = "{repo}/branch/{1}" },
    [HF__EP_TAG_CREATE] = { .method = "POST",
                            .path = "{repo}/tag/{rev}",
                            .names = { "tag", "message" } },
    [HF__EP_TAG_DELETE] = { .method = "DELETE", .path = "{repo}/tag/{1}" },
    [HF__EP_REFS] = { .method = "GET",
                      .path = "{repo}/refs",
                      .shape = &refs_shape,
                      .names = { "include_prs" } },
    [HF__EP_COMMIT_LIST] = { .method = "GET",
                             .path = "{repo}/commits/{rev}",
                             .shape = &commit_shape,
                             .is_list = true },
    [HF__EP_OWNED_LIST] = { .method = "GET",
                            .path = "/api/settings/repositories",
                            .shape = &owned_shape,
                            .is_list = true },
    [HF__EP_ORG_OWNED_LIST] = { .method = "GET",
                                .path = "/api/organizations/{1}/settings/repositories",
                                .shape = &owned_shape,
                                .is_list = true },
    [HF__EP_TOPIC_LIST] = { .method = "GET",
                            .path = "/api/{types}-tags-by-type",
                            .shape = &topic_shape,
                            .keyed = true,
                            .is_list = true },
};

const hf__endpoint *hf__endpoint_get(hf__endpoint_id id)
{
    return &endpoints[id];
}
