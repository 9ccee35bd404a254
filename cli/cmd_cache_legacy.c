/* SPDX-License-Identifier: Apache-2.0 */
/* `scan-cache` and `delete-cache` of `huggingface-cli` (cli.md 23.2). */
#include "cmd_cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct scan_args {
    const char *dir;
    bool verbose;
} scan_args;

static char *joined(const char *const *refs, size_t n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? ", " : "", refs[i]);
    fclose(out);
    return text;
}

/* One row of the table, whose text lives as long as the struct. */
typedef struct scan_row {
    char size[32];
    char n_files[24];
    char accessed[32];
    char modified[32];
    char *refs;
} scan_row;

static int show(cli_ctx *ctx, const hf_cache_info *info, bool verbose)
{
    static const cli_column repo_columns[] = {
        { "repo_id", "REPO ID", false, false },
        { "repo_type", "REPO TYPE", false, false },
        { "size", "SIZE ON DISK", true, false },
        { "nb_files", "NB FILES", true, true },
        { "last_accessed", "LAST_ACCESSED", false, false },
        { "last_modified", "LAST_MODIFIED", false, false },
        { "refs", "REFS", false, false },
        { "local_path", "LOCAL PATH", false, false },
    };
    static const cli_column revision_columns[] = {
        { "repo_id", "REPO ID", false, false },
        { "repo_type", "REPO TYPE", false, false },
        { "revision", "REVISION", false, false },
        { "size", "SIZE ON DISK", true, false },
        { "nb_files", "NB FILES", true, true },
        { "last_modified", "LAST_MODIFIED", false, false },
        { "refs", "REFS", false, false },
        { "local_path", "LOCAL PATH", false, false },
    };
    double now = cli_now();
    size_t most = 1;
    size_t n = 0;
    const char **cells;
    scan_row *rows;
    bool good;

    for (size_t i = 0; i < info->n_repos; i++)
        most += verbose ? info->repos[i].n_revisions : 1;
    cells = calloc(most, 8 * sizeof(*cells));
    rows = calloc(most, sizeof(*rows));
    good = cells && rows;
    for (size_t i = 0; good && i < info->n_repos; i++) {
        const hf_cached_repo *repo = &info->repos[i];

        for (size_t k = 0; good && k < (verbose ? repo->n_revisions : 1); k++, n++) {
            const hf_cached_revision *revision = verbose ? &repo->revisions[k] : NULL;
            const char **cell = cells + n * 8;
            scan_row *r = &rows[n];

            r->refs = revision ? joined(revision->refs, revision->n_refs)
                               : joined(repo->refs, repo->n_refs);
            good = r->refs != NULL;
            snprintf(r->n_files, sizeof(r->n_files), "%zu",
                     revision ? revision->n_files : repo->n_files);
            *cell++ = repo->id;
            *cell++ = cli_repo_types[repo->type];
            if (revision)
                *cell++ = revision->commit;
            *cell++ = cli_size(r->size, revision ? revision->size : repo->size);
            *cell++ = r->n_files;
            if (!revision)
                *cell++ = cli_age(r->accessed, repo->last_accessed, now);
            *cell++ =
                cli_age(r->modified, revision ? revision->last_modified : repo->last_modified, now);
            *cell++ = r->refs;
            *cell = revision ? revision->path : repo->path;
        }
    }
    if (good)
        cli_table(ctx, verbose ? revision_columns : repo_columns, 8, cells, n, verbose ? 2 : 0);
    for (size_t i = 0; rows && i < n; i++)
        free(rows[i].refs);
    free(rows);
    free(cells);
    return good ? CLI_EXIT_OK : cli_error(ctx, "out of memory");
}

static int scan_run(cli_ctx *ctx, void *data)
{
    const scan_args *args = data;
    hf_client *client = NULL;
    hf_cache_info *info = NULL;
    double start = cli_now();
    char size[24];
    int code = cli_cache_scan(ctx, args->dir, &client, &info);

    if (code == CLI_EXIT_OK) {
        double seconds = cli_now() - start;

        code = show(ctx, info, args->verbose);
        cli_text(ctx, "\nDone in %.1fs. Scanned %zu repo(s) for a total of %s.", seconds,
                 info->n_repos, cli_size(size, info->size));
        for (size_t i = 0; args->verbose && i < info->n_warnings; i++)
            cli_warning(ctx, "%s", info->warnings[i]);
        if (!args->verbose && info->n_warnings)
            cli_text(ctx, "Got %zu warning(s) while scanning. Use -v to print details.",
                     info->n_warnings);
    }
    hf_cache_info_free(info);
    hf_client_free(client);
    return code;
}

static const cli_opt scan_opts[] = {
    { "dir", NULL, 0, CLI_STR, offsetof(scan_args, dir), "DIR",
      "cache to look at (default: the usual one)", NULL },
    { "verbose", NULL, 'v', CLI_FLAG, offsetof(scan_args, verbose), NULL, "show every revision",
      NULL },
    CLI_OPT_END,
};

const cli_cmd cli_cmd_scan_cache = {
    .name = "scan-cache",
    .summary = "List cached repos; today's form is 'hf cache ls'.",
    .opts = scan_opts,
    .args_size = sizeof(scan_args),
    .run = scan_run,
    .hidden = true,
};

static int delete_run(cli_ctx *ctx, void *data)
{
    (void)data;
    return cli_error(ctx,
                     "'delete-cache' was interactive and is gone. List revisions with 'hf cache "
                     "ls --revisions', remove them with 'hf cache rm', or all that are of no "
                     "use with 'hf cache prune'.");
}

static const cli_opt delete_opts[] = {
    { "dir", NULL, 0, CLI_IGNORED_VALUE, 0, NULL, NULL, NULL },
    { "disable-tui", NULL, 0, CLI_IGNORED, 0, NULL, NULL, NULL },
    { "sort", NULL, 0, CLI_IGNORED_VALUE, 0, NULL, NULL, NULL },
    CLI_OPT_END,
};

const cli_cmd cli_cmd_delete_cache = {
    .name = "delete-cache",
    .summary = "Gone; says what to use instead.",
    .opts = delete_opts,
    .run = delete_run,
    .hidden = true,
};
