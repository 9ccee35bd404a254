/* SPDX-License-Identifier: Apache-2.0 */
/* Discussions and pull requests: who said what, and how they stand. Commits of a pull request are
 * git's. */
#include "store/private.h"
#include "store/social.h"

#include <stdio.h>
#include <string.h>

/* Of the texts of one discussion, more is not told. As JSON it is six times as long at most. */
#define MAX_TOLD ((int64_t)HF__MAX_JSON_BYTES / 8)

#define TALK_COLUMNS                                                                               \
    "d.key, d.num, d.title, d.status, d.is_pr, (SELECT name FROM accounts WHERE key=d.author), "   \
    "d.created, d.merged"
#define EVENT_COLUMNS                                                                              \
    "e.id, e.type, (SELECT name FROM accounts WHERE key=e.author), e.created, e.one, e.two, "      \
    "e.edited, e.n_edits, e.hidden"

const char *srv_talk_status_name(srv_talk_status status)
{
    static const char *const names[] = { "open", "closed", "merged", "draft" };

    return (size_t)status < HF__COUNT(names) ? names[status] : "open";
}

static const char *maybe(sqlite3_stmt *stmt, int col, hf__arena *arena)
{
    return sqlite3_column_type(stmt, col) == SQLITE_NULL ? NULL : srv__col_dup(stmt, col, arena);
}

static hf_status read_talk(sqlite3_stmt *stmt, hf__arena *arena, void *to, hf_error *err)
{
    srv_talk *out = to;

    out->key = sqlite3_column_int64(stmt, 0);
    out->num = (uint64_t)sqlite3_column_int64(stmt, 1);
    out->title = srv__col_dup(stmt, 2, arena);
    out->status = (srv_talk_status)sqlite3_column_int(stmt, 3);
    out->is_pr = sqlite3_column_int(stmt, 4) != 0;
    out->author = maybe(stmt, 5, arena);
    out->created = sqlite3_column_int64(stmt, 6);
    out->merged = maybe(stmt, 7, arena);
    return out->title ? HF_OK : hf__fail_nomem(err);
}

static hf_status read_event(sqlite3_stmt *stmt, hf__arena *arena, void *to, hf_error *err)
{
    srv_event *out = to;

    srv__col_id(stmt, 0, out->id);
    out->type = (srv_event_type)sqlite3_column_int(stmt, 1);
    out->author = maybe(stmt, 2, arena);
    out->created = sqlite3_column_int64(stmt, 3);
    out->one = srv__col_dup(stmt, 4, arena);
    out->two = maybe(stmt, 5, arena);
    out->edited = sqlite3_column_int64(stmt, 6);
    out->n_edits = (uint64_t)sqlite3_column_int64(stmt, 7);
    out->hidden = sqlite3_column_int(stmt, 8) != 0;
    return out->one ? HF_OK : hf__fail_nomem(err);
}

/* ---------------------------------------------------------------------------------------- opening */

/* Above what refs/pr holds, since an import makes those without a discussion. */
static hf_status highest_ref(srv_store *store, const srv_repo *repo, uint64_t *out, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    const srv_ref *refs = NULL;
    srv_git *git = NULL;
    size_t n = 0;
    hf_status st = arena ? srv_git_open(store, repo, &git, err) : hf__fail_nomem(err);

    *out = 0;
    if (st == HF_OK)
        st = srv_git_refs(git, arena, &refs, &n, err);
    for (size_t i = 0; st == HF_OK && i < n; i++) {
        uint64_t num;

        if (refs[i].kind == SRV_REF_PR && hf__str_to_u64(hf__str_from(refs[i].name), &num) &&
            num > *out && num < INT32_MAX)
            *out = num;
    }
    srv_git_close(git);
    hf__arena_free(arena);
    return st;
}

/* one NULL: the title as it stands. */
static hf_status add_event(srv__db *db, int64_t talk, srv_event_type type, int64_t author,
                           const char *one, const char *two, char id[SRV_ID_HEX + 1], hf_error *err)
{
    static const char sql[] = "INSERT INTO events(id, discussion, type, author, created, one, two) "
                              "VALUES(?1, ?2, ?3, ?4, ?5, "
                              "coalesce(?6, (SELECT title FROM discussions WHERE key=?2)), ?7)";

    srv__random_hex(id, SRV_ID_HEX);
    return srv__sql_run(db, NULL, err, sql, "tiiiitt", id, talk, (int64_t)type, author,
                        (int64_t)srv__now(), one, two);
}

static hf_status open_talk(srv__db *db, const srv_repo *repo, const srv_talk *talk,
                           const char *text, uint64_t above, uint64_t *num, hf_error *err)
{
    static const char add[] = "INSERT INTO discussions(repo, num, title, status, is_pr, author, "
                              "created) VALUES(?, ?, ?, ?, ?, ?, ?)";
    char id[SRV_ID_HEX + 1];
    int64_t highest = 0;
    int64_t author = 0;
    hf_status st = srv__need_account(db, talk->author, false, &author, err);

    if (st == HF_OK)
        st = srv__sql_int(db, &highest, NULL, err,
                          "SELECT coalesce(max(num), 0) FROM discussions WHERE repo=?", "i",
                          repo->key);
    if ((uint64_t)highest < above)
        highest = (int64_t)above;
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, add, "iitiiii", repo->key, highest + 1, talk->title,
                          (int64_t)talk->status, (int64_t)talk->is_pr, author, (int64_t)srv__now());
    if (st == HF_OK)
        st = add_event(db, sqlite3_last_insert_rowid(db->conn), SRV_EVENT_COMMENT, author, text,
                       NULL, id, err);
    *num = (uint64_t)highest + 1;
    return st;
}

hf_status srv_talk_new(srv_store *store, const srv_repo *repo, const srv_talk *talk,
                       const char *text, uint64_t *num, hf_error *err)
{
    srv__db *db = NULL;
    uint64_t above;
    hf_status st;

    hf__error_clear(err);
    st = highest_ref(store, repo, &above, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, open_talk(db, repo, talk, text, above, num, err), err);
    srv__db_give(store, db);
    return st;
}

hf_status srv_talk_drop(srv_store *store, const srv_repo *repo, uint64_t num, hf_error *err)
{
    srv__db *db;
    hf_status st = srv__db_take(store, &db, err);

    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, NULL, err, "DELETE FROM discussions WHERE repo=? AND num=?", "ii",
                      repo->key, (int64_t)num);
    srv__db_give(store, db);
    return st;
}

/* ---------------------------------------------------------------------------------------- reading */

hf_status srv_talk_find(srv_store *store, const srv_repo *repo, uint64_t num, hf__arena *arena,
                        srv_talk *out, hf_error *err)
{
    static const char sql[] = "SELECT " TALK_COLUMNS " FROM discussions d WHERE repo=? AND num=?";
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "ii", repo->key, (int64_t)num);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && !row)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no discussion %llu",
                      (unsigned long long)num);
    if (st == HF_OK)
        st = read_talk(stmt, arena, out, err);
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    return st;
}

#define TALK_WHERE                                                                                 \
    " FROM discussions d WHERE d.repo=?1 AND (?2=0 OR d.is_pr=(?2 > 0))"                           \
    " AND (?3=0 OR (d.status IN (0, 3))=(?3 > 0))"                                                 \
    " AND (?4 IS NULL OR d.author=(SELECT key FROM accounts WHERE name=?4))"

hf_status srv_talk_list(srv_store *store, const srv_repo *repo, const srv_talk_query *query,
                        hf__arena *arena, const srv_talk **out, size_t *n_out, uint64_t *total,
                        hf_error *err)
{
    static const char count[] = "SELECT count(*)" TALK_WHERE;
    static const char sql[] =
        "SELECT " TALK_COLUMNS TALK_WHERE " ORDER BY d.num DESC LIMIT ?5 OFFSET ?6";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_talk), .read = read_talk };
    int64_t counted = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_int(db, &counted, NULL, err, count, "iiit", repo->key, (int64_t)query->pr,
                      (int64_t)query->open, query->author);
    if (st == HF_OK)
        st = srv__sql_rows(db, &rows, err, sql, "iiitii", repo->key, (int64_t)query->pr,
                           (int64_t)query->open, query->author, (int64_t)query->limit,
                           (int64_t)query->skip);
    srv__db_give(store, db);
    *out = rows.list;
    *n_out = rows.n;
    *total = (uint64_t)counted;
    return st;
}

hf_status srv_talk_events(srv_store *store, const srv_talk *talk, hf__arena *arena,
                          const srv_event **out, size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT " EVENT_COLUMNS " FROM (SELECT *, sum(length(CAST(one AS BLOB))) "
        "OVER (ORDER BY key) AS told FROM events WHERE discussion=?) e WHERE e.told<=? "
        "ORDER BY e.key LIMIT 10000";
    srv__rows rows = { .arena = arena, .size = sizeof(srv_event), .read = read_event };
    hf_status st = srv__store_rows(store, &rows, err, sql, "ii", talk->key, MAX_TOLD);

    *out = rows.list;
    *n_out = rows.n;
    return st;
}

static hf_status find_event(srv__db *db, int64_t talk, const char *id, hf__arena *arena,
                            srv_event *out, hf_error *err)
{
    static const char sql[] =
        "SELECT " EVENT_COLUMNS " FROM events e WHERE e.id=? AND e.discussion=?";
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    hf_status st = srv__sql_begin(db, &stmt, err, sql, "ti", id, talk);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && !row)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no event '%.32s'", id);
    if (st == HF_OK)
        st = read_event(stmt, arena, out, err);
    srv__sql_end(db, stmt);
    return st;
}

/* --------------------------------------------------------------------------------------- changing */

/* What becomes of the discussion when an event is added. */
typedef struct step {
    srv_event_type type;
    const char *one;
    const char *two;
    srv_talk_status status;
    const char *merged;
    const char *remark; /* a comment before it; NULL: none */
} step;

/* The caller's srv_talk may be old by now: only what this step is about is written. */
static hf_status write_step(srv__db *db, int64_t talk, const step *change, hf_error *err)
{
    static const char title[] = "UPDATE discussions SET title=? WHERE key=?";
    static const char status[] = "UPDATE discussions SET status=?1, merged=?2 "
                                 "WHERE key=?3 AND status<>?4";
    int64_t changed = 1;
    hf_status st = HF_OK;

    if (change->type == SRV_EVENT_TITLE)
        st = srv__sql_run(db, NULL, err, title, "ti", change->two, talk);
    else if (change->type == SRV_EVENT_STATUS)
        st = srv__sql_run(db, &changed, err, status, "itii", (int64_t)change->status,
                          change->merged, talk, (int64_t)SRV_TALK_MERGED);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a merged pull request stays merged");
    return st;
}

static hf_status apply(srv__db *db, const srv_talk *talk, const char *author, const step *change,
                       hf__arena *arena, srv_event *out, hf_error *err)
{
    char id[SRV_ID_HEX + 1];
    int64_t key = 0;
    hf_status st = srv__need_account(db, author, false, &key, err);

    if (st == HF_OK && change->remark)
        st = add_event(db, talk->key, SRV_EVENT_COMMENT, key, change->remark, NULL, id, err);
    if (st == HF_OK)
        st = add_event(db, talk->key, change->type, key, change->one, change->two, id, err);
    if (st == HF_OK)
        st = write_step(db, talk->key, change, err);
    return st == HF_OK ? find_event(db, talk->key, id, arena, out, err) : st;
}

static hf_status change_talk(srv_store *store, const srv_talk *talk, const char *author,
                             const step *change, hf__arena *arena, srv_event *out, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, apply(db, talk, author, change, arena, out, err), err);
    srv__db_give(store, db);
    return st;
}

hf_status srv_talk_comment(srv_store *store, const srv_talk *talk, const char *author,
                           const char *text, hf__arena *arena, srv_event *out, hf_error *err)
{
    step change = { .type = SRV_EVENT_COMMENT, .one = text };

    return change_talk(store, talk, author, &change, arena, out, err);
}

hf_status srv_talk_rename(srv_store *store, const srv_talk *talk, const char *author,
                          const char *title, hf__arena *arena, srv_event *out, hf_error *err)
{
    step change = { .type = SRV_EVENT_TITLE, .two = title };

    return change_talk(store, talk, author, &change, arena, out, err);
}

hf_status srv_talk_set_status(srv_store *store, const srv_talk *talk, const char *author,
                              srv_talk_status status, const char *merged, const char *remark,
                              hf__arena *arena, srv_event *out, hf_error *err)
{
    step change = { .type = SRV_EVENT_STATUS,
                    .one = srv_talk_status_name(status),
                    .status = status,
                    .merged = merged,
                    .remark = remark };

    return change_talk(store, talk, author, &change, arena, out, err);
}

hf_status srv_comment_find(srv_store *store, const srv_talk *talk, const char *id, hf__arena *arena,
                           srv_event *out, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = find_event(db, talk->key, id, arena, out, err);
    if (st == HF_OK && out->type != SRV_EVENT_COMMENT)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no comment '%.32s'", id);
    srv__db_give(store, db);
    return st;
}

hf_status srv_comment_edit(srv_store *store, const srv_talk *talk, const char *id, const char *text,
                           hf__arena *arena, srv_event *out, hf_error *err)
{
    /* What is hidden is gone: its text is not kept. */
    static const char sql[] = "UPDATE events SET one=coalesce(?1, ''), edited=?2, "
                              "n_edits=n_edits+(?1 IS NOT NULL), hidden=max(hidden, ?1 IS NULL) "
                              "WHERE id=?3 AND discussion=?4 AND type=0 AND hidden=0";
    int64_t changed = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, &changed, err, sql, "titi", text, (int64_t)srv__now(), id, talk->key);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a hidden comment cannot be changed");
    if (st == HF_OK)
        st = find_event(db, talk->key, id, arena, out, err);
    srv__db_give(store, db);
    return st;
}
