/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, making and changing repos; branches, tags and history. */
#include "api/private.h"

#include "core/cancel.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

enum { BUSY_TRIES = 5 };

/* The type as the calls of hub-http.md 6 want it: models go without. */
static const char *type_word(hf_repo_type type)
{
    return type == HF_REPO_MODEL ? NULL : hf__repo_type_name(type);
}

static const char *visibility_word(hf_visibility visibility)
{
    static const char *const words[] = { NULL, "public", "private", "protected" };

    return (unsigned)visibility < HF__COUNT(words) ? words[visibility] : NULL;
}

static hf_status check_visibility(hf_visibility visibility, hf_error *err)
{
    return (unsigned)visibility <= HF_VISIBILITY_PROTECTED
               ? HF_OK
               : hf__fail(err, HF_ERR_INVALID_ARG, "%d is no visibility", (int)visibility);
}

/* An id given for another repo of the same type. */
static hf_status check_id(hf_repo_type type, const char *id, bool whole, hf_error *err)
{
    hf_repo_ref repo = { type, id, NULL };
    hf_status st = hf__api_text(id, "repo id", err);

    if (st == HF_OK)
        st = hf__repo_ref_check(&repo, err);
    if (st == HF_OK && whole && !strchr(id, '/'))
        st = hf__fail(err, HF_ERR_INVALID_ARG,
                      "the repo id '%s' has no namespace; write 'namespace/name'", id);
    return st;
}

/* Splits "namespace/name" in place of copy; organization is NULL for a bare name. */
static void split_id(const char *id, char copy[200], const char **organization, const char **name)
{
    char *slash;

    (void)snprintf(copy, 200, "%s", id);
    slash = strchr(copy, '/');
    if (slash)
        *slash = '\0';
    *organization = slash ? copy : NULL;
    *name = slash ? slash + 1 : copy;
}

/* ---- lists */

static hf_status check_list(hf_repo_type type, const hf_repo_list_opts *o,
                            const hf_list *const *out, hf_error *err)
{
    const uint32_t full = HF_REPO_LIST_FULL | HF_REPO_LIST_CONFIG | HF_REPO_LIST_CARD_DATA;

    if (!out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (type != HF_REPO_MODEL && type != HF_REPO_DATASET && type != HF_REPO_SPACE)
        return hf__fail(err, HF_ERR_INVALID_ARG, "only models, datasets and spaces can be listed");
    if (o->flags & ~(full | HF_REPO_LIST_LINKED))
        return hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", o->flags);
    if (o->n_expand && (o->flags & full))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "expand cannot be combined with full, config or "
                        "card data");
    if ((o->n_tags && !o->tags) || (o->n_apps && !o->apps) || (o->n_providers && !o->providers) ||
        (o->n_models && !o->models) || (o->n_datasets && !o->datasets) ||
        (o->n_expand && !o->expand))
        return hf__fail(err, HF_ERR_INVALID_ARG, "a list of texts is NULL, but has a length");
    return HF_OK;
}

static hf_status open_list(hf_client *client, hf_repo_type type, const hf_repo_list_opts *o,
                           const char *const *tags, size_t n_tags, hf_list **out, hf_error *err)
{
    const uint64_t page = o->limit && o->limit < 1000 ? o->limit : 0;
    const hf__value values[] = { HF__TEXT(o->search),
                                 HF__TEXT(o->author),
                                 HF__TEXTS(tags, n_tags),
                                 HF__TEXT(o->pipeline_tag),
                                 HF__TEXTS(o->apps, o->n_apps),
                                 HF__TEXT(o->num_parameters),
                                 HF__CHOICE(o->gated),
                                 HF__TEXT(o->inference),
                                 HF__TEXTS(o->providers, o->n_providers),
                                 HF__BOOL(o->flags & HF_REPO_LIST_LINKED),
                                 HF__TEXTS(o->models, o->n_models),
                                 HF__TEXTS(o->datasets, o->n_datasets),
                                 HF__TEXT(o->sort),
                                 HF__BOOL(o->flags & HF_REPO_LIST_FULL),
                                 HF__BOOL(o->flags & HF_REPO_LIST_CONFIG),
                                 HF__BOOL(o->flags & HF_REPO_LIST_CARD_DATA),
                                 HF__TEXTS(o->expand, o->n_expand),
                                 HF__UINT(page) };
    hf__ask ask = { .id = HF__EP_REPO_LIST,
                    .type = type,
                    .values = values,
                    .n = HF__COUNT(values),
                    .cancel = o->cancel };

    return hf__hub_list_open(client->hub, &ask, o->limit, out, err);
}

hf_status hf_repo_list_open(hf_client *client, hf_repo_type type, const hf_repo_list_opts *opts,
                            hf_list **out, hf_error *err)
{
    hf_repo_list_opts o;
    const char **tags;
    hf_status st = hf__api_enter(client, err);
    hf__arena *arena;

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK)
        st = check_list(type, &o, (const hf_list *const *)out, err);
    if (st != HF_OK)
        return st;
    arena = hf__arena_new();
    tags = arena ? hf__arena_array(arena, o.n_tags + 1, sizeof(*tags)) : NULL;
    if (!tags) {
        st = hf__fail_nomem(err);
        goto done;
    }
    if (o.n_tags)
        memcpy(tags, o.tags, o.n_tags * sizeof(*tags));
    if (o.library) /* one more tag to the Hub */
        tags[o.n_tags] = o.library;
    st = open_list(client, type, &o, tags, o.n_tags + (o.library ? 1 : 0), out, err);
done:
    hf__arena_free(arena);
    return st;
}

hf_status hf_list_next_repo(hf_list *list, const hf_repo_info **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_REPO_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

hf_status hf_topic_list_open(hf_client *client, hf_repo_type type, const hf_call_opts *opts,
                             hf_list **out, hf_error *err)
{
    hf__ask ask = { .id = HF__EP_TOPIC_LIST, .type = type };

    if (type != HF_REPO_MODEL && type != HF_REPO_DATASET)
        return hf__fail(err, HF_ERR_INVALID_ARG, "only models and datasets have a list of tags");
    return hf__api_list(client, &ask, opts, out, err);
}

hf_status hf_list_next_topic(hf_list *list, const hf_topic **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_TOPIC_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

hf_status hf_owned_list_open(hf_client *client, const char *organization, const hf_call_opts *opts,
                             hf_list **out, hf_error *err)
{
    hf__ask ask = { .id = organization ? HF__EP_ORG_OWNED_LIST : HF__EP_OWNED_LIST,
                    .values = (hf__value[]){ HF__TEXT(organization) },
                    .n = 1 };

    return hf__api_list(client, &ask, opts, out, err);
}

hf_status hf_list_next_owned(hf_list *list, const hf_owned_repo **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_OWNED_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

/* ---- create, duplicate */

static const char *setting_text(hf__buf *buf, const hf_space_setting *settings, size_t n)
{
    hf__buf_init(buf, HF__MAX_JSON_BYTES);
    if (n == 0)
        return NULL;
    hf__hub_add_settings(buf, settings, n);
    return hf__buf_cstr(buf);
}

static const char *volume_text(hf__buf *buf, const hf_space_volume *volumes, size_t n)
{
    hf__buf_init(buf, HF__MAX_JSON_BYTES);
    if (n == 0)
        return NULL;
    hf__hub_add_volumes(buf, volumes, n);
    return hf__buf_cstr(buf);
}

static hf_status check_volumes(const hf_space_volume *volumes, size_t n, hf_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!volumes || !volumes[i].type || !volumes[i].source || !volumes[i].mount_path ||
            volumes[i].mount_path[0] != '/')
            return hf__fail(err, HF_ERR_INVALID_ARG,
                            "a volume lacks type, source or a mount path that begins with '/'");
    return HF_OK;
}

static hf_status check_settings(const hf_space_setting *settings, size_t n, hf_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!settings || !settings[i].key || !settings[i].value)
            return hf__fail(err, HF_ERR_INVALID_ARG, "a secret or variable lacks key or value");
    return HF_OK;
}

static hf_status check_create(const hf_repo_ref *repo, const hf_create_opts *o, hf_error *err)
{
    hf_status st = hf__repo_ref_check(repo, err);

    if (st == HF_OK && (o->flags & ~HF_CALL_EXIST_OK))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", o->flags);
    if (st == HF_OK)
        st = check_visibility(o->visibility, err);
    if (st == HF_OK)
        st = check_settings(o->secrets, o->n_secrets, err);
    if (st == HF_OK)
        st = check_settings(o->variables, o->n_variables, err);
    if (st == HF_OK)
        st = check_volumes(o->volumes, o->n_volumes, err);
    return st;
}

/* A Hub that is busy with another operation on the same name says 409, as it does for one that
 * exists. */
static bool is_busy(hf_status st, const hf_error *said)
{
    return st == HF_ERR_CONFLICT && strstr(said->message, "another conflicting operation");
}

static hf_status nap(uint32_t ms, const hf_cancel *cancel, hf_error *err)
{
    uint64_t until = hf__clock_ms() + ms;

    while (!hf__canceled(cancel) && hf__clock_ms() < until)
        hf__clock_sleep_ms(20);
    return hf__canceled(cancel) ? hf__fail(err, HF_ERR_CANCELED, "cancelled") : HF_OK;
}

/* Asks again while the Hub is busy. *existed: it was there, which the caller finds fine. */
static hf_status ask_patiently(hf_client *client, hf__ask *ask, bool exist_ok, void **answer,
                               bool *existed, hf_error *err)
{
    hf_error said = HF_ERROR_INIT;
    hf_status st;

    for (uint32_t i = 0;; i++) {
        hf__result_free(*answer);
        *answer = NULL;
        st = hf__hub_ask(client->hub, ask, answer, &said);
        if (i + 1 >= BUSY_TRIES || !is_busy(st, &said))
            break;
        if (nap(1000u << i, ask->cancel, err) != HF_OK)
            return HF_ERR_CANCELED;
    }
    *existed = false;
    if (exist_ok && st == HF_ERR_CONFLICT && !is_busy(st, &said)) {
        *existed = true;
        return HF_OK;
    }
    hf__error_copy(err, &said);
    return st;
}

/* With exist_ok, a token that may not make the repo is no trouble when the repo can be read. */
static bool can_be_read(hf_client *client, const hf_repo_ref *repo, const hf_cancel *cancel)
{
    void *info = NULL;
    hf_repo_ref at = { repo->type, repo->id, NULL };
    hf__ask ask = { .id = HF__EP_REPO_INFO, .repo = &at, .cancel = cancel };
    bool there = hf__hub_ask(client->hub, &ask, &info, NULL) == HF_OK;

    hf__result_free(info);
    return there;
}

typedef struct url_owner {
    hf_repo_url pub; /* first, so that the caller's pointer is the whole object */
    hf__arena *arena;
} url_owner;

/* The id that a bare name has: what the address says after the type, else the token's user's. */
static hf_status whole_id(hf_client *client, const hf_repo_ref *repo, const char *url,
                          const hf_cancel *cancel, hf__buf *out, hf_error *err)
{
    const char *name = url ? strrchr(url, '/') : NULL;
    const char *start = name;
    hf_user *user = NULL;
    hf_status st = HF_OK;

    if (strchr(repo->id, '/')) {
        hf__buf_adds(out, repo->id);
    } else if (name && strcmp(name + 1, repo->id) == 0) {
        while (start > url && start[-1] != '/')
            start--;
        hf__buf_adds(out, start);
    } else {
        st = hf__hub_whoami(client->hub, NULL, cancel, &user, err);
        if (st == HF_OK)
            hf__buf_addf(out, "%s/%s", user->name, repo->id);
        hf__hub_user_free(user);
    }
    return st == HF_OK && out->status != HF_OK ? hf__fail_nomem(err) : st;
}

static hf_status make_url(hf_client *client, const hf_repo_ref *repo, const hf_repo_url *told,
                          bool existed, const hf_cancel *cancel, hf_repo_url **out, hf_error *err)
{
    const char *plural = repo->type == HF_REPO_MODEL ? "" : hf__repo_type_plural(repo->type);
    hf__arena *arena = NULL;
    url_owner *owner = NULL;
    hf__buf url;
    hf__buf id;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&id, HF__MAX_URL);
    st = whole_id(client, repo, told ? told->url : NULL, cancel, &id, err);
    if (st != HF_OK)
        goto done;
    if (told)
        hf__buf_adds(&url, told->url);
    else
        hf__buf_addf(&url, "%s/%s%s%s", client->endpoint, plural, *plural ? "/" : "",
                     hf__buf_cstr(&id));
    arena = hf__arena_new();
    owner = arena ? hf__arena_alloc(arena, sizeof(*owner)) : NULL;
    if (owner && url.status == HF_OK) {
        owner->arena = arena;
        owner->pub.type = repo->type;
        owner->pub.url = hf__arena_str(arena, hf__buf_str(&url));
        owner->pub.id = hf__arena_str(arena, hf__buf_str(&id));
        owner->pub.existed = existed;
        owner->pub.is_copying = told && told->is_copying;
    }
    if (!owner || url.status != HF_OK || hf__arena_failed(arena)) {
        hf__arena_free(arena);
        st = hf__fail_nomem(err);
        goto done;
    }
    *out = &owner->pub;
done:
    hf__buf_dispose(&url);
    hf__buf_dispose(&id);
    return st;
}

static hf_status finish_create(hf_client *client, hf__ask *ask, const hf_create_opts *o,
                               const hf_repo_ref *made, hf_repo_url **out, hf_error *err)
{
    bool exist_ok = (o->flags & HF_CALL_EXIST_OK) != 0;
    void *answer = NULL;
    bool existed = false;
    hf_status st;

    ask->cancel = o->cancel;
    st = ask_patiently(client, ask, exist_ok, &answer, &existed, err);
    if (exist_ok && (st == HF_ERR_FORBIDDEN || st == HF_ERR_UNAUTHORIZED) &&
        can_be_read(client, made, o->cancel)) {
        hf__error_clear(err);
        existed = true;
        st = HF_OK;
    }
    if (st == HF_OK && out)
        st = make_url(client, made, answer, existed, o->cancel, out, err);
    hf__result_free(answer);
    return st;
}

hf_status hf_repo_create(hf_client *client, const hf_repo_ref *repo, const hf_create_opts *opts,
                         hf_repo_url **out, hf_error *err)
{
    hf_create_opts o;
    hf__buf secrets;
    hf__buf variables;
    hf__buf volumes;
    char copy[200];
    const char *organization;
    const char *name;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK)
        st = check_create(repo, &o, err);
    if (st == HF_OK && repo->type == HF_REPO_SPACE && !o.sdk)
        st = hf__fail(err, HF_ERR_INVALID_ARG,
                      "a space needs an sdk: 'gradio', 'streamlit', 'docker' or 'static'");
    if (st != HF_OK)
        return st;
    split_id(repo->id, copy, &organization, &name);
    {
        const hf__value values[] = {
            HF__TEXT(name),
            HF__TEXT(organization),
            HF__TEXT(type_word(repo->type)),
            HF__TEXT(visibility_word(o.visibility)),
            HF__TEXT(o.sdk),
            HF__TEXT(o.space_template),
            HF__TEXT(o.hardware),
            HF__TEXT(o.storage),
            HF__UINT(o.sleep_time_s),
            HF__JSON_TEXT(setting_text(&secrets, o.secrets, o.n_secrets)),
            HF__JSON_TEXT(setting_text(&variables, o.variables, o.n_variables)),
            HF__JSON_TEXT(volume_text(&volumes, o.volumes, o.n_volumes)),
            HF__TEXT(o.resource_group),
            HF__TEXT(o.region),
            HF__TEXT(o.license),
        };
        hf__ask ask = {
            .id = HF__EP_REPO_CREATE, .type = repo->type, .values = values, .n = HF__COUNT(values)
        };

        st = secrets.status != HF_OK || variables.status != HF_OK || volumes.status != HF_OK
                 ? hf__fail_nomem(err)
                 : finish_create(client, &ask, &o, repo, out, err);
    }
    hf__buf_dispose(&secrets);
    hf__buf_dispose(&variables);
    hf__buf_dispose(&volumes);
    return st;
}

/* The id of the copy: to_id, else the name alone, which the Hub puts below the token's user. */
static const char *copy_id(const hf_repo_ref *from, const char *to_id)
{
    const char *slash = strchr(from->id, '/');

    return to_id ? to_id : slash ? slash + 1 : from->id;
}

hf_status hf_repo_duplicate(hf_client *client, const hf_repo_ref *from, const char *to_id,
                            const hf_create_opts *opts, hf_repo_url **out, hf_error *err)
{
    hf_create_opts o;
    hf_user *user = NULL;
    hf__buf whole;
    hf__buf secrets;
    hf__buf variables;
    hf__buf volumes;
    hf_repo_ref made;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK)
        st = check_create(from, &o, err);
    if (st == HF_OK && to_id)
        st = check_id(from->type, to_id, false, err);
    if (st != HF_OK)
        return st;
    made = (hf_repo_ref){ from->type, copy_id(from, to_id), NULL };
    hf__buf_init(&whole, 512);
    if (!strchr(made.id, '/')) {
        st = hf__hub_whoami(client->hub, NULL, o.cancel, &user, err);
        if (st != HF_OK)
            return st;
        hf__buf_addf(&whole, "%s/%s", user->name, made.id);
        made.id = hf__buf_cstr(&whole);
    }
    {
        const hf__value values[] = {
            HF__TEXT(made.id),
            HF__TEXT(visibility_word(o.visibility)),
            HF__TEXT(o.hardware),
            HF__TEXT(o.storage),
            HF__UINT(o.sleep_time_s),
            HF__JSON_TEXT(setting_text(&secrets, o.secrets, o.n_secrets)),
            HF__JSON_TEXT(setting_text(&variables, o.variables, o.n_variables)),
            HF__JSON_TEXT(volume_text(&volumes, o.volumes, o.n_volumes)),
        };
        hf__ask ask = {
            .id = HF__EP_REPO_DUPLICATE, .repo = from, .values = values, .n = HF__COUNT(values)
        };

        st = secrets.status != HF_OK || variables.status != HF_OK || volumes.status != HF_OK ||
                     whole.status != HF_OK
                 ? hf__fail_nomem(err)
                 : finish_create(client, &ask, &o, &made, out, err);
    }
    hf__hub_user_free(user);
    hf__buf_dispose(&whole);
    hf__buf_dispose(&secrets);
    hf__buf_dispose(&variables);
    hf__buf_dispose(&volumes);
    return st;
}

void hf_repo_url_free(hf_repo_url *url)
{
    if (url)
        hf__arena_free(((url_owner *)url)->arena);
}

/* ---- delete, move, settings */

hf_status hf_repo_delete(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                         hf_error *err)
{
    char copy[200];
    const char *organization;
    const char *name;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st != HF_OK)
        return st;
    split_id(repo->id, copy, &organization, &name);
    return hf__api_ask(client,
                       &(hf__ask){ .id = HF__EP_REPO_DELETE,
                                   .values = (hf__value[]){ HF__TEXT(name), HF__TEXT(organization),
                                                            HF__TEXT(type_word(repo->type)) },
                                   .n = 3 },
                       opts, HF_CALL_MISSING_OK, NULL, err);
}

hf_status hf_repo_move(hf_client *client, const hf_repo_ref *from, const char *to_id,
                       const hf_call_opts *opts, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(from, err);
    if (st == HF_OK)
        st = check_id(from->type, from->id, true, err);
    if (st == HF_OK)
        st = check_id(from->type, to_id, true, err);
    if (st != HF_OK)
        return st;
    return hf__api_ask(
        client,
        &(hf__ask){ .id = HF__EP_REPO_MOVE,
                    .values = (hf__value[]){ HF__TEXT(from->id), HF__TEXT(to_id),
                                             HF__TEXT(hf__repo_type_name(from->type)) },
                    .n = 3 },
        opts, 0, NULL, err);
}

hf_status hf_repo_settings(hf_client *client, const hf_repo_ref *repo, const hf_settings_opts *opts,
                           hf_error *err)
{
    hf_settings_opts o;
    const char *gated;
    hf_call_opts call = HF_CALL_OPTS_INIT;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = check_visibility(o.visibility, err);
    if (st == HF_OK && !o.visibility && !o.gated)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "there is no setting to change");
    if (st != HF_OK)
        return st;
    gated = !o.gated                         ? NULL
            : strcmp(o.gated, "auto") == 0   ? "\"auto\""
            : strcmp(o.gated, "manual") == 0 ? "\"manual\""
            : strcmp(o.gated, "false") == 0  ? "false"
                                             : "";
    if (gated && !*gated)
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "gated is 'auto', 'manual' or 'false', not '%.40s'", o.gated);
    call.cancel = o.cancel;
    return hf__api_ask(client,
                       &(hf__ask){ .id = HF__EP_REPO_SETTINGS,
                                   .repo = repo,
                                   .values = (hf__value[]){ HF__TEXT(visibility_word(o.visibility)),
                                                            HF__JSON_TEXT(gated) },
                                   .n = 2 },
                       &call, 0, NULL, err);
}

/* ---- branches, tags, history */

hf_status hf_branch_create(hf_client *client, const hf_repo_ref *repo, const char *branch,
                           const hf_call_opts *opts, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__api_text(branch, "branch", err);
    if (st != HF_OK)
        return st;
    return hf__api_ask(
        client,
        &(hf__ask){ .id = HF__EP_BRANCH_CREATE,
                    .repo = repo,
                    .values = (hf__value[]){ HF__TEXT(branch), HF__TEXT(repo->revision) },
                    .n = 2 },
        opts, HF_CALL_EXIST_OK, NULL, err);
}

/* Calls whose path names one thing of a repo. */
static hf_status ask_named(hf_client *client, hf__endpoint_id id, const hf_repo_ref *repo,
                           const char *name, const char *what, const hf_call_opts *opts,
                           uint32_t allowed, hf_error *err)
{
    hf__ask ask = { .id = id, .repo = repo, .values = (hf__value[]){ HF__TEXT(name) }, .n = 1 };
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__api_text(name, what, err);
    return st == HF_OK ? hf__api_ask(client, &ask, opts, allowed, NULL, err) : st;
}

hf_status hf_branch_delete(hf_client *client, const hf_repo_ref *repo, const char *branch,
                           const hf_call_opts *opts, hf_error *err)
{
    return ask_named(client, HF__EP_BRANCH_DELETE, repo, branch, "branch", opts, HF_CALL_MISSING_OK,
                     err);
}

hf_status hf_tag_create(hf_client *client, const hf_repo_ref *repo, const char *tag,
                        const char *message, const hf_call_opts *opts, hf_error *err)
{
    hf__ask ask = { .id = HF__EP_TAG_CREATE,
                    .repo = repo,
                    .values = (hf__value[]){ HF__TEXT(tag), HF__TEXT(message) },
                    .n = 2 };
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st == HF_OK)
        st = hf__api_text(tag, "tag", err);
    return st == HF_OK ? hf__api_ask(client, &ask, opts, HF_CALL_EXIST_OK, NULL, err) : st;
}

hf_status hf_tag_delete(hf_client *client, const hf_repo_ref *repo, const char *tag,
                        const hf_call_opts *opts, hf_error *err)
{
    return ask_named(client, HF__EP_TAG_DELETE, repo, tag, "tag", opts, HF_CALL_MISSING_OK, err);
}

hf_status hf_history_squash(hf_client *client, const hf_repo_ref *repo, const char *message,
                            const hf_call_opts *opts, hf_error *err)
{
    hf__ask ask = {
        .id = HF__EP_REPO_SQUASH, .repo = repo, .values = (hf__value[]){ HF__TEXT(message) }, .n = 1
    };
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    return st == HF_OK ? hf__api_ask(client, &ask, opts, 0, NULL, err) : st;
}

hf_status hf_refs_get(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                      hf_refs **out, hf_error *err)
{
    hf_call_opts o;
    void *refs = NULL;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    if (st != HF_OK)
        return st;
    st = hf__api_ask(
        client,
        &(hf__ask){ .id = HF__EP_REFS,
                    .repo = repo,
                    .values = (hf__value[]){ HF__UINT(o.flags & HF_REFS_PULL_REQUESTS ? 1 : 0) },
                    .n = 1 },
        opts, HF_REFS_PULL_REQUESTS, &refs, err);
    if (st == HF_OK)
        *out = refs;
    return st;
}

void hf_refs_free(hf_refs *refs)
{
    hf__result_free(refs);
}

hf_status hf_commit_list_open(hf_client *client, const hf_repo_ref *repo, const hf_call_opts *opts,
                              hf_list **out, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__repo_ref_check(repo, err);
    return st == HF_OK ? hf__api_list(client, &(hf__ask){ .id = HF__EP_COMMIT_LIST, .repo = repo },
                                      opts, out, err)
                       : st;
}

hf_status hf_list_next_commit(hf_list *list, const hf_git_commit **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_COMMIT_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}
