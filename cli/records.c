/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the Hub in every output mode (cli.md 3): tables that are printed while they come, and
 * single ones. */
#include "json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOLD = 100 };

static bool is_null(cli_json value)
{
    return cli_json_kind(value) == 'n' || cli_json_kind(value) == '\0';
}

/* ---- dates: "2026-01-21T03:45:36.000Z" */

static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-ddT";

    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    return true;
}

/* As Python's isoformat has it: "2026-01-21T03:45:36+00:00", with six digits of a fraction that is
 * not zero. What has another form stays. */
static void put_date(FILE *out, const char *text)
{
    size_t len = strlen(text);
    size_t digits = len > 20 ? strspn(text + 20, "0123456789") : 0;

    if (len < 20 || len > 30 || text[len - 1] != 'Z' ||
        (len > 20 && (text[19] != '.' || 20 + digits + 1 != len || digits > 6)))
        fputs(text, out);
    else if (digits == 0 || strspn(text + 20, "0") == digits)
        fprintf(out, "%.19s+00:00", text);
    else
        fprintf(out, "%.19s.%.*s%.*s+00:00", text, (int)digits, text + 20, (int)(6 - digits),
                "000000");
}

void cli_json_date(FILE *out, const char *text)
{
    char *whole = NULL;
    size_t size = 0;
    FILE *date = open_memstream(&whole, &size);

    if (date)
        put_date(date, text);
    if (date && fclose(date) == 0)
        cli_json_string(out, whole);
    free(whole);
}

/* ---- one record as JSON */

static bool is_date_field(const char *name)
{
    size_t len = strlen(name);

    return (len > 3 && strcmp(name + len - 3, "_at") == 0) || strcmp(name, "last_modified") == 0 ||
           strcmp(name, "last_updated") == 0 || strcmp(name, "timestamp") == 0;
}

static void put_member(FILE *out, const char *name, cli_json value, unsigned indent, bool first)
{
    char *text;

    fputs(first ? "" : indent ? "," : ", ", out);
    if (indent)
        fprintf(out, "\n%*s", (int)indent, "");
    cli_json_string(out, name);
    fputs(": ", out);
    if (cli_json_kind(value) == '"' && is_date_field(name)) {
        text = cli_json_text(value);
        cli_json_date(out, text ? text : "");
        free(text);
    } else {
        cli_json_put_at(out, value, indent, 1);
    }
}

bool cli_fields_put(FILE *out, cli_json record, const cli_field *fields, unsigned indent)
{
    bool any = false;
    cli_json value;

    for (const cli_field *f = fields; f->wire; f++) {
        if (!cli_json_find(record, f->wire, &value) || is_null(value))
            continue;
        put_member(out, f->name, value, indent, !any);
        any = true;
    }
    return any;
}

/* null members are left out, as Python's client does. */
static void put_record(FILE *out, cli_json record, const cli_field *fields, unsigned indent)
{
    bool any;

    if (!fields) {
        cli_json_put(out, record, indent);
        return;
    }
    fputc('{', out);
    any = cli_fields_put(out, record, fields, indent);
    fputs(any && indent ? "\n}" : "}", out);
}

static void put_plain(const cli_ctx *ctx, cli_json value)
{
    char *text = cli_json_text(value);

    if (text && ctx->tty_out)
        cli_put(stdout, text, SIZE_MAX);
    else if (text)
        fputs(text, stdout);
    free(text);
}

void cli_record(cli_ctx *ctx, const char *json, const cli_field *fields, const char *id)
{
    cli_json record = cli_json_make(json);
    cli_json value;

    cli_line_close(ctx);
    if (ctx->mode == CLI_QUIET && id) {
        if (cli_json_find(record, id, &value))
            put_plain(ctx, value);
    } else {
        put_record(stdout, record, fields, ctx->mode == CLI_HUMAN ? 2 : 0);
    }
    fputc('\n', stdout);
}

/* ---- cells */

/* Blanks of any kind become one. */
static void squeeze(char *text)
{
    char *to = text;
    bool gap = false;

    for (char *from = text; *from; from++) {
        if (isspace((unsigned char)*from)) {
            gap = to > text;
            continue;
        }
        if (gap)
            *to++ = ' ';
        gap = false;
        *to++ = *from;
    }
    *to = '\0';
}

static void human_value(FILE *out, cli_json value)
{
    char kind = cli_json_kind(value);
    cli_json item;
    bool any = false;
    char *text;

    if (kind == 'n' || kind == 'f' || kind == '\0')
        return;
    if (kind == 't') {
        fputs("✔", out);
    } else if (kind == '[') {
        while (cli_json_item(&value, &item)) {
            fputs(any ? ", " : "", out);
            human_value(out, item);
            any = true;
        }
    } else if (kind == '{' && !cli_json_get(value, "name", &item)) {
        cli_json_put(out, value, 0);
    } else {
        text = cli_json_text(kind == '{' ? item : value);
        if (text)
            fprintf(out, "%.*s", is_date(text) ? 10 : (int)strlen(text), text);
        free(text);
    }
}

static void agent_value(FILE *out, const char *name, cli_json value)
{
    char kind = cli_json_kind(value);
    char *text;

    if (kind == 'n' || kind == '\0') {
        fputs("None", out);
    } else if (kind == 't' || kind == 'f') {
        fputs(kind == 't' ? "True" : "False", out);
    } else if (kind == '{' || kind == '[') {
        cli_json_put_python(out, value);
    } else {
        text = cli_json_text(value);
        if (text && kind == '"' && is_date_field(name))
            put_date(out, text);
        else
            fputs(text ? text : "", out);
        free(text);
    }
}

static char *make_cell(cli_mode mode, const char *name, cli_json value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    if (mode == CLI_HUMAN)
        human_value(out, value);
    else
        agent_value(out, name, value);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    squeeze(text);
    return text;
}

/* ---- tables */

void cli_rows_begin(cli_rows *rows, cli_ctx *ctx, const cli_field *fields, const char *id)
{
    memset(rows, 0, sizeof(*rows));
    rows->ctx = ctx;
    rows->fields = fields;
    rows->id = id;
}

/* "last_modified" and "lastModified" head their columns as LAST_MODIFIED. */
static void title(const char *name, char out[64])
{
    size_t n = 0;

    for (const char *c = name; *c && n + 2 < 64; c++) {
        if (c > name && isupper((unsigned char)*c) && islower((unsigned char)c[-1]))
            out[n++] = '_';
        out[n++] = (char)toupper((unsigned char)*c);
    }
    out[n] = '\0';
}

static bool is_among(const char *name, const char *const *names)
{
    while (names && *names && strcmp(*names, name) != 0)
        names++;
    return names && *names;
}

static void choose_columns(cli_rows *rows, cli_json record)
{
    for (size_t i = 0; rows->fields[i].wire && rows->n_shown < CLI_MAX_FIELDS; i++) {
        cli_json value;
        char name[64];

        if (!cli_json_find(record, rows->fields[i].wire, &value) || is_null(value))
            continue;
        title(rows->fields[i].name, name);
        rows->right[rows->n_shown] = isdigit((unsigned char)cli_json_kind(value)) ||
                                     cli_json_kind(value) == '-' ||
                                     is_among(rows->fields[i].name, rows->sizes);
        rows->widths[rows->n_shown] = cli_columns(name);
        rows->shown[rows->n_shown++] = i;
    }
}

/* Shrinks the widest column above its minimum until all fit. */
static void fit(cli_rows *rows)
{
    size_t limit = cli_screen_width(STDOUT_FILENO);

    if (rows->ctx->no_truncate || !rows->ctx->tty_out)
        return;
    for (;;) {
        size_t sum = rows->n_shown ? rows->n_shown - 1 : 0;
        size_t widest = rows->n_shown;

        for (size_t i = 0; i < rows->n_shown; i++) {
            char name[64];
            size_t least;

            title(rows->fields[rows->shown[i]].name, name);
            least = strlen(name) > 4 ? strlen(name) : 4;
            sum += rows->widths[i];
            if (rows->widths[i] > least &&
                (widest == rows->n_shown || rows->widths[i] > rows->widths[widest]))
                widest = i;
        }
        if (sum <= limit || widest == rows->n_shown)
            return;
        rows->widths[widest]--;
    }
}

static void put_cell(cli_rows *rows, const char *text, size_t column)
{
    size_t width = rows->widths[column];
    size_t columns = cli_columns(text);
    size_t written = 0;
    bool last = column + 1 == rows->n_shown;

    /* Only what is fitted to a screen is cut; later pages may be wider than the first. */
    if (columns > width && rows->ctx->tty_out && !rows->ctx->no_truncate) {
        rows->cut = true;
        written = cli_put(stdout, text, width > 3 ? width - 3 : 0);
        written += cli_put(stdout, "...", width - written);
    } else {
        if (rows->right[column] && columns < width)
            written = (size_t)printf("%*s", (int)(width - columns), "");
        written += cli_put(stdout, text, SIZE_MAX);
    }
    if (written < width)
        printf("%*s", (int)(width - written), "");
    fputc(last ? '\n' : ' ', stdout);
}

static void put_titles(cli_rows *rows)
{
    char name[64];

    for (size_t i = 0; i < rows->n_shown; i++) {
        bool right = rows->right[i];

        title(rows->fields[rows->shown[i]].name, name);
        rows->right[i] = right;
        put_cell(rows, name, i);
    }
    for (size_t i = 0; i < rows->n_shown; i++) {
        for (size_t k = 0; k < rows->widths[i]; k++)
            fputc('-', stdout);
        fputc(i + 1 == rows->n_shown ? '\n' : ' ', stdout);
    }
}

static void flush(cli_rows *rows)
{
    if (rows->n_waiting && !rows->titled) {
        fit(rows);
        put_titles(rows);
        rows->titled = true;
    }
    for (size_t r = 0; r < rows->n_waiting; r++) {
        for (size_t i = 0; i < rows->n_shown; i++) {
            char *text = rows->cells[r * rows->n_shown + i];

            put_cell(rows, text ? text : "", i);
            free(text);
        }
    }
    rows->n_waiting = 0;
}

static void add_human(cli_rows *rows, cli_json record)
{
    if (!rows->cells)
        rows->cells = calloc(HOLD * rows->n_shown + 1, sizeof(*rows->cells));
    if (!rows->cells)
        return;
    for (size_t i = 0; i < rows->n_shown; i++) {
        const cli_field *field = &rows->fields[rows->shown[i]];
        cli_json value = { "", 0 };
        char *text;
        size_t columns;

        (void)cli_json_find(record, field->wire, &value);
        text = make_cell(CLI_HUMAN, field->name, value);
        rows->cells[rows->n_waiting * rows->n_shown + i] = text;
        columns = cli_columns(text ? text : "");
        if (!rows->titled && columns > rows->widths[i])
            rows->widths[i] = columns;
    }
    if (++rows->n_waiting == HOLD)
        flush(rows);
}

static void add_agent(cli_rows *rows, cli_json record)
{
    for (size_t i = 0; !rows->titled && i < rows->n_shown; i++)
        printf("%s%s", i ? "\t" : "", rows->fields[rows->shown[i]].name);
    if (!rows->titled)
        fputc('\n', stdout);
    rows->titled = true;
    for (size_t i = 0; i < rows->n_shown; i++) {
        const cli_field *field = &rows->fields[rows->shown[i]];
        cli_json value = { "", 0 };
        char *text;

        (void)cli_json_find(record, field->wire, &value);
        text = make_cell(CLI_AGENT, field->name, value);
        fputs(i ? "\t" : "", stdout);
        cli_put(stdout, text ? text : "", SIZE_MAX);
        free(text);
    }
    fputc('\n', stdout);
}

void cli_rows_add(cli_rows *rows, const char *json)
{
    cli_json record = cli_json_make(json);
    cli_json value;

    cli_line_close(rows->ctx);
    if (rows->n++ == 0)
        choose_columns(rows, record);
    switch (rows->ctx->mode) {
    case CLI_HUMAN:
        add_human(rows, record);
        break;
    case CLI_AGENT:
        add_agent(rows, record);
        break;
    case CLI_JSON:
        fputs(rows->n == 1 ? "[" : ", ", stdout);
        put_record(stdout, record, rows->whole ? NULL : rows->fields, 0);
        break;
    case CLI_QUIET:
        if (cli_json_find(record, rows->id, &value))
            put_plain(rows->ctx, value);
        fputc('\n', stdout);
        break;
    }
}

void cli_rows_add_texts(cli_rows *rows, const cli_text_member *members, size_t n)
{
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);

    if (!out)
        return;
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "{", out);
        cli_json_string(out, members[i].name);
        fputs(": ", out);
        cli_json_string(out, members[i].text);
    }
    fputc('}', out);
    if (fclose(out) == 0)
        cli_rows_add(rows, json);
    free(json);
}

void cli_rows_end(cli_rows *rows, bool complete)
{
    cli_mode mode = rows->ctx->mode;

    flush(rows);
    free(rows->cells);
    rows->cells = NULL;
    if (mode == CLI_JSON && (complete || rows->n))
        fputs(rows->n ? "]\n" : "[]\n", stdout);
    else if (complete && rows->n == 0 && mode != CLI_QUIET)
        puts("No results found.");
    if (rows->cut)
        cli_hint(rows->ctx, "Use `--no-truncate` or `--format json` to display full values.");
}
