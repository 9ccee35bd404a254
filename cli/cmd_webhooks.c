/* SPDX-License-Identifier: Apache-2.0 */
/* hf webhooks (cli.md 18.4). */
#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct hook_args {
    const char *id;
    const char *url;
    const char *job;
    const char *secret;
    const char *token;
    cli_strs watch;
    cli_strs domains;
    bool yes;
} hook_args;

#define AT(field) offsetof(hook_args, field)

static int begin(cli_call *call, cli_ctx *ctx, const hook_args *args)
{
    return cli_call_begin(call, ctx, NULL, NULL, NULL, args->token);
}

static int told(cli_call *call, int code, hf_status status, const char *message, const char *id)
{
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(call->ctx, message, (const cli_pair[]){ { "id", id } }, 1);
    return cli_call_end(call, code, status);
}

/* ---- list, info */

static void add_row(cli_rows *rows, const hf_webhook *hook)
{
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);

    if (!out)
        return;
    fputs("{\"id\": ", out);
    cli_json_string(out, hook->id);
    fputs(", \"url\": ", out);
    cli_json_string(out, hook->url ? hook->url : "(job)");
    fprintf(out, ", \"disabled\": %s, \"domains\": [", hook->is_disabled ? "true" : "false");
    for (size_t i = 0; i < hook->n_domains; i++) {
        fputs(i ? ", " : "", out);
        cli_json_string(out, hook->domains[i]);
    }
    fputs("], \"watched\": [", out);
    for (size_t i = 0; i < hook->n_watched; i++) {
        char text[300];

        snprintf(text, sizeof(text), "%s:%s", hook->watched[i].type, hook->watched[i].name);
        fputs(i ? ", " : "", out);
        cli_json_string(out, text);
    }
    fputs("]}", out);
    if (fclose(out) == 0)
        cli_rows_add(rows, json);
    free(json);
}

static int run_list(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = {
        { "id", "id" },           { "url", "url" },         { "disabled", "disabled" },
        { "domains", "domains" }, { "watched", "watched" }, { NULL, NULL }
    };
    const hf_webhook *hook = NULL;
    hf_list *list = NULL;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = begin(&call, ctx, data);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    cli_rows_begin(&rows, ctx, fields, "id");
    status = hf_webhook_list_open(call.client, &call.opts, &list, &call.err);
    while (status == HF_OK) {
        status = hf_list_next_webhook(list, &hook, &call.err);
        if (status != HF_OK || !hook)
            break;
        add_row(&rows, hook);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(&call, code, status);
}

static int run_info(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = { { "id", "id" },
                                        { "url", "url" },
                                        { "job", "job" },
                                        { "watched", "watched" },
                                        { "domains", "domains" },
                                        { "secret", "secret" },
                                        { "disabled", "disabled" },
                                        { NULL, NULL } };
    const hook_args *args = data;
    hf_webhook *hook = NULL;
    hf_status status = HF_OK;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code == CLI_EXIT_OK)
        status = hf_webhook_get(call.client, args->id, &call.opts, &hook, &call.err);
    if (hook)
        cli_record(ctx, hook->json, fields, NULL);
    hf_webhook_free(hook);
    return cli_call_end(&call, code, status);
}

/* ---- create, update */

/* TYPE:NAME of --watch; *out to be freed, its texts with out[0].type */
static int watched_of(cli_ctx *ctx, const cli_strs *list, hf_watched **out, char **texts)
{
    static const char *const types[] = { "dataset", "model", "org", "space", "user", NULL };
    size_t size = 1;
    char *at;

    for (size_t i = 0; i < list->n; i++)
        size += strlen(list->items[i]) + 1;
    *out = calloc(list->n + 1, sizeof(**out));
    *texts = at = malloc(size);
    if (!*out || !*texts)
        return cli_error(ctx, "out of memory");
    for (size_t i = 0; i < list->n; i++) {
        size_t len = strlen(list->items[i]) + 1;
        char *colon;
        size_t k = 0;

        memcpy(at, list->items[i], len);
        colon = strchr(at, ':');
        if (!colon || !colon[1])
            return cli_usage_error(ctx,
                                   "Invalid value for '--watch': '%s' is not of the form "
                                   "TYPE:NAME.",
                                   list->items[i]);
        *colon = '\0';
        while (types[k] && strcmp(types[k], at) != 0)
            k++;
        if (!types[k])
            return cli_usage_error(ctx,
                                   "Invalid value for '--watch': '%s' is not one of 'dataset', "
                                   "'model', 'org', 'space', 'user'.",
                                   at);
        (*out)[i] = (hf_watched){ at, colon + 1 };
        at += len;
    }
    return CLI_EXIT_OK;
}

static int put(cli_ctx *ctx, const hook_args *args, bool update)
{
    hf_webhook_opts opts = HF_WEBHOOK_OPTS_INIT;
    hf_webhook *hook = NULL;
    hf_watched *watched = NULL;
    char *texts = NULL;
    hf_status status = HF_OK;
    cli_call call;
    int code = CLI_EXIT_OK;

    if (!update && !args->watch.n)
        return cli_usage_error(ctx, "Missing option '--watch'.");
    if (!update && (args->url != NULL) == (args->job != NULL))
        return cli_usage_error(ctx, "Exactly one of '--url' and '--job-id' is needed.");
    code = begin(&call, ctx, args);
    if (code == CLI_EXIT_OK)
        code = watched_of(ctx, &args->watch, &watched, &texts);
    opts.url = args->url;
    opts.job_id = args->job;
    opts.watched = watched;
    opts.n_watched = args->watch.n;
    opts.domains = args->domains.items;
    opts.n_domains = args->domains.n;
    opts.secret = args->secret;
    opts.cancel = ctx->cancel;
    if (code == CLI_EXIT_OK)
        status = update ? hf_webhook_update(call.client, args->id, &opts, &hook, &call.err)
                        : hf_webhook_create(call.client, &opts, &hook, &call.err);
    code = told(&call, code, status, update ? "Webhook updated" : "Webhook created",
                hook ? hook->id : NULL);
    hf_webhook_free(hook);
    free(watched);
    free(texts);
    return code;
}

static int run_create(cli_ctx *ctx, void *args)
{
    return put(ctx, args, false);
}

static int run_update(cli_ctx *ctx, void *args)
{
    return put(ctx, args, true);
}

/* ---- enable, disable, delete */

static int set_enabled(cli_ctx *ctx, const hook_args *args, bool enabled)
{
    hf_status status = HF_OK;
    cli_call call;
    int code = begin(&call, ctx, args);

    if (code == CLI_EXIT_OK)
        status = hf_webhook_enable(call.client, args->id, enabled, &call.opts, NULL, &call.err);
    return told(&call, code, status, enabled ? "Webhook enabled" : "Webhook disabled", args->id);
}

static int run_enable(cli_ctx *ctx, void *args)
{
    return set_enabled(ctx, args, true);
}

static int run_disable(cli_ctx *ctx, void *args)
{
    return set_enabled(ctx, args, false);
}

static int run_delete(cli_ctx *ctx, void *data)
{
    const hook_args *args = data;
    hf_status status = HF_OK;
    char question[200];
    cli_call call;
    int code;

    snprintf(question, sizeof(question), "Are you sure you want to delete webhook '%.100s'?",
             args->id);
    if (!cli_confirm(ctx, question, args->yes, &code))
        return code;
    code = begin(&call, ctx, args);
    if (code == CLI_EXIT_OK)
        status = hf_webhook_delete(call.client, args->id, &call.opts, &call.err);
    return told(&call, code, status, "Webhook deleted", args->id);
}

/* ---- tables */

/* clang-format off */
#define TOKEN_OPT { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define PUT_OPTS \
    { "watch", NULL, 0, CLI_STRS, AT(watch), "TYPE:NAME", "what to look at: model, dataset, space, org or user; repeatable", NULL }, \
    { "url", NULL, 0, CLI_STR, AT(url), "URL", "what to call", NULL }, \
    { "domain", NULL, 0, CLI_STRS, AT(domains), "WORD", "repo or discussion; repeatable (default: both)", NULL }, \
    { "secret", NULL, 0, CLI_STR, AT(secret), "TEXT", "sent along with every call", NULL }
/* clang-format on */

static const cli_opt plain_opts[] = { TOKEN_OPT, CLI_OPT_END };
static const cli_opt create_opts[] = {
    PUT_OPTS,
    { "job-id", NULL, 0, CLI_STR, AT(job), "ID", "job to start instead of calling a URL", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};
static const cli_opt update_opts[] = { PUT_OPTS, TOKEN_OPT, CLI_OPT_END };
static const cli_opt delete_opts[] = {
    { "yes", NULL, 'y', CLI_FLAG, AT(yes), NULL, "do not ask", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_arg id_args[] = { { "WEBHOOK_ID", CLI_ONE, AT(id), "id of the webhook" },
                                   CLI_ARG_END };

/* clang-format off */
#define COMMAND(id_, name_, alias_, summary_, opts_, args_, run_, ...) \
    static const cli_cmd id_ = { .name = name_, .alias = alias_, .summary = summary_, .opts = opts_, \
        .args = args_, .args_size = sizeof(hook_args), .run = run_, \
        .examples = (const char *const[]){ __VA_ARGS__, NULL } };

COMMAND(list, "list", "ls", "List your webhooks.", plain_opts, NULL, run_list, "hf webhooks ls")
COMMAND(info, "info", NULL, "Show a webhook.", plain_opts, id_args, run_info, "hf webhooks info 66b0c1")
COMMAND(create, "create", NULL, "Make a webhook.", create_opts, NULL, run_create,
        "hf webhooks create --watch model:acme/x --url https://example.com/hook --domain repo")
COMMAND(update, "update", NULL, "Change a webhook.", update_opts, id_args, run_update,
        "hf webhooks update 66b0c1 --url https://example.com/other")
COMMAND(enable, "enable", NULL, "Switch a webhook on.", plain_opts, id_args, run_enable, "hf webhooks enable 66b0c1")
COMMAND(disable, "disable", NULL, "Switch a webhook off.", plain_opts, id_args, run_disable, "hf webhooks disable 66b0c1")
COMMAND(delete_cmd, "delete", NULL, "Delete a webhook.", delete_opts, id_args, run_delete, "hf webhooks delete 66b0c1 --yes")
/* clang-format on */

static const cli_cmd *const subs[] = {
    &list, &info, &create, &update, &enable, &disable, &delete_cmd, NULL,
};

const cli_cmd cli_cmd_webhooks = {
    .name = "webhooks",
    .summary = "URLs that the Hub calls when something changes.",
    .subs = subs,
};
