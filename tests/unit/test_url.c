/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include "core/limits.h"
#include "net/net.h"
#include "unit.h"

typedef struct parse_case {
    const char *url;
    const char *origin; /* NULL: refused */
    const char *path;
    const char *query;
} parse_case;

static const parse_case parses[] = {
    { "http://a", "http://a:80", "", "" },
    { "https://a/", "https://a:443", "/", "" },
    { "HTTPS://Hub.Example:8443/x/y?q=1#f", "https://hub.example:8443", "/x/y", "?q=1" },
    { "http://a:/x", "http://a:80", "/x", "" },
    { "http://a?q", "http://a:80", "", "?q" },
    { "http://[::1]:81/x", "http://[::1]:81", "/x", "" },
    { "http://[2001:DB8::1]", "http://[2001:db8::1]:80", "", "" },
    { "http://a_b-c.d", "http://a_b-c.d:80", "", "" },
    /* what two parsers could read in two ways */
    { "http://user@a/", NULL, NULL, NULL },
    { "http://user:pw@a/", NULL, NULL, NULL },
    { "http://a\\@b/", NULL, NULL, NULL },
    { "http://a%2eb/", NULL, NULL, NULL },
    { "http://a b/", NULL, NULL, NULL },
    { "http://a/b c", NULL, NULL, NULL },
    { "http://a/b\nc", NULL, NULL, NULL },
    { "http://a/\177", NULL, NULL, NULL },
    { "http://\303\244/", NULL, NULL, NULL },
    { "http://", NULL, NULL, NULL },
    { "http:///x", NULL, NULL, NULL },
    { "http:/a", NULL, NULL, NULL },
    { "http://:80/", NULL, NULL, NULL },
    { "http://a:0/", NULL, NULL, NULL },
    { "http://a:65536/", NULL, NULL, NULL },
    { "http://a:8o/", NULL, NULL, NULL },
    { "http://a:80:80/", NULL, NULL, NULL },
    { "http://[::1", NULL, NULL, NULL },
    { "http://[::1]x/", NULL, NULL, NULL },
    { "http://[::1%25lo]/", NULL, NULL, NULL },
    { "ftp://a/", NULL, NULL, NULL },
    { "file:///etc/passwd", NULL, NULL, NULL },
    { "//a/", NULL, NULL, NULL },
    { "", NULL, NULL, NULL },
};

void test_url__parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parses / sizeof *parses; i++) {
        const parse_case *c = &parses[i];
        hf__buf origin;
        hf__url url;
        bool good = hf__url_parse(c->url, &url);

        if (good != (c->origin != NULL))
            fail_msg("'%s' is %s", c->url, good ? "taken" : "refused");
        if (!good)
            continue;
        hf__buf_init(&origin, 1000);
        hf__url_add_origin(&url, &origin);
        assert_string_equal(hf__buf_cstr(&origin), c->origin);
        assert_true(hf__str_eq(url.path, hf__str_from(c->path)));
        assert_true(hf__str_eq(url.query, hf__str_from(c->query)));
        hf__buf_dispose(&origin);
    }
    assert_false(hf__url_parse(NULL, &(hf__url){ 0 }));
}

void test_url__has_a_limit(void **state)
{
    char *text = malloc(HF__MAX_URL + 2);
    hf__url url;

    (void)state;
    memset(text, 'a', HF__MAX_URL + 1);
    memcpy(text, "http://a/", 9);
    text[HF__MAX_URL] = '\0';
    assert_true(hf__url_parse(text, &url));
    text[HF__MAX_URL] = 'a';
    text[HF__MAX_URL + 1] = '\0';
    assert_false(hf__url_parse(text, &url));
    free(text);
}

void test_url__same_origin(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } ways[] = {
        { "http://a/x", "http://a/y?z", true },
        { "http://a", "http://a:80/", true },
        { "https://a:443", "HTTPS://A/", true },
        { "http://a", "https://a", false },
        { "http://a:443", "https://a:443", false },
        { "http://a", "http://a:81", false },
        { "http://a", "http://b", false },
        { "http://a", "http://a.b", false },
        { "http://a", "http://a.", false },
        { "http://127.0.0.1", "http://localhost", false },
        { "http://a", "http://x@a", false },
        { "http://a", "junk", false },
        { "junk", "junk", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (hf__net_same_origin(ways[i].a, ways[i].b) != ways[i].same ||
            hf__net_same_origin(ways[i].b, ways[i].a) != ways[i].same)
            fail_msg("'%s' and '%s'", ways[i].a, ways[i].b);
}

void test_url__authority_of_a_location(void **state)
{
    (void)state;
    assert_true(hf__net_url_has_authority("http://a/x"));
    assert_true(hf__net_url_has_authority(" https://a/x"));
    assert_true(hf__net_url_has_authority("//a/x"));
    assert_true(hf__net_url_has_authority("file:/x")); /* certainly no place on this host */
    assert_false(hf__net_url_has_authority("/a//b"));
    assert_false(hf__net_url_has_authority("a/b:c"));
    assert_false(hf__net_url_has_authority("?q=http://a"));
    assert_false(hf__net_url_has_authority(""));
}

typedef struct join_case {
    const char *base;
    const char *location;
    bool keep_query;
    const char *wanted; /* NULL: refused */
    hf_status status;
} join_case;

/* The first group is RFC 3986, 5.4.1, on its own base. */
#define RFC "http://a/b/c/d;p?q"
static const join_case joins[] = {
    { RFC, "g", false, "http://a/b/c/g", HF_OK },
    { RFC, "./g", false, "http://a/b/c/g", HF_OK },
    { RFC, "g/", false, "http://a/b/c/g/", HF_OK },
    { RFC, "/g", false, "http://a/g", HF_OK },
    { RFC, "//g", false, "http://g", HF_OK },
    { RFC, "?y", false, "http://a/b/c/d;p?y", HF_OK },
    { RFC, "g?y", false, "http://a/b/c/g?y", HF_OK },
    { RFC, "g?y#s", false, "http://a/b/c/g?y", HF_OK },
    { RFC, "", false, "http://a/b/c/d;p?q", HF_OK },
    { RFC, ".", false, "http://a/b/c/", HF_OK },
    { RFC, "..", false, "http://a/b/", HF_OK },
    { RFC, "../g", false, "http://a/b/g", HF_OK },
    { RFC, "../../g", false, "http://a/g", HF_OK },
    { RFC, "../../../g", false, "http://a/g", HF_OK },
    { RFC, "/../g", false, "http://a/g", HF_OK },
    { RFC, "g;x=1/../y", false, "http://a/b/c/y", HF_OK },
    /* ours */
    { RFC, "/g", true, "http://a/g?q", HF_OK },
    { RFC, "/g?y", true, "http://a/g?y", HF_OK },
    { "http://a", "g", false, "http://a/g", HF_OK },
    { "http://a:81/x", "/y", false, "http://a:81/y", HF_OK },
    { "https://a/x", "//b:444/y", false, "https://b:444/y", HF_OK },
    { "http://a/x", " https://b/y ", false, "https://b/y", HF_OK },
    { "http://a/x", "/\303\244 b", false, "http://a/%C3%A4%20b", HF_OK },
    { "http://a/x", "/b\\..\\c", false, "http://a/b%5C..%5Cc", HF_OK },
    { "http://a/x", "/\001", false, NULL, HF_ERR_PROTOCOL },
    { "http://a/x", "file:///etc/passwd", false, NULL, HF_ERR_PROTOCOL },
    { "http://a/x", "http://u@b/", false, NULL, HF_ERR_PROTOCOL },
    { "http://a/x", "//", false, NULL, HF_ERR_PROTOCOL },
    { "https://a/x", "http://a/y", false, NULL, HF_ERR_TLS },
    { "HTTPS://a/x", "hTTp://a/y", false, NULL, HF_ERR_TLS },
    { "http://a/x", "https://a/y", false, "https://a/y", HF_OK },
};

void test_url__join(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        const join_case *c = &joins[i];
        hf__buf out;

        hf__buf_init(&out, HF__MAX_URL);
        assert_int_equal(hf__url_join(c->base, c->location, c->keep_query, &out), c->status);
        if (c->wanted)
            assert_string_equal(hf__buf_cstr(&out), c->wanted);
        hf__buf_dispose(&out);
    }
}
