#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each step of a publication goes wrong in each way: it succeeds, or it ends with one clear error, and never with a wrong
commit or a second one."""
import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import urllib.request

from case import HF, PATIENCE, noise
from publishing import MIB, Publish

SLOW = os.environ.get("HFHUB_SANITIZE", "none") != "none"
FOLDER = Publish.FILES # one file in parts, with small ones
SMALL = {"a.txt": b"hello\n", "one.bin": b"\0" + noise(3 * MIB, 3)} # and one in a single body

# step → what matches its requests, what is published
STEPS = {
    "preupload": ("POST:*/preupload/*", FOLDER),
    "batch": ("POST:*/objects/batch", FOLDER),
    "part": ("PUT:/uploads/*/00003", FOLDER),
    "body": ("PUT:/uploads/*", SMALL),
    "completion": ("POST:/uploads/*/complete", FOLDER),
    "verify": ("POST:*/lfs/verify", FOLDER),
    "commit": ("POST:*/commit/*", FOLDER),
}
# what goes wrong the first time
ONCE = {
    "429 with Retry-After": "status=429:retry-after=1",
    "500": "status=500",
    "503": "status=503",
    "503 with Retry-After": "status=503:retry-after=1",
    "reset": "drop",
    "reset while it is taken": "take-cut=50",
    "stall": "delay=600000",
    "stall while it is taken": "take-stall=50:600000",
    "answer lost": "lose",
}
SHORT = ("stall", "stall while it is taken", "late")
# step and kind → action, of what makes sense at one step only
OWN = {
    ("part", "expired URL"): "expired",
    ("body", "expired URL"): "expired",
    ("completion", "expired URL"): "expired",
    ("verify", "expired URL"): "status=403",
    ("part", "wrong ETag"): "etag=0123456789abcdef0123456789abcdef",
    ("part", "no ETag"): "header=ETag:",
    ("commit", "late"): "delay=11000", # after our patience, so when we made another
}
# step and kind → action that never ends. One error, and nothing is committed; or a way around it.
ALWAYS = {
    ("preupload", "403"): "status=403",
    ("batch", "403"): "status=403",
    ("part", "no ETag"): "header=ETag:",
    ("part", "expired URL"): "expired",
    ("body", "expired URL"): "expired",
    ("completion", "expired URL"): "expired",
    ("completion", "404"): "status=404",
    ("commit", "403"): "status=403",
    ("commit", "409"): "status=409",
    ("commit", "400"): "status=400",
    ("commit", "500"): "status=500",
    ("commit", "reset"): "drop",
    ("preupload", "500"): "status=500",
    ("verify", "500"): "status=500",
}
# When it goes wrong for ever, but the next batch tells what is there all the same.
AROUND = {
    ("part", "wrong ETag"): "etag=0123456789abcdef0123456789abcdef",
    ("verify", "404"): "status=404",
    ("verify", "422"): "status=422",
}


class Case(Publish):
    """One step, one way to go wrong, on a server of its own."""

    def runTest(self):
        pass

    def publish(self, step, rule, kind):
        match, files = STEPS[step]
        self.setUp()
        try:
            want = self.fill(files)
            self.faults(f"match={match} {rule}")
            env = {"HF_HUB_DOWNLOAD_TIMEOUT": "3" if SLOW else "1"} if kind in SHORT else {}
            p = subprocess.run([HF, "upload", "alice/m", "f"], env={**self.env, **env}, capture_output=True, text=True,
                               stdin=subprocess.DEVNULL, timeout=2 * PATIENCE, cwd=self.work)
            self.faults()
            got = {"want": want, "code": p.returncode, "err": p.stderr, "tree": self.tree(), "titles": self.commits()}
            self.stop() # now every request has its line, those that were left stalling too
            return {**got, "spoilt": [r for r in self.log() if r.get("spoilt")], "commits": self.log("POST", "/commit/")}
        finally:
            self.doCleanups()


def once_cases():
    for step in STEPS:
        for kind, action in ONCE.items():
            yield step, kind, f"nth=1 action={action}"
    for (step, kind), action in OWN.items():
        yield step, kind, f"nth=1 action={action}"


class Many(unittest.TestCase):
    """Cases that mostly wait run side by side; each is a test by its own name."""

    cases: list = []
    results: dict = {}

    @classmethod
    def setUpClass(cls):
        long_first = sorted(cls.cases, key=lambda case: (case[1] not in SHORT, "nth" in case[2], case[0]))
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            wanted = {pool.submit(Case().publish, step, rule, kind): (step, kind) for step, kind, rule in long_first}
            cls.results = {name: run for run, name in wanted.items()}

    def result(self, step, kind):
        got = self.results[step, kind].result()
        self.assertTrue(got["spoilt"], "a fault that hit nothing shows nothing")
        return got


class Once(Many):
    cases = list(once_cases())

    def check(self, step, kind):
        got = self.result(step, kind)
        self.assertEqual(got["code"], 0, got["err"])
        self.assertEqual(got["tree"], got["want"])
        self.assertEqual(got["titles"], ["Upload folder using huggingface_hub", "initial commit"])
        if (step, kind) == ("commit", "answer lost"):
            self.assertEqual(len(got["commits"]), 1)
            self.assertIn("commit had happened", got["err"])


class Always(Many):
    cases = [(step, kind, f"action={action}") for (step, kind), action in (ALWAYS | AROUND).items()]

    def check(self, step, kind):
        got = self.result(step, kind)
        if (step, kind) in AROUND:
            self.assertEqual((got["code"], got["tree"], len(got["titles"])), (0, got["want"], 2), got["err"])
            return
        self.assertEqual(got["code"], 1, got["err"])
        self.assertEqual(got["tree"], {})
        self.assertEqual(got["titles"], ["initial commit"])
        errors = [line for line in got["err"].splitlines() if line.startswith("Error:")]
        self.assertEqual(len(errors), 1, got["err"])


def name_of(step, kind):
    return "test_" + f"{step}_{kind}".replace(" ", "_").replace("-", "_").lower()


for group in (Once, Always):
    for step, kind, _ in group.cases:
        setattr(group, name_of(step, kind), lambda self, step=step, kind=kind: self.check(step, kind))
del group, step, kind


class Found(Publish):
    """What is found out."""

    def test_a_lost_pull_request(self):
        self.fill({"a.txt": b"1"})
        self.upload("f")
        self.fill({"a.txt": b"2"})
        self.faults("match=POST:*/commit/* nth=1 action=lose")
        p = self.upload("f", "--create-pr")
        self.assertIn("/discussions/1", p.stderr)
        self.assertEqual(len(self.log("POST", "/commit/")), 2) # the one before, and one
        self.assertEqual([r["ref"] for r in self.api("/api/models/alice/m/refs?include_prs=1")["pullRequests"]],
                         ["refs/pr/1"])

    def commit_as_bob(self, query=""):
        """Once the answer to the command's own commit is lost."""
        end = time.monotonic() + PATIENCE
        while not any(r.get("spoilt") for r in self.log("POST", "/commit/")):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.commit(b'{"key":"header","value":{"summary":"of Bob"}}\n'
                    b'{"key":"file","value":{"path":"a.txt","content":"Bob"}}\n', query)

    def commit(self, body, query=""):
        request = urllib.request.Request(
            self.env["HF_ENDPOINT"] + "/api/models/alice/m/commit/main" + query, method="POST", data=body,
            headers={"Authorization": f"Bearer {self.env['HF_TOKEN']}", "Content-Type": "application/x-ndjson"})
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def lost(self, *args, then=None, env=()):
        """The first commit is lost and the first look refused; what the command says in the end."""
        self.faults("match=POST:*/commit/* nth=1 action=lose", "match=GET:*/commits/* nth=1 action=status=503",
                    "match=GET:*/refs nth=2 action=status=503")
        p = subprocess.Popen([HF, "upload", "alice/m", "f", *args], env={**self.env, **dict(env)}, cwd=self.work,
                             stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if then:
            then()
        _, err = p.communicate(timeout=PATIENCE)
        self.assertEqual(p.returncode, 0, err)
        return err

    def test_a_lost_commit_and_another_upon_it(self):
        self.fill({"a.txt": b"1"})
        self.upload("f", "--commit-message", "one")
        self.fill({"a.txt": b"2"})
        self.lost("--commit-message", "two", then=self.commit_as_bob)
        self.assertEqual(self.commits(), ["of Bob", "two", "one", "initial commit"])
        self.assertEqual(self.tree()["a.txt"], self.oid(b"Bob", False))

    def test_a_lost_deletion(self):
        self.fill({"a.txt": b"1", "gone.txt": b"1"})
        self.upload("f")
        (self.folder / "gone.txt").unlink()
        self.lost("--delete", "gone.txt")
        self.assertEqual(len(self.log("POST", "/commit/")), 2)
        self.assertEqual(list(self.tree()), ["a.txt"])

    def test_a_lost_pull_request_and_another_after_it(self):
        self.fill({"a.txt": b"1"})
        self.upload("f")
        self.fill({"a.txt": b"2"})
        err = self.lost("--create-pr", then=lambda: self.commit_as_bob("?create_pr=1"))
        self.assertEqual(len(self.api("/api/models/alice/m/refs?include_prs=1")["pullRequests"]), 2)
        self.assertIn("/discussions/1", err)

    def test_a_pull_request_that_comes_late(self):
        """A second one could not be told from the first."""
        self.fill({"a.txt": b"1"})
        self.upload("f")
        self.fill({"a.txt": b"2"})
        self.faults("match=POST:*/commit/* nth=1 action=delay=13000")
        p = self.upload("f", "--create-pr", HF_HUB_DOWNLOAD_TIMEOUT="3" if SLOW else "1")
        self.assertIn("/discussions/1", p.stderr)
        self.settled()
        self.assertEqual(len(self.api("/api/models/alice/m/refs?include_prs=1")["pullRequests"]), 1)

    def test_a_large_folder_that_no_commit_is_small_enough_for(self):
        self.fill({"gone.txt": b"1"})
        self.upload("f")
        self.fill({f"{i:04}": b"1" for i in range(5001)})
        self.faults("match=POST:*/commit/* action=status=413")
        p = self.hf("upload", "alice/m", "f", "--delete", "gone.txt", "--exclude", "gone.txt")
        self.assertEqual(p.returncode, 1)
        self.assertEqual(p.stderr.count("Error:"), 1, p.stderr)
        self.assertLess(len(self.log("POST", "/commit/")), 12)

    def test_a_part_is_sent_again_alone(self):
        self.faults("match=PUT:/uploads/*/00002 nth=1 action=take-cut=100000")
        want = self.fill(self.FILES)
        self.upload("f")
        self.assertEqual(self.tree(), want)
        parts = [r["path"].split("?")[0][-5:] for r in self.settled("PUT", r"/0000\d|/00010")]
        self.assertEqual(len(parts), 14 + 1)
        self.assertEqual(parts.count("00002"), 3)

    def test_a_file_that_changes(self):
        self.fill(self.FILES)
        self.upload("f/a.txt")
        self.faults("match=PUT:/uploads/*/00003 nth=1 action=delay=10000")
        p = subprocess.Popen([HF, "upload", "alice/m", "f"], env=self.env, cwd=self.work, stderr=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        end = time.monotonic() + PATIENCE
        while not self.log("PUT", "/0000[12]"): # the hash is known by then
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        with open(self.folder / "big.bin", "r+b") as f:
            f.seek(5000)
            f.write(b"changed")
        _, err = p.communicate(timeout=PATIENCE)
        self.assertEqual(p.returncode, 1)
        self.assertIn("changed while it was being published", err)
        self.assertEqual(list(self.tree()), ["a.txt"])

    def test_ctrl_c_before_anything_moves(self):
        """While the Hub is silent, or asks to wait, at each step of the preparation and at the last look."""
        self.fill({"README.md": b"---\nlicense: mit\n---\n", "a.txt": b"1"})
        self.upload("f")
        wait, silence = "status=429:retry-after=300", "delay=600000"
        for match, *actions in (("POST:/api/repos/create", wait, silence), ("*:*/branch/next", wait, silence),
                                ("GET:*/tree/*", wait, silence), ("POST:/api/validate-yaml", wait, silence),
                                ("GET:*/revision/main", silence)):
            for action in actions:
                with self.subTest(match=match, action=action):
                    self.faults(f"match={match} action={action}")
                    args = ["--revision", "next"] if "next" in match else ["--delete", "*.old"]
                    p = subprocess.Popen([HF, "upload", "alice/m", "f", *args, "--progress", "json"], cwd=self.work,
                                         env={**self.env, "HF_HUB_DOWNLOAD_TIMEOUT": "600"}, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, text=True)
                    self.addCleanup(lambda p=p: p.poll() is None and (p.kill(), p.communicate()))
                    self.assertIn('"phase":"plan"', p.stderr.readline())
                    time.sleep(0.5)
                    p.send_signal(signal.SIGINT)
                    _, err = p.communicate(timeout=PATIENCE)
                    self.assertEqual(p.returncode, 130, err)
        self.faults()
        self.assertEqual(len(self.log("POST", "/commit/")), 1)


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).parent)
    sys.exit(unittest.main(verbosity=2))
