/* SPDX-License-Identifier: Apache-2.0 */
/* Cursor over untrusted bytes: fails once and stays failed, then yields zeros and has
 * nothing left. */
#ifndef HF_CORE_BYTES_H
#define HF_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf__rd {
    const uint8_t *cur;
    const uint8_t *end;
    bool failed;
} hf__rd;

hf__rd hf__rd_make(const void *data, size_t len);
const uint8_t *hf__rd_take(hf__rd *rd, size_t len); /* NULL when too short */
uint8_t hf__rd_u8(hf__rd *rd);
uint16_t hf__rd_u16le(hf__rd *rd);
uint32_t hf__rd_u24le(hf__rd *rd);
uint32_t hf__rd_u32le(hf__rd *rd);
uint64_t hf__rd_u64le(hf__rd *rd);
size_t hf__rd_left(const hf__rd *rd);

#endif
