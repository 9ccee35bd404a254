/* SPDX-License-Identifier: Apache-2.0 */
/* What `hf models`, `hf datasets` and `hf spaces` share: they differ in their options alone. */
#ifndef HF_CLI_CMD_HUB_H
#define HF_CLI_CMD_HUB_H

#include "json.h"

typedef struct hub_args {
    const char *id;
    const char *search;
    const char *author;
    const char *sort;
    const char *expand; /* comma-separated */
    const char *pipeline_tag;
    const char *library;
    const char *num_parameters;
    const char *revision;
    const char *tag_type;
    const char *token;
    cli_strs filters;
    cli_strs apps;
    cli_strs providers;
    cli_uint limit;
    hf_choice gated;
    bool warm;
    bool human;
    bool tree;
    bool recursive;
    bool metadata;
    bool text_only;
} hub_args;

/* What Python's client knows of a model, dataset or space, by hf_repo_type. */
extern const cli_field *const cli_repo_fields[3];

int cli_hub_list(cli_ctx *ctx, hf_repo_type type, const hub_args *args);
int cli_hub_files(cli_ctx *ctx, hf_repo_type type, const hub_args *args);
int cli_hub_info(cli_ctx *ctx, hf_repo_type type, const hub_args *args);
int cli_hub_card(cli_ctx *ctx, hf_repo_type type, const hub_args *args);
int cli_hub_tags(cli_ctx *ctx, hf_repo_type type, const hub_args *args);

#endif
