/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of answers that several routes write. Every member but the last is followed by a comma;
 * srv_json_* write them with it, so that callers end with a member of their own. */
#include "routes/routes.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_PAGE 1000

void srv_json_text(hf__buf *out, const char *name, const char *value)
{
    hf__buf_addf(out, "\"%s\":", name);
    if (value)
        hf__json_add_string(out, hf__str_from(value));
    else
        hf__buf_adds(out, "null");
    hf__buf_addc(out, ',');
}

void srv_json_bool(hf__buf *out, const char *name, bool value)
{
    hf__buf_addf(out, "\"%s\":%s,", name, value ? "true" : "false");
}

void srv_json_u64(hf__buf *out, const char *name, uint64_t value)
{
    hf__buf_addf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

void srv_json_end(hf__buf *out)
{
    if (out->len > 0 && out->ptr[out->len - 1] == ',')
        out->ptr[out->len - 1] = '}';
    else
        hf__buf_addc(out, '}');
}

void srv_json_time(hf__buf *out, const char *name, srv_time_ms ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[32];
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        text[0] = '\0';
    hf__buf_addf(out, "\"%s\":\"%s.%03dZ\",", name, text, (int)(ms % 1000));
}

void srv_json_commit_brief(hf__buf *out, const srv_commit *commit)
{
    hf__buf_addc(out, '{');
    srv_json_text(out, "id", commit->id);
    srv_json_time(out, "date", commit->date);
    hf__buf_adds(out, "\"title\":");
    hf__json_add_string(out, hf__str_from(commit->title));
    hf__buf_addc(out, '}');
}

void srv_json_entry(hf__buf *out, const srv_entry *entry)
{
    hf__buf_addf(out, "{\"type\":\"%s\",", entry->is_dir ? "directory" : "file");
    srv_json_text(out, "oid", entry->oid);
    hf__buf_addf(out, "\"size\":%llu,", (unsigned long long)entry->size);
    if (entry->is_lfs)
        hf__buf_addf(out, "\"lfs\":{\"oid\":\"%s\",\"size\":%llu,\"pointerSize\":%llu},",
                     entry->sha256, (unsigned long long)entry->size,
                     (unsigned long long)entry->pointer_size);
    if (entry->last_commit) {
        hf__buf_adds(out, "\"lastCommit\":");
        srv_json_commit_brief(out, entry->last_commit);
        hf__buf_addc(out, ',');
    }
    hf__buf_adds(out, "\"path\":");
    hf__json_add_string(out, hf__str_from(entry->path));
    hf__buf_addc(out, '}');
}

static void add_param(hf__buf *url, char *sep, const char *name, const char *value)
{
    hf__buf_addc(url, *sep);
    *sep = '&';
    hf__buf_add_quoted(url, hf__str_from(name), HF__QUOTE_SEGMENT);
    hf__buf_addc(url, '=');
    hf__buf_add_quoted(url, hf__str_from(value), HF__QUOTE_SEGMENT);
}

void srv_link_next(srv_req *req, const char *name, const char *value)
{
    char sep = '?';
    hf__buf url;

    hf__buf_init(&url, 4 * SRV_MAX_TARGET);
    hf__buf_addf(&url, "<%s", srv_base_url(req, SRV_HUB));
    hf__buf_add_str(&url, req->path);
    for (const srv_param *p = req->params; p; p = p->next)
        if (!srv_param_is(p, name))
            add_param(&url, &sep, p->name, p->value);
    add_param(&url, &sep, name, value);
    hf__buf_adds(&url, ">; rel=\"next\"");
    if (url.status == HF_OK)
        srv_header_set(req, "Link", hf__buf_cstr(&url));
    hf__buf_dispose(&url);
}

bool srv_page_bounds(srv_req *req, size_t n, size_t *first, size_t *end)
{
    uint64_t limit;
    uint64_t cursor;
    char next[32];

    if (!srv_req_u64(req, "limit", MAX_PAGE, &limit) || limit == 0 ||
        !srv_req_u64(req, "cursor", 0, &cursor)) {
        srv_answer_error(req, 400, NULL, "limit and cursor must be numbers");
        return false;
    }
    if (limit > MAX_PAGE)
        limit = MAX_PAGE;
    *first = cursor < n ? (size_t)cursor : n;
    *end = n - *first > limit ? *first + (size_t)limit : n;
    if (*end < n) {
        (void)snprintf(next, sizeof next, "%zu", *end);
        srv_link_next(req, "cursor", next);
    }
    return true;
}
