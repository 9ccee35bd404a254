/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no client can beat on this machine: the parts of a download, each alone.
 *
 *   floor hash FILE                      SHA-256 of a file in memory
 *   floor write FILE OUT                 copies a file
 *   floor receive PORT PATH              receives a body to nowhere
 *   floor get PORT PATH OUT              receives, writes, and hashes on a second thread
 *   floor small PORT LIST DIR            the files named in LIST, over 8 connections, into DIR
 *
 * The host is 127.0.0.1, the protocol HTTP/1.1 without TLS, and the server is trusted: this measures, it is no client.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK   ((size_t)1 << 20)
#define BLOCKS  16
#define CONNS   8
#define MAX_URL 4096

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- a ring of blocks between the thread that receives and the one that hashes */

static struct {
    uint8_t data[BLOCKS][BLOCK];
    size_t len[BLOCKS];
    unsigned put; /* only with lock held, as all below */
    unsigned got;
    int ended;
    pthread_mutex_t lock;
    pthread_cond_t moved;
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static void *hash_ring(void *md)
{
    for (;;) {
        unsigned at;

        pthread_mutex_lock(&ring.lock);
        while (ring.got == ring.put && !ring.ended)
            pthread_cond_wait(&ring.moved, &ring.lock);
        at = ring.got;
        if (at == ring.put) {
            pthread_mutex_unlock(&ring.lock);
            return NULL;
        }
        pthread_mutex_unlock(&ring.lock);
        EVP_DigestUpdate(md, ring.data[at % BLOCKS], ring.len[at % BLOCKS]);
        pthread_mutex_lock(&ring.lock);
        ring.got++;
        pthread_cond_signal(&ring.moved);
        pthread_mutex_unlock(&ring.lock);
    }
}

static EVP_MD_CTX *sha256(void)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
        die("sha256");
    return md;
}

static void print_digest(EVP_MD_CTX *md)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    EVP_DigestFinal_ex(md, digest, &n);
    for (unsigned i = 0; i < n; i++)
        printf("%02x", digest[i]);
    putchar('\n');
    EVP_MD_CTX_free(md);
}

/* ---- the least HTTP */

typedef struct conn {
    int fd;
    uint8_t buf[65536];
    size_t at;
    size_t len;
} conn;

static void conn_open(conn *c, const char *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)atoi(port)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    c->at = c->len = 0;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
}

/* Asks for path; returns the length of the body, of which c->buf holds the beginning. */
static size_t ask(conn *c, const char *path)
{
    char head[MAX_URL + 64];
    int n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
    const char *length;
    char *end;

    if (write(c->fd, head, (size_t)n) != n)
        die("write");
    c->at = c->len = 0;
    do {
        ssize_t got = read(c->fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len);

        if (got <= 0)
            die("read of a header");
        c->len += (size_t)got;
        c->buf[c->len] = '\0';
        end = strstr((char *)c->buf, "\r\n\r\n");
    } while (!end);
    length = strcasestr((char *)c->buf, "content-length:");
    if (strncmp((char *)c->buf + 9, "200", 3) != 0 || !length) {
        fprintf(stderr, "floor: no 200 with a length for %s\n", path);
        exit(1);
    }
    c->at = (size_t)(end + 4 - (char *)c->buf);
    return strtoull(length + 15, NULL, 10);
}

static size_t body(conn *c, uint8_t *to, size_t max)
{
    size_t have = c->len - c->at;
    ssize_t got;

    if (have) {
        have = have < max ? have : max;
        memcpy(to, c->buf + c->at, have);
        c->at += have;
        return have;
    }
    got = read(c->fd, to, max);
    if (got <= 0)
        die("read of a body");
    return (size_t)got;
}

static void write_all(int fd, const uint8_t *data, size_t len)
{
    if (write(fd, data, len) != (ssize_t)len)
        die("write");
}

static int create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (fd < 0)
        die(path);
    return fd;
}

/* ---- what is measured */

static void do_hash(const char *path)
{
    EVP_MD_CTX *md = sha256();
    int fd = open(path, O_RDONLY);
    ssize_t got;

    if (fd < 0)
        die(path);
    while ((got = read(fd, ring.data[0], BLOCK)) > 0)
        EVP_DigestUpdate(md, ring.data[0], (size_t)got);
    print_digest(md);
}

static void do_write(const char *path, const char *out)
{
    int fd = open(path, O_RDONLY);
    int to = create(out);
    ssize_t got;

    if (fd < 0)
        die(path);
    while ((got = read(fd, ring.data[0], BLOCK)) > 0)
        write_all(to, ring.data[0], (size_t)got);
}

static void do_receive(const char *port, const char *path)
{
    static conn c;
    size_t left;

    conn_open(&c, port);
    for (left = ask(&c, path); left;)
        left -= body(&c, ring.data[0], BLOCK);
}

static void do_get(const char *port, const char *path, const char *out)
{
    static conn c;
    EVP_MD_CTX *md = sha256();
    int to = create(out);
    pthread_t hasher;
    size_t left;

    conn_open(&c, port);
    left = ask(&c, path);
    if (pthread_create(&hasher, NULL, hash_ring, md) != 0)
        die("pthread_create");
    while (left) {
        unsigned at;
        size_t len = 0;

        pthread_mutex_lock(&ring.lock);
        while (ring.put - ring.got == BLOCKS)
            pthread_cond_wait(&ring.moved, &ring.lock);
        at = ring.put % BLOCKS;
        pthread_mutex_unlock(&ring.lock);
        while (len < BLOCK && len < left)
            len += body(&c, ring.data[at] + len, (left < BLOCK ? left : BLOCK) - len);
        write_all(to, ring.data[at], len);
        left -= len;
        pthread_mutex_lock(&ring.lock);
        ring.len[at] = len;
        ring.put++;
        pthread_cond_signal(&ring.moved);
        pthread_mutex_unlock(&ring.lock);
    }
    pthread_mutex_lock(&ring.lock);
    ring.ended = 1;
    pthread_cond_signal(&ring.moved);
    pthread_mutex_unlock(&ring.lock);
    pthread_join(hasher, NULL);
    print_digest(md);
}

static struct {
    FILE *list;
    pthread_mutex_t lock;
    const char *port;
    const char *dir;
} small = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *fetch_small(void *unused)
{
    conn *c = malloc(sizeof(*c));
    uint8_t *block = malloc(BLOCK);
    char url[MAX_URL];
    char out[2 * MAX_URL];

    if (!c || !block)
        die("malloc");
    conn_open(c, small.port);
    for (;;) {
        size_t left;
        size_t len = 0;
        char *name;
        int to;

        pthread_mutex_lock(&small.lock);
        name = fgets(url, sizeof(url), small.list);
        pthread_mutex_unlock(&small.lock);
        if (!name)
            break;
        url[strcspn(url, "\n")] = '\0';
        for (left = ask(c, url); left > len;)
            len += body(c, block + len, left - len);
        snprintf(out, sizeof(out), "%s/%s", small.dir, strrchr(url, '/') + 1);
        to = create(out);
        write_all(to, block, len);
        close(to);
    }
    close(c->fd);
    free(block);
    free(c);
    return unused;
}

static void do_small(const char *port, const char *list, const char *dir)
{
    pthread_t threads[CONNS];

    small.list = fopen(list, "r");
    small.port = port;
    small.dir = dir;
    if (!small.list)
        die(list);
    for (int i = 0; i < CONNS; i++)
        if (pthread_create(&threads[i], NULL, fetch_small, NULL) != 0)
            die("pthread_create");
    for (int i = 0; i < CONNS; i++)
        pthread_join(threads[i], NULL);
    fclose(small.list);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (argc == 3 && strcmp(what, "hash") == 0)
        do_hash(argv[2]);
    else if (argc == 4 && strcmp(what, "write") == 0)
        do_write(argv[2], argv[3]);
    else if (argc == 4 && strcmp(what, "receive") == 0)
        do_receive(argv[2], argv[3]);
    else if (argc == 5 && strcmp(what, "get") == 0)
        do_get(argv[2], argv[3], argv[4]);
    else if (argc == 5 && strcmp(what, "small") == 0)
        do_small(argv[2], argv[3], argv[4]);
    else {
        fputs("usage: floor hash FILE | write FILE OUT | receive PORT PATH | get PORT PATH OUT | "
              "small PORT LIST DIR\n",
              stderr);
        return 2;
    }
    return 0;
}
