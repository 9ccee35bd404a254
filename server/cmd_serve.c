/* SPDX-License-Identifier: Apache-2.0 */
/* hf-serve serve: options, and the life of the server. */
#include "cmd.h"
#include "routes/hook.h"
#include "http/http.h"
#include "routes/routes.h"

#include "core/limits.h"

#include "core/error.h"
#include "core/os.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PORT        8600
#define DEFAULT_TTL         3600
#define DEFAULT_CONNECTIONS 1024
#define DEFAULT_LFS         (10ULL * 1024 * 1024)
#define DEFAULT_MULTIPART   5000000000ULL
#define DEFAULT_PART        (64ULL * 1024 * 1024)
#define MAX_REGULAR         (256ULL * 1024 * 1024) /* such a file is in memory once */

typedef struct serve_args {
    const char *host, *port, *storage_port, *public_url, *storage_url;
    const char *access_log, *faults, *rate_limit, *url_ttl, *lfs, *max_connections, *page_size;
    const char *login_interval, *login_ttl, *login_token_ttl;
    const char *lfs_threshold, *multipart_threshold, *part_bytes, *max_file_bytes, *quota_bytes;
    bool resolve_cache, quiet;
} serve_args;

static const srv_opt serve_opts[] = {
    { "host", SRV_OPT_TEXT, offsetof(serve_args, host), "ADDRESS",
      "where to listen (default 127.0.0.1)", NULL },
    { "port", SRV_OPT_TEXT, offsetof(serve_args, port), "N",
      "port of the hub (default 8600; 0: any free one)", NULL },
    { "storage-port", SRV_OPT_TEXT, offsetof(serve_args, storage_port), "N",
      "port of the second origin, for large files (default 0)", NULL },
    { "public-url", SRV_OPT_TEXT, offsetof(serve_args, public_url), "URL",
      "what clients call the hub, when a proxy stands before it", NULL },
    { "storage-url", SRV_OPT_TEXT, offsetof(serve_args, storage_url), "URL",
      "what clients call the second origin", NULL },
    { "lfs", SRV_OPT_TEXT, offsetof(serve_args, lfs), "redirect|inline",
      "send large files from the second origin (default), or from the hub", NULL },
    { "url-ttl", SRV_OPT_TEXT, offsetof(serve_args, url_ttl), "SECONDS",
      "life of a signed URL (default 3600)", NULL },
    { "resolve-cache", SRV_OPT_FLAG, offsetof(serve_args, resolve_cache), NULL,
      "send small public files on to /api/resolve-cache, as the Hub does", NULL },
    { "access-log", SRV_OPT_TEXT, offsetof(serve_args, access_log), "FILE",
      "append a JSON line per request", NULL },
    { "faults", SRV_OPT_TEXT, offsetof(serve_args, faults), "FILE",
      "fault script; read again on SIGHUP", NULL },
    { "rate-limit", SRV_OPT_TEXT, offsetof(serve_args, rate_limit), "[BUCKET=]N/SECONDS,...",
      "limit per caller; buckets: api, resolvers, pages", NULL },
    { "max-connections", SRV_OPT_TEXT, offsetof(serve_args, max_connections), "N",
      "of each origin (default 1024)", NULL },
    { "login-interval", SRV_OPT_TEXT, offsetof(serve_args, login_interval), "SECONDS",
      "between the polls of a login by device code (default 5)", NULL },
    { "login-ttl", SRV_OPT_TEXT, offsetof(serve_args, login_ttl), "SECONDS",
      "life of a device code (default 900)", NULL },
    { "login-token-ttl", SRV_OPT_TEXT, offsetof(serve_args, login_token_ttl), "SECONDS",
      "life of the token that such a login gives (default 30 days)", NULL },
    { "page-size", SRV_OPT_TEXT, offsetof(serve_args, page_size), "N",
      "of listings when the client names none", NULL },
    { "lfs-threshold", SRV_OPT_TEXT, offsetof(serve_args, lfs_threshold), "BYTES",
      "uploaded files larger than this are LFS whatever their name (default 10485760)", NULL },
    { "lfs-multipart-threshold", SRV_OPT_TEXT, offsetof(serve_args, multipart_threshold), "BYTES",
      "larger LFS objects are uploaded in parts (default 5000000000)", NULL },
    { "lfs-part-bytes", SRV_OPT_TEXT, offsetof(serve_args, part_bytes), "BYTES",
      "length of a part (default 67108864)", NULL },
    { "max-file-bytes", SRV_OPT_TEXT, offsetof(serve_args, max_file_bytes), "BYTES",
      "refuse to take larger files (default 0: no limit)", NULL },
    { "quota-bytes", SRV_OPT_TEXT, offsetof(serve_args, quota_bytes), "BYTES",
      "of LFS objects that a namespace may hold (default 0: no limit)", NULL },
    { "quiet", SRV_OPT_FLAG, offsetof(serve_args, quiet), NULL,
      "do not tell on stderr which requests failed inside", NULL },
    { 0 },
};

static bool number(const char *option, const char *text, uint64_t fallback, uint64_t max,
                   uint64_t *out)
{
    *out = fallback;
    if (!text || (hf__str_to_u64(hf__str_from(text), out) && *out <= max))
        return true;
    srv_complain(SRV_EXIT_USAGE, "--%s wants a number from 0 to %llu, not '%s'", option,
                 (unsigned long long)max, text);
    return false;
}

/* "N/S" for all buckets, or "api=N/S,resolvers=N/S". */
static bool read_quota(const char *text, srv_quota quota[SRV_N_BUCKETS])
{
    static const char *const names[SRV_N_BUCKETS] = { "api", "resolvers", "pages" };
    hf__str rest = hf__str_from(text);

    while (rest.ptr) {
        hf__str one = hf__str_cut(rest, ',', &rest);
        hf__str value, seconds_text;
        hf__str name = hf__str_cut(one, '=', &value);
        uint64_t n, seconds;
        bool any = false;

        if (!value.ptr)
            value = name;
        if (!hf__str_to_u64(hf__str_cut(value, '/', &seconds_text), &n) ||
            !hf__str_to_u64(seconds_text, &seconds) || n > UINT32_MAX || seconds == 0 ||
            seconds > UINT32_MAX)
            return false;
        for (int i = 0; i < SRV_N_BUCKETS; i++) {
            if (value.ptr != name.ptr && !hf__str_eq(name, hf__str_from(names[i])))
                continue;
            quota[i] = (srv_quota){ (uint32_t)n, (uint32_t)seconds };
            any = true;
        }
        if (!any)
            return false;
    }
    return true;
}

/* It is put before paths, so it has none of its own and no '/' at its end. */
static bool good_url(const char *option, const char *url)
{
    if (!url || ((strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
                 url[strlen(url) - 1] != '/' && !strpbrk(url, " \"<>\\^`{|}?#")))
        return true;
    srv_complain(SRV_EXIT_USAGE, "--%s wants a URL like https://hub.example without '/' at its end",
                 option);
    return false;
}

static bool read_upload_conf(const serve_args *args, srv_conf *conf)
{
    if (!number("lfs-threshold", args->lfs_threshold, DEFAULT_LFS, MAX_REGULAR,
                &conf->lfs_threshold) ||
        !number("lfs-multipart-threshold", args->multipart_threshold, DEFAULT_MULTIPART, INT64_MAX,
                &conf->multipart_threshold) ||
        !number("lfs-part-bytes", args->part_bytes, DEFAULT_PART, INT64_MAX, &conf->part_bytes) ||
        !number("max-file-bytes", args->max_file_bytes, 0, INT64_MAX, &conf->max_file_bytes) ||
        !number("quota-bytes", args->quota_bytes, 0, INT64_MAX, &conf->quota_bytes))
        return false;
    if (conf->part_bytes > 0)
        return true;
    srv_complain(SRV_EXIT_USAGE, "--lfs-part-bytes wants a number from 1 on, not '%s'",
                 args->part_bytes);
    return false;
}

static bool read_conf(const char *data_dir, const serve_args *args, srv_conf *conf)
{
    uint64_t port, storage_port, ttl, connections, page, interval, login_ttl, token_ttl;

    memset(conf, 0, sizeof(*conf));
    if (!number("port", args->port, DEFAULT_PORT, 65535, &port) ||
        !number("storage-port", args->storage_port, 0, 65535, &storage_port) ||
        !number("url-ttl", args->url_ttl, DEFAULT_TTL, UINT32_MAX, &ttl) ||
        !number("max-connections", args->max_connections, DEFAULT_CONNECTIONS, 65536,
                &connections) ||
        !number("page-size", args->page_size, 0, 10000, &page) ||
        !good_url("public-url", args->public_url) || !good_url("storage-url", args->storage_url) ||
        !read_upload_conf(args, conf))
        return false;
    if (args->lfs && strcmp(args->lfs, "inline") != 0 && strcmp(args->lfs, "redirect") != 0) {
        srv_complain(SRV_EXIT_USAGE, "--lfs is 'redirect' or 'inline', not '%s'", args->lfs);
        return false;
    }
    if (args->rate_limit && !read_quota(args->rate_limit, conf->quota)) {
        srv_complain(
            SRV_EXIT_USAGE,
            "--rate-limit wants N/SECONDS or BUCKET=N/SECONDS,… with api, resolvers, pages");
        return false;
    }
    if (!number("login-interval", args->login_interval, 5, 3600, &interval) ||
        !number("login-ttl", args->login_ttl, 900, 86400, &login_ttl) ||
        !number("login-token-ttl", args->login_token_ttl, 30 * 86400, UINT32_MAX, &token_ttl))
        return false;
    conf->login_interval = (uint32_t)interval;
    conf->login_ttl = (uint32_t)login_ttl;
    conf->login_token_ttl = (uint32_t)token_ttl;
    conf->data = data_dir;
    conf->host = args->host ? args->host : "127.0.0.1";
    conf->port = (uint16_t)port;
    conf->storage_port = (uint16_t)storage_port;
    conf->public_url = args->public_url;
    conf->storage_url = args->storage_url;
    conf->access_log = args->access_log;
    conf->faults = args->faults;
    conf->url_ttl = (uint32_t)ttl;
    conf->max_connections = connections > 0 ? (uint32_t)connections : 1;
    conf->page_size = (uint32_t)page;
    conf->lfs_inline = args->lfs && strcmp(args->lfs, "inline") == 0;
    conf->quiet = args->quiet;
    return true;
}

static hf_status make_hook(const char *program, const char *dir, const char *name, hf_error *err)
{
    hf__buf path, fresh;
    hf_status st;

    hf__buf_init(&path, HF__MAX_PATH);
    hf__buf_init(&fresh, HF__MAX_PATH);
    hf__buf_addf(&path, "%s/%s", dir, name);
    hf__buf_addf(&fresh, "%s.%ld", hf__buf_cstr(&path), (long)getpid());
    /* Beside it first: a server that runs already must not miss it for a moment. */
    st = hf__os_unlink(hf__buf_cstr(&fresh), err);
    if (st == HF_OK && symlink(program, hf__buf_cstr(&fresh)) != 0)
        st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&fresh));
    if (st == HF_OK)
        st = hf__os_rename(hf__buf_cstr(&fresh), hf__buf_cstr(&path), err);
    hf__buf_dispose(&path);
    hf__buf_dispose(&fresh);
    return st;
}

/* The hooks in DATA/hooks lead to this program, wherever it lies this time. git is run elsewhere, so
 * the paths are absolute. */
static hf_status make_hooks(const char *data_dir, char **data_real, char **hooks_dir, hf_error *err)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    hf__buf path;
    hf_status st = HF_OK;

    hf__buf_init(&path, sizeof program);
    *data_real = realpath(data_dir, NULL);
    if (n <= 0 || !*data_real)
        st = hf__fail_os(err, errno, "cannot find my own program, or '%s'", data_dir);
    if (st == HF_OK) {
        program[n] = '\0';
        hf__buf_addf(&path, "%s/hooks", *data_real);
        *hooks_dir = strdup(hf__buf_cstr(&path));
        st = *hooks_dir ? hf__os_mkdirs(*hooks_dir, 0700, err) : hf__fail_nomem(err);
    }
    if (st == HF_OK)
        st = make_hook(program, *hooks_dir, SRV_HOOK_NAME, err);
    if (st == HF_OK)
        st = make_hook(program, *hooks_dir, SRV_HOOK_DONE, err);
    hf__buf_dispose(&path);
    return st;
}

static void tell(const srv_conf *conf, const srv_server *server)
{
    const char *fmt = strchr(conf->host, ':') ? "hf-serve %s on http://[%s]:%u\n"
                                              : "hf-serve %s on http://%s:%u\n";

    printf(fmt, "listening", conf->host, srv_server_port(server, SRV_HUB));
    printf(fmt, "storage", conf->host, srv_server_port(server, SRV_STORAGE));
    fflush(stdout);
}

static int run(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const serve_args *args = args_;
    hf_error err = HF_ERROR_INIT;
    srv_server *server = NULL;
    srv_app app = { .resolve_cache = args->resolve_cache };
    char *data_real = NULL;
    char *hooks_dir = NULL;
    srv_conf conf;
    sigset_t set;
    hf_status st;

    (void)n_words;
    (void)words;
    if (!read_conf(data_dir, args, &conf))
        return SRV_EXIT_USAGE;
    /* Before any thread starts, so that all of them leave signals to srv_server_run(). */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);

    st = srv_store_open(&(srv_store_opts){ .data_dir = data_dir }, &app.store, &err);
    if (st == HF_OK && srv_card_refresh_all(app.store, &err) != HF_OK)
        fprintf(stderr, "hf-serve: a list may lack tags: %s\n", err.message);
    if (st == HF_OK)
        st = make_hooks(data_dir, &data_real, &hooks_dir, &err);
    app.data_dir = data_real;
    app.hooks_dir = hooks_dir;
    if (st == HF_OK)
        st = srv_server_start(&conf, srv_route, &app, srv_store_secret(app.store), &server, &err);
    if (st == HF_OK) {
        tell(&conf, server);
        srv_server_run(server);
    } else {
        srv_complain(SRV_EXIT_FAIL, "%s", err.message);
    }
    srv_server_stop(server);
    srv_store_close(app.store);
    free(data_real);
    free(hooks_dir);
    if (st == HF_ERR_BAD_FORMAT && conf.faults &&
        strncmp(err.message, conf.faults, strlen(conf.faults)) == 0)
        return SRV_EXIT_USAGE;
    return st == HF_OK ? SRV_EXIT_OK : SRV_EXIT_FAIL;
}

const srv_cmd srv_cmd_serve = {
    .name = "serve",
    .usage = "",
    .summary = "serve the hub until SIGTERM",
    .details = "Prints 'hf-serve listening on URL' as soon as it takes requests.",
    .opts = serve_opts,
    .args_size = sizeof(serve_args),
    .max_words = 0,
    .run = run,
};
