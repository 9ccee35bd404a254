/* SPDX-License-Identifier: Apache-2.0 */
/* Listing and describing repos, for hf models, datasets and spaces (cli.md 15). */
#include "cmd_hub.h"

#include <stdlib.h>
#include <string.h>

static const char *plural(hf_repo_type type)
{
    static const char *const words[] = { "models", "datasets", "spaces" };

    return words[type];
}

/* ---- --expand */

typedef struct names {
    char *text;
    const char **items;
    size_t n;
} names;

/* "a,b" in its parts. False when out of memory. */
static bool split(const char *text, names *out)
{
    size_t n = 1;

    memset(out, 0, sizeof(*out));
    if (!text)
        return true;
    for (const char *c = text; *c; c++)
        n += *c == ',';
    out->text = strdup(text);
    out->items = calloc(n, sizeof(*out->items));
    if (!out->text || !out->items)
        return false;
    for (char *at = out->text; at;) {
        char *comma = strchr(at, ',');
        size_t len = comma ? (size_t)(comma - at) : strlen(at);

        while (len && *at == ' ') {
            at++;
            len--;
        }
        while (len && at[len - 1] == ' ')
            len--;
        if (len)
            out->items[out->n++] = at;
        at[len] = '\0';
        at = comma ? comma + 1 : NULL;
    }
    return true;
}

static void names_free(names *n)
{
    free(n->items);
    free(n->text);
}

/* Every property can be asked for by its name on the wire, but `id`, which always comes. */
static int check_expand(cli_ctx *ctx, hf_repo_type type, const names *expand)
{
    char known[1024] = "";

    for (size_t i = 0; i < expand->n; i++) {
        const cli_field *f = cli_repo_fields[type] + 1;

        while (f->wire && strcmp(f->wire, expand->items[i]) != 0)
            f++;
        if (f->wire)
            continue;
        for (f = cli_repo_fields[type] + 1; f->wire; f++) {
            size_t len = strlen(known);

            snprintf(known + len, sizeof(known) - len, "%s'%s'", len ? ", " : "", f->wire);
        }
        return cli_usage_error(ctx, "Invalid value for '--expand': '%s' is not one of %s.",
                               expand->items[i], known);
    }
    return CLI_EXIT_OK;
}

/* ---- list */

static const char *sort_on_wire(const char *word)
{
    static const char *const words[][2] = { { "created_at", "createdAt" },
                                            { "last_modified", "lastModified" },
                                            { "trending_score", "trendingScore" } };

    for (size_t i = 0; word && i < 3; i++)
        if (strcmp(word, words[i][0]) == 0)
            return words[i][1];
    return word;
}

static int forbid_listing_options(cli_ctx *ctx, hf_repo_type type, const hub_args *args)
{
    const char *option = args->tree        ? "--tree"
                         : args->recursive ? "--recursive"
                         : args->human     ? "--human-readable"
                         : args->revision  ? "--revision"
                                           : NULL;

    if (option)
        return cli_usage_error(ctx, "Invalid value: Cannot use %s when listing %s.", option,
                               plural(type));
    if (args->warm && args->providers.n)
        return cli_usage_error(ctx, "Invalid value: Cannot use --warm together with "
                                    "--inference-provider.");
    return CLI_EXIT_OK;
}

static hf_status show_repos(cli_call *call, hf_repo_type type, const hf_repo_list_opts *opts)
{
    const hf_repo_info *info = NULL;
    hf_list *list = NULL;
    cli_rows rows;
    hf_status status = hf_repo_list_open(call->client, type, opts, &list, &call->err);

    if (status != HF_OK)
        return status;
    cli_rows_begin(&rows, call->ctx, cli_repo_fields[type], "id");
    while ((status = hf_list_next_repo(list, &info, &call->err)) == HF_OK && info)
        cli_rows_add(&rows, info->json);
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return status;
}

int cli_hub_list(cli_ctx *ctx, hf_repo_type type, const hub_args *args)
{
    hf_repo_list_opts opts = HF_REPO_LIST_OPTS_INIT;
    hf_status status = HF_OK;
    names expand = { 0 };
    cli_call call;
    int code;

    if (args->id)
        return cli_hub_files(ctx, type, args);
    code = forbid_listing_options(ctx, type, args);
    if (code != CLI_EXIT_OK)
        return code;
    if (!split(args->expand, &expand))
        code = cli_error(ctx, "out of memory");
    if (code == CLI_EXIT_OK)
        code = check_expand(ctx, type, &expand);
    if (code != CLI_EXIT_OK) {
        names_free(&expand);
        return code;
    }
    code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);
    opts.search = args->search;
    opts.author = args->author;
    opts.tags = args->filters.items;
    opts.n_tags = args->filters.n;
    opts.pipeline_tag = args->pipeline_tag;
    opts.library = args->library;
    opts.apps = args->apps.items;
    opts.n_apps = args->apps.n;
    opts.num_parameters = args->num_parameters;
    opts.gated = args->gated;
    opts.inference = args->warm ? "warm" : NULL;
    opts.providers = args->providers.items;
    opts.n_providers = args->providers.n;
    opts.sort = sort_on_wire(args->sort);
    opts.expand = expand.items;
    opts.n_expand = expand.n;
    opts.limit = args->limit.given ? args->limit.value : 30;
    opts.cancel = ctx->cancel;
    if (code == CLI_EXIT_OK)
        status = show_repos(&call, type, &opts);
    if (code == CLI_EXIT_OK && status == HF_OK && (args->warm || args->providers.n) && !expand.n)
        cli_hint(ctx, "Use `--expand inferenceProviderMapping` to see which provider serves each "
                      "model and the provider-specific model id.");
    names_free(&expand);
    return cli_call_end(&call, code, status);
}

/* ---- info */

int cli_hub_info(cli_ctx *ctx, hf_repo_type type, const hub_args *args)
{
    hf_info_opts opts = HF_INFO_OPTS_INIT;
    hf_repo_info *info = NULL;
    hf_status status = HF_OK;
    names expand = { 0 };
    cli_call call;
    int code = CLI_EXIT_OK;

    if (!split(args->expand, &expand))
        code = cli_error(ctx, "out of memory");
    if (code == CLI_EXIT_OK)
        code = check_expand(ctx, type, &expand);
    if (code != CLI_EXIT_OK) {
        names_free(&expand);
        return code;
    }
    code = cli_call_begin(&call, ctx, args->id, cli_repo_types[type], args->revision, args->token);
    opts.expand = expand.items;
    opts.n_expand = expand.n;
    opts.cancel = ctx->cancel;
    if (code == CLI_EXIT_OK)
        status = hf_repo_info_get(call.client, &call.repo.ref, &opts, &info, &call.err);
    if (info)
        cli_record(ctx, info->json, cli_repo_fields[type], NULL);
    hf_repo_info_free(info);
    names_free(&expand);
    return cli_call_end(&call, code, status);
}

/* ---- tags that can be filtered by */

static void add_topic(cli_rows *rows, const hf_topic *topic)
{
    const cli_text_member members[] = { { "id", topic->id },
                                        { "label", topic->label },
                                        { "type", topic->type } };

    cli_rows_add_texts(rows, members, 3);
}

int cli_hub_tags(cli_ctx *ctx, hf_repo_type type, const hub_args *args)
{
    static const cli_field fields[] = {
        { "id", "id" }, { "label", "label" }, { "type", "type" }, { NULL, NULL }
    };
    const hf_topic *topic = NULL;
    hf_list *list = NULL;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    cli_rows_begin(&rows, ctx, fields, "id");
    status = hf_topic_list_open(call.client, type, &call.opts, &list, &call.err);
    while (status == HF_OK) {
        status = hf_list_next_topic(list, &topic, &call.err);
        if (status != HF_OK || !topic)
            break;
        if (!args->tag_type || (topic->type && strcmp(topic->type, args->tag_type) == 0))
            add_topic(&rows, topic);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(&call, code, status);
}
