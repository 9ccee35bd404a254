/* SPDX-License-Identifier: Apache-2.0 */
/* .gitignore by our reading and by git's: `git check-ignore` is the judge of every pair. */
#include "srv_unit.h"

static const char *const texts[] = {
    "*.log\n!keep.log\n", "build/\n!build/x.txt\n",  "/root-only\n",          "a/b\n",
    "**/cache\n",         "sub/**\n!sub/keep.log\n", "# a.log\n\\#x\n\\!y\n", "trailing.txt   \n",
    "!a.log\n*.log\n",    "*\n!*/\n!*.txt\n",        "[ab].log\r\n",          "x.log",
    "\n\n   \n",
};

static const char *const paths[] = {
    "a.log",      "keep.log",    "sub/a.log",     "sub/keep.log", "build/x.txt", "sub/build/y",
    "build",      "root-only",   "sub/root-only", "a/b",          "a/b/c.txt",   "sub/a/b",
    "cache/x",    "sub/cache/x", "cache",         "#x",           "!y",          "trailing.txt",
    "readme.txt", "sub/r.txt",   "x.log",         "c.log",
};

void test_srv_ignores__as_git_reads_them(void **state)
{
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    (void)srv_unit_shell(NULL, "git init -q %s/w", u.dir.path);
    for (size_t i = 0; i < HF__COUNT(texts); i++) {
        unit_write(unit_path(&u.dir, "w/.gitignore"), texts[i], strlen(texts[i]));
        for (size_t j = 0; j < HF__COUNT(paths); j++) {
            bool ours = srv_ignores(hf__str_from(texts[i]), hf__str_from(paths[j]));
            int code;

            (void)srv_unit_shell(&code, "git -C %s/w check-ignore -q --no-index -- '%s'",
                                 u.dir.path, paths[j]);
            if (ours != (code == 0))
                print_error("%s of %s\n", paths[j], texts[i]);
            assert_int_equal(ours, code == 0);
        }
    }
    srv_unit_end(&u);
}
