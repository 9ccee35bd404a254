/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a call is waiting for, it stops soon after it is asked to, and its client goes on. */
#include "client.h"

#include "api/private.h"
#include "net/internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SOON_MS = 5000 }; /* what is cancelled would take 20 s */
#else
enum { SOON_MS = 1000 };
#endif

static atomic_bool resolver_stalls;
static atomic_int resolver_waits;

static void sleep_ms(unsigned ms)
{
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&time, NULL);
}

/* Stands in front of the C library's: a name server that does not answer. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict name,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict out)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)out;
    atomic_fetch_add(&resolver_waits, 1);
    while (atomic_load(&resolver_stalls))
        sleep_ms(10);
    atomic_fetch_sub(&resolver_waits, 1);
    return EAI_AGAIN;
}

typedef struct canceler {
    hf_cancel *cancel;
    unsigned after_ms; /* 0: once a name is being resolved */
    atomic_uint_fast64_t at_ms;
    pthread_t thread;
} canceler;

static void *cancel_later(void *arg)
{
    canceler *c = arg;

    sleep_ms(c->after_ms);
    while (!c->after_ms && !atomic_load(&resolver_waits))
        sleep_ms(10);
    atomic_store(&c->at_ms, now_ms());
    hf_cancel_set(c->cancel);
    return NULL;
}

/* Downloads, and cancels after a while from another thread. */
static void cancel_download(client *k, bool whole, unsigned after_ms)
{
    hf_download_opts file_opts = HF_DOWNLOAD_OPTS_INIT;
    hf_snapshot_opts snapshot_opts = HF_SNAPSHOT_OPTS_INIT;
    canceler c = { .after_ms = after_ms };
    hf_snapshot *snapshot = NULL;
    hf_error err = HF_ERROR_INIT;
    hf_file *file = NULL;
    uint64_t took;
    hf_status st;

    assert_int_equal(hf_cancel_new(&c.cancel), HF_OK);
    file_opts.cancel = c.cancel;
    snapshot_opts.cancel = c.cancel;
    assert_int_equal(pthread_create(&c.thread, NULL, cancel_later, &c), 0);
    st = whole ? hf_snapshot_download(k->hf, &repo_x, &snapshot_opts, &snapshot, &err)
               : hf_hub_download(k->hf, &repo_x, "a.txt", &file_opts, &file, &err);
    took = now_ms();
    pthread_join(c.thread, NULL);
    client_expect(st, &err, HF_ERR_CANCELED);
    took -= atomic_load(&c.at_ms);
    if (took > SOON_MS)
        fail_msg("it took %u ms", (unsigned)took);
    hf_cancel_free(c.cancel);
}

/* ---- a name that does not resolve */

void test_cancel__while_resolving(void **state)
{
    client *k = client_make();
    hf_client_opts opts = client_opts(k, "http://hub.example");

    (void)state;
    opts.etag_timeout_ms = 20000;
    opts.read_timeout_ms = 20000;
    client_new_with(k, &opts);
    for (int whole = 0; whole < 2; whole++) {
        atomic_store(&resolver_stalls, true);
        cancel_download(k, whole, 0);
        atomic_store(&resolver_stalls, false);
        for (int i = 0; i < 500 && atomic_load(&resolver_waits); i++)
            sleep_ms(10);
    }
    client_free(k);
    sleep_ms(100); /* the resolver's threads clean up after themselves */
}

/* A resolver that hangs holds up nobody who asks another host. */
static bool hello(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    if (strstr(request->target, "/resolve/"))
        return peer_answer(conn, request, HELLO_HEAD, "hello\n");
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
}

/* ---- a host that does not answer the door */

typedef struct closed_door {
    int fd;
    int visitors[8];
    char url[64];
} closed_door;

/* A backlog that is full: further connections wait for ever. */
static closed_door close_door(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    closed_door door = { .fd = socket(AF_INET, SOCK_STREAM, 0) };

    assert_int_equal(bind(door.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(door.fd, 0), 0);
    assert_int_equal(getsockname(door.fd, (struct sockaddr *)&at, &len), 0);
    for (size_t i = 0; i < 8; i++) {
        door.visitors[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(door.visitors[i], (struct sockaddr *)&at, sizeof at);
    }
    sleep_ms(50);
    snprintf(door.url, sizeof door.url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    return door;
}

static void open_door(closed_door *door)
{
    for (size_t i = 0; i < 8; i++)
        close(door->visitors[i]);
    close(door->fd);
}

void test_cancel__while_connecting(void **state)
{
    closed_door door = close_door();
    client *k = client_make();
    hf_client_opts opts = client_opts(k, door.url);

    (void)state;
    opts.etag_timeout_ms = 20000;
    opts.read_timeout_ms = 20000;
    client_new_with(k, &opts);
    cancel_download(k, false, 300);
    cancel_download(k, true, 300);
    client_free(k);
    open_door(&door);
}

void test_cancel__a_connection_times_out(void **state)
{
    closed_door door = close_door();
    client *k = client_new(door.url);
    hf_error err = HF_ERROR_INIT;
    uint64_t start = now_ms();

    (void)state;
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_TIMEOUT);
    assert_true(now_ms() - start < 3000);
    client_free(k);
    open_door(&door);
}

/* ---- a server that goes silent */

typedef enum silence { NO_HEAD, HALF_HEAD, HALF_BODY, SLOW_BODY, LATER } silence;

static bool go_silent(peer_conn *conn, const peer_request *request, void *user)
{
    silence how = *(const silence *)user;

    if (how == LATER && !strstr(request->target, "/revision/"))
        return peer_answer(conn, request, "503 Service Unavailable\r\nRetry-After: 60\r\n", "");
    if (how >= HALF_BODY && strcmp(request->method, "HEAD") == 0)
        return peer_say(conn, "HTTP/1.1 " HELLO_HEAD "Content-Length: 6\r\n\r\n");
    if (how >= HALF_BODY && strstr(request->target, "/revision/"))
        return peer_answer(conn, request, "200 OK\r\n", "{\"sha\":\"" COMMIT "\"}");
    if (how >= HALF_BODY && strstr(request->target, "/tree/"))
        return peer_answer(conn, request, "200 OK\r\n",
                           "[{\"type\":\"file\",\"path\":\"a.txt\",\"size\":6,\"oid\":\"" HELLO_SHA1
                           "\"}]");
    if (how == HALF_HEAD)
        (void)peer_say(conn, "HTTP/1.1 200 OK\r\nX-Repo");
    if (how >= HALF_BODY)
        (void)peer_say(conn, "HTTP/1.1 " HELLO_HEAD "Content-Length: 6\r\n\r\nhel");
    (void)peer_wait(conn, 30000);
    return false;
}

void test_cancel__while_waiting_for_the_server(void **state)
{
    (void)state;
    for (silence how = NO_HEAD; how <= LATER; how++) {
        for (int whole = 0; whole < 2; whole++) {
            peer *p = peer_start(go_silent, &how);
            client *k = client_make();
            hf_client_opts opts = client_opts(k, peer_url(p));

            opts.etag_timeout_ms = 20000;
            opts.read_timeout_ms = 20000;
            client_new_with(k, &opts);
            hf__net_set_second_ms(k->hf->net, 1000);
            cancel_download(k, whole, 300);
            client_free(k);
            peer_stop(p);
        }
    }
}

/* ---- by the callback */

static int stop_now(const hf_progress *progress, void *user)
{
    atomic_uint_fast64_t *at_ms = user;

    (void)progress;
    if (atomic_load(at_ms) == 0)
        atomic_store(at_ms, now_ms());
    return 1;
}

static void stop_by_callback(silence how, bool whole)
{
    peer *p = peer_start(go_silent, &how);
    client *k = client_make();
    hf_client_opts opts = client_opts(k, peer_url(p));
    hf_download_opts file_opts = HF_DOWNLOAD_OPTS_INIT;
    hf_snapshot_opts snapshot_opts = HF_SNAPSHOT_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    atomic_uint_fast64_t at_ms = 0;
    hf_file *file = NULL;
    hf_snapshot *snapshot = NULL;

    opts.etag_timeout_ms = 20000;
    opts.read_timeout_ms = 20000;
    client_new_with(k, &opts);
    hf__net_set_second_ms(k->hf->net, 1000);
    file_opts.on_progress = snapshot_opts.on_progress = stop_now;
    file_opts.user = snapshot_opts.user = &at_ms;
    if (whole)
        client_expect(hf_snapshot_download(k->hf, &repo_x, &snapshot_opts, &snapshot, &err), &err,
                      HF_ERR_CANCELED);
    else
        client_expect(hf_hub_download(k->hf, &repo_x, "a.txt", &file_opts, &file, &err), &err,
                      HF_ERR_CANCELED);
    assert_true(atomic_load(&at_ms) > 0);
    assert_true(now_ms() - atomic_load(&at_ms) < SOON_MS);
    client_free(k);
    peer_stop(p);
}

/* Also while nothing but a head or a listing is waited for. */
void test_cancel__by_the_callback(void **state)
{
    (void)state;
    for (silence how = NO_HEAD; how <= LATER; how++) {
        stop_by_callback(how, false);
        stop_by_callback(how, true);
    }
}

/* ---- afterwards */

void test_cancel__the_client_goes_on(void **state)
{
    peer *p = peer_start(hello, NULL);
    client *k = client_new(peer_url(p));
    hf_download_opts opts = HF_DOWNLOAD_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_file *file = NULL;

    (void)state;
    assert_int_equal(hf_cancel_new(&opts.cancel), HF_OK);
    hf_cancel_set(opts.cancel); /* before the call */
    client_expect(hf_hub_download(k->hf, &repo_x, "a.txt", &opts, &file, &err), &err,
                  HF_ERR_CANCELED);
    assert_int_equal(peer_count(p), 0);
    hf_cancel_free(opts.cancel);
    client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_OK);
    client_free(k);
    peer_stop(p);
}
