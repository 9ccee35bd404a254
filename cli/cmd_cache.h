/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that deal with the cache share. */
#ifndef HF_CLI_CMD_CACHE_H
#define HF_CLI_CMD_CACHE_H

#include "cli.h"

extern const cli_cmd cli_cmd_cache_list;
extern const cli_cmd cli_cmd_cache_prune;
extern const cli_cmd cli_cmd_cache_rm;
extern const cli_cmd cli_cmd_cache_verify;

/* Opens a client and looks at the cache. 0, or the exit code of the error it printed; in any case
 * *client and *info are to be freed. */
int cli_cache_scan(cli_ctx *ctx, const char *cache_dir, hf_client **client, hf_cache_info **info);

/* "model/ns/name"; owned by the caller (free); NULL when out of memory. */
char *cli_cache_id(const hf_cached_repo *repo);

/* "3 days ago" of a time in seconds since 1970. */
const char *cli_age(char out[32], double then, double now);
double cli_now(void);

/* A result of several values; numbers and truth values are such in json. */
typedef struct cli_value {
    const char *key;
    const char *text; /* NULL: `number` counts */
    unsigned long long number;
    bool truth; /* print number as true or false */
} cli_value;

void cli_report(cli_ctx *ctx, const char *message, const cli_value *values, size_t n);

/* "  - model/x (entire repo)" or its revisions, of those that the plan removes. */
void cli_show_plan(cli_ctx *ctx, const hf_cache_info *info, const hf_cache_plan *plan);
bool cli_plan_has(const char *const *items, size_t n, const char *text);

#endif
