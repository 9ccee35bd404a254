#!/usr/bin/env python3
"""banned.py ROOT: calls that fail silently, overflow, or depend on the locale, by the table below. What tests need of
them is their own affair; the library, the commands and the examples do without."""
import os
import re

import tree

BANNED = {
    "strcpy": "hf__buf_adds, or memcpy with a length",
    "strcat": "hf__buf_adds",
    "strncpy": "memcpy with a length",
    "strncat": "hf__buf_add",
    "stpcpy": "hf__buf_adds",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "strtok": "hf__str_split",
    "strtok_r": "hf__str_split",
    "atoi": "a parser that can fail",
    "atol": "a parser that can fail",
    "atoll": "a parser that can fail",
    "atof": "a parser that can fail",
    "strtol": "a parser that can fail",
    "strtoll": "a parser that can fail",
    "strtoul": "a parser that can fail",
    "strtoull": "a parser that can fail",
    "strtod": "a parser that can fail",
    "scanf": "a parser that can fail",
    "sscanf": "a parser that can fail",
    "fscanf": "a parser that can fail",
    "gets": "fgets",
    "alloca": "an arena",
    "setlocale": "nothing: the locale is the program's",
    "gmtime": "gmtime_r",
    "localtime": "localtime_r",
    "ctime": "strftime",
    "asctime": "strftime",
    "system": "posix_spawn or execv: no shell",
    "popen": "posix_spawn or execv: no shell",
    "mktemp": "mkstemp",
    "tmpnam": "mkstemp",
    "tempnam": "mkstemp",
    "rand": "hf__os_random",
    "sleep": "a wait that can be cancelled",
    "setenv": "nothing: the environment is the program's",
    "putenv": "nothing: the environment is the program's",
}
# In the library alone: it never prints, exits or aborts (HF__ASSERT in compiler.h is the one exception).
LIBRARY = {name: "nothing: a library returns a status" for name in
           ("printf", "puts", "putchar", "perror", "exit", "_exit", "abort", "vprintf")}
LIBRARY["strerror"] = "strerror_r: other threads call it too"
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")


def check(root):
    problems = []
    allow = set(tree.allowed("banned"))
    used = set()
    for path in tree.c_files(root):
        top = path.split(os.sep)[0]
        if top not in ("src", "cli", "server", "examples", "include"):
            continue
        text = tree.blank(tree.read(os.path.join(root, path)))
        for match in CALL.finditer(text):
            name = match.group(1)
            why = BANNED.get(name) or (LIBRARY.get(name) if top == "src" else None)
            if not why:
                continue
            if f"{path} {name}" in allow:
                used.add(f"{path} {name}")
                continue
            problems.append(f"{path}:{tree.line_of(text, match.start())}: {name}(): use {why}")
    problems += [f"no longer needed in banned.allow: {entry}" for entry in sorted(allow - used)] if used or allow else []
    return problems


if __name__ == "__main__":
    tree.main(check)
