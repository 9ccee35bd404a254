/* SPDX-License-Identifier: Apache-2.0 */
/* Long strings taken out of a JSON text before it is parsed: the parser looks at each byte several
 * times and copies it twice, which for some strings is most of the work of a request. */
#include "routes/routes.h"

#include <string.h>

/* Where the string ends whose first byte is at `at`; text.len when it does not. */
static size_t string_end(hf__str text, size_t at, bool *escaped)
{
    *escaped = false;
    while (at < text.len) {
        const char *from = text.ptr + at;
        const char *quote = memchr(from, '"', text.len - at);
        const char *slash = quote ? memchr(from, '\\', (size_t)(quote - from)) : NULL;

        if (!quote)
            break;
        if (!slash)
            return (size_t)(quote - text.ptr);
        *escaped = true;
        at = (size_t)(slash - text.ptr) + 2;
    }
    return text.len;
}

static size_t skip_blanks(hf__str text, size_t at)
{
    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
        at++;
    return at;
}

/* The first byte of the string that stands behind a colon; text.len when there is none. */
static size_t value_start(hf__str text, size_t at)
{
    at = skip_blanks(text, at);
    if (at == text.len || text.ptr[at] != ':')
        return text.len;
    at = skip_blanks(text, at + 1);
    return at < text.len && text.ptr[at] == '"' ? at + 1 : text.len;
}

void srv_lift(hf__str text, hf__str key, hf__buf *out)
{
    size_t kept = 0;
    size_t at = 0;

    while (at < text.len) {
        const char *quote = memchr(text.ptr + at, '"', text.len - at);
        size_t start, end;
        bool escaped;

        if (!quote)
            break;
        start = (size_t)(quote - text.ptr) + 1;
        end = string_end(text, start, &escaped);
        at = end + 1;
        if (end == text.len || escaped ||
            !hf__str_eq((hf__str){ text.ptr + start, end - start }, key))
            continue;
        start = value_start(text, at);
        end = string_end(text, start, &escaped);
        if (end == text.len)
            continue;
        at = end + 1;
        if (escaped)
            continue;
        hf__buf_add(out, text.ptr + kept, start - kept);
        hf__buf_addf(out, "#%zu,%zu", start, end - start);
        kept = end;
    }
    hf__buf_add(out, text.ptr + kept, text.len - kept);
}

hf__str srv_lifted(hf__str text, const char *value)
{
    hf__str said = hf__str_from(value);
    uint64_t at, len;
    hf__str rest;

    if (said.len == 0 || said.ptr[0] != '#')
        return said;
    said.ptr++;
    said.len--;
    if (!hf__str_to_u64(hf__str_cut(said, ',', &rest), &at) || !rest.ptr ||
        !hf__str_to_u64(rest, &len) || at > text.len || len > text.len - at)
        return (hf__str){ "", 0 };
    return (hf__str){ text.ptr + at, (size_t)len };
}
