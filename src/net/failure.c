/* SPDX-License-Identifier: Apache-2.0 */
/* From a curl code to a status and a sentence: which host, what happened. Query strings, which sign
 * URLs, and proxy passwords never get into it. */
#include "net/internal.h"

#include "core/error.h"

#include <stdio.h>

static hf_status status_of(CURLcode code, bool *transient)
{
    *transient = false;
    switch (code) {
    case CURLE_OK:
        return HF_OK;
    case CURLE_OUT_OF_MEMORY:
        return HF_ERR_NO_MEMORY;
    case CURLE_OPERATION_TIMEDOUT:
        *transient = true;
        return HF_ERR_TIMEOUT;
    case CURLE_PARTIAL_FILE:
        *transient = true;
        return HF_ERR_TRUNCATED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return HF_ERR_PROXY;
    case CURLE_SSL_CONNECT_ERROR: /* also a reset within the handshake */
        *transient = true;
        return HF_ERR_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return HF_ERR_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return HF_ERR_PROTOCOL;
    default:
        *transient = true;
        return HF_ERR_NETWORK;
    }
}

/* CURLE_TOO_LARGE came with curl 8.6; before, a line over curl's own limit was "out of memory". */
static bool is_header_bomb(const hf__net_stream *stream, CURLcode code)
{
    return (int)code == 100 ||
           (code == CURLE_OUT_OF_MEMORY && stream->io.header_bytes > 0 && !stream->io.head_done);
}

/* A proxy that refuses a tunnel, or cannot be reached: curl has no code for these. */
static bool is_proxy_fault(const hf__net *net, const hf__net_stream *stream, CURLcode code)
{
    const hf__handle *handle = stream->io.handle;
    long answer = 0;
    hf__url url;
    char wanted[300];

    (void)net->curl.easy_getinfo(handle->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
    if (answer >= 300 || strncmp(handle->error, "Unsupported proxy", 17) == 0)
        return true;
    if (code != CURLE_COULDNT_CONNECT || !hf__url_parse(hf__buf_cstr(&stream->io.url), &url) ||
        strncmp(handle->error, "Failed to connect to ", 21) != 0)
        return false;
    if (url.host.ptr[0] == '[')
        url.host = (hf__str){ url.host.ptr + 1, url.host.len - 2 };
    (void)snprintf(wanted, sizeof(wanted), "Failed to connect to %.*s port %u", (int)url.host.len,
                   url.host.ptr, (unsigned)url.port);
    return strncmp(handle->error, wanted, strlen(wanted)) != 0;
}

/* What helps when a network has a certificate authority of its own. */
static const char *tls_advice(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION ? "; if the server's certificate authority is "
                                                    "your own, name its file in SSL_CERT_FILE"
           : code == CURLE_SSL_CACERT_BADFILE
               ? "; check the file or directory of certificate authorities that is configured"
               : "";
}

hf_status hf__net_failure(const hf__net *net, const hf__net_stream *stream, CURLcode code,
                          bool *transient, hf_error *err)
{
    const char *cause = stream->io.handle->error;
    hf_status st = status_of(code, transient);
    hf__url url;
    hf__str host = { "", 0 };

    if (hf__url_parse(hf__buf_cstr(&stream->io.url), &url))
        host = url.authority;
    if (is_header_bomb(stream, code)) {
        *transient = false;
        return hf__fail(err, HF_ERR_LIMIT, "'%.*s' sent too large headers", (int)host.len,
                        host.ptr);
    }
    if (st == HF_ERR_PROXY || is_proxy_fault(net, stream, code)) {
        *transient = false;
        st = HF_ERR_PROXY;
        /* curl's own text quotes a proxy's URL when that is what is wrong, password and all. */
        if (code == CURLE_COULDNT_RESOLVE_PROXY || strstr(cause, "proxy s"))
            cause = code == CURLE_COULDNT_RESOLVE_PROXY ? "" : "its URL is of an unknown kind";
    }
    if (!*cause)
        cause = net->curl.easy_strerror(code);
    switch (st) {
    case HF_ERR_TIMEOUT:
        st = hf__fail(err, st, "no answer from '%.*s': %s", (int)host.len, host.ptr, cause);
        break;
    case HF_ERR_TRUNCATED:
        if (stream->io.content_length == HF__NET_NO_LIMIT)
            st = hf__fail(err, st, "'%.*s' ended the body early, after %llu bytes", (int)host.len,
                          host.ptr, (unsigned long long)stream->io.received);
        else
            st = hf__fail(err, st, "'%.*s' ended the body early: %llu of %llu bytes", (int)host.len,
                          host.ptr, (unsigned long long)stream->io.received,
                          (unsigned long long)stream->io.content_length);
        break;
    case HF_ERR_PROXY:
        st = hf__fail(err, st, "cannot reach '%.*s' through the proxy: %s", (int)host.len, host.ptr,
                      cause);
        break;
    case HF_ERR_TLS:
        st = hf__fail(err, st, "no secure connection to '%.*s': %s%s", (int)host.len, host.ptr,
                      cause, tls_advice(code));
        break;
    case HF_ERR_NO_MEMORY:
        st = hf__fail_nomem(err);
        break;
    default:
        st = hf__fail(err, st, "cannot talk to '%.*s': %s", (int)host.len, host.ptr, cause);
        break;
    }
    return st;
}

bool hf__net_stream_is_transient(const hf__net_stream *stream)
{
    return stream->io.transient;
}
