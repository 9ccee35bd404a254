/* SPDX-License-Identifier: Apache-2.0 */
/* What came: target, headers, query, range. Nothing here answers. */
#include "http/internal.h"

#include "core/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

srv_req *srv_req_new(srv_server *server, srv_origin origin, const char *target)
{
    srv_req *req = calloc(1, sizeof(*req));
    hf__str rest;

    if (!req)
        return NULL;
    req->arena = hf__arena_new();
    req->target = req->arena ? hf__arena_cstr(req->arena, target) : NULL;
    if (!req->target) {
        hf__arena_free(req->arena);
        free(req);
        return NULL;
    }
    req->server = server;
    req->origin = origin;
    req->answer.fd = -1;
    req->path = hf__str_cut(hf__str_from(req->target), '?', &rest);
    req->query = rest;
    req->params = srv_params_parse(req->arena, rest);
    req->started_wall = hf__clock_wall();
    req->started_ms = hf__clock_ms();
    hf__buf_init(&req->body, SRV_MAX_BODY);
    return req;
}

void srv_req_free(srv_req *req)
{
    if (!req)
        return;
    if (req->answer.close)
        req->answer.close(req->answer.user);
    if (req->answer.fd >= 0)
        close(req->answer.fd);
    hf__buf_dispose(&req->body);
    hf__arena_free(req->arena);
    free(req);
}

/* The client's own id is repeated behind ours, so that both logs can be matched; what it may hold
 * is narrow, since it goes into headers and logs. */
static const char *make_id(srv_req *req)
{
    const char *theirs = srv_req_header(req, "X-Request-Id");
    char text[192];
    int n;

    n = snprintf(text, sizeof(text), "Root=1-%08x-%08x%016llx", (unsigned)req->started_wall,
                 (unsigned)hf__random_u64(), (unsigned long long)hf__random_u64());
    if (!theirs)
        theirs = srv_req_header(req, "X-Amzn-Trace-Id");
    if (theirs && n > 0) {
        size_t at = (size_t)n;

        text[at++] = ';';
        for (; *theirs && at < sizeof(text) - 1 && at < 130; theirs++) {
            bool plain = (*theirs >= '0' && *theirs <= '9') || (*theirs >= 'a' && *theirs <= 'z') ||
                         (*theirs >= 'A' && *theirs <= 'Z') || strchr("-_.=:+/", *theirs) != NULL;
            text[at++] = plain ? *theirs : '?';
        }
        text[at] = '\0';
    }
    return hf__arena_cstr(req->arena, text);
}

void srv_req_read_head(srv_req *req, struct MHD_Connection *conn, const char *method)
{
    req->conn = conn;
    req->method = hf__arena_cstr(req->arena, method);
    if (!req->method)
        req->method = "";
    req->is_head = strcmp(method, "HEAD") == 0;
    req->has_auth = srv_req_header(req, "Authorization") != NULL;
    req->id = make_id(req);
    if (!req->id)
        req->id = "none";
}

const char *srv_req_header(const srv_req *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

/* ------------------------------------------------------------------------------------- escapes */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *srv_unescape(hf__arena *arena, hf__str text, bool plus_is_space)
{
    char *out = hf__arena_alloc(arena, text.len + 1);
    size_t n = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return NULL;
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return NULL;
        out[n++] = c;
    }
    return out;
}

srv_param *srv_params_parse(hf__arena *arena, hf__str text)
{
    srv_param *first = NULL;
    srv_param **last = &first;

    while (text.len > 0) {
        hf__str rest;
        hf__str value;
        hf__str name = hf__str_cut(hf__str_cut(text, '&', &rest), '=', &value);
        srv_param *param = hf__arena_alloc(arena, sizeof(*param));

        text = rest;
        if (!param)
            break;
        param->name = srv_unescape(arena, name, true);
        param->value = srv_unescape(arena, value, true);
        if (!param->name || !param->value)
            continue; /* an escape that means nothing names no parameter we know */
        *last = param;
        last = &param->next;
    }
    return first;
}

bool srv_param_is(const srv_param *param, const char *name)
{
    size_t len = strlen(name);

    return strncmp(param->name, name, len) == 0 &&
           (param->name[len] == '\0' || strcmp(param->name + len, "[]") == 0);
}

const char *srv_req_param(const srv_req *req, const char *name)
{
    for (const srv_param *p = req->params; p; p = p->next)
        if (srv_param_is(p, name))
            return p->value;
    return NULL;
}

bool srv_req_wants(const srv_req *req, const char *name, const char *value)
{
    for (const srv_param *p = req->params; p; p = p->next)
        if (srv_param_is(p, name) && strcmp(p->value, value) == 0)
            return true;
    return false;
}

static bool is_true(const char *text)
{
    return text &&
           (strcmp(text, "1") == 0 || strcmp(text, "true") == 0 || strcmp(text, "True") == 0);
}

bool srv_req_flag(const srv_req *req, const char *name)
{
    return is_true(srv_req_param(req, name));
}

bool srv_req_u64(const srv_req *req, const char *name, uint64_t fallback, uint64_t *out)
{
    const char *text = srv_req_param(req, name);

    if (!text || !*text) {
        *out = fallback;
        return true;
    }
    return hf__str_to_u64(hf__str_from(text), out);
}

bool srv_path_split(hf__str path, hf__str *segments, size_t *n_segments)
{
    size_t n = 0;

    if (path.len > 0 && path.ptr[0] == '/') {
        path.ptr++;
        path.len--;
    }
    while (path.ptr) {
        if (n == SRV_MAX_SEGMENTS) {
            /* The rest stays one piece: only file paths are that deep. */
            hf__str *last = &segments[n - 1];

            last->len = (size_t)(path.ptr + path.len - last->ptr);
            break;
        }
        segments[n++] = hf__str_cut(path, '/', &path);
    }
    *n_segments = n;
    return n > 0;
}

/* -------------------------------------------------------------------------------------- ranges */

/* "N-", "N-M" or "-N" against size. */
static srv_range one_range(hf__str spec, uint64_t size)
{
    srv_range range = { SRV_RANGE_NONE, 0, size };
    hf__str last_text;
    hf__str first_text = hf__str_trim(hf__str_cut(spec, '-', &last_text));
    uint64_t first;
    uint64_t last;

    if (!last_text.ptr)
        return range;
    last_text = hf__str_trim(last_text);
    if (first_text.len == 0) {
        if (!hf__str_to_u64(last_text, &last))
            return range;
        range.n_bytes = last < size ? last : size;
        range.first = size - range.n_bytes;
        range.state = range.n_bytes > 0 ? SRV_RANGE_PART : SRV_RANGE_UNSATISFIABLE;
        return range;
    }
    if (!hf__str_to_u64(first_text, &first))
        return range;
    if (last_text.len == 0)
        last = UINT64_MAX;
    else if (!hf__str_to_u64(last_text, &last) || last < first)
        return range;
    if (first >= size) {
        range.state = SRV_RANGE_UNSATISFIABLE;
        return range;
    }
    if (last >= size)
        last = size - 1;
    range.state = SRV_RANGE_PART;
    range.first = first;
    range.n_bytes = last - first + 1;
    return range;
}

/* If-Range with a date never matches: content here has no date that means anything. */
static bool if_range_holds(const srv_req *req, const char *etag)
{
    const char *condition = srv_req_header(req, "If-Range");
    size_t len = strlen(etag);

    if (!condition)
        return true;
    return condition[0] == '"' && strncmp(condition + 1, etag, len) == 0 &&
           strcmp(condition + 1 + len, "\"") == 0;
}

srv_range srv_range_parse(const srv_req *req, uint64_t size, const char *etag)
{
    srv_range whole = { SRV_RANGE_NONE, 0, size };
    const char *header = srv_req_header(req, "Range");
    hf__str spec = hf__str_from(header);
    hf__str unit;

    if (!header || req->fault.ignore_range || strcmp(req->method, "GET") != 0)
        return whole;
    unit = hf__str_trim(hf__str_cut(spec, '=', &spec));
    if (!spec.ptr || !hf__str_eq_nocase(unit, HF__STR("bytes")) || !if_range_holds(req, etag))
        return whole;
    if (memchr(spec.ptr, ',', spec.len))
        return whole; /* several ranges: HTTP allows to ignore them, and no client of ours asks */
    return one_range(hf__str_trim(spec), size);
}

/* ---------------------------------------------------------------------------------------- where */

/* A Host header is put into URLs we hand out, so it must be a host and nothing else. */
static bool plain_host(const char *host)
{
    size_t n = strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]");

    return n > 0 && n < 256 && host[n] == '\0';
}

const char *srv_base_url(srv_req *req, srv_origin origin)
{
    const srv_conf *conf = &req->server->conf;
    const char *fixed = origin == SRV_HUB ? conf->public_url : conf->storage_url;
    const char *host = srv_req_header(req, "Host");
    size_t host_len;
    hf__buf url;
    const char *out;

    if (fixed)
        return fixed;
    hf__buf_init(&url, 512);
    hf__buf_adds(&url, "http://");
    if (!host || !plain_host(host)) {
        bool v6 = strchr(conf->host, ':') != NULL;

        hf__buf_addf(&url, v6 ? "[%s]:%u" : "%s:%u", conf->host,
                     srv_server_port(req->server, origin));
    } else if (origin == req->origin) {
        hf__buf_adds(&url, host);
    } else {
        const char *colon = strrchr(host, ':');

        /* The colons of [::1] are none of a port. */
        host_len = colon && !strchr(colon, ']') ? (size_t)(colon - host) : strlen(host);
        hf__buf_add(&url, host, host_len);
        hf__buf_addf(&url, ":%u", srv_server_port(req->server, origin));
    }
    out = hf__arena_str(req->arena, hf__buf_str(&url));
    hf__buf_dispose(&url);
    return out ? out : "";
}

bool srv_pause(const srv_req *req, uint32_t ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd fds[2] = { { req->server->stop_fd, POLLIN, 0 },
                             { info ? info->connect_fd : -1, 0, 0 } };
    uint64_t end = hf__clock_ms() + ms;

    for (;;) {
        uint64_t now = hf__clock_ms();

        if (now >= end)
            return true;
        if (poll(fds, 2, (int)(end - now < 60000 ? end - now : 60000)) < 0)
            continue; /* a signal */
        if (fds[0].revents)
            return false;
        if (fds[1].revents)
            return false; /* the client is gone; one that is half closed may still read */
    }
}
