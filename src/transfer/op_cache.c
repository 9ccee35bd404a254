/* SPDX-License-Identifier: Apache-2.0 */
/* One file into the shared cache (cache.md 6). */
#include "transfer/private.h"

static hf_status set_path(run *r, op *o, hf_error *err)
{
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    st = hf__cache_pointer_path(r->repo, r->commit, o->file->repo_path, &path, err);
    if (st == HF_OK)
        st = hf__result_place(r, o->file, hf__buf_str(&path), err);
    hf__buf_dispose(&path);
    return st;
}

/* A blob of another length than the Hub announces is what a crash left; it is fetched again. */
static bool usable(const run *r, const op *o, bool found, uint64_t size)
{
    return found && !(r->flags & HF_DOWNLOAD_FORCE) && size == o->file->size;
}

static hf_status check(run *r, op *o, hf_error *err)
{
    uint64_t size = 0;
    bool found = false;
    hf_status st = set_path(r, o, err);

    o->state = OP_TODO;
    if (st == HF_OK)
        st = hf__cache_pointer_find(r->repo, r->commit, o->file->repo_path, &found, &size, err);
    if (st != HF_OK)
        return st;
    if (usable(r, o, found, size)) {
        o->state = OP_DONE;
        o->file->was_cached = 1;
        return HF_OK;
    }
    st = hf__cache_blob_find(r->repo, o->file->etag, &found, &size, err);
    o->to_fetch = !usable(r, o, found, size);
    o->file->would_fetch = o->to_fetch;
    o->file->was_cached = !o->to_fetch;
    return st;
}

static hf_status lock(run *r, active *a, bool *got, hf_error *err)
{
    hf_status st = hf__cache_prepare(r->repo, err);

    return st == HF_OK ? hf__cache_blob_lock(r->repo, a->op->file->etag, &a->lock, got, err) : st;
}

/* Whoever had the lock may have brought the blob; without links it is moved to where the pointer would
 * be. */
static hf_status settle(run *r, active *a, hf_error *err)
{
    const hf_file *file = a->op->file;
    uint64_t size = 0;
    bool found = false;
    bool blob;
    hf_status st = hf__cache_blob_find(r->repo, file->etag, &found, &size, err);

    blob = usable(r, a->op, found, size);
    if (st == HF_OK)
        st = hf__cache_pointer_find(r->repo, r->commit, file->repo_path, &found, &size, err);
    if (st != HF_OK)
        return st;
    if (usable(r, a->op, found, size)) {
        a->op->state = OP_DONE;
        return HF_OK;
    }
    if (!blob)
        return HF_OK;
    st = hf__cache_pointer_make(r->repo, r->commit, file->repo_path, file->etag, false, err);
    if (st == HF_OK)
        a->op->state = OP_DONE;
    return st;
}

static hf_status worked(run *r, active *a, hf_error *err)
{
    (void)r;
    (void)a;
    return hf__fail(err, HF_ERR_INTERNAL, "the cache has no work of its own");
}

static hf_status begin(run *r, active *a, hf__cache_part **out, hf_error *err)
{
    return hf__cache_blob_begin(r->repo, a->op->file->etag, a->op->file->size, out, err);
}

static hf_status placed(run *r, active *a, hf_error *err)
{
    return hf__cache_pointer_make(r->repo, r->commit, a->op->file->repo_path, a->op->file->etag,
                                  true, err);
}

const op_target hf__op_target_cache = { check, lock, settle, worked, begin, placed };
