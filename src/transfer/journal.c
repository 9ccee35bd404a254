/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/journal.h"

#include "core/buf.h"
#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAST_PIECE ((uint64_t)1024 * 1024)
#define MOST_PIECES 16384
#define LINE_MAX    400
#define FILE_MAX    ((size_t)16 * 1024 * 1024)
#define SUM_HEX     16
#define BOOTS       128 /* lives of the machine that one download may take to count fully */

static uint64_t piece_of(uint64_t size)
{
    uint64_t piece = LEAST_PIECE;

    while (size / piece > MOST_PIECES)
        piece *= 2;
    return piece;
}

/* ---- lines: text, a blank, a checksum */

static bool checksum(const hf__journal *journal, hf__str text, char out[SUM_HEX + 1])
{
    uint8_t mac[32];

    if (hf__hmac_sha256(hf__str_from(journal->key), text, mac, NULL) != HF_OK)
        return false;
    for (size_t i = 0; i < SUM_HEX / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", mac[i]);
    return true;
}

static void append_locked(hf__journal *journal, const char *text)
{
    char line[LINE_MAX];
    char sum[SUM_HEX + 1];
    int len;

    if (journal->synced.broken || !checksum(journal, hf__str_from(text), sum))
        return;
    len = snprintf(line, sizeof(line), "%s %s\n", text, sum);
    if (hf__os_pwrite(journal->fd, line, (size_t)len, journal->synced.end, journal->path, NULL) !=
        HF_OK)
        journal->synced.broken = true;
    else
        journal->synced.end += (uint64_t)len;
}

static void append(hf__journal *journal, const char *text)
{
    pthread_mutex_lock(&journal->synced.lock);
    append_locked(journal, text);
    pthread_mutex_unlock(&journal->synced.lock);
}

static void head_line(const hf__journal *journal, char out[LINE_MAX])
{
    (void)snprintf(out, LINE_MAX, "hfpart 1 %s %llu %llu %llu", journal->key,
                   (unsigned long long)journal->size, (unsigned long long)journal->piece,
                   (unsigned long long)journal->ino);
}

static void start_locked(hf__journal *journal)
{
    char head[LINE_MAX];

    journal->synced.end = 0;
    journal->synced.broken = ftruncate(journal->fd, 0) != 0;
    head_line(journal, head);
    append_locked(journal, head);
}

/* ---- reading */

typedef struct reader {
    hf__journal *journal;
    const char *start;
    hf__str text; /* what is left of it */
    hf__ranges *have;
    hf__check *checks;
    struct {
        hf__str boot;
        uint64_t mark; /* its lines that begin before this are on disk */
    } synced[BOOTS];
    size_t n_synced;
    uint64_t lost; /* lines of this life that begin before this count only when they are synced */
} reader;

/* The next line that is whole: its text without the checksum. */
static bool next_line(reader *r, hf__str *out, uint64_t *at)
{
    while (r->text.len) {
        const char *nl = memchr(r->text.ptr, '\n', r->text.len);
        hf__str line = { r->text.ptr, nl ? (size_t)(nl - r->text.ptr) : 0 };
        char sum[SUM_HEX + 1];

        if (!nl)
            return false;
        *at = (uint64_t)(line.ptr - r->start);
        r->text.len -= line.len + 1;
        r->text.ptr = nl + 1;
        if (line.len <= SUM_HEX || line.len >= LINE_MAX)
            continue;
        *out = (hf__str){ line.ptr, line.len - SUM_HEX - 1 };
        if (checksum(r->journal, *out, sum) &&
            memcmp(line.ptr + line.len - SUM_HEX, sum, SUM_HEX) == 0)
            return true;
    }
    return false;
}

static hf__str word(hf__str *rest)
{
    return hf__str_cut(*rest, ' ', rest);
}

/* "s <boot> <offset>". A sync speaks for what was written in its own life of the machine: lines of an
 * earlier one, whose bytes were lost, may stand before it. */
static void read_synced(reader *r, hf__str rest, uint64_t at)
{
    hf__str boot = word(&rest);
    uint64_t mark;
    size_t i = 0;

    if (!hf__str_to_u64(rest, &mark) || mark > at)
        return;
    while (i < r->n_synced && !hf__str_eq(r->synced[i].boot, boot))
        i++;
    if (i == BOOTS)
        return;
    r->synced[i].boot = boot;
    r->synced[i].mark = mark;
    r->n_synced += i == r->n_synced;
}

/* "u <boot>" */
static void read_lost(reader *r, hf__str rest, uint64_t at)
{
    if (hf__str_eq(rest, hf__str_from(r->journal->boot.text)))
        r->lost = at;
}

/* Whether what a line says is still there. */
static bool survived(const reader *r, hf__str boot, uint64_t at)
{
    if (hf__str_eq(boot, hf__str_from(r->journal->boot.text)) && at >= r->lost)
        return true;
    for (size_t i = 0; i < r->n_synced; i++)
        if (hf__str_eq(r->synced[i].boot, boot))
            return at < r->synced[i].mark;
    return false;
}

/* "w <boot> <first piece> <pieces>" */
static bool read_wrote(reader *r, hf__str rest, uint64_t at)
{
    const hf__journal *journal = r->journal;
    uint64_t n_pieces = (journal->size + journal->piece - 1) / journal->piece;
    hf__str boot = word(&rest);
    uint64_t first;
    uint64_t count;
    uint64_t end;

    if (!hf__str_to_u64(word(&rest), &first) || !hf__str_to_u64(rest, &count) ||
        first >= n_pieces || count > n_pieces - first)
        return true;
    if (!survived(r, boot, at))
        return true;
    end = (first + count) * journal->piece;
    return hf__ranges_add(r->have, first * journal->piece,
                          end < journal->size ? end : journal->size);
}

/* "b <boot> <first byte> <end>" */
static bool read_bytes(reader *r, hf__str rest, uint64_t at)
{
    hf__str boot = word(&rest);
    uint64_t first;
    uint64_t end;

    if (!hf__str_to_u64(word(&rest), &first) || !hf__str_to_u64(rest, &end) || first >= end ||
        end > r->journal->size)
        return true;
    if (!survived(r, boot, at))
        return true;
    return hf__ranges_add(r->have, first, end);
}

/* "h <index> <digest>" */
static void read_check(reader *r, hf__str rest)
{
    uint64_t index;

    if (!r->checks || !hf__str_to_u64(word(&rest), &index) ||
        index >= r->journal->size / HF__CHECK_BYTES || rest.len > HF__HASH_HEX_MAX)
        return;
    memcpy(r->checks[index].digest, rest.ptr, rest.len);
    r->checks[index].digest[rest.len] = '\0';
}

static hf_status read_lines(reader *r, hf__str all, hf_error *err)
{
    hf__str line;
    uint64_t at;

    r->start = all.ptr;
    r->text = all;
    while (next_line(r, &line, &at)) {
        hf__str kind = word(&line);

        if (hf__str_eq(kind, HF__STR("s")))
            read_synced(r, line, at);
        else if (hf__str_eq(kind, HF__STR("u")))
            read_lost(r, line, at);
    }
    r->text = all;
    while (next_line(r, &line, &at)) {
        hf__str kind = word(&line);

        if (hf__str_eq(kind, HF__STR("h")))
            read_check(r, line);
        else if (hf__str_eq(kind, HF__STR("w")) && !read_wrote(r, line, at))
            return hf__fail_nomem(err);
        else if (hf__str_eq(kind, HF__STR("b")) && !read_bytes(r, line, at))
            return hf__fail_nomem(err);
    }
    return HF_OK;
}

/* False: it is not about this file, or not to be read. */
static bool read_file(hf__journal *journal, hf__buf *text)
{
    char head[LINE_MAX];
    struct stat info;
    size_t got = 0;
    reader r = { .journal = journal };
    hf__str line;
    uint64_t at;
    char *room;

    if (fstat(journal->fd, &info) != 0 || info.st_size <= 0 || (uint64_t)info.st_size > FILE_MAX)
        return false;
    room = hf__buf_reserve(text, (size_t)info.st_size);
    if (!room || hf__os_pread(journal->fd, room, (size_t)info.st_size, 0, &got, journal->path,
                              NULL) != HF_OK)
        return false;
    hf__buf_grew(text, got);
    r.text = hf__buf_str(text);
    r.start = r.text.ptr;
    head_line(journal, head);
    return next_line(&r, &line, &at) && at == 0 && hf__str_eq(line, hf__str_from(head));
}

hf_status hf__journal_open(hf__journal *journal, int fd, int part_fd, const char *path,
                           const char *etag, uint64_t size, hf__ranges *have, hf__check *checks,
                           hf_error *err)
{
    reader r = { .journal = journal, .have = have, .checks = checks };
    struct stat part = { 0 };
    hf_status st = HF_OK;
    hf__buf text;

    memset(journal, 0, sizeof(*journal));
    pthread_mutex_init(&journal->synced.lock, NULL);
    journal->fd = fd;
    journal->path = path;
    journal->size = size;
    if (fd < 0)
        return HF_OK;
    journal->piece = piece_of(size);
    (void)snprintf(journal->key, sizeof(journal->key), "%s", etag);
    hf__os_boot_id(&journal->boot);
    if (fstat(part_fd, &part) == 0)
        journal->ino = (uint64_t)part.st_ino;
    hf__buf_init(&text, FILE_MAX + 1);
    if (read_file(journal, &text)) {
        st = read_lines(&r, hf__buf_str(&text), err);
        journal->synced.end = text.len;
        /* A torn last line must not swallow the next one. */
        if (text.ptr[text.len - 1] != '\n' &&
            hf__os_pwrite(fd, "\n", 1, journal->synced.end++, path, NULL) != HF_OK)
            journal->synced.broken = true;
        if (st == HF_OK && have->n && have->items[have->n - 1].end > (uint64_t)part.st_size)
            (void)hf__ranges_remove(have, (uint64_t)part.st_size, UINT64_MAX);
    } else {
        start_locked(journal);
    }
    hf__buf_dispose(&text);
    return st;
}

void hf__journal_close(hf__journal *journal)
{
    pthread_mutex_destroy(&journal->synced.lock);
}

/* ---- writing */

void hf__journal_wrote(hf__journal *journal, uint64_t first, uint64_t end)
{
    char line[LINE_MAX];
    uint64_t from;
    uint64_t to;

    if (journal->fd < 0)
        return;
    from = (first + journal->piece - 1) / journal->piece;
    to = end == journal->size ? (end + journal->piece - 1) / journal->piece : end / journal->piece;
    if (from >= to)
        return;
    (void)snprintf(line, sizeof(line), "w %s %llu %llu", journal->boot.text,
                   (unsigned long long)from, (unsigned long long)(to - from));
    append(journal, line);
}

void hf__journal_leave(hf__journal *journal, const hf__ranges *have)
{
    char line[LINE_MAX];

    if (journal->fd < 0)
        return;
    for (size_t i = 0; i < have->n; i++) {
        const hf__range *range = &have->items[i];

        if (range->first % journal->piece == 0 &&
            (range->end % journal->piece == 0 || range->end == journal->size))
            continue;
        (void)snprintf(line, sizeof(line), "b %s %llu %llu", journal->boot.text,
                       (unsigned long long)range->first, (unsigned long long)range->end);
        append(journal, line);
    }
}

void hf__journal_check(hf__journal *journal, size_t index, const hf__check *check)
{
    char line[LINE_MAX];

    if (journal->fd < 0)
        return;
    (void)snprintf(line, sizeof(line), "h %zu %s", index, check->digest);
    append(journal, line);
}

uint64_t hf__journal_mark(hf__journal *journal)
{
    uint64_t mark;

    pthread_mutex_lock(&journal->synced.lock);
    mark = journal->synced.end;
    pthread_mutex_unlock(&journal->synced.lock);
    return mark;
}

void hf__journal_synced(hf__journal *journal, uint64_t mark)
{
    char line[LINE_MAX];

    if (journal->fd < 0)
        return;
    (void)snprintf(line, sizeof(line), "s %s %llu", journal->boot.text, (unsigned long long)mark);
    append(journal, line);
}

void hf__journal_lost(hf__journal *journal)
{
    char line[LINE_MAX];

    if (journal->fd < 0)
        return;
    (void)snprintf(line, sizeof(line), "u %s", journal->boot.text);
    pthread_mutex_lock(&journal->synced.lock);
    append_locked(journal, line);
    journal->synced.broken = true;
    pthread_mutex_unlock(&journal->synced.lock);
}

void hf__journal_restart(hf__journal *journal, const hf__ranges *have)
{
    if (journal->fd < 0)
        return;
    pthread_mutex_lock(&journal->synced.lock);
    start_locked(journal);
    pthread_mutex_unlock(&journal->synced.lock);
    for (size_t i = 0; i < have->n; i++)
        hf__journal_wrote(journal, have->items[i].first, have->items[i].end);
}
