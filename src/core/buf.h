/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text or bytes being built. Has a hard maximum, stays in its first error, and is checked once at
 * the end. Always followed by a NUL that is not counted, so hf__buf_cstr() is free.
 */
#ifndef HF_CORE_BUF_H
#define HF_CORE_BUF_H

#include "core/compiler.h"
#include "core/str.h"

#include <hfhub/hfhub.h>

typedef struct hf__buf {
    char *ptr; /* NULL until something was added */
    size_t len;
    size_t cap;
    size_t max;
    hf_status status; /* HF_OK, HF_ERR_NO_MEMORY or HF_ERR_LIMIT */
} hf__buf;

/* Sets of bytes that hf__buf_add_quoted leaves as they are; everything else becomes %XX. */
typedef enum hf__quote {
    HF__QUOTE_SEGMENT, /* A-Z a-z 0-9 _ . - ~        : one path segment, '/' is escaped */
    HF__QUOTE_PATH     /* the same and '/'            : a path */
} hf__quote;

void hf__buf_init(hf__buf *buf, size_t max_bytes);
void hf__buf_dispose(hf__buf *buf);
void hf__buf_reset(hf__buf *buf); /* empty and free of error, memory kept */

void hf__buf_add(hf__buf *buf, const void *bytes, size_t len);
void hf__buf_adds(hf__buf *buf, const char *text);
void hf__buf_add_str(hf__buf *buf, hf__str text);
void hf__buf_addc(hf__buf *buf, char byte);
void hf__buf_addf(hf__buf *buf, const char *fmt, ...) HF__PRINTF(2, 3);
void hf__buf_add_quoted(hf__buf *buf, hf__str text, hf__quote set);
void hf__buf_add_hex(hf__buf *buf, const uint8_t *bytes, size_t len);

/* Room for len more bytes to be written by the caller at the returned place; then hf__buf_grew().
 * NULL on error. */
char *hf__buf_reserve(hf__buf *buf, size_t len);
void hf__buf_grew(hf__buf *buf, size_t len);

const char *hf__buf_cstr(const hf__buf *buf); /* never NULL */
hf__str hf__buf_str(const hf__buf *buf);

/* Hands the text over as a heap string for hf_string_free(); NULL when out of memory.
 * Empties buf. */
char *hf__buf_take(hf__buf *buf);

#endif
