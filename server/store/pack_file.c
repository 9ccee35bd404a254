/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pack on its way to the disk: a file below DATA/tmp that a worker writes while the next objects
 * arrive, then its sum, its index, and at last a name in the repository for both. Everything is on
 * the disk before the index has its name: who finds the index believes it.
 *
 * A pack begins with the count of its objects, and its sum begins with that: it can only be made when
 * the last object is there. So that nobody waits long for it at the end, a pack takes a number of
 * objects, and is summed while the next one is filled.
 */
#include "store/private.h"

#include "core/hash.h"
#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST     2048 /* objects; a repository should not have many packs */
#define FLUSH_AT ((size_t)256 * 1024)
#define HEAD     12 /* "PACK", version, count */

struct srv__pack_file {
    srv_git *git;
    int fd;
    int index_fd;
    hf__buf path;       /* of fd; empty when there is none */
    hf__buf index_path; /* likewise */
    uint64_t size;      /* of what was handed to the worker, the head included */
    hf__buf out;        /* to be written */
    srv__packed *objects;
    size_t n;
    hf__strand *strand;
    struct { /* only on the strand, or while it is idle */
        hf__job write;
        hf__job seal;
        hf__buf bytes;
        uint64_t at;
        char sum[HF__HASH_HEX_MAX + 1];
        hf_status status;
        hf_error err;
    } work;
};

void srv__pack_file_free(srv__pack_file *file)
{
    if (!file)
        return;
    if (file->strand)
        hf__strand_wait(file->strand);
    hf__strand_free(file->strand);
    hf__buf_dispose(&file->work.bytes);
    hf__os_close(&file->fd);
    hf__os_close(&file->index_fd);
    if (file->path.len)
        (void)hf__os_unlink(hf__buf_cstr(&file->path), NULL);
    if (file->index_path.len)
        (void)hf__os_unlink(hf__buf_cstr(&file->index_path), NULL);
    hf__buf_dispose(&file->path);
    hf__buf_dispose(&file->index_path);
    hf__buf_dispose(&file->out);
    free(file->objects);
    free(file);
}

/* Makes a file; path is empty when that failed. */
static hf_status make(hf__buf *path, int *fd, hf_error *err)
{
    hf_status st = HF_OK;

    *fd = open(hf__buf_cstr(path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0) {
        st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(path));
        hf__buf_reset(path);
    }
    return st;
}

static void run_write(void *arg);
static void run_seal(void *arg);

hf_status srv__pack_file_new(srv_git *git, hf__pool *pool, srv__pack_file **out, hf_error *err)
{
    srv__pack_file *file = calloc(1, sizeof *file);
    char name[SRV_ID_HEX + 1];
    hf_status st;

    if (!file)
        return hf__fail_nomem(err);
    file->git = git;
    file->fd = file->index_fd = -1;
    file->size = HEAD;
    hf__buf_init(&file->path, HF__MAX_PATH);
    hf__buf_init(&file->index_path, HF__MAX_PATH);
    hf__buf_init(&file->out, SIZE_MAX / 2);
    hf__buf_init(&file->work.bytes, SIZE_MAX / 2);
    file->work.err = (hf_error)HF_ERROR_INIT;
    file->work.write = (hf__job){ .fn = run_write, .arg = file };
    file->work.seal = (hf__job){ .fn = run_seal, .arg = file };
    file->objects = calloc(MOST, sizeof *file->objects);
    st = file->objects ? hf__strand_new(pool, &file->strand, err) : hf__fail_nomem(err);
    srv__random_hex(name, SRV_ID_HEX);
    if (st == HF_OK)
        st = srv__path(git->store, &file->path, err, "tmp/pack-%s", name);
    if (st == HF_OK)
        st = make(&file->path, &file->fd, err);
    if (st != HF_OK) {
        srv__pack_file_free(file);
        return st;
    }
    *out = file;
    return HF_OK;
}

/* ----------------------------------------------------------------------------------- on a worker */

static void run_write(void *arg)
{
    srv__pack_file *file = arg;

    if (file->work.status == HF_OK)
        file->work.status = hf__os_pwrite(file->fd, file->work.bytes.ptr, file->work.bytes.len,
                                          file->work.at, "a pack", &file->work.err);
}

static hf_status write_head(srv__pack_file *file, hf_error *err)
{
    unsigned char head[HEAD] = { 'P', 'A', 'C', 'K', 0, 0, 0, 2 };

    for (int i = 0; i < 4; i++)
        head[8 + i] = (unsigned char)(file->n >> (24 - 8 * i));
    return hf__os_pwrite(file->fd, head, HEAD, 0, "a pack", err);
}

/* SHA-1 of all of it, which then follows it. */
static hf_status write_sum(srv__pack_file *file, git_oid *sum, hf_error *err)
{
    char *bytes = malloc(FLUSH_AT);
    hf__hash *hash = NULL;
    uint64_t at = 0;
    hf_status st = bytes ? hf__hash_new(HF__HASH_SHA1, 0, &hash, err) : hf__fail_nomem(err);

    while (st == HF_OK && at < file->size) {
        size_t got = 0;

        st = hf__os_pread(file->fd, bytes, FLUSH_AT, at, &got, "a pack", err);
        if (st == HF_OK && got == 0)
            st = hf__fail(err, HF_ERR_IO, "a pack became shorter than it was");
        if (st == HF_OK)
            hf__hash_add(hash, bytes, got);
        at += got;
    }
    if (st == HF_OK) {
        hf__hash_end(hash, file->work.sum);
        if (git_oid_fromstr(sum, file->work.sum) != 0)
            st = hf__fail(err, HF_ERR_INTERNAL, "OpenSSL failed to hash");
    }
    if (st == HF_OK)
        st = hf__os_pwrite(file->fd, sum->id, sizeof sum->id, file->size, "a pack", err);
    hf__hash_free(hash);
    free(bytes);
    return st;
}

static hf_status write_index(srv__pack_file *file, const git_oid *sum, hf_error *err)
{
    hf__buf index;
    hf_status st;

    hf__buf_init(&index, SIZE_MAX / 2);
    hf__buf_addf(&file->index_path, "%s.idx", hf__buf_cstr(&file->path));
    st = file->index_path.status == HF_OK ? make(&file->index_path, &file->index_fd, err)
                                          : hf__fail_nomem(err);
    if (st == HF_OK)
        st = srv__pack_index(file->objects, file->n, sum->id, &index, err);
    if (st == HF_OK)
        st = hf__os_pwrite(file->index_fd, index.ptr, index.len, 0, "the index of a pack", err);
    hf__buf_dispose(&index);
    return st;
}

static hf_status to_disk(int *fd, hf_error *err)
{
    hf_status st = HF_OK;

    if (fsync(*fd) != 0 || fchmod(*fd, 0444) != 0)
        st = hf__fail_os(err, errno, "cannot write a pack");
    hf__os_close(fd);
    return st;
}

static void run_seal(void *arg)
{
    srv__pack_file *file = arg;
    hf_error *err = &file->work.err;
    hf_status st = file->work.status;
    git_oid sum;

    if (st == HF_OK)
        st = write_head(file, err);
    if (st == HF_OK)
        st = write_sum(file, &sum, err);
    if (st == HF_OK)
        st = write_index(file, &sum, err);
    if (st == HF_OK)
        st = to_disk(&file->fd, err);
    if (st == HF_OK)
        st = to_disk(&file->index_fd, err);
    file->work.status = st;
}

/* ------------------------------------------------------------------------------ on the caller's thread */

static hf_status settle(srv__pack_file *file, hf_error *err)
{
    hf__strand_wait(file->strand);
    if (file->work.status != HF_OK)
        hf__error_copy(err, &file->work.err);
    return file->work.status;
}

/* Begins to write what is to be written, once the write before it has ended. */
static hf_status flush(srv__pack_file *file, hf_error *err)
{
    hf_status st = settle(file, err);
    hf__buf spare = file->work.bytes;

    if (st == HF_OK && file->out.status != HF_OK)
        st = hf__fail_nomem(err);
    if (st != HF_OK || file->out.len == 0)
        return st;
    file->work.bytes = file->out;
    file->work.at = file->size;
    file->size += file->out.len;
    file->out = spare;
    hf__buf_reset(&file->out);
    hf__strand_add(file->strand, &file->work.write);
    return HF_OK;
}

/* Begins to bring all of it to the disk. */
static hf_status seal(srv__pack_file *file, hf_error *err)
{
    hf_status st = flush(file, err);

    if (st == HF_OK)
        hf__strand_add(file->strand, &file->work.seal);
    return st;
}

bool srv__pack_file_is_full(const srv__pack_file *file)
{
    return file->n == MOST;
}

hf_status srv__pack_file_add(srv__pack_file *file, const git_oid *id, uint32_t crc, hf__str bytes,
                             hf_error *err)
{
    file->objects[file->n++] =
        (srv__packed){ .id = *id, .crc = crc, .offset = file->size + file->out.len };
    hf__buf_add_str(&file->out, bytes);
    if (file->n == MOST)
        return seal(file, err);
    return file->out.len >= FLUSH_AT ? flush(file, err) : HF_OK;
}

static hf_status place(srv__pack_file *file, hf__buf *from, const char *suffix, hf_error *err)
{
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%sobjects/pack/pack-%s.%s", git_repository_path(file->git->repo),
                 file->work.sum, suffix);
    st = path.status == HF_OK ? hf__os_rename(hf__buf_cstr(from), hf__buf_cstr(&path), err)
                              : hf__fail_nomem(err);
    if (st == HF_OK)
        hf__buf_reset(from);
    hf__buf_dispose(&path);
    return st;
}

hf_status srv__pack_file_place(srv__pack_file *file, hf_error *err)
{
    hf_status st = file->n == MOST ? HF_OK : seal(file, err);

    if (st == HF_OK)
        st = settle(file, err);
    /* The pack first: who sees an index looks for it. */
    if (st == HF_OK)
        st = place(file, &file->path, "pack", err);
    return st == HF_OK ? place(file, &file->index_path, "idx", err) : st;
}
