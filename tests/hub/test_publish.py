#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hf upload and git push against hf-serve: what arrives, what stays here, and what a kill costs."""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.error

from case import HF, PATIENCE, SANITIZED, noise
from publishing import MIB, Publish


class Arrives(Publish):
    def test_a_folder_and_again(self):
        want = self.fill(self.FILES)
        p = self.upload("f")
        self.assertEqual(self.tree(), want)
        self.assertEqual(self.commits()[0], "Upload folder using huggingface_hub")
        self.assertTrue(p.stdout.strip().startswith(self.env["HF_ENDPOINT"] + "/alice/m/commit/"), p.stdout)
        puts = len(self.log("PUT"))
        self.assertEqual(puts, 10 + 4) # parts; in a batch with one of many, one.bin comes in parts, too
        before = self.commits()
        p = self.upload("f")
        self.assertIn("No files have been modified since last commit", p.stderr)
        self.assertEqual(self.commits(), before)
        self.assertEqual(len(self.log("PUT")), puts)

    def test_one_file_under_a_name(self):
        (self.work / "w.bin").write_bytes(b"\0abc")
        self.upload("w.bin", "weights/w.bin", "--commit-message", "first")
        self.assertEqual(self.tree(), {"weights/w.bin": self.oid(b"\0abc", True)})
        self.assertEqual(self.commits()[0], "first")

    def test_standard_input(self):
        with open(self.work / "in", "wb") as f:
            f.write(b"\0" + noise(2 * MIB))
        with open(self.work / "in", "rb") as f:
            p = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
            self.upload("-", "piped.bin", stdin=p.stdout)
            p.stdout.close()
            p.wait()
        with open(self.work / "in", "rb") as f:
            self.upload("-", "file.bin", stdin=f)
        self.assertEqual(set(self.tree().values()), {self.oid((self.work / "in").read_bytes(), True)})
        self.assertEqual(self.hf("upload", "alice/m", "-").returncode, 2)

    def test_limit_rate(self):
        """Of large files, which the kernel sends, and of small ones, which do not go past curl."""
        want = {}
        for files, size in (3, 3 * MIB), (50, 180000):
            with self.subTest(size=size):
                want |= self.fill({f"{size}-{i}.bin": b"\0" + noise(size, i) for i in range(files)})
                start = time.monotonic()
                self.upload("f", "--limit-rate", "3M")
                took = time.monotonic() - start
                self.assertEqual(self.tree(), want)
                self.assertGreater(took, 2.5) # 9 MB, less a burst at either end
                self.assertLess(took, 7 + 15 * SANITIZED)

    def test_include_exclude_delete(self):
        self.fill({"a.txt": b"1", "b.txt": b"2", "c.md": b"3", "old/x": b"4", "old/y": b"5"})
        self.upload("f")
        self.fill({"a.txt": b"1b", "b.txt": b"2b", "c.md": b"3b"})
        shutil.rmtree(self.folder / "old")
        self.upload("f", "--include", "*.txt", "--exclude", "b*", "--delete", "old/*", "--delete", "a.txt")
        tree = self.tree()
        self.assertEqual(tree["a.txt"], self.oid(b"1b", False))
        self.assertEqual(tree["b.txt"], self.oid(b"2", False))
        self.assertNotIn("old/x", tree)
        self.assertEqual(len(self.commits()), 3)
        p = self.hf("repo-files", "delete", "alice/m", "*.md", ".gitattributes")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(sorted(self.tree()), ["a.txt", "b.txt"])

    def test_pull_request_and_branch(self):
        self.fill({"a.txt": b"1"})
        self.upload("f")
        self.fill({"a.txt": b"2"})
        p = self.upload("f", "--create-pr")
        self.assertIn("/discussions/", p.stderr)
        self.assertEqual(self.tree()["a.txt"], self.oid(b"1", False))
        self.assertEqual(self.tree(revision="refs%2Fpr%2F1")["a.txt"], self.oid(b"2", False))
        p = self.upload("f", "--revision", "next")
        self.assertIn("Branch 'next' not found. Creating it...", p.stderr)
        self.assertEqual(self.tree(revision="next")["a.txt"], self.oid(b"2", False))

    def test_datasets_and_bare_names(self):
        self.fill({"a.txt": b"1"})
        p = self.hf("upload", "d", "f", "sub/dir", "--type", "dataset", "--private", "--json")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("/datasets/alice/d/commit/", json.loads(p.stdout)["url"])
        self.assertEqual(list(self.tree("datasets/alice/d")), ["sub/dir/a.txt"])
        self.assertTrue(self.api("/api/datasets/alice/d")["private"])

    def test_progress_in_a_log(self):
        """Where there is no terminal a line now and then says what was hashed and sent, and how long it will take."""
        self.fill(self.FILES)
        self.faults("match=PUT:/uploads/* action=take-stall=300000:1500")
        err = self.upload("f").stderr
        self.assertRegex(err, r"(?m)^alice/m: \d+%, \d/5 files, (hashed \S+ of 12\.6M, )?sent [\d.]+M of 1[23][.\d]*M"
                              r"(, [\d.]+[KM]/s, \d:\d\d left)?$")
        self.assertRegex(err, r"(?m)^alice/m: 12\.6M in [\d.]+ s, [\d.]+[KM]/s$")

    def test_progress_for_programs(self):
        self.fill(self.FILES)
        self.faults("match=PUT:/uploads/* action=take-stall=300000:500")
        p = self.upload("f", "--progress", "json", "--format", "json")
        events = [json.loads(line) for line in p.stderr.splitlines() if line.startswith('{"event":"progress"')]
        self.assertGreater(len(events), 3)
        for key in ("bytes_done", "bytes_total", "bytes_hashed", "bytes_to_hash", "files_asked", "files_done", "commits"):
            told = [e[key] for e in events]
            self.assertEqual(told, sorted(told), key)
        last = events[-1]
        self.assertEqual((last["phase"], last["files_done"], last["files_asked"], last["commits"]), ("done", 5, 5, 1))
        self.assertEqual(last["bytes_done"], 12 * MIB + 7)
        self.assertEqual(last["bytes_hashed"], 12 * MIB + 7)
        self.assertEqual(list(json.loads(p.stdout)), ["url"])


class Stays(Publish):
    """What never leaves."""

    def test_git_cache_ignored_and_excluded(self):
        self.fill({"a.txt": b"1", ".git/config": b"x", "sub/.git/config": b"x", ".cache/huggingface/upload/n": b"x",
                   ".gitignore": b"*.log\n", "x.log": b"x", "secret.key": b"x"})
        p = self.upload("f", "--exclude", "*.key")
        self.assertEqual(sorted(self.tree()), [".gitignore", "a.txt"])
        self.assertIn("Skipped 1 file(s)", p.stderr)

    def test_links(self):
        self.fill({"a.txt": b"1"})
        (self.work / "outside").write_bytes(b"secret")
        (self.folder / "inner").symlink_to("a.txt")
        (self.folder / "dir").symlink_to(self.work)
        (self.folder / "gone").symlink_to("nowhere")
        self.upload("f")
        self.assertEqual(sorted(self.tree()), ["a.txt", "inner"])
        (self.folder / "out").symlink_to(self.work / "outside")
        p = self.hf("upload", "alice/m", "f")
        self.assertEqual(p.returncode, 1)
        self.assertIn("leads out of the folder", p.stderr)
        self.assertEqual(sorted(self.tree()), ["a.txt", "inner"])
        self.upload("f", "--follow-links")
        self.assertEqual(self.tree()["out"], self.oid(b"secret", False))

    def test_token_files(self):
        self.fill({"a.txt": b"1"})
        home = self.folder / "hfhome"
        home.mkdir()
        (home / "token").write_text(self.env["HF_TOKEN"])
        for args in (["f"], ["f/hfhome/token", "t"]):
            p = self.hf("upload", "alice/m", *args, HF_HOME=str(home))
            self.assertEqual(p.returncode, 1)
            self.assertIn("access tokens", p.stderr)
        self.assertEqual(self.log("POST", "/commit/"), [])


class Split(Publish):
    """A folder that goes up in several commits."""

    def many(self, n, size=1):
        return self.fill({f"d{i % 7}/{i}.txt": b"%d" % i * size for i in range(n)})

    def test_more_than_five_thousand_files_in_a_pull_request(self):
        self.fill({"old.txt": b"old"})
        self.upload("f")
        (self.folder / "old.txt").unlink()
        want = self.many(5001)
        p = self.upload("f", "--create-pr", "--delete", "old.txt", "--commit-message", "many")
        self.assertIn("/discussions/1", p.stderr)
        self.assertEqual(list(self.tree()), ["old.txt"])
        titles = self.commits(revision="refs%2Fpr%2F1")
        self.assertEqual(titles[:6], [f"many (part {n})" for n in range(6, 1, -1)] + ["many"])
        self.assertEqual(self.names("refs/pr/1"), set(want))
        self.assertEqual([r["ref"] for r in self.api("/api/models/alice/m/refs?include_prs=1")["pullRequests"]],
                         ["refs/pr/1"])
        self.assertEqual(len([r for r in self.log("POST", "/commit/") if "create_pr" in r["path"]]), 1)

    def test_answers_lost_in_a_pull_request(self):
        """The answers to the first commit, which opens the pull request, and to a later one."""
        self.fill({"old.txt": b"old"})
        self.upload("f")
        want = self.many(5001)
        self.faults("match=POST:*/commit/* nth=1 action=lose", "match=POST:*/commit/* nth=3 action=lose")
        p = self.upload("f", "--create-pr", "--commit-message", "many")
        self.assertIn("/discussions/1", p.stderr)
        self.assertEqual(p.stderr.count("the commit had happened; its answer was lost"), 2)
        self.assertEqual(self.names("refs/pr/1"), set(want) | {"old.txt"})
        self.assertEqual(self.commits(revision="refs%2Fpr%2F1")[:6], [f"many (part {n})" for n in range(6, 1, -1)] + ["many"])
        self.assertEqual([r["ref"] for r in self.api("/api/models/alice/m/refs?include_prs=1")["pullRequests"]],
                         ["refs/pr/1"])
        self.assertEqual(len(self.settled("POST", "/commit/")), 1 + 6)

    def names(self, revision="main"):
        """By git: the listing of the Hub has pages."""
        git_dir = next((self.data / "git").iterdir())
        p = subprocess.run(["git", "-C", git_dir, "ls-tree", "-r", "-z", "--name-only", revision], capture_output=True,
                           text=True, check=True, env=self.env)
        return set(p.stdout.split("\0")) - {"", ".gitattributes"}

    def test_regular_files_of_over_100_mb(self):
        """Few files, but more bytes than one commit should have."""
        want = self.fill({f"{i}.txt": bytes([97 + i]) * (9 * MIB) for i in range(13)})
        self.upload("f")
        self.assertEqual(self.tree(), want)
        self.assertEqual(len(self.commits()), 1 + 2)

    def test_a_server_that_wants_less_at_a_time(self):
        want = self.many(5001)
        self.faults("match=POST:*/commit/* nth=2-3 action=status=413")
        p = self.upload("f")
        self.assertEqual(self.names(), set(want))
        self.assertIn("trying with 500", p.stderr)
        self.assertIn("trying with 250", p.stderr)
        titles = self.commits()
        self.assertEqual(titles, [f"Upload folder using huggingface_hub (part {n})" for n in range(len(titles) - 1, 1, -1)]
                         + ["Upload folder using huggingface_hub", "initial commit"])

    def test_broken_off_between_commits(self):
        """What was committed stays, and is skipped."""
        want = self.many(5001)
        self.faults("match=POST:*/commit/* nth=3+ action=status=403")
        p = self.hf("upload", "alice/m", "f")
        self.assertEqual(p.returncode, 1)
        self.assertEqual(len(self.names()), 2000)
        self.faults()
        self.upload("f")
        self.assertEqual(self.names(), set(want))
        self.assertEqual(len(self.commits()), 1 + 2 + 4)


class Every(Publish):
    """--every: a folder that is written to goes up again and again."""

    def start(self, *args):
        self.err = open(self.work / "err", "w+")
        self.addCleanup(self.err.close)
        self.running = subprocess.Popen([HF, "upload", "alice/m", *args, "--every", "0.01"], env=self.env, cwd=self.work,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.err, text=True)
        self.addCleanup(self.running.stdout.close)
        self.addCleanup(lambda: self.running.poll() is None and (self.running.kill(), self.running.wait()))

    def wait_for(self, want):
        end = time.monotonic() + PATIENCE
        got = None
        while got != want:
            self.assertLess(time.monotonic(), end, f"{got} is not {want}: {(self.work / 'err').read_text()}")
            self.assertIsNone(self.running.poll())
            time.sleep(0.1)
            try:
                got = self.tree()
            except urllib.error.HTTPError: # not made yet
                got = None

    def end(self):
        self.running.send_signal(signal.SIGINT)
        out, _ = self.running.communicate(timeout=PATIENCE)
        self.assertEqual(self.running.returncode, 0)
        self.assertIn("Stopped scheduled commits.", out)
        return (self.work / "err").read_text()

    def test_a_log_that_grows(self):
        want = self.fill({"run.log": b"one\n", "w.bin": b"\0" + noise(MIB, 1)})
        self.start("f", "logs")
        in_repo = lambda: {f"logs/{n}": oid for n, oid in want.items()} # noqa: E731
        self.wait_for(in_repo())
        want |= self.fill({"run.log": b"one\ntwo\n"})
        self.wait_for(in_repo())
        want |= self.fill({"new ü.txt": b"new\n"})
        self.wait_for(in_repo())
        seen = len(self.log("POST", "/preupload/"))
        while len(self.log("POST", "/preupload/")) < seen + 3: # some rounds in which nothing happens
            time.sleep(0.1)
        err = self.end()
        self.assertIn("Scheduling commits every 0.01 minutes to alice/m.", err)
        self.assertEqual(self.commits(), ["Scheduled Commit"] * 3 + ["initial commit"])
        self.assertEqual(len(self.log("PUT")), 1)

    def test_a_failure_is_no_end(self):
        want = self.fill({"a.txt": b"1"})
        self.faults("match=POST:*/preupload/* nth=1 action=status=403")
        self.start("f")
        self.wait_for(want)
        err = self.end()
        self.assertIn("Error: ", err)
        self.assertEqual(self.commits(), ["Scheduled Commit", "initial commit"])

    def test_one_file_keeps_its_name(self):
        want = self.fill({"a.txt": b"1", "b.txt": b"2"})
        self.start("f/a.txt", "to/other.txt", "--delete", "*")
        self.wait_for({"to/a.txt": want["a.txt"]})
        err = self.end()
        self.assertIn("keeps its name 'a.txt'", err)
        self.assertIn("Ignoring --delete", err)

    def test_one_file_is_looked_at_alone(self):
        """Its name is no pattern, and what lies beside it does not matter, as a folder that cannot be walked."""
        name = "run[1].log"
        want = self.fill({name: b"one\n", "run1.log": b"x"})
        (self.folder / "/".join("d" * 130)).mkdir(parents=True)
        self.start("f/" + name)
        self.wait_for({name: want[name]})
        with open(self.folder / name, "a") as f:
            f.write("two\n")
        self.wait_for({name: self.oid(b"one\ntwo\n", False)})
        self.end()
        self.assertEqual(self.commits(), ["Scheduled Commit"] * 2 + ["initial commit"])

    def test_words_that_are_no_time(self):
        self.fill({"a.txt": b"1"})
        for word in ("0", "-1", "x", "1e3", "", "1.2.3", "..1"):
            p = self.hf("upload", "alice/m", "f", f"--every={word}")
            self.assertEqual(p.returncode, 2, word)
            self.assertIn("is not a number above 0", p.stderr)
        self.assertEqual(self.log(), [])


class Killed(Publish):
    serve_args = ("--lfs-multipart-threshold", str(4 * MIB), "--lfs-part-bytes", str(MIB // 8))

    def large(self, *args):
        return [HF, "upload-large-folder", "alice/m", "f", *args]

    def notes(self):
        """path → first line and SHA-256 of what is noted of it, for files that are not committed yet."""
        found = {}
        books = self.folder / ".cache/huggingface/upload"
        for path in books.rglob("*.metadata"):
            lines = path.read_text().split("\n")
            if lines[7] == "0":
                found[str(path.relative_to(books))[:-9]] = (lines[0], lines[3])
        return found

    @staticmethod
    def part(request):
        """Which object, and which part of it."""
        return request["path"].split("?")[0]

    def run_killed(self, after):
        """Ends a run when so many more bodies have arrived, and then a moment; True when it was faster."""
        with open(self.work / "err", "wb") as err:
            p = subprocess.Popen(self.large(), env={**self.env, "HF_DEBUG": "1"}, cwd=self.work, stdout=subprocess.DEVNULL,
                                 stderr=err)
            mark = len(self.log("PUT"))
            while p.poll() is None and len(self.log("PUT")) < mark + after[0]:
                time.sleep(0.005)
            time.sleep(after[1])
            ended = p.poll() is not None
            p.kill()
            p.wait()
        return ended

    def test_at_twenty_moments(self):
        """Twenty runs are killed. A body that arrived is not sent again, a hash that was noted is not computed again."""
        want = self.fill({f"d{i}/{n}.bin": b"\0" + noise(size, i * 10 + n) for i in range(2)
                          for n, size in enumerate((9 * MIB, 5 * MIB + 1, 1000))} | {f"t{i}.txt": b"%d" % i for i in range(40)})
        self.faults("match=PUT:/uploads/* action=delay=300")
        moments = random.Random(int(os.environ.get("SEED", "5")))
        n_hashed, notes, mark, arrived, killed, ended = {}, {}, 0, set(), 0, 0
        while killed < 20 or not ended or len(self.tree()) < len(want):
            if killed < 20:
                # At first before anything is sent, then here and there.
                if self.run_killed((0 if killed < 6 else moments.randrange(5), moments.uniform(0, 0.15))):
                    ended += 1 # it was faster: there has to be more
                    want |= self.fill({f"more{ended}.bin": b"\0" + noise(5 * MIB, 100 + ended)})
                else:
                    killed += 1
            else:
                self.faults()
                with open(self.work / "err", "wb") as err:
                    done = subprocess.run(self.large(), env={**self.env, "HF_DEBUG": "1"}, cwd=self.work, timeout=PATIENCE,
                                          stdout=subprocess.DEVNULL, stderr=err)
                self.assertEqual(done.returncode, 0, (self.work / "err").read_text())
                ended += 1
            for path in re.findall(r"hashed '(\S+\.bin)'", (self.work / "err").read_text()):
                n_hashed[path] = n_hashed.get(path, 0) + 1
            for path, note in self.notes().items():
                self.assertEqual(notes.setdefault(path, note), note, path) # written once
                self.assertEqual(note[1], want[path])
            puts = self.settled("PUT")
            again = {self.part(r) for r in puts[mark:]}
            self.assertEqual(again & arrived, set())
            arrived |= {self.part(r) for r in puts[mark:] if r["status"] == 200}
            mark = len(puts)
        self.assertEqual(self.tree(), want)
        self.assertEqual(len(self.commits()), 1 + ended) # the first of all, and one for each that came to its end
        # A kill between the note and the line of the log takes the line away, never adds one.
        self.assertEqual(set(n_hashed.values()), {1}, n_hashed)
        self.assertGreater(len(n_hashed), 4)
        # Of each run that was killed at most what was in flight, eight bodies, was for nothing.
        parts = 2 * (73 + 41 + 1) + 41 * (ended - 1)
        self.assertEqual(len(arrived), parts)
        self.assertLessEqual(mark, parts + 8 * killed)

    def test_in_a_commit(self):
        """Ten runs are killed while they commit, which may or may not have happened: in the end it has, once."""
        want = self.fill({f"{i}.txt": b"%d " % i * 60000 for i in range(30)} | {"big.bin": b"\0" + noise(MIB, 3)})
        moments = random.Random(int(os.environ.get("SEED", "5")))
        for turn in range(10):
            self.faults("match=POST:*/commit/* action=" + ("delay=300", "take-stall=200000:300", "lose")[turn % 3])
            mark = len(self.log())
            p = subprocess.Popen(self.large(), env=self.env, cwd=self.work, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            while p.poll() is None and not [r for r in self.log()[mark:] if "/preupload/" in r["path"]]:
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.3))
            p.kill()
            p.wait()
        self.settled()
        self.faults()
        p = subprocess.run(self.large(), env=self.env, cwd=self.work, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(self.tree(), want)
        self.assertEqual(len(self.commits()), 2)

    def test_hashes_are_noted_once(self):
        self.fill({"big.bin": b"\0" + noise(9 * MIB, 1)})
        self.faults("match=PUT:/uploads/* action=status=403")
        self.assertEqual(subprocess.run(self.large(), env=self.env, cwd=self.work, capture_output=True).returncode, 1)
        note = self.folder / ".cache/huggingface/upload/big.bin.metadata"
        lines = note.read_text().split("\n")
        self.assertEqual(len(lines), 9)
        self.assertEqual(lines[1:], [str(9 * MIB + 1), "0", self.oid((self.folder / "big.bin").read_bytes(), True), "lfs", "",
                                     "0", "0", ""])
        # A hash that is noted is believed: this one is of another file, so the storage will not have it.
        note.write_text(note.read_text().replace(lines[3], "0" * 64))
        self.faults()
        p = subprocess.run(self.large(), env=self.env, cwd=self.work, capture_output=True, text=True)
        self.assertEqual(p.returncode, 1)
        self.assertEqual(self.log("POST", "/commit/"), [])
        # A file that is younger than its note is hashed again.
        os.utime(self.folder / "big.bin", (time.time() + 5, time.time() + 5))
        p = subprocess.run(self.large(), env=self.env, cwd=self.work, capture_output=True, text=True)
        self.assertEqual(p.returncode, 0, p.stderr)

    def test_a_file_put_in_the_place_of_a_noted_one(self):
        """It has the same size and is older than the note, as after mv, cp -p, rsync -t, tar x."""
        self.fill({"model.bin": b"\0" + noise(MIB, 0)})
        self.assertEqual(self.hf(*self.large()[1:]).returncode, 0)
        note = self.folder / ".cache/huggingface/upload/model.bin.metadata"
        ways = (("mv", self.large()[1:]), ("cp -p", self.large()[1:]), ("mv", ["upload", "alice/m", "f"]))
        for i, (way, args) in enumerate(ways, 1):
            with self.subTest(way=way, args=args):
                data = b"\0" + noise(MIB, i)
                (self.work / "checkpoint").write_bytes(data)
                os.utime(self.work / "checkpoint", (1e9, 1e9))
                self.assertIn(self.oid((self.folder / "model.bin").read_bytes(), True), note.read_text())
                time.sleep(0.05) # the clock of a file system goes in steps
                subprocess.run([*way.split(), "checkpoint", "f/model.bin"], cwd=self.work, check=True)
                p = self.hf(*args)
                self.assertEqual(p.returncode, 0, p.stderr)
                self.assertEqual(self.tree(), {"model.bin": self.oid(data, True)})


@unittest.skipUnless(shutil.which("git-lfs"), "no git-lfs is installed")
class Clone(Publish):
    """A clone that git and git-lfs push from."""

    def setUp(self):
        super().setUp()
        self.env["GIT_CONFIG_GLOBAL"] = str(self.work / "gitconfig")
        self.env["PATH"] = str(pathlib.Path(HF).parent) + ":" + self.env["PATH"]
        self.git("lfs", "install", "--skip-repo")
        self.git("config", "--global", "user.email", "a@example.com")
        self.git("config", "--global", "user.name", "Alice")
        (self.folder / "a.txt").write_bytes(b"hello\n")
        self.upload("f")
        self.url = self.env["HF_ENDPOINT"].replace("http://", f"http://alice:{self.env['HF_TOKEN']}@") + "/alice/m"
        self.clone = self.work / "clone"
        self.git("clone", "-q", self.url, self.clone)

    def git(self, *args, cwd=None, code=0, timeout=PATIENCE):
        p = subprocess.run(["git", *map(str, args)], env=self.env, cwd=cwd or self.work, capture_output=True, text=True,
                           timeout=timeout)
        if code is not None:
            self.assertEqual(p.returncode, code, p.stderr)
        return p

    def commit(self, name, data):
        (self.clone / name).write_bytes(data)
        self.git("lfs", "track", "*.bin", cwd=self.clone)
        self.git("add", ".", cwd=self.clone)
        self.git("commit", "-qm", "add " + name, cwd=self.clone)

    def enable(self):
        p = self.hf("lfs-enable-largefiles", self.clone)
        self.assertEqual(p.returncode, 0, p.stderr)


class Git(Clone):
    """git and git-lfs with our transfer agent."""

    def test_needed_enabled_pushed(self):
        data = b"\0" + noise(9 * MIB + 5, 4)
        self.commit("big.bin", data)
        p = self.git("push", cwd=self.clone, code=None)
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("lfs-enable-largefiles", p.stderr)
        self.enable()
        self.git("push", cwd=self.clone)
        self.assertEqual(len(self.log("PUT", "/000")), 10)
        self.git("clone", "-q", self.url, self.work / "again")
        self.assertEqual((self.work / "again" / "big.bin").read_bytes(), data)
        self.git("lfs", "fsck", cwd=self.work / "again")
        self.git("fsck", "--strict", cwd=self.work / "again")

    def test_killed_push_goes_on(self):
        self.enable()
        self.commit("big.bin", b"\0" + noise(9 * MIB + 5, 5))
        self.faults("match=PUT:/uploads/*/0000[5-9] action=delay=3000", "match=PUT:/uploads/*/00010 action=delay=3000")
        p = subprocess.Popen(["git", "push"], env=self.env, cwd=self.clone, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 30
        while len(self.log("PUT", "/0000[1-4]")) < 4 and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        before = {r["path"].split("?")[0][-5:] for r in self.log("PUT") if r["status"] == 200 and r["complete"]}
        self.assertGreaterEqual(len(before), 4)
        mark = len(self.log("PUT"))
        self.faults()
        self.git("push", cwd=self.clone)
        after = {r["path"].split("?")[0][-5:] for r in self.log("PUT")[mark:] if r["status"] == 200}
        self.assertEqual(after & {"00001", "00002", "00003", "00004"}, set())
        self.assertIn("big.bin", self.tree())

    def test_a_part_fails(self):
        self.enable()
        self.commit("big.bin", b"\0" + noise(9 * MIB + 5, 6))
        self.faults("match=PUT:/uploads/*/00003 nth=1 action=status=500", "match=PUT:/uploads/*/00004 nth=1 action=drop")
        self.git("push", cwd=self.clone)
        self.assertIn("big.bin", self.tree())

    def agent(self, *lines):
        p = subprocess.run([HF, "lfs-multipart-upload"], env=self.env, input="".join(json.dumps(x) + "\n" for x in lines),
                           capture_output=True, text=True, timeout=30)
        return p.returncode, [json.loads(line) for line in p.stdout.splitlines()]

    def test_protocol(self):
        init = {"event": "init", "operation": "upload", "remote": "origin", "concurrent": True, "concurrenttransfers": 8}
        self.assertEqual(self.agent(init, {"event": "terminate"}), (0, [{}]))
        self.assertEqual(self.agent(init), (0, [{}]))
        code, said = self.agent({**init, "operation": "download"})
        self.assertEqual((code, said[0]["error"]["code"]), (1, 32))
        code, said = self.agent(init, {"event": "download", "oid": "0" * 64, "size": 1})
        self.assertEqual((code, said), (1, [{}]))
        upload = {"event": "upload", "oid": "0" * 64, "size": 6, "path": str(self.folder / "a.txt"),
                  "action": {"href": "http://127.0.0.1:9/c", "header": {"chunk_size": "10", "00001": "http://127.0.0.1:9/1",
                                                                      "00002": "http://127.0.0.1:9/2"}}}
        code, said = self.agent(init, upload, {**upload, "path": "/nowhere"}, {**upload, "size": 7}, {"event": "terminate"})
        self.assertEqual(code, 0)
        self.assertEqual([(m["event"], m["oid"], m["error"]["code"]) for m in said[1:]], [("complete", "0" * 64, 2)] * 3)
        self.assertIn("named 2 parts", said[1]["error"]["message"])


@unittest.skipUnless(os.environ.get("PUSH_BYTES"), "PUSH_BYTES asks for it (tools/soak push)")
class FiveGigabytes(Clone):
    """The size where a storage takes no single body any more: the server's own limits."""
    serve_args = ()

    def test_pushed_killed_pushed_cloned(self):
        """Pushed, killed, pushed again, cloned, and the same file by
        hf upload and back by hf download."""
        size = int(os.environ["PUSH_BYTES"])
        big = self.clone / "big.bin"
        with open(big, "wb") as f: # sparse, but no part is like another
            for at in range(0, size - 1, 50_000_000):
                f.seek(at)
                f.write(b"\0" + noise(4096, at))
            f.truncate(size)
        sha256 = subprocess.run(["sha256sum", big], capture_output=True, text=True, check=True).stdout.split()[0]
        self.git("lfs", "track", "*.bin", cwd=self.clone)
        self.git("add", ".", cwd=self.clone, timeout=900)
        self.git("commit", "-qm", "large", cwd=self.clone)
        p = self.git("push", cwd=self.clone, code=None)
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("hf lfs-enable-largefiles ./path/to/your/repo", p.stderr)
        self.enable()
        p = subprocess.Popen(["git", "push"], env=self.env, cwd=self.clone, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
        while p.poll() is None and len(self.log("PUT")) < 5:
            time.sleep(0.05)
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        parts = [r["path"].split("?")[0] for r in self.settled("PUT") if r["status"] == 200]
        self.assertGreaterEqual(len(parts), 5)
        mark = len(self.log("PUT"))
        self.git("push", cwd=self.clone, timeout=900)
        again = [r["path"].split("?")[0] for r in self.settled("PUT")[mark:]]
        self.assertEqual(set(again) & set(parts), set())
        print(f"{len(parts)} parts before the kill, {len(again)} after it", file=sys.stderr)
        self.assertEqual(self.tree()["big.bin"], sha256)
        shutil.rmtree(self.clone / ".git")
        self.git("clone", "-q", self.url, self.work / "again", timeout=900)
        self.assertEqual(subprocess.run(["cmp", big, self.work / "again" / "big.bin"]).returncode, 0)
        self.git("lfs", "fsck", cwd=self.work / "again", timeout=900)
        self.git("fsck", "--strict", cwd=self.work / "again")
        shutil.rmtree(self.work / "again")
        for args in (["upload", "alice/other", big], ["download", "alice/other", "big.bin", "--local-dir", "down"]):
            p = subprocess.run([HF, *args], env=self.env, cwd=self.work, capture_output=True, text=True, timeout=900)
            self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(subprocess.run(["cmp", big, self.work / "down" / "big.bin"]).returncode, 0)


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).parent)
    sys.exit(unittest.main(verbosity=2))
