# SPDX-License-Identifier: Apache-2.0
"""How the tests start the programs they compare: ours, the official client, and the server."""

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(os.environ.get("HFHUB_BUILD_DIR", Path(__file__).resolve().parents[2] / "build"))
HF = BUILD / "bin" / "hf"
HF_SERVE = BUILD / "bin" / "hf-serve"
SANITIZED = os.environ.get("HFHUB_SANITIZE", "none") != "none"
ESCAPE = "\x1b"


def clean_env(home: Path, **more) -> dict[str, str]:
    """The environment of a program under test: nothing of the machine's settings gets in."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "HF_HOME": str(home / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "*",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
        "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", ""),
    }
    env.update({name: str(value) for name, value in more.items() if value is not None})
    return env


@dataclass
class Run:
    code: int
    out: str
    err: str
    peak_kib: int = 0
    micros: int = 0

    @property
    def line(self) -> str:
        """The one line on stdout; there must be exactly one."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"stdout has {len(lines)} lines: {self.out!r} (stderr: {self.err!r})"
        return lines[0]


_started: list[subprocess.Popen] = []


def start(args, env, **kw) -> subprocess.Popen:
    process = subprocess.Popen(
        [str(a) for a in args], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw
    )
    _started.append(process)
    return process


def end_started() -> None:
    """A test that failed may not have waited for what it started."""
    for process in _started:
        if process.poll() is None:
            process.kill()
            process.communicate()
    _started.clear()


def finish(process: subprocess.Popen, timeout=120) -> Run:
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"no end after {timeout} s: {process.args}\n{err.decode(errors='replace')}") from None
    return Run(process.returncode, out.decode(), err.decode(errors="surrogateescape"))


def run(args, env, timeout=120, **kw) -> Run:
    return finish(start(args, env, **kw), timeout)


def ok(result: Run) -> Run:
    assert result.code == 0, f"exit {result.code}\nstdout: {result.out}\nstderr: {result.err}"
    return result


class CallFailed(Exception):
    """The official client raised: `name` is the class, `family` the classes above it."""

    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer['text']}\n{answer.get('trace', '')}")
        self.name = answer["error"]
        self.text = answer["text"]
        self.family = answer.get("family", [])


class Python:
    """The official client in one setting (endpoint, environment). Each call is a process."""

    def __init__(self, env):
        self.env = env
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        os.set_blocking(self._process.stderr.fileno(), False)

    def __call__(self, code: str, **args):
        """Run `code` with `args` as its variables; what it leaves in `result` comes back."""
        args = {k: str(v) if isinstance(v, Path) else v for k, v in args.items()}
        self._process.stdin.write(json.dumps({"code": code, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        self.err = self._said()
        assert line, f"the Python side died: {self.err}"
        answer = json.loads(line)
        if "error" in answer:
            raise CallFailed(answer)
        return answer["ok"]

    def _said(self) -> str:
        """What came on stderr so far."""
        try:
            return os.read(self._process.stderr.fileno(), 1 << 20).decode(errors="replace")
        except BlockingIOError:
            return ""

    def download(self, repo, path, **kw):
        return self("from huggingface_hub import hf_hub_download\nresult = hf_hub_download(repo, path, **kw)",
                    repo=repo, path=path, kw=plain(kw))

    def snapshot(self, repo, **kw):
        return self("from huggingface_hub import snapshot_download\nresult = snapshot_download(repo, **kw)",
                    repo=repo, kw=plain(kw))

    def try_load(self, repo, path, **kw):
        """A path, None for "nothing known", or "absent"."""
        return self(
            "from huggingface_hub import try_to_load_from_cache, _CACHED_NO_EXIST\n"
            "found = try_to_load_from_cache(repo, path, **kw)\n"
            "result = 'absent' if found is _CACHED_NO_EXIST else found",
            repo=repo, path=path, kw=plain(kw))

    def scan(self, cache_dir) -> dict:
        """scan_cache_dir as plain data; times are left out."""
        return self(SCAN, cache_dir=cache_dir)

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._process.stderr.close()


SCAN = """
from huggingface_hub import scan_cache_dir
info = scan_cache_dir(cache_dir)
result = {
    "warnings": [str(w) for w in info.warnings],
    "size": info.size_on_disk,
    "incomplete": sorted(str(f) for f in info.incomplete_files),
    "repos": {
        f"{repo.repo_type}/{repo.repo_id}": {
            "size": repo.size_on_disk,
            "nb_files": repo.nb_files,
            "revisions": {
                rev.commit_hash: {
                    "size": rev.size_on_disk,
                    "refs": sorted(rev.refs),
                    "files": {
                        str(f.file_path.relative_to(rev.snapshot_path)):
                            [f.size_on_disk, str(f.blob_path.relative_to(repo.repo_path))]
                        for f in rev.files
                    },
                }
                for rev in repo.revisions
            },
        }
        for repo in info.repos
    },
}
"""


# Moves the large blobs of the cache at `cache` into the store that repos share, by the client's own function.
PUBLISH = """
import os
from pathlib import Path
from huggingface_hub.utils import _shared_blobs as store
result = {}
for blob in sorted(Path(cache).glob("*--*/blobs/*")):
    if len(blob.name) == 64 and not blob.is_symlink():
        xet = blob.name[::-1]  # any 64 hex digits: the hash of another function
        assert store.publish_blob_to_shared_store(
            blob_path=str(blob), xet_hash=xet, cache_dir=cache, expected_size=blob.stat().st_size)
        result[blob.name] = str(store.shared_blob_path(cache, xet))
"""


def plain(kw):
    return {k: str(v) if isinstance(v, Path) else v for k, v in kw.items()}


def disk(root: Path, *, without=()) -> dict[str, tuple]:
    """Everything below a directory: kind, mode and content of each name."""
    seen = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = Path(directory, name)
            rel = path.relative_to(root).as_posix()
            if any(re.search(pattern, rel) for pattern in without):
                continue
            info = path.lstat()
            mode = oct(stat.S_IMODE(info.st_mode))
            if stat.S_ISLNK(info.st_mode):
                seen[rel] = ("link", os.readlink(path))
            elif stat.S_ISDIR(info.st_mode):
                seen[rel] = ("dir", mode)
            else:
                seen[rel] = ("file", mode, hashlib.sha256(path.read_bytes()).hexdigest())
    return seen


def files_below(root: Path) -> dict[str, bytes]:
    """Content of every file below a directory, links followed."""
    return {
        Path(d, f).relative_to(root).as_posix(): Path(d, f).read_bytes()
        for d, _, names in os.walk(root) for f in names
    }


def peak_of(args, env, timeout=300) -> Run:
    """Run a program and tell its peak of resident memory and the time it took."""
    with tempfile.NamedTemporaryFile("r") as told:
        result = run([BUILD / "tests" / "interop_peak", *args], {**env, "PEAK_TO": told.name}, timeout)
        assert result.code == 0, result
        peak, micros, code = map(int, told.read().split())
    result.code, result.peak_kib, result.micros = code, peak, micros
    return result
