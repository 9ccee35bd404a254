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

/* What looking in an opened directory tells of a name. */
typedef enum sight {
    SIGHT_ABSENT,
    SIGHT_FILE,
    SIGHT_LINK,
    SIGHT_OTHER /* only the whole path tells */
} sight;

static sight look_at(const hf__os_dir *dir, const char *name, uint64_t *size)
{
    struct stat info;

    if (fstatat(dir->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? SIGHT_ABSENT : SIGHT_OTHER;
    *size = (uint64_t)info.st_size;
    return S_ISREG(info.st_mode) ? SIGHT_FILE : S_ISLNK(info.st_mode) ? SIGHT_LINK : SIGHT_OTHER;
}

/* A directory of the repo that is reached without a link on the way. SIGHT_OTHER: it is not. Before
 * anything is made, of a repo that is new, many files are looked for in the same directory. */
static sight open_plain(hf__cache_repo *repo, const char *rel, hf__os_dir *dir)
{
    char *absent = repo->absent[strcmp(rel, "blobs") == 0];
    bool found = false;

    if (!repo->prepared && *absent && strcmp(absent, rel) == 0)
        return SIGHT_ABSENT;
    if (hf__cache_repo_dir(repo, rel, false, dir, &found, NULL) != HF_OK)
        return SIGHT_OTHER;
    if (!found)
        (void)snprintf(absent, sizeof(repo->absent[0]), "%.*s", CACHE_ABSENT_MAX - 1, rel);
    return found ? SIGHT_FILE : SIGHT_ABSENT;
}

bool hf__cache_is_hollow(const char *etag, uint64_t size)
{
    static const char *const of_nothing[] = {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    };
    hf__str text = hf__str_from(etag);

    for (size_t i = 0; size == 0 && i < HF__COUNT(of_nothing); i++)
        if (hf__str_is_hex(text, strlen(of_nothing[i])))
            return strcmp(etag, of_nothing[i]) != 0;
    return false;
}

static sight look_at_blob(hf__cache_repo *repo, const char *etag, uint64_t *size)
{
    hf__os_dir blobs;
    sight seen = open_plain(repo, "blobs", &blobs);

    if (seen == SIGHT_FILE)
        seen = look_at(&blobs, etag, size);
    if (seen == SIGHT_FILE && hf__cache_is_hollow(etag, *size))
        return SIGHT_ABSENT;
    return seen == SIGHT_LINK ? SIGHT_OTHER : seen; /* into the store that repos share */
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

/* SIGHT_LINK: it is a link as it is made for path, and *blob the name in it. */
static sight read_link(const hf__os_dir *dir, const char *name, const char *path, char *text,
                       size_t size, const char **blob)
{
    ssize_t len = readlinkat(dir->fd, name, text, size - 1);
    hf__buf usual;
    bool same;

    if (len < 0)
        return errno == ENOENT ? SIGHT_ABSENT : errno == EINVAL ? SIGHT_FILE : SIGHT_OTHER;
    if ((size_t)len == size - 1)
        return SIGHT_OTHER;
    text[len] = '\0';
    *blob = strrchr(text, '/');
    *blob = *blob ? *blob + 1 : text;
    hf__buf_init(&usual, HF__MAX_PATH);
    link_text(&usual, path, *blob);
    same = usual.status == HF_OK && strcmp(hf__buf_cstr(&usual), text) == 0;
    hf__buf_dispose(&usual);
    return same && **blob && **blob != '.' ? SIGHT_LINK : SIGHT_OTHER;
}

/* Nearly every pointer is a link of the usual form to a blob that is a file. To see that takes two
 * system calls in directories that are open already; a repo may have very many. */
static sight look_at_pointer(hf__cache_repo *repo, const char *commit, const char *path,
                             uint64_t *size)
{
    char rel[HF__MAX_REPO_PATH + 64];
    char dir_rel[HF__MAX_REPO_PATH + 64];
    char text[HF__MAX_REPO_PATH + 512];
    const char *name;
    const char *blob = NULL;
    hf__os_dir dir;
    sight seen;

    if (snprintf(rel, sizeof(rel), "snapshots/%s/%s", commit, path) >= (int)sizeof(rel) ||
        hf__cache_split(rel, dir_rel, sizeof(dir_rel), &name, NULL) != HF_OK)
        return SIGHT_OTHER;
    seen = open_plain(repo, dir_rel, &dir);
    if (seen != SIGHT_FILE)
        return seen;
    seen = read_link(&dir, name, path, text, sizeof(text), &blob);
    if (seen == SIGHT_LINK)
        return look_at_blob(repo, blob, size);
    if (seen == SIGHT_FILE) /* at least no link */
        seen = look_at(&dir, name, size);
    return seen == SIGHT_LINK ? SIGHT_OTHER : seen;
}

hf_status hf__cache_pointer_find(hf__cache_repo *repo, const char *commit, const char *path,
                                 bool *found, uint64_t *size, hf_error *err)
{
    uint64_t bytes = 0;
    sight seen = look_at_pointer(repo, commit, path, &bytes);
    hf__buf full;
    hf_status st;

    *found = seen == SIGHT_FILE;
    if (*found && size)
        *size = bytes;
    if (seen != SIGHT_OTHER)
        return HF_OK;
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
    uint64_t bytes = 0;
    sight seen = look_at_blob(repo, etag, &bytes);
    hf__buf full;
    hf_status st;

    *found = seen == SIGHT_FILE;
    if (*found && size)
        *size = bytes;
    if (seen != SIGHT_OTHER)
        return HF_OK;
    hf__buf_init(&full, HF__MAX_PATH);
    hf__buf_addf(&full, "%s/blobs/%s", repo->path, etag);
    st = full.status == HF_OK
             ? hf__os_file_inside(repo->cache->dir, hf__buf_cstr(&full), found, size, err)
             : hf__fail(err, full.status, "the path of blob '%s' is too long", etag);
    hf__buf_dispose(&full);
    return st;
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

/* Beside the blob, where a prune finds what a killed process leaves, and nobody takes it for a file
 * of the snapshot. */
static hf_status copy_blob(const hf__cache_repo *repo, const hf__os_dir *blobs, const char *etag,
                           const hf__os_dir *dir, const char *name, hf_error *err)
{
    hf__part_place place = { .dir = blobs,
                             .stem = etag,
                             .final_dir = dir,
                             .final = name,
                             .final_path = name,
                             .stays_open = true,
                             .single = true };
    hf__cache_part *part = NULL;
    int from = openat(blobs->fd, etag, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    hf__buf dir_path;
    hf_status st;

    if (from < 0 || fstat(from, &info) != 0) {
        st = hf__fail_os(err, errno, "cannot read blob '%s'", etag);
        hf__os_close(&from);
        return st;
    }
    hf__buf_init(&dir_path, HF__MAX_PATH);
    hf__buf_addf(&dir_path, "%s/blobs", repo->path);
    place.dir_path = hf__buf_cstr(&dir_path);
    st = hf__part_open(&place, (uint64_t)info.st_size, &part, err);
    if (st == HF_OK)
        st = copy_fd(from, hf__cache_part_fd(part), name, err);
    if (st == HF_OK)
        st = hf__cache_part_commit(part, NULL, NULL, (uint64_t)info.st_size, err);
    else
        hf__cache_part_abandon(part);
    hf__buf_dispose(&dir_path);
    hf__os_close(&from);
    return st;
}

static hf_status place_without_link(hf__cache_repo *repo, int dirfd, const char *name,
                                    const char *etag, bool new_blob, hf_error *err)
{
    hf__os_dir blobs;
    bool found;
    struct stat info;
    hf__os_dir dir = { dup(dirfd) }; /* the next call may close the borrowed one */
    hf_status st = dir.fd < 0 ? hf__fail_os(err, errno, "cannot write '%s'", name)
                              : hf__cache_repo_dir(repo, "blobs", false, &blobs, &found, err);

    if (st == HF_OK && !found)
        st = hf__fail(err, HF_ERR_IO, "blob '%s' has gone", etag);
    /* A blob that is itself a link belongs to the store that repos share; it is copied, never moved
     * away. */
    if (st == HF_OK && new_blob && fstatat(blobs.fd, etag, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(info.st_mode)) {
        if (renameat(blobs.fd, etag, dir.fd, name) != 0)
            st = hf__fail_os(err, errno, "cannot move blob '%s' to '%s'", etag, name);
    } else if (st == HF_OK) {
        st = copy_blob(repo, &blobs, etag, &dir, name, err);
    }
    hf__os_dir_close(&dir);
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
