/* SPDX-License-Identifier: Apache-2.0 */
/* A folder on disk becomes a commit. Knows the file system and the store; prints nothing. */
#ifndef SRV_IMPORT_H
#define SRV_IMPORT_H

#include "store/store.h"

#define SRV_IMPORT_THRESHOLD ((uint64_t)10 * 1024 * 1024)

typedef struct srv_import_spec {
    srv_repo_type type;
    const char *id;
    const char *dir;
    const char *revision; /* branch, or refs/pr/N and the like; NULL: main; made when absent */
    const char *title;    /* of the commit; NULL: a default */
    uint64_t threshold;   /* files above it are LFS whatever their name */
    bool mirror;          /* delete what dir does not have */
    bool set_private;     /* settings of the repo, also when it exists already */
    bool set_gated;
    srv_gated gated;
} srv_import_spec;

typedef struct srv_import_result {
    char commit[SRV_OID_HEX + 1];
    bool made; /* false: nothing changed */
    size_t n_files;
    size_t n_lfs;
    uint64_t bytes;
    const srv_repo *repo; /* in the arena */
} srv_import_result;

hf_status srv_import_run(srv_store *store, const srv_import_spec *spec, hf__arena *arena,
                         srv_import_result *out, hf_error *err);

#endif
