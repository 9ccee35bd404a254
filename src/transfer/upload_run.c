/* SPDX-License-Identifier: Apache-2.0 */
/* One sending of a list, on the caller's thread: looks at what is done, starts what can be started,
 * tells how far it is, waits. */
#include "transfer/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- what happens to items */

void hf__up_ready(up_run *r, up_item *item)
{
    item->state = UP_READY;
    up_push(&r->ready, item);
    if (!item->lfs)
        r->ready_bytes += item->size;
    r->n_moving--;
}

void hf__up_unchanged(up_run *r, up_item *item)
{
    item->state = UP_OVER;
    r->info.files_same++;
    r->n_moving--;
}

void hf__up_fail(up_run *r, hf_status st, const hf_error *err, const char *path)
{
    if (r->status != HF_OK)
        return;
    r->status = st == HF_OK ? HF_ERR_PROTOCOL : st;
    r->err = (hf_error)HF_ERROR_INIT;
    hf__error_copy(&r->err, err);
    if (st == HF_OK)
        (void)hf__fail(&r->err, HF_ERR_PROTOCOL, "the storage gave an answer that means nothing");
    r->err.status = r->status;
    if (path && st != HF_ERR_CANCELED)
        hf__error_prefix(&r->err, "%.300s", path);
    atomic_store(&r->stop.set, true);
}

/* ---- waiting */

void hf__up_signal(up_run *r, bool *flag)
{
    pthread_mutex_lock(&r->synced.lock);
    *flag = true;
    r->synced.event = true;
    pthread_cond_signal(&r->synced.wake);
    pthread_mutex_unlock(&r->synced.lock);
}

void hf__up_wait(up_run *r)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)UP_TICK_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&r->synced.lock);
    while (!r->synced.event &&
           pthread_cond_timedwait(&r->synced.wake, &r->synced.lock, &until) == 0)
        ;
    r->synced.event = false;
    pthread_mutex_unlock(&r->synced.lock);
}

/* ---- telling */

static uint64_t speed(up_run *r, uint64_t now, uint64_t bytes)
{
    unsigned n = (unsigned)HF__COUNT(r->speed_ms);
    unsigned slot = r->n_speed % n;
    unsigned oldest = r->n_speed < n ? 0 : (r->n_speed + 1) % n;
    uint64_t ms;

    r->speed_ms[slot] = now;
    r->speed_bytes[slot] = bytes;
    r->n_speed++;
    ms = now - r->speed_ms[oldest];
    return ms && bytes > r->speed_bytes[oldest] ? (bytes - r->speed_bytes[oldest]) * 1000 / ms : 0;
}

static void set_wait(const up_run *r, hf_progress *event)
{
    bool any = false;

    for (const up_send *send = r->sends; send; send = send->next)
        for (const up_put *put = send->puts; put; put = put->next) {
            uint32_t ms = hf__net_stream_waits_ms(put->stream, NULL);

            if (ms == 0)
                return;
            any = true;
            if (event->wait_ms == 0 || ms < event->wait_ms)
                event->wait_ms = ms;
        }
    if (any && !r->hash.busy)
        event->phase = HF_PHASE_WAIT;
    else
        event->wait_ms = 0;
}

int hf__up_show(up_run *r, hf_phase phase)
{
    hf_progress event = { .struct_size = sizeof(event), .phase = phase };
    uint64_t now = hf__clock_ms();

    if (!r->opts->on_progress ||
        (phase != HF_PHASE_DONE && r->shown_ms && now - r->shown_ms < UP_TICK_MS))
        return 0;
    r->shown_ms = now;
    event.bytes_done = r->sent_bytes + hf__up_sends_bytes(r);
    event.bytes_total = r->to_send_bytes;
    event.files_done = r->info.files_added + r->info.files_same + r->info.files_ignored;
    event.files_total = r->n_adds;
    event.bytes_hashed = atomic_load(&r->hashed) + atomic_load(&r->recalled);
    event.bytes_to_hash = r->to_hash_bytes;
    event.files_asked = r->n_asked;
    event.commits = r->info.n_commits;
    event.bytes_per_s = speed(r, now, event.bytes_done);
    if (event.bytes_per_s && event.bytes_total > event.bytes_done)
        event.seconds_left =
            (uint32_t)((event.bytes_total - event.bytes_done) / event.bytes_per_s + 1);
    if (r->sends) {
        (void)snprintf(r->shown_path, sizeof(r->shown_path), "%s", r->sends->item->path);
        hf__text_defuse(r->shown_path);
        event.path = r->shown_path;
    }
    if (phase == HF_PHASE_TRANSFER && r->commit.job.busy && !r->n_moving)
        event.phase = HF_PHASE_COMMIT;
    if (phase == HF_PHASE_TRANSFER)
        set_wait(r, &event);
    if (r->wait_ms) {
        event.phase = HF_PHASE_WAIT;
        event.wait_ms = r->wait_ms;
    }
    event.wait_asked = event.wait_ms && hf__net_is_asked_to_wait(r->ctx->net);
    return r->opts->on_progress(&event, r->opts->user);
}

static bool on_wait(void *self, uint32_t wait_ms)
{
    up_run *r = self;
    int stop;

    r->wait_ms = wait_ms;
    stop = hf__up_show(r, HF_PHASE_PLAN);
    r->wait_ms = 0;
    return stop != 0;
}

/* ---- the loop */

static bool is_over(const up_run *r)
{
    return !r->commit.job.busy && !r->n_moving && !r->ready.n && (r->deletes_sent || !r->n_deletes);
}

static void check_stop(up_run *r)
{
    hf_error err = HF_ERROR_INIT;

    if (hf__canceled(r->opts->cancel) || hf__up_show(r, HF_PHASE_TRANSFER) != 0) {
        atomic_store(&r->stop_all.set, true);
        hf__up_fail(r, hf__fail(&err, HF_ERR_CANCELED, "cancelled"), &err, NULL);
    }
}

static void go(up_run *r)
{
    for (;;) {
        hf__up_jobs_reap(r);
        hf__up_sends_reap(r);
        hf__up_commit_reap(r);
        check_stop(r);
        if (r->status != HF_OK || is_over(r))
            break;
        hf__up_jobs_start(r);
        hf__up_sends_start(r);
        hf__up_commit_start(r);
        if (r->status == HF_OK)
            hf__up_wait(r);
    }
    hf__up_sends_stop(r);
    /* A commit under way is not given up because a file of the next one failed. */
    while (r->commit.job.busy) {
        hf__up_commit_reap(r);
        check_stop(r);
        if (r->commit.job.busy)
            hf__up_wait(r);
    }
}

/* ---- begin and end */

static void reset_items(hf__upload *u, const hf_upload_opts *opts)
{
    for (size_t i = 0; i < u->n; i++) {
        up_item *item = &u->items[i];

        item->state = UP_NEW;
        item->tries = 0;
        item->there[0] = '\0';
        item->next = NULL;
        if (opts->flags & HF_UPLOAD_APPENDED)
            item->growing = true;
    }
}

static hf_status refresh_item(up_item *item, hf_error *err)
{
    hf__os_stat stat;
    up_stamp now;
    hf_status st = item->fd >= 0 ? hf__os_stat_fd(item->fd, item->local, &stat, err)
                                 : hf__os_stat_path(item->local, &stat, err);

    if (st == HF_OK && stat.type != HF__OS_FILE)
        st = hf__fail(err, HF_ERR_IO, "'%.300s' is not there any more", item->local);
    if (st != HF_OK)
        return st;
    hf__up_stamp_of(&stat, &now);
    if (memcmp(&now, &item->stamp, sizeof(now)) == 0)
        return HF_OK;
    /* Before the stamp is: a list that was refused may be sent again. */
    if (item->root)
        st = hf__up_check_link(item->root, item->local, err);
    if (st == HF_OK) {
        item->stamp = now;
        item->size = stat.size;
        item->hash[0] = '\0';
    }
    return st;
}

/* What changed since the list was made is taken as it is now, unless something took its place that
 * would not have got into the list. */
static hf_status refresh_items(hf__upload *u, hf_error *err)
{
    hf_status st = HF_OK;

    for (size_t i = 0; i < u->n && st == HF_OK; i++) {
        up_item *item = &u->items[i];

        if (item->kind == UP_ADD && item->local)
            st = refresh_item(item, err);
    }
    return st == HF_OK ? hf__up_guard(u, 0, err) : st;
}

static hf_status make_info(up_run *r, hf_commit_info **out, hf_error *err)
{
    struct {
        hf_commit_info pub; /* first, so that the caller's pointer is the whole object */
        hf__arena *arena;
    } * owner;
    hf__arena *arena;
    hf__buf url;
    hf_status st = HF_OK;

    if (!out)
        return HF_OK;
    hf__buf_init(&url, HF__MAX_URL);
    if (!r->info.n_commits) {
        st = hf__hub_revision(r->ctx->hub, &r->at, &r->watch, r->oid, err);
        hf__hub_add_page(r->ctx->hub, &r->at, "commit", r->oid, &url);
    } else {
        hf__buf_adds(&url, r->url);
    }
    arena = hf__arena_new();
    owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
    if (st == HF_OK && owner) {
        owner->arena = arena;
        owner->pub = r->info;
        owner->pub.repo_id = hf__arena_cstr(arena, r->at.id);
        owner->pub.oid = hf__arena_cstr(arena, r->oid);
        owner->pub.url = hf__arena_cstr(arena, hf__buf_cstr(&url));
        owner->pub.pr_url = hf__arena_cstr(arena, r->pr_url);
        owner->pub.revision = hf__arena_cstr(arena, hf__revision_or_main(&r->at));
        owner->pub.bytes_hashed = atomic_load(&r->hashed);
    }
    if (st == HF_OK && (!owner || hf__arena_failed(arena)))
        st = hf__fail_nomem(err);
    if (st == HF_OK)
        *out = &owner->pub;
    else
        hf__arena_free(arena);
    hf__buf_dispose(&url);
    return st;
}

void hf__upload_info_free(hf_commit_info *info)
{
    struct owner {
        hf_commit_info pub;
        hf__arena *arena;
    };

    if (info)
        hf__arena_free(((struct owner *)info)->arena);
}

up_run *hf__up_run_new(hf__upload *u, const hf_upload_opts *opts, hf_error *err)
{
    up_run *r = calloc(1, sizeof(*r));

    if (!r) {
        (void)hf__fail_nomem(err);
        return NULL;
    }
    r->u = u;
    r->ctx = u->ctx;
    r->opts = opts;
    r->base = r->at = u->repo;
    r->err = (hf_error)HF_ERROR_INIT;
    r->stop.outer = r->stop_all.outer = r->watch.outer = opts->cancel;
    r->watch.on_wait = on_wait;
    r->watch.self = r;
    r->max_puts = opts->max_parallel ? opts->max_parallel : UP_PARALLEL;
    r->last_commit_ms = hf__clock_ms();
    pthread_mutex_init(&r->synced.lock, NULL);
    pthread_cond_init(&r->synced.wake, NULL);
    return r;
}

void hf__up_run_free(up_run *r)
{
    hf__up_jobs_close(r);
    hf__hub_committed_dispose(&r->commit.result);
    free(r->commit.items);
    free(r->git_ignore);
    free(r->pr_url);
    free(r->url);
    pthread_cond_destroy(&r->synced.wake);
    pthread_mutex_destroy(&r->synced.lock);
    free(r);
}

/* A folder that takes long to hash. */
static bool wants_notes(const up_run *r)
{
    uint64_t bytes = 0;

    if (!r->u->folder || r->opts->flags & HF_UPLOAD_KEEP_STATE)
        return r->u->folder != NULL;
    for (size_t i = 0; i < r->u->n; i++)
        bytes += r->u->items[i].size;
    return (r->opts->flags & HF_UPLOAD_SPLIT) && bytes >= UP_NOTE_BYTES;
}

size_t hf__up_most(const up_run *r)
{
    return r->opts->max_files ? r->opts->max_files : UP_SPLIT_FILES;
}

static void set_split(up_run *r)
{
    size_t most = hf__up_most(r);

    r->per_commit = most;
    r->notes = wants_notes(r);
    if (!(r->opts->flags & HF_UPLOAD_SPLIT))
        return;
    r->split = r->n_adds > (r->opts->max_files ? most : UP_ONE_COMMIT);
    if (!r->split) { /* very much in few files */
        uint64_t bytes = 0;

        for (size_t i = 0; i < r->u->n; i++)
            bytes += r->u->items[i].size < UP_SPLIT_BYTES / 10 ? r->u->items[i].size : 0;
        r->split = bytes > UP_SPLIT_BYTES;
        if (r->split && !r->opts->max_files)
            r->per_commit = UP_ONE_COMMIT;
    }
}

hf_status hf__upload_send(hf__upload *u, const hf_upload_opts *opts, hf_commit_info **out,
                          hf_error *err)
{
    size_t n_given = u->n;
    up_run *r = hf__up_run_new(u, opts, err);
    hf_status st;

    if (!r)
        return HF_ERR_NO_MEMORY;
    reset_items(u, opts);
    st = refresh_items(u, err);
    if (st == HF_OK && (hf__canceled(opts->cancel) || hf__up_show(r, HF_PHASE_PLAN) != 0))
        st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
    if (st == HF_OK)
        st = hf__up_prepare(r, err);
    if (st == HF_OK)
        st = hf__up_jobs_open(r, err);
    if (st == HF_OK)
        st = hf__up_commit_open(r, err);
    if (st == HF_OK) {
        set_split(r);
        go(r);
        st = r->status;
        hf__error_copy(err, &r->err);
    }
    if (st == HF_OK)
        st = make_info(r, out, err);
    if (st == HF_OK)
        (void)hf__up_show(r, HF_PHASE_DONE);
    hf__up_run_free(r);
    u->n = n_given;
    return st;
}
