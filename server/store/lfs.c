/* SPDX-License-Identifier: Apache-2.0 */
/* LFS objects: content by its SHA-256. The bytes are stored once, but belong to a repo only when it
 * brought them: else a known hash would fetch the content of somebody's private repo. */
#include "store/private.h"

#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static hf_status object_path(srv_store *store, const char *sha256, hf__buf *out, hf_error *err)
{
    if (!hf__str_is_hex(hf__str_from(sha256), SRV_SHA256_HEX))
        return hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "'%s' is no SHA-256", sha256);
    return srv__path(store, out, err, "lfs/%.2s/%.2s/%s", sha256, sha256 + 2, sha256);
}

static hf_status no_object(const char *sha256, hf_error *err)
{
    return hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no LFS object '%s'", sha256);
}

/* *fd -1 when there is none. */
static hf_status open_object(srv_store *store, const char *sha256, int *fd, uint64_t *size,
                             hf_error *err)
{
    struct stat info;
    hf__buf path;
    hf_status st;

    *fd = -1;
    hf__buf_init(&path, HF__MAX_PATH);
    st = object_path(store, sha256, &path, err);
    if (st == HF_OK) {
        *fd = open(hf__buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (*fd < 0 && errno != ENOENT)
            st = hf__fail_os(err, errno, "cannot open an LFS object");
    }
    if (*fd >= 0 && fstat(*fd, &info) != 0) {
        st = hf__fail_os(err, errno, "cannot open an LFS object");
        hf__os_close(fd);
    } else if (*fd >= 0) {
        *size = (uint64_t)info.st_size;
    }
    hf__buf_dispose(&path);
    return st;
}

static hf_status is_linked(srv_store *store, const srv_repo *repo, const char *sha256, bool *out,
                           hf_error *err)
{
    static const char sql[] = "SELECT 1 FROM lfs_links WHERE repo=? AND sha256=?";
    sqlite3_stmt *stmt = NULL;
    srv__db *db;
    hf_status st = srv__db_take(store, &db, err);

    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "it", repo->key, sha256);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, out, err);
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    return st;
}

hf_status srv_lfs_open(srv_store *store, const srv_repo *repo, const char *sha256, int *fd,
                       uint64_t *size, hf_error *err)
{
    bool linked = true;
    int opened = -1;
    uint64_t len = 0;
    hf_status st = HF_OK;

    hf__error_clear(err);
    if (repo)
        st = is_linked(store, repo, sha256, &linked, err);
    if (st == HF_OK && !linked)
        st = no_object(sha256, err);
    if (st == HF_OK)
        st = open_object(store, sha256, &opened, &len, err);
    if (st == HF_OK && opened < 0)
        st = no_object(sha256, err);
    if (st != HF_OK)
        return st;
    *fd = opened;
    *size = len;
    return HF_OK;
}

hf_status srv_lfs_has(srv_store *store, const srv_repo *repo, const char *sha256, bool *has,
                      uint64_t *size, hf_error *err)
{
    int fd = -1;
    uint64_t len = 0;
    hf_status st = srv_lfs_open(store, repo, sha256, &fd, &len, err);

    hf__os_close(&fd);
    if (st != HF_OK && st != HF_ERR_ENTRY_NOT_FOUND)
        return st;
    hf__error_clear(err);
    *has = st == HF_OK;
    if (size)
        *size = len;
    return HF_OK;
}

hf_status srv__lfs_link(srv_store *store, const srv_repo *repo, const char *sha256, uint64_t size,
                        hf_error *err)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO lfs_links(repo, sha256, size, created) VALUES(?, ?, ?, ?)";
    srv__db *db;
    hf_status st = srv__db_take(store, &db, err);

    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, NULL, err, sql, "itii", repo->key, sha256, (int64_t)size,
                      (int64_t)srv__now());
    if (st == HF_ERR_CONFLICT) /* the foreign key */
        st = hf__fail(err, HF_ERR_REPO_NOT_FOUND, "the repository is gone");
    srv__db_give(store, db);
    return st;
}

hf_status srv_lfs_link(srv_store *store, const srv_repo *repo, const char *sha256, hf_error *err)
{
    uint64_t size;
    int fd;
    hf_status st = srv_lfs_open(store, NULL, sha256, &fd, &size, err);

    if (st != HF_OK)
        return st;
    hf__os_close(&fd);
    return srv__lfs_link(store, repo, sha256, size, err);
}

hf_status srv_lfs_used(srv_store *store, const char *ns, uint64_t *out, hf_error *err)
{
    static const char sql[] = "SELECT coalesce(sum(l.size), 0) FROM lfs_links l "
                              "JOIN repos r ON r.key=l.repo WHERE r.ns=?";
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "t", ns);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK)
        *out = row ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    return st;
}

/* -------------------------------------------------------------------------------------- putting */

struct srv_lfs_put {
    srv_store *store;
    srv__spool *spool;
    int fd;
    uint64_t size;
    hf__buf path;
};

hf_status srv_lfs_put_new(srv_store *store, srv_lfs_put **out, hf_error *err)
{
    char name[SRV_ID_HEX + 1];
    srv_lfs_put *put = calloc(1, sizeof *put);
    hf_status st;

    hf__error_clear(err);
    if (!put)
        return hf__fail_nomem(err);
    put->store = store;
    put->fd = -1;
    hf__buf_init(&put->path, HF__MAX_PATH);
    srv__random_hex(name, SRV_ID_HEX);
    st = srv__path(store, &put->path, err, "tmp/lfs-%s", name);
    if (st == HF_OK) {
        put->fd = open(hf__buf_cstr(&put->path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (put->fd < 0)
            st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&put->path));
    }
    if (st == HF_OK)
        st = srv__spool_new(store, put->fd, hf__buf_cstr(&put->path), &put->spool, err);
    if (st != HF_OK) {
        srv_lfs_put_abort(put);
        return st;
    }
    *out = put;
    return HF_OK;
}

hf_status srv_lfs_put_add(srv_lfs_put *put, const void *bytes, size_t len, hf_error *err)
{
    hf__error_clear(err);
    put->size += len;
    return srv__spool_add(put->spool, bytes, len, err);
}

/* lfs/ab and lfs/ab/cd, each on the disk before something is put into it. */
static hf_status make_parents(srv_store *store, const char *sha256, hf__buf *dir, hf_error *err)
{
    hf__os_stat info;
    hf_status st = srv__path(store, dir, err, "lfs/%.2s/%.2s", sha256, sha256 + 2);

    if (st == HF_OK)
        st = hf__os_stat_path(hf__buf_cstr(dir), &info, err);
    if (st != HF_OK || info.type == HF__OS_DIR)
        return st;
    st = hf__os_mkdirs(hf__buf_cstr(dir), 0700, err);
    if (st == HF_OK)
        st = srv__path(store, dir, err, "lfs/%.2s", sha256);
    if (st == HF_OK)
        st = srv__sync_dir(hf__buf_cstr(dir), err);
    if (st == HF_OK)
        st = srv__path(store, dir, err, "lfs");
    if (st == HF_OK)
        st = srv__sync_dir(hf__buf_cstr(dir), err);
    if (st == HF_OK)
        st = srv__path(store, dir, err, "lfs/%.2s/%.2s", sha256, sha256 + 2);
    return st;
}

/* Sync the bytes before the rename: readers trust the name as the hash and never check again, so
 * after a power cut it must not stand in front of half the bytes. */
static hf_status publish(srv_store *store, int fd, const char *from, const char *sha256,
                         hf_error *err)
{
    hf__buf path;
    hf__buf dir;
    hf_status st = HF_OK;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_init(&dir, HF__MAX_PATH);
    if (fsync(fd) != 0)
        st = hf__fail_os(err, errno, "cannot write an LFS object");
    if (st == HF_OK && fchmod(fd, 0400) != 0)
        st = hf__fail_os(err, errno, "cannot write an LFS object");
    if (st == HF_OK)
        st = make_parents(store, sha256, &dir, err);
    if (st == HF_OK)
        st = object_path(store, sha256, &path, err);
    if (st == HF_OK)
        st = hf__os_rename(from, hf__buf_cstr(&path), err);
    if (st == HF_OK)
        st = srv__sync_dir(hf__buf_cstr(&dir), err);
    hf__buf_dispose(&path);
    hf__buf_dispose(&dir);
    return st;
}

hf_status srv__lfs_publish(srv_store *store, int fd, const char *from, const char *sha256,
                           uint64_t size, hf_error *err)
{
    uint64_t stored = 0;
    int there = -1;
    hf_status st = open_object(store, sha256, &there, &stored, err);

    /* An object of another length under this name was damaged on disk: these bytes mend it. */
    if (st == HF_OK && (there < 0 || stored != size))
        st = publish(store, fd, from, sha256, err);
    hf__os_close(&there);
    return st;
}

hf_status srv_lfs_put_commit(srv_lfs_put *put, const srv_repo *repo, const char *sha256,
                             uint64_t size, char out_sha256[SRV_SHA256_HEX + 1], hf_error *err)
{
    char computed[HF__HASH_HEX_MAX + 1];
    hf_status st;

    hf__error_clear(err);
    st = srv__spool_end(put->spool, computed, err);
    if (st == HF_OK && sha256 && size != put->size)
        st = hf__fail(err, HF_ERR_CORRUPT, "%llu bytes came, %llu were announced",
                      (unsigned long long)put->size, (unsigned long long)size);
    else if (st == HF_OK && sha256 && strcmp(sha256, computed) != 0)
        st = hf__fail(err, HF_ERR_CORRUPT, "the content has SHA-256 %s, not %s", computed, sha256);
    if (st == HF_OK)
        st = srv__lfs_publish(put->store, put->fd, hf__buf_cstr(&put->path), computed, put->size,
                              err);
    if (st == HF_OK)
        st = srv__lfs_link(put->store, repo, computed, put->size, err);
    if (st == HF_OK && out_sha256)
        memcpy(out_sha256, computed, SRV_SHA256_HEX + 1);
    srv_lfs_put_abort(put);
    return st;
}

void srv_lfs_put_abort(srv_lfs_put *put)
{
    if (!put)
        return;
    srv__spool_free(put->spool);
    if (put->fd >= 0)
        (void)hf__os_unlink(hf__buf_cstr(&put->path), NULL);
    hf__os_close(&put->fd);
    hf__buf_dispose(&put->path);
    free(put);
}
