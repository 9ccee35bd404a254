/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "api/private.h"
#include "net/internal.h"

#include <sys/resource.h>
#include <time.h>

const hf_repo_ref repo_x = { HF_REPO_MODEL, "acme/x", NULL };

static void keep_line(hf_log_level level, const char *line, void *user)
{
    client *c = user;
    size_t len = strlen(line);

    (void)level;
    pthread_mutex_lock(&c->lock);
    c->log = realloc(c->log, c->log_len + len + 2);
    memcpy(c->log + c->log_len, line, len);
    c->log_len += len;
    c->log[c->log_len++] = '\n';
    c->log[c->log_len] = '\0';
    pthread_mutex_unlock(&c->lock);
}

client *client_make(void)
{
    client *c = calloc(1, sizeof *c);

    assert_non_null(c);
    pthread_mutex_init(&c->lock, NULL);
    c->dir = unit_dir_make();
    return c;
}

hf_client_opts client_opts(client *c, const char *endpoint)
{
    hf_client_opts opts = HF_CLIENT_OPTS_INIT;

    opts.flags = HF_CLIENT_NO_ENV;
    opts.endpoint = endpoint;
    opts.token = TOKEN;
    opts.cache_dir = c->dir.path;
    opts.etag_timeout_ms = 1000;
    opts.read_timeout_ms = 1000;
    opts.log_level = HF_LOG_DEBUG;
    opts.on_log = keep_line;
    opts.log_user = c;
    return opts;
}

client *client_new_with(client *c, const hf_client_opts *opts)
{
    hf_error err = HF_ERROR_INIT;

    client_expect(hf_client_new(opts, &c->hf, &err), &err, HF_OK);
    hf__net_set_second_ms(c->hf->net, 5);
    return c;
}

client *client_new(const char *endpoint)
{
    client *c = client_make();
    hf_client_opts opts = client_opts(c, endpoint);

    return client_new_with(c, &opts);
}

void client_free(client *c)
{
    hf_client_free(c->hf);
    if (c->log)
        assert_null(strstr(c->log, TOKEN));
    free(c->log);
    unit_dir_remove(&c->dir);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool client_logged(client *c, const char *text)
{
    bool found;

    pthread_mutex_lock(&c->lock);
    found = c->log && strstr(c->log, text);
    pthread_mutex_unlock(&c->lock);
    return found;
}

size_t client_log_len(client *c)
{
    size_t len;

    pthread_mutex_lock(&c->lock);
    len = c->log_len;
    pthread_mutex_unlock(&c->lock);
    return len;
}

void client_expect(hf_status st, const hf_error *err, hf_status wanted)
{
    if (st != wanted || err->status != wanted)
        fail_msg("got %s (err: %s) instead of %s: %s", hf_status_name(st),
                 hf_status_name(err->status), hf_status_name(wanted), err->message);
    assert_null(strstr(err->message, TOKEN));
    assert_null(strstr(err->server_code, TOKEN));
    assert_null(strstr(err->request_id, TOKEN));
    assert_true(st == HF_OK || err->message[0]);
    for (const char *c = err->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            fail_msg("control character %d in '%s'", *c, err->message);
}

const char *client_call_name(client_call call)
{
    static const char *const names[] = {
        "metadata", "info", "tree", "paths", "download", "snapshot"
    };

    return names[call];
}

static hf_status walk_tree(client *c, hf_error *err)
{
    const hf_tree_entry *entry = NULL;
    hf_tree *tree = NULL;
    hf_status st = hf_tree_open(c->hf, &repo_x, NULL, HF_TREE_RECURSIVE, NULL, &tree, err);

    do {
        if (st == HF_OK)
            st = hf_tree_next(tree, &entry, err);
    } while (st == HF_OK && entry);
    hf_tree_close(tree);
    return st;
}

hf_status client_do(client *c, client_call call, hf_error *err)
{
    static const char *const paths[] = { "a.txt" };
    hf_file_metadata *metadata = NULL;
    hf_repo_info *info = NULL;
    hf_paths_info *found = NULL;
    hf_snapshot *snapshot = NULL;
    hf_file *file = NULL;
    hf_status st = HF_OK;

    switch (call) {
    case CALL_METADATA:
        st = hf_file_metadata_get(c->hf, &repo_x, "a.txt", &metadata, err);
        break;
    case CALL_INFO:
        st = hf_repo_info_get(c->hf, &repo_x, NULL, &info, err);
        break;
    case CALL_TREE:
        st = walk_tree(c, err);
        break;
    case CALL_PATHS:
        st = hf_paths_info_get(c->hf, &repo_x, paths, 1, 0, NULL, &found, err);
        break;
    case CALL_DOWNLOAD:
        st = hf_hub_download(c->hf, &repo_x, "a.txt", NULL, &file, err);
        break;
    case CALL_SNAPSHOT:
        st = hf_snapshot_download(c->hf, &repo_x, NULL, &snapshot, err);
        break;
    }
    if (st != HF_OK)
        assert_true(!metadata && !info && !found && !snapshot && !file);
    hf_file_metadata_free(metadata);
    hf_repo_info_free(info);
    hf_paths_info_free(found);
    hf_snapshot_free(snapshot);
    hf_file_free(file);
    return st;
}

uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void peak_within(size_t before_kib, size_t more_kib)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (peak_kib() > before_kib + more_kib)
        fail_msg("took %zu KiB", peak_kib() - before_kib);
#else
    (void)before_kib;
    (void)more_kib;
#endif
}

size_t peak_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss;
}
