#!/usr/bin/env python3
"""headers.py HEADERS_DIR CC [CXX]: each public header stands alone as C99, C11 and C++11 with every warning on, and each
HF_..._INIT fills its structure exactly: one initialiser per field, struct_size first, all else zero."""
import os
import re
import subprocess
import sys
import tempfile

import tree

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-pedantic-errors", "-Wshadow", "-Wconversion", "-Wundef", "-Werror"]
INIT = re.compile(r"^#define[ ]+(HF_\w+?)_INIT\b", re.M)


def struct_of(text, macro):
    """The type an initialiser is for: HF_ERROR -> hf_error; its sizeof names it."""
    at = text.index("#define " + macro + "_INIT")
    return re.search(r"sizeof\((\w+)\)", text[at:]).group(1)


def program(header, text, cxx):
    out = [f"#include <{header}>", f"#include <{header}>", "int main(void);", ""]
    macros = INIT.findall(text)
    for i, macro in enumerate(macros):
        out.append(f"static const {struct_of(text, macro)} v{i} = {macro}_INIT;")
    out.append("int main(void) {")
    for i, macro in enumerate(macros):
        out.append(f"    {{ const unsigned char *p = (const unsigned char *)&v{i};" if not cxx else
                   f"    {{ const unsigned char *p = reinterpret_cast<const unsigned char *>(&v{i});")
        out.append(f"      size_t n; if (v{i}.struct_size != sizeof v{i}) return {2 * i + 1};")
        out.append(f"      for (n = sizeof v{i}.struct_size; n < sizeof v{i}; n++) if (p[n]) return {2 * i + 2}; }}")
    out.append("    return 0;\n}\n")
    return "\n".join(out)


def run(name, command, problems):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        problems.append(f"{name}: {(done.stderr or done.stdout or 'exit ' + str(done.returncode)).strip()}")
    return done.returncode == 0


def check(headers, cc, cxx=None):
    problems = []
    with tempfile.TemporaryDirectory() as tmp:
        for path in tree.files(headers, ".h"):
            text = tree.read(os.path.join(headers, path))
            ways = [(cc, "c99", "c"), (cc, "c11", "c")] + ([(cxx, "c++11", "c++"), (cxx, "c++17", "c++")] if cxx else [])
            for compiler, standard, language in ways:
                source = os.path.join(tmp, "one." + ("c" if language == "c" else "cpp"))
                binary = os.path.join(tmp, "one")
                with open(source, "w", encoding="utf-8") as f:
                    f.write(program(path.replace(os.sep, "/"), text, language == "c++"))
                name = f"{path} as {standard}"
                if run(name, [compiler, "-std=" + standard, *WARNINGS, "-I", headers, source, "-o", binary], problems):
                    run(name + ": an initialiser does not match its structure", [binary], problems)
    if not cxx:
        print("no C++ compiler: the headers were compiled as C only")
    return problems


if __name__ == "__main__":
    tree.main(check)
