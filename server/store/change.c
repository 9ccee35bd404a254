/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that become one commit. Only the folders that are touched are read: each is a
 * git_treebuilder that starts from the tree of the base, so a change of one file in a repository of
 * a million costs its own path.
 */
#include "store/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_ATTRIBUTES ((size_t)4 * 1024 * 1024)

/* A folder that was touched. Those inside it are sorted by name. */
typedef struct folder {
    char *name;
    git_treebuilder *builder;
    struct folder **kids;
    size_t n_kids;
    size_t cap;
} folder;

struct srv_change {
    srv_git *git;
    folder *root;
    char base[SRV_OID_HEX + 1];
    /* The .gitattributes read last and the folder it is of, since paths come in runs. */
    hf__buf attributes;
    git_oid attributes_oid;
    bool attributes_known;
};

static void folder_free(folder *dir)
{
    size_t i;

    if (!dir)
        return;
    for (i = 0; i < dir->n_kids; i++)
        folder_free(dir->kids[i]);
    free(dir->kids);
    git_treebuilder_free(dir->builder);
    free(dir->name);
    free(dir);
}

static hf_status folder_new(srv_git *git, const git_tree *from, hf__str name, folder **out,
                            hf_error *err)
{
    folder *dir = calloc(1, sizeof *dir);
    hf_status st = HF_OK;
    int rc;

    if (!dir)
        return hf__fail_nomem(err);
    dir->name = strndup(name.ptr ? name.ptr : "", name.len);
    if (!dir->name)
        st = hf__fail_nomem(err);
    if (st == HF_OK) {
        rc = git_treebuilder_new(&dir->builder, git->repo, from);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot read a tree");
    }
    if (st != HF_OK) {
        folder_free(dir);
        return st;
    }
    *out = dir;
    return HF_OK;
}

hf_status srv_change_new(srv_git *git, const char *base, srv_change **out, hf_error *err)
{
    srv_change *change = calloc(1, sizeof *change);
    git_tree *tree = NULL;
    hf_status st = HF_OK;

    hf__error_clear(err);
    if (!change)
        return hf__fail_nomem(err);
    change->git = git;
    hf__buf_init(&change->attributes, MAX_ATTRIBUTES);
    if (base && base[0]) {
        st = srv__git_commit_tree(git, base, &tree, err);
        (void)snprintf(change->base, sizeof change->base, "%s", base);
    }
    if (st == HF_OK)
        st = folder_new(git, tree, HF__STR(""), &change->root, err);
    git_tree_free(tree);
    if (st != HF_OK) {
        srv_change_free(change);
        return st;
    }
    *out = change;
    return HF_OK;
}

void srv_change_free(srv_change *change)
{
    if (!change)
        return;
    folder_free(change->root);
    hf__buf_dispose(&change->attributes);
    free(change);
}

/* --------------------------------------------------------------------------------------- folders */

static size_t kid_index(const folder *dir, hf__str name, bool *exact)
{
    size_t high = dir->n_kids;
    size_t low = 0;

    *exact = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        hf__str kid = hf__str_from(dir->kids[mid]->name);
        size_t common = kid.len < name.len ? kid.len : name.len;
        int diff = memcmp(kid.ptr, name.ptr, common);

        if (diff == 0)
            diff = kid.len < name.len ? -1 : kid.len > name.len;
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

static hf_status kid_insert(folder *dir, size_t at, folder *kid, hf_error *err)
{
    if (dir->n_kids == dir->cap) {
        size_t cap = dir->cap ? dir->cap * 2 : 4;
        folder **grown = realloc(dir->kids, cap * sizeof *grown);

        if (!grown)
            return hf__fail_nomem(err);
        dir->kids = grown;
        dir->cap = cap;
    }
    memmove(&dir->kids[at + 1], &dir->kids[at], (dir->n_kids - at) * sizeof *dir->kids);
    dir->kids[at] = kid;
    dir->n_kids++;
    return HF_OK;
}

static void kid_remove(folder *dir, hf__str name)
{
    bool exact;
    size_t at = kid_index(dir, name, &exact);

    if (!exact)
        return;
    folder_free(dir->kids[at]);
    dir->n_kids--;
    memmove(&dir->kids[at], &dir->kids[at + 1], (dir->n_kids - at) * sizeof *dir->kids);
}

/* A component as C text, which libgit2 wants. Paths were checked: none is longer. */
typedef struct component {
    char text[256];
} component;

static component as_component(hf__str name)
{
    component c;
    size_t len = name.len < sizeof c.text ? name.len : sizeof c.text - 1;

    memcpy(c.text, name.ptr, len);
    c.text[len] = '\0';
    return c;
}

/* The folder `name` in dir; *out NULL when there is none and !make. What stands in its place as a
 * file gives way. */
static hf_status enter(srv_change *change, folder *dir, hf__str name, bool make, folder **out,
                       hf_error *err)
{
    component c = as_component(name);
    const git_tree_entry *entry;
    git_tree *tree = NULL;
    folder *kid = NULL;
    bool exact;
    size_t at = kid_index(dir, name, &exact);
    hf_status st = HF_OK;
    int rc = 0;

    if (exact) {
        *out = dir->kids[at];
        return HF_OK;
    }
    *out = NULL;
    entry = git_treebuilder_get(dir->builder, c.text);
    if (entry && git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE)
        rc = git_tree_lookup(&tree, change->git->repo, git_tree_entry_id(entry));
    else if (!make)
        return HF_OK;
    else if (entry)
        rc = git_treebuilder_remove(dir->builder, c.text);
    if (rc != 0)
        st = srv__git_fail(rc, err, "cannot read a tree");
    if (st == HF_OK)
        st = folder_new(change->git, tree, name, &kid, err);
    if (st == HF_OK)
        st = kid_insert(dir, at, kid, err);
    git_tree_free(tree);
    if (st != HF_OK) {
        folder_free(kid);
        return st;
    }
    *out = kid;
    return HF_OK;
}

/* The folder that holds path, and path's last component. *dir NULL when there is none and !make. */
static hf_status find_parent(srv_change *change, hf__str path, bool make, folder **dir,
                             hf__str *name, hf_error *err)
{
    folder *at = change->root;
    hf_status st = HF_OK;
    hf__str rest;

    for (;;) {
        *name = hf__str_cut(path, '/', &rest);
        if (!rest.ptr)
            break;
        st = enter(change, at, *name, make, &at, err);
        if (st != HF_OK || !at)
            break;
        path = rest;
    }
    *dir = at;
    return st;
}

/* ------------------------------------------------------------------------------------ operations */

static hf_status put_entry(srv_change *change, hf__str path, git_filemode_t mode,
                           const git_oid *oid, hf_error *err)
{
    component c;
    hf__str name;
    folder *dir;
    hf_status st = find_parent(change, path, true, &dir, &name, err);
    int rc;

    if (st != HF_OK)
        return st;
    kid_remove(dir, name); /* a folder gives way to a file, or to the folder that is copied there */
    c = as_component(name);
    rc = git_treebuilder_insert(NULL, dir->builder, c.text, oid, mode);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot add '%.*s'", (int)path.len, path.ptr);
    return HF_OK;
}

static git_filemode_t file_mode(bool executable)
{
    return executable ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
}

hf_status srv_change_add_bytes(srv_change *change, hf__str path, bool executable, hf__str bytes,
                               hf_error *err)
{
    git_oid oid;
    hf_status st = srv_path_check(path, err);
    int rc;

    if (st != HF_OK)
        return st;
    rc = git_odb_write(&oid, change->git->odb, bytes.ptr ? bytes.ptr : "", bytes.len,
                       GIT_OBJECT_BLOB);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot write '%.*s'", (int)path.len, path.ptr);
    return put_entry(change, path, file_mode(executable), &oid, err);
}

hf_status srv_git_write(srv_git *git, hf__str bytes, char oid[SRV_OID_HEX + 1], hf_error *err)
{
    git_oid id;
    int rc;

    hf__error_clear(err);
    rc = git_odb_write(&id, git->odb, bytes.ptr ? bytes.ptr : "", bytes.len, GIT_OBJECT_BLOB);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot write a blob");
    (void)git_oid_tostr(oid, SRV_OID_HEX + 1, &id);
    return HF_OK;
}

/* What stands at path just now; NULL when that is nothing or a folder. */
static const git_tree_entry *find_file(srv_change *change, hf__str path)
{
    const git_tree_entry *entry;
    hf_error ignored = HF_ERROR_INIT;
    component c;
    hf__str name;
    folder *dir;

    if (find_parent(change, path, false, &dir, &name, &ignored) != HF_OK || !dir)
        return NULL;
    c = as_component(name);
    entry = git_treebuilder_get(dir->builder, c.text);
    return entry && git_tree_entry_type(entry) == GIT_OBJECT_BLOB ? entry : NULL;
}

hf_status srv_change_add_blob(srv_change *change, hf__str path, const char *oid, hf_error *err)
{
    const git_tree_entry *before;
    bool executable;
    git_oid id;
    hf_status st = srv_path_check(path, err);

    if (st == HF_OK && git_oid_fromstr(&id, oid) != 0)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "'%s' is no object id", oid);
    if (st != HF_OK)
        return st;
    before = find_file(change, path);
    executable = before && git_tree_entry_filemode(before) == GIT_FILEMODE_BLOB_EXECUTABLE;
    return put_entry(change, path, file_mode(executable), &id, err);
}

static ssize_t read_some(int fd, void *bytes, size_t len)
{
    ssize_t got;

    do {
        got = read(fd, bytes, len);
    } while (got < 0 && errno == EINTR);
    return got;
}

static hf_status copy_fd(git_odb_stream *stream, int fd, uint64_t size, hf__str path, hf_error *err)
{
    char bytes[65536];
    int rc;

    for (;;) {
        ssize_t got = read_some(fd, bytes, sizeof bytes);

        if (got < 0)
            return hf__fail_os(err, errno, "cannot read '%.*s'", (int)path.len, path.ptr);
        if ((uint64_t)got > size || (got == 0 && size > 0))
            return hf__fail(err, HF_ERR_CHANGED, "'%.*s' changed while it was read", (int)path.len,
                            path.ptr);
        if (got == 0)
            return HF_OK;
        size -= (uint64_t)got;
        rc = git_odb_stream_write(stream, bytes, (size_t)got);
        if (rc != 0)
            return srv__git_fail(rc, err, "cannot write '%.*s'", (int)path.len, path.ptr);
    }
}

hf_status srv_change_add_fd(srv_change *change, hf__str path, bool executable, int fd,
                            uint64_t size, hf_error *err)
{
    git_odb_stream *stream = NULL;
    git_oid oid;
    hf_status st = srv_path_check(path, err);
    int rc;

    if (st != HF_OK)
        return st;
    rc = git_odb_open_wstream(&stream, change->git->odb, (git_object_size_t)size, GIT_OBJECT_BLOB);
    if (rc != 0)
        return srv__git_fail(rc, err, "cannot write '%.*s'", (int)path.len, path.ptr);
    st = copy_fd(stream, fd, size, path, err);
    if (st == HF_OK) {
        rc = git_odb_stream_finalize_write(&oid, stream);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot write '%.*s'", (int)path.len, path.ptr);
    }
    git_odb_stream_free(stream);
    return st == HF_OK ? put_entry(change, path, file_mode(executable), &oid, err) : st;
}

hf_status srv_change_add_lfs(srv_change *change, hf__str path, bool executable, const char *sha256,
                             uint64_t size, hf_error *err)
{
    hf__buf text;
    hf_status st;

    hf__error_clear(err);
    if (!hf__str_is_hex(hf__str_from(sha256), SRV_SHA256_HEX))
        return hf__fail(err, HF_ERR_INVALID_ARG, "'%s' is no SHA-256", sha256);
    hf__buf_init(&text, 512);
    if (size > 0) /* nothing is its own pointer */
        srv__pointer_format(&text, sha256, size);
    st = srv_change_add_bytes(change, path, executable, hf__buf_str(&text), err);
    hf__buf_dispose(&text);
    return st;
}

hf_status srv_change_put_lfs(srv_change *change, hf__str path, const char *sha256, uint64_t size,
                             hf_error *err)
{
    const git_tree_entry *before;
    hf_status st = srv_path_check(path, err);

    if (st != HF_OK)
        return st;
    before = find_file(change, path);
    return srv_change_add_lfs(
        change, path, before && git_tree_entry_filemode(before) == GIT_FILEMODE_BLOB_EXECUTABLE,
        sha256, size, err);
}

static hf_status no_file(hf__str path, hf_error *err)
{
    return hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "there is no entry '%.*s'", (int)path.len,
                    path.ptr);
}

static hf_status delete_entry(srv_change *change, hf__str path, bool want_folder, hf_error *err)
{
    const git_tree_entry *entry = NULL;
    hf__str name = { NULL, 0 };
    bool is_folder = false;
    folder *dir = NULL;
    component c;
    hf_status st;
    int rc;

    if (path.len > 0 && path.ptr[path.len - 1] == '/' && want_folder)
        path.len--;
    st = srv_path_check(path, err);
    if (st == HF_OK)
        st = find_parent(change, path, false, &dir, &name, err);
    if (st != HF_OK)
        return st;
    if (!dir)
        return no_file(path, err);
    c = as_component(name);
    (void)kid_index(dir, name, &is_folder);
    entry = git_treebuilder_get(dir->builder, c.text);
    if (entry && git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE)
        is_folder = true;
    if (is_folder != want_folder || (!entry && !is_folder))
        return no_file(path, err);
    kid_remove(dir, name);
    if (entry) {
        rc = git_treebuilder_remove(dir->builder, c.text);
        if (rc != 0)
            return srv__git_fail(rc, err, "cannot remove '%.*s'", (int)path.len, path.ptr);
    }
    return HF_OK;
}

hf_status srv_change_delete_file(srv_change *change, hf__str path, hf_error *err)
{
    return delete_entry(change, path, false, err);
}

hf_status srv_change_delete_folder(srv_change *change, hf__str path, hf_error *err)
{
    return delete_entry(change, path, true, err);
}

hf_status srv_change_copy(srv_change *change, const char *from_commit, hf__str from_path,
                          hf__str path, hf_error *err)
{
    git_tree_entry *entry = NULL;
    git_tree *root = NULL;
    char *text = NULL;
    hf_status st = srv_path_check(path, err);
    int rc;

    if (st == HF_OK)
        st = srv_path_check(from_path, err);
    if (st == HF_OK)
        st = srv__git_commit_tree(change->git, from_commit, &root, err);
    if (st == HF_OK && !(text = strndup(from_path.ptr, from_path.len)))
        st = hf__fail_nomem(err);
    if (st == HF_OK) {
        rc = git_tree_entry_bypath(&entry, root, text);
        if (rc != 0)
            st = no_file(from_path, err);
    }
    if (st == HF_OK)
        st = put_entry(change, path, git_tree_entry_filemode(entry), git_tree_entry_id(entry), err);
    git_tree_entry_free(entry);
    git_tree_free(root);
    free(text);
    return st;
}

/* ------------------------------------------------------------------------------- .gitattributes */

/* The .gitattributes of dir as the change stands, in change->attributes; *found false: there is none. */
static hf_status read_attributes(srv_change *change, folder *dir, bool *found, hf_error *err)
{
    const git_tree_entry *entry = git_treebuilder_get(dir->builder, ".gitattributes");
    char oid[SRV_OID_HEX + 1];
    hf_status st;

    *found = entry && git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
    if (!*found || (change->attributes_known &&
                    git_oid_equal(&change->attributes_oid, git_tree_entry_id(entry))))
        return HF_OK;
    change->attributes_known = false;
    (void)git_oid_tostr(oid, sizeof oid, git_tree_entry_id(entry));
    hf__buf_reset(&change->attributes);
    st = srv_git_read(change->git, oid, &change->attributes, err);
    if (st != HF_OK) {
        hf__error_prefix(err, "cannot read .gitattributes");
        return st;
    }
    git_oid_cpy(&change->attributes_oid, git_tree_entry_id(entry));
    change->attributes_known = true;
    return HF_OK;
}

hf_status srv_change_is_lfs_path(srv_change *change, hf__str path, bool *out, hf_error *err)
{
    folder *dir = change->root;
    hf__str left = path;
    hf_status st = HF_OK;

    hf__error_clear(err);
    *out = false;
    /* Deeper files speak later and win. */
    while (st == HF_OK && dir) {
        srv__attr said;
        bool found;
        hf__str rest;
        hf__str name;

        st = read_attributes(change, dir, &found, err);
        if (st == HF_OK && found) {
            said = srv__attributes_find(hf__buf_str(&change->attributes), left);
            if (said != SRV__ATTR_UNKNOWN)
                *out = said == SRV__ATTR_LFS;
        }
        name = hf__str_cut(left, '/', &rest);
        if (st != HF_OK || !rest.ptr)
            break;
        st = enter(change, dir, name, false, &dir, err);
        left = rest;
    }
    return st;
}

/* Lines of text for those of paths that nothing makes LFS yet. */
static hf_status add_lines(srv_change *change, const hf__str *paths, size_t n, hf__buf *lines,
                           hf_error *err)
{
    hf_status st = HF_OK;
    bool is_lfs;
    size_t i;

    for (i = 0; st == HF_OK && i < n; i++) {
        st = srv_change_is_lfs_path(change, paths[i], &is_lfs, err);
        if (st == HF_OK && !is_lfs &&
            srv__attributes_find(hf__buf_str(lines), paths[i]) != SRV__ATTR_LFS)
            srv__attributes_add(lines, paths[i]);
    }
    return st;
}

hf_status srv_change_track_lfs(srv_change *change, const hf__str *paths, size_t n, hf_error *err)
{
    bool found = false;
    hf__buf lines;
    hf__buf text;
    hf_status st;

    hf__error_clear(err);
    hf__buf_init(&lines, MAX_ATTRIBUTES);
    hf__buf_init(&text, MAX_ATTRIBUTES);
    st = add_lines(change, paths, n, &lines, err);
    if (st == HF_OK && lines.len > 0)
        st = read_attributes(change, change->root, &found, err);
    if (st == HF_OK && lines.len > 0) {
        if (found)
            hf__buf_add_str(&text, hf__buf_str(&change->attributes));
        if (text.len > 0 && text.ptr[text.len - 1] != '\n')
            hf__buf_addc(&text, '\n');
        hf__buf_add_str(&text, hf__buf_str(&lines));
        st = lines.status == HF_OK && text.status == HF_OK
                 ? srv_change_add_bytes(change, HF__STR(".gitattributes"), false,
                                        hf__buf_str(&text), err)
                 : hf__fail(err, HF_ERR_LIMIT, ".gitattributes would become too long");
    }
    hf__buf_dispose(&lines);
    hf__buf_dispose(&text);
    return st;
}

/* ---------------------------------------------------------------------------------------- commit */

/* Writes dir and what is in it; *n tells how many entries it has, and of an empty one only the root
 * is written. */
static hf_status write_folder(folder *dir, git_oid *out, size_t *n, hf_error *err)
{
    hf_status st = HF_OK;
    git_oid oid;
    size_t inside;
    size_t i;
    int rc;

    for (i = 0; st == HF_OK && i < dir->n_kids; i++) {
        folder *kid = dir->kids[i];

        st = write_folder(kid, &oid, &inside, err);
        if (st != HF_OK)
            return st;
        rc = 0;
        if (inside > 0) /* git knows no empty folders */
            rc = git_treebuilder_insert(NULL, dir->builder, kid->name, &oid, GIT_FILEMODE_TREE);
        else if (git_treebuilder_get(dir->builder, kid->name))
            rc = git_treebuilder_remove(dir->builder, kid->name);
        if (rc != 0)
            st = srv__git_fail(rc, err, "cannot write the tree");
    }
    if (st != HF_OK)
        return st;
    *n = git_treebuilder_entrycount(dir->builder);
    if (*n == 0 && dir->name[0])
        return HF_OK;
    rc = git_treebuilder_write(out, dir->builder);
    return rc == 0 ? HF_OK : srv__git_fail(rc, err, "cannot write the tree");
}

hf_status srv_change_commit(srv_change *change, const srv_commit_spec *spec,
                            char out[SRV_OID_HEX + 1], bool *made, hf_error *err)
{
    srv_git *git = change->git;
    char at_text[SRV_OID_HEX + 1];
    git_oid tree;
    git_oid fresh;
    git_oid base;
    git_oid at;
    const git_oid *parent = NULL;
    size_t n;
    bool exists = false;
    hf_status st;

    hf__error_clear(err);
    st = srv__ref_target(git, spec->ref, &at, &exists, err);
    if (st == HF_OK)
        st = srv__check_parent(spec, exists, &at, err);
    /* The tree was built on base: on any other commit it would undo what came between. */
    if (st == HF_OK && exists) {
        (void)git_oid_tostr(at_text, sizeof at_text, &at);
        if (strcmp(at_text, change->base) != 0)
            st = srv__ref_conflict(spec->ref, err);
    }
    if (st == HF_OK && change->base[0] && git_oid_fromstr(&base, change->base) == 0)
        parent = &base;
    if (st == HF_OK)
        st = write_folder(change->root, &tree, &n, err);
    if (st != HF_OK)
        return st;
    if (exists && srv__same_tree(git, &at, &tree)) {
        memcpy(out, at_text, sizeof at_text);
        *made = false;
        return HF_OK;
    }
    st = srv__write_commit(git, spec, &tree, parent, &fresh, err);
    if (st == HF_OK)
        st = srv__move_ref(git, spec->ref, exists ? &at : NULL, &fresh, err);
    if (st == HF_OK) {
        (void)git_oid_tostr(out, SRV_OID_HEX + 1, &fresh);
        *made = true;
    }
    return st;
}
