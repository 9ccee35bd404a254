/* SPDX-License-Identifier: Apache-2.0 */
#include "routes/ndjson.h"

#include "core/error.h"

#include <stdlib.h>

#define MAX_LINE ((size_t)1024 * 1024) /* without the content */
#define KEEP     ((size_t)256 * 1024)  /* a larger buffer is given back after its line */
#define MAX_KEY  16                    /* of which only "content" matters */

struct srv_ndjson {
    srv_line_fn *fn;
    void *user;
    hf__buf line;
    hf__buf content;
    size_t max_content;
    uint64_t n_lines;
    /* Where we are in the line. */
    unsigned depth;
    bool in_string, escaped, after_colon, in_content, has_content;
    char key[MAX_KEY]; /* the last string that stood before a colon, or began like one */
    size_t key_len;
};

srv_ndjson *srv_ndjson_new(size_t max_content, srv_line_fn *fn, void *user)
{
    srv_ndjson *nd = calloc(1, sizeof *nd);

    if (!nd)
        return NULL;
    nd->fn = fn;
    nd->user = user;
    nd->max_content = max_content;
    hf__buf_init(&nd->line, MAX_LINE);
    hf__buf_init(&nd->content, max_content);
    return nd;
}

void srv_ndjson_free(srv_ndjson *nd)
{
    if (!nd)
        return;
    hf__buf_dispose(&nd->line);
    hf__buf_dispose(&nd->content);
    free(nd);
}

static void start_line(srv_ndjson *nd)
{
    hf__buf_reset(&nd->line);
    hf__buf_reset(&nd->content);
    if (nd->content.cap > KEEP) {
        hf__buf_dispose(&nd->content);
        hf__buf_init(&nd->content, nd->max_content);
    }
    nd->depth = 0;
    nd->in_string = nd->escaped = nd->after_colon = nd->in_content = nd->has_content = false;
    nd->key_len = 0;
}

static hf_status end_line(srv_ndjson *nd, hf_error *err)
{
    hf__str text = hf__str_trim(hf__buf_str(&nd->line));
    hf__str raw = { NULL, 0 };
    hf__json *doc = NULL;
    hf_status st = HF_OK;

    nd->n_lines++;
    if (nd->line.status != HF_OK)
        st = hf__fail(err, nd->line.status, "line %llu is too long",
                      (unsigned long long)nd->n_lines);
    else if (nd->content.status != HF_OK)
        st = hf__fail(err, nd->content.status, "the content in line %llu is too large",
                      (unsigned long long)nd->n_lines);
    else if (text.len > 0)
        st = hf__json_parse(text, "commit", &doc, err);
    if (st == HF_ERR_PROTOCOL)
        hf__error_prefix(err, "line %llu", (unsigned long long)nd->n_lines);
    if (st == HF_OK && doc) {
        if (nd->has_content)
            raw = (hf__str){ hf__buf_cstr(&nd->content), nd->content.len };
        st = nd->fn(nd->user, doc, raw, err);
    }
    hf__json_free(doc);
    start_line(nd);
    return st;
}

static bool key_is_content(const srv_ndjson *nd)
{
    return hf__str_eq((hf__str){ nd->key, nd->key_len }, HF__STR("content"));
}

/* A byte outside of the content's string. */
static void take_byte(srv_ndjson *nd, char c)
{
    hf__buf_addc(&nd->line, c);
    if (nd->in_string) {
        if (nd->escaped) {
            nd->escaped = false;
        } else if (c == '\\') {
            nd->escaped = true;
        } else if (c == '"') {
            nd->in_string = false;
            return;
        }
        if (nd->key_len < MAX_KEY)
            nd->key[nd->key_len++] = c;
        return;
    }
    switch (c) {
    case '"':
        if (nd->after_colon && nd->depth == 2 && key_is_content(nd) && !nd->has_content) {
            nd->in_content = nd->has_content = true;
        } else {
            nd->in_string = true;
            nd->key_len = 0;
        }
        nd->after_colon = false;
        break;
    case ':':
        nd->after_colon = true;
        break;
    case ' ':
    case '\t':
    case '\r':
        break;
    default:
        nd->after_colon = false;
        if (c == '{' || c == '[')
            nd->depth++;
        else if ((c == '}' || c == ']') && nd->depth > 0)
            nd->depth--;
    }
}

static size_t distance(const char *bytes, size_t len, char c)
{
    const char *at = memchr(bytes, c, len);

    return at ? (size_t)(at - bytes) : len;
}

/* Bytes of the content's string; how many were taken. */
static size_t take_content(srv_ndjson *nd, const char *bytes, size_t len)
{
    size_t n;

    if (nd->escaped) {
        nd->escaped = false;
        hf__buf_addc(&nd->content, bytes[0]);
        return 1;
    }
    n = distance(bytes, len, '"');
    n = distance(bytes, n, '\\');
    n = distance(bytes, n, '\n');
    hf__buf_add(&nd->content, bytes, n);
    if (n == len || bytes[n] == '\n')
        return n;
    if (bytes[n] == '\\') {
        nd->escaped = true;
        hf__buf_addc(&nd->content, '\\');
    } else {
        nd->in_content = false;
        hf__buf_addc(&nd->line, '"');
    }
    return n + 1;
}

hf_status srv_ndjson_feed(srv_ndjson *nd, const char *bytes, size_t len, hf_error *err)
{
    hf_status st = HF_OK;

    hf__error_clear(err);
    while (st == HF_OK && len > 0) {
        size_t n = 1;

        if (bytes[0] == '\n')
            st = end_line(nd, err);
        else if (nd->in_content)
            n = take_content(nd, bytes, len);
        else
            take_byte(nd, bytes[0]);
        bytes += n;
        len -= n;
        /* Not at the line's end only: nobody has to send the rest of what is too long. */
        if (st == HF_OK && (nd->line.status != HF_OK || nd->content.status != HF_OK))
            st = end_line(nd, err);
    }
    return st;
}

hf_status srv_ndjson_end(srv_ndjson *nd, hf_error *err)
{
    hf__error_clear(err);
    return nd->line.len > 0 ? end_line(nd, err) : HF_OK;
}
