/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large body on its way to a file: receiving, writing and hashing take about as long each, so one
 * thread that does them in turn keeps the sender waiting. Bytes are copied into a ring of blocks,
 * since those of a request are gone when its callback returns; one thread writes them, another
 * hashes them, and a block is free when both are done with it. What fits one block is written and
 * hashed at the end, without threads.
 */
#define _GNU_SOURCE /* sync_file_range */
#include "store/private.h"

#include "core/hash.h"
#include "core/os.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)128 * 1024)
#define BLOCKS      16
#define ENOUGH      (BLOCKS / 4) /* to wake somebody for: each wakeup costs as much as a block */
#define FLUSH_BYTES ((uint64_t)8 * 1024 * 1024)

enum { WRITER, HASHER, WORKERS };

typedef struct worker {
    srv__spool *spool;
    void (*take)(srv__spool *spool, const uint8_t *bytes, size_t len);
    pthread_t thread;
    bool started;
    unsigned got; /* blocks; with the lock held, as hungry */
    bool hungry;  /* waits for blocks */
} worker;

struct srv__spool {
    int fd;
    const char *path;
    uint64_t written, flushed; /* the writer's until it has ended */
    hf_status status;          /* of writing; likewise */
    hf_error err;
    hf__hash *hash; /* the hasher's, likewise */
    uint8_t *blocks;
    size_t filled; /* bytes in the block that is being filled, number `put` */
    bool alone;    /* there are no workers, and there will be none */
    worker workers[WORKERS];
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t len[BLOCKS]; /* with the lock held, as all below */
    unsigned put;
    bool full; /* who fills blocks waits for one */
    bool failed;
    bool ended;
};

/* -------------------------------------------------------------------------------- what is done with it */

static void take_write(srv__spool *s, const uint8_t *bytes, size_t len)
{
    if (s->status != HF_OK)
        return;
    s->status = hf__os_pwrite(s->fd, bytes, len, s->written, s->path, &s->err);
    s->written += len;
    /* Begins while more comes what the fsync at the end would wait for. */
    if (s->status == HF_OK && s->written - s->flushed >= FLUSH_BYTES) {
        (void)sync_file_range(s->fd, (off_t)s->flushed, (off_t)(s->written - s->flushed),
                              SYNC_FILE_RANGE_WRITE);
        s->flushed = s->written;
    }
}

static void take_hash(srv__spool *s, const uint8_t *bytes, size_t len)
{
    hf__hash_add(s->hash, bytes, len);
}

static void take_both(srv__spool *s)
{
    take_write(s, s->blocks, s->filled);
    take_hash(s, s->blocks, s->filled);
    s->filled = 0;
}

/* ------------------------------------------------------------------------------------------ the workers */

static uint8_t *block_at(const srv__spool *s, unsigned n)
{
    return s->blocks + (size_t)(n % BLOCKS) * BLOCK_BYTES;
}

static unsigned n_taken_locked(const srv__spool *s)
{
    unsigned a = s->put - s->workers[WRITER].got;
    unsigned b = s->put - s->workers[HASHER].got;

    return a > b ? a : b;
}

static void *run(void *arg)
{
    worker *w = arg;
    srv__spool *s = w->spool;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        unsigned at = w->got;
        size_t len;

        while (s->put == at && !s->ended) {
            w->hungry = true;
            (void)pthread_cond_wait(&s->moved, &s->lock);
        }
        if (s->put == at)
            break;
        len = s->len[at % BLOCKS];
        pthread_mutex_unlock(&s->lock);
        w->take(s, block_at(s, at), len);
        pthread_mutex_lock(&s->lock);
        if (w == &s->workers[WRITER])
            s->failed = s->status != HF_OK;
        w->got++;
        if (s->full && n_taken_locked(s) <= BLOCKS - ENOUGH) {
            s->full = false;
            (void)pthread_cond_broadcast(&s->moved);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void end_workers(srv__spool *s)
{
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    (void)pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < WORKERS; i++)
        if (s->workers[i].started)
            (void)pthread_join(s->workers[i].thread, NULL);
        else
            s->workers[i].got = s->put;
    s->workers[WRITER].started = s->workers[HASHER].started = false;
    s->alone = true;
}

/* The rest of the ring, and who empties it. Nothing was handed over so far. */
static void start_workers(srv__spool *s)
{
    uint8_t *blocks = realloc(s->blocks, BLOCKS * BLOCK_BYTES);

    if (blocks)
        s->blocks = blocks;
    for (int i = 0; blocks && i < WORKERS; i++)
        if (pthread_create(&s->workers[i].thread, NULL, run, &s->workers[i]) == 0)
            s->workers[i].started = true;
        else
            blocks = NULL;
    if (!blocks)
        end_workers(s);
}

/* ----------------------------------------------------------------------------------------- from outside */

hf_status srv__spool_new(int fd, const char *path, srv__spool **out, hf_error *err)
{
    srv__spool *s = calloc(1, sizeof *s);
    hf_status st;

    if (!s)
        return hf__fail_nomem(err);
    s->fd = fd;
    s->path = path;
    s->err = (hf_error)HF_ERROR_INIT;
    s->workers[WRITER] = (worker){ .spool = s, .take = take_write };
    s->workers[HASHER] = (worker){ .spool = s, .take = take_hash };
    st = hf__hash_new(HF__HASH_SHA256, 0, &s->hash, err);
    s->blocks = st == HF_OK ? malloc(BLOCK_BYTES) : NULL;
    if (st == HF_OK && !s->blocks)
        st = hf__fail_nomem(err);
    if (st != HF_OK) {
        hf__hash_free(s->hash);
        free(s);
        return st;
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->moved, NULL);
    *out = s;
    return HF_OK;
}

static hf_status failed(srv__spool *s, hf_error *err)
{
    hf_status st;

    end_workers(s); /* then status and err are ours */
    st = s->status;
    if (st != HF_OK)
        hf__error_copy(err, &s->err);
    return st;
}

/* The block being filled is full. */
static hf_status hand_over(srv__spool *s, hf_error *err)
{
    bool has_failed;

    if (!s->alone && !s->workers[WRITER].started)
        start_workers(s);
    if (s->alone) {
        take_both(s);
        return s->status == HF_OK ? HF_OK : failed(s, err);
    }
    pthread_mutex_lock(&s->lock);
    s->len[s->put % BLOCKS] = s->filled;
    s->put++;
    s->filled = 0;
    for (int i = 0; i < WORKERS; i++)
        if (s->workers[i].hungry && s->put - s->workers[i].got >= ENOUGH) {
            s->workers[WRITER].hungry = s->workers[HASHER].hungry = false;
            (void)pthread_cond_broadcast(&s->moved);
        }
    s->full = n_taken_locked(s) == BLOCKS;
    while (s->full)
        (void)pthread_cond_wait(&s->moved, &s->lock);
    has_failed = s->failed;
    pthread_mutex_unlock(&s->lock);
    return has_failed ? failed(s, err) : HF_OK;
}

hf_status srv__spool_add(srv__spool *s, const void *bytes, size_t len, hf_error *err)
{
    const uint8_t *from = bytes;
    hf_status st = HF_OK;

    while (st == HF_OK && len > 0) {
        size_t n = BLOCK_BYTES - s->filled < len ? BLOCK_BYTES - s->filled : len;
        uint8_t *block = s->alone ? s->blocks : block_at(s, s->put);

        memcpy(block + s->filled, from, n);
        s->filled += n;
        from += n;
        len -= n;
        if (s->filled == BLOCK_BYTES)
            st = hand_over(s, err);
    }
    return st;
}

hf_status srv__spool_end(srv__spool *s, char out[HF__HASH_HEX_MAX + 1], hf_error *err)
{
    const uint8_t *last = s->alone ? s->blocks : block_at(s, s->put);

    end_workers(s);
    take_write(s, last, s->filled);
    take_hash(s, last, s->filled);
    s->filled = 0;
    hf__hash_end(s->hash, out);
    if (s->status == HF_OK && out[0] == '\0')
        return hf__fail(err, HF_ERR_INTERNAL, "OpenSSL failed to hash");
    return s->status == HF_OK ? HF_OK : failed(s, err);
}

void srv__spool_free(srv__spool *s)
{
    if (!s)
        return;
    end_workers(s);
    hf__hash_free(s->hash);
    free(s->blocks);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->moved);
    free(s);
}
