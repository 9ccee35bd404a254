# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from publishing import MODES, Hub  # noqa: E402
from served import Served, fill  # noqa: E402
from support import HF, Python, clean_env, run  # noqa: E402


@pytest.fixture
def home(tmp_path):
    """HOME of a program under test, empty."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def no_process_left():
    yield
    support.end_started()


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """No test may leave a file in the HOME of whoever runs it."""
    cache = Path(os.path.expanduser("~/.cache/huggingface"))
    before = sorted(cache.rglob("*")) if cache.exists() else None
    yield
    after = sorted(cache.rglob("*")) if cache.exists() else None
    assert before == after, "a test wrote to the user's own cache"


def pytest_configure(config):
    assert support.HF.exists(), f"{support.HF} is not built"


# ---- hf-serve with repos in it, once per file of tests


@pytest.fixture(scope="session")
def _filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    served = Served(folder)
    return served, fill(served)


@pytest.fixture(scope="session")
def served(_filled):
    """The running server."""
    server, _ = _filled
    with server:
        yield server


@pytest.fixture(scope="session")
def made(_filled):
    """Token of a user, and commits by "<kind> <revision>"."""
    return _filled[1]


def _python(served, home, **env):
    return Python(clean_env(home, HF_ENDPOINT=served.url, **env))


@pytest.fixture(scope="session")
def python_default(served, tmp_path_factory):
    client = _python(served, tmp_path_factory.mktemp("python"))
    yield client
    client.close()


@pytest.fixture(scope="session")
def python_no_xet(served, tmp_path_factory):
    client = _python(served, tmp_path_factory.mktemp("python-no-xet"), HF_HUB_DISABLE_XET="1")
    yield client
    client.close()


@pytest.fixture(scope="session")
def python_offline(served, tmp_path_factory):
    client = _python(served, tmp_path_factory.mktemp("python-offline"), HF_HUB_OFFLINE="1")
    yield client
    client.close()


@pytest.fixture
def python(python_default):
    return python_default


@pytest.fixture
def hf(served, home):
    """Runs our command; the cache is below `home`."""

    def call(*args, **env):
        return run([HF, *args], clean_env(home, HF_ENDPOINT=served.url, **env))

    return call


@pytest.fixture
def calls(served, home):
    """Runs calls of the library that the command has no option for; the one line they print."""

    def call(*args, **env):
        program = support.BUILD / "tests" / "interop_calls"
        return support.ok(run([program, *args], clean_env(home, HF_ENDPOINT=served.url, **env))).line

    return call


@pytest.fixture(scope="session", params=MODES)
def hub(request, tmp_path_factory):
    """A server to publish to, that takes large files at once, and one that takes them in parts."""
    with Hub(tmp_path_factory.mktemp(request.param), *MODES[request.param]) as made:
        yield made


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """A server to publish to where it does not matter how large files come."""
    with Hub(tmp_path_factory.mktemp("plain")) as made:
        yield made


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    """A CA of our own and a certificate of it for the loopback addresses: (CA file, CA directory, (cert, key))."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    (folder / "names").write_text("subjectAltName=DNS:localhost," + ",".join(f"IP:127.0.0.{i}" for i in range(1, 6)) + "\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=A private CA", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=hub")
    openssl("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "cert.pem")
    (folder / "certs").mkdir()
    shutil.copy(folder / "ca.pem", folder / "certs" / "ca.pem")
    openssl("rehash", "certs")
    return folder / "ca.pem", folder / "certs", (folder / "cert.pem", folder / "key.pem")
