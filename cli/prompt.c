/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a person at a terminal. A signal ends them and leaves the terminal as it was. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

void cli_secret_wipe(char *text, size_t size)
{
    volatile char *p = text;

    while (size--)
        *p++ = '\0';
}

void cli_secret_free(char *text)
{
    if (text)
        cli_secret_wipe(text, strlen(text));
    hf_string_free(text);
}

static int aborted(cli_ctx *ctx)
{
    cli_say(ctx, "Aborted!");
    return CLI_EXIT_ERROR;
}

/* Waits for a byte. False when a signal came: also one that came just before, which read(2) would
 * sleep through. */
static bool wait_for(int fd)
{
    struct pollfd poll_fd = { fd, POLLIN, 0 };

    while (!cli_interrupted())
        if (poll(&poll_fd, 1, 100) > 0)
            return true;
    return false;
}

/* One line without its end. False at the end of input and when a signal came. */
static bool read_line(int fd, char *out, size_t size)
{
    size_t n = 0;
    bool any = false;
    char c;

    while (wait_for(fd) && read(fd, &c, 1) == 1) {
        any = true;
        if (c == '\n' || c == '\r')
            break;
        if (n + 1 < size)
            out[n] = c;
        n++;
    }
    out[n < size ? n : size - 1] = '\0';
    return any && n < size && !cli_interrupted();
}

/* On the terminal itself, which standard error need not be. */
static void put(int fd, const char *text)
{
    if (fd == STDIN_FILENO)
        fd = STDERR_FILENO;
    while (*text) {
        ssize_t wrote = write(fd, text, strlen(text));

        if (wrote <= 0)
            return;
        text += wrote;
    }
}

int cli_read_secret(cli_ctx *ctx, const char *question, char *out, size_t size)
{
    struct termios before, quiet;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool got;

    if (fd < 0)
        fd = STDIN_FILENO;
    cli_line_close(ctx);
    if (tcgetattr(fd, &before) != 0)
        return cli_error(ctx, "there is no terminal to ask for a token; pass --token");
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    /* What was typed before the echo went off is not part of the answer. */
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        return cli_error(ctx, "cannot hide what is typed: %s", strerror(errno));
    put(fd, question);
    got = read_line(fd, out, size);
    /* What is left of a paste of several lines must not run in the shell. */
    tcsetattr(fd, TCSAFLUSH, &before);
    put(fd, "\n");
    if (fd != STDIN_FILENO)
        close(fd);
    return got ? CLI_EXIT_OK : aborted(ctx);
}

int cli_choose(cli_ctx *ctx, const char *question, const char *const *choices, size_t *chosen)
{
    size_t n = cli_words_count(choices);

    cli_line_close(ctx);
    cli_say(ctx, "? %s", question);
    for (size_t i = 0; i < n; i++)
        cli_say(ctx, "  %zu. %s", i + 1, choices[i]);
    for (;;) {
        char answer[32];
        unsigned long number = 1;

        fputs("Choice [1]: ", stderr);
        fflush(stderr);
        if (!read_line(STDIN_FILENO, answer, sizeof(answer))) {
            fputc('\n', stderr);
            return aborted(ctx);
        }
        if (!*answer || (cli_number(answer, &number) && number >= 1 && number <= n)) {
            *chosen = number - 1;
            return CLI_EXIT_OK;
        }
        cli_say(ctx, "Please enter a number from 1 to %zu.", n);
    }
}

bool cli_confirm(cli_ctx *ctx, const char *question, bool yes, int *code)
{
    char answer[16] = "";

    *code = CLI_EXIT_ERROR;
    if (yes)
        return true;
    if (ctx->mode != CLI_HUMAN) {
        *code = cli_error(ctx, "%s Use --yes to skip confirmation.", question);
        return false;
    }
    printf("%s [y/N]: ", question);
    fflush(stdout);
    if (fgets(answer, sizeof(answer), stdin)) {
        answer[strcspn(answer, "\r\n")] = '\0';
        if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
            return true;
    } else {
        fputc('\n', stderr);
    }
    cli_say(ctx, "Aborted!");
    return false;
}
