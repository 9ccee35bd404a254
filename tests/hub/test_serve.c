/* SPDX-License-Identifier: Apache-2.0 */
/* The library against a whole Hub: what it is for. */
#include "hub.h"

static const hf_repo_ref tiny = { HF_REPO_MODEL, "acme/tiny", NULL };

static void expect_file(const hub *h, const char *path, const char *repo_path)
{
    char rel[256];
    FILE *files[2];
    int byte;

    snprintf(rel, sizeof rel, "model/%s", repo_path);
    files[0] = fopen(path, "rb");
    files[1] = fopen(unit_path(&h->dir, rel), "rb");
    assert_true(files[0] && files[1]);
    do {
        byte = getc(files[0]);
        assert_int_equal(byte, getc(files[1]));
    } while (byte != EOF);
    fclose(files[0]);
    fclose(files[1]);
}

void test_serve__metadata(void **state)
{
    hub *h = hub_new();
    hf_error err = HF_ERROR_INIT;
    hf_file_metadata *m = NULL;
    client *k;

    (void)state;
    hub_start(h, NULL, NULL);
    k = hub_client(h, h->token);
    client_expect(hf_file_metadata_get(k->hf, &tiny, "config.json", &m, &err), &err, HF_OK);
    assert_string_equal(m->commit, h->commit);
    assert_int_equal(strlen(m->etag), 40);
    assert_int_equal(m->size, 9);
    hf_file_metadata_free(m);
    client_expect(hf_file_metadata_get(k->hf, &tiny, "model.bin", &m, &err), &err, HF_OK);
    assert_int_equal(strlen(m->etag), 64);
    assert_int_equal(m->size, BIG_SIZE);
    assert_memory_equal(m->location, h->storage, strlen(h->storage));
    hf_file_metadata_free(m);
    client_expect(hf_file_metadata_get(k->hf, &tiny, ODD_PATH, &m, &err), &err, HF_OK);
    assert_int_equal(m->size, 4);
    hf_file_metadata_free(m);
    m = NULL;
    client_expect(hf_file_metadata_get(k->hf, &tiny, "no/such.txt", &m, &err), &err,
                  HF_ERR_ENTRY_NOT_FOUND);
    assert_null(m);
    client_free(k);
    hub_free(h);
}

void test_serve__download(void **state)
{
    static const char *const paths[] = { "config.json", "empty.txt", ODD_PATH, "model.bin" };
    static const char *const cached[] = { "--resolve-cache", NULL };
    hf_error err = HF_ERROR_INIT;
    hf_file *file = NULL;

    (void)state;
    for (int way = 0; way < 2; way++) {
        hub *h = hub_new();
        const hf_repo_ref pinned = { HF_REPO_MODEL, "acme/tiny", h->commit };
        client *k;

        hub_start(h, NULL, way ? cached : NULL);
        k = hub_client(h, h->token);
        for (size_t i = 0; i < 4; i++) {
            client_expect(hf_hub_download(k->hf, &tiny, paths[i], NULL, &file, &err), &err, HF_OK);
            assert_string_equal(file->commit, h->commit);
            expect_file(h, file->path, paths[i]);
            assert_int_equal(file->was_cached, 0);
            hf_file_free(file);
        }
        hub_stop(h);
        /* At a commit there is nothing to ask: the server is gone by now. */
        for (size_t i = 0; i < 4; i++) {
            client_expect(hf_hub_download(k->hf, &pinned, paths[i], NULL, &file, &err), &err,
                          HF_OK);
            expect_file(h, file->path, paths[i]);
            assert_int_equal(file->was_cached, 1);
            hf_file_free(file);
            /* At a branch what is cached is used when the Hub is out of reach. */
            client_expect(hf_hub_download(k->hf, &tiny, paths[i], NULL, &file, &err), &err, HF_OK);
            hf_file_free(file);
        }
        assert_int_equal(hub_log_count(h, "storage", "\"method\":\"GET\""), 1);
        client_free(k);
        hub_free(h);
    }
}

void test_serve__snapshot(void **state)
{
    static const char *const pages[] = { "--page-size", "10", NULL };
    hub *h = hub_new();
    hf_error err = HF_ERROR_INIT;
    hf_snapshot *s = NULL;
    client *k;

    (void)state;
    hub_start(h, NULL, pages);
    k = hub_client(h, h->token);
    client_expect(hf_snapshot_download(k->hf, &tiny, NULL, &s, &err), &err, HF_OK);
    assert_string_equal(s->commit, h->commit);
    assert_int_equal(s->n_files, MANY_FILES + 6); /* .gitattributes is made by the import */
    for (size_t i = 0; i < s->n_files; i++)
        if (strcmp(s->files[i].repo_path, ".gitattributes") != 0)
            expect_file(h, s->files[i].path, s->files[i].repo_path);
    hf_snapshot_free(s);
    client_expect(hf_snapshot_download(k->hf, &tiny, NULL, &s, &err), &err, HF_OK);
    assert_int_equal(s->bytes_fetched, 0);
    hf_snapshot_free(s);
    hub_stop(h);
    assert_int_equal(hub_log_count(h, "hub", "\"method\":\"HEAD\""),
                     0); /* the listing says it all */
    assert_true(hub_log_count(h, "hub", "/tree/") >= 5);
    assert_int_equal(hub_log_count(h, "storage", "\"method\":\"GET\""), 1);
    client_free(k);
    hub_free(h);
}

void test_serve__listings(void **state)
{
    static const char *const pages[] = { "--page-size", "7", NULL };
    const char *paths[1100];
    char names[1100][24];
    hub *h = hub_new();
    hf_error err = HF_ERROR_INIT;
    const hf_tree_entry *entry = NULL;
    hf_paths_info *found = NULL;
    hf_repo_info *info = NULL;
    hf_tree *tree = NULL;
    unsigned n_files = 0;
    unsigned n_dirs = 0;
    client *k;

    (void)state;
    hub_start(h, NULL, pages);
    k = hub_client(h, h->token);
    client_expect(hf_repo_info_get(k->hf, &tiny, NULL, &info, &err), &err, HF_OK);
    assert_string_equal(info->id, "acme/tiny");
    assert_string_equal(info->sha, h->commit);
    assert_int_equal(info->n_files, MANY_FILES + 6);
    hf_repo_info_free(info);
    client_expect(hf_tree_open(k->hf, &tiny, NULL, HF_TREE_RECURSIVE, NULL, &tree, &err), &err,
                  HF_OK);
    for (;;) {
        client_expect(hf_tree_next(tree, &entry, &err), &err, HF_OK);
        if (!entry)
            break;
        n_dirs += entry->is_directory != 0;
        n_files += !entry->is_directory;
        if (strcmp(entry->path, "model.bin") == 0) {
            assert_int_equal(entry->size, BIG_SIZE);
            assert_int_equal(strlen(entry->lfs_sha256), 64);
        }
    }
    hf_tree_close(tree);
    assert_int_equal(n_files, MANY_FILES + 6);
    assert_int_equal(n_dirs, 2);
    client_expect(hf_tree_open(k->hf, &tiny, "sub dir", HF_TREE_EXPAND, NULL, &tree, &err), &err,
                  HF_OK);
    client_expect(hf_tree_next(tree, &entry, &err), &err, HF_OK);
    assert_string_equal(entry->path, ODD_PATH);
    assert_string_equal(entry->last_commit, h->commit);
    hf_tree_close(tree);
    client_expect(hf_tree_open(k->hf, &tiny, "no/such", 0, NULL, &tree, &err), &err, HF_OK);
    client_expect(hf_tree_next(tree, &entry, &err), &err, HF_ERR_ENTRY_NOT_FOUND);
    hf_tree_close(tree);
    for (unsigned i = 0; i < 1100; i++) {
        snprintf(names[i], sizeof names[i], "none/%u", i);
        paths[i] = names[i];
    }
    paths[3] = "model.bin";
    paths[700] = ODD_PATH;
    paths[1099] = "many";
    client_expect(hf_paths_info_get(k->hf, &tiny, paths, 1100, 0, NULL, &found, &err), &err, HF_OK);
    assert_int_equal(found->n_entries, 3);
    assert_string_equal(found->entries[0].path, "model.bin");
    assert_string_equal(found->entries[1].path, ODD_PATH);
    assert_int_equal(found->entries[2].is_directory, 1);
    hf_paths_info_free(found);
    client_expect(hf_paths_info_get(k->hf, &tiny, NULL, 0, 0, NULL, &found, &err), &err, HF_OK);
    assert_int_equal(found->n_entries, 0);
    hf_paths_info_free(found);
    hub_stop(h);
    assert_int_equal(hub_log_count(h, "hub", "/paths-info/"), 3); /* 500 at a time */
    client_free(k);
    hub_free(h);
}

void test_serve__who_may_read_what(void **state)
{
    static const struct {
        const char *id;
        bool with_token;
        const char *revision;
        hf_status metadata;
        hf_status info;
    } ways[] = {
        { "acme/secret", true, NULL, HF_ERR_REPO_NOT_FOUND, HF_ERR_REPO_NOT_FOUND },
        { "acme/secret", false, NULL, HF_ERR_REPO_NOT_FOUND, HF_ERR_REPO_NOT_FOUND },
        { "acme/none", true, NULL, HF_ERR_REPO_NOT_FOUND, HF_ERR_REPO_NOT_FOUND },
        { "acme/none", false, NULL, HF_ERR_REPO_NOT_FOUND, HF_ERR_REPO_NOT_FOUND },
        { "acme/gated", true, NULL, HF_ERR_GATED_REPO, HF_OK },
        { "acme/gated", false, NULL, HF_ERR_GATED_REPO, HF_OK },
        { "acme/closed", true, NULL, HF_ERR_DISABLED_REPO, HF_OK },
        { "acme/tiny", true, "no-branch", HF_ERR_REVISION_NOT_FOUND, HF_ERR_REVISION_NOT_FOUND },
        { "acme/tiny", false, NULL, HF_OK, HF_OK },
        { "acme/old", true, NULL, HF_OK, HF_OK },
    };
    hub *h = hub_new();
    const char *model = unit_path(&h->dir, "small");

    (void)state;
    assert_int_equal(mkdir(model, 0700), 0);
    unit_write(unit_path(&h->dir, "small/config.json"), "{}\n", 3);
    HUB_RUN(h, "import", "acme/secret", model, "--private");
    HUB_RUN(h, "import", "acme/gated", model, "--gated");
    HUB_RUN(h, "import", "acme/closed", model);
    HUB_RUN(h, "repo", "set", "acme/closed", "--disable");
    HUB_RUN(h, "import", "acme/old", model);
    HUB_RUN(h, "repo", "move", "acme/old", "acme/new");
    hub_start(h, NULL, NULL);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const hf_repo_ref repo = { HF_REPO_MODEL, ways[i].id, ways[i].revision };
        client *k = hub_client(h, ways[i].with_token ? h->token : NULL);
        hf_error err = HF_ERROR_INIT;
        hf_file_metadata *m = NULL;
        hf_repo_info *info = NULL;
        hf_file *file = NULL;
        hf_status st = hf_file_metadata_get(k->hf, &repo, "config.json", &m, &err);

        if (st != ways[i].metadata)
            print_message("way %zu\n", i);
        client_expect(st, &err, ways[i].metadata);
        hf_file_metadata_free(m);
        client_expect(hf_hub_download(k->hf, &repo, "config.json", NULL, &file, &err), &err,
                      ways[i].metadata);
        hf_file_free(file);
        st = hf_repo_info_get(k->hf, &repo, NULL, &info, &err);
        if (st != ways[i].info)
            print_message("way %zu, info\n", i);
        client_expect(st, &err, ways[i].info);
        if (strcmp(ways[i].id, "acme/old") == 0)
            assert_string_equal(info->id, "acme/new");
        hf_repo_info_free(info);
        client_free(k);
    }
    {
        client *k = hub_client(h, "hf_thisIsNoTokenOfTheirs");
        hf_error err = HF_ERROR_INIT;
        hf_repo_info *info = NULL;

        client_expect(hf_repo_info_get(k->hf, &tiny, NULL, &info, &err), &err, HF_ERR_UNAUTHORIZED);
        assert_null(strstr(err.message, "hf_thisIs"));
        client_free(k);
    }
    hub_free(h);
}

void test_serve__rate_limit(void **state)
{
    static const char *const limit[] = { "--rate-limit", "api=2/1000", NULL };
    hub *h = hub_new();
    hf_error err = HF_ERROR_INIT;
    hf_repo_info *info = NULL;
    client *k;

    (void)state;
    hub_start(h, NULL, limit);
    k = hub_client(h, h->token);
    for (int i = 0; i < 2; i++) {
        client_expect(hf_repo_info_get(k->hf, &tiny, NULL, &info, &err), &err, HF_OK);
        hf_repo_info_free(info);
    }
    info = NULL;
    client_expect(hf_repo_info_get(k->hf, &tiny, NULL, &info, &err), &err, HF_ERR_RATE_LIMITED);
    assert_int_equal(err.http_status, 429);
    assert_null(info);
    client_free(k);
    hub_free(h);
}
