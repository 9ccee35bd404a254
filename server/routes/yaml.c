/* SPDX-License-Identifier: Apache-2.0 */
/* /api/validate-yaml: what is wrong with a README, asked before it is committed. */
#include "routes/routes.h"

#include "core/limits.h"

#include <string.h>

#define NO_METADATA "empty or missing yaml metadata in repo card"

/* Members of the front matter that have a type; the rest may be anything. */
static const struct member {
    const char *name;
    const char *kind; /* t text, l list of texts, e either */
    srv_repo_type only;
    bool any;
} members[] = {
    { "tags", "l", SRV_MODEL, true },          { "license", "e", SRV_MODEL, true },
    { "language", "e", SRV_MODEL, true },      { "datasets", "e", SRV_MODEL, true },
    { "pipeline_tag", "t", SRV_MODEL, false }, { "library_name", "t", SRV_MODEL, false },
    { "base_model", "e", SRV_MODEL, false },   { "sdk", "t", SRV_SPACE, false },
};

static bool is_list(const hf__json *node)
{
    for (size_t i = 0; i < hf__json_len(node); i++)
        if (!hf__json_is_string(hf__json_at(node, i)))
            return false;
    return hf__json_is_array(node);
}

static void add_message(hf__buf *list, const char *name, const char *text)
{
    hf__buf message;

    hf__buf_init(&message, HF__MAX_SMALL_FILE);
    if (name)
        hf__buf_addf(&message, "\"%s\" ", name);
    hf__buf_adds(&message, text);
    hf__buf_adds(list, list->len > 0 ? ",{\"message\":" : "{\"message\":");
    hf__json_add_string(list, hf__buf_str(&message));
    hf__buf_addc(list, '}');
    hf__buf_dispose(&message);
}

static void check_members(const hf__json *card, srv_repo_type type, hf__buf *errors)
{
    for (size_t i = 0; i < HF__COUNT(members); i++) {
        const hf__json *node = hf__json_get(card, members[i].name);
        bool text = hf__json_is_string(node);
        bool list = is_list(node);

        if (hf__json_is_null(node) || (!members[i].any && members[i].only != type))
            continue;
        if (members[i].kind[0] == 't' && !text)
            add_message(errors, members[i].name, "must be a string");
        else if (members[i].kind[0] == 'l' && !list)
            add_message(errors, members[i].name, "must be an array");
        else if (members[i].kind[0] == 'e' && !text && !list)
            add_message(errors, members[i].name, "must be a string or an array of strings");
    }
}

static void check_card(hf__str readme, srv_repo_type type, hf__buf *errors, hf__buf *warnings)
{
    hf_error err = HF_ERROR_INIT;
    hf__json *card = NULL;
    hf__buf json;

    hf__buf_init(&json, HF__MAX_SMALL_FILE);
    if (srv_card_parse(readme, &json, &err) != HF_OK)
        add_message(errors, NULL, err.message);
    else if (json.len == 0)
        add_message(warnings, NULL, NO_METADATA);
    else if (hf__json_parse(hf__buf_str(&json), "metadata", &card, &err) != HF_OK)
        add_message(errors, NULL, err.message);
    else
        check_members(card, type, errors);
    hf__json_free(card);
    hf__buf_dispose(&json);
}

static void answer(srv_req *req, hf__buf *errors, hf__buf *warnings)
{
    bool failed = errors->len > 0;
    hf__buf out;

    hf__buf_init(&out, HF__MAX_SMALL_FILE);
    hf__buf_adds(&out, "{\"errors\":[");
    hf__buf_add_str(&out, hf__buf_str(errors));
    hf__buf_adds(&out, "],\"warnings\":[");
    hf__buf_add_str(&out, hf__buf_str(warnings));
    hf__buf_adds(&out, "]}");
    if (failed)
        srv_header_set(req, "X-Error-Message", "Invalid metadata in README.md.");
    srv_answer_json(req, failed ? 400 : 200, &out);
}

static void handler(srv_req *req)
{
    srv_repo_type type = SRV_MODEL;
    const char *content;
    const char *name;
    hf__json *body;
    hf__buf errors;
    hf__buf warnings;

    if (!srv_body_json(req, &body))
        return;
    hf__buf_init(&errors, HF__MAX_SMALL_FILE);
    hf__buf_init(&warnings, HF__MAX_SMALL_FILE);
    if (srv_body_text(req, body, "content", &content) &&
        srv_body_text(req, body, "repoType", &name)) {
        if (name && !srv_repo_type_parse(hf__str_from(name), &type))
            srv_answer_error(req, 400, NULL, "\"repoType\" must be one of [model, dataset, space]");
        else {
            check_card(hf__str_from(content ? content : ""), type, &errors, &warnings);
            answer(req, &errors, &warnings);
        }
    }
    hf__buf_dispose(&errors);
    hf__buf_dispose(&warnings);
    hf__json_free(body);
}

void srv_validate_yaml(srv_req *req)
{
    if (srv_only(req, "POST"))
        srv_body_await(req, handler, NULL);
}
