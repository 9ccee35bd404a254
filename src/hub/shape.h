/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: which member of an answer goes to which field of a public structure, as tables. One reader
 * fills them all. */
#ifndef HF_HUB_SHAPE_H
#define HF_HUB_SHAPE_H

#include "core/arena.h"
#include "core/json.h"

#include <hfhub/hfhub.h>

typedef struct hf__shape hf__shape;

typedef enum hf__field_kind {
    HF__F_TEXT = 1,  /* const char *; NULL stays when the member is absent or no text */
    HF__F_U64,       /* uint64_t */
    HF__F_DOUBLE,    /* double */
    HF__F_BOOL,      /* int */
    HF__F_TRUE_TEXT, /* int: whether the member is a text */
    HF__F_TYPE,      /* hf_repo_type: the text of the member, else that of the request */
    HF__F_STRS,      /* const char *const *, n at `more`; of objects the text of `inner` */
    HF__F_LIST,      /* const T *, n at `more`; items have the shape `of` */
    HF__F_JSON       /* const char *: text of the member; of the whole answer without a path */
} hf__field_kind;

typedef struct hf__field {
    const char *path; /* "author.name"; NULL ends the table unless kind is set */
    hf__field_kind kind;
    size_t at;
    size_t more;
    const char *inner;
    const hf__shape *of;
} hf__field;

struct hf__shape {
    size_t size;
    const char *what;     /* "description of a repo" */
    const char *required; /* text or number without which it is none; NULL: nothing is */
    const hf__field
        *fields; /* kind 0 ends it. A later row fills a field an earlier one could not */
};

/* Fills out, zeroed, from node. HF_ERR_PROTOCOL when node is no object or lacks what is required. */
hf_status hf__shape_read(const hf__shape *shape, hf__arena *arena, hf_repo_type type,
                         const hf__json *node, void *out, hf_error *err);

/* The same into a new object that owns an arena, to be freed with hf__result_free(). */
hf_status hf__shape_result(const hf__shape *shape, hf_repo_type type, const hf__json *node,
                           void **out, hf_error *err);

#endif
