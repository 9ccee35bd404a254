/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a folder are published (cli.md 20.1, cache.md 15.2). */
#include "transfer/upload.h"

#include <stdlib.h>

static const char *const never[] = { ".git",
                                     ".git/*",
                                     "*/.git",
                                     "**/.git/**",
                                     ".cache/huggingface",
                                     ".cache/huggingface/*",
                                     "*/.cache/huggingface",
                                     "**/.cache/huggingface/**" };

typedef struct walk {
    hf__upload *u;
    const hf_upload_opts *opts;
    const char *folder; /* as it was given, without '/' at its end */
    const char *root;   /* the same without links; NULL: they may lead anywhere */
    const char *prefix; /* in the repo: "" or "dir/" */
    hf__buf rel;        /* where the walk is */
    size_t depth;
} walk;

static bool is_never(const char *rel)
{
    return !hf__glob_filter(rel, NULL, 0, never, HF__COUNT(never));
}

static bool is_wanted(const walk *w, const char *rel)
{
    return hf__glob_filter(rel, w->opts->allow, w->opts->n_allow, w->opts->ignore,
                           w->opts->n_ignore);
}

hf_status hf__up_check_link(const char *root_, const char *path, hf_error *err)
{
    hf__buf real;
    hf__str root = hf__str_from(root_);
    hf__str text;
    hf_status st;

    hf__buf_init(&real, HF__MAX_PATH);
    st = hf__os_realpath(path, &real, err);
    text = hf__buf_str(&real);
    if (root.len == 1) /* "/" */
        root.len = 0;
    if (st == HF_OK && (!hf__str_starts(text, root) || text.len <= root.len + 1 ||
                        text.ptr[root.len] != '/' || is_never(text.ptr + root.len + 1)))
        st =
            hf__fail(err, HF_ERR_UNSAFE_PATH,
                     "'%.300s' is a link that leads out of the folder, to '%.300s'; exclude it, or "
                     "ask for links to be followed",
                     path, hf__buf_cstr(&real));
    hf__buf_dispose(&real);
    return st;
}

/* Whether a pattern takes whatever is in the folder the walk is at, as "dir/" does. It is not entered
 * then, so it need not be readable either. */
static bool is_left_out(walk *w)
{
    size_t len = w->rel.len;
    bool found = false;

    hf__buf_addc(&w->rel, '/');
    for (size_t i = 0; i < w->opts->n_ignore && !found; i++) {
        hf__str pattern = hf__str_from(w->opts->ignore[i]);

        /* What '*' matches may as well be longer. */
        found = pattern.len && strchr("*/\\", pattern.ptr[pattern.len - 1]) &&
                hf__glob_match(pattern.ptr, hf__buf_cstr(&w->rel));
    }
    w->rel.len = len;
    w->rel.ptr[len] = '\0';
    return found;
}

static hf_status add_file(walk *w, const char *path, const hf__os_stat *stat, hf_error *err)
{
    const char *rel = hf__buf_cstr(&w->rel);
    up_item *item;
    hf__buf whole;
    hf__buf name;
    hf_status st;

    hf__buf_init(&whole, HF__MAX_REPO_PATH);
    hf__buf_init(&name, 0);
    hf__buf_addf(&whole, "%s%s", w->prefix, rel);
    st = hf__up_fits(&whole, rel, err);
    if (st == HF_OK)
        st = hf__up_path(hf__buf_cstr(&whole), &name, err);
    if (st == HF_OK)
        st = hf__up_add(w->u, UP_ADD, hf__buf_cstr(&name), &item, err);
    if (st == HF_OK) {
        item->local = hf__arena_cstr(w->u->arena, path);
        item->in_folder = true;
        item->root = w->root;
        item->size = stat->size;
        item->growing = (w->opts->flags & HF_UPLOAD_APPENDED) != 0;
        hf__up_stamp_of(stat, &item->stamp);
        if (!item->local)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&whole);
    hf__buf_dispose(&name);
    return st;
}

static hf_status visit(walk *w, const char *path, hf__os_type type, bool *enter, hf_error *err)
{
    const char *rel = hf__buf_cstr(&w->rel);
    hf__os_stat stat;
    hf_status st;

    *enter = false;
    if (is_never(rel))
        return HF_OK;
    if (type == HF__OS_DIR) {
        *enter = !is_left_out(w);
        return HF_OK;
    }
    if (!is_wanted(w, rel))
        return HF_OK;
    st = hf__os_stat_path(path, &stat, err);
    if (st != HF_OK || stat.type != HF__OS_FILE)
        return st; /* sockets, links to directories, links to nothing */
    if (type == HF__OS_LINK && w->root)
        st = hf__up_check_link(w->root, path, err);
    return st == HF_OK ? add_file(w, path, &stat, err) : st;
}

static hf_status walk_dir(walk *w, const char *dir, hf_error *err)
{
    size_t rel_len = w->rel.len;
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    hf__buf path;
    hf_status st;

    if (++w->depth > 128)
        return hf__fail(err, HF_ERR_LIMIT, "'%.300s' is too deep", dir);
    hf__buf_init(&path, HF__MAX_PATH);
    st = hf__os_iter_open(dir, &iter, err);
    while (st == HF_OK && iter) {
        bool enter;

        st = hf__os_iter_next(iter, &name, &type, err);
        if (st == HF_OK && hf__canceled(w->opts->cancel))
            st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
        if (st != HF_OK || !name)
            break;
        hf__buf_reset(&path);
        hf__buf_addf(&path, "%s/%s", dir, name);
        hf__buf_addf(&w->rel, "%s%s", rel_len ? "/" : "", name);
        st = hf__up_fits(&path, name, err);
        if (st == HF_OK)
            st = hf__up_fits(&w->rel, name, err);
        if (st == HF_OK)
            st = visit(w, hf__buf_cstr(&path), type, &enter, err);
        if (st == HF_OK && enter)
            st = walk_dir(w, hf__buf_cstr(&path), err);
        w->rel.len = rel_len;
        w->rel.ptr[rel_len] = '\0';
    }
    hf__os_iter_close(iter);
    hf__buf_dispose(&path);
    w->depth--;
    return st;
}

/* By component: what is in "a" comes before "a.b". */
static int by_path(const void *a_, const void *b_)
{
    const unsigned char *a = (const unsigned char *)((const up_item *)a_)->path;
    const unsigned char *b = (const unsigned char *)((const up_item *)b_)->path;

    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (*a == '/' || *b == '/')
        return *a == *b ? 0 : *a == '\0' ? -1 : *b == '\0' ? 1 : *a == '/' ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

static hf_status make_prefix(const char *path, hf__buf *out, hf_error *err)
{
    hf__buf name;
    hf_status st = HF_OK;

    hf__buf_init(out, HF__MAX_REPO_PATH);
    hf__buf_init(&name, HF__MAX_REPO_PATH);
    hf__buf_adds(&name, path ? path : "");
    while (name.len && name.ptr[name.len - 1] == '/')
        name.ptr[--name.len] = '\0';
    st = hf__up_fits(&name, path, err);
    if (st == HF_OK && name.len && strcmp(name.ptr, ".") != 0) {
        hf__buf checked;

        st = hf__up_path(name.ptr, &checked, err);
        hf__buf_adds(out, hf__buf_cstr(&checked));
        hf__buf_addc(out, '/');
        if (st == HF_OK)
            st = hf__up_fits(out, path, err);
        hf__buf_dispose(&checked);
    }
    hf__buf_dispose(&name);
    return st;
}

hf_status hf__upload_add_folder(hf__upload *u, const char *path, const char *folder,
                                const hf_upload_opts *opts, hf_error *err)
{
    walk w = { .u = u, .opts = opts };
    size_t first = u->n;
    hf__os_stat stat;
    hf__buf prefix;
    hf__buf root;
    hf__buf real;
    hf_status st = make_prefix(path, &prefix, err);

    hf__buf_init(&root, HF__MAX_PATH);
    hf__buf_init(&real, HF__MAX_PATH);
    hf__buf_init(&w.rel, HF__MAX_REPO_PATH);
    hf__buf_adds(&w.rel, "");
    hf__buf_adds(&root, folder);
    while (root.len > 1 && root.ptr[root.len - 1] == '/')
        root.ptr[--root.len] = '\0';
    if (st == HF_OK)
        st = hf__up_fits(&root, folder, err);
    if (st == HF_OK)
        st = hf__os_stat_path(hf__buf_cstr(&root), &stat, err);
    if (st == HF_OK && stat.type == HF__OS_ABSENT)
        st = hf__fail(err, HF_ERR_IO, "'%.300s' does not exist", folder);
    if (st == HF_OK && stat.type != HF__OS_DIR)
        st = hf__fail(err, HF_ERR_UNSUPPORTED, "'%.300s' is not a folder", folder);
    if (st == HF_OK)
        st = hf__os_realpath(hf__buf_cstr(&root), &real, err);
    if (!(opts->flags & HF_UPLOAD_FOLLOW_LINKS))
        w.root = hf__arena_cstr(u->arena, hf__buf_cstr(&real));
    if (st == HF_OK && (!hf__buf_reserve(&w.rel, 1) || hf__arena_failed(u->arena)))
        st = hf__fail_nomem(err);
    if (st == HF_OK) {
        w.prefix = hf__buf_cstr(&prefix);
        w.folder = hf__buf_cstr(&root);
        st = walk_dir(&w, w.folder, err);
    }
    if (st == HF_OK)
        st = hf__up_guard(u, first, err);
    if (st == HF_OK) {
        if (u->n > first) /* items may be NULL when nothing was chosen */
            qsort(u->items + first, u->n - first, sizeof(up_item), by_path);
        u->folder = u->n_folders++ ? NULL : hf__arena_cstr(u->arena, w.folder);
        u->folder_prefix = hf__arena_cstr(u->arena, w.prefix);
        if (hf__arena_failed(u->arena))
            st = hf__fail_nomem(err);
    }
    if (st == HF_OK) {
        if (opts->n_remove)
            st = hf__upload_delete_matching(u, w.prefix, opts->remove, opts->n_remove, err);
    }
    if (st != HF_OK)
        u->n = first;
    hf__buf_dispose(&prefix);
    hf__buf_dispose(&root);
    hf__buf_dispose(&real);
    hf__buf_dispose(&w.rel);
    return st;
}
