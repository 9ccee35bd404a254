/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worker threads, and strands on them. Jobs of one strand run in the order they were added and
 * never two at once, so the writer of a file needs no lock of its own; strands run beside each
 * other.
 */
#ifndef HF_CORE_POOL_H
#define HF_CORE_POOL_H

#include <hfhub/hfhub.h>

typedef struct hf__pool hf__pool;
typedef struct hf__strand hf__strand;

typedef void hf__job_fn(void *arg);

/* The caller owns the job, which must stay until its function was entered; adding allocates
 * nothing. */
typedef struct hf__job {
    struct hf__job *next;
    hf__job_fn *fn;
    void *arg;
} hf__job;

/* Threads start when first needed. n_threads 0: one more than CPUs, at most 5. */
hf_status hf__pool_new(unsigned n_threads, hf__pool **out, hf_error *err);
void hf__pool_free(hf__pool *pool); /* waits for jobs that were added; NULL allowed */

hf_status hf__strand_new(hf__pool *pool, hf__strand **out, hf_error *err);
void hf__strand_free(hf__strand *strand); /* must be idle; NULL allowed */
void hf__strand_add(hf__strand *strand, hf__job *job);
void hf__strand_wait(hf__strand *strand); /* until every job added so far has returned */

#endif
