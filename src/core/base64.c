/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base64.h"

#include <string.h>

#define BAD 0xff

/* ---------------------------------------------------------------------------- sixteen digits at once */

#if defined(__has_builtin) && defined(__BYTE_ORDER__)
#if __has_builtin(__builtin_shufflevector) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ &&         \
    (defined(__x86_64__) || defined(__aarch64__))
#define WITH_VECTORS 1
#endif
#endif

#ifdef WITH_VECTORS

#ifdef __x86_64__
#define SHUFFLES __attribute__((target("ssse3"))) /* else a shuffle takes longer than it saves */
#else
#define SHUFFLES
#endif

typedef int8_t chars __attribute__((vector_size(16)));
typedef uint32_t words __attribute__((vector_size(16)));

static bool can_shuffle(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("ssse3");
#else
    return true;
#endif
}

/* Twelve bytes of every sixteen become sixteen digits; how many bytes that were. */
SHUFFLES static size_t add_fast(char *to, const char *digits, const uint8_t *from, size_t len)
{
    const int8_t to_62 = (int8_t)(digits[62] - 62 + 4);
    const int8_t to_63 = (int8_t)(digits[63] - digits[62] - 1);
    size_t n = 0;

    if (!can_shuffle())
        return 0;
    for (; len - n >= sizeof(chars); n += 12, to += sizeof(chars)) {
        chars in;
        words w;

        memcpy(&in, from + n, sizeof in);
        in = __builtin_shufflevector(in, (chars){ 0 }, 2, 1, 0, 16, 5, 4, 3, 16, 8, 7, 6, 16, 11,
                                     10, 9, 16);
        w = (words)in;
        w = w >> 18 | (w >> 4 & 0x3f00) | (w << 10 & 0x3f0000) | (w << 24 & 0x3f000000);
        in = (chars)w;
        /* 'A', 'a', '0' and the last two each begin at a distance of their own. */
        in += 'A' + ((in > 25) & 6) + ((in > 51) & -75) + ((in > 61) & to_62) + ((in > 62) & to_63);
        memcpy(to, &in, sizeof in);
    }
    return n;
}

static inline chars between(chars in, char first, char last)
{
    return (in >= (int8_t)first) & (in <= (int8_t)last);
}

/* The other way round; *bad when there was something else. to has room for four bytes more than
 * what becomes of from. */
SHUFFLES static size_t decode_fast(char *to, const char *digits, const uint8_t *from, size_t len,
                                   unsigned *bad)
{
    const int8_t last[2] = { (int8_t)digits[62], (int8_t)digits[63] };
    uint64_t halves[2];
    chars good = (chars){ 0 } == 0;
    size_t n = 0;

    if (!can_shuffle())
        return 0;
    for (; len - n >= 24; n += sizeof(chars), to += 12) {
        chars in, upper, lower, digit, is_62, is_63;
        words w;

        memcpy(&in, from + n, sizeof in);
        upper = between(in, 'A', 'Z');
        lower = between(in, 'a', 'z');
        digit = between(in, '0', '9');
        is_62 = in == last[0];
        is_63 = in == last[1];
        good &= upper | lower | digit | is_62 | is_63;
        in += (upper & -'A') + (lower & (26 - 'a')) + (digit & (52 - '0')) +
              (is_62 & (int8_t)(62 - last[0])) + (is_63 & (int8_t)(63 - last[1]));
        w = (words)in;
        w = w << 18 | (w << 4 & 0x3f000) | (w >> 10 & 0xfc0) | w >> 24;
        in = __builtin_shufflevector((chars)w, (chars)w, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3,
                                     7, 11, 15);
        memcpy(to, &in, sizeof in);
    }
    memcpy(halves, &good, sizeof halves);
    if ((halves[0] & halves[1]) != UINT64_MAX)
        *bad |= BAD;
    return n;
}

#else

static size_t add_fast(char *to, const char *digits, const uint8_t *from, size_t len)
{
    (void)to;
    (void)digits;
    (void)from;
    (void)len;
    return 0;
}

static size_t decode_fast(char *to, const char *digits, const uint8_t *from, size_t len,
                          unsigned *bad)
{
    (void)bad;
    return add_fast(to, digits, from, len);
}

#endif

/* ------------------------------------------------------------------------------------------ any text */

static const char *alphabet_of(hf__base64_alphabet alphabet)
{
    return alphabet == HF__BASE64_URL
               ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
               : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

void hf__base64_add(hf__buf *out, hf__base64_alphabet alphabet, const void *bytes, size_t len)
{
    const char *digits = alphabet_of(alphabet);
    const uint8_t *p = bytes;
    size_t whole = len / 3;
    char *to = hf__buf_reserve(out, (whole + (len % 3 != 0)) * 4);
    size_t done;

    if (!to)
        return; /* out says it */
    done = add_fast(to, digits, p, len);
    p += done;
    to += done / 3 * 4;
    for (size_t i = done / 3; i < whole; i++, p += 3, to += 4) {
        uint32_t word = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

        to[0] = digits[word >> 18];
        to[1] = digits[(word >> 12) & 63];
        to[2] = digits[(word >> 6) & 63];
        to[3] = digits[word & 63];
    }
    if (len % 3) {
        uint32_t word = (uint32_t)p[0] << 16 | (len % 3 == 2 ? (uint32_t)p[1] << 8 : 0);

        to[0] = digits[word >> 18];
        to[1] = digits[(word >> 12) & 63];
        to[2] = len % 3 == 2 ? digits[(word >> 6) & 63] : '=';
        to[3] = '=';
    }
    hf__buf_grew(out, (whole + (len % 3 != 0)) * 4);
}

/* The last two or three digits; bits that belong to no byte must be 0. */
static bool decode_tail(const uint8_t values[256], const uint8_t *from, size_t n, char *to)
{
    uint32_t third = n == 3 ? values[from[2]] : 0;
    uint32_t word;

    if ((values[from[0]] | values[from[1]] | third) & 0x80)
        return false;
    word = (uint32_t)values[from[0]] << 12 | (uint32_t)values[from[1]] << 6 | third;
    to[0] = (char)(word >> 10);
    if (n == 3)
        to[1] = (char)(word >> 2);
    return (word & (n == 3 ? 0x3 : 0x3ff)) == 0;
}

bool hf__base64_decode(hf__buf *out, hf__base64_alphabet alphabet, hf__str text)
{
    const char *digits = alphabet_of(alphabet);
    const uint8_t *from = (const uint8_t *)text.ptr;
    uint8_t values[256];
    unsigned bad = 0;
    size_t padding = 0;
    size_t tail;
    size_t size;
    size_t done;
    char *to;

    while (text.len && padding < 2 && text.ptr[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    tail = text.len % 4;
    if (tail == 1 || (padding && (text.len + padding) % 4 != 0))
        return false;
    if (text.len == 0)
        return true;
    size = text.len / 4 * 3 + tail * 3 / 4;
    to = hf__buf_reserve(out, size);
    if (!to)
        return true; /* out says it */
    memset(values, BAD, sizeof(values));
    for (unsigned i = 0; i < 64; i++)
        values[(unsigned char)digits[i]] = (uint8_t)i;
    done = decode_fast(to, digits, from, text.len, &bad);
    from += done;
    to += done / 4 * 3;
    for (size_t n = (text.len - done) / 4; n > 0; n--, from += 4, to += 3) {
        unsigned a = values[from[0]], b = values[from[1]], c = values[from[2]], d = values[from[3]];

        bad |= a | b | c | d;
        to[0] = (char)(a << 2 | b >> 4);
        to[1] = (char)(b << 4 | c >> 2);
        to[2] = (char)(c << 6 | d);
    }
    if ((bad & 0x80) || (tail && !decode_tail(values, from, tail, to)))
        return false;
    hf__buf_grew(out, size);
    return true;
}
