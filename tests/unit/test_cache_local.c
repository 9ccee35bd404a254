/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of the user's: the files are theirs, the books beside them are shared with the Python client. */
#include "cache/cache.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include "cache_fixture.h"

#include <fcntl.h>
#include <locale.h>
#include <utime.h>

#define BOOKS ".cache/huggingface/download/"

typedef struct local_box {
    unit_dir dir;
    hf__cache_local *local;
} local_box;

static local_box local_open(void)
{
    local_box b = { unit_dir_make(), NULL };

    assert_int_equal(hf__cache_local_open(unit_path(&b.dir, "out"), NULL, &b.local, NULL), HF_OK);
    return b;
}

static local_box local_of_python(void)
{
    local_box b = local_open();

    assert_int_equal(mkdir(unit_path(&b.dir, "out"), 0755), 0);
    fixture_put(unit_path(&b.dir, "out"), python_local, HF__COUNT(python_local));
    return b;
}

static void local_close(local_box *b)
{
    hf__cache_local_close(b->local);
    unit_dir_remove(&b->dir);
}

static const char *in_out(const local_box *b, const char *rel)
{
    char path[2048];

    snprintf(path, sizeof(path), "out/%s", rel);
    return unit_path(&b->dir, path);
}

static hf__local_meta meta_of(local_box *b, const char *path)
{
    hf__local_meta meta;

    assert_int_equal(hf__cache_local_meta_read(b->local, path, &meta, NULL), HF_OK);
    return meta;
}

static bool file_there(local_box *b, const char *path)
{
    bool found = true;

    assert_int_equal(hf__cache_local_find(b->local, path, &found, NULL, NULL), HF_OK);
    return found;
}

static hf_status fetch(local_box *b, const char *path, const char *etag, const char *content,
                       hf_error *err)
{
    hf__cache_part *part = NULL;
    size_t len = strlen(content);
    hf_status st = hf__cache_local_begin(b->local, path, etag, len, &part, err);

    if (st != HF_OK)
        return st;
    assert_int_equal(write(hf__cache_part_fd(part), content, len), len);
    return hf__cache_part_commit(part, etag, etag, len, err);
}

void test_cache_local__is_what_python_makes(void **state)
{
    mode_t mask = umask(022);
    local_box b = local_open();
    local_box other = local_of_python();
    hf__cache *cache = NULL;
    hf__cache_repo *repo = NULL;
    hf__tree_list tree;
    bool found = false;

    (void)state;
    assert_int_equal(hf__cache_open(unit_path(&b.dir, "hub"), false, NULL, &cache, NULL), HF_OK);
    assert_int_equal(hf__cache_repo_open(cache, HF_REPO_MODEL, "tiny/model", &repo, NULL), HF_OK);
    assert_false(unit_exists(in_out(&b, ""))); /* opening makes nothing */
    assert_int_equal(hf__cache_tree_read(repo, other.local, COMMIT_A, &tree, &found, NULL), HF_OK);
    assert_true(found);
    assert_int_equal(tree.n, TINY_N);
    /* The first thing that is written into a directory that is not there yet. */
    assert_int_equal(hf__cache_tree_write(repo, b.local, COMMIT_A, &tree, NULL), HF_OK);
    hf__tree_list_dispose(&tree);
    for (size_t i = 0; i < TINY_N; i++) {
        hf__os_lock lock;
        bool got = false;

        assert_int_equal(hf__cache_local_lock(b.local, tiny_files[i].path, &lock, &got, NULL),
                         HF_OK);
        assert_true(got);
        assert_int_equal(
            fetch(&b, tiny_files[i].path, tiny_files[i].etag, tiny_files[i].content, NULL), HF_OK);
        assert_int_equal(hf__cache_local_meta_write(b.local, tiny_files[i].path, COMMIT_A,
                                                    tiny_files[i].etag, NULL),
                         HF_OK);
        hf__os_lock_release(&lock);
    }
    fixture_compare(in_out(&b, ""), python_local, HF__COUNT(python_local));
    assert_int_equal(fixture_count(in_out(&b, "")), HF__COUNT(python_local));
    umask(mask);
    hf__cache_repo_close(repo);
    hf__cache_close(cache);
    local_close(&other);
    local_close(&b);
}

void test_cache_local__what_python_noted_is_read(void **state)
{
    local_box b = local_of_python();
    struct utimbuf then = { 1600000000, 1600000000 };

    (void)state;
    for (size_t i = 0; i < TINY_N; i++) {
        hf__local_meta meta;

        /* The files were just written, so they are younger than the notes of the vectors. */
        assert_int_equal(utime(in_out(&b, tiny_files[i].path), &then), 0);
        meta = meta_of(&b, tiny_files[i].path);
        assert_true(meta.valid);
        assert_string_equal(meta.commit, COMMIT_A);
        assert_string_equal(meta.etag.text, tiny_files[i].etag);
        assert_true(file_there(&b, tiny_files[i].path));
    }
    assert_false(meta_of(&b, "none").valid);
    local_close(&b);
}

static void write_notes(local_box *b, const char *commit, const char *etag, double time)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s\n%s\n%.6f\n", commit, etag, time);
    unit_write(in_out(b, BOOKS "config.json.metadata"), text, strlen(text));
}

void test_cache_local__notes_hold_until_the_file_changes(void **state)
{
    local_box b = local_of_python();
    const char *etag = tiny_files[1].etag;
    struct stat st;
    double mtime;

    (void)state;
    assert_int_equal(stat(in_out(&b, "config.json"), &st), 0);
    mtime = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
    write_notes(&b, COMMIT_A, etag, mtime + 5);
    assert_true(meta_of(&b, "config.json").valid);
    write_notes(&b, COMMIT_A, etag, mtime - 0.9); /* a coarse clock */
    assert_true(meta_of(&b, "config.json").valid);
    write_notes(&b, COMMIT_A, etag, mtime - 1.1);
    assert_false(meta_of(&b, "config.json").valid);
    assert_true(unit_exists(in_out(&b, BOOKS "config.json.metadata"))); /* old notes are kept */
    write_notes(&b, COMMIT_A, etag, mtime + 5);
    assert_int_equal(unlink(in_out(&b, "config.json")), 0);
    assert_false(meta_of(&b, "config.json").valid);
    assert_int_equal(mkdir(in_out(&b, "config.json"), 0755), 0);
    assert_false(meta_of(&b, "config.json").valid);
    local_close(&b);
}

void test_cache_local__broken_notes_are_left_alone(void **state)
{
    static const struct {
        const char *content;
        bool valid;
    } cases[] = {
        { COMMIT_A "\nabc\n9999999999.5\n", true },
        { COMMIT_A "\nabc\n9999999999\n", true },
        { COMMIT_A "\r\n abc \r\n 9999999999.5 \r\n", true },
        { COMMIT_A "\nabc\n9999999999.5\nmore\n", true },
        { COMMIT_A "\nabc\n9999999999.5", true },
        { COMMIT_A "\nW/\"abc\"\n9999999999.5\n", true },
        /* Python would use these. */
        { "v1\nabc\n9999999999.5\n", false },
        { COMMIT_A "\na/b\n9999999999.5\n", false },
        { COMMIT_A "\n\n9999999999.5\n", false },
        { "", false },
        { "\n\n\n", false },
        { COMMIT_A "\nabc\n", false },
        { COMMIT_A "\nabc\nsoon\n", false },
        { COMMIT_A "\nabc\n1.2.3\n", false },
        { COMMIT_A "\nabc\n-\n", false },
        { COMMIT_A, false },
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        local_box b = local_of_python();
        const char *path = in_out(&b, BOOKS "config.json.metadata");
        hf__local_meta meta;

        unit_write(path, cases[i].content, strlen(cases[i].content));
        meta = meta_of(&b, "config.json");
        if (meta.valid != cases[i].valid || !unit_exists(path))
            fail_msg("'%s': valid %d, kept %d", cases[i].content, meta.valid, unit_exists(path));
        if (meta.valid)
            assert_string_equal(meta.etag.text, "abc");
        local_close(&b);
    }
}

void test_cache_local__huge_notes_are_no_failure(void **state)
{
    local_box b = local_of_python();
    static char huge[100000];
    hf__local_meta meta;
    hf_error err = HF_ERROR_INIT;

    (void)state;
    memset(huge, 'a', sizeof(huge));
    unit_write(in_out(&b, BOOKS "config.json.metadata"), huge, sizeof(huge));
    assert_int_equal(hf__cache_local_meta_read(b.local, "config.json", &meta, &err), HF_OK);
    assert_false(meta.valid);
    assert_int_equal(err.status, HF_OK);
    assert_int_equal(mkdir(in_out(&b, BOOKS "README.md.metadata.d"), 0755), 0);
    assert_int_equal(unlink(in_out(&b, BOOKS "README.md.metadata")), 0);
    assert_int_equal(
        rename(in_out(&b, BOOKS "README.md.metadata.d"), in_out(&b, BOOKS "README.md.metadata")),
        0);
    assert_false(meta_of(&b, "README.md").valid);
    assert_int_equal(unlink(in_out(&b, BOOKS "empty.txt.metadata")), 0);
    assert_int_equal(mkfifo(in_out(&b, BOOKS "empty.txt.metadata"), 0666), 0);
    assert_false(meta_of(&b, "empty.txt").valid); /* and does not hang */
    local_close(&b);
}

/* The time is written as Python prints a float, by whatever locale the program has. */
void test_cache_local__times_are_written_as_python_does(void **state)
{
    static const char *const locales[] = { "C", "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE" };
    local_box b = local_of_python();

    (void)state;
    for (size_t i = 0; i < HF__COUNT(locales); i++) {
        double before = hf__clock_wall();
        const char *text;
        const char *stamp;
        char again[64];
        char *end;
        double time;

        if (!setlocale(LC_ALL, locales[i]))
            continue;
        assert_int_equal(hf__cache_local_meta_write(b.local, "config.json", COMMIT_B, "etag", NULL),
                         HF_OK);
        assert_true(meta_of(&b, "config.json").valid);
        setlocale(LC_ALL, "C");
        text = unit_read(in_out(&b, BOOKS "config.json.metadata"));
        assert_memory_equal(text, COMMIT_B "\netag\n", 46);
        stamp = text + 46;
        time = strtod(stamp, &end);
        assert_string_equal(end, "\n");
        assert_true(time >= before - 0.001 && time < before + 60);
        /* repr(): no shorter text reads as the same number */
        for (int digits = 11; digits < 18; digits++) {
            snprintf(again, sizeof(again), "%.*g\n", digits, time);
            if (strtod(again, NULL) == time)
                break;
        }
        if (!strchr(again, '.'))
            snprintf(again, sizeof(again), "%.1f\n", time);
        assert_string_equal(stamp, again);
    }
    local_close(&b);
}

void test_cache_local__hash_of_a_file(void **state)
{
    local_box b = local_of_python();
    hf_cancel *cancel = NULL;
    char hash[65];

    (void)state;
    assert_int_equal(
        hf__cache_local_hash(b.local, "data/train/part-0.txt", false, hash, NULL, NULL), HF_OK);
    assert_string_equal(hash, tiny_files[2].etag);
    assert_int_equal(hf__cache_local_hash(b.local, TINY_POINTER, true, hash, NULL, NULL), HF_OK);
    assert_string_equal(hash, TINY_SHA256);
    assert_int_equal(hf__cache_local_hash(b.local, "none/x", true, hash, NULL, NULL),
                     HF_ERR_NOT_CACHED);
    assert_int_equal(hf__cache_local_hash(b.local, "data", true, hash, NULL, NULL), HF_ERR_IO);
    assert_int_equal(hf_cancel_new(&cancel), HF_OK);
    hf_cancel_set(cancel);
    assert_int_equal(hf__cache_local_hash(b.local, TINY_POINTER, true, hash, cancel, NULL),
                     HF_ERR_CANCELED);
    hf_cancel_free(cancel);
    assert_int_equal(mkfifo(in_out(&b, "pipe"), 0666), 0);
    assert_int_equal(hf__cache_local_hash(b.local, "pipe", true, hash, NULL, NULL),
                     HF_ERR_IO); /* no hang */
    local_close(&b);
}

/* ---- from the cache */

typedef struct cached {
    hf__cache *cache;
    hf__cache_repo *repo;
} cached;

static cached cache_of(local_box *b, const fixture_entry *entries, size_t n)
{
    cached c = { NULL, NULL };

    assert_int_equal(mkdir(unit_path(&b->dir, "hub"), 0755), 0);
    fixture_put(unit_path(&b->dir, "hub"), entries, n);
    assert_int_equal(hf__cache_open(unit_path(&b->dir, "hub"), false, NULL, &c.cache, NULL), HF_OK);
    assert_int_equal(hf__cache_repo_open(c.cache, HF_REPO_MODEL, "tiny/model", &c.repo, NULL),
                     HF_OK);
    return c;
}

static void cache_close(cached *c)
{
    hf__cache_repo_close(c->repo);
    hf__cache_close(c->cache);
}

static bool take(local_box *b, cached *c, const char *path, const char *etag)
{
    bool done = false;

    assert_int_equal(
        hf__cache_local_from_cache(b->local, c->repo, COMMIT_A, path, etag, NULL, &done, NULL),
        HF_OK);
    return done;
}

void test_cache_local__files_come_from_the_cache(void **state)
{
    local_box b = local_open();
    cached c = cache_of(&b, python_shared, HF__COUNT(python_shared));
    struct stat st;

    (void)state;
    for (size_t i = 0; i < TINY_N; i++) {
        assert_true(take(&b, &c, tiny_files[i].path, tiny_files[i].etag));
        assert_string_equal(unit_read(in_out(&b, tiny_files[i].path)), tiny_files[i].content);
        assert_int_equal(lstat(in_out(&b, tiny_files[i].path), &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_true(st.st_mode &
                    S_IWUSR); /* a copy of one's own, though the store's is read-only */
    }
    assert_false(take(&b, &c, "none", tiny_files[0].etag));
    assert_false(take(&b, &c, "README.md", "an etag that says nothing"));
    fixture_compare(unit_path(&b.dir, "hub"), python_shared, HF__COUNT(python_shared));
    cache_close(&c);
    local_close(&b);
}

void test_cache_local__a_rotten_cache_is_not_passed_on(void **state)
{
    local_box b = local_open();
    cached c = cache_of(&b, python_cache, HF__COUNT(python_cache));

    (void)state;
    unit_write(unit_path(&b.dir, "hub/" TINY "/blobs/8e2e871357bef652084a73f7173adc5eb8859a33"),
               "# tinY\n", 7);
    assert_false(take(&b, &c, "README.md", tiny_files[0].etag));
    assert_false(unit_exists(in_out(&b, "README.md")));
    assert_int_equal(fixture_count(in_out(&b, BOOKS)), 0);
    cache_close(&c);
    local_close(&b);
}

/* ---- parts */

void test_cache_local__a_part_lies_with_the_books(void **state)
{
    local_box b = local_open();
    hf__cache_part *part = NULL;
    char folder[UNIT_PATH_MAX];
    const char *path;

    (void)state;
    assert_int_equal(hf__cache_local_begin(b.local, "data/train/x", "etag", 3, &part, NULL), HF_OK);
    path = hf__cache_part_path(part);
    snprintf(folder, sizeof(folder), "%s/", in_out(&b, BOOKS "data/train"));
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    assert_true(unit_exists(path)); /* it says where it really is */
    assert_true(hf__cache_is_part(path));
    hf__cache_part_abandon(part);
    assert_int_equal(fixture_count(in_out(&b, BOOKS "data/train")), 0);
    local_close(&b);
}

void test_cache_local__a_failed_update_keeps_the_old_file(void **state)
{
    local_box b = local_of_python();
    hf__cache_part *part = NULL;

    (void)state;
    assert_int_equal(hf__cache_local_begin(b.local, "README.md", "etag", 3, &part, NULL), HF_OK);
    assert_int_equal(write(hf__cache_part_fd(part), "bad", 3), 3);
    assert_int_equal(hf__cache_part_commit(part, "h", "g", 3, NULL), HF_ERR_CORRUPT);
    assert_string_equal(unit_read(in_out(&b, "README.md")), "# tiny\n");
    local_close(&b);
}

/* ---- links that someone planted */

void test_cache_local__links_are_not_followed_out(void **state)
{
    unit_dir outside = unit_dir_make();
    local_box b = local_of_python();
    char hash[65];

    (void)state;
    unit_write(unit_path(&outside, "f"), "precious", 8);
    assert_int_equal(symlink(unit_path(&outside, "f"), in_out(&b, "link")), 0);
    assert_int_equal(symlink(outside.path, in_out(&b, "folder")), 0);
    assert_false(file_there(&b, "link"));
    assert_int_equal(hf__cache_local_hash(b.local, "link", true, hash, NULL, NULL), HF_ERR_IO);
    /* A file in the place of the link; the link's target stays. */
    assert_int_equal(fetch(&b, "link", "e", "new", NULL), HF_OK);
    assert_string_equal(unit_read(in_out(&b, "link")), "new");
    /* A folder that is a link is refused. */
    assert_int_equal(fetch(&b, "folder/f", "e", "new", NULL), HF_ERR_UNSAFE_PATH);
    assert_string_equal(unit_read(unit_path(&outside, "f")), "precious");
    assert_int_equal(fixture_count(outside.path), 1);
    local_close(&b);
    unit_dir_remove(&outside);
}

/* Books that are a link: nothing outside is read, locked, changed or removed. */
void test_cache_local__planted_books_are_not_followed(void **state)
{
    static const char *const places[] = { ".cache", ".cache/huggingface",
                                          ".cache/huggingface/download",
                                          ".cache/huggingface/download/data" };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(places); i++) {
        unit_dir outside = unit_dir_make();
        local_box b = local_open();
        const char *victim = unit_path(&outside, i == 3 ? "x.metadata" : "data.metadata");
        hf__local_meta meta;
        hf__os_lock lock;
        bool got = true;
        hf_status st;

        (void)mkdir(in_out(&b, ""), 0755);
        if (i >= 1)
            (void)mkdir(in_out(&b, ".cache"), 0755);
        if (i >= 2)
            (void)mkdir(in_out(&b, ".cache/huggingface"), 0755);
        if (i >= 3)
            (void)mkdir(in_out(&b, ".cache/huggingface/download"), 0755);
        unit_write(victim, "not metadata", 12);
        assert_int_equal(symlink(outside.path, in_out(&b, places[i])), 0);
        st = hf__cache_local_meta_read(b.local, i == 3 ? "data/x" : "data", &meta, NULL);
        assert_int_equal(st, HF_ERR_UNSAFE_PATH);
        assert_false(meta.valid);
        st = hf__cache_local_lock(b.local, i == 3 ? "data/x" : "data", &lock, &got, NULL);
        assert_int_equal(st, HF_ERR_UNSAFE_PATH);
        assert_false(got);
        assert_int_equal(
            hf__cache_local_meta_write(b.local, i == 3 ? "data/x" : "data", COMMIT_A, "e", NULL),
            HF_ERR_UNSAFE_PATH);
        assert_string_equal(unit_read(victim), "not metadata");
        assert_int_equal(fixture_count(outside.path), 1);
        local_close(&b);
        unit_dir_remove(&outside);
    }
}

/* ---- directories that do not play along */

void test_cache_local__long_names(void **state)
{
    local_box b = local_open();
    hf_error err = HF_ERROR_INIT;
    hf__os_lock lock;
    bool got = false;
    char name[256];

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    /* No room for ".lock" behind such a name; the Python client fails as well. */
    assert_int_equal(hf__cache_local_lock(b.local, name, &lock, &got, &err), HF_ERR_IO);
    assert_false(got);
    assert_non_null(strstr(err.message, "File name too long"));
    name[246] = '\0';
    assert_int_equal(hf__cache_local_lock(b.local, name, &lock, &got, &err), HF_OK);
    assert_int_equal(fetch(&b, name, "etag", "x", NULL), HF_OK);
    assert_int_equal(hf__cache_local_meta_write(b.local, name, COMMIT_A, "etag", NULL), HF_OK);
    assert_true(meta_of(&b, name).valid);
    hf__os_lock_release(&lock);
    local_close(&b);
}

void test_cache_local__a_missing_or_odd_directory(void **state)
{
    local_box b = local_open();
    hf__local_meta meta;

    (void)state;
    assert_false(file_there(&b, "a/b"));
    assert_false(meta_of(&b, "a/b").valid);
    assert_false(unit_exists(in_out(&b, "")));   /* looking makes nothing */
    unit_write(unit_path(&b.dir, "out"), "", 0); /* a file in its place */
    assert_int_not_equal(hf__cache_local_meta_read(b.local, "a", &meta, NULL), HF_OK);
    assert_int_not_equal(fetch(&b, "a", "e", "x", NULL), HF_OK);
    local_close(&b);
}

void test_cache_local__one_holder_of_a_lock(void **state)
{
    local_box b = local_open();
    local_box other = b;
    hf__os_lock one, two;
    bool got = false;

    (void)state;
    assert_int_equal(hf__cache_local_open(unit_path(&b.dir, "out"), NULL, &other.local, NULL),
                     HF_OK);
    assert_int_equal(hf__cache_local_lock(b.local, "a/b", &one, &got, NULL), HF_OK);
    assert_true(got);
    assert_true(unit_exists(in_out(&b, BOOKS "a/b.lock")));
    assert_int_equal(hf__cache_local_lock(other.local, "a/b", &two, &got, NULL), HF_OK);
    assert_false(got);
    hf__os_lock_release(&one);
    assert_int_equal(hf__cache_local_lock(other.local, "a/b", &two, &got, NULL), HF_OK);
    assert_true(got);
    hf__os_lock_release(&two);
    hf__cache_local_close(other.local);
    local_close(&b);
}
