/* SPDX-License-Identifier: Apache-2.0 */
/* hf models, hf datasets, hf spaces: their tables. */
#include "cmd_hub.h"
#include "commands.h"

#define AT(field) offsetof(hub_args, field)

static const char *const sorts[] = { "created_at", "downloads",      "last_modified",
                                     "likes",      "trending_score", NULL };
static const char *const space_sorts[] = { "created_at", "last_modified", "likes", "trending_score",
                                           NULL };

/* clang-format off */
#define TOKEN_OPT { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define REVISION_OPT { "revision", NULL, 0, CLI_STR, AT(revision), "REV", "branch, tag or commit (default: main)", NULL }
#define EXPAND_OPT { "expand", NULL, 0, CLI_STR, AT(expand), "NAMES", "ask for these properties only, comma-separated", NULL }
#define GATED_OPT { "gated", NULL, 0, CLI_TRI, AT(gated), NULL, "only those that access must be asked for, or only others", NULL }
#define LIST_OPTS(sort_words) \
    { "search", NULL, 0, CLI_STR, AT(search), "TEXT", "part of the id", NULL }, \
    { "author", NULL, 0, CLI_STR, AT(author), "NAME", "user or organization", NULL }, \
    { "filter", NULL, 0, CLI_STRS, AT(filters), "TAG", "repos with this tag, such as en or license:mit; repeatable: all of them", NULL }, \
    { "sort", NULL, 0, CLI_CHOICE, AT(sort), "KEY", "largest or newest first", sort_words }, \
    { "limit", NULL, 0, CLI_UINT, AT(limit), "N", "show so many (default: 30); 0 for all", NULL }, \
    EXPAND_OPT
#define FILE_OPTS \
    { "human-readable", NULL, 'h', CLI_FLAG, AT(human), NULL, "files: sizes and dates for people", NULL }, \
    { "tree", NULL, 0, CLI_FLAG, AT(tree), NULL, "files: draw a tree", NULL }, \
    { "recursive", NULL, 'R', CLI_FLAG, AT(recursive), NULL, "files: directories, too", NULL }, \
    REVISION_OPT, TOKEN_OPT
/* clang-format on */

static const cli_opt model_opts[] = {
    LIST_OPTS(sorts),
    { "pipeline-tag", NULL, 0, CLI_STR, AT(pipeline_tag), "TASK", "models for this task", NULL },
    { "library", NULL, 0, CLI_STR, AT(library), "NAME", "models of this library", NULL },
    GATED_OPT,
    { "apps", NULL, 0, CLI_STRS, AT(apps), "NAME", "models this program runs; repeatable", NULL },
    { "num-parameters", NULL, 0, CLI_STR, AT(num_parameters), "RANGE", "such as min:6B,max:128B",
      NULL },
    { "inference-provider", NULL, 0, CLI_STRS, AT(providers), "NAME",
      "models it serves, 'all' for any; repeatable", NULL },
    { "warm", NULL, 0, CLI_FLAG, AT(warm), NULL, "models that are being served", NULL },
    FILE_OPTS,
    CLI_OPT_END,
};

static const cli_opt dataset_opts[] = { LIST_OPTS(sorts), FILE_OPTS, CLI_OPT_END };
static const cli_opt space_opts[] = { LIST_OPTS(space_sorts), FILE_OPTS, CLI_OPT_END };

static const cli_arg list_args[] = {
    { "REPO_ID", CLI_OPTIONAL, AT(id), "list the files of this repo instead" },
    CLI_ARG_END,
};

static const cli_opt info_opts[] = { REVISION_OPT, EXPAND_OPT, TOKEN_OPT, CLI_OPT_END };

static const cli_arg info_args[] = {
    { "REPO_ID", CLI_ONE, AT(id), "namespace/name" },
    CLI_ARG_END,
};

static const cli_opt card_opts[] = {
    { "metadata", NULL, 0, CLI_FLAG, AT(metadata), NULL, "only its metadata, as JSON", NULL },
    { "text", NULL, 0, CLI_FLAG, AT(text_only), NULL, "only what follows the metadata", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_opt tags_opts[] = {
    { "type", NULL, 0, CLI_STR, AT(tag_type), "TYPE", "tags of this type: license, language, …",
      NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static int models_list(cli_ctx *ctx, void *args)
{
    return cli_hub_list(ctx, HF_REPO_MODEL, args);
}

static int datasets_list(cli_ctx *ctx, void *args)
{
    return cli_hub_list(ctx, HF_REPO_DATASET, args);
}

static int spaces_list(cli_ctx *ctx, void *args)
{
    return cli_hub_list(ctx, HF_REPO_SPACE, args);
}

static int models_card(cli_ctx *ctx, void *args)
{
    return cli_hub_card(ctx, HF_REPO_MODEL, args);
}

static int models_info(cli_ctx *ctx, void *args)
{
    return cli_hub_info(ctx, HF_REPO_MODEL, args);
}

static int datasets_card(cli_ctx *ctx, void *args)
{
    return cli_hub_card(ctx, HF_REPO_DATASET, args);
}

static int datasets_info(cli_ctx *ctx, void *args)
{
    return cli_hub_info(ctx, HF_REPO_DATASET, args);
}

static int spaces_card(cli_ctx *ctx, void *args)
{
    return cli_hub_card(ctx, HF_REPO_SPACE, args);
}

static int spaces_info(cli_ctx *ctx, void *args)
{
    return cli_hub_info(ctx, HF_REPO_SPACE, args);
}

static int models_tags(cli_ctx *ctx, void *args)
{
    return cli_hub_tags(ctx, HF_REPO_MODEL, args);
}

static int datasets_tags(cli_ctx *ctx, void *args)
{
    return cli_hub_tags(ctx, HF_REPO_DATASET, args);
}

#define COMMAND(word, kind)                                                                        \
    static const cli_cmd word##_list_cmd = {                                                       \
        .name = "list",                                                                            \
        .alias = "ls",                                                                             \
        .summary = "List " #word " on the Hub, or the files of one.",                              \
        .opts = kind##_opts,                                                                       \
        .args = list_args,                                                                         \
        .args_size = sizeof(hub_args),                                                             \
        .run = word##_list,                                                                        \
        .examples = (const char *const[]){ "hf " #word " ls --author acme --filter license:mit",   \
                                           "hf " #word " ls --sort likes --limit 5 --json",        \
                                           "hf " #word " ls acme/thing -R -h", NULL },             \
    };                                                                                             \
    static const cli_cmd word##_info_cmd = {                                                       \
        .name = "info",                                                                            \
        .summary = "Show what the Hub says of a " #kind ".",                                       \
        .opts = info_opts,                                                                         \
        .args = info_args,                                                                         \
        .args_size = sizeof(hub_args),                                                             \
        .run = word##_info,                                                                        \
        .examples =                                                                                \
            (const char *const[]){ "hf " #word " info acme/thing",                                 \
                                   "hf " #word " info acme/thing --expand likes,tags", NULL },     \
    };                                                                                             \
    static const cli_cmd word##_card_cmd = {                                                       \
        .name = "card",                                                                            \
        .summary = "Print the card of a " #kind ".",                                               \
        .opts = card_opts,                                                                         \
        .args = info_args,                                                                         \
        .args_size = sizeof(hub_args),                                                             \
        .run = word##_card,                                                                        \
        .examples = (const char *const[]){ "hf " #word " card acme/thing",                         \
                                           "hf " #word " card acme/thing --metadata", NULL },      \
    };

#define TAGS_COMMAND(word)                                                                         \
    static const cli_cmd word##_tags_cmd = {                                                       \
        .name = "tags",                                                                            \
        .summary = "List the tags that --filter of `list` takes.",                                 \
        .opts = tags_opts,                                                                         \
        .args_size = sizeof(hub_args),                                                             \
        .run = word##_tags,                                                                        \
        .examples = (const char *const[]){ "hf " #word " tags --type license", NULL },             \
    };

COMMAND(models, model)
COMMAND(datasets, dataset)
COMMAND(spaces, space)
TAGS_COMMAND(models)
TAGS_COMMAND(datasets)

const cli_cmd cli_cmd_models = {
    .name = "models",
    .summary = "Find models and look at them.",
    .subs = (const cli_cmd *const[]){ &models_list_cmd, &models_info_cmd, &models_card_cmd,
                                      &models_tags_cmd, NULL },
};

const cli_cmd cli_cmd_datasets = {
    .name = "datasets",
    .summary = "Find datasets and look at them.",
    .subs = (const cli_cmd *const[]){ &datasets_list_cmd, &datasets_info_cmd, &datasets_card_cmd,
                                      &datasets_tags_cmd, NULL },
};

const cli_cmd cli_cmd_spaces = {
    .name = "spaces",
    .summary = "Find spaces and look at them.",
    .subs = (const cli_cmd *const[]){ &spaces_list_cmd, &spaces_info_cmd, &spaces_card_cmd, NULL },
};
