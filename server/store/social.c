/* SPDX-License-Identifier: Apache-2.0 */
/* Likes, requests for gated repos, and what everyone may know of an account. */
#include "store/private.h"
#include "store/social.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------ likes */

static hf_status set_like(srv__db *db, const srv_repo *repo, const char *account, bool like,
                          hf_error *err)
{
    static const char add[] = "INSERT OR IGNORE INTO likes(repo, account, created) VALUES(?, ?, ?)";
    static const char count[] =
        "UPDATE repos SET likes=(SELECT count(*) FROM likes WHERE repo=?1) WHERE key=?1";
    int64_t key = 0;
    hf_status st = srv__need_account(db, account, false, &key, err);

    if (st == HF_OK && like)
        st = srv__sql_run(db, NULL, err, add, "iii", repo->key, key, (int64_t)srv__now());
    else if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, "DELETE FROM likes WHERE repo=? AND account=?", "ii",
                          repo->key, key);
    return st == HF_OK ? srv__sql_run(db, NULL, err, count, "i", repo->key) : st;
}

hf_status srv_like_set(srv_store *store, const srv_repo *repo, const char *account, bool like,
                       hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, set_like(db, repo, account, like, err), err);
    srv__db_give(store, db);
    return st;
}

static hf_status read_like(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_like *like = out;
    hf_status st = srv__account_read(stmt, arena, &like->account, err);

    like->type = (srv_repo_type)sqlite3_column_int(stmt, SRV__N_ACCOUNT_COLUMNS);
    like->repo = srv__col_dup(stmt, SRV__N_ACCOUNT_COLUMNS + 1, arena);
    like->repo_is_private = sqlite3_column_int(stmt, SRV__N_ACCOUNT_COLUMNS + 2) != 0;
    like->created = sqlite3_column_int64(stmt, SRV__N_ACCOUNT_COLUMNS + 3);
    return like->repo ? st : hf__fail_nomem(err);
}

hf_status srv_like_list(srv_store *store, const srv_repo *repo, const char *account,
                        hf__arena *arena, const srv_like **out, size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT " SRV__ACCOUNT_COLUMNS ", r.type, r.name, r.private, l.created FROM likes l "
        "JOIN accounts a ON a.key=l.account JOIN repos r ON r.key=l.repo "
        "WHERE (?1=0 OR l.repo=?1) AND (?2 IS NULL OR a.name=?2) ORDER BY l.created DESC, r.key "
        "LIMIT 100000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_like), .read = read_like };
    hf_status st =
        srv__store_rows(store, &rows, err, sql, "it", repo ? repo->key : (int64_t)0, account);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

/* --------------------------------------------------------------------------------------- requests */

static hf_status read_request(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_request *request = out;

    request->grant = (srv_grant)sqlite3_column_int(stmt, SRV__N_ACCOUNT_COLUMNS);
    request->changed = sqlite3_column_int64(stmt, SRV__N_ACCOUNT_COLUMNS + 1);
    return srv__account_read(stmt, arena, &request->account, err);
}

hf_status srv_request_list(srv_store *store, const srv_repo *repo, srv_grant grant,
                           hf__arena *arena, const srv_request **out, size_t *n_out, hf_error *err)
{
    static const char sql[] = "SELECT " SRV__ACCOUNT_COLUMNS ", g.state, g.changed FROM grants g "
                              "JOIN accounts a ON a.key=g.account WHERE g.repo=? AND g.state=? "
                              "ORDER BY g.changed DESC, a.key LIMIT 100000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_request), .read = read_request };
    hf_status st = srv__store_rows(store, &rows, err, sql, "ii", repo->key, (int64_t)grant);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

hf_status srv_request_make(srv_store *store, const srv_repo *repo, const char *account,
                           srv_grant grant, hf_error *err)
{
    static const char sql[] = "INSERT OR IGNORE INTO grants(repo, account, state, changed) "
                              "SELECT ?, key, ?, ? FROM accounts WHERE name=?";
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, NULL, err, sql, "iiit", repo->key, (int64_t)grant, (int64_t)srv__now(),
                      account);
    srv__db_give(store, db);
    return st;
}

hf_status srv_request_cancel(srv_store *store, const srv_repo *repo, const char *account,
                             hf_error *err)
{
    static const char sql[] = "DELETE FROM grants WHERE repo=? AND state=? AND "
                              "account=(SELECT key FROM accounts WHERE name=?)";
    int64_t changed = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st =
        srv__sql_run(db, &changed, err, sql, "iit", repo->key, (int64_t)SRV_GRANT_PENDING, account);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "You have no pending request for this repo");
    srv__db_give(store, db);
    return st;
}

hf_status srv_request_find(srv_store *store, const srv_repo *repo, const char *account,
                           srv_grant *out, hf_error *err)
{
    static const char sql[] = "SELECT g.state FROM grants g JOIN accounts a ON a.key=g.account "
                              "WHERE g.repo=? AND a.name=?";
    int64_t state = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_int(db, &state, NULL, err, sql, "it", repo->key, account);
    *out = (srv_grant)state;
    srv__db_give(store, db);
    return st;
}

/* --------------------------------------------------------------------------------------- accounts */

hf_status srv_account_overview(srv_store *store, const srv_account *account, srv_overview *out,
                               hf_error *err)
{
    static const char repos[] = "SELECT count(*) FROM repos WHERE ns=? AND type=? AND private=0";
    static const char members[] = "SELECT count(*) FROM members m JOIN accounts a ON a.key=m.org "
                                  "WHERE a.id=?";
    static const char likes[] = "SELECT count(*) FROM likes l JOIN accounts a ON a.key=l.account "
                                "JOIN repos r ON r.key=l.repo WHERE a.id=? AND r.private=0";
    static const char talks[] = "SELECT count(*) FROM discussions d JOIN accounts a ON "
                                "a.key=d.author JOIN repos r ON r.key=d.repo "
                                "WHERE a.id=? AND r.private=0";
    int64_t n = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    memset(out, 0, sizeof *out);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    for (int type = 0; st == HF_OK && type < 4; type++) {
        st = srv__sql_int(db, &n, NULL, err, repos, "ti", account->name, (int64_t)type);
        out->n_repos[type] = (uint64_t)n;
    }
    if (st == HF_OK)
        st = srv__sql_int(db, &n, NULL, err, members, "t", account->id);
    out->n_members = (uint64_t)n;
    if (st == HF_OK)
        st = srv__sql_int(db, &n, NULL, err, likes, "t", account->id);
    out->n_likes = (uint64_t)n;
    if (st == HF_OK)
        st = srv__sql_int(db, &n, NULL, err, talks, "t", account->id);
    out->n_discussions = (uint64_t)n;
    srv__db_give(store, db);
    return st;
}

static hf_status read_membership(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_membership *member = out;

    member->role = (srv_org_role)sqlite3_column_int(stmt, SRV__N_ACCOUNT_COLUMNS);
    return srv__account_read(stmt, arena, &member->org, err);
}

hf_status srv_member_list(srv_store *store, const srv_account *account, hf__arena *arena,
                          const srv_membership **out, size_t *n_out, hf_error *err)
{
    static const char users[] =
        "SELECT " SRV__ACCOUNT_COLUMNS ", m.role FROM members m JOIN accounts a ON a.key=m.user "
        "JOIN accounts o ON o.key=m.org WHERE o.id=? ORDER BY a.name LIMIT 100000";
    static const char orgs[] =
        "SELECT " SRV__ACCOUNT_COLUMNS ", m.role FROM members m JOIN accounts a ON a.key=m.org "
        "JOIN accounts u ON u.key=m.user WHERE u.id=? ORDER BY a.name LIMIT 100000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_membership), .read = read_membership };
    hf_status st =
        srv__store_rows(store, &rows, err, account->is_org ? users : orgs, "t", account->id);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

hf_status srv_owned_list(srv_store *store, const char *ns, hf__arena *arena, const srv_owned **out,
                         size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT " SRV__REPO_COLUMNS ", coalesce(c.modified, r.created) AS changed, "
        "(SELECT coalesce(sum(size), 0) FROM lfs_links WHERE repo=r.key) "
        "FROM repos r LEFT JOIN cards c ON c.repo=r.key WHERE r.ns=? "
        "ORDER BY changed DESC, r.key DESC LIMIT 100000";
    sqlite3_stmt *stmt = NULL;
    srv_owned *list = NULL;
    size_t n = 0;
    bool row = false;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "t", ns);
    while (st == HF_OK && (st = srv__sql_next(db, stmt, &row, err)) == HF_OK && row) {
        list = srv__grow(arena, list, n, sizeof *list);
        if (!list) {
            st = hf__fail_nomem(err);
            break;
        }
        st = srv__repo_read(store, stmt, arena, &list[n].repo, err);
        list[n].repo.modified = sqlite3_column_int64(stmt, SRV__N_REPO_COLUMNS);
        list[n++].bytes = (uint64_t)sqlite3_column_int64(stmt, SRV__N_REPO_COLUMNS + 1);
    }
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    *out = list;
    *n_out = n;
    return st;
}
