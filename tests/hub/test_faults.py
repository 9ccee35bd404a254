#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each fault of the wire by name: the download ends right, or with one clear error and nothing under a
name; and where bytes were lost, only those are fetched again."""
import unittest

import case
from case import MIB, noise

STORAGE = "^/blob/"
SIZE = 40 * MIB + 123


class Faults(case.Case):
    def setUp(self):
        super().setUp()
        self.data = noise(SIZE)
        self.serve({"f": self.data, "small": b"small\n"}, "--rate", 60e6)

    def good(self, *rules, extra=None, **env):
        """Comes right in spite of the rules; extra: bytes that may be sent more than once."""
        self.faults(*rules)
        result = self.get("f", **env)
        self.check_got("f", self.data, result)
        if extra is not None:
            self.assertLessEqual(self.sent(), SIZE + extra + self.slack())
        return result[2]

    def bad(self, *rules, says, code=1, file="f"):
        self.faults(*rules)
        got, out, err = self.get(file)
        self.assertEqual(got, code, err)
        self.assertEqual(out, "")
        self.assertIn(says, err)
        self.check_names()
        snapshots = self.blobs().parent / "snapshots"
        self.assertEqual([p for p in snapshots.rglob("*") if not p.is_dir()] if snapshots.exists() else [], [])

    def test_none(self):
        self.good(extra=MIB)

    def test_truncation(self):
        self.good({"path": STORAGE, "do": {"cut": 10 * MIB}}, extra=2 * MIB)

    def test_truncation_again_and_again(self):
        self.good({"path": STORAGE, "times": 4, "do": {"cut": 3 * MIB}}, extra=4 * MIB)

    def test_dropped_before_the_answer(self):
        self.good({"path": STORAGE, "do": {"drop": True}}, extra=2 * MIB)

    def test_stall(self):
        self.good({"path": STORAGE, "do": {"stall": 8 * MIB}}, extra=8 * MIB)

    def test_drip(self):
        self.good({"path": STORAGE, "do": {"drip": 8 * MIB}}, extra=SIZE)

    def test_wrong_length_too_long(self):
        self.good({"path": STORAGE, "do": {"length": SIZE + 5, "cut": 5 * MIB}})

    def test_wrong_length_always(self):
        self.bad({"path": STORAGE, "times": 99, "do": {"length": SIZE + 5}}, says="bytes")
        self.assertLessEqual(len(self.bodies()), 4) # said at once, not after a long wait

    def test_no_length(self):
        self.good({"path": STORAGE, "times": 99, "do": {"no_length": True}}, extra=2 * MIB)

    def test_no_length_and_cut(self):
        self.good({"path": STORAGE, "times": 1, "do": {"no_length": True, "cut": 7 * MIB}}, extra=2 * MIB)

    def test_200_instead_of_206(self):
        self.good({"path": STORAGE, "do": {"cut": 5 * MIB}},
                  {"path": STORAGE, "times": 99, "do": {"no_range": True}})

    def test_200_with_other_bytes_where_some_are_hashed_already(self):
        """What came first and was hashed is what gets the name."""
        self.good({"path": STORAGE, "times": 1, "do": {"cut": 700000}},
                  {"path": STORAGE, "times": 1, "do": {"no_range": True}},
                  {"path": STORAGE, "times": 1, "do": {"no_range": True, "flip": 699999}}, extra=2 * SIZE)

    def test_wrong_content_range(self):
        self.good({"path": STORAGE, "do": {"cut": 5 * MIB}},
                  {"path": STORAGE, "times": 2, "do": {"content_range": f"bytes 0-9/{SIZE}"}}, extra=4 * MIB)

    def test_416(self):
        self.good({"path": STORAGE, "do": {"cut": 5 * MIB}}, {"path": STORAGE, "do": {"status": 416}}, extra=2 * MIB)

    def test_expired_address(self):
        self.good({"path": STORAGE, "do": {"cut": 5 * MIB}}, {"path": STORAGE, "do": {"status": 403}}, extra=2 * MIB)

    def test_401_in_the_middle(self):
        self.good({"path": STORAGE, "do": {"cut": 5 * MIB}}, {"path": STORAGE, "do": {"status": 401}}, extra=2 * MIB)

    def test_404_in_the_middle(self):
        self.good({"path": STORAGE, "do": {"cut": 5 * MIB}}, {"path": STORAGE, "do": {"status": 404}}, extra=2 * MIB)

    def test_403_for_ever(self):
        self.bad({"path": STORAGE, "times": 99, "do": {"status": 403}}, says="403")

    def test_408(self):
        self.good({"path": STORAGE, "do": {"status": 408}}, extra=2 * MIB)

    def test_429_without_retry_after(self):
        self.good({"path": STORAGE, "do": {"status": 429}}, extra=2 * MIB)

    def test_429_with_retry_after(self):
        self.good({"path": STORAGE, "do": {"status": 429, "headers": {"Retry-After": "1"}}}, extra=2 * MIB)

    def test_5xx(self):
        for status in (500, 502, 503, 504):
            with self.subTest(status):
                self.good({"path": STORAGE, "do": {"status": status}})

    def test_etag_changed(self):
        self.bad({"path": "/resolve/", "method": "GET", "times": 99, "do": {"etag": "0" * 64}},
                 {"path": STORAGE, "do": {"status": 403}}, says="changed on the server")

    def test_flipped_byte(self):
        err = self.good({"path": STORAGE, "do": {"flip": 21 * MIB}})
        self.assertIn("wrong hash", err)

    def test_flipped_byte_every_time(self):
        self.bad({"path": STORAGE, "times": 99, "do": {"flip": 21 * MIB}}, says="has hash")
        self.assertEqual(self.parts(), [])

    def test_flipped_byte_of_a_small_file(self):
        self.faults({"path": "/resolve/", "times": 1, "do": {"flip": 2}})
        self.check_got("small", b"small\n", self.get("small"))

    def test_redirect_loop(self):
        self.bad({"path": "/resolve/", "times": 99,
                  "do": {"status": 302, "headers": {"Location": "/test/repo/resolve/main/f"}}},
                 {"path": STORAGE, "times": 99, "do": {"status": 403}}, says="redirects")


if __name__ == "__main__":
    unittest.main()
