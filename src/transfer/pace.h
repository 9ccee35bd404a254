/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections, and when to try again. Times and counts go in, decisions come out; no
 * clock, no lock. Private to transfer.
 */
#ifndef HF_TRANSFER_PACE_H
#define HF_TRANSFER_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- connections: a slow start that doubles while goodput grows, and stops at the knee. The first
 * step is a larger one: far away, every window counts. */

#define HF__PACE_WINDOW_MS      400 /* goodput is measured over so long */
#define HF__PACE_HOLD_MS        2000 /* after a step that brought nothing; doubles from one to the next */
#define HF__PACE_LONG_MS        32000 /* at most; also half of what a refusal costs */
#define HF__PACE_FIRST_STEP     4     /* connections after the first, near */
#define HF__PACE_FIRST_STEP_FAR 8     /* and far away, where each is slow for seconds */
#define HF__PACE_NEAR_MS        150 /* within so long the first bytes come of a server that is near */
/* One connection that brings so much in a second is not the brake, but what is done with its bytes;
 * and bytes that come in order are hashed without being read back. */
#define HF__PACE_PLENTY ((uint64_t)128 * 1024 * 1024)
#define HF__PACE_GROWTH                                                                            \
    5 /* windows in a row that connections are waited for, as they grow faster */
#define HF__PACE_DOUBTS     1 /* windows that a step may bring nothing before it is taken back */
#define HF__PACE_DOUBTS_FAR 3 /* likewise, far away */

typedef struct hf__pace {
    uint32_t cap;
    uint32_t target;   /* connections to have now */
    uint32_t proven;   /* the last number that was worth it */
    uint64_t goodput;  /* of that number, bytes per second; 0: not measured */
    uint64_t begin_ms; /* of the window; 0: none */
    uint64_t begin_bytes;
    uint64_t hold_ms; /* no step up before this */
    uint64_t next_hold_ms;
    uint64_t last_rate; /* of the window before */
    unsigned grown;     /* windows that were not judged since they brought ever more */
    unsigned doubts;
    bool any_byte;
    bool far;      /* from the server, by its first bytes */
    bool settling; /* the first window after a step counts only when it shows a gain */
    bool refused;  /* the hold is the server's wish */
} hf__pace;

void hf__pace_init(hf__pace *pace, uint32_t cap);
/* Called now and then with all bytes received so far and the connections that brought some of them
 * just now. saturated: this
 * machine is the brake (the hash, the disk), so more connections would bring nothing. */
void hf__pace_step(hf__pace *pace, uint64_t now_ms, uint64_t bytes, uint32_t in_use,
                   bool saturated);
/* The server (403, 429) or what is on the way to it had enough of us: half as many, for a while. */
void hf__pace_refused(hf__pace *pace, uint64_t now_ms);

/* ---- tries */

#define HF__TRIES 5 /* in a row without a new byte, of a server that answers (cache.md 7.3) */

typedef enum hf__trouble {
    HF__TROUBLE_LINE = 1, /* no connection, silence, a body cut short */
    HF__TROUBLE_SERVER    /* an answer that says: later */
} hf__trouble;

typedef struct hf__tries {
    uint32_t n;        /* in a row */
    uint64_t since_ms; /* of the first of them */
} hf__tries;

/* Something came: the count starts again. */
void hf__tries_progress(hf__tries *tries);
/* May it be tried again, and after how long? asked_s is what the server asked for, 0: nothing. A
 * line that went away in the middle (any_byte) is waited for as long as patience_ms; else the
 * number of tries is bounded. random spreads clients that failed together. */
bool hf__tries_again(hf__tries *tries, hf__trouble trouble, bool any_byte, uint64_t patience_ms,
                     uint32_t asked_s, uint64_t now_ms, uint64_t random, uint32_t *wait_ms);

#endif
