/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file into a directory of the user's (cache.md 13). What is there already is kept when it can
 * be shown to be the file: by our notes, or by its hash. Hashing and copying are work for the pool.
 */
#include "transfer/private.h"

static hf_status set_path(run *r, op *o, hf_error *err)
{
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    st = hf__cache_local_path(r->local, o->file->repo_path, &path, err);
    if (st == HF_OK)
        st = hf__result_place(r, o->file, hf__buf_str(&path), err);
    hf__buf_dispose(&path);
    return st;
}

/* Notes are about a file of that size: a power cut may leave the name of a small one without its
 * bytes. */
static hf_status look(run *r, const op *o, bool *found, hf__local_meta *meta, hf_error *err)
{
    uint64_t size = 0;
    hf_status st = hf__cache_local_find(r->local, o->file->repo_path, found, &size, err);

    memset(meta, 0, sizeof(*meta));
    if (st == HF_OK && *found)
        st = hf__cache_local_meta_read(r->local, o->file->repo_path, meta, err);
    meta->valid = meta->valid && size == o->file->size;
    return st;
}

static hf_status check(run *r, op *o, hf_error *err)
{
    hf__local_meta meta;
    bool found = false;
    hf_status st = set_path(r, o, err);

    o->state = OP_TODO;
    if (st == HF_OK)
        st = look(r, o, &found, &meta, err);
    if (st != HF_OK)
        return st;
    if (found && meta.valid && strcmp(meta.commit, r->commit) == 0 &&
        !(r->flags & HF_DOWNLOAD_FORCE)) {
        o->state = OP_DONE;
        o->file->was_cached = 1;
        return HF_OK;
    }
    o->to_fetch = (r->flags & HF_DOWNLOAD_FORCE) || !found || !meta.valid ||
                  strcmp(meta.etag.text, o->file->etag) != 0;
    o->file->would_fetch = o->to_fetch;
    o->file->was_cached = found && !o->to_fetch;
    return HF_OK;
}

static hf_status lock(run *r, active *a, bool *got, hf_error *err)
{
    return hf__cache_local_lock(r->local, a->op->file->repo_path, &a->lock, got, err);
}

static hf_status note(run *r, const op *o, hf_error *err)
{
    return hf__cache_local_meta_write(r->local, o->file->repo_path, r->commit, o->file->etag, err);
}

/* On the pool: is what lies there the file, or can the cache give it? */
static void work(void *arg)
{
    active *a = arg;
    run *r = a->run;
    const hf_file *file = a->op->file;
    hf__etag etag;
    char hash[HF__HASH_HEX_MAX + 1];
    uint64_t size = 0;
    bool found = false;
    hf__cache_repo *repo = NULL;

    memcpy(etag.text, file->etag, strlen(file->etag) + 1);
    a->work_err = (hf_error)HF_ERROR_INIT;
    a->work_status = hf__cache_local_find(r->local, file->repo_path, &found, &size, &a->work_err);
    if (a->work_status == HF_OK && found && size == file->size && hf__fetch_kind(&etag)) {
        a->work_status = hf__cache_local_hash(r->local, file->repo_path, hf__etag_is_sha256(&etag),
                                              hash, &r->watch, &a->work_err);
        a->work_done = a->work_status == HF_OK && strcmp(hash, etag.text) == 0;
    }
    /* The run's repo object belongs to the caller's thread. */
    if (a->work_status == HF_OK && !a->work_done)
        a->work_status = hf__cache_repo_open(r->cache, r->at.type, r->at.id, &repo, &a->work_err);
    if (a->work_status == HF_OK && !a->work_done)
        a->work_status =
            hf__cache_local_from_cache(r->local, repo, r->commit, file->repo_path, file->etag,
                                       &r->watch, &a->work_done, &a->work_err);
    hf__cache_repo_close(repo);
    hf__run_work_ready(r, a);
}

static hf_status settle(run *r, active *a, hf_error *err)
{
    hf__local_meta meta;
    bool found = false;
    hf_status st;

    if (r->flags & HF_DOWNLOAD_FORCE)
        return HF_OK;
    st = look(r, a->op, &found, &meta, err);
    if (st != HF_OK)
        return st;
    if (found && meta.valid && strcmp(meta.etag.text, a->op->file->etag) == 0) {
        st = note(r, a->op, err);
        if (st == HF_OK)
            a->op->state = OP_DONE;
        return st;
    }
    st = hf__strand_new(r->ctx->pool, &a->strand, err);
    if (st != HF_OK)
        return st;
    a->op->state = OP_WORKING;
    a->job.fn = work;
    a->job.arg = a;
    hf__strand_add(a->strand, &a->job);
    return HF_OK;
}

static hf_status worked(run *r, active *a, hf_error *err)
{
    hf_status st = HF_OK;

    a->op->state = OP_TODO;
    if (!a->work_done)
        return HF_OK;
    a->op->file->verified = 1;
    a->op->file->was_cached = 1;
    st = note(r, a->op, err);
    if (st == HF_OK)
        a->op->state = OP_DONE;
    return st;
}

static hf_status begin(run *r, active *a, hf__cache_part **out, hf_error *err)
{
    return hf__cache_local_begin(r->local, a->op->file->repo_path, a->op->file->etag,
                                 a->op->file->size, out, err);
}

static hf_status placed(run *r, active *a, hf_error *err)
{
    return note(r, a->op, err);
}

const op_target hf__op_target_local = { check, lock, settle, worked, begin, placed };
