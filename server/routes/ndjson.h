/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of JSON as they come, for a commit's body. The one long member of a line, value.content, is
 * kept out of the document: of a file of 10 MB its base64 and nothing more is in memory.
 */
#ifndef SRV_ROUTES_NDJSON_H
#define SRV_ROUTES_NDJSON_H

#include "core/buf.h"
#include "core/json.h"

typedef struct srv_ndjson srv_ndjson;

/* One line. raw is value.content as it stood between its quotes, escapes and all; a NULL ptr when
 * the line has none, and `content` is "" in the document then. Borrowed. */
typedef hf_status srv_line_fn(void *user, const hf__json *line, hf__str raw, hf_error *err);

/* max_content is for raw. NULL: no memory. */
srv_ndjson *srv_ndjson_new(size_t max_content, srv_line_fn *fn, void *user);
/* HF_ERR_PROTOCOL for what is no JSON, HF_ERR_LIMIT for a line that is too long, or what fn said. */
hf_status srv_ndjson_feed(srv_ndjson *nd, const char *bytes, size_t len, hf_error *err);
/* The last line may lack its newline. */
hf_status srv_ndjson_end(srv_ndjson *nd, hf_error *err);
void srv_ndjson_free(srv_ndjson *nd); /* NULL allowed */

#endif
