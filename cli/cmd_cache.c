/* SPDX-License-Identifier: Apache-2.0 */
/* `hf cache`: the group, and what its commands share. */
#include "cmd_cache.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const cli_cmd *const subs[] = {
    &cli_cmd_cache_list, &cli_cmd_cache_rm, &cli_cmd_cache_prune, &cli_cmd_cache_verify, NULL,
};

static const char *const examples[] = {
    "hf cache ls",
    "hf cache prune --dry-run",
    NULL,
};

const cli_cmd cli_cmd_cache = {
    .name = "cache",
    .summary = "Look at the cache, clean it up, verify it.",
    .subs = subs,
    .examples = examples,
};

int cli_cache_scan(cli_ctx *ctx, const char *cache_dir, hf_client **client, hf_cache_info **info)
{
    hf_error err = HF_ERROR_INIT;
    hf_status status;
    int code;

    *client = NULL;
    *info = NULL;
    code = cli_client(ctx, NULL, cache_dir, client);
    if (code != CLI_EXIT_OK)
        return code;
    status = hf_cache_scan(*client, NULL, info, &err);
    if (status == HF_ERR_NOT_CACHED) {
        const char *dir = strchr(err.message, '/');

        return cli_error(ctx, "Cache directory not found: %s", dir ? dir : err.message);
    }
    return status == HF_OK ? CLI_EXIT_OK : cli_failed(ctx, status, &err, NULL, NULL);
}

static const char *type_name(hf_repo_type type)
{
    static const char *const names[] = { "model", "dataset", "space", "kernel" };

    return (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}

char *cli_cache_id(const hf_cached_repo *repo)
{
    const char *type = type_name(repo->type);
    size_t size = strlen(type) + 1 + strlen(repo->id) + 1;
    char *id = malloc(size);

    if (id)
        snprintf(id, size, "%s/%s", type, repo->id);
    return id;
}

double cli_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* To the nearest; halves to the even one. */
static unsigned long long rounded(double value)
{
    unsigned long long floor = value > 0 ? (unsigned long long)value : 0;
    double rest = value - (double)floor;

    return rest > 0.5 || (rest == 0.5 && floor % 2) ? floor + 1 : floor;
}

const char *cli_age(char out[32], double then, double now)
{
    static const struct {
        const char *name;
        double seconds;
        unsigned long long most; /* 0: any */
    } units[] = {
        { "second", 1, 59 },          { "minute", 60, 59 },       { "hour", 3600, 23 },
        { "day", 86400, 6 },          { "week", 7 * 86400.0, 6 }, { "month", 30 * 86400.0, 11 },
        { "year", 365 * 86400.0, 0 },
    };
    unsigned long long n = 0;
    size_t i = 0;

    if (now - then < 20) {
        snprintf(out, 32, "a few seconds ago");
        return out;
    }
    for (;; i++) {
        n = rounded((now - then) / units[i].seconds);
        if (units[i].most == 0 || n <= units[i].most)
            break;
    }
    snprintf(out, 32, "%llu %s%s ago", n, units[i].name, n > 1 ? "s" : "");
    return out;
}

static void put_value(cli_ctx *ctx, const cli_value *value)
{
    if (value->text && ctx->mode == CLI_JSON)
        cli_json_string(stdout, value->text);
    else if (value->text)
        cli_put(stdout, value->text, (size_t)-1);
    else if (value->truth && ctx->mode == CLI_JSON)
        fputs(value->number ? "true" : "false", stdout);
    else if (value->truth)
        fputs(value->number ? "True" : "False", stdout);
    else
        printf("%llu", value->number);
}

void cli_report(cli_ctx *ctx, const char *message, const cli_value *values, size_t n)
{
    cli_line_close(ctx);
    if (ctx->mode == CLI_HUMAN)
        printf("%s✓ %s%s\n", ctx->color_out ? "\033[32m" : "", message,
               ctx->color_out ? "\033[0m" : "");
    if (ctx->mode == CLI_JSON)
        fputc('{', stdout);
    for (size_t i = 0; i < n; i++) {
        switch (ctx->mode) {
        case CLI_HUMAN:
            printf("  %s: ", values[i].key);
            put_value(ctx, &values[i]);
            fputc('\n', stdout);
            break;
        case CLI_JSON:
            fputs(i ? ", " : "", stdout);
            cli_json_string(stdout, values[i].key);
            fputs(": ", stdout);
            put_value(ctx, &values[i]);
            break;
        case CLI_AGENT:
            printf("%s%s=", i ? " " : "", values[i].key);
            put_value(ctx, &values[i]);
            break;
        case CLI_QUIET:
            if (i == 0)
                put_value(ctx, &values[i]);
            break;
        }
    }
    if (ctx->mode != CLI_HUMAN)
        fputs(ctx->mode == CLI_JSON ? "}\n" : "\n", stdout);
}

bool cli_plan_has(const char *const *items, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(items[i], text) == 0)
            return true;
    return false;
}

static void show_revision(cli_ctx *ctx, const hf_cached_revision *revision)
{
    char refs[512] = "";
    char size[24];

    for (size_t i = 0; i < revision->n_refs; i++) {
        size_t len = strlen(refs);

        snprintf(refs + len, sizeof(refs) - len, "%s%s", i ? " " : "", revision->refs[i]);
    }
    cli_text(ctx, "      %s [%s] %s", revision->commit, *refs ? refs : "(detached)",
             cli_size(size, revision->size));
}

void cli_show_plan(cli_ctx *ctx, const hf_cache_info *info, const hf_cache_plan *plan)
{
    for (size_t i = 0; i < info->n_repos; i++) {
        const hf_cached_repo *repo = &info->repos[i];
        bool titled = false;

        if (cli_plan_has(plan->repos, plan->n_repos, repo->path)) {
            cli_text(ctx, "  - %s/%s (entire repo)", type_name(repo->type), repo->id);
            continue;
        }
        for (size_t k = 0; k < repo->n_revisions; k++) {
            const hf_cached_revision *revision = &repo->revisions[k];

            if (!cli_plan_has(plan->snapshots, plan->n_snapshots, revision->path))
                continue;
            if (!titled)
                cli_text(ctx, "  - %s/%s:", type_name(repo->type), repo->id);
            titled = true;
            show_revision(ctx, revision);
        }
    }
}
