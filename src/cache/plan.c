/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be taken out of a cache (cache.md 19): a plan, which reads what a scan found and changes
 * nothing. delete.c carries it out.
 */
#include "cache/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- plans */

typedef struct plan {
    hf_cache_plan pub; /* first, so that it is the handle */
    hf__arena *arena;
} plan;

typedef struct texts { /* of a plan, growing in its arena */
    const char **items;
    size_t n;
    size_t cap;
} texts;

typedef struct sized {
    const char *path;
    uint64_t size;
    const hf_cached_repo *repo;
} sized;

typedef struct planner {
    const hf_cache_info *info;
    plan *plan;
    texts repos, snapshots, refs, blobs, files, incomplete, unreferenced;
    sized *freed; /* malloc; content that goes, with repeats */
    size_t n_freed;
    size_t cap_freed;
    bool failed; /* out of memory */
} planner;

static void add(planner *p, texts *list, const char *text)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        const char **grown = hf__arena_array(p->plan->arena, cap, sizeof(*grown));

        if (!grown) {
            p->failed = true;
            return;
        }
        if (list->n)
            memcpy(grown, list->items, list->n * sizeof(*grown));
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->n] = hf__arena_cstr(p->plan->arena, text);
    if (list->items[list->n])
        list->n++;
    else
        p->failed = true;
}

static void add_freed(planner *p, const hf_cached_repo *repo, const hf_cached_file *file)
{
    if (p->n_freed == p->cap_freed) {
        size_t cap = p->cap_freed ? p->cap_freed * 2 : 256;
        sized *grown = realloc(p->freed, cap * sizeof(*grown));

        if (!grown) {
            p->failed = true;
            return;
        }
        p->freed = grown;
        p->cap_freed = cap;
    }
    p->freed[p->n_freed++] = (sized){ file->blob, file->size, repo };
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const sized *)a)->path, ((const sized *)b)->path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_path(const sized *items, size_t n, const char *path)
{
    sized key = { path, 0, NULL };

    return n && bsearch(&key, items, n, sizeof(*items), by_path) != NULL;
}

/* Every repo blob that links to the payload goes: then the payload goes too. */
static bool all_go(const planner *p, int cache_fd, const char *hash)
{
    char path[HF__MAX_PATH];
    hf__buf lines;
    hf__str rest;
    bool known;

    hf__buf_init(&lines, HF__MAX_TREE_FILE);
    known = hf__shared_references(p->info->path, cache_fd, hash, &lines) && lines.len;
    rest = hf__buf_str(&lines);
    while (known && rest.ptr && rest.len) {
        hf__str line = hf__str_cut(rest, '\n', &rest);

        known = snprintf(path, sizeof(path), "%s/%.*s", p->info->path, (int)line.len, line.ptr) <
                    (int)sizeof(path) &&
                has_path(p->freed, p->n_freed, path);
    }
    hf__buf_dispose(&lines);
    return known;
}

/* Content counts once; what lies in the shared store counts once and only when its last link goes. */
static uint64_t sum_freed(planner *p)
{
    int cache_fd = open(p->info->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool store = cache_fd >= 0 && hf__shared_is_store(cache_fd);
    uint64_t sum = 0;
    size_t n = 0;
    texts shared = { NULL, 0, 0 };

    if (p->n_freed)
        qsort(p->freed, p->n_freed, sizeof(*p->freed), by_path);
    for (size_t i = 0; i < p->n_freed; i++)
        if (i == 0 || strcmp(p->freed[i].path, p->freed[n - 1].path) != 0)
            p->freed[n++] = p->freed[i];
    p->n_freed = n;
    for (size_t i = 0; i < n; i++) {
        const sized *item = &p->freed[i];
        size_t root = strlen(item->repo->path);
        char hash[65];
        int fd = -1;
        bool is_shared = false;

        if (store && strncmp(item->path + root, "/blobs/", 7) == 0) {
            hf__buf path;

            hf__buf_init(&path, HF__MAX_PATH);
            hf__buf_addf(&path, "%s/blobs", item->repo->path);
            fd = open(hf__buf_cstr(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            hf__buf_dispose(&path);
            is_shared = fd >= 0 && hf__shared_target(p->info->path, item->repo->path, fd,
                                                     item->path + root + 7, hash);
            hf__os_close(&fd);
        }
        if (is_shared)
            add(p, &shared, hash);
        else
            sum += item->size;
    }
    if (shared.n)
        qsort(shared.items, shared.n, sizeof(*shared.items), by_text);
    for (size_t i = 0; i < shared.n; i++)
        if ((i == 0 || strcmp(shared.items[i], shared.items[i - 1]) != 0) &&
            all_go(p, cache_fd, shared.items[i]))
            sum += hf__shared_size(cache_fd, shared.items[i]);
    hf__os_close(&cache_fd);
    return sum;
}

static hf_status plan_begin(planner *p, const hf_cache_info *info, hf_error *err)
{
    hf__arena *arena = hf__arena_new();

    memset(p, 0, sizeof(*p));
    p->info = info;
    p->plan = arena ? hf__arena_alloc(arena, sizeof(*p->plan)) : NULL;
    if (!p->plan) {
        hf__arena_free(arena);
        return hf__fail_nomem(err);
    }
    p->plan->arena = arena;
    return HF_OK;
}

static hf_status plan_end(planner *p, hf_cache_plan **out, hf_error *err)
{
    hf_cache_plan *pub = &p->plan->pub;

    pub->path = hf__arena_cstr(p->plan->arena, p->info->path);
    pub->bytes_freed += p->failed ? 0 : sum_freed(p);
    free(p->freed);
    if (p->failed || !pub->path) {
        hf__arena_free(p->plan->arena);
        return hf__fail_nomem(err);
    }
#define KEEP(list)                                                                                 \
    pub->list = p->list.items;                                                                     \
    pub->n_##list = p->list.n
    KEEP(repos);
    KEEP(snapshots);
    KEEP(refs);
    KEEP(blobs);
    KEEP(files);
    KEEP(incomplete);
    KEEP(unreferenced);
#undef KEEP
    *out = pub;
    return HF_OK;
}

void hf__cache_plan_free(hf_cache_plan *pub)
{
    if (pub)
        hf__arena_free(((plan *)(void *)pub)->arena);
}

/* ---- which revisions */

typedef bool chosen_fn(const hf_cached_revision *revision, const void *arg);

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static bool is_blob_of(const char *path, const hf_cached_repo *repo)
{
    size_t len = strlen(repo->path);

    return strncmp(path, repo->path, len) == 0 && strncmp(path + len, "/blobs/", 7) == 0 &&
           !strchr(path + len + 7, '/');
}

/* Content of the revisions that stay, sorted; malloc. */
static sized *content_that_stays(planner *p, const hf_cached_repo *repo, chosen_fn *chosen,
                                 const void *arg, size_t *n)
{
    size_t most = 0;
    sized *items;

    *n = 0;
    for (size_t i = 0; i < repo->n_revisions; i++)
        most += repo->revisions[i].n_files;
    items = calloc(most + 1, sizeof(*items));
    if (!items) {
        p->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < repo->n_revisions; i++) {
        const hf_cached_revision *revision = &repo->revisions[i];

        for (size_t k = 0; !chosen(revision, arg) && k < revision->n_files; k++)
            items[(*n)++].path = revision->files[k].blob;
    }
    qsort(items, *n, sizeof(*items), by_path);
    return items;
}

/* Several revisions may have named the same content. */
static void name_once(planner *p, size_t first)
{
    size_t n = first + 1;

    if (p->blobs.n <= first)
        return;
    qsort(p->blobs.items + first, p->blobs.n - first, sizeof(*p->blobs.items), by_text);
    for (size_t i = first + 1; i < p->blobs.n; i++)
        if (strcmp(p->blobs.items[i], p->blobs.items[n - 1]) != 0)
            p->blobs.items[n++] = p->blobs.items[i];
    p->blobs.n = n;
}

static void plan_some(planner *p, const hf_cached_repo *repo, chosen_fn *chosen, const void *arg)
{
    size_t n_stay;
    sized *stay = content_that_stays(p, repo, chosen, arg, &n_stay);
    size_t first_blob = p->blobs.n;

    for (size_t i = 0; stay && i < repo->n_revisions; i++) {
        const hf_cached_revision *revision = &repo->revisions[i];

        if (!chosen(revision, arg))
            continue;
        add(p, &p->snapshots, revision->path);
        for (size_t k = 0; k < revision->n_refs; k++) {
            hf__buf path;

            hf__buf_init(&path, HF__MAX_PATH);
            hf__buf_addf(&path, "%s/refs/%s", repo->path, revision->refs[k]);
            add(p, &p->refs, hf__buf_cstr(&path));
            p->failed = p->failed || path.status == HF_ERR_NO_MEMORY;
            hf__buf_dispose(&path);
        }
        for (size_t k = 0; k < revision->n_files; k++) {
            const hf_cached_file *file = &revision->files[k];
            bool inside = is_below(file->blob, revision->path);

            /* What a link leads to elsewhere is not the cache's to remove. */
            if (!inside && (!is_blob_of(file->blob, repo) || has_path(stay, n_stay, file->blob)))
                continue;
            add_freed(p, repo, file);
            if (!inside)
                add(p, &p->blobs, file->blob);
        }
    }
    free(stay);
    name_once(p, first_blob);
}

static void plan_chosen(planner *p, chosen_fn *chosen, const void *arg)
{
    for (size_t i = 0; i < p->info->n_repos; i++) {
        const hf_cached_repo *repo = &p->info->repos[i];
        size_t n = 0;

        for (size_t k = 0; k < repo->n_revisions; k++)
            n += chosen(&repo->revisions[k], arg);
        p->plan->pub.n_revisions += n;
        if (n && n < repo->n_revisions) {
            plan_some(p, repo, chosen, arg);
        } else if (n) {
            add(p, &p->repos, repo->path);
            for (size_t k = 0; k < repo->n_revisions; k++)
                for (size_t f = 0; f < repo->revisions[k].n_files; f++)
                    if (is_below(repo->revisions[k].files[f].blob, repo->path))
                        add_freed(p, repo, &repo->revisions[k].files[f]);
        }
    }
}

typedef struct named {
    const hf_cached_revision *const *items;
    size_t n;
} named;

static bool is_named(const hf_cached_revision *revision, const void *arg)
{
    const named *names = arg;

    for (size_t i = 0; i < names->n; i++)
        if (names->items[i] == revision)
            return true;
    return false;
}

static bool is_detached(const hf_cached_revision *revision, const void *arg)
{
    (void)arg;
    return revision->n_refs == 0;
}

/* By the revision itself and not by its commit: a repo and its copy share commits. */
hf_status hf__cache_plan_revisions(const hf_cache_info *info,
                                   const hf_cached_revision *const *revisions, size_t n,
                                   hf_cache_plan **out, hf_error *err)
{
    named names = { revisions, n };
    planner p;
    hf_status st = plan_begin(&p, info, err);

    if (st != HF_OK)
        return st;
    plan_chosen(&p, is_named, &names);
    return plan_end(&p, out, err);
}

static void plan_rest(planner *p, texts *list, const hf_cached_rest *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].in_use)
            continue;
        add(p, list, items[i].path);
        p->plan->pub.bytes_freed += items[i].size;
    }
}

hf_status hf__cache_plan_prune(const hf_cache_info *info, hf_cache_plan **out, hf_error *err)
{
    planner p;
    hf_status st = plan_begin(&p, info, err);

    if (st != HF_OK)
        return st;
    plan_chosen(&p, is_detached, NULL);
    plan_rest(&p, &p.incomplete, info->incomplete, info->n_incomplete);
    plan_rest(&p, &p.unreferenced, info->unreferenced, info->n_unreferenced);
    return plan_end(&p, out, err);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const hf_cached_file *const *)a;
    uintptr_t y = (uintptr_t) * (const hf_cached_file *const *)b;

    return x < y ? -1 : x > y;
}

static bool is_among(const hf_cached_file *file, const hf_cached_file *const *sorted, size_t n)
{
    return bsearch(&file, sorted, n, sizeof(*sorted), by_address) != NULL;
}

/* Is the content of a file that goes used by one that stays? */
static bool is_used(const hf_cached_repo *repo, const char *blob,
                    const hf_cached_file *const *sorted, size_t n)
{
    for (size_t r = 0; r < repo->n_revisions; r++)
        for (size_t f = 0; f < repo->revisions[r].n_files; f++) {
            const hf_cached_file *other = &repo->revisions[r].files[f];

            if (strcmp(other->blob, blob) == 0 && !is_among(other, sorted, n))
                return true;
        }
    return false;
}

hf_status hf__cache_plan_files(const hf_cache_info *info, const hf_cached_file *const *files,
                               size_t n, hf_cache_plan **out, hf_error *err)
{
    const hf_cached_file **sorted = calloc(n + 1, sizeof(*sorted));
    planner p;
    hf_status st = sorted ? plan_begin(&p, info, err) : hf__fail_nomem(err);

    if (st != HF_OK) {
        free(sorted);
        return st;
    }
    memcpy(sorted, files, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_address);
    for (size_t i = 0; i < info->n_repos; i++) {
        const hf_cached_repo *repo = &info->repos[i];

        for (size_t r = 0; r < repo->n_revisions; r++) {
            for (size_t f = 0; f < repo->revisions[r].n_files; f++) {
                const hf_cached_file *file = &repo->revisions[r].files[f];

                if (!is_among(file, sorted, n))
                    continue;
                add(&p, &p.files, file->pointer);
                if (is_used(repo, file->blob, sorted, n))
                    continue;
                if (strcmp(file->blob, file->pointer) != 0 && !is_blob_of(file->blob, repo))
                    continue;
                add_freed(&p, repo, file);
                if (strcmp(file->blob, file->pointer) != 0)
                    add(&p, &p.blobs, file->blob);
            }
        }
    }
    name_once(&p, 0);
    free(sorted);
    return plan_end(&p, out, err);
}
