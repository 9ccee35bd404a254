# SPDX-License-Identifier: Apache-2.0
"""hf-serve with repos of every kind in it, and what its access log witnessed."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from support import HF_SERVE, clean_env, ok, run


def noise(seed: str, size: int) -> bytes:
    """Bytes that look random and are the same in every run."""
    return hashlib.shake_128(seed.encode()).digest(size)


# Names that are awkward somewhere between a listing, a URL, a header, a shell and a disk.
FILES = {
    "README.md": b"---\nlicense: apache-2.0\ntags:\n- test\n---\n# everything\n",
    "config.json": b'{"hidden_size": 8}\n',
    "empty.txt": b"",
    "nested/deep/er/file.txt": b"deep\n",
    "nested/deep/two.txt": b"two\n",
    "with space.txt": b"space\n",
    "two  spaces/and one.bin": noise("spaces", 70_000),
    "hash#tag.txt": b"hash\n",
    "100%.txt": b"percent\n",
    "already%20quoted.txt": b"literally %20\n",
    "a+b=c&d.txt": b"plus\n",
    "what?.txt": b"question\n",
    "semi;colon,comma.txt": b"semi\n",
    "it's \"quoted\".txt": b"quotes\n",
    "~tilde!$@^(){}.txt": b"signs\n",
    "[brackets]*.txt": b"brackets\n",
    "-dash.txt": b"dash\n",
    ".hidden/.file": b"hidden\n",
    "ünïcödé/日本語/🤗.txt": "ünïcödé\n".encode(),
    "e\u0301-decomposed.txt": b"not normalised\n",
    "copy-of-config.json": b'{"hidden_size": 8}\n',
    "crlf.txt": b"one\r\ntwo\r\n",
    "run.sh": b"#!/bin/sh\necho run\n",
    "model.safetensors": noise("model", 3_000_000),
    "weights/part 1#2.bin": noise("part", 1_500_000),
    "weights/ünï+cödé.bin": noise("uni", 20_000),
    "weights/copy of model.safetensors": noise("model", 3_000_000),
    "x" * 200 + ".txt": b"long\n",
}
# For clients that put names into URLs as they are, and cannot read an empty file.
PLAIN = {name: body for name, body in FILES.items() if body and not set(name) & set("#%?")}
EXECUTABLE = {"run.sh"}
TYPES = ["model", "dataset", "space"]
ID = "acme/every-thing_1.0"
PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        if name in EXECUTABLE:
            path.chmod(0o755)
    return folder


@dataclass
class Seen:
    """One line of the access log."""

    origin: str
    method: str
    path: str
    status: int
    range: str | None
    bytes: int
    complete: bool
    auth: bool
    agent: str | None
    rest: dict = field(default_factory=dict)

    @property
    def is_body(self) -> bool:
        """The content of a file was sent, or some of it."""
        return self.method == "GET" and self.status in (200, 206) and (
            self.origin == "storage" or "/resolve/" in self.path or "/resolve-cache/" in self.path)

    @property
    def is_head(self) -> bool:
        return self.method == "HEAD" and ("/resolve/" in self.path or "/resolve-cache/" in self.path)


class Served:
    """A running hf-serve. Made by `with`; stopped by its pid."""

    def __init__(self, folder: Path, *args):
        self.folder = folder
        self.data = folder / "data"
        self.env = clean_env(folder / "home")
        self.args = args
        self.log = folder / f"access-{len(list(folder.glob('access-*')))}.log"

    def command(self, *args, **kw) -> str:
        """Run a command of hf-serve on the same data."""
        return ok(run([HF_SERVE, *args, "--data", self.data], self.env, **kw)).out

    def add(self, repo, files, *args) -> None:
        """Import files as a repo."""
        folder = self.folder / "src" / hashlib.md5(repr((repo, args)).encode()).hexdigest()
        write_files(folder, files)
        # A message of its own: what is imported twice within a second would else be the same commit in both repos.
        self.command("import", repo, folder, *args, "--message", f"Import {repo} {' '.join(args)}")

    def __enter__(self):
        self._process = subprocess.Popen(
            [str(HF_SERVE), "serve", "--data", str(self.data), "--port", "0", "--access-log", str(self.log),
             *map(str, self.args)],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.storage_url = ""
        while not (self.url and self.storage_url):
            line = self._process.stdout.readline()
            assert line, f"hf-serve did not start: {self._process.stderr.read()}"
            if found := re.search(r"(listening|storage) on (http\S+)", line):
                if found[1] == "storage":
                    self.storage_url = found[2]
                else:
                    self.url = found[2]
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            _, err = self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise AssertionError("hf-serve did not stop on SIGTERM") from None
        assert self._process.returncode == 0, f"hf-serve ended with {self._process.returncode}: {err}"

    def get(self, path, token=None):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def begin(self, method, path, body, token):
        """Sends the head of a request; once the server waits for the body, what sends that and returns the status."""
        url = urlsplit(self.url)
        data = json.dumps(body).encode()
        conn = socket.create_connection((url.hostname, url.port), timeout=60)
        conn.sendall(f"{method} {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}\r\n"
                     f"Content-Length: {len(data)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n".encode())
        lines = conn.makefile("rb")
        assert b" 100 " in lines.readline() and lines.readline() == b"\r\n"

        def end():
            with conn, lines:
                conn.sendall(data)
                return int(lines.readline().split()[1])
        return end

    def commit(self, repo=ID, kind="model", revision="main", token=None) -> str:
        rev = urllib.request.quote(revision, safe="")
        return self.get(f"/api/{kind}s/{repo}/revision/{rev}", token)["sha"]

    # ---- the log

    def _lines(self):
        text = self.log.read_text() if self.log.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def _settled(self):
        """All lines, once those of every request before this one are among them."""
        urllib.request.urlopen(self.url + "/-/settled", timeout=60).close()
        return self._lines()

    def mark(self) -> int:
        return len(self._settled())

    def since(self, mark: int) -> list[Seen]:
        seen = []
        for line in self._settled()[mark:]:
            entry = json.loads(line)
            if entry["path"] == "/-/settled":
                continue
            known = {k: entry.pop(k) for k in
                     ("origin", "method", "path", "status", "range", "bytes", "complete", "auth", "agent")}
            seen.append(Seen(**known, rest=entry))
        return seen

    def bodies(self, mark: int) -> list[Seen]:
        return [s for s in self.since(mark) if s.is_body]


def fill(served: Served) -> dict[str, str]:
    """Repos for the tests; returns tokens and commits by name."""
    made = {"token": served.command("user", "add", "reader").strip().splitlines()[-1]}
    served.command("user", "add", "acme", "--org")
    for kind in TYPES:
        first = {**FILES, "config.json": b'{"hidden_size": 4}\n', "only-in-v1.txt": b"old\n"}
        served.add(ID, first, "--type", kind, "--lfs-threshold", "10000")
    with served:
        for kind in TYPES:
            made[f"{kind} v1.0"] = served.commit(kind=kind)
    for kind in TYPES:
        served.command("repo", "tag", ID, "v1.0", made[f"{kind} v1.0"], "--type", kind)
        served.add(ID, {**FILES, "feature.txt": b"feature\n"}, "--type", kind, "--lfs-threshold", "10000",
                   "--revision", "dev/feature")
        served.add(ID, {**FILES, "pr.txt": b"pull request\n"}, "--type", kind, "--lfs-threshold", "10000",
                   "--revision", "refs/pr/1")
        served.add(ID, FILES, "--type", kind, "--lfs-threshold", "10000")
    small = {"README.md": b"# secret\n", "config.json": b"{}\n", "model.safetensors": noise("secret", 30_000)}
    for kind in TYPES:
        served.add("acme/plain", PLAIN, "--type", kind, "--lfs-threshold", "10000")
    served.add("acme/secret", small, "--private")
    served.add("acme/gated", small, "--gated")
    served.add("acme/disabled", small)
    served.command("repo", "set", "acme/disabled", "--disable")
    served.add("acme/old-name", small)
    served.command("repo", "move", "acme/old-name", "acme/new-name")
    for name in ("member", "granted"):
        made[name] = served.command("user", "add", name).strip().splitlines()[-1]
    served.command("org", "join", "acme", "member")
    served.command("repo", "grant", "acme/gated", "granted")
    served.add("acme/many", {f"data/{i:04}.txt": b"%d\n" % i for i in range(1500)}, "--type", "dataset")
    with served:
        for kind in TYPES:
            made[f"{kind} refs/pr/1"] = served.commit(kind=kind, revision="refs/pr/1")
            made[f"{kind} main"] = served.commit(kind=kind)
            made[f"{kind} dev/feature"] = served.commit(kind=kind, revision="dev/feature")
    return made
