/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base64.h"

#include <string.h>

#define BAD 0xff

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

    if (!to)
        return; /* out says it */
    for (size_t i = 0; i < whole; i++, p += 3, to += 4) {
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
    for (size_t n = text.len / 4; n > 0; n--, from += 4, to += 3) {
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
