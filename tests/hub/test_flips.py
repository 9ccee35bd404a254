#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One wrong byte in each of 500 transfers: found every time, and never under a name. FLIP_GIB makes a
file of that size of which one byte is wrong on disk."""
import collections
import hashlib
import os
import pathlib
import random
import re
import time
import unittest

import case
from case import MIB, PIECE, noise

FLIP_GIB = int(os.environ.get("FLIP_GIB", 0))
ONCE, ALWAYS = 440, 60


class Flips(case.Case):
    def files(self, n, seed):
        """Files of the tree and files of the storage, of one byte to 60 KiB."""
        chance = random.Random(seed)
        return {("l" if i % 4 == 0 else "s") + f"{i:03}": noise(chance.randrange(4096, 60000) if i % 4 == 0
                                                                else chance.randrange(1, 4096), f"{seed}/{i}")
                for i in range(n)}

    def test_once_in_each_of_440_transfers(self):
        """It is fetched once more, and right."""
        files = self.files(ONCE, 1)
        self.serve(files, "--lfs", 4096)
        self.faults({"path": "/resolve/.*/s", "each": True, "do": {"flip_any": True}},
                    {"path": "^/blob/", "each": True, "do": {"flip_any": True}})
        code, out, err = self.get()
        self.assertEqual(code, 0, err)
        for name, data in files.items():
            self.assertEqual((pathlib.Path(out) / name).read_bytes(), data, name)
        self.check_names()
        self.assertEqual(err.count("wrong hash"), ONCE)
        times = collections.Counter(r["path"].split("?")[0] for r in self.bodies())
        self.assertEqual((len(times), set(times.values())), (ONCE, {2}))
        self.assertEqual(self.sent(), 2 * sum(map(len, files.values())))

    def test_always_in_each_of_60_transfers(self):
        files = self.files(ALWAYS, 2)
        self.serve(files, "--lfs", 4096)
        self.faults({"path": "/resolve/.*/s|^/blob/", "times": 9999, "do": {"flip_any": True}})
        for name in files:
            code, out, err = self.get("-q", name)
            self.assertEqual((code, out), (1, ""), err)
            self.assertIn("has hash", err)
        self.assertEqual(list(self.blobs().iterdir()), [])
        snapshots = self.blobs().parent / "snapshots"
        self.assertEqual([p for p in snapshots.rglob("*") if not p.is_dir()] if snapshots.exists() else [], [])

    @unittest.skipUnless(FLIP_GIB, "only when FLIP_GIB is set")
    def test_one_byte_of_a_large_file(self):
        """Wrong on disk: what it costs is one stretch of 64 MiB."""
        size = FLIP_GIB << 30
        path = self.work / "repo" / "f"
        with open(path, "wb") as f:
            for n in range(FLIP_GIB):
                f.write(noise(1 << 30, n))
        self.start_hub("--rate", 100e6)
        p = self.start("-q", "f")
        self.wait_until(lambda: self.received() > size // 2, timeout=600)
        p.kill()
        p.communicate()
        self.new_hub("--rate", 100e6)
        pieces, here = self.pieces(), self.received()
        digests = re.findall(r"^h (\d+) ", next(self.blobs().glob("*-journal")).read_text(), re.M)
        part = next(p for p in self.blobs().iterdir() if p.name.endswith("hfpart"))
        with open(part, "r+b") as f:
            f.seek(random.Random(4).randrange(len(digests) * 64 * MIB))
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ 16]))
        p = self.start("f")
        out, err = p.communicate(timeout=900)
        self.assertEqual(p.returncode, 0, err)
        self.assertIn("changed on disk", err)
        with open(out.strip(), "rb") as f:
            self.assertEqual(hashlib.file_digest(f, "sha256").hexdigest(), os.path.basename(os.path.realpath(f.name)))
        again = self.sent() - (size - here)
        asked = [range(int(a) // PIECE, int(b) // PIECE + 1) for a, b in
                 (r["range"].removeprefix("bytes=").split("-") for r in self.bodies())]
        twice = sum(any(n in r for r in asked) for n in pieces)
        print(f"{FLIP_GIB} GiB, one byte wrong: {twice * PIECE // MIB} MiB asked for again, {again / MIB:.0f} MiB sent again")
        self.assertEqual(twice * PIECE, 64 * MIB)
        self.assertLessEqual(again, 64 * MIB + MIB * len(asked)) # what is under way where a range is handed on


if __name__ == "__main__":
    unittest.main()
