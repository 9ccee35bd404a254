/* SPDX-License-Identifier: Apache-2.0 */
/* Checked arithmetic: true means overflow, as in C23. The result is only meaningful when false
 * comes back. */
#ifndef HF_CORE_CKD_H
#define HF_CORE_CKD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool hf__ckd_add(size_t *out, size_t a, size_t b)
{
    *out = a + b;
    return *out < a;
}

static inline bool hf__ckd_mul(size_t *out, size_t a, size_t b)
{
    *out = a * b;
    return a != 0 && *out / a != b;
}

static inline bool hf__ckd_add64(uint64_t *out, uint64_t a, uint64_t b)
{
    *out = a + b;
    return *out < a;
}

#endif
