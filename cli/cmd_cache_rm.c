/* SPDX-License-Identifier: Apache-2.0 */
/* `hf cache rm` and `hf cache prune` (cli.md 12). */
#include "cmd_cache.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct rm_args {
    const char *cache_dir;
    bool yes;
    bool dry_run;
    cli_strs targets; /* not of prune */
} rm_args;

typedef struct selection {
    const hf_cached_revision **revisions;
    size_t n_revisions;
    const hf_cached_file **files;
    char **labels; /* of files */
    size_t n_files;
    const char **missing;
    size_t n_missing;
    bool failed; /* out of memory */
} selection;

static void selection_free(selection *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        free(s->labels[i]);
    free(s->labels);
    free(s->revisions);
    free(s->files);
    free(s->missing);
}

#define ADD(s, list, count, value)                                                                 \
    do {                                                                                           \
        void *grown = realloc((s)->list, ((count) + 1) * sizeof(*(s)->list));                      \
                                                                                                   \
        if (grown) {                                                                               \
            (s)->list = grown;                                                                     \
            (s)->list[(count)++] = (value);                                                        \
        } else {                                                                                   \
            (s)->failed = true;                                                                    \
        }                                                                                          \
    } while (0)

static void add_revision(selection *s, const hf_cached_revision *revision)
{
    for (size_t i = 0; i < s->n_revisions; i++)
        if (s->revisions[i] == revision)
            return;
    ADD(s, revisions, s->n_revisions, revision);
}

/* ---- targets */

static bool is_commit(const char *text)
{
    return strlen(text) == 40 && strspn(text, "0123456789abcdefABCDEF") == 40;
}

static const hf_cached_repo *repo_of(const hf_cache_info *info, const char *id, selection *s)
{
    for (size_t i = 0; i < info->n_repos; i++) {
        char *own = cli_cache_id(&info->repos[i]);
        bool same = own && strcasecmp(own, id) == 0;

        s->failed = s->failed || !own;
        free(own);
        if (same)
            return &info->repos[i];
    }
    return NULL;
}

static void add_repo(selection *s, const hf_cached_repo *repo)
{
    for (size_t i = 0; i < repo->n_revisions; i++)
        add_revision(s, &repo->revisions[i]);
}

/* A copy of a repo has the same commits; then all are meant. */
static bool add_commits_like(const hf_cache_info *info, selection *s, const char *target)
{
    bool found = false;

    for (size_t i = 0; i < info->n_repos; i++)
        for (size_t k = 0; k < info->repos[i].n_revisions; k++)
            if (strcasecmp(info->repos[i].revisions[k].commit, target) == 0) {
                add_revision(s, &info->repos[i].revisions[k]);
                found = true;
            }
    return found;
}

static bool add_files_like(selection *s, const hf_cached_repo *repo, const char *path)
{
    bool found = false;

    for (size_t i = 0; repo && i < repo->n_revisions; i++) {
        const hf_cached_revision *revision = &repo->revisions[i];

        for (size_t k = 0; k < revision->n_files; k++) {
            char *id;
            char *label;
            size_t size;
            size_t n;

            if (strcmp(revision->files[k].path, path) != 0)
                continue;
            found = true;
            id = cli_cache_id(repo);
            size = (id ? strlen(id) : 0) + strlen(path) + 48;
            label = malloc(size);
            if (!id || !label) {
                s->failed = true;
                free(id);
                free(label);
                return found;
            }
            snprintf(label, size, "%s@%s/%s", id, revision->commit, path);
            free(id);
            n = s->n_files;
            ADD(s, files, n, &revision->files[k]);
            ADD(s, labels, s->n_files, label);
        }
    }
    return found;
}

static int add_uri(cli_ctx *ctx, const hf_cache_info *info, selection *s, const char *target)
{
    static const char *const types[] = { "model", "dataset", "space", "kernel" };
    hf_error err = HF_ERROR_INIT;
    const hf_cached_repo *repo;
    hf_uri *uri = NULL;
    char id[256];
    bool found;
    hf_status status = hf_uri_parse(target, &uri, &err);

    if (status != HF_OK)
        return cli_failed(ctx, status, &err, NULL, NULL);
    if (uri->is_bucket || uri->revision) {
        bool bucket = uri->is_bucket != 0;
        bool file = uri->path != NULL;

        hf_uri_free(uri);
        if (bucket)
            return cli_error(ctx, "Only repository hf:// URIs are supported by `hf cache rm`.");
        return cli_error(ctx, "Revisions in hf:// URIs are not supported by `hf cache rm`. %s",
                         file ? "Drop '@<revision>' to delete the file from all cached revisions."
                              : "Pass the revision hash instead, see 'hf cache ls --revisions'.");
    }
    snprintf(id, sizeof(id), "%s/%s", types[uri->type], uri->id);
    repo = repo_of(info, id, s);
    found = repo != NULL;
    if (uri->path)
        found = add_files_like(s, repo, uri->path);
    else if (repo)
        add_repo(s, repo);
    if (!found)
        ADD(s, missing, s->n_missing, target);
    hf_uri_free(uri);
    return CLI_EXIT_OK;
}

static int is_file_uri(cli_ctx *ctx, const char *target, bool *out)
{
    hf_error err = HF_ERROR_INIT;
    hf_uri *uri = NULL;
    hf_status status;

    *out = false;
    if (strncmp(target, "hf://", 5) != 0)
        return CLI_EXIT_OK;
    status = hf_uri_parse(target, &uri, &err);
    if (status != HF_OK)
        return cli_failed(ctx, status, &err, NULL, NULL);
    *out = uri->path != NULL;
    hf_uri_free(uri);
    return CLI_EXIT_OK;
}

static int select_targets(cli_ctx *ctx, const hf_cache_info *info, const cli_strs *targets,
                          selection *s)
{
    size_t n_files = 0;

    for (size_t i = 0; i < targets->n; i++) {
        bool is_file;
        int code = is_file_uri(ctx, targets->items[i], &is_file);

        if (code != CLI_EXIT_OK)
            return code;
        n_files += is_file;
    }
    if (n_files && n_files != targets->n)
        return cli_error(ctx, "File targets cannot be mixed with repository or revision targets.");
    for (size_t i = 0; i < targets->n; i++) {
        const char *target = targets->items[i];
        const hf_cached_repo *repo;
        int code;

        if (strspn(target, " \t") == strlen(target))
            continue;
        if (strncmp(target, "hf://", 5) == 0) {
            code = add_uri(ctx, info, s, target);
            if (code != CLI_EXIT_OK)
                return code;
            continue;
        }
        if (is_commit(target)) {
            if (!add_commits_like(info, s, target))
                ADD(s, missing, s->n_missing, target);
            continue;
        }
        repo = repo_of(info, target, s);
        if (repo)
            add_repo(s, repo);
        else
            ADD(s, missing, s->n_missing, target);
    }
    return s->failed ? cli_error(ctx, "out of memory") : CLI_EXIT_OK;
}

static void show_missing(cli_ctx *ctx, const selection *s)
{
    if (!s->n_missing)
        return;
    cli_warning(ctx, "Could not find in cache:");
    for (size_t i = 0; i < s->n_missing; i++)
        cli_say(ctx, "  - %s", s->missing[i]);
}

/* ---- execution */

static int execute(cli_ctx *ctx, hf_client *client, const hf_cache_plan *plan)
{
    hf_error err = HF_ERROR_INIT;
    hf_status status = hf_cache_plan_execute(client, plan, NULL, &err);

    return status == HF_OK ? CLI_EXIT_OK : cli_failed(ctx, status, &err, NULL, NULL);
}

static size_t whole_and_part(const hf_cache_plan *plan, char *out, size_t size)
{
    size_t n_part = plan->n_snapshots;

    out[0] = '\0';
    if (plan->n_repos)
        snprintf(out, size, "%zu repo(s)%s", plan->n_repos, n_part ? " and " : "");
    if (n_part)
        snprintf(out + strlen(out), size - strlen(out), "%zu revision(s)", n_part);
    return n_part;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int remove_files(cli_ctx *ctx, hf_client *client, const hf_cache_info *info, selection *s,
                        const rm_args *args)
{
    hf_error err = HF_ERROR_INIT;
    hf_cache_plan *plan = NULL;
    char message[128];
    char size[24];
    hf_status status = hf_cache_delete_files(info, s->files, s->n_files, &plan, &err);
    int code = CLI_EXIT_OK;

    if (status != HF_OK)
        return cli_failed(ctx, status, &err, NULL, NULL);
    cli_size(size, plan->bytes_freed);
    cli_text(ctx, "About to delete %zu file(s) totalling %s.", s->n_files, size);
    qsort(s->labels, s->n_files, sizeof(*s->labels), by_text);
    for (size_t i = 0; i < s->n_files; i++)
        cli_text(ctx, "  - %s", s->labels[i]);
    if (args->dry_run) {
        const cli_value values[] = { { "dry_run", NULL, 1, true },
                                     { "files", NULL, s->n_files, false },
                                     { "size", size, 0, false } };

        cli_report(ctx, "Dry run: no files were deleted.", values, 3);
    } else if (cli_confirm(ctx, "Proceed with deletion?", args->yes, &code)) {
        const cli_value values[] = { { "files_deleted", NULL, s->n_files, false },
                                     { "freed", size, 0, false } };

        code = execute(ctx, client, plan);
        snprintf(message, sizeof(message), "Deleted %zu file(s); freed %s.", s->n_files, size);
        if (code == CLI_EXIT_OK)
            cli_report(ctx, message, values, 2);
    }
    hf_cache_plan_free(plan);
    return code;
}

static int remove_revisions(cli_ctx *ctx, hf_client *client, const hf_cache_info *info,
                            selection *s, const rm_args *args)
{
    hf_error err = HF_ERROR_INIT;
    hf_cache_plan *plan = NULL;
    char message[128];
    char what[80];
    char size[24];
    hf_status status = hf_cache_delete_revisions(info, s->revisions, s->n_revisions, &plan, &err);
    int code = CLI_EXIT_OK;

    if (status != HF_OK)
        return cli_failed(ctx, status, &err, NULL, NULL);
    cli_size(size, plan->bytes_freed);
    (void)whole_and_part(plan, what, sizeof(what));
    cli_text(ctx, "About to delete %s totalling %s.", what, size);
    cli_show_plan(ctx, info, plan);
    if (args->dry_run) {
        const cli_value values[] = { { "dry_run", NULL, 1, true },
                                     { "repos", NULL, plan->n_repos, false },
                                     { "revisions", NULL, plan->n_revisions, false },
                                     { "size", size, 0, false } };

        cli_report(ctx, "Dry run: no files were deleted.", values, 4);
    } else if (cli_confirm(ctx, "Proceed with deletion?", args->yes, &code)) {
        const cli_value values[] = { { "repos_deleted", NULL, plan->n_repos, false },
                                     { "revisions_deleted", NULL, plan->n_revisions, false },
                                     { "freed", size, 0, false } };

        code = execute(ctx, client, plan);
        snprintf(message, sizeof(message), "Deleted %zu repo(s) and %zu revision(s); freed %s.",
                 plan->n_repos, plan->n_revisions, size);
        if (code == CLI_EXIT_OK)
            cli_report(ctx, message, values, 3);
    }
    hf_cache_plan_free(plan);
    return code;
}

static int rm_run(cli_ctx *ctx, void *data)
{
    const rm_args *args = data;
    hf_client *client = NULL;
    hf_cache_info *info = NULL;
    selection s = { 0 };
    int code;

    if (args->targets.n == 0)
        return cli_usage_error(ctx, "Missing argument 'TARGETS...'.");
    code = cli_cache_scan(ctx, args->cache_dir, &client, &info);
    if (code == CLI_EXIT_OK)
        code = select_targets(ctx, info, &args->targets, &s);
    if (code == CLI_EXIT_OK) {
        show_missing(ctx, &s);
        if (s.n_files)
            code = remove_files(ctx, client, info, &s, args);
        else if (s.n_revisions)
            code = remove_revisions(ctx, client, info, &s, args);
        else
            cli_text(ctx, "Nothing to delete.");
    }
    selection_free(&s);
    hf_cache_info_free(info);
    hf_client_free(client);
    return code;
}

/* ---- prune */

static void prune_summary(const hf_cache_plan *plan, char *out, size_t size)
{
    const struct {
        size_t n;
        const char *what;
    } parts[] = { { plan->n_revisions, "unreferenced revision(s)" },
                  { plan->n_incomplete, "incomplete download(s)" },
                  { plan->n_unreferenced, "unreferenced shared blob(s)" } };
    size_t left = 0;

    for (size_t i = 0; i < 3; i++)
        left += parts[i].n > 0;
    out[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(out);

        if (!parts[i].n)
            continue;
        left--;
        snprintf(out + len, size - len, "%zu %s%s", parts[i].n, parts[i].what,
                 left == 0   ? ""
                 : left == 1 ? " and "
                             : ", ");
    }
}

static int prune_plan(cli_ctx *ctx, hf_client *client, const hf_cache_info *info,
                      const hf_cache_plan *plan, const rm_args *args)
{
    char message[256];
    char what[160];
    char size[24];
    int code = CLI_EXIT_OK;

    cli_size(size, plan->bytes_freed);
    prune_summary(plan, what, sizeof(what));
    cli_text(ctx, "About to delete %s (%s total).", what, size);
    cli_show_plan(ctx, info, plan);
    if (args->dry_run) {
        const cli_value values[] = { { "dry_run", NULL, 1, true },
                                     { "revisions", NULL, plan->n_revisions, false },
                                     { "incomplete", NULL, plan->n_incomplete, false },
                                     { "shared_blobs", NULL, plan->n_unreferenced, false },
                                     { "size", size, 0, false } };

        cli_report(ctx, "Dry run: no files were deleted.", values, 5);
    } else if (cli_confirm(ctx, "Proceed?", args->yes, &code)) {
        const cli_value values[] = { { "revisions_deleted", NULL, plan->n_revisions, false },
                                     { "incomplete_deleted", NULL, plan->n_incomplete, false },
                                     { "shared_blobs_deleted", NULL, plan->n_unreferenced, false },
                                     { "freed", size, 0, false } };

        code = execute(ctx, client, plan);
        snprintf(message, sizeof(message), "Deleted %s; freed %s.", what, size);
        if (code == CLI_EXIT_OK)
            cli_report(ctx, message, values, 4);
    }
    return code;
}

static int prune_run(cli_ctx *ctx, void *data)
{
    const rm_args *args = data;
    hf_error err = HF_ERROR_INIT;
    hf_client *client = NULL;
    hf_cache_info *info = NULL;
    hf_cache_plan *plan = NULL;
    size_t n_busy = 0;
    int code = cli_cache_scan(ctx, args->cache_dir, &client, &info);

    if (code == CLI_EXIT_OK) {
        hf_status status = hf_cache_prune(info, &plan, &err);

        if (status != HF_OK)
            code = cli_failed(ctx, status, &err, NULL, NULL);
    }
    if (code == CLI_EXIT_OK) {
        for (size_t i = 0; i < info->n_incomplete; i++)
            n_busy += info->incomplete[i].in_use != 0;
        if (n_busy)
            cli_log(ctx, "%zu download(s) in progress are left alone.", n_busy);
        if (plan->n_revisions || plan->n_incomplete || plan->n_unreferenced)
            code = prune_plan(ctx, client, info, plan, args);
        else
            cli_text(ctx, "No unreferenced revisions, incomplete downloads or shared blobs found. "
                          "Nothing to prune.");
    }
    hf_cache_plan_free(plan);
    hf_cache_info_free(info);
    hf_client_free(client);
    return code;
}

static const cli_opt rm_opts[] = {
    { "cache-dir", NULL, 0, CLI_STR, offsetof(rm_args, cache_dir), "DIR",
      "cache to look at (default: the usual one)", NULL },
    { "yes", NULL, 'y', CLI_FLAG, offsetof(rm_args, yes), NULL, "do not ask", NULL },
    { "dry-run", NULL, 0, CLI_BOOL, offsetof(rm_args, dry_run), NULL,
      "tell what would be deleted, delete nothing", NULL },
    CLI_OPT_END,
};

static const cli_arg rm_args_table[] = {
    { "TARGETS", CLI_MANY, offsetof(rm_args, targets),
      "repos (model/bert-base-uncased), hf:// URIs of repos or files, or commits" },
    CLI_ARG_END,
};

static const char *const rm_examples[] = {
    "hf cache rm model/openai-community/gpt2",
    "hf cache rm hf://models/openai-community/gpt2/model.safetensors",
    "hf cache rm 607a30d783dfa663caf39e06633721c8d4cfcd7e --dry-run",
    NULL,
};

const cli_cmd cli_cmd_cache_rm = {
    .name = "rm",
    .summary = "Remove repos, revisions or files from the cache.",
    .opts = rm_opts,
    .args = rm_args_table,
    .args_size = sizeof(rm_args),
    .run = rm_run,
    .examples = rm_examples,
};

static const char *const prune_examples[] = {
    "hf cache prune",
    "hf cache prune --dry-run",
    NULL,
};

const cli_cmd cli_cmd_cache_prune = {
    .name = "prune",
    .summary = "Remove detached revisions and incomplete downloads from the cache.",
    .description = "Downloads that a live process is at are left alone.",
    .opts = rm_opts,
    .args_size = sizeof(rm_args),
    .run = prune_run,
    .examples = prune_examples,
};
