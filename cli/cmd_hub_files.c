/* SPDX-License-Identifier: Apache-2.0 */
/* Listing the files of a repo: hf models|datasets|spaces list REPO_ID (cli.md 15). The flat forms
 * print entries as they come; the tree needs all of them, to know which is the last of its
 * directory. */
#include "cmd_hub.h"

#include <stdlib.h>
#include <string.h>

static int forbid(cli_ctx *ctx, const hub_args *args)
{
    const char *option = args->search                                   ? "--search"
                         : args->author                                 ? "--author"
                         : args->filters.n                              ? "--filter"
                         : args->pipeline_tag                           ? "--pipeline-tag"
                         : args->library                                ? "--library"
                         : args->gated                                  ? "--gated/--no-gated"
                         : args->apps.n                                 ? "--apps"
                         : args->num_parameters                         ? "--num-parameters"
                         : args->providers.n                            ? "--inference-provider"
                         : args->warm                                   ? "--warm"
                         : args->sort                                   ? "--sort"
                         : args->expand                                 ? "--expand"
                         : args->limit.given && args->limit.value != 30 ? "--limit"
                                                                        : NULL;

    if (option)
        return cli_usage_error(ctx, "Invalid value: Cannot use %s when listing files.", option);
    if (args->tree && ctx->mode == CLI_JSON)
        return cli_usage_error(ctx, "Invalid value: Cannot use --tree with --format json.");
    return CLI_EXIT_OK;
}

/* "2026-01-21 03:45:36", or "Jan 21 03:45" for people; empty when it is not known. */
static const char *date_of(char out[24], const char *iso, bool human)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned month;

    out[0] = '\0';
    if (!iso || strlen(iso) < 19)
        return out;
    if (!human) {
        snprintf(out, 24, "%.10s %.8s", iso, iso + 11);
        return out;
    }
    month = (unsigned)(iso[5] - '0') * 10 + (unsigned)(iso[6] - '0');
    if (month >= 1 && month <= 12)
        snprintf(out, 24, "%.3s %.2s %.5s", months + (month - 1) * (size_t)3, iso + 8, iso + 11);
    return out;
}

static void pair(FILE *out, const char *key, const char *value)
{
    if (!value)
        return;
    fprintf(out, ",\n    \"%s\": ", key);
    cli_json_string(out, value);
}

static void put_json(const hf_tree_entry *e, bool first)
{
    fputs(first ? "[\n  {\n    \"path\": " : ",\n  {\n    \"path\": ", stdout);
    cli_json_string(stdout, e->path);
    if (e->is_directory) {
        pair(stdout, "tree_id", e->oid);
    } else {
        printf(",\n    \"size\": %llu", (unsigned long long)e->size);
        pair(stdout, "blob_id", e->oid);
        if (e->lfs_sha256) {
            printf(",\n    \"lfs\": {\n      \"size\": %llu,\n      \"sha256\": ",
                   (unsigned long long)e->lfs_size);
            cli_json_string(stdout, e->lfs_sha256);
            if (e->lfs_pointer_size)
                printf(",\n      \"pointer_size\": %llu", (unsigned long long)e->lfs_pointer_size);
            fputs("\n    }", stdout);
        }
        pair(stdout, "xet_hash", e->xet_hash);
    }
    if (e->last_commit) {
        fputs(",\n    \"last_commit\": {\n      \"oid\": ", stdout);
        cli_json_string(stdout, e->last_commit);
        fputs(",\n      \"title\": ", stdout);
        cli_json_string(stdout, e->last_commit_title);
        fputs(",\n      \"date\": ", stdout);
        cli_json_date(stdout, e->last_commit_date ? e->last_commit_date : "");
        fputs("\n    }", stdout);
    }
    fputs("\n  }", stdout);
}

static void put_flat(cli_ctx *ctx, const hf_tree_entry *e, bool human)
{
    char size[24];
    char date[24];

    if (ctx->mode != CLI_QUIET)
        printf("%12s  %19s  ", e->is_directory ? "" : cli_bytes(size, e->size, human),
               date_of(date, e->last_commit_date, human));
    cli_put(stdout, e->path, SIZE_MAX);
    fputs(e->is_directory ? "/\n" : "\n", stdout);
}

/* ---- tree */

typedef struct node {
    char *path;
    bool is_directory;
    char size[24];
    char date[24];
} node;

typedef struct nodes {
    node *items;
    size_t n;
    size_t cap;
} nodes;

/* Path by path component, so that a directory stands in front of what it holds. */
static int by_path(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)((const node *)a)->path;
    const unsigned char *y = (const unsigned char *)((const node *)b)->path;

    while (*x && *x == *y) {
        x++;
        y++;
    }
    if (*x == *y)
        return 0;
    return (*x == '/' ? 1 : *x) < (*y == '/' ? 1 : *y) ? -1 : 1;
}

static bool add_node(nodes *all, const hf_tree_entry *e, bool human)
{
    node *n;

    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 256;
        node *more = realloc(all->items, cap * sizeof(*more));

        if (!more)
            return false;
        all->items = more;
        all->cap = cap;
    }
    n = &all->items[all->n];
    n->path = strdup(e->path);
    if (!n->path)
        return false;
    n->is_directory = e->is_directory != 0;
    n->size[0] = '\0';
    if (!e->is_directory)
        (void)cli_bytes(n->size, e->size, human);
    (void)date_of(n->date, e->last_commit_date, human);
    all->n++;
    return true;
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* Whether, after `at`, another entry of the directory at `depth` follows. */
static bool goes_on(const nodes *all, size_t at, size_t depth)
{
    size_t len = 0;
    const char *path = all->items[at].path;

    for (size_t slashes = 0; slashes < depth; len++)
        slashes += path[len] == '/';
    for (size_t i = at + 1; i < all->n; i++) {
        if (strncmp(all->items[i].path, path, len) != 0)
            return false;
        if (depth_of(all->items[i].path) == depth)
            return true;
    }
    return false;
}

static void put_tree(cli_ctx *ctx, nodes *all)
{
    size_t sizes = 0; /* widths of the columns */
    size_t dates = 0;

    if (all->n)
        qsort(all->items, all->n, sizeof(*all->items), by_path);
    for (size_t i = 0; i < all->n; i++) {
        const node *n = &all->items[i];

        sizes = strlen(n->size) > sizes ? strlen(n->size) : sizes;
        dates = !n->is_directory && strlen(n->date) > dates ? strlen(n->date) : dates;
    }
    for (size_t i = 0; i < all->n; i++) {
        const node *n = &all->items[i];
        size_t depth = depth_of(n->path);
        const char *slash = strrchr(n->path, '/');

        if (ctx->mode != CLI_QUIET && sizes)
            printf("%*s  %*s  ", (int)sizes, n->size, (int)dates, n->is_directory ? "" : n->date);
        for (size_t d = 0; d < depth; d++)
            fputs(goes_on(all, i, d) ? "│   " : "    ", stdout);
        fputs(goes_on(all, i, depth) ? "├── " : "└── ", stdout);
        cli_put(stdout, slash ? slash + 1 : n->path, SIZE_MAX);
        fputs(n->is_directory ? "/\n" : "\n", stdout);
    }
}

/* ---- */

static hf_status show(cli_call *call, const hub_args *args, int *code)
{
    cli_ctx *ctx = call->ctx;
    const hf_tree_entry *e = NULL;
    hf_tree *tree = NULL;
    nodes all = { 0 };
    size_t n = 0;
    bool directories = false;
    hf_status status = hf_tree_open(call->client, &call->repo.ref, call->repo.path,
                                    HF_TREE_EXPAND | (args->recursive ? HF_TREE_RECURSIVE : 0),
                                    ctx->cancel, &tree, &call->err);

    while (status == HF_OK) {
        status = hf_tree_next(tree, &e, &call->err);
        if (status != HF_OK || !e)
            break;
        directories = directories || e->is_directory;
        if (args->tree && !add_node(&all, e, args->human)) {
            *code = cli_error(ctx, "out of memory");
            break;
        }
        if (!args->tree && ctx->mode == CLI_JSON)
            put_json(e, n == 0);
        else if (!args->tree)
            put_flat(ctx, e, args->human);
        n++;
    }
    hf_tree_close(tree);
    if (status == HF_OK && args->tree)
        put_tree(ctx, &all);
    if (ctx->mode == CLI_JSON && (n || status == HF_OK))
        fputs(n ? "\n]\n" : "[]\n", stdout);
    else if (n == 0 && status == HF_OK && ctx->mode != CLI_QUIET)
        puts("(empty)");
    if (status == HF_OK && directories && !args->recursive)
        cli_hint(ctx, "Use -R to list files recursively.");
    for (size_t i = 0; i < all.n; i++)
        free(all.items[i].path);
    free(all.items);
    return status;
}

int cli_hub_files(cli_ctx *ctx, hf_repo_type type, const hub_args *args)
{
    hf_status status = HF_OK;
    cli_call call;
    int code = forbid(ctx, args);

    if (code != CLI_EXIT_OK)
        return code;
    code = cli_call_begin(&call, ctx, args->id, cli_repo_types[type], args->revision, args->token);
    if (code == CLI_EXIT_OK)
        status = show(&call, args, &code);
    return cli_call_end(&call, code, status);
}
