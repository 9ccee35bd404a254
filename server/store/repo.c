/* SPDX-License-Identifier: Apache-2.0 */
/* Repos as the database knows them: names, redirects, settings, who asked for access. */
#include "store/private.h"

#include "core/os.h"

#include <stdio.h>

static const char *const type_names[] = { "model", "dataset", "space", "kernel" };
static const char *const type_plurals[] = { "models", "datasets", "spaces", "kernels" };

const char *srv_repo_type_name(srv_repo_type type)
{
    return (size_t)type < HF__COUNT(type_names) ? type_names[type] : "model";
}

const char *srv_repo_type_plural(srv_repo_type type)
{
    return (size_t)type < HF__COUNT(type_plurals) ? type_plurals[type] : "models";
}

bool srv_repo_type_parse(hf__str text, srv_repo_type *out)
{
    size_t i;

    for (i = 0; i < HF__COUNT(type_names); i++)
        if (hf__str_eq(text, hf__str_from(type_names[i])) ||
            hf__str_eq(text, hf__str_from(type_plurals[i]))) {
            *out = (srv_repo_type)i;
            return true;
        }
    return false;
}

const char *srv_gated_name(srv_gated gated)
{
    return gated == SRV_GATED_AUTO ? "auto" : (gated == SRV_GATED_MANUAL ? "manual" : NULL);
}

static bool is_id_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static bool is_edge_char(char c)
{
    return c != '-' && c != '.';
}

/* One of the two parts; why it is none, or NULL. */
static const char *part_fault(hf__str part)
{
    size_t i;

    if (part.len == 0)
        return "has an empty part";
    for (i = 0; i < part.len; i++) {
        if (!is_id_char(part.ptr[i]))
            return "may hold only A-Z a-z 0-9 - _ . and one '/'";
        if (i > 0 && part.ptr[i] == part.ptr[i - 1] && !is_edge_char(part.ptr[i]))
            return "must not hold '--' or '..'";
    }
    if (!is_edge_char(part.ptr[0]) || !is_edge_char(part.ptr[part.len - 1]))
        return "must not begin or end a part with '-' or '.'";
    return NULL;
}

hf_status srv_repo_id_check(hf__str id, hf_error *err)
{
    const char *fault = NULL;
    hf__str rest;
    hf__str first = hf__str_cut(id, '/', &rest);

    hf__error_clear(err);
    if (id.len == 0 || id.len > 96)
        fault = "must have 1 to 96 characters";
    if (!fault)
        fault = part_fault(first);
    if (!fault && rest.ptr)
        fault = part_fault(rest);
    if (!fault && hf__str_ends(id, HF__STR(".git")))
        fault = "must not end with '.git'";
    return fault
               ? hf__fail(err, HF_ERR_INVALID_ARG, "repo id '%.*s' %s", (int)id.len, id.ptr, fault)
               : HF_OK;
}

/* ------------------------------------------------------------------------------------- reading */

hf_status srv__repo_read(srv_store *store, sqlite3_stmt *stmt, hf__arena *arena, srv_repo *out,
                         hf_error *err)
{
    hf__buf path;
    hf__str rest;
    hf_status st;

    out->key = sqlite3_column_int64(stmt, 0);
    srv__col_id(stmt, 1, out->id);
    out->type = (srv_repo_type)sqlite3_column_int(stmt, 2);
    out->full_name = srv__col_dup(stmt, 3, arena);
    out->ns = srv__col_dup(stmt, 4, arena);
    out->sdk = sqlite3_column_type(stmt, 5) == SQLITE_NULL ? NULL : srv__col_dup(stmt, 5, arena);
    out->is_private = sqlite3_column_int(stmt, 6) != 0;
    out->gated = (srv_gated)sqlite3_column_int(stmt, 7);
    out->disabled = sqlite3_column_int(stmt, 8) != 0;
    out->created = sqlite3_column_int64(stmt, 9);
    out->downloads = (uint64_t)sqlite3_column_int64(stmt, 10);
    out->likes = (uint64_t)sqlite3_column_int64(stmt, 11);
    if (!out->full_name || !out->ns)
        return hf__fail_nomem(err);
    (void)hf__str_cut(hf__str_from(out->full_name), '/', &rest);
    out->name = rest.ptr ? rest.ptr : out->full_name;
    hf__buf_init(&path, HF__MAX_PATH);
    st = srv__path(store, &path, err, "git/%s.git", out->id);
    if (st == HF_OK) {
        out->git_dir = hf__arena_str(arena, hf__buf_str(&path));
        if (!out->git_dir)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&path);
    return st;
}

static hf_status find_by(srv_store *store, srv__db *db, const char *sql, srv_repo_type type,
                         hf__str id, hf__arena *arena, srv_repo **out, hf_error *err)
{
    sqlite3_stmt *stmt = NULL;
    srv_repo *repo = NULL;
    bool row = false;
    hf_status st = srv__sql_begin(db, &stmt, err, sql, "is", (int64_t)type, id);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && row) {
        repo = hf__arena_alloc(arena, sizeof *repo);
        st = repo ? srv__repo_read(store, stmt, arena, repo, err) : hf__fail_nomem(err);
    }
    srv__sql_end(db, stmt);
    if (st == HF_OK)
        *out = repo;
    return st;
}

static hf_status find_repo(srv_store *store, srv__db *db, srv_repo_type type, hf__str id,
                           hf__arena *arena, const srv_repo **out, bool *moved, hf_error *err)
{
    static const char by_name[] =
        "SELECT " SRV__REPO_COLUMNS " FROM repos r WHERE r.type=? AND r.name=?";
    static const char by_redirect[] = "SELECT " SRV__REPO_COLUMNS " FROM redirects o "
                                      "JOIN repos r ON r.key=o.repo WHERE o.type=? AND o.name=?";
    srv_repo *repo = NULL;
    hf_status st = find_by(store, db, by_name, type, id, arena, &repo, err);

    if (st == HF_OK && !repo)
        st = find_by(store, db, by_redirect, type, id, arena, &repo, err);
    if (st == HF_OK && !repo)
        st = hf__fail(err, HF_ERR_REPO_NOT_FOUND, "there is no %s '%.*s'", srv_repo_type_name(type),
                      (int)id.len, id.ptr);
    if (st != HF_OK)
        return st;
    if (moved)
        *moved = !hf__str_eq(id, hf__str_from(repo->full_name));
    *out = repo;
    return HF_OK;
}

hf_status srv_repo_find(srv_store *store, srv_repo_type type, hf__str id, hf__arena *arena,
                        const srv_repo **out, bool *moved, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = find_repo(store, db, type, id, arena, out, moved, err);
    srv__db_give(store, db);
    return st;
}

hf_status srv_repo_by_id(srv_store *store, const char *id, hf__arena *arena, const srv_repo **out,
                         hf_error *err)
{
    static const char sql[] = "SELECT " SRV__REPO_COLUMNS " FROM repos r WHERE ?=0 AND r.id=?";
    srv_repo *repo = NULL;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = find_by(store, db, sql, (srv_repo_type)0, hf__str_from(id), arena, &repo, err);
    srv__db_give(store, db);
    if (st == HF_OK && !repo)
        st = hf__fail(err, HF_ERR_REPO_NOT_FOUND, "there is no repository '%s'", id);
    if (st == HF_OK)
        *out = repo;
    return st;
}

/* ------------------------------------------------------------------------------------- listing */

/* ------------------------------------------------------------------------------------- writing */

static hf_status insert_repo(srv__db *db, const srv_repo_spec *spec, const char *id,
                             const char *from, const char *to, hf_error *err)
{
    static const char sql[] =
        "INSERT INTO repos(id, type, name, ns, sdk, private, gated, disabled, "
        "created) VALUES(?, ?, ?, ?, ?, ?, ?, 0, ?)";
    static const char copy_links[] = "INSERT INTO lfs_links(repo, sha256, size, created) "
                                     "SELECT last_insert_rowid(), sha256, size, ? FROM lfs_links "
                                     "WHERE repo=?";
    hf__str rest;
    hf__str ns = hf__str_cut(hf__str_from(spec->id), '/', &rest);
    hf_status st;

    if (!rest.ptr)
        ns.len = 0;
    st = srv__sql_run(db, NULL, err, sql, "titstiii", id, (int64_t)spec->type, spec->id, ns,
                      spec->sdk, (int64_t)spec->is_private, (int64_t)spec->gated,
                      (int64_t)srv__now());
    if (st == HF_ERR_CONFLICT)
        return hf__fail(err, st, "the %s '%s' exists already", srv_repo_type_name(spec->type),
                        spec->id);
    if (st == HF_OK && spec->copy_of)
        st = srv__sql_run(db, NULL, err, copy_links, "ii", (int64_t)srv__now(), spec->copy_of->key);
    /* A new repo takes its name back from an old one that moved away. */
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, "DELETE FROM redirects WHERE type=? AND name=?", "it",
                          (int64_t)spec->type, spec->id);
    /* The directory is in its place before the row can be seen; without the row it is swept. */
    if (st == HF_OK)
        st = hf__os_rename(from, to, err);
    return st;
}

static hf_status first_commit(srv_store *store, const srv_repo_spec *spec, const char *path,
                              hf_error *err)
{
    srv_commit_spec commit = {
        "refs/heads/main", "", spec->author, NULL, "initial commit", NULL, 0
    };
    char id[SRV_OID_HEX + 1];
    char author[128];
    hf__str rest;
    hf__str ns = hf__str_cut(hf__str_from(spec->id), '/', &rest);
    srv_change *change = NULL;
    srv_git *git = NULL;
    hf__buf attributes;
    bool made;
    hf_status st = srv__git_open_at(store, path, &git, err);

    hf__buf_init(&attributes, 16 * 1024);
    srv__attributes_default(&attributes, spec->type);
    if (!commit.author) {
        (void)snprintf(author, sizeof author, "%.*s", (int)ns.len, ns.ptr);
        commit.author = author;
    }
    if (st == HF_OK)
        st = srv_change_new(git, NULL, &change, err);
    if (st == HF_OK)
        st = srv_change_add_bytes(change, HF__STR(".gitattributes"), false,
                                  hf__buf_str(&attributes), err);
    for (size_t i = 0; st == HF_OK && i < spec->n_files; i++)
        st = srv_change_add_bytes(change, hf__str_from(spec->files[i].path), false,
                                  spec->files[i].bytes, err);
    if (st == HF_OK)
        st = srv_change_commit(change, &commit, id, &made, err);
    srv_change_free(change);
    srv_git_close(git);
    hf__buf_dispose(&attributes);
    return st;
}

static hf_status check_new_id(const char *id, hf_error *err)
{
    hf__str rest;
    hf__str ns = hf__str_cut(hf__str_from(id), '/', &rest);
    hf_status st = srv_repo_id_check(hf__str_from(id), err);

    if (st == HF_OK && !rest.ptr)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "repo id '%s' has no namespace: use NAMESPACE/NAME",
                      id);
    if (st == HF_OK && srv__is_reserved(ns))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the namespace of repo id '%s' is reserved", id);
    return st;
}

static hf_status create_on_disk(srv_store *store, const srv_repo_spec *spec, const char *id,
                                hf_error *err)
{
    srv__db *db = NULL;
    hf__buf from;
    hf__buf to;
    hf_status st;

    hf__buf_init(&from, HF__MAX_PATH);
    hf__buf_init(&to, HF__MAX_PATH);
    st = srv__path(store, &from, err, "tmp/%s.git", id);
    if (st == HF_OK)
        st = srv__path(store, &to, err, "git/%s.git", id);
    if (st == HF_OK)
        st = srv__git_init(hf__buf_cstr(&from), err);
    if (st == HF_OK && spec->copy_of)
        st = srv__git_copy(store, spec->copy_of, hf__buf_cstr(&from), err);
    else if (st == HF_OK && !spec->no_first_commit)
        st = first_commit(store, spec, hf__buf_cstr(&from), err);
    if (st == HF_OK)
        st = srv__sync_fs(hf__buf_cstr(&from), err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(
            db, insert_repo(db, spec, id, hf__buf_cstr(&from), hf__buf_cstr(&to), err), err);
    srv__db_give(store, db);
    if (st != HF_OK) {
        srv__remove_tree(hf__buf_cstr(&from));
        srv__remove_tree(hf__buf_cstr(&to));
    }
    hf__buf_dispose(&from);
    hf__buf_dispose(&to);
    return st;
}

hf_status srv_repo_create(srv_store *store, const srv_repo_spec *spec, hf__arena *arena,
                          const srv_repo **out, hf_error *err)
{
    char id[SRV_ID_HEX + 1];
    srv_git *git = NULL;
    hf_status st;

    hf__error_clear(err);
    st = check_new_id(spec->id, err);
    if (st != HF_OK)
        return st;
    srv__random_hex(id, SRV_ID_HEX);
    st = create_on_disk(store, spec, id, err);
    if (st == HF_OK)
        st = srv_repo_find(store, spec->type, hf__str_from(spec->id), arena, out, NULL, err);
    if (st == HF_OK && srv_git_open(store, *out, &git, err) == HF_OK)
        srv__card_moved(git, "refs/heads/main");
    srv_git_close(git);
    return st;
}

hf_status srv_repo_delete(srv_store *store, const srv_repo *repo, hf_error *err)
{
    int64_t changed = 0;
    srv__db *db;
    hf__buf path;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(db, &changed, err, "DELETE FROM repos WHERE key=?", "i", repo->key);
    srv__db_give(store, db);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_REPO_NOT_FOUND, "there is no %s '%s'",
                      srv_repo_type_name(repo->type), repo->full_name);
    if (st != HF_OK)
        return st;
    srv__git_forget(store, repo->id);
    /* First aside in one step: who still reads it finds nothing rather than half of it. */
    hf__buf_init(&path, HF__MAX_PATH);
    st = srv__path(store, &path, err, "tmp/%s.git", repo->id);
    if (st == HF_OK && hf__os_rename(repo->git_dir, hf__buf_cstr(&path), err) == HF_OK)
        srv__remove_tree(hf__buf_cstr(&path));
    hf__buf_dispose(&path);
    hf__error_clear(err);
    return HF_OK; /* what could not be removed is swept at the next start */
}

static hf_status move_repo(srv__db *db, const srv_repo *repo, const char *to, hf_error *err)
{
    hf__str rest;
    hf__str ns = hf__str_cut(hf__str_from(to), '/', &rest);
    int64_t changed = 0;
    hf_status st;

    st = srv__sql_run(db, &changed, err, "UPDATE repos SET name=?, ns=? WHERE key=?", "tsi", to, ns,
                      repo->key);
    if (st == HF_ERR_CONFLICT)
        return hf__fail(err, st, "the %s '%s' exists already", srv_repo_type_name(repo->type), to);
    if (st == HF_OK && changed == 0)
        return hf__fail(err, HF_ERR_REPO_NOT_FOUND, "there is no %s '%s'",
                        srv_repo_type_name(repo->type), repo->full_name);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err,
                          "INSERT OR REPLACE INTO redirects(type, name, repo) VALUES(?, ?, ?)",
                          "iti", (int64_t)repo->type, repo->full_name, repo->key);
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, "DELETE FROM redirects WHERE type=? AND name=?", "it",
                          (int64_t)repo->type, to);
    return st;
}

hf_status srv_repo_move(srv_store *store, const srv_repo *repo, const char *to, hf_error *err)
{
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    st = check_new_id(to, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, move_repo(db, repo, to, err), err);
    srv__db_give(store, db);
    return st;
}

hf_status srv_repo_set(srv_store *store, const srv_repo *repo, const srv_repo_settings *settings,
                       hf_error *err)
{
    static const char sql[] = "UPDATE repos SET private=CASE WHEN ?2 THEN ?3 ELSE private END, "
                              "gated=CASE WHEN ?4 THEN ?5 ELSE gated END, "
                              "disabled=CASE WHEN ?6 THEN ?7 ELSE disabled END WHERE key=?1";
    int64_t changed = 0;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_run(
        db, &changed, err, sql, "iiiiiii", repo->key,
        (int64_t)((settings->set & SRV_SET_PRIVATE) != 0), (int64_t)settings->is_private,
        (int64_t)((settings->set & SRV_SET_GATED) != 0), (int64_t)settings->gated,
        (int64_t)((settings->set & SRV_SET_DISABLED) != 0), (int64_t)settings->disabled);
    if (st == HF_OK && changed == 0)
        st = hf__fail(err, HF_ERR_REPO_NOT_FOUND, "there is no %s '%s'",
                      srv_repo_type_name(repo->type), repo->full_name);
    srv__db_give(store, db);
    return st;
}

hf_status srv_repo_grant(srv_store *store, const srv_repo *repo, const char *user, srv_grant grant,
                         hf_error *err)
{
    static const char take[] = "DELETE FROM grants WHERE repo=? AND account=?";
    static const char give[] = "INSERT OR REPLACE INTO grants(repo, account, state, changed) "
                               "VALUES(?, ?, ?, ?)";
    sqlite3_stmt *stmt = NULL;
    int64_t account = 0;
    bool row = false;
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, "SELECT key FROM accounts WHERE name=?", "t", user);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && row)
        account = sqlite3_column_int64(stmt, 0);
    srv__sql_end(db, stmt);
    if (st == HF_OK && !row)
        st = hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no account '%s'", user);
    if (st == HF_OK && grant == SRV_GRANT_NONE)
        st = srv__sql_run(db, NULL, err, take, "ii", repo->key, account);
    else if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, give, "iiii", repo->key, account, (int64_t)grant,
                          (int64_t)srv__now());
    srv__db_give(store, db);
    return st;
}

hf_status srv_repo_count_download(srv_store *store, const srv_repo *repo, hf_error *err)
{
    srv__db *db;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    /* A count is not worth waiting for the disk. */
    st = srv__sql_run(db, NULL, err, "PRAGMA synchronous=NORMAL", "");
    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, "UPDATE repos SET downloads=downloads+1 WHERE key=?", "i",
                          repo->key);
    (void)srv__sql_run(db, NULL, NULL, "PRAGMA synchronous=FULL", "");
    srv__db_give(store, db);
    return st;
}
