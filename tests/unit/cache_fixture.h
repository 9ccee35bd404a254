/* SPDX-License-Identifier: Apache-2.0 */
/* Caches that the official Python client made (tests/vectors), and how to put one on disk or compare with one. */
#ifndef HF_TESTS_CACHE_FIXTURE_H
#define HF_TESTS_CACHE_FIXTURE_H

#include "cache/cache.h"

#include "unit.h"

#include <sys/stat.h>

#define COMMIT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TINY     "models--tiny--model"

typedef struct fixture_entry {
    const char *path;
    char kind; /* d, f, l */
    unsigned mode;
    const char *content; /* of a link: its text */
    size_t len;
} fixture_entry;

static const fixture_entry python_cache[] = {
#include "../vectors/python_cache.inc"
};
static const fixture_entry python_shared[] = {
#include "../vectors/python_shared.inc"
};
static const fixture_entry python_local[] = {
#include "../vectors/python_local.inc"
};

/* Makes it all below root, which is there. */
static inline void fixture_put(const char *root, const fixture_entry *entries, size_t n)
{
    mode_t mask = umask(0);

    for (size_t i = 0; i < n; i++) {
        char path[UNIT_PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", root, entries[i].path);
        if (entries[i].kind == 'd') {
            assert_int_equal(mkdir(path, entries[i].mode), 0);
        } else if (entries[i].kind == 'l') {
            assert_int_equal(symlink(entries[i].content, path), 0);
        } else {
            unit_write(path, entries[i].content, entries[i].len);
            assert_int_equal(chmod(path, entries[i].mode), 0);
        }
    }
    umask(mask);
}

/* Everything of the table is there, byte for byte, with its mode. Two things may differ: the times
 * in metadata, and the mode of a listing, which the Python client makes unreadable to others. */
static inline void fixture_compare(const char *root, const fixture_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const fixture_entry *e = &entries[i];
        bool notes = strstr(e->path, ".metadata") != NULL;
        bool listing = strstr(e->path, "trees/") != NULL;
        char path[UNIT_PATH_MAX];
        char text[4096];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", root, e->path);
        if (lstat(path, &st) != 0)
            fail_msg("'%s' is missing", e->path);
        if (e->kind == 'l') {
            ssize_t len = readlink(path, text, sizeof(text));

            assert_int_equal(len, e->len);
            assert_memory_equal(text, e->content, e->len);
            continue;
        }
        if (!listing && (st.st_mode & 07777) != e->mode)
            fail_msg("'%s' has mode %o instead of %o", e->path, st.st_mode & 07777, e->mode);
        if (e->kind == 'd') {
            assert_true(S_ISDIR(st.st_mode));
        } else {
            const char *content = unit_read(path);
            size_t len = notes ? 82 : e->len; /* commit and, of every etag, its start */

            if (!notes && (size_t)st.st_size != e->len)
                fail_msg("'%s' has %ld bytes instead of %zu", e->path, (long)st.st_size, e->len);
            if (memcmp(content, e->content, len) != 0)
                fail_msg("'%s' holds '%s' instead of '%s'", e->path, content, e->content);
        }
    }
}

static size_t fixture_seen;

static inline int fixture_count_one(const char *path, const struct stat *st, int type,
                                    struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)type;
    fixture_seen += ftw->level > 0;
    return 0;
}

/* How many entries there are below path, at any depth. */
static inline size_t fixture_count(const char *path)
{
    fixture_seen = 0;
    (void)nftw(path, fixture_count_one, 16, FTW_PHYS);
    return fixture_seen;
}

/* ---- the repo they come from */

typedef struct tiny_file {
    const char *path;
    const char *etag;
    const char *content;
} tiny_file;

#define TINY_WEIGHTS_8 "weights weights weights weights weights weights weights weights "
#define TINY_WEIGHTS   TINY_WEIGHTS_8 TINY_WEIGHTS_8 TINY_WEIGHTS_8 TINY_WEIGHTS_8 TINY_WEIGHTS_8
#define TINY_SHA256    "9d3f418a06f7e2cdfd4f53239b435f1ef9316aa35c918fc21eb78f1094f7c778"
#define TINY_POINTER   "model.safetensors"
#define TINY_ODD       "sp ace #%+\xc3\xa9\xf0\x9f\x98\x80.txt"

static const tiny_file tiny_files[] = {
    { "README.md", "8e2e871357bef652084a73f7173adc5eb8859a33", "# tiny\n" },
    { "config.json", "0967ef424bce6791893e9a57bb952f80fd536e93", "{}\n" },
    { "data/train/part-0.txt", "26af6a865b61e9a47e24ea6214a64c4cc294c215", "zero\n" },
    { "empty.txt", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "" },
    { TINY_POINTER, TINY_SHA256, TINY_WEIGHTS },
    { TINY_ODD, "9b14b036e8fa32aed190ea5b7d19c68fc17beccd", "odd name\n" },
};
#define TINY_N 6

/* config.json at commit B */
static const tiny_file tiny_config_b = { "config.json", "7ab0b7ae11b9e2fa4036cfc60a8ab3cb0f9b35ff",
                                         "{\"b\": 1}\n" };

/* What a download of the file does with the cache. */
static inline void tiny_fetch(hf__cache_repo *repo, const char *commit, const tiny_file *file)
{
    hf__os_lock lock = { .fd = -1 };
    hf__cache_part *part = NULL;
    size_t len = strlen(file->content);
    bool got = false;
    bool found = false;

    assert_int_equal(hf__cache_prepare(repo, NULL), HF_OK);
    assert_int_equal(hf__cache_blob_lock(repo, file->etag, &lock, &got, NULL), HF_OK);
    assert_true(got);
    assert_int_equal(hf__cache_blob_find(repo, file->etag, &found, NULL, NULL), HF_OK);
    if (!found) {
        assert_int_equal(hf__cache_blob_begin(repo, file->etag, len, &part, NULL), HF_OK);
        assert_int_equal(write(hf__cache_part_fd(part), file->content, len), len);
        assert_int_equal(hf__cache_part_commit(part, file->etag, file->etag, len, NULL), HF_OK);
    }
    assert_int_equal(hf__cache_pointer_make(repo, commit, file->path, file->etag, !found, NULL),
                     HF_OK);
    hf__os_lock_release(&lock);
}

/* ---- a cache in a scratch directory, and its repo tiny/model */

typedef struct box {
    unit_dir dir;
    hf__cache *cache;
    hf__cache_repo *repo;
} box;

static inline box box_open(bool no_symlinks)
{
    box b = { unit_dir_make(), NULL, NULL };

    assert_int_equal(hf__cache_open(unit_path(&b.dir, "hub"), no_symlinks, NULL, &b.cache, NULL),
                     HF_OK);
    assert_int_equal(hf__cache_repo_open(b.cache, HF_REPO_MODEL, "tiny/model", &b.repo, NULL),
                     HF_OK);
    return b;
}

static inline box box_of(const fixture_entry *entries, size_t n)
{
    box b = box_open(false);

    assert_int_equal(mkdir(unit_path(&b.dir, "hub"), 0755), 0);
    fixture_put(unit_path(&b.dir, "hub"), entries, n);
    return b;
}

static inline void box_close(box *b)
{
    hf__cache_repo_close(b->repo);
    hf__cache_close(b->cache);
    unit_dir_remove(&b->dir);
}

/* Below the repo's folder. */
static inline const char *in_repo(const box *b, const char *rel)
{
    char path[2048];

    snprintf(path, sizeof(path), "hub/" TINY "/%s", rel);
    return unit_path(&b->dir, path);
}

static inline bool pointer_there(box *b, const char *path)
{
    bool found = false;

    assert_int_equal(hf__cache_pointer_find(b->repo, COMMIT_A, path, &found, NULL, NULL), HF_OK);
    return found;
}

static inline bool blob_there(box *b, const char *etag)
{
    bool found = false;

    assert_int_equal(hf__cache_blob_find(b->repo, etag, &found, NULL, NULL), HF_OK);
    return found;
}

#endif
