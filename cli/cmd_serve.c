/* SPDX-License-Identifier: Apache-2.0 */
/* hf serve …: runs hf-serve, the small Hub, with the same words. It stands beside this program, or
 * on PATH. */
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct serve_args {
    cli_strs words;
} serve_args;

static bool beside_me(char *out, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    if (len <= 0)
        return false;
    out[len] = '\0';
    slash = strrchr(out, '/');
    if (!slash || (size_t)(slash - out) + sizeof("/hf-serve") > size)
        return false;
    memcpy(slash, "/hf-serve", sizeof("/hf-serve"));
    return access(out, X_OK) == 0;
}

static int run(cli_ctx *ctx, void *args_)
{
    const serve_args *args = args_;
    const char **argv = calloc(args->words.n + 2, sizeof(*argv));
    char path[4096];
    int code;

    if (!argv)
        return cli_error(ctx, "out of memory");
    argv[0] = "hf-serve";
    for (size_t i = 0; i < args->words.n; i++)
        argv[i + 1] = args->words.items[i];
    fflush(stdout);
    signal(SIGPIPE, SIG_DFL); /* what is ignored stays ignored across exec */
    /* exec takes char *const[] for history's sake and changes nothing. */
    if (beside_me(path, sizeof(path)))
        execv(path, (char *const *)argv);
    execvp("hf-serve", (char *const *)argv);
    code = errno == ENOENT ? CLI_EXIT_NOT_FOUND : CLI_EXIT_ERROR;
    cli_error(ctx, "cannot run hf-serve: %s. It is installed beside 'hf', or found on PATH.",
              strerror(errno));
    free(argv);
    return code;
}

static const cli_arg args[] = {
    { "ARGUMENTS", CLI_MANY, offsetof(serve_args, words), "passed to hf-serve as they are" },
    CLI_ARG_END,
};

static const char *const examples[] = { "hf serve --data hub-data --port 8600", NULL };

const cli_cmd cli_cmd_serve = {
    .name = "serve",
    .summary = "Run a small Hub of your own (hf-serve).",
    .args = args,
    .args_size = sizeof(serve_args),
    .run = run,
    .examples = examples,
    .pass_through = true,
};
