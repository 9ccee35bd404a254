#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people ask for: a limit on the rate, a choice of freshness, progress for programs, lock files."""
import hashlib
import json
import time
import unittest

import case
from case import MIB, noise


class Options(case.Case):
    def requests(self):
        n = len(self.log())
        self.log_file.write_text("")
        return n

    def test_limit_rate(self):
        data = noise(8 * MIB)
        self.serve({"f": data})
        start = time.monotonic()
        self.check_got("f", data, self.get("f", "--limit-rate", "2M"))
        took = time.monotonic() - start
        self.assertGreater(took, 3.5) # 8.4 MB at 2 MB/s, less a burst at either end
        self.assertLess(took, 8 + 8 * case.SANITIZED)

    def test_limit_rate_is_shared(self):
        """No file waits for the end of another: its server would give it up."""
        self.serve({f"f{i}": noise(3 * MIB, i) for i in range(8)})
        start = time.monotonic()
        p = self.start("--limit-rate", "6M")
        self.wait_until(lambda: any(b.stat().st_size == 3 * MIB for b in self.blobs().glob("*") if "." not in b.name))
        self.assertGreater(time.monotonic() - start, 1.5) # of four
        err = p.communicate(timeout=case.PATIENCE)[1]
        self.assertEqual(p.returncode, 0, err)

    def test_limit_rate_is_checked(self):
        self.serve({"f": b"x"})
        for text in ("", "0", "x", "1Q", "-5", "5MM"):
            code, out, err = self.get("f", "--limit-rate", text)
            self.assertEqual((code, out), (2, ""), err)
            self.assertIn("--limit-rate", err)

    def test_prefer_cache(self):
        self.serve({"f": b"one\n", "d/g": b"two\n"})
        self.assertEqual(self.get("--prefer-cache")[0], 0)
        self.assertGreater(self.requests(), 0)
        self.assertEqual(self.get("--prefer-cache")[0], 0)
        self.assertEqual(self.get("f", "--prefer-cache")[0], 0)
        self.assertEqual(self.requests(), 0)
        self.assertEqual(self.get()[0], 0)
        self.assertEqual(self.requests(), 1)
        blob, = [p for p in self.blobs().iterdir() if p.read_bytes() == b"two\n"]
        blob.unlink()
        self.assertEqual(self.get("--prefer-cache")[0], 0) # not all of it: as if nobody had looked
        self.assertGreater(self.requests(), 0)
        self.assertEqual(blob.read_bytes(), b"two\n")

    def test_refresh(self):
        self.serve({"f": b"one\n"})
        self.assertEqual(self.get()[0], 0)
        self.stop_hub()
        self.assertEqual(self.get()[0], 0)
        self.assertEqual(self.get("f")[0], 0)
        self.assertEqual(self.get("--refresh")[0], 1)

    def test_progress_json(self):
        data = noise(12 * MIB)
        self.serve({"f": data}, "--rate", 10e6)
        code, _, err = self.get("f", "--progress", "json", "--format", "json")
        self.assertEqual(code, 0)
        events = [json.loads(line) for line in err.splitlines() if line.startswith('{"event"')]
        self.assertGreater(len(events), 3)
        self.assertEqual(events[-1]["phase"], "done")
        self.assertEqual(events[-1]["bytes_done"], len(data))
        done = [e["bytes_done"] for e in events]
        self.assertEqual(done, sorted(done))

    def test_waiting_is_told(self):
        self.serve({"f": noise(2 * MIB)})
        self.faults({"path": "^/blob/", "do": {"status": 429, "headers": {"Retry-After": "1"}}})
        code, _, err = self.get("f", "--progress", "json")
        self.assertEqual(code, 0, err)
        waits = [json.loads(line) for line in err.splitlines() if '"phase":"wait"' in line]
        self.assertGreater(len(waits), 2)
        self.assertGreater(max(e["wait_ms"] for e in waits), 500)
        self.assertTrue(all(e["wait_asked"] for e in waits))

    def test_a_wait_of_our_own_is_not_the_hubs(self):
        self.serve({"f": noise(2 * MIB)})
        self.faults({"path": "^/blob/", "times": 2, "do": {"status": 503}})
        code, _, err = self.get("f", "--progress", "json")
        self.assertEqual(code, 0, err)
        waits = [json.loads(line) for line in err.splitlines() if '"phase":"wait"' in line]
        self.assertGreater(len(waits), 2)
        self.assertFalse(any(e["wait_asked"] for e in waits))

    def test_waiting_is_said(self):
        self.serve({"f": noise(2 * MIB)})
        self.faults({"path": "^/blob/", "do": {"status": 429, "headers": {"Retry-After": "3"}}})
        code, _, err = self.get("f")
        self.assertEqual(code, 0, err)
        self.assertRegex(err, "waiting [1-4] s, the Hub asked for it")

    def test_waiting_for_a_head_is_told(self):
        self.serve({"f": noise(2 * MIB)})
        self.faults({"path": "/resolve/", "method": "HEAD", "times": 2,
                     "do": {"status": 429, "headers": {"Retry-After": "1"}}})
        code, _, err = self.get("f", "--progress", "json")
        self.assertEqual(code, 0, err)
        waits = [json.loads(line) for line in err.splitlines() if '"phase":"wait"' in line]
        self.assertGreater(len(waits), 2)
        self.assertGreater(max(e["wait_ms"] for e in waits), 500)
        self.assertEqual(waits[0]["bytes_total"], 0)

    def test_a_listing_without_a_network_is_asked_for_once(self):
        """A snapshot by commit of which the listing was not kept: what is here serves."""
        self.serve({"f": b"one\n"})
        self.assertEqual(self.get()[0], 0)
        commit = next((self.blobs().parent / "snapshots").iterdir()).name
        for path in (self.blobs().parent / "trees").iterdir():
            path.unlink()
        self.requests()
        self.faults({"path": "/tree/", "times": 99, "do": {"drop": True}})
        code, out, err = self.get("--revision", commit)
        self.assertEqual(code, 0, err)
        self.assertTrue(out.endswith(commit))
        self.assertEqual(self.requests(), 1)
        # One that answers is waited for.
        self.faults({"path": "/tree/", "times": 2, "do": {"status": 503}})
        self.assertEqual(self.get("--revision", commit)[0], 0)
        self.assertEqual([r["status"] for r in self.log()], [503, 503, 200])

    def test_dry_run(self):
        self.serve({"f": noise(2 * MIB), "g": b"x", "empty": b""})
        code, out, err = self.get("--dry-run")
        self.assertEqual(code, 0, err)
        self.assertIn("Requests for bodies: 2.", err)
        self.assertFalse(any(self.blobs().glob("*")) if self.blobs().exists() else False)

    def test_dry_run_for_programs(self):
        self.serve({"f": noise(2 * MIB), "g": b"x", "empty": b""})
        for args, plan in (((), (3, 3, 2 * MIB + 1, 2)), (("f",), (1, 1, 2 * MIB, 1))):
            code, out, err = self.get(*args, "--dry-run", "--progress", "json", "--format", "json")
            self.assertEqual(code, 0, err)
            told, = [json.loads(line) for line in err.splitlines() if '"event":"plan"' in line]
            self.assertEqual(told, {"event": "plan", "files_to_fetch": plan[0], "files_total": plan[1],
                                    "bytes_to_fetch": plan[2], "requests": plan[3], "disk_needed": plan[2]})
            self.assertEqual(len(json.loads(out)), plan[1])

    def test_dry_run_counts_what_is_needed(self):
        """A blob that files share counts once, and what an earlier call left does not count again."""
        big, twice = noise(24 * MIB), noise(3 * MIB, 2)
        self.serve({"big": big, "a": twice, "b": twice, "d/c": twice}, "--rate", 20e6)
        p = self.start("-q", "big")
        self.wait_until(lambda: self.received() >= 8 * MIB)
        p.kill()
        p.communicate()
        here = self.pieces()
        code, out, err = self.get("--dry-run")
        self.assertEqual(code, 0, err)
        self.assertIn("Will download 2 files (out of 4)", err + out)
        self.assertIn("Requests for bodies: 2. Disk needed: 3.1M.", err)
        self.new_hub("--rate", 20e6)
        code, out, err = self.get("-q")
        self.assertEqual(code, 0, err)
        self.check_names()
        # How many ranges the rest of the big one comes in depends on how fast they come.
        stored = [r for r in self.bodies() if r["storage"]]
        self.assertEqual(len({r["path"].partition("?")[0] for r in stored}), 2)
        ours = hashlib.sha256(twice).hexdigest()
        self.assertEqual(sum(r["sent"] for r in stored if ours in r["path"]), len(twice))
        self.check_not_asked_again(here, [r for r in stored if ours not in r["path"]])
        self.assertEqual((case.pathlib.Path(out) / "d/c").read_bytes(), twice)

    def test_lock(self):
        files = {"f": noise(2 * MIB), "d/g": b"small\n"}
        self.serve(files)
        lock = self.work / "repo.lock"
        self.assertEqual(self.get("--lock", str(lock))[0], 0)
        text = lock.read_text()
        self.assertIn("# repo model test/repo\n# commit 0123456789abcdef0123456789abcdef01234567\n", text)
        self.assertEqual(sum(not line.startswith("#") for line in text.splitlines()), 2)
        self.assertEqual(self.get("--locked", str(lock))[0], 0)
        # A cached byte that changed is found.
        blob, = [p for p in self.blobs().iterdir() if p.read_bytes() == b"small\n"]
        blob.write_bytes(b"smalL\n")
        code, _, err = self.get("--locked", str(lock))
        self.assertEqual(code, 1)
        self.assertIn("has hash", err)
        self.assertEqual(self.get("--locked", str(lock), "--force-download")[0], 0)
        self.assertEqual(blob.read_bytes(), b"small\n")

    def test_locked_against_a_hub_that_lies(self):
        self.serve({"f": noise(2 * MIB), "g": b"small\n"})
        lock = self.work / "repo.lock"
        self.assertEqual(self.get("--lock", str(lock))[0], 0)
        good = lock.read_text()
        lock.write_text(good.replace(good.split("\n")[3][:64], "0" * 64))
        for extra in ((), ("--force-download",), ("f",)):
            self.requests()
            code, out, err = self.get("--locked", str(lock), *extra)
            self.assertEqual((code, out), (1, ""), err)
            self.assertIn("hash", err)
        lock.write_text("\n".join(line for line in good.split("\n") if not line.endswith("  g")) + "\n")
        code, _, err = self.get("--locked", str(lock))
        self.assertEqual(code, 1)
        self.assertIn("'g'", err)

    def test_require_hash(self):
        self.serve({"g": b"small\n"})
        lock = self.work / "sums"
        lock.write_text("1f7a7a472abf3dd9643fd615f6da379c4acb3e3a  g\n")
        self.assertEqual(self.get("g", "--require-hash", str(lock))[0], 1)
        import hashlib
        lock.write_text(hashlib.sha1(b"blob 6\0small\n").hexdigest() + "  g\n")
        self.assertEqual(self.get("g", "--require-hash", str(lock))[0], 0)
        for text in ("", "nonsense\n", "1f7a g\n"):
            lock.write_text(text)
            code, out, err = self.get("g", "--require-hash", str(lock))
            self.assertEqual((code, out), (1, ""))
            self.assertIn("sums", err)
        self.assertEqual(self.get("g", "--locked", str(self.work / "absent"))[0], 1)

    def test_require_hash_of_the_other_kind(self):
        """What sha256sum wrote holds for files that the Hub knows by git's hash alone, and the other way round."""
        files = {"g": b"small\n", "f": b"\0" + noise(2 * MIB)}
        self.serve(files)
        sums = self.work / "sums"
        sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        git = {name: hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() for name, data in files.items()}
        for made in (sha256, git):
            sums.write_text("".join(f"{h}  {name}\n" for name, h in made.items()))
            for args in ((), ("g",), ("f",), ("--force-download",), ("--local-dir", str(self.work / "down"))):
                code, _, err = self.get(*args, "--require-hash", str(sums))
                self.assertEqual(code, 0, err)
            for name, h in made.items():
                sums.write_text(f"{h[:-1]}{'0' if h[-1] != '0' else '1'}  {name}\n")
                word = "nothing was fetched" if (name, made) in (("f", sha256), ("g", git)) else "not the file that was meant"
                for args in ((), ("--force-download",)):
                    code, out, err = self.get(name, *args, "--require-hash", str(sums))
                    self.assertEqual((code, out), (1, ""))
                    self.assertIn(word, err)


if __name__ == "__main__":
    unittest.main()
