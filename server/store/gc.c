/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LFS objects that nobody points to: uploaded and never committed, or left by a repo that is gone.
 * The git repositories are the truth: an object stays when any blob of any of them, reachable or
 * not, is a pointer to it. Only who has the data folder alone collects, else an upload that finds
 * its object stored could see it go before its commit.
 */
#include "store/private.h"

#include "core/clock.h"
#include "core/os.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

typedef struct gc_repo {
    int64_t key;
    char id[SRV_ID_HEX + 1];
} gc_repo;

typedef struct gc {
    srv_store *store;
    srv__db *db;
    int64_t repo;  /* being looked through */
    double cutoff; /* what is younger stays, in seconds since 1970 */
    srv_gc_result *out;
} gc;

/* ------------------------------------------------------------------------------------- pointed to */

static hf_status note_pointer(void *user, const char *oid, uint64_t size, hf__str text,
                              hf_error *err)
{
    static const char sql[] = "INSERT OR IGNORE INTO temp.pointed(repo, sha256) VALUES(?, ?)";
    char sha256[SRV_SHA256_HEX + 1];
    uint64_t bytes;
    gc *g = user;

    (void)oid;
    (void)size;
    if (!text.ptr || !srv__pointer_parse(text, sha256, &bytes))
        return HF_OK;
    return srv__sql_run(g->db, NULL, err, sql, "it", g->repo, sha256);
}

static hf_status read_repo(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    gc_repo *repo = out;

    (void)arena;
    (void)err;
    repo->key = sqlite3_column_int64(stmt, 0);
    srv__col_id(stmt, 1, repo->id);
    return HF_OK;
}

static hf_status note_pointers(gc *g, hf__arena *arena, hf_error *err)
{
    srv__rows rows = { .arena = arena, .size = sizeof(gc_repo), .read = read_repo };
    hf__buf path;
    hf_status st =
        srv__sql_run(g->db, NULL, err,
                     "CREATE TEMP TABLE pointed(repo INTEGER NOT NULL, sha256 BLOB NOT NULL, "
                     "PRIMARY KEY(repo, sha256)) WITHOUT ROWID",
                     "");

    if (st == HF_OK)
        st = srv__sql_rows(g->db, &rows, err, "SELECT key, id FROM repos", "");
    hf__buf_init(&path, HF__MAX_PATH);
    for (size_t i = 0; st == HF_OK && i < rows.n; i++) {
        const gc_repo *repo = (const gc_repo *)rows.list + i;

        g->repo = repo->key;
        st = srv__path(g->store, &path, err, "git/%s.git/objects", repo->id);
        if (st == HF_OK)
            st = srv_git_each_blob(g->store, hf__buf_cstr(&path), note_pointer, g, err);
    }
    hf__buf_dispose(&path);
    return st;
}

/* ----------------------------------------------------------------------------------------- objects */

static hf_status drop_links(gc *g, hf_error *err)
{
    static const char sql[] =
        "DELETE FROM lfs_links WHERE created<? AND NOT EXISTS(SELECT 1 FROM temp.pointed p "
        "WHERE p.repo=lfs_links.repo AND p.sha256=lfs_links.sha256)";

    return srv__sql_run(g->db, NULL, err, sql, "i", (int64_t)(g->cutoff * 1000.0));
}

static hf_status is_needed(gc *g, const char *sha256, bool *out, hf_error *err)
{
    static const char sql[] = "SELECT 1 FROM lfs_links WHERE sha256=? UNION ALL "
                              "SELECT 1 FROM temp.pointed WHERE sha256=? LIMIT 1";
    int64_t one;

    return srv__sql_int(g->db, &one, out, err, sql, "tt", sha256, sha256);
}

static hf_status look_at_object(gc *g, const char *name, const char *path, hf_error *err)
{
    hf__os_stat info;
    bool needed = true;
    hf_status st;

    if (!hf__str_is_hex(hf__str_from(name), SRV_SHA256_HEX))
        return HF_OK;
    st = hf__os_lstat_path(path, &info, err);
    if (st == HF_OK && info.type == HF__OS_FILE && info.mtime < g->cutoff)
        st = is_needed(g, name, &needed, err);
    if (st != HF_OK || needed)
        return st;
    st = hf__os_unlink(path, err);
    g->out->n_objects++;
    g->out->bytes += info.size;
    return st;
}

/* The objects are two folders deep: lfs/ab/cd/<sha256>. */
static hf_status walk_objects(gc *g, const char *rel, unsigned depth, hf_error *err)
{
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    hf__buf path;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    st = srv__path(g->store, &path, err, "%s", rel);
    if (st == HF_OK)
        st = hf__os_iter_open(hf__buf_cstr(&path), &iter, err);
    while (st == HF_OK && iter && (st = hf__os_iter_next(iter, &name, &type, err)) == HF_OK &&
           name) {
        char below[128];

        (void)snprintf(below, sizeof below, "%s/%.80s", rel, name);
        st = srv__path(g->store, &path, err, "%s", below);
        if (st == HF_OK && depth < 2 && type == HF__OS_DIR)
            st = walk_objects(g, below, depth + 1, err);
        else if (st == HF_OK && depth == 2)
            st = look_at_object(g, name, hf__buf_cstr(&path), err);
    }
    hf__os_iter_close(iter);
    hf__buf_dispose(&path);
    return st;
}

/* --------------------------------------------------------------------------------------- the call */

static hf_status collect(gc *g, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    hf_status st = arena ? srv__db_take(g->store, &g->db, err) : hf__fail_nomem(err);

    if (st == HF_OK)
        st = note_pointers(g, arena, err);
    if (st == HF_OK)
        st = drop_links(g, err);
    if (st == HF_OK)
        st = walk_objects(g, "lfs", 0, err);
    if (g->db)
        (void)srv__sql_run(g->db, NULL, NULL, "DROP TABLE IF EXISTS temp.pointed", "");
    srv__db_give(g->store, g->db);
    hf__arena_free(arena);
    return st;
}

hf_status srv_gc(srv_store *store, uint64_t older_than_s, srv_gc_result *out, hf_error *err)
{
    gc g = { .store = store, .cutoff = hf__clock_wall() - (double)older_than_s, .out = out };
    hf_status st;

    hf__error_clear(err);
    *out = (srv_gc_result){ 0 };
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return hf__fail(err, HF_ERR_CONFLICT,
                        "'%s' is in use, by a server or another command: end it first",
                        store->data_dir);
    st = collect(&g, err);
    while (flock(store->lock_fd, LOCK_SH) != 0)
        if (errno != EINTR)
            break;
    return st;
}
