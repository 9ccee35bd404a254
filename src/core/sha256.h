/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of two streams at once. One stream uses half of what a CPU with SHA instructions can do:
 * each waits for the one before. Two that are interleaved take hardly longer than one. Everything
 * else goes through core/hash.h.
 */
#ifndef HF_CORE_SHA256_H
#define HF_CORE_SHA256_H

#include "core/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf__sha256 {
    uint32_t state[8];
    uint64_t len;
    uint8_t block[64]; /* its beginning, when len is no multiple of 64 */
} hf__sha256;

/* False where the CPU, or the compiler, has no SHA instructions: then nothing below may be called. */
bool hf__sha256_can_pair(void);

void hf__sha256_init(hf__sha256 *s);
void hf__sha256_add(hf__sha256 *s, const void *bytes, size_t len);
/* len bytes to each. Fast when both have multiples of 64 so far. */
void hf__sha256_add_two(hf__sha256 *a, const void *a_bytes, hf__sha256 *b, const void *b_bytes,
                        size_t len);
void hf__sha256_end(hf__sha256 *s, char out[HF__HASH_HEX_MAX + 1]);

#endif
