#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a Hub-shaped face on nginx, so that a measurement measures the client and not the server.

    face.py ROOT WORK [--lfs BYTES]

Serves ROOT as the model repo bench/repo at one commit. Files of at least --lfs bytes are redirected
to a second port. Writes WORK/nginx.conf and starts nginx in the foreground; prints the endpoint
first. Ends with it.
"""
import argparse
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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


def resolve(entry, storage):
    name = urllib.parse.quote(entry["path"])
    for revision in ("main", COMMIT):
        yield f"""location = "/bench/repo/resolve/{revision}/{entry['path']}" {{
            add_header X-Repo-Commit {COMMIT}; add_header X-Linked-Etag '"{entry['lfs']['oid']}"';
            add_header X-Linked-Size {entry['size']}; return 302 http://127.0.0.1:{storage}/{name}; }}"""


def config(root, work, listing, port, storage):
    pages = work / "api"
    pages.mkdir(parents=True, exist_ok=True)
    (pages / "revision").write_text(json.dumps({"id": "bench/repo", "sha": COMMIT, "siblings": []}))
    (pages / "tree").write_text(json.dumps(listing))
    big = "\n".join(line for e in listing if "lfs" in e for line in resolve(e, storage))
    return f"""daemon off; master_process off; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; default_type application/octet-stream;
    client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
    uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
    server {{ listen 127.0.0.1:{port} backlog=1024;
        location = /api/models/bench/repo/revision/main {{ default_type application/json; alias {pages}/revision; }}
        location = /api/models/bench/repo/tree/{COMMIT} {{ default_type application/json; alias {pages}/tree; }}
        {big}
        location /bench/repo/resolve/main/ {{ add_header X-Repo-Commit {COMMIT}; alias {root}/; }}
        location /bench/repo/resolve/{COMMIT}/ {{ add_header X-Repo-Commit {COMMIT}; alias {root}/; }}
    }}
    server {{ listen 127.0.0.1:{storage} backlog=1024; root {root}; }}
}}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--lfs", type=int, default=10 << 20)
    args = parser.parse_args()
    root, work = args.root.resolve(), args.work.resolve()
    port, storage = free_port(), free_port()
    listing = entries(root, args.lfs)
    work.mkdir(parents=True, exist_ok=True)
    conf = work / "nginx.conf"
    conf.write_text(config(root, work, listing, port, storage))
    nginx = subprocess.Popen(["nginx", "-p", str(work), "-c", str(conf)])
    signal.signal(signal.SIGTERM, lambda *_: nginx.terminate())
    print(f"http://127.0.0.1:{port}", flush=True)
    try:
        sys.exit(nginx.wait())
    finally:
        nginx.kill()


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    main()
