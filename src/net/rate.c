/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit on the bytes per second of all bodies together. What came is paid from an account that
 * fills with time; while it is empty, streams pause, TCP holds the servers up, and no silence counts.
 */
#include "net/internal.h"

enum { BURST_MS = 100, LOOK_MS = 20 };

void hf__net_limit_rate(hf__net *net, uint64_t bytes_per_s)
{
    atomic_store(&net->rate_limit, bytes_per_s);
}

bool hf__rate_open_io(hf__net *net)
{
    uint64_t limit = atomic_load_explicit(&net->rate_limit, memory_order_relaxed);
    uint64_t ms = net->io.now_ms - net->io.rate_ms;
    uint64_t burst = limit / 1000 * BURST_MS + 1;

    if (limit == 0) {
        net->io.rate_owed = 0;
        net->io.rate_ms = net->io.now_ms;
        return true;
    }
    if (ms > 0) {
        uint64_t paid = ms > 60000 ? UINT64_MAX : limit * ms / 1000;

        net->io.rate_owed -= paid < net->io.rate_owed ? paid : net->io.rate_owed;
        net->io.rate_ms = net->io.now_ms;
    }
    if (net->io.rate_owed <= burst)
        return true;
    if (net->io.tick_ms > net->io.now_ms + LOOK_MS)
        net->io.tick_ms = net->io.now_ms + LOOK_MS;
    return false;
}

void hf__rate_pay_io(hf__net *net, size_t bytes)
{
    net->io.rate_owed += bytes;
}
