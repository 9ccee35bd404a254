/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include "core/str.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *hf__status_name(hf_status status)
{
    switch (status) {
#define NAME(number, name, text)                                                                   \
    case HF_##name:                                                                                \
        return "HF_" #name;
        HF_STATUS_MAP(NAME)
#undef NAME
    }
    return "HF_ERR_UNKNOWN";
}

const char *hf__status_text(hf_status status)
{
    switch (status) {
#define TEXT(number, name, text)                                                                   \
    case HF_##name:                                                                                \
        return text;
        HF_STATUS_MAP(TEXT)
#undef TEXT
    }
    return "unknown error";
}

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

/* What moves the cursor, or makes text read other than it is. */
static bool is_steering(uint32_t code)
{
    return (code < 0x20 && code != '\n') || (code >= 0x7f && code < 0xa0) ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void hf__text_defuse(char *text)
{
    hf__str rest = hf__str_from(text);
    char *p = text;

    while (rest.len) {
        uint32_t code = 0;
        size_t len = hf__utf8_next(rest, &code);
        size_t step = len ? len : 1;

        if (len == 0 || is_steering(code))
            memset(p, '?', step);
        p += step;
        rest.ptr += step;
        rest.len -= step;
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
    char why[128];
    va_list args;
    size_t len;

    if (err) {
        va_start(args, fmt);
        fill(err, status, fmt, args);
        va_end(args);
        err->os_errno = errno_value;
        len = strlen(err->message);
        if (strerror_r(errno_value, why, sizeof(why)) != 0)
            (void)snprintf(why, sizeof(why), "error %d", errno_value);
        (void)snprintf(err->message + len, sizeof(err->message) - len, ": %s", why);
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

/* A text may have been cut within the secret, so that the first few bytes of it count as all. */
static void blot(char *text, const char *secret)
{
    size_t len = strlen(secret);
    size_t least = len < 8 ? len : 8;

    for (; *text; text++)
        if (strncmp(text, secret, least) == 0)
            for (size_t i = 0; i < len && text[i] && text[i] == secret[i]; i++)
                text[i] = '*';
}

void hf__error_redact(hf_error *err, const char *secret)
{
    if (!err || !secret || !*secret)
        return;
    blot(err->message, secret);
    blot(err->server_code, secret);
    blot(err->request_id, secret);
}
