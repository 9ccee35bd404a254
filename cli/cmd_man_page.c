/* SPDX-License-Identifier: Apache-2.0 */
/* hf man-page [COMMAND…]: the manual page of a command in roff, made from the tables that parse it.
 * Used when installing; hidden, since people have man(1). */
#include "commands.h"

#include <stdio.h>
#include <string.h>

typedef struct man_args {
    cli_strs words;
    bool list;
} man_args;

static void list_commands(const char *path, const cli_cmd *cmd)
{
    char below[128];

    printf("%s\n", path);
    for (size_t k = 0; cmd->subs && cmd->subs[k]; k++) {
        if (cmd->subs[k]->hidden)
            continue;
        snprintf(below, sizeof(below), "%s %s", path, cmd->subs[k]->name);
        list_commands(below, cmd->subs[k]);
    }
}

static int run(cli_ctx *ctx, void *args_)
{
    const man_args *args = args_;
    const cli_cmd *cmd = cli_root(ctx);
    char path[128] = "hf";

    if (args->list) {
        list_commands(path, cmd);
        return CLI_EXIT_OK;
    }
    for (size_t i = 0; i < args->words.n; i++) {
        const char *word = args->words.items[i];
        const cli_cmd *found = NULL;

        for (size_t k = 0; cmd->subs && cmd->subs[k]; k++)
            if (strcmp(cmd->subs[k]->name, word) == 0)
                found = cmd->subs[k];
        if (!found)
            return cli_usage_error(ctx, "No such command '%s %s'.", path, word);
        cmd = found;
        snprintf(path + strlen(path), sizeof(path) - strlen(path), " %s", word);
    }
    cli_man_page(path, cmd, stdout);
    return CLI_EXIT_OK;
}

static const cli_opt opts[] = {
    { "list", NULL, 0, CLI_FLAG, offsetof(man_args, list), NULL, "print the names of all commands",
      NULL },
    CLI_OPT_END,
};

static const cli_arg args[] = {
    { "COMMAND", CLI_MANY, offsetof(man_args, words), "words of the command; none for hf itself" },
    CLI_ARG_END,
};

const cli_cmd cli_cmd_man_page = {
    .name = "man-page",
    .summary = "Print a command's manual page in roff.",
    .opts = opts,
    .args = args,
    .args_size = sizeof(man_args),
    .run = run,
    .hidden = true,
};
