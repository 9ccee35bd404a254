/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of files: small ones from git, large ones by a redirect to the storage origin. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

static srv_app *app_of(const srv_req *req)
{
    return srv_server_app(req->server);
}

/* Nothing here is rendered: a page that a repo holds must not run as if it were ours. */
static const char *type_of(const char *path)
{
    static const char *const texts[] = { ".json", ".txt",  ".md",    ".py",   ".yaml",
                                         ".yml",  ".html", ".csv",   ".toml", ".gitattributes",
                                         ".xml",  ".cfg",  ".jinja", ".jsonl" };

    for (size_t i = 0; i < HF__COUNT(texts); i++)
        if (hf__str_ends(hf__str_from(path), hf__str_from(texts[i])))
            return "text/plain; charset=utf-8";
    return "application/octet-stream";
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* RFC 6266: a plain name for old readers, the real one for all others. */
void srv_set_disposition(srv_req *req, const char *name, bool attachment)
{
    hf__buf value;

    hf__buf_init(&value, 8 * HF__MAX_REPO_PATH);
    hf__buf_adds(&value, attachment ? "attachment" : "inline");
    hf__buf_adds(&value, "; filename*=UTF-8''");
    hf__buf_add_quoted(&value, hf__str_from(name), HF__QUOTE_SEGMENT);
    hf__buf_adds(&value, "; filename=\"");
    for (const char *c = name; *c; c++)
        hf__buf_addc(&value, *c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\' ? '?' : *c);
    hf__buf_adds(&value, "\";");
    if (value.status == HF_OK)
        srv_header_set(req, "Content-Disposition", hf__buf_cstr(&value));
    hf__buf_dispose(&value);
}

static void file_headers(srv_req *req, const char *path)
{
    if (!srv_req_param(req, "noContentDisposition"))
        srv_set_disposition(req, base_name(path), srv_req_flag(req, "download"));
    srv_header_set(req, "Content-Security-Policy", "default-src 'none'; sandbox");
    srv_header_set(req, "X-Content-Type-Options", "nosniff");
    srv_header_set(req, "Vary", "Origin, Accept");
}

/* ------------------------------------------------------------------------------- small files */

typedef struct blob_source {
    srv_git *git;
    srv_blob *blob;
} blob_source;

static int64_t blob_read(void *user, uint64_t at, char *out, size_t max)
{
    blob_source *source = user;
    hf_error err = HF_ERROR_INIT;
    size_t got = 0;

    return srv_blob_read(source->blob, at, out, max, &got, &err) == HF_OK ? (int64_t)got : -1;
}

static void blob_close(void *user)
{
    blob_source *source = user;

    srv_blob_close(source->blob);
    srv_git_close(source->git);
    free(source);
}

/* Takes git. */
static void answer_blob(srv_req *req, srv_git *git, const char *oid, const char *path)
{
    blob_source *source = calloc(1, sizeof(*source));
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    if (!source) {
        srv_git_close(git);
        srv_answer_error(req, 503, NULL, "out of memory");
        return;
    }
    source->git = git;
    st = srv_blob_open(git, oid, &source->blob, &err);
    if (st != HF_OK) {
        blob_close(source);
        srv_answer_status(req, st, &err);
        return;
    }
    file_headers(req, path);
    srv_answer_content(req, &(srv_content){ .size = srv_blob_size(source->blob),
                                            .etag = hf__arena_cstr(req->arena, oid),
                                            .type = type_of(path),
                                            .fd = -1,
                                            .read = blob_read,
                                            .close = blob_close,
                                            .user = source });
}

/* ------------------------------------------------------------------------------- large files */

static void answer_lfs(srv_req *req, const srv_place *place, const srv_entry *entry)
{
    hf_error err = HF_ERROR_INIT;
    uint64_t size = 0;
    bool has = false;
    int fd = -1;
    hf_status st;
    const char *url;

    srv_header_setf(req, "X-Linked-Etag", "\"%s\"", entry->sha256);
    srv_header_setf(req, "X-Linked-Size", "%llu", (unsigned long long)entry->size);
    file_headers(req, entry->path);
    if (srv_server_conf(req->server)->lfs_inline) {
        st = srv_lfs_open(app_of(req)->store, place->repo, entry->sha256, &fd, &size, &err);
        if (st == HF_OK)
            srv_answer_content(req, &(srv_content){ .size = size,
                                                    .etag = entry->sha256,
                                                    .type = type_of(entry->path),
                                                    .fd = fd });
    } else {
        st = srv_lfs_has(app_of(req)->store, place->repo, entry->sha256, &has, &size, &err);
        url = st == HF_OK ? srv_sign_object(req, entry->sha256, base_name(entry->path)) : NULL;
        if (st == HF_OK && has && url) {
            srv_header_set(req, "Cache-Control", "no-store");
            srv_header_set(req, "Accept-Ranges", "bytes");
            srv_header_set(req, "Content-Disposition", NULL);
            srv_answer_redirect(req, 302, url);
        } else if (st == HF_OK) {
            st = HF_ERR_ENTRY_NOT_FOUND;
        }
    }
    if (st == HF_ERR_ENTRY_NOT_FOUND) {
        srv_header_set(req, "X-Linked-Etag", NULL);
        srv_header_set(req, "X-Linked-Size", NULL);
        srv_answer_error(req, 404, NULL,
                         "the pointer of this file names an object that was never uploaded");
    } else if (st != HF_OK) {
        srv_answer_status(req, st, &err);
    }
}

/* ------------------------------------------------------------------------------------- resolve */

/* The Hub sends small files of public repos on to a path that a CDN may keep for ever. */
static void to_cache(srv_req *req, const srv_place *place, const char *commit,
                     const srv_entry *entry)
{
    hf__buf to;
    const char *text;

    hf__buf_init(&to, SRV_MAX_TARGET);
    hf__buf_addf(&to, "/api/resolve-cache/%s/%s/%s/", srv_repo_type_plural(place->type),
                 place->repo->full_name, commit);
    hf__buf_add_quoted(&to, hf__str_from(entry->path), HF__QUOTE_PATH);
    text = hf__arena_str(req->arena, hf__buf_str(&to));
    hf__buf_dispose(&to);
    srv_header_setf(req, "X-Linked-Etag", "\"%s\"", entry->oid);
    srv_answer_redirect(req, 307, text);
}

/* Takes git. */
static void answer_file(srv_req *req, srv_place *place, srv_git *git, const char *commit,
                        const char *path, bool pinned)
{
    srv_entry *entry = hf__arena_alloc(req->arena, sizeof(*entry));
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_ERR_NO_MEMORY;
    bool raw = place->n_segments > 0 && hf__str_eq(place->segments[0], HF__STR("raw"));

    srv_header_set(req, "X-Repo-Commit", commit);
    if (entry)
        st = srv_git_entry(git, commit, hf__str_from(path), req->arena, entry, &err);
    if (st == HF_OK && entry->is_dir)
        st = HF_ERR_ENTRY_NOT_FOUND;
    if (st == HF_ERR_UNSAFE_PATH || st == HF_ERR_INVALID_ARG)
        st = HF_ERR_ENTRY_NOT_FOUND; /* nothing of that name can be in a repo */
    if (st != HF_OK) {
        srv_git_close(git);
        srv_answer_status(req, st, &err);
    } else if (entry->is_lfs && !raw) {
        srv_git_close(git);
        answer_lfs(req, place, entry);
    } else if (app_of(req)->resolve_cache && !pinned && !raw && !place->repo->is_private &&
               place->repo->gated == SRV_GATED_NO) {
        srv_git_close(git);
        to_cache(req, place, commit, entry);
    } else {
        answer_blob(req, git, entry->oid, entry->path);
    }
}

static void resolve_at(srv_req *req, srv_place *place, size_t at, bool pinned)
{
    char commit[SRV_OID_HEX + 1];
    const char *path;
    srv_git *git;
    size_t n_used;

    if (!srv_only(req, "GET") || !srv_place_open(req, place, SRV_WANT_CONTENT) ||
        !srv_place_revision(req, place, at, &git, commit, &n_used))
        return;
    path = srv_place_path(req, place, at + n_used);
    if (!path)
        srv_git_close(git);
    else
        answer_file(req, place, git, commit, path, pinned);
}

void srv_resolve(srv_req *req, srv_place *place)
{
    resolve_at(req, place, 1, false);
}

/* /api/resolve-cache/{type}s/{ns}/{name}/{sha}/{path} */
void srv_resolve_cache(srv_req *req, hf__str *segments, size_t n)
{
    srv_place *place = hf__arena_alloc(req->arena, sizeof(*place));
    const char *id_end;
    const char *id;

    if (!place || n < 5 || !srv_repo_type_parse(segments[0], &place->type) ||
        !hf__str_is_hex(segments[3], SRV_OID_HEX)) {
        srv_answer_error(req, 404, NULL, "Not Found");
        return;
    }
    id_end = segments[2].ptr + segments[2].len;
    id = srv_unescape(req->arena, (hf__str){ segments[1].ptr, (size_t)(id_end - segments[1].ptr) },
                      false);
    if (!id) {
        srv_answer_error(req, 400, NULL, "malformed repo id in the URL");
        return;
    }
    place->id = id;
    place->before = (hf__str){ req->path.ptr, (size_t)(segments[1].ptr - req->path.ptr) };
    place->after = (hf__str){ id_end, (size_t)(req->path.ptr + req->path.len - id_end) };
    place->n_segments = n - 3;
    memcpy(place->segments, segments + 3, (n - 3) * sizeof(*segments));
    srv_header_set(req, "Cache-Control", "public, max-age=31536000, immutable");
    resolve_at(req, place, 0, true);
    if (req->answer.status >= 400)
        srv_header_set(req, "Cache-Control", NULL);
}
