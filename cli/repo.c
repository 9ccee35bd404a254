/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that talk to a Hub share: reading a repo argument, making a client. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* In the order of hf_repo_type. */
const char *const cli_repo_types[] = { "model", "dataset", "space", "kernel", NULL };
const char *const cli_repo_types_git[] = { "model", "dataset", "space", NULL };

static hf_repo_type type_of(const char *word)
{
    for (size_t i = 0; word && cli_repo_types[i]; i++)
        if (strcmp(cli_repo_types[i], word) == 0)
            return (hf_repo_type)i;
    return HF_REPO_MODEL;
}

static char *copy(const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    char *out = text ? malloc(size) : NULL;

    if (out)
        memcpy(out, text, size);
    return out;
}

static int parse_uri(cli_ctx *ctx, const char *text, const char *type, const char *revision,
                     cli_repo_arg *out)
{
    hf_error err = HF_ERROR_INIT;
    hf_uri *uri = NULL;
    hf_status status;
    int code = CLI_EXIT_OK;

    if (type || revision)
        return cli_error(ctx, "'%s' cannot be used with an 'hf://' URI ('%s').",
                         type ? "--repo-type" : "--revision", text);
    status = hf_uri_parse(text, &uri, &err);
    if (status == HF_ERR_INVALID_ARG) /* "invalid HF URI '…': which part is wrong" */
        return cli_error(ctx, "I%s", err.message + 1);
    if (status != HF_OK)
        return cli_failed(ctx, status, &err, NULL, NULL);
    if (uri->is_bucket) {
        code = cli_error(ctx, "Buckets are not supported by `%s`.", ctx->path);
    } else {
        out->ref.type = uri->type;
        out->id = copy(uri->id);
        out->revision = copy(uri->revision);
        out->path = copy(uri->path);
    }
    hf_uri_free(uri);
    return code;
}

int cli_repo_parse(cli_ctx *ctx, const char *text, const char *type, const char *revision,
                   cli_repo_arg *out)
{
    int code = CLI_EXIT_OK;

    memset(out, 0, sizeof(*out));
    if (strncmp(text, "hf://", 5) == 0) {
        code = parse_uri(ctx, text, type, revision, out);
    } else {
        out->ref.type = type_of(type);
        out->id = copy(text);
        out->revision = copy(revision);
    }
    if (code == CLI_EXIT_OK && !out->id)
        code = cli_error(ctx, "out of memory");
    out->ref.id = out->id;
    out->ref.revision = out->revision;
    return code;
}

void cli_repo_dispose(cli_repo_arg *repo)
{
    free(repo->id);
    free(repo->revision);
    free(repo->path);
    memset(repo, 0, sizeof(*repo));
}

static void on_log(hf_log_level level, const char *line, void *user)
{
    cli_ctx *ctx = user;

    if (level <= HF_LOG_WARNING)
        cli_warning(ctx, "%s", line);
    else
        cli_log(ctx, "%s", line);
}

/* HF_DEBUG and HF_HUB_VERBOSITY, with the command's default of info (cli.md 5). */
static hf_log_level verbosity(const cli_ctx *ctx)
{
    static const struct {
        const char *name;
        hf_log_level level;
    } levels[] = { { "debug", HF_LOG_DEBUG },
                   { "info", HF_LOG_INFO },
                   { "warning", HF_LOG_WARNING },
                   { "error", HF_LOG_ERROR },
                   { "critical", HF_LOG_ERROR } };
    const char *word = getenv("HF_HUB_VERBOSITY");

    if (ctx->debug)
        return HF_LOG_DEBUG;
    for (size_t i = 0; word && i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].name, word) == 0)
            return levels[i].level;
    return HF_LOG_INFO;
}

int cli_client(cli_ctx *ctx, const char *token, const char *cache_dir, hf_client **out)
{
    hf_client_opts opts = HF_CLIENT_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_status status;

    opts.token = token;
    opts.cache_dir = cache_dir;
    opts.library_name =
        "huggingface-cli"; /* what the official command calls itself (hub-http.md 10.1) */
    opts.library_version = hf_version();
    opts.log_level = verbosity(ctx);
    opts.on_log = on_log;
    opts.log_user = ctx;
    status = hf_client_new(&opts, out, &err);
    return status == HF_OK ? CLI_EXIT_OK : cli_failed(ctx, status, &err, NULL, NULL);
}

int cli_call_begin(cli_call *call, cli_ctx *ctx, const char *id, const char *type,
                   const char *revision, const char *token)
{
    int code = CLI_EXIT_OK;

    memset(call, 0, sizeof(*call));
    call->ctx = ctx;
    call->err = (hf_error)HF_ERROR_INIT;
    call->opts = (hf_call_opts)HF_CALL_OPTS_INIT;
    call->opts.cancel = ctx->cancel;
    if (id)
        code = cli_repo_parse(ctx, id, type, revision, &call->repo);
    return code == CLI_EXIT_OK ? cli_client(ctx, token, NULL, &call->client) : code;
}

int cli_call_end(cli_call *call, int code, hf_status status)
{
    if (code == CLI_EXIT_OK && status != HF_OK)
        code =
            cli_failed(call->ctx, status, &call->err, call->repo.id ? &call->repo.ref : NULL, NULL);
    hf_client_free(call->client);
    cli_repo_dispose(&call->repo);
    return code;
}
