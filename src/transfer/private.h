/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the parts of transfer fit together.
 *
 *   run      drives all files of one call on the caller's thread; never blocks on a lock or socket
 *   op       one file: check, lock, fetch or link, commit; its target (cache or local directory)
 *            knows the steps; a large one is committed on the pool
 *   fetch    one file's bytes: decides what to ask for, what to do when it breaks, when it is good
 *   lane     one request of a fetch
 *   compare  where a file is wrong whose hash is wrong
 *   plan     which lane fetches which bytes; pace: how many lanes, and when to try again
 *   writer   puts bytes on disk and hashes them; journal: notes what is on disk
 *
 * The I/O thread hands buffers to the writer; the writer's strands tell the run when a lane has
 * ended and all of it is on disk, and when the hash is complete. Everything else happens on the
 * caller's thread, so op, fetch and plan need no lock.
 */
#ifndef HF_TRANSFER_PRIVATE_H
#define HF_TRANSFER_PRIVATE_H

#include "core/cancel.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/limits.h"
#include "transfer/pace.h"
#include "transfer/plan.h"
#include "transfer/transfer.h"
#include "transfer/writer.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOCK_EVERY_MS   50 /* cache.md 9.1 */
#define LOCK_SAY_MS     10000
#define TICK_MS         100
#define DEFAULT_WORKERS 8
#define MOST_LANES      16
#define SMALL_BYTES     65536                      /* a file of up to so many */
#define SMALL_AHEAD     12                         /* of them, beyond those that move */
#define PATIENCE_MS     ((uint64_t)15 * 60 * 1000) /* for a line that went away in the middle */

typedef struct run run;
typedef struct op op;
typedef struct fetch fetch;

/* ---- fetch */

typedef enum fetch_state {
    FETCH_IDLE,
    FETCH_MOVING,    /* lanes bring bytes, or wait for their next try */
    FETCH_HASHING,   /* all bytes are here */
    FETCH_COMPARING, /* the hash is wrong, and the source may tell where */
    FETCH_ENDING,    /* failed; the last lanes have to end */
    FETCH_GOOD,
    FETCH_FAILED
} fetch_state;

typedef struct lane {
    fetch *f;
    int index;        /* in the plan */
    uint32_t address; /* that it was sent to: the fetch's number of then */
    hf__hub_get get;
    hf__net_stream *stream;
    hf__net_buf mark; /* goes through the writer after the last buffer */
    uint64_t first;   /* of the range asked for */
    uint64_t asked_end;
    uint64_t base;   /* I/O thread: place in the file of the body's first byte */
    char *final_url; /* that answered; set before head_seen */
    hf_status status;
    hf_error err;             /* both set before ended */
    atomic_uint_fast64_t at;  /* next byte */
    atomic_uint_fast64_t end; /* may come closer while it runs */
    atomic_bool head_seen;
    atomic_bool elsewhere; /* not the Hub itself answered */
    atomic_bool stopped;   /* we asked for its end */
    atomic_bool range_ignored;
    atomic_bool wrong_length; /* announced, of something else than this file */
    atomic_bool ended;
    bool in_vain; /* it ended and brought nothing that was not here before */
} lane;

/* Starts a request for [first, end); NULL and err when that is not possible. */
lane *hf__lane_start(fetch *f, int index, uint64_t first, uint64_t end, hf_error *err);
void hf__lane_stop(lane *l);
void hf__lane_free(lane *l);                          /* ended */
void hf__lane_on_mark(void *self, hf__net_buf *mark); /* the writer's callback */

/* ---- compare */

#define HF__COMPARE_PIECE  ((uint64_t)4 * 1024 * 1024) /* the least that is fetched again */
#define HF__COMPARE_ROUNDS 2

typedef struct compare {
    fetch *f;
    hf__job job;
    hf__hub_get get;
    hf_cancel cancel; /* the caller's, and that of the fetch */
    uint8_t *room;
    hf__ranges bad; /* differs from the source; good once it is done */
    atomic_bool done;
} compare;

/* The hash is complete, nothing else uses the hash strand, and the content's size is known. A ready
 * fetch tells of the end. NULL and err when it cannot be started. */
compare *hf__compare_start(fetch *f, hf_error *err);
void hf__compare_free(compare *c); /* done; NULL allowed */

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
    hf__writer w;
    bool writer_ready;
    hf__plan plan;
    lane *lanes[HF__PLAN_LANES];
    char *direct;     /* where the resolve URL led to; NULL: not known */
    uint32_t address; /* counts those that were asked for */
    hf__tries tries;
    uint64_t least_left;    /* bytes still to come, at best so far */
    uint64_t wait_until_ms; /* no lane is opened before */
    uint32_t retries;       /* over all, to show */
    uint32_t refusals;      /* in a row, of addresses that were fresh */
    bool any_byte;
    compare *compare;  /* while it runs */
    unsigned compared; /* so many times */
    uint64_t adopted;  /* bytes at the front that another client left, not proven yet */
    bool rechecked;    /* the disk was compared with what was hashed */
    bool refetched;    /* everything was fetched once more */
    hf_status status;
    hf_error err;
    fetch *next_ready; /* in the run's list */
    fetch *next_taken; /* the run's own link: it may be ready again while the taken are walked */
    bool is_ready;     /* it is in the list */
};

/* What the bytes of an etag can be checked with: 64 hex digits, 40, or nothing. */
hf__hash_kind hf__fetch_kind(const hf__etag *etag);

/* The GET of it as it is to be asked for now, without a range. */
hf_status hf__fetch_request(fetch *f, hf__hub_get *get, hf_error *err);
hf_status hf__fetch_start(fetch *f, hf__cache_part *part, hf_error *err);
/* Looks at everything that may have happened: f->state tells what came of it. */
void hf__fetch_step(fetch *f, uint64_t now);
/* Opens lanes: the first, and the rest of lanes in trouble, always; one more when told so. True
 * when one was opened. */
bool hf__fetch_open(fetch *f, bool more, uint64_t now);
void hf__fetch_cancel(fetch *f);
/* All is written and hashed: waits for the disk. What that lost is fetched again by the next call. */
hf_status hf__fetch_sync(fetch *f, hf__cache_part *part, hf_error *err);
void hf__fetch_dispose(fetch *f);

static inline bool fetch_is_over(const fetch *f)
{
    return f->state == FETCH_GOOD || f->state == FETCH_FAILED;
}

/* ---- op */

typedef enum op_state {
    OP_NEW,     /* nothing is known */
    OP_TODO,    /* not here; to be fetched or linked */
    OP_LOCKING, /* somebody else has the lock */
    OP_WORKING, /* a job on the pool runs for it */
    OP_FETCHING,
    OP_COMMITTING, /* the bytes are good, and on their way to the disk and the name */
    OP_DONE,
    OP_FAILED
} op_state;

struct op {
    hf_file *file; /* result being filled; its repo_path and etag are set */
    const char *xet_hash;
    const char *expected; /* hash that the caller demands; NULL: none */
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
    bool work_done;  /* result: the file is in place */
    bool committing; /* counted so */
    bool worthless;  /* nothing of the part is to be kept */
    struct active *next;
    struct active *next_ready;
    struct active *next_commit;
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
    /* The bytes are good and have their name. */
    hf_status (*placed)(run *r, active *a, hf_error *err);
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
    uint32_t wait_ms; /* until an answer one waits for is asked for again; 0: it is on its way */
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
    const char *commit_text; /* the same in the arena, once it was needed */
    const char *url;         /* single file: where HEAD said the content is */
    uint32_t flags;
    uint32_t max_active;
    const hf_cancel *cancel;
    hf_cancel
        watch; /* for requests one waits for: the caller's flag, and progress is told meanwhile */
    meter meter;
    hf__arena *arena; /* of the result */
    op *ops;
    size_t n_ops;
    size_t next_op;
    size_t n_done;
    uint64_t bytes_total;
    uint64_t bytes_kept;     /* dry run: of disk, that parts of earlier calls take */
    uint64_t bytes_finished; /* of ops that are done */
    uint32_t retries;
    active *actives;
    uint32_t n_active;
    uint32_t n_fetching;
    uint32_t n_committing;
    hf__strand *disk; /* syncs and commits of all files, one at a time: a disk does them no sooner
                         side by side, and they would take the pool's threads from those that move */
    hf__job disk_job;
    hf_status status; /* first failure */
    hf_error err;
    hf__pace pace;
    uint64_t patience_ms;
    uint64_t clock_ms;             /* when all fetches were last looked at */
    atomic_uint_fast64_t received; /* bytes of bodies */
    bool look_again; /* do not sleep: a lock of ours was freed, or a file needed no transfer */
    struct {         /* only with lock held */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        fetch *fetches;  /* of which something is to be looked at */
        active *works;   /* whose job is over */
        active *commits; /* to be committed, the last one first */
        bool committing; /* the job is on its strand */
    } synced;
};

/* What the caller of a call wants to hear, and how it stops it. */
void hf__run_listen(run *r, const hf_cancel *cancel, hf_progress_fn *fn, void *user);
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

/* ---- hashes the caller demands */

/* Gives every op what is demanded of it, and compares what the Hub says. list is borrowed. */
hf_status hf__expect_plan(run *r, const hf_expected *list, size_t n, hf_error *err);
hf_status hf__expect_etag(const hf_file *file, const char *expected, hf_error *err);
/* Hashes what was not hashed in this call. */
hf_status hf__expect_content(run *r, hf_error *err);

/* ---- results */

hf_file *hf__result_files(hf__arena *arena, size_t n);
/* Where the file is or will be. What files have in common is kept once: a repo may have very many. */
hf_status hf__result_place(run *r, hf_file *file, hf__str path, hf_error *err);
hf_file *hf__result_single(run *r);                         /* takes the arena */
hf_snapshot *hf__result_snapshot(run *r, const char *path); /* takes the arena */

/* Opens cache, repo and (unless dir is NULL) local directory of a run. */
hf_status hf__run_open(run *r, const hf_repo_ref *repo, const char *cache_dir,
                       const char *local_dir, hf_error *err);

#endif
