/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the parts of transfer fit together.
 *
 *   run      drives all files of one call on the caller's thread; it never blocks on a lock or a
 * socket op       one file: check, lock, fetch or link, commit; its target (cache or local
 * directory) knows the steps fetch    one file's bytes: a stream, what to do when it breaks, when
 * it is good writer   hashes and writes what arrives, in order, on a strand of the pool
 *
 * The I/O thread hands buffers to the writer; the writer's strand tells the run when a stream has
 * ended and all of it is on disk. Everything else happens on the caller's thread, so op and fetch
 * need no lock.
 */
#ifndef HF_TRANSFER_PRIVATE_H
#define HF_TRANSFER_PRIVATE_H

#include "core/cancel.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/limits.h"
#include "transfer/transfer.h"

#include <pthread.h>
#include <stdatomic.h>

#define FETCH_TRIES     5  /* in a row without a new byte (cache.md 7.3) */
#define LOCK_EVERY_MS   50 /* cache.md 9.1 */
#define LOCK_SAY_MS     10000
#define TICK_MS         100
#define DEFAULT_WORKERS 8

typedef struct run run;
typedef struct op op;
typedef struct fetch fetch;

/* ---- writer */

typedef struct writer {
    hf__net *net; /* buffers go back to it */
    hf__strand *strand;
    hf__job job;
    void (*on_drained)(void *self); /* on the strand, after the last buffer of a stream */
    void *self;
    int fd; /* borrowed */
    const char *path;
    uint64_t size; /* more is refused; HF__NET_NO_LIMIT: unknown */
    struct {       /* only with lock held */
        pthread_mutex_t lock;
        hf__net_buf *first;
        hf__net_buf *last;
        bool queued; /* the job is on the strand */
        bool ended;  /* the stream said so */
    } synced;
    struct {            /* only on the strand, or when it is idle */
        hf__hash *hash; /* NULL: there is nothing to compare with */
        uint64_t base;  /* offset of the stream's first byte in the file */
        hf_status status;
        hf_error err;
    } strand_data;
    atomic_uint_fast64_t written; /* bytes on disk and in the hash, from 0 */
    atomic_bool failed;           /* lets the I/O thread drop what comes after */
} writer;

hf_status hf__writer_init(writer *w, const hf__transfer_ctx *ctx, void (*on_drained)(void *),
                          void *self, hf_error *err);
void hf__writer_dispose(writer *w);
/* Starts a file from nothing: strand idle. kind 0: no hash. */
hf_status hf__writer_open(writer *w, int fd, const char *path, hf__hash_kind kind, uint64_t size,
                          hf_error *err);
void hf__writer_stream_begins(writer *w);           /* strand idle */
void hf__writer_set_base(writer *w, uint64_t base); /* before the first buffer of a stream */
void hf__writer_take(writer *w, hf__net_buf *buf);  /* I/O thread */
void hf__writer_end(writer *w);                     /* I/O thread; on_drained follows */

/* ---- fetch */

typedef enum fetch_state {
    FETCH_IDLE,
    FETCH_STREAMING,
    FETCH_WAITING,
    FETCH_GOOD,
    FETCH_FAILED
} fetch_state;

struct fetch {
    run *run;
    fetch_state state;
    const hf_repo_ref *repo; /* at a commit; NULL for a plain URL */
    const char *path;
    const char *url;  /* where to start; NULL: the resolve URL */
    const char *auth; /* for a plain URL */
    const char *user_agent;
    hf__etag etag;      /* expected */
    uint64_t size;      /* expected, or HF__NET_NO_LIMIT */
    hf__hash_kind kind; /* 0: the etag says nothing of the content */
    char computed[HF__HASH_HEX_MAX + 1];
    writer w;
    bool writer_ready;
    hf__hub_get get;
    hf__net_stream *stream;
    uint64_t asked_from; /* range of the stream under way */
    uint64_t wait_until_ms;
    uint64_t progress_at; /* written when the last try began */
    uint32_t tries;
    uint32_t retries; /* over all, to show */
    bool refetched;   /* the hash was wrong once already */
    bool restart;     /* the next try starts from nothing */
    hf_status status; /* of the stream, then of the fetch */
    hf_error err;
    fetch *next_ready; /* in the run's list */
};

/* What the bytes of an etag can be checked with: 64 hex digits, 40, or nothing. */
hf__hash_kind hf__fetch_kind(const hf__etag *etag);

hf_status hf__fetch_start(fetch *f, hf__cache_part *part, hf_error *err);
/* A stream ended, or a wait is over: goes on or comes to an end (f->state). */
void hf__fetch_step(fetch *f, uint64_t now);
void hf__fetch_cancel(fetch *f);
void hf__fetch_dispose(fetch *f);

/* ---- op */

typedef enum op_state {
    OP_NEW,     /* nothing is known */
    OP_TODO,    /* not here; to be fetched or linked */
    OP_LOCKING, /* somebody else has the lock */
    OP_WORKING, /* a job on the pool runs for it */
    OP_FETCHING,
    OP_DONE,
    OP_FAILED
} op_state;

struct op {
    hf_file *file; /* result being filled; its repo_path and etag are set */
    const char *xet_hash;
    op_state state;
    bool to_fetch;         /* counted in the totals */
    struct active *active; /* while it is under way */
};

/* What an op needs only while it is under way; a repo may have very many files. */
typedef struct active {
    op *op;
    run *run;
    hf__os_lock lock;
    bool locked;
    uint64_t waiting_since;
    uint64_t said_ms;
    hf__cache_part *part;
    fetch f;
    bool fetch_ready;   /* f was set up */
    hf__strand *strand; /* of work */
    hf__job job;
    hf_status work_status;
    hf_error work_err;
    bool work_done; /* result: the file is in place */
    struct active *next;
    struct active *next_ready;
} active;

typedef struct op_target {
    /* Is it here already? Sets state to OP_DONE or OP_TODO, and op->to_fetch. Makes nothing. */
    hf_status (*check)(run *r, op *o, hf_error *err);
    hf_status (*lock)(run *r, active *a, bool *got, hf_error *err);
    /* Lock held: settles what needs no transfer (OP_DONE), starts work (OP_WORKING) or leaves
     * OP_TODO. */
    hf_status (*settle)(run *r, active *a, hf_error *err);
    /* The work of settle is over. */
    hf_status (*worked)(run *r, active *a, hf_error *err);
    hf_status (*begin)(run *r, active *a, hf__cache_part **out, hf_error *err);
    /* The bytes are good: into place. */
    hf_status (*commit)(run *r, active *a, hf_error *err);
} op_target;

extern const op_target hf__op_target_cache;
extern const op_target hf__op_target_local;

/* ---- progress */

#define SPEED_SAMPLES 30

typedef struct meter {
    hf_progress_fn *fn;
    void *user;
    uint64_t shown_ms;
    uint64_t at_ms[SPEED_SAMPLES];
    uint64_t at_bytes[SPEED_SAMPLES];
    unsigned n;
    char path[256];
} meter;

/* Not 0 when the callback wants to stop. */
int hf__meter_show(run *r, hf_phase phase, uint64_t now);

/* ---- run */

struct run {
    const hf__transfer_ctx *ctx;
    const op_target *target;
    hf__cache *cache;
    hf__cache_repo *repo;
    hf__cache_local *local; /* NULL: cache */
    hf_repo_ref at;         /* the repo at the commit */
    char commit[41];
    const char *url; /* single file: where HEAD said the content is */
    uint32_t flags;
    uint32_t max_active;
    const hf_cancel *cancel;
    meter meter;
    hf__arena *arena; /* of the result */
    op *ops;
    size_t n_ops;
    size_t next_op;
    size_t n_done;
    uint64_t bytes_total;
    uint64_t bytes_finished; /* of ops that are done */
    uint32_t retries;
    active *actives;
    uint32_t n_active;
    uint32_t n_fetching;
    hf_status status; /* first failure */
    hf_error err;
    bool look_again; /* do not sleep: a lock of ours was freed, or a file needed no transfer */
    struct {         /* only with lock held */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        fetch *fetches; /* that ended */
        active *works;  /* whose job is over */
    } synced;
};

hf_status hf__run_init(run *r, const hf__transfer_ctx *ctx, hf_error *err);
void hf__run_dispose(run *r);
void hf__run_fetch_ready(run *r, fetch *f); /* from any thread */
void hf__run_work_ready(run *r, active *a); /* from any thread */
/* Checks all ops: totals, space. Then moves every file. */
hf_status hf__run_plan(run *r, hf_error *err);
hf_status hf__run_go(run *r, hf_error *err);
/* Waits until something is ready, or ms passed. Used by hf__run_go and by a single plain URL. */
void hf__run_wait(run *r, uint32_t ms);
fetch *hf__run_take_fetches(run *r);
void hf__run_fail(run *r, hf_status st, const hf_error *err, const char *path);

/* ---- results */

hf_file *hf__result_files(hf__arena *arena, size_t n);
hf_file *hf__result_single(run *r);                         /* takes the arena */
hf_snapshot *hf__result_snapshot(run *r, const char *path); /* takes the arena */

/* Opens cache, repo and (unless dir is NULL) local directory of a run. */
hf_status hf__run_open(run *r, const hf_repo_ref *repo, const char *cache_dir,
                       const char *local_dir, hf_error *err);

#endif
