/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `git http-backend` as a CGI child. The request's body flows into it while it comes, its output
 * flows out as the answer; neither is ever held whole in memory.
 *
 * libmicrohttpd takes an answer only when the request's body is complete, but git may write before
 * it has read everything, and would wait for us for ever if nobody took what it writes. So while
 * the body flows in, the output goes to a spool: memory first, then an unlinked file.
 */
#define _GNU_SOURCE /* pipe2: another thread's child must not inherit our end of a pipe; memfd_create */

#include "http/internal.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPOOL_MEMORY ((size_t)256 * 1024)
#define MAX_CGI_HEAD ((size_t)16 * 1024)
#define MAX_ENV      64

typedef struct cgi {
    srv_req *req;
    pid_t pid; /* 0: not running */
    int in, out;
    int complaints; /* what git says on stderr; -1: nowhere */
    hf__buf spool;
    uint64_t spool_at;
    int file; /* what does not fit into the spool; -1: none */
    uint64_t file_len, file_at;
    bool at_end; /* git closed its output */
} cgi;

typedef struct cgi_env {
    char *vars[MAX_ENV + 1];
    size_t n;
    hf__arena *arena;
} cgi_env;

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* git repeats a hostile client's bytes, so its words are defused before they reach a terminal. */
static void tell_complaints(const cgi *c)
{
    char text[512];
    ssize_t n = pread(c->complaints, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    srv_warn(c->req, "git: %s", text);
}

static void cgi_free(void *user)
{
    cgi *c = user;
    int status = 0;

    close_fd(&c->in);
    close_fd(&c->out);
    close_fd(&c->file);
    if (c->pid > 0) {
        if (!c->at_end)
            kill(-c->pid, SIGTERM); /* its group: upload-pack too */
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    if (c->complaints >= 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0)
        tell_complaints(c);
    close_fd(&c->complaints);
    hf__buf_dispose(&c->spool);
    free(c);
}

/* ---------------------------------------------------------------------------------- environment */

static void env_add(cgi_env *env, const char *name, const char *value)
{
    size_t size = strlen(name) + (value ? strlen(value) : 0) + 2;
    char *text;

    if (!value || env->n == MAX_ENV)
        return;
    text = hf__arena_alloc(env->arena, size);
    if (!text)
        return;
    snprintf(text, size, "%s=%s", name, value);
    env->vars[env->n++] = text;
}

static void env_setting(cgi_env *env, size_t *n, const char *key, const char *value)
{
    char name[64];

    snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%zu", *n);
    env_add(env, name, key);
    snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%zu", *n);
    env_add(env, name, value);
    ++*n;
}

static void env_config(cgi_env *env, const srv_cgi *what)
{
    /* The folder may belong to another user than the one that serves it; commits may be fetched by
     * their id, as on the Hub; partial clones are welcome. A push is on the disk when git says so.
     */
    static const char *const settings[][2] = {
        { "safe.directory", "*" },
        { "uploadpack.allowAnySHA1InWant", "true" },
        { "uploadpack.allowFilter", "true" },
        { "core.fsync", "objects,loose-object,derived-metadata,reference" },
        { "receive.fsckObjects", "true" },
        { "receive.autogc", "false" },
    };
    char count[16];
    size_t n = 0;

    for (size_t i = 0; i < HF__COUNT(settings); i++)
        env_setting(env, &n, settings[i][0], settings[i][1]);
    env_setting(env, &n, "core.hooksPath", what->hooks_dir ? what->hooks_dir : "/dev/null");
    env_setting(env, &n, "http.receivepack", what->hooks_dir ? "true" : "false");
    snprintf(count, sizeof(count), "%zu", n);
    env_add(env, "GIT_CONFIG_COUNT", count);
    env_add(env, "GIT_CONFIG_NOSYSTEM", "1");
    env_add(env, "GIT_CONFIG_GLOBAL", "/dev/null");
}

static void make_env(cgi_env *env, srv_req *req, const srv_cgi *what)
{
    env->arena = req->arena;
    env->n = 0;
    env_add(env, "PATH", getenv("PATH"));
    env_add(env, "GIT_EXEC_PATH", getenv("GIT_EXEC_PATH"));
    env_add(env, "GIT_PROJECT_ROOT", what->git_dir);
    env_add(env, "GIT_HTTP_EXPORT_ALL", "1");
    env_add(env, "PATH_INFO", what->path_info);
    env_add(env, "REQUEST_METHOD", req->method);
    env_add(env, "QUERY_STRING", hf__arena_str(req->arena, req->query));
    env_add(env, "CONTENT_TYPE", srv_req_header(req, "Content-Type"));
    env_add(env, "CONTENT_LENGTH", srv_req_header(req, "Content-Length"));
    env_add(env, "HTTP_CONTENT_ENCODING", srv_req_header(req, "Content-Encoding"));
    env_add(env, "GIT_PROTOCOL", srv_req_header(req, "Git-Protocol"));
    env_add(env, "REMOTE_USER", what->user);
    env_add(env, "REMOTE_ADDR", "client");
    for (const char *const *pair = what->env; pair && *pair; pair += 2)
        env_add(env, pair[0], pair[1]);
    env_config(env, what);
    env->vars[env->n] = NULL;
}

/* ---------------------------------------------------------------------------------------- child */

static int spawn(cgi *c, char *const *env)
{
    static char git[] = "git";
    static char backend[] = "http-backend";
    char *const argv[] = { git, backend, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int in[2] = { -1, -1 };
    int out[2] = { -1, -1 };
    sigset_t none;
    sigset_t pipe_only;
    int number;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        number = errno;
        close_fd(&in[0]);
        close_fd(&in[1]);
        return number;
    }
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    c->complaints = memfd_create("git-stderr", MFD_CLOEXEC);
    if (c->complaints >= 0)
        posix_spawn_file_actions_adddup2(&actions, c->complaints, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &pipe_only);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    number = posix_spawnp(&c->pid, git, &actions, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    close_fd(&in[0]);
    close_fd(&out[1]);
    c->in = in[1];
    c->out = out[0];
    if (number != 0) {
        c->pid = 0;
        return number;
    }
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    return 0;
}

/* Reads what git wrote: >0 bytes, 0 at the end, -1 when it failed or the server stops. */
static ssize_t read_child(cgi *c, char *bytes, size_t max)
{
    struct pollfd fds[2] = { { c->out, POLLIN, 0 }, { c->req->server->stop_fd, POLLIN, 0 } };
    ssize_t n;

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return -1;
    if (fds[1].revents)
        return -1;
    do
        n = read(c->out, bytes, max);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        c->at_end = true;
    return n;
}

/* --------------------------------------------------------------------------------- body flows in */

static bool spool_to_file(cgi *c, const char *bytes, size_t len)
{
    if (c->file < 0) {
        const char *data = c->req->server->conf.data;
        size_t size = strlen(data) + sizeof("/tmp/git-XXXXXX");
        char *path = malloc(size);

        if (!path)
            return false;
        snprintf(path, size, "%s/tmp/git-XXXXXX", data);
        c->file = mkostemp(path, O_CLOEXEC);
        if (c->file >= 0)
            unlink(path);
        free(path);
    }
    while (c->file >= 0 && len > 0) {
        ssize_t n = pwrite(c->file, bytes, len, (off_t)c->file_len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        c->file_len += (uint64_t)n;
        bytes += n;
        len -= (size_t)n;
    }
    return c->file >= 0;
}

static bool spool(cgi *c)
{
    char bytes[16384];
    ssize_t n = read_child(c, bytes, sizeof(bytes));

    if (n <= 0)
        return n == 0;
    if (c->file_len == 0 && c->spool.len + (size_t)n <= SPOOL_MEMORY) {
        hf__buf_add(&c->spool, bytes, (size_t)n);
        return c->spool.status == HF_OK;
    }
    return spool_to_file(c, bytes, (size_t)n);
}

static bool on_piece(srv_req *req, const char *bytes, size_t len)
{
    cgi *c = req->state;

    while (len > 0 && c->in >= 0) {
        struct pollfd fds[3] = { { c->in, POLLOUT, 0 },
                                 { c->at_end ? -1 : c->out, POLLIN, 0 },
                                 { req->server->stop_fd, POLLIN, 0 } };
        ssize_t n;

        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[2].revents || (fds[1].revents && !spool(c))) {
            srv_answer_error(req, 500, NULL, "git failed");
            return false;
        }
        if (!fds[0].revents)
            continue;
        n = write(c->in, bytes, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0) {
            close_fd(&c->in); /* git has heard enough; its answer says why */
            break;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* --------------------------------------------------------------------------------- answer flows */

static int64_t read_answer(void *user, uint64_t at, char *out, size_t max)
{
    cgi *c = user;

    (void)at;
    if (c->spool_at < c->spool.len) {
        size_t n = c->spool.len - (size_t)c->spool_at;

        if (n > max)
            n = max;
        memcpy(out, hf__buf_cstr(&c->spool) + c->spool_at, n);
        c->spool_at += n;
        return (int64_t)n;
    }
    if (c->file_at < c->file_len) {
        size_t n = max < c->file_len - c->file_at ? max : (size_t)(c->file_len - c->file_at);
        ssize_t got = pread(c->file, out, n, (off_t)c->file_at);

        if (got <= 0)
            return -1;
        c->file_at += (uint64_t)got;
        return got;
    }
    return c->at_end ? 0 : read_child(c, out, max);
}

/* Length of the CGI head with its empty line; 0 when it is not complete yet. */
static size_t head_length(hf__str text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '\n' && text.ptr[i + 1] == '\n')
            return i + 2;
        if (text.ptr[i] == '\n' && text.ptr[i + 1] == '\r' && i + 2 < text.len &&
            text.ptr[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

static void take_header(srv_req *req, hf__str line)
{
    hf__str value;
    hf__str name = hf__str_trim(hf__str_cut(line, ':', &value));
    const char *name_text = hf__arena_str(req->arena, name);
    const char *value_text = hf__arena_str(req->arena, hf__str_trim(value));
    uint64_t n;

    if (!name_text || !value_text || name.len == 0)
        return;
    if (hf__str_eq_nocase(name, HF__STR("Status"))) {
        if (hf__str_to_u64(hf__str_cut(hf__str_from(value_text), ' ', &value), &n) && n >= 200 &&
            n < 600)
            req->answer.status = (unsigned)n;
    } else if (hf__str_eq_nocase(name, HF__STR("Content-Length"))) {
        if (hf__str_to_u64(hf__str_from(value_text), &n))
            req->answer.n_bytes = n;
    } else {
        srv_header_set(req, name_text, value_text);
    }
}

static void handler(srv_req *req)
{
    cgi *c = req->state;
    hf__str head;
    size_t len;
    bool ok = true;

    close_fd(&c->in);
    while ((len = head_length(hf__buf_str(&c->spool))) == 0 && ok) {
        if (c->spool.len > MAX_CGI_HEAD || c->at_end || c->file_len > 0)
            ok = false;
        else
            ok = spool(c);
    }
    if (len == 0) {
        srv_warn(req, "git http-backend gave no answer");
        srv_answer_error(req, 500, NULL, "git failed");
        return;
    }
    srv_answer_stream(req, 200, read_answer, c);
    head = (hf__str){ hf__buf_cstr(&c->spool), len };
    while (head.ptr && head.len > 0)
        take_header(req, hf__str_cut(head, '\n', &head));
    c->spool_at = len;
}

void srv_cgi_start(srv_req *req, const srv_cgi *what)
{
    cgi *c = calloc(1, sizeof(*c));
    cgi_env env;
    int number;

    if (!c) {
        srv_answer_error(req, 503, NULL, "out of memory");
        return;
    }
    c->req = req;
    c->in = c->out = c->file = c->complaints = -1;
    hf__buf_init(&c->spool, SPOOL_MEMORY + MAX_CGI_HEAD);
    make_env(&env, req, what);
    number = spawn(c, env.vars);
    if (number != 0) {
        cgi_free(c);
        srv_warn(req, "cannot run 'git http-backend': %s", strerror(number));
        srv_answer_error(req, 500, NULL, "this server cannot run git");
        return;
    }
    req->state = c;
    req->answer.close = cgi_free;
    req->answer.user = c;
    req->on_piece = on_piece;
    req->handler = handler;
}
