/* SPDX-License-Identifier: Apache-2.0 */
/* Which error an answer is, in the order of the Python client (hub-http.md 3.3), and what the
 * server said of it. */
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

typedef struct answer {
    int status;
    const char *url;
    const struct hf__net_headers *headers;
    const char *code;
    const char *message; /* X-Error-Message */
} answer;

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

/* Path of a URL, without query. */
static hf__str url_path(const char *url)
{
    const char *start = url ? strstr(url, "://") : NULL;
    const char *path = start ? strchr(start + 3, '/') : NULL;

    return path ? (hf__str){ path, strcspn(path, "?#") } : HF__STR("/");
}

static bool path_holds(const char *url, const char *part)
{
    hf__str path = url_path(url);
    size_t len = strlen(part);

    for (size_t i = 0; i + len <= path.len; i++)
        if (memcmp(path.ptr + i, part, len) == 0)
            return true;
    return false;
}

static bool is_repo_url(const char *url)
{
    hf__str path = url_path(url);

    return hf__str_starts(path, HF__STR("/api/models/")) ||
           hf__str_starts(path, HF__STR("/api/datasets/")) ||
           hf__str_starts(path, HF__STR("/api/spaces/")) || path_holds(url, "/resolve/");
}

static hf_status status_of(const answer *a)
{
    if (is(a->code, "RevisionNotFound"))
        return HF_ERR_REVISION_NOT_FOUND;
    if (is(a->code, "EntryNotFound"))
        return HF_ERR_ENTRY_NOT_FOUND;
    if (is(a->code, "GatedRepo"))
        return HF_ERR_GATED_REPO;
    if (is(a->message, "Access to this resource is disabled."))
        return HF_ERR_DISABLED_REPO;
    if (is(a->code, "RepoNotFound"))
        return HF_ERR_REPO_NOT_FOUND;
    if (a->status == 401 && is(a->message, "Invalid credentials in Authorization header"))
        return HF_ERR_UNAUTHORIZED;
    if (a->status == 401)
        return is_repo_url(a->url) ? HF_ERR_REPO_NOT_FOUND : HF_ERR_UNAUTHORIZED;
    switch (a->status) {
    case 400:
        return HF_ERR_BAD_REQUEST;
    case 403:
        return HF_ERR_FORBIDDEN;
    case 409:
    case 412:
        return HF_ERR_CONFLICT;
    case 416:
        return HF_ERR_RANGE;
    case 429:
        return HF_ERR_RATE_LIMITED;
    default:
        return a->status >= 500 ? HF_ERR_SERVER : HF_ERR_HTTP;
    }
}

/* ---- what the server said */

/* Adds one message unless it is there already. */
static void add_message(hf__buf *out, const char *text)
{
    if (!text || !*text || strstr(hf__buf_cstr(out), text))
        return;
    if (out->len)
        hf__buf_adds(out, "; ");
    hf__buf_adds(out, text);
}

static void add_json_messages(hf__buf *out, const hf__json *doc)
{
    const hf__json *error = hf__json_get(doc, "error");
    const hf__json *errors = hf__json_get(doc, "errors");

    add_message(out, hf__json_string(error));
    for (size_t i = 0; hf__json_is_array(error) && i < hf__json_len(error) && i < 20; i++)
        add_message(out, hf__json_string(hf__json_at(error, i)));
    add_message(out, hf__json_text(doc, "error_description"));
    for (size_t i = 0; hf__json_is_array(errors) && i < hf__json_len(errors) && i < 20; i++)
        add_message(out, hf__json_text(hf__json_at(errors, i), "message"));
    add_message(out, hf__json_text(doc, "message"));
}

static void server_text(const answer *a, hf__str body, hf__buf *out)
{
    const char *type = hf__net_header_get(a->headers, "content-type");
    hf__json *doc = NULL;

    add_message(out, a->message);
    body = hf__str_trim(body);
    if (body.len > HF__MAX_ERROR_BODY)
        body.len = HF__MAX_ERROR_BODY;
    if (body.len && (body.ptr[0] == '{' || body.ptr[0] == '[') &&
        hf__json_parse(body, "error", &doc, NULL) == HF_OK) {
        add_json_messages(out, doc);
        hf__json_free(doc);
    } else if (body.len && body.ptr[0] != '<' && !(type && strstr(type, "html"))) {
        char head[300];

        (void)snprintf(head, sizeof(head), "%.*s", (int)(body.len < 290 ? body.len : 290),
                       body.ptr);
        add_message(out, head);
    }
}

/* ---- putting it together */

static size_t word_len(const char *text)
{
    size_t n = 0;

    while ((text[n] >= '0' && text[n] <= '9') ||
           ((text[n] | 0x20) >= 'a' && (text[n] | 0x20) <= 'z') || text[n] == '_')
        n++;
    return n;
}

/* A server that quotes the token it was sent gets it neither to a terminal nor into a log. */
static void hide_tokens(char *text)
{
    static const char scheme[] = "bearer ";
    char *p = text;

    while (*p) {
        size_t len = word_len(p);

        if (len >= 20 && memcmp(p, "hf_", 3) == 0)
            memset(p + 3, '*', len - 3);
        p += len ? len : 1;
        if (*p == ' ' && len == 6 &&
            hf__str_eq_nocase((hf__str){ p - 6, 7 }, hf__str_from(scheme))) {
            len = strcspn(++p, " ;,\"'");
            if (len >= 12)
                memset(p, '*', len);
            p += len;
        }
    }
}

/* The URL without query: a signed one must not end up in a log. */
static int shown_len(const char *url)
{
    return url ? (int)strcspn(url, "?") : 0;
}

static const char *what_to_do(hf_status status, int http_status)
{
    if (http_status == 413)
        return "the server takes no request that large";
    switch (status) {
    case HF_ERR_REPO_NOT_FOUND:
        return "check the name, and if the repo is private, that you are logged in with a token "
               "that may read it";
    case HF_ERR_REVISION_NOT_FOUND:
        return "check the revision";
    case HF_ERR_ENTRY_NOT_FOUND:
        return "check the file's name and the revision";
    case HF_ERR_GATED_REPO:
        return "ask for access on the repo's page and log in with a token that may read it";
    case HF_ERR_UNAUTHORIZED:
        return "log in again, or check the token";
    case HF_ERR_FORBIDDEN:
        return "make sure your token has the correct permissions";
    case HF_ERR_RATE_LIMITED:
        return "wait, or log in for a higher limit";
    default:
        return NULL;
    }
}

static void fill_details(hf_error *err, const answer *a)
{
    const char *id = hf__net_header_get(a->headers, "x-request-id");

    if (!err)
        return;
    err->http_status = a->status;
    (void)snprintf(err->server_code, sizeof(err->server_code), "%s", a->code ? a->code : "");
    if (!id)
        id = hf__net_header_get(a->headers, "x-amz-cf-id");
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s", id ? id : "");
    hf__text_defuse(err->server_code);
    hf__text_defuse(err->request_id);
    err->retry_after_s = hf__net_asked_wait_s(a->status, a->headers);
}

hf_status hf__hub_classify(int status, const char *url, const struct hf__net_headers *headers,
                           hf__str body, hf_error *err)
{
    answer a = { status, url, headers, hf__net_header_get(headers, "x-error-code"),
                 hf__net_header_get(headers, "x-error-message") };
    const char *id = hf__net_header_get(headers, "x-request-id");
    const char *advice;
    hf__buf said;
    hf__buf text;
    hf_status st;

    if (status >= 200 && status < 400)
        return HF_OK;
    st = status_of(&a);
    advice = what_to_do(st, status);
    hf__buf_init(&said, 4096);
    hf__buf_init(&text, 8192);
    server_text(&a, body, &said);
    hf__buf_addf(&text, "%s (HTTP %d for %.*s)", hf__status_text(st), status, shown_len(url),
                 url ? url : "");
    if (said.len)
        hf__buf_addf(&text, ": %.400s", hf__buf_cstr(&said));
    if (advice)
        hf__buf_addf(&text, "; %s", advice);
    if (id)
        hf__buf_addf(&text, " (Request ID: %.80s)", id);
    st = hf__fail(err, st, "%s", hf__buf_cstr(&text));
    fill_details(err, &a);
    if (err && err->retry_after_s) {
        size_t len = strlen(err->message);

        (void)snprintf(err->message + len, sizeof(err->message) - len, "; retry after %u seconds",
                       err->retry_after_s);
    }
    if (err) { /* a server's message may span lines; ours is one */
        for (char *c = err->message; *c; c++)
            if (*c == '\n')
                *c = ' ';
        hide_tokens(err->message);
        hide_tokens(err->request_id);
    }
    hf__buf_dispose(&said);
    hf__buf_dispose(&text);
    return st;
}
