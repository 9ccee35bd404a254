#!/usr/bin/env python3
"""crash_upload.py HF_SERVE FOLDER: a server is killed while objects, parts and commits come in, thirty times on the same
data. After each, the repository is as before or as after, every commit that was answered is there, no LFS object is
visible under a hash it does not have, and the next server goes on."""
import base64
import hashlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

SERVE, W = sys.argv[1:3]
DATA = os.path.join(W, "data")
TURNS, FILES = 30, 60
PART = 200_000
chance = random.Random(int(os.environ.get("SEED", "0")) or None)


def command(*args):
    return subprocess.run([SERVE, *args, "--data", DATA], check=True, capture_output=True, text=True).stdout.split()


def git(*args):
    return subprocess.run(["git", "-C", GIT, *args], capture_output=True, text=True, check=True).stdout.strip()


class Server:
    def __init__(self):
        self.process = subprocess.Popen(
            [SERVE, "serve", "--data", DATA, "--port", "0", "--lfs-multipart-threshold", "400000", "--lfs-part-bytes",
             str(PART)], stdout=subprocess.PIPE, text=True)
        self.hub = re.search(r"http://(\S+)", self.process.stdout.readline())[1]
        self.process.stdout.readline()
        self.n_asked = 0
        self.asked = threading.Condition()

    def wait_for(self, n):
        with self.asked:
            assert self.asked.wait_for(lambda: self.n_asked >= n, timeout=60), "no request for a minute"

    def ask(self, method, url, body=b"", token=True, kind="application/json"):
        parts = urllib.parse.urlsplit(url if url.startswith("http") else f"http://{self.hub}{url}")
        conn = http.client.HTTPConnection(parts.netloc, timeout=30)
        with self.asked:
            self.n_asked += 1
            self.asked.notify()
        headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
        try:
            conn.request(method, f"{parts.path}?{parts.query}", body, {**headers, "Content-Type": kind})
            answer = conn.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise AssertionError(f"{method} {url}: {answer.status} {text[:300]}")
            return answer, text
        finally:
            conn.close()

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdout.close()


def upload(server, body):
    """By the batch; how many bytes were sent."""
    oid = hashlib.sha256(body).hexdigest()
    _, text = server.ask("POST", "/alice/m.git/info/lfs/objects/batch", json.dumps(
        {"operation": "upload", "transfers": ["basic", "multipart"], "objects": [{"oid": oid, "size": len(body)}]}))
    action = json.loads(text)["objects"][0].get("actions", {}).get("upload")
    if not action:
        return oid, 0
    sent = 0
    if "chunk_size" not in action["header"]:
        server.ask("PUT", action["href"], body, token=False)
        return oid, len(body)
    size, done = int(action["header"].pop("chunk_size")), []
    for i, url in enumerate(action["header"].values()):
        have = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).get("have")
        etag = f'"{have[0]}"' if have else None
        if not etag:
            piece = body[i * size:(i + 1) * size]
            etag = server.ask("PUT", url, piece, token=False)[0].getheader("ETag")
            sent += len(piece)
        done.append({"partNumber": i + 1, "etag": etag})
    server.ask("POST", action["href"], json.dumps({"oid": oid, "parts": done}), token=False)
    return oid, sent


def commit(server, name, objects):
    """FILES files that all say the same name; returns the commit."""
    lines = [{"key": "header", "value": {"summary": name, "description": ""}}]
    for i in range(FILES):
        lines.append({"key": "file", "value": {"path": f"d{i % 7}/f{i}.txt", "encoding": "base64", "content":
                                               base64.b64encode(f"{name} {i}\n".encode()).decode()}})
    for i, (oid, size) in enumerate(objects):
        lines.append({"key": "lfsFile", "value": {"path": f"o{i}.bin", "algo": "sha256", "oid": oid, "size": size}})
    body = "".join(json.dumps(line) + "\n" for line in lines)
    _, text = server.ask("POST", "/api/models/alice/m/commit/main", body, kind="application/x-ndjson")
    return json.loads(text)["commitOid"]


def one_pass(server, turn, n, acked):
    """Two objects, one of them in parts, and three commits that point to them."""
    small, large = chance.randbytes(100_000), chance.randbytes(3 * PART + 1)
    objects = [(upload(server, small)[0], len(small)), (upload(server, large)[0], len(large))]
    for i in range(3):
        acked.append(commit(server, f"turn {turn}.{n}.{i}", objects))


def work(server, turn, acked, wrong):
    n = 0
    try:
        while True:
            one_pass(server, turn, n, acked)
            n += 1
    except (OSError, http.client.HTTPException):
        pass  # it was killed
    except AssertionError as error:
        wrong.append(str(error))


def check(what, acked):
    fsck = subprocess.run(["git", "-C", GIT, "fsck", "--full", "--strict", "--no-dangling"], capture_output=True, text=True)
    assert fsck.returncode == 0 and fsck.stdout + fsck.stderr == "", f"{what}: fsck: {fsck.stdout}{fsck.stderr}"
    history = set(git("rev-list", "main").split())
    lost = [c for c in acked if c not in history]
    assert not lost, f"{what}: commits that were answered are gone: {lost}"
    title = git("log", "-1", "--format=%s", "main")
    if title.startswith("turn"):
        for i in range(FILES):
            text = git("cat-file", "blob", f"main:d{i % 7}/f{i}.txt")
            assert text == f"{title} {i}", f"{what}: the commit '{title}' holds '{text}'"
    visible = {}
    for folder, _, names in os.walk(os.path.join(DATA, "lfs")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                visible[name] = hashlib.sha256(file.read()).hexdigest()
    assert all(name == is_ for name, is_ in visible.items()), f"{what}: an object has another hash"
    for line in git("ls-tree", "-r", "main").splitlines():
        if line.endswith(".bin"):
            oid = git("cat-file", "blob", line.split()[2]).split("sha256:")[1].split()[0]
            assert oid in visible, f"{what}: {line} points to nothing"


def main():
    acked, killed_in_work = [], 0
    for turn in range(TURNS):
        server, wrong, before = Server(), [], len(acked)
        worker = threading.Thread(target=work, args=(server, turn, acked, wrong))
        worker.start()
        # a random request, and a random moment of it: no clock of ours says how fast this machine is
        server.wait_for(chance.randint(1, 24))
        time.sleep(chance.uniform(0, 0.02))
        server.end(signal.SIGKILL)
        worker.join()
        assert not wrong, f"turn {turn}: {wrong}"
        killed_in_work += len(acked) > before
        check(f"turn {turn}", acked)
    assert killed_in_work > TURNS // 6, "hardly a commit came through: the test shows nothing"

    # parts that came are kept, and nothing of the dead stands in the way
    server = Server()
    body = random.Random(1).randbytes(5 * PART)
    oid = hashlib.sha256(body).hexdigest()
    _, text = server.ask("POST", "/alice/m.git/info/lfs/objects/batch", json.dumps(
        {"operation": "upload", "transfers": ["multipart"], "objects": [{"oid": oid, "size": len(body)}]}))
    header = json.loads(text)["objects"][0]["actions"]["upload"]["header"]
    for i in (0, 3):
        server.ask("PUT", header[f"{i + 1:05}"], body[i * PART:(i + 1) * PART], token=False)
    server.end(signal.SIGKILL)
    server = Server()
    assert upload(server, body) == (oid, 3 * PART), "parts that came were sent again"
    acked.append(commit(server, "turn last", [(oid, len(body))]))
    server.end(signal.SIGTERM)
    assert server.process.returncode == 0
    check("at last", acked)
    left = [os.path.join(f, n) for f, _, names in os.walk(DATA) for n in names
            if n.endswith(".lock") or n.startswith("tmp_") or os.path.basename(f) == "tmp"]
    assert not left, f"left over: {left}"
    print(f"{len(acked)} commits, {killed_in_work} of {TURNS} servers killed between them")


TOKEN = command("user", "add", "alice")[-1]
command("repo", "create", "alice/m")
GIT = next(os.path.join(DATA, "git", d) for d in os.listdir(os.path.join(DATA, "git")))
main()
