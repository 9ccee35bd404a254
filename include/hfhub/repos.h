/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hfhub/repos.h: managing repos. Included by hfhub.h, which has the conventions; it comes after it
 * for a reader: what every call here shares, lists, describing and finding repos, making and
 * changing them, branches, tags and history, and the way to every endpoint without a call of its own.
 */
#ifndef HFHUB_REPOS_H
#define HFHUB_REPOS_H

#include <hfhub/hfhub.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------------- what calls here share */

#define HF_CALL_EXIST_OK   (1u << 0) /* making what is there already is success */
#define HF_CALL_MISSING_OK (1u << 1) /* removing what is not there is success */

/** Options of calls that have no others. */
typedef struct hf_call_opts {
    uint32_t struct_size;
    uint32_t flags;    /* HF_CALL_*, where the call says so */
    hf_cancel *cancel; /* NULL: none. Must outlive a list that was opened with it */
} hf_call_opts;

/* clang-format off */
#define HF_CALL_OPTS_INIT { sizeof(hf_call_opts), 0, NULL }
/* clang-format on */

/** Yes, no, or as the Hub likes it. */
typedef enum hf_choice { HF_UNSET = 0, HF_YES = 1, HF_NO = 2 } hf_choice;

/** Walks a listing of any kind page by page; holds one page. Belongs to one thread at a time. Each
 * kind has its own hf_list_next_…(); asking for another kind is HF_ERR_INVALID_ARG. */
typedef struct hf_list hf_list;

/**
 * Close a list of any kind.
 *
 * @param list  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_list_close(hf_list *list);

/* -------------------------------------------------------------------------------- finding repos */

#define HF_REPO_LIST_FULL      (1u << 0) /* with files, commit, dates */
#define HF_REPO_LIST_CONFIG    (1u << 1) /* models: with their configuration */
#define HF_REPO_LIST_CARD_DATA (1u << 2) /* models: with the metadata of their cards */
#define HF_REPO_LIST_LINKED    (1u << 3) /* spaces: those that link models or datasets */

typedef struct hf_repo_list_opts {
    uint32_t struct_size;
    uint32_t flags;          /* HF_REPO_LIST_* */
    const char *search;      /* part of the id; NULL: any */
    const char *author;      /* namespace; NULL: any */
    const char *const *tags; /* repos that have all of them: "en", "license:mit", "dataset:x", … */
    size_t n_tags;
    const char *pipeline_tag; /* models: the task, "text-generation" */
    const char *library;      /* models: "transformers"; one more tag */
    const char *const *apps;  /* models: programs that run them, "llama.cpp" */
    size_t n_apps;
    const char *num_parameters;   /* models: "min:6B,max:128B" */
    hf_choice gated;              /* models and datasets */
    const char *inference;        /* models: "warm" */
    const char *const *providers; /* models: served by all of them; "all": by any */
    size_t n_providers;
    const char *const *models; /* spaces that use them */
    size_t n_models;
    const char *const *datasets; /* spaces that use them */
    size_t n_datasets;
    const char *sort; /* "createdAt", "downloads", "lastModified", "likes" or "trendingScore" */
    const char *const *expand; /* only these properties; not with HF_REPO_LIST_FULL and friends */
    size_t n_expand;
    uint64_t limit; /* repos in all; 0: every one there is */
    hf_cancel *cancel;
} hf_repo_list_opts;

/* clang-format off */
#define HF_REPO_LIST_OPTS_INIT \
    { sizeof(hf_repo_list_opts), 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, 0, NULL, HF_UNSET, NULL, \
      NULL, 0, NULL, 0, NULL, 0, NULL, NULL, 0, 0, NULL }
/* clang-format on */

/**
 * Start listing the models, datasets or spaces of a Hub that pass all filters. The first request is
 * made by the first hf_list_next_repo().
 *
 * @param client  the client; must outlive the list
 * @param type    which; kernels cannot be listed
 * @param opts    NULL: everything there is; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG; HF_ERR_LIMIT for filters too long for a URL; HF_ERR_NO_MEMORY
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_list_open(hf_client *client, hf_repo_type type,
                                   const hf_repo_list_opts *opts, hf_list **out, hf_error *err);

/**
 * Go to the next repo, asking for the next page when this one is used up.
 *
 * @param list  of hf_repo_list_open()
 * @param out   the repo, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return HF_OK, also at the end; HF_ERR_BAD_REQUEST for a filter the Hub does not know;
 *         HF_ERR_UNAUTHORIZED; HF_ERR_RATE_LIMITED; HF_ERR_PROTOCOL, also for a listing that does not
 *         end; HF_ERR_LIMIT for a page too large or too deep; HF_ERR_CANCELED; HF_ERR_OFFLINE and the
 *         other network errors of hf_file_metadata_get()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_repo(hf_list *list, const hf_repo_info **out, hf_error *err);

/** A tag that repos can be filtered by. */
typedef struct hf_topic {
    const char *id; /* what hf_repo_list_opts.tags takes: "license:mit" */
    const char *label;
    const char *type; /* "license", "language", "library", … */
} hf_topic;

/**
 * Start listing the tags that models or datasets can be filtered by, type by type.
 *
 * @param client  the client; must outlive the list
 * @param type    HF_REPO_MODEL or HF_REPO_DATASET
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_topic_list_open(hf_client *client, hf_repo_type type, const hf_call_opts *opts,
                                    hf_list **out, hf_error *err);

/**
 * Go to the next tag.
 *
 * @param list  of hf_topic_list_open()
 * @param out   the tag, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_topic(hf_list *list, const hf_topic **out, hf_error *err);

/** A repo, or bucket, that belongs to the caller. */
typedef struct hf_owned_repo {
    const char *id;
    const char *type;       /* "model", "dataset", "space", "bucket", … */
    const char *updated_at; /* ISO 8601 */
    const char *visibility; /* "public", "private" or "protected" */
    uint64_t storage;       /* bytes over all revisions */
    double storage_percent; /* of what all of the owner's repos take */
} hf_owned_repo;

/**
 * Start listing the repos of every type that belong to the token's user, or to an organization,
 * with what they store.
 *
 * @param client        the client; must outlive the list
 * @param organization  NULL: the token's user
 * @param opts          NULL for defaults; borrowed for the call
 * @param out           on success the list; close with hf_list_close()
 * @param err           NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_owned_list_open(hf_client *client, const char *organization,
                                    const hf_call_opts *opts, hf_list **out, hf_error *err);

/**
 * Go to the next repo of one's own.
 *
 * @param list  of hf_owned_list_open()
 * @param out   the repo, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo()
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_owned(hf_list *list, const hf_owned_repo **out, hf_error *err);

/* --------------------------------------------------------------------- making and changing repos */

typedef enum hf_visibility {
    HF_VISIBILITY_DEFAULT = 0, /* what the namespace has as default; a change leaves it */
    HF_VISIBILITY_PUBLIC = 1,
    HF_VISIBILITY_PRIVATE = 2,
    HF_VISIBILITY_PROTECTED = 3 /* spaces: the app is public, its code is not */
} hf_visibility;

/** A variable or secret of a space. */
typedef struct hf_space_setting {
    const char *key;
    const char *value;
    const char *description; /* NULL: none */
} hf_space_setting;

/** A repo or bucket that a space sees as a folder. */
typedef struct hf_space_volume {
    const char *type;       /* "model", "dataset", "space" or "bucket" */
    const char *source;     /* its id, "namespace/name" */
    const char *mount_path; /* begins with '/' */
    const char *revision;   /* of a repo; NULL: main */
    const char *path;       /* of the part of it that is mounted; NULL: all */
    hf_choice read_only;    /* repos always are */
} hf_space_volume;

typedef struct hf_create_opts {
    uint32_t struct_size;
    uint32_t flags; /* HF_CALL_EXIST_OK */
    hf_visibility visibility;
    const char *resource_group; /* its id; NULL: none */
    const char *region;         /* "us" or "eu"; NULL: the owner's */
    const char *license;        /* put into the first card; NULL: none */
    /* of a space */
    const char *sdk;            /* "gradio", "docker", "static" or "streamlit"; needed */
    const char *space_template; /* repo id; NULL: none */
    const char *hardware;       /* "cpu-basic", …; NULL: the free one */
    const char *storage;        /* "small", "medium" or "large"; NULL: none */
    uint32_t sleep_time_s;      /* idle seconds before it sleeps; 0: default */
    const hf_space_setting *secrets;
    size_t n_secrets;
    const hf_space_setting *variables;
    size_t n_variables;
    const hf_space_volume *volumes;
    size_t n_volumes;
    hf_cancel *cancel;
} hf_create_opts;

/* clang-format off */
#define HF_CREATE_OPTS_INIT \
    { sizeof(hf_create_opts), 0, HF_VISIBILITY_DEFAULT, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, \
      NULL, 0, NULL, 0, NULL, 0, NULL }
/* clang-format on */

/** Where a repo is. */
typedef struct hf_repo_url {
    hf_repo_type type;
    const char *id;  /* with its namespace */
    const char *url; /* of its page */
    int existed;     /* it was there before */
    int is_copying;  /* of a duplicate: its large files are still being copied */
} hf_repo_url;

/**
 * Make a repo. A Hub that says it is busy with another operation on it is asked again a few times.
 *
 * @param client  the client
 * @param repo    type and id, "namespace/name" or, for the token's user, "name"
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success where it is; free with hf_repo_url_free(); NULL: not wanted
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_CONFLICT when it exists (without HF_CALL_EXIST_OK); HF_ERR_INVALID_ARG,
 *         also for a space without sdk; HF_ERR_BAD_REQUEST for a name the Hub does not allow;
 *         HF_ERR_UNAUTHORIZED; HF_ERR_FORBIDDEN for a token that may not write there;
 *         HF_ERR_CANCELED; the network errors of hf_file_metadata_get()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_create(hf_client *client, const hf_repo_ref *repo,
                                const hf_create_opts *opts, hf_repo_url **out, hf_error *err);

/**
 * Copy a repo on the Hub.
 *
 * @param client  the client
 * @param from    the repo
 * @param to_id   id of the copy; NULL: the name of the original, in the namespace of the token's user
 * @param opts    NULL for defaults; sdk, template, license, region and group are not used
 * @param out     on success where the copy is; free with hf_repo_url_free(); NULL: not wanted
 * @param err     NULL, or filled on failure
 * @return as hf_repo_create(); HF_ERR_REPO_NOT_FOUND
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_duplicate(hf_client *client, const hf_repo_ref *from, const char *to_id,
                                   const hf_create_opts *opts, hf_repo_url **out, hf_error *err);

/**
 * Free the answer of hf_repo_create().
 *
 * @param url  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_repo_url_free(hf_repo_url *url);

/**
 * Delete a repo for ever.
 *
 * @param client  the client
 * @param repo    type and id; "name" alone means the token's user
 * @param opts    NULL for defaults; HF_CALL_MISSING_OK
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_REPO_NOT_FOUND; HF_ERR_FORBIDDEN; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_delete(hf_client *client, const hf_repo_ref *repo,
                                const hf_call_opts *opts, hf_error *err);

/**
 * Rename a repo, or give it to another namespace. The old id leads to the new one.
 *
 * @param client  the client
 * @param from    the repo, with its namespace
 * @param to_id   its new id, with a namespace
 * @param opts    NULL for defaults
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_CONFLICT when the target exists; HF_ERR_REPO_NOT_FOUND; HF_ERR_FORBIDDEN for
 *         a token that may not write in both namespaces; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_move(hf_client *client, const hf_repo_ref *from, const char *to_id,
                              const hf_call_opts *opts, hf_error *err);

typedef struct hf_settings_opts {
    uint32_t struct_size;
    uint32_t flags; /* none yet */
    hf_visibility visibility;
    const char *gated; /* "auto", "manual" or "false"; NULL: leave it */
    hf_cancel *cancel;
} hf_settings_opts;

/* clang-format off */
#define HF_SETTINGS_OPTS_INIT { sizeof(hf_settings_opts), 0, HF_VISIBILITY_DEFAULT, NULL, NULL }
/* clang-format on */

/**
 * Change who may see a repo, and whether access is to be asked for.
 *
 * @param client  the client
 * @param repo    the repo
 * @param opts    at least one setting; borrowed for the call
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_INVALID_ARG when there is nothing to change; as hf_repo_delete()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_repo_settings(hf_client *client, const hf_repo_ref *repo,
                                  const hf_settings_opts *opts, hf_error *err);

/* ------------------------------------------------------------------- branches, tags and history */

/**
 * Make a branch that starts at the revision of `repo`.
 *
 * @param client  the client
 * @param repo    the repo; a revision of NULL is the head of the default branch
 * @param branch  its name
 * @param opts    NULL for defaults; HF_CALL_EXIST_OK
 * @param err     NULL, or filled on failure
 * @return HF_OK; HF_ERR_CONFLICT when it exists; HF_ERR_REVISION_NOT_FOUND; HF_ERR_REPO_NOT_FOUND;
 *         HF_ERR_FORBIDDEN; the other errors of hf_repo_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_branch_create(hf_client *client, const hf_repo_ref *repo, const char *branch,
                                  const hf_call_opts *opts, hf_error *err);

/**
 * Delete a branch.
 *
 * @param client  the client
 * @param repo    the repo
 * @param branch  its name; `main` cannot be deleted
 * @param opts    NULL for defaults; HF_CALL_MISSING_OK
 * @param err     NULL, or filled on failure
 * @return as hf_branch_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_branch_delete(hf_client *client, const hf_repo_ref *repo, const char *branch,
                                  const hf_call_opts *opts, hf_error *err);

/**
 * Tag the revision of `repo`.
 *
 * @param client   the client
 * @param repo     the repo; a revision of NULL is "main"
 * @param tag      its name
 * @param message  makes it an annotated tag; NULL: none
 * @param opts     NULL for defaults; HF_CALL_EXIST_OK
 * @param err      NULL, or filled on failure
 * @return as hf_branch_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_tag_create(hf_client *client, const hf_repo_ref *repo, const char *tag,
                               const char *message, const hf_call_opts *opts, hf_error *err);

/**
 * Delete a tag. The commit it stands at stays.
 *
 * @param client  the client
 * @param repo    the repo
 * @param tag     its name
 * @param opts    NULL for defaults; HF_CALL_MISSING_OK
 * @param err     NULL, or filled on failure
 * @return as hf_branch_create()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_tag_delete(hf_client *client, const hf_repo_ref *repo, const char *tag,
                               const hf_call_opts *opts, hf_error *err);

/** A name for a commit. */
typedef struct hf_ref {
    const char *name; /* "main", "v1.0" */
    const char *ref;  /* "refs/heads/main" */
    const char *target_commit;
} hf_ref;

/** The names a repo has for its commits. */
typedef struct hf_refs {
    const hf_ref *branches;
    size_t n_branches;
    const hf_ref *tags;
    size_t n_tags;
    const hf_ref *converts; /* of files the Hub made: "parquet" */
    size_t n_converts;
    const hf_ref *pull_requests;
    size_t n_pull_requests;
} hf_refs;

#define HF_REFS_PULL_REQUESTS (1u << 8) /* flag of hf_refs_get(): those of pull requests, too */

/**
 * Ask for the branches and tags of a repo.
 *
 * @param client  the client
 * @param repo    the repo
 * @param opts    NULL for defaults; HF_REFS_PULL_REQUESTS
 * @param out     on success the refs; free with hf_refs_free()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_info_get()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_refs_get(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                             hf_refs **out, hf_error *err);

/**
 * Free the answer of hf_refs_get().
 *
 * @param refs  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_refs_free(hf_refs *refs);

/** A commit of a repo's history. */
typedef struct hf_git_commit {
    const char *id;
    const char *title;
    const char *message; /* what follows the title; may be empty */
    const char *date;    /* ISO 8601 */
    const char *const *authors;
    size_t n_authors;
    const char *json; /* all that the Hub says of it */
} hf_git_commit;

/**
 * Start listing the history of a revision, newest first.
 *
 * @param client  the client; must outlive the list
 * @param repo    the repo; a revision of NULL is "main"
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the list; close with hf_list_close()
 * @param err     NULL, or filled on failure
 * @return as hf_repo_list_open()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_commit_list_open(hf_client *client, const hf_repo_ref *repo,
                                     const hf_call_opts *opts, hf_list **out, hf_error *err);

/**
 * Go to the next older commit.
 *
 * @param list  of hf_commit_list_open()
 * @param out   the commit, valid until the next call with this list; NULL at the end
 * @param err   NULL, or filled on failure
 * @return as hf_list_next_repo(); HF_ERR_REPO_NOT_FOUND, HF_ERR_REVISION_NOT_FOUND
 * @threads one at a time for one list
 * @since 0.1
 */
HF_API hf_status hf_list_next_commit(hf_list *list, const hf_git_commit **out, hf_error *err);

/**
 * Replace the history of a branch by one commit with the same files. Cannot be undone.
 *
 * @param client   the client
 * @param repo     the repo and branch
 * @param message  of that commit; NULL: the Hub's own words
 * @param opts     NULL for defaults
 * @param err      NULL, or filled on failure
 * @return as hf_branch_create(); HF_ERR_BAD_REQUEST when the revision is no branch
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_history_squash(hf_client *client, const hf_repo_ref *repo, const char *message,
                                   const hf_call_opts *opts, hf_error *err);

/* ------------------------------------------------------------------------------- everything else */

#define HF_API_RETRY      (1u << 0) /* as a GET is: the request may be sent more than once */
#define HF_API_ANY_STATUS (1u << 1) /* give out the answer of an error, too */

typedef struct hf_api_opts {
    uint32_t struct_size;
    uint32_t flags;           /* HF_API_RETRY, HF_API_ANY_STATUS */
    const void *body;         /* NULL: none; borrowed for the call */
    size_t body_size;         /* bytes of it */
    const char *content_type; /* of the body; NULL: "application/json" */
    hf_cancel *cancel;        /* NULL: none */
} hf_api_opts;

/* clang-format off */
#define HF_API_OPTS_INIT { sizeof(hf_api_opts), 0, NULL, 0, NULL, NULL }
/* clang-format on */

/** What an endpoint answered. Absent text is NULL. */
typedef struct hf_response {
    int status;       /* HTTP */
    const char *body; /* ends in a NUL that is not counted */
    size_t size;
    const char *content_type;
    const char *request_id;
    const char *next; /* URL of the next page, for hf_api_request(); NULL: this was the last */
    const char *url;  /* that answered, after redirects */
} hf_response;

/**
 * Send a request to any endpoint, also one without a call of its own, with the token, the retries,
 * the limits and the errors of the client. A GET or HEAD is repeated as the listings' are, other
 * methods only with HF_API_RETRY. The token goes to the endpoint's origin and to no other.
 *
 * @param client  the client
 * @param method  "GET", "HEAD", "POST", "PUT", "PATCH" or "DELETE"
 * @param path    "/api/…" on the client's endpoint, query and all, or a whole http(s) URL such as
 *                hf_response.next; escaped already
 * @param opts    NULL for defaults; borrowed for the call
 * @param out     on success the answer; free with hf_response_free()
 * @param err     NULL, or filled on failure
 * @return HF_OK for a status below 400; else the error that the answer means;
 *         HF_ERR_INVALID_ARG; HF_ERR_LIMIT for an answer over 64 MiB; HF_ERR_CANCELED; the network
 *         errors of hf_file_metadata_get()
 * @threads any
 * @since 0.1
 */
HF_API hf_status hf_api_request(hf_client *client, const char *method, const char *path,
                                const hf_api_opts *opts, hf_response **out, hf_error *err);

/**
 * Free the answer of hf_api_request().
 *
 * @param response  NULL allowed
 * @return nothing
 * @threads any
 * @since 0.1
 */
HF_API void hf_response_free(hf_response *response);

#ifdef __cplusplus
}
#endif

#include <hfhub/community.h> /* the next page of this manual */

#endif
