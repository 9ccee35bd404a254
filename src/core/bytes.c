/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bytes.h"

hf__rd hf__rd_make(const void *data, size_t len)
{
    const uint8_t *start = data;

    return (hf__rd){ start, len ? start + len : start, false };
}

size_t hf__rd_left(const hf__rd *rd)
{
    return (size_t)(rd->end - rd->cur);
}

const uint8_t *hf__rd_take(hf__rd *rd, size_t len)
{
    const uint8_t *out = rd->cur;

    if (rd->failed || len > hf__rd_left(rd)) {
        rd->failed = true;
        rd->cur = rd->end; /* a loop that runs while something is left ends */
        return NULL;
    }
    if (len)
        rd->cur += len;
    return out;
}

static uint64_t take_le(hf__rd *rd, size_t len)
{
    const uint8_t *p = hf__rd_take(rd, len);
    uint64_t value = 0;

    for (size_t i = len; p && i > 0; i--)
        value = (value << 8) | p[i - 1];
    return value;
}

uint8_t hf__rd_u8(hf__rd *rd)
{
    return (uint8_t)take_le(rd, 1);
}

uint16_t hf__rd_u16le(hf__rd *rd)
{
    return (uint16_t)take_le(rd, 2);
}

uint32_t hf__rd_u24le(hf__rd *rd)
{
    return (uint32_t)take_le(rd, 3);
}

uint32_t hf__rd_u32le(hf__rd *rd)
{
    return (uint32_t)take_le(rd, 4);
}

uint64_t hf__rd_u64le(hf__rd *rd)
{
    return take_le(rd, 8);
}
