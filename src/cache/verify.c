/* SPDX-License-Identifier: Apache-2.0 */
/* What is here, to be compared with what the Hub has: which commit, which files, which hashes. */
#include "cache/private.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which commit */

static hf_status only_snapshot(hf__cache_repo *repo, char commit[41], hf_error *err)
{
    hf__os_dir snapshots;
    bool found = false;
    struct dirent *entry;
    struct stat st;
    DIR *dir;
    int n = 0;
    int fd;
    hf_status status = hf__cache_repo_dir(repo, "snapshots", false, &snapshots, &found, err);

    if (status != HF_OK)
        return status;
    fd = found ? openat(snapshots.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    while (dir && (entry = readdir(dir)) != NULL) {
        if (!hf__is_commit(entry->d_name) || fstatat(fd, entry->d_name, &st, 0) != 0 ||
            !S_ISDIR(st.st_mode))
            continue;
        memcpy(commit, entry->d_name, 41);
        n++;
    }
    if (dir)
        closedir(dir);
    else
        hf__os_close(&fd);
    if (n == 1)
        return HF_OK;
    return n ? hf__fail(
                   err, HF_ERR_INVALID_ARG,
                   "several revisions of '%s' are cached and no ref tells them apart; name one",
                   repo->folder)
             : hf__fail(err, HF_ERR_NOT_CACHED, "no snapshot is cached in '%s'", repo->path);
}

hf_status hf__cache_which_commit(hf__cache_repo *repo, const char *revision, char commit[41],
                                 hf_error *err)
{
    hf__os_dir root;
    bool found = false;
    hf_status st = hf__cache_repo_dir(repo, "", false, &root, &found, err);

    if (st != HF_OK)
        return st;
    if (!found)
        return hf__fail(err, HF_ERR_NOT_CACHED,
                        "repo is not present in cache: '%s'; fetch it first, or name a local "
                        "directory",
                        repo->path);
    if (hf__is_commit(revision)) {
        memcpy(commit, revision, 41);
        return HF_OK;
    }
    st = hf__cache_ref_read(repo, revision ? revision : "main", commit, err);
    if (st != HF_OK || commit[0])
        return st;
    if (revision)
        return hf__fail(err, HF_ERR_NOT_CACHED, "the revision '%s' was never seen in '%s'",
                        revision, repo->path);
    return only_snapshot(repo, commit, err);
}

/* ---- which files */

typedef struct lister {
    hf__arena *arena;
    const char **items;
    size_t n;
    size_t cap;
    char at[HF__MAX_PATH]; /* below the root */
    const char *root;
    hf_error *err;
} lister;

/* Of every repo's making: git's own folder and our books. */
static bool is_ignored(const char *path)
{
    static const char *const folders[] = { ".git", ".cache/huggingface" };

    for (size_t i = 0; i < HF__COUNT(folders); i++) {
        size_t len = strlen(folders[i]);

        for (const char *p = path; p; p = strchr(p, '/')) {
            p += *p == '/';
            if (strncmp(p, folders[i], len) == 0 && (p[len] == '\0' || p[len] == '/'))
                return true;
        }
    }
    return false;
}

static hf_status list_one(lister *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 256;
        const char **grown = hf__arena_array(l->arena, cap, sizeof(*grown));

        if (!grown)
            return hf__fail_nomem(l->err);
        if (l->n)
            memcpy(grown, l->items, l->n * sizeof(*grown));
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->n] = hf__arena_cstr(l->arena, l->at);
    return l->items[l->n++] ? HF_OK : hf__fail_nomem(l->err);
}

static hf_status list_dir(lister *l, int fd, size_t len, int depth)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat st;
    hf_status status = HF_OK;

    if (!dir) {
        status = hf__fail_os(l->err, errno, "cannot list '%s/%s'", l->root, l->at);
        hf__os_close(&fd);
        return status;
    }
    while (status == HF_OK && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        size_t name_len = strlen(name);

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (len + name_len + 2 > sizeof(l->at) || depth > 200) {
            status = hf__fail(l->err, HF_ERR_LIMIT, "'%s/%s' is nested too deep", l->root, l->at);
            break;
        }
        (void)snprintf(l->at + len, sizeof(l->at) - len, "%s%s", len ? "/" : "", name);
        if (!is_ignored(l->at) && fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            if (S_ISDIR(st.st_mode))
                status = list_dir(
                    l, openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                    strlen(l->at), depth + 1);
            else if (S_ISREG(st.st_mode) ||
                     (fstatat(dirfd(dir), name, &st, 0) == 0 && S_ISREG(st.st_mode)))
                status = list_one(l);
        }
        l->at[len] = '\0';
    }
    closedir(dir);
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

hf_status hf__cache_list_files(const char *root, hf__arena *arena, const char *const **out,
                               size_t *n, hf_error *err)
{
    lister l = { .arena = arena, .root = root, .err = err };
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    hf_status st;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return hf__fail(err, HF_ERR_NOT_CACHED, "'%s' does not exist or is not a directory", root);
    st = list_dir(&l, fd, 0, 0);
    if (st != HF_OK)
        return st;
    if (l.n)
        qsort(l.items, l.n, sizeof(*l.items), by_text);
    *out = l.items;
    *n = l.n;
    return HF_OK;
}

/* ---- which hashes */

hf_status hf__cache_hash_file(const char *root, const char *path, bool sha256, char out[65],
                              hf__cache_bytes_fn *on_bytes, void *arg, hf_error *err)
{
    const size_t size = (size_t)256 * 1024;
    char *bytes = malloc(size);
    hf__hash *hash = NULL;
    uint64_t offset = 0;
    size_t got = 1;
    struct stat info;
    hf__buf full;
    hf_status st = bytes ? HF_OK : hf__fail_nomem(err);
    int fd = -1;

    hf__buf_init(&full, HF__MAX_PATH);
    hf__buf_addf(&full, "%s/%s", root, path);
    if (st == HF_OK && full.status != HF_OK)
        st = hf__fail(err, full.status, "the path of '%.200s' is too long", path);
    if (st == HF_OK) {
        fd = open(hf__buf_cstr(&full), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info) != 0)
            st = hf__fail_os(err, errno, "cannot read '%s'", hf__buf_cstr(&full));
    }
    if (st == HF_OK)
        st = hf__hash_new(sha256 ? HF__HASH_SHA256 : HF__HASH_GIT_BLOB, (uint64_t)info.st_size,
                          &hash, err);
    while (st == HF_OK && got) {
        st = hf__os_pread(fd, bytes, size, offset, &got, hf__buf_cstr(&full), err);
        if (st == HF_OK && got) {
            hf__hash_add(hash, bytes, got);
            offset += got;
            st = on_bytes(got, arg, err);
        }
    }
    if (st == HF_OK)
        hf__hash_end(hash, out);
    hf__hash_free(hash);
    hf__os_close(&fd);
    hf__buf_dispose(&full);
    free(bytes);
    return st;
}
