/* SPDX-License-Identifier: Apache-2.0 */
#include "srv_unit.h"

#include "store/social.h"

static void add_account(srv_unit *u, const char *name, bool is_org)
{
    srv_account_spec spec = { name, NULL, NULL, is_org };

    srv_ok(u, srv_account_add(u->store, &spec, &u->err));
}

static const srv_identity *identity(srv_unit *u, const char *name, srv_role role,
                                    const srv_scope *scopes, size_t n_scopes)
{
    static int serial;
    char token_name[32];
    char token[SRV_TOKEN_CHARS + 1];
    srv_token_spec spec = { name, token_name, role, scopes, n_scopes, 0 };
    const srv_identity *who = NULL;

    (void)snprintf(token_name, sizeof token_name, "t%d", serial++);
    srv_ok(u, srv_token_add(u->store, &spec, token, &u->err));
    srv_ok(u, srv_identity_find(u->store, hf__str_from(token), u->arena, &who, &u->err));
    return who;
}

void test_srv_account__names(void **state)
{
    static const char *const bad[] = { "",     "a/b", "api",   "DataSets", "-x",   "x-", "a--b",
                                       "a..b", ".x",  "x.git", "a b",      "a\nb", "é",  "models" };
    srv_account_spec spec = { 0 };
    const srv_account *found;
    srv_unit u;
    size_t i;

    (void)state;
    srv_unit_begin(&u);
    for (i = 0; i < HF__COUNT(bad); i++) {
        spec.name = bad[i];
        assert_int_equal(srv_account_add(u.store, &spec, &u.err), HF_ERR_INVALID_ARG);
        assert_true(u.err.message[0] != '\0');
    }
    add_account(&u, "Alice", false);
    spec.name = "aLICE"; /* the same in another case */
    assert_int_equal(srv_account_add(u.store, &spec, &u.err), HF_ERR_CONFLICT);
    srv_ok(&u, srv_account_find(u.store, HF__STR("alice"), u.arena, &found, &u.err));
    assert_string_equal(found->name, "Alice");
    srv_ok(&u, srv_account_find(u.store, HF__STR("bob"), u.arena, &found, &u.err));
    assert_null(found);
    srv_unit_end(&u);
}

void test_srv_account__tokens(void **state)
{
    srv_token_spec spec = { "alice", NULL, SRV_ROLE_READ, NULL, 0, 0 };
    const srv_identity *who = NULL;
    char token[SRV_TOKEN_CHARS + 1];
    char other[SRV_TOKEN_CHARS + 1];
    srv_unit u;
    int code;

    (void)state;
    srv_unit_begin(&u);
    assert_int_equal(srv_token_add(u.store, &spec, token, &u.err), HF_ERR_ENTRY_NOT_FOUND);
    add_account(&u, "alice", false);
    srv_ok(&u, srv_token_add(u.store, &spec, token, &u.err));
    assert_int_equal(strlen(token), 37);
    assert_memory_equal(token, "hf_", 3);
    assert_int_equal(strspn(token + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), 34);
    assert_int_equal(srv_token_add(u.store, &spec, other, &u.err), HF_ERR_CONFLICT);
    /* another process, or a later one */
    srv_unit_reopen(&u);
    srv_ok(&u, srv_identity_find(u.store, hf__str_from(token), u.arena, &who, &u.err));
    assert_string_equal(who->account->name, "alice");
    assert_int_equal(who->role, SRV_ROLE_READ);
    assert_string_equal(who->token_name, "default");
    /* nothing of the token's text is in the folder */
    (void)srv_unit_shell(&code, "grep -rqa %s %s", token, u.dir.path);
    assert_int_not_equal(code, 0);
    srv_ok(&u, srv_identity_find(u.store, HF__STR(""), u.arena, &who, &u.err));
    assert_null(who->account);
    token[10] = token[10] == 'x' ? 'y' : 'x';
    assert_int_equal(srv_identity_find(u.store, hf__str_from(token), u.arena, &who, &u.err),
                     HF_ERR_UNAUTHORIZED);
    spec.name = "old";
    spec.expires = 1;
    srv_ok(&u, srv_token_add(u.store, &spec, token, &u.err));
    assert_int_equal(srv_identity_find(u.store, hf__str_from(token), u.arena, &who, &u.err),
                     HF_ERR_UNAUTHORIZED);
    srv_ok(&u, srv_token_revoke(u.store, "alice", "default", &u.err));
    assert_int_equal(srv_token_revoke(u.store, "alice", "default", &u.err), HF_ERR_ENTRY_NOT_FOUND);
    srv_unit_end(&u);
}

/* One row: what each of four wants is answered with: info, content, write, admin. */
typedef struct row {
    const char *who;
    const char *answers;
} row;

static char letter(srv_access access)
{
    return "+hgdfa"[access]; /* allowed, hidden, gated, disabled, forbidden, anonymous */
}

static void check_rows(srv_unit *u, const srv_repo *repo, const srv_identity *const *who,
                       const row *rows, size_t n)
{
    size_t i;
    int want;

    for (i = 0; i < n; i++) {
        char got[5] = { 0 };

        for (want = 0; want < 4; want++) {
            srv_access access;

            srv_ok(u, srv_access_decide(u->store, repo, who[i], (srv_want)want, &access, &u->err));
            got[want] = letter(access);
        }
        if (strcmp(got, rows[i].answers) != 0)
            print_error("%s\n", rows[i].who);
        assert_string_equal(got, rows[i].answers);
    }
}

void test_srv_account__access(void **state)
{
    static const row public_rows[] = {
        { "nobody", "++aa" },       { "stranger", "++ff" },          { "owner", "++++" },
        { "owner, read", "++ff" },  { "org reader", "++ff" },        { "org writer", "++++" },
        { "scoped to it", "++++" }, { "scoped to another", "++ff" },
    };
    static const row private_rows[] = {
        { "nobody", "hhhh" },       { "stranger", "hhhh" },          { "owner", "++++" },
        { "owner, read", "++ff" },  { "org reader", "++ff" },        { "org writer", "++++" },
        { "scoped to it", "++++" }, { "scoped to another", "hhhh" },
    };
    static const row gated_rows[] = {
        { "nobody", "+gaa" },       { "stranger", "+gff" },          { "owner", "++++" },
        { "owner, read", "++ff" },  { "org reader", "++ff" },        { "org writer", "++++" },
        { "scoped to it", "++++" }, { "scoped to another", "+gff" },
    };
    static const row disabled_rows[] = {
        { "nobody", "+daa" },       { "stranger", "+dff" },          { "owner", "+dd+" },
        { "owner, read", "+dff" },  { "org reader", "+dff" },        { "org writer", "+dd+" },
        { "scoped to it", "+dd+" }, { "scoped to another", "+dff" },
    };
    static const srv_scope it = { "models/acme/m", SRV_SCOPE_READ | SRV_SCOPE_WRITE };
    static const srv_scope another = { "models/acme/other", SRV_SCOPE_READ | SRV_SCOPE_WRITE };
    const srv_identity *who[8];
    srv_repo_settings settings = { 0 };
    const srv_repo *repo;
    srv_access access;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    add_account(&u, "acme", true);
    add_account(&u, "alice", false);
    add_account(&u, "rita", false);
    add_account(&u, "wim", false);
    add_account(&u, "eve", false);
    srv_ok(&u, srv_member_add(u.store, "acme", "rita", SRV_ORG_READ, &u.err));
    srv_ok(&u, srv_member_add(u.store, "acme", "wim", SRV_ORG_WRITE, &u.err));
    who[0] = NULL;
    who[1] = identity(&u, "eve", SRV_ROLE_WRITE, NULL, 0);
    who[2] = identity(&u, "acme", SRV_ROLE_WRITE, NULL, 0);
    who[3] = identity(&u, "acme", SRV_ROLE_READ, NULL, 0);
    who[4] = identity(&u, "rita", SRV_ROLE_WRITE, NULL, 0);
    who[5] = identity(&u, "wim", SRV_ROLE_WRITE, NULL, 0);
    who[6] = identity(&u, "wim", SRV_ROLE_FINE_GRAINED, &it, 1);
    who[7] = identity(&u, "wim", SRV_ROLE_FINE_GRAINED, &another, 1);
    repo = srv_unit_repo(&u, "acme/m");
    check_rows(&u, repo, who, public_rows, 8);
    settings.set = SRV_SET_PRIVATE;
    settings.is_private = true;
    srv_ok(&u, srv_repo_set(u.store, repo, &settings, &u.err));
    srv_ok(&u, srv_repo_find(u.store, SRV_MODEL, HF__STR("acme/m"), u.arena, &repo, NULL, &u.err));
    check_rows(&u, repo, who, private_rows, 8);
    settings.set = SRV_SET_PRIVATE | SRV_SET_GATED;
    settings.is_private = false;
    settings.gated = SRV_GATED_MANUAL;
    srv_ok(&u, srv_repo_set(u.store, repo, &settings, &u.err));
    srv_ok(&u, srv_repo_find(u.store, SRV_MODEL, HF__STR("acme/m"), u.arena, &repo, NULL, &u.err));
    check_rows(&u, repo, who, gated_rows, 8);
    srv_ok(&u, srv_repo_grant(u.store, repo, "eve", SRV_GRANT_PENDING, &u.err));
    srv_ok(&u, srv_access_decide(u.store, repo, who[1], SRV_WANT_CONTENT, &access, &u.err));
    assert_int_equal(access, SRV_GATED);
    srv_ok(&u, srv_repo_grant(u.store, repo, "eve", SRV_GRANT_ACCEPTED, &u.err));
    srv_ok(&u, srv_access_decide(u.store, repo, who[1], SRV_WANT_CONTENT, &access, &u.err));
    assert_int_equal(access, SRV_ALLOWED);
    settings.set = SRV_SET_DISABLED | SRV_SET_GATED;
    settings.gated = SRV_GATED_NO;
    settings.disabled = true;
    srv_ok(&u, srv_repo_set(u.store, repo, &settings, &u.err));
    srv_ok(&u, srv_repo_find(u.store, SRV_MODEL, HF__STR("acme/m"), u.arena, &repo, NULL, &u.err));
    check_rows(&u, repo, who, disabled_rows, 8);
    assert_int_equal(srv_access_create(who[1], HF__STR("acme")), SRV_FORBIDDEN);
    assert_int_equal(srv_access_create(who[5], HF__STR("ACME")), SRV_ALLOWED);
    assert_int_equal(srv_access_create(who[3], HF__STR("acme")), SRV_FORBIDDEN);
    assert_int_equal(srv_access_create(NULL, HF__STR("acme")), SRV_ANONYMOUS);
    srv_unit_end(&u);
}

void test_srv_account__listing_hides_private(void **state)
{
    static const char *const secret[] = { "SECR" };
    srv_repo_query query = { 0 };
    srv_repo_spec spec = { 0 };
    const srv_repo *list;
    const srv_repo *repo;
    srv_unit u;
    size_t n;

    (void)state;
    srv_unit_begin(&u);
    add_account(&u, "acme", false);
    add_account(&u, "eve", false);
    (void)srv_unit_repo(&u, "acme/a");
    spec.id = "acme/secret";
    spec.is_private = true;
    srv_ok(&u, srv_repo_create(u.store, &spec, u.arena, &repo, &u.err));
    (void)srv_unit_repo(&u, "acme/b");
    query.viewer = identity(&u, "eve", SRV_ROLE_WRITE, NULL, 0);
    srv_ok(&u, srv_repo_list(u.store, &query, u.arena, &list, &n, &u.err));
    assert_int_equal(n, 2);
    query.viewer = identity(&u, "acme", SRV_ROLE_READ, NULL, 0);
    srv_ok(&u, srv_repo_list(u.store, &query, u.arena, &list, &n, &u.err));
    assert_int_equal(n, 3);
    assert_string_equal(list[0].full_name, "acme/b");
    /* a page at a time */
    query.limit = 2;
    query.after = srv_repo_cursor(&list[0], query.sort, u.arena);
    srv_ok(&u, srv_repo_list(u.store, &query, u.arena, &list, &n, &u.err));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].full_name, "acme/secret");
    query.searches = (srv_texts){ secret, 1 };
    query.after = NULL;
    srv_ok(&u, srv_repo_list(u.store, &query, u.arena, &list, &n, &u.err));
    assert_int_equal(n, 1);
    srv_unit_end(&u);
}

static srv_grant grant_of(srv_unit *u, const srv_repo *repo)
{
    srv_grant grant = SRV_GRANT_NONE;

    srv_ok(u, srv_request_find(u->store, repo, "bob", &grant, &u->err));
    return grant;
}

/* Whatever the caller saw before, who was decided on stays so. */
void test_srv_account__who_asks_undoes_no_decision(void **state)
{
    const srv_repo *repo;
    srv_unit u;

    (void)state;
    srv_unit_begin(&u);
    add_account(&u, "bob", false);
    repo = srv_unit_repo(&u, "alice/m");
    assert_int_equal(srv_request_cancel(u.store, repo, "bob", &u.err), HF_ERR_ENTRY_NOT_FOUND);
    srv_ok(&u, srv_request_make(u.store, repo, "bob", SRV_GRANT_PENDING, &u.err));
    assert_int_equal(grant_of(&u, repo), SRV_GRANT_PENDING);
    srv_ok(&u, srv_request_cancel(u.store, repo, "bob", &u.err));
    assert_int_equal(grant_of(&u, repo), SRV_GRANT_NONE);
    srv_ok(&u, srv_repo_grant(u.store, repo, "bob", SRV_GRANT_REJECTED, &u.err));
    assert_int_equal(srv_request_cancel(u.store, repo, "bob", &u.err), HF_ERR_ENTRY_NOT_FOUND);
    srv_ok(&u, srv_request_make(u.store, repo, "bob", SRV_GRANT_ACCEPTED, &u.err));
    assert_int_equal(grant_of(&u, repo), SRV_GRANT_REJECTED);
    srv_unit_end(&u);
}
