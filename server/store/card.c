/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repo says of itself: the front matter of its README, and what its files give away. It is
 * read when main moves and kept in the database, so that a list filtered by tags opens no
 * repository. Kept under the commit it was read from: who finds main elsewhere reads again.
 */
#define _GNU_SOURCE /* memmem */
#include "store/private.h"

#include "core/json.h"

#include <stdio.h>
#include <string.h>

#define MAX_README ((size_t)512 * 1024)
#define MAX_CARD   ((size_t)512 * 1024)
#define MAX_CONFIG ((size_t)4 * 1024 * 1024)
#define MAX_TAGS   500
#define MAX_TAG    200
#define MAX_FILES  20000 /* looked at for what they tell of formats */
#define MAX_TRIES  3     /* main may move while it is read */

typedef struct tag {
    const char *type;
    const char *text;
} tag;

typedef struct reading {
    hf__arena *arena;
    srv_git *git;
    int64_t repo;
    srv_repo_type type;
    char head[SRV_OID_HEX + 1];
    srv_time_ms modified;
    hf__buf data;
    hf__buf config;
    hf__buf weights;
    uint64_t params; /* with weights */
    const char *task;
    const char *library;
    tag *tags;
    size_t n_tags;
} reading;

/* ------------------------------------------------------------------------------------------- tags */

static void add_tag(reading *r, const char *type, const char *prefix, const char *value)
{
    size_t size = strlen(prefix) + strlen(value) + 1;
    char *text;

    if (!*value || size > MAX_TAG || r->n_tags == MAX_TAGS)
        return;
    text = hf__arena_alloc(r->arena, size);
    if (!text)
        return;
    /* "license:mit" may be written as such. */
    (void)snprintf(text, size, "%s%s",
                   hf__str_starts(hf__str_from(value), hf__str_from(prefix)) ? "" : prefix, value);
    for (size_t i = 0; i < r->n_tags; i++)
        if (strcmp(r->tags[i].text, text) == 0 && strcmp(r->tags[i].type, type) == 0)
            return;
    r->tags[r->n_tags++] = (tag){ type, text };
}

/* Members of the front matter that are tags. Types m, d, s. */
static const struct rule {
    const char *key;
    const char *type;
    const char *prefix;
    const char *of;
} rules[] = {
    { "sdk", "sdk", "", "s" },
    { "tags", "other", "", "mdsk" },
    { "language", "language", "", "m" },
    { "language", "language", "language:", "d" },
    { "datasets", "dataset", "dataset:", "m" },
    { "datasets", SRV_LINK_DATASET, "", "s" },
    { "models", SRV_LINK_MODEL, "", "s" },
    { "base_model", "base_model", "base_model:", "m" },
    { "task_categories", "task_categories", "task_categories:", "d" },
    { "task_ids", "task_ids", "task_ids:", "d" },
    { "language_creators", "language_creators", "language_creators:", "d" },
    { "annotations_creators", "annotations_creators", "annotations_creators:", "d" },
    { "multilinguality", "multilinguality", "multilinguality:", "d" },
    { "source_datasets", "source_datasets", "source_datasets:", "d" },
    { "size_categories", "size_categories", "size_categories:", "d" },
    { "license", "license", "license:", "mdsk" },
};

/* A text, or a list of them. */
static void add_values(reading *r, const struct rule *rule, const hf__json *value)
{
    const char *text = hf__json_string(value);

    if (text)
        add_tag(r, rule->type, rule->prefix, text);
    for (size_t i = 0; hf__json_is_array(value) && i < hf__json_len(value); i++) {
        text = hf__json_string(hf__json_at(value, i));
        if (text)
            add_tag(r, rule->type, rule->prefix, text);
    }
}

static void read_front(reading *r)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;

    if (r->data.len == 0 || hf__json_parse(hf__buf_str(&r->data), "card", &doc, &err) != HF_OK)
        return;
    r->library = hf__arena_cstr(r->arena, hf__json_text(doc, "library_name"));
    r->task = hf__arena_cstr(r->arena, hf__json_text(doc, "pipeline_tag"));
    for (size_t i = 0; i < HF__COUNT(rules); i++)
        if (strchr(rules[i].of, "mdsk"[r->type]))
            add_values(r, &rules[i], hf__json_get(doc, rules[i].key));
    hf__json_free(doc);
}

/* arxiv.org/abs/1706.03762 in the text is a tag. */
static void read_papers(reading *r, hf__str text)
{
    static const char site[] = "arxiv.org/";
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;

    while (at && (at = memmem(at, (size_t)(end - at), site, sizeof site - 1)) != NULL) {
        char id[16];
        size_t n = 0;

        at += sizeof site - 1;
        if (end - at < 14 || (memcmp(at, "abs/", 4) != 0 && memcmp(at, "pdf/", 4) != 0))
            continue;
        at += 4;
        while (n < 10 && at + n < end && (at[n] == '.' || (at[n] >= '0' && at[n] <= '9')))
            n++;
        while (n > 0 && at[n - 1] == '.')
            n--;
        (void)snprintf(id, sizeof id, "%.*s", (int)n, at);
        if (n >= 9 && id[4] == '.')
            add_tag(r, "arxiv", "arxiv:", id);
    }
}

/* ------------------------------------------------------------------------------------------ files */

static const struct format {
    const char *suffix;
    const char *type;
    const char *tag;
    const char *of;
} formats[] = {
    { ".safetensors", "library", "safetensors", "m" },
    { ".gguf", "library", "gguf", "m" },
    { ".onnx", "library", "onnx", "m" },
    { "pytorch_model.bin", "library", "pytorch", "m" },
    { "tf_model.h5", "library", "tf", "m" },
    { "flax_model.msgpack", "library", "jax", "m" },
    { ".parquet", "format", "format:parquet", "d" },
    { ".csv", "format", "format:csv", "d" },
    { ".json", "format", "format:json", "d" },
    { ".jsonl", "format", "format:json", "d" },
};

static hf_status read_files(reading *r, hf_error *err)
{
    const srv_entry *entry = NULL;
    bool seen[HF__COUNT(formats)] = { false };
    srv_tree *tree = NULL;
    size_t n = 0;
    hf_status st = srv_tree_open(r->git, r->head, HF__STR(""),
                                 SRV_TREE_RECURSIVE | SRV_TREE_FILES_ONLY | SRV_TREE_NAMES_ONLY,
                                 HF__STR(""), &tree, err);

    while (st == HF_OK && n++ < MAX_FILES && (st = srv_tree_next(tree, &entry, err)) == HF_OK &&
           entry)
        for (size_t i = 0; i < HF__COUNT(formats); i++)
            if (!seen[i] && strchr(formats[i].of, "mdsk"[r->type]) &&
                hf__str_ends(hf__str_from(entry->path), hf__str_from(formats[i].suffix))) {
                seen[i] = true;
                add_tag(r, formats[i].type, "", formats[i].tag);
            }
    srv_tree_close(tree);
    return st;
}

/* Up to max bytes of a file of the root; false when there is none, or a large one by LFS. */
static bool read_root(reading *r, const char *path, size_t max, hf__buf *out)
{
    hf_error err = HF_ERROR_INIT;
    srv_blob *blob = NULL;
    srv_entry entry;
    size_t got = 0;
    char *room;
    hf_status st;

    st = srv_git_entry(r->git, r->head, hf__str_from(path), r->arena, &entry, &err);
    if (st != HF_OK || entry.is_dir || entry.is_lfs ||
        srv_blob_open(r->git, entry.oid, &blob, &err) != HF_OK)
        return false;
    if (max > srv_blob_size(blob))
        max = (size_t)srv_blob_size(blob);
    hf__buf_init(out, max + 1);
    room = hf__buf_reserve(out, max);
    if (room)
        st = srv_blob_read(blob, 0, room, max, &got, &err);
    if (room && st == HF_OK)
        hf__buf_grew(out, got);
    srv_blob_close(blob);
    if (st == HF_OK && out->status == HF_OK)
        return true;
    hf__buf_dispose(out);
    return false;
}

/* What an architecture is for, by how its name ends. */
static const struct task {
    const char *suffix;
    const char *task;
} tasks[] = {
    { "ForCausalLM", "text-generation" },
    { "LMHeadModel", "text-generation" },
    { "ForMaskedLM", "fill-mask" },
    { "ForSequenceClassification", "text-classification" },
    { "ForTokenClassification", "token-classification" },
    { "ForQuestionAnswering", "question-answering" },
    { "ForConditionalGeneration", "text2text-generation" },
    { "ForImageClassification", "image-classification" },
    { "ForObjectDetection", "object-detection" },
    { "ForCTC", "automatic-speech-recognition" },
};

static void guess_task(reading *r, hf__str architecture)
{
    for (size_t i = 0; !r->task && i < HF__COUNT(tasks); i++)
        if (hf__str_ends(architecture, hf__str_from(tasks[i].suffix)))
            r->task = tasks[i].task;
}

/* {"architectures":[…],"model_type":"…"} of config.json. */
static void read_config(reading *r)
{
    hf_error err = HF_ERROR_INIT;
    const hf__json *list;
    const char *model_type;
    hf__json *doc = NULL;
    hf__buf text;
    bool any = false;

    if (!read_root(r, "config.json", MAX_CONFIG, &text))
        return;
    if (hf__json_parse(hf__buf_str(&text), "config.json", &doc, &err) == HF_OK &&
        hf__json_is_object(doc)) {
        list = hf__json_get(doc, "architectures");
        hf__buf_adds(&r->config, "{\"architectures\":[");
        for (size_t i = 0; hf__json_is_array(list) && i < hf__json_len(list); i++) {
            hf__str name = hf__json_str(hf__json_at(list, i));

            if (!name.ptr)
                continue;
            hf__buf_adds(&r->config, any ? "," : "");
            hf__json_add_string(&r->config, name);
            guess_task(r, name);
            any = true;
        }
        hf__buf_addc(&r->config, ']');
        model_type = hf__json_text(doc, "model_type");
        if (model_type) {
            hf__buf_adds(&r->config, ",\"model_type\":");
            hf__json_add_string(&r->config, hf__str_from(model_type));
            add_tag(r, "other", "", model_type);
            if (!r->library)
                r->library = "transformers";
        }
        hf__buf_addc(&r->config, '}');
    }
    if (r->config.status != HF_OK)
        hf__buf_reset(&r->config);
    hf__json_free(doc);
    hf__buf_dispose(&text);
}

static hf_status read_commit(reading *r, hf_error *err)
{
    const srv_commit *commit = NULL;
    hf__buf text;
    hf_status st = srv_git_commit(r->git, r->head, r->arena, &commit, err);

    if (st != HF_OK)
        return st;
    r->modified = commit->date;
    if (read_root(r, "README.md", MAX_README, &text)) {
        /* A card that is malformed is none. */
        (void)srv_card_parse(hf__buf_str(&text), &r->data, NULL);
        read_front(r);
        read_papers(r, hf__buf_str(&text));
        hf__buf_dispose(&text);
    }
    if (r->type == SRV_MODEL)
        read_config(r);
    if (r->type == SRV_MODEL && !srv__weights(r->git, r->head, &r->weights, &r->params))
        hf__buf_reset(&r->weights);
    st = read_files(r, err);
    if (r->type == SRV_MODEL && r->task)
        add_tag(r, "pipeline_tag", "", r->task);
    if (r->type == SRV_MODEL && r->library)
        add_tag(r, "library", "", r->library);
    return st == HF_OK && hf__arena_failed(r->arena) ? hf__fail_nomem(err) : st;
}

/* --------------------------------------------------------------------------------------- writing */

static hf_status write_rows(srv__db *db, const reading *r, hf_error *err)
{
    static const char put[] = "INSERT OR REPLACE INTO cards(repo, head, modified, data, config, "
                              "task, library, weights, params) "
                              "VALUES(?, ?, ?, ?, ?, ?, ?, ?, nullif(?, -1))";
    static const char add[] = "INSERT OR IGNORE INTO tags(repo, type, tag, pos) VALUES(?, ?, ?, ?)";
    hf_status st = srv__sql_run(db, NULL, err, "DELETE FROM tags WHERE repo=?", "i", r->repo);

    if (st == HF_OK)
        st = srv__sql_run(db, NULL, err, put,
                          "itittt"
                          "tti",
                          r->repo, r->head, (int64_t)r->modified,
                          r->data.len ? hf__buf_cstr(&r->data) : NULL,
                          r->config.len ? hf__buf_cstr(&r->config) : NULL, r->task, r->library,
                          r->weights.len ? hf__buf_cstr(&r->weights) : NULL,
                          r->weights.len ? (int64_t)r->params : (int64_t)-1);
    for (size_t i = 0; st == HF_OK && i < r->n_tags; i++)
        st = srv__sql_run(db, NULL, err, add, "itti", r->repo, r->tags[i].type, r->tags[i].text,
                          (int64_t)i);
    return st;
}

/* *known: what main was when the card was read; "" for never. False in *exists: no such repo. */
static hf_status read_known(srv__db *db, const char *id, reading *r, char known[SRV_OID_HEX + 1],
                            bool *exists, hf_error *err)
{
    static const char sql[] = "SELECT r.key, r.type, coalesce(c.head, '-') FROM repos r "
                              "LEFT JOIN cards c ON c.repo=r.key WHERE r.id=?";
    sqlite3_stmt *stmt = NULL;
    hf_status st = srv__sql_begin(db, &stmt, err, sql, "t", id);

    if (st == HF_OK)
        st = srv__sql_next(db, stmt, exists, err);
    if (st == HF_OK && *exists) {
        r->repo = sqlite3_column_int64(stmt, 0);
        r->type = (srv_repo_type)sqlite3_column_int(stmt, 1);
        (void)snprintf(known, SRV_OID_HEX + 1, "%s", sqlite3_column_text(stmt, 2));
    }
    srv__sql_end(db, stmt);
    return st;
}

static hf_status read_and_write(srv__db *db, reading *r, hf_error *err)
{
    hf_status st = HF_OK;

    hf__buf_init(&r->data, MAX_CARD);
    hf__buf_init(&r->config, MAX_CARD);
    hf__buf_init(&r->weights, MAX_CARD);
    r->tags = hf__arena_array(r->arena, MAX_TAGS, sizeof *r->tags);
    if (!r->tags)
        st = hf__fail_nomem(err);
    else if (r->head[0])
        st = read_commit(r, err);
    if (st == HF_OK)
        st = srv__db_begin(db, err);
    if (st == HF_OK)
        st = srv__db_finish(db, write_rows(db, r, err), err);
    hf__buf_dispose(&r->data);
    hf__buf_dispose(&r->config);
    hf__buf_dispose(&r->weights);
    return st;
}

/* One reading; *current tells that main is where the card was read. */
static hf_status refresh_once(srv__db *db, srv_git *git, bool *current, hf_error *err)
{
    reading r = { .arena = hf__arena_new(), .git = git };
    char known[SRV_OID_HEX + 1];
    bool exists = false;
    hf_status st = r.arena ? read_known(db, git->id, &r, known, &exists, err) : hf__fail_nomem(err);

    if (st == HF_OK && exists) {
        st = srv_git_resolve(git, HF__STR("refs/heads/main"), r.head, err);
        if (st == HF_ERR_REVISION_NOT_FOUND) {
            r.head[0] = '\0';
            st = HF_OK;
        }
    }
    *current = !exists || strcmp(known, r.head) == 0;
    if (st == HF_OK && !*current)
        st = read_and_write(db, &r, err);
    hf__arena_free(r.arena);
    return st;
}

hf_status srv_card_refresh(srv_git *git, hf_error *err)
{
    srv__db *db = NULL;
    bool current = false;
    hf_status st;

    hf__error_clear(err);
    if (git->id[0] == '\0')
        return HF_OK; /* still being made */
    st = srv__db_take(git->store, &db, err);
    /* Asked again after each reading: two commits at once must not leave the older card. */
    for (int i = 0; st == HF_OK && !current && i < MAX_TRIES; i++)
        st = refresh_once(db, git, &current, err);
    srv__db_give(git->store, db);
    return st;
}

void srv__card_moved(srv_git *git, const char *ref)
{
    hf_error err = HF_ERROR_INIT;

    /* The commit is made; a card that could not be read is read when somebody looks at the repo. */
    if (strcmp(ref, "refs/heads/main") == 0)
        (void)srv_card_refresh(git, &err);
}

hf_status srv_card_refresh_all(srv_store *store, hf_error *err)
{
    static const char sql[] =
        "SELECT r.type, r.name FROM repos r LEFT JOIN cards c ON c.repo=r.key "
        "WHERE c.repo IS NULL LIMIT 1";
    hf_status st = HF_OK;
    bool row = true;

    while (st == HF_OK && row) {
        hf__arena *arena = hf__arena_new();
        const srv_repo *repo = NULL;
        sqlite3_stmt *stmt = NULL;
        srv_git *git = NULL;
        srv__db *db = NULL;
        srv_repo_type type = SRV_MODEL;
        const char *name = NULL;

        st = arena ? srv__db_take(store, &db, err) : hf__fail_nomem(err);
        if (st == HF_OK)
            st = srv__sql_begin(db, &stmt, err, sql, "");
        if (st == HF_OK)
            st = srv__sql_next(db, stmt, &row, err);
        if (st == HF_OK && row) {
            type = (srv_repo_type)sqlite3_column_int(stmt, 0);
            name = srv__col_dup(stmt, 1, arena);
        }
        srv__sql_end(db, stmt);
        srv__db_give(store, db);
        if (st == HF_OK && row)
            st = srv_repo_find(store, type, hf__str_from(name), arena, &repo, NULL, err);
        if (st == HF_OK && row)
            st = srv_git_open(store, repo, &git, err);
        if (st == HF_OK && row)
            st = srv_card_refresh(git, err);
        srv_git_close(git);
        hf__arena_free(arena);
    }
    return st;
}

/* --------------------------------------------------------------------------------------- reading */

static const char *nullable(sqlite3_stmt *stmt, int col, hf__arena *arena)
{
    return sqlite3_column_type(stmt, col) == SQLITE_NULL ? NULL : srv__col_dup(stmt, col, arena);
}

hf_status srv_card_find(srv_store *store, const srv_repo *repo, hf__arena *arena, srv_card *out,
                        hf_error *err)
{
#define TAGS_OF(condition)                                                                         \
    "(SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE repo=?1 AND " condition        \
    " ORDER BY pos))"
    static const char sql[] =
        "SELECT c.head, c.modified, c.data, c.config, c.task, "
        "c.library, " TAGS_OF("type NOT LIKE '@%'") ", " TAGS_OF(
            "type='" SRV_LINK_MODEL "'") ", " TAGS_OF("type='" SRV_LINK_DATASET
                                                      "'") ", (SELECT coalesce(sum(size), 0) FROM "
                                                           "lfs_links WHERE repo=?1), c.weights "
                                                           "FROM repos r LEFT JOIN cards c ON "
                                                           "c.repo=r.key WHERE r.key=?1";
    sqlite3_stmt *stmt = NULL;
    srv__db *db;
    bool row = false;
    hf_status st;

    hf__error_clear(err);
    memset(out, 0, sizeof *out);
    out->tags = out->models = out->datasets = "[]";
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "i", repo->key);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && row) {
        (void)snprintf(out->head, sizeof out->head, "%s",
                       sqlite3_column_text(stmt, 0) ? (const char *)sqlite3_column_text(stmt, 0)
                                                    : "");
        out->modified = sqlite3_column_int64(stmt, 1);
        out->data = nullable(stmt, 2, arena);
        out->config = nullable(stmt, 3, arena);
        out->task = nullable(stmt, 4, arena);
        out->library = nullable(stmt, 5, arena);
        out->tags = srv__col_dup(stmt, 6, arena);
        out->models = srv__col_dup(stmt, 7, arena);
        out->datasets = srv__col_dup(stmt, 8, arena);
        out->lfs_bytes = (uint64_t)sqlite3_column_int64(stmt, 9);
        out->weights = nullable(stmt, 10, arena);
        if (!out->tags || !out->models || !out->datasets)
            st = hf__fail_nomem(err);
    }
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    return st;
}

hf_status srv_tag_list(srv_store *store, srv_repo_type type, hf__arena *arena,
                       const srv_card_tag **out, size_t *n_out, hf_error *err)
{
    static const char sql[] =
        "SELECT t.type, t.tag FROM tags t JOIN repos r ON r.key=t.repo "
        "WHERE r.type=? AND r.private=0 AND t.type NOT LIKE '@%' "
        "GROUP BY t.type, t.tag ORDER BY t.type, count(*) DESC, t.tag LIMIT 10000";
    sqlite3_stmt *stmt = NULL;
    srv_card_tag *list = NULL;
    size_t cap = 0;
    size_t n = 0;
    srv__db *db;
    bool row = false;
    hf_status st;

    hf__error_clear(err);
    st = srv__db_take(store, &db, err);
    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "i", (int64_t)type);
    while (st == HF_OK && (st = srv__sql_next(db, stmt, &row, err)) == HF_OK && row) {
        if (n == cap) {
            srv_card_tag *grown = hf__arena_array(arena, cap ? cap * 2 : 64, sizeof *grown);

            if (!grown) {
                st = hf__fail_nomem(err);
                break;
            }
            if (n > 0)
                memcpy(grown, list, n * sizeof *list);
            list = grown;
            cap = cap ? cap * 2 : 64;
        }
        list[n].type = srv__col_dup(stmt, 0, arena);
        list[n].tag = srv__col_dup(stmt, 1, arena);
        if (!list[n].type || !list[n].tag)
            st = hf__fail_nomem(err);
        n++;
    }
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    if (st == HF_OK) {
        *out = list;
        *n_out = n;
    }
    return st;
}
