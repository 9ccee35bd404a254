/* SPDX-License-Identifier: Apache-2.0 */
/* hf upload and hf upload-large-folder (cli.md 10, 11, 21): a file, a folder, or what comes on standard
 * input. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOTHING_CHANGED                                                                            \
    "No files have been modified since last commit. Skipping to prevent empty commit."

typedef struct upload_args {
    const char *repo;
    const char *local;
    const char *path;
    const char *type;
    const char *revision;
    hf_choice private_;
    cli_strs include;
    cli_strs exclude;
    cli_strs remove;
    const char *message;
    const char *description;
    bool create_pr;
    bool follow_links;
    uint64_t limit_rate;
    const char *progress;
    const char *every;
    cli_uint workers;
    bool no_report;
    bool no_bars;
    const char *token;
} upload_args;

/* What is to go up, and where to. */
typedef struct upload_plan {
    const char *local;
    char *path; /* in the repo; NULL: root */
    bool folder;
    bool input;          /* standard input */
    const char *pattern; /* LOCAL_PATH was one */
    char message[1000];
    const char *progress; /* how it is told */
} upload_plan;

/* ---- LOCAL_PATH and PATH_IN_REPO */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *out = malloc(size);

    if (out)
        memcpy(out, text, size);
    return out;
}

static bool look(const char *path, bool *folder)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return false;
    *folder = S_ISDIR(info.st_mode);
    return true;
}

static int infer(cli_ctx *ctx, const upload_args *args, const cli_repo_arg *repo, upload_plan *plan)
{
    const char *path = args->path ? args->path : repo->path;

    plan->local = args->local ? args->local : last_part(repo->ref.id);
    if (strcmp(plan->local, "-") == 0) {
        plan->input = true;
        if (!path || !*path || strcmp(path, ".") == 0)
            return cli_usage_error(ctx, "Standard input has no name: say PATH_IN_REPO.");
    } else if (strpbrk(plan->local, "*?[") && !look(plan->local, &plan->folder)) {
        if (args->include.n)
            return cli_error(ctx, "Cannot set --include when local_path contains a wildcard.");
        if (path && strcmp(path, ".") != 0)
            return cli_error(ctx, "Cannot set path_in_repo when local_path contains a wildcard.");
        plan->pattern = plan->local;
        plan->local = ".";
        plan->folder = true;
        path = NULL;
    } else if (!look(plan->local, &plan->folder)) {
        return args->local
                   ? cli_error(ctx, "'%s' is not a local file or folder.", plan->local)
                   : cli_error(ctx,
                               "Invalid value. '%s' is not a local file or folder. Please set "
                               "local_path explicitly.",
                               plan->local);
    }
    if (!plan->folder && !path)
        path = last_part(plan->local);
    if (!plan->folder && (strcmp(path, ".") == 0 || !*path))
        return cli_error(ctx, "Invalid value. Invalid `path_in_repo` in CommitOperation: '%s'",
                         path);
    plan->path = path ? copy(path) : NULL;
    return path && !plan->path ? cli_error(ctx, "out of memory") : CLI_EXIT_OK;
}

/* ---- options */

static int set_options(cli_ctx *ctx, const upload_args *args, upload_plan *plan,
                       hf_upload_opts *opts)
{
    opts->flags = HF_UPLOAD_CREATE_REPO | HF_UPLOAD_CREATE_BRANCH;
    if (args->private_ == HF_YES)
        opts->flags |= HF_UPLOAD_PRIVATE;
    if (args->private_ == HF_NO)
        opts->flags |= HF_UPLOAD_PUBLIC;
    if (args->create_pr)
        opts->flags |= HF_UPLOAD_CREATE_PR;
    if (args->follow_links)
        opts->flags |= HF_UPLOAD_FOLLOW_LINKS;
    opts->description = args->description;
    plan->progress = args->progress;
    opts->max_parallel = (uint32_t)args->workers.value;
    opts->cancel = ctx->cancel;
    if (plan->folder) {
        opts->flags |= HF_UPLOAD_SPLIT;
        opts->allow = plan->pattern ? &plan->pattern : args->include.n ? args->include.items : NULL;
        opts->n_allow = plan->pattern ? 1 : args->include.n;
        opts->ignore = args->exclude.items;
        opts->n_ignore = args->exclude.n;
        opts->remove = args->remove.items;
        opts->n_remove = args->remove.n;
        snprintf(plan->message, sizeof(plan->message), "Upload folder using huggingface_hub");
    } else {
        const char *path = plan->path + (strncmp(plan->path, "./", 2) == 0 ? 2 : 0);

        if (args->include.n)
            cli_warning(ctx, "Ignoring --include since a single file is uploaded.");
        if (args->exclude.n)
            cli_warning(ctx, "Ignoring --exclude since a single file is uploaded.");
        if (args->remove.n)
            cli_warning(ctx, "Ignoring --delete since a single file is uploaded.");
        snprintf(plan->message, sizeof(plan->message), "Upload %.900s with huggingface_hub",
                 path[0] == '/' ? path + 1 : path);
    }
    opts->message = args->message && *args->message ? args->message : plan->message;
    return CLI_EXIT_OK;
}

/* ---- standard input */

/* A file is read from where it stands; a pipe is kept in a file that has no name, since a body's
 * hash has to be known before it is sent. */
static FILE *spool(cli_ctx *ctx)
{
    static char bytes[256 * 1024];
    FILE *out = tmpfile();
    size_t n;

    if (!out) {
        cli_error(ctx, "cannot make a temporary file for standard input");
        return NULL;
    }
    while ((n = fread(bytes, 1, sizeof(bytes), stdin)) > 0 && !cli_interrupted())
        if (fwrite(bytes, 1, n, out) != n)
            break;
    if (ferror(stdin) || ferror(out) || fflush(out) != 0 || cli_interrupted()) {
        if (!cli_interrupted())
            cli_error(ctx, "cannot keep standard input in a temporary file; is the disk full?");
        fclose(out);
        return NULL;
    }
    return out;
}

static hf_status add_input(hf_commit *commit, const char *path, FILE *spooled, hf_error *err)
{
    return hf_commit_add_fd(commit, path, spooled ? fileno(spooled) : STDIN_FILENO, err);
}

static bool input_is_file(void)
{
    struct stat info;

    return fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode) &&
           lseek(STDIN_FILENO, 0, SEEK_CUR) == 0;
}

/* ---- sending */

static void show_result(cli_ctx *ctx, const hf_commit_info *info)
{
    cli_pair pair = { "url", info->url };

    if (info->n_commits == 0)
        cli_warning(ctx, "%s", NOTHING_CHANGED);
    if (info->files_ignored)
        cli_log(ctx, "Skipped %llu file(s) in commit (ignored by gitignore file).",
                (unsigned long long)info->files_ignored);
    if (info->files_same && info->n_commits)
        cli_log(ctx, "Removing %llu file(s) from commit that have not changed.",
                (unsigned long long)info->files_same);
    if (info->pr_url)
        cli_log(ctx, "Pull request: %s", info->pr_url);
    cli_result(ctx, "Uploaded", &pair, 1);
}

static int send_once(cli_ctx *ctx, hf_client *client, const hf_repo_ref *repo,
                     const upload_plan *plan, hf_upload_opts *opts, FILE *spooled,
                     hf_commit_info **info)
{
    hf_error err = HF_ERROR_INIT;
    hf_commit *commit = NULL;
    cli_progress progress;
    hf_status status = hf_commit_new(client, repo, &commit, &err);

    cli_progress_init(&progress, ctx, plan->folder ? repo->id : last_part(plan->path));
    cli_progress_how(&progress, plan->progress);
    progress.upload = true;
    opts->on_progress = cli_progress_show;
    opts->user = &progress;
    if (status == HF_OK && plan->input)
        status = add_input(commit, plan->path, spooled, &err);
    else if (status == HF_OK && plan->folder)
        status = hf_commit_add_folder(commit, plan->path, plan->local, opts, &err);
    else if (status == HF_OK)
        status = hf_commit_add_file(commit, plan->path, plan->local, &err);
    if (status == HF_OK)
        status = hf_commit_send(commit, opts, info, &err);
    cli_progress_end(&progress, status == HF_OK);
    hf_commit_free(commit);
    return status == HF_OK ? CLI_EXIT_OK : cli_failed(ctx, status, &err, repo, NULL);
}

/* ---- again and again */

/* "5", "0.5": minutes, as milliseconds; 0 when it is no number above zero. */
static unsigned long read_minutes(const char *text)
{
    unsigned long whole = 0;
    unsigned long thousandths = 0;
    unsigned long unit = 100;

    if (!*text || strspn(text, "0123456789.") != strlen(text) || strlen(text) > 9 ||
        strchr(text, '.') != strrchr(text, '.'))
        return 0;
    for (; *text && *text != '.'; text++)
        whole = whole * 10 + (unsigned long)(*text - '0');
    if (*text == '.')
        for (text++; *text; text++, unit /= 10)
            thousandths += (unsigned long)(*text - '0') * unit;
    return (whole * 1000 + thousandths) * 60;
}

static void pause_for(unsigned long ms)
{
    struct timespec step = { 0, 50 * 1000 * 1000 };

    for (unsigned long slept = 0; slept < ms && !cli_interrupted(); slept += 50)
        nanosleep(&step, NULL);
}

static int send_every(cli_ctx *ctx, hf_client *client, const hf_repo_ref *repo,
                      const upload_plan *plan, hf_upload_opts *opts, unsigned long every_ms,
                      const char *minutes)
{
    cli_pair pair = { "url", "Stopped scheduled commits." };

    opts->flags |= HF_UPLOAD_APPENDED;
    opts->flags &= ~HF_UPLOAD_CREATE_BRANCH;
    opts->message = "Scheduled Commit";
    opts->remove = NULL;
    opts->n_remove = 0;
    ctx->until_stopped = true;
    cli_log(ctx, "Scheduling commits every %s minutes to %s.", minutes, repo->id);
    while (!cli_interrupted()) {
        hf_commit_info *info = NULL;

        /* What failed was said; the next time may go better. */
        if (send_once(ctx, client, repo, plan, opts, NULL, &info) == CLI_EXIT_OK && info->n_commits)
            cli_log(ctx, "Committed: %s", info->url);
        hf_commit_info_free(info);
        pause_for(every_ms);
    }
    cli_result(ctx, "Uploaded", &pair, 1);
    return CLI_EXIT_OK;
}

/* ---- the commands */

/* Whatever PATH_IN_REPO says, as it does in the official client. */
static int keep_name(cli_ctx *ctx, upload_plan *plan)
{
    const char *name = last_part(plan->local);
    size_t dir_len = (size_t)(last_part(plan->path) - plan->path);
    char *path;

    if (strcmp(plan->path + dir_len, name) == 0)
        return CLI_EXIT_OK;
    cli_warning(ctx, "The file keeps its name '%s' when uploaded with --every.", name);
    path = malloc(dir_len + strlen(name) + 1);
    if (!path)
        return cli_error(ctx, "out of memory");
    memcpy(path, plan->path, dir_len);
    memcpy(path + dir_len, name, strlen(name) + 1);
    free(plan->path);
    plan->path = path;
    return CLI_EXIT_OK;
}

static int start_every(cli_ctx *ctx, hf_client *client, const upload_args *args,
                       const cli_repo_arg *repo, upload_plan *plan, hf_upload_opts *opts)
{
    unsigned long ms = read_minutes(args->every);
    int code = CLI_EXIT_OK;

    if (ms == 0)
        return cli_usage_error(ctx, "Invalid value for '--every': '%s' is not a number above 0.",
                               args->every);
    if (plan->input)
        return cli_usage_error(ctx, "Standard input cannot be uploaded again and again.");
    if (args->remove.n)
        cli_warning(ctx, "Ignoring --delete when uploading with --every.");
    if (!plan->folder)
        code = keep_name(ctx, plan);
    return code == CLI_EXIT_OK ? send_every(ctx, client, &repo->ref, plan, opts, ms, args->every)
                               : code;
}

static int spool_input(cli_ctx *ctx, const upload_plan *plan, FILE **spooled)
{
    if (!plan->input || input_is_file())
        return CLI_EXIT_OK;
    *spooled = spool(ctx);
    return *spooled ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

/* What there is to be sent is known: whole, or again and again. */
static int send_plan(cli_ctx *ctx, const upload_args *args, const cli_repo_arg *repo,
                     upload_plan *plan, hf_upload_opts *opts, hf_commit_info **info)
{
    hf_client *client = NULL;
    FILE *spooled = NULL;
    int code = cli_client(ctx, args->token, NULL, &client);

    hf_client_limit_rate(client, args->limit_rate);
    if (code == CLI_EXIT_OK && args->every) {
        code = start_every(ctx, client, args, repo, plan, opts);
    } else {
        if (code == CLI_EXIT_OK)
            code = spool_input(ctx, plan, &spooled);
        if (code == CLI_EXIT_OK)
            code = send_once(ctx, client, &repo->ref, plan, opts, spooled, info);
    }
    if (spooled)
        fclose(spooled);
    hf_client_free(client);
    return code;
}

static int run(cli_ctx *ctx, void *args_)
{
    const upload_args *args = args_;
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    upload_plan plan = { 0 };
    cli_repo_arg repo = { 0 };
    hf_commit_info *info = NULL;
    int code = cli_repo_parse(ctx, args->repo, args->type, args->revision, &repo);

    if (code == CLI_EXIT_OK)
        code = infer(ctx, args, &repo, &plan);
    if (code == CLI_EXIT_OK)
        code = set_options(ctx, args, &plan, &opts);
    if (code == CLI_EXIT_OK)
        code = send_plan(ctx, args, &repo, &plan, &opts, &info);
    if (info)
        show_result(ctx, info);
    hf_commit_info_free(info);
    free(plan.path);
    cli_repo_dispose(&repo);
    return code;
}

static int run_large(cli_ctx *ctx, void *args_)
{
    const upload_args *args = args_;
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    upload_plan plan = { .local = args->local };
    cli_repo_arg repo = { 0 };
    hf_commit_info *info = NULL;
    int code;

    if (!look(args->local, &plan.folder) || !plan.folder)
        return cli_usage_error(ctx, "Large upload is only supported for folders.");
    cli_warning(ctx,
                "`hf upload-large-folder` is deprecated; `hf upload %s %s` does the same and "
                "goes on where it was, too.",
                args->repo, args->local);
    code = cli_repo_parse(ctx, args->repo, args->type, args->revision, &repo);
    if (code == CLI_EXIT_OK)
        code = set_options(ctx, args, &plan, &opts);
    opts.flags |= HF_UPLOAD_KEEP_STATE;
    opts.message = "Add files using upload-large-folder tool";
    if (code == CLI_EXIT_OK)
        code = send_plan(ctx, args, &repo, &plan, &opts, &info);
    if (info && info->n_commits == 0)
        cli_warning(ctx, "%s", NOTHING_CHANGED);
    if (code == CLI_EXIT_OK)
        cli_log(ctx, "Upload is complete!");
    hf_commit_info_free(info);
    cli_repo_dispose(&repo);
    return code;
}

#define REPO_HELP                                                                                  \
    "namespace/name, datasets/namespace/name, or an hf:// URI; made when there is none"

static const cli_arg args[] = {
    { "REPO_ID", CLI_ONE, offsetof(upload_args, repo), REPO_HELP },
    { "LOCAL_PATH", CLI_OPTIONAL, offsetof(upload_args, local),
      "file or folder, '-' for standard input; default: what is called like the repo here" },
    { "PATH_IN_REPO", CLI_OPTIONAL, offsetof(upload_args, path),
      "where it goes; default: the file's name, or the root" },
    CLI_ARG_END,
};

/* clang-format off */
/* Of both commands. */
#define SHARED_OPTS                                                                                \
    { "type", "repo-type", 0, CLI_CHOICE, offsetof(upload_args, type), "TYPE",                     \
      "kind of repo; default model", cli_repo_types },                                             \
    { "revision", NULL, 0, CLI_STR, offsetof(upload_args, revision), "REV",                        \
      "branch to change, made when there is none, or refs/pr/N; default main", NULL },             \
    { "private", NULL, 0, CLI_TRI, offsetof(upload_args, private_), NULL,                          \
      "whether a repo that is made is private", NULL },                                            \
    { "include", NULL, 0, CLI_STRS, offsetof(upload_args, include), "PATTERN",                     \
      "of a folder: only files that match; may be repeated", NULL },                               \
    { "exclude", NULL, 0, CLI_STRS, offsetof(upload_args, exclude), "PATTERN",                     \
      "of a folder: leave out files that match; may be repeated", NULL },                          \
    { "follow-links", NULL, 0, CLI_BOOL, offsetof(upload_args, follow_links), NULL,                \
      "send files behind links that lead out of the folder", NULL },                               \
    { "limit-rate", NULL, 0, CLI_RATE, offsetof(upload_args, limit_rate), "BYTES",                 \
      "at most so many bytes per second: 500K, 10M", NULL },                                       \
    { "progress", NULL, 0, CLI_CHOICE, offsetof(upload_args, progress), "HOW",                     \
      "how progress is told: auto, or json for one object a line on stderr", cli_progress_hows },  \
    { "token", NULL, 0, CLI_STR, offsetof(upload_args, token), "TEXT",                             \
      "access token; default: HF_TOKEN or the one you logged in with", NULL }
/* clang-format on */

static const cli_opt opts_table[] = {
    SHARED_OPTS,
    { "delete", NULL, 0, CLI_STRS, offsetof(upload_args, remove), "PATTERN",
      "delete files of the repo that match, in the same commit; may be repeated", NULL },
    { "commit-message", NULL, 0, CLI_STR, offsetof(upload_args, message), "TEXT",
      "first line of the commit's message", NULL },
    { "commit-description", NULL, 0, CLI_STR, offsetof(upload_args, description), "TEXT",
      "what follows it", NULL },
    { "create-pr", NULL, 0, CLI_BOOL, offsetof(upload_args, create_pr), NULL,
      "open a pull request instead of changing the branch", NULL },
    { "every", NULL, 0, CLI_STR, offsetof(upload_args, every), "MINUTES",
      "go on until Ctrl-C: commit what has changed every so many minutes", NULL },
    CLI_OPT_END,
};

static const char *const examples[] = {
    "hf upload my-model",
    "hf upload my-name/my-model ./models",
    "hf upload my-name/my-model model.safetensors weights/model.safetensors",
    "hf upload my-name/my-data ./data --type dataset --include '*.parquet' --create-pr",
    "tar c src | hf upload my-name/my-model - src.tar",
    NULL,
};

const cli_cmd cli_cmd_upload = {
    .name = "upload",
    .summary = "Publish a file or a folder.",
    .description =
        "Prints the address of the commit. Large files go to the Hub's storage straight from the "
        "disk, several at a time. Files that the repo has already are not sent again, so the same "
        "command goes on after an interruption.\n"
        "`.git`, `.cache/huggingface`, what .gitignore names and the files with your tokens never "
        "leave. A folder of more than 5000 files goes up in several commits.",
    .opts = opts_table,
    .args = args,
    .args_size = sizeof(upload_args),
    .run = run,
    .examples = examples,
    .repo_prefix = true,
};

static const cli_arg large_args[] = {
    { "REPO_ID", CLI_ONE, offsetof(upload_args, repo), REPO_HELP },
    { "LOCAL_PATH", CLI_ONE, offsetof(upload_args, local), "folder" },
    CLI_ARG_END,
};

static const cli_opt large_opts[] = {
    SHARED_OPTS,
    { "num-workers", NULL, 0, CLI_UINT, offsetof(upload_args, workers), "N",
      "bodies sent at a time; default 8", NULL },
    { "no-report", NULL, 0, CLI_BOOL, offsetof(upload_args, no_report), NULL,
      "accepted for old scripts", NULL },
    { "no-bars", NULL, 0, CLI_BOOL, offsetof(upload_args, no_bars), NULL,
      "accepted for old scripts", NULL },
    CLI_OPT_END,
};

static const char *const large_examples[] = {
    "hf upload-large-folder my-name/my-data ./data --type dataset",
    NULL,
};

const cli_cmd cli_cmd_upload_large_folder = {
    .name = "upload-large-folder",
    .summary = "Publish a very large folder; notes below it what was hashed already.",
    .opts = large_opts,
    .args = large_args,
    .args_size = sizeof(upload_args),
    .run = run_large,
    .examples = large_examples,
    .repo_prefix = true,
};
