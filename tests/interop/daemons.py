# SPDX-License-Identifier: Apache-2.0
"""Other people's servers, run for the time of a test."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

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
    """For a daemon that cannot tell which port it got. Of those that the kernel gives to nobody by itself, or another
    server or connection of the tests could have it before the daemon."""
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(max(1024, first_given - 20000), first_given), 100):
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def listens(process, port):
    """The process itself, not just anybody."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}
    with contextlib.suppress(FileNotFoundError):
        return any(os.readlink(fd) in sockets for fd in Path(f"/proc/{process.pid}/fd").iterdir())
    return False


@contextlib.contextmanager
def running(args, port):
    """A daemon in the foreground, once it listens."""
    process = start(args, {"PATH": os.environ["PATH"]})
    try:
        for _ in range(400):
            if listens(process, port):
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.025)
        else:
            raise AssertionError(f"{args[0]} does not listen on port {port}")
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def nginx(tmp_path, port, http):
    conf = tmp_path / "nginx.conf"
    temp = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.geteuid() == 0 else ""  # the files of a test are not for everybody
    conf.write_text(f"{user}daemon off; worker_processes 1; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;\n"
                    f"events {{ worker_connections 256; }}\nhttp {{ {temp} access_log off;\n{http} }}\n")
    with running([program("nginx"), "-c", conf, "-p", tmp_path], port):
        yield
