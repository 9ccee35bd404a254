/* SPDX-License-Identifier: Apache-2.0 */
/* An hf-serve of the test's own: made, filled, started with a fault script, stopped by its pid. */
#ifndef HF_TESTS_HUB_HUB_H
#define HF_TESTS_HUB_HUB_H

#include "client.h"

#include <sys/types.h>

#define BIG_SIZE   ((size_t)3000000)
#define ODD_PATH   "sub dir/a #%+\303\251.txt"
#define MANY_FILES 45

typedef struct hub {
    unit_dir dir; /* data, model, access.log */
    pid_t pid;    /* 0: not running */
    char url[80];
    char storage[80];
    char token[128];  /* of alice, who has an account and nothing else */
    char commit[48];  /* of acme/tiny */
    char *big;        /* content of model.bin */
    char log[262144]; /* after hub_stop() */
} hub;

/* With one repo, acme/tiny: config.json, README.md, empty.txt, ODD_PATH, model.bin (LFS) and
 * many/f00.txt and so on. Not started. */
hub *hub_new(void);
void hub_free(hub *h);

/* Lines of the fault script, or NULL; options of serve, ended by NULL, or NULL. */
void hub_start(hub *h, const char *faults, const char *const *options);
void hub_stop(hub *h); /* and reads the access log */
/* Runs an administrator's command with --data added; its output, one line, comes back in out. */
void hub_run(hub *h, char *out, size_t size, const char *const *args);
#define HUB_RUN(h, ...) hub_run(h, NULL, 0, (const char *const[]){ __VA_ARGS__, NULL })

unsigned hub_log_count(const hub *h, const char *origin,
                       const char *text); /* lines that hold both */

client *hub_client(hub *h, const char *token); /* NULL: none */

#endif
