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
} asked_case;

static const asked_case cases[] = {
    { 429, NULL, NULL, 0, 0 },
    { 429, "\"api\";r=0;t=55", NULL, 55, 56 },
    { 429, "\"api\";r=0;t=55", "3", 55, 56 },
    { 429, "\"api\";r=5;t=55", "3", 3, 4 },
    { 429, "\"api\";r=5;t=55", NULL, 0, 0 },
    { 429, "\"api\";r=0;t=0", NULL, 0, 1 },
    { 429, "\"api\"; r=0 ; t=7", NULL, 7, 8 },
    { 429, "\"api\";t=7;r=0", NULL, 7, 8 },
    { 429, "\"pages\";r=9;t=100, \"api\";r=0;t=7", NULL, 7, 8 },
    { 429, "\"a\";r=0;t=3, \"b\";r=0;t=9", NULL, 9, 10 },
    { 429, "\"api\";r=0", "2", 2, 3 },
    { 429, "junk", "2", 2, 3 },
    { 429, NULL, " 17 ", 17, 18 },
    { 429, NULL, "Wed, 21 Oct 2026 07:28:00 GMT", 0, 0 },
    { 429, NULL, "-1", 0, 0 },
    { 429, NULL, "1.5", 0, 0 },
    { 429, NULL, "99999999999999999999", 0, 0 },
    { 429, NULL, "86400", 86400, 300 }, /* nobody sits through a day */
    { 503, NULL, "4", 4, 5 },
    { 503, "\"api\";r=0;t=55", NULL, 0, 0 }, /* the bucket counts on 429 only */
    { 503, "\"api\";r=0;t=55", "4", 4, 5 },
    { 500, NULL, "0", 0, 1 },
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
