/* SPDX-License-Identifier: Apache-2.0 */
/* Where things lie in a cache (cache.md 4), and directories that are reached without following
 * links. */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *format_path(const char *a, const char *b)
{
    hf__buf buf;

    hf__buf_init(&buf, HF__MAX_PATH);
    hf__buf_addf(&buf, "%s/%s", a, b);
    if (buf.status != HF_OK) {
        hf__buf_dispose(&buf);
        return NULL;
    }
    return hf__buf_take(&buf);
}

hf_status hf__cache_open(const char *dir, bool no_symlinks, hf__log *log, hf__cache **out,
                         hf_error *err)
{
    hf__cache *cache = calloc(1, sizeof(*cache));
    hf__buf resolved;
    hf_status st;

    if (!cache)
        return hf__fail_nomem(err);
    hf__buf_init(&resolved, HF__MAX_PATH);
    st = hf__os_realpath(dir, &resolved, err);
    if (st == HF_OK) {
        cache->dir_len = resolved.len;
        cache->dir = hf__buf_take(&resolved);
        cache->no_symlinks = no_symlinks;
        cache->log = log;
        if (!cache->dir)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&resolved);
    if (st != HF_OK) {
        hf__cache_close(cache);
        return st;
    }
    *out = cache;
    return HF_OK;
}

void hf__cache_close(hf__cache *cache)
{
    if (!cache)
        return;
    free(cache->dir);
    free(cache);
}

const char *hf__cache_dir(const hf__cache *cache)
{
    return cache->dir;
}

hf_status hf__cache_repo_open(hf__cache *cache, hf_repo_type type, const char *id,
                              hf__cache_repo **out, hf_error *err)
{
    hf__cache_repo *repo;
    hf__buf folder;
    hf_status st = hf__repo_id_check(id, err);

    if (st != HF_OK)
        return st;
    repo = calloc(1, sizeof(*repo));
    if (!repo)
        return hf__fail_nomem(err);
    repo->root.fd = -1;
    repo->locks.fd = -1;
    repo->blobs.fd = -1;
    repo->cache = cache;
    hf__buf_init(&folder, 512);
    hf__buf_addf(&folder, "%s--", hf__repo_type_plural(type));
    for (const char *c = id; *c; c++)
        hf__buf_adds(&folder, *c == '/' ? "--" : (char[]){ *c, '\0' });
    repo->folder = hf__buf_take(&folder);
    repo->path = repo->folder ? format_path(cache->dir, repo->folder) : NULL;
    if (!repo->path) {
        hf__cache_repo_close(repo);
        return hf__fail_nomem(err);
    }
    *out = repo;
    return HF_OK;
}

void hf__cache_repo_close(hf__cache_repo *repo)
{
    if (!repo)
        return;
    for (size_t i = 0; i < CACHE_OPEN_DIRS; i++) {
        if (repo->open[i].rel)
            hf__os_dir_close(&repo->open[i].dir);
        free(repo->open[i].rel);
    }
    hf__os_dir_close(&repo->root);
    hf__os_dir_close(&repo->locks);
    hf__os_dir_close(&repo->blobs);
    free(repo->folder);
    free(repo->path);
    free(repo);
}

/* ---- directories below a repo */

static hf_status open_root(hf__cache_repo *repo, bool make, bool *found, hf_error *err)
{
    hf__os_dir cache_dir;
    hf_status st;

    *found = repo->root.fd >= 0;
    if (*found)
        return HF_OK;
    if (make) {
        st = hf__os_mkdirs(repo->cache->dir, CACHE_DIR_MODE, err);
        if (st != HF_OK)
            return st;
    } else if (access(repo->cache->dir, F_OK) != 0) {
        return HF_OK;
    }
    st = hf__os_dir_open(repo->cache->dir, &cache_dir, err);
    if (st != HF_OK)
        return st;
    st =
        hf__os_dir_at(&cache_dir, repo->folder, make ? CACHE_DIR_MODE : 0, &repo->root, found, err);
    if (st != HF_OK || !*found)
        repo->root.fd = -1;
    hf__os_dir_close(&cache_dir);
    return st;
}

hf_status hf__cache_repo_dir(hf__cache_repo *repo, const char *rel, bool make, hf__os_dir *out,
                             bool *found, hf_error *err)
{
    cache_open_dir *oldest = &repo->open[0];
    hf_status st;

    if (make)
        repo->absent[0][0] = repo->absent[1][0] = '\0';
    for (size_t i = 0; i < CACHE_OPEN_DIRS; i++) {
        cache_open_dir *slot = &repo->open[i];

        if (slot->rel && strcmp(slot->rel, rel) == 0) {
            slot->used = ++repo->clock;
            *out = slot->dir;
            *found = true;
            return HF_OK;
        }
        if (!slot->rel || (oldest->rel && slot->used < oldest->used))
            oldest = slot;
    }
    st = open_root(repo, make, found, err);
    if (st != HF_OK || !*found)
        return st;
    if (oldest->rel)
        hf__os_dir_close(&oldest->dir);
    free(oldest->rel);
    oldest->rel = NULL;
    st = hf__os_dir_at(&repo->root, rel, make ? CACHE_DIR_MODE : 0, &oldest->dir, found, err);
    if (st != HF_OK || !*found)
        return st;
    oldest->rel = strdup(rel);
    if (!oldest->rel) {
        hf__os_dir_close(&oldest->dir);
        return hf__fail_nomem(err);
    }
    oldest->used = ++repo->clock;
    *out = oldest->dir;
    return HF_OK;
}

hf_status hf__cache_split(const char *rel, char *dir, size_t dir_size, const char **name,
                          hf_error *err)
{
    const char *slash = strrchr(rel, '/');
    size_t len = slash ? (size_t)(slash - rel) : 0;

    if (len >= dir_size)
        return hf__fail(err, HF_ERR_UNSAFE_PATH, "the path '%.200s' is too long", rel);
    memcpy(dir, rel, len);
    dir[len] = '\0';
    *name = slash ? slash + 1 : rel;
    return HF_OK;
}

hf_status hf__cache_write_at(const hf__os_dir *dir, const char *name, hf__str content,
                             const char *shown, hf_error *err)
{
    char temp[300];
    hf_status st;
    int fd;

    (void)snprintf(temp, sizeof(temp), "%.240s.%08x.tmp", name,
                   (unsigned)(hf__random_u64() & 0xffffffffu));
    fd = openat(dir->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                CACHE_FILE_MODE);
    if (fd < 0)
        return hf__fail_os(err, errno, "cannot write '%s'", shown);
    st = hf__os_pwrite(fd, content.ptr, content.len, 0, shown, err);
    if (close(fd) != 0 && st == HF_OK)
        st = hf__fail_os(err, errno, "cannot write '%s'", shown);
    if (st == HF_OK && renameat(dir->fd, temp, dir->fd, name) != 0)
        st = hf__fail_os(err, errno, "cannot write '%s'", shown);
    if (st != HF_OK)
        unlinkat(dir->fd, temp, 0);
    return st;
}

hf_status hf__cache_read_at(const hf__os_dir *dir, const char *name, hf__buf *out, bool *found,
                            const char *shown, hf_error *err)
{
    /* Not to hang on a pipe that someone put in the place of the file. */
    int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t got = 1;
    hf_status st = HF_OK;

    *found = false;
    if (fd < 0)
        return errno == ENOENT ? HF_OK : hf__fail_os(err, errno, "cannot read '%s'", shown);
    while (st == HF_OK && got) {
        char *place = hf__buf_reserve(out, 1024);

        st = place ? hf__os_pread(fd, place, 1024, out->len, &got, shown, err)
                   : hf__fail(err, out->status, "'%s' is too large", shown);
        if (st == HF_OK)
            hf__buf_grew(out, got);
    }
    hf__os_close(&fd);
    *found = st == HF_OK;
    return st;
}

/* ---- preparing */

/* cache.md 4; for backup programs. It is a courtesy: failures are none of the caller's concern. */
void hf__cache_tag_write(const char *dir)
{
    static const char text[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                               "# This file is a cache directory tag created by huggingface_hub.\n"
                               "# For information about cache directory tags, see:\n"
                               "#\thttps://bford.info/cachedir/\n";
    char *path = format_path(dir, "CACHEDIR.TAG");
    int fd = path
                 ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, CACHE_FILE_MODE)
                 : -1;

    if (fd >= 0) {
        (void)!write(fd, text, sizeof(text) - 1);
        close(fd);
    }
    free(path);
}

static hf_status open_locks(hf__cache_repo *repo, hf_error *err)
{
    hf__os_dir cache_dir;
    char locks[512];
    bool found;
    hf_status st;

    if (repo->locks.fd >= 0)
        return HF_OK;
    st = hf__os_dir_open(repo->cache->dir, &cache_dir, err);
    if (st != HF_OK)
        return st;
    (void)snprintf(locks, sizeof(locks), ".locks/%s", repo->folder);
    st = hf__os_dir_at(&cache_dir, locks, CACHE_DIR_MODE, &repo->locks, &found, err);
    if (st != HF_OK)
        repo->locks.fd = -1;
    hf__os_dir_close(&cache_dir);
    return st;
}

hf_status hf__cache_prepare(hf__cache_repo *repo, hf_error *err)
{
    hf__os_dir dir;
    bool found;
    hf_status st;

    if (repo->prepared)
        return HF_OK;
    st = hf__cache_repo_dir(repo, "blobs", true, &dir, &found, err);
    if (st == HF_OK)
        st = hf__cache_repo_dir(repo, "snapshots", true, &dir, &found, err);
    if (st != HF_OK)
        return st;
    hf__cache_tag_write(repo->cache->dir);
    st = open_locks(repo, err);
    repo->prepared = st == HF_OK;
    return st;
}

hf_status hf__cache_blob_lock(hf__cache_repo *repo, const char *etag, hf__os_lock *out, bool *got,
                              hf_error *err)
{
    char name[HF__MAX_ETAG + 8];
    hf__buf path;
    hf_status st = open_locks(repo, err);

    *got = false;
    if (st != HF_OK)
        return st;
    (void)snprintf(name, sizeof(name), "%s.lock", etag);
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/.locks/%s/%s", repo->cache->dir, repo->folder, name);
    st = path.status == HF_OK
             ? hf__os_lock_try_at(&repo->locks, name, hf__buf_cstr(&path), out, got, err)
             : hf__fail(err, path.status, "the path of the lock of blob '%s' is too long", etag);
    hf__buf_dispose(&path);
    return st;
}
