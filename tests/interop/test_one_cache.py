# SPDX-License-Identifier: Apache-2.0
"""One cache for both: what either wrote, the other finds, and says the same of it."""

import json
from pathlib import Path

import pytest
from served import ID, PREFIX, TYPES
from support import disk, files_below, ok

REVISIONS = ["main", "dev/feature", "v1.0", "refs/pr/1", "commit"]


@pytest.fixture(params=["default", "no-xet"])
def python(request, python_default, python_no_xet):
    return {"default": python_default, "no-xet": python_no_xet}[request.param]


@pytest.fixture
def revision(request, made):
    """(revision as asked, commit) for a name of REVISIONS and the kind of the test."""

    def find(kind, name):
        return (made[f"{kind} main"],) * 2 if name == "commit" else (name, made[f"{kind} {name}"])

    return find


def files_of(served, kind, commit):
    return {f["rfilename"] for f in served.get(f"/api/{kind}s/{ID}/revision/{commit}")["siblings"]}


def same_but_for_trees(root: Path):
    """All of a cache but what may differ: who may read a listing (Python says only its owner)."""
    seen = disk(root)
    return {name: (value[0], value[2]) if name.endswith(".json") and "/trees/" in name else value
            for name, value in seen.items()}


@pytest.mark.parametrize("name", REVISIONS)
@pytest.mark.parametrize("kind", TYPES)
def test_what_hf_wrote_python_finds(served, made, python, hf, home, kind, name, revision):
    asked, commit = revision(kind, name)
    cache = home / "hf" / "hub"
    path = ok(hf("download", "-q", ID, "--type", kind, "--revision", asked)).line
    assert Path(path).name == commit
    mark = served.mark()
    assert python.snapshot(ID, repo_type=kind, revision=asked, cache_dir=cache, local_files_only=True) == path
    names = files_of(served, kind, commit)
    assert set(files_below(Path(path))) == names
    result = python(
        "from huggingface_hub import hf_hub_download\n"
        "result = {n: hf_hub_download(repo, n, repo_type=kind, revision=rev, cache_dir=cache, local_files_only=True)"
        " for n in names}",
        repo=ID, names=sorted(names), kind=kind, rev=asked, cache=cache)
    assert result == {n: f"{path}/{n}" for n in names}
    assert [s for s in served.since(mark) if "python" in (s.agent or "") and "Python-urllib" not in s.agent] == []
    scan = python.scan(cache)
    assert scan["warnings"] == [] and scan["incomplete"] == []
    assert list(scan["repos"]) == [f"{kind}/{ID}"]
    found = scan["repos"][f"{kind}/{ID}"]["revisions"]
    assert list(found) == [commit]
    assert found[commit]["refs"] == ([] if name == "commit" else [asked])
    assert set(found[commit]["files"]) == names


@pytest.mark.parametrize("name", REVISIONS)
@pytest.mark.parametrize("kind", TYPES)
def test_what_python_wrote_hf_finds(served, python, hf, home, kind, name, revision):
    asked, commit = revision(kind, name)
    cache = home / "hf" / "hub"
    path = python.snapshot(ID, repo_type=kind, revision=asked, cache_dir=cache)
    before = disk(cache)
    mark = served.mark()
    assert ok(hf("download", "-q", ID, "--type", kind, "--revision", asked)).line == path
    for file in ["config.json", "model.safetensors", "ünïcödé/日本語/🤗.txt", "empty.txt", "-dash.txt"]:
        args = ["--", ID, file] if file.startswith("-") else [ID, file]
        got = ok(hf("download", "-q", "--type", kind, "--revision", asked, *args)).line
        assert got == f"{path}/{file}"
    assert served.bodies(mark) == []
    mark = served.mark()
    assert ok(hf("download", "-q", PREFIX[kind] + ID, "--revision", asked, HF_HUB_OFFLINE="1")).line == path
    if name == "commit":
        ok(hf("download", "-q", ID, "--type", kind, "--revision", asked))
        ok(hf("download", "-q", ID, "config.json", "--type", kind, "--revision", asked))
    assert served.since(mark) == []
    assert disk(cache) == before


@pytest.mark.parametrize("kind", TYPES)
def test_both_write_the_same(served, made, python, hf, home, tmp_path, kind):
    """Names, link texts, modes and contents of everything below the cache."""
    theirs, ours = tmp_path / "theirs", home / "hf" / "hub"
    for revision in ["v1.0", "main", made[f"{kind} refs/pr/1"]]:
        python.snapshot(ID, repo_type=kind, revision=revision, cache_dir=theirs)
        ok(hf("download", "-q", ID, "--type", kind, "--revision", revision))
    assert same_but_for_trees(ours) == same_but_for_trees(theirs)
    ours_scan, theirs_scan = python.scan(ours), python.scan(theirs)
    assert ours_scan == theirs_scan
    assert ours_scan["size"] == sum(r["size"] for r in ours_scan["repos"].values()) > 3_000_000


def test_both_write_the_same_single_file(served, python, hf, home, tmp_path):
    theirs, ours = tmp_path / "theirs", home / "hf" / "hub"
    for file in ["nested/deep/er/file.txt", "weights/part 1#2.bin", "empty.txt"]:
        for revision in ["main", "dev/feature"]:
            python.download(ID, file, revision=revision, cache_dir=theirs)
            ok(hf("download", "-q", ID, file, "--revision", revision))
    assert disk(ours) == disk(theirs)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077, 0o000])
def test_both_give_the_same_modes(served, python, home, tmp_path, umask):
    from support import HF, clean_env, run

    theirs, ours = tmp_path / "theirs", home / "hf" / "hub"
    python("import os\nos.umask(umask)\nfrom huggingface_hub import snapshot_download\n"
           "snapshot_download(repo, cache_dir=cache, allow_patterns=['*.json', 'weights/*'])",
           repo=ID, cache=theirs, umask=umask)
    ok(run([HF, "download", "-q", ID, "--include", "*.json", "--include", "weights/*"],
           clean_env(home, HF_ENDPOINT=served.url), umask=umask))
    assert same_but_for_trees(ours) == same_but_for_trees(theirs)


def test_listing_is_kept_in_the_same_bytes(served, made, python, hf, home, tmp_path):
    theirs, ours = tmp_path / "theirs", home / "hf" / "hub"
    python.snapshot(ID, cache_dir=theirs, allow_patterns=["README.md"])
    ok(hf("download", "-q", ID, "--include", "README.md"))
    name = f"models--acme--every-thing_1.0/trees/{made['model main']}.json"
    assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    assert len(json.loads((ours / name).read_bytes())["files"]) > 25


def test_listing_that_python_kept_saves_hf_the_request(served, made, python, hf, home):
    commit = made["model main"]
    python.snapshot(ID, cache_dir=home / "hf" / "hub", revision=commit, allow_patterns=["README.md"])
    mark = served.mark()
    ok(hf("download", "-q", ID, "--revision", commit, "--include", "*.json"))
    seen = served.since(mark)
    assert [s for s in seen if "/api/" in s.path] == []
    assert sorted(s.path.rsplit("/", 1)[-1] for s in seen if s.is_body) == ["config.json"] or len(
        [s for s in seen if s.is_body]) == 1, "the two config files are one blob"


def test_listing_that_hf_kept_saves_python_the_request(served, made, python, hf, home):
    commit = made["model main"]
    ok(hf("download", "-q", ID, "--revision", commit, "--include", "README.md"))
    mark = served.mark()
    python.snapshot(ID, cache_dir=home / "hf" / "hub", revision=commit, allow_patterns=["*.json"])
    assert [s for s in served.since(mark) if "/api/" in s.path] == []


def test_a_snapshot_asks_for_no_file_twice_and_for_no_metadata(served, hf, home):
    """One revision request, one listing, then bodies: no HEAD per file."""
    mark = served.mark()
    path = ok(hf("download", "-q", ID)).line
    seen = served.since(mark)
    assert [s for s in seen if s.method == "HEAD"] == []
    assert len([s for s in seen if "/api/" in s.path]) == 2
    bodies = [s.path for s in seen if s.is_body]
    assert len(bodies) == len(set(bodies))
    distinct = {body for body in files_below(Path(path)).values()}
    assert len(bodies) == len(distinct) or len(bodies) == len(distinct) - 1  # an empty file needs no request


def test_a_second_revision_brings_only_what_changed(served, hf, home):
    ok(hf("download", "-q", ID))
    mark = served.mark()
    ok(hf("download", "-q", ID, "--revision", "dev/feature"))
    assert [s.path.rsplit("/", 1)[-1] for s in served.bodies(mark)] == ["feature.txt"]


def test_absence_is_remembered_for_each_other(served, made, python, hf, calls, home):
    cache = home / "hf" / "hub"
    assert hf("download", "-q", ID, "no/such file.txt").code == 1
    assert python.try_load(ID, "no/such file.txt", cache_dir=cache) == "absent"
    assert python.try_load(ID, "README.md", cache_dir=cache) is None
    try:
        python.download(ID, "neither/this.txt", cache_dir=cache)
    except Exception as error:
        assert error.name in ("EntryNotFoundError", "RemoteEntryNotFoundError")
    assert calls("try", ID, "neither/this.txt", "main", cache) == "absent"
    assert calls("try", ID, "README.md", "main", cache) == "unknown"
    assert calls("try", ID, "no/such file.txt", made["model main"], cache) == "absent"


def test_look_up_agrees(served, made, python, hf, calls, home):
    cache = home / "hf" / "hub"
    ok(hf("download", "-q", ID, "README.md"))
    python.download(ID, "hash#tag.txt", cache_dir=cache)
    ok(hf("download", "-q", ID, "a+b=c&d.txt", "--revision", "refs/pr/1"))
    for file in ["README.md", "hash#tag.txt", "a+b=c&d.txt", "config.json", "nested"]:
        for revision in ["main", "refs/pr/1", made["model main"], made["model refs/pr/1"], "v1.0", "nope"]:
            theirs = python.try_load(ID, file, revision=revision, cache_dir=cache)
            assert calls("try", ID, file, revision, cache) == (theirs or "unknown"), (file, revision)


def test_hf_goes_on_from_what_python_has(served, python, hf, home):
    """Part of a snapshot is Python's, the rest comes."""
    cache = home / "hf" / "hub"
    python.snapshot(ID, cache_dir=cache, allow_patterns=["*.safetensors", "nested/*"])
    mark = served.mark()
    path = ok(hf("download", "-q", ID)).line
    fetched = {s.path.rsplit("/", 1)[-1] for s in served.bodies(mark)}
    assert not fetched & {"model.safetensors", "file.txt", "two.txt"}
    assert python.snapshot(ID, cache_dir=cache, local_files_only=True) == path
    assert python.scan(cache)["warnings"] == []


def test_files_without_links(served, python, hf, home):
    """A filesystem without symbolic links: copies instead, which the other reads."""
    cache = home / "hf" / "hub"
    path = ok(hf("download", "-q", ID, HF_HUB_DISABLE_SYMLINKS="1")).line
    assert not [p for p in Path(path).rglob("*") if p.is_symlink()]
    assert python.snapshot(ID, cache_dir=cache, local_files_only=True) == path
    scan = python.scan(cache)
    assert scan["warnings"] == []
    mark = served.mark()
    assert ok(hf("download", "-q", ID, HF_HUB_DISABLE_SYMLINKS="1")).line == path
    assert ok(hf("download", "-q", ID)).line == path
    assert served.bodies(mark) == []


def test_the_official_command_and_ours_print_the_same_path(served, python, hf, home):
    import sys

    from support import clean_env, run

    official = Path(sys.executable).with_name("hf")
    for args in [["download", ID, "config.json"], ["download", PREFIX["dataset"] + ID, "-q"],
                 ["download", ID, "README.md", "config.json", "-q"], ["download", "hf://" + ID, "-q"],
                 ["download", f"hf://{ID}@v1.0/config.json", "-q"], ["download", f"hf://datasets/{ID}", "-q"],
                 ["download", ID, "nested/", "-q"], ["download", ID, "--json"],
                 ["download", ID, "--exclude", "weights/*", "--format", "json"]]:
        theirs = ok(run([official, *args], clean_env(home, HF_ENDPOINT=served.url)))
        ours = ok(hf(*args))
        if "--json" in args or "json" in args:
            assert json.loads(ours.out) == json.loads(theirs.out), args
        elif "-q" in args:
            assert ours.out == theirs.out, args
        else:
            assert ours.line in theirs.out
