/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base64.h"

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

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t word = (uint32_t)p[i] << 16;

        if (n > 1)
            word |= (uint32_t)p[i + 1] << 8;
        if (n > 2)
            word |= p[i + 2];
        char four[4] = { digits[word >> 18], digits[(word >> 12) & 63],
                         n > 1 ? digits[(word >> 6) & 63] : '=', n > 2 ? digits[word & 63] : '=' };
        hf__buf_add(out, four, 4);
    }
}

/* The value of a digit, 64 for what is none. */
static uint32_t digit_value(hf__base64_alphabet alphabet, char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    if (c == (alphabet == HF__BASE64_URL ? '-' : '+'))
        return 62;
    return c == (alphabet == HF__BASE64_URL ? '_' : '/') ? 63 : 64;
}

bool hf__base64_decode(hf__buf *out, hf__base64_alphabet alphabet, hf__str text)
{
    uint8_t values[256];
    uint32_t word = 0;
    unsigned bits = 0;
    size_t padding = 0;
    size_t n = 0;
    char *to;

    while (text.len && padding < 2 && text.ptr[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    if (text.len % 4 == 1 || (padding && (text.len + padding) % 4 != 0))
        return false;
    if (text.len == 0)
        return true;
    to = hf__buf_reserve(out, text.len / 4 * 3 + text.len % 4 * 3 / 4);
    if (!to)
        return true; /* out says it */
    for (unsigned i = 0; i < 256; i++)
        values[i] = (uint8_t)digit_value(alphabet, (char)i);
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value = values[(unsigned char)text.ptr[i]];

        if (value > 63)
            return false;
        word = (word << 6) | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            to[n++] = (char)(word >> bits);
        }
    }
    hf__buf_grew(out, n);
    return (word & ((1u << bits) - 1)) == 0;
}
