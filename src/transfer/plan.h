/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connection fetches which bytes of one file. Values and times go in, decisions come out; no
 * socket, no clock, no lock. Private to transfer.
 *
 * A lane is one request under way. Free bytes are given out from the front, in runs that are long
 * enough to make a round trip cheap and short enough that the hash, which needs the bytes in order,
 * is never far behind. When none are free, a lane takes over from another: the rest of one that has
 * fallen silent or is far slower than its siblings, or a share of the one that would end last.
 * Bytes that arrive twice are harmless: whoever writes them drops the second copy.
 */
#ifndef HF_TRANSFER_PLAN_H
#define HF_TRANSFER_PLAN_H

#include "transfer/ranges.h"

#define HF__PLAN_LANES       24                          /* some of them to help out others */
#define HF__PLAN_UNKNOWN     UINT64_MAX                  /* size that nobody told */
#define HF__PLAN_SHARE       ((uint64_t)512 * 1024)      /* less is not worth another request */
#define HF__PLAN_SHARE_NEW   ((uint64_t)8 * 1024 * 1024) /* of a lane whose speed is not known */
#define HF__PLAN_SHARE_MS    1000 /* nor is what a lane brings by itself in so long */
#define HF__PLAN_NEW_TRIPS   8   /* or in so many times a first byte takes, for a new connection; */
#define HF__PLAN_WARM_TRIPS  3   /* for an idle one, which is up to speed */
#define HF__PLAN_HEDGE_MS    400 /* an idle connection helps a lane that needs longer than this */
#define HF__PLAN_HEDGE_TRIPS 6   /* and than so many times what a first byte takes */
#define HF__PLAN_LEAST_RUN   ((uint64_t)4 * 1024 * 1024)  /* of several lanes */
#define HF__PLAN_FIRST_RUN   ((uint64_t)32 * 1024 * 1024) /* as long as nothing is known, at most */
#define HF__PLAN_MOST_RUN    ((uint64_t)128 * 1024 * 1024) /* likewise */
#define HF__PLAN_RUN_MS      4000 /* a run should keep a lane busy for about so long */
#define HF__PLAN_SILENT_MS   2000 /* a lane that brought nothing for so long is helped out */
#define HF__PLAN_SLOW        8    /* a lane that is so many times slower than others were is slow */
#define HF__PLAN_SLOW_MS     5000 /* and is looked at no earlier than this after its start */

typedef struct hf__lane_plan {
    bool used;
    uint64_t number; /* of lanes opened so far */
    uint64_t first;  /* where it started */
    uint64_t at;     /* next byte it will bring */
    uint64_t end;
    uint64_t asked; /* the end it was opened with */
    uint64_t start_ms;
    uint64_t last_ms; /* of its last byte, or of its start */
    uint64_t rate;    /* bytes per second, lately */
    uint64_t rate_at; /* its position and */
    uint64_t rate_ms; /* the time when rate was last updated */
} hf__lane_plan;

typedef struct hf__plan {
    uint64_t size;
    hf__ranges have; /* on disk, of lanes that ended and of earlier calls */
    hf__lane_plan lanes[HF__PLAN_LANES];
    unsigned n_lanes;
    unsigned most_lanes; /* connections, in use or kept open by lanes that ended */
    uint64_t n_opened;   /* since the start */
    uint64_t usual_rate; /* of a good lane, lately */
    uint64_t trip_ms;    /* least from the start of a lane to its first byte; 0: not known */
    bool whole;          /* ranges are not to be had: one lane, from the start, to the end */
} hf__plan;

void hf__plan_init(hf__plan *plan, uint64_t size);
void hf__plan_dispose(hf__plan *plan);

typedef struct hf__plan_job {
    int lane;
    uint64_t first;
    uint64_t end;  /* HF__PLAN_UNKNOWN: as far as it goes */
    int shortened; /* this lane's end moved towards its start; -1: none */
} hf__plan_job;

/* Gives a new lane its work. more: there may be one lane more than there are; else only the rest of
 * a lane in trouble is given. False when there is nothing to do. */
bool hf__plan_next(hf__plan *plan, bool more, uint64_t now_ms, hf__plan_job *out);

/* What became of a lane. */
void hf__plan_moved(hf__plan *plan, int lane, uint64_t at, uint64_t now_ms);
/* It brings nothing for a reason that is known: that is not silence. */
void hf__plan_waits(hf__plan *plan, int lane, uint64_t now_ms);
bool hf__plan_ended(hf__plan *plan, int lane, uint64_t at); /* false: no memory */

/* A lane whose rest is here, or comes sooner by another, and which is to be stopped; -1: none. */
int hf__plan_hopeless(const hf__plan *plan, uint64_t now_ms);

/* Lanes that brought something within the last `within_ms`. */
unsigned hf__plan_moving(const hf__plan *plan, uint64_t now_ms, uint64_t within_ms);
bool hf__plan_complete(const hf__plan *plan);
uint64_t hf__plan_left(const hf__plan *plan); /* bytes that have not come yet */

#endif
