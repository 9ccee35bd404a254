/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648, both alphabets, with padding. */
#ifndef HF_CORE_BASE64_H
#define HF_CORE_BASE64_H

#include "core/buf.h"

typedef enum hf__base64_alphabet { HF__BASE64_STANDARD, HF__BASE64_URL } hf__base64_alphabet;

void hf__base64_add(hf__buf *out, hf__base64_alphabet alphabet, const void *bytes, size_t len);
/* false when text is not valid; padding may be absent. */
bool hf__base64_decode(hf__buf *out, hf__base64_alphabet alphabet, hf__str text);

#endif
