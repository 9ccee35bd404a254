/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base64.h"

#include "unit.h"

/* RFC 4648, section 10, and texts that Python's base64 wrote. */
static const struct {
    const char *bytes;
    size_t len;
    const char *standard, *url;
} vectors[] = {
    { "", 0, "", "" },
    { "f", 1, "Zg==", "Zg==" },
    { "fo", 2, "Zm8=", "Zm8=" },
    { "foo", 3, "Zm9v", "Zm9v" },
    { "foob", 4, "Zm9vYg==", "Zm9vYg==" },
    { "fooba", 5, "Zm9vYmE=", "Zm9vYmE=" },
    { "foobar", 6, "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xfe", 3, "+//+", "-__-" },
    { "\0\0\0", 3, "AAAA", "AAAA" },
    { "\xff\xff\xff\xff", 4, "/////w==", "_____w==" },
    /* SHA-1 of "part-0.txt.metadata": part of a file name in a local directory */
    { "\x93\x7f\x4f\x83\x53\x90\xc8\x23\x41\xcc\x39\x60\xc2\xf6\x0b\xcd\xd7\x52\x1f\x2d", 20,
      "k39Pg1OQyCNBzDlgwvYLzddSHy0=", "k39Pg1OQyCNBzDlgwvYLzddSHy0=" },
};

void test_base64__writes_both_alphabets(void **state)
{
    hf__buf out;
    size_t i;

    (void)state;
    hf__buf_init(&out, 100);
    for (i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        hf__buf_reset(&out);
        hf__base64_add(&out, HF__BASE64_STANDARD, vectors[i].bytes, vectors[i].len);
        assert_string_equal(hf__buf_cstr(&out), vectors[i].standard);
        hf__buf_reset(&out);
        hf__base64_add(&out, HF__BASE64_URL, vectors[i].bytes, vectors[i].len);
        assert_string_equal(hf__buf_cstr(&out), vectors[i].url);
    }
    hf__buf_dispose(&out);
}

void test_base64__reads_with_and_without_padding(void **state)
{
    hf__buf out;
    size_t i;

    (void)state;
    hf__buf_init(&out, 100);
    for (i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        hf__str text = hf__str_from(vectors[i].standard);

        hf__buf_reset(&out);
        assert_true(hf__base64_decode(&out, HF__BASE64_STANDARD, text));
        assert_int_equal(out.len, vectors[i].len);
        assert_memory_equal(hf__buf_cstr(&out), vectors[i].bytes, vectors[i].len);

        text = hf__str_from(vectors[i].url);
        while (text.len && text.ptr[text.len - 1] == '=')
            text.len--;
        hf__buf_reset(&out);
        assert_true(hf__base64_decode(&out, HF__BASE64_URL, text));
        assert_int_equal(out.len, vectors[i].len);
        assert_memory_equal(hf__buf_cstr(&out), vectors[i].bytes, vectors[i].len);
    }
    hf__buf_dispose(&out);
}

void test_base64__refuses_what_is_none(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "Z", "one digit holds no byte" },
        { "Zm9vY", "likewise at the end" },
        { "Zg=", "half of the padding" },
        { "Zg===", "too much padding" },
        { "=", "padding alone" },
        { "====", "padding alone" },
        { "Zm9v=", "padding where none belongs" },
        { "Zg==Zg==", "padding in the middle" },
        { "Zm9v\n", "line end" },
        { "Zm 9v", "blank" },
        { "Zh==", "bits set that stand for nothing" },
        { "Zm9=", "likewise, of two bytes" },
        { "-__-", "digits of the other alphabet" },
        { "Zm9\xc3", "no ASCII" },
    };
    hf__buf out;
    size_t i;

    (void)state;
    hf__buf_init(&out, 100);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf__buf_reset(&out);
        if (hf__base64_decode(&out, HF__BASE64_STANDARD, hf__str_from(cases[i].text)))
            fail_msg("'%s' was taken: %s", cases[i].text, cases[i].why);
    }
    assert_false(hf__base64_decode(&out, HF__BASE64_STANDARD, (hf__str){ "Zm\0v", 4 }));
    assert_false(hf__base64_decode(&out, HF__BASE64_URL, hf__str_from("+//+")));
    hf__buf_dispose(&out);
}

void test_base64__there_and_back_at_every_length(void **state)
{
    uint8_t bytes[257];
    hf__buf text, back;
    size_t len;

    (void)state;
    for (len = 0; len < sizeof bytes; len++)
        bytes[len] = (uint8_t)(len * 167 + 13);
    hf__buf_init(&text, 1000);
    hf__buf_init(&back, 1000);
    for (len = 0; len <= sizeof bytes; len++) {
        hf__buf_reset(&text);
        hf__buf_reset(&back);
        hf__base64_add(&text, HF__BASE64_URL, bytes, len);
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(hf__base64_decode(&back, HF__BASE64_URL, hf__buf_str(&text)));
        assert_int_equal(back.len, len);
        assert_memory_equal(hf__buf_cstr(&back), bytes, len);
    }
    hf__buf_dispose(&text);
    hf__buf_dispose(&back);
}

/* Long enough for the digits that are done sixteen at once: any other byte, anywhere, is found. */
void test_base64__finds_each_wrong_byte(void **state)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t bytes[96];
    char text[128];
    hf__buf out;

    (void)state;
    memset(bytes, 0xa5, sizeof bytes);
    hf__buf_init(&out, 1000);
    for (int url = 0; url < 2; url++) {
        hf__base64_alphabet alphabet = url ? HF__BASE64_URL : HF__BASE64_STANDARD;

        hf__buf_reset(&out);
        hf__base64_add(&out, alphabet, bytes, sizeof bytes);
        assert_int_equal(out.len, sizeof text);
        memcpy(text, out.ptr, sizeof text);
        for (size_t at = 0; at < sizeof text; at++) {
            char was = text[at];

            for (int c = 0; c < 256; c++) {
                bool is_digit = (c && strchr(all, c)) || c == (url ? '-' : '+') ||
                                c == (url ? '_' : '/') || (c == '=' && at == sizeof text - 1);

                text[at] = (char)c;
                hf__buf_reset(&out);
                assert_int_equal(
                    hf__base64_decode(&out, alphabet, (hf__str){ text, sizeof text }) ||
                        (c == '=' && at == sizeof text - 1),
                    is_digit);
            }
            text[at] = was;
        }
    }
    hf__buf_dispose(&out);
}

/* Every digit at every place, against the definition: six bits each, high ones first. */
void test_base64__is_what_the_bits_say(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[48];
    uint32_t seed = 1;
    hf__buf text, back;

    (void)state;
    hf__buf_init(&text, 100);
    hf__buf_init(&back, 100);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (uint8_t)(seed >> 24);
        }
        hf__buf_reset(&text);
        hf__buf_reset(&back);
        hf__base64_add(&text, HF__BASE64_STANDARD, bytes, sizeof bytes);
        for (size_t i = 0; i < 64; i++) {
            size_t bit = 6 * i;
            unsigned two = (unsigned)bytes[bit / 8] << 8 |
                           (bit / 8 + 1 < sizeof bytes ? bytes[bit / 8 + 1] : 0);

            assert_int_equal(text.ptr[i], digits[two >> (10 - bit % 8) & 63]);
        }
        assert_true(hf__base64_decode(&back, HF__BASE64_STANDARD, hf__buf_str(&text)));
        assert_memory_equal(back.ptr, bytes, sizeof bytes);
    }
    hf__buf_dispose(&text);
    hf__buf_dispose(&back);
}
