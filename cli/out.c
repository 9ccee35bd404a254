/* SPDX-License-Identifier: Apache-2.0 */
/* What the command says: data on stdout in the mode asked for, everything else on stderr (cli.md 2,
 * 3). */
#include "cli.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESET "\033[0m"

/* The library's log comes from any thread, while the main one draws its progress line. */
static pthread_mutex_t err_lock = PTHREAD_MUTEX_INITIALIZER;

void cli_err_lock(void)
{
    pthread_mutex_lock(&err_lock);
}

void cli_err_unlock(void)
{
    pthread_mutex_unlock(&err_lock);
}

static void line_close_locked(cli_ctx *ctx)
{
    if (ctx->line_open)
        fputs("\r\033[K", stderr);
    ctx->line_open = false;
}

void cli_line_close(cli_ctx *ctx)
{
    cli_err_lock();
    line_close_locked(ctx);
    cli_err_unlock();
}

/* As Python writes it: what is not ASCII as \uXXXX, a byte that is no UTF-8 as \udcXX, so that
 * os.fsencode() gives back the very bytes of a path. */
void cli_json_string(FILE *out, const char *text)
{
    if (!text) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    while (*text) {
        unsigned long code;
        size_t n = cli_decode(text, &code);

        if (n == 0)
            code = 0xdc00 + (unsigned char)*text;
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (int)code);
        else if (code == '\n')
            fputs("\\n", out);
        else if (code == '\r')
            fputs("\\r", out);
        else if (code == '\t')
            fputs("\\t", out);
        else if (code < 0x20 || (code >= 0x7f && code < 0x10000))
            fprintf(out, "\\u%04lx", code);
        else if (code >= 0x10000)
            fprintf(out, "\\u%04lx\\u%04lx", 0xd800 + ((code - 0x10000) >> 10),
                    0xdc00 + ((code - 0x10000) & 0x3ff));
        else
            fputc((int)code, out);
        text += n ? n : 1;
    }
    fputc('"', out);
}

const char *cli_size(char out[24], uint64_t bytes)
{
    static const char units[] = "\0KMGTPEZY";
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000.0 && unit + 1 < sizeof(units) - 1) {
        value /= 1000.0;
        unit++;
    }
    snprintf(out, 24, "%.1f%c", value, units[unit]);
    return out;
}

const char *cli_bytes(char out[24], uint64_t bytes, bool human)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    size_t unit = 0;

    while (human && value >= 1000.0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000.0;
        unit++;
    }
    if (!human)
        snprintf(out, 24, "%llu", (unsigned long long)bytes);
    else
        snprintf(out, 24, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

/* ---- what goes through here is safe on a terminal */

/* Text may hold names from a server. Newlines stay, other control characters become '?'. */
static void put_text(FILE *out, const char *fmt, va_list args)
{
    char small[512];
    char *text = small;
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(small, sizeof(small), fmt, args);
    if (len >= (int)sizeof(small)) {
        text = malloc((size_t)len + 1);
        if (text)
            vsnprintf(text, (size_t)len + 1, fmt, again);
        else
            text = small;
    }
    va_end(again);
    for (char *line = text; line;) {
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        cli_put(out, line, SIZE_MAX);
        if (end)
            fputc('\n', out);
        line = end ? end + 1 : NULL;
    }
    if (text != small)
        free(text);
}

/* A value in a pipe is exact to the byte, since scripts open what it names. */
static void put_value(const cli_ctx *ctx, const char *value)
{
    if (ctx->tty_out)
        cli_put(stdout, value, SIZE_MAX);
    else
        fputs(value, stdout);
}

/* ---- results */

void cli_result(cli_ctx *ctx, const char *message, const cli_pair *pairs, size_t n_pairs)
{
    cli_result_raw(ctx, message, pairs, n_pairs, 0);
}

void cli_result_raw(cli_ctx *ctx, const char *message, const cli_pair *pairs, size_t n_pairs,
                    unsigned raw)
{
    cli_line_close(ctx);
    if (ctx->mode == CLI_JSON)
        fputc('{', stdout);
    if (ctx->mode == CLI_HUMAN)
        fprintf(stderr, "%s%s\n", ctx->color_err ? "\033[32m✓\033[0m " : "", message);
    for (size_t i = 0; i < n_pairs; i++) {
        switch (ctx->mode) {
        case CLI_JSON:
            fputs(i ? ", " : "", stdout);
            cli_json_string(stdout, pairs[i].key);
            fputs(": ", stdout);
            if (raw >> i & 1 && pairs[i].value)
                fputs(pairs[i].value, stdout);
            else
                cli_json_string(stdout, pairs[i].value);
            break;
        case CLI_AGENT:
            if (pairs[i].value) {
                printf("%s%s=", i ? " " : "", pairs[i].key);
                put_value(ctx, pairs[i].value);
            }
            break;
        case CLI_QUIET:
        case CLI_HUMAN:
            /* One value stands alone on stdout, so that `cd "$(hf download …)"` works. */
            if (i == 0 && pairs[i].value)
                put_value(ctx, pairs[i].value);
            else if (ctx->mode == CLI_HUMAN && pairs[i].value)
                cli_say(ctx, "  %s: %s", pairs[i].key, pairs[i].value);
            break;
        }
    }
    fputs(ctx->mode == CLI_JSON ? "}\n" : "\n", stdout);
}

void cli_text(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    if (ctx->mode == CLI_JSON || ctx->mode == CLI_QUIET)
        return;
    cli_line_close(ctx);
    va_start(args, fmt);
    put_text(stdout, fmt, args);
    va_end(args);
    fputc('\n', stdout);
}

/* ---- tables */

/* Cells narrower than their text end in "...". */
static void cell(const char *text, size_t width, bool right, bool last)
{
    size_t columns = cli_columns(text);
    bool cut = columns > width;
    size_t written = 0;

    if (right && !cut)
        printf("%*s", (int)(width - columns), "");
    if (cut) {
        written = cli_put(stdout, text, width > 3 ? width - 3 : 0);
        written += cli_put(stdout, "...", width - written);
    } else {
        written = right ? width : 0;
        written += cli_put(stdout, text, width);
    }
    if (written < width)
        printf("%*s", (int)(width - written), "");
    fputc(last ? '\n' : ' ', stdout);
}

/* Shrinks the widest column that is above its minimum until all fit; false when nothing had to be
 * cut. */
static bool fit(const cli_column *columns, size_t n, size_t *widths, size_t limit)
{
    bool cut = false;

    for (;;) {
        size_t sum = n ? n - 1 : 0;
        size_t widest = n;

        for (size_t i = 0; i < n; i++) {
            size_t least = columns[i].title ? cli_columns(columns[i].title) : 0;

            sum += widths[i];
            if (widths[i] > (least > 4 ? least : 4) && (widest == n || widths[i] > widths[widest]))
                widest = i;
        }
        if (sum <= limit || widest == n)
            return cut;
        widths[widest]--;
        cut = true;
    }
}

static void table_human(cli_ctx *ctx, const cli_column *columns, size_t n, const char *const *cells,
                        size_t n_rows)
{
    size_t *widths = calloc(n, sizeof(*widths));
    size_t last = 0;
    bool cut = false;

    if (!widths)
        return;
    for (size_t i = 0; i < n; i++) {
        if (!columns[i].title)
            continue;
        last = i;
        widths[i] = cli_columns(columns[i].title);
        for (size_t r = 0; r < n_rows; r++) {
            size_t w = cli_columns(cells[r * n + i]);

            widths[i] = w > widths[i] ? w : widths[i];
        }
    }
    if (!ctx->no_truncate && ctx->tty_out)
        cut = fit(columns, n, widths, cli_screen_width(STDOUT_FILENO));
    for (size_t r = 0; r < n_rows + 2; r++) {
        for (size_t i = 0; i < n; i++) {
            if (!columns[i].title)
                continue;
            if (r == 1) {
                for (size_t k = 0; k < widths[i]; k++)
                    fputc('-', stdout);
                fputc(i == last ? '\n' : ' ', stdout);
            } else {
                cell(r == 0 ? columns[i].title : cells[(r - 2) * n + i], widths[i],
                     columns[i].right, i == last);
            }
        }
    }
    free(widths);
    if (cut)
        cli_hint(ctx, "Use `--no-truncate` or `--format json` to display full values.");
}

static void table_json(const cli_column *columns, size_t n, const char *const *cells, size_t n_rows)
{
    fputc('[', stdout);
    for (size_t r = 0; r < n_rows; r++) {
        fputs(r ? ", {" : "{", stdout);
        for (size_t i = 0; i < n; i++) {
            const char *value = cells[r * n + i];

            fputs(i ? ", " : "", stdout);
            cli_json_string(stdout, columns[i].key);
            fputs(": ", stdout);
            if (columns[i].number && value)
                fputs(value, stdout);
            else
                cli_json_string(stdout, value);
        }
        fputc('}', stdout);
    }
    fputs("]\n", stdout);
}

static void table_agent(const cli_column *columns, size_t n, const char *const *cells,
                        size_t n_rows)
{
    for (size_t r = 0; r < n_rows + 1; r++) {
        for (size_t i = 0, written = 0; i < n; i++) {
            const char *value = r == 0 ? columns[i].key : cells[(r - 1) * n + i];

            if (columns[i].title) {
                fputs(written++ ? "\t" : "", stdout);
                cli_put(stdout, value ? value : "None", SIZE_MAX);
            }
        }
        fputc('\n', stdout);
    }
}

void cli_table(cli_ctx *ctx, const cli_column *columns, size_t n_columns, const char *const *cells,
               size_t n_rows, size_t id_column)
{
    cli_line_close(ctx);
    if (n_rows == 0 && ctx->mode != CLI_JSON) {
        if (ctx->mode != CLI_QUIET)
            puts("No results found.");
        return;
    }
    switch (ctx->mode) {
    case CLI_HUMAN:
        table_human(ctx, columns, n_columns, cells, n_rows);
        break;
    case CLI_JSON:
        table_json(columns, n_columns, cells, n_rows);
        break;
    case CLI_AGENT:
        table_agent(columns, n_columns, cells, n_rows);
        break;
    case CLI_QUIET:
        for (size_t r = 0; r < n_rows; r++) {
            cli_put(stdout, cells[r * n_columns + id_column], SIZE_MAX);
            fputc('\n', stdout);
        }
        break;
    }
}

/* ---- messages */

static void say(cli_ctx *ctx, const char *color, const char *prefix, const char *fmt, va_list args)
{
    bool plain = !ctx->color_err || ctx->mode != CLI_HUMAN;

    cli_err_lock();
    line_close_locked(ctx);
    fputs(plain ? "" : color, stderr);
    fputs(prefix, stderr);
    put_text(stderr, fmt, args);
    fputs(plain ? "\n" : RESET "\n", stderr);
    cli_err_unlock();
}

void cli_warning(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctx, "\033[33m", "Warning: ", fmt, args);
    va_end(args);
}

void cli_hint(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    if (ctx->mode == CLI_QUIET)
        return;
    va_start(args, fmt);
    say(ctx, "\033[90m", "Hint: ", fmt, args);
    va_end(args);
}

void cli_log(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    if (ctx->mode == CLI_QUIET)
        return;
    va_start(args, fmt);
    say(ctx, "\033[90m", "", fmt, args);
    va_end(args);
}

void cli_say(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctx, "", "", fmt, args);
    va_end(args);
}

int cli_error(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctx, "\033[1;31m", "Error: ", fmt, args);
    va_end(args);
    return CLI_EXIT_ERROR;
}

int cli_usage_error(cli_ctx *ctx, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctx, "\033[1;31m", "Error: ", fmt, args);
    va_end(args);
    fprintf(stderr, "Try '%s --help' for help.\n", ctx->path);
    return CLI_EXIT_USAGE;
}
