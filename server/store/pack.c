/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many blobs at once, as one pack. A loose object costs a file each, which is most of the time of a
 * commit of thousands of small files. The pack is written to a file without a name, since its head
 * tells a count that is known at the end only; libgit2 then copies it to its place and makes the
 * index, checking every object on the way.
 */
#include "store/private.h"

#include "core/hash.h"
#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define FLUSH_AT  ((size_t)256 * 1024)
#define HEAD      12 /* "PACK", version, count */
#define TYPE_BLOB 3

struct srv_pack {
    srv_git *git;
    int fd;
    uint64_t size; /* of what was written, the head included */
    uint32_t n;
    z_stream zip;
    bool zip_ready;
    hf__buf out;
    git_oid *seen; /* a table by the first bytes of the id, 0 is empty; a power of two long */
    size_t cap;
};

void srv_pack_free(srv_pack *pack)
{
    if (!pack)
        return;
    if (pack->zip_ready)
        (void)deflateEnd(&pack->zip);
    hf__os_close(&pack->fd);
    hf__buf_dispose(&pack->out);
    free(pack->seen);
    free(pack);
}

/* A file that vanishes with its descriptor. */
static hf_status open_file(srv_pack *pack, hf_error *err)
{
    char name[SRV_ID_HEX + 1];
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    srv__random_hex(name, SRV_ID_HEX);
    st = srv__path(pack->git->store, &path, err, "tmp/pack-%s", name);
    if (st == HF_OK) {
        pack->fd = open(hf__buf_cstr(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (pack->fd < 0)
            st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&path));
        else
            st = hf__os_unlink(hf__buf_cstr(&path), err);
    }
    hf__buf_dispose(&path);
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
    hf__buf_init(&pack->out, SIZE_MAX / 2);
    pack->cap = 1024;
    pack->seen = calloc(pack->cap, sizeof *pack->seen);
    /* Level 1: the bytes were compressed by nobody yet, and somebody waits. */
    pack->zip_ready = deflateInit(&pack->zip, 1) == Z_OK;
    st = pack->seen && pack->zip_ready ? open_file(pack, err) : hf__fail_nomem(err);
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

/* *fresh false: it was there. */
static hf_status note(srv_pack *pack, const git_oid *id, bool *fresh, hf_error *err)
{
    size_t at = slot_of(pack->seen, pack->cap, id);

    *fresh = git_oid_is_zero(&pack->seen[at]);
    if (!*fresh)
        return HF_OK;
    if ((size_t)pack->n * 2 >= pack->cap) {
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

static hf_status flush(srv_pack *pack, hf_error *err)
{
    hf_status st;

    if (pack->out.status != HF_OK)
        return hf__fail_nomem(err);
    st = hf__os_pwrite(pack->fd, pack->out.ptr, pack->out.len, pack->size, "a pack", err);
    pack->size += pack->out.len;
    hf__buf_reset(&pack->out);
    return st;
}

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

static hf_status add_zipped(srv_pack *pack, hf__str bytes, hf_error *err)
{
    int rc;

    (void)deflateReset(&pack->zip);
    pack->zip.next_in = (Bytef *)(uintptr_t)bytes.ptr;
    pack->zip.avail_in = (uInt)bytes.len;
    do {
        char *to = hf__buf_reserve(&pack->out, 16384);

        if (!to)
            return hf__fail_nomem(err);
        pack->zip.next_out = (Bytef *)to;
        pack->zip.avail_out = 16384;
        rc = deflate(&pack->zip, Z_FINISH);
        hf__buf_grew(&pack->out, 16384 - pack->zip.avail_out);
        if (rc != Z_OK && rc != Z_BUF_ERROR && rc != Z_STREAM_END)
            return hf__fail(err, HF_ERR_INTERNAL, "zlib failed to compress");
    } while (rc != Z_STREAM_END);
    return HF_OK;
}

hf_status srv_pack_add(srv_pack *pack, hf__str bytes, char oid[SRV_OID_HEX + 1], hf_error *err)
{
    git_oid id;
    bool fresh = false;
    hf_status st = HF_OK;
    int rc;

    hf__error_clear(err);
    if (bytes.len > UINT32_MAX)
        return hf__fail(err, HF_ERR_LIMIT, "a file of a commit is larger than 4 GB");
    rc = git_odb_hash(&id, bytes.ptr ? bytes.ptr : "", bytes.len, GIT_OBJECT_BLOB);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot hash a blob");
    (void)git_oid_tostr(oid, SRV_OID_HEX + 1, &id);
    if (git_odb_exists_ext(pack->git->odb, &id, GIT_ODB_LOOKUP_NO_REFRESH))
        return HF_OK;
    st = note(pack, &id, &fresh, err);
    if (st != HF_OK || !fresh)
        return st;
    add_head(&pack->out, bytes.len);
    st = add_zipped(pack, bytes, err);
    if (st == HF_OK)
        pack->n++;
    return st == HF_OK && pack->out.len >= FLUSH_AT ? flush(pack, err) : st;
}

/* -------------------------------------------------------------------------------------- to its place */

static hf_status write_head(srv_pack *pack, hf_error *err)
{
    unsigned char head[HEAD] = { 'P', 'A', 'C', 'K', 0, 0, 0, 2 };

    for (int i = 0; i < 4; i++)
        head[8 + i] = (unsigned char)(pack->n >> (24 - 8 * i));
    return hf__os_pwrite(pack->fd, head, HEAD, 0, "a pack", err);
}

/* All of it, then the SHA-1 of all of it. */
static hf_status feed(srv_pack *pack, git_indexer *indexer, hf_error *err)
{
    git_indexer_progress progress = { 0 };
    char hex[HF__HASH_HEX_MAX + 1] = "";
    char *bytes = malloc(FLUSH_AT);
    hf__hash *hash = NULL;
    git_oid sum;
    uint64_t at = 0;
    int rc = 0;
    hf_status st = bytes ? hf__hash_new(HF__HASH_SHA1, 0, &hash, err) : hf__fail_nomem(err);

    while (st == HF_OK && rc == 0 && at < pack->size) {
        size_t got = 0;

        st = hf__os_pread(pack->fd, bytes, FLUSH_AT, at, &got, "a pack", err);
        if (st == HF_OK && got == 0)
            st = hf__fail(err, HF_ERR_IO, "a pack became shorter than it was");
        if (st != HF_OK)
            break;
        hf__hash_add(hash, bytes, got);
        rc = git_indexer_append(indexer, bytes, got, &progress);
        at += got;
    }
    if (st == HF_OK && rc == 0) {
        hf__hash_end(hash, hex);
        rc = git_oid_fromstr(&sum, hex);
    }
    if (st == HF_OK && rc == 0)
        rc = git_indexer_append(indexer, sum.id, sizeof sum.id, &progress);
    if (st == HF_OK && rc == 0)
        rc = git_indexer_commit(indexer, &progress);
    if (st == HF_OK && rc != 0)
        st = srv__git_fail(rc, err, "cannot write a pack");
    hf__hash_free(hash);
    free(bytes);
    return st;
}

hf_status srv_pack_end(srv_pack *pack, hf_error *err)
{
    git_indexer *indexer = NULL;
    hf__buf path;
    hf_status st;
    int rc;

    hf__error_clear(err);
    if (pack->n == 0)
        return HF_OK;
    hf__buf_init(&path, HF__MAX_PATH);
    st = flush(pack, err);
    if (st == HF_OK)
        st = write_head(pack, err);
    hf__buf_addf(&path, "%sobjects/pack", git_repository_path(pack->git->repo));
    if (st == HF_OK) {
        rc = git_indexer_new(&indexer, hf__buf_cstr(&path), 0444, NULL, NULL);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot make a pack");
    }
    if (st == HF_OK)
        st = feed(pack, indexer, err);
    git_indexer_free(indexer);
    if (st == HF_OK) {
        pack->n = 0;
        rc = git_odb_refresh(pack->git->odb);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot read a new pack");
    }
    hf__buf_dispose(&path);
    return st;
}
