/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan collects on its way: lists that grow, and the blobs of one repo, each looked at once. */
#ifndef HF_CACHE_SCAN_H
#define HF_CACHE_SCAN_H

#include "cache/private.h"

typedef struct blob {
    const char *path;
    uint64_t hash; /* of path */
    uint64_t size;
    double atime;
    double mtime;
    size_t seen_in; /* number of the revision that counted it last */
    bool is_file;
    bool is_dir;
} blob;

typedef struct list { /* grows; its items end in the arena */
    char *items;
    size_t n;
    size_t cap;
    size_t size;
} list;

typedef struct blob_table {
    hf__arena *arena;
    const char *repo_path;
    size_t repo_len; /* of repo_path */
    int fd;          /* of the repo's blobs; -1: none */
    blob *slots;     /* open addressing; n_slots is a power of two */
    size_t n_slots;
    size_t n;
} blob_table;

/* What one thread finds; nobody else touches it meanwhile. */
typedef struct scan {
    const hf__cache *cache;
    hf__arena *arena;
    int fd;     /* of the cache */
    bool store; /* it has content that repos share */
    list repos; /* of hf_cached_repo */
    list warnings;
    list incomplete;
    list unreferenced;
    uint64_t size;
    uint64_t incomplete_size;
    uint64_t unreferenced_size;
} scan;

/* Adds the repo in this folder of the cache, or a warning that tells why it is none. */
hf_status hf__scan_repo(scan *s, const char *name);
/* A file that a desktop leaves anywhere. */
bool hf__scan_is_helper(const char *name);

void hf__list_init(list *l, size_t size);
void *hf__list_add(list *l); /* a zeroed item; NULL when out of memory */
/* Copies the items to the arena. */
void *hf__list_keep(list *l, hf__arena *arena);
void hf__list_sort(list *l, int (*order)(const void *, const void *));
void hf__list_free(list *l);

/* The blob of this absolute path; NULL when out of memory. Good until the next call. */
blob *hf__blob_get(blob_table *table, const char *path);

#endif
