/* SPDX-License-Identifier: Apache-2.0 */
/* What the command says: data on stdout in the mode asked for, everything else on stderr (cli.md 2,
 * 3). */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RESET "\033[0m"

void cli_line_close(cli_ctx *ctx)
{
    if (ctx->line_open)
        fputs("\r\033[K", stderr);
    ctx->line_open = false;
}

/* Decodes one escape of JSON's \u form from UTF-8; returns bytes used, 1 for a byte that is no
 * UTF-8. */
static size_t decode(const unsigned char *p, unsigned long *code)
{
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;

    *code = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            *code = 0xfffd;
            return 1;
        }
        *code = (*code << 6) | (p[i] & 0x3f);
    }
    if (n == 1 && p[0] >= 0x80)
        *code = 0xfffd;
    return n;
}

void cli_json_string(FILE *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    if (!text) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    while (*p) {
        unsigned long code;
        size_t n = decode(p, &code);

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
        p += n;
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

/* ---- results */

void cli_result(cli_ctx *ctx, const char *message, const cli_pair *pairs, size_t n_pairs)
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
            cli_json_string(stdout, pairs[i].value);
            break;
        case CLI_AGENT:
            if (pairs[i].value)
                printf("%s%s=%s", i ? " " : "", pairs[i].key, pairs[i].value);
            break;
        case CLI_QUIET:
        case CLI_HUMAN:
            /* One value stands alone on stdout, so that `cd "$(hf download …)"` works. */
            if (i == 0 && pairs[i].value)
                fputs(pairs[i].value, stdout);
            else if (ctx->mode == CLI_HUMAN && pairs[i].value)
                fprintf(stderr, "  %s: %s\n", pairs[i].key, pairs[i].value);
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
    vprintf(fmt, args);
    va_end(args);
    fputc('\n', stdout);
}

/* ---- tables */

static size_t columns_of_text(const char *text)
{
    size_t n = 0;

    for (; text && *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static size_t screen_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (columns && *columns) {
        unsigned long n = strtoul(columns, NULL, 10);

        if (n > 0 && n < 10000)
            return n;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* Cells narrower than their text end in "...". */
static void cell(const char *text, size_t width, bool right, bool last)
{
    size_t columns = columns_of_text(text);
    size_t pad = columns < width ? width - columns : 0;
    size_t keep = columns <= width ? columns : width > 3 ? width - 3 : 0;
    size_t n = 0;

    if (right)
        printf("%*s", (int)pad, "");
    for (const char *c = text ? text : ""; *c; c++) {
        n += ((unsigned char)*c & 0xc0) != 0x80;
        if (n > keep)
            break;
        fputc(*c, stdout);
    }
    if (columns > width)
        fputs("...", stdout);
    if (!right)
        printf("%*s", (int)pad, "");
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
            size_t least = columns[i].title ? columns_of_text(columns[i].title) : 0;

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
        widths[i] = columns_of_text(columns[i].title);
        for (size_t r = 0; r < n_rows; r++) {
            size_t w = columns_of_text(cells[r * n + i]);

            widths[i] = w > widths[i] ? w : widths[i];
        }
    }
    if (!ctx->no_truncate && isatty(STDOUT_FILENO))
        cut = fit(columns, n, widths, screen_width());
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

            if (columns[i].title)
                printf("%s%s", written++ ? "\t" : "", value ? value : "None");
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
        for (size_t r = 0; r < n_rows; r++)
            puts(cells[r * n_columns + id_column] ? cells[r * n_columns + id_column] : "");
        break;
    }
}

/* ---- messages */

static void say(cli_ctx *ctx, const char *color, const char *prefix, const char *fmt, va_list args)
{
    bool plain = !ctx->color_err || ctx->mode != CLI_HUMAN;

    cli_line_close(ctx);
    fputs(plain ? "" : color, stderr);
    fputs(prefix, stderr);
    vfprintf(stderr, fmt, args);
    fputs(plain ? "\n" : RESET "\n", stderr);
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
