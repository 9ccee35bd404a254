/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: the command `hf`. It knows users and terminals; of the library it knows the public header
 * alone.
 *
 * A command is a table: its options with the place their value goes to, its arguments, its help.
 * Parsing, help, man pages and completion read the same tables.
 */
#ifndef HF_CLI_CLI_H
#define HF_CLI_CLI_H

#include <hfhub/hfhub.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* ---- exit codes, all of them */

enum {
    CLI_EXIT_OK = 0,
    CLI_EXIT_ERROR = 1,         /* anything that failed, a refused prompt included */
    CLI_EXIT_USAGE = 2,         /* the command line is wrong */
    CLI_EXIT_NOT_FOUND = 127,   /* `hf serve` without an hf-serve */
    CLI_EXIT_INTERRUPTED = 130, /* Ctrl-C: 128 + SIGINT */
    CLI_EXIT_TERMINATED = 143   /* 128 + SIGTERM */
};

/* ---- option and command tables */

typedef enum cli_kind {
    CLI_FLAG = 1, /* --x                    : bool */
    CLI_BOOL,     /* --x / --no-x           : bool */
    CLI_TRI,      /* the same               : hf_choice, HF_UNSET when neither is given */
    CLI_STR,      /* --x TEXT               : const char * */
    CLI_STRS,     /* --x TEXT, repeatable   : cli_strs */
    CLI_UINT,     /* --x N, from 0          : cli_uint */
    CLI_RATE,     /* --x 10M, bytes a second: uint64_t, 0 when not given */
    CLI_CHOICE,   /* --x WORD of `choices`  : const char * */
    CLI_IGNORED,  /* --x, accepted for old scripts and without effect; not shown */
    CLI_IGNORED_VALUE
} cli_kind;

typedef struct cli_strs {
    const char **items;
    size_t n;
} cli_strs;

typedef struct cli_uint {
    bool given;
    unsigned long value;
} cli_uint;

typedef struct cli_opt {
    const char *name;  /* without dashes; NULL ends the table */
    const char *alias; /* another long name; NULL: none */
    char letter;       /* 0: none */
    cli_kind kind;
    size_t offset; /* of the destination in the command's arguments */
    const char *metavar;
    const char *help;
    const char *const *choices; /* NULL-terminated, for CLI_CHOICE */
} cli_opt;

/* clang-format off */
#define CLI_OPT_END { NULL, NULL, 0, CLI_FLAG, 0, NULL, NULL, NULL }
/* clang-format on */

typedef enum cli_arity { CLI_ONE = 1, CLI_OPTIONAL, CLI_MANY /* none or more */ } cli_arity;

typedef struct cli_arg {
    const char *name; /* as help shows it: "REPO_ID"; NULL ends the table */
    cli_arity arity;
    size_t offset; /* const char *, or cli_strs for CLI_MANY */
    const char *help;
} cli_arg;

/* clang-format off */
#define CLI_ARG_END { NULL, CLI_ONE, 0, NULL }
/* clang-format on */

typedef struct cli_cmd cli_cmd;
typedef struct cli_ctx cli_ctx;

struct cli_cmd {
    const char *name;
    const char *alias;       /* "ls" for "list"; NULL: none */
    const char *summary;     /* one line */
    const char *description; /* more; NULL: none */
    const cli_opt *opts;     /* NULL: none */
    const cli_arg *args;     /* NULL: none */
    size_t args_size;        /* of the struct that offsets point into; it starts zeroed */
    int (*run)(cli_ctx *ctx, void *args); /* exit code; NULL for a group */
    const cli_cmd *const *subs;           /* of a group, NULL-terminated */
    const char *const *examples;          /* NULL-terminated; NULL: none */
    unsigned
        repo_prefix; /* so many first arguments may be written "datasets/ns/name"; it has --type */
    bool pass_through; /* everything after the name belongs to another program */
    bool hidden;
};

/* ---- output (cli.md 2, 3) */

typedef enum cli_mode { CLI_HUMAN = 0, CLI_AGENT, CLI_JSON, CLI_QUIET } cli_mode;

typedef struct cli_pair {
    const char *key;
    const char *value; /* NULL: null */
} cli_pair;

struct cli_ctx {
    const char *program; /* "hf" or "huggingface-cli" */
    bool by_name;        /* it was found in PATH */
    const cli_cmd *cmd;  /* being run */
    char path[128];      /* "hf cache ls" */
    cli_mode mode;
    bool no_truncate;
    bool color_out; /* stdout takes escape codes */
    bool color_err;
    bool tty_out;
    bool tty_err;
    bool debug;
    hf_cancel *cancel;  /* raised by Ctrl-C */
    bool until_stopped; /* Ctrl-C is how this command is meant to end, so its exit code stands */
    bool line_open;     /* a progress line stands on the terminal; only with cli_err_lock() */
};

/* Data. `message` is for people and goes to stderr, so stdout holds the values alone. */
void cli_result(cli_ctx *ctx, const char *message, const cli_pair *pairs, size_t n_pairs);
/* The same; bit i of `raw`: pairs[i] is a number or a word of JSON, which has no quotes there. */
void cli_result_raw(cli_ctx *ctx, const char *message, const cli_pair *pairs, size_t n_pairs,
                    unsigned raw);
void cli_text(cli_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef struct cli_column {
    const char *key;   /* in json */
    const char *title; /* NULL: not shown in the human table */
    bool right;        /* numbers */
    bool number;       /* unquoted in json */
} cli_column;

/* cells[row * n_columns + column]; NULL is null. id_column goes to stdout in quiet mode. */
void cli_table(cli_ctx *ctx, const cli_column *columns, size_t n_columns, const char *const *cells,
               size_t n_rows, size_t id_column);

/* Messages, on stderr. */
void cli_warning(cli_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_hint(cli_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_log(cli_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_say(cli_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* in every mode, as it is */
int cli_error(cli_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* CLI_EXIT_ERROR */
int cli_usage_error(cli_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* CLI_EXIT_USAGE */

/* Says what went wrong with a call of the library, in the words users of the official command know
 * (cli.md 4). repo and path may be NULL. Returns the exit code. */
int cli_failed(cli_ctx *ctx, hf_status status, const hf_error *err, const hf_repo_ref *repo,
               const char *path);

void cli_json_string(FILE *out, const char *text);
/* "9.1K": divides by 1000 (cache.md 18). */
const char *cli_size(char out[24], uint64_t bytes);
/* "9.1 KB" for people (cli.md 15), else the number. */
const char *cli_bytes(char out[24], uint64_t bytes, bool human);
/* Ends a progress line, so that what follows starts on its own. */
void cli_line_close(cli_ctx *ctx);
/* Around what is one line on stderr, and around line_open. What is above takes the lock itself. */
void cli_err_lock(void);
void cli_err_unlock(void);

/* ---- text on a terminal (text.c) */

/* One character of UTF-8; bytes used, 0 when it is none. */
size_t cli_decode(const char *text, unsigned long *code);
/* How many columns a terminal gives it. */
size_t cli_columns(const char *text);
/* Writes what fits into `limit` columns; control characters and what is no UTF-8 become '?'.
 * Returns the columns written. */
size_t cli_put(FILE *out, const char *text, size_t limit);
/* The same, but what does not fit is cut off at the front and marked. */
size_t cli_put_end(FILE *out, const char *text, size_t limit);
size_t cli_screen_width(int fd);
/* Writes words, broken at `width`, later lines indented. `at` is the column reached so far. */
void cli_wrap(FILE *out, const char *text, size_t indent, size_t at, size_t width);

/* ---- progress */

typedef struct cli_progress {
    cli_ctx *ctx;
    bool bar;    /* a line that is rewritten; else plain lines */
    bool blocks; /* the terminal takes block characters */
    bool off;
    bool json;   /* one object a line */
    bool upload; /* its objects tell what was hashed and committed, too */
    uint64_t started_ms;
    uint64_t shown_ms;
    uint64_t bytes;      /* as last told */
    const char *subject; /* file or repo, borrowed */
} cli_progress;

void cli_progress_init(cli_progress *progress, cli_ctx *ctx, const char *subject);
/* Of --progress. "json": for programs, whatever the mode; NULL and others: nothing changes. */
void cli_progress_how(cli_progress *progress, const char *how);
extern const char *const cli_progress_hows[];
int cli_progress_show(const hf_progress *event, void *progress); /* an hf_progress_fn */
/* Takes the bar away; after success says how much came how fast. */
void cli_progress_end(cli_progress *progress, bool success);

/* ---- parsing, help */

const cli_cmd *cli_root(const cli_ctx *ctx);
int cli_run(cli_ctx *ctx, int argc, char **argv);
void cli_help(const cli_ctx *ctx, const cli_cmd *cmd, FILE *out);
void cli_man_page(const char *path, const cli_cmd *cmd, FILE *out);
bool cli_truthy(const char *value);
/* Digits and nothing else. */
bool cli_number(const char *text, unsigned long *out);
/* Words of the command in today's form, NULL-terminated, to be freed; NULL when out of memory
 * (legacy.c). */
const char **cli_legacy_words(const cli_ctx *ctx, const cli_cmd *cmd, char *const *argv, size_t n);
size_t cli_words_count(const char *const *words);
/* The most similar of words, NULL when none is close. words is NULL-terminated. */
const char *cli_nearest(const char *word, const char *const *words);

/* A signal asked to stop (main.c). */
bool cli_interrupted(void);

/* ---- questions at a terminal: 0, or the exit code of what was said (prompt.c) */

int cli_read_secret(cli_ctx *ctx, const char *question, char *out, size_t size);
int cli_choose(cli_ctx *ctx, const char *question, const char *const *choices, size_t *chosen);
/* Asks "… [y/N]" unless `yes`. True: go on. *code is what to exit with otherwise. */
bool cli_confirm(cli_ctx *ctx, const char *question, bool yes, int *code);
void cli_secret_wipe(char *text, size_t size);
void cli_secret_free(char *text); /* wipes, then hf_string_free() */

/* ---- files (file.c) */

/* A whole small file, '-' for standard input; to be freed. NULL after the error it printed. */
char *cli_read_file(cli_ctx *ctx, const char *path);

/* value NULL: there is no '='. */
typedef void cli_pair_fn(void *arg, const char *key, const char *value);

/* Lines of KEY=VALUE with quotes, comments and `export`, as files for a shell have them. Writes into
 * text. */
void cli_dotenv(char *text, cli_pair_fn *fn, void *arg);

/* ---- volumes of a space (volumes.c) */

typedef struct cli_volume_list {
    hf_space_volume *items;
    size_t n;
    char **texts; /* that the items point into, as into the URIs */
    hf_uri **uris;
} cli_volume_list;

/* Exit code; the list is to be freed in any case. */
int cli_volumes(cli_ctx *ctx, const cli_strs *texts, cli_volume_list *out);
void cli_volumes_free(cli_volume_list *list);

/* ---- accounts */

bool cli_env_token(void);
/* Gives a stored token to git's credential helpers, or makes them forget it (git.c). */
void cli_git_approve(cli_ctx *ctx, hf_client *client, const char *token_name);
bool cli_git_helpers(char *out, size_t size); /* their names, joined by commas; false: none */
void cli_git_reject(cli_ctx *ctx, hf_client *client);

/* ---- completion */

extern const char *const cli_formats[]; /* values of --format, NULL-terminated */

const char *cli_completion_script(const char *shell);    /* NULL for a shell we do not know */
int cli_complete(cli_ctx *ctx, const char *instruction); /* what _HF_COMPLETE asks for */
int cli_completion_show(cli_ctx *ctx);
int cli_completion_install(cli_ctx *ctx);

/* ---- shared by commands that talk to a Hub */

typedef struct cli_repo_arg {
    hf_repo_ref ref;
    char *path; /* from an hf:// URI; NULL: none */
    char *id;   /* owns what ref points to */
    char *revision;
} cli_repo_arg;

extern const char *const cli_repo_types[];     /* for CLI_CHOICE */
extern const char *const cli_repo_types_git[]; /* those that are managed: no kernels */

/* Understands REPO_ID, "hf://…" and the given --type and --revision (either may be NULL). 0, or the
 * exit code of the error it printed. */
int cli_repo_parse(cli_ctx *ctx, const char *text, const char *type, const char *revision,
                   cli_repo_arg *out);
void cli_repo_dispose(cli_repo_arg *repo);

/* What a command that asks a Hub about one repo, or about none, needs from start to end. */
typedef struct cli_call {
    cli_ctx *ctx;
    hf_client *client;
    cli_repo_arg repo;
    hf_call_opts opts; /* with the cancel token of Ctrl-C */
    hf_error err;
} cli_call;

/* id NULL: no repo. 0, or the exit code of the error it printed; cli_call_end() in any case. */
int cli_call_begin(cli_call *call, cli_ctx *ctx, const char *id, const char *type,
                   const char *revision, const char *token);
/* Says what went wrong, if anything did, and frees. The exit code; `code` when it is not 0. */
int cli_call_end(cli_call *call, int code, hf_status status);

/* 0, or the exit code of the error it printed. */
int cli_client(cli_ctx *ctx, const char *token, const char *cache_dir, hf_client **out);

#endif
