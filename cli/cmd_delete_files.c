/* SPDX-License-Identifier: Apache-2.0 */
/* hf repos delete-files, of old hf repo-files delete (cli.md 13). */
#include "commands.h"

#include <string.h>

typedef struct delete_args {
    const char *repo;
    cli_strs patterns;
    const char *type;
    const char *revision;
    const char *message;
    const char *description;
    bool create_pr;
    const char *token;
} delete_args;

static void default_message(const cli_strs *patterns, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "Delete files");

    for (size_t i = 0; i < patterns->n && len < size - 1; i++)
        len += (size_t)snprintf(out + len, size - len, " %.200s", patterns->items[i]);
    if (len < size - 1)
        snprintf(out + len, size - len, " with huggingface_hub");
}

static int send(cli_ctx *ctx, const delete_args *args, hf_client *client, const hf_repo_ref *repo)
{
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_commit_info *info = NULL;
    hf_commit *commit = NULL;
    char message[900];
    hf_status status;

    default_message(&args->patterns, message, sizeof(message));
    opts.message = args->message && *args->message ? args->message : message;
    opts.description = args->description;
    opts.flags = args->create_pr ? HF_UPLOAD_CREATE_PR : 0;
    opts.cancel = ctx->cancel;
    status = hf_commit_new(client, repo, &commit, &err);
    if (status == HF_OK)
        status = hf_commit_delete_matching(commit, args->patterns.items, args->patterns.n, &err);
    if (status == HF_OK)
        status = hf_commit_send(commit, &opts, &info, &err);
    hf_commit_free(commit);
    if (status != HF_OK)
        return cli_failed(ctx, status, &err, repo, NULL);
    if (info->n_commits == 0)
        cli_warning(ctx, "No files have been modified since last commit. Skipping to prevent empty "
                         "commit.");
    if (info->pr_url)
        cli_log(ctx, "Pull request: %s", info->pr_url);
    {
        cli_pair pairs[] = { { "repo_id", info->repo_id }, { "commit_url", info->url } };

        cli_result(ctx, "Files deleted", pairs, 2);
    }
    hf_commit_info_free(info);
    return CLI_EXIT_OK;
}

static int run(cli_ctx *ctx, void *args_)
{
    const delete_args *args = args_;
    cli_repo_arg repo = { 0 };
    hf_client *client = NULL;
    int code;

    if (args->patterns.n == 0)
        return cli_usage_error(ctx, "Missing argument 'PATTERNS...'.");
    code = cli_repo_parse(ctx, args->repo, args->type, args->revision, &repo);
    if (code == CLI_EXIT_OK)
        code = cli_client(ctx, args->token, NULL, &client);
    if (code == CLI_EXIT_OK)
        code = send(ctx, args, client, &repo.ref);
    hf_client_free(client);
    cli_repo_dispose(&repo);
    return code;
}

static int run_old(cli_ctx *ctx, void *args_)
{
    cli_warning(ctx, "`hf repo-files delete` is deprecated in favor of `hf repos delete-files`.");
    return run(ctx, args_);
}

static const cli_arg args[] = {
    { "REPO_ID", CLI_ONE, offsetof(delete_args, repo),
      "namespace/name, datasets/namespace/name, or an hf:// URI" },
    { "PATTERNS", CLI_MANY, offsetof(delete_args, patterns),
      "files, folders that end in '/', or patterns" },
    CLI_ARG_END,
};

static const cli_opt opts_table[] = {
    { "type", "repo-type", 0, CLI_CHOICE, offsetof(delete_args, type), "TYPE",
      "kind of repo; default model", cli_repo_types },
    { "revision", NULL, 0, CLI_STR, offsetof(delete_args, revision), "REV",
      "branch to change, or refs/pr/N; default main", NULL },
    { "commit-message", NULL, 0, CLI_STR, offsetof(delete_args, message), "TEXT",
      "first line of the commit's message", NULL },
    { "commit-description", NULL, 0, CLI_STR, offsetof(delete_args, description), "TEXT",
      "what follows it", NULL },
    { "create-pr", NULL, 0, CLI_BOOL, offsetof(delete_args, create_pr), NULL,
      "open a pull request instead of changing the branch", NULL },
    { "token", NULL, 0, CLI_STR, offsetof(delete_args, token), "TEXT",
      "access token; default: HF_TOKEN or the one you logged in with", NULL },
    CLI_OPT_END,
};

static const char *const examples[] = {
    "hf repos delete-files my-name/my-model old.bin",
    "hf repos delete-files my-name/my-model 'runs/*' --create-pr",
    NULL,
};

const cli_cmd cli_cmd_delete_files = {
    .name = "delete-files",
    .summary = "Delete files of a repo in one commit.",
    .description = "`.gitattributes` is never deleted.",
    .opts = opts_table,
    .args = args,
    .args_size = sizeof(delete_args),
    .run = run,
    .examples = examples,
    .repo_prefix = true,
};

static const cli_cmd old_delete = {
    .name = "delete",
    .summary = "Delete files of a repo in one commit.",
    .opts = opts_table,
    .args = args,
    .args_size = sizeof(delete_args),
    .run = run_old,
    .repo_prefix = true,
};

static const cli_cmd *const old_subs[] = { &old_delete, NULL };

const cli_cmd cli_cmd_repo_files = {
    .name = "repo-files",
    .summary = "Old form of `hf repos delete-files`.",
    .subs = old_subs,
    .hidden = true,
};
