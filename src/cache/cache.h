/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: where files lie on this machine: the repository cache shared with the Python client, the
 * book-keeping of a local directory, the flat cache of old; names, locks, atomic moves, links or
 * copies, scans. It does not know the network nor what the Hub answered. Called by transfer and
 * api.
 *
 * Nothing enters the cache unverified: a blob gets its name by hf__cache_blob_commit, which takes
 * the hash that was expected and the one that was computed, and refuses a mismatch. No link below
 * the cache root is followed on the way to a file that is written.
 */
#ifndef HF_CACHE_CACHE_H
#define HF_CACHE_CACHE_H

#include "core/arena.h"
#include "core/log.h"
#include "core/os.h"
#include "model/model.h"

#include <hfhub/hfhub.h>

typedef struct hf__cache hf__cache; /* one cache directory */
typedef struct hf__cache_repo
    hf__cache_repo; /* one repo's folder in it; touches the disk only when asked to */

/* dir is resolved (cache.md 1.1); it need not exist. */
hf_status hf__cache_open(const char *dir, bool no_symlinks, hf__log *log, hf__cache **out,
                         hf_error *err);
void hf__cache_close(hf__cache *cache);
const char *hf__cache_dir(const hf__cache *cache);

hf_status hf__cache_repo_open(hf__cache *cache, hf_repo_type type, const char *id,
                              hf__cache_repo **out, hf_error *err);
void hf__cache_repo_close(hf__cache_repo *repo);

/* ---- refs, markers, look-up */

/* Commit of a branch or tag as last seen; empty text when unknown. */
hf_status hf__cache_ref_read(hf__cache_repo *repo, const char *revision, char commit[41],
                             hf_error *err);
hf_status hf__cache_ref_write(hf__cache_repo *repo, const char *revision, const char *commit,
                              hf_error *err);
hf_status hf__cache_no_exist_write(hf__cache_repo *repo, const char *commit, const char *path,
                                   hf_error *err);

hf_status hf__cache_snapshot_dir(hf__cache_repo *repo, const char *commit, hf__buf *out,
                                 hf_error *err);
hf_status hf__cache_pointer_path(hf__cache_repo *repo, const char *commit, const char *path,
                                 hf__buf *out, hf_error *err);

/* Is the file there at this commit? A dangling link is not; a link that leaves the cache is not. */
hf_status hf__cache_pointer_find(hf__cache_repo *repo, const char *commit, const char *path,
                                 bool *found, uint64_t *size, hf_error *err);
/* Is a blob there under this name? Looks at every place where the Python client keeps blobs. */
hf_status hf__cache_blob_find(hf__cache_repo *repo, const char *etag, bool *found, uint64_t *size,
                              hf_error *err);

/* cache.md 17.1 */
hf_status hf__cache_try_load(hf__cache *cache, const hf_repo_ref *repo, const char *path,
                             hf_cache_state *state, hf__buf *out, hf_error *err);

/* ---- getting a file in */

/* Makes the folders, CACHEDIR.TAG and the lock folder (cache.md 6.7). */
hf_status hf__cache_prepare(hf__cache_repo *repo, hf_error *err);

/* The lock of one blob (cache.md 9). *got false: another process has it; try again in 50 ms. */
hf_status hf__cache_blob_lock(hf__cache_repo *repo, const char *etag, hf__os_lock *out, bool *got,
                              hf_error *err);

typedef struct hf__cache_part hf__cache_part; /* a blob, or a local-dir file, on its way in */

/* Files of at least this size are kept when a call ends before they are complete. */
#define HF__PART_KEEP_FROM ((uint64_t)8 * 1024 * 1024)

/* From here on the data reaches the disk before the name does. A file's name stands for its hash
 * and is never checked again, so after a power cut it must not stand in front of missing bytes.
 * Syncing each small file would cost more than fetching it; of those a listing tells the size,
 * which look-ups compare. */
#define HF__PART_SYNC_FROM ((uint64_t)1024 * 1024)

/* Opens the part of a blob. With a journal, part and journal are what an earlier call left, and the
 * caller has to find out what they are worth; without, the part is empty. What another client left
 * of the same blob is taken over, so the blob's lock must be held. */
hf_status hf__cache_blob_begin(hf__cache_repo *repo, const char *etag, uint64_t size,
                               hf__cache_part **out, hf_error *err);
int hf__cache_part_fd(const hf__cache_part *part);
int hf__cache_part_journal_fd(const hf__cache_part *part); /* -1: none, it will not be kept */
const char *hf__cache_part_path(const hf__cache_part *part);
/* Bytes of disk that the part of an earlier call takes already; 0 when there is none. */
uint64_t hf__cache_blob_kept(hf__cache_repo *repo, const char *etag, uint64_t size);
/* Bytes from the front that another client wrote, of which nothing is known; of a part that is new to
 * us. 0: none. */
uint64_t hf__cache_part_adopted(const hf__cache_part *part);
/* A file without the bytes that its name speaks of: what a power cut may leave of a small one, which is
 * not synced. */
bool hf__cache_is_hollow(const char *etag, uint64_t size);
bool hf__cache_is_part(const char *name); /* of a file: is it a part, or a part's journal? */
/* Renames into place when expected and computed hash and size agree, else removes it:
 * HF_ERR_CORRUPT. The mode is what a new file would have. Frees part either way. Waits for the disk from HF__PART_SYNC_FROM on.
 * @threads any, one at a time */
hf_status hf__cache_part_commit(hf__cache_part *part, const char *expected_hash,
                                const char *computed_hash, uint64_t size, hf_error *err);
/* Waits for the disk, from HF__PART_SYNC_FROM on; a commit does it by itself, when nobody had to know
 * before. */
hf_status hf__cache_part_sync(hf__cache_part *part, uint64_t size, hf_error *err);
/* Begins to write to disk what is in memory, without waiting for it. */
void hf__cache_part_write_out(const hf__cache_part *part);
/* Frees, and keeps part and journal for the next call when the journal says anything. */
void hf__cache_part_close(hf__cache_part *part);   /* NULL allowed */
void hf__cache_part_abandon(hf__cache_part *part); /* removes both, frees; NULL allowed */

/* Makes snapshots/<commit>/<path> for a blob that is there (cache.md 8). new_blob: move instead of
 * copy where links cannot be made. */
hf_status hf__cache_pointer_make(hf__cache_repo *repo, const char *commit, const char *path,
                                 const char *etag, bool new_blob, hf_error *err);

/* ---- tree listings of commits (cache.md 12), of the cache or of a local directory */

typedef struct hf__tree_list {
    hf__arena *arena;
    hf__entry *entries; /* files only, sorted by path */
    size_t n;
} hf__tree_list;

void hf__tree_list_dispose(hf__tree_list *list);

struct hf__cache_local;
/* *found false when there is none or it cannot be used (then the log says why). local NULL: the
 * cache's. */
hf_status hf__cache_tree_read(hf__cache_repo *repo, struct hf__cache_local *local,
                              const char *commit, hf__tree_list *out, bool *found, hf_error *err);
hf_status hf__cache_tree_write(hf__cache_repo *repo, struct hf__cache_local *local,
                               const char *commit, const hf__tree_list *list, hf_error *err);

/* ---- local directory (cache.md 13) */

typedef struct hf__cache_local hf__cache_local;

typedef struct hf__local_meta {
    bool valid; /* there is one and the file was not changed since */
    char commit[41];
    hf__etag etag;
} hf__local_meta;

hf_status hf__cache_local_open(const char *dir, hf__log *log, hf__cache_local **out, hf_error *err);
void hf__cache_local_close(hf__cache_local *local);
const char *hf__cache_local_dir(const hf__cache_local *local);
hf_status hf__cache_local_path(hf__cache_local *local, const char *path, hf__buf *out,
                               hf_error *err);
hf_status hf__cache_local_find(hf__cache_local *local, const char *path, bool *found,
                               uint64_t *size, hf_error *err);
hf_status hf__cache_local_lock(hf__cache_local *local, const char *path, hf__os_lock *out,
                               bool *got, hf_error *err);
hf_status hf__cache_local_meta_read(hf__cache_local *local, const char *path, hf__local_meta *out,
                                    hf_error *err);
/* Under the lock. */
hf_status hf__cache_local_meta_write(hf__cache_local *local, const char *path, const char *commit,
                                     const char *etag, hf_error *err);
uint64_t hf__cache_local_kept(hf__cache_local *local, const char *path, const char *etag);
hf_status hf__cache_local_begin(hf__cache_local *local, const char *path, const char *etag,
                                uint64_t size, hf__cache_part **out, hf_error *err);
/* Hash of the file as it is now. */
hf_status hf__cache_local_hash(hf__cache_local *local, const char *path, bool sha256, char out[65],
                               const hf_cancel *cancel, hf_error *err);
/* Copies the cached file at this commit into place, hashing it on the way; *done false when it is
 * not cached or its content is not what the name says. */
hf_status hf__cache_local_from_cache(hf__cache_local *local, hf__cache_repo *repo,
                                     const char *commit, const char *path, const char *etag,
                                     const hf_cancel *cancel, bool *done, hf_error *err);

/* ---- flat cache of old (cache.md 22) */

typedef struct hf__legacy_file {
    char name[160];
} hf__legacy_file;

hf_status hf__legacy_name(const char *url, const char *raw_etag, hf__legacy_file *out,
                          hf_error *err);
hf_status hf__legacy_find_any(const char *dir, const char *url, hf__buf *path, bool *found,
                              hf_error *err);
hf_status hf__legacy_lock(const char *dir, const char *name, hf__os_lock *out, bool *got,
                          hf_error *err);
hf_status hf__legacy_begin(const char *dir, const char *name, uint64_t size, hf__cache_part **out,
                           hf_error *err);
hf_status hf__legacy_sidecar_write(const char *file_path, const char *url, const char *raw_etag,
                                   hf_error *err);

/* ---- all of a cache (cache.md 18, 19) */

hf_status hf__cache_scan(hf__cache *cache, hf_cache_info **out, hf_error *err);
void hf__cache_info_free(hf_cache_info *info);
hf_status hf__cache_plan_revisions(const hf_cache_info *info,
                                   const hf_cached_revision *const *revisions, size_t n,
                                   hf_cache_plan **out, hf_error *err);
hf_status hf__cache_plan_files(const hf_cache_info *info, const hf_cached_file *const *files,
                               size_t n, hf_cache_plan **out, hf_error *err);
hf_status hf__cache_plan_prune(const hf_cache_info *info, hf_cache_plan **out, hf_error *err);
hf_status hf__cache_plan_execute(const hf_cache_plan *plan, hf__log *log, size_t *skipped,
                                 hf_error *err);
void hf__cache_plan_free(hf_cache_plan *plan);

/* Which commit of the repo is cached: the revision itself, its ref, that of main, or the only one.
 * HF_ERR_NOT_CACHED, HF_ERR_INVALID_ARG when several could be meant. */
hf_status hf__cache_which_commit(hf__cache_repo *repo, const char *revision, char commit[41],
                                 hf_error *err);
/* Every file below root, sorted, as paths with '/'; what no repo can hold (.git, our books) is left
 * out. Links to files count, links to folders are not entered. */
hf_status hf__cache_list_files(const char *root, hf__arena *arena, const char *const **out,
                               size_t *n, hf_error *err);
/* Hash of the file, links followed. on_bytes is told what was read and may stop it. */
typedef hf_status hf__cache_bytes_fn(uint64_t n, void *arg, hf_error *err);
hf_status hf__cache_hash_file(const char *root, const char *path, bool sha256, char out[65],
                              hf__cache_bytes_fn *on_bytes, void *arg, hf_error *err);

/* ---- notes of an upload below the folder that goes up (cache.md 21) */

typedef struct hf__cache_upload {
    double at; /* when hashing began, seconds since 1970 */
    uint64_t size;
    const char *sha256; /* "": not computed */
    const char *there;  /* what the repo had; "": nothing */
    bool lfs;
    bool uploaded;
    bool committed;
} hf__cache_upload;

/* The SHA-256 of folder/path when it was noted and the file was not changed after that. */
bool hf__cache_upload_read(const char *folder, const char *path, uint64_t size, double changed_at,
                           char sha256[65]);
hf_status hf__cache_upload_write(const char *folder, const char *path, const hf__cache_upload *note,
                                 hf_error *err);

#endif
