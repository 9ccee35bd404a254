/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include "api/private.h"
#include "net/internal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char *program(void)
{
    const char *path = getenv("HF_SERVE");

    assert_non_null(path);
    return path;
}

/* Starts the program; its output comes through *out. */
static pid_t spawn(const char *const *args, int *out)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *argv[32] = { program() };
        size_t n = 1;

        while (args[n - 1] && n < 31) {
            argv[n] = args[n - 1];
            n++;
        }
        dup2(ends[1], 1);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed takes its server along */
        unsetenv("LD_PRELOAD");
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

void hub_run(hub *h, char *out, size_t size, const char *const *args)
{
    const char *all[32];
    char text[4096];
    size_t len = 0;
    size_t n = 0;
    int status = -1;
    ssize_t got;
    pid_t pid;
    int fd;

    for (; args[n]; n++)
        all[n] = args[n];
    all[n++] = "--data";
    all[n++] = unit_path(&h->dir, "data");
    all[n] = NULL;
    pid = spawn(all, &fd);
    while ((got = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("hf-serve %s %s failed: %s", args[0], args[1], text);
    text[strcspn(text, "\n")] = '\0';
    if (out)
        snprintf(out, size, "%s", text);
}

static void make_model(hub *h)
{
    char path[64];
    uint32_t state = 12345;

    assert_int_equal(mkdir(unit_path(&h->dir, "model"), 0700), 0);
    assert_int_equal(mkdir(unit_path(&h->dir, "model/sub dir"), 0700), 0);
    assert_int_equal(mkdir(unit_path(&h->dir, "model/many"), 0700), 0);
    unit_write(unit_path(&h->dir, "model/config.json"), "{\"a\": 1}\n", 9);
    unit_write(unit_path(&h->dir, "model/README.md"), "# tiny\n", 7);
    unit_write(unit_path(&h->dir, "model/empty.txt"), "", 0);
    unit_write(unit_path(&h->dir, "model/" ODD_PATH), "odd\n", 4);
    for (unsigned i = 0; i < MANY_FILES; i++) {
        snprintf(path, sizeof path, "model/many/f%02u.txt", i);
        unit_write(unit_path(&h->dir, path), path, strlen(path));
    }
    h->big = malloc(BIG_SIZE);
    for (size_t i = 0; i < BIG_SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        h->big[i] = (char)(state >> 24);
    }
    unit_write(unit_path(&h->dir, "model/model.bin"), h->big, BIG_SIZE);
}

hub *hub_new(void)
{
    hub *h = calloc(1, sizeof *h);

    assert_non_null(h);
    h->dir = unit_dir_make();
    make_model(h);
    hub_run(h, h->token, sizeof h->token, (const char *const[]){ "user", "add", "alice", NULL });
    hub_run(h, h->commit, sizeof h->commit,
            (const char *const[]){ "import", "acme/tiny", unit_path(&h->dir, "model"), NULL });
    assert_int_equal(strlen(h->commit), 40);
    return h;
}

/* Reads the two lines that tell the origins. */
static void read_urls(hub *h, int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    char text[1024] = "";
    size_t len = 0;
    const char *at;

    while (len < sizeof text - 1 && !(strchr(text, '\n') && strchr(strchr(text, '\n') + 1, '\n'))) {
        ssize_t got = poll(&wait, 1, 20000) > 0 ? read(fd, text + len, sizeof text - 1 - len) : 0;

        if (got <= 0)
            fail_msg("hf-serve told no URL: '%s'", text);
        len += (size_t)got;
        text[len] = '\0';
    }
    at = strstr(text, "listening on ");
    assert_non_null(at);
    snprintf(h->url, sizeof h->url, "%.*s", (int)strcspn(at + 13, "\n"), at + 13);
    at = strstr(text, "storage on ");
    assert_non_null(at);
    snprintf(h->storage, sizeof h->storage, "%.*s", (int)strcspn(at + 11, "\n"), at + 11);
}

void hub_start(hub *h, const char *faults, const char *const *options)
{
    const char *args[24] = { "serve", "--data",       unit_path(&h->dir, "data"),      "--port",
                             "0",     "--access-log", unit_path(&h->dir, "access.log") };
    size_t n = 7;
    int fd;

    if (faults) {
        unit_write(unit_path(&h->dir, "faults"), faults, strlen(faults));
        args[n++] = "--faults";
        args[n++] = unit_path(&h->dir, "faults");
    }
    for (size_t i = 0; options && options[i]; i++)
        args[n++] = options[i];
    unit_write(unit_path(&h->dir, "access.log"), "", 0);
    h->pid = spawn(args, &fd);
    read_urls(h, fd);
    close(fd);
}

void hub_stop(hub *h)
{
    int status = -1;
    FILE *file;
    size_t len;

    if (!h->pid)
        return;
    kill(h->pid, SIGTERM);
    assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
    h->pid = 0;
    assert_int_equal(status, 0);
    file = fopen(unit_path(&h->dir, "access.log"), "r");
    assert_non_null(file);
    len = fread(h->log, 1, sizeof h->log - 1, file);
    h->log[len] = '\0';
    fclose(file);
    /* The witness of every test: what is signed is asked for without a token. */
    assert_int_equal(hub_log_count(h, "storage", "\"auth\":true"), 0);
    assert_null(strstr(h->log, h->token));
}

void hub_free(hub *h)
{
    hub_stop(h);
    unit_dir_remove(&h->dir);
    free(h->big);
    free(h);
}

unsigned hub_log_count(const hub *h, const char *origin, const char *text)
{
    char key[64];
    unsigned n = 0;

    snprintf(key, sizeof key, "\"origin\":\"%s\"", origin);
    for (const char *line = h->log; *line;) {
        size_t len = strcspn(line, "\n");

        if (memmem(line, len, key, strlen(key)) && memmem(line, len, text, strlen(text)))
            n++;
        line += len + (line[len] == '\n');
    }
    return n;
}

client *hub_client(hub *h, const char *token)
{
    client *k = client_make();
    hf_client_opts opts = client_opts(k, h->url);

    opts.token = token ? token : "";
    return client_new_with(k, &opts);
}
