/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that publish. */
#include "api/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdlib.h>

#define KNOWN_FLAGS                                                                                \
    (HF_UPLOAD_CREATE_PR | HF_UPLOAD_CREATE_REPO | HF_UPLOAD_PRIVATE | HF_UPLOAD_PUBLIC |          \
     HF_UPLOAD_CREATE_BRANCH | HF_UPLOAD_FOLLOW_LINKS | HF_UPLOAD_SPLIT | HF_UPLOAD_KEEP_STATE |   \
     HF_UPLOAD_APPENDED)
#define MAX_MESSAGE ((size_t)1000)

struct hf_commit {
    hf_client *client;
    hf__upload *list;
};

/* ---- the list */

hf_status hf_commit_new(hf_client *client, const hf_repo_ref *repo, hf_commit **out, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);
    hf_commit *commit;

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st != HF_OK)
        return st;
    commit = calloc(1, sizeof(*commit));
    if (!commit)
        return hf__fail_nomem(err);
    commit->client = client;
    st = hf__upload_new(&client->transfer, repo, &commit->list, err);
    if (st != HF_OK) {
        free(commit);
        return st;
    }
    *out = commit;
    return HF_OK;
}

void hf_commit_free(hf_commit *commit)
{
    if (!commit)
        return;
    hf__upload_free(commit->list);
    free(commit);
}

static hf_status enter(hf_commit *commit, const void *given, const char *what, hf_error *err)
{
    hf__error_clear(err);
    if (!commit)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the commit is NULL");
    if (!given)
        return hf__fail(err, HF_ERR_INVALID_ARG, "%s is NULL", what);
    return HF_OK;
}

hf_status hf_commit_add_file(hf_commit *commit, const char *path, const char *local_path,
                             hf_error *err)
{
    hf__buf local;
    hf_status st = enter(commit, path, "the path", err);

    if (st == HF_OK && !local_path)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the local path is NULL");
    if (st != HF_OK)
        return st;
    st = hf__api_dir(local_path, &local, &local_path, err);
    if (st == HF_OK)
        st = hf__upload_add_file(commit->list, path, local_path, err);
    hf__buf_dispose(&local);
    return st;
}

hf_status hf_commit_add_fd(hf_commit *commit, const char *path, int fd, hf_error *err)
{
    hf_status st = enter(commit, path, "the path", err);

    return st == HF_OK ? hf__upload_add_fd(commit->list, path, fd, err) : st;
}

hf_status hf_commit_add_bytes(hf_commit *commit, const char *path, const void *bytes, size_t len,
                              hf_error *err)
{
    hf_status st = enter(commit, path, "the path", err);

    if (st == HF_OK && !bytes && len)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the content is NULL");
    return st == HF_OK ? hf__upload_add_bytes(commit->list, path, bytes, len, err) : st;
}

hf_status hf_commit_delete_file(hf_commit *commit, const char *path, hf_error *err)
{
    hf_status st = enter(commit, path, "the path", err);

    return st == HF_OK ? hf__upload_delete(commit->list, path, false, err) : st;
}

hf_status hf_commit_delete_folder(hf_commit *commit, const char *path, hf_error *err)
{
    hf_status st = enter(commit, path, "the path", err);

    return st == HF_OK ? hf__upload_delete(commit->list, path, true, err) : st;
}

hf_status hf_commit_delete_matching(hf_commit *commit, const char *const *patterns,
                                    size_t n_patterns, hf_error *err)
{
    hf_status st = enter(commit, patterns, "the list of patterns", err);

    if (st == HF_OK)
        st = hf__api_patterns(patterns, n_patterns, err);
    return st == HF_OK ? hf__upload_delete_matching(commit->list, "", patterns, n_patterns, err)
                       : st;
}

hf_status hf_commit_copy(hf_commit *commit, const char *from_revision, const char *from,
                         const char *to, hf_error *err)
{
    hf_status st = enter(commit, from, "the source", err);

    if (st == HF_OK && !to)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the target is NULL");
    return st == HF_OK ? hf__upload_copy(commit->list, from_revision, from, to, err) : st;
}

/* ---- options */

static hf_status check_options(hf_upload_opts *out, const hf_upload_opts *given, hf_error *err)
{
    hf_status st = hf__api_options(out, sizeof(*out), given, err);

    if (st == HF_OK && (out->flags & ~KNOWN_FLAGS))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", out->flags & ~KNOWN_FLAGS);
    if (st == HF_OK && (out->flags & HF_UPLOAD_PRIVATE) && (out->flags & HF_UPLOAD_PUBLIC))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a repo cannot be private and public");
    if (st == HF_OK)
        st = hf__api_patterns(out->allow, out->n_allow, err);
    if (st == HF_OK)
        st = hf__api_patterns(out->ignore, out->n_ignore, err);
    if (st == HF_OK)
        st = hf__api_patterns(out->remove, out->n_remove, err);
    if (st == HF_OK && out->max_parallel > 256)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "max_parallel is %u, more than 256",
                      out->max_parallel);
    if (st == HF_OK && out->message && strlen(out->message) > MAX_MESSAGE)
        st = hf__fail(err, HF_ERR_INVALID_ARG,
                      "the commit's message is longer than %zu bytes; put the rest into the "
                      "description",
                      MAX_MESSAGE);
    if (st == HF_OK && out->parent_commit) {
        size_t len = strlen(out->parent_commit);

        if (len < 5 || len > 40 || !hf__str_is_hex(hf__str_from(out->parent_commit), len))
            st =
                hf__fail(err, HF_ERR_INVALID_ARG,
                         "the parent commit '%.50s' is not 5 to 40 hex digits", out->parent_commit);
    }
    return st;
}

hf_status hf_commit_add_folder(hf_commit *commit, const char *path, const char *folder,
                               const hf_upload_opts *given, hf_error *err)
{
    hf_upload_opts opts;
    hf__buf dir;
    hf_status st = enter(commit, folder, "the folder", err);

    if (st == HF_OK)
        st = check_options(&opts, given, err);
    if (st != HF_OK)
        return st;
    st = hf__api_dir(folder, &dir, &folder, err);
    if (st == HF_OK)
        st = hf__upload_add_folder(commit->list, path, folder, &opts, err);
    hf__buf_dispose(&dir);
    return st;
}

hf_status hf_commit_send(hf_commit *commit, const hf_upload_opts *given, hf_commit_info **out,
                         hf_error *err)
{
    hf_upload_opts opts;
    hf__api_guarded g;
    hf_status st = enter(commit, commit, "the commit", err);

    if (st == HF_OK)
        st = hf__api_enter(commit->client, err);
    if (st == HF_OK)
        st = check_options(&opts, given, err);
    if (st != HF_OK)
        return st;
    hf__api_guard(&g, commit->client, &opts.on_progress, &opts.user);
    return hf__upload_send(commit->list, &opts, out, err);
}

void hf_commit_info_free(hf_commit_info *info)
{
    hf__upload_info_free(info);
}

/* ---- lists of one operation */

static hf_status send_list(hf_commit *commit, hf_status st, const hf_upload_opts *opts,
                           hf_commit_info **out, hf_error *err)
{
    if (st == HF_OK)
        st = hf_commit_send(commit, opts, out, err);
    hf_commit_free(commit);
    return st;
}

hf_status hf_upload_file(hf_client *client, const hf_repo_ref *repo, const char *path,
                         const char *local_path, const hf_upload_opts *opts, hf_commit_info **out,
                         hf_error *err)
{
    hf_commit *commit = NULL;
    hf_status st = hf_commit_new(client, repo, &commit, err);

    if (st == HF_OK)
        st = hf_commit_add_file(commit, path, local_path, err);
    return send_list(commit, st, opts, out, err);
}

hf_status hf_upload_folder(hf_client *client, const hf_repo_ref *repo, const char *path,
                           const char *folder, const hf_upload_opts *opts, hf_commit_info **out,
                           hf_error *err)
{
    hf_commit *commit = NULL;
    hf_status st = hf_commit_new(client, repo, &commit, err);

    if (st == HF_OK)
        st = hf_commit_add_folder(commit, path, folder, opts, err);
    return send_list(commit, st, opts, out, err);
}

hf_status hf_delete_file(hf_client *client, const hf_repo_ref *repo, const char *path,
                         const hf_upload_opts *opts, hf_commit_info **out, hf_error *err)
{
    hf_commit *commit = NULL;
    hf_status st = hf_commit_new(client, repo, &commit, err);

    if (st == HF_OK)
        st = hf_commit_delete_file(commit, path, err);
    return send_list(commit, st, opts, out, err);
}

hf_status hf_delete_folder(hf_client *client, const hf_repo_ref *repo, const char *path,
                           const hf_upload_opts *opts, hf_commit_info **out, hf_error *err)
{
    hf_commit *commit = NULL;
    hf_status st = hf_commit_new(client, repo, &commit, err);

    if (st == HF_OK)
        st = hf_commit_delete_folder(commit, path, err);
    return send_list(commit, st, opts, out, err);
}

hf_status hf_copy(hf_client *client, const hf_repo_ref *repo, const char *from, const char *to,
                  const hf_upload_opts *opts, hf_commit_info **out, hf_error *err)
{
    hf_commit *commit = NULL;
    hf_status st = hf_commit_new(client, repo, &commit, err);

    if (st == HF_OK)
        st = hf_commit_copy(commit, NULL, from, to, err);
    return send_list(commit, st, opts, out, err);
}

/* ---- git */

hf_status hf_lfs_agent_run(hf_client *client, int in_fd, int out_fd, hf_cancel *cancel,
                           hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    return st == HF_OK ? hf__upload_agent(&client->transfer, in_fd, out_fd, cancel, err) : st;
}
