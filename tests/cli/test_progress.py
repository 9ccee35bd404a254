#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Progress: a bar on a terminal, of its width; plain lines elsewhere; none when told so."""
import re
import unicodedata

import terminal

MIB = 1 << 20


def columns(text):
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1
               for c in text)
    return wide


def bars(seen):
    """The states of the rewritten line."""
    text = seen.decode("utf-8")  # no character may be cut in half
    return [t.split("\x1b[K")[0] for t in text.split("\r") if t.strip() and "\x1b[K" in t and t[0] != "\x1b"]


class Progress(terminal.Case):
    def download(self, name, size=3 * MIB, rate=2 * MIB, **options):
        self.serve({name: bytes(size)}, "--rate", rate)
        return self.terminal("download", "test/repo", name, **options)

    def test_bar_has_name_percent_speed_and_time_left(self):
        t = self.download("model.bin")
        self.assertEqual(t.finish(), 0)
        lines = bars(t.seen)
        self.assertGreater(len(lines), 3)
        for line in lines:
            self.assertRegex(line, r"^model\.bin +\d+% \|")
            self.assertLess(columns(line), 80)
        self.assertTrue(any(re.search(r"[\d.]+M of 3\.1M, [\d.]+[KM]/s, \d+:\d\d left", x) for x in lines), lines)
        self.assertTrue(any("█" in x for x in lines))
        percents = [int(re.search(r"(\d+)%", x)[1]) for x in lines]
        self.assertEqual(percents, sorted(percents))
        # The bar is gone at the end, and what follows stands on lines of its own.
        rest = t.seen.decode().rsplit("\x1b[K", 1)[1].replace("\x1b[32m", "").replace("\x1b[0m", "")
        self.assertRegex(rest, r"^model\.bin: 3\.1M in [\d.]+ s, [\d.]+[KM]/s\r\n✓ Downloaded\r\n/.*/model\.bin\r\n$")

    def test_narrow_terminals_never_wrap(self):
        for width in (60, 40, 25, 12, 5, 2):
            with self.subTest(width=width):
                t = self.download("a-model-with-a-rather-long-name.safetensors", size=2 * MIB, rate=8 * MIB,
                                  columns=width)
                self.assertEqual(t.finish(), 0)
                lines = bars(t.seen)
                self.assertTrue(lines)
                for line in lines:
                    # "100%" is the least that is shown.
                    self.assertLess(columns(line), max(width, 5), line)
                self.setUp()

    def test_names_in_utf8_are_cut_at_characters(self):
        for name in ("模型" * 30 + ".bin", "é" * 70 + ".bin", "e\u0301" * 60 + ".bin", "🤗" * 40 + ".bin"):
            for width in (80, 61, 40):
                with self.subTest(name=name[:3], width=width):
                    t = self.download(name, size=2 * MIB, rate=8 * MIB, columns=width)
                    self.assertEqual(t.finish(), 0)
                    for line in bars(t.seen):
                        self.assertLess(columns(line), width, line)
                    self.setUp()

    def test_resize_is_followed(self):
        t = self.download("model.bin", size=4 * MIB, rate=MIB)
        t.wait_for(b"left")
        t.resize(30)
        at = len(t.seen)
        t.read(0.3)  # a line that was under way
        at = len(t.seen)
        self.assertEqual(t.finish(), 0)
        narrow = bars(t.seen[at:])[1:]
        self.assertTrue(narrow)
        for line in narrow:
            self.assertLess(columns(line), 30, line)

    def test_no_blocks_without_utf8_and_no_bar_on_a_dumb_terminal(self):
        self.env["LC_ALL"] = "C"
        t = self.download("model.bin", size=2 * MIB)
        self.assertEqual(t.finish(), 0)
        self.assertIn(b"|###", t.seen)
        self.assertNotIn("█".encode(), t.seen)
        self.setUp()
        self.env["TERM"] = "dumb"
        t = self.download("model.bin", size=2 * MIB)
        self.assertEqual(t.finish(), 0)
        self.assertNotIn(b"\x1b", t.seen)
        self.assertNotIn(b"% |", t.seen)

    def test_no_color(self):
        self.env["NO_COLOR"] = "1"
        t = self.download("model.bin", size=2 * MIB, rate=8 * MIB)
        self.assertEqual(t.finish(), 0)
        self.assertNotIn(b"\x1b[3", t.seen)

    def test_none_when_told_so(self):
        for words, env in ((("-q",), {}), (("--json",), {}), (("--format", "agent"), {}),
                           ((), {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}),
                           (("-q",), {"HF_HUB_DISABLE_PROGRESS_BARS": "0"})):
            with self.subTest(words=words, env=env):
                self.env.update(env)
                self.serve({"f": bytes(2 * MIB)}, "--rate", 4 * MIB)
                t = self.terminal("download", "test/repo", "f", *words)
                self.assertEqual(t.finish(), 0)
                self.assertNotIn(b"%", t.seen)
                self.assertNotIn(b" in ", t.seen)
                self.setUp()

    def test_asked_for_in_another_mode(self):
        self.env["HF_HUB_DISABLE_PROGRESS_BARS"] = "0"
        self.serve({"f": bytes(2 * MIB)}, "--rate", 4 * MIB)
        t = self.terminal("download", "test/repo", "f", "--json")
        self.assertEqual(t.finish(), 0)
        self.assertIn(b"% |", t.seen)

    def test_plain_lines_where_stderr_is_no_terminal(self):
        self.serve({"model.bin": bytes(4 * MIB)})
        done = self.run_hf("download", "test/repo", "model.bin", "--limit-rate", "1M") # over all connections
        lines = done.stderr.decode().splitlines()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"\r", done.stderr)
        self.assertNotIn(b"\x1b", done.stderr)
        # One line after two seconds, one more every ten; then the sum, then the message.
        took = float(re.search(r" in ([\d.]+) s", lines[-2])[1])
        self.assertLessEqual(len(lines), 3 + int((took - 2) // 10), lines)
        self.assertGreater(len(lines), 2, lines)
        self.assertRegex(lines[0], r"^model\.bin: \d+%, [\d.]+[KM] of 4\.2M, [\d.]+[KM]/s, \d+:\d\d left$")
        self.assertRegex(lines[-2], r"^model\.bin: 4\.2M in \d+\.\d s, [\d.]+[KM]/s$")
        self.assertEqual(lines[-1], "Downloaded")

    def test_several_files_are_counted(self):
        self.serve({f"f{i}": bytes([i]) * (2 * MIB) for i in range(4)}, "--rate", 2 * MIB)
        t = self.terminal("download", "test/repo", "--max-workers", "2")
        self.assertEqual(t.finish(), 0)
        self.assertRegex(t.seen.decode(), r"test/repo +\d+% \|.*\| \d/4 files, [\d.]+M of 8\.4M, ")


if __name__ == "__main__":
    terminal.main()
