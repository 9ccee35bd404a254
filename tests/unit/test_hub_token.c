/* SPDX-License-Identifier: Apache-2.0 */
/* Where a token is found (hub-http.md 5.2), how it is cleaned, and what is said when it is bad. */
#include "hub/private.h"

#include "core/error.h"
#include "unit.h"

typedef struct token_case {
    const char *given;  /* hf_client_opts.token */
    const char *env[2]; /* HF_TOKEN, HUGGING_FACE_HUB_TOKEN */
    const char *file;
    bool use_env;
    bool no_implicit;
    const char *auth; /* NULL: none */
    const char *source;
} token_case;

static const token_case cases[] = {
    { "hf_arg", { "hf_e1", "hf_e2" }, "hf_f", true, false, "Bearer hf_arg", "argument" },
    { "hf_arg", { "hf_e1", NULL }, "hf_f", true, true, "Bearer hf_arg", "argument" },
    { "", { "hf_e1", "hf_e2" }, "hf_f", true, false, NULL, "none" },
    { NULL, { "hf_e1", "hf_e2" }, "hf_f", true, false, "Bearer hf_e1", "HF_TOKEN" },
    { NULL, { NULL, "hf_e2" }, "hf_f", true, false, "Bearer hf_e2", "HUGGING_FACE_HUB_TOKEN" },
    { NULL, { "", "hf_e2" }, "hf_f", true, false, "Bearer hf_e2", "HUGGING_FACE_HUB_TOKEN" },
    { NULL, { " \r\n", "\n" }, "hf_f", true, false, "Bearer hf_f", "file" },
    { NULL, { NULL, NULL }, "  hf_f\r\n", true, false, "Bearer hf_f", "file" },
    { NULL, { NULL, NULL }, "hf_\nf", true, false, "Bearer hf_f", "file" },
    { NULL, { NULL, NULL }, "\n", true, false, NULL, "none" },
    { NULL, { NULL, NULL }, NULL, true, false, NULL, "none" },
    { NULL, { "hf_e1", NULL }, "hf_f", true, true, NULL, "none" },
    { NULL, { "hf_e1", NULL }, "hf_f", false, false, "Bearer hf_f", "file" },
};

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static hf_status make(const token_case *c, const char *path, hf__hub **out, hf_error *err)
{
    hf__hub_conf conf = { .endpoint = "http://127.0.0.1:1",
                          .token = c->given,
                          .token_path = path,
                          .use_env = c->use_env,
                          .no_implicit_token = c->no_implicit };

    set("HF_TOKEN", c->env[0]);
    set("HUGGING_FACE_HUB_TOKEN", c->env[1]);
    return hf__hub_new(&conf, out, err);
}

void test_hub_token__order(void **state)
{
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "token");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_error err = HF_ERROR_INIT;
        const char *auth = "unset";
        hf__hub *hub = NULL;

        (void)unlink(path);
        if (cases[i].file)
            unit_write(path, cases[i].file, strlen(cases[i].file));
        assert_int_equal(make(&cases[i], path, &hub, &err), HF_OK);
        assert_int_equal(hf__hub_auth(hub, &auth, &err), HF_OK);
        if ((auth == NULL) != (cases[i].auth == NULL) || (auth && strcmp(auth, cases[i].auth) != 0))
            fail_msg("case %zu: '%s'", i, auth ? auth : "none");
        assert_string_equal(hf__hub_token_source(hub), cases[i].source);
        hf__hub_free(hub);
    }
    unit_dir_remove(&dir);
}

void test_hub_token__that_cannot_be_sent(void **state)
{
    static const token_case bad[] = {
        { NULL, { "hf_se cret", NULL }, NULL, true, false, NULL, "HF_TOKEN" },
        { NULL, { NULL, "hf_secret\001" }, NULL, true, false, NULL, "HUGGING_FACE_HUB_TOKEN" },
        { NULL, { NULL, NULL }, "hf_secr\303\251t", true, false, NULL, "file" },
    };
    unit_dir dir = unit_dir_make();
    const char *path = unit_path(&dir, "token");

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hf_error err = HF_ERROR_INIT;
        const char *auth = NULL;
        hf__hub *hub = NULL;

        (void)unlink(path);
        if (bad[i].file)
            unit_write(path, bad[i].file, strlen(bad[i].file));
        assert_int_equal(make(&bad[i], path, &hub, &err), HF_OK);
        for (int again = 0; again < 2; again++) { /* it stays bad */
            hf__error_clear(&err);
            assert_int_equal(hf__hub_auth(hub, &auth, &err), HF_ERR_INVALID_ARG);
            assert_null(auth);
            assert_non_null(strstr(err.message, bad[i].source));
            assert_null(strstr(err.message, "hf_se"));
        }
        hf__hub_free(hub);
    }
    set("HF_TOKEN", NULL);
    set("HUGGING_FACE_HUB_TOKEN", NULL);
    unit_dir_remove(&dir);
}
