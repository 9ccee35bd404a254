#!/usr/bin/env python3
"""symbols.py HEADERS_DIR LIBRARY.so LIBRARY.a: the shared library exports the HF_API functions of the public headers,
all of them and nothing else; the archive's global names begin with hf_ or hf__, so that no static link collides."""
import os
import re
import subprocess

import tree

DECLARED = re.compile(r"\bHF_API\b[^;{]*?\b(hf_\w+)\s*\(", re.S)
# Names the compiler and the sanitizers put into every object.
TOOLCHAIN = re.compile(r"^(__asan_|__odr_asan|__tsan_|__ubsan_|__sanitizer_|_?_start|_end$|_edata$|__bss_start|"
                       r"_init$|_fini$|__x86\.|DW\.ref\.)")


def declared(headers):
    names = set()
    for path in tree.files(headers, ".h"):
        text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", tree.blank(tree.read(os.path.join(headers, path))), flags=re.M)
        names |= set(DECLARED.findall(text))
    return names


def names_of(path, *options):
    out = subprocess.run(["nm", "--defined-only", *options, path], check=True, capture_output=True, text=True).stdout
    found = set()
    for line in out.split("\n"):
        parts = line.split()
        if len(parts) == 3 and not TOOLCHAIN.match(parts[2]):
            found.add(parts[2])
    return found


def compare(wanted, exported, archive, allow):
    problems = [f"not exported: {name}" for name in sorted(wanted - exported)]
    problems += [f"exported, but not an HF_API function of a header: {name}" for name in sorted(exported - wanted)]
    problems += [
        f"global in the archive, but does not begin with hf_ or hf__: {name}"
        for name in sorted(archive - set(allow))
        if not name.startswith("hf_")
    ]
    problems += [
        f"global in the archive, begins with hf_ but is not public (call it hf__...): {name}"
        for name in sorted(archive - wanted - set(allow))
        if name.startswith("hf_") and not name.startswith("hf__")
    ]
    problems += [f"no longer needed in symbols.allow: {name}" for name in allow if name not in archive]
    return problems


def check(headers, shared, archive):
    return compare(declared(headers), names_of(shared, "-D"), names_of(archive, "-g"), tree.allowed("symbols"))


if __name__ == "__main__":
    tree.main(check)
