# SPDX-License-Identifier: Apache-2.0
"""`hf cache ls|rm|prune|verify` beside the official command, on caches that the official client made.

Each command meets the same cache twice, at the same path and with the same times, so that what it prints and what it
leaves on disk are the same bytes; ages differ by years, or nobody could tell an order from chance.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from served import ID
from support import HF, PUBLISH, Python, Run, clean_env, disk, run

COMMAND = """
import contextlib, io, sys
from huggingface_hub.cli.hf import main
sys.argv, sys.stdin = ["hf", *words], io.StringIO()
code = 0
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
result = [code, out.getvalue(), err.getvalue()]
"""
PLAIN = "acme/plain"
SMALL = "acme/new-name"
DAY = 86400

# ---- the cache


def fill_cache(python, hub: Path):
    """Three repos, one with four revisions of which one has lost its ref; litter that a scan must tell apart."""
    for revision in ("main", "v1.0", "dev/feature", "refs/pr/1"):
        python.snapshot(ID, revision=revision, cache_dir=hub)
    python.snapshot(PLAIN, repo_type="space", cache_dir=hub)
    python.snapshot(SMALL, repo_type="model", cache_dir=hub)
    python.download(ID, "config.json", repo_type="dataset", cache_dir=hub)
    (hub / f"models--{ID.replace('/', '--')}" / "refs" / "dev" / "feature").unlink()
    # Both lie in the same repo: an old one nobody is at, and content that no pointer leads to.
    blobs = hub / f"spaces--{PLAIN.replace('/', '--')}" / "blobs"
    (blobs / ("ab" * 32 + ".12345678.incomplete")).write_bytes(b"x" * 1234)
    (blobs / ("cd" * 20)).write_bytes(b"nobody's")
    (hub / "models--broken--repo").mkdir()
    (hub / "models--ref--less" / "snapshots").mkdir(parents=True)
    (hub / "models--ref--less" / "refs").mkdir()
    (hub / "models--ref--less" / "refs" / "main").write_text("ef" * 20)
    (hub / "what-is-this").mkdir()
    (hub / "file").write_text("no repo")
    (hub / "kernels--acme--kern" / "snapshots" / ("12" * 20)).mkdir(parents=True)
    (hub / "kernels--acme--kern" / "snapshots" / ("12" * 20) / "k.so").write_bytes(b"kernel" * 500)


def share(python, hub: Path):
    """Large content in the store that repos share, once with nobody left who links to it."""
    if not python("import importlib.util\n"
                  "result = importlib.util.find_spec('huggingface_hub.utils._shared_blobs') is not None"):
        pytest.skip("this release of the Python client keeps no shared blobs")
    python.download(ID, "model.safetensors", repo_type="space", cache_dir=hub)
    python.download(SMALL, "model.safetensors", cache_dir=hub)
    assert python(PUBLISH, cache=hub)
    shutil.rmtree(hub / f"models--{SMALL.replace('/', '--')}")
    python.snapshot(SMALL, cache_dir=hub)


def age(hub: Path):
    """Times by name: from minutes to years back, none near where its wording changes."""
    now = time.time()
    repos = sorted(hub.iterdir())
    for n, repo in enumerate(repos, 1):
        for m, path in enumerate(sorted(repo.rglob("*"), reverse=True) + [repo]):
            modified = now - [4.2 * 60, 2.2 * 3600, 3.2 * DAY, 16 * DAY, 95 * DAY, 800 * DAY][n % 6] * (1 + 0.001 * (m % 7))
            accessed = now - (400 * n + 10) * 60
            os.utime(path, (accessed, modified), follow_symlinks=False)


@pytest.fixture(scope="session")
def plain_master(python_default, tmp_path_factory):
    hub = tmp_path_factory.mktemp("master") / "hub"
    fill_cache(python_default, hub)
    return hub


@pytest.fixture(scope="session")
def shared_master(plain_master, python_default, tmp_path_factory):
    """The same with large content in the store that repos share."""
    hub = shutil.copytree(plain_master, tmp_path_factory.mktemp("shared") / "hub", symlinks=True)
    share(python_default, hub)
    assert (hub / "blobs").exists()
    return hub


@pytest.fixture
def master(request):
    """One of them; both where a test asks for it by `kind`."""
    kind = request.getfixturevalue("kind") if "kind" in request.fixturenames else "shared"
    return request.getfixturevalue(f"{kind}_master")


in_both_kinds = pytest.mark.parametrize("kind", ["plain", "shared"])


@pytest.fixture(scope="session")
def official(served, tmp_path_factory):
    """The official command, in a process that did not have to import it: half a second each."""
    home = tmp_path_factory.mktemp("official")
    env = clean_env(home, HF_ENDPOINT=served.url, NO_COLOR="1", COLUMNS="200", ZYGOTE_IMPORTS="huggingface_hub.cli.hf")
    python = Python(env)
    yield lambda *words: Run(*python(COMMAND, words=[str(w) for w in words]))
    python.close()


class Pair:
    """Both programs, each on its own copy of a cache, one after the other at one place."""

    def __init__(self, master, home, url, official):
        self.master, self.hub, self.official = master, home / "hf" / "hub", official
        self.env = clean_env(home, HF_ENDPOINT=url, NO_COLOR="1", COLUMNS="200")

    def __call__(self, *words, spoil=None):
        answers = []
        if "--cache-dir" not in words and "--local-dir" not in words:
            words = (*words, "--cache-dir", str(self.hub))
        for program in (lambda: run([HF, "cache", *words], self.env), lambda: self.official("cache", *words)):
            if self.hub.parent.exists():
                shutil.rmtree(self.hub.parent)
            shutil.copytree(self.master, self.hub, symlinks=True)
            age(self.hub)
            if spoil:
                spoil(self.hub)
            answers.append((program(), disk(self.hub)))
        (mine, mine_disk), (theirs, theirs_disk) = answers
        assert mine.code == theirs.code, f"{mine.err}\n----\n{theirs.err}"
        assert mine.out == theirs.out, f"{mine.err}\n----\n{theirs.err}"
        assert mine_disk == theirs_disk
        if mine.code == 0:
            # Python warns in the order in which the disk lists.
            assert sorted(mine.err.splitlines()) == sorted(theirs.err.splitlines())
        self.mine, self.theirs = mine, theirs
        return mine


@pytest.fixture
def both(master, home, served, official):
    return Pair(master, home, served.url, official)


MODES = [[], ["--json"], ["--format", "agent"], ["--quiet"]]


def in_modes(all_words, in_each):
    """Each as text, those of in_each in every mode: a command of Python's takes its time."""
    return [pytest.param(words, mode, id=f"{words if isinstance(words, str) else ' '.join(words)} {''.join(mode)}")
            for words in all_words for mode in (MODES if words in in_each else MODES[:1])]


LS = [
    [], ["--revisions"], ["-f", "size>10k"], ["-f", "size<=1MB", "-f", "type=MODEL"], ["-f", "accessed>1d"], ["--sort", "name"],
    ["-f", "modified < 4 "], ["-f", "refs=MAIN", "--revisions"], ["--sort", "size:asc"], ["--sort", "accessed", "--limit", "2"],
    ["--sort", "modified:asc", "--revisions"], ["--sort", "name:desc", "--revisions"], ["--limit", "0"], ["-f", "type=nothing"],
    ["--revisions", "--limit", "3", "--sort", "size"], ["--show-warnings"],
]


@pytest.mark.parametrize("words,mode", in_modes(LS, LS[:2]))
def test_ls(both, words, mode):
    both("ls", *words, *mode)


@pytest.mark.parametrize("words", [
    ["-f", "size"], ["-f", "size==4"], ["-f", "size>4x"], ["-f", "size>"], ["-f", "sizes>4"], ["-f", "type>model"], ["-f", "refs!=main"],
    ["-f", ">4"], ["-f", "accessed>1q"], ["-f", "modified=>1d"], ["--limit", "-1"], ["--limit", "x"], ["--sort", "age"], ["--sort", "size:up"],
    ["--cache-dir", "/nonexistent/hub"], ["extra"],
], ids=" ".join)
def test_ls_that_is_wrong(both, words):
    assert both("ls", *words).code in (1, 2)


def revision(made, name):
    return made[f"model {name}"]


RM = {
    "repo": lambda made: [f"model/{SMALL}"],
    "repo in capitals": lambda made: [f"MODEL/{SMALL.upper()}"],
    "two repos": lambda made: [f"model/{SMALL}", f"space/{PLAIN}"],
    "uri": lambda made: [f"hf://spaces/{PLAIN}"],
    "revision": lambda made: [revision(made, "v1.0")],
    "two revisions": lambda made: [revision(made, "v1.0").upper(), revision(made, "dev/feature")],
    "all revisions": lambda made: [revision(made, n) for n in ("main", "v1.0", "dev/feature", "refs/pr/1")],
    "repo and revision": lambda made: [f"model/{SMALL}", revision(made, "main")],
    "file": lambda made: [f"hf://{ID}/config.json"],
    "two files": lambda made: [f"hf://{ID}/only-in-v1.txt", f"hf://spaces/{PLAIN}/README.md"],
    "big file": lambda made: [f"hf://{ID}/model.safetensors"],
    "unknown": lambda made: ["model/no/such", "a" * 40, "hf://no/such"],
    "unknown file": lambda made: [f"hf://{ID}/no-such.txt"],
    "unknown and known": lambda made: ["dataset/no/such", f"model/{SMALL}"],
    "mixed": lambda made: [f"hf://{ID}/config.json", f"model/{SMALL}"],
    "uri with revision": lambda made: [f"hf://{ID}@v1.0"],
    "file with revision": lambda made: [f"hf://{ID}@v1.0/config.json"],
    "bucket": lambda made: ["hf://buckets/a/b"],
    "blank": lambda made: [" "],
    "nothing": lambda made: [],
}


@pytest.mark.parametrize("what,mode", in_modes(RM, ["two revisions", "file"]))
@in_both_kinds
def test_rm(both, kind, made, what, mode):
    both("rm", *RM[what](made), "--yes", *mode)


@pytest.mark.parametrize("what,mode", in_modes(["two repos", "two revisions", "file"], ["file"]))
def test_rm_that_only_tells(both, made, what, mode):
    both("rm", *RM[what](made), "--dry-run", *mode)
    after = disk(both.hub)
    shutil.rmtree(both.hub)
    shutil.copytree(both.master, both.hub, symlinks=True)
    assert after == disk(both.hub)


@pytest.mark.parametrize("how,mode", in_modes(["--yes", "--dry-run", ""], ["--yes"]))
@in_both_kinds
def test_prune(both, kind, how, mode):
    both("prune", *([how] if how else []), *mode)


def test_prune_twice_finds_nothing(both):
    assert both("prune", "--yes").code == 0
    both.master = shutil.copytree(both.hub, both.hub.parents[1] / "pruned", symlinks=True)
    assert "Nothing to prune" in both("prune", "--yes").out


# ---- verify


def snapshot(hub, made, name="main"):
    return hub / f"models--{ID.replace('/', '--')}" / "snapshots" / revision(made, name)


def damage(path):
    """Other bytes of the same length in the file that a pointer leads to."""
    real = path.resolve()
    real.chmod(0o644)
    body = real.read_bytes()
    real.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))


SPOILT = {
    "good": lambda s: None,
    "damaged": lambda s: damage(s / "config.json"),
    "damaged LFS": lambda s: damage(s / "model.safetensors"),
    "cut short": lambda s: os.truncate((s / "model.safetensors").resolve(), 5),
    "missing": lambda s: (s / "nested" / "deep" / "two.txt").unlink(),
    "broken link": lambda s: (s / "nested" / "deep" / "two.txt").resolve().unlink(),
    "extra": lambda s: (s / "nested" / "mine.txt").write_text("mine"),
    "all at once": lambda s: [damage(s / "README.md"), damage(s / "weights" / "part 1#2.bin"), (s / "run.sh").unlink(),
                              (s / "empty.txt").unlink(), (s / "a-file").write_text("a"), (s / "z-file").write_text("z")],
}
FLAGS = [[], ["--fail-on-missing-files"], ["--fail-on-extra-files"], ["--fail-on-missing-files", "--fail-on-extra-files"]]


VERIFY = [(what, flags) for what in SPOILT for flags in FLAGS
          if not flags or (what, flags) in [("missing", FLAGS[1]), ("extra", FLAGS[2]), ("all at once", FLAGS[3])]]


@pytest.mark.parametrize("what,flags", VERIFY)
def test_verify(both, made, what, flags):
    result = both("verify", ID, *flags, spoil=lambda hub: SPOILT[what](snapshot(hub, made)))
    bad = what.startswith(("damaged", "cut", "all")) or (what in ("missing", "broken link") and "--fail-on-missing-files" in flags) \
        or (what == "extra" and "--fail-on-extra-files" in flags)
    assert result.code == (1 if bad else 0)


@pytest.mark.parametrize("mode", MODES[1:], ids="".join)
@pytest.mark.parametrize("what", ["good", "damaged LFS"])
def test_verify_in_each_mode(both, made, what, mode):
    both("verify", ID, *mode, spoil=lambda hub: SPOILT[what](snapshot(hub, made)))


@pytest.mark.parametrize("words", [
    [ID, "--revision", "v1.0"], [ID, "--revision", "refs/pr/1"], [PLAIN, "--repo-type", "space"], [PLAIN], ["no/such"],
    [ID, "--revision", "dev/feature"], [ID, "--revision", "f" * 40], [ID, "--cache-dir", "x", "--local-dir", "y"],
    [ID, "--local-dir", "/nonexistent"], [ID, "--cache-dir", "/nonexistent"], ["a..b"],
], ids=" ".join)
def test_verify_of_what(both, words):
    both("verify", *words)


def test_verify_by_commit_without_ref(both, made):
    assert both("verify", ID, "--revision", revision(made, "dev/feature")).code == 0


def test_verify_with_several_snapshots_and_no_main(both):
    """Nobody can tell which is meant."""
    def spoil(hub):
        (hub / f"models--{ID.replace('/', '--')}" / "refs" / "main").unlink()

    assert both("verify", ID, spoil=spoil).code == 1


@pytest.mark.parametrize("what,flags", [
    ("good", []), ("good", ["--quiet"]), ("damaged", []), ("damaged LFS", ["--json"]), ("missing", []), ("broken link", []),
    ("extra", []), ("all at once", ["--fail-on-extra-files", "--fail-on-missing-files"]),
])
def test_verify_of_a_local_dir(served, home, official, python_no_xet, what, flags):
    local = home / "local"
    python_no_xet.snapshot(ID, local_dir=local)
    (local / ".git").mkdir()
    (local / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    if what == "broken link":
        (local / "nested" / "deep" / "two.txt").unlink()
        (local / "nested" / "deep" / "two.txt").symlink_to("nowhere")
    else:
        SPOILT[what](local)
    env = clean_env(home, HF_ENDPOINT=served.url, NO_COLOR="1", COLUMNS="200")
    words = ["cache", "verify", ID, "--local-dir", local, *flags]
    mine, theirs = run([HF, *words], env), official(*words)
    assert (mine.code, mine.out, mine.err) == (theirs.code, theirs.out, theirs.err)


def test_verify_uses_the_listing_that_is_kept(both, made):
    """Where a download kept a listing of the commit, nothing needs to be asked; the official command asks always."""
    shutil.copytree(both.master, both.hub, symlinks=True)
    offline = {**both.env, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    damage(snapshot(both.hub, made) / "model.safetensors")
    result = run([HF, "cache", "verify", ID], offline)
    assert result.code == 1 and "  - model.safetensors: expected" in result.out


# ---- while a process of Python's holds the lock of a blob


HOLD = """
import sys
from huggingface_hub.utils import WeakFileLock
with WeakFileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("words", [["rm", f"model/{ID}", "--yes"], ["rm", f"hf://{ID}/weights/ünï+cödé.bin", "--yes"], ["prune", "--yes"]],
                         ids=["repo", "file", "prune"])
def test_what_python_has_locked_is_left_alone(both, made, words):
    """The official command asks nobody; ours leaves what a live process is at, and says so."""
    shutil.copytree(both.master, both.hub, symlinks=True)
    repo = both.hub / f"models--{ID.replace('/', '--')}"
    blob = (repo / "snapshots" / revision(made, "main") / "weights" / "ünï+cödé.bin").readlink().name
    part = repo / "blobs" / f"{blob}.0123abcd.incomplete"
    part.write_bytes(b"half")
    lock = both.hub / ".locks" / repo.name / f"{blob}.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], env=both.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        result = run([HF, "cache", *words], both.env)
        assert result.code == 0
        assert (repo / "blobs" / blob).exists() and part.read_bytes() == b"half"
        assert "left alone" in result.err
    finally:
        holder.stdin.close()
        holder.stdout.close()
        assert holder.wait(30) == 0
    # Let go, the same command does its work.
    assert run([HF, "cache", "prune", "--yes"], both.env).code == 0
    assert not part.exists()
