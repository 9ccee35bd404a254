/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include "core/clock.h"

#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#define N_JOBS 2000

/* What the jobs of one strand write to. Plain memory: the strand is its only guard, and the thread
 * sanitizer the witness. */
typedef struct record {
    int seen[N_JOBS];
    int n;
} record;

typedef struct numbered_job {
    hf__job job;
    record *to;
    int number;
} numbered_job;

static void note_number(void *arg)
{
    numbered_job *self = arg;

    self->to->seen[self->to->n++] = self->number;
}

static void check_order(const record *r, int n)
{
    int i;

    assert_int_equal(r->n, n);
    for (i = 0; i < n; i++)
        assert_int_equal(r->seen[i], i);
}

static numbered_job *make_jobs(record *to, int n)
{
    numbered_job *jobs = calloc((size_t)n, sizeof *jobs);
    int i;

    assert_non_null(jobs);
    for (i = 0; i < n; i++)
        jobs[i] = (numbered_job){ { NULL, note_number, &jobs[i] }, to, i };
    return jobs;
}

void test_pool__strands_keep_their_order(void **state)
{
    static record records[5];
    numbered_job *jobs[5];
    hf__strand *strands[5];
    hf__pool *pool;
    int s, i;

    (void)state;
    memset(records, 0, sizeof records);
    assert_int_equal(hf__pool_new(4, &pool, NULL), HF_OK);
    for (s = 0; s < 5; s++) {
        assert_int_equal(hf__strand_new(pool, &strands[s], NULL), HF_OK);
        jobs[s] = make_jobs(&records[s], N_JOBS);
    }
    for (i = 0; i < N_JOBS; i++)
        for (s = 0; s < 5; s++)
            hf__strand_add(strands[s], &jobs[s][i].job);
    for (s = 0; s < 5; s++) {
        hf__strand_wait(strands[s]);
        check_order(&records[s], N_JOBS);
        hf__strand_free(strands[s]);
        free(jobs[s]);
    }
    hf__pool_free(pool);
}

void test_pool__nothing_added_nothing_waited_for(void **state)
{
    hf__strand *strand;
    hf__pool *pool;

    (void)state;
    assert_int_equal(hf__pool_new(0, &pool, NULL), HF_OK);
    assert_int_equal(hf__strand_new(pool, &strand, NULL), HF_OK);
    hf__strand_wait(strand);
    hf__strand_free(strand);
    hf__strand_free(NULL);
    hf__pool_free(pool);
    hf__pool_free(NULL);
}

/* Two strands that can only end together. */
typedef struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int there;
    bool met;
} meeting;

static void meet(void *arg)
{
    meeting *m = arg;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&m->lock);
    m->there++;
    pthread_cond_broadcast(&m->changed);
    while (m->there < 2 && pthread_cond_timedwait(&m->changed, &m->lock, &until) == 0)
        ;
    if (m->there == 2)
        m->met = true;
    pthread_mutex_unlock(&m->lock);
}

void test_pool__strands_run_beside_each_other(void **state)
{
    int round;

    (void)state;
    for (round = 0; round < 50; round++) {
        meeting m = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false };
        hf__job jobs[2] = { { NULL, meet, &m }, { NULL, meet, &m } };
        hf__strand *a, *b;
        hf__pool *pool;

        assert_int_equal(hf__pool_new(2, &pool, NULL), HF_OK);
        assert_int_equal(hf__strand_new(pool, &a, NULL), HF_OK);
        assert_int_equal(hf__strand_new(pool, &b, NULL), HF_OK);
        if (round % 2) { /* with a thread that sleeps already: one wake-up must not do for two */
            record r = { .n = 0 };
            numbered_job first = { { NULL, note_number, &first }, &r, 0 };

            hf__strand_add(a, &first.job);
            hf__strand_wait(a);
            hf__clock_sleep_ms(2);
        }
        hf__strand_add(a, &jobs[0]);
        hf__strand_add(b, &jobs[1]);
        hf__strand_wait(a);
        hf__strand_wait(b);
        assert_true(m.met);
        hf__strand_free(a);
        hf__strand_free(b);
        hf__pool_free(pool);
    }
}

typedef struct chain {
    hf__job job;
    hf__strand *strand;
    int left;
    int ran;
} chain;

static void add_next(void *arg)
{
    chain *self = arg;

    self->ran++;
    if (self->left-- > 0)
        hf__strand_add(self->strand, &self->job); /* it was entered, so it may be used again */
}

void test_pool__a_job_adds_to_its_own_strand(void **state)
{
    chain c = { { NULL, add_next, &c }, NULL, 1000, 0 };
    hf__pool *pool;

    (void)state;
    assert_int_equal(hf__pool_new(1, &pool, NULL), HF_OK);
    assert_int_equal(hf__strand_new(pool, &c.strand, NULL), HF_OK);
    hf__strand_add(c.strand, &c.job);
    hf__strand_wait(c.strand);
    assert_int_equal(c.ran, 1001);
    hf__strand_free(c.strand);
    hf__pool_free(pool);
}

static void free_self(void *arg)
{
    free(arg);
}

void test_pool__a_job_may_free_itself(void **state)
{
    hf__strand *strand;
    hf__pool *pool;
    int i;

    (void)state;
    assert_int_equal(hf__pool_new(2, &pool, NULL), HF_OK);
    assert_int_equal(hf__strand_new(pool, &strand, NULL), HF_OK);
    for (i = 0; i < 1000; i++) {
        hf__job *job = calloc(1, sizeof *job);

        assert_non_null(job);
        *job = (hf__job){ NULL, free_self, job };
        hf__strand_add(strand, job);
    }
    hf__strand_wait(strand);
    hf__strand_free(strand);
    hf__pool_free(pool);
}

static void count_slowly(void *arg)
{
    hf__clock_sleep_ms(1);
    atomic_fetch_add((atomic_int *)arg, 1);
}

void test_pool__free_waits_for_what_was_added(void **state)
{
    hf__job jobs[20];
    atomic_int n;
    hf__strand *strands[4];
    hf__pool *pool;
    int i;

    (void)state;
    atomic_init(&n, 0);
    assert_int_equal(hf__pool_new(2, &pool, NULL), HF_OK);
    for (i = 0; i < 4; i++)
        assert_int_equal(hf__strand_new(pool, &strands[i], NULL), HF_OK);
    for (i = 0; i < 20; i++) {
        jobs[i] = (hf__job){ NULL, count_slowly, &n };
        hf__strand_add(strands[i % 4], &jobs[i]);
    }
    hf__pool_free(pool);
    assert_int_equal(atomic_load(&n), 20);
    for (i = 0; i < 4; i++)
        hf__strand_free(strands[i]);
}

typedef struct adder {
    hf__strand *strand;
    hf__job *jobs;
    int n;
} adder;

static void *add_all(void *arg)
{
    adder *self = arg;
    int i;

    for (i = 0; i < self->n; i++)
        hf__strand_add(self->strand, &self->jobs[i]);
    return NULL;
}

static void count_plainly(void *arg)
{
    ++*(int *)arg;
}

void test_pool__many_threads_add_to_one_strand(void **state)
{
    pthread_t threads[4];
    adder adders[4];
    hf__strand *strand;
    hf__pool *pool;
    int n = 0;
    int t, i;

    (void)state;
    assert_int_equal(hf__pool_new(3, &pool, NULL), HF_OK);
    assert_int_equal(hf__strand_new(pool, &strand, NULL), HF_OK);
    for (t = 0; t < 4; t++) {
        adders[t] = (adder){ strand, calloc(N_JOBS, sizeof(hf__job)), N_JOBS };
        assert_non_null(adders[t].jobs);
        for (i = 0; i < N_JOBS; i++)
            adders[t].jobs[i] = (hf__job){ NULL, count_plainly, &n };
        assert_int_equal(pthread_create(&threads[t], NULL, add_all, &adders[t]), 0);
    }
    for (t = 0; t < 4; t++)
        pthread_join(threads[t], NULL);
    hf__strand_wait(strand);
    assert_int_equal(n, 4 * N_JOBS);
    hf__strand_free(strand);
    hf__pool_free(pool);
    for (t = 0; t < 4; t++)
        free(adders[t].jobs);
}
