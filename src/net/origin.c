/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins: who has a connection, who waits for one, and which server asked us all to pause. A
 * client talks to a handful of them, so a list will do; idle ones are dropped past a number so that
 * a server cannot make it long.
 */
#include "net/internal.h"

#include "core/error.h"

#include <stdlib.h>

enum { MAX_IDLE_ORIGINS = 64 };

void hf__streams_append(hf__streams *list, hf__net_stream *stream)
{
    stream->io.next = NULL;
    stream->io.prev = list->last;
    if (list->last)
        list->last->io.next = stream;
    else
        list->first = stream;
    list->last = stream;
}

void hf__streams_prepend(hf__streams *list, hf__net_stream *stream)
{
    stream->io.prev = NULL;
    stream->io.next = list->first;
    if (list->first)
        list->first->io.prev = stream;
    else
        list->last = stream;
    list->first = stream;
}

void hf__streams_remove(hf__streams *list, hf__net_stream *stream)
{
    if (stream->io.prev)
        stream->io.prev->io.next = stream->io.next;
    else
        list->first = stream->io.next;
    if (stream->io.next)
        stream->io.next->io.prev = stream->io.prev;
    else
        list->last = stream->io.prev;
    stream->io.next = NULL;
    stream->io.prev = NULL;
}

static void drop_idle_io(hf__net *net)
{
    hf__origin **link = &net->io.origins;
    uint32_t n = 0;

    while (*link) {
        hf__origin *origin = *link;
        bool idle =
            !origin->queue.first && !origin->n_active && origin->not_before_ms <= net->io.now_ms;

        if (idle && ++n > MAX_IDLE_ORIGINS) {
            *link = origin->next;
            free(origin);
        } else {
            link = &origin->next;
        }
    }
}

hf__origin *hf__origin_find_io(hf__net *net, const char *url, hf_error *err)
{
    hf__origin *origin;
    hf__url parts;
    hf__buf name;

    hf__buf_init(&name, HF__MAX_URL);
    if (!hf__url_parse(url, &parts)) {
        (void)hf__fail(err, HF_ERR_INTERNAL, "a URL was not checked");
        return NULL;
    }
    hf__url_add_origin(&parts, &name);
    for (origin = net->io.origins; origin; origin = origin->next)
        if (strcmp(origin->name, hf__buf_cstr(&name)) == 0)
            break;
    if (!origin && name.status == HF_OK) {
        drop_idle_io(net);
        origin = calloc(1, sizeof(*origin) + name.len + 1);
        if (origin) {
            memcpy(origin->name, name.ptr, name.len + 1);
            origin->trip_ms = UINT64_MAX;
            origin->next = net->io.origins;
            net->io.origins = origin;
        }
    }
    if (!origin)
        (void)hf__fail_nomem(err);
    hf__buf_dispose(&name);
    return origin;
}

void hf__origins_free_io(hf__net *net)
{
    while (net->io.origins) {
        hf__origin *origin = net->io.origins;

        HF__ASSERT(!origin->queue.first && !origin->n_active);
        net->io.origins = origin->next;
        free(origin);
    }
}
