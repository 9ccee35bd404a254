/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many blobs at once, as one pack. A loose object costs a file each, which is most of the time of a
 * commit of thousands of small files.
 *
 * Blobs gather in batches. Hashing a batch and making objects of it is a job of a pool, while the
 * next ones still arrive; batches come back in their order and are written to a file below DATA/tmp. The end
 * gives it its head, which tells a count, its sum and its index, all of it on the disk before the
 * index has its name: who finds the index believes it.
 *
 * The ids are SHA-1 without git's look for made-up collisions. Who sends blobs may write to the repo
 * anyway, and an id that is there keeps its bytes; what git itself receives, git checks.
 */
#include "store/private.h"

#include "core/hash.h"
#include "core/os.h"
#include "core/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_AT    ((size_t)256 * 1024)
#define HEAD        12 /* "PACK", version, count */
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

/* What is being written, on a worker. */
typedef struct write_job {
    hf__strand *strand;
    hf__job job;
    int fd;
    hf__buf bytes;
    uint64_t at;
    hf_status status;
    hf_error err;
} write_job;

struct srv_pack {
    srv_git *git;
    int fd;
    hf__buf path;  /* of fd; empty once it is in its place */
    uint64_t size; /* of what was written, the head included */
    hf__buf out;   /* to be written */
    hf__pool *pool;
    write_job writer;
    batch batches[BATCHES];
    unsigned filling; /* batch */
    srv__packed *objects;
    size_t n, room;
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
    if (pack->writer.strand)
        hf__strand_wait(pack->writer.strand);
    hf__strand_free(pack->writer.strand);
    hf__buf_dispose(&pack->writer.bytes);
    hf__pool_free(pack->pool);
    hf__os_close(&pack->fd);
    if (pack->path.len)
        (void)hf__os_unlink(hf__buf_cstr(&pack->path), NULL);
    hf__buf_dispose(&pack->path);
    hf__buf_dispose(&pack->out);
    free(pack->objects);
    free(pack->seen);
    free(pack);
}

static hf_status open_file(srv_pack *pack, hf_error *err)
{
    char name[SRV_ID_HEX + 1];
    hf_status st;

    srv__random_hex(name, SRV_ID_HEX);
    st = srv__path(pack->git->store, &pack->path, err, "tmp/pack-%s", name);
    if (st != HF_OK)
        return st;
    pack->fd = open(hf__buf_cstr(&pack->path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (pack->fd < 0) {
        st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&pack->path));
        hf__buf_reset(&pack->path);
    }
    return st;
}

static void run_batch(void *arg);
static void run_write(void *arg);
static hf_status look_around(srv_pack *pack, hf_error *err);

static hf_status open_batches(srv_pack *pack, hf_error *err)
{
    hf_status st = hf__pool_new(0, &pack->pool, err);

    pack->writer.err = (hf_error)HF_ERROR_INIT;
    pack->writer.job = (hf__job){ .fn = run_write, .arg = &pack->writer };
    hf__buf_init(&pack->writer.bytes, SIZE_MAX / 2);
    if (st == HF_OK)
        st = hf__strand_new(pack->pool, &pack->writer.strand, err);
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
    pack->fd = -1;
    pack->size = HEAD;
    hf__buf_init(&pack->path, HF__MAX_PATH);
    hf__buf_init(&pack->out, SIZE_MAX / 2);
    pack->cap = 1024;
    pack->seen = calloc(pack->cap, sizeof *pack->seen);
    st = pack->seen ? open_batches(pack, err) : hf__fail_nomem(err);
    if (st == HF_OK)
        st = open_file(pack, err);
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

static void run_write(void *arg)
{
    write_job *w = arg;

    if (w->status == HF_OK)
        w->status = hf__os_pwrite(w->fd, w->bytes.ptr, w->bytes.len, w->at, "a pack", &w->err);
}

static hf_status end_write(srv_pack *pack, hf_error *err)
{
    hf__strand_wait(pack->writer.strand);
    if (pack->writer.status != HF_OK)
        hf__error_copy(err, &pack->writer.err);
    return pack->writer.status;
}

/* Begins to write what is to be written, once the write before it has ended. */
static hf_status flush(srv_pack *pack, hf_error *err)
{
    write_job *w = &pack->writer;
    hf_status st = end_write(pack, err);
    hf__buf spare = w->bytes;

    if (st == HF_OK && pack->out.status != HF_OK)
        st = hf__fail_nomem(err);
    if (st != HF_OK || pack->out.len == 0)
        return st;
    w->bytes = pack->out;
    w->at = pack->size;
    w->fd = pack->fd;
    pack->size += w->bytes.len;
    pack->out = spare;
    hf__buf_reset(&pack->out);
    hf__strand_add(w->strand, &w->job);
    return HF_OK;
}

static hf_status keep(srv_pack *pack, const batch *b, const blob *one, hf_error *err)
{
    bool fresh = false;
    hf_status st;

    (void)git_oid_tostr(one->oid, SRV_OID_HEX + 1, &one->id);
    if (is_there(pack, &one->id))
        return HF_OK;
    st = note(pack, &one->id, &fresh, err);
    if (st != HF_OK || !fresh)
        return st;
    if (pack->n == pack->room) {
        size_t room = pack->room ? pack->room * 2 : 1024;
        srv__packed *grown = realloc(pack->objects, room * sizeof *grown);

        if (!grown)
            return hf__fail_nomem(err);
        pack->objects = grown;
        pack->room = room;
    }
    pack->objects[pack->n++] =
        (srv__packed){ .id = one->id, .crc = one->crc, .offset = pack->size + pack->out.len };
    hf__buf_add(&pack->out, b->packed.ptr + one->at, one->size);
    return pack->out.len >= FLUSH_AT ? flush(pack, err) : HF_OK;
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

static hf_status write_head(srv_pack *pack, hf_error *err)
{
    unsigned char head[HEAD] = { 'P', 'A', 'C', 'K', 0, 0, 0, 2 };

    for (int i = 0; i < 4; i++)
        head[8 + i] = (unsigned char)(pack->n >> (24 - 8 * i));
    return hf__os_pwrite(pack->fd, head, HEAD, 0, "a pack", err);
}

/* SHA-1 of all of it, which then follows it. */
static hf_status write_sum(srv_pack *pack, char hex[HF__HASH_HEX_MAX + 1], git_oid *sum,
                           hf_error *err)
{
    char *bytes = malloc(FLUSH_AT);
    hf__hash *hash = NULL;
    uint64_t at = 0;
    hf_status st = bytes ? hf__hash_new(HF__HASH_SHA1, 0, &hash, err) : hf__fail_nomem(err);

    while (st == HF_OK && at < pack->size) {
        size_t got = 0;

        st = hf__os_pread(pack->fd, bytes, FLUSH_AT, at, &got, "a pack", err);
        if (st == HF_OK && got == 0)
            st = hf__fail(err, HF_ERR_IO, "a pack became shorter than it was");
        if (st == HF_OK)
            hf__hash_add(hash, bytes, got);
        at += got;
    }
    if (st == HF_OK) {
        hf__hash_end(hash, hex);
        if (git_oid_fromstr(sum, hex) != 0)
            st = hf__fail(err, HF_ERR_INTERNAL, "OpenSSL failed to hash");
    }
    if (st == HF_OK)
        st = hf__os_pwrite(pack->fd, sum->id, sizeof sum->id, pack->size, "a pack", err);
    hf__hash_free(hash);
    free(bytes);
    return st;
}

/* Gives the file `from`, open as fd, its name in the repository. */
static hf_status place(srv_pack *pack, int fd, const char *from, const char *hex,
                       const char *suffix, hf_error *err)
{
    hf__buf path;
    hf_status st = HF_OK;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%sobjects/pack/pack-%s.%s", git_repository_path(pack->git->repo), hex,
                 suffix);
    if (fsync(fd) != 0 || fchmod(fd, 0444) != 0)
        st = hf__fail_os(err, errno, "cannot write a pack");
    if (st == HF_OK)
        st = hf__os_rename(from, hf__buf_cstr(&path), err);
    hf__buf_dispose(&path);
    return st;
}

static hf_status write_index(srv_pack *pack, const char *hex, const git_oid *sum, hf_error *err)
{
    hf__buf index;
    hf__buf path;
    int fd = -1;
    hf_status st;

    hf__buf_init(&index, SIZE_MAX / 2);
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s.idx", hf__buf_cstr(&pack->path));
    st = srv__pack_index(pack->objects, pack->n, sum->id, &index, err);
    if (st == HF_OK) {
        fd = open(hf__buf_cstr(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&path));
    }
    if (st == HF_OK)
        st = hf__os_pwrite(fd, index.ptr, index.len, 0, "the index of a pack", err);
    /* The pack first: who sees an index looks for it. */
    if (st == HF_OK)
        st = place(pack, pack->fd, hf__buf_cstr(&pack->path), hex, "pack", err);
    if (st == HF_OK)
        st = place(pack, fd, hf__buf_cstr(&path), hex, "idx", err);
    if (st == HF_OK)
        hf__buf_reset(&pack->path);
    else if (fd >= 0)
        (void)hf__os_unlink(hf__buf_cstr(&path), NULL);
    hf__os_close(&fd);
    hf__buf_dispose(&index);
    hf__buf_dispose(&path);
    return st;
}

hf_status srv_pack_end(srv_pack *pack, hf_error *err)
{
    char hex[HF__HASH_HEX_MAX + 1];
    git_oid sum;
    hf_status st;

    hf__error_clear(err);
    if (pack->batches[pack->filling].n && !pack->batches[pack->filling].busy)
        hand_over(pack);
    st = collect_all(pack, err);
    if (st != HF_OK || pack->n == 0)
        return st;
    st = flush(pack, err);
    if (st == HF_OK)
        st = end_write(pack, err);
    if (st == HF_OK)
        st = write_head(pack, err);
    if (st == HF_OK)
        st = write_sum(pack, hex, &sum, err);
    if (st == HF_OK)
        st = write_index(pack, hex, &sum, err);
    if (st == HF_OK) {
        pack->n = 0;
        if (git_odb_refresh(pack->git->odb) != 0)
            st = srv__git_fail(-1, err, "cannot read a new pack");
    }
    return st;
}
