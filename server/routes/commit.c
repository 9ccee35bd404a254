/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST {A}/commit/{rev}: lines of operations become one commit. Contents are stored while they
 * come; what is remembered of them is a list of names and ids. The tree is built at the end, on
 * whatever the branch is then, so that nobody waits for a slow sender, and two commits that do not
 * name their parent both happen.
 */
#include "routes/ndjson.h"
#include "routes/routes.h"

#include "core/base64.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#define MAX_OPS       200000
#define MAX_KEPT      ((size_t)32 * 1024 * 1024) /* bytes of text that wait for the end */
#define MAX_TRIES     50 /* when others commit to the same branch meanwhile */
#define CONTENT_SLACK ((size_t)1024)
#define FEW           16 /* files that are worth no pack */

#define OUTDATED "The branch was updated since you opened this page. Please refresh and try again."

typedef enum op_kind { OP_FILE, OP_LFS, OP_DELETE_FILE, OP_DELETE_FOLDER, OP_COPY } op_kind;

typedef struct commit_op {
    struct commit_op *next;
    op_kind kind;
    const char *path;
    const char *old_path;             /* of a rename; NULL: none */
    const char *from, *from_revision; /* of a copy */
    uint64_t size;                    /* of an LFS file */
    char id[SRV_SHA256_HEX + 1];      /* blob or LFS object */
} commit_op;

typedef struct committing {
    srv_req *req;
    srv_place *place;
    srv_git *git;
    srv_ndjson *lines;
    hf__arena *arena; /* the request's */
    const char *ref;  /* "refs/heads/main"; the base of a pull request */
    bool create_pr;
    const char *summary; /* NULL: the header did not come yet */
    const char *description;
    const char *parent; /* NULL: any */
    commit_op *ops, **last;
    size_t n_ops, n_lfs, n_files, n_kept;
    srv_pack *pack; /* NULL while there are few files */
    hf__buf bytes;  /* a decoded content */
} committing;

static srv_store *store_of(const srv_req *req)
{
    return ((srv_app *)srv_server_app(req->server))->store;
}

static void close_commit(void *user)
{
    committing *c = user;

    srv_ndjson_free(c->lines);
    c->lines = NULL;
    srv_pack_free(c->pack);
    c->pack = NULL;
    srv_git_close(c->git);
    c->git = NULL;
    hf__buf_dispose(&c->bytes);
}

/* ----------------------------------------------------------------------------------------- lines */

static hf_status keep_text(committing *c, const hf__json *value, const char *name, bool needed,
                           const char **out, hf_error *err)
{
    const hf__json *member = hf__json_get(value, name);
    const char *text = hf__json_text(value, name);

    *out = NULL;
    if (!text && (needed || !hf__json_is_null(member)))
        return hf__fail(err, HF_ERR_INVALID_ARG, "'%s' must be a string", name);
    if (!text)
        return HF_OK;
    c->n_kept += strlen(text);
    if (c->n_kept > MAX_KEPT)
        return hf__fail(err, HF_ERR_LIMIT, "the paths of a commit have at most %zu bytes together",
                        MAX_KEPT);
    *out = hf__arena_cstr(c->arena, text);
    return *out ? HF_OK : hf__fail_nomem(err);
}

/* Checked before it is kept, not when the tree is built: a line may be a thousand times as long as
 * a path. That of a folder may end in '/'. */
static hf_status keep_path(committing *c, const hf__json *value, const char *name, bool needed,
                           bool folder, const char **out, hf_error *err)
{
    const char *text = hf__json_text(value, name);
    hf__str path = hf__str_from(text);
    hf_status st = HF_OK;

    if (folder && hf__str_ends(path, HF__STR("/")))
        path.len--;
    if (text)
        st = srv_path_check(path, err);
    return st == HF_OK ? keep_text(c, value, name, needed, out, err) : st;
}

static hf_status take_header(committing *c, const hf__json *value, hf_error *err)
{
    hf_status st;
    size_t len;

    if (c->summary)
        return hf__fail(err, HF_ERR_INVALID_ARG, "a commit has one header");
    st = keep_text(c, value, "summary", true, &c->summary, err);
    if (st == HF_OK)
        st = keep_text(c, value, "description", false, &c->description, err);
    if (st == HF_OK)
        st = keep_text(c, value, "parentCommit", false, &c->parent, err);
    if (st != HF_OK)
        return st;
    if (hf__str_trim(hf__str_from(c->summary)).len == 0)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the summary of a commit must not be empty");
    if (c->parent && c->parent[0] == '\0')
        c->parent = NULL;
    len = c->parent ? strlen(c->parent) : 0;
    if (c->parent &&
        (len < 5 || len > SRV_OID_HEX || !hf__str_is_hex(hf__str_from(c->parent), len)))
        return hf__fail(err, HF_ERR_INVALID_ARG, "parentCommit must be 5 to 40 hex digits");
    return HF_OK;
}

/* Text whose escapes stand as they came. */
static hf_status decode_text(committing *c, hf__str raw, hf_error *err)
{
    hf__json *doc = NULL;
    hf__str text;
    hf__buf quoted;
    hf_status st;

    hf__buf_init(&quoted, raw.len + 8);
    hf__buf_adds(&quoted, "[\"");
    hf__buf_add_str(&quoted, raw);
    hf__buf_adds(&quoted, "\"]");
    st = quoted.status == HF_OK ? hf__json_parse(hf__buf_str(&quoted), "content", &doc, err)
                                : hf__fail(err, quoted.status, "a content is too large");
    hf__buf_dispose(&quoted);
    if (st == HF_OK) {
        text = hf__json_str(hf__json_at(doc, 0));
        hf__buf_add_str(&c->bytes, text);
    }
    hf__json_free(doc);
    return st;
}

static hf_status decode_content(committing *c, const hf__json *value, hf__str raw, const char *path,
                                hf_error *err)
{
    const char *encoding = hf__json_text(value, "encoding");
    hf__buf plain;
    hf_status st = HF_OK;
    bool ok = true;

    hf__buf_reset(&c->bytes);
    if (!encoding || strcmp(encoding, "utf-8") == 0)
        return decode_text(c, raw, err);
    if (strcmp(encoding, "base64") != 0)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the encoding of '%s' is not base64 or utf-8",
                        path);
    hf__buf_init(&plain, raw.len + 1);
    if (memchr(raw.ptr, '\\', raw.len)) { /* some write '/' as "\/" */
        st = decode_text(c, raw, err);
        hf__buf_add_str(&plain, hf__buf_str(&c->bytes));
        hf__buf_reset(&c->bytes);
        raw = hf__buf_str(&plain);
    }
    if (st == HF_OK)
        ok = hf__base64_decode(&c->bytes, HF__BASE64_STANDARD, raw);
    hf__buf_dispose(&plain);
    return st != HF_OK || ok
               ? st
               : hf__fail(err, HF_ERR_INVALID_ARG, "the content of '%s' is no base64", path);
}

static hf_status no_object(const char *path, hf_error *err)
{
    return hf__fail(err, HF_ERR_INVALID_ARG,
                    "Your push was rejected because an LFS pointer pointed to a file that does not "
                    "exist. Upload the object before the commit. Offending file: - %s",
                    path);
}

/* The text of a pointer makes an LFS file too, whatever it came as. */
static hf_status check_pointer(committing *c, const char *path, hf_error *err)
{
    char sha256[SRV_SHA256_HEX + 1];
    uint64_t size;
    bool has = true;
    hf_status st = HF_OK;

    if (c->bytes.len <= 1024 && srv_lfs_pointer(hf__buf_str(&c->bytes), sha256, &size))
        st = srv_lfs_has(store_of(c->req), c->place->repo, sha256, &has, NULL, err);
    return st == HF_OK && !has ? no_object(path, err) : st;
}

static hf_status store_file(committing *c, char oid[SRV_OID_HEX + 1], hf_error *err)
{
    hf_status st = HF_OK;

    if (++c->n_files <= FEW)
        return srv_git_write(c->git, hf__buf_str(&c->bytes), oid, err);
    if (!c->pack)
        st = srv_pack_new(c->git, &c->pack, err);
    return st == HF_OK ? srv_pack_add(c->pack, hf__buf_str(&c->bytes), oid, err) : st;
}

static hf_status take_file(committing *c, commit_op *op, const hf__json *value, hf__str raw,
                           hf_error *err)
{
    const srv_conf *conf = srv_server_conf(c->req->server);
    hf_status st;

    op->kind = OP_FILE;
    if (!raw.ptr)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the file '%s' has no content", op->path);
    st = decode_content(c, value, raw, op->path, err);
    if (st == HF_OK && c->bytes.status != HF_OK)
        st = hf__fail(err, c->bytes.status,
                      "'%s' is larger than the %llu bytes that go into a commit: it needs LFS",
                      op->path, (unsigned long long)conf->lfs_threshold);
    if (st == HF_OK)
        st = check_pointer(c, op->path, err);
    if (st == HF_OK)
        st = store_file(c, op->id, err);
    return st;
}

static hf_status take_lfs(committing *c, commit_op *op, const hf__json *value, hf_error *err)
{
    const char *algo = hf__json_text(value, "algo");
    const char *oid = hf__json_text(value, "oid");
    uint64_t stored = 0;
    bool has = false;
    hf_status st;

    op->kind = OP_LFS;
    if ((algo && strcmp(algo, "sha256") != 0) || !oid ||
        !hf__str_is_hex(hf__str_from(oid), SRV_SHA256_HEX))
        return hf__fail(err, HF_ERR_INVALID_ARG, "the LFS file '%s' has no SHA-256", op->path);
    memcpy(op->id, oid, SRV_SHA256_HEX + 1);
    st = srv_lfs_has(store_of(c->req), c->place->repo, oid, &has, &stored, err);
    if (st != HF_OK)
        return st;
    if (!has)
        return no_object(op->path, err);
    if (!hf__json_is_null(hf__json_get(value, "size")) &&
        (!hf__json_u64(value, "size", &op->size) || op->size != stored))
        return hf__fail(err, HF_ERR_INVALID_ARG, "the LFS object of '%s' has %llu bytes", op->path,
                        (unsigned long long)stored);
    op->size = stored;
    c->n_lfs++;
    return HF_OK;
}

static hf_status take_copy(committing *c, commit_op *op, const hf__json *value, hf_error *err)
{
    const char *revision = hf__json_text(value, "srcRevision");
    hf_status st;

    op->kind = OP_COPY;
    if (revision && strlen(revision) > HF__MAX_REVISION)
        return hf__fail(err, HF_ERR_REVISION_NOT_FOUND, "no such revision");
    st = keep_path(c, value, "srcPath", true, false, &op->from, err);
    return st == HF_OK ? keep_text(c, value, "srcRevision", false, &op->from_revision, err) : st;
}

static hf_status take_operation(committing *c, const char *key, const hf__json *value, hf__str raw,
                                hf_error *err)
{
    commit_op *op = hf__arena_alloc(c->arena, sizeof(*op));
    hf_status st = op ? HF_OK : hf__fail_nomem(err);

    if (st == HF_OK && ++c->n_ops > MAX_OPS)
        st = hf__fail(err, HF_ERR_LIMIT, "a commit has at most %d operations", MAX_OPS);
    if (st == HF_OK)
        st = keep_path(c, value, "path", true, strcmp(key, "deletedFolder") == 0, &op->path, err);
    if (st == HF_OK)
        st = keep_path(c, value, "oldPath", false, false, &op->old_path, err);
    if (st != HF_OK)
        return st;
    if (strcmp(key, "file") == 0) {
        st = take_file(c, op, value, raw, err);
    } else if (strcmp(key, "lfsFile") == 0) {
        st = take_lfs(c, op, value, err);
    } else if (strcmp(key, "deletedFile") == 0) {
        op->kind = OP_DELETE_FILE;
    } else if (strcmp(key, "deletedFolder") == 0) {
        op->kind = OP_DELETE_FOLDER;
    } else if (strcmp(key, "copyFile") == 0) {
        st = take_copy(c, op, value, err);
    } else {
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown operation '%s'", key);
    }
    if (st == HF_OK) {
        *c->last = op;
        c->last = &op->next;
    }
    return st;
}

static hf_status take_line(void *user, const hf__json *line, hf__str raw, hf_error *err)
{
    committing *c = user;
    const char *key = hf__json_text(line, "key");
    const hf__json *value = hf__json_get(line, "value");

    if (!key || !hf__json_is_object(value))
        return hf__fail(err, HF_ERR_INVALID_ARG, "a line is {\"key\": …, \"value\": {…}}");
    if (strcmp(key, "header") == 0)
        return take_header(c, value, err);
    if (!c->summary)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the first line of a commit is its header");
    return take_operation(c, key, value, raw, err);
}

/* -------------------------------------------------------------------------------------- applying */

static hf_status apply_copy(committing *c, srv_change *change, const commit_op *op,
                            const char *base, hf_error *err)
{
    char commit[SRV_OID_HEX + 1];
    hf_status st = HF_OK;

    if (op->from_revision)
        st = srv_git_resolve(c->git, hf__str_from(op->from_revision), commit, err);
    else
        (void)snprintf(commit, sizeof commit, "%s", base);
    if (st == HF_OK)
        st = srv_change_copy(change, commit, hf__str_from(op->from), hf__str_from(op->path), err);
    return st;
}

static hf_status apply_op(committing *c, srv_change *change, const commit_op *op, const char *base,
                          hf_error *err)
{
    hf__str path = hf__str_from(op->path);
    hf_status st = HF_OK;

    if (op->old_path && strcmp(op->old_path, op->path) != 0)
        st = srv_change_delete_file(change, hf__str_from(op->old_path), err);
    if (st != HF_OK)
        return st;
    switch (op->kind) {
    case OP_FILE:
        return srv_change_add_blob(change, path, op->id, err);
    case OP_LFS:
        return srv_change_put_lfs(change, path, op->id, op->size, err);
    case OP_DELETE_FILE:
        return srv_change_delete_file(change, path, err);
    case OP_DELETE_FOLDER:
        return srv_change_delete_folder(change, path, err);
    case OP_COPY:
    default:
        return apply_copy(c, change, op, base, err);
    }
}

/* What is LFS here must be LFS for who clones. Files that a later line took away do not count. */
static hf_status track(committing *c, srv_change *change, hf_error *err)
{
    hf__str *paths;
    size_t n = 0;

    if (c->n_lfs == 0)
        return HF_OK;
    paths = hf__arena_array(c->arena, c->n_lfs, sizeof(*paths));
    if (!paths)
        return hf__fail_nomem(err);
    for (const commit_op *op = c->ops; op; op = op->next)
        if (op->kind == OP_LFS && op->size > 0)
            paths[n++] = hf__str_from(op->path);
    return srv_change_track_lfs(change, paths, n, err);
}

static hf_status commit_on(committing *c, const char *base, const char *ref, const char *parent,
                           char out[SRV_OID_HEX + 1], bool *made, hf_error *err)
{
    srv_commit_spec spec = { .ref = ref,
                             .parent = parent,
                             .author = c->req->who->account->name,
                             .title = c->summary,
                             .message = c->description };
    srv_change *change = NULL;
    hf_status st = srv_change_new(c->git, base, &change, err);

    for (const commit_op *op = c->ops; st == HF_OK && op; op = op->next) {
        st = apply_op(c, change, op, base, err);
        if (st == HF_ERR_ENTRY_NOT_FOUND)
            (void)hf__fail(err, st, "A file with this name doesn't exist: %s",
                           op->kind == OP_COPY ? op->from : op->path);
    }
    if (st == HF_OK)
        st = track(c, change, err);
    if (st == HF_OK)
        st = srv_change_commit(change, &spec, out, made, err);
    srv_change_free(change);
    return st;
}

static bool stands_at(const char *commit, const char *parent)
{
    return !parent || strncmp(commit, parent, strlen(parent)) == 0;
}

static hf_status outdated(hf_error *err)
{
    return hf__fail(err, HF_ERR_CHANGED, "%s", OUTDATED);
}

/* On the branch, wherever it is by now. */
static hf_status commit_to_branch(committing *c, char out[SRV_OID_HEX + 1], hf_error *err)
{
    char base[SRV_OID_HEX + 1];
    hf_status st = HF_OK;
    bool made;

    for (unsigned tries = 0; tries < MAX_TRIES; tries++) {
        st = srv_git_resolve(c->git, hf__str_from(c->ref), base, err);
        if (st == HF_OK && !stands_at(base, c->parent))
            return outdated(err);
        if (st == HF_OK)
            st = commit_on(c, base, c->ref, base, out, &made, err);
        if (st != HF_ERR_CONFLICT)
            break;
        if (!srv_pause(c->req, 5 + 10 * (tries < 20 ? tries : 20)))
            break;
    }
    return st;
}

/* ---------------------------------------------------------------------------------- pull requests */

/* parentCommit of a pull request is what it starts from. */
static hf_status find_base(committing *c, char base[SRV_OID_HEX + 1], hf_error *err)
{
    hf_status st = srv_git_resolve(c->git, hf__str_from(c->ref), base, err);

    if (st != HF_OK || stands_at(base, c->parent))
        return st;
    if (strlen(c->parent) == SRV_OID_HEX)
        return srv_git_resolve(c->git, hf__str_from(c->parent), base, err);
    return outdated(err);
}

/* The number is taken first; when the commit fails there was no pull request. */
static hf_status commit_to_new_pr(committing *c, char out[SRV_OID_HEX + 1], uint64_t *number,
                                  hf_error *err)
{
    srv_talk talk = { .title = c->summary,
                      .is_pr = true,
                      .status = SRV_TALK_OPEN,
                      .author = c->req->who->account->name };
    char base[SRV_OID_HEX + 1];
    char ref[64];
    bool made;
    hf_status st = find_base(c, base, err);

    if (st == HF_OK)
        st = srv_talk_new(store_of(c->req), c->place->repo, &talk,
                          c->description ? c->description : "", number, err);
    if (st != HF_OK)
        return st;
    (void)snprintf(ref, sizeof ref, "refs/pr/%llu", (unsigned long long)*number);
    st = commit_on(c, base, ref, "", out, &made, err);
    if (st != HF_OK)
        (void)srv_talk_drop(store_of(c->req), c->place->repo, *number, NULL);
    return st;
}

/* --------------------------------------------------------------------------------------- answers */

static void refuse(srv_req *req, hf_status st, const hf_error *err)
{
    switch (st) {
    case HF_ERR_CHANGED:
        srv_answer_error(req, 412, NULL, "%s", err->message);
        break;
    case HF_ERR_PROTOCOL:
        srv_answer_error(req, 400, NULL, "%s", err->message);
        break;
    case HF_ERR_ENTRY_NOT_FOUND:
        srv_answer_error(req, 404, "EntryNotFound", "%s", err->message);
        break;
    case HF_ERR_CONFLICT:
        srv_answer_error(req, 503, NULL, "too many commits to this branch at once: try again");
        break;
    default:
        srv_answer_status(req, st, err);
    }
}

static void answer_commit(committing *c, const char *commit, uint64_t pr)
{
    const char *base = srv_base_url(c->req, SRV_HUB);
    const char *web = srv_place_web(c->req, c->place);
    hf__buf out;

    hf__buf_init(&out, SRV_MAX_TARGET);
    hf__buf_addf(&out, "{\"success\":true,\"commitOid\":\"%s\",\"commitUrl\":\"%s%s/commit/%s\"",
                 commit, base, web, commit);
    if (pr > 0)
        hf__buf_addf(&out, ",\"pullRequestUrl\":\"%s%s/discussions/%llu\"", base, web,
                     (unsigned long long)pr);
    hf__buf_adds(&out, ",\"hookOutput\":\"\"}");
    srv_answer_json(c->req, 200, &out);
}

static bool on_piece(srv_req *req, const char *bytes, size_t len)
{
    committing *c = req->state;
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_ndjson_feed(c->lines, bytes, len, &err);

    if (st != HF_OK)
        refuse(req, st, &err);
    return st == HF_OK;
}

static void handler(srv_req *req)
{
    committing *c = req->state;
    char commit[SRV_OID_HEX + 1] = "";
    hf_error err = HF_ERROR_INIT;
    uint64_t pr = 0;
    hf_status st = srv_ndjson_end(c->lines, &err);

    if (st == HF_OK && !c->summary)
        st = hf__fail(&err, HF_ERR_INVALID_ARG, "the first line of a commit is its header");
    if (st == HF_OK && c->pack)
        st = srv_pack_end(c->pack, &err);
    if (st == HF_OK)
        st = c->create_pr ? commit_to_new_pr(c, commit, &pr, &err)
                          : commit_to_branch(c, commit, &err);
    if (st == HF_OK)
        answer_commit(c, commit, pr);
    else
        refuse(req, st, &err);
}

/* The branch or pull request that the URL names; false when it answered. */
static bool find_ref(committing *c)
{
    const char *revision = srv_place_revision_text(c->req, c->place);
    char commit[SRV_OID_HEX + 1];
    hf_error err = HF_ERROR_INIT;
    hf_status st;
    hf__buf ref;

    if (!revision)
        return false;
    hf__buf_init(&ref, HF__MAX_REVISION + 16);
    if (strncmp(revision, "refs/", 5) != 0)
        hf__buf_adds(&ref, "refs/heads/");
    hf__buf_adds(&ref, revision);
    c->ref = ref.status == HF_OK ? hf__arena_str(c->arena, hf__buf_str(&ref)) : NULL;
    hf__buf_dispose(&ref);
    st = c->ref ? srv_git_resolve(c->git, hf__str_from(c->ref), commit, &err)
                : HF_ERR_REVISION_NOT_FOUND;
    if (st == HF_OK && strncmp(c->ref, "refs/heads/", 11) != 0 &&
        strncmp(c->ref, "refs/pr/", 8) != 0)
        srv_answer_error(c->req, 400, NULL, "commits go to branches and pull requests, not to '%s'",
                         revision);
    else if (st == HF_ERR_REVISION_NOT_FOUND &&
             srv_git_resolve(c->git, hf__str_from(revision), commit, NULL) == HF_OK)
        srv_answer_error(c->req, 400, NULL, "'%s' is no branch: commits go to branches", revision);
    else if (st == HF_ERR_REVISION_NOT_FOUND)
        srv_answer_error(c->req, 404, "RevisionNotFound", "Invalid rev id: %s", revision);
    else if (st != HF_OK)
        srv_answer_failed(c->req, &err);
    else
        return true;
    return false;
}

/* A pull request belongs to whoever opened it, and to those who may write to the repo. */
static bool may_commit_to(committing *c)
{
    hf_error err = HF_ERROR_INIT;
    uint64_t num = 0;
    srv_talk talk;

    if (c->create_pr || srv_place_may(c->req, c->place, SRV_WANT_WRITE))
        return true;
    if (hf__str_starts(hf__str_from(c->ref), HF__STR("refs/pr/")) &&
        hf__str_to_u64(hf__str_from(c->ref + 8), &num) && num <= INT32_MAX &&
        srv_talk_find(store_of(c->req), c->place->repo, num, c->arena, &talk, &err) == HF_OK &&
        talk.author &&
        hf__str_eq_nocase(hf__str_from(talk.author), hf__str_from(c->req->who->account->name)))
        return true;
    srv_answer_error(c->req, 403, NULL, "You don't have the rights to do this on %s.",
                     c->place->repo->full_name);
    return false;
}

void srv_commit_to(srv_req *req, srv_place *place)
{
    const srv_conf *conf = srv_server_conf(req->server);
    size_t max_file = (size_t)conf->lfs_threshold;
    committing *c = hf__arena_alloc(req->arena, sizeof(*c));
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    if (!srv_only(req, "POST") || !srv_place_open(req, place, srv_want_of_commit(req, place)))
        return;
    st = c ? srv_git_open(store_of(req), place->repo, &c->git, &err) : hf__fail_nomem(&err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    c->req = req;
    c->place = place;
    c->arena = req->arena;
    c->last = &c->ops;
    c->create_pr = srv_req_flag(req, "create_pr");
    hf__buf_init(&c->bytes, max_file);
    c->lines = srv_ndjson_new(max_file / 3 * 4 + CONTENT_SLACK, take_line, c);
    req->answer.close = close_commit;
    req->answer.user = c;
    if (!c->lines) {
        srv_answer_error(req, 503, NULL, "out of memory");
        return;
    }
    if (!find_ref(c) || !may_commit_to(c))
        return;
    req->state = c;
    req->on_piece = on_piece;
    req->handler = handler;
}
