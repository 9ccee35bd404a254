/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories walked one component at a time. A path is checked and used in one step this way:
 * between a check and a use by name, someone who may write to the directory could put a link in the
 * way.
 */
#include "core/os.h"

#include "core/error.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

hf_status hf__os_dir_open(const char *root, hf__os_dir *out, hf_error *err)
{
    out->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->fd < 0)
        return hf__fail_os(err, errno, "cannot open the directory '%s'", root);
    return HF_OK;
}

void hf__os_dir_close(hf__os_dir *dir)
{
    hf__os_close(&dir->fd);
}

/* One step down; *next is -1 when the name is absent and not to be made. */
static hf_status step(int at, const char *name, uint32_t make_mode, const char *whole, int *next,
                      hf_error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    *next = openat(at, name, flags);
    if (*next < 0 && errno == ENOENT && make_mode) {
        if (mkdirat(at, name, (mode_t)make_mode) != 0 && errno != EEXIST)
            return hf__fail_os(err, errno, "cannot make the directory '%s' of '%s'", name, whole);
        *next = openat(at, name, flags);
    }
    if (*next >= 0 || (errno == ENOENT && !make_mode))
        return HF_OK;
    if (errno == ELOOP || errno == ENOTDIR || errno == EMLINK)
        return hf__fail(err, HF_ERR_UNSAFE_PATH,
                        "'%s' in '%s' is not a directory but a link or file, which is not "
                        "followed; remove it, or choose another directory",
                        name, whole);
    return hf__fail_os(err, errno, "cannot open the directory '%s' of '%s'", name, whole);
}

hf_status hf__os_dir_at(const hf__os_dir *dir, const char *rel, uint32_t make_mode, hf__os_dir *out,
                        bool *found, hf_error *err)
{
    hf__str rest = hf__str_from(rel);
    char name[256];
    int at = dir->fd; /* the first is not ours to close */

    *found = false;
    while (rest.ptr && rest.len) {
        hf__str part = hf__str_cut(rest, '/', &rest);
        int next = -1;
        hf_status st = HF_OK;

        if (part.len >= sizeof(name) || part.len == 0 || hf__str_eq(part, HF__STR("..")) ||
            hf__str_eq(part, HF__STR("."))) {
            st = hf__fail(err, HF_ERR_UNSAFE_PATH, "'%s' is not a plain relative path", rel);
        } else {
            memcpy(name, part.ptr, part.len);
            name[part.len] = '\0';
            st = step(at, name, make_mode, rel, &next, err);
        }
        if (at != dir->fd)
            close(at);
        if (st != HF_OK || next < 0)
            return st;
        at = next;
    }
    if (at == dir->fd)
        at = fcntl(at, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return hf__fail_os(err, errno, "cannot open '%s'", rel);
    out->fd = at;
    *found = true;
    return HF_OK;
}
