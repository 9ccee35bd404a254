/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock file: which repo at which commit, and the hash of every file. Its lines are those of
 * sha256sum(1), "HASH  PATH", under a head of comments, so that it can be read, compared and, where
 * the hashes are SHA-256, checked without us:
 *
 *     # hf lock 1
 *     # repo model openai-community/gpt2
 *     # commit 607a30d783dfa663caf39e06633721c8d4cfcd7e
 *     248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707  model.safetensors
 *
 * A hash of 40 digits is git's, of a file that the Hub keeps in git itself.
 */
#include "lockfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 8192

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") == len;
}

static bool add_file(cli_lock *lock, char *line, size_t hash_len)
{
    char *path = line + hash_len + 2;
    hf_expected *grown = realloc(lock->files, (lock->n_files + 1) * sizeof(*grown));
    char *copy;

    if (!grown)
        return false;
    lock->files = grown;
    copy = malloc(hash_len + 1 + strlen(path) + 1);
    if (!copy)
        return false;
    memcpy(copy, line, hash_len);
    copy[hash_len] = '\0';
    memcpy(copy + hash_len + 1, path, strlen(path) + 1);
    lock->files[lock->n_files++] = (hf_expected){ copy + hash_len + 1, copy };
    return true;
}

/* NULL, or what is wrong with the line. */
static const char *take_line(cli_lock *lock, char *line)
{
    size_t hash_len = strspn(line, "0123456789abcdef");

    if (strncmp(line, "# commit ", 9) == 0) {
        if (strlen(line + 9) != 40 || !is_hex(line + 9, 40))
            return "the commit is not 40 hex digits";
        memcpy(lock->commit, line + 9, 41);
        return NULL;
    }
    if (strncmp(line, "# repo ", 7) == 0) {
        if (strlen(line + 7) >= sizeof(lock->repo))
            return "the name of the repo is too long";
        memcpy(lock->repo, line + 7, strlen(line + 7) + 1);
        return NULL;
    }
    if (line[0] == '#' || line[0] == '\0')
        return NULL;
    if ((hash_len != 64 && hash_len != 40) || line[hash_len] != ' ' ||
        (line[hash_len + 1] != ' ' && line[hash_len + 1] != '*') || !line[hash_len + 2])
        return "it is not \"HASH  PATH\"";
    return add_file(lock, line, hash_len) ? NULL : "out of memory";
}

int cli_lock_read(cli_ctx *ctx, const char *path, cli_lock *lock)
{
    char line[LINE_MAX_BYTES];
    const char *wrong = NULL;
    unsigned long number = 0;
    FILE *file = fopen(path, "re");

    if (!file)
        return cli_error(ctx, "Cannot read '%s': %s.", path, strerror(errno));
    while (!wrong && fgets(line, sizeof(line), file)) {
        size_t len = strlen(line);

        number++;
        if (len && line[len - 1] != '\n' && !feof(file)) {
            wrong = "it is too long";
            break;
        }
        line[strcspn(line, "\r\n")] = '\0';
        wrong = take_line(lock, line);
    }
    if (!wrong && ferror(file))
        wrong = "it cannot be read";
    fclose(file);
    if (wrong)
        return cli_error(ctx, "Line %lu of '%s': %s.", number, path, wrong);
    return CLI_EXIT_OK;
}

void cli_lock_dispose(cli_lock *lock)
{
    for (size_t i = 0; i < lock->n_files; i++)
        free((char *)(uintptr_t)lock->files[i].hash); /* the path lies behind it */
    free(lock->files);
}

void cli_lock_name(char out[CLI_LOCK_REPO], const hf_repo_ref *repo)
{
    static const char *const types[] = { "model", "dataset", "space", "kernel" };

    snprintf(out, CLI_LOCK_REPO, "%s %.200s", types[repo->type], repo->id);
}

int cli_lock_check_repo(cli_ctx *ctx, const cli_lock *lock, const char *path,
                        const hf_repo_ref *repo)
{
    char name[CLI_LOCK_REPO];

    cli_lock_name(name, repo);
    if (!lock->commit[0])
        return cli_error(ctx,
                         "'%s' names no commit, so it is no lock file. Use --require-hash for a "
                         "list of hashes alone.",
                         path);
    if (lock->repo[0] && strcmp(lock->repo, name) != 0)
        return cli_error(ctx, "'%s' is the lock of %s, not of %s.", path, lock->repo, name);
    if (repo->revision && strcmp(repo->revision, lock->commit) != 0)
        return cli_error(ctx, "'%s' locks commit %s; leave --revision out.", path, lock->commit);
    return CLI_EXIT_OK;
}

const char *cli_lock_hash(const cli_lock *lock, const char *path)
{
    for (size_t i = 0; i < lock->n_files; i++)
        if (strcmp(lock->files[i].path, path) == 0)
            return lock->files[i].hash;
    return NULL;
}

int cli_lock_write(cli_ctx *ctx, const char *path, const hf_repo_ref *repo, const char *commit,
                   const hf_file *files, size_t n)
{
    char name[CLI_LOCK_REPO];
    size_t len = strlen(path);
    char *temp = malloc(len + sizeof(".new"));
    FILE *file;
    bool good;

    if (!temp)
        return cli_error(ctx, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (files[i].etag && (strlen(files[i].etag) == 64 || strlen(files[i].etag) == 40) &&
            is_hex(files[i].etag, strlen(files[i].etag)))
            continue;
        free(temp);
        return cli_error(ctx,
                         "No lock can be written: the Hub told no hash of '%s'. Ask it anew "
                         "with --refresh.",
                         files[i].repo_path);
    }
    cli_lock_name(name, repo);
    memcpy(temp, path, len);
    memcpy(temp + len, ".new", sizeof(".new"));
    file = fopen(temp, "we");
    good = file && fprintf(file, "# hf lock 1\n# repo %s\n# commit %s\n", name, commit) > 0;
    for (size_t i = 0; good && i < n; i++)
        good = fprintf(file, "%s  %s\n", files[i].etag, files[i].repo_path) > 0;
    if (file)
        good = fclose(file) == 0 && good;
    good = good && rename(temp, path) == 0;
    if (!good) {
        int reason = errno;

        remove(temp);
        free(temp);
        return cli_error(ctx, "Cannot write '%s': %s.", path, strerror(reason));
    }
    free(temp);
    return CLI_EXIT_OK;
}
