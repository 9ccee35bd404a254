/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage origin: bytes of large objects, out and in. It knows no tokens: a signed URL says all
 * that matters, and whoever holds it may.
 *
 *   GET  /objects/{sha256}?name=…                        content
 *   PUT  /uploads/{repo}/{sha256}?size=N                 the whole of it
 *   PUT  /uploads/{repo}/{sha256}/{part}?size=N&part=P   a part, from 1 on
 *   POST /uploads/{repo}/{sha256}/complete?size=N&part=P all parts are there
 */
#include "routes/routes.h"

#include <stdlib.h>
#include <string.h>

#define UPLOAD_SEGMENTS 4

typedef struct upload_target {
    const srv_repo *repo;
    const char *oid;
    uint64_t size;
    uint64_t part_bytes;
} upload_target;

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static void no_such_key(srv_req *req)
{
    srv_answer_error(req, 404, NULL, "NoSuchKey");
}

/* ---------------------------------------------------------------------------------------- content */

static void get_object(srv_req *req, const char *oid)
{
    const char *name = srv_req_param(req, "name");
    hf_error err = HF_ERROR_INIT;
    uint64_t size;
    hf_status st;
    int fd = -1;

    st = srv_lfs_open(store_of(req), NULL, oid, &fd, &size, &err);
    if (st == HF_ERR_ENTRY_NOT_FOUND) {
        no_such_key(req);
        return;
    }
    if (st != HF_OK) {
        srv_answer_failed(req, &err);
        return;
    }
    if (name)
        srv_set_disposition(req, name, false);
    /* Storage has etags of its own, which are no hash of the content. */
    srv_answer_content(req, &(srv_content){ .size = size,
                                            .etag = hf__arena_str(req->arena, (hf__str){ oid, 32 }),
                                            .type = "application/octet-stream",
                                            .fd = fd });
}

/* ------------------------------------------------------------------------------- the whole at once */

typedef struct whole {
    srv_lfs_put *put; /* NULL once it ended */
    upload_target to;
    uint64_t got;
} whole;

static void whole_close(void *user)
{
    whole *w = user;

    srv_lfs_put_abort(w->put);
    w->put = NULL;
}

static bool whole_piece(srv_req *req, const char *bytes, size_t len)
{
    whole *w = req->state;
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    w->got += len;
    if (w->got > w->to.size) {
        srv_answer_error(req, 400, NULL, "the object is longer than the %llu bytes announced",
                         (unsigned long long)w->to.size);
        return false;
    }
    st = srv_lfs_put_add(w->put, bytes, len, &err);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    return st == HF_OK;
}

static void whole_end(srv_req *req)
{
    whole *w = req->state;
    srv_lfs_put *put = w->put;
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    w->put = NULL;
    st = srv_lfs_put_commit(put, w->to.repo, w->to.oid, w->to.size, NULL, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    srv_answer_text(req, 200, "text/plain", HF__STR(""));
    srv_header_setf(req, "ETag", "\"%.32s\"", w->to.oid);
}

static void put_whole(srv_req *req, const upload_target *to)
{
    whole *w = hf__arena_alloc(req->arena, sizeof(*w));
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_ERR_NO_MEMORY;

    if (w) {
        w->to = *to;
        st = srv_lfs_put_new(store_of(req), &w->put, &err);
    }
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    req->state = w;
    req->answer.close = whole_close;
    req->answer.user = w;
    req->on_piece = whole_piece;
    req->handler = whole_end;
}

/* ---------------------------------------------------------------------------------------- in parts */

typedef struct sent_part {
    srv_upload *upload;
    srv_part *part; /* NULL once it ended */
} sent_part;

static void part_close(void *user)
{
    sent_part *p = user;

    srv_part_abort(p->part);
    p->part = NULL;
    srv_upload_close(p->upload);
    p->upload = NULL;
}

static bool part_piece(srv_req *req, const char *bytes, size_t len)
{
    sent_part *p = req->state;
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_part_add(p->part, bytes, len, &err);

    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    return st == HF_OK;
}

static void part_end(srv_req *req)
{
    sent_part *p = req->state;
    srv_part *part = p->part;
    char etag[SRV_ETAG_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    p->part = NULL;
    st = srv_part_end(part, etag, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    srv_answer_text(req, 200, "text/plain", HF__STR(""));
    srv_header_setf(req, "ETag", "\"%s\"", etag);
}

static void put_part(srv_req *req, const upload_target *to, hf__str number_text)
{
    sent_part *p = hf__arena_alloc(req->arena, sizeof(*p));
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_ERR_NO_MEMORY;
    uint64_t number;

    if (!hf__str_to_u64(number_text, &number) || number > SRV_MAX_PARTS) {
        no_such_key(req);
        return;
    }
    if (p)
        st = srv_upload_open(store_of(req), to->repo, to->oid, to->size, to->part_bytes, true,
                             &p->upload, &err);
    if (st == HF_OK)
        st = srv_part_begin(p->upload, (size_t)number, &p->part, &err);
    if (st != HF_OK) {
        if (p)
            srv_upload_close(p->upload);
        srv_answer_status(req, st, &err);
        return;
    }
    req->state = p;
    req->answer.close = part_close;
    req->answer.user = p;
    req->on_piece = part_piece;
    req->handler = part_end;
}

/* Quotes are the ETag's own; clients pass them on. */
static bool same_etag(const char *said, const char *etag)
{
    hf__str text = hf__str_trim(hf__str_from(said));

    if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
        text = (hf__str){ text.ptr + 1, text.len - 2 };
    return hf__str_eq(text, hf__str_from(etag));
}

/* {"oid": …, "parts": [{"partNumber": 1, "etag": …}, …]}: each part once, with the etag it got. */
static bool check_parts(srv_req *req, srv_upload *upload, const hf__json *doc, const char *oid)
{
    const hf__json *parts = hf__json_get(doc, "parts");
    const char *said = hf__json_text(doc, "oid");
    char etag[SRV_ETAG_HEX + 1];

    if (!said || strcmp(said, oid) != 0) {
        srv_answer_error(req, 400, NULL, "the completion names another oid than its URL");
        return false;
    }
    if (!hf__json_is_array(parts) || hf__json_len(parts) != srv_upload_n_parts(upload)) {
        srv_answer_error(req, 400, NULL, "the completion must list all %zu parts",
                         srv_upload_n_parts(upload));
        return false;
    }
    for (size_t i = 0; i < hf__json_len(parts); i++) {
        const hf__json *part = hf__json_at(parts, i);
        const char *text = hf__json_text(part, "etag");
        uint64_t number = 0;

        if (!hf__json_u64(part, "partNumber", &number) || number != i + 1 || !text) {
            srv_answer_error(req, 400, NULL, "parts must be listed in their order, with etags");
            return false;
        }
        if (!srv_upload_part(upload, (size_t)number, etag)) {
            srv_answer_error(req, 400, NULL, "part %zu is missing", (size_t)number);
            return false;
        }
        if (!same_etag(text, etag)) {
            srv_answer_error(req, 400, NULL, "part %zu has another etag", (size_t)number);
            return false;
        }
    }
    return true;
}

static void complete(srv_req *req)
{
    upload_target *to = req->state;
    hf_error err = HF_ERROR_INIT;
    srv_upload *upload = NULL;
    hf__json *doc = NULL;
    bool has = false;
    hf_status st;

    st = srv_lfs_has(store_of(req), to->repo, to->oid, &has, NULL, &err);
    if (st == HF_OK && has) { /* said again: its first answer was lost */
        srv_answer_text(req, 200, "application/json", HF__STR("{}"));
        return;
    }
    if (st == HF_OK)
        st = hf__json_parse(hf__buf_str(&req->body), "completion", &doc, &err);
    if (st == HF_ERR_PROTOCOL || st == HF_ERR_LIMIT) {
        srv_answer_error(req, 400, NULL, "%s", err.message);
        return;
    }
    if (st == HF_OK)
        st = srv_upload_open(store_of(req), to->repo, to->oid, to->size, to->part_bytes, false,
                             &upload, &err);
    if (st == HF_OK && check_parts(req, upload, doc, to->oid)) {
        st = srv_upload_finish(upload, to->repo, &err);
        if (st == HF_OK)
            srv_answer_text(req, 200, "application/json", HF__STR("{}"));
    }
    if (st == HF_ERR_CONFLICT &&
        srv_lfs_has(store_of(req), to->repo, to->oid, &has, NULL, NULL) == HF_OK && has)
        srv_answer_text(req, 200, "application/json", HF__STR("{}"));
    else if (st == HF_ERR_ENTRY_NOT_FOUND)
        srv_answer_error(req, 404, NULL, "there is no such upload: ask for new URLs");
    else if (st != HF_OK)
        srv_answer_status(req, st, &err);
    srv_upload_close(upload);
    hf__json_free(doc);
}

static void route_upload(srv_req *req, const hf__str *segments, size_t n)
{
    upload_target *to = hf__arena_alloc(req->arena, sizeof(*to));
    const char *id = hf__arena_str(req->arena, segments[1]);
    bool completes = n == UPLOAD_SEGMENTS && hf__str_eq(segments[3], HF__STR("complete"));
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_ERR_NO_MEMORY;

    if (!srv_only(req, completes ? "POST" : "PUT"))
        return;
    if (to && id) {
        to->oid = hf__arena_str(req->arena, segments[2]);
        st = to->oid ? srv_repo_by_id(store_of(req), id, req->arena, &to->repo, &err)
                     : HF_ERR_NO_MEMORY;
    }
    if (st == HF_ERR_REPO_NOT_FOUND ||
        (st == HF_OK && (!srv_req_u64(req, "size", 0, &to->size) ||
                         !srv_req_u64(req, "part", 0, &to->part_bytes)))) {
        no_such_key(req);
        return;
    }
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    req->state = to;
    if (completes)
        req->handler = complete;
    else if (n == UPLOAD_SEGMENTS)
        put_part(req, to, segments[3]);
    else
        put_whole(req, to);
}

void srv_storage(srv_req *req)
{
    hf__str segments[SRV_MAX_SEGMENTS];
    const char *why = NULL;
    size_t n = 0;
    unsigned status;
    bool is_object, is_upload;

    is_object = srv_path_split(req->path, segments, &n) && n == 2 &&
                hf__str_eq(segments[0], HF__STR("objects")) &&
                hf__str_is_hex(segments[1], SRV_SHA256_HEX);
    is_upload = (n == 3 || n == UPLOAD_SEGMENTS) && hf__str_eq(segments[0], HF__STR("uploads")) &&
                hf__str_is_hex(segments[1], SRV_ID_HEX) &&
                hf__str_is_hex(segments[2], SRV_SHA256_HEX);
    if (!is_object && !is_upload) {
        if (strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0)
            no_such_key(req);
        else
            (void)srv_only(req, "GET");
        return;
    }
    if (is_object && !srv_only(req, "GET"))
        return;
    if (req->has_auth) {
        /* As the Hub's storage does. Whoever sees this sends tokens where they do not belong. */
        srv_answer_error(req, 400, NULL,
                         "Only one auth mechanism allowed: a signed URL takes no Authorization");
        return;
    }
    status = srv_sign_check(req, &why);
    if (status != 0)
        srv_answer_error(req, status, NULL, "%s", why);
    else if (is_upload)
        route_upload(req, segments, n);
    else
        get_object(req, hf__arena_str(req->arena, segments[1]));
}
