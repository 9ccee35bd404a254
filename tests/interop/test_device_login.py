# SPDX-License-Identifier: Apache-2.0
"""Login by device code: the official client against hf-serve, with a decision, a denial, an expiry, and too fast a poll."""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from served import Served
from support import HF, HF_SERVE, Python, clean_env, run

CLIENT = "26be6b09-91c5-47da-9861-d2d2bb7a7e36"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("device"), "--login-interval", "1", "--login-ttl", "30")
    served.command("user", "add", "alice")
    with served:
        yield served


def post(hub, path, form, status=200):
    request = urllib.request.Request(hub.url + path, urllib.parse.urlencode(form).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == status
            return json.load(answer)
    except urllib.error.HTTPError as error:
        body = json.load(error)
        assert error.code == status, body
        return body


def poll(hub, code, status=400, client=CLIENT):
    return post(hub, "/oauth/token", {"grant_type": DEVICE_CODE, "device_code": code, "client_id": client}, status)


def start(hub):
    return post(hub, "/oauth/device", {"client_id": CLIENT})


def test_pending_approved_once_and_renewed(hub):
    made = start(hub)
    assert re.fullmatch("[A-Z]{4}-[A-Z]{4}", made["user_code"]) and made["interval"] == 1
    assert poll(hub, made["device_code"])["error"] == "authorization_pending"
    assert poll(hub, made["device_code"], client="other")["error"] == "invalid_grant"
    assert poll(hub, "nonsense")["error"] == "invalid_grant"
    hub.command("device", "approve", made["user_code"].lower().replace("-", ""), "--user", "alice")
    time.sleep(1.1)
    login = poll(hub, made["device_code"], 200)
    assert hub.get("/api/whoami-v2", login["access_token"])["name"] == "alice"
    assert hub.get("/api/whoami-v2", login["access_token"])["auth"]["type"] == "app_token_as_user"
    assert poll(hub, made["device_code"])["error"] == "invalid_grant"  # told once
    again = post(hub, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": login["refresh_token"],
                                       "client_id": CLIENT})
    assert again["access_token"] != login["access_token"]
    assert hub.get("/api/whoami-v2", again["access_token"])["name"] == "alice"
    assert post(hub, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": login["refresh_token"],
                                      "client_id": CLIENT}, 400)["error"] == "invalid_grant"


def test_too_fast(hub):
    made = start(hub)
    assert poll(hub, made["device_code"])["error"] == "authorization_pending"
    assert poll(hub, made["device_code"])["error"] == "slow_down"
    time.sleep(1.5)  # enough before, and now 5 seconds short
    assert poll(hub, made["device_code"])["error"] == "slow_down"


def test_denied(hub):
    made = start(hub)
    hub.command("device", "deny", made["user_code"])
    assert poll(hub, made["device_code"])["error"] == "access_denied"
    late = run([HF_SERVE, "device", "approve", made["user_code"], "--user", "alice", "--data", hub.data], hub.env)
    assert late.code == 1 and "nobody waits" in late.err


def test_expired(tmp_path):
    served = Served(tmp_path, "--login-ttl", "0")
    served.command("user", "add", "alice")
    with served:
        made = start(served)
        assert poll(served, made["device_code"])["error"] == "expired_token"
        late = run([HF_SERVE, "device", "approve", made["user_code"], "--user", "alice", "--data", served.data],
                   served.env)
        assert late.code == 1


@pytest.mark.parametrize("form, error", [
    ({}, "invalid_request"), ({"grant_type": "password", "client_id": "x"}, "unsupported_grant_type"),
    ({"grant_type": DEVICE_CODE}, "invalid_client"), ({"grant_type": DEVICE_CODE, "client_id": "x" * 200}, "invalid_client"),
    ({"grant_type": "refresh_token", "client_id": "x"}, "invalid_grant"),
])
def test_what_is_no_request(hub, form, error):
    assert post(hub, "/oauth/token", form, 400)["error"] == error


def test_revoked(hub):
    token = hub.command("token", "add", "alice", "--name", "leaked").strip()
    assert hub.get("/api/whoami-v2", token)["name"] == "alice"
    request = urllib.request.Request(hub.url + "/api/credentials/revoke",
                                     json.dumps({"credentials": [token, "hf_never"]}).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202
    with pytest.raises(urllib.error.HTTPError, match="401"):
        hub.get("/api/whoami-v2", token)


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_the_official_client_logs_in(hub, tmp_path, decision):
    env = clean_env(tmp_path, HF_ENDPOINT=hub.url)
    mark = hub.mark()
    python = Python(env)
    try:
        process = subprocess.Popen([sys.executable, "-c", "from huggingface_hub import login\nlogin()"], env=env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = b""
        while not (code := re.search(rb"[A-Z]{4}-[A-Z]{4}", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        more = ["--user", "alice"] if decision == "approve" else []
        hub.command("device", decision, code[0].decode(), *more)
        said += process.communicate(timeout=60)[0]
        if decision == "deny":
            assert process.returncode != 0 and b"denied" in said.lower(), said
            return
        assert process.returncode == 0, said
        assert python("from huggingface_hub import whoami\nresult = whoami()['name']") == "alice"
        assert "[oauth-alice]" in (tmp_path / "hf" / "stored_tokens").read_text()
        assert [s.status for s in hub.since(mark) if s.path == "/oauth/device"] == [200]
    finally:
        python.close()


# ---- our command


def browser(env):
    """`hf auth login` without a terminal, once it has shown its code: process, what it said, code."""
    process = subprocess.Popen([str(HF), "auth", "login"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    said = b""
    while not (code := re.search(rb"[A-Z]{4}-[A-Z]{4}", said)):
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    return process, code[0].decode()


def files(home):
    return sorted(p.name for p in (home / "hf").rglob("*")) if (home / "hf").exists() else []


def test_our_command_logs_in(hub, home):
    env = clean_env(home, HF_ENDPOINT=hub.url)
    process, code = browser(env)
    hub.command("device", "approve", code, "--user", "alice")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert run([HF, "auth", "whoami", "-q"], env).out == "alice\n"
    stored = (home / "hf" / "stored_tokens").read_text()
    assert "[oauth-alice]" in stored and "refresh_token = " in stored and "expires_at = " in stored
    secret = (home / "hf" / "token").read_text()
    assert secret and secret not in (out + err).decode()


def test_our_command_is_denied(hub, home):
    process, code = browser(clean_env(home, HF_ENDPOINT=hub.url))
    hub.command("device", "deny", code)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and b"Error: Login failed: the authorization was denied" in err
    assert files(home) == []


def test_our_command_comes_too_late(tmp_path, home):
    served = Served(tmp_path, "--login-interval", "1", "--login-ttl", "2")
    with served:
        process, _ = browser(clean_env(home, HF_ENDPOINT=served.url))
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1 and b"Error: Login failed: the code has expired" in err
        assert files(home) == []


class Between(BaseHTTPRequestHandler):
    """Hands requests on and keeps the answers. Asks itself just before the client does, until that was found too fast."""

    def ask(self, body):
        try:
            with urllib.request.urlopen(urllib.request.Request(self.server.to + self.path, body), timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth/token" and not self.server.slowed():
            self.ask(body)
        status, text = self.ask(body)
        self.server.seen.append((time.monotonic(), self.path, json.loads(text)))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.send_response(307)
        self.send_header("Location", self.server.to + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_our_command_slows_down(hub, home):
    """Told that it asks too fast, it waits 5 seconds more from then on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Between)
    server.to, server.seen = hub.url, []
    server.slowed = lambda: any(answer.get("error") == "slow_down" for _, _, answer in server.seen)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        process, code = browser(clean_env(home, HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}"))
        deadline = time.monotonic() + 60
        while not server.slowed():
            assert time.monotonic() < deadline and process.poll() is None, server.seen
            time.sleep(0.05)
        at = len(server.seen)
        hub.command("device", "deny", code)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1 and b"was denied" in err, server.seen
        assert [answer["error"] for _, _, answer in server.seen[at:]] == ["access_denied"]
        assert server.seen[at][0] - server.seen[at - 1][0] > 5.5
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
