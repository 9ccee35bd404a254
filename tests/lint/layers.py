#!/usr/bin/env python3
"""layers.py ROOT: who may include whom (ARCHITECTURE.md). Fails on any edge that is not in the table, on another
folder's private header, and on what the commands and the pure folders must not touch."""
import os
import re

import tree

# folder -> the folders of src/ it may include, besides itself. Each is reached by its face header alone.
EDGES = {
    "src/core": [],
    "src/model": ["core"],
    "src/net": ["core"],
    "src/xet": ["core"],
    "src/cache": ["model", "core"],
    "src/hub": ["model", "net", "core"],
    "src/cas": ["net", "xet", "core"],
    "src/transfer": ["cache", "hub", "cas", "net", "xet", "model", "core"],
    "src/api": ["transfer", "cache", "hub", "model", "core"],
    "server": ["core", "xet"],
    "cli": [],
    "examples": [],
    "bindings": [],
}
PUBLIC_ONLY = ("cli", "examples", "bindings")
NO_FACE = ("core", "xet")  # every header of these is for others
XET_FORBIDDEN = re.compile(r"core/(os|clock|log|pool|env|dl)\.h")
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([\"<])([^\">]+)[\">]", re.M)


def folder_of(path):
    parts = path.split(os.sep)
    if parts[0] == "src":
        return "src/" + parts[1] if len(parts) > 2 else None
    return parts[0] if len(parts) > 1 else None


def judge(root, path, mark, target):
    """Why this include is wrong; None when it is not."""
    folder = folder_of(path)
    if target.startswith("hfhub/"):
        if folder == "server":
            # core's own headers speak in hf_status and hf_error, so the server sees these two names as well.
            return None if target == "hfhub/hfhub.h" else "the server uses core and xet only"
        return None if os.path.exists(os.path.join(root, "include", target)) else "no such public header"
    first, _, rest = target.partition("/")
    if not rest:
        if mark == '"' and folder in PUBLIC_ONLY or mark == "<":
            return None
        near = os.path.join(root, os.path.dirname(path), target)
        return None if os.path.exists(near) else "not found beside the file"
    own = folder.split("/")[-1]
    inside = os.path.exists(os.path.join(root, "src", target))
    if folder == "server" and os.path.exists(os.path.join(root, "server", target)):
        return None
    if mark == "<" and not inside:
        return None  # a system header
    if folder in PUBLIC_ONLY:
        near = os.path.join(root, folder, target)
        return None if os.path.exists(near) else f"{folder} may include <hfhub/*.h> only"
    if own == "xet" and XET_FORBIDDEN.match(target):
        return "xet is pure: bytes in, bytes out"
    if first == own:
        return None
    if first not in EDGES[folder]:
        return f"{folder} may not include {first}"
    if first not in NO_FACE and rest != first + ".h":
        return f"private to {first}; its face is {first}/{first}.h"
    return None


def check(root):
    problems = []
    for path in tree.c_files(root):
        folder = folder_of(path)
        if folder not in EDGES:
            if folder and folder.startswith("src/"):
                problems.append(f"{path}: folder {folder} is not in the table of tests/lint/layers.py")
            continue
        text = tree.blank(tree.read(os.path.join(root, path)), strings=False)
        for match in INCLUDE.finditer(text):
            why = judge(root, path, match.group(1), match.group(2))
            if why:
                problems.append(f"{path}:{tree.line_of(text, match.start())}: {match.group(2)}: {why}")
    return problems


if __name__ == "__main__":
    tree.main(check)
