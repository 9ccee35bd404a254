/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer: its seeds, every truncation of them, and a fixed number of
 * mutations made from a fixed number, so that each run is the same. Files named on the command line
 * run instead (a crash that libFuzzer wrote); --write-seeds DIR makes the corpus libFuzzer starts
 * with.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUTATIONS_PER_SEED 3000
#define MAX_INPUT          (64 * 1024)

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % limit;
}

/* A block of its own, so that a sanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t mutate(uint8_t *data, size_t size, size_t n_seeds)
{
    static const char *const words[] = { "..",   "/",        "\\", "\n", "%2e",
                                         "\"",   "{",        "[",  "]",  ",",
                                         "\xff", "\xc0\x80", "0",  "-1", "18446744073709551616",
                                         ".git", "=",        ";",  "<",  ">",
                                         "?",    "#",        "@",  ":",  "*",
                                         "~" };
    const fuzz_seed *other = &fuzz_seeds[random_below((uint32_t)n_seeds)];
    size_t at = random_below((uint32_t)size + 1);
    const char *word = words[random_below(sizeof(words) / sizeof(words[0]))];
    size_t len;

    switch (random_below(5)) {
    case 0: /* another byte */
        if (size)
            data[at % size] = (uint8_t)random_below(256);
        break;
    case 1: /* a bit */
        if (size)
            data[at % size] ^= (uint8_t)(1u << random_below(8));
        break;
    case 2: /* a word put in */
        len = strlen(word);
        if (size + len <= MAX_INPUT) {
            memmove(data + at + len, data + at, size - at);
            memcpy(data + at, word, len);
            size += len;
        }
        break;
    case 3: /* a piece taken out */
        len = random_below((uint32_t)(size - at) + 1);
        memmove(data + at, data + at + len, size - at - len);
        size -= len;
        break;
    default: /* the end of another seed */
        len = other->len ? random_below((uint32_t)other->len) : 0;
        if (at + len <= MAX_INPUT) {
            memcpy(data + at, other->bytes + other->len - len, len);
            size = at + len;
        }
        break;
    }
    return size;
}

static int run_file(const char *path)
{
    static uint8_t data[1024 * 1024];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        fprintf(stderr, "cannot open '%s'\n", path);
        return 1;
    }
    size = fread(data, 1, sizeof(data), file);
    fclose(file);
    run(data, size);
    return 0;
}

static int write_seeds(const char *dir)
{
    char path[4096];

    for (size_t i = 0; fuzz_seeds[i].bytes; i++) {
        FILE *file;

        snprintf(path, sizeof(path), "%s/seed-%zu", dir, i);
        file = fopen(path, "wb");
        if (!file || fwrite(fuzz_seeds[i].bytes, 1, fuzz_seeds[i].len, file) != fuzz_seeds[i].len ||
            fclose(file) != 0) {
            fprintf(stderr, "cannot write '%s'\n", path);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static uint8_t data[MAX_INPUT];
    size_t n_seeds = 0;
    size_t n_runs = 0;

    if (argc == 3 && strcmp(argv[1], "--write-seeds") == 0)
        return write_seeds(argv[2]);
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            if (run_file(argv[i]) != 0)
                return 1;
        printf("%d files\n", argc - 1);
        return 0;
    }
    while (fuzz_seeds[n_seeds].bytes)
        n_seeds++;
    run(NULL, 0);
    for (size_t i = 0; i < n_seeds; i++) {
        const fuzz_seed *seed = &fuzz_seeds[i];

        for (size_t len = 0; len <= seed->len; len++, n_runs++)
            run((const uint8_t *)seed->bytes, len);
        for (int k = 0; k < MUTATIONS_PER_SEED; k++, n_runs++) {
            size_t size = seed->len;

            memcpy(data, seed->bytes, size);
            for (uint32_t n = 1 + random_below(4); n > 0; n--)
                size = mutate(data, size, n_seeds);
            run(data, size);
        }
    }
    printf("%zu inputs from %zu seeds\n", n_runs, n_seeds);
    return 0;
}
