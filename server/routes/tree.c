/* SPDX-License-Identifier: Apache-2.0 */
/* {A}/tree and {A}/paths-info: entries of a commit, in pages or by name. */
#include "routes/routes.h"

#include "core/base64.h"
#include "core/limits.h"

#include <string.h>

#define PAGE          1000
#define PAGE_EXPANDED 50
#define MAX_PAGE      10000
#define MAX_PATHS     1000

typedef struct entries {
    srv_entry *items;
    size_t n;
} entries;

static srv_entry *keep(srv_req *req, const srv_entry *entry, srv_entry *to)
{
    *to = *entry;
    to->path = hf__arena_cstr(req->arena, entry->path);
    return to->path ? to : NULL;
}

static void answer_entries(srv_req *req, const entries *list)
{
    hf__buf out;

    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            hf__buf_addc(&out, ',');
        srv_json_entry(&out, &list->items[i]);
    }
    hf__buf_addc(&out, ']');
    srv_answer_json(req, 200, &out);
}

/* ----------------------------------------------------------------------------------------- tree */

/* The cursor is the path of the last entry told, in base64 so that nobody builds one by hand. */
static bool read_cursor(srv_req *req, hf__str *out)
{
    const char *cursor = srv_req_param(req, "cursor");
    hf__buf plain;
    char *copy;

    *out = HF__STR("");
    if (!cursor)
        return true;
    hf__buf_init(&plain, HF__MAX_REPO_PATH);
    if (!hf__base64_decode(&plain, HF__BASE64_URL, hf__str_from(cursor)) || plain.status != HF_OK ||
        memchr(hf__buf_cstr(&plain), '\0', plain.len)) {
        hf__buf_dispose(&plain);
        srv_answer_error(req, 400, NULL, "Invalid cursor");
        return false;
    }
    copy = hf__arena_str(req->arena, hf__buf_str(&plain));
    *out = hf__str_from(copy);
    hf__buf_dispose(&plain);
    return copy != NULL;
}

static void write_cursor(srv_req *req, const char *path)
{
    hf__buf cursor;

    hf__buf_init(&cursor, 2 * HF__MAX_REPO_PATH);
    hf__base64_add(&cursor, HF__BASE64_URL, path, strlen(path));
    srv_link_next(req, "cursor", hf__buf_cstr(&cursor));
    hf__buf_dispose(&cursor);
}

static bool read_limit(srv_req *req, bool expand, size_t *out)
{
    uint32_t page = srv_server_conf(req->server)->page_size;
    uint64_t limit;

    if (page == 0)
        page = expand ? PAGE_EXPANDED : PAGE;
    if (!srv_req_u64(req, "limit", page, &limit) || limit == 0) {
        srv_answer_error(req, 400, NULL, "limit must be a number from 1 on");
        return false;
    }
    *out = (size_t)(limit > MAX_PAGE ? MAX_PAGE : limit);
    return true;
}

/* One page, and whether there is more behind it. */
static hf_status read_page(srv_req *req, srv_tree *tree, size_t limit, entries *list, bool *more,
                           hf_error *err)
{
    const srv_entry *entry = NULL;
    hf_status st = HF_OK;

    *more = false;
    list->n = 0;
    list->items = hf__arena_array(req->arena, limit, sizeof(*list->items));
    if (!list->items)
        return HF_ERR_NO_MEMORY;
    while ((st = srv_tree_next(tree, &entry, err)) == HF_OK && entry) {
        if (list->n == limit) {
            *more = true;
            break;
        }
        if (!keep(req, entry, &list->items[list->n++]))
            return HF_ERR_NO_MEMORY;
    }
    return st;
}

static void list_tree(srv_req *req, srv_git *git, const char *commit, const char *path)
{
    bool expand = srv_req_flag(req, "expand");
    uint32_t flags = srv_req_flag(req, "recursive") ? SRV_TREE_RECURSIVE : 0;
    hf_error err = HF_ERROR_INIT;
    srv_tree *tree = NULL;
    bool more = false;
    entries list;
    size_t limit;
    hf__str after;
    hf_status st;

    if (!read_cursor(req, &after) || !read_limit(req, expand, &limit))
        return;
    st = srv_tree_open(git, commit, hf__str_from(path), flags, after, &tree, &err);
    if (st == HF_OK)
        st = read_page(req, tree, limit, &list, &more, &err);
    srv_tree_close(tree);
    if (st == HF_OK && expand)
        st = srv_git_last_commits(git, commit, list.items, list.n, req->arena, &err);
    if (st == HF_ERR_UNSAFE_PATH || st == HF_ERR_INVALID_ARG)
        st = HF_ERR_ENTRY_NOT_FOUND;
    if (st == HF_ERR_ENTRY_NOT_FOUND) {
        srv_answer_error(req, 404, "EntryNotFound", "%s does not exist on this revision", path);
        return;
    }
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    if (more)
        write_cursor(req, list.items[list.n - 1].path);
    answer_entries(req, &list);
}

void srv_tree_list(srv_req *req, srv_place *place)
{
    char commit[SRV_OID_HEX + 1];
    const char *path;
    srv_git *git;
    size_t n_used;

    if (!srv_only(req, "GET") || !srv_place_open(req, place, SRV_WANT_INFO) ||
        !srv_place_revision(req, place, 1, &git, commit, &n_used))
        return;
    srv_header_set(req, "X-Repo-Commit", commit);
    path = srv_place_path(req, place, 1 + n_used);
    if (path)
        list_tree(req, git, commit, path);
    srv_git_close(git);
}

/* ----------------------------------------------------------------------------------- paths-info */

typedef struct paths_ask {
    const char **paths;
    size_t n;
    bool expand;
} paths_ask;

static bool add_path(srv_req *req, paths_ask *ask, const char *path)
{
    if (ask->n == MAX_PATHS) {
        srv_answer_error(req, 413, NULL, "too many parameters");
        return false;
    }
    ask->paths[ask->n++] = path;
    return true;
}

static bool read_json(srv_req *req, paths_ask *ask)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;
    const hf__json *paths;
    bool ok = true;

    if (hf__json_parse(hf__buf_str(&req->body), "body", &doc, &err) != HF_OK) {
        srv_answer_error(req, 400, NULL, "%s", err.message);
        return false;
    }
    paths = hf__json_get(doc, "paths");
    ask->expand = hf__json_bool(doc, "expand", false);
    if (hf__json_is_string(paths) && hf__json_string(paths))
        ok = add_path(req, ask, hf__arena_cstr(req->arena, hf__json_string(paths)));
    for (size_t i = 0; ok && hf__json_is_array(paths) && i < hf__json_len(paths); i++) {
        const char *path = hf__json_string(hf__json_at(paths, i));

        if (path)
            ok = add_path(req, ask, hf__arena_cstr(req->arena, path));
    }
    hf__json_free(doc);
    return ok;
}

static bool read_form(srv_req *req, paths_ask *ask)
{
    srv_param *form = srv_params_parse(req->arena, hf__buf_str(&req->body));

    for (; form; form = form->next) {
        if (srv_param_is(form, "paths") && !add_path(req, ask, form->value))
            return false;
        if (srv_param_is(form, "expand"))
            ask->expand = strcmp(form->value, "true") == 0 || strcmp(form->value, "True") == 0 ||
                          strcmp(form->value, "1") == 0;
    }
    return true;
}

static hf_status find_paths(srv_req *req, const paths_ask *ask, srv_git *git, const char *commit,
                            entries *list, hf_error *err)
{
    hf_status st = HF_OK;

    list->n = 0;
    list->items = hf__arena_array(req->arena, ask->n + 1, sizeof(*list->items));
    if (!list->items)
        return HF_ERR_NO_MEMORY;
    for (size_t i = 0; i < ask->n; i++) {
        hf__str path = hf__str_from(ask->paths[i]);

        if (path.len == 0)
            continue; /* the root is no entry */
        st = srv_git_entry(git, commit, path, req->arena, &list->items[list->n], err);
        if (st == HF_OK)
            list->n++;
        else if (st != HF_ERR_ENTRY_NOT_FOUND && st != HF_ERR_UNSAFE_PATH &&
                 st != HF_ERR_INVALID_ARG)
            return st;
    }
    if (ask->expand)
        return srv_git_last_commits(git, commit, list->items, list->n, req->arena, err);
    return HF_OK;
}

static void paths_handler(srv_req *req)
{
    const char *type = srv_req_header(req, "Content-Type");
    srv_place *place = req->state;
    paths_ask ask = { hf__arena_array(req->arena, MAX_PATHS, sizeof(char *)), 0, false };
    bool json = type && hf__str_starts(hf__str_from(type), HF__STR("application/json"));
    hf_error err = HF_ERROR_INIT;
    char commit[SRV_OID_HEX + 1];
    srv_git *git;
    size_t n_used;
    entries list;
    hf_status st;

    if (!ask.paths) {
        srv_answer_error(req, 503, NULL, "out of memory");
        return;
    }
    if (!(json ? read_json(req, &ask) : read_form(req, &ask)) ||
        !srv_place_revision(req, place, 1, &git, commit, &n_used))
        return;
    st = find_paths(req, &ask, git, commit, &list, &err);
    srv_git_close(git);
    if (st != HF_OK)
        srv_answer_status(req, st, &err);
    else
        answer_entries(req, &list);
}

void srv_paths_info(srv_req *req, srv_place *place)
{
    if (!srv_only(req, "POST") || !srv_place_open(req, place, SRV_WANT_INFO))
        return;
    req->state = place;
    req->handler = paths_handler;
}
