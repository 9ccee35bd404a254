/* SPDX-License-Identifier: Apache-2.0 */
/* What is hashed is what lies on disk, whatever order and overlap bytes come in. */
#include "transfer/writer.h"

#include "core/hash.h"
#include "net/internal.h"
#include "unit.h"

#include <fcntl.h>

#define SMALL 50000  /* worked on by who calls */
#define LARGE 200000 /* by strands */

typedef struct world {
    unit_dir dir;
    hf__net *net;
    hf__pool *pool;
    hf__writer w;
    int fd;
} world;

static void on_news(void *self)
{
    (void)self;
}

static world *world_make(uint64_t size)
{
    world *k = calloc(1, sizeof(*k));
    hf__writer_file file = { .journal_fd = -1, .path = "f", .etag = "e", .kind = HF__HASH_SHA256 };
    hf__net_conf conf = { .user_agent = "test" };

    assert_non_null(k);
    k->dir = unit_dir_make();
    k->fd = open(unit_path(&k->dir, "f"), O_RDWR | O_CREAT, 0600);
    file.fd = k->fd;
    file.size = size;
    assert_true(k->fd >= 0);
    assert_int_equal(hf__net_new(&conf, &k->net, NULL), HF_OK);
    assert_int_equal(hf__pool_new(2, &k->pool, NULL), HF_OK);
    assert_int_equal(hf__writer_init(&k->w, k->net, k->pool, &file, NULL), HF_OK);
    k->w.on_news = on_news;
    hf__writer_start(&k->w);
    return k;
}

/* The bytes from `first` to `end`, each `value`, from some connection. */
static void take(world *k, uint64_t first, uint64_t end, uint8_t value)
{
    bool no_memory;
    hf__block *block = hf__blocks_get(&k->net->blocks, end - first, &no_memory);

    assert_non_null(block);
    assert_true(end - first <= block->size);
    block->buf.offset = first;
    block->buf.len = (size_t)(end - first);
    memset(block->buf.data, value, block->buf.len);
    hf__writer_take(&k->w, &block->buf);
}

/* The hash is complete, and of what is on disk. */
static void settle(world *k)
{
    hf__hash *hash = NULL;
    char found[HF__HASH_HEX_MAX + 1];
    uint8_t bytes[LARGE];
    size_t got = 0;

    hf__writer_work(&k->w);
    hf__writer_settle(&k->w);
    assert_true(atomic_load(&k->w.hash_done));
    assert_int_equal(atomic_load(&k->w.written), k->w.size);
    assert_int_equal(hf__os_pread(k->fd, bytes, sizeof(bytes), 0, &got, "f", NULL), HF_OK);
    assert_int_equal(got, k->w.size);
    assert_int_equal(hf__hash_new(HF__HASH_SHA256, got, &hash, NULL), HF_OK);
    hf__hash_add(hash, bytes, got);
    hf__hash_end(hash, found);
    hf__hash_free(hash);
    assert_string_equal(k->w.hash.computed, found);
}

static void world_free(world *k)
{
    hf__writer_dispose(&k->w);
    hf__pool_free(k->pool);
    assert_int_equal(hf__blocks_used(&k->net->blocks), 0);
    hf__net_free(k->net);
    close(k->fd);
    unit_dir_remove(&k->dir);
    free(k);
}

void test_writer__bytes_that_come_twice_stay_as_they_came_first(void **state)
{
    static const uint64_t sizes[] = { SMALL, LARGE };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint64_t tenth = sizes[i] / 10;
        world *k = world_make(sizes[i]);

        take(k, 0, 3 * tenth, 'a');
        take(k, 2 * tenth, 4 * tenth, 'b'); /* over the end of what came */
        take(k, 6 * tenth, 8 * tenth, 'c');
        take(k, 4 * tenth, 9 * tenth, 'd'); /* all around it */
        take(k, 0, 2 * tenth, 'e');         /* within */
        take(k, 7 * tenth, 10 * tenth, 'f');
        settle(k);
        world_free(k);
    }
}

void test_writer__a_whole_file_after_a_part_of_it(void **state)
{
    static const uint64_t sizes[] = { SMALL, LARGE };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world *k = world_make(sizes[i]);

        take(k, 0, 1000, 'a');
        take(k, 0, sizes[i], 'b');
        settle(k);
        world_free(k);
    }
}

void test_writer__a_whole_file_twice(void **state)
{
    world *k = world_make(SMALL);

    (void)state;
    take(k, 0, SMALL, 'a');
    take(k, 0, SMALL, 'b');
    settle(k);
    world_free(k);
}
