/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the library that the command has no option for, for tests in other languages:
 *
 *   interop_calls try REPO PATH REVISION CACHE       path, "absent" or "unknown"
 *   interop_calls cached URL CACHE [TOKEN]           hf_cached_download(): the path
 *   interop_calls snapshot REPO CONNECTIONS          so many files at once, over so many connections
 *   interop_calls copy REPO FROM TO [REVISION]       the commit, as of the two below
 *   interop_calls delete-file REPO PATH
 *   interop_calls delete-folder REPO PATH
 *   interop_calls on-top-of REPO COMMIT PATH         adds a file, when COMMIT is the head
 *
 * Prints one line; "error NAME: message" on stderr and status 1 when the call fails.
 */
#include <hfhub/hfhub.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const hf_error *err)
{
    fprintf(stderr, "error %s: %s\n", hf_status_name(err->status), err->message);
    return 1;
}

static int try_load(hf_client *client, char **words, hf_error *err)
{
    hf_repo_ref repo = { HF_REPO_MODEL, words[0], words[2] };
    hf_cache_state state;
    char *path = NULL;

    if (hf_try_to_load_from_cache(client, &repo, words[1], words[3], &state, &path, err) != HF_OK)
        return failed(err);
    puts(state == HF_CACHE_PRESENT ? path : state == HF_CACHE_ABSENT ? "absent" : "unknown");
    hf_string_free(path);
    return 0;
}

static int cached(hf_client *client, int n, char **words, hf_error *err)
{
    hf_cached_download_opts opts = HF_CACHED_DOWNLOAD_OPTS_INIT;
    char *path = NULL;

    opts.cache_dir = words[1];
    opts.token = n > 2 ? words[2] : NULL;
    opts.library_name = "interop";
    opts.library_version = "1.0";
    if (hf_cached_download(client, words[0], &opts, &path, err) != HF_OK)
        return failed(err);
    puts(path);
    hf_string_free(path);
    return 0;
}

static int snapshot(hf_client *client, char **words, hf_error *err)
{
    hf_repo_ref repo = { HF_REPO_MODEL, words[0], NULL };
    hf_snapshot_opts opts = HF_SNAPSHOT_OPTS_INIT;
    hf_snapshot *got = NULL;

    opts.max_workers = (uint32_t)strtoul(words[1], NULL, 10);
    if (hf_snapshot_download(client, &repo, &opts, &got, err) != HF_OK)
        return failed(err);
    puts(got->path);
    hf_snapshot_free(got);
    return 0;
}

/* words: REPO FROM TO [REVISION] */
static hf_status copy(hf_client *client, const hf_repo_ref *repo, int n, char **words,
                      hf_commit_info **info, hf_error *err)
{
    hf_commit *commit = NULL;
    hf_status status;

    if (n == 3)
        return hf_copy(client, repo, words[1], words[2], NULL, info, err);
    status = hf_commit_new(client, repo, &commit, err);
    if (status == HF_OK)
        status = hf_commit_copy(commit, words[3], words[1], words[2], err);
    if (status == HF_OK)
        status = hf_commit_send(commit, NULL, info, err);
    hf_commit_free(commit);
    return status;
}

/* words: REPO COMMIT PATH */
static hf_status on_top_of(hf_client *client, const hf_repo_ref *repo, char **words,
                           hf_commit_info **info, hf_error *err)
{
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf_commit *commit = NULL;
    hf_status status = hf_commit_new(client, repo, &commit, err);

    opts.parent_commit = words[1];
    if (status == HF_OK)
        status = hf_commit_add_bytes(commit, words[2], words[2], strlen(words[2]), err);
    if (status == HF_OK)
        status = hf_commit_send(commit, &opts, info, err);
    hf_commit_free(commit);
    return status;
}

static int publish(hf_client *client, const char *what, int n, char **words, hf_error *err)
{
    hf_repo_ref repo = { HF_REPO_MODEL, words[0], NULL };
    hf_commit_info *info = NULL;
    hf_status status;

    if (strcmp(what, "copy") == 0)
        status = copy(client, &repo, n, words, &info, err);
    else if (strcmp(what, "on-top-of") == 0)
        status = on_top_of(client, &repo, words, &info, err);
    else if (strcmp(what, "delete-file") == 0)
        status = hf_delete_file(client, &repo, words[1], NULL, &info, err);
    else
        status = hf_delete_folder(client, &repo, words[1], NULL, &info, err);
    if (status != HF_OK)
        return failed(err);
    puts(info->oid);
    hf_commit_info_free(info);
    return 0;
}

int main(int argc, char **argv)
{
    hf_client_opts opts = HF_CLIENT_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_client *client;
    int code = 2;

    if (argc == 4 && strcmp(argv[1], "snapshot") == 0)
        opts.max_connections = (uint32_t)strtoul(argv[3], NULL, 10);
    if (hf_client_new(&opts, &client, &err) != HF_OK)
        return failed(&err);
    if (argc == 6 && strcmp(argv[1], "try") == 0)
        code = try_load(client, argv + 2, &err);
    else if ((argc == 4 || argc == 5) && strcmp(argv[1], "cached") == 0)
        code = cached(client, argc - 2, argv + 2, &err);
    else if (argc == 4 && strcmp(argv[1], "snapshot") == 0)
        code = snapshot(client, argv + 2, &err);
    else if (((argc == 5 || argc == 6) && strcmp(argv[1], "copy") == 0) ||
             (argc == 5 && strcmp(argv[1], "on-top-of") == 0) ||
             (argc == 4 && strncmp(argv[1], "delete-f", 8) == 0))
        code = publish(client, argv[1], argc - 2, argv + 2, &err);
    else
        fputs("usage: see the head of calls.c\n", stderr);
    hf_client_free(client);
    return code;
}
