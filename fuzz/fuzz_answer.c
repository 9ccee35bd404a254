/* SPDX-License-Identifier: Apache-2.0 */
/* hub/errors and hub/content: which error an answer is, and whether a body is the one asked for.
 * Input: a line with the status, header lines, an empty line, the body. */
#include "fuzz.h"
#include "hub/private.h"
#include "net/headers.h"

#include <stdlib.h>
#include <string.h>

#define ETAG "0123456789abcdef0123456789abcdef01234567"

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("404\nX-Error-Code: EntryNotFound\nX-Error-Message: Entry not found\n\n"),
    FUZZ_SEED("401\nX-Error-Message: Invalid username or password.\nX-Request-Id: a;b\n\n{}"),
    FUZZ_SEED("403\nX-Error-Code: GatedRepo\n\n{\"error\": \"Access restricted \\u001b[31m\"}"),
    FUZZ_SEED("206\nContent-Range: bytes 5-9/10\nETag: \"" ETAG "\"\n\n"),
    FUZZ_SEED("206\nContent-Range: bytes */18446744073709551616\n\n"),
    FUZZ_SEED("200\nX-Linked-ETag: \"x\"\nContent-Length: 10\n\n"),
    FUZZ_SEED("429\nRetry-After: 3\nRateLimit: \"api\";r=0;t=3\n\n<html>no</html>"),
    FUZZ_SEED("400\nX-Error-Message: a\\u0007b\n\n{\"errors\": [{\"message\": \"x\"}, \"y\", 3]}"),
    FUZZ_SEED("503\n\n\xff\xfe"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char url[] = "http://h/api/models/ns/name/resolve/main/x";
    hf__net_headers *headers = hf__headers_new();
    char *first = fuzz_line(&data, &size);
    hf_error err = HF_ERROR_INIT;
    hf__net_head head = { .url = url, .content_length = HF__NET_NO_LIMIT };
    hf__etag etag;
    uint64_t status = 0;
    bool resumed = false;
    hf_status st;

    FUZZ_CHECK(headers != NULL);
    FUZZ_CHECK(hf__etag_parse(&etag, HF__STR(ETAG)));
    if (!hf__str_to_u64(hf__str_from(first), &status) || status < 100 || status > 599)
        status = 200;
    while (size > 0) {
        char *line = fuzz_line(&data, &size);
        bool empty = !*line;

        (void)hf__headers_add_line(headers, hf__str_from(line));
        free(line);
        if (empty)
            break;
    }
    st = hf__hub_classify((int)status, url, headers, (hf__str){ (const char *)data, size }, &err);
    FUZZ_CHECK((st == HF_OK) == (status >= 200 && status < 400));
    FUZZ_CHECK(st == err.status && !fuzz_has_control(err.message));
    FUZZ_CHECK(!fuzz_has_control(err.server_code) && !fuzz_has_control(err.request_id));

    head.status = (int)status;
    head.headers = headers;
    st = hf__hub_check_content(&head, &etag, 10, 5, &resumed, &err);
    FUZZ_CHECK(st != HF_OK || status == 200 || status == 206);
    FUZZ_CHECK(!fuzz_has_control(err.message));
    hf__headers_free(headers);
    free(first);
    return 0;
}
