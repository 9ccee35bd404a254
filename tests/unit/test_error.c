/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include "unit.h"

#include <errno.h>

void test_error__text_is_defused(void **state)
{
    static const struct {
        const char *in, *out, *why;
    } cases[] = {
        { "plain text", "plain text", "stays" },
        { "a\nb", "a\nb", "a newline is allowed" },
        { "a\tb\rc\033[31md", "a?b?c?[31md", "tab, CR and escape are controls" },
        { "\x01\x1f\x7f", "???", "ends of C0, and DEL" },
        { "\xc2\x9b"
          "31m",
          "??31m", "CSI as C1" },
        { "\xc2\x80\xc2\x9f\xc2\xa0", "????\xc2\xa0", "C1 ends before U+00A0" },
        { "Gr\xc3\xb6\xc3\x9f"
          "e \xe6\x97\xa5 \xf0\x9f\x98\x80",
          "Gr\xc3\xb6\xc3\x9f"
          "e \xe6\x97\xa5 \xf0\x9f\x98\x80",
          "UTF-8 stays" },
        { "\xe2\x80\xae"
          "gpj.exe",
          "???gpj.exe", "right-to-left override" },
        { "\xe2\x80\xa9\xe2\x80\xaf", "\xe2\x80\xa9\xe2\x80\xaf", "neighbours of the bidi marks" },
        { "\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "??????\xe2\x81\xaa", "isolates" },
        { "\xff\xfe", "??", "no UTF-8 at all" },
        { "\xc3", "?", "cut sequence at the end" },
        { "\xe6\x97", "??", "cut sequence at the end" },
        { "\xf0\x9f\x98", "???", "cut sequence at the end" },
        { "\xc3(", "?(", "second byte is none" },
        { "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "?????????", "overlong" },
        { "\xed\xa0\x80", "???", "surrogate" },
        { "\xf4\x90\x80\x80", "????", "above U+10FFFF" },
        { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "U+10FFFF" },
        { "\x80", "?", "continuation without start" },
        { "\xc2\xff\x1b", "???", "control after a broken sequence" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* On the heap and of exact size, so that the sanitizers see a step too far. */
        char *text = strdup(cases[i].in);

        assert_non_null(text);
        hf__text_defuse(text);
        if (strcmp(text, cases[i].out) != 0)
            print_error("case %zu: %s\n", i, cases[i].why);
        assert_string_equal(text, cases[i].out);
        free(text);
    }
}

void test_error__fail_fills_and_returns(void **state)
{
    hf_error err = HF_ERROR_INIT;

    (void)state;
    err.http_status = 404;
    strcpy(err.request_id, "old");
    assert_int_equal(hf__fail(&err, HF_ERR_CORRUPT, "cannot read '%s'", "a\033b"), HF_ERR_CORRUPT);
    assert_int_equal(err.status, HF_ERR_CORRUPT);
    assert_string_equal(err.message, "cannot read 'a?b'");
    assert_int_equal(err.http_status, 0);
    assert_string_equal(err.request_id, "");
    assert_int_equal(err.struct_size, sizeof err);
    assert_int_equal(hf__fail(NULL, HF_ERR_LIMIT, "%s", "x"), HF_ERR_LIMIT);
}

void test_error__a_cut_message_stays_utf8(void **state)
{
    hf_error err = HF_ERROR_INIT;
    hf_error again;
    char text[3001];
    size_t i;

    (void)state;
    for (i = 0; i < 3000; i += 3)
        memcpy(text + i, "\xe6\x97\xa5", 3);
    text[3000] = '\0';
    hf__fail(&err, HF_ERR_IO, "x%s", text); /* the limit falls into a character */
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    again = err;
    hf__text_defuse(again.message);
    assert_string_equal(err.message, again.message);
    assert_string_equal(err.message + sizeof err.message - 6, "\xe6\x97\xa5??");
}

void test_error__os_failures_by_kind(void **state)
{
    static const struct {
        int number;
        hf_status status;
    } cases[] = {
        { ENOSPC, HF_ERR_DISK_FULL }, { EDQUOT, HF_ERR_DISK_FULL }, { EACCES, HF_ERR_PERMISSION },
        { EPERM, HF_ERR_PERMISSION }, { EROFS, HF_ERR_PERMISSION }, { ENOMEM, HF_ERR_NO_MEMORY },
        { EIO, HF_ERR_IO },           { ENOENT, HF_ERR_IO },        { ENAMETOOLONG, HF_ERR_IO },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_error err = HF_ERROR_INIT;

        assert_int_equal(hf__fail_os(&err, cases[i].number, "cannot open '%s'", "f"),
                         cases[i].status);
        assert_int_equal(err.os_errno, cases[i].number);
        assert_int_equal(err.status, cases[i].status);
        assert_memory_equal(err.message, "cannot open 'f': ", 17);
        assert_string_equal(err.message + 17, strerror(cases[i].number));
    }
    assert_int_equal(hf__fail_os(NULL, ENOSPC, "x"), HF_ERR_DISK_FULL);
}

void test_error__os_failure_on_a_very_long_subject(void **state)
{
    hf_error err = HF_ERROR_INIT;
    char text[2000];

    (void)state;
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hf__fail_os(&err, ENOSPC, "%s", text);
    assert_true(strlen(err.message) < sizeof err.message);
    assert_int_equal(err.os_errno, ENOSPC);
}

void test_error__prefix_goes_in_front(void **state)
{
    hf_error err = HF_ERROR_INIT;
    char text[2000];

    (void)state;
    hf__fail_os(&err, ENOENT, "cannot open 'x'");
    hf__error_prefix(&err, "file '%s'", "a\tb");
    assert_memory_equal(err.message, "file 'a?b': cannot open 'x'", 27);
    assert_int_equal(err.os_errno, ENOENT); /* all else stays */
    assert_int_equal(err.status, HF_ERR_IO);

    memset(text, 'p', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hf__error_prefix(&err, "%s", text); /* longer than the message may be */
    assert_true(strlen(err.message) < sizeof err.message);
    assert_non_null(strstr(err.message, ": file 'a?b'")); /* the cause is not pushed out */
    hf__error_prefix(NULL, "x");
}

void test_error__copy_takes_everything(void **state)
{
    hf_error from = HF_ERROR_INIT;
    hf_error to = HF_ERROR_INIT;

    (void)state;
    hf__fail(&from, HF_ERR_RATE_LIMITED, "slow down");
    from.http_status = 429;
    from.retry_after_s = 7;
    strcpy(from.server_code, "Code");
    strcpy(from.request_id, "Root=1");
    hf__error_copy(&to, &from);
    assert_memory_equal(&to, &from, sizeof to);
    hf__error_copy(&to, &to);
    hf__error_copy(NULL, &from);
    hf__error_copy(&to, NULL);
    assert_int_equal(to.status, HF_ERR_RATE_LIMITED);
}

void test_error__copy_to_a_struct_without_a_size(void **state)
{
    hf_error from = HF_ERROR_INIT;
    hf_error to;
    uint32_t sizes[] = { 0, 1, 3, 4 };
    size_t i;

    (void)state;
    hf__fail(&from, HF_ERR_IO, "why");
    for (i = 0; i < 4; i++) { /* a caller that forgot HF_ERROR_INIT gets no crash */
        memset(&to, 0, sizeof to);
        to.struct_size = sizes[i];
        hf__error_copy(&to, &from);
        assert_string_equal(to.message, "why");
    }
}

void test_error__struct_of_a_newer_caller_keeps_its_size(void **state)
{
    struct {
        hf_error err;
        char later[16];
    } newer;

    (void)state;
    memset(&newer, 0x55, sizeof newer);
    newer.err.struct_size = sizeof newer;
    hf__fail(&newer.err, HF_ERR_IO, "why");
    assert_int_equal(newer.err.struct_size, sizeof newer);
    assert_int_equal(newer.err.status, HF_ERR_IO);
    assert_int_equal(newer.err.http_status, 0);
    assert_int_equal(newer.later[0], 0x55);
}

void test_error__clear_leaves_nothing(void **state)
{
    hf_error err = HF_ERROR_INIT;
    hf_error fresh = HF_ERROR_INIT;

    (void)state;
    hf__fail_os(&err, EIO, "x");
    hf__error_clear(&err);
    assert_memory_equal(&err, &fresh, sizeof err);
    hf__error_clear(NULL);
}

void test_error__every_status_has_name_and_text(void **state)
{
    (void)state;
    assert_string_equal(hf__status_name(HF_OK), "HF_OK");
    assert_string_equal(hf__status_name(HF_ERR_CORRUPT), "HF_ERR_CORRUPT");
    assert_string_equal(hf__status_name((hf_status)9999), "HF_ERR_UNKNOWN");
    assert_string_equal(hf__status_name((hf_status)-1), "HF_ERR_UNKNOWN");
    assert_string_equal(hf__status_text(HF_ERR_OFFLINE), "offline mode is enabled");
    assert_string_equal(hf__status_text((hf_status)9999), "unknown error");
#define CHECK(number, name, text)                                                                  \
    assert_int_equal(HF_##name, number);                                                           \
    assert_string_equal(hf__status_name(HF_##name), "HF_" #name);                                  \
    assert_string_equal(hf__status_text(HF_##name), text);                                         \
    assert_true(text[strlen(text) - 1] != '.');
    HF_STATUS_MAP(CHECK)
#undef CHECK
}

void test_error__redacts(void **state)
{
    static const struct {
        const char *message;
        const char *secret;
        const char *wanted;
    } ways[] = {
        { "you sent hf_0123456789!", "hf_0123456789", "you sent *************!" },
        { "hf_0123456789hf_0123456789", "hf_0123456789", "**************************" },
        { "cut: hf_01234", "hf_0123456789", "cut: ********" },
        { "cut: hf_0123; then", "hf_0123456789", "cut: hf_0123; then" },
        { "hf_hf_0123456789", "hf_0123456789", "hf_*************" },
        { "ab abc", "ab", "** **c" },
        { "nothing", "hf_0123456789", "nothing" },
        { "nothing", "", "nothing" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        hf_error err = HF_ERROR_INIT;

        (void)hf__fail(&err, HF_ERR_HTTP, "%s", ways[i].message);
        hf__error_redact(&err, ways[i].secret);
        assert_string_equal(err.message, ways[i].wanted);
    }
    hf__error_redact(NULL, "x");
}
