/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a folder that is imported. */
#ifndef SRV_IMPORT_WALK_H
#define SRV_IMPORT_WALK_H

#include "core/arena.h"
#include "core/error.h"

typedef struct srv_import_file {
    hf__str path; /* below the folder */
    uint64_t size;
    bool executable;
} srv_import_file;

typedef struct srv_import_list {
    char *root;             /* resolved, in the arena */
    srv_import_file *files; /* by path, bytewise */
    size_t n;
    size_t cap;
} srv_import_list;

/* HF_ERR_UNSAFE_PATH for a link that leads out of the folder, for names no repo may have, for what
 * is no file. list is disposed by srv_import_list_dispose() in any case. */
hf_status srv_import_walk(const char *dir, hf__arena *arena, srv_import_list *list, hf_error *err);
void srv_import_list_dispose(srv_import_list *list);
/* Opens one, and makes sure by what the kernel says that it lies in the folder. */
hf_status srv_import_open(const srv_import_list *list, const srv_import_file *file, int *fd,
                          hf_error *err);

#endif
