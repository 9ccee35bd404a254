/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/scan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

void hf__list_init(list *l, size_t size)
{
    *l = (list){ NULL, 0, 0, size };
}

void *hf__list_add(list *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        char *grown = realloc(l->items, cap * l->size);

        if (!grown)
            return NULL;
        l->items = grown;
        l->cap = cap;
    }
    memset(l->items + l->n * l->size, 0, l->size);
    return l->items + l->n++ * l->size;
}

void *hf__list_keep(list *l, hf__arena *arena)
{
    void *kept = hf__arena_array(arena, l->n + 1, l->size);

    if (kept && l->n)
        memcpy(kept, l->items, l->n * l->size);
    return kept;
}

void hf__list_sort(list *l, int (*order)(const void *, const void *))
{
    if (l->n > 1)
        qsort(l->items, l->n, l->size, order);
}

void hf__list_free(list *l)
{
    free(l->items);
    l->items = NULL;
}

bool hf__scan_is_helper(const char *name)
{
    return strcmp(name, ".DS_Store") == 0 || strcmp(name, "Thumbs.db") == 0 ||
           strcmp(name, "desktop.ini") == 0;
}

/* ---- blobs: each looked at once */

static uint64_t text_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static hf_status blobs_grow(blob_table *table)
{
    size_t n = table->n_slots ? table->n_slots * 2 : 256;
    blob *grown = calloc(n, sizeof(*grown));

    if (!grown)
        return HF_ERR_NO_MEMORY;
    for (size_t i = 0; i < table->n_slots; i++) {
        size_t at = (size_t)table->slots[i].hash & (n - 1);

        if (!table->slots[i].path)
            continue;
        while (grown[at].path)
            at = (at + 1) & (n - 1);
        grown[at] = table->slots[i];
    }
    free(table->slots);
    table->slots = grown;
    table->n_slots = n;
    return HF_OK;
}

static void blob_look(const blob_table *table, blob *b)
{
    size_t len = table->repo_len;
    const char *name =
        strncmp(b->path, table->repo_path, len) == 0 && strncmp(b->path + len, "/blobs/", 7) == 0
            ? b->path + len + 7
            : NULL;
    bool near = name && table->fd >= 0 && !strchr(name, '/');
    struct stat st;

    if (fstatat(near ? table->fd : AT_FDCWD, near ? name : b->path, &st, 0) != 0)
        return;
    b->is_file = !S_ISDIR(st.st_mode);
    b->is_dir = S_ISDIR(st.st_mode);
    b->size = (uint64_t)st.st_size;
    b->atime = (double)st.st_atim.tv_sec + (double)st.st_atim.tv_nsec / 1e9;
    b->mtime = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
}

blob *hf__blob_get(blob_table *table, const char *path)
{
    /* All begin with the repo's path, which is most of them. */
    uint64_t hash = text_hash(
        strncmp(path, table->repo_path, table->repo_len) == 0 ? path + table->repo_len : path);
    size_t at;

    if (table->n * 2 >= table->n_slots && blobs_grow(table) != HF_OK)
        return NULL;
    at = (size_t)hash & (table->n_slots - 1);
    while (table->slots[at].path) {
        if (table->slots[at].hash == hash && strcmp(table->slots[at].path, path) == 0)
            return &table->slots[at];
        at = (at + 1) & (table->n_slots - 1);
    }
    table->slots[at].path = hf__arena_cstr(table->arena, path);
    if (!table->slots[at].path)
        return NULL;
    table->slots[at].hash = hash;
    table->n++;
    blob_look(table, &table->slots[at]);
    return &table->slots[at];
}
