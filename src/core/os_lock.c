/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between processes, as the Python client takes them (cache.md 9.1). */
#include "core/os.h"

#include "core/error.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_MODE                                                                                  \
    0664 /* whatever the umask: a group's members must be able to wait for each other */

typedef struct holder {
    long pid;
    char host[256];
} holder;

static holder this_process(void)
{
    holder me = { .pid = (long)getpid() };

    if (gethostname(me.host, sizeof(me.host) - 1) != 0)
        me.host[0] = '\0';
    return me;
}

/* "pid", "host", and maybe more, one a line. */
static bool read_holder(int at, const char *file, holder *out)
{
    char text[512];
    hf__str rest = { text, 0 };
    hf__str host;
    uint64_t pid = 0;
    int fd = openat(at, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

    hf__os_close(&fd);
    if (len <= 0)
        return false;
    rest.len = (size_t)len;
    if (!hf__str_to_u64(hf__str_trim(hf__str_cut(rest, '\n', &rest)), &pid) || pid == 0 ||
        pid > INT32_MAX)
        return false;
    host = hf__str_trim(hf__str_cut(rest, '\n', &rest));
    out->pid = (long)pid;
    (void)snprintf(out->host, sizeof(out->host), "%.*s", (int)host.len, host.len ? host.ptr : "");
    return true;
}

/* Whether it was left by a process of this machine that was killed. */
static bool is_left_behind(int at, const char *file)
{
    holder me = this_process();
    holder its;

    return me.host[0] && read_holder(at, file, &its) && strcmp(its.host, me.host) == 0 &&
           kill((pid_t)its.pid, 0) != 0 && errno == ESRCH;
}

static int make_existence(int at, const char *file)
{
    holder me = this_process();
    int fd = openat(at, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);

    if (fd >= 0)
        (void)dprintf(fd, "%ld\n%s\n", me.pid, me.host);
    return fd;
}

/* A filesystem without flock: whoever creates the file has the lock, and removes it on release. */
static hf_status try_existence(int at, const char *file, const char *path, hf__os_lock *out,
                               bool *got, hf_error *err)
{
    hf__buf name;
    hf_status st = HF_OK;
    int fd;

    hf__buf_init(&name, 8192);
    hf__buf_adds(&name, path);
    out->exists_path = hf__buf_take(&name);
    if (!out->exists_path)
        return hf__fail_nomem(err);
    fd = make_existence(at, file);
    /* Two who find it at once may both have it then: a lock saves work, and nothing depends on it. */
    if (fd < 0 && errno == EEXIST && is_left_behind(at, file) && unlinkat(at, file, 0) == 0)
        fd = make_existence(at, file);
    *got = fd >= 0;
    if (fd < 0 && errno != EEXIST)
        st = hf__fail_os(err, errno, "cannot create the lock '%s'", path);
    if (fd < 0) {
        free(out->exists_path);
        out->exists_path = NULL;
    }
    out->fd = fd;
    return st;
}

/* Most locks are of blobs that were never here, so making it is tried first. */
static int open_lock(int at, const char *file, bool *made)
{
    int fd = openat(at, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    int why = errno;

    *made = fd >= 0;
    if (fd >= 0 || why == ENOENT) /* there is no such directory */
        return fd;
    fd = openat(at, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == EACCES) /* made by another user, whose umask was strict */
        fd = openat(at, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        errno = why; /* it cannot be made, or was there a moment ago */
    return fd;
}

static hf_status lock_try(int at, const char *file, const char *path, hf__os_lock *out, bool *got,
                          hf_error *err)
{
    *out = (hf__os_lock){ .fd = -1 };
    *got = false;
    for (int tries = 0; tries < 100; tries++) {
        struct stat st;
        bool made = false;
        int fd = open_lock(at, file, &made);

        if (fd < 0 && errno == EEXIST)
            continue; /* removed by another process since */
        if (fd < 0)
            return hf__fail_os(err, errno, "cannot open the lock '%s'", path);
        if (made || (fstat(fd, &st) == 0 && (st.st_mode & 07777) != LOCK_MODE))
            (void)!fchmod(fd, LOCK_MODE); /* another user's file keeps its mode */
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int why = errno;

            close(fd);
            if (why == EWOULDBLOCK || why == EINTR || why == EACCES)
                return HF_OK;
            if (why == ENOSYS || why == ENOTSUP) {
                /* The file just made would look like a held lock to the other scheme. */
                if (made)
                    unlinkat(at, file, 0);
                return try_existence(at, file, path, out, got, err);
            }
            return hf__fail_os(err, why, "cannot take the lock '%s'", path);
        }
        /* Some holders remove the file when they release it; then this lock is on a
         * nameless inode. */
        if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
            out->fd = fd;
            *got = true;
            return HF_OK;
        }
        close(fd);
    }
    return hf__fail(err, HF_ERR_IO, "the lock '%s' keeps being removed", path);
}

hf_status hf__os_lock_try(const char *path, hf__os_lock *out, bool *got, hf_error *err)
{
    return lock_try(AT_FDCWD, path, path, out, got, err);
}

hf_status hf__os_lock_try_at(const hf__os_dir *dir, const char *name, const char *path,
                             hf__os_lock *out, bool *got, hf_error *err)
{
    return lock_try(dir->fd, name, path, out, got, err);
}

void hf__os_lock_release(hf__os_lock *lock)
{
    if (lock->exists_path)
        unlink(lock->exists_path);
    free(lock->exists_path);
    lock->exists_path = NULL;
    if (lock->fd >= 0)
        (void)flock(lock->fd, LOCK_UN); /* not only by close: a child may hold a copy */
    hf__os_close(&lock->fd);
}
