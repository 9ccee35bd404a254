/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a case again and again, each time with another allocation failing, until it gets through
 * without one. Every run must end with HF_OK or HF_ERR_NO_MEMORY (told in err too), give back all
 * it took, and leave the next run a world in which it can succeed.
 */
#ifndef HF_TESTS_TORTURE_H
#define HF_TESTS_TORTURE_H

#include <hfhub/hfhub.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct torture_case {
    const char *name;
    /* Does its work, checks what it sees, cleans up. HF_ERR_INTERNAL: something was not as it must
     * be, err says what. */
    hf_status (*run)(hf_error *err);
} torture_case;

/* Exit status of the program. */
int torture_run(const torture_case *cases, size_t n);

/* Before torture_run(): Jansson's allocations succeed. It leaves out bytes of a string whose buffer
 * cannot grow, without a word, which no caller can notice; cases that compare what came through it
 * cannot run otherwise. */
void torture_spare_json(void);

/* From now on pthread_create() fails, or does its work again. */
void torture_no_threads(bool none);

#endif
