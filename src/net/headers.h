/* SPDX-License-Identifier: Apache-2.0 */
/* The header fields of one answer. Private to net. */
#ifndef HF_NET_HEADERS_H
#define HF_NET_HEADERS_H

#include "core/buf.h"
#include "net/net.h"

typedef struct hf__net_headers hf__net_headers;

hf__net_headers *hf__headers_new(void); /* NULL when out of memory */
void hf__headers_free(hf__net_headers *headers);
void hf__headers_reset(hf__net_headers *headers);

/* One field line, with or without its line end. HF_ERR_PROTOCOL for what is no field, HF_ERR_LIMIT
 * past HF__MAX_HEADER_BYTES. */
hf_status hf__headers_add_line(hf__net_headers *headers, hf__str line);

/* Walks the fields: *pos starts at 0. False at the end. */
bool hf__headers_next(const hf__net_headers *headers, size_t *pos, const char **name,
                      const char **value);

#endif
