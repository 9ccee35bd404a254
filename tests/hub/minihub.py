#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Hub of one folder, for tests that need a server which misbehaves on cue.

    minihub.py ROOT [--lfs BYTES] [--log FILE] [--faults FILE] [--rate BYTES_PER_S] [--count FILE]
        [--digests]

Serves ROOT as the model repo test/repo at one commit: revision, tree (paged), resolve. Files of at
least --lfs bytes are redirected to a second port, which refuses an Authorization header. Prints
"ENDPOINT http://127.0.0.1:PORT" when it listens. The log has one JSON object per answer, with the
bytes of body that were really handed to the socket; the eight bytes of --count hold their sum, also
when the server is killed.

A fault is {"path": regex, "method": "GET", "skip": n, "times": n, "do": {...}} where do is one of
cut: bytes, flip: offset, stall: bytes, drip: bytes, status: n (with headers), drop: true,
no_range: true, no_length: true, lie: true (of a digest), hang: seconds, length: n, content_range: text, etag: text, commit: text,
reset: bytes (a RST, not an end), flip_any: true (one byte, somewhere), more_headers: {...},
slow_head: seconds (before each byte of a head that does not end), head_bomb: bytes, step: bytes (sent at a time),
retire: n (once, when so many bodies of the storage are on their way: all of them break, and their addresses have expired).
The times of a flip count bytes that were flipped, for a request may end before it comes to its byte.
With "each": true a rule's times counts for every path by itself. The file is read again whenever it changes.
"""
import argparse
import base64
import contextlib
import hashlib
import http.server
import json
import mmap
import os
import random
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Repo:
    def __init__(self, root, lfs):
        self.files = {}
        for folder, _, names in os.walk(root):
            for name in names:
                full = os.path.join(folder, name)
                path = os.path.relpath(full, root)
                size = os.path.getsize(full)
                sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
                with open(full, "rb") as f:
                    while block := f.read(1 << 20):
                        sha256.update(block)
                        git.update(block)
                is_lfs = size >= lfs
                self.files[path] = {"full": full, "size": size, "lfs": is_lfs, "oid": git.hexdigest(),
                                    "etag": sha256.hexdigest() if is_lfs else git.hexdigest()}
        self.by_etag = {f["etag"]: f for f in self.files.values()}

    def entries(self):
        out = []
        for path, f in sorted(self.files.items()):
            e = {"type": "file", "oid": f["oid"], "size": f["size"], "path": path}
            if f["lfs"]:
                e["lfs"] = {"oid": f["etag"], "size": f["size"], "pointerSize": 130}
            out.append(e)
        return out


class Faults:
    def __init__(self, path):
        self.path, self.stamp, self.rules, self.lock = path, None, [], threading.Lock()

    def match(self, method, path):
        if not self.path:
            return {}
        with self.lock:
            try:
                stamp = os.stat(self.path).st_mtime_ns
            except OSError:
                return {}
            if stamp != self.stamp:
                self.stamp = stamp
                with open(self.path) as f:
                    self.rules = json.load(f)
            for rule in self.rules:
                if rule.get("method", "GET") != method or not re.search(rule["path"], path):
                    continue
                if rule.get("skip", 0) > 0:
                    rule["skip"] -= 1
                    continue
                if "flip" in rule["do"]:
                    if rule["do"].setdefault("flips", rule.get("times", 1)) > 0:
                        return rule["do"]
                    continue
                seen = rule.setdefault("seen", {})
                key = path if rule.get("each") else ""
                if seen.get(key, 0) >= rule.get("times", 1):
                    continue
                seen[key] = seen.get(key, 0) + 1
                return rule["do"]
        return {}

    def take_flip(self, fault):
        with self.lock:
            fault["flips"] -= 1
            return fault["flips"] >= 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass

    def note(self, status, sent):
        hub = self.server.hub
        if not hub.log:
            return
        line = json.dumps({"t": time.time(), "storage": self.server.is_storage, "method": self.command,
                           "path": self.path, "range": self.headers.get("Range"), "status": status,
                           "sent": sent, "port": self.client_address[1], "wants_digest": "Want-Content-Digest" in self.headers,
                           "auth": "Authorization" in self.headers})
        with hub.lock:
            hub.log.write(line + "\n")
            hub.log.flush()

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(n.lower() == "content-length" for n, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.note(status, len(body) if self.command != "HEAD" else 0)

    def do_HEAD(self):
        self.go()

    def do_GET(self):
        self.go()

    def go(self):
        hub = self.server.hub
        if self.path == "/-/settled":
            return self.settled()
        with hub.lock:
            hub.busy += 1
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with hub.lock:
                hub.busy -= 1

    def settled(self):
        """Answers when what was asked before has its line in the log, but waits for no answer that stalls."""
        end = time.monotonic() + 1
        while self.server.hub.busy and time.monotonic() < end:
            time.sleep(0.01)
        self.send_response(204)
        self.end_headers()

    def route(self):
        hub, repo = self.server.hub, self.server.hub.repo
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        self.fault = hub.faults.match(self.command, path)
        time.sleep(self.fault.get("hang", 0))
        if self.fault.get("drop"):
            self.request.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return self.note(0, 0)
        if "slow_head" in self.fault or "head_bomb" in self.fault:
            return self.endless_head()
        if "status" in self.fault:
            return self.answer(self.fault["status"], list(self.fault.get("headers", {}).items()), b"fault\n")
        if self.server.is_storage:
            return self.storage(repo, path, urllib.parse.parse_qs(url.query))
        if path == "/api/models/test/repo/revision/main" or path == "/api/models/test/repo":
            body = json.dumps({"id": "test/repo", "sha": COMMIT, "siblings": []}).encode()
            return self.answer(200, [("Content-Type", "application/json")], body)
        if path == f"/api/models/test/repo/tree/{COMMIT}":
            return self.tree(repo, urllib.parse.parse_qs(url.query))
        found = re.fullmatch(r"/test/repo/resolve/([^/]+)/(.+)", path)
        if found and found[1] in ("main", COMMIT) and found[2] in repo.files:
            return self.resolve(repo.files[found[2]])
        self.answer(404, [("X-Error-Code", "EntryNotFound" if found else "RepoNotFound"),
                          ("X-Repo-Commit", COMMIT)], b"not found\n")

    def endless_head(self):
        self.close_connection = True
        self.note(0, 0)
        self.request.sendall(b"HTTP/1.1 200 OK\r\n")
        if "head_bomb" in self.fault:
            for _ in range(self.fault["head_bomb"] // 1000):
                self.request.sendall(b"X-Bomb: " + b"b" * 990 + b"\r\n")
        for _ in range(10000 if "slow_head" in self.fault else 0):
            self.request.sendall(b"X")
            time.sleep(self.fault["slow_head"])

    def tree(self, repo, query):
        start, page = int(query.get("cursor", ["0"])[0]), 1000
        entries = repo.entries()
        headers = [("Content-Type", "application/json")]
        if start + page < len(entries):
            headers.append(("Link", f'<{self.server.hub.endpoint}{urllib.parse.urlsplit(self.path).path}'
                                    f'?recursive=true&cursor={start + page}>; rel="next"'))
        self.answer(200, headers, json.dumps(entries[start:start + page]).encode())

    def resolve(self, f):
        etag = self.fault.get("etag", f["etag"])
        headers = [("X-Repo-Commit", self.fault.get("commit", COMMIT)), ("Accept-Ranges", "bytes")]
        if f["lfs"]:
            until = int(time.time() + self.server.hub.expires)
            headers += [("X-Linked-Etag", f'"{etag}"'), ("X-Linked-Size", str(f["size"])),
                        ("Location", f"{self.server.hub.storage}/blob/{f['etag']}?until={until}&era={self.server.hub.era}")]
            return self.answer(302, headers)
        self.send_file(f, headers + [("ETag", f'"{etag}"')])

    def storage(self, repo, path, query):
        if "Authorization" in self.headers:
            return self.answer(400, (), b"only one auth mechanism allowed\n")
        self.era = int(query.get("era", ["0"])[0])
        if float(query.get("until", ["0"])[0]) < time.time() or self.era < self.server.hub.era:
            return self.answer(403, (), b"<Error>expired</Error>\n")
        f = repo.by_etag.get(path.rsplit("/", 1)[-1])
        if not f:
            return self.answer(404)
        self.send_file(f, [("ETag", f'"s3-{f["oid"]}"'), ("Accept-Ranges", "bytes")])

    def send_file(self, f, headers):
        first, last, status = 0, f["size"] - 1, 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and not self.fault.get("no_range"):
            first = int(asked[1])
            last = min(int(asked[2]), last) if asked[2] else last
            if first > last:
                return self.answer(416, [("Content-Range", f"bytes */{f['size']}")])
            status = 206
            headers = headers + [("Content-Range", self.fault.get("content_range", f"bytes {first}-{last}/{f['size']}"))]
        headers = headers + list(self.fault.get("more_headers", {}).items())
        length = self.fault.get("length", last - first + 1)
        if "sha-256" in self.headers.get("Want-Content-Digest", "") and self.server.hub.digests:
            with open(f["full"], "rb") as file:
                file.seek(first)
                digest = hashlib.sha256(file.read(last - first + 1)).digest()
            if self.fault.get("lie"):
                digest = bytes(32)
            headers = headers + [("Content-Digest", f"sha-256=:{base64.b64encode(digest).decode()}:")]
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.fault.get("no_length"):
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()
        sent = 0
        try:
            if self.command == "GET":
                with open(f["full"], "rb") as file, self.server.hub.on_its_way(self.fault.get("retire")):
                    for block in self.blocks(file, first, last + 1):
                        sent += block
        finally:
            self.note(status, sent)

    def blocks(self, file, at, end):
        """Sends [at, end), yields the size of each piece sent."""
        sock, fault, rate = self.request, self.fault, self.server.hub.rate
        begin, step = at, fault.get("step", (256 << 10) if rate else (4 << 20))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, "step" in fault)
        cut = begin + fault["cut"] if "cut" in fault else None
        cut = begin + fault["reset"] if "reset" in fault else cut
        flip = random.randrange(begin, end) if fault.get("flip_any") and end > begin else fault.get("flip")
        hold = begin + fault["stall"] if "stall" in fault else None
        drip = begin + fault["drip"] if "drip" in fault else None
        while at < end:
            n = min(step, end - at)
            if cut is not None and at + n > cut:
                n = cut - at
            if hold is not None and at + n > hold:
                n = hold - at
            if drip is not None and at + n > drip:
                n = max(1, drip - at)
            if n <= 0 and "reset" in fault:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                raise ConnectionResetError
            if n <= 0 and cut is not None:
                sock.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if n <= 0:
                time.sleep(fault.get("seconds", 600))
                hold = None
                continue
            if flip is not None and at <= flip < at + n and (
                    "flip_any" in fault or self.server.hub.faults.take_flip(fault)):
                file.seek(at)
                data = bytearray(file.read(n))
                data[flip - at] ^= 1
                sock.sendall(data)
            else:
                done = 0
                while done < n:
                    done += os.sendfile(sock.fileno(), file.fileno(), at + done, n - done)
            at += n
            self.server.hub.count_bytes(n)
            yield n
            if self.server.is_storage and self.era < self.server.hub.era:
                sock.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if rate:
                time.sleep(n / rate)
            if drip is not None and at >= drip:
                time.sleep(1)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, hub, is_storage, port):
        self.hub, self.is_storage = hub, is_storage
        super().__init__(("127.0.0.1", port), Handler)


class Hub:
    def __init__(self, args):
        self.repo = Repo(args.root, args.lfs)
        self.faults = Faults(args.faults)
        # A sanitizer makes the command slower than this Hub; what the kernel then holds for it is lost with a
        # connection, and the bounds on bytes sent twice are about the command's own share.
        self.rate = args.rate / (1 if os.environ.get("HFHUB_SANITIZE", "none") == "none" else 4)
        self.expires, self.digests = args.expires, args.digests
        self.log = open(args.log, "a") if args.log else None
        self.lock = threading.Lock()
        self.busy = 0
        self.era = self.n_bodies = 0
        self.counter = None
        if args.count:
            with open(args.count, "r+b") as f:
                self.counter = mmap.mmap(f.fileno(), 8)
        self.servers = [Server(self, False, args.port), Server(self, True, args.port + 1 if args.port else 0)]
        self.endpoint, self.storage = (f"http://127.0.0.1:{s.server_address[1]}" for s in self.servers)

    @contextlib.contextmanager
    def on_its_way(self, retire):
        with self.lock:
            self.n_bodies += 1
            if retire and self.era == 0 and self.n_bodies >= retire:
                self.era = 1
        try:
            yield
        finally:
            with self.lock:
                self.n_bodies -= 1

    def count_bytes(self, n):
        if self.counter:
            with self.lock:
                struct.pack_into("Q", self.counter, 0, struct.unpack_from("Q", self.counter)[0] + n)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--lfs", type=int, default=1 << 20)
    parser.add_argument("--log")
    parser.add_argument("--faults")
    parser.add_argument("--count")
    parser.add_argument("--rate", type=float, default=0, help="bytes per second of one connection")
    parser.add_argument("--digests", action="store_true", help="tell the digest of a range when asked for it")
    parser.add_argument("--port", type=int, default=0, help="of the Hub; the storage takes the next")
    parser.add_argument("--expires", type=float, default=3600, help="seconds a storage URL is good for")
    hub = Hub(parser.parse_args())
    print("ENDPOINT", hub.endpoint, flush=True)
    threading.Thread(target=hub.servers[1].serve_forever, daemon=True).start()
    hub.servers[0].serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
