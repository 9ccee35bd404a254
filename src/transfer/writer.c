/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and writes a body while it arrives. Buffers come from the I/O thread; a strand of the pool
 * works on them. */
#include "transfer/private.h"

hf_status hf__writer_init(writer *w, const hf__transfer_ctx *ctx, void (*on_drained)(void *),
                          void *self, hf_error *err)
{
    memset(w, 0, sizeof(*w));
    w->net = ctx->net;
    w->on_drained = on_drained;
    w->self = self;
    w->fd = -1;
    pthread_mutex_init(&w->synced.lock, NULL);
    atomic_init(&w->written, 0);
    atomic_init(&w->failed, false);
    return hf__strand_new(ctx->pool, &w->strand, err);
}

void hf__writer_dispose(writer *w)
{
    if (w->strand)
        hf__strand_wait(w->strand);
    hf__strand_free(w->strand);
    hf__hash_free(w->strand_data.hash);
    pthread_mutex_destroy(&w->synced.lock);
}

hf_status hf__writer_open(writer *w, int fd, const char *path, hf__hash_kind kind, uint64_t size,
                          hf_error *err)
{
    hf__hash_free(w->strand_data.hash);
    w->strand_data.hash = NULL;
    w->strand_data.status = HF_OK;
    w->strand_data.err = (hf_error)HF_ERROR_INIT;
    w->fd = fd;
    w->path = path;
    w->size = size;
    atomic_store(&w->written, 0);
    atomic_store(&w->failed, false);
    return kind ? hf__hash_new(kind, size, &w->strand_data.hash, err) : HF_OK;
}

void hf__writer_stream_begins(writer *w)
{
    w->synced.ended = false;
    w->strand_data.base = atomic_load(&w->written);
}

void hf__writer_set_base(writer *w, uint64_t base)
{
    w->strand_data.base = base;
}

/* A server that ignores a range sends again what is here; that part is passed over. */
static void write_one(writer *w, const hf__net_buf *buf)
{
    uint64_t done = atomic_load_explicit(&w->written, memory_order_relaxed);
    uint64_t from = w->strand_data.base + buf->offset;
    uint64_t skip = done > from ? done - from : 0;
    size_t len;

    if (w->strand_data.status != HF_OK || skip >= buf->len)
        return;
    len = buf->len - (size_t)skip;
    if (from > done)
        w->strand_data.status =
            hf__fail(&w->strand_data.err, HF_ERR_INTERNAL, "a gap in the body of '%s'", w->path);
    else if (w->size != HF__NET_NO_LIMIT && len > w->size - done)
        w->strand_data.status =
            hf__fail(&w->strand_data.err, HF_ERR_PROTOCOL,
                     "the server sends more than the %llu bytes it announced for '%s'",
                     (unsigned long long)w->size, w->path);
    else
        w->strand_data.status =
            hf__os_pwrite(w->fd, buf->data + skip, len, done, w->path, &w->strand_data.err);
    if (w->strand_data.status != HF_OK) {
        if (w->strand_data.status == HF_ERR_DISK_FULL && w->size != HF__NET_NO_LIMIT)
            (void)hf__fail(&w->strand_data.err, HF_ERR_DISK_FULL,
                           "no space left on device for '%s': %llu bytes missing", w->path,
                           (unsigned long long)(w->size - done));
        atomic_store(&w->failed, true);
        return;
    }
    if (w->strand_data.hash)
        hf__hash_add(w->strand_data.hash, buf->data + skip, len);
    atomic_store_explicit(&w->written, done + len, memory_order_release);
}

static void work(void *arg)
{
    writer *w = arg;

    for (;;) {
        hf__net_buf *buf;
        bool ended;

        pthread_mutex_lock(&w->synced.lock);
        buf = w->synced.first;
        w->synced.first = NULL;
        w->synced.last = NULL;
        ended = w->synced.ended;
        if (!buf) {
            w->synced.queued = false;
            pthread_mutex_unlock(&w->synced.lock);
            /* Nobody adds after the end, so this is said once; the caller may reuse the writer
             * right after. */
            if (ended)
                w->on_drained(w->self);
            return;
        }
        pthread_mutex_unlock(&w->synced.lock);
        while (buf) {
            hf__net_buf *next = buf->next;

            write_one(w, buf);
            hf__net_buf_release(w->net, buf);
            buf = next;
        }
    }
}

static void queue_locked(writer *w, bool *add)
{
    *add = !w->synced.queued;
    w->synced.queued = true;
    if (*add) {
        w->job.fn = work;
        w->job.arg = w;
    }
}

void hf__writer_take(writer *w, hf__net_buf *buf)
{
    bool add;

    if (atomic_load(&w->failed)) {
        hf__net_buf_release(w->net, buf);
        return;
    }
    buf->next = NULL;
    pthread_mutex_lock(&w->synced.lock);
    if (w->synced.last)
        w->synced.last->next = buf;
    else
        w->synced.first = buf;
    w->synced.last = buf;
    queue_locked(w, &add);
    pthread_mutex_unlock(&w->synced.lock);
    if (add)
        hf__strand_add(w->strand, &w->job);
}

void hf__writer_end(writer *w)
{
    bool add;

    pthread_mutex_lock(&w->synced.lock);
    w->synced.ended = true;
    queue_locked(w, &add);
    pthread_mutex_unlock(&w->synced.lock);
    if (add)
        hf__strand_add(w->strand, &w->job);
}
