/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a transfer is, on stderr: one line that is rewritten on a terminal, a plain line every
 * few seconds where there is none, so that a log file stays readable. Silent when asked to be.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PLAIN_FIRST_MS 2000
#define PLAIN_EVERY_MS 10000
#define BAR_EVERY_MS   90

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What setlocale(3) would find, without loading a locale. */
static bool utf8_locale(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8") ||
                   strstr(value, "utf-8");
    }
    return false;
}

void cli_progress_init(cli_progress *progress, cli_ctx *ctx, const char *subject)
{
    const char *asked = getenv("HF_HUB_DISABLE_PROGRESS_BARS");
    const char *term = getenv("TERM");

    memset(progress, 0, sizeof(*progress));
    progress->ctx = ctx;
    progress->subject = subject;
    progress->started_ms = now_ms();
    progress->bar = ctx->tty_err && (!term || strcmp(term, "dumb") != 0);
    progress->blocks = utf8_locale();
    /* Set to a false value it asks for progress in every mode (cache.md 1.3); --quiet
     * still wins. */
    progress->off = asked && *asked ? cli_truthy(asked) : ctx->mode != CLI_HUMAN;
    if (ctx->mode == CLI_QUIET)
        progress->off = true;
}

static void duration(char out[24], uint64_t seconds)
{
    if (seconds >= 3600)
        snprintf(out, 24, "%llu:%02llu:%02llu", (unsigned long long)(seconds / 3600),
                 (unsigned long long)(seconds / 60 % 60), (unsigned long long)(seconds % 60));
    else
        snprintf(out, 24, "%llu:%02llu", (unsigned long long)(seconds / 60),
                 (unsigned long long)(seconds % 60));
}

/* "waiting 12 s, the Hub asked for it" */
static void describe_wait(const hf_progress *event, char *out, size_t size)
{
    snprintf(out, size,
             event->wait_asked ? "waiting %u s, the Hub asked for it"
                               : "waiting %u s before the next try",
             (event->wait_ms + 999) / 1000);
}

/* "12/40 files, hashed 3G of 4.5G, sent 1.2G of 4.5G, 210.3M/s, 0:15 left, 2 commits" */
static void describe_upload(const hf_progress *event, char *out, size_t size)
{
    char a[24], b[24];
    size_t len;

    snprintf(out, size, "%llu/%llu files", (unsigned long long)event->files_done,
             (unsigned long long)event->files_total);
    len = strlen(out);
    if (event->files_asked < event->files_total)
        snprintf(out + len, size - len, ", %llu asked about",
                 (unsigned long long)event->files_asked);
    len = strlen(out);
    if (event->bytes_hashed < event->bytes_to_hash)
        snprintf(out + len, size - len, ", hashed %s of %s", cli_size(a, event->bytes_hashed),
                 cli_size(b, event->bytes_to_hash));
    len = strlen(out);
    if (event->bytes_total)
        snprintf(out + len, size - len, ", sent %s of %s", cli_size(a, event->bytes_done),
                 cli_size(b, event->bytes_total));
    len = strlen(out);
    if (event->phase == HF_PHASE_WAIT && event->wait_ms) {
        len += (size_t)snprintf(out + len, size - len, ", ");
        describe_wait(event, out + len, size - len);
    } else if (event->phase == HF_PHASE_COMMIT) {
        snprintf(out + len, size - len, ", committing");
    } else if (event->seconds_left) {
        duration(b, event->seconds_left);
        snprintf(out + len, size - len, ", %s/s, %s left", cli_size(a, event->bytes_per_s), b);
    }
    len = strlen(out);
    if (event->commits > 1)
        snprintf(out + len, size - len, ", %u commits", event->commits);
}

static bool is_upload(const hf_progress *event)
{
    return event->files_asked || event->bytes_to_hash;
}

/* "12/40 files, 1.2G of 4.5G, 210.3M/s, 0:15 left" */
static void describe(const hf_progress *event, char *out, size_t size)
{
    char done[24], total[24], speed[24], left[24];
    size_t len = 0;

    out[0] = '\0';
    if (is_upload(event)) {
        describe_upload(event, out, size);
        return;
    }
    if (event->files_total > 1)
        snprintf(out, size, "%llu/%llu files, ", (unsigned long long)event->files_done,
                 (unsigned long long)event->files_total);
    len = strlen(out);
    if (event->bytes_total == 0) { /* nothing is known yet */
        describe_wait(event, out, size);
        return;
    }
    snprintf(out + len, size - len, "%s of %s", cli_size(done, event->bytes_done),
             cli_size(total, event->bytes_total));
    len = strlen(out);
    if (event->phase == HF_PHASE_WAIT && event->wait_ms) {
        len += (size_t)snprintf(out + len, size - len, ", ");
        describe_wait(event, out + len, size - len);
    } else if (event->phase == HF_PHASE_WAIT) {
        snprintf(out + len, size - len, ", waiting for another process that is fetching it");
    } else if (event->bytes_per_s) {
        duration(left, event->bytes_done < event->bytes_total
                           ? (event->bytes_total - event->bytes_done) / event->bytes_per_s
                           : 0);
        snprintf(out + len, size - len, ", %s/s, %s left", cli_size(speed, event->bytes_per_s),
                 left);
    }
}

static unsigned percent(const hf_progress *event)
{
    if (event->bytes_total == 0 && is_upload(event) && event->files_total)
        return (unsigned)((double)event->files_done * 100.0 / (double)event->files_total);
    if (event->bytes_total == 0)
        return event->phase == HF_PHASE_DONE ? 100 : 0;
    if (event->bytes_done >= event->bytes_total)
        return 100;
    return (unsigned)((double)event->bytes_done * 100.0 / (double)event->bytes_total);
}

static void draw_bar(const cli_progress *progress, size_t columns, unsigned part)
{
    static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
    size_t filled = columns * 8 * part / 100;

    fputc('|', stderr);
    for (size_t i = 0; i < columns; i++) {
        size_t here = filled > i * 8 ? filled - i * 8 : 0;

        if (progress->blocks)
            fputs(eighths[here > 8 ? 8 : here], stderr);
        else
            fputc(here >= 8 ? '#' : ' ', stderr);
    }
    fputs("| ", stderr);
}

/* "model.safetensors  42% |████      | 1.2G of 4.5G, 210.3M/s, 0:15 left". What the line has no room
 * for is left out: first the bar, then the name, then the end of the numbers. */
static void show_bar(cli_progress *progress, const hf_progress *event)
{
    const char *subject = event->files_total <= 1 && event->path ? event->path : progress->subject;
    char text[200];
    size_t room = cli_screen_width(STDERR_FILENO) - 1; /* the last column would wrap */
    size_t name;
    size_t bar;

    describe(event, text, sizeof(text));
    room -= room < 5 ? room : 5;                                    /* "100% " */
    name = cli_columns(text) < room ? room - cli_columns(text) : 0; /* all that is left */
    bar = name > 20 ? name / 2 : 0;
    bar = bar > 33 ? 33 : bar;
    name -= bar + (name > bar);
    if (name < 4)
        name = 0;
    cli_err_lock();
    fputs("\r", stderr);
    if (name) {
        cli_put_end(stderr, subject, name);
        fputc(' ', stderr);
    }
    fprintf(stderr, "%3u%%", percent(event));
    if (room)
        fputc(' ', stderr);
    if (bar > 6)
        draw_bar(progress, bar - 3, percent(event));
    cli_put(stderr, text, room);
    fputs("\033[K", stderr);
    fflush(stderr);
    progress->ctx->line_open = true;
    cli_err_unlock();
}

const char *const cli_progress_hows[] = { "auto", "json", NULL };

void cli_progress_how(cli_progress *progress, const char *how)
{
    if (!how || strcmp(how, "json") != 0)
        return;
    progress->json = true;
    progress->off = false;
}

static void show_json(const cli_progress *progress, const hf_progress *event)
{
    static const char *const phases[] = { "", "plan", "transfer", "wait", "done", "commit" };

    cli_err_lock();
    fprintf(stderr,
            "{\"event\":\"progress\",\"phase\":\"%s\",\"bytes_done\":%llu,\"bytes_total\":%llu,"
            "\"files_done\":%llu,\"files_total\":%llu,\"bytes_per_s\":%llu,\"wait_ms\":%u,"
            "\"wait_asked\":%s,\"retries\":%u,",
            phases[event->phase], (unsigned long long)event->bytes_done,
            (unsigned long long)event->bytes_total, (unsigned long long)event->files_done,
            (unsigned long long)event->files_total, (unsigned long long)event->bytes_per_s,
            event->wait_ms, event->wait_asked ? "true" : "false", event->retries);
    if (progress->upload)
        fprintf(stderr,
                "\"bytes_hashed\":%llu,\"bytes_to_hash\":%llu,\"files_asked\":%llu,"
                "\"commits\":%u,\"seconds_left\":%u,",
                (unsigned long long)event->bytes_hashed, (unsigned long long)event->bytes_to_hash,
                (unsigned long long)event->files_asked, event->commits, event->seconds_left);
    fputs("\"path\":", stderr);
    if (event->path)
        cli_json_string(stderr, event->path);
    else
        fputs("null", stderr);
    fputs("}\n", stderr);
    fflush(stderr);
    cli_err_unlock();
}

int cli_progress_show(const hf_progress *event, void *user)
{
    cli_progress *progress = user;
    uint64_t now = now_ms();
    uint64_t since = now - (progress->shown_ms ? progress->shown_ms : progress->started_ms);
    char text[200];

    if (progress->json) {
        show_json(progress, event);
        return 0;
    }
    if (progress->off || event->phase == HF_PHASE_PLAN ||
        (event->bytes_total == 0 && event->wait_ms == 0 && !is_upload(event)))
        return 0;
    if (progress->bar) {
        if (since < BAR_EVERY_MS && progress->shown_ms && event->phase != HF_PHASE_DONE)
            return 0;
        show_bar(progress, event);
    } else {
        if (event->phase == HF_PHASE_DONE ||
            since < (progress->shown_ms ? PLAIN_EVERY_MS : PLAIN_FIRST_MS))
            goto done;
        describe(event, text, sizeof(text));
        cli_say(progress->ctx, "%s: %u%%, %s", progress->subject, percent(event), text);
    }
    progress->shown_ms = now;
done:
    progress->bytes = event->bytes_done;
    return 0;
}

void cli_progress_end(cli_progress *progress, bool success)
{
    char size[24], speed[24];
    uint64_t ms = now_ms() - progress->started_ms;
    uint64_t bytes = progress->bytes;

    cli_line_close(progress->ctx);
    if (progress->off || progress->json || bytes == 0 || !success)
        return;
    cli_say(progress->ctx, "%s: %s in %llu.%llu s, %s/s", progress->subject, cli_size(size, bytes),
            (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000 / 100),
            cli_size(speed, ms ? bytes * 1000 / ms : bytes));
}
