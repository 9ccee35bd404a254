/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hash.h"

#include "core/dl.h"
#include "core/error.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(X)                                                                               \
    X(EVP_MD_CTX *, EVP_MD_CTX_new, (void))                                                        \
    X(void, EVP_MD_CTX_free, (EVP_MD_CTX *))                                                       \
    X(int, EVP_MD_CTX_copy_ex, (EVP_MD_CTX *, const EVP_MD_CTX *))                                 \
    X(int, EVP_DigestInit_ex, (EVP_MD_CTX *, const EVP_MD *, ENGINE *))                            \
    X(int, EVP_DigestUpdate, (EVP_MD_CTX *, const void *, size_t))                                 \
    X(int, EVP_DigestFinal_ex, (EVP_MD_CTX *, unsigned char *, unsigned int *))                    \
    X(const EVP_MD *, EVP_sha256, (void))                                                          \
    X(const EVP_MD *, EVP_sha1, (void))

typedef struct crypto_api {
#define MEMBER(result, name, args) result(*name) args;
    FUNCTIONS(MEMBER)
#undef MEMBER
} crypto_api;

/* The one state of the process that core keeps: which shared library is loaded is a fact of the
 * process. */
static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static crypto_api crypto;
static hf_status load_status;
static hf_error load_error = HF_ERROR_INIT;

static void load(void)
{
    static const char *const sonames[] = { "libcrypto.so.3", "libcrypto.so.1.1", NULL };
    static const hf__dl_sym syms[] = {
#define SYMBOL(result, name, args) { #name, offsetof(crypto_api, name) },
        FUNCTIONS(SYMBOL)
#undef SYMBOL
    };

    load_status = hf__dl_load(sonames, syms, HF__COUNT(syms), &crypto,
                              "OpenSSL's libcrypto (libssl3)", &load_error);
}

struct hf__hash {
    EVP_MD_CTX *ctx;
    bool broken;
};

hf_status hf__hash_new(hf__hash_kind kind, uint64_t content_size, hf__hash **out, hf_error *err)
{
    hf__hash *hash;
    char head[32];

    pthread_once(&load_once, load);
    if (load_status != HF_OK) {
        hf__error_copy(err, &load_error);
        return load_status;
    }
    hash = calloc(1, sizeof(*hash));
    if (!hash)
        return hf__fail_nomem(err);
    hash->ctx = crypto.EVP_MD_CTX_new();
    if (!hash->ctx) {
        free(hash);
        return hf__fail_nomem(err);
    }
    if (!crypto.EVP_DigestInit_ex(
            hash->ctx, kind == HF__HASH_SHA256 ? crypto.EVP_sha256() : crypto.EVP_sha1(), NULL)) {
        hf__hash_free(hash);
        return hf__fail(err, HF_ERR_UNSUPPORTED, "OpenSSL does not offer %s here",
                        kind == HF__HASH_SHA256 ? "SHA-256" : "SHA-1");
    }
    if (kind == HF__HASH_GIT_BLOB) {
        int len = snprintf(head, sizeof(head), "blob %llu", (unsigned long long)content_size);

        hf__hash_add(hash, head, (size_t)len + 1);
    }
    *out = hash;
    return HF_OK;
}

void hf__hash_add(hf__hash *hash, const void *bytes, size_t len)
{
    if (!crypto.EVP_DigestUpdate(hash->ctx, bytes, len))
        hash->broken = true;
}

static size_t finish(hf__hash *hash, uint8_t raw[EVP_MAX_MD_SIZE])
{
    unsigned len = 0;

    if (!crypto.EVP_DigestFinal_ex(hash->ctx, raw, &len) || hash->broken)
        return 0;
    return len;
}

void hf__hash_end(hf__hash *hash, char out[HF__HASH_HEX_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[EVP_MAX_MD_SIZE];
    size_t len = finish(hash, raw);

    HF__ASSERT(len * 2 <= HF__HASH_HEX_MAX);
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * len] = '\0'; /* a broken hash is empty text, which equals no expected one */
}

bool hf__hash_end_raw(hf__hash *hash, uint8_t out[32])
{
    uint8_t raw[EVP_MAX_MD_SIZE];

    if (finish(hash, raw) != 32)
        return false;
    memcpy(out, raw, 32);
    return true;
}

hf_status hf__hash_dup(const hf__hash *hash, hf__hash **out, hf_error *err)
{
    hf__hash *copy = calloc(1, sizeof(*copy));

    if (!copy)
        return hf__fail_nomem(err);
    copy->ctx = crypto.EVP_MD_CTX_new();
    copy->broken = hash->broken;
    if (!copy->ctx || !crypto.EVP_MD_CTX_copy_ex(copy->ctx, hash->ctx)) {
        hf__hash_free(copy);
        return hf__fail_nomem(err);
    }
    *out = copy;
    return HF_OK;
}

void hf__hash_free(hf__hash *hash)
{
    if (!hash)
        return;
    crypto.EVP_MD_CTX_free(hash->ctx);
    free(hash);
}

static hf_status fail_broken(hf_error *err)
{
    return hf__fail(err, HF_ERR_INTERNAL, "OpenSSL failed to compute a hash");
}

hf_status hf__hash_text(hf__hash_kind kind, hf__str text, char out[HF__HASH_HEX_MAX + 1],
                        hf_error *err)
{
    hf__hash *hash;
    hf_status st = hf__hash_new(kind, text.len, &hash, err);

    if (st != HF_OK)
        return st;
    hf__hash_add(hash, text.ptr, text.len);
    hf__hash_end(hash, out);
    hf__hash_free(hash);
    return out[0] ? HF_OK : fail_broken(err);
}

/* Hash of two pieces, one after the other. */
static hf_status hash_pieces(hf__hash_kind kind, hf__str first, hf__str second, uint8_t out[32],
                             size_t *out_len, hf_error *err)
{
    uint8_t raw[EVP_MAX_MD_SIZE];
    hf__hash *hash;
    hf_status st = hf__hash_new(kind, first.len + second.len, &hash, err);
    size_t len;

    if (st != HF_OK)
        return st;
    hf__hash_add(hash, first.ptr, first.len);
    hf__hash_add(hash, second.ptr, second.len);
    len = finish(hash, raw);
    hf__hash_free(hash);
    if (len == 0)
        return fail_broken(err);
    memcpy(out, raw, len);
    *out_len = len;
    return HF_OK;
}

hf_status hf__hash_raw(hf__hash_kind kind, const void *bytes, size_t len, uint8_t out[32],
                       size_t *out_len, hf_error *err)
{
    return hash_pieces(kind, (hf__str){ bytes, len }, (hf__str){ NULL, 0 }, out, out_len, err);
}

/* RFC 2104. */
hf_status hf__hmac_sha256(hf__str key, hf__str bytes, uint8_t out[32], hf_error *err)
{
    uint8_t block[64] = { 0 };
    char inner[64];
    char outer[64];
    uint8_t digest[32];
    size_t len = 0;
    hf_status st = HF_OK;

    if (key.len > sizeof(block))
        st = hf__hash_raw(HF__HASH_SHA256, key.ptr, key.len, block, &len, err);
    else if (key.len)
        memcpy(block, key.ptr, key.len);
    for (size_t i = 0; i < sizeof(block); i++) {
        inner[i] = (char)(block[i] ^ 0x36);
        outer[i] = (char)(block[i] ^ 0x5c);
    }
    if (st == HF_OK)
        st = hash_pieces(HF__HASH_SHA256, (hf__str){ inner, sizeof(inner) }, bytes, digest, &len,
                         err);
    if (st == HF_OK)
        st = hash_pieces(HF__HASH_SHA256, (hf__str){ outer, sizeof(outer) },
                         (hf__str){ (const char *)digest, sizeof(digest) }, out, &len, err);
    return st;
}
