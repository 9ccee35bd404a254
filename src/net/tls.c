/* SPDX-License-Identifier: Apache-2.0 */
/* Whom to trust, and through which proxy: settled when the engine is made. */
#include "net/internal.h"

#include "core/env.h"
#include "core/os.h"

#include <stdlib.h>

/* OpenSSL looks certificates up by hash in such a directory, one small file per chain. Parsing a
 * bundle of 140 certificates instead costs 40 ms before the first request. */
static bool is_hashed_dir(const char *path)
{
    hf__os_iter *iter = NULL;
    const char *name = NULL;
    hf__os_type type;
    bool found = false;

    if (hf__os_iter_open(path, &iter, NULL) != HF_OK || !iter)
        return false;
    while (!found && hf__os_iter_next(iter, &name, &type, NULL) == HF_OK && name)
        found =
            hf__str_ends(hf__str_from(name), HF__STR(".0")) &&
            hf__str_is_hex(hf__str_from(name).len == 10 ? (hf__str){ name, 8 } : HF__STR(""), 8);
    hf__os_iter_close(iter);
    return found;
}

static bool is_dir(const char *path)
{
    hf__os_stat st;

    return hf__os_stat_path(path, &st, NULL) == HF_OK && st.type == HF__OS_DIR;
}

static char *dup_text(const char *text, bool *ok)
{
    char *copy = text ? strdup(text) : NULL;

    *ok = *ok && (!text || copy);
    return copy;
}

/* Variables name a file or a directory; those of requests may name either. */
static void ca_from_env(hf__trust *trust, bool *ok)
{
    static const char *const names[] = { "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE" };

    for (size_t i = 0; i < HF__COUNT(names) && !trust->ca_file && !trust->ca_dir; i++) {
        const char *value = hf__env_get_nonempty(names[i]);

        if (value && is_dir(value))
            trust->ca_dir = dup_text(value, ok);
        else
            trust->ca_file = dup_text(value, ok);
    }
    if (!trust->ca_dir)
        trust->ca_dir = dup_text(hf__env_get_nonempty("SSL_CERT_DIR"), ok);
}

/* Lower case first, also when it is empty, which means "none". The upper-case name for http is not
 * looked at in a CGI program, where anybody sets it by a header named "Proxy". */
static const char *proxy_env(const char *lower, const char *upper)
{
    const char *value = hf__env_get(lower);

    if (!value && (strcmp(upper, "HTTP_PROXY") != 0 || !hf__env_get("REQUEST_METHOD")))
        value = hf__env_get(upper);
    return value;
}

static void proxies_from_env(hf__trust *trust, bool *ok)
{
    const char *http = proxy_env("http_proxy", "HTTP_PROXY");
    const char *https = proxy_env("https_proxy", "HTTPS_PROXY");
    const char *all = proxy_env("all_proxy", "ALL_PROXY");

    trust->http_proxy = dup_text(http ? http : all, ok);
    trust->https_proxy = dup_text(https ? https : all, ok);
    trust->no_proxy = dup_text(proxy_env("no_proxy", "NO_PROXY"), ok);
}

bool hf__trust_init(hf__trust *trust, const hf__net_conf *conf)
{
    bool ok = true;

    trust->ca_file = dup_text(conf->ca_file, &ok);
    trust->ca_dir = dup_text(conf->ca_dir, &ok);
    if (conf->use_env && !conf->ca_file && !conf->ca_dir)
        ca_from_env(trust, &ok);
    trust->http_proxy = dup_text(conf->proxy, &ok);
    trust->https_proxy = dup_text(conf->proxy, &ok);
    if (conf->use_env && !conf->proxy)
        proxies_from_env(trust, &ok);
    return ok;
}

void hf__trust_dispose(hf__trust *trust)
{
    free(trust->ca_file);
    free(trust->ca_dir);
    free(trust->http_proxy);
    free(trust->https_proxy);
    free(trust->no_proxy);
}

static void set_ca(const hf__net *net, CURL *easy, const char *file, const char *dir)
{
    (void)net->curl.easy_setopt(easy, CURLOPT_CAINFO, file);
    (void)net->curl.easy_setopt(easy, CURLOPT_CAPATH, dir);
    (void)net->curl.easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
    (void)net->curl.easy_setopt(easy, CURLOPT_PROXY_CAPATH, dir);
}

static void setup_ca(const hf__net *net, CURL *easy)
{
    static const char *const hashed_dirs[] = { "/etc/ssl/certs", "/etc/pki/tls/certs" };
    const hf__trust *trust = &net->conf.trust;

    if (trust->ca_file || trust->ca_dir) {
        set_ca(net, easy, trust->ca_file, trust->ca_dir);
        return;
    }
    for (size_t i = 0; i < HF__COUNT(hashed_dirs); i++) {
        if (is_hashed_dir(hashed_dirs[i])) {
            set_ca(net, easy, NULL, hashed_dirs[i]);
            return;
        }
    }
}

void hf__tls_setup(const hf__net *net, CURL *easy)
{
    const hf__curl *curl = &net->curl;

    setup_ca(net, easy);
    (void)curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

bool hf__proxy_setup(const hf__net *net, CURL *easy, bool https)
{
    const hf__curl *curl = &net->curl;
    const hf__trust *trust = &net->conf.trust;
    const char *proxy = https ? trust->https_proxy : trust->http_proxy;

    /* Without a word from us curl would look at the environment itself, by other rules and on
     * another thread than the one that may change it. */
    return curl->easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "") == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_NOPROXY, trust->no_proxy ? trust->no_proxy : "") ==
               CURLE_OK;
}
