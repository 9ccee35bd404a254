/* SPDX-License-Identifier: Apache-2.0 */
#include "srv_unit.h"

#include <fcntl.h>
#include <pthread.h>

static void head(srv_unit *u, srv_git *git, char out[SRV_OID_HEX + 1])
{
    srv_ok(u, srv_git_resolve(git, HF__STR("main"), out, &u->err));
}

static bool commit(srv_unit *u, srv_change *change, const char *title, char out[SRV_OID_HEX + 1])
{
    srv_commit_spec spec = { "refs/heads/main", NULL, "alice", NULL, title, NULL, 0 };
    bool made = false;

    srv_ok(u, srv_change_commit(change, &spec, out, &made, &u->err));
    srv_change_free(change);
    return made;
}

static srv_change *begin(srv_unit *u, srv_git *git)
{
    char at[SRV_OID_HEX + 1];
    srv_change *change = NULL;

    head(u, git, at);
    srv_ok(u, srv_change_new(git, at, &change, &u->err));
    return change;
}

static void add(srv_unit *u, srv_change *change, const char *path, const char *text)
{
    srv_ok(u, srv_change_add_bytes(change, hf__str_from(path), false, hf__str_from(text), &u->err));
}

static void assert_fsck(const srv_repo *repo)
{
    assert_string_equal(
        srv_unit_shell(NULL, "git -C %s fsck --full --strict --no-dangling 2>&1", repo->git_dir),
        "");
}

/* The tree as git tells it: mode, path. */
static void assert_tree(const srv_repo *repo, const char *want)
{
    assert_string_equal(srv_unit_shell(NULL,
                                       "git -C %s -c core.quotePath=false ls-tree -r main | "
                                       "sed 's/ blob [0-9a-f]*\\t/ /'",
                                       repo->git_dir),
                        want);
}

void test_srv_git__changes(void **state)
{
    char first[SRV_OID_HEX + 1];
    char second[SRV_OID_HEX + 1];
    const srv_repo *repo;
    srv_change *change;
    srv_git *git;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    change = begin(&u, git);
    add(&u, change, "a.txt", "a");
    add(&u, change, "d/e/f.txt", "f");
    add(&u, change, "d/naïve #%+ x.txt", "n");
    srv_ok(&u, srv_change_add_bytes(change, HF__STR("run"), true, HF__STR("#!"), &u.err));
    assert_true(commit(&u, change, "one", first));
    assert_tree(repo, "100644 .gitattributes\n100644 a.txt\n100644 d/e/f.txt\n"
                      "100644 d/naïve #%+ x.txt\n100755 run\n");
    /* nothing changed: no commit */
    change = begin(&u, git);
    add(&u, change, "a.txt", "a");
    assert_false(commit(&u, change, "none", second));
    assert_string_equal(first, second);
    /* a file where a folder was, a folder where a file was, a copy, and a folder that empties */
    change = begin(&u, git);
    add(&u, change, "d", "now a file");
    add(&u, change, "a.txt/b", "now a folder");
    srv_ok(&u, srv_change_copy(change, first, HF__STR("d"), HF__STR("copy/of/d"), &u.err));
    srv_ok(&u, srv_change_delete_file(change, HF__STR("copy/of/d/e/f.txt"), &u.err));
    assert_int_equal(srv_change_delete_file(change, HF__STR("copy/of/d/e/f.txt"), &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    assert_int_equal(srv_change_delete_file(change, HF__STR("copy/of"), &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    assert_int_equal(srv_change_delete_folder(change, HF__STR("run/"), &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    assert_int_equal(srv_change_delete_folder(change, HF__STR("nowhere/x/"), &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    assert_true(commit(&u, change, "two", second));
    assert_tree(repo, "100644 .gitattributes\n100644 a.txt/b\n100644 copy/of/d/naïve #%+ x.txt\n"
                      "100644 d\n100755 run\n");
    change = begin(&u, git);
    srv_ok(&u, srv_change_delete_folder(change, HF__STR("copy/"), &u.err));
    assert_true(commit(&u, change, "three", second));
    assert_tree(repo, "100644 .gitattributes\n100644 a.txt/b\n100644 d\n100755 run\n");
    assert_fsck(repo);
    srv_git_close(git);
    srv_unit_end(&u);
}

void test_srv_git__unsafe_paths(void **state)
{
    static const char *const bad[] = { "",       "/a",     "a//b",   "../a",      "a/..",
                                       "a/./b",  ".git/x", "a/.GIT", "a\\b",      "a\nb",
                                       "a/\x7f", "a/",     "\xff",   "a/\xc2\x85" };
    const srv_repo *repo;
    srv_change *change;
    srv_git *git;
    srv_unit u;
    size_t i;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    change = begin(&u, git);
    for (i = 0; i < HF__COUNT(bad); i++)
        assert_int_equal(
            srv_change_add_bytes(change, hf__str_from(bad[i]), false, HF__STR("x"), &u.err),
            HF_ERR_UNSAFE_PATH);
    assert_int_equal(
        srv_change_add_bytes(change, (hf__str){ "a\0b", 3 }, false, HF__STR("x"), &u.err),
        HF_ERR_UNSAFE_PATH);
    srv_change_free(change);
    srv_git_close(git);
    srv_unit_end(&u);
}

void test_srv_git__parents_and_conflicts(void **state)
{
    srv_commit_spec spec = { "refs/heads/main", NULL, "alice", NULL, "x", "why", 0 };
    char before[SRV_OID_HEX + 1];
    char after[SRV_OID_HEX + 1];
    const srv_repo *repo;
    srv_change *change;
    srv_change *late;
    srv_git *git;
    srv_unit u;
    bool made;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    head(&u, git, before);
    late = begin(&u, git);
    change = begin(&u, git);
    add(&u, change, "a", "1");
    spec.parent = "00000";
    assert_int_equal(srv_change_commit(change, &spec, after, &made, &u.err), HF_ERR_CONFLICT);
    spec.parent = "";
    assert_int_equal(srv_change_commit(change, &spec, after, &made, &u.err), HF_ERR_CONFLICT);
    before[7] = '\0'; /* a short parent */
    spec.parent = before;
    srv_ok(&u, srv_change_commit(change, &spec, after, &made, &u.err));
    srv_change_free(change);
    assert_string_equal(
        srv_unit_shell(NULL, "git -C %s log -1 --format=%%an:%%B main", repo->git_dir),
        "alice:x\n\nwhy\n\n");
    /* built on what main was before */
    add(&u, late, "b", "2");
    spec.parent = NULL;
    assert_int_equal(srv_change_commit(late, &spec, after, &made, &u.err), HF_ERR_CONFLICT);
    /* other refs: absent, and made on the base */
    spec.ref = "refs/pr/1";
    assert_int_equal(srv_change_commit(late, &spec, after, &made, &u.err),
                     HF_ERR_REVISION_NOT_FOUND);
    spec.parent = "";
    srv_ok(&u, srv_change_commit(late, &spec, after, &made, &u.err));
    assert_int_equal(srv_change_commit(late, &spec, after, &made, &u.err), HF_ERR_CONFLICT);
    srv_change_free(late);
    assert_string_equal(srv_unit_shell(NULL, "git -C %s rev-list --count refs/pr/1", repo->git_dir),
                        "2\n");
    assert_fsck(repo);
    srv_git_close(git);
    srv_unit_end(&u);
}

void test_srv_git__revisions(void **state)
{
    char main_at[SRV_OID_HEX + 1];
    char got[SRV_OID_HEX + 1];
    const srv_repo *repo;
    const srv_ref *refs;
    srv_change *change;
    srv_git *git;
    srv_unit u;
    size_t n;
    size_t i;
    const char *const ok[] = { "",
                               "main",
                               "HEAD",
                               "feat/x",
                               "v1",
                               "v2",
                               "refs/pr/3",
                               "refs/convert/parquet",
                               "refs/heads/main",
                               "refs/tags/v1",
                               NULL };
    static const char *const none[] = {
        "nope", "refs/heads/nope", "main~1",    "main^{tree}", "refs",  "../HEAD",
        "pr/3", "heads/main",      "refs/pr/4", "a b",         "main:", "@{-1}"
    };

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    head(&u, git, main_at);
    srv_ok(&u, srv_git_ref_make(git, "refs/heads/feat/x", main_at, false, &u.err));
    srv_ok(&u, srv_git_ref_make(git, "refs/pr/3", main_at, false, &u.err));
    srv_ok(&u, srv_git_ref_make(git, "refs/convert/parquet", main_at, false, &u.err));
    srv_ok(&u, srv_git_tag_make(git, "v1", main_at, NULL, "alice", &u.err));
    srv_ok(&u, srv_git_tag_make(git, "v2", main_at, "annotated", "alice", &u.err));
    assert_int_equal(srv_git_tag_make(git, "v2", main_at, "x", "alice", &u.err), HF_ERR_CONFLICT);
    assert_int_equal(srv_git_ref_make(git, "refs/heads/feat/x", main_at, false, &u.err),
                     HF_ERR_CONFLICT);
    assert_int_equal(srv_git_ref_make(git, "refs/heads/a..b", main_at, false, &u.err),
                     HF_ERR_INVALID_ARG);
    for (i = 0; ok[i]; i++) {
        srv_ok(&u, srv_git_resolve(git, hf__str_from(ok[i]), got, &u.err));
        assert_string_equal(got, main_at);
    }
    srv_ok(&u, srv_git_resolve(git, hf__str_from(main_at), got, &u.err));
    for (i = 0; i < HF__COUNT(none); i++)
        assert_int_equal(srv_git_resolve(git, hf__str_from(none[i]), got, &u.err),
                         HF_ERR_REVISION_NOT_FOUND);
    /* a short id, an id of nothing, and one of a tree */
    assert_int_equal(srv_git_resolve(git, (hf__str){ main_at, 8 }, got, &u.err),
                     HF_ERR_REVISION_NOT_FOUND);
    assert_int_equal(
        srv_git_resolve(git, HF__STR("0123456789012345678901234567890123456789"), got, &u.err),
        HF_ERR_REVISION_NOT_FOUND);
    (void)snprintf(got, sizeof got, "%s",
                   srv_unit_shell(NULL, "git -C %s rev-parse main^{tree}", repo->git_dir));
    assert_int_equal(srv_git_resolve(git, (hf__str){ got, 40 }, got, &u.err),
                     HF_ERR_REVISION_NOT_FOUND);
    srv_ok(&u, srv_git_refs(git, u.arena, &refs, &n, &u.err));
    assert_int_equal(n, 6);
    assert_string_equal(refs[0].name, "feat/x");
    assert_string_equal(refs[1].name, "main");
    assert_string_equal(refs[3].ref, "refs/tags/v2");
    assert_string_equal(refs[3].commit, main_at);
    assert_string_equal(refs[4].name, "parquet");
    assert_int_equal(refs[5].kind, SRV_REF_PR);
    assert_string_equal(refs[5].name, "3");
    /* what git packs and what git changes behind our back is seen */
    (void)srv_unit_shell(NULL, "git -C %s gc -q 2>&1 && git -C %s branch later main", repo->git_dir,
                         repo->git_dir);
    srv_ok(&u, srv_git_resolve(git, HF__STR("later"), got, &u.err));
    srv_ok(&u, srv_git_resolve(git, HF__STR("v2"), got, &u.err));
    change = begin(&u, git);
    add(&u, change, "after-gc", "x");
    assert_true(commit(&u, change, "after gc", got));
    srv_ok(&u, srv_git_ref_delete(git, "refs/heads/later", &u.err));
    assert_int_equal(srv_git_ref_delete(git, "refs/heads/later", &u.err),
                     HF_ERR_REVISION_NOT_FOUND);
    assert_fsck(repo);
    srv_git_close(git);
    srv_unit_end(&u);
}

/* A repository with names that try git's order, and many of them. */
static void fill_repo(srv_unit *u, srv_git *git)
{
    static const char *const names[] = { "a",      "a.txt",   "a-b/x", "ab/c/d", "ab/c.d",
                                         "ab/c-d", "z/z/z/z", "A/b",   "a0",     "b b/c c" };
    srv_change *change = begin(u, git);
    char out[SRV_OID_HEX + 1];
    char path[64];
    size_t i;

    for (i = 0; i < HF__COUNT(names); i++)
        add(u, change, names[i], names[i]);
    for (i = 0; i < 300; i++) {
        (void)snprintf(path, sizeof path, "many/f%zu.txt", i);
        add(u, change, path, path);
    }
    assert_true(commit(u, change, "fill", out));
}

static void list_all(srv_unit *u, srv_git *git, const char *at, const char *root, uint32_t flags,
                     size_t page, hf__buf *out)
{
    char after[256] = "";
    size_t n;

    hf__buf_reset(out);
    do {
        const srv_entry *entry;
        srv_tree *tree;

        n = 0;
        srv_ok(u, srv_tree_open(git, at, hf__str_from(root), flags, hf__str_from(after), &tree,
                                &u->err));
        while (n < page) {
            srv_ok(u, srv_tree_next(tree, &entry, &u->err));
            if (!entry)
                break;
            hf__buf_addf(out, "%s %s\t%s\n", entry->is_dir ? "tree" : "blob", entry->oid,
                         entry->path);
            (void)snprintf(after, sizeof after, "%s", entry->path);
            n++;
        }
        srv_tree_close(tree);
    } while (n == page);
}

void test_srv_git__listing_pages_like_git(void **state)
{
    static const size_t pages[] = { 1, 2, 3, 7, 100, 100000 };
    char at[SRV_OID_HEX + 1];
    const srv_repo *repo;
    hf__buf got;
    srv_tree *tree;
    srv_git *git;
    srv_unit u;
    size_t i;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    fill_repo(&u, git);
    head(&u, git, at);
    hf__buf_init(&got, 1 << 20);
    for (i = 0; i < HF__COUNT(pages); i++) {
        list_all(&u, git, at, "", SRV_TREE_RECURSIVE, pages[i], &got);
        assert_string_equal(
            hf__buf_cstr(&got),
            srv_unit_shell(NULL, "git -C %s ls-tree -r -t main | cut -d' ' -f2-", repo->git_dir));
        list_all(&u, git, at, "", 0, pages[i], &got);
        assert_string_equal(
            hf__buf_cstr(&got),
            srv_unit_shell(NULL, "git -C %s ls-tree main | cut -d' ' -f2-", repo->git_dir));
        list_all(&u, git, at, "ab", SRV_TREE_RECURSIVE | SRV_TREE_FILES_ONLY | SRV_TREE_NAMES_ONLY,
                 pages[i], &got);
        assert_string_equal(
            hf__buf_cstr(&got),
            srv_unit_shell(NULL, "git -C %s ls-tree -r main ab/ | cut -d' ' -f2-", repo->git_dir));
    }
    assert_int_equal(srv_tree_open(git, at, HF__STR("a"), 0, HF__STR(""), &tree, &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    assert_int_equal(srv_tree_open(git, at, HF__STR("no"), 0, HF__STR(""), &tree, &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    assert_int_equal(
        srv_tree_open(git, at, HF__STR("ab"), 0, HF__STR("many/f1.txt"), &tree, &u.err),
        HF_ERR_INVALID_ARG);
    hf__buf_dispose(&got);
    srv_git_close(git);
    srv_unit_end(&u);
}

void test_srv_git__last_commits_like_git(void **state)
{
    static const char *const paths[] = {
        "a", "ab", "ab/c.d", "many", "many/f7.txt", "z", "new", ""
    };
    srv_entry entries[HF__COUNT(paths)];
    char at[SRV_OID_HEX + 1];
    char out[SRV_OID_HEX + 1];
    const srv_commit *log;
    const srv_repo *repo;
    srv_change *change;
    uint64_t total;
    srv_git *git;
    srv_unit u;
    size_t n;
    size_t i;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    fill_repo(&u, git);
    change = begin(&u, git);
    add(&u, change, "ab/c.d", "2");
    (void)commit(&u, change, "two\nlines\n\nbody\n\nmore", out);
    change = begin(&u, git);
    add(&u, change, "new", "3");
    add(&u, change, "many/f7.txt", "3");
    (void)commit(&u, change, "three", out);
    /* a merge that brings "z" from the side */
    (void)srv_unit_shell(
        NULL,
        "cd %s && export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x "
        "GIT_COMMITTER_EMAIL=x && git clone -q %s w && cd w && git checkout -q -b s "
        "HEAD~1 && echo 1 >z2 && git add z2 && git rm -q -r z && git commit -q -m s "
        "&& git checkout -q main && git merge -q -m merge s && git push -q origin "
        "main 2>&1",
        u.dir.path, repo->git_dir);
    head(&u, git, at);
    n = 0;
    for (i = 0; i < HF__COUNT(paths); i++)
        if (srv_git_entry(git, at, hf__str_from(paths[i]), u.arena, &entries[n], &u.err) == HF_OK)
            n++;
    assert_int_equal(n, HF__COUNT(paths) - 1); /* z is gone */
    srv_ok(&u, srv_git_last_commits(git, at, entries, n, u.arena, &u.err));
    for (i = 0; i < n; i++) {
        const char *want =
            srv_unit_shell(NULL, "git -C %s log -1 --format=%%H main -- '%s'", repo->git_dir,
                           entries[i].path[0] ? entries[i].path : ".");

        assert_non_null(entries[i].last_commit);
        if (strncmp(entries[i].last_commit->id, want, 40) != 0)
            print_error("last commit of '%s'\n", entries[i].path);
        /* the merge made a root that neither side had, though each file came from a side */
        assert_memory_equal(entries[i].last_commit->id, entries[i].path[0] ? want : at, 40);
    }
    srv_ok(&u, srv_git_log(git, at, 0, 100, u.arena, &log, &n, &total, &u.err));
    assert_int_equal(n, 6);
    assert_int_equal(total, 6);
    assert_string_equal(log[0].title, "merge");
    srv_ok(&u, srv_git_log(git, at, 2, 1, u.arena, &log, &n, &total, &u.err));
    assert_int_equal(n, 1);
    assert_int_equal(total, 6);
    (void)snprintf(
        out, sizeof out, "%s",
        srv_unit_shell(NULL, "git -C %s log --format=%%H --grep=lines main", repo->git_dir));
    srv_ok(&u, srv_git_commit(git, out, u.arena, &log, &u.err));
    assert_string_equal(log->title, "two lines");
    assert_string_equal(log->message, "body\n\nmore");
    srv_git_close(git);
    srv_unit_end(&u);
}

void test_srv_git__blobs_in_pieces(void **state)
{
    static char bytes[300000];
    static char got[300000];
    char path[UNIT_PATH_MAX];
    char at[SRV_OID_HEX + 1];
    const srv_repo *repo;
    srv_change *change;
    srv_entry entry;
    srv_blob *blob;
    srv_git *git;
    srv_unit u;
    size_t n;
    size_t i;
    int fd;
    int packed;

    (void)state;
    for (i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    (void)snprintf(path, sizeof path, "%s", unit_path(&u.dir, "big"));
    unit_write(path, bytes, sizeof bytes);
    change = begin(&u, git);
    fd = open(path, O_RDONLY);
    assert_int_equal(srv_change_add_fd(change, HF__STR("big"), false, fd, sizeof bytes - 1, &u.err),
                     HF_ERR_CHANGED);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(srv_change_add_fd(change, HF__STR("big"), false, fd, sizeof bytes + 1, &u.err),
                     HF_ERR_CHANGED);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    srv_ok(&u, srv_change_add_fd(change, HF__STR("big"), false, fd, sizeof bytes, &u.err));
    close(fd);
    add(&u, change, "empty", "");
    (void)commit(&u, change, "big", at);
    for (packed = 0; packed < 2; packed++) {
        srv_ok(&u, srv_git_entry(git, at, HF__STR("big"), u.arena, &entry, &u.err));
        assert_int_equal(entry.size, sizeof bytes);
        srv_ok(&u, srv_blob_open(git, entry.oid, &blob, &u.err));
        assert_int_equal(srv_blob_size(blob), sizeof bytes);
        for (i = 0; i < sizeof bytes; i += n) {
            srv_ok(&u, srv_blob_read(blob, i, got + i, 7777, &n, &u.err));
            assert_true(n > 0);
        }
        assert_memory_equal(got, bytes, sizeof bytes);
        srv_ok(&u, srv_blob_read(blob, 200000, got, 10, &n, &u.err)); /* back, and skipping */
        assert_memory_equal(got, bytes + 200000, 10);
        srv_ok(&u, srv_blob_read(blob, 299999, got, 10, &n, &u.err));
        assert_int_equal(n, 1);
        srv_ok(&u, srv_blob_read(blob, 300000, got, 10, &n, &u.err));
        assert_int_equal(n, 0);
        srv_blob_close(blob);
        srv_ok(&u, srv_git_entry(git, at, HF__STR("empty"), u.arena, &entry, &u.err));
        srv_ok(&u, srv_blob_open(git, entry.oid, &blob, &u.err));
        srv_ok(&u, srv_blob_read(blob, 0, got, 10, &n, &u.err));
        assert_int_equal(n, 0);
        srv_blob_close(blob);
        (void)srv_unit_shell(NULL, "git -C %s repack -adq", repo->git_dir);
    }
    srv_git_close(git);
    srv_unit_end(&u);
}

void test_srv_git__pointers_are_git_lfs_own(void **state)
{
    static const char text[] = "not much of a model\n";
    static const char *const not_pointers[] = {
        "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n",
        "version https://git-lfs.github.com/spec/v1\n",
        "version https://git-lfs.github.com/spec/v1\noid "
        "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\nsize x\n",
        "version https://example.com/v9\noid "
        "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\nsize 3\n",
    };
    char sha256[SRV_SHA256_HEX + 1];
    char at[SRV_OID_HEX + 1];
    const srv_repo *repo;
    srv_change *change;
    srv_lfs_put *put;
    srv_entry entry;
    srv_git *git;
    srv_unit u;
    hf__buf got;
    char path[32];
    size_t i;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    srv_ok(&u, srv_lfs_put_new(u.store, &put, &u.err));
    srv_ok(&u, srv_lfs_put_add(put, text, sizeof text - 1, &u.err));
    srv_ok(&u, srv_lfs_put_commit(put, repo, NULL, 0, sha256, &u.err));
    change = begin(&u, git);
    srv_ok(&u,
           srv_change_add_lfs(change, HF__STR("m.bin"), false, sha256, sizeof text - 1, &u.err));
    for (i = 0; i < HF__COUNT(not_pointers); i++) {
        (void)snprintf(path, sizeof path, "not/%zu", i);
        add(&u, change, path, not_pointers[i]);
    }
    (void)commit(&u, change, "lfs", at);
    srv_ok(&u, srv_git_entry(git, at, HF__STR("m.bin"), u.arena, &entry, &u.err));
    assert_true(entry.is_lfs);
    assert_int_equal(entry.size, sizeof text - 1);
    assert_string_equal(srv_entry_etag(&entry), sha256);
    hf__buf_init(&got, 4096);
    srv_ok(&u, srv_git_read(git, entry.oid, &got, &u.err));
    assert_int_equal(entry.pointer_size, got.len);
    unit_write(unit_path(&u.dir, "m.bin"), text, sizeof text - 1);
    assert_string_equal(
        srv_unit_shell(NULL, "git lfs pointer --file=%s 2>/dev/null", unit_path(&u.dir, "m.bin")),
        hf__buf_cstr(&got));
    for (i = 0; i < HF__COUNT(not_pointers); i++) {
        (void)snprintf(path, sizeof path, "not/%zu", i);
        srv_ok(&u, srv_git_entry(git, at, hf__str_from(path), u.arena, &entry, &u.err));
        assert_false(entry.is_lfs);
        assert_int_equal(entry.size, strlen(not_pointers[i]));
    }
    hf__buf_dispose(&got);
    srv_git_close(git);
    srv_unit_end(&u);
}

/* ---------------------------------------------------------------------------------------- threads */

#define N_THREADS 4
#define N_COMMITS 4

typedef struct worker {
    srv_unit *u;
    const srv_repo *repo;
    int number;
    int failures;
} worker;

/* One commit on whatever main is; again when somebody was faster. */
static bool commit_once(worker *w, srv_git *git, const char *path)
{
    srv_commit_spec spec = { "refs/heads/main", NULL, "alice", NULL, path, NULL, 0 };
    char at[SRV_OID_HEX + 1];
    srv_change *change = NULL;
    hf_error err = HF_ERROR_INIT;
    hf_status st = srv_git_resolve(git, HF__STR("main"), at, &err);
    bool made = false;

    if (st == HF_OK)
        st = srv_change_new(git, at, &change, &err);
    if (st == HF_OK)
        st = srv_change_add_bytes(change, hf__str_from(path), false, hf__str_from(path), &err);
    if (st == HF_OK)
        st = srv_change_commit(change, &spec, at, &made, &err);
    srv_change_free(change);
    if (st != HF_OK && st != HF_ERR_CONFLICT) {
        print_error("%s\n", err.message);
        w->failures++;
        return true;
    }
    return st == HF_OK;
}

static void *work(void *arg)
{
    worker *w = arg;
    hf__arena *arena = hf__arena_new();
    int i;

    for (i = 0; i < N_COMMITS; i++) {
        hf_error err = HF_ERROR_INIT;
        const srv_identity *who;
        const srv_repo *repo;
        const srv_entry *entry;
        srv_tree *tree = NULL;
        srv_git *git = NULL;
        char at[SRV_OID_HEX + 1];
        char path[64];

        (void)snprintf(path, sizeof path, "t%d/%d", w->number, i);
        if (srv_git_open(w->u->store, w->repo, &git, &err) != HF_OK ||
            srv_identity_find(w->u->store, HF__STR(""), arena, &who, &err) != HF_OK ||
            srv_repo_find(w->u->store, SRV_MODEL, HF__STR("acme/a"), arena, &repo, NULL, &err) !=
                HF_OK ||
            srv_repo_count_download(w->u->store, w->repo, &err) != HF_OK) {
            w->failures++;
            break;
        }
        while (!commit_once(w, git, path))
            ;
        if (srv_git_resolve(git, HF__STR("main"), at, &err) != HF_OK ||
            srv_tree_open(git, at, HF__STR(""), SRV_TREE_RECURSIVE, HF__STR(""), &tree, &err) !=
                HF_OK)
            w->failures++;
        while (tree && srv_tree_next(tree, &entry, &err) == HF_OK && entry)
            ;
        srv_tree_close(tree);
        srv_git_close(git);
    }
    hf__arena_free(arena);
    return NULL;
}

void test_srv_git__threads_lose_no_commit(void **state)
{
    pthread_t threads[N_THREADS];
    worker workers[N_THREADS];
    const srv_repo *repo;
    char want[32];
    srv_unit u;
    int i;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    for (i = 0; i < N_THREADS; i++) {
        workers[i] = (worker){ &u, repo, i, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].failures, 0);
    }
    (void)snprintf(want, sizeof want, "%d\n", N_THREADS * N_COMMITS + 1);
    assert_string_equal(srv_unit_shell(NULL, "git -C %s rev-list --count main", repo->git_dir),
                        want);
    assert_string_equal(srv_unit_shell(NULL, "git -C %s ls-tree -r main | wc -l", repo->git_dir),
                        want);
    srv_ok(&u, srv_repo_find(u.store, SRV_MODEL, HF__STR("acme/a"), u.arena, &repo, NULL, &u.err));
    assert_int_equal(repo->downloads, N_THREADS * N_COMMITS);
    assert_fsck(repo);
    srv_unit_end(&u);
}
