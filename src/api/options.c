/* SPDX-License-Identifier: Apache-2.0 */
/* Options intake and the checks every call begins with. */
#include "api/private.h"

#include "core/env.h"
#include "core/error.h"
#include "core/limits.h"

#include <string.h>

hf_status hf__api_options(void *out, size_t size, const void *given, hf_error *err)
{
    uint32_t claimed;

    memset(out, 0, size);
    if (!given)
        return HF_OK;
    memcpy(&claimed, given, sizeof(claimed));
    if (claimed < sizeof(claimed) || claimed > 64 * 1024)
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "the options' struct_size is %u; start them with their HF_..._OPTS_INIT",
                        claimed);
    for (size_t i = size; i < claimed; i++)
        if (((const unsigned char *)given)[i])
            return hf__fail(
                err, HF_ERR_INVALID_ARG,
                "the options use a field that this version of the library (%s) does not know",
                HF_VERSION_STRING);
    memcpy(out, given, claimed < size ? claimed : size);
    return HF_OK;
}

hf_status hf__api_enter(hf_client *client, hf_error *err)
{
    hf__error_clear(err);
    if (!client)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the client is NULL");
    if (client->has_key && pthread_getspecific(client->in_callback))
        return hf__fail(err, HF_ERR_INVALID_ARG,
                        "a call was made from inside a callback of the same client");
    if (hf__net_forked(client->net))
        return hf__fail(err, HF_ERR_UNSUPPORTED,
                        "the client was in use before a fork; make another in the new process");
    return HF_OK;
}

hf_status hf__api_dir(const char *dir, hf__buf *out, const char **expanded, hf_error *err)
{
    hf__buf_init(out, HF__MAX_PATH);
    *expanded = NULL;
    if (!dir)
        return HF_OK;
    if (!*dir)
        return hf__fail(err, HF_ERR_INVALID_ARG, "a directory's name is empty");
    hf__env_expand_path(out, dir);
    if (out->status != HF_OK)
        return hf__fail(err, out->status, "the path '%.200s' is too long", dir);
    *expanded = hf__buf_cstr(out);
    return HF_OK;
}

hf_status hf__api_patterns(const char *const *patterns, size_t n, hf_error *err)
{
    if (!patterns && n)
        return hf__fail(err, HF_ERR_INVALID_ARG, "%zu patterns are announced, but the list is NULL",
                        n);
    for (size_t i = 0; i < n; i++)
        if (!patterns[i])
            return hf__fail(err, HF_ERR_INVALID_ARG, "pattern %zu is NULL", i);
    return HF_OK;
}

/* ---- callbacks: marks the thread, so that a call from inside is an error and not a deadlock */

static int deliver(const hf_progress *event, void *user)
{
    hf__api_guarded *g = user;
    int result;

    if (g->client->has_key)
        pthread_setspecific(g->client->in_callback, g);
    result = g->fn(event, g->user);
    if (g->client->has_key)
        pthread_setspecific(g->client->in_callback, NULL);
    return result;
}

void hf__api_guard(hf__api_guarded *g, hf_client *client, hf_progress_fn **fn, void **user)
{
    *g = (hf__api_guarded){ client, *fn, *user };
    if (*fn) {
        *fn = deliver;
        *user = g;
    }
}
