/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another client left of a blob when it was killed: "<etag>.incomplete" of old,
 * "<etag>.<8 hex>.incomplete" of today. Its bytes are worth a try, since the hash of the whole file
 * will tell; so it becomes our part, by its name alone. Those clients write only with the blob's
 * lock, which the caller holds.
 */
#include "cache/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".incomplete"

static bool is_of(const char *name, const char *etag)
{
    size_t len = strlen(etag);

    if (strncmp(name, etag, len) != 0)
        return false;
    name += len;
    if (*name == '.' && strlen(name) == 9 + strlen(SUFFIX)) {
        for (size_t i = 1; i < 9; i++)
            if (!strchr("0123456789abcdef", name[i]))
                return false;
        name += 9;
    }
    return strcmp(name, SUFFIX) == 0;
}

/* Only ours, under no second name, with something in it and no more than the file has. */
static bool is_usable(const struct stat *info, uint64_t size)
{
    return S_ISREG(info->st_mode) && info->st_uid == geteuid() && info->st_nlink == 1 &&
           info->st_size > 0 && (uint64_t)info->st_size <= size;
}

bool hf__adopt_find(hf__cache_repo *repo, const hf__os_dir *dir, const char *etag, uint64_t size,
                    char out[320], uint64_t *blocks)
{
    DIR *list;
    struct dirent *entry;
    int fd;
    off_t most = 0;
    bool any = false;

    if (repo->no_incomplete)
        return false;
    fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list = fd < 0 ? NULL : fdopendir(fd);
    if (!list) {
        hf__os_close(&fd);
        return false;
    }
    while ((entry = readdir(list)) != NULL) {
        struct stat info;

        any = any || hf__str_ends(hf__str_from(entry->d_name), HF__STR(SUFFIX));
        if (!is_of(entry->d_name, etag) || strlen(entry->d_name) >= 320 ||
            fstatat(dir->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !is_usable(&info, size) || info.st_size <= most)
            continue;
        most = info.st_size;
        *blocks = (uint64_t)info.st_blocks * 512;
        (void)snprintf(out, 320, "%s", entry->d_name);
    }
    closedir(list);
    repo->no_incomplete = !any; /* then a repo of many files need not look for each */
    return most > 0;
}

void hf__adopt(hf__cache_repo *repo, const char *etag, hf__cache_part *part)
{
    char name[320];
    uint64_t blocks;
    struct stat mine;
    struct stat info;
    struct stat journal;
    int fd;

    /* Only where nothing of our own is. */
    if (part->journal_fd < 0 || fstat(part->journal_fd, &journal) != 0 || journal.st_size != 0 ||
        fstat(part->fd, &mine) != 0 || mine.st_size != 0 ||
        !hf__adopt_find(repo, &part->dir, etag, part->size, name, &blocks))
        return;
    fd = openat(part->dir.fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && is_usable(&info, part->size) && hf__os_claim(fd) &&
        fchmod(fd, mine.st_mode & 0777) == 0 &&
        renameat(part->dir.fd, name, part->dir.fd, part->temp) == 0) {
        hf__os_unclaim(part->fd);
        close(part->fd);
        part->fd = fd;
        /* It is written from the front; what is behind a hole was never written. */
        part->adopted = hf__os_written_front(fd, (uint64_t)info.st_size);
        (void)hf__os_reserve(fd, part->size);
    } else {
        hf__os_close(&fd);
    }
}
