/* SPDX-License-Identifier: Apache-2.0 */
#include "torture.h"

#include "core/error.h"
#include "core/limits.h"
#include "model/model.h"

#include <string.h>

static hf_status run_uri(hf_error *err)
{
    hf__uri uri;
    hf_status st = hf__uri_parse(
        &uri, "https://huggingface.co/datasets/acme/x/blob/feat%2Ffoo/a%20b/c.txt", err);

    if (st == HF_OK &&
        (strcmp(uri.revision, "feat/foo") != 0 || strcmp(uri.path, "a b/c.txt") != 0))
        st = hf__fail(err, HF_ERR_INTERNAL, "the address means '%s', '%s'", uri.revision, uri.path);
    return st;
}

static hf_status run_join(hf_error *err)
{
    hf__buf out;
    hf_status st;

    hf__buf_init(&out, HF__MAX_REPO_PATH + 1);
    st = hf__repo_path_join(
        &out, "some/folder/that/is/longer/than/a/first/block/of/a/buffer/which/has/to/grow",
        "and/some/more/of/it/until/it/has/grown/twice/or/so.txt", err);
    hf__buf_dispose(&out);
    return st;
}

int main(void)
{
    static const torture_case cases[] = { { "uri", run_uri }, { "path join", run_join } };

    return torture_run(cases, sizeof(cases) / sizeof(*cases));
}
