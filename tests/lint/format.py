#!/usr/bin/env python3
"""format.py ROOT: clang-format has nothing to change. Versions differ in taste, so one decides; without it this lint is
skipped, and says so (exit 77)."""
import os
import re
import shutil
import subprocess
import sys

import tree

VERSION = "14"


def program():
    for name in ("clang-format-" + VERSION, "clang-format"):
        path = shutil.which(name)
        if path:
            out = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {VERSION}\.", out):
                return path
    return None


def check(root, path=None):
    path = path or program()
    config = os.path.join(root, ".clang-format")
    if not os.path.exists(config):
        return [".clang-format is missing"]
    names = [os.path.join(root, name) for name in tree.c_files(root)]
    out = subprocess.run([path, "--dry-run", "--style=file", *names], capture_output=True, text=True).stderr
    files = sorted({line.split(":")[0] for line in out.split("\n") if "-Wclang-format-violations" in line})
    return [f"{os.path.relpath(name, root)}: run clang-format -i" for name in files]


if __name__ == "__main__":
    if not program():
        print(f"######## clang-format {VERSION} is not installed: the format is NOT checked (tools/setup lint) ########")
        sys.exit(77)
    tree.main(check)
