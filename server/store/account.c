/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, membership, tokens. Of a token only the SHA-256 is kept: who reads the database cannot
 * use what is in it. */
#include "store/private.h"

#include "core/hash.h"

#include <stdio.h>

const char *srv_role_name(srv_role role)
{
    static const char *const names[] = { "read", "write", "fineGrained" };

    return (size_t)role < HF__COUNT(names) ? names[role] : "read";
}

const char *srv_org_role_name(srv_org_role role)
{
    static const char *const names[] = { "read", "contributor", "write", "admin" };

    return (size_t)role < HF__COUNT(names) ? names[role] : "read";
}

hf_status srv__account_read(sqlite3_stmt *stmt, hf__arena *arena, srv_account *out, hf_error *err)
{
    srv__col_id(stmt, 0, out->id);
    out->name = srv__col_dup(stmt, 1, arena);
    out->fullname = srv__col_dup(stmt, 2, arena);
    out->email = sqlite3_column_type(stmt, 3) == SQLITE_NULL ? NULL : srv__col_dup(stmt, 3, arena);
    out->is_org = sqlite3_column_int(stmt, 4) != 0;
    out->created = sqlite3_column_int64(stmt, 5);
    return out->name && out->fullname ? HF_OK : hf__fail_nomem(err);
}

bool srv__is_reserved(hf__str name)
{
    static const char *const words[] = {
        "api",           "datasets",    "spaces", "kernels", "buckets", "models", "oauth",
        "papers",        "settings",    "login",  "logout",  "join",    "docs",   "new",
        "organizations", "collections", "static", "avatars", "users",   "lfs",    "resolve-cache"
    };
    size_t i;

    for (i = 0; i < HF__COUNT(words); i++)
        if (hf__str_eq_nocase(name, hf__str_from(words[i])))
            return true;
    return false;
}

static hf_status check_name(const char *name, hf_error *err)
{
    hf_status st;

    if (strchr(name, '/'))
        return hf__fail(err, HF_ERR_INVALID_ARG, "account name '%s' has a '/'", name);
    if (srv__is_reserved(hf__str_from(name)))
        return hf__fail(err, HF_ERR_INVALID_ARG, "account name '%s' is reserved", name);
    st = srv_repo_id_check(hf__str_from(name), err);
    if (st != HF_OK)
        return hf__fail(
            err, st,
            "account name '%s' is not allowed: 1 to 96 of A-Z a-z 0-9 - _ ., no '--' or "
            "'..', not beginning or ending with '-' or '.'",
            name);
    return HF_OK;
}

hf_status srv_account_add(srv_store *store, const srv_account_spec *spec, hf_error *err)
{
    static const char sql[] = "INSERT INTO accounts(id, name, fullname, email, is_org, created) "
                              "VALUES(?, ?, ?, ?, ?, ?)";
    char id[SRV_ID_HEX + 1];
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    st = check_name(spec->name, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    srv__random_hex(id, SRV_ID_HEX);
    st = srv__sql_run(db, NULL, err, sql, "ttttii", id, spec->name,
                      spec->fullname ? spec->fullname : spec->name, spec->email,
                      (int64_t)spec->is_org, (int64_t)srv__now());
    if (st == HF_ERR_CONFLICT)
        st = hf__fail(err, st, "the account '%s' exists already", spec->name);
    srv__db_give(store, db);
    return st;
}

static hf_status find_account(srv__db *db, hf__str name, hf__arena *arena, const srv_account **out,
                              int64_t *key, hf_error *err)
{
    sqlite3_stmt *stmt = NULL;
    srv_account *account = NULL;
    bool row = false;
    hf_status st = srv__sql_begin(
        db, &stmt, err, "SELECT " SRV__ACCOUNT_COLUMNS " FROM accounts a WHERE name=?", "s", name);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && row) {
        account = hf__arena_alloc(arena, sizeof *account);
        st = account ? srv__account_read(stmt, arena, account, err) : hf__fail_nomem(err);
        if (key)
            *key = sqlite3_column_int64(stmt, 6);
    }
    srv__sql_end(db, stmt);
    if (st == HF_OK)
        *out = account;
    return st;
}

hf_status srv_account_find(srv_store *store, hf__str name, hf__arena *arena,
                           const srv_account **out, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = find_account(db, name, arena, out, NULL, err);
    srv__db_give(store, db);
    return st;
}

/* The key of an account that must exist. */
hf_status srv__need_account(srv__db *db, const char *name, bool want_org, int64_t *key,
                            hf_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    hf_status st =
        srv__sql_begin(db, &stmt, err, "SELECT key, is_org FROM accounts WHERE name=?", "t", name);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && (!row || (want_org && sqlite3_column_int(stmt, 1) == 0)))
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no %s '%s'",
                      want_org ? "organisation" : "account", name);
    if (st == HF_OK)
        *key = sqlite3_column_int64(stmt, 0);
    srv__sql_end(db, stmt);
    return st;
}

static hf_status read_account(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    return srv__account_read(stmt, arena, out, err);
}

hf_status srv_account_list(srv_store *store, hf__arena *arena, const srv_account **out,
                           size_t *n_out, hf_error *err)
{
    srv__rows rows = { .arena = arena, .size = sizeof(srv_account), .read = read_account };
    hf_status st = srv__store_rows(
        store, &rows, err, "SELECT " SRV__ACCOUNT_COLUMNS " FROM accounts a ORDER BY a.name", "");

    if (st == HF_OK) {
        *out = rows.list;
        *n_out = rows.n;
    }
    return st;
}

hf_status srv_member_add(srv_store *store, const char *org, const char *user, srv_org_role role,
                         hf_error *err)
{
    static const char sql[] = "INSERT INTO members(org, user, role) VALUES(?, ?, ?) "
                              "ON CONFLICT(user, org) DO UPDATE SET role=excluded.role";
    int64_t org_key;
    int64_t user_key;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__need_account(db, org, true, &org_key, err);
    if (st == HF_OK)
        st = srv__need_account(db, user, false, &user_key, err);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, sql, "iii", org_key, user_key, (int64_t)role);
    srv__db_give(store, db);
    return st;
}

/* -------------------------------------------------------------------------------------- tokens */

void srv__random_letters(char *out, size_t len, const char *prefix)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const unsigned n_letters = (unsigned)sizeof letters - 1;
    size_t at = strlen(prefix);

    memcpy(out, prefix, at);
    while (at < len) {
        unsigned char bytes[64];
        size_t i;

        srv__random_bytes(bytes, sizeof bytes);
        for (i = 0; i < sizeof bytes && at < len; i++)
            if (bytes[i] < 256 / n_letters * n_letters)
                out[at++] = letters[bytes[i] % n_letters];
    }
    out[at] = '\0';
}

static hf_status insert_token(srv__db *db, const srv_token_spec *spec, const uint8_t sha256[32],
                              hf_error *err)
{
    const char *name = spec->name ? spec->name : "default";
    int64_t account;
    int64_t token;
    size_t i;
    hf_status st = srv__need_account(db, spec->account, false, &account, err);

    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err,
                          "INSERT INTO tokens(account, name, sha256, role, created, expires) "
                          "VALUES(?, ?, ?, ?, ?, ?)",
                          "itbiii", account, name, (const void *)sha256, (size_t)32,
                          (int64_t)spec->role, (int64_t)srv__now(), (int64_t)spec->expires);
    if (st == HF_ERR_CONFLICT)
        return hf__fail(err, st, "'%s' has a token named '%s' already", spec->account, name);
    token = sqlite3_last_insert_rowid(db->conn);
    for (i = 0; st == HF_OK && i < spec->n_scopes; i++)
        st = srv__sql_run(
            db, NULL, err,
            "INSERT OR REPLACE INTO scopes(token, entity, permissions) VALUES(?, ?, ?)", "iti",
            token, spec->scopes[i].entity, (int64_t)spec->scopes[i].permissions);
    return st;
}

hf_status srv_token_add(srv_store *store, const srv_token_spec *spec, char out[SRV_TOKEN_CHARS + 1],
                        hf_error *err)
{
    char token[SRV_TOKEN_CHARS + 1];
    uint8_t sha256[32];
    srv__db *db = NULL;
    size_t len;
    hf_status st;

    hf__error_clear(err);
    srv__random_letters(token, SRV_TOKEN_CHARS, "hf_");
    st = hf__hash_raw(HF__HASH_SHA256, token, SRV_TOKEN_CHARS, sha256, &len, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, insert_token(db, spec, sha256, err), err);
    srv__db_give(store, db);
    if (st == HF_OK)
        memcpy(out, token, sizeof token);
    return st;
}

hf_status srv_token_revoke(srv_store *store, const char *account, const char *name, hf_error *err)
{
    int64_t changed = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, &changed, err,
                      "DELETE FROM tokens WHERE name=? AND "
                      "account=(SELECT key FROM accounts WHERE name=?)",
                      "tt", name, account);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "'%s' has no token named '%s'", account, name);
    srv__db_give(store, db);
    return st;
}

static hf_status read_token_row(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_token *token = out;

    token->account = srv__col_dup(stmt, 0, arena);
    token->name = srv__col_dup(stmt, 1, arena);
    token->role = (srv_role)sqlite3_column_int(stmt, 2);
    token->created = sqlite3_column_int64(stmt, 3);
    token->expires = sqlite3_column_int64(stmt, 4);
    return token->account && token->name ? HF_OK : hf__fail_nomem(err);
}

hf_status srv_token_list(srv_store *store, const char *account, hf__arena *arena,
                         const srv_token **out, size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT a.name, t.name, t.role, t.created, t.expires FROM tokens t "
        "JOIN accounts a ON a.key=t.account WHERE ?1 IS NULL OR a.name=?1 COLLATE NOCASE "
        "ORDER BY a.name, t.key";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_token), .read = read_token_row };
    hf_status st = srv__store_rows(store, &rows, err, sql, "t", account);

    if (st == HF_OK) {
        *out = rows.list;
        *n_out = rows.n;
    }
    return st;
}

/* ------------------------------------------------------------------------------------- identity */

/* Fills the account and the token's facts; *key of the account and of the token for what follows. */
static hf_status read_token(srv__db *db, const uint8_t sha256[32], hf__arena *arena,
                            srv_identity *who, int64_t *account_key, int64_t *token_key,
                            hf_error *err)
{
    static const char sql[] =
        "SELECT " SRV__ACCOUNT_COLUMNS ", t.key, t.name, t.role, t.created, t.expires, t.oauth "
        "FROM tokens t JOIN accounts a ON a.key=t.account WHERE t.sha256=?";
    srv_account *account = hf__arena_alloc(arena, sizeof *account);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    hf_status st;

    if (!account)
        return hf__fail_nomem(err);
    st = srv__sql_begin(db, &stmt, err, sql, "b", (const void *)sha256, (size_t)32);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && row)
        who->token_expires = sqlite3_column_int64(stmt, 11);
    if (st == HF_OK && (!row || (who->token_expires != 0 && who->token_expires < srv__now())))
        st = hf__fail(err, HF_ERR_UNAUTHORIZED, "the token is not known here");
    if (st == HF_OK)
        st = srv__account_read(stmt, arena, account, err);
    if (st == HF_OK) {
        *account_key = sqlite3_column_int64(stmt, 6);
        *token_key = sqlite3_column_int64(stmt, 7);
        who->account = account;
        who->token_name = srv__col_dup(stmt, 8, arena);
        who->role = (srv_role)sqlite3_column_int(stmt, 9);
        who->token_created = sqlite3_column_int64(stmt, 10);
        who->is_oauth = sqlite3_column_int(stmt, 12) != 0;
        if (!who->token_name)
            st = hf__fail_nomem(err);
    }
    srv__sql_end(db, stmt);
    return st;
}

static hf_status read_membership(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_membership *membership = out;

    membership->role = (srv_org_role)sqlite3_column_int(stmt, SRV__N_ACCOUNT_COLUMNS);
    return srv__account_read(stmt, arena, &membership->org, err);
}

static hf_status read_orgs(srv__db *db, int64_t user, hf__arena *arena, srv_identity *who,
                           hf_error *err)
{
    static const char sql[] = "SELECT " SRV__ACCOUNT_COLUMNS ", m.role FROM members m "
                              "JOIN accounts a ON a.key=m.org WHERE m.user=? ORDER BY a.name";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_membership), .read = read_membership };
    hf_status st = srv__sql_rows(db, &rows, err, sql, "i", user);

    who->orgs = rows.list;
    who->n_orgs = rows.n;
    return st;
}

static hf_status read_scope(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_scope *scope = out;

    scope->entity = srv__col_dup(stmt, 0, arena);
    scope->permissions = (uint32_t)sqlite3_column_int(stmt, 1);
    return scope->entity ? HF_OK : hf__fail_nomem(err);
}

static hf_status read_scopes(srv__db *db, int64_t token, hf__arena *arena, srv_identity *who,
                             hf_error *err)
{
    srv__rows rows = { .arena = arena, .size = sizeof(srv_scope), .read = read_scope };
    hf_status st = srv__sql_rows(
        db, &rows, err, "SELECT entity, permissions FROM scopes WHERE token=?", "i", token);

    who->scopes = rows.list;
    who->n_scopes = rows.n;
    return st;
}

hf_status srv_identity_find(srv_store *store, hf__str token, hf__arena *arena,
                            const srv_identity **out, hf_error *err)
{
    srv_identity *who = hf__arena_alloc(arena, sizeof *who);
    int64_t account = 0;
    int64_t key = 0;
    uint8_t sha256[32];
    srv__db *db = NULL;
    size_t len;
    hf_status st;

    hf__error_clear(err);
    if (!who)
        return hf__fail_nomem(err);
    if (token.len == 0) {
        *out = who;
        return HF_OK;
    }
    /* Found by its hash: how long the search takes tells nothing about the token's letters. */
    st = hf__hash_raw(HF__HASH_SHA256, token.ptr, token.len, sha256, &len, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = read_token(db, sha256, arena, who, &account, &key, err);
    if (st == HF_OK)
        st = read_orgs(db, account, arena, who, err);
    if (st == HF_OK)
        st = read_scopes(db, key, arena, who, err);
    srv__db_give(store, db);
    if (st == HF_OK)
        *out = who;
    return st;
}
