# SPDX-License-Identifier: Apache-2.0
"""What the tests of transfers share: a scratch folder, a misbehaving Hub, and the command."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
HF = os.environ.get("HF_COMMAND", str(HERE.parent.parent / "build" / "bin" / "hf"))
SANITIZED = os.environ.get("HFHUB_SANITIZE", "none") != "none"
MIB = 1 << 20
PIECE = MIB # of a journal
PATIENCE = 60 + int(os.environ.get("KILL_MIB", 0)) // 8 # seconds

# What a shell runs in the background ignores SIGINT, and so would the commands that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def noise(size, seed=1):
    """Bytes that repeat nowhere within a block, quickly made."""
    out = bytearray()
    block = hashlib.shake_256(str(seed).encode()).digest(min(size, MIB))
    n = 0
    while len(out) < size:
        out += n.to_bytes(8, "big") + block[8:]
        n += 1
    return bytes(memoryview(out)[:size])


class Case(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="hf-transfer-", dir=os.environ.get("TMPDIR")))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        (self.work / "repo").mkdir()
        self.faults_file = self.work / "faults.json"
        self.log_file = self.work / "log.jsonl"
        self.log_file.touch()
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("HF_") and not k.lower().endswith("_proxy")}
        self.env.update(HOME=str(self.work), HF_HOME=str(self.work / "home"))
        self.hub = None

    def serve(self, files, *args, port=0):
        """files: name -> bytes."""
        for name, data in files.items():
            path = self.work / "repo" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.start_hub(*args, port=port)

    def start_hub(self, *args, port=0):
        self.hub = subprocess.Popen(
            [sys.executable, str(HERE / "minihub.py"), str(self.work / "repo"), "--log", str(self.log_file),
             "--faults", str(self.faults_file), "--port", str(port), *map(str, args)],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop_hub, self.hub)
        line = self.hub.stdout.readline()
        self.endpoint = line.split()[1]
        self.env["HF_ENDPOINT"] = self.endpoint

    def restartable_port(self):
        """Of two free neighbours outside the range that the kernel hands out by itself, so that nobody gets one of
        them while the Hub is down."""
        for _ in range(200):
            port = random.randrange(20000, 29000) | 1
            try:
                with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                    return port
            except OSError:
                continue
        self.fail("no free ports")

    def new_hub(self, *args):
        """With an empty log: one that was busy notes what it sent only when it sees that nobody takes it."""
        self.stop_hub()
        self.log_file.write_text("")
        self.start_hub(*args)

    def stop_hub(self, hub=None):
        hub = hub or self.hub
        if hub.poll() is None:
            hub.send_signal(signal.SIGKILL)
        hub.wait()
        hub.stdout.close()

    def faults(self, *rules):
        temp = self.work / "faults.new"
        temp.write_text(json.dumps(rules))
        temp.rename(self.faults_file)

    def log(self):
        """Every request that is over, in the order of their ends."""
        try:
            if self.hub and self.hub.poll() is None:
                urllib.request.urlopen(self.endpoint + "/-/settled", timeout=5).close()
        except OSError:
            pass # killed just now, or asked to stall: what it wrote is there
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.endswith("}")]

    def bodies(self):
        return [r for r in self.log() if r["method"] == "GET" and (r["storage"] or "/resolve/" in r["path"])
                and r["status"] in (200, 206)]

    def sent(self, since=0):
        return sum(r["sent"] for r in self.bodies()[since:])

    def slack(self):
        """Bytes that are sent in vain where ranges are handed on, which are more where a sanitizer makes the command
        slow; none otherwise."""
        return SANITIZED * MIB * len(self.bodies())

    def asked(self, since=0):
        """How many bytes of the file the bodies since that one were asked for; what was asked for twice counts once."""
        spans = []
        for r in self.bodies()[since:]:
            first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", r["range"] or "bytes=0-").groups()
            spans.append((int(first), int(last) + 1 if last else int(first) + r["sent"]))
        total = reach = 0
        for first, end in sorted(spans):
            total += max(0, end - max(first, reach))
            reach = max(reach, end)
        return total

    def check_sent(self, missing, since=0):
        """Just the missing bytes were asked for since that body. Where ranges are handed on some are sent twice: what
        was under way when a lane was cut short."""
        self.assertEqual(self.asked(since), missing)
        self.assertLessEqual(self.sent(since), missing + MIB * max(0, len(self.bodies()) - since - 1))

    def start(self, *args, **env):
        return subprocess.Popen([HF, "download", "test/repo", *args], env={**self.env, **env},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def get(self, *args, **env):
        """Runs `hf download test/repo ARGS`; gives (exit code, stdout, stderr)."""
        p = self.start(*args, **env)
        try:
            out, err = p.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            self.fail(f"hf did not end within {PATIENCE} s: {err}")
        return p.returncode, out.strip(), err

    def blobs(self):
        return self.work / "home" / "hub" / "models--test--repo" / "blobs"

    def parts(self):
        return sorted(p.name for p in self.blobs().glob("*hfpart*"))

    def check_names(self):
        """No blob has a name that is not its hash."""
        if not self.blobs().exists():
            return
        for path in self.blobs().iterdir():
            if "hfpart" in path.name:
                continue
            data = path.read_bytes()
            found = (hashlib.sha256(data).hexdigest() if len(path.name) == 64
                     else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest())
            self.assertEqual(found, path.name)

    def check_got(self, name, data, result):
        code, out, err = result
        self.assertEqual(code, 0, err)
        self.assertEqual(hashlib.sha256(pathlib.Path(out).read_bytes()).digest(), hashlib.sha256(data).digest(), name)
        self.check_names()
        self.assertEqual(self.parts(), [])

    def wait_until(self, what, timeout=30):
        end = time.monotonic() + timeout
        while not what():
            if time.monotonic() > end:
                self.fail("waited in vain")
            time.sleep(0.02)

    def pieces(self):
        """Pieces that the journal of the only part tells of."""
        pieces = set()
        for path in self.blobs().glob("*-journal") if self.blobs().exists() else ():
            for found in re.finditer(r"^w \w+ (\d+) (\d+) ", path.read_text(errors="replace"), re.M):
                pieces.update(range(int(found[1]), int(found[1]) + int(found[2])))
        return pieces

    def check_journal(self, data):
        """The pieces that it tells of are on disk, and right: what it vouches for is not fetched again."""
        for path in self.blobs().glob("*.hfpart") if self.blobs().exists() else ():
            with open(path, "rb") as part:
                for i in self.pieces():
                    part.seek(i * PIECE)
                    self.assertEqual(part.read(PIECE), data[i * PIECE:(i + 1) * PIECE], f"piece {i}")

    def received(self):
        return len(self.pieces()) * PIECE

    def check_not_asked_again(self, here, requests=None):
        """No range that was asked for has one of these pieces. Where lanes race for the end of a file bytes are sent
        twice, so their sum says less."""
        for r in self.bodies() if requests is None else requests:
            first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", r["range"]).groups())
            self.assertEqual(here.intersection(range(first // PIECE, last // PIECE + 1)), set(), r["range"])
