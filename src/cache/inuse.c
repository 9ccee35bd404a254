/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a live process is at work on a blob, so that nothing is removed under its hands. */
#include "cache/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Looks without waiting and without keeping. A filesystem without flock has locks that exist while
 * they are held. */
static bool held(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool taken;

    if (fd < 0)
        return errno != ENOENT;
    taken = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return taken;
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

bool hf__part_in_use(int cache_fd, const char *folder, int blobs_fd, const char *name)
{
    static const char *const ends[] = { ".incomplete", ".hfpart", ".hfpart-journal" };
    char etag[256];
    size_t len = strlen(name);

    /* Ours are locked themselves. */
    if (held(blobs_fd, name))
        return true;
    for (size_t i = 0; i < HF__COUNT(ends); i++)
        if (hf__str_ends(hf__str_from(name), hf__str_from(ends[i])))
            len = strlen(name) - strlen(ends[i]);
    if (len >= sizeof(etag))
        return false;
    memcpy(etag, name, len);
    etag[len] = '\0';
    /* "<etag>" of old, "<etag>.<random>" of today */
    if (hf__blob_in_use(cache_fd, folder, etag))
        return true;
    if (!strrchr(etag, '.'))
        return false;
    *strrchr(etag, '.') = '\0';
    return hf__blob_in_use(cache_fd, folder, etag);
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
