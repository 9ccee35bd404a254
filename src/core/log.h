/* SPDX-License-Identifier: Apache-2.0 */
/* The library's log: lines for the program that uses it. Never a secret in it. */
#ifndef HF_CORE_LOG_H
#define HF_CORE_LOG_H

#include "core/compiler.h"

#include <hfhub/hfhub.h>
#include <pthread.h>

typedef struct hf__log {
    hf_log_fn *fn; /* NULL: silent */
    void *user;
    hf_log_level level;
    pthread_mutex_t lock; /* calls of fn never overlap */
} hf__log;

void hf__log_init(hf__log *log, hf_log_fn *fn, void *user, hf_log_level level);
void hf__log_dispose(hf__log *log);
/* log may be NULL. */
void hf__logf(hf__log *log, hf_log_level level, const char *fmt, ...) HF__PRINTF(3, 4);

#endif
