/* SPDX-License-Identifier: Apache-2.0 */
/* hf env (cli.md 16): what to paste into a bug report. No token in it, only whether there
 * is one. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static void line(const char *key, const char *value)
{
    printf("- %s: ", key);
    cli_put(stdout, value ? value : "None", SIZE_MAX);
    fputc('\n', stdout);
}

static const char *yes_no(bool value)
{
    return value ? "True" : "False";
}

static void variable(const char *name)
{
    line(name, yes_no(cli_truthy(getenv(name))));
}

/* Who the Hub says one is; nobody is asked without a token or a network. */
static void tell_who(hf_client *client, const cli_ctx *ctx)
{
    hf_error err = HF_ERROR_INIT;
    hf_user *user = NULL;

    if (strcmp(hf_client_get(client, HF_SETTING_OFFLINE), "1") == 0)
        return;
    if (hf_whoami(client, NULL, ctx->cancel, &user, &err) == HF_OK)
        line("Who am I ?", user->name);
    else
        line("Who am I ?", err.message);
    hf_user_free(user);
}

static const char *seconds(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : "10";
}

static int run(cli_ctx *ctx, void *args)
{
    static const char *const switches[] = {
        "HF_HUB_DISABLE_TELEMETRY",      "HF_HUB_DISABLE_PROGRESS_BARS",
        "HF_HUB_DISABLE_SYMLINKS",       "HF_HUB_DISABLE_SYMLINKS_WARNING",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_HUB_DISABLE_XET",
        "HF_HUB_DISABLE_SHARED_BLOBS",   "HF_XET_HIGH_PERFORMANCE",
    };
    const char *agent = getenv("AI_AGENT");
    char helpers[1024];
    struct utsname system = { 0 };
    char platform[512] = "unknown";
    const char *source;
    hf_client *client = NULL;
    int code = cli_client(ctx, NULL, NULL, &client);

    (void)args;
    if (code != CLI_EXIT_OK)
        return code;
    if (uname(&system) == 0)
        snprintf(platform, sizeof(platform), "%.100s-%.100s-%.100s", system.sysname, system.release,
                 system.machine);
    source = hf_client_get(client, HF_SETTING_TOKEN_SOURCE);
    puts("\nCopy-and-paste the text below in your GitHub issue.\n");
    line("hfhub version", hf_version());
    line("Platform", platform);
    line("Token path ?", hf_client_get(client, HF_SETTING_TOKEN_PATH));
    line("Has saved token ?", yes_no(source && strcmp(source, "none") != 0));
    line("Token source", source);
    if (source && strcmp(source, "none") != 0)
        tell_who(client, ctx);
    (void)cli_git_helpers(helpers, sizeof(helpers));
    line("Configured git credential helpers", helpers);
    if (!agent || !*agent)
        agent = getenv("AGENT");
    line("Run by AI agent ?", agent && *agent ? agent : "No");
    line("User-Agent", hf_client_get(client, HF_SETTING_USER_AGENT));
    line("ENDPOINT", hf_client_get(client, HF_SETTING_ENDPOINT));
    line("HF_HOME", hf_client_get(client, HF_SETTING_HOME));
    line("HF_HUB_CACHE", hf_client_get(client, HF_SETTING_CACHE_DIR));
    line("HF_ASSETS_CACHE", hf_client_get(client, HF_SETTING_ASSETS_DIR));
    line("HF_TOKEN_PATH", hf_client_get(client, HF_SETTING_TOKEN_PATH));
    line("HF_STORED_TOKENS_PATH", hf_client_get(client, HF_SETTING_STORED_TOKENS_PATH));
    line("HF_HUB_OFFLINE", yes_no(strcmp(hf_client_get(client, HF_SETTING_OFFLINE), "1") == 0));
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        variable(switches[i]);
    line("HF_HUB_ETAG_TIMEOUT", seconds("HF_HUB_ETAG_TIMEOUT"));
    line("HF_HUB_DOWNLOAD_TIMEOUT", seconds("HF_HUB_DOWNLOAD_TIMEOUT"));
    hf_client_free(client);
    return CLI_EXIT_OK;
}

static const char *const examples[] = { "hf env", NULL };

const cli_cmd cli_cmd_env = {
    .name = "env",
    .summary = "Print what a bug report needs: versions, paths, settings.",
    .run = run,
    .examples = examples,
};
