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

/* Percent-decodes into out; false when it does not fit. */
static bool decode(char *out, size_t size, hf__str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1]) >= 0 &&
            hex_value(text.ptr[i + 2]) >= 0) {
            c = (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2]));
            i += 2;
        }
        if (n + 1 >= size || c == '\0')
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

static bool all_digits(hf__str text)
{
    uint64_t number;

    return hf__str_to_u64(text, &number);
}

/* Length of the revision at the start of text: up to '/', except that "refs/pr/N" and
 * "refs/convert/WORD" are taken whole. */
static size_t revision_len(hf__str text)
{
    hf__str rest;
    hf__str first = hf__str_cut(text, '/', &rest);
    hf__str kind;
    hf__str name;

    if (!hf__str_eq(first, HF__STR("refs")) || !rest.ptr)
        return first.len;
    kind = hf__str_cut(rest, '/', &rest);
    if (!rest.ptr)
        return first.len;
    name = hf__str_cut(rest, '/', &rest);
    if ((hf__str_eq(kind, HF__STR("pr")) && all_digits(name)) ||
        (hf__str_eq(kind, HF__STR("convert")) && name.len))
        return first.len + 1 + kind.len + 1 + name.len;
    return first.len;
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
        if (revision.len == 0)
            return bad(err, text, "the revision after '@' is empty");
        if (!decode(out->revision, sizeof(out->revision), revision))
            return bad(err, text, "the revision is too long");
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
    for (size_t i = 0; i + 1 < tail.len; i++)
        if (tail.ptr[i] == '/' && tail.ptr[i + 1] == '/')
            return bad(err, text, "it has an empty component ('//')");
    if (tail.len)
        memcpy(out->path, tail.ptr, tail.len);
    return HF_OK;
}

static hf_status parse_hf(hf__uri *out, const char *text, hf__str rest, hf_error *err)
{
    hf__str first;
    hf__str after;

    if (rest.len && rest.ptr[0] == '/')
        return bad(err, text, "it has an empty component ('//')");
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
    first = hf__str_cut(rest, '/', &after);
    if (first.len == 0 || !after.ptr || after.len == 0 || after.ptr[0] == '/')
        return bad(err, text, "it must name 'namespace/name'");
    return parse_tail(out, text, first, after, err);
}

/* "/[datasets/]ns/name[/resolve/rev/path]" of a web address, query and fragment already gone. */
static hf_status parse_web(hf__uri *out, const char *text, hf__str rest, hf_error *err)
{
    static const char *const actions[] = { "blob", "blame", "raw", "resolve", "tree" };
    hf__str ns;
    hf__str name;
    hf__str action;
    hf__str revision;
    bool known = false;

    ns = hf__str_cut(rest, '/', &rest);
    if (hf__str_eq(ns, HF__STR("buckets")))
        out->is_bucket = true;
    if (out->is_bucket || (hf__str_ends(ns, HF__STR("s")) && hf__repo_type_parse(ns, &out->type)))
        ns = hf__str_cut(rest, '/', &rest);
    name = hf__str_cut(rest, '/', &rest);
    if (ns.len == 0 || name.len == 0 || ns.len + name.len + 2 > sizeof(out->id))
        return bad(err, text, "it must name 'namespace/name'");
    (void)snprintf(out->id, sizeof(out->id), "%.*s/%.*s", (int)ns.len, ns.ptr, (int)name.len,
                   name.ptr);
    if (rest.len == 0)
        return hf__repo_id_check(out->id, err);
    action = hf__str_cut(rest, '/', &rest);
    for (size_t i = 0; i < HF__COUNT(actions); i++)
        known = known || hf__str_eq(action, hf__str_from(actions[i]));
    if (!known)
        return bad(err, text, "it is not the address of a repo or a file in one");
    if (!out->is_bucket && rest.len) {
        revision = (hf__str){ rest.ptr, revision_len(rest) };
        if (!decode(out->revision, sizeof(out->revision), revision))
            return bad(err, text, "the revision is too long");
        rest.ptr += revision.len;
        rest.len -= revision.len;
        if (rest.len) {
            rest.ptr++;
            rest.len--;
        }
    }
    if (!decode(out->path, sizeof(out->path), rest))
        return bad(err, text, "the path is too long");
    return hf__repo_id_check(out->id, err);
}

hf_status hf__uri_parse(hf__uri *out, const char *text, hf_error *err)
{
    static const char *const hosts[] = { "https://huggingface.co/", "https://hf.co/",
                                         "https://hub-ci.huggingface.co/" };
    hf__str whole = hf__str_from(text);

    memset(out, 0, sizeof(*out));
    if (hf__str_starts(whole, HF__STR("hf://")))
        return parse_hf(out, text, (hf__str){ whole.ptr + 5, whole.len - 5 }, err);
    for (size_t i = 0; i < HF__COUNT(hosts); i++) {
        hf__str host = hf__str_from(hosts[i]);

        if (hf__str_starts(whole, host)) {
            hf__str rest = { whole.ptr + host.len, strcspn(whole.ptr + host.len, "?#") };

            return parse_web(out, text, rest, err);
        }
    }
    return bad(err, text, "it must start with 'hf://'");
}
