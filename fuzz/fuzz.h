/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target: feeds bytes to one parser and checks what must hold of every answer. Built twice:
 * with libFuzzer by `make fuzz`, and with standalone.c as a plain test, where its seeds and cheap
 * mutations of them run.
 */
#ifndef HF_FUZZ_FUZZ_H
#define HF_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_seed {
    const char *bytes;
    size_t len;
} fuzz_seed;

/* A string literal; NUL bytes inside it count. */
/* clang-format off */
#define FUZZ_SEED(text) { text, sizeof(text) - 1 }
#define FUZZ_SEEDS_END { NULL, 0 }
/* clang-format on */

/* What each target defines. */
extern const fuzz_seed fuzz_seeds[];
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- help for targets (help.c) */

/* Ends the process with what was violated, which libFuzzer and ctest take for a crash. */
#define FUZZ_CHECK(condition) fuzz_check((condition), #condition, __FILE__, __LINE__)
void fuzz_check(bool holds, const char *what, const char *file, int line);

/* The bytes as a string on the heap, cut at the first NUL, so that a sanitizer sees one byte too
 * many. */
char *fuzz_text(const uint8_t *data, size_t size);

/* Cuts data at the first newline: the part before it as a heap string; *data and *size become the
 * rest. */
char *fuzz_line(const uint8_t **data, size_t *size);

/* A folder of this process's own, removed when it ends. */
const char *fuzz_dir(void);
void fuzz_write(const char *path, const uint8_t *data, size_t size);

/* Independent of the library's own rule: must never be created below a directory. */
bool fuzz_path_is_harmful(const char *path);
bool fuzz_has_control(const char *text);

#endif
