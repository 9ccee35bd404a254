#!/usr/bin/env python3
"""selftest.py CC [CXX]: feeds each lint a tree that is right and trees that break one rule, and expects it to tell."""
import os
import shutil
import sys
import tempfile

import banned
import endpoints
import format as format_lint
import header_docs
import headers
import layers
import sizes
import symbols
import text
import tree

GOOD_DOC = """/**
 * Do it.
 *
 * @param a  first
 * @param b  second
 * @return HF_OK
 * @threads any
 * @since 0.1
 */
HF_API int hf_do(int a,
                 const char *const *b);
"""
GOOD_INIT = """#ifndef H
#define H
#include <stddef.h>
#include <stdint.h>
typedef struct hf_o { uint32_t struct_size; const char *name; int n; } hf_o;
#define HF_O_INIT { sizeof(hf_o), NULL, 0 }
#endif
"""
LONG = "int f(void)\n{\n" + "    g();\n" * 120 + "}\n"
# Pieced together, so that this file itself stays clean.
ENDPOINTS = {
    "docs/endpoints.md": "| endpoint | our call | our command | test |\n|---|---|---|---|\n"
                         "| `GET /a` | `hf_a_get` | `hf a` | `test_a` |\n",
    "include/hfhub/repos.h": "HF_API int hf_a_get(int a);\nHF_API void hf_a_free(int a);\n",
    "include/hfhub/community.h": "", "tests/interop/test_x.py": "def test_a(hub):\n    pass\n"}
REMARK = "/" "/ so"
UNFINISHED = "/* TO" "DO: later */"
MACHINE = "char *p = \"/ro" "ot/me\";"
REGISTRY = "# from pypi" ".org"


def cases(cc, cxx):
    yield layers.check, {"src/net/a.c": '#include "core/buf.h"\n', "src/core/buf.h": ""}, None
    yield layers.check, {"src/core/a.c": '#include "net/net.h"\n', "src/net/net.h": ""}, "src/core may not include net"
    yield layers.check, {"src/hub/a.c": '#include "cache/cache.h"\n'}, "src/hub may not include cache"
    yield layers.check, {"src/hub/a.c": '#include "net/url.h"\n', "src/net/url.h": ""}, "private to net"
    yield layers.check, {"cli/a.c": '#include "core/buf.h"\n', "src/core/buf.h": ""}, "may include <hfhub/*.h> only"
    yield layers.check, {"examples/a.c": '#include "../src/core/buf.h"\n'}, "may include <hfhub/*.h> only"
    yield layers.check, {"server/a.c": '#include "hub/hub.h"\n', "src/hub/hub.h": ""}, "server may not include hub"
    yield layers.check, {"src/xet/a.c": '#include "core/os.h"\n'}, "xet is pure"
    yield layers.check, {"src/news/a.c": ""}, "is not in the table"
    yield header_docs.check, {"h.h": GOOD_DOC}, None
    yield header_docs.check, {"h.h": GOOD_DOC.replace(" * @param b  second\n", "")}, "'b' is not documented"
    yield header_docs.check, {"h.h": GOOD_DOC.replace("@param a ", "@param c ")}, "'c', which it does not take"
    yield header_docs.check, {"h.h": GOOD_DOC.replace(" * @threads any\n", "")}, "@threads is missing"
    yield header_docs.check, {"h.h": GOOD_DOC.replace(" * @since 0.1\n", "")}, "@since is missing"
    yield header_docs.check, {"h.h": GOOD_DOC.replace(" * @return HF_OK\n", "")}, "@return is missing"
    yield header_docs.check, {"h.h": "HF_API int hf_do(void);\n"}, "no documentation"
    yield banned.check, {"src/core/a.c": '/* strcpy() */ char *s = "atoi(1)";\n'}, None
    yield banned.check, {"src/core/a.c": "int x = atoi(s);\n"}, "atoi()"
    yield banned.check, {"cli/a.c": "strcpy(a, b);\n"}, "strcpy()"
    yield banned.check, {"src/core/a.c": "printf(x);\n"}, "a library returns a status"
    yield endpoints.check, ENDPOINTS, None
    yield endpoints.check, ENDPOINTS | {"include/hfhub/community.h": "HF_API int hf_b(int b);\n"}, "hf_b of include"
    yield endpoints.check, ENDPOINTS | {"tests/interop/test_x.py": "def test_b(hub):\n    pass\n"}, "there is no test_a"
    yield endpoints.check, {k: v.replace("| `test_a` |", "| |") for k, v in ENDPOINTS.items()}, "without a test"
    yield text.check, {"src/a.c": "/* see http: //x */ char *s = \"http://x\";\n"}, None
    yield text.check, {"src/a.c": REMARK + "\n"}, "line comment"
    yield text.check, {"src/a.c": UNFINISHED + "\n"}, "marker"
    yield text.check, {"src/a.c": MACHINE + "\n"}, "path of one machine"
    yield text.check, {"tools/x": REGISTRY + "\n"}, "registry"
    yield text.check, {"lib.o": "x"}, "generated"
    yield text.check, {"big.txt": "x" * (1 << 20) + "x"}, "larger than"
    yield sizes.check, {"src/a.c": LONG.replace("    g();\n" * 60, "")}, None
    yield sizes.check, {"src/a.c": LONG}, "f() has 123 lines"
    yield sizes.check, {"src/a.c": "\n" * 801}, "801 lines"
    yield (lambda root: headers.check(root, cc, cxx)), {"h.h": GOOD_INIT}, None
    yield (lambda root: headers.check(root, cc, cxx)), {"h.h": GOOD_INIT.replace("NULL, 0 }", "NULL }")}, "initializer"
    yield (lambda root: headers.check(root, cc, cxx)), {"h.h": GOOD_INIT.replace("NULL, 0 }", "NULL, 1 }")}, "does not match"
    yield (lambda root: headers.check(root, cc, cxx)), {"h.h": "struct a { int x[0]; };\n"}, "zero"
    if cxx:
        yield (lambda root: headers.check(root, cc, cxx)), {"h.h": "int class;\n"}, "as c++11"
    if format_lint.program():
        style = tree.read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".clang-format"))
        yield format_lint.check, {".clang-format": style, "a.c": "int f(void)\n{\n    return 0;\n}\n"}, None
        yield format_lint.check, {".clang-format": style, "a.c": "int f( void ) {\n return 0; }\n"}, "a.c: run clang-format"


def names_cases():
    yield ({"hf_a"}, {"hf_a"}, {"hf_a", "hf__b"}, []), None
    yield ({"hf_a", "hf_b"}, {"hf_a"}, set(), []), "not exported: hf_b"
    yield ({"hf_a"}, {"hf_a", "hf__b"}, set(), []), "not an HF_API function of a header: hf__b"
    yield ({"hf_a"}, {"hf_a"}, {"run_init"}, []), "does not begin with hf_"
    yield ({"hf_a"}, {"hf_a"}, {"hf_b"}, []), "is not public"
    yield ({"hf_a"}, {"hf_a"}, set(), ["gone"]), "no longer needed"


def make(root, content):
    for path, text_ in content.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text_)


def verdict(what, problems, expected):
    if expected is None and problems:
        return [f"{what}: a good sample was refused: {problems}"]
    if expected is not None and not any(expected in p for p in problems):
        return [f"{what}: expected '{expected}', got {problems}"]
    return []


def check(cc, cxx=None):
    failures = []
    count = 0
    # Allow-lists speak of the real tree.
    tree.allowed = lambda name: []
    for check_, content, expected in cases(cc, cxx):
        root = tempfile.mkdtemp()
        try:
            make(root, content)
            failures += verdict(sorted(content), check_(root), expected)
        finally:
            shutil.rmtree(root)
        count += 1
    for arguments, expected in names_cases():
        failures += verdict(arguments, symbols.compare(*arguments), expected)
        count += 1
    print(f"{count} samples")
    return failures


if __name__ == "__main__":
    tree.main(check)
