# SPDX-License-Identifier: Apache-2.0
"""A Hub that lies, and links planted where files are written."""

import contextlib
import os
import pty
import subprocess

import pytest
from support import ESCAPE, HF, clean_env, disk, files_below, finish, ok, run, start
from tinyhub import Answer, TinyHub, git_sha1, sha256

FILES = {"README.md": b"# tiny\n", "sub/model.bin": b"weights" * 1000}

NAMES = {
    "parent": "../x",
    "absolute": "/x",
    "climbs": "a/../../x",
    "climbs inside": "a/../x",
    "nul": "a\0b",
    "backslash": "a\\b",
    "backslash parent": "..\\x",
    "drive": "C:\\x",
    "git": ".git/config",
    "git below": "sub/.git/hooks/post-checkout",
    "escape": "x\x1b[2Jy",
    "newline": "a\nb",
    "delete": "a\x7fb",
    "c1 control": "a\x9bb",
    "dot": "a/./b",
    "empty component": "a//b",
    "empty": "",
    "trailing slash": "a/",
    "dots": "..",
}


def download(hub, home, *args, **env):
    return run([HF, "download", "-q", hub.repo, *args], clean_env(home, HF_ENDPOINT=hub.url, **env))


def one_clear_line(result, warnings=False):
    """One line that names the error, and nothing on stdout."""
    assert result.out == ""
    lines = result.err.split("\n")
    assert lines.pop() == ""
    if warnings:
        while len(lines) > 1 and lines[0].startswith("Warning: "):
            lines.pop(0)
    assert len(lines) == 1 and lines[0].startswith("Error: "), result.err
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in lines[0]), ascii(lines[0])


@pytest.mark.parametrize("place", ["cache", "local-dir"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_listed_name_is_refused_and_nothing_written(home, name, place):
    with TinyHub(FILES) as hub:
        hub.listing = [hub.entry("README.md"),
                       {"type": "file", "oid": git_sha1(b"evil"), "size": 4, "path": name}]
        before = disk(home.parent)
        args = ["--local-dir", home / "model"] if place == "local-dir" else []
        result = download(hub, home, *args)
        assert result.code == 1
        one_clear_line(result)
        assert "unsafe" in result.err or "not allowed" in result.err or "refus" in result.err, result.err
        assert disk(home.parent) == before
        assert hub.bodies() == []


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\b", ".git/config", "a\x1bb"])
def test_asked_name_is_refused_without_a_request(home, name):
    with TinyHub(FILES) as hub:
        result = download(hub, home, name)
        assert result.code in (1, 2)
        one_clear_line(result)
        assert hub.seen == []
        assert disk(home) == {}


@pytest.mark.parametrize("place", ["cache", "local-dir"])
@pytest.mark.parametrize("header,value", [
    ("X-Repo-Commit", "../../../evil"),
    ("X-Repo-Commit", "main"),
    ("X-Repo-Commit", ""),
    ("ETag", '"../../../evil"'),
    ("ETag", '".."'),
    ("ETag", '"a/b"'),
    ("ETag", '"a\\b"'),
    ("ETag", '"\x1b[2J"'),
    ("ETag", '"' + "a" * 5000 + '"'),
    ("ETag", ""),
    ("X-Linked-Size", "-1"),
    ("X-Linked-Size", "99999999999999999999999"),
    ("X-Linked-Size", "7x"),
], ids=lambda text: ascii(text)[:24])
def test_hostile_metadata_is_refused(home, header, value, place):
    with TinyHub(FILES) as hub:
        def respond(request):
            if "/resolve/" in request.path:
                answer = hub.answer(request)
                answer.headers[header] = value
                return answer
            return None

        hub.respond = respond
        args = ["--local-dir", home / "model"] if place == "local-dir" else []
        result = download(hub, home, "README.md", *args)
        assert result.code == 1
        one_clear_line(result)
        assert "evil" not in " ".join(disk(home.parent))
        assert not [p for p in files_below(home) if p.endswith("README.md") or "/blobs/" in p]


def test_hostile_commit_in_the_answer_of_a_revision(home):
    with TinyHub(FILES) as hub:
        hub.commit = "../../../../evil"
        result = download(hub, home)
        assert result.code == 1
        one_clear_line(result)
        assert "evil" not in " ".join(disk(home.parent))


LIES = {
    "flipped byte": lambda body: Answer(200, {}, b"X" + body[1:]),
    "cut short": lambda body: Answer(200, {}, body[:-10], len(body)),
    "too short": lambda body: Answer(200, {}, body[:-10]),
    "too long": lambda body: Answer(200, {}, body + b"and more"),
    "nothing": lambda body: Answer(200, {}, b""),
    "a web page": lambda body: Answer(200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
}


def test_wrong_body_never_gets_a_name(home):
    """All lies at once: each is believed in and asked for again for a while."""
    name = "sub/model.bin"
    cases = [(what, lfs, place) for what in LIES for lfs in (False, True) for place in ("cache", "local-dir")]
    with contextlib.ExitStack() as stack:
        under_way = []
        for what, lfs, place in cases:
            hub = stack.enter_context(TinyHub(FILES, lfs={name} if lfs else ()))
            hub.respond = lambda request, lie=LIES[what], storage=lfs: (
                lie(FILES[name])
                if request.method == "GET" and request.origin == ("storage" if storage else "hub")
                and "/api/" not in request.path else None)
            mine = home / f"{what}-{lfs}-{place}"
            args = ["--local-dir", mine / "model"] if place == "local-dir" else []
            under_way.append((mine, start([HF, "download", "-q", hub.repo, name, *args],
                                          clean_env(mine, HF_ENDPOINT=hub.url))))
        for mine, process in under_way:
            result = finish(process)
            assert result.code == 1, (mine.name, result)
            one_clear_line(result, warnings=True)
            left = files_below(mine)
            assert not [p for p in left if p.endswith("model.bin")], mine.name
            names = {p.rsplit("/", 1)[-1] for p in left}
            assert not names & {sha256(FILES[name]), git_sha1(FILES[name])}, mine.name


SAYS = f"gone {ESCAPE}]0;owned\x07 {ESCAPE}[2J\x9b2J"


@pytest.mark.parametrize("how", ["header", "body", "both"])
@pytest.mark.parametrize("status,code", [(404, "EntryNotFound"), (403, "Nonsense"), (500, ""), (404, "RepoNotFound"),
                                         (403, "GatedRepo"), (400, SAYS)])
def test_control_characters_are_not_printed(home, status, code, how):
    """To a terminal: stderr of the program is one here."""
    with TinyHub(FILES) as hub:
        def respond(request):
            headers = {"X-Error-Code": code} if code else {}
            headers["X-Request-Id"] = SAYS
            if how != "body":
                headers["X-Error-Message"] = SAYS
            body = ('{"error": "%s"}' % SAYS.replace(ESCAPE, "\\u001b").replace("\x07", "\\u0007").replace(
                "\x9b", "\\u009b")).encode() if how != "header" else b""
            return Answer(status, headers, body)

        hub.respond = respond
        ours, theirs = pty.openpty()
        env = clean_env(home, HF_ENDPOINT=hub.url, TERM="xterm", HF_DEBUG="1", HF_HUB_DISABLE_PROGRESS_BARS=None)
        process = subprocess.Popen([str(HF), "download", hub.repo], env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        text = (seen + out).decode("utf-8")
        assert "\x07" not in text and "\x9b" not in text, ascii(text)
        assert f"{ESCAPE}]" not in text and f"{ESCAPE}[2J" not in text, ascii(text)


REPO = "models--acme--tiny"


def outside_of(home):
    outside = home.parent / "outside"
    outside.mkdir()
    (outside / "precious").write_text("do not touch")
    return outside


@pytest.mark.parametrize("place", [
    REPO, f"{REPO}/blobs", f"{REPO}/snapshots", f"{REPO}/snapshots/COMMIT", f"{REPO}/snapshots/COMMIT/sub",
    f"{REPO}/refs", f"{REPO}/trees", ".locks", f".locks/{REPO}", f"{REPO}/.no_exist",
])
@pytest.mark.parametrize("what", [["sub/model.bin"], [], ["gone.txt"]], ids=["file", "snapshot", "absent"])
def test_link_planted_in_the_cache_is_not_followed(home, place, what):
    with TinyHub(FILES) as hub:
        outside = outside_of(home)
        link = home / "hf" / "hub" / place.replace("COMMIT", hub.commit)
        link.parent.mkdir(parents=True)
        link.symlink_to(outside)
        before = disk(outside)
        result = download(hub, home, *what)
        assert disk(outside) == before
        if result.code:
            one_clear_line(result, warnings=True)
            assert result.code == 1
        else:
            # A place that is not needed for an answer may be done without.
            assert files_below(home / "hf" / "hub")


@pytest.mark.parametrize("planted", ["pointer", "blob", "ref", "lock", "tree"])
def test_link_planted_as_a_file_is_not_written_through(home, planted):
    with TinyHub(FILES) as hub:
        outside = outside_of(home)
        etag = git_sha1(FILES["sub/model.bin"])
        hub_dir = home / "hf" / "hub"
        link = {
            "pointer": hub_dir / REPO / "snapshots" / hub.commit / "sub" / "model.bin",
            "blob": hub_dir / REPO / "blobs" / etag,
            "ref": hub_dir / REPO / "refs" / "main",
            "lock": hub_dir / ".locks" / REPO / f"{etag}.lock",
            "tree": hub_dir / REPO / "trees" / f"{hub.commit}.json",
        }[planted]
        link.parent.mkdir(parents=True)
        link.symlink_to(outside / "precious")
        before = disk(outside)
        result = download(hub, home)
        assert disk(outside) == before
        if result.code == 0:
            got = files_below(hub_dir / REPO / "snapshots" / hub.commit)
            assert got == FILES, "a planted link was taken for a file"
        else:
            one_clear_line(result, warnings=True)


def test_dangling_link_planted_as_a_blob_makes_no_file_outside(home):
    with TinyHub(FILES) as hub:
        outside = outside_of(home)
        etag = git_sha1(FILES["sub/model.bin"])
        link = home / "hf" / "hub" / REPO / "blobs" / etag
        link.parent.mkdir(parents=True)
        link.symlink_to(outside / "new")
        ok(download(hub, home, "sub/model.bin"))
        assert not (outside / "new").exists()


@pytest.mark.parametrize("place", ["sub", ".cache", ".cache/huggingface", ".cache/huggingface/download",
                                   ".cache/huggingface/download/sub", ".cache/huggingface/trees"])
@pytest.mark.parametrize("what", [["sub/model.bin"], []], ids=["file", "snapshot"])
def test_link_planted_in_local_dir_is_not_followed(home, place, what):
    with TinyHub(FILES) as hub:
        outside = outside_of(home)
        local = home / "model"
        link = local / place
        link.parent.mkdir(parents=True)
        link.symlink_to(outside)
        before = disk(outside)
        result = download(hub, home, *what, "--local-dir", local)
        assert disk(outside) == before
        if result.code:
            one_clear_line(result, warnings=True)


@pytest.mark.parametrize("planted", ["sub/model.bin", ".cache/huggingface/.gitignore",
                                     ".cache/huggingface/CACHEDIR.TAG",
                                     ".cache/huggingface/download/sub/model.bin.metadata",
                                     ".cache/huggingface/download/sub/model.bin.lock"])
def test_link_planted_as_a_file_of_local_dir_is_not_written_through(home, planted):
    with TinyHub(FILES) as hub:
        outside = outside_of(home)
        local = home / "model"
        link = local / planted
        link.parent.mkdir(parents=True)
        link.symlink_to(outside / "precious")
        before = disk(outside)
        result = download(hub, home, "sub/model.bin", "--local-dir", local)
        assert disk(outside) == before
        if result.code:
            one_clear_line(result, warnings=True)
        elif planted == "sub/model.bin":
            assert not link.is_symlink() and link.read_bytes() == FILES["sub/model.bin"]


def test_cache_that_is_itself_a_link_works(home):
    """Users keep the cache on another disk; only links inside of it are suspect."""
    with TinyHub(FILES) as hub:
        big = home.parent / "big-disk"
        big.mkdir()
        (home / "hf").mkdir()
        (home / "hf" / "hub").symlink_to(big)
        path = ok(download(hub, home)).line
        assert files_below(home / "hf" / "hub" / REPO / "snapshots" / hub.commit) == FILES
        assert os.path.exists(path)


def test_a_listing_that_never_ends_is_given_up(home):
    """Each page names itself as the next."""
    with TinyHub(FILES) as hub:
        def respond(request):
            if "/tree/" in request.path:
                answer = hub.answer(request)
                answer.headers["Link"] = f'<{hub.url}{request.path}>; rel="next"'
                return answer
            return None

        hub.respond = respond
        result = download(hub, home)
        assert result.code == 1
        one_clear_line(result)
        assert len(hub.seen) < 5000


def test_redirects_in_a_circle_are_given_up(home):
    with TinyHub(FILES) as hub:
        hub.respond = lambda request: Answer(307, {"Location": request.path})
        result = download(hub, home, "README.md")
        assert result.code == 1
        one_clear_line(result)
        assert len(hub.seen) < 100


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"sha": 7}', b"[" * 100000,
                                  b'{"sha": "' + b"a" * 1000000 + b'"}', b"\xff\xfe"],
                         ids=["empty", "open", "list", "null", "number", "deep", "long", "not utf-8"])
def test_malformed_answers_are_one_line(home, body):
    with TinyHub(FILES) as hub:
        hub.respond = lambda request: Answer(200, {"Content-Type": "application/json"}, body)
        result = download(hub, home)
        assert result.code == 1
        one_clear_line(result)


def test_stdout_is_the_path_alone(home):
    """Whatever the mode, a shell's $(hf download …) is a path."""
    with TinyHub(FILES) as hub:
        env = clean_env(home, HF_ENDPOINT=hub.url, HF_HUB_DISABLE_PROGRESS_BARS=None)
        for args in (["-q"], [], ["--format", "quiet"]):
            path = ok(run([HF, "download", hub.repo, "README.md", *args], env)).line
            assert os.path.isabs(path) and open(path, "rb").read() == FILES["README.md"], args
