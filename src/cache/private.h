/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of cache share. */
#ifndef HF_CACHE_PRIVATE_H
#define HF_CACHE_PRIVATE_H

#include "cache/cache.h"

#include "core/limits.h"

#include <pthread.h>

#define CACHE_DIR_MODE  0777u /* umask applies */
#define CACHE_FILE_MODE 0666u

struct hf__cache {
    char *dir; /* resolved, absolute */
    size_t dir_len;
    bool no_symlinks;
    hf__log *log;
};

/* Directories of a repo that were opened last; a snapshot fills one directory after the other. */
#define CACHE_OPEN_DIRS  8
#define CACHE_ABSENT_MAX 128

typedef struct cache_open_dir {
    char *rel; /* below the repo folder; NULL: free */
    hf__os_dir dir;
    unsigned used;
} cache_open_dir;

struct hf__cache_repo {
    hf__cache *cache; /* borrowed */
    char *folder;     /* "models--ns--name" */
    char *path;       /* absolute */
    bool prepared;
    bool no_incomplete; /* blobs/ held nothing of other clients when it was last looked through */
    hf__os_dir root;    /* fd -1 until needed */
    hf__os_dir locks;
    hf__os_dir blobs; /* likewise, for parts */
    cache_open_dir open[CACHE_OPEN_DIRS];
    char absent
        [2][CACHE_ABSENT_MAX]; /* a snapshot's directory, and that of blobs, when last looked for;
                                         good until anything is made. "": not known */
    unsigned clock;
};

struct hf__cache_part {
    hf__os_dir dir;       /* of the temporary */
    hf__os_dir final_dir; /* of the final name; on the same filesystem */
    bool borrowed;        /* both are somebody else's */
    int fd;
    int journal_fd; /* -1: none */
    bool synced;
    bool claimed;
    char temp[320];
    char final[320];
    char *path; /* of the temporary, to show */
    char *final_path;
    uint64_t size;    /* announced */
    uint64_t adopted; /* bytes from the front that another client left */
};

struct hf__cache_local {
    char *dir; /* resolved */
    hf__os_dir root;
    hf__log *log;
    bool prepared;
};

/* Makes the directory and its books, and opens it. */
hf_status hf__cache_local_prepare(hf__cache_local *local, hf_error *err);

/* Opens (and with make, creates) `rel` below the repo folder. *out is borrowed from the repo and
 * good until the next call. *found false when absent. */
hf_status hf__cache_repo_dir(hf__cache_repo *repo, const char *rel, bool make, hf__os_dir *out,
                             bool *found, hf_error *err);

/* Splits "a/b/c" into directory "a/b" (may be "") and name "c", into buffers of the caller. */
hf_status hf__cache_split(const char *rel, char *dir, size_t dir_size, const char **name,
                          hf_error *err);

/* Writes a small file in one step in an open directory: temporary beside it, rename. */
hf_status hf__cache_write_at(const hf__os_dir *dir, const char *name, hf__str content,
                             const char *shown, hf_error *err);

/* Reads a small file in an open directory, following no link; *found false when there is none. */
hf_status hf__cache_read_at(const hf__os_dir *dir, const char *name, hf__buf *out, bool *found,
                            const char *shown, hf_error *err);

void hf__cache_tag_write(const char *dir);

/* What another client left of a blob, under its lock (adopt.c): the largest, and its bytes of disk. */
bool hf__adopt_find(hf__cache_repo *repo, const hf__os_dir *dir, const char *etag, uint64_t size,
                    char out[320], uint64_t *blocks);
/* Makes it ours, if the part is new. */
void hf__adopt(hf__cache_repo *repo, const char *etag, hf__cache_part *part);

/* So many digits of a part's mark tell which machine made it. */
#define CACHE_MARK_HOST 8
const char *hf__part_mark(const char *name); /* NULL: it is no part */

uint64_t hf__part_kept(const hf__os_dir *dir, const char *stem);

typedef struct hf__part_place {
    const hf__os_dir *dir; /* of the temporary */
    const char *dir_path;
    const char *stem; /* what the part is called after, the same for the same bytes */
    const hf__os_dir *final_dir;
    const char *final;
    const char *final_path;
    bool stays_open; /* both directories, until the part is gone */
    bool single;     /* of no use to another call */
} hf__part_place;

hf_status hf__part_open(const hf__part_place *place, uint64_t size, hf__cache_part **out,
                        hf_error *err);

/* ---- the store of blobs that repos share (shared.c) */

/* dir + "/" + link by names alone, as Python's abspath(); false when too long. */
bool hf__path_join_lexical(char out[HF__MAX_PATH], const char *dir, hf__str link);

bool hf__shared_is_store(int cache_fd);
/* Is blobs/<name> of a repo a link into the store, and to what? */
bool hf__shared_target(const char *cache_dir, const char *repo_path, int blobs_fd, const char *name,
                       char hash[65]);
/* Adds a line "models--a--b/blobs/<name>" for each repo blob that links to the payload. False when
 * that cannot be told. */
bool hf__shared_references(const char *cache_dir, int cache_fd, const char *hash, hf__buf *lines);
uint64_t hf__shared_size(int cache_fd, const char *hash); /* 0 when it is not there */
typedef hf_status hf__shared_fn(const char *hash, uint64_t size, void *arg);
hf_status hf__shared_each(int cache_fd, hf__shared_fn *fn, void *arg);
/* Removes the payload when nothing links to it, else mends its list. Tells the bytes freed. */
uint64_t hf__shared_sweep(const char *cache_dir, int cache_fd, const char *hash);

/* ---- is a live process at it? (inuse.c) */

/* Holds somebody the lock of this blob of a repo's folder? */
bool hf__blob_in_use(int cache_fd, const char *folder, const char *etag);
/* The same for a file on its way in, by its name "<etag>.<random>.incomplete" or that of a part. One
 * that is not stays claimed until the caller closes *claim (-1: nothing to close), so that nobody
 * begins with a file that is about to go. claim may be NULL. */
bool hf__part_in_use(int cache_fd, const char *folder, int blobs_fd, const char *name, int *claim);
/* Holds somebody any lock of the repo? */
bool hf__repo_in_use(int cache_fd, const char *folder);

/* What the system calls an error, for a message. */
const char *hf__errno_text(int value, char *out, size_t size);

#endif
