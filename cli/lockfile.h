/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HF_CLI_LOCKFILE_H
#define HF_CLI_LOCKFILE_H

#include "cli.h"

#define CLI_LOCK_REPO 256

typedef struct cli_lock {
    char repo[CLI_LOCK_REPO]; /* "model ns/name"; empty: not told */
    char commit[41];          /* likewise */
    hf_expected *files;
    size_t n_files;
} cli_lock;

/* All return 0, or the exit code of the error they printed. */
int cli_lock_read(cli_ctx *ctx, const char *path, cli_lock *lock); /* lock starts zeroed */
int cli_lock_check_repo(cli_ctx *ctx, const cli_lock *lock, const char *path,
                        const hf_repo_ref *repo);
int cli_lock_write(cli_ctx *ctx, const char *path, const hf_repo_ref *repo, const char *commit,
                   const hf_file *files, size_t n);

void cli_lock_dispose(cli_lock *lock);
void cli_lock_name(char out[CLI_LOCK_REPO], const hf_repo_ref *repo);
const char *cli_lock_hash(const cli_lock *lock, const char *path); /* NULL: not in it */

#endif
