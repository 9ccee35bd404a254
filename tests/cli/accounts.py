#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The part of a Hub that knows accounts, for tests: whoami and login by a code in the browser.

    accounts.py [--script FILE] [--log FILE]

Prints "ENDPOINT url" when it listens. Knows the tokens hf_good, hf_read and hf_browser. The script is a
JSON array of what /oauth/token answers, one after the other: an error code, a number (a status with a
page of HTML), "drop", or an object. When it is used up the code is still pending. The log has one
line "METHOD PATH STATUS" per answer.
"""
import argparse
import http.server
import json
import socket
import urllib.parse

USERS = {
    "hf_good": ("alice", "ci-write", "write"),
    "hf_read": ("alice", "only [read] = ü%d", "read"),
    "hf_browser": ("alice", None, None),
    "hf_odd": ("alice", "line\nbreak\x1b[2J", "fineGrained"),
    "hf_default": ("alice", "DEFAULT", "read"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if self.server.log:
            with open(self.server.log, "a") as f:
                f.write(f"{self.command} {self.path} {status}\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", "req-1")
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path != "/api/whoami-v2":
            return self.answer(404, {"error": "Not found"})
        user = USERS.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if not user:
            return self.answer(401, {"error": "Invalid username or password."})
        name, display, role = user
        auth = {"type": "access_token", "accessToken": {"displayName": display, "role": role}} if display else {
            "type": "app_token"}
        self.answer(200, {"type": "user", "name": name, "fullname": "Alice", "auth": auth,
                          "orgs": [{"name": "acme"}, {"name": "zoo"}]})

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.headers.get("Authorization"):
            return self.answer(400, {"error": "invalid_request"})
        if self.path == "/oauth/device" and form.get("client_id"):
            return self.answer(200, {"device_code": "secret device/code", "user_code": "ABCD-EFGH", "interval": 1,
                                     "expires_in": self.server.expires, "verification_uri": self.server.url + "/oauth/device"})
        if self.path == "/oauth/token" and form.get("device_code") == "secret device/code" and \
                form.get("grant_type") == "urn:ietf:params:oauth:grant-type:device_code":
            return self.poll()
        if self.path == "/oauth/token" and form.get("grant_type") == "refresh_token" and form.get("client_id"):
            if form["refresh_token"] != "r_1":
                return self.answer(400, {"error": "invalid_grant"})
            return self.poll()
        self.answer(400, {"error": "invalid_request", "error_description": "no such thing"})

    def poll(self):
        step = self.server.script.pop(0) if self.server.script else "authorization_pending"
        if step == "drop":
            self.request.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif isinstance(step, int):
            self.answer(step, b"<html>oops</html>", "text/html")
        elif isinstance(step, str):
            self.answer(400, {"error": step, "error_description": "words"})
        else:
            self.answer(200, step)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--script")
    parser.add_argument("--log")
    parser.add_argument("--expires", type=int, default=60)
    args = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.log = args.log
    server.expires = args.expires
    server.script = json.load(open(args.script)) if args.script else []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    print("ENDPOINT", server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
