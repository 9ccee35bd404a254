/* SPDX-License-Identifier: Apache-2.0 */
/* What is decided about an upload before a byte goes out: paths, files of a folder, parts, lines. */
#include "unit.h"

#include "transfer/upload.h"

#include <fcntl.h>
#include <jansson.h>

static const hf_repo_ref repo = { HF_REPO_MODEL, "a/m", NULL };

static hf__upload *new_list(const hf__transfer_ctx *ctx)
{
    hf__upload *u = NULL;

    assert_int_equal(hf__upload_new(ctx, &repo, &u, NULL), HF_OK);
    return u;
}

/* ---- paths */

void test_upload__paths(void **state)
{
    static const struct {
        const char *given, *sent; /* NULL: refused */
    } table[] = {
        { "a.txt", "a.txt" },
        { "/a.txt", "a.txt" },
        { "./a.txt", "a.txt" },
        { "a b/\303\274.bin", "a b/\303\274.bin" },
        { ".hidden/.x", ".hidden/.x" },
        { ".gitignore", ".gitignore" },
        { "x.git/y", "x.git/y" },
        { "", NULL },
        { ".", NULL },
        { "..", NULL },
        { "../x", NULL },
        { "a/../x", NULL },
        { "a//b", NULL },
        { "a/", NULL },
        { "//a", NULL },
        { ".git/config", NULL },
        { "sub/.git/config", NULL },
        { "sub/.GIT/config", NULL },
        { ".cache/huggingface/x", NULL },
        { "a/.cache/x", NULL },
        { "a\nb", NULL },
        { NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(table); i++) {
        hf_error err = HF_ERROR_INIT;
        hf__buf out;
        hf_status st = hf__up_path(table[i].given, &out, &err);

        if (table[i].sent && st == HF_OK)
            assert_string_equal(hf__buf_cstr(&out), table[i].sent);
        else if (table[i].sent || st == HF_OK)
            fail_msg("'%s' gave %s", table[i].given ? table[i].given : "NULL", hf_status_name(st));
        hf__buf_dispose(&out);
    }
}

/* ---- files of a folder */

static void put(const unit_dir *dir, const char *rel)
{
    char *path = strdup(unit_path(dir, rel));

    for (char *slash = strchr(path + strlen(dir->path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    unit_write(path, rel, strlen(rel));
    free(path);
}

static void expect_files(hf__upload *u, const char *const *wanted)
{
    size_t n = 0;

    while (wanted[n])
        n++;
    for (size_t i = 0; i < u->n || i < n; i++) {
        if (i >= u->n || i >= n)
            fail_msg("%zu files, not %zu; next: '%s'", u->n, n,
                     i < u->n ? u->items[i].path : wanted[i]);
        assert_string_equal(u->items[i].path, wanted[i]);
    }
}

void test_upload__which_files_of_a_folder(void **state)
{
    static const char *const files[] = { "b.txt",
                                         "a/z",
                                         "a.b",
                                         "a/.hidden",
                                         ".gitignore",
                                         "\303\274 x",
                                         ".git/config",
                                         "a/.git/config",
                                         ".cache/huggingface/n",
                                         "a/.cache/huggingface/n",
                                         ".cache/other",
                                         "a/deep/er/f.log" };
    static const char *const all[] = { "p/.gitignore", "p/a/.hidden", "p/a/deep/er/f.log", "p/a/z",
                                       "p/a.b",        "p/b.txt",     "p/\303\274 x",      NULL };
    static const char *const some[] = { "a/z", "a.b", NULL }; /* by component */
    static const char *allow[] = { "a*" };
    static const char *ignore[] = { "*.log", "*/.hidden" };
    hf__transfer_ctx ctx = { 0 };
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    unit_dir dir = unit_dir_make();
    hf__upload *u = new_list(&ctx);

    (void)state;
    for (size_t i = 0; i < HF__COUNT(files); i++)
        put(&dir, files[i]);
    assert_int_equal(mkfifo(unit_path(&dir, "pipe"), 0600), 0);
    assert_int_equal(symlink("/", unit_path(&dir, "dir-link")), 0);
    assert_int_equal(symlink("nowhere", unit_path(&dir, "dangling")), 0);
    assert_int_equal(remove(unit_path(&dir, ".cache/other")), 0);
    assert_int_equal(hf__upload_add_folder(u, "/p/", dir.path, &opts, &err), HF_OK);
    expect_files(u, all);
    hf__upload_free(u);

    u = new_list(&ctx);
    opts.allow = allow;
    opts.n_allow = 1;
    opts.ignore = ignore;
    opts.n_ignore = 2;
    assert_int_equal(hf__upload_add_folder(u, ".", dir.path, &opts, &err), HF_OK);
    expect_files(u, some);
    hf__upload_free(u);

    u = new_list(&ctx);
    assert_int_equal(hf__upload_add_folder(u, NULL, unit_path(&dir, "b.txt"), &opts, &err),
                     HF_ERR_UNSUPPORTED);
    assert_int_equal(hf__upload_add_folder(u, NULL, unit_path(&dir, "none"), &opts, &err),
                     HF_ERR_IO);
    opts.cancel = &(hf_cancel){ .set = true };
    assert_int_equal(hf__upload_add_folder(u, NULL, dir.path, &opts, &err), HF_ERR_CANCELED);
    assert_int_equal(u->n, 0);
    hf__upload_free(u);
    unit_dir_remove(&dir);
}

/* A folder that cannot be walked is no obstacle when nothing in it is wanted. */
void test_upload__folders_that_are_left_out(void **state)
{
    static const struct {
        const char *pattern;
        hf_status status;
    } table[] = {
        { "p/odd/*", HF_OK },      { "p/odd/", HF_OK },        { "p/odd\\", HF_OK },
        { "p/*", HF_OK },          { "*/odd*", HF_OK },        { "p/o[d]d/*", HF_OK },
        { "*/x/*", HF_ERR_LIMIT }, { "p/odd", HF_ERR_LIMIT },  { "p/odd/?", HF_ERR_LIMIT },
        { "odd/*", HF_ERR_LIMIT }, { "p/od/*", HF_ERR_LIMIT }, { "p/odd/*x", HF_ERR_LIMIT },
        { "", HF_ERR_LIMIT },
    };
    hf__transfer_ctx ctx = { 0 };
    unit_dir dir = unit_dir_make();
    char deep[400];
    size_t len = (size_t)snprintf(deep, sizeof(deep), "p/odd");

    (void)state;
    for (int i = 0; i < 130; i++)
        len += (size_t)snprintf(deep + len, sizeof(deep) - len, "/d");
    snprintf(deep + len, sizeof(deep) - len, "/x");
    put(&dir, deep);
    put(&dir, "a");
    for (size_t i = 0; i < HF__COUNT(table); i++) {
        hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
        hf__upload *u = new_list(&ctx);

        opts.ignore = &table[i].pattern;
        opts.n_ignore = 1;
        if (hf__upload_add_folder(u, NULL, dir.path, &opts, NULL) != table[i].status)
            fail_msg("'%s' does not give %s", table[i].pattern, hf_status_name(table[i].status));
        assert_int_equal(u->n, table[i].status == HF_OK);
        hf__upload_free(u);
    }
    unit_dir_remove(&dir);
}

void test_upload__links(void **state)
{
    hf__transfer_ctx ctx = { 0 };
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    unit_dir dir = unit_dir_make();
    static const struct {
        const char *target;
        hf_status status;
    } table[] = { { "a", HF_OK },
                  { "sub/../a", HF_OK },
                  { "../outside", HF_ERR_UNSAFE_PATH },
                  { "../f-other/x", HF_ERR_UNSAFE_PATH }, /* begins like the folder */
                  { ".git/config", HF_ERR_UNSAFE_PATH },
                  { ".cache/huggingface/token", HF_ERR_UNSAFE_PATH },
                  { "chain", HF_ERR_UNSAFE_PATH } };

    (void)state;
    put(&dir, "f/a");
    put(&dir, "f/sub/b");
    put(&dir, "f/.git/config");
    put(&dir, "f/.cache/huggingface/token");
    put(&dir, "outside");
    put(&dir, "f-other/x");
    for (size_t i = 0; i < HF__COUNT(table); i++) {
        hf_error err = HF_ERROR_INIT;
        hf__upload *u = new_list(&ctx);
        const char *link = unit_path(&dir, "f/link");

        if (strcmp(table[i].target, "chain") == 0)
            assert_int_equal(symlink("../outside", unit_path(&dir, "f/chain")), 0);
        assert_int_equal(symlink(table[i].target, link), 0);
        opts.flags = 0;
        assert_int_equal(hf__upload_add_folder(u, NULL, unit_path(&dir, "f"), &opts, &err),
                         table[i].status);
        assert_int_equal(u->n, table[i].status == HF_OK ? 3 : 0);
        if (table[i].status != HF_OK)
            assert_non_null(strstr(err.message, "leads out of the folder"));
        opts.flags = HF_UPLOAD_FOLLOW_LINKS;
        assert_int_equal(hf__upload_add_folder(u, NULL, unit_path(&dir, "f"), &opts, &err), HF_OK);
        assert_int_equal(remove(link), 0);
        hf__upload_free(u);
    }
    unit_dir_remove(&dir);
}

void test_upload__tokens_stay(void **state)
{
    unit_dir dir = unit_dir_make();
    hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf__transfer_ctx ctx = { 0 };
    hf__upload *u;
    int fd;

    (void)state;
    put(&dir, "home/token");
    put(&dir, "home/stored");
    put(&dir, "f/a");
    ctx.token_path = strdup(unit_path(&dir, "home/token"));
    ctx.stored_path = strdup(unit_path(&dir, "home/stored"));
    u = new_list(&ctx);
    /* under another name */
    assert_int_equal(link(ctx.token_path, unit_path(&dir, "f/notes.txt")), 0);
    assert_int_equal(symlink(ctx.stored_path, unit_path(&dir, "s")), 0);
    opts.flags = HF_UPLOAD_FOLLOW_LINKS;
    assert_int_equal(hf__upload_add_folder(u, NULL, unit_path(&dir, "f"), &opts, NULL),
                     HF_ERR_PERMISSION);
    assert_int_equal(hf__upload_add_folder(u, NULL, dir.path, &opts, NULL), HF_ERR_PERMISSION);
    assert_int_equal(hf__upload_add_file(u, "x", ctx.token_path, NULL), HF_ERR_PERMISSION);
    assert_int_equal(hf__upload_add_file(u, "x", unit_path(&dir, "s"), NULL), HF_ERR_PERMISSION);
    fd = open(ctx.stored_path, O_RDONLY);
    assert_int_equal(hf__upload_add_fd(u, "x", fd, NULL), HF_ERR_PERMISSION);
    close(fd);
    assert_int_equal(u->n, 0);
    hf__upload_free(u);
    free((char *)ctx.token_path);
    free((char *)ctx.stored_path);
    unit_dir_remove(&dir);
}

/* ---- lines of a commit */

/* What huggingface_hub 2.4.0 sends for the same operations. */
static const char *const official[] = {
    "{\"key\": \"header\", \"value\": {\"summary\": \"all \\\\ of it\", \"description\": "
    "\"two\\nlines\", \"parentCommit\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
    "{\"key\": \"deletedFile\", \"value\": {\"path\": \"old.txt\"}}",
    "{\"key\": \"deletedFolder\", \"value\": {\"path\": \"dir/\"}}",
    "{\"key\": \"file\", \"value\": {\"content\": \"aGkK\", \"path\": \"a \\\"quoted\\\".txt\", "
    "\"encoding\": \"base64\"}}",
    "{\"key\": \"file\", \"value\": {\"content\": \"\", \"path\": \"empty\", \"encoding\": "
    "\"base64\"}}",
    "{\"key\": \"lfsFile\", \"value\": {\"path\": \"b.bin\", \"algo\": \"sha256\", \"oid\": "
    "\"054edec1d0211f624fed0cbca9d4f9400b0e491c43742af2c5b0abebf0c990d8\", \"size\": 4}}",
};

/* All of a body, taken in pieces of so many bytes. */
static hf_status read_all(const hf__net_source *source, size_t piece, hf__buf *out, hf_error *err)
{
    hf_status st = HF_OK;
    size_t got = 1;

    hf__buf_reset(out);
    while (st == HF_OK && got) {
        char *to = hf__buf_reserve(out, piece);

        assert_non_null(to);
        st = source->read(source->self, out->len, to, piece, &got, err);
        if (st == HF_OK)
            hf__buf_grew(out, got);
    }
    return st;
}

void test_upload__lines_are_the_official_ones(void **state)
{
    static const size_t pieces[] = { 1, 7, 100, 65536 };
    hf__transfer_ctx ctx = { 0 };
    hf__upload *u = new_list(&ctx);
    up_item *items[5];
    hf__net_source source;
    up_body body;
    hf__buf text;

    (void)state;
    assert_int_equal(hf__upload_delete(u, "old.txt", false, NULL), HF_OK);
    assert_int_equal(hf__upload_delete(u, "dir/", true, NULL), HF_OK);
    assert_int_equal(hf__upload_add_bytes(u, "a \"quoted\".txt", "hi\n", 3, NULL), HF_OK);
    assert_int_equal(hf__upload_add_bytes(u, "empty", NULL, 0, NULL), HF_OK);
    assert_int_equal(hf__upload_add_bytes(u, "b.bin", "\0\1\2\3", 4, NULL), HF_OK);
    for (size_t i = 0; i < 5; i++)
        items[i] = &u->items[i];
    items[4]->lfs = true;
    assert_int_equal(hf__up_hash(items[4], true, NULL, NULL, NULL), HF_OK);
    assert_int_equal(hf__up_body_init(&body, items, 5, "all \\ of it", "two\nlines",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL),
                     HF_OK);
    hf__up_body_source(&body, &source);
    hf__buf_init(&text, 1 << 20);
    for (size_t p = 0; p < HF__COUNT(pieces); p++) { /* each time from the beginning */
        hf__str rest;

        assert_int_equal(read_all(&source, pieces[p], &text, NULL), HF_OK);
        assert_int_equal(text.len, source.len);
        rest = hf__buf_str(&text);
        for (size_t i = 0; i < HF__COUNT(official); i++) {
            hf__str line = hf__str_cut(rest, '\n', &rest);
            json_t *ours = json_loadb(line.ptr, line.len, 0, NULL);
            json_t *theirs = json_loads(official[i], 0, NULL);

            if (!ours || !json_equal(ours, theirs))
                fail_msg("%.*s\nis not\n%s", (int)line.len, line.ptr, official[i]);
            json_decref(ours);
            json_decref(theirs);
        }
        assert_int_equal(rest.len, 0);
    }
    hf__buf_dispose(&text);
    hf__up_body_dispose(&body);
    hf__upload_free(u);
}

/* The length is told beforehand and right, whatever the size; the content is base64 of the file. */
void test_upload__length_of_a_body(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 4, 49151, 49152, 49153, 98304, 200001 };
    hf__transfer_ctx ctx = { 0 };
    unit_dir dir = unit_dir_make();
    char *bytes = calloc(1, 200001);

    (void)state;
    for (size_t i = 0; i < 200001; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    for (size_t s = 0; s < HF__COUNT(sizes); s++) {
        hf__upload *u = new_list(&ctx);
        hf__net_source source;
        up_item *item;
        up_body body;
        hf__buf text;
        json_t *line;
        const char *second;

        unit_write(unit_path(&dir, "f"), bytes, sizes[s]);
        assert_int_equal(hf__upload_add_file(u, "f", unit_path(&dir, "f"), NULL), HF_OK);
        item = &u->items[0];
        assert_int_equal(hf__up_body_init(&body, &item, 1, "m", NULL, NULL, NULL), HF_OK);
        hf__up_body_source(&body, &source);
        hf__buf_init(&text, 1 << 20);
        assert_int_equal(read_all(&source, 10007, &text, NULL), HF_OK);
        assert_int_equal(text.len, source.len);
        second = strchr(hf__buf_cstr(&text), '\n') + 1;
        line = json_loads(second, JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(line);
        assert_int_equal(
            json_string_length(json_object_get(json_object_get(line, "value"), "content")),
            (sizes[s] + 2) / 3 * 4);
        json_decref(line);
        hf__buf_dispose(&text);
        hf__up_body_dispose(&body);
        hf__upload_free(u);
    }
    free(bytes);
    unit_dir_remove(&dir);
}

/* A body that looks whole must not hold a file that changed. */
void test_upload__a_file_that_changes(void **state)
{
    hf__transfer_ctx ctx = { 0 };
    unit_dir dir = unit_dir_make();
    char *bytes = calloc(1, 300000);

    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        hf__upload *u = new_list(&ctx);
        hf_error err = HF_ERROR_INIT;
        char first[1000];
        hf__net_source source;
        const char *path = unit_path(&dir, "f");
        up_item *item;
        up_body body;
        hf__buf text;
        size_t got = 0;
        hf_status st;

        unit_write(path, bytes, 300000);
        assert_int_equal(hf__upload_add_file(u, "f", path, NULL), HF_OK);
        item = &u->items[0];
        assert_int_equal(hf__up_body_init(&body, &item, 1, "m", NULL, NULL, NULL), HF_OK);
        hf__up_body_source(&body, &source);
        assert_int_equal(source.read(source.self, 0, first, sizeof first, &got, &err), HF_OK);
        if (how == 0) { /* in place, with its length */
            int fd = open(path, O_WRONLY);

            assert_int_equal(pwrite(fd, "x", 1, 200000), 1);
            close(fd);
        } else if (how == 1) {
            assert_int_equal(truncate(path, 200000), 0);
        } else if (how == 2) {
            assert_int_equal(truncate(path, 400000), 0);
        } else { /* replaced: what is open is still as it was */
            unit_write(unit_path(&dir, "new"), bytes, 300000);
            assert_int_equal(rename(unit_path(&dir, "new"), path), 0);
        }
        hf__buf_init(&text, 1 << 20);
        st = HF_OK;
        for (size_t at = got, n = 1; st == HF_OK && n; at += n) {
            char more[4096];

            st = source.read(source.self, at, more, sizeof more, &n, &err);
        }
        if (how < 3)
            assert_int_equal(st, HF_ERR_CHANGED);
        hf__buf_dispose(&text);
        hf__up_body_dispose(&body);
        hf__upload_free(u);
    }
    free(bytes);
    unit_dir_remove(&dir);
}

/* ---- parts */

static hf_status read_action(const char *json, uint64_t size, hf__lfs_action *out, hf_error *err)
{
    hf__json *doc = NULL;
    hf_status st = hf__json_parse(hf__str_from(json), "action", &doc, err);

    assert_int_equal(st, HF_OK);
    st = hf__lfs_action_read(doc, size, out, err);
    hf__json_free(doc);
    return st;
}

void test_upload__parts(void **state)
{
    static const char three[] =
        "{\"href\":\"http://h/c\",\"header\":{\"00002\":\"http://h/2?have=0aff&x=1\","
        "\"chunk_size\":\"10\",\"00001\":\"http://h/1\",\"X-Other\":\"no part\","
        "\"00003\":\"http://h/3?xhave=00\"}}";
    static const struct {
        const char *json;
        uint64_t size;
    } wrong[] = {
        { "{}", 5 },
        { "{\"href\":7}", 5 },
        { three, 31 }, /* needs four */
        { three, 20 }, /* needs two */
        { "{\"href\":\"h\",\"header\":{\"chunk_size\":\"10\",\"1\":\"a\",\"3\":\"b\"}}", 20 },
        { "{\"href\":\"h\",\"header\":{\"chunk_size\":\"10\",\"1\":\"a\",\"01\":\"b\"}}", 20 },
        { "{\"href\":\"h\",\"header\":{\"chunk_size\":\"10\",\"0\":\"a\",\"1\":\"b\"}}", 20 },
        { "{\"href\":\"h\",\"header\":{\"chunk_size\":\"10\"}}", 20 },
        { "{\"href\":\"h\",\"header\":{\"chunk_size\":\"1\"}}", UINT64_MAX },
    };
    hf__lfs_action action;
    hf__buf text;

    (void)state;
    for (uint64_t size = 21; size <= 30; size++) {
        assert_int_equal(read_action(three, size, &action, NULL), HF_OK);
        assert_int_equal(action.n_parts, 3);
        assert_int_equal(action.part_bytes, 10);
        assert_string_equal(action.href, "http://h/c");
        assert_string_equal(action.parts[0], "http://h/1");
        assert_string_equal(action.parts[2], "http://h/3?xhave=00");
        assert_null(action.etags[0]);
        assert_string_equal(action.etags[1], "\"0aff\"");
        assert_null(action.etags[2]);
        hf__lfs_action_dispose(&action);
    }
    for (size_t i = 0; i < HF__COUNT(wrong); i++) {
        hf_error err = HF_ERROR_INIT;

        if (read_action(wrong[i].json, wrong[i].size, &action, &err) != HF_ERR_PROTOCOL)
            fail_msg("%s was taken", wrong[i].json);
        assert_true(err.message[0] != '\0');
    }
    /* One body, whatever else the header holds; a number is as good as its text. */
    assert_int_equal(read_action("{\"href\":\"h\",\"header\":{\"X\":\"y\"}}", 5, &action, NULL),
                     HF_OK);
    assert_int_equal(action.n_parts, 0);
    hf__lfs_action_dispose(&action);
    assert_int_equal(read_action("{\"href\":\"h\",\"header\":{\"chunk_size\":10,\"1\":\"a\"}}", 10,
                                 &action, NULL),
                     HF_OK);
    assert_int_equal(action.n_parts, 1);
    hf__lfs_action_dispose(&action);

    hf__buf_init(&text, 4096);
    hf__lfs_completion(&text, "abc", (const char *const[]){ "\"one\"", "two" }, 2);
    assert_string_equal(
        hf__buf_cstr(&text),
        "{\"oid\": \"abc\", \"parts\": [{\"partNumber\": 1, \"etag\": \"\\\"one\\\"\"}, "
        "{\"partNumber\": 2, \"etag\": \"two\"}]}");
    hf__buf_dispose(&text);
}
