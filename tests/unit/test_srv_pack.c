/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs that come by the thousand: git reads the packs that are made of them. */
#include "srv_unit.h"

#include <stdlib.h>

#define FULL 2048 /* blobs of one pack */

typedef char oid_text[SRV_OID_HEX + 1];

/* Adds blobs of which number i says so; every seventh came before. oids has room for all. */
static srv_pack *fill(srv_unit *u, srv_git *git, size_t n, oid_text *oids)
{
    srv_pack *pack = NULL;
    char text[32];

    srv_ok(u, srv_pack_new(git, &pack, &u->err));
    for (size_t i = 0, different = 0; different < n; i++) {
        (void)snprintf(text, sizeof text, "blob %zu\n", i % 7 == 6 ? i - 3 : i);
        different += i % 7 != 6;
        srv_ok(u, srv_pack_add(pack, hf__str_from(text), oids[i], &u->err));
    }
    return pack;
}

static const char *packs_of(const srv_repo *repo)
{
    return srv_unit_shell(
        NULL,
        "cd %s/objects/pack && for i in *.idx; do git show-index <$i | wc -l; done | "
        "sort -n | tr '\n' ' '",
        repo->git_dir);
}

static void check(size_t n, const char *packs)
{
    oid_text *oids = calloc(2 * n, sizeof *oids);
    const srv_repo *repo;
    srv_pack *pack;
    srv_git *git;
    srv_unit u;

    assert_non_null(oids);
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    pack = fill(&u, git, n, oids);
    srv_ok(&u, srv_pack_end(pack, &u.err));
    srv_pack_free(pack);
    assert_string_equal(packs_of(repo), packs);
    assert_string_equal(
        srv_unit_shell(NULL, "git -C %s fsck --full --strict --no-dangling 2>&1", repo->git_dir),
        "");
    assert_string_equal(srv_unit_shell(NULL, "git -C %s cat-file -p %s", repo->git_dir, oids[6]),
                        "blob 3\n");
    assert_string_equal(srv_unit_shell(NULL, "git -C %s cat-file -p %s", repo->git_dir, oids[7]),
                        "blob 7\n");
    /* what is there is not stored again */
    pack = fill(&u, git, n, oids);
    srv_ok(&u, srv_pack_end(pack, &u.err));
    srv_pack_free(pack);
    assert_string_equal(packs_of(repo), packs);
    assert_string_equal(srv_unit_shell(NULL, "ls %s/data/tmp", u.dir.path), "");
    srv_git_close(git);
    srv_unit_end(&u);
    free(oids);
}

void test_srv_pack__one_that_is_not_full(void **state)
{
    (void)state;
    check(FULL - 1, "2047 ");
}

void test_srv_pack__full_ones(void **state)
{
    (void)state;
    check(FULL, "2048 ");
    check(2 * FULL, "2048 2048 ");
}

void test_srv_pack__full_ones_and_a_rest(void **state)
{
    (void)state;
    check(2 * FULL + 1, "1 2048 2048 ");
}

void test_srv_pack__given_up(void **state)
{
    oid_text *oids = calloc(3 * FULL, sizeof *oids);
    const srv_repo *repo;
    srv_git *git;
    srv_unit u;

    (void)state;
    assert_non_null(oids);
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    srv_pack_free(fill(&u, git, FULL + 100, oids));
    assert_string_equal(
        srv_unit_shell(NULL, "find %s/data/tmp %s/objects/pack -type f", u.dir.path, repo->git_dir),
        "");
    srv_git_close(git);
    srv_unit_end(&u);
    free(oids);
}
