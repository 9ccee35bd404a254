/* SPDX-License-Identifier: Apache-2.0 */
/* The body buffers of an engine: sizes by need, a budget that holds, blocks kept for reuse. Private
 * to net. */
#ifndef HF_NET_BUFFERS_H
#define HF_NET_BUFFERS_H

#include "net/net.h"

#include <pthread.h>

enum { HF__BLOCK_SIZES = 4 };

typedef struct hf__block {
    hf__net_buf buf; /* first: hf__net_buf_release finds the block by it */
    struct hf__block *next;
    size_t size;
    unsigned size_class;
} hf__block;

typedef struct hf__blocks {
    uint64_t budget;
    unsigned largest; /* size class */
    struct {          /* only with the lock held */
        pthread_mutex_t lock;
        uint64_t used;   /* bytes of blocks that are out */
        uint64_t cached; /* bytes of free ones; used + cached stay within the budget */
        hf__block *free[HF__BLOCK_SIZES];
        bool starved; /* someone got none and waits for a release */
    } synced;
} hf__blocks;

void hf__blocks_init(hf__blocks *blocks, uint64_t budget);
void hf__blocks_dispose(hf__blocks *blocks); /* every block must be back */

/* A block of at least `want` bytes, or the largest there is. NULL when the budget is used up, and
 * then the next release tells; or with *no_memory when waiting would not help. */
hf__block *hf__blocks_get(hf__blocks *blocks, uint64_t want, bool *no_memory);

/* True when someone was starved: the engine has to be woken. */
bool hf__blocks_put(hf__blocks *blocks, hf__block *block);

bool hf__blocks_have_room(hf__blocks *blocks);
uint64_t hf__blocks_used(hf__blocks *blocks); /* bytes of those that are out */
void hf__blocks_trim(hf__blocks *blocks);     /* frees what is cached */

#endif
