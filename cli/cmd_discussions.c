/* SPDX-License-Identifier: Apache-2.0 */
/* hf discussions (cli.md 18.1). */
#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct talk_args {
    const char *id;
    const char *num;
    const char *comment_id;
    const char *title;
    const char *type;
    const char *status;
    const char *kind;
    const char *author;
    const char *body;
    const char *body_file;
    const char *comment;
    const char *token;
    cli_uint limit;
    bool pull_request;
    bool yes;
} talk_args;

#define AT(field) offsetof(talk_args, field)

/* ---- what they share */

static int parse_num(cli_ctx *ctx, const char *text, uint64_t *num)
{
    unsigned long value;

    if (!cli_number(text, &value))
        return cli_usage_error(ctx, "Invalid value for 'NUM': '%s' is not a valid integer.", text);
    if (value == 0)
        return cli_usage_error(ctx, "Invalid value for 'NUM': 0 is not in the range x>=1.");
    *num = value;
    return CLI_EXIT_OK;
}

/* begins with REPO and, when there is one, NUM */
static int begin(cli_call *call, cli_ctx *ctx, const talk_args *args, uint64_t *num)
{
    int code = args->num ? parse_num(ctx, args->num, num) : CLI_EXIT_OK;

    memset(call, 0, sizeof(*call));
    call->ctx = ctx;
    return code == CLI_EXIT_OK ? cli_call_begin(call, ctx, args->id, args->type, NULL, args->token)
                               : code;
}

/* --body, or what --body-file names ('-': standard input). *out NULL: neither; to be freed. */
static int body_of(cli_ctx *ctx, const talk_args *args, char **out)
{
    *out = NULL;
    if (args->body && args->body_file)
        return cli_usage_error(ctx, "'--body' and '--body-file' are mutually exclusive.");
    if (!args->body && !args->body_file)
        return CLI_EXIT_OK;
    *out = args->body ? strdup(args->body) : cli_read_file(ctx, args->body_file);
    if (args->body && !*out)
        return cli_error(ctx, "out of memory");
    return *out ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

/* "Closed #5 in r", {num, repo, more} */
static void told(cli_call *call, const char *verb, uint64_t num, const char *key, const char *value)
{
    char message[400];
    char number[24];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)num);
    snprintf(message, sizeof(message), verb, (unsigned long long)num, call->repo.id);
    cli_result_raw(
        call->ctx, message,
        (const cli_pair[]){ { "num", number }, { "repo", call->repo.id }, { key, value } },
        key ? 3 : 2, 1);
}

/* ---- list, info, diff */

/* As it is shown and asked for by scripts: the members that Python's client gives a discussion. */
static const cli_field head_fields[] = {
    { "title", "title" },       { "status", "status" },       { "num", "num" },
    { "repo.name", "repo_id" }, { "repo.type", "repo_type" }, { NULL, NULL },
};

static const cli_field made_fields[] = {
    { "isPullRequest", "is_pull_request" },
    { "createdAt", "created_at" },
    { NULL, NULL },
};

static const cli_field request_fields[] = {
    { "filesWithConflicts", "conflicting_files" },
    { "changes.base", "target_branch" },
    { "changes.mergeCommitId", "merge_commit_oid" },
    { NULL, NULL },
};

static const cli_field diff_fields[] = { { "diff", "diff" }, { NULL, NULL } };

static void put_author(FILE *out, cli_json record)
{
    char *name = NULL;
    cli_json value;

    if (cli_json_find(record, "author.name", &value))
        name = cli_json_text(value);
    fputs(", \"author\": ", out);
    cli_json_string(out, name ? name : "deleted"); /* the account is gone */
    free(name);
}

/* What an event is about lies in its data, in other places for each type. */
static void put_event(FILE *out, cli_json event)
{
    static const cli_field first[] = {
        { "id", "id" }, { "type", "type" }, { "createdAt", "created_at" }, { NULL, NULL }
    };
    static const cli_field rest[] = {
        { "data.latest.raw", "content" },
        { "data.edited", "edited" },
        { "data.hidden", "hidden" },
        { "data.status", "new_status" },
        { "data.subject", "summary" },
        { "data.oid", "oid" },
        { "data.from", "old_title" },
        { "data.to", "new_title" },
        { NULL, NULL },
    };
    char *more = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&more, &size);

    fputc('{', out);
    (void)cli_fields_put(out, event, first, 0);
    put_author(out, event);
    fputs(", \"_event\": ", out);
    cli_json_put(out, event, 0);
    if (text)
        (void)cli_fields_put(text, event, rest, 0);
    if (text && fclose(text) == 0 && *more)
        fprintf(out, ", %s", more);
    fputc('}', out);
    free(more);
}

static void put_details(FILE *out, cli_json record)
{
    bool request = false;
    cli_json events = { "", 0 };
    cli_json value;
    bool any = false;

    fputs(", \"events\": [", out);
    (void)cli_json_get(record, "events", &events);
    while (cli_json_item(&events, &value)) {
        fputs(any ? ", " : "", out);
        put_event(out, value);
        any = true;
    }
    fputs("], ", out);
    if (cli_json_get(record, "isPullRequest", &value))
        request = cli_json_kind(value) == 't';
    if (request && cli_fields_put(out, record, request_fields, 0))
        fputs(", ", out);
    if (!cli_fields_put(out, record, diff_fields, 0))
        fputs("\"diff\": null", out);
}

/* To be freed; NULL when out of memory. */
static char *as_shown(const cli_call *call, const char *json, bool details)
{
    cli_json record = cli_json_make(json);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fputc('{', out);
    (void)cli_fields_put(out, record, head_fields, 0);
    put_author(out, record);
    fputs(", ", out);
    (void)cli_fields_put(out, record, made_fields, 0);
    fputs(", \"endpoint\": ", out);
    cli_json_string(out, hf_client_get(call->client, HF_SETTING_ENDPOINT));
    if (details)
        put_details(out, record);
    fputc('}', out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static const cli_field list_fields[] = {
    { "num", "num" },       { "title", "title" },   { "is_pull_request", "is_pull_request" },
    { "status", "status" }, { "author", "author" }, { "created_at", "created_at" },
    { NULL, NULL },
};

static int run_list(cli_ctx *ctx, void *data)
{
    const talk_args *args = data;
    const char *status_word = args->status ? args->status : "open";
    bool here = strcmp(status_word, "merged") == 0 || strcmp(status_word, "draft") == 0;
    hf_discussion_list_opts opts = HF_DISCUSSION_LIST_OPTS_INIT;
    unsigned long left = args->limit.given ? args->limit.value : 30;
    const hf_discussion *d = NULL;
    hf_list *list = NULL;
    char *shown;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = begin(&call, ctx, args, NULL);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    opts.kind = args->kind && strcmp(args->kind, "all") != 0 ? args->kind : NULL;
    opts.status = here || strcmp(status_word, "all") == 0 ? NULL : status_word;
    opts.author = args->author;
    opts.cancel = ctx->cancel;
    cli_rows_begin(&rows, ctx, list_fields, "num");
    rows.whole = true;
    status = hf_discussion_list_open(call.client, &call.repo.ref, &opts, &list, &call.err);
    while (status == HF_OK && left) {
        status = hf_list_next_discussion(list, &d, &call.err);
        if (status != HF_OK || !d)
            break;
        if (here && (!d->status || strcmp(d->status, status_word) != 0)) /* the Hub cannot filter */
            continue;
        shown = as_shown(&call, d->json, false);
        if (shown)
            cli_rows_add(&rows, shown);
        free(shown);
        left--;
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(&call, code, status);
}

static int show(cli_ctx *ctx, const talk_args *args, bool diff)
{
    hf_discussion *d = NULL;
    hf_status status = HF_OK;
    char *shown = NULL;
    uint64_t num = 0;
    cli_call call;
    int code = begin(&call, ctx, args, &num);

    if (code == CLI_EXIT_OK) {
        call.opts.flags = HF_DISCUSSION_DIFF;
        status = hf_discussion_get(call.client, &call.repo.ref, num, &call.opts, &d, &call.err);
    }
    if (d && diff)
        cli_text(ctx, "%s", d->diff && *d->diff ? d->diff : "No diff available.");
    else if (d && (shown = as_shown(&call, d->json, true)) != NULL)
        cli_record(ctx, shown, NULL, NULL);
    free(shown);
    hf_discussion_free(d);
    return cli_call_end(&call, code, status);
}

static int run_info(cli_ctx *ctx, void *args)
{
    return show(ctx, args, false);
}

static int run_diff(cli_ctx *ctx, void *args)
{
    return show(ctx, args, true);
}

/* ---- create, comment, edit */

static int run_create(cli_ctx *ctx, void *data)
{
    const talk_args *args = data;
    hf_status status = HF_OK;
    uint64_t num = 0;
    char *body = NULL;
    char message[400];
    char number[24];
    char url[600];
    char ref[40];
    cli_call call;
    int code;

    if (!args->title)
        return cli_usage_error(ctx, "Missing option '--title'.");
    code = begin(&call, ctx, args, NULL);
    if (code == CLI_EXIT_OK)
        code = body_of(ctx, args, &body);
    if (code == CLI_EXIT_OK)
        status = hf_discussion_create(call.client, &call.repo.ref, args->title, body,
                                      args->pull_request, &call.opts, &num, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK) {
        hf_repo_type type = call.repo.ref.type;

        snprintf(number, sizeof(number), "%llu", (unsigned long long)num);
        snprintf(ref, sizeof(ref), "refs/pr/%llu", (unsigned long long)num);
        snprintf(url, sizeof(url), "%.200s/%s%.200s/discussions/%s",
                 hf_client_get(call.client, HF_SETTING_ENDPOINT),
                 type == HF_REPO_DATASET ? "datasets/"
                 : type == HF_REPO_SPACE ? "spaces/"
                                         : "",
                 call.repo.id, number);
        snprintf(message, sizeof(message), "Created %s #%s on %s",
                 args->pull_request ? "pull request" : "discussion", number, call.repo.id);
        cli_result_raw(ctx, message,
                       (const cli_pair[]){ { "num", number },
                                           { "url", url },
                                           { "ref", args->pull_request ? ref : NULL } },
                       3, 1);
    }
    free(body);
    return cli_call_end(&call, code, status);
}

static int say(cli_ctx *ctx, const talk_args *args)
{
    hf_status status = HF_OK;
    uint64_t num = 0;
    char *body = NULL;
    cli_call call;
    int code;

    if (!args->body && !args->body_file)
        return cli_usage_error(ctx, "Either '--body' or '--body-file' is required.");
    code = begin(&call, ctx, args, &num);
    if (code == CLI_EXIT_OK)
        code = body_of(ctx, args, &body);
    if (code == CLI_EXIT_OK && args->comment_id)
        status = hf_discussion_edit(call.client, &call.repo.ref, num, args->comment_id, body,
                                    &call.opts, NULL, &call.err);
    else if (code == CLI_EXIT_OK)
        status = hf_discussion_comment(call.client, &call.repo.ref, num, body, &call.opts, NULL,
                                       &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        told(&call, args->comment_id ? "Edited comment on #%llu in %s" : "Commented on #%llu in %s",
             num, args->comment_id ? "comment_id" : NULL, args->comment_id);
    free(body);
    return cli_call_end(&call, code, status);
}

static int run_hide(cli_ctx *ctx, void *data)
{
    const talk_args *args = data;
    hf_status status = HF_OK;
    char question[400];
    uint64_t num = 0;
    cli_call call;
    int code = parse_num(ctx, args->num, &num);

    if (code != CLI_EXIT_OK)
        return code;
    snprintf(question, sizeof(question), "Hide a comment on #%llu of '%.300s' for ever?",
             (unsigned long long)num, args->id);
    if (!cli_confirm(ctx, question, args->yes, &code))
        return code;
    code = begin(&call, ctx, args, &num);
    if (code == CLI_EXIT_OK)
        status = hf_discussion_hide(call.client, &call.repo.ref, num, args->comment_id, &call.opts,
                                    NULL, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        told(&call, "Hid comment on #%llu in %s", num, "comment_id", args->comment_id);
    return cli_call_end(&call, code, status);
}

static int run_say(cli_ctx *ctx, void *args)
{
    return say(ctx, args);
}

/* ---- close, reopen, merge, rename */

typedef enum act_kind { ACT_CLOSE, ACT_REOPEN, ACT_MERGE } act_kind;

static int act(cli_ctx *ctx, const talk_args *args, act_kind kind)
{
    static const char *const verbs[] = { "Close", "Reopen", "Merge" };
    static const char *const done[] = { "Closed #%llu in %s", "Reopened #%llu in %s",
                                        "Merged #%llu in %s" };
    hf_status status = HF_OK;
    char question[400];
    uint64_t num = 0;
    cli_call call;
    int code = parse_num(ctx, args->num, &num);

    if (code != CLI_EXIT_OK)
        return code;
    snprintf(question, sizeof(question), "%s #%llu on '%.300s'?", verbs[kind],
             (unsigned long long)num, args->id);
    if (!cli_confirm(ctx, question, args->yes, &code))
        return code;
    code = begin(&call, ctx, args, &num);
    if (code == CLI_EXIT_OK && kind == ACT_MERGE)
        status = hf_discussion_merge(call.client, &call.repo.ref, num, args->comment, &call.opts,
                                     &call.err);
    else if (code == CLI_EXIT_OK)
        status = hf_discussion_set_status(call.client, &call.repo.ref, num,
                                          kind == ACT_CLOSE ? "closed" : "open", args->comment,
                                          &call.opts, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        told(&call, done[kind], num, NULL, NULL);
    return cli_call_end(&call, code, status);
}

static int run_close(cli_ctx *ctx, void *args)
{
    return act(ctx, args, ACT_CLOSE);
}

static int run_reopen(cli_ctx *ctx, void *args)
{
    return act(ctx, args, ACT_REOPEN);
}

static int run_merge(cli_ctx *ctx, void *args)
{
    return act(ctx, args, ACT_MERGE);
}

static int run_rename(cli_ctx *ctx, void *data)
{
    const talk_args *args = data;
    hf_status status = HF_OK;
    uint64_t num = 0;
    cli_call call;
    int code = begin(&call, ctx, args, &num);

    if (code == CLI_EXIT_OK)
        status = hf_discussion_rename(call.client, &call.repo.ref, num, args->title, &call.opts,
                                      &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        told(&call, "Renamed #%llu in %s", num, "title", args->title);
    return cli_call_end(&call, code, status);
}

/* ---- tables */

static const char *const status_words[] = { "open", "closed", "merged", "draft", "all", NULL };
static const char *const kind_words[] = { "all", "discussion", "pull_request", NULL };

/* clang-format off */
#define SHARED_OPTS \
    { "type", "repo-type", 0, CLI_CHOICE, AT(type), "TYPE", "kind of the repo (default: model)", cli_repo_types_git }, \
    { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define BODY_OPTS \
    { "body", NULL, 0, CLI_STR, AT(body), "TEXT", "what to say, in Markdown", NULL }, \
    { "body-file", NULL, 0, CLI_STR, AT(body_file), "FILE", "read it from this file; '-' is standard input", NULL }
#define ID_ARG { "REPO_ID", CLI_ONE, AT(id), "namespace/name" }
#define NUM_ARG { "NUM", CLI_ONE, AT(num), "number of the discussion" }
/* clang-format on */

static const cli_opt list_opts[] = {
    { "status", NULL, 's', CLI_CHOICE, AT(status), "WORD", "in this state (default: open)",
      status_words },
    { "kind", NULL, 'k', CLI_CHOICE, AT(kind), "WORD", "of this kind (default: all)", kind_words },
    { "author", NULL, 0, CLI_STR, AT(author), "NAME", "opened by this user", NULL },
    { "limit", NULL, 0, CLI_UINT, AT(limit), "N", "show so many (default: 30)", NULL },
    SHARED_OPTS,
    CLI_OPT_END,
};

static const cli_opt plain_opts[] = { SHARED_OPTS, CLI_OPT_END };

static const cli_opt create_opts[] = {
    { "title", NULL, 0, CLI_STR, AT(title), "TEXT", "title; needed", NULL },
    BODY_OPTS,
    { "pull-request", "pr", 0, CLI_FLAG, AT(pull_request), NULL, "open a pull request", NULL },
    SHARED_OPTS,
    CLI_OPT_END,
};

static const cli_opt say_opts[] = { BODY_OPTS, SHARED_OPTS, CLI_OPT_END };

static const cli_opt act_opts[] = {
    { "comment", NULL, 0, CLI_STR, AT(comment), "TEXT", "a last word", NULL },
    { "yes", NULL, 'y', CLI_FLAG, AT(yes), NULL, "do not ask", NULL },
    SHARED_OPTS,
    CLI_OPT_END,
};

static const cli_opt hide_opts[] = {
    { "yes", NULL, 'y', CLI_FLAG, AT(yes), NULL, "do not ask", NULL },
    SHARED_OPTS,
    CLI_OPT_END,
};

static const cli_arg repo_args[] = { ID_ARG, CLI_ARG_END };
static const cli_arg num_args[] = { ID_ARG, NUM_ARG, CLI_ARG_END };
static const cli_arg edit_args[] = { ID_ARG,
                                     NUM_ARG,
                                     { "COMMENT_ID", CLI_ONE, AT(comment_id),
                                       "id of the comment, from `info`" },
                                     CLI_ARG_END };
static const cli_arg rename_args[] = {
    ID_ARG, NUM_ARG, { "TITLE", CLI_ONE, AT(title), "the new title" }, CLI_ARG_END
};

/* clang-format off */
#define COMMAND(id_, name_, alias_, summary_, opts_, args_, run_, ...) \
    static const cli_cmd id_ = { .name = name_, .alias = alias_, .summary = summary_, .opts = opts_, \
        .args = args_, .args_size = sizeof(talk_args), .run = run_, .repo_prefix = 1, \
        .examples = (const char *const[]){ __VA_ARGS__, NULL } };

COMMAND(list, "list", "ls", "List the discussions and pull requests of a repo.", list_opts, repo_args, run_list,
        "hf discussions ls acme/model", "hf discussions ls acme/model --kind pull_request --status all")
COMMAND(info, "info", NULL, "Show a discussion with all that happened in it.", plain_opts, num_args, run_info,
        "hf discussions info acme/model 5")
COMMAND(create, "create", NULL, "Open a discussion or a pull request.", create_opts, repo_args, run_create,
        "hf discussions create acme/model --title 'A question' --body 'What is it for?'",
        "hf discussions create acme/model --title 'Better card' --pr")
COMMAND(comment, "comment", NULL, "Comment on a discussion.", say_opts, num_args, run_say,
        "hf discussions comment acme/model 5 --body 'Thank you'")
COMMAND(edit, "edit", NULL, "Replace the text of a comment.", say_opts, edit_args, run_say,
        "hf discussions edit acme/model 5 66b0c1 --body 'Thank you very much'")
COMMAND(hide, "hide", NULL, "Hide a comment for ever.", hide_opts, edit_args, run_hide,
        "hf discussions hide acme/model 5 66b0c1 --yes")
COMMAND(close, "close", NULL, "Close a discussion or pull request.", act_opts, num_args, run_close,
        "hf discussions close acme/model 5 --comment Done --yes")
COMMAND(reopen, "reopen", NULL, "Open a closed discussion again.", act_opts, num_args, run_reopen,
        "hf discussions reopen acme/model 5 --yes")
COMMAND(rename_cmd, "rename", NULL, "Give a discussion another title.", plain_opts, rename_args, run_rename,
        "hf discussions rename acme/model 5 'A better title'")
COMMAND(merge, "merge", NULL, "Merge a pull request.", act_opts, num_args, run_merge,
        "hf discussions merge acme/model 5 --yes")
COMMAND(diff, "diff", NULL, "Print what a pull request changes.", plain_opts, num_args, run_diff,
        "hf discussions diff acme/model 5")
/* clang-format on */

static const cli_cmd *const subs[] = {
    &list,  &info,   &create,     &comment, &edit, &hide,
    &close, &reopen, &rename_cmd, &merge,   &diff, NULL,
};

const cli_cmd cli_cmd_discussions = {
    .name = "discussions",
    .summary = "Talk about repos: discussions and pull requests.",
    .subs = subs,
};
