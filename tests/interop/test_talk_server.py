# SPDX-License-Identifier: Apache-2.0
"""Discussions, pull requests, likes, requests for gated repos and accounts: the official client against hf-serve."""

import pytest
from served import Served
from support import CallFailed, Python, clean_env

API = "from huggingface_hub import HfApi\napi = HfApi(token=token)\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("talk"))
    served.tokens = {name: served.command("user", "add", name, "--fullname", name.title()).strip()
                     for name in ("alice", "bob", "carol")}
    served.tokens["reader"] = served.command("token", "add", "bob", "--name", "r", "--role", "read").strip()
    served.command("user", "add", "acme", "--org")
    served.command("org", "join", "acme", "alice", "--role", "admin")
    served.add("alice/m", {"README.md": b"# m\n", "a.txt": b"one\ntwo\n"})
    with served:
        yield served


@pytest.fixture(scope="module")
def client(hub, tmp_path_factory):
    python = Python(clean_env(tmp_path_factory.mktemp("python"), HF_ENDPOINT=hub.url, HF_HUB_DISABLE_XET="1"))
    yield python
    python.close()


@pytest.fixture
def api(hub, client):
    def call(code, who="alice", **args):
        return client(API + code, token=hub.tokens[who] if who else False, **args)

    return call


def refused(call, error, *args, **kw):
    with pytest.raises(CallFailed) as info:
        call(*args, **kw)
    assert info.value.name == error, info.value
    return info.value.text


DETAILS = ("d = api.get_discussion_details('alice/m', num)\n"
           "result = {'title': d.title, 'status': d.status, 'pr': d.is_pull_request, 'author': d.author,"
           " 'events': [[e.type, e.author] for e in d.events], 'texts': [e.content for e in d.events"
           " if e.type == 'comment'], 'diff': d.diff, 'conflicts': d.conflicting_files, 'base': d.target_branch,"
           " 'merged': d.merge_commit_oid, 'ids': [e.id for e in d.events]}")


def test_a_discussion(api):
    num = api("result = api.create_discussion('alice/m', 'why', description='say <b> & \u00fc').num", who="bob")
    d = api(DETAILS, who=None, num=num)
    assert (d["title"], d["status"], d["pr"], d["author"]) == ("why", "open", False, "bob")
    assert d["texts"] == ["say <b> & \u00fc"]
    assert api("c = api.comment_discussion('alice/m', num, 'because')\nresult = [c.content, c.author, c.edited]",
               who="carol", num=num) == ["because", "carol", False]
    comment = api(DETAILS, num=num)["ids"][-1]
    edit = "c = api.edit_discussion_comment('alice/m', num, cid, 'therefore')\nresult = [c.content, c.edited]"
    refused(api, "HfHubHTTPError", edit, who="bob", num=num, cid=comment)
    assert api(edit, who="carol", num=num, cid=comment) == ["therefore", True]
    rename = "c = api.rename_discussion('alice/m', num, 'why not')\nresult = [c.old_title, c.new_title]"
    refused(api, "HfHubHTTPError", rename, who="carol", num=num)
    assert api(rename, who="bob", num=num) == ["why", "why not"]
    close = "c = api.change_discussion_status('alice/m', num, 'closed', comment='done')\nresult = c.new_status"
    refused(api, "HfHubHTTPError", close, who="carol", num=num)
    assert api(close, num=num) == "closed"
    refused(api, "BadRequestError", close, num=num)
    hide = "c = api.hide_discussion_comment('alice/m', num, cid)\nresult = [c.hidden, c.content]"
    refused(api, "HfHubHTTPError", hide, who="reader", num=num, cid=comment)
    assert api(hide, num=num, cid=comment) == [True, ""]
    refused(api, "BadRequestError", hide, num=num, cid=comment)
    d = api(DETAILS, num=num)
    assert (d["title"], d["status"], d["texts"]) == ("why not", "closed", ["say <b> & \u00fc", "", "done"])
    assert [e[0] for e in d["events"]] == ["comment", "comment", "title-change", "comment", "status-change"]


def test_who_may_speak(api):
    create = "result = api.create_discussion('alice/m', 'x').num"
    refused(api, "HfHubHTTPError", create, who="reader")
    refused(api, "RepositoryNotFoundError", create.replace("alice/m", "alice/none"), who="bob")
    refused(api, "HfHubHTTPError", DETAILS, num=9999)
    with pytest.raises(CallFailed):
        api(create, who=None)


def test_lists(api):
    def found(who="alice", **kw):
        return api("result = [d.num for d in api.get_repo_discussions('alice/long', **kw)]", who=who, kw=kw)

    api("api.create_repo('alice/long')\nfor i in range(55): api.create_discussion('alice/long', f't{i}')\n"
        "api.change_discussion_status('alice/long', 3, 'closed')\nresult = 1")
    pr = api("result = api.create_pull_request('alice/long', 'pr').num", who="bob")
    assert found() == list(range(pr, 0, -1)) and pr == 56
    assert found(discussion_type="pull_request") == [56]
    assert found(discussion_status="closed") == [3]
    assert found(author="bob") == [56]
    assert found(author="nobody") == []
    assert len(found(discussion_status="open", discussion_type="discussion")) == 54


COMMIT = ("from huggingface_hub import CommitOperationAdd as Add\n"
          "c = api.create_commit('alice/m', [Add(path, text.encode())], commit_message=title, **kw)\n"
          "result = [c.oid, c.pr_num]")


def test_a_pull_request(hub, api):
    before = hub.commit("alice/m")
    oid, num = api(COMMIT, who="bob", path="b.txt", text="new\n", title="add b", kw={"create_pr": True})
    num = int(num)
    d = api(DETAILS, num=num)
    assert (d["title"], d["status"], d["pr"], d["base"], d["conflicts"]) == ("add b", "open", True, "refs/heads/main", [])
    assert d["events"] == [["comment", "bob"], ["commit", "bob"]]
    assert "+++ b/b.txt" in d["diff"] and "+new" in d["diff"]
    assert hub.commit("alice/m", revision=f"refs/pr/{num}") == oid
    merge = "api.merge_pull_request('alice/m', num, comment='thanks')\nresult = 1"
    refused(api, "HfHubHTTPError", merge, who="bob", num=num)
    api(merge, num=num)
    d = api(DETAILS, num=num)
    after = hub.commit("alice/m")
    assert (d["status"], d["merged"], d["texts"]) == ("merged", after, ["", "thanks"])
    log = api("result = [c.title for c in api.list_repo_commits('alice/m')]")
    assert log[0] == f"add b (#{num})" and after != before
    assert api("result = api.file_exists('alice/m', 'b.txt')")
    refused(api, "BadRequestError", merge, num=num)
    refused(api, "BadRequestError", "api.change_discussion_status('alice/m', num, 'closed')\nresult = 1", num=num)


def test_a_draft_is_offered_then_merged(hub, api):
    num = api("result = api.create_pull_request('alice/m', 'later').num", who="bob")
    assert api(DETAILS, num=num)["status"] == "draft"
    refused(api, "BadRequestError", "api.merge_pull_request('alice/m', num)\nresult = 1", num=num)
    api("api.change_discussion_status('alice/m', num, 'open')\nresult = 1", who="bob", num=num)
    refused(api, "BadRequestError", "api.merge_pull_request('alice/m', num)\nresult = 1", num=num)  # it is empty


def test_conflicts(hub, api):
    _, num = api(COMMIT, who="bob", path="a.txt", text="bob\ntwo\n", title="mine", kw={"create_pr": True})
    num = int(num)
    api(COMMIT, path="a.txt", text="alice\ntwo\n", title="hers", kw={})
    main = hub.commit("alice/m")
    assert api(DETAILS, num=num)["conflicts"] == ["a.txt"]
    text = refused(api, "HfHubHTTPError", "api.merge_pull_request('alice/m', num)\nresult = 1", num=num)
    assert "409" in text and "same lines" in text
    assert hub.commit("alice/m") == main and api(DETAILS, num=num)["status"] == "open"


def test_what_was_merged_while_a_body_came_stays_merged(hub, api):
    _, num = api(COMMIT, who="bob", path="late.txt", text="x", title="late", kw={"create_pr": True})
    path = f"/api/models/alice/m/discussions/{num}"
    title = hub.begin("POST", path + "/title", {"title": "later"}, hub.tokens["alice"])
    close = hub.begin("POST", path + "/status", {"status": "closed", "comment": "no"}, hub.tokens["alice"])
    merge = hub.begin("POST", path + "/merge", {}, hub.tokens["alice"])
    api("api.merge_pull_request('alice/m', num)\nresult = 1", num=int(num))
    after = hub.commit("alice/m")
    assert (title(), close(), merge()) == (200, 400, 400)
    d = api(DETAILS, num=int(num))
    assert (d["title"], d["status"], d["merged"], d["texts"]) == ("later", "merged", after, [""])
    assert hub.commit("alice/m") == after


def test_a_merge_that_is_refused_merges_nothing(hub, api):
    _, num = api(COMMIT, who="bob", path="never.txt", text="x", title="never", kw={"create_pr": True})
    before = hub.commit("alice/m")
    refused(api, "BadRequestError", "api.merge_pull_request('alice/m', num, comment='x' * 70000)\nresult = 1", num=int(num))
    assert hub.commit("alice/m") == before and api(DETAILS, num=int(num))["status"] == "open"


def test_numbers_are_one_row(api):
    a = api("result = api.create_discussion('alice/m', 'a').num")
    b = int(api(COMMIT, who="bob", path="c.txt", text="c", title="c", kw={"create_pr": True})[1])
    c = api("result = api.create_pull_request('alice/m', 'c').num")
    assert (b, c) == (a + 1, a + 2)


# ---- likes and accounts


def test_likes(hub, api):
    like = ("from huggingface_hub.utils import get_session, hf_raise_for_status\n"
            "hf_raise_for_status(get_session().post(url, headers=api._build_hf_headers()))\nresult = 1")
    url = hub.url + "/api/models/alice/m/like"
    refused(api, "HfHubHTTPError", like, who="reader", url=url)
    for who in ("bob", "bob", "carol"):
        api(like, who=who, url=url)
    assert api("result = api.model_info('alice/m').likes") == 2
    assert sorted(api("result = [u.username for u in api.list_repo_likers('alice/m')]")) == ["bob", "carol"]
    assert api("l = api.list_liked_repos('bob')\nresult = [l.total, l.models, l.datasets]", who=None) == [1, ["alice/m"], []]
    assert api("result = [m.id for m in api.list_models(sort='likes', limit=1)]") == ["alice/m"]
    api("api.unlike('alice/m')\nresult = 1", who="bob")
    assert api("result = api.list_liked_repos().total", who="bob") == 0
    assert api("result = api.model_info('alice/m').likes") == 1


def test_accounts(api):
    user = api("u = api.get_user_overview('alice')\nresult = [u.username, u.fullname, u.num_models, u.num_datasets,"
               " [o.name for o in u.orgs]]", who=None)
    assert user == ["alice", "Alice", 2, 0, ["acme"]]
    org = api("o = api.get_organization_overview('acme')\nresult = [o.name, o.num_users, o.num_models]")
    assert org == ["acme", 1, 0]
    assert api("result = [u.username for u in api.list_organization_members('acme')]") == ["alice"]
    for call in ("get_user_overview('nobody')", "get_user_overview('acme')", "get_organization_overview('alice')"):
        assert "404" in refused(api, "HfHubHTTPError", f"api.{call}\nresult = 1")


# ---- gated repos


def requests(api, status, repo="alice/gated"):
    return api(f"result = [[r.username, r.fullname, r.status] for r in api.list_{status}_access_requests('{repo}')]")


def ask(hub, api, who, repo="alice/gated"):
    api("from huggingface_hub.utils import get_session, hf_raise_for_status\n"
        "hf_raise_for_status(get_session().post(url, headers=api._build_hf_headers()))\nresult = 1", who=who,
        url=f"{hub.url}/{repo}/ask-access")


def test_requests_for_a_gated_repo(hub, api):
    hub.add("alice/gated", {"a.txt": b"secret\n"})
    read = ("import pathlib, tempfile\nwith tempfile.TemporaryDirectory() as d:\n"
            "    result = pathlib.Path(api.hf_hub_download('alice/gated', 'a.txt', local_dir=d)).read_text()")
    refused(api, "BadRequestError", "result = list(api.list_pending_access_requests('alice/gated'))")
    api("api.update_repo_settings('alice/gated', gated='manual')\nresult = 1")
    refused(api, "GatedRepoError", read, who="bob")
    ask(hub, api, "bob")
    ask(hub, api, "bob")  # twice is once
    ask(hub, api, "carol")
    assert sorted(requests(api, "pending")) == [["bob", "Bob", "pending"], ["carol", "Carol", "pending"]]
    refused(api, "GatedRepoError", read, who="bob")
    refused(api, "HfHubHTTPError", "api.accept_access_request('alice/gated', 'bob')\nresult = 1", who="bob")
    api("api.accept_access_request('alice/gated', 'bob')\nresult = 1")
    assert api(read, who="bob") == "secret\n"
    refused(api, "BadRequestError", "api.accept_access_request('alice/gated', 'bob')\nresult = 1")
    api("api.reject_access_request('alice/gated', 'carol', rejection_reason='no')\nresult = 1")
    assert requests(api, "accepted") == [["bob", "Bob", "accepted"]]
    assert requests(api, "rejected") == [["carol", "Carol", "rejected"]]
    ask(hub, api, "carol")  # asking again undoes no refusal
    assert requests(api, "rejected") == [["carol", "Carol", "rejected"]]
    refused(api, "GatedRepoError", read, who="carol")
    api("api.cancel_access_request('alice/gated', 'bob')\nresult = 1")
    assert requests(api, "pending") == [["bob", "Bob", "pending"]]
    refused(api, "GatedRepoError", read, who="bob")
    assert "404" in refused(api, "HfHubHTTPError", "api.accept_access_request('alice/gated', 'nobody')\nresult = 1")
    assert "404" in refused(api, "HfHubHTTPError", "api.accept_access_request('alice/gated', 'alice')\nresult = 1")


def test_grant_and_auto(hub, api):
    hub.add("alice/gated2", {"a.txt": b"secret\n"}, "--type", "dataset")
    api("api.update_repo_settings('alice/gated2', gated='auto', repo_type='dataset')\nresult = 1")
    grant = "api.grant_access('alice/gated2', 'bob', repo_type='dataset')\nresult = 1"
    api(grant)
    refused(api, "BadRequestError", grant)
    ask(hub, api, "carol", "datasets/alice/gated2")
    assert sorted(api("result = [r.username for r in api.list_accepted_access_requests('alice/gated2',"
                      " repo_type='dataset')]")) == ["bob", "carol"]
