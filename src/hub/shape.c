/* SPDX-License-Identifier: Apache-2.0 */
/* Reads answers into public structures by tables, see shape.h. */
#include "hub/shape.h"

#include "core/error.h"
#include "core/limits.h"
#include "hub/hub.h"

#include <stdalign.h>

/* Stands in front of every result that was given out. */
typedef struct result_head {
    alignas(max_align_t) hf__arena *arena;
} result_head;

static const hf__json *find(const hf__json *node, const char *path)
{
    char key[64];

    while (path && *path) {
        size_t len = strcspn(path, ".");

        HF__ASSERT(len < sizeof(key));
        memcpy(key, path, len);
        key[len] = '\0';
        node = hf__json_get(node, key);
        path += len + (path[len] == '.');
    }
    return node;
}

static const char *text_of(hf__arena *arena, const hf__json *node)
{
    return hf__arena_cstr(arena, hf__json_string(node));
}

static const char *raw_of(hf__arena *arena, const hf__json *node)
{
    const char *text = NULL;
    hf__buf buf;

    if (hf__json_is_null(node))
        return NULL;
    hf__buf_init(&buf, 2 * HF__MAX_JSON_BYTES);
    hf__json_add(&buf, node);
    if (buf.status == HF_OK)
        text = hf__arena_str(arena, hf__buf_str(&buf));
    else
        (void)hf__arena_array(arena, SIZE_MAX, 2); /* out of memory, remembered */
    hf__buf_dispose(&buf);
    return text;
}

static void read_strings(hf__arena *arena, const hf__json *array, const char *inner,
                         const char *const **out, size_t *n)
{
    size_t len = hf__json_is_array(array) ? hf__json_len(array) : 0;
    const char **list = hf__arena_array(arena, len + 1, sizeof(*list));

    *n = 0;
    for (size_t i = 0; list && i < len; i++) {
        const hf__json *item = hf__json_at(array, i);
        const char *text = inner ? hf__json_text(item, inner) : hf__json_string(item);

        if (text)
            list[(*n)++] = hf__arena_cstr(arena, text);
    }
    *out = list;
}

static hf_status read_list(const hf__shape *of, hf__arena *arena, hf_repo_type type,
                           const hf__json *array, const void **out, size_t *n, hf_error *err)
{
    size_t len = hf__json_is_array(array) ? hf__json_len(array) : 0;
    char *items = hf__arena_array(arena, len + 1, of->size);
    hf_status st = items ? HF_OK : hf__fail_nomem(err);

    for (size_t i = 0; st == HF_OK && i < len; i++)
        st = hf__shape_read(of, arena, type, hf__json_at(array, i), items + i * of->size, err);
    *out = items;
    *n = len;
    return st;
}

static hf_status read_field(const hf__field *f, hf__arena *arena, hf_repo_type type,
                            const hf__json *node, char *out, hf_error *err)
{
    const hf__json *member = find(node, f->path);
    const char *dot = f->path ? strrchr(f->path, '.') : NULL;
    const char *key = dot ? dot + 1 : f->path;
    const hf__json *parent = node;
    char *place = out + f->at;
    char *more = out + f->more;
    hf_repo_type named = type;

    if (dot) {
        char above[64];

        HF__ASSERT((size_t)(dot - f->path) < sizeof(above));
        memcpy(above, f->path, (size_t)(dot - f->path));
        above[dot - f->path] = '\0';
        parent = find(node, above);
    }
    switch (f->kind) {
    case HF__F_TEXT:
        if (!*(const char **)(void *)place)
            *(const char **)(void *)place = text_of(arena, member);
        return HF_OK;
    case HF__F_U64:
        (void)hf__json_u64(parent, key, (uint64_t *)(void *)place);
        return HF_OK;
    case HF__F_DOUBLE:
        (void)hf__json_double(parent, key, (double *)(void *)place);
        return HF_OK;
    case HF__F_BOOL:
        *(int *)(void *)place = hf__json_bool(parent, key, *(int *)(void *)place != 0);
        return HF_OK;
    case HF__F_TRUE_TEXT:
        *(int *)(void *)place = hf__json_string(member) != NULL;
        return HF_OK;
    case HF__F_TYPE:
        if (f->path)
            (void)hf__repo_type_parse(hf__json_str(member), &named);
        *(hf_repo_type *)(void *)place = named;
        return HF_OK;
    case HF__F_STRS:
        read_strings(arena, member, f->inner, (const char *const **)(void *)place,
                     (size_t *)(void *)more);
        return HF_OK;
    case HF__F_LIST:
        return read_list(f->of, arena, type, member, (const void **)(void *)place,
                         (size_t *)(void *)more, err);
    case HF__F_JSON:
        *(const char **)(void *)place = raw_of(arena, member);
        return HF_OK;
    }
    return HF_OK;
}

hf_status hf__shape_read(const hf__shape *shape, hf__arena *arena, hf_repo_type type,
                         const hf__json *node, void *out, hf_error *err)
{
    hf_status st = HF_OK;

    if (!hf__json_is_object(node))
        return hf__fail(err, HF_ERR_PROTOCOL, "the answer is not the %s", shape->what);
    if (shape->required && hf__json_is_null(find(node, shape->required)))
        return hf__fail(err, HF_ERR_PROTOCOL, "the %s lacks '%s'", shape->what, shape->required);
    for (const hf__field *f = shape->fields; st == HF_OK && f->kind; f++)
        st = read_field(f, arena, type, node, out, err);
    if (st == HF_OK && hf__arena_failed(arena))
        st = hf__fail_nomem(err);
    return st;
}

hf_status hf__shape_result(const hf__shape *shape, hf_repo_type type, const hf__json *node,
                           void **out, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    result_head *head = arena ? hf__arena_alloc(arena, sizeof(*head) + shape->size) : NULL;
    hf_status st;

    if (!head) {
        hf__arena_free(arena);
        return hf__fail_nomem(err);
    }
    head->arena = arena;
    st = hf__shape_read(shape, arena, type, node, head + 1, err);
    if (st == HF_OK)
        *out = head + 1;
    else
        hf__arena_free(arena);
    return st;
}

void hf__result_free(void *result)
{
    if (result)
        hf__arena_free(((result_head *)result - 1)->arena);
}
