"""Damaged uploads and requests to the real server."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.robustness import _corpus
from tests.robustness._damage import damaged, damaged_text, trouble
from tests.robustness._forks import SECONDS
from tests.robustness._tally import Tally, descendants, peak_bytes
from tests.robustness._targets import KNOWN

DISK = {"kind": "disk", "radius": 1}
_REQUEST = {"kind": "motion", "length": 5, "angle": 30, "noise_level": 0.01, "left": 0, "top": 0, "width": 20}
_INTERNALS = ("Traceback", "deblur-web-", "site-packages", "/deblur/", 'File "', "/tmp/")


@dataclass
class Server:
    """A running `deblur web`; `log` is the file of what it prints."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def processes(self) -> list[int]:
        return descendants(self.process.pid)


@contextmanager
def served(*options: str) -> Iterator[Server]:
    """Run the command with small limits, and end it as Ctrl-C does."""
    command = [str(Path(sys.executable).with_name("deblur")), "web", "--port", "0", "--max-megapixels", "1", *options]
    with tempfile.TemporaryDirectory(prefix="robustness-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as out:
            environment = {**os.environ, "TMPDIR": folder, "PYTHONUNBUFFERED": "1"}
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + 120
            while (found := re.search(r"http://\S+", log.read_text())) is None:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the server does not start: {log.read_text()}")
                time.sleep(0.05)
            yield Server(found[0].rstrip("/"), process, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)


def send_damaged(count: int, seed: int, tally: Tally) -> None:
    """Send `count` damaged requests, one after the other, and record what is wrong with the answers."""
    if not count:
        return
    with served("--max-megabytes", "4") as server, httpx.Client(base_url=server.url, timeout=SECONDS) as client:
        good = client.post("/photos", params={"name": "a.png"}, content=_corpus.pictures()["color.png"]).json()["id"]
        for number in range(count):
            before = server.log.stat().st_size
            kind, fault, seconds = _case(client, good, random.Random(f"{seed} web {number}"))
            printed = server.log.read_bytes()[before:].decode(errors="replace")
            if printed and not printed.startswith(KNOWN):
                fault = fault or f"prints {printed!r:.600}"
            peak = max(map(peak_bytes, server.processes()))
            tally.add(f"web {kind}", str(number), seconds, fault, peak)
            if server.process.poll() is not None:
                tally.add("web", str(number), 0, f"the server has ended, exit code {server.process.returncode}")
                return
            if client.get(f"/photos/{good}").status_code == 404:  # forgotten by a case
                good = client.post("/photos", content=_corpus.pictures()["color.png"]).json()["id"]


def _case(client: httpx.Client, good: str, rng: random.Random) -> tuple[str, str | None, float]:
    kind = rng.choices(["upload", "psf", "request", "headers", "path"], [50, 10, 20, 10, 10])[0]
    began = time.monotonic()
    try:
        answer = _send(client, good, kind, rng)
    except httpx.TimeoutException:
        return kind, f"hangs: nothing after {SECONDS:.0f} s", time.monotonic() - began
    except httpx.RemoteProtocolError:  # the server hung up, as it may on what is not HTTP
        return kind, None, time.monotonic() - began
    seconds = time.monotonic() - began
    if kind == "upload" and answer.status_code == 201:
        client.post(f"/photos/{answer.json()['id']}/forget")
    return kind, _fault(answer), seconds


def _fault(answer: httpx.Response) -> str | None:
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{answer.status_code} {answer.text!r:.200} for {answer.request.method} {answer.request.url!s:.200}"
    if answer.status_code >= 400:
        shown = [word for word in _INTERNALS if word in answer.text]
        return f"shows {shown}: {answer.text!r:.300}" if shown else None
    if "content-security-policy" not in answer.headers:
        return "no Content-Security-Policy"
    return None


def _send(client: httpx.Client, good: str, kind: str, rng: random.Random) -> httpx.Response:
    if kind == "upload":
        name = rng.choice(list(_corpus.pictures()))
        data = damaged(_corpus.pictures()[name], rng)
        named = name if rng.random() < 0.5 else damaged_text(name, rng)
        return client.post("/photos?name=" + quote(named, errors="replace"), content=data)
    if kind == "psf":
        name = rng.choice(list(_corpus.psf_files()))
        data = damaged(_corpus.psf_files()[name], rng, header=128)
        return client.post(f"/photos/{good}/psf", params={"name": name}, content=data)
    if kind == "request":
        text = json.dumps(_REQUEST | {"height": 20, "fine": False})
        content = damaged_text(text, rng) if rng.random() < 0.5 else json.dumps(_odd(rng))
        where = rng.choice(["preview", "job"])
        return client.post(f"/photos/{good}/{where}", content=content.encode(errors="replace")[:20_000])
    if kind == "headers":
        name = rng.choice(["Host", "Origin", "Content-Type", "Range", "Cookie", "Accept-Encoding", "X-Forwarded-Host"])
        value = rng.choice(["http://[", "null", "[::1", "http://evil.example", "\xe9", "bytes=0-1,2-3,9-", "a" * 5000])
        return client.request(rng.choice(["GET", "POST", "DELETE"]), "/limits", headers={name: value.encode("latin-1")})
    path = damaged_text(rng.choice(["/page/app.js", f"/photos/{good}/view", "/examples/cat.jpg", "/limits"]), rng)
    return client.request(
        rng.choice(["GET", "HEAD", "PUT"]), "/" + quote(path.lstrip("/"), safe="/%.", errors="replace")[:4000]
    )


def _odd(rng: random.Random) -> Any:
    values = [None, True, -1, 0, 1e308, 10**400, 0.1, "1", [], {}, trouble(rng)]
    request: dict[str, Any] = _REQUEST | {
        "height": 20,
        "kind": rng.choice(["motion", "disk", "gaussian", "file", "blind"]),
    }
    for name in rng.sample([*request, "radius", "sigma", "fine"], rng.randint(1, 3)):
        request[name] = rng.choice(values)
    return request
