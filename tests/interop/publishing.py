# SPDX-License-Identifier: Apache-2.0
"""A hub to publish to, and git as the judge of what arrived."""

import subprocess
from pathlib import Path

from served import PREFIX, Served, noise
from support import HF, Python, clean_env, files_below, ok, run

API = ("from huggingface_hub import HfApi, CommitOperationAdd as Add, CommitOperationDelete as Delete, "
       "CommitOperationCopy as Copy\nimport io\napi = HfApi()\n")
THRESHOLD = 10 * 1024 * 1024
SIZES = {
    "sizes/0.bin": b"",
    "sizes/1.bin": b"\1",
    "sizes/10MB.bin": noise("ten", 10_000_000),
    "sizes/threshold.txt": b"t" * THRESHOLD,
    "sizes/threshold+1.txt": b"t" * (THRESHOLD + 1),
}
MODES = {"basic": [], "parts": ["--lfs-multipart-threshold", "1000000", "--lfs-part-bytes", "1000000"]}


class Hub:
    """A server to publish to: a user, a client of theirs, and git as the judge."""

    def __init__(self, folder, *args):
        self.served = Served(folder, *args)
        self.token = self.served.command("user", "add", "alice").strip().splitlines()[-1]
        self.home = folder / "client"
        self.home.mkdir()
        self.n = 0

    def __enter__(self):
        self.served.__enter__()
        self.env = clean_env(self.home, HF_ENDPOINT=self.served.url, HF_TOKEN=self.token, HF_HUB_DISABLE_XET="1",
                             GIT_CONFIG_GLOBAL=self.home / "gitconfig")
        subprocess.run(["git", "lfs", "install", "--skip-repo"], env=self.env, check=True, capture_output=True)
        subprocess.run(["git", "config", "--global", "user.email", "a@example.com"], env=self.env, check=True)
        subprocess.run(["git", "config", "--global", "user.name", "Alice"], env=self.env, check=True)
        self.python = Python(self.env)
        return self

    def __exit__(self, *exc):
        self.python.close()
        self.served.__exit__(*exc)

    def hf(self, *args, **env):
        """Our command, with the same settings as the official client."""
        return run([HF, *args], {**self.env, **{k: str(v) for k, v in env.items()}})

    def __call__(self, code, **args):
        return self.python(API + code, **args)

    def repo(self, kind="model", **more):
        self.n += 1
        name = f"alice/r{self.n}"
        self("api.create_repo(repo, repo_type=kind, **more)", repo=name, kind=kind,
             more={**({"space_sdk": "static"} if kind == "space" else {}), **more})
        return name

    def git(self, *args, cwd=None):
        return run(["git", *args], self.env, cwd=cwd)

    def url(self, repo, kind="model"):
        return f"http://alice:{self.token}@{self.served.url.removeprefix('http://')}/{PREFIX[kind]}{repo}"

    def clone(self, repo, to, kind="model", *args):
        ok(self.git("clone", "-q", *args, self.url(repo, kind), to))
        assert ok(self.git("lfs", "fsck", cwd=to))
        assert ok(self.git("fsck", "--full", "--strict", "--no-dangling", cwd=to)).out == ""
        assert ok(self.git("status", "--porcelain", cwd=to)).out == ""
        return {n: b for n, b in files_below(to).items() if not n.startswith(".git/")}

    def names(self, repo, kind="model", revision="main"):
        return self("result = sorted(api.list_repo_files(repo, repo_type=kind, revision=rev))",
                    repo=repo, kind=kind, rev=revision)

    def titles(self, repo, kind="model", revision="main"):
        return self("result = [c.title for c in api.list_repo_commits(repo, repo_type=kind, revision=rev)]",
                    repo=repo, kind=kind, rev=revision)

    def down(self, repo, cache, kind="model", revision="main"):
        path = self("result = api.snapshot_download(repo, repo_type=kind, revision=rev, cache_dir=cache)",
                    repo=repo, kind=kind, rev=revision, cache=cache)
        return files_below(Path(path))


def same(got, wanted):
    got = dict(got)
    attributes = got.pop(".gitattributes")
    assert sorted(got) == sorted(wanted)
    for name, body in wanted.items():
        assert got[name] == body, name
    return attributes
