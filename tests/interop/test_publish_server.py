# SPDX-License-Identifier: Apache-2.0
"""The official client and git publish to hf-serve: what went up comes down, and git agrees."""

import os

import pytest
from publishing import MODES, SIZES, Hub, same
from served import EXECUTABLE, FILES, PREFIX, TYPES, noise, write_files
from support import CallFailed, ok, run
from tinyhub import git_sha1, sha256


@pytest.mark.parametrize("kind", TYPES)
def test_a_folder_goes_up_and_comes_down(hub, kind, tmp_path):
    if kind != "model" and hub.served.args:
        pytest.skip("parts are the same for every kind")
    files = {**FILES, **SIZES}
    repo = hub.repo(kind, private=True)
    write_files(tmp_path / "up", files)
    mark = hub.served.mark()
    url = hub("result = str(api.upload_folder(repo_id=repo, repo_type=kind, folder_path=path, "
              "commit_message='all of it', commit_description='with words'))", repo=repo, kind=kind, path=tmp_path / "up")
    assert f"/{PREFIX[kind]}{repo}/commit/" in url
    same(hub.down(repo, tmp_path / "cache", kind), files)
    same(hub.clone(repo, tmp_path / "clone", kind), files)
    assert hub.titles(repo, kind) == ["all of it", "initial commit"]
    assert ok(hub.git("log", "-1", "--format=%B", cwd=tmp_path / "clone")).out.strip() == "all of it\n\nwith words"
    lfs = set(ok(hub.git("lfs", "ls-files", "--name-only", cwd=tmp_path / "clone")).out.splitlines())
    assert {"sizes/1.bin", "sizes/10MB.bin", "sizes/threshold+1.txt", "model.safetensors", "two  spaces/and one.bin",
            "weights/ünï+cödé.bin"} <= lfs
    assert not {"sizes/0.bin", "sizes/threshold.txt", "README.md", "ünïcödé/日本語/🤗.txt"} & lfs
    puts = [s for s in hub.served.since(mark) if s.method == "PUT"]
    assert all(s.origin == "storage" and not s.auth for s in puts)
    distinct = {sha256(files[n]): len(files[n]) for n in lfs}
    # the client sends equal files at the same time, the parts of one upload among them
    assert sum(distinct.values()) <= sum(s.rest["received"] for s in puts) <= sum(len(files[n]) for n in lfs)


def test_what_is_there_is_not_sent_again(hub, tmp_path):
    repo = hub.repo()
    write_files(tmp_path, {"a.txt": b"a\n", "b.bin": noise("again", 2_500_000)})
    up = "result = str(api.upload_folder(repo_id=repo, folder_path=path))"
    hub(up, repo=repo, path=tmp_path)
    head = hub.titles(repo)
    mark = hub.served.mark()
    hub(up, repo=repo, path=tmp_path)
    assert hub.titles(repo) == head
    assert not [s for s in hub.served.since(mark) if s.method == "PUT" or "/commit/" in s.path]
    # the same object under another name: known to the repo, so only the commit is new
    mark = hub.served.mark()
    hub("api.upload_file(repo_id=repo, path_or_fileobj=path, path_in_repo='copy.bin')", repo=repo, path=tmp_path / "b.bin")
    seen = hub.served.since(mark)
    assert not [s for s in seen if s.method == "PUT"] and [s for s in seen if "/commit/" in s.path]
    # another repo of the same user must bring its bytes itself
    other = hub.repo()
    mark = hub.served.mark()
    hub(up, repo=other, path=tmp_path)
    assert sum(s.rest["received"] for s in hub.served.since(mark) if s.method == "PUT") == 2_500_000


@pytest.mark.parametrize("size", [0, 1, 999_999, 1_000_000, 1_000_001, 3_500_000])
def test_one_file_by_path_bytes_and_stream(hub, size, tmp_path):
    body = noise(f"one {size}", size)
    (tmp_path / "f").write_bytes(body)
    repo = hub.repo()
    hub("for name, what in (('by path.bin', path), ('by-bytes.bin', open(path, 'rb').read()), "
        "('dir/by-stream.bin', open(path, 'rb'))):\n"
        "    api.upload_file(repo_id=repo, path_in_repo=name, path_or_fileobj=what)\n", repo=repo, path=tmp_path / "f")
    same(hub.clone(repo, tmp_path / "clone"), dict.fromkeys(["by path.bin", "by-bytes.bin", "dir/by-stream.bin"], body))


def test_operations_of_one_commit(plain, tmp_path):
    repo = plain.repo()
    plain("api.create_commit(repo, [Add(n, n.encode()) for n in "
          "('keep.txt', 'gone.txt', 'dir/a.txt', 'dir/sub/b.txt', 'big.bin', 'café/ü.txt')], commit_message='first')", repo=repo)
    info = plain("i = api.create_commit(repo, [Delete('gone.txt'), Delete('dir/'), Add('new.txt', b'new'), "
                 "Copy('big.bin', 'copied.bin'), Copy('keep.txt', 'sub/kept.txt'), Add('keep.txt', b'other')], "
                 "commit_message='second', commit_description='d')\n"
                 "result = dict(oid=i.oid, url=str(i), pr=i.pr_url, message=i.commit_message)", repo=repo)
    assert same(plain.clone(repo, tmp_path / "c"), {
        "keep.txt": b"other", "big.bin": b"big.bin", "copied.bin": b"big.bin", "sub/kept.txt": b"keep.txt",
        "new.txt": b"new", "café/ü.txt": "café/ü.txt".encode()})
    assert info["pr"] is None and info["oid"] == ok(plain.git("rev-parse", "HEAD", cwd=tmp_path / "c")).out.strip()
    with pytest.raises(CallFailed) as error:
        plain("api.create_commit(repo, [Delete('never.txt')], commit_message='x')", repo=repo)
    assert error.value.name in ("RemoteEntryNotFoundError", "EntryNotFoundError")
    with pytest.raises(CallFailed) as error:
        plain("api.create_commit(repo, [Add('x', b'x')], commit_message='x', parent_commit='0' * 40)", repo=repo)
    assert "412" in error.value.text and "updated since" in error.value.text
    plain("api.create_commit(repo, [Add('x', b'x')], commit_message='x', parent_commit=oid)", repo=repo, oid=info["oid"])
    with pytest.raises(CallFailed):
        plain("api.create_commit(repo, [Add('y', b'y')], commit_message='y', parent_commit=oid)", repo=repo, oid=info["oid"])
    assert plain.titles(repo) == ["x", "second", "first", "initial commit"]


def test_deleting(plain):
    repo = plain.repo()
    plain("api.create_commit(repo, [Add(n, n.encode()) for n in "
          "('a.txt', 'b.txt', 'c.bin', 'dir/d.bin', 'dir/e.txt', 'other/f.txt')], commit_message='first')", repo=repo)
    plain("api.delete_files(repo, ['*.bin'])", repo=repo)
    assert plain.names(repo) == [".gitattributes", "a.txt", "b.txt", "dir/e.txt", "other/f.txt"]
    plain("api.delete_folder('dir', repo)", repo=repo)
    plain("api.delete_file('a.txt', repo)", repo=repo)
    assert plain.names(repo) == [".gitattributes", "b.txt", "other/f.txt"]


@pytest.mark.parametrize("kind", TYPES)
def test_pull_requests(plain, kind):
    repo = plain.repo(kind)
    before = plain.names(repo, kind)
    made = plain("result = []\nfor n in ('one.txt', 'two.bin'):\n"
                 "    i = api.upload_file(repo_id=repo, repo_type=kind, path_in_repo=n, path_or_fileobj=n.encode(), "
                 "create_pr=True)\n    i = getattr(i, '_commit_info', i)\n"
                 "    result.append([getattr(i, 'pr_url', None), getattr(i, 'pr_revision', None)])", repo=repo, kind=kind)
    assert plain.names(repo, kind) == before
    numbers = [int(url.rsplit("/", 1)[1]) for url, _ in made]
    assert numbers[1] == numbers[0] + 1 and [f"refs/pr/{n}" for n in numbers] == [r for _, r in made]
    assert made[0][0] == f"{plain.served.url}/{PREFIX[kind]}{repo}/discussions/{numbers[0]}"
    assert plain.names(repo, kind, made[0][1]) == sorted([*before, "one.txt"])
    assert plain.names(repo, kind, made[1][1]) == sorted([*before, "two.bin"])
    plain("api.create_commit(repo, [Add('more.txt', b'm')], repo_type=kind, revision=rev, commit_message='more')",
          repo=repo, kind=kind, rev=made[0][1])
    assert plain.names(repo, kind, made[0][1]) == sorted([*before, "more.txt", "one.txt"])
    with pytest.raises(CallFailed) as error:
        plain("api.create_commit(repo, [Add('x', b'x')], repo_type=kind, revision='refs/pr/99', commit_message='x')",
              repo=repo, kind=kind)
    assert error.value.name == "RevisionNotFoundError"


def test_branches_and_tags(plain):
    repo = plain.repo()
    plain("api.create_branch(repo, branch='dev/ü-x'); api.create_tag(repo, tag='v1')\n"
          "api.upload_file(repo_id=repo, revision='dev/ü-x', path_in_repo='d.txt', path_or_fileobj=b'd')", repo=repo)
    assert "d.txt" in plain.names(repo, revision="dev/ü-x") and "d.txt" not in plain.names(repo)
    head = plain("result = api.model_info(repo).sha", repo=repo)
    for revision in ("v1", head):
        with pytest.raises(CallFailed) as error:
            plain("api.create_commit(repo, [Add('x', b'x')], revision=rev, commit_message='x')", repo=repo, rev=revision)
        assert "branch" in error.value.text
    with pytest.raises(CallFailed) as error:
        plain("api.create_commit(repo, [Add('x', b'x')], revision='no', commit_message='x')", repo=repo)
    assert error.value.name == "RevisionNotFoundError"


def test_gitignore_and_gitattributes_of_the_repo(plain, tmp_path):
    repo = plain.repo()
    plain("api.create_commit(repo, [Add('.gitignore', b'*.log\\n!keep.log\\n/only-root\\nbuild/\\n'), "
          "Add('.gitattributes', b'*.dat filter=lfs diff=lfs merge=lfs -text\\n')], commit_message='rules')", repo=repo)
    files = {"a.log": b"a", "keep.log": b"k", "only-root": b"o", "sub/only-root": b"s", "build/x.txt": b"b",
             "x.dat": b"text\n", "plain.bin": b"plain text\n", "binary": b"\0\1\2", "latin.txt": "ü".encode("latin1") * 9}
    write_files(tmp_path / "up", files)
    plain("api.upload_folder(repo_id=repo, folder_path=path)", repo=repo, path=tmp_path / "up")
    got = plain.clone(repo, tmp_path / "clone")
    assert sorted(got) == sorted([".gitattributes", ".gitignore", "keep.log", "sub/only-root", "x.dat", "plain.bin", "binary",
                                  "latin.txt"])
    lfs = ok(plain.git("lfs", "ls-files", "--name-only", cwd=tmp_path / "clone")).out.splitlines()
    assert sorted(lfs) == ["binary", "latin.txt", "x.dat"]


def test_executables_stay_so(plain, tmp_path):
    repo = plain.repo()
    ok(plain.git("clone", "-q", plain.url(repo), tmp_path / "w"))
    write_files(tmp_path / "w", {"run.sh": b"#!/bin/sh\n"})
    for args in (("add", "-A"), ("commit", "-qm", "x"), ("push", "-q")):
        ok(plain.git(*args, cwd=tmp_path / "w"))
    plain("api.upload_file(repo_id=repo, path_in_repo='run.sh', path_or_fileobj=b'#!/bin/sh\\necho new\\n')", repo=repo)
    assert plain.clone(repo, tmp_path / "c")["run.sh"] == b"#!/bin/sh\necho new\n"
    assert os.access(tmp_path / "c" / "run.sh", os.X_OK)


def test_twenty_thousand_files_in_one_folder(plain, tmp_path):
    repo = plain.repo()
    (tmp_path / "up" / "many").mkdir(parents=True)
    for i in range(20_000):
        (tmp_path / "up" / "many" / f"{i:05}.txt").write_text(f"file {i}\n")
    plain("api.upload_folder(repo_id=repo, folder_path=path)", repo=repo, path=tmp_path / "up")
    assert len(plain.titles(repo)) == 2
    ok(plain.git("clone", "-q", plain.url(repo), tmp_path / "clone"))
    many = tmp_path / "clone" / "many"
    assert len(os.listdir(many)) == 20_000
    assert all((many / f"{i:05}.txt").read_text() == f"file {i}\n" for i in range(0, 20_000, 7))
    git_dir = next(d for d in (plain.served.data / "git").iterdir()
                   if run(["git", "-C", d, "cat-file", "-e", "main:many"], plain.env).code == 0)
    assert ok(run(["git", "-C", git_dir, "fsck", "--full", "--strict", "--no-dangling"], plain.env)).out == ""


def test_git_pushes_large_files(hub, tmp_path):
    repo = hub.repo()
    ok(hub.git("clone", "-q", hub.url(repo), tmp_path / "w"))
    files = {"small.bin": noise("s", 10_000), "a b/ü.txt": b"text\n", "empty": b"", "run.sh": b"#!/bin/sh\n",
             "model.safetensors": noise("push", 3_000_000)}
    write_files(tmp_path / "w", files)
    for args in (("add", "-A"), ("commit", "-qm", "all")):
        ok(hub.git(*args, cwd=tmp_path / "w"))
    pushed = hub.git("push", cwd=tmp_path / "w")
    if "--lfs-multipart-threshold" in hub.served.args:
        assert pushed.code != 0 and "hf lfs-enable-largefiles" in pushed.err
        agent = tmp_path / "agent"  # the official one, under the name that git-lfs looks for
        python = os.environ.get("HFHUB_PYTHON") or __import__("sys").executable
        agent.write_text(f"#!/bin/sh\nexec {python} -m huggingface_hub.cli.hf \"$@\"\n")
        agent.chmod(0o755)
        for name, value in (("path", agent), ("args", "lfs-multipart-upload")):
            ok(hub.git("config", f"lfs.customtransfer.multipart.{name}", value, cwd=tmp_path / "w"))
        pushed = hub.git("push", cwd=tmp_path / "w")
    ok(pushed)
    same(hub.clone(repo, tmp_path / "clone"), files)
    same(hub.down(repo, tmp_path / "cache"), files)
    assert [os.access(tmp_path / "clone" / n, os.X_OK) for n in files] == [n in EXECUTABLE for n in files]


def test_limits(tmp_path):
    with Hub(tmp_path, "--max-file-bytes", "2000000", "--quota-bytes", "3000000") as hub:
        repo = hub.repo()
        up = "api.upload_file(repo_id=repo, path_in_repo=name, path_or_fileobj=bytes([n]) * size)"
        with pytest.raises(CallFailed) as error:
            hub(up, repo=repo, name="large.bin", n=1, size=2_000_001)
        assert "larger than the 2000000 bytes" in error.value.text
        hub(up, repo=repo, name="fits.bin", n=0, size=2_000_000)
        with pytest.raises(CallFailed) as error:
            hub(up, repo=repo, name="too-much.bin", n=0, size=1_000_001)
        assert "quota" in error.value.text
        hub(up, repo=repo, name="rest.bin", n=0, size=1_000_000)
        assert "rest.bin" in hub.names(repo) and "large.bin" not in hub.names(repo)


# what is spoilt, and what the client makes of it
FAULTS = {
    "preupload 503": "match=POST:*/preupload/* nth=1 action=status=503",
    "preupload dropped": "match=POST:*/preupload/* nth=1 action=drop",
    "batch 429": "match=POST:*/objects/batch nth=1 action=status=429:retry-after=1",
    "part 500": "match=PUT:/uploads/* nth=2 action=status=500",
    "part cut": "match=PUT:/uploads/* nth=2 action=take-cut=300000",
    "part lost": "match=PUT:/uploads/* nth=3 action=lose",
    "completion lost": "match=POST:/uploads/*/complete nth=1 action=lose",
    "completion 503": "match=POST:/uploads/*/complete nth=1 action=status=503",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_that_a_client_gets_over(fault, tmp_path):
    (tmp_path / "faults").write_text(FAULTS[fault] + "\n")
    with Hub(tmp_path, "--faults", tmp_path / "faults", *MODES["parts"]) as hub:
        repo = hub.repo()
        body = noise(fault, 2_500_000)
        (tmp_path / "f").write_bytes(body)
        hub("api.upload_file(repo_id=repo, path_in_repo='f.bin', path_or_fileobj=path)", repo=repo, path=tmp_path / "f")
        same(hub.clone(repo, tmp_path / "clone"), {"f.bin": body})
        assert len(hub.titles(repo)) == 2


@pytest.mark.parametrize("rule, done", [
    ("match=PUT:/uploads/* action=expired", False),
    ("match=PUT:/uploads/*/00002 action=etag=0123456789abcdef0123456789abcdef", False),
    ("match=POST:*/commit/* nth=1 action=status=500", False),
    ("match=POST:*/commit/* nth=1 action=lose", True),
])
def test_faults_that_end_an_upload(rule, done, tmp_path):
    """One clear error, and the commit either happened whole or did not."""
    (tmp_path / "faults").write_text(rule + "\n")
    with Hub(tmp_path, "--faults", tmp_path / "faults", *MODES["parts"]) as hub:
        repo = hub.repo()
        with pytest.raises(CallFailed):
            hub("api.upload_file(repo_id=repo, path_in_repo='f.bin', path_or_fileobj=bytes(2_500_000))", repo=repo)
        assert ("f.bin" in hub.names(repo)) == done
        assert len(hub.titles(repo)) == 1 + done
        assert list(hub.served.data.glob("lfs/*/*/*")) == [] or "commit" in rule


def test_ids_told_by_preupload_are_those_of_git(plain):
    repo = plain.repo()
    plain("api.create_commit(repo, [Add('a.txt', b'a'), Add('b.bin', b'b')], commit_message='x')", repo=repo)
    modes = plain(
        "from huggingface_hub.utils import get_session, build_hf_headers\n"
        "r = get_session().post(api.endpoint + f'/api/models/{repo}/preupload/main', headers=build_hf_headers(), json={'files': ["
        "{'path': p, 'size': 1, 'sample': 'YQ=='} for p in ('a.txt', 'b.bin', 'new.txt')]})\n"
        "result = {f['path']: [f['uploadMode'], f.get('oid'), f['shouldIgnore']] for f in r.json()['files']}", repo=repo)
    assert modes == {"a.txt": ["regular", git_sha1(b"a"), False], "b.bin": ["lfs", sha256(b"b"), False],
                     "new.txt": ["regular", None, False]}
