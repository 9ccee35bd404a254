# SPDX-License-Identifier: Apache-2.0
"""Likes, users, organizations and history on hf-serve: what one client does, the other sees."""

import json

import pytest
from served import Served
from support import HF, Python, clean_env, ok, run


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("people"))
    server.tokens = {name: server.command("user", "add", name, "--fullname", name.title()).strip().splitlines()[-1]
                     for name in ("alice", "bob")}
    server.command("user", "add", "acme", "--org")
    server.command("org", "join", "acme", "alice", "--role", "admin")
    server.command("org", "join", "acme", "bob", "--role", "read")
    for i in range(3):
        server.add("alice/m", {"a.txt": b"%d\n" % i})
    server.add("alice/d", {"a.txt": b"a\n"}, "--type", "dataset")
    with server:
        yield server


@pytest.fixture(scope="module")
def python(hub, tmp_path_factory):
    client = Python(clean_env(tmp_path_factory.mktemp("python"), HF_ENDPOINT=hub.url))
    yield client
    client.close()


@pytest.fixture
def api(hub, python):
    def call(code, who="alice", **args):
        return python(f"from huggingface_hub import HfApi\napi = HfApi(token=token)\nresult = {code}",
                      token=hub.tokens[who], **args)

    return call


@pytest.fixture
def hf(hub, home):
    def call(*words, who="alice"):
        return run([HF, *words], clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=hub.tokens[who], NO_COLOR="1"))

    return call


def rows(result):
    return json.loads(ok(result).out)


def test_likes(api, hf):
    assert ok(hf("repos", "like", "alice/m", "-q", who="bob")).out == "alice/m\n"
    ok(hf("repos", "like", "alice/m", who="bob"))  # twice is once
    ok(hf("repos", "like", "datasets/alice/d", who="bob"))
    assert api("api.model_info('alice/m').likes") == 1
    assert api("[u.username for u in api.list_repo_likers('alice/m')]") == ["bob"]
    assert api("(lambda l: [l.total, l.models, l.datasets])(api.list_liked_repos('bob'))") == [2, ["alice/m"], ["alice/d"]]
    assert ok(hf("repos", "likers", "alice/m", "-q")).out == "bob\n"
    assert [r["fullname"] for r in rows(hf("repos", "likers", "alice/m", "--json"))] == ["Bob"]
    assert sorted((r["id"], r["type"]) for r in rows(hf("users", "likes", "bob", "--json"))) == [
        ("alice/d", "dataset"), ("alice/m", "model")]
    assert len(rows(hf("users", "likes", "bob", "--json", "--limit", "1"))) == 1
    api("api.unlike('alice/m')", who="bob")
    assert ok(hf("repos", "likers", "alice/m")).out == "No results found.\n"
    ok(hf("repos", "unlike", "alice/d", "--type", "dataset", who="bob"))
    assert api("api.list_liked_repos('bob').total") == 0
    gone = hf("repos", "like", "alice/none")
    assert gone.code == 1 and "Model 'alice/none' not found." in gone.err and "Request ID" in gone.err


def test_users_and_organizations(api, hf):
    as_dict = "{k: v for k, v in __import__('dataclasses').asdict(x).items() if v not in (None, [])}"
    for words, call in ((["users", "info", "alice"], "api.get_user_overview('alice')"),
                        (["orgs", "info", "acme"], "api.get_organization_overview('acme')")):
        mine, theirs = rows(hf(*words, "--json")), api(f"(lambda x: {as_dict})({call})")
        assert mine and {k: mine.get(k) for k in theirs if k != "orgs"} == {k: v for k, v in theirs.items() if k != "orgs"}
    assert [o["name"] for o in rows(hf("users", "info", "alice", "--json"))["orgs"]] == ["acme"]
    assert sorted(ok(hf("orgs", "members", "acme", "-q")).out.split()) == sorted(
        api("[u.username for u in api.list_organization_members('acme')]")) == ["alice", "bob"]
    for words in (["users", "followers", "alice"], ["users", "following", "alice"], ["orgs", "followers", "acme"]):
        assert rows(hf(*words, "--json")) == []
    for words in (["users", "info", "nobody"], ["users", "info", "acme"], ["orgs", "info", "alice"],
                  ["users", "likes", "nobody"], ["orgs", "members", "nobody"]):
        no = hf(*words)
        assert no.code == 1 and "does not exist" in no.err and "Request ID" in no.err and len(no.err.splitlines()) == 1


def test_commits_and_squash(hub, api, hf):
    log = api("[[c.commit_id, c.title, c.authors, c.message] for c in api.list_repo_commits('alice/m')]")
    assert len(log) == 4
    mine = rows(hf("repos", "commits", "alice/m", "--json"))
    assert [[r["commit_id"], r["title"], r["authors"], r["message"]] for r in mine] == log
    assert [r["created_at"] for r in mine] == api("[c.created_at.isoformat() for c in api.list_repo_commits('alice/m')]")
    assert ok(hf("repos", "commits", "alice/m", "--revision", log[1][0], "-q")).out.split() == [c[0] for c in log[1:]]
    assert len(rows(hf("repos", "commits", "alice/m", "--limit", "2", "--json"))) == 2
    unasked = hf("repos", "squash", "alice/m", "-q")
    assert unasked.code == 1 and "Use --yes" in unasked.err
    assert len(api("[c.title for c in api.list_repo_commits('alice/m')]")) == 4
    tree = api("sorted([f.path, f.blob_id] for f in api.list_repo_tree('alice/m'))")
    ok(hf("repos", "squash", "alice/m", "-m", "one", "--yes"))
    assert api("[c.title for c in api.list_repo_commits('alice/m')]") == ["one"]
    assert api("sorted([f.path, f.blob_id] for f in api.list_repo_tree('alice/m'))") == tree
    none = hf("repos", "squash", "alice/m", "--branch", "none", "-y")
    assert none.code == 1 and "Revision 'none' not found" in none.err
    stranger = hf("repos", "squash", "alice/m", "-y", who="bob")
    assert stranger.code == 1 and "forbidden" in stranger.err


def test_a_comment_is_hidden(api, hf):
    num = api("api.create_discussion('alice/m', 'why', description='first').num")
    comment = api("api.get_discussion_details('alice/m', num).events[0].id", num=num)
    unasked = hf("discussions", "hide", "alice/m", str(num), comment, "-q")
    assert unasked.code == 1 and "Use --yes" in unasked.err
    stranger = hf("discussions", "hide", "alice/m", str(num), comment, "--yes", who="bob")
    assert stranger.code == 1 and "Request ID" in stranger.err
    done = rows(hf("discussions", "hide", "alice/m", str(num), comment, "--yes", "--json"))
    assert done == {"num": num, "repo": "alice/m", "comment_id": comment}
    assert api("[[e.hidden, e.content] for e in api.get_discussion_details('alice/m', num).events]", num=num) == [[True, ""]]
