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

static const hf__shape event_shape = {
    sizeof(hf_event),
    "event of a discussion",
    "id",
    (const hf__field[]){
        TEXT(hf_event, id, "id"),
        TEXT(hf_event, type, "type"),
        TEXT(hf_event, created_at, "createdAt"),
        TEXT(hf_event, author, "author.name"),
        TEXT(hf_event, content, "data.latest.raw"),
        TEXT(hf_event, status, "data.status"),
        TEXT(hf_event, commit, "data.oid"),
        TEXT(hf_event, subject, "data.subject"),
        TEXT(hf_event, old_title, "data.from"),
        TEXT(hf_event, new_title, "data.to"),
        TRUTH(hf_event, is_edited, "data.edited"),
        TRUTH(hf_event, is_hidden, "data.hidden"),
        JSON(hf_event, json, NULL),
        END,
    },
};

static const hf__shape discussion_shape = {
    sizeof(hf_discussion),
    "discussion",
    "num",
    (const hf__field[]){
        NUMBER(hf_discussion, num, "num"),
        TEXT(hf_discussion, title, "title"),
        TEXT(hf_discussion, status, "status"),
        TEXT(hf_discussion, author, "author.name"),
        TEXT(hf_discussion, created_at, "createdAt"),
        TRUTH(hf_discussion, is_pull_request, "isPullRequest"),
        LIST(hf_discussion, events, "events", event_shape),
        TEXTS(hf_discussion, conflicts, "filesWithConflicts", NULL),
        TEXT(hf_discussion, target_branch, "changes.base"),
        TEXT(hf_discussion, merge_commit, "changes.mergeCommitId"),
        TEXT(hf_discussion, diff, "diff"),
        JSON(hf_discussion, json, NULL),
        END,
    },
};

static const hf__shape item_shape = {
    sizeof(hf_collection_item),
    "item of a collection",
    "_id",
    (const hf__field[]){
        TEXT(hf_collection_item, object_id, "_id"),
        TEXT(hf_collection_item, id, "id"),
        TEXT(hf_collection_item, type, "type"),
        TEXT(hf_collection_item, note, "note.text"),
        TEXT(hf_collection_item, note, "note"),
        NUMBER(hf_collection_item, position, "position"),
        END,
    },
};

static const hf__shape collection_shape = {
    sizeof(hf_collection),
    "collection",
    "slug",
    (const hf__field[]){
        TEXT(hf_collection, slug, "slug"),
        TEXT(hf_collection, title, "title"),
        TEXT(hf_collection, owner, "owner.name"),
        TEXT(hf_collection, owner, "owner"),
        TEXT(hf_collection, description, "description"),
        TEXT(hf_collection, theme, "theme"),
        TEXT(hf_collection, last_updated, "lastUpdated"),
        TRUTH(hf_collection, is_private, "private"),
        NUMBER(hf_collection, position, "position"),
        NUMBER(hf_collection, upvotes, "upvotes"),
        LIST(hf_collection, items, "items", item_shape),
        JSON(hf_collection, json, NULL),
        END,
    },
};

static const hf__shape profile_shape = {
    sizeof(hf_profile),
    "profile",
    NULL,
    (const hf__field[]){
        TEXT(hf_profile, name, "user"),
        TEXT(hf_profile, name, "name"),
        TEXT(hf_profile, fullname, "fullname"),
        TEXT(hf_profile, avatar_url, "avatarUrl"),
        TEXT(hf_profile, details, "details"),
        TEXT(hf_profile, plan, "plan"),
        TRUTH(hf_profile, is_pro, "isPro"),
        TRUTH(hf_profile, is_verified, "isVerified"),
        TRUTH(hf_profile, is_following, "isFollowing"),
        NUMBER(hf_profile, num_users, "numUsers"),
        NUMBER(hf_profile, num_models, "numModels"),
        NUMBER(hf_profile, num_datasets, "numDatasets"),
        NUMBER(hf_profile, num_spaces, "numSpaces"),
        NUMBER(hf_profile, num_discussions, "numDiscussions"),
        NUMBER(hf_profile, num_papers, "numPapers"),
        NUMBER(hf_profile, num_upvotes, "numUpvotes"),
        NUMBER(hf_profile, num_likes, "numLikes"),
        NUMBER(hf_profile, num_following, "numFollowing"),
        NUMBER(hf_profile, num_followers, "numFollowers"),
        JSON(hf_profile, json, NULL),
        END,
    },
};

static const hf__shape liked_shape = {
    sizeof(hf_liked_repo),
    "list of likes",
    "repo",
    (const hf__field[]){
        TEXT(hf_liked_repo, id, "repo.name"),
        TEXT(hf_liked_repo, type, "repo.type"),
        TEXT(hf_liked_repo, created_at, "createdAt"),
        END,
    },
};

static const hf__shape access_shape = {
    sizeof(hf_access_request),
    "list of requests for access",
    "user",
    (const hf__field[]){
        TEXT(hf_access_request, user, "user.user"),
        TEXT(hf_access_request, fullname, "user.fullname"),
        TEXT(hf_access_request, email, "user.email"),
        TEXT(hf_access_request, status, "status"),
        TEXT(hf_access_request, timestamp, "timestamp"),
        JSON(hf_access_request, json, NULL),
        END,
    },
};

static const hf__shape watched_shape = {
    sizeof(hf_watched),
    "webhook",
    "name",
    (const hf__field[]){
        TEXT(hf_watched, type, "type"),
        TEXT(hf_watched, name, "name"),
        END,
    },
};

static const hf__shape webhook_shape = {
    sizeof(hf_webhook),
    "webhook",
    "id",
    (const hf__field[]){
        TEXT(hf_webhook, id, "id"),
        TEXT(hf_webhook, url, "url"),
        TEXT(hf_webhook, secret, "secret"),
        TRUTH(hf_webhook, is_disabled, "disabled"),
        TEXTS(hf_webhook, domains, "domains", NULL),
        LIST(hf_webhook, watched, "watched", watched_shape),
        JSON(hf_webhook, json, NULL),
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
    [HF__EP_DISCUSSION_LIST] = { .method = "GET",
                                 .path = "{repo}/discussions",
                                 .shape = &discussion_shape,
                                 .items = "discussions",
                                 .numbered = true,
                                 .is_list = true,
                                 .names = { "type", "status", "author" } },
    [HF__EP_DISCUSSION_GET] = { .method = "GET",
                                .path = "{repo}/discussions/{1}",
                                .shape = &discussion_shape,
                                .names = { NULL, "diff" } },
    [HF__EP_DISCUSSION_CREATE] = { .method = "POST",
                                   .path = "{repo}/discussions",
                                   .shape = &discussion_shape,
                                   .names = { "title", "description", "pullRequest" } },
    [HF__EP_DISCUSSION_COMMENT] = { .method = "POST",
                                    .path = "{repo}/discussions/{1}/comment",
                                    .shape = &event_shape,
                                    .inside = "newMessage",
                                    .names = { NULL, "comment" } },
    [HF__EP_DISCUSSION_EDIT] = { .method = "POST",
                                 .path = "{repo}/discussions/{1}/comment/{2}/edit",
                                 .shape = &event_shape,
                                 .inside = "updatedComment",
                                 .names = { NULL, NULL, "content" } },
    [HF__EP_DISCUSSION_HIDE] = { .method = "POST",
                                 .path = "{repo}/discussions/{1}/comment/{2}/hide",
                                 .shape = &event_shape,
                                 .inside = "updatedComment" },
    [HF__EP_DISCUSSION_RENAME] = { .method = "POST",
                                   .path = "{repo}/discussions/{1}/title",
                                   .names = { NULL, "title" } },
    [HF__EP_DISCUSSION_STATUS] = { .method = "POST",
                                   .path = "{repo}/discussions/{1}/status",
                                   .names = { NULL, "status", "comment" } },
    [HF__EP_DISCUSSION_MERGE] = { .method = "POST",
                                  .path = "{repo}/discussions/{1}/merge",
                                  .names = { NULL, "comment" } },
    [HF__EP_COLLECTION_LIST] = { .method = "GET",
                                 .path = "/api/collections",
                                 .shape = &collection_shape,
                                 .is_list = true,
                                 .names = { "owner", "item", "sort", "limit" } },
    [HF__EP_COLLECTION_GET] = { .method = "GET",
                                .path = "/api/collections/{1/}",
                                .shape = &collection_shape },
    [HF__EP_COLLECTION_CREATE] = { .method = "POST",
                                   .path = "/api/collections",
                                   .shape = &collection_shape,
                                   .names = { "title", "namespace", "description", "private" } },
    [HF__EP_COLLECTION_UPDATE] = { .method = "PATCH",
                                   .path = "/api/collections/{1/}",
                                   .shape = &collection_shape,
                                   .inside = "data",
                                   .names = { NULL, "title", "description", "position", "private",
                                              "theme" } },
    [HF__EP_COLLECTION_DELETE] = { .method = "DELETE", .path = "/api/collections/{1/}" },
    [HF__EP_ITEM_ADD] = { .method = "POST",
                          .path = "/api/collections/{1/}/items",
                          .shape = &collection_shape,
                          .names = { NULL, "item", "note" } },
    [HF__EP_ITEM_UPDATE] = { .method = "PATCH",
                             .path = "/api/collections/{1/}/items/{2}",
                             .names = { NULL, NULL, "note", "position" } },
    [HF__EP_ITEM_DELETE] = { .method = "DELETE", .path = "/api/collections/{1/}/items/{2}" },
    [HF__EP_USER_GET] = { .method = "GET",
                          .path = "/api/users/{1}/overview",
                          .shape = &profile_shape },
    [HF__EP_ORG_GET] = { .method = "GET",
                         .path = "/api/organizations/{1}/overview",
                         .shape = &profile_shape },
    [HF__EP_FOLLOWER_LIST] = { .method = "GET",
                               .path = "/api/users/{1}/followers",
                               .shape = &profile_shape,
                               .is_list = true },
    [HF__EP_FOLLOWING_LIST] = { .method = "GET",
                                .path = "/api/users/{1}/following",
                                .shape = &profile_shape,
                                .is_list = true },
    [HF__EP_MEMBER_LIST] = { .method = "GET",
                             .path = "/api/organizations/{1}/members",
                             .shape = &profile_shape,
                             .is_list = true },
    [HF__EP_ORG_FOLLOWER_LIST] = { .method = "GET",
                                   .path = "/api/organizations/{1}/followers",
                                   .shape = &profile_shape,
                                   .is_list = true },
    [HF__EP_LIKER_LIST] = { .method = "GET",
                            .path = "{repo}/likers",
                            .shape = &profile_shape,
                            .is_list = true },
    [HF__EP_LIKED_LIST] = { .method = "GET",
                            .path = "/api/users/{1}/likes",
                            .shape = &liked_shape,
                            .is_list = true },
    [HF__EP_LIKE] = { .method = "POST", .path = "{repo}/like" },
    [HF__EP_UNLIKE] = { .method = "DELETE", .path = "{repo}/like" },
    [HF__EP_ACCESS_LIST] = { .method = "GET",
                             .path = "{repo}/user-access-request/{1}",
                             .shape = &access_shape,
                             .is_list = true },
    [HF__EP_ACCESS_HANDLE] = { .method = "POST",
                               .path = "{repo}/user-access-request/handle",
                               .names = { "user", "status", "rejectionReason" } },
    [HF__EP_ACCESS_GRANT] = { .method = "POST",
                              .path = "{repo}/user-access-request/grant",
                              .names = { "user" } },
    [HF__EP_WEBHOOK_LIST] = { .method = "GET",
                              .path = "/api/settings/webhooks",
                              .shape = &webhook_shape,
                              .is_list = true },
    [HF__EP_WEBHOOK_GET] = { .method = "GET",
                             .path = "/api/settings/webhooks/{1}",
                             .shape = &webhook_shape,
                             .inside = "webhook" },
    [HF__EP_WEBHOOK_CREATE] = { .method = "POST",
                                .path = "/api/settings/webhooks",
                                .shape = &webhook_shape,
                                .inside = "webhook",
                                .names = { "watched", "url", "jobSourceId", "domains", "secret" } },
    [HF__EP_WEBHOOK_UPDATE] = { .method = "POST",
                                .path = "/api/settings/webhooks/{1}",
                                .shape = &webhook_shape,
                                .inside = "webhook",
                                .names = { NULL, "watched", "url", "domains", "secret" } },
    [HF__EP_WEBHOOK_ENABLE] = { .method = "POST",
                                .path = "/api/settings/webhooks/{1}/{2}",
                                .shape = &webhook_shape,
                                .inside = "webhook" },
    [HF__EP_WEBHOOK_DELETE] = { .method = "DELETE", .path = "/api/settings/webhooks/{1}" },
};

const hf__endpoint *hf__endpoint_get(hf__endpoint_id id)
{
    return &endpoints[id];
}
