/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that a request carries. Its size, depth and types are somebody else's idea. */
#include "routes/routes.h"

#include <string.h>

bool srv_body_await(srv_req *req, srv_handler_fn *handler, void *state)
{
    const char *length = srv_req_header(req, "Content-Length");
    uint64_t n = 0;

    /* Refused before it comes: 200 MB are not read only to be thrown away. */
    if (length && (!hf__str_to_u64(hf__str_from(length), &n) || n > SRV_MAX_BODY)) {
        srv_answer_error(req, 413, NULL, "the body of the request is larger than %zu bytes",
                         SRV_MAX_BODY);
        return false;
    }
    req->state = state;
    req->handler = handler;
    return true;
}

bool srv_body_json(srv_req *req, hf__json **out)
{
    hf_error err = HF_ERROR_INIT;
    hf__str text = hf__str_trim(hf__buf_str(&req->body));
    hf_status st;

    *out = NULL;
    st = hf__json_parse(text.len > 0 ? text : HF__STR("{}"), "body", out, &err);
    if (st == HF_OK && hf__json_is_object(*out))
        return true;
    hf__json_free(*out);
    *out = NULL;
    if (st == HF_ERR_NO_MEMORY)
        srv_answer_error(req, 503, NULL, "out of memory");
    else
        srv_answer_error(req, st == HF_ERR_LIMIT ? 413 : 400, NULL, "%s",
                         st == HF_OK ? "the body must be a JSON object" : err.message);
    return false;
}

bool srv_body_text(srv_req *req, const hf__json *body, const char *key, const char **out)
{
    const hf__json *node = hf__json_get(body, key);

    *out = NULL;
    if (hf__json_is_null(node))
        return true;
    *out = hf__json_string(node);
    if (*out)
        return true;
    srv_answer_error(req, 400, NULL, "\"%s\" must be a string", key);
    return false;
}

bool srv_body_need(srv_req *req, const hf__json *body, const char *key, const char **out)
{
    if (!srv_body_text(req, body, key, out))
        return false;
    if (*out && **out)
        return true;
    srv_answer_error(req, 400, NULL, "\"%s\" is required", key);
    return false;
}
