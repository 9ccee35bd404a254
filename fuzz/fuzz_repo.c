/* SPDX-License-Identifier: Apache-2.0 */
/* model: repo ids, revisions and paths that pass can do no harm as names on disk. Input is a
 * subfolder, a newline, and the text. */
#include "core/buf.h"
#include "core/limits.h"
#include "fuzz.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("\nns/name"),
    FUZZ_SEED("sub/dir\nfile.txt"),
    FUZZ_SEED("\n../../etc/passwd"),
    FUZZ_SEED("a\nb/.git/hooks/x"),
    FUZZ_SEED("\nC:\\windows\\x"),
    FUZZ_SEED("\nn\xc3\xa4me with # % + \xf0\x9f\x98\x80"),
    FUZZ_SEED("..\n.."),
    FUZZ_SEED("\na--b..c"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *subfolder = fuzz_line(&data, &size);
    char *text = fuzz_text(data, size);
    hf_error err = HF_ERROR_INIT;
    hf_repo_ref repo = { HF_REPO_MODEL, "ns/name", text };
    hf__buf joined;

    if (hf__repo_id_check(text, &err) == HF_OK) {
        const char *slash = strchr(text, '/');

        FUZZ_CHECK(!fuzz_path_is_harmful(text) && strlen(text) <= 200);
        FUZZ_CHECK(!slash || !strchr(slash + 1, '/'));
        FUZZ_CHECK(!strstr(text, "--") && !strstr(text, ".."));
    }
    if (hf__repo_path_check(text, &err) == HF_OK)
        FUZZ_CHECK(!fuzz_path_is_harmful(text) && strlen(text) <= HF__MAX_REPO_PATH);
    FUZZ_CHECK(!fuzz_has_control(err.message));
    if (hf__repo_ref_check(&repo, NULL) == HF_OK) {
        size_t len = strlen(text);

        FUZZ_CHECK(len > 0 && !fuzz_has_control(text) && text[0] != '/' && strcmp(text, "..") != 0);
        FUZZ_CHECK(strncmp(text, "../", 3) != 0 && !strstr(text, "/../"));
        FUZZ_CHECK(len < 3 || strcmp(text + len - 3, "/..") != 0);
    }
    hf__buf_init(&joined, HF__MAX_REPO_PATH);
    if (hf__repo_path_join(&joined, subfolder, text, NULL) == HF_OK)
        FUZZ_CHECK(!fuzz_path_is_harmful(hf__buf_cstr(&joined)));
    hf__buf_dispose(&joined);
    free(subfolder);
    free(text);
    return 0;
}
