/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of cache.md 15: fnmatch as Python has it, which differs from fnmatch(3): '*' crosses
 * '/', there is no escape character, and a set works on code points. Linear in the text for every
 * '*': the last one is retried, the ones before it never.
 */
#include "model/model.h"

static uint32_t next_code(const unsigned char **p)
{
    const unsigned char *s = *p;
    uint32_t n = s[0] < 0xc0 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t code = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));

    for (uint32_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *p = s + 1; /* no UTF-8: a byte is a character */
            return s[0];
        }
        code = (code << 6) | (s[i] & 0x3fu);
    }
    *p = s + n;
    return code == '\\' ? '/' : code;
}

/* End of the set that starts after '[' at p, NULL when it is not closed. */
static const unsigned char *set_end(const unsigned char *p)
{
    if (*p == '!')
        p++;
    if (*p == ']')
        p++;
    while (*p && *p != ']')
        p++;
    return *p ? p : NULL;
}

static bool set_holds(const unsigned char *p, const unsigned char *end, uint32_t code)
{
    bool negated = *p == '!';
    bool first = !negated;
    bool found = false;

    if (negated)
        p++;
    while (p < end) {
        uint32_t low = next_code(&p);
        uint32_t high = low;

        if (p + 1 < end && *p == '-') {
            p++;
            high = next_code(&p);
        }
        if (code >= low && code <= high)
            found = true;
        /* Python drops a reversed range before it looks for the '!', so "[z-a!x]" is "[!x]". */
        if (first && low > high && p < end && *p == '!') {
            negated = true;
            p++;
        }
        first = first && low > high;
    }
    return found != negated;
}

/* Matches one character of text with the pattern's next token; false when they differ. */
static bool match_one(const unsigned char **pattern, const unsigned char **text)
{
    const unsigned char *p = *pattern;
    const unsigned char *end;
    uint32_t code = next_code(text);

    if (*p == '?') {
        *pattern = p + 1;
        return true;
    }
    end = *p == '[' ? set_end(p + 1) : NULL;
    if (end) {
        *pattern = end + 1;
        return set_holds(p + 1, end, code);
    }
    return next_code(pattern) == code;
}

bool hf__glob_match(const char *pattern, const char *path)
{
    const unsigned char *p = (const unsigned char *)pattern;
    const unsigned char *t = (const unsigned char *)path;
    const unsigned char *star = NULL;  /* after the last '*' */
    const unsigned char *retry = NULL; /* where it goes on in the text */
    size_t len = strlen(pattern);
    bool folder = len && (pattern[len - 1] == '/' || pattern[len - 1] == '\\');

    for (;;) {
        const unsigned char *p_next = p;
        const unsigned char *t_next = t;

        if (*p == '*') {
            star = ++p;
            retry = t;
            continue;
        }
        if (!*p && (!*t || folder))
            return true; /* "data/" stands for "data/" and "*" */
        if (*p && *t && match_one(&p_next, &t_next)) {
            p = p_next;
            t = t_next;
            continue;
        }
        if (!star || !*retry)
            return false;
        (void)next_code(&retry);
        t = retry;
        p = star;
    }
}

bool hf__glob_filter(const char *path, const char *const *allow, size_t n_allow,
                     const char *const *ignore, size_t n_ignore)
{
    bool passes = !allow;

    for (size_t i = 0; !passes && i < n_allow; i++)
        passes = hf__glob_match(allow[i], path);
    for (size_t i = 0; passes && ignore && i < n_ignore; i++)
        passes = !hf__glob_match(ignore[i], path);
    return passes;
}
