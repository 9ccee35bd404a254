/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file on its way in: a private temporary beside its final name, which it gets when its hash and
 * size are what was announced, in one rename. The name is our own, so no other client appends to it
 * or takes it for its own; it ends in
 * ".incomplete", so every client's clean-up finds what a killed process left.
 */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* From here on the data reaches the disk before the name does. A file's name stands for its hash
 * and is never checked again, so after a power cut it must not stand in front of missing bytes.
 * Syncing each small file would cost more than fetching it; of those a listing tells the size,
 * which look-ups compare. */
#define SYNC_FROM ((uint64_t)1024 * 1024)

static hf_status reserve(int fd, uint64_t size, const char *path, hf_error *err)
{
    uint64_t have = 0;

    if (size < SYNC_FROM || size == UINT64_MAX || hf__os_reserve(fd, size))
        return HF_OK;
    (void)hf__os_free_space(path, &have, NULL);
    return hf__fail(err, HF_ERR_DISK_FULL,
                    "no space left on device: the file has %llu bytes, '%s' has %llu bytes free",
                    (unsigned long long)size, path, (unsigned long long)have);
}

hf_status hf__part_open(const hf__os_dir *dir, const char *dir_path, const char *temp,
                        const hf__os_dir *final_dir, const char *final, const char *final_path,
                        uint64_t size, hf__cache_part **out, hf_error *err)
{
    hf__cache_part *part = calloc(1, sizeof(*part));
    hf__buf path;
    int fd_errno;
    hf_status st = HF_OK;

    if (!part)
        return hf__fail_nomem(err);
    part->fd = -1;
    part->size = size;
    part->dir.fd = fcntl(dir->fd, F_DUPFD_CLOEXEC, 0);
    part->final_dir.fd = fcntl(final_dir->fd, F_DUPFD_CLOEXEC, 0);
    fd_errno = errno;
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/%s", dir_path, temp);
    part->path = hf__buf_take(&path);
    part->final_path = strdup(final_path);
    if (!part->path || !part->final_path) {
        st = hf__fail_nomem(err);
        goto done;
    }
    if (part->dir.fd < 0 || part->final_dir.fd < 0) {
        st = hf__fail_os(err, fd_errno, "cannot open '%s'", part->path);
        goto done;
    }
    (void)snprintf(part->temp, sizeof(part->temp), "%s", temp);
    (void)snprintf(part->final, sizeof(part->final), "%s", final);
    part->fd = openat(part->dir.fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      CACHE_FILE_MODE);
    if (part->fd < 0) {
        st = hf__fail_os(err, errno, "cannot create '%s'", part->path);
        goto done;
    }
    (void)flock(part->fd, LOCK_EX | LOCK_NB); /* tells our own clean-up that it is in use */
    st = reserve(part->fd, size, dir_path, err);
done:
    hf__buf_dispose(&path);
    if (st != HF_OK) {
        hf__cache_part_abandon(part);
        return st;
    }
    *out = part;
    return HF_OK;
}

hf_status hf__cache_blob_begin(hf__cache_repo *repo, const char *etag, uint64_t size,
                               hf__cache_part **out, hf_error *err)
{
    hf__os_dir dir;
    char temp[300];
    hf__buf dir_path;
    hf__buf final_path;
    bool found;
    hf_status st = hf__cache_repo_dir(repo, "blobs", true, &dir, &found, err);

    if (st != HF_OK)
        return st;
    (void)snprintf(temp, sizeof(temp), "%.200s.hf-%08x.incomplete", etag,
                   (unsigned)(hf__random_u64() & 0xffffffffu));
    hf__buf_init(&dir_path, HF__MAX_PATH);
    hf__buf_init(&final_path, HF__MAX_PATH);
    hf__buf_addf(&dir_path, "%s/blobs", repo->path);
    hf__buf_addf(&final_path, "%s/blobs/%s", repo->path, etag);
    st = hf__part_open(&dir, hf__buf_cstr(&dir_path), temp, &dir, etag, hf__buf_cstr(&final_path),
                       size, out, err);
    hf__buf_dispose(&dir_path);
    hf__buf_dispose(&final_path);
    return st;
}

int hf__cache_part_fd(const hf__cache_part *part)
{
    return part->fd;
}

const char *hf__cache_part_path(const hf__cache_part *part)
{
    return part->path;
}

static void part_free(hf__cache_part *part)
{
    hf__os_close(&part->fd);
    hf__os_dir_close(&part->dir);
    hf__os_dir_close(&part->final_dir);
    free(part->path);
    free(part->final_path);
    free(part);
}

void hf__cache_part_abandon(hf__cache_part *part)
{
    if (!part)
        return;
    if (part->fd >= 0)
        unlinkat(part->dir.fd, part->temp, 0);
    part_free(part);
}

/* The name must still be the file that was written: a name that was swapped or removed in between
 * is refused. */
static hf_status check_name(const hf__cache_part *part, hf_error *err)
{
    struct stat mine;
    struct stat named;

    if (fstat(part->fd, &mine) != 0)
        return hf__fail_os(err, errno, "cannot look at '%s'", part->path);
    if (fstatat(part->dir.fd, part->temp, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        named.st_ino != mine.st_ino || named.st_dev != mine.st_dev)
        return hf__fail(err, HF_ERR_IO,
                        "'%s' was removed or replaced while it was written; run it again",
                        part->path);
    if ((uint64_t)mine.st_size != part->size && part->size != UINT64_MAX)
        return hf__fail(err, HF_ERR_TRUNCATED, "'%s' has %llu bytes instead of %llu",
                        part->final_path, (unsigned long long)mine.st_size,
                        (unsigned long long)part->size);
    return HF_OK;
}

hf_status hf__cache_part_commit(hf__cache_part *part, const char *expected_hash,
                                const char *computed_hash, uint64_t size, hf_error *err)
{
    hf_status st = HF_OK;

    part->size = size;
    if (expected_hash && (!computed_hash || strcmp(expected_hash, computed_hash) != 0))
        st = hf__fail(err, HF_ERR_CORRUPT, "the content of '%s' has hash %s instead of %s",
                      part->final, computed_hash ? computed_hash : "(none)", expected_hash);
    if (st == HF_OK)
        st = check_name(part, err);
    if (st == HF_OK && size >= SYNC_FROM && fdatasync(part->fd) != 0)
        st = hf__fail_os(err, errno, "cannot write '%s'", part->path);
    if (st == HF_OK && renameat(part->dir.fd, part->temp, part->final_dir.fd, part->final) != 0)
        st = hf__fail_os(err, errno, "cannot rename '%s' to '%s'", part->path, part->final_path);
    if (st != HF_OK)
        unlinkat(part->dir.fd, part->temp, 0);
    part_free(part);
    return st;
}
