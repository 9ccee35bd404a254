/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a repo of a cache (cache.md 18), told as the Python client tells it: one warning for each thing that
 * is no repo, and that repo left out. Every directory is read once and every blob looked at once; links
 * are read and resolved by their text.
 */
#include "cache/scan.h"

#include "core/error.h"
#include "core/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 200 /* of folders in a snapshot */

typedef struct ref {
    const char *name;
    const char *commit;
    bool used;
} ref;

typedef struct repo_scan {
    scan *s;
    const char *path;
    const char *folder;
    int fd;
    blob_table blobs;
    list refs;
    list revisions;
    list files;
    size_t revision; /* number of the one under way */
    const char *problem;
    char at[HF__MAX_PATH]; /* the entry under way, absolute */
    size_t root_len;       /* of the snapshot's path in it */
} repo_scan;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- warnings */

/* Notes what is wrong with the repo; HF_OK, since the scan goes on. */
static hf_status corrupt(repo_scan *r, const char *fmt, ...) HF__PRINTF(2, 3);

static hf_status corrupt(repo_scan *r, const char *fmt, ...)
{
    char text[2 * HF__MAX_PATH + 256];
    va_list args;

    if (r->problem)
        return HF_OK;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r->problem = hf__arena_cstr(r->s->arena, text);
    return r->problem ? HF_OK : HF_ERR_NO_MEMORY;
}

static hf_status unreadable(repo_scan *r, const char *path)
{
    char why[128];

    return corrupt(r, "Cannot read %s: %s", path, hf__errno_text(errno, why, sizeof(why)));
}

/* ---- walking folders */

/* Appends "/name" to the path under way; false when it does not fit. */
static bool enter(repo_scan *r, const char *name, size_t *len)
{
    size_t n = strlen(name);

    if (*len + n + 2 > sizeof(r->at))
        return false;
    r->at[*len] = '/';
    memcpy(r->at + *len + 1, name, n + 1);
    *len += n + 1;
    return true;
}

static unsigned char kind_of(int dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK : DT_REG;
}

typedef hf_status entry_fn(repo_scan *r, int dir, const char *name, unsigned char kind, size_t len);

/* Calls fn for all that is no folder, at any depth; folders are not entered through links. */
static hf_status walk(repo_scan *r, int at, const char *name, size_t len, int depth, entry_fn *fn)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    hf_status st = HF_OK;

    if (!dir) {
        st = unreadable(r, r->at);
        hf__os_close(&fd);
        return st;
    }
    if (depth > MAX_DEPTH)
        st = corrupt(r, "Folders are nested too deep: %s", r->at);
    while (st == HF_OK && !r->problem && (errno = 0, entry = readdir(dir)) != NULL) {
        size_t child = len;
        unsigned char kind;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!enter(r, entry->d_name, &child)) {
            st = corrupt(r, "The path is too long: %s/%s", r->at, entry->d_name);
            break;
        }
        kind = kind_of(dirfd(dir), entry);
        st = kind == DT_DIR ? walk(r, dirfd(dir), entry->d_name, child, depth + 1, fn)
                            : fn(r, dirfd(dir), entry->d_name, kind, child);
        r->at[len] = '\0';
    }
    closedir(dir);
    return st;
}

/* ---- one repo */

static hf_status add_file(repo_scan *r, int dir, const char *name, unsigned char kind, size_t len)
{
    char link[HF__MAX_PATH];
    char target[HF__MAX_PATH];
    char *slash = r->at + len - strlen(name) - 1;
    ssize_t link_len = kind == DT_LNK ? readlinkat(dir, name, link, sizeof(link)) : 0;
    hf_cached_file *file;
    bool joined;
    blob *b;

    if (link_len < 0 || (size_t)link_len >= sizeof(link))
        return unreadable(r, r->at);
    if (kind == DT_LNK) {
        *slash = '\0';
        joined = hf__path_join_lexical(target, r->at, (hf__str){ link, (size_t)link_len });
        *slash = '/';
        if (!joined)
            return corrupt(r, "Blob missing (broken symlink): %s", r->at);
    }
    b = hf__blob_get(&r->blobs, kind == DT_LNK ? target : r->at);
    if (!b)
        return HF_ERR_NO_MEMORY;
    if (b->is_dir)
        return HF_OK; /* a link to a folder is no file */
    if (!b->is_file)
        return corrupt(r, "Blob missing (broken symlink): %s", b->path);
    file = hf__list_add(&r->files);
    if (!file)
        return HF_ERR_NO_MEMORY;
    file->pointer = kind == DT_LNK ? hf__arena_str(r->s->arena, (hf__str){ r->at, len }) : b->path;
    if (!file->pointer)
        return HF_ERR_NO_MEMORY;
    file->path = file->pointer + r->root_len + 1;
    file->blob = b->path;
    file->size = b->size;
    file->last_accessed = b->atime;
    file->last_modified = b->mtime;
    return HF_OK;
}

static hf_status add_ref(repo_scan *r, int dir, const char *name, unsigned char kind, size_t len)
{
    char text[256];
    struct stat st;
    ref *found;
    ssize_t n;
    int fd;

    (void)kind;
    if (hf__scan_is_helper(name))
        return HF_OK;
    fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return unreadable(r, r->at);
    n = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? -2 : read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n == -2)
        return HF_OK; /* a link to a folder */
    if (n < 0)
        return unreadable(r, r->at);
    text[n] = '\0';
    found = hf__list_add(&r->refs);
    if (!found)
        return HF_ERR_NO_MEMORY;
    found->name =
        hf__arena_str(r->s->arena, (hf__str){ r->at + r->root_len + 1, len - r->root_len - 1 });
    found->commit = hf__arena_cstr(r->s->arena, text);
    return found->name && found->commit ? HF_OK : HF_ERR_NO_MEMORY;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const hf_cached_file *)a)->path, ((const hf_cached_file *)b)->path);
}

static hf_status take_refs(repo_scan *r, hf_cached_revision *revision)
{
    ref *refs = (ref *)(void *)r->refs.items;
    const char **names = hf__arena_array(r->s->arena, r->refs.n + 1, sizeof(*names));

    if (!names)
        return HF_ERR_NO_MEMORY;
    for (size_t i = 0; i < r->refs.n; i++) {
        if (strcmp(refs[i].commit, revision->commit) == 0) {
            names[revision->n_refs++] = refs[i].name;
            refs[i].used = true;
        }
    }
    qsort(names, revision->n_refs, sizeof(*names), by_text);
    revision->refs = names;
    return HF_OK;
}

static hf_status sum_up_revision(repo_scan *r, hf_cached_revision *revision, double folder_mtime)
{
    const hf_cached_file *files;

    hf__list_sort(&r->files, by_path);
    files = hf__list_keep(&r->files, r->s->arena);
    if (!files)
        return HF_ERR_NO_MEMORY;
    revision->files = files;
    revision->n_files = r->files.n;
    revision->last_modified = r->files.n ? 0 : folder_mtime;
    r->revision++;
    for (size_t i = 0; i < revision->n_files; i++) {
        blob *b = hf__blob_get(&r->blobs, files[i].blob);

        if (!b)
            return HF_ERR_NO_MEMORY;
        if (b->mtime > revision->last_modified)
            revision->last_modified = b->mtime;
        if (b->seen_in != r->revision)
            revision->size += b->size;
        b->seen_in = r->revision;
    }
    return HF_OK;
}

static hf_status scan_revision(repo_scan *r, int snapshots, const char *name, size_t len)
{
    hf_cached_revision *revision;
    struct stat st;
    hf_status status;

    if (fstatat(snapshots, name, &st, 0) != 0 || !S_ISDIR(st.st_mode))
        return corrupt(r, "Snapshots folder corrupted. Found a file: %s", r->at);
    revision = hf__list_add(&r->revisions);
    if (!revision)
        return HF_ERR_NO_MEMORY;
    revision->path = hf__arena_str(r->s->arena, (hf__str){ r->at, len });
    if (!revision->path)
        return HF_ERR_NO_MEMORY;
    revision->commit = revision->path + len - strlen(name);
    r->files.n = 0;
    r->root_len = len;
    status = walk(r, snapshots, name, len, 0, add_file);
    if (status != HF_OK || r->problem)
        return status;
    status = take_refs(r, revision);
    if (status == HF_OK)
        status = sum_up_revision(r, revision,
                                 (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9);
    return status;
}

static hf_status scan_refs(repo_scan *r)
{
    struct stat st;
    size_t len = strlen(r->at);
    hf_status status;

    if (fstatat(r->fd, "refs", &st, 0) != 0)
        return HF_OK;
    if (!enter(r, "refs", &len))
        return corrupt(r, "The path is too long: %s", r->at);
    r->root_len = len;
    status = S_ISDIR(st.st_mode) ? walk(r, r->fd, "refs", len, 0, add_ref)
                                 : corrupt(r, "Refs directory cannot be a file: %s", r->at);
    r->at[len - 5] = '\0';
    return status;
}

static hf_status scan_snapshots(repo_scan *r)
{
    int fd = openat(r->fd, "snapshots", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    size_t len = strlen(r->at);
    struct dirent *entry;
    hf_status st = HF_OK;

    if (!dir || !enter(r, "snapshots", &len)) {
        if (dir)
            closedir(dir);
        return unreadable(r, r->at);
    }
    while (st == HF_OK && !r->problem && (entry = readdir(dir)) != NULL) {
        size_t child = len;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            hf__scan_is_helper(entry->d_name))
            continue;
        if (!enter(r, entry->d_name, &child)) {
            st = corrupt(r, "The path is too long: %s", r->at);
            break;
        }
        st = scan_revision(r, dirfd(dir), entry->d_name, child);
        r->at[len] = '\0';
    }
    closedir(dir);
    return st;
}

/* Python prints a dictionary of sets here. */
static hf_status check_refs(repo_scan *r)
{
    const ref *refs = (const ref *)(const void *)r->refs.items;
    hf__buf text;
    hf_status st = HF_OK;

    hf__buf_init(&text, HF__MAX_PATH);
    for (size_t i = 0; i < r->refs.n; i++) {
        bool first = true;

        for (size_t k = 0; k < i && first; k++)
            first = strcmp(refs[k].commit, refs[i].commit) != 0;
        if (refs[i].used || !first)
            continue;
        hf__buf_addf(&text, "%s'%s': {", text.len ? ", " : "", refs[i].commit);
        for (size_t k = i, n = 0; k < r->refs.n; k++)
            if (strcmp(refs[k].commit, refs[i].commit) == 0)
                hf__buf_addf(&text, "%s'%s'", n++ ? ", " : "", refs[k].name);
        hf__buf_adds(&text, "}");
    }
    if (text.len)
        st = corrupt(r, "Reference(s) refer to missing commit hashes: {%s} (%s).",
                     hf__buf_cstr(&text), r->path);
    hf__buf_dispose(&text);
    return st;
}

static int by_commit(const void *a, const void *b)
{
    return strcmp(((const hf_cached_revision *)a)->commit, ((const hf_cached_revision *)b)->commit);
}

static hf_status all_refs(repo_scan *r, hf_cached_repo *repo)
{
    const char **names = hf__arena_array(r->s->arena, r->refs.n + 1, sizeof(*names));

    if (!names)
        return HF_ERR_NO_MEMORY;
    for (size_t i = 0; i < r->refs.n; i++)
        names[i] = ((const ref *)(const void *)r->refs.items)[i].name;
    qsort(names, r->refs.n, sizeof(*names), by_text);
    repo->refs = names;
    repo->n_refs = r->refs.n;
    return HF_OK;
}

static hf_status sum_up_repo(repo_scan *r, hf_cached_repo *repo)
{
    size_t root = strlen(r->path) + strlen("/blobs/");
    char hash[65];
    struct stat st;

    for (size_t i = 0; i < r->blobs.n_slots; i++) {
        const blob *b = &r->blobs.slots[i];
        bool shared;

        if (!b->path || !b->is_file)
            continue;
        repo->n_files++;
        repo->size += b->size;
        if (b->atime > repo->last_accessed)
            repo->last_accessed = b->atime;
        if (b->mtime > repo->last_modified)
            repo->last_modified = b->mtime;
        shared = r->s->store && r->blobs.fd >= 0 && strlen(b->path) > root &&
                 hf__shared_target(r->s->cache->dir, r->path, r->blobs.fd, b->path + root, hash);
        if (!shared)
            r->s->size += b->size;
    }
    if (repo->n_files == 0 && fstat(r->fd, &st) == 0) {
        repo->last_accessed = (double)st.st_atim.tv_sec + (double)st.st_atim.tv_nsec / 1e9;
        repo->last_modified = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
    }
    hf__list_sort(&r->revisions, by_commit);
    repo->n_revisions = r->revisions.n;
    repo->revisions = hf__list_keep(&r->revisions, r->s->arena);
    return repo->revisions ? all_refs(r, repo) : HF_ERR_NO_MEMORY;
}

/* Checks the folder's name and takes type and id out of it. */
static hf_status name_parts(repo_scan *r, hf_cached_repo *repo)
{
    const char *dashes = strstr(r->folder, "--");
    char *id;
    char *to;

    if (!dashes)
        return corrupt(r, "Repo path is not a valid HuggingFace cache directory: %s", r->path);
    if (r->folder[dashes - r->folder - (dashes > r->folder)] != 's' ||
        !hf__repo_type_parse((hf__str){ r->folder, (size_t)(dashes - r->folder) }, &repo->type))
        return corrupt(
            r,
            "Repo type must be one of ['datasets', 'kernels', 'models', 'spaces'], found "
            "`%.*s` (%s).",
            (int)(dashes - r->folder), r->folder, r->path);
    id = hf__arena_cstr(r->s->arena, dashes + 2);
    if (!id)
        return HF_ERR_NO_MEMORY;
    to = id;
    for (const char *from = id; *from; from++) {
        bool slash = from[0] == '-' && from[1] == '-';

        *to++ = slash ? '/' : *from;
        from += slash;
    }
    *to = '\0';
    repo->id = id;
    return HF_OK;
}

static hf_status scan_incomplete(repo_scan *r)
{
    int fd = r->blobs.fd >= 0 ? fcntl(r->blobs.fd, F_DUPFD_CLOEXEC, 0) : -1;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat st;

    if (!dir) {
        hf__os_close(&fd);
        return HF_OK;
    }
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        hf_cached_rest *part;
        hf__buf path;

        if ((!hf__str_ends(hf__str_from(entry->d_name), HF__STR(".incomplete")) &&
             !hf__cache_is_part(entry->d_name)) ||
            fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
            continue;
        part = hf__list_add(&r->s->incomplete);
        hf__buf_init(&path, HF__MAX_PATH);
        hf__buf_addf(&path, "%s/blobs/%s", r->path, entry->d_name);
        if (part)
            part->path = hf__arena_str(r->s->arena, hf__buf_str(&path));
        hf__buf_dispose(&path);
        if (!part || !part->path) {
            closedir(dir);
            return HF_ERR_NO_MEMORY;
        }
        part->size = (uint64_t)st.st_size;
        part->in_use = hf__part_in_use(r->s->fd, r->folder, dirfd(dir), entry->d_name, NULL);
        r->s->incomplete_size += part->size;
    }
    closedir(dir);
    return HF_OK;
}

static hf_status scan_repo_inside(repo_scan *r, hf_cached_repo *repo)
{
    struct stat st;
    hf_status status;

    if (r->fd < 0)
        return corrupt(r, "Repo path is not a directory: %s", r->path);
    status = name_parts(r, repo);
    if (status != HF_OK || r->problem)
        return status;
    if (fstatat(r->fd, "snapshots", &st, 0) != 0 || !S_ISDIR(st.st_mode))
        return corrupt(r, "Snapshots dir doesn't exist in cached repo: %s/snapshots", r->path);
    status = scan_refs(r);
    if (status == HF_OK && !r->problem)
        status = scan_snapshots(r);
    if (status == HF_OK && !r->problem)
        status = check_refs(r);
    if (status == HF_OK && !r->problem)
        status = sum_up_repo(r, repo);
    return status;
}

hf_status hf__scan_repo(scan *s, const char *name)
{
    repo_scan r = { .s = s, .folder = name, .fd = -1, .blobs = { .fd = -1 } };
    hf_cached_repo repo = { 0 };
    void *place = NULL;
    hf_status st = HF_OK;

    hf__list_init(&r.refs, sizeof(ref));
    hf__list_init(&r.revisions, sizeof(hf_cached_revision));
    hf__list_init(&r.files, sizeof(hf_cached_file));
    if (snprintf(r.at, sizeof(r.at), "%s/%s", s->cache->dir, name) >= (int)sizeof(r.at))
        return HF_ERR_LIMIT;
    r.path = hf__arena_cstr(s->arena, r.at);
    if (!r.path)
        return HF_ERR_NO_MEMORY;
    r.blobs.arena = s->arena;
    r.blobs.repo_path = r.path;
    r.blobs.repo_len = strlen(r.path);
    r.fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r.fd < 0 && errno == EACCES)
        st = unreadable(&r, r.path);
    r.blobs.fd = r.fd >= 0 ? openat(r.fd, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (st == HF_OK)
        st = scan_incomplete(&r);
    repo.path = r.path;
    if (st == HF_OK && !r.problem)
        st = scan_repo_inside(&r, &repo);
    if (st == HF_OK) {
        place = hf__list_add(r.problem ? &s->warnings : &s->repos);
        if (place && r.problem)
            memcpy(place, &r.problem, sizeof(r.problem));
        else if (place)
            memcpy(place, &repo, sizeof(repo));
        else
            st = HF_ERR_NO_MEMORY;
    }
    hf__os_close(&r.fd);
    hf__os_close(&r.blobs.fd);
    free(r.blobs.slots);
    hf__list_free(&r.refs);
    hf__list_free(&r.revisions);
    hf__list_free(&r.files);
    return st;
}
