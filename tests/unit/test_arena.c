/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"

#include "unit.h"

#include <stdalign.h>

void test_arena__memory_is_zeroed_aligned_and_apart(void **state)
{
    hf__arena *arena = hf__arena_new();
    unsigned char *last = NULL;
    size_t size;

    (void)state;
    assert_non_null(arena);
    for (size = 0; size < 3000; size += 7) {
        unsigned char *p = hf__arena_alloc(arena, size);
        size_t i;

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        if (last)
            assert_int_equal(last[0], 0xee); /* the neighbour was not touched */
        memset(p, 0xee, size ? size : 1);
        last = p;
    }
    hf__arena_free(arena);
    hf__arena_free(NULL);
}

void test_arena__large_and_small_in_turn(void **state)
{
    hf__arena *arena = hf__arena_new();
    unsigned char *kept[64];
    size_t i;

    (void)state;
    for (i = 0; i < 64; i++) {
        size_t size = i % 3 == 0 ? 1000000 : 10;

        kept[i] = hf__arena_alloc(arena, size);
        assert_non_null(kept[i]);
        memset(kept[i], (int)i, size);
    }
    for (i = 0; i < 64; i++) {
        assert_int_equal(kept[i][0], i);
        assert_int_equal(kept[i][9], i);
    }
    hf__arena_free(arena);
}

void test_arena__sizes_that_would_wrap(void **state)
{
    hf__arena *arena = hf__arena_new();

    (void)state;
    assert_null(hf__arena_array(arena, SIZE_MAX, 2));
    assert_null(hf__arena_array(arena, SIZE_MAX / 2 + 1, 2)); /* exactly 0 when it wraps */
    assert_null(hf__arena_alloc(arena, SIZE_MAX));
    assert_null(hf__arena_alloc(arena, SIZE_MAX - 20));
    assert_null(hf__arena_str(arena, (hf__str){ "x", SIZE_MAX }));
    assert_non_null(hf__arena_alloc(arena, 1)); /* and it goes on */
    assert_non_null(hf__arena_array(arena, 0, 8));
    assert_non_null(hf__arena_array(arena, 8, 0));
    hf__arena_free(arena);
}

void test_arena__strings_are_copied(void **state)
{
    hf__arena *arena = hf__arena_new();
    char text[] = "abcdef";
    char *part, *whole;

    (void)state;
    part = hf__arena_str(arena, (hf__str){ text + 1, 3 });
    whole = hf__arena_cstr(arena, text);
    memset(text, 'x', 6);
    assert_string_equal(part, "bcd");
    assert_string_equal(whole, "abcdef");
    assert_null(hf__arena_cstr(arena, NULL));
    assert_string_equal(hf__arena_str(arena, (hf__str){ NULL, 0 }), "");
    hf__arena_free(arena);
}
