/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a data folder, and the small things the other files share. */
#define _GNU_SOURCE /* syncfs */
#include "store/private.h"

#include "core/clock.h"
#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void srv__random_bytes(void *out, size_t len)
{
    unsigned char *at = out;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);

        if (got < 0) {
            if (errno == EINTR)
                continue;
            abort(); /* no kernel of ours lacks it, and a guessable token is worse than none */
        }
        at += got;
        len -= (size_t)got;
    }
}

void srv__random_hex(char *out, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[64];
    size_t i;

    HF__ASSERT(len <= sizeof bytes);
    srv__random_bytes(bytes, len);
    for (i = 0; i < len; i++)
        out[i] = digits[bytes[i] & 15];
    out[len] = '\0';
}

void *srv__grow(hf__arena *arena, void *list, size_t n, size_t size)
{
    void *grown;

    /* Full exactly when n is 0 or a power of two from 16 on. */
    if (n > 0 && (n < 16 || (n & (n - 1)) != 0))
        return list;
    grown = hf__arena_array(arena, n ? 2 * n : 16, size);
    if (grown && n > 0)
        memcpy(grown, list, n * size);
    return grown;
}

srv_time_ms srv__now(void)
{
    return (srv_time_ms)(hf__clock_wall() * 1000.0);
}

hf_status srv__path(srv_store *store, hf__buf *out, hf_error *err, const char *fmt, ...)
{
    char rel[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(rel, sizeof rel, fmt, args);
    va_end(args);
    hf__buf_reset(out);
    hf__buf_addf(out, "%s/%s", store->data_dir, rel);
    return out->status == HF_OK ? HF_OK
                                : hf__fail(err, out->status, "path of the data folder too long");
}

hf_status srv__sync_fs(const char *path, hf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    hf_status st = HF_OK;

    if (fd < 0 || syncfs(fd) != 0)
        st = hf__fail_os(err, errno, "cannot sync '%s'", path);
    hf__os_close(&fd);
    return st;
}

hf_status srv__sync_dir(const char *path, hf_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    hf_status st = HF_OK;

    if (fd < 0 || fsync(fd) != 0)
        st = hf__fail_os(err, errno, "cannot sync '%s'", path);
    hf__os_close(&fd);
    return st;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void srv__remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Everybody holds DATA/lock shared; who can have it alone for a moment is alone, and tidies up. */
static hf_status join(srv_store *store, srv__db *db, hf_error *err)
{
    hf_status st = HF_OK;

    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        st = srv__sweep(store, db, err);
    while (st == HF_OK && flock(store->lock_fd, LOCK_SH) != 0)
        if (errno != EINTR)
            st = hf__fail_os(err, errno, "cannot lock '%s/lock'", store->data_dir);
    return st;
}

static hf_status make_folders(srv_store *store, const srv_store_opts *opts, hf_error *err)
{
    static const char *const names[] = { "git", "lfs", "tmp", "uploads" };
    hf__os_stat info;
    hf__buf path;
    hf_status st;
    size_t i;

    hf__buf_init(&path, HF__MAX_PATH);
    st = srv__path(store, &path, err, "hub.sqlite");
    if (st == HF_OK && opts->must_exist) {
        st = hf__os_stat_path(hf__buf_cstr(&path), &info, err);
        if (st == HF_OK && info.type == HF__OS_ABSENT)
            st = hf__fail(err, HF_ERR_IO, "'%s' is no data folder of hf-serve", opts->data_dir);
    }
    /* 0700: private repos and the database of tokens lie here. */
    if (st == HF_OK)
        st = hf__os_mkdirs(store->data_dir, 0700, err);
    for (i = 0; st == HF_OK && i < HF__COUNT(names); i++) {
        st = srv__path(store, &path, err, "%s", names[i]);
        if (st == HF_OK)
            st = hf__os_mkdirs(hf__buf_cstr(&path), 0700, err);
    }
    if (st == HF_OK)
        st = srv__path(store, &path, err, "lock");
    if (st == HF_OK) {
        store->lock_fd = open(hf__buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (store->lock_fd < 0)
            st = hf__fail_os(err, errno, "cannot open '%s'", hf__buf_cstr(&path));
    }
    /* Made here, since SQLite would make it readable for all in a folder that was there before. */
    if (st == HF_OK)
        st = srv__path(store, &path, err, "hub.sqlite");
    if (st == HF_OK) {
        int fd = open(hf__buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0)
            st = hf__fail_os(err, errno, "cannot open '%s'", hf__buf_cstr(&path));
        hf__os_close(&fd);
    }
    hf__buf_dispose(&path);
    return st;
}

static hf_status load_secret(srv_store *store, srv__db *db, hf_error *err)
{
    unsigned char fresh[sizeof store->secret];
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    hf_status st;

    srv__random_bytes(fresh, sizeof fresh);
    st = srv__sql_begin(db, &stmt, err, "SELECT value FROM meta WHERE name='secret'", "");
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK && !row) {
        srv__sql_end(db, stmt);
        stmt = NULL;
        st = srv__sql_run(db, NULL, err,
                          "INSERT OR IGNORE INTO meta(name, value) VALUES('secret', ?)", "b",
                          (const void *)fresh, sizeof fresh);
        if (st == HF_OK)
            st = srv__sql_begin(db, &stmt, err, "SELECT value FROM meta WHERE name='secret'", "");
        if (st == HF_OK)
            st = srv__sql_next(db, stmt, &row, err);
    }
    if (st == HF_OK && (!row || sqlite3_column_bytes(stmt, 0) != (int)sizeof store->secret))
        st = hf__fail(err, HF_ERR_BAD_FORMAT, "the database holds no secret");
    if (st == HF_OK)
        memcpy(store->secret, sqlite3_column_blob(stmt, 0), sizeof store->secret);
    srv__sql_end(db, stmt);
    return st;
}

static pthread_once_t git_once = PTHREAD_ONCE_INIT;
static int git_rc;

static void start_git(void)
{
    git_rc = git_libgit2_init();
    if (git_rc < 0)
        return;
    /* A folder of 100,000 files is a tree of 4 MB: kept, else every page of a listing parses it. */
    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, (size_t)16 * 1024 * 1024);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)48 * 1024 * 1024);
    /* Repositories are ours; settings of the user or the system have no say. */
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_GLOBAL, "");
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_XDG, "");
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_SYSTEM, "");
    git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
    /* A data folder in a container's volume often belongs to another user. */
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    /* What a tree or a commit names was written or found by us a moment ago. */
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
}

hf_status srv_store_open(const srv_store_opts *opts, srv_store **out, hf_error *err)
{
    srv_store *store;
    srv__db *db = NULL;
    hf_status st;

    hf__error_clear(err);
    (void)pthread_once(&git_once, start_git);
    if (git_rc < 0)
        return hf__fail(err, HF_ERR_INTERNAL, "libgit2 does not start");
    store = calloc(1, sizeof *store);
    if (!store)
        return hf__fail_nomem(err);
    store->lock_fd = -1;
    (void)pthread_mutex_init(&store->synced.lock, NULL);
    (void)pthread_mutex_init(&store->ref_lock, NULL);
    store->data_dir = strdup(opts->data_dir);
    st = store->data_dir ? make_folders(store, opts, err) : hf__fail_nomem(err);
    if (st == HF_OK)
        st = srv__hasher_new(&store->hasher, err);
    if (st == HF_OK)
        st = srv__db_take(store, &db, err);
    if (st == HF_OK)
        st = srv__schema_apply(db, err);
    if (st == HF_OK)
        st = join(store, db, err);
    if (st == HF_OK)
        st = load_secret(store, db, err);
    srv__db_give(store, db);
    if (st != HF_OK) {
        srv_store_close(store);
        return st;
    }
    *out = store;
    return HF_OK;
}

void srv_store_close(srv_store *store)
{
    if (!store)
        return;
    srv__uploads_close(store);
    while (store->synced.gits) {
        srv_git *git = store->synced.gits;

        store->synced.gits = git->next;
        git_odb_free(git->odb);
        git_repository_free(git->repo);
        free(git);
    }
    while (store->synced.dbs) {
        srv__db *db = store->synced.dbs;

        store->synced.dbs = db->next;
        srv__db_close(db);
    }
    srv__hasher_free(store->hasher);
    hf__os_close(&store->lock_fd);
    (void)pthread_mutex_destroy(&store->synced.lock);
    (void)pthread_mutex_destroy(&store->ref_lock);
    free(store->synced.facts);
    free(store->data_dir);
    free(store);
}

hf__str srv_store_secret(srv_store *store)
{
    return (hf__str){ (const char *)store->secret, sizeof store->secret };
}
