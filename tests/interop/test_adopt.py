# SPDX-License-Identifier: Apache-2.0
"""What the official client leaves of a file when it is killed: taken over, and never believed."""

import hashlib
import json
import signal
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from support import HF, clean_env, end_started, ok, run, start

MINIHUB = Path(__file__).resolve().parents[1] / "hub" / "minihub.py"
MIB = 1 << 20
SIZE = 24 * MIB + 5


@pytest.fixture(autouse=True)
def nothing_runs():
    yield
    end_started()


class Slow:
    """A Hub that sends the file slowly enough to be interrupted."""

    def __init__(self, folder: Path):
        (folder / "repo").mkdir()
        self.data = b"".join(hashlib.shake_256(str(i).encode()).digest(MIB) for i in range(25))[:SIZE]
        (folder / "repo" / "f.bin").write_bytes(self.data)
        self.log = folder / "log.jsonl"
        hub = start([sys.executable, MINIHUB, folder / "repo", "--log", self.log, "--rate", 8e6],
                    clean_env(folder), text=True)
        self.url = hub.stdout.readline().split()[1]

    def bodies(self) -> list[dict]:
        seen = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [s for s in seen if s["method"] == "GET" and s["storage"]]

    def sent(self) -> int:
        return sum(s["sent"] for s in self.bodies())


def kill_python(hub: Slow, home: Path) -> Path:
    """Its half of the file, 9 MiB at least."""
    code = "from huggingface_hub import hf_hub_download; hf_hub_download('test/repo', 'f.bin')"
    blobs = home / "hf" / "hub" / "models--test--repo" / "blobs"
    python = start([sys.executable, "-c", code], clean_env(home, HF_ENDPOINT=hub.url, HF_HUB_DISABLE_XET="1"))
    end = time.monotonic() + 60
    left = []
    while not left or left[0].stat().st_size < 9 * MIB:
        assert time.monotonic() < end and python.poll() is None, python.stderr.read1()
        time.sleep(0.02)
        left = list(blobs.glob("*.incomplete"))
    python.send_signal(signal.SIGKILL)
    python.communicate()
    assert left[0].stat().st_size < SIZE
    return left[0]


@pytest.mark.parametrize("poisoned", [False, True])
def test_half_of_a_file(tmp_path, home, poisoned):
    hub = Slow(tmp_path)
    left = kill_python(hub, home)
    size, inode = left.stat().st_size, left.stat().st_ino
    if poisoned:
        with open(left, "r+b") as f:
            f.seek(size // 2)
            f.write(b"poison")
    time.sleep(1)  # the Hub notes what it could send before the kill
    before, since = hub.sent(), len(hub.bodies())
    path = Path(ok(run([HF, "download", "-q", "test/repo", "f.bin"], clean_env(home, HF_ENDPOINT=hub.url))).line)
    assert path.read_bytes() == hub.data
    assert path.stat().st_ino == inode
    urllib.request.urlopen(hub.url + "/-/settled", timeout=30).close()
    asked = [int(s["range"].removeprefix("bytes=").partition("-")[0]) for s in hub.bodies()[since:]]
    assert (min(asked) == 0) if poisoned else (min(asked) == size)
    # What is under way where a range is handed on to another connection is sent twice.
    assert hub.sent() - before <= (SIZE if poisoned else SIZE - size) + 2 * MIB
    assert [p.name for p in left.parent.iterdir()] == [hashlib.sha256(hub.data).hexdigest()]
