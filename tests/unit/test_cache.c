/* SPDX-License-Identifier: Apache-2.0 */
/* The repository cache: byte for byte what the Python client makes, and nothing but good bytes under a name. */
#include "cache/cache.h"

#include "core/error.h"
#include "core/limits.h"

#include "cache_fixture.h"

/* ---- the same as Python */

static void add_entry(hf__tree_list *list, const tiny_file *file)
{
    hf__entry *e = &list->entries[list->n++];

    *e = (hf__entry){ .path = file->path, .oid = file->etag, .size = strlen(file->content) };
    if (strlen(file->etag) == 64) {
        e->oid = "63bbb9a1e35d40a3ea2a0cf37e2de2d4d9b1b4a1";
        e->lfs_sha256 = file->etag;
        e->lfs_size = e->size;
    }
}

void test_cache__is_what_python_makes(void **state)
{
    mode_t mask = umask(022);
    box b = box_open(false);
    hf__tree_list tree = { NULL, NULL, 0 };
    bool found = false;

    (void)state;
    assert_false(unit_exists(unit_path(&b.dir, "hub"))); /* opening makes nothing */
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    assert_int_equal(hf__cache_ref_write(b.repo, "v1.0", COMMIT_A, NULL), HF_OK);
    assert_int_equal(hf__cache_ref_write(b.repo, "refs/pr/1", COMMIT_B, NULL), HF_OK);
    assert_int_equal(hf__cache_ref_write(b.repo, COMMIT_A, COMMIT_A, NULL), HF_OK);
    assert_int_equal(hf__cache_no_exist_write(b.repo, COMMIT_A, "nope/none.txt", NULL), HF_OK);
    for (size_t i = 0; i < TINY_N; i++) {
        tiny_fetch(b.repo, COMMIT_A, &tiny_files[i]);
        tiny_fetch(b.repo, COMMIT_B, i == 1 ? &tiny_config_b : &tiny_files[i]);
    }
    /* The listings are those that Python wrote, read by us, written by us. */
    {
        box other = box_of(python_cache, HF__COUNT(python_cache));

        assert_int_equal(hf__cache_tree_read(other.repo, NULL, COMMIT_A, &tree, &found, NULL),
                         HF_OK);
        assert_true(found);
        assert_int_equal(hf__cache_tree_write(b.repo, NULL, COMMIT_A, &tree, NULL), HF_OK);
        hf__tree_list_dispose(&tree);
        assert_int_equal(hf__cache_tree_read(other.repo, NULL, COMMIT_B, &tree, &found, NULL),
                         HF_OK);
        assert_true(found);
        assert_int_equal(hf__cache_tree_write(b.repo, NULL, COMMIT_B, &tree, NULL), HF_OK);
        hf__tree_list_dispose(&tree);
        box_close(&other);
    }
    fixture_compare(unit_path(&b.dir, "hub"), python_cache, HF__COUNT(python_cache));
    assert_int_equal(fixture_count(unit_path(&b.dir, "hub")), HF__COUNT(python_cache));
    umask(mask);
    box_close(&b);
}

void test_cache__what_python_made_is_found(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));
    char commit[41];

    (void)state;
    assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL), HF_OK);
    assert_string_equal(commit, COMMIT_A);
    assert_int_equal(hf__cache_ref_read(b.repo, "refs/pr/1", commit, NULL), HF_OK);
    assert_string_equal(commit, COMMIT_B);
    for (size_t i = 0; i < TINY_N; i++) {
        hf_repo_ref ref = { HF_REPO_MODEL, "tiny/model", "v1.0" };
        hf_cache_state known = HF_CACHE_UNKNOWN;
        uint64_t size = 99;
        bool found = false;
        hf__buf path;

        assert_int_equal(
            hf__cache_pointer_find(b.repo, COMMIT_A, tiny_files[i].path, &found, &size, NULL),
            HF_OK);
        assert_true(found);
        assert_int_equal(size, strlen(tiny_files[i].content));
        assert_true(blob_there(&b, tiny_files[i].etag));
        hf__buf_init(&path, HF__MAX_PATH);
        assert_int_equal(hf__cache_try_load(b.cache, &ref, tiny_files[i].path, &known, &path, NULL),
                         HF_OK);
        assert_int_equal(known, HF_CACHE_PRESENT);
        assert_string_equal(unit_read(hf__buf_cstr(&path)), tiny_files[i].content);
        hf__buf_dispose(&path);
    }
    box_close(&b);
}

static hf_cache_state state_of(box *b, const char *revision, const char *path)
{
    hf_repo_ref ref = { HF_REPO_MODEL, "tiny/model", revision };
    hf_cache_state known = HF_CACHE_PRESENT;
    hf__buf out;

    hf__buf_init(&out, HF__MAX_PATH);
    assert_int_equal(hf__cache_try_load(b->cache, &ref, path, &known, &out, NULL), HF_OK);
    assert_int_equal(out.len > 0, known == HF_CACHE_PRESENT);
    hf__buf_dispose(&out);
    return known;
}

void test_cache__look_up_tells_absent_from_unknown(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));

    (void)state;
    assert_int_equal(state_of(&b, NULL, "config.json"), HF_CACHE_PRESENT);
    assert_int_equal(state_of(&b, COMMIT_B, "config.json"), HF_CACHE_PRESENT);
    assert_int_equal(state_of(&b, NULL, "nope/none.txt"), HF_CACHE_ABSENT);
    assert_int_equal(state_of(&b, COMMIT_A, "nope/none.txt"), HF_CACHE_ABSENT);
    assert_int_equal(state_of(&b, COMMIT_B, "nope/none.txt"), HF_CACHE_UNKNOWN);
    assert_int_equal(state_of(&b, NULL, "other"), HF_CACHE_UNKNOWN);
    assert_int_equal(state_of(&b, NULL, "data"), HF_CACHE_UNKNOWN); /* a folder is no file */
    assert_int_equal(state_of(&b, "dev", "config.json"), HF_CACHE_UNKNOWN);
    /* A marker hides the file, as for the Python client. */
    assert_int_equal(hf__cache_no_exist_write(b.repo, COMMIT_A, "config.json", NULL), HF_OK);
    assert_int_equal(state_of(&b, NULL, "config.json"), HF_CACHE_ABSENT);
    box_close(&b);
}

/* The newest Python client keeps what it fetched by Xet in a store that repos share. */
void test_cache__a_shared_store_is_read_and_left_alone(void **state)
{
    box b = box_of(python_shared, HF__COUNT(python_shared));
    const tiny_file *weights = &tiny_files[4];
    uint64_t size = 0;
    bool found = false;
    hf__cache_part *part = NULL;

    (void)state;
    assert_int_equal(hf__cache_pointer_find(b.repo, COMMIT_A, weights->path, &found, &size, NULL),
                     HF_OK);
    assert_true(found);
    assert_int_equal(size, 320);
    assert_int_equal(hf__cache_blob_find(b.repo, weights->etag, &found, &size, NULL), HF_OK);
    assert_true(found);
    assert_int_equal(size, 320);
    /* A new snapshot links to the repo's own name of it. */
    assert_int_equal(hf__cache_pointer_make(b.repo, "cccccccccccccccccccccccccccccccccccccccc",
                                            "w/x", weights->etag, false, NULL),
                     HF_OK);
    assert_string_equal(
        unit_read(in_repo(&b, "snapshots/cccccccccccccccccccccccccccccccccccccccc/w/x")),
        TINY_WEIGHTS);
    fixture_compare(unit_path(&b.dir, "hub"), python_shared, HF__COUNT(python_shared));
    /* Fetched again by force: the repo gets a file of its own, the store keeps what others may use. */
    assert_int_equal(hf__cache_blob_begin(b.repo, weights->etag, 320, &part, NULL), HF_OK);
    assert_int_equal(write(hf__cache_part_fd(part), TINY_WEIGHTS, 320), 320);
    assert_int_equal(hf__cache_part_commit(part, weights->etag, weights->etag, 320, NULL), HF_OK);
    for (size_t i = 0; i < HF__COUNT(python_shared); i++)
        if (strncmp(python_shared[i].path, "blobs", 5) == 0)
            fixture_compare(unit_path(&b.dir, "hub"), &python_shared[i], 1);
    box_close(&b);
}

/* Without links, a shared blob is copied and never moved away from the store. */
void test_cache__a_shared_blob_is_copied_not_moved(void **state)
{
    box b = box_open(true);

    (void)state;
    assert_int_equal(mkdir(unit_path(&b.dir, "hub"), 0755), 0);
    fixture_put(unit_path(&b.dir, "hub"), python_shared, HF__COUNT(python_shared));
    assert_int_equal(hf__cache_pointer_make(b.repo, "cccccccccccccccccccccccccccccccccccccccc", "x",
                                            TINY_SHA256, true, NULL),
                     HF_OK);
    assert_string_equal(
        unit_read(in_repo(&b, "snapshots/cccccccccccccccccccccccccccccccccccccccc/x")),
        TINY_WEIGHTS);
    fixture_compare(unit_path(&b.dir, "hub"), python_shared, HF__COUNT(python_shared));
    box_close(&b);
}

/* ---- names */

void test_cache__folder_names(void **state)
{
    static const struct {
        hf_repo_type type;
        const char *id;
        const char *folder;
    } cases[] = {
        { HF_REPO_MODEL, "bert-base-uncased", "models--bert-base-uncased" },
        { HF_REPO_DATASET, "nyu-mll/glue", "datasets--nyu-mll--glue" },
        { HF_REPO_SPACE, "A/B.c", "spaces--A--B.c" },
        { HF_REPO_KERNEL, "k/k", "kernels--k--k" },
    };
    box b = box_open(false);

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        hf__cache_repo *repo = NULL;
        char expected[512];
        hf__buf path;

        assert_int_equal(hf__cache_repo_open(b.cache, cases[i].type, cases[i].id, &repo, NULL),
                         HF_OK);
        hf__buf_init(&path, HF__MAX_PATH);
        assert_int_equal(hf__cache_snapshot_dir(repo, COMMIT_A, &path, NULL), HF_OK);
        snprintf(expected, sizeof(expected), "%s/%s/snapshots/%s", hf__cache_dir(b.cache),
                 cases[i].folder, COMMIT_A);
        assert_string_equal(hf__buf_cstr(&path), expected);
        hf__buf_dispose(&path);
        hf__cache_repo_close(repo);
    }
    {
        hf__cache_repo *repo = NULL;

        assert_int_equal(hf__cache_repo_open(b.cache, HF_REPO_MODEL, "../x", &repo, NULL),
                         HF_ERR_INVALID_ARG);
        assert_null(repo);
    }
    box_close(&b);
}

void test_cache__root_may_be_a_link(void **state)
{
    unit_dir dir = unit_dir_make();
    hf__cache *cache = NULL;
    hf__cache_repo *repo = NULL;

    (void)state;
    assert_int_equal(mkdir(unit_path(&dir, "disk2"), 0755), 0);
    assert_int_equal(symlink("disk2/cache", unit_path(&dir, "hub")), 0);
    assert_int_equal(hf__cache_open(unit_path(&dir, "hub"), false, NULL, &cache, NULL), HF_OK);
    assert_string_equal(hf__cache_dir(cache), unit_path(&dir, "disk2/cache"));
    assert_int_equal(hf__cache_repo_open(cache, HF_REPO_MODEL, "tiny/model", &repo, NULL), HF_OK);
    tiny_fetch(repo, COMMIT_A, &tiny_files[0]);
    assert_string_equal(
        unit_read(unit_path(&dir, "disk2/cache/" TINY "/snapshots/" COMMIT_A "/README.md")),
        "# tiny\n");
    hf__cache_repo_close(repo);
    hf__cache_close(cache);
    unit_dir_remove(&dir);
}

void test_cache__long_names(void **state)
{
    box b = box_open(false);
    tiny_file file = tiny_files[0];
    char component[256];
    char path[HF__MAX_REPO_PATH + 1];
    bool found = false;

    (void)state;
    memset(component, 'n', 255);
    component[255] = '\0';
    file.path = component; /* as long as a name can be: no room for a suffix */
    tiny_fetch(b.repo, COMMIT_A, &file);
    assert_true(pointer_there(&b, component));
    assert_int_equal(hf__cache_no_exist_write(b.repo, COMMIT_B, component, NULL), HF_OK);
    component[240] = '\0';
    assert_int_equal(hf__cache_ref_write(b.repo, component, COMMIT_A, NULL), HF_OK);

    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 2 ? '/' : 'd'; /* a thousand folders deep */
    path[HF__MAX_REPO_PATH - 1] = '\0';
    assert_int_equal(hf__repo_path_check(path, NULL), HF_OK);
    assert_int_equal(hf__cache_pointer_find(b.repo, COMMIT_A, path, &found, NULL, NULL), HF_OK);
    assert_false(found);
    assert_int_equal(hf__cache_no_exist_write(b.repo, COMMIT_A, path, NULL), HF_OK);
    file.path = path;
    tiny_fetch(b.repo, COMMIT_A, &file);
    /* The way to a link that deep and back is longer than the system resolves; it is refused there,
     * and what matters is that it is not taken for present. */
    (void)hf__cache_pointer_find(b.repo, COMMIT_A, path, &found, NULL, NULL);
    box_close(&b);
}

/* ---- refs */

void test_cache__refs_are_read_kindly(void **state)
{
    static const struct {
        const char *content;
        const char *commit;
    } cases[] = {
        { COMMIT_A, COMMIT_A },
        { COMMIT_A "\n", COMMIT_A },
        { "  " COMMIT_A "\r\n", COMMIT_A },
        { "", "" },
        { "main", "" },
        { "../../../etc", "" },
        { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "" },
        { COMMIT_A "x", "" },
    };
    box b = box_open(false);
    char commit[41] = "x";

    (void)state;
    assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL), HF_OK); /* no cache at all */
    assert_string_equal(commit, "");
    assert_int_equal(hf__cache_ref_write(b.repo, "dir/x", COMMIT_A, NULL), HF_OK);
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        unit_write(in_repo(&b, "refs/main"), cases[i].content, strlen(cases[i].content));
        assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL), HF_OK);
        assert_string_equal(commit, cases[i].commit);
    }
    assert_int_equal(hf__cache_ref_read(b.repo, "dir", commit, NULL), HF_OK); /* a folder */
    assert_string_equal(commit, "");
    assert_int_equal(hf__cache_ref_read(b.repo, "main/x", commit, NULL), HF_OK); /* below a file */
    assert_string_equal(commit, "");
    {
        static char huge[5000];
        hf_error err = HF_ERROR_INIT;

        memset(huge, 'a', sizeof(huge));
        unit_write(in_repo(&b, "refs/main"), huge, sizeof(huge));
        assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, &err), HF_OK);
        assert_string_equal(commit, "");
        assert_int_equal(err.status, HF_OK);
    }
    assert_int_equal(unlink(in_repo(&b, "refs/main")), 0);
    assert_int_equal(mkfifo(in_repo(&b, "refs/main"), 0666), 0);
    assert_int_equal(hf__cache_ref_read(b.repo, "main", commit, NULL),
                     HF_OK); /* and does not hang */
    assert_string_equal(commit, "");
    box_close(&b);
}

/* The Python client reads a ref raw, so one with a newline (an editor's) must be put right. */
void test_cache__a_ref_is_written_without_newline(void **state)
{
    box b = box_open(false);
    struct stat before, after;

    (void)state;
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "refs/main")), COMMIT_A);
    assert_int_equal(stat(in_repo(&b, "refs/main"), &before), 0);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    assert_int_equal(stat(in_repo(&b, "refs/main"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* not touched when it is right */
    unit_write(in_repo(&b, "refs/main"), COMMIT_A "\n", 41);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "refs/main")), COMMIT_A);
    assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_B, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "refs/main")), COMMIT_B);
    assert_int_equal(fixture_count(in_repo(&b, "refs")), 1); /* no temporary left */
    /* A branch "a" and then a branch "a/b": there is no room for both; nothing is lost. */
    assert_int_equal(hf__cache_ref_write(b.repo, "main/b", COMMIT_A, NULL), HF_ERR_UNSAFE_PATH);
    assert_string_equal(unit_read(in_repo(&b, "refs/main")), COMMIT_B);
    box_close(&b);
}

/* ---- pointers */

void test_cache__pointers_replace_what_is_in_their_place(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));
    const char *place = in_repo(&b, "snapshots/" COMMIT_A "/README.md");
    char text[256] = "";
    struct stat before, after;

    (void)state;
    assert_int_equal(lstat(place, &before), 0);
    assert_int_equal(
        hf__cache_pointer_make(b.repo, COMMIT_A, "README.md", tiny_files[0].etag, false, NULL),
        HF_OK);
    assert_int_equal(lstat(place, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* the same link: another process was first */

    assert_int_equal(
        hf__cache_pointer_make(b.repo, COMMIT_A, "README.md", tiny_files[1].etag, false, NULL),
        HF_OK);
    assert_true(readlink(place, text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, tiny_files[1].etag));

    assert_int_equal(unlink(place), 0);
    unit_write(place, "a copy of old", 13);
    assert_int_equal(
        hf__cache_pointer_make(b.repo, COMMIT_A, "README.md", tiny_files[0].etag, false, NULL),
        HF_OK);
    assert_string_equal(unit_read(place), "# tiny\n");

    /* Never a folder, though. */
    assert_int_not_equal(
        hf__cache_pointer_make(b.repo, COMMIT_A, "data", tiny_files[0].etag, false, NULL), HF_OK);
    assert_true(pointer_there(&b, "data/train/part-0.txt"));
    assert_int_equal(
        hf__cache_pointer_make(b.repo, COMMIT_A, "README.md/x", tiny_files[0].etag, false, NULL),
        HF_ERR_UNSAFE_PATH);
    box_close(&b);
}

void test_cache__copies_where_links_cannot_be_made(void **state)
{
    box b = box_open(true);
    struct stat st;

    (void)state;
    tiny_fetch(b.repo, COMMIT_A, &tiny_files[2]);
    assert_int_equal(lstat(in_repo(&b, "snapshots/" COMMIT_A "/data/train/part-0.txt"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_true(pointer_there(&b, "data/train/part-0.txt"));
    assert_false(blob_there(&b, tiny_files[2].etag)); /* a new blob is moved, as Python does */
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);

    unit_write(in_repo(&b, "blobs/e1"), "one", 3); /* one that other snapshots may link to */
    assert_int_equal(hf__cache_pointer_make(b.repo, COMMIT_A, "copy", "e1", false, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "snapshots/" COMMIT_A "/copy")), "one");
    assert_true(blob_there(&b, "e1"));
    assert_int_equal(hf__cache_pointer_make(b.repo, COMMIT_A, "gone", "none", false, NULL),
                     HF_ERR_IO);
    assert_int_equal(hf__cache_pointer_make(b.repo, COMMIT_A, "gone", "none", true, NULL),
                     HF_ERR_IO);
    assert_false(unit_exists(in_repo(&b, "snapshots/" COMMIT_A "/gone")));
    assert_int_equal(fixture_count(in_repo(&b, "snapshots/" COMMIT_A)), 4); /* no temporary left */
    box_close(&b);
}

/* ---- parts */

static hf__cache_part *begin(box *b, const char *etag, uint64_t size)
{
    hf__cache_part *part = NULL;

    assert_int_equal(hf__cache_blob_begin(b->repo, etag, size, &part, NULL), HF_OK);
    return part;
}

void test_cache__a_part_is_named_so_that_others_leave_it_alone(void **state)
{
    box b = box_open(false);
    hf__cache_part *one = begin(&b, "abc", 3);
    hf__cache_part *two = begin(&b, "abc", 3);
    const char *name = strrchr(hf__cache_part_path(one), '/') + 1;
    char expected[UNIT_PATH_MAX];

    (void)state;
    assert_string_not_equal(hf__cache_part_path(one), hf__cache_part_path(two));
    snprintf(expected, sizeof(expected), "%s/%s", in_repo(&b, "blobs"), name);
    assert_string_equal(hf__cache_part_path(one), expected);
    assert_int_equal(strncmp(name, "abc.", 4), 0);
    /* Python's prune removes "*.incomplete", in use or not; old clients append to such files. */
    assert_string_equal(name + strlen(name) - 7, ".hfpart");
    assert_true(hf__cache_is_part(name));
    assert_false(hf__cache_is_part("abc"));
    assert_true(unit_exists(hf__cache_part_path(one)));
    hf__cache_part_abandon(one);
    hf__cache_part_abandon(two);
    hf__cache_part_abandon(NULL);
    assert_int_equal(fixture_count(in_repo(&b, "blobs")), 0);
    box_close(&b);
}

void test_cache__only_good_bytes_get_a_name(void **state)
{
    static const struct {
        const char *content;
        const char *expected;
        const char *computed;
        uint64_t size;
        hf_status st;
    } cases[] = {
        { "abc", "h", "h", 3, HF_OK },
        { "abc", NULL, NULL, 3, HF_OK },
        { "abc", NULL, "h", 3, HF_OK },
        { "abc", "h", "g", 3, HF_ERR_CORRUPT },
        { "abc", "h", NULL, 3, HF_ERR_CORRUPT },
        { "abc", "h", "", 3, HF_ERR_CORRUPT },
        { "abc", "h", "h", 4, HF_ERR_TRUNCATED },
        { "abc", "h", "h", 2, HF_ERR_TRUNCATED },
        { "", "h", "h", 0, HF_OK },
    };
    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        box b = box_open(false);
        hf__cache_part *part = begin(&b, "etag", UINT64_MAX);
        hf_error err = HF_ERROR_INIT;
        size_t len = strlen(cases[i].content);

        assert_int_equal(write(hf__cache_part_fd(part), cases[i].content, len), len);
        assert_int_equal(
            hf__cache_part_commit(part, cases[i].expected, cases[i].computed, cases[i].size, &err),
            cases[i].st);
        assert_int_equal(err.status, cases[i].st);
        assert_int_equal(blob_there(&b, "etag"), cases[i].st == HF_OK);
        assert_int_equal(fixture_count(in_repo(&b, "blobs")), cases[i].st == HF_OK ? 1 : 0);
        box_close(&b);
    }
}

void test_cache__a_part_that_was_taken_away_gets_no_name(void **state)
{
    box b = box_open(false);
    hf__cache_part *part = begin(&b, "etag", 3);

    (void)state;
    assert_int_equal(write(hf__cache_part_fd(part), "abc", 3), 3);
    assert_int_equal(unlink(hf__cache_part_path(part)), 0); /* a hasty clean-up */
    assert_int_equal(hf__cache_part_commit(part, "h", "h", 3, NULL), HF_ERR_IO);
    assert_false(blob_there(&b, "etag"));

    part = begin(&b, "etag", 3);
    assert_int_equal(write(hf__cache_part_fd(part), "abc", 3), 3);
    assert_int_equal(unlink(hf__cache_part_path(part)), 0);
    assert_int_equal(symlink("/etc/passwd", hf__cache_part_path(part)), 0); /* a malicious one */
    assert_int_equal(hf__cache_part_commit(part, "h", "h", 3, NULL), HF_ERR_IO);
    assert_false(unit_exists(in_repo(&b, "blobs/etag")));
    box_close(&b);
}

void test_cache__modes_follow_the_umask(void **state)
{
    static const struct {
        mode_t mask;
        mode_t file;
        mode_t dir;
    } cases[] = {
        { 022, 0644, 0755 }, { 077, 0600, 0700 }, { 002, 0664, 0775 }, { 0, 0666, 0777 }
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        mode_t mask = umask(cases[i].mask);
        hf__tree_list none = { NULL, NULL, 0 };
        box b = box_open(false);
        const char *files[] = { "blobs/8e2e871357bef652084a73f7173adc5eb8859a33", "refs/main",
                                "trees/" COMMIT_A ".json", ".no_exist/" COMMIT_A "/x" };
        struct stat st;

        tiny_fetch(b.repo, COMMIT_A, &tiny_files[0]);
        assert_int_equal(hf__cache_ref_write(b.repo, "main", COMMIT_A, NULL), HF_OK);
        assert_int_equal(hf__cache_no_exist_write(b.repo, COMMIT_A, "x", NULL), HF_OK);
        assert_int_equal(hf__cache_tree_write(b.repo, NULL, COMMIT_A, &none, NULL), HF_OK);
        umask(mask);
        for (size_t k = 0; k < HF__COUNT(files); k++) {
            assert_int_equal(stat(in_repo(&b, files[k]), &st), 0);
            assert_int_equal(st.st_mode & 07777, cases[i].file);
        }
        assert_int_equal(stat(in_repo(&b, "snapshots/" COMMIT_A), &st), 0);
        assert_int_equal(st.st_mode & 07777, cases[i].dir);
        assert_int_equal(stat(unit_path(&b.dir, "hub/.locks/" TINY
                                                "/8e2e871357bef652084a73f7173adc5eb8859a33.lock"),
                              &st),
                         0);
        assert_int_equal(st.st_mode & 07777, 0664);
        box_close(&b);
    }
}

/* ---- listings */

static bool tree_there(box *b, const char *content)
{
    hf__tree_list list;
    bool found = true;

    unit_write(in_repo(b, "trees/" COMMIT_A ".json"), content, strlen(content));
    assert_int_equal(hf__cache_tree_read(b->repo, NULL, COMMIT_A, &list, &found, NULL), HF_OK);
    assert_int_equal(found, list.arena != NULL);
    hf__tree_list_dispose(&list);
    return found;
}

#define OID           "0123456789abcdef0123456789abcdef01234567"
#define SHA           "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LISTED(entry) "{\"format_version\": 1, \"files\": {" entry "}}"

void test_cache__listings_that_are_used_and_ignored(void **state)
{
    box b = box_of(python_cache, HF__COUNT(python_cache));
    static char deep[200000];

    (void)state;
    assert_true(tree_there(&b, LISTED("")));
    assert_true(tree_there(&b, LISTED("\"a\": {\"size\": 1, \"blob_id\": \"" OID "\"}")));
    assert_true(
        tree_there(&b, LISTED("\"a\": {\"size\": 1, \"blob_id\": \"" OID "\", \"more\": [1]}")));
    assert_true(tree_there(&b, LISTED("\"a\": {\"size\": 1, \"blob_id\": \"" OID
                                      "\", \"lfs_sha256\": \"" SHA
                                      "\", \"lfs_size\": 1, \"xet_hash\": \"" SHA "\"}")));
    assert_false(tree_there(&b, "{\"format_version\": 2, \"files\": {}}"));
    assert_false(tree_there(&b, "{\"files\": {}}"));
    assert_false(tree_there(&b, "{\"format_version\": 1}"));
    assert_false(tree_there(&b, "{\"format_version\": 1, \"files\": []}"));
    assert_false(tree_there(&b, "[]"));
    assert_false(tree_there(&b, ""));
    assert_false(tree_there(&b, "{\"format_version\": 1, \"files\": {"));
    assert_false(tree_there(&b, LISTED("\"a\": {\"blob_id\": \"" OID "\"}")));
    assert_false(tree_there(&b, LISTED("\"a\": {\"size\": 1}")));
    assert_false(tree_there(&b, LISTED("\"a\": {\"size\": -1, \"blob_id\": \"" OID "\"}")));
    assert_false(tree_there(&b, LISTED("\"a\": {\"size\": 1, \"blob_id\": \"../x\"}")));
    assert_false(tree_there(&b, LISTED("\"../a\": {\"size\": 1, \"blob_id\": \"" OID "\"}")));
    assert_false(tree_there(&b, LISTED("\"/a\": {\"size\": 1, \"blob_id\": \"" OID "\"}")));
    assert_false(tree_there(
        &b, LISTED("\"a\": {\"size\": 1, \"blob_id\": \"" OID "\", \"xet_hash\": \"x\"}")));
    assert_false(tree_there(
        &b, LISTED("\"a\": {\"size\": 1, \"blob_id\": \"" OID "\", \"lfs_sha256\": \"x\"}")));
    memset(deep, '[', sizeof(deep) - 1);
    assert_false(tree_there(&b, deep));
    box_close(&b);
}

void test_cache__a_listing_in_the_bytes_of_python(void **state)
{
    /* json.dump(…, indent=1) of the same by Python 3.11 */
    static const char expected[] =
        "{\n \"format_version\": 1,\n \"files\": {\n  \"README.md\": {\n   \"size\": 7,\n   "
        "\"blob_id\": "
        "\"8e2e871357bef652084a73f7173adc5eb8859a33\"\n  },\n  \"model.safetensors\": {\n   "
        "\"size\": 320,\n   "
        "\"blob_id\": \"63bbb9a1e35d40a3ea2a0cf37e2de2d4d9b1b4a1\",\n   \"lfs_sha256\": "
        "\"" TINY_SHA256 "\",\n   \"lfs_size\": 320,\n   \"xet_hash\": \"" SHA "\"\n  },\n  "
        "\"sp ace #%+\\u00e9\\ud83d\\ude00.txt\": {\n   \"size\": 9,\n   \"blob_id\": "
        "\"9b14b036e8fa32aed190ea5b7d19c68fc17beccd\"\n  }\n }\n}";
    hf__entry entries[3];
    hf__tree_list list = { NULL, entries, 0 };
    box b = box_open(false);

    (void)state;
    add_entry(&list, &tiny_files[0]);
    add_entry(&list, &tiny_files[4]);
    entries[1].xet_hash = SHA;
    add_entry(&list, &tiny_files[5]);
    assert_int_equal(hf__cache_tree_write(b.repo, NULL, COMMIT_A, &list, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "trees/" COMMIT_A ".json")), expected);
    list.n = 0;
    assert_int_equal(hf__cache_tree_write(b.repo, NULL, COMMIT_B, &list, NULL), HF_OK);
    assert_string_equal(unit_read(in_repo(&b, "trees/" COMMIT_B ".json")),
                        "{\n \"format_version\": 1,\n \"files\": {}\n}");
    /* One malformed Xet hash, and the listing is not to be kept at all. */
    list.n = 3;
    entries[1].xet_hash = "x";
    assert_int_equal(unlink(in_repo(&b, "trees/" COMMIT_A ".json")), 0);
    assert_int_equal(hf__cache_tree_write(b.repo, NULL, COMMIT_A, &list, NULL), HF_OK);
    assert_false(unit_exists(in_repo(&b, "trees/" COMMIT_A ".json")));
    box_close(&b);
}
