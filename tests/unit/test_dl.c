/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dl.h"

#include "core/error.h"

#include "unit.h"

typedef struct math_api {
    void *unused;
    double (*floor)(double);
    double (*ceil)(double);
} math_api;

static const hf__dl_sym math_syms[] = {
    { "floor", offsetof(math_api, floor) },
    { "ceil", offsetof(math_api, ceil) },
};

void test_dl__first_that_exists(void **state)
{
    static const char *const names[] = { "libhfhub-no-such.so.1", "libm.so.6", "libnever.so",
                                         NULL };
    hf_error err = HF_ERROR_INIT;
    math_api api = { 0 };

    (void)state;
    assert_int_equal(hf__dl_load(names, math_syms, 2, &api, "libc6", &err), HF_OK);
    assert_true(api.floor(1.5) == 1.0);
    assert_true(api.ceil(1.5) == 2.0);
    assert_null(api.unused);
}

void test_dl__none_there(void **state)
{
    static const char *const names[] = { "libhfhub-no-such.so.2", "libhfhub-no-such.so.1", NULL };
    hf_error err = HF_ERROR_INIT;
    math_api api = { 0 };

    (void)state;
    assert_int_equal(hf__dl_load(names, math_syms, 2, &api, "libsuch2", &err), HF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "libhfhub-no-such.so.2"));
    assert_non_null(strstr(err.message, "libsuch2"));
}

void test_dl__symbol_missing(void **state)
{
    static const char *const names[] = { "libm.so.6", NULL };
    static const hf__dl_sym syms[] = { { "floor", offsetof(math_api, floor) },
                                       { "hf_no_such_symbol", offsetof(math_api, ceil) } };
    hf_error err = HF_ERROR_INIT;
    math_api api = { 0 };

    (void)state;
    assert_int_equal(hf__dl_load(names, syms, 2, &api, "libc6", &err), HF_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "hf_no_such_symbol"));
}
