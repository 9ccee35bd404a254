/* SPDX-License-Identifier: Apache-2.0 */
/* .gitattributes by our reading and by git's: `git check-attr` is the judge of every pair. */
#include "srv_unit.h"

static const char *const texts[] = {
    "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "*.bin filter=lfs\nsmall.bin -filter\n",
    "*.bin filter=lfs\nsub/*.bin !filter\n",
    "sub/*.bin filter=lfs\n",
    "/x.bin filter=lfs\n",
    "saved_model/**/* filter=lfs\n",
    "**/deep/*.bin filter=lfs\n",
    "sub/** filter=lfs\n",
    "sub/**/x.bin filter=lfs\n",
    "a**n filter=lfs\n",
    "*tfevents* filter=lfs\n",
    "# *.bin filter=lfs\n\n   \n\t*.txt filter=lfs\r\n",
    "big[[:space:]]one#.dat filter=lfs\n",
    "\"big one#.dat\" filter=lfs\n",
    "\"q\\\"\\141.bin\" filter=lfs\n",
    "[xy].bin filter=lfs\n[!x]y.bin filter=lfs\n[a-c]?.bin filter=lfs\n",
    "\\#x.bin filter=lfs\n\\!x.bin filter=lfs\n\\*.bin filter=lfs\n",
    "!x.bin filter=lfs\n",
    "sub/ filter=lfs\n",
    "x.bin filter\nsub/x.bin filter=other\n",
    "[attr]big filter=lfs\nx.txt text\n",
    "x.bin filter=lfs", /* no end of line */
    "[x.bin filter=lfs\n[[:alpha:]].bin filter=lfs\n",
    "*.safe* filter=lfs\n*.tar.* filter=lfs\n",
    "naïve* filter=lfs\n",
    "a[]]b.bin filter=lfs\na[^/]b.bin filter=lfs\n",
};

static const char *const paths[] = {
    "x.bin",
    "y.bin",
    "small.bin",
    "sub/x.bin",
    "sub/small.bin",
    "sub/deep/x.bin",
    "deep/x.bin",
    "a/deep/x.bin",
    "saved_model/a",
    "saved_model/b/c.txt",
    "x.txt",
    "events.out.tfevents.1",
    "sub/y/tfevents",
    "big one#.dat",
    "sub/big one#.dat",
    "q\"a.bin",
    "xy.bin",
    "yy.bin",
    "b1.bin",
    "#x.bin",
    "!x.bin",
    "*.bin",
    "an",
    "a.bin/n",
    "abcn",
    "m.safetensors",
    "m.tar.gz",
    "naïve.txt",
    "a]b.bin",
    "axb.bin",
    "a/b.bin",
    "x.binx",
    "sub",
    "[x.bin",
};

void test_srv_attributes__as_git_reads_them(void **state)
{
    srv_change *change;
    const srv_repo *repo;
    srv_git *git;
    srv_unit u;
    size_t i;
    size_t j;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    (void)srv_unit_shell(NULL, "git init -q %s/w", u.dir.path);
    for (i = 0; i < HF__COUNT(texts); i++) {
        const char *verdict;

        unit_write(unit_path(&u.dir, "w/.gitattributes"), texts[i], strlen(texts[i]));
        {
            FILE *list = fopen(unit_path(&u.dir, "list"), "wb");

            assert_non_null(list);
            for (j = 0; j < HF__COUNT(paths); j++)
                (void)fwrite(paths[j], 1, strlen(paths[j]) + 1, list);
            fclose(list);
        }
        verdict = srv_unit_shell(NULL, "git -C %s/w check-attr --stdin -z filter <%s/list",
                                 u.dir.path, u.dir.path);
        srv_ok(&u, srv_change_new(git, NULL, &change, &u.err));
        srv_ok(&u, srv_change_add_bytes(change, HF__STR(".gitattributes"), false,
                                        hf__str_from(texts[i]), &u.err));
        for (j = 0; j < HF__COUNT(paths); j++) {
            bool ours;
            bool gits;

            assert_string_equal(verdict, paths[j]);
            verdict += strlen(verdict) + 1;
            verdict += strlen(verdict) + 1;
            gits = strcmp(verdict, "lfs") == 0;
            verdict += strlen(verdict) + 1;
            srv_ok(&u, srv_change_is_lfs_path(change, hf__str_from(paths[j]), &ours, &u.err));
            if (ours != gits)
                print_error("%s of %s\n", paths[j], texts[i]);
            assert_int_equal(ours, gits);
        }
        srv_change_free(change);
    }
    srv_git_close(git);
    srv_unit_end(&u);
}

/* A line made for a path covers that path, by git's judgement, and names with glob characters do not
 * cover others. */
void test_srv_attributes__lines_we_write(void **state)
{
    static const char *const names[] = { "plain.dat",     "with space.dat", "#hash.dat",
                                         "!bang.dat",     "st*r.dat",       "q?.dat",
                                         "br[ack]et.dat", "\"q\".dat",      "sub/dir/x.dat",
                                         "naïve.dat",     "a%20+b.dat" };
    srv_change *change = NULL;
    const srv_repo *repo;
    hf__buf text;
    srv_commit_spec spec = { "refs/heads/x", "", "alice", NULL, "x", NULL, 0 };
    char at[SRV_OID_HEX + 1];
    bool made;
    srv_git *git;
    srv_unit u;
    size_t i;

    (void)state;
    srv_unit_begin(&u);
    repo = srv_unit_repo(&u, "acme/a");
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    hf__buf_init(&text, 1 << 16);
    {
        hf__str list[HF__COUNT(names)];

        for (i = 0; i < HF__COUNT(names); i++)
            list[i] = hf__str_from(names[i]);
        srv_ok(&u, srv_change_new(git, NULL, &change, &u.err));
        srv_ok(&u, srv_change_track_lfs(change, list, HF__COUNT(names), &u.err));
        srv_ok(&u,
               srv_change_track_lfs(change, list, HF__COUNT(names), &u.err)); /* no second line */
        srv_ok(&u, srv_change_commit(change, &spec, at, &made, &u.err));
        srv_change_free(change);
    }
    (void)srv_unit_shell(NULL, "git clone -q -b x %s %s/w 2>&1", repo->git_dir, u.dir.path);
    assert_string_equal(srv_unit_shell(NULL, "wc -l <%s/w/.gitattributes", u.dir.path), "11\n");
    for (i = 0; i < HF__COUNT(names); i++) {
        const char *said = srv_unit_shell(NULL, "cd %s/w && git check-attr -z filter -- '%s'",
                                          u.dir.path, names[i]);

        said += strlen(said) + 1;
        said += strlen(said) + 1;
        if (strcmp(said, "lfs") != 0)
            print_error("%s\n", names[i]);
        assert_string_equal(said, "lfs");
    }
    hf__buf_dispose(&text);
    srv_git_close(git);
    srv_unit_end(&u);
}
