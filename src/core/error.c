/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Up to here every version of the structure reaches. */
#define FIRST_SIZE (offsetof(hf_error, message) + sizeof(((hf_error *)0)->message))

/* What may be written of err: a program built with an older header has a shorter one, a newer one a
 * longer one, and one that forgot HF_ERROR_INIT tells nonsense. */
static size_t writable(const hf_error *err)
{
    return err->struct_size >= FIRST_SIZE && err->struct_size < sizeof(*err) ? err->struct_size
                                                                             : sizeof(*err);
}

void hf__error_clear(hf_error *err)
{
    uint32_t told;

    if (!err)
        return;
    told = err->struct_size;
    memset(err, 0, writable(err));
    err->struct_size = told < FIRST_SIZE ? (uint32_t)sizeof(*err) : told;
}

/* Length of the UTF-8 sequence at p, 0 when it is not valid. */
static size_t utf8_len(const unsigned char *p)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((n == 3 && p[0] == 0xe0 && p[1] < 0xa0) || (n == 3 && p[0] == 0xed && p[1] >= 0xa0) ||
        (n == 4 && p[0] == 0xf0 && p[1] < 0x90) || (n == 4 && p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    return n;
}

/* C1 controls, and the marks that reorder text on a terminal. */
static bool is_steering(const unsigned char *p, size_t n)
{
    if (n == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    if (n == 3 && p[0] == 0xe2 && p[1] == 0x80)
        return p[2] >= 0xaa && p[2] <= 0xae;
    if (n == 3 && p[0] == 0xe2 && p[1] == 0x81)
        return p[2] >= 0xa6 && p[2] <= 0xa9;
    return false;
}

void hf__text_defuse(char *text)
{
    unsigned char *p = (unsigned char *)text;

    while (*p) {
        size_t n = utf8_len(p);

        if (n == 0 || (n == 1 && ((*p < 0x20 && *p != '\n') || *p == 0x7f))) {
            *p++ = '?';
        } else {
            if (is_steering(p, n))
                memset(p, '?', n);
            p += n;
        }
    }
}

static void fill(hf_error *err, hf_status status, const char *fmt, va_list args) HF__PRINTF(3, 0);

static void fill(hf_error *err, hf_status status, const char *fmt, va_list args)
{
    hf__error_clear(err);
    err->status = status;
    (void)vsnprintf(err->message, sizeof(err->message), fmt, args);
    hf__text_defuse(err->message);
}

hf_status hf__fail(hf_error *err, hf_status status, const char *fmt, ...)
{
    va_list args;

    if (err) {
        va_start(args, fmt);
        fill(err, status, fmt, args);
        va_end(args);
    }
    return status;
}

static hf_status status_of_errno(int value)
{
    switch (value) {
    case ENOSPC:
    case EDQUOT:
        return HF_ERR_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return HF_ERR_PERMISSION;
    case ENOMEM:
        return HF_ERR_NO_MEMORY;
    default:
        return HF_ERR_IO;
    }
}

hf_status hf__fail_os(hf_error *err, int errno_value, const char *fmt, ...)
{
    hf_status status = status_of_errno(errno_value);
    va_list args;
    size_t len;

    if (err) {
        va_start(args, fmt);
        fill(err, status, fmt, args);
        va_end(args);
        err->os_errno = errno_value;
        len = strlen(err->message);
        (void)snprintf(err->message + len, sizeof(err->message) - len, ": %s",
                       strerror(errno_value));
    }
    return status;
}

hf_status hf__fail_nomem(hf_error *err)
{
    return hf__fail(err, HF_ERR_NO_MEMORY, "out of memory");
}

void hf__error_prefix(hf_error *err, const char *fmt, ...)
{
    char prefix[512];
    va_list args;
    size_t len;

    if (!err)
        return;
    va_start(args, fmt);
    (void)vsnprintf(prefix, sizeof(prefix) - 2, fmt, args);
    va_end(args);
    len = strlen(prefix);
    memcpy(prefix + len, ": ", 3);
    len += 2;
    memmove(err->message + len, err->message, sizeof(err->message) - len);
    err->message[sizeof(err->message) - 1] = '\0';
    memcpy(err->message, prefix, len);
    hf__text_defuse(err->message);
}

void hf__error_copy(hf_error *dst, const hf_error *src)
{
    const size_t skip = sizeof(dst->struct_size);
    size_t size;

    if (!dst || !src || dst == src)
        return;
    hf__error_clear(dst);
    size = writable(dst) < writable(src) ? writable(dst) : writable(src);
    memcpy((char *)dst + skip, (const char *)src + skip, size - skip);
}
