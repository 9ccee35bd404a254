/* SPDX-License-Identifier: Apache-2.0 */
/* A set of bytes of a file, kept as sorted ranges that neither overlap nor touch. Values only: no
 * clock, no lock, no file. Private to transfer. */
#ifndef HF_TRANSFER_RANGES_H
#define HF_TRANSFER_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf__range {
    uint64_t first;
    uint64_t end; /* one past the last */
} hf__range;

typedef struct hf__ranges {
    hf__range *items;
    size_t n;
    size_t room;
} hf__ranges;

void hf__ranges_dispose(hf__ranges *ranges); /* a zeroed set is an empty one */
bool hf__ranges_add(hf__ranges *ranges, uint64_t first, uint64_t end);    /* false: no memory */
bool hf__ranges_remove(hf__ranges *ranges, uint64_t first, uint64_t end); /* false: no memory */
bool hf__ranges_copy(hf__ranges *to, const hf__ranges *from);             /* false: no memory */

/* End of the range that holds `at`, or `at` itself when it is not in the set. */
uint64_t hf__ranges_reach(const hf__ranges *ranges, uint64_t at);
/* First byte of the set at or after `at`; UINT64_MAX when there is none. */
uint64_t hf__ranges_next(const hf__ranges *ranges, uint64_t at);
uint64_t hf__ranges_total(const hf__ranges *ranges);

/* Of a file of `size` bytes that is cut into pieces: the whole pieces that lie around the bytes from
 * *first to *end and are all in the set, as the bytes do by themselves. False when there is none. */
bool hf__ranges_pieces(const hf__ranges *ranges, uint64_t piece, uint64_t size, uint64_t *first,
                       uint64_t *end);

#endif
