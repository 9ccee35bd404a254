/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a server's words when it refuses. */
#include "unit.h"

#include "core/error.h"
#include "hub/hub.h"
#include "hub/private.h"
#include "net/headers.h"

#define TOKEN "hf_abcdefghijABCDEFGHIJ0123456789abcd"

void test_hub_errors__no_token_is_quoted(void **state)
{
    static const char *const said[] = {
        "X-Error-Message: " TOKEN,
        "X-Error-Message: bad (" TOKEN ")",
        "X-Error-Message: Authorization: Bearer " TOKEN,
        "X-Error-Message: bearer abcdefghijABCDEFGHIJ0123456789abcd, refused",
        "X-Request-Id: " TOKEN,
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(said); i++) {
        hf_error err = HF_ERROR_INIT;
        hf__net_headers *headers = hf__headers_new();

        assert_non_null(headers);
        assert_int_equal(hf__headers_add_line(headers, hf__str_from(said[i])), HF_OK);
        assert_int_equal(hf__hub_classify(403, "http://h/x", headers,
                                          HF__STR("{\"error\": \"" TOKEN "\"}"), &err),
                         HF_ERR_FORBIDDEN);
        if (strstr(err.message, "abcdefghij") || strstr(err.request_id, "abcdefghij"))
            fail_msg("%s: %s", said[i], err.message);
        hf__headers_free(headers);
    }
}

void test_hub_errors__other_words_are_kept(void **state)
{
    hf_error err = HF_ERROR_INIT;

    (void)state;
    assert_int_equal(
        hf__hub_classify(403, "http://h/x", NULL,
                         HF__STR("the bearer of hf_hub_download and hf_ may enter\nnow"), &err),
        HF_ERR_FORBIDDEN);
    assert_non_null(strstr(err.message, "the bearer of hf_hub_download and hf_ may enter now"));
}
