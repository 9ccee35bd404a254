/* SPDX-License-Identifier: Apache-2.0 */
#include "torture.h"

#include "core/arena.h"
#include "core/base64.h"
#include "core/env.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/os.h"
#include "core/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hf_status wrong(hf_error *err, const char *what)
{
    return hf__fail(err, HF_ERR_INTERNAL, "%s", what);
}

/* What a caller of a buf does with it at the end. */
static hf_status buf_done(hf__buf *buf, const char *expected, hf_error *err)
{
    hf_status st = buf->status;

    if (st != HF_OK)
        st = hf__fail(err, st, "cannot build the text");
    else if (expected && strcmp(hf__buf_cstr(buf), expected) != 0)
        st = wrong(err, "the text is not what it must be");
    hf__buf_dispose(buf);
    return st;
}

static hf_status run_buf(hf_error *err)
{
    hf__buf buf;
    char *text;
    hf_status st = HF_OK;

    hf__buf_init(&buf, 100000);
    for (int i = 0; i < 1000; i++)
        hf__buf_addf(&buf, "%d,", i);
    hf__buf_add_quoted(&buf, HF__STR("a b/c"), HF__QUOTE_SEGMENT);
    hf__base64_add(&buf, HF__BASE64_URL, "some bytes", 10);
    text = hf__buf_take(&buf);
    if (!text)
        st = hf__fail(err, buf.status, "cannot build the text");
    else if (strncmp(text, "0,1,2,", 6) != 0 || !strstr(text, "999,a%20b%2Fcc29tZSBieXRlcw=="))
        st = wrong(err, "the text is not what it must be");
    free(text);
    hf__buf_dispose(&buf);
    return st;
}

static hf_status run_arena(hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    hf_status st = arena ? HF_OK : hf__fail_nomem(err);

    for (size_t i = 0; st == HF_OK && i < 300; i++) {
        char *text = hf__arena_str(arena, HF__STR("a piece of text"));
        void *array = hf__arena_array(arena, i, 100);

        if (!text || !array)
            st = hf__fail_nomem(err);
        else if (strcmp(text, "a piece of text") != 0)
            st = wrong(err, "the text is not what it must be");
    }
    hf__arena_free(arena);
    return st;
}

static hf_status run_json(hf_error *err)
{
    static const char text[] = "{\"siblings\":[{\"rfilename\":\"a\\u00e9.bin\",\"size\":12},"
                               "{\"rfilename\":\"b\",\"lfs\":{\"x\":1.5,\"y\":null,\"z\":[true]}}],"
                               "\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,"
                               "\"k8\":8,\"k9\":9}";
    hf__json *doc = NULL;
    hf_status st = hf__json_parse(HF__STR(text), "answer", &doc, err);

    if (st == HF_OK && hf__json_len(doc) != 10)
        st = wrong(err, "members are missing");
    /* Jansson tells some failed allocations as malformed text; nothing may be lost or crash. */
    if (st == HF_ERR_PROTOCOL)
        st = hf__fail_nomem(err);
    hf__json_free(doc);
    return st;
}

static hf_status run_json_string(hf_error *err)
{
    hf__buf buf;

    hf__buf_init(&buf, 1000);
    hf__json_add_string(&buf, HF__STR("one \"two\" \xc3\xa9 and a longer rest that needs a larger "
                                      "block than the first one is"));
    return buf_done(&buf, NULL, err);
}

static hf_status run_env(hf_error *err)
{
    hf__buf buf;

    hf__buf_init(&buf, 1000);
    hf__env_expand_path(&buf, "~/x/$HF_TORTURE/y");
    return buf_done(&buf, "/home/torture/x/some value/y", err);
}

static hf_status run_hash(hf_error *err)
{
    char hex[HF__HASH_HEX_MAX + 1];
    uint8_t mac[32];
    hf_status st = hf__hash_text(HF__HASH_GIT_BLOB, HF__STR("hello\n"), hex, err);

    if (st == HF_OK && strcmp(hex, "ce013625030ba8dba906f756967f9e9ca394464a") != 0)
        st = wrong(err, "the hash is not what it must be");
    if (st == HF_OK)
        st = hf__hmac_sha256(HF__STR("key"), HF__STR("text"), mac, err);
    return st;
}

typedef struct step {
    hf__job job;
    hf__strand *strand;
    int left;
    int *ran;
} step;

static void take_step(void *arg)
{
    step *self = arg;

    ++*self->ran;
    if (self->left-- > 0)
        hf__strand_add(self->strand, &self->job);
}

static hf_status run_pool(hf_error *err)
{
    step steps[2];
    int ran[2] = { 0, 0 };
    hf__strand *strands[2] = { NULL, NULL };
    hf__pool *pool = NULL;
    hf_status st = hf__pool_new(2, &pool, err);

    for (int i = 0; st == HF_OK && i < 2; i++)
        st = hf__strand_new(pool, &strands[i], err);
    for (int i = 0; st == HF_OK && i < 2; i++) {
        steps[i] = (step){ { NULL, take_step, &steps[i] }, strands[i], 20, &ran[i] };
        hf__strand_add(strands[i], &steps[i].job);
    }
    for (int i = 0; st == HF_OK && i < 2; i++)
        hf__strand_wait(strands[i]);
    if (st == HF_OK && (ran[0] != 21 || ran[1] != 21))
        st = wrong(err, "jobs did not run");
    for (int i = 0; i < 2; i++)
        hf__strand_free(strands[i]);
    hf__pool_free(pool);
    return st;
}

static hf_status run_pool_without_threads(hf_error *err)
{
    hf_status st;

    torture_no_threads(true);
    st = run_pool(err);
    torture_no_threads(false);
    return st;
}

/* ---- files, in a directory of this process */

static char scratch[64];

static const char *at(const char *rel)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, rel);
    return path;
}

static hf_status list_entries(const char *path, int *n, hf_error *err)
{
    hf__os_iter *iter = NULL;
    const char *name = "";
    hf__os_type type;
    hf_status st = hf__os_iter_open(path, &iter, err);

    *n = 0;
    while (st == HF_OK && iter && name) {
        st = hf__os_iter_next(iter, &name, &type, err);
        *n += st == HF_OK && name;
    }
    hf__os_iter_close(iter);
    return st;
}

static hf_status run_os_files(hf_error *err)
{
    hf__buf buf;
    hf_error why = HF_ERROR_INIT;
    bool found = false;
    int n = 0;
    hf_status st = hf__os_mkdirs(at("files/deep"), 0700, err);
    hf_status written;

    hf__buf_init(&buf, 1000);
    if (st != HF_OK)
        goto done;
    written = hf__os_write_file_atomic(at("files/deep/f"), HF__STR("content"), 0600, &why);
    st = list_entries(at("files/deep"), &n, err);
    if (st == HF_OK && n != (written == HF_OK ? 1 : 0))
        st = wrong(err, "a write left something behind");
    if (st == HF_OK && written != HF_OK) {
        hf__error_copy(err, &why);
        st = written;
    }
    if (st == HF_OK)
        st = hf__os_read_file(at("files/deep/f"), &buf, &found, err);
    if (st == HF_OK && (!found || strcmp(hf__buf_cstr(&buf), "content") != 0))
        st = wrong(err, "the file does not hold what was written");
done:
    hf__buf_dispose(&buf);
    unlink(at("files/deep/f"));
    rmdir(at("files/deep"));
    rmdir(at("files"));
    return st;
}

static hf_status run_os_paths(hf_error *err)
{
    hf__buf real;
    uint64_t space = 0;
    hf_status st;

    hf__buf_init(&real, HF__MAX_PATH);
    st = hf__os_realpath(at("link/x/../y"), &real, err);
    if (st == HF_OK && strcmp(hf__buf_cstr(&real), at("target/y")) != 0)
        st = wrong(err, "the path leads elsewhere");
    if (st == HF_OK)
        st = hf__os_free_space(at("none/at/all"), &space, err);
    hf__buf_dispose(&real);
    return st;
}

static hf_status run_os_lock(hf_error *err)
{
    hf__os_lock lock;
    bool got = false;
    hf_status st = hf__os_lock_try(at("lock"), &lock, &got, err);

    if (st == HF_OK && !got)
        st = wrong(err, "a free lock is not had");
    hf__os_lock_release(&lock);
    return st;
}

static hf_status run_os_dir(hf_error *err)
{
    hf__os_dir root = { -1 };
    hf__os_dir dir = { -1 };
    bool found = false;
    hf_status st = hf__os_dir_open(scratch, &root, err);

    if (st == HF_OK)
        st = hf__os_dir_at(&root, "a/b", 0700, &dir, &found, err);
    if (st == HF_OK && !found)
        st = wrong(err, "the directory was not made");
    hf__os_dir_close(&dir);
    hf__os_dir_close(&root);
    rmdir(at("a/b"));
    rmdir(at("a"));
    return st;
}

int main(void)
{
    static const torture_case cases[] = {
        { "buf", run_buf },           { "arena", run_arena },
        { "json", run_json },         { "json string", run_json_string },
        { "env", run_env },           { "hash", run_hash },
        { "pool", run_pool },         { "pool without threads", run_pool_without_threads },
        { "os files", run_os_files }, { "os paths", run_os_paths },
        { "os lock", run_os_lock },   { "os dir", run_os_dir },
    };
    char real[] = "/tmp/hf-torture-XXXXXX";
    int result = 1;

    setenv("HOME", "/home/torture", 1);
    setenv("HF_TORTURE", "some value", 1);
    if (!mkdtemp(real))
        return 1;
    snprintf(scratch, sizeof(scratch), "%s", real);
    if (symlink("target", at("link")) == 0)
        result = torture_run(cases, sizeof(cases) / sizeof(*cases));
    unlink(at("lock"));
    unlink(at("link"));
    rmdir(scratch);
    return result;
}
