/* SPDX-License-Identifier: Apache-2.0 */
/* Through a proxy or not: no byte goes around one, and none of its secrets come out. */
#include "client.h"

#include <openssl/evp.h>

/* "http://me:pass word@…" in base64 */
#define PROXY_PASSWORD "s3cretOfTheProxy"

typedef struct proxy_how {
    const char *refuse; /* status line for CONNECT or a plain request; NULL: serve it */
} proxy_how;

/* A plain request is answered as the origin would; a tunnel leads where it is asked to. */
static bool proxy_fn(peer_conn *conn, const peer_request *request, void *user)
{
    const proxy_how *how = user;

    if (how->refuse)
        return peer_answer(conn, request, how->refuse, "");
    if (strcmp(request->method, "CONNECT") == 0) {
        const char *port = strrchr(request->target, ':');

        (void)peer_say(conn, "HTTP/1.1 200 Connection established\r\n\r\n");
        peer_tunnel(conn, (unsigned)strtoul(port + 1, NULL, 10));
        return false;
    }
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
}

static bool origin_fn(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
}

static const char *const variables[] = { "http_proxy",  "HTTP_PROXY",    "https_proxy",
                                         "HTTPS_PROXY", "all_proxy",     "ALL_PROXY",
                                         "no_proxy",    "NO_PROXY",      "REQUEST_METHOD",
                                         "HF_TOKEN",    "HF_HUB_OFFLINE" };

static void clear_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
}

typedef struct proxy_case {
    const char *set[4]; /* "NAME=value", with %P for the proxy's host:port */
    const char *opt;    /* hf_client_opts.proxy */
    uint32_t flags;
    bool through;
} proxy_case;

static const proxy_case cases[] = {
    { { NULL }, NULL, 0, false },
    { { "http_proxy=http://%P" }, NULL, 0, true },
    { { "http_proxy=%P" }, NULL, 0, true },
    { { "HTTP_PROXY=http://%P" }, NULL, 0, true },
    { { "HTTP_PROXY=http://%P", "REQUEST_METHOD=GET" }, NULL, 0, false }, /* CGI: a header's word */
    { { "http_proxy=", "HTTP_PROXY=http://%P" }, NULL, 0, false },
    { { "all_proxy=http://%P" }, NULL, 0, true },
    { { "ALL_PROXY=http://%P" }, NULL, 0, true },
    { { "https_proxy=http://%P", "HTTPS_PROXY=http://%P" }, NULL, 0, false }, /* another scheme */
    { { "http_proxy=http://127.0.0.1:1", "ALL_PROXY=http://%P", "HTTP_PROXY=http://%P" },
      "http://%P",
      0,
      true },
    { { "http_proxy=http://%P", "no_proxy=127.0.0.1" }, NULL, 0, false },
    { { "http_proxy=http://%P", "NO_PROXY=example.org,127.0.0.1" }, NULL, 0, false },
    { { "http_proxy=http://%P", "NO_PROXY=*" }, NULL, 0, false },
    { { "http_proxy=http://%P", "NO_PROXY=example.org" }, NULL, 0, true },
    { { "http_proxy=http://%P" }, NULL, HF_CLIENT_NO_ENV, false },
    { { "NO_PROXY=127.0.0.1" }, "http://%P", 0, true }, /* what the program says outranks */
    { { "NO_PROXY=127.0.0.1" }, "http://%P", HF_CLIENT_NO_ENV, true },
    { { "http_proxy=http://%P" }, "", 0, false }, /* "" : none */
};

static void fill_in(char *out, size_t size, const char *text, unsigned port)
{
    const char *mark = strstr(text, "%P");

    if (mark)
        snprintf(out, size, "%.*s127.0.0.1:%u%s", (int)(mark - text), text, port, mark + 2);
    else
        snprintf(out, size, "%s", text);
}

void test_proxy__of_the_environment_and_the_program(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        proxy_how how = { NULL };
        hf_error err = HF_ERROR_INIT;
        peer *proxy = peer_start(proxy_fn, &how);
        peer *origin = peer_start(origin_fn, NULL);
        client *k = client_make();
        hf_client_opts opts = client_opts(k, peer_url(origin));
        char value[256];

        clear_environment();
        for (size_t j = 0; j < 4 && cases[i].set[j]; j++) {
            char *eq;

            fill_in(value, sizeof value, cases[i].set[j], peer_port(proxy));
            eq = strchr(value, '=');
            *eq = '\0';
            setenv(value, eq + 1, 1);
        }
        if (cases[i].opt) {
            fill_in(value, sizeof value, cases[i].opt, peer_port(proxy));
            opts.proxy = value;
        }
        opts.flags = cases[i].flags;
        client_new_with(k, &opts);
        clear_environment(); /* it was read once, when the client was made */
        client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
        if (peer_count(proxy) != cases[i].through || peer_connections(origin) != !cases[i].through)
            fail_msg("case %zu: %u requests to the proxy, %u connections to the origin", i,
                     peer_count(proxy), peer_connections(origin));
        client_free(k);
        peer_stop(origin);
        peer_stop(proxy);
    }
}

/* ---- failing proxies */

typedef struct bad_case {
    const char *refuse;
    const char *proxy; /* NULL: the peer; with its password */
    const char *endpoint;
    hf_status status;
    const char *says;
} bad_case;

static const bad_case bad[] = {
    { "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n", NULL,
      "https://hub.invalid", HF_ERR_PROXY, "407" },
    { "502 Bad Gateway\r\n", NULL, "https://hub.invalid", HF_ERR_PROXY, "502" },
    { NULL, "http://me:" PROXY_PASSWORD "@127.0.0.1:1", "http://hub.invalid", HF_ERR_PROXY,
      "proxy" },
    { NULL, "http://me:" PROXY_PASSWORD "@no-such-proxy.invalid:3128", "http://hub.invalid",
      HF_ERR_PROXY, "proxy" },
    { NULL, "sock9://me:" PROXY_PASSWORD "@127.0.0.1:1", "http://hub.invalid", HF_ERR_PROXY,
      "proxy" },
    { NULL, "http://me:" PROXY_PASSWORD "@127.0.0.1:port", "http://hub.invalid", HF_ERR_PROXY,
      "proxy" },
    { NULL, "http://me:" PROXY_PASSWORD "@[::1", "http://hub.invalid", HF_ERR_PROXY, "proxy" },
};

void test_proxy__that_fails(void **state)
{
    (void)state;
    clear_environment();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        proxy_how how = { bad[i].refuse };
        hf_error err = HF_ERROR_INIT;
        peer *proxy = peer_start(proxy_fn, &how);
        client *k = client_make();
        hf_client_opts opts = client_opts(k, bad[i].endpoint);
        char value[256];

        snprintf(value, sizeof value, "http://me:" PROXY_PASSWORD "@127.0.0.1:%u",
                 peer_port(proxy));
        opts.proxy = bad[i].proxy ? bad[i].proxy : value;
        client_new_with(k, &opts);
        for (client_call call = CALL_METADATA; call <= CALL_DOWNLOAD; call++) {
            client_expect(client_do(k, call, &err), &err, bad[i].status);
            if (!strstr(err.message, bad[i].says) || strstr(err.message, PROXY_PASSWORD))
                fail_msg("case %zu: '%s'", i, err.message);
        }
        assert_false(client_logged(k, PROXY_PASSWORD));
        client_free(k);
        peer_stop(proxy);
    }
}
