/* SPDX-License-Identifier: Apache-2.0 */
/* The repository cache when a neighbour or the disk does not play along. */
#include "core/error.h"
#include "core/limits.h"

#include "cache_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

static bool become_nobody(void)
{
    return geteuid() != 0 || seteuid(65534) == 0;
}

static void become_oneself(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

/* ---- links that someone planted */

void test_cache_disk__planted_links_are_not_written_through(void **state)
{
    static const char *const places[] = { "blobs", "snapshots", "refs", ".no_exist", "trees" };
    unit_dir outside = unit_dir_make();

    (void)state;
    for (size_t i = 0; i < HF__COUNT(places); i++) {
        box b = box_open(false);
        hf__tree_list none = { NULL, NULL, 0 };
        hf__cache_part *part = NULL;
        hf_error err = HF_ERROR_INIT;
        hf_status st;

        assert_int_equal(mkdir(unit_path(&b.dir, "hub"), 0755), 0);
        assert_int_equal(mkdir(unit_path(&b.dir, "hub/" TINY), 0755), 0);
        assert_int_equal(symlink(outside.path, in_repo(&b, places[i])), 0);
        switch (i) {
        case 0:
            st = hf__cache_blob_begin(b.repo, tiny_files[0].etag, 7, &part, &err);
            break;
        case 1:
            st = hf__cache_pointer_make(b.repo, COMMIT_A, "a", tiny_files[0].etag, true, &err);
            break;
        case 2:
            st = hf__cache_ref_write(b.repo, "main", COMMIT_A, &err);
            break;
        case 3:
            st = hf__cache_no_exist_write(b.repo, COMMIT_A, "a", &err);
            break;
        default:
            st = hf__cache_tree_write(b.repo, NULL, COMMIT_A, &none, &err);
            break;
        }
        assert_int_equal(st, HF_ERR_UNSAFE_PATH);
        assert_int_equal(err.status, st);
        assert_int_equal(fixture_count(outside.path), 0);
        box_close(&b);
    }
    unit_dir_remove(&outside);
}

void test_cache_disk__a_planted_repo_folder_is_not_followed(void **state)
{
    unit_dir outside = unit_dir_make();
    box b = box_open(false);
    hf__os_lock lock;
    bool got = true;

    (void)state;
    assert_int_equal(mkdir(unit_path(&b.dir, "hub"), 0755), 0);
    assert_int_equal(symlink(outside.path, unit_path(&b.dir, "hub/" TINY)), 0);
    assert_int_equal(hf__cache_prepare(b.repo, NULL), HF_ERR_UNSAFE_PATH);
    assert_int_equal(unlink(unit_path(&b.dir, "hub/" TINY)), 0);
    /* The same for the locks: no file is made, none gets another mode. */
    assert_int_equal(symlink(outside.path, unit_path(&b.dir, "hub/.locks")), 0);
    assert_int_equal(hf__cache_blob_lock(b.repo, "e", &lock, &got, NULL), HF_ERR_UNSAFE_PATH);
    assert_false(got);
    assert_int_equal(unlink(unit_path(&b.dir, "hub/.locks")), 0);
    assert_int_equal(mkdir(unit_path(&b.dir, "hub/.locks"), 0755), 0);
    assert_int_equal(symlink(outside.path, unit_path(&b.dir, "hub/.locks/" TINY)), 0);
    assert_int_equal(hf__cache_blob_lock(b.repo, "e", &lock, &got, NULL), HF_ERR_UNSAFE_PATH);
    assert_int_equal(fixture_count(outside.path), 0);
    box_close(&b);
    unit_dir_remove(&outside);
}

void test_cache_disk__links_that_lead_out_are_not_there(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));
    hf__cache_part *part = NULL;

    (void)state;
    unit_write(unit_path(&b.dir, "secret"), "secret", 6);
    /* a pointer, a pointer's folder, a blob, a chain of links */
    assert_int_equal(symlink("../../../../secret", in_repo(&b, "snapshots/" COMMIT_A "/out")), 0);
    assert_int_equal(symlink(b.dir.path, in_repo(&b, "snapshots/" COMMIT_A "/folder")), 0);
    assert_int_equal(symlink("../../../secret", in_repo(&b, "blobs/0123")), 0);
    assert_int_equal(symlink("../../blobs/0123", in_repo(&b, "snapshots/" COMMIT_A "/chain")), 0);
    assert_int_equal(symlink("loop", in_repo(&b, "snapshots/" COMMIT_A "/loop")), 0);
    assert_int_equal(symlink("../../blobs/none", in_repo(&b, "snapshots/" COMMIT_A "/dangling")),
                     0);
    assert_int_equal(mkfifo(in_repo(&b, "snapshots/" COMMIT_A "/pipe"), 0666), 0);
    assert_false(pointer_there(&b, "out"));
    assert_false(pointer_there(&b, "folder/secret"));
    assert_false(pointer_there(&b, "chain"));
    assert_false(pointer_there(&b, "loop"));
    assert_false(pointer_there(&b, "dangling"));
    assert_false(pointer_there(&b, "pipe"));
    assert_false(pointer_there(&b, "data"));
    assert_false(blob_there(&b, "0123"));
    /* Fetched, they are replaced, and what they led to stays as it was. */
    assert_int_equal(hf__cache_blob_begin(b.repo, "0123", 3, &part, NULL), HF_OK);
    assert_int_equal(write(hf__cache_part_fd(part), "new", 3), 3);
    assert_int_equal(hf__cache_part_commit(part, NULL, NULL, 3, NULL), HF_OK);
    assert_true(blob_there(&b, "0123"));
    assert_int_equal(hf__cache_pointer_make(b.repo, COMMIT_A, "out", "0123", true, NULL), HF_OK);
    assert_true(pointer_there(&b, "out"));
    assert_true(pointer_there(&b, "chain"));
    assert_string_equal(unit_read(unit_path(&b.dir, "secret")), "secret");
    box_close(&b);
}

/* ---- a disk that does not play along */

void test_cache_disk__a_read_only_cache_is_read(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));
    hf_error err = HF_ERROR_INIT;
    hf__cache_part *part = NULL;
    char commit[41];
    size_t before;

    (void)state;
    if (!become_nobody())
        skip();
    become_oneself();
    before = fixture_count(b.dir.path);
    assert_int_equal(chmod(b.dir.path, 0755), 0);
    if (!become_nobody())
        skip();
    assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL), HF_OK);
    assert_string_equal(commit, COMMIT_A);
    assert_true(pointer_there(&b, "config.json"));
    /* What would change nothing is no failure; the rest says permission denied. */
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_B, &err), HF_ERR_PERMISSION);
    assert_int_equal(hf__cache_no_exist_write(b.repo, COMMIT_A, "x", &err), HF_ERR_PERMISSION);
    assert_int_equal(hf__cache_blob_begin(b.repo, "e", 1, &part, &err), HF_ERR_PERMISSION);
    assert_int_equal(err.os_errno, EACCES);
    assert_null(part);
    assert_int_equal(hf__cache_pointer_make(b.repo, COMMIT_A, "new", "e", true, &err),
                     HF_ERR_PERMISSION);
    become_oneself();
    assert_int_equal(fixture_count(b.dir.path), before);
    box_close(&b);
}

void test_cache_disk__an_unreadable_cache_is_an_empty_one(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));
    char commit[41];

    (void)state;
    assert_int_equal(chmod(b.dir.path, 0700), 0);
    if (!become_nobody())
        skip();
    assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL), HF_OK);
    assert_string_equal(commit, "");
    assert_false(pointer_there(&b, "config.json"));
    assert_false(blob_there(&b, tiny_files[0].etag));
    assert_int_equal(hf__cache_prepare(b.repo, NULL), HF_ERR_PERMISSION);
    become_oneself();
    box_close(&b);
}

/* Room for less than is asked for. */
static bool mount_small(const char *path)
{
    return mkdir(path, 0755) == 0 && mount("tmpfs", path, "tmpfs", 0, "size=2m") == 0;
}

void test_cache_disk__a_full_disk(void **state)
{
    box b = box_open(false);
    static char megabyte[1024 * 1024];
    hf_error err = HF_ERROR_INIT;
    hf__cache_part *part = NULL;
    hf_status st = HF_OK;
    uint64_t at = 0;

    (void)state;
    if (!mount_small(unit_path(&b.dir, "hub"))) {
        box_close(&b);
        skip();
    }
    /* What cannot fit is told before a byte is fetched, and how much there is. */
    st = hf__cache_blob_begin(b.repo, "big", 100 * 1024 * 1024, &part, &err);
    assert_int_equal(st, HF_ERR_DISK_FULL);
    assert_null(part);
    assert_non_null(strstr(err.message, "104857600 bytes"));
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);
    /* What nobody announced fills it up; the part can be given up and leaves no trace. */
    assert_int_equal(hf__cache_blob_begin(b.repo, "big", UINT64_MAX, &part, &err), HF_OK);
    for (st = HF_OK; st == HF_OK && at < 100; at++)
        st = hf__os_pwrite(hf__cache_part_fd(part), megabyte, sizeof(megabyte),
                           at * sizeof(megabyte), "big", &err);
    assert_int_equal(st, HF_ERR_DISK_FULL);
    assert_int_equal(err.os_errno, ENOSPC);
    /* Small files of the books on the full disk: an error, nothing half-written. */
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, &err), HF_ERR_DISK_FULL);
    assert_false(unit_exists(in_repo(&b, "refs/main")));
    assert_int_equal(fixture_count(in_repo(&b, "refs")), 0);
    hf__cache_part_abandon(part);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    hf__cache_repo_close(b.repo);
    b.repo = NULL;
    assert_int_equal(umount2(unit_path(&b.dir, "hub"), MNT_DETACH), 0);
    box_close(&b);
}

void test_cache_disk__a_file_size_limit(void **state)
{
    box b = box_open(false);
    struct rlimit before, small;
    hf_error err = HF_ERROR_INIT;
    hf__cache_part *part = NULL;
    static char bytes[8192];

    (void)state;
    assert_int_equal(hf__cache_blob_begin(b.repo, "big", UINT64_MAX, &part, NULL), HF_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(hf__os_pwrite(hf__cache_part_fd(part), bytes, sizeof(bytes), 0, "big", &err),
                     HF_ERR_IO);
    assert_int_equal(err.os_errno, EFBIG);
    hf__cache_part_abandon(part);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);
    box_close(&b);
}

/* Without descriptors the cause is told as such, not as a lack of memory. */
void test_cache_disk__no_descriptors_left(void **state)
{
    box b = box_open(false);
    struct rlimit before, few;
    hf_error err = HF_ERROR_INIT;
    hf__cache_part *part = NULL;
    int fds[64];
    size_t n = 0;
    hf_status st = HF_OK;

    (void)state;
    assert_int_equal(hf__cache_blob_begin(b.repo, "a", 1, &part, NULL), HF_OK);
    hf__cache_part_abandon(part); /* the folders are open now */
    part = NULL;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 48;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < 64 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    for (int freed = 0; freed < 3 && n; freed++) {
        st = hf__cache_blob_begin(b.repo, "a", 1, &part, &err);
        if (st == HF_OK)
            break;
        assert_int_equal(st, HF_ERR_IO);
        assert_int_equal(err.os_errno, EMFILE);
        close(fds[--n]);
    }
    while (n)
        close(fds[--n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (st == HF_OK)
        hf__cache_part_abandon(part);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);
    box_close(&b);
}

void test_cache_disk__the_cache_is_a_file(void **state)
{
    box b = box_open(false);
    char commit[41];

    (void)state;
    unit_write(unit_path(&b.dir, "hub"), "x", 1);
    assert_int_not_equal(hf__cache_prepare(b.repo, NULL), HF_OK);
    assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL), HF_OK);
    assert_string_equal(commit, "");
    assert_false(pointer_there(&b, "x"));
    assert_string_equal(unit_read(unit_path(&b.dir, "hub")), "x");
    box_close(&b);
}

void test_cache_disk__a_tag_that_is_there_is_kept(void **state)
{
    box b = box_open(false);

    (void)state;
    assert_int_equal(mkdir(unit_path(&b.dir, "hub"), 0755), 0);
    unit_write(unit_path(&b.dir, "hub/CACHEDIR.TAG"), "mine", 4);
    assert_int_equal(hf__cache_prepare(b.repo, NULL), HF_OK);
    assert_string_equal(unit_read(unit_path(&b.dir, "hub/CACHEDIR.TAG")), "mine");
    box_close(&b);
}
