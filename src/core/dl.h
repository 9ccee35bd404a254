/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that are loaded when first needed. Linking libcurl and libcrypto outright costs every
 * start of the command 8 ms and 7 MB of dynamic loading, also for those that never open a
 * connection.
 */
#ifndef HF_CORE_DL_H
#define HF_CORE_DL_H

#include <hfhub/hfhub.h>
#include <stddef.h>

typedef struct hf__dl_sym {
    const char *name;
    size_t offset; /* of the function pointer in the table */
} hf__dl_sym;

/* Opens the first of sonames (NULL-terminated) that exists and fills the table. The library stays
 * loaded. HF_ERR_UNSUPPORTED when none is there or a symbol is missing; the message names package
 * `hint`. */
hf_status hf__dl_load(const char *const *sonames, const hf__dl_sym *syms, size_t n_syms,
                      void *table, const char *hint, hf_error *err);

#endif
