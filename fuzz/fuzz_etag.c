/* SPDX-License-Identifier: Apache-2.0 */
/* model/etag: what passes is a file name and nothing else. */
#include "core/limits.h"
#include "core/str.h"
#include "fuzz.h"
#include "model/model.h"

#include <string.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("W/\"0123456789abcdef0123456789abcdef01234567\""),
    FUZZ_SEED("\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""),
    FUZZ_SEED("\"../../x\""),
    FUZZ_SEED("\"\""),
    FUZZ_SEED("W/W/\"a\""),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hf__etag etag;

    if (hf__etag_parse(&etag, (hf__str){ (const char *)data, size })) {
        size_t len = strlen(etag.text);

        FUZZ_CHECK(len > 0 && len <= HF__MAX_ETAG && !strchr(etag.text, '/'));
        FUZZ_CHECK(!fuzz_path_is_harmful(etag.text));
        FUZZ_CHECK(!hf__etag_is_sha256(&etag) || len == 64);
        FUZZ_CHECK(!hf__etag_is_sha1(&etag) || len == 40);
    }
    return 0;
}
