/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256, SHA-1 and git's blob hash, by OpenSSL's libcrypto, which is loaded at the first use: a
 * program that only looks into the cache does not pay for it. If it cannot be loaded, hf__hash_new
 * fails with HF_ERR_UNSUPPORTED and says what to install.
 */
#ifndef HF_CORE_HASH_H
#define HF_CORE_HASH_H

#include "core/str.h"

#include <hfhub/hfhub.h>

typedef enum hf__hash_kind {
    HF__HASH_SHA256 = 1,
    HF__HASH_SHA1 = 2,
    HF__HASH_GIT_BLOB = 3 /* SHA-1 over "blob <size>\0" and the content */
} hf__hash_kind;

#define HF__HASH_HEX_MAX 64

typedef struct hf__hash hf__hash;

/* content_size matters for HF__HASH_GIT_BLOB only, which starts with it. */
hf_status hf__hash_new(hf__hash_kind kind, uint64_t content_size, hf__hash **out, hf_error *err);
void hf__hash_add(hf__hash *hash, const void *bytes, size_t len);
/* Writes lower-case hex and a NUL, or empty text, which equals no hash, when OpenSSL failed; the
 * hash can only be freed afterwards. */
void hf__hash_end(hf__hash *hash, char out[HF__HASH_HEX_MAX + 1]);
/* The same, as bytes of SHA-256; false when OpenSSL failed. */
bool hf__hash_end_raw(hf__hash *hash, uint8_t out[32]);
/* Another hash that stands where this one stands: to look at the digest so far, or to come back. */
hf_status hf__hash_dup(const hf__hash *hash, hf__hash **out, hf_error *err);
void hf__hash_free(hf__hash *hash); /* NULL allowed */

/* All at once. */
hf_status hf__hash_text(hf__hash_kind kind, hf__str text, char out[HF__HASH_HEX_MAX + 1],
                        hf_error *err);
hf_status hf__hash_raw(hf__hash_kind kind, const void *bytes, size_t len, uint8_t out[32],
                       size_t *out_len, hf_error *err);
/* HMAC-SHA256 of bytes, for signed URLs; 32 bytes. */
hf_status hf__hmac_sha256(hf__str key, hf__str bytes, uint8_t out[32], hf_error *err);

#endif
