# SPDX-License-Identifier: Apache-2.0
"""Collections and webhooks: the official client against hf-serve."""

import pytest
from served import Served
from support import CallFailed, Python, clean_env

API = "from huggingface_hub import HfApi\napi = HfApi(token=token)\n"
SHOW = ("c = api.get_collection(slug)\nresult = [c.title, c.description, c.private, c.theme,"
        " [[i.item_id, i.item_type, i.position, i.note] for i in c.items]]")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("collections"))
    served.tokens = {name: served.command("user", "add", name).strip() for name in ("alice", "bob")}
    served.tokens["reader"] = served.command("token", "add", "alice", "--name", "r", "--role", "read").strip()
    served.command("user", "add", "acme", "--org")
    served.command("org", "join", "acme", "alice")
    served.add("alice/m", {"a.txt": b"a"})
    served.add("alice/d", {"a.txt": b"a"}, "--type", "dataset")
    served.add("alice/p", {"a.txt": b"a"}, "--private")
    with served:
        yield served


@pytest.fixture(scope="module")
def client(hub, tmp_path_factory):
    python = Python(clean_env(tmp_path_factory.mktemp("python"), HF_ENDPOINT=hub.url))
    yield python
    python.close()


@pytest.fixture
def api(hub, client):
    def call(code, who="alice", **args):
        return client(API + code, token=hub.tokens[who] if who else False, **args)

    return call


def refused(api, code, status, **kw):
    with pytest.raises(CallFailed) as info:
        api(code, **kw)
    assert status in info.value.text, info.value


def test_a_collection(hub, api):
    create = "result = api.create_collection(title, description='good ones', exists_ok=ok, **kw).slug"
    slug = api(create, title="Recent Models!", ok=False, kw={})
    assert slug.startswith("alice/recent-models-") and len(slug) == len("alice/recent-models-") + 24
    refused(api, create, "409", title="Recent Models!", ok=False, kw={})
    assert api(create, title="Recent Models!", ok=True, kw={}) == slug
    refused(api, create, "403", who="bob", title="x", ok=False, kw={"namespace": "acme"})
    refused(api, create, "403", who="reader", title="x", ok=False, kw={})
    assert api(create, title="x", ok=False, kw={"namespace": "acme"}).startswith("acme/x-")
    add = "c = api.add_collection_item(slug, item, type, note=note, exists_ok=ok)\nresult = len(c.items)"
    assert api(add, slug=slug, item="alice/m", type="model", note="a note", ok=False) == 1
    assert api(add, slug=slug, item="alice/d", type="dataset", note=None, ok=False) == 2
    assert api(add, slug=slug, item="1706.03762", type="paper", note=None, ok=False) == 3
    assert api(add, slug=slug, item="alice/p", type="model", note=None, ok=False) == 4
    refused(api, add, "409", slug=slug, item="alice/m", type="model", note=None, ok=False)
    assert api(add, slug=slug, item="alice/m", type="model", note=None, ok=True) == 4
    refused(api, add, "404", slug=slug, item="alice/none", type="model", note=None, ok=False)
    refused(api, add, "403", who="bob", slug=slug, item="alice/m", type="model", note=None, ok=False)
    assert api(SHOW, who=None, slug=slug)[4] == [
        ["alice/m", "model", 0, "a note"], ["alice/d", "dataset", 1, None], ["1706.03762", "paper", 2, None]]
    api("c = api.get_collection(slug)\n"
        "api.update_collection_item(slug, c.items[2].item_object_id, position=0, note='first')\n"
        "api.delete_collection_item(slug, c.items[1].item_object_id)\nresult = 1", slug=slug)
    assert api(SHOW, slug=slug)[4] == [
        ["1706.03762", "paper", 0, "first"], ["alice/m", "model", 1, "a note"], ["alice/p", "model", 2, None]]
    refused(api, "api.delete_collection_item(slug, '0' * 24)\nresult = 1", "404", slug=slug)
    api("api.update_collection_metadata(slug, title='Old', private=True, theme='green')\nresult = 1", slug=slug)
    assert api(SHOW, slug=slug)[:4] == ["Old", "good ones", True, "green"]
    refused(api, SHOW, "404", who="bob", slug=slug)
    refused(api, SHOW, "404", who=None, slug=slug)
    assert api("result = [c.slug for c in api.list_collections(owner='alice')]") == [slug]
    assert api("result = [c.slug for c in api.list_collections(owner='alice')]", who="bob") == []
    assert api("result = [c.slug for c in api.list_collections(item='models/alice/m')]") == [slug]
    refused(api, "api.delete_collection(slug)\nresult = 1", "404", who="bob", slug=slug)
    api("api.delete_collection(slug)\nresult = 1", slug=slug)
    refused(api, "api.delete_collection(slug)\nresult = 1", "404", slug=slug)
    api("api.delete_collection(slug, missing_ok=True)\nresult = 1", slug=slug)


def test_what_changed_while_a_body_came_stays(hub, api):
    slug = api("result = api.create_collection('shown', description='one').slug")
    title = hub.begin("PATCH", f"/api/collections/{slug}", {"title": "still hidden"}, hub.tokens["alice"])
    api("api.update_collection_metadata(slug, private=True, description='two', theme='blue')\nresult = 1", slug=slug)
    assert title() == 200
    assert api(SHOW, slug=slug)[:4] == ["still hidden", "two", True, "blue"]

    wid = api("result = api.create_webhook(url='https://a', watched=[{'type': 'user', 'name': 'alice'}], secret='s').id")
    url, late = (hub.begin("POST", f"/api/settings/webhooks/{wid}", {"url": "https://b"}, hub.tokens["alice"])
                 for _ in range(2))
    api("api.disable_webhook(wid)\nresult = 1", wid=wid)
    assert url() == 200
    assert api("w = api.get_webhook(wid)\nresult = [w.url, w.secret, w.disabled]", wid=wid) == ["https://b", "s", True]
    api("api.delete_webhook(wid)\nresult = 1", wid=wid)
    assert late() == 404
    assert api("result = len(list(api.list_webhooks()))") == 0


def test_pages_of_collections(hub, api):
    assert api("for i in range(7): api.create_collection(f'number {i}')\n"
               "from huggingface_hub.utils import paginate\n"
               "result = [c['title'] for c in paginate(url, params={'owner': 'alice', 'limit': 2}, headers={})]",
               url=hub.url + "/api/collections") == [f"number {i}" for i in range(6, -1, -1)]


def test_webhooks(api):
    show = "result = [w.id, w.url, [[i.type, i.name] for i in w.watched], sorted(w.domains), w.secret, w.disabled]"
    made = api("w = api.create_webhook(url='https://example.org/x', watched=[{'type': 'user', 'name': 'alice'}],"
               " domains=['repo'], secret='s')\n" + show)
    assert made[1:] == ["https://example.org/x", [["user", "alice"]], ["repo"], "s", False]
    wid = made[0]
    assert api("w = api.get_webhook(wid)\n" + show, wid=wid) == made
    assert api("result = [w.id for w in api.list_webhooks()]") == [wid]
    assert api("result = [w.id for w in api.list_webhooks()]", who="bob") == []
    assert api("w = api.disable_webhook(wid)\n" + show, wid=wid)[5] is True
    assert api("w = api.update_webhook(wid, url='https://example.org/y')\n" + show, wid=wid)[1:] == [
        "https://example.org/y", [["user", "alice"]], ["repo"], "s", True]
    assert api("w = api.enable_webhook(wid)\n" + show, wid=wid)[5] is False
    refused(api, "api.get_webhook(wid)\nresult = 1", "404", who="bob", wid=wid)
    refused(api, "api.delete_webhook(wid)\nresult = 1", "404", who="bob", wid=wid)
    refused(api, "api.list_webhooks()\nresult = 1", "403", who="reader")
    refused(api, "api.create_webhook(url='ftp://x', watched=[{'type': 'user', 'name': 'a'}])\nresult = 1", "Bad request")
    refused(api, "api.create_webhook(url='https://x', watched=[{'type': 'dog', 'name': 'a'}])\nresult = 1", "Bad request")
    api("api.delete_webhook(wid)\nresult = 1", wid=wid)
    assert api("result = [w.id for w in api.list_webhooks()]") == []


def test_what_webhooks_keep_has_bounds(api):
    make = "result = api.create_webhook(url='https://x', watched=[{'type': 'user', 'name': name}], secret=secret).id"
    refused(api, make, "longer than", who="bob", name="a", secret="s" * 5000)
    refused(api, make, "watched", who="bob", name="a" * 200000, secret="s")
    for _ in range(100):
        api(make, who="bob", name="a", secret="s" * 4096)
    refused(api, make, "at most 100", who="bob", name="a", secret="s")
    api(make, name="a", secret="s")
