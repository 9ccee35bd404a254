/* SPDX-License-Identifier: Apache-2.0 */
/* Planning against a fake loop and a fake clock: lanes deliver at rates the test sets, fall silent,
 * break, and the file must come whole, with little fetched twice. */
#include "unit.h"

#include "transfer/pace.h"
#include "transfer/plan.h"

#define MIB ((uint64_t)1024 * 1024)

/* ---- ranges against a bitmap */

void test_plan__ranges_behave_like_a_bitmap(void **state)
{
    bool bits[64] = { false };
    hf__ranges set = { 0 };
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        unsigned first;
        unsigned end;
        size_t n = 0;

        seed = seed * 1103515245u + 12345u;
        first = seed >> 16 & 63;
        seed = seed * 1103515245u + 12345u;
        end = first + (seed >> 16) % (65 - first);
        if (seed >> 30 & 1)
            assert_true(hf__ranges_add(&set, first, end));
        else
            assert_true(hf__ranges_remove(&set, first, end));
        for (unsigned i = first; i < end; i++)
            bits[i] = seed >> 30 & 1;
        for (unsigned i = 0; i < 64; i++) {
            unsigned reach = i;
            unsigned next = i;

            while (reach < 64 && bits[reach])
                reach++;
            while (next < 64 && !bits[next])
                next++;
            assert_int_equal(hf__ranges_reach(&set, i), reach);
            assert_true(hf__ranges_next(&set, i) == (next < 64 ? next : UINT64_MAX));
            n += bits[i];
        }
        assert_int_equal(hf__ranges_total(&set), n);
        for (size_t i = 0; i + 1 < set.n; i++)
            assert_true(set.items[i].end < set.items[i + 1].first);
    }
    hf__ranges_dispose(&set);
}

/* ---- the fake loop */

typedef struct world {
    hf__plan plan;
    hf__pace pace;
    uint64_t now_ms;
    uint64_t line;        /* bytes per second of the whole line */
    uint64_t per_lane;    /* and of one lane at most */
    uint64_t delivered;   /* twice delivered bytes count twice */
    unsigned n_requests;  /* lanes opened */
    unsigned n_stopped;   /* given up */
    uint64_t freeze_mask; /* requests (by number) that bring nothing */
    uint64_t drip_mask;   /* requests that bring a byte a second */
    uint64_t break_mask;  /* requests that break after 3 MiB */
    unsigned number[HF__PLAN_LANES];
    unsigned most_lanes;
    uint64_t trip_ms; /* round trip: 0: connections are at full speed at once */
    uint64_t ready_ms[HF__PLAN_LANES];
    uint64_t window[HF__PLAN_LANES]; /* of a lane's connection, bytes in a round trip */
    uint64_t kept[HF__PLAN_LANES];   /* windows of connections that are idle */
    unsigned n_kept;
} world;

static bool bit(uint64_t mask, unsigned n)
{
    return n < 64 && mask >> n & 1;
}

static void world_init(world *w, uint64_t size, uint32_t cap, uint64_t line, uint64_t per_lane)
{
    memset(w, 0, sizeof(*w));
    hf__plan_init(&w->plan, size);
    hf__pace_init(&w->pace, cap);
    w->now_ms = 1000;
    w->line = line;
    w->per_lane = per_lane;
}

static void open_lanes(world *w)
{
    hf__plan_job job;

    while (hf__plan_next(&w->plan, w->plan.n_lanes < w->pace.target, w->now_ms, &job)) {
        assert_true(job.end > job.first);
        w->number[job.lane] = w->n_requests++;
        w->ready_ms[job.lane] = w->now_ms + (w->n_kept ? 1 : 2) * w->trip_ms;
        w->window[job.lane] = w->n_kept ? w->kept[--w->n_kept] : 14600;
    }
    if (w->plan.n_lanes > w->most_lanes)
        w->most_lanes = w->plan.n_lanes;
}

/* 10 ms of a line to far away: a connection doubles what it brings from one round trip to the next,
 * until the line is full. What was asked for and is not wanted any more costs the connection. */
static void move_far(world *w)
{
    uint64_t wanted = 0;
    uint64_t room = w->line / 100;

    for (int i = 0; i < HF__PLAN_LANES; i++)
        if (w->plan.lanes[i].used && w->now_ms >= w->ready_ms[i])
            wanted += w->window[i] * 10 / w->trip_ms;
    for (int i = 0; i < HF__PLAN_LANES; i++) {
        hf__lane_plan *lane = &w->plan.lanes[i];
        uint64_t bytes = w->window[i] * 10 / w->trip_ms;

        if (!lane->used || w->now_ms < w->ready_ms[i])
            continue;
        if (wanted > room)
            bytes = bytes * room / wanted;
        else
            w->window[i] += bytes;
        bytes = bytes < lane->end - lane->at ? bytes : lane->end - lane->at;
        w->delivered += bytes;
        hf__plan_moved(&w->plan, i, lane->at + bytes, w->now_ms);
        if (lane->at < lane->end)
            continue;
        if (lane->at == lane->asked)
            w->kept[w->n_kept++] = w->window[i];
        assert_true(hf__plan_ended(&w->plan, i, lane->at));
    }
}

/* 10 ms of the line, shared by the lanes that move. */
static void move_lanes(world *w)
{
    uint64_t share = w->line / 100;

    if (w->trip_ms) {
        move_far(w);
        return;
    }

    if (w->plan.n_lanes && share / w->plan.n_lanes > w->per_lane / 100)
        share = w->per_lane / 100;
    else if (w->plan.n_lanes)
        share /= w->plan.n_lanes;
    for (int i = 0; i < HF__PLAN_LANES; i++) {
        hf__lane_plan *lane = &w->plan.lanes[i];
        unsigned n = w->number[i];
        uint64_t bytes = share;

        if (!lane->used)
            continue;
        if (bit(w->freeze_mask, n))
            bytes = 0;
        if (bit(w->drip_mask, n))
            bytes = w->now_ms % 1000 == 0;
        if (bytes > lane->end - lane->at)
            bytes = lane->end - lane->at;
        w->delivered += bytes;
        hf__plan_moved(&w->plan, i, lane->at + bytes, w->now_ms);
        if (lane->at >= lane->end || (bit(w->break_mask, n) && lane->at - lane->first >= 3 * MIB))
            assert_true(hf__plan_ended(&w->plan, i, lane->at));
    }
}

/* Milliseconds until the file is whole. */
static uint64_t run_world(world *w, uint64_t limit_ms)
{
    uint64_t start = w->now_ms;

    while (!hf__plan_complete(&w->plan)) {
        int gone = hf__plan_hopeless(&w->plan, w->now_ms);

        if (gone >= 0) {
            w->n_stopped++;
            assert_true(hf__plan_ended(&w->plan, gone, w->plan.lanes[gone].at));
        }
        hf__pace_step(&w->pace, w->now_ms, w->delivered,
                      hf__plan_moving(&w->plan, w->now_ms, HF__PACE_WINDOW_MS), false);
        open_lanes(w);
        move_lanes(w);
        w->now_ms += 10;
        if (w->now_ms - start > limit_ms)
            fail_msg("not done within %llu ms: %llu bytes left", (unsigned long long)limit_ms,
                     (unsigned long long)hf__plan_left(&w->plan));
    }
    assert_int_equal(w->plan.have.n, 1);
    hf__plan_dispose(&w->plan);
    return w->now_ms - start;
}

void test_plan__one_request_when_one_is_enough(void **state)
{
    world w;

    (void)state;
    world_init(&w, 2048 * MIB, 8, 200 * MIB, 1024 * MIB);
    run_world(&w, 12000);
    assert_int_equal(w.delivered, 2048 * MIB);
    /* More were tried, brought nothing, and are not tried again while that is remembered. */
    assert_true(w.most_lanes <= HF__PACE_FIRST_STEP);
    assert_int_equal(w.pace.proven, 1);
    assert_true(w.n_requests <= 16);
}

void test_plan__far_away_the_line_is_filled(void **state)
{
    static const struct {
        uint64_t size;
        uint64_t line;
        uint64_t trip_ms;
        uint64_t within_ms; /* the line alone, and what the first round trips cost */
    } lines[] = {
        { 64 * MIB, 25 * 1000000, 150, 2700 + 1600 },
        { 256 * MIB, 25 * 1000000, 150, 10740 + 2400 },
        { 256 * MIB, 25 * 1000000, 20, 10740 + 400 },
        { 2048 * MIB, 250 * 1000000, 150, 8590 + 3000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        world w;
        uint64_t ms;

        world_init(&w, lines[i].size, 16, lines[i].line, UINT64_MAX);
        w.trip_ms = lines[i].trip_ms;
        ms = run_world(&w, 60000);
        if (ms > lines[i].within_ms)
            fail_msg("line %zu: %llu ms, %u requests", i, (unsigned long long)ms, w.n_requests);
        assert_true(w.delivered <= lines[i].size + 4 * MIB);
        assert_true(w.n_requests <= 80);
    }
}

/* ---- one decision at a time */

/* Lets a lane bring bytes from start_ms to end_ms, every 100 ms. */
static void bring(hf__plan *plan, int lane, uint64_t rate, uint64_t start_ms, uint64_t end_ms)
{
    for (uint64_t now = start_ms + 100; now <= end_ms; now += 100)
        hf__plan_moved(plan, lane, plan->lanes[lane].at + rate / 10, now);
}

void test_plan__steals_from_the_lane_that_would_end_last(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    hf__plan_init(&plan, 138 * MIB);
    assert_true(hf__ranges_add(&plan.have, 90 * MIB, 110 * MIB));
    assert_true(hf__plan_next(&plan, true, 1000, &job)); /* 0: up to 90 MiB */
    assert_true(hf__plan_next(&plan, true, 1000, &job)); /* 1: the last 28 MiB */
    bring(&plan, 0, 10 * MIB, 1000, 4000);
    bring(&plan, 1, 5 * MIB, 1000, 4000);
    assert_false(hf__plan_next(&plan, false, 4000, &job)); /* not without a connection */
    assert_true(hf__plan_next(&plan, true, 4000, &job));
    assert_int_equal(job.shortened, 0); /* 6 s from its end, the other one less than 3 */
    assert_int_equal(plan.lanes[0].end, job.first);
    assert_true(job.first > plan.lanes[0].at);
    assert_true(job.end <= 90 * MIB);
    hf__plan_dispose(&plan);
}

/* Far away the other is slow at first, so who gives keeps more than a half. */
void test_plan__a_share_is_smaller_far_away(void **state)
{
    uint64_t kept[2];

    (void)state;
    for (int far = 0; far < 2; far++) {
        hf__plan plan;
        hf__plan_job job;

        hf__plan_init(&plan, 60 * MIB);
        assert_true(hf__plan_next(&plan, true, 1000, &job));
        hf__plan_moved(&plan, 0, 1, 1000 + (far ? 400 : 10));
        bring(&plan, 0, 10 * MIB, 1500, 3500);
        assert_true(hf__plan_next(&plan, true, 3500, &job));
        assert_int_equal(job.shortened, 0);
        kept[far] = job.first - plan.lanes[0].at;
        hf__plan_dispose(&plan);
    }
    assert_true(kept[0] <= 20 * MIB + 400 * 1024);
    assert_true(kept[1] >= 25 * MIB);
}

void test_plan__near_the_end_no_connection_is_opened(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    hf__plan_init(&plan, 60 * MIB);
    assert_true(hf__plan_next(&plan, true, 1000, &job));
    hf__plan_moved(&plan, 0, 1, 1400); /* 400 ms to the first byte */
    bring(&plan, 0, 20 * MIB, 1400, 3400);
    assert_false(hf__plan_next(&plan, true, 3400, &job)); /* 1 s is left */
    hf__plan_dispose(&plan);
}

void test_plan__a_quick_lane_is_given_more(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    hf__plan_init(&plan, 4096 * MIB);
    assert_true(hf__ranges_add(&plan.have, 4 * MIB, 8 * MIB));
    assert_true(hf__plan_next(&plan, true, 1000, &job));
    assert_int_equal(job.end, 4 * MIB);
    hf__plan_moved(&plan, 0, 4 * MIB, 1100); /* before its speed was measured */
    assert_true(hf__plan_ended(&plan, 0, 4 * MIB));
    assert_true(hf__plan_next(&plan, true, 1100, &job)); /* the only one takes all */
    assert_true(hf__plan_next(&plan, true, 1100, &job));
    assert_true(job.end - job.first > 64 * MIB); /* 4 s of 20 MiB/s, at least */
    hf__plan_dispose(&plan);
}

/* Two lanes bring the last bytes of a file, one of them slowly; a third connection is idle. */
static bool is_hedged(uint64_t slow_rate, bool idle, hf__plan_job *job, hf__plan *plan)
{
    hf__plan_init(plan, 100 * MIB);
    assert_true(hf__ranges_add(&plan->have, 30 * MIB, 99 * MIB));
    assert_true(hf__plan_next(plan, true, 1000, job)); /* 0: the first 30 MiB */
    assert_true(hf__plan_next(plan, true, 1000, job)); /* 1: the last one */
    assert_int_equal(job->first, 99 * MIB);
    if (idle)
        plan->most_lanes = 3;
    bring(plan, 0, 10 * MIB, 1000, 3900);
    bring(plan, 1, slow_rate, 1000, 3900);
    return hf__plan_next(plan, true, 3900, job);
}

void test_plan__the_last_bytes_are_hedged(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    assert_true(is_hedged(100 * 1024, true, &job, &plan));
    assert_int_equal(job.shortened, -1); /* both go on */
    assert_int_equal(job.first, plan.lanes[1].at);
    assert_int_equal(job.end, 100 * MIB);
    assert_false(hf__plan_next(&plan, true, 3900, &(hf__plan_job){ 0 })); /* one is enough */
    bring(&plan, job.lane, 4 * MIB, 3900, 4000);
    assert_int_equal(hf__plan_hopeless(&plan, 4000), 1); /* who is behind is stopped */
    hf__plan_dispose(&plan);

    assert_false(is_hedged(100 * 1024, false, &job, &plan)); /* by no new connection */
    hf__plan_dispose(&plan);
}

void test_plan__no_hedge_where_all_are_as_slow(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    hf__plan_init(&plan, 100 * MIB);
    assert_true(hf__ranges_add(&plan.have, 1 * MIB, 99 * MIB));
    assert_true(hf__plan_next(&plan, true, 1000, &job));
    assert_true(hf__plan_next(&plan, true, 1000, &job));
    plan.most_lanes = 3;
    bring(&plan, 0, 100 * 1024, 1000, 3900);
    bring(&plan, 1, 100 * 1024, 1000, 3900);
    assert_false(hf__plan_next(&plan, true, 3900, &job));
    hf__plan_dispose(&plan);
}

void test_plan__goes_up_to_the_knee(void **state)
{
    world w;
    uint64_t ms;

    (void)state;
    /* One connection gives 30 MiB/s, the line 100: more than four bring nothing. */
    world_init(&w, 4096 * MIB, 16, 100 * MIB, 30 * MIB);
    ms = run_world(&w, 60000);
    assert_true(ms < 44000); /* 41 s at full speed */
    assert_int_equal(w.pace.proven, 4);
    assert_true(w.delivered < 4096 * MIB + 64 * MIB);
}

void test_plan__a_frozen_lane_is_helped_out(void **state)
{
    for (unsigned frozen = 0; frozen < 12; frozen++) {
        world w;
        uint64_t ms;

        (void)state;
        world_init(&w, 1024 * MIB, 8, 100 * MIB, 30 * MIB);
        w.freeze_mask = 1ull << frozen;
        ms = run_world(&w, 60000);
        assert_true(ms < 17000); /* 12 s without */
        assert_true(w.delivered <= 1024 * MIB + 8 * MIB);
    }
}

void test_plan__a_tenth_of_the_lanes_freezes(void **state)
{
    world w;
    uint64_t clean;
    uint64_t ms;

    (void)state;
    world_init(&w, 4096 * MIB, 8, 200 * MIB, 40 * MIB);
    clean = run_world(&w, 60000);
    world_init(&w, 4096 * MIB, 8, 200 * MIB, 40 * MIB);
    w.freeze_mask = 0x0402008040100401ull & ~1ull;
    ms = run_world(&w, 60000);
    assert_true(ms * 10 < clean * 13);
}

void test_plan__a_dripping_lane_does_not_hold_the_file_up(void **state)
{
    for (unsigned drip = 0; drip < 8; drip++) {
        world w;
        uint64_t ms;

        (void)state;
        world_init(&w, 1024 * MIB, 8, 100 * MIB, 30 * MIB);
        w.drip_mask = 1ull << drip;
        ms = run_world(&w, 60000);
        assert_true(ms < 22000);
    }
}

void test_plan__broken_lanes_lose_nothing(void **state)
{
    world w;

    (void)state;
    world_init(&w, 512 * MIB, 8, 100 * MIB, 30 * MIB);
    w.break_mask = 0x5555555555555555ull;
    run_world(&w, 60000);
    assert_true(w.delivered <= 512 * MIB + 16 * MIB);
}

void test_plan__only_what_is_missing_is_given_out(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    hf__plan_init(&plan, 100 * MIB);
    assert_true(hf__ranges_add(&plan.have, 0, 42 * MIB));
    assert_true(hf__ranges_add(&plan.have, 50 * MIB, 96 * MIB));
    assert_int_equal(hf__plan_left(&plan), 12 * MIB);
    assert_true(hf__plan_next(&plan, true, 1, &job));
    assert_int_equal(job.first, 42 * MIB);
    assert_int_equal(job.end, 50 * MIB);
    assert_true(hf__plan_next(&plan, true, 1, &job));
    assert_int_equal(job.first, 96 * MIB);
    assert_int_equal(job.end, 100 * MIB);
    assert_false(hf__plan_next(&plan, false, 1, &job));
    assert_true(hf__plan_next(&plan, true, 1, &job)); /* a half of one of the two */
    assert_int_equal(job.end - job.first, 4 * MIB);
    assert_true(hf__plan_ended(&plan, job.lane, job.end));
    assert_true(hf__plan_ended(&plan, 0, 50 * MIB));
    assert_true(hf__plan_ended(&plan, 1, 100 * MIB));
    assert_true(hf__plan_complete(&plan));
    hf__plan_dispose(&plan);
}

void test_plan__without_ranges_there_is_one_lane(void **state)
{
    hf__plan plan;
    hf__plan_job job;

    (void)state;
    hf__plan_init(&plan, 100 * MIB);
    assert_true(hf__ranges_add(&plan.have, 0, 40 * MIB));
    plan.whole = true;
    assert_true(hf__plan_next(&plan, true, 1, &job));
    assert_int_equal(job.first, 0);
    assert_int_equal(job.end, 100 * MIB);
    assert_false(hf__plan_next(&plan, true, 1, &job));
    hf__plan_dispose(&plan);
}
