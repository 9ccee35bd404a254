/* SPDX-License-Identifier: Apache-2.0 */
/* What the exported calls that ask one endpoint have in common. */
#include "api/private.h"

#include "core/error.h"

hf_status hf__api_text(const char *text, const char *name, hf_error *err)
{
    return text && *text ? HF_OK
                         : hf__fail(err, HF_ERR_INVALID_ARG, "the %s is NULL or empty", name);
}

static hf_status begin(hf_client *client, hf__ask *ask, const hf_call_opts *opts, uint32_t allowed,
                       hf_error *err)
{
    hf_call_opts o;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && (o.flags & ~allowed))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "the call does not know the flags 0x%x",
                      o.flags & ~allowed);
    if (st == HF_OK && ask->repo)
        st = hf__repo_ref_check(ask->repo, err);
    if (st != HF_OK)
        return st;
    ask->exist_ok = (o.flags & HF_CALL_EXIST_OK) != 0;
    ask->missing_ok = (o.flags & HF_CALL_MISSING_OK) != 0;
    ask->cancel = o.cancel;
    return HF_OK;
}

hf_status hf__api_ask(hf_client *client, hf__ask *ask, const hf_call_opts *opts, uint32_t allowed,
                      void **result, hf_error *err)
{
    hf_status st = begin(client, ask, opts, allowed, err);

    return st == HF_OK ? hf__hub_ask(client->hub, ask, result, err) : st;
}

hf_status hf__api_list(hf_client *client, hf__ask *ask, const hf_call_opts *opts, hf_list **out,
                       hf_error *err)
{
    hf_status st = begin(client, ask, opts, 0, err);

    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    return st == HF_OK ? hf__hub_list_open(client->hub, ask, 0, out, err) : st;
}

hf_status hf__api_next(hf_list *list, hf__endpoint_id id, const void *out, const void **result,
                       hf_error *err)
{
    hf__error_clear(err);
    if (!list || !out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "list or out is NULL");
    return hf__hub_list_next(list, id, result, err);
}

void hf_list_close(hf_list *list)
{
    hf__hub_list_close(list);
}

/* ---- any request */

hf_status hf_api_request(hf_client *client, const char *method, const char *path,
                         const hf_api_opts *opts, hf_response **out, hf_error *err)
{
    hf_api_opts o;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__api_options(&o, sizeof(o), opts, err);
    if (st == HF_OK && !out)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    if (st == HF_OK && (o.flags & ~(HF_API_RETRY | HF_API_ANY_STATUS)))
        st = hf__fail(err, HF_ERR_INVALID_ARG, "unknown flags 0x%x", o.flags);
    if (st == HF_OK && !o.body && o.body_size)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "body is NULL, but it has a size");
    if (st == HF_OK)
        st = hf__api_text(method, "method", err);
    if (st == HF_OK)
        st = hf__api_text(path, "path", err);
    return st == HF_OK ? hf__hub_request(client->hub, method, path, &o, out, err) : st;
}

void hf_response_free(hf_response *response)
{
    hf__hub_response_free(response);
}
