/* SPDX-License-Identifier: Apache-2.0 */
/* A large body on its way to a file. Receiving and writing it take about as long as its hash, so
 * the thread that has the connection does these two, block by block, while another one hashes. */
#define _GNU_SOURCE /* sync_file_range */
#include "store/private.h"

#include "core/os.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_BYTES ((uint64_t)8 * 1024 * 1024)

struct srv__spool {
    int fd;
    const char *path;
    srv__stream *stream;
    uint64_t written, flushed;
    size_t filled; /* bytes in the stream's block */
};

hf_status srv__spool_new(srv_store *store, int fd, const char *path, srv__spool **out,
                         hf_error *err)
{
    srv__spool *s = calloc(1, sizeof *s);
    hf_status st;

    if (!s)
        return hf__fail_nomem(err);
    s->fd = fd;
    s->path = path;
    st = srv__stream_new(store->hasher, &s->stream, err);
    if (st != HF_OK) {
        free(s);
        return st;
    }
    *out = s;
    return HF_OK;
}

static hf_status write_block(srv__spool *s, const uint8_t *block, hf_error *err)
{
    hf_status st = hf__os_pwrite(s->fd, block, s->filled, s->written, s->path, err);

    s->written += s->filled;
    s->filled = 0;
    /* Begins while more comes what the fsync at the end would wait for. */
    if (st == HF_OK && s->written - s->flushed >= FLUSH_BYTES) {
        (void)sync_file_range(s->fd, (off_t)s->flushed, (off_t)(s->written - s->flushed),
                              SYNC_FILE_RANGE_WRITE);
        s->flushed = s->written;
    }
    return st;
}

hf_status srv__spool_add(srv__spool *s, const void *bytes, size_t len, hf_error *err)
{
    const uint8_t *from = bytes;
    hf_status st = HF_OK;

    while (st == HF_OK && len > 0) {
        size_t n = SRV__BLOCK_BYTES - s->filled < len ? SRV__BLOCK_BYTES - s->filled : len;

        memcpy(srv__stream_block(s->stream) + s->filled, from, n);
        s->filled += n;
        from += n;
        len -= n;
        if (s->filled ==
            SRV__BLOCK_BYTES) /* the block stays as it is until the ring comes around */
            st = write_block(s, srv__stream_put(s->stream), err);
    }
    return st;
}

hf_status srv__spool_end(srv__spool *s, char out[HF__HASH_HEX_MAX + 1], hf_error *err)
{
    const uint8_t *last = srv__stream_block(s->stream);
    size_t len = s->filled;
    hf_status st = write_block(s, last, err);

    srv__stream_end(s->stream, len, out);
    if (st == HF_OK && out[0] == '\0')
        return hf__fail(err, HF_ERR_INTERNAL, "OpenSSL failed to hash");
    return st;
}

void srv__spool_free(srv__spool *s)
{
    if (!s)
        return;
    srv__stream_free(s->stream);
    free(s);
}
