/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that lie, stall, loop and overflow: each ends in a named status, soon, in little memory. */
#include "client.h"

#define SHA256_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- one raw answer, whatever is asked */

typedef struct raw_case {
    const char *name;
    client_call call;
    const char *raw;
    hf_status status;
    const char *says;
} raw_case;

static const raw_case raws[] = {
    { "no HTTP", CALL_METADATA, "SSH-2.0-OpenSSH_9.2\r\n", HF_ERR_PROTOCOL, "" },
    { "nothing", CALL_METADATA, "", HF_ERR_NETWORK, "" },
    { "half a head", CALL_METADATA, "HTTP/1.1 200 OK\r\nX-Repo-Com", HF_ERR_NETWORK, "" },
    { "bad status", CALL_METADATA, "HTTP/1.1 abc OK\r\n\r\n", HF_ERR_PROTOCOL, "" },
    { "header without colon", CALL_METADATA, "HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n",
      HF_ERR_PROTOCOL, "eader without colon" },
    { "two lengths", CALL_INFO,
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", HF_ERR_PROTOCOL,
      "Content-Length" },
    { "negative length", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
      HF_ERR_PROTOCOL, "" },
    { "words for length", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
      HF_ERR_PROTOCOL, "" },
    { "no commit", CALL_METADATA,
      "HTTP/1.1 200 OK\r\nETag: \"" HELLO_SHA1 "\"\r\nContent-Length: 6\r\n\r\n", HF_ERR_PROTOCOL,
      "lacks the commit" },
    { "commit that is none", CALL_METADATA,
      "HTTP/1.1 200 OK\r\nX-Repo-Commit: ../../etc\r\nETag: \"" HELLO_SHA1
      "\"\r\nContent-Length: 6\r\n\r\n",
      HF_ERR_PROTOCOL, "lacks the commit" },
    { "no etag", CALL_METADATA,
      "HTTP/1.1 200 OK\r\nX-Repo-Commit: " COMMIT "\r\nContent-Length: 6\r\n\r\n", HF_ERR_PROTOCOL,
      "lacks the etag" },
    { "etag that leaves the directory", CALL_METADATA,
      "HTTP/1.1 200 OK\r\nX-Repo-Commit: " COMMIT
      "\r\nETag: \"../../x\"\r\nContent-Length: 6\r\n\r\n",
      HF_ERR_PROTOCOL, "cannot be a file name" },
    { "no size", CALL_METADATA,
      "HTTP/1.1 200 OK\r\nX-Repo-Commit: " COMMIT "\r\nETag: \"" HELLO_SHA1 "\"\r\n\r\n",
      HF_ERR_PROTOCOL, "lacks the size" },
    { "size of a redirect's body", CALL_METADATA,
      "HTTP/1.1 302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" HELLO_SHA1
      "\"\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 6\r\n\r\n",
      HF_ERR_PROTOCOL, "lacks the size" },
    { "size that is none", CALL_METADATA,
      "HTTP/1.1 200 OK\r\nX-Repo-Commit: " COMMIT "\r\nETag: \"" HELLO_SHA1
      "\"\r\nX-Linked-Size: -1\r\nContent-Length: 6\r\n\r\n",
      HF_ERR_PROTOCOL, "lacks the size" },
    { "redirect to a file", CALL_METADATA,
      "HTTP/1.1 302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" HELLO_SHA1
      "\"\r\nX-Linked-Size: 6\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
      HF_ERR_PROTOCOL, "no usable URL" },
    { "redirect with a user name", CALL_METADATA,
      "HTTP/1.1 302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" HELLO_SHA1
      "\"\r\nX-Linked-Size: 6\r\nLocation: http://a:b@127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
      HF_ERR_PROTOCOL, "no usable URL" },
    { "redirect to a file, followed", CALL_INFO,
      "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
      HF_ERR_PROTOCOL, "no usable URL" },
    { "redirect without place", CALL_INFO, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
      HF_ERR_PROTOCOL, "" },
    { "gzip", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
      HF_ERR_PROTOCOL, "coding 'gzip'" },
    { "gzip on an error", CALL_INFO,
      "HTTP/1.1 404 Not Found\r\nX-Error-Code: RepoNotFound\r\nContent-Encoding: "
      "gzip\r\nContent-Length: "
      "2\r\n\r\n\037\213",
      HF_ERR_REPO_NOT_FOUND, "" },
    { "truncated", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":",
      HF_ERR_TRUNCATED, "6 of 100 bytes" },
    { "truncated chunks", CALL_INFO,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"id\":\r\n", HF_ERR_TRUNCATED,
      "after 6 bytes" },
    { "broken chunks", CALL_INFO,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n", HF_ERR_NETWORK, "" },
    { "no length, then the end", CALL_INFO, "HTTP/1.1 200 OK\r\n\r\n{\"id\":\"acme/x\"}", HF_OK,
      NULL },
    { "not JSON", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", HF_ERR_PROTOCOL,
      "not valid JSON" },
    { "JSON cut short", CALL_INFO,
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":", HF_ERR_PROTOCOL, "not valid JSON" },
    { "empty", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HF_ERR_PROTOCOL, "" },
    { "a page", CALL_INFO,
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
      HF_ERR_PROTOCOL, "web page" },
    { "info that is a list", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
      HF_ERR_PROTOCOL, "is not the description of a repo" },
    { "info without id", CALL_INFO, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
      HF_ERR_PROTOCOL, "lacks 'id'" },
    { "a tree that is an object", CALL_TREE, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
      HF_ERR_PROTOCOL, "not a list" },
    { "a tree of numbers", CALL_TREE, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]",
      HF_ERR_PROTOCOL, "without path" },
    { "paths that are an object", CALL_PATHS, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
      HF_ERR_PROTOCOL, "not a list" },
    { "more paths than asked for", CALL_PATHS,
      "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[{},{}]", HF_ERR_PROTOCOL, "more entries" },
    { "continue, continue", CALL_INFO,
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 "
      "OK\r\nContent-Length: 15\r\n\r\n{\"id\":\"acme/x\"}",
      HF_OK, NULL },
    { "switching protocols", CALL_INFO,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
      HF_ERR_NETWORK, "" },
};

static bool answer_raw(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)peer_say(conn, user);
    return false;
}

void test_hostile__raw_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof raws / sizeof *raws; i++) {
        const raw_case *c = &raws[i];
        hf_error err = HF_ERROR_INIT;
        peer *p = peer_start(answer_raw, (void *)(uintptr_t)c->raw);
        client *k = client_new(peer_url(p));
        hf_status st = client_do(k, c->call, &err);

        if (st != c->status)
            print_message("case '%s'\n", c->name);
        client_expect(st, &err, c->status);
        if (c->says && !strstr(err.message, c->says))
            fail_msg("case '%s': '%s' does not say '%s'", c->name, err.message, c->says);
        assert_null(strstr(err.message, "18446744073709551615"));
        client_free(k);
        peer_stop(p);
    }
}

/* ---- redirects */

static bool redirect_for_ever(peer_conn *conn, const peer_request *request, void *user)
{
    char head[200];

    (void)user;
    snprintf(head, sizeof head, "302 Found\r\nLocation: /hop/%u\r\n", request->number);
    return peer_answer(conn, request, head, "");
}

static bool redirect_to_itself(peer_conn *conn, const peer_request *request, void *user)
{
    char head[400];

    (void)user;
    snprintf(head, sizeof head, "307 Temporary Redirect\r\nLocation: %.200s\r\n", request->target);
    return peer_answer(conn, request, head, "");
}

void test_hostile__redirects_without_end(void **state)
{
    peer_fn *const fns[] = { redirect_for_ever, redirect_to_itself };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (client_call call = CALL_METADATA; call <= CALL_DOWNLOAD; call++) {
            hf_error err = HF_ERROR_INIT;
            peer *p = peer_start(fns[i], NULL);
            client *k = client_new(peer_url(p));

            client_expect(client_do(k, call, &err), &err, HF_ERR_REDIRECTS);
            assert_int_equal(peer_count(p), 11);
            client_free(k);
            peer_stop(p);
        }
    }
}

/* A renamed repo: relative redirects are followed with the token and the request's method and body. */
static bool renamed(peer_conn *conn, const peer_request *request, void *user)
{
    char head[400];
    const char *old = strstr(request->target, "acme/x");

    (void)user;
    if (old) {
        snprintf(head, sizeof head, "307 Temporary Redirect\r\nLocation: %.*snew/y%s\r\n",
                 (int)(old - request->target), request->target, old + 6);
        return peer_answer(conn, request, head, "moved");
    }
    if (strstr(request->target, "/resolve/"))
        return peer_answer(conn, request, HELLO_HEAD, "hello\n");
    if (strstr(request->target, "/paths-info/"))
        return peer_answer(conn, request, "200 OK\r\n",
                           "[{\"type\":\"file\",\"path\":\"a.txt\",\"size\":6,\"oid\":\"" HELLO_SHA1
                           "\"}]");
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"new/y\",\"sha\":\"" COMMIT "\"}");
}

void test_hostile__renamed_repo_is_followed(void **state)
{
    hf_error err = HF_ERROR_INIT;
    peer *p = peer_start(renamed, NULL);
    client *k = client_new(peer_url(p));
    hf_repo_info *info = NULL;

    (void)state;
    client_expect(client_do(k, CALL_METADATA, &err), &err, HF_OK);
    client_expect(client_do(k, CALL_PATHS, &err), &err, HF_OK);
    client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_OK);
    client_expect(hf_repo_info_get(k->hf, &repo_x, NULL, &info, &err), &err, HF_OK);
    assert_string_equal(info->id, "new/y");
    hf_repo_info_free(info);
    assert_true(peer_saw(p, "POST /api/models/new/y/paths-info/main"));
    assert_int_equal(peer_saw_count(p, "{\"paths\": [\"a.txt\"], \"expand\": false}"), 2);
    assert_int_equal(peer_saw_count(p, "Authorization: Bearer " TOKEN), peer_count(p));
    client_free(k);
    peer_stop(p);
}

/* "//host/path" names a host: it is no relative redirect, and it is taken with the scheme of the
 * request. */
static bool redirect_to_network_path(peer_conn *conn, const peer_request *request, void *user)
{
    char head[400];
    const char *url = user;

    snprintf(head, sizeof head,
             "302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" HELLO_SHA1
             "\"\r\nX-Linked-Size: 6\r\nLocation: %s/cdn/x\r\n",
             url + 5);
    return peer_answer(conn, request, head, "");
}

static bool say_hello(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    return peer_answer(conn, request, "200 OK\r\nETag: \"abc\"\r\n", "hello\n");
}

void test_hostile__network_path_reference(void **state)
{
    hf_error err = HF_ERROR_INIT;
    peer *cdn = peer_start(say_hello, NULL);
    peer *p = peer_start(redirect_to_network_path, (void *)(uintptr_t)peer_url(cdn));
    client *k = client_new(peer_url(p));
    hf_file_metadata *metadata = NULL;
    char wanted[128];

    (void)state;
    snprintf(wanted, sizeof wanted, "%s/cdn/x", peer_url(cdn));
    client_expect(hf_file_metadata_get(k->hf, &repo_x, "a.txt", &metadata, &err), &err, HF_OK);
    assert_string_equal(metadata->location, wanted);
    hf_file_metadata_free(metadata);
    client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_OK);
    assert_false(peer_saw(cdn, "Authorization"));
    client_free(k);
    peer_stop(p);
    peer_stop(cdn);
}

/* ---- too much */

static bool header_lines(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)user;
    (void)peer_say(conn, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < 1000000; i++)
        if (!peer_sayf(conn, "X-Bomb-%u: %u\r\n", i, i))
            break;
    return false;
}

static bool header_line(peer_conn *conn, const peer_request *request, void *user)
{
    char block[65536];

    (void)request;
    (void)user;
    memset(block, 'b', sizeof block);
    (void)peer_say(conn, "HTTP/1.1 200 OK\r\nX-Bomb: ");
    for (unsigned i = 0; i < 1000; i++)
        if (!peer_write(conn, block, sizeof block))
            break;
    return false;
}

static bool continue_for_ever(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)user;
    for (unsigned i = 0; i < 1000000; i++)
        if (!peer_say(conn, "HTTP/1.1 100 Continue\r\n\r\n"))
            break;
    return false;
}

static bool trailer_for_ever(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)user;
    (void)peer_say(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n");
    for (unsigned i = 0; i < 1000000; i++)
        if (!peer_say(conn, "X-Trailer: yes, another one\r\n"))
            break;
    return false;
}

void test_hostile__header_bombs(void **state)
{
    peer_fn *const fns[] = { header_lines, header_line, continue_for_ever };
    hf_error err = HF_ERROR_INIT;
    client *k;
    peer *p;

    (void)state;
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++) {
        for (client_call call = CALL_METADATA; call <= CALL_TREE; call++) {
            p = peer_start(fns[i], NULL);
            k = client_new(peer_url(p));
            client_expect(client_do(k, call, &err), &err, HF_ERR_LIMIT);
            assert_non_null(strstr(err.message, "too large headers"));
            assert_int_equal(peer_count(p), 1); /* not worth another try */
            client_free(k);
            peer_stop(p);
        }
    }
    p = peer_start(trailer_for_ever, NULL);
    k = client_new(peer_url(p));
    assert_int_not_equal(client_do(k, CALL_INFO, &err), HF_OK);
    client_free(k);
    peer_stop(p);
}

static bool endless_json(peer_conn *conn, const peer_request *request, void *user)
{
    static char block[65536];
    const char *head = user;

    (void)request;
    memset(block, ' ', sizeof block);
    (void)peer_say(conn, head);
    for (unsigned i = 0; i < 200 * 16; i++) /* 200 MiB */
        if (!peer_write(conn, block, sizeof block))
            break;
    return false;
}

void test_hostile__json_too_large(void **state)
{
    static const char plain[] = "HTTP/1.1 200 OK\r\n\r\n[";
    static const char told[] = "HTTP/1.1 200 OK\r\nContent-Length: 209715201\r\n\r\n[";
    static const char failed[] = "HTTP/1.1 418 Teapot\r\nContent-Length: 209715201\r\n\r\n[";
    size_t before = peak_kib();
    hf_error err = HF_ERROR_INIT;
    client *k;
    peer *p;

    (void)state;
    p = peer_start(endless_json, (void *)(uintptr_t)plain);
    k = client_new(peer_url(p));
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_LIMIT);
    client_expect(client_do(k, CALL_TREE, &err), &err, HF_ERR_LIMIT);
    client_free(k);
    peer_stop(p);
    p = peer_start(endless_json, (void *)(uintptr_t)told);
    k = client_new(peer_url(p));
    client_expect(client_do(k, CALL_PATHS, &err), &err, HF_ERR_LIMIT);
    client_free(k);
    peer_stop(p);
    /* Of a failure the status counts, not the length of its page. */
    p = peer_start(endless_json, (void *)(uintptr_t)failed);
    k = client_new(peer_url(p));
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_HTTP);
    client_free(k);
    peer_stop(p);
    peak_within(before, 160 * 1024);
}

static bool deep_json(peer_conn *conn, const peer_request *request, void *user)
{
    static char text[200001];

    (void)user;
    memset(text, '[', 100000);
    memset(text + 100000, ']', 100000);
    (void)request;
    (void)peer_sayf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(text));
    return peer_say(conn, text);
}

void test_hostile__json_too_deep(void **state)
{
    (void)state;
    for (client_call call = CALL_INFO; call <= CALL_PATHS; call++) {
        hf_error err = HF_ERROR_INIT;
        peer *p = peer_start(deep_json, NULL);
        client *k = client_new(peer_url(p));

        client_expect(client_do(k, call, &err), &err, HF_ERR_LIMIT);
        assert_non_null(strstr(err.message, "nested deeper"));
        client_free(k);
        peer_stop(p);
    }
}

/* ---- pages */

typedef struct paging {
    unsigned cycle; /* pages until it starts again; 0: never */
    bool empty;
    const char *next_base; /* NULL: this peer; "": relative */
} paging;

static bool page_on(peer_conn *conn, const peer_request *request, void *user)
{
    const paging *how = user;
    unsigned n = how->cycle ? request->number % how->cycle : request->number;
    const char *host = strstr(request->head, "Host: ") + 6;
    char head[600];
    char body[300];

    snprintf(head, sizeof head,
             "200 OK\r\nLink: <%s%.*s%s/api/models/acme/x/tree/main?cursor=%u>; rel=\"next\"\r\n",
             how->next_base ? how->next_base : "http://",
             how->next_base ? 0 : (int)strcspn(host, "\r"), host, "", n);
    snprintf(body, sizeof body,
             how->empty ? "[]"
                        : "[{\"type\":\"file\",\"path\":\"f%u\",\"size\":6,\"oid\":\"" HELLO_SHA1
                          "\"}]",
             request->number);
    return peer_answer(conn, request, head, body);
}

void test_hostile__pages_without_end(void **state)
{
    static const paging ways[] = {
        { 1, false, NULL }, { 2, false, NULL }, { 7, false, NULL },
        { 0, true, NULL },  { 3, true, NULL },  { 1, false, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *p = peer_start(page_on, (void *)(uintptr_t)&ways[i]);
        client *k = client_new(peer_url(p));

        client_expect(client_do(k, CALL_TREE, &err), &err, HF_ERR_PROTOCOL);
        assert_non_null(strstr(err.message, "does not end"));
        if (peer_count(p) > 40)
            fail_msg("way %zu: %u requests", i, peer_count(p));
        client_free(k);
        peer_stop(p);
    }
}

void test_hostile__fresh_pages_are_bounded(void **state)
{
    static const paging fresh = { 0, false, NULL };
    hf_error err = HF_ERROR_INIT;
    peer *p = peer_start(page_on, (void *)(uintptr_t)&fresh);
    client *k = client_new(peer_url(p));

    (void)state;
    client_expect(client_do(k, CALL_TREE, &err), &err, HF_ERR_PROTOCOL);
    assert_int_equal(peer_count(p), 10000);
    client_free(k);
    peer_stop(p);
}

/* ---- too slow */

static bool stall(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    if (user)
        (void)peer_say(conn, user);
    (void)peer_wait(conn, 20000);
    return false;
}

static bool drip_head(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)user;
    (void)peer_say(conn, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < 1000; i++)
        if (!peer_sayf(conn, "X-Drip-%u: a\r\n", i) || !peer_wait(conn, 100))
            break;
    return false;
}

static bool drip_bytes(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)user;
    (void)peer_say(conn, "HTTP/1.1 200 OK\r\nX-Drip: ");
    while (peer_say(conn, "a") && peer_wait(conn, 100)) {
    }
    return false;
}

static bool drip_body(peer_conn *conn, const peer_request *request, void *user)
{
    (void)request;
    (void)user;
    (void)peer_say(conn, "HTTP/1.1 200 OK\r\n\r\n[");
    while (peer_say(conn, " ") && peer_wait(conn, 100)) {
    }
    return false;
}

static bool drip_redirect_body(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    if (request->number > 1)
        return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
    (void)peer_say(conn, "HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n");
    while (peer_say(conn, " ") && peer_wait(conn, 100)) {
    }
    return false;
}

void test_hostile__time_outs(void **state)
{
    static const struct {
        peer_fn *fn;
        const char *user;
        unsigned most_ms;
    } ways[] = {
        { stall, NULL, 3000 },
        { stall, "HTTP/1.1 200 OK\r\nX-Repo-Com", 3000 },
        { stall, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":", 3000 },
        { drip_head, NULL, 3000 },
        { drip_bytes, NULL, 3000 },
        { drip_body, NULL, 12000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *p = peer_start(ways[i].fn, (void *)(uintptr_t)ways[i].user);
        client *k = client_new(peer_url(p));
        uint64_t start = now_ms();

        client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_TIMEOUT);
        if (now_ms() - start > ways[i].most_ms)
            fail_msg("way %zu took %u ms", i, (unsigned)(now_ms() - start));
        client_free(k);
        peer_stop(p);
    }
}

void test_hostile__the_body_of_a_redirect_is_not_waited_for(void **state)
{
    hf_error err = HF_ERROR_INIT;
    peer *p = peer_start(drip_redirect_body, NULL);
    client *k = client_new(peer_url(p));
    uint64_t start = now_ms();

    (void)state;
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
    assert_true(now_ms() - start < 5000);
    client_free(k);
    peer_stop(p);
}
