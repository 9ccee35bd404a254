/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a whole cache and taking things out of it. The numbers are those that scan_cache_dir() of
 * huggingface_hub 2.4.0 gave for the same caches. */
#include "cache/cache.h"

#include "core/error.h"
#include "core/limits.h"

#include "cache_fixture.h"

#include <fcntl.h>
#include <sys/file.h>

typedef struct hub {
    unit_dir dir;
    hf__cache *cache;
    hf_cache_info *info;
} hub;

static void look(hub *h)
{
    hf__cache_info_free(h->info);
    h->info = NULL;
    assert_int_equal(hf__cache_scan(h->cache, &h->info, NULL), HF_OK);
}

static hub hub_of(const fixture_entry *entries, size_t n)
{
    hub h = { unit_dir_make(), NULL, NULL };

    assert_int_equal(hf__cache_open(h.dir.path, false, NULL, &h.cache, NULL), HF_OK);
    fixture_put(h.dir.path, entries, n);
    look(&h);
    return h;
}

static void hub_close(hub *h)
{
    hf__cache_info_free(h->info);
    hf__cache_close(h->cache);
    unit_dir_remove(&h->dir);
}

static const hf_cached_revision *revision_of(const hub *h, const char *commit)
{
    for (size_t i = 0; i < h->info->n_repos; i++)
        for (size_t k = 0; k < h->info->repos[i].n_revisions; k++)
            if (strcmp(h->info->repos[i].revisions[k].commit, commit) == 0)
                return &h->info->repos[i].revisions[k];
    fail_msg("no revision %s", commit);
    return NULL;
}

static hf_cache_plan *plan_of(const hub *h, const hf_cached_revision *one,
                              const hf_cached_revision *two)
{
    const hf_cached_revision *revisions[] = { one, two };
    hf_cache_plan *plan = NULL;

    assert_int_equal(hf__cache_plan_revisions(h->info, revisions, two ? 2 : 1, &plan, NULL), HF_OK);
    return plan;
}

static size_t execute(hf_cache_plan *plan)
{
    size_t skipped = 99;

    assert_int_equal(hf__cache_plan_execute(plan, NULL, &skipped, NULL), HF_OK);
    hf__cache_plan_free(plan);
    return skipped;
}

static bool there(const hub *h, const char *rel)
{
    return unit_exists(unit_path(&h->dir, rel));
}

#define SNAP_A TINY "/snapshots/" COMMIT_A
#define SNAP_B TINY "/snapshots/" COMMIT_B
#define BLOB_A TINY "/blobs/0967ef424bce6791893e9a57bb952f80fd536e93" /* config.json of A */
#define BLOB_B TINY "/blobs/7ab0b7ae11b9e2fa4036cfc60a8ab3cb0f9b35ff" /* of B */
#define STORED "blobs/c6/c60293f8c4370b64f5bc4ed8bd673cacf83188630c56c6938afb709c0819db21"

void test_cache_scan__tells_what_python_tells(void **state)
{
    static const struct {
        const fixture_entry *entries;
        size_t n;
    } caches[] = { { python_cache, HF__COUNT(python_cache) },
                   { python_shared, HF__COUNT(python_shared) } };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(caches); i++) {
        hub h = hub_of(caches[i].entries, caches[i].n);
        const hf_cached_repo *repo = &h.info->repos[0];
        const hf_cached_revision *a;

        assert_string_equal(h.info->path, h.dir.path);
        assert_int_equal(h.info->n_repos, 1);
        assert_int_equal(h.info->n_warnings, 0);
        assert_int_equal(h.info->n_incomplete, 0);
        assert_int_equal(h.info->n_unreferenced, 0);
        assert_int_equal(h.info->size, 353);
        assert_int_equal(repo->type, HF_REPO_MODEL);
        assert_string_equal(repo->id, "tiny/model");
        assert_int_equal(repo->size, 353);
        assert_int_equal(repo->n_files, 7);
        assert_int_equal(repo->n_revisions, 2);
        assert_int_equal(repo->n_refs, 3);
        assert_string_equal(repo->refs[0], "main");
        assert_string_equal(repo->refs[1], "refs/pr/1");
        assert_string_equal(repo->refs[2], "v1.0");
        a = &repo->revisions[0];
        assert_string_equal(a->commit, COMMIT_A);
        assert_string_equal(a->path, unit_path(&h.dir, SNAP_A));
        assert_int_equal(a->size, 344);
        assert_int_equal(a->n_files, TINY_N);
        assert_int_equal(a->n_refs, 2);
        assert_string_equal(a->refs[0], "main");
        assert_int_equal(repo->revisions[1].size, 350);
        for (size_t k = 0; k < TINY_N; k++) {
            char blob[256];

            snprintf(blob, sizeof(blob), TINY "/blobs/%s", tiny_files[k].etag);
            assert_string_equal(a->files[k].path, tiny_files[k].path);
            assert_string_equal(a->files[k].blob, unit_path(&h.dir, blob));
            assert_int_equal(a->files[k].size, strlen(tiny_files[k].content));
            assert_true(a->files[k].last_modified > 1e9);
        }
        hub_close(&h);
    }
}

void test_cache_scan__warns_of_what_is_no_repo(void **state)
{
    static const char *const expected[] = {
        "Blob missing (broken symlink): %s/models--dangling/blobs/none",
        "Reference(s) refer to missing commit hashes: {'dddd': {'main'}} (%s/models--badref).",
        "Refs directory cannot be a file: %s/models--refsfile/refs",
        "Repo path is not a directory: %s/file",
        "Repo path is not a valid HuggingFace cache directory: %s/nodashes",
        "Repo type must be one of ['datasets', 'kernels', 'models', 'spaces'], found `foos` "
        "(%s/foos--a).",
        "Snapshots dir doesn't exist in cached repo: %s/models--nosnap/snapshots",
        "Snapshots folder corrupted. Found a file: %s/models--stray/snapshots/f",
    };
    static const char *const dirs[] = { "nodashes",
                                        "foos--a",
                                        "models--nosnap",
                                        "models--refsfile",
                                        "models--refsfile/snapshots",
                                        "models--stray",
                                        "models--stray/snapshots",
                                        "models--dangling",
                                        "models--dangling/snapshots",
                                        "models--dangling/snapshots/c",
                                        "models--badref",
                                        "models--badref/snapshots",
                                        "models--badref/refs",
                                        "kernels--k--k",
                                        "kernels--k--k/snapshots",
                                        "kernels--k--k/snapshots/e" };
    hub h = hub_of(python_cache, HF__COUNT(python_cache));

    (void)state;
    for (size_t i = 0; i < HF__COUNT(dirs); i++)
        assert_int_equal(mkdir(unit_path(&h.dir, dirs[i]), 0755), 0);
    unit_write(unit_path(&h.dir, "file"), "", 0);
    unit_write(unit_path(&h.dir, ".DS_Store"), "", 0);
    unit_write(unit_path(&h.dir, "models--refsfile/refs"), "", 0);
    unit_write(unit_path(&h.dir, "models--stray/snapshots/f"), "", 0);
    unit_write(unit_path(&h.dir, "models--badref/refs/main"), "dddd", 4);
    unit_write(unit_path(&h.dir, "kernels--k--k/snapshots/e/copy"), "12345", 5);
    assert_int_equal(
        symlink("../../blobs/none", unit_path(&h.dir, "models--dangling/snapshots/c/f")), 0);
    look(&h);
    assert_int_equal(h.info->n_warnings, HF__COUNT(expected));
    for (size_t i = 0; i < HF__COUNT(expected); i++) {
        const char *mark = strstr(expected[i], "%s");
        char text[UNIT_PATH_MAX];
        bool found = false;

        snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - expected[i]), expected[i], h.dir.path,
                 mark + 2);
        for (size_t k = 0; k < h.info->n_warnings; k++)
            found = found || strcmp(h.info->warnings[k], text) == 0;
        if (!found)
            fail_msg("no warning '%s'", text);
    }
    assert_int_equal(h.info->n_repos, 2);
    assert_int_equal(h.info->repos[0].type, HF_REPO_KERNEL);
    assert_int_equal(h.info->repos[0].size, 5);
    assert_string_equal(h.info->repos[0].revisions[0].files[0].blob,
                        h.info->repos[0].revisions[0].files[0].pointer);
    assert_int_equal(h.info->size, 358);
    hub_close(&h);
}

/* So many that threads share them: what each found comes together, once and in order. */
void test_cache_scan__many_repos(void **state)
{
    enum { REPOS = 50 };
    hub h = { unit_dir_make(), NULL, NULL };
    hf_cache_info *one = NULL;

    (void)state;
    assert_int_equal(hf__cache_open(h.dir.path, false, NULL, &h.cache, NULL), HF_OK);
    for (int i = 0; i < REPOS; i++) {
        char root[64];
        char path[160];

        snprintf(root, sizeof(root), "models--acme--m%02d", i);
        assert_int_equal(mkdir(unit_path(&h.dir, root), 0755), 0);
        for (int k = 0; k < 4; k++) {
            static const char *const folders[] = { "blobs", "refs", "snapshots",
                                                   "snapshots/" COMMIT_A };

            snprintf(path, sizeof(path), "%s/%s", root, folders[k]);
            assert_int_equal(mkdir(unit_path(&h.dir, path), 0755), 0);
        }
        snprintf(path, sizeof(path), "%s/refs/main", root);
        unit_write(unit_path(&h.dir, path), COMMIT_A, 40);
        snprintf(path, sizeof(path), "%s/blobs/x", root);
        unit_write(unit_path(&h.dir, path), "0123456789012345678901234567890123456789012345678901",
                   (size_t)i + 1);
        snprintf(path, sizeof(path), "%s/blobs/y.incomplete", root);
        unit_write(unit_path(&h.dir, path), "ab", 2);
        snprintf(path, sizeof(path), "%s/snapshots/" COMMIT_A "/f", root);
        assert_int_equal(symlink("../../blobs/x", unit_path(&h.dir, path)), 0);
        snprintf(path, sizeof(path), "stray-%02d", i);
        unit_write(unit_path(&h.dir, path), "", 0);
    }
    look(&h);
    assert_int_equal(h.info->n_repos, REPOS);
    assert_int_equal(h.info->n_warnings, REPOS);
    assert_int_equal(h.info->n_incomplete, REPOS);
    assert_int_equal(h.info->incomplete_size, 2 * REPOS);
    assert_int_equal(h.info->size, REPOS * (REPOS + 1) / 2);
    for (size_t i = 0; i < REPOS; i++) {
        const hf_cached_repo *repo = &h.info->repos[i];
        char id[16];

        snprintf(id, sizeof(id), "acme/m%02d", (int)i);
        assert_string_equal(repo->id, id);
        assert_int_equal(repo->size, i + 1);
        assert_int_equal(repo->n_revisions, 1);
        assert_string_equal(repo->refs[0], "main");
        assert_string_equal(repo->revisions[0].files[0].path, "f");
        assert_true(i == 0 || strcmp(h.info->warnings[i - 1], h.info->warnings[i]) < 0);
        assert_true(i == 0 ||
                    strcmp(h.info->incomplete[i - 1].path, h.info->incomplete[i].path) < 0);
    }
    assert_int_equal(hf__cache_scan(h.cache, &one, NULL), HF_OK); /* beside the first */
    hf__cache_info_free(one);
    hub_close(&h);
}

void test_cache_scan__of_no_cache(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_error err = HF_ERROR_INIT;
    hf_cache_info *info = NULL;
    hf__cache *cache = NULL;

    (void)state;
    assert_int_equal(hf__cache_open(unit_path(&dir, "none"), false, NULL, &cache, NULL), HF_OK);
    assert_int_equal(hf__cache_scan(cache, &info, &err), HF_ERR_NOT_CACHED);
    assert_null(info);
    unit_write(unit_path(&dir, "none"), "", 0);
    assert_int_equal(hf__cache_scan(cache, &info, &err), HF_ERR_INVALID_ARG);
    hf__cache_close(cache);
    unit_dir_remove(&dir);
}

/* ---- deleting */

void test_cache_scan__one_revision_goes(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    hf_cache_plan *plan = plan_of(&h, revision_of(&h, COMMIT_B), NULL);

    (void)state;
    assert_int_equal(plan->bytes_freed, 9);
    assert_int_equal(plan->n_revisions, 1);
    assert_int_equal(plan->n_repos, 0);
    assert_int_equal(plan->n_snapshots, 1);
    assert_int_equal(plan->n_refs, 1);
    assert_int_equal(plan->n_blobs, 1);
    assert_true(there(&h, SNAP_B)); /* a plan changes nothing */
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, SNAP_B));
    assert_false(there(&h, BLOB_B));
    assert_false(there(&h, TINY "/refs/refs/pr/1"));
    assert_true(there(&h, TINY "/trees/" COMMIT_B ".json"));
    look(&h);
    assert_int_equal(h.info->n_warnings, 0);
    assert_int_equal(h.info->repos[0].size, 344);
    hub_close(&h);
}

void test_cache_scan__the_last_revision_takes_the_repo(void **state)
{
    hub h = hub_of(python_shared, HF__COUNT(python_shared));
    hf_cache_plan *plan = plan_of(&h, revision_of(&h, COMMIT_A), revision_of(&h, COMMIT_B));

    (void)state;
    assert_int_equal(plan->bytes_freed, 353); /* the store's payload has no other link */
    assert_int_equal(plan->n_repos, 1);
    assert_int_equal(plan->n_snapshots, 0);
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, TINY));
    assert_false(there(&h, STORED));
    assert_false(there(&h, STORED ".refs"));
    assert_true(there(&h, STORED ".lock"));
    assert_true(there(&h, "blobs/.huggingface-shared-blobs"));
    assert_true(there(&h, ".locks/" TINY));
    hub_close(&h);
}

/* Another repo links to the payload as well: it stays, and its list is put right. */
void test_cache_scan__shared_content_stays_for_others(void **state)
{
    static const char other[] = "datasets--x--y/blobs/" TINY_SHA256 "\n";
    hub h = hub_of(python_shared, HF__COUNT(python_shared));
    char list[1024];
    hf_cache_plan *plan;
    struct stat st;

    (void)state;
    assert_int_equal(mkdir(unit_path(&h.dir, "datasets--x--y"), 0755), 0);
    assert_int_equal(mkdir(unit_path(&h.dir, "datasets--x--y/blobs"), 0755), 0);
    assert_int_equal(
        symlink("../../" STORED, unit_path(&h.dir, "datasets--x--y/blobs/" TINY_SHA256)), 0);
    snprintf(list, sizeof(list), "%.500s%s../etc/passwd\n/abs\nmodels--gone/blobs/x\n",
             unit_read(unit_path(&h.dir, STORED ".refs")), other);
    unit_write(unit_path(&h.dir, STORED ".refs"), list, strlen(list));
    look(&h);
    plan = plan_of(&h, revision_of(&h, COMMIT_A), revision_of(&h, COMMIT_B));
    assert_int_equal(plan->bytes_freed, 33);
    assert_int_equal(execute(plan), 0);
    assert_true(there(&h, STORED));
    assert_string_equal(unit_read(unit_path(&h.dir, STORED ".refs")), other);
    assert_int_equal(stat(unit_path(&h.dir, STORED ".refs"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    assert_int_equal(stat(unit_path(&h.dir, STORED ".lock"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    hub_close(&h);
}

/* Without a list that can be trusted nothing of the store is removed. */
void test_cache_scan__shared_content_of_unknown_use_stays(void **state)
{
    hub h = hub_of(python_shared, HF__COUNT(python_shared));
    hf_cache_plan *plan;

    (void)state;
    assert_int_equal(unlink(unit_path(&h.dir, STORED ".refs")), 0);
    look(&h);
    assert_int_equal(h.info->n_unreferenced, 0);
    plan = plan_of(&h, revision_of(&h, COMMIT_A), revision_of(&h, COMMIT_B));
    assert_int_equal(plan->bytes_freed, 33);
    assert_int_equal(execute(plan), 0);
    assert_true(there(&h, STORED));
    hub_close(&h);
}

void test_cache_scan__prune_takes_what_nobody_uses(void **state)
{
    hub h = hub_of(python_shared, HF__COUNT(python_shared));
    hf_cache_plan *plan = NULL;

    (void)state;
    assert_int_equal(unlink(unit_path(&h.dir, TINY "/refs/refs/pr/1")), 0);
    unit_write(unit_path(&h.dir, TINY "/blobs/abc.01234567.incomplete"), "12345", 5);
    assert_int_equal(mkdir(unit_path(&h.dir, "blobs/00"), 0755), 0);
    unit_write(
        unit_path(&h.dir,
                  "blobs/00/0000000000000000000000000000000000000000000000000000000000000000"),
        "123", 3);
    unit_write(
        unit_path(&h.dir,
                  "blobs/00/0000000000000000000000000000000000000000000000000000000000000000.refs"),
        "models--gone/blobs/x\n", 21);
    look(&h);
    assert_int_equal(h.info->n_incomplete, 1);
    assert_int_equal(h.info->incomplete[0].in_use, 0);
    assert_int_equal(h.info->n_unreferenced, 1);
    assert_int_equal(hf__cache_plan_prune(h.info, &plan, NULL), HF_OK);
    assert_int_equal(plan->n_revisions, 1);
    assert_int_equal(plan->n_incomplete, 1);
    assert_int_equal(plan->n_unreferenced, 1);
    assert_int_equal(plan->bytes_freed, 9 + 5 + 3);
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, SNAP_B));
    assert_true(there(&h, SNAP_A));
    assert_true(there(&h, STORED));
    look(&h);
    assert_int_equal(h.info->n_incomplete, 0);
    assert_int_equal(h.info->n_unreferenced, 0);
    hub_close(&h);
}

void test_cache_scan__files_go_and_their_content(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    const hf_cached_revision *a = revision_of(&h, COMMIT_A);
    const hf_cached_file *files[] = { &a->files[1], &a->files[0] }; /* config.json, README.md */
    hf_cache_plan *plan = NULL;

    (void)state;
    assert_int_equal(hf__cache_plan_files(h.info, files, 2, &plan, NULL), HF_OK);
    assert_int_equal(plan->bytes_freed, 3); /* B has the README too */
    assert_int_equal(plan->n_files, 2);
    assert_int_equal(plan->n_blobs, 1);
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, SNAP_A "/config.json"));
    assert_false(there(&h, SNAP_A "/README.md"));
    assert_false(there(&h, BLOB_A));
    assert_true(there(&h, SNAP_B "/README.md"));
    assert_true(there(&h, TINY "/refs/main"));
    look(&h);
    assert_int_equal(h.info->n_warnings, 0);
    hub_close(&h);
}

void test_cache_scan__content_of_a_file_in_two_revisions_goes_once(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    const hf_cached_file *files[] = { &revision_of(&h, COMMIT_A)->files[0],
                                      &revision_of(&h, COMMIT_B)->files[0] };
    hf_cache_plan *plan = NULL;

    (void)state;
    assert_string_equal(files[0]->path, "README.md");
    assert_string_equal(files[0]->blob, files[1]->blob);
    assert_int_equal(hf__cache_plan_files(h.info, files, 2, &plan, NULL), HF_OK);
    assert_int_equal(plan->bytes_freed, 7);
    assert_int_equal(plan->n_files, 2);
    assert_int_equal(plan->n_blobs, 1);
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, SNAP_B "/README.md"));
    assert_false(there(&h, TINY "/blobs/8e2e871357bef652084a73f7173adc5eb8859a33"));
    hub_close(&h);
}

/* ---- others at work */

static int hold(const hub *h, const char *rel)
{
    int fd = open(unit_path(&h->dir, rel), O_RDWR | O_CREAT | O_CLOEXEC, 0664);

    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
}

void test_cache_scan__what_a_process_is_at_stays(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    hf_cache_plan *plan = NULL;
    int fd;

    (void)state;
    /* A Python client writes "<etag>.<8 hex>.incomplete" and holds "<etag>.lock". */
    unit_write(unit_path(&h.dir, TINY "/blobs/abc.01234567.incomplete"), "12345", 5);
    fd = hold(&h, ".locks/" TINY "/abc.lock");
    look(&h);
    assert_int_equal(h.info->incomplete[0].in_use, 1);
    assert_int_equal(hf__cache_plan_prune(h.info, &plan, NULL), HF_OK);
    assert_int_equal(plan->n_incomplete, 0);
    hf__cache_plan_free(plan);
    /* Nor does the whole repo go under its hands. */
    plan = plan_of(&h, revision_of(&h, COMMIT_A), revision_of(&h, COMMIT_B));
    assert_int_equal(execute(plan), 1);
    assert_true(there(&h, SNAP_A "/README.md"));
    close(fd);
    /* Locked after the plan was made. */
    look(&h);
    assert_int_equal(hf__cache_plan_prune(h.info, &plan, NULL), HF_OK);
    assert_int_equal(plan->n_incomplete, 1);
    fd = hold(&h, ".locks/" TINY "/abc.lock");
    assert_int_equal(execute(plan), 1);
    assert_true(there(&h, TINY "/blobs/abc.01234567.incomplete"));
    close(fd);
    hub_close(&h);
}

void test_cache_scan__content_that_found_new_use_stays(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    hf_cache_plan *plan = plan_of(&h, revision_of(&h, COMMIT_B), NULL);
    int fd;

    (void)state;
    /* Between plan and execution a download links to the blob that is to go. */
    assert_int_equal(symlink("../../blobs/7ab0b7ae11b9e2fa4036cfc60a8ab3cb0f9b35ff",
                             unit_path(&h.dir, SNAP_A "/new.json")),
                     0);
    assert_int_equal(execute(plan), 1);
    assert_false(there(&h, SNAP_B));
    assert_true(there(&h, BLOB_B));
    look(&h);
    assert_int_equal(h.info->n_warnings, 0);
    hub_close(&h);

    h = hub_of(python_cache, HF__COUNT(python_cache));
    plan = plan_of(&h, revision_of(&h, COMMIT_B), NULL);
    fd = hold(&h, ".locks/" TINY "/7ab0b7ae11b9e2fa4036cfc60a8ab3cb0f9b35ff.lock");
    assert_int_equal(execute(plan), 1);
    assert_true(there(&h, BLOB_B));
    close(fd);
    hub_close(&h);
}

/* ---- links that someone planted */

void test_cache_scan__nothing_outside_is_removed(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    unit_dir outside = unit_dir_make();
    hf_cache_plan *plan;

    (void)state;
    unit_write(unit_path(&outside, "f"), "precious", 8);
    assert_int_equal(mkdir(unit_path(&h.dir, "models--victim"), 0755), 0);
    assert_int_equal(mkdir(unit_path(&h.dir, "models--victim/blobs"), 0755), 0);
    unit_write(unit_path(&h.dir, "models--victim/blobs/e"), "theirs", 6);
    assert_int_equal(symlink(unit_path(&outside, "f"), unit_path(&h.dir, SNAP_B "/out")), 0);
    assert_int_equal(symlink(outside.path, unit_path(&h.dir, SNAP_B "/folder")), 0);
    assert_int_equal(
        symlink("../../../models--victim/blobs/e", unit_path(&h.dir, SNAP_B "/theirs")), 0);
    look(&h);
    plan = plan_of(&h, revision_of(&h, COMMIT_B), NULL);
    assert_int_equal(plan->bytes_freed, 9);
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, SNAP_B));
    assert_string_equal(unit_read(unit_path(&outside, "f")), "precious");
    assert_true(there(&h, "models--victim/blobs/e"));
    /* The snapshots' folder is exchanged for a link after the plan was made. */
    look(&h);
    plan = plan_of(&h, revision_of(&h, COMMIT_A), NULL);
    assert_int_equal(rename(unit_path(&h.dir, TINY), unit_path(&h.dir, "moved")), 0);
    assert_int_equal(symlink(outside.path, unit_path(&h.dir, TINY)), 0);
    (void)execute(plan);
    assert_false(there(&h, TINY)); /* the link itself */
    assert_string_equal(unit_read(unit_path(&outside, "f")), "precious");
    unit_dir_remove(&outside);
    hub_close(&h);
}

void test_cache_scan__deep_folders_are_removed(void **state)
{
    hub h = hub_of(python_cache, HF__COUNT(python_cache));
    char path[UNIT_PATH_MAX];
    hf_cache_plan *plan;
    size_t len;

    (void)state;
    snprintf(path, sizeof(path), "%s", unit_path(&h.dir, SNAP_B));
    len = strlen(path);
    for (int i = 0; i < 150; i++) {
        memcpy(path + len, "/d", 3);
        len += 2;
        assert_int_equal(mkdir(path, 0755), 0);
    }
    look(&h);
    plan = plan_of(&h, revision_of(&h, COMMIT_B), NULL);
    assert_int_equal(execute(plan), 0);
    assert_false(there(&h, SNAP_B));
    hub_close(&h);
}
