/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, by Jansson, with the limits that hostile input needs: depth and size are checked before a
 * tree is built. Getters are total: a member that is absent or of another type gives the fallback,
 * since every field of an answer is optional to us unless the caller says otherwise.
 */
#ifndef HF_CORE_JSON_H
#define HF_CORE_JSON_H

#include "core/buf.h"

typedef struct hf__json hf__json; /* a document or a borrowed node of one */

/* HF_ERR_PROTOCOL for malformed text (what says what it was, "tree listing"), HF_ERR_LIMIT when it
 * is deeper than HF__MAX_JSON_DEPTH, larger than HF__MAX_JSON_BYTES or has more than
 * HF__MAX_JSON_VALUES. */
hf_status hf__json_parse(hf__str text, const char *what, hf__json **out, hf_error *err);
void hf__json_free(hf__json *doc); /* documents only; NULL allowed */

bool hf__json_is_object(const hf__json *node);
bool hf__json_is_array(const hf__json *node);
bool hf__json_is_string(const hf__json *node);
bool hf__json_is_null(const hf__json *node); /* also for NULL */

const hf__json *hf__json_get(const hf__json *object, const char *key); /* NULL when absent */
size_t hf__json_len(const hf__json *array_or_object);
const hf__json *hf__json_at(const hf__json *array, size_t index);

/* Walk an object: start with iter NULL; returns the next iter, NULL at the end. */
void *hf__json_next(const hf__json *object, void *iter, const char **key, const hf__json **value);

/* Text is borrowed from the document; NULL when absent, no string, or holding a NUL. */
const char *hf__json_text(const hf__json *object, const char *key);
const char *hf__json_string(const hf__json *node);
/* With its length, NUL inside and all; NULL ptr when no string. */
hf__str hf__json_str(const hf__json *node);
bool hf__json_u64(const hf__json *object, const char *key,
                  uint64_t *out); /* false: absent, negative, no integer */
bool hf__json_bool(const hf__json *object, const char *key, bool fallback);

bool hf__json_double(const hf__json *object, const char *key, double *out); /* any number */

/* Adds the text of a node, on one line, members in their order. */
void hf__json_add(hf__buf *out, const hf__json *node);

/* Writing: text for a string in JSON with quotes; non-ASCII becomes \uXXXX as Python's
 * json does. */
void hf__json_add_string(hf__buf *out, hf__str text);

#endif
