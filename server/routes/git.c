/* SPDX-License-Identifier: Apache-2.0 */
/* Smart HTTP through git's own backend, and the LFS batch call that tells where objects are. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define MAX_BATCH 1000
#define LFS_TYPE  "application/vnd.git-lfs+json"

static srv_app *app_of(const srv_req *req)
{
    return srv_server_app(req->server);
}

/* ------------------------------------------------------------------------------------ smart HTTP */

/* What this server lets git do over HTTP. A service that is not here does not exist. */
static const struct service {
    const char *name;
    srv_want want;
} services[] = {
    { "git-upload-pack", SRV_WANT_CONTENT },
};

static const struct service *find_service(hf__str name)
{
    for (size_t i = 0; i < HF__COUNT(services); i++)
        if (hf__str_eq(name, hf__str_from(services[i].name)))
            return &services[i];
    return NULL;
}

static void run_backend(srv_req *req, srv_place *place, srv_want want)
{
    const char *path = hf__arena_str(req->arena, place->after);

    if (!path || !srv_place_open(req, place, want))
        return;
    srv_cgi_start(req, place->repo->git_dir, path,
                  req->who->account ? req->who->account->name : NULL);
}

static void info_refs(srv_req *req, srv_place *place)
{
    const char *name = srv_req_param(req, "service");
    const struct service *service;

    if (!srv_only(req, "GET"))
        return;
    if (!name) {
        srv_answer_error(req, 403, NULL, "this server speaks git's smart protocol only");
        return;
    }
    service = find_service(hf__str_from(name));
    if (!service)
        srv_answer_error(req, 403, NULL, "the service '%.64s' is not offered here", name);
    else
        run_backend(req, place, service->want);
}

void srv_git_http(srv_req *req, srv_place *place)
{
    const hf__str *seg = place->segments;
    const struct service *service = find_service(seg[0]);

    place->is_git = true;
    if (place->n_segments == 2 && hf__str_eq(seg[0], HF__STR("info")) &&
        hf__str_eq(seg[1], HF__STR("refs"))) {
        info_refs(req, place);
    } else if (place->n_segments == 1 && service) {
        if (srv_only(req, "POST"))
            run_backend(req, place, service->want);
    } else if (place->n_segments == 1 && hf__str_eq(seg[0], HF__STR("HEAD"))) {
        if (srv_only(req, "GET"))
            run_backend(req, place, SRV_WANT_CONTENT);
    } else if (place->n_segments == 4 && hf__str_eq(seg[1], HF__STR("lfs")) &&
               hf__str_eq(seg[2], HF__STR("objects")) && hf__str_eq(seg[3], HF__STR("batch"))) {
        srv_lfs_batch(req, place);
    } else {
        srv_answer_error(req, 404, NULL, "Not Found"); /* locks/verify too: no locking here */
    }
}

/* ------------------------------------------------------------------------------------- LFS batch */

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

static void add_object(srv_req *req, const srv_place *place, hf__buf *out, const hf__json *object)
{
    uint32_t ttl = srv_server_conf(req->server)->url_ttl;
    const char *oid = hf__json_text(object, "oid");
    hf_error err = HF_ERROR_INIT;
    const char *url = NULL;
    uint64_t size = 0;
    uint64_t stored = 0;
    bool valid = oid && hf__str_is_hex(hf__str_from(oid), SRV_SHA256_HEX);
    bool has = false;

    hf__json_u64(object, "size", &size);
    if (valid && srv_lfs_has(app_of(req)->store, place->repo, oid, &has, &stored, &err) != HF_OK)
        has = false;
    if (has)
        url = srv_sign_object(req, oid, NULL);
    hf__buf_addc(out, '{');
    srv_json_text(out, "oid", oid ? oid : "");
    if (url) {
        hf__buf_addf(out,
                     "\"size\":%llu,\"authenticated\":true,\"actions\":{\"download\":{\"href\":",
                     (unsigned long long)stored);
        hf__json_add_string(out, hf__str_from(url));
        hf__buf_addf(out, ",\"header\":{},\"expires_in\":%u}}}", ttl);
    } else {
        hf__buf_addf(out, "\"size\":%llu,\"error\":{\"code\":%d,\"message\":\"%s\"}}",
                     (unsigned long long)size, valid ? 404 : 422,
                     valid ? "Object does not exist" : "The oid is no SHA-256");
    }
}

static void batch_handler(srv_req *req)
{
    srv_place *place = req->state;
    hf_error err = HF_ERROR_INIT;
    const hf__json *objects;
    const char *operation;
    hf__json *doc = NULL;
    hf__buf out;

    if (hf__json_parse(hf__buf_str(&req->body), "batch request", &doc, &err) != HF_OK) {
        lfs_error(req, 422, err.message);
        return;
    }
    operation = hf__json_text(doc, "operation");
    objects = hf__json_get(doc, "objects");
    if (!operation || strcmp(operation, "download") != 0) {
        lfs_error(req, operation ? 501 : 422, "only downloads are offered here");
    } else if (!hf__json_is_array(objects) || hf__json_len(objects) > MAX_BATCH) {
        lfs_error(req, hf__json_is_array(objects) ? 413 : 422,
                  "objects must be a list of at most 1000");
    } else {
        hf__buf_init(&out, HF__MAX_JSON_BYTES);
        hf__buf_adds(&out, "{\"transfer\":\"basic\",\"hash_algo\":\"sha256\",\"objects\":[");
        for (size_t i = 0; i < hf__json_len(objects); i++) {
            if (i > 0)
                hf__buf_addc(&out, ',');
            add_object(req, place, &out, hf__json_at(objects, i));
        }
        hf__buf_adds(&out, "]}");
        srv_answer_json(req, 200, &out);
        srv_header_set(req, "Content-Type", LFS_TYPE);
    }
    hf__json_free(doc);
}

void srv_lfs_batch(srv_req *req, srv_place *place)
{
    if (!srv_only(req, "POST") || !srv_place_open(req, place, SRV_WANT_CONTENT))
        return;
    req->state = place;
    req->handler = batch_handler;
}
