/* SPDX-License-Identifier: Apache-2.0 */
/* A client: what the caller wants, else what the environment says (cache.md 1), settled once. */
#include "api/private.h"

#include "core/env.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/os.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_BUDGET ((uint64_t)32 * 1024 * 1024)
#define LEAST_BUDGET   ((uint64_t)1024 * 1024)

/* ---- text that is built and kept */

static hf_status keep(hf__buf *text, char **out, hf_error *err)
{
    *out = hf__buf_take(text);
    return *out ? HF_OK
                : hf__fail(err, text->status == HF_OK ? HF_ERR_NO_MEMORY : text->status,
                           "a path is too long");
}

/* First variable that is set (even empty, cache.md 1.1), expanded; else base + tail. */
static hf_status path_setting(bool use_env, const char *const *names, const char *base,
                              const char *tail, char **out, hf_error *err)
{
    hf__buf path;
    const char *value = NULL;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    for (size_t i = 0; use_env && names[i] && !value; i++)
        value = hf__env_get(names[i]);
    if (value)
        hf__env_expand_path(&path, value);
    else
        hf__buf_addf(&path, "%s%s", base, tail);
    st = keep(&path, out, err);
    hf__buf_dispose(&path);
    return st;
}

static hf_status set_home(hf_client *client, bool use_env, hf_error *err)
{
    const char *xdg = use_env ? hf__env_get("XDG_CACHE_HOME") : NULL;
    const char *home = use_env ? hf__env_get("HF_HOME") : NULL;
    hf__buf raw;
    hf__buf path;
    hf_status st;

    hf__buf_init(&raw, HF__MAX_PATH);
    hf__buf_init(&path, HF__MAX_PATH);
    if (home)
        hf__buf_adds(&raw, home);
    else if (xdg)
        hf__buf_addf(&raw, "%s/huggingface", xdg);
    else
        hf__buf_adds(&raw, "~/.cache/huggingface");
    hf__env_expand_path(&path, hf__buf_cstr(&raw));
    if (path.len == 0)
        hf__buf_addc(&path, '.'); /* an empty HF_HOME is the current directory */
    st = keep(&path, &client->home, err);
    hf__buf_dispose(&raw);
    hf__buf_dispose(&path);
    return st;
}

static hf_status set_paths(hf_client *client, const hf_client_opts *opts, bool use_env,
                           hf_error *err)
{
    static const char *const cache_names[] = { "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", NULL };
    static const char *const assets_names[] = { "HF_ASSETS_CACHE", "HUGGINGFACE_ASSETS_CACHE",
                                                NULL };
    static const char *const token_names[] = { "HF_TOKEN_PATH", NULL };
    const char *slash;
    hf__buf text;
    hf_status st = set_home(client, use_env, err);

    if (st == HF_OK && !opts->cache_dir)
        st = path_setting(use_env, cache_names, client->home, "/hub", &client->cache_dir, err);
    if (st == HF_OK && opts->cache_dir) {
        hf__buf_init(&text, HF__MAX_PATH);
        hf__env_expand_path(&text, opts->cache_dir);
        st = keep(&text, &client->cache_dir, err);
        hf__buf_dispose(&text);
    }
    if (st == HF_OK)
        st = path_setting(use_env, assets_names, client->home, "/assets", &client->assets_dir, err);
    if (st == HF_OK)
        st = path_setting(use_env, token_names, client->home, "/token", &client->token_path, err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&text, HF__MAX_PATH);
    slash = strrchr(client->token_path, '/');
    if (slash)
        hf__buf_add(&text, client->token_path, (size_t)(slash - client->token_path) + 1);
    hf__buf_adds(&text, "stored_tokens");
    st = keep(&text, &client->stored_tokens_path, err);
    hf__buf_dispose(&text);
    return st;
}

static hf_status set_endpoint(hf_client *client, const hf_client_opts *opts, bool use_env,
                              hf_error *err)
{
    const char *endpoint = opts->endpoint;
    hf__str text;

    if (!endpoint && use_env && hf__env_truthy(hf__env_get("HUGGINGFACE_CO_STAGING")))
        endpoint = "https://hub-ci.huggingface.co";
    if (!endpoint && use_env)
        endpoint = hf__env_get_nonempty("HF_ENDPOINT");
    if (!endpoint)
        endpoint = "https://huggingface.co";
    text = hf__str_from(endpoint);
    while (text.len && text.ptr[text.len - 1] == '/')
        text.len--;
    if (!hf__str_starts(text, HF__STR("https://")) && !hf__str_starts(text, HF__STR("http://")))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the endpoint '%.200s' must start with https:// or http://", endpoint);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f ||
            strchr("?#\"<>\\", text.ptr[i]))
            return hf__fail(err, HF_ERR_INVALID_ARG, "the endpoint '%.200s' is not a plain URL",
                            endpoint);
    client->endpoint = malloc(text.len + 1);
    if (!client->endpoint)
        return hf__fail_nomem(err);
    memcpy(client->endpoint, text.ptr, text.len);
    client->endpoint[text.len] = '\0';
    return HF_OK;
}

/* ---- User-Agent (hub-http.md 10.1) */

/* Elements are separated by "; "; one that is there already is left out, and nothing may break out
 * of the header. */
static void add_element(hf__buf *out, hf__str element)
{
    hf__str rest = hf__buf_str(out);

    element = hf__str_trim(element);
    if (element.len == 0)
        return;
    while (rest.ptr && rest.len)
        if (hf__str_eq(hf__str_trim(hf__str_cut(rest, ';', &rest)), element))
            return;
    if (out->len)
        hf__buf_adds(out, "; ");
    for (size_t i = 0; i < element.len; i++)
        hf__buf_addc(out,
                     (unsigned char)element.ptr[i] < 0x20 || (unsigned char)element.ptr[i] >= 0x7f
                         ? '?'
                         : element.ptr[i]);
}

static hf_status make_user_agent(const hf_client_opts *opts, bool use_env, char **out,
                                 hf_error *err)
{
    const char *origin = use_env ? hf__env_get_nonempty("HF_HUB_USER_AGENT_ORIGIN") : NULL;
    hf__str rest = hf__str_from(opts->user_agent);
    hf__buf element;
    hf__buf agent;
    hf_status st;

    hf__buf_init(&element, 2048);
    hf__buf_init(&agent, 4096);
    hf__buf_addf(&element, "%s/%s", opts->library_name ? opts->library_name : "unknown",
                 opts->library_version ? opts->library_version : "None");
    add_element(&agent, hf__buf_str(&element));
    add_element(&agent, HF__STR("hfhub/" HF_VERSION_STRING));
    while (rest.ptr && rest.len)
        add_element(&agent, hf__str_cut(rest, ';', &rest));
    if (origin) {
        hf__buf_reset(&element);
        hf__buf_addf(&element, "origin/%s", origin);
        add_element(&agent, hf__buf_str(&element));
    }
    if (element.status != HF_OK)
        agent.status = element.status;
    st = agent.status == HF_ERR_LIMIT
             ? hf__fail(err, HF_ERR_INVALID_ARG,
                        "the library's name, version or user agent is too long")
             : keep(&agent, out, err);
    hf__buf_dispose(&element);
    hf__buf_dispose(&agent);
    return st;
}

/* ---- putting it together */

static hf_status timeout_setting(const char *name, uint32_t given_ms, bool use_env,
                                 uint32_t *out_ms, hf_error *err)
{
    uint32_t seconds = 10;
    hf_status st = use_env ? hf__env_int(name, 10, &seconds, err) : HF_OK;

    /* A variable that differs from the default wins over the argument (cache.md 1.3). */
    *out_ms = seconds != 10 || !given_ms ? seconds * 1000 : given_ms;
    return st;
}

/* A small container must not be filled by buffers. */
static uint64_t default_budget(void)
{
    uint64_t share = hf__os_memory_limit() / 8;

    if (share > DEFAULT_BUDGET)
        return DEFAULT_BUDGET;
    return share < LEAST_BUDGET ? LEAST_BUDGET : share;
}

static hf_status make_layers(hf_client *client, const hf_client_opts *opts, bool use_env,
                             hf_error *err)
{
    hf__net_conf net = { .user_agent = client->user_agent,
                         .proxy = opts->proxy,
                         .ca_file = opts->ca_file,
                         .ca_dir = opts->ca_dir,
                         .max_connections = opts->max_connections,
                         .use_env = use_env,
                         .log = &client->log };
    hf__hub_conf hub = { .endpoint = client->endpoint,
                         .token = opts->token,
                         .use_env = use_env,
                         .offline = client->offline,
                         .log = &client->log };
    hf_status st;

    net.buffer_budget = !opts->memory_budget                 ? default_budget()
                        : opts->memory_budget < LEAST_BUDGET ? LEAST_BUDGET
                                                             : opts->memory_budget;
    net.name_curl = !use_env || !(hf__env_truthy(hf__env_get("HF_HUB_DISABLE_TELEMETRY")) ||
                                  hf__env_truthy(hf__env_get("DISABLE_TELEMETRY")) ||
                                  hf__env_truthy(hf__env_get("DO_NOT_TRACK")));
    hub.token_path = use_env ? client->token_path : NULL;
    hub.stored_path = use_env ? client->stored_tokens_path : NULL;
    hub.no_implicit_token =
        (opts->flags & HF_CLIENT_NO_IMPLICIT_TOKEN) ||
        (use_env && hf__env_truthy(hf__env_get("HF_HUB_DISABLE_IMPLICIT_TOKEN")));
    st = timeout_setting("HF_HUB_ETAG_TIMEOUT", opts->etag_timeout_ms, use_env,
                         &hub.etag_timeout_ms, err);
    if (st == HF_OK)
        st = timeout_setting("HF_HUB_DOWNLOAD_TIMEOUT", opts->read_timeout_ms, use_env,
                             &hub.read_timeout_ms, err);
    if (st == HF_OK)
        st = hf__net_new(&net, &client->net, err);
    hub.net = client->net;
    if (st == HF_OK)
        st = hf__hub_new(&hub, &client->hub, err);
    if (st == HF_OK)
        st = hf__pool_new(0, &client->pool, err);
    client->transfer = (hf__transfer_ctx){
        .net = client->net,
        .hub = client->hub,
        .pool = client->pool,
        .log = &client->log,
        .cache_dir = client->cache_dir,
        .token_path = client->token_path,
        .stored_path = client->stored_tokens_path,
        .no_symlinks = (opts->flags & HF_CLIENT_NO_SYMLINKS) ||
                       (use_env && hf__env_truthy(hf__env_get("HF_HUB_DISABLE_SYMLINKS"))),
    };
    return st;
}

hf_status hf_client_new(const hf_client_opts *given, hf_client **out, hf_error *err)
{
    hf_client_opts opts;
    hf_client *client;
    bool use_env;
    hf_status st;

    hf__error_clear(err);
    if (!out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    st = hf__api_options(&opts, sizeof(opts), given, err);
    if (st != HF_OK)
        return st;
    client = calloc(1, sizeof(*client));
    if (!client)
        return hf__fail_nomem(err);
    use_env = !(opts.flags & HF_CLIENT_NO_ENV);
    hf__log_init(&client->log, opts.on_log, opts.log_user,
                 opts.log_level ? (hf_log_level)opts.log_level : HF_LOG_WARNING);
    client->has_key = pthread_key_create(&client->in_callback, NULL) == 0;
    client->offline = opts.flags & HF_CLIENT_OFFLINE;
    if (use_env && !client->offline) {
        const char *offline = hf__env_get_nonempty("HF_HUB_OFFLINE");

        client->offline = hf__env_truthy(offline ? offline : hf__env_get("TRANSFORMERS_OFFLINE"));
    }
    st = set_endpoint(client, &opts, use_env, err);
    if (st == HF_OK)
        st = set_paths(client, &opts, use_env, err);
    if (st == HF_OK)
        st = make_user_agent(&opts, use_env, &client->user_agent, err);
    if (st == HF_OK)
        st = make_layers(client, &opts, use_env, err);
    if (st != HF_OK) {
        hf_client_free(client);
        return st;
    }
    *out = client;
    return HF_OK;
}

void hf_client_free(hf_client *client)
{
    if (!client)
        return;
    hf__hub_free(client->hub);
    /* In a fork the threads are not there, and the locks may be held by them. */
    if (!client->net || !hf__net_forked(client->net)) {
        hf__net_free(client->net);
        hf__pool_free(client->pool);
    }
    hf__log_dispose(&client->log);
    if (client->has_key)
        pthread_key_delete(client->in_callback);
    free(client->endpoint);
    free(client->home);
    free(client->cache_dir);
    free(client->assets_dir);
    free(client->token_path);
    free(client->stored_tokens_path);
    free(client->user_agent);
    free(client);
}

void hf_client_limit_rate(hf_client *client, uint64_t bytes_per_s)
{
    if (client)
        hf__net_limit_rate(client->net, bytes_per_s);
}

const char *hf_client_get(const hf_client *client, hf_client_setting setting)
{
    if (!client)
        return NULL;
    switch (setting) {
    case HF_SETTING_ENDPOINT:
        return client->endpoint;
    case HF_SETTING_HOME:
        return client->home;
    case HF_SETTING_CACHE_DIR:
        return client->cache_dir;
    case HF_SETTING_ASSETS_DIR:
        return client->assets_dir;
    case HF_SETTING_TOKEN_PATH:
        return client->token_path;
    case HF_SETTING_STORED_TOKENS_PATH:
        return client->stored_tokens_path;
    case HF_SETTING_TOKEN_SOURCE:
        return hf__hub_token_source(client->hub);
    case HF_SETTING_OFFLINE:
        return client->offline ? "1" : "0";
    case HF_SETTING_USER_AGENT:
        return client->user_agent;
    }
    return NULL;
}
