/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front matter of a README, as JSON. YAML's aliases can make a few lines stand for more than
 * any memory holds, and its flow syntax nests as deep as a text is long; so what is written is
 * bounded, not only what is read.
 */
#include "store/private.h"

#include "core/json.h"

#include <yaml.h>

#define MAX_FRONT ((size_t)256 * 1024)
#define MAX_DEPTH 32
#define MAX_KEYS  1000
#define TOO_DEEP  "nested too deep"

/* Cuts a line off, without its end. */
static hf__str next_line(hf__str *text)
{
    hf__str rest;
    hf__str line = hf__str_cut(*text, '\n', &rest);

    *text = rest;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool is_fence(hf__str line)
{
    return line.len >= 3 && memcmp(line.ptr, "---", 3) == 0 &&
           hf__str_trim((hf__str){ line.ptr + 3, line.len - 3 }).len == 0;
}

bool srv__front_matter(hf__str readme, hf__str *out)
{
    hf__str rest = readme;
    hf__str line;

    if (hf__str_starts(rest, HF__STR("\xef\xbb\xbf"))) {
        rest.ptr += 3;
        rest.len -= 3;
    }
    do
        line = next_line(&rest);
    while (rest.ptr && hf__str_trim(line).len == 0);
    if (!is_fence(line) || !rest.ptr)
        return false;
    out->ptr = rest.ptr;
    while (rest.ptr) {
        line = next_line(&rest);
        if (is_fence(line)) {
            out->len = (size_t)(line.ptr - out->ptr);
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------------------------------- scalars */

static bool is_one_of(hf__str text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (hf__str_eq(text, hf__str_from(words[i])))
            return true;
    return false;
}

static size_t digits(hf__str text, size_t at)
{
    size_t n = 0;

    while (at + n < text.len && text.ptr[at + n] >= '0' && text.ptr[at + n] <= '9')
        n++;
    return n;
}

/* A number as JSON writes it, and none that a reader of JSON finds too large. */
static bool is_number(hf__str text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t n = digits(text, at);

    if (n == 0 || n > 18 || (n > 1 && text.ptr[at] == '0'))
        return false;
    at += n;
    if (at < text.len && text.ptr[at] == '.') {
        n = digits(text, ++at);
        if (n == 0 || n > 18)
            return false;
        at += n;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-'))
            at++;
        n = digits(text, at);
        if (n == 0 || n > 2)
            return false;
        at += n;
    }
    return at == text.len;
}

/* As YAML 1.2 reads plain words: `no` is the language, not a denial. */
static void add_scalar(hf__buf *out, const yaml_node_t *node)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
    static const char *const trues[] = { "true", "True", "TRUE" };
    static const char *const falses[] = { "false", "False", "FALSE" };
    hf__str text = { (const char *)node->data.scalar.value, node->data.scalar.length };
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (plain && is_one_of(text, nulls, HF__COUNT(nulls)))
        hf__buf_adds(out, "null");
    else if (plain && is_one_of(text, trues, HF__COUNT(trues)))
        hf__buf_adds(out, "true");
    else if (plain && is_one_of(text, falses, HF__COUNT(falses)))
        hf__buf_adds(out, "false");
    else if (plain && is_number(text))
        hf__buf_add_str(out, text);
    else
        hf__json_add_string(out, text);
}

/* ------------------------------------------------------------------------------------------ nodes */

static hf_status bad(const yaml_node_t *node, hf_error *err, const char *what)
{
    return hf__fail(err, HF_ERR_BAD_FORMAT, "%s (line %zu)", what, node->start_mark.line + 2);
}

static hf_status add_node(hf__buf *out, yaml_document_t *doc, const yaml_node_t *node, int depth,
                          hf_error *err);

/* A key twice is an error in YAML, and in JSON each reader would see another of the two. */
static hf_status check_keys(yaml_document_t *doc, const yaml_node_t *node, hf_error *err)
{
    const yaml_node_pair_t *first = node->data.mapping.pairs.start;
    const yaml_node_pair_t *end = node->data.mapping.pairs.top;

    if (end - first > MAX_KEYS)
        return bad(node, err, "a mapping with more than 1000 keys");
    for (const yaml_node_pair_t *p = first; p < end; p++) {
        const yaml_node_t *key = yaml_document_get_node(doc, p->key);

        if (!key || key->type != YAML_SCALAR_NODE)
            return bad(node, err, "a key that is no text");
        for (const yaml_node_pair_t *q = first; q < p; q++) {
            const yaml_node_t *other = yaml_document_get_node(doc, q->key);

            if (other->data.scalar.length == key->data.scalar.length &&
                memcmp(other->data.scalar.value, key->data.scalar.value, key->data.scalar.length) ==
                    0)
                return bad(key, err, "duplicated mapping key");
        }
    }
    return HF_OK;
}

static hf_status add_mapping(hf__buf *out, yaml_document_t *doc, const yaml_node_t *node, int depth,
                             hf_error *err)
{
    const yaml_node_pair_t *first = node->data.mapping.pairs.start;
    hf_status st = check_keys(doc, node, err);

    hf__buf_addc(out, '{');
    for (const yaml_node_pair_t *p = first; st == HF_OK && p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(doc, p->key);

        if (p > first)
            hf__buf_addc(out, ',');
        hf__json_add_string(
            out, (hf__str){ (const char *)key->data.scalar.value, key->data.scalar.length });
        hf__buf_addc(out, ':');
        st = add_node(out, doc, yaml_document_get_node(doc, p->value), depth, err);
    }
    hf__buf_addc(out, '}');
    return st;
}

static hf_status add_sequence(hf__buf *out, yaml_document_t *doc, const yaml_node_t *node,
                              int depth, hf_error *err)
{
    const yaml_node_item_t *first = node->data.sequence.items.start;
    hf_status st = HF_OK;

    hf__buf_addc(out, '[');
    for (const yaml_node_item_t *i = first; st == HF_OK && i < node->data.sequence.items.top; i++) {
        if (i > first)
            hf__buf_addc(out, ',');
        st = add_node(out, doc, yaml_document_get_node(doc, *i), depth, err);
    }
    hf__buf_addc(out, ']');
    return st;
}

static hf_status add_node(hf__buf *out, yaml_document_t *doc, const yaml_node_t *node, int depth,
                          hf_error *err)
{
    if (!node)
        return hf__fail(err, HF_ERR_BAD_FORMAT, "the YAML has a value that is none");
    if (depth == MAX_DEPTH)
        return bad(node, err, TOO_DEEP);
    if (out->status != HF_OK)
        return bad(node, err, "it stands for too much text");
    switch (node->type) {
    case YAML_MAPPING_NODE:
        return add_mapping(out, doc, node, depth + 1, err);
    case YAML_SEQUENCE_NODE:
        return add_sequence(out, doc, node, depth + 1, err);
    default:
        add_scalar(out, node);
        return HF_OK;
    }
}

static hf_status parse_failed(const yaml_parser_t *parser, hf_error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return hf__fail_nomem(err);
    return hf__fail(err, HF_ERR_BAD_FORMAT, "%s (line %zu)",
                    parser->problem ? parser->problem : "it is no YAML",
                    parser->problem_mark.line + 2);
}

/* libyaml's time grows with the depth times the length, so the depth is looked at first, event by
 * event, and the rest of what is too deep is never read. */
static hf_status check_depth(hf__str front, hf_error *err)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;
    hf_status st = HF_OK;
    int depth = 0;

    if (!yaml_parser_initialize(&parser))
        return hf__fail_nomem(err);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)front.ptr, front.len);
    while (st == HF_OK && more) {
        if (!yaml_parser_parse(&parser, &event)) {
            st = parse_failed(&parser, err);
            break;
        }
        if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT)
            depth++;
        else if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
            depth--;
        if (depth > MAX_DEPTH)
            st =
                hf__fail(err, HF_ERR_BAD_FORMAT, TOO_DEEP " (line %zu)", event.start_mark.line + 2);
        more = event.type != YAML_STREAM_END_EVENT && event.type != YAML_DOCUMENT_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return st;
}

hf_status srv_card_parse(hf__str readme, hf__buf *json, hf_error *err)
{
    hf__str front = { NULL, 0 };
    const yaml_node_t *root;
    yaml_document_t doc;
    yaml_parser_t parser;
    hf_status st = HF_OK;

    hf__error_clear(err);
    hf__buf_reset(json);
    if (!srv__front_matter(readme, &front) || hf__str_trim(front).len == 0)
        return HF_OK;
    if (front.len > MAX_FRONT)
        return hf__fail(err, HF_ERR_BAD_FORMAT, "the metadata is longer than %zu bytes", MAX_FRONT);
    st = check_depth(front, err);
    if (st != HF_OK)
        return st;
    if (!yaml_parser_initialize(&parser))
        return hf__fail_nomem(err);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)front.ptr, front.len);
    if (!yaml_parser_load(&parser, &doc)) {
        st = parse_failed(&parser, err);
        yaml_parser_delete(&parser);
        return st;
    }
    root = yaml_document_get_root_node(&doc);
    if (root && root->type == YAML_MAPPING_NODE)
        st = add_node(json, &doc, root, 0, err);
    else if (root)
        st = bad(root, err, "the metadata must be a mapping of names to values");
    if (st == HF_OK && json->status != HF_OK)
        st = hf__fail(err, HF_ERR_BAD_FORMAT, "the metadata stands for too much text");
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    if (st != HF_OK)
        hf__buf_reset(json);
    return st;
}
