/* SPDX-License-Identifier: Apache-2.0 */
/* Discussions, collections, profiles, likes, access to gated repos, webhooks. */
#include "api/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

/* What most calls begin with: client and repo are good. */
static hf_status enter_repo(hf_client *client, const hf_repo_ref *repo, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    return st == HF_OK ? hf__repo_ref_check(repo, err) : st;
}

static hf_status enter_text(hf_client *client, const char *text, const char *name, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    return st == HF_OK ? hf__api_text(text, name, err) : st;
}

static hf_status need_out(const void *out, hf_error *err)
{
    return out ? HF_OK : hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
}

/* Call options for calls with options of their own. */
static hf_call_opts call_opts(uint32_t flags, hf_cancel *cancel)
{
    return (hf_call_opts){ sizeof(hf_call_opts), flags, cancel };
}

/* ---- discussions */

hf_status hf_discussion_list_open(hf_client *client, const hf_repo_ref *repo,
                                  const hf_discussion_list_opts *opts, hf_list **out, hf_error *err)
{
    hf_discussion_list_opts o;
    hf_call_opts call;
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st != HF_OK)
        return st;
    call = call_opts(o.flags, o.cancel);
    return hf__api_list(client,
                        &(hf__ask){ .id = HF__EP_DISCUSSION_LIST,
                                    .repo = repo,
                                    .values = (hf__value[]){ HF__TEXT(o.kind), HF__TEXT(o.status),
                                                             HF__TEXT(o.author) },
                                    .n = 3 },
                        &call, out, err);
}

hf_status hf_list_next_discussion(hf_list *list, const hf_discussion **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_DISCUSSION_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

static hf_status check_num(uint64_t num, hf_error *err)
{
    return num ? HF_OK
               : hf__fail(err, HF_ERR_INVALID_ARG, "discussions are numbered from 1, not 0");
}

hf_status hf_discussion_get(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                            const hf_call_opts *opts, hf_discussion **out, hf_error *err)
{
    hf_call_opts o;
    void *result = NULL;
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK)
        st = check_num(num, err);
    if (st == HF_OK)
        st = need_out(out, err);
    if (st != HF_OK)
        return st;
    st = hf__api_ask(
        client,
        &(hf__ask){ .id = HF__EP_DISCUSSION_GET,
                    .repo = repo,
                    .values = (hf__value[]){ HF__UINT(num),
                                             HF__UINT(o.flags & HF_DISCUSSION_DIFF ? 1 : 0) },
                    .n = 2 },
        opts, HF_DISCUSSION_DIFF, &result, err);
    if (st == HF_OK)
        *out = result;
    return st;
}

void hf_discussion_free(hf_discussion *discussion)
{
    hf__result_free(discussion);
}

hf_status hf_discussion_create(hf_client *client, const hf_repo_ref *repo, const char *title,
                               const char *description, int is_pull_request,
                               const hf_call_opts *opts, uint64_t *num, hf_error *err)
{
    const char *said = description       ? description
                       : is_pull_request ? "Pull request opened with hfhub."
                                         : "Discussion opened with hfhub.";
    void *result = NULL;
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = hf__api_text(title, "title", err);
    if (st != HF_OK)
        return st;
    st = hf__api_ask(client,
                     &(hf__ask){ .id = HF__EP_DISCUSSION_CREATE,
                                 .repo = repo,
                                 .values = (hf__value[]){ HF__TEXT(title), HF__TEXT(said),
                                                          HF__BOOL(is_pull_request) },
                                 .n = 3 },
                     opts, 0, &result, err);
    if (st == HF_OK && num)
        *num = ((hf_discussion *)result)->num;
    hf__result_free(result);
    return st;
}

/* What is said in a discussion: {1} its number, {2} the comment, then what is sent. */
static hf_status speak(hf_client *client, hf__endpoint_id id, const hf_repo_ref *repo, uint64_t num,
                       const hf__value *more, size_t n_more, const hf_call_opts *opts, void **out,
                       hf_error *err)
{
    hf__value values[3] = { HF__UINT(num) };
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = check_num(num, err);
    HF__ASSERT(n_more < HF__COUNT(values));
    for (size_t i = 0; i < n_more; i++)
        values[i + 1] = more[i];
    return st == HF_OK
               ? hf__api_ask(
                     client,
                     &(hf__ask){ .id = id, .repo = repo, .values = values, .n = n_more + 1 }, opts,
                     0, out, err)
               : st;
}

static hf_status speak_event(hf_client *client, hf__endpoint_id id, const hf_repo_ref *repo,
                             uint64_t num, const hf__value *more, size_t n_more,
                             const hf_call_opts *opts, hf_event **out, hf_error *err)
{
    void *result = NULL;
    hf_status st = HF_OK;

    for (size_t i = 0; st == HF_OK && i < n_more; i++)
        st = hf__api_text(more[i].text, i + 1 < n_more ? "comment's id" : "comment", err);
    if (st == HF_OK)
        st = speak(client, id, repo, num, more, n_more, opts, out ? &result : NULL, err);
    if (st == HF_OK && out)
        *out = result;
    return st;
}

hf_status hf_discussion_comment(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                const char *comment, const hf_call_opts *opts, hf_event **out,
                                hf_error *err)
{
    return speak_event(client, HF__EP_DISCUSSION_COMMENT, repo, num,
                       (hf__value[]){ HF__TEXT(comment) }, 1, opts, out, err);
}

hf_status hf_discussion_edit(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                             const char *comment_id, const char *content, const hf_call_opts *opts,
                             hf_event **out, hf_error *err)
{
    return speak_event(client, HF__EP_DISCUSSION_EDIT, repo, num,
                       (hf__value[]){ HF__TEXT(comment_id), HF__TEXT(content) }, 2, opts, out, err);
}

hf_status hf_discussion_hide(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                             const char *comment_id, const hf_call_opts *opts, hf_event **out,
                             hf_error *err)
{
    return speak_event(client, HF__EP_DISCUSSION_HIDE, repo, num,
                       (hf__value[]){ HF__TEXT(comment_id) }, 1, opts, out, err);
}

void hf_event_free(hf_event *event)
{
    hf__result_free(event);
}

hf_status hf_discussion_rename(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                               const char *title, const hf_call_opts *opts, hf_error *err)
{
    hf_status st = hf__api_text(title, "title", err);

    return st == HF_OK ? speak(client, HF__EP_DISCUSSION_RENAME, repo, num,
                               (hf__value[]){ HF__TEXT(title) }, 1, opts, NULL, err)
                       : st;
}

hf_status hf_discussion_set_status(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                                   const char *status, const char *comment,
                                   const hf_call_opts *opts, hf_error *err)
{
    if (!status || (strcmp(status, "open") != 0 && strcmp(status, "closed") != 0))
        return hf__fail(err, HF_ERR_INVALID_ARG, "the status is neither 'open' nor 'closed'");
    return speak(client, HF__EP_DISCUSSION_STATUS, repo, num,
                 (hf__value[]){ HF__TEXT(status), HF__TEXT(comment) }, 2, opts, NULL, err);
}

hf_status hf_discussion_merge(hf_client *client, const hf_repo_ref *repo, uint64_t num,
                              const char *comment, const hf_call_opts *opts, hf_error *err)
{
    return speak(client, HF__EP_DISCUSSION_MERGE, repo, num, (hf__value[]){ HF__TEXT(comment) }, 1,
                 opts, NULL, err);
}

/* ---- profiles and likes */

hf_status hf_profile_get(hf_client *client, const char *name, int is_organization,
                         const hf_call_opts *opts, hf_profile **out, hf_error *err)
{
    void *result = NULL;
    hf_status st = enter_text(client, name, "name", err);

    if (st == HF_OK)
        st = need_out(out, err);
    if (st == HF_OK)
        st = hf__api_ask(client,
                         &(hf__ask){ .id = is_organization ? HF__EP_ORG_GET : HF__EP_USER_GET,
                                     .values = (hf__value[]){ HF__TEXT(name) },
                                     .n = 1 },
                         opts, 0, &result, err);
    if (st == HF_OK)
        *out = result;
    return st;
}

void hf_profile_free(hf_profile *profile)
{
    hf__result_free(profile);
}

/* Lists that one text names. */
static hf_status open_named(hf_client *client, hf__endpoint_id id, const hf_repo_ref *repo,
                            const char *name, const hf_call_opts *opts, hf_list **out,
                            hf_error *err)
{
    hf__ask ask = { .id = id, .repo = repo, .values = (hf__value[]){ HF__TEXT(name) }, .n = 1 };
    hf_status st = enter_text(client, name, "name", err);

    return st == HF_OK ? hf__api_list(client, &ask, opts, out, err) : st;
}

hf_status hf_profile_list_open(hf_client *client, hf_profile_list which, const char *name,
                               const hf_call_opts *opts, hf_list **out, hf_error *err)
{
    static const hf__endpoint_id ids[] = { HF__EP_FOLLOWER_LIST, HF__EP_FOLLOWING_LIST,
                                           HF__EP_MEMBER_LIST, HF__EP_ORG_FOLLOWER_LIST };

    if ((unsigned)which < 1 || (unsigned)which > HF__COUNT(ids))
        return hf__fail(err, HF_ERR_INVALID_ARG, "there is no list of profiles %d", (int)which);
    return open_named(client, ids[which - 1], NULL, name, opts, out, err);
}

hf_status hf_liker_list_open(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                             hf_list **out, hf_error *err)
{
    hf__ask ask = { .id = HF__EP_LIKER_LIST, .repo = repo };
    hf_status st = enter_repo(client, repo, err);

    return st == HF_OK ? hf__api_list(client, &ask, opts, out, err) : st;
}

hf_status hf_list_next_profile(hf_list *list, const hf_profile **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_LIKER_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

hf_status hf_liked_list_open(hf_client *client, const char *user, const hf_call_opts *opts,
                             hf_list **out, hf_error *err)
{
    return open_named(client, HF__EP_LIKED_LIST, NULL, user, opts, out, err);
}

hf_status hf_list_next_liked(hf_list *list, const hf_liked_repo **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_LIKED_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

static hf_status like(hf_client *client, hf__endpoint_id id, const hf_repo_ref *repo,
                      const hf_call_opts *opts, hf_error *err)
{
    hf__ask ask = { .id = id, .repo = repo };
    hf_status st = enter_repo(client, repo, err);

    return st == HF_OK ? hf__api_ask(client, &ask, opts, 0, NULL, err) : st;
}

hf_status hf_repo_like(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                       hf_error *err)
{
    return like(client, HF__EP_LIKE, repo, opts, err);
}

hf_status hf_repo_unlike(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                         hf_error *err)
{
    return like(client, HF__EP_UNLIKE, repo, opts, err);
}

/* ---- access */

static bool is_access_status(const char *status)
{
    return status && (strcmp(status, "pending") == 0 || strcmp(status, "accepted") == 0 ||
                      strcmp(status, "rejected") == 0);
}

static hf_status check_access(const char *status, hf_error *err)
{
    return is_access_status(status)
               ? HF_OK
               : hf__fail(err, HF_ERR_INVALID_ARG,
                          "the status is none of 'pending', 'accepted' and 'rejected'");
}

hf_status hf_access_list_open(hf_client *client, const hf_repo_ref *repo, const char *status,
                              const hf_call_opts *opts, hf_list **out, hf_error *err)
{
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = check_access(status, err);
    return st == HF_OK ? open_named(client, HF__EP_ACCESS_LIST, repo, status, opts, out, err) : st;
}

hf_status hf_list_next_access(hf_list *list, const hf_access_request **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_ACCESS_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

hf_status hf_access_handle(hf_client *client, const hf_repo_ref *repo, const char *user,
                           const char *status, const char *reason, const hf_call_opts *opts,
                           hf_error *err)
{
    hf__ask ask = { .id = HF__EP_ACCESS_HANDLE,
                    .repo = repo,
                    .values = (hf__value[]){ HF__TEXT(user), HF__TEXT(status), HF__TEXT(reason) },
                    .n = 3 };
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = hf__api_text(user, "user", err);
    if (st == HF_OK)
        st = check_access(status, err);
    if (st == HF_OK && reason && strcmp(status, "rejected") != 0)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a reason is given for a rejection only");
    return st == HF_OK ? hf__api_ask(client, &ask, opts, 0, NULL, err) : st;
}

hf_status hf_access_grant(hf_client *client, const hf_repo_ref *repo, const char *user,
                          const hf_call_opts *opts, hf_error *err)
{
    hf__ask ask = {
        .id = HF__EP_ACCESS_GRANT, .repo = repo, .values = (hf__value[]){ HF__TEXT(user) }, .n = 1
    };
    hf_status st = enter_repo(client, repo, err);

    if (st == HF_OK)
        st = hf__api_text(user, "user", err);
    return st == HF_OK ? hf__api_ask(client, &ask, opts, 0, NULL, err) : st;
}

/* ---- webhooks */

hf_status hf_webhook_list_open(hf_client *client, const hf_call_opts *opts, hf_list **out,
                               hf_error *err)
{
    return hf__api_list(client, &(hf__ask){ .id = HF__EP_WEBHOOK_LIST }, opts, out, err);
}

hf_status hf_list_next_webhook(hf_list *list, const hf_webhook **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_WEBHOOK_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

static hf_status ask_webhook(hf_client *client, hf__endpoint_id id, const hf__value *values,
                             size_t n, const hf_call_opts *opts, hf_webhook **out, hf_error *err)
{
    void *result = NULL;
    hf_status st = hf__api_ask(client, &(hf__ask){ .id = id, .values = values, .n = n }, opts, 0,
                               out ? &result : NULL, err);

    if (st == HF_OK && out)
        *out = result;
    return st;
}

hf_status hf_webhook_get(hf_client *client, const char *id, const hf_call_opts *opts,
                         hf_webhook **out, hf_error *err)
{
    hf_status st = enter_text(client, id, "id", err);

    if (st == HF_OK)
        st = need_out(out, err);
    return st == HF_OK ? ask_webhook(client, HF__EP_WEBHOOK_GET, (hf__value[]){ HF__TEXT(id) }, 1,
                                     opts, out, err)
                       : st;
}

static void add_watched(hf__buf *out, const hf_watched *watched, size_t n)
{
    hf__buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        hf__buf_adds(out, i ? ", {\"type\": " : "{\"type\": ");
        hf__json_add_string(out, hf__str_from(watched[i].type));
        hf__buf_adds(out, ", \"name\": ");
        hf__json_add_string(out, hf__str_from(watched[i].name));
        hf__buf_addc(out, '}');
    }
    hf__buf_addc(out, ']');
}

static const char *const all_domains[] = { "repo", "discussion" };

/* id NULL: a new one. */
static hf_status put_webhook(hf_client *client, const char *id, const hf_webhook_opts *opts,
                             hf_webhook **out, hf_error *err)
{
    hf_webhook_opts o;
    hf_call_opts call;
    hf__buf watched;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && o.n_watched && !o.watched)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "watched is NULL, but has a length");
    for (size_t i = 0; st == HF_OK && i < o.n_watched; i++)
        if (!o.watched[i].type || !o.watched[i].name)
            st = hf__fail(err, HF_ERR_INVALID_ARG, "what is watched lacks type or name");
    if (st == HF_OK && !id && !o.n_watched)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a webhook needs something to watch");
    if (st == HF_OK && !id && (o.url != NULL) == (o.job_id != NULL))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a webhook needs a url or a job, and not both");
    if (st != HF_OK)
        return st;
    call = call_opts(o.flags, o.cancel);
    hf__buf_init(&watched, HF__MAX_JSON_BYTES);
    add_watched(&watched, o.watched, o.n_watched);
    if (watched.status != HF_OK) {
        st = hf__fail_nomem(err);
    } else if (id) {
        st = ask_webhook(
            client, HF__EP_WEBHOOK_UPDATE,
            (hf__value[]){ HF__TEXT(id), HF__JSON_TEXT(o.n_watched ? hf__buf_cstr(&watched) : NULL),
                           HF__TEXT(o.url), HF__TEXTS(o.domains, o.n_domains), HF__TEXT(o.secret) },
            5, &call, out, err);
    } else {
        if (!o.n_domains) {
            o.domains = all_domains;
            o.n_domains = 2;
        }
        st = ask_webhook(client, HF__EP_WEBHOOK_CREATE,
                         (hf__value[]){ HF__JSON_TEXT(hf__buf_cstr(&watched)), HF__TEXT(o.url),
                                        HF__TEXT(o.job_id), HF__TEXTS(o.domains, o.n_domains),
                                        HF__TEXT(o.secret) },
                         5, &call, out, err);
    }
    hf__buf_dispose(&watched);
    return st;
}

hf_status hf_webhook_create(hf_client *client, const hf_webhook_opts *opts, hf_webhook **out,
                            hf_error *err)
{
    return put_webhook(client, NULL, opts, out, err);
}

hf_status hf_webhook_update(hf_client *client, const char *id, const hf_webhook_opts *opts,
                            hf_webhook **out, hf_error *err)
{
    hf_status st = enter_text(client, id, "id", err);

    return st == HF_OK ? put_webhook(client, id, opts, out, err) : st;
}

hf_status hf_webhook_enable(hf_client *client, const char *id, int enabled,
                            const hf_call_opts *opts, hf_webhook **out, hf_error *err)
{
    hf_status st = enter_text(client, id, "id", err);

    return st == HF_OK ? ask_webhook(client, HF__EP_WEBHOOK_ENABLE,
                                     (hf__value[]){ HF__TEXT(id),
                                                    HF__TEXT(enabled ? "enable" : "disable") },
                                     2, opts, out, err)
                       : st;
}

hf_status hf_webhook_delete(hf_client *client, const char *id, const hf_call_opts *opts,
                            hf_error *err)
{
    hf_status st = enter_text(client, id, "id", err);

    return st == HF_OK ? ask_webhook(client, HF__EP_WEBHOOK_DELETE, (hf__value[]){ HF__TEXT(id) },
                                     1, opts, NULL, err)
                       : st;
}

void hf_webhook_free(hf_webhook *webhook)
{
    hf__result_free(webhook);
}
