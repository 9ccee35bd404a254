/* SPDX-License-Identifier: Apache-2.0 */
/* Collections: lists of repos and papers that somebody put together. And webhooks, which are kept
 * for whoever delivers. */
#include "store/private.h"
#include "store/social.h"

#include <stdio.h>
#include <string.h>

#define MAX_WEBHOOKS 100 /* of an account: all of them are told at once */

#define COLUMNS                                                                                    \
    "c.key, c.id, a.name, c.title, c.description, c.theme, c.private, c.position, c.updated, "     \
    "c.slug"

static const char *maybe(sqlite3_stmt *stmt, int col, hf__arena *arena)
{
    return sqlite3_column_type(stmt, col) == SQLITE_NULL ? NULL : srv__col_dup(stmt, col, arena);
}

static hf_status read_collection(sqlite3_stmt *stmt, hf__arena *arena, void *to, hf_error *err)
{
    srv_collection *out = to;

    out->key = sqlite3_column_int64(stmt, 0);
    srv__col_id(stmt, 1, out->id);
    out->owner = srv__col_dup(stmt, 2, arena);
    out->title = srv__col_dup(stmt, 3, arena);
    out->description = maybe(stmt, 4, arena);
    out->theme = srv__col_dup(stmt, 5, arena);
    out->is_private = sqlite3_column_int(stmt, 6) != 0;
    out->position = sqlite3_column_int64(stmt, 7);
    out->updated = sqlite3_column_int64(stmt, 8);
    out->slug = srv__col_dup(stmt, 9, arena);
    return out->owner && out->title && out->theme && out->slug ? HF_OK : hf__fail_nomem(err);
}

/* "Recent models!" is recent-models; what no letter or digit of ASCII is, is a gap. */
static void slugify(const char *title, char out[64])
{
    size_t n = 0;

    for (; *title && n < 60; title++) {
        char c = *title;

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[n++] = c;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    out[n] = '\0';
}

static hf_status insert(srv__db *db, const srv_collection *spec, char id[SRV_ID_HEX + 1],
                        bool *exists, hf_error *err)
{
    static const char same[] = "SELECT id FROM collections WHERE owner=? AND title=?";
    static const char add[] = "INSERT INTO collections(id, owner, title, slug, description, theme, "
                              "private, position, updated) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlite3_stmt *stmt = NULL;
    int64_t owner = 0;
    int64_t n = 0;
    char slug[64];
    hf_status st = srv__need_account(db, spec->owner, false, &owner, err);

    *exists = false;
    if (st == HF_OK)
        st = srv__sql_begin(db, &stmt, err, same, "it", owner, spec->title);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, exists, err);
    if (st == HF_OK && *exists)
        srv__col_id(stmt, 0, id);
    srv__sql_end(db, stmt);
    if (st != HF_OK || *exists)
        return st;
    st = srv__sql_int(db, &n, NULL, err, "SELECT count(*) FROM collections WHERE owner=?", "i",
                      owner);
    srv__random_hex(id, SRV_ID_HEX);
    slugify(spec->title, slug);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, add,
                          "titt"
                          "ttiii",
                          id, owner, spec->title, slug, spec->description, spec->theme,
                          (int64_t)spec->is_private, n, (int64_t)srv__now());
    return st;
}

hf_status srv_collection_new(srv_store *store, const srv_collection *spec, char id[SRV_ID_HEX + 1],
                             bool *exists, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, insert(db, spec, id, exists, err), err);
    srv__db_give(store, db);
    return st;
}

hf_status srv_collection_find(srv_store *store, hf__str id, hf__arena *arena, srv_collection *out,
                              hf_error *err)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM collections c JOIN accounts a ON a.key=c.owner WHERE c.id=?";
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "s", id);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && !row)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no such collection");
    if (st == HF_OK)
        st = read_collection(stmt, arena, out, err);
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    return st;
}

hf_status srv_collection_list(srv_store *store, const char *owner, const char *item_type,
                              const char *item, hf__arena *arena, const srv_collection **out,
                              size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM collections c JOIN accounts a ON a.key=c.owner "
        "WHERE (?1 IS NULL OR a.name=?1) AND (?3 IS NULL OR EXISTS(SELECT 1 FROM items i WHERE "
        "i.collection=c.key AND i.type=?2 AND i.item=?3)) "
        "ORDER BY c.updated DESC, c.key DESC LIMIT 100000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_collection), .read = read_collection };
    hf_status st = srv__store_rows(store, &rows, err, sql, "ttt", owner, item_type, item);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

hf_status srv_collection_set(srv_store *store, const srv_collection *c,
                             const srv_collection_change *change, hf_error *err)
{
    static const char sql[] =
        "UPDATE collections SET title=coalesce(?1, title), description=coalesce(?2, description), "
        "theme=coalesce(?3, theme), private=CASE WHEN ?4 < 0 THEN private ELSE ?4 END, "
        "position=CASE WHEN ?5 < 0 THEN position ELSE ?5 END, updated=?6 WHERE key=?7";
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, NULL, err, sql, "tttiiii", change->title, change->description,
                      change->theme, (int64_t)change->is_private, change->position,
                      (int64_t)srv__now(), c->key);
    if (st == HF_ERR_CONFLICT)
        st = hf__fail(err, st, "'%s' has a collection of that title already", c->owner);
    srv__db_give(store, db);
    return st;
}

hf_status srv_collection_delete(srv_store *store, const srv_collection *c, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, NULL, err, "DELETE FROM collections WHERE key=?", "i", c->key);
    srv__db_give(store, db);
    return st;
}

/* ------------------------------------------------------------------------------------------ items */

static hf_status read_item(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_item *item = out;

    srv__col_id(stmt, 0, item->id);
    item->type = srv__col_dup(stmt, 1, arena);
    item->item = srv__col_dup(stmt, 2, arena);
    item->note = maybe(stmt, 3, arena);
    return item->type && item->item ? HF_OK : hf__fail_nomem(err);
}

static hf_status list_items(srv__db *db, int64_t key, hf__arena *arena, srv_item **out,
                            size_t *n_out, hf_error *err)
{
    static const char sql[] = "SELECT id, type, item, note FROM items WHERE collection=? "
                              "ORDER BY position, key LIMIT 10000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_item), .read = read_item };
    hf_status st = srv__sql_rows(db, &rows, err, sql, "i", key);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

hf_status srv_item_list(srv_store *store, const srv_collection *c, hf__arena *arena,
                        const srv_item **out, size_t *n_out, hf_error *err)
{
    srv_item *list = NULL;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = list_items(db, c->key, arena, &list, n_out, err);
    *out = list;
    srv__db_give(store, db);
    return st;
}

static hf_status touch(srv__db *db, int64_t key, hf_error *err)
{
    return srv__sql_run(db, NULL, err, "UPDATE collections SET updated=? WHERE key=?", "ii",
                        (int64_t)srv__now(), key);
}

static hf_status add_item(srv__db *db, const srv_collection *c, const srv_item *item, hf_error *err)
{
    static const char sql[] = "INSERT INTO items(id, collection, type, item, note, position) "
                              "VALUES(?1, ?2, ?3, ?4, ?5, "
                              "(SELECT count(*) FROM items WHERE collection=?2))";
    char id[SRV_ID_HEX + 1];
    hf_status st;

    srv__random_hex(id, SRV_ID_HEX);
    st = srv__sql_run(db, NULL, err, sql, "tittt", id, c->key, item->type, item->item, item->note);
    if (st == HF_ERR_CONFLICT)
        return hf__fail(err, st, "the collection has '%s' already", item->item);
    return st == HF_OK ? touch(db, c->key, err) : st;
}

hf_status srv_item_add(srv_store *store, const srv_collection *c, const srv_item *item,
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
        st = srv__db_finish(db, add_item(db, c, item, err), err);
    srv__db_give(store, db);
    return st;
}

/* Positions are 0 … n-1 without a gap, whoever comes and goes. */
static hf_status renumber(srv__db *db, const srv_item *list, size_t n, size_t from, size_t to,
                          hf_error *err)
{
    hf_status st = HF_OK;

    for (size_t i = 0; st == HF_OK && i < n; i++) {
        size_t at = i;

        if (i == from)
            at = to;
        else if (from < to && i > from && i <= to)
            at = i - 1;
        else if (to < from && i >= to && i < from)
            at = i + 1;
        st = srv__sql_run(db, NULL, err, "UPDATE items SET position=? WHERE id=?", "it",
                          (int64_t)at, list[i].id);
    }
    return st;
}

static hf_status change_item(srv__db *db, const srv_collection *c, const char *id,
                             const srv_item_change *change, hf__arena *arena, hf_error *err)
{
    srv_item *list = NULL;
    size_t n = 0;
    size_t at = 0;
    hf_status st = list_items(db, c->key, arena, &list, &n, err);

    while (st == HF_OK && at < n && strcmp(list[at].id, id) != 0)
        at++;
    if (st == HF_OK && at == n)
        return hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "the collection has no item '%.32s'", id);
    if (st == HF_OK && change->remove) {
        st = renumber(db, list, n, at, n - 1, err);
        if (st == HF_OK)
            st = srv__sql_run(db, NULL, err, "DELETE FROM items WHERE id=?", "t", id);
    }
    if (st == HF_OK && !change->remove && change->set_note)
        st = srv__sql_run(db, NULL, err, "UPDATE items SET note=? WHERE id=?", "tt", change->note,
                          id);
    if (st == HF_OK && !change->remove && change->set_position)
        st = renumber(db, list, n, at, change->position < n ? change->position : n - 1, err);
    return st == HF_OK ? touch(db, c->key, err) : st;
}

hf_status srv_item_change_one(srv_store *store, const srv_collection *c, const char *id,
                              const srv_item_change *change, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    st = arena ? srv__db_take(store, &db, err) : hf__fail_nomem(err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, change_item(db, c, id, change, arena, err), err);
    srv__db_give(store, db);
    hf__arena_free(arena);
    return st;
}

/* --------------------------------------------------------------------------------------- webhooks */

hf_status srv_webhook_new(srv_store *store, const char *account, const srv_webhook *hook,
                          char id[SRV_ID_HEX + 1], hf_error *err)
{
    static const char sql[] = "INSERT INTO webhooks(id, account, url, watched, domains, secret, "
                              "disabled) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 "
                              "WHERE (SELECT count(*) FROM webhooks WHERE account=?2) < ?8";
    int64_t changed = 1;
    int64_t key = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    srv__random_hex(id, SRV_ID_HEX);
    st = srv__need_account(db, account, false, &key, err);
    if (st == HF_OK)
        st = srv__sql_run(db, &changed, err, sql, "tittttii", id, key, hook->url, hook->watched,
                          hook->domains, hook->secret, (int64_t)hook->disabled,
                          (int64_t)MAX_WEBHOOKS);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_LIMIT, "an account has at most %d webhooks", MAX_WEBHOOKS);
    srv__db_give(store, db);
    return st;
}

/* One statement on one webhook of an account that ran. */
static hf_status was_there(hf_status st, int64_t changed, const char *id, hf_error *err)
{
    return st == HF_OK && changed == 0
               ? hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no webhook '%.32s'", id)
               : st;
}

hf_status srv_webhook_set(srv_store *store, const char *account, const char *id,
                          const srv_webhook *hook, int disabled, hf_error *err)
{
    static const char sql[] =
        "UPDATE webhooks SET url=coalesce(?1, url), watched=coalesce(?2, watched), "
        "domains=coalesce(?3, domains), secret=coalesce(?4, secret), "
        "disabled=CASE WHEN ?5 < 0 THEN disabled ELSE ?5 END "
        "WHERE id=?6 AND account=(SELECT key FROM accounts WHERE name=?7)";
    int64_t changed = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, &changed, err, sql, "ttttitt", hook->url, hook->watched, hook->domains,
                      hook->secret, (int64_t)disabled, id, account);
    srv__db_give(store, db);
    return was_there(st, changed, id, err);
}

static hf_status read_webhook(sqlite3_stmt *stmt, hf__arena *arena, void *out, hf_error *err)
{
    srv_webhook *hook = out;

    srv__col_id(stmt, 0, hook->id);
    hook->url = srv__col_dup(stmt, 1, arena);
    hook->watched = srv__col_dup(stmt, 2, arena);
    hook->domains = srv__col_dup(stmt, 3, arena);
    hook->secret = maybe(stmt, 4, arena);
    hook->disabled = sqlite3_column_int(stmt, 5) != 0;
    return hook->url && hook->watched && hook->domains ? HF_OK : hf__fail_nomem(err);
}

hf_status srv_webhook_list(srv_store *store, const char *account, const char *id, hf__arena *arena,
                           const srv_webhook **out, size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT w.id, w.url, w.watched, w.domains, w.secret, w.disabled FROM webhooks w "
        "JOIN accounts a ON a.key=w.account WHERE a.name=?1 AND (?2 IS NULL OR w.id=?2) "
        "ORDER BY w.key LIMIT 10000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_webhook), .read = read_webhook };
    hf_status st = srv__store_rows(store, &rows, err, sql, "tt", account, id);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

hf_status srv_webhook_delete(srv_store *store, const char *account, const char *id, hf_error *err)
{
    static const char sql[] =
        "DELETE FROM webhooks WHERE id=? AND account=(SELECT key FROM accounts WHERE name=?)";
    int64_t changed = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, &changed, err, sql, "tt", id, account);
    srv__db_give(store, db);
    return was_there(st, changed, id, err);
}
