/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of the user's with plain files in it, and our book-keeping beside them
 * (cache.md 13). */
#include "cache/private.h"

#include "core/cancel.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOKS          "/.cache/huggingface"
#define MAX_METADATA   ((size_t)4096)
#define BOOKS_DOWNLOAD ".cache/huggingface/download/"

hf_status hf__cache_local_open(const char *dir, hf__log *log, hf__cache_local **out, hf_error *err)
{
    hf__cache_local *local = calloc(1, sizeof(*local));
    hf__buf resolved;
    hf_status st;

    if (!local)
        return hf__fail_nomem(err);
    local->root.fd = -1;
    local->log = log;
    hf__buf_init(&resolved, HF__MAX_PATH);
    st = hf__os_realpath(dir, &resolved, err);
    if (st == HF_OK) {
        local->dir = hf__buf_take(&resolved);
        if (!local->dir)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&resolved);
    if (st != HF_OK) {
        hf__cache_local_close(local);
        return st;
    }
    *out = local;
    return HF_OK;
}

void hf__cache_local_close(hf__cache_local *local)
{
    if (!local)
        return;
    hf__os_dir_close(&local->root);
    free(local->dir);
    free(local);
}

const char *hf__cache_local_dir(const hf__cache_local *local)
{
    return local->dir;
}

hf_status hf__cache_local_path(hf__cache_local *local, const char *path, hf__buf *out,
                               hf_error *err)
{
    hf__buf_addf(out, "%s/%s", local->dir, path);
    return out->status == HF_OK
               ? HF_OK
               : hf__fail(err, out->status, "the path of '%.200s' is too long", path);
}

/* ---- directories */

static void write_if_absent(const hf__os_dir *dir, const char *name, const char *text)
{
    int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    CACHE_FILE_MODE);

    if (fd < 0)
        return;
    (void)!write(fd, text, strlen(text));
    close(fd);
}

hf_status hf__cache_local_prepare(hf__cache_local *local, hf_error *err)
{
    hf__os_dir books;
    hf__buf path;
    bool found;
    hf_status st;

    if (local->prepared)
        return HF_OK;
    st = hf__os_mkdirs(local->dir, CACHE_DIR_MODE, err);
    if (st == HF_OK && local->root.fd < 0)
        st = hf__os_dir_open(local->dir, &local->root, err);
    if (st == HF_OK)
        st = hf__os_dir_at(&local->root, BOOKS + 1, CACHE_DIR_MODE, &books, &found, err);
    if (st != HF_OK)
        return st;
    write_if_absent(&books, ".gitignore", "*");
    hf__os_dir_close(&books);
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s%s", local->dir, BOOKS);
    if (path.status == HF_OK)
        hf__cache_tag_write(hf__buf_cstr(&path));
    hf__buf_dispose(&path);
    local->prepared = true;
    return HF_OK;
}

/* Opens the root when it is there; without it nothing is. */
static hf_status root_if_there(hf__cache_local *local, bool *found, hf_error *err)
{
    *found = local->root.fd >= 0;
    if (*found || access(local->dir, F_OK) != 0)
        return HF_OK;
    *found = true;
    return hf__os_dir_open(local->dir, &local->root, err);
}

/* Directory of `prefix` + path, and the last component's name. */
static hf_status dir_of(hf__cache_local *local, const char *prefix, const char *path, bool make,
                        hf__os_dir *out, const char **name, bool *found, hf_error *err)
{
    char rel[HF__MAX_REPO_PATH + 64];
    char dir[HF__MAX_REPO_PATH + 64];
    const char *last;
    hf_status st = make ? hf__cache_local_prepare(local, err) : root_if_there(local, found, err);

    if (st != HF_OK || (!make && !*found))
        return st;
    (void)snprintf(rel, sizeof(rel), "%s%s", prefix, path);
    st = hf__cache_split(rel, dir, sizeof(dir), &last, err);
    *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (st == HF_OK)
        st = hf__os_dir_at(&local->root, dir, make ? CACHE_DIR_MODE : 0, out, found, err);
    return st;
}

hf_status hf__cache_local_find(hf__cache_local *local, const char *path, bool *found,
                               uint64_t *size, hf_error *err)
{
    struct stat info;
    const char *name;
    hf__os_dir dir;
    hf_status st = dir_of(local, "", path, false, &dir, &name, found, err);

    if (st != HF_OK || !*found)
        return st;
    *found = fstatat(dir.fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
    if (*found && size)
        *size = (uint64_t)info.st_size;
    hf__os_dir_close(&dir);
    return HF_OK;
}

/* "data/x" + ".lock": a file of our books beside the notes of the others of that folder. */
static hf_status book_of(hf__cache_local *local, const char *path, const char *suffix, bool make,
                         hf__os_dir *dir, char name[300], hf__buf *shown, bool *found,
                         hf_error *err)
{
    const char *last;
    hf_status st = dir_of(local, BOOKS_DOWNLOAD, path, make, dir, &last, found, err);

    if (st != HF_OK || !*found)
        return st;
    (void)snprintf(name, 300, "%s%s", last, suffix);
    hf__buf_addf(shown, "%s/" BOOKS_DOWNLOAD "%s%s", local->dir, path, suffix);
    if (shown->status == HF_OK)
        return HF_OK;
    hf__os_dir_close(dir);
    return hf__fail(err, shown->status, "the path of '%.200s' is too long", path);
}

hf_status hf__cache_local_lock(hf__cache_local *local, const char *path, hf__os_lock *out,
                               bool *got, hf_error *err)
{
    char name[300];
    hf__os_dir dir;
    hf__buf shown;
    bool found = false;
    hf_status st;

    *got = false;
    hf__buf_init(&shown, HF__MAX_PATH);
    st = book_of(local, path, ".lock", true, &dir, name, &shown, &found, err);
    if (st == HF_OK) {
        st = hf__os_lock_try_at(&dir, name, hf__buf_cstr(&shown), out, got, err);
        hf__os_dir_close(&dir);
    }
    hf__buf_dispose(&shown);
    return st;
}

/* ---- metadata */

/* A number of seconds as Python prints one. Not by strtod(), which reads by the program's locale. */
static bool parse_time(hf__str text, double *out)
{
    double value = 0;
    double unit = 1;
    bool digits = false;
    bool point = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            digits = true;
            value = value * 10 + (c - '0');
            unit = point ? unit * 10 : unit;
        } else {
            return false;
        }
    }
    *out = value / unit;
    return digits;
}

/* False: the file is broken. Notes that another client understands but we do not are no notes. */
static bool parse_metadata(hf__str text, hf__local_meta *out, double *time)
{
    hf__str rest = text;
    hf__str commit = hf__str_trim(hf__str_cut(rest, '\n', &rest));
    hf__str etag = hf__str_trim(hf__str_cut(rest, '\n', &rest));
    hf__str stamp = hf__str_trim(hf__str_cut(rest, '\n', &rest));

    if (!parse_time(stamp, time))
        return false;
    if (hf__str_is_hex(commit, 40) && hf__etag_parse(&out->etag, etag)) {
        memcpy(out->commit, commit.ptr, 40);
        out->commit[40] = '\0';
    }
    return true;
}

/* Was the file changed after the notes were taken? With a second's tolerance for filesystems with
 * coarse time stamps. */
static hf_status unchanged_since(hf__cache_local *local, const char *path, double time, bool *out,
                                 hf_error *err)
{
    struct stat info;
    const char *name;
    hf__os_dir dir;
    hf_status st = dir_of(local, "", path, false, &dir, &name, out, err);

    if (st != HF_OK || !*out)
        return st;
    *out = fstatat(dir.fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
           (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9 - 1.0 <= time;
    hf__os_dir_close(&dir);
    return HF_OK;
}

hf_status hf__cache_local_meta_read(hf__cache_local *local, const char *path, hf__local_meta *out,
                                    hf_error *err)
{
    char name[300];
    hf__os_dir dir;
    hf__buf shown;
    hf__buf text;
    double time = 0;
    bool found = false;
    hf_status st;

    memset(out, 0, sizeof(*out));
    hf__buf_init(&shown, HF__MAX_PATH);
    hf__buf_init(&text, MAX_METADATA);
    st = book_of(local, path, ".metadata", false, &dir, name, &shown, &found, err);
    if (st != HF_OK || !found)
        goto done;
    st = hf__cache_read_at(&dir, name, &text, &found, hf__buf_cstr(&shown), err);
    if (st == HF_ERR_LIMIT) {
        hf__buf_reset(&text); /* whatever that is */
        found = true;
        st = HF_OK;
    } else if (st != HF_OK && st != HF_ERR_NO_MEMORY) {
        hf__logf(local->log, HF_LOG_WARNING, "the metadata file '%s' cannot be read; ignored",
                 hf__buf_cstr(&shown));
        st = HF_OK;
    }
    if (st == HF_OK)
        hf__error_clear(err);
    if (st == HF_OK && found && !parse_metadata(hf__buf_str(&text), out, &time)) {
        /* Not removed: another process may be about to write it. */
        hf__logf(local->log, HF_LOG_WARNING, "the metadata file '%s' is malformed; ignored",
                 hf__buf_cstr(&shown));
        found = false;
    }
    hf__os_dir_close(&dir);
    if (st == HF_OK && found && out->commit[0])
        st = unchanged_since(local, path, time, &out->valid, err);
done:
    hf__buf_dispose(&shown);
    hf__buf_dispose(&text);
    return st;
}

/* As Python prints a float: the fewest digits that read back as the same number. Of a time in our
 * centuries those are at most six behind the point. Not by printf("%g"), which writes by the
 * program's locale. */
static void format_time(char out[40], double time)
{
    uint64_t micros = (uint64_t)(time * 1e6 + 0.5);
    size_t len;

    (void)snprintf(out, 40, "%" PRIu64 ".%06" PRIu64, micros / 1000000, micros % 1000000);
    len = strlen(out);
    while (out[len - 1] == '0' && out[len - 2] != '.')
        out[--len] = '\0';
}

hf_status hf__cache_local_meta_write(hf__cache_local *local, const char *path, const char *commit,
                                     const char *etag, hf_error *err)
{
    char name[300];
    char stamp[40];
    const char *last;
    hf__os_dir dir;
    hf__buf text;
    bool found;
    hf_status st = dir_of(local, BOOKS_DOWNLOAD, path, true, &dir, &last, &found, err);

    if (st != HF_OK)
        return st;
    format_time(stamp, hf__clock_wall());
    hf__buf_init(&text, 1024);
    hf__buf_addf(&text, "%s\n%s\n%s\n", commit, etag, stamp);
    (void)snprintf(name, sizeof(name), "%s.metadata", last);
    st = text.status == HF_OK
             ? hf__cache_write_at(&dir, name, hf__buf_str(&text), name, err)
             : hf__fail(err, text.status, "the metadata of '%.200s' is too long", path);
    hf__buf_dispose(&text);
    hf__os_dir_close(&dir);
    return st;
}

/* ---- content */

/* The temporary lies in the book-keeping folder, where a killed process leaves nothing that the
 * user would see or upload; one rename takes it to its place. */
hf_status hf__cache_local_begin(hf__cache_local *local, const char *path, const char *etag,
                                uint64_t size, hf__cache_part **out, hf_error *err)
{
    hf__os_dir final_dir = { -1 };
    hf__os_dir dir = { -1 };
    hf__buf final_path;
    hf__buf dir_path;
    const char *name;
    bool found;
    hf_status st = dir_of(local, "", path, true, &final_dir, &name, &found, err);

    if (st == HF_OK)
        st = dir_of(local, BOOKS_DOWNLOAD, path, true, &dir, &name, &found, err);
    hf__buf_init(&final_path, HF__MAX_PATH);
    hf__buf_init(&dir_path, HF__MAX_PATH);
    if (st == HF_OK)
        st = hf__cache_local_path(local, path, &final_path, err);
    hf__buf_addf(&dir_path, "%s/" BOOKS_DOWNLOAD "%.*s", local->dir,
                 (int)(strrchr(path, '/') ? strrchr(path, '/') - path : 0), path);
    if (st == HF_OK)
        st = hf__part_open(&(hf__part_place){ .dir = &dir,
                                              .dir_path = hf__buf_cstr(&dir_path),
                                              .stem = etag,
                                              .final_dir = &final_dir,
                                              .final = name,
                                              .final_path = hf__buf_cstr(&final_path) },
                           size, out, err);
    hf__buf_dispose(&final_path);
    hf__buf_dispose(&dir_path);
    hf__os_dir_close(&final_dir);
    hf__os_dir_close(&dir);
    return st;
}

uint64_t hf__cache_local_kept(hf__cache_local *local, const char *path, const char *etag)
{
    hf__os_dir dir;
    const char *name;
    bool found = false;
    uint64_t kept;

    if (dir_of(local, BOOKS_DOWNLOAD, path, false, &dir, &name, &found, NULL) != HF_OK || !found)
        return 0;
    kept = hf__part_kept(&dir, etag);
    hf__os_dir_close(&dir);
    return kept;
}

/* Reads fd to its end into hash, and into `to` unless that is -1. */
static hf_status pump(int from, int to, hf__hash *hash, const char *shown, const hf_cancel *cancel,
                      hf_error *err)
{
    size_t size = 256 * 1024;
    char *bytes = malloc(size);
    uint64_t offset = 0;
    size_t got = 1;
    hf_status st = bytes ? HF_OK : hf__fail_nomem(err);

    while (st == HF_OK && got) {
        if (hf__canceled(cancel)) {
            st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
            break;
        }
        st = hf__os_pread(from, bytes, size, offset, &got, shown, err);
        if (st == HF_OK) {
            hf__hash_add(hash, bytes, got);
            if (to >= 0)
                st = hf__os_pwrite(to, bytes, got, offset, shown, err);
        }
        offset += got;
    }
    free(bytes);
    return st;
}

static hf_status size_of(int fd, const char *shown, uint64_t *size, hf_error *err)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return hf__fail_os(err, errno, "cannot look at '%s'", shown);
    *size = (uint64_t)info.st_size;
    return HF_OK;
}

hf_status hf__cache_local_hash(hf__cache_local *local, const char *path, bool sha256, char out[65],
                               const hf_cancel *cancel, hf_error *err)
{
    const char *name;
    hf__os_dir dir;
    hf__hash *hash = NULL;
    uint64_t size = 0;
    bool found = false;
    int fd;
    hf_status st = dir_of(local, "", path, false, &dir, &name, &found, err);

    if (st != HF_OK)
        return st;
    if (!found)
        return hf__fail(err, HF_ERR_NOT_CACHED, "'%.200s' is not there", path);
    fd = openat(dir.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    hf__os_dir_close(&dir);
    if (fd < 0)
        return hf__fail_os(err, errno, "cannot read '%s'", path);
    st = size_of(fd, path, &size, err);
    if (st == HF_OK)
        st = hf__hash_new(sha256 ? HF__HASH_SHA256 : HF__HASH_GIT_BLOB, size, &hash, err);
    if (st == HF_OK)
        st = pump(fd, -1, hash, path, cancel, err);
    if (st == HF_OK)
        hf__hash_end(hash, out);
    hf__hash_free(hash);
    hf__os_close(&fd);
    return st;
}

static hf_status copy_verified(hf__cache_local *local, int from, const char *path, const char *etag,
                               const hf_cancel *cancel, bool *done, hf_error *err)
{
    bool sha256 = strlen(etag) == 64;
    hf__cache_part *part = NULL;
    hf__hash *hash = NULL;
    char computed[65];
    uint64_t size = 0;
    hf_status st = size_of(from, path, &size, err);

    if (st == HF_OK)
        st = hf__hash_new(sha256 ? HF__HASH_SHA256 : HF__HASH_GIT_BLOB, size, &hash, err);
    if (st == HF_OK)
        st = hf__cache_local_begin(local, path, etag, size, &part, err);
    if (st == HF_OK)
        st = pump(from, hf__cache_part_fd(part), hash, path, cancel, err);
    if (st == HF_OK) {
        hf__hash_end(hash, computed);
        *done = strcmp(computed, etag) == 0;
    }
    if (st == HF_OK && *done)
        st = hf__cache_part_commit(part, etag, computed, size, err);
    else
        hf__cache_part_abandon(part);
    hf__hash_free(hash);
    return st;
}

hf_status hf__cache_local_from_cache(hf__cache_local *local, hf__cache_repo *repo,
                                     const char *commit, const char *path, const char *etag,
                                     const hf_cancel *cancel, bool *done, hf_error *err)
{
    hf__buf pointer;
    bool found = false;
    int fd;
    hf_status st;

    *done = false;
    if (strlen(etag) != 64 && strlen(etag) != 40)
        return HF_OK; /* what it should be cannot be checked */
    st = hf__cache_pointer_find(repo, commit, path, &found, NULL, err);
    if (st != HF_OK || !found)
        return st;
    hf__buf_init(&pointer, HF__MAX_PATH);
    st = hf__cache_pointer_path(repo, commit, path, &pointer, err);
    fd = st == HF_OK ? open(hf__buf_cstr(&pointer), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0)
        st = copy_verified(local, fd, path, etag, cancel, done, err);
    hf__os_close(&fd);
    hf__buf_dispose(&pointer);
    return st;
}
