/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"

#include "core/error.h"

#include "unit.h"

#include <pwd.h>

#define NAME "HF_UNIT_TEST_VARIABLE"

void test_env__truth_is_four_words(void **state)
{
    static const struct {
        const char *value;
        bool truth;
    } cases[] = { { NULL, false },    { "", false },      { "1", true },     { "ON", true },
                  { "on", true },     { "Yes", true },    { "TRUE", true },  { "tRuE", true },
                  { "0", false },     { "y", false },     { "t", false },    { "2", false },
                  { " true", false }, { "1 ", false },    { "AUTO", false }, { "false", false },
                  { "11", false },    { "truely", false } };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(hf__env_truthy(cases[i].value), cases[i].truth);
}

void test_env__unset_and_empty_are_told_apart(void **state)
{
    (void)state;
    unsetenv(NAME);
    assert_null(hf__env_get(NAME));
    assert_null(hf__env_get_nonempty(NAME));
    setenv(NAME, "", 1);
    assert_string_equal(hf__env_get(NAME), "");
    assert_null(hf__env_get_nonempty(NAME));
    setenv(NAME, "x", 1);
    assert_string_equal(hf__env_get_nonempty(NAME), "x");
    unsetenv(NAME);
}

void test_env__numbers_as_python_reads_them(void **state)
{
    static const struct {
        const char *value;
        bool ok;
        uint32_t number;
    } cases[] = {
        { NULL, true, 10 },
        { "7", true, 7 },
        { " 7\n", true, 7 },
        { "+7", true, 7 },
        { "1_000", true, 1000 },
        { "000000000000000000000000000000000000000000007", true, 7 },
        { "0", true, 10 }, /* "value or default" */
        { "-0", true, 10 },
        { "4294967", true, 4294967 },
        { "4294968", false, 0 }, /* more milliseconds than 32 bits hold */
        { "99999999999999999999999999", false, 0 },
        { "-7", false, 0 },
        { "", false, 0 },
        { " ", false, 0 },
        { "+", false, 0 },
        { "- 7", false, 0 },
        { "--7", false, 0 },
        { "_7", false, 0 },
        { "7_", false, 0 },
        { "7__0", false, 0 },
        { "7 0", false, 0 },
        { "7.0", false, 0 },
        { "0x7", false, 0 },
        { "ten", false, 0 },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_error err = HF_ERROR_INIT;
        uint32_t number = 77;
        hf_status st;

        if (cases[i].value)
            setenv(NAME, cases[i].value, 1);
        else
            unsetenv(NAME);
        st = hf__env_int(NAME, 10, &number, &err);
        if ((st == HF_OK) != cases[i].ok)
            fail_msg("'%s' gave %d: %s", cases[i].value ? cases[i].value : "unset", (int)st,
                     err.message);
        assert_int_equal(number, cases[i].ok ? cases[i].number : 77);
        if (!cases[i].ok) {
            assert_int_equal(st, HF_ERR_INVALID_ARG);
            assert_non_null(strstr(err.message, NAME));
        }
    }
    unsetenv(NAME);
}

static void check_path(const char *in, const char *out)
{
    hf__buf buf;

    hf__buf_init(&buf, 4096);
    hf__env_expand_path(&buf, in);
    assert_string_equal(hf__buf_cstr(&buf), out);
    assert_int_equal(buf.status, HF_OK);
    hf__buf_dispose(&buf);
}

void test_env__paths_are_expanded(void **state)
{
    /* Right column: os.path.expandvars(os.path.expanduser(path)) of Python 3. */
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "", "" },
        { "/plain/path", "/plain/path" },
        { "~", "/home/someone" },
        { "~/x", "/home/someone/x" },
        { "~//x", "/home/someone//x" },
        { "x/~", "x/~" },
        { "~hf-no-such-user/x", "~hf-no-such-user/x" },
        { "$A/x", "value/x" },
        { "${A}x", "valuex" },
        { "$Ax", "$Ax" },
        { "$A$A", "valuevalue" },
        { "/a$A.b", "/avalue.b" },
        { "$", "$" },
        { "$$A", "$value" },
        { "${A", "${A" },
        { "${}", "${}" },
        { "${HF_UNSET}/$A", "${HF_UNSET}/value" },
        { "$HF_UNSET$A", "$HF_UNSETvalue" },
        { "${x$A}", "${x$A}" }, /* one unknown name */
        { "$B", "" },
        { "$-A", "$-A" },
        { "$C", "$A" }, /* once only */
        { "\xc3\xa9$A", "\xc3\xa9value" },
    };
    const char *home = getenv("HOME");
    char *kept = home ? strdup(home) : NULL;
    size_t i;

    (void)state;
    setenv("HOME", "/home/someone", 1);
    setenv("A", "value", 1);
    setenv("B", "", 1);
    setenv("C", "$A", 1);
    unsetenv("Ax");
    unsetenv("HF_UNSET");
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        check_path(cases[i].in, cases[i].out);
    unsetenv("A");
    unsetenv("B");
    unsetenv("C");

    setenv("HOME", "/", 1);
    check_path("~", "/");
    check_path("~/x", "/x");
    setenv("HOME", "/h//", 1);
    check_path("~/x", "/h/x");
    setenv("HOME", "", 1);
    check_path("~/x", "/x");
    check_path("~", "/");
    if (kept)
        setenv("HOME", kept, 1);
    else
        unsetenv("HOME");
    free(kept);
}

void test_env__home_of_the_user_database(void **state)
{
    const struct passwd *me = getpwuid(getuid());
    const char *home = getenv("HOME");
    char *kept = home ? strdup(home) : NULL;
    char in[300], out[4096];

    (void)state;
    if (me && me->pw_dir && me->pw_dir[1]) {
        snprintf(out, sizeof out, "%s/x", me->pw_dir);
        snprintf(in, sizeof in, "~%s/x", me->pw_name);
        check_path(in, out);
        unsetenv("HOME");
        check_path("~/x", out);
    }
    if (kept)
        setenv("HOME", kept, 1);
    free(kept);
}
