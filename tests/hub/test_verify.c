/* SPDX-License-Identifier: Apache-2.0 */
/* hf_cache_verify: what is here, hashed and compared with what a Hub says of it. */
#include "hub.h"

#include <sys/stat.h>

static const hf_repo_ref tiny = { HF_REPO_MODEL, "acme/tiny", NULL };

typedef struct got {
    hub *h;
    client *k;
    hf_snapshot *snapshot;
} got;

static got fetched(const char *local_dir)
{
    hf_snapshot_opts opts = HF_SNAPSHOT_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    got g = { hub_new(), NULL, NULL };

    hub_start(g.h, NULL, NULL);
    g.k = hub_client(g.h, g.h->token);
    opts.local_dir = local_dir ? unit_path(&g.k->dir, local_dir) : NULL;
    client_expect(hf_snapshot_download(g.k->hf, &tiny, &opts, &g.snapshot, &err), &err, HF_OK);
    return g;
}

static void forget(got *g)
{
    hf_snapshot_free(g->snapshot);
    client_free(g->k);
    hub_free(g->h);
}

static const char *in_snapshot(const got *g, const char *path)
{
    static char text[2 * UNIT_PATH_MAX];

    snprintf(text, sizeof text, "%s/%s", g->snapshot->path, path);
    return text;
}

static hf_verification *verified(const got *g, const hf_verify_opts *opts)
{
    hf_error err = HF_ERROR_INIT;
    hf_verification *v = NULL;

    client_expect(hf_cache_verify(g->k->hf, &tiny, opts, &v, &err), &err, HF_OK);
    return v;
}

void test_verify__all_is_well(void **state)
{
    got g = fetched(NULL);
    hf_verification *v = verified(&g, NULL);

    (void)state;
    assert_string_equal(v->path, g.snapshot->path);
    assert_string_equal(v->revision, g.h->commit);
    assert_int_equal(v->n_checked, g.snapshot->n_files);
    assert_int_equal(v->n_mismatches + v->n_missing + v->n_extra, 0);
    hf_verification_free(v);
    hf_verification_free(NULL);
    forget(&g);
}

/* One byte of a large file and of a small one, one file gone, one too many. */
void test_verify__each_fault_is_named(void **state)
{
    static const char *const broken[] = { "config.json", "model.bin" };
    got g = fetched(NULL);
    hf_verification *v;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        FILE *file;

        assert_int_equal(chmod(in_snapshot(&g, broken[i]), 0600), 0); /* of the blob, by its link */
        file = fopen(in_snapshot(&g, broken[i]), "r+b");
        assert_non_null(file);
        fputc('#', file);
        assert_int_equal(fclose(file), 0);
    }
    assert_int_equal(remove(in_snapshot(&g, "many/f07.txt")), 0);
    unit_write(in_snapshot(&g, "stranger.txt"), "x", 1);
    v = verified(&g, NULL);
    assert_int_equal(v->n_mismatches, 2);
    assert_string_equal(v->mismatches[0].path, "config.json");
    assert_string_equal(v->mismatches[0].algorithm, "git-sha1");
    assert_string_equal(v->mismatches[1].path, "model.bin");
    assert_string_equal(v->mismatches[1].algorithm, "sha256");
    assert_int_equal(strlen(v->mismatches[1].expected), 64);
    assert_int_equal(strlen(v->mismatches[1].actual), 64);
    assert_string_not_equal(v->mismatches[1].expected, v->mismatches[1].actual);
    assert_int_equal(v->n_missing, 1);
    assert_string_equal(v->missing[0], "many/f07.txt");
    assert_int_equal(v->n_extra, 1);
    assert_string_equal(v->extra[0], "stranger.txt");
    hf_verification_free(v);
    forget(&g);
}

void test_verify__a_local_directory(void **state)
{
    got g = fetched("out");
    hf_verify_opts opts = HF_VERIFY_OPTS_INIT;
    hf_verification *v;

    (void)state;
    opts.local_dir = g.snapshot->path;
    v = verified(&g, &opts);
    assert_int_equal(v->n_mismatches + v->n_missing + v->n_extra, 0);
    assert_true(v->n_checked > MANY_FILES);
    hf_verification_free(v);
    unit_write(in_snapshot(&g, "README.md"), "other", 5);
    v = verified(&g, &opts);
    assert_int_equal(v->n_mismatches, 1);
    assert_string_equal(v->mismatches[0].path, "README.md");
    hf_verification_free(v);
    forget(&g);
}

static int stop(const hf_progress *progress, void *user)
{
    (void)progress;
    ++*(int *)user;
    return 1;
}

void test_verify__what_it_refuses(void **state)
{
    static const hf_repo_ref none = { HF_REPO_MODEL, "acme/none", NULL };
    got g = fetched(NULL);
    hf_verify_opts opts = HF_VERIFY_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_verification *v = NULL;
    hf_cancel *cancel = NULL;
    int asked = 0;

    (void)state;
    client_expect(hf_cache_verify(g.k->hf, &none, NULL, &v, &err), &err, HF_ERR_NOT_CACHED);
    client_expect(hf_cache_verify(NULL, &tiny, NULL, &v, &err), &err, HF_ERR_INVALID_ARG);
    client_expect(hf_cache_verify(g.k->hf, &tiny, NULL, NULL, &err), &err, HF_ERR_INVALID_ARG);
    opts.on_progress = stop;
    opts.user = &asked;
    client_expect(hf_cache_verify(g.k->hf, &tiny, &opts, &v, &err), &err, HF_ERR_CANCELED);
    assert_int_equal(asked, 1);
    opts.on_progress = NULL;
    assert_int_equal(hf_cancel_new(&cancel), HF_OK);
    hf_cancel_set(cancel);
    opts.cancel = cancel;
    client_expect(hf_cache_verify(g.k->hf, &tiny, &opts, &v, &err), &err, HF_ERR_CANCELED);
    hf_cancel_free(cancel);
    assert_null(v);
    forget(&g);
}
