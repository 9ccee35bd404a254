# SPDX-License-Identifier: Apache-2.0
"""Other people's servers, run for the time of a test."""

import contextlib
import os
import shutil
import socket
import subprocess
import time

import pytest
from support import start


def program(name):
    # Debian keeps daemons where not every user's PATH leads.
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        why = f"no {name} here (tools/setup interop)"
        if os.environ.get("HFHUB_REQUIRE_INTEROP") == "1":
            pytest.fail(why)
        pytest.skip(why)
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def running(args, port, host="127.0.0.1"):
    """A daemon in the foreground, until its port answers."""
    process = start(args, {"PATH": os.environ["PATH"]})
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def nginx(tmp_path, port, http, host="127.0.0.1"):
    conf = tmp_path / "nginx.conf"
    temp = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.geteuid() == 0 else ""  # the files of a test are not for everybody
    conf.write_text(f"{user}daemon off; worker_processes 1; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;\n"
                    f"events {{ worker_connections 256; }}\nhttp {{ {temp} access_log off;\n{http} }}\n")
    with running([program("nginx"), "-c", conf, "-p", tmp_path], port, host):
        yield
