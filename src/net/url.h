/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as text: taking them apart, comparing origins, joining redirects. Private to net. */
#ifndef HF_NET_URL_H
#define HF_NET_URL_H

#include "core/buf.h"

/* A checked http or https URL; the pieces point into its text. */
typedef struct hf__url {
    bool https;
    hf__str host; /* as written; an IPv6 address with its brackets */
    uint16_t port;
    hf__str authority; /* host and port as written */
    hf__str path;      /* empty or from the first '/' */
    hf__str query;     /* empty or from '?' */
} hf__url;

/* False for other schemes, user names, bad hosts or ports, blanks and control characters. */
bool hf__url_parse(const char *text, hf__url *out);

bool hf__url_same_origin(const hf__url *a, const hf__url *b);

/* "https://host:443", lower case, port always there. */
void hf__url_add_origin(const hf__url *url, hf__buf *out);

/* Writes the URL that `location` means when seen at `base` (RFC 3986, 5.2). The fragment goes; with
 * keep_query a location without a query inherits that of base. HF_ERR_PROTOCOL when the result is
 * no usable http or https URL, HF_ERR_TLS when it leads from https to http, HF_ERR_LIMIT when it is
 * too long. */
hf_status hf__url_join(const char *base, const char *location, bool keep_query, hf__buf *out);

#endif
