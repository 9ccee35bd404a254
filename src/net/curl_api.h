/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libcurl that net uses, as a table that is filled when the library is loaded.
 * Private to net. */
#ifndef HF_NET_CURL_API_H
#define HF_NET_CURL_API_H

/* curl's macros that check types of setopt would name the functions we do not link. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <hfhub/hfhub.h>

/* member, symbol, result, arguments */
#define HF__CURL_MAP(X)                                                                            \
    X(global_init, "curl_global_init", CURLcode, (long))                                           \
    X(version_info, "curl_version_info", curl_version_info_data *, (CURLversion))                  \
    X(easy_init, "curl_easy_init", CURL *, (void))                                                 \
    X(easy_cleanup, "curl_easy_cleanup", void, (CURL *))                                           \
    X(easy_setopt, "curl_easy_setopt", CURLcode, (CURL *, CURLoption, ...))                        \
    X(easy_getinfo, "curl_easy_getinfo", CURLcode, (CURL *, CURLINFO, ...))                        \
    X(easy_pause, "curl_easy_pause", CURLcode, (CURL *, int))                                      \
    X(easy_strerror, "curl_easy_strerror", const char *, (CURLcode))                               \
    X(slist_append, "curl_slist_append", struct curl_slist *, (struct curl_slist *, const char *)) \
    X(slist_free_all, "curl_slist_free_all", void, (struct curl_slist *))                          \
    X(multi_init, "curl_multi_init", CURLM *, (void))                                              \
    X(multi_cleanup, "curl_multi_cleanup", CURLMcode, (CURLM *))                                   \
    X(multi_setopt, "curl_multi_setopt", CURLMcode, (CURLM *, CURLMoption, ...))                   \
    X(multi_add_handle, "curl_multi_add_handle", CURLMcode, (CURLM *, CURL *))                     \
    X(multi_remove_handle, "curl_multi_remove_handle", CURLMcode, (CURLM *, CURL *))               \
    X(multi_perform, "curl_multi_perform", CURLMcode, (CURLM *, int *))                            \
    X(multi_poll, "curl_multi_poll", CURLMcode,                                                    \
      (CURLM *, struct curl_waitfd *, unsigned, int, int *))                                       \
    X(multi_wakeup, "curl_multi_wakeup", CURLMcode, (CURLM *))                                     \
    X(multi_info_read, "curl_multi_info_read", CURLMsg *, (CURLM *, int *))                        \
    X(multi_strerror, "curl_multi_strerror", const char *, (CURLMcode))                            \
    X(share_init, "curl_share_init", CURLSH *, (void))                                             \
    X(share_setopt, "curl_share_setopt", CURLSHcode, (CURLSH *, CURLSHoption, ...))                \
    X(share_cleanup, "curl_share_cleanup", CURLSHcode, (CURLSH *))

typedef struct hf__curl {
#define HF__CURL_MEMBER(member, symbol, result, args) result(*member) args;
    HF__CURL_MAP(HF__CURL_MEMBER)
#undef HF__CURL_MEMBER
} hf__curl;

/* Loads libcurl and initialises it. */
hf_status hf__curl_load(hf__curl *curl, hf_error *err);

#endif
