/* SPDX-License-Identifier: Apache-2.0 */
/* cache: small files on disk that others may have written: the listing of a commit, a ref, the
 * metadata of a file in a local directory, a marker. The first byte says which. */
#include "cache/cache.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("t{\"format_version\": 1, \"files\": {\"a/b\": {\"size\": 1, \"blob_id\": \"" COMMIT
              "\"}, \"m\": {\"size\": 9, \"blob_id\": \"" COMMIT "\", \"lfs_sha256\": \"" SHA256
              "\", \"lfs_size\": 9, \"xet_hash\": \"" SHA256 "\"}}}"),
    FUZZ_SEED("t{\"format_version\": 2, \"files\": []}"),
    FUZZ_SEED("t{\"format_version\": 1, \"files\": {\"../x\": {}}}"),
    FUZZ_SEED("r" COMMIT "\n"),
    FUZZ_SEED("rmain"),
    FUZZ_SEED("m" COMMIT "\n\"" SHA256 "\"\n1700000000.123\n"),
    FUZZ_SEED("m" COMMIT "\n../x\n1e400\n"),
    FUZZ_SEED("m" COMMIT "\nabc\nnan\n\n\n"),
    FUZZ_SEEDS_END,
};

static hf__cache_repo *repo;
static hf__cache_local *local;
static char tree_file[512];
static char ref_file[512];
static char meta_file[512];

static void make_dir(const char *format, const char *dir)
{
    char path[512];

    snprintf(path, sizeof(path), format, dir);
    FUZZ_CHECK(mkdir(path, 0777) == 0);
}

static void set_up(void)
{
    static hf__cache *cache;
    char path[512];
    const char *dir = fuzz_dir();

    make_dir("%s/models--ns--name", dir);
    make_dir("%s/models--ns--name/trees", dir);
    make_dir("%s/models--ns--name/refs", dir);
    make_dir("%s/local", dir);
    make_dir("%s/local/.cache", dir);
    make_dir("%s/local/.cache/huggingface", dir);
    make_dir("%s/local/.cache/huggingface/download", dir);
    snprintf(tree_file, sizeof(tree_file), "%s/models--ns--name/trees/" COMMIT ".json", dir);
    snprintf(ref_file, sizeof(ref_file), "%s/models--ns--name/refs/main", dir);
    snprintf(meta_file, sizeof(meta_file), "%s/local/.cache/huggingface/download/f.metadata", dir);
    FUZZ_CHECK(hf__cache_open(dir, false, NULL, &cache, NULL) == HF_OK);
    FUZZ_CHECK(hf__cache_repo_open(cache, HF_REPO_MODEL, "ns/name", &repo, NULL) == HF_OK);
    snprintf(path, sizeof(path), "%s/local", dir);
    FUZZ_CHECK(hf__cache_local_open(path, NULL, &local, NULL) == HF_OK);
    snprintf(path, sizeof(path), "%s/local/f", dir);
    fuzz_write(path, (const uint8_t *)"f", 1);
}

static void check_tree(void)
{
    hf__tree_list list;
    bool found = false;

    if (hf__cache_tree_read(repo, NULL, COMMIT, &list, &found, NULL) == HF_OK && found)
        for (size_t i = 0; i < list.n; i++) {
            FUZZ_CHECK(!fuzz_path_is_harmful(list.entries[i].path));
            FUZZ_CHECK(strlen(list.entries[i].oid) == 40);
        }
    if (found)
        hf__tree_list_dispose(&list);
}

static void check_meta(void)
{
    hf__local_meta meta;

    if (hf__cache_local_meta_read(local, "f", &meta, NULL) == HF_OK && meta.valid) {
        FUZZ_CHECK(strlen(meta.commit) == 40);
        FUZZ_CHECK(!fuzz_path_is_harmful(meta.etag.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char commit[41];

    if (!repo)
        set_up();
    if (size == 0)
        return 0;
    switch (data[0]) {
    case 't':
        fuzz_write(tree_file, data + 1, size - 1);
        check_tree();
        break;
    case 'r':
        fuzz_write(ref_file, data + 1, size - 1);
        FUZZ_CHECK(hf__cache_ref_read(repo, "main", commit, NULL) != HF_OK || !commit[0] ||
                   strlen(commit) == 40);
        break;
    case 'm':
        fuzz_write(meta_file, data + 1, size - 1);
        check_meta();
        break;
    default:
        break;
    }
    return 0;
}
