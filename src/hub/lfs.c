/* SPDX-License-Identifier: Apache-2.0 */
/* The LFS batch of an upload and the requests that follow from it (hub-http.md 7.3, 7.4). */
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define LFS_JSON  "application/vnd.git-lfs+json"
#define MAX_PARTS 100000

void hf__lfs_action_dispose(hf__lfs_action *action)
{
    hf__arena_free(action->arena);
    memset(action, 0, sizeof(*action));
}

/* ---- reading an action */

typedef struct part_url {
    uint64_t number;
    const char *url;
} part_url;

static int by_number(const void *a_, const void *b_)
{
    const part_url *a = a_;
    const part_url *b = b_;

    return a->number < b->number ? -1 : a->number > b->number;
}

static bool read_chunk_size(const hf__json *header, uint64_t *out)
{
    const char *text = hf__json_text(header, "chunk_size");

    return (text ? hf__str_to_u64(hf__str_from(text), out)
                 : hf__json_u64(header, "chunk_size", out)) &&
           *out > 0;
}

/* A server that kept parts of an upload which was broken off says so in their URLs: have=ETAG. */
static const char *kept_etag(hf__lfs_action *out, const char *url)
{
    const char *query = strchr(url, '?');
    const char *at = query ? strstr(query, "have=") : NULL;
    size_t len;
    char text[70];

    if (!at || (at[-1] != '?' && at[-1] != '&'))
        return NULL;
    at += 5;
    len = strspn(at, "0123456789abcdef");
    if (len == 0 || len > 64 || (at[len] && at[len] != '&'))
        return NULL;
    (void)snprintf(text, sizeof(text), "\"%.*s\"", (int)len, at);
    return hf__arena_cstr(out->arena, text);
}

/* Numbered members are parts, whatever their order; others are not ours. */
static hf_status read_parts(const hf__json *header, uint64_t size, hf__lfs_action *out,
                            hf_error *err)
{
    uint64_t wanted = (size + out->part_bytes - 1) / out->part_bytes;
    part_url *parts;
    const hf__json *value;
    const char *key;
    size_t n = 0;
    hf_status st = HF_OK;

    if (wanted == 0)
        wanted = 1;
    if (wanted > MAX_PARTS)
        return hf__fail(err, HF_ERR_PROTOCOL, "the server cuts a file into %llu parts",
                        (unsigned long long)wanted);
    parts = calloc((size_t)wanted, sizeof(*parts));
    if (!parts)
        return hf__fail_nomem(err);
    for (void *it = hf__json_next(header, NULL, &key, &value); it && st == HF_OK;
         it = hf__json_next(header, it, &key, &value)) {
        uint64_t number;

        if (!hf__str_to_u64(hf__str_from(key), &number) || !hf__json_is_string(value))
            continue;
        if (n < wanted) {
            parts[n].number = number;
            parts[n].url = hf__json_string(value);
        }
        n++;
    }
    qsort(parts, n < wanted ? n : (size_t)wanted, sizeof(*parts), by_number);
    for (size_t i = 0; i < n && i < wanted && st == HF_OK; i++) {
        out->parts[i] = hf__arena_cstr(out->arena, parts[i].url);
        if (parts[i].number != i + 1 || !parts[i].url)
            st = HF_ERR_PROTOCOL;
        else
            out->etags[i] = kept_etag(out, parts[i].url);
    }
    free(parts);
    if (st != HF_OK || n != wanted)
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the server named %zu parts for a file of %llu bytes, which needs %llu", n,
                        (unsigned long long)size, (unsigned long long)wanted);
    out->n_parts = n;
    return HF_OK;
}

hf_status hf__lfs_action_read(const hf__json *upload, uint64_t size, hf__lfs_action *out,
                              hf_error *err)
{
    const hf__json *header = hf__json_get(upload, "header");
    const char *href = hf__json_text(upload, "href");
    hf_status st = HF_OK;

    memset(out, 0, sizeof(*out));
    if (!href)
        return hf__fail(err, HF_ERR_PROTOCOL, "the server did not say where the file is to go");
    out->arena = hf__arena_new();
    out->href = out->arena ? hf__arena_cstr(out->arena, href) : NULL;
    if (!out->href) {
        st = hf__fail_nomem(err);
        goto done;
    }
    (void)hf__json_u64(upload, "expires_in", &out->expires_in_s);
    if (header && read_chunk_size(header, &out->part_bytes)) {
        size_t room = hf__json_len(header) + 1;

        out->parts = hf__arena_array(out->arena, room, sizeof(*out->parts));
        out->etags = hf__arena_array(out->arena, room, sizeof(*out->etags));
        st = out->parts && out->etags ? read_parts(header, size, out, err) : hf__fail_nomem(err);
    }
done:
    if (st == HF_OK && hf__arena_failed(out->arena))
        st = hf__fail_nomem(err);
    if (st != HF_OK)
        hf__lfs_action_dispose(out);
    return st;
}

/* ---- the batch */

static void add_body(hf__buf *body, const hf_repo_ref *repo, bool create_pr,
                     const hf__lfs_object *objects, size_t n)
{
    hf__buf_adds(body, "{\"operation\": \"upload\", \"transfers\": [\"basic\", \"multipart\"], "
                       "\"objects\": [");
    for (size_t i = 0; i < n; i++)
        hf__buf_addf(body, "%s{\"oid\": \"%s\", \"size\": %llu}", i ? ", " : "", objects[i].oid,
                     (unsigned long long)objects[i].size);
    hf__buf_adds(body, "], \"hash_algo\": \"sha256\"");
    if (!create_pr) {
        hf__buf_adds(body, ", \"ref\": {\"name\": ");
        hf__json_add_string(body, hf__str_from(hf__revision_or_main(repo)));
        hf__buf_addc(body, '}');
    }
    hf__buf_addc(body, '}');
}

static hf_status refused(const hf__json *error, const char *oid, hf_error *err)
{
    const char *message = hf__json_text(error, "message");
    uint64_t code = 0;

    (void)hf__json_u64(error, "code", &code);
    return hf__fail(err,
                    code == 413 || code == 507 ? HF_ERR_LIMIT
                    : code == 403              ? HF_ERR_FORBIDDEN
                                               : HF_ERR_BAD_REQUEST,
                    "the server does not take the object %.16s…: %.300s (code %llu)", oid,
                    message ? message : "it does not say why", (unsigned long long)code);
}

static hf__lfs_object *find(hf__lfs_object *objects, size_t n, size_t hint, const char *oid)
{
    if (hint < n && strcmp(objects[hint].oid, oid) == 0)
        return &objects[hint];
    for (size_t i = 0; i < n; i++)
        if (strcmp(objects[i].oid, oid) == 0)
            return &objects[i];
    return NULL;
}

static hf_status take_object(const hf__hub *hub, const hf__json *node, hf__lfs_object *object,
                             hf_error *err)
{
    const hf__json *error = hf__json_get(node, "error");
    const hf__json *actions = hf__json_get(node, "actions");
    const hf__json *upload = hf__json_get(actions, "upload");
    const char *verify = hf__json_text(hf__json_get(actions, "verify"), "href");
    hf__lfs_action *action = &object->action;
    hf__buf url;
    hf_status st;

    if (hf__json_is_object(error))
        return refused(error, object->oid, err);
    if (!hf__json_is_object(upload))
        return HF_OK;
    st = hf__lfs_action_read(upload, object->size, action, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&url, HF__MAX_URL);
    hf__hub_add_rewritten(hub, &url, action->href);
    action->href = hf__arena_cstr(action->arena, hf__buf_cstr(&url));
    if (verify) {
        hf__buf_reset(&url);
        hf__hub_add_rewritten(hub, &url, verify);
        action->verify = hf__arena_cstr(action->arena, hf__buf_cstr(&url));
    }
    st = url.status != HF_OK ? hf__fail(err, url.status, "the server's URL is too long")
         : hf__arena_failed(action->arena) ? hf__fail_nomem(err)
                                           : HF_OK;
    hf__buf_dispose(&url);
    return st;
}

static hf_status take_answer(const hf__hub *hub, const hf__json *doc, hf__lfs_object *objects,
                             size_t n, hf_error *err)
{
    const hf__json *list = hf__json_get(doc, "objects");
    size_t len = hf__json_is_array(list) ? hf__json_len(list) : 0;
    hf_status st = HF_OK;

    if (len != n)
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the LFS batch was about %zu objects, its answer is "
                        "about %zu",
                        n, len);
    for (size_t i = 0; i < len && st == HF_OK; i++) {
        const hf__json *node = hf__json_at(list, i);
        const char *oid = hf__json_text(node, "oid");
        hf__lfs_object *object = oid ? find(objects, n, i, oid) : NULL;

        if (!object || object->action.arena)
            return hf__fail(err, HF_ERR_PROTOCOL,
                            "the LFS batch answers about an object that was not asked for");
        st = take_object(hub, node, object, err);
    }
    return st;
}

hf_status hf__hub_lfs_batch(hf__hub *hub, const hf_repo_ref *repo, bool create_pr,
                            hf__lfs_object *objects, size_t n, const hf_cancel *cancel,
                            hf_error *err)
{
    hf__hub_exchange exchange = { .method = "POST",
                                  .accept = LFS_JSON,
                                  .content_type = LFS_JSON,
                                  .retry = HF__NET_RETRY_STANDARD,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = hub->read_timeout_ms };
    hf__json *doc = NULL;
    hf__net_resp resp = { 0 };
    hf__buf url;
    hf__buf body;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, HF__MAX_JSON_BYTES);
    hf__buf_addf(&url, "%s/", hub->endpoint);
    if (repo->type != HF_REPO_MODEL)
        hf__buf_addf(&url, "%s/", hf__repo_type_plural(repo->type));
    hf__buf_addf(&url, "%s.git/info/lfs/objects/batch", repo->id);
    add_body(&body, repo, create_pr, objects, n);
    st = url.status == HF_OK && body.status == HF_OK
             ? HF_OK
             : hf__fail(err, HF_ERR_NO_MEMORY, "no memory for an LFS batch");
    exchange.url = hf__buf_cstr(&url);
    exchange.body = hf__buf_cstr(&body);
    exchange.body_len = body.len;
    if (st == HF_OK)
        st = hf__hub_call(hub, &exchange, cancel, &resp, err);
    if (st == HF_OK)
        st = hf__hub_json(&resp, "answer to the LFS batch", &doc, err);
    if (st == HF_OK)
        st = take_answer(hub, doc, objects, n, err);
    if (st != HF_OK)
        for (size_t i = 0; i < n; i++)
            hf__lfs_action_dispose(&objects[i].action);
    hf__json_free(doc);
    hf__net_resp_dispose(&resp);
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

/* ---- what is sent to the storage */

void hf__lfs_completion(hf__buf *out, const char *oid, const char *const *etags, size_t n)
{
    hf__buf_addf(out, "{\"oid\": \"%s\", \"parts\": [", oid);
    for (size_t i = 0; i < n; i++) {
        hf__buf_addf(out, "%s{\"partNumber\": %zu, \"etag\": ", i ? ", " : "", i + 1);
        hf__json_add_string(out, hf__str_from(etags[i]));
        hf__buf_addc(out, '}');
    }
    hf__buf_adds(out, "]}");
}

void hf__lfs_put(const hf__hub *hub, const char *url, const hf__net_source *source,
                 hf__net_req *out)
{
    *out = (hf__net_req){ .method = "PUT",
                          .url = url,
                          .source = *source,
                          .retry = HF__NET_RETRY_UPLOAD,
                          .redirects = HF__NET_REDIRECT_ANY,
                          .timeout_ms = 3 * hub->read_timeout_ms };
}

hf_status hf__lfs_post(hf__hub *hub, const char *url, bool verify, const hf__buf *body,
                       hf__net_req *out, hf_error *err)
{
    static const hf__net_header accept[] = { { "Accept", LFS_JSON } };

    *out = (hf__net_req){ .method = "POST",
                          .url = url,
                          .headers = accept,
                          .n_headers = 1,
                          .body = hf__buf_cstr(body),
                          .body_len = body->len,
                          .content_type = LFS_JSON,
                          .retry = HF__NET_RETRY_UPLOAD,
                          .redirects = HF__NET_REDIRECT_ANY,
                          /* The storage puts the parts of a large file together meanwhile. */
                          .timeout_ms = 12 * hub->read_timeout_ms };
    if (verify && hf__net_same_origin(url, hub->endpoint))
        return hf__hub_auth(hub, &out->auth, err);
    return HF_OK;
}
