# SPDX-License-Identifier: Apache-2.0
"""A token goes to the Hub it is for, and nowhere else: no other origin, no log, no error."""

import subprocess

import pytest
from support import HF, clean_env, files_below, ok, run
from tinyhub import Answer, TinyHub, git_sha1

TOKEN = "hf_ThisMustNotLeakAnywhere0123456789"
FILES = {"README.md": b"# tiny\n", "model.bin": b"weights" * 5000}


def download(hub, home, *args, token=TOKEN, **env):
    result = run([HF, "download", "-q", hub.repo, *args], clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=token, **env))
    assert TOKEN not in result.out + result.err
    return result


def authorised(requests):
    return [r.headers.get("authorization") for r in requests]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for 127.0.0.1 that only a test trusts."""
    there = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", there / "key.pem", "-out", there / "cert.pem"],
        check=True, capture_output=True)
    return str(there / "cert.pem"), str(there / "key.pem")


@pytest.mark.parametrize("what", [["model.bin"], []], ids=["file", "snapshot"])
def test_storage_never_sees_it(home, what):
    with TinyHub(FILES, lfs={"model.bin"}) as hub:
        ok(download(hub, home, *what))
        storage = [r for r in hub.seen if r.origin == "storage"]
        assert storage and authorised(storage) == [None] * len(storage)
        to_hub = [r for r in hub.seen if r.origin == "hub"]
        assert to_hub and set(authorised(to_hub)) == {f"Bearer {TOKEN}"}


def test_another_host_that_the_body_is_redirected_to_never_sees_it(home):
    """The metadata request was answered here; only the GET is sent away."""
    with TinyHub(FILES) as hub:
        def respond(request):
            if request.method == "GET" and "/resolve/" in request.path:
                return Answer(302, {"Location": f"{hub.storage_url}/elsewhere"})
            if request.origin == "storage":
                return Answer(200, {}, FILES["README.md"])
            return None

        hub.respond = respond
        ok(download(hub, home, "README.md"))
        storage = [r for r in hub.seen if r.origin == "storage"]
        assert storage and authorised(storage) == [None] * len(storage)


def test_another_host_that_an_answer_of_the_api_is_redirected_to_never_sees_it(home):
    with TinyHub(FILES) as hub:
        hub.respond = lambda request: (
            Answer(307, {"Location": hub.storage_url + request.path})
            if request.origin == "hub" and "/api/" in request.path
            else hub.answer(request) if request.origin == "storage" else None)
        download(hub, home)
        storage = [r for r in hub.seen if r.origin == "storage"]
        assert authorised(storage) == [None] * len(storage)


def test_another_host_named_as_the_next_page_never_sees_it(home):
    with TinyHub(FILES) as hub:
        def respond(request):
            if "/tree/" in request.path:
                answer = hub.answer(request)
                if request.origin == "hub":
                    answer.headers["Link"] = f'<{hub.storage_url}{request.path}>; rel="next"'
                return answer
            return None

        hub.respond = respond
        download(hub, home)
        storage = [r for r in hub.seen if r.origin == "storage"]
        assert authorised(storage) == [None] * len(storage)


def test_same_host_keeps_it_through_a_renamed_repo(home):
    with TinyHub(FILES) as hub:
        hub.respond = lambda request: (
            Answer(307, {"Location": request.path.replace("acme/old", hub.repo)})
            if "acme/old" in request.path else None)
        result = run([HF, "download", "-q", "acme/old", "README.md"],
                     clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN))
        ok(result)
        assert set(authorised(hub.seen)) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("lfs", [True, False], ids=["storage", "body"])
def test_no_token_over_http_after_https(home, certificate, lfs):
    with TinyHub(FILES, lfs={"model.bin"}, tls=certificate) as hub:
        assert hub.url.startswith("https:") and hub.storage_url.startswith("http:")
        if not lfs:
            hub.respond = lambda request: (
                Answer(302, {"Location": f"{hub.storage_url}/plain"})
                if request.method == "GET" and "/resolve/" in request.path else None)
        download(hub, home, "model.bin" if lfs else "README.md", SSL_CERT_FILE=certificate[0])
        assert set(authorised(r for r in hub.seen if r.origin == "hub")) == {f"Bearer {TOKEN}"}
        plain = [r for r in hub.seen if r.origin == "storage"]
        assert authorised(plain) == [None] * len(plain)


def test_https_to_https_arrives(home, certificate):
    with TinyHub(FILES, lfs={"model.bin"}, tls=certificate, storage_tls=certificate) as hub:
        ok(download(hub, home, SSL_CERT_FILE=certificate[0]))
        assert files_below(home / "hf" / "hub" / "models--acme--tiny" / "snapshots" / hub.commit) == FILES


def test_a_certificate_nobody_vouches_for_gets_no_token(home, certificate):
    with TinyHub(FILES, tls=certificate) as hub:
        result = download(hub, home, "README.md")
        assert result.code == 1 and result.err.startswith("Error: ") and result.err.count("\n") == 1, result.err
        assert hub.seen == []


@pytest.mark.parametrize("status,code", [(401, ""), (401, "RepoNotFound"), (403, "GatedRepo"), (403, ""), (404, "")])
@pytest.mark.parametrize("debug", ["0", "1"])
def test_errors_and_logs_do_not_show_it(home, status, code, debug):
    """Even a server that quotes it gets no echo."""
    with TinyHub(FILES) as hub:
        hub.respond = lambda request: Answer(
            status, {"X-Error-Code": code, "X-Error-Message": f"bad credentials: Bearer {TOKEN}"},
            f'{{"error": "Bearer {TOKEN}"}}'.encode())
        result = download(hub, home, "README.md", HF_DEBUG=debug, HF_HUB_VERBOSITY="debug")
        assert result.code == 1


def test_verbose_success_does_not_show_it(home):
    with TinyHub(FILES, lfs={"model.bin"}) as hub:
        ok(download(hub, home, HF_DEBUG="1", HF_HUB_VERBOSITY="debug"))
        result = run([HF, "env"], clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN, HF_DEBUG="1"))
        assert TOKEN not in ok(result).out + result.err
    left = files_below(home)
    assert left and not [path for path, body in left.items() if TOKEN.encode() in body]


@pytest.mark.parametrize("token", [TOKEN + "\r\nX-Evil: 1", TOKEN + "\nX-Evil: 1", " " + TOKEN + "\n"],
                         ids=["crlf", "lf", "blanks"])
def test_a_token_cannot_add_a_header(home, token):
    with TinyHub(FILES) as hub:
        result = run([HF, "download", "-q", hub.repo, "README.md"],
                     clean_env(home, HF_ENDPOINT=hub.url, HF_TOKEN=token))
        assert TOKEN not in result.out + result.err
        assert not [r for r in hub.seen if "x-evil" in r.headers]
        if token.strip() == TOKEN:
            assert ok(result) and set(authorised(hub.seen)) == {f"Bearer {TOKEN}"}


def test_a_token_given_on_the_command_line_wins_and_an_empty_one_sends_none(home):
    with TinyHub(FILES) as hub:
        ok(download(hub, home, "README.md", "--token", "hf_other"))
        assert set(authorised(hub.seen)) == {"Bearer hf_other"}
        hub.seen.clear()
        ok(download(hub, home, "model.bin", HF_HUB_DISABLE_IMPLICIT_TOKEN="1"))
        assert set(authorised(hub.seen)) == {None}


def test_token_file_of_the_python_client_is_read(home):
    with TinyHub(FILES) as hub:
        (home / "hf").mkdir()
        (home / "hf" / "token").write_text(TOKEN)
        ok(download(hub, home, "README.md", token=None))
        assert set(authorised(hub.seen)) == {f"Bearer {TOKEN}"}
        assert git_sha1(FILES["README.md"]) in {p.rsplit("/", 1)[-1] for p in files_below(home)}
