# SPDX-License-Identifier: Apache-2.0
"""One --local-dir for both: plain files, and notes beside them that say which revision they are."""

import os
import re
from pathlib import Path

import pytest
from served import FILES, ID, TYPES
from support import disk, files_below, ok

BOOKS = ".cache/huggingface"


@pytest.fixture(params=["default", "no-xet"])
def python(request, python_default, python_no_xet):
    return {"default": python_default, "no-xet": python_no_xet}[request.param]


def plain_files(local: Path):
    return {n: b for n, b in files_below(local).items() if not n.startswith(".cache/")}


def comparable(local: Path):
    """Names, modes and contents; of the notes all but the time they were written."""
    seen = disk(local)
    for name, value in list(seen.items()):
        if name.endswith(".metadata"):
            lines = (local / name).read_text().split("\n")
            assert len(lines) == 4 and lines[3] == "" and re.fullmatch(r"\d+(\.\d+)?", lines[2]), lines
            seen[name] = (value[0], value[1], lines[:2])
        elif "/trees/" in name and name.endswith(".json"):
            seen[name] = (value[0], value[2])
    return seen


@pytest.mark.parametrize("kind", TYPES)
def test_both_write_the_same(served, python, hf, home, tmp_path, kind):
    theirs, ours = tmp_path / "theirs", home / "ours"
    result = python.snapshot(ID, repo_type=kind, local_dir=theirs, cache_dir=tmp_path / "cache")
    assert result == str(theirs)
    assert ok(hf("download", "-q", ID, "--type", kind, "--local-dir", ours)).line == str(ours)
    assert comparable(ours) == comparable(theirs)
    assert {n: b for n, b in plain_files(ours).items() if n in FILES} == FILES
    assert os.access(ours / "README.md", os.W_OK) and not (ours / "README.md").is_symlink()


def test_both_write_the_same_for_one_file(served, python, hf, home, tmp_path):
    theirs, ours = tmp_path / "theirs", home / "ours"
    for name in ["nested/deep/er/file.txt", "weights/part 1#2.bin", "100%.txt"]:
        assert python.download(ID, name, local_dir=theirs, cache_dir=tmp_path / "cache") == str(theirs / name)
        assert ok(hf("download", "-q", ID, name, "--local-dir", ours)).line == str(ours / name)
    assert comparable(ours) == comparable(theirs)


def test_what_hf_wrote_python_finds(served, python, hf, home, tmp_path):
    local = home / "model"
    ok(hf("download", "-q", ID, "--local-dir", local))
    before = plain_files(local)
    mark = served.mark()
    assert python.snapshot(ID, local_dir=local, local_files_only=True, cache_dir=tmp_path / "c") == str(local)
    assert python.download(ID, "config.json", local_dir=local, local_files_only=True,
                           cache_dir=tmp_path / "c") == str(local / "config.json")
    assert python.snapshot(ID, local_dir=local, cache_dir=tmp_path / "c") == str(local)
    assert served.bodies(mark) == [] and plain_files(local) == before


def test_what_python_wrote_hf_finds(served, made, python, hf, home, tmp_path):
    local = home / "model"
    python.snapshot(ID, local_dir=local, cache_dir=tmp_path / "c")
    before = plain_files(local)
    mark = served.mark()
    assert ok(hf("download", "-q", ID, "--local-dir", local)).line == str(local)
    assert ok(hf("download", "-q", ID, "config.json", "--local-dir", local)).line == str(local / "config.json")
    assert served.bodies(mark) == [] and plain_files(local) == before
    mark = served.mark()
    ok(hf("download", "-q", ID, "--local-dir", local, "--revision", made["model main"]))
    assert ok(hf("download", "-q", ID, "--local-dir", local, HF_HUB_OFFLINE="1")).line == str(local)
    assert served.since(mark) == []


def test_a_new_revision_replaces_what_changed_and_keeps_what_is_the_users(served, python, hf, home, tmp_path):
    local = home / "model"
    python.snapshot(ID, revision="v1.0", local_dir=local, cache_dir=tmp_path / "c")
    (local / "notes of mine.txt").write_text("mine")
    mark = served.mark()
    ok(hf("download", "-q", ID, "--local-dir", local))
    assert [s.path.rsplit("/", 1)[-1] for s in served.bodies(mark)] == ["config.json"]
    assert (local / "config.json").read_bytes() == FILES["config.json"]
    assert (local / "notes of mine.txt").read_text() == "mine"
    mark = served.mark()
    python.snapshot(ID, local_dir=local, cache_dir=tmp_path / "c")
    assert served.bodies(mark) == []


@pytest.mark.parametrize("writer,reader", [("python", "hf"), ("hf", "python"), ("hf", "hf")])
def test_a_file_that_the_user_changed_comes_again(served, python, hf, home, tmp_path, writer, reader):
    """Changed since the notes: they do not count any more."""
    local = home / "model"

    def fetch(who):
        if who == "python":
            python.snapshot(ID, local_dir=local, cache_dir=tmp_path / "c", allow_patterns=["*.safetensors", "*.json"])
        else:
            ok(hf("download", "-q", ID, "--local-dir", local, "--include", "*.safetensors", "--include", "*.json"))

    fetch(writer)
    for name in ["config.json", "model.safetensors"]:
        (local / name).write_bytes(b"changed")
        os.utime(local / name, (2_000_000_000, 2_000_000_000))
    fetch(reader)
    for name in ["config.json", "model.safetensors"]:
        assert (local / name).read_bytes() == FILES[name], name


def test_a_large_file_that_is_right_but_not_noted_is_hashed_and_kept(served, python, hf, home, tmp_path):
    """A download by other means: neither client fetches what has the right SHA-256."""
    for who in ["hf", "python"]:
        local = home / who
        local.mkdir()
        (local / "model.safetensors").write_bytes(FILES["model.safetensors"])
        mark = served.mark()
        if who == "hf":
            ok(hf("download", "-q", ID, "model.safetensors", "--local-dir", local))
        else:
            python.download(ID, "model.safetensors", local_dir=local, cache_dir=tmp_path / "c")
        assert served.bodies(mark) == []
        assert (local / BOOKS / "download" / "model.safetensors.metadata").exists()


def test_what_is_cached_is_copied(served, python, hf, home):
    cache, local = home / "hf" / "hub", home / "model"
    python.snapshot(ID, cache_dir=cache)
    before = disk(cache)
    mark = served.mark()
    ok(hf("download", "-q", ID, "--local-dir", local))
    assert served.bodies(mark) == []
    assert {n: b for n, b in plain_files(local).items() if n in FILES} == FILES
    assert not [p for p in local.rglob("*") if p.is_symlink()]
    assert disk(cache) == before


def test_broken_notes_are_no_notes(served, python, hf, home, tmp_path):
    for text in ["", "x\ny\nz\n", "\n\n\n", "0" * 40, "a" * 100_000, "\xff\xfe"]:
        local = home / f"model-{len(text)}-{ord(text[0]) if text else 0}"
        python.download(ID, "config.json", local_dir=local, cache_dir=tmp_path / "c")
        notes = local / BOOKS / "download" / "config.json.metadata"
        notes.write_bytes(text.encode("latin-1"))
        assert ok(hf("download", "-q", ID, "config.json", "--local-dir", local)).line == str(local / "config.json")
        assert (local / "config.json").read_bytes() == FILES["config.json"]
        assert len(notes.read_text().splitlines()) == 3


def test_dry_run_writes_nothing(served, hf, home):
    local = home / "model"
    result = ok(hf("download", ID, "--local-dir", local, "--dry-run"))
    assert "Will download" in result.out
    assert not local.exists() or plain_files(local) == {}
