/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of blobs that repos share, as the Python client of today keeps it below the cache's root:
 * blobs/<2 hex>/<xet hash>, beside each a list of the repo blobs that link to it (".refs") and a lock
 * (".lock"). Nothing is ever put into it here. It is read, and what no repo links to any more is
 * removed by the rules of its owner: the list is a hint, every line is checked against the disk, and
 * where the list is missing or broken nothing is removed.
 */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_WAIT_MS 10000
#define MAX_MANIFEST ((size_t)16 * 1024 * 1024)

static bool is_prefix_dir(const char *name)
{
    return hf__str_is_hex(hf__str_from(name), 2);
}

static bool is_payload(int dir, const char *prefix, const char *name, struct stat *st)
{
    return hf__str_is_hex(hf__str_from(name), 64) && memcmp(name, prefix, 2) == 0 &&
           fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

bool hf__shared_is_store(int cache_fd)
{
    struct stat st;
    char text[4] = "";
    int fd = openat(cache_fd, "blobs/.huggingface-shared-blobs",
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool good;

    if (fd < 0)
        return false;
    good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read(fd, text, 3) == 2 &&
           memcmp(text, "1\n", 2) == 0;
    close(fd);
    return good && fstatat(cache_fd, "blobs", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* ---- what links to what */

bool hf__path_join_lexical(char out[HF__MAX_PATH], const char *dir, hf__str link)
{
    size_t len = 0;

    for (int pass = 0; pass < 2; pass++) {
        hf__str rest = pass ? link : hf__str_from(dir);

        if (pass == 0 && link.len && link.ptr[0] == '/')
            continue;
        while (rest.ptr) {
            hf__str part = hf__str_cut(rest, '/', &rest);

            if (part.len == 0 || hf__str_eq(part, HF__STR(".")))
                continue;
            if (hf__str_eq(part, HF__STR(".."))) {
                while (len && out[--len] != '/')
                    ;
                continue;
            }
            if (len + part.len + 2 > HF__MAX_PATH)
                return false;
            out[len++] = '/';
            memcpy(out + len, part.ptr, part.len);
            len += part.len;
        }
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return true;
}

bool hf__shared_target(const char *cache_dir, const char *repo_path, int blobs_fd, const char *name,
                       char hash[65])
{
    char link[HF__MAX_PATH];
    char dir[HF__MAX_PATH];
    char target[HF__MAX_PATH];
    size_t root = strcmp(cache_dir, "/") == 0 ? 0 : strlen(cache_dir);
    ssize_t len = readlinkat(blobs_fd, name, link, sizeof(link));

    if (len <= 0 || (size_t)len >= sizeof(link) ||
        snprintf(dir, sizeof(dir), "%s/blobs", repo_path) >= (int)sizeof(dir) ||
        !hf__path_join_lexical(target, dir, (hf__str){ link, (size_t)len }))
        return false;
    /* <root>/blobs/<2>/<64> */
    if (strlen(target) != root + 7 + 3 + 64 || strncmp(target, cache_dir, root) != 0 ||
        memcmp(target + root, "/blobs/", 7) != 0 || target[root + 9] != '/' ||
        !hf__str_is_hex((hf__str){ target + root + 10, 64 }, 64) ||
        memcmp(target + root + 7, target + root + 10, 2) != 0)
        return false;
    memcpy(hash, target + root + 10, 65);
    return true;
}

/* "models--a--b/blobs/<name>": is it a link to the payload? */
static bool refers(const char *cache_dir, int cache_fd, hf__str line, const char *hash,
                   bool *broken)
{
    static const char *const types[] = { "models--", "datasets--", "spaces--", "kernels--" };
    char repo_path[HF__MAX_PATH];
    char folder[512];
    char found[65];
    hf__str rest;
    hf__str repo = hf__str_cut(line, '/', &rest);
    hf__str blobs = hf__str_cut(rest, '/', &rest);
    bool known = false;
    struct stat st;
    char name[256];
    int fd;
    bool result;

    for (size_t i = 0; i < HF__COUNT(types); i++)
        known =
            known || (hf__str_starts(repo, hf__str_from(types[i])) && repo.len > strlen(types[i]));
    if (!known || !hf__str_eq(blobs, HF__STR("blobs")) || rest.len == 0 || rest.len > 255 ||
        memchr(rest.ptr, '/', rest.len) || hf__str_eq(rest, HF__STR("..")) ||
        snprintf(folder, sizeof(folder), "%.*s/blobs", (int)repo.len, repo.ptr) >=
            (int)sizeof(folder) ||
        snprintf(repo_path, sizeof(repo_path), "%s/%.*s", cache_dir, (int)repo.len, repo.ptr) >=
            (int)sizeof(repo_path))
        return false;
    memcpy(name, rest.ptr, rest.len);
    name[rest.len] = '\0';
    fd = openat(cache_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        *broken = *broken || (errno != ENOENT && errno != ENOTDIR);
        return false;
    }
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
        *broken = true;
    result = hf__shared_target(cache_dir, repo_path, fd, name, found) && strcmp(found, hash) == 0;
    close(fd);
    return result;
}

static bool holds_line(hf__str lines, hf__str line)
{
    while (lines.ptr && lines.len)
        if (hf__str_eq(hf__str_cut(lines, '\n', &lines), line))
            return true;
    return false;
}

/* Adds the lines of the list that hold, each once. False: there is no list that could be trusted,
 * and so nothing may be removed. */
static bool valid_references(const char *cache_dir, int cache_fd, int prefix_fd, const char *hash,
                             hf__buf *out)
{
    hf__os_dir dir = { prefix_fd };
    char name[80];
    hf__buf text;
    hf__str rest;
    bool found = false;
    bool broken;
    struct stat st;

    (void)snprintf(name, sizeof(name), "%s.refs", hash);
    hf__buf_init(&text, MAX_MANIFEST);
    broken = fstatat(prefix_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
             hf__cache_read_at(&dir, name, &text, &found, name, NULL) != HF_OK || !found;
    rest = hf__buf_str(&text);
    while (!broken && rest.ptr && rest.len) {
        hf__str line = hf__str_trim(hf__str_cut(rest, '\n', &rest));

        if (line.len && refers(cache_dir, cache_fd, line, hash, &broken) &&
            !holds_line(hf__buf_str(out), line)) {
            hf__buf_add_str(out, line);
            hf__buf_addc(out, '\n');
        }
    }
    broken = broken || out->status != HF_OK;
    hf__buf_dispose(&text);
    return !broken;
}

/* ---- looking */

static int open_prefix(int cache_fd, const char *hash)
{
    char path[16];

    (void)snprintf(path, sizeof(path), "blobs/%.2s", hash);
    return openat(cache_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool hf__shared_references(const char *cache_dir, int cache_fd, const char *hash, hf__buf *lines)
{
    int fd = open_prefix(cache_fd, hash);
    bool known = fd >= 0 && valid_references(cache_dir, cache_fd, fd, hash, lines);

    hf__os_close(&fd);
    return known;
}

uint64_t hf__shared_size(int cache_fd, const char *hash)
{
    int fd = open_prefix(cache_fd, hash);
    struct stat st;
    uint64_t size = fd >= 0 && is_payload(fd, hash, hash, &st) ? (uint64_t)st.st_size : 0;

    hf__os_close(&fd);
    return size;
}

static hf_status each_in_prefix(int cache_fd, const char *prefix, hf__shared_fn *fn, void *arg)
{
    int fd = open_prefix(cache_fd, prefix);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat st;
    hf_status result = HF_OK;

    if (!dir) {
        hf__os_close(&fd);
        return HF_OK;
    }
    while (result == HF_OK && (entry = readdir(dir)) != NULL)
        if (is_payload(dirfd(dir), prefix, entry->d_name, &st))
            result = fn(entry->d_name, (uint64_t)st.st_size, arg);
    closedir(dir);
    return result;
}

hf_status hf__shared_each(int cache_fd, hf__shared_fn *fn, void *arg)
{
    int fd = openat(cache_fd, "blobs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    hf_status result = HF_OK;

    if (!dir) {
        hf__os_close(&fd);
        return HF_OK;
    }
    while (result == HF_OK && (entry = readdir(dir)) != NULL)
        if (is_prefix_dir(entry->d_name))
            result = each_in_prefix(cache_fd, entry->d_name, fn, arg);
    closedir(dir);
    return result;
}

/* ---- removing */

/* The lock of one payload, in its owner's way: open to everybody who shares the cache. -1 when it
 * cannot be had within the time the Python client waits. */
static int take_lock(int prefix_fd, const char *hash)
{
    char name[80];
    struct stat st;
    int fd;

    (void)snprintf(name, sizeof(name), "%s.lock", hash);
    fd = openat(prefix_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -1;
    }
    if ((st.st_mode & 07777) != 0666)
        (void)!fchmod(fd, 0666);
    for (int waited = 0; waited <= LOCK_WAIT_MS; waited += 50) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if (errno != EWOULDBLOCK && errno != EINTR)
            break;
        hf__clock_sleep_ms(50);
    }
    close(fd);
    return -1;
}

static void rewrite_list(int prefix_fd, const char *hash, hf__str lines)
{
    char name[80];
    char temp[100];
    int fd;
    bool good;

    (void)snprintf(name, sizeof(name), "%s.refs", hash);
    (void)snprintf(temp, sizeof(temp), "%s.%08x.tmp", name,
                   (unsigned)(hf__random_u64() & 0xffffffffu));
    fd = openat(prefix_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    (void)!fchmod(fd, 0666);
    good = hf__os_pwrite(fd, lines.ptr, lines.len, 0, temp, NULL) == HF_OK && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (!good || renameat(prefix_fd, temp, prefix_fd, name) != 0)
        unlinkat(prefix_fd, temp, 0);
}

uint64_t hf__shared_sweep(const char *cache_dir, int cache_fd, const char *hash)
{
    char list[80];
    struct stat st;
    hf__buf lines;
    uint64_t freed = 0;
    int prefix_fd = open_prefix(cache_fd, hash);
    int lock = prefix_fd >= 0 ? take_lock(prefix_fd, hash) : -1;

    hf__buf_init(&lines, MAX_MANIFEST);
    if (lock >= 0 && hf__shared_is_store(cache_fd) &&
        valid_references(cache_dir, cache_fd, prefix_fd, hash, &lines)) {
        if (lines.len) {
            rewrite_list(prefix_fd, hash, hf__buf_str(&lines));
        } else if (is_payload(prefix_fd, hash, hash, &st) && unlinkat(prefix_fd, hash, 0) == 0) {
            freed = (uint64_t)st.st_size;
            (void)snprintf(list, sizeof(list), "%s.refs", hash);
            (void)unlinkat(prefix_fd, list, 0);
        }
    }
    hf__buf_dispose(&lines);
    if (lock >= 0)
        (void)flock(lock, LOCK_UN);
    hf__os_close(&lock);
    hf__os_close(&prefix_fd);
    return freed;
}
