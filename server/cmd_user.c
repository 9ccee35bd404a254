/* SPDX-License-Identifier: Apache-2.0 */
/* hf-serve user, org and token: who may come in. */
#include "cmd_common.h"

#include <stddef.h>
#include <stdio.h>

static bool parse_role(const char *text, srv_role *out)
{
    *out = SRV_ROLE_WRITE;
    if (!text || strcmp(text, "write") == 0)
        return true;
    if (strcmp(text, "read") == 0)
        *out = SRV_ROLE_READ;
    else if (strcmp(text, "fine-grained") == 0)
        *out = SRV_ROLE_FINE_GRAINED;
    else {
        (void)srv_complain(SRV_EXIT_USAGE, "--role is read, write or fine-grained, not '%s'", text);
        return false;
    }
    return true;
}

/* --scope ENTITY or ENTITY:write, several with commas between. False after a complaint. */
#define MAX_SCOPES 64

static bool parse_scopes(srv_session *s, const char *text, srv_token_spec *spec)
{
    srv_scope *list;
    hf__str rest = hf__str_from(text);

    if (!text)
        return true;
    list = hf__arena_array(s->arena, MAX_SCOPES, sizeof *list);
    spec->scopes = list;
    while (list && rest.ptr && spec->n_scopes < MAX_SCOPES) {
        hf__str word = hf__str_cut(rest, ',', &rest);
        hf__str mode;
        hf__str entity = hf__str_cut(word, ':', &mode);
        srv_scope *scope = &list[spec->n_scopes++];

        scope->entity = hf__arena_str(s->arena, entity);
        scope->permissions = SRV_SCOPE_READ;
        if (mode.ptr && hf__str_eq(mode, HF__STR("write")))
            scope->permissions |= SRV_SCOPE_WRITE;
        else if ((mode.ptr && !hf__str_eq(mode, HF__STR("read"))) || entity.len == 0) {
            (void)srv_complain(SRV_EXIT_USAGE, "--scope is ENTITY or ENTITY:write, not '%.*s'",
                               (int)word.len, word.ptr);
            return false;
        }
        if (!scope->entity)
            list = NULL;
    }
    if (list && !rest.ptr)
        return true;
    (void)srv_complain(SRV_EXIT_USAGE, list ? "too many scopes" : "out of memory");
    return false;
}

static int print_token(srv_session *s, const srv_token_spec *spec)
{
    char token[SRV_TOKEN_CHARS + 1];

    if (srv_token_add(s->store, spec, token, &s->err) != HF_OK)
        return srv_session_failed(s);
    printf("%s\n", token);
    return SRV_EXIT_OK;
}

/* -------------------------------------------------------------------------------------- user add */

typedef struct user_args {
    const char *email;
    const char *fullname;
    const char *role;
    const char *scope;
    bool is_org;
} user_args;

static const srv_opt user_opts[] = {
    { "org", SRV_OPT_FLAG, offsetof(user_args, is_org), NULL, "an organisation", NULL },
    { "email", SRV_OPT_TEXT, offsetof(user_args, email), "ADDRESS", "mail address", NULL },
    { "fullname", SRV_OPT_TEXT, offsetof(user_args, fullname), "TEXT", "name to show", NULL },
    { "role", SRV_OPT_TEXT, offsetof(user_args, role), "ROLE",
      "of the token: read, write (default), fine-grained", NULL },
    { "scope", SRV_OPT_TEXT, offsetof(user_args, scope), "LIST",
      "of a fine-grained token: NAMESPACE or models/NS/NAME, with :write", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

static int run_user_add(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const user_args *args = args_;
    srv_account_spec account = { words[0], args->fullname, args->email, args->is_org };
    srv_token_spec token = { 0 };
    srv_session s;
    int code;

    (void)n_words;
    token.account = words[0];
    if (!parse_role(args->role, &token.role))
        return SRV_EXIT_USAGE;
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    if (!parse_scopes(&s, args->scope, &token))
        code = SRV_EXIT_USAGE;
    else if (srv_account_add(s.store, &account, &s.err) != HF_OK)
        code = srv_session_failed(&s);
    else
        code = print_token(&s, &token);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_user_add = {
    "user add",
    "NAME",
    "add a user or an organisation and print a token",
    "The token is alone on standard output and told only this once.\n\n"
    "example: HF_TOKEN=$(hf-serve user add alice)",
    user_opts,
    sizeof(user_args),
    1,
    1,
    run_user_add,
};

static int run_user_list(const char *data_dir, const void *args, int n_words, char *const *words)
{
    const srv_account *list;
    srv_session s;
    size_t n;
    size_t i;
    int code = srv_session_open(&s, data_dir);

    (void)args;
    (void)n_words;
    (void)words;
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_account_list(s.store, s.arena, &list, &n, &s.err) == HF_OK)
        for (i = 0; i < n; i++)
            printf("%s\t%s\t%s\n", list[i].name, list[i].is_org ? "org" : "user",
                   list[i].email ? list[i].email : "");
    else
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_user_list = {
    "user list", NULL, "list users and organisations: name, kind, mail address",
    NULL,        NULL, 0,
    0,           0,    run_user_list,
};

/* ---------------------------------------------------------------------------------------- tokens */

typedef struct token_args {
    const char *role;
    const char *scope;
    const char *name;
} token_args;

static const srv_opt token_opts[] = {
    { "name", SRV_OPT_TEXT, offsetof(token_args, name), "NAME", "what the token is called", NULL },
    { "role", SRV_OPT_TEXT, offsetof(token_args, role), "ROLE",
      "read, write (default), fine-grained", NULL },
    { "scope", SRV_OPT_TEXT, offsetof(token_args, scope), "LIST",
      "of a fine-grained token: NAMESPACE or models/NS/NAME, with :write", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

static int run_token_add(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const token_args *args = args_;
    srv_token_spec spec = { 0 };
    srv_session s;
    int code;

    (void)n_words;
    spec.account = words[0];
    spec.name = args->name;
    if (!parse_role(args->role, &spec.role))
        return SRV_EXIT_USAGE;
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    code = parse_scopes(&s, args->scope, &spec) ? print_token(&s, &spec) : SRV_EXIT_USAGE;
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_token_add = {
    "token add",
    "USER",
    "make another token for a user and print it",
    "The token is alone on standard output and told only this once.",
    token_opts,
    sizeof(token_args),
    1,
    1,
    run_token_add,
};

static int run_token_list(const char *data_dir, const void *args, int n_words, char *const *words)
{
    const srv_token *list;
    srv_session s;
    size_t n;
    size_t i;
    int code = srv_session_open(&s, data_dir);

    (void)args;
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_token_list(s.store, n_words > 0 ? words[0] : NULL, s.arena, &list, &n, &s.err) == HF_OK)
        for (i = 0; i < n; i++)
            printf("%s\t%s\t%s\n", list[i].account, list[i].name, srv_role_name(list[i].role));
    else
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_token_list = {
    "token list", "[USER]", "list tokens: account, name, role", NULL, NULL, 0, 0, 1, run_token_list,
};

static int run_token_revoke(const char *data_dir, const void *args, int n_words, char *const *words)
{
    srv_session s;
    int code = srv_session_open(&s, data_dir);

    (void)args;
    (void)n_words;
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_token_revoke(s.store, words[0], words[1], &s.err) != HF_OK)
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_token_revoke = {
    "token revoke", "USER NAME", "make a token worthless", NULL, NULL, 0, 2, 2, run_token_revoke,
};

/* ------------------------------------------------------------------------------------------ orgs */

typedef struct join_args {
    const char *role;
} join_args;

static const srv_opt join_opts[] = {
    { "role", SRV_OPT_TEXT, offsetof(join_args, role), "ROLE",
      "read, contributor, write (default), admin", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

static int run_org_join(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const join_args *args = args_;
    srv_org_role role = SRV_ORG_WRITE;
    srv_session s;
    int code;

    (void)n_words;
    if (args->role) {
        for (role = SRV_ORG_READ; role <= SRV_ORG_ADMIN; role++)
            if (strcmp(args->role, srv_org_role_name(role)) == 0)
                break;
        if (role > SRV_ORG_ADMIN)
            return srv_complain(SRV_EXIT_USAGE,
                                "--role is read, contributor, write or admin, not '%s'",
                                args->role);
    }
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_member_add(s.store, words[0], words[1], role, &s.err) != HF_OK)
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_org_join = {
    "org join", "ORG USER", "make a user a member of an organisation",
    NULL,       join_opts,  sizeof(join_args),
    2,          2,          run_org_join,
};

/* ---------------------------------------------------------------------------------------- devices */

typedef struct device_args {
    const char *user;
} device_args;

static const srv_opt approve_opts[] = {
    { "user", SRV_OPT_TEXT, offsetof(device_args, user), "NAME", "who logs in", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

static int decide(const char *data_dir, const char *code, const char *user)
{
    srv_session s;
    int exit_code = srv_session_open(&s, data_dir);

    if (exit_code != SRV_EXIT_OK)
        return exit_code;
    if (srv_device_decide(s.store, code, user, &s.err) != HF_OK)
        exit_code = srv_session_failed(&s);
    srv_session_close(&s);
    return exit_code;
}

static int run_device_approve(const char *data_dir, const void *args_, int n_words,
                              char *const *words)
{
    const device_args *args = args_;

    (void)n_words;
    if (!args->user)
        return srv_complain(SRV_EXIT_USAGE, "--user NAME says whose login it is");
    return decide(data_dir, words[0], args->user);
}

static int run_device_deny(const char *data_dir, const void *args, int n_words, char *const *words)
{
    (void)args;
    (void)n_words;
    return decide(data_dir, words[0], NULL);
}

const srv_cmd srv_cmd_device_approve = {
    "device approve",
    "CODE",
    "let a login by device code in",
    "CODE is what `hf auth login` shows. The login gets a token of role write.\n\n"
    "example: hf-serve device approve BCDF-GHJK --user alice",
    approve_opts,
    sizeof(device_args),
    1,
    1,
    run_device_approve,
};

const srv_cmd srv_cmd_device_deny = {
    "device deny", "CODE", "refuse a login by device code", NULL, NULL, 0, 1, 1, run_device_deny,
};
