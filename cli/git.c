/* SPDX-License-Identifier: Apache-2.0 */
/* git's credential helper (hub-http.md 5.9). It never makes a login fail. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs git with `input`; what it prints goes to out (cut at size). Exit code, -1 when it did not
 * run. */
static int run_git(const char *const *argv, const char *input, char *out, size_t size)
{
    int in[2], back[2];
    size_t n = 0;
    int status = 0;
    pid_t pid;

    if (pipe(in) != 0)
        return -1;
    if (pipe(back) != 0) {
        close(in[0]);
        close(in[1]);
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(back[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(back[0]);
        close(back[1]);
        signal(SIGPIPE, SIG_DFL);
        execvp("git", (char *const *)argv);
        _exit(127);
    }
    close(in[0]);
    close(back[1]);
    for (size_t len = strlen(input); pid > 0 && len > 0;) {
        ssize_t wrote = write(in[1], input, len);

        if (wrote <= 0 && errno != EINTR)
            break;
        input += wrote > 0 ? wrote : 0;
        len -= wrote > 0 ? (size_t)wrote : 0;
    }
    close(in[1]);
    while (pid > 0) {
        char text[4096];
        ssize_t got = read(back[0], text, sizeof(text));

        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        for (ssize_t i = 0; i < got; i++)
            if (n + 1 < size)
                out[n++] = text[i];
    }
    if (size)
        out[n] = '\0';
    close(back[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

/* Names of the helpers of `git config --list`, joined by commas; false when there is none. A helper
 * for one URL alone does not count, as in the official client. */
bool cli_git_helpers(char *out, size_t size)
{
    static const char *const argv[] = { "git", "config", "--list", NULL };
    static const char key[] = "credential.helper=";
    static char config[65536];

    out[0] = '\0';
    if (run_git(argv, "", config, sizeof(config)) != 0)
        return false;
    for (const char *line = config; line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *name = line + sizeof(key) - 1;
        size_t len = 0;
        size_t used = strlen(out);

        if (strncasecmp(line, key, sizeof(key) - 1) != 0)
            continue;
        while (isalnum((unsigned char)name[len]) || (name[len] && strchr("_-/", name[len])))
            len++;
        if (len)
            snprintf(out + used, size - used, "%s%.*s", used ? "," : "", (int)len, name);
    }
    return out[0] != '\0';
}

void cli_git_approve(cli_ctx *ctx, hf_client *client, const char *token_name)
{
    static const char *const argv[] = { "git", "credential", "approve", NULL };
    hf_error err = HF_ERROR_INIT;
    char names[512];
    char text[8192];
    char *token = NULL;

    if (!cli_git_helpers(names, sizeof(names))) {
        cli_warning(ctx, "The token has not been saved to a git credential helper, since git has "
                         "none. Run `git config --global credential.helper store` to set one.");
        return;
    }
    if (hf_auth_token(client, token_name, &token, &err) == HF_OK && token) {
        snprintf(text, sizeof(text), "url=%s\nusername=hf_user\npassword=%s\n\n",
                 hf_client_get(client, HF_SETTING_ENDPOINT), token);
        if (run_git(argv, text, NULL, 0) == 0)
            cli_log(ctx,
                    "Your token has been saved in your configured git credential helpers (%s).",
                    names);
        else
            cli_warning(ctx, "git did not take the token (git credential approve failed).");
    }
    cli_secret_wipe(text, sizeof(text));
    cli_secret_free(token);
}

void cli_git_reject(cli_ctx *ctx, hf_client *client)
{
    static const char *const argv[] = { "git", "credential", "reject", NULL };
    char names[512];
    char text[2048];

    if (!cli_git_helpers(names, sizeof(names)))
        return;
    snprintf(text, sizeof(text), "url=%s\nusername=hf_user\n\n",
             hf_client_get(client, HF_SETTING_ENDPOINT));
    if (run_git(argv, text, NULL, 0) != 0)
        cli_warning(ctx, "git did not forget the token (git credential reject failed).");
}
