# SPDX-License-Identifier: Apache-2.0
"""Token files belong to both clients: each reads, switches and removes what the other wrote."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support import HF, Python, clean_env, finish, ok, run, start

ACCOUNTS = Path(__file__).resolve().parents[1] / "cli" / "accounts.py"
READ_ALL = """
from huggingface_hub import get_token
from huggingface_hub.utils import get_stored_tokens
result = [get_token(), get_stored_tokens()]
"""


@pytest.fixture
def hub():
    server = subprocess.Popen([sys.executable, ACCOUNTS], stdout=subprocess.PIPE, text=True)
    yield server.stdout.readline().split()[1]
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.fixture
def env(home, hub):
    return clean_env(home, HF_ENDPOINT=hub)


@pytest.fixture
def python(env):
    client = Python(env)
    yield client
    client.close()


def ours(env, *words):
    return run([HF, "auth", *words], env)


def login_theirs(python, token):
    python("from huggingface_hub import login\nlogin(token)\nresult = 1", token=token)


def test_python_reads_what_we_wrote(env, home, python):
    ok(ours(env, "login", "--token", "hf_good"))
    ok(ours(env, "login", "--token", "hf_read"))
    stored = {"ci-write": "hf_good", "only [read] = ü%d": "hf_read"}
    assert python(READ_ALL) == ["hf_read", stored]
    ok(ours(env, "switch", "--token-name", "ci-write"))
    assert python(READ_ALL) == ["hf_good", stored]
    assert python("from huggingface_hub import whoami\nresult = whoami()['name']") == "alice"
    python("from huggingface_hub import auth_switch\nauth_switch('only [read] = ü%d')\nresult = 1")
    assert ok(ours(env, "token")).out == "hf_read\n"
    ok(ours(env, "logout", "--token-name", "only [read] = ü%d"))
    assert python(READ_ALL) == [None, {"ci-write": "hf_good"}]
    ok(ours(env, "logout"))
    assert python(READ_ALL) == [None, {}]


def test_we_read_what_python_wrote(env, home, python):
    login_theirs(python, "hf_good")
    login_theirs(python, "hf_read")
    assert ok(ours(env, "token")).out == "hf_read\n"
    assert ok(ours(env, "whoami", "-q")).out == "alice\n"
    ok(ours(env, "switch", "--token-name", "ci-write"))
    assert python("from huggingface_hub import get_token\nresult = get_token()") == "hf_good"
    python("from huggingface_hub import logout\nlogout('ci-write')\nresult = 1")
    listed = ok(ours(env, "list", "--json")).out
    assert '"only [read] = \\u00fcd"' not in listed and "ci-write" not in listed
    assert ours(env, "token").code == 1


def test_the_same_bytes(env, home, python, tmp_path):
    """Both write the files to the byte alike."""
    for token in ("hf_good", "hf_read"):
        ok(ours(env, "login", "--token", token))
        login_theirs(python, token)  # over it
    theirs = {p.name: p.read_bytes() for p in (home / "hf").iterdir() if p.name != "stored_tokens.lock"}
    ok(ours(env, "logout"))
    for token in ("hf_good", "hf_read"):
        ok(ours(env, "login", "--token", token))
    mine = {p.name: p.read_bytes() for p in (home / "hf").iterdir() if p.name != "stored_tokens.lock"}
    assert {k: mine[k] for k in ("token", "stored_tokens")} == {k: theirs[k] for k in ("token", "stored_tokens")}
    assert {stat.S_IMODE((home / "hf" / name).stat().st_mode) for name in mine} == {0o600}


def test_expiry_and_refresh_survive_both(env, home, python):
    folder = home / "hf"
    folder.mkdir()
    text = ("[oauth-alice]\nhf_token = hf_oauth_0123456789\nrefresh_token = r\nexpires_at = 4102444800\n\n")
    (folder / "stored_tokens").write_text(text)
    ok(ours(env, "login", "--token", "hf_good"))
    assert (folder / "stored_tokens").read_text() == "[ci-write]\nhf_token = hf_good\n\n" + text
    login_theirs(python, "hf_read")
    assert text in (folder / "stored_tokens").read_text()
    assert '"token": "hf_****6789", "expires": "2100-01-01"' in ok(ours(env, "list", "--json")).out


def test_neither_writes_while_the_other_holds_the_lock(env, home, python):
    ok(ours(env, "login", "--token", "hf_good"))
    python("from huggingface_hub.utils import WeakFileLock\nfrom huggingface_hub import constants\n"
           "import threading, subprocess, time\n"
           "with WeakFileLock(constants.HF_STORED_TOKENS_PATH + '.lock'):\n"
           "    p = subprocess.Popen([hf, 'auth', 'login', '--token', 'hf_read'])\n"
           "    time.sleep(1)\n"
           "    assert p.poll() is None, 'it did not wait'\n"
           "assert p.wait(30) == 0\nresult = 1", hf=HF)
    assert ok(ours(env, "token")).out == "hf_read\n"


@pytest.mark.parametrize("words", [
    ["auth", "whoami"], ["auth", "whoami", "--json"], ["auth", "whoami", "-q"], ["auth", "whoami", "--format", "agent"],
    ["auth", "token"], ["auth", "list"], ["auth", "switch", "-q"], ["auth", "switch", "--token-name", "none"],
    ["auth", "login"], ["auth", "logout", "--token-name", "none"], ["auth", "logout"],
], ids=" ".join)
@pytest.mark.parametrize("logged_in", [True, False])
def test_the_command_answers_alike(env, home, python, words, logged_in):
    """Exit code, and standard output where it is data, as the official command has them."""
    answers = []
    for program in (HF, Path(sys.executable).with_name("hf")):
        if logged_in:
            login_theirs(python, "hf_good")
        process = start([program, *words], env | {"NO_COLOR": "1"})
        if words == ["auth", "login"] and not logged_in:
            process.terminate()  # waits for a browser
            finish(process)
            return
        answers.append(finish(process))
        ok(ours(env, "logout"))
    mine, theirs = answers
    assert mine.code == theirs.code
    if "whoami" in words and words[-1] == "whoami" and logged_in:
        # In human mode the official one mixes words into its output; ours has the value alone.
        assert mine.out == "alice\n" and "user: alice" in theirs.out
    elif words[-1] == "list" and logged_in:
        assert [x.replace("hf_****good", "****").split() for x in theirs.out.splitlines()][0::2] == \
            [x.split() for x in mine.out.splitlines()][0::2]
    else:
        assert mine.out == theirs.out
