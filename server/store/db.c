/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite: connections and statements. A connection is used by one thread at a time and goes back to
 * the store's list afterwards, so that requests neither wait for one lock nor open files.
 */
#include "store/private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUSY_MS 15000

hf_status srv__db_fail(srv__db *db, int rc, hf_error *err)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return hf__fail_nomem(err);
    case SQLITE_CONSTRAINT:
        return hf__fail(err, HF_ERR_CONFLICT, "it exists already");
    case SQLITE_FULL:
        return hf__fail(err, HF_ERR_DISK_FULL,
                        "cannot write the database: no space left on device");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return hf__fail(err, HF_ERR_TIMEOUT, "the database is held by another process");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return hf__fail(err, HF_ERR_BAD_FORMAT, "the database is damaged: %s",
                        sqlite3_errmsg(db->conn));
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return hf__fail(err, HF_ERR_PERMISSION, "cannot write the database: %s",
                        sqlite3_errmsg(db->conn));
    default:
        return hf__fail(err, HF_ERR_IO, "database: %s", sqlite3_errmsg(db->conn));
    }
}

hf_status srv__db_open(const char *path, srv__db **out, hf_error *err)
{
    static const char settings[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                   "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;";
    srv__db *db = calloc(1, sizeof *db);
    hf_status st;
    int rc;

    if (!db)
        return hf__fail_nomem(err);
    rc = sqlite3_open_v2(path, &db->conn,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(db->conn, 1);
        (void)sqlite3_busy_timeout(db->conn, BUSY_MS);
        rc = sqlite3_exec(db->conn, settings, NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        st = db->conn ? srv__db_fail(db, rc, err) : hf__fail_nomem(err);
        hf__error_prefix(err, "cannot open '%s'", path);
        srv__db_close(db);
        return st;
    }
    *out = db;
    return HF_OK;
}

void srv__db_close(srv__db *db)
{
    size_t i;

    if (!db)
        return;
    for (i = 0; i < SRV__DB_STATEMENTS; i++)
        (void)sqlite3_finalize(db->cache[i].stmt);
    (void)sqlite3_close(db->conn);
    free(db);
}

hf_status srv__db_take(srv_store *store, srv__db **out, hf_error *err)
{
    hf__buf path;
    hf_status st;
    srv__db *db;

    pthread_mutex_lock(&store->synced.lock);
    db = store->synced.dbs;
    if (db)
        store->synced.dbs = db->next;
    pthread_mutex_unlock(&store->synced.lock);
    if (db) {
        *out = db;
        return HF_OK;
    }
    hf__buf_init(&path, HF__MAX_PATH);
    st = srv__path(store, &path, err, "hub.sqlite");
    if (st == HF_OK)
        st = srv__db_open(hf__buf_cstr(&path), out, err);
    hf__buf_dispose(&path);
    return st;
}

void srv__db_give(srv_store *store, srv__db *db)
{
    if (!db)
        return;
    pthread_mutex_lock(&store->synced.lock);
    db->next = store->synced.dbs;
    store->synced.dbs = db;
    pthread_mutex_unlock(&store->synced.lock);
}

static int bind_all(sqlite3_stmt *stmt, const char *fmt, va_list args)
{
    int rc = SQLITE_OK;
    int i;

    for (i = 1; rc == SQLITE_OK && *fmt; i++, fmt++) {
        const char *text;
        const void *bytes;
        hf__str str;

        switch (*fmt) {
        case 'i':
            rc = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
            break;
        case 't':
            text = va_arg(args, const char *);
            rc = text ? sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC)
                      : sqlite3_bind_null(stmt, i);
            break;
        case 's':
            str = va_arg(args, hf__str);
            rc = sqlite3_bind_text64(stmt, i, str.ptr ? str.ptr : "", str.len, SQLITE_STATIC,
                                     SQLITE_UTF8);
            break;
        case 'b':
            bytes = va_arg(args, const void *);
            rc = sqlite3_bind_blob64(stmt, i, bytes, va_arg(args, size_t), SQLITE_STATIC);
            break;
        default:
            rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

static int prepare(srv__db *db, const char *sql, sqlite3_stmt **out)
{
    unsigned slot;
    unsigned i;
    int rc;

    for (i = 0; i < SRV__DB_STATEMENTS; i++)
        if (db->cache[i].sql == sql && !db->cache[i].busy) {
            db->cache[i].busy = true;
            *out = db->cache[i].stmt;
            return SQLITE_OK;
        }
    rc = sqlite3_prepare_v3(db->conn, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc != SQLITE_OK)
        return rc;
    for (i = 0; i < SRV__DB_STATEMENTS; i++) {
        slot = db->next_slot++ % SRV__DB_STATEMENTS;
        if (!db->cache[slot].busy) {
            (void)sqlite3_finalize(db->cache[slot].stmt);
            db->cache[slot].sql = sql;
            db->cache[slot].stmt = *out;
            db->cache[slot].busy = true;
            break;
        }
    }
    return SQLITE_OK;
}

static hf_status begin(srv__db *db, sqlite3_stmt **out, hf_error *err, const char *sql,
                       const char *fmt, va_list args)
{
    int rc = prepare(db, sql, out);

    if (rc == SQLITE_OK) {
        rc = bind_all(*out, fmt, args);
        if (rc != SQLITE_OK) {
            srv__sql_end(db, *out);
            *out = NULL;
        }
    }
    return rc == SQLITE_OK ? HF_OK : srv__db_fail(db, rc, err);
}

hf_status srv__sql_begin(srv__db *db, sqlite3_stmt **out, hf_error *err, const char *sql,
                         const char *fmt, ...)
{
    va_list args;
    hf_status st;

    *out = NULL;
    va_start(args, fmt);
    st = begin(db, out, err, sql, fmt, args);
    va_end(args);
    return st;
}

hf_status srv__sql_next(srv__db *db, sqlite3_stmt *stmt, bool *row, hf_error *err)
{
    int rc = sqlite3_step(stmt);

    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? HF_OK : srv__db_fail(db, rc, err);
}

static hf_status read_rows(srv__db *db, srv__rows *rows, hf_error *err, const char *sql,
                           const char *fmt, va_list args)
{
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    hf_status st = begin(db, &stmt, err, sql, fmt, args);

    while (st == HF_OK && (st = srv__sql_next(db, stmt, &row, err)) == HF_OK && row) {
        rows->list = srv__grow(rows->arena, rows->list, rows->n, rows->size);
        if (!rows->list) {
            st = hf__fail_nomem(err);
            break;
        }
        st = rows->read(stmt, rows->arena, (char *)rows->list + rows->n++ * rows->size, err);
    }
    srv__sql_end(db, stmt);
    return st;
}

hf_status srv__sql_rows(srv__db *db, srv__rows *rows, hf_error *err, const char *sql,
                        const char *fmt, ...)
{
    va_list args;
    hf_status st;

    va_start(args, fmt);
    st = read_rows(db, rows, err, sql, fmt, args);
    va_end(args);
    return st;
}

hf_status srv__store_rows(srv_store *store, srv__rows *rows, hf_error *err, const char *sql,
                          const char *fmt, ...)
{
    va_list args;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    va_start(args, fmt);
    st = read_rows(db, rows, err, sql, fmt, args);
    va_end(args);
    srv__db_give(store, db);
    return st;
}

void srv__sql_end(srv__db *db, sqlite3_stmt *stmt)
{
    size_t i;

    if (!stmt)
        return;
    for (i = 0; i < SRV__DB_STATEMENTS; i++)
        if (db->cache[i].stmt == stmt) {
            (void)sqlite3_reset(stmt);
            (void)sqlite3_clear_bindings(stmt);
            db->cache[i].busy = false;
            return;
        }
    (void)sqlite3_finalize(stmt);
}

hf_status srv__sql_run(srv__db *db, int64_t *changed, hf_error *err, const char *sql,
                       const char *fmt, ...)
{
    sqlite3_stmt *stmt = NULL;
    va_list args;
    hf_status st;
    bool row;

    va_start(args, fmt);
    st = begin(db, &stmt, err, sql, fmt, args);
    va_end(args);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && changed)
        *changed = sqlite3_changes(db->conn);
    srv__sql_end(db, stmt);
    return st;
}

hf_status srv__sql_int(srv__db *db, int64_t *out, bool *found, hf_error *err, const char *sql,
                       const char *fmt, ...)
{
    sqlite3_stmt *stmt = NULL;
    va_list args;
    bool row = false;
    hf_status st;

    *out = 0;
    va_start(args, fmt);
    st = begin(db, &stmt, err, sql, fmt, args);
    va_end(args);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && row)
        *out = sqlite3_column_int64(stmt, 0);
    if (found)
        *found = row;
    srv__sql_end(db, stmt);
    return st;
}

hf_status srv__db_begin(srv__db *db, hf_error *err)
{
    return srv__sql_run(db, NULL, err, "BEGIN IMMEDIATE", "");
}

hf_status srv__db_commit(srv__db *db, hf_error *err)
{
    return srv__sql_run(db, NULL, err, "COMMIT", "");
}

void srv__db_rollback(srv__db *db)
{
    if (!sqlite3_get_autocommit(db->conn))
        (void)sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
}

hf_status srv__db_finish(srv__db *db, hf_status st, hf_error *err)
{
    if (st == HF_OK)
        st = srv__db_commit(db, err);
    if (st != HF_OK)
        srv__db_rollback(db);
    return st;
}

char *srv__col_dup(sqlite3_stmt *stmt, int col, hf__arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(stmt, col);
    int len = sqlite3_column_bytes(stmt, col);

    return hf__arena_str(arena, (hf__str){ text ? text : "", (size_t)len });
}

void srv__col_id(sqlite3_stmt *stmt, int col, char out[SRV_ID_HEX + 1])
{
    const char *text = (const char *)sqlite3_column_text(stmt, col);

    (void)snprintf(out, SRV_ID_HEX + 1, "%s", text ? text : "");
}
