/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token files, as the Python client keeps them (cache.md 3): `token`, the bare token in use, and
 * `stored_tokens`, an INI file of all that were ever logged in with. Text that holds a secret
 * lives in one block that is wiped.
 */
#include "hub/private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void hf__secret_wipe(char *text, size_t len)
{
    volatile char *p = text;

    while (p && len--)
        *p++ = '\0';
}

void hf__secret_dispose(hf__buf *buf)
{
    hf__secret_wipe(buf->ptr, buf->cap);
    hf__buf_dispose(buf);
}

/* ---- reading configparser's INI */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
    char *end = text + strlen(text);

    while (blank(*text))
        text++;
    while (end > text && blank(end[-1]))
        end--;
    *end = '\0';
    return text;
}

static hf__token_entry *add_entry(hf__token_store *store, const char *name)
{
    if (store->n == store->cap) {
        size_t cap = store->cap ? 2 * store->cap : 8;
        hf__token_entry *grown = realloc(store->entries, cap * sizeof(*grown));

        if (!grown)
            return NULL;
        store->entries = grown;
        store->cap = cap;
    }
    store->entries[store->n] = (hf__token_entry){ .name = name };
    return &store->entries[store->n++];
}

hf__token_entry *hf__store_find(const hf__token_store *store, const char *name)
{
    for (size_t i = 0; i < store->n; i++)
        if (strcmp(store->entries[i].name, name) == 0)
            return &store->entries[i];
    return NULL;
}

const char *hf__token_field_get(const hf__token_entry *entry, const char *key)
{
    for (size_t i = 0; entry && i < entry->n; i++)
        if (strcmp(entry->fields[i].key, key) == 0)
            return entry->fields[i].value;
    return NULL;
}

static const char *read_section(hf__token_store *store, char *line)
{
    char *end = strrchr(line, ']');

    if (!end || end == line + 1)
        return "a section has no name";
    *end = '\0';
    if (hf__store_find(store, line + 1))
        return "a section is there twice";
    return add_entry(store, line + 1) ? NULL : "out of memory";
}

static const char *read_field(hf__token_entry *entry, char *line, char **tail)
{
    char *sep = line + strcspn(line, "=:");
    char *key;

    if (!*sep || sep == line)
        return "a line is no 'key = value'";
    *sep = '\0';
    key = trim(line);
    for (char *c = key; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    if (hf__token_field_get(entry, key))
        return "a key is there twice";
    if (entry->n == HF__COUNT(entry->fields))
        return "a section has too many keys";
    entry->fields[entry->n].value = trim(sep + 1);
    *tail = sep + 1 + strlen(sep + 1);
    entry->fields[entry->n++].key = key;
    return NULL;
}

const char *hf__store_parse(hf__token_store *store)
{
    char *tail = NULL; /* end of the value that an indented line goes on with */
    size_t indent = 0;
    char *next;

    if (store->text.len && strlen(store->text.ptr) != store->text.len)
        return "it holds a NUL";
    for (char *line = store->text.ptr; line; line = next) {
        size_t blanks = 0;
        const char *wrong = NULL;
        char *text;

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        while (blank(line[blanks]))
            blanks++;
        text = trim(line);
        if (!*text || *text == '#' || *text == ';')
            continue;
        if (tail && blanks > indent) {
            *tail++ = '\n';
            memmove(tail, text, strlen(text) + 1);
            tail += strlen(tail);
            continue;
        }
        indent = blanks;
        tail = NULL;
        if (*text == '[')
            wrong = read_section(store, text);
        else if (store->n == 0)
            wrong = "it does not begin with a section";
        else
            wrong = read_field(&store->entries[store->n - 1], text, &tail);
        if (wrong)
            return wrong;
    }
    return NULL;
}

hf_status hf__store_read(const char *path, hf__token_store *out, hf__log *log, hf_error *err)
{
    const char *wrong;
    bool found = false;
    hf_status st;

    *out = (hf__token_store){ .n = 0 };
    hf__buf_init(&out->text, HF__MAX_SMALL_FILE);
    st = hf__os_read_file(path, &out->text, &found, err);
    if (st != HF_OK || !found || out->text.len == 0)
        return st;
    wrong = hf__store_parse(out);
    if (wrong) {
        hf__logf(log, HF_LOG_WARNING, "the stored tokens in '%s' cannot be read: %s", path, wrong);
        out->n = 0;
        out->broken = true;
    }
    return HF_OK;
}

void hf__store_dispose(hf__token_store *store)
{
    hf__secret_dispose(&store->text);
    free(store->entries);
    *store = (hf__token_store){ .n = 0 };
}

/* ---- changing and writing */

hf_status hf__store_put(hf__token_store *store, const hf__token_entry *entry, hf_error *err)
{
    hf__token_entry *place = hf__store_find(store, entry->name);

    if (!place)
        place = add_entry(store, entry->name);
    if (!place)
        return hf__fail_nomem(err);
    *place = *entry;
    return HF_OK;
}

void hf__store_remove(hf__token_store *store, const char *name)
{
    hf__token_entry *entry = hf__store_find(store, name);
    size_t at;

    if (!entry)
        return;
    at = (size_t)(entry - store->entries);
    memmove(entry, entry + 1, (store->n - at - 1) * sizeof(*entry));
    store->n--;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const hf__token_entry *)a)->name, ((const hf__token_entry *)b)->name);
}

static void add_value(hf__buf *out, const char *value)
{
    for (; *value; value++) {
        hf__buf_addc(out, *value);
        if (*value == '\n')
            hf__buf_addc(out, '\t');
    }
}

void hf__store_format(hf__token_store *store, hf__buf *out)
{
    if (store->n)
        qsort(store->entries, store->n, sizeof(*store->entries), by_name);
    for (size_t i = 0; i < store->n; i++) {
        const hf__token_entry *entry = &store->entries[i];

        hf__buf_addf(out, "[%s]\n", entry->name);
        for (size_t k = 0; k < entry->n; k++) {
            hf__buf_addf(out, "%s = ", entry->fields[k].key);
            add_value(out, entry->fields[k].value);
            hf__buf_addc(out, '\n');
        }
        hf__buf_addc(out, '\n');
    }
}

hf_status hf__store_write(const char *path, hf__token_store *store, hf_error *err)
{
    hf__buf text;
    hf_status st = HF_OK;

    hf__buf_init(&text, HF__MAX_SMALL_FILE);
    hf__store_format(store, &text);
    if (text.status != HF_OK)
        st = hf__fail(err, text.status, "there are too many stored tokens for '%s'", path);
    if (st == HF_OK && store->broken) { /* what nobody can read may still be wanted */
        hf__buf aside;

        hf__buf_init(&aside, HF__MAX_PATH);
        hf__buf_addf(&aside, "%s.broken", path);
        st = aside.status == HF_OK ? hf__os_rename(path, hf__buf_cstr(&aside), err)
                                   : hf__fail(err, aside.status, "the path '%s' is too long", path);
        hf__buf_dispose(&aside);
    }
    if (st == HF_OK)
        st = hf__secret_write(path, hf__buf_str(&text), err);
    hf__secret_dispose(&text);
    return st;
}

/* ---- files that only their owner may read */

static hf_status make_parent(const char *path, hf_error *err)
{
    const char *slash = strrchr(path, '/');
    hf__os_stat info;
    hf__buf dir;
    hf_status st;

    if (!slash || slash == path)
        return HF_OK;
    hf__buf_init(&dir, HF__MAX_PATH);
    hf__buf_add(&dir, path, (size_t)(slash - path));
    st = dir.status == HF_OK ? hf__os_stat_path(hf__buf_cstr(&dir), &info, err)
                             : hf__fail(err, dir.status, "the path '%s' is too long", path);
    if (st == HF_OK && info.type == HF__OS_ABSENT) {
        st = hf__os_mkdirs(hf__buf_cstr(&dir), 0700, err);
        if (st == HF_OK && chmod(hf__buf_cstr(&dir), 0700) != 0) /* the umask may take too much */
            st = hf__fail_os(err, errno, "cannot protect '%s'", hf__buf_cstr(&dir));
    }
    hf__buf_dispose(&dir);
    return st;
}

/* Created with 0600 less what the umask takes, set to 0600 before a byte is in it, and renamed over
 * what is there: a link in the way is replaced, not followed, and no reader sees half a token. */
hf_status hf__secret_write(const char *path, hf__str content, hf_error *err)
{
    hf__buf temp;
    hf_status st = make_parent(path, err);
    int fd = -1;

    if (st != HF_OK)
        return st;
    hf__buf_init(&temp, HF__MAX_PATH + 32);
    hf__buf_addf(&temp, "%s.%08x.tmp", path, (unsigned)(hf__random_u64() & 0xffffffffu));
    if (temp.status != HF_OK) {
        st = hf__fail(err, temp.status, "the path '%s' is too long", path);
        goto done;
    }
    fd = open(hf__buf_cstr(&temp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        st = hf__fail_os(err, errno, "cannot create '%s'", hf__buf_cstr(&temp));
        goto done;
    }
    if (fchmod(fd, 0600) != 0)
        st = hf__fail_os(err, errno, "cannot protect '%s'", hf__buf_cstr(&temp));
    if (st == HF_OK)
        st = hf__os_pwrite(fd, content.ptr, content.len, 0, hf__buf_cstr(&temp), err);
    if (close(fd) != 0 && st == HF_OK)
        st = hf__fail_os(err, errno, "cannot write '%s'", hf__buf_cstr(&temp));
    if (st == HF_OK)
        st = hf__os_rename(hf__buf_cstr(&temp), path, err);
    if (st != HF_OK)
        unlink(hf__buf_cstr(&temp));
done:
    hf__buf_dispose(&temp);
    return st;
}

void hf__secret_report(const char *path, hf__log *log)
{
    hf__os_stat info;

    if (hf__os_stat_path(path, &info, NULL) != HF_OK || info.type != HF__OS_FILE)
        return;
    if (info.uid != geteuid())
        hf__logf(log, HF_LOG_WARNING,
                 "the token file '%s' belongs to another user (id %u); make sure that it is yours",
                 path, info.uid);
    else if (info.mode & 077)
        hf__logf(log, HF_LOG_WARNING,
                 "the token file '%s' can be read by others; run: chmod 600 '%s'", path, path);
}

hf_status hf__store_lock(const char *path, hf__os_lock *out, hf_error *err)
{
    hf__buf lock;
    bool got = false;
    hf_status st = make_parent(path, err);

    if (st != HF_OK)
        return st;
    hf__buf_init(&lock, HF__MAX_PATH);
    hf__buf_addf(&lock, "%s.lock", path);
    if (lock.status != HF_OK)
        st = hf__fail(err, lock.status, "the path '%s' is too long", path);
    for (unsigned i = 0; st == HF_OK && !got; i++) {
        if (i == 300)
            st = hf__fail(err, HF_ERR_TIMEOUT, "another process holds '%s' for 30 seconds",
                          hf__buf_cstr(&lock));
        else if (i > 0)
            hf__clock_sleep_ms(100);
        if (st == HF_OK)
            st = hf__os_lock_try(hf__buf_cstr(&lock), out, &got, err);
    }
    hf__buf_dispose(&lock);
    return st;
}
