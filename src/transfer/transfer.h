/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: how a file, or a repo of files, gets here: plan, fetch, hash while writing, resume,
 * commit, progress. It does not know URL shapes (hub does), directory names (cache does) or curl
 * (net does). Called by api.
 *
 * The caller's thread runs the state machines of all files of a call; bytes come on net's I/O
 * thread in buffers that are handed whole to strands of the worker pool, which write and hash them.
 */
#ifndef HF_TRANSFER_TRANSFER_H
#define HF_TRANSFER_TRANSFER_H

#include "cache/cache.h"
#include "core/pool.h"
#include "hub/hub.h"

#include <hfhub/hfhub.h>

typedef struct hf__transfer_ctx {
    hf__net *net;
    hf__hub *hub;
    hf__pool *pool;
    hf__log *log;
    const char *cache_dir;
    const char *token_path; /* files that are never published; NULL: none */
    const char *stored_path;
    bool no_symlinks;
    uint64_t patience_ms; /* for a line that went away in the middle of a body; 0: 15 minutes */
} hf__transfer_ctx;

/* Options have been checked and copied to full size by api. */
hf_status hf__transfer_file(const hf__transfer_ctx *ctx, const hf_repo_ref *repo, const char *path,
                            const hf_download_opts *opts, hf_file **out, hf_error *err);
void hf__transfer_file_free(hf_file *file);

hf_status hf__transfer_snapshot(const hf__transfer_ctx *ctx, const hf_repo_ref *repo,
                                const hf_snapshot_opts *opts, hf_snapshot **out, hf_error *err);
void hf__transfer_snapshot_free(hf_snapshot *snapshot);

hf_status hf__transfer_url(const hf__transfer_ctx *ctx, const char *url,
                           const hf_cached_download_opts *opts, const char *user_agent, char **out,
                           hf_error *err);

/* ---- uploads: what hf_commit and its calls are */

typedef struct hf__upload hf__upload;

hf_status hf__upload_new(const hf__transfer_ctx *ctx, const hf_repo_ref *repo, hf__upload **out,
                         hf_error *err);
void hf__upload_free(hf__upload *u);
hf_status hf__upload_add_file(hf__upload *u, const char *path, const char *local, hf_error *err);
hf_status hf__upload_add_fd(hf__upload *u, const char *path, int fd, hf_error *err);
hf_status hf__upload_add_bytes(hf__upload *u, const char *path, const void *bytes, size_t len,
                               hf_error *err);
hf_status hf__upload_add_folder(hf__upload *u, const char *path, const char *folder,
                                const hf_upload_opts *opts, hf_error *err);
hf_status hf__upload_delete(hf__upload *u, const char *path, bool folder, hf_error *err);
/* base: "" or "folder/", which patterns do not see. */
hf_status hf__upload_delete_matching(hf__upload *u, const char *base, const char *const *patterns,
                                     size_t n, hf_error *err);
hf_status hf__upload_copy(hf__upload *u, const char *from_revision, const char *from,
                          const char *to, hf_error *err);
hf_status hf__upload_send(hf__upload *u, const hf_upload_opts *opts, hf_commit_info **out,
                          hf_error *err);
/* The agent of git-lfs, until `in` ends or says so. */
hf_status hf__upload_agent(const hf__transfer_ctx *ctx, int in, int out, const hf_cancel *cancel,
                           hf_error *err);
void hf__upload_info_free(hf_commit_info *info);

#endif
