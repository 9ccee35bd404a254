/* SPDX-License-Identifier: Apache-2.0 */
/* Results own the arena that their text lives in. */
#include "transfer/private.h"

typedef struct file_owner {
    hf_file pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
} file_owner;

typedef struct snapshot_owner {
    hf_snapshot pub;
    hf__arena *arena;
} snapshot_owner;

hf_file *hf__result_files(hf__arena *arena, size_t n)
{
    return hf__arena_array(arena, n + 1, sizeof(hf_file));
}

hf_status hf__result_place(run *r, hf_file *file, hf__str path, hf_error *err)
{
    size_t name_len = strlen(file->repo_path);
    char *copy = hf__arena_str(r->arena, path);

    if (r->commit[0] && (!r->commit_text || strcmp(r->commit_text, r->commit) != 0))
        r->commit_text = hf__arena_cstr(r->arena, r->commit);
    if (!copy || (r->commit[0] && !r->commit_text))
        return hf__fail_nomem(err);
    file->path = copy;
    file->commit = r->commit[0] ? r->commit_text : NULL;
    if (path.len > name_len && strcmp(copy + path.len - name_len, file->repo_path) == 0)
        file->repo_path = copy + path.len - name_len;
    return HF_OK;
}

hf_file *hf__result_single(run *r)
{
    file_owner *owner = hf__arena_alloc(r->arena, sizeof(*owner));

    if (!owner)
        return NULL;
    owner->pub = *r->ops[0].file;
    owner->arena = r->arena;
    r->arena = NULL;
    return &owner->pub;
}

hf_snapshot *hf__result_snapshot(run *r, const char *path)
{
    snapshot_owner *owner = hf__arena_alloc(r->arena, sizeof(*owner));
    char *own_path = hf__arena_cstr(r->arena, path);

    if (!owner || !own_path)
        return NULL;
    owner->pub.path = own_path;
    owner->pub.commit = r->commit[0] ? hf__arena_cstr(r->arena, r->commit) : NULL;
    owner->pub.files = r->n_ops ? r->ops[0].file : NULL; /* made as one array */
    owner->pub.n_files = r->n_ops;
    for (size_t i = 0; i < r->n_ops; i++) {
        owner->pub.bytes_fetched += r->ops[i].file->bytes_fetched;
        if (!r->ops[i].file->would_fetch)
            continue;
        owner->pub.bytes_to_fetch += r->ops[i].file->size;
        owner->pub.n_requests += r->ops[i].file->size > 0; /* an empty file is not asked for */
    }
    owner->pub.disk_needed = owner->pub.bytes_to_fetch - r->bytes_kept;
    owner->arena = r->arena;
    r->arena = NULL;
    return &owner->pub;
}

void hf__transfer_file_free(hf_file *file)
{
    if (file)
        hf__arena_free(((file_owner *)file)->arena);
}

void hf__transfer_snapshot_free(hf_snapshot *snapshot)
{
    if (snapshot)
        hf__arena_free(((snapshot_owner *)snapshot)->arena);
}
