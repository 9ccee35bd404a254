/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The custom transfer agent of git-lfs (hub-http.md 8.5, 8.6): a line of JSON in, lines of JSON out.
 * It sends each object as an upload of a list would, several parts at a time; addresses come from
 * git-lfs, which asks for new ones and tries again when we report a failure.
 */
#include "transfer/upload.h"

#include "core/os.h"

#include <stdlib.h>

#define MAX_LINE ((size_t)32 * 1024 * 1024) /* ten thousand URLs of 3 KiB */

typedef struct agent {
    const hf__transfer_ctx *ctx;
    const hf_cancel *cancel;
    int in;
    int out;
    hf__buf text; /* read and not looked at yet, from `at` on */
    size_t at;
} agent;

/* ---- lines */

static hf_status read_line(agent *a, hf__str *line, bool *end, hf_error *err)
{
    size_t looked = a->at;
    hf_status st = HF_OK;

    *end = false;
    for (;;) {
        const char *start = hf__buf_cstr(&a->text) + a->at;
        const char *stop =
            looked < a->text.len ? memchr(a->text.ptr + looked, '\n', a->text.len - looked) : NULL;
        size_t got = 0;
        char *to;

        if (stop) {
            *line = hf__str_trim((hf__str){ start, (size_t)(stop - start) });
            a->at = (size_t)(stop - a->text.ptr) + 1;
            return HF_OK;
        }
        if (a->at == a->text.len) {
            hf__buf_reset(&a->text);
            a->at = 0;
        }
        looked = a->text.len;
        to = hf__buf_reserve(&a->text, 65536);
        if (!to)
            return hf__fail(err, a->text.status, "a line of git-lfs is too long");
        st = hf__os_read(a->in, to, 65536, &got, "standard input", err);
        if (st != HF_OK || got == 0) {
            *end = true;
            return st;
        }
        hf__buf_grew(&a->text, got);
    }
}

static hf_status say(const agent *a, const hf__buf *line, hf_error *err)
{
    if (line->status != HF_OK)
        return hf__fail_nomem(err);
    return hf__os_write(a->out, line->ptr, line->len, "standard output", err);
}

static hf_status say_text(const agent *a, const char *text, hf_error *err)
{
    return hf__os_write(a->out, text, strlen(text), "standard output", err);
}

static hf_status say_progress(const agent *a, const char *oid, uint64_t so_far, uint64_t since,
                              hf_error *err)
{
    hf__buf line;
    hf_status st;

    hf__buf_init(&line, 4096);
    hf__buf_adds(&line, "{\"event\": \"progress\", \"oid\": ");
    hf__json_add_string(&line, hf__str_from(oid));
    hf__buf_addf(&line, ", \"bytesSoFar\": %llu, \"bytesSinceLast\": %llu}\n",
                 (unsigned long long)so_far, (unsigned long long)since);
    st = say(a, &line, err);
    hf__buf_dispose(&line);
    return st;
}

static hf_status say_complete(const agent *a, const char *oid, hf_status status,
                              const hf_error *why, hf_error *err)
{
    hf__buf line;
    hf_status st;

    hf__buf_init(&line, 64 * 1024);
    hf__buf_adds(&line, "{\"event\": \"complete\", \"oid\": ");
    hf__json_add_string(&line, hf__str_from(oid));
    if (status != HF_OK) {
        hf__buf_adds(&line, ", \"error\": {\"code\": 2, \"message\": ");
        hf__json_add_string(&line,
                            hf__str_from(why->message[0] ? why->message : hf_status_text(status)));
        hf__buf_addc(&line, '}');
    }
    hf__buf_adds(&line, "}\n");
    st = say(a, &line, err);
    hf__buf_dispose(&line);
    return st;
}

/* ---- one object */

/* Sends until the object is there or cannot get there; tells git-lfs how far it is. */
static hf_status send_all(const agent *a, up_run *r, const up_item *item, hf_error *err)
{
    uint64_t told = 1;
    uint64_t told_ms = 0;
    hf_status st = HF_OK;

    while (st == HF_OK) {
        uint64_t now = hf__clock_ms();
        uint64_t bytes;

        hf__up_sends_reap(r);
        bytes = r->sent_bytes + hf__up_sends_bytes(r);
        if (bytes > told && bytes <= item->size && now - told_ms >= UP_TICK_MS) {
            st = say_progress(a, item->hash, bytes, bytes - told, err);
            told = bytes;
            told_ms = now;
        }
        if (r->status != HF_OK || item->state == UP_READY)
            break;
        if (hf__canceled(a->cancel))
            st = hf__fail(err, HF_ERR_CANCELED, "cancelled");
        hf__up_sends_start(r);
        if (r->status == HF_OK && item->state != UP_READY && st == HF_OK)
            hf__up_wait(r);
    }
    if (st == HF_OK && r->status == HF_OK && item->size > told)
        st = say_progress(a, item->hash, item->size, item->size - told, err);
    return st;
}

static hf_status make_item(hf__upload *u, const hf__json *message, up_item **out, hf_error *err)
{
    const char *oid = hf__json_text(message, "oid");
    const char *path = hf__json_text(message, "path");
    uint64_t size = 0;
    hf_status st;

    if (!path || !hf__str_is_hex(hf__str_from(oid), 64) || !hf__json_u64(message, "size", &size))
        return hf__fail(err, HF_ERR_PROTOCOL, "the request of git-lfs lacks oid, size or path");
    st = hf__upload_add_file(u, oid, path, err);
    if (st != HF_OK)
        return st;
    *out = &u->items[u->n - 1];
    memcpy((*out)->hash, oid, sizeof((*out)->hash));
    (*out)->lfs = (*out)->lfs_hash = true;
    (*out)->state = UP_MOVING;
    (*out)->tries = UP_FILE_TRIES; /* git-lfs has the fresh addresses */
    return (*out)->size == size
               ? HF_OK
               : hf__fail(err, HF_ERR_CHANGED, "'%.300s' has %llu bytes, not %llu", path,
                          (unsigned long long)(*out)->size, (unsigned long long)size);
}

/* *why: what is wrong with this object; err: what ends the agent. */
static hf_status send_object(agent *a, const hf__json *message, hf_error *why, hf_error *err)
{
    static const hf_repo_ref nowhere = { HF_REPO_MODEL, "git/lfs", NULL };
    static const hf_upload_opts opts = HF_UPLOAD_OPTS_INIT;
    hf__lfs_action action = { 0 };
    hf__upload *u = NULL;
    up_run *r = NULL;
    up_item *item = NULL;
    hf_status st = hf__upload_new(a->ctx, &nowhere, &u, why);
    hf_status fatal = HF_OK;

    if (st == HF_OK)
        st = make_item(u, message, &item, why);
    if (st == HF_OK)
        st = hf__lfs_action_read(hf__json_get(message, "action"), item->size, &action, why);
    if (st == HF_OK) {
        r = hf__up_run_new(u, &opts, why);
        st = r ? hf__up_send_add(r, item, &action, why) : HF_ERR_NO_MEMORY;
    }
    if (st == HF_OK) {
        r->n_moving = 1;
        /* The first sign of progress is what lets git-lfs start its other agents. */
        fatal = say_progress(a, item->hash, 1, 0, err);
        if (fatal == HF_OK)
            fatal = send_all(a, r, item, err);
        hf__up_sends_stop(r);
        st = r->status;
        hf__error_copy(why, &r->err);
    }
    hf__lfs_action_dispose(&action);
    if (r)
        hf__up_run_free(r);
    hf__upload_free(u);
    if (fatal == HF_OK) {
        const char *oid = hf__json_text(message, "oid");

        fatal = say_complete(a, oid ? oid : "", st, why, err);
    }
    return fatal;
}

/* ---- the conversation */

static bool is_event(const hf__json *message, const char *word)
{
    const char *event = hf__json_text(message, "event");

    if (!event)
        event = hf__json_text(message, "type");
    return event && strcmp(event, word) == 0;
}

static hf_status greet(agent *a, hf_error *err)
{
    hf__json *message = NULL;
    const char *operation;
    hf__str line;
    bool end;
    hf_status st = read_line(a, &line, &end, err);

    if (st == HF_OK && !end)
        (void)hf__json_parse(line, "message of git-lfs", &message, NULL);
    if (st != HF_OK)
        return st;
    operation = hf__json_text(message, "operation");
    if (message && is_event(message, "init") && operation && strcmp(operation, "upload") == 0) {
        st = say_text(a, "{}\n", err);
    } else {
        st = say_text(a, "{\"error\": {\"code\": 32, \"message\": \"Wrong lfs init operation\"}}\n",
                      err);
        if (st == HF_OK)
            st = hf__fail(err, HF_ERR_UNSUPPORTED,
                          "git-lfs wants something other than an upload; this agent only uploads");
    }
    hf__json_free(message);
    return st;
}

hf_status hf__upload_agent(const hf__transfer_ctx *ctx, int in, int out, const hf_cancel *cancel,
                           hf_error *err)
{
    agent a = { .ctx = ctx, .cancel = cancel, .in = in, .out = out };
    bool end = false;
    hf_status st;

    hf__buf_init(&a.text, MAX_LINE);
    st = greet(&a, err);
    while (st == HF_OK && !end) {
        hf_error why = HF_ERROR_INIT;
        hf__json *message = NULL;
        hf__str line;

        st = read_line(&a, &line, &end, err);
        if (st != HF_OK || end)
            break;
        if (line.len == 0)
            continue;
        st = hf__json_parse(line, "message of git-lfs", &message, err);
        if (st == HF_OK && is_event(message, "terminate"))
            end = true;
        else if (st == HF_OK && is_event(message, "upload"))
            st = send_object(&a, message, &why, err);
        else if (st == HF_OK)
            st = hf__fail(err, HF_ERR_UNSUPPORTED,
                          "git-lfs asks for '%.40s'; this agent only uploads",
                          hf__json_text(message, "event") ? hf__json_text(message, "event") : "");
        hf__json_free(message);
    }
    hf__buf_dispose(&a.text);
    return st;
}
