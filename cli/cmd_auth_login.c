/* SPDX-License-Identifier: Apache-2.0 */
/* hf auth login (cli.md 8): with --token, by a code in the browser, or a token pasted unseen. */
#include "commands.h"

#include <string.h>
#include <unistd.h>

typedef struct login_args {
    const char *token;
    bool git;
    bool force;
} login_args;

/* What every way of logging in says at its end. */
static void tell(cli_ctx *ctx, hf_client *client, const hf_login *login, bool git)
{
    if (login->user->token_role)
        cli_log(ctx, "Token is valid (permission: %s).", login->user->token_role);
    else
        cli_log(ctx, "Token is valid.");
    cli_log(ctx, "The token `%s` has been saved to %s", login->name,
            hf_client_get(client, HF_SETTING_STORED_TOKENS_PATH));
    if (git)
        cli_git_approve(ctx, client, login->name);
    cli_log(ctx, "Your token has been saved to %s", hf_client_get(client, HF_SETTING_TOKEN_PATH));
    cli_log(ctx, "Login successful.");
    if (cli_env_token())
        cli_warning(ctx, "The environment variable `HF_TOKEN` is set and is the current active "
                         "token, whatever is stored.");
    else
        cli_log(ctx, "The current active token is: `%s`", login->name);
}

static int keep(cli_ctx *ctx, hf_client *client, const char *token, bool git)
{
    hf_error err = HF_ERROR_INIT;
    hf_login *login = NULL;
    hf_status status = hf_auth_login(client, token, ctx->cancel, &login, &err);

    if (status != HF_OK)
        return cli_failed(ctx, status, &err, NULL, NULL);
    tell(ctx, client, login, git);
    hf_login_free(login);
    return CLI_EXIT_OK;
}

/* ---- a code in the browser */

static int on_pending(void *user)
{
    const cli_ctx *ctx = user;

    if (ctx->mode == CLI_HUMAN) {
        fputc('.', stdout);
        fflush(stdout);
    }
    return 0;
}

static void show_code(cli_ctx *ctx, const hf_device *device)
{
    if (ctx->mode == CLI_AGENT) {
        cli_text(ctx,
                 "Ask the user to open %s in a browser and enter the code %s. The code expires in "
                 "%u seconds. Waiting for authorization...",
                 device->verification_uri_complete, device->user_code, device->expires_in_s);
    } else {
        cli_text(ctx, "\n    Open this URL in your browser:\n        %s\n",
                 device->verification_uri_complete);
        cli_text(ctx, "    And enter the code: %s\n", device->user_code);
        fputs("    Waiting for authorization", stdout);
    }
    fflush(stdout);
}

static int by_browser(cli_ctx *ctx, hf_client *client)
{
    hf_error err = HF_ERROR_INIT;
    hf_device *device = NULL;
    hf_login *login = NULL;
    hf_status status = hf_auth_device_start(client, ctx->cancel, &device, &err);
    int code = CLI_EXIT_OK;

    if (status == HF_OK) {
        show_code(ctx, device);
        status = hf_auth_device_wait(client, device, on_pending, ctx, ctx->cancel, &login, &err);
        if (ctx->mode == CLI_HUMAN)
            fputc('\n', stdout); /* after the dots, also on failure */
        fflush(stdout);
    }
    if (status == HF_ERR_CANCELED) {
        code = cli_failed(ctx, status, &err, NULL, NULL);
    } else if (status != HF_OK) {
        code = cli_error(ctx, "Login failed: %s", err.message);
    } else if (ctx->mode == CLI_AGENT) {
        cli_text(ctx, "Login successful: logged in as %s (token saved as '%s').", login->user->name,
                 login->name);
    } else {
        tell(ctx, client, login, false);
        if (login->expires_at && !login->can_refresh)
            cli_log(ctx, "Note: This token expires. Log in again to renew it.");
    }
    hf_login_free(login);
    hf_device_free(device);
    return code;
}

/* ---- a token pasted */

static int by_paste(cli_ctx *ctx, hf_client *client, bool git)
{
    char token[4200];
    int code;

    cli_log(ctx, "    To log in, a token is required. Make one at %s/settings/tokens .",
            hf_client_get(client, HF_SETTING_ENDPOINT));
    code = cli_read_secret(ctx, "Enter your token (input will not be visible): ", token,
                           sizeof(token));
    if (code == CLI_EXIT_OK)
        code = keep(ctx, client, token, git);
    cli_secret_wipe(token, sizeof(token));
    return code;
}

static int interactive(cli_ctx *ctx, hf_client *client, const login_args *args)
{
    static const char *const ways[] = { "Log in with your browser", "Paste an access token", NULL };
    size_t way = 0;
    int code;

    if (!isatty(STDIN_FILENO) || ctx->mode == CLI_AGENT)
        return by_browser(ctx, client);
    if (strcmp(ctx->program, "huggingface-cli") == 0) /* as it always did */
        return by_paste(ctx, client, args->git);
    code = cli_choose(ctx, "How would you like to log in?", ways, &way);
    if (code != CLI_EXIT_OK)
        return code;
    return way == 0 ? by_browser(ctx, client) : by_paste(ctx, client, args->git);
}

static int run(cli_ctx *ctx, void *args_)
{
    const login_args *args = args_;
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    char *now = NULL;
    hf_status status;
    int code;

    if (!args->token && (ctx->mode == CLI_JSON || ctx->mode == CLI_QUIET))
        return cli_error(ctx, "`hf auth login` is interactive and does not support --format "
                              "json/quiet. Pass --token for a non-interactive login.");
    code = cli_client(ctx, NULL, NULL, &client);
    if (code != CLI_EXIT_OK)
        return code;
    if (args->token) {
        if (!args->git)
            cli_log(ctx, "The token has not been saved to the git credentials helper. Pass "
                         "`--add-to-git-credential` if you want to set the git credential as "
                         "well.");
        code = keep(ctx, client, args->token, args->git);
        goto done;
    }
    status = hf_auth_token(client, NULL, &now, &err);
    if (status == HF_OK && now && !args->force) {
        if (ctx->mode == CLI_AGENT)
            cli_text(ctx, "Already logged in. Use `hf auth login --force` to re-login.");
        else
            cli_log(ctx, "User is already logged in. Use `hf auth login --force` to force "
                         "re-login.");
        goto done;
    }
    if (now)
        cli_log(ctx, "Note: a token is already saved on this machine. Logging in again will "
                     "replace the active token.");
    code = interactive(ctx, client, args);
done:
    cli_secret_free(now);
    hf_client_free(client);
    return code;
}

static const cli_opt opts[] = {
    { "token", NULL, 0, CLI_STR, offsetof(login_args, token), "TEXT",
      "the token; default: ask, or log in by the browser", NULL },
    { "add-to-git-credential", NULL, 0, CLI_BOOL, offsetof(login_args, git), NULL,
      "give the token to git's credential helper too", NULL },
    { "force", NULL, 0, CLI_BOOL, offsetof(login_args, force), NULL,
      "log in even when a token is there", NULL },
    CLI_OPT_END,
};

static const char *const examples[] = {
    "hf auth login",
    "hf auth login --token \"$(cat token.txt)\"",
    "hf auth login --token \"$HF_TOKEN\" --add-to-git-credential",
    NULL,
};

#define LOGIN                                                                                      \
    .summary = "Log in with your browser or a token.",                                             \
    .description = "The token is kept where the Python client looks for it, readable by you "      \
                   "alone. A token that the Hub does not accept is not kept.",                     \
    .name = "login", .opts = opts, .args_size = sizeof(login_args), .run = run,                    \
    .examples = examples

const cli_cmd cli_cmd_login = { LOGIN };
const cli_cmd cli_cmd_old_login = { LOGIN, .hidden = true };
