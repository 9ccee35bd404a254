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
