#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More that goes wrong on the wire: connections that are reset or drip, redirects in chains and circles,
heads that do not end, codings nobody asked for, hosts that are not there, a branch that moves."""
import hashlib
import os
import random
import sys
import time
import unittest

import case
from case import MIB, noise

STORAGE = "^/blob/"
PART = "hfpart"
SERVER_KILLS = int(os.environ.get("SERVER_KILLS", 4))
SERVER_KILL_MIB = int(os.environ.get("SERVER_KILL_MIB", 80))
OTHER_COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


class Wire(case.Case):
    def serve_one(self, size=24 * MIB + 5, rate=60e6):
        self.data = noise(size)
        self.serve({"f": self.data, "small": b"small\n"}, "--rate", rate)

    def good(self, *rules, extra, file="f", **env):
        self.faults(*rules)
        data = self.data if file == "f" else b"small\n"
        result = self.get(file, **env)
        self.check_got(file, data, result)
        self.assertLessEqual(self.sent(), len(data) + extra + self.slack())
        return result[2]

    def bad(self, *rules, says, args=("f",), requests=None, **env):
        self.faults(*rules)
        code, out, err = self.get(*args, **env)
        self.assertEqual((code, out), (1, ""), err)
        errors = [line for line in err.splitlines() if line.startswith("Error")]
        self.assertEqual(len(errors), 1, err)
        self.assertIn(says, errors[0])
        self.check_names()
        snapshots = self.blobs().parent / "snapshots"
        self.assertEqual([p for p in snapshots.rglob("*") if not p.is_dir()] if snapshots.exists() else [], [])
        if requests is not None:
            self.assertLessEqual(len(self.log()), requests)

    # ---- connections

    def test_packets_of_a_far_line_are_gathered(self):
        """A thread is not woken for each packet, of which these are 5,800, but once or so in a millisecond."""
        self.serve_one(size=8 * MIB)
        self.faults({"path": STORAGE, "times": 1000, "do": {"hang": 0.02, "step": 1448}})
        start = time.monotonic()
        p = self.start("f")
        out, err = p.stdout.read().strip(), p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        for pipe in (p.stdout, p.stderr):
            pipe.close()
        self.check_got("f", self.data, (p.returncode, out, err))
        self.assertLess(usage.ru_nvcsw, 300 + (time.monotonic() - start) * 2000)

    def test_reset(self):
        self.serve_one()
        self.good({"path": STORAGE, "do": {"reset": 10 * MIB}}, extra=2 * MIB)

    def test_reset_of_every_connection_in_turn(self):
        self.serve_one()
        self.good({"path": STORAGE, "times": 6, "do": {"reset": 3 * MIB}}, extra=8 * MIB)

    def test_one_byte_a_second_on_one_of_eight_connections(self):
        """The seven others take its work over: it costs what it held, not minutes."""
        self.serve_one(size=200 * MIB, rate=12e6)
        start = time.monotonic()
        self.good({"path": STORAGE, "skip": 2, "do": {"drip": 2 * MIB}}, extra=40 * MIB)
        self.assertLess(time.monotonic() - start, 40)
        self.assertGreaterEqual(len({r["port"] for r in self.bodies()}), 4)

    def test_the_server_is_killed_again_and_again(self):
        """The command lives through it and keeps what came; only what was on the way comes twice."""
        self.data = noise(SERVER_KILL_MIB * MIB)
        count = self.work / "count"
        count.write_bytes(bytes(8))
        options = ("--rate", 12e6, "--count", count)
        port = self.restartable_port()
        self.serve({"f": self.data}, *options, port=port)
        chance = random.Random(5)
        p = self.start("-q", "f")
        n_killed = 0
        while n_killed < SERVER_KILLS:
            seen = self.received()
            self.wait_until(lambda: self.received() > seen or p.poll() is not None)
            time.sleep(chance.random() * 0.3)
            if p.poll() is not None:
                break
            self.stop_hub()
            n_killed += 1
            time.sleep(chance.random())
            self.start_hub(*options, port=port)
        out, err = p.communicate(timeout=10 * case.PATIENCE)
        self.check_got("f", self.data, (p.returncode, out.strip(), err))
        self.assertGreaterEqual(n_killed, min(SERVER_KILLS, 3))
        lost = int.from_bytes(count.read_bytes(), sys.byteorder) - len(self.data)
        print(f"{n_killed} servers killed, {lost / MIB:.1f} MiB sent again")
        self.assertLessEqual(lost, (n_killed + 1) * 4 * MIB)
        self.assertGreater(lost, -(n_killed + 1) * 2 * MIB) # it did count

    def test_an_address_expires_while_the_line_is_down(self):
        """Many lanes are sent to it then: that all are refused says nothing of the fresh one."""
        self.serve_one(size=64 * MIB, rate=3e6)
        self.good({"path": STORAGE, "times": 999, "do": {"retire": 4}}, extra=16 * MIB)
        self.assertIn(403, [r["status"] for r in self.log()])

    # ---- redirects

    def test_redirects_of_every_kind_in_chains(self):
        self.serve_one(size=2 * MIB)
        for code in (301, 302, 303, 307, 308):
            with self.subTest(code):
                self.log_file.write_text("")
                to = lambda where: {"status": code, "headers": {"Location": where}}
                resolve = "/test/repo/resolve/0123456789abcdef0123456789abcdef01234567/f"
                self.faults({"path": STORAGE, "times": 1, "do": {"status": 403}}, # then the Hub is asked
                            {"path": "/resolve/", "times": 1, "do": to("/chain/1")},
                            {"path": "^/chain/1$", "do": to("/chain/2?x=y")},
                            {"path": "^/chain/2$", "do": to(self.endpoint + resolve)})
                self.check_got("f", self.data, self.get("f", "--force-download"))
                seen = [r["path"].split("?")[0] for r in self.log()]
                self.assertEqual(sorted(p for p in seen if "chain" in p), ["/chain/1", "/chain/2"])
                self.check_sent(len(self.data))
                self.assertFalse(any(r["auth"] for r in self.log() if r["storage"]))

    def test_redirects_of_every_kind_in_circles(self):
        self.serve_one(size=2 * MIB)
        for code in (301, 302, 303, 307, 308):
            for method, path in (("HEAD", "/resolve/"), ("GET", "/resolve/")):
                with self.subTest(code=code, method=method):
                    self.log_file.write_text("")
                    rules = [{"path": path, "method": method, "times": 999,
                              "do": {"status": code, "headers": {"Location": "/test/repo/resolve/main/f"}}}]
                    if method == "GET":
                        rules.append({"path": STORAGE, "times": 1, "do": {"status": 403}})
                    self.bad(*rules, says="redirects", requests=30)

    def test_ten_thousand_redirects(self):
        self.serve_one(size=2 * MIB)
        hop = {"status": 302, "headers": {"Location": "/test/repo/resolve/main/" + "x" * 50}}
        self.bad({"path": "/resolve/", "method": "HEAD", "times": 10000, "do": hop}, says="more than 10 redirects",
                 requests=11)

    # ---- heads

    def test_head_bomb(self):
        self.serve_one(size=2 * MIB)
        self.bad({"path": "/resolve/", "method": "HEAD", "times": 99, "do": {"head_bomb": 100 * MIB}},
                 says="too large headers")
        self.bad({"path": STORAGE, "times": 99, "do": {"head_bomb": 100 * MIB}}, says="too large headers")

    def test_slow_loris_headers(self):
        """A head that never ends is given up after the time-out, however steadily it comes."""
        self.serve_one(size=2 * MIB)
        start = time.monotonic()
        self.good({"path": STORAGE, "do": {"slow_head": 0.1}}, extra=0, HF_HUB_DOWNLOAD_TIMEOUT="1")
        self.assertLess(time.monotonic() - start, 20)

    def test_gzip_where_identity_was_asked(self):
        self.serve_one(size=2 * MIB)
        coded = {"more_headers": {"Content-Encoding": "gzip"}}
        self.good({"path": STORAGE, "do": coded}, extra=MIB) # not the bytes of the file, so not taken
        self.log_file.write_text("")
        self.bad_again({"path": STORAGE, "times": 99, "do": coded}, says="gzip")

    def bad_again(self, rule, says):
        """With what an earlier call has put there, which must stay."""
        self.faults(rule)
        before = sorted(p.name for p in self.blobs().iterdir())
        code, out, err = self.get("f", "--force-download")
        self.assertEqual((code, out), (1, ""), err)
        self.assertIn(says, err)
        self.check_names()
        self.assertEqual([n for n in sorted(p.name for p in self.blobs().iterdir()) if PART not in n], before)

    # ---- hosts that are not there

    def test_dns_failure(self):
        self.serve_one(size=2 * MIB)
        self.bad(says="resolve", args=(), HF_ENDPOINT="http://no-such-hub.invalid")

    def test_connection_refused(self):
        self.serve_one(size=2 * MIB)
        self.stop_hub()
        self.bad(says="connect", args=())

    def test_storage_without_a_name_or_a_listener(self):
        """A fresh address may lead to a host that is there."""
        self.serve_one(size=2 * MIB)
        for where in ("http://no-such-storage.invalid/blob/x", "http://127.0.0.1:1/blob/x"):
            with self.subTest(where):
                self.log_file.write_text("")
                self.faults({"path": STORAGE, "times": 1, "do": {"status": 403}},
                            {"path": "/resolve/", "times": 1, "do": {"status": 302, "headers": {"Location": where}}})
                self.check_got("f", self.data, self.get("f", "--force-download"))
                self.check_sent(len(self.data))

    # ---- a branch that moves

    def test_commit_changed_under_a_branch(self):
        """What was begun at a commit ends at that commit; the next call sees the new one."""
        self.serve_one(size=2 * MIB)
        self.faults({"path": "/revision/main", "skip": 1, "times": 99, "do": {"status": 500}},
                    {"path": "/resolve/main/", "times": 99, "do": {"status": 500}})
        code, out, err = self.get()
        self.assertEqual(code, 0, err)
        self.assertEqual(sum("main" in r["path"] for r in self.log()), 1) # asked once, then by commit
        old = self.blobs().parent / "snapshots" / out.rsplit("/", 1)[1]
        self.log_file.write_text("")
        self.faults({"path": "/resolve/main/f", "method": "HEAD", "do": {"commit": OTHER_COMMIT}})
        self.check_got("f", self.data, self.get("f"))
        self.assertEqual(self.sent(), 0) # the same content
        self.assertEqual((self.blobs().parent / "refs" / "main").read_text(), OTHER_COMMIT)
        self.assertEqual(hashlib.sha256((old / "f").read_bytes()).digest(), hashlib.sha256(self.data).digest())


if __name__ == "__main__":
    unittest.main()
