/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the program: signals, output mode by environment, the root of the command tree. */
#include "cli.h"

#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const cli_cmd *const root_subs[] = {
    &cli_cmd_auth,         &cli_cmd_download,
    &cli_cmd_upload,       &cli_cmd_upload_large_folder,
    &cli_cmd_cache,        &cli_cmd_scan_cache,
    &cli_cmd_delete_cache, &cli_cmd_models,
    &cli_cmd_datasets,     &cli_cmd_spaces,
    &cli_cmd_repos,        &cli_cmd_repo_files,
    &cli_cmd_lfs_enable,   &cli_cmd_lfs_upload,
    &cli_cmd_discussions,  &cli_cmd_collections,
    &cli_cmd_webhooks,     &cli_cmd_users,
    &cli_cmd_orgs,         &cli_cmd_api,
    &cli_cmd_env,          &cli_cmd_version,
    &cli_cmd_serve,        &cli_cmd_completion,
    &cli_cmd_man_page,     &cli_cmd_old_login,
    &cli_cmd_old_logout,   &cli_cmd_old_whoami,
    &cli_cmd_old_tag,      NULL,
};

static const char *const root_examples[] = {
    "hf download openai-community/gpt2",
    "hf download openai-community/gpt2 config.json --local-dir gpt2",
    "hf download datasets/nyu-mll/glue --include 'sst2/*'",
    NULL,
};

static const cli_cmd root = {
    .name = "hf",
    .summary = "Fetch from and publish to a Hugging Face Hub.",
    .subs = root_subs,
    .examples = root_examples,
};

const cli_cmd *cli_root(const cli_ctx *ctx)
{
    (void)ctx;
    return &root;
}

/* What the signal handler may touch. The handler only raises flags; the call in progress ends by
 * itself and leaves what it has for the next run. */
static hf_cancel *signal_cancel;
static volatile sig_atomic_t signal_seen;

bool cli_interrupted(void)
{
    return signal_seen != 0;
}

static void on_signal(int number)
{
    signal_seen = number;
    hf_cancel_set(signal_cancel);
    /* A second Ctrl-C must work even when the first one is slow to take effect. */
    signal(number, SIG_DFL);
}

static void catch_signals(hf_cancel *cancel)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { 0 };
    struct sigaction before;

    signal_cancel = cancel;
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        /* nohup and background jobs of a script ask for a signal to be ignored; keep to it. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported at the end */
}

/* A program started with a standard descriptor closed would open its files there, and print into
 * them. What cannot be used fails instead when it is used. */
static void fill_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static bool allow_color(bool terminal)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return terminal && (!no_color || !*no_color) && (!term || strcmp(term, "dumb") != 0);
}

/* Programs that drive this one announce themselves (cli.md 2); they get plain text without being
 * asked. */
static bool driven_by_agent(void)
{
    const char *standard = getenv("AI_AGENT");

    if (!standard || !*standard)
        standard = getenv("AGENT");
    return standard && *standard;
}

static int flush_output(cli_ctx *ctx, int code)
{
    bool failed = ferror(stdout);
    struct stat info;
    int cause = 0;

    if (fflush(stdout) != 0)
        cause = errno;
    else if (!failed)
        return code;
    /* The reader has seen enough and knows it. A write that failed earlier left no cause. */
    if (cause == EPIPE || (!cause && fstat(STDOUT_FILENO, &info) == 0 &&
                           (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))))
        return code ? code : CLI_EXIT_ERROR;
    cli_error(ctx, "cannot write to standard output%s%s", cause ? ": " : "",
              cause ? strerror(cause) : "");
    return code ? code : CLI_EXIT_ERROR;
}

int main(int argc, char **argv)
{
    cli_ctx ctx = { 0 };
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *ask;
    int code;

    fill_descriptors();
    ctx.by_name = !slash;
    ctx.program = argc > 0 ? (slash ? slash + 1 : argv[0]) : "hf";
    ctx.mode = driven_by_agent() ? CLI_AGENT : CLI_HUMAN;
    ctx.tty_err = isatty(STDERR_FILENO);
    ctx.tty_out = isatty(STDOUT_FILENO);
    ctx.color_out = allow_color(ctx.tty_out);
    ctx.color_err = allow_color(ctx.tty_err);
    ctx.debug = cli_truthy(getenv("HF_DEBUG"));
    if (hf_cancel_new(&ctx.cancel) != HF_OK) {
        fputs("Error: out of memory\n", stderr);
        return CLI_EXIT_ERROR;
    }
    catch_signals(ctx.cancel);

    ask = getenv("_HF_COMPLETE");
    code = ask ? cli_complete(&ctx, ask) : cli_run(&ctx, argc, argv);

    if (signal_seen) {
        cli_line_close(&ctx);
        if (!ctx.until_stopped)
            code = 128 + (int)signal_seen;
    }
    code = flush_output(&ctx, code);
    hf_cancel_free(ctx.cancel);
    return code;
}
