/* SPDX-License-Identifier: Apache-2.0 */
/* hf repos like, unlike, likers, commits, squash: calls of Python's client that the official command
 * has no words for. */
#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct more_args {
    const char *id;
    const char *type;
    const char *revision;
    const char *branch;
    const char *message;
    const char *token;
    cli_uint limit;
    bool yes;
} more_args;

#define AT(field) offsetof(more_args, field)

/* ---- likes */

static int like(cli_ctx *ctx, const more_args *args, bool liked)
{
    hf_status status = HF_OK;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    if (code == CLI_EXIT_OK && liked)
        status = hf_repo_like(call.client, &call.repo.ref, &call.opts, &call.err);
    else if (code == CLI_EXIT_OK)
        status = hf_repo_unlike(call.client, &call.repo.ref, &call.opts, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(ctx, liked ? "Repo liked" : "Like taken back",
                   (const cli_pair[]){ { "repo_id", call.repo.id } }, 1);
    return cli_call_end(&call, code, status);
}

static int run_like(cli_ctx *ctx, void *args)
{
    return like(ctx, args, true);
}

static int run_unlike(cli_ctx *ctx, void *args)
{
    return like(ctx, args, false);
}

static int run_likers(cli_ctx *ctx, void *data)
{
    const more_args *args = data;
    hf_list *list = NULL;
    hf_status status;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_liker_list_open(call.client, &call.repo.ref, &call.opts, &list, &call.err);
    return cli_people_show(&call, list, status, &args->limit);
}

/* ---- history */

static void put_names(FILE *out, const hf_git_commit *commit)
{
    fputs(", \"authors\": [", out);
    for (size_t i = 0; i < commit->n_authors; i++) {
        fputs(i ? ", " : "", out);
        cli_json_string(out, commit->authors[i]);
    }
    fputs("]", out);
}

/* With the names that Python's client gives the members. */
static void add_commit(cli_rows *rows, const hf_git_commit *commit)
{
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);

    if (!out)
        return;
    fputs("{\"commit_id\": ", out);
    cli_json_string(out, commit->id);
    put_names(out, commit);
    fputs(", \"created_at\": ", out);
    cli_json_date(out, commit->date ? commit->date : "");
    fputs(", \"title\": ", out);
    cli_json_string(out, commit->title);
    fputs(", \"message\": ", out);
    cli_json_string(out, commit->message);
    fputc('}', out);
    if (fclose(out) == 0)
        cli_rows_add(rows, json);
    free(json);
}

static int run_commits(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = { { "commit_id", "commit_id" },   { "authors", "authors" },
                                        { "created_at", "created_at" }, { "title", "title" },
                                        { "message", "message" },       { NULL, NULL } };
    const more_args *args = data;
    unsigned long left = args->limit.given ? args->limit.value : 30;
    bool all = left == 0;
    const hf_git_commit *commit = NULL;
    hf_list *list = NULL;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, args->revision, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    cli_rows_begin(&rows, ctx, fields, "commit_id");
    status = hf_commit_list_open(call.client, &call.repo.ref, &call.opts, &list, &call.err);
    while (status == HF_OK && (all || left--)) {
        status = hf_list_next_commit(list, &commit, &call.err);
        if (status != HF_OK || !commit)
            break;
        add_commit(&rows, commit);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(&call, code, status);
}

static int run_squash(cli_ctx *ctx, void *data)
{
    const more_args *args = data;
    const char *branch = args->branch ? args->branch : "main";
    hf_status status = HF_OK;
    char question[512];
    cli_call call;
    int code;

    snprintf(
        question, sizeof(question),
        "You are about to replace the history of '%.100s' of '%.300s' by one commit, for ever. "
        "Proceed?",
        branch, args->id);
    if (!cli_confirm(ctx, question, args->yes, &code))
        return code;
    code = cli_call_begin(&call, ctx, args->id, args->type, branch, args->token);
    if (code == CLI_EXIT_OK)
        status =
            hf_history_squash(call.client, &call.repo.ref, args->message, &call.opts, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(ctx, "History squashed",
                   (const cli_pair[]){ { "repo_id", call.repo.id }, { "branch", branch } }, 2);
    return cli_call_end(&call, code, status);
}

/* ---- tables */

/* clang-format off */
#define SHARED_OPTS \
    { "type", "repo-type", 0, CLI_CHOICE, AT(type), "TYPE", "kind of the repo (default: model)", cli_repo_types_git }, \
    { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define LIMIT_OPT { "limit", NULL, 0, CLI_UINT, AT(limit), "N", "show so many (default: 30); 0 for all", NULL }

static const cli_opt plain_opts[] = { SHARED_OPTS, CLI_OPT_END };
static const cli_opt likers_opts[] = { LIMIT_OPT, SHARED_OPTS, CLI_OPT_END };
static const cli_opt commits_opts[] = {
    { "revision", NULL, 0, CLI_STR, AT(revision), "REV", "branch, tag or commit to start at (default: main)", NULL },
    LIMIT_OPT, SHARED_OPTS, CLI_OPT_END };
static const cli_opt squash_opts[] = {
    { "branch", NULL, 0, CLI_STR, AT(branch), "NAME", "which branch (default: main)", NULL },
    { "message", NULL, 'm', CLI_STR, AT(message), "TEXT", "message of the commit", NULL },
    { "yes", NULL, 'y', CLI_FLAG, AT(yes), NULL, "do not ask", NULL },
    SHARED_OPTS, CLI_OPT_END };
static const cli_arg id_args[] = { { "REPO_ID", CLI_ONE, AT(id), "namespace/name" }, CLI_ARG_END };

#define COMMAND(id_, name_, summary_, opts_, run_, ...) \
    const cli_cmd id_ = { .name = name_, .summary = summary_, .opts = opts_, .args = id_args, \
        .args_size = sizeof(more_args), .run = run_, .repo_prefix = 1, \
        .examples = (const char *const[]){ __VA_ARGS__, NULL } };

COMMAND(cli_cmd_like, "like", "Like a repo.", plain_opts, run_like, "hf repos like acme/model")
COMMAND(cli_cmd_unlike, "unlike", "Take a like back.", plain_opts, run_unlike, "hf repos unlike datasets/acme/data")
COMMAND(cli_cmd_likers, "likers", "List who likes a repo.", likers_opts, run_likers, "hf repos likers acme/model --limit 0 -q")
COMMAND(cli_cmd_commits, "commits", "List the history of a repo, newest first.", commits_opts, run_commits,
        "hf repos commits acme/model", "hf repos commits acme/model --revision v1.0 --limit 5 --json")
COMMAND(cli_cmd_squash, "squash", "Replace the history of a branch by one commit with the same files.", squash_opts, run_squash,
        "hf repos squash acme/model", "hf repos squash acme/model --branch dev -m 'one commit' --yes")
/* clang-format on */
