/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub: the Hub's endpoints, the JSON they speak, paging, tokens and where they are found, and which
 * error a status with its headers means. It does not know the disk cache nor Xet bytes; token files
 * are the one thing it reads from disk. Called by transfer and api.
 */
#ifndef HF_HUB_HUB_H
#define HF_HUB_HUB_H

#include "core/arena.h"
#include "core/json.h"
#include "core/log.h"
#include "model/model.h"
#include "net/net.h"

#include <hfhub/hfhub.h>

typedef struct hf__hub hf__hub;

typedef struct hf__hub_conf {
    const char *endpoint;    /* without trailing slash */
    const char *token;       /* NULL: find one; "": send none */
    const char *token_path;  /* token file; NULL: none is read */
    const char *stored_path; /* file of all tokens; NULL with token_path */
    bool use_env;            /* HF_TOKEN and friends */
    bool no_implicit_token;
    bool offline;
    uint32_t etag_timeout_ms;
    uint32_t read_timeout_ms;
    hf__net *net; /* must outlive it */
    hf__log *log;
} hf__hub_conf;

hf_status hf__hub_new(const hf__hub_conf *conf, hf__hub **out, hf_error *err);
void hf__hub_free(hf__hub *hub);
const char *hf__hub_endpoint(const hf__hub *hub);
bool hf__hub_offline(const hf__hub *hub);
/* "argument", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "file" or "none". */
const char *hf__hub_token_source(hf__hub *hub);

/* ---- where a file is (hub-http.md 1.4) */

hf_status hf__hub_resolve_url(const hf__hub *hub, const hf_repo_ref *repo, const char *path,
                              hf__buf *out, hf_error *err);

/* ---- HEAD of resolve (hub-http.md 2) */

typedef struct hf__hub_meta {
    char commit[41]; /* empty when the answer had none */
    hf__etag etag;
    char raw_etag[201]; /* as received, for the flat cache of old */
    uint64_t size;
    bool has_size;
    char xet_hash[65]; /* empty: none */
    hf__buf location;  /* where to GET; for Xet files the resolve URL */
    hf__buf xet_token_url;
} hf__hub_meta;

void hf__hub_meta_init(hf__hub_meta *meta);
void hf__hub_meta_dispose(hf__hub_meta *meta);

/* patient: 60 s and the standard retries; else one try within the etag time-out (cache.md 6.4).
 * On HF_ERR_ENTRY_NOT_FOUND meta->commit is filled when the answer named it.
 * Commit, etag or size missing: HF_ERR_PROTOCOL. */
hf_status hf__hub_head(hf__hub *hub, const hf_repo_ref *repo, const char *path, bool patient,
                       const hf_cancel *cancel, hf__hub_meta *meta, hf_error *err);

/* ---- the GET of a file's content */

typedef struct hf__hub_get {
    hf__arena *arena; /* owns the text in req */
    hf__net_req req;  /* redirects followed, identity encoding, token bound to the Hub's origin */
} hf__hub_get;

/* url NULL: the resolve URL at repo->revision, else a location from hf__hub_head. */
hf_status hf__hub_get_make(hf__hub *hub, const hf_repo_ref *repo, const char *path, const char *url,
                           hf__hub_get *out, hf_error *err);
void hf__hub_get_dispose(hf__hub_get *get);

/* For a sink's on_head: turns a status that is none of 200, 206 into its error, and compares what
 * the answer (and the redirect before it) says of commit, etag and total size with what is expected
 * (NULL or NO_LIMIT: not known). A different etag is HF_ERR_CHANGED, a different size
 * HF_ERR_TRUNCATED… in words. `*resumed` tells 206 from 200. */
hf_status hf__hub_check_content(const hf__net_head *head, const hf__etag *expected,
                                uint64_t expected_size, uint64_t range_first, bool *resumed,
                                hf_error *err);

/* SHA-256 of the content of an answer, of a range if it has one, that the answer tells (RFC 9530): as
 * lower-case hex. False when it does not. */
bool hf__hub_content_digest(const struct hf__net_headers *headers, char out[65]);

/* ---- API */

/* GET of an API path ("/api/models/…") as JSON; errors classified. */
hf_status hf__hub_api_get(hf__hub *hub, const char *path_and_query, hf__net_class retry,
                          const hf_cancel *cancel, const char *what, hf__json **out, hf_error *err);

/* Commit of a revision: GET {A}/revision/{rev}, one try (cache.md 14.1). */
hf_status hf__hub_revision(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel,
                           char commit[41], hf_error *err);

/* Tree listing, page by page; what hf_tree is. */
hf_status hf__hub_tree_open(hf__hub *hub, const hf_repo_ref *repo, const char *path, uint32_t flags,
                            const hf_cancel *cancel, hf_tree **out, hf_error *err);
void hf__hub_tree_hurry(hf_tree *tree); /* asks for the first page once, not again and again */
hf_status hf__hub_tree_next(hf_tree *tree, const hf_tree_entry **out, hf_error *err);
void hf__hub_tree_close(hf_tree *tree);

hf_status hf__hub_paths_info(hf__hub *hub, const hf_repo_ref *repo, const char *const *paths,
                             size_t n_paths, uint32_t flags, const hf_cancel *cancel,
                             hf_paths_info **out, hf_error *err);
void hf__hub_paths_info_free(hf_paths_info *info);

/* ---- everything else there is to ask, by the table of endpoints.c */

typedef enum hf__endpoint_id {
    HF__EP_REPO_INFO = 0,
    HF__EP_REPO_REVISION,
    HF__EP_REPO_LIST,
    HF__EP_REPO_CREATE,
    HF__EP_REPO_DELETE,
    HF__EP_REPO_MOVE,
    HF__EP_REPO_SETTINGS,
    HF__EP_REPO_DUPLICATE,
    HF__EP_REPO_SQUASH,
    HF__EP_BRANCH_CREATE,
    HF__EP_BRANCH_DELETE,
    HF__EP_TAG_CREATE,
    HF__EP_TAG_DELETE,
    HF__EP_REFS,
    HF__EP_COMMIT_LIST,
    HF__EP_OWNED_LIST,
    HF__EP_ORG_OWNED_LIST,
    HF__EP_TOPIC_LIST,
    HF__EP_DISCUSSION_LIST,
    HF__EP_DISCUSSION_GET,
    HF__EP_DISCUSSION_CREATE,
    HF__EP_DISCUSSION_COMMENT,
    HF__EP_DISCUSSION_EDIT,
    HF__EP_DISCUSSION_HIDE,
    HF__EP_DISCUSSION_RENAME,
    HF__EP_DISCUSSION_STATUS,
    HF__EP_DISCUSSION_MERGE,
    HF__EP_COLLECTION_LIST,
    HF__EP_COLLECTION_GET,
    HF__EP_COLLECTION_CREATE,
    HF__EP_COLLECTION_UPDATE,
    HF__EP_COLLECTION_DELETE,
    HF__EP_ITEM_ADD,
    HF__EP_ITEM_UPDATE,
    HF__EP_ITEM_DELETE,
    HF__EP_USER_GET,
    HF__EP_ORG_GET,
    HF__EP_FOLLOWER_LIST,
    HF__EP_FOLLOWING_LIST,
    HF__EP_MEMBER_LIST,
    HF__EP_ORG_FOLLOWER_LIST,
    HF__EP_LIKER_LIST,
    HF__EP_LIKED_LIST,
    HF__EP_LIKE,
    HF__EP_UNLIKE,
    HF__EP_ACCESS_LIST,
    HF__EP_ACCESS_HANDLE,
    HF__EP_ACCESS_GRANT,
    HF__EP_WEBHOOK_LIST,
    HF__EP_WEBHOOK_GET,
    HF__EP_WEBHOOK_CREATE,
    HF__EP_WEBHOOK_UPDATE,
    HF__EP_WEBHOOK_ENABLE,
    HF__EP_WEBHOOK_DELETE,
    HF__N_ENDPOINTS
} hf__endpoint_id;

typedef enum hf__value_kind {
    HF__V_TEXT = 1, /* NULL is left out */
    HF__V_UINT,     /* 0 is left out */
    HF__V_BOOL,     /* false is left out of a query */
    HF__V_CHOICE,   /* hf_choice: 0 is left out */
    HF__V_TEXTS,    /* none is left out */
    HF__V_JSON      /* text that is JSON; NULL is left out */
} hf__value_kind;

typedef struct hf__value {
    hf__value_kind kind;
    const char *text;
    const char *const *texts;
    uint64_t number; /* how many texts, too */
} hf__value;

#define HF__TEXT(t)       ((hf__value){ HF__V_TEXT, (t), NULL, 0 })
#define HF__UINT(n)       ((hf__value){ HF__V_UINT, NULL, NULL, (n) })
#define HF__BOOL(b)       ((hf__value){ HF__V_BOOL, NULL, NULL, (b) ? 1 : 0 })
#define HF__CHOICE(c)     ((hf__value){ HF__V_CHOICE, NULL, NULL, (uint64_t)(c) })
#define HF__TEXTS(ts, n)  ((hf__value){ HF__V_TEXTS, NULL, (ts), (n) })
#define HF__JSON_TEXT(js) ((hf__value){ HF__V_JSON, (js), NULL, 0 })

typedef struct hf__ask {
    hf__endpoint_id id;
    hf_repo_type type;       /* when there is no repo */
    const hf_repo_ref *repo; /* NULL: none */
    const hf__value *values; /* as the table names them */
    size_t n;
    bool exist_ok;   /* 409 is fine */
    bool missing_ok; /* 404 is fine */
    const hf_cancel *cancel;
} hf__ask;

/* out NULL: the answer is not read. *out is to be freed with hf__result_free(), also after
 * HF_ERR_CONFLICT, where it is set when the answer has the shape; it stays as it was when exist_ok or
 * missing_ok was needed and the answer has not. */
hf_status hf__hub_ask(hf__hub *hub, const hf__ask *ask, void **out, hf_error *err);
void hf__result_free(void *result); /* NULL allowed */

/* The first request is made by the first hf__hub_list_next(). limit 0: no end. */
hf_status hf__hub_list_open(hf__hub *hub, const hf__ask *ask, uint64_t limit, hf_list **out,
                            hf_error *err);
hf_status hf__hub_list_next(hf_list *list, hf__endpoint_id id, const void **out, hf_error *err);
void hf__hub_list_close(hf_list *list);

/* JSON of what a space is given: `[{"key": …}]`. */
void hf__hub_add_settings(hf__buf *out, const hf_space_setting *settings, size_t n);
void hf__hub_add_volumes(hf__buf *out, const hf_space_volume *volumes, size_t n);

/* Any request there is. */
hf_status hf__hub_request(hf__hub *hub, const char *method, const char *path,
                          const hf_api_opts *opts, hf_response **out, hf_error *err);
void hf__hub_response_free(hf_response *response);

/* ---- accounts; what the exported functions of the same names are */

hf_status hf__hub_whoami(hf__hub *hub, const char *token, const hf_cancel *cancel, hf_user **out,
                         hf_error *err);
void hf__hub_user_free(hf_user *user);
hf_status hf__hub_login(hf__hub *hub, const char *token, const hf_cancel *cancel, hf_login **out,
                        hf_error *err);
void hf__hub_login_free(hf_login *login);
hf_status hf__hub_logout(hf__hub *hub, const char *name, uint32_t *removed, hf_error *err);
hf_status hf__hub_switch(hf__hub *hub, const char *name, hf_error *err);
hf_status hf__hub_token_list(hf__hub *hub, hf_token_list **out, hf_error *err);
void hf__hub_token_list_free(hf_token_list *list);
hf_status hf__hub_token_get(hf__hub *hub, const char *name, char **out, hf_error *err);
hf_status hf__hub_device_start(hf__hub *hub, const hf_cancel *cancel, hf_device **out,
                               hf_error *err);
hf_status hf__hub_device_wait(hf__hub *hub, hf_device *device, hf_device_fn *on_pending, void *user,
                              const hf_cancel *cancel, hf_login **out, hf_error *err);
void hf__hub_device_free(hf_device *device);

/* Which error an answer is (hub-http.md 3.3, in its order), with the server's message and request
 * id in err. HF_OK for 2xx and 3xx. body may be empty. */
hf_status hf__hub_classify(int status, const char *url, const struct hf__net_headers *headers,
                           hf__str body, hf_error *err);

/* The half of the face that publishing needs. */
#include "hub/publish.h"

#endif
