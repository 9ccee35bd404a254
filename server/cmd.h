/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of hf-serve: one const srv_cmd per command, whose tables hold syntax and destination, so
 * that parsing and help need nothing else.
 */
#ifndef SRV_CMD_H
#define SRV_CMD_H

#include "core/error.h"

#define SRV_EXIT_OK    0
#define SRV_EXIT_FAIL  1
#define SRV_EXIT_USAGE 2

typedef enum srv_opt_kind {
    SRV_OPT_END = 0,
    SRV_OPT_FLAG,   /* bool */
    SRV_OPT_TEXT,   /* const char * */
    SRV_OPT_NUMBER, /* uint64_t, plain digits */
    SRV_OPT_CHOICE  /* const char *, --name alone stores arg's default: see `fallback` */
} srv_opt_kind;

typedef struct srv_opt {
    const char *name; /* without "--" */
    srv_opt_kind kind;
    size_t offset;   /* in the args struct of the command */
    const char *arg; /* what the help calls its value; NULL for flags */
    const char *help;
    const char *fallback; /* SRV_OPT_CHOICE: value of "--name" without "=value" */
} srv_opt;

typedef struct srv_cmd {
    const char *name;  /* "import", "user add" */
    const char *usage; /* positional arguments: "REPO_ID DIR" */
    const char *summary;
    const char *details; /* printed below the options by --help; NULL: none */
    const srv_opt *opts; /* ends with SRV_OPT_END; --data and --help are everybody's */
    size_t args_size;    /* of the struct that opts point into; zeroed before parsing */
    int min_words;
    int max_words;
    /* data_dir is the value of --data or its default. Returns an exit code. */
    int (*run)(const char *data_dir, const void *args, int n_words, char *const *words);
} srv_cmd;

/* "hf-serve: <message>" on stderr; returns code. */
int srv_complain(int code, const char *fmt, ...) HF__PRINTF(2, 3);

extern const srv_cmd srv_cmd_serve; /* the one that runs when no command is named */
extern const srv_cmd srv_cmd_import;
extern const srv_cmd srv_cmd_gc;
extern const srv_cmd srv_cmd_user_add;
extern const srv_cmd srv_cmd_user_list;
extern const srv_cmd srv_cmd_token_add;
extern const srv_cmd srv_cmd_token_list;
extern const srv_cmd srv_cmd_token_revoke;
extern const srv_cmd srv_cmd_org_join;
extern const srv_cmd srv_cmd_device_approve;
extern const srv_cmd srv_cmd_device_deny;
extern const srv_cmd srv_cmd_repo_list;
extern const srv_cmd srv_cmd_repo_create;
extern const srv_cmd srv_cmd_repo_delete;
extern const srv_cmd srv_cmd_repo_move;
extern const srv_cmd srv_cmd_repo_set;
extern const srv_cmd srv_cmd_repo_grant;
extern const srv_cmd srv_cmd_repo_branch;
extern const srv_cmd srv_cmd_repo_tag;
extern const srv_cmd srv_cmd_repo_ref;

#endif
