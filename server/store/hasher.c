/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of what is on its way to a file, on a thread of its own: writing and hashing take about as
 * long, so that one who does both in turn keeps the sender waiting for half of the time. Bytes are
 * copied into a ring of blocks, since those of a request are gone when its callback returns. What
 * fits one block is hashed where it came, without a thread.
 */
#include "store/private.h"

#include "core/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)128 * 1024)
#define BLOCKS      8
#define ENOUGH      (BLOCKS / 2) /* to wake somebody for: each wakeup costs as much as a block */

struct srv__hasher {
    hf__hash *hash;
    bool has_thread; /* then hash is the thread's until it has ended */
    bool alone;      /* no thread can be had */
    pthread_t thread;
    uint8_t *blocks;
    size_t filled; /* bytes in the block that is being filled, number `put` */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t len[BLOCKS]; /* with the lock held, as all below */
    unsigned put;
    unsigned got;
    bool hungry; /* the thread waits for blocks */
    bool full;   /* and who fills them, for room */
    bool ended;
};

hf_status srv__hasher_new(srv__hasher **out, hf_error *err)
{
    srv__hasher *h = calloc(1, sizeof *h);
    hf_status st;

    if (!h)
        return hf__fail_nomem(err);
    st = hf__hash_new(HF__HASH_SHA256, 0, &h->hash, err);
    h->blocks = st == HF_OK ? malloc(BLOCK_BYTES) : NULL;
    if (st == HF_OK && !h->blocks)
        st = hf__fail_nomem(err);
    if (st != HF_OK) {
        hf__hash_free(h->hash);
        free(h);
        return st;
    }
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->moved, NULL);
    *out = h;
    return HF_OK;
}

static uint8_t *block_at(srv__hasher *h, unsigned n)
{
    return h->blocks + (size_t)(n % BLOCKS) * BLOCK_BYTES;
}

static void *run(void *arg)
{
    srv__hasher *h = arg;

    pthread_mutex_lock(&h->lock);
    for (;;) {
        unsigned at = h->got;
        size_t len;

        while (h->put == at && !h->ended) {
            h->hungry = true;
            (void)pthread_cond_wait(&h->moved, &h->lock);
        }
        if (h->put == at)
            break;
        len = h->len[at % BLOCKS];
        pthread_mutex_unlock(&h->lock);
        hf__hash_add(h->hash, block_at(h, at), len);
        pthread_mutex_lock(&h->lock);
        h->got++;
        if (h->full && h->put - h->got <= ENOUGH) {
            h->full = false;
            (void)pthread_cond_signal(&h->moved);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* The rest of the ring, and who empties it. */
static void start(srv__hasher *h)
{
    uint8_t *blocks = realloc(h->blocks, BLOCKS * BLOCK_BYTES);

    if (blocks)
        h->blocks = blocks;
    if (blocks && pthread_create(&h->thread, NULL, run, h) == 0)
        h->has_thread = true;
    else
        h->alone = true;
}

/* The block being filled is full, or the last one. */
static void hand_over(srv__hasher *h)
{
    if (!h->has_thread && !h->alone)
        start(h);
    if (h->alone) {
        hf__hash_add(h->hash, h->blocks, h->filled);
    } else {
        pthread_mutex_lock(&h->lock);
        h->len[h->put % BLOCKS] = h->filled;
        h->put++;
        if (h->hungry && h->put - h->got >= ENOUGH) {
            h->hungry = false;
            (void)pthread_cond_signal(&h->moved);
        }
        h->full = h->put - h->got == BLOCKS;
        while (h->full)
            (void)pthread_cond_wait(&h->moved, &h->lock);
        pthread_mutex_unlock(&h->lock);
    }
    h->filled = 0;
}

void srv__hasher_add(srv__hasher *h, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;

    while (len > 0) {
        size_t n = BLOCK_BYTES - h->filled < len ? BLOCK_BYTES - h->filled : len;

        memcpy((h->has_thread ? block_at(h, h->put) : h->blocks) + h->filled, from, n);
        h->filled += n;
        from += n;
        len -= n;
        if (h->filled == BLOCK_BYTES)
            hand_over(h);
    }
}

static void end_thread(srv__hasher *h)
{
    if (!h->has_thread)
        return;
    pthread_mutex_lock(&h->lock);
    h->ended = true;
    (void)pthread_cond_signal(&h->moved);
    pthread_mutex_unlock(&h->lock);
    (void)pthread_join(h->thread, NULL);
    h->has_thread = false;
    h->alone = true;
}

void srv__hasher_end(srv__hasher *h, char out[HF__HASH_HEX_MAX + 1])
{
    const uint8_t *last = h->has_thread ? block_at(h, h->put) : h->blocks;

    end_thread(h);
    hf__hash_add(h->hash, last, h->filled);
    hf__hash_end(h->hash, out);
}

void srv__hasher_free(srv__hasher *h)
{
    if (!h)
        return;
    end_thread(h);
    hf__hash_free(h->hash);
    free(h->blocks);
    (void)pthread_mutex_destroy(&h->lock);
    (void)pthread_cond_destroy(&h->moved);
    free(h);
}
