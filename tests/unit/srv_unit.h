/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the server's store need: a store in a folder of its own, and git as the judge. */
#ifndef HF_TESTS_SRV_UNIT_H
#define HF_TESTS_SRV_UNIT_H

#include "unit.h"

#include "store/store.h"

typedef struct srv_unit {
    unit_dir dir;
    srv_store *store;
    hf__arena *arena;
    hf_error err;
} srv_unit;

/* st must be HF_OK; shows the message when it is not. */
static inline void srv_ok(const srv_unit *u, hf_status st)
{
    if (st != HF_OK)
        print_error("%s: %s\n", hf_status_name(st), u->err.message);
    assert_int_equal(st, HF_OK);
}

static inline void srv_unit_reopen(srv_unit *u)
{
    srv_store_opts opts = { unit_path(&u->dir, "data"), false };

    srv_store_close(u->store);
    u->store = NULL;
    srv_ok(u, srv_store_open(&opts, &u->store, &u->err));
}

static inline void srv_unit_begin(srv_unit *u)
{
    memset(u, 0, sizeof *u);
    u->err = (hf_error)HF_ERROR_INIT;
    u->dir = unit_dir_make();
    u->arena = hf__arena_new();
    assert_non_null(u->arena);
    srv_unit_reopen(u);
}

static inline void srv_unit_end(srv_unit *u)
{
    srv_store_close(u->store);
    hf__arena_free(u->arena);
    unit_dir_remove(&u->dir);
}

static inline const srv_repo *srv_unit_repo(srv_unit *u, const char *id)
{
    srv_repo_spec spec = { 0 };
    const srv_repo *repo = NULL;

    spec.id = id;
    srv_ok(u, srv_repo_create(u->store, &spec, u->arena, &repo, &u->err));
    return repo;
}

/* Standard output of a shell command, in a static buffer; *code (NULL: must be 0) its exit code. */
static inline const char *srv_unit_shell(int *code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline const char *srv_unit_shell(int *code, const char *fmt, ...)
{
    static char out[1 << 20];
    char command[8192];
    va_list args;
    FILE *pipe;
    size_t got;
    int status;

    va_start(args, fmt);
    (void)vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    got = fread(out, 1, sizeof out - 1, pipe);
    out[got] = '\0';
    status = pclose(pipe);
    if (code)
        *code = status;
    else
        assert_int_equal(status, 0);
    return out;
}

#endif
