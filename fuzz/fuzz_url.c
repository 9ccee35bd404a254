/* SPDX-License-Identifier: Apache-2.0 */
/* net/url: input is a base, a newline, a location. What is joined is a URL; an origin is its own
 * origin. */
#include "core/limits.h"
#include "fuzz.h"
#include "net/net.h"
#include "net/url.h"

#include <stdlib.h>

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("https://huggingface.co/a/b/resolve/main/c?x=1\n../d/./e?y#z"),
    FUZZ_SEED("http://[::1]:8080/x/y\n//other.example:443/z"),
    FUZZ_SEED("http://h:80/\nhttps://cdn.example/f?X-Sig=a%2Fb&Expires=1"),
    FUZZ_SEED("http://h\n?only=query"),
    FUZZ_SEED("http://h/a/b/\n"),
    FUZZ_SEED("https://user:pw@h/\n/../../x"),
    FUZZ_SEED("ftp://h/\nhttp:relative"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *base = fuzz_line(&data, &size);
    char *location = fuzz_text(data, size);
    hf__url url;
    hf__url again;
    hf__buf out;

    hf__buf_init(&out, HF__MAX_URL);
    if (hf__url_parse(base, &url)) {
        FUZZ_CHECK(url.host.len > 0 && url.port > 0 && !fuzz_has_control(base));
        FUZZ_CHECK(hf__url_same_origin(&url, &url));
        hf__url_add_origin(&url, &out);
        FUZZ_CHECK(out.status != HF_OK || hf__url_parse(hf__buf_cstr(&out), &again));
        if (out.status == HF_OK)
            FUZZ_CHECK(hf__url_same_origin(&url, &again));
        for (int keep = 0; keep <= 1; keep++) {
            hf__buf_reset(&out);
            if (hf__url_join(base, location, keep, &out) == HF_OK) {
                FUZZ_CHECK(hf__url_parse(hf__buf_cstr(&out), &again));
                FUZZ_CHECK(again.path.len == 0 || again.path.ptr[0] == '/');
            }
        }
    }
    hf__buf_dispose(&out);
    free(base);
    free(location);
    return 0;
}
