/* SPDX-License-Identifier: Apache-2.0 */
/* Telling how far a run is. */
#include "transfer/private.h"

#include <stdio.h>

static uint64_t speed(meter *m, uint64_t now, uint64_t bytes)
{
    unsigned slot = m->n % SPEED_SAMPLES;
    unsigned oldest = m->n < SPEED_SAMPLES ? 0 : (m->n + 1) % SPEED_SAMPLES;
    uint64_t ms;

    m->at_ms[slot] = now;
    m->at_bytes[slot] = bytes;
    m->n++;
    ms = now - m->at_ms[oldest];
    return ms && bytes > m->at_bytes[oldest] ? (bytes - m->at_bytes[oldest]) * 1000 / ms : 0;
}

/* How long until a file goes on, 0 when something of it moves. */
static uint32_t fetch_waits_ms(const fetch *f)
{
    uint64_t now = hf__clock_ms();
    uint32_t least = 0;

    if (f->state != FETCH_MOVING)
        return 0;
    if (f->plan.n_lanes == 0)
        return f->wait_until_ms > now ? (uint32_t)(f->wait_until_ms - now) : 0;
    for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
        uint32_t ms = f->lanes[i] ? hf__net_stream_waits_ms(f->lanes[i]->stream, NULL) : 0;

        if (f->lanes[i] && ms == 0)
            return 0;
        if (ms && (least == 0 || ms < least))
            least = ms;
    }
    return least;
}

/* Everything that moves is waiting for something. */
static bool all_wait(run *r, hf_progress *event)
{
    bool any = false;

    for (active *a = r->actives; a; a = a->next) {
        uint32_t ms = 0;

        if (a->op->state == OP_FETCHING)
            ms = fetch_waits_ms(&a->f);
        else if (a->op->state == OP_LOCKING)
            ms = UINT32_MAX;
        if (ms == 0)
            return false;
        any = true;
        if (ms != UINT32_MAX && (event->wait_ms == 0 || ms < event->wait_ms))
            event->wait_ms = ms;
    }
    return any;
}

int hf__meter_show(run *r, hf_phase phase, uint64_t now)
{
    meter *m = &r->meter;
    hf_progress event = { .struct_size = sizeof(event), .phase = phase };

    if (!m->fn || (phase != HF_PHASE_DONE && m->shown_ms && now - m->shown_ms < TICK_MS))
        return 0;
    m->shown_ms = now;
    event.bytes_done = r->bytes_finished;
    event.bytes_total = r->bytes_total;
    event.files_done = r->n_done;
    event.files_total = r->n_ops;
    event.retries = r->retries;
    for (active *a = r->actives; a; a = a->next) {
        if (!a->fetch_ready)
            continue;
        event.bytes_done += a->f.writer_ready ? atomic_load(&a->f.w.written) : 0;
        if (!event.path) {
            (void)snprintf(m->path, sizeof(m->path), "%s", a->op->file->repo_path);
            hf__text_defuse(m->path);
            event.path = m->path;
        }
    }
    if (event.bytes_done > event.bytes_total)
        event.bytes_done = event.bytes_total;
    event.bytes_per_s = speed(m, now, event.bytes_done);
    if (phase == HF_PHASE_PLAN)
        event.wait_ms = m->wait_ms;
    if (event.wait_ms || (phase == HF_PHASE_TRANSFER && all_wait(r, &event)))
        event.phase = HF_PHASE_WAIT;
    event.wait_asked = event.wait_ms && hf__net_is_asked_to_wait(r->ctx->net);
    return m->fn(&event, m->user);
}
