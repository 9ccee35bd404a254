#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine that is full, broken, read-only or has its clock set: one clear line, nothing under a name
that is not right, and what could be kept is not fetched again. spoil.c is between the command and libc."""
import errno
import os
import random
import subprocess
import time
import unittest

import case
from case import MIB, noise

SPOIL = os.environ.get("HF_SPOIL", str(case.HERE.parent.parent / "build" / "tests" / "hub_spoil.so"))
CUTS = int(os.environ.get("CUTS", 8))
CUT_MIB = int(os.environ.get("CUT_MIB", 260))
SIZE = 40 * MIB + 123
PART = "hfpart"
JOURNAL = "hfpart-journal"


@unittest.skipIf(os.environ.get("HFHUB_SANITIZE", "none") != "none",
                 "a sanitizer does not bear LD_PRELOAD")
class Disk(case.Case):
    def spoilt(self, *args, **how):
        return self.get(*args, LD_PRELOAD=SPOIL, **how)

    def failed(self, result, says):
        code, out, err = result
        self.assertEqual((code, out), (1, ""), err)
        errors = [line for line in err.splitlines() if line.startswith("Error")]
        self.assertEqual(len(errors), 1, err)
        self.assertIn(says, errors[0])
        self.check_names()
        snapshots = self.blobs().parent / "snapshots"
        self.assertEqual([p for p in snapshots.rglob("*") if not p.is_dir()] if snapshots.exists() else [], [])

    def test_enospc_in_the_middle(self):
        data = noise(SIZE)
        self.serve({"f": data}, "--rate", 60e6)
        self.failed(self.spoilt("f", SPOIL_WRITE=f"{PART}:{25 * MIB}:{errno.ENOSPC}"),
                    "bytes missing; what is there is kept for the next call")
        self.assertGreaterEqual(self.received(), 8 * MIB)
        here = self.pieces()
        self.new_hub("--rate", 60e6)
        self.check_got("f", data, self.get("f"))
        self.check_not_asked_again(here)

    def test_eio_on_write(self):
        data = noise(SIZE)
        self.serve({"f": data}, "--rate", 60e6)
        self.failed(self.spoilt("f", SPOIL_WRITE=f"{PART}:{25 * MIB}:{errno.EIO}"), "Input/output error")
        here = self.pieces()
        self.assertGreaterEqual(len(here), 2)
        self.new_hub("--rate", 60e6)
        self.check_got("f", data, self.get("f"))
        self.check_not_asked_again(here)

    def test_eio_on_sync(self):
        """What the disk did not take is not given a name."""
        data = noise(SIZE)
        self.serve({"f": data})
        self.failed(self.spoilt("f", SPOIL_SYNC=f"{PART}:{errno.EIO}"), "Input/output error")
        self.check_got("f", data, self.get("f"))

    def test_a_sync_that_fails_once(self):
        """On the way or at the end: what it was to bring to the disk is not believed to be there, though the next sync
        finds nothing left to do."""
        for size in 100 * MIB, SIZE:
            with self.subTest(size=size):
                data = noise(size, size)
                self.serve({"f": data})
                self.failed(self.spoilt("f", SPOIL_SYNC=f"{PART}:{errno.EIO}", SPOIL_SYNC_TIMES="1"),
                            "Input/output error")
                since = len(self.bodies())
                self.check_got("f", data, self.get("f"))
                self.assertEqual(self.asked(since), size)
                self.tearDown()
                self.doCleanups()
                self.setUp()

    def test_what_was_synced_before_one_failed_is_kept(self):
        data = noise(200 * MIB)
        self.serve({"f": data}, "--rate", 60e6)
        p = self.start("-q", "f")
        self.wait_until(lambda: any(b"\ns " in j.read_bytes() for j in self.blobs().glob("*-journal")))
        p.kill()
        p.communicate()
        self.failed(self.spoilt("f", SPOIL_SYNC=f"{PART}:{errno.EIO}", SPOIL_SYNC_TIMES="1"), "Input/output error")
        self.new_hub()
        self.check_got("f", data, self.get("f"))
        self.assertLessEqual(self.asked(), len(data) - 32 * MIB)

    def test_unwritable_journal(self):
        """The download goes on without a way back."""
        data = noise(SIZE)
        self.serve({"f": data}, "--rate", 60e6)
        self.check_got("f", data, self.spoilt("f", SPOIL_WRITE=f"{JOURNAL}:0:{errno.ENOSPC}"))
        self.assertLess(self.sent(), 2 * SIZE)

    def test_a_journal_that_fills_up(self):
        data = noise(SIZE)
        self.serve({"f": data}, "--rate", 60e6)
        self.check_got("f", data, self.spoilt("f", SPOIL_WRITE=f"{JOURNAL}:300:{errno.ENOSPC}"))
        self.assertLess(self.sent(), 2 * SIZE)

    def test_a_journal_that_cannot_be_made(self):
        data = noise(SIZE)
        self.serve({"f": data}, "--rate", 60e6)
        self.check_got("f", data, self.spoilt("f", SPOIL_MAKE=f"{JOURNAL}:{errno.EACCES}"))
        self.assertLess(self.sent(), 2 * SIZE)

    def test_read_only_cache(self):
        data = noise(2 * MIB)
        self.serve({"f": data, "g": b"small\n"})
        read_only = f"{self.work}/home:{errno.EROFS}"
        self.failed(self.spoilt("f", SPOIL_MAKE=read_only), "Read-only file system")
        self.assertEqual(self.bodies(), []) # not asked for what cannot be kept
        self.check_got("f", data, self.get("f"))
        # What is there is served all the same.
        self.check_got("f", data, self.spoilt("f", SPOIL_MAKE=read_only))

    def test_locks_that_do_not_reach_other_machines(self):
        """Two machines on one filesystem of which neither sees the other's locks: work done twice, nothing worse. One is
        killed in the middle and comes back while the other goes on."""
        data = noise(SIZE)
        self.serve({"f": data, "g": b"small\n"}, "--rate", 20e6)
        machine = [{"LD_PRELOAD": SPOIL, "SPOIL_HOST": f"machine-{n}"} for n in range(3)]
        running = [self.start("-q", **m) for m in machine]
        self.wait_until(lambda: len(list(self.blobs().glob("*-journal"))) == 3 and self.pieces())
        running[0].kill()
        running[0].communicate()
        running[0] = self.start("-q", **machine[0])
        outs = set()
        for p in running:
            out, err = p.communicate(timeout=case.PATIENCE)
            self.assertEqual(p.returncode, 0, err)
            self.assertEqual(err, "")
            outs.add(out.strip())
        got, = outs
        self.assertEqual(case.hashlib.sha256((case.pathlib.Path(got) / "f").read_bytes()).digest(),
                         case.hashlib.sha256(data).digest())
        self.check_names()
        self.assertEqual(self.parts(), [])
        self.assertEqual(self.get("-q", HF_HUB_OFFLINE="1")[0], 0)

    def test_a_prune_on_another_machine(self):
        """It sees no lock of the download, and leaves its part all the same."""
        data = noise(SIZE)
        self.serve({"f": data, "g": b"small\n"}, "--rate", 20e6)
        self.assertEqual(self.get("g")[0], 0)
        p = self.start("f")
        self.wait_until(self.pieces)
        pruned = subprocess.run([case.HF, "cache", "prune", "-y"], capture_output=True, text=True, timeout=case.PATIENCE,
                                env={**self.env, "LD_PRELOAD": SPOIL, "SPOIL_HOST": "other"})
        out, err = p.communicate(timeout=case.PATIENCE)
        self.assertEqual(pruned.returncode, 0, pruned.stderr)
        self.check_got("f", data, (p.returncode, out.strip(), err))

    def test_clock_that_is_set(self):
        """Forward or backward, in the middle: no wait is lengthened, no connection given up for it."""
        data = noise(SIZE)
        self.serve({"f": data}, "--rate", 20e6)
        for jump in (100 * 86400, -100 * 86400):
            with self.subTest(jump):
                self.faults({"path": "^/blob/", "skip": 1, "do": {"status": 503, "headers": {"Retry-After": "1"}}},
                            {"path": "^/blob/", "do": {"cut": 10 * MIB}})
                self.log_file.write_text("")
                start = time.monotonic()
                result = self.spoilt("f", "--force-download", SPOIL_CLOCK=f"300:{jump}")
                self.check_got("f", data, result)
                self.assertLess(time.monotonic() - start, 30)
                self.assertLessEqual(self.sent(), SIZE + 4 * MIB)

    def cut_power(self, log, chance):
        """Gives the parts the content they could have after a power cut: of every write that no sync
        covers, any block may be lost. Returns the bytes that a sync did cover."""
        parts = {p.stat().st_ino: p for p in self.blobs().glob(f"*{PART}*")} if self.blobs().exists() else {}
        writes, begun, safe = {}, {}, {} # by inode; safe: so many of its writes are
        for line in log.read_text().splitlines():
            what, inode, *rest = line.split()
            if what == "w":
                writes.setdefault(inode, []).append((int(rest[0]), int(rest[1])))
            elif what == "b": # threads may sync at once
                begun[inode, rest[0]] = len(writes.get(inode, []))
            else:
                safe[inode] = max(safe.get(inode, 0), begun.pop((inode, rest[0]), 0))
        covered = 0
        for inode, path in parts.items():
            done, n_safe = writes.get(str(inode), []), safe.get(str(inode), 0)
            kept = bytearray(os.path.getsize(path)) # 1: a byte that is on disk; a second write brings the same
            for offset, length in done[:n_safe]:
                kept[offset:offset + length] = b"\1" * len(kept[offset:offset + length])
            with open(path, "r+b") as f:
                for offset, length in set(done[n_safe:]):
                    at = offset
                    while at < min(offset + length, len(kept)):
                        n = min(4096 - at % 4096, offset + length - at, len(kept) - at)
                        if chance.random() < 0.5 and not (any(kept[at:at + n]) and not path.name.endswith("journal")):
                            f.seek(at)
                            f.write(bytes(n))
                        at += n
            covered += sum(kept) if not path.name.endswith("journal") else 0
        return covered

    def test_power_cuts(self):
        """A machine that stops again and again, each time with another boot id afterwards."""
        size = CUT_MIB * MIB + 777
        data = noise(size)
        self.serve({"f": data}, "--rate", 60e6)
        chance = random.Random(3)
        boot, log = self.work / "boot", self.work / "writes"
        spoil = {"LD_PRELOAD": SPOIL, "SPOIL_BOOT": str(boot), "SPOIL_LOG": str(log)}
        log.touch()
        kept = mended = 0
        for n in range(CUTS):
            boot.write_text(f"boot {n}\n")
            p = self.start("-q", "f", **spoil)
            time.sleep(0.2 + chance.random() * 1.2)
            p.kill()
            _, err = p.communicate()
            if p.returncode == 0:
                break
            mended += err.count("changed on disk") + err.count("wrong hash")
            kept = max(kept, self.cut_power(log, chance))
            self.check_names()
        boot.write_text("the last boot\n")
        before = self.sent()
        p = self.start("f", **spoil)
        out, err = p.communicate(timeout=10 * case.PATIENCE)
        self.check_got("f", data, (p.returncode, out.strip(), err))
        mended += err.count("changed on disk") + err.count("wrong hash")
        # What was synced is not fetched again, but for pieces that were not whole and ranges that two lanes race for.
        self.assertLessEqual(self.sent() - before, size - kept + 60 * MIB)
        print(f"{n + 1} power cuts, {kept / MIB:.0f} MiB were safe, "
              f"{(self.sent() - size) / MIB:.0f} MiB came more than once, {mended} mended")
        self.assertGreater(kept, 0)
        self.assertEqual(mended, 0) # the journal vouched for nothing that was not there


if __name__ == "__main__":
    unittest.main()
