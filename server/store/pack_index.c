/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a pack, version 2 of git's "pack-format": ids in their order, what each object's
 * bytes add up to, and where they are. */
#include "store/private.h"

#include "core/hash.h"

#include <stdlib.h>
#include <string.h>

#define LARGE 0x80000000u /* of an offset: it is the number of one of 64 bits */

static void add_u32(hf__buf *out, uint32_t value)
{
    char bytes[4] = { (char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value };

    hf__buf_add(out, bytes, sizeof bytes);
}

static int by_id(const void *a, const void *b)
{
    const srv__packed *x = a;
    const srv__packed *y = b;

    return git_oid_cmp(&x->id, &y->id);
}

static void add_fanout(hf__buf *out, const srv__packed *objects, size_t n)
{
    size_t at = 0;

    for (unsigned first = 0; first < 256; first++) {
        while (at < n && objects[at].id.id[0] <= first)
            at++;
        add_u32(out, (uint32_t)at);
    }
}

static void add_offsets(hf__buf *out, const srv__packed *objects, size_t n)
{
    uint32_t n_large = 0;

    for (size_t i = 0; i < n; i++)
        add_u32(out, objects[i].offset < LARGE ? (uint32_t)objects[i].offset : (LARGE | n_large++));
    for (size_t i = 0; i < n; i++)
        if (objects[i].offset >= LARGE) {
            add_u32(out, (uint32_t)(objects[i].offset >> 32));
            add_u32(out, (uint32_t)objects[i].offset);
        }
}

hf_status srv__pack_index(srv__packed *objects, size_t n, const uint8_t pack_sha1[20], hf__buf *out,
                          hf_error *err)
{
    uint8_t sum[32];
    size_t len = 0;
    hf_status st;

    qsort(objects, n, sizeof *objects, by_id);
    hf__buf_add(out, "\377tOc\0\0\0\2", 8);
    add_fanout(out, objects, n);
    for (size_t i = 0; i < n; i++)
        hf__buf_add(out, objects[i].id.id, sizeof objects[i].id.id);
    for (size_t i = 0; i < n; i++)
        add_u32(out, objects[i].crc);
    add_offsets(out, objects, n);
    hf__buf_add(out, pack_sha1, 20);
    if (out->status != HF_OK)
        return hf__fail_nomem(err);
    st = hf__hash_raw(HF__HASH_SHA1, out->ptr, out->len, sum, &len, err);
    if (st == HF_OK)
        hf__buf_add(out, sum, 20);
    return st == HF_OK && out->status != HF_OK ? hf__fail_nomem(err) : st;
}
