/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/plan.h"

#include <string.h>

void hf__plan_init(hf__plan *plan, uint64_t size)
{
    memset(plan, 0, sizeof(*plan));
    plan->size = size;
}

void hf__plan_dispose(hf__plan *plan)
{
    hf__ranges_dispose(&plan->have);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t left_of(const hf__lane_plan *lane)
{
    return lane->end > lane->at ? lane->end - lane->at : 0;
}

/* ---- how the lanes do */

static void note_rate(hf__plan *plan, uint64_t rate)
{
    if (rate > plan->usual_rate)
        plan->usual_rate = rate;
}

static void note_trip(hf__plan *plan, uint64_t ms)
{
    if (!plan->trip_ms || ms < plan->trip_ms)
        plan->trip_ms = ms ? ms : 1;
}

void hf__plan_moved(hf__plan *plan, int index, uint64_t at, uint64_t now_ms)
{
    hf__lane_plan *lane = &plan->lanes[index];
    uint64_t ms = now_ms - lane->rate_ms;

    if (at > lane->at && lane->at == lane->first)
        note_trip(plan, now_ms - lane->start_ms);
    if (at > lane->at) {
        lane->at = at;
        lane->last_ms = now_ms;
    }
    if (ms >= 500) {
        uint64_t rate = (lane->at - lane->rate_at) * 1000 / ms;

        lane->rate = lane->rate > rate ? (lane->rate + rate) / 2 : rate;
        lane->rate_at = lane->at;
        lane->rate_ms = now_ms;
        plan->usual_rate -= plan->usual_rate / 32; /* a line may become slower for good */
        note_rate(plan, rate);
    }
}

void hf__plan_waits(hf__plan *plan, int index, uint64_t now_ms)
{
    hf__lane_plan *lane = &plan->lanes[index];

    lane->last_ms = lane->start_ms = lane->rate_ms = now_ms;
}

static bool in_trouble(const hf__plan *plan, const hf__lane_plan *lane, uint64_t now_ms)
{
    if (now_ms - lane->last_ms >= HF__PLAN_SILENT_MS)
        return true;
    return now_ms - lane->start_ms >= HF__PLAN_SLOW_MS &&
           lane->rate * HF__PLAN_SLOW < plan->usual_rate;
}

/* A lane that was started later to bring the rest of this one. */
static bool helps(const hf__lane_plan *other, const hf__lane_plan *lane)
{
    return other->used && other->number > lane->number && other->first <= lane->at &&
           other->end >= lane->end;
}

static bool is_helped(const hf__plan *plan, const hf__lane_plan *lane, uint64_t now_ms)
{
    for (unsigned i = 0; i < HF__PLAN_LANES; i++)
        if (helps(&plan->lanes[i], lane) && !in_trouble(plan, &plan->lanes[i], now_ms))
            return true;
    return false;
}

/* ---- giving out work */

/* First byte at or after `at` that is neither here nor on some lane. */
static uint64_t next_free(const hf__plan *plan, uint64_t at)
{
    uint64_t before;

    do {
        before = at;
        at = hf__ranges_reach(&plan->have, at);
        for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
            const hf__lane_plan *lane = &plan->lanes[i];

            if (lane->used && lane->first <= at && lane->end > at)
                at = lane->end;
        }
    } while (at != before);
    return at;
}

/* Where free bytes that begin at `at` end. */
static uint64_t free_end(const hf__plan *plan, uint64_t at)
{
    uint64_t end = least(plan->size, hf__ranges_next(&plan->have, at));

    for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
        const hf__lane_plan *lane = &plan->lanes[i];

        if (lane->used && lane->first > at)
            end = least(end, lane->first);
    }
    return end;
}

static uint64_t run_bytes(const hf__plan *plan)
{
    uint64_t run = plan->usual_rate / 1000 * HF__PLAN_RUN_MS;

    if (!plan->usual_rate)
        run = least(hf__plan_left(plan) / 4, HF__PLAN_FIRST_RUN);
    if (run < HF__PLAN_LEAST_RUN)
        return HF__PLAN_LEAST_RUN;
    return least(run, HF__PLAN_MOST_RUN);
}

static int open_lane(hf__plan *plan, uint64_t first, uint64_t end, uint64_t now_ms)
{
    int index = 0;

    while (plan->lanes[index].used)
        index++;
    plan->lanes[index] = (hf__lane_plan){ .used = true,
                                          .number = ++plan->n_opened,
                                          .first = first,
                                          .at = first,
                                          .end = end,
                                          .asked = end,
                                          .start_ms = now_ms,
                                          .last_ms = now_ms,
                                          .rate_at = first,
                                          .rate_ms = now_ms };
    plan->n_lanes++;
    if (plan->n_lanes > plan->most_lanes)
        plan->most_lanes = plan->n_lanes;
    return index;
}

/* Free bytes, from the front. The only lane of a file takes all there are: one request may be all
 * it ever needs. */
static bool give_free(hf__plan *plan, uint64_t now_ms, hf__plan_job *out)
{
    uint64_t first = next_free(plan, 0);
    uint64_t end;

    if (first >= plan->size)
        return false;
    end = free_end(plan, first);
    if (plan->n_lanes > 0 && end - first > run_bytes(plan))
        end = first + run_bytes(plan);
    *out = (hf__plan_job){ open_lane(plan, first, end, now_ms), first, end, -1 };
    return true;
}

/* The rest of a lane in trouble, which may go on: who is first wins. */
static bool give_relief(hf__plan *plan, uint64_t now_ms, hf__plan_job *out)
{
    for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
        hf__lane_plan *lane = &plan->lanes[i];

        if (!lane->used || left_of(lane) == 0 || !in_trouble(plan, lane, now_ms) ||
            is_helped(plan, lane, now_ms))
            continue;
        *out =
            (hf__plan_job){ open_lane(plan, lane->at, lane->end, now_ms), lane->at, lane->end, -1 };
        return true;
    }
    return false;
}

static uint64_t ms_left(const hf__lane_plan *lane)
{
    return left_of(lane) / (lane->rate / 1000 + 1);
}

/* Until another connection brings much. One that a lane left behind is up to speed; a new one is
 * slow at first, the more so the farther away the server is. */
static uint64_t warm_up_ms(const hf__plan *plan)
{
    bool idle = plan->n_lanes < plan->most_lanes;

    return plan->trip_ms * (idle ? HF__PLAN_WARM_TRIPS : HF__PLAN_NEW_TRIPS);
}

/* What is cut off has been sent in part: a lane that will soon be done by itself, or whose speed is
 * not known, is left alone unless it has much to bring. */
static bool is_worth_sharing(const hf__plan *plan, const hf__lane_plan *lane)
{
    uint64_t soon_ms = warm_up_ms(plan);

    if (!lane->used || left_of(lane) < 2 * HF__PLAN_SHARE)
        return false;
    if (!lane->rate)
        return left_of(lane) >= HF__PLAN_SHARE_NEW;
    return ms_left(lane) >= (soon_ms > HF__PLAN_SHARE_MS ? soon_ms : HF__PLAN_SHARE_MS);
}

/* Of what a lane has left it keeps so much that both end at the same time, given that the other
 * brings nothing in the beginning. */
static uint64_t keeps(const hf__plan *plan, const hf__lane_plan *lane)
{
    uint64_t head_start = lane->rate / 1000 * warm_up_ms(plan) / 2;

    return (left_of(lane) + least(head_start, left_of(lane) / 2)) / 2;
}

/* A share of the lane that would end last: the bytes after its own next run, or a half. */
static bool give_share(hf__plan *plan, uint64_t now_ms, hf__plan_job *out)
{
    uint64_t run = run_bytes(plan);
    int slowest = -1;
    hf__lane_plan *lane;
    uint64_t first;
    uint64_t end;

    for (int i = 0; i < HF__PLAN_LANES; i++)
        if (is_worth_sharing(plan, &plan->lanes[i]) &&
            (slowest < 0 || ms_left(&plan->lanes[i]) > ms_left(&plan->lanes[slowest])))
            slowest = i;
    if (slowest < 0)
        return false;
    lane = &plan->lanes[slowest];
    first = lane->at + (left_of(lane) > 2 * run ? run : keeps(plan, lane));
    end = least(lane->end, first + run);
    lane->end = first; /* what lies after `end` is free again */
    *out = (hf__plan_job){ open_lane(plan, first, end, now_ms), first, end, slowest };
    return true;
}

static void give_whole(hf__plan *plan, uint64_t now_ms, hf__plan_job *out)
{
    uint64_t first = plan->whole ? 0 : hf__ranges_reach(&plan->have, 0);

    *out = (hf__plan_job){ open_lane(plan, first, plan->size, now_ms), first, plan->size, -1 };
}

/* Nothing is left to give out, and a connection is idle: it brings the last bytes of a lane, too, that
 * is slower than lanes were lately. Who is first wins, and few bytes come twice. Where the line is
 * full, and all lanes are as slow, it would only be in their way. */
static bool give_hedge(hf__plan *plan, uint64_t now_ms, hf__plan_job *out)
{
    uint64_t worst_ms = plan->trip_ms * HF__PLAN_HEDGE_TRIPS;
    hf__lane_plan *lane = NULL;

    if (plan->n_lanes >= plan->most_lanes)
        return false;
    if (worst_ms < HF__PLAN_HEDGE_MS)
        worst_ms = HF__PLAN_HEDGE_MS;
    for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
        hf__lane_plan *one = &plan->lanes[i];

        if (!one->used || left_of(one) == 0 || left_of(one) > 2 * HF__PLAN_SHARE || !one->rate ||
            one->rate > plan->usual_rate / 2 || ms_left(one) < worst_ms ||
            is_helped(plan, one, now_ms))
            continue;
        worst_ms = ms_left(one);
        lane = one;
    }
    if (!lane)
        return false;
    *out = (hf__plan_job){ open_lane(plan, lane->at, lane->end, now_ms), lane->at, lane->end, -1 };
    return true;
}

/* What a connection that is new would bring before all is here by those there are, is not worth it:
 * far away it takes many round trips until it is up to speed. */
static bool is_nearly_done(const hf__plan *plan)
{
    uint64_t rate = 0;

    for (unsigned i = 0; i < HF__PLAN_LANES; i++)
        if (plan->lanes[i].used)
            rate += plan->lanes[i].rate;
    return rate && hf__plan_left(plan) / (rate / 1000 + 1) < plan->trip_ms * HF__PLAN_NEW_TRIPS;
}

bool hf__plan_next(hf__plan *plan, bool more, uint64_t now_ms, hf__plan_job *out)
{
    if (plan->n_lanes == HF__PLAN_LANES)
        return false;
    if (plan->whole || plan->size == HF__PLAN_UNKNOWN) {
        if (plan->n_lanes > 0)
            return false;
        give_whole(plan, now_ms, out);
        return true;
    }
    if (plan->n_lanes >= plan->most_lanes && plan->n_lanes > 0)
        more = more && !is_nearly_done(plan);
    return (more && give_free(plan, now_ms, out)) || give_relief(plan, now_ms, out) ||
           (more && (give_share(plan, now_ms, out) || give_hedge(plan, now_ms, out)));
}

/* ---- lanes that end */

bool hf__plan_ended(hf__plan *plan, int index, uint64_t at)
{
    hf__lane_plan *lane = &plan->lanes[index];

    lane->used = false;
    plan->n_lanes--;
    if (at < lane->asked) /* what was asked for cannot be called back: the connection went */
        plan->most_lanes--;
    /* It may have been too quick to be measured on the way. */
    note_rate(plan, (at - lane->first) * 1000 / (lane->last_ms - lane->start_ms + 100));
    return hf__ranges_add(&plan->have, lane->first, at);
}

/* Of two that bring the same bytes, the one that is behind. */
static int behind(const hf__plan *plan, int i, int k, uint64_t now_ms)
{
    const hf__lane_plan *lane = &plan->lanes[i];
    const hf__lane_plan *helper = &plan->lanes[k];

    if (!helps(helper, lane))
        return -1;
    if (helper->at > lane->at && !in_trouble(plan, helper, now_ms))
        return i;
    return lane->at > helper->first && lane->at >= helper->at && !in_trouble(plan, lane, now_ms)
               ? k
               : -1;
}

int hf__plan_hopeless(const hf__plan *plan, uint64_t now_ms)
{
    for (int i = 0; i < HF__PLAN_LANES; i++) {
        const hf__lane_plan *lane = &plan->lanes[i];

        if (!lane->used || left_of(lane) == 0 || plan->size == HF__PLAN_UNKNOWN)
            continue;
        if (hf__ranges_reach(&plan->have, lane->at) >= lane->end)
            return i;
        for (int k = 0; k < HF__PLAN_LANES; k++) {
            int which = behind(plan, i, k, now_ms);

            if (which >= 0)
                return which;
        }
    }
    return -1;
}

unsigned hf__plan_moving(const hf__plan *plan, uint64_t now_ms, uint64_t within_ms)
{
    unsigned n = 0;

    for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
        const hf__lane_plan *lane = &plan->lanes[i];

        n += lane->used && lane->at > lane->first && now_ms - lane->last_ms <= within_ms;
    }
    return n;
}

bool hf__plan_complete(const hf__plan *plan)
{
    return plan->size != HF__PLAN_UNKNOWN && hf__ranges_reach(&plan->have, 0) >= plan->size;
}

uint64_t hf__plan_left(const hf__plan *plan)
{
    uint64_t have = hf__ranges_total(&plan->have);

    for (unsigned i = 0; i < HF__PLAN_LANES; i++)
        if (plan->lanes[i].used)
            have += plan->lanes[i].at - plan->lanes[i].first;
    return plan->size != HF__PLAN_UNKNOWN && plan->size > have ? plan->size - have : 0;
}
