/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no client can beat when files go up on this machine.
 *
 *   floor_up put PORT LIST                   LIST has lines "FILE TARGET": SHA-256 of each file, then a PUT of
 *                                            it to TARGET; a second thread hashes the next ones meanwhile
 *   floor_up commit PORT TARGET TOKEN FOLDER the files of FOLDER as lines of one commit, made in memory
 *
 * The host is 127.0.0.1, the protocol HTTP/1.1 without TLS, and the server is trusted: this measures, it is no client.
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK     ((size_t)128 * 1024)
#define MAX_FILES 64
#define MAX_LINE  8192

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int open_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        die(path);
    *size = (size_t)st.st_size;
    return fd;
}

/* ---- the least HTTP */

static int connect_to(const char *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)atoi(port)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
    return fd;
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n <= 0)
            die("write");
        data += n;
        len -= (size_t)n;
    }
}

static void want_200(int fd, const char *target)
{
    char head[MAX_LINE];
    ssize_t n = read(fd, head, sizeof(head) - 1);

    if (n < 12 || strncmp(head + 9, "200", 3) != 0) {
        head[n > 0 ? n : 0] = '\0';
        fprintf(stderr, "floor_up: no 200 for %s: %s\n", target, head);
        exit(1);
    }
}

/* ---- large files */

static struct {
    char path[MAX_FILES][MAX_LINE];
    char target[MAX_FILES][MAX_LINE];
    int n;
    int hashed; /* only with lock held */
    pthread_mutex_t lock;
    pthread_cond_t moved;
} files = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static void hash_one(const char *path)
{
    static char block[BLOCK];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t size;
    int fd = open_file(path, &size);
    ssize_t got;

    if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
        die("sha256");
    while ((got = read(fd, block, BLOCK)) > 0)
        EVP_DigestUpdate(md, block, (size_t)got);
    EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    close(fd);
}

static void *hash_all(void *unused)
{
    for (int i = 0; i < files.n; i++) {
        hash_one(files.path[i]);
        pthread_mutex_lock(&files.lock);
        files.hashed = i + 1;
        pthread_cond_signal(&files.moved);
        pthread_mutex_unlock(&files.lock);
    }
    return unused;
}

static void put_one(const char *port, const char *path, const char *target)
{
    char head[MAX_LINE + 100];
    size_t size;
    int fd = open_file(path, &size);
    int to = connect_to(port);
    off_t at = 0;
    int n =
        snprintf(head, sizeof(head),
                 "PUT %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n", target, size);

    write_all(to, head, (size_t)n);
    while ((size_t)at < size)
        if (sendfile(to, fd, &at, size - (size_t)at) <= 0)
            die("sendfile");
    want_200(to, target);
    close(to);
    close(fd);
}

static void do_put(const char *port, const char *list)
{
    FILE *lines = fopen(list, "r");
    pthread_t hasher;

    if (!lines)
        die(list);
    while (files.n < MAX_FILES &&
           fscanf(lines, "%8191s %8191s", files.path[files.n], files.target[files.n]) == 2)
        files.n++;
    fclose(lines);
    if (pthread_create(&hasher, NULL, hash_all, NULL) != 0)
        die("pthread_create");
    for (int i = 0; i < files.n; i++) {
        pthread_mutex_lock(&files.lock);
        while (files.hashed <= i)
            pthread_cond_wait(&files.moved, &files.lock);
        pthread_mutex_unlock(&files.lock);
        put_one(port, files.path[i], files.target[i]);
    }
    pthread_join(hasher, NULL);
}

/* ---- many small ones */

static struct {
    char *at;
    size_t len;
    size_t room;
} body;

static char *reserve(size_t more)
{
    if (body.len + more > body.room) {
        body.room = 2 * (body.len + more);
        body.at = realloc(body.at, body.room);
        if (!body.at)
            die("realloc");
    }
    return body.at + body.len;
}

static void add_text(const char *text)
{
    size_t len = strlen(text);

    memcpy(reserve(len), text, len);
    body.len += len;
}

static void add_file(const char *folder, const char *name)
{
    char path[MAX_LINE];
    uint8_t *bytes;
    size_t size;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open_file(path, &size);
    bytes = malloc(size + 1);
    if (!bytes || read(fd, bytes, size) != (ssize_t)size)
        die(path);
    close(fd);
    add_text("{\"key\":\"file\",\"value\":{\"path\":\"");
    add_text(name);
    add_text("\",\"encoding\":\"base64\",\"content\":\"");
    body.len += (size_t)EVP_EncodeBlock((uint8_t *)reserve(size / 3 * 4 + 5), bytes, (int)size);
    add_text("\"}}\n");
    free(bytes);
}

static void do_commit(const char *port, const char *target, const char *token, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char head[MAX_LINE];
    int to = connect_to(port);
    int n;

    if (!dir)
        die(folder);
    add_text("{\"key\":\"header\",\"value\":{\"summary\":\"floor\",\"description\":\"\"}}\n");
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            add_file(folder, entry->d_name);
    closedir(dir);
    n = snprintf(head, sizeof(head),
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
                 target, token, body.len);
    write_all(to, head, (size_t)n);
    write_all(to, body.at, body.len);
    want_200(to, target);
    close(to);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "put") == 0) {
        do_put(argv[2], argv[3]);
    } else if (argc == 6 && strcmp(argv[1], "commit") == 0) {
        do_commit(argv[2], argv[3], argv[4], argv[5]);
    } else {
        fputs("usage: floor_up put PORT LIST | commit PORT TARGET TOKEN FOLDER\n", stderr);
        return 2;
    }
    return 0;
}
