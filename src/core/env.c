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

/* Digits with single '_' between them, as Python's int() reads them. */
static bool read_int(hf__str text, bool *negative, uint64_t *out)
{
    char digits[24];
    size_t n = 0;

    text = hf__str_trim(text);
    *negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        text.ptr++;
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '_' && i > 0 && i + 1 < text.len && text.ptr[i - 1] != '_')
            continue;
        if (n == sizeof(digits))
            return false;
        digits[n++] = text.ptr[i];
    }
    return hf__str_to_u64((hf__str){ digits, n }, out);
}

hf_status hf__env_int(const char *name, uint32_t fallback, uint32_t *out, hf_error *err)
{
    const char *value = getenv(name);
    bool negative = false;
    uint64_t number = 0;

    if (!value) {
        *out = fallback;
        return HF_OK;
    }
    if (!read_int(hf__str_from(value), &negative, &number) || number > UINT32_MAX / 1000)
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the environment variable %s must be a whole number, not '%s'", name,
                        value);
    if (negative && number)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the environment variable %s must not be negative",
                        name);
    *out = number ? (uint32_t)number : fallback;
    return HF_OK;
}

static void add_home(hf__buf *out, hf__str user, hf__str whole)
{
    const char *home = user.len == 0 ? hf__env_get("HOME") : NULL;
    struct passwd *entry = NULL;
    char name[64];

    if (!home && user.len == 0) {
        entry = getpwuid(getuid());
    } else if (!home && user.len < sizeof(name)) {
        memcpy(name, user.ptr, user.len);
        name[user.len] = '\0';
        entry = getpwnam(name);
    }
    if (!home && entry)
        home = entry->pw_dir;
    if (!home) {
        hf__buf_add_str(out, whole);
        return;
    }
    hf__str text = hf__str_from(home);
    while (text.len > 1 && text.ptr[text.len - 1] == '/')
        text.len--;
    hf__buf_add_str(out, text);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Adds what `$NAME` or `${NAME}` at text stands for; returns how much of text it took, 0 when it is
 * neither. */
static size_t add_variable(hf__buf *out, hf__str text)
{
    bool braces = text.len > 1 && text.ptr[1] == '{';
    size_t start = braces ? 2 : 1;
    size_t len = 0;
    char name[128];
    const char *value;

    while (start + len < text.len &&
           (braces ? text.ptr[start + len] != '}' : is_word(text.ptr[start + len])))
        len++;
    if (len == 0 || len >= sizeof(name) || (braces && start + len == text.len))
        return 0;
    memcpy(name, text.ptr + start, len);
    name[len] = '\0';
    value = getenv(name);
    if (!value)
        return 0;
    hf__buf_adds(out, value);
    return start + len + (braces ? 1 : 0);
}

void hf__env_expand_path(hf__buf *out, const char *path)
{
    hf__str text = hf__str_from(path);

    if (text.len && text.ptr[0] == '~') {
        hf__str rest;
        hf__str head = hf__str_cut(text, '/', &rest);

        add_home(out, (hf__str){ head.ptr + 1, head.len - 1 }, head);
        text.ptr += head.len;
        text.len -= head.len;
    }
    while (text.len) {
        size_t took = text.ptr[0] == '$' ? add_variable(out, text) : 0;

        if (took == 0) {
            hf__buf_addc(out, text.ptr[0]);
            took = 1;
        }
        text.ptr += took;
        text.len -= took;
    }
}
