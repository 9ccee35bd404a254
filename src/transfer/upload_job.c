/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long and is not a body: asking how files are to go up, hashing, LFS batches. */
#include "transfer/upload.h"

#include "core/sha256.h"

#include <stdio.h>
#include <stdlib.h>

#define HASH_GROUP_BYTES ((uint64_t)16 * 1024 * 1024)

static void begin(up_job *job)
{
    job->busy = true;
    job->done = false;
    job->status = HF_OK;
    hf__error_clear(&job->err);
    hf__strand_add(job->strand, &job->job);
}

/* ---- ask */

static hf_status take_sample(up_item *item, hf__preupload_file *file, hf_error *err)
{
    size_t got = 0;
    int fd = -1;
    hf_status st = hf__up_open(item, &fd, err);

    file->path = item->path;
    file->size = item->size;
    while (st == HF_OK && file->sample_len < sizeof(file->sample) &&
           file->sample_len < item->size) {
        st = hf__up_read(item, fd, file->sample_len, file->sample + file->sample_len,
                         sizeof(file->sample) - file->sample_len, &got, err);
        file->sample_len += got;
    }
    hf__up_close(item, &fd);
    return st;
}

static void run_ask(void *arg)
{
    up_job *job = arg;
    up_run *r = job->r;
    hf__preupload_file *files = calloc(job->n, sizeof(*files));
    hf_status st = files ? HF_OK : hf__fail_nomem(&job->err);

    for (size_t i = 0; st == HF_OK && i < job->n; i++)
        st = take_sample(job->items[i], &files[i], &job->err);
    if (st == HF_OK)
        st = hf__hub_preupload(r->ctx->hub, &r->base, (r->opts->flags & HF_UPLOAD_CREATE_PR) != 0,
                               files, job->n, r->git_ignore, &r->stop, job->commit, &job->err);
    for (size_t i = 0; st == HF_OK && i < job->n; i++) {
        up_item *item = job->items[i];

        item->lfs = files[i].lfs;
        item->ignored = files[i].ignored;
        memcpy(item->there, files[i].oid, sizeof(item->there));
    }
    free(files);
    job->status = st;
    hf__up_signal(r, &job->done);
}

static void start_ask(up_run *r, up_job *job)
{
    hf__upload *u = r->u;

    if (job->busy || r->to_hash.n + r->to_batch.n > 4 * HF__PREUPLOAD_FILES)
        return;
    for (job->n = 0; job->n < HF__PREUPLOAD_FILES && r->next_ask < u->n; r->next_ask++)
        if (u->items[r->next_ask].kind == UP_ADD && u->items[r->next_ask].state == UP_NEW) {
            u->items[r->next_ask].state = UP_MOVING;
            job->items[job->n++] = &u->items[r->next_ask];
        }
    if (job->n)
        begin(job);
}

static bool knows_hash(const up_item *item)
{
    return item->hash[0] && item->lfs_hash == item->lfs;
}

static void reap_ask(up_run *r, const up_job *job)
{
    if (!r->head[0])
        memcpy(r->head, job->commit, sizeof(r->head));
    for (size_t i = 0; i < job->n; i++) {
        up_item *item = job->items[i];

        r->n_asked++;
        if (item->ignored) {
            r->info.files_ignored++;
            item->state = UP_OVER;
            r->n_moving--;
        } else if (item->lfs || item->there[0]) {
            /* What is there already may be the same. */
            if (!knows_hash(item))
                r->to_hash_bytes += item->size;
            up_push(&r->to_hash, item);
        } else {
            hf__up_ready(r, item);
        }
    }
}

/* ---- hash */

static const char *note_path(const up_run *r, const up_item *item)
{
    return r->u->folder && item->in_folder ? item->path + strlen(r->u->folder_prefix) : NULL;
}

void hf__up_note(up_run *r, const up_item *item, double at, bool uploaded, bool committed)
{
    const char *path = note_path(r, item);
    hf__cache_upload note = { .at = at,
                              .size = item->size,
                              .sha256 = item->lfs_hash ? item->hash : "",
                              .there = item->there,
                              .lfs = item->lfs,
                              .uploaded = uploaded,
                              .committed = committed };
    hf_error why = HF_ERROR_INIT;

    if (r->notes && path && !item->growing &&
        hf__cache_upload_write(r->u->folder, path, &note, &why) != HF_OK)
        hf__logf(r->ctx->log, HF_LOG_DEBUG, "no note of '%s': %s", path, why.message);
}

/* From an earlier run that was broken off. A file that was moved or copied here can be older than the
 * note of the one before it, but the change time says when it came. */
static bool recall(up_run *r, up_item *item)
{
    const char *path = item->lfs && !item->growing ? note_path(r, item) : NULL;
    const up_stamp *stamp = &item->stamp;
    int64_t changed_ns = stamp->ctime_ns > stamp->mtime_ns ? stamp->ctime_ns : stamp->mtime_ns;
    char sha256[65];

    if (!path ||
        !hf__cache_upload_read(r->u->folder, path, item->size, (double)changed_ns / 1e9, sha256))
        return false;
    memcpy(item->hash, sha256, sizeof(sha256));
    item->lfs_hash = true;
    atomic_fetch_add(&r->recalled, item->size);
    return true;
}

static void keep_hash(up_run *r, const up_item *item, double at)
{
    if (item->lfs)
        hf__up_note(r, item, at, false, false);
    hf__logf(r->ctx->log, HF_LOG_DEBUG, "hashed '%s', %llu bytes", item->path,
             (unsigned long long)item->size);
}

/* One file, or two LFS files. */
static hf_status hash(up_job *job, up_item *item, up_item *other)
{
    up_run *r = job->r;
    double at = hf__clock_wall();
    hf_status st = other ? hf__up_hash_two(item, other, &r->stop, &r->hashed, &job->err)
                         : hf__up_hash(item, item->lfs, &r->stop, &r->hashed, &job->err);

    if (st == HF_OK)
        keep_hash(r, item, at);
    if (st == HF_OK && other)
        keep_hash(r, other, at);
    return st;
}

static void run_hash(void *arg)
{
    up_job *job = arg;
    bool can_pair = hf__sha256_can_pair();
    up_item *alone = NULL; /* waits for another to be hashed with */
    hf_status st = HF_OK;

    for (size_t i = 0; i < job->n && st == HF_OK; i++) {
        up_item *item = job->items[i];

        if (knows_hash(item) || recall(job->r, item))
            continue;
        if (can_pair && item->lfs && !alone) {
            alone = item;
        } else if (can_pair && item->lfs) {
            st = hash(job, alone, item);
            alone = NULL;
        } else {
            st = hash(job, item, NULL);
        }
    }
    if (st == HF_OK && alone)
        st = hash(job, alone, NULL);
    job->status = st;
    hf__up_signal(job->r, &job->done);
}

/* Small files in groups; large ones two at a time where that pays, so that sending begins soon. */
static void start_hash(up_run *r)
{
    up_job *job = &r->hash;
    size_t least = hf__sha256_can_pair() ? 2 : 1;
    uint64_t bytes = 0;

    if (job->busy || !r->to_hash.n)
        return;
    for (job->n = 0; job->n < 64 && r->to_hash.n && (job->n < least || bytes < HASH_GROUP_BYTES);
         job->n++) {
        job->items[job->n] = up_pop(&r->to_hash);
        bytes += job->items[job->n]->size;
    }
    begin(job);
}

static void reap_hash(up_run *r)
{
    up_job *job = &r->hash;

    for (size_t i = 0; i < job->n; i++) {
        up_item *item = job->items[i];

        if (strcmp(item->hash, item->there) == 0)
            hf__up_unchanged(r, item);
        else if (item->lfs)
            up_push(&r->to_batch, item);
        else
            hf__up_ready(r, item);
    }
}

/* ---- batch */

static void run_batch(void *arg)
{
    up_job *job = arg;
    up_run *r = job->r;

    job->status =
        hf__hub_lfs_batch(r->ctx->hub, &r->base, (r->opts->flags & HF_UPLOAD_CREATE_PR) != 0,
                          job->objects, job->n, &r->stop, &job->err);
    hf__up_signal(r, &job->done);
}

/* Two files with one content are one object; the second waits for the next batch, which finds it
 * stored. */
static bool is_in(const up_job *job, const up_item *item)
{
    for (size_t i = 0; i < job->n; i++)
        if (strcmp(job->items[i]->hash, item->hash) == 0)
            return true;
    return false;
}

static bool is_sending(const up_run *r, const up_item *item)
{
    for (const up_send *send = r->sends; send; send = send->next)
        if (strcmp(send->item->hash, item->hash) == 0)
            return true;
    return false;
}

static bool is_asking(const up_run *r)
{
    bool busy = false;

    for (size_t i = 0; i < UP_ASKS; i++)
        busy = busy || r->asks[i].busy;
    return busy;
}

static void start_batch(up_run *r)
{
    up_job *job = &r->batch;
    uint64_t bytes = 0;
    size_t n = r->to_batch.n;

    /* While enough is on its way, more objects gather for one request; and addresses do not grow
     * old in a queue. */
    if (job->busy || !n || r->n_sends >= 2 * r->max_puts ||
        (r->n_puts >= r->max_puts && n < HF__BATCH_OBJECTS && (r->hash.busy || is_asking(r))))
        return;
    for (job->n = 0; n > 0 && job->n < HF__BATCH_OBJECTS && bytes < UP_BATCH_BYTES; n--) {
        up_item *item = up_pop(&r->to_batch);

        if (is_in(job, item) || is_sending(r, item)) {
            up_push(&r->to_batch, item);
            continue;
        }
        job->items[job->n++] = item;
        bytes += item->size;
    }
    if (!job->n)
        return;
    job->objects = calloc(job->n, sizeof(*job->objects));
    if (!job->objects) {
        hf_error err = HF_ERROR_INIT;

        hf__up_fail(r, hf__fail_nomem(&err), &err, NULL);
        return;
    }
    for (size_t i = 0; i < job->n; i++) {
        memcpy(job->objects[i].oid, job->items[i]->hash, sizeof(job->objects[i].oid));
        job->objects[i].size = job->items[i]->size;
    }
    begin(job);
}

static void reap_batch(up_run *r)
{
    up_job *job = &r->batch;
    hf_error err = HF_ERROR_INIT;
    hf_status st = job->status;

    for (size_t i = 0; i < job->n; i++) {
        up_item *item = job->items[i];
        hf__lfs_action *action = &job->objects[i].action;

        if (st == HF_OK && action->arena)
            st = hf__up_send_add(r, item, action, &err);
        else if (st == HF_OK)
            hf__up_ready(r, item);
        hf__lfs_action_dispose(action);
    }
    free(job->objects);
    job->objects = NULL;
    if (st != HF_OK && job->status == HF_OK)
        hf__up_fail(r, st, &err, NULL);
}

/* ---- all of them */

static hf_status open_job(up_run *r, up_job *job, hf__job_fn *fn, hf_error *err)
{
    job->r = r;
    job->err = (hf_error)HF_ERROR_INIT;
    job->job.fn = fn;
    job->job.arg = job;
    return hf__strand_new(r->pool, &job->strand, err);
}

static void close_job(up_job *job)
{
    if (job->strand && job->busy)
        hf__strand_wait(job->strand);
    for (size_t i = 0; job->objects && i < job->n; i++)
        hf__lfs_action_dispose(&job->objects[i].action);
    free(job->objects);
    hf__strand_free(job->strand);
}

hf_status hf__up_jobs_open(up_run *r, hf_error *err)
{
    hf_status st = hf__pool_new(UP_ASKS + 2, &r->pool, err);

    for (size_t i = 0; st == HF_OK && i < UP_ASKS; i++)
        st = open_job(r, &r->asks[i], run_ask, err);
    if (st == HF_OK)
        st = open_job(r, &r->hash, run_hash, err);
    if (st == HF_OK)
        st = open_job(r, &r->batch, run_batch, err);
    return st;
}

void hf__up_jobs_close(up_run *r)
{
    for (size_t i = 0; i < UP_ASKS; i++)
        close_job(&r->asks[i]);
    close_job(&r->hash);
    close_job(&r->batch);
    close_job(&r->commit.job);
    hf__pool_free(r->pool);
}

void hf__up_jobs_start(up_run *r)
{
    for (size_t i = 0; i < UP_ASKS; i++)
        start_ask(r, &r->asks[i]);
    start_hash(r);
    start_batch(r);
}

static bool is_done(up_run *r, up_job *job)
{
    bool done;

    if (!job->busy)
        return false;
    pthread_mutex_lock(&r->synced.lock);
    done = job->done;
    pthread_mutex_unlock(&r->synced.lock);
    if (!done)
        return false;
    hf__strand_wait(job->strand); /* its function may not have returned yet */
    job->busy = false;
    if (job->status != HF_OK)
        hf__up_fail(r, job->status, &job->err, NULL);
    return true;
}

void hf__up_jobs_reap(up_run *r)
{
    for (size_t i = 0; i < UP_ASKS; i++)
        if (is_done(r, &r->asks[i]) && r->asks[i].status == HF_OK)
            reap_ask(r, &r->asks[i]);
    if (is_done(r, &r->hash) && r->hash.status == HF_OK)
        reap_hash(r);
    if (is_done(r, &r->batch))
        reap_batch(r);
}
