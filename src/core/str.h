/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed piece of text: pointer and length, passed by value, never assumed to end in NUL. */
#ifndef HF_CORE_STR_H
#define HF_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct hf__str {
    const char *ptr;
    size_t len;
} hf__str;

#define HF__STR(literal) ((hf__str){ (literal), sizeof(literal) - 1 })

static inline hf__str hf__str_from(const char *text)
{
    return (hf__str){ text, text ? strlen(text) : 0 };
}

bool hf__str_eq(hf__str a, hf__str b);
bool hf__str_eq_nocase(hf__str a, hf__str b); /* ASCII only */
bool hf__str_starts(hf__str text, hf__str prefix);
bool hf__str_ends(hf__str text, hf__str suffix);
hf__str hf__str_trim(hf__str text); /* blanks, tabs, CR, LF at both ends */

/* Cuts text at the first `sep`: the part before it comes back, *rest is what follows. Without `sep`
 * all of text comes back, *rest is empty with a NULL ptr. */
hf__str hf__str_cut(hf__str text, char sep, hf__str *rest);

/* Whole text must be decimal digits and fit; false otherwise. */
bool hf__str_to_u64(hf__str text, uint64_t *out);

bool hf__str_is_hex(hf__str text, size_t len); /* exactly len lower-case hex digits */

/* Reads the UTF-8 character at the start of text: its length and, in *code, its number. 0 when
 * there is none: empty, cut, overlong, a surrogate, above U+10FFFF. */
size_t hf__utf8_next(hf__str text, uint32_t *code);

#endif
