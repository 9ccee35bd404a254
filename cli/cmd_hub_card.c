/* SPDX-License-Identifier: Apache-2.0 */
/* hf models card and its like (cli.md 15): the README of a repo. It is printed as it is; the official
 * command parses its first block and writes it again, without comments. */
#include "cmd_hub.h"

#include <stdlib.h>
#include <string.h>

/* Behind the block of metadata, where there is one: a line of three dashes, and another. */
static const char *body_of(const char *text)
{
    const char *at = text + strspn(text, " \t\r\n");
    const char *line;

    if (strncmp(at, "---", 3) != 0 || !strchr("\r\n", at[3]) || !at[3])
        return text;
    for (line = strchr(at, '\n'); line; line = strchr(line + 1, '\n')) {
        const char *end = line + 4;

        if (strncmp(line + 1, "---", 3) != 0)
            continue;
        if (*end == '\r')
            end++;
        if (*end == '\n' || *end == '\0')
            return *end ? end + 1 : end;
    }
    return text;
}

static hf_status show_text(cli_call *call, const hub_args *args, hf_repo_type type, int *code)
{
    hf_download_opts opts = HF_DOWNLOAD_OPTS_INIT;
    hf_file *file = NULL;
    hf_status status;
    char *text;

    opts.cancel = call->ctx->cancel;
    status = hf_hub_download(call->client, &call->repo.ref, "README.md", &opts, &file, &call->err);
    if (status != HF_OK)
        return status;
    text = cli_read_file(call->ctx, file->path);
    hf_file_free(file);
    if (!text) {
        *code = CLI_EXIT_ERROR;
        return HF_OK;
    }
    cli_text(call->ctx, "%s", args->text_only ? body_of(text) : text);
    free(text);
    if (!args->text_only)
        cli_hint(call->ctx, "Use `hf %ss card %s --metadata` to extract only the card metadata.",
                 cli_repo_types[type], args->id);
    return HF_OK;
}

/* The Hub has read the block already. */
static hf_status show_metadata(cli_call *call)
{
    static const char *const properties[] = { "cardData" };
    hf_info_opts opts = HF_INFO_OPTS_INIT;
    hf_repo_info *info = NULL;
    cli_json data;
    hf_status status;
    char *text;

    opts.expand = properties;
    opts.n_expand = 1;
    opts.cancel = call->ctx->cancel;
    status = hf_repo_info_get(call->client, &call->repo.ref, &opts, &info, &call->err);
    if (status != HF_OK)
        return status;
    if (cli_json_get(cli_json_make(info->json), "cardData", &data) && cli_json_kind(data) == '{' &&
        (text = strndup(data.at, data.len)) != NULL) {
        cli_record(call->ctx, text, NULL, NULL);
        free(text);
    } else {
        cli_record(call->ctx, "{}", NULL, NULL);
    }
    hf_repo_info_free(info);
    return HF_OK;
}

int cli_hub_card(cli_ctx *ctx, hf_repo_type type, const hub_args *args)
{
    hf_status status = HF_OK;
    cli_call call;
    int code;

    if (args->metadata && args->text_only)
        return cli_error(ctx, "--metadata and --text are mutually exclusive.");
    code = cli_call_begin(&call, ctx, args->id, cli_repo_types[type], NULL, args->token);
    if (code == CLI_EXIT_OK)
        status = args->metadata ? show_metadata(&call) : show_text(&call, args, type, &code);
    return cli_call_end(&call, code, status);
}
