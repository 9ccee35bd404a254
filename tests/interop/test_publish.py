# SPDX-License-Identifier: Apache-2.0
"""What `hf upload` publishes the official client downloads, and the other way round; git finds nothing wrong with it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from publishing import SIZES, same
from served import FILES, PREFIX, TYPES, noise, write_files
from support import BUILD, HF, files_below, ok, run
from tinyhub import sha256

TITLE = "Upload folder using huggingface_hub"


def url_of(hub, result):
    """The address of the commit, which is all that is on stdout."""
    found = re.fullmatch(re.escape(hub.served.url) + r"/(?:\w+/)?alice/\S+/commit/([0-9a-f]{40})", ok(result).line)
    assert found, result.line
    return found[1]


def up(hub, kind, name, *args, **env):
    return url_of(hub, hub.hf("upload", f"{PREFIX[kind]}{name}", *args, **env))


def get(hub, cache, kind, name, *args):
    """By `hf download`: name → content."""
    return files_below(Path(ok(hub.hf("download", "-q", "--cache-dir", cache, f"{PREFIX[kind]}{name}", *args)).line))


def head_message(hub, clone):
    return ok(hub.git("log", "-1", "--format=%B", cwd=clone)).out.strip()


# ---- up by us, down by them


@pytest.mark.parametrize("kind", TYPES)
def test_a_folder_of_everything(hub, kind, tmp_path):
    if kind != "model" and hub.served.args:
        pytest.skip("parts are the same for every kind")
    files = {**FILES, **SIZES}
    folder = write_files(tmp_path / "up", files)
    (folder / "link to config").symlink_to("config.json")
    files["link to config"] = files["config.json"]
    name = f"alice/every-{kind}-{len(hub.served.args)}"
    mark = hub.served.mark()
    commit = up(hub, kind, name, folder, ".", "--private", "--commit-message", "all of it",
                "--commit-description", "with words")
    puts = [s for s in hub.served.since(mark) if s.method == "PUT"]
    same(hub.down(name, tmp_path / "cache", kind), files)
    same(hub.clone(name, tmp_path / "clone", kind), files)
    assert hub("i = api.repo_info(repo, repo_type=kind)\nresult = [i.private, i.sha]", repo=name, kind=kind) == [True, commit]
    assert hub.titles(name, kind) == ["all of it", "initial commit"]
    assert head_message(hub, tmp_path / "clone") == "all of it\n\nwith words"
    lfs = set(ok(hub.git("lfs", "ls-files", "--name-only", cwd=tmp_path / "clone")).out.splitlines())
    assert {"sizes/1.bin", "sizes/10MB.bin", "sizes/threshold+1.txt", "model.safetensors"} <= lfs
    assert not {"sizes/0.bin", "sizes/threshold.txt", "README.md"} & lfs
    # One content is one object, sent once, straight to the storage, without a token.
    assert puts and all(s.origin == "storage" and not s.auth for s in puts)
    assert sum(s.rest["received"] for s in puts) == sum({sha256(files[n]): len(files[n]) for n in lfs}.values())


def test_what_is_there_is_not_sent_again(hub, tmp_path):
    folder = write_files(tmp_path / "up", {"a.txt": b"a\n", "b.bin": noise("we again", 2_500_000)})
    name = f"alice/again-{len(hub.served.args)}"
    first = up(hub, "model", name, folder)
    mark = hub.served.mark()
    result = hub.hf("upload", name, folder)
    assert url_of(hub, result) == first and "No files have been modified since last commit" in result.err
    assert not [s for s in hub.served.since(mark) if s.method == "PUT" or "/commit/" in s.path]
    # What they published we know to be there, and they know what we did.
    hub("api.upload_folder(repo_id=repo, folder_path=path)", repo=name, path=folder)
    assert hub.titles(name) == [TITLE, "initial commit"]


@pytest.mark.parametrize("size", [0, 1, 999_999, 1_000_000, 1_000_001, 3_500_000])
def test_one_file_and_standard_input(hub, size, tmp_path):
    body = noise(f"ours {size}", size)
    (tmp_path / "f").write_bytes(body)
    name = f"alice/one-{size}-{len(hub.served.args)}"
    up(hub, "model", name, tmp_path / "f", "by path.bin")
    for what, feed in (("dir/by pipe ü.bin", {"input": body}), ("dir/by file.bin", {"stdin": open(tmp_path / "f", "rb")})):
        done = subprocess.run([HF, "upload", name, "-", what], env=hub.env, capture_output=True, timeout=120, **feed)
        assert done.returncode == 0, done.stderr
    files = dict.fromkeys(["by path.bin", "dir/by pipe ü.bin", "dir/by file.bin"], body)
    same(hub.clone(name, tmp_path / "clone"), files)
    same(hub.down(name, tmp_path / "cache"), files)
    assert hub.titles(name) == [f"Upload {n} with huggingface_hub" for n in reversed(files)] + ["initial commit"]


def test_include_exclude_delete(plain, tmp_path):
    folder = write_files(tmp_path / "up", {"a.txt": b"1", "b.txt": b"2", "c.md": b"3", "old/x y": b"4", "old/z": b"5"})
    up(plain, "dataset", "alice/pick", folder, "to/here")
    for name in ("a.txt", "b.txt", "c.md"):
        (folder / name).write_bytes(b"new " + name.encode())
    up(plain, "dataset", "alice/pick", folder, "to/here", "--include", "*.txt", "--include", "old/*", "--exclude", "b*",
       "--exclude", "old/*", "--delete", "old/*", "--delete", "a.txt", "--commit-message", "chosen")
    want = {"to/here/a.txt": b"new a.txt", "to/here/b.txt": b"2", "to/here/c.md": b"3"}
    same(plain.down("alice/pick", tmp_path / "cache", "dataset"), want)
    same(plain.clone("alice/pick", tmp_path / "clone", "dataset"), want)
    assert plain.titles("alice/pick", "dataset") == ["chosen", TITLE, "initial commit"]


@pytest.mark.parametrize("kind", TYPES)
def test_pull_request_and_branch(plain, kind, tmp_path):
    name = f"alice/side-{kind}"
    folder = write_files(tmp_path / "up", {"a.txt": b"1", "w.bin": noise("w1", 9000)})
    up(plain, kind, name, folder)
    made = {"README.md": plain.down(name, tmp_path / "made", kind)["README.md"]} if kind == "space" else {}
    write_files(folder, {"a.txt": b"2", "w.bin": noise("w2", 9000)})
    result = plain.hf("upload", f"{PREFIX[kind]}{name}", folder, "--create-pr", "--commit-message", "please")
    commit = url_of(plain, result)
    page = f"{plain.served.url}/{PREFIX[kind]}{name}/discussions/1"
    assert f"Pull request: {page}" in result.err
    told = plain("d = api.get_discussion_details(repo, 1, repo_type=kind)\nresult = [d.title, d.status, d.is_pull_request, "
                 "d.url, api.repo_info(repo, repo_type=kind, revision='refs/pr/1').sha]", repo=name, kind=kind)
    assert told[0] == "please" and told[2:] == [True, page, commit]
    # on top of it, by its ref
    (folder / "more.txt").write_bytes(b"3")
    up(plain, kind, name, folder / "more.txt", "more.txt", "--revision", "refs/pr/1")
    up(plain, kind, name, folder, "--revision", "dev/ü-x", "--commit-message", "elsewhere")
    now = {"a.txt": b"2", "w.bin": noise("w2", 9000), "more.txt": b"3", **made}
    same(plain.down(name, tmp_path / "pr", kind, "refs/pr/1"), now)
    same(plain.down(name, tmp_path / "branch", kind, "dev/ü-x"), now)
    same(plain.down(name, tmp_path / "main", kind), {"a.txt": b"1", "w.bin": noise("w1", 9000), **made})
    assert plain.titles(name, kind) == [TITLE, "initial commit"]
    assert plain.titles(name, kind, "dev/ü-x")[0] == "elsewhere"
    assert plain.titles(name, kind, "refs/pr/1")[:2] == ["Upload more.txt with huggingface_hub", "please"]


def test_executables_stay_so(plain, tmp_path):
    repo = plain.repo()
    ok(plain.git("clone", "-q", plain.url(repo), tmp_path / "w"))
    write_files(tmp_path / "w", {"run.sh": b"#!/bin/sh\n"})
    for args in (("add", "-A"), ("commit", "-qm", "x"), ("push", "-q")):
        ok(plain.git(*args, cwd=tmp_path / "w"))
    write_files(tmp_path / "w", {"run.sh": b"#!/bin/sh\necho new\n", "plain.sh": b"#!/bin/sh\n"})
    up(plain, "model", repo, tmp_path / "w")  # .git does not go up
    got = plain.clone(repo, tmp_path / "c")
    same(got, {"run.sh": b"#!/bin/sh\necho new\n", "plain.sh": b"#!/bin/sh\n"})
    assert os.access(tmp_path / "c" / "run.sh", os.X_OK)


def test_twenty_thousand_files_in_one_folder(plain, tmp_path):
    many = tmp_path / "up" / "many"
    many.mkdir(parents=True)
    for i in range(20_000):
        (many / f"{i:05}.txt").write_text(f"we {i}\n")
    up(plain, "dataset", "alice/many", tmp_path / "up")
    titles = plain.titles("alice/many", "dataset")
    parts = [f"{TITLE} (part {n})" for n in range(len(titles) - 1, 1, -1)]
    assert titles == [*parts, TITLE, "initial commit"] and 2 < len(titles) < 60
    ok(plain.git("clone", "-q", plain.url("alice/many", "dataset"), tmp_path / "clone"))
    assert ok(plain.git("fsck", "--full", "--strict", "--no-dangling", cwd=tmp_path / "clone")).out == ""
    assert ok(plain.git("diff", "--no-index", "--stat", tmp_path / "up" / "many", tmp_path / "clone" / "many")).out == ""
    assert len(os.listdir(tmp_path / "clone" / "many")) == 20_000
    some = plain("result = api.snapshot_download(repo, repo_type='dataset', cache_dir=cache, allow_patterns='many/000*')",
                 repo="alice/many", cache=tmp_path / "cache")
    assert files_below(Path(some)) == {f"many/{i:05}.txt": b"we %d\n" % i for i in range(100)}
    assert plain("result = len(api.list_repo_files(repo, repo_type='dataset'))", repo="alice/many") == 20_001


# ---- up by them, down by us


@pytest.mark.parametrize("kind", TYPES)
def test_their_folder_comes_down_by_us(hub, kind, tmp_path):
    if kind != "model" and hub.served.args:
        pytest.skip("parts are the same for every kind")
    files = {**FILES, **SIZES}
    repo = hub.repo(kind)
    hub("api.upload_folder(repo_id=repo, repo_type=kind, folder_path=path)", repo=repo, kind=kind,
        path=write_files(tmp_path / "up", files))
    same(get(hub, tmp_path / "cache", kind, repo), files)
    # and we see at once that all of it is there
    mark = hub.served.mark()
    assert "No files have been modified" in ok(hub.hf("upload", f"{PREFIX[kind]}{repo}", tmp_path / "up")).err
    assert not [s for s in hub.served.since(mark) if s.method == "PUT" or "/commit/" in s.path]


def test_their_operations_come_down_by_us(plain, tmp_path):
    repo = plain.repo()
    plain("api.create_commit(repo, [Add(n, n.encode()) for n in ('keep.txt', 'gone.txt', 'dir/a.txt', 'dir/sub/b.txt', "
          "'big.bin', 'ca fé/ü.txt')], commit_message='first')\n"
          "api.create_commit(repo, [Delete('gone.txt'), Delete('dir/'), Copy('big.bin', 'copied.bin'), "
          "Copy('keep.txt', 'sub/kept.txt'), Add('keep.txt', b'other')], commit_message='second')\n"
          "api.upload_file(repo_id=repo, path_in_repo='one.bin', path_or_fileobj=b'1')\n"
          "api.delete_files(repo, ['one.*'])\n"
          "api.create_pull_request(repo, title='empty')\n"
          "api.create_commit(repo, [Add('pr.bin', b'in a pull request')], revision='refs/pr/1', commit_message='third')\n"
          "api.upload_file(repo_id=repo, path_in_repo='pr2.txt', path_or_fileobj=b'2', create_pr=True)", repo=repo)
    main = {"keep.txt": b"other", "big.bin": b"big.bin", "copied.bin": b"big.bin", "sub/kept.txt": b"keep.txt",
            "ca fé/ü.txt": "ca fé/ü.txt".encode()}
    same(get(plain, tmp_path / "cache", "model", repo), main)
    same(get(plain, tmp_path / "cache", "model", repo, "--revision", "refs/pr/1"), {**main, "pr.bin": b"in a pull request"})
    same(get(plain, tmp_path / "cache", "model", repo, "--revision", "refs/pr/2"), {**main, "pr2.txt": b"2"})


# ---- calls that the command has no word for


@pytest.fixture
def calls(plain):
    def call(*args):
        return run([BUILD / "tests" / "interop_calls", *args], plain.env)

    return call


def test_copies(plain, calls, tmp_path):
    repo = plain.repo()
    old = {"t.txt": b"old text\n", "w.bin": noise("old weights", 40_000), "empty": b""}
    up(plain, "model", repo, write_files(tmp_path / "up", old))
    plain("api.create_tag(repo, tag='v1')", repo=repo)
    up(plain, "model", repo, write_files(tmp_path / "up", {"t.txt": b"new\n", "w.bin": noise("new weights", 50_000)}))
    mark = plain.served.mark()
    for args in (("t.txt", "copies/t ü.txt"), ("w.bin", "copies/w.bin"), ("empty", "copies/empty"),
                 ("t.txt", "v1/t.txt", "v1"), ("w.bin", "v1/w.bin", "v1")):
        assert re.fullmatch("[0-9a-f]{40}", ok(calls("copy", repo, *args)).line)
    # no large file went over the wire in either direction
    assert not [s for s in plain.served.since(mark) if s.method == "PUT" or s.origin == "storage"]
    new = {"t.txt": b"new\n", "w.bin": noise("new weights", 50_000), "empty": b""}
    want = {**new, **{f"copies/{'t ü.txt' if n == 't.txt' else n}": b for n, b in new.items()},
            "v1/t.txt": old["t.txt"], "v1/w.bin": old["w.bin"]}
    same(plain.clone(repo, tmp_path / "clone"), want)
    same(plain.down(repo, tmp_path / "cache"), want)
    for args, error in ((("none", "x"), "HF_ERR_ENTRY_NOT_FOUND"), (("copies", "x"), "HF_ERR_ENTRY_NOT_FOUND"),
                        (("t.txt", "x", "v9"), "HF_ERR_REVISION_NOT_FOUND"), (("t.txt", "../x"), "HF_ERR_UNSAFE_PATH")):
        failed = calls("copy", repo, *args)
        assert failed.code == 1 and failed.err.startswith(f"error {error}: "), failed.err


def test_deletions(plain, calls, tmp_path):
    repo = plain.repo()
    up(plain, "model", repo, write_files(tmp_path / "up", {
        "a.txt": b"1", "dir/b.bin": b"\0", "dir/sub/c": b"3", "dirt/d": b"4", "with space/é": b"5"}))
    for args in (("delete-folder", "dir"), ("delete-folder", "with space/"), ("delete-file", "a.txt")):
        ok(calls(args[0], repo, args[1]))
    same(plain.clone(repo, tmp_path / "clone"), {"dirt/d": b"4"})
    for args in (("delete-file", "a.txt"), ("delete-folder", "dir"), ("delete-file", "dirt"), ("delete-folder", "dirt/d")):
        failed = calls(args[0], repo, args[1])
        assert failed.code == 1 and failed.err.startswith("error HF_ERR_ENTRY_NOT_FOUND: "), (args, failed)
    assert plain.titles(repo) == ["Delete a.txt", "Delete with space/", "Delete dir/", TITLE, "initial commit"]


def test_a_stranger_opens_a_pull_request(plain, tmp_path):
    """Who may only read a public repo cannot change it, but can propose a change, with large files in it."""
    repo = plain.repo()
    stranger = plain.served.command("user", "add", "mallory").strip().splitlines()[-1]
    folder = write_files(tmp_path / "up", {"a.txt": b"1", "w.bin": noise("stranger", 30_000)})
    refused = plain.hf("upload", repo, folder, HF_TOKEN=stranger)
    assert refused.code == 1 and "403" in refused.err, refused.err
    assert plain.titles(repo) == ["initial commit"]
    result = plain.hf("upload", repo, folder, "--create-pr", HF_TOKEN=stranger)
    commit = url_of(plain, result)
    assert plain.names(repo) == [".gitattributes"]
    same(plain.down(repo, tmp_path / "cache", revision="refs/pr/1"), files_below(folder))
    assert plain("result = api.get_discussion_details(repo, 1).author", repo=repo) == "mallory"
    assert plain("result = api.list_repo_commits(repo, revision='refs/pr/1')[0].commit_id", repo=repo) == commit
    # in a private repo a stranger sees nothing
    hidden = plain.repo(private=True)
    refused = plain.hf("upload", hidden, folder, "--create-pr", HF_TOKEN=stranger)
    assert refused.code == 1 and plain.titles(hidden) == ["initial commit"]


def test_json_and_the_library_say_the_same(plain, tmp_path):
    folder = write_files(tmp_path / "up", {"a.txt": b"1"})
    told = json.loads(ok(plain.hf("upload", "alice/told", folder, "--format", "json")).out)
    assert told["url"] == f"{plain.served.url}/alice/told/commit/{plain('result = api.model_info(r).sha', r='alice/told')}"


def test_on_top_of_a_commit(plain, calls, tmp_path):
    repo = plain.repo()
    first = plain("result = api.model_info(repo).sha", repo=repo)
    second = ok(calls("on-top-of", repo, first, "a.txt")).line
    ok(calls("on-top-of", repo, second[:7], "b.txt"))
    for stale in (first, second):
        refused = calls("on-top-of", repo, stale, "c.txt")
        assert refused.code == 1 and refused.err.startswith("error HF_ERR_CONFLICT: "), refused.err
        assert "updated since" in refused.err
    assert calls("on-top-of", repo, "main", "c.txt").err.startswith("error HF_ERR_INVALID_ARG: ")
    same(plain.down(repo, tmp_path / "cache"), {"a.txt": b"a.txt", "b.txt": b"b.txt"})


# ---- what goes where

# words after the repo, where there are: name/f.txt, name/sub/g.txt, one.txt, .dot, "s p ü.txt"
WHERE = [
    [],
    ["name"],
    ["./name/"],
    ["name", "."],
    ["name", "./"],
    ["name", "in/here"],
    ["name", "/in/here/"],
    ["name/sub", "deep"],
    ["one.txt"],
    ["./one.txt"],
    ["name/sub/g.txt"],
    ["name/sub/g.txt", "g/other.txt"],
    ["one.txt", "/x.txt"],
    ["one.txt", "./x.txt"],
    ["one.txt", "."],
    ["one.txt", "../x.txt"],
    ["one.txt", ".git/x"],
    ["s p ü.txt"],
    ["."],
    ["*.txt"],
    ["name/*"],
    ["none"],
    ["name", "x", "--include", "*.none"],
    ["name", "--include", "sub/"],
    ["name", "--include", "*.TXT", "--include", "f*"],
    [".", "--exclude", "name/", "--exclude", "[o.]*"],
    [".", "--include", "*.txt", "--exclude", "*/sub/*"],
]


def test_what_goes_where_is_as_theirs(plain, tmp_path):
    """The official command in one repo, ours in another: the same paths, or both refuse."""
    work = write_files(tmp_path / "w", {"name/f.txt": b"f", "name/sub/g.txt": b"g", "one.txt": b"1", ".dot": b"d", ".git/config": b"x",
                                        "name/.git/config": b"x", ".cache/huggingface/n": b"x",
                                        "s p ü.txt": b"s"})
    # One process for all calls of the official command: each start of it takes a second.
    theirs = plain("""
import contextlib, io, os
from huggingface_hub.cli.hf import app
os.chdir(work)
result = []
for words in where:
    api.create_repo('alice/name', exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(['upload', 'name', *words], standalone_mode=False)
            ok = True
        except (Exception, SystemExit) as e:
            ok = False
    result.append([ok, sorted(set(api.list_repo_files('alice/name')) - {'.gitattributes'})])
    api.delete_repo('alice/name', missing_ok=True)
""", work=work, where=WHERE)
    for words, (worked, paths) in zip(WHERE, theirs):
        plain("api.create_repo('alice/name', exist_ok=True)")
        done = subprocess.run([HF, "upload", "name", *words], env=plain.env, cwd=work, capture_output=True, text=True)
        names = [n for n in plain.names("alice/name") if n != ".gitattributes"]
        assert (done.returncode == 0, names) == (worked, paths), (words, done.stderr)
        plain("api.delete_repo('alice/name')")
