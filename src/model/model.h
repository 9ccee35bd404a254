/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: what a repo id, a revision, a path in a repo and an etag are: values, parsed, checked and
 * written. It does not know where they come from, nor any URL, JSON, directory or socket. Called by
 * cache, hub, cas, transfer and api.
 */
#ifndef HF_MODEL_MODEL_H
#define HF_MODEL_MODEL_H

#include "core/buf.h"

#include <hfhub/hfhub.h>

/* ---- repo type and id */

const char *hf__repo_type_name(hf_repo_type type); /* "model"; NULL for a number that is none */
/* "models", the word in API URLs and cache folder names. */
const char *hf__repo_type_plural(hf_repo_type type);
bool hf__repo_type_parse(hf__str text, hf_repo_type *out); /* singular and plural */

/* The Python client's rule (hub-http.md 1.2, cache.md 5.1). The message says which part of it is
 * broken. */
hf_status hf__repo_id_check(const char *id, hf_error *err);

/* Checks type, id and revision of what a caller passed. NULL revision is fine. */
hf_status hf__repo_ref_check(const hf_repo_ref *repo, hf_error *err);

/* ---- revision */

bool hf__is_commit(const char *revision); /* exactly 40 lower-case hex digits (cache.md 5.2) */
const char *hf__revision_or_main(const hf_repo_ref *repo);

/* ---- path in a repo */

/* Refuses what must never be created below a directory: empty, absolute, "..", ".", empty
 * component, backslash, drive or UNC prefix, a component ".git" in any case, control characters,
 * invalid UTF-8, too long a whole or component. HF_ERR_UNSAFE_PATH with the defused name. Rule:
 * cache.md 5.4, and stricter where that only hurts an attacker. */
hf_status hf__repo_path_check(const char *path, hf_error *err);

/* subfolder + "/" + path, checked. */
hf_status hf__repo_path_join(hf__buf *out, const char *subfolder, const char *path, hf_error *err);

/* ---- etag */

typedef struct hf__etag {
    char text[201]; /* normalised; empty when unknown */
} hf__etag;

/* Strips W/ and quotes (cache.md 5.3), then refuses what cannot be a file name. false: unusable. */
bool hf__etag_parse(hf__etag *out, hf__str header_value);
bool hf__etag_is_sha256(const hf__etag *etag);
bool hf__etag_is_sha1(const hf__etag *etag);

/* ---- one file of a repo, as a listing or a HEAD describes it; text is owned by whoever made the
 * entry */

typedef struct hf__entry {
    const char *path;
    bool is_directory;
    uint64_t size;          /* of the content */
    const char *oid;        /* git id of what git stores */
    const char *lfs_sha256; /* NULL: no LFS file */
    uint64_t lfs_size;
    const char *xet_hash; /* NULL: not in Xet storage */
} hf__entry;

/* The blob name of the file: lfs_sha256, else oid (hub-http.md 2.3 "etag meaning"). */
const char *hf__entry_etag(const hf__entry *entry);

/* ---- patterns (cache.md 15) */

bool hf__glob_match(const char *pattern, const char *path);
/* allow NULL: everything passes; empty allow: nothing does. */
bool hf__glob_filter(const char *path, const char *const *allow, size_t n_allow,
                     const char *const *ignore, size_t n_ignore);

/* ---- hf:// URIs and web URLs (hub-http.md 1.5) */

typedef struct hf__uri {
    hf_repo_type type;
    bool is_bucket;
    char id[200];
    char revision[513]; /* empty: none given */
    char path[2049];    /* empty: none given; a trailing '/' is kept */
} hf__uri;

hf_status hf__uri_parse(hf__uri *out, const char *text, hf_error *err);

#endif
