/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that bring files here. */
#include "api/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdlib.h>

#define KNOWN_FLAGS                                                                                \
    (HF_DOWNLOAD_FORCE | HF_DOWNLOAD_LOCAL_ONLY | HF_DOWNLOAD_DRY_RUN | HF_DOWNLOAD_PREFER_CACHE | \
     HF_DOWNLOAD_REFRESH)

static hf_status check_flags(uint32_t flags, hf_error *err)
{
    if (flags & ~KNOWN_FLAGS)
        return hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", flags & ~KNOWN_FLAGS);
    if ((flags & HF_DOWNLOAD_FORCE) && (flags & HF_DOWNLOAD_LOCAL_ONLY))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "'force' and 'local only' cannot be asked for at the same time");
    if ((flags & HF_DOWNLOAD_PREFER_CACHE) && (flags & (HF_DOWNLOAD_FORCE | HF_DOWNLOAD_REFRESH)))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "'prefer cache' cannot be asked for together with 'force' or 'refresh'");
    if ((flags & HF_DOWNLOAD_REFRESH) && (flags & HF_DOWNLOAD_LOCAL_ONLY))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "'refresh' and 'local only' cannot be asked for at the same time");
    return HF_OK;
}

static hf_status check_hash(const char *hash, hf_error *err)
{
    if (!hash || hf__str_is_hex(hf__str_from(hash), 64) || hf__str_is_hex(hf__str_from(hash), 40))
        return HF_OK;
    return hf__fail(err, HF_ERR_INVALID_ARG, "the expected hash is neither 64 nor 40 hex digits");
}

/* ---- one file */

hf_status hf_hub_download(hf_client *client, const hf_repo_ref *repo, const char *path,
                          const hf_download_opts *given, hf_file **out, hf_error *err)
{
    hf_download_opts opts;
    hf__buf cache_dir;
    hf__buf local_dir;
    hf__api_guarded g;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK && !path)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the path is NULL");
    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__api_options(&opts, sizeof(opts), given, err);
    if (st == HF_OK)
        st = check_flags(opts.flags, err);
    if (st == HF_OK)
        st = check_hash(opts.expected_hash, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&local_dir, 0);
    st = hf__api_dir(opts.cache_dir, &cache_dir, &opts.cache_dir, err);
    if (st == HF_OK)
        st = hf__api_dir(opts.local_dir, &local_dir, &opts.local_dir, err);
    hf__api_guard(&g, client, &opts.on_progress, &opts.user);
    if (st == HF_OK)
        st = hf__transfer_file(&client->transfer, repo, path, &opts, out, err);
    hf__buf_dispose(&cache_dir);
    hf__buf_dispose(&local_dir);
    return st;
}

void hf_file_free(hf_file *file)
{
    hf__transfer_file_free(file);
}

/* ---- a repo */

hf_status hf_snapshot_download(hf_client *client, const hf_repo_ref *repo,
                               const hf_snapshot_opts *given, hf_snapshot **out, hf_error *err)
{
    hf_snapshot_opts opts;
    hf__buf cache_dir;
    hf__buf local_dir;
    hf__api_guarded g;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__api_options(&opts, sizeof(opts), given, err);
    if (st == HF_OK)
        st = check_flags(opts.flags, err);
    if (st == HF_OK)
        st = hf__api_patterns(opts.allow, opts.n_allow, err);
    if (st == HF_OK)
        st = hf__api_patterns(opts.ignore, opts.n_ignore, err);
    if (st == HF_OK && opts.max_workers > 1024)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "max_workers is %u, more than 1024",
                      opts.max_workers);
    if (st != HF_OK)
        return st;
    hf__buf_init(&local_dir, 0);
    st = hf__api_dir(opts.cache_dir, &cache_dir, &opts.cache_dir, err);
    if (st == HF_OK)
        st = hf__api_dir(opts.local_dir, &local_dir, &opts.local_dir, err);
    hf__api_guard(&g, client, &opts.on_progress, &opts.user);
    if (st == HF_OK)
        st = hf__transfer_snapshot(&client->transfer, repo, &opts, out, err);
    hf__buf_dispose(&cache_dir);
    hf__buf_dispose(&local_dir);
    return st;
}

void hf_snapshot_free(hf_snapshot *snapshot)
{
    hf__transfer_snapshot_free(snapshot);
}

/* ---- a plain URL */

static hf_status check_url(const char *url, hf_error *err)
{
    hf__str text = hf__str_from(url);

    if (!url)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the URL is NULL");
    if (!hf__str_starts(text, HF__STR("https://")) && !hf__str_starts(text, HF__STR("http://")))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the URL '%.200s' must start with https:// or http://", url);
    if (text.len > HF__MAX_URL)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the URL is longer than %zu bytes", HF__MAX_URL);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)url[i] <= 0x20 || url[i] == 0x7f)
            return hf__fail(err, HF_ERR_INVALID_ARG,
                            "the URL holds a blank or control character; escape it");
    return HF_OK;
}

hf_status hf_cached_download(hf_client *client, const char *url,
                             const hf_cached_download_opts *given, char **out, hf_error *err)
{
    hf_cached_download_opts opts;
    hf__buf cache_dir;
    hf__buf agent;
    hf__api_guarded g;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK)
        st = check_url(url, err);
    if (st == HF_OK)
        st = hf__api_options(&opts, sizeof(opts), given, err);
    if (st == HF_OK && (opts.flags & HF_DOWNLOAD_DRY_RUN))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a plain URL has no dry run");
    if (st == HF_OK)
        st = check_flags(opts.flags, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&agent, 8192);
    if (opts.library_name) {
        hf__buf_addf(&agent, "%s/%s; %s", opts.library_name,
                     opts.library_version ? opts.library_version : "None", client->user_agent);
        for (size_t i = 0; i < agent.len; i++)
            if ((unsigned char)agent.ptr[i] < 0x20 || (unsigned char)agent.ptr[i] >= 0x7f)
                agent.ptr[i] = '?';
    }
    st = hf__api_dir(opts.cache_dir, &cache_dir, &opts.cache_dir, err);
    hf__api_guard(&g, client, &opts.on_progress, &opts.user);
    if (st == HF_OK)
        st = hf__transfer_url(&client->transfer, url, &opts,
                              agent.len ? hf__buf_cstr(&agent) : NULL, out, err);
    hf__buf_dispose(&cache_dir);
    hf__buf_dispose(&agent);
    return st;
}

/* ---- what is here */

hf_status hf_try_to_load_from_cache(hf_client *client, const hf_repo_ref *repo, const char *path,
                                    const char *cache_dir, hf_cache_state *state, char **out,
                                    hf_error *err)
{
    hf_cache_state found = HF_CACHE_UNKNOWN;
    hf__cache *cache = NULL;
    char *result = NULL;
    hf__buf dir;
    hf__buf text;
    hf_status st;

    hf__error_clear(err);
    if (!client || !state || !out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "client, state or out is NULL");
    st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__repo_path_check(path, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&text, HF__MAX_PATH);
    st = hf__api_dir(cache_dir ? cache_dir : client->cache_dir, &dir, &cache_dir, err);
    if (st == HF_OK)
        st = hf__cache_open(cache_dir, false, &client->log, &cache, err);
    if (st == HF_OK)
        st = hf__cache_try_load(cache, repo, path, &found, &text, err);
    if (st == HF_OK && found == HF_CACHE_PRESENT) {
        result = hf__buf_take(&text);
        if (!result)
            st = hf__fail_nomem(err);
    }
    if (st == HF_OK) {
        *state = found;
        *out = result;
    }
    hf__cache_close(cache);
    hf__buf_dispose(&dir);
    hf__buf_dispose(&text);
    return st;
}
