/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an upload notes of a folder's files, in the Python client's form and place (cache.md 21):
 * <folder>/.cache/huggingface/upload/<path>.metadata, eight lines. Of what it reads, only the hash is
 * believed: the notes name neither repo nor revision, so what is stored and committed is for the Hub
 * to say.
 */
#include "cache/private.h"

#include "core/clock.h"
#include "core/error.h"

#include <stdio.h>

#define UPLOAD_BOOKS ".cache/huggingface/upload"

static hf_status name_note(const char *folder, const char *path, const char *suffix, hf__buf *out,
                           hf_error *err)
{
    hf__buf_init(out, HF__MAX_PATH);
    hf__buf_addf(out, "%s/" UPLOAD_BOOKS "/%s%s", folder, path, suffix);
    return out->status == HF_OK ? HF_OK
                                : hf__fail(err, out->status, "the path '%.200s' is too long", path);
}

/* "1700000000.25", as much of it as is needed. */
static bool parse_time(hf__str text, double *out)
{
    hf__str fraction;
    uint64_t whole;
    double unit = 0.1;

    if (!hf__str_to_u64(hf__str_cut(text, '.', &fraction), &whole))
        return false;
    *out = (double)whole;
    for (size_t i = 0; fraction.ptr && i < fraction.len; i++, unit /= 10) {
        if (fraction.ptr[i] < '0' || fraction.ptr[i] > '9')
            return false;
        *out += unit * (fraction.ptr[i] - '0');
    }
    return true;
}

static bool parse_note(hf__str text, uint64_t size, double changed_at, char sha256[65])
{
    hf__str lines[8];
    uint64_t noted_size;
    double at;

    for (size_t i = 0; i < HF__COUNT(lines); i++) {
        if (!text.ptr)
            return false;
        lines[i] = hf__str_trim(hf__str_cut(text, '\n', &text));
    }
    if (!parse_time(lines[0], &at) || !hf__str_to_u64(lines[1], &noted_size) ||
        noted_size != size || changed_at > at || !hf__str_is_hex(lines[3], 64))
        return false;
    memcpy(sha256, lines[3].ptr, 64);
    sha256[64] = '\0';
    return true;
}

bool hf__cache_upload_read(const char *folder, const char *path, uint64_t size, double changed_at,
                           char sha256[65])
{
    hf__buf text;
    hf__buf name;
    bool found = false;

    hf__buf_init(&text, 4096);
    if (name_note(folder, path, ".metadata", &name, NULL) == HF_OK &&
        hf__os_read_file(hf__buf_cstr(&name), &text, &found, NULL) == HF_OK && found)
        found = parse_note(hf__buf_str(&text), size, changed_at, sha256);
    else
        found = false;
    hf__buf_dispose(&text);
    hf__buf_dispose(&name);
    return found;
}

/* The directory of a note, made without following links: the folder may be anybody's. */
static hf_status make_dir(const char *folder, const char *path, hf_error *err)
{
    const char *slash = strrchr(path, '/');
    hf__os_dir root;
    hf__os_dir dir;
    hf__buf rel;
    bool found = false;
    hf_status st = hf__os_dir_open(folder, &root, err);

    if (st != HF_OK)
        return st;
    hf__buf_init(&rel, HF__MAX_PATH);
    hf__buf_adds(&rel, UPLOAD_BOOKS);
    if (slash) {
        hf__buf_addc(&rel, '/');
        hf__buf_add(&rel, path, (size_t)(slash - path));
    }
    st = rel.status != HF_OK ? hf__fail(err, rel.status, "the path '%.200s' is too long", path)
                             : hf__os_dir_at(&root, hf__buf_cstr(&rel), 0777, &dir, &found, err);
    if (st == HF_OK && found)
        hf__os_dir_close(&dir);
    hf__os_dir_close(&root);
    hf__buf_dispose(&rel);
    return st;
}

hf_status hf__cache_upload_write(const char *folder, const char *path, const hf__cache_upload *note,
                                 hf_error *err)
{
    hf__os_lock lock = { .fd = -1 };
    bool locked = false;
    char text[400];
    hf__buf name;
    hf__buf lock_name;
    int len;
    hf_status st = make_dir(folder, path, err);

    hf__buf_init(&lock_name, HF__MAX_PATH);
    hf__buf_init(&name, HF__MAX_PATH);
    if (st == HF_OK)
        st = name_note(folder, path, ".lock", &lock_name, err);
    if (st == HF_OK)
        st = name_note(folder, path, ".metadata", &name, err);
    /* Somebody else who writes the same note knows the same. */
    if (st == HF_OK)
        st = hf__os_lock_try(hf__buf_cstr(&lock_name), &lock, &locked, err);
    if (st == HF_OK && locked) {
        len = snprintf(text, sizeof(text), "%.7f\n%llu\n0\n%s\n%s\n%s\n%d\n%d\n", note->at,
                       (unsigned long long)note->size, note->sha256, note->lfs ? "lfs" : "regular",
                       note->there, note->uploaded, note->committed);
        st = hf__os_write_file_atomic(hf__buf_cstr(&name), (hf__str){ text, (size_t)len }, 0666,
                                      err);
    }
    hf__os_lock_release(&lock);
    hf__buf_dispose(&lock_name);
    hf__buf_dispose(&name);
    return st;
}
