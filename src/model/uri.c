/* SPDX-License-Identifier: Apache-2.0 */
/* hf:// URIs and the addresses of web pages (hub-http.md 1.5). */
#include "model/model.h"

#include "core/error.h"

#include <stdio.h>

static hf_status bad(hf_error *err, const char *text, const char *reason)
{
    return hf__fail(err, HF_ERR_INVALID_ARG, "invalid HF URI '%.300s': %s", text, reason);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Percent-decodes text onto out; an escape of '/' stays one with keep_slash. */
static void decode(hf__buf *out, hf__str text, bool keep_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1]) >= 0 &&
            hex_value(text.ptr[i + 2]) >= 0) {
            c = (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2]));
            i += 2;
        }
        if (c == '/' && keep_slash)
            hf__buf_adds(out, "%2F");
        else
            hf__buf_addc(out, c);
    }
}

static bool is_text(hf__str text)
{
    uint32_t code;

    while (text.len) {
        size_t len = hf__utf8_next(text, &code);

        if (len == 0 || code == 0)
            return false;
        text.ptr += len;
        text.len -= len;
    }
    return true;
}

static hf_status set_revision(hf__uri *out, const char *text, hf__str revision, hf_error *err)
{
    hf__buf decoded;
    hf_status st = HF_OK;

    hf__buf_init(&decoded, sizeof(out->revision) - 1);
    decode(&decoded, revision, false);
    if (decoded.status == HF_ERR_NO_MEMORY)
        st = hf__fail_nomem(err);
    else if (decoded.status != HF_OK)
        st = bad(err, text, "the revision is too long");
    else if (decoded.len == 0)
        st = bad(err, text, "the revision after '@' is empty");
    else if (!is_text(hf__buf_str(&decoded)))
        st = bad(err, text, "the revision holds bytes that are no text");
    else
        memcpy(out->revision, decoded.ptr, decoded.len);
    hf__buf_dispose(&decoded);
    return st;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || (unsigned char)c >= 0x80;
}

/* Length of the revision at the start of text: up to '/', except that "refs/pr/NUMBER" and
 * "refs/convert/WORD" are taken whole. */
static size_t revision_len(hf__str text)
{
    static const hf__str pr = { "refs/pr/", 8 };
    static const hf__str convert = { "refs/convert/", 13 };
    const char *slash = memchr(text.ptr, '/', text.len);
    size_t start = hf__str_starts(text, pr)        ? pr.len
                   : hf__str_starts(text, convert) ? convert.len
                                                   : 0;
    size_t len = start;

    if (start == pr.len)
        while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
            len++;
    else if (start)
        while (len < text.len && is_word_char(text.ptr[len]))
            len++;
    if (len > start)
        return len;
    return slash ? (size_t)(slash - text.ptr) : text.len;
}

/* "name[@revision][/path]" after the namespace. */
static hf_status parse_tail(hf__uri *out, const char *text, hf__str ns, hf__str tail, hf_error *err)
{
    size_t name_len = 0;
    hf_status st;

    while (name_len < tail.len && tail.ptr[name_len] != '/' && tail.ptr[name_len] != '@')
        name_len++;
    if (ns.len + name_len + 2 > sizeof(out->id))
        return bad(err, text, "the repo id is too long");
    (void)snprintf(out->id, sizeof(out->id), "%.*s/%.*s", (int)ns.len, ns.ptr, (int)name_len,
                   tail.ptr);
    st = hf__repo_id_check(out->id, err);
    if (st != HF_OK)
        return st;
    tail.ptr += name_len;
    tail.len -= name_len;
    if (tail.len && tail.ptr[0] == '@') {
        hf__str revision = { tail.ptr + 1, 0 };

        if (out->is_bucket)
            return bad(err, text, "a bucket has no revision");
        revision.len = revision_len((hf__str){ tail.ptr + 1, tail.len - 1 });
        st = set_revision(out, text, revision, err);
        if (st != HF_OK)
            return st;
        tail.ptr += 1 + revision.len;
        tail.len -= 1 + revision.len;
    }
    if (tail.len && tail.ptr[0] == '/') {
        tail.ptr++;
        tail.len--;
    } else if (tail.len) {
        return bad(err, text, "a '/' must follow the revision");
    }
    if (tail.len >= sizeof(out->path))
        return bad(err, text, "the path is too long");
    for (size_t i = 0; i < tail.len; i++)
        if (tail.ptr[i] == '/' && (i == 0 || tail.ptr[i - 1] == '/'))
            return bad(err, text, "it has an empty component ('//')");
    if (memchr(tail.ptr, '\0', tail.len))
        return bad(err, text, "the path holds a NUL");
    if (tail.len)
        memcpy(out->path, tail.ptr, tail.len);
    return HF_OK;
}

static hf__str skip_slashes(hf__str text)
{
    while (text.len && text.ptr[0] == '/') {
        text.ptr++;
        text.len--;
    }
    return text;
}

static hf_status parse_hf(hf__uri *out, const char *text, hf__str rest, hf_error *err)
{
    hf__str first;
    hf__str after;

    first = hf__str_cut(rest, '/', &after);
    if (hf__str_eq(first, HF__STR("buckets"))) {
        out->is_bucket = true;
        rest = after;
    } else if (hf__str_ends(first, HF__STR("s")) && hf__repo_type_parse(first, &out->type)) {
        rest = after;
    } else if (hf__repo_type_parse(first, &out->type) || hf__str_eq(first, HF__STR("bucket"))) {
        return bad(err, text,
                   "types are written in the plural: models, datasets, spaces, kernels, buckets");
    }
    first = hf__str_cut(skip_slashes(rest), '/', &after);
    if (first.len == 0 || !after.ptr || after.len == 0 || after.ptr[0] == '/')
        return bad(err, text, "it must name 'namespace/name'");
    return parse_tail(out, text, first, after, err);
}

/* Next component that is not empty; ptr NULL at the end. */
static hf__str next_segment(hf__str *rest)
{
    hf__str segment = { NULL, 0 };

    *rest = skip_slashes(*rest);
    if (rest->len)
        segment = hf__str_cut(*rest, '/', rest);
    return segment;
}

static bool is_action(hf__str word, bool is_bucket)
{
    static const char *const actions[] = { "resolve", "tree", "blob", "blame", "raw" };

    for (size_t i = 0; i < (is_bucket ? 2 : HF__COUNT(actions)); i++)
        if (hf__str_eq(word, hf__str_from(actions[i])))
            return true;
    return false;
}

/* "/[datasets/]ns/name[/resolve/rev/path]" of a web address, query and fragment already gone. It is
 * brought into the form that follows "hf://". */
static hf_status parse_web(hf__uri *out, const char *text, hf__str rest, hf_error *err)
{
    hf__str ns = next_segment(&rest);
    hf__str segment;
    hf__buf body;
    bool first = true;
    hf_status st;

    out->is_bucket = hf__str_eq(ns, HF__STR("buckets"));
    if (out->is_bucket || (hf__str_ends(ns, HF__STR("s")) && hf__repo_type_parse(ns, &out->type)))
        ns = next_segment(&rest);
    segment = next_segment(&rest);
    if (!segment.len)
        return bad(err, text, "it must name 'namespace/name'");
    hf__buf_init(&body, 16384);
    hf__buf_add_str(&body, segment);
    segment = next_segment(&rest);
    if (segment.len && !is_action(segment, out->is_bucket)) {
        hf__buf_dispose(&body);
        return bad(err, text, "it is not the address of a repo or a file in one");
    }
    while ((segment = next_segment(&rest)).len) {
        hf__buf_addc(&body, first && !out->is_bucket ? '@' : '/');
        decode(&body, segment, true);
        first = false;
    }
    if (body.status == HF_ERR_NO_MEMORY)
        st = hf__fail_nomem(err);
    else if (body.status != HF_OK)
        st = bad(err, text, "it is too long");
    else
        st = parse_tail(out, text, ns, hf__buf_str(&body), err);
    hf__buf_dispose(&body);
    return st;
}

/* The part of a web address after its host; ptr NULL when the host is not the Hub's. A scheme may
 * be left out. */
static hf__str path_on_hub(hf__str whole)
{
    static const char *const schemes[] = { "https://", "http://" };
    static const char *const hosts[] = { "huggingface.co", "hf.co", "hub-ci.huggingface.co" };
    hf__str rest = whole;
    hf__str host;

    for (size_t i = 0; i < HF__COUNT(schemes); i++) {
        size_t len = strlen(schemes[i]);

        if (whole.len > len &&
            hf__str_eq_nocase((hf__str){ whole.ptr, len }, hf__str_from(schemes[i])))
            rest = (hf__str){ whole.ptr + len, whole.len - len };
    }
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] == '?' || rest.ptr[i] == '#')
            rest.len = i;
    host = hf__str_cut(rest, '/', &rest);
    if (!rest.ptr)
        rest = (hf__str){ "", 0 };
    for (size_t i = 0; i < HF__COUNT(hosts); i++)
        if (hf__str_eq_nocase(host, hf__str_from(hosts[i])))
            return rest;
    return (hf__str){ NULL, 0 };
}

hf_status hf__uri_parse(hf__uri *out, const char *text, hf_error *err)
{
    hf__str whole = hf__str_from(text);
    hf__str path;

    memset(out, 0, sizeof(*out));
    if (hf__str_starts(whole, HF__STR("hf://")))
        return parse_hf(out, text, (hf__str){ whole.ptr + 5, whole.len - 5 }, err);
    path = path_on_hub(whole);
    if (path.ptr)
        return parse_web(out, text, path, err);
    return bad(err, text, "it must start with 'hf://' or be an address on huggingface.co");
}
