#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What starting costs in memory and libraries. Times are bench/startup's: they depend on the machine."""
import re
import subprocess
import sys
import unittest

import terminal


def needed():
    out = subprocess.run(["readelf", "-d", terminal.HF], stdout=subprocess.PIPE, text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[([\w+-]+)\.", out))


class Startup(unittest.TestCase):
    def setUp(self):
        if needed() & {"libasan", "libubsan", "libtsan"}:
            self.skipTest("built with a sanitizer")

    def test_transport_is_not_linked(self):
        self.assertLessEqual(needed(), {"libjansson", "libc", "libpthread", "libdl", "ld-linux-x86-64", "ld-linux-aarch64"})

    def test_memory(self):
        subprocess.run([sys.executable, terminal.HERE.parent.parent / "bench" / "startup", "--build", terminal.BUILD,
                        "--runs", "5", "--check-memory"], check=True)


if __name__ == "__main__":
    terminal.main()
