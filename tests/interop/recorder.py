# SPDX-License-Identifier: Apache-2.0
"""A Hub that answers by a script and writes down what it was asked."""

import http.server
import json
import re
import threading
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: tuple
    body: object

    def __str__(self):
        return f"{self.method} {self.path} {dict(self.query)} {self.body}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do(self):
        path, _, query = self.path.partition("?")
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(data) if data else None
        if isinstance(body, dict):  # null says what absence says
            body = {k: v for k, v in body.items() if v is not None}
        asked = Asked(self.command, path, tuple(sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))),
                      json.dumps(body, sort_keys=True) if body else None)
        if not path.startswith("/api/agent-harnesses"):
            self.server.asked.append(asked)
            self.server.tokens.append(self.headers.get("Authorization"))
            self.server.agents.append(self.headers.get("User-Agent"))
        status, answer, headers = self.server.answer(self.command, path, query)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "X-Request-Id": "req-42", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do


class Recorder:
    """`answers`: (method and path as a pattern, status, answer[, headers]); the first that fits. An answer may be a
    function of the endpoint and the query."""

    def __init__(self):
        self.answers = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.answer = self._answer
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.clear()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def clear(self):
        self._server.asked = []
        self._server.tokens = []
        self._server.agents = []

    @property
    def asked(self) -> list[Asked]:
        return self._server.asked

    @property
    def tokens(self) -> list:
        return self._server.tokens

    @property
    def agents(self) -> list:
        return self._server.agents

    def _answer(self, method, path, query):
        for pattern, status, answer, *headers in self.answers:
            if re.fullmatch(pattern, f"{method} {path}"):
                if callable(answer):
                    answer = answer(self.url, query)
                headers = headers[0] if headers else {}
                if callable(headers):
                    headers = headers(self.url, query)
                return status, answer, headers
        return 404, {"error": f"nothing is prepared for {method} {path}"}, {}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
