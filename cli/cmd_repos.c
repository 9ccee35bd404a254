/* SPDX-License-Identifier: Apache-2.0 */
/* hf repos (cli.md 13): create, duplicate, delete, move, settings, list. */
#include "commands.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct repos_args {
    const char *id;
    const char *to;
    const char *type;
    const char *organization;
    const char *search;
    const char *sdk;
    const char *space_template;
    const char *gated;
    const char *resource_group;
    const char *region;
    const char *flavor;
    const char *storage;
    const char *secrets_file;
    const char *env_file;
    const char *token;
    cli_uint limit;
    cli_uint sleep_time;
    cli_strs secrets;
    cli_strs env;
    cli_strs volumes;
    hf_choice is_private;
    bool is_public;
    bool is_protected;
    bool exist_ok;
    bool missing_ok;
    bool yes;
} repos_args;

#define AT(field) offsetof(repos_args, field)

/* `hf repo …` is the older spelling; the old program has no other. */
static void note_old_name(cli_ctx *ctx)
{
    if (strncmp(ctx->path, "hf repo ", 8) == 0)
        cli_warning(ctx, "`hf repo` is deprecated in favor of `hf repos`.");
}

static hf_visibility visibility_of(const repos_args *args)
{
    return args->is_private == HF_YES ? HF_VISIBILITY_PRIVATE
           : args->is_public          ? HF_VISIBILITY_PUBLIC
           : args->is_protected       ? HF_VISIBILITY_PROTECTED
                                      : HF_VISIBILITY_DEFAULT;
}

/* ---- what a space is given: KEY=VALUE, or KEY with its value in the environment */

typedef struct given_settings {
    hf_client *client;
    hf_space_setting *items;
    size_t n;
    bool failed; /* out of memory */
} given_settings;

static void wipe(const char *text, size_t len)
{
    char *secret = (char *)(uintptr_t)text;

    if (secret)
        cli_secret_wipe(secret, len);
    free(secret);
}

/* The last one of a name counts. A bare name has its value in the environment; one that is not
 * there is left out. */
static void put_setting(void *arg, const char *key, const char *value)
{
    given_settings *s = arg;
    char *token = NULL;
    char *copy = NULL;
    size_t i = 0;

    if (!value)
        value = getenv(key);
    if (!value && strcmp(key, "HF_TOKEN") == 0 &&
        hf_auth_token(s->client, NULL, &token, NULL) == HF_OK)
        value = token;
    if (value)
        copy = strdup(value);
    s->failed = s->failed || (value && !copy);
    cli_secret_free(token);
    while (copy && i < s->n && strcmp(s->items[i].key, key) != 0)
        i++;
    if (copy && i == s->n) {
        hf_space_setting *grown = realloc(s->items, (s->n + 1) * sizeof(*grown));
        char *name = strdup(key);

        s->items = grown ? grown : s->items;
        if (grown && name)
            s->items[s->n++] = (hf_space_setting){ name, NULL, NULL };
        else
            free(name);
    }
    if (copy && i < s->n) {
        wipe(s->items[i].value, s->items[i].value ? strlen(s->items[i].value) : 0);
        s->items[i].value = copy;
    } else if (copy) {
        s->failed = true;
        wipe(copy, strlen(copy));
    }
}

static void read_settings(char *text, given_settings *out)
{
    size_t len = strlen(text);

    cli_dotenv(text, put_setting, out);
    wipe(text, len);
}

/* Those of a file, then those of the command line. */
static int settings_of(cli_ctx *ctx, const char *file, const cli_strs *list, given_settings *out)
{
    char *text = file ? cli_read_file(ctx, file) : NULL;

    if (file && !text)
        return CLI_EXIT_ERROR;
    if (text)
        read_settings(text, out);
    for (size_t i = 0; i < list->n; i++) {
        text = strdup(list->items[i]);
        out->failed = out->failed || !text;
        if (text)
            read_settings(text, out);
    }
    return out->failed ? cli_error(ctx, "out of memory") : CLI_EXIT_OK;
}

static void settings_free(given_settings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        wipe(s->items[i].value, s->items[i].value ? strlen(s->items[i].value) : 0);
        free((char *)(uintptr_t)s->items[i].key);
    }
    free(s->items);
}

/* ---- create, duplicate */

/* The name below --organization, as the old program spelled it. */
static char *whole_id(const repos_args *args)
{
    size_t size = strlen(args->id) + (args->organization ? strlen(args->organization) : 0) + 2;
    char *id = malloc(size);

    if (id)
        snprintf(id, size, "%s%s%s", args->organization ? args->organization : "",
                 args->organization ? "/" : "", args->id);
    return id;
}

static int make(cli_ctx *ctx, const repos_args *args, bool duplicate)
{
    hf_create_opts opts = HF_CREATE_OPTS_INIT;
    given_settings secrets = { 0 };
    given_settings variables = { 0 };
    cli_volume_list volumes = { 0 };
    hf_repo_url *url = NULL;
    hf_status status = HF_OK;
    cli_call call;
    char *id = whole_id(args);
    int code = id ? cli_call_begin(&call, ctx, id, args->type, NULL, args->token)
                  : cli_error(ctx, "out of memory");

    if (!id)
        return code;
    secrets.client = variables.client = call.client;
    if (code == CLI_EXIT_OK)
        code = settings_of(ctx, args->secrets_file, &args->secrets, &secrets);
    if (code == CLI_EXIT_OK)
        code = settings_of(ctx, args->env_file, &args->env, &variables);
    if (code == CLI_EXIT_OK)
        code = cli_volumes(ctx, &args->volumes, &volumes);
    if (code != CLI_EXIT_OK)
        goto done;
    opts.flags = args->exist_ok ? HF_CALL_EXIST_OK : 0;
    opts.visibility = visibility_of(args);
    opts.sdk = args->sdk;
    opts.space_template = args->space_template;
    opts.hardware = args->flavor;
    opts.storage = args->storage;
    opts.sleep_time_s = (uint32_t)args->sleep_time.value;
    opts.resource_group = args->resource_group;
    opts.region = args->region;
    opts.secrets = secrets.items;
    opts.n_secrets = secrets.n;
    opts.variables = variables.items;
    opts.n_variables = variables.n;
    opts.volumes = volumes.items;
    opts.n_volumes = volumes.n;
    opts.cancel = ctx->cancel;
    if (duplicate)
        status = hf_repo_duplicate(call.client, &call.repo.ref, args->to, &opts, &url, &call.err);
    else
        status = hf_repo_create(call.client, &call.repo.ref, &opts, &url, &call.err);
    if (status == HF_OK && duplicate)
        cli_result(ctx, "Repo duplicated",
                   (const cli_pair[]){
                       { "from_id", call.repo.id }, { "to_id", url->id }, { "url", url->url } },
                   3);
    else if (status == HF_OK)
        cli_result(ctx, "Repo created",
                   (const cli_pair[]){ { "repo_id", url->id }, { "url", url->url } }, 2);
    if (status == HF_OK && url->is_copying)
        cli_warning(ctx,
                    "LFS files are still being copied in the background. Downloading them from "
                    "'%s' may fail until that is done.",
                    url->id);
done:
    hf_repo_url_free(url);
    settings_free(&secrets);
    settings_free(&variables);
    cli_volumes_free(&volumes);
    code = cli_call_end(&call, code, status);
    free(id);
    return code;
}

static int run_create(cli_ctx *ctx, void *args)
{
    note_old_name(ctx);
    return make(ctx, args, false);
}

static int run_duplicate(cli_ctx *ctx, void *args)
{
    note_old_name(ctx);
    return make(ctx, args, true);
}

/* ---- delete, move, settings */

static int run_delete(cli_ctx *ctx, void *data)
{
    const repos_args *args = data;
    hf_status status = HF_OK;
    char question[512];
    cli_call call;
    int code;

    note_old_name(ctx);
    snprintf(question, sizeof(question),
             "You are about to permanently delete %s '%.300s'. Proceed?",
             args->type ? args->type : "model", args->id);
    if (!cli_confirm(ctx, question, args->yes, &code))
        return code;
    code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);
    if (code == CLI_EXIT_OK) {
        call.opts.flags = args->missing_ok ? HF_CALL_MISSING_OK : 0;
        status = hf_repo_delete(call.client, &call.repo.ref, &call.opts, &call.err);
    }
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(ctx, "Repo deleted", (const cli_pair[]){ { "repo_id", call.repo.id } }, 1);
    return cli_call_end(&call, code, status);
}

static int run_move(cli_ctx *ctx, void *data)
{
    const repos_args *args = data;
    hf_status status = HF_OK;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    note_old_name(ctx);
    if (code == CLI_EXIT_OK)
        status = hf_repo_move(call.client, &call.repo.ref, args->to, &call.opts, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(ctx, "Repo moved",
                   (const cli_pair[]){ { "from_id", call.repo.id }, { "to_id", args->to } }, 2);
    return cli_call_end(&call, code, status);
}

static int run_settings(cli_ctx *ctx, void *data)
{
    const repos_args *args = data;
    hf_settings_opts opts = HF_SETTINGS_OPTS_INIT;
    hf_status status = HF_OK;
    cli_call call;
    int code = cli_call_begin(&call, ctx, args->id, args->type, NULL, args->token);

    note_old_name(ctx);
    opts.visibility = args->is_private == HF_NO && !args->is_public && !args->is_protected
                          ? HF_VISIBILITY_PUBLIC
                          : visibility_of(args);
    opts.gated = args->gated;
    opts.cancel = ctx->cancel;
    if (code == CLI_EXIT_OK)
        status = hf_repo_settings(call.client, &call.repo.ref, &opts, &call.err);
    if (code == CLI_EXIT_OK && status == HF_OK)
        cli_result(ctx, "Repo settings updated", (const cli_pair[]){ { "repo_id", call.repo.id } },
                   1);
    return cli_call_end(&call, code, status);
}

/* ---- list */

static bool holds_nocase(const char *text, const char *part)
{
    size_t len = strlen(part);

    for (; strlen(text) >= len; text++) {
        size_t k = 0;

        while (k < len &&
               (text[k] == part[k] || ((text[k] ^ part[k]) == 0x20 && (text[k] | 0x20) >= 'a' &&
                                       (text[k] | 0x20) <= 'z')))
            k++;
        if (k == len)
            return true;
    }
    return false;
}

static void add_owned(cli_rows *rows, const hf_owned_repo *repo)
{
    char *json = NULL;
    size_t size = 0;
    char stored[24];
    FILE *out = open_memstream(&json, &size);

    if (!out)
        return;
    fputs("{\"id\": ", out);
    cli_json_string(out, repo->id);
    fputs(", \"type\": ", out);
    cli_json_string(out, repo->type);
    fprintf(out,
            ", \"updated\": \"%.10s\", \"visibility\": ", repo->updated_at ? repo->updated_at : "");
    cli_json_string(out, repo->visibility);
    fprintf(out, ", \"storage\": \"%s\", \"%%_of_total\": \"%.1f%%\"}",
            cli_bytes(stored, repo->storage, true), repo->storage_percent);
    if (fclose(out) == 0)
        cli_rows_add(rows, json);
    free(json);
}

static int run_list(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = { { "id", "id" },
                                        { "type", "type" },
                                        { "updated", "updated" },
                                        { "visibility", "visibility" },
                                        { "storage", "storage" },
                                        { "%_of_total", "%_of_total" },
                                        { NULL, NULL } };
    static const char *const sizes[] = { "storage", "%_of_total", NULL };
    const repos_args *args = data;
    unsigned long limit = args->limit.given ? args->limit.value : 30;
    unsigned long total = 0;
    const hf_owned_repo *repo = NULL;
    hf_list *list = NULL;
    hf_status status = HF_OK;
    cli_rows rows;
    cli_call call;
    int code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);

    note_old_name(ctx);
    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    cli_rows_begin(&rows, ctx, fields, "id");
    rows.sizes = sizes;
    status = hf_owned_list_open(call.client, args->organization, &call.opts, &list, &call.err);
    while (status == HF_OK) {
        status = hf_list_next_owned(list, &repo, &call.err);
        if (status != HF_OK || !repo)
            break;
        if ((args->type && (!repo->type || strcmp(repo->type, args->type) != 0)) ||
            (args->search && !holds_nocase(repo->id, args->search)))
            continue;
        if (limit == 0 || total < limit)
            add_owned(&rows, repo);
        total++;
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    if (status == HF_OK && limit && total > limit)
        cli_hint(ctx, "Showing %lu of %lu repos. Use `--limit 0` to list all.", limit, total);
    return cli_call_end(&call, code, status);
}

/* ---- tables */

static const char *const gated_words[] = { "auto", "manual", "false", NULL };
static const char *const regions[] = { "us", "eu", NULL };
static const char *const storages[] = { "small", "medium", "large", NULL };
static const char *const any_types[] = { "model", "dataset", "space", "bucket", NULL };

/* clang-format off */
#define TYPE_OPT { "type", "repo-type", 0, CLI_CHOICE, AT(type), "TYPE", "kind of the repo (default: model)", cli_repo_types_git }
#define TOKEN_OPT { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }
#define VISIBILITY_OPTS \
    { "private", NULL, 0, CLI_TRI, AT(is_private), NULL, "only its owners see it", NULL }, \
    { "public", NULL, 0, CLI_FLAG, AT(is_public), NULL, "everybody sees it", NULL }, \
    { "protected", NULL, 0, CLI_FLAG, AT(is_protected), NULL, "spaces: everybody uses it, its code is private", NULL }
#define SPACE_OPTS \
    { "flavor", NULL, 0, CLI_STR, AT(flavor), "NAME", "spaces: hardware to run on", NULL }, \
    { "storage", NULL, 0, CLI_CHOICE, AT(storage), "SIZE", "spaces: persistent disk", storages }, \
    { "sleep-time", NULL, 0, CLI_UINT, AT(sleep_time), "SECONDS", "spaces: sleep after so long without visitors", NULL }, \
    { "secrets", NULL, 's', CLI_STRS, AT(secrets), "KEY[=VALUE]", "spaces: a secret; without a value, that of the environment; repeatable", NULL }, \
    { "env", NULL, 'e', CLI_STRS, AT(env), "KEY[=VALUE]", "spaces: a variable; repeatable", NULL }, \
    { "secrets-file", NULL, 0, CLI_STR, AT(secrets_file), "FILE", "spaces: secrets, a line of KEY=VALUE each", NULL }, \
    { "env-file", NULL, 0, CLI_STR, AT(env_file), "FILE", "spaces: variables, likewise", NULL }, \
    { "volume", NULL, 'v', CLI_STRS, AT(volumes), "MOUNT", "spaces: a folder, hf://[TYPE/]ID[/PATH]:/MOUNT_PATH[:ro|:rw]; repeatable", NULL }
/* clang-format on */

static const cli_opt create_opts[] = {
    TYPE_OPT,
    { "sdk", "space-sdk", 0, CLI_STR, AT(sdk), "NAME",
      "spaces: gradio, streamlit, docker or static; needed", NULL },
    { "template", NULL, 0, CLI_STR, AT(space_template), "REPO_ID", "spaces: start from this one",
      NULL },
    VISIBILITY_OPTS,
    { "exist-ok", NULL, 0, CLI_BOOL, AT(exist_ok), NULL, "it is no error when the repo exists",
      NULL },
    { "resource-group-id", NULL, 0, CLI_STR, AT(resource_group), "ID",
      "resource group of the organization", NULL },
    { "region", NULL, 0, CLI_CHOICE, AT(region), "NAME", "where its files are kept", regions },
    SPACE_OPTS,
    { "organization", NULL, 0, CLI_STR, AT(organization), "NAME",
      "namespace of a bare name; 'namespace/name' says the same", NULL },
    { "yes", NULL, 'y', CLI_IGNORED, 0, NULL, "", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_arg id_args[] = {
    { "REPO_ID", CLI_ONE, AT(id), "namespace/name; a bare name is one of yours" },
    CLI_ARG_END,
};

static const cli_cmd create = {
    .name = "create",
    .summary = "Make a repo.",
    .opts = create_opts,
    .args = id_args,
    .args_size = sizeof(repos_args),
    .run = run_create,
    .examples =
        (const char *const[]){
            "hf repos create my-model", "hf repos create acme/data --type dataset --private",
            "hf repos create my-space --type space --sdk gradio --secrets HF_TOKEN", NULL },
    .repo_prefix = 1,
};

static const cli_opt duplicate_opts[] = {
    TYPE_OPT,
    VISIBILITY_OPTS,
    { "exist-ok", NULL, 0, CLI_BOOL, AT(exist_ok), NULL, "it is no error when the repo exists",
      NULL },
    SPACE_OPTS,
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_arg duplicate_args[] = {
    { "FROM_ID", CLI_ONE, AT(id), "repo to copy" },
    { "TO_ID", CLI_OPTIONAL, AT(to), "the copy (default: the same name among yours)" },
    CLI_ARG_END,
};

static const cli_cmd duplicate = {
    .name = "duplicate",
    .summary = "Copy a repo on the Hub.",
    .opts = duplicate_opts,
    .args = duplicate_args,
    .args_size = sizeof(repos_args),
    .run = run_duplicate,
    .examples =
        (const char *const[]){ "hf repos duplicate acme/data --type dataset",
                               "hf repos duplicate acme/demo me/demo --type space --private",
                               NULL },
    .repo_prefix = 2,
};

static const cli_opt delete_opts[] = {
    TYPE_OPT,
    { "missing-ok", NULL, 0, CLI_BOOL, AT(missing_ok), NULL, "it is no error when there is none",
      NULL },
    { "yes", NULL, 'y', CLI_FLAG, AT(yes), NULL, "do not ask", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_cmd delete_cmd = {
    .name = "delete",
    .summary = "Delete a repo for ever.",
    .opts = delete_opts,
    .args = id_args,
    .args_size = sizeof(repos_args),
    .run = run_delete,
    .examples = (const char *const[]){ "hf repos delete my-model",
                                       "hf repos delete datasets/acme/data --yes", NULL },
    .repo_prefix = 1,
};

static const cli_opt move_opts[] = { TYPE_OPT, TOKEN_OPT, CLI_OPT_END };

static const cli_arg move_args[] = {
    { "FROM_ID", CLI_ONE, AT(id), "namespace/name of the repo" },
    { "TO_ID", CLI_ONE, AT(to), "namespace/name it is to have" },
    CLI_ARG_END,
};

static const cli_cmd move = {
    .name = "move",
    .summary = "Rename a repo, or give it to another namespace.",
    .opts = move_opts,
    .args = move_args,
    .args_size = sizeof(repos_args),
    .run = run_move,
    .examples = (const char *const[]){ "hf repos move me/my-model acme/my-model", NULL },
    .repo_prefix = 2,
};

static const cli_opt settings_opts[] = {
    TYPE_OPT,
    { "gated", NULL, 0, CLI_CHOICE, AT(gated), "HOW", "whether access is to be asked for",
      gated_words },
    VISIBILITY_OPTS,
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_cmd settings = {
    .name = "settings",
    .summary = "Change who may see a repo and who must ask for access.",
    .opts = settings_opts,
    .args = id_args,
    .args_size = sizeof(repos_args),
    .run = run_settings,
    .examples =
        (const char *const[]){ "hf repos settings my-model --private",
                               "hf repos settings acme/data --type dataset --gated auto", NULL },
    .repo_prefix = 1,
};

static const cli_opt list_opts[] = {
    { "namespace", NULL, 0, CLI_STR, AT(organization), "NAME", "organization (default: your own)",
      NULL },
    { "type", "repo-type", 0, CLI_CHOICE, AT(type), "TYPE", "repos of this kind only", any_types },
    { "search", NULL, 0, CLI_STR, AT(search), "TEXT", "repos whose id holds this, in any case",
      NULL },
    { "limit", NULL, 0, CLI_UINT, AT(limit), "N", "show so many (default: 30); 0 for all", NULL },
    TOKEN_OPT,
    CLI_OPT_END,
};

static const cli_cmd list = {
    .name = "list",
    .alias = "ls",
    .summary = "List your own repos of every kind with what they store.",
    .opts = list_opts,
    .args_size = sizeof(repos_args),
    .run = run_list,
    .examples =
        (const char *const[]){ "hf repos ls", "hf repos ls --namespace acme --type dataset", NULL },
};

static const cli_cmd *const subs[] = {
    &list,
    &create,
    &duplicate,
    &delete_cmd,
    &move,
    &settings,
    &cli_cmd_delete_files,
    &cli_cmd_branch,
    &cli_cmd_tag,
    &cli_cmd_access,
    &cli_cmd_like,
    &cli_cmd_unlike,
    &cli_cmd_likers,
    &cli_cmd_commits,
    &cli_cmd_squash,
    NULL,
};

const cli_cmd cli_cmd_repos = {
    .name = "repos",
    .alias = "repo",
    .summary = "Make, change and delete repos, their branches and tags.",
    .subs = subs,
    .examples = (const char *const[]){ "hf repos create my-model",
                                       "hf repos tag create my-model v1.0", NULL },
};
