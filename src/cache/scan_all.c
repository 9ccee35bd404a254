/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole cache, scanned by several threads: each takes the next repo and keeps what it finds to
 * itself until all are done. Nearly all of the time goes by in the kernel, which looks at one file
 * after the other for one thread.
 */
#include "cache/scan.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_SCANNERS 4
#define REPOS_EACH    4 /* fewer are not worth another thread */

typedef struct result {
    hf_cache_info info; /* first, so that it is the handle */
    hf__arena *arenas[MOST_SCANNERS];
} result;

typedef struct whole whole;

typedef struct scanner {
    scan s;
    whole *whole;
    hf__job job;
    hf__strand *strand;
    hf_status status;
} scanner;

struct whole {
    scanner scanners[MOST_SCANNERS];
    size_t n_scanners;
    list names; /* of char *, in the first arena */
    atomic_size_t next;
};

/* ---- content that repos share */

static hf_status add_payload(const char *hash, uint64_t size, void *arg)
{
    scan *s = arg;
    hf_cached_rest *rest;
    hf__buf lines;
    hf__buf path;
    bool alone;

    s->size += size;
    hf__buf_init(&lines, HF__MAX_TREE_FILE);
    alone = hf__shared_references(s->cache->dir, s->fd, hash, &lines) && lines.len == 0;
    hf__buf_dispose(&lines);
    if (!alone)
        return HF_OK;
    rest = hf__list_add(&s->unreferenced);
    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/blobs/%.2s/%s", s->cache->dir, hash, hash);
    if (rest)
        rest->path = hf__arena_str(s->arena, hf__buf_str(&path));
    hf__buf_dispose(&path);
    if (!rest || !rest->path)
        return HF_ERR_NO_MEMORY;
    rest->size = size;
    s->unreferenced_size += size;
    return HF_OK;
}

/* ---- the repos */

static bool is_repo_name(const char *name, bool store)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, ".locks") != 0 &&
           strcmp(name, "CACHEDIR.TAG") != 0 && !hf__scan_is_helper(name) &&
           !(store && strcmp(name, "blobs") == 0);
}

static hf_status read_names(whole *w, hf_error *err)
{
    scan *s = &w->scanners[0].s;
    int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    hf_status st = HF_OK;

    if (!dir) {
        hf__os_close(&fd);
        return hf__fail_os(err, errno, "cannot list '%s'", s->cache->dir);
    }
    while (st == HF_OK && (entry = readdir(dir)) != NULL) {
        char **name = is_repo_name(entry->d_name, s->store) ? hf__list_add(&w->names) : NULL;

        if (name)
            *name = hf__arena_cstr(s->arena, entry->d_name);
        if (is_repo_name(entry->d_name, s->store) && (!name || !*name))
            st = hf__fail_nomem(err);
    }
    closedir(dir);
    return st;
}

/* Until no repo is left. */
static void scan_repos(void *arg)
{
    scanner *me = arg;
    const whole *w = me->whole;
    char **names = (char **)(void *)w->names.items;
    size_t at;

    while (me->status == HF_OK && (at = atomic_fetch_add(&me->whole->next, 1)) < w->names.n)
        me->status = hf__scan_repo(&me->s, names[at]);
}

static hf_status start_scanner(whole *w, size_t i, hf_error *err)
{
    scanner *me = &w->scanners[i];
    const scan *first = &w->scanners[0].s;

    me->whole = w;
    me->s.cache = first->cache;
    me->s.fd = first->fd;
    me->s.store = first->store;
    hf__list_init(&me->s.repos, sizeof(hf_cached_repo));
    hf__list_init(&me->s.warnings, sizeof(const char *));
    hf__list_init(&me->s.incomplete, sizeof(hf_cached_rest));
    hf__list_init(&me->s.unreferenced, sizeof(hf_cached_rest));
    if (!me->s.arena)
        me->s.arena = hf__arena_new();
    return me->s.arena ? HF_OK : hf__fail_nomem(err);
}

static hf_status scan_all(whole *w, hf_error *err)
{
    size_t most = hf__os_cpus() < MOST_SCANNERS ? hf__os_cpus() : MOST_SCANNERS;
    size_t want = w->names.n / REPOS_EACH;
    hf__pool *pool = NULL;
    hf_status st = HF_OK;

    if (want > most)
        want = most;
    if (want > 1)
        st = hf__pool_new((unsigned)want - 1, &pool, err);
    for (w->n_scanners = 1; st == HF_OK && w->n_scanners < want; w->n_scanners++) {
        scanner *me = &w->scanners[w->n_scanners];

        st = start_scanner(w, w->n_scanners, err);
        if (st == HF_OK)
            st = hf__strand_new(pool, &me->strand, err);
        me->job = (hf__job){ NULL, scan_repos, me };
        if (st == HF_OK)
            hf__strand_add(me->strand, &me->job);
    }
    scan_repos(&w->scanners[0]);
    for (size_t i = 1; i < MOST_SCANNERS; i++) {
        if (w->scanners[i].strand)
            hf__strand_wait(w->scanners[i].strand);
        hf__strand_free(w->scanners[i].strand);
    }
    hf__pool_free(pool);
    for (size_t i = 0; st == HF_OK && i < MOST_SCANNERS; i++)
        if (w->scanners[i].status != HF_OK)
            st = hf__fail(err, w->scanners[i].status, "cannot hold what is in '%s'",
                          w->scanners[0].s.cache->dir);
    return st;
}

/* ---- what it comes to */

static int by_type_and_id(const void *a, const void *b)
{
    const hf_cached_repo *x = a;
    const hf_cached_repo *y = b;
    int order = strcmp(hf__repo_type_name(x->type), hf__repo_type_name(y->type));

    return order ? order : strcmp(x->id, y->id);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_rest(const void *a, const void *b)
{
    return strcmp(((const hf_cached_rest *)a)->path, ((const hf_cached_rest *)b)->path);
}

static bool append(list *to, const list *from)
{
    for (size_t i = 0; i < from->n; i++) {
        void *place = hf__list_add(to);

        if (!place)
            return false;
        memcpy(place, from->items + i * from->size, from->size);
    }
    return true;
}

static bool gather(whole *w)
{
    scan *first = &w->scanners[0].s;

    for (size_t i = 1; i < w->n_scanners; i++) {
        const scan *s = &w->scanners[i].s;

        if (!append(&first->repos, &s->repos) || !append(&first->warnings, &s->warnings) ||
            !append(&first->incomplete, &s->incomplete))
            return false;
        first->size += s->size;
        first->incomplete_size += s->incomplete_size;
    }
    return true;
}

static hf_status finish(whole *w, hf_cache_info *info, hf_error *err)
{
    scan *s = &w->scanners[0].s;

    if (!gather(w))
        return hf__fail_nomem(err);
    hf__list_sort(&s->repos, by_type_and_id);
    hf__list_sort(&s->warnings, by_text);
    hf__list_sort(&s->incomplete, by_rest);
    hf__list_sort(&s->unreferenced, by_rest);
    info->size = s->size;
    info->incomplete_size = s->incomplete_size;
    info->unreferenced_size = s->unreferenced_size;
    info->path = hf__arena_cstr(s->arena, s->cache->dir);
    info->repos = hf__list_keep(&s->repos, s->arena);
    info->n_repos = s->repos.n;
    info->warnings = hf__list_keep(&s->warnings, s->arena);
    info->n_warnings = s->warnings.n;
    info->incomplete = hf__list_keep(&s->incomplete, s->arena);
    info->n_incomplete = s->incomplete.n;
    info->unreferenced = hf__list_keep(&s->unreferenced, s->arena);
    info->n_unreferenced = s->unreferenced.n;
    return info->path && info->repos && info->warnings && info->incomplete && info->unreferenced
               ? HF_OK
               : hf__fail_nomem(err);
}

static hf_status open_cache(scan *s, hf_error *err)
{
    s->fd = open(s->cache->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd >= 0) {
        s->store = hf__shared_is_store(s->fd);
        return HF_OK;
    }
    if (errno == ENOENT)
        return hf__fail(err, HF_ERR_NOT_CACHED, "cache directory not found: %s", s->cache->dir);
    if (errno == ENOTDIR)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the cache '%s' is a file, not a directory",
                        s->cache->dir);
    return hf__fail_os(err, errno, "cannot open the cache '%s'", s->cache->dir);
}

static void free_lists(scan *s)
{
    hf__list_free(&s->repos);
    hf__list_free(&s->warnings);
    hf__list_free(&s->incomplete);
    hf__list_free(&s->unreferenced);
}

hf_status hf__cache_scan(hf__cache *cache, hf_cache_info **out, hf_error *err)
{
    whole w = { .n_scanners = 1 };
    scan *first = &w.scanners[0].s;
    result *found = NULL;
    hf_status st;

    first->cache = cache;
    first->fd = -1;
    hf__list_init(&w.names, sizeof(char *));
    st = start_scanner(&w, 0, err);
    found = st == HF_OK ? hf__arena_alloc(first->arena, sizeof(*found)) : NULL;
    if (st == HF_OK && !found)
        st = hf__fail_nomem(err);
    if (st == HF_OK)
        st = open_cache(first, err);
    if (st == HF_OK)
        st = read_names(&w, err);
    if (st == HF_OK)
        st = scan_all(&w, err);
    if (st == HF_OK && first->store) {
        st = hf__shared_each(first->fd, add_payload, first);
        if (st != HF_OK)
            (void)hf__fail(err, st, "cannot hold what is in '%s'", cache->dir);
    }
    if (st == HF_OK)
        st = finish(&w, &found->info, err);
    hf__os_close(&first->fd);
    hf__list_free(&w.names);
    for (size_t i = 0; i < MOST_SCANNERS; i++) {
        free_lists(&w.scanners[i].s);
        if (st == HF_OK)
            found->arenas[i] = w.scanners[i].s.arena;
        else if (i > 0)
            hf__arena_free(w.scanners[i].s.arena);
    }
    if (st == HF_OK)
        *out = &found->info;
    else
        hf__arena_free(first->arena);
    return st;
}

void hf__cache_info_free(hf_cache_info *info)
{
    hf__arena *arenas[MOST_SCANNERS];

    if (!info)
        return;
    memcpy(arenas, ((result *)(void *)info)->arenas,
           sizeof(arenas)); /* the first holds this list */
    for (size_t i = MOST_SCANNERS; i-- > 0;)
        hf__arena_free(arenas[i]);
}
