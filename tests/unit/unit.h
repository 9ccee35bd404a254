/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test needs: cmocka with the headers it wants first, and a scratch directory. */
#ifndef HF_TESTS_UNIT_H
#define HF_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT_PATH_MAX 4096

typedef struct unit_dir {
    char path[256];
} unit_dir;

static inline int unit_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
    (void)ftw;
    if (type == FTW_D || type == FTW_DNR)
        (void)chmod(path, 0700);
    (void)st;
    return remove(path);
}

/* An empty directory of the test's own, by its real path; unit_dir_remove() takes it away. */
static inline unit_dir unit_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    char template[128];
    char *real;
    unit_dir dir;

    snprintf(template, sizeof template, "%s/hf-unit-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(template));
    real = realpath(template, NULL);
    assert_non_null(real);
    snprintf(dir.path, sizeof dir.path, "%s", real);
    free(real);
    return dir;
}

static inline void unit_dir_remove(const unit_dir *dir)
{
    (void)nftw(dir->path, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Path of an entry below dir, in one of a few buffers that are used in turn. */
static inline const char *unit_path(const unit_dir *dir, const char *rel)
{
    static _Thread_local char paths[8][UNIT_PATH_MAX];
    static _Thread_local unsigned turn;
    char *path = paths[turn++ % 8];

    snprintf(path, UNIT_PATH_MAX, "%s/%s", dir->path, rel);
    return path;
}

static inline void unit_write(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* The file as text, in a static buffer. */
static inline const char *unit_read(const char *path)
{
    static _Thread_local char text[65536];
    FILE *file = fopen(path, "rb");
    size_t got;

    assert_non_null(file);
    got = fread(text, 1, sizeof text - 1, file);
    text[got] = '\0';
    fclose(file);
    return text;
}

static inline bool unit_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

#endif
