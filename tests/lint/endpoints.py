#!/usr/bin/env python3
"""endpoints.py ROOT [HF]: docs/endpoints.md names every call that asks a Hub, and each test and command it names exists.

A call is a function of repos.h or community.h that neither frees nor goes on in a list. The commands are those that HF lists.
"""
import os
import re
import subprocess

import tree

HEADERS = ("include/hfhub/repos.h", "include/hfhub/community.h")
FUNCTION = re.compile(r"^HF_API\b[^;(]*?\b(hf_\w+)\s*\(", re.M)
NO_ENDPOINT = re.compile(r"_free$|^hf_list_(close|next_\w+)$")


def rows(text):
    """(line number, cells) of each row of a table that has a test."""
    for number, line in enumerate(text.split("\n"), 1):
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and not re.fullmatch(r"\|[-|]+\|?", line) and cells[-1] != "test":
            yield number, cells


def defined_tests(root):
    names = set()
    for path in tree.files(os.path.join(root, "tests"), ".py"):
        names.update(re.findall(r"^\s*def (test_\w+)", tree.read(os.path.join(root, "tests", path)), re.M))
    return names


def commands(program):
    """Names of all commands, without the program's; None when it cannot be asked."""
    if not program:
        return None
    out = subprocess.run([program, "man-page", "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {" ".join(line.split()[1:]) for line in out.splitlines()}


def check(root, program=None):
    where = "docs/endpoints.md"
    text = tree.read(os.path.join(root, where))
    named = set(re.findall(r"`(hf_\w+)`", text))
    problems = []
    for header in HEADERS:
        for name in FUNCTION.findall(tree.read(os.path.join(root, header))):
            if not NO_ENDPOINT.search(name) and name not in named:
                problems.append(f"{where}: {name} of {header} is in no row")
    tests, known = defined_tests(root), commands(program)
    for number, cells in rows(text):
        proofs = re.findall(r"`(test_\w+)`", cells[-1])
        if not proofs:
            problems.append(f"{where}:{number}: a row without a test")
        problems += [f"{where}:{number}: there is no {name}" for name in proofs if name not in tests]
        for words in re.findall(r"`hf ([a-z][a-z -]*)`", " | ".join(cells)):
            if known is not None and words not in known:
                problems.append(f"{where}:{number}: there is no command 'hf {words}'")
    for path in re.findall(r"`(tests/[\w/.]+)`", text):
        if not os.path.exists(os.path.join(root, path)):
            problems.append(f"{where}: there is no {path}")
    return problems


if __name__ == "__main__":
    tree.main(check)
