/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of repos. Filters, order and the place where a page ends are all in one statement, so that
 * a page costs its own rows and one pass over the others, and nothing is sorted in memory.
 */
#include "store/private.h"

#include "core/json.h"

#include <stdio.h>

#define MAX_TEXTS ((size_t)64 * 1024)

#define HAS_ALL(param, types)                                                                      \
    " AND NOT EXISTS(SELECT 1 FROM json_each(" param ") f WHERE NOT EXISTS(SELECT 1 FROM tags t"   \
    " WHERE t.repo=r.key AND t.tag=f.value AND t.type " types "))"

/* ?11 is the viewer's account, 1 in ?10 lists everything. A page starts behind the value ?13 and,
 * among equals, the key ?14. */
#define LIST_SQL(value, direction, beyond)                                                         \
    "SELECT " SRV__REPO_COLUMNS ", coalesce(c.modified, r.created), coalesce(c.params, 0)"         \
    " FROM repos r LEFT JOIN cards c ON c.repo=r.key"                                              \
    " WHERE (?1 < 0 OR r.type=?1) AND (?2 IS NULL OR r.ns=?2)"                                     \
    " AND NOT EXISTS(SELECT 1 FROM json_each(?3) s WHERE instr(lower(r.name), "                    \
    "lower(s.value))=0)" HAS_ALL("?4", "NOT LIKE '@%'") HAS_ALL("?5", "='" SRV_LINK_MODEL "'")     \
        HAS_ALL("?6",                                                                              \
                "='" SRV_LINK_DATASET                                                              \
                "'") " AND (?7 IS NULL OR c.task=?7)"                                              \
                     " AND (?8=0 OR EXISTS(SELECT 1 FROM tags t WHERE t.repo=r.key AND t.type "    \
                     "LIKE '@%'))"                                                                 \
                     " AND (?9=0 OR (r.gated<>0)=(?9 > 0))"                                        \
                     " AND (?10 OR r.private=0 OR r.ns=?11 OR EXISTS(SELECT 1 FROM members m"      \
                     "   JOIN accounts o ON o.key=m.org JOIN accounts u ON u.key=m.user"           \
                     "   WHERE u.name=?11 AND o.name=r.ns))"                                       \
                     " AND (?15=0 OR c.params>=?15) AND (?16=0 OR c.params<=?16)"                  \
                     " AND (?12=0 OR " value beyond "?13 OR (" value "=?13 AND r.key" beyond       \
                     "?14))"                                                                       \
                     " ORDER BY " value " " direction ", r.key " direction

#define BOTH(value)                                                                                \
    {                                                                                              \
        LIST_SQL(value, "DESC", "<"), LIST_SQL(value, "ASC", ">")                                  \
    }

/* By srv_sort, then ascending. */
static const char *const statements[][2] = {
    BOTH("r.key"),   BOTH("coalesce(c.modified, r.created)"), BOTH("r.downloads"),
    BOTH("r.likes"), BOTH("coalesce(c.params, 0)"),           BOTH("r.name"),
};

const char *srv_repo_cursor(const srv_repo *repo, srv_sort sort, hf__arena *arena)
{
    char text[192];
    int64_t value = repo->key;

    if (sort == SRV_SORT_MODIFIED)
        value = repo->modified;
    else if (sort == SRV_SORT_DOWNLOADS)
        value = (int64_t)repo->downloads;
    else if (sort == SRV_SORT_LIKES)
        value = (int64_t)repo->likes;
    else if (sort == SRV_SORT_PARAMS)
        value = (int64_t)repo->params;
    if (sort == SRV_SORT_ID)
        (void)snprintf(text, sizeof text, "%s~%lld", repo->full_name, (long long)repo->key);
    else
        (void)snprintf(text, sizeof text, "%lld~%lld", (long long)value, (long long)repo->key);
    return hf__arena_cstr(arena, text);
}

typedef struct place {
    hf__str name;
    int64_t value;
    int64_t key;
} place;

static bool read_number(hf__str text, int64_t *out)
{
    uint64_t n;

    if (!hf__str_to_u64(text, &n) || n > INT64_MAX)
        return false;
    *out = (int64_t)n;
    return true;
}

static hf_status read_cursor(const srv_repo_query *query, place *out, hf_error *err)
{
    hf__str key;

    *out = (place){ { "", 0 }, 0, 0 };
    if (!query->after)
        return HF_OK;
    out->name = hf__str_cut(hf__str_from(query->after), '~', &key);
    if (!key.ptr || !read_number(key, &out->key) ||
        (query->sort != SRV_SORT_ID && !read_number(out->name, &out->value)))
        return hf__fail(err, HF_ERR_INVALID_ARG, "Invalid cursor");
    return HF_OK;
}

static const char *as_json(srv_texts texts, hf__arena *arena)
{
    const char *text = NULL;
    hf__buf out;

    if (texts.n == 0)
        return "[]";
    hf__buf_init(&out, MAX_TEXTS);
    for (size_t i = 0; i < texts.n; i++) {
        hf__buf_addc(&out, i > 0 ? ',' : '[');
        hf__json_add_string(&out, hf__str_from(texts.items[i]));
    }
    hf__buf_addc(&out, ']');
    if (out.status == HF_OK)
        text = hf__arena_str(arena, hf__buf_str(&out));
    hf__buf_dispose(&out);
    return text;
}

static bool may_list(const srv_identity *who, const srv_repo *repo)
{
    srv_access access;
    hf_error err = HF_ERROR_INIT;

    if (!who || !repo->is_private)
        return true;
    return srv_access_decide(NULL, repo, who, SRV_WANT_INFO, &access, &err) == HF_OK &&
           access == SRV_ALLOWED;
}

/* The texts bound to the statement must live as long as it, so they are in the arena. */
static hf_status begin_list(srv__db *db, const srv_repo_query *query, hf__arena *arena,
                            sqlite3_stmt **out, hf_error *err)
{
    const char *viewer =
        query->viewer && query->viewer->account ? query->viewer->account->name : NULL;
    const char *sql = statements[query->sort][query->ascending];
    const char *searches = as_json(query->searches, arena);
    const char *tags = as_json(query->tags, arena);
    const char *models = as_json(query->models, arena);
    const char *datasets = as_json(query->datasets, arena);
    int64_t type = query->any_type ? -1 : (int64_t)query->type;
    int64_t all = query->viewer == NULL;
    int64_t goes_on = query->after != NULL;
    place at;
    hf_status st = read_cursor(query, &at, err);

    if (st != HF_OK)
        return st;
    if (!searches || !tags || !models || !datasets)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the filters are too long");
    if (query->sort == SRV_SORT_ID)
        return srv__sql_begin(db, out, err, sql,
                              "itttttt"
                              "iiitisiii",
                              type, query->ns, searches, tags, models, datasets, query->task,
                              (int64_t)query->linked, (int64_t)query->gated, all, viewer, goes_on,
                              at.name, at.key, (int64_t)query->min_params,
                              (int64_t)query->max_params);
    return srv__sql_begin(db, out, err, sql,
                          "itttttt"
                          "iiitiiiii",
                          type, query->ns, searches, tags, models, datasets, query->task,
                          (int64_t)query->linked, (int64_t)query->gated, all, viewer, goes_on,
                          at.value, at.key, (int64_t)query->min_params, (int64_t)query->max_params);
}

static hf_status list_repos(srv_store *store, srv__db *db, const srv_repo_query *query,
                            hf__arena *arena, const srv_repo **out, size_t *n_out, hf_error *err)
{
    size_t limit = query->limit ? query->limit : 1000;
    srv_repo *list = hf__arena_array(arena, limit, sizeof *list);
    sqlite3_stmt *stmt = NULL;
    size_t n = 0;
    bool row = false;
    hf_status st;

    if (!list)
        return hf__fail_nomem(err);
    st = begin_list(db, query, arena, &stmt, err);
    /* What the token's scopes hide is left out here, so SQL's own limit would cut pages short. */
    while (st == HF_OK && n < limit && (st = srv__sql_next(db, stmt, &row, err)) == HF_OK && row) {
        st = srv__repo_read(store, stmt, arena, &list[n], err);
        list[n].modified = sqlite3_column_int64(stmt, SRV__N_REPO_COLUMNS);
        list[n].params = (uint64_t)sqlite3_column_int64(stmt, SRV__N_REPO_COLUMNS + 1);
        if (st == HF_OK && may_list(query->viewer, &list[n]))
            n++;
    }
    srv__sql_end(db, stmt);
    if (st == HF_OK) {
        *out = list;
        *n_out = n;
    }
    return st;
}

hf_status srv_repo_list(srv_store *store, const srv_repo_query *query, hf__arena *arena,
                        const srv_repo **out, size_t *n_out, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = list_repos(store, db, query, arena, out, n_out, err);
    srv__db_give(store, db);
    return st;
}
