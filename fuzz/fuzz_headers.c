/* SPDX-License-Identifier: Apache-2.0 */
/* net/headers, Link, RateLimit and Retry-After: input is the lines of an answer's head. */
#include "core/limits.h"
#include "fuzz.h"
#include "net/headers.h"
#include "net/net.h"
#include "net/retry.h"

#include <string.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("Link: <https://huggingface.co/api/x?cursor=a%3D%3D>; rel=\"next\", "
              "<http://h/t>; rel=\"xet-auth\"\r\nETag: W/\"abc\"\r\n"),
    FUZZ_SEED("RateLimit: \"api\";r=0;t=55\r\nRateLimit-Policy: \"fixed "
              "window\";\"api\";q=500;w=300\r\n"),
    FUZZ_SEED("Retry-After: 120\r\n"),
    FUZZ_SEED("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nratelimit: r=0;t=99999999999\r\n"),
    FUZZ_SEED("X: a\r\n folded: b\r\n: empty\r\nno colon\r\n"),
    FUZZ_SEED("Link: <a>;rel=next,<b;rel=\"ne\\\"xt\";title=\"a, <c>; rel=next\"\r\n"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 200, 429, 500, 503 };
    hf__net_headers *headers = hf__headers_new();
    hf__str rest = { (const char *)data, size };
    const char *name;
    const char *value;
    size_t pos = 0;
    hf__buf link;

    FUZZ_CHECK(headers != NULL);
    while (rest.len > 0)
        (void)hf__headers_add_line(headers, hf__str_cut(rest, '\n', &rest));
    while (hf__headers_next(headers, &pos, &name, &value)) {
        FUZZ_CHECK(*name && strlen(value) <= HF__MAX_HEADER_BYTES);
        FUZZ_CHECK(!strpbrk(name, " \t\r\n:") && !strpbrk(value, "\r\n"));
        FUZZ_CHECK(hf__net_header_get(headers, name) != NULL);
    }
    hf__buf_init(&link, HF__MAX_URL);
    for (int i = 0; i < 2; i++) {
        hf__buf_reset(&link);
        if (hf__net_link_get(headers, i ? "xet-auth" : "next", &link))
            FUZZ_CHECK(!strpbrk(hf__buf_cstr(&link), ">\r\n"));
    }
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        uint32_t asked = hf__retry_asked_s(statuses[i], headers);

        for (uint32_t retry = 0; retry < HF__MAX_RETRIES; retry++)
            FUZZ_CHECK(hf__retry_wait_ms(retry, asked, 1000, size) <=
                       (HF__MAX_ASKED_WAIT_S + 1) * 1000u * 2);
    }
    hf__buf_dispose(&link);
    hf__headers_free(headers);
    return 0;
}
