/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/writer.h"

#include "core/error.h"

#include <stdlib.h>
#include <unistd.h>

#define ROOM_BYTES   ((size_t)256 * 1024)
#define INLINE_BYTES 65536 /* handing a whole file of this size on costs more than working on it */

static size_t n_checks(const hf__writer *w)
{
    return w->size == HF__NET_NO_LIMIT ? 0 : (size_t)(w->size / HF__CHECK_BYTES);
}

/* ---- made and freed */

static hf_status open_strands(hf__writer *w, hf__pool *pool, hf_error *err)
{
    hf_status st = w->by_caller ? HF_OK : hf__strand_new(pool, &w->write_strand, err);

    if (st == HF_OK && w->kind && !w->by_caller)
        st = hf__strand_new(pool, &w->hash_strand, err);
    return st;
}

hf_status hf__writer_init(hf__writer *w, hf__net *net, hf__pool *pool, const hf__writer_file *file,
                          hf_error *err)
{
    hf_status st = HF_OK;

    memset(w, 0, sizeof(*w));
    w->net = net;
    w->fd = file->fd;
    w->path = file->path;
    w->size = file->size;
    w->kind = file->kind;
    w->by_caller = file->journal_fd < 0 && file->size <= INLINE_BYTES;
    w->synced.err = (hf_error)HF_ERROR_INIT;
    if (file->journal_fd >= 0)
        w->disk_strand = file->disk_strand;
    pthread_mutex_init(&w->synced.lock, NULL);
    pthread_cond_init(&w->synced.idle, NULL);
    atomic_init(&w->damaged, UINT64_MAX);
    if (file->journal_fd >= 0 && n_checks(w)) {
        w->hash.checks = calloc(n_checks(w), sizeof(*w->hash.checks));
        if (!w->hash.checks)
            st = hf__fail_nomem(err);
    }
    if (st == HF_OK)
        st = hf__journal_open(&w->journal, file->journal_fd, file->fd, file->path, file->etag,
                              file->size, &w->write.have, w->hash.checks, err);
    if (st == HF_OK && !hf__ranges_add(&w->write.have, 0, file->adopted))
        st = hf__fail_nomem(err);
    if (st == HF_OK && file->adopted)
        hf__journal_wrote(&w->journal, 0, file->adopted);
    if (st == HF_OK)
        st = open_strands(w, pool, err);
    if (st == HF_OK && w->kind)
        st = hf__hash_new(w->kind, w->size, &w->hash.hash, err);
    w->kept = hf__ranges_total(&w->write.have);
    w->synced.hash_upto = hf__ranges_reach(&w->write.have, 0);
    return st;
}

static void drop_all(hf__writer *w, hf__net_buf *buf)
{
    while (buf) {
        hf__net_buf *next = buf->next;

        hf__net_buf_release(w->net, buf);
        buf = next;
    }
}

void hf__writer_settle(hf__writer *w)
{
    if (w->write_strand)
        hf__strand_wait(w->write_strand);
    if (w->hash_strand)
        hf__strand_wait(w->hash_strand);
}

/* The strand may be busy with other files for long. */
static void wait_for_sync(hf__writer *w)
{
    pthread_mutex_lock(&w->synced.lock);
    while (w->synced.syncing)
        pthread_cond_wait(&w->synced.idle, &w->synced.lock);
    pthread_mutex_unlock(&w->synced.lock);
}

void hf__writer_dispose(hf__writer *w)
{
    atomic_store(&w->failed, true); /* nobody waits for the rest of the hash */
    hf__writer_settle(w);
    wait_for_sync(w);
    hf__strand_free(w->write_strand);
    hf__strand_free(w->hash_strand);
    drop_all(w, w->synced.hash_first);
    hf__journal_leave(&w->journal, &w->write.have);
    hf__journal_close(&w->journal);
    hf__ranges_dispose(&w->write.have);
    hf__hash_free(w->hash.hash);
    hf__hash_free(w->hash.saved);
    free(w->hash.checks);
    free(w->hash.room);
    pthread_cond_destroy(&w->synced.idle);
    pthread_mutex_destroy(&w->synced.lock);
}

static void fail(hf__writer *w, hf_status st, const hf_error *err)
{
    pthread_mutex_lock(&w->synced.lock);
    if (w->synced.status == HF_OK) {
        w->synced.status = st;
        hf__error_copy(&w->synced.err, err);
    }
    pthread_mutex_unlock(&w->synced.lock);
    atomic_store(&w->failed, true);
}

static void tell(hf__writer *w)
{
    if (!w->by_caller) /* who is about to look */
        w->on_news(w->self);
}

/* ---- the hash strand */

static void hash_ends(hf__writer *w)
{
    hf__hash_end(w->hash.hash, w->hash.computed);
    atomic_store(&w->hash_done, true);
    tell(w);
}

/* At a check: the digest so far is compared with what it was, or noted. False: damage. */
static bool at_check(hf__writer *w, uint64_t at)
{
    size_t index = (size_t)(at / HF__CHECK_BYTES) - 1;
    hf__check now = { "" };
    hf__hash *copy = NULL;

    if (!w->hash.checks || index >= n_checks(w) || hf__hash_dup(w->hash.hash, &copy, NULL) != HF_OK)
        return true;
    hf__hash_end(copy, now.digest);
    hf__hash_free(copy);
    if (w->hash.checks[index].digest[0] && strcmp(w->hash.checks[index].digest, now.digest) != 0) {
        atomic_store(&w->damaged, at - HF__CHECK_BYTES);
        return false;
    }
    if (!w->hash.checks[index].digest[0]) {
        w->hash.checks[index] = now;
        hf__journal_check(&w->journal, index, &now);
    }
    hf__hash_free(w->hash.saved);
    w->hash.saved = NULL;
    (void)hf__hash_dup(w->hash.hash, &w->hash.saved, NULL);
    return true;
}

/* Hashes bytes that begin where the hash stands. False: the hash goes no further. */
static bool hash_bytes(hf__writer *w, const uint8_t *data, size_t len)
{
    uint64_t at = atomic_load_explicit(&w->hashed, memory_order_relaxed);

    while (len) {
        uint64_t left = HF__CHECK_BYTES - at % HF__CHECK_BYTES;
        size_t n = len < left ? len : (size_t)left;

        hf__hash_add(w->hash.hash, data, n);
        at += n;
        data += n;
        len -= n;
        atomic_store_explicit(&w->hashed, at, memory_order_release);
        if (at % HF__CHECK_BYTES == 0 && !at_check(w, at))
            return false;
    }
    return true;
}

static bool hash_from_disk(hf__writer *w, uint64_t end)
{
    uint64_t at = atomic_load(&w->hashed);
    hf_error err = HF_ERROR_INIT;
    hf_status st = HF_OK;
    size_t got = 0;

    if (!w->hash.room)
        w->hash.room = malloc(ROOM_BYTES);
    if (!w->hash.room)
        st = hf__fail_nomem(&err);
    if (st == HF_OK)
        st = hf__os_pread(w->fd, w->hash.room,
                          end - at < ROOM_BYTES ? (size_t)(end - at) : ROOM_BYTES, at, &got,
                          w->path, &err);
    if (st == HF_OK && got == 0)
        st = hf__fail(&err, HF_ERR_IO, "'%s' became shorter while it was read", w->path);
    if (st != HF_OK) {
        fail(w, st, &err);
        return false;
    }
    return hash_bytes(w, w->hash.room, got);
}

/* What to do next: a buffer to hash, or the end of what can be read; neither: nothing. */
static hf__net_buf *next_to_hash(hf__writer *w, uint64_t *read_to)
{
    uint64_t at = atomic_load(&w->hashed);
    hf__net_buf *buf;

    pthread_mutex_lock(&w->synced.lock);
    buf = w->synced.hash_first;
    *read_to = 0;
    if (buf && buf->offset > at) {
        *read_to = buf->offset;
        buf = NULL;
    } else if (buf) {
        w->synced.hash_first = buf->next;
        if (!buf->next)
            w->synced.hash_last = NULL;
    } else if (w->synced.hash_upto > at) {
        *read_to = w->synced.hash_upto;
    } else {
        w->synced.hashing = false;
    }
    pthread_mutex_unlock(&w->synced.lock);
    return buf;
}

static void hash_work(void *arg)
{
    hf__writer *w = arg;

    for (;;) {
        uint64_t read_to;
        hf__net_buf *buf = next_to_hash(w, &read_to);
        bool good = true;

        if (!buf && !read_to)
            return; /* the strand may be waited for from here on */
        if (atomic_load(&w->failed) || atomic_load(&w->damaged) != UINT64_MAX)
            good = false;
        else if (buf)
            good = hash_bytes(w, buf->data, buf->len);
        else
            good = hash_from_disk(w, read_to);
        if (buf)
            hf__net_buf_release(w->net, buf);
        if (good && atomic_load(&w->hashed) == w->size) {
            hash_ends(w);
            return;
        }
        if (!good) {
            /* hashing stays true: nothing more is queued until somebody has looked. */
            pthread_mutex_lock(&w->synced.lock);
            buf = w->synced.hash_first;
            w->synced.hash_first = w->synced.hash_last = NULL;
            pthread_mutex_unlock(&w->synced.lock);
            drop_all(w, buf);
            tell(w);
            return;
        }
    }
}

static void add_hash_job(hf__writer *w)
{
    if (w->by_caller) {
        hash_work(w);
        return;
    }
    w->hash_job.fn = hash_work;
    w->hash_job.arg = w;
    hf__strand_add(w->hash_strand, &w->hash_job);
}

/* ---- the disk strand */

static void sync_work(void *arg)
{
    hf__writer *w = arg;
    hf_error err = HF_ERROR_INIT;
    hf_status st;

    if (!atomic_load(&w->failed)) {
        st = hf__os_sync_data(w->fd, w->path, &err);
        if (st == HF_OK) {
            hf__journal_synced(&w->journal, w->sync_mark);
            (void)fdatasync(w->journal.fd);
        } else {
            hf__journal_lost(&w->journal);
            fail(w, st, &err);
            tell(w);
        }
    }
    pthread_mutex_lock(&w->synced.lock);
    w->synced.syncing = false;
    pthread_cond_signal(&w->synced.idle);
    pthread_mutex_unlock(&w->synced.lock);
}

static void sync_now_and_then(hf__writer *w, uint64_t bytes)
{
    bool busy;

    w->write.unsynced += bytes;
    if (!w->disk_strand || w->write.unsynced < HF__SYNC_BYTES)
        return;
    pthread_mutex_lock(&w->synced.lock);
    busy = w->synced.syncing;
    w->synced.syncing = true;
    pthread_mutex_unlock(&w->synced.lock);
    if (busy)
        return;
    w->write.unsynced = 0;
    w->sync_mark = hf__journal_mark(&w->journal);
    w->sync_job.fn = sync_work;
    w->sync_job.arg = w;
    hf__strand_add(w->disk_strand, &w->sync_job);
}

/* ---- the write strand */

/* Notes the pieces that these bytes completed. */
static void note_pieces(hf__writer *w, uint64_t first, uint64_t end)
{
    if (w->journal.fd >= 0 &&
        hf__ranges_pieces(&w->write.have, w->journal.piece, w->size, &first, &end))
        hf__journal_wrote(&w->journal, first, end);
}

/* What another connection brought in the meantime is not written over: it may be hashed already, and
 * what was hashed must be what lies there. */
static hf_status write_new(hf__writer *w, const hf__net_buf *buf, hf_error *err)
{
    uint64_t end = buf->offset + buf->len;
    uint64_t at = hf__ranges_reach(&w->write.have, buf->offset);
    hf_status st = HF_OK;

    while (st == HF_OK && at < end) {
        uint64_t next = hf__ranges_next(&w->write.have, at);
        uint64_t to = next < end ? next : end;

        st = hf__os_pwrite(w->fd, buf->data + (at - buf->offset), (size_t)(to - at), at, w->path,
                           err);
        if (st == HF_OK && !hf__ranges_add(&w->write.have, at, to))
            st = hf__fail_nomem(err);
        if (st == HF_OK)
            atomic_fetch_add(&w->written, to - at);
        at = hf__ranges_reach(&w->write.have, to);
    }
    return st;
}

static hf_status write_bytes(hf__writer *w, const hf__net_buf *buf, hf_error *err)
{
    hf_status st;

    if (w->size != HF__NET_NO_LIMIT && (buf->offset > w->size || buf->len > w->size - buf->offset))
        return hf__fail(err, HF_ERR_PROTOCOL,
                        "the server sends more than the %llu bytes it announced for '%s'",
                        (unsigned long long)w->size, w->path);
    st = write_new(w, buf, err);
    if (st == HF_ERR_DISK_FULL && w->size != HF__NET_NO_LIMIT)
        st = hf__fail(err, st,
                      "no space left on device for '%s': %llu bytes missing; what is there is kept "
                      "for the next call",
                      w->path, (unsigned long long)(w->size - hf__ranges_total(&w->write.have)));
    return st;
}

/* Hands bytes on to the hash: in their buffer when the hash has nothing to read before them, else
 * it is told how far it may read. True: the buffer is taken. */
static bool pass_on(hf__writer *w, hf__net_buf *buf)
{
    uint64_t reach = hf__ranges_reach(&w->write.have, 0);
    bool taken = false;
    bool add = false;

    pthread_mutex_lock(&w->synced.lock);
    if (reach > w->synced.hash_upto) {
        bool follows =
            w->synced.hash_last
                ? w->synced.hash_last->offset + w->synced.hash_last->len == w->synced.hash_upto
                : atomic_load(&w->hashed) == w->synced.hash_upto;

        if (buf->offset == w->synced.hash_upto && follows) {
            buf->next = NULL;
            if (w->synced.hash_last)
                w->synced.hash_last->next = buf;
            else
                w->synced.hash_first = buf;
            w->synced.hash_last = buf;
            taken = true;
        }
        w->synced.hash_upto = reach;
        add = !w->synced.hashing;
        w->synced.hashing = true;
    }
    pthread_mutex_unlock(&w->synced.lock);
    if (add)
        add_hash_job(w);
    return taken;
}

static void write_one(hf__writer *w, hf__net_buf *buf)
{
    hf_error err = HF_ERROR_INIT;
    uint64_t front; /* where the new bytes that it begins with end */
    hf_status st;

    if (!buf->data) {
        w->on_mark(w->self, buf);
        tell(w);
        return;
    }
    if (atomic_load(&w->failed) ||
        hf__ranges_reach(&w->write.have, buf->offset) >= buf->offset + buf->len) {
        hf__net_buf_release(w->net, buf);
        return;
    }
    front = hf__ranges_next(&w->write.have, buf->offset);
    st = write_bytes(w, buf, &err);
    if (st != HF_OK) {
        fail(w, st, &err);
        hf__net_buf_release(w->net, buf);
        tell(w);
        return;
    }
    note_pieces(w, buf->offset, buf->offset + buf->len);
    sync_now_and_then(w, buf->len);
    if (front - buf->offset < buf->len)
        buf->len = (size_t)(front - buf->offset);
    if (!w->kind || !pass_on(w, buf))
        hf__net_buf_release(w->net, buf);
}

static void write_work(void *arg)
{
    hf__writer *w = arg;

    for (;;) {
        hf__net_buf *buf;

        pthread_mutex_lock(&w->synced.lock);
        buf = w->synced.first;
        w->synced.first = NULL;
        w->synced.last = NULL;
        if (!buf)
            w->synced.writing = false;
        pthread_mutex_unlock(&w->synced.lock);
        if (!buf)
            return;
        while (buf) {
            hf__net_buf *next = buf->next;

            write_one(w, buf);
            buf = next;
        }
    }
}

void hf__writer_work(hf__writer *w)
{
    if (w->by_caller)
        write_work(w);
}

/* A small file that came in one buffer is hashed by who brings it: the caller's thread has more to do
 * for each file than the connections have. */
static void hash_at_once(hf__writer *w, const hf__net_buf *buf)
{
    bool mine;

    if (!w->by_caller || !w->kind || buf->offset != 0 || buf->len != w->size)
        return;
    pthread_mutex_lock(&w->synced.lock);
    mine = !w->synced.taken && !w->synced.hashing;
    if (mine)
        w->synced.hashing = true; /* and stays so: nothing is left to hash */
    pthread_mutex_unlock(&w->synced.lock);
    if (!mine)
        return;
    (void)hash_bytes(w, buf->data, buf->len);
    hash_ends(w);
}

void hf__writer_take(hf__writer *w, hf__net_buf *buf)
{
    bool is_mark = !buf->data;
    bool add;

    if (!is_mark && atomic_load(&w->failed)) {
        hf__net_buf_release(w->net, buf);
        return;
    }
    if (!is_mark)
        hash_at_once(w, buf);
    buf->next = NULL;
    pthread_mutex_lock(&w->synced.lock);
    if (w->synced.last)
        w->synced.last->next = buf;
    else
        w->synced.first = buf;
    w->synced.last = buf;
    w->synced.taken = w->synced.taken || !is_mark;
    add = !w->synced.writing && !w->by_caller;
    w->synced.writing = true;
    /* Once the last mark can be taken, whoever takes it may free the writer: nothing of it is touched
     * behind the lock, unless it is our job that takes the mark. */
    if (w->by_caller && is_mark)
        w->on_news(w->self);
    pthread_mutex_unlock(&w->synced.lock);
    if (add) {
        w->write_job.fn = write_work;
        w->write_job.arg = w;
        hf__strand_add(w->write_strand, &w->write_job);
    }
}

/* ---- on the caller's thread */

static void hash_on(hf__writer *w)
{
    bool add;

    pthread_mutex_lock(&w->synced.lock);
    add = w->synced.hash_upto > atomic_load(&w->hashed);
    w->synced.hashing = add;
    pthread_mutex_unlock(&w->synced.lock);
    if (add)
        add_hash_job(w);
    else if (w->kind && atomic_load(&w->hashed) == w->size && !atomic_load(&w->hash_done))
        hash_ends(w); /* an empty file */
}

void hf__writer_start(hf__writer *w)
{
    if (w->kind)
        hash_on(w);
}

void hf__writer_ends_at(hf__writer *w, uint64_t size)
{
    if (w->size == size)
        return;
    if (w->hash_strand)
        hf__strand_wait(w->hash_strand);
    w->size = size;
    if (w->kind && !atomic_load(&w->hash_done) && atomic_load(&w->hashed) == size)
        hash_ends(w);
}

/* Puts the hash back to where the last check was taken, or to the start. */
static hf_status rewind_hash(hf__writer *w, bool to_check, hf_error *err)
{
    uint64_t damaged = atomic_load(&w->damaged);
    uint64_t to = 0;
    hf_status st;

    hf__writer_settle(w);
    hf__hash_free(w->hash.hash);
    w->hash.hash = NULL;
    if (to_check && damaged != UINT64_MAX && damaged && w->hash.saved) {
        to = damaged;
        st = hf__hash_dup(w->hash.saved, &w->hash.hash, err);
    } else {
        st = hf__hash_new(w->kind, w->size, &w->hash.hash, err);
    }
    atomic_store(&w->hashed, to);
    atomic_store(&w->hash_done, false);
    atomic_store(&w->damaged, UINT64_MAX);
    return st;
}

hf_status hf__writer_forget(hf__writer *w, const hf__ranges *gone, bool from_check, hf_error *err)
{
    hf_status st = rewind_hash(w, from_check, err);

    wait_for_sync(w); /* what it notes is an offset in the journal as it is now */
    if (st != HF_OK)
        return st;
    for (size_t i = 0; i < gone->n; i++)
        if (!hf__ranges_remove(&w->write.have, gone->items[i].first, gone->items[i].end))
            return hf__fail_nomem(err);
    for (size_t i = (size_t)(gone->items[0].first / HF__CHECK_BYTES);
         w->hash.checks && i < n_checks(w); i++)
        w->hash.checks[i].digest[0] = '\0';
    hf__journal_restart(&w->journal, &w->write.have);
    w->synced.hash_upto = hf__ranges_reach(&w->write.have, 0);
    hash_on(w);
    return HF_OK;
}

hf_status hf__writer_recheck(hf__writer *w, hf_error *err)
{
    hf_status st = rewind_hash(w, false, err);

    if (st == HF_OK)
        hash_on(w);
    return st;
}
