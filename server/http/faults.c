/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault scripts: rules that spoil the n-th request of a kind, so that a client's defences can be
 * tested. One rule per line; docs/guides/hf-serve-faults.md is the reference. An action is one line
 * in the table below and, where it acts while the body flows, some in send.c.
 */
#include "http/internal.h"

#include "core/error.h"
#include "core/os.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SCRIPT ((size_t)1024 * 1024)

typedef struct rule {
    struct rule *next;
    const char *method; /* "*": any */
    const char *glob;
    int origin;           /* -1: any */
    int range;            /* -1: any, 0: without, 1: with a Range header */
    uint64_t first, last; /* which matches, counted from 1 */
    uint64_t n_seen;      /* with lock held */
    srv_fault fault;
} rule;

struct srv_faults {
    char *path;
    pthread_mutex_t lock; /* over arena, rules and their counters */
    hf__arena *arena;
    rule *rules;
};

/* ------------------------------------------------------------------------------------- actions */

/* NULL, or what is wrong with the value. */
typedef const char *action_fn(hf__arena *arena, srv_fault *fault, hf__str value);

static const char *number(hf__str text, uint64_t max, uint64_t *out)
{
    return hf__str_to_u64(text, out) && *out <= max ? NULL : "wants a number";
}

static const char *do_cut(hf__arena *arena, srv_fault *fault, hf__str value)
{
    (void)arena;
    fault->has_cut = true;
    return number(value, UINT64_MAX - 1, &fault->cut);
}

static const char *do_flip(hf__arena *arena, srv_fault *fault, hf__str value)
{
    (void)arena;
    fault->has_flip = true;
    return number(value, UINT64_MAX - 1, &fault->flip);
}

static const char *do_stall(hf__arena *arena, srv_fault *fault, hf__str value)
{
    hf__str rest;
    hf__str at = hf__str_cut(value, ':', &rest);
    uint64_t ms = 0;

    (void)arena;
    fault->has_stall = true;
    if (number(at, UINT64_MAX - 1, &fault->stall) || number(rest, UINT32_MAX, &ms))
        return "wants BYTES:MILLISECONDS";
    fault->stall_ms = (uint32_t)ms;
    return NULL;
}

static const char *do_take_cut(hf__arena *arena, srv_fault *fault, hf__str value)
{
    (void)arena;
    fault->has_take_cut = true;
    return number(value, UINT64_MAX - 1, &fault->take_cut);
}

static const char *do_take_stall(hf__arena *arena, srv_fault *fault, hf__str value)
{
    hf__str rest;
    hf__str at = hf__str_cut(value, ':', &rest);
    uint64_t ms = 0;

    (void)arena;
    fault->has_take_stall = true;
    if (number(at, UINT64_MAX - 1, &fault->take_stall) || number(rest, UINT32_MAX, &ms))
        return "wants BYTES:MILLISECONDS";
    fault->take_stall_ms = (uint32_t)ms;
    return NULL;
}

static const char *do_drip(hf__arena *arena, srv_fault *fault, hf__str value)
{
    (void)arena;
    if (number(value, UINT32_MAX, &fault->bytes_per_second) || fault->bytes_per_second == 0)
        return "wants bytes per second";
    return NULL;
}

static const char *do_status(hf__arena *arena, srv_fault *fault, hf__str value)
{
    hf__str rest;
    hf__str code = hf__str_cut(value, ':', &rest);
    uint64_t n;

    (void)arena;
    if (number(code, 599, &n) || n < 200)
        return "wants a status from 200 to 599";
    fault->status = (unsigned)n;
    if (!rest.ptr)
        return NULL;
    if (!hf__str_starts(rest, HF__STR("retry-after=")))
        return "knows retry-after=SECONDS only";
    rest.ptr += strlen("retry-after=");
    rest.len -= strlen("retry-after=");
    if (number(rest, UINT32_MAX, &n))
        return "wants retry-after=SECONDS";
    fault->retry_after = (uint32_t)n;
    return NULL;
}

static const char *do_delay(hf__arena *arena, srv_fault *fault, hf__str value)
{
    uint64_t ms;

    (void)arena;
    if (number(value, UINT32_MAX, &ms))
        return "wants milliseconds";
    fault->delay_ms = (uint32_t)ms;
    return NULL;
}

static const char *do_length(hf__arena *arena, srv_fault *fault, hf__str value)
{
    (void)arena;
    fault->has_length = true;
    return number(value, UINT64_MAX - 1, &fault->length);
}

static const char *do_etag(hf__arena *arena, srv_fault *fault, hf__str value)
{
    fault->etag = hf__arena_str(arena, value);
    return fault->etag ? NULL : "does not fit into memory";
}

static const char *do_header(hf__arena *arena, srv_fault *fault, hf__str value)
{
    srv_header *header = hf__arena_alloc(arena, sizeof(*header));
    hf__str rest;
    hf__str name = hf__str_trim(hf__str_cut(value, ':', &rest));

    if (!header)
        return "does not fit into memory";
    if (!rest.ptr || name.len == 0)
        return "wants Name:Value";
    header->name = hf__arena_str(arena, name);
    header->value = hf__arena_str(arena, hf__str_trim(rest));
    if (!header->name || !header->value)
        return "does not fit into memory";
    header->next = fault->headers;
    fault->headers = header;
    return NULL;
}

static const char *do_redirect(hf__arena *arena, srv_fault *fault, hf__str value)
{
    if (value.len == 0)
        return "wants a URL or 'loop'";
    fault->loop = hf__str_eq(value, HF__STR("loop"));
    fault->redirect = hf__arena_str(arena, value);
    return fault->redirect ? NULL : "does not fit into memory";
}

static const struct action {
    const char *name;
    action_fn *fn; /* takes a value; NULL: sets the flag */
    size_t flag;   /* of srv_fault */
} actions[] = {
    { "cut", do_cut, 0 },
    { "flip", do_flip, 0 },
    { "stall", do_stall, 0 },
    { "drip", do_drip, 0 },
    { "status", do_status, 0 },
    { "delay", do_delay, 0 },
    { "length", do_length, 0 },
    { "etag", do_etag, 0 },
    { "header", do_header, 0 },
    { "redirect", do_redirect, 0 },
    { "take-cut", do_take_cut, 0 },
    { "take-stall", do_take_stall, 0 },
    { "lose", NULL, offsetof(srv_fault, lose) },
    { "expired", NULL, offsetof(srv_fault, expired) },
    { "drop", NULL, offsetof(srv_fault, drop) },
    { "ignore-range", NULL, offsetof(srv_fault, ignore_range) },
    { "wrong-range", NULL, offsetof(srv_fault, wrong_range) },
    { "chunked", NULL, offsetof(srv_fault, chunked) },
};

/* ------------------------------------------------------------------------------------- parsing */

static hf_status parse_action(hf__arena *arena, rule *r, hf__str value, hf_error *err)
{
    hf__str rest;
    hf__str name = hf__str_cut(value, '=', &rest);

    for (size_t i = 0; i < HF__COUNT(actions); i++) {
        const struct action *action = &actions[i];
        const char *wrong = NULL;

        if (!hf__str_eq(name, hf__str_from(action->name)))
            continue;
        if (action->fn)
            wrong = rest.ptr ? action->fn(arena, &r->fault, rest) : "wants a value";
        else if (rest.ptr)
            wrong = "takes no value";
        else
            *(bool *)((char *)&r->fault + action->flag) = true;
        if (wrong)
            return hf__fail(err, HF_ERR_BAD_FORMAT, "action '%s' %s", action->name, wrong);
        return HF_OK;
    }
    return hf__fail(err, HF_ERR_BAD_FORMAT, "unknown action '%.*s'", (int)name.len, name.ptr);
}

static hf_status parse_nth(rule *r, hf__str value, hf_error *err)
{
    hf__str rest;
    bool open_end = hf__str_ends(value, HF__STR("+"));
    hf__str first;

    if (open_end)
        value.len--;
    first = hf__str_cut(value, '-', &rest);
    if (!hf__str_to_u64(first, &r->first) || r->first == 0 || (rest.ptr && open_end) ||
        (rest.ptr && (!hf__str_to_u64(rest, &r->last) || r->last < r->first)))
        return hf__fail(err, HF_ERR_BAD_FORMAT, "nth wants N, N-M or N+, counted from 1");
    if (open_end)
        r->last = UINT64_MAX;
    else if (!rest.ptr)
        r->last = r->first;
    return HF_OK;
}

static hf_status parse_word(hf__arena *arena, rule *r, hf__str word, hf_error *err)
{
    hf__str value;
    hf__str key = hf__str_cut(word, '=', &value);

    if (!value.ptr)
        return hf__fail(err, HF_ERR_BAD_FORMAT, "'%.*s' is not KEY=VALUE", (int)word.len, word.ptr);
    if (hf__str_eq(key, HF__STR("action")))
        return parse_action(arena, r, value, err);
    if (hf__str_eq(key, HF__STR("nth")))
        return parse_nth(r, value, err);
    if (hf__str_eq(key, HF__STR("match"))) {
        hf__str glob;
        hf__str method = hf__str_cut(value, ':', &glob);

        if (!glob.ptr || glob.len == 0 || method.len == 0)
            return hf__fail(err, HF_ERR_BAD_FORMAT, "match wants METHOD:GLOB");
        r->method = hf__arena_str(arena, method);
        r->glob = hf__arena_str(arena, glob);
        return r->method && r->glob ? HF_OK : hf__fail_nomem(err);
    }
    if (hf__str_eq(key, HF__STR("origin"))) {
        r->origin = hf__str_eq(value, HF__STR("hub")) ? SRV_HUB : SRV_STORAGE;
        if (r->origin == SRV_STORAGE && !hf__str_eq(value, HF__STR("storage")))
            return hf__fail(err, HF_ERR_BAD_FORMAT, "origin is hub or storage");
        return HF_OK;
    }
    if (hf__str_eq(key, HF__STR("range"))) {
        r->range = hf__str_eq(value, HF__STR("yes"));
        if (!r->range && !hf__str_eq(value, HF__STR("no")))
            return hf__fail(err, HF_ERR_BAD_FORMAT, "range is yes or no");
        return HF_OK;
    }
    return hf__fail(err, HF_ERR_BAD_FORMAT, "unknown key '%.*s'", (int)key.len, key.ptr);
}

/* Next word of line: up to a blank, double quotes hold blanks together and vanish. */
static bool next_word(hf__str *line, hf__buf *word)
{
    bool quoted = false;
    size_t i = 0;

    hf__buf_reset(word);
    *line = hf__str_trim(*line);
    for (; i < line->len && (quoted || (line->ptr[i] != ' ' && line->ptr[i] != '\t')); i++) {
        if (line->ptr[i] == '"')
            quoted = !quoted;
        else if (line->ptr[i] == '\\' && i + 1 < line->len && line->ptr[i + 1] == '"')
            hf__buf_addc(word, line->ptr[++i]);
        else
            hf__buf_addc(word, line->ptr[i]);
    }
    line->ptr += i;
    line->len -= i;
    return i > 0;
}

static hf_status parse_line(hf__arena *arena, hf__str line, rule **out, hf_error *err)
{
    rule *r = hf__arena_alloc(arena, sizeof(*r));
    bool has_action = false;
    hf_status st = HF_OK;
    hf__buf word;

    if (!r)
        return hf__fail_nomem(err);
    r->first = 1;
    r->last = UINT64_MAX;
    r->origin = -1;
    r->range = -1;
    hf__buf_init(&word, SRV_MAX_TARGET);
    while (st == HF_OK && next_word(&line, &word)) {
        if (hf__str_starts(hf__buf_str(&word), HF__STR("#")))
            break;
        has_action = has_action || hf__str_starts(hf__buf_str(&word), HF__STR("action="));
        st = parse_word(arena, r, hf__buf_str(&word), err);
    }
    hf__buf_dispose(&word);
    if (st == HF_OK && !r->glob)
        st = hf__fail(err, HF_ERR_BAD_FORMAT, "a rule needs match=METHOD:GLOB");
    if (st == HF_OK && !has_action)
        st = hf__fail(err, HF_ERR_BAD_FORMAT, "a rule needs an action");
    *out = r;
    return st;
}

static hf_status parse_script(const char *path, hf__arena *arena, rule **out, hf_error *err)
{
    hf__buf text;
    hf__str rest;
    rule **last = out;
    unsigned number_of_line = 0;
    bool found = false;
    hf_status st;

    hf__buf_init(&text, MAX_SCRIPT);
    st = hf__os_read_file(path, &text, &found, err);
    if (st == HF_OK && !found)
        st = hf__fail(err, HF_ERR_IO, "there is no fault script '%s'", path);
    *out = NULL;
    rest = hf__buf_str(&text);
    while (st == HF_OK && rest.ptr) {
        hf__str line = hf__str_trim(hf__str_cut(rest, '\n', &rest));

        number_of_line++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        st = parse_line(arena, line, last, err);
        if (st == HF_ERR_BAD_FORMAT)
            hf__error_prefix(err, "%s:%u", path, number_of_line);
        else if (st == HF_OK)
            last = &(*last)->next;
    }
    hf__buf_dispose(&text);
    return st;
}

/* --------------------------------------------------------------------------------------- using */

hf_status srv_faults_open(const char *path, srv_faults **out, hf_error *err)
{
    srv_faults *faults = calloc(1, sizeof(*faults));
    hf_status st;

    if (!faults)
        return hf__fail_nomem(err);
    pthread_mutex_init(&faults->lock, NULL);
    faults->path = strdup(path);
    st = faults->path ? srv_faults_reload(faults, err) : hf__fail_nomem(err);
    if (st != HF_OK) {
        srv_faults_close(faults);
        return st;
    }
    *out = faults;
    return HF_OK;
}

hf_status srv_faults_reload(srv_faults *faults, hf_error *err)
{
    hf__arena *arena = hf__arena_new();
    hf__arena *old;
    rule *rules;
    hf_status st;

    if (!arena)
        return hf__fail_nomem(err);
    st = parse_script(faults->path, arena, &rules, err);
    if (st != HF_OK) {
        hf__arena_free(arena);
        return st;
    }
    pthread_mutex_lock(&faults->lock);
    old = faults->arena;
    faults->arena = arena;
    faults->rules = rules;
    pthread_mutex_unlock(&faults->lock);
    hf__arena_free(old);
    return HF_OK;
}

static bool matches(const rule *r, const srv_req *req, const char *path, bool has_range)
{
    if (r->origin >= 0 && r->origin != (int)req->origin)
        return false;
    if (r->range >= 0 && r->range != (int)has_range)
        return false;
    if (strcmp(r->method, "*") != 0 && strcmp(r->method, req->method) != 0)
        return false;
    return fnmatch(r->glob, path, 0) == 0;
}

/* The rules may be replaced while the request runs, so it gets copies of their texts. */
static void copy_texts(srv_req *req, srv_fault *fault)
{
    srv_header *headers = NULL;

    fault->etag = hf__arena_cstr(req->arena, fault->etag);
    fault->redirect = hf__arena_cstr(req->arena, fault->redirect);
    for (const srv_header *h = fault->headers; h; h = h->next) {
        srv_header *copy = hf__arena_alloc(req->arena, sizeof(*copy));

        if (!copy)
            break;
        copy->name = hf__arena_cstr(req->arena, h->name);
        copy->value = hf__arena_cstr(req->arena, h->value);
        copy->next = headers;
        headers = copy->name && copy->value ? copy : headers;
    }
    fault->headers = headers;
}

void srv_faults_match(srv_faults *faults, srv_req *req)
{
    const char *path = hf__arena_str(req->arena, req->path);
    bool has_range = srv_req_header(req, "Range") != NULL;
    bool taken = false;

    if (!path)
        return;
    pthread_mutex_lock(&faults->lock);
    /* Every rule counts its own matches; the first whose turn it is acts. */
    for (rule *r = faults->rules; r; r = r->next) {
        if (!matches(r, req, path, has_range))
            continue;
        r->n_seen++;
        if (!taken && r->n_seen >= r->first && r->n_seen <= r->last) {
            taken = true;
            req->is_spoilt = true;
            req->fault = r->fault;
            copy_texts(req, &req->fault);
        }
    }
    pthread_mutex_unlock(&faults->lock);
}

void srv_faults_close(srv_faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->lock);
    hf__arena_free(faults->arena);
    free(faults->path);
    free(faults);
}
