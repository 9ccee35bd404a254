/* SPDX-License-Identifier: Apache-2.0 */
/* Environment variables by the rules of the Python client (cache.md 1.1). */
#ifndef HF_CORE_ENV_H
#define HF_CORE_ENV_H

#include "core/buf.h"

const char *hf__env_get(const char *name);          /* NULL when unset; may be "" */
const char *hf__env_get_nonempty(const char *name); /* NULL when unset or "" */
bool hf__env_truthy(const char *value); /* "1", "ON", "YES", "TRUE" in any case; NULL is false */
/* Whole seconds, Python's int(); HF_ERR_INVALID_ARG names the variable. Unset and 0
 * give fallback. */
hf_status hf__env_int(const char *name, uint32_t fallback, uint32_t *out, hf_error *err);
/* "~", "~user", $NAME and ${NAME}; unknown names stay as they are. */
void hf__env_expand_path(hf__buf *out, const char *path);

#endif
