#!/usr/bin/env python3
"""text.py ROOT: what must not stand in the tree: line comments in C, markers of unfinished work, paths of one person's
machine, names of package registries, generated or large files, tabs and blanks at line ends in C."""
import os
import re

import tree

MARKER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE = re.compile(r"(?<![\w.$}/-])/(work|root|Users|mnt|workspace)/\w|/home/(?!me\b|user\b)\w+/")
REGISTRY = re.compile(r"\b(pypi\.org|pythonhosted\.org|(?:deb|ftp)\.debian\.org|registry\.npmjs\.org|crates\.io|"
                      r"static\.rust-lang\.org|ghcr\.io|docker\.io|proxy\.golang\.org)\b")
BINARY = (".o", ".a", ".so", ".exe", ".pyc", ".tar", ".gz", ".zip")
LIMIT = 1 << 20


def check(root):
    problems = []
    allow = tree.allowed("text")
    for path in tree.files(root):
        if os.path.basename(path) == ".git":
            continue
        full = os.path.join(root, path)
        if os.path.islink(full) or path == os.path.join("tests", "lint", "text.py"):
            continue
        if os.path.getsize(full) > LIMIT:
            problems.append(f"{path}: larger than 1 MiB")
            continue
        if path.endswith(BINARY):
            problems.append(f"{path}: a generated file")
            continue
        try:
            text = tree.read(full)
        except UnicodeDecodeError:
            if os.path.join("tests", "") not in path and not path.startswith("fuzz" + os.sep):
                problems.append(f"{path}: not text")
            continue
        rules = [(MARKER, "marker of unfinished work"), (REGISTRY, "host of a registry")]
        if not path.startswith(os.path.join("tests", "")):  # a test's made-up homes are data
            rules.append((MACHINE, "path of one machine"))
        if path.endswith((".c", ".h")):
            rules += [(re.compile(r"\t"), "tab"), (re.compile(r"[ \t]+$", re.M), "blank at the end of a line")]
            # A blanked text keeps line comments only if they are put aside first.
            for match in tree.TOKEN.finditer(text):
                if match.group(0).startswith("//"):
                    problems.append(f"{path}:{tree.line_of(text, match.start())}: line comment; block comments stay")
        for form, what in rules:
            for match in form.finditer(text):
                if f"{path} {match.group(0)}" not in allow:
                    problems.append(f"{path}:{tree.line_of(text, match.start())}: {what}: {match.group(0).strip()!r}")
    return problems


if __name__ == "__main__":
    tree.main(check)
