/* SPDX-License-Identifier: Apache-2.0 */
/* hf_uri: model's parser behind a public face. */
#include "core/arena.h"
#include "core/error.h"
#include "model/model.h"

#include <stdlib.h>

/* The parts first, so that the pointer the caller holds is the whole object. */
typedef struct uri_owner {
    hf_uri pub;
    hf__uri parts;
} uri_owner;

hf_status hf_uri_parse(const char *text, hf_uri **out, hf_error *err)
{
    uri_owner *owner;
    hf_status st;

    hf__error_clear(err);
    if (!text)
        return hf__fail(err, HF_ERR_INVALID_ARG, "the URI is NULL");
    if (!out)
        return hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL");
    owner = calloc(1, sizeof(*owner));
    if (!owner)
        return hf__fail_nomem(err);
    st = hf__uri_parse(&owner->parts, text, err);
    if (st != HF_OK) {
        free(owner);
        return st;
    }
    owner->pub.type = owner->parts.type;
    owner->pub.is_bucket = owner->parts.is_bucket;
    owner->pub.id = owner->parts.id;
    owner->pub.revision = owner->parts.revision[0] ? owner->parts.revision : NULL;
    owner->pub.path = owner->parts.path[0] ? owner->parts.path : NULL;
    *out = &owner->pub;
    return HF_OK;
}

void hf_uri_free(hf_uri *uri)
{
    free(uri);
}
