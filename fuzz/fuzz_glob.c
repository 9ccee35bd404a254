/* SPDX-License-Identifier: Apache-2.0 */
/* model/glob: input is a pattern, a newline, a path. It ends in reasonable time whatever the
 * pattern, and agrees with itself. */
#include "fuzz.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("*.safetensors\nmodel-00001-of-00002.safetensors"),
    FUZZ_SEED("a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    FUZZ_SEED("[!a-c]?[]]x[\nd-]x["),
    FUZZ_SEED("dir/\ndir/file"),
    FUZZ_SEED("[z-a]\nz"),
    FUZZ_SEED("\xc3\xa4?[\xc3\xa0-\xc3\xb6]\n\xc3\xa4\xf0\x9f\x98\x80\xc3\xa9"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *pattern = fuzz_line(&data, &size);
    char *path = fuzz_text(data, size);
    const char *one[1] = { pattern };
    bool match;

    if (strlen(pattern) + strlen(path) < 4096) {
        match = hf__glob_match(pattern, path);
        FUZZ_CHECK(hf__glob_filter(path, one, 1, NULL, 0) == match);
        FUZZ_CHECK(hf__glob_filter(path, NULL, 0, one, 1) == !match);
        FUZZ_CHECK(!hf__glob_filter(path, one, 1, one, 1));
        FUZZ_CHECK(hf__glob_match("*", path));
        if (!strpbrk(path, "*?[") && *path && path[strlen(path) - 1] != '/')
            FUZZ_CHECK(hf__glob_match(path, path));
    }
    free(pattern);
    free(path);
    return 0;
}
