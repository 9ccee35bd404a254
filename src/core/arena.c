/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"

#include "core/ckd.h"
#include "core/compiler.h"

#include <stdalign.h>
#include <stdlib.h>

#define FIRST_BYTES   ((size_t)4 * 1024)
#define LARGEST_BYTES ((size_t)256 * 1024)

typedef struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
} block;

struct hf__arena {
    block *head;
    size_t next_size;
    bool failed;
};

hf__arena *hf__arena_new(void)
{
    hf__arena *arena = calloc(1, sizeof(*arena));

    if (arena)
        arena->next_size = FIRST_BYTES;
    return arena;
}

void hf__arena_free(hf__arena *arena)
{
    block *b = arena ? arena->head : NULL;

    while (b) {
        block *next = b->next;

        free(b);
        b = next;
    }
    free(arena);
}

static block *block_add(hf__arena *arena, size_t bytes)
{
    size_t total;
    block *b;

    if (hf__ckd_add(&total, sizeof(*b), bytes))
        return NULL;
    b = calloc(1, total);
    if (b) {
        b->size = bytes;
        b->next = arena->head;
        arena->head = b;
    }
    return b;
}

static void *take(hf__arena *arena, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    block *b = arena->head;
    size_t size;
    void *out;

    if (hf__ckd_add(&size, bytes, align - 1))
        return NULL;
    size = (size == align - 1 ? align : size) / align * align;
#ifdef HF_DEBUG_ASSERTS
    /* One block each, so that the sanitizers see an overrun. */
    b = block_add(arena, bytes ? bytes : 1);
    if (!b)
        return NULL;
    size = b->size;
#else
    if (!b || b->size - b->used < size) {
        b = block_add(arena, size > arena->next_size ? size : arena->next_size);
        if (!b)
            return NULL;
        if (arena->next_size < LARGEST_BYTES)
            arena->next_size *= 2;
    }
#endif
    out = b->data + b->used;
    b->used += size;
    return out;
}

void *hf__arena_alloc(hf__arena *arena, size_t bytes)
{
    void *out = take(arena, bytes);

    arena->failed = arena->failed || !out;
    return out;
}

bool hf__arena_failed(const hf__arena *arena)
{
    return arena->failed;
}

void *hf__arena_array(hf__arena *arena, size_t count, size_t size)
{
    size_t bytes;

    return hf__arena_alloc(arena, hf__ckd_mul(&bytes, count, size) ? SIZE_MAX : bytes);
}

char *hf__arena_str(hf__arena *arena, hf__str text)
{
    size_t size;
    char *out = hf__arena_alloc(arena, hf__ckd_add(&size, text.len, 1) ? SIZE_MAX : size);

    if (out && text.len)
        memcpy(out, text.ptr, text.len);
    return out;
}

char *hf__arena_cstr(hf__arena *arena, const char *text)
{
    return text ? hf__arena_str(arena, hf__str_from(text)) : NULL;
}
