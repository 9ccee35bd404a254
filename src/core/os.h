/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operating system: files, directories, locks. Everything retries EINTR, sets O_CLOEXEC, and
 * reports what it was doing to which path. Sizes are uint64_t.
 *
 * Directories that others may write to (a cache, a --local-dir) are walked one component at a time
 * without following symbolic links: see hf__os_dir_at.
 */
#ifndef HF_CORE_OS_H
#define HF_CORE_OS_H

#include "core/buf.h"

typedef enum hf__os_type {
    HF__OS_ABSENT = 0,
    HF__OS_FILE,
    HF__OS_DIR,
    HF__OS_LINK, /* only from lstat */
    HF__OS_OTHER
} hf__os_type;

typedef struct hf__os_stat {
    hf__os_type type;
    uint64_t size;
    double mtime; /* seconds since 1970 */
    double atime;
    uint64_t dev;
    uint64_t ino;
    uint64_t n_links;
    uint32_t mode;
    uint32_t uid;
    int64_t mtime_ns; /* since 1970 */
    int64_t ctime_ns;
} hf__os_stat;

/* A path that does not exist is HF_OK with HF__OS_ABSENT. */
hf_status hf__os_stat_path(const char *path, hf__os_stat *out, hf_error *err);  /* follows links */
hf_status hf__os_lstat_path(const char *path, hf__os_stat *out, hf_error *err); /* does not */

/* Whole file into buf (its max is the limit: HF_ERR_LIMIT). *found false when there is none. */
hf_status hf__os_read_file(const char *path, hf__buf *out, bool *found, hf_error *err);
/* Temporary name beside path, write, rename over path. mode is what open(2) gets
 * (umask applies). */
hf_status hf__os_write_file_atomic(const char *path, hf__str content, uint32_t mode, hf_error *err);

hf_status hf__os_mkdirs(const char *path, uint32_t mode,
                        hf_error *err); /* follows links; existing is fine */
/* Absolute and without links, like Python's Path.resolve(): what is missing stays as it is called.
 * Adds to out. */
hf_status hf__os_realpath(const char *path, hf__buf *out, hf_error *err);
hf_status hf__os_rename(const char *from, const char *to, hf_error *err);
hf_status hf__os_unlink(const char *path, hf_error *err); /* absent is fine */
hf_status hf__os_free_space(const char *path, uint64_t *out,
                            hf_error *err); /* of the nearest existing ancestor */

/* A directory handle below which names are resolved without following any link (house rule 11).
 * root itself may be a link. */
typedef struct hf__os_dir {
    int fd;
} hf__os_dir;

hf_status hf__os_dir_open(const char *root, hf__os_dir *out, hf_error *err);
void hf__os_dir_close(hf__os_dir *dir);
/* Opens directory `rel` ("a/b", "" is root) below dir, making missing ones with `make_mode` unless
 * that is 0. HF_ERR_UNSAFE_PATH when a component is a link or no directory. *found false when
 * absent and not made. */
hf_status hf__os_dir_at(const hf__os_dir *dir, const char *rel, uint32_t make_mode, hf__os_dir *out,
                        bool *found, hf_error *err);

typedef struct hf__os_iter hf__os_iter;
hf_status hf__os_iter_open(const char *path, hf__os_iter **out,
                           hf_error *err); /* *out NULL when absent */
/* Next name but "." and "..", with its lstat type; NULL name at the end. */
hf_status hf__os_iter_next(hf__os_iter *iter, const char **name, hf__os_type *type, hf_error *err);
void hf__os_iter_close(hf__os_iter *iter);

/* flock(2) on a file that is made when absent (cache.md 9.1). *got false when someone else
 * has it. */
typedef struct hf__os_lock {
    int fd;            /* -1: not held */
    char *exists_path; /* the fallback without flock: a file that is unlinked on release */
} hf__os_lock;

hf_status hf__os_lock_try(const char *path, hf__os_lock *out, bool *got, hf_error *err);
/* The same by its name in an open directory, so that no link on the way can lead elsewhere. path is
 * the whole of it. */
hf_status hf__os_lock_try_at(const hf__os_dir *dir, const char *name, const char *path,
                             hf__os_lock *out, bool *got, hf_error *err);
void hf__os_lock_release(hf__os_lock *lock); /* a lock that is not held is fine */

/* Writes all of it at the offset. */
hf_status hf__os_pwrite(int fd, const void *bytes, size_t len, uint64_t offset, const char *path,
                        hf_error *err);
/* Waits until the data of the file is on disk, where the filesystem can. After a failure nothing that
 * was written since the last success is to be believed: the system tells it once, and then goes on as
 * if all were well. */
hf_status hf__os_sync_data(int fd, const char *path, hf_error *err);
/* Up to len bytes; *got 0 at the end. */
hf_status hf__os_pread(int fd, void *bytes, size_t len, uint64_t offset, size_t *got,
                       const char *path, hf_error *err);
/* Bytes of a file to a socket that does not wait, not through memory of ours. *sent 0: the file ends
 * here, or *full: the socket takes none now. HF_ERR_UNSUPPORTED: this system cannot, or not of this
 * file. Where the other side is gone SIGPIPE comes, too: for threads that have it blocked. */
hf_status hf__os_send_file(int to_socket, int fd, uint64_t offset, size_t len, size_t *sent,
                           bool *full, hf_error *err);
void hf__os_close(int *fd); /* closes and sets to -1 */
/* Of a pipe or terminal: up to len bytes; *got 0 at the end. */
hf_status hf__os_read(int fd, void *bytes, size_t len, size_t *got, const char *what,
                      hf_error *err);
/* All of it. */
hf_status hf__os_write(int fd, const void *bytes, size_t len, const char *what, hf_error *err);
/* Opens a regular file for reading; anything else is HF_ERR_UNSUPPORTED. out may be NULL. */
hf_status hf__os_open_file(const char *path, int *fd, hf__os_stat *out, hf_error *err);
hf_status hf__os_stat_fd(int fd, const char *path, hf__os_stat *out, hf_error *err);

/* Does path lead, links followed, to a regular file inside root (resolved, no '/' at its end)? What the kernel says of
 * the opened file decides, so that no link changed in between can fool it. size may be NULL. */
hf_status hf__os_file_inside(const char *root, const char *path, bool *found, uint64_t *size,
                             hf_error *err);

/* Claims an open file for as long as it stays open. False when another open of it has the claim, in
 * this process or another. Two kinds of lock are taken, since on some filesystems one of them is
 * given to everybody. */
bool hf__os_claim(int fd);
/* Has another open of it the claim? Takes no lock; false when that cannot be told so. */
bool hf__os_see_claim(int fd, bool *claimed);
/* Not by closing alone: a child that was forked may hold a copy. */
void hf__os_unclaim(int fd);

/* Sets room for a file of this size aside. False only when the disk certainly lacks it. */
bool hf__os_reserve(int fd, uint64_t size);
/* Bytes before the first hole of a file of this size; all, where the system cannot tell. */
uint64_t hf__os_written_front(int fd, uint64_t size);
/* Begins to write the file's data to disk, where the system has a way; does not wait. */
void hf__os_write_out(int fd);

unsigned hf__os_cpus(void);

/* What this process and its fellows may take of memory, by its control group; UINT64_MAX: no limit
 * is told. */
uint64_t hf__os_memory_limit(void);

/* Names of this machine and of the time since it was started, as 16 hex digits; all zero when there
 * is none. Two machines have the same name only when they were cloned with host name and all. */
typedef struct hf__os_id {
    char text[17];
} hf__os_id;

void hf__os_host_id(hf__os_id *out);
void hf__os_boot_id(hf__os_id *out);

#endif
