/* SPDX-License-Identifier: Apache-2.0 */
/* Repo types, ids and revisions. */
#include "model/model.h"

#include "core/error.h"
#include "core/limits.h"

static const struct {
    const char *name;
    const char *plural;
} types[] = {
    [HF_REPO_MODEL] = { "model", "models" },
    [HF_REPO_DATASET] = { "dataset", "datasets" },
    [HF_REPO_SPACE] = { "space", "spaces" },
    [HF_REPO_KERNEL] = { "kernel", "kernels" },
};

const char *hf__repo_type_name(hf_repo_type type)
{
    return (size_t)type < HF__COUNT(types) ? types[type].name : NULL;
}

const char *hf__repo_type_plural(hf_repo_type type)
{
    return (size_t)type < HF__COUNT(types) ? types[type].plural : NULL;
}

bool hf__repo_type_parse(hf__str text, hf_repo_type *out)
{
    for (size_t i = 0; i < HF__COUNT(types); i++) {
        if (hf__str_eq(text, hf__str_from(types[i].name)) ||
            hf__str_eq(text, hf__str_from(types[i].plural))) {
            *out = (hf_repo_type)i;
            return true;
        }
    }
    return false;
}

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool holds(hf__str text, const char *two)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == two[0] && text.ptr[i + 1] == two[1])
            return true;
    return false;
}

/* One part of an id: namespace or name. NULL when it is good, else what is wrong with it. */
static const char *part_problem(hf__str part)
{
    if (part.len == 0)
        return "a part of it is empty";
    if (part.len > 96)
        return "a part of it is longer than 96 characters";
    for (size_t i = 0; i < part.len; i++)
        if (!is_id_char(part.ptr[i]))
            return "only letters, digits, '-', '_' and '.' are allowed";
    if (part.ptr[0] == '-' || part.ptr[0] == '.' || part.ptr[part.len - 1] == '-' ||
        part.ptr[part.len - 1] == '.')
        return "'-' and '.' must not stand at the start or end";
    return NULL;
}

hf_status hf__repo_id_check(const char *id, hf_error *err)
{
    hf__str text = hf__str_from(id);
    const char *problem = NULL;
    hf__str second;
    hf__str first;

    if (!id)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the repo id is NULL");
    first = hf__str_cut(text, '/', &second);
    if (second.ptr && memchr(second.ptr, '/', second.len))
        problem = "it must be 'name' or 'namespace/name'";
    else if (holds(text, "--") || holds(text, ".."))
        problem = "'--' and '..' are not allowed";
    else if (hf__str_ends(text, HF__STR(".git")))
        problem = "it must not end in '.git'";
    if (!problem)
        problem = part_problem(first);
    if (!problem && second.ptr)
        problem = part_problem(second);
    if (problem)
        return hf__fail(err, HF_ERR_INVALID_ARG, "'%.200s' is not a repo id: %s", id, problem);
    return HF_OK;
}

/* A revision becomes a file name below refs/, so what must not be one is refused here. */
static hf_status revision_check(const char *revision, hf_error *err)
{
    hf__str rest = hf__str_from(revision);

    if (rest.len == 0)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the revision is empty");
    if (rest.len > HF__MAX_REVISION)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the revision is longer than %zu bytes",
                        HF__MAX_REVISION);
    for (size_t i = 0; i < rest.len; i++)
        if ((unsigned char)rest.ptr[i] < 0x20 || rest.ptr[i] == 0x7f || rest.ptr[i] == '\\')
            return hf__fail(err, HF_ERR_INVALID_ARG,
                            "'%s' is not a revision: it holds a control character or '\\'",
                            revision);
    while (rest.ptr) {
        hf__str part = hf__str_cut(rest, '/', &rest);

        if (part.len == 0 || part.len > 240 || hf__str_eq(part, HF__STR(".")) ||
            hf__str_eq(part, HF__STR("..")))
            return hf__fail(err, HF_ERR_INVALID_ARG, "'%s' is not a revision", revision);
    }
    return HF_OK;
}

hf_status hf__repo_ref_check(const hf_repo_ref *repo, hf_error *err)
{
    hf_status st;

    if (!repo)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the repo is NULL");
    if (!hf__repo_type_name(repo->type))
        return hf__fail(err, HF_ERR_INVALID_ARG, "%d is not a repo type", (int)repo->type);
    st = hf__repo_id_check(repo->id, err);
    if (st == HF_OK && repo->revision)
        st = revision_check(repo->revision, err);
    return st;
}

bool hf__is_commit(const char *revision)
{
    return revision && hf__str_is_hex(hf__str_from(revision), 40);
}

const char *hf__revision_or_main(const hf_repo_ref *repo)
{
    return repo->revision ? repo->revision : "main";
}
