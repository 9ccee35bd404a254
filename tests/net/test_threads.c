/* SPDX-License-Identifier: Apache-2.0 */
/* One client, many threads; many clients; and a process that forks. */
#include "client.h"

#include <stdatomic.h>
#include <sys/wait.h>

enum { THREADS = 12, ROUNDS = 15 };

static bool answer(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    if (request->number % 7 == 0 && strstr(request->target, "/tree/"))
        return peer_answer(conn, request, "503 Service Unavailable\r\n", "");
    if (request->number % 11 == 0 && strstr(request->target, "/tree/")) {
        peer_reset(conn);
        return false;
    }
    if (strstr(request->target, "/resolve/"))
        return peer_answer(conn, request, HELLO_HEAD, "hello\n");
    if (strstr(request->target, "/tree/") || strstr(request->target, "/paths-info/"))
        return peer_answer(conn, request, "200 OK\r\n",
                           "[{\"type\":\"file\",\"path\":\"a.txt\",\"size\":6,\"oid\":\"" HELLO_SHA1
                           "\"}]");
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\",\"sha\":\"" COMMIT "\"}");
}

typedef struct worker {
    client *k;
    atomic_int *bad;
    unsigned seed;
    pthread_t thread;
} worker;

static void *work(void *arg)
{
    worker *w = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        client_call call = (client_call)((w->seed + i) % (CALL_SNAPSHOT + 1));
        hf_error err = HF_ERROR_INIT;

        if (client_do(w->k, call, &err) != HF_OK) {
            fprintf(stderr, "%s: %s\n", client_call_name(call), err.message);
            atomic_fetch_add(w->bad, 1);
        }
    }
    return NULL;
}

static void run_threads(client **clients, size_t n_clients)
{
    worker workers[THREADS];
    atomic_int bad = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker){ clients[i % n_clients], &bad, i, 0 };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    assert_int_equal(atomic_load(&bad), 0);
}

void test_threads__share_a_client(void **state)
{
    peer *p = peer_start(answer, NULL);
    client *k = client_new(peer_url(p));

    (void)state;
    run_threads(&k, 1);
    assert_true(peer_connections(p) < peer_count(p) / 2); /* connections are kept */
    client_free(k);
    peer_stop(p);
}

void test_threads__with_a_client_each(void **state)
{
    peer *p = peer_start(answer, NULL);
    client *clients[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        clients[i] = client_new(peer_url(p));
    run_threads(clients, 4);
    for (size_t i = 0; i < 4; i++)
        client_free(clients[i]);
    peer_stop(p);
}

/* ---- fork */

static int child(const char *url, hf_client *parents)
{
    hf_repo_info *info = NULL;
    hf_client_opts opts = HF_CLIENT_OPTS_INIT;
    hf_error err = HF_ERROR_INIT;
    hf_client *own = NULL;

    alarm(20);
    /* The parent's thread is not here: a call would wait for it for ever. */
    if (hf_repo_info_get(parents, &repo_x, NULL, &info, &err) != HF_ERR_UNSUPPORTED ||
        !strstr(err.message, "fork"))
        return 1;
    hf_client_free(parents);
    opts.flags = HF_CLIENT_NO_ENV;
    opts.endpoint = url;
    if (hf_client_new(&opts, &own, &err) != HF_OK ||
        hf_repo_info_get(own, &repo_x, NULL, &info, &err) != HF_OK)
        return 2;
    hf_repo_info_free(info);
    hf_client_free(own);
    return 0;
}

void test_threads__do_not_cross_a_fork(void **state)
{
    peer *p = peer_start(answer, NULL);
    client *k = client_new(peer_url(p));
    hf_error err = HF_ERROR_INIT;
    int status = -1;
    pid_t pid;

    (void)state;
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
#ifdef __SANITIZE_THREAD__ /* which wants no new threads in a child of a process with threads */
    client_free(k);
    peer_stop(p);
    skip();
#endif
    pid = fork();
    if (pid == 0)
        _exit(child(peer_url(p), k->hf));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK); /* the parent goes on */
    client_free(k);
    peer_stop(p);
}
