/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that the kernel sends from a file: what arrives, and what happens when it cannot. */
#include "client.h"

#include "api/private.h"
#include "core/error.h"
#include "net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_BYTES = 3 * 1024 * 1024 + 17, FIRST = 4099, BODY_BYTES = FILE_BYTES - FIRST - 5 };

typedef struct fixture {
    client *c;
    peer *p;
    int fd;
    int kernel_fd; /* what the kernel is told to send; -1: the same */
    bool broken;   /* reading fails */
    char *bytes;   /* of the file */
    atomic_uint n_read;
    uint64_t moved; /* the I/O thread's until the call is over */
    unsigned n_resets;
    unsigned n_refusals;
    bool arrived; /* the body, as it is in the file */
} fixture;

static hf_status read_file(void *self, uint64_t offset, void *to, size_t len, size_t *got,
                           hf_error *err)
{
    fixture *f = self;
    ssize_t n = pread(f->fd, to, len, (off_t)(FIRST + offset));

    if (f->broken)
        return hf__fail_os(err, EIO, "cannot read the file");
    atomic_fetch_add(&f->n_read, 1);
    *got = n > 0 ? (size_t)n : 0;
    return HF_OK;
}

static void on_moved(void *self, uint64_t at)
{
    ((fixture *)self)->moved = at;
}

static bool answer(peer_conn *conn, const peer_request *request, void *user)
{
    fixture *f = user;

    if (request->number <= f->n_resets) {
        peer_reset(conn);
        return false;
    }
    f->arrived =
        request->body_len == BODY_BYTES && memcmp(request->body, f->bytes + FIRST, BODY_BYTES) == 0;
    if (request->number <= f->n_resets + f->n_refusals)
        return peer_answer(conn, request, "503 Busy\r\n", "later");
    return peer_answer(conn, request, "200 OK\r\nETag: \"x\"\r\n", "stored");
}

static fixture *set_up(void)
{
    fixture *f = calloc(1, sizeof *f);
    char path[4200];

    assert_non_null(f);
    f->kernel_fd = -1;
    f->p = peer_start(answer, f);
    f->c = client_new(peer_url(f->p));
    f->bytes = malloc(FILE_BYTES);
    assert_non_null(f->bytes);
    for (size_t i = 0; i < FILE_BYTES; i++)
        f->bytes[i] = (char)(i * 131 + i / 251);
    (void)snprintf(path, sizeof path, "%s/file", f->c->dir.path);
    f->fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(f->fd >= 0);
    assert_int_equal(write(f->fd, f->bytes, FILE_BYTES), FILE_BYTES);
    return f;
}

static void tear_down(fixture *f)
{
    client_free(f->c);
    peer_stop(f->p);
    close(f->fd);
    free(f->bytes);
    free(f);
}

static hf_status put(fixture *f, const char *url, hf__net_resp *resp, hf_error *err)
{
    hf__net_req req = { .method = "PUT",
                        .url = url,
                        .source = { .read = read_file,
                                    .self = f,
                                    .len = BODY_BYTES,
                                    .is_file = true,
                                    .fd = f->kernel_fd >= 0 ? f->kernel_fd : f->fd,
                                    .first = FIRST,
                                    .moved = on_moved },
                        .retry = HF__NET_RETRY_UPLOAD,
                        .timeout_ms = 2000 };

    return hf__net_call(f->c->hf->net, &req, NULL, resp, err);
}

static void stores(fixture *f)
{
    hf__net_resp resp = { 0 };
    hf_error err = HF_ERROR_INIT;

    client_expect(put(f, peer_url(f->p), &resp, &err), &err, HF_OK);
    assert_int_equal(resp.status, 200);
    assert_string_equal(hf__net_header_get(resp.headers, "etag"), "\"x\"");
    assert_true(f->arrived);
    assert_int_equal(f->moved, BODY_BYTES);
    assert_int_equal(atomic_load(&f->n_read), 0);
    hf__net_resp_dispose(&resp);
}

void test_sendfile__the_piece_arrives_whole(void **state)
{
    fixture *f = set_up();
    char length[64];

    (void)state;
    stores(f);
    (void)snprintf(length, sizeof length, "\r\nContent-Length: %d\r\n", BODY_BYTES);
    assert_true(peer_saw(f->p, length));
    assert_false(peer_saw(f->p, "Transfer-Encoding"));
    assert_false(peer_saw(f->p, "Expect"));
    tear_down(f);
}

/* The next request must not come down a connection whose body somebody else wrote. */
void test_sendfile__each_has_a_connection_of_its_own(void **state)
{
    fixture *f = set_up();

    (void)state;
    stores(f);
    stores(f);
    assert_int_equal(peer_connections(f->p), 2);
    tear_down(f);
}

void test_sendfile__starts_again_after_a_reset_and_a_refusal(void **state)
{
    fixture *f = set_up();

    (void)state;
    f->n_resets = 2;
    f->n_refusals = 1;
    stores(f);
    assert_int_equal(peer_count(f->p), 4);
    tear_down(f);
}

void test_sendfile__a_file_that_became_shorter_is_told(void **state)
{
    fixture *f = set_up();
    hf__net_resp resp = { 0 };
    hf_error err = HF_ERROR_INIT;

    (void)state;
    assert_int_equal(ftruncate(f->fd, FIRST + 1000000), 0);
    client_expect(put(f, peer_url(f->p), &resp, &err), &err, HF_ERR_CHANGED);
    assert_non_null(strstr(err.message, "1000000 of"));
    hf__net_resp_dispose(&resp);
    tear_down(f);
}

/* Where the kernel fails, reading tells whether it is the file or the socket. */
void test_sendfile__a_disk_that_fails_is_told_at_once(void **state)
{
    fixture *f = set_up();
    hf__net_resp resp = { 0 };
    hf_error err = HF_ERROR_INIT;
    char path[4200];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", f->c->dir.path);
    f->kernel_fd = open(path, O_WRONLY); /* not to be read from */
    assert_true(f->kernel_fd >= 0);
    client_expect(put(f, peer_url(f->p), &resp, &err), &err, HF_OK);
    assert_true(f->arrived);
    assert_true(atomic_load(&f->n_read) > 0);
    hf__net_resp_dispose(&resp);
    f->broken = true;
    client_expect(put(f, peer_url(f->p), &resp, &err), &err, HF_ERR_IO);
    assert_non_null(strstr(err.message, "cannot read the file"));
    hf__net_resp_dispose(&resp);
    close(f->kernel_fd);
    tear_down(f);
}

/* What cannot be sent as it is goes through read, as for TLS. */
void test_sendfile__not_through_a_proxy(void **state)
{
    fixture *f = set_up();
    client *direct = f->c;
    hf_client_opts opts;
    hf__net_resp resp = { 0 };
    hf_error err = HF_ERROR_INIT;

    (void)state;
    f->c = client_make();
    opts = client_opts(f->c, "http://hub.example");
    opts.proxy = peer_url(f->p);
    client_new_with(f->c, &opts);
    client_expect(put(f, "http://storage.example/object", &resp, &err), &err, HF_OK);
    assert_true(f->arrived);
    assert_true(atomic_load(&f->n_read) > 0);
    hf__net_resp_dispose(&resp);
    client_free(direct);
    tear_down(f);
}
