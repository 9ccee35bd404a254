/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever allocation fails: no file gets a name it does not deserve, no temporary stays. */
#include "torture.h"

#include "cache/cache.h"
#include "core/error.h"
#include "core/limits.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMIT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OID    "ce013625030ba8dba906f756967f9e9ca394464a" /* of "hello\n" */

static char scratch[64];
static int leftovers;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    if (strstr(path, ".incomplete") || strstr(path, ".tmp"))
        leftovers++;
    return ftw->level ? remove(path) : 0;
}

static hf_status wrong(hf_error *err, const char *what)
{
    return hf__fail(err, HF_ERR_INTERNAL, "%s", what);
}

/* Empties the scratch directory; with a status, says what a failed run left there. */
static hf_status clean(hf_status st, hf_error *err)
{
    leftovers = 0;
    (void)nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return leftovers ? wrong(err, "a temporary was left behind") : st;
}

static const char *at(const char *rel)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", scratch, rel);
    return path;
}

static hf_status open_repo(hf__cache **cache, hf__cache_repo **repo, hf_error *err)
{
    hf_status st = hf__cache_open(at("hub"), false, NULL, cache, err);

    return st == HF_OK ? hf__cache_repo_open(*cache, HF_REPO_MODEL, "tiny/model", repo, err) : st;
}

static hf_status fetch(hf__cache_repo *repo, hf_error *err)
{
    hf__os_lock lock = { .fd = -1 };
    hf__cache_part *part = NULL;
    bool got = false;
    hf_status st = hf__cache_prepare(repo, err);

    if (st == HF_OK)
        st = hf__cache_blob_lock(repo, OID, &lock, &got, err);
    if (st == HF_OK)
        st = hf__cache_blob_begin(repo, OID, 6, &part, err);
    if (st == HF_OK)
        st = hf__os_pwrite(hf__cache_part_fd(part), "hello\n", 6, 0, "part", err);
    if (st == HF_OK)
        st = hf__cache_part_commit(part, OID, OID, 6, err);
    else
        hf__cache_part_abandon(part);
    if (st == HF_OK)
        st = hf__cache_pointer_make(
            repo, COMMIT, "a/folder/of/some/length/so/that/buffers/grow/x.txt", OID, true, err);
    hf__os_lock_release(&lock);
    return st;
}

static hf_status run_cache(hf_error *err)
{
    hf_repo_ref ref = { HF_REPO_MODEL, "tiny/model", NULL };
    hf_cache_state known = HF_CACHE_UNKNOWN;
    hf__cache *cache = NULL;
    hf__cache_repo *repo = NULL;
    hf__buf path;
    hf_status st = open_repo(&cache, &repo, err);

    hf__buf_init(&path, HF__MAX_PATH);
    if (st == HF_OK)
        st = hf__cache_ref_write(repo, "main", COMMIT, err);
    if (st == HF_OK)
        st = hf__cache_no_exist_write(repo, COMMIT, "nope/none.txt", err);
    if (st == HF_OK)
        st = fetch(repo, err);
    if (st == HF_OK)
        st = hf__cache_try_load(cache, &ref, "a/folder/of/some/length/so/that/buffers/grow/x.txt",
                                &known, &path, err);
    if (st == HF_OK && known != HF_CACHE_PRESENT)
        st = wrong(err, "the file is not found");
    if (st == HF_OK)
        st = hf__cache_try_load(cache, &ref, "nope/none.txt", &known, &path, err);
    if (st == HF_OK && known != HF_CACHE_ABSENT)
        st = wrong(err, "the marker is not found");
    hf__buf_dispose(&path);
    hf__cache_repo_close(repo);
    hf__cache_close(cache);
    return clean(st, err);
}

/* Not the reading: Jansson 2.14 itself writes past the end of a buffer that it could not grow, in any
 * string of 16 bytes and more. */
static hf_status run_tree_write(hf_error *err)
{
    hf__entry entries[3] = {
        { .path = "a", .oid = OID, .size = 6 },
        { .path = "b/c",
          .oid = OID,
          .size = 7,
          .lfs_sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          .lfs_size = 7 },
        { .path = "b/d",
          .oid = OID,
          .size = 7,
          .lfs_sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          .lfs_size = 7,
          .xet_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
    };
    hf__tree_list list = { NULL, entries, 3 };
    hf__cache *cache = NULL;
    hf__cache_repo *repo = NULL;
    hf_status st = open_repo(&cache, &repo, err);

    if (st == HF_OK)
        st = hf__cache_tree_write(repo, NULL, COMMIT, &list, err);
    hf__cache_repo_close(repo);
    hf__cache_close(cache);
    return clean(st, err);
}

static hf_status run_local(hf_error *err)
{
    hf__cache *cache = NULL;
    hf__cache_repo *repo = NULL;
    hf__cache_local *local = NULL;
    hf__local_meta meta = { 0 };
    hf__os_lock lock = { .fd = -1 };
    bool done = false;
    hf_status st = open_repo(&cache, &repo, err);

    if (st == HF_OK)
        st = fetch(repo, err);
    if (st == HF_OK)
        st = hf__cache_local_open(at("out"), NULL, &local, err);
    if (st == HF_OK)
        st = hf__cache_local_lock(local, "a/folder/of/some/length/so/that/buffers/grow/x.txt",
                                  &lock, &done, err);
    if (st == HF_OK)
        st = hf__cache_local_from_cache(local, repo, COMMIT,
                                        "a/folder/of/some/length/so/that/buffers/grow/x.txt", OID,
                                        NULL, &done, err);
    if (st == HF_OK && !done)
        st = wrong(err, "the file is not taken from the cache");
    if (st == HF_OK)
        st = hf__cache_local_meta_write(local, "a/folder/of/some/length/so/that/buffers/grow/x.txt",
                                        COMMIT, OID, err);
    if (st == HF_OK)
        st = hf__cache_local_meta_read(local, "a/folder/of/some/length/so/that/buffers/grow/x.txt",
                                       &meta, err);
    if (st == HF_OK && (!meta.valid || strcmp(meta.etag.text, OID) != 0))
        st = wrong(err, "the notes are not what was written");
    hf__os_lock_release(&lock);
    hf__cache_local_close(local);
    hf__cache_repo_close(repo);
    hf__cache_close(cache);
    return clean(st, err);
}

static hf_status run_legacy(hf_error *err)
{
    hf__os_lock lock = { .fd = -1 };
    hf__cache_part *part = NULL;
    hf__legacy_file file;
    char dir[256];
    bool found = false;
    hf__buf path;
    hf_status st = hf__legacy_name("https://x.org/f", "\"e\"", &file, err);

    snprintf(dir, sizeof(dir), "%s", at("flat"));
    hf__buf_init(&path, HF__MAX_PATH);
    if (st == HF_OK)
        st = hf__legacy_lock(dir, file.name, &lock, &found, err);
    if (st == HF_OK)
        st = hf__legacy_begin(dir, file.name, 0, &part, err);
    if (st == HF_OK)
        st = hf__cache_part_commit(part, NULL, NULL, 0, err);
    if (st == HF_OK)
        st = hf__legacy_find_any(dir, "https://x.org/f", &path, &found, err);
    if (st == HF_OK && !found)
        st = wrong(err, "the file is not found");
    if (st == HF_OK)
        st = hf__legacy_sidecar_write(hf__buf_cstr(&path), "https://x.org/f", "\"e\"", err);
    hf__os_lock_release(&lock);
    hf__buf_dispose(&path);
    return clean(st, err);
}

/* Two revisions; a scan, a plan of each kind, and one carried out, which may not do half of it
 * without saying so. */
static hf_status fill_two(hf_error *err)
{
    static const char *const commits[] = { COMMIT, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" };
    hf__cache *cache = NULL;
    hf__cache_repo *repo = NULL;
    hf_status st = open_repo(&cache, &repo, err);

    if (st == HF_OK)
        st = fetch(repo, err);
    for (int i = 0; i < 2 && st == HF_OK; i++) {
        st = hf__cache_pointer_make(repo, commits[i], "x.txt", OID, false, err);
        if (st == HF_OK)
            st = hf__cache_ref_write(repo, i ? "refs/pr/1" : "main", commits[i], err);
    }
    hf__cache_repo_close(repo);
    hf__cache_close(cache);
    return st;
}

static hf_status scan_once(hf_cache_info **info, hf_error *err)
{
    hf__cache *cache = NULL;
    hf_status st = hf__cache_open(at("hub"), false, NULL, &cache, err);

    if (st == HF_OK)
        st = hf__cache_scan(cache, info, err);
    hf__cache_close(cache);
    if (st != HF_OK)
        return st;
    return (*info)->n_repos == 1 && (*info)->n_warnings == 0 &&
                   (*info)->repos[0].n_revisions == 2 && (*info)->repos[0].n_refs == 2 &&
                   (*info)->size == 6
               ? HF_OK
               : wrong(err, "a scan that claims to be whole is not");
}

static hf_status run_scan(hf_error *err)
{
    const hf_cached_revision *one;
    hf_cache_info *info = NULL;
    hf_cache_plan *plan = NULL;
    size_t skipped = 0;
    hf_status st = fill_two(err);

    if (st == HF_OK)
        st = scan_once(&info, err);
    if (st == HF_OK)
        st = hf__cache_plan_prune(info, &plan, err);
    hf__cache_plan_free(plan);
    plan = NULL;
    if (st == HF_OK) {
        const hf_cached_file *file = &info->repos[0].revisions[0].files[0];

        st = hf__cache_plan_files(info, &file, 1, &plan, err);
    }
    hf__cache_plan_free(plan);
    plan = NULL;
    if (st == HF_OK) {
        one = &info->repos[0].revisions[1];
        st = hf__cache_plan_revisions(info, &one, 1, &plan, err);
    }
    if (st == HF_OK)
        st = hf__cache_plan_execute(plan, NULL, &skipped, err);
    if (st == HF_OK && skipped == 0 &&
        access(at("hub/models--tiny--model/snapshots/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
               F_OK) == 0)
        st = wrong(err, "what was to go is still there, and nobody said so");
    if (st == HF_OK && access(at("hub/models--tiny--model/snapshots/" COMMIT "/x.txt"), R_OK) != 0)
        st = wrong(err, "what was to stay is gone");
    if (st == HF_OK && skipped)
        st = hf__fail_nomem(err); /* it said that it left something; the next run is to do it */
    hf__cache_plan_free(plan);
    hf__cache_info_free(info);
    return clean(st, err);
}

static hf_status on_bytes(uint64_t n, void *arg, hf_error *err)
{
    (void)n;
    (void)arg;
    (void)err;
    return HF_OK;
}

static hf_status run_list(hf_error *err)
{
    const char *const *files = NULL;
    hf__arena *arena = hf__arena_new();
    char hash[65];
    size_t n = 0;
    hf_status st = arena ? fill_two(err) : hf__fail_nomem(err);

    if (st == HF_OK)
        st = hf__cache_list_files(at("hub/models--tiny--model/snapshots/" COMMIT), arena, &files,
                                  &n, err);
    if (st == HF_OK && n != 2)
        st = wrong(err, "not every file is listed");
    if (st == HF_OK)
        st = hf__cache_hash_file(at("hub/models--tiny--model/snapshots/" COMMIT), files[1], false,
                                 hash, on_bytes, NULL, err);
    if (st == HF_OK && strcmp(hash, OID) != 0)
        st = wrong(err, "the hash is wrong");
    hf__arena_free(arena);
    return clean(st, err);
}

int main(void)
{
    static const torture_case cases[] = {
        { "cache", run_cache }, { "tree write", run_tree_write },
        { "local", run_local }, { "legacy", run_legacy },
        { "scan", run_scan },   { "list", run_list },
    };
    char real[] = "/tmp/hf-torture-XXXXXX";
    int result = 1;

    if (!mkdtemp(real))
        return 1;
    snprintf(scratch, sizeof(scratch), "%s", real);
    result = torture_run(cases, sizeof(cases) / sizeof(*cases));
    leftovers = 0;
    (void)nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    rmdir(scratch);
    return result;
}
