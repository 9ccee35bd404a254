#!/usr/bin/env python3
"""Writes glob_cases.inc and uri_cases.inc: what the official package answers. Needs huggingface_hub; run it by hand when
a new release of it is to be followed:  python3 tests/vectors/make_model_vectors.py
"""
import itertools
import os
import random

import huggingface_hub
from huggingface_hub.utils import filter_repo_objects, parse_hf_uri

HERE = os.path.dirname(os.path.abspath(__file__))

PATTERNS = [
    "*", "**", "*.json", "*.bin", "data/*", "data/", "data\\", "data\\*", "data/**/x", "**/x", "?", "??", "a?c", "?/x",
    "[ab]*", "[a-c]", "[c-a]", "[!c-a]", "[!a]", "[!a-c]x", "[^a]", "[]]", "[!]]", "[]a]", "[a", "[", "[]", "[!", "[!]",
    "[a-]", "[-a]", "[a-c-e]", "[a--z]", "[z-a!]", "[z-a!x]", "[z-a!-c]", "[!z-a!]", "[\\]", "a\\b", "\\*", "[[]", "[[]a]",
    "*a*b*c", "*aab", "x*y*z*", ".*", "*.*", "", "/", "é*", "?.txt", "[é-ü]", "[!é]", "A*", "*/", "*/*", "README.md",
    "~*", "a&b", "a|b", "[&|~]", "[a&&b]", "{a,b}", "(a)", "a+b", "^a$", "a.b", "\n", "*\n",
]
PATHS = [
    "a", "b", "c", "x", "-", "!", "^", "]", "[", "[a", "[]", "[!", "[!]", "e", "é", "ü.txt", "é.txt", "abc", "a/c", "a/b",
    "a\\b", "aaab", "aXbYc", "xyz", "x1y2z3", "data", "data/", "data/x", "data/y/x", "data/.hidden", "sub/data/x", ".git",
    ".hidden/x.json", "README.md", "readme.md", "config.json", "dir/config.json", "model.bin", "model.bin.index.json",
    "A1", "a1", "a&b", "a|b", "{a,b}", "(a)", "a+b", "aab", "^a$", "a.b", "axb", "cx", "dx", "~", "&", "*", "\\*", "x\n", "\n",
]

URIS = [
    "hf://acme/tiny-llm/config.json", "hf://datasets/acme/corpus@refs/convert/parquet/default/train/0000.parquet",
    "hf://acme/tiny-llm@feat%2Fquant/model.safetensors", "hf://buckets/acme/scratch/run1/a", "hf://buckets/acme/scratch",
    "hf://buckets/acme/scratch@x", "hf://acme/x", "hf://acme/x/", "hf://acme/x//a", "hf://acme/x/a//b", "hf:///acme/x",
    "hf://acme//x", "hf://", "hf://acme", "hf://models", "hf://model/a/b", "hf://bucket/a/b", "hf://models/acme/x@main",
    "hf://models/acme/x@", "hf://models/acme/x@/a", "hf://spaces/acme/x@refs/pr/12/app.py", "hf://spaces/acme/x@refs/pr/12",
    "hf://spaces/acme/x@refs/pr", "hf://spaces/acme/x@refs/pr/x/y", "hf://spaces/acme/x@refs/convert/duckdb.v1-a/z",
    "hf://kernels/acme/k@v1/dir/f", "hf://acme/x/file@1.txt", "hf://acme/x@v1/file@1.txt", "hf://acme/x/a%20b.txt",
    "hf://acme/x@v%2/a", "hf://acme/x@v%zz", "hf://acme/x@caf%C3%A9/a", "hf://acme/-x", "hf://acme/x..y", "hf://acme/x--y",
    "hf://acme/x.git", "hf://datasets/acme", "hf://datasets/acme/", "hf://datasets//acme/x", "hf://dataset/acme/x",
    "hf://a@b/c", "hf://@b/c", "hf://a/@b", "hf://acme/x /y", "HF://acme/x", "https://huggingface.co/acme/x",
    "https://huggingface.co/acme/x/", "https://huggingface.co//acme//x", "https://huggingface.co/acme",
    "https://huggingface.co/", "https://huggingface.co", "http://huggingface.co/acme/x", "huggingface.co/acme/x",
    "hf.co/acme/x", "https://hf.co/acme/x", "HTTPS://HuggingFace.co/acme/x", "https://hub-ci.huggingface.co/acme/x",
    "https://huggingface.co.evil.org/acme/x", "https://evil.org/acme/x", "https://huggingface.co/models/acme/x",
    "https://huggingface.co/datasets/acme/x/blob/main/a%20b/c%23.txt", "https://huggingface.co/datasets/acme/x/tree/main",
    "https://huggingface.co/datasets/acme/x/tree", "https://huggingface.co/datasets/acme/x/tree/",
    "https://huggingface.co/acme/x/resolve/refs/pr/3/a.txt?download=true#L3",
    "https://huggingface.co/acme/x/resolve/refs%2Fpr%2F3/a.txt", "https://huggingface.co/acme/x/resolve/feat%2Ffoo/a.txt",
    "https://huggingface.co/acme/x/raw/main/a%2Fb.txt", "https://huggingface.co/acme/x/blame/main/f",
    "https://huggingface.co/acme/x/commit/main", "https://huggingface.co/acme/x/discussions/1",
    "https://huggingface.co/acme/x/resolve/main//a", "https://huggingface.co/acme/x/resolve/main/a/",
    "https://huggingface.co/buckets/acme/s", "https://huggingface.co/buckets/acme/s/tree/dir%20a/b",
    "https://huggingface.co/buckets/acme/s/resolve/f.bin", "https://huggingface.co/buckets/acme/s/blob/f.bin",
    "https://huggingface.co/spaces/acme/x?logs=1", "https://huggingface.co/acme/x?x=/y", "acme/x",
    "ftp://huggingface.co/acme/x", "",
]


def c_text(text):
    """A C literal; a hex escape must not swallow what follows it, so each stands alone."""
    out = ""
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':
            out += "\\" + char
        elif 0x20 <= byte < 0x7F:
            out += char
        else:
            out += "\\%03o" % byte
    return '"%s"' % out


def head():
    return f"/* Written by make_model_vectors.py with huggingface_hub {huggingface_hub.__version__}. */\n/* clang-format off */\n"


def random_pairs(n):
    rng = random.Random(5)
    for _ in range(n):
        pattern = "".join(rng.choice("[[]]!-abz^*?/\\") for _ in range(rng.randint(1, 8)))
        path = "".join(rng.choice("ab/.z-!^]") for _ in range(rng.randint(1, 4)))
        yield pattern, path


def main():
    with open(os.path.join(HERE, "glob_cases.inc"), "w") as out:
        out.write(head())
        pairs = list(itertools.product(PATTERNS, PATHS))
        hits = {p for p in pairs if list(filter_repo_objects([p[1]], allow_patterns=[p[0]]))}
        # Every match, and of the others a part: most say little.
        rng = random.Random(1)
        chosen = [p for p in pairs if p in hits or rng.random() < 0.1]
        chosen += list(random_pairs(600))
        for pattern, path in chosen:
            match = bool(list(filter_repo_objects([path], allow_patterns=[pattern])))
            out.write("{ %s, %s, %d },\n" % (c_text(pattern), c_text(path), match))
    with open(os.path.join(HERE, "uri_cases.inc"), "w") as out:
        out.write(head())
        for text in URIS:
            try:
                uri = parse_hf_uri(text)
                row = [uri.type, uri.id, uri.revision or "", uri.path_in_repo]
            except ValueError:
                row = ["", "", "", ""]
            out.write("{ %s },\n" % ", ".join(c_text(field) for field in [text] + row))


if __name__ == "__main__":
    main()
