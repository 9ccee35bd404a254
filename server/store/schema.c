/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, version by version. A step once published never changes; a new one is appended. */
#include "store/private.h"

#include <stdio.h>

static const char *const steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE accounts("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL UNIQUE COLLATE NOCASE, fullname TEXT NOT NULL, email TEXT,"
    "  is_org INTEGER NOT NULL, created INTEGER NOT NULL);"
    "CREATE TABLE members("
    "  org INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,"
    "  user INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,"
    "  role INTEGER NOT NULL, PRIMARY KEY(user, org)) WITHOUT ROWID;"
    "CREATE TABLE tokens("
    "  key INTEGER PRIMARY KEY,"
    "  account INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,"
    "  name TEXT NOT NULL, sha256 BLOB NOT NULL UNIQUE, role INTEGER NOT NULL,"
    "  created INTEGER NOT NULL, expires INTEGER NOT NULL, UNIQUE(account, name));"
    "CREATE TABLE scopes("
    "  token INTEGER NOT NULL REFERENCES tokens(key) ON DELETE CASCADE,"
    "  entity TEXT NOT NULL COLLATE NOCASE, permissions INTEGER NOT NULL,"
    "  PRIMARY KEY(token, entity)) WITHOUT ROWID;"
    /* AUTOINCREMENT: pages of a listing go on after a key, which must not come back. */
    "CREATE TABLE repos("
    "  key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type INTEGER NOT NULL,"
    "  name TEXT NOT NULL COLLATE NOCASE, ns TEXT NOT NULL COLLATE NOCASE, sdk TEXT,"
    "  private INTEGER NOT NULL, gated INTEGER NOT NULL, disabled INTEGER NOT NULL,"
    "  created INTEGER NOT NULL, downloads INTEGER NOT NULL DEFAULT 0,"
    "  likes INTEGER NOT NULL DEFAULT 0, UNIQUE(type, name));"
    "CREATE INDEX repos_by_ns ON repos(ns);"
    "CREATE TABLE redirects("
    "  type INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    "  repo INTEGER NOT NULL REFERENCES repos(key) ON DELETE CASCADE,"
    "  PRIMARY KEY(type, name)) WITHOUT ROWID;"
    "CREATE TABLE grants("
    "  repo INTEGER NOT NULL REFERENCES repos(key) ON DELETE CASCADE,"
    "  account INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,"
    "  state INTEGER NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY(repo, account)) WITHOUT ROWID;"
    "CREATE TABLE lfs_links("
    "  repo INTEGER NOT NULL REFERENCES repos(key) ON DELETE CASCADE, sha256 BLOB NOT NULL,"
    "  size INTEGER NOT NULL, created INTEGER NOT NULL, PRIMARY KEY(repo, sha256)) WITHOUT ROWID;"
    "CREATE INDEX lfs_links_by_sha256 ON lfs_links(sha256);",
    "CREATE TABLE cards("
    "  repo INTEGER PRIMARY KEY REFERENCES repos(key) ON DELETE CASCADE, head TEXT NOT NULL,"
    "  modified INTEGER NOT NULL, data TEXT, config TEXT, task TEXT, library TEXT);"
    "CREATE TABLE tags("
    "  repo INTEGER NOT NULL REFERENCES repos(key) ON DELETE CASCADE, type TEXT NOT NULL,"
    "  tag TEXT NOT NULL COLLATE NOCASE, pos INTEGER NOT NULL,"
    "  PRIMARY KEY(repo, tag, type)) WITHOUT ROWID;",
    /* Logins by device code. state: srv_device_state. Secrets are kept as their SHA-256. */
    "ALTER TABLE tokens ADD COLUMN oauth INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE devices("
    "  key INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, user_code TEXT NOT NULL UNIQUE,"
    "  client TEXT NOT NULL, expires INTEGER NOT NULL, interval INTEGER NOT NULL,"
    "  polled INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0,"
    "  account INTEGER REFERENCES accounts(key) ON DELETE CASCADE);"
    "CREATE TABLE refreshes("
    "  sha256 BLOB PRIMARY KEY, client TEXT NOT NULL,"
    "  account INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE) WITHOUT ROWID;",
    "CREATE TABLE discussions("
    "  key INTEGER PRIMARY KEY, repo INTEGER NOT NULL REFERENCES repos(key) ON DELETE CASCADE,"
    "  num INTEGER NOT NULL, title TEXT NOT NULL, status INTEGER NOT NULL, is_pr INTEGER NOT NULL,"
    "  author INTEGER REFERENCES accounts(key) ON DELETE SET NULL, created INTEGER NOT NULL,"
    "  merged TEXT, UNIQUE(repo, num));"
    /* What `one` and `two` are depends on the type: a comment's text; a status; titles. */
    "CREATE TABLE events("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    "  discussion INTEGER NOT NULL REFERENCES discussions(key) ON DELETE CASCADE,"
    "  type INTEGER NOT NULL, author INTEGER REFERENCES accounts(key) ON DELETE SET NULL,"
    "  created INTEGER NOT NULL, one TEXT NOT NULL, two TEXT, edited INTEGER NOT NULL DEFAULT 0,"
    "  n_edits INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX events_by_discussion ON events(discussion);"
    "CREATE TABLE likes("
    "  repo INTEGER NOT NULL REFERENCES repos(key) ON DELETE CASCADE,"
    "  account INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE,"
    "  created INTEGER NOT NULL, PRIMARY KEY(repo, account)) WITHOUT ROWID;"
    "CREATE INDEX likes_by_account ON likes(account);",
    "CREATE TABLE collections("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    "  owner INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE, title TEXT NOT NULL,"
    "  slug TEXT NOT NULL, description TEXT, theme TEXT NOT NULL, private INTEGER NOT NULL,"
    "  position INTEGER NOT NULL, updated INTEGER NOT NULL, UNIQUE(owner, title));"
    "CREATE TABLE items("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    "  collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,"
    "  type TEXT NOT NULL, item TEXT NOT NULL, note TEXT, position INTEGER NOT NULL,"
    "  UNIQUE(collection, type, item));"
    "CREATE TABLE webhooks("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    "  account INTEGER NOT NULL REFERENCES accounts(key) ON DELETE CASCADE, url TEXT NOT NULL,"
    "  watched TEXT NOT NULL, domains TEXT NOT NULL, secret TEXT, disabled INTEGER NOT NULL);",
    /* Cards are read again, now with what their weights tell. */
    "ALTER TABLE cards ADD COLUMN weights TEXT;"
    "ALTER TABLE cards ADD COLUMN params INTEGER;"
    "DELETE FROM cards;",
};

static hf_status read_version(srv__db *db, int64_t *out, hf_error *err)
{
    sqlite3_stmt *stmt;
    hf_status st = srv__sql_begin(db, &stmt, err, "PRAGMA user_version", "");
    bool row;

    if (st != HF_OK)
        return st;
    st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK)
        *out = row ? sqlite3_column_int64(stmt, 0) : 0;
    srv__sql_end(db, stmt);
    return st;
}

static hf_status apply_locked(srv__db *db, hf_error *err)
{
    int64_t newest = (int64_t)HF__COUNT(steps);
    char pragma[48];
    int64_t version;
    hf_status st = read_version(db, &version, err);
    int rc = SQLITE_OK;

    if (st != HF_OK)
        return st;
    if (version > newest)
        return hf__fail(err, HF_ERR_BAD_FORMAT,
                        "the data folder was made by a newer hf-serve (schema %lld, this one knows "
                        "%lld)",
                        (long long)version, (long long)newest);
    for (; rc == SQLITE_OK && version < newest; version++)
        rc = sqlite3_exec(db->conn, steps[version], NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%lld", (long long)newest);
        rc = sqlite3_exec(db->conn, pragma, NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? HF_OK : srv__db_fail(db, rc, err);
}

hf_status srv__schema_apply(srv__db *db, hf_error *err)
{
    int64_t version;
    hf_status st = read_version(db, &version, err);

    if (st != HF_OK || version == (int64_t)HF__COUNT(steps))
        return st;
    st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, apply_locked(db, err), err);
    return st;
}
