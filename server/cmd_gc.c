/* SPDX-License-Identifier: Apache-2.0 */
/* hf-serve gc: LFS objects that no commit points to. */
#include "cmd.h"
#include "cmd_common.h"

#include <stddef.h>
#include <stdio.h>

#define DEFAULT_HOURS 24
#define MAX_HOURS     (100 * 365 * 24)

typedef struct gc_args {
    const char *older_than;
} gc_args;

static const srv_opt opts[] = {
    { "older-than", SRV_OPT_TEXT, offsetof(gc_args, older_than), "HOURS",
      "leave alone what came later than that (default: 24)", NULL },
    { NULL, SRV_OPT_END, 0, NULL, NULL, NULL },
};

static int run(const char *data_dir, const void *args_, int n_words, char *const *words)
{
    const gc_args *args = args_;
    uint64_t hours = DEFAULT_HOURS;
    srv_gc_result result;
    srv_session s;
    int code;

    (void)n_words;
    (void)words;
    if (args->older_than &&
        (!hf__str_to_u64(hf__str_from(args->older_than), &hours) || hours > MAX_HOURS))
        return srv_complain(SRV_EXIT_USAGE, "--older-than wants a number of hours, not '%s'",
                            args->older_than);
    code = srv_session_open(&s, data_dir);
    if (code != SRV_EXIT_OK)
        return code;
    if (srv_gc(s.store, hours * 3600, &result, &s.err) == HF_OK)
        printf("%zu object%s, %llu bytes\n", result.n_objects, result.n_objects == 1 ? "" : "s",
               (unsigned long long)result.bytes);
    else
        code = srv_session_failed(&s);
    srv_session_close(&s);
    return code;
}

const srv_cmd srv_cmd_gc = {
    "gc",
    "",
    "delete LFS objects that no commit points to",
    "They were uploaded and never committed, or their repo is gone. Whatever the history of any\n"
    "branch or pull request points to stays. The server must not run meanwhile. Prints how many\n"
    "objects and bytes went.",
    opts,
    sizeof(gc_args),
    0,
    0,
    run,
};
