/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bad machine, for LD_PRELOAD: disks that fill up, fail or cannot be written to, a clock that is
 * set, and a record of what reached the disk. What it does is said in the environment:
 *
 *   SPOIL_WRITE=TEXT:BYTES:ERRNO  writes to files whose path holds TEXT fail after so many bytes
 *   SPOIL_SYNC=TEXT:ERRNO         fdatasync and fsync of such files fail
 *   SPOIL_SYNC_TIMES=N            the first N of them; the system tells a failure once
 *   SPOIL_MAKE=TEXT:ERRNO         files and directories of such paths cannot be opened for writing,
 *                                 made, renamed or linked
 *   SPOIL_HOLES=TEXT:TEXT         zeros that are written to files whose path holds one of these are
 *                                 left as holes
 *   SPOIL_CLOCK=MS:SECONDS        so long after the start the time of day is so much later
 *   SPOIL_BOOT=FILE               is read instead of the machine's boot id
 *   SPOIL_HOST=NAME               this is another machine, and locks of files do not reach the others
 *   SPOIL_LOG=FILE                writes and syncs of parts, one line each: "w INODE OFFSET LENGTH"
 *                                 before and after a write, "b INODE THREAD" before a sync, "s INODE
 *                                 THREAD" after
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct rule {
    char text[128];
    long long bytes;
    int error; /* 0: no rule */
} rule;

static rule write_rule, sync_rule, make_rule;
static atomic_int syncs_left;
static atomic_llong written;
static int log_fd = -1;
static const char *boot_path;
static const char *host;
static char *holes[2]; /* NULL: no such rule */
static long long clock_ms, clock_jump;
static struct timespec began;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static FILE *(*real_fopen)(const char *, const char *);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_flock)(int, int);
static int (*real_fcntl)(int, int, ...);
static int (*real_gethostname)(char *, size_t);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_mkdirat)(int, const char *, mode_t);
static int (*real_rename)(const char *, const char *);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_symlinkat)(const char *, int, const char *);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static time_t (*real_time)(time_t *);

static void read_rule(const char *name, rule *out, bool has_bytes)
{
    char *text = getenv(name);
    char *colon = text ? strchr(text, ':') : NULL;

    if (!colon)
        return;
    snprintf(out->text, sizeof out->text, "%.*s", (int)(colon - text), text);
    if (has_bytes) {
        out->bytes = strtoll(colon + 1, &colon, 10);
        if (*colon != ':')
            return;
    }
    out->error = (int)strtol(colon + 1, NULL, 10);
}

/* ISO C has no conversion from dlsym's result to a function, so it is done on the bytes. */
static void find(void *out, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(out, &found, sizeof found);
}

/* Before the first use: libraries of a program open files and ask for the time when they are loaded,
 * which may be before this one is. */
static void start(void)
{
    char *clock_text = getenv("SPOIL_CLOCK");
    char *log_path = getenv("SPOIL_LOG");

    find(&real_open, "open64");
    find(&real_openat, "openat64");
    find(&real_fopen, "fopen64");
    find(&real_pwrite, "pwrite64");
    find(&real_fdatasync, "fdatasync");
    find(&real_fsync, "fsync");
    find(&real_flock, "flock");
    find(&real_fcntl, "fcntl64");
    find(&real_gethostname, "gethostname");
    find(&real_mkdir, "mkdir");
    find(&real_mkdirat, "mkdirat");
    find(&real_rename, "rename");
    find(&real_renameat, "renameat");
    find(&real_symlinkat, "symlinkat");
    find(&real_clock_gettime, "clock_gettime");
    find(&real_time, "time");
    real_clock_gettime(CLOCK_MONOTONIC, &began);
    read_rule("SPOIL_WRITE", &write_rule, true);
    read_rule("SPOIL_SYNC", &sync_rule, false);
    atomic_store(&syncs_left,
                 getenv("SPOIL_SYNC_TIMES") ? atoi(getenv("SPOIL_SYNC_TIMES")) : INT_MAX);
    read_rule("SPOIL_MAKE", &make_rule, false);
    boot_path = getenv("SPOIL_BOOT");
    host = getenv("SPOIL_HOST");
    holes[0] = getenv("SPOIL_HOLES");
    holes[1] = holes[0] ? strchr(holes[0], ':') : NULL;
    if (holes[1])
        *holes[1]++ = '\0';
    if (clock_text) {
        clock_ms = strtoll(clock_text, &clock_text, 10);
        clock_jump = strtoll(clock_text + (*clock_text == ':'), NULL, 10);
    }
    if (log_path)
        log_fd = real_open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void ready(void)
{
    if (!real_time) /* the last to be found */
        start();
}

/* ---- which file */

static bool fd_has(int fd, const char *text)
{
    char link[40];
    char path[PATH_MAX];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    return strstr(path, text) != NULL;
}

static bool may_not_make(int dir, const char *path)
{
    if (!make_rule.error || (!strstr(path, make_rule.text) &&
                             (path[0] == '/' || dir < 0 || !fd_has(dir, make_rule.text))))
        return false;
    errno = make_rule.error;
    return true;
}

static void note(char what, int fd, long long offset, size_t len)
{
    struct stat st;
    char line[100];
    int n;

    if (log_fd < 0 || !fd_has(fd, "hfpart") || fstat(fd, &st) != 0)
        return;
    n = what == 'w' ? snprintf(line, sizeof line, "w %llu %lld %zu\n",
                               (unsigned long long)st.st_ino, offset, len)
                    : snprintf(line, sizeof line, "%c %llu %ld\n", what,
                               (unsigned long long)st.st_ino, (long)gettid());
    if (write(log_fd, line, (size_t)n) != n)
        abort();
}

/* Zeros over what was not written yet, or was written with the same: a second sender of a part sends
 * the bytes of the first. */
static bool leave_hole(int fd, const char *bytes, size_t len, off_t offset)
{
    struct stat st;

    if (!holes[1] || len == 0 || bytes[0] || memcmp(bytes, bytes + 1, len - 1) != 0 ||
        !(fd_has(fd, holes[0]) || fd_has(fd, holes[1])) || fstat(fd, &st) != 0)
        return false;
    return st.st_size >= offset + (off_t)len || ftruncate(fd, offset + (off_t)len) == 0;
}

/* ---- what is replaced */

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
    ssize_t n;

    if (write_rule.error && fd_has(fd, write_rule.text) &&
        atomic_fetch_add(&written, (long long)len) + (long long)len > write_rule.bytes) {
        errno = write_rule.error;
        return -1;
    }
    if (leave_hole(fd, bytes, len, offset))
        return (ssize_t)len;
    note('w', fd, offset, len);
    n = real_pwrite(fd, bytes, len, offset);
    note('w', fd, offset, len);
    return n;
}

static int sync_with(int (*real)(int), int fd)
{
    int got;

    if (sync_rule.error && fd_has(fd, sync_rule.text) && atomic_fetch_sub(&syncs_left, 1) > 0) {
        errno = sync_rule.error;
        return -1;
    }
    note('b', fd, 0, 0);
    got = real(fd);
    if (got == 0)
        note('s', fd, 0, 0);
    return got;
}

int fdatasync(int fd)
{
    return sync_with(real_fdatasync, fd);
}

int fsync(int fd)
{
    return sync_with(real_fsync, fd);
}

static const char *other_boot(const char *path)
{
    return boot_path && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ? boot_path : path;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode = 0;

    ready();
    va_start(rest, flags);
    if (flags & O_CREAT)
        mode = va_arg(rest, mode_t);
    va_end(rest);
    if ((flags & O_ACCMODE) != O_RDONLY && may_not_make(-1, path))
        return -1;
    return real_open(other_boot(path), flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode = 0;

    ready();
    va_start(rest, flags);
    if (flags & O_CREAT)
        mode = va_arg(rest, mode_t);
    va_end(rest);
    if ((flags & O_ACCMODE) != O_RDONLY && may_not_make(dir, path))
        return -1;
    return real_openat(dir, other_boot(path), flags, mode);
}

FILE *fopen64(const char *path, const char *how)
{
    ready();
    return real_fopen(other_boot(path), how);
}

int mkdir(const char *path, mode_t mode)
{
    return may_not_make(-1, path) ? -1 : real_mkdir(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    return may_not_make(dir, path) ? -1 : real_mkdirat(dir, path, mode);
}

int rename(const char *from, const char *to)
{
    return may_not_make(-1, to) ? -1 : real_rename(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return may_not_make(to_dir, to) ? -1 : real_renameat(from_dir, from, to_dir, to);
}

int symlinkat(const char *target, int dir, const char *path)
{
    return may_not_make(dir, path) ? -1 : real_symlinkat(target, dir, path);
}

int flock(int fd, int what)
{
    return host ? 0 : real_flock(fd, what);
}

int fcntl64(int fd, int what, ...)
{
    va_list rest;
    void *arg;

    va_start(rest, what);
    arg = va_arg(rest, void *); /* an int or a pointer, as the kernel takes either */
    va_end(rest);
    if (host && what == F_OFD_GETLK)
        ((struct flock *)arg)->l_type = F_UNLCK;
    return host && (what == F_OFD_SETLK || what == F_OFD_GETLK) ? 0 : real_fcntl(fd, what, arg);
}

int gethostname(char *name, size_t size)
{
    return host ? (snprintf(name, size, "%s", host), 0) : real_gethostname(name, size);
}

static long long jump(void)
{
    struct timespec now;

    if (!clock_jump)
        return 0;
    real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000 >= clock_ms
               ? clock_jump
               : 0;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int got;

    ready();
    got = real_clock_gettime(id, out);
    if (got == 0 && id == CLOCK_REALTIME)
        out->tv_sec += (time_t)jump();
    return got;
}

time_t time(time_t *out)
{
    time_t now;

    ready();
    now = real_time(NULL) + (time_t)jump();
    if (out)
        *out = now;
    return now;
}
