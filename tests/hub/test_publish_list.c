/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of operations, which a program sends when it likes: what happens between. */
#include "hub.h"

static const hf_repo_ref repo = { HF_REPO_MODEL, "alice/m", NULL };

typedef struct place {
    hub *h;
    client *k;
    const char *folder; /* has notes.txt and sub/deep.txt */
} place;

static void put(const place *p, const char *rel, const char *text)
{
    unit_write(unit_path(&p->h->dir, rel), text, strlen(text));
}

static void clear_folder(const place *p)
{
    unit_dir dir;

    snprintf(dir.path, sizeof dir.path, "%s", p->folder);
    unit_dir_remove(&dir);
    assert_int_equal(mkdir(p->folder, 0700), 0);
    assert_int_equal(mkdir(unit_path(&p->h->dir, "f/sub"), 0700), 0);
    put(p, "f/notes.txt", "notes\n");
    put(p, "f/sub/deep.txt", "deep\n");
}

/* A client that knows of a token file. */
static place place_new(const char *faults)
{
    place p = { .h = hub_new(), .k = client_make() };
    hf_client_opts opts;

    p.folder = strdup(unit_path(&p.h->dir, "f"));
    assert_int_equal(mkdir(unit_path(&p.h->dir, "home"), 0700), 0);
    assert_int_equal(mkdir(unit_path(&p.h->dir, "out"), 0700), 0);
    put(&p, "home/token", "secret\n");
    put(&p, "out/deep.txt", "outside\n");
    clear_folder(&p);
    hub_start(p.h, faults, NULL);
    assert_int_equal(setenv("HF_HOME", unit_path(&p.h->dir, "home"), 1), 0);
    opts = client_opts(p.k, p.h->url);
    opts.flags = 0;
    opts.token = p.h->token;
    client_new_with(p.k, &opts);
    assert_int_equal(unsetenv("HF_HOME"), 0);
    return p;
}

static void place_free(place *p)
{
    client_free(p->k);
    hub_free(p->h);
    free((char *)p->folder);
}

static void expect_published(const place *p, const char *path, const char *text)
{
    hf_download_opts opts = HF_DOWNLOAD_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_file *file = NULL;

    opts.flags = HF_DOWNLOAD_REFRESH;
    client_expect(hf_hub_download(p->k->hf, &repo, path, &opts, &file, &err), &err, HF_OK);
    assert_string_equal(unit_read(file->path), text);
    hf_file_free(file);
}

/* ---- what took a file's place since it was added */

static void replace(const place *p, const char *rel, const char *with, bool hard)
{
    const char *path = unit_path(&p->h->dir, rel);
    unit_dir dir;

    snprintf(dir.path, sizeof dir.path, "%s", path);
    unit_dir_remove(&dir);
    assert_int_equal(hard ? link(unit_path(&p->h->dir, with), path)
                          : symlink(unit_path(&p->h->dir, with), path),
                     0);
}

void test_publish_list__what_took_a_files_place(void **state)
{
    static const struct {
        const char *rel, *with;
        bool hard;
        uint32_t flags;
        hf_status status;
    } table[] = {
        { "f/notes.txt", "home/token", true, 0, HF_ERR_PERMISSION },
        { "f/notes.txt", "home/token", true, HF_UPLOAD_FOLLOW_LINKS, HF_ERR_PERMISSION },
        { "f/notes.txt", "home/token", false, HF_UPLOAD_FOLLOW_LINKS, HF_ERR_PERMISSION },
        { "f/notes.txt", "out/deep.txt", false, 0, HF_ERR_UNSAFE_PATH },
        { "f/sub", "out", false, 0, HF_ERR_UNSAFE_PATH },
        { "f/notes.txt", "f/sub/deep.txt", false, 0, HF_OK },
        { "f/notes.txt", "out/deep.txt", true, 0, HF_OK }, /* a file like others */
        { "f/sub", "out", false, HF_UPLOAD_FOLLOW_LINKS, HF_OK },
    };
    place p = place_new(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
        hf_error err = HF_ERROR_INIT;
        hf_commit *commit = NULL;

        clear_folder(&p);
        client_expect(hf_commit_new(p.k->hf, &repo, &commit, &err), &err, HF_OK);
        opts.flags = table[i].flags | HF_UPLOAD_CREATE_REPO;
        client_expect(hf_commit_add_folder(commit, NULL, p.folder, &opts, &err), &err, HF_OK);
        replace(&p, table[i].rel, table[i].with, table[i].hard);
        for (int turn = 0; turn < 2; turn++) /* it is not taken for known the second time */
            client_expect(hf_commit_send(commit, &opts, NULL, &err), &err, table[i].status);
        if (table[i].status == HF_OK && strcmp(table[i].rel, "f/notes.txt") == 0)
            expect_published(&p, "notes.txt", unit_read(unit_path(&p.h->dir, table[i].with)));
        clear_folder(&p);
        client_expect(hf_commit_send(commit, &opts, NULL, &err), &err, HF_OK);
        expect_published(&p, "notes.txt", "notes\n");
        expect_published(&p, "sub/deep.txt", "deep\n");
        hf_commit_free(commit);
    }
    place_free(&p);
}

/* ---- before anything moves */

typedef enum how { BY_ANSWER, BY_TOKEN, WHEN_ASKED_TO_WAIT } how;

typedef struct watcher {
    how how;
    hf_cancel *cancel;
    unsigned calls;
    bool stopped;
} watcher;

static int watch(const hf_progress *progress, void *user)
{
    watcher *w = user;
    bool asked = progress->phase == HF_PHASE_WAIT && progress->wait_ms && progress->wait_asked;

    /* The first call is made before the Hub is asked anything. */
    if (w->calls++ == 0 || w->stopped || (w->how == WHEN_ASKED_TO_WAIT && !asked))
        return 0;
    w->stopped = true;
    if (w->how != BY_TOKEN)
        return 1;
    hf_cancel_set(w->cancel);
    return 0;
}

void test_publish_list__a_stop_while_the_repo_is_made(void **state)
{
    static const struct {
        const char *faults;
        how how;
    } table[] = {
        { "match=POST:/api/repos/create action=delay=600000\n", BY_ANSWER },
        { "match=POST:/api/repos/create action=delay=600000\n", BY_TOKEN },
        { "match=POST:/api/repos/create action=status=429:retry-after=300\n", BY_TOKEN },
        { "match=POST:/api/repos/create action=status=429:retry-after=300\n", WHEN_ASKED_TO_WAIT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        place p = place_new(table[i].faults);
        hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
        watcher w = { .how = table[i].how };
        hf_error err = HF_ERROR_INIT;

        assert_int_equal(hf_cancel_new(&w.cancel), HF_OK);
        opts.flags = HF_UPLOAD_CREATE_REPO;
        opts.cancel = w.cancel;
        opts.on_progress = watch;
        opts.user = &w;
        client_expect(hf_upload_folder(p.k->hf, &repo, NULL, p.folder, &opts, NULL, &err), &err,
                      HF_ERR_CANCELED);
        hf_cancel_free(w.cancel);
        place_free(&p);
    }
}

/* ---- a file that grows */

static int append(const hf_progress *progress, void *user)
{
    FILE *file = fopen(user, "a");

    (void)progress;
    assert_non_null(file);
    assert_true(fputs("more\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    return 0;
}

void test_publish_list__a_file_that_grows(void **state)
{
    place p = place_new(NULL);
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_commit *commit = NULL;
    char *path = strdup(unit_path(&p.h->dir, "f/notes.txt"));
    char *whole;

    (void)state;
    opts.flags = HF_UPLOAD_CREATE_REPO | HF_UPLOAD_APPENDED;
    opts.on_progress = append; /* at first when what is sent is settled */
    opts.user = path;
    client_expect(hf_commit_new(p.k->hf, &repo, &commit, &err), &err, HF_OK);
    client_expect(hf_commit_add_file(commit, "notes.txt", path, &err), &err, HF_OK);
    client_expect(hf_commit_send(commit, &opts, NULL, &err), &err, HF_OK);
    expect_published(&p, "notes.txt", "notes\n");
    whole = strdup(unit_read(path));
    client_expect(hf_commit_send(commit, &opts, NULL, &err), &err, HF_OK);
    expect_published(&p, "notes.txt", whole);
    hf_commit_free(commit);
    free(whole);
    free(path);
    place_free(&p);
}
