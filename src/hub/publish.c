/* SPDX-License-Identifier: Apache-2.0 */
/* Making repos and branches, preupload, and the commit (hub-http.md 6.1, 6.3, 7). */
#include "hub/private.h"

#include "core/base64.h"
#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* One POST of JSON to the Hub, its answer parsed. doc NULL: the answer is not looked at. */
static hf_status post_json(hf__hub *hub, const hf__buf *url, const hf__buf *body,
                           hf__net_class retry, const hf_cancel *cancel, const char *what,
                           hf__json **doc, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "POST",
                                  .content_type = "application/json",
                                  .retry = retry,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = hub->read_timeout_ms };
    hf__net_resp resp;
    hf_status st;

    if (url->status == HF_ERR_NO_MEMORY || body->status == HF_ERR_NO_MEMORY)
        return hf__fail_nomem(err);
    if (url->status != HF_OK || body->status != HF_OK)
        return hf__fail(err, HF_ERR_LIMIT, "the request for the %s is too large", what);
    exchange.url = hf__buf_cstr(url);
    exchange.body = hf__buf_cstr(body);
    exchange.body_len = body->len;
    st = hf__hub_call(hub, &exchange, cancel, &resp, err);
    if (st != HF_OK)
        return st;
    if (doc)
        st = hf__hub_json(&resp, what, doc, err);
    hf__net_resp_dispose(&resp);
    return st;
}

/* ---- a repo */

static void add_create_body(hf__buf *body, const hf_repo_ref *repo, int private_, const char *sdk)
{
    hf__str name;
    hf__str owner = hf__str_cut(hf__str_from(repo->id), '/', &name);

    hf__buf_adds(body, "{\"name\": ");
    hf__json_add_string(body, name.ptr ? name : owner);
    hf__buf_adds(body, ", \"organization\": ");
    if (name.ptr)
        hf__json_add_string(body, owner);
    else
        hf__buf_adds(body, "null");
    if (repo->type != HF_REPO_MODEL)
        hf__buf_addf(body, ", \"type\": \"%s\"", hf__repo_type_name(repo->type));
    if (private_ >= 0)
        hf__buf_addf(body, ", \"private\": %s", private_ ? "true" : "false");
    if (repo->type == HF_REPO_SPACE) {
        hf__buf_adds(body, ", \"sdk\": ");
        hf__json_add_string(body, hf__str_from(sdk ? sdk : "gradio"));
    }
    hf__buf_addc(body, '}');
}

/* The last two segments of a repo's page are its full name. */
static void id_of_page(const char *url, char id[200])
{
    hf__str text = hf__str_from(url);
    size_t slashes = 0;
    size_t at;

    while (text.len && text.ptr[text.len - 1] == '/')
        text.len--;
    for (at = text.len; at > 0; at--)
        if (text.ptr[at - 1] == '/' && ++slashes == 2)
            break;
    if (slashes == 2 && text.len - at < 200) {
        memcpy(id, text.ptr + at, text.len - at);
        id[text.len - at] = '\0';
        if (hf__repo_id_check(id, NULL) != HF_OK)
            id[0] = '\0';
    }
}

static bool is_readable(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel)
{
    hf_repo_ref plain = { repo->type, repo->id, NULL };
    char commit[41];
    hf_status st = hf__hub_revision(hub, &plain, cancel, commit, NULL);

    return st == HF_OK || st == HF_ERR_REVISION_NOT_FOUND;
}

hf_status hf__hub_repo_ensure(hf__hub *hub, const hf_repo_ref *repo, int private_,
                              const char *space_sdk, const hf_cancel *cancel, char id[200],
                              hf_error *err)
{
    hf__hub_exchange exchange = { .method = "POST",
                                  .content_type = "application/json",
                                  .retry = HF__NET_RETRY_STANDARD,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = hub->read_timeout_ms,
                                  .any_status = true };
    hf__net_resp resp = { 0 };
    hf__json *doc = NULL;
    hf__buf url;
    hf__buf body;
    hf_status st;

    id[0] = '\0';
    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, 4096);
    hf__buf_addf(&url, "%s/api/repos/create", hub->endpoint);
    add_create_body(&body, repo, private_, space_sdk);
    exchange.url = hf__buf_cstr(&url);
    exchange.body = hf__buf_cstr(&body);
    exchange.body_len = body.len;
    st = hf__hub_call(hub, &exchange, cancel, &resp, err);
    if (st != HF_OK)
        goto done;
    if ((resp.status >= 200 && resp.status < 300) || resp.status == 409) {
        if (hf__json_parse(hf__buf_str(&resp.body), "answer", &doc, NULL) == HF_OK &&
            hf__json_text(doc, "url"))
            id_of_page(hf__json_text(doc, "url"), id);
    } else {
        st = hf__hub_classify(resp.status, resp.url, resp.headers, hf__buf_str(&resp.body), err);
        hf__hub_redact(hub, err);
        if (st == HF_OK)
            st = hf__fail(err, HF_ERR_PROTOCOL, "the server answered %d when asked for a new repo",
                          resp.status);
        if ((resp.status == 401 || resp.status == 402 || resp.status == 403) &&
            is_readable(hub, repo, cancel)) {
            hf__error_clear(err);
            st = HF_OK;
        }
    }
done:
    hf__json_free(doc);
    hf__net_resp_dispose(&resp);
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

hf_status hf__hub_branch_ensure(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel,
                                bool *made, hf_error *err)
{
    hf_error why = HF_ERROR_INIT;
    char commit[41];
    hf__buf url;
    hf__buf body;
    hf_status st = hf__hub_revision(hub, repo, cancel, commit, &why);

    *made = false;
    if (st != HF_ERR_REVISION_NOT_FOUND) {
        hf__error_copy(err, &why);
        return st;
    }
    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, 16);
    hf__buf_adds(&url, hub->endpoint);
    hf__hub_add_api(&url, repo);
    hf__buf_adds(&url, "/branch/");
    hf__buf_add_quoted(&url, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    hf__buf_adds(&body, "{}");
    st = post_json(hub, &url, &body, HF__NET_RETRY_STANDARD, cancel, "new branch", NULL, &why);
    if (st == HF_ERR_CONFLICT) /* made by somebody else meanwhile */
        st = HF_OK;
    else
        *made = st == HF_OK;
    if (st != HF_OK)
        hf__error_copy(err, &why);
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

hf_status hf__hub_validate_card(hf__hub *hub, hf_repo_type type, hf__str text,
                                const hf_cancel *cancel, hf_error *err)
{
    hf_error why = HF_ERROR_INIT;
    hf__json *doc = NULL;
    hf__buf url;
    hf__buf body;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, HF__MAX_JSON_BYTES);
    hf__buf_addf(&url, "%s/api/validate-yaml", hub->endpoint);
    hf__buf_addf(&body, "{\"repoType\": \"%s\", \"content\": ", hf__repo_type_name(type));
    hf__json_add_string(&body, text);
    hf__buf_addc(&body, '}');
    st = post_json(hub, &url, &body, HF__NET_RETRY_STANDARD, cancel, "check of README.md", &doc,
                   &why);
    if (st == HF_OK) {
        const hf__json *list = hf__json_get(doc, "warnings");

        for (size_t i = 0; hf__json_is_array(list) && i < hf__json_len(list); i++) {
            const char *message = hf__json_text(hf__json_at(list, i), "message");

            if (message)
                hf__logf(hub->log, HF_LOG_WARNING, "README.md: %.500s", message);
        }
    } else if (st == HF_ERR_BAD_REQUEST || st == HF_ERR_CANCELED) {
        hf__error_copy(err, &why);
        hf__error_prefix(err, "README.md");
    } else {
        st = HF_OK; /* the commit will tell */
    }
    hf__json_free(doc);
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

/* ---- preupload */

static void add_files(hf__buf *body, const hf__preupload_file *files, size_t n,
                      const char *git_ignore)
{
    hf__buf_adds(body, "{\"files\": [");
    for (size_t i = 0; i < n; i++) {
        hf__buf_adds(body, i ? ", {\"path\": " : "{\"path\": ");
        hf__json_add_string(body, hf__str_from(files[i].path));
        hf__buf_adds(body, ", \"sample\": \"");
        hf__base64_add(body, HF__BASE64_STANDARD, files[i].sample, files[i].sample_len);
        hf__buf_addf(body, "\", \"size\": %llu}", (unsigned long long)files[i].size);
    }
    hf__buf_addc(body, ']');
    if (git_ignore) {
        hf__buf_adds(body, ", \"gitIgnore\": ");
        hf__json_add_string(body, hf__str_from(git_ignore));
    }
    hf__buf_addc(body, '}');
}

static hf_status take_mode(hf__preupload_file *file, const hf__json *node, hf_error *err)
{
    const char *mode = hf__json_text(node, "uploadMode");
    const char *oid = hf__json_text(node, "oid");

    if (!mode || (strcmp(mode, "lfs") != 0 && strcmp(mode, "regular") != 0))
        return hf__fail(err, HF_ERR_PROTOCOL, "the server does not say how '%.200s' is to go up",
                        file->path);
    /* An empty file has no pointer form, whatever the server says. */
    file->lfs = strcmp(mode, "lfs") == 0 && file->size > 0;
    file->ignored = hf__json_bool(node, "shouldIgnore", false);
    file->oid[0] = '\0';
    if (oid && (hf__str_is_hex(hf__str_from(oid), 40) || hf__str_is_hex(hf__str_from(oid), 64)))
        (void)snprintf(file->oid, sizeof(file->oid), "%s", oid);
    return HF_OK;
}

static hf_status take_modes(hf__preupload_file *files, size_t n, const hf__json *doc, hf_error *err)
{
    const hf__json *list = hf__json_get(doc, "files");
    size_t len = hf__json_is_array(list) ? hf__json_len(list) : 0;
    size_t at = 0;
    hf_status st = HF_OK;

    /* Usually in the order asked for; any order is fine. */
    for (size_t i = 0; i < n && st == HF_OK; i++) {
        size_t tries = 0;
        const char *path = NULL;

        for (; tries < len; tries++, at = (at + 1) % len) {
            path = hf__json_text(hf__json_at(list, at), "path");
            if (path && strcmp(path, files[i].path) == 0)
                break;
        }
        if (tries == len)
            return hf__fail(err, HF_ERR_PROTOCOL,
                            "the server does not say how '%.200s' is to go up", files[i].path);
        st = take_mode(&files[i], hf__json_at(list, at), err);
    }
    return st;
}

hf_status hf__hub_preupload(hf__hub *hub, const hf_repo_ref *repo, bool create_pr,
                            hf__preupload_file *files, size_t n, const char *git_ignore,
                            const hf_cancel *cancel, char commit[41], hf_error *err)
{
    const char *oid;
    hf__json *doc = NULL;
    hf__buf url;
    hf__buf body;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_init(&body, HF__MAX_JSON_BYTES);
    hf__buf_adds(&url, hub->endpoint);
    hf__hub_add_api(&url, repo);
    hf__buf_adds(&url, "/preupload/");
    hf__buf_add_quoted(&url, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    hf__buf_adds(&url, create_pr ? "?create_pr=1" : "");
    add_files(&body, files, n, git_ignore);
    st = post_json(hub, &url, &body, HF__NET_RETRY_STANDARD, cancel, "answer to the preupload",
                   &doc, err);
    if (st == HF_OK)
        st = take_modes(files, n, doc, err);
    oid = st == HF_OK ? hf__json_text(doc, "commitOid") : NULL;
    (void)snprintf(commit, 41, "%s", oid && hf__is_commit(oid) ? oid : "");
    hf__json_free(doc);
    hf__buf_dispose(&url);
    hf__buf_dispose(&body);
    return st;
}

/* ---- commit */

void hf__hub_committed_dispose(hf__hub_committed *committed)
{
    free(committed->url);
    free(committed->pr_url);
    memset(committed, 0, sizeof(*committed));
}

static hf_status take_commit(const hf__json *doc, hf__hub_committed *out, hf_error *err)
{
    const char *oid = hf__json_text(doc, "commitOid");
    const char *url = hf__json_text(doc, "commitUrl");
    const char *pr = hf__json_text(doc, "pullRequestUrl");

    if (!oid || !hf__is_commit(oid) || !url)
        return hf__fail(err, HF_ERR_PROTOCOL, "the server did not name the commit it made");
    (void)snprintf(out->oid, sizeof(out->oid), "%s", oid);
    out->url = strdup(url);
    out->pr_url = pr ? strdup(pr) : NULL;
    return out->url && (out->pr_url || !pr) ? HF_OK : hf__fail_nomem(err);
}

hf_status hf__hub_commit(hf__hub *hub, const hf_repo_ref *repo, bool create_pr,
                         const hf__net_source *body, const hf_cancel *cancel,
                         hf__hub_committed *out, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "POST",
                                  .source = body,
                                  .content_type = "application/x-ndjson",
                                  .retry = HF__NET_RETRY_NONE,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  /* A large commit takes a server up to a minute. */
                                  .timeout_ms = 9 * hub->read_timeout_ms };
    hf__hub_committed result = { 0 };
    hf__json *doc = NULL;
    hf__net_resp resp = { 0 };
    hf__buf url;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_adds(&url, hub->endpoint);
    hf__hub_add_api(&url, repo);
    hf__buf_adds(&url, "/commit/");
    hf__buf_add_quoted(&url, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    hf__buf_adds(&url, create_pr ? "?create_pr=1" : "");
    exchange.url = hf__buf_cstr(&url);
    st = url.status == HF_OK ? hf__hub_call(hub, &exchange, cancel, &resp, err)
                             : hf__fail(err, url.status, "the URL of the commit is too long");
    if (st == HF_OK)
        st = hf__hub_json(&resp, "answer to the commit", &doc, err);
    if (st == HF_OK)
        st = take_commit(doc, &result, err);
    if (st == HF_OK)
        *out = result;
    else
        hf__hub_committed_dispose(&result);
    hf__json_free(doc);
    hf__net_resp_dispose(&resp);
    hf__buf_dispose(&url);
    return st;
}

/* ---- what there is after an answer was lost */

/* Keeps the newest of pull requests, whatever order they come in; commits come in theirs. */
static void add_made(hf__hub_made made[HF__HUB_MADE], size_t *n, const char *commit, uint64_t pr)
{
    size_t at = *n;

    while (at > 0 && made[at - 1].pr < pr)
        at--;
    if (at == HF__HUB_MADE)
        return;
    if (*n < HF__HUB_MADE)
        (*n)++;
    memmove(made + at + 1, made + at, (*n - at - 1) * sizeof(*made));
    made[at].pr = pr;
    (void)snprintf(made[at].commit, sizeof(made[at].commit), "%s", commit);
}

hf_status hf__hub_made_since(hf__hub *hub, const hf_repo_ref *repo, const char *base,
                             const hf_cancel *cancel, hf__hub_made made[HF__HUB_MADE], size_t *n,
                             hf_error *err)
{
    hf__json *doc = NULL;
    hf__buf path;
    bool met = false;
    hf_status st;

    *n = 0;
    hf__buf_init(&path, HF__MAX_URL);
    hf__hub_add_api(&path, repo);
    hf__buf_adds(&path, "/commits/");
    hf__buf_add_quoted(&path, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    hf__buf_addf(&path, "?limit=%d", HF__HUB_MADE);
    st = hf__hub_api_get(hub, hf__buf_cstr(&path), HF__NET_RETRY_STANDARD, cancel,
                         "list of commits", &doc, err);
    hf__buf_dispose(&path);
    for (size_t i = 0; st == HF_OK && !met && *n < HF__HUB_MADE && i < hf__json_len(doc); i++) {
        const char *id = hf__json_text(hf__json_at(doc, i), "id");

        if (!id || !hf__is_commit(id))
            st = hf__fail(err, HF_ERR_PROTOCOL, "the server does not name its commits");
        else if (strcmp(id, base) == 0)
            met = true;
        else
            add_made(made, n, id, 0);
    }
    if (!met && *n > 1)
        *n = 1;
    hf__json_free(doc);
    return st;
}

hf_status hf__hub_prs_since(hf__hub *hub, const hf_repo_ref *repo, uint64_t after,
                            const hf_cancel *cancel, hf__hub_made made[HF__HUB_MADE], size_t *n,
                            hf_error *err)
{
    const hf__json *list;
    hf__json *doc = NULL;
    hf__buf path;
    hf_status st;

    *n = 0;
    hf__buf_init(&path, HF__MAX_URL);
    hf__hub_add_api(&path, repo);
    hf__buf_adds(&path, "/refs?include_prs=1");
    st = hf__hub_api_get(hub, hf__buf_cstr(&path), HF__NET_RETRY_STANDARD, cancel,
                         "list of branches", &doc, err);
    hf__buf_dispose(&path);
    list = st == HF_OK ? hf__json_get(doc, "pullRequests") : NULL;
    for (size_t i = 0; hf__json_is_array(list) && i < hf__json_len(list); i++) {
        const hf__json *node = hf__json_at(list, i);
        const char *name = hf__json_text(node, "name");
        const char *target = hf__json_text(node, "targetCommit");
        uint64_t number;

        if (name && target && hf__is_commit(target) &&
            hf__str_to_u64(hf__str_from(name), &number) && number > after)
            add_made(made, n, target, number);
    }
    hf__json_free(doc);
    return st;
}

void hf__hub_add_page(const hf__hub *hub, const hf_repo_ref *repo, const char *kind,
                      const char *what, hf__buf *out)
{
    hf__buf_addf(out, "%s/", hub->endpoint);
    if (repo->type != HF_REPO_MODEL)
        hf__buf_addf(out, "%s/", hf__repo_type_plural(repo->type));
    hf__buf_addf(out, "%s/%s/%s", repo->id, kind, what);
}
