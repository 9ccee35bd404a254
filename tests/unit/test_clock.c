/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

#include "unit.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

void test_clock__goes_forward(void **state)
{
    uint64_t before = hf__clock_ms();
    int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        uint64_t now = hf__clock_ms();

        assert_true(now >= before);
        before = now;
    }
}

void test_clock__wall_is_the_systems(void **state)
{
    double now = hf__clock_wall();

    (void)state;
    assert_true(now > (double)time(NULL) - 5 && now < (double)time(NULL) + 5);
}

static void ignore(int number)
{
    (void)number;
}

void test_clock__sleep_is_not_cut_by_a_signal(void **state)
{
    struct sigaction action = { .sa_handler = ignore };
    struct sigaction before;
    struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
    struct itimerval never = { { 0, 0 }, { 0, 0 } };
    uint64_t start;

    (void)state;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    start = hf__clock_ms();
    hf__clock_sleep_ms(60);
    assert_true(hf__clock_ms() - start >= 59);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
}

void test_clock__random_values_differ(void **state)
{
    uint64_t seen[200];
    size_t i, k;

    (void)state;
    for (i = 0; i < 200; i++) {
        seen[i] = hf__random_u64();
        for (k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
}
