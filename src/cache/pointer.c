/* SPDX-License-Identifier: Apache-2.0 */
/* snapshots/<commit>/<path>: what a user opens; a link to the blob, or a copy where links cannot be
 * made. */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

hf_status hf__cache_snapshot_dir(hf__cache_repo *repo, const char *commit, hf__buf *out,
                                 hf_error *err)
{
    hf__buf_addf(out, "%s/snapshots/%s", repo->path, commit);
    return out->status == HF_OK ? HF_OK
                                : hf__fail(err, out->status, "the snapshot's path is too long");
}

hf_status hf__cache_pointer_path(hf__cache_repo *repo, const char *commit, const char *path,
                                 hf__buf *out, hf_error *err)
{
    hf__buf_addf(out, "%s/snapshots/%s/%s", repo->path, commit, path);
    return out->status == HF_OK
               ? HF_OK
               : hf__fail(err, out->status, "the path of '%.200s' is too long", path);
}

hf_status hf__cache_pointer_find(hf__cache_repo *repo, const char *commit, const char *path,
                                 bool *found, uint64_t *size, hf_error *err)
{
    hf__buf full;
    hf_status st;

    *found = false;
    hf__buf_init(&full, HF__MAX_PATH);
    st = hf__cache_pointer_path(repo, commit, path, &full, err);
    /* The Python client of today keeps some blobs in a store that repos share, also below the
     * cache's root, so anywhere below it is a place where a blob may be. */
    if (st == HF_OK)
        st = hf__os_file_inside(repo->cache->dir, hf__buf_cstr(&full), found, size, err);
    hf__buf_dispose(&full);
    return st;
}

hf_status hf__cache_blob_find(hf__cache_repo *repo, const char *etag, bool *found, uint64_t *size,
                              hf_error *err)
{
    hf__buf full;
    hf_status st;

    *found = false;
    hf__buf_init(&full, HF__MAX_PATH);
    hf__buf_addf(&full, "%s/blobs/%s", repo->path, etag);
    st = full.status == HF_OK
             ? hf__os_file_inside(repo->cache->dir, hf__buf_cstr(&full), found, size, err)
             : hf__fail(err, full.status, "the path of blob '%s' is too long", etag);
    hf__buf_dispose(&full);
    return st;
}

/* The text of the link, computed by names alone (cache.md 8.2). */
static void link_text(hf__buf *out, const char *path, const char *etag)
{
    hf__buf_adds(out, "../../");
    for (const char *c = path; *c; c++)
        if (*c == '/')
            hf__buf_adds(out, "../");
    hf__buf_addf(out, "blobs/%s", etag);
}

static bool cannot_link(int why)
{
    return why == EPERM || why == ENOSYS || why == EOPNOTSUPP || why == ENOTSUP;
}

/* Puts the link there in one step, over whatever stands in its place. */
static int link_over(int dirfd, const char *target, const char *name)
{
    char temp[64];
    int result;

    (void)snprintf(temp, sizeof(temp), ".%016llx.tmp", (unsigned long long)hf__random_u64());
    if (symlinkat(target, dirfd, temp) != 0)
        return errno;
    result = renameat(dirfd, temp, dirfd, name) == 0 ? 0 : errno;
    if (result)
        unlinkat(dirfd, temp, 0);
    return result;
}

static int make_link(int dirfd, const char *target, const char *name)
{
    char there[HF__MAX_REPO_PATH + 512];
    ssize_t len;

    if (symlinkat(target, dirfd, name) == 0)
        return 0;
    if (errno != EEXIST)
        return errno;
    len = readlinkat(dirfd, name, there, sizeof(there) - 1);
    if (len > 0 && (size_t)len == strlen(target) && memcmp(there, target, (size_t)len) == 0)
        return 0; /* another process was first */
    return link_over(dirfd, target, name);
}

static hf_status copy_fd(int from, int to, const char *shown, hf_error *err)
{
    char bytes[64 * 1024];
    uint64_t offset = 0;
    size_t got = 1;
    hf_status st = HF_OK;

    while (st == HF_OK && got) {
        st = hf__os_pread(from, bytes, sizeof(bytes), offset, &got, shown, err);
        if (st == HF_OK)
            st = hf__os_pwrite(to, bytes, got, offset, shown, err);
        offset += got;
    }
    return st;
}

static hf_status copy_blob(int blobs, const char *etag, int dirfd, const char *name, hf_error *err)
{
    char temp[64];
    int from = openat(blobs, etag, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int to;
    hf_status st;

    if (from < 0)
        return hf__fail_os(err, errno, "cannot read blob '%s'", etag);
    (void)snprintf(temp, sizeof(temp), ".%016llx.tmp", (unsigned long long)hf__random_u64());
    to = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, CACHE_FILE_MODE);
    st = to < 0 ? hf__fail_os(err, errno, "cannot write '%s'", name) : copy_fd(from, to, name, err);
    hf__os_close(&from);
    hf__os_close(&to);
    if (st == HF_OK && renameat(dirfd, temp, dirfd, name) != 0)
        st = hf__fail_os(err, errno, "cannot write '%s'", name);
    if (st != HF_OK)
        unlinkat(dirfd, temp, 0);
    return st;
}

static hf_status place_without_link(hf__cache_repo *repo, int dirfd, const char *name,
                                    const char *etag, bool new_blob, hf_error *err)
{
    hf__os_dir blobs;
    bool found;
    struct stat info;
    int dup_fd = dup(dirfd); /* the next call may close the borrowed one */
    hf_status st = dup_fd < 0 ? hf__fail_os(err, errno, "cannot write '%s'", name)
                              : hf__cache_repo_dir(repo, "blobs", false, &blobs, &found, err);

    if (st == HF_OK && !found)
        st = hf__fail(err, HF_ERR_IO, "blob '%s' has gone", etag);
    /* A blob that is itself a link belongs to the store that repos share; it is copied, never moved
     * away. */
    if (st == HF_OK && new_blob && fstatat(blobs.fd, etag, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(info.st_mode)) {
        if (renameat(blobs.fd, etag, dup_fd, name) != 0)
            st = hf__fail_os(err, errno, "cannot move blob '%s' to '%s'", etag, name);
    } else if (st == HF_OK) {
        st = copy_blob(blobs.fd, etag, dup_fd, name, err);
    }
    hf__os_close(&dup_fd);
    return st;
}

hf_status hf__cache_pointer_make(hf__cache_repo *repo, const char *commit, const char *path,
                                 const char *etag, bool new_blob, hf_error *err)
{
    char rel[HF__MAX_REPO_PATH + 64];
    char dir_rel[HF__MAX_REPO_PATH + 64];
    const char *name;
    hf__os_dir dir;
    hf__buf target;
    bool found;
    int why;
    hf_status st;

    (void)snprintf(rel, sizeof(rel), "snapshots/%s/%s", commit, path);
    hf__buf_init(&target, HF__MAX_PATH);
    link_text(&target, path, etag);
    st = target.status != HF_OK
             ? hf__fail(err, target.status, "the path '%.200s' is too long", path)
             : hf__cache_split(rel, dir_rel, sizeof(dir_rel), &name, err);
    if (st == HF_OK)
        st = hf__cache_repo_dir(repo, dir_rel, true, &dir, &found, err);
    if (st != HF_OK)
        goto done;
    why = repo->cache->no_symlinks ? EPERM : make_link(dir.fd, hf__buf_cstr(&target), name);
    if (why && cannot_link(why))
        st = place_without_link(repo, dir.fd, name, etag, new_blob, err);
    else if (why)
        st = hf__fail_os(err, why, "cannot make the link '%s' in '%s'", rel, repo->path);
done:
    hf__buf_dispose(&target);
    return st;
}
