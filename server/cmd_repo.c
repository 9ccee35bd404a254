/* SPDX-License-Identifier: Apache-2.0 */
/* hf-serve repo: what an administrator does to repos, also while the server runs. */
#include "cmd_common.h"

#include "core/limits.h"

#include <stddef.h>
#include <stdio.h>

typedef struct repo_args {
    const char *type;
    const char *gated;
    const char *visibility;
    const char *message;
    const char *sdk;
    const char *state;
    bool disabled;
    bool enabled;
    bool force;
    bool is_private;
    bool remove;
} repo_args;

#define TYPE_OPT                                                                                   \
    {                                                                                              \
        "type", SRV_OPT_TEXT, offsetof(repo_args, type), "TYPE",                                   \
            "model (default), dataset, space or kernel", NULL                                      \
    }
#define END_OPT                                                                                    \
    {                                                                                              \
        NULL, SRV_OPT_END, 0, NULL, NULL, NULL                                                     \
    }

/* Runs after the repo named by words[0] was found; repo NULL for commands that name none. */
typedef hf_status action_fn(srv_session *s, const srv_repo *repo, const repo_args *args,
                            int n_words, char *const *words);

static int with_repo(const char *data_dir, const repo_args *args, int n_words, char *const *words,
                     action_fn *action)
{
    const srv_repo *repo = NULL;
    srv_repo_type type;
    srv_session s;
    hf_status st;
    int code;

    if (!srv_cmd_type(args->type, &type))
        return SRV_EXIT_USAGE;
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    st = srv_repo_find(s.store, type, hf__str_from(words[0]), s.arena, &repo, NULL, &s.err);
    if (st == HF_OK)
        st = action(&s, repo, args, n_words, words);
    if (st != HF_OK)
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

/* ------------------------------------------------------------------------------------------ list */

static void print_repo(const srv_repo *repo)
{
    const char *gated = srv_gated_name(repo->gated);

    printf("%s\t%s\t%s%s%s%s\n", srv_repo_type_name(repo->type), repo->full_name,
           repo->is_private ? "private" : "public", gated ? ",gated=" : "", gated ? gated : "",
           repo->disabled ? ",disabled" : "");
}

static int run_list(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const repo_args *args = args_;
    srv_repo_query query = { 0 };
    const srv_repo *list;
    srv_session s;
    size_t n;
    size_t i;
    int code;

    (void)n_words;
    (void)words;
    query.any_type = args->type == NULL;
    if (!srv_cmd_type(args->type, &query.type))
        return SRV_EXIT_USAGE;
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    do {
        n = 0;
        if (srv_repo_list(s.store, &query, s.arena, &list, &n, &s.err) != HF_OK)
            code = srv_session_failed(&s);
        for (i = 0; i < n; i++)
            print_repo(&list[i]);
        if (n > 0)
            query.after = srv_repo_cursor(&list[n - 1], query.sort, s.arena);
    } while (n > 0 && query.after);
    srv_session_close(&s);
    return code;
}

static const srv_opt list_opts[] = {
    { "type", SRV_OPT_TEXT, offsetof(repo_args, type), "TYPE", "only this type (default: all)",
      NULL },
    END_OPT,
};

const srv_cmd srv_cmd_repo_list = {
    "repo list", NULL,     "list repos: type, id, settings", NULL, list_opts, sizeof(repo_args), 0,
    0,           run_list,
};

/* ---------------------------------------------------------------------------------------- create */

static int run_create(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const repo_args *args = args_;
    srv_repo_spec spec = { 0 };
    const srv_repo *repo;
    srv_session s;
    int code;

    (void)n_words;
    if (!srv_cmd_type(args->type, &spec.type))
        return SRV_EXIT_USAGE;
    if (args->gated && !srv_cmd_gated(args->gated, &spec.gated))
        return srv_complain(SRV_EXIT_USAGE, "--gated is auto, manual or no, not '%s'", args->gated);
    spec.id = words[0];
    spec.sdk = spec.type != SRV_SPACE ? NULL : (args->sdk ? args->sdk : "static");
    spec.is_private = args->is_private;
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_repo_create(s.store, &spec, s.arena, &repo, &s.err) != HF_OK)
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

static const srv_opt create_opts[] = {
    TYPE_OPT,
    { "private", SRV_OPT_FLAG, offsetof(repo_args, is_private), NULL, "make it private", NULL },
    { "gated", SRV_OPT_CHOICE, offsetof(repo_args, gated), "MODE", "auto (default) or manual",
      "auto" },
    { "sdk", SRV_OPT_TEXT, offsetof(repo_args, sdk), "SDK", "of a space (default: static)", NULL },
    END_OPT,
};

const srv_cmd srv_cmd_repo_create = {
    "repo create",
    "REPO_ID",
    "make a repo that holds .gitattributes only",
    NULL,
    create_opts,
    sizeof(repo_args),
    1,
    1,
    run_create,
};

/* ------------------------------------------------------------------------- delete, move, set, grant */

static hf_status do_delete(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                           char *const *words)
{
    (void)args;
    (void)n_words;
    (void)words;
    return srv_repo_delete(s->store, repo, &s->err);
}

static int run_delete(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_delete);
}

static const srv_opt type_opts[] = { TYPE_OPT, END_OPT };

const srv_cmd srv_cmd_repo_delete = {
    "repo delete",
    "REPO_ID",
    "delete a repo with everything in it",
    NULL,
    type_opts,
    sizeof(repo_args),
    1,
    1,
    run_delete,
};

static hf_status do_move(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                         char *const *words)
{
    (void)args;
    (void)n_words;
    return srv_repo_move(s->store, repo, words[1], &s->err);
}

static int run_move(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_move);
}

const srv_cmd srv_cmd_repo_move = {
    "repo move",
    "OLD_ID NEW_ID",
    "rename a repo; the old id leads to the new one",
    NULL,
    type_opts,
    sizeof(repo_args),
    2,
    2,
    run_move,
};

static hf_status do_set(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                        char *const *words)
{
    srv_repo_settings settings = { 0 };

    (void)n_words;
    (void)words;
    if (args->visibility) {
        settings.set |= SRV_SET_PRIVATE;
        settings.is_private = strcmp(args->visibility, "private") == 0;
        if (!settings.is_private && strcmp(args->visibility, "public") != 0)
            return hf__fail(&s->err, HF_ERR_INVALID_ARG,
                            "--visibility is public or private, not '%s'", args->visibility);
    }
    if (args->gated) {
        settings.set |= SRV_SET_GATED;
        if (!srv_cmd_gated(args->gated, &settings.gated))
            return hf__fail(&s->err, HF_ERR_INVALID_ARG, "--gated is auto, manual or no, not '%s'",
                            args->gated);
    }
    if (args->disabled && args->enabled)
        return hf__fail(&s->err, HF_ERR_INVALID_ARG, "--disable and --enable exclude each other");
    if (args->disabled || args->enabled) {
        settings.set |= SRV_SET_DISABLED;
        settings.disabled = args->disabled;
    }
    if (settings.set == 0)
        return hf__fail(&s->err, HF_ERR_INVALID_ARG,
                        "nothing to set, see hf-serve repo set --help");
    return srv_repo_set(s->store, repo, &settings, &s->err);
}

static int run_set(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_set);
}

static const srv_opt set_opts[] = {
    TYPE_OPT,
    { "visibility", SRV_OPT_TEXT, offsetof(repo_args, visibility), "WHAT", "public or private",
      NULL },
    { "gated", SRV_OPT_CHOICE, offsetof(repo_args, gated), "MODE", "auto (default), manual or no",
      "auto" },
    { "disable", SRV_OPT_FLAG, offsetof(repo_args, disabled), NULL, "nobody may read the content",
      NULL },
    { "enable", SRV_OPT_FLAG, offsetof(repo_args, enabled), NULL, "take --disable back", NULL },
    END_OPT,
};

const srv_cmd srv_cmd_repo_set = {
    "repo set", "REPO_ID", "change the settings of a repo", NULL, set_opts, sizeof(repo_args), 1,
    1,          run_set,
};

static hf_status do_grant(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                          char *const *words)
{
    static const char *const names[] = { "none", "pending", "accepted", "rejected" };
    const char *wanted = args->state ? args->state : "accepted";
    size_t i;

    (void)n_words;
    for (i = 0; i < HF__COUNT(names); i++)
        if (strcmp(wanted, names[i]) == 0)
            return srv_repo_grant(s->store, repo, words[1], (srv_grant)i, &s->err);
    return hf__fail(&s->err, HF_ERR_INVALID_ARG,
                    "--state is accepted, pending, rejected or none, not '%s'", wanted);
}

static int run_grant(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_grant);
}

static const srv_opt grant_opts[] = {
    TYPE_OPT,
    { "state", SRV_OPT_TEXT, offsetof(repo_args, state), "STATE",
      "accepted (default), pending, rejected, none", NULL },
    END_OPT,
};

const srv_cmd srv_cmd_repo_grant = {
    "repo grant",
    "REPO_ID USER",
    "let a user into a gated repo",
    NULL,
    grant_opts,
    sizeof(repo_args),
    2,
    2,
    run_grant,
};

/* ------------------------------------------------------------------------------------------ refs */

/* Makes ref at revision words[2] (main when absent), or deletes it. */
static hf_status do_ref_named(srv_session *s, const srv_repo *repo, const repo_args *args,
                              const char *ref, const char *tag, const char *revision)
{
    char commit[SRV_OID_HEX + 1];
    srv_git *git = NULL;
    hf_status st = srv_git_open(s->store, repo, &git, &s->err);

    if (st == HF_OK && args->remove) {
        st = srv_git_ref_delete(git, ref, &s->err);
    } else if (st == HF_OK) {
        st = srv_git_resolve(git, hf__str_from(revision ? revision : "main"), commit, &s->err);
        if (st == HF_OK && tag && !args->force)
            st = srv_git_tag_make(git, tag, commit, args->message,
                                  repo->ns[0] ? repo->ns : "hf-serve", &s->err);
        else if (st == HF_OK)
            st = srv_git_ref_make(git, ref, commit, args->force, &s->err);
    }
    srv_git_close(git);
    return st;
}

static hf_status do_ref(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                        char *const *words)
{
    return do_ref_named(s, repo, args, words[1], NULL, n_words > 2 ? words[2] : NULL);
}

static hf_status do_prefixed(srv_session *s, const srv_repo *repo, const repo_args *args,
                             const char *prefix, bool tag, int n_words, char *const *words)
{
    hf__buf ref;
    hf_status st;

    hf__buf_init(&ref, HF__MAX_REVISION);
    hf__buf_addf(&ref, "%s%s", prefix, words[1]);
    st = ref.status == HF_OK ? do_ref_named(s, repo, args, hf__buf_cstr(&ref),
                                            tag ? words[1] : NULL, n_words > 2 ? words[2] : NULL)
                             : hf__fail(&s->err, HF_ERR_INVALID_ARG, "the name is too long");
    hf__buf_dispose(&ref);
    return st;
}

static hf_status do_branch(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                           char *const *words)
{
    return do_prefixed(s, repo, args, "refs/heads/", false, n_words, words);
}

static hf_status do_tag(srv_session *s, const srv_repo *repo, const repo_args *args, int n_words,
                        char *const *words)
{
    return do_prefixed(s, repo, args, "refs/tags/", true, n_words, words);
}

static int run_branch(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_branch);
}

static int run_tag(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_tag);
}

static int run_ref(const char *data_dir, const void *args, int n_words, char *const *words)
{
    return with_repo(data_dir, args, n_words, words, do_ref);
}

#define REF_OPTS                                                                                   \
    TYPE_OPT, { "force", SRV_OPT_FLAG, offsetof(repo_args, force), NULL, "move it when it exists", \
                NULL },                                                                            \
    {                                                                                              \
        "delete", SRV_OPT_FLAG, offsetof(repo_args, remove), NULL, "delete it", NULL               \
    }

static const srv_opt ref_opts[] = { REF_OPTS, END_OPT };
static const srv_opt tag_opts[] = {
    REF_OPTS,
    { "message", SRV_OPT_TEXT, offsetof(repo_args, message), "TEXT", "make it an annotated tag",
      NULL },
    END_OPT,
};

const srv_cmd srv_cmd_repo_branch = {
    "repo branch",
    "REPO_ID NAME [REVISION]",
    "make or delete a branch",
    NULL,
    ref_opts,
    sizeof(repo_args),
    2,
    3,
    run_branch,
};

const srv_cmd srv_cmd_repo_tag = {
    "repo tag",
    "REPO_ID NAME [REVISION]",
    "make or delete a tag",
    NULL,
    tag_opts,
    sizeof(repo_args),
    2,
    3,
    run_tag,
};

const srv_cmd srv_cmd_repo_ref = {
    "repo ref",
    "REPO_ID REF [REVISION]",
    "make or delete a ref such as refs/pr/1",
    NULL,
    ref_opts,
    sizeof(repo_args),
    2,
    3,
    run_ref,
};
