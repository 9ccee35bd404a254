/* SPDX-License-Identifier: Apache-2.0 */
/* …/settings/repositories: what an account has, and how much room it takes. For itself alone. */
#include "routes/routes.h"

#include "core/limits.h"

static bool belongs(const srv_identity *who, const srv_account *account)
{
    hf__str name = hf__str_from(account->name);

    if (hf__str_eq_nocase(hf__str_from(who->account->name), name))
        return true;
    for (size_t i = 0; i < who->n_orgs; i++)
        if (hf__str_eq_nocase(hf__str_from(who->orgs[i].org.name), name))
            return true;
    return false;
}

static void add_repo(hf__buf *out, const srv_owned *owned, uint64_t total)
{
    /* In tenths of a percent, rounded: a buffer has no format for fractions. */
    uint64_t share = total ? (uint64_t)((double)owned->bytes * 1000 / (double)total + 0.5) : 0;

    hf__buf_addc(out, '{');
    srv_json_text(out, "id", owned->repo.full_name);
    srv_json_text(out, "type", srv_repo_type_name(owned->repo.type));
    srv_json_time(out, "updatedAt", owned->repo.modified);
    srv_json_text(out, "visibility", owned->repo.is_private ? "private" : "public");
    srv_json_u64(out, "storage", owned->bytes);
    hf__buf_addf(out, "\"storagePercent\":%llu.%llu}", (unsigned long long)(share / 10),
                 (unsigned long long)(share % 10));
}

void srv_owned_repos(srv_req *req, const srv_account *account)
{
    srv_store *store = ((srv_app *)srv_server_app(req->server))->store;
    const srv_owned *list = NULL;
    hf_error err = HF_ERROR_INIT;
    uint64_t total = 0;
    size_t first, end;
    size_t n = 0;
    hf__buf out;
    hf_status st;

    if (!srv_only(req, "GET") || !srv_need_account(req))
        return;
    if (!account)
        account = req->who->account;
    if (!belongs(req->who, account)) {
        srv_answer_error(req, 403, NULL, "You are no member of '%s'", account->name);
        return;
    }
    st = srv_owned_list(store, account->name, req->arena, &list, &n, &err);
    if (st != HF_OK) {
        srv_answer_status(req, st, &err);
        return;
    }
    for (size_t i = 0; i < n; i++)
        total += list[i].bytes;
    if (!srv_page_bounds(req, n, &first, &end))
        return;
    hf__buf_init(&out, HF__MAX_JSON_BYTES);
    hf__buf_addc(&out, '[');
    for (size_t i = first; i < end; i++) {
        srv_place place = { .type = list[i].repo.type, .repo = &list[i].repo };

        if (!srv_place_may(req, &place, SRV_WANT_INFO)) /* what the token's scopes leave out */
            continue;
        if (out.len > 1)
            hf__buf_addc(&out, ',');
        add_repo(&out, &list[i], total);
    }
    hf__buf_addc(&out, ']');
    srv_answer_json(req, 200, &out);
}
