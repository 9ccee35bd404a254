/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buf.h"

#include "core/ckd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDF_BYTES ((size_t)127) /* with its NUL a block of the allocator */

void hf__buf_init(hf__buf *buf, size_t max_bytes)
{
    *buf = (hf__buf){ .max = max_bytes };
}

void hf__buf_dispose(hf__buf *buf)
{
    free(buf->ptr);
    *buf = (hf__buf){ .max = buf->max };
}

void hf__buf_reset(hf__buf *buf)
{
    buf->len = 0;
    buf->status = HF_OK;
    if (buf->ptr)
        buf->ptr[0] = '\0';
}

char *hf__buf_reserve(hf__buf *buf, size_t len)
{
    size_t need;
    size_t cap;
    char *ptr;

    if (buf->status != HF_OK)
        return NULL;
    if (hf__ckd_add(&need, buf->len, len) || need > buf->max || hf__ckd_add(&need, need, 1)) {
        buf->status = HF_ERR_LIMIT;
        return NULL;
    }
    if (need > buf->cap) {
        cap = buf->cap < 64 ? 64 : buf->cap;
        while (cap < need && cap < SIZE_MAX / 2)
            cap *= 2;
        cap = cap < need ? need : cap;
        ptr = realloc(buf->ptr, cap);
        if (!ptr) {
            buf->status = HF_ERR_NO_MEMORY;
            return NULL;
        }
        buf->ptr = ptr;
        buf->cap = cap;
    }
    return buf->ptr + buf->len;
}

void hf__buf_grew(hf__buf *buf, size_t len)
{
    HF__ASSERT(buf->len + len < buf->cap);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void hf__buf_add(hf__buf *buf, const void *bytes, size_t len)
{
    char *place = hf__buf_reserve(buf, len);

    if (!place)
        return;
    if (len)
        memcpy(place, bytes, len);
    hf__buf_grew(buf, len);
}

void hf__buf_adds(hf__buf *buf, const char *text)
{
    hf__buf_add(buf, text, strlen(text));
}

void hf__buf_add_str(hf__buf *buf, hf__str text)
{
    hf__buf_add(buf, text.ptr, text.len);
}

void hf__buf_addc(hf__buf *buf, char byte)
{
    hf__buf_add(buf, &byte, 1);
}

/* Most texts fit where there is room already, and are printed once. */
void hf__buf_addf(hf__buf *buf, const char *fmt, ...)
{
    size_t room = buf->max - buf->len < ADDF_BYTES ? buf->max - buf->len : ADDF_BYTES;
    char *place = hf__buf_reserve(buf, room);
    va_list args;
    int len;

    if (!place)
        return;
    va_start(args, fmt);
    len = vsnprintf(place, room + 1, fmt, args);
    va_end(args);
    if (len >= 0 && (size_t)len > room) {
        *place = '\0';
        place = hf__buf_reserve(buf, (size_t)len);
        if (!place)
            return;
        va_start(args, fmt);
        (void)vsnprintf(place, (size_t)len + 1, fmt, args);
        va_end(args);
    }
    if (len < 0)
        buf->status = HF_ERR_LIMIT;
    else
        hf__buf_grew(buf, (size_t)len);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '~';
}

void hf__buf_add_quoted(hf__buf *buf, hf__str text, hf__quote set)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (is_unreserved(text.ptr[i]) || (set == HF__QUOTE_PATH && c == '/')) {
            hf__buf_addc(buf, text.ptr[i]);
        } else {
            char escape[3] = { '%', digits[c >> 4], digits[c & 15] };

            hf__buf_add(buf, escape, 3);
        }
    }
}

void hf__buf_add_hex(hf__buf *buf, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        hf__buf_addc(buf, digits[bytes[i] >> 4]);
        hf__buf_addc(buf, digits[bytes[i] & 15]);
    }
}

const char *hf__buf_cstr(const hf__buf *buf)
{
    return buf->ptr ? buf->ptr : "";
}

hf__str hf__buf_str(const hf__buf *buf)
{
    return (hf__str){ hf__buf_cstr(buf), buf->len };
}

char *hf__buf_take(hf__buf *buf)
{
    char *out;

    hf__buf_add(buf, "", 0); /* so that an empty text is a string too */
    if (buf->status != HF_OK)
        return NULL;
    out = buf->ptr;
    *buf = (hf__buf){ .max = buf->max };
    return out;
}
