/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks before it uploads: which files go to git and which to LFS, which are ignored,
 * and which are here already. */
#include "routes/routes.h"

#include "core/base64.h"
#include "core/limits.h"

#include <string.h>

#define MAX_FILES    1000
#define MAX_IGNORE   ((size_t)1024 * 1024)
#define SAMPLE_BYTES ((size_t)512)

typedef struct preupload {
    srv_req *req;
    srv_place *place;
    srv_git *git;
    srv_change *change; /* the commit's tree with the .gitattributes that will be in it */
    char commit[SRV_OID_HEX + 1];
    const char *ignore; /* text of the .gitignore that counts; NULL: none */
    hf__buf ignore_file;
    hf__buf out;
} preupload;

/* ------------------------------------------------------------------------------------------- rules */

static bool is_named(hf__str path, const char *name)
{
    hf__str tail = hf__str_from(name);

    return hf__str_ends(path, tail) &&
           (path.len == tail.len || path.ptr[path.len - tail.len - 1] == '/');
}

/* A NUL, or bytes that are no UTF-8. The sample may end in the middle of a character. */
static bool looks_binary(hf__str sample)
{
    while (sample.len > 0) {
        uint32_t code;
        size_t n = hf__utf8_next(sample, &code);

        if (n == 0)
            return sample.len >= 4;
        if (code == 0)
            return true;
        sample.ptr += n;
        sample.len -= n;
    }
    return false;
}

static bool sample_is_binary(const preupload *p, const hf__json *file)
{
    const char *text = hf__json_text(file, "sample");
    bool binary = false;
    hf__buf sample;

    if (!text)
        return false;
    hf__buf_init(&sample, 4 * SAMPLE_BYTES);
    if (hf__base64_decode(&sample, HF__BASE64_STANDARD,
                          srv_lifted(hf__buf_str(&p->req->body), text)) &&
        sample.status == HF_OK)
        binary = looks_binary(hf__buf_str(&sample));
    hf__buf_dispose(&sample);
    return binary;
}

/* An empty file has no pointer form, and git reads .gitattributes itself. */
static hf_status wants_lfs(preupload *p, const hf__json *file, hf__str path, uint64_t size,
                           bool *out, hf_error *err)
{
    hf_status st;

    *out = false;
    if (size == 0 || is_named(path, ".gitattributes"))
        return HF_OK;
    st = srv_change_is_lfs_path(p->change, path, out, err);
    if (st == HF_OK && !*out)
        *out = size > srv_server_conf(p->req->server)->lfs_threshold || sample_is_binary(p, file);
    return st;
}

/* ----------------------------------------------------------------------------------------- answers */

static hf_status add_file(preupload *p, const hf__json *file, hf_error *err)
{
    const srv_conf *conf = srv_server_conf(p->req->server);
    const char *text = hf__json_text(file, "path");
    hf__str path = hf__str_from(text);
    uint64_t size = 0;
    srv_entry entry;
    bool lfs = false;
    hf_status st;

    if (!text || !hf__json_u64(file, "size", &size))
        return hf__fail(err, HF_ERR_INVALID_ARG, "each of files has a path and a size");
    st = srv_path_check(path, err);
    if (st == HF_OK && conf->max_file_bytes > 0 && size > conf->max_file_bytes)
        st = hf__fail(err, HF_ERR_LIMIT, "'%s' is larger than the %llu bytes this server takes",
                      text, (unsigned long long)conf->max_file_bytes);
    if (st == HF_OK)
        st = wants_lfs(p, file, path, size, &lfs, err);
    if (st != HF_OK)
        return st;
    hf__buf_addc(&p->out, '{');
    srv_json_text(&p->out, "path", text);
    hf__buf_addf(&p->out, "\"uploadMode\":\"%s\",\"shouldIgnore\":%s", lfs ? "lfs" : "regular",
                 p->ignore && srv_ignores(hf__str_from(p->ignore), path) ? "true" : "false");
    st = srv_git_entry(p->git, p->commit, path, p->req->arena, &entry, err);
    if (st == HF_OK && !entry.is_dir && entry.is_lfs == lfs)
        hf__buf_addf(&p->out, ",\"oid\":\"%s\"", srv_entry_etag(&entry));
    hf__buf_addc(&p->out, '}');
    return st == HF_ERR_ENTRY_NOT_FOUND ? HF_OK : st;
}

/* The .gitignore of the request, else the one in the repo. */
static hf_status find_ignore(preupload *p, const hf__json *doc, hf_error *err)
{
    srv_entry entry;
    hf_status st;

    p->ignore = hf__json_text(doc, "gitIgnore");
    if (p->ignore)
        return HF_OK;
    st = srv_git_entry(p->git, p->commit, HF__STR(".gitignore"), p->req->arena, &entry, err);
    if (st == HF_ERR_ENTRY_NOT_FOUND || (st == HF_OK && (entry.is_dir || entry.is_lfs)))
        return HF_OK;
    if (st == HF_OK)
        st = srv_git_read(p->git, entry.oid, &p->ignore_file, err);
    if (st == HF_OK)
        p->ignore = hf__buf_cstr(&p->ignore_file);
    return st;
}

static hf_status answer(preupload *p, const hf__json *doc, hf_error *err)
{
    const hf__json *files = hf__json_get(doc, "files");
    const char *attributes = hf__json_text(doc, "gitAttributes");
    hf_status st;

    if (!hf__json_is_array(files))
        return hf__fail(err, HF_ERR_INVALID_ARG, "files must be a list");
    if (hf__json_len(files) > MAX_FILES)
        return hf__fail(err, HF_ERR_LIMIT, "at most %d files in one question", MAX_FILES);
    st = srv_change_new(p->git, p->commit, &p->change, err);
    if (st == HF_OK && attributes)
        st = srv_change_add_bytes(p->change, HF__STR(".gitattributes"), false,
                                  hf__str_from(attributes), err);
    if (st == HF_OK)
        st = find_ignore(p, doc, err);
    hf__buf_adds(&p->out, "{\"files\":[");
    for (size_t i = 0; st == HF_OK && i < hf__json_len(files); i++) {
        if (i > 0)
            hf__buf_addc(&p->out, ',');
        st = add_file(p, hf__json_at(files, i), err);
    }
    hf__buf_addf(&p->out, "],\"commitOid\":\"%s\"}", p->commit);
    return st;
}

static void handler(srv_req *req)
{
    preupload p = { .req = req, .place = req->state };
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;
    size_t n_used;
    hf__buf text;
    hf_status st;

    hf__buf_init(&text, 2 * SRV_MAX_BODY);
    srv_lift(hf__buf_str(&req->body), HF__STR("sample"), &text);
    st = text.status == HF_OK ? hf__json_parse(hf__buf_str(&text), "preupload request", &doc, &err)
                              : hf__fail_nomem(&err);
    hf__buf_dispose(&text);
    if (st != HF_OK) {
        srv_answer_error(req, st == HF_ERR_NO_MEMORY ? 503 : 400, NULL, "%s", err.message);
        return;
    }
    hf__buf_init(&p.ignore_file, MAX_IGNORE);
    hf__buf_init(&p.out, HF__MAX_JSON_BYTES);
    if (srv_place_revision(req, p.place, 1, &p.git, p.commit, &n_used)) {
        st = answer(&p, doc, &err);
        if (st == HF_OK) {
            srv_answer_json(req, 200, &p.out);
        } else {
            srv_answer_status(req, st, &err);
        }
    }
    srv_change_free(p.change);
    srv_git_close(p.git);
    hf__buf_dispose(&p.out);
    hf__buf_dispose(&p.ignore_file);
    hf__json_free(doc);
}

void srv_preupload(srv_req *req, srv_place *place)
{
    if (!srv_only(req, "POST") || !srv_place_open(req, place, srv_want_of_commit(req, place)))
        return;
    req->state = place;
    req->handler = handler;
}
