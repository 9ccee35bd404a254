/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion in bash, zsh and fish, from the tables that parse. The shell's script asks this
 * program at every TAB, by the protocol that the official command's scripts speak (cli.md 16):
 * _HF_COMPLETE=SHELL_complete with the line in COMP_WORDS and COMP_CWORD. So a line that is in
 * somebody's ~/.bashrc already goes on working.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 512

static const char bash_script[] =
    "_hf_completion()\n"
    "{\n"
    "    local kind value\n"
    "    COMPREPLY=()\n"
    "    while IFS=, read -r kind value; do\n"
    "        case $kind in\n"
    "        plain) COMPREPLY+=(\"$value\") ;;\n"
    "        dir) compopt -o dirnames 2>/dev/null ;;\n"
    "        file) compopt -o default 2>/dev/null ;;\n"
    "        esac\n"
    "    done < <(COMP_WORDS=\"${COMP_WORDS[*]}\" COMP_CWORD=$COMP_CWORD "
    "_HF_COMPLETE=bash_complete \"$1\" 2>/dev/null)\n"
    "}\n"
    "complete -F _hf_completion hf huggingface-cli\n";

static const char zsh_script[] =
    "#compdef hf huggingface-cli\n"
    "_hf_completion()\n"
    "{\n"
    "    local kind value help\n"
    "    local -a plain described\n"
    "    while IFS= read -r kind && IFS= read -r value && IFS= read -r help; do\n"
    "        case $kind in\n"
    "        plain)\n"
    "            if [[ $help == _ ]]; then plain+=(\"$value\")\n"
    "            else described+=(\"${value//:/\\\\:}:$help\"); fi ;;\n"
    "        dir) _path_files -/ ;;\n"
    "        file) _path_files ;;\n"
    "        esac\n"
    "    done < <(COMP_WORDS=\"${words[*]}\" COMP_CWORD=$((CURRENT - 1)) "
    "_HF_COMPLETE=zsh_complete \"${words[1]}\" 2>/dev/null)\n"
    "    (( $#described )) && _describe -V hf described\n"
    "    (( $#plain )) && compadd -a plain\n"
    "}\n"
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _hf_completion \"$@\"\n"
    "else compdef _hf_completion hf huggingface-cli; fi\n";

static const char fish_script[] =
    "function __hf_completion\n"
    "    for line in (env _HF_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) "
    "COMP_CWORD=(commandline -ct) hf 2>/dev/null)\n"
    "        set -l part (string split -m 1 , -- $line)\n"
    "        switch $part[1]\n"
    "            case plain\n"
    "                echo $part[2]\n"
    "            case dir\n"
    "                __fish_complete_directories (commandline -ct)\n"
    "            case file\n"
    "                __fish_complete_path (commandline -ct)\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c hf -f -a '(__hf_completion)'\n"
    "complete -c huggingface-cli -f -a '(__hf_completion)'\n";

const char *cli_completion_script(const char *shell)
{
    return strcmp(shell, "bash") == 0   ? bash_script
           : strcmp(shell, "zsh") == 0  ? zsh_script
           : strcmp(shell, "fish") == 0 ? fish_script
                                        : NULL;
}

/* ---- the line so far */

typedef struct line {
    char *text; /* owns what words point into */
    const char *words[MAX_WORDS];
    size_t n;
    const char *partial; /* the word that is being typed */
    char shell;          /* 'b', 'z', 'f' */
} line;

/* Splits as a shell does: quotes and backslashes. A quote that is still open ends with the line. */
static void split(line *l)
{
    char *from = l->text;
    char *to = l->text;

    while (*from && l->n < MAX_WORDS - 1) {
        char quote = '\0';

        from += strspn(from, " \t\n");
        if (!*from)
            break;
        l->words[l->n++] = to;
        for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
            if (*from == '\\' && from[1] && quote != '\'')
                *to++ = *++from;
            else if (quote ? *from == quote : (*from == '"' || *from == '\''))
                quote = quote ? '\0' : *from;
            else
                *to++ = *from;
        }
        from += *from != '\0';
        *to++ = '\0';
    }
}

static bool line_read(line *l, const char *instruction)
{
    const char *text = getenv("COMP_WORDS");
    const char *at = getenv("COMP_CWORD");
    size_t size = text ? strlen(text) + 2 : 0;

    if (!text || !at)
        return false;
    l->text = calloc(1, size);
    if (!l->text)
        return false;
    memcpy(l->text, text, size - 2);
    split(l);
    l->shell = instruction[0];
    l->partial = "";
    if (l->shell == 'f') { /* fish tells the word itself */
        if (*at && l->n && strcmp(l->words[l->n - 1], at) == 0)
            l->n--;
        l->partial = at;
    } else {
        unsigned long index;

        if (cli_number(at, &index) && index < l->n) {
            l->partial = l->words[index];
            l->n = index;
        }
    }
    return true;
}

/* ---- offers */

static void offer(const line *l, const char *kind, const char *value, const char *help)
{
    switch (l->shell) {
    case 'z':
        printf("%s\n%s\n%s\n", kind, value, help && *help ? help : "_");
        break;
    case 'f':
        printf("%s,%s%s%s\n", kind, value, help && *help ? "\t" : "", help ? help : "");
        break;
    default:
        printf("%s,%s\n", kind, value);
        break;
    }
}

/* bash takes '=' for the end of a word, the others want "--name=value" back. */
static void offer_value(const line *l, const char *start, const char *value)
{
    const char *equals = l->shell != 'b' && l->partial[0] == '-' ? strchr(l->partial, '=') : NULL;
    char text[256];

    if (strncmp(value, start, strlen(start)) != 0)
        return;
    snprintf(text, sizeof(text), "%.*s%s", equals ? (int)(equals - l->partial + 1) : 0, l->partial,
             value);
    offer(l, "plain", text, NULL);
}

static void offer_words(const line *l, const char *start, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        offer_value(l, start, words[i]);
}

static bool is_place(const char *name, const char *kind)
{
    size_t len = name ? strlen(name) : 0;
    size_t end = strlen(kind);

    return len >= end && strcmp(name + len - end, kind) == 0;
}

/* By what help calls it: DIR, LOCAL_DIR, FILE, PATH; or "bash|zsh|fish", its values. */
static void offer_by_name(const line *l, const char *name, const char *start)
{
    if (is_place(name, "DIR")) {
        offer(l, "dir", start, NULL);
    } else if (is_place(name, "FILE") || is_place(name, "PATH")) {
        offer(l, "file", start, NULL);
    } else if (name && strchr(name, '|')) {
        while (*name) {
            size_t len = strcspn(name, "|");
            char word[64];

            snprintf(word, sizeof(word), "%.*s", (int)len, name);
            offer_value(l, start, word);
            name += len + (name[len] == '|');
        }
    }
}

static void offer_option(const line *l, const char *dashes, const char *name, const char *help)
{
    char text[96];

    snprintf(text, sizeof(text), "%s%s", dashes, name);
    if (strncmp(text, l->partial, strlen(l->partial)) == 0)
        offer(l, "plain", text, help);
}

static void offer_options(const line *l, const cli_cmd *cmd)
{
    static const char *const formatting[] = { "format", "json", "quiet", "no-truncate" };

    for (const cli_opt *opt = cmd->opts; opt && opt->name; opt++) {
        if (opt->kind == CLI_IGNORED || opt->kind == CLI_IGNORED_VALUE)
            continue;
        offer_option(l, "--", opt->name, opt->help);
        if (opt->alias)
            offer_option(l, "--", opt->alias, opt->help);
        if (opt->kind == CLI_BOOL || opt->kind == CLI_TRI)
            offer_option(l, "--no-", opt->name, opt->help);
    }
    for (size_t i = 0; !cmd->subs && i < sizeof(formatting) / sizeof(formatting[0]); i++)
        offer_option(l, "--", formatting[i], NULL);
    offer_option(l, "--", "help", NULL);
}

static void offer_commands(const line *l, const cli_cmd *group)
{
    for (size_t i = 0; group->subs[i]; i++)
        if (!group->subs[i]->hidden)
            offer_option(l, "", group->subs[i]->name, group->subs[i]->summary);
}

/* ---- where in the grammar the line stands */

static const cli_opt format_opt = { "format", NULL, 0, CLI_CHOICE, 0, "WORD", "", cli_formats };

/* The option that a word names and that still wants a value; NULL when it is none. */
static const cli_opt *wants_value(const cli_cmd *cmd, const char *word, size_t len)
{
    if (len == 8 && strncmp(word, "--format", 8) == 0)
        return &format_opt;
    for (const cli_opt *opt = cmd->opts; opt && opt->name; opt++) {
        if (opt->kind == CLI_FLAG || opt->kind == CLI_BOOL || opt->kind == CLI_TRI ||
            opt->kind == CLI_IGNORED)
            continue;
        if (len == 2 && word[0] == '-' && word[1] == opt->letter && opt->letter)
            return opt;
        if (len > 2 && word[0] == '-' && word[1] == '-' &&
            ((strlen(opt->name) == len - 2 && strncmp(opt->name, word + 2, len - 2) == 0) ||
             (opt->alias && strlen(opt->alias) == len - 2 &&
              strncmp(opt->alias, word + 2, len - 2) == 0)))
            return opt;
    }
    return NULL;
}

static void offer_value_of(const line *l, const cli_opt *opt, const char *start)
{
    if (opt->choices)
        offer_words(l, start, opt->choices);
    else
        offer_by_name(l, opt->metavar, start);
}

static const cli_cmd *sub_of(const cli_cmd *group, const char *word)
{
    for (size_t i = 0; group->subs && group->subs[i]; i++)
        if (strcmp(group->subs[i]->name, word) == 0 ||
            (group->subs[i]->alias && strcmp(group->subs[i]->alias, word) == 0))
            return group->subs[i];
    return NULL;
}

static void offer_positional(const line *l, const cli_cmd *cmd, size_t n_before)
{
    const cli_arg *arg = cmd->args;

    if (cmd->pass_through) {
        offer(l, "file", l->partial, NULL);
        return;
    }
    while (arg && arg->name && arg->arity != CLI_MANY && n_before > 0) {
        arg++;
        n_before--;
    }
    if (arg && arg->name)
        offer_by_name(l, arg->name, l->partial);
}

static void complete(line *l, const cli_cmd *cmd)
{
    const cli_opt *open = NULL; /* the option whose value comes next */
    size_t n_loose = 0;

    for (size_t i = 1; i < l->n; i++) {
        const char *word = l->words[i];

        if (cmd->subs) {
            const cli_cmd *sub = sub_of(cmd, word);

            cmd = sub ? sub : cmd;
        } else if (strcmp(word, "=") == 0 && open) {
            continue;
        } else if (open) {
            open = NULL;
        } else if (word[0] == '-' && word[1]) {
            open = wants_value(cmd, word, strlen(word));
        } else {
            n_loose++;
        }
    }
    if (open) {
        offer_value_of(l, open, strcmp(l->partial, "=") == 0 ? "" : l->partial);
    } else if (l->partial[0] == '-' && strchr(l->partial, '=')) {
        size_t len = strcspn(l->partial, "=");
        const cli_opt *opt = wants_value(cmd, l->partial, len);

        if (opt)
            offer_value_of(l, opt, l->partial + len + 1);
    } else if (l->partial[0] == '-') {
        offer_options(l, cmd);
    } else if (cmd->subs) {
        offer_commands(l, cmd);
    } else {
        offer_positional(l, cmd, n_loose);
    }
}

int cli_complete(cli_ctx *ctx, const char *instruction)
{
    line l = { 0 };
    char shell[16];
    const char *script;

    snprintf(shell, sizeof(shell), "%.*s", (int)strcspn(instruction, "_"), instruction);
    script = cli_completion_script(shell);
    if (!script)
        return CLI_EXIT_ERROR;
    if (strcmp(instruction + strlen(shell), "_source") == 0) {
        fputs(script, stdout);
        return CLI_EXIT_OK;
    }
    if (strcmp(instruction + strlen(shell), "_complete") != 0 || !line_read(&l, instruction))
        return CLI_EXIT_ERROR;
    complete(&l, cli_root(ctx));
    free(l.text);
    return CLI_EXIT_OK;
}
