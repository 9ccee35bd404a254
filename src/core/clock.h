/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Monotonic for waiting and measuring, wall clock for what is written down. */
#ifndef HF_CORE_CLOCK_H
#define HF_CORE_CLOCK_H

#include <stdint.h>

uint64_t hf__clock_ms(void); /* monotonic */
double hf__clock_wall(void); /* seconds since 1970 */
void hf__clock_sleep_ms(uint32_t ms);
void hf__clock_sleep_us(uint64_t us);
uint64_t hf__random_u64(void); /* from the kernel; for unique names and jitter */

#endif
