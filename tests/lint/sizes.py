#!/usr/bin/env python3
"""sizes.py ROOT: no file over 800 lines and no function over 100, but those of sizes.allow. `tools/sizes` shows the
longest of both."""
import os

import tree

FILE_LIMIT = 800
FUNCTION_LIMIT = 100


def check(root):
    problems = []
    allow = tree.allowed("sizes")
    for path in tree.c_files(root):
        text = tree.read(os.path.join(root, path))
        lines = text.count("\n")
        if lines > FILE_LIMIT and path not in allow:
            problems.append(f"{path}: {lines} lines; look for a seam (limit {FILE_LIMIT})")
        for name, line, length in tree.functions(text):
            if length > FUNCTION_LIMIT and f"{path} {name}" not in allow:
                problems.append(f"{path}:{line}: {name}() has {length} lines; look for a helper (limit {FUNCTION_LIMIT})")
    return problems


if __name__ == "__main__":
    tree.main(check)
