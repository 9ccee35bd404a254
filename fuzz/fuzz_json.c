/* SPDX-License-Identifier: Apache-2.0 */
/* core/json: whatever parses can be walked, and every string in it survives being written. */
#include "core/json.h"
#include "core/limits.h"
#include "fuzz.h"

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("{\"a\": [1, -2, 3.5e7, true, null], \"b\": {\"c\": \"\\u00e9\\ud83d\\ude00\"}}"),
    FUZZ_SEED("[\"\\u0000\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", 18446744073709551615, 0.1, {}]"),
    FUZZ_SEED("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
    FUZZ_SEED("{\"a\": 1, \"a\": 2, \"\": \"\"}"),
    FUZZ_SEEDS_END,
};

static void check_string(hf__str text)
{
    hf__json *doc = NULL;
    hf__str back;
    hf__buf out;

    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    hf__json_add_string(&out, text);
    hf__buf_addc(&out, ']');
    FUZZ_CHECK(out.status == HF_OK);
    FUZZ_CHECK(hf__json_parse(hf__buf_str(&out), "string", &doc, NULL) == HF_OK);
    back = hf__json_str(hf__json_at(doc, 0));
    FUZZ_CHECK(hf__str_eq(back, text));
    hf__json_free(doc);
    hf__buf_dispose(&out);
}

static void walk(const hf__json *node, int depth)
{
    const hf__json *value;
    const char *key;
    void *iter = NULL;
    uint64_t number;

    FUZZ_CHECK(depth <= HF__MAX_JSON_DEPTH);
    if (hf__json_is_object(node)) {
        while ((iter = hf__json_next(node, iter, &key, &value)) != NULL) {
            (void)hf__json_text(node, key);
            (void)hf__json_u64(node, key, &number);
            (void)hf__json_bool(node, key, true);
            walk(value, depth + 1);
        }
    } else if (hf__json_is_array(node)) {
        for (size_t i = 0; i < hf__json_len(node); i++)
            walk(hf__json_at(node, i), depth + 1);
    } else if (hf__json_is_string(node)) {
        check_string(hf__json_str(node));
        (void)hf__json_string(node);
    }
    FUZZ_CHECK(hf__json_at(node, hf__json_len(node)) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *doc = NULL;
    hf_status st = hf__json_parse((hf__str){ (const char *)data, size }, "fuzzed text", &doc, &err);

    FUZZ_CHECK((st == HF_OK) == (doc != NULL));
    FUZZ_CHECK(err.status == st && !fuzz_has_control(err.message));
    if (doc)
        walk(doc, 0);
    hf__json_free(doc);
    return 0;
}
