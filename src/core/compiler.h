/* SPDX-License-Identifier: Apache-2.0 */
/* What C11 lacks and compilers offer, named once. */
#ifndef HF_CORE_COMPILER_H
#define HF_CORE_COMPILER_H

#if defined(__GNUC__)
#define HF__PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define HF__MUST_USE          __attribute__((warn_unused_result))
#define HF__LIKELY(x)         __builtin_expect(!!(x), 1)
#define HF__UNLIKELY(x)       __builtin_expect(!!(x), 0)
#else
#define HF__PRINTF(fmt, args)
#define HF__MUST_USE
#define HF__LIKELY(x)   (x)
#define HF__UNLIKELY(x) (x)
#endif

/* States what our own code guarantees; never input, disk, server or memory. */
#ifdef HF_DEBUG_ASSERTS
#include <assert.h>
#define HF__ASSERT(x) assert(x)
#else
#define HF__ASSERT(x) ((void)0)
#endif

#define HF__COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
