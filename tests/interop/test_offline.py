# SPDX-License-Identifier: Apache-2.0
"""Without a network, or with a Hub that refuses: the same answer as the official client's."""

import shutil
import socket
from pathlib import Path

import pytest
from served import ID
from support import HF, CallFailed, Python, clean_env, disk, ok, run
from tinyhub import Answer, TinyHub

MISSING = "nothing/here.txt"


@pytest.fixture(scope="session")
def nowhere():
    """An address where nobody listens: the port is taken, and refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="session")
def unreachable_python(nowhere, tmp_path_factory):
    client = Python(clean_env(tmp_path_factory.mktemp("unreachable"), HF_ENDPOINT=nowhere))
    yield client
    client.close()


@pytest.fixture(scope="session")
def caches(python_default, tmp_path_factory, made):
    """Caches in several states, as Python left them; copied for each test."""
    root = tmp_path_factory.mktemp("caches")
    (root / "empty").mkdir()
    python_default.snapshot(ID, cache_dir=root / "whole")
    python_default.download(ID, "config.json", cache_dir=root / "one file")
    python_default.snapshot(ID, cache_dir=root / "part", allow_patterns=["*.json"])
    python_default.snapshot(ID, cache_dir=root / "no listing")
    shutil.rmtree(root / "no listing" / "models--acme--every-thing_1.0" / "trees")
    python_default.snapshot(ID, cache_dir=root / "commit only", revision=made["model main"])
    return root


def theirs(client, cache, what, revision, **kw):
    """The path below the cache, or None when it fails."""
    try:
        path = (client.download(ID, what, revision=revision, cache_dir=cache, **kw) if what else
                client.snapshot(ID, revision=revision, cache_dir=cache, **kw))
    except CallFailed:
        return None
    return Path(path).relative_to(cache).as_posix()


def ours(home, endpoint, cache, what, revision, **env):
    result = run([HF, "download", "-q", ID, *([what] if what else []), "--revision", revision, "--cache-dir", cache],
                 clean_env(home, HF_ENDPOINT=endpoint, **env))
    if result.code:
        assert result.code == 1 and result.out == "" and result.err.startswith("Error: "), result
        assert result.err.count("\n") == 1 or "\nIf the repo is private, " in result.err, result
        return None
    return Path(result.line).relative_to(cache).as_posix()


@pytest.fixture
def both(caches, home, tmp_path):
    """The same call of both on copies of the same cache."""

    def call(state, client, endpoint, what, revision, **env):
        copies = [tmp_path / "theirs", tmp_path / "ours"]
        for copy in copies:
            shutil.copytree(caches / state, copy, symlinks=True)
        expected = theirs(client, copies[0], what, revision, endpoint=endpoint)
        before = disk(copies[1])
        assert ours(home, endpoint, copies[1], what, revision, **env) == expected
        assert disk(copies[1]) == before or expected is None
        return expected

    return call


STATES = ["empty", "whole", "one file", "part", "no listing", "commit only"]
WHATS = ["config.json", "model.safetensors", MISSING, None]


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("revision", ["main", "commit", "v1.0"])
def test_offline_mode(both, served, made, python_offline, state, what, revision):
    asked = made["model main"] if revision == "commit" else revision
    mark = served.mark()
    found = both(state, python_offline, served.url, what, asked, HF_HUB_OFFLINE="1")
    assert [s for s in served.since(mark) if s.agent and "Python-urllib" not in s.agent] == []
    if state == "whole" and revision != "v1.0" and what != MISSING:
        assert found


@pytest.mark.parametrize("what", ["config.json", None])
@pytest.mark.parametrize("state,revision", [("whole", "main"), ("whole", "commit"), ("no listing", "main"),
                                            ("commit only", "commit")])
def test_a_hub_that_cannot_be_reached(both, made, nowhere, unreachable_python, state, what, revision):
    """Only where something is cached: with nothing there both try again for long."""
    asked = made["model main"] if revision == "commit" else revision
    both(state, unreachable_python, nowhere, what, asked)


@pytest.mark.parametrize("what", ["config.json", "README.md", None])
@pytest.mark.parametrize("answer", [
    Answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
    Answer(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}),
    Answer(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}),
    Answer(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}),
    Answer(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "restricted"}),
    Answer(403, {"X-Error-Message": "Access to this resource is disabled."}),
    Answer(403, {"X-Error-Message": "no"}),
    Answer(418, {}),
], ids=lambda a: f"{a.status} {a.headers.get('X-Error-Code', a.headers.get('X-Error-Message', ''))}")
def test_a_hub_that_refuses(both, python_default, answer, what):
    """What is cached is returned for some refusals and not for others, as the official client decides."""
    with TinyHub({}) as hub:
        hub.respond = lambda request: answer
        both("one file" if what else "whole", python_default, hub.url, what, "main")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_in_trouble_serves_what_is_cached(both, python_default, status):
    with TinyHub({}) as hub:
        hub.respond = lambda request: Answer(status, {})
        assert both("one file", python_default, hub.url, "config.json", "main")


def test_local_dir_offline(served, made, python_default, python_offline, hf, home, tmp_path):
    local = home / "model"
    python_default.snapshot(ID, local_dir=local, cache_dir=tmp_path / "c")
    assert python_offline.snapshot(ID, local_dir=local, cache_dir=tmp_path / "c") == str(local)
    assert ok(hf("download", "-q", ID, "--local-dir", local, HF_HUB_OFFLINE="1")).line == str(local)
    path = str(local / "config.json")
    assert python_offline.download(ID, "config.json", local_dir=local, cache_dir=tmp_path / "c") == path
    assert ok(hf("download", "-q", ID, "config.json", "--local-dir", local, HF_HUB_OFFLINE="1")).line == path
    assert hf("download", "-q", ID, MISSING, "--local-dir", local, HF_HUB_OFFLINE="1").code == 1


def test_forced_offline_is_refused(served, hf, home):
    ok(hf("download", "-q", ID, "config.json"))
    before = disk(home / "hf")
    result = hf("download", "-q", ID, "config.json", "--force-download", HF_HUB_OFFLINE="1")
    assert result.code == 1 and result.err.startswith("Error: ") and disk(home / "hf") == before
