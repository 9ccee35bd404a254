/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command that is meant and hands its words over. Knows no command's business. */
#include "cmd.h"
#include "opt.h"
#include "routes/hook.h"

#include "core/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const srv_cmd *const commands[] = {
    &srv_cmd_serve, /* the one that runs when no command is named */
    &srv_cmd_import,         &srv_cmd_user_add,     &srv_cmd_user_list, &srv_cmd_token_add,
    &srv_cmd_token_list,     &srv_cmd_token_revoke, &srv_cmd_org_join,  &srv_cmd_repo_list,
    &srv_cmd_repo_create,    &srv_cmd_repo_delete,  &srv_cmd_repo_move, &srv_cmd_repo_set,
    &srv_cmd_repo_grant,     &srv_cmd_repo_branch,  &srv_cmd_repo_tag,  &srv_cmd_repo_ref,
    &srv_cmd_device_approve, &srv_cmd_device_deny,  &srv_cmd_gc,
};

/* How many words of argv name cmd: 1 for "import", 2 for "user add", 0 when they do not. */
static int words_matched(const srv_cmd *cmd, int argc, char **argv)
{
    const char *name = cmd->name;
    const char *blank = strchr(name, ' ');
    size_t first = blank ? (size_t)(blank - name) : strlen(name);

    if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], name, first) != 0)
        return 0;
    if (!blank)
        return 1;
    return argc > 1 && strcmp(argv[1], blank + 1) == 0 ? 2 : 0;
}

static bool is_group(const char *word)
{
    size_t len = strlen(word);
    size_t i;

    for (i = 0; i < HF__COUNT(commands); i++)
        if (strncmp(commands[i]->name, word, len) == 0 && commands[i]->name[len] == ' ')
            return true;
    return false;
}

static int help(void)
{
    size_t i;

    printf("hf-serve: a Hub of one's own\n\nusage: hf-serve [COMMAND] [OPTION...]\n\ncommands:\n");
    for (i = 0; i < HF__COUNT(commands); i++)
        printf("  %-14s %s\n", commands[i]->name, commands[i]->summary);
    printf(
        "\nWithout a command it serves. Every command has its own --help, and --data DIR for the\n"
        "folder that holds everything (default: " SRV_DATA_DIR ").\n");
    return SRV_EXIT_OK;
}

static int unknown(int argc, char **argv)
{
    if (!is_group(argv[0]))
        return srv_complain(SRV_EXIT_USAGE, "no such command '%s', see hf-serve --help", argv[0]);
    if (argc > 1 && argv[1][0] != '-')
        return srv_complain(SRV_EXIT_USAGE, "no such command '%s %s', see hf-serve --help", argv[0],
                            argv[1]);
    return srv_complain(SRV_EXIT_USAGE, "'%s' needs a second word, see hf-serve --help", argv[0]);
}

/* `--data DIR` may stand in front of the command: it is moved behind the command's name. */
static void data_behind(int argc, char **argv)
{
    int lead = argc > 0 && strcmp(argv[0], "--data") == 0 ? 2 : 1;
    char *moved[2];
    int words;
    int i;

    if (argc <= lead || strncmp(argv[0], "--data", 6) != 0 || argv[lead][0] == '-')
        return;
    words = is_group(argv[lead]) && argc > lead + 1 ? 2 : 1;
    for (i = 0; i < lead; i++)
        moved[i] = argv[i];
    for (i = 0; i < words; i++)
        argv[i] = argv[lead + i];
    for (i = 0; i < lead; i++)
        argv[words + i] = moved[i];
}

/* git runs this program by a link of that name. */
static bool is_hook(const char *program, const char *name)
{
    const char *slash = program ? strrchr(program, '/') : NULL;

    return slash && strcmp(slash + 1, name) == 0;
}

int main(int argc, char **argv)
{
    size_t i;
    int taken;

    (void)signal(SIGPIPE, SIG_IGN);
    if (is_hook(argv[0], SRV_HOOK_NAME))
        return srv_hook_run();
    if (is_hook(argv[0], SRV_HOOK_DONE))
        return srv_hook_done();
    argc--;
    argv++;
    data_behind(argc, argv);
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
                     strcmp(argv[0], "help") == 0))
        return help();
    if (argc > 0 && strcmp(argv[0], "--version") == 0) {
        printf("hf-serve " HF_VERSION_STRING "\n");
        return SRV_EXIT_OK;
    }
    for (i = 0; i < HF__COUNT(commands); i++) {
        taken = words_matched(commands[i], argc, argv);
        if (taken > 0)
            return srv_opt_run(commands[i], argc - taken, argv + taken);
    }
    if (argc > 0 && argv[0][0] != '-')
        return unknown(argc, argv);
    return srv_opt_run(&srv_cmd_serve, argc, argv);
}
