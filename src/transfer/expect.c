/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes that the caller demands, whatever the Hub says. Before a byte is asked for the Hub's own
 * word is compared, where it is a hash of the same kind; else the content is hashed afterwards, as is
 * what was here already, since nobody did in this call.
 */
#include "transfer/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 * 1024)

static int by_path(const void *a, const void *b)
{
    return strcmp((*(const hf_expected *const *)a)->path, (*(const hf_expected *const *)b)->path);
}

static hf_status check_list(const hf_expected *list, size_t n, hf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        hf__str hash = hf__str_from(list[i].hash);

        if (!list[i].path || (!hf__str_is_hex(hash, 64) && !hf__str_is_hex(hash, 40)))
            return hf__fail(err, HF_ERR_INVALID_ARG,
                            "the hash demanded of '%.200s' is neither 64 nor 40 hex digits",
                            list[i].path ? list[i].path : "(none)");
    }
    return HF_OK;
}

hf_status hf__expect_plan(run *r, const hf_expected *list, size_t n, hf_error *err)
{
    const hf_expected **sorted;
    hf_status st = check_list(list, n, err);

    if (st != HF_OK)
        return st;
    sorted = hf__arena_array(r->arena, n + 1, sizeof(const hf_expected *));
    if (!sorted)
        return hf__fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &list[i];
    qsort(sorted, n, sizeof(const hf_expected *), by_path);
    for (size_t i = 0; i < r->n_ops && st == HF_OK; i++) {
        op *o = &r->ops[i];
        hf_expected wanted = { o->file->repo_path, NULL };
        const hf_expected *key = &wanted;
        const hf_expected **found =
            n ? bsearch(&key, sorted, n, sizeof(const hf_expected *), by_path) : NULL;

        if (!found)
            return hf__fail(
                err, HF_ERR_CHANGED,
                "'%.200s' is in the repo, but not among the files whose hash is demanded",
                o->file->repo_path);
        o->expected = (*found)->hash;
        st = hf__expect_etag(o->file, o->expected, err);
    }
    return st;
}

hf_status hf__expect_etag(const hf_file *file, const char *expected, hf_error *err)
{
    if (!expected || !file->etag || strlen(file->etag) != strlen(expected) ||
        strcmp(file->etag, expected) == 0)
        return HF_OK;
    return hf__fail(err, HF_ERR_CORRUPT,
                    "'%.200s' should have hash %s, but the Hub has it with %s; nothing was fetched",
                    file->repo_path, expected, file->etag);
}

static hf_status hash_file(const char *path, hf__hash_kind kind, char out[HF__HASH_HEX_MAX + 1],
                           const hf_cancel *cancel, hf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *room = malloc(READ_BYTES);
    hf__hash *hash = NULL;
    uint64_t at = 0;
    size_t got = 1;
    hf_status st = HF_OK;
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

    if (fd < 0 || size < 0)
        st = hf__fail_os(err, errno, "cannot read '%s'", path);
    else if (!room)
        st = hf__fail_nomem(err);
    if (st == HF_OK)
        st = hf__hash_new(kind, (uint64_t)size, &hash, err);
    while (st == HF_OK && got) {
        st = hf__canceled(cancel) ? hf__fail(err, HF_ERR_CANCELED, "cancelled")
                                  : hf__os_pread(fd, room, READ_BYTES, at, &got, path, err);
        if (st == HF_OK)
            hf__hash_add(hash, room, got);
        at += got;
    }
    if (st == HF_OK)
        hf__hash_end(hash, out);
    hf__hash_free(hash);
    free(room);
    hf__os_close(&fd);
    return st;
}

hf_status hf__expect_content(run *r, hf_error *err)
{
    for (size_t i = 0; i < r->n_ops; i++) {
        op *o = &r->ops[i];
        char hash[HF__HASH_HEX_MAX + 1];
        hf_status st;

        bool told = o->expected && o->file->etag && strcmp(o->file->etag, o->expected) == 0;

        if (!o->expected || (told && o->file->verified))
            continue;
        st = hash_file(o->file->path,
                       strlen(o->expected) == 64 ? HF__HASH_SHA256 : HF__HASH_GIT_BLOB, hash,
                       r->cancel, err);
        if (st != HF_OK)
            return st;
        if (strcmp(hash, o->expected) != 0)
            return hf__fail(err, HF_ERR_CORRUPT, "'%s' has hash %s instead of %s; %s",
                            o->file->path, hash, o->expected,
                            told ? "force the download to replace it"
                                 : "it is not the file that was meant");
        o->file->verified = 1;
    }
    return HF_OK;
}
