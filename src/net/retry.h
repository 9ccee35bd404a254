/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again, and after how long (hub-http.md 3.6, 3.7). Values in, values out: no clock, no
 * thread. Private to net. */
#ifndef HF_NET_RETRY_H
#define HF_NET_RETRY_H

#include "net/net.h"

enum { HF__MAX_RETRIES = 5, HF__MAX_ASKED_WAIT_S = 300 };

bool hf__retry_status(int status);

/* Whole seconds that the server asks to wait, 0 when it asks for nothing: of a 429 whose RateLimit
 * has r=0 its t, else Retry-After, a date of which is compared with Date; one second is added since both are rounded down. */
uint32_t hf__retry_asked_s(int status, const struct hf__net_headers *headers);

/* Milliseconds before retry number `retries` + 1. `asked_s` from hf__retry_asked_s; second_ms is
 * 1000 but in tests; `random` spreads clients that failed together. */
uint32_t hf__retry_wait_ms(uint32_t retries, uint32_t asked_s, uint32_t second_ms, uint64_t random);

#endif
