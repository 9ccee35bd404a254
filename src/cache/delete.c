/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking things out of a cache by a plan (cache.md 19): entries before content. Other processes may be
 * at work meanwhile: what is locked is left alone, and before content goes it is looked once more
 * whether something links to it, with its lock held.
 */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* ---- carrying out */

typedef struct work {
    const hf_cache_plan *plan;
    hf__log *log;
    int cache_fd;
    size_t root_len;
    size_t skipped;
    bool store;
    hf__buf shared; /* hashes of payloads whose links went, a line each */
} work;

static void complain(work *w, const char *what, const char *path)
{
    char text[128];
    const char *why = errno == ENOENT ? "file not found"
                      : errno == EACCES || errno == EPERM || errno == EROFS
                          ? "permission denied"
                          : hf__errno_text(errno, text, sizeof(text));

    hf__logf(w->log, HF_LOG_WARNING, "Couldn't delete %s: %s (%s)", what, why, path);
    w->skipped++;
}

static void leave(work *w, const char *what, const char *path)
{
    hf__logf(w->log, HF_LOG_WARNING, "%s is in use by another process and was left alone: %s", what,
             path);
    w->skipped++;
}

/* "/cache/models--a--b/blobs/x" to its parts; false when it is no such path. */
static bool split_path(const work *w, const char *path, char folder[300], const char **rest)
{
    const char *start = path + w->root_len + 1;
    const char *slash = strchr(start, '/');
    size_t len = slash ? (size_t)(slash - start) : strlen(start);

    if (!is_below(path, w->plan->path) || len >= 300 || len == 0)
        return false;
    memcpy(folder, start, len);
    folder[len] = '\0';
    *rest = slash ? slash + 1 : "";
    return true;
}

/* Opens the directory that `rel` ("snapshots/<commit>/a/b") of a repo lies in. Links are not
 * followed below the repo. -1 with errno. */
static int open_parent(const work *w, const char *folder, const char *rel, const char **last)
{
    char dir[HF__MAX_PATH];
    hf__os_dir repo = { openat(w->cache_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
    hf__os_dir out = { -1 };
    hf_error why = HF_ERROR_INIT;
    bool found = false;

    if (repo.fd < 0)
        return -1;
    if (hf__cache_split(rel, dir, sizeof(dir), last, &why) != HF_OK ||
        hf__os_dir_at(&repo, dir, 0, &out, &found, &why) != HF_OK)
        errno = why.os_errno ? why.os_errno : ELOOP;
    else if (!found)
        errno = ENOENT;
    hf__os_dir_close(&repo);
    return found ? out.fd : -1;
}

static int remove_dir(int at, const char *name, int top, int depth);

/* Empties an open directory; folders that lie too deep for the descriptors we have are moved up to
 * the top, where a later pass finds them. */
static int empty_dir(int fd, int top, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int result = 0;

    if (!dir) {
        close(fd);
        return -1;
    }
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        char moved[40];
        const char *name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            unlinkat(dirfd(dir), name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM) {
            result = -1;
        } else if (depth < 64) {
            result = remove_dir(dirfd(dir), name, top < 0 ? dirfd(dir) : top, depth + 1);
        } else {
            (void)snprintf(moved, sizeof(moved), ".gone-%016llx",
                           (unsigned long long)hf__random_u64());
            result = renameat(dirfd(dir), name, top, moved);
        }
    }
    closedir(dir);
    return result;
}

static int remove_dir(int at, const char *name, int top, int depth)
{
    for (int passes = 0; passes < 100; passes++) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
            return -1;
        if (empty_dir(fd, top, depth) != 0)
            return -1;
        if (unlinkat(at, name, AT_REMOVEDIR) == 0)
            return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -1;
    }
    return -1;
}

/* A link in the place of a folder is removed itself. */
static int remove_all(int at, const char *name)
{
    struct stat st;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    return S_ISDIR(st.st_mode) ? remove_dir(at, name, -1, 0) : unlinkat(at, name, 0);
}

static void remember_shared(work *w, const char *folder, int blobs_fd, const char *name)
{
    char repo_path[HF__MAX_PATH];
    char hash[65];

    if (w->store &&
        snprintf(repo_path, sizeof(repo_path), "%s/%s", w->plan->path, folder) <
            (int)sizeof(repo_path) &&
        hf__shared_target(w->plan->path, repo_path, blobs_fd, name, hash)) {
        hf__buf_adds(&w->shared, hash);
        hf__buf_addc(&w->shared, '\n');
    }
}

static void remember_repo(work *w, const char *folder)
{
    char path[512];
    struct dirent *entry;
    DIR *dir;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/blobs", folder);
    fd = w->store ? openat(w->cache_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        hf__os_close(&fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL)
        remember_shared(w, folder, dirfd(dir), entry->d_name);
    closedir(dir);
}

static void execute_repo(work *w, const char *path)
{
    const char *rest;
    char folder[300];

    if (!split_path(w, path, folder, &rest))
        return;
    if (hf__repo_in_use(w->cache_fd, folder)) {
        leave(w, "repo", path);
        return;
    }
    remember_repo(w, folder);
    if (remove_all(w->cache_fd, folder) != 0)
        complain(w, "repo", path);
}

/* Removes a file or a folder inside a repo. */
static void execute_entry(work *w, const char *path, const char *what)
{
    const char *name = NULL;
    const char *rel;
    char folder[300];
    int fd;

    if (!split_path(w, path, folder, &rel) || !*rel)
        return;
    fd = open_parent(w, folder, rel, &name);
    if (fd < 0 || remove_all(fd, name) != 0)
        complain(w, what, path);
    hf__os_close(&fd);
}

/* ---- content: only with its lock held, and when nothing links to it any more */

#define LOCKS_AT_ONCE 128

typedef struct blob_lock {
    const char *path;
    const char *name;
    hf__os_lock lock;
    bool got;
    bool used;
} blob_lock;

static int lock_by_name(const void *a, const void *b)
{
    return strcmp(((const blob_lock *)a)->name, ((const blob_lock *)b)->name);
}

/* Marks the blobs that an entry of a snapshot links to. */
static void mark_used(int dir_fd, blob_lock *locks, size_t n, int depth)
{
    DIR *dir = fdopendir(dir_fd);
    struct dirent *entry;

    if (!dir) {
        close(dir_fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        char link[HF__MAX_PATH];
        ssize_t len;
        int child;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
        if (len > 0) {
            blob_lock key;
            blob_lock *found;

            link[len] = '\0';
            key.name = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
            found = bsearch(&key, locks, n, sizeof(*locks), lock_by_name);
            if (found)
                found->used = true;
            continue;
        }
        child = depth < 200 ? openat(dirfd(dir), entry->d_name,
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                            : -1;
        if (child >= 0)
            mark_used(child, locks, n, depth + 1);
    }
    closedir(dir);
}

static void remove_locked(work *w, const char *folder, blob_lock *locks, size_t n)
{
    const char *last;
    int snapshots = open_parent(w, folder, "snapshots/.", &last);
    int blobs = open_parent(w, folder, "blobs/.", &last);

    qsort(locks, n, sizeof(*locks), lock_by_name);
    if (snapshots >= 0)
        mark_used(snapshots, locks, n, 0);
    for (size_t i = 0; i < n; i++) {
        if (!locks[i].got) {
            leave(w, "blob", locks[i].path);
        } else if (locks[i].used) {
            leave(w, "blob", locks[i].path);
        } else if (blobs < 0) {
            errno = ENOENT;
            complain(w, "blob", locks[i].path);
        } else {
            remember_shared(w, folder, blobs, locks[i].name);
            if (unlinkat(blobs, locks[i].name, 0) != 0)
                complain(w, "blob", locks[i].path);
        }
        hf__os_lock_release(&locks[i].lock);
    }
    hf__os_close(&blobs);
}

/* A run of blobs of one repo, in order of their paths. Returns how many. */
static size_t execute_blobs(work *w, const char *const *paths, size_t n)
{
    blob_lock locks[LOCKS_AT_ONCE];
    char folder[300];
    char other[300];
    char lock_dir[512];
    const char *rel;
    hf__os_dir root = { w->cache_fd };
    hf__os_dir dir = { -1 };
    bool found = false;
    size_t taken = 0;
    size_t used = 0;

    if (!split_path(w, paths[0], folder, &rel))
        return 1;
    (void)snprintf(lock_dir, sizeof(lock_dir), ".locks/%s", folder);
    if (hf__os_dir_at(&root, lock_dir, CACHE_DIR_MODE, &dir, &found, NULL) != HF_OK)
        dir.fd = -1;
    while (taken < n && used < LOCKS_AT_ONCE) {
        blob_lock *b = &locks[used];
        char name[300];

        if (!split_path(w, paths[taken], other, &rel) || strcmp(other, folder) != 0)
            break;
        taken++;
        if (strncmp(rel, "blobs/", 6) != 0 || strchr(rel + 6, '/'))
            continue;
        *b = (blob_lock){ paths[taken - 1], rel + 6, { .fd = -1 }, false, false };
        /* Nobody can have a lock whose name is too long for a file. */
        if (snprintf(name, sizeof(name), "%s.lock", b->name) > 255)
            b->got = true;
        else if (dir.fd >= 0)
            (void)hf__os_lock_try_at(&dir, name, name, &b->lock, &b->got, NULL);
        used++;
    }
    remove_locked(w, folder, locks, used);
    hf__os_dir_close(&dir);
    return taken;
}

static void execute_part(work *w, const char *path)
{
    const char *name = NULL;
    const char *rel;
    char folder[300];
    int claim = -1;
    int fd;

    if (!split_path(w, path, folder, &rel))
        return;
    fd = open_parent(w, folder, rel, &name);
    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            complain(w, "incomplete file", path);
        return; /* gone with its repo */
    }
    if (hf__part_in_use(w->cache_fd, folder, fd, name, &claim))
        leave(w, "download", path);
    else if (unlinkat(fd, name, 0) != 0 && errno != ENOENT)
        complain(w, "incomplete file", path);
    if (claim >= 0)
        hf__os_unclaim(claim);
    hf__os_close(&claim);
    hf__os_close(&fd);
}

static void sweep(work *w)
{
    hf__str rest = hf__buf_str(&w->shared);

    while (rest.ptr && rest.len) {
        hf__str line = hf__str_cut(rest, '\n', &rest);
        char hash[65];

        memcpy(hash, line.ptr, 64);
        hash[64] = '\0';
        (void)hf__shared_sweep(w->plan->path, w->cache_fd, hash);
    }
    for (size_t i = 0; i < w->plan->n_unreferenced; i++) {
        const char *slash = strrchr(w->plan->unreferenced[i], '/');

        if (slash && strlen(slash + 1) == 64 && w->store)
            (void)hf__shared_sweep(w->plan->path, w->cache_fd, slash + 1);
    }
}

hf_status hf__cache_plan_execute(const hf_cache_plan *pub, hf__log *log, size_t *skipped,
                                 hf_error *err)
{
    work w = { .plan = pub, .log = log, .root_len = strlen(pub->path) };

    w.cache_fd = open(pub->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w.cache_fd < 0)
        return hf__fail_os(err, errno, "cannot open the cache '%s'", pub->path);
    w.root_len = strcmp(pub->path, "/") == 0 ? 0 : w.root_len;
    w.store = hf__shared_is_store(w.cache_fd);
    hf__buf_init(&w.shared, HF__MAX_TREE_FILE);
    for (size_t i = 0; i < pub->n_files; i++)
        execute_entry(&w, pub->files[i], "file");
    for (size_t i = 0; i < pub->n_repos; i++)
        execute_repo(&w, pub->repos[i]);
    for (size_t i = 0; i < pub->n_snapshots; i++)
        execute_entry(&w, pub->snapshots[i], "snapshot");
    for (size_t i = 0; i < pub->n_refs; i++)
        execute_entry(&w, pub->refs[i], "ref");
    for (size_t i = 0; i < pub->n_blobs;)
        i += execute_blobs(&w, pub->blobs + i, pub->n_blobs - i);
    for (size_t i = 0; i < pub->n_incomplete; i++)
        execute_part(&w, pub->incomplete[i]);
    sweep(&w);
    hf__buf_dispose(&w.shared);
    hf__os_close(&w.cache_fd);
    if (skipped)
        *skipped = w.skipped;
    return HF_OK;
}
