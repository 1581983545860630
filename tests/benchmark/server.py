"""A server that does all that servers do."""

import hashlib
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from deblur.benchmark import _download

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
STEP = 3 * _download._CHUNK  # a broken connection loses an incomplete chunk


class Server(ThreadingHTTPServer):
    """Serves CONTENT; `moods` says how it treats the next requests, the last one stands for all that follow."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.moods = ["good"]
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        mood = self.server.moods[0]
        if len(self.server.moods) > 1:
            self.server.moods.pop(0)
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if mood.isdigit():
            self.send_error(int(mood))
            return
        body = {"corrupted": b"?" + CONTENT[1:], "truncated": CONTENT[:-1000], "endless": CONTENT * 3}.get(
            mood, CONTENT
        )
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and mood != "no ranges" else 0
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        try:
            if mood == "cut":
                self.wfile.write(body[start : start + 2 * STEP])
            elif mood in ("slow", "stalled"):
                for first in range(start, len(body), STEP):
                    self.wfile.write(body[first : first + STEP])
                    self.wfile.flush()
                    time.sleep(0.05 if mood == "slow" else 2)
            else:
                self.wfile.write(body[start:])
        except OSError:
            pass  # the client has gone
