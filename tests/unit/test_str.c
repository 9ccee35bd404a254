/* SPDX-License-Identifier: Apache-2.0 */
#include "core/str.h"

#include "unit.h"

#define STR(text) hf__str_from(text)

void test_str__equality_needs_same_length_and_bytes(void **state)
{
    (void)state;
    assert_true(hf__str_eq(STR("abc"), STR("abc")));
    assert_false(hf__str_eq(STR("abc"), STR("abcd")));
    assert_false(hf__str_eq(STR("abc"), STR("abC")));
    assert_true(hf__str_eq(STR(""), (hf__str){ NULL, 0 }));
    assert_true(hf__str_eq((hf__str){ "a\0b", 3 }, (hf__str){ "a\0b", 3 }));
    assert_false(hf__str_eq((hf__str){ "a\0b", 3 }, (hf__str){ "a\0c", 3 }));
}

void test_str__nocase_is_ascii_only(void **state)
{
    (void)state;
    assert_true(hf__str_eq_nocase(STR("X-Repo-Commit"), STR("x-rEPO-cOMMIT")));
    assert_false(hf__str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    assert_false(hf__str_eq_nocase(STR("["), STR("{"))); /* 0x20 apart, but no letters */
    assert_false(hf__str_eq_nocase(STR("@"), STR("`")));
    assert_false(hf__str_eq_nocase(STR("a"), STR("ab")));
}

void test_str__starts_and_ends(void **state)
{
    (void)state;
    assert_true(hf__str_starts(STR("hf://x"), STR("hf://")));
    assert_false(hf__str_starts(STR("hf:/"), STR("hf://")));
    assert_true(hf__str_starts(STR("x"), STR("")));
    assert_true(hf__str_ends(STR("name.git"), STR(".git")));
    assert_false(hf__str_ends(STR("git"), STR(".git")));
    assert_true(hf__str_ends((hf__str){ NULL, 0 }, STR("")));
}

void test_str__trim_takes_blanks_of_both_ends(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "", "" },
        { " \t\r\n", "" },
        { "a", "a" },
        { "  a b \r\n", "a b" },
        { "\va\v", "\va\v" } /* only the four that are named */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(hf__str_eq(hf__str_trim(STR(cases[i].in)), STR(cases[i].out)));
    assert_int_equal(hf__str_trim((hf__str){ NULL, 0 }).len, 0);
}

void test_str__cut_at_first_separator(void **state)
{
    hf__str rest;

    (void)state;
    assert_true(hf__str_eq(hf__str_cut(STR("a/b/c"), '/', &rest), STR("a")));
    assert_true(hf__str_eq(rest, STR("b/c")));

    assert_true(hf__str_eq(hf__str_cut(STR("abc"), '/', &rest), STR("abc")));
    assert_null(rest.ptr);
    assert_int_equal(rest.len, 0);

    /* A separator at the end leaves an empty rest that is there: the caller can tell. */
    assert_true(hf__str_eq(hf__str_cut(STR("a/"), '/', &rest), STR("a")));
    assert_non_null(rest.ptr);
    assert_int_equal(rest.len, 0);

    assert_int_equal(hf__str_cut(STR("/a"), '/', &rest).len, 0);
    assert_true(hf__str_eq(rest, STR("a")));
}

void test_str__cut_may_write_over_its_input(void **state)
{
    hf__str rest = STR("a,b,c");
    char seen[8] = "";

    (void)state;
    while (rest.ptr) {
        hf__str part = hf__str_cut(rest, ',', &rest);
        assert_int_equal(part.len, 1);
        strncat(seen, part.ptr, 1);
    }
    assert_string_equal(seen, "abc");
}

void test_str__numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "00012", true, 12 },
        { "18446744073709551615", true, UINT64_MAX },
        { "18446744073709551616", false, 0 }, /* one too many */
        { "18446744073709551620", false, 0 },
        { "184467440737095516150", false, 0 },
        { "99999999999999999999", false, 0 },
        { "", false, 0 },
        { "-1", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "1_0", false, 0 },
        { "0x1", false, 0 },
        { "\xd9\xa1", false, 0 }, /* a digit, but not of ours */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 77;

        assert_int_equal(hf__str_to_u64(STR(cases[i].text), &value), cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 77)); /* written on success only */
    }
}

void test_str__hex_is_lower_case_and_exact(void **state)
{
    (void)state;
    assert_true(hf__str_is_hex(STR("0123456789abcdef"), 16));
    assert_false(hf__str_is_hex(STR("0123456789abcdeF"), 16));
    assert_false(hf__str_is_hex(STR("0123456789abcde"), 16));
    assert_false(hf__str_is_hex(STR("0123456789abcdef0"), 16));
    assert_false(hf__str_is_hex(STR("0123456789abcdeg"), 16));
    assert_false(hf__str_is_hex((hf__str){ "ab\0d", 4 }, 4));
}
