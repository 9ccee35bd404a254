/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include "core/error.h"
#include "core/limits.h"

#include "unit.h"

/* ---- repo types and ids */

void test_model__repo_types(void **state)
{
    static const char *const singular[] = { "model", "dataset", "space", "kernel" };
    static const char *const plural[] = { "models", "datasets", "spaces", "kernels" };
    hf_repo_type type;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_string_equal(hf__repo_type_name((hf_repo_type)i), singular[i]);
        assert_string_equal(hf__repo_type_plural((hf_repo_type)i), plural[i]);
        assert_true(hf__repo_type_parse(hf__str_from(singular[i]), &type));
        assert_int_equal(type, i);
        assert_true(hf__repo_type_parse(hf__str_from(plural[i]), &type));
        assert_int_equal(type, i);
    }
    assert_null(hf__repo_type_name((hf_repo_type)4));
    assert_null(hf__repo_type_name((hf_repo_type)-1));
    assert_null(hf__repo_type_plural((hf_repo_type)99));
    assert_false(hf__repo_type_parse(HF__STR(""), &type));
    assert_false(hf__repo_type_parse(HF__STR("Model"), &type));
    assert_false(hf__repo_type_parse(HF__STR("modelss"), &type));
}

void test_model__repo_ids(void **state)
{
    char long_name[100];
    static const char *const good[] = { "gpt2",       "openai-community/gpt2",
                                        "a/b",        "A_b.c-d/E.f",
                                        "_a/_b",      "0/1",
                                        "a.git/b",    "x/y.gitx",
                                        "models/gpt2" };
    static const char *const wrong[] = {
        "",       "/",     "a/",   "/a",         "a/b/c",   "a//b", "a--b",
        "a/b--c", "a..b",  "a/..", "..",         ".",       "-a",   "a-",
        "a/.b",   "a/b.",  "a/-b", "a.git",      "a/b.git", "a b",  "a/b c",
        "a\\b",   "a/b\n", "a:b",  "a/\xc3\xa9", "a%2Fb",   "~/x",  "a/b\x1b[1m",
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(good); i++)
        assert_int_equal(hf__repo_id_check(good[i], NULL), HF_OK);
    for (size_t i = 0; i < HF__COUNT(wrong); i++) {
        hf_error err = HF_ERROR_INIT;

        assert_int_equal(hf__repo_id_check(wrong[i], &err), HF_ERR_INVALID_ARG);
        assert_non_null(strstr(err.message, "is not a repo id"));
        assert_null(strchr(err.message, '\x1b'));
    }
    assert_int_equal(hf__repo_id_check(NULL, NULL), HF_ERR_INVALID_ARG);
    memset(long_name, 'a', sizeof(long_name));
    long_name[96] = '\0';
    assert_int_equal(hf__repo_id_check(long_name, NULL), HF_OK);
    long_name[96] = 'a';
    long_name[97] = '\0';
    assert_int_equal(hf__repo_id_check(long_name, NULL), HF_ERR_INVALID_ARG);
}

void test_model__revisions(void **state)
{
    static const char *const good[] = { "main", "refs/pr/1", "v1.0", "feat/x y", "caf\xc3\xa9",
                                        "@",    "a.b",       "...",  "0123456" };
    static const char *const wrong[] = { "",     "/",      "a/", "/a",  "a//b", "..",   "a/..",
                                         "../a", "a/../b", ".",  "./a", "a\\b", "a\nb", "a\x7f" };
    hf_repo_ref repo = { HF_REPO_MODEL, "a/b", NULL };
    char long_text[600];

    (void)state;
    assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_OK);
    assert_string_equal(hf__revision_or_main(&repo), "main");
    for (size_t i = 0; i < HF__COUNT(good); i++) {
        repo.revision = good[i];
        assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_OK);
        assert_string_equal(hf__revision_or_main(&repo), good[i]);
    }
    for (size_t i = 0; i < HF__COUNT(wrong); i++) {
        repo.revision = wrong[i];
        assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_ERR_INVALID_ARG);
    }
    memset(long_text, 'a', sizeof(long_text));
    long_text[599] = '\0';
    repo.revision = long_text; /* a component that is no file name, and too long altogether */
    assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_ERR_INVALID_ARG);
    long_text[241] = '\0';
    assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_ERR_INVALID_ARG);
    long_text[240] = '\0';
    assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_OK);
    repo.revision = NULL;
    repo.type = (hf_repo_type)7;
    assert_int_equal(hf__repo_ref_check(&repo, NULL), HF_ERR_INVALID_ARG);
    assert_int_equal(hf__repo_ref_check(NULL, NULL), HF_ERR_INVALID_ARG);
}

void test_model__a_commit_is_forty_lower_case_digits(void **state)
{
    (void)state;
    assert_true(hf__is_commit("0123456789abcdef0123456789abcdef01234567"));
    assert_false(hf__is_commit("0123456789ABCDEF0123456789abcdef01234567"));
    assert_false(hf__is_commit("0123456789abcdef0123456789abcdef0123456"));
    assert_false(hf__is_commit("0123456789abcdef0123456789abcdef012345678"));
    assert_false(hf__is_commit("g123456789abcdef0123456789abcdef01234567"));
    assert_false(hf__is_commit(""));
    assert_false(hf__is_commit(NULL));
}

/* ---- paths */

void test_model__paths_that_are_refused(void **state)
{
    static const struct {
        const char *path;
        const char *why;
    } cases[] = {
        { "", "empty" },
        { "/etc/passwd", "absolute" },
        { "../x", "'..'" },
        { "a/../../x", "'..'" },
        { "a/..", "'..'" },
        { "..", "'..'" },
        { ".", "'.'" },
        { "./a", "'.'" },
        { "a/./b", "'.'" },
        { "a//b", "empty component" },
        { "a/", "empty component" },
        { "//host/share", "absolute" },
        { "a\\b", "backslash" },
        { "..\\x", "backslash" },
        { "\\\\host\\share", "backslash" },
        { "C:x", "drive" },
        { "c:/x", "drive" },
        { "a/C:x", "drive" },
        { ".git", "'.git'" },
        { ".git/config", "'.git'" },
        { "a/.GIT/hooks/x", "'.git'" },
        { "a/.Git", "'.git'" },
        { "a\nb", "control" },
        { "a\x1b[2J", "control" },
        { "a\x7f", "control" },
        { "a\tb", "control" },
        { "a\xc2\x9b", "control" }, /* CSI in one character */
        { "\xff", "UTF-8" },
        { "a/\xc0\xaf/b", "UTF-8" }, /* an overlong '/' */
        { "\xed\xa0\x80", "UTF-8" }, /* a surrogate */
        { "a\xe2\x82", "UTF-8" },    /* cut */
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        hf_error err = HF_ERROR_INIT;

        assert_int_equal(hf__repo_path_check(cases[i].path, &err), HF_ERR_UNSAFE_PATH);
        if (!strstr(err.message, cases[i].why))
            fail_msg("'%s': %s", cases[i].path, err.message);
        assert_null(strchr(err.message, '\x1b'));
        assert_null(strchr(err.message, '\n'));
    }
    assert_int_equal(hf__repo_path_check(NULL, NULL), HF_ERR_UNSAFE_PATH);
}

void test_model__paths_that_are_fine(void **state)
{
    static const char *const good[] = {
        "a",         "a/b/c",    ".gitattributes", "a/.gitignore",
        ".github/x", "...",      "a b#%+&?.txt",   "caf\xc3\xa9/\xf0\x9f\x98\x80",
        "-",         ".cache/x", "a..b",           "1:x",
        ":",         "git/.gitx"
    };
    char path[3000];

    (void)state;
    for (size_t i = 0; i < HF__COUNT(good); i++)
        assert_int_equal(hf__repo_path_check(good[i], NULL), HF_OK);
    memset(path, 'x', sizeof(path));
    path[255] = '\0';
    assert_int_equal(hf__repo_path_check(path, NULL), HF_OK);
    path[255] = 'x';
    path[256] = '\0';
    assert_int_equal(hf__repo_path_check(path, NULL), HF_ERR_UNSAFE_PATH);
    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 200 == 199 ? '/' : 'x';
    path[HF__MAX_REPO_PATH] = '\0';
    assert_int_equal(hf__repo_path_check(path, NULL), HF_OK);
    path[HF__MAX_REPO_PATH] = 'x';
    path[HF__MAX_REPO_PATH + 1] = '\0';
    assert_int_equal(hf__repo_path_check(path, NULL), HF_ERR_UNSAFE_PATH);
}

void test_model__paths_are_joined_and_then_checked(void **state)
{
    static const struct {
        const char *subfolder;
        const char *path;
        const char *expected; /* NULL: refused */
    } cases[] = {
        { NULL, "a", "a" },    { "", "a", "a" },    { "s/t", "a/b", "s/t/a/b" },
        { "s/", "a", NULL },   { "..", "a", NULL }, { "s", "../a", NULL },
        { "/s", "a", NULL },   { "s", "", NULL },   { "s", NULL, NULL },
        { ".git", "a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        hf__buf out;
        hf_status st;

        hf__buf_init(&out, HF__MAX_REPO_PATH + 1);
        st = hf__repo_path_join(&out, cases[i].subfolder, cases[i].path, NULL);
        assert_int_equal(st, cases[i].expected ? HF_OK : HF_ERR_UNSAFE_PATH);
        if (cases[i].expected)
            assert_string_equal(hf__buf_cstr(&out), cases[i].expected);
        hf__buf_dispose(&out);
    }
}

/* ---- etags */

void test_model__etags(void **state)
{
    static const struct {
        const char *header;
        const char *expected; /* NULL: unusable */
    } cases[] = {
        { "\"abc\"", "abc" },
        { "W/\"abc\"", "abc" },
        { "W/W/\"abc\"", "abc" },
        { "/W\"abc\"", "abc" },
        { "abc", "abc" },
        { "  \"abc\"\r\n", "abc" },
        { "\"\"abc\"\"", "abc" },
        { "W/abc", "abc" },
        { "\"abc-2\"", "abc-2" }, /* storage that counts its parts */
        { "\"Wabc\"", "Wabc" },
        { "WORLD", "ORLD" }, /* as the Python client has it */
        { "", NULL },
        { "\"\"", NULL },
        { "W/", NULL },
        { "\"..\"", NULL },
        { "\".\"", NULL },
        { "\".hidden\"", NULL },
        { "\"a/b\"", NULL },
        { "\"../../x\"", NULL },
        { "\"a\\b\"", NULL },
        { "\"a\"b\"", NULL },
        { "\"a b\"", NULL },
        { "\"a\x01\"", NULL },
        { "\"\xc3\xa9\"", NULL },
    };
    char text[300];
    hf__etag etag;

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        bool usable = hf__etag_parse(&etag, hf__str_from(cases[i].header));

        if (usable != (cases[i].expected != NULL))
            fail_msg("'%s'", cases[i].header);
        assert_string_equal(etag.text, usable ? cases[i].expected : "");
    }
    assert_false(hf__etag_parse(&etag, (hf__str){ "a\0b", 3 }));
    memset(text, 'f', sizeof(text));
    assert_true(hf__etag_parse(&etag, (hf__str){ text, HF__MAX_ETAG }));
    assert_false(hf__etag_parse(&etag, (hf__str){ text, HF__MAX_ETAG + 1 }));
    assert_true(hf__etag_parse(&etag, (hf__str){ text, 64 }));
    assert_true(hf__etag_is_sha256(&etag));
    assert_false(hf__etag_is_sha1(&etag));
    assert_true(hf__etag_parse(&etag, (hf__str){ text, 40 }));
    assert_true(hf__etag_is_sha1(&etag));
    assert_true(hf__etag_parse(&etag, HF__STR("\"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\"")));
    assert_false(hf__etag_is_sha1(&etag));
}

void test_model__blob_name_of_an_entry(void **state)
{
    hf__entry entry = { .path = "a", .oid = "o" };

    (void)state;
    assert_string_equal(hf__entry_etag(&entry), "o");
    entry.lfs_sha256 = "s";
    assert_string_equal(hf__entry_etag(&entry), "s");
}

/* ---- patterns */

void test_model__patterns_match_as_in_python(void **state)
{
    static const struct {
        const char *pattern;
        const char *path;
        int match;
    } cases[] = {
#include "../vectors/glob_cases.inc"
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++)
        if (hf__glob_match(cases[i].pattern, cases[i].path) != cases[i].match)
            fail_msg("pattern '%s', path '%s': Python says %d", cases[i].pattern, cases[i].path,
                     cases[i].match);
}

void test_model__patterns_allow_and_ignore(void **state)
{
    static const char *const allow[] = { "*.json", "data/" };
    static const char *const ignore[] = { "*secret*" };

    (void)state;
    assert_true(hf__glob_filter("a", NULL, 0, NULL, 0));
    assert_false(hf__glob_filter("a", allow, 0, NULL, 0)); /* an empty list allows nothing */
    assert_true(hf__glob_filter("x/a.json", allow, 2, NULL, 0));
    assert_true(hf__glob_filter("data/x", allow, 2, NULL, 0));
    assert_false(hf__glob_filter("database", allow, 2, NULL, 0));
    assert_false(hf__glob_filter("secret.json", allow, 2, ignore, 1));
    assert_false(hf__glob_filter("a/secrets/b", NULL, 0, ignore, 1));
    assert_true(hf__glob_filter("a", NULL, 0, ignore, 0));
}

/* Backtracking over every '*' would take for ever here. */
void test_model__patterns_stay_fast(void **state)
{
    char path[2001];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[2000] = '\0';
    for (int i = 0; i < 20; i++)
        assert_false(hf__glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
}

void test_model__patterns_survive_broken_text(void **state)
{
    static const char *const broken[] = { "\xff",  "\xe2\x82",     "[\xe2", "[\xe2\x82-",
                                          "a\xf0", "[!\xff-\xfe]", "*\xc3" };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(broken); i++)
        for (size_t k = 0; k < HF__COUNT(broken); k++)
            (void)hf__glob_match(broken[i], broken[k]);
    assert_true(hf__glob_match("\xff*", "\xff\xfe"));
    assert_true(hf__glob_match("?", "\xff"));
}

/* ---- URIs */

void test_model__uris_mean_what_they_mean_in_python(void **state)
{
    static const struct {
        const char *text;
        const char *type; /* empty: refused */
        const char *id;
        const char *revision;
        const char *path;
    } cases[] = {
#include "../vectors/uri_cases.inc"
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        hf_error err = HF_ERROR_INIT;
        hf__uri uri;
        hf_status st = hf__uri_parse(&uri, cases[i].text, &err);

        if ((st == HF_OK) != (cases[i].type[0] != '\0'))
            fail_msg("'%s': status %d: %s", cases[i].text, (int)st, err.message);
        if (st != HF_OK) {
            assert_int_equal(st, HF_ERR_INVALID_ARG);
            assert_int_equal(err.status, st);
            continue;
        }
        assert_string_equal(uri.is_bucket ? "bucket" : hf__repo_type_name(uri.type), cases[i].type);
        assert_string_equal(uri.id, cases[i].id);
        assert_string_equal(uri.revision, cases[i].revision);
        assert_string_equal(uri.path, cases[i].path);
    }
}

/* Where this parser means to differ: it keeps a '/' at the end, which says "a folder", and refuses
 * what Python takes apart in surprising ways. */
void test_model__uris_where_python_is_not_followed(void **state)
{
    static const char *const refused[] = {
        "hf://spaces/acme/x@refs/pr/12x/app.py",
        "hf://spaces/acme/x@refs/convert/a+b/z",
        "hf://acme/x@a%00b",
        "hf://acme/x@%E9",
        "https://user:pw@huggingface.co/acme/x",
        "https://huggingface.co:443/acme/x",
    };
    char text[5000];
    hf__uri uri;

    (void)state;
    for (size_t i = 0; i < HF__COUNT(refused); i++)
        assert_int_equal(hf__uri_parse(&uri, refused[i], NULL), HF_ERR_INVALID_ARG);
    assert_int_equal(hf__uri_parse(&uri, "hf://acme/x/dir/", NULL), HF_OK);
    assert_string_equal(uri.path, "dir/");
    assert_int_equal(hf__uri_parse(&uri, "hf://buckets/acme/x/run1/", NULL), HF_OK);
    assert_string_equal(uri.path, "run1/");
    /* too long in every place */
    for (int i = 0; i < 4; i++) {
        static const char *const starts[] = { "hf://", "hf://a/", "hf://a/b@", "hf://a/b/" };
        size_t len = strlen(starts[i]);

        memset(text, 'x', sizeof(text));
        memcpy(text, starts[i], len);
        if (i == 0)
            memcpy(text + 4000, "/b", 2);
        text[4999] = '\0';
        assert_int_equal(hf__uri_parse(&uri, text, NULL), HF_ERR_INVALID_ARG);
    }
}
