/* SPDX-License-Identifier: Apache-2.0 */
/* download REPO_ID FILE: fetch one file and print where it is. */
#include <hfhub/hfhub.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    hf_error err = HF_ERROR_INIT;
    hf_repo_ref repo = { HF_REPO_MODEL, NULL, NULL };
    hf_client *client = NULL;
    hf_file *file = NULL;
    hf_status st;

    if (argc != 3) {
        fprintf(stderr, "usage: download REPO_ID FILE\n");
        return 2;
    }
    repo.id = argv[1];

    /* NULL options: endpoint, token and cache are those of the environment, as for `hf`. */
    st = hf_client_new(NULL, &client, &err);
    if (st == HF_OK)
        st = hf_hub_download(client, &repo, argv[2], NULL, &file, &err);
    if (st == HF_OK)
        printf("%s\n", file->path);
    else
        fprintf(stderr, "download: %s (%s)\n", err.message, hf_status_name(st));

    hf_file_free(file);
    hf_client_free(client);
    return st == HF_OK ? 0 : 1;
}
