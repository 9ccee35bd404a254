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
    }
    if (w->plan.n_lanes > w->most_lanes)
        w->most_lanes = w->plan.n_lanes;
}

/* 10 ms of the line, shared by the lanes that move. */
static void move_lanes(world *w)
{
    uint64_t share = w->line / 100;

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
    assert_true(w.most_lanes <= HF__PACE_FIRST_STEP); /* more were tried and brought nothing */
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
