/* SPDX-License-Identifier: Apache-2.0 */
/* Parts when others are at the same files. What they do comes between two steps of ours: this program
 * has a flock, an unlinkat and an fdatasync of its own. */
#include "core/error.h"
#include "core/limits.h"

#include "cache_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BRIEF ((uint64_t)1024 * 1024 + 7)     /* shared, and not kept */
#define KEPT  ((uint64_t)8 * 1024 * 1024 + 7) /* with a journal */

static void (*before_flock)(void); /* once */
static unsigned n_flocks;
static void (*before_unlink)(void); /* likewise */

int flock(int fd, int operation)
{
    void (*hook)(void) = before_flock;

    before_flock = NULL;
    n_flocks++;
    if (hook)
        hook();
    return (int)syscall(SYS_flock, fd, operation);
}

int unlinkat(int dir, const char *name, int flags)
{
    void (*hook)(void) = before_unlink;

    before_unlink = NULL;
    if (hook)
        hook();
    return (int)syscall(SYS_unlinkat, dir, name, flags);
}

static unsigned n_syncs;

int fdatasync(int fd)
{
    n_syncs++;
    return (int)syscall(SYS_fdatasync, fd);
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

/* ---- prune */

/* Of which nothing is to be pruned. */
static box box_with_blob(void)
{
    box b = box_open(false);

    tiny_fetch(b.repo, COMMIT_A, &tiny_files[0]);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
    return b;
}

static hf_cache_info *look(const box *b)
{
    hf_cache_info *info = NULL;

    assert_int_equal(hf__cache_scan(b->cache, &info, NULL), HF_OK);
    return info;
}

/* Returns what was left alone after it was in the plan. */
static size_t prune(const box *b)
{
    hf_cache_info *info = look(b);
    hf_cache_plan *plan = NULL;
    size_t skipped = 99;

    assert_int_equal(hf__cache_plan_prune(info, &plan, NULL), HF_OK);
    assert_int_equal(hf__cache_plan_execute(plan, NULL, &skipped, NULL), HF_OK);
    hf__cache_plan_free(plan);
    hf__cache_info_free(info);
    return skipped;
}

static const box *at_work;
static hf__cache_part *begun;

static void another_begins(void)
{
    begun = begin(at_work, "etag", KEPT);
}

void test_cache_part__a_download_that_begins_while_it_is_pruned(void **state)
{
    box b = box_with_blob();
    char path[UNIT_PATH_MAX];

    (void)state;
    leave_kept(&b, "etag", path);
    at_work = &b;
    before_unlink = another_begins;
    assert_int_equal(prune(&b), 0);
    assert_null(before_unlink);
    assert_false(unit_exists(path));
    fill(begun, "ours", KEPT);
    assert_int_equal(hf__cache_part_commit(begun, "h", "h", KEPT, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "blobs/etag")), "ours");
    box_close(&b);
}

/* Of a part that is in use nothing goes, its journal neither. */
void test_cache_part__a_part_in_use_is_not_pruned(void **state)
{
    box b = box_with_blob();
    char path[UNIT_PATH_MAX];
    hf__cache_part *part;

    (void)state;
    leave_kept(&b, "etag", path);
    part = begin(&b, "etag", KEPT);
    (void)prune(&b);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 3);
    hf__cache_part_close(part);
    assert_int_equal(prune(&b), 0);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
    box_close(&b);
}

static void make_older(const char *path, int hours)
{
    struct timespec now;
    struct timespec times[2];

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    now.tv_sec -= hours * 3600L;
    times[0] = times[1] = now;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Locks of another machine may not be seen here; what it writes is. */
void test_cache_part__a_part_of_another_machine(void **state)
{
    static const char *const rel[] = { "blobs/etag.0123456789abcdef.hfpart",
                                       "blobs/etag.0123456789abcdef.hfpart-journal" };
    box b = box_with_blob();
    hf_cache_info *info;

    (void)state;
    for (size_t i = 0; i < HF__COUNT(rel); i++)
        unit_write(in_repo(&b, rel[i]), "theirs", 6);
    make_older(in_repo(&b, rel[1]), 30); /* a journal that cannot be written ends quietly */
    info = look(&b);
    assert_int_equal(info->n_incomplete, 2);
    assert_int_equal(info->incomplete[0].in_use, 1);
    assert_int_equal(info->incomplete[1].in_use, 1);
    hf__cache_info_free(info);
    make_older(in_repo(&b, rel[0]), 20);
    (void)prune(&b);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 3);
    make_older(in_repo(&b, rel[0]), 30);
    assert_int_equal(prune(&b), 0);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
    box_close(&b);
}

/* What this machine would never find again goes as soon as nobody is at it. */
void test_cache_part__a_single_part_of_this_machine(void **state)
{
    box b = box_with_blob();
    hf__cache_part *first;
    hf__cache_part *second;
    char path[UNIT_PATH_MAX];

    (void)state;
    first = begin(&b, "etag", BRIEF);
    second = begin(&b, "etag", BRIEF);
    snprintf(path, sizeof(path), "%s", hf__cache_part_path(second));
    (void)prune(&b);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 3);
    hf__cache_part_abandon(first);
    hf__cache_part_abandon(second);
    unit_write(path, "killed", 6);
    assert_int_equal(prune(&b), 0);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
    box_close(&b);
}

/* ---- a claim that fails for a moment */

static int looker;

static void looker_goes(void)
{
    close(looker);
}

static void looker_stays(void)
{
    before_flock = looker_goes;
}

void test_cache_part__somebody_looks_at_the_part(void **state)
{
    box b = box_open(false);
    char path[UNIT_PATH_MAX];
    hf__cache_part *part;

    (void)state;
    leave_kept(&b, "etag", path);
    looker = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(syscall(SYS_flock, looker, LOCK_EX | LOCK_NB), 0);
    before_flock = looker_stays;
    part = begin(&b, "etag", KEPT);
    assert_string_equal(hf__cache_part_path(part), path);
    assert_int_equal(size_of(path), KEPT);
    hf__cache_part_abandon(part);
    box_close(&b);
}

/* Who has it will not be done soon, and others of the same call wait meanwhile. */
void test_cache_part__somebody_has_the_part(void **state)
{
    box b = box_open(false);
    hf__cache_part *first = begin(&b, "etag", KEPT);
    hf__cache_part *second;

    (void)state;
    n_flocks = 0;
    second = begin(&b, "etag", KEPT);
    assert_string_not_equal(hf__cache_part_path(first), hf__cache_part_path(second));
    assert_int_equal(n_flocks, 2); /* of either name */
    hf__cache_part_abandon(second);
    hf__cache_part_abandon(first);
    box_close(&b);
}

/* A looker is not to be noticed. */
void test_cache_part__looking_takes_nothing(void **state)
{
    box b = box_with_blob();
    char path[UNIT_PATH_MAX];
    hf__cache_part *part;
    hf_cache_info *info;

    (void)state;
    leave_kept(&b, "etag", path);
    part = begin(&b, "etag", KEPT);
    for (int in_use = 1; in_use >= 0; in_use--) {
        n_flocks = 0;
        info = look(&b);
        assert_int_equal(info->n_incomplete, 2);
        assert_int_equal(info->incomplete[0].in_use, in_use);
        assert_int_equal(info->incomplete[1].in_use, in_use);
        assert_int_equal(n_flocks, 0);
        hf__cache_info_free(info);
        if (in_use)
            hf__cache_part_close(part);
    }
    box_close(&b);
}

/* A child that was forked has copies of the descriptors. */
void test_cache_part__a_child_does_not_keep_the_claim(void **state)
{
    static const uint64_t sizes[] = { BRIEF, KEPT };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(sizes); i++) {
        box b = box_open(false);
        hf__cache_part *part = begin(&b, "etag", sizes[i]);
        char path[UNIT_PATH_MAX];
        int childs = dup(hf__cache_part_fd(part));

        snprintf(path, sizeof(path), "%s", hf__cache_part_path(part));
        if (hf__cache_part_journal_fd(part) >= 0)
            assert_int_equal(write(hf__cache_part_journal_fd(part), "line\n", 5), 5);
        hf__cache_part_close(part);
        part = begin(&b, "etag", sizes[i]);
        assert_string_equal(hf__cache_part_path(part), path);
        hf__cache_part_abandon(part);
        close(childs);
        box_close(&b);
    }
}

/* ---- copies, where links cannot be made */

static box box_without_links(uint64_t size)
{
    box b = box_open(true);
    hf__cache_part *part;

    tiny_fetch(b.repo, COMMIT_A, &tiny_files[0]);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    part = begin(&b, "etag", size);
    fill(part, "blob", size);
    assert_int_equal(hf__cache_part_commit(part, "h", "h", size, NULL), HF_OK);
    return b;
}

/* The kernel kills it in the middle of the file. */
static void copy_until_killed(box *b, uint64_t size)
{
    pid_t child = fork();
    int how = 0;

    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        struct rlimit half = { size / 2, size / 2 };

        signal(SIGXFSZ, SIG_DFL);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)setrlimit(RLIMIT_FSIZE, &half);
        (void)hf__cache_pointer_make(b->repo, COMMIT_A, "copy", "etag", false, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGXFSZ);
}

void test_cache_part__a_copy_that_was_killed(void **state)
{
    static const uint64_t sizes[] = { 300000, BRIEF, KEPT };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(sizes); i++) {
        box b = box_without_links(sizes[i]);
        const char *copy = in_repo(&b, "snapshots/" COMMIT_A "/copy");

        copy_until_killed(&b, sizes[i]);
        assert_int_equal(fixture_count(in_repo(&b, "snapshots/" COMMIT_A)), 1);
        assert_int_equal(fixture_count(in_repo(&b, "blobs")), 2);
        assert_int_equal(prune(&b), 0);
        assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);

        n_syncs = 0;
        assert_int_equal(hf__cache_pointer_make(b.repo, COMMIT_A, "copy", "etag", false, NULL),
                         HF_OK);
        assert_int_equal(n_syncs, sizes[i] < HF__PART_SYNC_FROM ? 0 : 1);
        assert_string_equal(unit_read(copy), "blob");
        assert_int_equal(size_of(copy), sizes[i]);
        assert_int_equal(fixture_count(in_repo(&b, "blobs")), 1);
        box_close(&b);
    }
}
