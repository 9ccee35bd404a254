/* SPDX-License-Identifier: Apache-2.0 */
/* Files by path: stat, read, write whole, rename, walk. */
#include "core/os.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAX_LINKS 40 /* in one path, as in the kernel */

static hf_status fail_path(hf_error *err, hf_status status, const char *path)
{
    if (status == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    return hf__fail(err, status, "the path '%s' is too long", path);
}

static hf__os_type type_of_mode(mode_t mode)
{
    return S_ISREG(mode)   ? HF__OS_FILE
           : S_ISDIR(mode) ? HF__OS_DIR
           : S_ISLNK(mode) ? HF__OS_LINK
                           : HF__OS_OTHER;
}

static hf_status stat_done(int result, const struct stat *st, const char *path, hf__os_stat *out,
                           hf_error *err)
{
    memset(out, 0, sizeof(*out));
    if (result != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return HF_OK;
        return hf__fail_os(err, errno, "cannot look at '%s'", path);
    }
    out->type = type_of_mode(st->st_mode);
    out->size = (uint64_t)st->st_size;
    out->mtime = (double)st->st_mtim.tv_sec + (double)st->st_mtim.tv_nsec / 1e9;
    out->atime = (double)st->st_atim.tv_sec + (double)st->st_atim.tv_nsec / 1e9;
    out->dev = (uint64_t)st->st_dev;
    out->ino = (uint64_t)st->st_ino;
    out->n_links = (uint64_t)st->st_nlink;
    out->mode = (uint32_t)st->st_mode & 07777u;
    out->uid = (uint32_t)st->st_uid;
    out->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    out->ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
    return HF_OK;
}

hf_status hf__os_stat_path(const char *path, hf__os_stat *out, hf_error *err)
{
    struct stat st;

    return stat_done(stat(path, &st), &st, path, out, err);
}

hf_status hf__os_lstat_path(const char *path, hf__os_stat *out, hf_error *err)
{
    struct stat st;

    return stat_done(lstat(path, &st), &st, path, out, err);
}

void hf__os_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

hf_status hf__os_read(int fd, void *bytes, size_t len, size_t *got, const char *what, hf_error *err)
{
    ssize_t n;

    do
        n = read(fd, bytes, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return hf__fail_os(err, errno, "cannot read %s", what);
    *got = (size_t)n;
    return HF_OK;
}

hf_status hf__os_write(int fd, const void *bytes, size_t len, const char *what, hf_error *err)
{
    const char *p = bytes;

    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hf__fail_os(err, errno, "cannot write to %s", what);
        p += n;
        len -= (size_t)n;
    }
    return HF_OK;
}

hf_status hf__os_stat_fd(int fd, const char *path, hf__os_stat *out, hf_error *err)
{
    struct stat st;

    return stat_done(fstat(fd, &st), &st, path, out, err);
}

hf_status hf__os_open_file(const char *path, int *fd, hf__os_stat *out, hf_error *err)
{
    hf__os_stat stat;
    hf_status st;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for its other end */
    if (*fd < 0)
        return hf__fail_os(err, errno, "cannot open '%s'", path);
    st = hf__os_stat_fd(*fd, path, out ? out : &stat, err);
    if (st == HF_OK && (out ? out : &stat)->type != HF__OS_FILE)
        st = hf__fail(err, HF_ERR_UNSUPPORTED, "'%s' is not a regular file", path);
    if (st != HF_OK)
        hf__os_close(fd);
    return st;
}

hf_status hf__os_pread(int fd, void *bytes, size_t len, uint64_t offset, size_t *got,
                       const char *path, hf_error *err)
{
    ssize_t n;

    do
        n = pread(fd, bytes, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return hf__fail_os(err, errno, "cannot read '%s'", path);
    *got = (size_t)n;
    return HF_OK;
}

hf_status hf__os_pwrite(int fd, const void *bytes, size_t len, uint64_t offset, const char *path,
                        hf_error *err)
{
    const char *p = bytes;

    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hf__fail_os(err, errno, "cannot write '%s'", path);
        if (n == 0)
            return hf__fail_os(err, ENOSPC, "cannot write '%s'", path);
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return HF_OK;
}

hf_status hf__os_sync_data(int fd, const char *path, hf_error *err)
{
    while (fdatasync(fd) != 0)
        if (errno != EINTR)
            return errno == EINVAL || errno == ENOSYS
                       ? HF_OK
                       : hf__fail_os(err, errno, "cannot write '%s' to the disk", path);
    return HF_OK;
}

hf_status hf__os_read_file(const char *path, hf__buf *out, bool *found, hf_error *err)
{
    /* Not to hang on a pipe that someone put in the place of a file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    hf_status st = HF_OK;
    size_t got = 1;
    uint64_t offset = 0;

    *found = false;
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return HF_OK;
        return hf__fail_os(err, errno, "cannot read '%s'", path);
    }
    while (st == HF_OK && got) {
        size_t room = out->max - out->len < 64 * 1024 ? out->max - out->len : 64 * 1024;
        char *place = hf__buf_reserve(out, room);
        char extra;

        if (!place) {
            st = hf__fail(err, out->status, "cannot hold '%s'", path);
        } else if (room == 0) {
            st = hf__os_pread(fd, &extra, 1, offset, &got, path, err);
            if (st == HF_OK && got)
                st = hf__fail(err, HF_ERR_LIMIT, "'%s' is larger than %zu bytes", path, out->max);
        } else {
            st = hf__os_pread(fd, place, room, offset, &got, path, err);
            if (st == HF_OK)
                hf__buf_grew(out, got);
            offset += got;
        }
    }
    hf__os_close(&fd);
    *found = st == HF_OK;
    return st;
}

hf_status hf__os_write_file_atomic(const char *path, hf__str content, uint32_t mode, hf_error *err)
{
    hf__buf temp;
    hf_status st;
    int fd = -1;

    hf__buf_init(&temp, HF__MAX_PATH + 32);
    hf__buf_addf(&temp, "%s.%08x.tmp", path, (unsigned)(hf__random_u64() & 0xffffffffu));
    if (temp.status != HF_OK) {
        st = fail_path(err, temp.status, path);
        goto done;
    }
    fd = open(hf__buf_cstr(&temp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
              (mode_t)mode);
    if (fd < 0) {
        st = hf__fail_os(err, errno, "cannot create '%s'", hf__buf_cstr(&temp));
        goto done;
    }
    st = hf__os_pwrite(fd, content.ptr, content.len, 0, hf__buf_cstr(&temp), err);
    /* close tells of a write that network filesystems put off */
    if (close(fd) != 0 && st == HF_OK)
        st = hf__fail_os(err, errno, "cannot write '%s'", hf__buf_cstr(&temp));
    if (st == HF_OK)
        st = hf__os_rename(hf__buf_cstr(&temp), path, err);
    if (st != HF_OK)
        unlink(hf__buf_cstr(&temp));
done:
    hf__buf_dispose(&temp);
    return st;
}

hf_status hf__os_rename(const char *from, const char *to, hf_error *err)
{
    if (rename(from, to) != 0)
        return hf__fail_os(err, errno, "cannot rename '%s' to '%s'", from, to);
    return HF_OK;
}

hf_status hf__os_unlink(const char *path, hf_error *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return hf__fail_os(err, errno, "cannot remove '%s'", path);
    return HF_OK;
}

/* Makes one directory. 0, or the errno of the failure; one that is there already is none. */
static int make_dir(const char *path, uint32_t mode)
{
    struct stat st;
    int why;

    if (mkdir(path, (mode_t)mode) == 0)
        return 0;
    why = errno;
    /* Not only EEXIST: what exists on a read-only filesystem, or is "/", may be told otherwise. */
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : why;
}

hf_status hf__os_mkdirs(const char *path, uint32_t mode, hf_error *err)
{
    hf__buf prefix;
    hf_status st = HF_OK;

    if (make_dir(path, mode) == 0)
        return HF_OK;
    hf__buf_init(&prefix, HF__MAX_PATH);
    for (const char *p = path; st == HF_OK && *p;) {
        size_t len = strcspn(p + 1, "/") + 1;
        int why;

        hf__buf_add(&prefix, p, len);
        p += len;
        if (prefix.status != HF_OK) {
            st = fail_path(err, prefix.status, path);
            break;
        }
        why = make_dir(hf__buf_cstr(&prefix), mode);
        if (why)
            st = hf__fail_os(err, why, "cannot make the directory '%s'", hf__buf_cstr(&prefix));
    }
    hf__buf_dispose(&prefix);
    return st;
}

static void drop_last(hf__buf *path)
{
    while (path->len && path->ptr[--path->len] != '/')
        ;
    if (path->ptr)
        path->ptr[path->len] = '\0';
}

/* Puts what a link says in place of what was walked of path up to `at`. */
static void splice(hf__buf *path, size_t at, hf__str target)
{
    hf__buf whole;

    hf__buf_init(&whole, path->max);
    hf__buf_add_str(&whole, target);
    hf__buf_addc(&whole, '/');
    hf__buf_add(&whole, path->ptr + at, path->len - at);
    hf__buf_dispose(path);
    *path = whole;
}

/*
 * Walks left, an absolute path, into done. A component that is not there, or cannot be looked at,
 * is what it is called, and so a link to a place that does not exist yet leads there: realpath(3)
 * stops at both, the Python client at neither.
 */
static hf_status resolve(hf__buf *left, hf__buf *done)
{
    char target[HF__MAX_PATH];
    int links = 0;
    size_t at = 0;

    while (left->status == HF_OK && done->status == HF_OK && at < left->len) {
        hf__str rest;
        hf__str part = hf__str_cut((hf__str){ left->ptr + at, left->len - at }, '/', &rest);
        ssize_t len;

        at = left->len - rest.len;
        if (part.len == 0 || hf__str_eq(part, HF__STR(".")))
            continue;
        if (hf__str_eq(part, HF__STR(".."))) {
            drop_last(done);
            continue;
        }
        hf__buf_addc(done, '/');
        hf__buf_add_str(done, part);
        len = readlink(hf__buf_cstr(done), target, sizeof(target));
        if (len <= 0)
            continue;
        if (++links > MAX_LINKS)
            return HF_ERR_IO;
        if (target[0] == '/')
            hf__buf_reset(done);
        else
            drop_last(done);
        splice(left, at, (hf__str){ target, (size_t)len });
        at = 0;
    }
    return left->status != HF_OK ? left->status : done->status;
}

hf_status hf__os_realpath(const char *path, hf__buf *out, hf_error *err)
{
    char cwd[HF__MAX_PATH];
    hf__buf done;
    hf__buf left;
    hf_status st = HF_OK;

    hf__buf_init(&done, HF__MAX_PATH);
    hf__buf_init(&left, HF__MAX_PATH);
    if (path[0] != '/') {
        if (!getcwd(cwd, sizeof(cwd))) {
            st = hf__fail_os(err, errno, "cannot tell the current directory");
            goto done;
        }
        hf__buf_adds(&left, cwd);
        hf__buf_addc(&left, '/');
    }
    hf__buf_adds(&left, path);
    st = resolve(&left, &done);
    if (st == HF_ERR_IO)
        st = hf__fail_os(err, ELOOP, "cannot resolve '%s'", path);
    else if (st != HF_OK)
        st = fail_path(err, st, path);
    if (st != HF_OK)
        goto done;
    hf__buf_add_str(out, done.len ? hf__buf_str(&done) : HF__STR("/"));
    if (out->status != HF_OK)
        st = fail_path(err, out->status, path);
done:
    hf__buf_dispose(&done);
    hf__buf_dispose(&left);
    return st;
}

hf_status hf__os_free_space(const char *path, uint64_t *out, hf_error *err)
{
    struct statvfs fs;
    hf__buf at;
    hf_status st = HF_OK;

    hf__buf_init(&at, HF__MAX_PATH);
    hf__buf_adds(&at, path);
    if (at.status != HF_OK) {
        st = fail_path(err, at.status, path);
        goto done;
    }
    while (statvfs(at.len ? at.ptr : path[0] == '/' ? "/" : ".", &fs) != 0) {
        if (at.len == 0 || errno != ENOENT) {
            st = hf__fail_os(err, errno, "cannot tell the free space at '%s'", path);
            goto done;
        }
        while (at.len && at.ptr[--at.len] != '/')
            ;
        at.ptr[at.len] = '\0';
    }
    *out = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
done:
    hf__buf_dispose(&at);
    return st;
}

/* ---- walking a directory */

struct hf__os_iter {
    DIR *dir;
    char *path;
};

hf_status hf__os_iter_open(const char *path, hf__os_iter **out, hf_error *err)
{
    DIR *dir = opendir(path);
    hf__os_iter *iter;

    *out = NULL;
    if (!dir) {
        if (errno == ENOENT || errno == ENOTDIR)
            return HF_OK;
        return hf__fail_os(err, errno, "cannot list '%s'", path);
    }
    iter = calloc(1, sizeof(*iter));
    if (iter)
        iter->path = strdup(path);
    if (!iter || !iter->path) {
        free(iter);
        closedir(dir);
        return hf__fail_nomem(err);
    }
    iter->dir = dir;
    *out = iter;
    return HF_OK;
}

static hf__os_type type_of_entry(const hf__os_iter *iter, const struct dirent *entry)
{
    struct stat st;

    switch (entry->d_type) {
    case DT_REG:
        return HF__OS_FILE;
    case DT_DIR:
        return HF__OS_DIR;
    case DT_LNK:
        return HF__OS_LINK;
    case DT_UNKNOWN: /* some filesystems do not tell */
        if (fstatat(dirfd(iter->dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return HF__OS_ABSENT;
        return type_of_mode(st.st_mode);
    default:
        return HF__OS_OTHER;
    }
}

hf_status hf__os_iter_next(hf__os_iter *iter, const char **name, hf__os_type *type, hf_error *err)
{
    struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(iter->dir);
        if (!entry && errno)
            return hf__fail_os(err, errno, "cannot list '%s'", iter->path);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    *name = entry ? entry->d_name : NULL;
    *type = entry ? type_of_entry(iter, entry) : HF__OS_ABSENT;
    return HF_OK;
}

void hf__os_iter_close(hf__os_iter *iter)
{
    if (!iter)
        return;
    closedir(iter->dir);
    free(iter->path);
    free(iter);
}

unsigned hf__os_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > 1024 ? 1024 : (unsigned)n;
}
