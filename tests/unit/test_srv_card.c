/* SPDX-License-Identifier: Apache-2.0 */
#include "srv_unit.h"

/* What front matter becomes; in a static buffer, and the error's text when it is refused. */
static const char *parsed(const char *readme)
{
    static char text[4096];
    hf_error err = HF_ERROR_INIT;
    hf__buf out;
    hf_status st;

    hf__buf_init(&out, 512 * 1024);
    st = srv_card_parse(hf__str_from(readme), &out, &err);
    (void)snprintf(text, sizeof text, "%s", st == HF_OK ? hf__buf_cstr(&out) : err.message);
    hf__buf_dispose(&out);
    return text;
}

void test_srv_card__front_matter_is_json(void **state)
{
    static const char *const cases[][2] = {
        { "---\nlicense: mit\n---\n# x", "{\"license\":\"mit\"}" },
        { "\xef\xbb\xbf\r\n---  \r\na: [1, 1.5, -0.25, 1e3, 01, 0x10, no, \"no\"]\r\n---\r\n",
          "{\"a\":[1,1.5,-0.25,1e3,\"01\",\"0x10\",\"no\",\"no\"]}" },
        { "---\na: ~\nb: true\nc: 'true'\nd: |\n  two\n  lines\n---",
          "{\"a\":null,\"b\":true,\"c\":\"true\",\"d\":\"two\\nlines\\n\"}" },
        { "---\na: &x {b: 1}\nc: *x\n---\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
        { "---\nn: 123456789012345678901234567890\ne: 1e999\n---\n",
          "{\"n\":\"123456789012345678901234567890\",\"e\":\"1e999\"}" },
        { "# no front\n---\na: b\n---\n", "" },
        { "---\nnever closed: 1\n", "" },
        { "---\n---\n", "" },
        { "", "" },
        { "---", "" },
        { "---\n- list\n---\n", "the metadata must be a mapping of names to values (line 2)" },
        { "---\na: 1\nb: 2\na: 3\n---\n", "duplicated mapping key (line 4)" },
        { "---\n? [a]\n: b\n---\n", "a key that is no text (line 2)" },
        { "---\na: \xff\n---\n", "invalid leading UTF-8 octet (line 2)" },
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++)
        assert_string_equal(parsed(cases[i][0]), cases[i][1]);
}

/* head, n times piece, tail */
static char *repeated(const char *head, const char *piece, size_t n, const char *tail)
{
    size_t len = strlen(piece);
    char *text = malloc(strlen(head) + n * len + strlen(tail) + 1);
    char *at = text;

    assert_non_null(text);
    at += sprintf(at, "%s", head);
    for (size_t i = 0; i < n; i++, at += len)
        memcpy(at, piece, len);
    (void)sprintf(at, "%s", tail);
    return text;
}

void test_srv_card__what_is_endless_is_refused(void **state)
{
    static const char *const pieces[] = {
        "[", "{", "{a: ", "- ", "? ", "[{a: ", "&a [", "a: &a\n"
    };
    char bomb[4096];
    char *at = bomb;

    (void)state;
    for (size_t i = 0; i < HF__COUNT(pieces); i++) {
        char *text = repeated("---\nx: ", pieces[i], 60000, "\n---\n");
        const char *said = parsed(text);

        assert_true(said[0] != '{' && said[0] != '\0');
        free(text);
    }
    /* ten lines that stand for a billion words */
    at += sprintf(at, "---\na0: &a0 [%s]\n", "lol, lol, lol, lol, lol, lol, lol, lol, lol, lol");
    for (int i = 1; i < 10; i++)
        at += sprintf(at, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
                      i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    (void)sprintf(at, "---\n");
    assert_non_null(strstr(parsed(bomb), "it stands for too much text"));
    /* a list that holds itself */
    assert_non_null(strstr(parsed("---\na: &a [*a]\n---\n"), "nested too deep"));
}
