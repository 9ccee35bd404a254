#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is here is not fetched again: after a kill, an interrupt, a server that died, a journal that is
torn, a disk that lied. The server's log is the witness. KILLS and KILL_MIB make the loop longer."""
import hashlib
import hmac
import os
import random
import signal
import subprocess
import time
import unittest

import case
from case import MIB, PIECE, noise
from minihub import COMMIT

KILLS = int(os.environ.get("KILLS", 30))
KILL_MIB = int(os.environ.get("KILL_MIB", 200))
KILL_RATE = float(os.environ.get("KILL_RATE", 12e6)) # of a connection: so slow that all kills have their turn


class Resume(case.Case):
    def kill_loop(self, number, seed, kills):
        """Starts and ends the command again and again; then lets it finish."""
        size = KILL_MIB * MIB + 4321
        data = noise(size)
        self.serve({"f": data}, "--rate", KILL_RATE)
        chance = random.Random(seed)
        n_killed = 0
        while n_killed < kills:
            p = self.start("-q", "f")
            time.sleep(0.05 + chance.random() * 0.35)
            p.send_signal(number)
            _, err = p.communicate(timeout=case.PATIENCE)
            if p.returncode == 0:
                break
            n_killed += 1
            self.assertIn(p.returncode, (-number, 128 + number), err)
            self.check_names()
            self.check_journal(data)
        p = self.start("f")
        out, err = p.communicate(timeout=10 * case.PATIENCE)
        self.assertNotIn("wrong hash", err)
        self.check_got("f", data, (p.returncode, out.strip(), err))
        lost = self.sent() - size
        self.assertLessEqual(lost, (PIECE + MIB) * len(self.bodies()), f"{n_killed} kills")
        return n_killed, lost

    def test_killed_again_and_again(self):
        n, lost = self.kill_loop(signal.SIGKILL, 1, KILLS)
        print(f"{n} kills, {lost / MIB:.1f} MiB fetched again")
        self.assertEqual(n, KILLS)

    def test_interrupted_again_and_again(self):
        n, lost = self.kill_loop(signal.SIGINT, 2, KILLS)
        print(f"{n} interrupts, {lost / MIB:.1f} MiB fetched again")
        self.assertEqual(n, KILLS)

    def some(self, size, least, line=""):
        """A download that was killed when at least so much had come and the journal had such a line."""
        data = noise(size)
        self.serve({"f": data}, "--rate", 60e6)
        p = self.start("-q", "f")
        self.wait_until(lambda: self.received() >= least and line in self.journal().read_text())
        p.kill()
        p.communicate()
        self.new_hub("--rate", 60e6)
        return data

    def journal(self):
        found, = self.blobs().glob("*-journal")
        return found

    def test_the_server_dies(self):
        data = noise(60 * MIB)
        port = self.restartable_port()
        self.serve({"f": data}, "--rate", 20e6, port=port)
        p = self.start("f")
        self.wait_until(lambda: self.received() >= 20 * MIB)
        self.stop_hub()
        start = time.monotonic()
        time.sleep(4)
        self.start_hub("--rate", 20e6, port=port)
        out, err = p.communicate(timeout=case.PATIENCE)
        self.check_got("f", data, (p.returncode, out.strip(), err))
        # Which of the two depends on whether a lane was within a body or before its head.
        self.assertRegex(err, "(going on|trying again) in")
        # And not for each of them: a log of a night without a network has other lines as well.
        self.assertLessEqual(err.count("trying again in"), 2 + 2 * (time.monotonic() - start) // 30, err)

    def test_a_small_file_that_lost_its_bytes(self):
        """Its name was on the disk when the power went, its bytes were not; and no request tells."""
        self.serve({"f": noise(50000), "nothing": b""})
        down = self.work / "down"
        for args, files in ((), lambda: [b for b in self.blobs().iterdir() if b.stat().st_size]), (
                ("--local-dir", str(down)), lambda: [down / "f"]):
            for what in ((), ("f",), ("f", "--revision", COMMIT)):
                with self.subTest(args=args, what=what):
                    self.assertEqual(self.get(*args)[0], 0)
                    file, = files()
                    before = file.stat()
                    os.truncate(file, 0)
                    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
                    code, _, err = self.get(*what, *args)
                    self.assertEqual(code, 0, err)
                    file, = files()
                    self.assertEqual(file.read_bytes(), noise(50000))
                    self.assertEqual(len(self.get("nothing", *args)[1].splitlines()), 1)

    def test_a_torn_journal(self):
        data = self.some(100 * MIB, 48 * MIB)
        text = self.journal().read_bytes()
        self.journal().write_bytes(text[:-9])
        self.check_got("f", data, self.get("f"))
        self.assertLessEqual(self.asked(), len(data) - 36 * MIB)

    def test_a_damaged_line_is_no_line(self):
        data = self.some(100 * MIB, 48 * MIB)
        lines = self.journal().read_bytes().splitlines(keepends=True)
        lines[3] = lines[3].replace(b" 1 ", b" 9 ")
        self.journal().write_bytes(b"".join(lines))
        self.check_got("f", data, self.get("f"))
        self.assertLessEqual(self.asked(), len(data) - 36 * MIB)

    def test_a_journal_of_another_file(self):
        data = self.some(60 * MIB, 24 * MIB)
        self.journal().write_text("hfpart 1 " + "0" * 64 + " 1 1 1 0123456789abcdef\n")
        self.check_got("f", data, self.get("f"))
        self.assertGreaterEqual(self.sent(), len(data))

    def test_a_part_that_was_replaced(self):
        data = self.some(60 * MIB, 24 * MIB)
        part = self.journal().with_name(self.journal().name.removesuffix("-journal"))
        other = part.with_name("x")
        other.write_bytes(bytes(60 * MIB))
        other.rename(part)
        self.check_got("f", data, self.get("f"))

    def test_a_power_cut(self):
        """Lines of another life of the machine count only up to where a sync is noted."""
        data = self.some(200 * MIB, 150 * MIB)
        journal = self.journal()
        key = journal.name.split(".")[0].encode()
        lines, at, synced, kept = [], 0, 0, 0
        for line in journal.read_bytes().splitlines()[:-1]:
            text = line[:-17]
            if text.startswith((b"w ", b"s ")):
                words = text.split()
                words[1] = b"0" * 16
                text = b" ".join(words)
            if text.startswith(b"s "):
                synced = int(text.split()[2])
            lines.append((at, text))
            at += len(line) + 1
        kept = sum(int(t.split()[3]) for a, t in lines if t.startswith(b"w ") and a < synced) * PIECE
        journal.write_bytes(b"".join(t + b" " + hmac.new(key, t, hashlib.sha256).hexdigest()[:16].encode() + b"\n"
                                     for _, t in lines))
        self.assertGreater(kept, 0)
        self.check_got("f", data, self.get("f"))
        self.assertEqual(self.asked(), len(data) - kept)

    def test_the_disk_lied(self):
        """A byte that changed on disk costs one stretch of 64 MiB."""
        data = self.some(200 * MIB, 150 * MIB, "\nh 0 ") # the hash had passed the first 64 MiB
        here = self.received()
        part = self.journal().with_name(self.journal().name.removesuffix("-journal"))
        with open(part, "r+b") as f:
            f.seek(10 * MIB)
            byte = f.read(1)
            f.seek(10 * MIB)
            f.write(bytes([byte[0] ^ 1]))
        result = self.get("f")
        self.check_got("f", data, result)
        self.assertIn("changed on disk", result[2])
        self.assertLessEqual(self.asked(), len(data) - here + 64 * MIB)

    def test_two_at_once(self):
        data = noise(40 * MIB)
        self.serve({"f": data}, "--rate", 40e6)
        first, second = self.start("f"), self.start("f")
        for p in (first, second):
            out, err = p.communicate(timeout=case.PATIENCE)
            self.check_got("f", data, (p.returncode, out.strip(), err))
        self.assertLessEqual(self.sent(), len(data) + 2 * MIB + self.slack())

    def test_local_dir(self):
        data = noise(200 * MIB)
        self.serve({"f": data}, "--rate", 40e6)
        to = self.work / "out"
        p = self.start("-q", "f", "--local-dir", str(to))
        self.wait_until(lambda: any(p.stat().st_size > 200 for p in to.rglob("*-journal")))
        time.sleep(0.5)
        p.kill()
        p.communicate()
        self.assertFalse((to / "f").exists())
        self.check_got("f", data, self.get("f", "--local-dir", str(to)))
        self.assertLessEqual(self.sent(), len(data) + 2 * (PIECE + MIB) * len(self.bodies()))
        self.assertEqual(list(to.rglob("*hfpart*")), [])

    def small_disk(self, mib):
        """HF_HOME on a disk of its own; only root can have one."""
        home = self.work / "home"
        home.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", home],
                                               stderr=subprocess.DEVNULL).returncode:
            self.skipTest("cannot mount a small disk here")
        self.addCleanup(subprocess.run, ["umount", home])
        return home

    def test_a_disk_too_small(self):
        self.small_disk(30)
        self.serve({"f": noise(40 * MIB)})
        code, out, err = self.get("f")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("missing", err)
        self.assertEqual(self.sent(), 0)

    def test_a_nearly_full_disk_takes_the_rest(self):
        """What the part takes already is not needed again."""
        home = self.small_disk(60)
        data = self.some(40 * MIB, 12 * MIB)
        (home / "ballast").write_bytes(bytes(15 * MIB))
        self.check_got("f", data, self.get("f"))

    def test_a_disk_that_fills_up(self):
        """Many small files until nothing fits: what came is kept, and the next call goes on."""
        home = self.small_disk(40)
        files = {f"f{i}": noise(MIB, i) for i in range(30)}
        self.serve(files, "--rate", 1e6)
        p = self.start("-q")
        self.wait_until(lambda: self.blobs().exists())
        try:
            (home / "ballast").write_bytes(bytes(40 * MIB))
        except OSError:
            pass
        _, err = p.communicate(timeout=case.PATIENCE)
        self.assertEqual(p.returncode, 1)
        self.assertIn("space", err)
        self.check_names()
        (home / "ballast").unlink()
        code, _, err = self.get("-q")
        self.assertEqual(code, 0, err)
        self.check_names()


if __name__ == "__main__":
    unittest.main()
