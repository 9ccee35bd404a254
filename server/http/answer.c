/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in an answer: headers, bodies, errors, content with ranges and conditions. */
#include "http/internal.h"

#include "core/base64.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DIGEST_MOST ((uint64_t)64 * 1024 * 1024)

/* ------------------------------------------------------------------------------------- headers */

/* Bytes that would end a header line become '?': values hold names from URLs and repos. */
static char *clean_value(hf__arena *arena, const char *value)
{
    char *copy = hf__arena_cstr(arena, value);

    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return copy;
}

void srv_header_set(srv_req *req, const char *name, const char *value)
{
    srv_header **at = &req->answer.headers;
    srv_header *header;

    while (*at && strcasecmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (!value) {
        if (*at)
            *at = (*at)->next;
        return;
    }
    header = hf__arena_alloc(req->arena, sizeof(*header));
    if (!header)
        return;
    header->name = hf__arena_cstr(req->arena, name);
    header->value = clean_value(req->arena, value);
    if (!header->name || !header->value)
        return;
    header->next = *at ? (*at)->next : NULL;
    *at = header;
}

void srv_header_setf(srv_req *req, const char *name, const char *fmt, ...)
{
    char text[256];
    char *big = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof(text)) {
        big = hf__arena_alloc(req->arena, (size_t)n + 1);
        if (!big)
            return;
        va_start(args, fmt);
        vsnprintf(big, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    srv_header_set(req, name, big ? big : text);
}

const char *srv_header_get(const srv_req *req, const char *name)
{
    for (const srv_header *h = req->answer.headers; h; h = h->next)
        if (strcasecmp(h->name, name) == 0)
            return h->value;
    return NULL;
}

/* -------------------------------------------------------------------------------------- bodies */

static void drop_source(srv_answer *answer)
{
    if (answer->close)
        answer->close(answer->user);
    answer->close = NULL;
    if (answer->fd >= 0)
        close(answer->fd);
    answer->fd = -1;
}

void srv_answer_text(srv_req *req, unsigned status, const char *type, hf__str text)
{
    drop_source(&req->answer);
    req->answer.status = status;
    req->answer.kind = SRV_BODY_TEXT;
    req->answer.text = text;
    req->answer.offset = 0;
    req->answer.n_bytes = text.len;
    srv_header_set(req, "Content-Type", type);
}

void srv_answer_json(srv_req *req, unsigned status, hf__buf *json)
{
    char *copy = NULL;

    if (json->status == HF_OK)
        copy = hf__arena_str(req->arena, hf__buf_str(json));
    if (copy)
        srv_answer_text(req, status, "application/json; charset=utf-8",
                        (hf__str){ copy, json->len });
    else
        srv_answer_error(req, 500, NULL, "the answer does not fit into memory");
    hf__buf_dispose(json);
}

static bool wants_json(const srv_req *req)
{
    return hf__str_starts(req->path, HF__STR("/api/")) &&
           !hf__str_starts(req->path, HF__STR("/api/resolve-cache/"));
}

void srv_answer_error(srv_req *req, unsigned status, const char *code, const char *fmt, ...)
{
    char message[512];
    va_list args;
    hf__buf body;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    srv_header_set(req, "X-Error-Code", code);
    srv_header_set(req, "X-Error-Message", message);
    if (status == 401 && !srv_header_get(req, "WWW-Authenticate"))
        srv_header_set(req, "WWW-Authenticate",
                       "Bearer realm=\"Authentication required\", charset=\"UTF-8\"");
    if (wants_json(req)) {
        hf__buf_init(&body, 8192);
        hf__buf_adds(&body, "{\"error\":");
        hf__json_add_string(&body, hf__str_from(message));
        hf__buf_addc(&body, '}');
        srv_answer_json(req, status, &body);
    } else {
        const char *copy = hf__arena_cstr(req->arena, message);

        srv_answer_text(req, status, "text/plain; charset=utf-8", hf__str_from(copy ? copy : ""));
    }
}

void srv_warn(const srv_req *req, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (req->server->conf.quiet)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    hf__text_defuse(text);
    fprintf(stderr, "hf-serve: %s\n", text);
}

void srv_answer_failed(srv_req *req, const hf_error *err)
{
    srv_warn(req, "%s %.*s: %s", req->method, (int)req->path.len, req->path.ptr, err->message);
    srv_answer_error(req, 500, NULL, "Internal server error");
}

void srv_answer_redirect(srv_req *req, unsigned status, const char *location)
{
    const char *where = location ? location : "";
    hf__buf body;
    const char *copy;

    hf__buf_init(&body, 2 * SRV_MAX_TARGET);
    hf__buf_addf(&body, "%s. Redirecting to %s", status == 302 ? "Found" : "Temporary Redirect",
                 where);
    copy = hf__arena_str(req->arena, hf__buf_str(&body));
    hf__buf_dispose(&body);
    srv_header_set(req, "Location", where);
    srv_answer_text(req, status, "text/plain; charset=utf-8", hf__str_from(copy ? copy : ""));
}

void srv_answer_stream(srv_req *req, unsigned status, srv_read_fn *read, void *user)
{
    req->answer.status = status;
    req->answer.kind = SRV_BODY_STREAM;
    req->answer.read = read;
    req->answer.user = user;
    req->answer.offset = 0;
    req->answer.n_bytes = SRV_UNKNOWN_SIZE;
}

/* ------------------------------------------------------------------------------------- content */

/* If-None-Match: "*" or a list of etags, weak ones too. */
static bool none_match_holds(const srv_req *req, const char *etag)
{
    hf__str list = hf__str_from(srv_req_header(req, "If-None-Match"));

    while (list.ptr) {
        hf__str one = hf__str_trim(hf__str_cut(list, ',', &list));

        if (hf__str_eq(one, HF__STR("*")))
            return false;
        if (hf__str_starts(one, HF__STR("W/"))) {
            one.ptr += 2;
            one.len -= 2;
        }
        if (one.len >= 2 && one.ptr[0] == '"' && one.ptr[one.len - 1] == '"' &&
            hf__str_eq((hf__str){ one.ptr + 1, one.len - 2 }, hf__str_from(etag)))
            return false;
    }
    return true;
}

/* A fault: a part that is right in itself, but not the one that was asked for. */
static void shift_range(srv_range *range, uint64_t size)
{
    if (range->state != SRV_RANGE_PART || size < 2)
        return;
    range->first = range->first > 0 ? range->first - 1 : 1;
    if (range->n_bytes > size - range->first)
        range->n_bytes = size - range->first;
}

/* RFC 9530: whoever asks for the digest of what he gets, or of what a HEAD stands for, is told it of
 * content that does not take long to read. */
static bool wants_digest(const srv_req *req)
{
    hf__str list = hf__str_from(srv_req_header(req, "Want-Content-Digest"));

    while (list.len) {
        hf__str one = hf__str_trim(hf__str_cut(list, ',', &list));
        hf__str weight;
        hf__str name = hf__str_trim(hf__str_cut(one, '=', &weight));

        if (hf__str_eq(name, HF__STR("sha-256")))
            return !hf__str_eq(hf__str_trim(weight), HF__STR("0"));
    }
    return false;
}

static void add_digest(srv_req *req, int fd, uint64_t at, uint64_t n_bytes)
{
    static const size_t block_bytes = 128 * 1024;
    char *block = malloc(block_bytes);
    hf__hash *hash = NULL;
    bool good = block && hf__hash_new(HF__HASH_SHA256, n_bytes, &hash, NULL) == HF_OK;
    uint8_t digest[32];
    hf__buf text;

    while (good && n_bytes > 0) {
        size_t got = 0;

        good = hf__os_pread(fd, block, n_bytes < block_bytes ? (size_t)n_bytes : block_bytes, at,
                            &got, "content", NULL) == HF_OK &&
               got > 0;
        if (good)
            hf__hash_add(hash, block, got);
        at += got;
        n_bytes -= got;
    }
    if (good && hf__hash_end_raw(hash, digest)) {
        hf__buf_init(&text, 64);
        hf__base64_add(&text, HF__BASE64_STANDARD, digest, sizeof(digest));
        srv_header_setf(req, "Content-Digest", "sha-256=:%s:", hf__buf_cstr(&text));
        hf__buf_dispose(&text);
    }
    hf__hash_free(hash);
    free(block);
}

void srv_answer_content(srv_req *req, const srv_content *content)
{
    const char *etag = content->etag ? content->etag : ""; /* NULL: no memory for it */
    srv_range range = srv_range_parse(req, content->size, etag);
    srv_answer *answer = &req->answer;

    if (req->fault.wrong_range)
        shift_range(&range, content->size);
    drop_source(answer);
    answer->kind = content->fd >= 0 ? SRV_BODY_FILE : SRV_BODY_STREAM;
    answer->fd = content->fd;
    answer->read = content->read;
    answer->close = content->close;
    answer->user = content->user;
    answer->offset = range.first;
    answer->n_bytes = range.n_bytes;
    answer->status = 200;
    srv_header_setf(req, "ETag", "\"%s\"", etag);
    srv_header_set(req, "Accept-Ranges", "bytes");
    srv_header_set(req, "Content-Type", content->type);
    if (!none_match_holds(req, etag)) {
        srv_answer_text(req, 304, content->type, HF__STR(""));
    } else if (range.state == SRV_RANGE_UNSATISFIABLE) {
        srv_answer_error(req, 416, NULL, "the range starts behind the end of the file");
        srv_header_setf(req, "Content-Range", "bytes */%llu", (unsigned long long)content->size);
    } else if (range.state == SRV_RANGE_PART) {
        answer->status = 206;
        srv_header_setf(req, "Content-Range", "bytes %llu-%llu/%llu",
                        (unsigned long long)range.first,
                        (unsigned long long)(range.first + range.n_bytes - 1),
                        (unsigned long long)content->size);
    }
    if ((answer->status == 200 || answer->status == 206) && answer->kind == SRV_BODY_FILE &&
        answer->n_bytes <= DIGEST_MOST && wants_digest(req))
        add_digest(req, answer->fd, answer->offset, answer->n_bytes);
}
