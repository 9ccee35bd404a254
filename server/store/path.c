/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths may be in a repo. They end as file names on other people's disks. */
#include "store/private.h"

static bool is_dot_git(hf__str part)
{
    return part.len == 4 && hf__str_eq_nocase(part, HF__STR(".git"));
}

static const char *part_fault(hf__str part)
{
    size_t i = 0;

    if (part.len == 0)
        return "has an empty component";
    if (hf__str_eq(part, HF__STR(".")) || hf__str_eq(part, HF__STR("..")))
        return "has a '.' or '..' component";
    if (is_dot_git(part))
        return "has a '.git' component";
    if (part.len > 255)
        return "has a component longer than 255 bytes";
    while (i < part.len) {
        uint32_t code;
        size_t n = hf__utf8_next((hf__str){ part.ptr + i, part.len - i }, &code);

        if (n == 0)
            return "is not UTF-8";
        if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            return "has a control character";
        if (code == '\\')
            return "has a backslash";
        i += n;
    }
    return NULL;
}

hf_status srv_path_check(hf__str path, hf_error *err)
{
    const char *fault = NULL;
    hf__str rest = path;

    hf__error_clear(err);
    if (path.len == 0)
        fault = "is empty";
    else if (path.ptr[0] == '/')
        fault = "is absolute";
    else if (path.len > HF__MAX_REPO_PATH)
        fault = "is too long";
    while (!fault && rest.ptr)
        fault = part_fault(hf__str_cut(rest, '/', &rest));
    return fault ? hf__fail(err, HF_ERR_UNSAFE_PATH, "path '%.*s' %s",
                            (int)(path.len < 200 ? path.len : 200), path.ptr ? path.ptr : "", fault)
                 : HF_OK;
}
