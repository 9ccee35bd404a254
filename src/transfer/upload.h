/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the parts of an upload fit together. Private to transfer.
 *
 *   list     the operations of a commit; walk: the files of a folder
 *   run      moves every item of a list on the caller's thread, which owns them all:
 *
 *            ask ──► hash ──► batch ──► send ──► ready ──► commit
 *              │       │        └ it is there ─────▲
 *              │       └ unchanged: dropped        │
 *              └ regular: ready, or hash to compare with what is there
 *
 *   job      asking the Hub and hashing run on strands of a pool, since both take long; an item is
 *            handed over whole and comes back whole
 *   send     one file on its way to the storage, in one body or in parts, read by the I/O thread
 *   body     the commit as NDJSON, made while it is sent
 *   commit   the one step that must not happen twice
 */
#ifndef HF_TRANSFER_UPLOAD_H
#define HF_TRANSFER_UPLOAD_H

#include "core/cancel.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/limits.h"
#include "transfer/transfer.h"

#include <pthread.h>
#include <stdatomic.h>

#define UP_PARALLEL      8
#define UP_ASKS          3 /* questions to the Hub at a time */
#define UP_PART_TRIES    3 /* of one part, each with the retries of net */
#define UP_FILE_TRIES    4 /* with fresh addresses */
#define UP_TICK_MS       100
#define UP_ONE_COMMIT    5000 /* files that go up in one, also when it may be split */
#define UP_SPLIT_FILES   1000 /* of a commit, at first and at most */
#define UP_SPLIT_LEAST   20
#define UP_SPLIT_BYTES   ((uint64_t)100 * 1000 * 1000) /* of regular files in one commit */
#define UP_SPLIT_SLOW_MS 40000
#define UP_SPLIT_AGE_MS  300000
#define UP_NOTE_BYTES    ((uint64_t)4 << 30)  /* of a folder: from here on hashes are noted */
#define UP_BATCH_BYTES   ((uint64_t)64 << 30) /* of one LFS batch: each part has a URL in memory */

typedef enum up_kind { UP_ADD = 0, UP_COPY, UP_DELETE_FILE, UP_DELETE_FOLDER } up_kind;

typedef enum up_state {
    UP_NEW = 0,
    UP_MOVING, /* in a queue, with a job, or being sent */
    UP_READY,  /* to be committed */
    UP_OVER    /* committed, or not needed */
} up_state;

/* What tells whether a file is still the one that was looked at. */
typedef struct up_stamp {
    uint64_t dev;
    uint64_t ino;
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
} up_stamp;

typedef struct up_item {
    const char *path;
    const char *local;    /* on disk; for messages when fd is used; NULL: bytes */
    const uint8_t *bytes; /* of a file from memory */
    const char *root; /* its folder without links, which local is in; NULL: it may be anywhere */
    int fd;           /* -1: local is opened when needed */
    const char *from; /* of a copy: source; of a folder: path without '/' at its end */
    const char *from_revision;
    uint64_t size;
    up_stamp stamp;
    char hash[HF__HASH_HEX_MAX +
              1]; /* SHA-256 of an LFS file, else the git blob's; empty: unknown */
    char there[HF__HASH_HEX_MAX + 1]; /* what the repo has at this path; empty: nothing */
    uint8_t kind;
    uint8_t state;
    bool growing; /* it may have grown since: what there was counts */
    bool lfs;
    bool ignored;
    bool lfs_hash;  /* hash is a SHA-256 */
    bool in_folder; /* of the one folder that was added: path follows its prefix */
    uint8_t tries;  /* addresses asked for */
    struct up_item *next;
} up_item;

typedef struct up_queue {
    up_item *first;
    up_item *last;
    size_t n;
} up_queue;

static inline void up_push(up_queue *queue, up_item *item)
{
    item->next = NULL;
    if (queue->last)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->n++;
}

static inline up_item *up_pop(up_queue *queue)
{
    up_item *item = queue->first;

    if (item) {
        queue->first = item->next;
        if (!queue->first)
            queue->last = NULL;
        queue->n--;
    }
    return item;
}

/* ---- list */

/* Files of the repo to delete by pattern. */
typedef struct up_removal {
    const char *base; /* "" or "folder/" */
    const char **patterns;
    size_t n;
    struct up_removal *next;
} up_removal;

struct hf__upload {
    const hf__transfer_ctx *ctx;
    hf_repo_ref repo;
    hf__arena *arena;
    up_item *items; /* what is added and copied, in the order given; then what is deleted */
    size_t n;
    size_t cap;
    up_removal *removals;
    const char *folder; /* the one folder added; NULL: none, or several */
    const char *folder_prefix;
    size_t n_folders;
};

hf_status hf__up_add(hf__upload *u, up_kind kind, const char *path, up_item **out, hf_error *err);
/* Path in a repo as it is sent: "/x" and "./x" are "x" (hub-http.md 7.1). */
hf_status hf__up_path(const char *path, hf__buf *out, hf_error *err);
/* HF_OK; or why a path did not fit into its buffer: it is too long, or there is no memory. */
hf_status hf__up_fits(const hf__buf *buf, const char *path, hf_error *err);
/* Refuses items, from the one of this number on, that are the files that hold tokens. */
hf_status hf__up_guard(const hf__upload *u, size_t first, hf_error *err);
/* Where a file of a folder is: inside it, links or not, unless they lead to what is never published;
 * what is outside was perhaps not meant. */
hf_status hf__up_check_link(const char *root, const char *path, hf_error *err);
void hf__up_stamp_of(const hf__os_stat *stat, up_stamp *out);

/* ---- an item's bytes */

/* Opens what an item is read from, and checks that it is what it was. *fd -1 for bytes. */
hf_status hf__up_open(const up_item *item, int *fd, hf_error *err);
void hf__up_close(const up_item *item, int *fd);
/* Still the same, at the end of reading. */
hf_status hf__up_check(const up_item *item, int fd, hf_error *err);
/* Up to len bytes; *got 0 at the end, which is HF_ERR_CHANGED when it comes early. */
hf_status hf__up_read(const up_item *item, int fd, uint64_t offset, void *to, size_t len,
                      size_t *got, hf_error *err);
/* stop and hashed may be NULL; hashed counts while it goes. */
hf_status hf__up_hash(up_item *item, bool sha256, const hf_cancel *stop,
                      atomic_uint_fast64_t *hashed, hf_error *err);

/* SHA-256 of both, where hf__sha256_can_pair(). */
hf_status hf__up_hash_two(up_item *a, up_item *b, const hf_cancel *stop,
                          atomic_uint_fast64_t *hashed, hf_error *err);

/* ---- the commit as NDJSON */

typedef struct up_body {
    up_item **items; /* in the order they are sent */
    size_t n;
    hf__buf header; /* first line */
    uint64_t len;
    hf__buf piece; /* being sent */
    size_t piece_at;
    size_t next; /* item of the next line */
    up_item *in; /* whose content is being sent */
    uint64_t in_at;
    int fd;
} up_body;

hf_status hf__up_body_init(up_body *b, up_item **items, size_t n, const char *message,
                           const char *description, const char *parent, hf_error *err);
void hf__up_body_dispose(up_body *b);
void hf__up_body_source(up_body *b, hf__net_source *out);

/* ---- run */

typedef struct up_run up_run;
typedef struct up_send up_send;
typedef struct up_put up_put;

typedef struct up_job {
    up_run *r;
    hf__strand *strand;
    hf__job job;
    bool busy;
    bool done; /* with the run's lock held */
    hf_status status;
    hf_error err;
    up_item *items[HF__PREUPLOAD_FILES];
    size_t n;
    char commit[41];         /* of an ask: what the answer is based on */
    hf__lfs_object *objects; /* of a batch */
} up_job;

typedef struct up_commit {
    up_job job;
    up_item **items;
    size_t n;
    size_t cap;
    char message[1100];
    bool create_pr;
    char base[41];       /* head of the branch at some time before; empty: not known */
    uint64_t prs_before; /* number of the newest pull request */
    bool unsure;         /* whether it has happened */
    uint64_t late_ms;    /* until then it may still happen */
    char parent[41];     /* what the next try builds on; empty: anything */
    uint64_t started_ms;
    uint64_t took_ms;
    bool found; /* it had happened although its answer was lost */
    hf__hub_committed result;
} up_commit;

struct up_send {
    up_run *r;
    up_item *item;
    int fd;
    hf__lfs_action action;
    enum { SEND_BODIES = 0, SEND_COMPLETING, SEND_VERIFYING } phase;
    size_t n_parts;
    size_t next_part;
    size_t n_done;
    uint64_t bytes_done;
    uint8_t *tries;  /* of each part */
    uint8_t *moving; /* of each part: 0 to do, 1 on its way, 2 done */
    unsigned n_puts; /* under way */
    bool renew;      /* its addresses are of no use any more */
    hf_error why;
    up_put *puts;
    up_send *next;
};

struct up_put {
    up_run *r;
    up_send *send;
    hf__net_stream *stream;
    hf__net_source source;
    size_t part;
    uint64_t first;
    atomic_uint_fast64_t at;
    int http_status;
    char *url;
    char etag[300];
    hf__buf body;
    hf_status status;
    hf_error err;
    up_put *next; /* of the send's */
    up_put *next_done;
};

struct up_run {
    hf__upload *u;
    const hf__transfer_ctx *ctx;
    const hf_upload_opts *opts;
    hf_repo_ref base; /* asked about */
    hf_repo_ref at;   /* committed to */
    char id[200];
    char pr_revision[40];
    char head[41]; /* of the branch, as it was first told; empty: not yet */
    hf__pool *pool;
    up_job asks[UP_ASKS];
    up_job hash;
    up_job batch;
    up_commit commit;
    hf_cancel stop;     /* raised when nothing but the commit under way matters any more */
    hf_cancel stop_all; /* raised when that does not either */
    hf_cancel watch;    /* of calls that the caller's thread waits for */
    char *git_ignore;
    size_t next_ask;
    up_queue to_hash;
    up_queue to_batch;
    up_queue ready;
    uint64_t ready_bytes; /* of regular files that are ready */
    size_t n_moving;      /* neither ready nor over */
    size_t n_deletes;     /* for the first commit */
    bool deletes_sent;
    bool split;
    bool notes; /* are kept */
    size_t per_commit;
    uint64_t last_commit_ms;
    up_send *sends; /* in the order they are begun */
    size_t n_sends;
    unsigned n_puts;
    unsigned max_puts;
    /* to tell */
    atomic_uint_fast64_t hashed;
    atomic_uint_fast64_t recalled; /* bytes whose hash was noted */
    uint64_t to_hash_bytes;
    uint64_t to_send_bytes;
    uint64_t sent_bytes; /* of bodies that are over */
    size_t n_asked;
    size_t n_adds;
    hf_commit_info info;
    char *pr_url;
    char *url;
    char oid[41];
    uint64_t shown_ms;
    uint32_t wait_ms; /* until an answer one waits for is asked for again; 0: it is on its way */
    uint64_t speed_ms[32];
    uint64_t speed_bytes[32];
    unsigned n_speed;
    char shown_path[256];
    hf_status status; /* first failure */
    hf_error err;
    struct { /* with the lock held */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        up_put *done;
        bool event;
    } synced;
};

/* A run that is moved by its caller: for one object whose addresses are known. */
up_run *hf__up_run_new(hf__upload *u, const hf_upload_opts *opts, hf_error *err);
void hf__up_run_free(up_run *r);
void hf__up_wait(up_run *r); /* until something happened, or UP_TICK_MS */
void hf__up_fail(up_run *r, hf_status st, const hf_error *err, const char *path);
void hf__up_signal(up_run *r, bool *flag); /* from any thread */
size_t hf__up_most(const up_run *r);       /* files of a commit of many */
/* An item is ready, or has nothing to be committed. */
void hf__up_ready(up_run *r, up_item *item);
void hf__up_unchanged(up_run *r, up_item *item);

/* prepare: what has to be known before anything moves */
hf_status hf__up_prepare(up_run *r, hf_error *err);

/* jobs: start when there is something to do; reap when it is done */
hf_status hf__up_jobs_open(up_run *r, hf_error *err);
void hf__up_jobs_close(up_run *r);
void hf__up_jobs_start(up_run *r);
void hf__up_jobs_reap(up_run *r);
/* Notes below the folder what is known of an item; what cannot be noted is no failure. */
void hf__up_note(up_run *r, const up_item *item, double at, bool uploaded, bool committed);

/* sends */
hf_status hf__up_send_add(up_run *r, up_item *item, hf__lfs_action *action, hf_error *err);
void hf__up_sends_start(up_run *r);
void hf__up_sends_reap(up_run *r);
void hf__up_sends_stop(up_run *r);
uint64_t hf__up_sends_bytes(const up_run *r); /* on their way */

/* commits */
hf_status hf__up_commit_open(up_run *r, hf_error *err);
void hf__up_commit_start(up_run *r);
void hf__up_commit_reap(up_run *r);

int hf__up_show(up_run *r, hf_phase phase);

#endif
