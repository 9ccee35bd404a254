/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/pace.h"

void hf__pace_init(hf__pace *pace, uint32_t cap)
{
    *pace = (hf__pace){
        .cap = cap ? cap : 1, .target = 1, .proven = 1, .next_hold_ms = HF__PACE_HOLD_MS
    };
}

static void open_window(hf__pace *pace, uint64_t now_ms, uint64_t bytes, bool settling)
{
    pace->begin_ms = now_ms;
    pace->begin_bytes = bytes;
    pace->settling = settling;
}

static void set_target(hf__pace *pace, uint32_t target)
{
    pace->target = target < pace->cap ? target : pace->cap;
}

static void step_up(hf__pace *pace)
{
    if (pace->target > 1)
        set_target(pace, pace->target * 2);
    else
        set_target(pace, pace->far ? HF__PACE_FIRST_STEP_FAR : HF__PACE_FIRST_STEP);
}

static bool pays(const hf__pace *pace, uint64_t rate)
{
    return rate >= pace->goodput + pace->goodput / 8;
}

/* The window of the last step is over: was it worth it? */
static void judge(hf__pace *pace, uint64_t now_ms, uint64_t rate, bool saturated)
{
    bool tried = pace->target > pace->proven;

    if (tried && !pays(pace, rate)) {
        if (pace->doubts++ < (pace->far ? HF__PACE_DOUBTS_FAR : HF__PACE_DOUBTS))
            return; /* a connection far away is slow at first */
        pace->target = pace->proven;
        pace->doubts = 0;
        pace->hold_ms = now_ms + pace->next_hold_ms;
        pace->next_hold_ms *= pace->next_hold_ms < HF__PACE_LONG_MS ? 2 : 1;
        pace->goodput = rate;
        return;
    }
    if (tried)
        pace->next_hold_ms = HF__PACE_HOLD_MS;
    else if (rate < pace->goodput / 4 * 3 && !pace->refused)
        pace->hold_ms =
            0; /* these connections bring less than they did: what was learned is over */
    if (now_ms >= pace->hold_ms)
        pace->refused = false;
    pace->doubts = 0;
    pace->proven = pace->target;
    pace->goodput = rate;
    if (now_ms >= pace->hold_ms && rate > 0 && !saturated && rate / pace->target < HF__PACE_PLENTY)
        step_up(pace);
}

void hf__pace_step(hf__pace *pace, uint64_t now_ms, uint64_t bytes, uint32_t in_use, bool saturated)
{
    uint64_t ms = now_ms - pace->begin_ms;
    uint32_t before = pace->target;
    bool still_growing;
    uint64_t rate;

    if (pace->begin_ms == 0 || bytes < pace->begin_bytes) {
        open_window(pace, now_ms, bytes, true);
        return;
    }
    /* Of a server that is near, the wait for the first bytes says nothing of its speed. */
    if (!pace->any_byte && bytes > pace->begin_bytes) {
        pace->any_byte = true;
        pace->far = ms >= HF__PACE_NEAR_MS;
        if (ms < HF__PACE_NEAR_MS) {
            open_window(pace, now_ms, bytes, true);
            return;
        }
    }
    /* The first bytes are news, however long they were waited for. */
    if (ms < HF__PACE_WINDOW_MS || (bytes == pace->begin_bytes && pace->goodput == 0))
        return;
    rate = (bytes - pace->begin_bytes) * 1000 / ms;
    /* Connections far away double their speed from one round trip to the next: what they bring in the
     * end is not known, nor whether more of them would bring more. */
    still_growing = pace->target > pace->proven && rate >= pace->last_rate + pace->last_rate / 4 &&
                    pace->grown++ < HF__PACE_GROWTH;
    if (!still_growing)
        pace->grown = 0;
    pace->last_rate = rate;
    /* What the number of connections does can only be told while that many are at work; and not
     * right after a step, unless it shows already. */
    if (in_use >= pace->target && !still_growing && (!pace->settling || pays(pace, rate)))
        judge(pace, now_ms, rate, saturated);
    open_window(pace, now_ms, bytes, pace->target != before);
}

void hf__pace_refused(hf__pace *pace, uint64_t now_ms)
{
    pace->target = pace->target > 1 ? pace->target / 2 : 1;
    pace->proven = pace->target;
    pace->goodput = 0;
    pace->doubts = 0;
    pace->refused = true;
    pace->hold_ms = now_ms + HF__PACE_LONG_MS / 2;
    pace->begin_ms = 0;
}

/* ---- tries */

void hf__tries_progress(hf__tries *tries)
{
    *tries = (hf__tries){ 0 };
}

bool hf__tries_again(hf__tries *tries, hf__trouble trouble, bool any_byte, uint64_t patience_ms,
                     uint32_t asked_s, uint64_t now_ms, uint64_t random, uint32_t *wait_ms)
{
    bool patient = trouble == HF__TROUBLE_LINE && any_byte;
    uint32_t wait;

    if (tries->n == 0)
        tries->since_ms = now_ms;
    tries->n++;
    if (patient ? now_ms - tries->since_ms >= patience_ms : tries->n > HF__TRIES)
        return false;
    wait = tries->n > 3 ? 8000 : 1000u << (tries->n - 1);
    /* Never earlier than asked for, and not all in the same instant. */
    if (asked_s)
        wait = asked_s * 1000 + 1000 + (uint32_t)(random % 250);
    else
        wait = wait - wait / 8 + (uint32_t)(random % (wait / 4));
    *wait_ms = wait;
    return true;
}
