/* SPDX-License-Identifier: Apache-2.0 */
/* Secure connections: whom the library trusts, on whose word, and what it says when it does not. */
#include "client.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

typedef struct authority {
    unit_dir dir;
    EVP_PKEY *ca_key;
    X509 *ca;
} authority;

static X509 *make_cert(EVP_PKEY *key, const char *name, const char *san, long from, long to,
                       X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *cert = X509_new();
    X509V3_CTX ctx;
    const struct {
        int nid;
        const char *value;
    } extensions[] = {
        { NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE" },
        { NID_subject_alt_name, san },
    };

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), from);
    X509_gmtime_adj(X509_getm_notAfter(cert), to);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        X509_EXTENSION *extension =
            extensions[i].value
                ? X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value)
                : NULL;

        if (extension)
            X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()) > 0);
    return cert;
}

static void write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    if (key)
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    if (cert)
        PEM_write_X509(file, cert);
    assert_int_equal(fclose(file), 0);
}

/* name.pem holds key and certificate of a server, signed by the authority unless it stands alone. */
static void add_server(authority *a, const char *name, const char *san, long from, long to,
                       bool alone)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert =
        make_cert(key, name, san, from, to, alone ? NULL : a->ca, alone ? NULL : a->ca_key);
    char path[64];

    snprintf(path, sizeof path, "%s.pem", name);
    write_pem(unit_path(&a->dir, path), cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static authority make_authority(void)
{
    authority a = { .dir = unit_dir_make() };
    char path[64];

    a.ca_key = EVP_EC_gen("P-256");
    a.ca = make_cert(a.ca_key, "A CA of the tests", NULL, -3600, 3600, NULL, NULL);
    write_pem(unit_path(&a.dir, "ca.crt"), a.ca, NULL);
    assert_int_equal(mkdir(unit_path(&a.dir, "hashed"), 0700), 0);
    assert_int_equal(mkdir(unit_path(&a.dir, "empty"), 0700), 0);
    snprintf(path, sizeof path, "hashed/%08lx.0", X509_subject_name_hash(a.ca));
    write_pem(unit_path(&a.dir, path), a.ca, NULL);
    unit_write(unit_path(&a.dir, "junk.crt"), "junk\n", 5);
    add_server(&a, "good", "IP:127.0.0.1,DNS:localhost", -3600, 3600, false);
    add_server(&a, "other", "DNS:example.org", -3600, 3600, false);
    add_server(&a, "expired", "IP:127.0.0.1", -7200, -3600, false);
    add_server(&a, "early", "IP:127.0.0.1", 3600, 7200, false);
    add_server(&a, "alone", "IP:127.0.0.1", -3600, 3600, true);
    return a;
}

static void free_authority(authority *a)
{
    X509_free(a->ca);
    EVP_PKEY_free(a->ca_key);
    unit_dir_remove(&a->dir);
}

static bool serve(peer_conn *conn, const peer_request *request, void *user)
{
    char head[300];

    if (user && strstr(request->target, "/resolve/")) {
        snprintf(head, sizeof head,
                 "302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-ETag: \"" HELLO_SHA1
                 "\"\r\nX-Linked-Size: 6\r\nLocation: %s/cdn\r\n",
                 (const char *)user);
        return peer_answer(conn, request, head, "");
    }
    if (user && strstr(request->target, "/api/")) {
        snprintf(head, sizeof head,
                 "200 OK\r\nLink: <%s/api/models/acme/x/tree/main?cursor=1>; rel=\"next\"\r\n",
                 (const char *)user);
        if (!strstr(request->target, "/tree/"))
            snprintf(head, sizeof head, "302 Found\r\nLocation: %s/cdn\r\n", (const char *)user);
        return peer_answer(conn, request, head, "[]");
    }
    if (strstr(request->target, "/resolve/"))
        return peer_answer(conn, request, HELLO_HEAD, "hello\n");
    return peer_answer(conn, request, "200 OK\r\n", "{\"id\":\"acme/x\"}");
}

static peer *serve_as(authority *a, const char *name, void *user)
{
    char path[64];
    const char *pem;

    snprintf(path, sizeof path, "%s.pem", name);
    pem = unit_path(&a->dir, path);
    return peer_start_tls(serve, user, pem, pem);
}

static const char *const variables[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
                                         "CURL_CA_BUNDLE" };

static void clear_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
}

typedef struct tls_case {
    const char *server;
    const char *file; /* options, files in the authority's directory */
    const char *dir;
    const char *variable[2]; /* "NAME", "file" */
    hf_status status;
    const char *says;
} tls_case;

static const tls_case cases[] = {
    { "good", "ca.crt", NULL, { NULL }, HF_OK, "" },
    { "good", NULL, "hashed", { NULL }, HF_OK, "" },
    { "good", NULL, NULL, { "SSL_CERT_FILE", "ca.crt" }, HF_OK, "" },
    { "good", NULL, NULL, { "SSL_CERT_DIR", "hashed" }, HF_OK, "" },
    { "good", NULL, NULL, { "REQUESTS_CA_BUNDLE", "ca.crt" }, HF_OK, "" },
    { "good", NULL, NULL, { "REQUESTS_CA_BUNDLE", "hashed" }, HF_OK, "" },
    { "good", NULL, NULL, { "CURL_CA_BUNDLE", "ca.crt" }, HF_OK, "" },
    { "good", "ca.crt", NULL, { "SSL_CERT_FILE", "junk.crt" }, HF_OK, "" },
    { "good", NULL, NULL, { NULL }, HF_ERR_TLS, "SSL_CERT_FILE" },
    { "good", NULL, "empty", { NULL }, HF_ERR_TLS, "SSL_CERT_FILE" },
    { "good", NULL, NULL, { "SSL_CERT_FILE", "missing.crt" }, HF_ERR_TLS, "missing.crt" },
    { "good", NULL, NULL, { "SSL_CERT_FILE", "junk.crt" }, HF_ERR_TLS, "junk.crt" },
    { "other", "ca.crt", NULL, { NULL }, HF_ERR_TLS, "127.0.0.1" },
    { "expired", "ca.crt", NULL, { NULL }, HF_ERR_TLS, "expired" },
    { "early", "ca.crt", NULL, { NULL }, HF_ERR_TLS, "not yet valid" },
    { "alone", "ca.crt", NULL, { NULL }, HF_ERR_TLS, "self-signed" },
};

void test_tls__whom_to_trust(void **state)
{
    authority a = make_authority();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tls_case *c = &cases[i];
        hf_error err = HF_ERROR_INIT;
        peer *p = serve_as(&a, c->server, NULL);
        client *k = client_make();
        hf_client_opts opts = client_opts(k, peer_url(p));
        hf_status st;

        clear_environment();
        if (c->variable[0]) {
            setenv(c->variable[0], unit_path(&a.dir, c->variable[1]), 1);
            opts.flags = 0;
        }
        opts.ca_file = c->file ? unit_path(&a.dir, c->file) : NULL;
        opts.ca_dir = c->dir ? unit_path(&a.dir, c->dir) : NULL;
        client_new_with(k, &opts);
        clear_environment();
        for (client_call call = CALL_METADATA; call <= CALL_INFO; call++) {
            st = client_do(k, call, &err);
            if (st != c->status)
                print_message("case %zu\n", i);
            client_expect(st, &err, c->status);
            if (!strstr(err.message, c->says))
                fail_msg("case %zu: '%s' does not say '%s'", i, err.message, c->says);
        }
        assert_int_equal(peer_count(p), c->status == HF_OK ? 2 : 0); /* no token, no path */
        client_free(k);
        peer_stop(p);
    }
    free_authority(&a);
}

/* https answered in the clear, and http answered in TLS. */
static bool plain(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    return peer_answer(conn, request, "200 OK\r\n", "{}");
}

void test_tls__the_wrong_protocol(void **state)
{
    authority a = make_authority();
    peer *secure = serve_as(&a, "good", NULL);
    peer *clear = peer_start(plain, NULL);
    hf_error err = HF_ERROR_INIT;
    client *k;
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "https://127.0.0.1:%u", peer_port(clear));
    k = client_new(url);
    client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_TLS);
    client_free(k);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", peer_port(secure));
    k = client_new(url);
    assert_int_not_equal(client_do(k, CALL_INFO, &err), HF_OK);
    client_free(k);
    peer_stop(secure);
    peer_stop(clear);
    free_authority(&a);
}

/* Nothing that began on https goes on over http, however it is led there. */
void test_tls__no_way_back_to_http(void **state)
{
    static const char *const schemes[] = { "http", "HTTP", "Http" };
    authority a = make_authority();

    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *clear = peer_start(plain, NULL);
        char there[64];
        char through[64];
        peer *p;
        peer *middle;
        client *k;
        hf_client_opts opts;

        snprintf(there, sizeof there, "%s://127.0.0.1:%u", schemes[i], peer_port(clear));
        middle = serve_as(&a, "good", there);
        snprintf(through, sizeof through, "HTTPS://127.0.0.1:%u/api", peer_port(middle));
        /* straight, and by a stop whose scheme is spelled another way */
        for (int by_stop = 0; by_stop < 2; by_stop++) {
            p = serve_as(&a, "good", by_stop ? through : there);
            k = client_make();
            opts = client_opts(k, peer_url(p));
            opts.ca_file = unit_path(&a.dir, "ca.crt");
            client_new_with(k, &opts);
            client_expect(client_do(k, CALL_INFO, &err), &err, HF_ERR_TLS);
            assert_non_null(strstr(err.message, "https to http"));
            if (!by_stop) {
                client_expect(client_do(k, CALL_METADATA, &err), &err, HF_ERR_TLS);
                client_expect(client_do(k, CALL_TREE, &err), &err, HF_ERR_TLS);
            }
            client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_ERR_TLS);
            client_free(k);
            peer_stop(p);
        }
        assert_int_equal(peer_connections(clear), 0);
        peer_stop(middle);
        peer_stop(clear);
    }
    free_authority(&a);
}

/* A tunnel: the proxy sees the host's name and port, and no more. */
static bool tunnel(peer_conn *conn, const peer_request *request, void *user)
{
    (void)user;
    assert_string_equal(request->method, "CONNECT");
    (void)peer_say(conn, "HTTP/1.1 200 Connection established\r\n\r\n");
    peer_tunnel(conn, (unsigned)strtoul(strrchr(request->target, ':') + 1, NULL, 10));
    return false;
}

void test_tls__through_a_proxy(void **state)
{
    static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", NULL };
    authority a = make_authority();

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        hf_error err = HF_ERROR_INIT;
        peer *origin = serve_as(&a, "good", NULL);
        peer *proxy = peer_start(tunnel, NULL);
        client *k = client_make();
        hf_client_opts opts = client_opts(k, peer_url(origin));

        clear_environment();
        if (names[i]) {
            setenv(names[i], peer_url(proxy), 1);
            opts.flags = 0;
        } else {
            opts.proxy = peer_url(proxy);
        }
        opts.ca_file = unit_path(&a.dir, "ca.crt");
        client_new_with(k, &opts);
        clear_environment();
        client_expect(client_do(k, CALL_INFO, &err), &err, HF_OK);
        client_expect(client_do(k, CALL_DOWNLOAD, &err), &err, HF_OK);
        assert_true(peer_saw(origin, "Authorization: Bearer " TOKEN));
        /* As many ways in as there are tunnels: none around. */
        assert_int_equal(peer_connections(origin), peer_count(proxy));
        assert_int_equal(peer_saw_count(proxy, "CONNECT 127.0.0.1:"), peer_count(proxy));
        assert_false(peer_saw(proxy, "Authorization"));
        assert_false(peer_saw(proxy, "acme"));
        client_free(k);
        peer_stop(origin);
        peer_stop(proxy);
    }
    free_authority(&a);
}
