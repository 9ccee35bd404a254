/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's format without its compression. Compressing is half of what the commit of many small files
 * costs, while somebody waits; and what is large in a repo is in LFS, where nothing is compressed
 * either. `git repack -adF` makes it small at any time. libdeflate adds up the checksums several
 * times faster than zlib, where it is there. */
#include "store/private.h"

#include <stdlib.h>

#define LEVEL 0

#ifdef SRV_HAVE_LIBDEFLATE

#include <libdeflate.h>

struct srv__zip {
    struct libdeflate_compressor *fast;
};

hf_status srv__zip_new(srv__zip **out, hf_error *err)
{
    srv__zip *zip = calloc(1, sizeof *zip);

    if (zip)
        zip->fast = libdeflate_alloc_compressor(LEVEL);
    if (!zip || !zip->fast) {
        free(zip);
        return hf__fail_nomem(err);
    }
    *out = zip;
    return HF_OK;
}

void srv__zip_free(srv__zip *zip)
{
    if (!zip)
        return;
    libdeflate_free_compressor(zip->fast);
    free(zip);
}

void srv__zip_add(srv__zip *zip, hf__str bytes, hf__buf *out)
{
    size_t room = libdeflate_zlib_compress_bound(zip->fast, bytes.len);
    char *to = hf__buf_reserve(out, room);

    if (to)
        hf__buf_grew(out, libdeflate_zlib_compress(zip->fast, bytes.len ? bytes.ptr : "", bytes.len,
                                                   to, room));
}

uint32_t srv__zip_crc32(const void *bytes, size_t len)
{
    return libdeflate_crc32(0, bytes, len);
}

#else

#include <zlib.h>

struct srv__zip {
    z_stream stream;
};

hf_status srv__zip_new(srv__zip **out, hf_error *err)
{
    srv__zip *zip = calloc(1, sizeof *zip);

    if (!zip || deflateInit(&zip->stream, LEVEL) != Z_OK) {
        free(zip);
        return hf__fail_nomem(err);
    }
    *out = zip;
    return HF_OK;
}

void srv__zip_free(srv__zip *zip)
{
    if (!zip)
        return;
    (void)deflateEnd(&zip->stream);
    free(zip);
}

void srv__zip_add(srv__zip *zip, hf__str bytes, hf__buf *out)
{
    uLong room = deflateBound(&zip->stream, (uLong)bytes.len);
    char *to = hf__buf_reserve(out, room);

    if (!to)
        return;
    (void)deflateReset(&zip->stream);
    zip->stream.next_in = (Bytef *)(uintptr_t)bytes.ptr;
    zip->stream.avail_in = (uInt)bytes.len;
    zip->stream.next_out = (Bytef *)to;
    zip->stream.avail_out = (uInt)room;
    (void)deflate(&zip->stream, Z_FINISH); /* there is room for all of it */
    hf__buf_grew(out, room - zip->stream.avail_out);
}

uint32_t srv__zip_crc32(const void *bytes, size_t len)
{
    return (uint32_t)crc32_z(0, bytes, len);
}

#endif
