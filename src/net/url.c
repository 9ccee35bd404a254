/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that decides where a token may go reads URLs with this one parser, which accepts less
 * than curl does: what two parsers could read in two ways (user names, backslashes, blanks, escapes
 * in the host) is refused.
 */
#include "net/url.h"

#include "core/limits.h"
#include "net/net.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool ends_path(char c)
{
    return c == '?' || c == '#';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static hf__str slice(hf__str text, size_t from, size_t to)
{
    return (hf__str){ text.ptr + from, to - from };
}

/* Length of a scheme with its colon at the start of text, else 0. */
static size_t scheme_len(hf__str text)
{
    size_t i = 0;

    if (text.len == 0 || !is_alpha(text.ptr[0]))
        return 0;
    while (i < text.len && (is_alpha(text.ptr[i]) || is_digit(text.ptr[i]) || text.ptr[i] == '+' ||
                            text.ptr[i] == '-' || text.ptr[i] == '.'))
        i++;
    return i < text.len && text.ptr[i] == ':' ? i + 1 : 0;
}

static bool host_ok(hf__str host)
{
    if (host.len == 0 || host.len > 255)
        return false;
    if (host.ptr[0] == '[') {
        if (host.len < 4 || host.ptr[host.len - 1] != ']')
            return false;
        for (size_t i = 1; i + 1 < host.len; i++)
            if (!is_hex(host.ptr[i]) && host.ptr[i] != ':' && host.ptr[i] != '.')
                return false;
        return true;
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];

        if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* Splits "host", "host:port", "[::1]:port". An empty port is the default one, as in RFC 3986. */
static bool parse_authority(hf__str authority, hf__url *out)
{
    size_t host_len = 0;
    uint64_t port = out->https ? 443 : 80;

    if (authority.len && authority.ptr[0] == '[') {
        while (host_len < authority.len && authority.ptr[host_len] != ']')
            host_len++;
        if (host_len == authority.len)
            return false;
        host_len++;
    } else {
        while (host_len < authority.len && authority.ptr[host_len] != ':')
            host_len++;
    }
    out->host = slice(authority, 0, host_len);
    if (!host_ok(out->host))
        return false;
    if (host_len < authority.len) {
        hf__str digits = slice(authority, host_len + 1, authority.len);

        if (authority.ptr[host_len] != ':')
            return false;
        if (digits.len && (!hf__str_to_u64(digits, &port) || port == 0 || port > 65535))
            return false;
    }
    out->authority = authority;
    out->port = (uint16_t)port;
    return true;
}

bool hf__url_parse(const char *text, hf__url *out)
{
    hf__str all = hf__str_from(text);
    hf__url url = { .https = false };
    size_t i;
    size_t start;

    if (!text || all.len > HF__MAX_URL)
        return false;
    for (i = 0; i < all.len; i++)
        if ((unsigned char)all.ptr[i] <= ' ' || all.ptr[i] == 0x7f)
            return false;
    if (all.len > 8 && hf__str_eq_nocase(slice(all, 0, 8), HF__STR("https://"))) {
        url.https = true;
        start = 8;
    } else if (all.len > 7 && hf__str_eq_nocase(slice(all, 0, 7), HF__STR("http://"))) {
        start = 7;
    } else {
        return false;
    }
    for (i = start; i < all.len && all.ptr[i] != '/' && !ends_path(all.ptr[i]);)
        i++;
    if (!parse_authority(slice(all, start, i), &url))
        return false;
    start = i;
    while (i < all.len && !ends_path(all.ptr[i]))
        i++;
    url.path = slice(all, start, i);
    start = i;
    while (i < all.len && all.ptr[i] != '#')
        i++;
    url.query = slice(all, start, i);
    *out = url;
    return true;
}

bool hf__url_same_origin(const hf__url *a, const hf__url *b)
{
    return a->https == b->https && a->port == b->port && hf__str_eq_nocase(a->host, b->host);
}

bool hf__net_same_origin(const char *url_a, const char *url_b)
{
    hf__url a;
    hf__url b;

    return hf__url_parse(url_a, &a) && hf__url_parse(url_b, &b) && hf__url_same_origin(&a, &b);
}

bool hf__net_url_has_authority(const char *location)
{
    hf__str text = hf__str_trim(hf__str_from(location));

    return scheme_len(text) > 0 || hf__str_starts(text, HF__STR("//"));
}

void hf__url_add_origin(const hf__url *url, hf__buf *out)
{
    hf__buf_adds(out, url->https ? "https://" : "http://");
    for (size_t i = 0; i < url->host.len; i++)
        hf__buf_addc(out, to_lower(url->host.ptr[i]));
    hf__buf_addf(out, ":%u", (unsigned)url->port);
}

/* Servers put raw UTF-8 and blanks into Location. Other characters that have no place in a URL are
 * left for hf__url_parse to refuse. */
static void add_escaped(hf__buf *out, hf__str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == ' ' || c == '\\' || c >= 0x80)
            hf__buf_addf(out, "%%%02X", c);
        else
            hf__buf_addc(out, text.ptr[i]);
    }
}

/* Appends path without its "." and ".." segments (RFC 3986, 5.2.4). path starts with '/'. */
static void add_path(hf__buf *out, hf__str path)
{
    size_t root = out->len;
    size_t i = 0;

    while (i < path.len) {
        size_t end = i + 1;
        hf__str segment;
        bool last;

        while (end < path.len && path.ptr[end] != '/')
            end++;
        segment = slice(path, i + 1, end);
        last = end == path.len;
        if (hf__str_eq(segment, HF__STR("."))) {
            if (last)
                hf__buf_addc(out, '/');
        } else if (hf__str_eq(segment, HF__STR(".."))) {
            while (out->len > root && out->ptr[out->len - 1] != '/')
                out->len--;
            if (out->len > root)
                out->len--;
            if (out->ptr)
                out->ptr[out->len] = '\0';
            if (last)
                hf__buf_addc(out, '/');
        } else {
            hf__buf_addc(out, '/');
            add_escaped(out, segment);
        }
        i = end;
    }
}

static void join_relative(const hf__url *base, hf__str rel, bool keep_query, hf__buf *out)
{
    hf__buf path;
    hf__str query = { "", 0 };
    size_t split = 0;

    hf__buf_init(&path, HF__MAX_URL);
    hf__buf_adds(out, base->https ? "https://" : "http://");
    hf__buf_add_str(out, base->authority);
    while (split < rel.len && rel.ptr[split] != '?')
        split++;
    if (split == 0) {
        hf__buf_add_str(&path, base->path);
    } else if (rel.ptr[0] == '/') {
        hf__buf_add_str(&path, slice(rel, 0, split));
    } else {
        size_t dir = base->path.len;

        while (dir > 0 && base->path.ptr[dir - 1] != '/')
            dir--;
        hf__buf_add_str(&path, slice(base->path, 0, dir));
        if (dir == 0)
            hf__buf_addc(&path, '/');
        hf__buf_add_str(&path, slice(rel, 0, split));
    }
    if (split < rel.len)
        query = slice(rel, split, rel.len);
    else if (keep_query || rel.len == 0)
        query = base->query;
    if (path.status != HF_OK && out->status == HF_OK)
        out->status = path.status;
    add_path(out, hf__buf_str(&path));
    add_escaped(out, query);
    hf__buf_dispose(&path);
}

hf_status hf__url_join(const char *base, const char *location, bool keep_query, hf__buf *out)
{
    hf__str loc = hf__str_trim(hf__str_from(location));
    hf__str rest;
    hf__url from;
    hf__url to;

    if (!hf__url_parse(base, &from))
        return HF_ERR_PROTOCOL;
    loc = hf__str_cut(loc, '#', &rest);
    if (scheme_len(loc) > 0) {
        add_escaped(out, loc);
    } else if (hf__str_starts(loc, HF__STR("//"))) {
        hf__buf_adds(out, from.https ? "https:" : "http:");
        add_escaped(out, loc);
    } else {
        join_relative(&from, loc, keep_query, out);
    }
    if (out->status != HF_OK)
        return out->status;
    if (!hf__url_parse(hf__buf_cstr(out), &to))
        return HF_ERR_PROTOCOL;
    return from.https && !to.https ? HF_ERR_TLS : HF_OK;
}

hf_status hf__net_url_join(const char *base, const char *location, hf__buf *out)
{
    return hf__url_join(base, location, false, out);
}
