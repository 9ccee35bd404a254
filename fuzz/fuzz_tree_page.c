/* SPDX-License-Identifier: Apache-2.0 */
/* hub/tree: one page of a listing, as a hostile server may write it. */
#include "core/arena.h"
#include "core/json.h"
#include "fuzz.h"
#include "hub/private.h"

#include <string.h>

#define OID    "0123456789abcdef0123456789abcdef01234567"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const fuzz_seed fuzz_seeds[] = {
    FUZZ_SEED("[{\"type\": \"file\", \"oid\": \"" OID "\", \"size\": 12, \"path\": \"a/b.txt\"}]"),
    FUZZ_SEED("[{\"type\":\"file\",\"oid\":\"" OID "\",\"size\":134,\"lfs\":{\"oid\":\"" SHA256
              "\",\"size\":99,\"pointerSize\":134},\"xetHash\":\"" SHA256
              "\",\"path\":\"m.bin\"}]"),
    FUZZ_SEED("[{\"type\":\"directory\",\"oid\":\"" OID
              "\",\"size\":0,\"path\":\"d\",\"lastCommit\":"
              "{\"id\":\"" OID "\",\"title\":\"t\",\"date\":\"2024-01-01T00:00:00.000Z\"}}]"),
    FUZZ_SEED("[{\"type\":\"file\",\"oid\":\"" OID "\",\"size\":1,\"path\":\"../x\\u0000y\"}]"),
    FUZZ_SEEDS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hf__json *page = NULL;

    if (hf__json_parse((hf__str){ (const char *)data, size }, "listing", &page, NULL) != HF_OK)
        return 0;
    for (size_t i = 0; i < hf__json_len(page); i++) {
        hf_error err = HF_ERROR_INIT;
        hf_tree_entry entry = { 0 };
        hf__arena *arena = hf__arena_new();
        hf_status st;

        FUZZ_CHECK(arena != NULL);
        st = hf__hub_entry_read(arena, hf__json_at(page, i), &entry, &err);
        FUZZ_CHECK(st == err.status && !fuzz_has_control(err.message));
        if (st == HF_OK) {
            FUZZ_CHECK(!fuzz_path_is_harmful(entry.path));
            FUZZ_CHECK(!entry.oid || strlen(entry.oid) == 40);
            FUZZ_CHECK(!entry.lfs_sha256 || strlen(entry.lfs_sha256) == 64);
        }
        hf__arena_free(arena);
    }
    hf__json_free(page);
    return 0;
}
