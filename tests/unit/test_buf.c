/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buf.h"

#include "unit.h"

void test_buf__empty_one_is_usable(void **state)
{
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 10);
    assert_string_equal(hf__buf_cstr(&buf), "");
    assert_int_equal(hf__buf_str(&buf).len, 0);
    assert_int_equal(buf.status, HF_OK);
    hf__buf_dispose(&buf);
    hf__buf_dispose(&buf); /* twice does no harm */
}

void test_buf__adds_of_every_kind(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0xab, 0xff };
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 1000);
    hf__buf_adds(&buf, "a");
    hf__buf_addc(&buf, 'b');
    hf__buf_add_str(&buf, HF__STR("cd"));
    hf__buf_add(&buf, "ef", 2);
    hf__buf_add(&buf, NULL, 0);
    hf__buf_add_str(&buf, (hf__str){ NULL, 0 });
    hf__buf_addf(&buf, "-%d-%s-", 42, "x");
    hf__buf_add_hex(&buf, bytes, sizeof bytes);
    assert_string_equal(hf__buf_cstr(&buf), "abcdef-42-x-00abff");
    assert_int_equal(buf.len, strlen("abcdef-42-x-00abff"));
    hf__buf_dispose(&buf);
}

void test_buf__holds_nul_bytes(void **state)
{
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 10);
    hf__buf_add(&buf, "a\0b", 3);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.ptr, "a\0b\0", 4);
    hf__buf_dispose(&buf);
}

void test_buf__maximum_is_exact_and_the_error_stays(void **state)
{
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 4);
    hf__buf_adds(&buf, "abcd");
    assert_int_equal(buf.status, HF_OK);
    assert_string_equal(hf__buf_cstr(&buf), "abcd");
    hf__buf_addc(&buf, 'e');
    assert_int_equal(buf.status, HF_ERR_LIMIT);

    hf__buf_reset(&buf);
    assert_int_equal(buf.status, HF_OK);
    assert_string_equal(hf__buf_cstr(&buf), "");
    hf__buf_adds(&buf, "abcde"); /* too long at once: nothing of it is taken on */
    assert_int_equal(buf.status, HF_ERR_LIMIT);
    hf__buf_adds(&buf, "x");
    assert_int_equal(buf.status, HF_ERR_LIMIT);
    assert_true(buf.len <= 4);
    hf__buf_dispose(&buf);
}

void test_buf__lengths_that_would_wrap(void **state)
{
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 16);
    hf__buf_adds(&buf, "abc");
    assert_null(hf__buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.status, HF_ERR_LIMIT);
    hf__buf_reset(&buf);
    hf__buf_adds(&buf, "abc");
    assert_null(hf__buf_reserve(&buf, SIZE_MAX - 2)); /* 3 + that wraps to 0 */
    assert_int_equal(buf.status, HF_ERR_LIMIT);
    hf__buf_dispose(&buf);
}

void test_buf__long_format(void **state)
{
    char text[5001];
    hf__buf buf;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hf__buf_init(&buf, 6000);
    hf__buf_addf(&buf, "<%s>", text);
    assert_int_equal(buf.status, HF_OK);
    assert_int_equal(buf.len, 5002);
    assert_int_equal(buf.ptr[5001], '>');
    assert_int_equal(buf.ptr[5002], '\0');
    hf__buf_dispose(&buf);

    hf__buf_init(&buf, 5001); /* one less than it needs */
    hf__buf_addf(&buf, "<%s>", text);
    assert_int_equal(buf.status, HF_ERR_LIMIT);
    hf__buf_dispose(&buf);
}

void test_buf__quoting(void **state)
{
    /* What Python's urllib.parse.quote gives with safe="" and safe="/". */
    static const struct {
        const char *in, *segment, *path;
    } cases[] = {
        { "a/b", "a%2Fb", "a/b" },
        { "refs/pr/1", "refs%2Fpr%2F1", "refs/pr/1" },
        { "A-Z_a.z~09", "A-Z_a.z~09", "A-Z_a.z~09" },
        { "a b+c?d#e%f", "a%20b%2Bc%3Fd%23e%25f", "a%20b%2Bc%3Fd%23e%25f" },
        { "\xc3\xa9\xf0\x9f\x98\x80", "%C3%A9%F0%9F%98%80", "%C3%A9%F0%9F%98%80" },
        { "!*'();:@&=$,[]", "%21%2A%27%28%29%3B%3A%40%26%3D%24%2C%5B%5D",
          "%21%2A%27%28%29%3B%3A%40%26%3D%24%2C%5B%5D" },
        { "\x01\x7f\"<>\\^`{|}", "%01%7F%22%3C%3E%5C%5E%60%7B%7C%7D",
          "%01%7F%22%3C%3E%5C%5E%60%7B%7C%7D" },
        { "", "", "" },
    };
    size_t i;
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 1000);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf__buf_reset(&buf);
        hf__buf_add_quoted(&buf, hf__str_from(cases[i].in), HF__QUOTE_SEGMENT);
        assert_string_equal(hf__buf_cstr(&buf), cases[i].segment);
        hf__buf_reset(&buf);
        hf__buf_add_quoted(&buf, hf__str_from(cases[i].in), HF__QUOTE_PATH);
        assert_string_equal(hf__buf_cstr(&buf), cases[i].path);
    }
    hf__buf_dispose(&buf);
}

void test_buf__reserve_then_grew(void **state)
{
    hf__buf buf;
    char *room;

    (void)state;
    hf__buf_init(&buf, 100);
    hf__buf_adds(&buf, "ab");
    room = hf__buf_reserve(&buf, 50);
    assert_non_null(room);
    memset(room, 'z', 50);
    hf__buf_grew(&buf, 3);
    assert_string_equal(hf__buf_cstr(&buf), "abzzz");
    assert_int_equal(buf.len, 5);
    hf__buf_dispose(&buf);
}

void test_buf__take_hands_over_and_empties(void **state)
{
    hf__buf buf;
    char *text;

    (void)state;
    hf__buf_init(&buf, 100);
    hf__buf_adds(&buf, "mine now");
    text = hf__buf_take(&buf);
    assert_string_equal(text, "mine now");
    assert_string_equal(hf__buf_cstr(&buf), "");
    hf__buf_adds(&buf, "again"); /* usable afterwards */
    assert_string_equal(hf__buf_cstr(&buf), "again");
    free(text);
    hf__buf_reset(&buf);
    text = hf__buf_take(&buf); /* of nothing: text all the same */
    assert_string_equal(text, "");
    free(text);
    hf__buf_dispose(&buf);
}

void test_buf__take_of_a_failed_one_is_null(void **state)
{
    hf__buf buf;

    (void)state;
    hf__buf_init(&buf, 2);
    hf__buf_adds(&buf, "abc");
    assert_null(hf__buf_take(&buf));
    hf__buf_dispose(&buf);
}

void test_buf__grows_past_many_sizes(void **state)
{
    hf__buf buf;
    int i;

    (void)state;
    hf__buf_init(&buf, 100000);
    for (i = 0; i < 10000; i++)
        hf__buf_addf(&buf, "%04d,", i);
    assert_int_equal(buf.status, HF_OK);
    assert_int_equal(buf.len, 50000);
    assert_memory_equal(buf.ptr + 5 * 1234, "1234,", 5);
    assert_string_equal(buf.ptr + 49995, "9999,");
    hf__buf_dispose(&buf);
}
