/* SPDX-License-Identifier: Apache-2.0 */
/* Whom to trust, and through which proxy. */
#include "net/internal.h"

#include "core/env.h"
#include "core/os.h"

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

static void set_ca(const hf__net *net, CURL *easy, const char *file, const char *dir)
{
    (void)net->curl.easy_setopt(easy, CURLOPT_CAINFO, file);
    (void)net->curl.easy_setopt(easy, CURLOPT_CAPATH, dir);
    (void)net->curl.easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
    (void)net->curl.easy_setopt(easy, CURLOPT_PROXY_CAPATH, dir);
}

/* Variables name a file or a directory; those of requests may name either. */
static bool ca_from_env(const char **file, const char **dir)
{
    static const char *const names[] = { "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE" };

    *file = NULL;
    *dir = NULL;
    for (size_t i = 0; i < HF__COUNT(names) && !*file && !*dir; i++) {
        const char *value = hf__env_get_nonempty(names[i]);

        if (value && is_dir(value))
            *dir = value;
        else
            *file = value;
    }
    if (!*dir)
        *dir = hf__env_get_nonempty("SSL_CERT_DIR");
    return *file || *dir;
}

static void setup_ca(const hf__net *net, CURL *easy)
{
    static const char *const hashed_dirs[] = { "/etc/ssl/certs", "/etc/pki/tls/certs" };
    const char *file = net->conf.ca_file;
    const char *dir = net->conf.ca_dir;

    if (file || dir || (net->conf.use_env && ca_from_env(&file, &dir))) {
        set_ca(net, easy, file, dir);
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
    if (net->conf.proxy)
        (void)curl->easy_setopt(easy, CURLOPT_PROXY, net->conf.proxy);
    else if (!net->conf.use_env)
        (void)curl->easy_setopt(easy, CURLOPT_PROXY, "");
    if (!net->conf.use_env)
        (void)curl->easy_setopt(easy, CURLOPT_NOPROXY, "");
}
