/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

bool hf__etag_parse(hf__etag *out, hf__str value)
{
    value = hf__str_trim(value);
    while (value.len && (value.ptr[0] == 'W' || value.ptr[0] == '/')) {
        value.ptr++;
        value.len--;
    }
    while (value.len && value.ptr[0] == '"') {
        value.ptr++;
        value.len--;
    }
    while (value.len && value.ptr[value.len - 1] == '"')
        value.len--;
    out->text[0] = '\0';
    if (value.len == 0 || value.len >= sizeof(out->text) || value.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c <= 0x20 || c >= 0x7f || c == '/' || c == '\\' || c == '"')
            return false;
    }
    memcpy(out->text, value.ptr, value.len);
    out->text[value.len] = '\0';
    return true;
}

bool hf__etag_is_sha256(const hf__etag *etag)
{
    return hf__str_is_hex(hf__str_from(etag->text), 64);
}

bool hf__etag_is_sha1(const hf__etag *etag)
{
    return hf__str_is_hex(hf__str_from(etag->text), 40);
}

const char *hf__entry_etag(const hf__entry *entry)
{
    return entry->lfs_sha256 ? entry->lfs_sha256 : entry->oid;
}
