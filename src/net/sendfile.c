/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies that are pieces of files, over plain HTTP: from the page cache to the socket by the
 * kernel. Reading them into memory and writing them out again takes half of the time of an upload.
 *
 * curl makes the connection, sends the head and reads the answer; to it the request has no body, only
 * a header that says how long it is. So that it never takes the connection for one that is ready for
 * the next request, each such exchange has a connection of its own, which ends with it.
 */
#include "net/internal.h"

#include "core/error.h"
#include "core/os.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEAST_BYTES ((uint64_t)256 * 1024) /* a connection of its own is worth it */
#define AT_ONCE     ((size_t)4 * 1024 * 1024)
#define COPY_BYTES  ((size_t)64 * 1024) /* where the kernel cannot */

/* ---- which socket is it, and is the head out */

static curl_socket_t on_open(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    hf__handle *handle = self;
    curl_socket_t fd;

    (void)purpose;
    if (handle->n_sockets == HF__SOCKETS)
        return CURL_SOCKET_BAD;
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd != CURL_SOCKET_BAD)
        handle->sockets[handle->n_sockets++] = fd;
    return fd;
}

static int on_close(void *self, curl_socket_t fd)
{
    hf__handle *handle = self;

    for (unsigned i = 0; i < handle->n_sockets; i++)
        if (handle->sockets[i] == fd)
            handle->sockets[i] = handle->sockets[--handle->n_sockets];
    return close(fd);
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *self)
{
    hf__handle *handle = self;

    (void)easy;
    if (type == CURLINFO_HEADER_OUT && len >= 4 && memcmp(data + len - 4, "\r\n\r\n", 4) == 0)
        handle->head_sent = true;
    return 0;
}

static void watch(const hf__curl *curl, hf__handle *handle, bool on)
{
    CURL *easy = handle->easy;

    handle->head_sent = handle->gave_up = false;
    handle->n_sockets = 0;
    (void)curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on ? on_open : NULL);
    (void)curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on ? on_close : NULL);
    (void)curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on ? on_debug : NULL);
    (void)curl->easy_setopt(easy, CURLOPT_DEBUGDATA, handle);
    (void)curl->easy_setopt(easy, CURLOPT_VERBOSE, on ? 1L : 0L);
    (void)curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, on ? 1L : 0L);
}

bool hf__kernel_setup_io(hf__handle *handle, const hf__net_stream *stream, bool https,
                         bool has_body)
{
    const hf__net *net = stream->net;
    const hf__net_source *source = &stream->req.source;
    bool was = handle->by_kernel;

    /* A proxy may be one that is spoken to in TLS. */
    handle->by_kernel = has_body && source->is_file && source->len >= LEAST_BYTES && !https &&
                        !net->conf.trust.http_proxy;
    if (handle->by_kernel || was)
        watch(&net->curl, handle, handle->by_kernel);
    return handle->by_kernel;
}

/* ---- sending */

/* Through memory, where the kernel cannot do it; or will not, and this tells the file's failure from
 * the socket's. */
static hf_status copy_out(hf__net_stream *stream, int to_socket, size_t len, size_t *sent,
                          bool *full)
{
    const hf__net_source *source = &stream->req.source;
    char bytes[COPY_BYTES];
    size_t got = 0;
    ssize_t n;
    hf_status st = source->read(source->self, stream->io.body_at, bytes,
                                len < sizeof(bytes) ? len : sizeof(bytes), &got, &stream->io.err);

    if (st != HF_OK || got == 0)
        return st;
    n = send(to_socket, bytes, got, MSG_NOSIGNAL | MSG_DONTWAIT);
    *sent = n < 0 ? 0 : (size_t)n;
    *full = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    /* A server that has heard enough may have answered before it hung up: curl finds out. */
    stream->io.handle->gave_up = n < 0 && !*full;
    return HF_OK;
}

/* Some of the body. *sent 0: the socket is full, or gone and there is nothing more to send, or the
 * file has become shorter. */
static hf_status send_some(hf__net_stream *stream, size_t *sent, bool *full)
{
    hf__handle *handle = stream->io.handle;
    const hf__net_source *source = &stream->req.source;
    uint64_t left = source->len - stream->io.body_at;
    size_t piece = hf__rate_piece_io(stream->net);
    size_t most = piece < AT_ONCE ? piece : AT_ONCE;
    size_t len = left < most ? (size_t)left : most;
    int to_socket = (int)handle->sockets[0];
    hf_status st = hf__os_send_file(to_socket, source->fd, source->first + stream->io.body_at, len,
                                    sent, full, NULL);

    if (st != HF_OK)
        return copy_out(stream, to_socket, len, sent, full);
    if (*sent == 0 && !*full)
        return hf__fail(&stream->io.err, HF_ERR_CHANGED,
                        "what was being sent ended after %llu of %llu bytes",
                        (unsigned long long)stream->io.body_at, (unsigned long long)source->len);
    return HF_OK;
}

static void send_body(hf__net *net, hf__net_stream *stream, hf__end_hop_fn *end)
{
    hf__handle *handle = stream->io.handle;
    const hf__net_source *source = &stream->req.source;
    bool full = false;
    size_t sent = 0;
    hf_status st;

    /* An answer that comes before the end of the body means that nobody wants the rest. */
    if (!handle->by_kernel || !handle->head_sent || handle->gave_up || stream->io.head_done ||
        stream->io.body_at == source->len)
        return;
    if (!hf__rate_open_io(net)) {
        net->io.starved_ms = net->io.now_ms;
        return;
    }
    st = handle->n_sockets == 1
             ? send_some(stream, &sent, &full)
             : hf__fail(&stream->io.err, HF_ERR_INTERNAL, "curl has more connections than one");
    if (st != HF_OK) {
        stream->io.failure = st;
        end(net, stream, CURLE_SEND_ERROR);
        return;
    }
    if (sent) {
        stream->io.body_at += sent;
        stream->io.last_ms = net->io.now_ms;
        hf__rate_pay_io(net, sent);
        if (source->moved)
            source->moved(source->self, stream->io.body_at);
    }
    if (!handle->gave_up && stream->io.body_at < source->len)
        net->io.waits[net->io.n_waits++] =
            (struct curl_waitfd){ .fd = handle->sockets[0], .events = CURL_WAIT_POLLOUT };
}

void hf__kernel_send_io(hf__net *net, hf__end_hop_fn *end)
{
    hf__net_stream *next;

    net->io.n_waits = 0;
    for (hf__net_stream *stream = net->io.active.first; stream; stream = next) {
        next = stream->io.next;
        send_body(net, stream, end);
    }
}
