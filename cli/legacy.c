/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The habits of `huggingface-cli` (cli.md 23.2) when the program is called by that name: several
 * values after one
 * --include, --exclude or --delete. They are rewritten into today's form, so that the tables know
 * one form only.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

size_t cli_words_count(const char *const *words)
{
    size_t n = 0;

    while (words[n])
        n++;
    return n;
}

static bool takes_many(const char *word)
{
    return strcmp(word, "--include") == 0 || strcmp(word, "--exclude") == 0 ||
           strcmp(word, "--delete") == 0;
}

const char **cli_legacy_words(const cli_ctx *ctx, const cli_cmd *cmd, char *const *argv, size_t n)
{
    /* Every word may gain its option's name in front. */
    const char **words = calloc(2 * n + 1, sizeof(*words));
    bool legacy = strcmp(ctx->program, "huggingface-cli") == 0 && !cmd->pass_through;
    const char *repeating = NULL;
    size_t used = 0;
    bool first = false;

    if (!words)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (argv[i][0] == '-') {
            repeating = legacy && takes_many(argv[i]) ? argv[i] : NULL;
            first = true;
        } else if (repeating) {
            if (!first)
                words[used++] = repeating;
            first = false;
        }
        words[used++] = legacy && strcmp(argv[i], "--space_sdk") == 0 ? "--space-sdk" : argv[i];
    }
    return words;
}
