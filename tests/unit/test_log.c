/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include "unit.h"

#include <stdatomic.h>

typedef struct seen {
    atomic_int inside; /* calls under way */
    int lines;
    hf_log_level level;
    char last[2048];
} seen;

static void note(hf_log_level level, const char *line, void *user)
{
    seen *s = user;

    assert_int_equal(atomic_fetch_add(&s->inside, 1), 0);
    s->lines++;
    s->level = level;
    snprintf(s->last, sizeof s->last, "%s", line);
    atomic_fetch_sub(&s->inside, 1);
}

void test_log__only_what_is_wanted(void **state)
{
    seen s = { 0 };
    hf__log log;

    (void)state;
    hf__log_init(&log, note, &s, HF_LOG_INFO);
    hf__logf(&log, HF_LOG_DEBUG, "no");
    assert_int_equal(s.lines, 0);
    hf__logf(&log, HF_LOG_INFO, "%s %d", "yes", 1);
    assert_int_equal(s.lines, 1);
    assert_int_equal(s.level, HF_LOG_INFO);
    assert_string_equal(s.last, "yes 1");
    hf__logf(&log, HF_LOG_ERROR, "bad");
    assert_int_equal(s.level, HF_LOG_ERROR);
    hf__log_dispose(&log);
}

void test_log__silent_without_a_listener(void **state)
{
    hf__log log;

    (void)state;
    hf__log_init(&log, NULL, NULL, HF_LOG_DEBUG);
    hf__logf(&log, HF_LOG_ERROR, "x");
    hf__log_dispose(&log);
    hf__logf(NULL, HF_LOG_ERROR, "x");
}

void test_log__lines_are_defused_and_bounded(void **state)
{
    char text[5000];
    seen s = { 0 };
    hf__log log;

    (void)state;
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hf__log_init(&log, note, &s, HF_LOG_DEBUG);
    hf__logf(&log, HF_LOG_INFO, "name '%s'", "a\033[2Jb");
    assert_string_equal(s.last, "name 'a?[2Jb'");
    hf__logf(&log, HF_LOG_INFO, "%s", text);
    assert_in_range(strlen(s.last), 500, 2000);
    hf__log_dispose(&log);
}

static void *log_on_a_thread(void *arg)
{
    int i;

    for (i = 0; i < 500; i++)
        hf__logf(arg, HF_LOG_INFO, "line %d", i);
    return NULL;
}

void test_log__calls_never_overlap(void **state)
{
    pthread_t threads[4];
    seen s = { 0 };
    hf__log log;
    int i;

    (void)state;
    hf__log_init(&log, note, &s, HF_LOG_INFO);
    for (i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_on_a_thread, &log), 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(s.lines, 2000);
    hf__log_dispose(&log);
}
