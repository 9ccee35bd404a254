/* SPDX-License-Identifier: Apache-2.0 */
/* The blob lock on filesystems that know no flock(2), or pretend to: this program has a flock of its own. */
#include "cache/cache.h"

#include "core/error.h"

#include "cache_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int flock_fails_with; /* 0: as it is; -1: succeeds for everybody */

int flock(int fd, int operation)
{
    if (flock_fails_with < 0)
        return 0;
    if (flock_fails_with) {
        errno = flock_fails_with;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

typedef struct lock_box {
    unit_dir dir;
    hf__cache *cache;
    hf__cache_repo *one;
    hf__cache_repo *two; /* another process would have its own */
} lock_box;

static lock_box lock_open(void)
{
    lock_box b = { unit_dir_make(), NULL, NULL, NULL };

    assert_int_equal(hf__cache_open(unit_path(&b.dir, "hub"), false, NULL, &b.cache, NULL), HF_OK);
    assert_int_equal(hf__cache_repo_open(b.cache, HF_REPO_MODEL, "tiny/model", &b.one, NULL),
                     HF_OK);
    assert_int_equal(hf__cache_repo_open(b.cache, HF_REPO_MODEL, "tiny/model", &b.two, NULL),
                     HF_OK);
    assert_int_equal(hf__cache_prepare(b.one, NULL), HF_OK);
    return b;
}

static void lock_close(lock_box *b)
{
    hf__cache_repo_close(b->one);
    hf__cache_repo_close(b->two);
    hf__cache_close(b->cache);
    unit_dir_remove(&b->dir);
}

#define LOCK "hub/.locks/" TINY "/etag.lock"

void test_cache_lock__one_holder(void **state)
{
    lock_box b = lock_open();
    hf__os_lock one, two;
    bool got = false;

    (void)state;
    assert_int_equal(hf__cache_blob_lock(b.one, "etag", &one, &got, NULL), HF_OK);
    assert_true(got);
    assert_true(unit_exists(unit_path(&b.dir, LOCK)));
    assert_int_equal(hf__cache_blob_lock(b.two, "etag", &two, &got, NULL), HF_OK);
    assert_false(got);
    assert_int_equal(hf__cache_blob_lock(b.two, "other", &two, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&two);
    hf__os_lock_release(&one);
    assert_int_equal(hf__cache_blob_lock(b.two, "etag", &two, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&two);
    assert_true(unit_exists(unit_path(&b.dir, LOCK)));
    lock_close(&b);
}

/* Then the file's existence is the lock, as for the Python client. */
void test_cache_lock__without_flock(void **state)
{
    static const int reasons[] = { ENOSYS, ENOTSUP };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(reasons); i++) {
        lock_box b = lock_open();
        hf__os_lock one, two;
        bool got = false;

        flock_fails_with = reasons[i];
        assert_int_equal(hf__cache_blob_lock(b.one, "etag", &one, &got, NULL), HF_OK);
        assert_true(got);
        assert_true(unit_exists(unit_path(&b.dir, LOCK)));
        assert_int_equal(hf__cache_blob_lock(b.two, "etag", &two, &got, NULL), HF_OK);
        assert_false(got);
        hf__os_lock_release(&one);
        assert_false(unit_exists(unit_path(&b.dir, LOCK)));
        assert_int_equal(hf__cache_blob_lock(b.two, "etag", &two, &got, NULL), HF_OK);
        assert_true(got);
        hf__os_lock_release(&two);
        flock_fails_with = 0;
        lock_close(&b);
    }
}

/* Whoever was killed has it no longer; but of another machine's process nothing is known here. */
void test_cache_lock__without_flock_and_left_behind(void **state)
{
    lock_box b = lock_open();
    hf__os_lock lock;
    bool got = false;
    int status = -1;
    pid_t child;
    int fd;

    (void)state;
    flock_fails_with = ENOSYS;
    child = fork();
    if (child == 0)
        _exit(hf__cache_blob_lock(b.one, "etag", &lock, &got, NULL) == HF_OK && got ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(unit_exists(unit_path(&b.dir, LOCK)));
    assert_int_equal(hf__cache_blob_lock(b.two, "etag", &lock, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&lock);

    fd = open(unit_path(&b.dir, LOCK), O_WRONLY | O_CREAT, 0664);
    assert_true(dprintf(fd, "%ld\nanother.machine\n", (long)child) > 0);
    close(fd);
    assert_int_equal(hf__cache_blob_lock(b.two, "etag", &lock, &got, NULL), HF_OK);
    assert_false(got);
    flock_fails_with = 0;
    lock_close(&b);
}

void test_cache_lock__flock_that_fails_otherwise(void **state)
{
    lock_box b = lock_open();
    hf_error err = HF_ERROR_INIT;
    hf__os_lock one;
    bool got = true;

    (void)state;
    flock_fails_with = ENOLCK;
    assert_int_equal(hf__cache_blob_lock(b.one, "etag", &one, &got, &err), HF_ERR_IO);
    assert_false(got);
    assert_non_null(strstr(err.message, "cannot take the lock"));
    flock_fails_with = EACCES; /* how some filesystems say "held by another" */
    assert_int_equal(hf__cache_blob_lock(b.one, "etag", &one, &got, &err), HF_OK);
    assert_false(got);
    flock_fails_with = 0;
    lock_close(&b);
}

/* Where the lock excludes nobody, two fetch the same blob: twice the work, and no harm. */
void test_cache_lock__a_lock_that_lies(void **state)
{
    lock_box b = lock_open();
    const tiny_file *file = &tiny_files[0];
    hf__cache_part *parts[2] = { NULL, NULL };
    hf__cache_repo *repos[2];
    hf__os_lock locks[2];
    bool got = false;

    (void)state;
    flock_fails_with = -1;
    repos[0] = b.one;
    repos[1] = b.two;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hf__cache_blob_lock(repos[i], file->etag, &locks[i], &got, NULL), HF_OK);
        assert_true(got);
        assert_int_equal(hf__cache_blob_begin(repos[i], file->etag, 7, &parts[i], NULL), HF_OK);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(hf__cache_part_fd(parts[i]), file->content, 7), 7);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hf__cache_part_commit(parts[i], file->etag, file->etag, 7, NULL), HF_OK);
        assert_int_equal(
            hf__cache_pointer_make(repos[i], COMMIT_A, file->path, file->etag, true, NULL), HF_OK);
        hf__os_lock_release(&locks[i]);
    }
    flock_fails_with = 0;
    assert_string_equal(
        unit_read(unit_path(&b.dir, "hub/" TINY "/snapshots/" COMMIT_A "/README.md")),
        file->content);
    assert_int_equal(fixture_count(unit_path(&b.dir, "hub/" TINY "/blobs")), 1);
    lock_close(&b);
}

/* A lock file of another user, made by a client that kept it to itself (0644), can be waited for. */
void test_cache_lock__of_another_user(void **state)
{
    lock_box b = lock_open();
    hf__os_lock one;
    bool got = false;
    int fd;

    (void)state;
    if (geteuid() != 0) {
        lock_close(&b);
        skip();
    }
    fd = open(unit_path(&b.dir, LOCK), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(chmod(b.dir.path, 0755), 0);
    assert_int_equal(chmod(unit_path(&b.dir, "hub/.locks/" TINY), 0777), 0);
    assert_int_equal(seteuid(65534), 0);
    assert_int_equal(hf__cache_blob_lock(b.one, "etag", &one, &got, NULL), HF_OK);
    assert_true(got);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    hf__os_lock_release(&one);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(hf__cache_blob_lock(b.one, "etag", &one, &got, NULL), HF_OK);
    assert_false(got);
    assert_int_equal(seteuid(0), 0);
    close(fd);
    lock_close(&b);
}
