/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"

#include "core/error.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

const char *hf__env_get(const char *name)
{
    return getenv(name);
}

const char *hf__env_get_nonempty(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

bool hf__env_truthy(const char *value)
{
    hf__str text = hf__str_from(value);

    return hf__str_eq_nocase(text, HF__STR("1")) || hf__str_eq_nocase(text, HF__STR("on")) ||
           hf__str_eq_nocase(text, HF__STR("yes")) || hf__str_eq_nocase(text, HF__STR("true"));
}

/* Digits with single '_' between them, as Python's int() reads them. A number too large for out
 * becomes the largest. */
static bool read_int(hf__str text, bool *negative, uint64_t *out)
{
    uint64_t value = 0;
    bool after_digit = false;

    text = hf__str_trim(text);
    *negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        text.ptr++;
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.ptr[i] - '0';

        if (text.ptr[i] == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        if (digit > 9)
            return false;
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
        after_digit = true;
    }
    *out = value;
    return after_digit;
}

hf_status hf__env_int(const char *name, uint32_t fallback, uint32_t *out, hf_error *err)
{
    const uint32_t most = UINT32_MAX / 1000; /* so that it can be told in milliseconds */
    const char *value = getenv(name);
    bool negative = false;
    uint64_t number = 0;

    if (value && !read_int(hf__str_from(value), &negative, &number))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the environment variable %s must be a whole number, not '%s'", name,
                        value);
    if (number > most || (negative && number))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the environment variable %s must be from 0 to %u, not '%s'", name, most,
                        value);
    *out = number ? (uint32_t)number : fallback;
    return HF_OK;
}

/* The user's home directory, NULL when there is none. The name is that of the caller when empty;
 * room is what the answer may lie in. */
static const char *home_of(hf__str user, char *room, size_t size)
{
    const char *home = user.len == 0 ? getenv("HOME") : NULL;
    struct passwd entry;
    struct passwd *found = NULL;
    char name[256];

    if (home || user.len >= sizeof(name))
        return home;
    if (user.len == 0) {
        (void)getpwuid_r(getuid(), &entry, room, size, &found);
    } else {
        memcpy(name, user.ptr, user.len);
        name[user.len] = '\0';
        (void)getpwnam_r(name, &entry, room, size, &found);
    }
    return found ? found->pw_dir : NULL;
}

/* "~" and "~user" at the start of *text, which is moved past them. */
static void add_home(hf__buf *out, hf__str *text)
{
    hf__str rest;
    hf__str head = hf__str_cut(*text, '/', &rest);
    char room[4096];
    const char *home = home_of((hf__str){ head.ptr + 1, head.len - 1 }, room, sizeof(room));
    hf__str dir = home ? hf__str_from(home) : head;

    while (home && dir.len && dir.ptr[dir.len - 1] == '/')
        dir.len--;
    if (home && dir.len == 0 && !rest.ptr)
        dir = HF__STR("/"); /* "~" of someone who lives in the root */
    hf__buf_add_str(out, dir);
    text->ptr += head.len;
    text->len -= head.len;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Length of the `$NAME` or `${NAME}` at the start of text, 1 and no name when it is only a '$'. */
static size_t variable_len(hf__str text, hf__str *name)
{
    bool braces = text.len > 1 && text.ptr[1] == '{';
    size_t start = braces ? 2 : 1;
    size_t len = 0;

    while (start + len < text.len &&
           (braces ? text.ptr[start + len] != '}' : is_word(text.ptr[start + len])))
        len++;
    if (braces && start + len == text.len)
        len = 0; /* never closed */
    *name = (hf__str){ text.ptr + start, len };
    return len ? start + len + braces : 1;
}

static const char *value_of(hf__str name)
{
    char text[256];

    if (name.len == 0 || name.len >= sizeof(text))
        return NULL;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return getenv(text);
}

void hf__env_expand_path(hf__buf *out, const char *path)
{
    hf__str text = hf__str_from(path);

    if (text.len && text.ptr[0] == '~')
        add_home(out, &text);
    while (text.len) {
        const char *at = memchr(text.ptr, '$', text.len);
        size_t plain = at ? (size_t)(at - text.ptr) : text.len;
        hf__str name = { NULL, 0 };
        const char *value;
        size_t took;

        hf__buf_add(out, text.ptr, plain);
        text.ptr += plain;
        text.len -= plain;
        if (!at)
            break;
        took = variable_len(text, &name);
        value = value_of(name);
        if (value)
            hf__buf_adds(out, value);
        else
            hf__buf_add(out, text.ptr, took); /* as it is, what is in its braces too */
        text.ptr += took;
        text.len -= took;
    }
}
