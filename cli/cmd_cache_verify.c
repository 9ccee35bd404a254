/* SPDX-License-Identifier: Apache-2.0 */
/* `hf cache verify` (cli.md 12). */
#include "cmd_cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct verify_args {
    const char *repo;
    const char *type;
    const char *revision;
    const char *cache_dir;
    const char *local_dir;
    bool fail_on_missing;
    bool fail_on_extra;
    const char *token;
} verify_args;

static void show_list(cli_ctx *ctx, const char *title, const char *const *items, size_t n)
{
    cli_text(ctx, "❌ %s:", title);
    for (size_t i = 0; i < n; i++)
        cli_text(ctx, "  - %s", items[i]);
}

/* Says what differs; false when that makes the whole a failure. */
static bool judge(cli_ctx *ctx, const verify_args *args, const hf_verification *v)
{
    bool good = v->n_mismatches == 0;

    if (v->n_mismatches)
        cli_text(ctx, "❌ Checksum verification failed for the following file(s):");
    for (size_t i = 0; i < v->n_mismatches; i++) {
        const hf_mismatch *m = &v->mismatches[i];

        cli_text(ctx, "  - %s: expected %s (%s), got %s", m->path, m->expected, m->algorithm,
                 m->actual);
    }
    if (v->n_missing && args->fail_on_missing)
        show_list(ctx, "Missing files (present remotely, absent locally)", v->missing,
                  v->n_missing);
    else if (v->n_missing)
        cli_warning(ctx,
                    "%zu remote file(s) are missing locally. Use --fail-on-missing-files for "
                    "details.",
                    v->n_missing);
    if (v->n_extra && args->fail_on_extra)
        show_list(ctx, "Extra files (present locally, absent remotely)", v->extra, v->n_extra);
    else if (v->n_extra)
        cli_warning(ctx,
                    "%zu local file(s) do not exist on the remote repo. Use --fail-on-extra-files "
                    "for details.",
                    v->n_extra);
    return good && !(v->n_missing && args->fail_on_missing) && !(v->n_extra && args->fail_on_extra);
}

static int report(cli_ctx *ctx, const verify_args *args, const hf_repo_ref *repo,
                  const hf_verification *v)
{
    const char *type = cli_repo_types[repo->type];
    const cli_value values[] = { { "repo_id", repo->id, 0, false },
                                 { "repo_type", type, 0, false },
                                 { "checked", NULL, v->n_checked, false },
                                 { "path", v->path, 0, false } };
    char message[512];

    if (!judge(ctx, args, v)) {
        cli_error(ctx, "Verification failed for '%s' (%s) in %s.", repo->id, type, v->path);
        cli_say(ctx, "  Revision: %s", v->revision);
        return CLI_EXIT_ERROR;
    }
    snprintf(message, sizeof(message), "Verified %zu file(s) for %s '%s'. All checksums match.",
             v->n_checked, type, repo->id);
    cli_report(ctx, message, values, 4);
    return CLI_EXIT_OK;
}

static int verify_run(cli_ctx *ctx, void *data)
{
    const verify_args *args = data;
    hf_verify_opts opts = HF_VERIFY_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_verification *v = NULL;
    hf_client *client = NULL;
    cli_progress progress;
    cli_repo_arg repo;
    hf_status status;
    int code;

    if (args->cache_dir && args->local_dir) {
        cli_error(ctx, "Cannot pass both --local-dir and --cache-dir. Use one or the other.");
        return CLI_EXIT_USAGE;
    }
    code = cli_repo_parse(ctx, args->repo, args->type, args->revision, &repo);
    if (code != CLI_EXIT_OK)
        return code;
    code = cli_client(ctx, args->token, args->cache_dir, &client);
    if (code == CLI_EXIT_OK) {
        cli_progress_init(&progress, ctx, repo.ref.id);
        opts.local_dir = args->local_dir;
        opts.cancel = ctx->cancel;
        opts.on_progress = cli_progress_show;
        opts.user = &progress;
        status = hf_cache_verify(client, &repo.ref, &opts, &v, &err);
        cli_progress_end(&progress, false);
        code = status == HF_OK ? report(ctx, args, &repo.ref, v)
                               : cli_failed(ctx, status, &err, &repo.ref, NULL);
    }
    hf_verification_free(v);
    hf_client_free(client);
    cli_repo_dispose(&repo);
    return code;
}

static const cli_opt verify_opts[] = {
    { "repo-type", "type", 0, CLI_CHOICE, offsetof(verify_args, type), "TYPE",
      "model, dataset, space or kernel", cli_repo_types },
    { "revision", NULL, 0, CLI_STR, offsetof(verify_args, revision), "REV",
      "branch, tag or commit (default: what main was last seen at)", NULL },
    { "cache-dir", NULL, 0, CLI_STR, offsetof(verify_args, cache_dir), "DIR",
      "cache to look at (default: the usual one)", NULL },
    { "local-dir", NULL, 0, CLI_STR, offsetof(verify_args, local_dir), "DIR",
      "look at the files in this directory instead", NULL },
    { "fail-on-missing-files", NULL, 0, CLI_FLAG, offsetof(verify_args, fail_on_missing), NULL,
      "fail when the Hub has files that are not here", NULL },
    { "fail-on-extra-files", NULL, 0, CLI_FLAG, offsetof(verify_args, fail_on_extra), NULL,
      "fail when there are files here that the Hub does not have", NULL },
    { "token", NULL, 0, CLI_STR, offsetof(verify_args, token), "TOKEN", "access token", NULL },
    CLI_OPT_END,
};

static const cli_arg verify_args_table[] = {
    { "REPO_ID", CLI_ONE, offsetof(verify_args, repo), "the repo, 'namespace/name'" },
    CLI_ARG_END,
};

static const char *const verify_examples[] = {
    "hf cache verify openai-community/gpt2",
    "hf cache verify openai-community/gpt2 --revision refs/pr/1",
    "hf cache verify deepseek-ai/DeepSeek-OCR --local-dir ./ocr",
    NULL,
};

const cli_cmd cli_cmd_cache_verify = {
    .name = "verify",
    .summary = "Hash the files of a cached revision and compare with the Hub.",
    .opts = verify_opts,
    .args = verify_args_table,
    .args_size = sizeof(verify_args),
    .run = verify_run,
    .examples = verify_examples,
    .repo_prefix = 1,
};
