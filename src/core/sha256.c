/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS 180-4, by the SHA instructions of x86. */
#include "core/sha256.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

bool hf__sha256_can_pair(void)
{
    unsigned a, b, c, d;
    bool sse = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3) && (c & bit_SSE4_1);

    return sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* The eight words of a state, in the two halves that the instructions take. */
typedef struct halves {
    __m128i abef;
    __m128i cdgh;
} halves;

WITH_SHA static inline halves load_state(const uint32_t state[8])
{
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
    __m128i hgfe =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);

    return (halves){ _mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0) };
}

WITH_SHA static inline void store_state(uint32_t state[8], halves h)
{
    __m128i feba = _mm_shuffle_epi32(h.abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(h.cdgh, 0xb1);

    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

WITH_SHA static inline void load_block(__m128i words[4], const uint8_t *from)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

    for (int i = 0; i < 4; i++)
        words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(from + 16 * i)),
                                    big_endian);
}

/* Rounds 4i to 4i+3, and the words of the four that come sixteen later. */
WITH_SHA static inline void four_rounds(halves *h, __m128i words[4], int i)
{
    __m128i *now = &words[i & 3];
    __m128i last = words[(i + 3) & 3];
    __m128i sum = _mm_add_epi32(
        *now, _mm_loadu_si128((const __m128i *)(const void *)(round_constants + 4 * i)));

    h->cdgh = _mm_sha256rnds2_epu32(h->cdgh, h->abef, sum);
    h->abef = _mm_sha256rnds2_epu32(h->abef, h->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (i < 12) {
        __m128i next = _mm_sha256msg1_epu32(*now, words[(i + 1) & 3]);

        next = _mm_add_epi32(next, _mm_alignr_epi8(last, words[(i + 2) & 3], 4));
        *now = _mm_sha256msg2_epu32(next, last);
    }
}

static inline halves plus(halves x, halves y)
{
    return (halves){ _mm_add_epi32(x.abef, y.abef), _mm_add_epi32(x.cdgh, y.cdgh) };
}

WITH_SHA static void add_blocks(uint32_t state[8], const uint8_t *bytes, size_t n)
{
    halves h = load_state(state);

    for (; n > 0; n--, bytes += 64) {
        halves before = h;
        __m128i words[4];

        load_block(words, bytes);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            four_rounds(&h, words, i);
        h = plus(h, before);
    }
    store_state(state, h);
}

WITH_SHA static void add_blocks_two(uint32_t a_state[8], const uint8_t *a, uint32_t b_state[8],
                                    const uint8_t *b, size_t n)
{
    halves x = load_state(a_state);
    halves y = load_state(b_state);

    for (; n > 0; n--, a += 64, b += 64) {
        halves x_before = x;
        halves y_before = y;
        __m128i x_words[4];
        __m128i y_words[4];

        load_block(x_words, a);
        load_block(y_words, b);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            four_rounds(&x, x_words, i);
            four_rounds(&y, y_words, i);
        }
        x = plus(x, x_before);
        y = plus(y, y_before);
    }
    store_state(a_state, x);
    store_state(b_state, y);
}

#else

bool hf__sha256_can_pair(void)
{
    return false;
}

static void add_blocks(uint32_t state[8], const uint8_t *bytes, size_t n)
{
    (void)state;
    (void)bytes;
    (void)n;
    HF__ASSERT(false);
}

static void add_blocks_two(uint32_t a_state[8], const uint8_t *a, uint32_t b_state[8],
                           const uint8_t *b, size_t n)
{
    (void)b_state;
    (void)b;
    add_blocks(a_state, a, n);
}

#endif

void hf__sha256_init(hf__sha256 *s)
{
    static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    memcpy(s->state, first, sizeof(first));
    s->len = 0;
}

void hf__sha256_add(hf__sha256 *s, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    size_t have = (size_t)(s->len % 64);

    s->len += len;
    if (have > 0) {
        size_t n = 64 - have < len ? 64 - have : len;

        memcpy(s->block + have, from, n);
        from += n;
        len -= n;
        if (have + n < 64)
            return;
        add_blocks(s->state, s->block, 1);
    }
    add_blocks(s->state, from, len / 64);
    memcpy(s->block, from + len / 64 * 64, len % 64);
}

void hf__sha256_add_two(hf__sha256 *a, const void *a_bytes, hf__sha256 *b, const void *b_bytes,
                        size_t len)
{
    size_t whole = (a->len | b->len) % 64 == 0 ? len / 64 * 64 : 0;

    add_blocks_two(a->state, a_bytes, b->state, b_bytes, whole / 64);
    a->len += whole;
    b->len += whole;
    hf__sha256_add(a, (const uint8_t *)a_bytes + whole, len - whole);
    hf__sha256_add(b, (const uint8_t *)b_bytes + whole, len - whole);
}

void hf__sha256_end(hf__sha256 *s, char out[HF__HASH_HEX_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    static const uint8_t padding[64] = { 0x80 };
    uint64_t bits = s->len * 8;
    uint8_t length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    hf__sha256_add(s, padding, 1 + (119 - s->len % 64) % 64);
    hf__sha256_add(s, length, sizeof(length));
    for (int i = 0; i < 64; i++)
        out[i] = digits[s->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    out[64] = '\0';
}
