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

bool hf__base64_decode(hf__buf *out, hf__base64_alphabet alphabet, hf__str text)
{
    const char *digits = alphabet_of(alphabet);
    uint32_t word = 0;
    unsigned bits = 0;
    size_t padding = 0;

    while (text.len && padding < 2 && text.ptr[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    if (text.len % 4 == 1 || (padding && (text.len + padding) % 4 != 0))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;

        if (!at)
            return false;
        word = (word << 6) | (uint32_t)(at - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            hf__buf_addc(out, (char)(word >> bits));
        }
    }
    return (word & ((1u << bits) - 1)) == 0;
}
