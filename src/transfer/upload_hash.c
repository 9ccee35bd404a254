/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of files that go up: one file, or two at once where the CPU does that in hardly more than
 * the time of one. */
#include "transfer/upload.h"

#include "core/sha256.h"

#include <stdlib.h>

#define PAIR_BYTES ((size_t)64 * 1024) /* of each of two: both fit the second-level cache */

hf_status hf__up_hash(up_item *item, bool sha256, const hf_cancel *stop,
                      atomic_uint_fast64_t *hashed, hf_error *err)
{
    const size_t room = 128 * 1024; /* half of a second-level cache or less */
    hf__hash *hash = NULL;
    uint8_t *bytes = NULL;
    uint64_t at = 0;
    int fd = -1;
    hf_status st = hf__up_open(item, &fd, err);

    if (st == HF_OK)
        st = hf__hash_new(sha256 ? HF__HASH_SHA256 : HF__HASH_GIT_BLOB, item->size, &hash, err);
    bytes = st == HF_OK ? malloc(room) : NULL;
    if (st == HF_OK && !bytes)
        st = hf__fail_nomem(err);
    while (st == HF_OK && at < item->size) {
        size_t got = 0;

        if (hf__canceled(stop)) {
            st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
            break;
        }
        st = hf__up_read(item, fd, at, bytes, room, &got, err);
        if (st != HF_OK)
            break;
        hf__hash_add(hash, bytes, got);
        at += got;
        if (hashed)
            atomic_fetch_add(hashed, got);
    }
    if (st == HF_OK)
        st = hf__up_check(item, fd, err);
    if (st == HF_OK) {
        hf__hash_end(hash, item->hash);
        item->lfs_hash = sha256;
        if (!item->hash[0])
            st = hf__fail(err, HF_ERR_INTERNAL, "the hash of '%.300s' could not be computed",
                          item->local ? item->local : item->path);
    }
    hf__hash_free(hash);
    free(bytes);
    hf__up_close(item, &fd);
    return st;
}

/* ---- two at once */

typedef struct reading {
    up_item *item;
    int fd;
    uint64_t at;
    uint8_t *bytes;
    size_t n; /* of them that are there */
    hf__sha256 hash;
} reading;

static hf_status fill(reading *r, hf_error *err)
{
    hf_status st = HF_OK;

    r->n = 0;
    while (st == HF_OK && r->n < PAIR_BYTES && r->at < r->item->size) {
        size_t got = 0;

        st = hf__up_read(r->item, r->fd, r->at, r->bytes + r->n, PAIR_BYTES - r->n, &got, err);
        r->n += got;
        r->at += got;
    }
    return st;
}

static void add_both(reading *a, reading *b)
{
    size_t n = a->n < b->n ? a->n : b->n;

    hf__sha256_add_two(&a->hash, a->bytes, &b->hash, b->bytes, n);
    hf__sha256_add(&a->hash, a->bytes + n, a->n - n);
    hf__sha256_add(&b->hash, b->bytes + n, b->n - n);
}

static hf_status reading_open(reading *r, up_item *item, hf_error *err)
{
    *r = (reading){ .item = item, .fd = -1 };
    hf__sha256_init(&r->hash);
    return hf__up_open(item, &r->fd, err);
}

static hf_status reading_end(reading *r, hf_error *err)
{
    hf_status st = hf__up_check(r->item, r->fd, err);

    if (st == HF_OK) {
        hf__sha256_end(&r->hash, r->item->hash);
        r->item->lfs_hash = true;
    }
    return st;
}

hf_status hf__up_hash_two(up_item *a, up_item *b, const hf_cancel *stop,
                          atomic_uint_fast64_t *hashed, hf_error *err)
{
    uint8_t *bytes = malloc(2 * PAIR_BYTES);
    reading x = { .fd = -1 };
    reading y = { .fd = -1 };
    hf_status st = bytes ? reading_open(&x, a, err) : hf__fail_nomem(err);

    if (st == HF_OK)
        st = reading_open(&y, b, err);
    x.bytes = bytes;
    y.bytes = bytes ? bytes + PAIR_BYTES : NULL;
    while (st == HF_OK && (x.at < a->size || y.at < b->size)) {
        if (hf__canceled(stop)) {
            st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
            break;
        }
        st = fill(&x, err);
        if (st == HF_OK)
            st = fill(&y, err);
        if (st != HF_OK)
            break;
        add_both(&x, &y);
        atomic_fetch_add(hashed, x.n + y.n);
    }
    if (st == HF_OK)
        st = reading_end(&x, err);
    if (st == HF_OK)
        st = reading_end(&y, err);
    hf__up_close(a, &x.fd);
    hf__up_close(b, &y.fd);
    free(bytes);
    return st;
}
