/* SPDX-License-Identifier: Apache-2.0 */
/* hf completion SHELL, and the official command's --show-completion and --install-completion. */
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct completion_args {
    const char *shell;
} completion_args;

/* $SHELL, as the official command guesses it. */
static const char *my_shell(void)
{
    const char *shell = getenv("SHELL");
    const char *slash = shell ? strrchr(shell, '/') : NULL;

    shell = slash ? slash + 1 : shell;
    return shell && *shell ? shell : "bash";
}

static int show(cli_ctx *ctx, const char *shell)
{
    const char *script = cli_completion_script(shell);

    if (!script)
        return cli_usage_error(
            ctx, "No completion for the shell '%s'. There is one for bash, zsh and fish.", shell);
    fputs(script, stdout);
    return CLI_EXIT_OK;
}

int cli_completion_show(cli_ctx *ctx)
{
    return show(ctx, my_shell());
}

/* ---- install */

static bool has_line(FILE *file, const char *line)
{
    char text[1024];
    size_t len = strlen(line);

    while (fgets(text, sizeof(text), file))
        if (strncmp(text, line, len) == 0 && (text[len] == '\n' || !text[len]))
            return true;
    return false;
}

static int install_line(cli_ctx *ctx, const char *path, const char *line)
{
    FILE *file = fopen(path, "a+");
    bool there;
    int failed;

    if (!file)
        return cli_error(ctx, "cannot open '%s': %s", path, strerror(errno));
    rewind(file);
    there = has_line(file, line);
    failed = !there && fprintf(file, "\n%s\n", line) < 0;
    if (fclose(file) != 0 || failed)
        return cli_error(ctx, "cannot write '%s': %s", path, strerror(errno));
    return CLI_EXIT_OK;
}

static int install_file(cli_ctx *ctx, char *path, const char *script)
{
    FILE *file;
    int failed;

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777); /* what cannot be made is told by fopen */
        *slash = '/';
    }
    file = fopen(path, "w");
    if (!file)
        return cli_error(ctx, "cannot open '%s': %s", path, strerror(errno));
    failed = fputs(script, file) < 0;
    if (fclose(file) != 0 || failed)
        return cli_error(ctx, "cannot write '%s': %s", path, strerror(errno));
    return CLI_EXIT_OK;
}

int cli_completion_install(cli_ctx *ctx)
{
    const char *shell = my_shell();
    const char *home = getenv("HOME");
    const char *script = cli_completion_script(shell);
    char path[1024];
    char line[96];
    int code;

    if (!script)
        return show(ctx, shell);
    if (!home || !*home)
        return cli_error(ctx, "HOME is not set, so there is no place to install completion in");
    if (strcmp(shell, "fish") == 0)
        snprintf(path, sizeof(path), "%s/.config/fish/completions/hf.fish", home);
    else
        snprintf(path, sizeof(path), "%s/.%src", home, shell);
    snprintf(line, sizeof(line), "eval \"$(_HF_COMPLETE=%s_source hf)\"", shell);
    code = strcmp(shell, "fish") == 0 ? install_file(ctx, path, script)
                                      : install_line(ctx, path, line);
    if (code == CLI_EXIT_OK)
        cli_text(ctx, "%s completion installed in %s. Restart your shell for it to take effect.",
                 shell, path);
    return code;
}

static int run(cli_ctx *ctx, void *args_)
{
    const completion_args *args = args_;

    return show(ctx, args->shell ? args->shell : my_shell());
}

static const cli_arg args[] = {
    { "bash|zsh|fish", CLI_OPTIONAL, offsetof(completion_args, shell),
      "for which shell; default: that of $SHELL" },
    CLI_ARG_END,
};

static const char *const examples[] = {
    "eval \"$(hf completion bash)\"",
    "hf completion zsh > \"${fpath[1]}/_hf\"",
    "hf completion fish > ~/.config/fish/completions/hf.fish",
    NULL,
};

const cli_cmd cli_cmd_completion = {
    .name = "completion",
    .summary = "Print the script that lets a shell complete this command.",
    .args = args,
    .args_size = sizeof(completion_args),
    .run = run,
    .examples = examples,
};
