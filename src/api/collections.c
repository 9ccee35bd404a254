/* SPDX-License-Identifier: Apache-2.0 */
/* Collections. */
#include "api/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

hf_status hf_collection_list_open(hf_client *client, const hf_collection_list_opts *opts,
                                  hf_list **out, hf_error *err)
{
    hf_collection_list_opts o;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && o.flags)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", o.flags);
    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK && ((o.n_owners && !o.owners) || (o.n_items && !o.items)))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a list of texts is NULL, but has a length");
    if (st != HF_OK)
        return st;
    return hf__hub_list_open(
        client->hub,
        &(hf__ask){ .id = HF__EP_COLLECTION_LIST,
                    .values = (hf__value[]){ HF__TEXTS(o.owners, o.n_owners),
                                             HF__TEXTS(o.items, o.n_items), HF__TEXT(o.sort),
                                             HF__UINT(o.limit < 100 ? o.limit : 0) },
                    .n = 4,
                    .cancel = o.cancel },
        o.limit, out, err);
}

hf_status hf_list_next_collection(hf_list *list, const hf_collection **out, hf_error *err)
{
    const void *item = NULL;
    hf_status st = hf__api_next(list, HF__EP_COLLECTION_LIST, out, &item, err);

    if (st == HF_OK)
        *out = item;
    return st;
}

static hf_status check(hf_client *client, const char *slug, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    return st == HF_OK ? hf__api_text(slug, "slug", err) : st;
}

/* One collection by a request whose values start with the slug. out NULL: it is not wanted. */
static hf_status ask(hf_client *client, hf__endpoint_id id, const hf__value *values, size_t n,
                     const hf_call_opts *opts, uint32_t allowed, hf_collection **out, hf_error *err)
{
    void *result = NULL;
    hf_status st = hf__api_ask(client, &(hf__ask){ .id = id, .values = values, .n = n }, opts,
                               allowed, out ? &result : NULL, err);

    if (st == HF_OK && out)
        *out = result;
    else
        hf__result_free(result);
    return st;
}

hf_status hf_collection_get(hf_client *client, const char *slug, const hf_call_opts *opts,
                            hf_collection **out, hf_error *err)
{
    hf_status st = check(client, slug, err);

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    return st == HF_OK ? ask(client, HF__EP_COLLECTION_GET, (hf__value[]){ HF__TEXT(slug) }, 1,
                             opts, 0, out, err)
                       : st;
}

void hf_collection_free(hf_collection *collection)
{
    hf__result_free(collection);
}

/* The answer to one that exists names it by its slug alone. */
static hf_status existing(hf_client *client, hf_collection *named, hf_cancel *cancel,
                          hf_collection **out, hf_error *err)
{
    hf_call_opts call = { sizeof(call), 0, cancel };

    return out ? hf_collection_get(client, named->slug, &call, out, err) : HF_OK;
}

static hf_status make(hf_client *client, const hf_collection_opts *o, const char *owner,
                      hf_collection **out, hf_error *err)
{
    hf_error said = HF_ERROR_INIT;
    hf__value values[] = { HF__TEXT(o->title), HF__TEXT(owner), HF__TEXT(o->description),
                           HF__BOOL(o->is_private == HF_YES) };
    hf__ask asked = { .id = HF__EP_COLLECTION_CREATE,
                      .values = values,
                      .n = HF__COUNT(values),
                      .cancel = o->cancel };
    void *result = NULL;
    hf_status st = hf__hub_ask(client->hub, &asked, &result, &said);

    if (st == HF_ERR_CONFLICT && result && (o->flags & HF_CALL_EXIST_OK)) {
        st = existing(client, result, o->cancel, out, err);
    } else if (st == HF_OK && out) {
        *out = result;
        result = NULL;
    } else if (st != HF_OK) {
        hf__error_copy(err, &said);
    }
    hf__result_free(result);
    return st;
}

hf_status hf_collection_create(hf_client *client, const hf_collection_opts *opts,
                               hf_collection **out, hf_error *err)
{
    hf_collection_opts o;
    hf_user *user = NULL;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && (o.flags & ~HF_CALL_EXIST_OK))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", o.flags);
    if (st == HF_OK)
        st = hf__api_text(o.title, "title", err);
    if (st == HF_OK && (o.theme || o.position))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "theme and position are for a change only");
    if (st == HF_OK && !o.owner)
        st = hf__hub_whoami(client->hub, NULL, o.cancel, &user, err);
    if (st == HF_OK)
        st = make(client, &o, o.owner ? o.owner : user->name, out, err);
    hf__hub_user_free(user);
    return st;
}

/* As JSON, since 0 is a place; NULL for none. */
static const char *place(const uint32_t *position, char text[16])
{
    if (!position)
        return NULL;
    (void)snprintf(text, 16, "%u", *position);
    return text;
}

hf_status hf_collection_update(hf_client *client, const char *slug, const hf_collection_opts *opts,
                               hf_collection **out, hf_error *err)
{
    hf_collection_opts o;
    hf_call_opts call = HF_CALL_OPTS_INIT;
    char text[16];
    hf_status st = check(client, slug, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && o.owner)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "a collection cannot change its owner");
    if (st == HF_OK && !o.title && !o.description && !o.theme && !o.position && !o.is_private)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "there is nothing to change");
    if (st != HF_OK)
        return st;
    call.flags = o.flags;
    call.cancel = o.cancel;
    return ask(client, HF__EP_COLLECTION_UPDATE,
               (hf__value[]){ HF__TEXT(slug), HF__TEXT(o.title), HF__TEXT(o.description),
                              HF__JSON_TEXT(place(o.position, text)), HF__CHOICE(o.is_private),
                              HF__TEXT(o.theme) },
               6, &call, 0, out, err);
}

hf_status hf_collection_delete(hf_client *client, const char *slug, const hf_call_opts *opts,
                               hf_error *err)
{
    hf_status st = check(client, slug, err);

    return st == HF_OK ? ask(client, HF__EP_COLLECTION_DELETE, (hf__value[]){ HF__TEXT(slug) }, 1,
                             opts, HF_CALL_MISSING_OK, NULL, err)
                       : st;
}

hf_status hf_collection_item_add(hf_client *client, const char *slug, const char *item_id,
                                 const char *item_type, const char *note, const hf_call_opts *opts,
                                 hf_collection **out, hf_error *err)
{
    hf__buf item;
    hf_status st = check(client, slug, err);

    if (st == HF_OK)
        st = hf__api_text(item_id, "item's id", err);
    if (st == HF_OK)
        st = hf__api_text(item_type, "item's type", err);
    if (st != HF_OK)
        return st;
    hf__buf_init(&item, HF__MAX_URL);
    hf__buf_adds(&item, "{\"id\": ");
    hf__json_add_string(&item, hf__str_from(item_id));
    hf__buf_adds(&item, ", \"type\": ");
    hf__json_add_string(&item, hf__str_from(item_type));
    hf__buf_addc(&item, '}');
    st = item.status == HF_OK
             ? ask(client, HF__EP_ITEM_ADD,
                   (hf__value[]){ HF__TEXT(slug), HF__JSON_TEXT(hf__buf_cstr(&item)),
                                  HF__TEXT(note) },
                   3, opts, HF_CALL_EXIST_OK, out, err)
             : hf__fail(err, item.status, "the item's id is too long");
    hf__buf_dispose(&item);
    return st;
}

hf_status hf_collection_item_update(hf_client *client, const char *slug, const char *object_id,
                                    const char *note, const uint32_t *position,
                                    const hf_call_opts *opts, hf_error *err)
{
    char text[16];
    hf_status st = check(client, slug, err);

    if (st == HF_OK)
        st = hf__api_text(object_id, "object's id", err);
    return st == HF_OK ? ask(client, HF__EP_ITEM_UPDATE,
                             (hf__value[]){ HF__TEXT(slug), HF__TEXT(object_id), HF__TEXT(note),
                                            HF__JSON_TEXT(place(position, text)) },
                             4, opts, 0, NULL, err)
                       : st;
}

hf_status hf_collection_item_delete(hf_client *client, const char *slug, const char *object_id,
                                    const hf_call_opts *opts, hf_error *err)
{
    hf_status st = check(client, slug, err);

    if (st == HF_OK)
        st = hf__api_text(object_id, "object's id", err);
    return st == HF_OK ? ask(client, HF__EP_ITEM_DELETE,
                             (hf__value[]){ HF__TEXT(slug), HF__TEXT(object_id) }, 2, opts,
                             HF_CALL_MISSING_OK, NULL, err)
                       : st;
}
