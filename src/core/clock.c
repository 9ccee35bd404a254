/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

uint64_t hf__clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

double hf__clock_wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void hf__clock_sleep_ms(uint32_t ms)
{
    hf__clock_sleep_us((uint64_t)ms * 1000);
}

void hf__clock_sleep_us(uint64_t us)
{
    struct timespec left = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

uint64_t hf__random_u64(void)
{
    uint64_t value = 0;

    /* At most 256 bytes never come short; before the kernel's pool is ready the clock has to do. */
    if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
        value = hf__clock_ms() * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&value;
    return value;
}
