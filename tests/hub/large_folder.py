#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A large folder goes up to hf-serve: very many files, or very many bytes, with kills in between. Run by tools/soak."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import unittest
import urllib.request

from case import HF, noise
from publishing import MIB, Publish

FILES = int(os.environ.get("LARGE_FILES", 50_000))
GB = int(os.environ.get("LARGE_GB", 200))
KILLS = int(os.environ.get("LARGE_KILLS", 20))
SPOIL = os.environ.get("HF_SPOIL", str(pathlib.Path(HF).parent.parent / "tests" / "hub_spoil.so"))
MEMORY = 64_000_000
IN_FLIGHT = 8 # bodies
PART = 64 * MIB # of hf-serve


class Large(Publish):
    def setUp(self):
        super().setUp()
        self.moments = random.Random(int(os.environ.get("SEED", "5")))
        self.log_at = 0
        self.n_hashed, self.sent, self.arrived, self.killed, self.peak = {}, {}, set(), 0, 0

    def read_log(self):
        """What is new in the log: (method, path, status)."""
        with open(self.log_file) as log:
            log.seek(self.log_at)
            text = log.read()
        text = text[:text.rfind("\n") + 1]
        self.log_at += len(text.encode())
        new = [json.loads(line) for line in text.splitlines()]
        return [(r["method"], r["path"].split("?")[0], r["status"]) for r in new]

    def run_once(self, requests=None, moment=0.0):
        """One run, killed so many requests after its start and then a moment; True when it came to its end."""
        with open(self.work / "err", "wb") as err:
            p = subprocess.Popen([HF, "upload-large-folder", "alice/m", "f", "--type", "dataset"], cwd=self.work,
                                 env={**self.env, "HF_DEBUG": "1"}, stdout=subprocess.DEVNULL, stderr=err)
        n, kill_at, end = 0, None, time.monotonic() + 7200
        puts = []
        while p.poll() is None:
            self.assertLess(time.monotonic(), end)
            self.see_memory(p.pid)
            if requests is not None and kill_at is None:
                puts += (new := self.read_log())
                n += len(new)
                if n >= requests:
                    kill_at = time.monotonic() + moment
            if kill_at is not None and time.monotonic() >= kill_at:
                p.kill()
                break
            time.sleep(0.01)
        killed = p.wait() == -9
        text = (self.work / "err").read_text(errors="replace")
        if not killed:
            self.assertEqual(p.returncode, 0, text[-2000:])
        self.killed += killed
        self.check_bodies(puts)
        for path in re.findall(r"hashed '(\S+\.bin)'", text):
            self.n_hashed[path] = self.n_hashed.get(path, 0) + 1
        return not killed

    def see_memory(self, pid):
        """The peak so far, of this program alone."""
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
        except OSError:
            return
        if found:
            self.peak = max(self.peak, int(found[1]) * 1024)

    def check_bodies(self, seen):
        """Bodies that arrived before this run were not sent in it."""
        urllib.request.urlopen(self.env["HF_ENDPOINT"] + "/-/settled", timeout=600).close()
        ours = [r for r in seen + self.read_log() if r[0] == "PUT"]
        self.assertEqual({path for _, path, _ in ours} & self.arrived, set())
        for _, path, status in ours:
            self.sent[path] = self.sent.get(path, 0) + 1
            if status == 200:
                self.arrived.add(path)

    def repo(self):
        found = [p.parent for p in self.data.rglob("HEAD") if (p.parent / "objects").is_dir()]
        self.assertEqual(len(found), 1)
        return found[0]

    def git(self, *args):
        p = subprocess.run(["git", "-C", self.repo(), *args], capture_output=True, text=True,
                           env={**self.env, "GIT_CONFIG_GLOBAL": "/dev/null"})
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def check_end(self, want, lfs):
        """want: path → the blob's hash; lfs: path → SHA-256 and size."""
        got = {}
        for entry in self.git("ls-tree", "-r", "-z", "main").split("\0")[:-1]:
            words, _, path = entry.partition("\t")
            got[path] = words.split()[2]
        got.pop(".gitattributes", None)
        for path, (sha256, size) in lfs.items():
            want[path] = self.oid(b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
                                  % (sha256.encode(), size), False)
        self.assertEqual(len(got), len(want))
        self.assertEqual(got, want)
        self.assertEqual(self.git("fsck", "--full", "--strict", "--no-dangling"), "")
        sizes = [sum(bool(line) for line in block.split("\n"))
                 for block in self.git("log", "--name-only", "--no-renames", "--format=%x01").split("\x01")[1:]]
        sizes.pop() # the first is the server's own
        # Each that was hashed is in the log once; where a kill came between its note and its line, not at all.
        self.assertEqual({p: n for p, n in self.n_hashed.items() if n != 1}, {})
        self.assertGreaterEqual(len(self.n_hashed), len(lfs) - 64 * self.killed)
        again = sum(self.sent.values()) - len(self.sent)
        self.assertLessEqual(again, IN_FLIGHT * self.killed)
        self.assertLess(self.peak, MEMORY)
        print(f"{self.killed} kills, {len(sizes)} commits of {min(sizes)} to {max(sizes)} files, {len(self.sent)} bodies, "
              f"{again} sent again, peak of memory {self.peak / 1e6:.1f} MB", file=sys.stderr)
        return sizes


class ManyFiles(Large):
    serve_args = ("--lfs-multipart-threshold", str(4 * MIB), "--lfs-part-bytes", str(MIB))

    def test_killed_again_and_again(self):
        """Every tenth file is LFS; a few of those go up in parts."""
        want, lfs = {}, {}
        for i in range(FILES):
            folder = self.folder / f"d{i // 500:03}"
            folder.mkdir(exist_ok=True)
            name = f"{folder.name}/{i:06}" + (".bin" if i % 10 == 0 else ".txt")
            size = 5 * MIB + i if i % 2500 == 0 else 200 + i % 3000
            data = (b"\0" if i % 10 == 0 else b"") + noise(size, i).hex()[:size].encode()
            (self.folder / name).write_bytes(data)
            if i % 10 == 0:
                lfs[name] = (hashlib.sha256(data).hexdigest(), len(data))
            else:
                want[name] = self.oid(data, False)
        began = time.monotonic()
        while self.killed < KILLS:
            # The questions are asked again in each run: 256 files at a time.
            self.assertFalse(self.run_once(self.moments.randrange(FILES // 256), self.moments.uniform(0, 1)),
                             "it was faster than the kill")
        print(f"{self.killed} killed runs took {time.monotonic() - began:.0f} s", file=sys.stderr)
        began = time.monotonic()
        self.assertTrue(self.run_once())
        print(f"the last run took {time.monotonic() - began:.0f} s", file=sys.stderr)
        sizes = self.check_end(want, lfs)
        self.assertLessEqual(max(sizes), 1000)
        self.assertLessEqual(len(sizes), 2 * (FILES // 1000 + 1))
        # Nothing is left to do, and that is found out without a body.
        n = len(self.sent)
        self.assertTrue(self.run_once())
        self.assertEqual(len(self.sent), n)
        self.assertIn("No files have been modified", (self.work / "err").read_text())
        self.check_down(want, lfs)

    def check_down(self, want, lfs):
        p = self.hf("download", "alice/m", "--type", "dataset", "--local-dir", "down", "-q")
        self.assertEqual(p.returncode, 0, p.stderr)
        for name in want:
            self.assertEqual((self.work / "down" / name).read_bytes(), (self.folder / name).read_bytes(), name)


class ManyBytes(Large):
    """Sparse files, and a server that keeps zeros as holes: what would fill a disk fits on it."""
    serve_args = ()
    serve_env = {"LD_PRELOAD": SPOIL, "SPOIL_HOLES": "/data/uploads/:/data/tmp/lfs-"}

    def test_killed_again_and_again(self):
        """Nine tenths in files that go up in parts, the rest in bodies of 500 MB."""
        want, lfs = {}, {}
        sizes = [5_200_000_000] * (GB * 900 // 5200)
        sizes += [500_000_000] * ((GB * 10**9 - sum(sizes)) // 500_000_000)
        self.moments.shuffle(sizes)
        for i, size in enumerate(sizes):
            name = f"{i:03}.bin"
            with open(self.folder / name, "wb") as f:
                for at in range(0, size, 50_000_000): # no part is like another
                    f.seek(at)
                    f.write(b"\0" + noise(4000, i * 1000 + at // 50_000_000))
                f.truncate(size)
            lfs[name] = ("", size)
        parts = sum((size + PART - 1) // PART if size > 5 * 10**9 else 1 for size in sizes)
        began = time.monotonic()
        while self.killed < KILLS:
            self.assertFalse(self.run_once(self.moments.randrange(2 * parts // KILLS // 3), self.moments.uniform(0, 2)),
                             "it was faster than the kill")
            print(f"killed, {time.monotonic() - began:.0f} s: {len(self.n_hashed)} files hashed, {len(self.arrived)} of {parts} bodies there",
                  file=sys.stderr)
        self.assertTrue(self.run_once())
        print(f"{sum(sizes) / 1e9:.1f} GB in {len(sizes)} files took {time.monotonic() - began:.0f} s", file=sys.stderr)
        for name, (_, size) in lfs.items():
            with open(self.folder / name, "rb") as f:
                lfs[name] = (hashlib.file_digest(f, "sha256").hexdigest(), size)
            there = [p for p in self.data.rglob(lfs[name][0]) if p.is_file()]
            self.assertEqual(len(there), 1, name)
            self.assertEqual(subprocess.run(["cmp", self.folder / name, there[0]]).returncode, 0, name)
        self.check_end(want, lfs)
        used = sum(p.stat().st_blocks for p in self.data.rglob("*") if p.is_file()) * 512
        print(f"{used / 1e9:.1f} GB of disk at the server", file=sys.stderr)


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).parent)
    sys.exit(unittest.main(verbosity=2))
