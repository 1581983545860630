"""What the command line says of the noise, and of the pixels that are no good."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

AUTO = "auto"

HIGHEST_LEVEL = 0.5
"""Fraction of the full range: noise beyond it leaves no picture, and is a percentage or a count given by mistake."""

_ODD_LEVEL = 0.2


def parse_noise_level(text: str, *, counts: bool = False) -> float | str | dict[str, Any] | None:
    """Read ``--noise-level``: a fraction, a percentage, ``iso:800``, a JSON file of a camera, or None for ``auto``.

    Parameters
    ----------
    text : str
        As given.
    counts : bool
        Whether the picture is one of counts, whose noise has no bound.

    Raises
    ------
    OSError, ValueError
        If it is none of these, is out of range, or the file cannot be read.

    Examples
    --------
    >>> parse_noise_level("0.01"), parse_noise_level("5%"), parse_noise_level("iso:800"), parse_noise_level("auto")
    (0.01, 0.05, 'iso:800', None)
    """
    text = text.strip()
    if text == AUTO:
        return None
    if text.lower().endswith(".json"):
        return _table(Path(text))
    if text.lower().startswith("iso:"):
        if not re.fullmatch(r"[1-9]\d{0,7}", text[4:]):
            raise ValueError(f"--noise-level iso: takes the sensitivity of the camera, as iso:800, got {text!r}")
        return f"iso:{text[4:]}"
    percent = text.endswith("%")
    level = _number(text.removesuffix("%").rstrip())
    if not 0 <= level < math.inf:
        raise ValueError(
            f"--noise-level must be auto, a fraction such as 0.02, a percentage such as 2%, iso:800 or a .json file, "
            f"got {text!r}"
        )
    if percent:
        level /= 100
    if level > HIGHEST_LEVEL and (percent or not counts):
        hint = f"; {level:g}% is {level / 100:g}" if level >= 1 and not percent else ""
        raise ValueError(f"--noise-level {text} is more than half of the full range, which is 1{hint}")
    return level


def remark_on(level: Any) -> str:
    """Return what is odd about a noise level that may still be meant; empty if nothing is."""
    if isinstance(level, float) and _ODD_LEVEL < level <= HIGHEST_LEVEL:
        return f"a noise level of {level:g} is {100 * level:g}% of the full range: more than nearly every picture has"
    return ""


def parse_background(text: str | None) -> float | str | None:
    """Read ``--background``: a number in the unit of the file, ``auto``, or None where it is not given."""
    if text is None or text == AUTO:
        return text
    value = _number(text)
    if not math.isfinite(value):
        raise ValueError(f"--background must be auto or a number in the unit of the file, got {text!r}")
    return value


def check_positive(name: str, value: float | None, *, or_zero: bool = False) -> None:
    """Raise `ValueError` unless an option is a finite number above zero, or zero, or not given."""
    if value is None or (math.isfinite(value) and (value > 0 or (or_zero and value == 0))):
        return
    raise ValueError(f"{name} must be {'a number that is not negative' if or_zero else 'positive'}, got {value:g}")


def read_mask(path: Path) -> np.ndarray:
    """Read ``--mask``: weights of the shape of the picture, 0 (black) for pixels left out, 1 (white) for those used.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, is no gray picture, or leaves nothing.
    """
    weights = _gray("--mask", path)
    if not weights.any():
        raise ValueError(f"--mask {path} is black all over: white is what is used, and nothing is")
    return weights


def read_bad_pixels(text: str | None) -> np.ndarray | str | None:
    """Read ``--bad-pixels``: ``auto``, or a gray picture in which the bad pixels are white; None where not given."""
    if text is None or text == AUTO:
        return text
    marked = _gray("--bad-pixels", Path(text)) > 0.5
    if marked.all():
        raise ValueError(f"--bad-pixels {text} is white all over: white are the bad pixels, and no good one is left")
    return marked


def _gray(option: str, path: Path) -> np.ndarray:
    """Read a gray picture with values in [0, 1]; in one of integers that are 0 and 1 only, 1 is white."""
    from deblur import photo

    try:
        picture = photo.read(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{option} {path}: No such file or directory") from error
    pixels = picture.pixels
    if picture.channel_axis is not None:
        if (pixels != pixels[..., :1]).any():
            raise ValueError(f"{option} {path} is in color; it must be a gray picture")
        pixels = pixels[..., 0]
    if not ((pixels >= 0) & (pixels <= 1)).all():
        raise ValueError(f"{option} {path} must have values from 0 (black) to 1 (white)")
    if picture.dtype.kind != "f" and 0 < pixels.max() <= 1.5 / np.iinfo(picture.dtype).max:
        return (pixels > 0).astype(np.float32)
    return pixels


def _table(path: Path) -> dict[str, Any]:
    """Read the noise of a camera from a JSON file."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"--noise-level {path}: No such file or directory") from error
    except ValueError as error:
        raise ValueError(f"--noise-level {path} is not JSON: {error}") from error
    if not isinstance(table, dict):
        raise ValueError(f"--noise-level {path} must hold a JSON object, as {{...}}, got a {type(table).__name__}")
    return table


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
