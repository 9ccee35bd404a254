/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

void hf__log_init(hf__log *log, hf_log_fn *fn, void *user, hf_log_level level)
{
    log->fn = fn;
    log->user = user;
    log->level = level;
    pthread_mutex_init(&log->lock, NULL);
}

void hf__log_dispose(hf__log *log)
{
    pthread_mutex_destroy(&log->lock);
}

void hf__logf(hf__log *log, hf_log_level level, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    if (!log || !log->fn || level > log->level)
        return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    hf__text_defuse(line);
    /* The one callback made under a lock: it keeps lines apart and does nothing else. */
    pthread_mutex_lock(&log->lock);
    log->fn(level, line, log->user);
    pthread_mutex_unlock(&log->lock);
}
