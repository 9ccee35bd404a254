/* SPDX-License-Identifier: Apache-2.0 */
/* Parts when others are at the same files. What they do comes between two steps of ours: this program
 * has a flock of its own. */
#include "core/error.h"
#include "core/limits.h"

#include "cache_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define BRIEF ((uint64_t)1024 * 1024 + 7)     /* shared, and not kept */
#define KEPT  ((uint64_t)8 * 1024 * 1024 + 7) /* with a journal */

static void (*before_flock)(void); /* once */

int flock(int fd, int operation)
{
    void (*hook)(void) = before_flock;

    before_flock = NULL;
    if (hook)
        hook();
    return (int)syscall(SYS_flock, fd, operation);
}

static hf__cache_part *begin(const box *b, const char *etag, uint64_t size)
{
    hf__cache_part *part = NULL;

    assert_int_equal(hf__cache_blob_begin(b->repo, etag, size, &part, NULL), HF_OK);
    return part;
}

static void fill(hf__cache_part *part, const char *text, uint64_t size)
{
    int fd = hf__cache_part_fd(part);

    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

/* ---- the claim comes after the opening */

static hf__cache_part *holder;
static uint64_t holder_size;

static void holder_commits(void)
{
    assert_int_equal(hf__cache_part_commit(holder, "h", "h", holder_size, NULL), HF_OK);
}

static void holder_gives_up(void)
{
    hf__cache_part_abandon(holder);
}

void test_cache_part__a_file_that_got_its_name_is_left_alone(void **state)
{
    static const uint64_t sizes[] = { BRIEF, KEPT };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(sizes); i++) {
        box b = box_open(false);
        hf__cache_part *part;
        char shared[UNIT_PATH_MAX];

        holder = begin(&b, "etag", sizes[i]);
        holder_size = sizes[i];
        snprintf(shared, sizeof(shared), "%s", hf__cache_part_path(holder));
        fill(holder, "theirs", sizes[i]);
        before_flock = holder_commits;
        part = begin(&b, "etag", sizes[i]);
        assert_null(before_flock);
        assert_int_equal(size_of(in_repo(&b, "blobs/etag")), sizes[i]);
        assert_string_equal(hf__cache_part_path(part), shared);
        fill(part, "ours", sizes[i]);
        assert_string_equal(unit_read(in_repo(&b, "blobs/etag")), "theirs");
        assert_int_equal(hf__cache_part_commit(part, "h", "h", sizes[i], NULL), HF_OK);
        assert_string_equal(unit_read(in_repo(&b, "blobs/etag")), "ours");
        assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
        box_close(&b);
    }
}

void test_cache_part__a_part_that_was_given_up_is_made_anew(void **state)
{
    box b = box_open(false);
    char shared[UNIT_PATH_MAX];
    hf__cache_part *part;

    (void)state;
    holder = begin(&b, "etag", KEPT);
    snprintf(shared, sizeof(shared), "%s", hf__cache_part_path(holder));
    before_flock = holder_gives_up;
    part = begin(&b, "etag", KEPT);
    assert_string_equal(hf__cache_part_path(part), shared);
    fill(part, "ours", KEPT);
    assert_int_equal(hf__cache_part_commit(part, "h", "h", KEPT, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "blobs/etag")), "ours");
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
    box_close(&b);
}

/* Whoever lost the name does not take the file away from the one who has it now. */
void test_cache_part__only_its_own_name_is_removed(void **state)
{
    box b = box_open(false);
    hf__cache_part *lost = begin(&b, "etag", KEPT);
    hf__cache_part *part;

    (void)state;
    assert_int_equal(unlink(hf__cache_part_path(lost)), 0);
    part = begin(&b, "etag", KEPT);
    assert_string_equal(hf__cache_part_path(part), hf__cache_part_path(lost));
    fill(lost, "lost", KEPT);
    assert_int_equal(hf__cache_part_commit(lost, "h", "h", KEPT, NULL), HF_ERR_IO);
    fill(part, "ours", KEPT);
    assert_int_equal(hf__cache_part_commit(part, "h", "h", KEPT, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "blobs/etag")), "ours");
    box_close(&b);
}

/* ---- a journal that cannot be opened */

/* Leaves a part and a journal, as a call does that ends too early. Returns the part's path. */
static void leave_kept(const box *b, const char *etag, char path[UNIT_PATH_MAX])
{
    hf__cache_part *part = begin(b, etag, KEPT);

    snprintf(path, UNIT_PATH_MAX, "%s", hf__cache_part_path(part));
    fill(part, "kept", KEPT);
    assert_int_equal(write(hf__cache_part_journal_fd(part), "line\n", 5), 5);
    hf__cache_part_close(part);
    assert_int_equal(size_of(path), KEPT);
}

/* Descriptors for all but n of what is left. */
static size_t take_descriptors(int fds[64], size_t n)
{
    size_t taken = 0;

    while (taken < 64 && (fds[taken] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        taken++;
    assert_int_equal(errno, EMFILE);
    while (n--)
        close(fds[--taken]);
    return taken;
}

void test_cache_part__one_descriptor_short_keeps_the_bytes(void **state)
{
    box b = box_open(false);
    char path[UNIT_PATH_MAX];
    struct rlimit before;
    hf__cache_part *part = NULL;

    (void)state;
    leave_kept(&b, "etag", path);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t left = 0; left < 3; left++) {
        struct rlimit few = { 48, before.rlim_max };
        hf_error err = HF_ERROR_INIT;
        int fds[64];
        size_t taken;
        hf_status st;

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        taken = take_descriptors(fds, left);
        st = hf__cache_blob_begin(b.repo, "etag", KEPT, &part, &err);
        while (taken)
            close(fds[--taken]);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (left < 2) {
            assert_int_equal(st, HF_ERR_IO);
            assert_int_equal(err.os_errno, EMFILE);
            assert_string_equal(unit_read(path), "kept");
            assert_int_equal(size_of(path), KEPT);
        } else {
            assert_int_equal(st, HF_OK);
        }
    }
    assert_string_equal(hf__cache_part_path(part), path);
    assert_int_equal(size_of(path), KEPT);
    hf__cache_part_abandon(part);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);
    box_close(&b);
}

/* Then the download goes on without a way back, and not over what was kept. */
void test_cache_part__a_journal_that_cannot_be_opened(void **state)
{
    box b = box_open(false);
    char path[UNIT_PATH_MAX];
    char journal[UNIT_PATH_MAX];
    char moved[UNIT_PATH_MAX];
    hf__cache_part *part;

    (void)state;
    leave_kept(&b, "etag", path);
    snprintf(journal, sizeof(journal), "%.4000s-journal", path);
    snprintf(moved, sizeof(moved), "%s", unit_path(&b.dir, "moved"));
    assert_int_equal(rename(journal, moved), 0);
    assert_int_equal(mkdir(journal, 0755), 0);
    part = begin(&b, "etag", KEPT);
    assert_string_not_equal(hf__cache_part_path(part), path);
    assert_int_equal(hf__cache_part_journal_fd(part), -1);
    assert_string_equal(unit_read(path), "kept");
    hf__cache_part_close(part);
    assert_int_equal(size_of(path), KEPT);

    assert_int_equal(rmdir(journal), 0);
    assert_int_equal(rename(moved, journal), 0);
    part = begin(&b, "etag", KEPT);
    assert_string_equal(hf__cache_part_path(part), path);
    assert_int_equal(size_of(path), KEPT);
    hf__cache_part_abandon(part);
    /* One that was made for nothing does not stay. */
    assert_int_equal(mkdir(journal, 0755), 0);
    part = begin(&b, "etag", KEPT);
    hf__cache_part_close(part);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
    box_close(&b);
}
