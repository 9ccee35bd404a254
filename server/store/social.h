/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people say, like, ask for and collect: the part of the store that is about repos, not in them. As
 * store.h, which see for who owns what and which thread may call.
 */
#ifndef SRV_STORE_SOCIAL_H
#define SRV_STORE_SOCIAL_H

#include "store/store.h"

/* ---------------------------------------------------------------------------------- discussions */

typedef enum srv_talk_status {
    SRV_TALK_OPEN,
    SRV_TALK_CLOSED,
    SRV_TALK_MERGED,
    SRV_TALK_DRAFT /* a pull request without commits, or that is not offered yet */
} srv_talk_status;

const char *srv_talk_status_name(srv_talk_status status); /* "open" and so on */

typedef struct srv_talk {
    int64_t key; /* in the database */
    uint64_t num;
    const char *title;
    srv_talk_status status;
    bool is_pr;         /* its commits are refs/pr/<num> */
    const char *author; /* NULL: the account is gone */
    srv_time_ms created;
    const char *merged; /* the commit that merged it; NULL: none */
} srv_talk;

typedef enum srv_event_type { SRV_EVENT_COMMENT, SRV_EVENT_STATUS, SRV_EVENT_TITLE } srv_event_type;

typedef struct srv_event {
    char id[SRV_ID_HEX + 1];
    srv_event_type type;
    const char *author; /* NULL: the account is gone */
    srv_time_ms created;
    const char *one;    /* text of a comment, the new status, the old title */
    const char *two;    /* the new title; else NULL */
    srv_time_ms edited; /* 0: never */
    uint64_t n_edits;
    bool hidden;
} srv_event;

typedef struct srv_talk_query {
    int pr;             /* 1 pull requests, -1 discussions, 0 both */
    int open;           /* 1 open ones and drafts, -1 the others, 0 all */
    const char *author; /* NULL: any */
    size_t skip, limit;
} srv_talk_query;

/* Opens one, with its first comment. Numbers are one row for discussions and pull requests, and
 * above every refs/pr there is. */
hf_status srv_talk_new(srv_store *store, const srv_repo *repo, const srv_talk *talk,
                       const char *text, uint64_t *num, hf_error *err);
/* Takes back one whose commit failed. */
hf_status srv_talk_drop(srv_store *store, const srv_repo *repo, uint64_t num, hf_error *err);
/* HF_ERR_ENTRY_NOT_FOUND */
hf_status srv_talk_find(srv_store *store, const srv_repo *repo, uint64_t num, hf__arena *arena,
                        srv_talk *out, hf_error *err);
/* Newest first; *total counts what the query finds. */
hf_status srv_talk_list(srv_store *store, const srv_repo *repo, const srv_talk_query *query,
                        hf__arena *arena, const srv_talk **out, size_t *n_out, uint64_t *total,
                        hf_error *err);
/* The oldest, as many as fit an answer. */
hf_status srv_talk_events(srv_store *store, const srv_talk *talk, hf__arena *arena,
                          const srv_event **out, size_t *n_out, hf_error *err);
/* These add an event, which *out becomes, as author. */
hf_status srv_talk_comment(srv_store *store, const srv_talk *talk, const char *author,
                           const char *text, hf__arena *arena, srv_event *out, hf_error *err);
hf_status srv_talk_rename(srv_store *store, const srv_talk *talk, const char *author,
                          const char *title, hf__arena *arena, srv_event *out, hf_error *err);
/* merged: the commit, for MERGED. remark: a comment that goes with it, or NULL. HF_ERR_INVALID_ARG when
 * it is merged by now, whatever talk says. */
hf_status srv_talk_set_status(srv_store *store, const srv_talk *talk, const char *author,
                              srv_talk_status status, const char *merged, const char *remark,
                              hf__arena *arena, srv_event *out, hf_error *err);
/* A comment of talk by its id: HF_ERR_ENTRY_NOT_FOUND. */
hf_status srv_comment_find(srv_store *store, const srv_talk *talk, const char *id, hf__arena *arena,
                           srv_event *out, hf_error *err);
/* Another text; NULL hides it for good. */
hf_status srv_comment_edit(srv_store *store, const srv_talk *talk, const char *id, const char *text,
                           hf__arena *arena, srv_event *out, hf_error *err);

/* ------------------------------------------------------------------------ likes, access requests */

/* One like of somebody; twice is once. */
hf_status srv_like_set(srv_store *store, const srv_repo *repo, const char *account, bool like,
                       hf_error *err);

typedef struct srv_like {
    srv_account account;
    srv_repo_type type;
    const char *repo;
    bool repo_is_private;
    srv_time_ms created;
} srv_like;

/* Of a repo (account NULL), or by an account (repo NULL). */
hf_status srv_like_list(srv_store *store, const srv_repo *repo, const char *account,
                        hf__arena *arena, const srv_like **out, size_t *n_out, hf_error *err);

typedef struct srv_request {
    srv_account account;
    srv_grant grant;
    srv_time_ms changed;
} srv_request;

/* Requests for a gated repo that stand like this. */
hf_status srv_request_list(srv_store *store, const srv_repo *repo, srv_grant grant,
                           hf__arena *arena, const srv_request **out, size_t *n_out, hf_error *err);
/* Asks for access: granted, or PENDING. Nothing changes for who has asked before, whatever was decided. */
hf_status srv_request_make(srv_store *store, const srv_repo *repo, const char *account,
                           srv_grant grant, hf_error *err);
/* Takes back what nobody has decided on: HF_ERR_ENTRY_NOT_FOUND when there is no such request. */
hf_status srv_request_cancel(srv_store *store, const srv_repo *repo, const char *account,
                             hf_error *err);
/* How the request of one account stands; NONE when there is none. */
hf_status srv_request_find(srv_store *store, const srv_repo *repo, const char *account,
                           srv_grant *out, hf_error *err);

/* What an account is and has, for everyone to see. */
typedef struct srv_overview {
    uint64_t n_repos[4]; /* public, by srv_repo_type */
    uint64_t n_members, n_likes, n_discussions;
} srv_overview;

hf_status srv_account_overview(srv_store *store, const srv_account *account, srv_overview *out,
                               hf_error *err);
/* Users of an organisation, or organisations of a user. */
hf_status srv_member_list(srv_store *store, const srv_account *account, hf__arena *arena,
                          const srv_membership **out, size_t *n_out, hf_error *err);

/* A repo with what it takes on the disk. */
typedef struct srv_owned {
    srv_repo repo;
    uint64_t bytes; /* of all LFS objects it ever had */
} srv_owned;

/* All repos of a namespace, private ones too, changed last first. */
hf_status srv_owned_list(srv_store *store, const char *ns, hf__arena *arena, const srv_owned **out,
                         size_t *n_out, hf_error *err);

/* ----------------------------------------------------------------------- collections, webhooks */

typedef struct srv_collection {
    int64_t key; /* in the database */
    char id[SRV_ID_HEX + 1];
    const char *owner;
    const char *title;
    const char *slug;        /* words of the title it was made with; maybe "" */
    const char *description; /* NULL: none */
    const char *theme;
    bool is_private;
    int64_t position;
    srv_time_ms updated;
} srv_collection;

/* What is NULL or below 0 stays. */
typedef struct srv_collection_change {
    const char *title;
    const char *description;
    const char *theme;
    int is_private;
    int64_t position;
} srv_collection_change;

typedef struct srv_item {
    char id[SRV_ID_HEX + 1];
    const char *type; /* "model", "paper" and so on */
    const char *item; /* id of the repo or paper */
    const char *note; /* NULL: none */
} srv_item;

typedef struct srv_item_change {
    bool remove;
    bool set_note;
    bool set_position;
    const char *note;
    size_t position; /* beyond the end is the end */
} srv_item_change;

/* id of the new one, or, with *exists, of the owner's that has this title already. */
hf_status srv_collection_new(srv_store *store, const srv_collection *spec, char id[SRV_ID_HEX + 1],
                             bool *exists, hf_error *err);
/* HF_ERR_ENTRY_NOT_FOUND */
hf_status srv_collection_find(srv_store *store, hf__str id, hf__arena *arena, srv_collection *out,
                              hf_error *err);
/* Changed last first. owner NULL: any; item NULL: whatever they hold. */
hf_status srv_collection_list(srv_store *store, const char *owner, const char *item_type,
                              const char *item, hf__arena *arena, const srv_collection **out,
                              size_t *n_out, hf_error *err);
hf_status srv_collection_set(srv_store *store, const srv_collection *c,
                             const srv_collection_change *change, hf_error *err);
hf_status srv_collection_delete(srv_store *store, const srv_collection *c, hf_error *err);
/* In their order. */
hf_status srv_item_list(srv_store *store, const srv_collection *c, hf__arena *arena,
                        const srv_item **out, size_t *n_out, hf_error *err);
/* At the end; HF_ERR_CONFLICT when it is there. */
hf_status srv_item_add(srv_store *store, const srv_collection *c, const srv_item *item,
                       hf_error *err);
hf_status srv_item_change_one(srv_store *store, const srv_collection *c, const char *id,
                              const srv_item_change *change, hf_error *err);

typedef struct srv_webhook {
    char id[SRV_ID_HEX + 1];
    const char *url;
    const char *watched; /* JSON arrays */
    const char *domains;
    const char *secret; /* NULL: none */
    bool disabled;
} srv_webhook;

hf_status srv_webhook_new(srv_store *store, const char *account, const srv_webhook *hook,
                          char id[SRV_ID_HEX + 1], hf_error *err);
/* What is NULL stays, as does disabled when it is below 0. HF_ERR_ENTRY_NOT_FOUND */
hf_status srv_webhook_set(srv_store *store, const char *account, const char *id,
                          const srv_webhook *hook, int disabled, hf_error *err);
/* Of an account; id NULL: all. */
hf_status srv_webhook_list(srv_store *store, const char *account, const char *id, hf__arena *arena,
                           const srv_webhook **out, size_t *n_out, hf_error *err);
hf_status srv_webhook_delete(srv_store *store, const char *account, const char *id, hf_error *err);

#endif
