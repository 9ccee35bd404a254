/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: JSON lines, one per finished request, flushed at once. No token and no signature
 * gets into it. */
#include "http/internal.h"

#include "core/clock.h"
#include "core/error.h"

#include <errno.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>

struct srv_log {
    int fd;
};

hf_status srv_log_open(const char *path, srv_log **out, hf_error *err)
{
    srv_log *log = malloc(sizeof(*log));

    if (!log)
        return hf__fail_nomem(err);
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log->fd < 0) {
        int number = errno;

        free(log);
        return hf__fail_os(err, number, "cannot open access log '%s'", path);
    }
    *out = log;
    return HF_OK;
}

/* Not every byte of a hostile target is UTF-8, and the log must stay JSON. */
static void add_latin(hf__buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c >= 0x7f)
            hf__buf_addf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            hf__buf_addf(out, "\\%c", c);
        else
            hf__buf_addc(out, (char)c);
    }
}

static bool is_secret(hf__str name)
{
    return hf__str_eq_nocase(name, HF__STR("sig")) ||
           hf__str_eq_nocase(name, HF__STR("signature")) ||
           hf__str_eq_nocase(name, HF__STR("token")) ||
           hf__str_eq_nocase(name, HF__STR("access_token"));
}

static void add_target(hf__buf *out, const srv_req *req)
{
    hf__str rest = req->query;
    char sep = '?';

    add_latin(out, req->path.ptr, req->path.len);
    while (rest.ptr) {
        hf__str value;
        hf__str pair = hf__str_cut(rest, '&', &rest);
        hf__str name = hf__str_cut(pair, '=', &value);

        hf__buf_addc(out, sep);
        sep = '&';
        if (is_secret(name)) {
            add_latin(out, name.ptr, name.len);
            hf__buf_adds(out, "=...");
        } else {
            add_latin(out, pair.ptr, pair.len);
        }
    }
}

static void add_text(hf__buf *out, const char *name, const char *value)
{
    hf__buf_addf(out, ",\"%s\":", name);
    if (!value) {
        hf__buf_adds(out, "null");
        return;
    }
    hf__buf_addc(out, '"');
    add_latin(out, value, strlen(value));
    hf__buf_addc(out, '"');
}

void srv_log_request(srv_log *log, const srv_req *req, bool finished)
{
    hf__buf line;
    const char *at;
    size_t left;

    hf__buf_init(&line, 8 * SRV_MAX_TARGET + 65536);
    hf__buf_addf(&line, "{\"time\":%.3f", req->started_wall);
    add_text(&line, "origin", req->origin == SRV_HUB ? "hub" : "storage");
    add_text(&line, "method", req->method);
    hf__buf_adds(&line, ",\"path\":\"");
    add_target(&line, req);
    hf__buf_addf(&line, "\",\"status\":%u", req->status_sent);
    add_text(&line, "range", req->conn ? srv_req_header(req, "Range") : NULL);
    hf__buf_addf(&line, ",\"received\":%llu,\"bytes\":%llu,\"complete\":%s,\"auth\":%s",
                 (unsigned long long)req->received, (unsigned long long)req->sent,
                 finished ? "true" : "false", req->has_auth ? "true" : "false");
    add_text(&line, "id", req->id);
    add_text(&line, "agent", req->conn ? srv_req_header(req, "User-Agent") : NULL);
    hf__buf_addf(&line, ",\"ms\":%llu%s}\n", (unsigned long long)(hf__clock_ms() - req->started_ms),
                 req->is_spoilt ? ",\"spoilt\":true" : "");
    /* One write per line: O_APPEND keeps lines of several threads apart. */
    at = hf__buf_cstr(&line);
    left = line.status == HF_OK ? line.len : 0;
    while (left > 0) {
        ssize_t n = write(log->fd, at, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += n;
        left -= (size_t)n;
    }
    hf__buf_dispose(&line);
}

void srv_log_close(srv_log *log)
{
    if (!log)
        return;
    close(log->fd);
    free(log);
}
