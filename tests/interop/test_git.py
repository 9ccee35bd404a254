# SPDX-License-Identifier: Apache-2.0
"""git, git-lfs and curl read from hf-serve; what git has, our client has too."""

import os
import subprocess

import pytest
from served import EXECUTABLE, FILES, ID, PREFIX, TYPES
from support import clean_env, files_below, ok, run
from tinyhub import sha256


@pytest.fixture
def git(home):
    env = clean_env(home, GIT_CONFIG_GLOBAL=home / "gitconfig")
    subprocess.run(["git", "lfs", "install", "--skip-repo"], env=env, check=True, capture_output=True)

    def call(*args, cwd=None):
        return run(["git", *args], env, cwd=cwd)

    return call


def work_tree(path):
    return {n: b for n, b in files_below(path).items() if not n.startswith(".git/")}


@pytest.mark.parametrize("kind", TYPES)
def test_clone_with_lfs_brings_what_hf_brings(served, git, hf, home, kind):
    ok(git("clone", "-q", f"{served.url}/{PREFIX[kind]}{ID}", home / "clone"))
    path = ok(hf("download", "-q", PREFIX[kind] + ID)).line
    got = work_tree(home / "clone")
    from pathlib import Path
    assert got == files_below(Path(path))
    for name, body in FILES.items():
        assert got[name] == body, name
        assert os.access(home / "clone" / name, os.X_OK) == (name in EXECUTABLE)
    assert ok(git("lfs", "fsck", cwd=home / "clone"))
    assert ok(git("status", "--porcelain", cwd=home / "clone")).out == ""


def test_clone_without_lfs_brings_pointers(served, git, home):
    ok(git("-c", "filter.lfs.smudge=", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false",
           "clone", "-q", f"{served.url}/{ID}.git", home / "clone"))
    body = FILES["model.safetensors"]
    assert (home / "clone" / "model.safetensors").read_text() == (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(body)}\nsize {len(body)}\n")


def test_branch_tag_and_pull_request(served, made, git, home):
    refs = dict(reversed(line.split("\t")) for line in ok(git("ls-remote", f"{served.url}/{ID}")).out.splitlines())
    assert refs["refs/heads/main"] == refs["HEAD"] == made["model main"]
    assert refs["refs/heads/dev/feature"] == made["model dev/feature"]
    assert refs["refs/tags/v1.0"] == made["model v1.0"]
    assert refs["refs/pr/1"] == made["model refs/pr/1"]
    ok(git("clone", "-q", "--depth", "1", "--branch", "dev/feature", f"{served.url}/{ID}", home / "branch"))
    assert (home / "branch" / "feature.txt").read_bytes() == b"feature\n"
    ok(git("clone", "-q", "--branch", "v1.0", f"{served.url}/{ID}", home / "tag"))
    assert (home / "tag" / "only-in-v1.txt").exists()
    ok(git("fetch", "-q", "origin", "refs/pr/1", cwd=home / "branch"))
    assert ok(git("show", "FETCH_HEAD:pr.txt", cwd=home / "branch")).out == "pull request\n"


def test_history_is_real(served, made, git, home):
    ok(git("clone", "-q", "--bare", f"{served.url}/{ID}", home / "bare"))
    ok(git("--git-dir", home / "bare", "fsck", "--strict", "--full"))
    log = ok(git("--git-dir", home / "bare", "log", "--format=%H", made["model main"])).out.split()
    assert log[0] == made["model main"] and made["model v1.0"] in log


def test_private_repo_wants_a_token(served, made, git, home):
    assert git("clone", "-q", f"{served.url}/acme/secret", home / "no").code != 0
    address = served.url.replace("http://", f"http://member:{made['member']}@")
    ok(git("clone", "-q", f"{address}/acme/secret", home / "yes"))
    assert len((home / "yes" / "model.safetensors").read_bytes()) == 30_000
    stranger = served.url.replace("http://", f"http://reader:{made['token']}@")
    assert git("clone", "-q", f"{stranger}/acme/secret", home / "stranger").code != 0


@pytest.mark.parametrize("name", FILES)
def test_curl_follows_to_the_bytes(served, home, name):
    from urllib.parse import quote

    out = home / "out"
    ok(run(["curl", "-sSfL", "-o", out, f"{served.url}/{ID}/resolve/main/{quote(name)}"], clean_env(home)))
    assert (out.read_bytes() if out.exists() else b"") == FILES[name]


def test_curl_resumes(served, home):
    out = home / "out"
    body = FILES["model.safetensors"]
    out.write_bytes(body[:1_234_567])
    mark = served.mark()
    ok(run(["curl", "-sSfL", "-C", "-", "-o", out, f"{served.url}/{ID}/resolve/main/model.safetensors"],
           clean_env(home)))
    assert out.read_bytes() == body
    assert [(s.status, s.bytes) for s in served.bodies(mark)] == [(206, len(body) - 1_234_567)]


def test_curl_many_ranges(served, home):
    for name in ["model.safetensors", "README.md"]:
        url, body = f"{served.url}/{ID}/resolve/main/{name}", FILES[name]
        for spec, part in [("0-0", body[:1]), ("5-9", body[5:10]), ("-7", body[-7:]), ("10-", body[10:]),
                           ("0-99999999", body)]:
            got = subprocess.run(["curl", "-sSfL", "-r", spec, url], env=clean_env(home), capture_output=True)
            assert got.stdout == part, (name, spec)
        code = run(["curl", "-sL", "-o", "/dev/null", "-w", "%{http_code}", "-r", "99999999-", url], clean_env(home))
        assert code.out == "416"
