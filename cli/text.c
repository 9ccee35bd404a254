/* SPDX-License-Identifier: Apache-2.0 */
/* Text on a terminal: how many columns it takes, where it may be cut, and what must not reach it. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t cli_decode(const char *text, unsigned long *code)
{
    static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;

    *code = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = (*code << 6) | (p[i] & 0x3f);
    }
    if (n > 1 && (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)))
        return 0;
    return n;
}

/* Columns of one character: ranges that terminals agree on (Unicode's East Asian Width W and F, and
 * marks that combine). wcwidth(3) would need the locale to be loaded, which costs more than all of
 * `hf version`. */
static size_t columns_of(unsigned long code)
{
    static const struct {
        unsigned long first, last;
        size_t columns;
    } ranges[] = {
        { 0x0300, 0x036f, 0 },   { 0x0483, 0x0489, 0 },   { 0x0591, 0x05bd, 0 },
        { 0x064b, 0x065f, 0 },   { 0x1100, 0x115f, 2 },   { 0x1ab0, 0x1aff, 0 },
        { 0x200b, 0x200f, 0 },   { 0x20d0, 0x20ff, 0 },   { 0x2e80, 0x303e, 2 },
        { 0x3041, 0xa4cf, 2 },   { 0xa960, 0xa97f, 2 },   { 0xac00, 0xd7a3, 2 },
        { 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },   { 0xfe20, 0xfe2f, 0 },
        { 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },
        { 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1f9ff, 2 },
        { 0x20000, 0x3fffd, 2 },
    };

    for (size_t i = 0; code >= 0x300 && i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return ranges[i].columns;
    return 1;
}

/* C0, DEL, C1 and the marks that reorder text. */
static bool harmful(unsigned long code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

size_t cli_columns(const char *text)
{
    size_t columns = 0;

    while (text && *text) {
        unsigned long code;
        size_t n = cli_decode(text, &code);

        columns += n == 0 || harmful(code) ? 1 : columns_of(code);
        text += n ? n : 1;
    }
    return columns;
}

size_t cli_put(FILE *out, const char *text, size_t limit)
{
    size_t columns = 0;

    while (text && *text) {
        unsigned long code;
        size_t n = cli_decode(text, &code);
        bool safe = n && !harmful(code);
        size_t wide = safe ? columns_of(code) : 1;

        if (columns + wide > limit)
            break;
        if (safe)
            fwrite(text, 1, n, out);
        else
            fputc('?', out);
        columns += wide;
        text += n ? n : 1;
    }
    return columns;
}

size_t cli_put_end(FILE *out, const char *text, size_t limit)
{
    size_t columns = cli_columns(text);

    if (columns <= limit)
        return cli_put(out, text, limit);
    if (limit == 0)
        return 0;
    /* Drop from the front until the rest and the mark fit; a name tells more at its end. */
    while (columns + 1 > limit) {
        unsigned long code;
        size_t n = cli_decode(text, &code);

        columns -= n == 0 || harmful(code) ? 1 : columns_of(code);
        text += n ? n : 1;
    }
    fputs("…", out);
    return 1 + cli_put(out, text, limit - 1);
}

size_t cli_screen_width(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    unsigned long n;

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && fd == STDERR_FILENO)
        return size.ws_col; /* a bar follows the window as it is now */
    if (columns && cli_number(columns, &n) && n > 0 && n < 10000)
        return n;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void cli_wrap(FILE *out, const char *text, size_t indent, size_t at, size_t width)
{
    while (*text) {
        size_t len = strcspn(text, " \n");
        char word[512];
        size_t wide;

        snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1),
                 text);
        wide = cli_columns(word);
        if (at > indent && at + 1 + wide > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fputs(word, out);
        at += wide;
        text += len;
        if (*text == '\n') {
            fprintf(out, "\n%*s", text[1] ? (int)indent : 0, "");
            at = indent;
        }
        text += *text != '\0';
    }
}
