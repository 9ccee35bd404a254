# SPDX-License-Identifier: Apache-2.0
"""hf beside the official hf: the same exit codes, and the same bytes where standard output is data."""

import sys
from pathlib import Path

import pytest
from support import HF, clean_env, run
from tinyhub import TinyHub

OFFICIAL = Path(sys.executable).with_name("hf")
FILES = {"README.md": b"# tiny\n", "sub/one.txt": b"1\n", "sub/two.bin": b"22\n", "a b/ü #%.txt": b"u\n"}

# `download --revision x` is not here: the official command of today answers it with a traceback.
USAGE = [
    "", "--help", "-h", "nonsense", "--nonsense", "version", "version --help", "version x", "version --format xml",
    "version --format", "version --json -q", "auth", "auth --help", "auth nonsense", "download", "download --help", "download --nonsense",
    "download a/b --revison x", "download a/b --type foo", "download a/b --max-workers abc", "download a/b --max-workers",
    "download a/b --force-download=1", "download a/b -qx", "download a/b f --cache-dir x --local-dir y",
    "download datasets/a/b --type model", "download hf://a", "download hf://buckets/a/b", "download hf://a/b/c d",
    "download hf://a/b --revision x", "download hf://a/b --type model", "download a/b x/ --include y", "download a..b f",
    "download a/b ../x", "auth login --format json", "auth token extra",
]

DATA = [
    "{repo} README.md", "{repo}", "{repo} sub/", "{repo} --include *.txt", "{repo} --exclude sub/*", "{repo} README.md sub/one.txt",
    "{repo} --dry-run", "{repo} README.md --dry-run", "{repo} nothing.txt", "{repo} --revision nothing", "hf://{repo}/sub/",
    "hf://{repo}@main/README.md", "no/repo", "{repo} --local-dir out", "{repo} README.md --local-dir out",
]


@pytest.mark.parametrize("words", USAGE)
def test_exit_codes_and_streams(home, words):
    env = clean_env(home, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="1", NO_COLOR="1")
    mine, theirs = (run([program, *words.split()], env) for program in (HF, OFFICIAL))
    assert mine.code == theirs.code, f"{mine.err}\n{theirs.err}"
    # Help and data on standard output, complaints on the other one.
    assert bool(mine.out) == bool(theirs.out), (mine, theirs)


@pytest.mark.parametrize("mode", ["--json", "--format=agent"])
@pytest.mark.parametrize("words", DATA)
def test_data_is_the_same(tmp_path, words, mode):
    """Each in a home of its own at the same path, so that the paths they print are the same bytes."""
    answers = []
    with TinyHub(FILES) as hub:
        for program in (HF, OFFICIAL):
            home = tmp_path / "home"
            home.mkdir()
            env = clean_env(home, HF_ENDPOINT=hub.url, NO_COLOR="1", HF_HUB_DISABLE_XET="1")
            args = [w.format(repo=hub.repo) for w in words.split()]
            answers.append(run([program, "download", *args, mode], env, cwd=home))
            home.rename(tmp_path / f"done{len(answers)}")
    mine, theirs = answers
    assert mine.code == theirs.code, f"{mine.err}\n{theirs.err}"
    assert mine.out == theirs.out
