/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields lie one behind the other as "name NUL value NUL" in the order they came: answers have some
 * twenty of them and each is looked up at most a few times, so an index would cost more than it
 * saves.
 */
#include "net/headers.h"

#include "core/limits.h"

#include <stdlib.h>

struct hf__net_headers {
    hf__buf text;
};

hf__net_headers *hf__headers_new(void)
{
    hf__net_headers *headers = calloc(1, sizeof(*headers));

    if (headers)
        hf__buf_init(&headers->text, HF__MAX_HEADER_BYTES);
    return headers;
}

void hf__headers_free(hf__net_headers *headers)
{
    if (!headers)
        return;
    hf__buf_dispose(&headers->text);
    free(headers);
}

void hf__headers_reset(hf__net_headers *headers)
{
    hf__buf_reset(&headers->text);
}

static bool is_token(hf__str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= ' ' || name.ptr[i] == 0x7f)
            return false;
    return name.len > 0;
}

hf_status hf__headers_add_line(hf__net_headers *headers, hf__str line)
{
    hf__buf *text = &headers->text;
    hf__str name;
    hf__str value;

    /* Neither may stand in a field (RFC 9110, 5.5); the end of the line is no part of it. */
    while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
        line.len--;
    if (line.len && (memchr(line.ptr, '\0', line.len) || memchr(line.ptr, '\r', line.len) ||
                     memchr(line.ptr, '\n', line.len)))
        return HF_ERR_PROTOCOL;
    if (line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t')) {
        /* A folded line goes on with the value before it. */
        if (text->len == 0)
            return HF_ERR_PROTOCOL;
        text->len--;
        hf__buf_addc(text, ' ');
        hf__buf_add_str(text, hf__str_trim(line));
        hf__buf_addc(text, '\0');
        return text->status;
    }
    name = hf__str_cut(line, ':', &value);
    if (!value.ptr || !is_token(name))
        return HF_ERR_PROTOCOL;
    hf__buf_add_str(text, name);
    hf__buf_addc(text, '\0');
    hf__buf_add_str(text, hf__str_trim(value));
    hf__buf_addc(text, '\0');
    return text->status;
}

bool hf__headers_next(const hf__net_headers *headers, size_t *pos, const char **name,
                      const char **value)
{
    if (*pos >= headers->text.len)
        return false;
    *name = headers->text.ptr + *pos;
    *value = *name + strlen(*name) + 1;
    *pos = (size_t)(*value - headers->text.ptr) + strlen(*value) + 1;
    return true;
}

const char *hf__net_header_get(const hf__net_headers *headers, const char *name)
{
    hf__str wanted = hf__str_from(name);
    const char *have;
    const char *value;
    size_t pos = 0;

    while (headers && hf__headers_next(headers, &pos, &have, &value))
        if (hf__str_eq_nocase(hf__str_from(have), wanted))
            return value;
    return NULL;
}

/* ---- Link (RFC 8288) */

static hf__str skip_blanks(hf__str text)
{
    while (text.len && (*text.ptr == ' ' || *text.ptr == '\t')) {
        text.ptr++;
        text.len--;
    }
    return text;
}

static hf__str skip(hf__str text, size_t n)
{
    return (hf__str){ text.ptr + n, text.len - n };
}

/* Takes a token or a quoted string from the front of *text. What a backslash escapes stays escaped:
 * no relation has one. */
static hf__str take_value(hf__str *text)
{
    hf__str value = *text;
    size_t n = 0;

    if (text->len && *text->ptr == '"') {
        for (n = 1; n < text->len && text->ptr[n] != '"'; n++)
            if (text->ptr[n] == '\\' && n + 1 < text->len)
                n++;
        value = (hf__str){ text->ptr + 1, (n < text->len ? n : text->len) - 1 };
        *text = skip(*text, n < text->len ? n + 1 : text->len);
        return value;
    }
    while (n < text->len && !strchr(" \t;,", text->ptr[n]))
        n++;
    value.len = n;
    *text = skip(*text, n);
    return value;
}

static bool has_word(hf__str list, hf__str word)
{
    while (list.ptr) {
        hf__str one = hf__str_cut(list, ' ', &list);

        if (one.len && hf__str_eq_nocase(one, word))
            return true;
    }
    return false;
}

/* Reads the parameters of one entry, up to the comma that ends it; tells whether one is rel=rel. */
static bool params_have_rel(hf__str *text, hf__str rel)
{
    bool found = false;

    for (;;) {
        hf__str name;
        size_t n = 0;

        *text = skip_blanks(*text);
        if (text->len == 0 || *text->ptr == ',')
            return found;
        if (*text->ptr != ';') { /* junk: nothing sensible can follow it in this entry */
            (void)take_value(text);
            if (text->len && *text->ptr != ';' && *text->ptr != ',')
                *text = skip(*text, 1);
            continue;
        }
        *text = skip_blanks(skip(*text, 1));
        while (n < text->len && !strchr("=;, \t", text->ptr[n]))
            n++;
        name = (hf__str){ text->ptr, n };
        *text = skip_blanks(skip(*text, n));
        if (text->len && *text->ptr == '=') {
            hf__str value;

            *text = skip_blanks(skip(*text, 1));
            value = take_value(text);
            found = found || (hf__str_eq_nocase(name, HF__STR("rel")) && has_word(value, rel));
        }
    }
}

static bool find_link(hf__str text, hf__str rel, hf__str *url)
{
    while (text.len) {
        const char *end;
        hf__str target;

        if (*text.ptr != '<') {
            text = skip(text, 1);
            continue;
        }
        end = memchr(text.ptr, '>', text.len);
        if (!end)
            return false;
        target = (hf__str){ text.ptr + 1, (size_t)(end - text.ptr) - 1 };
        text = skip(text, target.len + 2);
        if (params_have_rel(&text, rel)) {
            *url = target;
            return true;
        }
    }
    return false;
}

bool hf__net_link_get(const hf__net_headers *headers, const char *rel, hf__buf *out)
{
    hf__str url;
    const char *name;
    const char *value;
    size_t pos = 0;

    while (headers && hf__headers_next(headers, &pos, &name, &value)) {
        if (hf__str_eq_nocase(hf__str_from(name), HF__STR("link")) &&
            find_link(hf__str_from(value), hf__str_from(rel), &url)) {
            hf__buf_add_str(out, url);
            return out->status == HF_OK;
        }
    }
    return false;
}
