/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending an answer through libmicrohttpd, bent by the fault script where one says so.
 *
 * A body is pulled by libmicrohttpd in pieces, each asked for when the socket has taken all before
 * it. So its position is the count of bytes really sent, which the access log reports. Files go by
 * sendfile, where the kernel keeps the count.
 */
#include "http/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)128 * 1024)

static int64_t read_source(srv_answer *answer, uint64_t pos, char *out, size_t max)
{
    uint64_t at = answer->offset + pos;

    if (answer->n_bytes != SRV_UNKNOWN_SIZE) {
        if (pos >= answer->n_bytes)
            return 0;
        if (max > answer->n_bytes - pos)
            max = (size_t)(answer->n_bytes - pos);
    }
    if (answer->kind == SRV_BODY_TEXT) {
        memcpy(out, answer->text.ptr + at, max);
        return (int64_t)max;
    }
    if (answer->kind == SRV_BODY_FILE) {
        ssize_t n;

        do
            n = pread(answer->fd, out, max, (off_t)at);
        while (n < 0 && errno == EINTR);
        return n > 0 ? n : -1; /* shorter than it was when we told its length */
    }
    return answer->read(answer->user, at, out, max);
}

/* Lets at most `max` bytes pass before the next scripted event, and plays those that are due. */
static bool play_before(srv_req *req, uint64_t pos, size_t *max)
{
    const srv_fault *fault = &req->fault;

    if (fault->has_stall && !req->stalled) {
        if (pos == fault->stall) {
            req->stalled = true;
            if (!srv_pause(req, fault->stall_ms))
                return false;
        } else if (pos<fault->stall && * max> fault->stall - pos) {
            *max = (size_t)(fault->stall - pos);
        }
    }
    if (fault->has_cut) {
        if (pos >= fault->cut)
            return false;
        if (*max > fault->cut - pos)
            *max = (size_t)(fault->cut - pos);
    }
    if (fault->bytes_per_second > 0) {
        uint64_t slice = fault->bytes_per_second / 20 + 1;

        if (pos > 0 && !srv_pause(req, (uint32_t)(slice * 1000 / fault->bytes_per_second)))
            return false;
        if (*max > slice)
            *max = (size_t)slice;
    }
    return true;
}

static ssize_t pull(void *cls, uint64_t pos, char *out, size_t max)
{
    srv_req *req = cls;
    int64_t n;

    req->sent = pos;
    if (!play_before(req, pos, &max))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    n = read_source(&req->answer, pos, out, max);
    if (n == 0 && !req->fault.has_length)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (req->fault.has_flip && req->fault.flip >= pos && req->fault.flip - pos < (uint64_t)n)
        out[req->fault.flip - pos] = (char)(out[req->fault.flip - pos] ^ 1);
    return (ssize_t)n;
}

static void bend_headers(srv_req *req)
{
    const srv_fault *fault = &req->fault;

    if (fault->etag) {
        bool quoted = strchr(fault->etag, '"') != NULL;
        const char *fmt = quoted ? "%s" : "\"%s\"";

        if (srv_header_get(req, "ETag"))
            srv_header_setf(req, "ETag", fmt, fault->etag);
        if (srv_header_get(req, "X-Linked-Etag"))
            srv_header_setf(req, "X-Linked-Etag", fmt, fault->etag);
    }
    for (const srv_header *h = fault->headers; h; h = h->next)
        srv_header_set(req, h->name, *h->value ? h->value : NULL);
}

/* What a web page from elsewhere may read, and what every answer carries. */
static void common_headers(srv_req *req)
{
    srv_header_set(req, "X-Request-Id", req->id);
    if (req->origin == SRV_STORAGE)
        return;
    srv_header_set(req, "Access-Control-Allow-Origin", "*");
    srv_header_set(req, "Access-Control-Expose-Headers",
                   "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,"
                   "Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash,"
                   "RateLimit,RateLimit-Policy");
}

/* Whole files go by sendfile, unless a script has to meddle with the bytes, or the kernel cannot
 * tell how many it sent. */
static bool goes_by_kernel(srv_req *req)
{
    const srv_fault *fault = &req->fault;

    if (req->answer.kind != SRV_BODY_FILE || req->is_head || fault->has_cut || fault->has_flip ||
        fault->has_stall || fault->has_length || fault->chunked || fault->bytes_per_second > 0)
        return false;
    req->by_kernel = srv_took(req->conn, &req->took_before);
    return req->by_kernel;
}

static struct MHD_Response *make_response(srv_req *req)
{
    srv_answer *answer = &req->answer;
    const srv_fault *fault = &req->fault;
    uint64_t size = answer->n_bytes == SRV_UNKNOWN_SIZE ? MHD_SIZE_UNKNOWN : answer->n_bytes;
    struct MHD_Response *response;
    size_t block;

    if (fault->has_length)
        size = fault->length; /* pull() ends the connection when the body is shorter */
    block = size < BLOCK_BYTES ? (size_t)size : BLOCK_BYTES;
    if (fault->chunked && size > 0 && !req->is_head)
        size = MHD_SIZE_UNKNOWN;
    if (size == 0)
        response =
            MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    else if (goes_by_kernel(req)) {
        response = MHD_create_response_from_fd_at_offset64(size, answer->fd, answer->offset);
        if (response)
            answer->fd = -1; /* its now */
    } else
        response = MHD_create_response_from_callback(size, block, pull, req, NULL);
    if (!response)
        return NULL;
    if (answer->close_connection)
        srv_header_set(req, "Connection", "close");
    for (const srv_header *h = answer->headers; h; h = h->next)
        MHD_add_response_header(response, h->name, h->value);
    return response;
}

enum MHD_Result srv_send(srv_req *req)
{
    struct MHD_Response *response;
    enum MHD_Result queued;

    if (req->answer.status == 0)
        srv_answer_error(req, 500, NULL, "Internal server error");
    if (req->fault.lose)
        return MHD_NO; /* the work is done, and nobody is told */
    common_headers(req);
    bend_headers(req);
    response = make_response(req);
    if (!response)
        return MHD_NO;
    req->queued = true;
    req->status_sent = req->answer.status;
    queued = MHD_queue_response(req->conn, req->answer.status, response);
    MHD_destroy_response(response);
    return queued;
}
