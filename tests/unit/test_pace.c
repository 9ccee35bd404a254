/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and tries, on a clock the test turns. */
#include "unit.h"

#include "transfer/pace.h"

#define MIB ((uint64_t)1024 * 1024)

typedef struct line {
    hf__pace pace;
    uint64_t now_ms;
    uint64_t bytes;
} line;

static void pass(line *l, uint64_t ms, uint64_t per_connection, uint64_t most, bool saturated)
{
    for (uint64_t end = l->now_ms + ms; l->now_ms < end; l->now_ms += 20) {
        uint64_t rate = l->pace.target * per_connection;

        l->bytes += (rate < most ? rate : most) / 50;
        hf__pace_step(&l->pace, l->now_ms, l->bytes, l->pace.target, saturated);
    }
}

void test_pace__doubles_while_it_pays(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 16);
    assert_int_equal(l.pace.target, 1);
    pass(&l, 6000, 10 * MIB, 1000 * MIB, false);
    assert_int_equal(l.pace.target, 16);
}

/* Each connection doubles from window to window, as far away they do: more of them are not asked for
 * before these are up to speed. */
void test_pace__waits_while_connections_grow(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 16);
    while (l.pace.target < 4)
        pass(&l, HF__PACE_WINDOW_MS, MIB, 10000 * MIB, false);
    for (uint64_t rate = 2 * MIB; rate <= 16 * MIB; rate *= 2) {
        pass(&l, HF__PACE_WINDOW_MS, rate, 10000 * MIB, false);
        assert_int_equal(l.pace.target, 4);
    }
    pass(&l, 2 * HF__PACE_WINDOW_MS, 16 * MIB, 10000 * MIB, false);
    assert_int_equal(l.pace.target, 8);
}

/* Nothing for 900 ms, then bytes: that is known at once, and not in the middle of a window. */
void test_pace__the_first_bytes_are_news(void **state)
{
    hf__pace pace;

    (void)state;
    hf__pace_init(&pace, 16);
    for (uint64_t now = 1000; now < 1900; now += 100)
        hf__pace_step(&pace, now, 0, 0, false);
    assert_int_equal(pace.target, 1);
    hf__pace_step(&pace, 1900, 4096, 1, false);
    assert_int_equal(pace.target, HF__PACE_FIRST_STEP_FAR);
}

/* What a server brings that is so far away bounces for seconds after a step. */
void test_pace__far_away_a_step_has_longer_to_pay(void **state)
{
    hf__pace pace;
    uint64_t now = 1900;
    uint64_t bytes = 4096;

    (void)state;
    hf__pace_init(&pace, 16);
    hf__pace_step(&pace, 1000, 0, 0, false);
    hf__pace_step(&pace, now, bytes, 1, false);
    while (pace.target <= HF__PACE_FIRST_STEP_FAR)
        hf__pace_step(&pace, now += HF__PACE_WINDOW_MS, bytes += 4 * MIB, pace.target, false);
    for (unsigned i = 0; i <= HF__PACE_DOUBTS_FAR; i++) {
        assert_int_equal(pace.target, 2 * HF__PACE_FIRST_STEP_FAR);
        hf__pace_step(&pace, now += HF__PACE_WINDOW_MS, bytes += 4 * MIB, pace.target, false);
    }
    hf__pace_step(&pace, now += HF__PACE_WINDOW_MS, bytes += 4 * MIB, pace.target, false);
    assert_int_equal(pace.target, HF__PACE_FIRST_STEP_FAR);
}

void test_pace__never_above_the_cap(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 6);
    pass(&l, 10000, 10 * MIB, 1000 * MIB, false);
    assert_int_equal(l.pace.target, 6);
}

void test_pace__one_stays_one_when_a_second_brings_nothing(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 8);
    pass(&l, 2500, 100 * MIB, 100 * MIB, false);
    assert_int_equal(l.pace.target, 1);
    assert_true(l.pace.hold_ms > l.now_ms);
}

void test_pace__no_more_when_this_machine_is_the_brake(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 8);
    pass(&l, 5000, 10 * MIB, 1000 * MIB, true);
    assert_int_equal(l.pace.target, 1);
}

void test_pace__one_is_plenty_when_it_is_that_fast(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 8);
    pass(&l, 5000, 300 * MIB, 10000 * MIB, false);
    assert_int_equal(l.pace.target, 1);
    pass(&l, 5000, 50 * MIB, 10000 * MIB, false); /* slower since: more may help */
    assert_int_equal(l.pace.target, 8);
}

void test_pace__a_refusal_halves_and_holds(void **state)
{
    line l = { .now_ms = 1000 };

    (void)state;
    hf__pace_init(&l.pace, 8);
    pass(&l, 6000, 10 * MIB, 1000 * MIB, false);
    assert_int_equal(l.pace.target, 8);
    hf__pace_refused(&l.pace, l.now_ms);
    assert_int_equal(l.pace.target, 4);
    pass(&l, HF__PACE_LONG_MS / 2 - 1000, 10 * MIB, 1000 * MIB, false);
    assert_int_equal(l.pace.target, 4);
    pass(&l, 3000, 10 * MIB, 1000 * MIB, false);
    assert_int_equal(l.pace.target, 8);
}

void test_pace__tries_of_a_server_are_counted(void **state)
{
    static const uint32_t about_ms[] = { 1000, 2000, 4000, 8000, 8000 };
    hf__tries tries = { 0 };
    uint32_t wait_ms = 0;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(hf__tries_again(&tries, HF__TROUBLE_SERVER, true, 600000, 0, 1000 * i, 77777,
                                    &wait_ms));
        assert_true(wait_ms >= about_ms[i] - about_ms[i] / 8);
        assert_true(wait_ms <= about_ms[i] + about_ms[i] / 8);
    }
    assert_false(hf__tries_again(&tries, HF__TROUBLE_SERVER, true, 600000, 0, 9000, 1, &wait_ms));
    hf__tries_progress(&tries);
    assert_true(hf__tries_again(&tries, HF__TROUBLE_SERVER, true, 600000, 0, 9000, 1, &wait_ms));
}

void test_pace__what_the_server_asks_is_obeyed(void **state)
{
    hf__tries tries = { 0 };
    uint32_t wait_ms = 0;

    (void)state;
    assert_true(
        hf__tries_again(&tries, HF__TROUBLE_SERVER, false, 0, 12, 1000, UINT64_MAX, &wait_ms));
    assert_true(wait_ms >= 13000 && wait_ms < 13250);
}

void test_pace__a_line_that_went_away_is_waited_for(void **state)
{
    hf__tries tries = { 0 };
    uint64_t now_ms = 5000;
    uint32_t wait_ms = 0;
    unsigned n = 0;

    (void)state;
    while (
        hf__tries_again(&tries, HF__TROUBLE_LINE, true, 600000, 0, now_ms, n * 12345u, &wait_ms)) {
        assert_true(wait_ms <= 9000);
        now_ms += wait_ms;
        n++;
    }
    assert_true(now_ms >= 605000 && now_ms < 615000);
    /* One that was never there is not. */
    hf__tries_progress(&tries);
    for (n = 0; hf__tries_again(&tries, HF__TROUBLE_LINE, false, 600000, 0, now_ms, 1, &wait_ms);)
        n++;
    assert_int_equal(n, HF__TRIES);
}
