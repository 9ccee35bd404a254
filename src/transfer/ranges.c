/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/ranges.h"

#include <stdlib.h>
#include <string.h>

void hf__ranges_dispose(hf__ranges *ranges)
{
    free(ranges->items);
    *ranges = (hf__ranges){ 0 };
}

/* Index of the first range that ends at or after `at`. */
static size_t find(const hf__ranges *ranges, uint64_t at)
{
    size_t low = 0;
    size_t high = ranges->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges->items[middle].end < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool make_room(hf__ranges *ranges)
{
    size_t room = ranges->room ? ranges->room * 2 : 8;
    hf__range *grown;

    if (ranges->n < ranges->room)
        return true;
    grown = realloc(ranges->items, room * sizeof(*grown));
    if (!grown)
        return false;
    ranges->items = grown;
    ranges->room = room;
    return true;
}

static bool insert(hf__ranges *ranges, size_t i, hf__range range)
{
    if (!make_room(ranges))
        return false;
    memmove(ranges->items + i + 1, ranges->items + i, (ranges->n - i) * sizeof(range));
    ranges->items[i] = range;
    ranges->n++;
    return true;
}

static void erase(hf__ranges *ranges, size_t i, size_t count)
{
    memmove(ranges->items + i, ranges->items + i + count,
            (ranges->n - i - count) * sizeof(hf__range));
    ranges->n -= count;
}

bool hf__ranges_add(hf__ranges *ranges, uint64_t first, uint64_t end)
{
    size_t i = find(ranges, first);
    size_t last = i;

    if (first >= end)
        return true;
    if (i == ranges->n || ranges->items[i].first > end)
        return insert(ranges, i, (hf__range){ first, end });
    while (last + 1 < ranges->n && ranges->items[last + 1].first <= end)
        last++;
    if (ranges->items[i].first < first)
        first = ranges->items[i].first;
    if (ranges->items[last].end > end)
        end = ranges->items[last].end;
    ranges->items[i] = (hf__range){ first, end };
    erase(ranges, i + 1, last - i);
    return true;
}

bool hf__ranges_remove(hf__ranges *ranges, uint64_t first, uint64_t end)
{
    size_t i = find(ranges, first);

    while (first < end && i < ranges->n && ranges->items[i].first < end) {
        hf__range *range = &ranges->items[i];
        hf__range tail = { end, range->end };

        if (range->first < first && range->end > end) {
            if (!insert(ranges, i + 1, tail))
                return false;
            ranges->items[i].end = first;
            return true;
        }
        if (range->first < first) {
            range->end = first;
            i++;
        } else if (range->end > end) {
            range->first = end;
            return true;
        } else {
            erase(ranges, i, 1);
        }
    }
    return true;
}

bool hf__ranges_copy(hf__ranges *to, const hf__ranges *from)
{
    to->n = 0;
    for (size_t i = 0; i < from->n; i++)
        if (!hf__ranges_add(to, from->items[i].first, from->items[i].end))
            return false;
    return true;
}

uint64_t hf__ranges_reach(const hf__ranges *ranges, uint64_t at)
{
    size_t i = find(ranges, at);

    if (i < ranges->n && ranges->items[i].end == at && i + 1 < ranges->n)
        i++; /* a range that ends here does not hold it */
    return i < ranges->n && ranges->items[i].first <= at && ranges->items[i].end > at
               ? ranges->items[i].end
               : at;
}

uint64_t hf__ranges_next(const hf__ranges *ranges, uint64_t at)
{
    for (size_t i = find(ranges, at); i < ranges->n; i++)
        if (ranges->items[i].end > at)
            return ranges->items[i].first > at ? ranges->items[i].first : at;
    return UINT64_MAX;
}

uint64_t hf__ranges_total(const hf__ranges *ranges)
{
    uint64_t total = 0;

    for (size_t i = 0; i < ranges->n; i++)
        total += ranges->items[i].end - ranges->items[i].first;
    return total;
}

bool hf__ranges_pieces(const hf__ranges *ranges, uint64_t piece, uint64_t size, uint64_t *first,
                       uint64_t *end)
{
    uint64_t from = *first / piece * piece;
    uint64_t to = (*end + piece - 1) / piece * piece;

    if (to > size)
        to = size;
    /* That a piece has begun says nothing of what lies between its begin and these bytes: two lanes
     * may be in it. */
    if (hf__ranges_reach(ranges, from) < *end)
        from += piece;
    if (hf__ranges_reach(ranges, *first) < to)
        to = *end / piece * piece;
    if (from >= to)
        return false;
    *first = from;
    *end = to;
    return true;
}
