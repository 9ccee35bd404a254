/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that decides who may do what to a repo. */
#include "store/private.h"

#include <stdio.h>

/* What the account, and then the token, may do. Ordered. */
typedef enum level { LEVEL_NONE, LEVEL_READ, LEVEL_WRITE } level;

static level account_level(const srv_identity *who, hf__str ns)
{
    size_t i;

    if (!who || !who->account || ns.len == 0)
        return LEVEL_NONE;
    if (hf__str_eq_nocase(hf__str_from(who->account->name), ns))
        return LEVEL_WRITE;
    for (i = 0; i < who->n_orgs; i++)
        if (hf__str_eq_nocase(hf__str_from(who->orgs[i].org.name), ns))
            return who->orgs[i].role >= SRV_ORG_WRITE ? LEVEL_WRITE : LEVEL_READ;
    return LEVEL_NONE;
}

static level scope_level(const srv_identity *who, hf__str ns, const char *repo_entity)
{
    level best = LEVEL_NONE;
    size_t i;

    for (i = 0; i < who->n_scopes; i++) {
        hf__str entity = hf__str_from(who->scopes[i].entity);
        level here;

        if (!hf__str_eq_nocase(entity, ns) &&
            !(repo_entity && hf__str_eq_nocase(entity, hf__str_from(repo_entity))))
            continue;
        here = who->scopes[i].permissions & SRV_SCOPE_WRITE ? LEVEL_WRITE : LEVEL_READ;
        if (here > best)
            best = here;
    }
    return best;
}

/* The token can only take away from what its account may do. */
static level token_level(const srv_identity *who, level account, hf__str ns,
                         const char *repo_entity)
{
    level limit = LEVEL_WRITE;

    if (account == LEVEL_NONE)
        return account;
    if (who->role == SRV_ROLE_READ)
        limit = LEVEL_READ;
    else if (who->role == SRV_ROLE_FINE_GRAINED)
        limit = scope_level(who, ns, repo_entity);
    return account < limit ? account : limit;
}

static level repo_level(const srv_repo *repo, const srv_identity *who)
{
    hf__str ns = hf__str_from(repo->ns);
    char entity[160];

    (void)snprintf(entity, sizeof entity, "%s/%s", srv_repo_type_plural(repo->type),
                   repo->full_name);
    return token_level(who, account_level(who, ns), ns, entity);
}

static hf_status read_grant(srv_store *store, const srv_repo *repo, const srv_identity *who,
                            srv_grant *out, hf_error *err)
{
    static const char sql[] = "SELECT g.state FROM grants g JOIN accounts a ON a.key=g.account "
                              "WHERE g.repo=? AND a.id=?";
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    srv__db *db;
    hf_status st = srv__db_take(store, &db, err);

    if (st != HF_OK)
        return st;
    st = srv__sql_begin(db, &stmt, err, sql, "it", repo->key, who->account->id);
    if (st == HF_OK)
        st = srv__sql_next(db, stmt, &row, err);
    if (st == HF_OK)
        *out = row ? (srv_grant)sqlite3_column_int(stmt, 0) : SRV_GRANT_NONE;
    srv__sql_end(db, stmt);
    srv__db_give(store, db);
    return st;
}

static hf_status decide_content(srv_store *store, const srv_repo *repo, const srv_identity *who,
                                level have, srv_access *out, hf_error *err)
{
    srv_grant grant = SRV_GRANT_NONE;
    char entity[160];
    hf_status st = HF_OK;

    *out = SRV_ALLOWED;
    if (repo->gated == SRV_GATED_NO || have >= LEVEL_READ)
        return HF_OK;
    *out = SRV_GATED;
    if (!who || !who->account)
        return HF_OK;
    (void)snprintf(entity, sizeof entity, "%s/%s", srv_repo_type_plural(repo->type),
                   repo->full_name);
    /* The account may have been let in; a fine-grained token still needs the repo in its scopes. */
    if (who->role == SRV_ROLE_FINE_GRAINED &&
        scope_level(who, hf__str_from(repo->ns), entity) < LEVEL_READ)
        return HF_OK;
    st = read_grant(store, repo, who, &grant, err);
    if (st == HF_OK && grant == SRV_GRANT_ACCEPTED)
        *out = SRV_ALLOWED;
    return st;
}

hf_status srv_access_decide(srv_store *store, const srv_repo *repo, const srv_identity *who,
                            srv_want want, srv_access *out, hf_error *err)
{
    level have = repo_level(repo, who);

    hf__error_clear(err);
    *out = SRV_ALLOWED;
    if (repo->is_private && have < LEVEL_READ) {
        *out = SRV_HIDDEN;
        return HF_OK;
    }
    switch (want) {
    case SRV_WANT_INFO:
        return HF_OK;
    case SRV_WANT_CONTENT:
        if (repo->disabled) {
            *out = SRV_DISABLED;
            return HF_OK;
        }
        return decide_content(store, repo, who, have, out, err);
    case SRV_WANT_PROPOSE:
        if (!who || !who->account)
            *out = SRV_ANONYMOUS;
        else if (repo->disabled)
            *out = SRV_DISABLED;
        else if (have < LEVEL_WRITE &&
                 srv_access_create(who, hf__str_from(who->account->name)) != SRV_ALLOWED)
            *out = SRV_FORBIDDEN;
        else
            return decide_content(store, repo, who, have, out, err);
        return HF_OK;
    case SRV_WANT_WRITE:
    case SRV_WANT_ADMIN:
    default:
        if (!who || !who->account)
            *out = SRV_ANONYMOUS;
        else if (have < LEVEL_WRITE)
            *out = SRV_FORBIDDEN;
        else if (repo->disabled && want == SRV_WANT_WRITE)
            *out = SRV_DISABLED; /* its owner may still delete it */
        return HF_OK;
    }
}

srv_access srv_access_create(const srv_identity *who, hf__str ns)
{
    if (!who || !who->account)
        return SRV_ANONYMOUS;
    return token_level(who, account_level(who, ns), ns, NULL) >= LEVEL_WRITE ? SRV_ALLOWED
                                                                             : SRV_FORBIDDEN;
}
