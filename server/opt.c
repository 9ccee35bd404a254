/* SPDX-License-Identifier: Apache-2.0 */
#include "opt.h"

#include "core/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const srv_opt common[] = {
    { "data", SRV_OPT_TEXT, 0, "DIR", "folder that holds everything (default: " SRV_DATA_DIR ")",
      NULL },
    { "help", SRV_OPT_FLAG, 0, NULL, "print this and exit", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

int srv_complain(int code, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    char *at;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    hf__text_defuse(text);
    for (at = text; *at; at++) /* one complaint is one line, whatever name is in it */
        if (*at == '\n')
            *at = '?';
    fprintf(stderr, "hf-serve: %s\n", text);
    return code;
}

static void print_opts(const srv_opt *opt)
{
    char left[80];

    for (; opt && opt->kind != SRV_OPT_END; opt++) {
        (void)snprintf(left, sizeof left, "--%s%s%s%s", opt->name,
                       opt->kind == SRV_OPT_CHOICE ? "[=" : (opt->arg ? " " : ""),
                       opt->arg ? opt->arg : "", opt->kind == SRV_OPT_CHOICE ? "]" : "");
        printf("  %-26s %s\n", left, opt->help);
    }
}

static int print_help(const srv_cmd *cmd)
{
    printf("usage: hf-serve %s%s%s [OPTION...]\n\n%s.\n\noptions:\n", cmd->name,
           cmd->usage && *cmd->usage ? " " : "", cmd->usage ? cmd->usage : "", cmd->summary);
    print_opts(cmd->opts);
    print_opts(common);
    if (cmd->details)
        printf("\n%s\n", cmd->details);
    return SRV_EXIT_OK;
}

static const srv_opt *find_opt(const srv_opt *opt, hf__str name)
{
    for (; opt && opt->kind != SRV_OPT_END; opt++)
        if (hf__str_eq(name, hf__str_from(opt->name)))
            return opt;
    return NULL;
}

/* What parsing has come to. */
typedef struct parse {
    const srv_cmd *cmd;
    unsigned char *args; /* the command's struct */
    const char *data_dir;
    bool help;
    char **words;
    int n_words;
    int at;
    int argc;
    char **argv;
} parse;

static int store(parse *p, const srv_opt *opt, const char *value)
{
    unsigned char *slot = p->args + opt->offset;
    bool yes = true;
    uint64_t number;

    switch (opt->kind) {
    case SRV_OPT_FLAG:
        memcpy(slot, &yes, sizeof yes);
        return SRV_EXIT_OK;
    case SRV_OPT_NUMBER:
        if (!hf__str_to_u64(hf__str_from(value), &number))
            return srv_complain(SRV_EXIT_USAGE, "--%s wants a number, not '%s'", opt->name, value);
        memcpy(slot, &number, sizeof number);
        return SRV_EXIT_OK;
    default:
        memcpy(slot, &value, sizeof value);
        return SRV_EXIT_OK;
    }
}

static int take_option(parse *p, const char *word)
{
    hf__str rest;
    hf__str name = hf__str_cut(hf__str_from(word + 2), '=', &rest);
    const srv_opt *opt = find_opt(p->cmd->opts, name);
    bool shared = !opt;
    const char *value = rest.ptr;

    if (shared)
        opt = find_opt(common, name);
    if (!opt)
        return srv_complain(SRV_EXIT_USAGE, "unknown option '%s', see hf-serve %s --help", word,
                            p->cmd->name);
    if (opt->kind == SRV_OPT_FLAG && value)
        return srv_complain(SRV_EXIT_USAGE, "--%s takes no value", opt->name);
    if (opt->kind == SRV_OPT_CHOICE && !value)
        value = opt->fallback;
    if ((opt->kind == SRV_OPT_TEXT || opt->kind == SRV_OPT_NUMBER) && !value) {
        if (p->at >= p->argc)
            return srv_complain(SRV_EXIT_USAGE, "--%s wants a value", opt->name);
        value = p->argv[p->at++];
    }
    if (!shared)
        return store(p, opt, value);
    if (opt->kind == SRV_OPT_FLAG)
        p->help = true;
    else
        p->data_dir = value;
    return SRV_EXIT_OK;
}

static int parse_words(parse *p)
{
    bool options = true;
    int code;

    while (p->at < p->argc) {
        char *word = p->argv[p->at++];

        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && strcmp(word, "-h") == 0) {
            p->help = true;
        } else if (options && word[0] == '-' && word[1] == '-') {
            code = take_option(p, word);
            if (code != SRV_EXIT_OK)
                return code;
        } else if (options && word[0] == '-' && word[1] != '\0') {
            return srv_complain(SRV_EXIT_USAGE, "unknown option '%s', see hf-serve %s --help", word,
                                p->cmd->name);
        } else {
            p->words[p->n_words++] = word;
        }
    }
    return SRV_EXIT_OK;
}

static int run_parsed(parse *p)
{
    const srv_cmd *cmd = p->cmd;

    if (p->help)
        return print_help(cmd);
    if (p->n_words < cmd->min_words)
        return srv_complain(SRV_EXIT_USAGE, "too few arguments, usage: hf-serve %s %s", cmd->name,
                            cmd->usage ? cmd->usage : "");
    if (p->n_words > cmd->max_words)
        return srv_complain(SRV_EXIT_USAGE, "unexpected argument '%s', see hf-serve %s --help",
                            p->words[cmd->max_words], cmd->name);
    if (p->data_dir[0] == '\0')
        return srv_complain(SRV_EXIT_USAGE, "--data wants a folder");
    return cmd->run(p->data_dir, p->args, p->n_words, p->words);
}

int srv_opt_run(const srv_cmd *cmd, int argc, char **argv)
{
    parse p = { 0 };
    int code;

    p.cmd = cmd;
    p.argc = argc;
    p.argv = argv;
    p.data_dir = SRV_DATA_DIR;
    p.args = calloc(1, cmd->args_size ? cmd->args_size : 1);
    p.words = calloc((size_t)argc + 1, sizeof *p.words);
    if (p.args && p.words) {
        code = parse_words(&p);
        if (code == SRV_EXIT_OK)
            code = run_parsed(&p);
    } else {
        code = srv_complain(SRV_EXIT_FAIL, "out of memory");
    }
    free(p.args);
    free(p.words);
    return code;
}
