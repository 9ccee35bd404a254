/* SPDX-License-Identifier: Apache-2.0 */
#include "net/curl_api.h"

#include "core/compiler.h"
#include "core/dl.h"
#include "core/error.h"

/* libcurl-gnutls is the same library with the same interface on another TLS, on Debian. */
static const char *const sonames[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };

static const hf__dl_sym symbols[] = {
#define HF__CURL_SYMBOL(member, symbol, result, args) { symbol, offsetof(hf__curl, member) },
    HF__CURL_MAP(HF__CURL_SYMBOL)
#undef HF__CURL_SYMBOL
};

hf_status hf__curl_load(hf__curl *curl, hf_error *err)
{
    hf_status st = hf__dl_load(sonames, symbols, HF__COUNT(symbols), curl, "libcurl 4", err);
    CURLcode code;

    if (st != HF_OK)
        return st;
    /* Counted by curl and never undone: the program around us may use curl as well. */
    code = curl->global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        return hf__fail(err, HF_ERR_UNSUPPORTED, "cannot start libcurl: %s",
                        curl->easy_strerror(code));
    return HF_OK;
}
