/* SPDX-License-Identifier: Apache-2.0 */
/* Walking JSON text that the library hands out, without building a tree: values are pieces of the
 * text. What is no JSON ends a walk; nothing is read beyond the end. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

static void skip_blanks(cli_json *j)
{
    while (j->len && strchr(" \t\r\n", *j->at) && *j->at) {
        j->at++;
        j->len--;
    }
}

/* Bytes of the string, number, word, object or array that starts the text; 0 when none does. */
static size_t value_len(cli_json j)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < j.len; i++) {
        char c = j.at[i];

        if (quoted) {
            if (c == '\\')
                i++;
            quoted = quoted && c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
            continue;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return i;
            depth--;
        } else if (depth == 0 && strchr(",: \t\r\n", c)) {
            return i;
        } else if (depth == 0 && i + 1 < j.len) {
            continue; /* inside a number or word */
        }
        if (depth == 0 && !quoted)
            return i + 1;
    }
    return 0;
}

static bool take(cli_json *j, cli_json *value)
{
    size_t len;

    skip_blanks(j);
    len = value_len(*j);
    if (len == 0 || len > j->len)
        return false;
    *value = (cli_json){ j->at, len };
    j->at += len;
    j->len -= len;
    return true;
}

static bool take_mark(cli_json *j, char mark)
{
    skip_blanks(j);
    if (!j->len || *j->at != mark)
        return false;
    j->at++;
    j->len--;
    return true;
}

cli_json cli_json_make(const char *text)
{
    cli_json j = { text ? text : "", text ? strlen(text) : 0 };

    skip_blanks(&j);
    return j;
}

char cli_json_kind(cli_json value)
{
    return value.len ? *value.at : '\0';
}

bool cli_json_item(cli_json *rest, cli_json *value)
{
    return (take_mark(rest, '[') || take_mark(rest, ',')) && take(rest, value);
}

bool cli_json_member(cli_json *rest, cli_json *key, cli_json *value)
{
    return (take_mark(rest, '{') || take_mark(rest, ',')) && take(rest, key) &&
           take_mark(rest, ':') && take(rest, value);
}

bool cli_json_get(cli_json object, const char *name, cli_json *out)
{
    size_t len = strlen(name);
    cli_json key;

    while (cli_json_member(&object, &key, out))
        if (key.len == len + 2 && memcmp(key.at + 1, name, len) == 0)
            return true;
    return false;
}

bool cli_json_find(cli_json record, const char *path, cli_json *out)
{
    char name[64];

    while (*path) {
        size_t len = strcspn(path, ".");

        if (len >= sizeof(name))
            return false;
        memcpy(name, path, len);
        name[len] = '\0';
        if (!cli_json_get(record, name, out))
            return false;
        record = *out;
        path += len + (path[len] == '.');
    }
    return true;
}

/* ---- texts */

static unsigned hex4(const char *at, size_t len)
{
    unsigned code = 0;

    for (size_t i = 0; i < 4 && i < len; i++) {
        char c = at[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                             ? (unsigned)((c | 0x20) - 'a' + 10)
                             : 0;

        code = code * 16 + digit;
    }
    return code;
}

static size_t put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* What follows a backslash; bytes read. A NUL becomes U+FFFD, since texts end in one. */
static size_t unescape(const char *at, size_t len, char *out, size_t *written)
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    const char *known = *at ? strchr(letters, *at) : NULL;
    unsigned code;
    size_t used = 5;

    if (*at != 'u' || len < 5) {
        *out = known ? meant[known - letters] : *at;
        *written = 1;
        return 1;
    }
    code = hex4(at + 1, len - 1);
    if (code >= 0xd800 && code < 0xdc00 && len >= 11 && at[5] == '\\' && at[6] == 'u') {
        unsigned low = hex4(at + 7, len - 7);

        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            used = 11;
        }
    }
    if (code == 0 || (code >= 0xd800 && code < 0xe000))
        code = 0xfffd;
    *written = put_utf8(out, code);
    return used;
}

char *cli_json_text(cli_json value)
{
    bool quoted = cli_json_kind(value) == '"' && value.len >= 2;
    const char *at = quoted ? value.at + 1 : value.at;
    size_t len = quoted ? value.len - 2 : value.len;
    char *out = malloc(len + 4);
    size_t n = 0;

    if (!out)
        return NULL;
    while (len) {
        size_t used = 1;
        size_t written = 1;

        if (quoted && *at == '\\' && len > 1)
            used += unescape(at + 1, len - 1, out + n, &written);
        else
            out[n] = *at;
        n += written;
        at += used;
        len -= used < len ? used : len;
    }
    out[n] = '\0';
    return out;
}

/* ---- writing */

static void new_line(FILE *out, unsigned indent, unsigned depth)
{
    if (indent)
        fprintf(out, "\n%*s", (int)(indent * depth), "");
}

static void put(FILE *out, cli_json value, unsigned indent, unsigned depth)
{
    char kind = cli_json_kind(value);
    cli_json key;
    cli_json item;
    bool any = false;
    char *text;

    if (kind == '{' || kind == '[') {
        fputc(kind, out);
        while (kind == '{' ? cli_json_member(&value, &key, &item) : cli_json_item(&value, &item)) {
            if (kind == '{' && cli_json_kind(item) == 'n') /* as Python's client has it */
                continue;
            fputs(any ? (indent ? "," : ", ") : "", out);
            new_line(out, indent, depth + 1);
            if (kind == '{') {
                put(out, key, 0, 0);
                fputs(": ", out);
            }
            put(out, item, indent, depth + 1);
            any = true;
        }
        if (any)
            new_line(out, indent, depth);
        fputc(kind == '{' ? '}' : ']', out);
    } else if (kind == '"') {
        text = cli_json_text(value);
        cli_json_string(out, text);
        free(text);
    } else {
        fwrite(value.at, 1, value.len, out);
    }
}

void cli_json_put(FILE *out, cli_json value, unsigned indent)
{
    put(out, value, indent, 0);
}

void cli_json_put_at(FILE *out, cli_json value, unsigned indent, unsigned depth)
{
    put(out, value, indent, depth);
}

/* A text as Python's repr() has it. */
static void put_quoted(FILE *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';

    fputc(quote, out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '\n' || c == '\r' || c == '\t')
            fputs(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", out);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fprintf(out, *text == quote || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc(quote, out);
}

void cli_json_put_python(FILE *out, cli_json value)
{
    char kind = cli_json_kind(value);
    cli_json key;
    cli_json item;
    bool any = false;
    char *text;

    if (kind == '{' || kind == '[') {
        fputc(kind, out);
        while (kind == '{' ? cli_json_member(&value, &key, &item) : cli_json_item(&value, &item)) {
            if (kind == '{' && cli_json_kind(item) == 'n')
                continue;
            fputs(any ? ", " : "", out);
            if (kind == '{') {
                cli_json_put_python(out, key);
                fputs(": ", out);
            }
            cli_json_put_python(out, item);
            any = true;
        }
        fputc(kind == '{' ? '}' : ']', out);
    } else if (kind == '"') {
        text = cli_json_text(value);
        put_quoted(out, text ? text : "");
        free(text);
    } else if (kind == 't' || kind == 'f' || kind == 'n') {
        fputs(kind == 't' ? "True" : kind == 'f' ? "False" : "None", out);
    } else {
        fwrite(value.at, 1, value.len, out);
    }
}
