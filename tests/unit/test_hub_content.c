/* SPDX-License-Identifier: Apache-2.0 */
/* Is an answer to a download what was asked for? */
#include "unit.h"

#include "core/error.h"
#include "hub/hub.h"
#include "net/headers.h"

#define SHA256       "f290174173e99ae21d3e257726990b0aacf7a8bda878837b318f4f87573ddf60"
#define OTHER_SHA256 "0290174173e99ae21d3e257726990b0aacf7a8bda878837b318f4f87573ddf60"
#define SHA1         "ce013625030ba8dba906f756967f9e9ca394464a"

typedef struct answer {
    const char *what;
    int status;
    const char *redirect_field; /* of the redirect before it; NULL: there was none */
    const char *field;
    const char *range_field;
    uint64_t range_first;
    hf_status expected;
    bool resumed;
} answer;

static hf__net_headers *headers_with(const char *first, const char *second)
{
    hf__net_headers *headers = hf__headers_new();

    assert_non_null(headers);
    if (first)
        assert_int_equal(hf__headers_add_line(headers, hf__str_from(first)), HF_OK);
    if (second)
        assert_int_equal(hf__headers_add_line(headers, hf__str_from(second)), HF_OK);
    return headers;
}

void test_hub_content__etags_and_ranges(void **state)
{
    static const answer answers[] = {
        { "no etag", 200, NULL, NULL, NULL, 0, HF_OK, false },
        { "the Hub's own", 200, NULL, "ETag: \"" SHA256 "\"", NULL, 0, HF_OK, false },
        { "another of the Hub", 200, NULL, "ETag: \"" OTHER_SHA256 "\"", NULL, 0, HF_ERR_CHANGED,
          false },
        { "storage asked directly", 200, NULL, "ETag: \"9a0364b9e99bb480dd25e1f0284c8555-4\"", NULL,
          0, HF_OK, false },
        { "another kind of hash", 200, NULL, "ETag: \"" SHA1 "\"", NULL, 0, HF_OK, false },
        { "linked, changed", 200, NULL, "X-Linked-Etag: \"other\"", NULL, 0, HF_ERR_CHANGED,
          false },
        { "redirect says so", 200, "X-Linked-Etag: \"" SHA256 "\"", "ETag: \"other\"", NULL, 0,
          HF_OK, false },
        { "redirect says changed", 200, "X-Linked-Etag: \"" OTHER_SHA256 "\"", NULL, NULL, 0,
          HF_ERR_CHANGED, false },
        { "range", 206, NULL, NULL, "Content-Range: bytes 5-9/10", 5, HF_OK, true },
        { "range, total unknown", 206, NULL, NULL, "Content-Range: bytes 5-9/*", 5, HF_OK, true },
        { "range elsewhere", 206, NULL, NULL, "Content-Range: bytes 4-9/10", 5, HF_ERR_PROTOCOL,
          true },
        { "range of another file", 206, NULL, NULL, "Content-Range: bytes 5-9/11", 5,
          HF_ERR_CHANGED, true },
        { "range not named", 206, NULL, NULL, NULL, 5, HF_ERR_PROTOCOL, true },
        { "range ignored", 200, NULL, NULL, NULL, 5, HF_OK, false },
        { "no file", 404, NULL, "X-Error-Code: EntryNotFound", NULL, 0, HF_ERR_ENTRY_NOT_FOUND,
          false },
        { "neither 200 nor 206", 204, NULL, NULL, NULL, 0, HF_ERR_PROTOCOL, false },
    };
    hf__etag expected = { SHA256 };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const answer *a = &answers[i];
        hf__net_headers *headers = headers_with(a->field, a->range_field);
        hf__net_headers *redirect =
            a->redirect_field ? headers_with(a->redirect_field, NULL) : NULL;
        hf__net_head head = { .status = a->status,
                              .url = "http://127.0.0.1/x",
                              .content_length = HF__NET_NO_LIMIT,
                              .headers = headers,
                              .first_redirect = redirect };
        hf_error err = HF_ERROR_INIT;
        bool resumed = false;
        hf_status st = hf__hub_check_content(&head, &expected, 10, a->range_first, &resumed, &err);

        if (st != a->expected)
            print_error("%s: %d %s\n", a->what, (int)st, err.message);
        assert_int_equal(st, a->expected);
        if (st == HF_OK)
            assert_int_equal(resumed, a->resumed);
        hf__headers_free(headers);
        hf__headers_free(redirect);
    }
}
