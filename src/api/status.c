/* SPDX-License-Identifier: Apache-2.0 */
/* Version, statuses, strings and cancel tokens. */
#include "core/cancel.h"
#include "core/error.h"

#include <stdlib.h>

const char *hf_version(void)
{
    return HF_VERSION_STRING;
}

const char *hf_status_name(hf_status status)
{
    return hf__status_name(status);
}

const char *hf_status_text(hf_status status)
{
    return hf__status_text(status);
}

void hf_string_free(char *string)
{
    free(string);
}

hf_status hf_cancel_new(hf_cancel **out)
{
    hf_cancel *cancel;

    if (!out)
        return HF_ERR_INVALID_ARG;
    cancel = calloc(1, sizeof(*cancel));
    if (!cancel)
        return HF_ERR_NO_MEMORY;
    atomic_init(&cancel->set, false);
    *out = cancel;
    return HF_OK;
}

void hf_cancel_set(hf_cancel *cancel)
{
    if (cancel)
        atomic_store_explicit(&cancel->set, true, memory_order_relaxed);
}

void hf_cancel_free(hf_cancel *cancel)
{
    free(cancel);
}
