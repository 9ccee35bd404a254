/* SPDX-License-Identifier: Apache-2.0 */
#include "net/retry.h"

#include "core/str.h"

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

static bool asked_wait(int status, const struct hf__net_headers *headers, uint64_t *wait_s)
{
    const char *rate_limit = hf__net_header_get(headers, "RateLimit");
    const char *after = hf__net_header_get(headers, "Retry-After");

    if (status == 429 && rate_limit && rate_limit_wait(rate_limit, wait_s))
        return true;
    return after && hf__str_to_u64(hf__str_trim(hf__str_from(after)), wait_s);
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
