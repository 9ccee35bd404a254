/* SPDX-License-Identifier: Apache-2.0 */
#include "net/retry.h"

#include "core/str.h"

#include <string.h>

enum { MAX_TOLD_WAIT_S = 24 * 60 * 60 };

bool hf__retry_status(int status)
{
    switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

/* One entry of RateLimit, `"name";r=0;t=17`: true when its r is 0 and it has a t. */
static bool bucket_is_empty(hf__str entry, uint64_t *reset_s)
{
    bool empty = false;
    bool has_reset = false;

    while (entry.ptr) {
        hf__str value;
        hf__str name = hf__str_trim(hf__str_cut(hf__str_cut(entry, ';', &entry), '=', &value));
        uint64_t number;

        if (!value.ptr || !hf__str_to_u64(hf__str_trim(value), &number))
            continue;
        if (hf__str_eq_nocase(name, HF__STR("r"))) {
            empty = number == 0;
        } else if (hf__str_eq_nocase(name, HF__STR("t"))) {
            has_reset = true;
            *reset_s = number;
        }
    }
    return empty && has_reset;
}

/* Several buckets may be told; the empty one that is refilled last is the one to wait for. */
static bool rate_limit_wait(const char *value, uint64_t *wait_s)
{
    hf__str text = hf__str_from(value);
    bool found = false;

    while (text.ptr) {
        hf__str entry = hf__str_cut(text, ',', &text);
        uint64_t reset_s = 0;

        if (bucket_is_empty(entry, &reset_s)) {
            *wait_s = found && *wait_s > reset_s ? *wait_s : reset_s;
            found = true;
        }
    }
    return found;
}

/* ---- dates */

static bool digits(const char *text, size_t n, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(text[i] - '0');
    }
    return true;
}

/* "Wed, 21 Oct 2026 07:28:00 GMT", the one form that is sent today: as seconds since the year 0. */
static bool http_date_s(hf__str text, uint64_t *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const unsigned before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    unsigned day, year, hour, minute, second, month = 0;
    uint64_t days;

    if (text.len != 29 || memcmp(text.ptr + 3, ", ", 2) != 0 ||
        memcmp(text.ptr + 25, " GMT", 4) != 0 || !digits(text.ptr + 5, 2, &day) ||
        !digits(text.ptr + 12, 4, &year) || !digits(text.ptr + 17, 2, &hour) ||
        !digits(text.ptr + 20, 2, &minute) || !digits(text.ptr + 23, 2, &second))
        return false;
    while (month < 12 && memcmp(text.ptr + 8, months + (size_t)month * 3, 3) != 0)
        month++;
    if (month == 12 || day == 0 || year == 0)
        return false;
    year -= month < 2; /* whose February does not count */
    days = (uint64_t)year * 365 + year / 4 - year / 100 + year / 400 + before[month] + day +
           (month < 2 ? 365 : 0);
    *out = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

/* A date is later than the answer's own by so much; whose clock is right does not matter. */
static bool date_wait(const char *after, const char *now, uint64_t *wait_s)
{
    uint64_t then_s;
    uint64_t now_s;

    if (!now || !http_date_s(hf__str_trim(hf__str_from(after)), &then_s) ||
        !http_date_s(hf__str_trim(hf__str_from(now)), &now_s))
        return false;
    *wait_s = then_s > now_s ? then_s - now_s : 0;
    return true;
}

static bool asked_wait(int status, const struct hf__net_headers *headers, uint64_t *wait_s)
{
    const char *rate_limit = hf__net_header_get(headers, "RateLimit");
    const char *after = hf__net_header_get(headers, "Retry-After");

    if (status == 429 && rate_limit && rate_limit_wait(rate_limit, wait_s))
        return true;
    return after && (hf__str_to_u64(hf__str_trim(hf__str_from(after)), wait_s) ||
                     date_wait(after, hf__net_header_get(headers, "Date"), wait_s));
}

uint32_t hf__net_asked_wait_s(int status, const struct hf__net_headers *headers)
{
    uint64_t wait_s;

    if (!asked_wait(status, headers, &wait_s))
        return 0;
    return wait_s < MAX_TOLD_WAIT_S ? (uint32_t)wait_s : MAX_TOLD_WAIT_S;
}

uint32_t hf__retry_asked_s(int status, const struct hf__net_headers *headers)
{
    uint64_t wait_s;

    if (!asked_wait(status, headers, &wait_s))
        return 0;
    return wait_s < HF__MAX_ASKED_WAIT_S ? (uint32_t)wait_s + 1 : HF__MAX_ASKED_WAIT_S;
}

uint32_t hf__retry_wait_ms(uint32_t retries, uint32_t asked_s, uint32_t second_ms, uint64_t random)
{
    uint64_t wait_ms;

    if (asked_s) {
        /* Never earlier than asked for, and not all in the same instant. */
        wait_ms = (uint64_t)asked_s * second_ms;
        return (uint32_t)(wait_ms + random % (second_ms / 4 + 1));
    }
    wait_ms = (uint64_t)(retries < 3 ? 1u << retries : 8) * second_ms;
    return (uint32_t)(wait_ms - wait_ms / 8 + random % (wait_ms / 4 + 1));
}
