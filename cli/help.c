/* SPDX-License-Identifier: Apache-2.0 */
/* Help and manual pages, from the tables that parse; and the nearest name for a mistyped one. */
#include "cli.h"

#include <string.h>
#include <unistd.h>

#define LEFT 26 /* columns of the left half of a table */

typedef struct shared_opt {
    const char *left;
    const char *help;
} shared_opt;

/* Taken out before a command's own options are read, so no table has them (cli.md 1.1). */
static const shared_opt formatting_opts[] = {
    { "--format WORD", "auto, human, agent, json or quiet" },
    { "--json", "the same as --format json" },
    { "-q, --quiet", "print ids or paths only, no progress" },
    { "--no-truncate", "do not shorten cells of a table" },
};

static const shared_opt exit_codes[] = {
    { "0", "success, also when there was nothing to do" },
    { "1", "it failed; one line on standard error tells why" },
    { "2", "the command line is wrong" },
    { "130", "interrupted by Ctrl-C; the same command goes on from there" },
};

static bool shown(const cli_opt *opt)
{
    return opt->kind != CLI_IGNORED && opt->kind != CLI_IGNORED_VALUE;
}

static void option_left(const cli_opt *opt, char *out, size_t size)
{
    bool has_no = opt->kind == CLI_BOOL || opt->kind == CLI_TRI;
    char names[96];

    if (opt->alias)
        snprintf(names, sizeof(names), "--%s, --%s", opt->name, opt->alias);
    else
        snprintf(names, sizeof(names), "--%s%s%s", opt->name, has_no ? " / --no-" : "",
                 has_no ? opt->name : "");
    snprintf(out, size, "%s%c%s%s%s%s", opt->letter ? "-" : "", opt->letter ? opt->letter : ' ',
             opt->letter ? ", " : "", names, opt->metavar ? " " : "",
             opt->metavar ? opt->metavar : "");
    if (!opt->letter)
        memmove(out, out + 1, strlen(out));
}

static void choices_text(const cli_opt *opt, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; opt->choices && opt->choices[i]; i++) {
        size_t len = strlen(out);

        snprintf(out + len, size - len, "%s%s", i ? "|" : " [", opt->choices[i]);
    }
    if (opt->choices)
        snprintf(out + strlen(out), size - strlen(out), "]");
}

static void usage_words(const cli_cmd *cmd, char *out, size_t size)
{
    out[0] = '\0';
    if (cmd->subs) {
        snprintf(out, size, " COMMAND [ARGS]...");
        return;
    }
    if (!cmd->pass_through)
        snprintf(out, size, " [OPTIONS]");
    for (const cli_arg *arg = cmd->args; arg && arg->name; arg++) {
        size_t len = strlen(out);

        snprintf(out + len, size - len,
                 arg->arity == CLI_ONE    ? " %s"
                 : arg->arity == CLI_MANY ? " [%s]..."
                                          : " [%s]",
                 arg->name);
    }
}

/* As wide as the screen, but no wider than is easy to read. */
static size_t help_width(void)
{
    size_t width = cli_screen_width(STDOUT_FILENO);

    width = width > 120 ? 120 : width;
    return width < 52 ? 50 : width - 2;
}

static void row(FILE *out, const char *left, const char *help, const char *extra)
{
    char text[512];

    snprintf(text, sizeof(text), "%s%s", help, extra);
    if (strlen(left) > LEFT)
        fprintf(out, "  %s\n%*s", left, LEFT + 4, "");
    else
        fprintf(out, "  %-*s  ", LEFT, left);
    cli_wrap(out, text, LEFT + 4, LEFT + 4, help_width());
    fputc('\n', out);
}

static void help_group(const cli_cmd *cmd, FILE *out)
{
    fputs("\nCommands:\n", out);
    for (size_t i = 0; cmd->subs[i]; i++) {
        char alias[48] = "";

        if (cmd->subs[i]->hidden)
            continue;
        if (cmd->subs[i]->alias)
            snprintf(alias, sizeof(alias), " [alias: %s]", cmd->subs[i]->alias);
        row(out, cmd->subs[i]->name, cmd->subs[i]->summary, alias);
    }
    fputs("\nOptions:\n", out);
    row(out, "-h, --help", "show this, or the help of a command", "");
    if (cmd != cli_root(NULL))
        return;
    row(out, "-v, --version", "print the version", "");
    row(out, "--show-completion", "the same as hf completion", "");
    row(out, "--install-completion", "let the shell of $SHELL complete this command", "");
}

static void help_leaf(const cli_cmd *cmd, FILE *out)
{
    char left[160];
    char extra[128];

    if (cmd->args && cmd->args[0].name)
        fputs("\nArguments:\n", out);
    for (const cli_arg *arg = cmd->args; arg && arg->name; arg++)
        row(out, arg->name, arg->help, arg->arity == CLI_ONE ? "  [required]" : "");
    if (cmd->pass_through)
        return;
    fputs("\nOptions:\n", out);
    for (const cli_opt *opt = cmd->opts; opt && opt->name; opt++) {
        if (!shown(opt))
            continue;
        option_left(opt, left, sizeof(left));
        choices_text(opt, extra, sizeof(extra));
        row(out, left, opt->help, extra);
    }
    row(out, "-h, --help", "show this", "");
    fputs("\nFormatting options:\n", out);
    for (size_t i = 0; i < sizeof(formatting_opts) / sizeof(formatting_opts[0]); i++)
        row(out, formatting_opts[i].left, formatting_opts[i].help, "");
}

void cli_help(const cli_ctx *ctx, const cli_cmd *cmd, FILE *out)
{
    char words[256];

    usage_words(cmd, words, sizeof(words));
    fprintf(out, "Usage: %s%s\n\n  ", ctx->path, words);
    cli_wrap(out, cmd->summary, 2, 2, help_width());
    fputc('\n', out);
    if (cmd->description) {
        fputs("\n  ", out);
        cli_wrap(out, cmd->description, 2, 2, help_width());
        fputc('\n', out);
    }
    if (cmd->subs)
        help_group(cmd, out);
    else
        help_leaf(cmd, out);
    fputs("\nExit codes:\n", out);
    for (size_t i = 0; i < sizeof(exit_codes) / sizeof(exit_codes[0]); i++)
        row(out, exit_codes[i].left, exit_codes[i].help, "");
    if (cmd->examples) {
        fputs("\nExamples:\n", out);
        for (size_t i = 0; cmd->examples[i]; i++)
            fprintf(out, "  $ %s\n", cmd->examples[i]);
    }
}

/* ---- roff */

static void roff_text(FILE *out, const char *text)
{
    bool line_start = true;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
        line_start = *text == '\n';
    }
}

static void roff_item(FILE *out, const char *left, const char *help, const char *extra)
{
    fputs(".TP\n.B ", out);
    roff_text(out, left);
    fputc('\n', out);
    roff_text(out, help);
    roff_text(out, extra);
    fputc('\n', out);
}

static void man_own_options(const cli_cmd *cmd, FILE *out)
{
    char left[160];
    char extra[128];

    for (const cli_arg *arg = cmd->args; arg && arg->name; arg++)
        roff_item(out, arg->name, arg->help, "");
    for (const cli_opt *opt = cmd->opts; opt && opt->name; opt++) {
        if (!shown(opt))
            continue;
        option_left(opt, left, sizeof(left));
        choices_text(opt, extra, sizeof(extra));
        roff_item(out, left, opt->help, extra);
    }
}

/* Each command of a group with its options; groups in it as well. */
static void man_commands(const char *path, const cli_cmd *group, FILE *out)
{
    for (size_t i = 0; group->subs[i]; i++) {
        const cli_cmd *cmd = group->subs[i];
        char words[256];
        char below[128];

        if (cmd->hidden)
            continue;
        snprintf(below, sizeof(below), "%s %s", path, cmd->name);
        usage_words(cmd, words, sizeof(words));
        fputs(".SS \"", out);
        roff_text(out, below);
        roff_text(out, words);
        fputs("\"\n", out);
        roff_text(out, cmd->summary);
        fputc('\n', out);
        if (cmd->alias) {
            fputs("Also called ", out);
            roff_text(out, cmd->alias);
            fputs(".\n", out);
        }
        if (cmd->subs)
            man_commands(below, cmd, out);
        else
            man_own_options(cmd, out);
    }
}

static void man_options(const cli_cmd *cmd, FILE *out)
{
    fputs(".SH OPTIONS\n", out);
    if (cmd->subs)
        fputs("Of every command:\n", out);
    else
        man_own_options(cmd, out);
    roff_item(out, "-h, --help", "show help", "");
    for (size_t i = 0;
         !cmd->pass_through && i < sizeof(formatting_opts) / sizeof(formatting_opts[0]); i++)
        roff_item(out, formatting_opts[i].left, formatting_opts[i].help, "");
    if (cmd == cli_root(NULL))
        roff_item(out, "-v, --version", "print the version", "");
}

void cli_man_page(const char *path, const cli_cmd *cmd, FILE *out)
{
    char words[256];
    char name[128];

    snprintf(name, sizeof(name), "%s", path);
    for (char *c = name; *c; c++)
        if (*c == ' ')
            *c = '-';
    usage_words(cmd, words, sizeof(words));
    fprintf(out, ".TH \"%s\" 1 \"\" \"hfhub %s\" \"User Commands\"\n.SH NAME\n", name,
            hf_version());
    roff_text(out, name);
    fputs(" \\- ", out);
    roff_text(out, cmd->summary);
    fputs("\n.SH SYNOPSIS\n.B ", out);
    roff_text(out, path);
    fputc('\n', out);
    roff_text(out, words + strspn(words, " ")); /* a space in front would break the line */
    fputc('\n', out);
    if (cmd->description) {
        fputs(".SH DESCRIPTION\n", out);
        roff_text(out, cmd->description);
        fputc('\n', out);
    }
    if (cmd->subs)
        fputs(".SH COMMANDS\n", out);
    if (cmd == cli_root(NULL)) {
        for (size_t i = 0; cmd->subs[i]; i++)
            if (!cmd->subs[i]->hidden)
                roff_item(out, cmd->subs[i]->name, cmd->subs[i]->summary, "");
    } else if (cmd->subs) {
        man_commands(path, cmd, out);
    }
    man_options(cmd, out);
    if (cmd->examples) {
        fputs(".SH EXAMPLES\n", out);
        for (size_t i = 0; cmd->examples[i]; i++) {
            fputs(".nf\n", out);
            roff_text(out, cmd->examples[i]);
            fputs("\n.fi\n", out);
        }
    }
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < sizeof(exit_codes) / sizeof(exit_codes[0]); i++)
        roff_item(out, exit_codes[i].left, exit_codes[i].help, "");
}

/* ---- nearest name */

/* Edits that turn a into b; both at most 63 bytes, longer ones never match. */
static unsigned distance(const char *a, const char *b)
{
    unsigned before[64];
    unsigned now[64];
    size_t len_b = strlen(b);

    if (len_b >= 64 || strlen(a) >= 64)
        return 64;
    for (unsigned k = 0; k <= len_b; k++)
        before[k] = k;
    for (unsigned i = 1; a[i - 1]; i++) {
        now[0] = i;
        for (size_t k = 1; k <= len_b; k++) {
            unsigned best = before[k - 1] + (a[i - 1] != b[k - 1]);

            if (before[k] + 1 < best)
                best = before[k] + 1;
            if (now[k - 1] + 1 < best)
                best = now[k - 1] + 1;
            now[k] = best;
        }
        memcpy(before, now, sizeof(before));
    }
    return before[len_b];
}

const char *cli_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    unsigned best_distance = 64;

    for (; *words; words++) {
        unsigned d = distance(word, *words);
        size_t longer = strlen(word) > strlen(*words) ? strlen(word) : strlen(*words);

        if (d < best_distance && d * 10 <= longer * 4) {
            best = *words;
            best_distance = d;
        }
    }
    return best;
}
