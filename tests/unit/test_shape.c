/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a Hub, read into structures by tables: also those that are not what they should be. */
#include "hub/shape.h"

#include "core/error.h"
#include "hub/hub.h"

#include "unit.h"

typedef struct leaf {
    const char *name;
    uint64_t size;
} leaf;

typedef struct whole {
    const char *id;
    const char *author;
    uint64_t likes;
    double share;
    int is_private;
    int gated;
    hf_repo_type type;
    const char *const *tags;
    size_t n_tags;
    const char *const *files;
    size_t n_files;
    const leaf *leaves;
    size_t n_leaves;
    const char *card;
    const char *json;
} whole;

static const hf__field leaf_fields[] = {
    { "name", HF__F_TEXT, offsetof(leaf, name), 0, NULL, NULL },
    { "size", HF__F_U64, offsetof(leaf, size), 0, NULL, NULL },
    { NULL, 0, 0, 0, NULL, NULL },
};
static const hf__shape leaf_shape = { sizeof(leaf), "leaf", "name", leaf_fields };

static const hf__field fields[] = {
    { "id", HF__F_TEXT, offsetof(whole, id), 0, NULL, NULL },
    { "author.name", HF__F_TEXT, offsetof(whole, author), 0, NULL, NULL },
    { "author", HF__F_TEXT, offsetof(whole, author), 0, NULL, NULL },
    { "likes", HF__F_U64, offsetof(whole, likes), 0, NULL, NULL },
    { "share", HF__F_DOUBLE, offsetof(whole, share), 0, NULL, NULL },
    { "private", HF__F_BOOL, offsetof(whole, is_private), 0, NULL, NULL },
    { "gated", HF__F_TRUE_TEXT, offsetof(whole, gated), 0, NULL, NULL },
    { "type", HF__F_TYPE, offsetof(whole, type), 0, NULL, NULL },
    { "tags", HF__F_STRS, offsetof(whole, tags), offsetof(whole, n_tags), NULL, NULL },
    { "files", HF__F_STRS, offsetof(whole, files), offsetof(whole, n_files), "rfilename", NULL },
    { "leaves", HF__F_LIST, offsetof(whole, leaves), offsetof(whole, n_leaves), NULL, &leaf_shape },
    { "card", HF__F_JSON, offsetof(whole, card), 0, NULL, NULL },
    { NULL, HF__F_JSON, offsetof(whole, json), 0, NULL, NULL },
    { NULL, 0, 0, 0, NULL, NULL },
};
static const hf__shape shape = { sizeof(whole), "whole", "id", fields };

static hf_status read_text(const char *text, whole **out, hf_error *err)
{
    hf__json *doc = NULL;
    void *result = NULL;
    hf_status st = hf__json_parse(hf__str_from(text), "answer", &doc, err);

    assert_int_equal(st, HF_OK);
    st = hf__shape_result(&shape, HF_REPO_DATASET, doc, &result, err);
    hf__json_free(doc); /* the result needs it no more */
    *out = result;
    return st;
}

void test_shape__every_kind_of_field(void **state)
{
    hf_error err = HF_ERROR_INIT;
    whole *w = NULL;

    (void)state;
    assert_int_equal(
        read_text(
            "{\"id\": \"a/b\", \"author\": {\"name\": \"bob\"}, \"likes\": 3, \"share\": 1.5, "
            "\"private\": true, \"gated\": \"auto\", \"type\": \"space\", \"tags\": [\"x\", "
            "\"y\"], "
            "\"files\": [{\"rfilename\": \"f\"}], \"leaves\": [{\"name\": \"l\", \"size\": 7}], "
            "\"card\": {\"k\": [1]}}",
            &w, &err),
        HF_OK);
    assert_string_equal(w->id, "a/b");
    assert_string_equal(w->author, "bob");
    assert_int_equal(w->likes, 3);
    assert_true(w->share > 1.4 && w->share < 1.6);
    assert_true(w->is_private && w->gated);
    assert_int_equal(w->type, HF_REPO_SPACE);
    assert_int_equal(w->n_tags, 2);
    assert_string_equal(w->tags[1], "y");
    assert_int_equal(w->n_files, 1);
    assert_string_equal(w->files[0], "f");
    assert_int_equal(w->n_leaves, 1);
    assert_string_equal(w->leaves[0].name, "l");
    assert_int_equal(w->leaves[0].size, 7);
    assert_non_null(strstr(w->card, "\"k\""));
    assert_non_null(strstr(w->json, "\"leaves\""));
    hf__result_free(w);
    hf__result_free(NULL);
}

void test_shape__what_is_absent_or_null(void **state)
{
    static const char *const texts[] = {
        "{\"id\": \"a/b\"}",
        "{\"id\": \"a/b\", \"author\": null, \"likes\": null, \"share\": null, \"private\": null, "
        "\"gated\": null, \"type\": null, \"tags\": null, \"files\": null, \"leaves\": null, "
        "\"card\": "
        "null}",
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(texts); i++) {
        hf_error err = HF_ERROR_INIT;
        whole *w = NULL;

        assert_int_equal(read_text(texts[i], &w, &err), HF_OK);
        assert_null(w->author);
        assert_null(w->card);
        assert_int_equal(w->likes + w->n_tags + w->n_files + w->n_leaves, 0);
        assert_false(w->is_private || w->gated);
        assert_int_equal(w->type, HF_REPO_DATASET); /* that of the request */
        assert_non_null(w->tags);
        hf__result_free(w);
    }
}

/* Members of another kind count as absent; nothing is taken for what it is not. */
void test_shape__members_of_another_kind(void **state)
{
    static const char *const odd[] = { "5",
                                       "-1",
                                       "1.5e300",
                                       "true",
                                       "\"text\"",
                                       "[]",
                                       "[5, null, {}]",
                                       "{}",
                                       "{\"name\": 5}",
                                       "{\"name\": {\"name\": 1}}" };
    static const char *const names[] = { "author", "likes", "share", "private", "gated",
                                         "type",   "tags",  "files", "card" };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(odd); i++) {
        for (size_t k = 0; k < HF__COUNT(names); k++) {
            hf_error err = HF_ERROR_INIT;
            char text[160];
            whole *w = NULL;

            snprintf(text, sizeof(text), "{\"id\": \"a/b\", \"%s\": %s}", names[k], odd[i]);
            assert_int_equal(read_text(text, &w, &err), HF_OK);
            assert_string_equal(w->id, "a/b");
            for (size_t t = 0; t < w->n_tags; t++)
                assert_non_null(w->tags[t]);
            hf__result_free(w);
        }
    }
}

void test_shape__what_is_no_answer(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "[]", "the answer is not the whole" },
        { "5", "the answer is not the whole" },
        { "null", "the answer is not the whole" },
        { "\"a\"", "the answer is not the whole" },
        { "{}", "the whole lacks 'id'" },
        { "{\"id\": null}", "the whole lacks 'id'" },
        { "{\"id\": \"a\", \"leaves\": [5]}", "the answer is not the leaf" },
        { "{\"id\": \"a\", \"leaves\": [{\"name\": \"x\"}, {}]}", "the leaf lacks 'name'" },
    };

    (void)state;
    for (size_t i = 0; i < HF__COUNT(cases); i++) {
        hf_error err = HF_ERROR_INIT;
        whole *w = NULL;

        assert_int_equal(read_text(cases[i].text, &w, &err), HF_ERR_PROTOCOL);
        assert_int_equal(err.status, HF_ERR_PROTOCOL);
        assert_string_equal(err.message, cases[i].says);
        assert_null(w);
    }
}

void test_shape__a_long_list(void **state)
{
    enum { N = 20000 };
    hf_error err = HF_ERROR_INIT;
    hf__buf text;
    whole *w = NULL;

    (void)state;
    hf__buf_init(&text, 4u << 20);
    hf__buf_adds(&text, "{\"id\": \"a\", \"leaves\": [");
    for (unsigned i = 0; i < N; i++)
        hf__buf_addf(&text, "%s{\"name\": \"n%u\", \"size\": %u}", i ? "," : "", i, i);
    hf__buf_adds(&text, "]}");
    assert_int_equal(read_text(hf__buf_cstr(&text), &w, &err), HF_OK);
    assert_int_equal(w->n_leaves, N);
    assert_string_equal(w->leaves[N - 1].name, "n19999");
    hf__result_free(w);
    hf__buf_dispose(&text);
}
