/* SPDX-License-Identifier: Apache-2.0 */
/* Smart HTTP through git's own backend. A push is looked through by hook.c while git holds it in
 * quarantine. */
#include "routes/routes.h"

#include "routes/hook.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What this server lets git do over HTTP. A service that is not here does not exist. */
static const struct service {
    const char *name;
    srv_want want;
} services[] = {
    { "git-upload-pack", SRV_WANT_CONTENT },
    { "git-receive-pack", SRV_WANT_WRITE },
};

static const struct service *find_service(hf__str name)
{
    for (size_t i = 0; i < HF__COUNT(services); i++)
        if (hf__str_eq(name, hf__str_from(services[i].name)))
            return &services[i];
    return NULL;
}

/* Without its hook git would take whatever comes, and not say so. */
static bool hook_stands(srv_req *req, const char *dir)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/" SRV_HOOK_NAME, dir);

    if (n > 0 && (size_t)n < sizeof path && access(path, X_OK) == 0)
        return true;
    srv_answer_error(req, 500, NULL,
                     "this server cannot look through a push: its program was moved; start it "
                     "again");
    return false;
}

static void run_backend(srv_req *req, srv_place *place, srv_want want)
{
    srv_app *app = srv_server_app(req->server);
    srv_cgi cgi = { .path_info = hf__arena_str(req->arena, place->after) };
    char max[32];

    if (!cgi.path_info || !srv_place_open(req, place, want))
        return;
    cgi.git_dir = place->repo->git_dir;
    cgi.user = req->who->account ? req->who->account->name : NULL;
    (void)snprintf(max, sizeof max, "%llu",
                   (unsigned long long)srv_server_conf(req->server)->lfs_threshold);
    const char *const env[] = { SRV_HOOK_DATA, app->data_dir, SRV_HOOK_REPO, place->repo->id,
                                SRV_HOOK_MAX,  max,           NULL };
    if (want == SRV_WANT_WRITE) {
        if (!hook_stands(req, app->hooks_dir))
            return;
        cgi.hooks_dir = app->hooks_dir;
        cgi.env = env;
    }
    srv_cgi_start(req, &cgi);
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
