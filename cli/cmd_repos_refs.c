/* SPDX-License-Identifier: Apache-2.0 */
/* hf repos branch and hf repos tag (cli.md 13), and the old huggingface-cli tag (cli.md 23.2). */
#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct refs_args {
    const char *id;
    const char *name;
    const char *type;
    const char *revision;
    const char *message;
    const char *token;
    bool exist_ok;
    bool yes;
    bool list;   /* of the old command */
    bool remove; /* likewise */
} refs_args;

#define AT(field) offsetof(refs_args, field)

static const char *type_word(const cli_call *call)
{
    return cli_repo_types[call->repo.ref.type];
}

static int told(cli_call *call, hf_status status, const char *message, const char *key,
                const char *name)
{
    if (status == HF_OK)
        cli_result(call->ctx, message,
                   (const cli_pair[]){ { key, name },
                                       { "repo_type", type_word(call) },
                                       { "repo_id", call->repo.id } },
                   3);
    return cli_call_end(call, CLI_EXIT_OK, status);
}

/* ---- branches */

static int run_branch_create(cli_ctx *ctx, void *data)
{
    const refs_args *args = data;
    cli_call call;
    hf_status status;
    int code = cli_call_begin(&call, ctx, args->id, args->type, args->revision, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    call.opts.flags = args->exist_ok ? HF_CALL_EXIST_OK : 0;
    status = hf_branch_create(call.client, &call.repo.ref, args->name, &call.opts, &call.err);
    if (status == HF_ERR_CONFLICT)
        return cli_call_end(
            &call, cli_error(ctx, "Branch '%s' already exists on '%s'.", args->name, call.repo.id),
            status);
    return told(&call, status, "Branch created", "branch", args->name);
}

static int run_branch_delete(cli_ctx *ctx, void *data)
{
    const refs_args *args = data;
    cli_call call;
    hf_status status;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_branch_delete(call.client, &call.repo.ref, args->name, &call.opts, &call.err);
    if (status == HF_ERR_REVISION_NOT_FOUND)
        return cli_call_end(
            &call, cli_error(ctx, "Branch '%s' not found on '%s'.", args->name, call.repo.id),
            status);
    return told(&call, status, "Branch deleted", "branch", args->name);
}

/* ---- tags */

static int run_tag_create(cli_ctx *ctx, void *data)
{
    const refs_args *args = data;
    cli_call call;
    hf_status status;
    int code = cli_call_begin(&call, ctx, args->id, args->type, args->revision, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_tag_create(call.client, &call.repo.ref, args->name, args->message, &call.opts,
                           &call.err);
    if (status == HF_ERR_CONFLICT)
        return cli_call_end(
            &call, cli_error(ctx, "Tag '%s' already exists on '%s'.", args->name, call.repo.id),
            status);
    return told(&call, status, "Tag created", "tag", args->name);
}

static void add_ref(cli_rows *rows, const hf_ref *ref)
{
    const cli_text_member members[] = { { "name", ref->name },
                                        { "target_commit", ref->target_commit },
                                        { "ref", ref->ref } };

    cli_rows_add_texts(rows, members, 3);
}

static int run_tag_list(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = {
        { "name", "name" }, { "target_commit", "target_commit" }, { "ref", "ref" }, { NULL, NULL }
    };
    const refs_args *args = data;
    hf_refs *refs = NULL;
    hf_status status = HF_OK;
    cli_rows rows;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_refs_get(call.client, &call.repo.ref, &call.opts, &refs, &call.err);
    if (status == HF_OK) {
        cli_rows_begin(&rows, ctx, fields, "name");
        for (size_t i = 0; i < refs->n_tags; i++)
            add_ref(&rows, &refs->tags[i]);
        cli_rows_end(&rows, true);
    }
    hf_refs_free(refs);
    return cli_call_end(&call, code, status);
}

static int run_tag_delete(cli_ctx *ctx, void *data)
{
    const refs_args *args = data;
    cli_call call;
    hf_status status;
    int code;

    cli_text(ctx, "You are about to delete tag %s on %s %s", args->name,
             args->type ? args->type : "model", args->id);
    if (!cli_confirm(ctx, "Proceed?", args->yes, &code))
        return code;
    code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);
    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_tag_delete(call.client, &call.repo.ref, args->name, &call.opts, &call.err);
    if (status == HF_ERR_REVISION_NOT_FOUND)
        return cli_call_end(
            &call, cli_error(ctx, "Tag '%s' not found on '%s'.", args->name, call.repo.id), status);
    return told(&call, status, "Tag deleted", "tag", args->name);
}

/* Flags choose what it does. */
static int run_old_tag(cli_ctx *ctx, void *data)
{
    refs_args *args = data;

    if (args->list)
        return run_tag_list(ctx, data);
    if (!args->name)
        return cli_usage_error(ctx, "Missing argument 'TAG'.");
    return args->remove ? run_tag_delete(ctx, data) : run_tag_create(ctx, data);
}

/* ---- tables */

/* clang-format off */
#define TYPE_OPT { "type", "repo-type", 0, CLI_CHOICE, AT(type), "TYPE", "kind of the repo (default: model)", cli_repo_types_git }
#define TOKEN_OPT { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define REVISION_OPT { "revision", NULL, 0, CLI_STR, AT(revision), "REV", "branch, tag or commit it starts at (default: main)", NULL }
#define MESSAGE_OPT { "message", NULL, 'm', CLI_STR, AT(message), "TEXT", "makes it an annotated tag", NULL }
#define YES_OPT { "yes", NULL, 'y', CLI_FLAG, AT(yes), NULL, "do not ask", NULL }
#define ID_ARG { "REPO_ID", CLI_ONE, AT(id), "namespace/name" }
/* clang-format on */

/* clang-format off */
static const cli_opt branch_create_opts[] = {
    REVISION_OPT, TYPE_OPT,
    { "exist-ok", NULL, 0, CLI_BOOL, AT(exist_ok), NULL, "it is no error when the branch exists", NULL },
    TOKEN_OPT, CLI_OPT_END };
static const cli_opt plain_opts[] = { TYPE_OPT, TOKEN_OPT, CLI_OPT_END };
static const cli_opt tag_create_opts[] = { MESSAGE_OPT, REVISION_OPT, TYPE_OPT, TOKEN_OPT, CLI_OPT_END };
static const cli_opt tag_delete_opts[] = { YES_OPT, TYPE_OPT, TOKEN_OPT, CLI_OPT_END };
static const cli_arg repo_args[] = { ID_ARG, CLI_ARG_END };
static const cli_arg branch_args[] = { ID_ARG, { "BRANCH", CLI_ONE, AT(name), "name of the branch" }, CLI_ARG_END };
static const cli_arg tag_args[] = { ID_ARG, { "TAG", CLI_ONE, AT(name), "name of the tag" }, CLI_ARG_END };

#define COMMAND(id_, name_, alias_, summary_, opts_, args_, run_, ...) \
    static const cli_cmd id_ = { .name = name_, .alias = alias_, .summary = summary_, .opts = opts_, \
        .args = args_, .args_size = sizeof(refs_args), .run = run_, .repo_prefix = 1, \
        .examples = (const char *const[]){ __VA_ARGS__, NULL } };

COMMAND(branch_create, "create", NULL, "Make a branch.", branch_create_opts, branch_args, run_branch_create,
        "hf repos branch create my-model dev", "hf repos branch create my-model release --revision v1.0")
COMMAND(branch_delete, "delete", NULL, "Delete a branch.", plain_opts, branch_args, run_branch_delete,
        "hf repos branch delete my-model dev")
COMMAND(tag_create, "create", NULL, "Tag a revision.", tag_create_opts, tag_args, run_tag_create,
        "hf repos tag create my-model v1.0", "hf repos tag create my-model v1.0 -m 'first release'")
COMMAND(tag_list, "list", "ls", "List the tags of a repo.", plain_opts, repo_args, run_tag_list,
        "hf repos tag list my-model")
COMMAND(tag_delete, "delete", NULL, "Delete a tag.", tag_delete_opts, tag_args, run_tag_delete,
        "hf repos tag delete my-model v1.0 --yes")
/* clang-format on */

const cli_cmd cli_cmd_branch = {
    .name = "branch",
    .summary = "Make and delete branches.",
    .subs = (const cli_cmd *const[]){ &branch_create, &branch_delete, NULL },
};

const cli_cmd cli_cmd_tag = {
    .name = "tag",
    .summary = "Make, list and delete tags.",
    .subs = (const cli_cmd *const[]){ &tag_create, &tag_list, &tag_delete, NULL },
};

static const cli_opt old_tag_opts[] = {
    MESSAGE_OPT,
    REVISION_OPT,
    { "list", NULL, 'l', CLI_FLAG, AT(list), NULL, "list tags", NULL },
    { "delete", NULL, 'd', CLI_FLAG, AT(remove), NULL, "delete the tag", NULL },
    YES_OPT,
    TYPE_OPT,
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_arg old_tag_args[] = { ID_ARG,
                                        { "TAG", CLI_OPTIONAL, AT(name), "name of the tag" },
                                        CLI_ARG_END };

const cli_cmd cli_cmd_old_tag = {
    .name = "tag",
    .summary = "Tag a revision, list or delete tags.",
    .opts = old_tag_opts,
    .args = old_tag_args,
    .args_size = sizeof(refs_args),
    .run = run_old_tag,
    .repo_prefix = 1,
    .hidden = true,
};
