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

hf_status hf__os_read_file(const char *path, hf__buf *out, bool *found, hf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
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
        st = hf__fail(err, temp.status, "the path '%s' is too long", path);
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

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

hf_status hf__os_mkdirs(const char *path, uint32_t mode, hf_error *err)
{
    hf__buf prefix;
    hf_status st = HF_OK;

    if (mkdir(path, (mode_t)mode) == 0 || (errno == EEXIST && is_dir(path)))
        return HF_OK;
    hf__buf_init(&prefix, HF__MAX_PATH);
    for (const char *p = path; st == HF_OK && *p;) {
        size_t len = strcspn(p + 1, "/") + 1;

        hf__buf_add(&prefix, p, len);
        p += len;
        if (prefix.status != HF_OK)
            st = hf__fail(err, prefix.status, "the path '%s' is too long", path);
        else if (mkdir(hf__buf_cstr(&prefix), (mode_t)mode) != 0 && !is_dir(hf__buf_cstr(&prefix)))
            st = hf__fail_os(err, errno, "cannot make the directory '%s'", hf__buf_cstr(&prefix));
    }
    hf__buf_dispose(&prefix);
    return st;
}

/* Drops "." and resolves ".." and repeated '/' of an absolute path by text alone. */
static void normalise(hf__buf *out, hf__str path)
{
    hf__str rest = path;

    while (rest.ptr) {
        hf__str part = hf__str_cut(rest, '/', &rest);

        if (part.len == 0 || hf__str_eq(part, HF__STR(".")))
            continue;
        if (hf__str_eq(part, HF__STR(".."))) {
            while (out->len && out->ptr[--out->len] != '/')
                ;
            if (out->ptr)
                out->ptr[out->len] = '\0';
        } else {
            hf__buf_addc(out, '/');
            hf__buf_add_str(out, part);
        }
    }
    if (out->len == 0)
        hf__buf_addc(out, '/');
}

/* What exists of the path is resolved by the system; the part that does not exist yet is appended
 * as it is. */
hf_status hf__os_realpath(const char *path, hf__buf *out, hf_error *err)
{
    hf__buf whole;
    hf__buf joined;
    size_t keep;
    char cwd[4096];
    char *real = NULL;
    hf_status st = HF_OK;

    hf__buf_init(&whole, HF__MAX_PATH);
    hf__buf_init(&joined, HF__MAX_PATH);
    if (path[0] != '/') {
        if (!getcwd(cwd, sizeof(cwd))) {
            st = hf__fail_os(err, errno, "cannot tell the current directory");
            goto done;
        }
        hf__buf_adds(&whole, cwd);
        hf__buf_addc(&whole, '/');
    }
    hf__buf_adds(&whole, path);
    keep = whole.len;
    while (whole.status == HF_OK && !real) {
        char held = whole.ptr[keep];

        whole.ptr[keep] = '\0';
        real = realpath(keep ? whole.ptr : "/", NULL);
        whole.ptr[keep] = held;
        if (real || keep == 0)
            break;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES && errno != ELOOP) {
            st = hf__fail_os(err, errno, "cannot resolve '%s'", path);
            goto done;
        }
        while (keep && whole.ptr[--keep] != '/')
            ;
    }
    hf__buf_adds(&joined, real ? real : "/");
    hf__buf_addc(&joined, '/');
    if (whole.status == HF_OK)
        hf__buf_adds(&joined, whole.ptr + keep);
    normalise(out, hf__buf_str(&joined));
    if (whole.status != HF_OK || joined.status != HF_OK || out->status != HF_OK)
        st = hf__fail(err, HF_ERR_LIMIT, "the path '%s' is too long", path);
done:
    free(real);
    hf__buf_dispose(&whole);
    hf__buf_dispose(&joined);
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
        st = hf__fail(err, at.status, "the path '%s' is too long", path);
        goto done;
    }
    while (statvfs(at.len ? at.ptr : "/", &fs) != 0) {
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
