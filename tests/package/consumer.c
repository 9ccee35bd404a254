/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else's, in the language that C and C++ share: prints a URL the library made. */
#include <hfhub/hfhub.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    hf_error err = HF_ERROR_INIT;
    hf_client_opts opts = HF_CLIENT_OPTS_INIT;
    hf_repo_ref repo = { HF_REPO_DATASET, "some/data", "v 1" };
    hf_client *client = NULL;
    char *url = NULL;
    hf_status st;

    if (strcmp(hf_version(), HF_VERSION_STRING) != 0) {
        fprintf(stderr, "header %s, library %s\n", HF_VERSION_STRING, hf_version());
        return 1;
    }
    opts.flags = HF_CLIENT_NO_ENV;
    opts.endpoint = "http://localhost:1";
    st = hf_client_new(&opts, &client, &err);
    if (st == HF_OK)
        st = hf_hub_url(client, &repo, "a b.txt", NULL, &url, &err);
    if (st == HF_OK)
        printf("%s\n", url);
    else
        fprintf(stderr, "%s\n", err.message);
    hf_string_free(url);
    hf_client_free(client);
    return st == HF_OK ? 0 : 1;
}
