# SPDX-License-Identifier: Apache-2.0
"""hf upload-large-folder and the last release of the official client that had it: what one has noted below the folder
when it is killed, the other goes on from."""

import os
import re
import subprocess
import time
import venv

import pytest
from publishing import Hub, same
from served import noise, write_files
from support import BUILD, HF, files_below, ok
from tinyhub import sha256

OLD = "huggingface_hub==1.29.0"
FILES = {**{f"w{i}/model-{i}.bin": noise(f"large {i}", 1_200_000 + i) for i in range(6)},
         "config.json": b"{}\n", "ü dir/readme ü.txt": b"text\n", "empty": b""}
BINS = [n for n in FILES if n.endswith(".bin")]
# That client sleeps ten seconds whenever a worker finds nothing to do.
IMPATIENT = ("import sys, time\nsleep = time.sleep\ntime.sleep = lambda s: sleep(min(s, 0.2))\n"
             "from huggingface_hub.cli.hf import main\nsys.argv[0] = 'hf'\nmain()\n")
MESSAGE = "Add files using upload-large-folder tool"


@pytest.fixture(scope="module")
def old_hf():
    """The command of that release, in an environment of its own below the build folder."""
    folder = BUILD / "interop-large-folder"
    stamp = folder / OLD
    if not stamp.exists():
        venv.create(folder, with_pip=True, clear=True)
        result = subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", OLD],
                                capture_output=True, text=True)
        if result.returncode:
            message = f"{OLD} cannot be had: {result.stderr[-300:]}"
            if os.environ.get("HFHUB_REQUIRE_INTEROP") == "1":
                pytest.fail(message)
            pytest.skip(message)
        stamp.touch()
    return [folder / "bin" / "python", "-c", IMPATIENT]


@pytest.fixture
def hub(tmp_path):
    (tmp_path / "faults").touch()
    with Hub(tmp_path, "--faults", tmp_path / "faults") as made:
        made.faults = tmp_path / "faults"
        yield made


def spoil(hub, *rules):
    hub.faults.write_text("".join(rule + "\n" for rule in rules))
    hub.served._process.send_signal(1)
    time.sleep(0.3)


def notes(folder):
    """path → the lines of its note, for those that are whole."""
    books = folder / ".cache/huggingface/upload"
    found = {}
    for path in books.rglob("*.metadata"):
        lines = path.read_text().split("\n")
        if len(lines) == 9 and not lines[8]:
            found[str(path.relative_to(books))[:-9]] = lines[:8]
    return found


def start(hub, program, *args):
    env = {**hub.env, "HF_DEBUG": "1"} if program == [HF] else hub.env
    return subprocess.Popen([*program, "upload-large-folder", "alice/large", *map(str, args)], env=env,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_when(process, what):
    end = time.monotonic() + 60
    while not what() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert process.poll() is None, f"it ended first: {process.communicate()}"
    process.kill()
    process.communicate()


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def arrived(hub, mark=0):
    """SHA-256 of the objects whose body came, each as often as it came."""
    return [re.search("[0-9a-f]{64}", s.path)[0] for s in hub.served.since(mark) if s.method == "PUT" and s.status == 200]


def check_all_is_there(hub, tmp_path):
    same(hub.clone("alice/large", tmp_path / "clone"), FILES)
    same(hub.down("alice/large", tmp_path / "cache"), FILES)


def test_theirs_is_killed_and_ours_goes_on(hub, old_hf, tmp_path):
    folder = write_files(tmp_path / "up", FILES)
    spoil(hub, "match=PUT:/uploads/* nth=3+ action=delay=5000")
    process = start(hub, old_hf, folder, "--type", "model", "--num-workers", "2", "--no-report", "--no-bars")
    kill_when(process, lambda: sum(n[6] == "1" for n in notes(folder).values()) >= 2)
    theirs = notes(folder)
    hashed = [n for n in BINS if theirs.get(n, [""] * 8)[3]]
    assert len(hashed) >= 3 and all(theirs[n][3] == sha256(FILES[n]) for n in hashed)
    spoil(hub)
    first, mark = arrived(hub), hub.served.mark()
    _, err = finish(start(hub, [HF], folder))
    # What they hashed we do not hash, what they brought we do not bring.
    assert not set(re.findall(r"hashed '(.*?)'", err)) & set(hashed)
    assert sorted(first + arrived(hub, mark)) == sorted(sha256(FILES[n]) for n in BINS)
    check_all_is_there(hub, tmp_path)
    assert set(hub.titles("alice/large")) == {MESSAGE, "initial commit"}
    # and they see from our notes that nothing is left to be done
    mark = hub.served.mark()
    finish(start(hub, old_hf, folder, "--type", "model", "--num-workers", "1", "--no-report", "--no-bars"))
    assert not arrived(hub, mark)
    assert all(n[7] == "1" for name, n in notes(folder).items() if name in BINS)


def test_ours_is_killed_and_theirs_goes_on(hub, old_hf, tmp_path):
    folder = write_files(tmp_path / "up", FILES)
    spoil(hub, "match=PUT:/uploads/* nth=3+ action=delay=5000")
    process = start(hub, [HF], folder)
    kill_when(process, lambda: all(notes(folder).get(n, [""] * 8)[3] for n in BINS) and len(hub.served._lines()) > 4)
    ours = notes(folder)
    assert {n: ours[n][1:] for n in BINS} == {
        n: [str(len(FILES[n])), "0", sha256(FILES[n]), "lfs", "", "0", "0"] for n in BINS}
    assert all(abs(float(ours[n][0]) - time.time()) < 600 for n in BINS)
    spoil(hub)
    first, mark = arrived(hub), hub.served.mark()
    finish(start(hub, old_hf, folder, "--type", "model", "--num-workers", "1", "--no-report", "--no-bars"))
    theirs = notes(folder)
    assert {n: theirs[n][3] for n in BINS} == {n: ours[n][3] for n in BINS}
    assert sorted(first + arrived(hub, mark)) == sorted(sha256(FILES[n]) for n in BINS)
    check_all_is_there(hub, tmp_path)


def test_the_options(hub, tmp_path):
    folder = write_files(tmp_path / "up", {**FILES, "skip.log": b"x", "w0/also.skip": b"x"})
    result = ok(hub.hf("upload-large-folder", "alice/large", folder, "--type", "dataset", "--revision", "next", "--private",
                       "--include", "*", "--exclude", "*.log", "--exclude", "*.skip", "--num-workers", "3", "--no-report",
                       "--no-bars", "--token", hub.token, HF_TOKEN="hf_none"))
    assert result.out == "" and "deprecated" in result.err and "Upload is complete!" in result.err
    assert hub("result = api.dataset_info('alice/large').private") is True
    same(hub.down("alice/large", tmp_path / "cache", "dataset", "next"), FILES)
    assert hub.titles("alice/large", "dataset", "next") == [MESSAGE, "initial commit"]
    assert hub.titles("alice/large", "dataset") == ["initial commit"]
    again = ok(hub.hf("upload-large-folder", "datasets/alice/large", folder, "--revision", "next", "--include", "*.bin"))
    assert "No files have been modified" in again.err
    for args, word in (((folder / "config.json",), "only supported for folders"), ((tmp_path / "none",), "only supported"),
                       ((folder, "--num-workers", "x"), "num-workers"), ((folder, "--create-pr"), "create-pr")):
        failed = hub.hf("upload-large-folder", "alice/large", *args)
        assert failed.code == 2 and word in failed.err, failed.err


def test_notes_that_lie_cost_a_hash_and_nothing_else(hub, tmp_path):
    """The notes name neither repo nor revision: in another repo nothing of them counts but the hash."""
    folder = write_files(tmp_path / "up", FILES)
    finish(start(hub, [HF], folder))
    books = folder / ".cache/huggingface/upload"
    assert all(n[6:] == ["1", "1"] for name, n in notes(folder).items() if name in BINS)
    for name, text in ((BINS[0], "no note"), (BINS[1], ""), (BINS[2], "1e400\n-1\n2\nzz\nlfs\n\n1\n1\n"), (BINS[3], "\0" * 5000)):
        (books / f"{name}.metadata").write_text(text)
    process = subprocess.run([HF, "upload-large-folder", "alice/other", folder], env={**hub.env, "HF_DEBUG": "1"},
                             capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert set(re.findall(r"hashed '(.*?)'", process.stderr)) == set(BINS[:4])
    same(hub.down("alice/other", tmp_path / "cache"), FILES)
    assert not [n for n in files_below(tmp_path / "cache") if ".cache" in n]
