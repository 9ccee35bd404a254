# SPDX-License-Identifier: Apache-2.0
"""Several processes on one cache at once: nobody fetches what another is fetching, nobody breaks."""

import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from served import noise
from support import HF, clean_env, disk, files_below, finish, ok, run, start
from tinyhub import TinyHub, git_sha1, sha256

FILES = {"README.md": b"# tiny\n", "model.bin": noise("together", 4_000_000), "sub/other.bin": noise("o", 1_000_000)}
LFS = {"model.bin", "sub/other.bin"}
REPO = "models--acme--tiny"

OFFICIAL = """
import sys
from huggingface_hub import hf_hub_download, snapshot_download
print(hf_hub_download(sys.argv[1], sys.argv[2]) if len(sys.argv) > 2 else snapshot_download(sys.argv[1]))
"""


def hf(hub, home, *files, **env):
    return start([HF, "download", "-q", hub.repo, *files], clean_env(home, HF_ENDPOINT=hub.url, **env))


def official(hub, home, *files, **env):
    return start([sys.executable, "-c", OFFICIAL, hub.repo, *files], clean_env(home, HF_ENDPOINT=hub.url, **env))


CLIENTS = {"hf": hf, "python": official}


class Held:
    """Holds back every body of the storage origin until released."""

    def __init__(self, hub):
        self.hub = hub
        self.released = threading.Event()
        hub.respond = self.respond

    def respond(self, request):
        if request.origin == "storage":
            self.released.wait(60)

    def wait_for(self, what, n, timeout=60):
        """Until n requests of a kind have come."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self.hub.lock:
                if sum(1 for r in self.hub.seen if what(r)) >= n:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{n} such requests did not come: {[(r.method, r.path) for r in self.hub.seen]}")


def is_head(request):
    return request.method == "HEAD" and request.path.endswith("/model.bin")


def is_body(request):
    return request.origin == "storage"


@pytest.mark.parametrize("first,second", [("hf", "python"), ("python", "hf"), ("hf", "hf")])
def test_the_second_waits_for_the_first_and_fetches_nothing(home, first, second):
    with TinyHub(FILES, lfs=LFS) as hub:
        held = Held(hub)
        one = CLIENTS[first](hub, home, "model.bin")
        held.wait_for(is_body, 1)
        two = CLIENTS[second](hub, home, "model.bin")
        held.wait_for(is_head, 2)
        time.sleep(0.3)  # it is at the lock now, or has wrongly begun
        held.released.set()
        paths = {ok(finish(one)).line, ok(finish(two)).line}
        assert len(paths) == 1 and Path(paths.pop()).read_bytes() == FILES["model.bin"]
        assert len(hub.bodies()) == 1


def test_without_links_too_the_second_fetches_nothing(home):
    """The blob moves to its name in the snapshot then, so that is where the one who waited finds it."""
    with TinyHub(FILES, lfs=LFS) as hub:
        held = Held(hub)
        one = hf(hub, home, "model.bin", HF_HUB_DISABLE_SYMLINKS="1")
        held.wait_for(is_body, 1)
        two = hf(hub, home, "model.bin", HF_HUB_DISABLE_SYMLINKS="1")
        held.wait_for(is_head, 2)
        time.sleep(0.3)
        held.released.set()
        paths = {ok(finish(one)).line, ok(finish(two)).line}
        path = Path(paths.pop())
        assert not paths and not path.is_symlink() and path.read_bytes() == FILES["model.bin"]
        assert len(hub.bodies()) == 1


@pytest.mark.parametrize("clients", [["hf", "python"], ["python", "hf", "hf", "python"]], ids="-".join)
def test_started_at_once_on_a_whole_repo_each_file_comes_once(home, clients):
    with TinyHub(FILES, lfs=LFS) as hub:
        processes = [CLIENTS[client](hub, home) for client in clients]
        paths = {ok(finish(p)).line for p in processes}
        assert len(paths) == 1 and files_below(Path(paths.pop())) == FILES
        bodies = [path.split("?")[0] for path in hub.bodies()]
        assert len(bodies) == len(set(bodies)) == len(FILES)
        left = disk(home / "hf" / "hub")
        assert not [name for name in left if "incomplete" in name or name.endswith(".tmp")]


def test_twenty_on_one_cold_cache_fetch_each_file_once(home):
    with TinyHub(FILES, lfs=LFS) as hub:
        processes = [hf(hub, home) for _ in range(20)]
        paths = {ok(finish(p)).line for p in processes}
        assert len(paths) == 1 and files_below(Path(paths.pop())) == FILES
        bodies = [path.split("?")[0] for path in hub.bodies()]
        assert len(bodies) == len(set(bodies)) == len(FILES)
        left = disk(home / "hf" / "hub")
        assert not [name for name in left if "incomplete" in name or name.endswith(".tmp")]


def test_twenty_from_hf_serve_fetch_each_file_once(served, made, home, python):
    from served import ID

    mark = served.mark()
    env = clean_env(home, HF_ENDPOINT=served.url)
    processes = [start([HF, "download", "-q", ID], env) for _ in range(20)]
    paths = {ok(finish(p)).line for p in processes}
    assert len(paths) == 1
    path = paths.pop()
    bodies = [s.path.split("?")[0] for s in served.bodies(mark)]
    assert len(bodies) == len(set(bodies))
    assert python.snapshot(ID, cache_dir=home / "hf" / "hub", local_files_only=True) == path
    assert python.scan(home / "hf" / "hub")["warnings"] == []


@pytest.mark.parametrize("client", CLIENTS)
def test_a_lock_held_by_anybody_is_waited_for(home, client):
    """The lock file is the same name and the same kind of lock (flock) for both."""
    with TinyHub(FILES, lfs=LFS) as hub:
        lock = home / "hf" / "hub" / ".locks" / REPO / f"{sha256(FILES['model.bin'])}.lock"
        lock.parent.mkdir(parents=True)
        with open(lock, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            process = CLIENTS[client](hub, home, "model.bin")
            Held(hub).wait_for(is_head, 1)
            hub.respond = None
            time.sleep(0.5)
            assert process.poll() is None and hub.bodies() == []
        assert Path(ok(finish(process)).line).read_bytes() == FILES["model.bin"]
        assert lock.exists(), "a lock file stays: another process may be waiting on it"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_lock_file_that_vanishes_under_the_waiter_is_no_lock(home, client):
    """Some releases of the Python lock library unlink the file when they let go of it."""
    with TinyHub(FILES, lfs=LFS) as hub:
        lock = home / "hf" / "hub" / ".locks" / REPO / f"{sha256(FILES['model.bin'])}.lock"
        lock.parent.mkdir(parents=True)
        with open(lock, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            process = CLIENTS[client](hub, home, "model.bin")
            Held(hub).wait_for(is_head, 1)
            hub.respond = None
            time.sleep(0.3)
            lock.unlink()
        assert Path(ok(finish(process)).line).read_bytes() == FILES["model.bin"]
        assert len(hub.bodies()) == 1


def test_local_dir_is_locked_for_both(home):
    with TinyHub(FILES, lfs=LFS) as hub:
        held = Held(hub)
        local = home / "model"
        one = start([HF, "download", "-q", hub.repo, "model.bin", "--local-dir", local],
                    clean_env(home, HF_ENDPOINT=hub.url))
        held.wait_for(is_body, 1)
        two = start([sys.executable, "-c",
                     "import sys; from huggingface_hub import hf_hub_download\n"
                     "print(hf_hub_download(sys.argv[1], 'model.bin', local_dir=sys.argv[2]))", hub.repo, local],
                    clean_env(home, HF_ENDPOINT=hub.url))
        time.sleep(1.0)
        held.released.set()
        ok(finish(one))
        ok(finish(two))
        assert (local / "model.bin").read_bytes() == FILES["model.bin"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
@pytest.mark.parametrize("other", CLIENTS)
def test_one_that_is_killed_leaves_the_way_free(home, how, other):
    with TinyHub(FILES, lfs=LFS) as hub:
        held = Held(hub)
        one = hf(hub, home, "model.bin")
        held.wait_for(is_body, 1)
        one.send_signal(how)
        killed = finish(one)
        assert killed.code != 0 and killed.out == ""
        if how == signal.SIGINT:
            assert killed.code == 130
        held.released.set()
        path = ok(finish(CLIENTS[other](hub, home, "model.bin"))).line
        assert Path(path).read_bytes() == FILES["model.bin"]


def test_python_that_is_killed_leaves_the_way_free(home):
    with TinyHub(FILES, lfs=LFS) as hub:
        held = Held(hub)
        one = official(hub, home, "model.bin")
        held.wait_for(is_body, 1)
        one.kill()
        finish(one)
        held.released.set()
        assert Path(ok(finish(hf(hub, home, "model.bin"))).line).read_bytes() == FILES["model.bin"]


def test_a_reader_of_a_read_only_cache_needs_no_lock(home):
    """Once all is there, nothing is written: not even a lock or a directory."""
    with TinyHub(FILES, lfs=LFS) as hub:
        path = ok(finish(hf(hub, home))).line
        hub_dir = home / "hf" / "hub"
        before = disk(hub_dir)
        names = [p for p in [hub_dir, *hub_dir.rglob("*")] if p.is_dir() and not p.is_symlink()]
        for name in names:
            name.chmod(0o555)
        try:
            env = clean_env(home, HF_ENDPOINT=hub.url)
            again = run([HF, "download", "-q", hub.repo], env)
            one = run([HF, "download", "-q", hub.repo, "model.bin"], env)
            offline = run([HF, "download", "-q", hub.repo], {**env, "HF_HUB_OFFLINE": "1"})
        finally:
            for name in names:
                name.chmod(0o755)
        assert ok(again).line == ok(offline).line == path
        assert ok(one).line == os.path.join(path, "model.bin")
        assert disk(hub_dir) == before
        assert len(hub.bodies()) == len(FILES)
        assert git_sha1(FILES["README.md"]) in {p.rsplit("/")[-1] for p in before}
