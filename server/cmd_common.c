/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_common.h"

int srv_session_open(srv_session *s, const char *data_dir)
{
    srv_store_opts opts = { data_dir, false };

    s->err = (hf_error)HF_ERROR_INIT;
    s->store = NULL;
    s->arena = hf__arena_new();
    if (!s->arena)
        return srv_complain(SRV_EXIT_FAIL, "out of memory");
    if (srv_store_open(&opts, &s->store, &s->err) != HF_OK) {
        int code = srv_session_failed(s);

        srv_session_close(s);
        return code;
    }
    return SRV_EXIT_OK;
}

void srv_session_close(srv_session *s)
{
    srv_store_close(s->store);
    hf__arena_free(s->arena);
}

int srv_session_failed(srv_session *s)
{
    bool usage = s->err.status == HF_ERR_INVALID_ARG;

    return srv_complain(usage ? SRV_EXIT_USAGE : SRV_EXIT_FAIL, "%s", s->err.message);
}

bool srv_cmd_type(const char *text, srv_repo_type *out)
{
    *out = SRV_MODEL;
    if (!text || srv_repo_type_parse(hf__str_from(text), out))
        return true;
    (void)srv_complain(SRV_EXIT_USAGE, "--type is model, dataset, space or kernel, not '%s'", text);
    return false;
}

bool srv_cmd_gated(const char *text, srv_gated *out)
{
    if (strcmp(text, "auto") == 0)
        *out = SRV_GATED_AUTO;
    else if (strcmp(text, "manual") == 0)
        *out = SRV_GATED_MANUAL;
    else if (strcmp(text, "no") == 0)
        *out = SRV_GATED_NO;
    else
        return false;
    return true;
}
