/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of 300 bytes must not touch 256 KiB, and a file of 2 GiB must not be handed over in
 * crumbs, so there are four sizes. Free blocks are reused last in, first out: the one that was
 * released last is the one that is still in the CPU's cache.
 */
#include "net/buffers.h"

#include "core/compiler.h"

#include <stdlib.h>

static const size_t block_sizes[HF__BLOCK_SIZES] = { 4096, 16384, 65536, 262144 };

void hf__blocks_init(hf__blocks *blocks, uint64_t budget)
{
    *blocks = (hf__blocks){ .budget = budget };
    /* Two of the largest must fit, or one slow consumer would stop everybody. */
    if (blocks->budget < 2 * block_sizes[0])
        blocks->budget = 2 * block_sizes[0];
    while (blocks->largest + 1 < HF__BLOCK_SIZES &&
           2 * block_sizes[blocks->largest + 1] <= blocks->budget)
        blocks->largest++;
    pthread_mutex_init(&blocks->synced.lock, NULL);
}

static void free_one_locked(hf__blocks *blocks, unsigned size_class)
{
    hf__block *block = blocks->synced.free[size_class];

    blocks->synced.free[size_class] = block->next;
    blocks->synced.cached -= block->size;
    free(block);
}

/* Frees cached blocks until `bytes` more fit into the budget, largest first. */
static void make_room_locked(hf__blocks *blocks, uint64_t bytes)
{
    for (unsigned i = HF__BLOCK_SIZES; i-- > 0;)
        while (blocks->synced.free[i] &&
               blocks->synced.used + blocks->synced.cached + bytes > blocks->budget)
            free_one_locked(blocks, i);
}

void hf__blocks_trim(hf__blocks *blocks)
{
    pthread_mutex_lock(&blocks->synced.lock);
    make_room_locked(blocks, blocks->budget);
    pthread_mutex_unlock(&blocks->synced.lock);
}

void hf__blocks_dispose(hf__blocks *blocks)
{
    HF__ASSERT(blocks->synced.used == 0);
    hf__blocks_trim(blocks);
    pthread_mutex_destroy(&blocks->synced.lock);
}

static hf__block *get_locked(hf__blocks *blocks, unsigned size_class, bool *no_memory)
{
    size_t size = block_sizes[size_class];
    hf__block *block = blocks->synced.free[size_class];

    if (blocks->synced.used + size > blocks->budget)
        return NULL;
    if (block) {
        blocks->synced.free[size_class] = block->next;
        blocks->synced.cached -= size;
    } else {
        make_room_locked(blocks, size);
        block = malloc(sizeof(*block) + size);
        if (!block) {
            /* Blocks that come back may be reused; without any there is nothing to wait for. */
            *no_memory = blocks->synced.used == 0;
            return NULL;
        }
        block->size = size;
        block->size_class = size_class;
    }
    block->buf = (hf__net_buf){ .data = (uint8_t *)(block + 1) };
    block->next = NULL;
    blocks->synced.used += size;
    return block;
}

hf__block *hf__blocks_get(hf__blocks *blocks, uint64_t want, bool *no_memory)
{
    unsigned size_class = 0;
    hf__block *block;

    while (size_class < blocks->largest && block_sizes[size_class] < want)
        size_class++;
    *no_memory = false;
    pthread_mutex_lock(&blocks->synced.lock);
    block = get_locked(blocks, size_class, no_memory);
    if (!block)
        blocks->synced.starved = true;
    pthread_mutex_unlock(&blocks->synced.lock);
    return block;
}

bool hf__blocks_put(hf__blocks *blocks, hf__block *block)
{
    bool wake;

    pthread_mutex_lock(&blocks->synced.lock);
    HF__ASSERT(blocks->synced.used >= block->size);
    blocks->synced.used -= block->size;
    blocks->synced.cached += block->size;
    block->next = blocks->synced.free[block->size_class];
    blocks->synced.free[block->size_class] = block;
    wake = blocks->synced.starved;
    blocks->synced.starved = false;
    pthread_mutex_unlock(&blocks->synced.lock);
    return wake;
}

bool hf__blocks_have_room(hf__blocks *blocks)
{
    bool room;

    pthread_mutex_lock(&blocks->synced.lock);
    room = blocks->synced.used + block_sizes[blocks->largest] <= blocks->budget;
    blocks->synced.starved = !room;
    pthread_mutex_unlock(&blocks->synced.lock);
    return room;
}

uint64_t hf__blocks_used(hf__blocks *blocks)
{
    uint64_t used;

    pthread_mutex_lock(&blocks->synced.lock);
    used = blocks->synced.used;
    pthread_mutex_unlock(&blocks->synced.lock);
    return used;
}
