/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a live process is at work on a blob, so that nothing is removed under its hands. */
#include "cache/private.h"

#include "core/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Long enough for clocks that differ. */
#define RECENT_S (24 * 3600)

/* Opens it and takes its lock without waiting. A filesystem without flock has locks that exist while
 * they are held. *taken: another has it, or the name stands for another file by now. Of the two locks
 * of a download it takes one, and with `look` none where that tells enough, so that who wants both
 * sees that this one will not be long. */
static int claim_name(int dir, const char *name, bool look, bool *taken)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat mine;
    struct stat named;

    if (fd < 0) {
        *taken = errno != ENOENT;
        return -1;
    }
    *taken = false;
    if (hf__os_see_claim(fd, taken) && (look || *taken))
        return fd;
    *taken = flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &mine) != 0 ||
             fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != mine.st_ino ||
             named.st_dev != mine.st_dev;
    return fd;
}

static bool held(int dir, const char *name)
{
    bool taken;
    int fd = claim_name(dir, name, false, &taken);

    hf__os_close(&fd);
    return taken;
}

/* Locks may not reach from one machine to another, but what the other writes is seen. */
static bool is_written_elsewhere(int dir, const char *part, const char *name)
{
    const char *mark = hf__part_mark(part);
    struct stat info;
    hf__os_id host;

    hf__os_host_id(&host);
    return mark && strncmp(mark, host.text, CACHE_MARK_HOST) != 0 &&
           (fstatat(dir, part, &info, AT_SYMLINK_NOFOLLOW) == 0 ||
            fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0) &&
           hf__clock_wall() - (double)info.st_mtime < RECENT_S;
}

static int open_locks(int cache_fd, const char *folder)
{
    char path[512];

    (void)snprintf(path, sizeof(path), ".locks/%s", folder);
    return openat(cache_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool hf__blob_in_use(int cache_fd, const char *folder, const char *etag)
{
    char name[300];
    int locks = open_locks(cache_fd, folder);
    bool taken = false;

    if (locks >= 0 && snprintf(name, sizeof(name), "%s.lock", etag) < (int)sizeof(name))
        taken = held(locks, name);
    hf__os_close(&locks);
    return taken;
}

/* Is the blob's lock held? It is for "<etag>" of old, and "<etag>.<random>" of today. */
static bool is_blob_locked(int cache_fd, const char *folder, const char *part)
{
    static const char *const ends[] = { ".incomplete", ".hfpart" };
    char etag[256];
    size_t len = strlen(part);

    for (size_t i = 0; i < HF__COUNT(ends); i++)
        if (hf__str_ends(hf__str_from(part), hf__str_from(ends[i])))
            len = strlen(part) - strlen(ends[i]);
    if (len >= sizeof(etag))
        return false;
    memcpy(etag, part, len);
    etag[len] = '\0';
    if (hf__blob_in_use(cache_fd, folder, etag))
        return true;
    if (!strrchr(etag, '.'))
        return false;
    *strrchr(etag, '.') = '\0';
    return hf__blob_in_use(cache_fd, folder, etag);
}

bool hf__part_in_use(int cache_fd, const char *folder, int blobs_fd, const char *name, int *claim)
{
    static const char journal[] = "-journal";
    char part[256];
    size_t len = strlen(name);
    bool taken = true;
    int fd = -1;

    if (hf__cache_is_part(name) && hf__str_ends(hf__str_from(name), HF__STR(journal)))
        len -= strlen(journal);
    if (len < sizeof(part)) {
        memcpy(part, name, len);
        part[len] = '\0';
        /* Ours are locked themselves, and their journals with them. */
        fd = claim_name(blobs_fd, part, !claim, &taken);
        taken = taken || is_written_elsewhere(blobs_fd, part, name) ||
                is_blob_locked(cache_fd, folder, part);
    }
    if (taken || !claim)
        hf__os_close(&fd);
    if (claim)
        *claim = fd;
    return taken;
}

bool hf__repo_in_use(int cache_fd, const char *folder)
{
    int locks = open_locks(cache_fd, folder);
    DIR *dir = locks >= 0 ? fdopendir(locks) : NULL;
    struct dirent *entry;
    bool taken = false;

    if (!dir) {
        hf__os_close(&locks);
        return false;
    }
    while (!taken && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            taken = held(dirfd(dir), entry->d_name);
    closedir(dir);
    return taken;
}

const char *hf__errno_text(int value, char *out, size_t size)
{
    if (strerror_r(value, out, size) != 0)
        (void)snprintf(out, size, "error %d", value);
    return out;
}
