# SPDX-License-Identifier: Apache-2.0
"""Helpers of the test_*.py beside it: the command on a pseudo-terminal, and a Hub to talk to."""
import fcntl
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("HFHUB_BUILD", HERE.parent.parent / "build")).resolve()
HF = str(BUILD / "bin" / "hf")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PATIENCE = 60  # seconds until a test that waits gives up


def set_size(fd, columns, rows=24):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    """A program on a terminal of its own; everything it prints is in .seen."""

    def __init__(self, argv, env, columns=80, stdout=None, cwd=None):
        self.seen = b""
        self.master, slave = pty.openpty()
        set_size(slave, columns)
        self.before = termios.tcgetattr(slave)
        self.slave = slave  # kept open, so that its settings can be read after the end
        self.process = subprocess.Popen(argv, env=env, cwd=cwd, stdin=slave, stderr=slave,
                                        stdout=slave if stdout is None else stdout,
                                        start_new_session=True, preexec_fn=self.take)

    def take(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self, seconds=0.1):
        if select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536)
            return True
        return False

    def wait_for(self, text, since=0, drop=b""):
        end = time.monotonic() + PATIENCE
        while text not in self.seen[since:].translate(None, drop):
            if time.monotonic() > end or (self.process.poll() is not None and not self.read(0.2)):
                raise AssertionError(f"{text!r} was not printed: {self.seen!r}")
            self.read()

    def type(self, text):
        os.write(self.master, text)

    def resize(self, columns):
        set_size(self.master, columns)

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def settings_kept(self):
        return termios.tcgetattr(self.slave) == self.before

    def finish(self):
        """Exit code, negative for a signal."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        while self.read(0.05):
            pass
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not end: {self.seen!r}")
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Case(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="hf-cli-")).resolve()
        self.addCleanup(shutil.rmtree, self.work, True)
        self.home = self.work / "home"
        self.home.mkdir()
        keep = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        self.env = keep | {"PATH": f"{BUILD}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home),
                           "HF_HOME": str(self.home / "hf"), "LC_ALL": "C.UTF-8", "TERM": "xterm",
                           "HF_ENDPOINT": "http://127.0.0.1:9", "NO_PROXY": "*"}

    def serve(self, files, *options):
        """minihub with these files (name: bytes)."""
        root = self.work / "repo"
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        return self.start([HERE.parent / "hub" / "minihub.py", root, *options])

    def start(self, words):
        """A server that prints "ENDPOINT url" first; ended with the test."""
        server = subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.env["HF_ENDPOINT"] = server.stdout.readline().split()[1]

    def terminal(self, *words, **options):
        t = Terminal([HF, *words], self.env, **options)
        self.addCleanup(t.close)
        return t

    def run_hf(self, *words, **options):
        return subprocess.run([HF, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE, **options)

    def spawn(self, *words, **options):
        p = subprocess.Popen([HF, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, **options)
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"never happened: {what}")
            time.sleep(0.02)


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(verbosity=2)
