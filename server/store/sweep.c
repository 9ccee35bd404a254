/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that was killed left lying. Only who has the data folder alone comes here. */
#include "store/private.h"

#include "core/clock.h"
#include "core/os.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define UPLOAD_LIFE (14.0 * 24 * 3600) /* seconds without a part */

/* One name in DATA/<folder>; path is that of the folder's entry. */
typedef hf_status sweep_fn(srv_store *store, srv__db *db, const char *name, const char *path,
                           hf_error *err);

static hf_status each(srv_store *store, srv__db *db, const char *folder, sweep_fn *fn,
                      hf_error *err)
{
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    st = srv__path(store, &path, err, "%s", folder);
    if (st == HF_OK)
        st = hf__os_iter_open(hf__buf_cstr(&path), &iter, err);
    while (st == HF_OK && iter && (st = hf__os_iter_next(iter, &name, &type, err)) == HF_OK &&
           name) {
        st = srv__path(store, &path, err, "%s/%s", folder, name);
        if (st == HF_OK)
            st = fn(store, db, name, hf__buf_cstr(&path), err);
    }
    hf__os_iter_close(iter);
    hf__buf_dispose(&path);
    return st;
}

static hf_status is_repo(srv__db *db, hf__str id, bool *out, hf_error *err)
{
    static const char sql[] = "SELECT 1 FROM repos WHERE id=?";
    sqlite3_stmt *stmt = NULL;
    hf_status st = srv__sql_begin(db, &stmt, err, sql, "s", id);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, out, err);
    srv__sql_end(db, stmt);
    return st;
}

static hf_status sweep_tmp(srv_store *store, srv__db *db, const char *name, const char *path,
                           hf_error *err)
{
    (void)store;
    (void)db;
    (void)name;
    (void)err;
    srv__remove_tree(path);
    return HF_OK;
}

/* ------------------------------------------------------------------------------------ repositories */

static int remove_lock(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_F && hf__str_ends(hf__str_from(path), HF__STR(".lock")))
        (void)remove(path);
    return 0;
}

/* A lock of a dead process would keep its branch from moving for ever. Unfinished objects are in
 * nobody's way, but nobody else clears them. */
static hf_status sweep_leftovers(const char *git_dir, hf_error *err)
{
    static const char *const folders[] = { "", "/objects", "/objects/pack" };
    char path[HF__MAX_PATH];
    hf_status st = HF_OK;

    (void)snprintf(path, sizeof path, "%s/refs", git_dir);
    (void)nftw(path, remove_lock, 32, FTW_PHYS);
    for (size_t i = 0; st == HF_OK && i < HF__COUNT(folders); i++) {
        hf__os_iter *iter = NULL;
        const char *name = NULL;
        hf__os_type type;
        char dir[HF__MAX_PATH];

        (void)snprintf(dir, sizeof dir, "%s%s", git_dir, folders[i]);
        st = hf__os_iter_open(dir, &iter, err);
        while (st == HF_OK && iter && (st = hf__os_iter_next(iter, &name, &type, err)) == HF_OK &&
               name) {
            if (!srv__git_is_unfinished(name))
                continue;
            (void)snprintf(path, sizeof path, "%.2048s/%.1024s", dir, name);
            srv__remove_tree(path);
        }
        hf__os_iter_close(iter);
    }
    return st;
}

typedef struct open_pr {
    int64_t key;
    int64_t num;
} open_pr;

static hf_status read_open_pr(sqlite3_stmt *stmt, hf__arena *arena, void *to, hf_error *err)
{
    open_pr *out = to;

    (void)arena;
    (void)err;
    out->key = sqlite3_column_int64(stmt, 0);
    out->num = sqlite3_column_int64(stmt, 1);
    return HF_OK;
}

/* A pull request has its number before it has its ref. Whose ref never came can be neither merged nor
 * committed to. */
static hf_status drop_ghosts(srv_git *git, srv__db *db, const open_pr *prs, size_t n, hf_error *err)
{
    static const char sql[] = "DELETE FROM discussions WHERE key=?";
    hf_status st = HF_OK;

    for (size_t i = 0; st == HF_OK && i < n; i++) {
        bool exists = true;
        git_oid target;
        char ref[40];

        (void)snprintf(ref, sizeof ref, "refs/pr/%lld", (long long)prs[i].num);
        if (srv__ref_target(git, ref, &target, &exists, NULL) == HF_OK && !exists)
            st = srv__sql_run(db, NULL, err, sql, "i", prs[i].key);
    }
    return st;
}

static hf_status sweep_prs(srv_store *store, srv__db *db, hf__str id, const char *git_dir,
                           hf_error *err)
{
    static const char sql[] = "SELECT d.key, d.num FROM discussions d JOIN repos r ON r.key=d.repo "
                              "WHERE r.id=? AND d.is_pr=1 AND d.status IN (0, 3)";
    srv__rows rows = { .size = sizeof(open_pr), .read = read_open_pr };
    srv_git *git = NULL;
    hf_status st;

    rows.arena = hf__arena_new();
    st = rows.arena ? srv__sql_rows(db, &rows, err, sql, "s", id) : hf__fail_nomem(err);
    /* What cannot be read is no reason not to start. */
    if (st == HF_OK && rows.n > 0 && srv__git_open_at(store, git_dir, &git, NULL) == HF_OK)
        st = drop_ghosts(git, db, rows.list, rows.n, err);
    srv_git_close(git);
    hf__arena_free(rows.arena);
    return st;
}

/* Repositories that the database does not know go, the others are tidied. */
static hf_status sweep_git(srv_store *store, srv__db *db, const char *name, const char *path,
                           hf_error *err)
{
    hf__str id = { name, SRV_ID_HEX };
    bool known = true;
    hf_status st;

    if (strlen(name) != SRV_ID_HEX + 4 || strcmp(name + SRV_ID_HEX, ".git") != 0)
        return HF_OK;
    st = is_repo(db, id, &known, err);
    if (st == HF_OK && !known)
        srv__remove_tree(path);
    if (st != HF_OK || !known)
        return st;
    st = sweep_leftovers(path, err);
    return st == HF_OK ? sweep_prs(store, db, id, path, err) : st;
}

/* ----------------------------------------------------------------------------------------- uploads */

/* Of repos that are gone, and what nobody went on with. */
static hf_status sweep_upload(srv_store *store, srv__db *db, const char *name, const char *path,
                              hf_error *err)
{
    hf__os_stat info;
    bool known = true;
    hf_status st;

    (void)store;
    if (strlen(name) < SRV_ID_HEX)
        return HF_OK;
    st = is_repo(db, (hf__str){ name, SRV_ID_HEX }, &known, err);
    if (st == HF_OK)
        st = hf__os_lstat_path(path, &info, err);
    if (st == HF_OK && (!known || hf__clock_wall() - info.mtime > UPLOAD_LIFE))
        st = hf__os_unlink(path, err);
    return st;
}

hf_status srv__sweep(srv_store *store, srv__db *db, hf_error *err)
{
    hf_status st = each(store, db, "tmp", sweep_tmp, err);

    if (st == HF_OK)
        st = each(store, db, "git", sweep_git, err);
    if (st == HF_OK)
        st = each(store, db, "uploads", sweep_upload, err);
    return st;
}
