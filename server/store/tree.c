/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and listings. A listing keeps one open tree per level and the position in each, so a page
 * that starts in the middle costs as much as one at the start. */
#include "store/private.h"

#include <stdlib.h>

typedef struct level {
    git_tree *tree;
    size_t index; /* of the next entry */
    size_t len;   /* of the path before this level's names */
} level;

struct srv_tree {
    srv_git *git;
    uint32_t flags;
    level *levels;
    size_t n_levels;
    size_t cap;
    hf__buf path;
    srv_entry entry;
};

static void hex(const git_oid *oid, char out[SRV_OID_HEX + 1])
{
    (void)git_oid_tostr(out, SRV_OID_HEX + 1, oid);
}

static void to_hex(const unsigned char *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

/* Everything but the path. */
static hf_status fill_entry(srv_git *git, git_filemode_t mode, const git_oid *oid, uint32_t flags,
                            srv_entry *out, hf_error *err)
{
    srv__blob_fact fact;
    hf_status st;

    memset(out, 0, sizeof *out);
    hex(oid, out->oid);
    out->is_dir = mode == GIT_FILEMODE_TREE;
    out->executable = mode == GIT_FILEMODE_BLOB_EXECUTABLE;
    if (out->is_dir || flags & SRV_TREE_NAMES_ONLY)
        return HF_OK;
    st = srv__blob_fact_get(git, oid, &fact, err);
    if (st != HF_OK)
        return st;
    out->size = fact.size;
    if (fact.is_lfs && mode != GIT_FILEMODE_LINK) {
        out->is_lfs = true;
        out->pointer_size = fact.size;
        out->size = fact.lfs_size;
        to_hex(fact.sha256, sizeof fact.sha256, out->sha256);
    }
    return HF_OK;
}

static hf_status no_entry(hf__str path, hf_error *err)
{
    return hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no entry '%.*s'", (int)path.len,
                    path.ptr ? path.ptr : "");
}

/* The tree entry at path below root; "" gives the tree itself by HF_OK and NULL. */
static hf_status find_entry(git_tree *root, hf__str path, git_tree_entry **out, char **dup,
                            hf_error *err)
{
    char *text;
    int rc;

    *out = NULL;
    if (path.len > HF__MAX_REPO_PATH || (path.len > 0 && memchr(path.ptr, '\0', path.len)))
        return no_entry(path, err);
    text = strndup(path.len ? path.ptr : "", path.len);
    if (!text)
        return hf__fail_nomem(err);
    if (path.len > 0) {
        rc = git_tree_entry_bypath(out, root, text);
        if (rc != 0 || git_tree_entry_filemode(*out) == GIT_FILEMODE_COMMIT) {
            git_tree_entry_free(*out);
            *out = NULL;
            free(text);
            return rc == 0 || rc == GIT_ENOTFOUND ? no_entry(path, err)
                                                  : srv__git_fail(rc, err, "cannot read a tree");
        }
    }
    *dup = text;
    return HF_OK;
}

hf_status srv_git_entry(srv_git *git, const char *commit, hf__str path, hf__arena *arena,
                        srv_entry *out, hf_error *err)
{
    bool slash = path.len > 0 && path.ptr[path.len - 1] == '/';
    git_tree_entry *found = NULL;
    git_tree *root = NULL;
    char *text = NULL;
    srv_entry entry;
    hf_status st;

    hf__error_clear(err);
    if (slash)
        path.len--;
    st = srv__git_commit_tree(git, commit, &root, err);
    if (st == HF_OK)
        st = find_entry(root, path, &found, &text, err);
    if (st == HF_OK && found && slash && git_tree_entry_filemode(found) != GIT_FILEMODE_TREE)
        st = no_entry(path, err);
    if (st == HF_OK)
        st = fill_entry(git, found ? git_tree_entry_filemode(found) : GIT_FILEMODE_TREE,
                        found ? git_tree_entry_id(found) : git_tree_id(root), 0, &entry, err);
    if (st == HF_OK) {
        entry.path = hf__arena_cstr(arena, text);
        if (!entry.path)
            st = hf__fail_nomem(err);
    }
    git_tree_entry_free(found);
    git_tree_free(root);
    free(text);
    if (st == HF_OK)
        *out = entry;
    return st;
}

/* -------------------------------------------------------------------------------------- listings */

/* Takes the tree over. */
static hf_status push(srv_tree *tree, git_tree *level_tree, hf_error *err)
{
    if (tree->n_levels == tree->cap) {
        size_t cap = tree->cap ? tree->cap * 2 : 16;
        level *grown = realloc(tree->levels, cap * sizeof *grown);

        if (!grown) {
            git_tree_free(level_tree);
            return hf__fail_nomem(err);
        }
        tree->levels = grown;
        tree->cap = cap;
    }
    tree->levels[tree->n_levels++] = (level){ level_tree, 0, tree->path.len };
    return HF_OK;
}

static hf_status push_oid(srv_tree *tree, const git_oid *oid, hf_error *err)
{
    git_tree *subtree = NULL;
    int rc = git_tree_lookup(&subtree, tree->git->repo, oid);

    if (rc != 0)
        return srv__git_fail(rc, err, "cannot read a tree");
    return push(tree, subtree, err);
}

static void set_path(srv_tree *tree, const level *top, const char *name)
{
    tree->path.len = top->len;
    if (top->len > 0)
        hf__buf_addc(&tree->path, '/');
    hf__buf_adds(&tree->path, name);
}

/* git's order: a directory's name is compared as if it ended in '/'. */
static int compare_names(hf__str a, bool a_dir, hf__str b, bool b_dir)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int diff = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    unsigned char x;
    unsigned char y;

    if (diff != 0)
        return diff;
    x = a.len > common ? (unsigned char)a.ptr[common] : (a_dir ? '/' : '\0');
    y = b.len > common ? (unsigned char)b.ptr[common] : (b_dir ? '/' : '\0');
    return x < y ? -1 : x > y;
}

/* Position of name in tree; *exact when it is there. */
static size_t lower_bound(const git_tree *tree, hf__str name, bool is_dir, bool *exact)
{
    size_t high = git_tree_entrycount(tree);
    size_t low = 0;

    *exact = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const git_tree_entry *entry = git_tree_entry_byindex(tree, mid);
        int diff = compare_names(hf__str_from(git_tree_entry_name(entry)),
                                 git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE, name, is_dir);

        if (diff == 0) {
            *exact = true;
            return mid;
        }
        if (diff < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Stands behind `after`, a path below the listing's root. */
static hf_status seek(srv_tree *tree, hf__str after, hf_error *err)
{
    hf_status st = HF_OK;

    while (st == HF_OK && after.len > 0) {
        level *top = &tree->levels[tree->n_levels - 1];
        const git_tree_entry *entry;
        hf__str rest;
        hf__str name = hf__str_cut(after, '/', &rest);
        bool exact;

        top->index = lower_bound(top->tree, name, true, &exact);
        if (!exact && rest.len == 0)
            top->index = lower_bound(top->tree, name, false, &exact);
        if (!exact)
            return HF_OK;
        entry = git_tree_entry_byindex(top->tree, top->index++);
        if (git_tree_entry_filemode(entry) != GIT_FILEMODE_TREE ||
            !(tree->flags & SRV_TREE_RECURSIVE))
            return HF_OK;
        set_path(tree, top, git_tree_entry_name(entry));
        st = push_oid(tree, git_tree_entry_id(entry), err);
        after = rest;
    }
    return st;
}

/* What of `after` lies below root; false when it lies elsewhere. */
static bool below(hf__str root, hf__str after, hf__str *rest)
{
    *rest = after;
    if (root.len == 0)
        return true;
    if (!hf__str_starts(after, root) || after.len <= root.len || after.ptr[root.len] != '/')
        return false;
    rest->ptr += root.len + 1;
    rest->len -= root.len + 1;
    return true;
}

static hf_status open_root(srv_tree *tree, const char *commit, hf__str path, hf_error *err)
{
    git_tree_entry *found = NULL;
    git_tree *root = NULL;
    char *text = NULL;
    hf_status st = srv__git_commit_tree(tree->git, commit, &root, err);

    if (st == HF_OK)
        st = find_entry(root, path, &found, &text, err);
    if (st == HF_OK && found && git_tree_entry_filemode(found) != GIT_FILEMODE_TREE)
        st = no_entry(path, err);
    if (st == HF_OK) {
        hf__buf_add_str(&tree->path, path);
        if (found) {
            st = push_oid(tree, git_tree_entry_id(found), err);
        } else {
            st = push(tree, root, err);
            root = NULL;
        }
    }
    git_tree_entry_free(found);
    git_tree_free(root);
    free(text);
    return st;
}

hf_status srv_tree_open(srv_git *git, const char *commit, hf__str path, uint32_t flags,
                        hf__str after, srv_tree **out, hf_error *err)
{
    srv_tree *tree = calloc(1, sizeof *tree);
    hf__str rest;
    hf_status st;

    hf__error_clear(err);
    if (!tree)
        return hf__fail_nomem(err);
    tree->git = git;
    tree->flags = flags;
    /* Deeper than any path we write, since a push may bring longer ones. */
    hf__buf_init(&tree->path, 8 * HF__MAX_REPO_PATH);
    if (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    st = open_root(tree, commit, path, err);
    if (st == HF_OK && after.len > 0) {
        st = below(path, after, &rest)
                 ? seek(tree, rest, err)
                 : hf__fail(err, HF_ERR_INVALID_ARG, "the cursor belongs to another listing");
    }
    if (st != HF_OK) {
        srv_tree_close(tree);
        return st;
    }
    *out = tree;
    return HF_OK;
}

/* The next entry of any kind; *found false at the end. */
static hf_status step(srv_tree *tree, bool *found, hf_error *err)
{
    const git_tree_entry *entry;
    git_filemode_t mode;
    level *top;
    hf_status st;

    *found = false;
    while (tree->n_levels > 0) {
        top = &tree->levels[tree->n_levels - 1];
        entry = git_tree_entry_byindex(top->tree, top->index);
        if (!entry) {
            git_tree_free(top->tree);
            tree->n_levels--;
            continue;
        }
        top->index++;
        mode = git_tree_entry_filemode(entry);
        if (mode == GIT_FILEMODE_COMMIT)
            continue;
        set_path(tree, top, git_tree_entry_name(entry));
        if (tree->path.status != HF_OK)
            return hf__fail(err, tree->path.status, "a path in the repository is too long");
        st = fill_entry(tree->git, mode, git_tree_entry_id(entry), tree->flags, &tree->entry, err);
        tree->entry.path = hf__buf_cstr(&tree->path);
        if (st == HF_OK && mode == GIT_FILEMODE_TREE && tree->flags & SRV_TREE_RECURSIVE)
            st = push_oid(tree, git_tree_entry_id(entry), err);
        *found = st == HF_OK;
        return st;
    }
    return HF_OK;
}

hf_status srv_tree_next(srv_tree *tree, const srv_entry **out, hf_error *err)
{
    bool found;
    hf_status st;

    hf__error_clear(err);
    do {
        st = step(tree, &found, err);
    } while (st == HF_OK && found && tree->entry.is_dir && tree->flags & SRV_TREE_FILES_ONLY);
    if (st == HF_OK)
        *out = found ? &tree->entry : NULL;
    return st;
}

void srv_tree_close(srv_tree *tree)
{
    if (!tree)
        return;
    while (tree->n_levels > 0)
        git_tree_free(tree->levels[--tree->n_levels].tree);
    free(tree->levels);
    hf__buf_dispose(&tree->path);
    free(tree);
}
