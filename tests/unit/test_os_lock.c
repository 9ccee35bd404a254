/* SPDX-License-Identifier: Apache-2.0 */
#include "core/os.h"

#include "core/error.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

void test_os_lock__one_holder_at_a_time(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "l.lock");
    hf__os_lock a, b;
    bool got = false;

    (void)state;
    assert_int_equal(hf__os_lock_try(path, &a, &got, NULL), HF_OK);
    assert_true(got);
    assert_int_equal(hf__os_lock_try(path, &b, &got, NULL), HF_OK);
    assert_false(got);
    assert_int_equal(b.fd, -1);
    hf__os_lock_release(&b); /* one that is not held */
    hf__os_lock_release(&a);
    hf__os_lock_release(&a);
    assert_int_equal(hf__os_lock_try(path, &b, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&b);
    assert_true(unit_exists(path)); /* never removed: someone may be waiting on it */
    unit_dir_remove(&dir);
}

void test_os_lock__file_is_empty_and_open_to_the_group(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "l.lock");
    mode_t mask = umask(077);
    hf__os_stat st;
    hf__os_lock lock;
    bool got;

    (void)state;
    assert_int_equal(hf__os_lock_try(path, &lock, &got, NULL), HF_OK);
    hf__os_lock_release(&lock);
    assert_int_equal(hf__os_stat_path(path, &st, NULL), HF_OK);
    assert_int_equal(st.mode, 0664);
    assert_int_equal(st.size, 0);

    assert_int_equal(chmod(path, 0644), 0); /* as older clients made it */
    assert_int_equal(hf__os_lock_try(path, &lock, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&lock);
    assert_int_equal(hf__os_stat_path(path, &st, NULL), HF_OK);
    assert_int_equal(st.mode, 0664);
    umask(mask);
    unit_dir_remove(&dir);
}

void test_os_lock__is_what_flock_of_others_is(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "l.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    hf__os_lock lock;
    bool got;

    (void)state;
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(hf__os_lock_try(path, &lock, &got, NULL), HF_OK);
    assert_false(got);
    assert_int_equal(flock(fd, LOCK_UN), 0);
    assert_int_equal(hf__os_lock_try(path, &lock, &got, NULL), HF_OK);
    assert_true(got);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    hf__os_lock_release(&lock);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    unit_dir_remove(&dir);
}

void test_os_lock__release_binds_a_child_too(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "l.lock");
    hf__os_lock lock, again;
    int pipe_fds[2];
    bool got;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(hf__os_lock_try(path, &lock, &got, NULL), HF_OK);
    assert_true(got);
    child = fork();
    if (child == 0) { /* keeps its copy of the descriptor until the pipe is closed */
        char byte;

        close(pipe_fds[1]);
        (void)!read(pipe_fds[0], &byte, 1);
        _exit(0);
    }
    assert_true(child > 0);
    hf__os_lock_release(&lock);
    assert_int_equal(hf__os_lock_try(path, &again, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&again);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    unit_dir_remove(&dir);
}

void test_os_lock__a_removed_file_is_no_lock(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "l.lock");
    hf__os_lock first, second;
    bool got;

    (void)state;
    assert_int_equal(hf__os_lock_try(path, &first, &got, NULL), HF_OK);
    assert_true(got);
    assert_int_equal(unlink(path), 0); /* as some versions of the Python client do on release */
    assert_int_equal(hf__os_lock_try(path, &second, &got, NULL), HF_OK);
    assert_true(got); /* on a file of its own, under the name that others look at */
    assert_true(unit_exists(path));
    hf__os_lock_release(&second);
    hf__os_lock_release(&first);
    unit_dir_remove(&dir);
}

void test_os_lock__a_link_is_not_followed(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    hf__os_lock lock;
    bool got = true;

    (void)state;
    assert_int_equal(symlink("target", unit_path(&dir, "l.lock")), 0);
    assert_int_not_equal(hf__os_lock_try(unit_path(&dir, "l.lock"), &lock, &got, &err), HF_OK);
    assert_false(got);
    assert_int_equal(lock.fd, -1);
    assert_false(unit_exists(unit_path(&dir, "target")));
    assert_int_equal(hf__os_lock_try(unit_path(&dir, "none/l.lock"), &lock, &got, &err), HF_ERR_IO);
    unit_dir_remove(&dir);
}

/* Processes count up a number in a file, which is lost without a lock. */
static void count_up(const char *lock_path, const char *file, int times)
{
    int i;

    for (i = 0; i < times; i++) {
        hf__os_lock lock;
        bool got = false;
        char text[16] = "";
        int fd, n = 0;

        while (!got)
            if (hf__os_lock_try(lock_path, &lock, &got, NULL) != HF_OK)
                _exit(1);
        fd = open(file, O_RDWR | O_CREAT, 0600);
        if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
            _exit(2);
        while (text[n])
            n++;
        if (pwrite(fd, "xxxxxxxxxxxxxxxx", (size_t)n + 1, 0) != n + 1)
            _exit(3);
        if (n == 14)
            (void)!ftruncate(fd, 0);
        close(fd);
        if (i % 7 == 0)
            unlink(lock_path); /* the worst neighbour */
        hf__os_lock_release(&lock);
    }
}

void test_os_lock__excludes_processes_even_when_removed(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *lock_path = unit_path(&dir, "l.lock");
    const char *file = unit_path(&dir, "count");
    pid_t children[3];
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            count_up(lock_path, file, 151);
            _exit(0);
        }
        assert_true(children[i] > 0);
    }
    for (i = 0; i < 3; i++) {
        int status = -1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(strlen(unit_read(file)), 3 * 151 % 15); /* begins anew at 15 */
    unit_dir_remove(&dir);
}
