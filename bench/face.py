#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a Hub-shaped face on nginx, so that a measurement measures the client and not the server.

    face.py ROOT WORK [--lfs BYTES] [--tls] [--address IP]

Serves ROOT as the model repo bench/repo at one commit. Files of at least --lfs bytes are redirected
to a second port. Writes WORK/nginx.conf and starts nginx in the foreground; prints the endpoint
and the second origin first. WORK/access.log has a line per request. With --tls (and HTTP/2 for who
asks for it) WORK/ca.pem is what clients must trust. Ends with nginx.
"""
import argparse
import hashlib
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def free_ports(address):
    """Two, held at once, so that they differ."""
    with socket.socket() as one, socket.socket() as other:
        one.bind((address, 0))
        other.bind((address, 0))
        return one.getsockname()[1], other.getsockname()[1]


def entries(root, lfs):
    out = []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        size = path.stat().st_size
        git, sha256 = hashlib.sha1(b"blob %d\0" % size), hashlib.sha256()
        with open(path, "rb") as f:
            while block := f.read(1 << 20):
                git.update(block)
                if size >= lfs:
                    sha256.update(block)
        entry = {"type": "file", "oid": git.hexdigest(), "size": size, "path": path.relative_to(root).as_posix()}
        if size >= lfs:
            entry["lfs"] = {"oid": sha256.hexdigest(), "size": size, "pointerSize": 130}
        out.append(entry)
    return out


def certificate(work, address):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=bench", "-addext", f"subjectAltName=IP:{address}",
                    "-keyout", str(work / "key.pem"), "-out", str(work / "ca.pem")],
                   check=True, stderr=subprocess.DEVNULL)


def answer_paths(listing):
    """A server for paths-info, which the JavaScript client asks about every file. Returns its port."""
    by_path = {e["path"]: e | {"lastCommit": {"id": COMMIT, "title": "", "date": "2024-01-01T00:00:00.000Z"}}
               for e in listing}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Type"].startswith("application/json"):
                paths = json.loads(body)["paths"]
            else:
                paths = urllib.parse.parse_qs(body.decode())["paths"]
            out = json.dumps([by_path[p] for p in paths if p in by_path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def config(root, work, listing, address, tls, ports, paths_port):
    """nginx.conf: one server is the Hub, the other the storage."""
    api = work / "api"
    api.mkdir(parents=True, exist_ok=True)
    (api / "revision").write_text(json.dumps({"id": "bench/repo", "sha": COMMIT, "siblings": []}))
    (api / "tree").write_text(json.dumps(listing))
    uris = [(f"/bench/repo/resolve/{revision}/{e['path']}", e) for e in listing for revision in ("main", COMMIT)]
    etags = "\n".join(f"""\"{uri}\" '"{e["oid"]}"';""" for uri, e in uris if "lfs" not in e)
    scheme = "https" if tls else "http"
    moved = "\n".join(f"""location = "{uri}" {{ add_header X-Repo-Commit {COMMIT};
        add_header X-Linked-Etag '"{e["lfs"]["oid"]}"'; add_header X-Linked-Size {e["size"]};
        return 302 {scheme}://{address}:{ports[1]}/{urllib.parse.quote(e["path"])}; }}"""
                      for uri, e in uris if "lfs" in e)
    listen = [f"listen {address}:{port} backlog=1024{' ssl http2' if tls else ''};" for port in ports]
    return f"""daemon off; master_process off; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format line '$server_port $request $status $body_bytes_sent'; access_log {work}/access.log line;
    sendfile on; tcp_nopush on; keepalive_requests 100000; default_type application/octet-stream;
    client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
    uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
    {f"ssl_certificate {work}/ca.pem; ssl_certificate_key {work}/key.pem;" if tls else ""}
    map_hash_bucket_size 256; map_hash_max_size 16384;
    map $request_uri $oid {{ default ""; {etags} }}
    server {{ {listen[0]}
        location = /api/models/bench/repo/revision/main {{ default_type application/json; alias {api}/revision; }}
        location = /api/models/bench/repo/tree/{COMMIT} {{ default_type application/json; alias {api}/tree; }}
        location /api/models/bench/repo/paths-info/ {{ proxy_pass http://127.0.0.1:{paths_port}; }}
        {moved}
        location /bench/repo/resolve/ {{
            etag off; add_header ETag $oid; add_header X-Repo-Commit {COMMIT};
            rewrite ^/bench/repo/resolve/[^/]+/(.*)$ /$1 break; root {root}; }}
    }}
    server {{ {listen[1]} root {root}; }}
}}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--lfs", type=int, default=10 << 20)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--address", default="127.0.0.1")
    args = parser.parse_args()
    root, work = args.root.resolve(), args.work.resolve()
    ports = free_ports(args.address)
    listing = entries(root, args.lfs)
    work.mkdir(parents=True, exist_ok=True)
    if args.tls:
        certificate(work, args.address)
    conf = work / "nginx.conf"
    conf.write_text(config(root, work, listing, args.address, args.tls, ports, answer_paths(listing)))
    nginx = subprocess.Popen(["nginx", "-p", str(work), "-c", str(conf)])
    signal.signal(signal.SIGTERM, lambda *_: nginx.terminate())
    print(*[f"{'https' if args.tls else 'http'}://{args.address}:{port}" for port in ports], flush=True)
    try:
        sys.exit(nginx.wait())
    finally:
        nginx.kill()


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    main()
