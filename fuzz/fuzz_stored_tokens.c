/* SPDX-License-Identifier: Apache-2.0 */
/* hub/store: the INI file of tokens. What was read must come back the same from what is written. */
#include "core/limits.h"
#include "fuzz.h"
#include "hub/private.h"

#include <string.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("[ci-write]\nhf_token = hf_good\n\n[oauth-alice]\nhf_token = x\nrefresh_token = r\n"
              "expires_at = 1790000000\n\n"),
    FUZZ_SEED("# mine\n\n[b] ; x\nHF_Token: hf_read\nnote = two\n  lines\n\tmore\n; no\n[a]\nk=\n"),
    FUZZ_SEED("[a]]\r\nx = 1\r\n  [b]\r\n"),
    FUZZ_SEED("[a]\nx\n"),
    FUZZ_SEED("[a]\nx = 1\nx = 2\n"),
    FUZZ_SEED("[a]\n= 1\n"),
    FUZZ_SEED("x = 1\n[a]\n"),
    FUZZ_SEED("[]\n"),
    FUZZ_SEED("[a]\nk = v\0\n"),
    FUZZ_SEEDS_END,
};

static void load(hf__token_store *store, const void *bytes, size_t size)
{
    *store = (hf__token_store){ .n = 0 };
    hf__buf_init(&store->text, 4 * HF__MAX_SMALL_FILE);
    hf__buf_add(&store->text, bytes, size);
}

static void check_same(const hf__token_store *a, const hf__token_store *b)
{
    FUZZ_CHECK(a->n == b->n);
    for (size_t i = 0; i < a->n; i++) {
        FUZZ_CHECK(strcmp(a->entries[i].name, b->entries[i].name) == 0);
        FUZZ_CHECK(a->entries[i].n == b->entries[i].n);
        for (size_t k = 0; k < a->entries[i].n; k++) {
            FUZZ_CHECK(strcmp(a->entries[i].fields[k].key, b->entries[i].fields[k].key) == 0);
            FUZZ_CHECK(strcmp(a->entries[i].fields[k].value, b->entries[i].fields[k].value) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hf__token_store first;
    hf__token_store second;
    hf__buf text;

    load(&first, data, size);
    if (hf__store_parse(&first) == NULL) {
        hf__buf_init(&text, 4 * HF__MAX_SMALL_FILE);
        hf__store_format(&first, &text);
        FUZZ_CHECK(text.status == HF_OK);
        load(&second, text.ptr, text.len);
        FUZZ_CHECK(hf__store_parse(&second) == NULL);
        check_same(&first, &second);
        hf__store_dispose(&second);
        hf__buf_dispose(&text);
    }
    hf__store_dispose(&first);
    return 0;
}
