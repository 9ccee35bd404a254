/* SPDX-License-Identifier: Apache-2.0 */
#include "srv_unit.h"

#include <fcntl.h>

static const srv_repo *find(srv_unit *u, const char *id, bool *moved)
{
    const srv_repo *repo = NULL;
    hf_status st =
        srv_repo_find(u->store, SRV_MODEL, hf__str_from(id), u->arena, &repo, moved, &u->err);

    if (st == HF_ERR_REPO_NOT_FOUND)
        return NULL;
    srv_ok(u, st);
    return repo;
}

void test_srv_repo__names_lead_to_it(void **state)
{
    const srv_repo *repo;
    const srv_repo *other;
    srv_repo_spec spec = { 0 };
    bool moved;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "Acme/Tiny");
    assert_string_equal(repo->ns, "Acme");
    assert_string_equal(repo->name, "Tiny");
    assert_non_null(find(&u, "Acme/Tiny", &moved));
    assert_false(moved);
    assert_string_equal(find(&u, "acme/tiny", &moved)->full_name, "Acme/Tiny");
    assert_true(moved);
    assert_null(find(&u, "acme/other", NULL));
    /* other types are other repos */
    assert_int_equal(
        srv_repo_find(u.store, SRV_DATASET, HF__STR("Acme/Tiny"), u.arena, &other, NULL, &u.err),
        HF_ERR_REPO_NOT_FOUND);
    spec.id = "ACME/TINY";
    assert_int_equal(srv_repo_create(u.store, &spec, u.arena, &other, &u.err), HF_ERR_CONFLICT);
    /* moved twice: each old name leads to the newest */
    srv_ok(&u, srv_repo_move(u.store, repo, "acme/small", &u.err));
    repo = find(&u, "acme/small", &moved);
    assert_false(moved);
    srv_ok(&u, srv_repo_move(u.store, repo, "bob/small", &u.err));
    assert_string_equal(find(&u, "acme/TINY", &moved)->full_name, "bob/small");
    assert_true(moved);
    assert_string_equal(find(&u, "acme/small", &moved)->full_name, "bob/small");
    /* a new repo takes the old name, and the redirect is gone for good */
    other = srv_unit_repo(&u, "acme/tiny");
    assert_string_equal(find(&u, "acme/tiny", &moved)->full_name, "acme/tiny");
    repo = find(&u, "bob/small", NULL);
    assert_int_equal(srv_repo_move(u.store, repo, "acme/tiny", &u.err), HF_ERR_CONFLICT);
    srv_ok(&u, srv_repo_delete(u.store, other, &u.err));
    assert_null(find(&u, "acme/tiny", NULL));
    assert_false(unit_exists(other->git_dir));
    assert_int_equal(srv_repo_delete(u.store, other, &u.err), HF_ERR_REPO_NOT_FOUND);
    srv_unit_end(&u);
}

/* The quarantine of a push comes and goes while the repository is copied. */
void test_srv_repo__a_copy_takes_nothing_unfinished(void **state)
{
    srv_repo_spec spec = { .id = "acme/copy" };
    const srv_repo *copy = NULL;
    srv_git *git;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    spec.copy_of = srv_unit_repo(&u, "acme/a");
    (void)srv_unit_shell(NULL,
                         "cd %s/objects && mkdir -p tmp_objdir-incoming-x/pack incoming-y pack && "
                         "touch tmp_objdir-incoming-x/z incoming-y/z pack/pack-1.keep "
                         "pack/pack_git2_x pack/tmp_pack_x pack/x.lock",
                         spec.copy_of->git_dir);
    srv_ok(&u, srv_repo_create(u.store, &spec, u.arena, &copy, &u.err));
    assert_string_equal(
        srv_unit_shell(NULL, "cd %s/objects && find . -name '*[_.-][xyz1k]*'", copy->git_dir), "");
    assert_string_equal(srv_unit_shell(NULL, "git -C %s fsck --full --strict 2>&1", copy->git_dir),
                        "");
    /* A folder may be gone before it is looked into: all of them, since one cannot be timed. */
    srv_ok(&u, srv_git_open(u.store, spec.copy_of, &git, &u.err));
    srv_git_close(git);
    (void)srv_unit_shell(NULL, "rm -r %s/objects", spec.copy_of->git_dir);
    spec.id = "acme/other";
    srv_ok(&u, srv_repo_create(u.store, &spec, u.arena, &copy, &u.err));
    srv_unit_end(&u);
}

void test_srv_repo__ids(void **state)
{
    static const char *const bad[] = { "",      "a/b/c",  "a//b",   "/a",     "a/",
                                       "a/-b",  "a/b.",   "a--b/c", "a/b..c", "a/b.git",
                                       "a/b c", "a/b%20", "../b",   "a/\x01", "a/\xc3\xa9" };
    static const char *const good[] = { "gpt2", "a/b", "A.b_c-d/0", "bert-base-uncased" };
    char longest[98];
    hf_error err = HF_ERROR_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < HF__COUNT(bad); i++)
        assert_int_equal(srv_repo_id_check(hf__str_from(bad[i]), &err), HF_ERR_INVALID_ARG);
    for (i = 0; i < HF__COUNT(good); i++)
        assert_int_equal(srv_repo_id_check(hf__str_from(good[i]), &err), HF_OK);
    memset(longest, 'a', sizeof longest);
    assert_int_equal(srv_repo_id_check((hf__str){ longest, 96 }, &err), HF_OK);
    assert_int_equal(srv_repo_id_check((hf__str){ longest, 97 }, &err), HF_ERR_INVALID_ARG);
}

void test_srv_repo__lfs_only_under_its_hash(void **state)
{
    /* sha256sum of "hello\n" */
    static const char hello[] = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    const srv_repo *repo;
    const srv_repo *other;
    srv_lfs_put *put;
    char sha256[SRV_SHA256_HEX + 1];
    char bytes[16];
    uint64_t size;
    bool has;
    srv_unit u;
    int fd;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    other = srv_unit_repo(&u, "acme/b");
    /* wrong hash, wrong size: nothing stays */
    srv_ok(&u, srv_lfs_put_new(u.store, &put, &u.err));
    srv_ok(&u, srv_lfs_put_add(put, "jello\n", 6, &u.err));
    assert_int_equal(srv_lfs_put_commit(put, repo, hello, 6, sha256, &u.err), HF_ERR_CORRUPT);
    srv_ok(&u, srv_lfs_put_new(u.store, &put, &u.err));
    srv_ok(&u, srv_lfs_put_add(put, "hello\n", 6, &u.err));
    assert_int_equal(srv_lfs_put_commit(put, repo, hello, 7, sha256, &u.err), HF_ERR_CORRUPT);
    assert_string_equal(
        srv_unit_shell(NULL, "find %s/data/lfs %s/data/tmp -type f", u.dir.path, u.dir.path), "");
    assert_int_equal(srv_lfs_open(u.store, repo, hello, &fd, &size, &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    srv_ok(&u, srv_lfs_put_new(u.store, &put, &u.err));
    srv_ok(&u, srv_lfs_put_add(put, "hel", 3, &u.err));
    srv_ok(&u, srv_lfs_put_add(put, "lo\n", 3, &u.err));
    srv_ok(&u, srv_lfs_put_commit(put, repo, hello, 6, sha256, &u.err));
    assert_string_equal(sha256, hello);
    srv_ok(&u, srv_lfs_open(u.store, repo, hello, &fd, &size, &u.err));
    assert_int_equal(size, 6);
    assert_int_equal(read(fd, bytes, sizeof bytes), 6);
    assert_memory_equal(bytes, "hello\n", 6);
    close(fd);
    /* who only knows the hash does not get it */
    srv_ok(&u, srv_lfs_has(u.store, other, hello, &has, NULL, &u.err));
    assert_false(has);
    srv_ok(&u, srv_lfs_link(u.store, other, hello, &u.err));
    srv_ok(&u, srv_lfs_has(u.store, other, hello, &has, &size, &u.err));
    assert_true(has);
    assert_int_equal(size, 6);
    assert_int_equal(srv_lfs_open(u.store, repo, "../../../hub.sqlite", &fd, &size, &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    srv_unit_end(&u);
}

void test_srv_repo__leftovers_are_swept_when_alone(void **state)
{
    srv_store_opts opts = { 0 };
    srv_store *second = NULL;
    const srv_repo *repo;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    (void)srv_unit_shell(NULL,
                         "mkdir -p %s/data/tmp/x.git/objects && touch %s/data/tmp/lfs-y && "
                         "cp -r %s %s/data/git/0123456789abcdef01234567.git",
                         u.dir.path, u.dir.path, repo->git_dir, u.dir.path);
    opts.data_dir = unit_path(&u.dir, "data");
    srv_ok(&u, srv_store_open(&opts, &second, &u.err)); /* not alone */
    srv_store_close(second);
    assert_true(unit_exists(unit_path(&u.dir, "data/tmp/lfs-y")));
    srv_unit_reopen(&u);
    assert_false(unit_exists(unit_path(&u.dir, "data/tmp/lfs-y")));
    assert_false(unit_exists(unit_path(&u.dir, "data/tmp/x.git")));
    assert_false(unit_exists(unit_path(&u.dir, "data/git/0123456789abcdef01234567.git")));
    assert_true(unit_exists(repo->git_dir));
    srv_unit_end(&u);
}

void test_srv_repo__a_newer_schema_is_left_alone(void **state)
{
    srv_store_opts opts = { 0 };
    srv_store *store = NULL;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    srv_store_close(u.store);
    u.store = NULL;
    /* user_version is the big-endian number at offset 60 of an SQLite file */
    (void)srv_unit_shell(NULL,
                         "printf '\\000\\000\\003\\347' | dd of=%s/data/hub.sqlite bs=1 seek=60 "
                         "conv=notrunc status=none",
                         u.dir.path);
    opts.data_dir = unit_path(&u.dir, "data");
    assert_int_equal(srv_store_open(&opts, &store, &u.err), HF_ERR_BAD_FORMAT);
    assert_null(store);
    srv_unit_end(&u);
}
