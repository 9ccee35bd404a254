/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Hub that cuts, flips, stalls, lies and drops. What can be got over is got over, and what comes
 * out is right to the byte; what cannot ends in a named status, and the cache is as it was before.
 */
#include "hub.h"

static const hf_repo_ref tiny = { HF_REPO_MODEL, "acme/tiny", NULL };

#define BIG   "match=GET:/objects/* "
#define SMALL "match=GET:*/config.json "

typedef struct fault_case {
    const char *faults;
    const char *path;
    hf_status status;
} fault_case;

static const fault_case cases[] = {
    /* got over */
    { BIG "nth=1 action=cut=100000\n", "model.bin", HF_OK },
    { BIG "nth=1 action=cut=0\n", "model.bin", HF_OK },
    { BIG "nth=1 action=flip=1000000\n", "model.bin", HF_OK },
    { BIG "nth=1 action=stall=100000:5000\n", "model.bin", HF_OK },
    { BIG "nth=1 action=drop\n", "model.bin", HF_OK },
    { BIG "nth=1 action=status=503\n", "model.bin", HF_OK },
    { BIG "nth=1 action=status=403\n", "model.bin", HF_OK }, /* an address that has expired */
    { BIG "nth=1 action=status=429:retry-after=1\n", "model.bin", HF_OK },
    { BIG "nth=1 action=chunked\n", "model.bin", HF_OK },
    { BIG "nth=1 action=cut=100000\n" BIG "nth=2 action=ignore-range\n", "model.bin", HF_OK },
    { SMALL "nth=1 action=cut=4\n", "config.json", HF_OK },
    { SMALL "nth=1 action=drop\n", "config.json", HF_OK },
    { SMALL "nth=1 action=flip=3\n", "config.json", HF_OK },
    { "match=HEAD:*/config.json nth=1 action=status=500\n", "config.json", HF_OK },
    { "match=HEAD:*/config.json nth=1 action=drop\n", "config.json", HF_OK },
    /* not got over */
    { BIG "action=flip=1000000\n", "model.bin", HF_ERR_CORRUPT },
    { SMALL "action=flip=3\n", "config.json", HF_ERR_CORRUPT },
    { SMALL "action=status=404\n", "config.json", HF_ERR_HTTP },
    { "match=HEAD:*/config.json action=status=404\n", "config.json", HF_ERR_HTTP },
    { "match=HEAD:*/config.json action=status=500\n", "config.json", HF_ERR_SERVER },
    { "match=HEAD:*/config.json action=status=429\n", "config.json", HF_ERR_RATE_LIMITED },
    { "match=HEAD:*/config.json action=drop\n", "config.json", HF_ERR_NETWORK },
    { "match=HEAD:*/config.json action=etag=../../x\n", "config.json", HF_ERR_PROTOCOL },
    { SMALL "action=etag=ce013625030ba8dba906f756967f9e9ca394464a\n", "config.json",
      HF_ERR_CHANGED },
};

static int n_good;

/* A finished blob or a pointer; what waits to be completed, locks and refs may lie about. */
static int count_good(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    const char *name = path + ftw->base;

    (void)st;
    if (type != FTW_D && (strstr(path, "/blobs/") || strstr(path, "/snapshots/")) &&
        !strstr(name, ".incomplete"))
        n_good++;
    return 0;
}

static void expect_content(const hub *h, const hf_file *file, const char *path)
{
    char *have = malloc(BIG_SIZE + 1);
    FILE *in = fopen(file->path, "rb");
    size_t len;

    assert_non_null(in);
    len = fread(have, 1, BIG_SIZE + 1, in);
    fclose(in);
    if (strcmp(path, "model.bin") == 0) {
        assert_int_equal(len, BIG_SIZE);
        assert_int_equal(memcmp(have, h->big, BIG_SIZE), 0);
    } else {
        assert_int_equal(len, 9);
        assert_memory_equal(have, "{\"a\": 1}\n", 9);
    }
    free(have);
}

static void run_cases(size_t from, size_t to)
{
    hub *h = hub_new();

    for (size_t i = from; i < to && i < sizeof cases / sizeof *cases; i++) {
        hf_error err = HF_ERROR_INIT;
        hf_file *file = NULL;
        client *k;
        hf_status st;

        hub_start(h, cases[i].faults, NULL);
        k = hub_client(h, h->token);
        st = hf_hub_download(k->hf, &tiny, cases[i].path, NULL, &file, &err);
        if (st != cases[i].status)
            print_message("case %zu: %s", i, cases[i].faults);
        client_expect(st, &err, cases[i].status);
        n_good = 0;
        (void)nftw(k->dir.path, count_good, 16, FTW_PHYS);
        if (st == HF_OK) {
            expect_content(h, file, cases[i].path);
            assert_int_equal(n_good, 2);
        } else {
            assert_null(file);
            if (n_good)
                fail_msg("case %zu left %d files that look good", i, n_good);
            /* The next one, without faults, finds nothing in its way. */
            hub_stop(h);
            hub_start(h, NULL, NULL);
            client_free(k);
            k = hub_client(h, h->token);
            client_expect(hf_hub_download(k->hf, &tiny, cases[i].path, NULL, &file, &err), &err,
                          HF_OK);
            expect_content(h, file, cases[i].path);
        }
        hf_file_free(file);
        client_free(k);
        hub_stop(h);
    }
    hub_free(h);
}

void test_serve_faults__that_are_got_over(void **state)
{
    (void)state;
    run_cases(0, 15);
}

void test_serve_faults__that_end_the_call(void **state)
{
    (void)state;
    run_cases(15, sizeof cases / sizeof *cases);
}

/* A listing that breaks ends a snapshot, with nothing half done. */
void test_serve_faults__of_listings(void **state)
{
    static const struct {
        const char *faults;
        hf_status status;
    } ways[] = {
        { "match=GET:*/tree/* nth=2 action=status=503\n", HF_OK },
        { "match=GET:*/tree/* nth=2 action=drop\n", HF_OK },
        { "match=GET:*/tree/* nth=2 action=cut=20\n", HF_OK },
        { "match=GET:*/tree/* nth=2+ action=status=500\n", HF_ERR_SERVER },
        { "match=GET:*/tree/* nth=2+ action=status=404\n", HF_ERR_HTTP },
    };
    static const char *const pages[] = { "--page-size", "10", NULL };
    hub *h = hub_new();

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        hf_error err = HF_ERROR_INIT;
        hf_snapshot *s = NULL;
        client *k;
        hf_status st;

        hub_start(h, ways[i].faults, pages);
        k = hub_client(h, h->token);
        st = hf_snapshot_download(k->hf, &tiny, NULL, &s, &err);
        if (st != ways[i].status)
            print_message("way %zu\n", i);
        client_expect(st, &err, ways[i].status);
        if (st == HF_OK)
            assert_int_equal(s->n_files, MANY_FILES + 6);
        n_good = 0;
        (void)nftw(k->dir.path, count_good, 16, FTW_PHYS);
        assert_true((st == HF_OK) == (n_good > 0));
        hf_snapshot_free(s);
        client_free(k);
        hub_stop(h);
    }
    hub_free(h);
}
