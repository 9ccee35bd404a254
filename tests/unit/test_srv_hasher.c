/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are hashed side by side: each has the hash that OpenSSL gives the whole of it. */
#include "srv_unit.h"

#include "store/private.h"

#include "core/hash.h"

#include <pthread.h>
#include <stdlib.h>

#define STREAMS 5

typedef struct body {
    srv__hasher *hasher;
    pthread_t thread;
    size_t len;
    bool dropped; /* in the middle */
    char *bytes;
    char hex[HF__HASH_HEX_MAX + 1];
} body;

static body body_new(srv__hasher *hasher, size_t len, unsigned seed)
{
    body b = { .hasher = hasher, .len = len, .bytes = malloc(len + 1) };

    assert_non_null(b.bytes);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        b.bytes[i] = (char)(seed >> 24);
    }
    return b;
}

static void body_free(body *b)
{
    char want[HF__HASH_HEX_MAX + 1];

    if (!b->dropped) {
        assert_int_equal(hf__hash_text(HF__HASH_SHA256, (hf__str){ b->bytes, b->len }, want, NULL),
                         HF_OK);
        assert_string_equal(b->hex, want);
    }
    free(b->bytes);
}

static void *bring(void *arg)
{
    body *b = arg;
    srv__stream *s = NULL;
    size_t at = 0;

    if (srv__stream_new(b->hasher, &s, NULL) != HF_OK)
        return NULL; /* the empty hash says it */
    for (; b->len - at >= SRV__BLOCK_BYTES; at += SRV__BLOCK_BYTES) {
        memcpy(srv__stream_block(s), b->bytes + at, SRV__BLOCK_BYTES);
        if (memcmp(srv__stream_put(s), b->bytes + at, SRV__BLOCK_BYTES) != 0)
            break;
    }
    if (!b->dropped) {
        memcpy(srv__stream_block(s), b->bytes + at, b->len - at);
        srv__stream_end(s, b->len - at, b->hex);
    }
    srv__stream_free(s);
    return NULL;
}

void test_srv_hasher__sizes(void **state)
{
    static const size_t sizes[] = { 0,
                                    1,
                                    SRV__BLOCK_BYTES - 1,
                                    SRV__BLOCK_BYTES,
                                    SRV__BLOCK_BYTES + 1,
                                    2 * SRV__BLOCK_BYTES,
                                    16 * SRV__BLOCK_BYTES,
                                    40 * SRV__BLOCK_BYTES + 77 };
    srv__hasher *hasher = NULL;

    (void)state;
    assert_int_equal(srv__hasher_new(&hasher, NULL), HF_OK);
    for (size_t i = 0; i < HF__COUNT(sizes); i++) {
        body b = body_new(hasher, sizes[i], (unsigned)i);

        (void)bring(&b);
        body_free(&b);
    }
    srv__hasher_free(hasher);
}

/* One of them goes away in the middle, and lengths differ, so that each is alone at some time. */
void test_srv_hasher__side_by_side(void **state)
{
    srv__hasher *hasher = NULL;
    body bodies[STREAMS];

    (void)state;
    assert_int_equal(srv__hasher_new(&hasher, NULL), HF_OK);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < STREAMS; i++) {
            bodies[i] = body_new(hasher, (24 + 20 * i) * SRV__BLOCK_BYTES + 1000 * i, i + round);
            bodies[i].dropped = i == round;
            assert_int_equal(pthread_create(&bodies[i].thread, NULL, bring, &bodies[i]), 0);
        }
        for (unsigned i = 0; i < STREAMS; i++) {
            assert_int_equal(pthread_join(bodies[i].thread, NULL), 0);
            body_free(&bodies[i]);
        }
    }
    srv__hasher_free(hasher);
}
