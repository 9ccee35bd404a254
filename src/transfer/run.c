/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves all files of a call on the caller's thread: starts what there is room for, steps what
 * became ready, looks at locks that others hold, tells progress, and sleeps otherwise.
 */
#include "transfer/private.h"

#include <stddef.h>
#include <stdlib.h>
#include <time.h>

hf_status hf__run_init(run *r, const hf__transfer_ctx *ctx, hf_error *err)
{
    pthread_condattr_t attr;

    memset(r, 0, sizeof(*r));
    r->ctx = ctx;
    r->err = (hf_error)HF_ERROR_INIT;
    r->max_active = DEFAULT_WORKERS;
    r->patience_ms = ctx->patience_ms ? ctx->patience_ms : PATIENCE_MS;
    hf__pace_init(&r->pace, hf__net_connections(ctx->net) < MOST_LANES
                                ? hf__net_connections(ctx->net)
                                : MOST_LANES);
    pthread_mutex_init(&r->synced.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr,
                              CLOCK_MONOTONIC); /* a clock that is set must not stretch a wait */
    pthread_cond_init(&r->synced.wake, &attr);
    pthread_condattr_destroy(&attr);
    r->arena = hf__arena_new();
    return r->arena ? hf__strand_new(ctx->pool, &r->disk, err) : hf__fail_nomem(err);
}

static bool on_wait(void *self, uint32_t wait_ms)
{
    run *r = self;
    int stop;

    r->meter.wait_ms = wait_ms;
    stop = hf__meter_show(r, HF_PHASE_PLAN, hf__clock_ms());
    r->meter.wait_ms = 0;
    return stop != 0;
}

void hf__run_listen(run *r, const hf_cancel *cancel, hf_progress_fn *fn, void *user)
{
    r->cancel = cancel;
    r->meter.fn = fn;
    r->meter.user = user;
    r->watch.outer = cancel;
    r->watch.on_wait = on_wait;
    r->watch.self = r;
}

void hf__run_dispose(run *r)
{
    HF__ASSERT(!r->actives);
    if (r->disk)
        hf__strand_wait(r->disk);
    hf__strand_free(r->disk);
    hf__cache_local_close(r->local);
    hf__cache_repo_close(r->repo);
    hf__cache_close(r->cache);
    hf__arena_free(r->arena);
    pthread_cond_destroy(&r->synced.wake);
    pthread_mutex_destroy(&r->synced.lock);
}

hf_status hf__run_open(run *r, const hf_repo_ref *repo, const char *cache_dir,
                       const char *local_dir, hf_error *err)
{
    hf_status st = hf__cache_open(cache_dir ? cache_dir : r->ctx->cache_dir, r->ctx->no_symlinks,
                                  r->ctx->log, &r->cache, err);

    r->at = *repo;
    r->target = local_dir ? &hf__op_target_local : &hf__op_target_cache;
    if (st == HF_OK)
        st = hf__cache_repo_open(r->cache, repo->type, repo->id, &r->repo, err);
    if (st == HF_OK && local_dir)
        st = hf__cache_local_open(local_dir, r->ctx->log, &r->local, err);
    return st;
}

/* ---- news from other threads */

void hf__run_fetch_ready(run *r, fetch *f)
{
    pthread_mutex_lock(&r->synced.lock);
    if (!f->is_ready) {
        f->is_ready = true;
        f->next_ready = r->synced.fetches;
        r->synced.fetches = f;
        pthread_cond_signal(&r->synced.wake);
    }
    pthread_mutex_unlock(&r->synced.lock);
}

void hf__run_work_ready(run *r, active *a)
{
    pthread_mutex_lock(&r->synced.lock);
    a->next_ready = r->synced.works;
    r->synced.works = a;
    pthread_cond_signal(&r->synced.wake);
    pthread_mutex_unlock(&r->synced.lock);
}

void hf__run_wait(run *r, uint32_t ms)
{
    struct timespec until;

    hf__net_go(r->ctx->net);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&r->synced.lock);
    if (!r->synced.fetches && !r->synced.works)
        pthread_cond_timedwait(&r->synced.wake, &r->synced.lock, &until);
    pthread_mutex_unlock(&r->synced.lock);
}

fetch *hf__run_take_fetches(run *r)
{
    fetch *out;

    pthread_mutex_lock(&r->synced.lock);
    out = r->synced.fetches;
    r->synced.fetches = NULL;
    for (fetch *f = out; f; f = f->next_ready) {
        f->is_ready = false;
        f->next_taken = f->next_ready;
    }
    pthread_mutex_unlock(&r->synced.lock);
    return out;
}

static active *take_works(run *r)
{
    active *out;

    pthread_mutex_lock(&r->synced.lock);
    out = r->synced.works;
    r->synced.works = NULL;
    pthread_mutex_unlock(&r->synced.lock);
    return out;
}

/* ---- planning */

/* What parts of earlier calls take is not needed again. */
static uint64_t bytes_kept(run *r)
{
    uint64_t total = 0;

    for (size_t i = 0; i < r->n_ops; i++) {
        const hf_file *file = r->ops[i].file;
        uint64_t kept;

        if (!r->ops[i].to_fetch || file->size < HF__PART_KEEP_FROM)
            continue;
        kept = r->local ? hf__cache_local_kept(r->local, file->repo_path, file->etag)
                        : hf__cache_blob_kept(r->repo, file->etag, file->size);
        total += kept < file->size ? kept : file->size;
    }
    return total;
}

static hf_status check_space(run *r, hf_error *err)
{
    const char *dir = r->local ? hf__cache_local_dir(r->local) : hf__cache_dir(r->cache);
    uint64_t have = 0;
    hf_status st;

    if (r->bytes_total == 0)
        return HF_OK;
    st = hf__os_free_space(dir, &have, err);
    if (st != HF_OK || have >= r->bytes_total)
        return st;
    have += bytes_kept(r);
    if (have >= r->bytes_total)
        return HF_OK;
    return hf__fail(err, HF_ERR_DISK_FULL,
                    "not enough free space: %llu bytes are needed, but '%s' has only %llu; %llu "
                    "are missing. What is there is kept for the next call",
                    (unsigned long long)r->bytes_total, dir, (unsigned long long)have,
                    (unsigned long long)(r->bytes_total - have));
}

static int by_etag(const void *a, const void *b)
{
    const op *x = *(const op *const *)a;
    const op *y = *(const op *const *)b;
    int order = strcmp(x->file->etag, y->file->etag);

    return order ? order : (x > y) - (x < y);
}

/* Files of the same content share a blob, which the first of them fetches. */
static hf_status count_shared_once(run *r, hf_error *err)
{
    op **todo = r->local || r->n_ops < 2 ? NULL : calloc(r->n_ops, sizeof(op *));
    size_t n = 0;

    if (!todo)
        return r->local || r->n_ops < 2 ? HF_OK : hf__fail_nomem(err);
    for (size_t i = 0; i < r->n_ops; i++)
        if (r->ops[i].to_fetch)
            todo[n++] = &r->ops[i];
    qsort(todo, n, sizeof(op *), by_etag);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(todo[i - 1]->file->etag, todo[i]->file->etag) != 0)
            continue;
        todo[i]->to_fetch = false;
        todo[i]->file->would_fetch = 0;
        r->bytes_total -= todo[i]->file->size;
    }
    free(todo);
    return HF_OK;
}

hf_status hf__run_plan(run *r, hf_error *err)
{
    hf_status st;

    for (size_t i = 0; i < r->n_ops; i++) {
        op *o = &r->ops[i];

        st = r->target->check(r, o, err);
        if (st != HF_OK)
            return st;
        if (o->state == OP_DONE)
            r->n_done++;
        else if (o->to_fetch)
            r->bytes_total += o->file->size;
        if (hf__canceled(r->cancel))
            return hf__fail(err, HF_ERR_CANCELED, "cancelled");
    }
    st = count_shared_once(r, err);
    if (st != HF_OK || !(r->flags & HF_DOWNLOAD_DRY_RUN))
        return st == HF_OK ? check_space(r, err) : st;
    r->bytes_kept = bytes_kept(r);
    return HF_OK;
}

/* ---- one op */

void hf__run_fail(run *r, hf_status st, const hf_error *err, const char *path)
{
    if (r->status != HF_OK)
        return;
    r->status = st;
    hf__error_copy(&r->err, err);
    if (path && r->n_ops > 1 && !strstr(r->err.message, path))
        hf__error_prefix(&r->err, "'%.200s'", path);
}

/* The last news of a fetch may have come after it was seen to be over. */
static void forget_news(run *r, const fetch *f)
{
    fetch **at = &r->synced.fetches;

    pthread_mutex_lock(&r->synced.lock);
    while (*at && *at != f)
        at = &(*at)->next_ready;
    if (*at)
        *at = f->next_ready;
    pthread_mutex_unlock(&r->synced.lock);
}

static void active_free(active *a)
{
    if (a->fetch_ready) {
        hf__fetch_dispose(&a->f);
        forget_news(a->run, &a->f);
    }
    if (a->strand)
        hf__strand_wait(a->strand);
    hf__strand_free(a->strand);
    if (a->worthless)
        hf__cache_part_abandon(a->part);
    else
        hf__cache_part_close(a->part);
    hf__os_lock_release(&a->lock);
    free(a);
}

/* Takes the op off the list; its state tells how it went. */
static void op_end(run *r, active *a)
{
    active **at = &r->actives;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    r->n_active--;
    if (a->fetch_ready && !a->committing)
        r->n_fetching--;
    if (a->committing)
        r->n_committing--;
    if (a->op->state == OP_DONE) {
        r->n_done++;
        if (a->op->to_fetch)
            r->bytes_finished += a->op->file->size;
    }
    a->op->active = NULL;
    if (a->locked)
        r->look_again = true;
    active_free(a);
}

static void op_fail(run *r, active *a, hf_status st, const hf_error *err)
{
    hf__run_fail(r, st, err, a->op->file->repo_path);
    a->op->state = OP_FAILED;
    op_end(r, a);
}

/* ---- into place */

static void commit(active *a)
{
    hf__cache_part *part = a->part;

    a->part = NULL;
    a->work_err = (hf_error)HF_ERROR_INIT;
    a->work_status = hf__fetch_sync(&a->f, part, &a->work_err);
    if (a->work_status == HF_OK)
        a->work_status = hf__cache_part_commit(part, a->f.kind ? a->op->file->etag : NULL,
                                               a->f.computed, a->f.size, &a->work_err);
    else
        hf__cache_part_close(part);
}

static active *take_commits(run *r)
{
    active *out = NULL;

    pthread_mutex_lock(&r->synced.lock);
    while (r->synced.commits) {
        active *a = r->synced.commits;

        r->synced.commits = a->next_commit;
        a->next_commit = out;
        out = a;
    }
    r->synced.committing = out != NULL;
    pthread_mutex_unlock(&r->synced.lock);
    return out;
}

/* On the disk strand. What waits is written out at once, so that the first to be synced does not
 * pay alone, and the others find little left to do. */
static void commit_work(void *arg)
{
    run *r = arg;

    for (;;) {
        active *list = take_commits(r);

        if (!list)
            return;
        for (active *a = list; a; a = a->next_commit)
            hf__cache_part_write_out(a->part);
        while (list) {
            active *next = list->next_commit;

            commit(list);
            hf__run_work_ready(r, list); /* from here on it is the caller's again */
            list = next;
        }
    }
}

static void add_commit(run *r, active *a)
{
    bool add;

    pthread_mutex_lock(&r->synced.lock);
    a->next_commit = r->synced.commits;
    r->synced.commits = a;
    add = !r->synced.committing;
    r->synced.committing = true;
    pthread_mutex_unlock(&r->synced.lock);
    if (!add)
        return;
    r->disk_job.fn = commit_work;
    r->disk_job.arg = r;
    hf__strand_add(r->disk, &r->disk_job);
}

static void op_committed(run *r, active *a)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st = a->work_status;

    if (st == HF_OK)
        st = r->target->placed(r, a, &err);
    else
        hf__error_copy(&err, &a->work_err);
    if (st != HF_OK) {
        op_fail(r, a, st, &err);
        return;
    }
    a->op->state = OP_DONE;
    op_end(r, a);
}

static void op_fetched(run *r, active *a)
{
    hf_status st = a->f.status;

    hf__writer_settle(&a->f.w);
    a->op->file->bytes_fetched += atomic_load(&a->f.w.written);
    a->worthless = st == HF_ERR_CORRUPT;
    if (st != HF_OK) {
        op_fail(r, a, st, &a->f.err);
        return;
    }
    a->op->file->size = a->f.size;
    a->op->file->verified = a->f.kind != 0;
    if (a->f.size < HF__PART_SYNC_FROM) {
        commit(a);
        op_committed(r, a);
        return;
    }
    a->op->state = OP_COMMITTING;
    a->committing = true;
    r->n_fetching--;
    r->n_committing++;
    add_commit(r, a); /* after every sync of this file, on the same strand */
}

static void step_fetch(run *r, active *a, uint64_t now)
{
    if (a->op->state != OP_FETCHING)
        return; /* news that came after the last byte */
    hf__fetch_step(&a->f, now);
    (void)hf__fetch_open(&a->f, false, now);
    if (fetch_is_over(&a->f))
        op_fetched(r, a);
}

static void start_fetch(run *r, active *a)
{
    hf_error err = HF_ERROR_INIT;
    op *o = a->op;
    hf_status st = r->target->begin(r, a, &a->part, &err);

    if (st == HF_OK) {
        a->f.run = r;
        a->f.repo = &r->at;
        a->f.path = o->file->repo_path;
        a->f.url = r->url;
        a->f.size = o->file->size;
        memcpy(a->f.etag.text, o->file->etag, strlen(o->file->etag) + 1);
        a->fetch_ready = true;
        r->n_fetching++;
        o->state = OP_FETCHING;
        st = hf__fetch_start(&a->f, a->part, &err);
    }
    if (st != HF_OK) {
        op_fail(r, a, st, &err);
        return;
    }
    r->bytes_finished += a->f.w.kept;
    step_fetch(r, a, hf__clock_ms());
}

/* The lock is held: what can be settled without a transfer is, else the transfer starts. */
static void op_locked(run *r, active *a)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st = r->target->settle(r, a, &err);

    if (st != HF_OK)
        op_fail(r, a, st, &err);
    else if (a->op->state == OP_DONE)
        op_end(r, a);
    else if (a->op->state != OP_WORKING)
        start_fetch(r, a);
}

static void op_try_lock(run *r, active *a, uint64_t now)
{
    hf_error err = HF_ERROR_INIT;
    bool got = false;
    hf_status st = r->target->lock(r, a, &got, &err);

    if (st != HF_OK) {
        op_fail(r, a, st, &err);
    } else if (got) {
        a->locked = true;
        op_locked(r, a);
    } else {
        a->op->state = OP_LOCKING;
        if (now - a->said_ms >= LOCK_SAY_MS) {
            a->said_ms = now;
            hf__logf(r->ctx->log, HF_LOG_INFO,
                     "Still waiting to acquire lock on '%s' (elapsed: %.1f seconds)",
                     a->op->file->repo_path, (double)(now - a->waiting_since) / 1000.0);
        }
    }
}

static void op_start(run *r, op *o, uint64_t now)
{
    active *a = calloc(1, sizeof(*a));
    hf_error err = HF_ERROR_INIT;

    if (!a) {
        hf__run_fail(r, hf__fail_nomem(&err), &err, NULL);
        return;
    }
    a->op = o;
    a->run = r;
    a->lock.fd = -1;
    a->waiting_since = now;
    a->said_ms = now;
    a->next = r->actives;
    r->actives = a;
    r->n_active++;
    o->active = a;
    op_try_lock(r, a, now);
}

static void op_worked(run *r, active *a)
{
    hf_error err = HF_ERROR_INIT;
    hf_status st = a->work_status;

    if (a->op->state == OP_COMMITTING) {
        op_committed(r, a);
        return;
    }
    if (st == HF_OK)
        st = r->target->worked(r, a, &err);
    else
        hf__error_copy(&err, &a->work_err);
    if (st != HF_OK)
        op_fail(r, a, st, &err);
    else if (a->op->state == OP_DONE)
        op_end(r, a);
    else if (r->status == HF_OK)
        start_fetch(r, a);
    else
        op_end(r, a);
}

/* ---- the loop */

static active *active_of(fetch *f)
{
    return (active *)(void *)((char *)f - offsetof(active, f));
}

static void step_ready(run *r, uint64_t now)
{
    fetch *f = hf__run_take_fetches(r);
    active *w = take_works(r);

    while (f) {
        fetch *next = f->next_taken;

        step_fetch(r, active_of(f), now);
        f = next;
    }
    while (w) {
        active *next = w->next_ready;

        op_worked(r, w);
        w = next;
    }
}

/* Time passes for those of which there is no news, too. */
static void step_clock(run *r, uint64_t now)
{
    if (now - r->clock_ms < TICK_MS)
        return;
    r->clock_ms = now;
    for (active *a = r->actives; a;) {
        active *next = a->next;

        if (a->op->state == OP_FETCHING)
            step_fetch(r, a, now);
        a = next;
    }
}

/* Every file has a lane; what the pace allows beyond goes to the file with the most to come. */
static void spread_lanes(run *r, uint64_t now)
{
    for (;;) {
        fetch *most = NULL;
        uint32_t n_lanes = 0;
        uint64_t most_left = HF__PLAN_SHARE;

        for (active *a = r->actives; a; a = a->next) {
            uint64_t left;

            if (a->op->state != OP_FETCHING)
                continue;
            n_lanes += a->f.plan.n_lanes;
            left = hf__plan_left(&a->f.plan) / (a->f.plan.n_lanes + 1);
            if (left >= most_left && a->f.state == FETCH_MOVING && now >= a->f.wait_until_ms) {
                most = &a->f;
                most_left = left;
            }
        }
        if (!most || n_lanes >= r->pace.target || !hf__fetch_open(most, true, now))
            return;
    }
}

static void step_pace(run *r, uint64_t now)
{
    uint32_t moving = 0;

    for (active *a = r->actives; a; a = a->next)
        if (a->op->state == OP_FETCHING)
            moving += hf__plan_moving(&a->f.plan, now, HF__PACE_WINDOW_MS);
    hf__pace_step(&r->pace, now, atomic_load(&r->received), moving,
                  hf__net_is_held_up(r->ctx->net));
    spread_lanes(r, now);
}

static void step_locks(run *r, uint64_t now, uint64_t *looked_ms)
{
    if (!r->look_again && now - *looked_ms < LOCK_EVERY_MS)
        return;
    *looked_ms = now;
    for (active *a = r->actives; a;) {
        active *next = a->next;

        if (a->op->state == OP_LOCKING && r->status != HF_OK) {
            a->op->state = OP_TODO;
            op_end(r, a);
        } else if (a->op->state == OP_LOCKING) {
            op_try_lock(r, a, now);
        }
        a = next;
    }
}

/* Small files queue for the connections there are, so that none of those ever waits for the disk.
 * Who asked for fewer files at a time than there are connections gets no more than that. */
static bool has_room(const run *r, const op *o)
{
    uint32_t ahead =
        r->max_active >= DEFAULT_WORKERS && o->file->size <= SMALL_BYTES ? SMALL_AHEAD : 0;

    return r->n_fetching < r->max_active + ahead;
}

/* Files that wait for another process hold nothing, so many may; of those that move there
 * are few, and a disk that is behind holds up the next. */
static void start_more(run *r, uint64_t now)
{
    while (r->status == HF_OK && r->next_op < r->n_ops && has_room(r, &r->ops[r->next_op]) &&
           r->n_committing < r->max_active && r->n_active < r->max_active + 64) {
        op *o = &r->ops[r->next_op++];

        if (o->state == OP_TODO)
            op_start(r, o, now);
    }
}

/* A failure that would meet every other file too ends those under way; else they may finish what
 * they have. */
static bool stop_all(const run *r)
{
    return r->status == HF_ERR_CANCELED || r->status == HF_ERR_DISK_FULL ||
           r->status == HF_ERR_PERMISSION;
}

static bool waits_for_lock(const run *r)
{
    for (const active *a = r->actives; a; a = a->next)
        if (a->op->state == OP_LOCKING)
            return true;
    return false;
}

static void cancel_fetches(run *r, uint64_t now)
{
    for (active *a = r->actives; a;) {
        active *next = a->next;

        if (a->op->state == OP_FETCHING) {
            hf__fetch_cancel(&a->f);
            step_fetch(r, a, now);
        }
        a = next;
    }
}

hf_status hf__run_go(run *r, hf_error *err)
{
    uint64_t looked_ms = 0;
    bool told_to_stop = false;

    for (;;) {
        uint64_t now = hf__clock_ms();

        if (r->status == HF_OK &&
            (hf__canceled(r->cancel) || hf__meter_show(r, HF_PHASE_TRANSFER, now)))
            r->status = hf__fail(&r->err, HF_ERR_CANCELED, "cancelled");
        r->look_again = false;
        step_ready(r, now);
        step_clock(r, now);
        step_locks(r, now, &looked_ms);
        start_more(r, now);
        step_pace(r, now);
        if (stop_all(r) && !told_to_stop) {
            told_to_stop = true;
            atomic_store(&r->watch.set, true);
            cancel_fetches(r, now);
        }
        if (!r->actives && (r->status != HF_OK || r->next_op >= r->n_ops))
            break;
        if (!r->look_again)
            hf__run_wait(r, waits_for_lock(r) ? LOCK_EVERY_MS : TICK_MS);
    }
    if (r->status != HF_OK) {
        hf__error_copy(err, &r->err);
        return r->status;
    }
    (void)hf__meter_show(r, HF_PHASE_DONE, hf__clock_ms());
    return HF_OK;
}
