# SPDX-License-Identifier: Apache-2.0
"""Discussions, collections, webhooks and access on hf-serve: our command does each, and the official client sees it. (What
that one does ours sees in test_forms.py.)"""

import json
import urllib.request

import pytest
from served import Served
from support import HF, Python, clean_env, ok, run


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("around"))
    server.tokens = {name: server.command("user", "add", name).strip().splitlines()[-1] for name in ("alice", "bob", "carol")}
    server.add("alice/m", {"a.txt": b"one\n"})
    server.add("alice/g", {"a.txt": b"secret\n"})
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
    """Words of the command, each one argument; the value it prints alone."""

    def call(*words, who="alice", code=0):
        env = clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=hub.tokens[who], NO_COLOR="1")
        result = run([HF, *words, "-q"], env)
        assert result.code == code, result
        return result.out.strip() if code == 0 else result.err

    return call


def talk(api, num):
    return api("(lambda d: [d.title, d.status, d.is_pull_request, d.author, [[e.content, e.edited] for e in d.events"
               " if e.type == 'comment']])(api.get_discussion_details('alice/m', num))", num=num)


def test_discussions(hub, api, hf, tmp_path):
    (tmp_path / "body").write_text("from a file ü\n")
    num = int(hf("discussions", "create", "alice/m", "--title", "why", "--body-file", str(tmp_path / "body"), who="bob"))
    assert talk(api, num) == ["why", "open", False, "bob", [["from a file ü\n", False]]]
    hf("discussions", "comment", "alice/m", str(num), "--body", "so")
    comment = api("api.get_discussion_details('alice/m', num).events[-1].id", num=num)
    hf("discussions", "edit", "alice/m", str(num), comment, "--body", "therefore")
    hf("discussions", "rename", "alice/m", str(num), "why not")
    hf("discussions", "close", "alice/m", str(num), "--comment", "done", "-y")
    assert talk(api, num) == ["why not", "closed", False, "bob",
                              [["from a file ü\n", False], ["therefore", True], ["done", False]]]
    hf("discussions", "reopen", "alice/m", str(num), "-y")
    assert talk(api, num)[1] == "open"
    assert "Request ID" in hf("discussions", "close", "alice/m", str(num), "-y", who="carol", code=1)
    pr = int(api("api.create_commit('alice/m', [__import__('huggingface_hub').CommitOperationAdd('b.txt', b'b')],"
                 " commit_message='add b', create_pr=True).pr_num", who="bob"))
    hf("discussions", "merge", "alice/m", str(pr), "--comment", "thanks", "-y")
    assert talk(api, pr)[1:3] == ["merged", True] and api("api.file_exists('alice/m', 'b.txt')")
    made = int(hf("discussions", "create", "alice/m", "--title", "draft", "--pr"))
    assert talk(api, made)[1:3] == ["draft", True]
    assert "Use --yes" in hf("discussions", "close", "alice/m", str(made), code=1)


SHELF = ("(lambda c: [c.title, c.description, c.private, c.theme, [[i.item_id, i.item_type, i.note] for i in c.items]])"
         "(api.get_collection(slug))")


def test_collections(api, hf):
    slug = hf("collections", "create", "Good ones", "--description", "d", "--private")
    assert api(SHELF, slug=slug) == ["Good ones", "d", True, "orange", []]
    assert hf("collections", "create", "Good ones", "--exists-ok") == slug
    hf("collections", "create", "Good ones", code=1)
    hf("collections", "update", slug, "--title", "Better ones", "--theme", "green", "--no-private")
    hf("collections", "add-item", slug, "alice/m", "model", "--note", "first")
    hf("collections", "add-item", slug, "alice/g", "model")
    hf("collections", "add-item", slug, "alice/m", "model", code=1)
    hf("collections", "add-item", slug, "alice/m", "model", "--exists-ok")
    assert api(SHELF, slug=slug)[:4] == ["Better ones", "d", False, "green"]
    assert api(SHELF, slug=slug)[4] == [["alice/m", "model", "first"], ["alice/g", "model", None]]
    ids = api("[i.item_object_id for i in api.get_collection(slug).items]", slug=slug)
    hf("collections", "update-item", slug, ids[1], "--note", "second", "--position", "0")
    assert api(SHELF, slug=slug)[4] == [["alice/g", "model", "second"], ["alice/m", "model", "first"]]
    hf("collections", "delete-item", slug, ids[0])
    hf("collections", "delete-item", slug, ids[0], code=1)
    hf("collections", "delete-item", slug, ids[0], "--missing-ok")
    assert api(SHELF, slug=slug)[4] == [["alice/g", "model", "second"]]
    hf("collections", "delete", slug)
    assert api("[c.slug for c in api.list_collections(owner='alice')]") == []
    assert "Request ID" in hf("collections", "delete", slug, code=1)
    hf("collections", "delete", slug, "--missing-ok")


HOOK = "(lambda h: [h.url, [[w.type, w.name] for w in h.watched], h.domains, h.secret, h.disabled])(api.get_webhook(id))"


def test_webhooks(api, hf):
    made = hf("webhooks", "create", "--url", "https://example.com/x", "--watch", "model:alice/m", "--watch", "user:bob",
              "--domain", "repo", "--secret", "s")
    assert api(HOOK, id=made) == ["https://example.com/x", [["model", "alice/m"], ["user", "bob"]], ["repo"], "s", False]
    hf("webhooks", "update", made, "--url", "https://example.com/y", "--watch", "dataset:alice/d")
    assert api(HOOK, id=made)[:2] == ["https://example.com/y", [["dataset", "alice/d"]]]
    hf("webhooks", "disable", made)
    assert api(HOOK, id=made)[4] is True
    hf("webhooks", "enable", made)
    assert api(HOOK, id=made)[4] is False
    hf("webhooks", "delete", made, "-y")
    assert api("api.list_webhooks()") == []
    assert "Request ID" in hf("webhooks", "info", made, code=1)


def requests(api, status):
    return sorted(api(f"[r.username for r in api.list_{status}_access_requests('alice/g')]"))


def test_access(hub, api, hf):
    hf("repos", "settings", "alice/g", "--gated", "manual")
    for who in ("bob", "carol"):
        urllib.request.urlopen(urllib.request.Request(
            hub.url + "/alice/g/ask-access", b"", {"Authorization": f"Bearer {hub.tokens[who]}"}), timeout=30).close()
    assert sorted(hf("repos", "access", "list", "alice/g").split()) == requests(api, "pending") == ["bob", "carol"]
    hf("repos", "access", "accept", "alice/g", "bob")
    hf("repos", "access", "reject", "alice/g", "carol", "--reason", "no")
    assert [requests(api, s) for s in ("pending", "accepted", "rejected")] == [[], ["bob"], ["carol"]]
    assert hf("repos", "access", "list", "alice/g", "--status", "rejected") == "carol"
    hf("repos", "access", "cancel", "alice/g", "bob")
    assert requests(api, "pending") == ["bob"]
    hf("repos", "access", "grant", "alice/g", "bob")
    assert requests(api, "accepted") == ["bob"]
    assert "Request ID" in hf("repos", "access", "grant", "alice/g", "nobody", code=1)
    assert "Request ID" in hf("repos", "access", "list", "alice/g", who="bob", code=1)


def test_any_endpoint(api, hf, hub, home):
    """What has no word of its own goes by `hf api`, with token, paging and errors."""
    env = clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=hub.tokens["alice"])
    done = ok(run([HF, "api", "POST", "/api/validate-yaml", "--data", json.dumps({"repoType": "model", "content": "---\na: 1\n---\n"})],
                  env))
    assert json.loads(done.out)["errors"] == []
    refused = run([HF, "api", "GET", "/api/models/alice/none"], env)
    assert refused.code == 1 and "Request ID" in refused.err
