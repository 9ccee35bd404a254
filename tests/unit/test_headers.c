/* SPDX-License-Identifier: Apache-2.0 */
#include "net/headers.h"

#include "core/limits.h"
#include "unit.h"

static hf__net_headers *make(const char *const *lines)
{
    hf__net_headers *headers = hf__headers_new();

    assert_non_null(headers);
    for (; *lines; lines++)
        assert_int_equal(hf__headers_add_line(headers, hf__str_from(*lines)), HF_OK);
    return headers;
}

void test_headers__get(void **state)
{
    static const char *const lines[] = {
        "ETag: \"a\"",   "x-repo-commit:abc", "Empty:", "Spaces:  a b \t", "etag: \"second\"",
        "Colons: a:b:c", "Folded: one",       "  two",  "\tthree",         NULL
    };
    hf__net_headers *headers = make(lines);

    (void)state;
    assert_string_equal(hf__net_header_get(headers, "etag"), "\"a\"");
    assert_string_equal(hf__net_header_get(headers, "ETAG"), "\"a\"");
    assert_string_equal(hf__net_header_get(headers, "X-Repo-Commit"), "abc");
    assert_string_equal(hf__net_header_get(headers, "empty"), "");
    assert_string_equal(hf__net_header_get(headers, "spaces"), "a b");
    assert_string_equal(hf__net_header_get(headers, "colons"), "a:b:c");
    assert_string_equal(hf__net_header_get(headers, "folded"), "one two three");
    assert_null(hf__net_header_get(headers, "tag"));
    assert_null(hf__net_header_get(headers, ""));
    assert_null(hf__net_header_get(NULL, "etag"));
    hf__headers_reset(headers);
    assert_null(hf__net_header_get(headers, "etag"));
    hf__headers_free(headers);
    hf__headers_free(NULL);
}

void test_headers__refuses_what_is_none(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } ways[] = { { "no colon", 8 }, { ": no name", 9 }, { "a b: c", 6 },
                 { "a: b\0c", 6 },  { " folded", 7 },   { "a\177: b", 5 },
                 { "a\001: b", 5 }, { "", 0 },          { "a: b\rX: y", 9 } };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        hf__net_headers *headers = hf__headers_new();

        if (hf__headers_add_line(headers, (hf__str){ ways[i].text, ways[i].len }) !=
            HF_ERR_PROTOCOL)
            fail_msg("way %zu is taken", i);
        hf__headers_free(headers);
    }
}

void test_headers__has_a_limit(void **state)
{
    hf__net_headers *headers = hf__headers_new();
    hf_status st = HF_OK;
    unsigned n = 0;

    (void)state;
    while (st == HF_OK && n++ < 1000000)
        st =
            hf__headers_add_line(headers, HF__STR("X-Bomb: 0123456789012345678901234567890123456"));
    assert_int_equal(st, HF_ERR_LIMIT);
    assert_true(n < HF__MAX_HEADER_BYTES / 40);
    hf__headers_free(headers);
}

typedef struct link_case {
    const char *value;
    const char *rel;
    const char *url; /* NULL: none */
} link_case;

static const link_case links[] = {
    { "<https://a/x>; rel=\"next\"", "next", "https://a/x" },
    { "<https://a/x>;rel=next", "next", "https://a/x" },
    { "<https://a/x> ; REL = \"NEXT\"", "next", "https://a/x" },
    { "<a>; rel=\"prev\", <b>; rel=\"next\"", "next", "b" },
    { "<a>; rel=\"first next\"", "next", "a" },
    { "<a>; title=\"x, y; rel=next\"; rel=\"prev\", <b>; rel=next", "next", "b" },
    { "<a,b>; rel=next", "next", "a,b" },
    { "<a>; title=\"quo\\\"te\"; rel=next", "next", "a" },
    { "<>; rel=next", "next", "" },
    { "<https://hub/t>; rel=\"xet-auth\", <https://cas/r>; rel=\"xet-reconstruction-info\"",
      "xet-auth", "https://hub/t" },
    { "<a>; rel=\"nextish\"", "next", NULL },
    { "<a>; rev=\"next\"", "next", NULL },
    { "<a>", "next", NULL },
    { "<a; rel=next", "next", NULL },
    { "a; rel=next", "next", NULL },
    { "", "next", NULL },
    { "<a>; rel=\"next", "next", "a" },
    { "<a>;;; =; rel", "next", NULL },
};

void test_headers__link(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char line[400];
        const char *lines[] = { "Link: <other>; rel=other", line, NULL };
        hf__net_headers *headers;
        hf__buf out;
        bool found;

        snprintf(line, sizeof line, "lINK: %s", links[i].value);
        headers = make(lines);
        hf__buf_init(&out, 1000);
        found = hf__net_link_get(headers, links[i].rel, &out);
        if (found != (links[i].url != NULL) ||
            (found && strcmp(hf__buf_cstr(&out), links[i].url) != 0))
            fail_msg("'%s': %d '%s'", links[i].value, found, hf__buf_cstr(&out));
        hf__buf_dispose(&out);
        hf__headers_free(headers);
    }
}
