/* SPDX-License-Identifier: Apache-2.0 */
/* The flat cache of the first client library (cache.md 22). The hashes are Python's hashlib's. */
#include "cache/cache.h"

#include "core/error.h"
#include "core/limits.h"

#include "unit.h"

#include <utime.h>

#define URL     "https://huggingface.co/julien-c/EsperBERTo-small/resolve/main/config.json"
#define URL_SHA "d10a45f9176fc7b927914e46a0baab9fc0dbfd521d874b5339b18ef91c99936c"
#define ETAG_SHA                                                                                   \
    "6cc43f858fbb763301637b5af970e2a46b46f461f27e5a0f41e009c59b827b25" /* "abc", with its quotes */
#define WEAK_SHA "034152cd0f1c317cf1bb25deed91cf9e0aee94284f5fa5f23a79500acbce2887" /* W/"x" */
#define H5_SHA   "8e6b2ee8f5c8abecd6d741707d48883f99888a5be6aa071dc860395cb6a6277b"

void test_cache_legacy__names(void **state)
{
    static const struct {
        const char *url;
        const char *etag;
        const char *name;
    } cases[] = {
        { URL, "\"abc\"", URL_SHA "." ETAG_SHA },
        { URL, "W/\"x\"", URL_SHA "." WEAK_SHA },
        { URL, "", URL_SHA },
        { URL, NULL, URL_SHA },
        { "https://x.org/tf_model.h5", "\"abc\"", H5_SHA "." ETAG_SHA ".h5" },
        { "https://x.org/tf_model.h5", NULL, H5_SHA ".h5" },
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        hf__legacy_file file;

        assert_int_equal(hf__legacy_name(cases[i].url, cases[i].etag, &file, NULL), HF_OK);
        assert_string_equal(file.name, cases[i].name);
    }
}

void test_cache_legacy__sidecar(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, URL_SHA "." ETAG_SHA);

    (void)state;
    assert_int_equal(hf__legacy_sidecar_write(path, URL, "\"abc\"", NULL), HF_OK);
    assert_string_equal(unit_read(unit_path(&dir, URL_SHA "." ETAG_SHA ".json")),
                        "{\"url\": \"" URL "\", \"etag\": \"\\\"abc\\\"\"}");
    assert_int_equal(hf__legacy_sidecar_write(path, "https://x.org/\xc3\xa9\\\n", "e", NULL),
                     HF_OK);
    assert_string_equal(unit_read(unit_path(&dir, URL_SHA "." ETAG_SHA ".json")),
                        "{\"url\": \"https://x.org/\\u00e9\\\\\\n\", \"etag\": \"e\"}");
    assert_int_equal(hf__legacy_sidecar_write(unit_path(&dir, "none/x"), URL, "e", NULL),
                     HF_ERR_IO);
    unit_dir_remove(&dir);
}

static void put(const unit_dir *dir, const char *name, time_t when)
{
    struct utimbuf times = { when, when };

    unit_write(unit_path(dir, name), name, strlen(name));
    assert_int_equal(utime(unit_path(dir, name), &times), 0);
}

void test_cache_legacy__any_version_will_do(void **state)
{
    unit_dir dir = unit_dir_make();
    bool found = true;
    hf__buf path;

    (void)state;
    hf__buf_init(&path, HF__MAX_PATH);
    assert_int_equal(hf__legacy_find_any(unit_path(&dir, "none"), URL, &path, &found, NULL), HF_OK);
    assert_false(found);
    put(&dir, URL_SHA, 2000); /* no etag was known: only the exact name finds it */
    put(&dir, URL_SHA "." ETAG_SHA ".json", 2001);
    put(&dir, URL_SHA "." ETAG_SHA ".lock", 2002);
    put(&dir, URL_SHA "." ETAG_SHA ".incomplete", 2003);
    put(&dir, URL_SHA "." ETAG_SHA ".hf-01234567.incomplete", 2003);
    put(&dir, URL_SHA "x." ETAG_SHA, 2004);
    put(&dir, H5_SHA "." ETAG_SHA, 2005);
    assert_int_equal(mkdir(unit_path(&dir, URL_SHA ".folder"), 0755), 0);
    assert_int_equal(symlink("/etc/passwd", unit_path(&dir, URL_SHA ".link")), 0);
    assert_int_equal(hf__legacy_find_any(dir.path, URL, &path, &found, NULL), HF_OK);
    assert_false(found);
    put(&dir, URL_SHA "." ETAG_SHA, 1000);
    put(&dir, URL_SHA "." WEAK_SHA, 1500);
    put(&dir, URL_SHA "." H5_SHA, 1200);
    assert_int_equal(hf__legacy_find_any(dir.path, URL, &path, &found, NULL), HF_OK);
    assert_true(found);
    assert_string_equal(hf__buf_cstr(&path),
                        unit_path(&dir, URL_SHA "." WEAK_SHA)); /* the newest */
    put(&dir, H5_SHA "." WEAK_SHA ".h5", 1);
    assert_int_equal(unlink(unit_path(&dir, H5_SHA "." ETAG_SHA)), 0);
    assert_int_equal(
        hf__legacy_find_any(dir.path, "https://x.org/tf_model.h5", &path, &found, NULL), HF_OK);
    assert_true(found);
    assert_string_equal(hf__buf_cstr(&path), unit_path(&dir, H5_SHA "." WEAK_SHA ".h5"));
    hf__buf_dispose(&path);
    unit_dir_remove(&dir);
}

void test_cache_legacy__a_forced_name_may_have_folders(void **state)
{
    unit_dir dir = unit_dir_make();
    hf__cache_part *part = NULL;
    hf__os_lock lock, second;
    bool got = false;

    (void)state;
    /* The lock comes first, in a directory that nobody has made yet. */
    assert_int_equal(hf__legacy_lock(unit_path(&dir, "new"), "sub/deep/x", &lock, &got, NULL),
                     HF_OK);
    assert_true(got);
    assert_true(unit_exists(unit_path(&dir, "new/sub/deep/x.lock")));
    assert_int_equal(hf__legacy_lock(unit_path(&dir, "new"), "sub/deep/x", &second, &got, NULL),
                     HF_OK);
    assert_false(got);
    assert_int_equal(hf__legacy_begin(unit_path(&dir, "new"), "sub/deep/x", 3, &part, NULL), HF_OK);
    assert_int_equal(write(hf__cache_part_fd(part), "abc", 3), 3);
    assert_int_equal(hf__cache_part_commit(part, "h", "h", 3, NULL), HF_OK);
    assert_string_equal(unit_read(unit_path(&dir, "new/sub/deep/x")), "abc");
    hf__os_lock_release(&lock);
    unit_dir_remove(&dir);
}

void test_cache_legacy__planted_links_are_not_followed(void **state)
{
    unit_dir dir = unit_dir_make();
    unit_dir outside = unit_dir_make();
    hf__cache_part *part = NULL;
    hf__os_lock lock;
    bool got = true;

    (void)state;
    assert_int_equal(symlink(outside.path, unit_path(&dir, "sub")), 0);
    assert_int_equal(hf__legacy_lock(dir.path, "sub/x", &lock, &got, NULL), HF_ERR_UNSAFE_PATH);
    assert_false(got);
    assert_int_equal(hf__legacy_begin(dir.path, "sub/x", 3, &part, NULL), HF_ERR_UNSAFE_PATH);
    assert_int_equal(hf__legacy_begin(dir.path, "../x", 3, &part, NULL), HF_ERR_UNSAFE_PATH);
    assert_null(part);
    assert_false(unit_exists(unit_path(&outside, "x.lock")));
    unit_dir_remove(&outside);
    unit_dir_remove(&dir);
}
