/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From argv to a filled argument struct (cli.md 1): finds the command, takes out the formatting
 * options, which stand anywhere, and reads options and arguments by the command's tables.
 */
#include "cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    cli_ctx *ctx;
    const cli_cmd *cmd;
    char *args;         /* the command's struct */
    const char **words; /* what is left to read */
    size_t n_words;
    size_t at;
    const char **loose; /* positionals in order */
    size_t n_loose;
    bool type_given;
    bool wants_help;
} parser;

bool cli_truthy(const char *value)
{
    static const char *const words[] = { "1", "on", "yes", "true" };

    for (size_t i = 0; value && i < sizeof(words) / sizeof(words[0]); i++) {
        size_t k = 0;

        while (value[k] && (value[k] | 0x20) == (words[i][k] | 0x20))
            k++;
        if (!value[k] && !words[i][k])
            return true;
    }
    return false;
}

bool cli_number(const char *text, unsigned long *out)
{
    unsigned long value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned long digit = (unsigned char)*text - (unsigned long)'0';

        if (digit > 9 || value > (ULONG_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* "500K", "10M", "1.5G": bytes per second, in steps of 1000 as sizes are shown. */
static bool parse_rate(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    uint64_t unit = 1000; /* three digits after the point are kept */
    bool digits = false;

    for (; *text >= '0' && *text <= '9' && value < 1000000000000; text++, digits = true)
        value = value * 10 + (uint64_t)(*text - '0');
    value *= 1000;
    for (text += *text == '.'; *text >= '0' && *text <= '9' && unit > 1; text++, digits = true)
        value += (uint64_t)(*text - '0') * (unit /= 10);
    for (const char *units = "KMGT"; digits && *text && *units; units++) {
        value *= 1000;
        if ((*text & ~0x20) != *units)
            continue;
        text++;
        break;
    }
    *out = value / 1000;
    return digits && !*text && *out > 0;
}

/* ---- formatting options (cli.md 1.1) */

typedef struct formatting {
    const char *mode_word; /* as typed, to name a clash */
    cli_mode mode;
    bool no_truncate;
} formatting;

const char *const cli_formats[] = { "auto", "human", "agent", "json", "quiet", NULL };

static int mode_parse(cli_ctx *ctx, const char *word, cli_mode *mode)
{
    static const struct {
        const char *name;
        cli_mode mode;
    } modes[] = {
        { "human", CLI_HUMAN }, { "agent", CLI_AGENT }, { "json", CLI_JSON }, { "quiet", CLI_QUIET }
    };

    if (strcmp(word, "auto") == 0) {
        *mode = ctx->mode;
        return CLI_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(word, modes[i].name) == 0) {
            *mode = modes[i].mode;
            return CLI_EXIT_OK;
        }
    }
    return cli_usage_error(
        ctx, "Invalid value for '--format': '%s'. Valid values: agent, auto, human, json, quiet.",
        word);
}

/* Is words[i] a formatting option? *used tells how many words it takes. */
static int formatting_take(cli_ctx *ctx, const char *const *words, size_t n, size_t i,
                           formatting *out, size_t *used)
{
    const char *word = words[i];
    const char *value = NULL;
    cli_mode mode = CLI_HUMAN;
    int code;

    *used = 0;
    if (strcmp(word, "--no-truncate") == 0) {
        out->no_truncate = true;
        *used = 1;
        return CLI_EXIT_OK;
    }
    if (strcmp(word, "--json") == 0 || strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0) {
        value = word[2] == 'j' ? "json" : "quiet";
        *used = 1;
    } else if (strncmp(word, "--format=", 9) == 0) {
        value = word + 9;
        *used = 1;
    } else if (strcmp(word, "--format") == 0) {
        if (i + 1 >= n)
            return cli_usage_error(ctx, "Option '--format' requires an argument.");
        value = words[i + 1];
        *used = 2;
    } else {
        return CLI_EXIT_OK;
    }
    if (out->mode_word)
        return cli_usage_error(ctx, "'%s' and '%s' are mutually exclusive.", out->mode_word, word);
    code = mode_parse(ctx, value, &mode);
    if (code == CLI_EXIT_OK) {
        out->mode_word = word;
        out->mode = mode;
    }
    return code;
}

static int formatting_strip(parser *p)
{
    formatting found = { NULL, p->ctx->mode, false };
    size_t kept = 0;
    size_t i = 0;

    while (i < p->n_words && strcmp(p->words[i], "--") != 0) {
        size_t used;
        int code = formatting_take(p->ctx, p->words, p->n_words, i, &found, &used);

        if (code != CLI_EXIT_OK)
            return code;
        if (used == 0)
            p->words[kept++] = p->words[i++];
        i += used;
    }
    while (i < p->n_words)
        p->words[kept++] = p->words[i++];
    p->n_words = kept;
    p->ctx->mode = found.mode;
    p->ctx->no_truncate = found.no_truncate;
    return CLI_EXIT_OK;
}

/* ---- one option */

static bool takes_value(cli_kind kind)
{
    return kind != CLI_FLAG && kind != CLI_BOOL && kind != CLI_TRI && kind != CLI_IGNORED;
}

static int bad_choice(parser *p, const cli_opt *opt, const char *value)
{
    char list[512] = "";

    for (size_t i = 0; opt->choices[i]; i++) {
        size_t len = strlen(list);

        snprintf(list + len, sizeof(list) - len, "%s'%s'", i ? ", " : "", opt->choices[i]);
    }
    return cli_usage_error(p->ctx, "Invalid value for '--%s': '%s' is not one of %s.", opt->name,
                           value, list);
}

static int opt_store(parser *p, const cli_opt *opt, const char *value, bool negated)
{
    void *place = p->args + opt->offset;

    switch (opt->kind) {
    case CLI_FLAG:
    case CLI_BOOL:
        *(bool *)place = !negated;
        return CLI_EXIT_OK;
    case CLI_TRI:
        *(hf_choice *)place = negated ? HF_NO : HF_YES;
        return CLI_EXIT_OK;
    case CLI_STR:
        *(const char **)place = value;
        return CLI_EXIT_OK;
    case CLI_CHOICE:
        for (size_t i = 0; opt->choices[i]; i++) {
            if (strcmp(opt->choices[i], value) == 0) {
                *(const char **)place = value;
                return CLI_EXIT_OK;
            }
        }
        return bad_choice(p, opt, value);
    case CLI_STRS: {
        cli_strs *list = place;

        if (!list->items) {
            list->items = calloc(p->n_words + 1, sizeof(*list->items));
            if (!list->items)
                return cli_error(p->ctx, "out of memory");
        }
        list->items[list->n++] = value;
        return CLI_EXIT_OK;
    }
    case CLI_UINT: {
        cli_uint *number = place;

        if (!cli_number(value, &number->value))
            return cli_usage_error(p->ctx, "Invalid value for '--%s': '%s' is not a valid integer.",
                                   opt->name, value);
        number->given = true;
        return CLI_EXIT_OK;
    }
    case CLI_RATE:
        if (parse_rate(value, place))
            return CLI_EXIT_OK;
        return cli_usage_error(p->ctx,
                               "Invalid value for '--%s': '%s' is no number of bytes per second "
                               "such as 500K or 10M.",
                               opt->name, value);
    case CLI_IGNORED:
    case CLI_IGNORED_VALUE:
        return CLI_EXIT_OK;
    }
    return CLI_EXIT_OK;
}

static int unknown_option(parser *p, const char *word)
{
    const char *names[64];
    char shown[128];
    size_t n = 0;
    const char *near;

    for (const cli_opt *opt = p->cmd->opts; opt && opt->name && n + 3 < 64; opt++) {
        names[n++] = opt->name;
        if (opt->alias)
            names[n++] = opt->alias;
    }
    names[n++] = "help";
    names[n] = NULL;
    snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(word, "="), word);
    near = word[0] == '-' && word[1] == '-' ? cli_nearest(shown + 2, names) : NULL;
    if (near)
        return cli_usage_error(p->ctx, "No such option '%s'. Did you mean '--%s'?", shown, near);
    return cli_usage_error(p->ctx, "No such option '%s'.", shown);
}

static const cli_opt *opt_by_name(const cli_cmd *cmd, const char *name, size_t len, bool *negated)
{
    for (const cli_opt *opt = cmd->opts; opt && opt->name; opt++) {
        const char *names[] = { opt->name, opt->alias };

        for (size_t i = 0; i < 2; i++) {
            if (!names[i])
                continue;
            *negated = false;
            if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
                return opt;
            *negated = (opt->kind == CLI_BOOL || opt->kind == CLI_TRI) && len > 3 &&
                       strncmp(name, "no-", 3) == 0;
            if (*negated && strlen(names[i]) == len - 3 &&
                strncmp(names[i], name + 3, len - 3) == 0)
                return opt;
        }
    }
    return NULL;
}

static int parse_long(parser *p, const char *word)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    bool negated = false;
    const cli_opt *opt;

    if (len == 4 && strncmp(name, "help", 4) == 0) {
        p->wants_help = true;
        return CLI_EXIT_OK;
    }
    opt = opt_by_name(p->cmd, name, len, &negated);
    if (!opt)
        return unknown_option(p, word);
    if (!takes_value(opt->kind)) {
        if (value)
            return cli_usage_error(p->ctx, "Option '--%.*s' does not take a value.", (int)len,
                                   name);
    } else if (!value) {
        if (p->at >= p->n_words)
            return cli_usage_error(p->ctx, "Option '--%.*s' requires an argument.", (int)len, name);
        value = p->words[p->at++];
    }
    if (strcmp(opt->name, "type") == 0)
        p->type_given = true;
    return opt_store(p, opt, value, negated);
}

static int parse_short(parser *p, const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        const cli_opt *opt = p->cmd->opts;
        const char *value = NULL;
        int code;

        while (opt && opt->name && opt->letter != *c)
            opt++;
        if (*c == 'h' && (!opt || !opt->name)) { /* some commands have an -h of their own */
            p->wants_help = true;
            continue;
        }
        if (!opt || !opt->name)
            return unknown_option(p, word);
        if (takes_value(opt->kind)) {
            value = c[1] ? c + 1 : p->at < p->n_words ? p->words[p->at++] : NULL;
            if (!value)
                return cli_usage_error(p->ctx, "Option '-%c' requires an argument.", *c);
        }
        code = opt_store(p, opt, value, false);
        if (code != CLI_EXIT_OK || value)
            return code;
    }
    return CLI_EXIT_OK;
}

/* ---- positionals */

static const struct {
    const char *prefix;
    const char *type;
} repo_prefixes[] = { { "models/", "model" },
                      { "datasets/", "dataset" },
                      { "spaces/", "space" },
                      { "kernels/", "kernel" } };

/* Which prefix a repo id of exactly three parts has; -1: none. */
static int prefix_of(const char *id)
{
    const char *slash = strchr(id, '/');
    const char *second = slash ? strchr(slash + 1, '/') : NULL;

    if (!second || strchr(second + 1, '/'))
        return -1;
    for (size_t i = 0; i < sizeof(repo_prefixes) / sizeof(repo_prefixes[0]); i++)
        if (strncmp(id, repo_prefixes[i].prefix, strlen(repo_prefixes[i].prefix)) == 0)
            return (int)i;
    return -1;
}

/* "datasets/ns/name" is "ns/name --type dataset" (cli.md 1.2). */
static int apply_repo_prefix(parser *p)
{
    bool negated;
    const cli_opt *type = opt_by_name(p->cmd, "type", 4, &negated);
    int seen = -1;

    for (size_t i = 0; type && i < p->cmd->repo_prefix && i < p->n_loose; i++) {
        int found = prefix_of(p->loose[i]);

        if (found < 0)
            continue;
        if (p->type_given)
            return cli_usage_error(p->ctx,
                                   "Ambiguous repo type: got prefix '%s' in repo ID and explicit "
                                   "--type. Use one or the other.",
                                   repo_prefixes[found].prefix);
        if (seen >= 0 && seen != found)
            return cli_usage_error(p->ctx, "Conflicting repo type prefixes: '%s' and '%s'.",
                                   repo_prefixes[seen].prefix, repo_prefixes[found].prefix);
        p->loose[i] += strlen(repo_prefixes[found].prefix);
        seen = found;
    }
    return seen >= 0 ? opt_store(p, type, repo_prefixes[seen].type, false) : CLI_EXIT_OK;
}

static int fill_positionals(parser *p)
{
    size_t at = 0;
    int code = apply_repo_prefix(p);

    for (const cli_arg *arg = p->cmd->args; code == CLI_EXIT_OK && arg && arg->name; arg++) {
        void *place = p->args + arg->offset;

        if (arg->arity == CLI_MANY) {
            cli_strs *list = place;

            list->items = p->loose + at;
            list->n = p->n_loose - at;
            at = p->n_loose;
        } else if (at < p->n_loose) {
            *(const char **)place = p->loose[at++];
        } else if (arg->arity == CLI_ONE) {
            return cli_usage_error(p->ctx, "Missing argument '%s'.", arg->name);
        }
    }
    if (code == CLI_EXIT_OK && at < p->n_loose)
        return cli_usage_error(p->ctx, "Got unexpected extra argument '%s'.", p->loose[at]);
    return code;
}

static int parse_words(parser *p)
{
    bool only_loose = false;

    while (p->at < p->n_words) {
        const char *word = p->words[p->at++];
        int code = CLI_EXIT_OK;

        if (only_loose || word[0] != '-' || !word[1])
            p->loose[p->n_loose++] = word;
        else if (strcmp(word, "--") == 0)
            only_loose = true;
        else
            code = word[1] == '-' ? parse_long(p, word) : parse_short(p, word);
        if (code != CLI_EXIT_OK)
            return code;
    }
    return CLI_EXIT_OK;
}

static void free_lists(const cli_cmd *cmd, char *args)
{
    for (const cli_opt *opt = cmd->opts; opt && opt->name; opt++)
        if (opt->kind == CLI_STRS)
            free(((cli_strs *)(void *)(args + opt->offset))->items);
}

static bool needs_arguments(const cli_cmd *cmd)
{
    return cmd->args && cmd->args[0].name && cmd->args[0].arity == CLI_ONE;
}

static int run_leaf(cli_ctx *ctx, const cli_cmd *cmd, const char **words, size_t n_words)
{
    parser p = { .ctx = ctx, .cmd = cmd, .words = words, .n_words = n_words };
    int code = CLI_EXIT_ERROR;

    ctx->cmd = cmd;
    if (n_words == 0 && needs_arguments(cmd)) {
        cli_help(ctx, cmd, stdout);
        return CLI_EXIT_OK;
    }
    p.args = calloc(1, cmd->args_size ? cmd->args_size : 1);
    p.loose = calloc(n_words + 1, sizeof(*p.loose));
    if (!p.args || !p.loose) {
        cli_error(ctx, "out of memory");
        goto done;
    }
    if (cmd->pass_through) {
        memcpy(p.loose, words, n_words * sizeof(*words));
        p.n_loose = n_words;
        code = CLI_EXIT_OK;
    } else {
        code = formatting_strip(&p);
        if (code == CLI_EXIT_OK)
            code = parse_words(&p);
    }
    if (code == CLI_EXIT_OK && p.wants_help) {
        cli_help(ctx, cmd, stdout);
        goto done;
    }
    if (code == CLI_EXIT_OK)
        code = fill_positionals(&p);
    if (code == CLI_EXIT_OK)
        code = cmd->run(ctx, p.args);
done:
    if (p.args)
        free_lists(cmd, p.args);
    free(p.args);
    free(p.loose);
    return code;
}

/* ---- finding the command */

static const cli_cmd *sub_find(const cli_cmd *group, const char *word)
{
    for (size_t i = 0; group->subs[i]; i++) {
        const cli_cmd *sub = group->subs[i];

        if (strcmp(sub->name, word) == 0 || (sub->alias && strcmp(sub->alias, word) == 0))
            return sub;
    }
    return NULL;
}

static int unknown_command(cli_ctx *ctx, const cli_cmd *group, const char *word)
{
    const char *names[64];
    const char *near;
    size_t n = 0;

    for (size_t i = 0; group->subs[i] && n + 2 < 64; i++)
        if (!group->subs[i]->hidden)
            names[n++] = group->subs[i]->name;
    names[n] = NULL;
    if (word[0] == '-')
        return cli_usage_error(ctx, "No such option '%s'.", word);
    near = cli_nearest(word, names);
    if (near)
        return cli_usage_error(ctx, "No such command '%s'. Did you mean '%s'?", word, near);
    return cli_usage_error(ctx, "No such command '%s'.", word);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int cli_run(cli_ctx *ctx, int argc, char **argv)
{
    const cli_cmd *cmd = cli_root(ctx);
    int at = 1;
    const char **words;
    int code;

    snprintf(ctx->path, sizeof(ctx->path), "%s", ctx->program);
    ctx->cmd = cmd;
    while (cmd->subs) {
        const cli_cmd *sub;

        if (at >= argc) {
            cli_help(ctx, cmd, stderr);
            return CLI_EXIT_USAGE;
        }
        if (is_help(argv[at])) {
            cli_help(ctx, cmd, stdout);
            return CLI_EXIT_OK;
        }
        if (at == 1 && strcmp(argv[at], "--show-completion") == 0)
            return cli_completion_show(ctx);
        if (at == 1 && strcmp(argv[at], "--install-completion") == 0)
            return cli_completion_install(ctx);
        if (at == 1 && (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-v") == 0)) {
            puts(hf_version());
            return CLI_EXIT_OK;
        }
        sub = sub_find(cmd, argv[at]);
        if (!sub)
            return unknown_command(ctx, cmd, argv[at]);
        snprintf(ctx->path + strlen(ctx->path), sizeof(ctx->path) - strlen(ctx->path), " %s",
                 argv[at]);
        cmd = sub;
        ctx->cmd = cmd;
        at++;
    }
    words = cli_legacy_words(ctx, cmd, argv + at, (size_t)(argc - at));
    if (!words)
        return cli_error(ctx, "out of memory");
    code = run_leaf(ctx, cmd, words, cli_words_count(words));
    free(words);
    return code;
}
