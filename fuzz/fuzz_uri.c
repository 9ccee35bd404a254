/* SPDX-License-Identifier: Apache-2.0 */
/* model/uri: what is understood names a repo the Hub allows and a path that may be created. */
#include "core/str.h"
#include "fuzz.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("hf://datasets/ns/name@refs%2Fpr%2F1/dir/file.txt"),
    FUZZ_SEED("hf://ns/name@v1.0/a b/%23"),
    FUZZ_SEED("hf://buckets/ns/name/x/"),
    FUZZ_SEED("https://huggingface.co/spaces/ns/name/blob/main/app.py"),
    FUZZ_SEED("https://huggingface.co/ns/name/resolve/refs%2Fconvert%2Fparquet/x?download=true"),
    FUZZ_SEED("hf://gpt2"),
    FUZZ_SEED("hf://models/ns/name@"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    hf_error err = HF_ERROR_INIT;
    hf__uri uri;
    hf_status st = hf__uri_parse(&uri, text, &err);

    FUZZ_CHECK(!fuzz_has_control(err.message));
    if (st == HF_OK) {
        FUZZ_CHECK(memchr(uri.id, 0, sizeof(uri.id)) && uri.id[0]);
        FUZZ_CHECK(memchr(uri.revision, 0, sizeof(uri.revision)));
        FUZZ_CHECK(memchr(uri.path, 0, sizeof(uri.path)));
        if (!uri.is_bucket)
            FUZZ_CHECK(hf__repo_id_check(uri.id, NULL) == HF_OK);
    }
    free(text);
    return 0;
}
