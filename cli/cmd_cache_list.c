/* SPDX-License-Identifier: Apache-2.0 */
/* `hf cache list` (cli.md 12). */
#include "cmd_cache.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct list_args {
    const char *cache_dir;
    bool revisions;
    cli_strs filters;
    const char *sort;
    const char *limit;
    bool show_warnings;
} list_args;

typedef struct row {
    const hf_cached_repo *repo;
    const hf_cached_revision *revision; /* NULL: the repo */
    char *id;
    size_t number; /* where it stood, so that sorting keeps the order of equals */
} row;

static const char *const sort_words[] = {
    "accessed", "accessed:asc", "accessed:desc", "modified", "modified:asc", "modified:desc",
    "name",     "name:asc",     "name:desc",     "size",     "size:asc",     "size:desc",
    NULL,
};

/* ---- values of a row */

static double size_of(const row *r)
{
    return (double)(r->revision ? r->revision->size : r->repo->size);
}

static double modified(const row *r)
{
    return r->revision ? r->revision->last_modified : r->repo->last_modified;
}

static void refs_of(const row *r, const char *const **refs, size_t *n)
{
    *refs = r->revision ? r->revision->refs : r->repo->refs;
    *n = r->revision ? r->revision->n_refs : r->repo->n_refs;
}

/* ---- filters: "size>1GB", "accessed > 7d", "refs=main" */

typedef struct filter {
    char key[16];
    char op[3];
    const char *value;
    double number;
} filter;

static int bad_filter(cli_ctx *ctx, const char *text, const char *why)
{
    return cli_usage_error(ctx, "Invalid value: Invalid filter expression: '%s'. %s", text, why);
}

/* "12", "10MB", "7d": digits and a unit. */
static bool parse_number(const char *text, bool is_size, double *out)
{
    static const struct {
        const char *unit;
        double factor;
    } sizes[] = { { "", 1 },      { "k", 1e3 },  { "kb", 1e3 },  { "m", 1e6 },
                  { "mb", 1e6 },  { "g", 1e9 },  { "gb", 1e9 },  { "t", 1e12 },
                  { "tb", 1e12 }, { "p", 1e15 }, { "pb", 1e15 }, { NULL, 0 } },
      times[] = { { "", 1 },
                  { "s", 1 },
                  { "m", 60 },
                  { "h", 3600 },
                  { "d", 86400 },
                  { "w", 7 * 86400.0 },
                  { "mo", 30 * 86400.0 },
                  { "y", 365 * 86400.0 },
                  { NULL, 0 } };
    double value = 0;
    size_t n = 0;

    for (; isdigit((unsigned char)text[n]); n++)
        value = value * 10 + (text[n] - '0');
    if (n == 0 || n > 18)
        return false;
    for (size_t i = 0; is_size ? sizes[i].unit != NULL : times[i].unit != NULL; i++) {
        if (strcasecmp(text + n, is_size ? sizes[i].unit : times[i].unit) == 0) {
            *out = value * (is_size ? sizes[i].factor : times[i].factor);
            return true;
        }
    }
    return false;
}

static int parse_filter(cli_ctx *ctx, char *text, const char *shown, filter *out)
{
    static const char *const keys[] = { "accessed", "modified", "refs", "size", "type" };
    size_t len = 0;
    size_t op_len;
    bool known = false;
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    while (isalpha((unsigned char)text[len]) || text[len] == '_')
        len++;
    if (len == 0 || len >= sizeof(out->key))
        return bad_filter(ctx, shown, "Write it as 'size>1GB'.");
    for (size_t i = 0; i < len; i++)
        out->key[i] = (char)tolower((unsigned char)text[i]);
    out->key[len] = '\0';
    text += len + strspn(text + len, " \t");
    op_len = strspn(text, "=!<>");
    if (op_len == 0 || op_len > 2)
        return bad_filter(ctx, shown, "Write it as 'size>1GB'.");
    memcpy(out->op, text, op_len);
    out->op[op_len] = '\0';
    out->value = text + op_len + strspn(text + op_len, " \t");
    if (!*out->value)
        return bad_filter(ctx, shown, "Write it as 'size>1GB'.");
    if (strcmp(out->op, "=") != 0 && strcmp(out->op, "!=") != 0 && strcmp(out->op, ">") != 0 &&
        strcmp(out->op, "<") != 0 && strcmp(out->op, ">=") != 0 && strcmp(out->op, "<=") != 0)
        return cli_usage_error(ctx,
                               "Invalid value: Unsupported operator '%s' in filter '%s'. Must be "
                               "one of =, !=, >, <, >=, <=.",
                               out->op, shown);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        known = known || strcmp(out->key, keys[i]) == 0;
    if (!known)
        return cli_usage_error(ctx,
                               "Invalid value: Unsupported filter key '%s' in '%s'. Must be one of "
                               "accessed, modified, refs, size, type.",
                               out->key, shown);
    if (strcmp(out->key, "refs") == 0 || strcmp(out->key, "type") == 0)
        return strcmp(out->op, "=") == 0
                   ? CLI_EXIT_OK
                   : cli_usage_error(
                         ctx, "Invalid value: Only '=' is supported for '%s' filters. Got '%s'.",
                         out->key, out->op);
    if (!parse_number(out->value, strcmp(out->key, "size") == 0, &out->number))
        return cli_usage_error(ctx,
                               "Invalid value: Invalid value '%s'. It must be a number with a "
                               "unit, such as %s.",
                               out->value, out->key[0] == 's' ? "1GB" : "7d");
    return CLI_EXIT_OK;
}

static bool compare(double left, const char *op, double right)
{
    switch (op[0]) {
    case '=':
        return left == right;
    case '!':
        return left != right;
    case '>':
        return op[1] ? left >= right : left > right;
    default:
        return op[1] ? left <= right : left < right;
    }
}

static bool passes(const row *r, const filter *f, double now)
{
    const char *const *refs;
    size_t n;

    switch (f->key[0]) {
    case 's':
        return compare(size_of(r), f->op, f->number);
    case 'a':
        return compare(now - r->repo->last_accessed, f->op, f->number);
    case 'm':
        return compare(now - modified(r), f->op, f->number);
    case 't':
        return strncasecmp(r->id, f->value, strlen(f->value)) == 0 &&
               r->id[strlen(f->value)] == '/';
    default:
        refs_of(r, &refs, &n);
        for (size_t i = 0; i < n; i++)
            if (strcasecmp(refs[i], f->value) == 0)
                return true;
        return false;
    }
}

/* ---- sorting */

static int by_number(const row *a, const row *b)
{
    return a->number < b->number ? -1 : a->number > b->number;
}

static int order(double x, double y)
{
    return x < y ? -1 : x > y;
}

static int by_id(const void *a, const void *b)
{
    const row *x = a;
    const row *y = b;
    int result = strcmp(x->id, y->id);

    if (result == 0 && x->revision && y->revision)
        result = strcmp(x->revision->commit, y->revision->commit);
    return result;
}

#define SORTER(name, key)                                                                          \
    static int name##_up(const void *a, const void *b)                                             \
    {                                                                                              \
        const row *x = a;                                                                          \
        const row *y = b;                                                                          \
        int result = (key);                                                                        \
                                                                                                   \
        return result ? result : by_number(x, y);                                                  \
    }                                                                                              \
    static int name##_down(const void *a, const void *b)                                           \
    {                                                                                              \
        const row *x = a;                                                                          \
        const row *y = b;                                                                          \
        int result = (key);                                                                        \
                                                                                                   \
        return result ? -result : by_number(x, y);                                                 \
    }
SORTER(by_name, strcasecmp(x->id, y->id))
SORTER(by_size, order(size_of(x), size_of(y)))
SORTER(by_accessed, order(x->repo->last_accessed, y->repo->last_accessed))
SORTER(by_modified, order(modified(x), modified(y)))
#undef SORTER

static void sort_rows(row *rows, size_t n, const char *word)
{
    bool up = strstr(word, ":asc") || (word[0] == 'n' && !strchr(word, ':'));

    for (size_t i = 0; i < n; i++)
        rows[i].number = i;
    switch (word[0]) {
    case 'n':
        qsort(rows, n, sizeof(*rows), up ? by_name_up : by_name_down);
        break;
    case 's':
        qsort(rows, n, sizeof(*rows), up ? by_size_up : by_size_down);
        break;
    case 'a':
        qsort(rows, n, sizeof(*rows), up ? by_accessed_up : by_accessed_down);
        break;
    default:
        qsort(rows, n, sizeof(*rows), up ? by_modified_up : by_modified_down);
        break;
    }
}

/* ---- the table */

/* As each mode writes a list. */
static char *refs_text(cli_ctx *ctx, const row *r)
{
    const char *const *refs;
    char *text = NULL;
    size_t size = 0;
    size_t n;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    refs_of(r, &refs, &n);
    if (ctx->mode != CLI_HUMAN)
        fputc('[', out);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", out);
        if (ctx->mode == CLI_JSON)
            cli_json_string(out, refs[i]);
        else
            fprintf(out, ctx->mode == CLI_HUMAN ? "%s" : "'%s'", refs[i]);
    }
    if (ctx->mode != CLI_HUMAN)
        fputc(']', out);
    fclose(out);
    return text;
}

#define MOST_COLUMNS 8

static int show_rows(cli_ctx *ctx, const row *rows, size_t n, bool revisions, double now)
{
    static const cli_column repo_columns[] = {
        { "id", "ID", false, false },
        { "repo_id", NULL, false, false },
        { "repo_type", NULL, false, false },
        { "size", "SIZE", true, false },
        { "last_accessed", "LAST_ACCESSED", false, false },
        { "last_modified", "LAST_MODIFIED", false, false },
        { "refs", "REFS", false, true },
    };
    static const cli_column revision_columns[] = {
        { "id", "ID", false, false },
        { "repo_id", NULL, false, false },
        { "repo_type", NULL, false, false },
        { "revision", "REVISION", false, false },
        { "snapshot_path", NULL, false, false },
        { "size", "SIZE", true, false },
        { "last_modified", "LAST_MODIFIED", false, false },
        { "refs", "REFS", false, true },
    };
    struct {
        char type[12];
        char size[24];
        char accessed[32];
        char modified[32];
    } *texts = calloc(n + 1, sizeof(*texts));
    const char **cells = calloc(n + 1, MOST_COLUMNS * sizeof(*cells));
    char **refs = calloc(n + 1, sizeof(*refs));
    const size_t width = revisions ? 8 : 7;
    bool good = texts && cells && refs;

    for (size_t i = 0; good && i < n; i++) {
        const row *r = &rows[i];
        const char **cell = cells + i * width;

        refs[i] = refs_text(ctx, r);
        good = refs[i] != NULL;
        snprintf(texts[i].type, sizeof(texts[i].type), "%.*s", (int)strcspn(r->id, "/"), r->id);
        *cell++ = r->id;
        *cell++ = r->repo->id;
        *cell++ = texts[i].type;
        if (revisions) {
            *cell++ = r->revision->commit;
            *cell++ = r->revision->path;
        }
        *cell++ = cli_size(texts[i].size, (uint64_t)size_of(r));
        if (!revisions)
            *cell++ = cli_age(texts[i].accessed, r->repo->last_accessed, now);
        *cell++ = cli_age(texts[i].modified, modified(r), now);
        *cell++ = refs[i];
    }
    if (good)
        cli_table(ctx, revisions ? revision_columns : repo_columns, width, cells, n,
                  revisions ? 3 : 0);
    for (size_t i = 0; refs && i < n; i++)
        free(refs[i]);
    free(refs);
    free(cells);
    free(texts);
    return good ? CLI_EXIT_OK : cli_error(ctx, "out of memory");
}

static void show_summary(cli_ctx *ctx, const hf_cache_info *info, const list_args *args,
                         const row *rows, size_t n)
{
    bool some = args->filters.n || args->limit;
    size_t n_repos = 0;
    size_t n_revisions = 0;
    uint64_t bytes = 0;
    char size[24];

    for (size_t i = 0; i < n; i++) {
        bool first = true;

        for (size_t k = 0; k < i && first; k++)
            first = rows[k].repo != rows[i].repo;
        n_repos += first;
        n_revisions += rows[i].revision ? 1 : rows[i].repo->n_revisions;
        bytes += rows[i].revision ? rows[i].revision->size : rows[i].repo->size;
    }
    if (!args->revisions && !some)
        bytes = info->size;
    if (n)
        cli_text(ctx, "%s\nFound %zu repo(s) for a total of %zu revision(s) and %s on disk.%s",
                 ctx->color_out ? "\033[1m" : "", n_repos, n_revisions, cli_size(size, bytes),
                 ctx->color_out ? "\033[0m" : "");
}

static void show_rest(cli_ctx *ctx, const hf_cache_info *info, bool warnings)
{
    char size[24];

    for (size_t i = 0; warnings && i < info->n_warnings; i++) {
        size_t len = strlen(info->warnings[i]);

        while (len && info->warnings[i][len - 1] == '.')
            len--;
        cli_warning(ctx, "%.*s. Repo ignored.", (int)len, info->warnings[i]);
    }
    if (!warnings && info->n_warnings)
        cli_warning(ctx,
                    "Found %zu cache inconsistencies. Re-run with `--show-warnings` to display "
                    "them.",
                    info->n_warnings);
    if (info->n_incomplete)
        cli_hint(ctx,
                 "Found %zu incomplete download(s) totalling %s. Remove them with 'hf cache "
                 "prune'.",
                 info->n_incomplete, cli_size(size, info->incomplete_size));
    if (info->n_unreferenced)
        cli_hint(ctx,
                 "Found %zu unreferenced shared blob(s) totalling %s. Remove them with 'hf cache "
                 "prune'.",
                 info->n_unreferenced, cli_size(size, info->unreferenced_size));
}

/* ---- putting it together */

static int make_rows(cli_ctx *ctx, const hf_cache_info *info, bool revisions, row **out, size_t *n)
{
    size_t most = 1;
    row *rows;

    for (size_t i = 0; i < info->n_repos; i++)
        most += revisions ? info->repos[i].n_revisions : 1;
    rows = calloc(most, sizeof(*rows));
    if (!rows)
        return cli_error(ctx, "out of memory");
    *out = rows;
    for (size_t i = 0; i < info->n_repos; i++) {
        const hf_cached_repo *repo = &info->repos[i];

        for (size_t k = 0; k < (revisions ? repo->n_revisions : 1); k++) {
            rows[*n].repo = repo;
            rows[*n].revision = revisions ? &repo->revisions[k] : NULL;
            rows[*n].id = cli_cache_id(repo);
            if (!rows[(*n)++].id)
                return cli_error(ctx, "out of memory");
        }
    }
    qsort(rows, *n, sizeof(*rows), by_id);
    return CLI_EXIT_OK;
}

static int filter_rows(cli_ctx *ctx, const cli_strs *filters, row *rows, size_t *n, double now)
{
    for (size_t i = 0; i < filters->n; i++) {
        char *text = strdup(filters->items[i]);
        filter f = { 0 };
        size_t kept = 0;
        int code =
            text ? parse_filter(ctx, text, filters->items[i], &f) : cli_error(ctx, "out of memory");

        for (size_t k = 0; code == CLI_EXIT_OK && k < *n; k++) {
            if (passes(&rows[k], &f, now))
                rows[kept++] = rows[k];
            else
                free(rows[k].id);
        }
        free(text);
        if (code != CLI_EXIT_OK)
            return code;
        *n = kept;
    }
    return CLI_EXIT_OK;
}

static int parse_limit(cli_ctx *ctx, const char *text, size_t *out)
{
    const char *digits = text && (*text == '-' || *text == '+') ? text + 1 : text;
    size_t value = 0;

    *out = (size_t)-1;
    if (!text)
        return CLI_EXIT_OK;
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return cli_usage_error(ctx, "Invalid value for '--limit': '%s' is not a valid integer.",
                               text);
    if (*text == '-' && strspn(digits, "0") != strlen(digits))
        return cli_usage_error(ctx, "Invalid value: Limit must be a positive integer, got %s.",
                               text);
    for (; *digits; digits++)
        value = value > ((size_t)-1) / 20 ? value : value * 10 + (size_t)(*digits - '0');
    *out = value;
    return CLI_EXIT_OK;
}

static int list_run(cli_ctx *ctx, void *data)
{
    const list_args *args = data;
    hf_client *client = NULL;
    hf_cache_info *info = NULL;
    row *rows = NULL;
    size_t n = 0;
    size_t shown;
    size_t limit;
    double now = cli_now();
    int code = parse_limit(ctx, args->limit, &limit);

    if (code == CLI_EXIT_OK)
        code = cli_cache_scan(ctx, args->cache_dir, &client, &info);
    if (code == CLI_EXIT_OK)
        code = make_rows(ctx, info, args->revisions, &rows, &n);
    if (code == CLI_EXIT_OK)
        code = filter_rows(ctx, &args->filters, rows, &n, now);
    if (code == CLI_EXIT_OK) {
        if (args->sort)
            sort_rows(rows, n, args->sort);
        shown = n < limit ? n : limit;
        code = show_rows(ctx, rows, shown, args->revisions, now);
        if (code == CLI_EXIT_OK) {
            show_summary(ctx, info, args, rows, shown);
            show_rest(ctx, info, args->show_warnings);
        }
    }
    for (size_t i = 0; rows && i < n; i++)
        free(rows[i].id);
    free(rows);
    hf_cache_info_free(info);
    hf_client_free(client);
    return code;
}

static const cli_opt list_opts[] = {
    { "cache-dir", NULL, 0, CLI_STR, offsetof(list_args, cache_dir), "DIR",
      "cache to look at (default: the usual one)", NULL },
    { "revisions", NULL, 0, CLI_BOOL, offsetof(list_args, revisions), NULL,
      "show every revision instead of every repo", NULL },
    { "filter", NULL, 'f', CLI_STRS, offsetof(list_args, filters), "EXPR",
      "show what passes: 'size>1GB', 'type=model', 'accessed>7d', 'refs=main'; repeatable", NULL },
    { "sort", NULL, 0, CLI_CHOICE, offsetof(list_args, sort), "KEY",
      "accessed, modified, name or size; ':asc' or ':desc' sets the direction", sort_words },
    { "limit", NULL, 0, CLI_STR, offsetof(list_args, limit), "N", "show the first N after sorting",
      NULL },
    { "show-warnings", NULL, 0, CLI_BOOL, offsetof(list_args, show_warnings), NULL,
      "show what is wrong with the cache", NULL },
    CLI_OPT_END,
};

static const char *const list_examples[] = {
    "hf cache ls",
    "hf cache ls --revisions",
    "hf cache ls --filter 'size>1GB' --sort accessed:asc --limit 20",
    "hf cache ls --format json",
    NULL,
};

const cli_cmd cli_cmd_cache_list = {
    .name = "list",
    .alias = "ls",
    .summary = "List cached repos or revisions.",
    .opts = list_opts,
    .args_size = sizeof(list_args),
    .run = list_run,
    .examples = list_examples,
};
