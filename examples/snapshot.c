/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot REPO_ID [PATTERN...]: fetch a repo, or the files that match, and show how far it is. */
#include <hfhub/hfhub.h>
#include <stdio.h>

static int show(const hf_progress *now, void *user)
{
    FILE *out = user;

    if (now->phase == HF_PHASE_TRANSFER)
        fprintf(out, "%llu of %llu bytes, file %llu of %llu, %llu bytes/s\n",
                (unsigned long long)now->bytes_done, (unsigned long long)now->bytes_total,
                (unsigned long long)now->files_done, (unsigned long long)now->files_total,
                (unsigned long long)now->bytes_per_s);
    return 0; /* anything else would stop the download */
}

int main(int argc, char **argv)
{
    hf_error err = HF_ERROR_INIT;
    hf_snapshot_opts opts = HF_SNAPSHOT_OPTS_INIT;
    hf_repo_ref repo = { HF_REPO_MODEL, NULL, NULL };
    hf_client *client = NULL;
    hf_snapshot *snapshot = NULL;
    hf_status st;

    if (argc < 2) {
        fprintf(stderr, "usage: snapshot REPO_ID [PATTERN...]\n");
        return 2;
    }
    repo.id = argv[1];
    opts.on_progress = show;
    opts.user = stderr;
    if (argc > 2) {
        opts.allow = (const char *const *)(argv + 2);
        opts.n_allow = (size_t)argc - 2;
    }

    st = hf_client_new(NULL, &client, &err);
    if (st == HF_OK)
        st = hf_snapshot_download(client, &repo, &opts, &snapshot, &err);
    if (st != HF_OK) {
        fprintf(stderr, "snapshot: %s (%s)\n", err.message, hf_status_name(st));
    } else {
        for (size_t i = 0; i < snapshot->n_files; i++)
            printf("%s%s\n", snapshot->files[i].repo_path,
                   snapshot->files[i].was_cached ? " (was here)" : "");
        printf("%s\n", snapshot->path);
    }

    hf_snapshot_free(snapshot);
    hf_client_free(client);
    return st == HF_OK ? 0 : 1;
}
