#!/usr/bin/env python3
"""header_docs.py HEADERS_DIR: every HF_API function says what it does, names each parameter, and has @return, @threads
and @since."""
import os
import re

import tree

FUNCTION = re.compile(r"^HF_API\b\s*(?P<head>[^;(]*?)\b(?P<name>hf_\w+)\s*\((?P<params>[^;]*)\);", re.M | re.S)
PARAM = re.compile(r"(\w+)\s*(?:\[[^\]]*\])?\s*$")


def params(text):
    """Parameter names of a declaration."""
    text = " ".join(text.split())
    if text in ("", "void"):
        return []
    return [PARAM.search(p).group(1) for p in text.split(",") if p.strip() != "..."]


def judge(name, wanted, doc):
    if doc is None:
        return [f"{name}: no documentation"]
    problems = []
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in doc.split("\n")]
    text = "\n".join(lines)
    brief = text.split("@")[0].strip()
    if not brief:
        problems.append(f"{name}: does not say what it does")
    documented = re.findall(r"^@param[ ]+(\w+)[ ]+(\S.*)$", text, re.M)
    have = [n for n, _ in documented]
    problems += [f"{name}: parameter '{p}' is not documented" for p in wanted if p not in have]
    problems += [f"{name}: documents '{p}', which it does not take" for p in have if p not in wanted]
    if not problems and have != wanted:
        problems.append(f"{name}: parameters are documented in another order than they are taken")
    for slot, form in (("@return", r"^@return[ ]+\S"), ("@threads", r"^@threads[ ]+\S"),
                       ("@since", r"^@since[ ]+\d+\.\d+")):
        if not re.search(form, text, re.M):
            problems.append(f"{name}: {slot} is missing or empty")
    return problems


def check(headers):
    problems = []
    for path in tree.files(headers, ".h"):
        text = tree.read(os.path.join(headers, path))
        found = 0
        for match in FUNCTION.finditer(text):
            found += 1
            before = text[: match.start()].rstrip()
            start = before.rfind("/**")
            doc = before[start + 3 : -2] if before.endswith("*/") and start >= 0 and "*/" not in before[start:-2] else None
            problems += [f"{path}: {p}" for p in judge(match.group("name"), params(match.group("params")), doc)]
        marks = len(re.findall(r"^HF_API\b", text, re.M))
        if marks != found:
            problems.append(f"{path}: {marks} lines begin with HF_API, but {found} declarations were understood")
    return problems


if __name__ == "__main__":
    tree.main(check)
