# SPDX-License-Identifier: Apache-2.0
"""The first call the Hub's client ever had, cached_download(url, …), against hf_cached_download().

The judge is a release of that time, in an environment of its own below the build folder.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
import venv

import pytest
from support import BUILD, clean_env, disk, ok, run
from tinyhub import Answer, TinyHub, sha256

OLD = "huggingface_hub==0.0.19"
FILES = {"config.json": b'{"a": 1}\n', "sub/model.bin": b"weights" * 1000, "tf_model.h5": b"h5" * 100,
         "empty": b"", "ünï 1#2.txt": b"unicode\n"}


@pytest.fixture(scope="module")
def old_python():
    """A Python with the old release."""
    folder = BUILD / "interop-legacy"
    python = folder / "bin" / "python"
    stamp = folder / OLD
    if not stamp.exists():
        venv.create(folder, with_pip=True, clear=True)
        result = subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", OLD],
                                capture_output=True, text=True)
        if result.returncode:
            message = f"{OLD} cannot be had: {result.stderr[-300:]}"
            if os.environ.get("HFHUB_REQUIRE_INTEROP") == "1":
                pytest.fail(message)
            pytest.skip(message)
        stamp.touch()
    return python


@pytest.fixture
def theirs(old_python, tmp_path):
    def call(url, cache, **kw):
        code = (f"from huggingface_hub import cached_download\n"
                f"print(cached_download({url!r}, cache_dir={str(cache)!r}, library_name='interop', "
                f"library_version='1.0', **{kw!r}))")
        return run([old_python, "-c", code], clean_env(tmp_path))

    return call


@pytest.fixture
def ours(home):
    def call(url, cache, *args, **env):
        return run([BUILD / "tests" / "interop_calls", "cached", url, cache, *args], clean_env(home, **env))

    return call


def url_of(hub, path):
    """As hf_hub_url of that time made it: nothing is quoted, the HTTP library did that later."""
    from urllib.parse import quote

    return f"{hub.url}/{hub.repo}/resolve/main/{quote(path)}"


@pytest.mark.parametrize("lfs", [False, True], ids=["git", "lfs"])
@pytest.mark.parametrize("path", FILES)
def test_same_names_and_sidecars(theirs, ours, tmp_path, path, lfs):
    """Every name, every mode but of the content, and every byte."""
    with TinyHub(FILES, lfs={path} if lfs else ()) as hub:
        url = url_of(hub, path)
        his = ok(theirs(url, tmp_path / "theirs")).line
        mine = ok(ours(url, tmp_path / "ours")).line
        assert os.path.basename(mine) == os.path.basename(his)
        left, right = disk(tmp_path / "theirs"), disk(tmp_path / "ours")
        assert set(right) == set(left)
        assert {n: v[2] for n, v in right.items()} == {n: v[2] for n, v in left.items()}
        assert {n: v[1] for n, v in right.items() if n.endswith(".json")} == \
               {n: v[1] for n, v in left.items() if n.endswith(".json")}


@pytest.mark.parametrize("etag", ['"abc"', 'W/"abc"', "abc", '"with \\" quote"', '"a/b"'])
def test_etag_is_taken_as_it_came(theirs, ours, tmp_path, etag):
    with TinyHub(FILES) as hub:
        def respond(request):
            answer = hub.answer(request)
            answer.headers["ETag"] = etag
            return answer

        hub.respond = respond
        url = url_of(hub, "config.json")
        ok(theirs(url, tmp_path / "theirs"))
        ok(ours(url, tmp_path / "ours"))
        assert {n: v[2] for n, v in disk(tmp_path / "ours").items()} == \
               {n: v[2] for n, v in disk(tmp_path / "theirs").items()}


@pytest.mark.parametrize("path", ["config.json", "tf_model.h5"])
def test_either_reads_what_the_other_wrote(theirs, ours, tmp_path, path):
    with TinyHub(FILES, lfs={"tf_model.h5"}) as hub:
        url = url_of(hub, path)
        for first, second in [(theirs, ours), (ours, theirs)]:
            cache = tmp_path / f"cache-{first is ours}"
            made = ok(first(url, cache)).line
            hub.seen.clear()
            assert ok(second(url, cache)).line == made
            assert hub.bodies() == []


@pytest.mark.parametrize("path", ["config.json", "tf_model.h5"])
def test_without_a_network_the_cached_file_is_returned(theirs, ours, tmp_path, path):
    cache = tmp_path / "cache"
    with TinyHub(FILES) as hub:
        url = url_of(hub, path)
        made = ok(theirs(url, cache)).line
    assert ok(theirs(url, cache)).line == made
    assert ok(ours(url, cache)).line == made
    assert ok(ours(url, cache, HF_HUB_OFFLINE="1")).line == made
    missing = ours(url + "x", cache, HF_HUB_OFFLINE="1")
    assert missing.code == 1 and "error HF_ERR_" in missing.err


def test_a_new_etag_makes_a_new_file_and_keeps_the_old(theirs, ours, tmp_path):
    cache = tmp_path / "cache"
    with TinyHub(FILES) as hub:
        url = url_of(hub, "config.json")
        old = ok(theirs(url, cache)).line
        hub.files = {**FILES, "config.json": b'{"a": 2}\n'}
        new = ok(ours(url, cache)).line
        assert old != new and open(old, "rb").read() == FILES["config.json"]
        assert ok(theirs(url, cache)).line == new


def test_the_lock_is_the_same(theirs, ours, tmp_path):
    """A lock that another holds makes both wait; when the file is there then, nobody fetches it."""
    cache = tmp_path / "cache"
    with TinyHub(FILES) as hub:
        url = url_of(hub, "config.json")
        path = ok(theirs(url, cache)).line
        body = open(path, "rb").read()
        os.rename(path, path + ".aside")
        hub.seen.clear()
        with open(path + ".lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            results = []
            threads = [threading.Thread(target=lambda c=c: results.append(c(url, cache))) for c in (theirs, ours)]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 30
            while len([r for r in hub.seen if r.method == "HEAD"]) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.5)
            assert not results and hub.bodies() == []
            os.rename(path + ".aside", path)
        for thread in threads:
            thread.join()
        assert [ok(r).line for r in results] == [path, path]
        assert hub.bodies() == [] and open(path, "rb").read() == body


def test_a_token_is_sent_only_when_given_and_not_to_storage(ours, tmp_path):
    with TinyHub(FILES, lfs={"sub/model.bin"}) as hub:
        url = url_of(hub, "sub/model.bin")
        ok(ours(url, tmp_path / "a", HF_TOKEN="hf_environment"))
        assert {r.headers.get("authorization") for r in hub.seen} == {None}
        hub.seen.clear()
        ok(ours(url, tmp_path / "b", "hf_given"))
        assert {(r.origin, r.headers.get("authorization")) for r in hub.seen} == {
            ("hub", "Bearer hf_given"), ("storage", None)}


def test_user_agent_begins_as_it_did(theirs, ours, tmp_path):
    with TinyHub(FILES) as hub:
        ok(theirs(url_of(hub, "config.json"), tmp_path / "a"))
        ok(ours(url_of(hub, "config.json"), tmp_path / "b"))
        assert [r.headers["user-agent"].split(";")[0] for r in hub.seen] == ["interop/1.0"] * 4


def test_wrong_body_never_gets_a_name(ours, tmp_path):
    """An etag that is a hash is checked, as everywhere."""
    with TinyHub(FILES, lfs={"sub/model.bin"}) as hub:
        body = FILES["sub/model.bin"]
        hub.respond = lambda request: Answer(200, {}, b"X" + body[1:]) if request.origin == "storage" else None
        result = ours(url_of(hub, "sub/model.bin"), tmp_path / "cache")
        assert result.code == 1
        assert {n for n in disk(tmp_path / "cache") if not n.endswith(".lock")} == set()
        assert sha256(body) not in result.out


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "x", "", "http://"])
def test_other_urls_are_refused(ours, tmp_path, url):
    result = ours(url, tmp_path / "cache")
    assert result.code == 1 and result.err.startswith("error HF_ERR_") and result.err.count("\n") == 1
    assert not (tmp_path / "cache").exists() or disk(tmp_path / "cache") == {}


def test_python_of_this_release_is_not_the_new_one(old_python):
    assert str(old_python) != sys.executable
    version = run([old_python, "-c", "import huggingface_hub as h; print(h.__version__)"], dict(os.environ)).line
    assert version == "0.0.19"
