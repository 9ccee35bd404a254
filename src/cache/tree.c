/* SPDX-License-Identifier: Apache-2.0 */
/* trees/<commit>.json: the listing of a commit (cache.md 12), in the bytes the Python client
 * writes. */
#include "cache/private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void hf__tree_list_dispose(hf__tree_list *list)
{
    hf__arena_free(list->arena);
    *list = (hf__tree_list){ NULL, NULL, 0 };
}

static bool is_hash(const char *text)
{
    return text && hf__str_is_hex(hf__str_from(text), 64);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const hf__entry *)a)->path, ((const hf__entry *)b)->path);
}

static hf_status tree_path(hf__cache_repo *repo, hf__cache_local *local, const char *commit,
                           hf__buf *out, hf_error *err)
{
    if (local)
        hf__buf_addf(out, "%s/.cache/huggingface/trees/%s.json", local->dir, commit);
    else
        hf__buf_addf(out, "%s/trees/%s.json", repo->path, commit);
    return out->status == HF_OK ? HF_OK
                                : hf__fail(err, out->status, "the path of the listing is too long");
}

/* ---- reading */

static const char no_memory[] = "out of memory";

/* NULL, or why the entry cannot be used. */
static const char *read_entry(hf__arena *arena, const char *path, const hf__json *node,
                              hf__entry *entry)
{
    const char *oid = hf__json_text(node, "blob_id");
    const char *sha256 = hf__json_text(node, "lfs_sha256");
    const char *xet = hf__json_text(node, "xet_hash");

    if (hf__repo_path_check(path, NULL) != HF_OK)
        return "it names an unsafe path";
    if (!hf__json_u64(node, "size", &entry->size) || !oid)
        return "an entry lacks size or blob_id";
    if (!hf__str_is_hex(hf__str_from(oid), 40) || (sha256 && !is_hash(sha256)))
        return "an entry's hash is malformed";
    if (xet && !is_hash(xet))
        return "a Xet hash is malformed";
    entry->path = hf__arena_cstr(arena, path);
    entry->oid = hf__arena_cstr(arena, oid);
    entry->lfs_sha256 = hf__arena_cstr(arena, sha256);
    entry->xet_hash = hf__arena_cstr(arena, xet);
    if (sha256)
        (void)hf__json_u64(node, "lfs_size", &entry->lfs_size);
    return entry->path && entry->oid && (entry->lfs_sha256 || !sha256) && (entry->xet_hash || !xet)
               ? NULL
               : no_memory;
}

/* The listing of a large repo takes much more memory as a document than as text. So its members are
 * cut out of the text, and each is parsed by itself. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool skip_string(cursor *c)
{
    if (!take(c, '"'))
        return false;
    for (; c->at < c->end; c->at++) {
        if (*c->at == '"') {
            c->at++;
            return true;
        }
        if (*c->at == '\\' && ++c->at == c->end)
            return false;
    }
    return false;
}

/* To the comma or bracket behind a value, whose inside is looked at by whoever parses it. */
static bool skip_value(cursor *c)
{
    unsigned depth = 0;

    while (c->at < c->end) {
        if (*c->at == '"') {
            if (!skip_string(c))
                return false;
            continue;
        }
        if (depth == 0 && (*c->at == ',' || *c->at == '}'))
            return true;
        if (*c->at == '{' || *c->at == '[')
            depth++;
        else if ((*c->at == '}' || *c->at == ']') && depth-- == 0)
            return false;
        c->at++;
    }
    return false;
}

/* The next member of an object whose bracket was taken: its text, and where its value begins. *more
 * false at the end. */
static bool next_member(cursor *c, bool first, bool *more, hf__str *member, hf__str *value)
{
    *more = !take(c, '}');
    if (!*more)
        return true;
    if (!first && !take(c, ','))
        return false;
    skip_blanks(c);
    member->ptr = c->at;
    if (!skip_string(c) || !take(c, ':'))
        return false;
    skip_blanks(c);
    value->ptr = c->at;
    if (!skip_value(c))
        return false;
    member->len = (size_t)(c->at - member->ptr);
    value->len = (size_t)(c->at - value->ptr);
    return true;
}

static const char malformed[] = "it is no JSON";

/* A document of one member. */
static hf__json *parse_member(hf__buf *room, hf__str member)
{
    hf__json *doc = NULL;

    hf__buf_reset(room);
    hf__buf_addc(room, '{');
    hf__buf_add_str(room, member);
    hf__buf_addc(room, '}');
    return room->status == HF_OK &&
                   hf__json_parse(hf__buf_str(room), "listing", &doc, NULL) == HF_OK
               ? doc
               : NULL;
}

static const char *add_file(hf__buf *room, hf__str member, hf__tree_list *out, size_t *cap)
{
    hf__json *doc = parse_member(room, member);
    const hf__json *value;
    const char *path;
    const char *problem = malformed;

    if (out->n == *cap) {
        size_t more = *cap ? *cap + *cap / 2 : 256;
        hf__entry *grown = realloc(out->entries, more * sizeof(*grown));

        if (!grown) {
            hf__json_free(doc);
            return no_memory;
        }
        out->entries = grown;
        *cap = more;
    }
    if (doc && hf__json_next(doc, NULL, &path, &value)) {
        memset(&out->entries[out->n], 0, sizeof(*out->entries));
        problem = read_entry(out->arena, path, value, &out->entries[out->n]);
    }
    hf__json_free(doc);
    out->n += problem == NULL;
    return problem;
}

static const char *add_files(hf__buf *room, hf__str text, hf__tree_list *out)
{
    cursor c = { text.ptr, text.ptr + text.len };
    const char *problem = take(&c, '{') ? NULL : "it has no files";
    size_t cap = 0;
    bool more = true;

    for (bool first = true; !problem; first = false) {
        hf__str member;
        hf__str value;

        if (!next_member(&c, first, &more, &member, &value))
            problem = malformed;
        else if (!more)
            break;
        else
            problem = add_file(room, member, out, &cap);
    }
    skip_blanks(&c);
    return problem || c.at == c.end ? problem : malformed;
}
/* The array grew on the heap; an arena would keep every outgrown one. */
static const char *keep_entries(hf__tree_list *out)
{
    hf__entry *grown = out->entries;

    out->entries = hf__arena_array(out->arena, out->n + 1, sizeof(*grown));
    if (out->entries && out->n)
        memcpy(out->entries, grown, out->n * sizeof(*grown));
    free(grown);
    return out->entries ? NULL : no_memory;
}

static const char *read_files(hf__buf *room, hf__str files, hf__tree_list *out)
{
    const char *problem;

    out->arena = hf__arena_new();
    if (!out->arena)
        return no_memory;
    problem = add_files(room, files, out);
    if (problem) {
        free(out->entries);
        out->entries = NULL;
        return problem;
    }
    problem = keep_entries(out);
    if (!problem)
        qsort(out->entries, out->n, sizeof(hf__entry), by_path);
    for (size_t i = 1; !problem && i < out->n; i++)
        if (strcmp(out->entries[i - 1].path, out->entries[i].path) == 0)
            problem = "it names a file twice";
    return problem;
}

/* *ours false: of a later client. */
static const char *read_listing(hf__str text, bool *ours, hf__tree_list *out)
{
    cursor c = { text.ptr, text.ptr + text.len };
    hf__str files = { NULL, 0 };
    hf__str member;
    hf__str value;
    const char *problem = take(&c, '{') ? NULL : malformed;
    uint64_t version = 0;
    bool more = true;
    hf__buf room;

    hf__buf_init(&room, HF__MAX_TREE_FILE);
    for (bool first = true; !problem && more; first = false) {
        if (!next_member(&c, first, &more, &member, &value)) {
            problem = malformed;
        } else if (more && hf__str_starts(member, HF__STR("\"files\""))) {
            files = value;
        } else if (more) {
            hf__json *doc = parse_member(&room, member);

            if (!doc)
                problem = malformed;
            (void)hf__json_u64(doc, "format_version", &version);
            hf__json_free(doc);
        }
    }
    skip_blanks(&c);
    if (!problem && c.at != c.end)
        problem = malformed;
    *ours = problem || version == 1;
    if (!problem && *ours)
        problem = read_files(&room, files, out);
    hf__buf_dispose(&room);
    return problem;
}

hf_status hf__cache_tree_read(hf__cache_repo *repo, hf__cache_local *local, const char *commit,
                              hf__tree_list *out, bool *found, hf_error *err)
{
    const char *problem = NULL;
    hf__buf path;
    hf__buf text;
    hf_error why = HF_ERROR_INIT;
    hf_status st;

    *found = false;
    *out = (hf__tree_list){ NULL, NULL, 0 };
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_init(&text, HF__MAX_TREE_FILE);
    st = tree_path(repo, local, commit, &path, err);
    if (st != HF_OK)
        goto done;
    if (hf__os_read_file(hf__buf_cstr(&path), &text, found, &why) != HF_OK)
        problem = why.status == HF_ERR_NO_MEMORY ? no_memory : why.message;
    else if (!*found)
        goto done;
    else
        problem = read_listing(hf__buf_str(&text), found, out);
    if (problem == no_memory) {
        st = hf__fail_nomem(err);
        *found = false;
    } else if (problem) {
        hf__logf(repo->cache->log, HF_LOG_WARNING,
                 "the cached listing '%s' cannot be used and is ignored: %s", hf__buf_cstr(&path),
                 problem);
        *found = false;
    }
    if (!*found)
        hf__tree_list_dispose(out);
done:
    hf__buf_dispose(&path);
    hf__buf_dispose(&text);
    return st;
}

/* ---- writing */

static void add_entry(hf__buf *out, const hf__entry *entry, bool first)
{
    hf__buf_adds(out, first ? "\n  " : ",\n  ");
    hf__json_add_string(out, hf__str_from(entry->path));
    hf__buf_addf(out, ": {\n   \"size\": %" PRIu64 ",\n   \"blob_id\": \"%s\"", entry->size,
                 entry->oid);
    if (entry->lfs_sha256)
        hf__buf_addf(out, ",\n   \"lfs_sha256\": \"%s\",\n   \"lfs_size\": %" PRIu64,
                     entry->lfs_sha256, entry->lfs_size);
    if (entry->xet_hash)
        hf__buf_addf(out, ",\n   \"xet_hash\": \"%s\"", entry->xet_hash);
    hf__buf_adds(out, "\n  }");
}

hf_status hf__cache_tree_write(hf__cache_repo *repo, hf__cache_local *local, const char *commit,
                               const hf__tree_list *list, hf_error *err)
{
    hf__buf text;
    hf__os_dir dir = { -1 };
    char name[64];
    bool found;
    hf_status st;

    for (size_t i = 0; i < list->n; i++)
        if (list->entries[i].xet_hash && !is_hash(list->entries[i].xet_hash))
            return HF_OK; /* not to be written (cache.md 12) */
    hf__buf_init(&text, HF__MAX_TREE_FILE);
    hf__buf_adds(&text, "{\n \"format_version\": 1,\n \"files\": {");
    for (size_t i = 0; i < list->n; i++)
        add_entry(&text, &list->entries[i], i == 0);
    hf__buf_adds(&text, list->n ? "\n }\n}" : "}\n}");
    (void)snprintf(name, sizeof(name), "%s.json", commit);
    if (text.status != HF_OK) {
        st = hf__fail(err, text.status, "cannot hold the listing of '%s'", commit);
    } else if (local) {
        /* The first file is not here yet, so the directory may not be either. */
        st = hf__cache_local_prepare(local, err);
        if (st == HF_OK)
            st = hf__os_dir_at(&local->root, ".cache/huggingface/trees", CACHE_DIR_MODE, &dir,
                               &found, err);
        if (st == HF_OK)
            st = hf__cache_write_at(&dir, name, hf__buf_str(&text), name, err);
        hf__os_dir_close(&dir);
    } else {
        st = hf__cache_repo_dir(repo, "trees", true, &dir, &found, err);
        if (st == HF_OK)
            st = hf__cache_write_at(&dir, name, hf__buf_str(&text), name, err);
    }
    hf__buf_dispose(&text);
    return st;
}
