/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the bytes of one file on disk and hashes them. Three strands of the pool: one writes what
 * arrives, in any order; one hashes, in order, what was written, from the buffer it came in while
 * that is still at hand, else from the page cache; one, which it shares with other files, syncs now
 * and then, for the journal. Does not know connections. Private to transfer.
 */
#ifndef HF_TRANSFER_WRITER_H
#define HF_TRANSFER_WRITER_H

#include "core/pool.h"
#include "net/net.h"
#include "transfer/journal.h"

#include <stdatomic.h>

#define HF__SYNC_BYTES ((uint64_t)64 * 1024 * 1024)

typedef struct hf__writer {
    hf__net *net; /* buffers go back to it */
    hf__strand *write_strand;
    hf__strand *hash_strand; /* NULL: there is nothing to compare with */
    hf__strand
        *disk_strand; /* borrowed, shared with other files; NULL: nothing is synced on the way */
    hf__job write_job;
    hf__job hash_job;
    hf__job sync_job;
    void (*on_mark)(void *self, hf__net_buf *mark); /* where bytes are written */
    /* From any thread: a mark came back, the hash is complete, something failed, or there is work
     * for hf__writer_work. */
    void (*on_news)(void *self);
    void *self;
    int fd;           /* borrowed */
    const char *path; /* borrowed */
    uint64_t size;    /* more is refused; HF__NET_NO_LIMIT: unknown */
    hf__hash_kind kind;
    bool by_caller; /* a small file: no strands */
    hf__journal journal;
    uint64_t kept; /* bytes that were there already */
    struct {       /* only with lock held */
        pthread_mutex_t lock;
        hf__net_buf *first; /* to be written, and marks */
        hf__net_buf *last;
        bool taken;              /* something was */
        bool writing;            /* the job is on its strand */
        hf__net_buf *hash_first; /* written, to be hashed, each begins where the one before ends */
        hf__net_buf *hash_last;
        uint64_t hash_upto; /* all bytes before this are on disk */
        bool hashing;
        bool syncing; /* the sync job is on the disk strand */
        pthread_cond_t idle;
        hf_status status; /* first failure */
        hf_error err;
    } synced;
    struct {             /* only on the write strand, or while it is idle */
        hf__ranges have; /* on disk */
        uint64_t unsynced;
    } write;
    struct {             /* only for who set synced.hashing, or while that is not set */
        hf__hash *hash;  /* NULL: there is nothing to compare with */
        hf__hash *saved; /* as it was at the last check */
        hf__check *checks;
        uint8_t *room; /* for what is read back */
        char computed[HF__HASH_HEX_MAX + 1];
    } hash;
    uint64_t sync_mark;
    atomic_uint_fast64_t hashed;  /* bytes */
    atomic_uint_fast64_t written; /* new bytes on disk */
    atomic_uint_fast64_t damaged; /* start of a stretch that is not as it was; UINT64_MAX: none */
    atomic_bool hash_done;
    atomic_bool failed; /* lets the I/O thread drop what comes after */
} hf__writer;

typedef struct hf__writer_file {
    int fd;
    int journal_fd; /* -1: none */
    const char *path;
    const char *etag;
    hf__hash_kind kind; /* 0: nothing to compare with */
    uint64_t size;
    uint64_t adopted;        /* bytes at the front that are there, and not in the journal */
    hf__strand *disk_strand; /* where this file's data is synced, and may wait for other files' */
} hf__writer_file;

hf_status hf__writer_init(hf__writer *w, hf__net *net, hf__pool *pool, const hf__writer_file *file,
                          hf_error *err);
/* Until nothing of it runs but a sync; no lane is left. Short. */
void hf__writer_settle(hf__writer *w);
/* Waits for a sync, too, which the disk may take long for. */
void hf__writer_dispose(hf__writer *w);
/* On the caller's thread: writes what was taken of a small file, and hashes what came in pieces. */
void hf__writer_work(hf__writer *w);
/* Begins to hash what is there already. The callbacks are set. */
void hf__writer_start(hf__writer *w);

/* I/O thread. buf->offset is the place in the file; data NULL is a mark, which comes back by
 * on_mark when all that was taken before it is on disk. */
void hf__writer_take(hf__writer *w, hf__net_buf *buf);

/* The size was not known and is now: to be called when all is written. */
void hf__writer_ends_at(hf__writer *w, uint64_t size);

/* Write strand idle, hash complete or stopped. Forgets what is in `gone`, and hashes again: from the
 * last check, where damage was found, or from the start. */
hf_status hf__writer_forget(hf__writer *w, const hf__ranges *gone, bool from_check, hf_error *err);
/* Hash complete and wrong. Hashes again what is on disk, to find out whether it is still what was
 * hashed when it came; on_news follows. */
hf_status hf__writer_recheck(hf__writer *w, hf_error *err);

#endif
