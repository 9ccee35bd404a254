/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of files in a repo: the border between names that others chose and names on this disk. */
#include "model/model.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

/* NULL when every character is good, else what is wrong with one. */
static const char *text_problem(hf__str text)
{
    uint32_t code;

    while (text.len) {
        size_t len = hf__utf8_next(text, &code);

        if (len == 0)
            return "it is not UTF-8";
        if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            return "it has a control character";
        if (code == '\\')
            return "it has a backslash";
        text.ptr += len;
        text.len -= len;
    }
    return NULL;
}

static bool has_drive(hf__str part)
{
    char c = part.len ? (char)(part.ptr[0] | 0x20) : 0;

    return part.len >= 2 && part.ptr[1] == ':' && c >= 'a' && c <= 'z';
}

/* NULL when the component is good, else what is wrong with it. */
static const char *component_problem(hf__str part)
{
    if (part.len == 0)
        return "it has an empty component";
    if (hf__str_eq(part, HF__STR(".")) || hf__str_eq(part, HF__STR("..")))
        return "it has a component '.' or '..'";
    if (hf__str_eq_nocase(part, HF__STR(".git")))
        return "it has a component '.git'";
    if (part.len > 255)
        return "a component is longer than 255 bytes";
    if (has_drive(part))
        return "a component names a drive";
    return NULL;
}

static const char *path_problem(hf__str path)
{
    hf__str rest = path;
    const char *problem;

    if (path.len == 0)
        return "it is empty";
    if (path.len > HF__MAX_REPO_PATH)
        return "it is too long";
    if (path.ptr[0] == '/')
        return "it is absolute";
    problem = text_problem(path);
    while (!problem && rest.ptr)
        problem = component_problem(hf__str_cut(rest, '/', &rest));
    return problem;
}

hf_status hf__repo_path_check(const char *path, hf_error *err)
{
    const char *problem = path ? path_problem(hf__str_from(path)) : "it is NULL";
    char shown[201];

    if (!problem)
        return HF_OK;
    (void)snprintf(shown, sizeof(shown), "%s", path ? path : "");
    for (char *c = shown; *c; c++)
        if (*c == '\n')
            *c = '?'; /* which a message may have, but not from a name: it would read as two */
    return hf__fail(err, HF_ERR_UNSAFE_PATH, "the path '%s' is refused: %s", shown, problem);
}

hf_status hf__repo_path_join(hf__buf *out, const char *subfolder, const char *path, hf_error *err)
{
    if (subfolder && *subfolder) {
        hf__buf_adds(out, subfolder);
        hf__buf_addc(out, '/');
    }
    hf__buf_adds(out, path ? path : "");
    if (out->status != HF_OK)
        return hf__fail(err, out->status, "the path is too long");
    return hf__repo_path_check(hf__buf_cstr(out), err);
}
