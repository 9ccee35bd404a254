/* SPDX-License-Identifier: Apache-2.0 */
/* Failures in the words that users of the official command know (cli.md 4): what is wrong, and what
 * to do. */
#include "cli.h"

#include <ctype.h>
#include <string.h>

static const char *type_word(const hf_repo_ref *repo)
{
    return repo && repo->type != HF_REPO_MODEL ? cli_repo_types[repo->type] : "model";
}

/* What the server's operator can find the request by, to end a line with. */
static const char *id_of(const hf_error *err, char out[96])
{
    snprintf(out, 96, err->request_id[0] ? " (Request ID: %s)" : "", err->request_id);
    return out;
}

static void say_gated(cli_ctx *ctx, const hf_repo_ref *repo, const char *id)
{
    char type[16];

    if (!repo) {
        cli_error(ctx, "Access denied. This repository requires approval.%s", id);
        return;
    }
    snprintf(type, sizeof(type), "%s", type_word(repo));
    type[0] = (char)toupper((unsigned char)type[0]);
    cli_error(ctx, "Access denied. %s '%s' requires approval.%s", type, repo->id, id);
}

static void say_no_repo(cli_ctx *ctx, const hf_repo_ref *repo, const char *id)
{
    char type[16];

    snprintf(type, sizeof(type), "%s", repo ? type_word(repo) : "repository");
    type[0] = (char)toupper((unsigned char)type[0]);
    if (repo)
        cli_error(ctx, "%s '%s' not found.%s", type, repo->id, id);
    else
        cli_error(ctx, "Repository not found.%s", id);
    fprintf(
        stderr,
        "If the repo is private, make sure you are authenticated and your token has the required "
        "permissions.\n");
    if (repo && repo->type != HF_REPO_KERNEL)
        fprintf(stderr, "If the repo does not exist, create it with: hf repos create %s%s%s\n",
                repo->id, repo->type != HF_REPO_MODEL ? " --type " : "",
                repo->type != HF_REPO_MODEL ? type_word(repo) : "");
}

int cli_failed(cli_ctx *ctx, hf_status status, const hf_error *err, const hf_repo_ref *repo,
               const char *path)
{
    const char *message = err->message[0] ? err->message : hf_status_text(status);
    char id[96];

    (void)id_of(err, id);

    switch (status) {
    case HF_ERR_CANCELED:
        cli_line_close(ctx);
        fputs("Interrupted. Run the same command again to go on.\n", stderr);
        return CLI_EXIT_INTERRUPTED;
    case HF_ERR_GATED_REPO:
        say_gated(ctx, repo, id);
        break;
    case HF_ERR_REPO_NOT_FOUND:
        say_no_repo(ctx, repo, id);
        break;
    case HF_ERR_REVISION_NOT_FOUND:
        if (repo)
            cli_error(ctx, "Revision '%s' not found in %s '%s'.%s",
                      repo->revision ? repo->revision : "main", type_word(repo), repo->id, id);
        else
            cli_error(ctx, "Revision not found in repository. Check the revision parameter.%s", id);
        break;
    case HF_ERR_ENTRY_NOT_FOUND:
        if (repo && path)
            cli_error(ctx, "File '%s' not found in %s '%s'.%s", path, type_word(repo), repo->id,
                      id);
        else
            cli_error(ctx, "File not found in repository.%s", id);
        break;
    case HF_ERR_NOT_CACHED:
    case HF_ERR_INCOMPLETE_SNAPSHOT:
        cli_error(ctx, "Local entry not found. %s", message);
        break;
    case HF_ERR_OFFLINE:
        cli_error(ctx, "%s%s", repo ? "Local entry not found. " : "", message);
        break;
    case HF_ERR_UNSAFE_PATH:
    case HF_ERR_INVALID_ARG:
        cli_error(ctx, "Invalid value. %s", message);
        break;
    default:
        cli_error(ctx, "%s", message);
        break;
    }
    if (ctx->debug) {
        fprintf(stderr, "%s (http %d, errno %d, code '%s', request '%s'): %s\n",
                hf_status_name(status), err->http_status, err->os_errno, err->server_code,
                err->request_id, message);
    }
    return CLI_EXIT_ERROR;
}
