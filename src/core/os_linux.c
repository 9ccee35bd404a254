/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux offers beyond POSIX. */
#define _GNU_SOURCE /* O_PATH, fallocate, F_OFD_SETLK */

#include "core/os.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Where the opened file really is. Without /proc the path is resolved again by text. */
static bool resolved_path(int fd, const char *path, char *out, size_t size)
{
    char link[64];
    ssize_t len;
    char *real;
    bool fits;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, out, size - 1);
    if (len > 0) {
        out[len] = '\0';
        return true;
    }
    real = realpath(path, NULL);
    fits = real && strlen(real) < size;
    if (fits)
        memcpy(out, real, strlen(real) + 1);
    free(real);
    return fits;
}

hf_status hf__os_file_inside(const char *root, const char *path, bool *found, uint64_t *size,
                             hf_error *err)
{
    char real[4096];
    size_t root_len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);

    *found = false;
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES ||
            errno == ENAMETOOLONG)
            return HF_OK;
        return hf__fail_os(err, errno, "cannot look at '%s'", path);
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && resolved_path(fd, path, real, sizeof(real)) &&
        strncmp(real, root, root_len) == 0 && real[root_len] == '/') {
        *found = true;
        if (size)
            *size = (uint64_t)st.st_size;
    }
    close(fd);
    return HF_OK;
}

bool hf__os_claim(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fcntl(fd, F_OFD_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES);
}

bool hf__os_see_claim(int fd, bool *claimed)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_GETLK, &whole) != 0)
        return false;
    *claimed = whole.l_type != F_UNLCK;
    return true;
}

void hf__os_unclaim(int fd)
{
    struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

    (void)fcntl(fd, F_OFD_SETLK, &whole);
    (void)flock(fd, LOCK_UN);
}

/* Where files are memory, setting room aside is as much work as writing the file, and there are no
 * extents that would gain by it: only whether it fits is told. */
static bool fits_in_memory(const struct statfs *fs, int fd, uint64_t size)
{
    struct stat info;
    uint64_t have = fstat(fd, &info) == 0 ? (uint64_t)info.st_blocks * 512 : 0;

    return have + (uint64_t)fs->f_bavail * (uint64_t)fs->f_bsize >= size || fs->f_blocks == 0;
}

bool hf__os_reserve(int fd, uint64_t size)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
        return fits_in_memory(&fs, fd, size);
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return true;
    /* A filesystem that cannot reserve says so with another number; there the writes will tell. */
    return errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
}

void hf__os_write_out(int fd)
{
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

uint64_t hf__os_written_front(int fd, uint64_t size)
{
    off_t hole = lseek(fd, 0, SEEK_HOLE);

    return hole < 0 || (uint64_t)hole > size ? size : (uint64_t)hole;
}

uint64_t hf__os_memory_limit(void)
{
    static const char *const files[] = { "/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes" };
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char text[32];
        int fd = open(files[i], O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
        uint64_t limit;

        if (fd >= 0)
            close(fd);
        if (n > 0 && hf__str_to_u64(hf__str_trim((hf__str){ text, (size_t)n }), &limit) &&
            limit < least)
            least = limit;
    }
    return least;
}

/* FNV-1a: a name, not a proof. */
static uint64_t mix(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_file(uint64_t hash, const char *path)
{
    char text[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return mix(hash, text);
}

void hf__os_host_id(hf__os_id *out)
{
    char name[256] = "";
    uint64_t hash = 0xcbf29ce484222325u;

    (void)gethostname(name, sizeof(name) - 1);
    hash = mix_file(mix(hash, name), "/etc/machine-id");
    (void)snprintf(out->text, sizeof(out->text), "%016llx", (unsigned long long)hash);
}

void hf__os_boot_id(hf__os_id *out)
{
    uint64_t none = 0xcbf29ce484222325u;
    uint64_t hash = mix_file(none, "/proc/sys/kernel/random/boot_id");

    (void)snprintf(out->text, sizeof(out->text), "%016llx",
                   (unsigned long long)(hash == none ? 0 : hash));
}

hf_status hf__os_send_file(int to_socket, int fd, uint64_t offset, size_t len, size_t *sent,
                           bool *full, hf_error *err)
{
    off_t at = (off_t)offset;
    ssize_t n;

    *sent = 0;
    *full = false;
    do
        n = sendfile(to_socket, fd, &at, len);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        *sent = (size_t)n;
        return HF_OK;
    }
    *full = errno == EAGAIN || errno == EWOULDBLOCK;
    if (*full)
        return HF_OK;
    if (errno == EINVAL || errno == ENOSYS)
        return hf__fail(err, HF_ERR_UNSUPPORTED, "this file cannot be sent by the kernel");
    return hf__fail_os(err, errno, "cannot send");
}
