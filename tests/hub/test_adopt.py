#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What another client left half-done of the same blob is taken over, and never believed."""
import fcntl
import hashlib
import time
import unittest

import case
from case import MIB, noise

SIZE = 20 * MIB + 77


class Adopt(case.Case):
    def left(self, content, name="{}.incomplete", etag_of=None):
        self.data = noise(SIZE)
        self.etag = hashlib.sha256(self.data if etag_of is None else etag_of).hexdigest()
        self.blobs().mkdir(parents=True)
        path = self.blobs() / name.format(self.etag)
        path.write_bytes(content(self.data))
        self.serve({"f": self.data})
        return path

    def get_it(self):
        result = self.get("-q", "f")
        self.check_blob(result)
        return result[2]

    def check_blob(self, result):
        code, out, err = result
        self.assertEqual(code, 0, err)
        self.assertEqual(case.pathlib.Path(out).read_bytes(), self.data)
        self.assertEqual(self.parts(), [])

    def test_of_old(self):
        path = self.left(lambda d: d[:13 * MIB + 5])
        inode = path.stat().st_ino
        self.get_it()
        self.check_sent(SIZE - 13 * MIB - 5)
        self.assertEqual((self.blobs() / self.etag).stat().st_ino, inode, "it was copied")
        self.assertFalse(path.exists())

    def test_of_today(self):
        path = self.left(lambda d: d[:13 * MIB + 5], "{}.0123abcd.incomplete")
        (self.blobs() / f"{self.etag}.ffffffff.incomplete").write_bytes(self.data[:MIB])
        self.get_it()
        self.check_sent(SIZE - 13 * MIB - 5)
        self.assertFalse(path.exists())

    def test_complete(self):
        self.left(lambda d: d)
        self.get_it()
        self.assertEqual(self.sent(), 0)

    def test_poisoned(self):
        self.left(lambda d: d[:5 * MIB] + b"!" + d[5 * MIB + 1:13 * MIB])
        err = self.get_it()
        self.assertIn("another client", err)
        self.check_sent(SIZE)

    def test_with_a_hole(self):
        """Set aside, but not written: only the front is worth anything."""
        path = self.left(lambda d: d[:8 * MIB])
        with open(path, "r+b") as f:
            f.truncate(SIZE)
            f.seek(16 * MIB)
            f.write(self.data[16 * MIB:])
        self.get_it()
        self.check_sent(SIZE - 8 * MIB)

    def test_not_ours_to_take(self):
        for name, content in (("{}.0123abcg.incomplete", lambda d: d[:MIB]), ("{}0.incomplete", lambda d: d[:MIB]),
                              ("{}.incomplete", lambda d: d + b"x"), ("{}.incomplete", lambda d: b"")):
            with self.subTest(name=name):
                case.shutil.rmtree(self.work / "home", ignore_errors=True)
                path = self.left(content, name)
                before = path.read_bytes()
                since = len(self.bodies())
                self.get_it()
                self.check_sent(SIZE, since)
                self.assertEqual(path.read_bytes(), before)

    def test_link(self):
        path = self.left(lambda d: d[:9 * MIB])
        other = self.work / "other"
        other.hardlink_to(path)
        self.get_it()
        self.assertEqual(other.read_bytes(), self.data[:9 * MIB])
        self.check_sent(SIZE)

    def test_somebody_is_at_it(self):
        """Whoever holds the lock of the blob is at work on it."""
        path = self.left(lambda d: d[:9 * MIB], "{}.0123abcd.incomplete")
        locks = self.work / "home" / "hub" / ".locks" / "models--test--repo"
        locks.mkdir(parents=True)
        with open(locks / f"{self.etag}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            p = self.start("-q", "f")
            time.sleep(1)
            self.assertTrue(path.exists())
            self.assertEqual(path.stat().st_size, 9 * MIB)
            self.assertEqual(self.sent(), 0)
        out, err = p.communicate(timeout=case.PATIENCE)
        self.check_blob((p.returncode, out.strip(), err))
        self.check_sent(SIZE - 9 * MIB)


if __name__ == "__main__":
    unittest.main()
