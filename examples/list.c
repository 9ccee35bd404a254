/* SPDX-License-Identifier: Apache-2.0 */
/* list REPO_ID [REVISION]: print size and path of every file of a repo, page by page. */
#include <hfhub/hfhub.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    hf_error err = HF_ERROR_INIT;
    hf_repo_ref repo = { HF_REPO_MODEL, NULL, NULL };
    hf_client *client = NULL;
    hf_tree *tree = NULL;
    const hf_tree_entry *entry = NULL;
    hf_status st;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: list REPO_ID [REVISION]\n");
        return 2;
    }
    repo.id = argv[1];
    repo.revision = argc == 3 ? argv[2] : NULL;

    st = hf_client_new(NULL, &client, &err);
    if (st == HF_OK)
        st = hf_tree_open(client, &repo, NULL, HF_TREE_RECURSIVE, NULL, &tree, &err);
    while (st == HF_OK) {
        st = hf_tree_next(tree, &entry, &err);
        if (st != HF_OK || !entry)
            break;
        if (!entry->is_directory)
            printf("%12llu %s\n", (unsigned long long)entry->size, entry->path);
    }
    if (st != HF_OK)
        fprintf(stderr, "list: %s (%s)\n", err.message, hf_status_name(st));

    hf_tree_close(tree);
    hf_client_free(client);
    return st == HF_OK ? 0 : 1;
}
