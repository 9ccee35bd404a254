/* SPDX-License-Identifier: Apache-2.0 */
/* What the SHA instructions compute, beside vectors of FIPS 180-4 and beside OpenSSL. */
#include "core/sha256.h"

#include "unit.h"

#include <stdlib.h>

#define BYTES 5000

static void pattern(uint8_t *bytes, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 167 + i / 251 + seed);
}

static void expect_same(hf__sha256 *s, const uint8_t *bytes, size_t len)
{
    char wanted[HF__HASH_HEX_MAX + 1];
    char got[HF__HASH_HEX_MAX + 1];

    assert_int_equal(
        hf__hash_text(HF__HASH_SHA256, (hf__str){ (const char *)bytes, len }, wanted, NULL), HF_OK);
    hf__sha256_end(s, got);
    assert_string_equal(got, wanted);
}

void test_sha256__vectors_of_the_standard(void **state)
{
    static const struct {
        const char *text, *hash;
    } vectors[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };

    (void)state;
    if (!hf__sha256_can_pair())
        skip();
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char got[HF__HASH_HEX_MAX + 1];
        hf__sha256 s;

        hf__sha256_init(&s);
        hf__sha256_add(&s, vectors[i].text, strlen(vectors[i].text));
        hf__sha256_end(&s, got);
        assert_string_equal(got, vectors[i].hash);
    }
}

void test_sha256__every_length_around_two_blocks(void **state)
{
    uint8_t bytes[200];

    (void)state;
    if (!hf__sha256_can_pair())
        skip();
    pattern(bytes, sizeof bytes, 1);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        hf__sha256 s;

        hf__sha256_init(&s);
        for (size_t at = 0; at < len; at += 7)
            hf__sha256_add(&s, bytes + at, len - at < 7 ? len - at : 7);
        expect_same(&s, bytes, len);
    }
}

void test_sha256__two_at_once_are_what_they_are_alone(void **state)
{
    uint8_t *a = malloc(2 * BYTES);
    uint8_t *b = a + BYTES;

    (void)state;
    if (!hf__sha256_can_pair()) {
        free(a);
        skip();
    }
    pattern(a, BYTES, 3);
    pattern(b, BYTES, 77);
    for (size_t len = 0; len + 200 <= BYTES; len += 61) {
        for (size_t before = 0; before <= 128; before += 32) {
            hf__sha256 x;
            hf__sha256 y;

            hf__sha256_init(&x);
            hf__sha256_init(&y);
            hf__sha256_add(&x, a, before); /* off the block of the other */
            hf__sha256_add_two(&x, a + before, &y, b, len);
            hf__sha256_add(&y, b + len, 9);
            expect_same(&x, a, before + len);
            expect_same(&y, b, len + 9);
        }
    }
    free(a);
}
