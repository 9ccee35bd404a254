/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LFS objects that come in parts, several at once, over many connections and lives of the server.
 *
 *   DATA/uploads/<repo>-<sha256>.data    the object, each part at its place
 *   DATA/uploads/<repo>-<sha256>.parts   "SIZE PART_BYTES", then a line "N ETAG" per part that is there
 *
 * Two connections may send one part at once: equal files go up side by side, and who lost an answer
 * tries again while the server still holds the old connection. Both write, since both have the same
 * bytes or the hash will tell. But a part that is there is never written again: its bytes may have
 * been hashed already, and what was hashed must be what is published. Who sends it once more is
 * listened to and told the same ETag.
 * Parts are hashed in their order by a thread of their own while others still come, so that the
 * completion has little left to do. The list of parts is not synced: after a power cut it may name
 * bytes that are not there, and the hash at the end tells.
 */
#define _GNU_SOURCE /* sync_file_range */
#include "store/private.h"

#include "core/hash.h"
#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_IDLE   64 /* uploads kept open between two of their requests */
#define HASH_PIECE ((size_t)256 * 1024)
#define MAX_LIST   ((size_t)4 * 1024 * 1024)

typedef struct part_state {
    bool there;
    char etag[SRV_ETAG_HEX + 1];
    unsigned n_writing; /* into the file just now, without the lock */
} part_state;

struct srv_upload {
    srv_upload *next; /* in the store's list; its lock is over next, n_users and dead */
    unsigned n_users;
    bool dead; /* finished or given up: not in the list any more */
    srv_store *store;
    char key[SRV_ID_HEX + 1 + SRV_SHA256_HEX + 1];
    uint64_t size, part_bytes;
    size_t n_parts;
    int fd, list_fd;
    hf__buf data_path, list_path;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    part_state *parts;
    hf__hash *hash;
    size_t n_hashed; /* parts that hash has seen */
    hf_status hash_status;
    bool hashing, has_thread, finishing;
    pthread_t thread;
};

struct srv_part {
    srv_upload *upload;
    size_t index;
    uint64_t want, got;
};

/* --------------------------------------------------------------------------------- open and close */

static void upload_free(srv_upload *up)
{
    if (!up)
        return;
    if (up->has_thread)
        (void)pthread_join(up->thread, NULL);
    hf__os_close(&up->fd);
    hf__os_close(&up->list_fd);
    hf__buf_dispose(&up->data_path);
    hf__buf_dispose(&up->list_path);
    hf__hash_free(up->hash);
    free(up->parts);
    (void)pthread_mutex_destroy(&up->lock);
    (void)pthread_cond_destroy(&up->changed);
    free(up);
}

static void take_out_locked(srv_upload *up)
{
    srv_upload **link = &up->store->synced.uploads;

    while (*link && *link != up)
        link = &(*link)->next;
    if (*link)
        *link = up->next;
    up->dead = true;
}

static void remove_files(srv_upload *up)
{
    (void)hf__os_unlink(hf__buf_cstr(&up->list_path), NULL);
    (void)hf__os_unlink(hf__buf_cstr(&up->data_path), NULL);
}

void srv_upload_close(srv_upload *up)
{
    srv_upload *surplus = NULL;
    srv_store *store;
    unsigned n_idle = 0;
    srv_upload *last = NULL;

    if (!up)
        return;
    store = up->store;
    pthread_mutex_lock(&store->synced.lock);
    if (--up->n_users == 0 && up->dead) {
        surplus = up;
    } else {
        for (srv_upload *u = store->synced.uploads; u; u = u->next)
            if (u->n_users == 0) {
                n_idle++;
                last = u; /* new ones are put in front */
            }
        if (n_idle > MAX_IDLE) {
            take_out_locked(last);
            surplus = last;
        }
    }
    pthread_mutex_unlock(&store->synced.lock);
    upload_free(surplus);
}

void srv__uploads_close(srv_store *store)
{
    while (store->synced.uploads) {
        srv_upload *up = store->synced.uploads;

        store->synced.uploads = up->next;
        upload_free(up);
    }
}

static uint64_t part_size(const srv_upload *up, size_t index)
{
    uint64_t start = (uint64_t)index * up->part_bytes;

    return up->size - start < up->part_bytes ? up->size - start : up->part_bytes;
}

/* Takes over what an earlier life of the server wrote down; false when it does not fit. */
static bool read_list(srv_upload *up, hf__str text)
{
    char head[64];
    hf__str line = hf__str_cut(text, '\n', &text);

    (void)snprintf(head, sizeof head, "%" PRIu64 " %" PRIu64, up->size, up->part_bytes);
    if (!hf__str_eq(line, hf__str_from(head)))
        return false;
    while (text.ptr) {
        hf__str etag;
        uint64_t n;

        line = hf__str_cut(text, '\n', &text);
        if (!text.ptr)
            break; /* cut off in the middle, or the end */
        if (!hf__str_to_u64(hf__str_cut(line, ' ', &etag), &n) || n == 0 || n > up->n_parts ||
            !hf__str_is_hex(etag, SRV_ETAG_HEX))
            return false;
        up->parts[n - 1].there = true;
        memcpy(up->parts[n - 1].etag, etag.ptr, SRV_ETAG_HEX);
    }
    return true;
}

/* The files, from an earlier try when they are of one kind with this upload. */
static hf_status open_files(srv_upload *up, hf_error *err)
{
    struct stat info;
    bool found = false;
    hf__buf text;
    hf_status st;

    hf__buf_init(&text, MAX_LIST);
    st = hf__os_read_file(hf__buf_cstr(&up->list_path), &text, &found, err);
    if (st == HF_OK && found) {
        up->fd = open(hf__buf_cstr(&up->data_path), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        found = up->fd >= 0 && fstat(up->fd, &info) == 0 && (uint64_t)info.st_size == up->size &&
                read_list(up, hf__buf_str(&text));
    }
    if (st == HF_OK && !found) {
        memset(up->parts, 0, up->n_parts * sizeof *up->parts);
        hf__os_close(&up->fd);
        remove_files(up);
        up->fd = open(hf__buf_cstr(&up->data_path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (up->fd < 0 || ftruncate(up->fd, (off_t)up->size) != 0)
            st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&up->data_path));
    }
    if (st == HF_OK) {
        up->list_fd = open(hf__buf_cstr(&up->list_path),
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (up->list_fd < 0)
            st = hf__fail_os(err, errno, "cannot make '%s'", hf__buf_cstr(&up->list_path));
        else if (!found &&
                 dprintf(up->list_fd, "%" PRIu64 " %" PRIu64 "\n", up->size, up->part_bytes) < 0)
            st = hf__fail_os(err, errno, "cannot write '%s'", hf__buf_cstr(&up->list_path));
    }
    hf__buf_dispose(&text);
    return st;
}

static hf_status upload_new(srv_store *store, const char *key, uint64_t size, uint64_t part_bytes,
                            srv_upload **out, hf_error *err)
{
    srv_upload *up = calloc(1, sizeof *up);
    hf_status st;

    if (!up)
        return hf__fail_nomem(err);
    up->store = store;
    up->size = size;
    up->part_bytes = part_bytes;
    up->n_parts = (size_t)((size + part_bytes - 1) / part_bytes);
    up->fd = up->list_fd = -1;
    (void)snprintf(up->key, sizeof up->key, "%s", key);
    (void)pthread_mutex_init(&up->lock, NULL);
    (void)pthread_cond_init(&up->changed, NULL);
    hf__buf_init(&up->data_path, HF__MAX_PATH);
    hf__buf_init(&up->list_path, HF__MAX_PATH);
    up->parts = calloc(up->n_parts, sizeof *up->parts);
    st = up->parts ? hf__hash_new(HF__HASH_SHA256, 0, &up->hash, err) : hf__fail_nomem(err);
    if (st == HF_OK)
        st = srv__path(store, &up->data_path, err, "uploads/%s.data", key);
    if (st == HF_OK)
        st = srv__path(store, &up->list_path, err, "uploads/%s.parts", key);
    if (st == HF_OK)
        st = open_files(up, err);
    if (st != HF_OK) {
        upload_free(up);
        return st;
    }
    *out = up;
    return HF_OK;
}

/* Did anybody begin it, in this life of the server or an earlier one? */
static bool is_begun(srv_store *store, const char *key)
{
    hf__os_stat info = { .type = HF__OS_ABSENT };
    hf__buf path;

    hf__buf_init(&path, HF__MAX_PATH);
    if (srv__path(store, &path, NULL, "uploads/%s.parts", key) == HF_OK)
        (void)hf__os_lstat_path(hf__buf_cstr(&path), &info, NULL);
    hf__buf_dispose(&path);
    return info.type == HF__OS_FILE;
}

hf_status srv_upload_open(srv_store *store, const srv_repo *repo, const char *sha256, uint64_t size,
                          uint64_t part_bytes, bool make, srv_upload **out, hf_error *err)
{
    char key[SRV_ID_HEX + 1 + SRV_SHA256_HEX + 1];
    srv_upload *surplus = NULL;
    srv_upload *up;
    hf_status st = HF_OK;

    hf__error_clear(err);
    if (!hf__str_is_hex(hf__str_from(sha256), SRV_SHA256_HEX))
        return hf__fail(err, HF_ERR_INVALID_ARG, "'%s' is no SHA-256", sha256);
    if (size == 0 || part_bytes == 0 || (size - 1) / part_bytes >= SRV_MAX_PARTS)
        return hf__fail(err, HF_ERR_INVALID_ARG, "an upload has 1 to %d parts", SRV_MAX_PARTS);
    (void)snprintf(key, sizeof key, "%s-%s", repo->id, sha256);
    if (!make && !is_begun(store, key))
        return hf__fail(err, HF_ERR_ENTRY_NOT_FOUND, "no part of '%s' came yet", sha256);
    pthread_mutex_lock(&store->synced.lock);
    for (up = store->synced.uploads; up && strcmp(up->key, key) != 0;)
        up = up->next;
    /* Parts of another length than the server hands out now cannot be gone on with. While somebody
     * still sends them, the files are his. */
    if (up && (up->size != size || up->part_bytes != part_bytes)) {
        if (up->n_users > 0) {
            st = hf__fail(err, HF_ERR_CONFLICT, "'%s' is being sent in other parts", sha256);
        } else {
            take_out_locked(up);
            surplus = up;
        }
        up = NULL;
    }
    if (st == HF_OK && !up)
        st = upload_new(store, key, size, part_bytes, &up, err);
    if (st == HF_OK && up->n_users == 0 && store->synced.uploads != up) {
        take_out_locked(up);
        up->dead = false;
        up->next = store->synced.uploads;
        store->synced.uploads = up;
    }
    if (st == HF_OK) {
        up->n_users++;
        *out = up;
    }
    pthread_mutex_unlock(&store->synced.lock);
    upload_free(surplus);
    return st;
}

size_t srv_upload_n_parts(const srv_upload *up)
{
    return up->n_parts;
}

bool srv_upload_part(srv_upload *up, size_t number, char etag[SRV_ETAG_HEX + 1])
{
    bool there = false;

    pthread_mutex_lock(&up->lock);
    if (number >= 1 && number <= up->n_parts && up->parts[number - 1].there) {
        memcpy(etag, up->parts[number - 1].etag, SRV_ETAG_HEX + 1);
        there = true;
    }
    pthread_mutex_unlock(&up->lock);
    return there;
}

/* ---------------------------------------------------------------------------------------- hashing */

static hf_status hash_part(srv_upload *up, size_t index, char *bytes, hf_error *err)
{
    uint64_t at = (uint64_t)index * up->part_bytes;
    uint64_t end = at + part_size(up, index);
    hf_status st = HF_OK;

    while (st == HF_OK && at < end) {
        size_t want = end - at < HASH_PIECE ? (size_t)(end - at) : HASH_PIECE;
        size_t got = 0;

        st = hf__os_pread(up->fd, bytes, want, at, &got, hf__buf_cstr(&up->data_path), err);
        if (st == HF_OK && got == 0)
            st = hf__fail(err, HF_ERR_IO, "an upload became shorter than it was");
        hf__hash_add(up->hash, bytes, got);
        at += got;
    }
    return st;
}

/* Hashes parts in their order as long as the next one is there. hash belongs to whoever set
 * `hashing`. */
static void hash_on(srv_upload *up)
{
    char *bytes = malloc(HASH_PIECE);
    hf_error err = HF_ERROR_INIT;

    pthread_mutex_lock(&up->lock);
    if (!bytes)
        up->hash_status = HF_ERR_NO_MEMORY;
    while (up->hash_status == HF_OK && up->n_hashed < up->n_parts &&
           up->parts[up->n_hashed].there) {
        hf_status st;

        pthread_mutex_unlock(&up->lock);
        st = hash_part(up, up->n_hashed, bytes, &err);
        pthread_mutex_lock(&up->lock);
        up->hash_status = st;
        if (st == HF_OK)
            up->n_hashed++;
    }
    up->hashing = false;
    pthread_cond_broadcast(&up->changed);
    pthread_mutex_unlock(&up->lock);
    free(bytes);
}

static void *hash_thread(void *arg)
{
    hash_on(arg);
    return NULL;
}

/* When no thread can be had, the completion does it all. */
static void start_hashing_locked(srv_upload *up)
{
    if (up->hashing || up->finishing || up->n_hashed == up->n_parts ||
        !up->parts[up->n_hashed].there)
        return;
    if (up->has_thread) /* it has let go of everything but its return */
        (void)pthread_join(up->thread, NULL);
    up->has_thread = false;
    up->hashing = true;
    if (pthread_create(&up->thread, NULL, hash_thread, up) == 0)
        up->has_thread = true;
    else
        up->hashing = false;
}

/* ------------------------------------------------------------------------------------------ parts */

hf_status srv_part_begin(srv_upload *up, size_t number, srv_part **out, hf_error *err)
{
    srv_part *part;

    hf__error_clear(err);
    if (number == 0 || number > up->n_parts)
        return hf__fail(err, HF_ERR_INVALID_ARG, "there is no part %zu of %zu", number,
                        up->n_parts);
    part = calloc(1, sizeof *part);
    if (!part)
        return hf__fail_nomem(err);
    part->upload = up;
    part->index = number - 1;
    part->want = part_size(up, part->index);
    *out = part;
    return HF_OK;
}

hf_status srv_part_add(srv_part *part, const void *bytes, size_t len, hf_error *err)
{
    srv_upload *up = part->upload;
    part_state *state = &up->parts[part->index];
    uint64_t at = (uint64_t)part->index * up->part_bytes + part->got;
    hf_status st = HF_OK;
    bool there;

    hf__error_clear(err);
    if (len > part->want - part->got)
        return hf__fail(err, HF_ERR_CORRUPT, "part %zu is longer than %" PRIu64 " bytes",
                        part->index + 1, part->want);
    pthread_mutex_lock(&up->lock);
    there = state->there;
    if (!there)
        state->n_writing++;
    pthread_mutex_unlock(&up->lock);
    if (!there) {
        st = hf__os_pwrite(up->fd, bytes, len, at, hf__buf_cstr(&up->data_path), err);
        pthread_mutex_lock(&up->lock);
        state->n_writing--;
        pthread_cond_broadcast(&up->changed);
        pthread_mutex_unlock(&up->lock);
    }
    if (st == HF_OK)
        part->got += len;
    return st;
}

static hf_status note_part_locked(srv_upload *up, size_t index, hf_error *err)
{
    part_state *state = &up->parts[index];
    char line[64];
    int len;

    while (state->n_writing > 0)
        (void)pthread_cond_wait(&up->changed, &up->lock);
    if (state->there)
        return HF_OK; /* the other sender was faster */
    srv__random_hex(state->etag, SRV_ETAG_HEX);
    len = snprintf(line, sizeof line, "%zu %s\n", index + 1, state->etag);
    if (write(up->list_fd, line, (size_t)len) != len)
        return hf__fail_os(err, errno, "cannot write '%s'", hf__buf_cstr(&up->list_path));
    state->there = true;
    return HF_OK;
}

hf_status srv_part_end(srv_part *part, char etag[SRV_ETAG_HEX + 1], hf_error *err)
{
    srv_upload *up = part->upload;
    hf_status st = HF_OK;

    hf__error_clear(err);
    if (part->got != part->want) {
        st = hf__fail(err, HF_ERR_CORRUPT,
                      "part %zu has %" PRIu64 " bytes, %" PRIu64 " were announced", part->index + 1,
                      part->got, part->want);
    } else {
        /* Begins now what the fsync at the end would wait for. */
        (void)sync_file_range(up->fd, (off_t)((uint64_t)part->index * up->part_bytes),
                              (off_t)part->want, SYNC_FILE_RANGE_WRITE);
        pthread_mutex_lock(&up->lock);
        st = note_part_locked(up, part->index, err);
        if (st == HF_OK) {
            memcpy(etag, up->parts[part->index].etag, SRV_ETAG_HEX + 1);
            start_hashing_locked(up);
        }
        pthread_mutex_unlock(&up->lock);
    }
    srv_part_abort(part);
    return st;
}

void srv_part_abort(srv_part *part)
{
    free(part);
}

/* ----------------------------------------------------------------------------------------- the end */

/* Waits for the hash of everything. */
static hf_status whole_hash(srv_upload *up, char out[HF__HASH_HEX_MAX + 1], hf_error *err)
{
    hf__hash *copy = NULL;
    hf_status st = HF_OK;

    for (size_t i = 0; i < up->n_parts; i++)
        if (!up->parts[i].there)
            return hf__fail(err, HF_ERR_INVALID_ARG, "part %zu of %zu is missing", i + 1,
                            up->n_parts);
    while (up->hashing)
        (void)pthread_cond_wait(&up->changed, &up->lock);
    if (up->hash_status != HF_OK) { /* it may have seen half a part: from the start */
        hf__hash_free(up->hash);
        up->hash = NULL;
        up->n_hashed = 0;
        up->hash_status = hf__hash_new(HF__HASH_SHA256, 0, &up->hash, err);
    }
    if (up->hash_status == HF_OK && up->n_hashed < up->n_parts) {
        up->hashing = true;
        pthread_mutex_unlock(&up->lock);
        hash_on(up);
        pthread_mutex_lock(&up->lock);
    }
    if (up->hash_status != HF_OK)
        return hf__fail(err, up->hash_status, "cannot read the parts of an upload");
    st = hf__hash_dup(up->hash, &copy, err);
    if (st == HF_OK)
        hf__hash_end(copy, out);
    hf__hash_free(copy);
    if (st == HF_OK && out[0] == '\0')
        st = hf__fail(err, HF_ERR_INTERNAL, "OpenSSL failed to hash");
    return st;
}

hf_status srv_upload_finish(srv_upload *up, const srv_repo *repo, hf_error *err)
{
    const char *sha256 = up->key + SRV_ID_HEX + 1;
    char computed[HF__HASH_HEX_MAX + 1] = "";
    bool gone = false;
    hf_status st = HF_OK;

    hf__error_clear(err);
    pthread_mutex_lock(&up->lock);
    while (up->finishing)
        (void)pthread_cond_wait(&up->changed, &up->lock);
    up->finishing = true;
    pthread_mutex_lock(&up->store->synced.lock);
    gone = up->dead;
    pthread_mutex_unlock(&up->store->synced.lock);
    if (gone)
        st = hf__fail(err, HF_ERR_CONFLICT, "the upload was finished or given up meanwhile");
    if (st == HF_OK)
        st = whole_hash(up, computed, err);
    if (st == HF_OK && strcmp(computed, sha256) != 0)
        st = hf__fail(err, HF_ERR_CORRUPT, "the parts have SHA-256 %s, not %s", computed, sha256);
    if (st == HF_OK)
        st = srv__lfs_publish(up->store, up->fd, hf__buf_cstr(&up->data_path), sha256, up->size,
                              err);
    if (st == HF_OK)
        st = srv__lfs_link(up->store, repo, sha256, up->size, err);
    if (st == HF_OK || st == HF_ERR_CORRUPT) {
        /* With wrong bytes there is nothing to go on with: the next try starts from nothing. */
        remove_files(up);
        pthread_mutex_lock(&up->store->synced.lock);
        take_out_locked(up);
        pthread_mutex_unlock(&up->store->synced.lock);
    }
    up->finishing = false;
    pthread_cond_broadcast(&up->changed);
    pthread_mutex_unlock(&up->lock);
    return st;
}
