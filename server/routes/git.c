/* SPDX-License-Identifier: Apache-2.0 */
/* Smart HTTP through git's own backend. */
#include "routes/routes.h"

#include <string.h>

/* What this server lets git do over HTTP. A service that is not here does not exist. */
static const struct service {
    const char *name;
    srv_want want;
} services[] = {
    { "git-upload-pack", SRV_WANT_CONTENT },
};

static const struct service *find_service(hf__str name)
{
    for (size_t i = 0; i < HF__COUNT(services); i++)
        if (hf__str_eq(name, hf__str_from(services[i].name)))
            return &services[i];
    return NULL;
}

static void run_backend(srv_req *req, srv_place *place, srv_want want)
{
    const char *path = hf__arena_str(req->arena, place->after);

    if (!path || !srv_place_open(req, place, want))
        return;
    srv_cgi_start(req, place->repo->git_dir, path,
                  req->who->account ? req->who->account->name : NULL);
}

static void info_refs(srv_req *req, srv_place *place)
{
    const char *name = srv_req_param(req, "service");
    const struct service *service;

    if (!srv_only(req, "GET"))
        return;
    if (!name) {
        srv_answer_error(req, 403, NULL, "this server speaks git's smart protocol only");
        return;
    }
    service = find_service(hf__str_from(name));
    if (!service)
        srv_answer_error(req, 403, NULL, "the service '%.64s' is not offered here", name);
    else
        run_backend(req, place, service->want);
}

void srv_git_http(srv_req *req, srv_place *place)
{
    const hf__str *seg = place->segments;
    const struct service *service = find_service(seg[0]);

    place->is_git = true;
    if (place->n_segments == 2 && hf__str_eq(seg[0], HF__STR("info")) &&
        hf__str_eq(seg[1], HF__STR("refs"))) {
        info_refs(req, place);
    } else if (place->n_segments == 1 && service) {
        if (srv_only(req, "POST"))
            run_backend(req, place, service->want);
    } else if (place->n_segments == 1 && hf__str_eq(seg[0], HF__STR("HEAD"))) {
        if (srv_only(req, "GET"))
            run_backend(req, place, SRV_WANT_CONTENT);
    } else if (place->n_segments == 4 && hf__str_eq(seg[1], HF__STR("lfs")) &&
               hf__str_eq(seg[2], HF__STR("objects")) && hf__str_eq(seg[3], HF__STR("batch"))) {
        srv_lfs_batch(req, place);
    } else if (place->n_segments == 3 && hf__str_eq(seg[1], HF__STR("lfs")) &&
               hf__str_eq(seg[2], HF__STR("verify"))) {
        srv_lfs_verify(req, place);
    } else {
        srv_answer_error(req, 404, NULL, "Not Found"); /* locks/verify too: no locking here */
    }
}
