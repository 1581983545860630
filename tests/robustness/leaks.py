"""Memory and open files stay flat: many restorations in one process, many requests to one server.

    python -m tests.robustness.leaks --restores 500 --requests 1000

Memory and open files after a tenth of the work, when everything is warm, are compared with those at the end. More than
`SLACK` bytes, or any more open files, is a leak.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

import deblur
from tests.robustness import _corpus
from tests.robustness._tally import Tally, peak_bytes
from tests.robustness._web import DISK, served

SLACK = 16 * 2**20
"""Bytes by which allocators may rearrange their memory."""

_METHODS = ("wiener", "richardson-lucy", "unrolled", "total-variation", "hyper-laplacian")


def restores(count: int, tally: Tally) -> None:
    """Restore small images by the methods in turn, every tenth with an estimated PSF."""
    picture = np.random.default_rng(0).random((64, 72, 3), dtype=np.float32)
    blur = deblur.psf.disk(2)
    warm: tuple[int, int] | None = None
    for number in range(count):
        began = time.monotonic()
        if number % 10 == 9:
            deblur.restore(picture, channel_axis=-1, psf_shape=(5, 5))
        else:
            deblur.restore(picture, blur, method=_METHODS[number % len(_METHODS)], channel_axis=-1)
        tally.add("restore", str(number), time.monotonic() - began, None, peak_bytes())
        if number + 1 == max(20, count // 10):  # every method has run
            gc.collect()
            warm = _held([os.getpid()])
    gc.collect()
    assert warm is not None
    _compare("restore", tally, warm, _held([os.getpid()]))


def requests(count: int, tally: Tally) -> None:
    """Upload, preview, restore, download and delete a small photograph, again and again."""
    data, done = _corpus.pictures()["baseline.jpg"], 0
    warm: tuple[int, int] | None = None
    with served() as server, httpx.Client(base_url=server.url, timeout=120) as client:
        while done < count:
            began = time.monotonic()
            requested, fault = _visit(client, data)
            done += requested
            tally.tried["request"] += requested - 1
            peak = max(map(peak_bytes, server.processes()))
            tally.add("request", f"until {done}", time.monotonic() - began, fault, peak)
            if warm is None and done >= count // 10:
                warm = _held(server.processes())
        assert warm is not None
        _compare("request", tally, warm, _held(server.processes()))


def _visit(client: httpx.Client, data: bytes) -> tuple[int, str | None]:
    """Act as a visitor; return the number of requests, polls excluded, and what is wrong."""
    photo = f"/photos/{client.post('/photos', params={'name': 'a.jpg'}, content=data).json()['id']}"
    box: dict[str, Any] = {"left": 0, "top": 0, "width": 20, "height": 20, "fine": False}
    answers = [client.post(f"{photo}/preview", json=DISK | box), client.post(f"{photo}/job", json=DISK)]
    while (state := client.get(f"{photo}/job").json()["state"]) in ("waiting", "running"):
        time.sleep(0.02)
    answers += [client.get(f"{photo}/job/{part}") for part in ("file", "view", "psf")]
    answers += [client.get(f"{photo}/view"), client.get("/"), client.post(f"{photo}/forget")]
    bad = [f"{each.request.url.path}: {each.status_code}" for each in answers if each.status_code >= 400]
    return 2 + len(answers), (f"{state}, {bad}" if bad or state != "done" else None)


def _held(processes: list[int]) -> tuple[int, int]:
    """Return the bytes that processes hold, and their open files."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in processes)
    files = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in processes)
    return pages * os.sysconf("SC_PAGE_SIZE"), files


def _compare(kind: str, tally: Tally, warm: tuple[int, int], end: tuple[int, int]) -> None:
    print(
        f"{kind}: {warm[0] / 2**20:.1f} MB and {warm[1]} open files when warm, "
        f"{end[0] / 2**20:.1f} MB and {end[1]} at the end",
        flush=True,
    )
    grown = end[0] - warm[0]
    fault = f"{grown / 2**20:.0f} MB more" if grown > SLACK else None
    if end[1] > warm[1]:
        fault = f"{end[1] - warm[1]} more open files"
    tally.add(f"{kind}s at the end", "", 0.0, fault)


def main() -> int:
    """Print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--restores", type=int, default=500)
    parser.add_argument("--requests", type=int, default=1000)
    arguments = parser.parse_args()
    tally = Tally("leaks", 0)
    if arguments.restores:
        restores(arguments.restores, tally)
    if arguments.requests:
        requests(arguments.requests, tally)
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
