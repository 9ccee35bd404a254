/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that work on the store have in common: opening it, and telling what failed. */
#ifndef SRV_CMD_COMMON_H
#define SRV_CMD_COMMON_H

#include "cmd.h"
#include "store/store.h"

typedef struct srv_session {
    srv_store *store;
    hf__arena *arena;
    hf_error err;
} srv_session;

/* SRV_EXIT_OK, or the exit code after a complaint. */
int srv_session_open(srv_session *s, const char *data_dir);
void srv_session_close(srv_session *s);
/* Complains about s->err; a bad argument is SRV_EXIT_USAGE. */
int srv_session_failed(srv_session *s);

/* --type or its default; complains and returns false for a stranger. */
bool srv_cmd_type(const char *text, srv_repo_type *out);
bool srv_cmd_gated(const char *text, srv_gated *out);

#endif
