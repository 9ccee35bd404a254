/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on disk of a part: a file of short lines beside it, each with a checksum of its own, so
 * that a torn or damaged line is simply no line. docs/internals/transfer.md has the format. It
 * knows ranges and digests, not where they come from. Private to transfer.
 *
 * Bytes that were written survive the end of this process, but not a power cut. So a line says in
 * which life of the machine it was written, and counts in another only when a later line says that
 * everything before it was synced.
 */
#ifndef HF_TRANSFER_JOURNAL_H
#define HF_TRANSFER_JOURNAL_H

#include "core/hash.h"
#include "core/os.h"
#include "transfer/ranges.h"

#include <pthread.h>

/* Digest of the file's first `end` bytes, taken on the way. */
#define HF__CHECK_BYTES ((uint64_t)64 * 1024 * 1024)

typedef struct hf__check {
    char digest[HF__HASH_HEX_MAX + 1]; /* empty: not known */
} hf__check;

typedef struct hf__journal {
    int fd;           /* borrowed; -1: there is none, and everything below does nothing */
    const char *path; /* of the part, to show; borrowed */
    uint64_t size;    /* of the file */
    uint64_t piece;   /* bytes that one line stands for, or a multiple of it */
    char key[201];    /* the etag: lines of another file have other checksums */
    uint64_t ino;     /* of the part */
    hf__os_id boot;
    struct { /* only with lock held */
        pthread_mutex_t lock;
        uint64_t end; /* of the file of lines */
        bool broken;  /* it cannot be written to; the transfer goes on without it */
    } synced;
} hf__journal;

/* Reads what an earlier call left: `have` and `checks` (one for every HF__CHECK_BYTES, may be NULL)
 * are filled with what can be believed. A journal of another file, etag, size or layout is started
 * anew. fd -1 is allowed. Only running out of memory is a failure. */
hf_status hf__journal_open(hf__journal *journal, int fd, int part_fd, const char *path,
                           const char *etag, uint64_t size, hf__ranges *have, hf__check *checks,
                           hf_error *err);
void hf__journal_close(hf__journal *journal);

/* The bytes were written. Only whole pieces are noted. */
void hf__journal_wrote(hf__journal *journal, uint64_t first, uint64_t end);
/* The call ends, maybe before the file does: what fills no piece is noted as well. */
void hf__journal_leave(hf__journal *journal, const hf__ranges *have);
void hf__journal_check(hf__journal *journal, size_t index, const hf__check *check);

/* Everything noted before hf__journal_mark() was called is on disk. */
uint64_t hf__journal_mark(hf__journal *journal);
void hf__journal_synced(hf__journal *journal, uint64_t mark);

/* A sync failed: what was noted and not synced may not be on disk. Nothing more is noted. */
void hf__journal_lost(hf__journal *journal);

/* Starts anew with what is believed now. */
void hf__journal_restart(hf__journal *journal, const hf__ranges *have);

#endif
