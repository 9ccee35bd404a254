/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a commit's operations, and the bytes of one item. */
#include "transfer/upload.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the list */

hf_status hf__upload_new(const hf__transfer_ctx *ctx, const hf_repo_ref *repo, hf__upload **out,
                         hf_error *err)
{
    hf__upload *u = calloc(1, sizeof(*u));

    if (!u)
        return hf__fail_nomem(err);
    u->ctx = ctx;
    u->arena = hf__arena_new();
    if (u->arena) {
        u->repo.type = repo->type;
        u->repo.id = hf__arena_cstr(u->arena, repo->id);
        u->repo.revision = hf__arena_cstr(u->arena, repo->revision);
    }
    if (!u->arena || hf__arena_failed(u->arena)) {
        hf__upload_free(u);
        return hf__fail_nomem(err);
    }
    *out = u;
    return HF_OK;
}

void hf__upload_free(hf__upload *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->n; i++)
        if (u->items[i].fd >= 0)
            close(u->items[i].fd);
    free(u->items);
    hf__arena_free(u->arena);
    free(u);
}

/* ".cache" holds the clients' own notes, ".git" git's: neither is ever part of a repo. */
static hf_status check_parts(const char *path, hf_error *err)
{
    hf__str rest = hf__str_from(path);

    while (rest.ptr && rest.len) {
        hf__str part = hf__str_cut(rest, '/', &rest);

        if (hf__str_eq(part, HF__STR(".cache")) || hf__str_eq_nocase(part, HF__STR(".git")))
            return hf__fail(err, HF_ERR_UNSAFE_PATH,
                            "invalid path in repo '%.300s': a part of it is '%.*s'; leave it out",
                            path, (int)part.len, part.ptr);
    }
    return hf__repo_path_check(path, err);
}

hf_status hf__up_fits(const hf__buf *buf, const char *path, hf_error *err)
{
    if (buf->status == HF_OK)
        return HF_OK;
    if (buf->status == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    return hf__fail(err, HF_ERR_UNSAFE_PATH, "the path '%.200s…' is too long", path);
}

hf_status hf__up_path(const char *path, hf__buf *out, hf_error *err)
{
    hf_status st;

    hf__buf_init(out, HF__MAX_REPO_PATH);
    if (!path)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the path is NULL");
    if (*path == '/')
        path++;
    if (strcmp(path, ".") == 0 || strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0)
        return hf__fail(err, HF_ERR_UNSAFE_PATH, "invalid path in repo '%.300s'", path);
    if (strncmp(path, "./", 2) == 0)
        path += 2;
    hf__buf_adds(out, path);
    st = hf__up_fits(out, path, err);
    return st == HF_OK ? check_parts(path, err) : st;
}

hf_status hf__up_add(hf__upload *u, up_kind kind, const char *path, up_item **out, hf_error *err)
{
    up_item *item;

    if (u->n == u->cap) {
        size_t cap = u->cap ? u->cap * 2 : 16;
        up_item *grown = realloc(u->items, cap * sizeof(*grown));

        if (!grown)
            return hf__fail_nomem(err);
        u->items = grown;
        u->cap = cap;
    }
    item = &u->items[u->n];
    memset(item, 0, sizeof(*item));
    item->kind = (uint8_t)kind;
    item->fd = -1;
    item->path = hf__arena_cstr(u->arena, path);
    if (!item->path)
        return hf__fail_nomem(err);
    u->n++;
    *out = item;
    return HF_OK;
}

void hf__up_stamp_of(const hf__os_stat *stat, up_stamp *out)
{
    *out = (up_stamp){ stat->dev, stat->ino, stat->size, stat->mtime_ns, stat->ctime_ns };
}

hf_status hf__up_guard(const hf__upload *u, size_t first, hf_error *err)
{
    const char *paths[2] = { u->ctx->token_path, u->ctx->stored_path };

    for (size_t i = 0; i < HF__COUNT(paths); i++) {
        hf__os_stat stat;

        if (!paths[i] || hf__os_stat_path(paths[i], &stat, NULL) != HF_OK ||
            stat.type != HF__OS_FILE)
            continue;
        for (const up_item *item = u->items + first; item < u->items + u->n; item++)
            if (item->stamp.dev == stat.dev && item->stamp.ino == stat.ino)
                return hf__fail(
                    err, HF_ERR_PERMISSION,
                    "'%.300s' holds your access tokens and is never published; exclude it",
                    item->local);
    }
    return HF_OK;
}

hf_status hf__upload_add_file(hf__upload *u, const char *path, const char *local, hf_error *err)
{
    hf__os_stat stat;
    up_item *item;
    hf__buf name;
    hf_status st = hf__up_path(path, &name, err);

    if (st == HF_OK)
        st = hf__os_stat_path(local, &stat, err);
    if (st == HF_OK && stat.type == HF__OS_ABSENT)
        st = hf__fail(err, HF_ERR_IO, "'%.300s' does not exist", local);
    if (st == HF_OK && stat.type != HF__OS_FILE)
        st = hf__fail(err, HF_ERR_UNSUPPORTED, "'%.300s' is not a regular file", local);
    if (st == HF_OK)
        st = hf__up_add(u, UP_ADD, hf__buf_cstr(&name), &item, err);
    if (st == HF_OK) {
        item->local = hf__arena_cstr(u->arena, local);
        item->size = stat.size;
        hf__up_stamp_of(&stat, &item->stamp);
        st = item->local ? hf__up_guard(u, u->n - 1, err) : hf__fail_nomem(err);
        if (st != HF_OK)
            u->n--;
    }
    hf__buf_dispose(&name);
    return st;
}

hf_status hf__upload_add_fd(hf__upload *u, const char *path, int fd, hf_error *err)
{
    hf__os_stat stat;
    up_item *item;
    hf__buf name;
    hf_status st = hf__up_path(path, &name, err);

    if (st == HF_OK)
        st = hf__os_stat_fd(fd, path, &stat, err);
    if (st == HF_OK && stat.type != HF__OS_FILE)
        st = hf__fail(err, HF_ERR_UNSUPPORTED, "what is to become '%.300s' is not a regular file",
                      path);
    if (st == HF_OK)
        st = hf__up_add(u, UP_ADD, hf__buf_cstr(&name), &item, err);
    if (st == HF_OK) {
        item->local = item->path;
        item->size = stat.size;
        hf__up_stamp_of(&stat, &item->stamp);
        st = hf__up_guard(u, u->n - 1, err);
        if (st != HF_OK)
            u->n--;
    }
    if (st == HF_OK) {
        item->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (item->fd < 0)
            st = hf__fail(err, HF_ERR_IO, "cannot keep '%.300s' open", path);
    }
    hf__buf_dispose(&name);
    return st;
}

hf_status hf__upload_add_bytes(hf__upload *u, const char *path, const void *bytes, size_t len,
                               hf_error *err)
{
    up_item *item;
    hf__buf name;
    hf_status st = hf__up_path(path, &name, err);

    if (st == HF_OK)
        st = hf__up_add(u, UP_ADD, hf__buf_cstr(&name), &item, err);
    if (st == HF_OK) {
        item->bytes = (const uint8_t *)hf__arena_str(u->arena, (hf__str){ len ? bytes : "", len });
        item->size = len;
        if (!item->bytes)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&name);
    return st;
}

hf_status hf__upload_delete(hf__upload *u, const char *path, bool folder, hf_error *err)
{
    up_item *item;
    hf__buf checked;
    hf__buf name;
    hf_status st;

    hf__buf_init(&checked, HF__MAX_REPO_PATH);
    hf__buf_init(&name, HF__MAX_REPO_PATH);
    hf__buf_adds(&name, path);
    while (folder && name.len && name.ptr[name.len - 1] == '/')
        name.ptr[--name.len] = '\0';
    st = hf__up_fits(&name, path, err);
    if (st == HF_OK)
        st = hf__up_path(hf__buf_cstr(&name), &checked, err);
    if (st == HF_OK && folder) {
        hf__buf_addc(&checked, '/');
        st = hf__up_fits(&checked, path, err);
    }
    if (st == HF_OK)
        st = hf__up_add(u, folder ? UP_DELETE_FOLDER : UP_DELETE_FILE, hf__buf_cstr(&checked),
                        &item, err);
    if (st == HF_OK && folder) {
        checked.ptr[checked.len - 1] = '\0';
        item->from = hf__arena_cstr(u->arena, hf__buf_cstr(&checked));
        if (!item->from)
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&checked);
    hf__buf_dispose(&name);
    return st;
}

hf_status hf__upload_copy(hf__upload *u, const char *from_revision, const char *from,
                          const char *to, hf_error *err)
{
    up_item *item;
    hf__buf source;
    hf__buf name;
    hf_status st = hf__up_path(from, &source, err);

    hf__buf_init(&name, HF__MAX_REPO_PATH);
    if (st == HF_OK)
        st = hf__up_path(to, &name, err);
    if (st == HF_OK)
        st = hf__up_add(u, UP_COPY, hf__buf_cstr(&name), &item, err);
    if (st == HF_OK) {
        item->from = hf__arena_cstr(u->arena, hf__buf_cstr(&source));
        item->from_revision = hf__arena_cstr(u->arena, from_revision);
        if (hf__arena_failed(u->arena))
            st = hf__fail_nomem(err);
    }
    hf__buf_dispose(&source);
    hf__buf_dispose(&name);
    return st;
}

hf_status hf__upload_delete_matching(hf__upload *u, const char *base, const char *const *patterns,
                                     size_t n, hf_error *err)
{
    up_removal *removal = hf__arena_alloc(u->arena, sizeof(*removal));
    const char **copies = hf__arena_array(u->arena, n + 1, sizeof(*copies));

    if (!removal || !copies)
        return hf__fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        copies[i] = hf__arena_cstr(u->arena, patterns[i]);
    removal->base = hf__arena_cstr(u->arena, base);
    removal->patterns = copies;
    removal->n = n;
    if (hf__arena_failed(u->arena))
        return hf__fail_nomem(err);
    removal->next = u->removals;
    u->removals = removal;
    return HF_OK;
}

/* ---- an item's bytes */

static const char *name_of(const up_item *item)
{
    return item->local ? item->local : item->path;
}

static hf_status changed(const up_item *item, hf_error *err)
{
    return hf__fail(err, HF_ERR_CHANGED,
                    "'%.300s' changed while it was being published; try again when it is still",
                    name_of(item));
}

static hf_status compare(const up_item *item, const hf__os_stat *stat, hf_error *err)
{
    const up_stamp *was = &item->stamp;
    bool same = stat->dev == was->dev && stat->ino == was->ino;

    if (item->growing)
        same = same && stat->size >= item->size;
    else
        same = same && stat->size == was->size && stat->mtime_ns == was->mtime_ns &&
               stat->ctime_ns == was->ctime_ns;
    return same ? HF_OK : changed(item, err);
}

hf_status hf__up_open(const up_item *item, int *fd, hf_error *err)
{
    hf__os_stat stat;
    hf_status st;

    *fd = -1;
    if (!item->local)
        return HF_OK;
    if (item->fd >= 0) {
        *fd = item->fd;
        return hf__up_check(item, *fd, err);
    }
    st = hf__os_open_file(item->local, fd, &stat, err);
    if (st == HF_OK)
        st = compare(item, &stat, err);
    if (st != HF_OK)
        hf__os_close(fd);
    return st;
}

void hf__up_close(const up_item *item, int *fd)
{
    if (item->fd >= 0)
        *fd = -1;
    hf__os_close(fd);
}

hf_status hf__up_check(const up_item *item, int fd, hf_error *err)
{
    hf__os_stat stat;
    hf_status st;

    if (!item->local)
        return HF_OK;
    st = fd >= 0 ? hf__os_stat_fd(fd, item->local, &stat, err)
                 : hf__os_stat_path(item->local, &stat, err);
    return st == HF_OK ? compare(item, &stat, err) : st;
}

hf_status hf__up_read(const up_item *item, int fd, uint64_t offset, void *to, size_t len,
                      size_t *got, hf_error *err)
{
    uint64_t left = offset < item->size ? item->size - offset : 0;
    hf_status st = HF_OK;

    if (len > left)
        len = (size_t)left;
    *got = len;
    if (len == 0)
        return HF_OK;
    if (!item->local) {
        memcpy(to, item->bytes + offset, len);
        return HF_OK;
    }
    st = hf__os_pread(fd, to, len, offset, got, item->local, err);
    return st == HF_OK && *got == 0 ? changed(item, err) : st;
}
