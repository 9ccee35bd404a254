# SPDX-License-Identifier: Apache-2.0
"""The official client against hf-serve: what it downloads, lists, asks and is refused."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from served import FILES, ID, PREFIX, TYPES, Served
from support import CallFailed, Python, clean_env, files_below
from tinyhub import git_sha1, sha256

API = "from huggingface_hub import HfApi\napi = HfApi()\n"


@pytest.fixture(scope="session", params=["plain", "resolve-cache", "inline"])
def python_each(request, served, python_default, tmp_path_factory):
    """The client against the server in each way it can send files."""
    if request.param == "plain":
        yield python_default
        return
    args = {"resolve-cache": ["--resolve-cache"], "inline": ["--lfs", "inline"]}[request.param]
    with Served(served.folder, *args) as other:
        client = Python(clean_env(tmp_path_factory.mktemp("py"), HF_ENDPOINT=other.url))
        yield client
        client.close()


def names_at(python, kind, revision):
    return python(API + "result = sorted(api.list_repo_files(repo, repo_type=kind, revision=rev))",
                  repo=ID, kind=kind, rev=revision)


@pytest.mark.parametrize("kind", TYPES)
def test_snapshot_download_brings_every_byte(python_each, kind, tmp_path):
    path = python_each.snapshot(ID, repo_type=kind, cache_dir=tmp_path / "cache")
    got = files_below(tmp_path / "cache" / f"{kind}s--acme--every-thing_1.0" / "snapshots" / path.rsplit("/")[-1])
    for name, body in FILES.items():
        assert got[name] == body, name
    assert b"filter=lfs" in got[".gitattributes"]


def test_hf_hub_download_brings_every_name(python_each, tmp_path):
    paths = python_each(
        "from huggingface_hub import hf_hub_download\n"
        "result = {n: hf_hub_download(repo, n, cache_dir=cache) for n in names}",
        repo=ID, names=sorted(FILES), cache=tmp_path)
    assert {name: Path(path).read_bytes() for name, path in paths.items()} == FILES


@pytest.mark.parametrize("revision,file", [("dev/feature", "feature.txt"), ("refs/pr/1", "pr.txt"),
                                           ("v1.0", "only-in-v1.txt"), ("main", "config.json")])
@pytest.mark.parametrize("kind", TYPES)
def test_revisions(python, made, kind, revision, file, tmp_path):
    path = python.download(ID, file, repo_type=kind, revision=revision, cache_dir=tmp_path)
    assert f"/snapshots/{made[f'{kind} {revision}']}/" in path
    assert file in names_at(python, kind, revision)
    assert names_at(python, kind, made[f"{kind} {revision}"]) == names_at(python, kind, revision)


@pytest.mark.parametrize("name", ["empty.txt", "config.json", "model.safetensors", "weights/ünï+cödé.bin"])
def test_metadata_of_a_file(python_each, made, name):
    etag, size, commit = python_each(
        "from huggingface_hub import get_hf_file_metadata, hf_hub_url\n"
        "m = get_hf_file_metadata(hf_hub_url(repo, name))\n"
        "result = m.etag, m.size, m.commit_hash", repo=ID, name=name)
    body = FILES[name]
    lfs = name.endswith((".safetensors", ".bin"))
    assert (etag, size, commit) == (sha256(body) if lfs else git_sha1(body), len(body), made["model main"])


@pytest.mark.parametrize("kind", TYPES)
def test_repo_info(python, made, kind):
    info = python(API + "i = api.repo_info(repo, repo_type=kind, files_metadata=True)\n"
                  "result = dict(id=i.id, sha=i.sha, private=i.private, gated=getattr(i, 'gated', None), "
                  "disabled=i.disabled, created=str(i.created_at), modified=str(i.last_modified), author=i.author, "
                  "files={s.rfilename: [s.size, s.blob_id, s.lfs and s.lfs.sha256] for s in i.siblings}, "
                  "cls=type(i).__name__)", repo=ID, kind=kind)
    assert info["cls"] == {"model": "ModelInfo", "dataset": "DatasetInfo", "space": "SpaceInfo"}[kind]
    assert (info["id"], info["sha"], info["author"]) == (ID, made[f"{kind} main"], "acme")
    assert info["private"] is False and info["gated"] in (False, None) and info["disabled"] in (False, None)
    assert info["created"] != "None" and info["modified"] != "None"
    for name, body in FILES.items():
        size, blob, lfs = info["files"][name]
        assert size == len(body), name
        assert lfs in (None, sha256(body))
        assert lfs or blob == git_sha1(body), name
    assert info["files"]["model.safetensors"][2] == sha256(FILES["model.safetensors"])


@pytest.mark.parametrize("call", ["model_info", "dataset_info", "space_info"])
def test_info_of_a_kind(python, made, call):
    kind = call.split("_")[0]
    assert python(API + "i = getattr(api, call)(repo, revision='refs/pr/1'); result = [i.id, i.sha]",
                  repo=ID, call=call) == [ID, made[f"{kind} refs/pr/1"]]


@pytest.mark.parametrize("field", ["sha", "siblings", "tags", "private", "createdAt", "lastModified", "author", "likes",
                                   "downloads", "cardData", "gated", "disabled"])
def test_info_of_one_field(python, field):
    assert python(API + "api.model_info(repo, expand=[field]); result = True", repo=ID, field=field)


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("expand", [False, True])
def test_list_repo_tree(python, made, recursive, expand):
    entries = python(
        API + "result = {e.path: [type(e).__name__, getattr(e, 'size', None), getattr(e, 'blob_id', None), "
        "e.lfs.sha256 if getattr(e, 'lfs', None) else None, e.lfs.pointer_size if getattr(e, 'lfs', None) else None,"
        "e.last_commit.oid if e.last_commit else None] "
        "for e in api.list_repo_tree(repo, recursive=recursive, expand=expand)}",
        repo=ID, recursive=recursive, expand=expand)
    files = {p: v for p, v in entries.items() if v[0] == "RepoFile"}
    folders = {p for p, v in entries.items() if v[0] == "RepoFolder"}
    expected = FILES if recursive else {n: b for n, b in FILES.items() if "/" not in n}
    assert expected.keys() <= files.keys()
    assert ("nested" in folders) and ("nested/deep/er" in folders) == recursive
    for name, body in expected.items():
        _, size, blob, lfs, pointer, commit = files[name]
        assert size == len(body), name
        if name.endswith((".bin", ".safetensors")) or lfs:
            assert lfs == sha256(body), name
            text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{lfs}\nsize {size}\n".encode()
            assert pointer == len(text) and blob == git_sha1(text)
        else:
            assert blob == git_sha1(body), name
        assert bool(commit) == expand
    if expand:
        assert files["config.json"][5] == made["model main"]
        assert files["README.md"][5] == made["model v1.0"]


def test_list_repo_tree_of_a_folder(python):
    assert python(API + "result = sorted(e.path for e in api.list_repo_tree(repo, path))", repo=ID,
                  path="nested/deep") == ["nested/deep/er", "nested/deep/two.txt"]
    assert python(API + "result = sorted(e.path for e in api.list_repo_tree(repo, path))", repo=ID,
                  path="ünïcödé/日本語") == ["ünïcödé/日本語/🤗.txt"]
    with pytest.raises(CallFailed) as failed:
        python(API + "result = [e.path for e in api.list_repo_tree(repo, 'nothing/here')]", repo=ID)
    assert "EntryNotFoundError" in failed.value.family


def test_a_listing_of_several_pages(python):
    names = python(API + "result = api.list_repo_files('acme/many', repo_type='dataset')")
    assert {n for n in names if n.startswith("data/")} == {f"data/{i:04}.txt" for i in range(1500)}
    assert len(names) == len(set(names))


def test_get_paths_info(python):
    asked = ["config.json", "nested", "model.safetensors", "not/there", "ünïcödé/日本語/🤗.txt", "hash#tag.txt",
             "100%.txt", "a+b=c&d.txt", "with space.txt"]
    got = python(API + "result = {e.path: [type(e).__name__, getattr(e, 'size', None), "
                 "e.lfs.sha256 if getattr(e, 'lfs', None) else None, e.last_commit is not None] "
                 "for e in api.get_paths_info(repo, asked, expand=True)}", repo=ID, asked=asked)
    assert set(got) == set(asked) - {"not/there"}
    assert got["nested"][0] == "RepoFolder" and got["config.json"][1] == len(FILES["config.json"])
    assert got["model.safetensors"][2] == sha256(FILES["model.safetensors"])
    assert all(v[3] for v in got.values())


def test_list_repo_refs(python, made):
    refs = python(API + "r = api.list_repo_refs(repo, include_pull_requests=True)\n"
                  "result = {k: {x.ref: x.target_commit for x in getattr(r, k) or []} "
                  "for k in ('branches', 'tags', 'converts', 'pull_requests')}", repo=ID)
    assert refs["branches"]["refs/heads/main"] == made["model main"]
    assert refs["branches"]["refs/heads/dev/feature"] == made["model dev/feature"]
    assert refs["tags"] == {"refs/tags/v1.0": made["model v1.0"]}
    assert refs["pull_requests"] == {"refs/pr/1": made["model refs/pr/1"]}
    assert refs["converts"] == {}
    assert python(API + "result = api.list_repo_refs(repo).pull_requests", repo=ID) is None


def test_list_repo_commits(python, made):
    commits = python(API + "result = [[c.commit_id, c.title, c.authors, str(c.created_at)] "
                     "for c in api.list_repo_commits(repo)]", repo=ID)
    assert commits[0][0] == made["model main"] and made["model v1.0"] in [c[0] for c in commits]
    assert all(c[1] and c[2] and c[3] for c in commits)


@pytest.mark.parametrize("call,kind", [("list_models", "model"), ("list_datasets", "dataset"), ("list_spaces", "space")])
def test_list_repos(python, call, kind):
    ids = python(API + "result = [r.id for r in getattr(api, call)(author='acme')]", call=call)
    assert ID in ids and "acme/secret" not in ids
    assert ID in python(API + "result = [r.id for r in getattr(api, call)(search='every-thing')]", call=call)
    assert python(API + "result = [r.id for r in getattr(api, call)(search='no such thing')]", call=call) == []
    assert len(python(API + "result = [r.id for r in getattr(api, call)(limit=1)]", call=call)) == 1


def test_existence(python, made):
    assert python(API + "result = [api.repo_exists(repo), api.repo_exists('acme/none'), "
                  "api.revision_exists(repo, 'v1.0'), api.revision_exists(repo, 'v9'), "
                  "api.file_exists(repo, 'hash#tag.txt'), api.file_exists(repo, 'nope')]",
                  repo=ID) == [True, False, True, False, True, False]


@pytest.mark.parametrize("code,error", [
    ("api.model_info('acme/none')", "RepositoryNotFoundError"),
    ("api.dataset_info('acme/secret')", "RepositoryNotFoundError"),
    ("api.model_info('acme/secret')", "RepositoryNotFoundError"),
    ("api.model_info('nobody/none')", "RepositoryNotFoundError"),
    ("api.model_info(repo, revision='v9')", "RevisionNotFoundError"),
    ("api.model_info(repo, revision='0' * 40)", "RevisionNotFoundError"),
    ("api.list_repo_refs('acme/none')", "RepositoryNotFoundError"),
    ("api.list_repo_commits(repo, revision='v9')", "RevisionNotFoundError"),
    ("list(api.list_repo_tree(repo, revision='v9'))", "RevisionNotFoundError"),
    ("api.get_paths_info(repo, ['x'], revision='v9')", "RevisionNotFoundError"),
    ("api.hf_hub_download(repo, 'nope.txt')", "RemoteEntryNotFoundError"),
    ("api.hf_hub_download(repo, 'nested')", "RemoteEntryNotFoundError"),
    ("api.hf_hub_download(repo, 'config.json', revision='v9')", "RevisionNotFoundError"),
    ("api.hf_hub_download('acme/none', 'config.json')", "RepositoryNotFoundError"),
    ("api.hf_hub_download('acme/secret', 'config.json')", "RepositoryNotFoundError"),
    ("api.hf_hub_download('acme/gated', 'config.json')", "GatedRepoError"),
    ("api.hf_hub_download('acme/gated', 'model.safetensors')", "GatedRepoError"),
    ("api.snapshot_download('acme/none')", "RepositoryNotFoundError"),
    ("api.snapshot_download(repo, revision='v9')", "RevisionNotFoundError"),
    ("HfApi(token='hf_wrong').whoami()", "HfHubHTTPError"),
    ("HfApi(token='hf_wrong').model_info(repo)", "HfHubHTTPError"),
])
def test_errors_are_the_named_ones(python, code, error, tmp_path):
    if "_download(" in code:
        code = code[:-1] + ", cache_dir=cache)"
    with pytest.raises(CallFailed) as failed:
        python(API + code, repo=ID, cache=tmp_path)
    assert error in failed.value.family, failed.value


def test_private_repo_with_a_token(python_each, served, made, tmp_path):
    """A stranger's token sees no more than none does; one of the organisation's sees all."""
    with pytest.raises(CallFailed) as failed:
        python_each.download("acme/secret", "config.json", token=made["token"], cache_dir=tmp_path)
    assert "RepositoryNotFoundError" in failed.value.family
    assert python_each.download("acme/secret", "model.safetensors", token=made["member"], cache_dir=tmp_path)
    path = python_each.snapshot("acme/secret", token=made["member"], cache_dir=tmp_path)
    assert "model.safetensors" in files_below(tmp_path / "models--acme--secret" / "snapshots" / path.rsplit("/")[-1])
    assert "acme/secret" in python_each(API + "result = [m.id for m in api.list_models(author='acme', token=t)]",
                                   t=made["member"])


def test_gated_repo_shows_its_page_and_lets_in_whom_it_let(python, served, made, tmp_path):
    assert python(API + "result = api.model_info('acme/gated').gated") == "auto"
    with pytest.raises(CallFailed) as failed:
        python.download("acme/gated", "config.json", token=made["token"], cache_dir=tmp_path)
    assert failed.value.name == "GatedRepoError"
    assert python.download("acme/gated", "config.json", token=made["granted"], cache_dir=tmp_path)
    assert python.download("acme/gated", "model.safetensors", token=made["granted"], cache_dir=tmp_path)


def test_disabled_repo(python):
    with pytest.raises(CallFailed) as failed:
        python("from huggingface_hub import get_hf_file_metadata, hf_hub_url\n"
               "get_hf_file_metadata(hf_hub_url('acme/disabled', 'config.json'))")
    assert "DisabledRepoError" in failed.value.family


def test_whoami(python, made):
    me = python(API + "result = api.whoami(token=t)", t=made["token"])
    assert me["name"] == "reader" and me["type"] == "user"


def test_renamed_repo_is_found_under_both_names(python_each, tmp_path):
    path = python_each.download("acme/old-name", "config.json", cache_dir=tmp_path)
    assert open(path, "rb").read() == b"{}\n"
    assert python_each(API + "result = api.model_info('acme/old-name').id") == "acme/new-name"
    assert python_each.snapshot("acme/old-name", cache_dir=tmp_path / "b")


def test_storage_refuses_a_token(served, made):
    """As a signed URL of the Hub's storage does; and an expired or changed signature."""
    url = f"{served.url}/{ID}/resolve/main/model.safetensors"
    opener = urllib.request.build_opener(NoRedirect)
    with pytest.raises(urllib.error.HTTPError) as redirect:
        opener.open(url)
    location = redirect.value.headers["Location"]
    assert location.startswith(served.storage_url)
    with urllib.request.urlopen(location) as answer:
        assert answer.read() == FILES["model.safetensors"]
    for request in [urllib.request.Request(location, headers={"Authorization": f"Bearer {made['token']}"}),
                    urllib.request.Request(location[:-2] + ("00" if location[-2:] != "00" else "11")),
                    urllib.request.Request(location.split("?")[0])]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code in (400, 401, 403), request.full_url


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def test_no_token_reaches_storage(served, made, python, tmp_path):
    """The log of the second origin is the witness, for the official client and for ours."""
    from support import HF, ok, run

    mark = served.mark()
    client = Python(clean_env(tmp_path, HF_ENDPOINT=served.url, HF_TOKEN=made["member"]))
    client.snapshot("acme/secret", cache_dir=tmp_path / "a")
    client.close()
    ok(run([HF, "download", "-q", "acme/secret", "--cache-dir", tmp_path / "b"],
           clean_env(tmp_path, HF_ENDPOINT=served.url, HF_TOKEN=made["member"])))
    seen = [s for s in served.since(mark) if "acme/secret" in s.path or s.origin == "storage"]
    assert len([s for s in seen if s.origin == "storage"]) == 2
    assert all(s.auth == (s.origin == "hub") for s in seen)
    assert made["member"] not in served.log.read_text()


def test_hf_file_system_reads_ranges(python_each):
    """Random access through the official file system: ranges through the redirect."""
    got = python_each("from huggingface_hub import HfFileSystem\nfs = HfFileSystem()\n"
                 "with fs.open(f'{repo}/model.safetensors', 'rb', block_size=4096) as f:\n"
                 "    f.seek(1_000_000); a = f.read(1000); f.seek(-10, 2); b = f.read()\n"
                 "result = [a.hex(), b.hex(), sorted(fs.ls(repo + '/nested', detail=False))]", repo=ID)
    body = FILES["model.safetensors"]
    assert got == [body[1_000_000:1_001_000].hex(), body[-10:].hex(), [f"{ID}/nested/deep"]]


@pytest.mark.parametrize("kind", TYPES)
def test_verify_of_the_official_command_agrees(python, served, kind, tmp_path):
    """`hf cache verify` hashes every file against the listing: ours wrote the cache."""
    import sys

    from support import HF, ok, run

    env = clean_env(tmp_path, HF_ENDPOINT=served.url)
    ok(run([HF, "download", "-q", PREFIX[kind] + ID], env))
    result = run([Path(sys.executable).with_name("hf"), "cache", "verify", ID, "--type", kind,
                  "--fail-on-missing-files", "--fail-on-extra-files"], env)
    assert result.code == 0, result
