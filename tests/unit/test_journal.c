/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/journal.h"

#include "core/hash.h"
#include "unit.h"

#include <fcntl.h>

#define MIB   ((uint64_t)1024 * 1024)
#define PIECE MIB
#define SIZE  (5 * PIECE + 7) /* six pieces, the last of them short */
#define ETAG  "0a1b2c"

/* A part of SIZE bytes, its journal, and what was read of it. */
typedef struct world {
    unit_dir dir;
    int part;
    int fd;
    hf__journal journal;
    hf__ranges have;
    hf__check checks[SIZE / HF__CHECK_BYTES + 1];
} world;

static void world_read(world *w, const char *etag, uint64_t size)
{
    memset(w->checks, 0, sizeof(w->checks));
    w->have = (hf__ranges){ 0 };
    assert_int_equal(hf__journal_open(&w->journal, w->fd, w->part, "part", etag, size, &w->have,
                                      w->checks, NULL),
                     HF_OK);
}

static world world_make(void)
{
    world w = { .dir = unit_dir_make() };

    w.part = open(unit_path(&w.dir, "part"), O_RDWR | O_CREAT, 0600);
    w.fd = open(unit_path(&w.dir, "part-journal"), O_RDWR | O_CREAT, 0600);
    assert_true(w.part >= 0 && w.fd >= 0);
    assert_int_equal(ftruncate(w.part, (off_t)SIZE), 0);
    world_read(&w, ETAG, SIZE);
    assert_int_equal(w.have.n, 0);
    return w;
}

static void world_close(world *w)
{
    hf__journal_close(&w->journal);
    hf__ranges_dispose(&w->have);
}

static void world_read_again(world *w)
{
    world_close(w);
    world_read(w, ETAG, SIZE);
}

static void world_dispose(world *w)
{
    world_close(w);
    close(w->part);
    close(w->fd);
    unit_dir_remove(&w->dir);
}

/* The pieces that are believed, as letters: "a-c---" is the first and the third. */
static const char *believed(const world *w)
{
    static char text[7];

    for (uint64_t i = 0; i < 6; i++) {
        uint64_t end = (i + 1) * PIECE < SIZE ? (i + 1) * PIECE : SIZE;

        text[i] = hf__ranges_reach(&w->have, i * PIECE) >= end ? (char)('a' + i) : '-';
    }
    return text;
}

static void wrote(world *w, unsigned piece)
{
    uint64_t end = (piece + 1) * PIECE;

    hf__journal_wrote(&w->journal, piece * PIECE, end < SIZE ? end : SIZE);
}

/* From now on, lines are of this life of the machine; reading is always of the real one. */
static void in_life(world *w, const char *boot)
{
    snprintf(w->journal.boot.text, sizeof(w->journal.boot.text), "%s", boot);
}

void test_journal__tells_what_was_written(void **state)
{
    world w = world_make();

    (void)state;
    wrote(&w, 2);
    wrote(&w, 0);
    wrote(&w, 5);
    hf__journal_wrote(&w.journal, 3 * PIECE + 1, 4 * PIECE);     /* not from its begin */
    hf__journal_wrote(&w.journal, 3 * PIECE, 4 * PIECE - 1);     /* not to its end */
    hf__journal_wrote(&w.journal, PIECE / 2, PIECE + PIECE / 2); /* two halves */
    world_read_again(&w);
    assert_string_equal(believed(&w), "a-c--f");
    wrote(&w, 1);
    world_read_again(&w);
    assert_string_equal(believed(&w), "abc--f");
    world_dispose(&w);
}

void test_journal__there_is_none(void **state)
{
    hf__journal journal;
    hf__ranges have = { 0 };

    (void)state;
    assert_int_equal(hf__journal_open(&journal, -1, -1, "part", ETAG, SIZE, &have, NULL, NULL),
                     HF_OK);
    hf__journal_wrote(&journal, 0, SIZE);
    hf__journal_synced(&journal, hf__journal_mark(&journal));
    hf__journal_restart(&journal, &have);
    assert_int_equal(have.n, 0);
    hf__journal_close(&journal);
}

void test_journal__of_another_file_starts_anew(void **state)
{
    static const struct {
        const char *etag;
        uint64_t size;
        bool other_part;
    } others[] = { { "0a1b2d", SIZE, false }, { ETAG, SIZE - 1, false }, { ETAG, SIZE, true } };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        world w = world_make();

        wrote(&w, 0);
        world_close(&w);
        if (others[i].other_part) {
            int old = w.part; /* still open, so that its number is not given again */

            assert_int_equal(unlink(unit_path(&w.dir, "part")), 0);
            w.part = open(unit_path(&w.dir, "part"), O_RDWR | O_CREAT, 0600);
            assert_int_equal(ftruncate(w.part, (off_t)SIZE), 0);
            close(old);
        }
        world_read(&w, others[i].etag, others[i].size);
        assert_string_equal(believed(&w), "------");
        world_close(&w);
        world_read(&w, others[i].etag, others[i].size); /* what was there is gone for good */
        assert_string_equal(believed(&w), "------");
        world_dispose(&w);
    }
}

void test_journal__a_torn_line_is_no_line(void **state)
{
    world w = world_make();
    off_t whole;
    off_t before;

    (void)state;
    wrote(&w, 0);
    before = lseek(w.fd, 0, SEEK_END);
    wrote(&w, 1);
    whole = lseek(w.fd, 0, SEEK_END);
    for (off_t end = whole - 1; end >= before; end--) {
        assert_int_equal(ftruncate(w.fd, end), 0);
        world_read_again(&w);
        assert_string_equal(believed(&w), "a-----");
        wrote(&w, 4); /* is not swallowed by the torn one */
        world_read_again(&w);
        /* Where only its end was torn off, it has one now. */
        assert_string_equal(believed(&w), end == whole - 1 ? "ab--e-" : "a---e-");
        assert_int_equal(ftruncate(w.fd, before), 0);
        world_read_again(&w);
        wrote(&w, 1);
    }
    world_dispose(&w);
}

void test_journal__a_damaged_byte_adds_nothing(void **state)
{
    world w = world_make();
    off_t len;

    (void)state;
    wrote(&w, 1);
    wrote(&w, 3);
    len = lseek(w.fd, 0, SEEK_END);
    for (off_t at = 0; at < len; at++) {
        char text[1024];
        const char *seen;

        assert_true(len < (off_t)sizeof(text));
        assert_int_equal(pread(w.fd, text, (size_t)len, 0), len);
        text[at] ^= 1;
        assert_int_equal(pwrite(w.fd, text, (size_t)len, 0), len);
        world_read_again(&w);
        seen = believed(&w);
        assert_true(seen[0] == '-' && seen[2] == '-' && seen[4] == '-' && seen[5] == '-');
        text[at] ^= 1;
        /* Only the blank before a checksum carries nothing. */
        assert_true(seen[1] == '-' || seen[3] == '-' || text[at] == ' ');
        assert_int_equal(ftruncate(w.fd, len), 0);
        assert_int_equal(pwrite(w.fd, text, (size_t)len, 0), len);
    }
    world_read_again(&w);
    assert_string_equal(believed(&w), "-b-d--");
    world_dispose(&w);
}

/* A line with a good checksum, as whoever knows the etag can make it. */
static void forge(world *w, const char *text)
{
    char line[256];
    uint8_t mac[32];
    int len = snprintf(line, sizeof line, "%s ", text);

    assert_int_equal(hf__hmac_sha256(hf__str_from(ETAG), hf__str_from(text), mac, NULL), HF_OK);
    for (size_t i = 0; i < 8; i++)
        len += snprintf(line + len, sizeof line - (size_t)len, "%02x", mac[i]);
    len += snprintf(line + len, sizeof line - (size_t)len, "\n");
    assert_int_equal(pwrite(w->fd, line, (size_t)len, lseek(w->fd, 0, SEEK_END)), len);
}

void test_journal__numbers_that_cannot_be(void **state)
{
    static const char *const texts[] = { "b %s 0 5242888",
                                         "b %s 7 7",
                                         "b %s 9 1",
                                         "b %s -1 9",
                                         "b %s 0",
                                         "b",
                                         "w %s 0 7",
                                         "w %s 6 1",
                                         "w %s 5 18446744073709551615",
                                         "w %s -1 2",
                                         "w %s 0",
                                         "w %s",
                                         "w",
                                         "w %s 0 1x",
                                         "h 99999999999 00" };
    world w = world_make();
    char line[128];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *place = strstr(texts[i], "%s");

        snprintf(line, sizeof line, "%.*s%s%s", place ? (int)(place - texts[i]) : 99, texts[i],
                 place ? w.journal.boot.text : "", place ? place + 2 : "");
        forge(&w, line);
        world_read_again(&w);
        if (strcmp(believed(&w), "------") != 0)
            fail_msg("%s: %s", line, believed(&w));
    }
    snprintf(line, sizeof line, "w %s 0 6", w.journal.boot.text);
    forge(&w, line); /* the forgery itself is good */
    world_read_again(&w);
    assert_string_equal(believed(&w), "abcdef");
    world_dispose(&w);
}

void test_journal__notes_what_fills_no_piece_when_a_call_ends(void **state)
{
    world w = world_make();
    hf__ranges have = { 0 };

    (void)state;
    assert_true(hf__ranges_add(&have, 0, PIECE + 5));
    assert_true(hf__ranges_add(&have, 2 * PIECE + 1, 2 * PIECE + 2));
    assert_true(hf__ranges_add(&have, SIZE - 3, SIZE));
    hf__journal_leave(&w.journal, &have);
    hf__ranges_dispose(&have);
    world_read_again(&w);
    assert_int_equal(w.have.n, 3);
    assert_int_equal(hf__ranges_reach(&w.have, 0), PIECE + 5);
    assert_int_equal(hf__ranges_reach(&w.have, 2 * PIECE + 1), 2 * PIECE + 2);
    assert_int_equal(hf__ranges_reach(&w.have, SIZE - 3), SIZE);
    in_life(&w, "earlier");
    hf__journal_restart(&w.journal, &(hf__ranges){ 0 });
    assert_true(hf__ranges_add(&have, 3, 9));
    hf__journal_leave(&w.journal, &have);
    hf__ranges_dispose(&have);
    world_read_again(&w); /* which no sync covers */
    assert_int_equal(w.have.n, 0);
    world_dispose(&w);
}

void test_journal__another_life_counts_what_it_synced(void **state)
{
    world w = world_make();
    uint64_t mark;

    (void)state;
    in_life(&w, "earlier");
    wrote(&w, 0);
    mark = hf__journal_mark(&w.journal);
    wrote(&w, 1); /* after the mark: maybe not on disk */
    hf__journal_synced(&w.journal, mark);
    wrote(&w, 2);
    world_read_again(&w);
    assert_string_equal(believed(&w), "a-----");
    wrote(&w, 3); /* in this life */
    world_read_again(&w);
    assert_string_equal(believed(&w), "a--d--");
    world_dispose(&w);
}

/* A sync tells nothing of lines whose bytes were lost before its life began. */
void test_journal__a_sync_speaks_for_its_own_life(void **state)
{
    world w = world_make();

    (void)state;
    in_life(&w, "first");
    wrote(&w, 0);
    in_life(&w, "second");
    wrote(&w, 1);
    hf__journal_synced(&w.journal, hf__journal_mark(&w.journal));
    world_read_again(&w);
    assert_string_equal(believed(&w), "-b----");
    world_dispose(&w);
}

/* The system told that data was lost, and will not tell again. */
void test_journal__what_a_failed_sync_lost_does_not_count(void **state)
{
    world w = world_make();

    (void)state;
    wrote(&w, 0);
    hf__journal_synced(&w.journal, hf__journal_mark(&w.journal));
    wrote(&w, 1);
    hf__journal_lost(&w.journal);
    wrote(&w, 2); /* is not noted any more */
    world_read_again(&w);
    assert_string_equal(believed(&w), "a-----");
    wrote(&w, 3);
    world_read_again(&w);
    assert_string_equal(believed(&w), "a--d--");
    world_dispose(&w);
}

void test_journal__does_not_reach_beyond_the_part(void **state)
{
    world w = world_make();

    (void)state;
    wrote(&w, 0);
    wrote(&w, 1);
    wrote(&w, 5);
    assert_int_equal(ftruncate(w.part, (off_t)(2 * PIECE - 1)), 0);
    world_read_again(&w);
    assert_string_equal(believed(&w), "a-----");
    world_dispose(&w);
}

void test_journal__starts_anew_with_what_is_believed(void **state)
{
    world w = world_make();
    hf__ranges keep = { 0 };

    (void)state;
    wrote(&w, 0);
    wrote(&w, 1);
    assert_true(hf__ranges_add(&keep, PIECE, 3 * PIECE));
    hf__journal_restart(&w.journal, &keep);
    hf__ranges_dispose(&keep);
    world_read_again(&w);
    assert_string_equal(believed(&w), "-bc---");
    world_dispose(&w);
}

void test_journal__keeps_digests(void **state)
{
    const uint64_t size = 3 * HF__CHECK_BYTES;
    hf__check checks[4] = { { "" } };
    hf__check digest = { "00112233" };
    world w = world_make();

    (void)state;
    world_close(&w);
    assert_int_equal(ftruncate(w.part, (off_t)size), 0);
    for (int i = 0; i < 2; i++) {
        w.have = (hf__ranges){ 0 };
        assert_int_equal(
            hf__journal_open(&w.journal, w.fd, w.part, "part", ETAG, size, &w.have, checks, NULL),
            HF_OK);
        if (i == 0) {
            hf__journal_check(&w.journal, 1, &digest);
            hf__journal_check(&w.journal, 3, &digest); /* there is no fourth */
            world_close(&w);
        }
    }
    assert_string_equal(checks[1].digest, "00112233");
    assert_string_equal(checks[0].digest, "");
    assert_string_equal(checks[3].digest, "");
    world_dispose(&w);
}
