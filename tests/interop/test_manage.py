# SPDX-License-Identifier: Apache-2.0
"""Repos, branches, tags and listings on hf-serve: what one client does, the other sees."""

import json
import sys
from pathlib import Path

import pytest
from served import Served
from support import HF, Python, clean_env, ok, run

OFFICIAL = Path(sys.executable).with_name("hf")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("manage"))
    server.token = server.command("user", "add", "alice").strip().splitlines()[-1]
    server.command("user", "add", "acme", "--org")
    server.command("org", "join", "acme", "alice", "--role", "admin")
    with server:
        yield server


@pytest.fixture(scope="module")
def env(hub, tmp_path_factory):
    return clean_env(tmp_path_factory.mktemp("home"), HF_ENDPOINT=hub.url, HF_TOKEN=hub.token, NO_COLOR="1")


@pytest.fixture(scope="module")
def api(env):
    """api("call(…)") is HfApi().call(…), as JSON where it can be."""
    client = Python(env)

    def call(code, **args):
        return client("from huggingface_hub import HfApi\nfrom huggingface_hub.errors import *\napi = HfApi()\n"
                      f"result = {code}", **args)

    yield call
    client.close()


@pytest.fixture
def hf(env):
    def call(*words):
        return run([HF, *words], env)

    return call


def refs(api, repo, kind="model"):
    return api("{k: {r.name: r.target_commit for r in getattr(x, k)} for x in [api.list_repo_refs(repo, repo_type=kind)]"
               " for k in ('branches', 'tags')}", repo=repo, kind=kind)


@pytest.mark.parametrize("kind, words", [("model", []), ("dataset", ["--type", "dataset"]),
                                         ("space", ["--type", "space", "--sdk", "static"])])
def test_create_and_delete(api, hf, hub, kind, words):
    prefix = "" if kind == "model" else f"{kind}s/"
    assert ok(hf("repos", "create", f"acme/made-{kind}", *words, "-q")).out == f"acme/made-{kind}\n"
    assert api("api.repo_exists(repo, repo_type=kind)", repo=f"acme/made-{kind}", kind=kind)
    made = json.loads(ok(hf("repos", "create", f"mine-{kind}", *words, "--private", "--json")).out)
    assert made == {"repo_id": f"alice/mine-{kind}", "url": f"{hub.url}/{prefix}alice/mine-{kind}"}
    assert api("api.repo_info(repo, repo_type=kind).private", repo=f"alice/mine-{kind}", kind=kind) is True
    again = hf("repos", "create", f"mine-{kind}", *words)
    assert again.code == 1 and "already" in again.err and "Request ID" in again.err and again.out == ""
    assert json.loads(ok(hf("repos", "create", f"mine-{kind}", *words, "--exist-ok", "--json")).out) == made
    # A bare name is an id of one's own to delete, too.
    assert ok(hf("repos", "delete", f"mine-{kind}", *words[:2], "--yes", "-q")).out == f"mine-{kind}\n"
    assert not api("api.repo_exists(repo, repo_type=kind)", repo=f"alice/mine-{kind}", kind=kind)
    gone = hf("repos", "delete", f"alice/mine-{kind}", *words[:2], "-y")
    assert gone.code == 1 and f"{kind.capitalize()} 'alice/mine-{kind}' not found." in gone.err
    ok(hf("repos", "delete", f"alice/mine-{kind}", *words[:2], "-y", "--missing-ok"))
    api("api.delete_repo(repo, repo_type=kind)", repo=f"acme/made-{kind}", kind=kind)
    info = hf(f"{kind}s", "info", f"acme/made-{kind}")
    assert info.code == 1 and "not found" in info.err


def test_nothing_is_deleted_unasked(api, hf):
    ok(hf("repos", "create", "acme/kept"))
    for words in ([], ["-q"], ["--json"]):
        refused = hf("repos", "delete", "acme/kept", *words)
        assert refused.code == 1 and ("Aborted!" in refused.err or "Use --yes" in refused.err)
    assert api("api.repo_exists('acme/kept')")


def test_branches_and_tags(api, hf, env):
    api("str(api.create_repo('acme/names'))")
    head = api("api.model_info('acme/names').sha")
    ok(hf("repos", "branch", "create", "acme/names", "feat/a+ü"))
    ok(hf("repos", "branch", "create", "acme/names", "from-head", "--revision", head))
    ok(hf("repos", "tag", "create", "acme/names", "v1", "-m", "first"))
    ok(hf("repos", "tag", "create", "acme/names", "v/2", "--revision", "from-head"))
    assert refs(api, "acme/names") == {"branches": {"main": head, "feat/a+ü": head, "from-head": head},
                                      "tags": {"v1": head, "v/2": head}}
    twice = hf("repos", "branch", "create", "acme/names", "from-head")
    assert twice.code == 1 and "already exists" in twice.err
    ok(hf("repos", "branch", "create", "acme/names", "from-head", "--exist-ok"))
    twice = hf("repos", "tag", "create", "acme/names", "v1")
    assert twice.code == 1 and "Tag 'v1' already exists on 'acme/names'." in twice.err
    none = hf("repos", "tag", "create", "acme/names", "v3", "--revision", "none")
    assert none.code == 1 and "Revision 'none' not found" in none.err
    api("api.create_tag('acme/names', tag='theirs')")
    rows = json.loads(ok(hf("repos", "tag", "ls", "acme/names", "--json")).out)
    assert {r["name"]: r["target_commit"] for r in rows} == {"v1": head, "v/2": head, "theirs": head}
    ok(hf("repos", "tag", "delete", "acme/names", "v/2", "-y"))
    ok(hf("repos", "branch", "delete", "acme/names", "feat/a+ü"))
    ok(run([Path(HF).with_name("huggingface-cli"), "tag", "acme/names", "theirs", "-d", "-y"], env))
    assert refs(api, "acme/names") == {"branches": {"main": head, "from-head": head}, "tags": {"v1": head}}
    main = hf("repos", "branch", "delete", "acme/names", "main")
    assert main.code == 1 and "Request ID" in main.err and "main" in refs(api, "acme/names")["branches"]


def test_move_settings_duplicate(api, hf):
    ok(hf("repos", "create", "datasets/acme/old"))
    ok(hf("repos", "move", "datasets/acme/old", "datasets/alice/new"))
    assert api("api.dataset_info('acme/old').id") == "alice/new"
    ok(hf("repos", "settings", "datasets/alice/new", "--private", "--gated", "manual"))
    assert api("[x.private, x.gated] if (x := api.dataset_info('alice/new')) else 0") == [True, "manual"]
    ok(hf("repos", "settings", "alice/new", "--type", "dataset", "--gated", "false", "--public"))
    assert api("[x.private, x.gated] if (x := api.dataset_info('alice/new')) else 0") == [False, False]
    nothing = hf("repos", "settings", "datasets/alice/new")
    assert nothing.code == 1 and "no setting" in nothing.err
    ok(hf("repos", "duplicate", "datasets/alice/new", "acme/copy"))
    assert api("api.dataset_info('acme/copy').sha") == api("api.dataset_info('alice/new').sha")
    bare = hf("repos", "move", "copy", "other", "--type", "dataset")
    assert bare.code == 1 and "has no namespace" in bare.err


CARD = """---
license: %s
language: [en, de]
tags: [%s, demo]
pipeline_tag: text-generation
library_name: transformers
---
# x
"""


@pytest.fixture(scope="module")
def listed(hub):
    for i in range(25):
        name = f"acme/listed-{i:02}"
        hub.add(name, {"README.md": (CARD % ("mit" if i % 2 else "apache-2.0", f"n{i % 5}")).encode()})
    hub.add("acme/deep", {"a-b/x": b"1", "a/b/c/d.bin": b"2" * 12345, "a/z": b"", "a.txt": b"3", "ü/x y": b"4"})
    hub.add("alice/other", {"README.md": (CARD % ("mit", "n1")).encode()})


@pytest.mark.parametrize("words, code", [
    (["--author", "acme", "--filter", "license:mit"], "author='acme', filter='license:mit'"),
    (["--filter", "n1", "--filter", "license:mit"], "filter=['n1', 'license:mit']"),
    (["--filter", "n1", "--filter", "none"], "filter=['n1', 'none']"),
    (["--search", "LISTED-0"], "search='LISTED-0'"),
    (["--author", "acme", "--pipeline-tag", "text-generation", "--limit", "3"],
     "author='acme', pipeline_tag='text-generation', limit=3"),
    (["--author", "acme", "--library", "transformers", "--limit", "0"], "author='acme', filter='transformers'"),
    (["--sort", "created_at", "--author", "acme"], "sort='created_at', author='acme'"),
    (["--filter", "en", "--limit", "0"], "filter='en'"),
])
def test_the_same_rows(api, hf, listed, words, code):
    theirs = api(f"[m.id for m in api.list_models({code})]")
    assert ok(hf("models", "ls", "--limit", "30", *words, "-q")).out.split() == theirs
    rows = json.loads(ok(hf("models", "ls", "--limit", "30", *words, "--json")).out)
    assert [r["id"] for r in rows] == theirs
    if "none" in code:
        assert theirs == [] and ok(hf("models", "ls", *words)).out == "No results found.\n"
    else:
        assert theirs


def test_a_walk_goes_from_page_to_page(hub, hf, listed):
    mark = hub.mark()
    pages = ok(hf("api", "GET", "/api/models?author=acme&limit=4&sort=createdAt", "--paginate")).out
    seen = [s for s in hub.since(mark) if "/api/models" in s.path]
    ids = [m["id"] for m in json.loads(pages)]
    assert len(seen) >= 7 and len(ids) == len(set(ids)) and len([i for i in ids if "listed" in i]) == 25
    assert ok(hf("api", "GET", "/api/models?author=acme&limit=4&sort=createdAt")).out.count('"modelId"') == 4


def test_info_and_files(api, hf, env, listed):
    for words in (["models", "info", "acme/listed-00"], ["models", "info", "acme/listed-00", "--expand", "tags,likes"]):
        mine = json.loads(ok(hf(*words, "--json")).out)
        theirs = json.loads(ok(run([OFFICIAL, *words, "--json"], env)).out)
        theirs["siblings"] = [{"rfilename": s["rfilename"]} for s in theirs["siblings"]] if theirs.get("siblings") else None
        assert mine == {k: v for k, v in theirs.items() if v is not None}
    for words in (["models", "ls", "acme/listed-00"], ["models", "ls", "acme/listed-00", "-R"],
                  ["models", "ls", "acme/listed-00", "-q"], ["models", "ls", "acme/deep"], ["models", "ls", "acme/deep", "-q"],
                  ["models", "ls", "acme/deep", "-R", "-h"], ["models", "ls", "acme/deep", "--tree", "-R"],
                  ["models", "ls", "acme/deep", "--tree", "-R", "-h"], ["models", "ls", "acme/deep", "--tree", "-R", "-q"]):
        assert ok(hf(*words)).out == ok(run([OFFICIAL, *words], env)).out, words
    assert ok(hf("models", "ls", "acme/deep", "-R", "--json")).out == \
        ok(run([OFFICIAL, "models", "ls", "acme/deep", "-R", "--json"], env)).out
    mine = json.loads(ok(hf("models", "ls", "acme/listed-00", "-R", "--json")).out)
    assert [f["path"] for f in mine] == api("[f.path for f in api.list_repo_tree('acme/listed-00', recursive=True)]")


def test_tags_by_type(api, hf, listed):
    theirs = api("{k: [t.id if hasattr(t, 'id') else t for t in v] if isinstance(v, list) else str(type(v)) "
                 "for k, v in api.get_model_tags().items()}")
    rows = json.loads(ok(hf("models", "tags", "--json")).out)
    assert {r["type"] for r in rows} == {k for k, v in theirs.items() if v}
    assert "license:mit" in ok(hf("models", "tags", "--type", "license", "-q")).out.split()


def test_own_repos(hub, api, hf, env):
    """What an account has, with the room it takes: both commands print the same."""
    hub.command("user", "add", "studio", "--org")
    hub.command("org", "join", "studio", "alice", "--role", "read")
    for i, kind in enumerate(("model", "dataset", "space")):
        hub.add(f"studio/own-{kind}", {"big.bin": bytes(range(256)) * 100 * (i + 1)}, "--type", kind, "--lfs-threshold",
                "1000", *(["--private"] if kind == "dataset" else []))
    theirs = api("[[r.id, r.type, r.visibility, r.storage, r.storage_percent] for r in api.list_user_repos('studio')]")
    assert sorted(theirs) == [["studio/own-dataset", "dataset", "private", 51200, 33.3],
                              ["studio/own-model", "model", "public", 25600, 16.7],
                              ["studio/own-space", "space", "public", 76800, 50.0]]
    for words in ([], ["--type", "model"], ["--search", "DATA"], ["--limit", "2"], ["--limit", "0"], ["--search", "none"]):
        for form in ("--json", "-q", "--format=agent", "--format=human"):
            words_all = ["repos", "ls", "--namespace", "studio", *words, form]
            mine, official = hf(*words_all), run([OFFICIAL, *words_all], env)
            assert ok(mine).out == ok(official).out, words_all
            assert ("Showing 2 of 3" in mine.err) == ("Showing 2 of 3" in official.err)
    assert {r["id"] for r in json.loads(ok(hf("repos", "ls", "--json", "--limit", "0")).out)} == \
        set(api("[r.id for r in api.list_user_repos()]"))
    hub.command("user", "add", "strangers", "--org")
    no = hf("repos", "ls", "--namespace", "strangers")
    assert no.code == 1 and "no member" in no.err and "Request ID" in no.err
    none = hf("repos", "ls", "--namespace", "no-such-org")
    assert none.code == 1 and "does not exist" in none.err


@pytest.mark.parametrize("name", ["refs", "tree", "commit", "settings", "resolve", "discussions"])
def test_a_repo_named_like_a_route(api, hf, env, tmp_path, name):
    repo = f"alice/{name}"
    ok(hf("repos", "create", repo))
    assert api("api.model_info(repo).id", repo=repo) == repo
    assert json.loads(ok(hf("models", "info", repo, "--json")).out)["id"] == repo
    assert ".gitattributes" in ok(hf("models", "ls", repo, "-q")).out
    assert "main" in refs(api, repo)["branches"]
    assert api("open(api.hf_hub_download(repo, '.gitattributes')).read()", repo=repo)
    (tmp_path / "a").write_bytes(b"1")
    ok(hf("upload", repo, tmp_path / "a"))
    assert api("api.file_exists(repo, 'a')", repo=repo)
    ok(hf("repos", "settings", repo, "--private"))
    ok(hf("repos", "delete", repo, "-y"))
    assert not api("api.repo_exists(repo)", repo=repo)


# What is Python's own has no line here.
OF_PYTHON = {"huggingface_hub version", "Python version", "Running in iPython ?", "Running in notebook ?", "Running in Google Colab ?",
             "Running in Google Colab Enterprise ?", "Installation method", "httpx2", "hf_xet", "gradio", "tensorboard",
             "HF_HUB_DISABLE_EXPERIMENTAL_WARNING", "Platform"}


@pytest.mark.parametrize("more", [{}, {"HF_TOKEN": ""}, {"HF_HUB_OFFLINE": "1", "HF_HUB_ETAG_TIMEOUT": "3", "HF_HUB_DISABLE_XET": "on"}])
def test_env_tells_what_the_official_one_tells(env, more):
    told = [dict(line[2:].split(": ", 1) for line in ok(run([program, "env"], env | more)).out.splitlines() if line.startswith("- "))
            for program in (HF, OFFICIAL)]
    same = set(told[1]) - OF_PYTHON - ({"Who am I ?"} if "HF_HUB_OFFLINE" in more else set())
    assert {k: told[0].get(k) for k in same} == {k: told[1][k] for k in same}
    assert env["HF_TOKEN"] not in str(told[0])
