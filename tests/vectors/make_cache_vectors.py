#!/usr/bin/env python3
"""Writes python_cache.inc and python_local.inc: every directory, file and link that the official package makes when it
downloads a small repo from a server in this process, into its cache and into a local directory. Needs huggingface_hub;
run it by hand when a new release of it is to be followed:  python3 tests/vectors/make_cache_vectors.py
"""
import hashlib
import http.server
import json
import os
import re
import tempfile
import threading
from urllib.parse import unquote, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
A = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
B = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
REVISIONS = {"main": A, "v1.0": A, "refs/pr/1": B, A: A, B: B}
WEIGHTS = b"weights " * 40
COMMON = {
    "README.md": b"# tiny\n",
    "data/train/part-0.txt": b"zero\n",
    "empty.txt": b"",
    "sp ace #%+\u00e9\U0001f600.txt": b"odd name\n",
    "model.safetensors": WEIGHTS,
}
FILES = {A: {**COMMON, "config.json": b"{}\n"}, B: {**COMMON, "config.json": b'{"b": 1}\n'}}
LFS = {"model.safetensors"}
XET = {"model.safetensors": hashlib.sha256(b"xet").hexdigest()}


def git_sha1(body):
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def etag(name, body):
    return hashlib.sha256(body).hexdigest() if name in LFS else git_sha1(body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if m := re.fullmatch(r"/api/models/tiny/model/revision/(.+)", path):
            commit = REVISIONS[m[1]]
            body = {"id": "tiny/model", "sha": commit, "siblings": [{"rfilename": f} for f in FILES[commit]]}
            return self.answer(200, json.dumps(body).encode(), Content_Type="application/json")
        if m := re.fullmatch(r"/api/models/tiny/model/tree/([0-9a-f]{40})", path):
            rows = []
            for name, body in FILES[m[1]].items():
                row = {"type": "file", "path": name, "size": len(body), "oid": git_sha1(body)}
                if name in LFS:
                    row["lfs"] = {"oid": etag(name, body), "size": len(body), "pointerSize": 128}
                    row["oid"] = git_sha1(b"pointer of " + name.encode())
                if name in XET and self.server.xet:
                    row["xetHash"] = XET[name]
                rows.append(row)
            return self.answer(200, json.dumps(rows).encode(), Content_Type="application/json")
        m = re.fullmatch(r"/tiny/model/resolve/(refs/pr/1|[^/]+)/(.+)", path)
        commit = REVISIONS[m[1]]
        if m[2] not in FILES[commit]:
            return self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        body = FILES[commit][m[2]]
        return self.answer(200, body, ETag='"%s"' % etag(m[2], body), X_Repo_Commit=commit)

    do_HEAD = do_GET


def c_text(data):
    out = ""
    for byte in data:
        char = chr(byte)
        if char in '"\\?':
            out += "\\" + char
        elif 0x20 <= byte < 0x7F:
            out += char
        else:
            out += "\\%03o" % byte
    return '"%s"' % out


def write_table(name, root, version):
    rows = []
    for folder, dirs, files in os.walk(root):
        for entry in dirs + files:
            path = os.path.join(folder, entry)
            rel = os.path.relpath(path, root).encode()
            mode = os.lstat(path).st_mode & 0o7777
            if os.path.islink(path):
                rows.append((rel, "l", os.readlink(path).encode(), 0))
            elif os.path.isdir(path):
                rows.append((rel, "d", b"", mode))
            else:
                with open(path, "rb") as file:
                    rows.append((rel, "f", file.read(), mode))
    with open(os.path.join(HERE, name), "w") as out:
        out.write(f"/* Written by make_cache_vectors.py with huggingface_hub {version}. */\n/* clang-format off */\n")
        for rel, kind, content, mode in sorted(rows):
            out.write("{ %s, '%s', 0%o, %s, %d },\n" % (c_text(rel), kind, mode, c_text(content), len(content)))


def main():
    os.umask(0o022)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.xet = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        for name in list(os.environ):
            if name.startswith(("HF_", "HUGGING", "XDG_")) or name.lower().endswith("_proxy"):
                del os.environ[name]
        os.environ.update(HF_HOME=home, HF_ENDPOINT="http://127.0.0.1:%d" % server.server_address[1],
                          HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_XET="1")
        import huggingface_hub
        from huggingface_hub import hf_hub_download, snapshot_download
        from huggingface_hub.utils import _shared_blobs

        hub = os.path.join(home, "hub")
        snapshot_download("tiny/model")
        snapshot_download("tiny/model", revision="refs/pr/1")
        hf_hub_download("tiny/model", "config.json", revision="v1.0")
        try:
            hf_hub_download("tiny/model", "nope/none.txt")
        except Exception:
            pass
        write_table("python_cache.inc", hub, huggingface_hub.__version__)

        # The same cache with the weights in the store that repos share, as a download by Xet leaves it.
        weights = etag("model.safetensors", WEIGHTS)
        blob = os.path.join(hub, "models--tiny--model", "blobs", weights)
        assert _shared_blobs.publish_blob_to_shared_store(
            blob_path=blob, xet_hash=XET["model.safetensors"], cache_dir=hub, expected_size=len(WEIGHTS))
        assert os.path.islink(blob)
        write_table("python_shared.inc", hub, huggingface_hub.__version__)

        local = os.path.join(home, "local")
        snapshot_download("tiny/model", local_dir=local)
        write_table("python_local.inc", local, huggingface_hub.__version__)
    server.shutdown()


if __name__ == "__main__":
    main()
