/* SPDX-License-Identifier: Apache-2.0 */
/* The LFS batch call, which tells where objects are and where they go, and the question afterwards
 * whether one arrived. The bytes themselves pass by storage.c. */
#include "routes/routes.h"

#include "core/limits.h"

#include <string.h>

#define MAX_BATCH 1000
#define LFS_TYPE  "application/vnd.git-lfs+json"
#define MIB       ((uint64_t)1024 * 1024)

typedef struct batch {
    srv_req *req;
    const srv_place *place;
    const hf__json *objects;
    hf__buf out;
    bool upload;
    bool multipart; /* one answer has one transfer: every object comes in parts, or none does */
    uint64_t used;  /* of the quota, with what this batch allowed */
} batch;

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

/* git-lfs reads "message", everybody else "error". */
static void lfs_error(srv_req *req, unsigned status, const char *message)
{
    hf__buf out;

    hf__buf_init(&out, 8192);
    hf__buf_addc(&out, '{');
    srv_json_text(&out, "error", message);
    hf__buf_adds(&out, "\"message\":");
    hf__json_add_string(&out, hf__str_from(message));
    hf__buf_addc(&out, '}');
    srv_header_set(req, "X-Error-Message", message);
    srv_answer_json(req, status, &out);
    srv_header_set(req, "Content-Type", LFS_TYPE);
}

static void add_object_error(hf__buf *out, unsigned code, const char *message)
{
    hf__buf_addf(out, ",\"error\":{\"code\":%u,\"message\":", code);
    hf__json_add_string(out, hf__str_from(message));
    hf__buf_adds(out, "}}");
}

/* The start of a member of "actions", up to what stands behind its href. */
static void add_action(batch *b, const char *name, const char *url)
{
    hf__buf_addf(&b->out, "\"%s\":{\"href\":", name);
    hf__json_add_string(&b->out, hf__str_from(url));
}

static void end_action(batch *b)
{
    hf__buf_addf(&b->out, ",\"expires_in\":%u}", srv_server_conf(b->req->server)->url_ttl);
}

/* ----------------------------------------------------------------------------------------- uploads */

/* As the server is set up, but never more parts than there may be. */
static uint64_t part_bytes_for(const srv_req *req, uint64_t size)
{
    uint64_t part = srv_server_conf(req->server)->part_bytes;
    uint64_t least = (size + SRV_MAX_PARTS - 1) / SRV_MAX_PARTS;

    return part >= least ? part : (least + MIB - 1) / MIB * MIB;
}

static const char *upload_url(batch *b, const char *method, const char *oid, uint64_t size,
                              uint64_t part_bytes, const char *last, const char *have)
{
    const char *out = NULL;
    hf__buf target;

    hf__buf_init(&target, SRV_MAX_TARGET);
    hf__buf_addf(&target, "/uploads/%s/%s%s%s?size=%llu", b->place->repo->id, oid, last ? "/" : "",
                 last ? last : "", (unsigned long long)size);
    if (part_bytes > 0)
        hf__buf_addf(&target, "&part=%llu", (unsigned long long)part_bytes);
    if (have)
        hf__buf_addf(&target, "&have=%s", have);
    if (target.status == HF_OK)
        out = srv_sign_url(b->req, SRV_STORAGE, method, hf__buf_cstr(&target));
    hf__buf_dispose(&target);
    return out ? out : "";
}

/* The URL of a part that is here already says so by `have`, its ETag: who understands that need not
 * send it again, all others may. */
static void add_parts(batch *b, const char *oid, uint64_t size)
{
    uint64_t part = part_bytes_for(b->req, size);
    size_t n = (size_t)((size + part - 1) / part);
    srv_upload *upload = NULL;
    char etag[SRV_ETAG_HEX + 1];

    if (srv_upload_open(store_of(b->req), b->place->repo, oid, size, part, false, &upload, NULL) !=
        HF_OK)
        upload = NULL;
    add_action(b, "upload", upload_url(b, "POST", oid, size, part, "complete", NULL));
    hf__buf_addf(&b->out, ",\"header\":{\"chunk_size\":\"%llu\"", (unsigned long long)part);
    for (size_t i = 1; i <= n && b->out.status == HF_OK; i++) {
        bool have = upload && srv_upload_part(upload, i, etag);
        hf__buf number;

        hf__buf_init(&number, 32);
        hf__buf_addf(&number, "%05zu", i);
        hf__buf_addf(&b->out, ",\"%s\":", hf__buf_cstr(&number));
        hf__json_add_string(&b->out,
                            hf__str_from(upload_url(b, "PUT", oid, size, part,
                                                    hf__buf_cstr(&number), have ? etag : NULL)));
        hf__buf_dispose(&number);
    }
    hf__buf_addc(&b->out, '}');
    end_action(b);
    srv_upload_close(upload);
}

static void add_verify(batch *b)
{
    const char *web = srv_place_web(b->req, b->place);
    const char *url = NULL;
    hf__buf target;

    hf__buf_init(&target, SRV_MAX_TARGET);
    hf__buf_addf(&target, "%s.git/info/lfs/verify", web);
    if (target.status == HF_OK)
        url = srv_sign_url(b->req, SRV_HUB, "POST", hf__buf_cstr(&target));
    hf__buf_dispose(&target);
    if (!url)
        return;
    hf__buf_addc(&b->out, ',');
    add_action(b, "verify", url);
    hf__buf_adds(&b->out, ",\"header\":{}");
    end_action(b);
}

/* Why the object may not come; NULL when it may. */
static const char *refusal(batch *b, uint64_t size, unsigned *code)
{
    const srv_conf *conf = srv_server_conf(b->req->server);

    *code = 422;
    if (conf->max_file_bytes > 0 && size > conf->max_file_bytes)
        return "The file is larger than this server takes";
    if (size > conf->multipart_threshold && !b->multipart)
        return "You need to configure your repository to enable upload of files this large. Run "
               "\"hf lfs-enable-largefiles ./path/to/your/repo\" and try again.";
    *code = 507;
    if (conf->quota_bytes > 0 && (size > conf->quota_bytes || b->used > conf->quota_bytes - size))
        return "The storage quota of this namespace is used up";
    return NULL;
}

static void add_upload(batch *b, const char *oid, uint64_t size)
{
    hf_error err = HF_ERROR_INIT;
    const char *why;
    unsigned code;
    bool has = false;

    if (srv_lfs_has(store_of(b->req), b->place->repo, oid, &has, NULL, &err) != HF_OK)
        has = false;
    if (has) { /* no actions: nothing to be sent */
        hf__buf_adds(&b->out, ",\"authenticated\":true}");
        return;
    }
    why = refusal(b, size, &code);
    if (why) {
        add_object_error(&b->out, code, why);
        return;
    }
    b->used += size;
    hf__buf_adds(&b->out, ",\"authenticated\":true,\"actions\":{");
    if (b->multipart && size > 0) {
        add_parts(b, oid, size);
    } else {
        add_action(b, "upload", upload_url(b, "PUT", oid, size, 0, NULL, NULL));
        hf__buf_adds(&b->out, ",\"header\":{}");
        end_action(b);
    }
    add_verify(b);
    hf__buf_adds(&b->out, "}}");
}

/* --------------------------------------------------------------------------------------- downloads */

static void add_download(batch *b, const char *oid)
{
    const char *url = NULL;
    hf_error err = HF_ERROR_INIT;
    bool has = false;

    if (srv_lfs_has(store_of(b->req), b->place->repo, oid, &has, NULL, &err) != HF_OK)
        has = false;
    if (has)
        url = srv_sign_object(b->req, oid, NULL);
    if (!url) {
        add_object_error(&b->out, 404, "Object does not exist");
        return;
    }
    hf__buf_adds(&b->out, ",\"authenticated\":true,\"actions\":{");
    add_action(b, "download", url);
    hf__buf_adds(&b->out, ",\"header\":{}");
    end_action(b);
    hf__buf_adds(&b->out, "}}");
}

static void add_object(batch *b, const hf__json *object)
{
    const char *oid = hf__json_text(object, "oid");
    bool valid = oid && hf__str_is_hex(hf__str_from(oid), SRV_SHA256_HEX);
    uint64_t size = 0;
    bool has_size = hf__json_u64(object, "size", &size);

    hf__buf_addc(&b->out, '{');
    hf__buf_adds(&b->out, "\"oid\":");
    hf__json_add_string(&b->out, hf__str_from(oid ? oid : ""));
    hf__buf_addf(&b->out, ",\"size\":%llu", (unsigned long long)size);
    if (!valid)
        add_object_error(&b->out, 422, "The oid is no SHA-256");
    else if (b->upload && (!has_size || size > INT64_MAX))
        add_object_error(&b->out, 422, "The size is no number of bytes");
    else if (b->upload)
        add_upload(b, oid, size);
    else
        add_download(b, oid);
}

/* ------------------------------------------------------------------------------------------- batch */

static bool lists_multipart(const hf__json *doc)
{
    const hf__json *names = hf__json_get(doc, "transfers");

    for (size_t i = 0; i < hf__json_len(names); i++) {
        const char *name = hf__json_string(hf__json_at(names, i));

        if (name && strcmp(name, "multipart") == 0)
            return true;
    }
    return false;
}

static bool any_large(const batch *b)
{
    uint64_t size;

    for (size_t i = 0; i < hf__json_len(b->objects); i++)
        if (hf__json_u64(hf__json_at(b->objects, i), "size", &size) &&
            size > srv_server_conf(b->req->server)->multipart_threshold)
            return true;
    return false;
}

/* For a pull request who may propose one brings objects. One that is to be made has no ref yet, so
 * its clients name none; git-lfs always names the branch it pushes to. */
static srv_want wanted_for(const hf__json *doc)
{
    const char *ref = hf__json_text(hf__json_get(doc, "ref"), "name");

    return !ref || hf__str_starts(hf__str_from(ref), HF__STR("refs/pr/")) ? SRV_WANT_PROPOSE
                                                                          : SRV_WANT_WRITE;
}

static bool allow_upload(batch *b, const hf__json *doc)
{
    srv_place again = *b->place;
    hf_error err = HF_ERROR_INIT;

    if (!srv_place_open(b->req, &again, wanted_for(doc)))
        return false;
    if (srv_server_conf(b->req->server)->quota_bytes > 0 &&
        srv_lfs_used(store_of(b->req), b->place->repo->ns, &b->used, &err) != HF_OK) {
        srv_answer_failed(b->req, &err);
        return false;
    }
    b->multipart = lists_multipart(doc) && any_large(b);
    return true;
}

static void answer_batch(batch *b)
{
    hf__buf_init(&b->out, HF__MAX_JSON_BYTES);
    hf__buf_addf(&b->out, "{\"transfer\":\"%s\",\"hash_algo\":\"sha256\",\"objects\":[",
                 b->multipart ? "multipart" : "basic");
    for (size_t i = 0; i < hf__json_len(b->objects); i++) {
        if (i > 0)
            hf__buf_addc(&b->out, ',');
        add_object(b, hf__json_at(b->objects, i));
    }
    hf__buf_adds(&b->out, "]}");
    if (b->out.status == HF_ERR_LIMIT) {
        hf__buf_dispose(&b->out);
        lfs_error(b->req, 413, "these objects have too many parts for one answer: ask for fewer");
        return;
    }
    srv_answer_json(b->req, 200, &b->out);
    srv_header_set(b->req, "Content-Type", LFS_TYPE);
}

static void batch_handler(srv_req *req)
{
    batch b = { .req = req, .place = req->state };
    hf_error err = HF_ERROR_INIT;
    const char *operation;
    hf__json *doc = NULL;

    if (hf__json_parse(hf__buf_str(&req->body), "batch request", &doc, &err) != HF_OK) {
        lfs_error(req, 422, err.message);
        return;
    }
    operation = hf__json_text(doc, "operation");
    b.objects = hf__json_get(doc, "objects");
    b.upload = operation && strcmp(operation, "upload") == 0;
    if (!operation || (!b.upload && strcmp(operation, "download") != 0))
        lfs_error(req, 422, "operation must be 'download' or 'upload'");
    else if (!hf__json_is_array(b.objects) || hf__json_len(b.objects) > MAX_BATCH)
        lfs_error(req, hf__json_is_array(b.objects) ? 413 : 422,
                  "objects must be a list of at most 1000");
    else if (!b.upload || allow_upload(&b, doc))
        answer_batch(&b);
    hf__json_free(doc);
}

void srv_lfs_batch(srv_req *req, srv_place *place)
{
    if (!srv_only(req, "POST") || !srv_place_open(req, place, SRV_WANT_CONTENT))
        return;
    req->state = place;
    req->handler = batch_handler;
}

/* ------------------------------------------------------------------------------------------ verify */

static void verify_handler(srv_req *req)
{
    srv_place *place = req->state;
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;
    const char *oid;
    uint64_t size = 0;
    uint64_t stored = 0;
    bool has = false;

    if (hf__json_parse(hf__buf_str(&req->body), "verify request", &doc, &err) != HF_OK) {
        lfs_error(req, 422, err.message);
        return;
    }
    oid = hf__json_text(doc, "oid");
    if (!oid || !hf__json_u64(doc, "size", &size))
        lfs_error(req, 422, "a verify request has an oid and a size");
    else if (srv_lfs_has(store_of(req), place->repo, oid, &has, &stored, &err) != HF_OK)
        srv_answer_failed(req, &err);
    else if (!has)
        lfs_error(req, 404, "Object does not exist");
    else if (stored != size)
        lfs_error(req, 422, "The object has another size");
    else {
        srv_answer_text(req, 200, LFS_TYPE, HF__STR("{}"));
    }
    hf__json_free(doc);
}

void srv_lfs_verify(srv_req *req, srv_place *place)
{
    hf_error err = HF_ERROR_INIT;
    const char *why;

    if (!srv_only(req, "POST"))
        return;
    /* By a signed URL, since not every client sends its token here, or by a token. */
    if (srv_sign_check(req, &why) == 0) {
        if (srv_repo_find(store_of(req), place->type, hf__str_from(place->id), req->arena,
                          &place->repo, NULL, &err) != HF_OK) {
            srv_answer_error(req, 404, "RepoNotFound", "Repository not found");
            return;
        }
    } else if (!srv_place_open(req, place, SRV_WANT_CONTENT)) {
        return;
    }
    req->state = place;
    req->handler = verify_handler;
}
