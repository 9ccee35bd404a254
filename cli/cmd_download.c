/* SPDX-License-Identifier: Apache-2.0 */
/* hf download (cli.md 9): one file, some files, folders, or a whole repo. */
#include "commands.h"
#include "lockfile.h"

#include <stdlib.h>
#include <string.h>

typedef struct download_args {
    const char *repo;
    cli_strs files;
    const char *type;
    const char *revision;
    cli_strs include;
    cli_strs exclude;
    const char *cache_dir;
    const char *local_dir;
    bool force;
    bool dry_run;
    cli_uint max_workers;
    const char *token;
    bool prefer_cache;
    bool refresh;
    uint64_t limit_rate;
    const char *progress;
    const char *lock;    /* to write */
    const char *locked;  /* to obey: commit and hashes */
    const char *require; /* to obey: hashes */
} download_args;

/* What all of a download needs. */
typedef struct download {
    cli_ctx *ctx;
    hf_client *client;
    const download_args *args;
    hf_repo_ref repo;
    cli_lock lock; /* to obey */
    bool has_lock;
} download;

/* What is to be fetched, once names, folders and patterns are told apart. */
typedef struct selection {
    const char *single; /* one plain name: a file and nothing else is wanted */
    const char **allow; /* NULL: everything */
    size_t n_allow;
    char **owned; /* folder patterns made here */
    size_t n_owned;
} selection;

static void selection_dispose(selection *sel)
{
    for (size_t i = 0; i < sel->n_owned; i++)
        free(sel->owned[i]);
    free(sel->owned);
    free(sel->allow);
}

static bool is_folder(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && name[len - 1] == '/';
}

/* "data/" becomes "data/" and "**": everything below. */
static char *folder_pattern(const char *name)
{
    size_t len = strlen(name);
    char *pattern;

    while (len > 0 && name[len - 1] == '/')
        len--;
    pattern = malloc(len + sizeof("/**"));
    if (pattern) {
        memcpy(pattern, name, len);
        memcpy(pattern + len, "/**", sizeof("/**"));
    }
    return pattern;
}

static int select_names(cli_ctx *ctx, const download_args *args, const cli_strs *names,
                        selection *sel)
{
    size_t n_folders = 0;

    for (size_t i = 0; i < names->n; i++) {
        if (!is_folder(names->items[i]))
            continue;
        if (args->include.n)
            return cli_error(ctx,
                             "Cannot combine subfolder argument ('%s') with `--include`. "
                             "Please use `--include \"%s*\"` instead.",
                             names->items[i], names->items[i]);
        if (args->exclude.n)
            return cli_error(ctx,
                             "Cannot combine subfolder argument ('%s') with `--exclude`. "
                             "Please use `--include \"%s*\"` with `--exclude` instead.",
                             names->items[i], names->items[i]);
        n_folders++;
    }
    if (names->n && args->include.n)
        cli_warning(ctx, "Ignoring `--include` since filenames have been explicitly set.");
    if (names->n && args->exclude.n)
        cli_warning(ctx, "Ignoring `--exclude` since filenames have been explicitly set.");
    if (names->n == 1 && n_folders == 0) {
        sel->single = names->items[0];
        return CLI_EXIT_OK;
    }
    if (names->n == 0)
        return CLI_EXIT_OK;
    sel->allow = calloc(names->n, sizeof(*sel->allow));
    sel->owned = calloc(names->n, sizeof(*sel->owned));
    if (!sel->allow || !sel->owned)
        return cli_error(ctx, "out of memory");
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->items[i];

        if (is_folder(name)) {
            name = sel->owned[sel->n_owned] = folder_pattern(name);
            if (!name)
                return cli_error(ctx, "out of memory");
            sel->n_owned++;
        }
        sel->allow[sel->n_allow++] = name;
    }
    return CLI_EXIT_OK;
}

/* ---- dry run */

/* disk: bytes that are needed beyond what an earlier call left. */
static void show_plan(const download *d, const hf_file *files, size_t n, uint64_t disk)
{
    static const cli_column columns[] = {
        { "file", "FILE", false, false },
        { "size", "SIZE", true, false },
    };
    cli_ctx *ctx = d->ctx;
    const char **cells = calloc(n * 2 + 1, sizeof(*cells));
    char(*sizes)[24] = calloc(n + 1, sizeof(*sizes));
    uint64_t bytes = 0;
    size_t n_fetch = 0;
    size_t n_requests = 0; /* an empty file is not asked for */
    char total[24];

    for (size_t i = 0; cells && sizes && i < n; i++) {
        cells[i * 2] = files[i].repo_path;
        cells[i * 2 + 1] = files[i].would_fetch ? cli_size(sizes[i], files[i].size) : "-";
        bytes += files[i].would_fetch ? files[i].size : 0;
        n_fetch += files[i].would_fetch != 0;
        n_requests += files[i].would_fetch && files[i].size > 0;
    }
    cli_text(ctx, "[dry-run] Will download %zu files (out of %zu) totalling %s.", n_fetch, n,
             cli_size(total, bytes));
    if (d->args->progress && strcmp(d->args->progress, "json") == 0)
        fprintf(stderr,
                "{\"event\":\"plan\",\"files_to_fetch\":%zu,\"files_total\":%zu,"
                "\"bytes_to_fetch\":%llu,\"requests\":%zu,\"disk_needed\":%llu}\n",
                n_fetch, n, (unsigned long long)bytes, n_requests, (unsigned long long)disk);
    else if (n_fetch && ctx->mode == CLI_HUMAN)
        cli_say(ctx, "Requests for bodies: %zu. Disk needed: %s.", n_requests,
                cli_size(total, disk));
    if (cells && sizes)
        cli_table(ctx, columns, 2, cells, n, 0);
    free(cells);
    free(sizes);
}

/* ---- the two ways */

static uint32_t flags_of(const download_args *args)
{
    return (args->force ? HF_DOWNLOAD_FORCE : 0) | (args->dry_run ? HF_DOWNLOAD_DRY_RUN : 0) |
           (args->prefer_cache ? HF_DOWNLOAD_PREFER_CACHE : 0) |
           (args->refresh ? HF_DOWNLOAD_REFRESH : 0);
}

static void begin_progress(cli_progress *progress, const download *d, const char *subject)
{
    cli_progress_init(progress, d->ctx, subject);
    cli_progress_how(progress, d->args->progress);
}

static int show_result(const download *d, const char *path, const char *commit,
                       const hf_file *files, size_t n)
{
    cli_pair pair = { "path", path };
    int code = CLI_EXIT_OK;

    if (d->args->lock)
        code = commit ? cli_lock_write(d->ctx, d->args->lock, &d->repo, commit, files, n)
                      : cli_error(d->ctx, "No lock can be written: the commit is not known. Ask "
                                          "the Hub with --refresh.");
    if (code == CLI_EXIT_OK)
        cli_result(d->ctx, "Downloaded", &pair, 1);
    return code;
}

static int fetch_file(const download *d, const char *path)
{
    hf_download_opts opts = HF_DOWNLOAD_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_file *file = NULL;
    cli_progress progress;
    hf_status status;
    int code = CLI_EXIT_OK;

    opts.flags = flags_of(d->args);
    opts.local_dir = d->args->local_dir;
    opts.cancel = d->ctx->cancel;
    if (d->has_lock) {
        opts.expected_hash = cli_lock_hash(&d->lock, path);
        if (!opts.expected_hash)
            return cli_error(d->ctx, "'%s' is not among the files whose hash is demanded.", path);
    }
    begin_progress(&progress, d, path);
    opts.on_progress = cli_progress_show;
    opts.user = &progress;
    status = hf_hub_download(d->client, &d->repo, path, &opts, &file, &err);
    cli_progress_end(&progress, status == HF_OK);
    if (status != HF_OK)
        return cli_failed(d->ctx, status, &err, &d->repo, path);
    if (d->args->dry_run)
        show_plan(d, file, 1, file->would_fetch ? file->size : 0);
    else
        code = show_result(d, file->path, file->commit, file, 1);
    hf_file_free(file);
    return code;
}

static int fetch_snapshot(const download *d, const selection *sel)
{
    const download_args *args = d->args;
    hf_snapshot_opts opts = HF_SNAPSHOT_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_snapshot *snapshot = NULL;
    cli_progress progress;
    hf_status status;
    int code = CLI_EXIT_OK;

    begin_progress(&progress, d, d->repo.id);
    opts.flags = flags_of(args);
    opts.allow = sel->allow ? sel->allow : args->include.n ? args->include.items : NULL;
    opts.n_allow = sel->allow ? sel->n_allow : args->include.n;
    opts.ignore = sel->allow ? NULL : args->exclude.items;
    opts.n_ignore = sel->allow ? 0 : args->exclude.n;
    opts.local_dir = args->local_dir;
    opts.max_workers = (uint32_t)args->max_workers.value;
    opts.cancel = d->ctx->cancel;
    opts.on_progress = cli_progress_show;
    opts.user = &progress;
    opts.expected = d->lock.files;
    opts.n_expected = d->lock.n_files;
    status = hf_snapshot_download(d->client, &d->repo, &opts, &snapshot, &err);
    cli_progress_end(&progress, status == HF_OK);
    if (status != HF_OK)
        return cli_failed(d->ctx, status, &err, &d->repo, NULL);
    if (args->dry_run)
        show_plan(d, snapshot->files, snapshot->n_files, snapshot->disk_needed);
    else
        code = show_result(d, snapshot->path, snapshot->commit, snapshot->files, snapshot->n_files);
    hf_snapshot_free(snapshot);
    return code;
}

/* What the options say of the client and of what it must obey. */
static int prepare(download *d)
{
    const download_args *args = d->args;
    const char *list = args->locked ? args->locked : args->require;
    int code = CLI_EXIT_OK;

    if (args->locked && args->require)
        return cli_usage_error(d->ctx, "--locked and --require-hash cannot be used together.");
    if (args->prefer_cache && (args->refresh || args->force))
        return cli_usage_error(d->ctx,
                               "--prefer-cache cannot be used with --refresh or --force-download.");
    if (list) {
        code = cli_lock_read(d->ctx, list, &d->lock);
        d->has_lock = true;
        if (code == CLI_EXIT_OK && d->lock.n_files == 0)
            code = cli_error(d->ctx, "'%s' lists no file.", list);
    }
    if (code == CLI_EXIT_OK && args->locked) {
        code = cli_lock_check_repo(d->ctx, &d->lock, list, &d->repo);
        d->repo.revision = d->lock.commit;
    }
    if (code == CLI_EXIT_OK)
        code = cli_client(d->ctx, args->token, args->cache_dir, &d->client);
    hf_client_limit_rate(d->client, args->limit_rate);
    return code;
}

static int run(cli_ctx *ctx, void *args_)
{
    const download_args *args = args_;
    cli_repo_arg repo = { 0 };
    selection sel = { 0 };
    cli_strs names = args->files;
    const char *uri_path;
    download d = { .ctx = ctx, .args = args };
    int code;

    if (args->cache_dir && args->local_dir)
        return cli_error(ctx,
                         "Cannot use both `--local-dir` and `--cache-dir` at the same time. Use "
                         "`--cache-dir` (or set the HF_HOME environment variable) for shared "
                         "caching, or `--local-dir` for a one-off download to a specific "
                         "directory.");
    if (args->max_workers.given && (args->max_workers.value < 1 || args->max_workers.value > 256))
        return cli_usage_error(ctx,
                               "Invalid value for '--max-workers': it must be between 1 and 256.");
    code = cli_repo_parse(ctx, args->repo, args->type, args->revision, &repo);
    if (code != CLI_EXIT_OK)
        goto done;
    if (repo.path) {
        if (names.n) {
            code = cli_error(ctx,
                             "Cannot combine a file path in the hf:// URI ('%s') with positional "
                             "filenames ('%s').",
                             repo.path, names.items[0]);
            goto done;
        }
        uri_path = repo.path;
        names.items = &uri_path;
        names.n = 1;
    }
    code = select_names(ctx, args, &names, &sel);
    d.repo = repo.ref;
    if (code == CLI_EXIT_OK)
        code = prepare(&d);
    if (code == CLI_EXIT_OK)
        code = sel.single ? fetch_file(&d, sel.single) : fetch_snapshot(&d, &sel);
done:
    hf_client_free(d.client);
    cli_lock_dispose(&d.lock);
    selection_dispose(&sel);
    cli_repo_dispose(&repo);
    return code;
}

static const cli_arg args[] = {
    { "REPO_ID", CLI_ONE, offsetof(download_args, repo),
      "namespace/name, datasets/namespace/name, or an hf:// URI" },
    { "FILENAMES", CLI_MANY, offsetof(download_args, files),
      "files; a name that ends in '/' is a folder. None: all" },
    CLI_ARG_END,
};

static const cli_opt opts[] = {
    { "type", "repo-type", 0, CLI_CHOICE, offsetof(download_args, type), "TYPE",
      "kind of repo; default model", cli_repo_types },
    { "revision", NULL, 0, CLI_STR, offsetof(download_args, revision), "REV",
      "branch, tag, commit or refs/pr/N; default main", NULL },
    { "include", NULL, 0, CLI_STRS, offsetof(download_args, include), "PATTERN",
      "fetch only files that match; may be repeated", NULL },
    { "exclude", NULL, 0, CLI_STRS, offsetof(download_args, exclude), "PATTERN",
      "leave out files that match; may be repeated", NULL },
    { "cache-dir", NULL, 0, CLI_STR, offsetof(download_args, cache_dir), "DIR",
      "cache to use instead of the usual one", NULL },
    { "local-dir", NULL, 0, CLI_STR, offsetof(download_args, local_dir), "DIR",
      "write plain files there instead of into the cache", NULL },
    { "force-download", NULL, 0, CLI_BOOL, offsetof(download_args, force), NULL,
      "fetch even what is cached", NULL },
    { "dry-run", NULL, 0, CLI_BOOL, offsetof(download_args, dry_run), NULL,
      "tell what would be fetched, fetch nothing", NULL },
    { "max-workers", NULL, 0, CLI_UINT, offsetof(download_args, max_workers), "N",
      "files at a time; default 8", NULL },
    { "prefer-cache", NULL, 0, CLI_FLAG, offsetof(download_args, prefer_cache), NULL,
      "ask nothing when all of it is here", NULL },
    { "refresh", NULL, 0, CLI_FLAG, offsetof(download_args, refresh), NULL,
      "ask the Hub in any case; never fall back to what is cached", NULL },
    { "limit-rate", NULL, 0, CLI_RATE, offsetof(download_args, limit_rate), "BYTES",
      "at most so many bytes per second: 500K, 10M", NULL },
    { "progress", NULL, 0, CLI_CHOICE, offsetof(download_args, progress), "HOW",
      "how progress is told: auto, or json for one object a line on stderr", cli_progress_hows },
    { "lock", NULL, 0, CLI_STR, offsetof(download_args, lock), "FILE",
      "write the commit and the hash of every file there", NULL },
    { "locked", NULL, 0, CLI_STR, offsetof(download_args, locked), "FILE",
      "fetch exactly what this lock file says, and check all of it", NULL },
    { "require-hash", NULL, 0, CLI_STR, offsetof(download_args, require), "FILE",
      "refuse files whose hash is not in this list", NULL },
    { "token", NULL, 0, CLI_STR, offsetof(download_args, token), "TEXT",
      "access token; default: HF_TOKEN or the one you logged in with", NULL },
    { "resume-download", NULL, 0, CLI_IGNORED, 0, NULL, "", NULL },
    { "local-dir-use-symlinks", NULL, 0, CLI_IGNORED_VALUE, 0, NULL, "", NULL },
    CLI_OPT_END,
};

static const char *const examples[] = {
    "hf download openai-community/gpt2",
    "hf download openai-community/gpt2 config.json model.safetensors",
    "hf download datasets/nyu-mll/glue --include 'sst2/*' --local-dir glue",
    "cd \"$(hf download openai-community/gpt2 --revision v1.0)\"",
    NULL,
};

const cli_cmd cli_cmd_download = {
    .name = "download",
    .summary = "Fetch files of a repo, checking every byte against its hash.",
    .description = "Prints the path on standard output, alone: of the file when one is named, "
                   "else of the folder.\n"
                   "Files that are cached are not fetched again; an interrupted download goes on "
                   "where it was.",
    .opts = opts,
    .args = args,
    .args_size = sizeof(download_args),
    .run = run,
    .examples = examples,
    .repo_prefix = 1,
};
