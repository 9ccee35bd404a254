/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hfhub/community.h: what people do around repos. Included by hfhub.h, after hfhub/repos.h, whose
 * options and lists it uses: discussions and pull requests, collections, likes, access to gated
 * repos, webhooks, users and organizations.
 */
#ifndef HFHUB_COMMUNITY_H
#define HFHUB_COMMUNITY_H

#include <hfhub/hfhub.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ discussions and pull requests */

/** Something that happened in a discussion. Absent text is NULL. */
typedef struct hf_event {
    const char *id;
    const char *type;       /* "comment", "status-change", "commit", "title-change", … */
    const char *created_at; /* ISO 8601 */
    const char *author;     /* NULL: deleted */
    const char *content;    /* of a comment, Markdown, as last edited */
    const char *status;     /* of a change of status */
    const char *commit;     /* of a commit, its id */
    const char *subject;    /* of a commit, its title */
    const char *old_title;
    const char *new_title;
    int is_edited;
    int is_hidden;
    const char *json; /* all that the Hub says of it */
} hf_event;

/** A discussion or pull request. Lists leave out what comes after is_pull_request. */
typedef struct hf_discussion {
    uint64_t num;
    const char *title;
    const char *status;     /* "open", "closed", "merged" or "draft" */
    const char *author;     /* NULL: deleted */
    const char *created_at; /* ISO 8601 */
    int is_pull_request;
    const hf_event *events;
    size_t n_events;
    const char *const *conflicts; /* files that stand in the way of merging */
    size_t n_conflicts;
    const char *target_branch; /* of a pull request: "refs/heads/main" */
    const char *merge_commit;  /* once merged */
    const char *diff;          /* with HF_DISCUSSION_DIFF */
    const char *json;          /* all that the Hub says of it */
} hf_discussion;

typedef struct hf_discussion_list_opts {
    uint32_t struct_size;
    uint32_t flags;     /* none yet */
    const char *kind;   /* "discussion" or "pull_request"; NULL: both */
    const char *status; /* "open" or "closed"; NULL: any */
    const char *author; /* NULL: anybody */
    hf_cancel *cancel;
} hf_discussion_list_opts;

/* clang-format off */
#define HF_DISCUSSION_LIST_OPTS_INIT { sizeof(hf_discussion_list_opts), 0, NULL, NULL, NULL, NULL }
/* clang-format on */

/**
 * Start listing the discussions and pull requests of a repo, newest first.
 *
 * @param client  the client; must outlive the list
 * @param repo    the repo
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_list_open(hf_client *client, const hf_repo_ref *repo,
                                         const hf_discussion_list_opts *opts, hf_list **out,
                                         hf_error *err);

/**
 * Go to the next discussion.
 *
 * @param list  of hf_discussion_list_open()
 * @param out   the discussion, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_discussion(hf_list *list, const hf_discussion **out, hf_error *err);

/* flag of hf_discussion_get(): with the diff of a pull request */
#define HF_DISCUSSION_DIFF (1u << 8)

/**
 * Ask for a discussion with all that happened in it.
 *
 * @param client  the client
 * @param repo    the repo
 * @param num     number of the discussion
 * @param opts    NULL for defaults; HF_DISCUSSION_DIFF
 * @param out     on success the discussion; free with hf_discussion_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_get(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                   const hf_call_opts *opts, hf_discussion **out, hf_error *err);

/**
 * Free the answer of hf_discussion_get().
 *
 * @param discussion  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_discussion_free(hf_discussion *discussion);

/**
 * Open a discussion, or a pull request that is still empty: its changes go to "refs/pr/N".
 *
 * @param client           the client
 * @param repo             the repo
 * @param title            at least three characters on the Hub
 * @param description      Markdown; NULL: the Hub wants some, so a default is sent
 * @param is_pull_request  not 0: a pull request
 * @param opts             NULL for defaults; borrowed for the call
 * @param num              on success its number; NULL: not wanted
 * @param err              NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_create(hf_client *client, const hf_repo_ref *repo, const char *title,
                                      const char *description, int is_pull_request,
                                      const hf_call_opts *opts, uint64_t *num, hf_error *err);

/**
 * Comment on a discussion.
 *
 * @param client   the client
 * @param repo     the repo
 * @param num      number of the discussion
 * @param comment  Markdown
 * @param opts     NULL for defaults; borrowed for the call
 * @param out      on success the comment; free with hf_event_free(); NULL: not wanted
 * @param err      NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_comment(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                       const char *comment, const hf_call_opts *opts,
                                       hf_event **out, hf_error *err);

/**
 * Replace the text of a comment.
 *
 * @param client      the client
 * @param repo        the repo
 * @param num         number of the discussion
 * @param comment_id  hf_event.id
 * @param content     Markdown
 * @param opts        NULL for defaults; borrowed for the call
 * @param out         on success the comment; free with hf_event_free(); NULL: not wanted
 * @param err         NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_edit(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                    const char *comment_id, const char *content,
                                    const hf_call_opts *opts, hf_event **out, hf_error *err);

/**
 * Hide a comment for ever.
 *
 * @param client      the client
 * @param repo        the repo
 * @param num         number of the discussion
 * @param comment_id  hf_event.id
 * @param opts        NULL for defaults; borrowed for the call
 * @param out         on success the comment; free with hf_event_free(); NULL: not wanted
 * @param err         NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_hide(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                    const char *comment_id, const hf_call_opts *opts,
                                    hf_event **out, hf_error *err);

/**
 * Free an event that a call of its own gave out.
 *
 * @param event  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_event_free(hf_event *event);

/**
 * Give a discussion another title.
 *
 * @param client  the client
 * @param repo    the repo
 * @param num     number of the discussion
 * @param title   the new one
 * @param opts    NULL for defaults; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_rename(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                      const char *title, const hf_call_opts *opts, hf_error *err);

/**
 * Close a discussion, or open it again.
 *
 * @param client   the client
 * @param repo     the repo
 * @param num      number of the discussion
 * @param status   "closed" or "open"
 * @param comment  a last word; NULL: none
 * @param opts     NULL for defaults; borrowed for the call
 * @param err      NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_set_status(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                          const char *status, const char *comment,
                                          const hf_call_opts *opts, hf_error *err);

/**
 * Merge a pull request into its target branch.
 *
 * @param client   the client
 * @param repo     the repo
 * @param num      number of the discussion
 * @param comment  a last word; NULL: none
 * @param opts     NULL for defaults; borrowed for the call
 * @param err      NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; HF_ERR_HTTP when
 *         there is none of
 *         that number or id; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_discussion_merge(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                     const char *comment, const hf_call_opts *opts, hf_error *err);

/* ------------------------------------------------------------------------------------ collections */

/** Something in a collection. */
typedef struct hf_collection_item {
    const char *object_id; /* to name it in calls */
    const char *id;        /* repo id, paper id or slug */
    const char *type;      /* "model", "dataset", "space", "paper", "collection" or "bucket" */
    const char *note;      /* NULL: none */
    uint64_t position;
} hf_collection_item;

/** A list of things somebody put together. */
typedef struct hf_collection {
    const char *slug;
    const char *title;
    const char *owner;
    const char *description; /* NULL: none */
    const char *theme;
    const char *last_updated; /* ISO 8601 */
    int is_private;
    uint64_t position;
    uint64_t upvotes;
    const hf_collection_item *items; /* in lists at most four */
    size_t n_items;
    const char *json; /* all that the Hub says of it */
} hf_collection;

typedef struct hf_collection_list_opts {
    uint32_t struct_size;
    uint32_t flags;            /* none yet */
    const char *const *owners; /* of any of them; none: anybody's */
    size_t n_owners;
    const char *const *items; /* that hold them: "models/acme/x" */
    size_t n_items;
    const char *sort; /* "lastModified", "trending" or "upvotes"; NULL: the Hub's */
    uint64_t limit;   /* collections in all; 0: every one there is */
    hf_cancel *cancel;
} hf_collection_list_opts;

/* clang-format off */
#define HF_COLLECTION_LIST_OPTS_INIT \
    { sizeof(hf_collection_list_opts), 0, NULL, 0, NULL, 0, NULL, 0, NULL }
/* clang-format on */

/**
 * Start listing collections.
 *
 * @param client  the client; must outlive the list
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_list_open(hf_client *client, const hf_collection_list_opts *opts,
                                         hf_list **out, hf_error *err);

/**
 * Go to the next collection.
 *
 * @param list  of hf_collection_list_open()
 * @param out   the collection, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_collection(hf_list *list, const hf_collection **out, hf_error *err);

/**
 * Ask for a collection with all its items.
 *
 * @param client  the client
 * @param slug    of the collection: "namespace/title-id"
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the collection; free with hf_collection_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_get(hf_client *client, const char *slug, const hf_call_opts *opts,
                                   hf_collection **out, hf_error *err);

/**
 * Free the answer of hf_collection_get().
 *
 * @param collection  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_collection_free(hf_collection *collection);

typedef struct hf_collection_opts {
    uint32_t struct_size;
    uint32_t flags;          /* HF_CALL_EXIST_OK when it is made */
    const char *title;       /* a change: NULL leaves it */
    const char *owner;       /* when it is made: NULL means the token's user */
    const char *description; /* NULL: none, or leave it */
    const char *theme;       /* a change: colour, "green" */
    hf_choice is_private;
    const uint32_t *position; /* a change: place among those of its owner, from 0; NULL leaves it */
    hf_cancel *cancel;
} hf_collection_opts;

/* clang-format off */
#define HF_COLLECTION_OPTS_INIT \
    { sizeof(hf_collection_opts), 0, NULL, NULL, NULL, NULL, HF_UNSET, NULL, NULL }
/* clang-format on */

/**
 * Make a collection. With HF_CALL_EXIST_OK one that exists is given out as it is.
 *
 * @param client  the client
 * @param opts    its title at least; borrowed for the call
 * @param out     on success the collection; free with hf_collection_free(); NULL: not wanted
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_create(hf_client *client, const hf_collection_opts *opts,
                                      hf_collection **out, hf_error *err);

/**
 * Change what is said of a collection. A new title changes its slug.
 *
 * @param client  the client
 * @param slug    of the collection: "namespace/title-id"
 * @param opts    at least one change; borrowed for the call
 * @param out     on success the collection; free with hf_collection_free(); NULL: not wanted
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_update(hf_client *client, const char *slug,
                                      const hf_collection_opts *opts, hf_collection **out,
                                      hf_error *err);

/**
 * Delete a collection. What it lists stays.
 *
 * @param client  the client
 * @param slug    of the collection: "namespace/title-id"
 * @param opts    NULL for defaults; HF_CALL_MISSING_OK
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_delete(hf_client *client, const char *slug, const hf_call_opts *opts,
                                      hf_error *err);

/**
 * Put something into a collection.
 *
 * @param client     the client
 * @param slug       of the collection: "namespace/title-id"
 * @param item_id    repo id, paper id or slug
 * @param item_type  "model", "dataset", "space", "paper", "collection" or "bucket"
 * @param note       NULL: none
 * @param opts       NULL for defaults; HF_CALL_EXIST_OK
 * @param out        on success the collection, NULL when the item was there and the Hub did
 *                   not repeat it; free with hf_collection_free(); NULL: not wanted
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create(); HF_ERR_CONFLICT when it is in it
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_item_add(hf_client *client, const char *slug, const char *item_id,
                                        const char *item_type, const char *note,
                                        const hf_call_opts *opts, hf_collection **out,
                                        hf_error *err);

/**
 * Change the note or the place of an item.
 *
 * @param client     the client
 * @param slug       of the collection: "namespace/title-id"
 * @param object_id  hf_collection_item.object_id
 * @param note       NULL: leave it
 * @param position   from 0; NULL: leave it
 * @param opts       NULL for defaults; borrowed for the call
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_item_update(hf_client *client, const char *slug,
                                           const char *object_id, const char *note,
                                           const uint32_t *position, const hf_call_opts *opts,
                                           hf_error *err);

/**
 * Take an item out of a collection.
 *
 * @param client     the client
 * @param slug       of the collection: "namespace/title-id"
 * @param object_id  hf_collection_item.object_id
 * @param opts       NULL for defaults; HF_CALL_MISSING_OK
 * @param err        NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the other
 *         errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_collection_item_delete(hf_client *client, const char *slug,
                                           const char *object_id, const hf_call_opts *opts,
                                           hf_error *err);

/* --------------------------------------------------------------------- users, organizations, likes */

/** A user or an organization. What the Hub did not tell is NULL or 0. */
typedef struct hf_profile {
    const char *name;
    const char *fullname;
    const char *avatar_url;
    const char *details; /* what they say of themselves */
    const char *plan;    /* of an organization */
    int is_pro;
    int is_verified;
    int is_following; /* the token's user follows it */
    uint64_t num_users;
    uint64_t num_models;
    uint64_t num_datasets;
    uint64_t num_spaces;
    uint64_t num_discussions;
    uint64_t num_papers;
    uint64_t num_upvotes;
    uint64_t num_likes;
    uint64_t num_following;
    uint64_t num_followers;
    const char *json; /* all that the Hub says of it */
} hf_profile;

/** Which profiles hf_profile_list_open() lists. */
typedef enum hf_profile_list {
    HF_PROFILES_FOLLOWERS = 1, /* of a user */
    HF_PROFILES_FOLLOWING = 2, /* by a user */
    HF_PROFILES_MEMBERS = 3,   /* of an organization */
    HF_PROFILES_ORG_FOLLOWERS = 4
} hf_profile_list;

/**
 * Ask who a user or an organization is.
 *
 * @param client           the client
 * @param name             of the account
 * @param is_organization  not 0: an organization
 * @param opts             NULL for defaults; borrowed for the call
 * @param out              on success the profile; free with hf_profile_free()
 * @param err              NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; the other errors of hf_whoami()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_profile_get(hf_client *client, const char *name, int is_organization,
                                const hf_call_opts *opts, hf_profile **out, hf_error *err);

/**
 * Free the answer of hf_profile_get().
 *
 * @param profile  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_profile_free(hf_profile *profile);

/**
 * Start listing who follows whom, or who belongs to an organization.
 *
 * @param client  the client; must outlive the list
 * @param which   of the lists
 * @param name    of the account
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_profile_list_open(hf_client *client, hf_profile_list which, const char *name,
                                      const hf_call_opts *opts, hf_list **out, hf_error *err);

/**
 * Start listing the users who like a repo; go on with hf_list_next_profile().
 *
 * @param client  the client; must outlive the list
 * @param repo    the repo
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_liker_list_open(hf_client *client, const hf_repo_ref *repo,
                                    const hf_call_opts *opts, hf_list **out, hf_error *err);

/**
 * Go to the next profile.
 *
 * @param list  of hf_profile_list_open() or hf_liker_list_open()
 * @param out   the profile, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_profile(hf_list *list, const hf_profile **out, hf_error *err);

/** A repo that somebody likes. */
typedef struct hf_liked_repo {
    const char *id;
    const char *type;       /* "model", "dataset", "space", … */
    const char *created_at; /* of the like, ISO 8601 */
} hf_liked_repo;

/**
 * Start listing the repos that a user likes.
 *
 * @param client  the client; must outlive the list
 * @param user    name of the account
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_liked_list_open(hf_client *client, const char *user, const hf_call_opts *opts,
                                    hf_list **out, hf_error *err);

/**
 * Go to the next repo.
 *
 * @param list  of hf_liked_list_open()
 * @param out   the repo, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_liked(hf_list *list, const hf_liked_repo **out, hf_error *err);

/**
 * Like a repo, in the name of the token's user.
 *
 * @param client  the client
 * @param repo    the repo
 * @param opts    NULL for defaults; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_UNAUTHORIZED, HF_ERR_FORBIDDEN; the errors of
 *         hf_whoami()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_like(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                              hf_error *err);

/**
 * Take a like back.
 *
 * @param client  the client
 * @param repo    the repo
 * @param opts    NULL for defaults; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return as hf_repo_like()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_unlike(hf_client *client, const hf_repo_ref *repo,
                                const hf_call_opts *opts, hf_error *err);

/* ------------------------------------------------------------------------- access to gated repos */

/** Somebody who asked for access. Absent text is NULL. */
typedef struct hf_access_request {
    const char *user;
    const char *fullname;
    const char *email;
    const char *status;    /* "pending", "accepted" or "rejected" */
    const char *timestamp; /* ISO 8601 */
    const char *json;      /* with what they answered to the repo's questions */
} hf_access_request;

/**
 * Start listing those who asked for access to a gated repo of one's own.
 *
 * @param client  the client; must outlive the list
 * @param repo    the repo
 * @param status  "pending", "accepted" or "rejected"
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_access_list_open(hf_client *client, const hf_repo_ref *repo, const char *status,
                                     const hf_call_opts *opts, hf_list **out, hf_error *err);

/**
 * Go to the next request.
 *
 * @param list  of hf_access_list_open()
 * @param out   the request, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_access(hf_list *list, const hf_access_request **out, hf_error *err);

/**
 * Accept a request for access, reject it, or make it pending again.
 *
 * @param client  the client
 * @param repo    the repo
 * @param user    who asked
 * @param status  "accepted", "rejected" or "pending"
 * @param reason  of a rejection, at most 200 characters; NULL: none
 * @param opts    NULL for defaults; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_BAD_REQUEST when the repo is not gated or the request is in that state;
 *         HF_ERR_HTTP
 *         when there is no such user or request; HF_ERR_FORBIDDEN; the other errors of
 *         hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_access_handle(hf_client *client, const hf_repo_ref *repo, const char *user,
                                  const char *status, const char *reason, const hf_call_opts *opts,
                                  hf_error *err);

/**
 * Give access to somebody who did not ask.
 *
 * @param client  the client
 * @param repo    the repo
 * @param user    name of the account
 * @param opts    NULL for defaults; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return as hf_access_handle()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_access_grant(hf_client *client, const hf_repo_ref *repo, const char *user,
                                 const hf_call_opts *opts, hf_error *err);

/* --------------------------------------------------------------------------------------- webhooks */

/** What a webhook looks at. */
typedef struct hf_watched {
    const char *type; /* "model", "dataset", "space", "user" or "org" */
    const char *name;
} hf_watched;

/** A URL that the Hub calls when something changes. Absent text is NULL. */
typedef struct hf_webhook {
    const char *id;
    const char *url; /* NULL: it starts a job */
    const char *secret;
    int is_disabled;
    const char *const *domains; /* "repo", "discussion" */
    size_t n_domains;
    const hf_watched *watched;
    size_t n_watched;
    const char *json; /* all that the Hub says of it */
} hf_webhook;

typedef struct hf_webhook_opts {
    uint32_t struct_size;
    uint32_t flags;     /* none yet */
    const char *url;    /* to call; NULL: a job is started, or, in a change, leave it */
    const char *job_id; /* to start; NULL: none */
    const hf_watched *watched;
    size_t n_watched;
    const char *const *domains; /* "repo", "discussion"; none: both */
    size_t n_domains;
    const char *secret; /* sent along as X-Webhook-Secret; NULL: none */
    hf_cancel *cancel;
} hf_webhook_opts;

/* clang-format off */
#define HF_WEBHOOK_OPTS_INIT { sizeof(hf_webhook_opts), 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL }
/* clang-format on */

/**
 * Start listing the webhooks of the token's user.
 *
 * @param client  the client; must outlive the list
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_webhook_list_open(hf_client *client, const hf_call_opts *opts, hf_list **out,
                                      hf_error *err);

/**
 * Go to the next webhook.
 *
 * @param list  of hf_webhook_list_open()
 * @param out   the webhook, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_webhook(hf_list *list, const hf_webhook **out, hf_error *err);

/**
 * Ask for a webhook.
 *
 * @param client  the client
 * @param id      hf_webhook.id
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the webhook; free with hf_webhook_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_BAD_REQUEST; HF_ERR_UNAUTHORIZED,
 *         HF_ERR_FORBIDDEN; the other
 *         errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_webhook_get(hf_client *client, const char *id, const hf_call_opts *opts,
                                hf_webhook **out, hf_error *err);

/**
 * Free a webhook that a call of its own gave out.
 *
 * @param webhook  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_webhook_free(hf_webhook *webhook);

/**
 * Make a webhook.
 *
 * @param client  the client
 * @param opts    what it watches, and url or job_id; borrowed for the call
 * @param out     on success the webhook; free with hf_webhook_free(); NULL: not wanted
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_BAD_REQUEST; HF_ERR_UNAUTHORIZED,
 *         HF_ERR_FORBIDDEN; the other
 *         errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_webhook_create(hf_client *client, const hf_webhook_opts *opts, hf_webhook **out,
                                   hf_error *err);

/**
 * Change a webhook.
 *
 * @param client  the client
 * @param id      hf_webhook.id
 * @param opts    what is to change; borrowed for the call
 * @param out     on success the webhook; free with hf_webhook_free(); NULL: not wanted
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_BAD_REQUEST; HF_ERR_UNAUTHORIZED,
 *         HF_ERR_FORBIDDEN; the other
 *         errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_webhook_update(hf_client *client, const char *id, const hf_webhook_opts *opts,
                                   hf_webhook **out, hf_error *err);

/**
 * Switch a webhook on or off.
 *
 * @param client   the client
 * @param id       hf_webhook.id
 * @param enabled  0: off
 * @param opts     NULL for defaults; borrowed for the call
 * @param out      on success the webhook; free with hf_webhook_free(); NULL: not wanted
 * @param err      NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_BAD_REQUEST; HF_ERR_UNAUTHORIZED,
 *         HF_ERR_FORBIDDEN; the other
 *         errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_webhook_enable(hf_client *client, const char *id, int enabled,
                                   const hf_call_opts *opts, hf_webhook **out, hf_error *err);

/**
 * Delete a webhook.
 *
 * @param client  the client
 * @param id      hf_webhook.id
 * @param opts    NULL for defaults; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_HTTP when there is none; HF_ERR_BAD_REQUEST; HF_ERR_UNAUTHORIZED,
 *         HF_ERR_FORBIDDEN; the other
 *         errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_webhook_delete(hf_client *client, const char *id, const hf_call_opts *opts,
                                   hf_error *err);

#ifdef __cplusplus
}
#endif

#endif
