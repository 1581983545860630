"""The commands that are disturbed: their input, the files that may stay, and the result they must produce."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from deblur import photo, psf
from deblur.photo import Photo


@dataclass(frozen=True)
class Command:
    """A command with its input and its expected result.

    Attributes
    ----------
    arguments, again : tuple of str
        The command, and the command that completes an interrupted run.
    lay_out : callable
        Writes its input files into a folder.
    result : callable
        Returns its result in a folder, for comparison.
    may_stay : callable
        Whether a file is kept by an interrupted run on purpose, to resume from.
    is_whole : callable
        Whether a file that appeared is a complete result.
    """

    arguments: tuple[str, ...]
    again: tuple[str, ...]
    lay_out: Callable[[Path], None]
    result: Callable[[Path], object]
    may_stay: Callable[[str], bool]
    is_whole: Callable[[Path, str, object], bool]


def _pictures(folder: Path, shape: tuple[int, int] = (220, 260), dtype: type = np.uint16) -> None:
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    for name in ("a", "b", "c"):
        photo.write(folder / f"images/{name}.png", Photo(rng.random(shape), dtype=np.dtype(dtype)))
    psf.save(folder / "psf.npy", psf.disk(2))


def _small_pictures(folder: Path) -> None:
    _pictures(folder, (64, 72), np.uint8)


def _restored(folder: Path) -> object:
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir()) if path.name[0] != "."}


def _scores(folder: Path) -> object:
    rows = json.loads((folder / "run/results.json").read_text())["rows"]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def _reports_are_whole(folder: Path, path: str, _: object) -> bool:
    text = (folder / path).read_bytes()
    return text.startswith(b"\x89PNG") or (text[-1:] in b"\n>" and len(text) > 20)


_CONTENT = np.random.default_rng(0).bytes(3_000_000)


def _with_card(folder: Path) -> None:
    (folder / "data").mkdir()


def _downloaded(folder: Path) -> object:
    return hashlib.sha256((folder / "data/mine/file.bin").read_bytes()).hexdigest()


def _download_is_whole(folder: Path, path: str, reference: object) -> bool:
    return hashlib.sha256((folder / path).read_bytes()).hexdigest() == reference


def _training(folder: Path) -> None:
    _small_pictures(folder)
    (folder / "tiny.toml").write_text("steps = 3\nwarm_up = 1\nwidths = [8, 16]\ndepths = [1, 1]\ndecoder_depth = 1\n")


def _trained(folder: Path) -> object:
    from deblur.networks import load

    return sorted(load(folder / "run/denoiser.safetensors").state_dict())


def _network_is_whole(folder: Path, path: str, reference: object) -> bool:
    if path.endswith(".safetensors"):
        with safe_open(folder / path, "np") as file:  # refuses a file that is cut short
            return bool(file.keys())
    return path.endswith((".png", ".jsonl"))


_RESTORE = ("restore", "images", "--psf", "psf.npy", "--method", "wiener", "-o", "out/")
_BENCH = (
    *("bench", "folder", "--images", "images", "--psfs", "psf.npy", "--noise", "0.01", "-o", "run"),
    *("--method", "wiener", "--method", "richardson_lucy"),
)
_TRAIN = ("train", "denoiser", "--images", "images", "--device", "cpu", "--config", "tiny.toml")

COMMANDS = {
    "restore": Command(
        _RESTORE,
        (*_RESTORE, "--skip-existing"),
        _pictures,
        _restored,
        lambda path: False,
        lambda folder, path, reference: (folder / path).read_bytes() == reference[Path(path).name],  # type: ignore[index]
    ),
    "bench": Command(
        _BENCH,
        _BENCH,
        _small_pictures,
        _scores,
        lambda path: path.endswith("cases.jsonl"),
        _reports_are_whole,
    ),
    "datasets get": Command(
        ("datasets", "get", "mine", "--to", "data"),
        ("datasets", "get", "mine", "--to", "data"),
        _with_card,
        _downloaded,
        lambda path: path.endswith((".part", ".lock")),
        _download_is_whole,
    ),
    "train": Command(
        (*_TRAIN, "-o", "run"),
        (*_TRAIN, "-o", "again"),
        _training,
        lambda folder: sorted(_trained(_renamed(folder))),  # type: ignore[call-overload]
        lambda path: path.endswith(("checkpoint.safetensors", ".jsonl")),
        _network_is_whole,
    ),
}


def _renamed(folder: Path) -> Path:
    """Move the second training to where the first would be."""
    if (folder / "again").is_dir():
        os.rename(folder / "run", folder / "first") if (folder / "run").exists() else None
        os.rename(folder / "again", folder / "run")
    return folder


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "bytes=0-")
        first = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(_CONTENT) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(_CONTENT) - 1}/{len(_CONTENT)}")
        self.end_headers()
        try:
            self.wfile.write(_CONTENT[first:])
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def serving_files() -> Iterator[None]:
    """Serve a file on localhost, and make it the data set "mine" of this process and its forks."""
    from deblur.benchmark import _cards

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory(prefix="robustness-") as place:
        (Path(place) / "mine").mkdir()
        (Path(place) / "mine/card.toml").write_text(
            'title = "Mine"\nlicense = "MIT"\npermits = "All."\ntraps = []\ncitation = ""\n'
            f'[[files]]\npath = "mine/file.bin"\nurl = "http://127.0.0.1:{server.server_address[1]}/file.bin"\n'
            f'sha256 = "{hashlib.sha256(_CONTENT).hexdigest()}"\nbytes = {len(_CONTENT)}\n'
        )
        before, _cards._folder = _cards._folder, lambda: Path(place)
        _cards._names.cache_clear()
        try:
            yield
        finally:
            _cards._folder = before
            _cards._names.cache_clear()
            server.shutdown()
            server.server_close()
