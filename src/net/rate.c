/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit on the bytes per second of all bodies together, both ways. What moved is paid from an
 * account that fills with time; while it is empty, streams pause, TCP holds the servers up, and no
 * silence counts. Once overdrawn it opens again when all is paid, so that what was held up longest
 * can go first and every connection gets something before a server gives it up.
 */
#include "net/internal.h"

enum { BURST_MS = 100, LEAST_BURST = 32 * 1024, LOOK_MS = 20 };

void hf__net_limit_rate(hf__net *net, uint64_t bytes_per_s)
{
    atomic_store(&net->rate_limit, bytes_per_s);
}

static uint64_t burst_of(uint64_t limit)
{
    uint64_t burst = limit / 1000 * BURST_MS;

    return burst > LEAST_BURST ? burst : LEAST_BURST;
}

size_t hf__rate_piece_io(const hf__net *net)
{
    uint64_t limit = atomic_load_explicit(&net->rate_limit, memory_order_relaxed);

    return limit ? (size_t)(burst_of(limit) / net->conf.max_connections) : SIZE_MAX;
}

bool hf__rate_open_io(hf__net *net)
{
    uint64_t limit = atomic_load_explicit(&net->rate_limit, memory_order_relaxed);
    uint64_t ms = net->io.now_ms - net->io.rate_ms;

    if (limit == 0) {
        net->io.rate_shut = false;
        net->io.rate_owed = 0;
        net->io.rate_ms = net->io.now_ms;
        return true;
    }
    if (ms > 0) {
        uint64_t paid = ms > 60000 ? UINT64_MAX : limit * ms / 1000;

        net->io.rate_owed -= paid < net->io.rate_owed ? paid : net->io.rate_owed;
        net->io.rate_ms = net->io.now_ms;
    }
    if (net->io.rate_owed == 0)
        net->io.rate_shut = false;
    else if (net->io.rate_owed > burst_of(limit))
        net->io.rate_shut = true;
    if (!net->io.rate_shut)
        return true;
    if (net->io.tick_ms > net->io.now_ms + LOOK_MS)
        net->io.tick_ms = net->io.now_ms + LOOK_MS;
    return false;
}

void hf__rate_pay_io(hf__net *net, size_t bytes)
{
    net->io.rate_owed += bytes;
}
