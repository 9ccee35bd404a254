/* SPDX-License-Identifier: Apache-2.0 */
/* Logins by device code (RFC 8628): codes that wait, answers to polls, tokens that are renewed. */
#include "store/private.h"

#include "core/hash.h"

#include <stdio.h>

#define SLOWER_MS 5000
#define LEEWAY_MS 100 /* between two clocks that tick the same second */

static hf_status sha256_of(hf__str text, uint8_t out[32], hf_error *err)
{
    size_t len;

    return hf__hash_raw(HF__HASH_SHA256, text.ptr ? text.ptr : "", text.len, out, &len, err);
}

/* Eight letters that are not taken for others; a guess is right once in 10^10. */
static void random_user_code(char out[SRV_USER_CODE_CHARS + 1])
{
    static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
    unsigned char bytes[64];
    size_t at = 0;

    while (at < SRV_USER_CODE_CHARS) {
        srv__random_bytes(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes && at < SRV_USER_CODE_CHARS; i++)
            if (at == 4)
                out[at++] = '-';
            else if (bytes[i] < 240)
                out[at++] = letters[bytes[i] % 20];
    }
    out[at] = '\0';
}

hf_status srv_device_new(srv_store *store, const char *client, srv_time_ms ttl,
                         srv_time_ms interval, srv_device *out, hf_error *err)
{
    static const char sweep[] = "DELETE FROM devices WHERE expires<?";
    static const char add[] =
        "INSERT INTO devices(sha256, user_code, client, expires, interval) VALUES(?, ?, ?, ?, ?)";
    uint8_t sha256[32];
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    srv__random_letters(out->code, SRV_SECRET_CHARS, "");
    random_user_code(out->user_code);
    st = sha256_of(hf__str_from(out->code), sha256, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    /* Kept a day longer, so that a late poll learns that it is late. */
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, sweep, "i", (int64_t)(srv__now() - 86400000));
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, add, "bttii", (const void *)sha256, (size_t)32,
                          out->user_code, client, (int64_t)(srv__now() + ttl), (int64_t)interval);
    srv__db_give(store, db);
    return st;
}

hf_status srv_device_decide(srv_store *store, const char *user_code, const char *account,
                            hf_error *err)
{
    static const char sql[] = "UPDATE devices SET state=?, account=? WHERE state=0 AND expires>? "
                              "AND replace(user_code, '-', '')=replace(upper(?), '-', '')";
    static const char refuse[] = "UPDATE devices SET state=? WHERE state=0 AND expires>? "
                                 "AND replace(user_code, '-', '')=replace(upper(?), '-', '')";
    int64_t changed = 0;
    int64_t key = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    if (account)
        st = srv__need_account(db, account, false, &key, err);
    if (st == HF_OK && account)
        st = srv__sql_run(db, &changed, err, sql, "iiit", (int64_t)SRV_DEVICE_APPROVED, key,
                          (int64_t)srv__now(), user_code);
    else if (st == HF_OK)
        st = srv__sql_run(db, &changed, err, refuse, "iit", (int64_t)SRV_DEVICE_DENIED,
                          (int64_t)srv__now(), user_code);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "nobody waits with the code '%.32s'", user_code);
    srv__db_give(store, db);
    return st;
}

static hf_status make_login(srv__db *db, int64_t account, const char *client, srv_time_ms ttl,
                            srv_login *out, hf_error *err)
{
    static const char sql[] = "INSERT INTO tokens(account, name, sha256, role, created, expires, "
                              "oauth) VALUES(?, ?, ?, ?, ?, ?, 1)";
    char name[SRV_ID_HEX + 8];
    char id[SRV_ID_HEX + 1];
    uint8_t sha256[32];
    hf_status st;

    srv__random_letters(out->access, SRV_SECRET_CHARS, "hf_oauth_");
    srv__random_letters(out->refresh, SRV_SECRET_CHARS, "hf_oauth_");
    srv__random_hex(id, SRV_ID_HEX);
    (void)snprintf(name, sizeof name, "oauth-%s", id);
    st = srv__sql_run(db, NULL, err, "DELETE FROM tokens WHERE oauth=1 AND expires<?", "i",
                      (int64_t)srv__now());
    if (st == HF_OK)
        st = sha256_of(hf__str_from(out->access), sha256, err);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, sql, "itbiii", account, name, (const void *)sha256,
                          (size_t)32, (int64_t)SRV_ROLE_WRITE, (int64_t)srv__now(),
                          (int64_t)(srv__now() + ttl));
    if (st == HF_OK)
        st = sha256_of(hf__str_from(out->refresh), sha256, err);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err,
                          "INSERT INTO refreshes(sha256, client, account) VALUES(?, ?, ?)", "bti",
                          (const void *)sha256, (size_t)32, client, account);
    return st;
}

typedef struct waiting {
    int64_t key, expires, interval, polled, account;
    srv_device_state state;
} waiting;

static hf_status find_waiting(srv__db *db, const uint8_t sha256[32], const char *client,
                              waiting *out, bool *found, hf_error *err)
{
    static const char sql[] = "SELECT key, expires, interval, polled, account, state FROM devices "
                              "WHERE sha256=? AND client=?";
    sqlite3_stmt *stmt = NULL;
    hf_status st =
        srv__sql_begin(db, &stmt, err, sql, "bt", (const void *)sha256, (size_t)32, client);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, found, err);
    if (st == HF_OK && *found)
        *out = (waiting){
            sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
            sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3),
            sqlite3_column_int64(stmt, 4), (srv_device_state)sqlite3_column_int(stmt, 5)
        };
    srv__sql_end(db, stmt);
    return st;
}

static hf_status answer_poll(srv__db *db, const uint8_t sha256[32], const char *client,
                             srv_time_ms ttl, srv_device_state *state, srv_login *out,
                             hf_error *err)
{
    static const char note[] = "UPDATE devices SET polled=?, interval=? WHERE key=?";
    int64_t now = srv__now();
    waiting w = { 0 };
    bool found = false;
    hf_status st = find_waiting(db, sha256, client, &w, &found, err);

    if (st != HF_OK)
        return st;
    *state = SRV_DEVICE_UNKNOWN;
    if (!found)
        return HF_OK;
    *state = w.state;
    if (w.expires <= now) {
        *state = SRV_DEVICE_EXPIRED;
        return HF_OK;
    }
    if (w.polled > 0 && now - w.polled < w.interval - LEEWAY_MS) {
        *state = SRV_DEVICE_TOO_FAST;
        w.interval += SLOWER_MS;
    }
    if (*state == SRV_DEVICE_APPROVED) {
        st = make_login(db, w.account, client, ttl, out, err);
        if (st == HF_OK)
            st = srv__sql_run(db, NULL, err, "DELETE FROM devices WHERE key=?", "i", w.key);
        return st;
    }
    return srv__sql_run(db, NULL, err, note, "iii", now, w.interval, w.key);
}

hf_status srv_device_poll(srv_store *store, hf__str code, const char *client, srv_time_ms ttl,
                          srv_device_state *state, srv_login *out, hf_error *err)
{
    uint8_t sha256[32];
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    st = sha256_of(code, sha256, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, answer_poll(db, sha256, client, ttl, state, out, err), err);
    srv__db_give(store, db);
    return st;
}

static hf_status refresh(srv__db *db, const uint8_t sha256[32], const char *client, srv_time_ms ttl,
                         bool *known, srv_login *out, hf_error *err)
{
    int64_t account;
    hf_status st = srv__sql_int(db, &account, known, err,
                                "SELECT account FROM refreshes WHERE sha256=? AND client=?", "bt",
                                (const void *)sha256, (size_t)32, client);

    if (st != HF_OK || !*known)
        return st;
    st = srv__sql_run(db, NULL, err, "DELETE FROM refreshes WHERE sha256=?", "b",
                      (const void *)sha256, (size_t)32);
    return st == HF_OK ? make_login(db, account, client, ttl, out, err) : st;
}

hf_status srv_login_refresh(srv_store *store, hf__str text, const char *client, srv_time_ms ttl,
                            bool *known, srv_login *out, hf_error *err)
{
    uint8_t sha256[32];
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    st = sha256_of(text, sha256, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, refresh(db, sha256, client, ttl, known, out, err), err);
    srv__db_give(store, db);
    return st;
}

hf_status srv_token_burn(srv_store *store, hf__str token, hf_error *err)
{
    uint8_t sha256[32];
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    st = sha256_of(token, sha256, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, "DELETE FROM tokens WHERE sha256=?", "b",
                          (const void *)sha256, (size_t)32);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, "DELETE FROM refreshes WHERE sha256=?", "b",
                          (const void *)sha256, (size_t)32);
    srv__db_give(store, db);
    return st;
}
