/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit as NDJSON (hub-http.md 7.5), made piece by piece while it is sent: contents of regular
 * files are read from the disk and coded in base64 as the socket takes them. Its length is computed
 * beforehand, so a file that changes meanwhile cannot make a body that looks complete: the exchange
 * ends first.
 */
#include "transfer/upload.h"

#include "core/base64.h"

#define CONTENT_BYTES ((size_t)48 * 1024) /* at a time; a multiple of 3 */

static const char file_end[] = "\", \"encoding\": \"base64\"}}\n";

static bool has_content(const up_item *item)
{
    return item->kind == UP_ADD && !item->lfs;
}

/* The line of an item; of a regular file up to its content. */
static void add_line(hf__buf *out, const up_item *item)
{
    switch (item->kind) {
    case UP_DELETE_FILE:
    case UP_DELETE_FOLDER:
        hf__buf_addf(out, "{\"key\": \"%s\", \"value\": {\"path\": ",
                     item->kind == UP_DELETE_FILE ? "deletedFile" : "deletedFolder");
        hf__json_add_string(out, hf__str_from(item->path));
        hf__buf_adds(out, "}}\n");
        break;
    default:
        hf__buf_addf(out,
                     "{\"key\": \"%s\", \"value\": {\"path\": ", item->lfs ? "lfsFile" : "file");
        hf__json_add_string(out, hf__str_from(item->path));
        if (!item->lfs) {
            hf__buf_adds(out, ", \"content\": \"");
            break;
        }
        hf__buf_addf(out, ", \"algo\": \"sha256\", \"oid\": \"%s\", \"size\": %llu}}\n", item->hash,
                     (unsigned long long)item->size);
    }
}

static void add_header(hf__buf *out, const char *message, const char *description,
                       const char *parent)
{
    hf__buf_adds(out, "{\"key\": \"header\", \"value\": {\"summary\": ");
    hf__json_add_string(out, hf__str_from(message));
    hf__buf_adds(out, ", \"description\": ");
    hf__json_add_string(out, hf__str_from(description ? description : ""));
    if (parent) {
        hf__buf_adds(out, ", \"parentCommit\": ");
        hf__json_add_string(out, hf__str_from(parent));
    }
    hf__buf_adds(out, "}}\n");
}

hf_status hf__up_body_init(up_body *b, up_item **items, size_t n, const char *message,
                           const char *description, const char *parent, hf_error *err)
{
    memset(b, 0, sizeof(*b));
    b->items = items;
    b->n = n;
    b->fd = -1;
    hf__buf_init(&b->header, HF__MAX_JSON_BYTES);
    hf__buf_init(&b->piece, HF__MAX_JSON_BYTES);
    add_header(&b->header, message, description, parent);
    b->len = b->header.len;
    for (size_t i = 0; i < n; i++) {
        hf__buf_reset(&b->piece);
        add_line(&b->piece, items[i]);
        b->len += b->piece.len;
        if (has_content(items[i]))
            b->len += (items[i]->size + 2) / 3 * 4 + sizeof(file_end) - 1;
        if (b->piece.status != HF_OK)
            break;
    }
    if (b->header.status == HF_ERR_NO_MEMORY || b->piece.status == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    if (b->header.status != HF_OK || b->piece.status != HF_OK)
        return hf__fail(err, HF_ERR_LIMIT, "the commit's message or a path is too large");
    return HF_OK;
}

static void body_reset(up_body *b)
{
    if (b->in)
        hf__up_close(b->in, &b->fd);
    b->in = NULL;
    b->next = 0;
    b->piece_at = 0;
    hf__buf_reset(&b->piece);
    hf__buf_add_str(&b->piece, hf__buf_str(&b->header));
}

void hf__up_body_dispose(up_body *b)
{
    if (b->in)
        hf__up_close(b->in, &b->fd);
    hf__buf_dispose(&b->header);
    hf__buf_dispose(&b->piece);
}

static hf_status add_content(up_body *b, hf_error *err)
{
    uint8_t bytes[CONTENT_BYTES];
    size_t n = 0;
    hf_status st = HF_OK;

    while (st == HF_OK && n < sizeof(bytes) && b->in_at < b->in->size) {
        size_t got = 0;

        st = hf__up_read(b->in, b->fd, b->in_at, bytes + n, sizeof(bytes) - n, &got, err);
        n += got;
        b->in_at += got;
    }
    hf__base64_add(&b->piece, HF__BASE64_STANDARD, bytes, n);
    if (st != HF_OK || b->in_at < b->in->size)
        return st;
    /* Before its last byte goes out: a change within the content leaves no trace in its length. */
    st = hf__up_check(b->in, b->fd, err);
    hf__buf_adds(&b->piece, file_end);
    hf__up_close(b->in, &b->fd);
    b->in = NULL;
    return st;
}

static hf_status next_piece(up_body *b, hf_error *err)
{
    hf_status st = HF_OK;

    hf__buf_reset(&b->piece);
    b->piece_at = 0;
    if (b->in) {
        st = add_content(b, err);
    } else {
        /* Lines are short: several at a time. */
        while (st == HF_OK && b->next < b->n && b->piece.len < CONTENT_BYTES) {
            up_item *item = b->items[b->next++];

            add_line(&b->piece, item);
            if (!has_content(item))
                continue;
            st = hf__up_open(item, &b->fd, err);
            if (st != HF_OK)
                break;
            b->in = item;
            b->in_at = 0;
            st = add_content(b, err);
            if (b->in)
                break;
        }
    }
    if (st == HF_OK && b->piece.status != HF_OK)
        st = hf__fail_nomem(err);
    return st;
}

static hf_status body_read(void *self, uint64_t offset, void *to, size_t len, size_t *got,
                           hf_error *err)
{
    up_body *b = self;
    hf_status st = HF_OK;

    *got = 0;
    if (offset == 0)
        body_reset(b);
    while (st == HF_OK && *got < len) {
        size_t n = b->piece.len - b->piece_at;

        if (n == 0) {
            if (!b->in && b->next == b->n)
                break;
            st = next_piece(b, err);
            continue;
        }
        if (n > len - *got)
            n = len - *got;
        memcpy((char *)to + *got, b->piece.ptr + b->piece_at, n);
        b->piece_at += n;
        *got += n;
    }
    return st;
}

void hf__up_body_source(up_body *b, hf__net_source *out)
{
    *out = (hf__net_source){ .read = body_read, .self = b, .len = b->len };
}
