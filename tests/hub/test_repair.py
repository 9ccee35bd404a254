#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A byte that was flipped on its way is always found; where the server tells digests of ranges, only the
piece that holds it is fetched again. FLIP_MIB makes the file larger."""
import os
import signal
import time
import unittest

import case
from case import MIB, noise

FLIP_MIB = int(os.environ.get("FLIP_MIB", 200))
STORAGE = "/blob/"


class Repair(case.Case):
    def refetched(self):
        """Bytes of bodies sent after it was asked for digests. What lanes that were cut short had on their way before does
        not count."""
        log = self.log()
        asked = next(i for i, r in enumerate(log) if r["wants_digest"])
        return sum(r["sent"] for r in log[asked:] if r["method"] == "GET" and r["storage"] and r["status"] in (200, 206))

    def until_wrong(self, data, rule, *args):
        """What was said of a wrong byte. One whose range had been handed on goes nowhere."""
        for _ in range(9):
            self.new_hub(*args)
            self.faults(rule)
            result = self.get("-q", "--force-download", "f")
            self.check_got("f", data, result)
            if "wrong hash" in result[2]:
                return result[2]
        self.fail("the wrong byte never came")

    def test_only_the_piece(self):
        size = FLIP_MIB * MIB + 4321
        data = noise(size)
        self.serve({"f": data})
        err = self.until_wrong(data, {"path": STORAGE, "do": {"flip": size * 5 // 8}}, "--digests", "--rate", 60e6)
        self.assertIn("fetching the 4194304 bytes again", err)
        self.assertGreater(self.refetched(), 0)
        self.assertLessEqual(self.refetched(), 4 * MIB)

    def test_at_every_edge(self):
        size = 9 * MIB + 1
        data = noise(size)
        self.serve({"f": data}, "--digests")
        for at in (0, 4 * MIB - 1, 4 * MIB, 8 * MIB, size - 1):
            with self.subTest(at=at):
                before = self.sent()
                self.faults({"path": STORAGE, "do": {"flip": at}})
                self.check_got("f", data, self.get("-q", "--force-download", "f"))
                self.assertLessEqual(self.sent() - before - size, 4 * MIB + self.slack())

    def test_a_piece_that_is_wrong_again(self):
        data = noise(20 * MIB)
        self.serve({"f": data})
        self.until_wrong(data, {"path": STORAGE, "times": 2, "do": {"flip": 9 * MIB}}, "--digests")
        self.assertLessEqual(self.refetched(), 8 * MIB)

    def test_digests_that_lie(self):
        """They cost work, but the hash of the whole decides."""
        data = noise(20 * MIB)
        self.serve({"f": data}, "--digests")
        self.faults({"path": STORAGE, "do": {"flip": 9 * MIB}},
                    {"path": STORAGE, "method": "HEAD", "times": 99, "do": {"lie": True}})
        self.check_got("f", data, self.get("-q", "f"))

    def test_digests_that_say_all_is_well(self):
        """The source's own copy is wrong, and its digests agree with it."""
        data = noise(20 * MIB)
        self.serve({"f": data}, "--digests")
        path = self.work / "repo" / "f"
        path.write_bytes(data[:9 * MIB] + b"?" + data[9 * MIB + 1:])
        code, _, err = self.get("-q", "f")
        self.assertEqual(code, 1)
        self.assertIn("has hash", err)
        self.assertEqual(self.parts(), [])
        self.check_names()

    def test_a_server_that_tells_nothing(self):
        data = noise(20 * MIB)
        self.serve({"f": data})
        self.until_wrong(data, {"path": STORAGE, "do": {"flip": 9 * MIB}})
        self.assertGreaterEqual(self.refetched(), len(data))
        self.assertEqual(sum(r["wants_digest"] for r in self.log()), 1)

    def test_digests_that_are_refused(self):
        data = noise(20 * MIB)
        self.serve({"f": data}, "--digests")
        self.faults({"path": STORAGE, "do": {"flip": 9 * MIB}},
                    {"path": STORAGE, "method": "HEAD", "skip": 1, "times": 99, "do": {"status": 405}})
        self.check_got("f", data, self.get("-q", "f"))

    def test_stopped_while_comparing(self):
        data = noise(20 * MIB)
        self.serve({"f": data}, "--digests")
        self.faults({"path": STORAGE, "do": {"flip": 9 * MIB}},
                    {"path": STORAGE, "method": "HEAD", "skip": 1, "times": 99, "do": {"hang": 9}})
        p = self.start("-q", "f")
        self.wait_until(lambda: sum(r["wants_digest"] for r in self.log()) == 1)
        begun = time.monotonic()
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=case.PATIENCE)
        self.assertIn(p.returncode, (-signal.SIGINT, 128 + signal.SIGINT))
        self.assertLess(time.monotonic() - begun, 5)
        self.check_names()


if __name__ == "__main__":
    unittest.main()
