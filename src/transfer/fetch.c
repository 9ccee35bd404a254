/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one file: what is here already, what is to be asked for, and what to do when
 * something goes wrong. A lane that breaks loses nothing: its rest is free again. An address that
 * has expired is asked for again. A file whose hash is wrong is first compared with what was hashed
 * when it came; only when the disk is not to blame it is fetched once more.
 */
#include "transfer/private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define REFUSALS   2    /* of a fresh address, in a row */
#define CROWDED_MS 2000 /* no more lanes for so long when there seem to be too many */

hf__hash_kind hf__fetch_kind(const hf__etag *etag)
{
    return hf__etag_is_sha256(etag) ? HF__HASH_SHA256
           : hf__etag_is_sha1(etag) ? HF__HASH_GIT_BLOB
                                    : (hf__hash_kind)0;
}

/* ---- ends */

static void stop_lanes(fetch *f)
{
    for (unsigned i = 0; i < HF__PLAN_LANES; i++)
        if (f->lanes[i])
            hf__lane_stop(f->lanes[i]);
}

static void finish(fetch *f, hf_status st)
{
    f->status = st;
    if (st == HF_OK) {
        f->state = FETCH_GOOD;
        return;
    }
    stop_lanes(f);
    f->state = f->plan.n_lanes || f->compare ? FETCH_ENDING : FETCH_FAILED;
}

void hf__fetch_cancel(fetch *f)
{
    if (f->compare)
        atomic_store(&f->compare->cancel.set, true);
    if (f->state == FETCH_MOVING || f->state == FETCH_HASHING || f->state == FETCH_COMPARING)
        finish(f, hf__fail(&f->err, HF_ERR_CANCELED, "cancelled"));
}

hf_status hf__fetch_sync(fetch *f, hf__cache_part *part, hf_error *err)
{
    hf_status st = hf__cache_part_sync(part, f->size, err);

    if (st != HF_OK)
        hf__journal_lost(&f->w.journal);
    return st;
}

void hf__fetch_dispose(fetch *f)
{
    HF__ASSERT(f->plan.n_lanes == 0 && !f->compare);
    if (f->writer_ready)
        hf__writer_dispose(&f->w);
    hf__plan_dispose(&f->plan);
    free(f->direct);
}

/* ---- the start */

static void on_news(void *self)
{
    fetch *f = self;

    hf__run_fetch_ready(f->run, f);
}

/* What cannot be proven at the end is not kept from one call to the next. */
static hf_status empty_part(hf__cache_part *part, hf_error *err)
{
    int journal = hf__cache_part_journal_fd(part);

    if (ftruncate(hf__cache_part_fd(part), 0) != 0 || (journal >= 0 && ftruncate(journal, 0) != 0))
        return hf__fail_os(err, errno, "cannot empty '%s'", hf__cache_part_path(part));
    return HF_OK;
}

hf_status hf__fetch_start(fetch *f, hf__cache_part *part, hf_error *err)
{
    hf__writer_file file = { .fd = hf__cache_part_fd(part),
                             .journal_fd = hf__cache_part_journal_fd(part),
                             .path = hf__cache_part_path(part),
                             .etag = f->etag.text,
                             .kind = hf__fetch_kind(&f->etag),
                             .size = f->size,
                             .adopted = hf__cache_part_adopted(part),
                             .disk_strand = f->run->disk };
    hf_status st = HF_OK;

    f->kind = file.kind;
    f->adopted = file.adopted;
    f->err = (hf_error)HF_ERROR_INIT;
    f->least_left = UINT64_MAX;
    if (!f->kind) {
        file.journal_fd = -1;
        f->adopted = file.adopted = 0;
        st = empty_part(part, err);
        if (st != HF_OK)
            return st;
    }
    st = hf__writer_init(&f->w, f->run->ctx->net, f->run->ctx->pool, &file, err);
    f->writer_ready = true;
    f->w.on_mark = hf__lane_on_mark;
    f->w.on_news = on_news;
    f->w.self = f;
    hf__plan_init(&f->plan, f->size);
    if (st == HF_OK && !hf__ranges_copy(&f->plan.have, &f->w.write.have))
        st = hf__fail_nomem(err);
    if (st != HF_OK)
        return st;
    if (f->w.kept)
        hf__logf(f->run->ctx->log, HF_LOG_INFO, "'%s': going on; %llu of %llu bytes are here",
                 f->path, (unsigned long long)f->w.kept, (unsigned long long)f->size);
    f->state = FETCH_MOVING;
    hf__writer_start(&f->w);
    return HF_OK;
}

/* ---- lanes */

bool hf__fetch_open(fetch *f, bool more, uint64_t now)
{
    hf__plan_job job;
    lane *l;

    if (f->state != FETCH_MOVING || now < f->wait_until_ms ||
        !hf__plan_next(&f->plan, more || f->plan.n_lanes == 0, now, &job))
        return false;
    if (job.shortened >= 0)
        atomic_store(&f->lanes[job.shortened]->end, f->plan.lanes[job.shortened].end);
    l = hf__lane_start(f, job.lane, job.first, job.end, &f->err);
    if (!l) {
        (void)hf__plan_ended(&f->plan, job.lane, job.first);
        finish(f, f->err.status);
        return false;
    }
    f->lanes[job.lane] = l;
    return true;
}

/* What a lane meets that was sent before the present address was asked for says nothing of that. */
static bool is_outdated(const fetch *f, const lane *l)
{
    return l->address != f->address;
}

/* What was learned of the address holds for the next lanes. */
static void learn_address(fetch *f, lane *l)
{
    if (f->direct || is_outdated(f, l) || !atomic_load(&l->head_seen) || !l->final_url || !f->repo)
        return;
    f->direct = l->final_url;
    l->final_url = NULL;
}

/* An address that was named in the past may have expired; the resolve URL leads to a fresh one. */
static bool take_fresh_address(fetch *f)
{
    bool elsewhere =
        f->repo && f->url && !hf__net_same_origin(f->url, hf__hub_endpoint(f->run->ctx->hub));

    if (!f->direct && !elsewhere)
        return false;
    free(f->direct);
    f->direct = NULL;
    if (elsewhere)
        f->url = NULL;
    f->address++;
    return true;
}

/* The way was refused to one more connection. Others of this file came through, so it is not closed:
 * a proxy allows so many tunnels, or a handshake was cut. */
static bool is_crowded_out(const fetch *f, const lane *l)
{
    return f->any_byte && (l->status == HF_ERR_PROXY ||
                           (l->status == HF_ERR_TLS && hf__net_stream_is_transient(l->stream)));
}

static bool of_the_line(const fetch *f, const lane *l)
{
    return l->status == HF_ERR_NETWORK || l->status == HF_ERR_TIMEOUT ||
           l->status == HF_ERR_TRUNCATED || is_crowded_out(f, l);
}

static bool of_the_server(hf_status st)
{
    return st == HF_ERR_SERVER || st == HF_ERR_RATE_LIMITED;
}

/* Whatever an old address answers, a fresh one may answer better. */
static bool of_the_address(hf_status st)
{
    return st == HF_ERR_FORBIDDEN || st == HF_ERR_UNAUTHORIZED || st == HF_ERR_CHANGED ||
           st == HF_ERR_ENTRY_NOT_FOUND || st == HF_ERR_REPO_NOT_FOUND || st == HF_ERR_RANGE ||
           st == HF_ERR_PROTOCOL || st == HF_ERR_HTTP;
}

static void try_again(fetch *f, const lane *l, uint64_t now)
{
    uint32_t wait_ms = 0;
    /* One that answers, and brings nothing new, is not a line that went away. */
    bool answers = atomic_load(&l->head_seen) && l->in_vain;
    hf__trouble trouble = of_the_line(f, l) && !answers ? HF__TROUBLE_LINE : HF__TROUBLE_SERVER;

    if (now < f->wait_until_ms)
        return; /* several lanes met the same trouble: that is one */
    /* While others bring bytes the line is there, and the patience with it does not wear out. */
    if (is_crowded_out(f, l) && hf__plan_moving(&f->plan, now, HF__PLAN_SILENT_MS)) {
        hf__pace_refused(&f->run->pace, now);
        f->wait_until_ms = now + CROWDED_MS;
        hf__logf(f->run->ctx->log, HF_LOG_INFO, "'%s': %s; going on with fewer connections",
                 f->path, l->err.message);
        return;
    }
    if (!hf__tries_again(&f->tries, trouble, f->any_byte, f->run->patience_ms, l->err.retry_after_s,
                         now, hf__random_u64(), &wait_ms)) {
        if (f->plan.n_lanes == 0) {
            hf__error_copy(&f->err, &l->err);
            finish(f, l->status);
        }
        f->wait_until_ms = now + 8000; /* those that still bring something may go on */
        return;
    }
    f->retries++;
    f->run->retries++;
    f->wait_until_ms = now + wait_ms;
    hf__logf(f->run->ctx->log, HF_LOG_INFO,
             "'%s': %s; going on in %.1f s, %llu bytes are still to come", f->path, l->err.message,
             wait_ms / 1000.0, (unsigned long long)hf__plan_left(&f->plan));
}

/* An answer that a fresh address may better. An old address is forgotten at once; a fresh one that
 * storage refuses is asked for a few times more. What the Hub itself says is final. Many lanes may
 * have been sent to the old address when the first of them is refused. */
static bool another_address(fetch *f, const lane *l, uint64_t now)
{
    bool wrong_length = atomic_load(&l->wrong_length);
    bool odd = l->status == HF_ERR_RANGE || l->status == HF_ERR_PROTOCOL || wrong_length;

    if (!of_the_address(l->status) && !wrong_length)
        return false;
    if (is_outdated(f, l))
        return true; /* its rest is free again */
    if (!take_fresh_address(f)) {
        if (!(atomic_load(&l->elsewhere) || odd) || ++f->refusals > REFUSALS)
            return false;
        f->address++; /* lanes that were sent together are refused together: that is one */
        f->wait_until_ms = now + 1000;
    }
    f->retries++;
    f->run->retries++;
    hf__logf(f->run->ctx->log, HF_LOG_INFO, "'%s': %s; asking for its address again", f->path,
             l->err.message);
    return true;
}

static void in_trouble(fetch *f, const lane *l, uint64_t now)
{
    if (l->status == HF_ERR_RATE_LIMITED || (l->status == HF_ERR_FORBIDDEN && !is_outdated(f, l)))
        hf__pace_refused(&f->run->pace, now);
    if (atomic_load(&l->range_ignored) && !f->plan.whole) {
        f->plan.whole = true; /* then all of it, by one lane */
        stop_lanes(f);
    } else if (!atomic_load(&l->wrong_length) && (of_the_line(f, l) || of_the_server(l->status))) {
        if (!atomic_load(&l->head_seen) && !is_outdated(f, l) && !is_crowded_out(f, l))
            (void)take_fresh_address(f);
        try_again(f, l, now);
    } else if (!another_address(f, l, now)) {
        hf__error_copy(&f->err, &l->err);
        finish(f, l->status);
    }
}

/* An answer without a failure that did not bring what it promised. */
static void came_short(fetch *f, lane *l, uint64_t at, uint64_t now)
{
    if (f->size == HF__NET_NO_LIMIT) {
        f->size = f->plan.size = at;
        hf__writer_ends_at(&f->w, at);
        return;
    }
    if (at > l->first && l->get.req.has_range)
        return; /* a short range; its rest is free again */
    l->status = hf__fail(&l->err, HF_ERR_TRUNCATED,
                         "the server sent %llu of the %llu bytes of '%s' it was asked for",
                         (unsigned long long)(at - l->first),
                         (unsigned long long)(l->asked_end - l->first), f->path);
    in_trouble(f, l, now);
}

static void lane_ended(fetch *f, lane *l, uint64_t now)
{
    uint64_t at = atomic_load(&l->at);
    bool moving = f->state == FETCH_MOVING;
    bool noted = hf__plan_ended(&f->plan, l->index, at);

    f->lanes[l->index] = NULL;
    if (at > l->first) {
        f->any_byte = true;
        f->refusals = 0;
    }
    /* A server that knows no ranges begins anew each time: bytes that were here before are no
     * progress, or one that always cuts at the same place would be asked for ever. */
    l->in_vain = f->size != HF__NET_NO_LIMIT && hf__plan_left(&f->plan) >= f->least_left;
    if (at > l->first && !l->in_vain) {
        f->least_left = hf__plan_left(&f->plan);
        hf__tries_progress(&f->tries);
    }
    if (!noted && moving)
        finish(f, hf__fail_nomem(&f->err));
    else if (moving && l->status == HF_OK && at < atomic_load(&l->end))
        came_short(f, l, at, now);
    else if (moving && l->status != HF_OK && !atomic_load(&l->stopped))
        in_trouble(f, l, now);
    hf__lane_free(l);
}

static void look_at_lanes(fetch *f, uint64_t now)
{
    int hopeless;

    for (unsigned i = 0; i < HF__PLAN_LANES; i++) {
        lane *l = f->lanes[i];

        if (!l)
            continue;
        learn_address(f, l);
        hf__plan_moved(&f->plan, (int)i, atomic_load(&l->at), now);
        f->any_byte = f->any_byte || atomic_load(&l->at) > l->first;
        if (hf__net_stream_waits_ms(l->stream, NULL))
            hf__plan_waits(&f->plan, (int)i, now);
        if (atomic_load(&l->ended))
            lane_ended(f, l, now);
    }
    hopeless = hf__plan_hopeless(&f->plan, now);
    if (hopeless >= 0)
        hf__lane_stop(f->lanes[hopeless]);
}

/* ---- the hash */

/* What is in `wrong` is not what it should be: it is fetched again. */
static void fetch_again(fetch *f, const hf__ranges *wrong, bool from_check)
{
    hf_status st = hf__writer_forget(&f->w, wrong, from_check, &f->err);

    f->retries++;
    f->run->retries++;
    f->least_left = UINT64_MAX;
    for (size_t i = 0; st == HF_OK && i < wrong->n; i++)
        if (!hf__ranges_remove(&f->plan.have, wrong->items[i].first, wrong->items[i].end))
            st = hf__fail_nomem(&f->err);
    f->state = FETCH_MOVING;
    if (st != HF_OK)
        finish(f, st);
}

/* A stretch on disk is not what was hashed when it came. Lanes may be running; they must not be
 * writing while their notes are changed. */
static void repair(fetch *f)
{
    uint64_t first = atomic_load(&f->w.damaged);
    uint64_t end = first + HF__CHECK_BYTES < f->size ? first + HF__CHECK_BYTES : f->size;
    hf__range range = { first, end };

    if (f->plan.n_lanes) {
        stop_lanes(f);
        f->wait_until_ms = UINT64_MAX;
        return;
    }
    f->wait_until_ms = 0;
    hf__logf(
        f->run->ctx->log, HF_LOG_WARNING,
        "'%s': bytes %llu to %llu changed on disk since they were written; fetching them again",
        f->path, (unsigned long long)first, (unsigned long long)end);
    fetch_again(f, &(hf__ranges){ .items = &range, .n = 1 }, true);
}

/* Whoever left the front wrote something else. */
static void drop_adopted(fetch *f)
{
    hf__range range = { 0, f->adopted };

    hf__logf(f->run->ctx->log, HF_LOG_WARNING,
             "'%s': the %llu bytes that another client left are not of this file; fetching them",
             f->path, (unsigned long long)f->adopted);
    f->adopted = 0;
    fetch_again(f, &(hf__ranges){ .items = &range, .n = 1 }, false);
}

static void fetch_all_again(fetch *f)
{
    hf__range range = { 0, f->size };

    f->refetched = true;
    hf__logf(f->run->ctx->log, HF_LOG_WARNING,
             "'%s' arrived with a wrong hash; fetching it once more", f->path);
    (void)take_fresh_address(f);
    fetch_again(f, &(hf__ranges){ .items = &range, .n = 1 }, false);
}

/* The source told where it differs, or it did not. */
static void compared(fetch *f)
{
    compare *c = f->compare;

    f->compare = NULL;
    if (f->state == FETCH_COMPARING && c->bad.n) {
        hf__logf(f->run->ctx->log, HF_LOG_WARNING,
                 "'%s' arrived with a wrong hash; fetching the %llu bytes again that are not what "
                 "the server has",
                 f->path, (unsigned long long)hf__ranges_total(&c->bad));
        fetch_again(f, &c->bad, false);
    } else if (f->state == FETCH_COMPARING) {
        f->compared = HF__COMPARE_ROUNDS; /* asking again is of no use */
        f->state = FETCH_HASHING;
    }
    hf__compare_free(c);
}

static void wrong_hash(fetch *f)
{
    f->status = hf__fail(&f->err, HF_ERR_CORRUPT,
                         "the content of '%s' has hash %s instead of %s; nothing was kept", f->path,
                         f->w.hash.computed, f->etag.text);
    if (!f->rechecked && f->w.hash.checks) {
        f->rechecked = true;
        f->status = hf__writer_recheck(&f->w, &f->err);
        if (f->status != HF_OK)
            finish(f, f->status);
    } else if (f->compared < HF__COMPARE_ROUNDS && f->size > HF__COMPARE_PIECE) {
        f->compared++;
        f->state = FETCH_COMPARING;
        f->compare = hf__compare_start(f, &f->err);
        if (!f->compare)
            finish(f, f->err.status);
    } else if (f->adopted) {
        drop_adopted(f);
    } else if (!f->refetched) {
        fetch_all_again(f);
    } else {
        finish(f, f->status);
    }
}

static void look_at_hash(fetch *f)
{
    if (!f->kind) {
        finish(f, HF_OK);
    } else if (atomic_load(&f->w.hash_done)) {
        memcpy(f->computed, f->w.hash.computed, sizeof(f->computed));
        if (strcmp(f->computed, f->etag.text) == 0)
            finish(f, HF_OK);
        else
            wrong_hash(f);
    }
}

/* ---- all of it */

void hf__fetch_step(fetch *f, uint64_t now)
{
    if (f->state == FETCH_IDLE || fetch_is_over(f))
        return;
    hf__writer_work(&f->w);
    look_at_lanes(f, now);
    if (f->compare && atomic_load(&f->compare->done))
        compared(f);
    if (f->state == FETCH_ENDING && f->plan.n_lanes == 0 && !f->compare)
        f->state = FETCH_FAILED;
    if (f->state != FETCH_MOVING && f->state != FETCH_HASHING)
        return;
    if (atomic_load(&f->w.failed)) {
        pthread_mutex_lock(&f->w.synced.lock);
        hf__error_copy(&f->err, &f->w.synced.err);
        pthread_mutex_unlock(&f->w.synced.lock);
        finish(f, f->err.status);
        return;
    }
    if (atomic_load(&f->w.damaged) != UINT64_MAX) {
        repair(f);
        return;
    }
    if (f->state == FETCH_MOVING && f->plan.n_lanes == 0 && hf__plan_complete(&f->plan))
        f->state = FETCH_HASHING;
    if (f->state == FETCH_HASHING)
        look_at_hash(f);
}
