"""The folder of a run: one line per finished case, so that an interrupted run can resume, and a few pictures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from deblur._core.atomic import atomic_path

from ._results import Row

PICTURED = 4
"""Restored pictures per noise level that are kept for the report: more would make its page slow to open."""

_SIZE = 256  # pixels: at this size, the report shows them unscaled, three side by side


@cache
def code_version() -> str:
    """Hash the package's sources and the versions of the numerical packages: 16 hexadecimal digits."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for name in ("torch", "numpy", "scipy", "scikit-image"):
        digest.update(f"{name} {version(name)}\0".encode())
    return digest.hexdigest()[:16]


class Cache:
    """The folder of a run: ``cases.jsonl`` and ``pictures/``.

    A key is a string of all that a score depends on. Only one process writes the lines; a picture is written to its own
    file, atomically.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Cache(Path(folder)).add("key", Row("wiener", 0.01, "im1", "kernel1", {"psnr": 30.0}, 0.1))
    ...     Cache(Path(folder)).rows()["key"].scores
    {'psnr': 30.0}
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self) -> dict[str, Row]:
        """Read the stored rows, the latest one per key."""
        rows = {}
        if self._lines.exists():
            for line in self._lines.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    rows[entry["key"]] = _row(**entry["row"])
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue  # a line that was cut short by a kill, or edited: its case runs again
        return rows

    def add(self, key: str, row: Row) -> None:
        """Append the row of a case."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lines.open("a", encoding="utf-8") as file:
            # The line break comes first, to end a line that a kill may have cut short.
            file.write("\n" + json.dumps({"key": key, "row": asdict(row)}))

    def has_picture(self, key: str) -> bool:
        """Whether the restored picture of a case was kept."""
        return self._picture(key).is_file()

    def add_picture(self, key: str, image: np.ndarray) -> None:
        """Keep the `view` of a restored picture."""
        path = self._picture(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_bytes(png(view(image)))

    def picture(self, key: str) -> np.ndarray:
        """Read a stored picture: uint8, gray or RGB."""
        import cv2

        encoded = np.fromfile(self._picture(key), dtype=np.uint8)
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))
        return pixels[..., ::-1] if pixels.ndim == 3 else pixels

    @property
    def _lines(self) -> Path:
        return self.folder / "cases.jsonl"

    def _picture(self, key: str) -> Path:
        return self.folder / "pictures" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.png"


def _row(**fields: Any) -> Row:
    """Make a row from the fields of a line, or raise `TypeError` or `KeyError` if they are invalid."""
    row = Row(**fields)
    numbers = (row.noise, row.seconds, row.scores["psnr"], *row.scores.values())
    if any(type(each) not in (int, float) for each in numbers):
        raise TypeError("scores must be numbers")
    if any(type(each) is not str for each in (row.method, row.image, row.psf)):
        raise TypeError("names must be strings")
    return row


def view(image: np.ndarray) -> np.ndarray:
    """Return the center of an image as uint8, at most 256 x 256 pixels; of a volume, its middle slice.

    Parameters
    ----------
    image : numpy.ndarray
        ``(height, width)``, ``(height, width, 3)`` or ``(depth, height, width)``, shown from 0 to 1.

    Returns
    -------
    numpy.ndarray
        Two axes, or three with the color last.

    Examples
    --------
    >>> import numpy as np
    >>> view(np.ones((300, 200))).shape
    (256, 200)
    """
    if image.ndim == 3 and image.shape[-1] != 3:
        image = image[image.shape[0] // 2]
    top, left = (max(0, (size - _SIZE) // 2) for size in image.shape[:2])
    part = image[top : top + _SIZE, left : left + _SIZE]
    return np.round(np.clip(part, 0, 1) * 255).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels, gray or RGB."""
    import cv2

    return bytes(cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1])
