/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever allocation fails: a list of operations stays whole, a body is whole or none, a note too. */
#include "torture.h"

#include "core/error.h"
#include "transfer/upload.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256 "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" /* of "hello\n" */

static const hf_repo_ref repo = { HF_REPO_MODEL, "a/m", NULL };
static char scratch[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static hf_status wrong(hf_error *err, const char *what)
{
    return hf__fail(err, HF_ERR_INTERNAL, "%s", what);
}

static const char *at(const char *rel)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", scratch, rel);
    return path;
}

/* ---- a commit */

static hf_status fill(hf__upload *u, hf_error *err)
{
    static const char *patterns[] = { "*.old", "logs/*" };
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf_status st;

    opts.remove = patterns;
    opts.n_remove = 2;
    st = hf__upload_add_folder(u, "in", at("folder"), &opts, err);
    for (unsigned i = 0; st == HF_OK && i < 20; i++) { /* so that the list grows */
        char name[32];

        snprintf(name, sizeof(name), "more/%u.txt", i);
        st = hf__upload_add_bytes(u, name, "hello\n", 6, err);
    }
    if (st == HF_OK)
        st = hf__upload_copy(u, "v1", "a", "b", err);
    if (st == HF_OK)
        st = hf__upload_delete(u, "gone.txt", false, err);
    return st == HF_OK ? hf__upload_delete(u, "gone/", true, err) : st;
}

static hf_status read_body(const hf__net_source *source, hf_error *err)
{
    uint64_t len = 0;
    size_t got = 1;
    hf_status st = HF_OK;

    while (st == HF_OK && got) {
        char bytes[1000];

        st = source->read(source->self, len, bytes, sizeof(bytes), &got, err);
        len += got;
    }
    if (st == HF_OK && len != source->len)
        st = wrong(err, "a body of another length than was told");
    return st;
}

static hf_status run_commit(hf_error *err)
{
    static const hf__transfer_ctx ctx;
    hf__upload *u = NULL;
    hf__net_source source;
    up_item *items[64];
    up_body body;
    size_t n = 0;
    hf_status st = hf__upload_new(&ctx, &repo, &u, err);

    if (st != HF_OK)
        return st;
    st = fill(u, err);
    for (size_t i = 0; i < u->n; i++)
        if (u->items[i].kind != UP_COPY)
            items[n++] = &u->items[i];
    if (st == HF_OK && n != 2 + 20 + 2)
        st = wrong(err, "an operation is missing");
    for (size_t i = 0; st == HF_OK && i < 2; i++) {
        items[i]->lfs = i == 0;
        st = hf__up_hash(items[i], i == 0, NULL, NULL, err);
    }
    if (st == HF_OK && strcmp(items[0]->hash, SHA256) != 0)
        st = wrong(err, "another hash");
    if (st == HF_OK) {
        st = hf__up_body_init(&body, items, n, "message", "description", NULL, err);
        hf__up_body_source(&body, &source);
        if (st == HF_OK)
            st = read_body(&source, err);
        hf__up_body_dispose(&body);
    }
    hf__upload_free(u);
    return st;
}

/* ---- a note */

static hf_status run_note(hf_error *err)
{
    hf__cache_upload note = { .at = 2e9, .size = 6, .sha256 = SHA256, .there = "", .lfs = true };
    char sha256[65];
    hf_status st = hf__cache_upload_write(at("folder"), "sub/a.bin", &note, err);

    /* Reading tells no errors: what cannot be read is not known, and hashed again. */
    if (hf__cache_upload_read(at("folder"), "sub/a.bin", 6, 1e9, sha256) &&
        strcmp(sha256, SHA256) != 0)
        return wrong(err, "half a note was believed");
    return st;
}

/* ---- addresses */

static hf_status run_action(hf_error *err)
{
    static const char text[] =
        "{\"href\":\"http://h/c\",\"header\":{\"chunk_size\":\"3\",\"00001\":"
        "\"http://h/1?have=0aff\",\"00002\":\"http://h/2\"}}";
    hf__lfs_action action = { 0 };
    hf__json *doc = NULL;
    hf_status st = hf__json_parse(HF__STR(text), "action", &doc, err);

    if (st == HF_OK)
        st = hf__lfs_action_read(doc, 6, &action, err);
    if (st == HF_OK && (action.n_parts != 2 || !action.etags[0] || action.etags[1]))
        st = wrong(err, "a part is missing");
    if (st != HF_OK && action.arena)
        st = wrong(err, "an action was left behind");
    hf__lfs_action_dispose(&action);
    hf__json_free(doc);
    return st;
}

int main(void)
{
    static const torture_case cases[] = {
        { "commit", run_commit },
        { "note", run_note },
        { "action", run_action },
    };
    const char *base = getenv("TMPDIR");
    FILE *file;
    int code;

    snprintf(scratch, sizeof(scratch), "%.40s/hf-torture-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(scratch) || mkdir(at("folder"), 0700) || mkdir(at("folder/sub"), 0700))
        return 1;
    for (unsigned i = 0; i < 2; i++) {
        file = fopen(at(i ? "folder/sub/z" : "folder/a"), "w");
        if (!file)
            return 1;
        fputs("hello\n", file);
        fclose(file);
    }
    torture_spare_json();
    code = torture_run(cases, sizeof(cases) / sizeof(cases[0]));
    (void)nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return code;
}
