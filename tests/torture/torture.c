/* SPDX-License-Identifier: Apache-2.0 */
#include "torture.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RUNS 100000

static atomic_long until_failure = -1; /* allocations that still succeed; negative: all do */
static atomic_bool failed;
static atomic_long live; /* blocks taken and not given back */
static atomic_bool no_threads;
static bool spare_json;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);

static bool fails_now(void)
{
    if (atomic_load(&until_failure) < 0 || atomic_fetch_sub(&until_failure, 1) != 0)
        return false;
    atomic_store(&failed, true);
    errno = ENOMEM;
    return true;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails_now())
        return NULL;
    return block ? __real_realloc(block, size) : counted(__real_malloc(size));
}

void __wrap_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live, 1);
    __real_free(block);
}

char *__wrap_strndup(const char *text, size_t most)
{
    size_t len = strnlen(text, most);
    char *copy = __wrap_malloc(len + 1);

    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg)
{
    return atomic_load(&no_threads) ? EAGAIN : __real_pthread_create(thread, attr, start, arg);
}

void torture_spare_json(void)
{
    spare_json = true;
}

void torture_no_threads(bool none)
{
    atomic_store(&no_threads, none);
}

/* One run with allocation number n failing. False when it went wrong. */
static bool run_once(const torture_case *c, long n, bool *through)
{
    hf_error err = HF_ERROR_INIT;
    long before = atomic_load(&live);
    hf_status st;
    bool hit;

    atomic_store(&failed, false);
    atomic_store(&until_failure, n);
    st = c->run(&err);
    atomic_store(&until_failure, -1);
    hit = atomic_load(&failed);
    *through = !hit;
    if (st != HF_OK && (st != HF_ERR_NO_MEMORY || !hit)) {
        fprintf(stderr, "%s, allocation %ld: status %d: %s\n", c->name, n, (int)st, err.message);
        return false;
    }
    if (st != HF_OK && err.status != st) {
        fprintf(stderr, "%s, allocation %ld: returns %d, but err says %d\n", c->name, n, (int)st,
                (int)err.status);
        return false;
    }
    if (atomic_load(&live) != before) {
        fprintf(stderr, "%s, allocation %ld: %ld blocks are lost\n", c->name, n,
                atomic_load(&live) - before);
        return false;
    }
    return true;
}

static bool run_case(const torture_case *c)
{
    bool through = false;
    long n;

    /* Once undisturbed: what a process does once (loading a library) is not in the count. */
    if (!run_once(c, -1, &through))
        return false;
    through = false;
    for (n = 0; !through && n < MOST_RUNS; n++)
        if (!run_once(c, n, &through))
            return false;
    printf("%-24s %ld allocations failed in turn\n", c->name, n - 1);
    if (!through)
        fprintf(stderr, "%s: no end of allocations\n", c->name);
    return through;
}

int torture_run(const torture_case *cases, size_t n)
{
    bool good = true;
    size_t i;

    atomic_store(&until_failure, -1);
    if (spare_json)
        json_set_alloc_funcs(__real_malloc, __real_free);
    else
        json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    for (i = 0; i < n; i++)
        good = run_case(&cases[i]) && good;
    return good ? 0 : 1;
}
