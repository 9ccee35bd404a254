/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hash.h"

#include "unit.h"

#include <pthread.h>

/* FIPS 180 examples; the blob ids are what `git hash-object` prints. */
static const struct {
    hf__hash_kind kind;
    const char *text;
    const char *hex;
} vectors[] = {
    { HF__HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { HF__HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { HF__HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { HF__HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
    { HF__HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { HF__HASH_GIT_BLOB, "", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" },
    { HF__HASH_GIT_BLOB, "hello\n", "ce013625030ba8dba906f756967f9e9ca394464a" },
};

void test_hash__known_answers(void **state)
{
    char hex[HF__HASH_HEX_MAX + 1];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_int_equal(hf__hash_text(vectors[i].kind, hf__str_from(vectors[i].text), hex, NULL),
                         HF_OK);
        assert_string_equal(hex, vectors[i].hex);
    }
}

void test_hash__a_million_in_uneven_pieces(void **state)
{
    static const struct {
        hf__hash_kind kind;
        const char *hex;
    } cases[] = {
        { HF__HASH_SHA256, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
        { HF__HASH_SHA1, "34aa973cd4c4daa4f61eeb2bdbad27316534016f" },
        { HF__HASH_GIT_BLOB, "de1fbf0c2f34f67f01f355f31ed0cf7319643c5e" },
    };
    char piece[4099];
    size_t i;

    (void)state;
    memset(piece, 'a', sizeof piece);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hex[HF__HASH_HEX_MAX + 1];
        hf__hash *hash;
        size_t left = 1000000, n = 0;

        assert_int_equal(hf__hash_new(cases[i].kind, 1000000, &hash, NULL), HF_OK);
        while (left) {
            n = (n + 61) % sizeof piece; /* 0 among them */
            n = n > left ? left : n;
            hf__hash_add(hash, piece, n);
            left -= n;
        }
        hf__hash_end(hash, hex);
        hf__hash_free(hash);
        assert_string_equal(hex, cases[i].hex);
    }
    hf__hash_free(NULL);
}

void test_hash__adding_nothing_changes_nothing(void **state)
{
    char hex[HF__HASH_HEX_MAX + 1];
    hf__hash *hash;

    (void)state;
    assert_int_equal(hf__hash_new(HF__HASH_SHA256, 0, &hash, NULL), HF_OK);
    hf__hash_add(hash, NULL, 0);
    hf__hash_add(hash, "abc", 3);
    hf__hash_add(hash, "x", 0);
    hf__hash_end(hash, hex);
    hf__hash_free(hash);
    assert_string_equal(hex, vectors[1].hex);
}

void test_hash__raw_bytes(void **state)
{
    static const uint8_t sha1_of_abc[20] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81,
                                             0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
                                             0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
    uint8_t raw[32];
    size_t len = 0;

    (void)state;
    assert_int_equal(hf__hash_raw(HF__HASH_SHA1, "abc", 3, raw, &len, NULL), HF_OK);
    assert_int_equal(len, 20);
    assert_memory_equal(raw, sha1_of_abc, 20);
    assert_int_equal(hf__hash_raw(HF__HASH_SHA256, "abc", 3, raw, &len, NULL), HF_OK);
    assert_int_equal(len, 32);
    assert_int_equal(raw[0], 0xba);
    assert_int_equal(raw[31], 0xad);
}

void test_hash__hmac(void **state)
{
    /* RFC 4231, cases 1, 2, 3, 6; and HMAC of nothing under no key. */
    static const struct {
        char key_byte;
        size_t key_len;
        const char *key, *data, *hex;
    } cases[] = {
        { 0x0b, 20, NULL, "Hi There",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { 0, 4, "Jefe", "what do ya want for nothing?",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { (char)0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
        { 0, 0, "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char key[131], hex[65];
        uint8_t mac[32];
        size_t k;

        memset(key, cases[i].key_byte, sizeof key);
        assert_int_equal(
            hf__hmac_sha256((hf__str){ cases[i].key ? cases[i].key : key, cases[i].key_len },
                            hf__str_from(cases[i].data), mac, NULL),
            HF_OK);
        for (k = 0; k < 32; k++)
            snprintf(hex + 2 * k, 3, "%02x", mac[k]);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void *hash_on_a_thread(void *arg)
{
    char hex[HF__HASH_HEX_MAX + 1];
    int i;

    for (i = 0; i < 200; i++)
        if (hf__hash_text(HF__HASH_SHA256, HF__STR("abc"), hex, NULL) != HF_OK ||
            strcmp(hex, vectors[1].hex) != 0)
            return arg;
    return NULL;
}

void test_hash__first_use_by_many_threads(void **state)
{
    pthread_t threads[8];
    size_t i;

    (void)state;
    for (i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_on_a_thread, threads), 0);
    for (i = 0; i < 8; i++) {
        void *bad = NULL;

        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
}
