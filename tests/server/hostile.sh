#!/usr/bin/env bash
# Raw sockets that mean no good: the server answers or hangs up, stays alive, and serves the next client.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd import acme/tiny "$W/model"
start_server
python3 - "$HUB" "$STORAGE" <<'END' || fail "hostile client"
import socket, sys, time, urllib.parse

def connect(origin):
    u = urllib.parse.urlsplit(origin)
    s = socket.create_connection((u.hostname, u.port), timeout=20)
    return s

def talk(origin, data, wait=20, half_close=False):
    """Sends and returns what comes until the server hangs up or is silent; never raises for a hang-up."""
    s = connect(origin)
    s.settimeout(wait)
    out = b""
    try:
        for at in range(0, len(data), 65536):
            s.sendall(data[at:at + 65536])
        if half_close:
            s.shutdown(socket.SHUT_WR)
        while True:
            got = s.recv(65536)
            if not got:
                break
            out += got
            if len(out) > 1 << 20:
                break
    except OSError:
        pass
    s.close()
    return out

END = b"\r\nHost: x\r\nConnection: close\r\n\r\n"
def status(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else None

def alive(origin, what):
    answer = talk(origin, b"GET /-/settled HTTP/1.1" + END)
    assert status(answer) == 200, (what, answer)

cases = [
    ("empty", b""),
    ("noise", bytes(range(256)) * 64),
    ("half a request line", b"GET /acme"),
    ("half a head", b"GET / HTTP/1.1\r\nHost:"),
    ("no version", b"GET /\r\n\r\n"),
    ("endless request line", b"GET /" + b"a" * 300000 + END[:0] + b" HTTP/1.1" + END),
    ("header bomb", b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 100) for i in range(5000)) + b"\r\n"),
    ("one huge header", b"GET / HTTP/1.1\r\nX: " + b"v" * 2000000 + b"\r\n\r\n"),
    ("lone CR", b"GET / HTTP/1.1\rHost: x\r\r"),
    ("NUL in the path", b"GET /a\0b HTTP/1.1" + END),
    ("NUL in a header", b"GET / HTTP/1.1\r\nX: a\0b" + END),
    ("huge Content-Length", b"POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nContent-Length: 99999999999999999999999" + END),
    ("Content-Length that never comes", b"POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nContent-Length: 1000000000000" + END + b"x"),
    ("negative Content-Length", b"POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nContent-Length: -1" + END),
    ("two Content-Lengths", b"POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2" + END + b"ab"),
    ("bad chunk", b"POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nTransfer-Encoding: chunked" + END + b"zz\r\nab\r\n0\r\n\r\n"),
    ("huge chunk", b"POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nTransfer-Encoding: chunked" + END + b"ffffffffffffffff1\r\nab"),
    ("absolute target", b"GET http://elsewhere/api/models HTTP/1.1" + END),
    ("asterisk", b"OPTIONS * HTTP/1.1" + END),
    ("CONNECT", b"CONNECT x:1 HTTP/1.1" + END),
    ("unknown method", b"BREW /acme/tiny/resolve/main/config.json HTTP/1.1" + END),
    ("long method", b"M" * 100000 + b" / HTTP/1.1" + END),
    ("many segments", b"GET /" + b"a/" * 5000 + b" HTTP/1.1" + END),
    ("deep api", b"GET /api/models/acme/tiny/tree/main/" + b"a/" * 3000 + b" HTTP/1.1" + END),
    ("many parameters", b"GET /api/models?" + b"a=b&" * 3500 + b" HTTP/1.1" + END),
    ("token bomb", b"GET /api/whoami-v2 HTTP/1.1\r\nAuthorization: Bearer " + b"t" * 20000 + END),
    ("Basic bomb", b"GET /api/whoami-v2 HTTP/1.1\r\nAuthorization: Basic " + b"QUFB" * 5000 + END),
    ("git body that stops", b"POST /acme/tiny/git-upload-pack HTTP/1.1\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: 5000" + END + b"0032want"),
    ("git noise", b"POST /acme/tiny/git-upload-pack HTTP/1.1\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: 4000" + END + b"\xff" * 4000),
]
for origin in sys.argv[1:]:
    for name, data in cases:
        answer = talk(origin, data, wait=3, half_close=True)
        code = status(answer)
        assert not answer or code is not None, (name, answer[:200])
        assert code != 500 or name.startswith("git"), (name, answer[:400])
    alive(origin, "after all cases")

hub, storage = sys.argv[1:]
# what must not be answered with content
for target in [b"/acme/tiny/resolve/main/../../../hub.sqlite", b"/..%2f..%2fetc/passwd/resolve/main/x", b"/%2e%2e/x/resolve/main/y",
               b"/api/models/..%2f../x", b"/api/models/acme%00/tiny", b"/acme/tiny/resolve/..%2f..%2fHEAD/x",
               b"/acme/tiny/resolve/main/%ff%fe", b"/acme/tiny/info/refs/../../config", b"//etc/passwd", b"/acme//tiny/resolve/main/x"]:
    code = status(talk(hub, b"GET " + target + b" HTTP/1.1" + END))
    assert code in (400, 401, 404), (target, code)
# a Host header goes into URLs: nothing but a host
for host in [b"evil\"><script>", b"a b", b"a/b", b"x" * 300, b"user@evil"]:
    answer = talk(hub, b"GET /api/models?limit=1&a=b HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert b"evil" not in answer and b"a/b" not in answer, answer
answer = talk(hub, b"GET /api/models HTTP/1.1\r\nX-Request-Id: a\tb\xff;\r\nHost: x\r\nConnection: close\r\n\r\n")
assert status(answer) == 200 and b"\xff" not in answer, answer

# slow heads beside each other, held open while others are served
slow = [connect(hub) for _ in range(60)]
for s in slow:
    s.sendall(b"GET / HTTP/1.1\r\nX-Slow:")
for i in range(3):
    for s in slow:
        s.sendall(b" a")
    alive(hub, "beside slow heads")
for s in slow:
    s.close()
# clients that ask for everything and read nothing
deaf = []
for _ in range(30):
    s = connect(hub)
    s.sendall(b"GET /acme/tiny/resolve/main/config.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    deaf.append(s)
alive(hub, "beside deaf clients")
for s in deaf:
    s.close()
alive(hub, "at the end")
END
kill -0 "$SERVER_PID" || fail "the server died"
log_lines >/dev/null
python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    json.loads(line)' "$LOG" || fail "a line of the log is no JSON"
# what git makes of noise is told, but not the noise
grep -v '^hf-serve: git: ' "$W/server.err" && fail "unexpected words"
grep -q '[^ -~]' "$W/server.err" && fail "raw bytes on a terminal"
stop_server
