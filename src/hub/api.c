/* SPDX-License-Identifier: Apache-2.0 */
/* Plain calls of the API. */
#include "hub/private.h"

#include "core/error.h"
#include "core/limits.h"

#include <stdio.h>

hf_status hf__hub_api_get(hf__hub *hub, const char *path_and_query, hf__net_class retry,
                          const hf_cancel *cancel, const char *what, hf__json **out, hf_error *err)
{
    hf__hub_exchange exchange = { .method = "GET",
                                  .retry = retry,
                                  .redirects = HF__NET_REDIRECT_ANY,
                                  .timeout_ms = hub->read_timeout_ms };
    hf__net_resp resp;
    hf__buf url;
    hf_status st;

    hf__buf_init(&url, HF__MAX_URL);
    hf__buf_addf(&url, "%s%s", hub->endpoint, path_and_query);
    if (url.status != HF_OK) {
        st = hf__fail(err, url.status, "the URL is too long");
        goto done;
    }
    exchange.url = hf__buf_cstr(&url);
    st = hf__hub_call(hub, &exchange, cancel, &resp, err);
    if (st != HF_OK)
        goto done;
    st = hf__hub_json(&resp, what, out, err);
    hf__net_resp_dispose(&resp);
done:
    hf__buf_dispose(&url);
    return st;
}

hf_status hf__hub_revision(hf__hub *hub, const hf_repo_ref *repo, const hf_cancel *cancel,
                           char commit[41], hf_error *err)
{
    hf__json *doc = NULL;
    hf__buf path;
    const char *sha;
    hf_status st;

    hf__buf_init(&path, HF__MAX_URL);
    hf__hub_add_api(&path, repo);
    hf__buf_adds(&path, "/revision/");
    hf__buf_add_quoted(&path, hf__str_from(hf__revision_or_main(repo)), HF__QUOTE_SEGMENT);
    st = hf__hub_api_get(hub, hf__buf_cstr(&path), HF__NET_RETRY_NONE, cancel,
                         "description of the repo", &doc, err);
    hf__buf_dispose(&path);
    if (st != HF_OK)
        return st;
    sha = hf__json_text(doc, "sha");
    if (sha && hf__is_commit(sha))
        (void)snprintf(commit, 41, "%s", sha);
    else
        st = hf__fail(err, HF_ERR_PROTOCOL, "the server did not name the commit of '%s'", repo->id);
    hf__json_free(doc);
    return st;
}
