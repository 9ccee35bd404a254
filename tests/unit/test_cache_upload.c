/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of an upload: the official client's, and what must not be believed of them. */
#include "unit.h"

#include "cache/cache.h"

#define BOOKS  ".cache/huggingface/upload"
#define SHA256 "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static void put(const unit_dir *dir, const char *rel, const char *text)
{
    char *path = strdup(unit_path(dir, rel));

    for (char *slash = strchr(path + strlen(dir->path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    unit_write(path, text, strlen(text));
    free(path);
}

void test_cache_upload__read(void **state)
{
    static const struct {
        const char *text;
        bool known;
    } table[] = {
        /* as huggingface_hub 1.29.0 writes them: hashed; asked about; uploaded; committed */
        { "1769000000.1234567\n6\n\n" SHA256 "\n\n\n0\n0\n", true },
        { "1769000000.1234567\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n", true },
        { "1769000000.5\n6\n0\n" SHA256 "\nlfs\n" SHA256 "\n1\n0\n", true },
        { "1769000000.1234567\n6\n0\n" SHA256
          "\nregular\nce013625030ba8dba906f756967f9e9ca394464a\n1\n1\n",
          true },
        { "1769000000\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n", true },
        /* nothing hashed; another size; before the file was written; not a note */
        { "1769000000.1234567\n6\n0\n\nregular\n\n0\n0\n", false },
        { "1769000000.1234567\n7\n0\n" SHA256 "\nlfs\n\n0\n0\n", false },
        { "1768999999.9\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n", false },
        { "", false },
        { "\n\n\n\n\n\n\n\n", false },
        { "1769000000.1\n6\n0\n" SHA256, false },
        { "-5\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n", false },
        { "nan\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n", false },
        { "1769000000.x\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n", false },
        { "1769000000.1\n6\n0\n" SHA256 "0\nlfs\n\n0\n0\n", false },
        { "1769000000.1\n6\n0\nabc\nlfs\n\n0\n0\n", false },
        { "1769000000.1\n6\n0\n../../../../../../../../etc/"
          "passwd-and-more-of-it-until-64-bytes-ar\nlfs\n\n0\n0\n",
          false },
    };
    unit_dir dir = unit_dir_make();

    (void)state;
    for (size_t i = 0; i < HF__COUNT(table); i++) {
        char sha256[65] = "";

        put(&dir, BOOKS "/a b/\303\274.bin.metadata", table[i].text);
        if (hf__cache_upload_read(dir.path, "a b/\303\274.bin", 6, 1769000000.0, sha256) !=
            table[i].known)
            fail_msg("note %zu is%s believed", i, table[i].known ? " not" : "");
        if (table[i].known)
            assert_string_equal(sha256, SHA256);
    }
    assert_false(hf__cache_upload_read(dir.path, "other", 6, 0, (char[65]){ 0 }));
    unit_dir_remove(&dir);
}

void test_cache_upload__write(void **state)
{
    hf__cache_upload note = {
        .at = 1769000000.25, .size = 6, .sha256 = SHA256, .there = "", .lfs = true
    };
    unit_dir dir = unit_dir_make();
    char sha256[65];

    (void)state;
    assert_int_equal(hf__cache_upload_write(dir.path, "a/b c.bin", &note, NULL), HF_OK);
    assert_string_equal(unit_read(unit_path(&dir, BOOKS "/a/b c.bin.metadata")),
                        "1769000000.2500000\n6\n0\n" SHA256 "\nlfs\n\n0\n0\n");
    assert_true(hf__cache_upload_read(dir.path, "a/b c.bin", 6, 1769000000.0, sha256));
    note.uploaded = note.committed = true;
    assert_int_equal(hf__cache_upload_write(dir.path, "a/b c.bin", &note, NULL), HF_OK);
    assert_string_equal(unit_read(unit_path(&dir, BOOKS "/a/b c.bin.metadata")),
                        "1769000000.2500000\n6\n0\n" SHA256 "\nlfs\n\n1\n1\n");
    unit_dir_remove(&dir);
}

/* The folder may be anybody's: a link in the place of ours does not lead us away. */
void test_cache_upload__no_link_is_followed(void **state)
{
    hf__cache_upload note = { .at = 1, .size = 6, .sha256 = SHA256, .there = "", .lfs = true };
    unit_dir dir = unit_dir_make();
    unit_dir away = unit_dir_make();

    (void)state;
    assert_int_equal(symlink(away.path, unit_path(&dir, ".cache")), 0);
    assert_int_not_equal(hf__cache_upload_write(dir.path, "x", &note, NULL), HF_OK);
    assert_false(unit_exists(unit_path(&away, "huggingface")));
    assert_int_equal(remove(unit_path(&dir, ".cache")), 0);
    put(&dir, BOOKS "/y.metadata", "");
    assert_int_equal(symlink(away.path, unit_path(&dir, BOOKS "/sub")), 0);
    assert_int_not_equal(hf__cache_upload_write(dir.path, "sub/x", &note, NULL), HF_OK);
    assert_false(unit_exists(unit_path(&away, "x.metadata")));
    assert_false(unit_exists(unit_path(&away, "x.lock")));
    unit_dir_remove(&dir);
    unit_dir_remove(&away);
}
