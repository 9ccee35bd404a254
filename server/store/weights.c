/* SPDX-License-Identifier: Apache-2.0 */
/* How many parameters a model has: the heads of its safetensors files tell the shape of each tensor. */
#include "store/private.h"

#include "core/json.h"

#include <string.h>
#include <unistd.h>

#define MAX_HEAD   ((uint64_t)32 * 1024 * 1024)
#define MAX_SHARDS 500
#define MAX_KINDS  32

typedef struct weights {
    srv_git *git;
    struct {
        char name[16];
        uint64_t n;
    } kinds[MAX_KINDS]; /* by data type */
    size_t n_kinds;
    uint64_t total;
} weights;

/* The first bytes of a file, wherever it is kept. */
static bool read_at(weights *w, const srv_entry *entry, uint64_t offset, void *bytes, size_t len)
{
    hf_error err = HF_ERROR_INIT;
    srv_blob *blob = NULL;
    uint64_t size = 0;
    size_t got = 0;
    int fd = -1;

    if (entry->is_lfs) {
        if (srv_lfs_open(w->git->store, NULL, entry->sha256, &fd, &size, &err) != HF_OK)
            return false;
        while (got < len) {
            ssize_t n = pread(fd, (char *)bytes + got, len - got, (off_t)(offset + got));

            if (n <= 0)
                break;
            got += (size_t)n;
        }
        close(fd);
    } else if (srv_blob_open(w->git, entry->oid, &blob, &err) == HF_OK) {
        if (srv_blob_read(blob, offset, bytes, len, &got, &err) != HF_OK)
            got = 0;
        srv_blob_close(blob);
    }
    return got == len;
}

/* Product of a shape; false when it is none. */
static bool count_of(const hf__json *shape, uint64_t *out)
{
    *out = 1;
    if (!hf__json_is_array(shape))
        return false;
    for (size_t i = 0; i < hf__json_len(shape); i++) {
        uint64_t n = 0;
        hf__buf text;
        bool good;

        hf__buf_init(&text, 32);
        hf__json_add(&text, hf__json_at(shape, i));
        good = text.status == HF_OK && hf__str_to_u64(hf__buf_str(&text), &n) &&
               (n == 0 || *out <= INT64_MAX / n);
        hf__buf_dispose(&text);
        if (!good)
            return false;
        *out *= n;
    }
    return true;
}

static bool add_kind(weights *w, const char *name, uint64_t n)
{
    size_t i = 0;

    if (!name || !*name || strlen(name) >= sizeof(w->kinds[0].name) ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
        return false;
    while (i < w->n_kinds && strcmp(w->kinds[i].name, name) != 0)
        i++;
    if (i == MAX_KINDS || n > INT64_MAX - w->total)
        return false;
    if (i == w->n_kinds)
        memcpy(w->kinds[w->n_kinds++].name, name, strlen(name) + 1);
    w->kinds[i].n += n;
    w->total += n;
    return true;
}

static bool read_head(weights *w, hf__str text)
{
    const hf__json *tensor = NULL;
    hf_error err = HF_ERROR_INIT;
    const char *name = NULL;
    hf__json *doc = NULL;
    void *iter = NULL;
    uint64_t n;
    bool good = hf__json_parse(text, "safetensors", &doc, &err) == HF_OK && hf__json_is_object(doc);

    while (good && (iter = hf__json_next(doc, iter, &name, &tensor)) != NULL)
        if (strcmp(name, "__metadata__") != 0)
            good = count_of(hf__json_get(tensor, "shape"), &n) &&
                   add_kind(w, hf__json_text(tensor, "dtype"), n);
    hf__json_free(doc);
    return good;
}

static bool read_file(weights *w, const srv_entry *entry)
{
    unsigned char size[8];
    uint64_t len = 0;
    hf__buf text;
    char *room;
    bool good;

    if (!read_at(w, entry, 0, size, sizeof size))
        return false;
    for (size_t i = sizeof size; i-- > 0;)
        len = len << 8 | size[i];
    if (len > MAX_HEAD || len + 8 > entry->size)
        return false;
    hf__buf_init(&text, (size_t)len + 1);
    room = hf__buf_reserve(&text, (size_t)len);
    good = room && read_at(w, entry, 8, room, (size_t)len);
    if (good) {
        hf__buf_grew(&text, (size_t)len);
        good = read_head(w, hf__buf_str(&text));
    }
    hf__buf_dispose(&text);
    return good;
}

bool srv__weights(srv_git *git, const char *commit, hf__buf *json, uint64_t *total)
{
    hf_error err = HF_ERROR_INIT;
    const srv_entry *entry = NULL;
    srv_tree *tree = NULL;
    weights w = { .git = git };
    size_t n = 0;
    hf__arena *arena = hf__arena_new();
    bool good =
        arena && srv_tree_open(git, commit, HF__STR(""), SRV_TREE_FILES_ONLY | SRV_TREE_NAMES_ONLY,
                               HF__STR(""), &tree, &err) == HF_OK;

    while (good && srv_tree_next(tree, &entry, &err) == HF_OK && entry && n <= MAX_SHARDS)
        if (hf__str_ends(hf__str_from(entry->path), HF__STR(".safetensors"))) {
            srv_entry shard; /* with its size, which takes a look at the blob */

            n++;
            good = srv_git_entry(git, commit, hf__str_from(entry->path), arena, &shard, &err) ==
                       HF_OK &&
                   read_file(&w, &shard);
        }
    srv_tree_close(tree);
    hf__arena_free(arena);
    if (!good || n == 0 || n > MAX_SHARDS)
        return false;
    hf__buf_adds(json, "{\"parameters\":{");
    for (size_t i = 0; i < w.n_kinds; i++)
        hf__buf_addf(json, "%s\"%s\":%llu", i ? "," : "", w.kinds[i].name,
                     (unsigned long long)w.kinds[i].n);
    hf__buf_addf(json, "},\"total\":%llu}", (unsigned long long)w.total);
    *total = w.total;
    return json->status == HF_OK;
}
