/* SPDX-License-Identifier: Apache-2.0 */
#include "import_walk.h"

#include "core/limits.h"
#include "core/os.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 256

typedef struct walk {
    srv_import_list *list;
    hf__arena *arena;
    hf__buf path; /* root, '/', where the walk is */
    size_t root_len;
} walk;

static hf__str rel_path(const walk *w)
{
    return (hf__str){ w->path.ptr + w->root_len + 1, w->path.len - w->root_len - 1 };
}

static hf_status add_file(walk *w, uint64_t size, bool executable, hf_error *err)
{
    srv_import_list *list = w->list;
    hf__str rel = rel_path(w);
    char *copy;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 256;
        srv_import_file *grown = realloc(list->files, cap * sizeof *grown);

        if (!grown)
            return hf__fail_nomem(err);
        list->files = grown;
        list->cap = cap;
    }
    copy = hf__arena_str(w->arena, rel);
    if (!copy)
        return hf__fail_nomem(err);
    list->files[list->n++] = (srv_import_file){ { copy, rel.len }, size, executable };
    return HF_OK;
}

/* A link is followed when it leads to a file of this folder: its content is imported. */
static hf_status add_link(walk *w, hf_error *err)
{
    const char *path = hf__buf_cstr(&w->path);
    hf__str rel = rel_path(w);
    hf__os_stat info;
    uint64_t size;
    bool found;
    hf_status st = hf__os_file_inside(w->list->root, path, &found, &size, err);

    if (st == HF_OK && !found)
        st = hf__fail(err, HF_ERR_UNSAFE_PATH,
                      "'%.*s' is a symbolic link that does not lead to a file of this folder",
                      (int)rel.len, rel.ptr);
    if (st == HF_OK)
        st = hf__os_stat_path(path, &info, err);
    return st == HF_OK ? add_file(w, size, (info.mode & 0100) != 0, err) : st;
}

static hf_status walk_folder(walk *w, unsigned depth, hf_error *err);

static hf_status add_entry(walk *w, hf__os_type type, unsigned depth, hf_error *err)
{
    hf__str rel = rel_path(w);
    hf__os_stat info;
    hf_status st;

    /* What the Hub's clients keep in a --local-dir belongs to the folder, not to the repo. */
    if (type == HF__OS_DIR && hf__str_eq(rel, HF__STR(".cache/huggingface")))
        return HF_OK;
    st = srv_path_check(rel, err);
    if (st != HF_OK)
        return st;
    if (type == HF__OS_DIR)
        return walk_folder(w, depth + 1, err);
    if (type == HF__OS_LINK)
        return add_link(w, err);
    if (type != HF__OS_FILE)
        return hf__fail(err, HF_ERR_UNSAFE_PATH, "'%.*s' is neither a file nor a folder",
                        (int)rel.len, rel.ptr);
    st = hf__os_lstat_path(hf__buf_cstr(&w->path), &info, err);
    return st == HF_OK ? add_file(w, info.size, (info.mode & 0100) != 0, err) : st;
}

static hf_status walk_folder(walk *w, unsigned depth, hf_error *err)
{
    size_t here = w->path.len;
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    hf_status st;

    if (depth > MAX_DEPTH)
        return hf__fail(err, HF_ERR_LIMIT, "folders are nested more than %d deep", MAX_DEPTH);
    st = hf__os_iter_open(hf__buf_cstr(&w->path), &iter, err);
    while (st == HF_OK && iter) {
        st = hf__os_iter_next(iter, &name, &type, err);
        if (st != HF_OK || !name)
            break;
        hf__buf_addf(&w->path, "/%s", name);
        st = w->path.status == HF_OK ? add_entry(w, type, depth, err)
                                     : hf__fail(err, w->path.status, "a path is too long");
        w->path.len = here;
        w->path.ptr[here] = '\0';
    }
    hf__os_iter_close(iter);
    return st;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const srv_import_file *)a)->path.ptr, ((const srv_import_file *)b)->path.ptr);
}

hf_status srv_import_walk(const char *dir, hf__arena *arena, srv_import_list *list, hf_error *err)
{
    walk w = { list, arena, { 0 }, 0 };
    hf__os_stat info;
    hf_status st;

    memset(list, 0, sizeof *list);
    hf__buf_init(&w.path, HF__MAX_PATH);
    st = hf__os_stat_path(dir, &info, err);
    if (st == HF_OK && info.type != HF__OS_DIR)
        st = hf__fail(err, HF_ERR_INVALID_ARG,
                      info.type == HF__OS_ABSENT ? "there is no folder '%s'" : "'%s' is no folder",
                      dir);
    if (st == HF_OK)
        st = hf__os_realpath(dir, &w.path, err);
    if (st == HF_OK) {
        while (w.path.len > 1 && w.path.ptr[w.path.len - 1] == '/')
            w.path.ptr[--w.path.len] = '\0';
        list->root = hf__arena_str(arena, hf__buf_str(&w.path));
        w.root_len = w.path.len;
        st = list->root ? walk_folder(&w, 0, err) : hf__fail_nomem(err);
    }
    hf__buf_dispose(&w.path);
    if (st == HF_OK && list->n > 0)
        qsort(list->files, list->n, sizeof *list->files, compare_files);
    return st;
}

void srv_import_list_dispose(srv_import_list *list)
{
    free(list->files);
    list->files = NULL;
}

/* Does fd, whatever name it was opened by, lie below root? */
static bool is_inside(const char *root, int fd)
{
    char link[64];
    char path[HF__MAX_PATH];
    size_t len = strlen(root);
    ssize_t got;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    got = readlink(link, path, sizeof path - 1);
    if (got <= 0 || (size_t)got <= len)
        return false;
    path[got] = '\0';
    return memcmp(path, root, len) == 0 && (path[len] == '/' || root[len - 1] == '/');
}

hf_status srv_import_open(const srv_import_list *list, const srv_import_file *file, int *fd,
                          hf_error *err)
{
    struct stat info;
    hf__buf path;
    hf_status st = HF_OK;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/%s", list->root, file->path.ptr);
    /* Not to hang on what became a pipe meanwhile. */
    *fd = open(hf__buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        st = hf__fail_os(err, errno, "cannot read '%s'", file->path.ptr);
    else if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode) || !is_inside(list->root, *fd))
        st =
            hf__fail(err, HF_ERR_CHANGED, "'%s' changed while the folder was read", file->path.ptr);
    if (st != HF_OK)
        hf__os_close(fd);
    hf__buf_dispose(&path);
    return st;
}
