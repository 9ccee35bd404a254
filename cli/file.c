/* SPDX-License-Identifier: Apache-2.0 */
/* Small files that are read whole, and lines of KEY=VALUE in them (cli.md 6). */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 * 1024 * 1024 };

char *cli_read_file(cli_ctx *ctx, const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    size_t total = 0;
    FILE *out = in ? open_memstream(&text, &size) : NULL;
    char part[4096];
    size_t got;
    bool failed;

    if (!in) {
        (void)cli_error(ctx, "cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    while (out && total <= MOST && (got = fread(part, 1, sizeof(part), in)) > 0) {
        fwrite(part, 1, got, out);
        total += got;
    }
    failed = ferror(in) != 0;
    if (in != stdin)
        fclose(in);
    if (!out || fclose(out) != 0)
        (void)cli_error(ctx, "out of memory");
    else if (failed)
        (void)cli_error(ctx, "cannot read '%s'", path);
    else if (total > MOST)
        (void)cli_error(ctx, "'%s' is larger than %d MiB", path, MOST >> 20);
    else
        return text;
    free(text);
    return NULL;
}

/* ---- KEY=VALUE */

static char *skip_blanks(char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static void trim_end(char *text)
{
    size_t len = strlen(text);

    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
}

/* What follows the quote at `at` up to its partner, when nothing but a comment stands behind it. */
static bool take_quoted(char *at, char **value)
{
    char quote = *at;
    char *end = at + 1;
    char *rest;

    while (*end && *end != quote)
        end += end[0] == '\\' && end[1] ? 2 : 1;
    if (!*end)
        return false;
    rest = skip_blanks(end + 1);
    if (*rest && *rest != '#')
        return false;
    *end = '\0';
    *value = at + 1;
    return true;
}

static void expand(char *text)
{
    static const char letters[] = "nt\"\\$";
    static const char meant[] = "\n\t\"\\$";
    char *to = text;

    for (char *from = text; *from; from++) {
        const char *known = from[0] == '\\' && from[1] ? strchr(letters, from[1]) : NULL;

        from += known != NULL;
        *to++ = known ? meant[known - letters] : *from;
    }
    *to = '\0';
}

static char *take_value(char *at)
{
    char quote = *at;
    char *value = at;

    if ((quote == '"' || quote == '\'') && take_quoted(at, &value)) {
        if (quote == '"')
            expand(value);
        return value;
    }
    for (char *c = at; *c; c++)
        if (*c == '#' && (c == at || isspace((unsigned char)c[-1]))) {
            *c = '\0';
            break;
        }
    trim_end(value);
    return value;
}

static void read_line(char *line, cli_pair_fn *fn, void *arg)
{
    char *key;
    size_t len;
    char *at;

    trim_end(line);
    key = skip_blanks(line);
    if (strncmp(key, "export", 6) == 0 && (key[6] == ' ' || key[6] == '\t'))
        key = skip_blanks(key + 6);
    len = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (len == 0 || isdigit((unsigned char)*key))
        return;
    at = skip_blanks(key + len);
    if (*at && *at != '#' && *at != '=')
        return;
    if (*at == '=') {
        char *value = take_value(skip_blanks(at + 1));

        key[len] = '\0';
        fn(arg, key, value);
    } else {
        key[len] = '\0';
        fn(arg, key, NULL);
    }
}

void cli_dotenv(char *text, cli_pair_fn *fn, void *arg)
{
    while (text) {
        char *end = strpbrk(text, "\r\n");

        if (end)
            *end++ = '\0';
        read_line(text, fn, arg);
        text = end;
    }
}
