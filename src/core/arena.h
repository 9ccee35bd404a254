/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one operation or one result, freed in one step. Not for secrets,
 * bulk data or state that outlives the operation. Out of memory is NULL, never an abort.
 */
#ifndef HF_CORE_ARENA_H
#define HF_CORE_ARENA_H

#include "core/str.h"

typedef struct hf__arena hf__arena;

hf__arena *hf__arena_new(void);
void hf__arena_free(hf__arena *arena); /* NULL allowed */

void *hf__arena_alloc(hf__arena *arena, size_t bytes); /* zeroed, aligned for any type */
void *hf__arena_array(hf__arena *arena, size_t count,
                      size_t size);                       /* zeroed; NULL on overflow too */
char *hf__arena_str(hf__arena *arena, hf__str text);      /* copy with NUL */
char *hf__arena_cstr(hf__arena *arena, const char *text); /* copy; NULL for NULL */

/* Whether anything asked of it was refused. To ask once, where absent texts are NULL too. */
bool hf__arena_failed(const hf__arena *arena);

#endif
