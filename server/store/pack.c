/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many blobs at once, as packs. A loose object costs a file each, which is most of the time of a
 * commit of thousands of small files.
 *
 * Blobs gather in batches. Hashing a batch and making objects of it is a job of a pool, while the
 * next ones still arrive; batches come back in their order and go into a pack (pack_file.c), and into
 * another when that is full. The repository sees none of them before the end.
 *
 * The ids are SHA-1 without git's look for made-up collisions. Who sends blobs may write to the repo
 * anyway, and an id that is there keeps its bytes; what git itself receives, git checks.
 */
#include "store/private.h"

#include "core/hash.h"
#include "core/os.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_BLOB   3
#define BATCHES     4
#define BATCH_BLOBS 64
#define BATCH_BYTES ((size_t)256 * 1024)
#define BATCH_LARGE ((size_t)1024 * 1024) /* goes alone: four of these would be much */

typedef struct blob {
    size_t from, len; /* in the batch's bytes */
    size_t at, size;  /* in what is packed of it */
    uint32_t crc;
    git_oid id;
    char *oid; /* whom to tell */
} blob;

typedef struct batch {
    hf__strand *strand;
    hf__job job;
    srv__zip *zip;
    hf__buf bytes, packed;
    blob blobs[BATCH_BLOBS];
    size_t n;
    bool busy;
    hf_status status;
    hf_error err;
} batch;

struct srv_pack {
    srv_git *git;
    hf__pool *pool;
    batch batches[BATCHES];
    unsigned filling;       /* batch */
    srv__pack_file **files; /* all but the last one are full */
    size_t n_files;
    size_t n;            /* different blobs */
    bool has_packs;      /* the repository, when this one was begun */
    bool has_loose[256]; /* by the first byte of the id */
    git_oid *seen;       /* a table by the first bytes of the id, 0 is empty; a power of two long */
    size_t cap;
};

void srv_pack_free(srv_pack *pack)
{
    if (!pack)
        return;
    for (unsigned i = 0; i < BATCHES; i++) {
        batch *b = &pack->batches[i];

        if (b->busy)
            hf__strand_wait(b->strand);
        hf__strand_free(b->strand);
        srv__zip_free(b->zip);
        hf__buf_dispose(&b->bytes);
        hf__buf_dispose(&b->packed);
    }
    for (size_t i = 0; i < pack->n_files; i++)
        srv__pack_file_free(pack->files[i]);
    free(pack->files);
    hf__pool_free(pack->pool);
    free(pack->seen);
    free(pack);
}

static void run_batch(void *arg);
static hf_status look_around(srv_pack *pack, hf_error *err);

static hf_status open_batches(srv_pack *pack, hf_error *err)
{
    hf_status st = hf__pool_new(0, &pack->pool, err);

    for (unsigned i = 0; st == HF_OK && i < BATCHES; i++) {
        batch *b = &pack->batches[i];

        b->err = (hf_error)HF_ERROR_INIT;
        hf__buf_init(&b->bytes, SIZE_MAX / 2);
        hf__buf_init(&b->packed, SIZE_MAX / 2);
        b->job.fn = run_batch;
        b->job.arg = b;
        st = srv__zip_new(&b->zip, err);
        if (st == HF_OK)
            st = hf__strand_new(pack->pool, &b->strand, err);
    }
    return st;
}

hf_status srv_pack_new(srv_git *git, srv_pack **out, hf_error *err)
{
    srv_pack *pack = calloc(1, sizeof *pack);
    hf_status st;

    hf__error_clear(err);
    if (!pack)
        return hf__fail_nomem(err);
    pack->git = git;
    pack->cap = 1024;
    pack->seen = calloc(pack->cap, sizeof *pack->seen);
    st = pack->seen ? open_batches(pack, err) : hf__fail_nomem(err);
    if (st == HF_OK)
        st = look_around(pack, err);
    if (st != HF_OK) {
        srv_pack_free(pack);
        return st;
    }
    *out = pack;
    return HF_OK;
}

/* ------------------------------------------------------------------------------- what is in it */

static size_t slot_of(const git_oid *table, size_t cap, const git_oid *id)
{
    size_t at = ((size_t)id->id[0] | (size_t)id->id[1] << 8 | (size_t)id->id[2] << 16) & (cap - 1);

    while (!git_oid_is_zero(&table[at]) && !git_oid_equal(&table[at], id))
        at = (at + 1) & (cap - 1);
    return at;
}

/* What the repository has, as far as folders tell: a repository where everything is new is not asked
 * for each blob. Who misses one that comes at the same moment stores it twice, as git does. */
static hf_status look_around(srv_pack *pack, hf_error *err)
{
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%sobjects", git_repository_path(pack->git->repo));
    st = hf__os_iter_open(hf__buf_cstr(&path), &iter, err);
    while (st == HF_OK && iter) {
        git_oid id;

        st = hf__os_iter_next(iter, &name, &type, err);
        if (st != HF_OK || !name)
            break;
        if (strlen(name) == 2 && git_oid_fromstrn(&id, name, 2) == 0)
            pack->has_loose[id.id[0]] = true;
    }
    hf__os_iter_close(iter);
    hf__buf_adds(&path, "/pack");
    iter = NULL;
    if (st == HF_OK)
        st = hf__os_iter_open(hf__buf_cstr(&path), &iter, err);
    if (st == HF_OK && iter)
        st = hf__os_iter_next(iter, &name, &type, err);
    pack->has_packs = st == HF_OK && iter && name;
    hf__os_iter_close(iter);
    hf__buf_dispose(&path);
    return st;
}

static bool is_there(const srv_pack *pack, const git_oid *id)
{
    return (pack->has_packs || pack->has_loose[id->id[0]]) &&
           git_odb_exists_ext(pack->git->odb, id, GIT_ODB_LOOKUP_NO_REFRESH);
}

/* *fresh false: it was there. */
static hf_status note(srv_pack *pack, const git_oid *id, bool *fresh, hf_error *err)
{
    size_t at = slot_of(pack->seen, pack->cap, id);

    *fresh = git_oid_is_zero(&pack->seen[at]);
    if (!*fresh)
        return HF_OK;
    if (pack->n * 2 >= pack->cap) {
        size_t cap = pack->cap * 2;
        git_oid *table = calloc(cap, sizeof *table);

        if (!table)
            return hf__fail_nomem(err);
        for (size_t i = 0; i < pack->cap; i++)
            if (!git_oid_is_zero(&pack->seen[i]))
                table[slot_of(table, cap, &pack->seen[i])] = pack->seen[i];
        free(pack->seen);
        pack->seen = table;
        pack->cap = cap;
        at = slot_of(table, cap, id);
    }
    pack->seen[at] = *id;
    return HF_OK;
}

/* The pack that the next blob goes into. */
static hf_status last_file(srv_pack *pack, srv__pack_file **out, hf_error *err)
{
    srv__pack_file **grown;
    hf_status st = HF_OK;

    if (pack->n_files == 0 || srv__pack_file_is_full(pack->files[pack->n_files - 1])) {
        grown = realloc(pack->files, (pack->n_files + 1) * sizeof *grown);
        if (!grown)
            return hf__fail_nomem(err);
        pack->files = grown;
        st = srv__pack_file_new(pack->git, pack->pool, &pack->files[pack->n_files], err);
        if (st != HF_OK)
            return st;
        pack->n_files++;
    }
    *out = pack->files[pack->n_files - 1];
    return st;
}

static hf_status keep(srv_pack *pack, const batch *b, const blob *one, hf_error *err)
{
    srv__pack_file *file = NULL;
    bool fresh = false;
    hf_status st;

    (void)git_oid_tostr(one->oid, SRV_OID_HEX + 1, &one->id);
    if (is_there(pack, &one->id))
        return HF_OK;
    st = note(pack, &one->id, &fresh, err);
    if (st != HF_OK || !fresh)
        return st;
    pack->n++;
    st = last_file(pack, &file, err);
    if (st != HF_OK)
        return st;
    return srv__pack_file_add(file, &one->id, one->crc,
                              (hf__str){ b->packed.ptr + one->at, one->size }, err);
}

/* Waits for the batch and takes over what it made; it is empty then. */
static hf_status collect(srv_pack *pack, batch *b, hf_error *err)
{
    hf_status st;

    if (!b->busy)
        return HF_OK;
    hf__strand_wait(b->strand);
    b->busy = false;
    st = b->status;
    if (st != HF_OK)
        hf__error_copy(err, &b->err);
    for (size_t i = 0; st == HF_OK && i < b->n; i++)
        st = keep(pack, b, &b->blobs[i], err);
    b->n = 0;
    hf__buf_reset(&b->bytes);
    hf__buf_reset(&b->packed);
    if (b->bytes.cap > 2 * BATCH_LARGE) {
        hf__buf_dispose(&b->bytes);
        hf__buf_dispose(&b->packed);
    }
    return st;
}

/* ----------------------------------------------------------------------------- a batch, on a worker */

/* Type and size, four bits of it in the first byte and seven in each that follows. */
static void add_head(hf__buf *out, size_t size)
{
    unsigned byte = TYPE_BLOB << 4 | (unsigned)(size & 15);

    for (size >>= 4; size > 0; size >>= 7) {
        hf__buf_addc(out, (char)(byte | 0x80));
        byte = (unsigned)(size & 0x7f);
    }
    hf__buf_addc(out, (char)byte);
}

static hf_status pack_one(batch *b, blob *one, hf_error *err)
{
    hf__str bytes = { one->len ? b->bytes.ptr + one->from : "", one->len };
    uint8_t id[32];
    size_t len = 0;
    hf_status st = hf__hash_raw(HF__HASH_GIT_BLOB, bytes.ptr, bytes.len, id, &len, err);

    if (st != HF_OK)
        return st;
    memcpy(one->id.id, id, sizeof one->id.id);
    one->at = b->packed.len;
    add_head(&b->packed, bytes.len);
    srv__zip_add(b->zip, bytes, &b->packed);
    if (b->packed.status != HF_OK)
        return hf__fail_nomem(err);
    one->size = b->packed.len - one->at;
    one->crc = srv__zip_crc32(b->packed.ptr + one->at, one->size);
    return HF_OK;
}

static void run_batch(void *arg)
{
    batch *b = arg;

    b->status = HF_OK;
    for (size_t i = 0; b->status == HF_OK && i < b->n; i++)
        b->status = pack_one(b, &b->blobs[i], &b->err);
}

static void hand_over(srv_pack *pack)
{
    batch *b = &pack->batches[pack->filling];

    b->busy = true;
    hf__strand_add(b->strand, &b->job);
    pack->filling = (pack->filling + 1) % BATCHES;
}

static hf_status collect_all(srv_pack *pack, hf_error *err)
{
    hf_status st = HF_OK;

    /* The one to be filled next is the oldest. */
    for (unsigned i = 0; st == HF_OK && i < BATCHES; i++)
        st = collect(pack, &pack->batches[(pack->filling + i) % BATCHES], err);
    return st;
}

hf_status srv_pack_add(srv_pack *pack, hf__str bytes, char oid[SRV_OID_HEX + 1], hf_error *err)
{
    batch *b = &pack->batches[pack->filling];
    hf_status st;

    hf__error_clear(err);
    if (bytes.len > UINT32_MAX)
        return hf__fail(err, HF_ERR_LIMIT, "a file of a commit is larger than 4 GB");
    st = collect(pack, b, err);
    if (st != HF_OK)
        return st;
    b->blobs[b->n++] = (blob){ .from = b->bytes.len, .len = bytes.len, .oid = oid };
    hf__buf_add_str(&b->bytes, bytes);
    if (b->bytes.status != HF_OK)
        return hf__fail_nomem(err);
    if (b->n < BATCH_BLOBS && b->bytes.len < BATCH_BYTES)
        return HF_OK;
    hand_over(pack);
    return bytes.len >= BATCH_LARGE ? collect_all(pack, err) : HF_OK;
}

/* -------------------------------------------------------------------------------------- to its place */

hf_status srv_pack_end(srv_pack *pack, hf_error *err)
{
    hf_status st;

    hf__error_clear(err);
    if (pack->batches[pack->filling].n && !pack->batches[pack->filling].busy)
        hand_over(pack);
    st = collect_all(pack, err);
    if (st != HF_OK || pack->n_files == 0)
        return st;
    for (size_t i = 0; st == HF_OK && i < pack->n_files; i++)
        st = srv__pack_file_place(pack->files[i], err);
    while (st == HF_OK && pack->n_files > 0)
        srv__pack_file_free(pack->files[--pack->n_files]);
    if (st == HF_OK && git_odb_refresh(pack->git->odb) != 0)
        st = srv__git_fail(-1, err, "cannot read a new pack");
    return st;
}
