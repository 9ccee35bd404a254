# SPDX-License-Identifier: Apache-2.0
"""hf-serve keeps accounts and repos: the official client does each operation, and what it asks afterwards says so."""

import json

import pytest
from served import Served
from support import CallFailed, Python, clean_env

API = "from huggingface_hub import HfApi\napi = HfApi(token=token)\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("accounts"))
    tokens = {name: served.command("user", "add", name).strip() for name in ("alice", "bob", "carol")}
    served.command("user", "add", "acme", "--org")
    served.command("org", "join", "acme", "alice", "--role", "admin")
    served.command("org", "join", "acme", "carol", "--role", "read")
    tokens["reader"] = served.command("token", "add", "alice", "--name", "r", "--role", "read").strip()
    tokens["fine"] = served.command("token", "add", "alice", "--name", "f", "--role", "fine-grained", "--scope",
                                    "acme:write").strip()
    with served:
        served.tokens = tokens
        yield served


@pytest.fixture(scope="module")
def client(hub, tmp_path_factory):
    python = Python(clean_env(tmp_path_factory.mktemp("python"), HF_ENDPOINT=hub.url, HF_HUB_DISABLE_XET="1"))
    yield python
    python.close()


@pytest.fixture
def api(hub, client):
    """Runs lines with `api` of a user; what they leave in `result` comes back."""

    def call(code, who="alice", **args):
        return client(API + code, token=hub.tokens[who] if who else False, **args)

    return call


def refused(call, error, *args, **kw):
    with pytest.raises(CallFailed) as info:
        call(*args, **kw)
    assert info.value.name == error, info.value
    return info.value.text


@pytest.mark.parametrize("kind, prefix", [("model", ""), ("dataset", "datasets/"), ("space", "spaces/")])
def test_create_and_delete(hub, api, kind, prefix):
    more = ", space_sdk='static'" if kind == "space" else ""
    create = f"result = str(api.create_repo(repo, repo_type='{kind}', exist_ok=ok{more}))"
    assert api(create, repo="made", ok=False) == f"{hub.url}/{prefix}alice/made"
    assert "already created this" in refused(api, "HfHubHTTPError", create, repo="alice/made", ok=False)
    assert api(create, repo="alice/made", ok=True) == f"{hub.url}/{prefix}alice/made"
    info = f"i = api.repo_info(repo, repo_type='{kind}')\nresult = [i.id, i.author, i.private, len(i.siblings)]"
    assert api(info, repo="alice/made", who=None) == ["alice/made", "alice", False, 2 if kind == "space" else 1]
    assert api(f"result = [c.title for c in api.list_repo_commits(repo, repo_type='{kind}')]",
               repo="alice/made") == ["initial commit"]
    delete = f"api.delete_repo(repo, repo_type='{kind}', missing_ok=ok)\nresult = 1"
    refused(api, "HfHubHTTPError", delete, who="bob", repo="alice/made", ok=False)
    api(delete, repo="alice/made", ok=False)
    refused(api, "RepositoryNotFoundError", delete, repo="alice/made", ok=False)
    api(delete, repo="alice/made", ok=True)
    refused(api, "RepositoryNotFoundError", info, repo="alice/made")


@pytest.mark.parametrize("who, repo, may", [
    ("alice", "acme/a", True), ("alice", "bob/a", False), ("bob", "acme/a", False), ("carol", "acme/a", False),
    ("reader", "alice/a", False), ("fine", "acme/b", True), ("fine", "alice/a", False),
])
def test_who_may_create_where(api, who, repo, may):
    create = "result = str(api.create_repo(repo))"
    if may:
        assert api(create, who=who, repo=repo).endswith(repo)
        api("api.delete_repo(repo)\nresult = 1", repo=repo)
    else:
        assert "rights to create" in refused(api, "HfHubHTTPError", create, who=who, repo=repo)


@pytest.mark.parametrize("name", ["a--b", ".a", "a b", "ä", "x" * 97])
def test_names_that_are_none(hub, api, name):
    code = ("from huggingface_hub.utils import get_session, hf_raise_for_status\n"
            "hf_raise_for_status(get_session().post(url, json={'name': name}, headers=api._build_hf_headers()))\n"
            "result = 1")
    refused(api, "BadRequestError", code, url=hub.url + "/api/repos/create", name=name)


def test_private_and_gated(api):
    api("api.create_repo('alice/hidden', private=True)\nresult = 1")
    info = "i = api.model_info('alice/hidden')\nresult = [i.private, i.gated]"
    assert api(info) == [True, False]
    refused(api, "RepositoryNotFoundError", info, who="bob")
    refused(api, "RepositoryNotFoundError", info, who=None)
    refused(api, "RepositoryNotFoundError", "api.update_repo_settings('alice/hidden', private=False)\nresult=1",
            who="bob")
    api("api.update_repo_settings('alice/hidden', private=False, gated='manual')\nresult = 1")
    assert api(info, who=None) == [False, "manual"]
    assert "Forbidden" in refused(api, "HfHubHTTPError",
                                  "api.update_repo_settings('alice/hidden', private=True)\nresult = 1", who="bob")
    api("api.update_repo_settings('alice/hidden', gated=False, visibility='private')\nresult = 1")
    assert api(info) == [True, False]
    api("api.delete_repo('alice/hidden')\nresult = 1")


def test_move(api):
    api("api.create_repo('alice/old')\napi.create_repo('alice/other')\nresult = 1")
    move = "api.move_repo(a, b)\nresult = 1"
    for error, who, a, b in [
            ("HfHubHTTPError", "alice", "alice/old", "alice/other"), ("HfHubHTTPError", "alice", "alice/old", "bob/n"),
            ("HfHubHTTPError", "bob", "alice/old", "bob/n"), ("HfHubHTTPError", "reader", "alice/old", "alice/n"),
            ("RepositoryNotFoundError", "alice", "alice/none", "alice/n"),
            ("BadRequestError", "alice", "alice/old", "alice/a--b")]:
        refused(api, error, move, who=who, a=a, b=b)
    api(move, a="alice/old", b="acme/new")
    assert api("result = api.model_info('alice/old').id", who=None) == "acme/new"
    refused(api, "RepositoryNotFoundError", "api.delete_repo('alice/old')\nresult = 1")
    api("api.delete_repo('acme/new')\napi.delete_repo('alice/other')\nresult = 1")


def test_duplicate(hub, api):
    hub.add("alice/source", {"config.json": b"{}\n", "big.bin": b"\0\1" * 9000}, "--lfs-threshold", "10000",
            "--type", "dataset")
    api("api.create_tag('alice/source', tag='v1', repo_type='dataset')\nresult = 1")
    copy = ("u = api.duplicate_repo('alice/source', to, repo_type='dataset', exist_ok=ok)\n"
            "result = [str(u), api.dataset_info(u.repo_id).sha]")
    sha = hub.commit("alice/source", "dataset")
    assert api(copy, who="bob", to="bob/copy", ok=False) == [f"{hub.url}/datasets/bob/copy", sha]
    refused(api, "HfHubHTTPError", copy, who="bob", to="bob/copy", ok=False)
    assert api(copy, who="bob", to="bob/copy", ok=True)[0] == f"{hub.url}/datasets/bob/copy"
    refused(api, "HfHubHTTPError", copy, who="bob", to="alice/copy", ok=False)
    api("api.delete_repo('alice/source', repo_type='dataset')\nresult = 1")  # the copy does not need it
    assert api("import pathlib, tempfile\nwith tempfile.TemporaryDirectory() as d:\n"
               "    p = pathlib.Path(api.snapshot_download('bob/copy', repo_type='dataset', revision='v1', local_dir=d))\n"
               "    result = [(p / 'config.json').read_text(), (p / 'big.bin').stat().st_size]",
               who="bob") == ["{}\n", 18000]


def test_branches_and_tags(api):
    api("api.create_repo('alice/refs')\nresult = 1")
    refs = ("r = api.list_repo_refs('alice/refs')\n"
            "result = [sorted(b.name for b in r.branches), sorted(t.name for t in r.tags)]")
    api("api.create_branch('alice/refs', branch='feat/x')\nresult = 1")
    refused(api, "HfHubHTTPError", "api.create_branch('alice/refs', branch='feat/x')\nresult = 1")
    api("api.create_branch('alice/refs', branch='feat/x', exist_ok=True)\nresult = 1")
    api("api.create_branch('alice/refs', branch='b2', revision='feat/x')\nresult = 1")
    refused(api, "RevisionNotFoundError", "api.create_branch('alice/refs', branch='b3', revision='no')\nresult = 1")
    refused(api, "BadRequestError", "api.create_branch('alice/refs', branch='refs/pr/5')\nresult = 1")
    refused(api, "BadRequestError", "api.create_branch('alice/refs', branch='a b')\nresult = 1")
    refused(api, "HfHubHTTPError", "api.create_branch('alice/refs', branch='b3')\nresult = 1", who="bob")
    refused(api, "HfHubHTTPError", "api.create_branch('alice/refs', branch='b3')\nresult = 1", who="reader")
    api("api.create_tag('alice/refs', tag='v1.0', tag_message='first')\nresult = 1")
    api("api.create_tag('alice/refs', tag='light', revision='b2')\nresult = 1")
    refused(api, "HfHubHTTPError", "api.create_tag('alice/refs', tag='v1.0')\nresult = 1")
    api("api.create_tag('alice/refs', tag='v1.0', exist_ok=True)\nresult = 1")
    refused(api, "RevisionNotFoundError", "api.create_tag('alice/refs', tag='v2', revision='no')\nresult = 1")
    assert api(refs) == [["b2", "feat/x", "main"], ["light", "v1.0"]]
    refused(api, "HfHubHTTPError", "api.delete_branch('alice/refs', branch='main')\nresult = 1")
    api("api.delete_branch('alice/refs', branch='feat/x')\nresult = 1")
    api("api.delete_tag('alice/refs', tag='v1.0')\nresult = 1")
    refused(api, "RevisionNotFoundError", "api.delete_tag('alice/refs', tag='v1.0')\nresult = 1")
    refused(api, "RevisionNotFoundError", "api.delete_branch('alice/refs', branch='feat/x')\nresult = 1")
    assert api(refs) == [["b2", "main"], ["light"]]


def test_super_squash(hub, api):
    for i in range(3):
        hub.add("alice/squash", {"a.txt": b"%d\n" % i})
    log = "result = [c.title for c in api.list_repo_commits('alice/squash')]"
    assert len(api(log)) == 4
    tree = "result = sorted([f.path, f.blob_id] for f in api.list_repo_tree('alice/squash'))"
    before = api(tree)
    api("api.super_squash_history('alice/squash', commit_message='one')\nresult = 1")
    assert api(log) == ["one"]
    assert api(tree) == before
    refused(api, "RevisionNotFoundError", "api.super_squash_history('alice/squash', branch='no')\nresult = 1")
    refused(api, "HfHubHTTPError", "api.super_squash_history('alice/squash')\nresult = 1", who="reader")


def test_whoami(api):
    who = api("result = api.whoami()")
    assert (who["name"], who["type"]) == ("alice", "user")
    assert [(o["name"], o["roleInOrg"]) for o in who["orgs"]] == [("acme", "admin")]
    assert who["auth"]["accessToken"]["role"] == "write"
    token = api("result = api.whoami()", who="fine")["auth"]["accessToken"]
    assert token["role"] == "fineGrained"
    assert [(s["entity"]["name"], s["permissions"]) for s in token["fineGrained"]["scoped"]] == [
        ("acme", ["repo.content.read", "repo.write"])]
    assert api("result = api.whoami()", who="reader")["auth"]["accessToken"]["role"] == "read"


# ---- cards, tags and lists

CARDS = {
    "alice/bert": ("model", "---\nlicense: mit\nlanguage:\n- en\n- no\ntags: [demo, Ünï]\npipeline_tag: fill-mask\n"
                            "datasets: squad\nbase_model: acme/base\nversion: 1.5\nok: true\nnone: ~\n---\n"
                            "see https://arxiv.org/abs/1706.03762v2.\n"),
    "alice/gpt": ("model", "---\nlicense: apache-2.0\nlanguage: en\nlibrary_name: transformers\n---\n# hi\n"),
    "bob/plain": ("model", "no front matter\n"),
    "bob/broken": ("model", "---\nlicense: [mit\n---\n"),
    "alice/squad": ("dataset", "---\ntask_categories:\n- question-answering\nsize_categories:\n- 1K<n<10K\n"
                               "language:\n- en\nlicense: cc-by-4.0\n---\n"),
    "alice/demo": ("space", "---\ntitle: Demo\nsdk: gradio\nmodels: [alice/bert]\n---\n"),
}


def weights(**tensors) -> bytes:
    """A safetensors file without its data: name=(type, shape)."""
    head = json.dumps({"__metadata__": {"format": "pt"}} | {
        name: {"dtype": kind, "shape": shape, "data_offsets": [0, 0]} for name, (kind, shape) in tensors.items()}).encode()
    return len(head).to_bytes(8, "little") + head


@pytest.fixture(scope="module")
def cards(hub):
    hub.add("bob/shards", {"model-1-of-2.safetensors": weights(a=("F16", [1000, 3000]), b=("F32", [7])),
                           "model-2-of-2.safetensors": weights(c=("F16", [2, 2, 1000, 500])), "x.gguf": b"GGUF"})
    # By LFS, as weights are; the data behind the head do not matter.
    hub.add("bob/seven", {"model.safetensors": weights(a=("BF16", [7, 1000, 1000, 1000])) + b"\0" * 20000},
            "--lfs-threshold", "10000")
    hub.add("bob/liar", {"model.safetensors": (1 << 60).to_bytes(8, "little") + b"{}"})
    hub.add("bob/odd", {"model.safetensors": weights(a=("F16", [1 << 62, 4]))})
    hub.add("bob/asked", {"a": b"a"}, "--gated")
    hub.add("bob/asked-data", {"a": b"a"}, "--type", "dataset", "--gated")
    more = {"alice/gpt": {"model.safetensors": b"x" * 20, "config.json":
                          b'{"architectures":["GPT2LMHeadModel"],"model_type":"gpt2"}'},
            "alice/squad": {"data/train.parquet": b"PAR1"}}
    for repo, (kind, text) in CARDS.items():
        hub.add(repo, {"README.md": text.encode(), **more.get(repo, {})}, "--type", kind)
    hub.add("alice/secret-bert", {"README.md": b"---\nlicense: mit\n---\n"}, "--private")


def listed(api, call, who=None):
    return sorted(api(f"result = [r.id for r in api.{call}]", who=who))


@pytest.mark.parametrize("call, found", [
    ("list_models(filter='license:mit')", ["alice/bert"]),
    ("list_models(filter=['en', 'license:mit'])", ["alice/bert"]),
    ("list_models(filter='no')", ["alice/bert"]),
    ("list_models(filter='LICENSE:MIT')", ["alice/bert"]),
    ("list_models(filter='Ünï')", ["alice/bert"]),
    ("list_models(filter=['en', 'nope'])", []),
    ("list_models(filter='arxiv:1706.03762')", ["alice/bert"]),
    ("list_models(author='alice', filter='safetensors')", ["alice/gpt"]),
    ("list_models(filter='transformers')", ["alice/gpt"]),
    ("list_models(filter='gpt2')", ["alice/gpt"]),
    ("list_models(trained_dataset='squad')", ["alice/bert"]),
    ("list_models(filter='base_model:acme/base')", ["alice/bert"]),
    ("list_models(pipeline_tag='fill-mask')", ["alice/bert"]),
    ("list_models(pipeline_tag='text-generation')", ["alice/gpt"]),
    ("list_models(author='bob', search='pla')", ["bob/plain"]),
    ("list_models(author='BOB', filter='en')", []),
    ("list_models(apps='ollama')", ["bob/shards"]),
    ("list_models(apps='vllm')", ["alice/gpt"]),
    ("list_models(apps=['vllm', 'ollama'])", []),
    ("list_models(num_parameters='min:1B')", ["bob/seven"]),
    ("list_models(num_parameters='min:5000007,max:5000007')", ["bob/shards"]),
    ("list_models(num_parameters='max:5.1M')", ["bob/shards"]),
    ("list_models(num_parameters='min:7B,max:7b')", ["bob/seven"]),
    ("list_models(num_parameters='min:7.001B')", []),
    ("list_models(num_parameters='min:1M', author='bob', filter='safetensors')", ["bob/seven", "bob/shards"]),
    ("list_models(gated=True)", ["bob/asked"]),
    ("list_models(gated=False, author='bob', search='pla')", ["bob/plain"]),
    ("list_models(gated=False, search='asked')", []),
    ("list_datasets(gated=True)", ["bob/asked-data"]),
    ("list_models(inference='warm')", []),
    ("list_models(inference_provider='all')", []),
    ("list_datasets(task_categories='question-answering')", ["alice/squad"]),
    ("list_datasets(size_categories='1K<n<10K', language='en')", ["alice/squad"]),
    ("list_datasets(filter='format:parquet')", ["alice/squad"]),
    ("list_datasets(language='fr')", []),
    ("list_spaces(filter='gradio')", ["alice/demo"]),
    ("list_spaces(models='alice/bert')", ["alice/demo"]),
    ("list_spaces(models='alice/gpt')", []),
    ("list_spaces(linked=True)", ["alice/demo"]),
])
def test_lists_by_filter(api, cards, call, found):
    assert listed(api, call) == found


def test_how_large_a_model_is(api, cards):
    size = "i = api.model_info(repo)\nresult = dict(i.safetensors) if i.safetensors else None"
    assert api(size, who=None, repo="bob/shards") == {"parameters": {"F16": 5000000, "F32": 7}, "total": 5000007}
    assert api(size, who=None, repo="bob/seven")["total"] == 7000000000
    assert [api(size, who=None, repo=f"bob/{name}") for name in ("liar", "odd", "plain")] == [None, None, None]
    refused(api, "BadRequestError", "result = list(api.list_models(num_parameters='many'))")
    refused(api, "BadRequestError", "result = list(api.list_models(num_parameters='min:1Q'))")


def test_private_repos_are_listed_for_their_owner(api, cards):
    call = "list_models(filter='license:mit')"
    assert listed(api, call, "alice") == ["alice/bert", "alice/secret-bert"]
    assert listed(api, call, "bob") == listed(api, call, None) == ["alice/bert"]


NAMES = {"created_at": "createdAt", "last_modified": "lastModified", "trending_score": "trendingScore"}


@pytest.mark.parametrize("sort", ["created_at", "last_modified", "downloads", "likes", "trending_score", "num_parameters"])
def test_every_page_of_every_order(hub, api, cards, sort):
    """Pages of one, as their links lead on, hold each repo once and in the order of one large page."""
    whole = api(f"result = [r.id for r in api.list_models(sort='{sort}')]", who=None)
    paged = api("from huggingface_hub.utils import paginate\nresult = [r['id'] for r in paginate(url, params="
                "{'sort': sort, 'limit': 1}, headers={})]", url=hub.url + "/api/models",
                sort=NAMES.get(sort, sort))
    assert paged == whole and len(set(whole)) == len(whole) >= 4


def test_what_a_card_says(hub, api, cards):
    info = api("i = api.model_info('alice/bert')\nresult = [i.card_data.to_dict(), i.tags, i.pipeline_tag]", who=None)
    assert info[0] == {"license": "mit", "language": ["en", "no"], "tags": ["demo", "Ünï"], "pipeline_tag": "fill-mask",
                       "datasets": "squad", "base_model": "acme/base", "version": 1.5, "ok": True}
    assert set(info[1]) == {"demo", "Ünï", "en", "no", "dataset:squad", "base_model:acme/base", "license:mit",
                            "arxiv:1706.03762", "fill-mask"}
    assert info[2] == "fill-mask"
    full = api("i, = api.list_models(author='alice', search='gpt', full=True, cardData=True, fetch_config=True)\n"
               "result = [i.sha, len(i.siblings), i.card_data.license, i.config, i.library_name, str(i.last_modified)]")
    assert full[:5] == [hub.commit("alice/gpt"), 4, "apache-2.0",
                        {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}, "transformers"]
    brief = api("i, = api.list_models(author='alice', search='gpt')\nresult = [i.siblings, i.card_data, i.config]")
    assert brief == [None, None, None]
    some = api("i, = api.list_models(author='alice', search='gpt', expand=['tags', 'sha'])\n"
               "result = [i.sha == sha, 'gpt2' in i.tags, i.private]", sha=full[0])
    assert some == [True, True, None]
    space = api("i = api.space_info('alice/demo')\nresult = [i.sdk, i.models]")
    assert space == ["gradio", ["alice/bert"]]


def test_a_commit_changes_the_tags(hub, api, cards):
    hub.add("alice/gpt", {"README.md": b"---\nlicense: mit\ntags: [fresh]\n---\n"})
    assert listed(api, "list_models(filter='fresh')") == ["alice/gpt"]
    assert listed(api, "list_models(filter='license:apache-2.0')") == []
    hub.add("alice/gpt", {"README.md": b"---\nlicense: apache-2.0\nlanguage: en\nlibrary_name: transformers\n---\n"})
    assert listed(api, "list_models(filter='fresh')") == []


def test_tags_by_type(api, cards):
    tags = api("result = api.get_model_tags()", who=None)
    assert {"id": "license:mit", "label": "mit", "type": "license"} in tags["license"]
    assert {t["id"] for t in tags["language"]} == {"en", "no"}
    assert "task_categories:question-answering" in {
        t["id"] for t in api("result = api.get_dataset_tags()", who=None)["task_categories"]}


@pytest.mark.parametrize("content, error, warning", [
    ("---\nlicense: mit\n---\n# x\n", None, None),
    ("# no metadata\n", None, "empty or missing yaml metadata"),
    ("---\nlicense: [mit\n---\n", "expected", None),
    ("---\na: 1\na: 2\n---\n", "duplicated mapping key", None),
    ("---\ntags: words\n---\n", '"tags" must be an array', None),
    ("---\nlicense: {a: b}\n---\n", '"license" must be a string', None),
    ("---\n- a\n- b\n---\n", "must be a mapping", None),
    ("---\n\ta: b\n---\n", "cannot start any token", None),
])
def test_validate_yaml(hub, client, content, error, warning):
    """As the client calls it before a commit that adds a README."""
    code = ("from huggingface_hub.utils import get_session, hf_raise_for_status\n"
            "answer = get_session().post(url, json={'content': content, 'repoType': 'model'})\n"
            "result = [answer.status_code, answer.json()]")
    status, said = client(code, url=hub.url + "/api/validate-yaml", content=content)
    assert status == (400 if error else 200)
    assert [error in m["message"] for m in said["errors"]] == ([True] if error else [])
    assert [warning in m["message"] for m in said["warnings"]] == ([True] if warning else [])
