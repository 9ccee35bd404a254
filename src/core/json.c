/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include "core/error.h"
#include "core/limits.h"

#include <jansson.h>
#include <string.h>

/* hf__json is json_t under a name of ours; the casts below are the only place that knows. */
static const json_t *in(const hf__json *node)
{
    return (const json_t *)(const void *)node;
}

static const hf__json *out_of(const json_t *node)
{
    return (const hf__json *)(const void *)node;
}

/*
 * Looks over text before a tree is made of it. Jansson recurses to a depth of its own, which the
 * stack of a small thread does not survive; and "[],[],…" makes 100 bytes of tree from 3 of text,
 * so a limit on the text alone limits little. Counts brackets and commas outside of strings: there
 * is one in front of almost every value.
 */
static hf_status check_shape(hf__str text, const char *what, hf_error *err)
{
    size_t depth = 0;
    size_t values = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > HF__MAX_JSON_DEPTH)
                return hf__fail(err, HF_ERR_LIMIT, "the %s is nested deeper than %d levels", what,
                                HF__MAX_JSON_DEPTH);
        } else if (c == ',') {
            values++;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    if (values > HF__MAX_JSON_VALUES)
        return hf__fail(err, HF_ERR_LIMIT, "the %s has more than %zu values", what,
                        HF__MAX_JSON_VALUES);
    return HF_OK;
}

hf_status hf__json_parse(hf__str text, const char *what, hf__json **out, hf_error *err)
{
    json_error_t problem;
    json_t *doc;
    hf_status st;

    if (text.len > HF__MAX_JSON_BYTES)
        return hf__fail(err, HF_ERR_LIMIT, "the %s is larger than %zu bytes", what,
                        HF__MAX_JSON_BYTES);
    st = check_shape(text, what, err);
    if (st != HF_OK)
        return st;
    doc =
        json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (!doc && problem.text[0] == '\0')
        return hf__fail_nomem(err); /* what Jansson has no words for */
    if (!doc)
        return hf__fail(err, HF_ERR_PROTOCOL, "the %s is not valid JSON (line %d: %s)", what,
                        problem.line, problem.text);
    *out = (hf__json *)(void *)doc;
    return HF_OK;
}

void hf__json_free(hf__json *doc)
{
    json_decref((json_t *)(void *)doc);
}

bool hf__json_is_object(const hf__json *node)
{
    return json_is_object(in(node));
}

bool hf__json_is_array(const hf__json *node)
{
    return json_is_array(in(node));
}

bool hf__json_is_string(const hf__json *node)
{
    return json_is_string(in(node));
}

bool hf__json_is_null(const hf__json *node)
{
    return !node || json_is_null(in(node));
}

const hf__json *hf__json_get(const hf__json *object, const char *key)
{
    return out_of(json_object_get(in(object), key));
}

size_t hf__json_len(const hf__json *node)
{
    return json_is_object(in(node)) ? json_object_size(in(node)) : json_array_size(in(node));
}

const hf__json *hf__json_at(const hf__json *array, size_t index)
{
    return out_of(json_array_get(in(array), index));
}

void *hf__json_next(const hf__json *object, void *iter, const char **key, const hf__json **value)
{
    json_t *node = (json_t *)(void *)(uintptr_t)object; /* jansson's iterators take no const */

    iter = iter ? json_object_iter_next(node, iter) : json_object_iter(node);
    if (iter) {
        *key = json_object_iter_key(iter);
        *value = out_of(json_object_iter_value(iter));
    }
    return iter;
}

hf__str hf__json_str(const hf__json *node)
{
    if (!json_is_string(in(node)))
        return (hf__str){ NULL, 0 };
    return (hf__str){ json_string_value(in(node)), json_string_length(in(node)) };
}

const char *hf__json_string(const hf__json *node)
{
    hf__str text = hf__json_str(node);

    return text.ptr && !memchr(text.ptr, '\0', text.len) ? text.ptr : NULL;
}

const char *hf__json_text(const hf__json *object, const char *key)
{
    return hf__json_string(hf__json_get(object, key));
}

bool hf__json_u64(const hf__json *object, const char *key, uint64_t *out)
{
    const json_t *node = in(hf__json_get(object, key));

    if (!json_is_integer(node) || json_integer_value(node) < 0)
        return false;
    *out = (uint64_t)json_integer_value(node);
    return true;
}

bool hf__json_bool(const hf__json *object, const char *key, bool fallback)
{
    const json_t *node = in(hf__json_get(object, key));

    return json_is_boolean(node) ? json_is_true(node) : fallback;
}

bool hf__json_double(const hf__json *object, const char *key, double *out)
{
    const json_t *node = in(hf__json_get(object, key));

    if (!json_is_number(node))
        return false;
    *out = json_number_value(node);
    return true;
}

static int add_piece(const char *text, size_t len, void *out)
{
    hf__buf_add(out, text, len);
    return ((const hf__buf *)out)->status == HF_OK ? 0 : -1;
}

void hf__json_add(hf__buf *out, const hf__json *node)
{
    if (json_dump_callback(in(node), add_piece, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) != 0 &&
        out->status == HF_OK)
        out->status = HF_ERR_NO_MEMORY;
}

/* Adds one character as Python's json.dumps does: ASCII stays, all else is \uXXXX. */
static void add_char(hf__buf *out, uint32_t code)
{
    static const char short_escapes[] = "\b\t\n\f\r";
    static const char short_letters[] = "btnfr";
    const char *at = code && code < 0x20 ? strchr(short_escapes, (int)code) : NULL;

    if (code == '"' || code == '\\')
        hf__buf_addf(out, "\\%c", (int)code);
    else if (at)
        hf__buf_addf(out, "\\%c", short_letters[at - short_escapes]);
    else if (code >= 0x10000)
        hf__buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                     0xdc00 + ((code - 0x10000) & 0x3ff));
    else if (code < 0x20 || code > 0x7e)
        hf__buf_addf(out, "\\u%04x", code);
    else
        hf__buf_addc(out, (char)code);
}

void hf__json_add_string(hf__buf *out, hf__str text)
{
    hf__buf_addc(out, '"');
    while (text.len) {
        uint32_t code = 0;
        size_t len = hf__utf8_next(text, &code);

        add_char(out, len ? code : 0xfffd);
        text.ptr += len ? len : 1;
        text.len -= len ? len : 1;
    }
    hf__buf_addc(out, '"');
}
