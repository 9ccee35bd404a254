/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"
#include "core/limits.h"

#include "unit.h"

static hf__json *parse(const char *text)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;

    if (hf__json_parse(hf__str_from(text), "answer", &doc, &err) != HF_OK)
        fail_msg("%s", err.message);
    return doc;
}

void test_json__members_by_type(void **state)
{
    hf__json *doc = parse("{\"s\":\"text\",\"n\":12,\"t\":true,\"f\":false,\"z\":null,"
                          "\"a\":[1,\"two\",{}],\"o\":{\"k\":\"v\"},\"r\":1.5,\"m\":-1}");
    uint64_t number = 77;

    (void)state;
    assert_true(hf__json_is_object(doc));
    assert_string_equal(hf__json_text(doc, "s"), "text");
    assert_true(hf__json_u64(doc, "n", &number));
    assert_int_equal(number, 12);
    assert_true(hf__json_bool(doc, "t", false));
    assert_false(hf__json_bool(doc, "f", true));
    assert_true(hf__json_is_null(hf__json_get(doc, "z")));
    assert_true(hf__json_is_array(hf__json_get(doc, "a")));
    assert_int_equal(hf__json_len(hf__json_get(doc, "a")), 3);
    assert_int_equal(hf__json_len(doc), 9);
    assert_string_equal(hf__json_string(hf__json_at(hf__json_get(doc, "a"), 1)), "two");
    assert_string_equal(hf__json_text(hf__json_get(doc, "o"), "k"), "v");
    hf__json_free(doc);
}

void test_json__getters_are_total(void **state)
{
    hf__json *doc = parse("{\"s\":\"text\",\"n\":12,\"r\":1.5,\"m\":-1,\"a\":[1]}");
    const hf__json *text = hf__json_get(doc, "s");
    uint64_t number = 77;
    const char *key = "unset";
    const hf__json *value = doc;

    (void)state;
    assert_null(hf__json_get(doc, "absent"));
    assert_null(hf__json_text(doc, "n"));
    assert_null(hf__json_text(doc, "absent"));
    assert_null(hf__json_text(NULL, "s"));
    assert_null(hf__json_text(text, "s"));
    assert_null(hf__json_get(NULL, "s"));
    assert_null(hf__json_string(NULL));
    assert_false(hf__json_u64(doc, "s", &number));
    assert_false(hf__json_u64(doc, "r", &number)); /* no integer */
    assert_false(hf__json_u64(doc, "m", &number)); /* negative */
    assert_false(hf__json_u64(doc, "absent", &number));
    assert_false(hf__json_u64(NULL, "n", &number));
    assert_int_equal(number, 77);
    assert_true(hf__json_bool(doc, "n", true)); /* 12 is no boolean */
    assert_false(hf__json_bool(doc, "absent", false));
    assert_true(hf__json_is_null(NULL));
    assert_false(hf__json_is_object(NULL));
    assert_false(hf__json_is_array(NULL));
    assert_false(hf__json_is_string(NULL));
    assert_int_equal(hf__json_len(NULL), 0);
    assert_int_equal(hf__json_len(text), 0);
    assert_null(hf__json_at(NULL, 0));
    assert_null(hf__json_at(text, 0));
    assert_null(hf__json_at(hf__json_get(doc, "a"), 1));
    assert_null(hf__json_at(hf__json_get(doc, "a"), SIZE_MAX));
    assert_null(hf__json_next(NULL, NULL, &key, &value));
    assert_null(hf__json_next(text, NULL, &key, &value));
    assert_null(hf__json_str(NULL).ptr);
    assert_null(hf__json_str(hf__json_get(doc, "n")).ptr);
    hf__json_free(doc);
    hf__json_free(NULL);
}

void test_json__walk_in_order(void **state)
{
    hf__json *doc = parse("{\"b\":1,\"a\":2,\"\":3}");
    const hf__json *value = NULL;
    const char *key = NULL;
    char seen[16] = "";
    void *iter = NULL;

    (void)state;
    while ((iter = hf__json_next(doc, iter, &key, &value)) != NULL) {
        strcat(seen, key);
        strcat(seen, ",");
        assert_false(hf__json_is_null(value));
    }
    assert_string_equal(seen, "b,a,,");
    hf__json_free(doc);
    doc = parse("{}");
    assert_null(hf__json_next(doc, NULL, &key, &value));
    hf__json_free(doc);
}

void test_json__scalars_alone_are_documents(void **state)
{
    hf__json *doc = parse("\"x\"");

    (void)state;
    assert_string_equal(hf__json_string(doc), "x");
    hf__json_free(doc);
    doc = parse(" null ");
    assert_true(hf__json_is_null(doc));
    hf__json_free(doc);
}

void test_json__malformed_text(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "{",
        "[1,",
        "{\"a\":}",
        "[1]]",
        "[1] x",
        "nul",
        "{'a':1}",
        "[01]",
        "[1,]",
        "\"\xff\"",
        "\"\\ud800\"",
        "\"a\nb\"",
        "[\"\\x41\"]",
        "[+1]",
        "{\"a\" 1}",
        "\xef\xbb\xbf{}",
        "[99999999999999999999]",
        "[1e999]",
        "\"\\",
        "\"",
        "]",
        "<html></html>",
        "\"\xed\xa0\x80\"",
        "\"\xc0\x80\"",
        "NaN",
        "[Infinity]",
        "{\"\\u0000\":1}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_error err = HF_ERROR_INIT;
        hf__json *doc = (hf__json *)(void *)&err; /* untouched on failure */

        if (hf__json_parse(hf__str_from(cases[i]), "listing", &doc, &err) != HF_ERR_PROTOCOL)
            fail_msg("taken: %s", cases[i]);
        assert_ptr_equal(doc, &err);
        assert_int_equal(err.status, HF_ERR_PROTOCOL);
        assert_non_null(strstr(err.message, "the listing is not valid JSON"));
    }
}

void test_json__cut_anywhere(void **state)
{
    static const char text[] = "{\"a\":[1,2.5,\"x\\u00e9\\n\"],\"b\":{\"c\":null,\"d\":true}}";
    size_t len;

    (void)state;
    for (len = 0; len < sizeof text - 1; len++) {
        char *cut = malloc(len + 1); /* of exact size, for the sanitizers */
        hf__json *doc = NULL;

        assert_non_null(cut);
        memcpy(cut, text, len);
        assert_int_equal(hf__json_parse((hf__str){ cut, len }, "x", &doc, NULL), HF_ERR_PROTOCOL);
        free(cut);
    }
}

void test_json__length_counts_not_the_nul(void **state)
{
    hf__json *doc = NULL;

    (void)state;
    assert_int_equal(hf__json_parse((hf__str){ "[1]garbage", 3 }, "x", &doc, NULL), HF_OK);
    hf__json_free(doc);
    assert_int_equal(hf__json_parse((hf__str){ "[1]\0[2]", 7 }, "x", &doc, NULL), HF_ERR_PROTOCOL);
    assert_int_equal(hf__json_parse((hf__str){ NULL, 0 }, "x", &doc, NULL), HF_ERR_PROTOCOL);
}

static hf_status parse_nested(size_t depth, char open, char close)
{
    hf__buf text;
    hf__json *doc = NULL;
    hf_status st;
    size_t i;

    hf__buf_init(&text, 10 * depth + 10);
    for (i = 0; i < depth; i++)
        hf__buf_adds(&text, open == '[' ? "[" : "{\"k\":");
    hf__buf_adds(&text, "1");
    for (i = 0; i < depth; i++)
        hf__buf_addc(&text, close);
    st = hf__json_parse(hf__buf_str(&text), "x", &doc, NULL);
    hf__json_free(doc);
    hf__buf_dispose(&text);
    return st;
}

void test_json__depth_is_limited(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(HF__MAX_JSON_DEPTH, '[', ']'), HF_OK);
    assert_int_equal(parse_nested(HF__MAX_JSON_DEPTH + 1, '[', ']'), HF_ERR_LIMIT);
    assert_int_equal(parse_nested(HF__MAX_JSON_DEPTH, '{', '}'), HF_OK);
    assert_int_equal(parse_nested(HF__MAX_JSON_DEPTH + 1, '{', '}'), HF_ERR_LIMIT);
    assert_int_equal(parse_nested(1000000, '[', ']'), HF_ERR_LIMIT);
}

void test_json__depth_cannot_be_hidden(void **state)
{
    /* Brackets in a string do not count, and a string that seems to go on does not hide any. */
    hf__buf text;
    hf__json *doc = NULL;
    int i;

    (void)state;
    hf__buf_init(&text, 10000);
    hf__buf_adds(&text, "[\"\\\\\\\"");
    for (i = 0; i < 1000; i++)
        hf__buf_addc(&text, '[');
    hf__buf_adds(&text, "\"]");
    assert_int_equal(hf__json_parse(hf__buf_str(&text), "x", &doc, NULL), HF_OK);
    hf__json_free(doc);

    hf__buf_reset(&text);
    hf__buf_adds(&text, "[\"\\\\\","); /* the string ends after an escaped backslash */
    for (i = 0; i < 1000; i++)
        hf__buf_addc(&text, '[');
    assert_int_equal(hf__json_parse(hf__buf_str(&text), "x", &doc, NULL), HF_ERR_LIMIT);
    hf__buf_dispose(&text);
}

void test_json__size_is_limited(void **state)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;
    /* The length alone decides: not a byte of it is read. */
    hf__str text = { "[]", HF__MAX_JSON_BYTES + 1 };

    (void)state;
    assert_int_equal(hf__json_parse(text, "listing", &doc, &err), HF_ERR_LIMIT);
    assert_non_null(strstr(err.message, "the listing is larger than"));
}

void test_json__number_of_values_is_limited(void **state)
{
    /* "[],[],[]…" is 3 bytes for a value of more than 100. */
    hf__buf text;
    hf__json *doc = NULL;
    size_t i;

    (void)state;
    hf__buf_init(&text, HF__MAX_JSON_BYTES);
    hf__buf_addc(&text, '[');
    for (i = 0; i < HF__MAX_JSON_VALUES; i++)
        hf__buf_adds(&text, "[],");
    hf__buf_adds(&text, "[]]");
    assert_int_equal(text.status, HF_OK);
    assert_int_equal(hf__json_parse(hf__buf_str(&text), "x", &doc, NULL), HF_ERR_LIMIT);
    hf__buf_dispose(&text);
}

void test_json__numbers_at_the_edge(void **state)
{
    hf__json *doc = parse("{\"max\":9223372036854775807,\"zero\":0,\"minus\":-9223372036854775808,"
                          "\"float\":1e3,\"neg0\":-0}");
    uint64_t number = 77;

    (void)state;
    assert_true(hf__json_u64(doc, "max", &number));
    assert_true(number == INT64_MAX);
    assert_true(hf__json_u64(doc, "zero", &number));
    assert_int_equal(number, 0);
    assert_false(hf__json_u64(doc, "minus", &number));
    assert_false(hf__json_u64(doc, "float", &number));
    assert_true(hf__json_u64(doc, "neg0", &number));
    hf__json_free(doc);
}

void test_json__nul_in_text_is_seen(void **state)
{
    hf__json *doc = parse("{\"path\":\"config.json\\u0000.exe\",\"list\":[\"\\u0000\"]}");
    hf__str text = hf__json_str(hf__json_get(doc, "path"));

    (void)state;
    assert_null(hf__json_text(doc, "path"));
    assert_null(hf__json_string(hf__json_at(hf__json_get(doc, "list"), 0)));
    assert_int_equal(text.len, 16);
    assert_memory_equal(text.ptr, "config.json\0.exe", 16);
    hf__json_free(doc);
}

void test_json__message_does_not_carry_controls(void **state)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;

    (void)state;
    hf__json_parse(HF__STR("[\x1b[31m"), "x", &doc, &err);
    assert_null(strchr(err.message, '\x1b'));
}

void test_json__strings_are_written_as_python_does(void **state)
{
    /* Right column: json.dumps of Python 3. */
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } cases[] = {
        { "", 0, "\"\"" },
        { "plain /~ text", 13, "\"plain /~ text\"" },
        { "\"\\", 2, "\"\\\"\\\\\"" },
        { "\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"" },
        { "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\"" },
        { "\xc3\xa9", 2, "\"\\u00e9\"" },
        { "\xe6\x97\xa5", 3, "\"\\u65e5\"" },
        { "\xf0\x9f\x98\x80", 4, "\"\\ud83d\\ude00\"" },
        { "\xf4\x8f\xbf\xbf", 4, "\"\\udbff\\udfff\"" },
        { "\xe2\x80\xa8", 3, "\"\\u2028\"" },
        /* No UTF-8: one U+FFFD for each bad byte, so that any JSON parser takes what we wrote. */
        { "a\xff"
          "b",
          3, "\"a\\ufffdb\"" },
        { "\xc3", 1, "\"\\ufffd\"" },
        { "\xc3\"", 2, "\"\\ufffd\\\"\"" },
        { "\xe6\x97", 2, "\"\\ufffd\\ufffd\"" },
        { "\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"" },
        { "\xc0\xa2", 2, "\"\\ufffd\\ufffd\"" },
        { "\xf8\x88\x80\x80\x80", 5, "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { "\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
    };
    hf__buf out;
    size_t i;

    (void)state;
    hf__buf_init(&out, 1000);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *exact = malloc(cases[i].len + 1);

        assert_non_null(exact);
        memcpy(exact, cases[i].in, cases[i].len);
        hf__buf_reset(&out);
        hf__json_add_string(&out, (hf__str){ exact, cases[i].len });
        assert_string_equal(hf__buf_cstr(&out), cases[i].out);
        free(exact);
    }
    hf__buf_dispose(&out);
}

void test_json__what_is_written_reads_back(void **state)
{
    char bytes[512];
    hf__buf out;
    hf__json *doc = NULL;
    size_t i, n = 0;

    (void)state;
    for (i = 0; i < 0x80; i++)
        bytes[n++] = (char)i;
    for (i = 0x80; i < 0x100; i++) { /* as two bytes of UTF-8 */
        bytes[n++] = (char)(0xc0 | (i >> 6));
        bytes[n++] = (char)(0x80 | (i & 0x3f));
    }
    hf__buf_init(&out, 10000);
    hf__json_add_string(&out, (hf__str){ bytes, n });
    assert_int_equal(hf__json_parse(hf__buf_str(&out), "x", &doc, NULL), HF_OK);
    assert_int_equal(hf__json_str(doc).len, n);
    assert_memory_equal(hf__json_str(doc).ptr, bytes, n);
    hf__json_free(doc);
    hf__buf_dispose(&out);
}
