/* SPDX-License-Identifier: Apache-2.0 */
#include "core/os.h"

#include "core/error.h"
#include "core/limits.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

/* Permissions bind no superuser, so a test of them takes off that hat. */
static bool become_nobody(void)
{
    return geteuid() != 0 || seteuid(65534) == 0;
}

static void become_oneself(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

/* ---- stat */

void test_os__stat_tells_what_is_there(void **state)
{
    unit_dir dir = unit_dir_make();
    hf__os_stat st;

    (void)state;
    unit_write(unit_path(&dir, "file"), "12345", 5);
    assert_int_equal(symlink("file", unit_path(&dir, "link")), 0);
    assert_int_equal(symlink("nowhere", unit_path(&dir, "dangling")), 0);
    assert_int_equal(link(unit_path(&dir, "file"), unit_path(&dir, "second")), 0);

    assert_int_equal(hf__os_stat_path(unit_path(&dir, "file"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_FILE);
    assert_int_equal(st.size, 5);
    assert_int_equal(st.n_links, 2);
    assert_true(st.mtime > 1.0e9);
    assert_int_equal(st.uid, geteuid());

    assert_int_equal(hf__os_stat_path(dir.path, &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_DIR);
    assert_int_equal(st.mode, 0700);

    assert_int_equal(hf__os_stat_path(unit_path(&dir, "link"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_FILE);
    assert_int_equal(hf__os_lstat_path(unit_path(&dir, "link"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_LINK);

    assert_int_equal(hf__os_stat_path(unit_path(&dir, "dangling"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_ABSENT);
    assert_int_equal(hf__os_lstat_path(unit_path(&dir, "dangling"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_LINK);

    assert_int_equal(hf__os_stat_path(unit_path(&dir, "none"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_ABSENT);
    assert_int_equal(st.size, 0);
    assert_int_equal(hf__os_stat_path(unit_path(&dir, "file/below"), &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_ABSENT);
    assert_int_equal(hf__os_stat_path("/dev/null", &st, NULL), HF_OK);
    assert_int_equal(st.type, HF__OS_OTHER);
    unit_dir_remove(&dir);
}

/* ---- whole files */

void test_os__read_file_up_to_the_limit(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "file");
    hf_error err = HF_ERROR_INIT;
    bool found = false;
    hf__buf buf;

    (void)state;
    unit_write(path, "12345", 5);
    hf__buf_init(&buf, 5);
    assert_int_equal(hf__os_read_file(path, &buf, &found, &err), HF_OK);
    assert_true(found);
    assert_string_equal(hf__buf_cstr(&buf), "12345");
    hf__buf_dispose(&buf);

    hf__buf_init(&buf, 4);
    assert_int_equal(hf__os_read_file(path, &buf, &found, &err), HF_ERR_LIMIT);
    assert_false(found);
    assert_non_null(strstr(err.message, "larger than 4 bytes"));
    hf__buf_dispose(&buf);

    unit_write(path, "", 0);
    hf__buf_init(&buf, 4);
    assert_int_equal(hf__os_read_file(path, &buf, &found, &err), HF_OK);
    assert_true(found);
    assert_int_equal(buf.len, 0);
    assert_int_equal(hf__os_read_file(unit_path(&dir, "none"), &buf, &found, &err), HF_OK);
    assert_false(found);
    assert_int_equal(hf__os_read_file(unit_path(&dir, "file/x"), &buf, &found, &err), HF_OK);
    assert_false(found);
    assert_int_equal(hf__os_read_file(dir.path, &buf, &found, &err), HF_ERR_IO);
    assert_int_equal(err.os_errno, EISDIR);
    assert_false(found);
    hf__buf_dispose(&buf);
    unit_dir_remove(&dir);
}

void test_os__read_file_of_many_blocks(void **state)
{
    unit_dir dir = unit_dir_make();
    const size_t size = 300001;
    char *bytes = malloc(size);
    bool found;
    hf__buf buf;
    size_t i;

    (void)state;
    assert_non_null(bytes);
    for (i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 >> 3);
    unit_write(unit_path(&dir, "big"), bytes, size);
    hf__buf_init(&buf, HF__MAX_SMALL_FILE);
    assert_int_equal(hf__os_read_file(unit_path(&dir, "big"), &buf, &found, NULL), HF_OK);
    assert_int_equal(buf.len, size);
    assert_memory_equal(buf.ptr, bytes, size);
    hf__buf_dispose(&buf);
    free(bytes);
    unit_dir_remove(&dir);
}

void test_os__read_file_does_not_hang_on_a_pipe(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    bool found = true;
    hf__buf buf;

    (void)state;
    assert_int_equal(mkfifo(unit_path(&dir, "pipe"), 0600), 0);
    hf__buf_init(&buf, 100);
    alarm(20);
    assert_int_equal(hf__os_read_file(unit_path(&dir, "pipe"), &buf, &found, &err), HF_ERR_IO);
    alarm(0);
    assert_false(found);
    hf__buf_dispose(&buf);
    unit_dir_remove(&dir);
}

static int count_entries(const unit_dir *dir)
{
    hf__os_iter *iter;
    const char *name;
    hf__os_type type;
    int n = 0;

    assert_int_equal(hf__os_iter_open(dir->path, &iter, NULL), HF_OK);
    while (hf__os_iter_next(iter, &name, &type, NULL) == HF_OK && name)
        n++;
    hf__os_iter_close(iter);
    return n;
}

void test_os__write_file_atomic_leaves_nothing_else(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "file");
    mode_t mask = umask(027);
    hf__os_stat st;

    (void)state;
    assert_int_equal(hf__os_write_file_atomic(path, HF__STR("one"), 0666, NULL), HF_OK);
    assert_string_equal(unit_read(path), "one");
    assert_int_equal(hf__os_stat_path(path, &st, NULL), HF_OK);
    assert_int_equal(st.mode, 0640);
    assert_int_equal(hf__os_write_file_atomic(path, HF__STR("second"), 0600, NULL), HF_OK);
    assert_string_equal(unit_read(path), "second");
    assert_int_equal(hf__os_write_file_atomic(path, (hf__str){ NULL, 0 }, 0600, NULL), HF_OK);
    assert_string_equal(unit_read(path), "");
    assert_int_equal(count_entries(&dir), 1);
    umask(mask);
    unit_dir_remove(&dir);
}

void test_os__write_file_atomic_fails_whole(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;

    (void)state;
    assert_int_equal(mkdir(unit_path(&dir, "taken"), 0700), 0);
    unit_write(unit_path(&dir, "taken/x"), "", 0);
    /* The rename fails: the temporary must not stay. */
    assert_int_equal(hf__os_write_file_atomic(unit_path(&dir, "taken"), HF__STR("x"), 0600, &err),
                     HF_ERR_IO);
    assert_int_equal(count_entries(&dir), 1);
    assert_int_equal(
        hf__os_write_file_atomic(unit_path(&dir, "none/file"), HF__STR("x"), 0600, &err),
        HF_ERR_IO);
    assert_int_equal(err.os_errno, ENOENT);
    unit_dir_remove(&dir);
}

void test_os__full_disk_is_told_as_such(void **state)
{
    hf_error err = HF_ERROR_INIT;
    int fd = open("/dev/full", O_WRONLY);

    (void)state;
    if (fd < 0) /* a system without it cannot run the case */
        skip();
    assert_int_equal(hf__os_pwrite(fd, "x", 1, 0, "/dev/full", &err), HF_ERR_DISK_FULL);
    assert_non_null(strstr(err.message, "/dev/full"));
    hf__os_close(&fd);
    assert_int_equal(fd, -1);
    hf__os_close(&fd);
}

void test_os__permission_is_told_as_such(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    const char *closed = unit_path(&dir, "closed");
    hf__buf buf;
    bool found;

    (void)state;
    assert_int_equal(chmod(dir.path, 0755), 0);
    assert_int_equal(mkdir(closed, 0555), 0);
    unit_write(unit_path(&dir, "secret"), "x", 1);
    assert_int_equal(chmod(unit_path(&dir, "secret"), 0), 0);
    if (!become_nobody())
        fail();
    hf__buf_init(&buf, 10);
    assert_int_equal(hf__os_read_file(unit_path(&dir, "secret"), &buf, &found, &err),
                     HF_ERR_PERMISSION);
    assert_int_equal(
        hf__os_write_file_atomic(unit_path(&dir, "closed/f"), HF__STR("x"), 0600, &err),
        HF_ERR_PERMISSION);
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "closed/a/b"), 0777, &err), HF_ERR_PERMISSION);
    assert_non_null(strstr(err.message, "closed/a'"));
    become_oneself();
    hf__buf_dispose(&buf);
    unit_dir_remove(&dir);
}

void test_os__pwrite_and_pread_at_offsets(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "f");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    const uint64_t far = UINT64_C(5) << 30; /* past 32 bits; the file is sparse */
    char bytes[4] = "";
    size_t got = 77;

    (void)state;
    assert_int_equal(hf__os_pwrite(fd, "abcd", 4, far, path, NULL), HF_OK);
    assert_int_equal(hf__os_pwrite(fd, NULL, 0, 0, path, NULL), HF_OK);
    assert_int_equal(hf__os_pread(fd, bytes, 4, far + 1, &got, path, NULL), HF_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(bytes, "bcd", 3);
    assert_int_equal(hf__os_pread(fd, bytes, 4, far + 4, &got, path, NULL), HF_OK);
    assert_int_equal(got, 0);
    assert_int_equal(hf__os_pread(fd, bytes, 4, UINT64_MAX, &got, path, NULL), HF_ERR_IO);
    hf__os_close(&fd);
    unit_dir_remove(&dir);
}

/* ---- names */

void test_os__mkdirs(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    char cwd[UNIT_PATH_MAX];

    (void)state;
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "a/b//c/"), 0700, NULL), HF_OK);
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "a/b/c"), 0700, NULL), HF_OK);
    assert_true(unit_exists(unit_path(&dir, "a/b/c")));
    assert_int_equal(symlink("a", unit_path(&dir, "link")), 0);
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "link/d"), 0700, NULL), HF_OK);
    assert_true(unit_exists(unit_path(&dir, "a/d")));
    assert_int_equal(hf__os_mkdirs("/", 0700, NULL), HF_OK);

    unit_write(unit_path(&dir, "file"), "", 0);
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "file"), 0700, &err), HF_ERR_IO);
    assert_int_equal(err.os_errno, EEXIST);
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "file/x/y"), 0700, &err), HF_ERR_IO);
    assert_non_null(strstr(err.message, "file'"));

    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(dir.path), 0);
    assert_int_equal(hf__os_mkdirs("rel/x", 0700, NULL), HF_OK);
    assert_int_equal(chdir(cwd), 0);
    assert_true(unit_exists(unit_path(&dir, "rel/x")));
    unit_dir_remove(&dir);
}

static void *make_same_dirs(void *arg)
{
    return hf__os_mkdirs(arg, 0700, NULL) == HF_OK ? NULL : arg;
}

void test_os__mkdirs_by_many_at_once(void **state)
{
    unit_dir dir = unit_dir_make();
    int round, i;

    (void)state;
    for (round = 0; round < 20; round++) {
        char path[UNIT_PATH_MAX];
        pthread_t threads[4];

        snprintf(path, sizeof path, "%s/%d/b/c/d/e/f", dir.path, round);
        for (i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, make_same_dirs, path), 0);
        for (i = 0; i < 4; i++) {
            void *bad = NULL;

            pthread_join(threads[i], &bad);
            assert_null(bad);
        }
    }
    unit_dir_remove(&dir);
}

static void check_real(const unit_dir *dir, const char *in, const char *out)
{
    hf_error err = HF_ERROR_INIT;
    hf__buf buf;

    hf__buf_init(&buf, HF__MAX_PATH);
    if (hf__os_realpath(unit_path(dir, in), &buf, &err) != HF_OK)
        fail_msg("%s: %s", in, err.message);
    assert_string_equal(hf__buf_cstr(&buf), *out ? unit_path(dir, out) : dir->path);
    hf__buf_dispose(&buf);
}

void test_os__realpath_as_python_resolves(void **state)
{
    /* Right column: what pathlib.Path(path).resolve() of Python 3 gives for this tree. */
    static const struct {
        const char *in, *out, *why;
    } cases[] = {
        { "", "", "the directory itself" },
        { "a/b", "a/b", "plain" },
        { "a//./b/.", "a/b", "dots and repeated slashes" },
        { "a/b/../c", "a/c", "one up" },
        { "to_a/b", "a/b", "a link to a directory" },
        { "abs/b", "a/b", "an absolute link" },
        { "to_b/..", "a", "up from where the link leads" },
        { "twice/b", "a/b", "a link to a link" },
        { "none/x/y", "none/x/y", "a missing tail" },
        { "to_a/none/x", "a/none/x", "a missing tail behind a link" },
        { "dangling", "nowhere/at/all", "a link to nowhere" },
        { "dangling/x", "nowhere/at/all/x", "a tail behind a link to nowhere" },
        { "none/../to_a/b", "a/b", "up from what is missing, then a link" },
        { "file/x", "file/x", "below a file" },
        { "a/b/to_top/a", "a", "a link with '..' in it" },
    };
    unit_dir dir = unit_dir_make();
    size_t i;

    (void)state;
    assert_int_equal(hf__os_mkdirs(unit_path(&dir, "a/b"), 0700, NULL), HF_OK);
    unit_write(unit_path(&dir, "file"), "", 0);
    assert_int_equal(symlink("a", unit_path(&dir, "to_a")), 0);
    assert_int_equal(symlink(unit_path(&dir, "a"), unit_path(&dir, "abs")), 0);
    assert_int_equal(symlink("a/b", unit_path(&dir, "to_b")), 0);
    assert_int_equal(symlink("to_a", unit_path(&dir, "twice")), 0);
    assert_int_equal(symlink("nowhere/at/all", unit_path(&dir, "dangling")), 0);
    assert_int_equal(symlink("../..", unit_path(&dir, "a/b/to_top")), 0);
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        check_real(&dir, cases[i].in, cases[i].out);
    unit_dir_remove(&dir);
}

void test_os__realpath_of_relative_and_odd_paths(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    char cwd[UNIT_PATH_MAX];
    char *longer;
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, HF__MAX_PATH);
    assert_int_equal(hf__os_realpath("/", &buf, NULL), HF_OK);
    assert_string_equal(hf__buf_cstr(&buf), "/");
    hf__buf_reset(&buf);
    assert_int_equal(hf__os_realpath("/../..//", &buf, NULL), HF_OK);
    assert_string_equal(hf__buf_cstr(&buf), "/");

    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(dir.path), 0);
    hf__buf_reset(&buf);
    assert_int_equal(hf__os_realpath("x/../y", &buf, NULL), HF_OK);
    assert_string_equal(hf__buf_cstr(&buf), unit_path(&dir, "y"));
    hf__buf_reset(&buf);
    assert_int_equal(hf__os_realpath("", &buf, NULL), HF_OK);
    assert_string_equal(hf__buf_cstr(&buf), dir.path);
    assert_int_equal(chdir(cwd), 0);

    assert_int_equal(symlink("loop", unit_path(&dir, "loop")), 0);
    hf__buf_reset(&buf);
    assert_int_equal(hf__os_realpath(unit_path(&dir, "loop/x"), &buf, &err), HF_ERR_IO);
    assert_int_equal(err.os_errno, ELOOP);
    assert_int_equal(buf.len, 0);

    longer = calloc(1, HF__MAX_PATH + 10);
    assert_non_null(longer);
    memset(longer, 'x', HF__MAX_PATH + 9);
    longer[0] = '/';
    assert_int_equal(hf__os_realpath(longer, &buf, &err), HF_ERR_LIMIT);
    free(longer);
    hf__buf_dispose(&buf);
    unit_dir_remove(&dir);
}

void test_os__rename_and_unlink(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;

    (void)state;
    unit_write(unit_path(&dir, "a"), "A", 1);
    unit_write(unit_path(&dir, "b"), "B", 1);
    assert_int_equal(hf__os_rename(unit_path(&dir, "a"), unit_path(&dir, "b"), NULL), HF_OK);
    assert_string_equal(unit_read(unit_path(&dir, "b")), "A");
    assert_int_equal(hf__os_rename(unit_path(&dir, "a"), unit_path(&dir, "b"), &err), HF_ERR_IO);
    assert_int_equal(hf__os_unlink(unit_path(&dir, "b"), NULL), HF_OK);
    assert_int_equal(hf__os_unlink(unit_path(&dir, "b"), NULL), HF_OK);
    assert_false(unit_exists(unit_path(&dir, "b")));
    assert_int_not_equal(hf__os_unlink(dir.path, &err), HF_OK);
    unit_dir_remove(&dir);
}

void test_os__free_space_of_what_does_not_exist_yet(void **state)
{
    unit_dir dir = unit_dir_make();
    uint64_t here = 0, below = 0, relative = 0;

    (void)state;
    assert_int_equal(hf__os_free_space(dir.path, &here, NULL), HF_OK);
    assert_int_equal(hf__os_free_space(unit_path(&dir, "x/y/z"), &below, NULL), HF_OK);
    assert_int_equal(hf__os_free_space("hf-no-such-dir/x", &relative, NULL), HF_OK);
    assert_true(here > 0 && below > 0 && relative > 0);
    unit_dir_remove(&dir);
}

/* ---- directories by handle */

void test_os__dir_at_makes_and_finds(void **state)
{
    unit_dir dir = unit_dir_make();
    hf__os_dir root, sub;
    bool found = true;

    (void)state;
    assert_int_equal(hf__os_dir_open(dir.path, &root, NULL), HF_OK);
    assert_int_equal(hf__os_dir_at(&root, "a/b", 0, &sub, &found, NULL), HF_OK);
    assert_false(found);
    assert_int_equal(hf__os_dir_at(&root, "a/b", 0700, &sub, &found, NULL), HF_OK);
    assert_true(found);
    hf__os_dir_close(&sub);
    assert_true(unit_exists(unit_path(&dir, "a/b")));
    assert_int_equal(hf__os_dir_at(&root, "", 0, &sub, &found, NULL), HF_OK);
    assert_true(found);
    hf__os_dir_close(&sub);
    hf__os_dir_close(&root);
    unit_dir_remove(&dir);
}

void test_os__dir_at_follows_no_link(void **state)
{
    unit_dir dir = unit_dir_make();
    unit_dir outside = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    hf__os_dir root, sub;
    bool found;
    static const char *const cases[] = { "link",   "link/x", "real/link/x", "file",
                                         "file/x", "..",     "real/..",     "real//x",
                                         "/etc",   "./real", "dangling",    "real/." };
    size_t i;

    (void)state;
    assert_int_equal(mkdir(unit_path(&dir, "real"), 0700), 0);
    assert_int_equal(symlink(outside.path, unit_path(&dir, "link")), 0);
    assert_int_equal(symlink(outside.path, unit_path(&dir, "real/link")), 0);
    assert_int_equal(symlink("not-there", unit_path(&dir, "dangling")), 0);
    unit_write(unit_path(&dir, "file"), "", 0);
    assert_int_equal(hf__os_dir_open(dir.path, &root, NULL), HF_OK);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (hf__os_dir_at(&root, cases[i], 0700, &sub, &found, &err) != HF_ERR_UNSAFE_PATH)
            fail_msg("'%s' was taken", cases[i]);
        assert_false(found);
    }
    assert_int_equal(count_entries(&outside), 0);
    assert_false(unit_exists(unit_path(&dir, "not-there")));
    hf__os_dir_close(&root);

    /* The root itself may be a link: the user chose it. */
    assert_int_equal(hf__os_dir_open(unit_path(&dir, "link"), &root, NULL), HF_OK);
    hf__os_dir_close(&root);
    assert_int_equal(hf__os_dir_open(unit_path(&dir, "file"), &root, &err), HF_ERR_IO);
    unit_dir_remove(&outside);
    unit_dir_remove(&dir);
}

void test_os__dir_at_of_a_long_component(void **state)
{
    unit_dir dir = unit_dir_make();
    hf__os_dir root, sub;
    char name[300];
    bool found;

    (void)state;
    assert_int_equal(hf__os_dir_open(dir.path, &root, NULL), HF_OK);
    memset(name, 'n', sizeof name);
    name[255] = '\0';
    assert_int_equal(hf__os_dir_at(&root, name, 0700, &sub, &found, NULL), HF_OK);
    hf__os_dir_close(&sub);
    name[255] = 'n';
    name[256] = '\0';
    assert_int_equal(hf__os_dir_at(&root, name, 0700, &sub, &found, NULL), HF_ERR_UNSAFE_PATH);
    hf__os_dir_close(&root);
    unit_dir_remove(&dir);
}

static int open_descriptors(void)
{
    hf__os_iter *iter;
    const char *name;
    hf__os_type type;
    int n = 0;

    assert_int_equal(hf__os_iter_open("/proc/self/fd", &iter, NULL), HF_OK);
    if (!iter)
        return -1;
    while (hf__os_iter_next(iter, &name, &type, NULL) == HF_OK && name)
        n++;
    hf__os_iter_close(iter);
    return n;
}

void test_os__no_descriptor_is_lost(void **state)
{
    unit_dir dir = unit_dir_make();
    int before = open_descriptors();
    hf__os_dir root, sub;
    hf__os_lock lock;
    hf__buf buf;
    bool found;
    int i;

    (void)state;
    hf__buf_init(&buf, 2);
    unit_write(unit_path(&dir, "file"), "long", 4);
    for (i = 0; i < 5; i++) {
        assert_int_equal(hf__os_dir_open(dir.path, &root, NULL), HF_OK);
        (void)hf__os_dir_at(&root, "x/y/z", 0, &sub, &found, NULL);
        (void)hf__os_dir_at(&root, "file/z", 0700, &sub, &found, NULL);
        (void)hf__os_dir_at(&root, "a/../z", 0700, &sub, &found, NULL);
        hf__os_dir_close(&root);
        (void)hf__os_read_file(unit_path(&dir, "file"), &buf, &found, NULL);
        (void)hf__os_write_file_atomic(unit_path(&dir, "a"), HF__STR("x"), 0600, NULL);
        (void)hf__os_lock_try(unit_path(&dir, "none/lock"), &lock, &found, NULL);
        (void)hf__os_lock_try(unit_path(&dir, "lock"), &lock, &found, NULL);
        hf__os_lock_release(&lock);
    }
    assert_int_equal(open_descriptors(), before);
    hf__buf_dispose(&buf);
    unit_dir_remove(&dir);
}

/* ---- walking */

void test_os__iter_sees_every_kind(void **state)
{
    unit_dir dir = unit_dir_make();
    hf__os_iter *iter;
    const char *name;
    hf__os_type type;
    int seen = 0;

    (void)state;
    unit_write(unit_path(&dir, "file"), "", 0);
    assert_int_equal(mkdir(unit_path(&dir, "dir"), 0700), 0);
    assert_int_equal(symlink("dir", unit_path(&dir, "link")), 0);
    assert_int_equal(mkfifo(unit_path(&dir, "pipe"), 0600), 0);
    unit_write(unit_path(&dir, "..hidden"), "", 0);
    assert_int_equal(hf__os_iter_open(dir.path, &iter, NULL), HF_OK);
    for (;;) {
        assert_int_equal(hf__os_iter_next(iter, &name, &type, NULL), HF_OK);
        if (!name)
            break;
        seen++;
        if (strcmp(name, "file") == 0 || strcmp(name, "..hidden") == 0)
            assert_int_equal(type, HF__OS_FILE);
        else if (strcmp(name, "dir") == 0)
            assert_int_equal(type, HF__OS_DIR);
        else if (strcmp(name, "link") == 0)
            assert_int_equal(type, HF__OS_LINK);
        else if (strcmp(name, "pipe") == 0)
            assert_int_equal(type, HF__OS_OTHER);
        else
            fail_msg("unexpected '%s'", name);
    }
    assert_int_equal(seen, 5);
    hf__os_iter_close(iter);
    hf__os_iter_close(NULL);
    assert_int_equal(hf__os_iter_open(unit_path(&dir, "none"), &iter, NULL), HF_OK);
    assert_null(iter);
    unit_dir_remove(&dir);
}

void test_os__cpus_are_counted(void **state)
{
    (void)state;
    assert_in_range(hf__os_cpus(), 1, 1024);
}
