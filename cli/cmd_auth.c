/* SPDX-License-Identifier: Apache-2.0 */
/* hf auth switch, logout, list, token, whoami (cli.md 8), and the group. Logging in is in
 * cmd_auth_login.c. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct auth_args {
    const char *token_name;
    bool git;
} auth_args;

/* The environment's token, which wins over what is kept. */
bool cli_env_token(void)
{
    const char *token = getenv("HF_TOKEN");

    if (!token || !*token)
        token = getenv("HUGGING_FACE_HUB_TOKEN");
    return token && *token;
}

/* ---- whoami */

static int run_whoami(cli_ctx *ctx, void *args)
{
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    hf_user *user = NULL;
    char *token = NULL;
    char orgs[4096] = "";
    const char *endpoint;
    hf_status status;
    int code = cli_client(ctx, NULL, NULL, &client);

    (void)args;
    if (code != CLI_EXIT_OK)
        return code;
    status = hf_auth_token(client, NULL, &token, &err);
    if (status == HF_OK && !token) {
        code = cli_error(ctx, "Not logged in. Run `hf auth login` first.");
        goto done;
    }
    if (status == HF_OK)
        status = hf_whoami(client, NULL, ctx->cancel, &user, &err);
    if (status != HF_OK) {
        code = cli_failed(ctx, status, &err, NULL, NULL);
        goto done;
    }
    for (size_t i = 0; i < user->n_orgs; i++) {
        size_t len = strlen(orgs);

        snprintf(orgs + len, sizeof(orgs) - len, "%s%s", i ? "," : "", user->orgs[i]);
    }
    endpoint = hf_client_get(client, HF_SETTING_ENDPOINT);
    cli_result(
        ctx, "Logged in",
        (const cli_pair[]){
            { "user", user->name },
            { "orgs", orgs[0] ? orgs : NULL },
            { "endpoint", strcmp(endpoint, "https://huggingface.co") == 0 ? NULL : endpoint } },
        3);
done:
    cli_secret_free(token);
    hf_user_free(user);
    hf_client_free(client);
    return code;
}

/* ---- token */

static int run_token(cli_ctx *ctx, void *args)
{
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    char *token = NULL;
    hf_status status;
    int code = cli_client(ctx, NULL, NULL, &client);

    (void)args;
    if (code != CLI_EXIT_OK)
        return code;
    status = hf_auth_token(client, NULL, &token, &err);
    if (status != HF_OK) {
        code = cli_failed(ctx, status, &err, NULL, NULL);
    } else if (!token) {
        code = cli_error(ctx, "Not logged in. Run `hf auth login` first.");
    } else {
        puts(token);
        cli_hint(ctx, "Run `hf auth whoami` to see which account this token belongs to.");
    }
    cli_secret_free(token);
    hf_client_free(client);
    return code;
}

/* ---- list */

static void expiry(const hf_stored_token *token, char *out, size_t size)
{
    time_t at = (time_t)token->expires_at;
    struct tm local;

    out[0] = '\0';
    if (!token->expires_at || !localtime_r(&at, &local))
        return;
    strftime(out, size, "%Y-%m-%d", &local);
    if (at < time(NULL))
        snprintf(out + strlen(out), size - strlen(out), " (expired)");
}

static void show_list(cli_ctx *ctx, const hf_token_list *list)
{
    static const cli_column columns[] = { { "active", " ", false, false },
                                          { "name", "name", false, false },
                                          { "token", "token", false, false },
                                          { "expires", "expires", false, false } };
    const char **cells = calloc(list->n_tokens * 4 + 1, sizeof(*cells));
    char(*dates)[32] = calloc(list->n_tokens + 1, sizeof(*dates));
    size_t n_columns = 3;

    for (size_t i = 0; i < list->n_tokens; i++)
        n_columns = list->tokens[i].expires_at ? 4 : n_columns;
    for (size_t i = 0; cells && dates && i < list->n_tokens; i++) {
        const hf_stored_token *token = &list->tokens[i];
        const char **row = cells + i * n_columns;

        row[0] = token->is_active ? "*" : "";
        row[1] = token->name;
        row[2] = token->masked;
        if (n_columns == 4) {
            expiry(token, dates[i], sizeof(dates[i]));
            row[3] = dates[i];
        }
    }
    if (cells && dates)
        cli_table(ctx, columns, n_columns, cells, list->n_tokens, 1);
    free(cells);
    free(dates);
}

static int run_list(cli_ctx *ctx, void *args)
{
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    hf_token_list *list = NULL;
    bool active = false;
    hf_status status;
    int code = cli_client(ctx, NULL, NULL, &client);

    (void)args;
    if (code != CLI_EXIT_OK)
        return code;
    status = hf_auth_list(client, &list, &err);
    if (status != HF_OK) {
        code = cli_failed(ctx, status, &err, NULL, NULL);
        goto done;
    }
    for (size_t i = 0; i < list->n_tokens; i++)
        active = active || list->tokens[i].is_active;
    if (list->n_tokens || ctx->mode == CLI_JSON)
        show_list(ctx, list);
    else
        cli_log(ctx, "%s",
                cli_env_token() ? "No stored access tokens found." : "No access tokens found.");
    if (cli_env_token())
        cli_warning(ctx, "The environment variable `HF_TOKEN` is set and is the current active "
                         "token, whatever is stored.");
    else if (list->n_tokens && !active)
        cli_warning(ctx, "No stored token is active. Use `hf auth switch` or `hf auth login`.");
done:
    hf_token_list_free(list);
    hf_client_free(client);
    return code;
}

/* ---- switch */

/* 0 and *name set (to be freed with the list), or an exit code. */
static int choose(cli_ctx *ctx, const hf_token_list *list, const char **name)
{
    const char **names;
    size_t chosen = 0;
    int code;

    if (ctx->mode != CLI_HUMAN)
        return cli_error(ctx, "Use --token-name to select a token in non-interactive mode.");
    names = calloc(list->n_tokens + 1, sizeof(*names));
    if (!names)
        return cli_error(ctx, "out of memory");
    for (size_t i = 0; i < list->n_tokens; i++)
        names[i] = list->tokens[i].name;
    code = cli_choose(ctx, "Select a token to switch to:", names, &chosen);
    *name = names[chosen];
    free(names);
    return code;
}

static int run_switch(cli_ctx *ctx, void *args_)
{
    const auth_args *args = args_;
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    hf_token_list *list = NULL;
    const char *name = args->token_name;
    hf_status status;
    int code = cli_client(ctx, NULL, NULL, &client);

    if (code != CLI_EXIT_OK)
        return code;
    status = name ? HF_OK : hf_auth_list(client, &list, &err);
    if (status == HF_OK && list && list->n_tokens == 0) {
        cli_log(ctx, "No stored tokens found. Please login first.");
        puts("No token name provided. Aborting.");
        goto done;
    }
    if (status == HF_OK && list)
        code = choose(ctx, list, &name);
    if (code != CLI_EXIT_OK)
        goto done;
    if (status == HF_OK)
        status = hf_auth_switch(client, name, &err);
    if (status != HF_OK) {
        code = cli_failed(ctx, status, &err, NULL, NULL);
        goto done;
    }
    if (args->git)
        cli_git_approve(ctx, client, name);
    cli_log(ctx, "Your token has been saved to %s", hf_client_get(client, HF_SETTING_TOKEN_PATH));
    cli_log(ctx, "The current active token is: %s", name);
    if (cli_env_token())
        cli_warning(ctx, "The environment variable `HF_TOKEN` is set and will override the access "
                         "token you've just switched to.");
done:
    hf_token_list_free(list);
    hf_client_free(client);
    return code;
}

/* ---- logout */

static int run_logout(cli_ctx *ctx, void *args_)
{
    const auth_args *args = args_;
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    uint32_t removed = 0;
    hf_status status;
    int code = cli_client(ctx, NULL, NULL, &client);

    if (code != CLI_EXIT_OK)
        return code;
    status = hf_auth_logout(client, args->token_name, &removed, &err);
    if (status != HF_OK) {
        code = cli_failed(ctx, status, &err, NULL, NULL);
        goto done;
    }
    if (!removed && !args->token_name && !cli_env_token()) {
        cli_log(ctx, "Not logged in!");
        goto done;
    }
    if (args->token_name && !removed)
        cli_log(ctx, "There is no stored token '%s'.", args->token_name);
    else if (args->token_name && (removed & HF_LOGOUT_ACTIVE))
        cli_warning(ctx, "Active token '%s' has been deleted.", args->token_name);
    if (args->token_name)
        cli_log(ctx, "Successfully logged out from access token: %s.", args->token_name);
    else
        cli_log(ctx, "Successfully logged out from all access tokens.");
    cli_git_reject(ctx, client);
    if (cli_env_token())
        code = cli_error(ctx, "Token has been deleted from your machine but you are still logged "
                              "in. To log out, you must clear out both `HF_TOKEN` and "
                              "`HUGGING_FACE_HUB_TOKEN` environment variables.");
done:
    hf_client_free(client);
    return code;
}

/* ---- tables */

static const cli_opt name_opts[] = {
    { "token-name", NULL, 0, CLI_STR, offsetof(auth_args, token_name), "NAME",
      "of a stored token; default: all of them", NULL },
    CLI_OPT_END,
};

static const cli_opt switch_opts[] = {
    { "token-name", NULL, 0, CLI_STR, offsetof(auth_args, token_name), "NAME",
      "of a stored token; default: ask", NULL },
    { "add-to-git-credential", NULL, 0, CLI_BOOL, offsetof(auth_args, git), NULL,
      "give the token to git's credential helper too", NULL },
    CLI_OPT_END,
};

static const char *const whoami_examples[] = { "hf auth whoami", "hf auth whoami --json", NULL };
static const char *const token_examples[] = { "hf auth token", NULL };
static const char *const list_examples[] = { "hf auth list", NULL };
static const char *const switch_examples[] = { "hf auth switch --token-name ci-write", NULL };
static const char *const logout_examples[] = { "hf auth logout",
                                               "hf auth logout --token-name ci-write", NULL };

static const cli_cmd whoami = {
    .name = "whoami",
    .summary = "Tell which account the token in use belongs to.",
    .run = run_whoami,
    .examples = whoami_examples,
};

static const cli_cmd token = {
    .name = "token",
    .summary = "Print the token in use.",
    .run = run_token,
    .examples = token_examples,
};

static const cli_cmd list = {
    .name = "list",
    .alias = "ls",
    .summary = "List the stored tokens.",
    .run = run_list,
    .examples = list_examples,
};

static const cli_cmd switch_cmd = {
    .name = "switch",
    .summary = "Make another stored token the one in use.",
    .opts = switch_opts,
    .args_size = sizeof(auth_args),
    .run = run_switch,
    .examples = switch_examples,
};

static const cli_cmd logout = {
    .name = "logout",
    .summary = "Remove tokens from this machine.",
    .description = "The tokens stay valid; revoke them on the Hub's page of settings.",
    .opts = name_opts,
    .args_size = sizeof(auth_args),
    .run = run_logout,
    .examples = logout_examples,
};

static const cli_cmd *const subs[] = { &cli_cmd_login, &logout, &whoami, &switch_cmd,
                                       &list,          &token,  NULL };
static const char *const examples[] = { "hf auth login", "hf auth whoami", NULL };

const cli_cmd cli_cmd_auth = {
    .name = "auth",
    .summary = "Log in and out, and keep tokens.",
    .subs = subs,
    .examples = examples,
};

/* The places of huggingface-cli (cli.md 23.2). */
const cli_cmd cli_cmd_old_logout = {
    .name = "logout",
    .summary = "The same as hf auth logout.",
    .opts = name_opts,
    .args_size = sizeof(auth_args),
    .run = run_logout,
    .examples = logout_examples,
    .hidden = true,
};

const cli_cmd cli_cmd_old_whoami = {
    .name = "whoami",
    .summary = "The same as hf auth whoami.",
    .run = run_whoami,
    .examples = whoami_examples,
    .hidden = true,
};
