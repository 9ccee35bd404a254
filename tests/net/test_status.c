/* SPDX-License-Identifier: Apache-2.0 */
/* What the Hub can answer, and which status and words come of it (hub-http.md 3.3 to 3.7). */
#include "client.h"

#define ALL       0xff
#define ONE(call) (1u << (call))

typedef struct answer_case {
    const char *name;
    unsigned calls;
    const char *head;
    const char *body;
    hf_status status;
    unsigned http;
    const char *says; /* part of the message */
    const char *code;
    unsigned retry_after_s;
    unsigned requests; /* of a call that is not retried; 0: any */
} answer_case;

static const answer_case cases[] = {
    { "repo", ALL,
      "404 Not Found\r\nX-Error-Code: RepoNotFound\r\nX-Error-Message: Repository not found\r\n",
      "{\"error\":\"Repository not found\"}", HF_ERR_REPO_NOT_FOUND, 404, "Repository not found",
      "RepoNotFound", 0, 1 },
    { "repo, as one without a token sees it", ALL,
      "401 Unauthorized\r\nX-Error-Message: Invalid username or password.\r\n"
      "WWW-Authenticate: Bearer realm=\"Authentication required\"\r\n",
      "{\"error\":\"Invalid username or password.\"}", HF_ERR_REPO_NOT_FOUND, 401,
      "Invalid username or password.", "", 0, 1 },
    { "bad token", ALL,
      "401 Unauthorized\r\nX-Error-Message: Invalid credentials in Authorization header\r\n", "",
      HF_ERR_UNAUTHORIZED, 401, "token", "", 0, 1 },
    { "revision", ALL,
      "404 Not Found\r\nX-Error-Code: RevisionNotFound\r\nX-Error-Message: Invalid rev id: "
      "main\r\n",
      "", HF_ERR_REVISION_NOT_FOUND, 404, "Invalid rev id: main", "RevisionNotFound", 0, 1 },
    { "entry", ALL,
      "404 Not Found\r\nX-Error-Code: EntryNotFound\r\nX-Error-Message: Entry not found\r\n", "",
      HF_ERR_ENTRY_NOT_FOUND, 404, "Entry not found", "EntryNotFound", 0, 1 },
    { "gated, no token", ALL,
      "401 Unauthorized\r\nX-Error-Code: GatedRepo\r\nX-Error-Message: Access to model acme/x is "
      "restricted.\r\n",
      "", HF_ERR_GATED_REPO, 401, "Access to model acme/x is restricted.", "GatedRepo", 0, 1 },
    { "gated, not asked", ALL,
      "403 Forbidden\r\nX-Error-Code: GatedRepo\r\nX-Error-Message: Access to model acme/x is "
      "restricted.\r\n",
      "", HF_ERR_GATED_REPO, 403, "ask for access", "GatedRepo", 0, 1 },
    { "disabled", ALL, "403 Forbidden\r\nX-Error-Message: Access to this resource is disabled.\r\n",
      "", HF_ERR_DISABLED_REPO, 403, "disabled", "", 0, 1 },
    { "forbidden", ALL, "403 Forbidden\r\n", "", HF_ERR_FORBIDDEN, 403,
      "make sure your token has the correct permissions", "", 0, 1 },
    { "bad request", ALL, "400 Bad Request\r\nX-Error-Message: no\r\n", "", HF_ERR_BAD_REQUEST, 400,
      "no", "", 0, 1 },
    { "conflict", ALL, "409 Conflict\r\n", "", HF_ERR_CONFLICT, 409, "HTTP 409", "", 0, 1 },
    { "range", ALL, "416 Range Not Satisfiable\r\nContent-Range: bytes */6\r\n", "", HF_ERR_RANGE,
      416, "HTTP 416", "", 0, 1 },
    { "too large", ALL, "413 Content Too Large\r\n", "", HF_ERR_HTTP, 413,
      "takes no request that large", "", 0, 1 },
    { "teapot", ALL, "418 I'm a teapot\r\n", "", HF_ERR_HTTP, 418, "HTTP 418", "", 0, 1 },
    { "bare 404", ALL, "404 Not Found\r\n", "", HF_ERR_HTTP, 404, "HTTP 404", "", 0, 1 },
    { "410", ALL, "410 Gone\r\n", "", HF_ERR_HTTP, 410, "HTTP 410", "", 0, 1 },
    { "501", ALL, "501 Not Implemented\r\nX-Error-Code: NotImplemented\r\n", "", HF_ERR_SERVER, 501,
      "HTTP 501", "NotImplemented", 0, 1 },
    { "500", ALL, "500 Internal Server Error\r\n", "", HF_ERR_SERVER, 500, "HTTP 500", "", 0, 0 },
    { "502", ALL, "502 Bad Gateway\r\n", "", HF_ERR_SERVER, 502, "HTTP 502", "", 0, 0 },
    { "503", ALL, "503 Service Unavailable\r\n", "", HF_ERR_SERVER, 503, "HTTP 503", "", 0, 0 },
    { "504", ALL, "504 Gateway Time-out\r\n", "", HF_ERR_SERVER, 504, "HTTP 504", "", 0, 0 },
    { "503 with a time", ALL, "503 Service Unavailable\r\nRetry-After: 7\r\n", "", HF_ERR_SERVER,
      503, "retry after 7 seconds", "", 7, 0 },
    { "429, Retry-After", ALL, "429 Too Many Requests\r\nRetry-After: 3\r\n", "",
      HF_ERR_RATE_LIMITED, 429, "retry after 3 seconds", "", 3, 0 },
    { "429, RateLimit", ALL, "429 Too Many Requests\r\nRateLimit: \"api\";r=0;t=55\r\n", "",
      HF_ERR_RATE_LIMITED, 429, "retry after 55 seconds", "", 55, 0 },
    { "429, both: an empty bucket wins", ALL,
      "429 Too Many Requests\r\nRetry-After: 3\r\nRateLimit: \"api\";r=0;t=55\r\n", "",
      HF_ERR_RATE_LIMITED, 429, "retry after 55 seconds", "", 55, 0 },
    { "429, both: a bucket with something left does not", ALL,
      "429 Too Many Requests\r\nRetry-After: 3\r\nRateLimit: \"api\";r=9;t=55\r\n", "",
      HF_ERR_RATE_LIMITED, 429, "retry after 3 seconds", "", 3, 0 },
    { "429, a date", ALL, "429 Too Many Requests\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n",
      "", HF_ERR_RATE_LIMITED, 429, "rate limit", "", 0, 0 },
    { "408", ALL, "408 Request Timeout\r\n", "", HF_ERR_HTTP, 408, "HTTP 408", "", 0, 0 },
};

static bool answer(peer_conn *conn, const peer_request *request, void *user)
{
    const answer_case *c = user;

    return peer_answer(conn, request, c->head, c->body);
}

void test_status__of_every_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const answer_case *c = &cases[i];

        /* What is asked for in vain is asked for again in seconds that are long in transfer. */
        for (client_call call = CALL_METADATA; call <= CALL_PATHS; call++) {
            hf_error err = HF_ERROR_INIT;
            peer *p = peer_start(answer, (void *)(uintptr_t)c);
            client *k = client_new(peer_url(p));
            hf_status st;

            if (!(c->calls & ONE(call)))
                continue;
            st = client_do(k, call, &err);
            if (st != c->status)
                print_message("case '%s', call %s\n", c->name, client_call_name(call));
            client_expect(st, &err, c->status);
            assert_int_equal(err.http_status, c->http);
            assert_string_equal(err.server_code, c->code);
            assert_int_equal(err.retry_after_s, c->retry_after_s);
            if (!strstr(err.message, c->says))
                fail_msg("case '%s': '%s' does not say '%s'", c->name, err.message, c->says);
            if (c->requests || call == CALL_METADATA || call == CALL_INFO)
                assert_int_equal(peer_count(p), 1);
            else
                assert_int_equal(peer_count(p), 6); /* listings are tried again five times */
            client_free(k);
            peer_stop(p);
        }
    }
}

void test_status__of_a_download(void **state)
{
    static const char *const names[] = { "repo",     "bad token", "revision",        "entry",
                                         "disabled", "forbidden", "gated, no token", "bare 404" };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            hf_error err = HF_ERROR_INIT;
            client *k;
            peer *p;

            if (strcmp(cases[i].name, names[j]) != 0)
                continue;
            p = peer_start(answer, (void *)(uintptr_t)&cases[i]);
            k = client_new(peer_url(p));
            client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, cases[i].status);
            client_expect(client_do(k, CALL_SNAPSHOT, &err), &err, cases[i].status);
            client_free(k);
            peer_stop(p);
        }
    }
}

/* ---- what the server says, in all its shapes */

typedef struct body_case {
    const char *type;
    const char *body;
    const char *says;
    const char *says_not;
} body_case;

static const body_case bodies[] = {
    { "application/json", "{\"error\":\"one\"}", ": one", "{" },
    { "application/json", "{\"error\":[\"one\",\"two\"]}", ": one; two", "[" },
    { "application/json", "{\"error\":\"invalid_grant\",\"error_description\":\"it is old\"}",
      ": invalid_grant; it is old", NULL },
    { "application/json",
      "{\"errors\":[{\"message\":\"m1\"},{\"message\":\"m2\"},3],\"warnings\":[]}", ": m1; m2",
      NULL },
    { "application/json", "{\"message\":\"Not here\"}", ": Not here", NULL },
    { "application/json", "{\"error\":\"same\",\"message\":\"same\"}", ": same", "same; same" },
    { "application/json", "{\"error\":{\"deep\":1}}", "HTTP 418", "deep" },
    { "application/json", "{\"error\":\"broken", "HTTP 418", NULL },
    { "application/json", "[1,2,{}]", "HTTP 418", NULL },
    { "text/plain", "plain words", ": plain words", NULL },
    { "text/html", "<html><body>a page</body></html>", "HTTP 418", "page" },
    { "text/html; charset=utf-8", "page without tags", "HTTP 418", "page without" },
    { "text/plain", "<Error><Code>AccessDenied</Code></Error>", "HTTP 418", NULL },
    { "text/plain",
      "bell \a, escape \033[31m, return \rover, new\nline, tab\t, del \177, c1 \302\233m",
      "bell ?, escape ?[31m", NULL },
    { "text/plain", "reordered \342\200\256txt.exe, broken \377\376 bytes", "reordered ?", NULL },
};

static bool answer_body(peer_conn *conn, const peer_request *request, void *user)
{
    const body_case *c = user;
    char head[256];

    snprintf(head, sizeof head,
             "418 I'm a teapot\r\nX-Request-Id: Root=1-2;3\r\nContent-Type: %s\r\n", c->type);
    return peer_answer(conn, request, head, c->body);
}

void test_status__quotes_what_the_server_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *p = peer_start(answer_body, (void *)(uintptr_t)&bodies[i]);
        client *k = client_new(peer_url(p));

        client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_HTTP);
        if (!strstr(err.message, bodies[i].says) || !strstr(err.message, "Request ID: Root=1-2;3"))
            fail_msg("'%s' does not say '%s'", err.message, bodies[i].says);
        if (bodies[i].says_not && strstr(err.message, bodies[i].says_not))
            fail_msg("'%s' says '%s'", err.message, bodies[i].says_not);
        assert_string_equal(err.request_id, "Root=1-2;3");
        client_free(k);
        peer_stop(p);
    }
}

/* Header values with steering characters, and ones too long for their places. */
static bool answer_long(peer_conn *conn, const peer_request *request, void *user)
{
    char head[6000] = "403 Forbidden\r\nX-Error-Message: \033]0;owned\007";
    size_t len = strlen(head);

    (void)user;
    memset(head + len, 'm', 2000);
    len += 2000;
    len += (size_t)snprintf(head + len, sizeof head - len, "\r\nX-Error-Code: \033[1m");
    memset(head + len, 'c', 1000);
    len += 1000;
    len += (size_t)snprintf(head + len, sizeof head - len, "\r\nX-Request-Id: \033[2m");
    memset(head + len, 'i', 1000);
    len += 1000;
    snprintf(head + len, sizeof head - len, "\r\n");
    return peer_answer(conn, request, head, "");
}

void test_status__cuts_what_is_too_long(void **state)
{
    hf_error err = HF_ERROR_INIT;
    peer *p = peer_start(answer_long, NULL);
    client *k = client_new(peer_url(p));

    (void)state;
    client_expect(client_do(k, CALL_METADATA, &err), &err, HF_ERR_FORBIDDEN);
    assert_null(strchr(err.message, '\033'));
    assert_null(strchr(err.server_code, '\033'));
    assert_null(strchr(err.request_id, '\033'));
    assert_int_equal(strlen(err.server_code), sizeof err.server_code - 1);
    assert_int_equal(strlen(err.request_id), sizeof err.request_id - 1);
    assert_non_null(strstr(err.message, "permissions")); /* our advice is not crowded out */
    client_free(k);
    peer_stop(p);
}

/* ---- no answer at all */

void test_status__refused_and_unknown_hosts(void **state)
{
    static const client_call calls[] = { CALL_METADATA, CALL_INFO, CALL_TREE, CALL_PATHS };
    peer *p = peer_start(answer, (void *)(uintptr_t)&cases[0]);
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "%s", peer_url(p));
    peer_stop(p); /* nobody listens there any more */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        hf_error err = HF_ERROR_INIT;
        client *k = client_new(url);

        client_expect(client_do(k, calls[i], &err), &err, HF_ERR_NETWORK);
        assert_non_null(strstr(err.message, "127.0.0.1"));
        assert_int_equal(err.http_status, 0);
        client_free(k);
        k = client_new("http://no-such-host.invalid");
        client_expect(client_do(k, calls[i], &err), &err, HF_ERR_NETWORK);
        assert_non_null(strstr(err.message, "no-such-host.invalid"));
        client_free(k);
    }
}

void test_status__offline(void **state)
{
    peer *p = peer_start(answer, (void *)(uintptr_t)&cases[0]);
    client *k = client_make();
    hf_client_opts opts = client_opts(k, peer_url(p));

    (void)state;
    opts.flags |= HF_CLIENT_OFFLINE;
    client_new_with(k, &opts);
    for (client_call call = CALL_METADATA; call <= CALL_SNAPSHOT; call++) {
        hf_error err = HF_ERROR_INIT;
        hf_status st = client_do(k, call, &err);

        if (call == CALL_SNAPSHOT && st == HF_ERR_NOT_CACHED)
            continue;
        client_expect(st, &err, HF_ERR_OFFLINE);
        assert_non_null(strstr(err.message, "HF_HUB_OFFLINE"));
    }
    assert_int_equal(peer_connections(p), 0);
    client_free(k);
    peer_stop(p);
}
