# SPDX-License-Identifier: Apache-2.0
"""Real proxies and mirrors between hf and the Hub: tinyproxy (plain and CONNECT), microsocks, nginx.

Each leaves by 127.0.0.2, so the Hub sees of every request whether it came through it."""

import contextlib
import socket
import socketserver
import threading
import time
from pathlib import Path

import pytest
from daemons import free_port, nginx, program, running
from support import HF, SANITIZED, clean_env, files_below, ok, run
from tinyhub import TinyHub

DIRECT, THROUGH = "127.0.0.1", "127.0.0.2"
FILES = {"config.json": b"{}\n", "model.bin": b"weights" * 3000, "sub/a.txt": b"a\n"}
LFS = {"model.bin"}


@pytest.fixture
def http_proxy(tmp_path):
    def make(*lines):
        port = free_port()
        conf = tmp_path / f"tinyproxy-{port}.conf"
        conf.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", f"Bind {THROUGH}", "Timeout 60", "MaxClients 60",
                                   "LogLevel Critical", f'LogFile "{tmp_path}/tinyproxy.log"', *lines, ""]))
        return running([program("tinyproxy"), "-d", "-c", conf], port), f"127.0.0.1:{port}"

    return make


@pytest.fixture
def socks_proxy():
    port = free_port()
    with running([program("microsocks"), "-i", "127.0.0.1", "-p", str(port), "-b", THROUGH], port):
        yield f"127.0.0.1:{port}"


def download(hub, home, *args, url=None, **env):
    env = clean_env(home, HF_ENDPOINT=url or hub.url, **{"NO_PROXY": "", **env})
    return run([HF, "download", "-q", hub.repo, *args], {k: v for k, v in env.items() if v})


def check(hub, result, came=THROUGH):
    assert files_below(Path(ok(result).line)) == FILES
    assert {r.client for r in hub.seen} == {came}, [(r.client, r.path) for r in hub.seen]
    assert {r.origin for r in hub.seen} == {"hub", "storage"}


def check_refused(hub, home, result, says):
    assert result.code == 1 and result.out == "" and says in result.err.lower(), result.err
    assert hub.seen == []  # nothing went around it
    assert not list((home / "hf").rglob("*.json")) if (home / "hf").exists() else True


# ---- HTTP


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_http_proxy(home, http_proxy, variable):
    proxy, where = http_proxy()
    with TinyHub(FILES, lfs=LFS) as hub, proxy:
        check(hub, download(hub, home, **{variable: f"http://{where}"}))


def test_http_proxy_with_a_password(home, http_proxy):
    proxy, where = http_proxy("BasicAuth me secretword")
    with TinyHub(FILES, lfs=LFS) as hub, proxy:
        check_refused(hub, home, download(hub, home, http_proxy=f"http://{where}"), "407")
        # This proxy answers a wrong word with 401, as if it were the Hub.
        wrong = download(hub, home, http_proxy=f"http://me:wrongword@{where}")
        check_refused(hub, home, wrong, "error")
        assert "wrongword" not in wrong.err
        check(hub, download(hub, home, http_proxy=f"http://me:secretword@{where}"))
        assert not any("proxy-authorization" in r.headers for r in hub.seen)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_connect_proxy(home, http_proxy, tls, variable):
    proxy, where = http_proxy()
    ca, _, pair = tls
    with TinyHub(FILES, lfs=LFS, tls=pair, storage_tls=pair) as hub, proxy:
        check(hub, download(hub, home, SSL_CERT_FILE=ca, **{variable: f"http://{where}"}))


def test_connect_proxy_that_refuses(home, http_proxy, tls):
    proxy, where = http_proxy("ConnectPort 1")
    ca, _, pair = tls
    with TinyHub(FILES, lfs=LFS, tls=pair, storage_tls=pair) as hub, proxy:
        check_refused(hub, home, download(hub, home, SSL_CERT_FILE=ca, https_proxy=f"http://{where}"), "403")


class NarrowProxy:
    """Two tunnels at a time. Of one more, it refuses the tunnel, or closes it within the handshake of TLS. What comes
    through is slow until so many seconds have passed since then."""

    def __init__(self, cuts_handshakes, seconds):
        self.cuts_handshakes, self.seconds = cuts_handshakes, seconds
        self.lock = threading.Lock()
        self.n_tunnels = self.n_refused = 0
        self.fast_from = None
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    proxy.serve(self.request, self.rfile)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, request_queue_size = True, 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.where = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def serve(self, client, head):
        host, port = head.readline().split()[1].decode().split(":")
        while head.readline().strip():
            pass
        with self.lock:
            self.n_tunnels += 1
            refused = self.n_tunnels > 2
            if refused:
                self.n_refused += 1
                self.fast_from = self.fast_from or time.monotonic() + self.seconds
        try:
            if refused and not self.cuts_handshakes:
                client.sendall(b"HTTP/1.1 503 Too many tunnels\r\nContent-Length: 0\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            if refused:
                client.recv(100)
                return
            with socket.create_connection((host, int(port))) as server:
                threading.Thread(target=self.pump, args=(client, server, False), daemon=True).start()
                self.pump(server, client, True)
        finally:
            with self.lock:
                self.n_tunnels -= 1

    def pump(self, source, sink, slowly):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                if slowly and not (self.fast_from and time.monotonic() > self.fast_from):
                    time.sleep(len(data) / 1e6)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("cuts_handshakes, seconds", [(False, 1), (True, 28)], ids=["503", "handshake"])
def test_connect_proxy_with_few_tunnels(home, tls, cuts_handshakes, seconds):
    """The connections that came through bring the file; that there are no more is no failure. A handshake that is cut
    is tried again for some 25 seconds before it counts."""
    ca, _, pair = tls
    body = bytes(range(256)) * (48 << 12)
    with TinyHub({"model.bin": body}, lfs=LFS, tls=pair, storage_tls=pair) as hub, \
            NarrowProxy(cuts_handshakes, seconds) as proxy:
        result = download(hub, home, "model.bin", SSL_CERT_FILE=ca, https_proxy=f"http://{proxy.where}")
        assert Path(ok(result).line).read_bytes() == body
        assert proxy.n_refused > 0


@pytest.mark.parametrize("kind", ["http://", "socks5://", "socks5h://"])
def test_proxy_that_is_not_there(home, kind):
    with TinyHub(FILES, lfs=LFS) as hub:
        check_refused(hub, home, download(hub, home, http_proxy=f"{kind}127.0.0.1:{free_port()}"), "proxy")


# ---- SOCKS


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("kind", ["socks5", "socks5h"])
def test_socks_proxy(home, socks_proxy, tls, kind, secure):
    ca, _, pair = tls
    pair = pair if secure else None
    with TinyHub(FILES, lfs=LFS, tls=pair, storage_tls=pair) as hub:
        check(hub, download(hub, home, SSL_CERT_FILE=ca, ALL_PROXY=f"{kind}://{socks_proxy}"))


# ---- NO_PROXY


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("hosts", ["127.0.0.1", "example.org, 127.0.0.1", "127.0.0.0/8", "*"])
def test_no_proxy(home, http_proxy, variable, hosts):
    """The hosts it names are asked directly, the others are not."""
    proxy, where = http_proxy()
    with TinyHub(FILES, lfs=LFS, storage_host="127.0.0.3") as hub, proxy:
        result = download(hub, home, http_proxy=f"http://{where}", **{variable: hosts})
        assert files_below(Path(ok(result).line)) == FILES
        hub_from = {r.client for r in hub.seen if r.origin == "hub"}
        storage_from = {r.client for r in hub.seen if r.origin == "storage"}
        assert THROUGH not in hub_from
        assert (THROUGH in storage_from) == (hosts in ("127.0.0.1", "example.org, 127.0.0.1"))


# ---- a private CA


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"])
def test_private_ca(home, tls, variable):
    ca, folder, pair = tls
    with TinyHub(FILES, lfs=LFS, tls=pair, storage_tls=pair) as hub:
        check(hub, download(hub, home, **{variable: folder if variable == "SSL_CERT_DIR" else ca}), came=DIRECT)


@pytest.mark.parametrize("place", ["hub", "storage"])
def test_unknown_ca_is_refused(home, tls, place):
    """Also when only the storage is not to be trusted: then not a byte of it has a name."""
    _, _, pair = tls
    with TinyHub(FILES, lfs=LFS, **{"tls" if place == "hub" else "storage_tls": pair}) as hub:
        result = download(hub, home, "model.bin")
        assert result.code == 1 and result.out == "" and "certificate" in result.err, result.err
        assert hub.bodies() == []
        blobs = list((home / "hf").rglob("blobs/*"))
        assert [b for b in blobs if "hfpart" not in b.name] == []


# ---- nginx: a mirror, and HTTP/2


def test_mirror_that_rewrites(home, tmp_path):
    """HF_ENDPOINT is a path of nginx, which sends the storage's addresses through itself too."""
    port = free_port()
    with TinyHub(FILES, lfs=LFS) as hub, nginx(tmp_path, port, f"""
        server {{ listen 127.0.0.1:{port}; proxy_bind {THROUGH};
            location /hub/ {{ proxy_pass {hub.url}/; proxy_redirect {hub.storage_url}/ /storage/; }}
            location /storage/ {{ proxy_pass {hub.storage_url}/; }} }}"""):
        check(hub, download(hub, home, url=f"http://127.0.0.1:{port}/hub"))
        hub.seen.clear()
        check(hub, download(hub, home, "--force-download", url=f"http://127.0.0.1:{port}/hub/"))


def test_http2_goaway(home, tmp_path, tls):
    """A server that ends a connection of HTTP/2 after every seven requests: all files come, each once."""
    ca, _, (cert, key) = tls
    port = free_port()
    files = {f"d/{i:03}.txt": b"%d\n" % i for i in range(100)}
    log = tmp_path / "access.log"
    with TinyHub(files) as hub, nginx(tmp_path, port, f"""
        log_format one "$server_protocol $connection $status $request_uri";
        server {{ listen 127.0.0.1:{port} ssl http2; access_log {log} one; ssl_certificate {cert}; ssl_certificate_key {key};
            keepalive_requests 7; location / {{ proxy_pass {hub.url}; proxy_bind {THROUGH}; }} }}"""):
        result = download(hub, home, url=f"https://127.0.0.1:{port}", SSL_CERT_FILE=ca)
        assert files_below(Path(ok(result).line)) == files
        assert sorted(hub.bodies()) == sorted(f"/{hub.repo}/resolve/{hub.commit}/{name}" for name in files)
    lines = [line.split() for line in log.read_text().splitlines()]
    assert {line[0] for line in lines} == {"HTTP/2.0"}
    assert len({line[1] for line in lines}) >= 100 // 7


def requests_at_once(hub, home, url, ca, trip_s, least):
    """Downloads from a server that answers for no file before at least so many were asked for, and a while has passed;
    how many they were then."""
    came = threading.Semaphore(0)
    go_on = threading.Event()
    count = 0

    def respond(request):
        time.sleep(trip_s)
        if "/resolve/" in request.path:
            came.release()
            go_on.wait(timeout=60)

    def watch():
        nonlocal count
        while came.acquire(timeout=60 if count < least else 0.5):
            count += 1
        go_on.set()

    hub.respond = respond
    watcher = threading.Thread(target=watch)
    watcher.start()
    result = download(hub, home, "--force-download", url=url, SSL_CERT_FILE=ca)
    watcher.join()
    assert files_below(Path(ok(result).line)) == hub.files
    return count


@pytest.mark.parametrize("trip_s, at_once", [(0, 8), (0.05, 16)], ids=["near", "far"])
def test_http2_requests_at_once(home, tmp_path, tls, trip_s, at_once):
    """So many requests share a connection, and not one more. A host far away gets as many as there may be connections;
    on a busy machine a near one seems far at times, so that it may be asked again, and always to a sanitizer."""
    ca, _, (cert, key) = tls
    port = free_port()
    log = tmp_path / "access.log"
    with TinyHub({f"{i:02}.txt": b"%d\n" % i for i in range(20)}) as hub, nginx(tmp_path, port, f"""
        log_format one "$server_protocol $connection $request_uri";
        server {{ listen 127.0.0.1:{port} ssl http2; access_log {log} one; ssl_certificate {cert}; ssl_certificate_key {key};
            location / {{ proxy_pass {hub.url}; }} }}"""):
        seen = []
        while not seen or seen[-1] == 16 and at_once == 8 and len(seen) < 20:
            seen.append(requests_at_once(hub, home, f"https://127.0.0.1:{port}", ca, trip_s, at_once))
    assert seen[-1] == at_once or SANITIZED and seen[-1] == 16
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len({line[1] for line in lines}) == len(seen) and {line[0] for line in lines} == {"HTTP/2.0"}
    # none had to be asked for again
    assert sum("/resolve/" in line[2] for line in lines) == len(hub.files) * len(seen)
