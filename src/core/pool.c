/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strand is either idle, or queued, or being run by one worker. The pool's one lock guards every
 * queue; jobs run without it. Handing over a job is a few instructions under that lock, far below
 * the cost of any job here.
 */
#include "core/pool.h"

#include "core/error.h"
#include "core/os.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define MAX_THREADS 5

struct hf__strand {
    hf__pool *pool;
    hf__strand *next; /* in the pool's run queue */
    hf__job *first;
    hf__job *last;
    bool busy; /* queued or being run */
};

struct hf__pool {
    unsigned n_threads; /* wanted */
    struct {            /* only with the lock held */
        pthread_mutex_t lock;
        pthread_cond_t work; /* for workers: a strand was queued, or stop */
        pthread_cond_t idle; /* for strand_wait: a strand became idle */
        hf__strand *first;
        hf__strand *last;
        unsigned n_queued; /* strands between first and last */
        pthread_t threads[MAX_THREADS];
        unsigned n_started;
        unsigned n_sleeping; /* those woken but not yet running included */
        bool stopping;
    } synced;
};

hf_status hf__pool_new(unsigned n_threads, hf__pool **out, hf_error *err)
{
    hf__pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return hf__fail_nomem(err);
    if (n_threads == 0)
        n_threads = hf__os_cpus() + 1; /* jobs wait for the disk, too */
    pool->n_threads = n_threads > MAX_THREADS ? MAX_THREADS : n_threads;
    pthread_mutex_init(&pool->synced.lock, NULL);
    pthread_cond_init(&pool->synced.work, NULL);
    pthread_cond_init(&pool->synced.idle, NULL);
    *out = pool;
    return HF_OK;
}

static void enqueue_locked(hf__pool *pool, hf__strand *strand)
{
    strand->next = NULL;
    if (pool->synced.last)
        pool->synced.last->next = strand;
    else
        pool->synced.first = strand;
    pool->synced.last = strand;
    pool->synced.n_queued++;
}

static hf__strand *dequeue_locked(hf__pool *pool)
{
    hf__strand *strand = pool->synced.first;

    if (strand) {
        pool->synced.first = strand->next;
        if (!strand->next)
            pool->synced.last = NULL;
        pool->synced.n_queued--;
    }
    return strand;
}

/* Runs the jobs of one strand that were there when it started, then lets others have a turn. */
static void run_strand_locked(hf__pool *pool, hf__strand *strand)
{
    hf__job *job = strand->first;

    strand->first = NULL;
    strand->last = NULL;
    pthread_mutex_unlock(&pool->synced.lock);
    while (job) {
        hf__job *next = job->next; /* the job may be gone once its function ran */

        job->fn(job->arg);
        job = next;
    }
    pthread_mutex_lock(&pool->synced.lock);
    if (strand->first) {
        enqueue_locked(pool, strand);
    } else {
        strand->busy = false;
        pthread_cond_broadcast(&pool->synced.idle);
    }
}

static void *worker(void *arg)
{
    hf__pool *pool = arg;

    pthread_mutex_lock(&pool->synced.lock);
    for (;;) {
        hf__strand *strand = dequeue_locked(pool);

        if (strand) {
            run_strand_locked(pool, strand);
        } else if (pool->synced.stopping) {
            break;
        } else {
            pool->synced.n_sleeping++;
            pthread_cond_wait(&pool->synced.work, &pool->synced.lock);
            pool->synced.n_sleeping--;
        }
    }
    pthread_mutex_unlock(&pool->synced.lock);
    return NULL;
}

/* Signals stay with the threads of the program that uses us. */
static void start_worker_locked(hf__pool *pool)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&pool->synced.threads[pool->synced.n_started], NULL, worker, pool) == 0)
        pool->synced.n_started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void hf__pool_free(hf__pool *pool)
{
    unsigned n;

    if (!pool)
        return;
    pthread_mutex_lock(&pool->synced.lock);
    pool->synced.stopping = true;
    n = pool->synced.n_started;
    pthread_cond_broadcast(&pool->synced.work);
    pthread_mutex_unlock(&pool->synced.lock);
    for (unsigned i = 0; i < n; i++)
        pthread_join(pool->synced.threads[i], NULL);
    pthread_cond_destroy(&pool->synced.idle);
    pthread_cond_destroy(&pool->synced.work);
    pthread_mutex_destroy(&pool->synced.lock);
    free(pool);
}

hf_status hf__strand_new(hf__pool *pool, hf__strand **out, hf_error *err)
{
    hf__strand *strand = calloc(1, sizeof(*strand));

    if (!strand)
        return hf__fail_nomem(err);
    strand->pool = pool;
    *out = strand;
    return HF_OK;
}

void hf__strand_free(hf__strand *strand)
{
    HF__ASSERT(!strand || (!strand->busy && !strand->first));
    free(strand);
}

void hf__strand_add(hf__strand *strand, hf__job *job)
{
    hf__pool *pool = strand->pool;

    job->next = NULL;
    pthread_mutex_lock(&pool->synced.lock);
    if (strand->last)
        strand->last->next = job;
    else
        strand->first = job;
    strand->last = job;
    if (!strand->busy) {
        strand->busy = true;
        enqueue_locked(pool, strand);
        if (pool->synced.n_queued > pool->synced.n_sleeping &&
            pool->synced.n_started < pool->n_threads)
            start_worker_locked(pool);
        pthread_cond_signal(&pool->synced.work);
    }
    /* Where no thread can be had, the work is done here: late, but done. Jobs that a job adds to
     * its own strand are queued again and found by the same loop. */
    while (pool->synced.n_started == 0 && (strand = dequeue_locked(pool)) != NULL)
        run_strand_locked(pool, strand);
    pthread_mutex_unlock(&pool->synced.lock);
}

void hf__strand_wait(hf__strand *strand)
{
    hf__pool *pool = strand->pool;

    pthread_mutex_lock(&pool->synced.lock);
    while (strand->busy)
        pthread_cond_wait(&pool->synced.idle, &pool->synced.lock);
    pthread_mutex_unlock(&pool->synced.lock);
}
