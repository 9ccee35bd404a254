/* SPDX-License-Identifier: Apache-2.0 */
/* hf repos access: who may read a gated repo. The official command has none for it; the names are
 * those of the calls of Python's client. */
#include "commands.h"
#include "json.h"

#include <string.h>

typedef struct access_args {
    const char *id;
    const char *user;
    const char *type;
    const char *status;
    const char *reason;
    const char *token;
} access_args;

#define AT(field) offsetof(access_args, field)

static int run_list(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = {
        { "user.user", "username" },
        { "user.fullname", "fullname" },
        { "user.email", "email" },
        { "timestamp", "timestamp" },
        { "status", "status" },
        { "fields", "fields" },
        { NULL, NULL },
    };
    const access_args *args = data;
    const hf_access_request *request = NULL;
    hf_list *list = NULL;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    cli_rows_begin(&rows, ctx, fields, "user.user");
    status =
        hf_access_list_open(call.client, &call.repo.ref, args->status ? args->status : "pending",
                            &call.opts, &list, &call.err);
    while (status == HF_OK) {
        status = hf_list_next_access(list, &request, &call.err);
        if (status != HF_OK || !request)
            break;
        cli_rows_add(&rows, request->json);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(&call, code, status);
}

/* status NULL: grant without a request. */
static int set(cli_ctx *ctx, const access_args *args, const char *word, const char *message)
{
    hf_status status = HF_OK;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    if (code == CLI_EXIT_OK && word)
        status = hf_access_handle(call.client, &call.repo.ref, args->user, word, args->reason,
                                  &call.opts, &call.err);
    else if (code == CLI_EXIT_OK)
        status = hf_access_grant(call.client, &call.repo.ref, args->user, &call.opts, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(ctx, message,
                   (const cli_pair[]){ { "user", args->user }, { "repo_id", call.repo.id } }, 2);
    return cli_call_end(&call, code, status);
}

static int run_accept(cli_ctx *ctx, void *args)
{
    return set(ctx, args, "accepted", "Access accepted");
}

static int run_reject(cli_ctx *ctx, void *args)
{
    return set(ctx, args, "rejected", "Access rejected");
}

static int run_cancel(cli_ctx *ctx, void *args)
{
    return set(ctx, args, "pending", "Access pending");
}

static int run_grant(cli_ctx *ctx, void *args)
{
    return set(ctx, args, NULL, "Access granted");
}

/* clang-format off */
static const char *const status_words[] = { "pending", "accepted", "rejected", NULL };

#define SHARED_OPTS \
    { "type", "repo-type", 0, CLI_CHOICE, AT(type), "TYPE", "kind of the repo (default: model)", cli_repo_types_git }, \
    { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define ID_ARG { "REPO_ID", CLI_ONE, AT(id), "namespace/name" }

static const cli_opt list_opts[] = {
    { "status", NULL, 's', CLI_CHOICE, AT(status), "WORD", "requests in this state (default: pending)", status_words },
    SHARED_OPTS, CLI_OPT_END };
static const cli_opt plain_opts[] = { SHARED_OPTS, CLI_OPT_END };
static const cli_opt reject_opts[] = {
    { "reason", NULL, 0, CLI_STR, AT(reason), "TEXT", "told to the user", NULL },
    SHARED_OPTS, CLI_OPT_END };
static const cli_arg repo_args[] = { ID_ARG, CLI_ARG_END };
static const cli_arg user_args[] = { ID_ARG, { "USER", CLI_ONE, AT(user), "name of the account" }, CLI_ARG_END };

#define COMMAND(id_, name_, alias_, summary_, opts_, args_, run_, ...) \
    static const cli_cmd id_ = { .name = name_, .alias = alias_, .summary = summary_, .opts = opts_, \
        .args = args_, .args_size = sizeof(access_args), .run = run_, .repo_prefix = 1, \
        .examples = (const char *const[]){ __VA_ARGS__, NULL } };

COMMAND(list, "list", "ls", "List who asked for access to a gated repo.", list_opts, repo_args, run_list,
        "hf repos access list acme/model", "hf repos access list acme/model --status accepted -q")
COMMAND(accept, "accept", NULL, "Accept a request.", plain_opts, user_args, run_accept, "hf repos access accept acme/model bob")
COMMAND(reject, "reject", NULL, "Reject a request.", reject_opts, user_args, run_reject,
        "hf repos access reject acme/model bob --reason 'no contact given'")
COMMAND(cancel, "cancel", NULL, "Make a request that was answered pending again.", plain_opts, user_args, run_cancel,
        "hf repos access cancel acme/model bob")
COMMAND(grant, "grant", NULL, "Give access to somebody who did not ask.", plain_opts, user_args, run_grant,
        "hf repos access grant acme/model bob")
/* clang-format on */

static const cli_cmd *const subs[] = { &list, &accept, &reject, &cancel, &grant, NULL };

const cli_cmd cli_cmd_access = {
    .name = "access",
    .summary = "Say who may read a gated repo.",
    .subs = subs,
};
