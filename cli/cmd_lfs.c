/* SPDX-License-Identifier: Apache-2.0 */
/* hf lfs-enable-largefiles and hf lfs-multipart-upload (cli.md 17): git pushes files of any size. */
#include "commands.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct lfs_args {
    const char *path;
} lfs_args;

static int set_config(const char *dir, const char *key, const char *value)
{
    const char *const argv[] = { "git", "-C", dir, "config", key, value, NULL };
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execvp("git", (char *const *)argv);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What git-lfs is to start: the name, when this program was found by it, else where it lies. */
static void own_path(const cli_ctx *ctx, char *out, size_t size)
{
    ssize_t len;

    snprintf(out, size, "%s", ctx->program);
    if (ctx->by_name)
        return;
    len = readlink("/proc/self/exe", out, size - 1);
    if (len > 0)
        out[len] = '\0';
    else
        snprintf(out, size, "%s", ctx->program);
}

static int run_enable(cli_ctx *ctx, void *args_)
{
    const lfs_args *args = args_;
    cli_pair pair = { "path", args->path };
    struct stat info;
    char own[4096];
    int code;

    if (stat(args->path, &info) != 0 || !S_ISDIR(info.st_mode))
        return cli_error(ctx, "This does not look like a valid git repo.");
    own_path(ctx, own, sizeof(own));
    code = set_config(args->path, "lfs.customtransfer.multipart.path", own);
    if (code == 0)
        code = set_config(args->path, "lfs.customtransfer.multipart.args", "lfs-multipart-upload");
    if (code == 127)
        return cli_error(ctx, "git cannot be started; is it installed?");
    if (code != 0)
        return cli_error(ctx, "This does not look like a valid git repo.");
    cli_result(ctx, "Local repo set up for largefiles", &pair, 1);
    return CLI_EXIT_OK;
}

static int run_agent(cli_ctx *ctx, void *args)
{
    hf_client *client = NULL;
    hf_error err = HF_ERROR_INIT;
    hf_status status;
    int code = cli_client(ctx, NULL, NULL, &client);

    (void)args;
    if (code != CLI_EXIT_OK)
        return code;
    status = hf_lfs_agent_run(client, STDIN_FILENO, STDOUT_FILENO, ctx->cancel, &err);
    hf_client_free(client);
    return status == HF_OK ? CLI_EXIT_OK : cli_failed(ctx, status, &err, NULL, NULL);
}

static const cli_arg enable_args[] = {
    { "PATH", CLI_ONE, offsetof(lfs_args, path), "clone of a repo" },
    CLI_ARG_END,
};

static const char *const enable_examples[] = { "hf lfs-enable-largefiles .", NULL };

const cli_cmd cli_cmd_lfs_enable = {
    .name = "lfs-enable-largefiles",
    .summary = "Let git push files of more than 5 GB from a clone.",
    .description = "Tells git-lfs, in the configuration of this clone, to upload by this program.",
    .args = enable_args,
    .args_size = sizeof(lfs_args),
    .run = run_enable,
    .examples = enable_examples,
    .hidden = true,
};

const cli_cmd cli_cmd_lfs_upload = {
    .name = "lfs-multipart-upload",
    .summary = "What git-lfs starts: its custom transfer agent, on standard input and output.",
    .args_size = sizeof(lfs_args),
    .run = run_agent,
    .hidden = true,
};
