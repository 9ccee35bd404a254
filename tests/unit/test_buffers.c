/* SPDX-License-Identifier: Apache-2.0 */
#include "net/buffers.h"

#include "unit.h"

void test_buffers__fit_what_is_wanted(void **state)
{
    static const struct {
        uint64_t want;
        size_t size;
    } ways[] = { { 0, 4096 },      { 1, 4096 },       { 4096, 4096 },        { 4097, 16384 },
                 { 65536, 65536 }, { 65537, 262144 }, { UINT64_MAX, 262144 } };
    hf__blocks blocks;

    (void)state;
    hf__blocks_init(&blocks, 1 << 20);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bool no_memory;
        hf__block *block = hf__blocks_get(&blocks, ways[i].want, &no_memory);

        assert_non_null(block);
        assert_int_equal(block->size, ways[i].size);
        assert_int_equal(block->buf.len, 0);
        assert_false(hf__blocks_put(&blocks, block));
    }
    hf__blocks_dispose(&blocks);
}

void test_buffers__keep_to_the_budget(void **state)
{
    hf__block *out[8];
    hf__blocks blocks;
    bool no_memory;

    (void)state;
    hf__blocks_init(&blocks, 1 << 20);
    for (size_t i = 0; i < 4; i++) {
        out[i] = hf__blocks_get(&blocks, 262144, &no_memory);
        assert_non_null(out[i]);
    }
    assert_null(hf__blocks_get(&blocks, 1, &no_memory));
    assert_false(no_memory); /* waiting helps */
    assert_false(hf__blocks_have_room(&blocks));
    assert_true(hf__blocks_put(&blocks, out[0]));  /* someone waits: wake the engine */
    assert_false(hf__blocks_put(&blocks, out[1])); /* once is enough */
    assert_true(hf__blocks_have_room(&blocks));
    /* Cached blocks make room for other sizes: used and cached stay within the budget. */
    for (size_t i = 4; i < 8; i++) {
        out[i] = hf__blocks_get(&blocks, 65536, &no_memory);
        assert_non_null(out[i]);
        assert_true(blocks.synced.used + blocks.synced.cached <= blocks.budget);
    }
    for (size_t i = 2; i < 8; i++)
        (void)hf__blocks_put(&blocks, out[i]);
    hf__blocks_trim(&blocks);
    assert_int_equal(blocks.synced.cached, 0);
    hf__blocks_dispose(&blocks);
}

void test_buffers__a_small_budget_has_small_blocks(void **state)
{
    static const uint64_t budgets[] = { 0, 1, 8192, 40000, 200000 };
    static const size_t largest[] = { 4096, 4096, 4096, 16384, 65536 };

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        hf__blocks blocks;
        bool no_memory;
        hf__block *a;
        hf__block *b;

        hf__blocks_init(&blocks, budgets[i]);
        a = hf__blocks_get(&blocks, UINT64_MAX, &no_memory);
        b = hf__blocks_get(&blocks, UINT64_MAX, &no_memory);
        assert_true(a && b); /* one slow consumer does not stop everybody */
        assert_int_equal(a->size, largest[i]);
        (void)hf__blocks_put(&blocks, a);
        (void)hf__blocks_put(&blocks, b);
        hf__blocks_dispose(&blocks);
    }
}
