/* SPDX-License-Identifier: Apache-2.0 */
/* A token goes to the origin it was given for, and nowhere else: a second listener is the witness. */
#include "client.h"

#define BEARER "Authorization: Bearer " TOKEN

/* ---- the Hub names another place */

typedef struct elsewhere {
    const char *url; /* of the other origin */
    int status;
} elsewhere;

static bool send_away(peer_conn *conn, const peer_request *request, void *user)
{
    const elsewhere *e = user;
    char head[600];

    if (strncmp(request->target, "/back", 5) == 0)
        return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
    if (strncmp(request->target, "/cdn", 4) == 0)
        return peer_answer(conn, request, "200 OK\r\n", "hello\n");
    if (strstr(request->target, "/tree/") && !strstr(request->target, "cursor")) {
        snprintf(head, sizeof head,
                 "200 OK\r\nLink: <%s/api/models/acme/x/tree/main?cursor=1>; rel=\"next\"\r\n",
                 e->url);
        return peer_answer(conn, request, head,
                           "[{\"type\":\"file\",\"path\":\"a.txt\",\"size\":6,\"oid\":\"" HELLO_SHA1
                           "\"}]");
    }
    snprintf(head, sizeof head,
             "%d Moved\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" HELLO_SHA1
             "\"\r\nX-Linked-Size: 6\r\nLocation: %s/cdn/x?Signature=abc\r\n",
             e->status, e->url);
    return peer_answer(conn, request, head, "");
}

static bool cdn(peer_conn *conn, const peer_request *request, void *user)
{
    char head[300];

    if (strstr(request->head, "\r\nAuthorization:")) /* as signed URLs do */
        return peer_answer(conn, request, "400 Bad Request\r\n", "");
    if (user && strncmp(request->target, "/cdn", 4) == 0) {
        snprintf(head, sizeof head, "302 Found\r\nLocation: %s/back\r\n", (const char *)user);
        return peer_answer(conn, request, head, "");
    }
    if (strstr(request->target, "/tree/"))
        return peer_answer(conn, request, "200 OK\r\n", "[]");
    return peer_answer(conn, request, "200 OK\r\n", "hello\n");
}

void test_secret__stays_when_the_hub_sends_elsewhere(void **state)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *other = peer_start(cdn, NULL);
        elsewhere e = { peer_url(other), statuses[i] };
        peer *hub = peer_start(send_away, &e);
        client *k = client_new(peer_url(hub));

        client_expect(client_do(k, CALL_METADATA, &err), &err, HF_OK);
        assert_int_equal(peer_count(other), 0); /* the redirect is the answer */
        client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_OK);
        client_expect(client_do(k, CALL_TREE, &err), &err, HF_OK);
        assert_true(peer_saw_count(hub, BEARER) == peer_count(hub));
        assert_true(peer_count(other) >= 2);
        assert_false(peer_saw(other, "Authorization"));
        assert_false(peer_saw(other, TOKEN));
        /* What signs an address is a secret too. */
        assert_false(client_logged(k, "Signature"));
        client_free(k);
        peer_stop(hub);
        peer_stop(other);
    }
}

/* The same port under another name is another origin. */
void test_secret__stays_when_the_host_changes(void **state)
{
    hf_error err = HF_ERROR_INIT;
    elsewhere e = { NULL, 302 };
    peer *hub = peer_start(send_away, &e);
    client *k = client_new(peer_url(hub));
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "http://localhost:%u", peer_port(hub));
    e.url = url;
    client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_OK);
    assert_true(peer_saw(hub, "GET /cdn/x"));
    assert_int_equal(peer_saw_count(hub, BEARER), peer_count(hub) - 1);
    client_free(k);
    peer_stop(hub);
}

/* Once away it does not come back within an exchange, also when the exchange does: as in the official
 * client, where the header is taken off the request that every further redirect is built from. */
void test_secret__does_not_come_back(void **state)
{
    hf_error err = HF_ERROR_INIT;
    elsewhere e = { NULL, 302 };
    peer *hub = peer_start(send_away, &e);
    peer *other = peer_start(cdn, (void *)(uintptr_t)peer_url(hub));
    client *k = client_new(peer_url(hub));

    (void)state;
    e.url = peer_url(other);
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
    assert_int_equal(peer_count(hub), 2);
    assert_int_equal(peer_saw_count(hub, BEARER), 1);
    assert_int_equal(peer_saw_count(hub, "GET /back"), 1);
    assert_false(peer_saw(other, TOKEN));
    /* The next exchange begins anew. */
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
    assert_int_equal(peer_saw_count(hub, BEARER), 2);
    client_free(k);
    peer_stop(hub);
    peer_stop(other);
}

/* ---- a server that says the token aloud */

static bool echo(peer_conn *conn, const peer_request *request, void *user)
{
    const char *auth = strstr(request->head, "Bearer ");
    char head[1200];

    (void)user;
    if (strncmp(request->method, "HEAD", 4) == 0 && strstr(request->target, "b.txt"))
        return peer_answer(conn, request, HELLO_HEAD, "hello\n");
    snprintf(
        head, sizeof head,
        "403 Forbidden\r\nX-Error-Message: you sent '%.*s'\r\nX-Request-Id: %.*s\r\nX-Error-Code: "
        "%.*s\r\n",
        auth ? (int)strcspn(auth, "\r") : 0, auth ? auth : "",
        auth ? (int)strcspn(auth, "\r") - 7 : 0, auth ? auth + 7 : "",
        auth ? (int)strcspn(auth, "\r") - 7 : 0, auth ? auth + 7 : "");
    return peer_answer(conn, request, head, "");
}

void test_secret__is_not_repeated_after_the_server(void **state)
{
    hf_error err = HF_ERROR_INIT;
    peer *hub = peer_start(echo, NULL);
    client *k = client_new(peer_url(hub));
    hf_file *file = NULL;

    (void)state;
    for (client_call call = CALL_METADATA; call <= CALL_PATHS; call++) {
        client_expect(client_do(k, call, &err), &err, HF_ERR_FORBIDDEN);
        assert_non_null(strstr(err.message, "you sent"));
    }
    client_expect(hf_hub_download(k->hf, &repo_x, "b.txt", NULL, &file, &err), &err,
                  HF_ERR_FORBIDDEN);
    client_free(k);
    peer_stop(hub);
}

/* ---- which token */

static bool info(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
}

void test_secret__none_when_none_is_wanted(void **state)
{
    static const struct {
        const char *token;
        const char *sent;
    } ways[] = { { "", NULL },
                 { NULL, NULL }, /* the environment is not looked at */
                 { " \n", NULL },
                 { "  hf_a\r\n", "Authorization: Bearer hf_a\r\n" } };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *hub = peer_start(info, NULL);
        client *k = client_make();
        hf_client_opts opts = client_opts(k, peer_url(hub));

        opts.token = ways[i].token;
        client_new_with(k, &opts);
        client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
        assert_int_equal(peer_saw(hub, "Authorization"), ways[i].sent != NULL);
        assert_true(!ways[i].sent || peer_saw(hub, ways[i].sent));
        client_free(k);
        peer_stop(hub);
    }
}

void test_secret__that_would_break_out_of_its_header(void **state)
{
    static const char *const tokens[] = { "hf_a b", "hf_a\tb", "hf_a\001", "hf_\303\244",
                                          "hf_a\r\n X: y" };

    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        hf_client_opts opts = HF_CLIENT_OPTS_INIT;
        hf_error err = HF_ERROR_INIT;
        hf_client *k = NULL;

        opts.flags = HF_CLIENT_NO_ENV;
        opts.token = tokens[i];
        client_expect(hf_client_new(&opts, &k, &err), &err, HF_ERR_INVALID_ARG);
        assert_null(strstr(err.message, "hf_"));
        assert_null(k);
    }
}
