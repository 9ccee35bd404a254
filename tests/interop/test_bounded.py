# SPDX-License-Identifier: Apache-2.0
"""Peak memory under 64 MB, over TLS from nginx: for one file of any size (BOUNDED_GIB), for any number of
files (BOUNDED_FILES), and with 32 connections."""

import json
import os
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from daemons import free_port, nginx
from support import BUILD, HF, SANITIZED, clean_env, ok, peak_of
from tinyhub import Answer, TinyHub, Zeros, git_sha1, sha256

GIB = int(os.environ.get("BOUNDED_GIB", 4))
N_FILES = int(os.environ.get("BOUNDED_FILES", 10_000))
LIMIT = 64_000_000
pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory is no measure")


def secure(tls, port, name="127.0.0.1", more="ssl"):
    _, _, (cert, key) = tls
    return f"listen {name}:{port} {more}; ssl_certificate {cert}; ssl_certificate_key {key};"


def test_one_large_file(home, tmp_path, tls):
    """Hashed and written as it comes; sparse on the server."""
    size = GIB << 30
    if shutil.disk_usage(home).free < size + (1 << 30):
        pytest.fail(f"no {GIB + 1} GiB are free")
    body, port = Zeros(size), free_port()
    with open(tmp_path / "sparse", "wb") as f:
        f.truncate(size)
    with TinyHub({"model.safetensors": body}, lfs={"model.safetensors"}) as hub, nginx(
            tmp_path, port, f"sendfile on; server {{ {secure(tls, port)} root {tmp_path}; location / {{ try_files /sparse =404; }} }}"):
        hub.storage_url = f"https://127.0.0.1:{port}"
        result = ok(peak_of([HF, "download", "-q", hub.repo, "model.safetensors"],
                            clean_env(home, HF_ENDPOINT=hub.url, SSL_CERT_FILE=tls[0]), timeout=1500))
    try:
        assert os.path.getsize(result.line) == size
        assert os.path.basename(os.path.realpath(result.line)) == sha256(body)
    finally:
        os.unlink(os.path.realpath(result.line))
    print(f"{GIB} GiB over TLS in {result.micros / 1e6:.1f} s, peak {result.peak_kib} KiB")
    assert result.peak_kib * 1024 < LIMIT


def test_many_files(home, tmp_path, tls):
    """Every one is fetched; the content of each is its own path."""
    port = free_port()
    page = 1000

    def respond(request):
        url = urlsplit(request.path)
        if "/tree/" not in url.path:
            return None
        start = int(parse_qs(url.query).get("cursor", ["0"])[0])
        names = [f"d{i // 1000:03}/{i:06}.txt" for i in range(start, min(start + page, N_FILES))]
        entries = [{"type": "file", "oid": git_sha1(f"/acme/tiny/resolve/{hub.commit}/{n}".encode()), "path": n,
                    "size": len(f"/acme/tiny/resolve/{hub.commit}/{n}")} for n in names]
        link = {"Link": f'<https://127.0.0.1:{port}{url.path}?recursive=true&cursor={start + page}>; rel="next"'}
        return Answer(200, link if start + page < N_FILES else {}, json.dumps(entries).encode())

    with TinyHub() as hub, nginx(tmp_path, port, f"""keepalive_requests 100000;
            server {{ {secure(tls, port, more="ssl http2")} location / {{ proxy_pass {hub.url}; }}
                location /acme/tiny/resolve/ {{ return 200 $uri; }} }}"""):
        hub.respond = respond
        result = ok(peak_of([HF, "download", "-q", hub.repo],
                            clean_env(home, HF_ENDPOINT=f"https://127.0.0.1:{port}", SSL_CERT_FILE=tls[0]), timeout=1500))
    n = sum(path.is_file() for path in Path(result.line).rglob("*.txt"))
    print(f"{n} files in {result.micros / 1e6:.1f} s, peak {result.peak_kib} KiB")
    assert n == N_FILES
    assert result.peak_kib * 1024 < LIMIT


def test_32_connections(home, tmp_path, tls):
    """To four hosts, eight each, all at once: every connection is slowed down until all are there."""
    port, n = free_port(), 32
    log = tmp_path / "access.log"
    files = {f"{i:02}.bin": b"%02d" % i + bytes(8 << 20) for i in range(n)}
    (tmp_path / "files").mkdir()
    for body in files.values():
        (tmp_path / "files" / sha256(body)).write_bytes(body)
    where = {name: f"https://127.0.0.{2 + i % 4}:{port}/{sha256(files[name])}" for i, name in enumerate(files)}

    def respond(request):
        name = request.path.rpartition("/")[2]
        if request.origin != "hub" or name not in files:
            return None
        return Answer(302, {**hub.metadata(name), "Location": where[name]})

    listen = "".join(f"listen 127.0.0.{i}:{port} ssl;" for i in range(3, 6))
    with TinyHub(files, lfs=files) as hub, nginx(
            tmp_path, port, f"""log_format one "$connection $msec $request_time";
            server {{ {secure(tls, port, "127.0.0.2")} {listen} access_log {log} one; limit_rate 3m; root {tmp_path}/files; }}"""):
        hub.respond = respond
        result = ok(peak_of([BUILD / "tests" / "interop_calls", "snapshot", hub.repo, n],
                            clean_env(home, HF_ENDPOINT=hub.url, SSL_CERT_FILE=tls[0])))
    spans = []
    for line in log.read_text().splitlines():
        connection, end, took = line.split()
        spans.append((connection, float(end) - float(took), float(end)))
    most = max(len({c for c, first, last in spans if first <= at <= last}) for _, at, _ in spans)
    for name, body in files.items():
        assert Path(result.line, name).read_bytes() == body
    print(f"{most} connections at once, peak {result.peak_kib} KiB")
    assert most >= n
    assert result.peak_kib * 1024 < LIMIT
