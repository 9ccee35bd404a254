/* SPDX-License-Identifier: Apache-2.0 */
/* hf users, hf orgs: who somebody is, whom they follow, what they like. The official command has
 * none of it; the names are those of the calls of Python's client. */
#include "commands.h"
#include "json.h"

#include <string.h>

typedef struct people_args {
    const char *name;
    const char *token;
    cli_uint limit;
} people_args;

#define AT(field) offsetof(people_args, field)

/* ---- info */

static const cli_field user_fields[] = {
    { "user", "username" },
    { "fullname", "fullname" },
    { "avatarUrl", "avatar_url" },
    { "details", "details" },
    { "isFollowing", "is_following" },
    { "isPro", "is_pro" },
    { "numModels", "num_models" },
    { "numDatasets", "num_datasets" },
    { "numSpaces", "num_spaces" },
    { "numDiscussions", "num_discussions" },
    { "numPapers", "num_papers" },
    { "numUpvotes", "num_upvotes" },
    { "numLikes", "num_likes" },
    { "numFollowing", "num_following" },
    { "numFollowers", "num_followers" },
    { "orgs", "orgs" },
    { NULL, NULL },
};

static const cli_field org_fields[] = {
    { "avatarUrl", "avatar_url" },
    { "name", "name" },
    { "fullname", "fullname" },
    { "details", "details" },
    { "isVerified", "is_verified" },
    { "isFollowing", "is_following" },
    { "numUsers", "num_users" },
    { "numModels", "num_models" },
    { "numSpaces", "num_spaces" },
    { "numDatasets", "num_datasets" },
    { "numFollowers", "num_followers" },
    { "numPapers", "num_papers" },
    { "plan", "plan" },
    { NULL, NULL },
};

static int info(cli_ctx *ctx, const people_args *args, bool org)
{
    hf_profile *profile = NULL;
    hf_status status = HF_OK;
    cli_call call;
    int code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);

    if (code == CLI_EXIT_OK)
        status = hf_profile_get(call.client, args->name, org, &call.opts, &profile, &call.err);
    if (profile)
        cli_record(ctx, profile->json, org ? org_fields : user_fields, NULL);
    hf_profile_free(profile);
    return cli_call_end(&call, code, status);
}

static int user_info(cli_ctx *ctx, void *args)
{
    return info(ctx, args, false);
}

static int org_info(cli_ctx *ctx, void *args)
{
    return info(ctx, args, true);
}

/* ---- lists */

int cli_people_show(cli_call *call, hf_list *list, hf_status status, const cli_uint *limit)
{
    unsigned long left = limit->given ? limit->value : 30;
    const hf_profile *profile = NULL;
    bool all = left == 0;
    cli_rows rows;

    cli_rows_begin(&rows, call->ctx, user_fields, "user");
    while (status == HF_OK && (all || left--)) {
        status = hf_list_next_profile(list, &profile, &call->err);
        if (status != HF_OK || !profile)
            break;
        cli_rows_add(&rows, profile->json);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(list);
    return cli_call_end(call, CLI_EXIT_OK, status);
}

static int list(cli_ctx *ctx, const people_args *args, hf_profile_list which)
{
    hf_list *profiles = NULL;
    hf_status status;
    cli_call call;
    int code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    status = hf_profile_list_open(call.client, which, args->name, &call.opts, &profiles, &call.err);
    return cli_people_show(&call, profiles, status, &args->limit);
}

static int user_followers(cli_ctx *ctx, void *args)
{
    return list(ctx, args, HF_PROFILES_FOLLOWERS);
}

static int user_following(cli_ctx *ctx, void *args)
{
    return list(ctx, args, HF_PROFILES_FOLLOWING);
}

static int org_members(cli_ctx *ctx, void *args)
{
    return list(ctx, args, HF_PROFILES_MEMBERS);
}

static int org_followers(cli_ctx *ctx, void *args)
{
    return list(ctx, args, HF_PROFILES_ORG_FOLLOWERS);
}

static void add_liked(cli_rows *rows, const hf_liked_repo *repo)
{
    const cli_text_member members[] = { { "id", repo->id },
                                        { "type", repo->type },
                                        { "created_at", repo->created_at } };

    cli_rows_add_texts(rows, members, 3);
}

static int user_likes(cli_ctx *ctx, void *data)
{
    static const cli_field fields[] = {
        { "id", "id" }, { "type", "type" }, { "created_at", "created_at" }, { NULL, NULL }
    };
    const people_args *args = data;
    unsigned long left = args->limit.given ? args->limit.value : 30;
    bool all = left == 0;
    const hf_liked_repo *repo = NULL;
    hf_list *likes = NULL;
    hf_status status;
    cli_rows rows;
    cli_call call;
    int code = cli_call_begin(&call, ctx, NULL, NULL, NULL, args->token);

    if (code != CLI_EXIT_OK)
        return cli_call_end(&call, code, HF_OK);
    cli_rows_begin(&rows, ctx, fields, "id");
    status = hf_liked_list_open(call.client, args->name, &call.opts, &likes, &call.err);
    while (status == HF_OK && (all || left--)) {
        status = hf_list_next_liked(likes, &repo, &call.err);
        if (status != HF_OK || !repo)
            break;
        add_liked(&rows, repo);
    }
    cli_rows_end(&rows, status == HF_OK);
    hf_list_close(likes);
    return cli_call_end(&call, code, status);
}

/* ---- tables */

/* clang-format off */
#define TOKEN_OPT { "token", NULL, 0, CLI_STR, AT(token), "TOKEN", "token to use instead of the stored one", NULL }

static const cli_opt info_opts[] = { TOKEN_OPT, CLI_OPT_END };
static const cli_opt list_opts[] = {
    { "limit", NULL, 0, CLI_UINT, AT(limit), "N", "show so many (default: 30); 0 for all", NULL },
    TOKEN_OPT, CLI_OPT_END };
static const cli_arg name_args[] = { { "NAME", CLI_ONE, AT(name), "name of the account" }, CLI_ARG_END };

#define COMMAND(id_, name_, summary_, opts_, run_, example_) \
    static const cli_cmd id_ = { .name = name_, .summary = summary_, .opts = opts_, .args = name_args, \
        .args_size = sizeof(people_args), .run = run_, .examples = (const char *const[]){ example_, NULL } };

COMMAND(user_info_cmd, "info", "Show who a user is.", info_opts, user_info, "hf users info alice")
COMMAND(user_likes_cmd, "likes", "List the repos that a user likes.", list_opts, user_likes, "hf users likes alice --limit 0")
COMMAND(user_followers_cmd, "followers", "List who follows a user.", list_opts, user_followers, "hf users followers alice")
COMMAND(user_following_cmd, "following", "List whom a user follows.", list_opts, user_following, "hf users following alice")
COMMAND(org_info_cmd, "info", "Show what an organization is.", info_opts, org_info, "hf orgs info acme")
COMMAND(org_members_cmd, "members", "List who belongs to an organization.", list_opts, org_members, "hf orgs members acme -q")
COMMAND(org_followers_cmd, "followers", "List who follows an organization.", list_opts, org_followers, "hf orgs followers acme")
/* clang-format on */

const cli_cmd cli_cmd_users = {
    .name = "users",
    .summary = "Look at users, their likes and followers.",
    .subs = (const cli_cmd *const[]){ &user_info_cmd, &user_likes_cmd, &user_followers_cmd,
                                      &user_following_cmd, NULL },
};

const cli_cmd cli_cmd_orgs = {
    .name = "orgs",
    .summary = "Look at organizations and their members.",
    .subs = (const cli_cmd *const[]){ &org_info_cmd, &org_members_cmd, &org_followers_cmd, NULL },
};
