/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub: the endpoints that publishing needs (hub-http.md 6, 7): make a repo, a branch, ask how files
 * are to go up, LFS batch, the commit. Each call is one exchange; what is on disk, in which order
 * things happen and what is done after a failure is transfer's. Part of the face: others include hub/hub.h.
 */
#ifndef HF_HUB_PUBLISH_H
#define HF_HUB_PUBLISH_H

#include "hub/hub.h"

/* ---- repo and branch */

/* "" in `id` of the answer: what was asked for. private_ < 0: the owner's default. Existing, or not
 * to be made but readable, is HF_OK. */
hf_status hf__hub_repo_ensure(hf__hub *hub, const hf_repo_ref *repo, int private_,
                              const char *space_sdk, const hf_cancel *cancel, char id[200],
                              hf_error *err);
/* Makes the branch when there is none of this name; *made tells. */
hf_status hf__hub_branch_ensure(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel,
                                bool *made, hf_error *err);

/* ---- preupload */

#define HF__PREUPLOAD_FILES 256
#define HF__SAMPLE_BYTES    512

typedef struct hf__preupload_file {
    const char *path;
    uint64_t size;
    uint8_t sample[HF__SAMPLE_BYTES];
    size_t sample_len;
    /* the answer */
    bool lfs;
    bool ignored;
    char oid[65]; /* of what is there: SHA-256, or a git blob's SHA-1; empty: none */
} hf__preupload_file;

/* At most HF__PREUPLOAD_FILES. git_ignore NULL: the repo's own counts. commit: what the answer is based on; empty when
 * the server does not tell. */
hf_status hf__hub_preupload(hf__hub *hub, const hf_repo_ref *repo, bool create_pr,
                            hf__preupload_file *files, size_t n, const char *git_ignore,
                            const hf_cancel *cancel, char commit[41], hf_error *err);

/* ---- LFS batch */

#define HF__BATCH_OBJECTS 256

typedef struct hf__lfs_action {
    hf__arena *arena;   /* owns the text; NULL: the object is there */
    const char *href;   /* of the PUT, or of the completion when n_parts */
    const char *verify; /* NULL: none */
    uint64_t part_bytes;
    const char **parts;    /* URL of each; NULL for one there already */
    const char **etags;    /* of parts that are there already; NULL otherwise */
    size_t n_parts;        /* 0: one PUT of all of it */
    uint64_t expires_in_s; /* 0: not told */
} hf__lfs_action;

typedef struct hf__lfs_object {
    char oid[65];
    uint64_t size;
    hf__lfs_action action; /* the answer */
} hf__lfs_object;

void hf__lfs_action_dispose(hf__lfs_action *action);
/* Fills action of each object; an object the server refuses is the error of the whole. */
hf_status hf__hub_lfs_batch(hf__hub *hub, const hf_repo_ref *repo, bool create_pr,
                            hf__lfs_object *objects, size_t n, const hf_cancel *cancel,
                            hf_error *err);
/* Reads `actions.upload` of a batch, or the action that git-lfs hands to its agent. */
hf_status hf__lfs_action_read(const hf__json *upload, uint64_t size, hf__lfs_action *out,
                              hf_error *err);
/* Body of the completion call. etags as the storage told them. */
void hf__lfs_completion(hf__buf *out, const char *oid, const char *const *etags, size_t n);

/* The three requests of an upload. They carry no token but for a verify at the Hub itself. */
void hf__lfs_put(const hf__hub *hub, const char *url, const hf__net_source *source,
                 hf__net_req *out);
hf_status hf__lfs_post(hf__hub *hub, const char *url, bool verify, const hf__buf *body,
                       hf__net_req *out, hf_error *err);

/* ---- commit */

typedef struct hf__hub_committed {
    char oid[41];
    char *url;    /* hf_string_free */
    char *pr_url; /* NULL: none */
} hf__hub_committed;

void hf__hub_committed_dispose(hf__hub_committed *committed);

/* One try: whether to repeat it is not for this layer to know. body is NDJSON of known length. */
hf_status hf__hub_commit(hf__hub *hub, const hf_repo_ref *repo, bool create_pr,
                         const hf__net_source *body, const hf_cancel *cancel,
                         hf__hub_committed *out, hf_error *err);

/* A commit that was made meanwhile. */
typedef struct hf__hub_made {
    char commit[41];
    uint64_t pr; /* number of the pull request whose head it is; 0: it is on the branch */
} hf__hub_made;

#define HF__HUB_MADE 64 /* at most so many are looked at */

/* The newest commits of the branch, the newest first, down to that after `base`. The newest alone when base is
 * empty, or not among the last ones. */
hf_status hf__hub_made_since(hf__hub *hub, const hf_repo_ref *repo, const char *base,
                             const hf_cancel *cancel, hf__hub_made made[HF__HUB_MADE], size_t *n,
                             hf_error *err);
/* Heads of the pull requests whose number is above `after`, the newest first. */
hf_status hf__hub_prs_since(hf__hub *hub, const hf_repo_ref *repo, uint64_t after,
                            const hf_cancel *cancel, hf__hub_made made[HF__HUB_MADE], size_t *n,
                            hf_error *err);
/* Page of a commit, or of a pull request, as the Hub writes it. */
void hf__hub_add_page(const hf__hub *hub, const hf_repo_ref *repo, const char *kind,
                      const char *what, hf__buf *out);

/* What a README.md says at its top: HF_ERR_BAD_REQUEST with the Hub's words when it is wrong;
 * warnings are logged. A Hub without this call is fine. */
hf_status hf__hub_validate_card(hf__hub *hub, hf_repo_type type, hf__str text,
                                const hf_cancel *cancel, hf_error *err);

#endif
