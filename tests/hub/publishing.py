# SPDX-License-Identifier: Apache-2.0
"""What the tests of publishing share: an hf-serve that misbehaves on cue, a folder to publish, and the command."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from case import HF, PATIENCE, noise

HF_SERVE = os.environ.get("HF_SERVE", str(pathlib.Path(HF).parent / "hf-serve"))
MIB = 1 << 20


@unittest.skipUnless(os.path.exists(HF_SERVE), "no hf-serve was built")
class Publish(unittest.TestCase):
    serve_args = ("--lfs-multipart-threshold", str(4 * MIB), "--lfs-part-bytes", str(MIB))
    serve_env = {}
    n_faults = 0

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="hf-publish-", dir=os.environ.get("TMPDIR")))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("HF_") and not k.lower().endswith("_proxy")}
        self.env.update(HOME=str(self.work), HF_HOME=str(self.work / "home"), GIT_CONFIG_NOSYSTEM="1", LC_ALL="C.UTF-8")
        self.data = self.work / "data"
        self.log_file = self.work / "log"
        self.fault_file = self.work / "faults"
        self.fault_file.write_text("")
        self.env["HF_TOKEN"] = subprocess.run([HF_SERVE, "user", "add", "alice", "--data", str(self.data)], check=True,
                                              capture_output=True, text=True, env=self.env).stdout.strip()
        self.server = subprocess.Popen(
            [HF_SERVE, "serve", "--data", str(self.data), "--port", "0", "--access-log", str(self.log_file),
             "--faults", str(self.fault_file), *self.serve_args],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**self.env, **self.serve_env})
        self.addCleanup(self.stop)
        self.env["HF_ENDPOINT"] = self.server.stdout.readline().split()[-1]
        self.folder = self.work / "f"
        self.folder.mkdir()

    def stop(self):
        if self.server.poll() is None:
            self.server.terminate()
            self.server.wait()
        self.server.stdout.close()

    def faults(self, *lines):
        """Read by the server: it owes no answer to a signal, but the last rule is one that tells."""
        self.n_faults += 1
        marker = f"/marker{self.n_faults}"
        self.fault_file.write_text("".join(line + "\n" for line in (*lines, f"match=GET:{marker} action=status=299")))
        self.server.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(urllib.error.HTTPError), \
                    urllib.request.urlopen(self.env["HF_ENDPOINT"] + marker, timeout=PATIENCE) as answer:
                if answer.status == 299:
                    return
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def hf(self, *args, stdin=subprocess.DEVNULL, **env):
        return subprocess.run([HF, *map(str, args)], env={**self.env, **env}, stdin=stdin, capture_output=True,
                              text=True, timeout=PATIENCE, cwd=self.work)

    def upload(self, *args, **more):
        p = self.hf("upload", "alice/m", *args, **more)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p

    def log(self, method=None, path=""):
        """Requests the server has answered."""
        out = []
        text = self.log_file.read_text()
        for line in text[:text.rfind("\n") + 1].splitlines():
            r = json.loads(line)
            if (method is None or r["method"] == method) and re.search(path, r["path"]) and \
                    not r["path"].startswith("/marker"):
                out.append(r)
        return out

    def settled(self, method=None, path=""):
        """The same, once every request of a client that is gone is over."""
        urllib.request.urlopen(self.env["HF_ENDPOINT"] + "/-/settled", timeout=PATIENCE).close()
        return self.log(method, path)

    def api(self, path):
        request = urllib.request.Request(self.env["HF_ENDPOINT"] + path,
                                         headers={"Authorization": "Bearer " + self.env["HF_TOKEN"]})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.load(answer)

    def commits(self, repo="models/alice/m", revision="main"):
        return [c["title"] for c in self.api(f"/api/{repo}/commits/{revision}")]

    def tree(self, repo="models/alice/m", revision="main"):
        out = {}
        for e in self.api(f"/api/{repo}/tree/{revision}?recursive=1"):
            if e["type"] == "file":
                out[e["path"]] = e["lfs"]["oid"] if "lfs" in e else e["oid"]
        out.pop(".gitattributes", None)
        return out

    @staticmethod
    def oid(data, lfs):
        return (hashlib.sha256(data) if lfs else hashlib.sha1(b"blob %d\0" % len(data) + data)).hexdigest()

    def fill(self, files):
        want = {}
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            want[name] = self.oid(data, b"\0" in data[:512] or len(data) > 10 * MIB)
        return want

    FILES = {"a.txt": b"hello\n", "empty": b"", "big.bin": b"\0" + noise(9 * MIB + 5, 2), "dir/one.bin": b"\0" + noise(3 * MIB, 3),
             "dir/ü x.txt": "ü\n".encode()}
