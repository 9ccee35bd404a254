/* SPDX-License-Identifier: Apache-2.0 */
#include "srv_unit.h"

#include "store/social.h"

static const srv_repo *begin(srv_unit *u)
{
    srv_account_spec spec = { .name = "alice" };

    srv_unit_begin(u);
    srv_ok(u, srv_account_add(u->store, &spec, &u->err));
    return srv_unit_repo(u, "alice/m");
}

static uint64_t add(srv_unit *u, const srv_repo *repo, const char *title, bool is_pr)
{
    srv_talk talk = { .title = title, .is_pr = is_pr, .author = "alice" };
    uint64_t num = 0;

    srv_ok(u, srv_talk_new(u->store, repo, &talk, "text", &num, &u->err));
    return num;
}

static srv_talk find(srv_unit *u, const srv_repo *repo, uint64_t num)
{
    srv_talk talk;

    srv_ok(u, srv_talk_find(u->store, repo, num, u->arena, &talk, &u->err));
    return talk;
}

static hf_status set(srv_unit *u, const srv_talk *talk, srv_talk_status status, const char *remark)
{
    const char *merged = status == SRV_TALK_MERGED ? "0123" : NULL;
    srv_event event;

    return srv_talk_set_status(u->store, talk, "alice", status, merged, remark, u->arena, &event,
                               &u->err);
}

/* What others did since the caller read the discussion stays. */
void test_srv_talk__a_change_writes_what_it_is_about(void **state)
{
    const srv_event *events = NULL;
    const srv_repo *repo;
    srv_talk talk, old;
    srv_event event;
    size_t n = 0;
    srv_unit u;

    (void)state;
    repo = begin(&u);
    old = find(&u, repo, add(&u, repo, "one", true));
    srv_ok(&u, set(&u, &old, SRV_TALK_MERGED, "thanks"));
    srv_ok(&u, srv_talk_rename(u.store, &old, "alice", "two", u.arena, &event, &u.err));
    srv_ok(&u, srv_talk_rename(u.store, &old, "alice", "three", u.arena, &event, &u.err));
    assert_string_equal(event.one, "two");
    assert_int_equal(set(&u, &old, SRV_TALK_CLOSED, "no"), HF_ERR_INVALID_ARG);
    assert_int_equal(set(&u, &old, SRV_TALK_OPEN, NULL), HF_ERR_INVALID_ARG);
    talk = find(&u, repo, old.num);
    assert_int_equal(talk.status, SRV_TALK_MERGED);
    assert_string_equal(talk.merged, "0123");
    assert_string_equal(talk.title, "three");
    /* the comment of a change that was refused is not there */
    srv_ok(&u, srv_talk_events(u.store, &talk, u.arena, &events, &n, &u.err));
    assert_int_equal(n, 5);

    old = find(&u, repo, add(&u, repo, "a", false));
    srv_ok(&u, srv_talk_rename(u.store, &old, "alice", "b", u.arena, &event, &u.err));
    srv_ok(&u, set(&u, &old, SRV_TALK_CLOSED, NULL));
    talk = find(&u, repo, old.num);
    assert_string_equal(talk.title, "b");
    assert_int_equal(talk.status, SRV_TALK_CLOSED);
    srv_unit_end(&u);
}

void test_srv_talk__events_fit_an_answer(void **state)
{
    static char text[3 * 1024 * 1024];
    const srv_event *events = NULL;
    const srv_repo *repo;
    srv_event event;
    srv_talk talk;
    size_t n = 0;
    srv_unit u;

    (void)state;
    repo = begin(&u);
    memset(text, 'x', sizeof text - 1);
    talk = find(&u, repo, add(&u, repo, "long", false));
    for (int i = 0; i < 4; i++)
        srv_ok(&u, srv_talk_comment(u.store, &talk, "alice", text, u.arena, &event, &u.err));
    srv_ok(&u, srv_talk_events(u.store, &talk, u.arena, &events, &n, &u.err));
    assert_int_equal(n, 3);
    assert_string_equal(events[0].one, "text");
    srv_unit_end(&u);
}

/* As a process leaves it that is killed between the number and the ref. */
void test_srv_talk__a_pull_request_without_its_ref_is_swept(void **state)
{
    char commit[SRV_OID_HEX + 1];
    const srv_repo *repo;
    uint64_t ghost, kept, closed, plain;
    srv_talk talk;
    srv_git *git;
    srv_unit u;

    (void)state;
    repo = begin(&u);
    plain = add(&u, repo, "a discussion", false);
    ghost = add(&u, repo, "a ghost", true);
    kept = add(&u, repo, "a pull request", true);
    closed = add(&u, repo, "a pull request that was closed", true);
    talk = find(&u, repo, closed);
    srv_ok(&u, set(&u, &talk, SRV_TALK_CLOSED, NULL));
    srv_ok(&u, srv_git_open(u.store, repo, &git, &u.err));
    srv_ok(&u, srv_git_resolve(git, HF__STR("main"), commit, &u.err));
    srv_ok(&u, srv_git_ref_make(git, "refs/pr/3", commit, false, &u.err));
    assert_int_equal(kept, 3);
    srv_git_close(git);
    srv_unit_reopen(&u);
    assert_int_equal(srv_talk_find(u.store, repo, ghost, u.arena, &talk, &u.err),
                     HF_ERR_ENTRY_NOT_FOUND);
    (void)find(&u, repo, plain);
    (void)find(&u, repo, kept);
    (void)find(&u, repo, closed);
    srv_unit_end(&u);
}
