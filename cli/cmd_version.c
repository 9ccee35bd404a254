/* SPDX-License-Identifier: Apache-2.0 */
/* hf version (cli.md 16). No network, no client. */
#include "commands.h"

static int run(cli_ctx *ctx, void *args)
{
    cli_pair pair = { "version", hf_version() };

    (void)args;
    cli_result(ctx, "hf version", &pair, 1);
    return CLI_EXIT_OK;
}

static const char *const examples[] = { "hf version", "hf version --quiet", NULL };

const cli_cmd cli_cmd_version = {
    .name = "version",
    .summary = "Print the version.",
    .run = run,
    .examples = examples,
};
