/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of hub-http.md 3.6 and 3.7. */
#include "net/retry.h"

#include "net/headers.h"
#include "unit.h"

void test_retry__statuses(void **state)
{
    static const int again[] = { 408, 429, 500, 502, 503, 504 };

    (void)state;
    for (int status = 100; status < 1000; status++) {
        bool wanted = false;

        for (size_t i = 0; i < 6; i++)
            wanted = wanted || again[i] == status;
        if (hf__retry_status(status) != wanted)
            fail_msg("%d", status);
    }
}

typedef struct asked_case {
    int status;
    const char *rate_limit;
    const char *after;
    uint32_t told;  /* seconds, as the server says */
    uint32_t waits; /* what is waited before the next try; 0: as without a word */
    const char *date;
} asked_case;

static const asked_case cases[] = {
    { 429, NULL, NULL, 0, 0, NULL },
    { 429, "\"api\";r=0;t=55", NULL, 55, 56, NULL },
    { 429, "\"api\";r=0;t=55", "3", 55, 56, NULL },
    { 429, "\"api\";r=5;t=55", "3", 3, 4, NULL },
    { 429, "\"api\";r=5;t=55", NULL, 0, 0, NULL },
    { 429, "\"api\";r=0;t=0", NULL, 0, 1, NULL },
    { 429, "\"api\"; r=0 ; t=7", NULL, 7, 8, NULL },
    { 429, "\"api\";t=7;r=0", NULL, 7, 8, NULL },
    { 429, "\"pages\";r=9;t=100, \"api\";r=0;t=7", NULL, 7, 8, NULL },
    { 429, "\"a\";r=0;t=3, \"b\";r=0;t=9", NULL, 9, 10, NULL },
    { 429, "\"api\";r=0", "2", 2, 3, NULL },
    { 429, "junk", "2", 2, 3, NULL },
    { 429, NULL, " 17 ", 17, 18, NULL },
    { 429, NULL, "Wed, 21 Oct 2026 07:28:00 GMT", 0, 0, NULL }, /* when is now? */
    { 429, NULL, "Wed, 21 Oct 2026 07:28:00 GMT", 12, 13, "Wed, 21 Oct 2026 07:27:48 GMT" },
    { 503, NULL, "Wed, 21 Oct 2026 07:28:00 GMT", 0, 1, "Wed, 21 Oct 2026 07:28:01 GMT" },
    { 429, NULL, "Fri, 01 Jan 2027 00:00:10 GMT", 15, 16, "Thu, 31 Dec 2026 23:59:55 GMT" },
    { 429, NULL, "Fri, 01 Mar 2024 00:00:00 GMT", 86400, 300, "Thu, 29 Feb 2024 00:00:00 GMT" },
    { 429, NULL, "Wed, 01 Mar 2023 00:00:00 GMT", 1, 2, "Tue, 28 Feb 2023 23:59:59 GMT" },
    { 429, NULL, "Mon, 01 Mar 2100 00:00:00 GMT", 1, 2, "Sun, 28 Feb 2100 23:59:59 GMT" },
    { 429, NULL, "Wed, 21 Okt 2026 07:28:00 GMT", 0, 0, "Wed, 21 Oct 2026 07:27:48 GMT" },
    { 429, NULL, "Wednesday, 21-Oct-26 07:28:00 GMT", 0, 0, "Wed, 21 Oct 2026 07:27:48 GMT" },
    { 429, NULL, "-1", 0, 0, NULL },
    { 429, NULL, "1.5", 0, 0, NULL },
    { 429, NULL, "99999999999999999999", 0, 0, NULL },
    { 429, NULL, "86400", 86400, 300, NULL }, /* nobody sits through a day */
    { 503, NULL, "4", 4, 5, NULL },
    { 503, "\"api\";r=0;t=55", NULL, 0, 0, NULL }, /* the bucket counts on 429 only */
    { 503, "\"api\";r=0;t=55", "4", 4, 5, NULL },
    { 500, NULL, "0", 0, 1, NULL },
};

void test_retry__asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const asked_case *c = &cases[i];
        hf__net_headers *headers = hf__headers_new();
        char line[200];

        snprintf(line, sizeof line, "RateLimit: %s", c->rate_limit ? c->rate_limit : "");
        if (c->rate_limit)
            assert_int_equal(hf__headers_add_line(headers, hf__str_from(line)), HF_OK);
        snprintf(line, sizeof line, "Retry-After: %s", c->after ? c->after : "");
        if (c->after)
            assert_int_equal(hf__headers_add_line(headers, hf__str_from(line)), HF_OK);
        snprintf(line, sizeof line, "Date: %s", c->date ? c->date : "");
        if (c->date)
            assert_int_equal(hf__headers_add_line(headers, hf__str_from(line)), HF_OK);
        if (hf__net_asked_wait_s(c->status, headers) != c->told ||
            hf__retry_asked_s(c->status, headers) != c->waits)
            fail_msg("case %zu: told %u, waits %u", i, hf__net_asked_wait_s(c->status, headers),
                     hf__retry_asked_s(c->status, headers));
        hf__headers_free(headers);
    }
}

/* 1, 2, 4, 8, 8 seconds, each give or take an eighth; never before a time that was asked for. */
void test_retry__waits(void **state)
{
    static const uint32_t steps[] = { 1000, 2000, 4000, 8000, 8000, 8000 };

    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        for (uint64_t random = 0; random < 100000; random += 7) {
            uint32_t ms = hf__retry_wait_ms(i, 0, 1000, random);

            assert_in_range(ms, steps[i] - steps[i] / 8, steps[i] + steps[i] / 8);
            ms = hf__retry_wait_ms(i, 56, 1000, random);
            assert_in_range(ms, 56000, 56250);
        }
    }
    assert_in_range(hf__retry_wait_ms(0, 300, 1000, UINT64_MAX), 300000, 300250);
    assert_true(hf__retry_wait_ms(4000000000u, 0, 1000, UINT64_MAX) <= 9000);
}
