/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"

#include "import_walk.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_TRIES 5 /* when somebody else commits to the same branch meanwhile */

typedef struct importing {
    srv_store *store;
    const srv_import_spec *spec;
    const srv_repo *repo;
    srv_import_list list;
    srv_git *git;
    srv_change *change;
    char base[SRV_OID_HEX + 1];
    char ref[HF__MAX_REVISION + 16];
    srv_import_result *result;
    unsigned char *bytes; /* for copying */
} importing;

#define PIECE ((size_t)256 * 1024)

/* ------------------------------------------------------------------------------------- one file */

static hf_status changed_meanwhile(const srv_import_file *file, hf_error *err)
{
    return hf__fail(err, HF_ERR_CHANGED, "'%s' changed while it was read", file->path.ptr);
}

/* What is done with each piece of a file. */
typedef hf_status piece_fn(void *to, const void *bytes, size_t len, hf_error *err);

static hf_status read_pieces(importing *im, const srv_import_file *file, int fd, piece_fn *fn,
                             void *to, hf_error *err)
{
    uint64_t at = 0;
    hf_status st = HF_OK;

    for (;;) {
        size_t got;

        st = hf__os_pread(fd, im->bytes, PIECE, at, &got, file->path.ptr, err);
        if (st != HF_OK || got == 0)
            break;
        at += got;
        if (at > file->size)
            break;
        st = fn(to, im->bytes, got, err);
        if (st != HF_OK)
            break;
    }
    return st == HF_OK && at != file->size ? changed_meanwhile(file, err) : st;
}

static hf_status hash_piece(void *to, const void *bytes, size_t len, hf_error *err)
{
    (void)err;
    hf__hash_add(to, bytes, len);
    return HF_OK;
}

static hf_status put_piece(void *to, const void *bytes, size_t len, hf_error *err)
{
    return srv_lfs_put_add(to, bytes, len, err);
}

static hf_status hash_file(importing *im, const srv_import_file *file, int fd, hf__hash_kind kind,
                           char out[HF__HASH_HEX_MAX + 1], hf_error *err)
{
    hf__hash *hash = NULL;
    hf_status st = hf__hash_new(kind, file->size, &hash, err);

    if (st == HF_OK)
        st = read_pieces(im, file, fd, hash_piece, hash, err);
    if (st == HF_OK)
        hf__hash_end(hash, out);
    hf__hash_free(hash);
    return st;
}

/* Is the file in the base already, with these bytes and in this form? Only a file of the same size
 * is read to find out. */
static hf_status is_unchanged(importing *im, const srv_import_file *file, bool lfs, int fd,
                              bool *same, hf_error *err)
{
    char hash[HF__HASH_HEX_MAX + 1];
    hf__arena *arena;
    srv_entry entry;
    hf_status st;

    *same = false;
    if (im->base[0] == '\0')
        return HF_OK;
    arena = hf__arena_new();
    if (!arena)
        return hf__fail_nomem(err);
    st = srv_git_entry(im->git, im->base, file->path, arena, &entry, err);
    if (st == HF_ERR_ENTRY_NOT_FOUND) {
        hf__error_clear(err);
        st = HF_OK;
    } else if (st == HF_OK && !entry.is_dir && entry.is_lfs == lfs && entry.size == file->size &&
               entry.executable == file->executable) {
        st = hash_file(im, file, fd, lfs ? HF__HASH_SHA256 : HF__HASH_GIT_BLOB, hash, err);
        *same = st == HF_OK && strcmp(hash, srv_entry_etag(&entry)) == 0;
        /* A pointer whose object is gone is not "the same": bring it back. */
        if (*same && lfs)
            st = srv_lfs_has(im->store, im->repo, entry.sha256, same, NULL, err);
    }
    hf__arena_free(arena);
    return st;
}

static hf_status add_lfs(importing *im, const srv_import_file *file, int fd, hf_error *err)
{
    char sha256[SRV_SHA256_HEX + 1];
    srv_lfs_put *put = NULL;
    hf_status st = srv_lfs_put_new(im->store, &put, err);

    if (st == HF_OK)
        st = read_pieces(im, file, fd, put_piece, put, err);
    if (st != HF_OK) {
        srv_lfs_put_abort(put);
        return st;
    }
    st = srv_lfs_put_commit(put, im->repo, NULL, file->size, sha256, err);
    return st == HF_OK ? srv_change_add_lfs(im->change, file->path, file->executable, sha256,
                                            file->size, err)
                       : st;
}

static hf_status add_file(importing *im, const srv_import_file *file, hf_error *err)
{
    bool lfs = false;
    bool same = false;
    int fd = -1;
    hf_status st = HF_OK;

    /* An empty file has no pointer form. */
    if (file->size > 0)
        st = srv_change_is_lfs_path(im->change, file->path, &lfs, err);
    if (st == HF_OK)
        st = srv_import_open(&im->list, file, &fd, err);
    if (st == HF_OK)
        st = is_unchanged(im, file, lfs, fd, &same, err);
    if (st == HF_OK && !same) {
        st = lfs ? add_lfs(im, file, fd, err)
                 : srv_change_add_fd(im->change, file->path, file->executable, fd, file->size, err);
    }
    hf__os_close(&fd);
    if (st == HF_OK) {
        im->result->n_files++;
        im->result->n_lfs += lfs;
        im->result->bytes += file->size;
    }
    return st;
}

/* ------------------------------------------------------------------------------------ the folder */

static const srv_import_file *find_file(const srv_import_list *list, hf__str path)
{
    size_t high = list->n;
    size_t low = 0;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        hf__str other = list->files[mid].path;
        size_t common = path.len < other.len ? path.len : other.len;
        int diff = memcmp(other.ptr, path.ptr, common);

        if (diff == 0)
            diff = other.len < path.len ? -1 : other.len > path.len;
        if (diff == 0)
            return &list->files[mid];
        if (diff < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static bool is_attributes(hf__str path)
{
    return hf__str_eq(path, HF__STR(".gitattributes")) ||
           hf__str_ends(path, HF__STR("/.gitattributes"));
}

/* The rules first, then what they rule over, so that the outcome does not hang on the order. */
static hf_status add_rules(importing *im, hf_error *err)
{
    hf__str *large = calloc(im->list.n + 1, sizeof *large);
    size_t n = 0;
    size_t i;
    hf_status st = large ? HF_OK : hf__fail_nomem(err);

    for (i = 0; st == HF_OK && i < im->list.n; i++) {
        const srv_import_file *file = &im->list.files[i];
        int fd = -1;

        if (is_attributes(file->path)) {
            st = srv_import_open(&im->list, file, &fd, err);
            if (st == HF_OK)
                st = srv_change_add_fd(im->change, file->path, file->executable, fd, file->size,
                                       err);
            hf__os_close(&fd);
            im->result->n_files++;
            im->result->bytes += file->size;
        } else if (file->size > im->spec->threshold && file->size > 0) {
            large[n++] = file->path;
        }
    }
    if (st == HF_OK)
        st = srv_change_track_lfs(im->change, large, n, err);
    free(large);
    return st;
}

static hf_status delete_others(importing *im, hf_error *err)
{
    const srv_entry *entry = NULL;
    srv_tree *tree = NULL;
    hf_status st;

    if (im->base[0] == '\0')
        return HF_OK;
    st = srv_tree_open(im->git, im->base, HF__STR(""),
                       SRV_TREE_RECURSIVE | SRV_TREE_FILES_ONLY | SRV_TREE_NAMES_ONLY, HF__STR(""),
                       &tree, err);
    while (st == HF_OK && (st = srv_tree_next(tree, &entry, err)) == HF_OK && entry) {
        hf__str path = hf__str_from(entry->path);

        if (hf__str_eq(path, HF__STR(".gitattributes")) || find_file(&im->list, path))
            continue;
        st = srv_change_delete_file(im->change, path, err);
        /* A folder of the same name took its place. */
        if (st == HF_ERR_ENTRY_NOT_FOUND)
            st = HF_OK;
    }
    srv_tree_close(tree);
    return st;
}

/* Where the branch stands; a new one starts where main does. */
static hf_status find_base(importing *im, hf_error *err)
{
    const char *revision = im->spec->revision ? im->spec->revision : "main";
    bool whole = strncmp(revision, "refs/", 5) == 0;
    hf_status st;

    (void)snprintf(im->ref, sizeof im->ref, "%s%s", whole ? "" : "refs/heads/", revision);
    st = srv_git_resolve(im->git, hf__str_from(im->ref), im->base, err);
    if (st != HF_ERR_REVISION_NOT_FOUND)
        return st;
    hf__error_clear(err);
    st = srv_git_resolve(im->git, HF__STR("refs/heads/main"), im->base, err);
    if (st == HF_ERR_REVISION_NOT_FOUND) {
        hf__error_clear(err);
        im->base[0] = '\0';
        return HF_OK;
    }
    return st == HF_OK ? srv_git_ref_make(im->git, im->ref, im->base, false, err) : st;
}

static hf_status import_once(importing *im, hf_error *err)
{
    srv_commit_spec commit = { 0 };
    char title[64];
    size_t i;
    hf_status st;

    im->result->n_files = 0;
    im->result->n_lfs = 0;
    im->result->bytes = 0;
    st = find_base(im, err);
    if (st == HF_OK)
        st = srv_change_new(im->git, im->base, &im->change, err);
    if (st == HF_OK && im->spec->mirror)
        st = delete_others(im, err);
    if (st == HF_OK)
        st = add_rules(im, err);
    for (i = 0; st == HF_OK && i < im->list.n; i++)
        if (!is_attributes(im->list.files[i].path))
            st = add_file(im, &im->list.files[i], err);
    if (st == HF_OK) {
        (void)snprintf(title, sizeof title, "Import %zu file%s", im->list.n,
                       im->list.n == 1 ? "" : "s");
        commit.ref = im->ref;
        commit.parent = im->base;
        commit.author = im->repo->ns[0] ? im->repo->ns : "hf-serve";
        commit.title = im->spec->title ? im->spec->title : title;
        st = srv_change_commit(im->change, &commit, im->result->commit, &im->result->made, err);
    }
    srv_change_free(im->change);
    im->change = NULL;
    return st;
}

static hf_status find_or_make_repo(importing *im, hf__arena *arena, hf_error *err)
{
    const srv_import_spec *spec = im->spec;
    srv_repo_settings settings = { 0 };
    srv_repo_spec fresh = { 0 };
    hf_status st;

    st = srv_repo_find(im->store, spec->type, hf__str_from(spec->id), arena, &im->repo, NULL, err);
    if (st == HF_ERR_REPO_NOT_FOUND) {
        fresh.type = spec->type;
        fresh.id = spec->id;
        fresh.sdk = spec->type == SRV_SPACE ? "static" : NULL;
        fresh.is_private = spec->set_private;
        fresh.gated = spec->set_gated ? spec->gated : SRV_GATED_NO;
        st = srv_repo_create(im->store, &fresh, arena, &im->repo, err);
        if (st == HF_ERR_CONFLICT) /* somebody was faster */
            st = srv_repo_find(im->store, spec->type, hf__str_from(spec->id), arena, &im->repo,
                               NULL, err);
    }
    settings.set =
        (spec->set_private ? SRV_SET_PRIVATE : 0) | (spec->set_gated ? SRV_SET_GATED : 0);
    settings.is_private = true;
    settings.gated = spec->gated;
    if (st == HF_OK && settings.set != 0)
        st = srv_repo_set(im->store, im->repo, &settings, err);
    return st;
}

hf_status srv_import_run(srv_store *store, const srv_import_spec *spec, hf__arena *arena,
                         srv_import_result *out, hf_error *err)
{
    importing im = { 0 };
    unsigned tries;
    hf_status st;

    hf__error_clear(err);
    memset(out, 0, sizeof *out);
    im.store = store;
    im.spec = spec;
    im.result = out;
    if (spec->revision && strlen(spec->revision) > HF__MAX_REVISION)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the revision is too long");
    st = srv_repo_id_check(hf__str_from(spec->id), err);
    if (st != HF_OK)
        return st;
    im.bytes = malloc(PIECE);
    st = im.bytes ? srv_import_walk(spec->dir, arena, &im.list, err) : hf__fail_nomem(err);
    if (st == HF_OK && im.list.n == 0)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "'%s' holds no file", spec->dir);
    if (st == HF_OK)
        st = find_or_make_repo(&im, arena, err);
    if (st == HF_OK)
        st = srv_git_open(store, im.repo, &im.git, err);
    for (tries = 0; st == HF_OK && tries < MAX_TRIES; tries++) {
        st = import_once(&im, err);
        if (st != HF_ERR_CONFLICT || tries + 1 == MAX_TRIES)
            break;
        st = HF_OK;
    }
    out->repo = im.repo;
    srv_git_close(im.git);
    srv_import_list_dispose(&im.list);
    free(im.bytes);
    return st;
}
