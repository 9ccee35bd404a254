/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file on its way in: a part beside its final name, which it gets when its hash and size are what
 * was announced, in one rename. A large one comes with a journal, is kept when a call fails or is
 * killed, and is found again by the next call; what is in it only the journal can tell, which is
 * not read here.
 *
 * The name is our own and ends in ".hfpart", so no Python client appends to it, takes it for its
 * own, or prunes it while it is in use (those remove "*.incomplete", in use or not). It carries the
 * name of this machine: where flock() does not reach other machines, each has a part of its own, so
 * the worst is work done twice.
 */
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

#define PART_SUFFIX    ".hfpart"
#define JOURNAL_SUFFIX "-journal"

static hf_status reserve(int fd, uint64_t size, const char *path, hf_error *err)
{
    uint64_t have = 0;

    if (size < HF__PART_SYNC_FROM || size == UINT64_MAX || hf__os_reserve(fd, size))
        return HF_OK;
    (void)hf__os_free_space(path, &have, NULL);
    return hf__fail(err, HF_ERR_DISK_FULL,
                    "no space left on device: the file has %llu bytes, '%s' has %llu bytes free",
                    (unsigned long long)size, path, (unsigned long long)have);
}

/* A directory that stays open longer than the part is borrowed. */
static hf_status part_new(const hf__part_place *place, uint64_t size, hf__cache_part **out,
                          hf_error *err)
{
    hf__cache_part *part = calloc(1, sizeof(*part));
    int fd_errno = 0;

    if (!part)
        return hf__fail_nomem(err);
    part->fd = -1;
    part->journal_fd = -1;
    part->size = size;
    part->borrowed = place->stays_open;
    part->dir = *place->dir;
    part->final_dir = *place->final_dir;
    if (!part->borrowed) {
        part->dir.fd = fcntl(place->dir->fd, F_DUPFD_CLOEXEC, 0);
        part->final_dir.fd = fcntl(place->final_dir->fd, F_DUPFD_CLOEXEC, 0);
        fd_errno = errno;
    }
    part->final_path = strdup(place->final_path);
    (void)snprintf(part->final, sizeof(part->final), "%s", place->final);
    *out = part;
    if (part->dir.fd < 0 || part->final_dir.fd < 0)
        return hf__fail_os(err, fd_errno, "cannot open the directory of '%s'", place->final_path);
    return part->final_path ? HF_OK : hf__fail_nomem(err);
}

static void name_part(char *out, size_t size, const char *stem, const char *mark)
{
    (void)snprintf(out, size, "%.220s.%.16s" PART_SUFFIX, stem, mark);
}

const char *hf__part_mark(const char *name)
{
    size_t end = 1 + 16 + strlen(PART_SUFFIX);
    size_t len = strlen(name);

    if (!hf__str_ends(hf__str_from(name), HF__STR(PART_SUFFIX)) || len < end ||
        name[len - end] != '.')
        return NULL;
    return name + len - end + 1;
}

uint64_t hf__part_kept(const hf__os_dir *dir, const char *stem)
{
    char name[320];
    struct stat info;
    hf__os_id host;

    hf__os_host_id(&host);
    name_part(name, sizeof(name), stem, host.text);
    return fstatat(dir->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)
               ? (uint64_t)info.st_blocks * 512
               : 0;
}

static hf_status set_name(hf__cache_part *part, const char *dir_path, const char *stem,
                          const char *mark, hf_error *err)
{
    hf__buf path;

    name_part(part->temp, sizeof(part->temp), stem, mark);
    free(part->path);
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/%s", dir_path, part->temp);
    part->path = hf__buf_take(&path);
    hf__buf_dispose(&path);
    return part->path ? HF_OK : hf__fail_nomem(err);
}

/* Only ours, and under no second name: its owner could change it after it was verified. */
static bool is_private(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
           info.st_nlink == 1;
}

static bool is_named(const hf__cache_part *part, int fd)
{
    struct stat mine;
    struct stat named;

    return fstat(fd, &mine) == 0 &&
           fstatat(part->dir.fd, part->temp, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_ino == mine.st_ino && named.st_dev == mine.st_dev;
}

/* A prune holds one of the two locks of a part, for a moment; a download holds both. */
static bool claim(int fd)
{
    bool claimed = false;

    for (int tries = 0; !hf__os_claim(fd); tries++) {
        if (tries == 10 || (hf__os_see_claim(fd, &claimed) && claimed))
            return false;
        hf__clock_sleep_ms(10);
    }
    return true;
}

/* The part that every call on this machine uses for these bytes. It stays -1 when another has it,
 * or when it cannot be trusted. */
static void open_shared(hf__cache_part *part)
{
    bool again = true;

    for (int tries = 0; again && tries < 100; tries++) {
        int fd = openat(part->dir.fd, part->temp, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                        CACHE_FILE_MODE);

        part->claimed = fd >= 0 && claim(fd);
        /* Whoever had it until now may have made it the finished file. */
        again = part->claimed && !is_named(part, fd);
        if (part->claimed && !again && is_private(fd))
            part->fd = fd;
        else
            hf__os_close(&fd);
    }
}

/* 0, or errno. */
static int open_journal(hf__cache_part *part)
{
    char name[sizeof(part->temp) + sizeof(JOURNAL_SUFFIX)];

    (void)snprintf(name, sizeof(name), "%s" JOURNAL_SUFFIX, part->temp);
    part->journal_fd =
        openat(part->dir.fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, CACHE_FILE_MODE);
    if (part->journal_fd < 0)
        return errno;
    if (is_private(part->journal_fd))
        return 0;
    hf__os_close(&part->journal_fd);
    return EPERM;
}

/* Leaves what is in it to a call that can read the journal. */
static void let_go(hf__cache_part *part)
{
    struct stat info;

    if (fstat(part->fd, &info) == 0 && info.st_size == 0)
        unlinkat(part->dir.fd, part->temp, 0);
    hf__os_unclaim(part->fd);
    hf__os_close(&part->fd);
}

/* A part that is kept comes with its journal; another one is emptied. */
static hf_status make_ready(hf__cache_part *part, uint64_t size, hf_error *err)
{
    int why;

    if (size < HF__PART_KEEP_FROM || size == UINT64_MAX)
        return ftruncate(part->fd, 0) == 0
                   ? HF_OK
                   : hf__fail_os(err, errno, "cannot empty '%s'", part->path);
    why = open_journal(part);
    if (why)
        let_go(part);
    return why == EMFILE || why == ENFILE || why == ENOMEM
               ? hf__fail_os(err, why, "cannot open the journal of '%s'", part->path)
               : HF_OK;
}

/* A name that nobody else has, of which this machine's clean-up knows that it is no other's. */
static hf_status open_single(hf__cache_part *part, const hf__part_place *place, hf_error *err)
{
    hf__os_id host;
    char mark[17];
    hf_status st;

    hf__os_host_id(&host);
    (void)snprintf(mark, sizeof(mark), "%.*s%08x", CACHE_MARK_HOST, host.text,
                   (unsigned)hf__random_u64());
    st = set_name(part, place->dir_path, place->stem, mark, err);
    if (st != HF_OK)
        return st;
    part->fd = openat(part->dir.fd, part->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      CACHE_FILE_MODE);
    return part->fd >= 0 ? HF_OK : hf__fail_os(err, errno, "cannot create '%s'", part->path);
}

static hf_status open_file(hf__cache_part *part, const hf__part_place *place, uint64_t size,
                           hf_error *err)
{
    hf__os_id host;
    hf_status st = HF_OK;

    if (!place->single) {
        hf__os_host_id(&host);
        st = set_name(part, place->dir_path, place->stem, host.text, err);
        if (st == HF_OK)
            open_shared(part);
        if (st == HF_OK && part->fd >= 0)
            st = make_ready(part, size, err);
    }
    if (st != HF_OK || part->fd >= 0)
        return st;
    st = open_single(part, place, err);
    if (st == HF_OK)
        part->claimed = hf__os_claim(part->fd); /* tells our own clean-up that it is in use */
    return st;
}

/* Of a part that is not kept there is nothing to find again. The lock that its caller holds tells
 * that it is in use, for as short as that is. */
static bool is_brief(uint64_t size)
{
    return size < HF__PART_SYNC_FROM;
}

hf_status hf__part_open(const hf__part_place *place, uint64_t size, hf__cache_part **out,
                        hf_error *err)
{
    hf__cache_part *part = NULL;
    hf_status st = part_new(place, size, &part, err);

    if (st == HF_OK)
        st = is_brief(size) ? open_single(part, place, err) : open_file(part, place, size, err);
    if (st == HF_OK)
        st = reserve(part->fd, size, place->dir_path, err);
    if (st != HF_OK) {
        hf__cache_part_close(part);
        return st;
    }
    *out = part;
    return HF_OK;
}

/* Open for as long as the repo is: parts are made in it all the time. */
static hf_status open_blobs(hf__cache_repo *repo, hf_error *err)
{
    hf__os_dir dir;
    bool found;
    hf_status st;

    if (repo->blobs.fd >= 0)
        return HF_OK;
    st = hf__cache_repo_dir(repo, "blobs", true, &dir, &found, err);
    if (st != HF_OK)
        return st;
    repo->blobs.fd = fcntl(dir.fd, F_DUPFD_CLOEXEC, 0);
    return repo->blobs.fd >= 0
               ? HF_OK
               : hf__fail_os(err, errno, "cannot open the blobs of '%s'", repo->path);
}

hf_status hf__cache_blob_begin(hf__cache_repo *repo, const char *etag, uint64_t size,
                               hf__cache_part **out, hf_error *err)
{
    hf__part_place place = { .stays_open = true, .dir = &repo->blobs, .final_dir = &repo->blobs };
    hf__buf dir_path;
    hf__buf final_path;
    hf_status st = open_blobs(repo, err);

    if (st != HF_OK)
        return st;
    hf__buf_init(&dir_path, HF__MAX_PATH);
    hf__buf_init(&final_path, HF__MAX_PATH);
    hf__buf_addf(&dir_path, "%s/blobs", repo->path);
    hf__buf_addf(&final_path, "%s/blobs/%s", repo->path, etag);
    place.dir_path = hf__buf_cstr(&dir_path);
    place.final_path = hf__buf_cstr(&final_path);
    place.stem = place.final = etag;
    st = hf__part_open(&place, size, out, err);
    if (st == HF_OK)
        hf__adopt(repo, etag, *out);
    hf__buf_dispose(&dir_path);
    hf__buf_dispose(&final_path);
    return st;
}

uint64_t hf__cache_blob_kept(hf__cache_repo *repo, const char *etag, uint64_t size)
{
    hf__os_dir dir;
    char name[320];
    bool found = false;
    uint64_t kept;

    if (hf__cache_repo_dir(repo, "blobs", false, &dir, &found, NULL) != HF_OK || !found)
        return 0;
    kept = hf__part_kept(&dir, etag);
    if (kept == 0 && !hf__adopt_find(repo, &dir, etag, size, name, &kept))
        return 0;
    return kept;
}

uint64_t hf__cache_part_adopted(const hf__cache_part *part)
{
    return part->adopted;
}

int hf__cache_part_fd(const hf__cache_part *part)
{
    return part->fd;
}

int hf__cache_part_journal_fd(const hf__cache_part *part)
{
    return part->journal_fd;
}

const char *hf__cache_part_path(const hf__cache_part *part)
{
    return part->path;
}

static void part_free(hf__cache_part *part)
{
    hf__os_close(&part->journal_fd);
    if (part->claimed && part->fd >= 0)
        hf__os_unclaim(part->fd);
    hf__os_close(&part->fd);
    if (!part->borrowed) {
        hf__os_dir_close(&part->dir);
        hf__os_dir_close(&part->final_dir);
    }
    free(part->path);
    free(part->final_path);
    free(part);
}

void hf__cache_part_write_out(const hf__cache_part *part)
{
    hf__os_write_out(part->fd);
}

/* The journal goes last: without its part it is nothing, a part without it would be garbage. */
static void remove_journal(const hf__cache_part *part)
{
    char name[sizeof(part->temp) + sizeof(JOURNAL_SUFFIX)];

    if (part->journal_fd < 0)
        return;
    (void)snprintf(name, sizeof(name), "%s" JOURNAL_SUFFIX, part->temp);
    unlinkat(part->dir.fd, name, 0);
}

void hf__cache_part_abandon(hf__cache_part *part)
{
    struct stat other;

    if (!part)
        return;
    if (part->fd >= 0 && is_named(part, part->fd))
        unlinkat(part->dir.fd, part->temp, 0);
    /* Where the name is another's by now, so is the journal. */
    if (fstatat(part->dir.fd, part->temp, &other, AT_SYMLINK_NOFOLLOW) != 0)
        remove_journal(part);
    part_free(part);
}

void hf__cache_part_close(hf__cache_part *part)
{
    struct stat journal;

    if (!part)
        return;
    if (part->journal_fd >= 0 && fstat(part->journal_fd, &journal) == 0 && journal.st_size > 0)
        part_free(part);
    else
        hf__cache_part_abandon(part);
}

bool hf__cache_is_part(const char *name)
{
    hf__str text = hf__str_from(name);

    return hf__str_ends(text, HF__STR(PART_SUFFIX)) ||
           hf__str_ends(text, HF__STR(PART_SUFFIX JOURNAL_SUFFIX));
}

/* The name must still be the file that was written: a name that was swapped or removed in between
 * is refused. */
static hf_status check_name(const hf__cache_part *part, hf_error *err)
{
    struct stat mine;

    if (fstat(part->fd, &mine) != 0)
        return hf__fail_os(err, errno, "cannot look at '%s'", part->path);
    if (!is_named(part, part->fd))
        return hf__fail(err, HF_ERR_IO,
                        "'%s' was removed or replaced while it was written; run it again",
                        part->path);
    if ((uint64_t)mine.st_size != part->size && part->size != UINT64_MAX)
        return hf__fail(err, HF_ERR_TRUNCATED, "'%s' has %llu bytes instead of %llu",
                        part->final_path, (unsigned long long)mine.st_size,
                        (unsigned long long)part->size);
    return HF_OK;
}

hf_status hf__cache_part_sync(hf__cache_part *part, uint64_t size, hf_error *err)
{
    hf_status st = HF_OK;

    if (size >= HF__PART_SYNC_FROM && !part->synced)
        st = hf__os_sync_data(part->fd, part->path, err);
    part->synced = st == HF_OK;
    return st;
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
    if (st != HF_OK) {
        hf__cache_part_abandon(part);
        return st;
    }
    /* From here on the bytes are good, and stay for the next call whatever happens. */
    st = hf__cache_part_sync(part, size, err);
    if (st == HF_OK && renameat(part->dir.fd, part->temp, part->final_dir.fd, part->final) != 0)
        st = hf__fail_os(err, errno, "cannot rename '%s' to '%s'", part->path, part->final_path);
    if (st != HF_OK) {
        hf__cache_part_close(part);
        return st;
    }
    /* The new name must be on disk before the journal is gone: a part without one is worth nothing.
     * Where a directory cannot be synced nothing better can be done. */
    if (part->journal_fd >= 0)
        (void)fsync(part->final_dir.fd);
    remove_journal(part);
    part_free(part);
    return HF_OK;
}
