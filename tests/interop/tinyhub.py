# SPDX-License-Identifier: Apache-2.0
"""A Hub of a few files that says whatever it is told to: for what a decent server never does.

hf-serve is strict and cannot be made to list `../x` or to send an etag with a slash. This one holds
its files in memory, records every request with its headers, and lets a test answer any request
itself. It has a second origin, where it sends clients for the files named in `lfs`.
"""

import functools
import hashlib
import http.server
import json
import ssl
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"


def git_sha1(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def sha256(body) -> str:
    if isinstance(body, Zeros):
        return _zeros_sha256(body.n)
    return hashlib.sha256(body).hexdigest()


@functools.lru_cache
def _zeros_sha256(n) -> str:
    hashing = hashlib.sha256()
    for piece in Zeros(n).pieces():
        hashing.update(piece)
    return hashing.hexdigest()


class Zeros:
    """A body of many zero bytes that takes no memory."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, part):
        return Zeros(len(range(*part.indices(self.n))))

    def pieces(self):
        block = bytes(1 << 20)
        for at in range(0, self.n, len(block)):
            yield block[:min(len(block), self.n - at)]


@dataclass
class Request:
    """One request as it arrived."""

    origin: str  # "hub" or "storage"
    method: str
    path: str  # as sent, query included
    headers: dict[str, str]  # names in lower case
    status: int = 0  # of the answer, once there is one
    client: str = ""  # address it came from


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None  # announced; None: that of the body


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128 # of more, the kernel lets the rest try again a second later
    daemon_threads = True
    hub: "TinyHub"
    origin: str

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is not news


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args):
        pass

    def _serve(self):
        hub = self.server.hub
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(self.server.origin, self.command, self.path, headers,
                          client=self.client_address[0])
        with hub.lock:
            hub.seen.append(request)
        answer = hub.respond(request) if hub.respond else None
        if answer is None:
            answer = hub.storage_answer(request) if request.origin == "storage" else hub.answer(request)
        request.status = answer.status
        # Written by hand: a hostile server's header values are not checked by anybody.
        lines = [f"HTTP/1.1 {answer.status} X"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines.append(f"Content-Length: {len(answer.body) if answer.length is None else answer.length}")
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))
        if self.command != "HEAD":
            for piece in answer.body.pieces() if isinstance(answer.body, Zeros) else [answer.body]:
                self.wfile.write(piece)
        if answer.length is not None:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = _serve


class TinyHub:
    """Start it with `with`; `url` is its address and `storage_url` that of its second origin."""

    def __init__(self, files=None, *, repo="acme/tiny", lfs=(), tls=None, storage_tls=None,
                 storage_host="127.0.0.1"):
        self.files: dict[str, bytes] = dict(files or {})
        self.repo = repo
        self.lfs = set(lfs)
        self.commit = COMMIT
        self.listing: list[dict] | None = None  # instead of the true one
        self.respond = None  # Request -> Answer, or None for the usual one
        self.seen: list[Request] = []
        self.lock = threading.Lock()
        self._servers = [self._listen("hub", tls, "127.0.0.1"), self._listen("storage", storage_tls, storage_host)]
        self.url, self.storage_url = (server.url for server in self._servers)

    def _listen(self, origin, tls, host):
        server = _Server((host, 0), _Handler)
        server.hub = self
        server.origin = origin
        server.url = f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        return server

    def __enter__(self):
        self._threads = [threading.Thread(target=s.serve_forever, args=(0.05,)) for s in self._servers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def bodies(self):
        """Paths of the files whose content was sent."""
        with self.lock:
            return [r.path for r in self.seen
                    if r.method == "GET" and r.status in (200, 206) and "/api/" not in r.path]

    def entry(self, path):
        """A file as the tree lists it."""
        body = self.files[path]
        entry = {"type": "file", "oid": sha256(body)[:40] if isinstance(body, Zeros) else git_sha1(body), "size": len(body), "path": path}
        if path in self.lfs:
            entry["lfs"] = {"oid": sha256(body), "size": len(body), "pointerSize": 130}
        return entry

    def metadata(self, path):
        """The headers that tell a client what the file is."""
        body = self.files[path]
        if path in self.lfs:
            return {
                "X-Repo-Commit": self.commit,
                "X-Linked-Etag": f'"{sha256(body)}"',
                "X-Linked-Size": str(len(body)),
            }
        return {"X-Repo-Commit": self.commit, "ETag": f'"{git_sha1(body)}"'}

    def error(self, status, code, message, **headers):
        return Answer(
            status,
            {"X-Error-Code": code, "X-Error-Message": message, "Content-Type": "application/json", **headers},
            json.dumps({"error": message}).encode(),
        )

    def answer(self, request):
        url = urlsplit(request.path)
        api = f"/api/models/{self.repo}"
        content = f"/{self.repo}/resolve/"
        if url.path == api or url.path.startswith(api + "/revision/"):
            info = {"id": self.repo, "sha": self.commit, "private": False, "gated": False, "disabled": False,
                    "tags": [], "downloads": 0, "likes": 0,
                    "siblings": [{"rfilename": path} for path in self.files]}
            return Answer(200, {"Content-Type": "application/json"}, json.dumps(info).encode())
        if url.path.startswith(api + "/tree/"):
            assert parse_qs(url.query).get("recursive") in (["true"], ["True"], ["1"]), request.path
            listing = self.listing if self.listing is not None else [self.entry(p) for p in self.files]
            return Answer(200, {"Content-Type": "application/json"}, json.dumps(listing).encode())
        if url.path.startswith(content):
            path = unquote(url.path[len(content):].partition("/")[2])
            if path not in self.files:
                return self.error(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": self.commit})
            if path in self.lfs:
                where = f"{self.storage_url}/{sha256(self.files[path])}?signature=ok"
                return Answer(302, {**self.metadata(path), "Location": where}, b"Found")
            return self.ranged(request, self.files[path], self.metadata(path))
        return self.error(404, "RepoNotFound", "Repository not found")

    def storage_answer(self, request):
        if "authorization" in request.headers:
            return Answer(400, {}, b"only one authentication method is allowed")
        name = urlsplit(request.path).path.lstrip("/")
        for body in self.files.values():
            if sha256(body) == name:
                return self.ranged(request, body, {"ETag": f'"{name}"'})
        return Answer(404)

    @staticmethod
    def ranged(request, body, headers):
        headers = {**headers, "Accept-Ranges": "bytes"}
        wanted = request.headers.get("range", "")
        if wanted.startswith("bytes=") and body:
            first, _, last = wanted[6:].partition("-")
            first, last = int(first), min(int(last) if last else len(body) - 1, len(body) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            return Answer(206, headers, body[first:last + 1])
        return Answer(200, headers, body)
