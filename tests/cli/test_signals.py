#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and friends: the exit code shells expect, a state to go on from, and never two waits."""
import hashlib
import json
import os
import re
import signal
import time
import urllib.request

import terminal

MIB = 1 << 20


class Signals(terminal.Case):
    def log(self):
        urllib.request.urlopen(self.env["HF_ENDPOINT"] + "/-/settled", timeout=terminal.PATIENCE).close()
        return [json.loads(x) for x in (self.work / "log").read_text().splitlines()]

    def partial(self):
        blobs = self.home / "hf" / "hub" / "models--test--repo" / "blobs"
        return max((p.stat().st_size for p in blobs.glob("*.hfpart")), default=0) if blobs.exists() else 0

    def interrupt(self, number):
        """Fetches half of a file, then sends the signal."""
        data = os.urandom(8 * MIB)
        self.serve({"f": data}, "--rate", MIB, "--log", self.work / "log")
        t = self.terminal("download", "test/repo", "f")
        end = time.monotonic() + terminal.PATIENCE
        while max(map(int, re.findall(rb"(\d+)% \|", t.seen)), default=0) < 40:
            self.assertLess(time.monotonic(), end, t.seen)
            t.read()
        t.process.send_signal(number)
        self.assertEqual(t.finish(), 128 + number)
        self.assertTrue(t.seen.endswith(b"Interrupted. Run the same command again to go on.\r\n"), t.seen)
        self.assertNotIn(b"/snapshots/", t.seen)
        return data

    def test_what_is_complete_is_kept(self):
        small, big = os.urandom(300000), os.urandom(8 * MIB)
        self.serve({"a-small": small, "big": big}, "--rate", 4 * MIB, "--log", self.work / "log")
        p = self.spawn("download", "test/repo", "--max-workers", "1")
        self.wait_until(lambda: self.partial() >= MIB, "a partial file")
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=terminal.PATIENCE)
        self.assertEqual(p.returncode, 130)
        self.assertEqual(self.run_hf("download", "test/repo", "-q").returncode, 0)
        snapshot = self.home / "hf" / "hub" / "models--test--repo" / "snapshots" / terminal.COMMIT
        self.assertEqual((snapshot / "a-small").read_bytes(), small)
        self.assertEqual(hashlib.sha256((snapshot / "big").read_bytes()).digest(), hashlib.sha256(big).digest())
        self.assertEqual(self.partial(), 0)
        self.assertEqual(len([r for r in self.log() if r["method"] == "GET" and r["path"].endswith("a-small")]), 1)

    def test_interrupted_goes_on(self):
        data = self.interrupt(signal.SIGINT)
        before = len(self.log())
        self.assertEqual(self.run_hf("download", "test/repo", "f", "-q").returncode, 0)
        snapshot = self.home / "hf" / "hub" / "models--test--repo" / "snapshots" / terminal.COMMIT / "f"
        self.assertEqual(hashlib.sha256(snapshot.read_bytes()).digest(), hashlib.sha256(data).digest())
        self.assertEqual(self.partial(), 0)
        again = sum(r["sent"] for r in self.log()[before:] if r["storage"])
        self.assertLess(again, len(data) * 3 // 4, "it began again")

    def test_terminated(self):
        self.interrupt(signal.SIGTERM)

    def test_hung_up(self):
        self.interrupt(signal.SIGHUP)

    def test_second_ctrl_c_is_immediate(self):
        self.serve({"f": bytes(8 * MIB)}, "--rate", MIB)
        p = self.spawn("download", "test/repo", "f")
        self.wait_until(lambda: self.partial() > 0, "a partial file")
        # Stopped, it sees neither; then both are waiting at once, and the second finds no handler.
        p.send_signal(signal.SIGINT)
        p.send_signal(signal.SIGINT)
        p.wait(timeout=20)
        self.assertIn(p.returncode, (130, -signal.SIGINT))

    def test_before_anything_answers(self):
        # A port that takes connections and says nothing.
        import socket
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.env["HF_ENDPOINT"] = f"http://127.0.0.1:{s.getsockname()[1]}"
            p = self.spawn("download", "test/repo", "f")
            connection, _ = s.accept()
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=30)
            connection.close()
        self.assertEqual(p.returncode, 130)

    def test_ignored_stays_ignored(self):
        # nohup and the background jobs of a script: a signal that was ignored when it began.
        self.serve({"f": bytes(2 * MIB)}, "--rate", 2 * MIB)
        p = self.spawn("download", "test/repo", "f",
                       preexec_fn=lambda: (signal.signal(signal.SIGINT, signal.SIG_IGN),
                                           signal.signal(signal.SIGHUP, signal.SIG_IGN)))
        self.wait_until(lambda: self.partial() > 0, "a partial file")
        p.send_signal(signal.SIGINT)
        p.send_signal(signal.SIGHUP)
        p.communicate(timeout=terminal.PATIENCE)
        self.assertEqual(p.returncode, 0)

    def test_ctrl_c_on_a_terminal_ends_the_bar(self):
        self.serve({"f": bytes(8 * MIB)}, "--rate", 2 * MIB)
        t = self.terminal("download", "test/repo", "f")
        t.wait_for(b"left")
        t.type(b"\x03")
        self.assertEqual(t.finish(), 130)
        self.assertTrue(t.seen.endswith(b"Interrupted. Run the same command again to go on.\r\n"), t.seen)
        self.assertTrue(t.settings_kept())


if __name__ == "__main__":
    terminal.main()
