/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of bodies while they come. A CPU with SHA instructions hashes two streams in hardly more
 * than the time of one, so there is one thread for every two bodies, and it takes a block of each
 * whenever it can. Who brings a body copies it into a ring of blocks, since the bytes of a request
 * are gone when its callback returns. A body that fits one block needs neither ring nor thread.
 *
 * Blocks in the ring are full ones: what is left of the ring at the end, and the beginning of a
 * block, is hashed by who brought it. He has nothing else to do then.
 */
#include "store/private.h"

#include "core/sha256.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCKS      16
#define ENOUGH      (BLOCKS / 4) /* to wake somebody for: each wakeup costs as much as a block */
#define PLENTY      (BLOCKS / 2) /* to hash them without a second stream */
#define MAX_THREADS 8

struct srv__hasher {
    bool pairs; /* two streams in the time of one */
    unsigned max_threads;
    pthread_mutex_t lock; /* over all below, and what a stream says */
    pthread_cond_t work;
    srv__stream *streams; /* that have a ring */
    unsigned n_streams;
    pthread_t threads[MAX_THREADS];
    unsigned n_threads, n_idle;
    bool ended;
};

struct srv__stream {
    srv__hasher *hasher;
    hf__hash *hash;    /* NULL: sha256 it is. Whoever is busy with the stream has them. */
    hf__sha256 sha256; /* fit to go in a pair */
    uint8_t *blocks;
    bool alone; /* one block, hashed by who brings it */
    bool has_ring;
    pthread_cond_t moved;
    srv__stream *next; /* with the hasher's lock held, as all below */
    unsigned put, got; /* blocks */
    bool busy;         /* with a thread */
    bool eager;        /* a thread began to empty it without a second one */
    bool waits;        /* who fills it, for room */
    bool leaving;      /* no thread takes it any more */
};

/* ----------------------------------------------------------------------------------------- hashing */

static void add(srv__stream *s, const uint8_t *bytes, size_t len)
{
    if (s->hash)
        hf__hash_add(s->hash, bytes, len);
    else
        hf__sha256_add(&s->sha256, bytes, len);
}

static uint8_t *block_at(const srv__stream *s, unsigned n)
{
    return s->alone || !s->has_ring ? s->blocks
                                    : s->blocks + (size_t)(n % BLOCKS) * SRV__BLOCK_BYTES;
}

static void add_oldest(srv__stream *a, srv__stream *b)
{
    if (b)
        hf__sha256_add_two(&a->sha256, block_at(a, a->got), &b->sha256, block_at(b, b->got),
                           SRV__BLOCK_BYTES);
    else
        add(a, block_at(a, a->got), SRV__BLOCK_BYTES);
}

/* ------------------------------------------------------------------------------------- the threads */

static unsigned n_ready(const srv__stream *s)
{
    return s->busy || s->leaving ? 0 : s->put - s->got;
}

/* The one with most to hash. */
static srv__stream *fullest_locked(const srv__hasher *h, const srv__stream *but)
{
    srv__stream *found = NULL;

    for (srv__stream *s = h->streams; s; s = s->next)
        if (s != but && n_ready(s) > (found ? n_ready(found) : 0))
            found = s;
    return found;
}

/* One stream to hash a block of, *second another or NULL. NULL: it is better to wait for more. */
static srv__stream *pick_locked(srv__hasher *h, srv__stream **second)
{
    srv__stream *first = fullest_locked(h, NULL);

    *second = first && h->pairs ? fullest_locked(h, first) : NULL;
    if (!first || *second)
        return first;
    if (!h->pairs || h->n_streams == 1 || n_ready(first) >= PLENTY)
        first->eager = true;
    return first->eager ? first : NULL;
}

static void give_back_locked(srv__stream *s, bool paired)
{
    s->got++;
    s->busy = false;
    if (paired || s->put == s->got)
        s->eager = false;
    if (s->leaving || (s->waits && s->put - s->got <= BLOCKS - ENOUGH))
        (void)pthread_cond_signal(&s->moved);
}

static void *run(void *arg)
{
    srv__hasher *h = arg;

    pthread_mutex_lock(&h->lock);
    while (!h->ended) {
        srv__stream *b;
        srv__stream *a = pick_locked(h, &b);

        if (!a) {
            h->n_idle++;
            (void)pthread_cond_wait(&h->work, &h->lock);
            h->n_idle--;
            continue;
        }
        a->busy = true;
        if (b)
            b->busy = true;
        pthread_mutex_unlock(&h->lock);
        add_oldest(a, b);
        pthread_mutex_lock(&h->lock);
        give_back_locked(a, b != NULL);
        if (b)
            give_back_locked(b, true);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void start_threads_locked(srv__hasher *h)
{
    unsigned wanted = h->pairs ? (h->n_streams + 1) / 2 : h->n_streams;

    while (h->n_threads < wanted && h->n_threads < h->max_threads &&
           pthread_create(&h->threads[h->n_threads], NULL, run, h) == 0)
        h->n_threads++;
}

hf_status srv__hasher_new(srv__hasher **out, hf_error *err)
{
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    srv__hasher *h = calloc(1, sizeof *h);

    if (!h)
        return hf__fail_nomem(err);
    h->pairs = hf__sha256_can_pair();
    h->max_threads = n_cpus > 0 && n_cpus < MAX_THREADS ? (unsigned)n_cpus : MAX_THREADS;
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->work, NULL);
    *out = h;
    return HF_OK;
}

void srv__hasher_free(srv__hasher *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->ended = true;
    (void)pthread_cond_broadcast(&h->work);
    pthread_mutex_unlock(&h->lock);
    for (unsigned i = 0; i < h->n_threads; i++)
        (void)pthread_join(h->threads[i], NULL);
    (void)pthread_mutex_destroy(&h->lock);
    (void)pthread_cond_destroy(&h->work);
    free(h);
}

/* ------------------------------------------------------------------------------------- one stream */

hf_status srv__stream_new(srv__hasher *hasher, srv__stream **out, hf_error *err)
{
    srv__stream *s = calloc(1, sizeof *s);
    hf_status st = HF_OK;

    if (!s)
        return hf__fail_nomem(err);
    s->hasher = hasher;
    hf__sha256_init(&s->sha256);
    if (!hasher->pairs)
        st = hf__hash_new(HF__HASH_SHA256, 0, &s->hash, err);
    s->blocks = st == HF_OK ? malloc(SRV__BLOCK_BYTES) : NULL;
    if (st == HF_OK && !s->blocks)
        st = hf__fail_nomem(err);
    if (st != HF_OK) {
        hf__hash_free(s->hash);
        free(s);
        return st;
    }
    (void)pthread_cond_init(&s->moved, NULL);
    *out = s;
    return HF_OK;
}

/* The first block is full, and stays where it is in the ring. */
static void make_ring(srv__stream *s)
{
    srv__hasher *h = s->hasher;
    uint8_t *blocks = realloc(s->blocks, BLOCKS * SRV__BLOCK_BYTES);

    s->alone = !blocks;
    if (!blocks)
        return;
    s->blocks = blocks;
    s->has_ring = true;
    pthread_mutex_lock(&h->lock);
    s->next = h->streams;
    h->streams = s;
    h->n_streams++;
    start_threads_locked(h);
    pthread_mutex_unlock(&h->lock);
}

static bool is_worth_waking_locked(const srv__hasher *h, const srv__stream *s)
{
    unsigned n = n_ready(s);

    return h->n_idle > 0 && (n >= PLENTY || (n >= ENOUGH && (!h->pairs || h->n_streams == 1 ||
                                                             fullest_locked(h, s))));
}

const uint8_t *srv__stream_put(srv__stream *s)
{
    srv__hasher *h = s->hasher;
    const uint8_t *block;

    if (!s->alone && !s->has_ring)
        make_ring(s);
    block = block_at(s, s->put);
    if (s->alone) {
        add(s, block, SRV__BLOCK_BYTES);
        return block;
    }
    pthread_mutex_lock(&h->lock);
    s->put++;
    if (is_worth_waking_locked(h, s))
        (void)pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
    return block;
}

uint8_t *srv__stream_block(srv__stream *s)
{
    srv__hasher *h = s->hasher;

    if (!s->has_ring)
        return s->blocks;
    pthread_mutex_lock(&h->lock);
    if (h->n_threads == 0 && s->put - s->got == BLOCKS) /* none could be had */
        add(s, block_at(s, s->got++), SRV__BLOCK_BYTES);
    s->waits = true;
    while (s->put - s->got == BLOCKS)
        (void)pthread_cond_wait(&s->moved, &h->lock);
    s->waits = false;
    pthread_mutex_unlock(&h->lock);
    return block_at(s, s->put);
}

/* Takes it away from the threads. */
static void leave(srv__stream *s)
{
    srv__hasher *h = s->hasher;
    srv__stream **link = &h->streams;

    if (!s->has_ring)
        return;
    pthread_mutex_lock(&h->lock);
    s->leaving = true;
    while (s->busy)
        (void)pthread_cond_wait(&s->moved, &h->lock);
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    h->n_streams--;
    pthread_mutex_unlock(&h->lock);
}

void srv__stream_end(srv__stream *s, size_t len, char out[HF__HASH_HEX_MAX + 1])
{
    const uint8_t *last = block_at(s, s->put);

    leave(s);
    while (s->got != s->put)
        add(s, block_at(s, s->got++), SRV__BLOCK_BYTES);
    s->has_ring = false;
    s->alone = true;
    add(s, last, len);
    if (s->hash)
        hf__hash_end(s->hash, out);
    else
        hf__sha256_end(&s->sha256, out);
}

void srv__stream_free(srv__stream *s)
{
    if (!s)
        return;
    leave(s);
    hf__hash_free(s->hash);
    (void)pthread_cond_destroy(&s->moved);
    free(s->blocks);
    free(s);
}
