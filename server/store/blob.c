/* SPDX-License-Identifier: Apache-2.0 */
/* Content of git blobs, and LFS pointers among them. */
#include "store/private.h"

#include <stdlib.h>

#define N_FACTS ((size_t)1 << 16)

/* ------------------------------------------------------------------------------------- pointers */

void srv__pointer_format(hf__buf *out, const char *sha256, uint64_t size)
{
    hf__buf_addf(out, "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %llu\n",
                 sha256, (unsigned long long)size);
}

static bool take_prefix(hf__str *text, hf__str prefix)
{
    if (!hf__str_starts(*text, prefix))
        return false;
    text->ptr += prefix.len;
    text->len -= prefix.len;
    return true;
}

bool srv__pointer_parse(hf__str text, char sha256[SRV_SHA256_HEX + 1], uint64_t *size)
{
    hf__str line;
    hf__str rest;

    if (!take_prefix(&text, HF__STR("version https://git-lfs.github.com/spec/v1\n")) ||
        !take_prefix(&text, HF__STR("oid sha256:")))
        return false;
    line = hf__str_cut(text, '\n', &rest);
    if (!rest.ptr || !hf__str_is_hex(line, SRV_SHA256_HEX))
        return false;
    text = rest;
    if (!take_prefix(&text, HF__STR("size ")))
        return false;
    text = hf__str_trim(text);
    if (!hf__str_to_u64(text, size))
        return false;
    memcpy(sha256, line.ptr, SRV_SHA256_HEX);
    sha256[SRV_SHA256_HEX] = '\0';
    return true;
}

bool srv_lfs_pointer(hf__str text, char sha256[SRV_SHA256_HEX + 1], uint64_t *size)
{
    return srv__pointer_parse(text, sha256, size);
}

/* ---------------------------------------------------------------------------------------- facts */

static void from_hex(const char *text, unsigned char out[32])
{
    size_t i;

    for (i = 0; i < 64; i++) {
        char c = text[i];
        unsigned digit = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);

        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | digit : digit << 4);
    }
}

static hf_status read_fact(srv_git *git, const git_oid *oid, srv__blob_fact *out, hf_error *err)
{
    char sha256[SRV_SHA256_HEX + 1];
    git_odb_object *object = NULL;
    git_object_t type;
    size_t len;
    int rc = git_odb_read_header(&len, &type, git->odb, oid);

    memset(out, 0, sizeof *out);
    if (rc == 0 && type != GIT_OBJECT_BLOB)
        rc = GIT_ENOTFOUND;
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot read a blob");
    git_oid_cpy(&out->oid, oid);
    out->known = true;
    out->size = len;
    if (len > SRV__MAX_POINTER)
        return HF_OK;
    rc = git_odb_read(&object, git->odb, oid);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot read a blob");
    if (srv__pointer_parse((hf__str){ git_odb_object_data(object), git_odb_object_size(object) },
                           sha256, &out->lfs_size)) {
        out->is_lfs = true;
        from_hex(sha256, out->sha256);
    }
    git_odb_object_free(object);
    return HF_OK;
}

hf_status srv__blob_fact_get(srv_git *git, const git_oid *oid, srv__blob_fact *out, hf_error *err)
{
    srv_store *store = git->store;
    size_t slot = ((size_t)oid->id[0] | (size_t)oid->id[1] << 8) % N_FACTS;
    hf_status st;

    pthread_mutex_lock(&store->synced.lock);
    if (!store->synced.facts)
        store->synced.facts = calloc(N_FACTS, sizeof *store->synced.facts);
    if (store->synced.facts && store->synced.facts[slot].known &&
        git_oid_equal(&store->synced.facts[slot].oid, oid)) {
        *out = store->synced.facts[slot];
        pthread_mutex_unlock(&store->synced.lock);
        return HF_OK;
    }
    pthread_mutex_unlock(&store->synced.lock);
    st = read_fact(git, oid, out, err);
    if (st != HF_OK)
        return st;
    pthread_mutex_lock(&store->synced.lock);
    if (store->synced.facts)
        store->synced.facts[slot] = *out;
    pthread_mutex_unlock(&store->synced.lock);
    return HF_OK;
}

/* -------------------------------------------------------------------------------------- content */

struct srv_blob {
    srv_git *git;
    git_oid oid;
    uint64_t size;
    git_odb_stream *stream; /* a loose object */
    uint64_t at;            /* of the stream */
    git_odb_object *object; /* a packed one, whole */
};

/* Loose objects come as a stream; of packed ones libgit2 can only hand over the whole. */
static hf_status start(srv_blob *blob, hf_error *err)
{
    git_object_t type;
    size_t len;
    int rc;

    git_odb_stream_free(blob->stream);
    blob->stream = NULL;
    blob->at = 0;
    rc = git_odb_open_rstream(&blob->stream, &len, &type, blob->git->odb, &blob->oid);
    if (rc != 0) {
        blob->stream = NULL;
        rc = git_odb_read(&blob->object, blob->git->odb, &blob->oid);
    }
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot read a blob");
}

hf_status srv_blob_open(srv_git *git, const char *oid, srv_blob **out, hf_error *err)
{
    srv_blob *blob = calloc(1, sizeof *blob);
    git_object_t type;
    size_t len;
    hf_status st = HF_OK;
    int rc;

    hf__error_clear(err);
    if (!blob)
        return hf__fail_nomem(err);
    blob->git = git;
    rc = git_oid_fromstr(&blob->oid, oid);
    if (rc == 0)
        rc = git_odb_read_header(&len, &type, git->odb, &blob->oid);
    if (rc == 0 && type != GIT_OBJECT_BLOB)
        rc = GIT_ENOTFOUND;
    if (rc != 0)
        st = srv__git_fail(rc, err, "cannot read blob '%s'", oid);
    else
        blob->size = len;
    if (st == HF_OK)
        st = start(blob, err);
    if (st != HF_OK) {
        srv_blob_close(blob);
        return st;
    }
    *out = blob;
    return HF_OK;
}

uint64_t srv_blob_size(const srv_blob *blob)
{
    return blob->size;
}

static hf_status stream_bytes(srv_blob *blob, void *bytes, size_t len, hf_error *err)
{
    char *at = bytes;

    while (len > 0) {
        int got = git_odb_stream_read(blob->stream, at, len);

        if (got <= 0)
            return hf__fail(err, HF_ERR_CORRUPT, "a blob of the repository ends early");
        at += got;
        len -= (size_t)got;
        blob->at += (uint64_t)got;
    }
    return HF_OK;
}

hf_status srv_blob_read(srv_blob *blob, uint64_t offset, void *bytes, size_t len, size_t *got,
                        hf_error *err)
{
    hf_status st = HF_OK;

    hf__error_clear(err);
    if (offset >= blob->size)
        len = 0;
    else if (len > blob->size - offset)
        len = (size_t)(blob->size - offset);
    if (len > 0 && blob->object) {
        memcpy(bytes, (const char *)git_odb_object_data(blob->object) + offset, len);
    } else if (len > 0) {
        if (offset < blob->at)
            st = start(blob, err);
        while (st == HF_OK && blob->at < offset) {
            char skipped[16384];
            uint64_t left = offset - blob->at;

            st = stream_bytes(blob, skipped, left < sizeof skipped ? (size_t)left : sizeof skipped,
                              err);
        }
        if (st == HF_OK)
            st = stream_bytes(blob, bytes, len, err);
    }
    if (st == HF_OK)
        *got = len;
    return st;
}

void srv_blob_close(srv_blob *blob)
{
    if (!blob)
        return;
    git_odb_stream_free(blob->stream);
    git_odb_object_free(blob->object);
    free(blob);
}

hf_status srv_git_read(srv_git *git, const char *oid, hf__buf *out, hf_error *err)
{
    srv_blob *blob = NULL;
    size_t got = 0;
    char *room;
    hf_status st = srv_blob_open(git, oid, &blob, err);

    if (st != HF_OK)
        return st;
    if (blob->size > out->max) {
        st = hf__fail(err, HF_ERR_LIMIT, "the file is larger than %zu bytes", out->max);
    } else if (blob->size > 0) {
        room = hf__buf_reserve(out, (size_t)blob->size);
        st = room ? srv_blob_read(blob, 0, room, (size_t)blob->size, &got, err)
                  : hf__fail(err, out->status, "the file is larger than %zu bytes", out->max);
        if (st == HF_OK)
            hf__buf_grew(out, got);
    }
    srv_blob_close(blob);
    return st;
}

/* ------------------------------------------------------------------------------------------ walking */

typedef struct walk {
    git_odb *odb;
    srv_blob_fn *visit;
    void *user;
    hf_status status;
    hf_error *err;
} walk;

static int walk_one(const git_oid *id, void *user)
{
    walk *w = user;
    git_odb_object *object = NULL;
    hf__str text = { NULL, 0 };
    char oid[SRV_OID_HEX + 1];
    git_object_t type;
    size_t size;
    int rc = git_odb_read_header(&size, &type, w->odb, id);

    if (rc == 0 && type == GIT_OBJECT_BLOB && size <= SRV__MAX_POINTER)
        rc = git_odb_read(&object, w->odb, id);
    if (rc != 0) {
        w->status = srv__git_fail(rc, w->err, "cannot read an object");
        return GIT_EUSER;
    }
    if (object)
        text = (hf__str){ git_odb_object_data(object), git_odb_object_size(object) };
    if (type == GIT_OBJECT_BLOB)
        w->status =
            w->visit(w->user, git_oid_tostr(oid, sizeof oid, id), (uint64_t)size, text, w->err);
    git_odb_object_free(object);
    return w->status == HF_OK ? 0 : GIT_EUSER;
}

hf_status srv_git_each_blob(srv_store *store, const char *objects_dir, srv_blob_fn *visit,
                            void *user, hf_error *err)
{
    walk w = { .visit = visit, .user = user, .err = err };
    int rc;

    (void)store; /* it started libgit2 */
    hf__error_clear(err);
    rc = git_odb_open(&w.odb, objects_dir);
    if (rc == 0)
        rc = git_odb_foreach(w.odb, walk_one, &w);
    git_odb_free(w.odb);
    if (w.status != HF_OK)
        return w.status;
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot look through '%s'", objects_dir);
}
