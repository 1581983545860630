"""What is said about the noise: by the user, by the file, or by its pixels."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from deblur._core.errors import reading
from deblur.nonblind import NoiseModel
from deblur.photo import GRID_SIDE, Compression, Photo, compression_of

# A sensor of 4 micrometer pixels: electrons that fill a pixel at ISO 100, and read noise in electrons, of which half
# remain at high ISO (photonstophotos.net lists 20,000 to 60,000 and 1.5 to 5 for cameras since 2012).
_FULL_WELL, _READ_NOISE = 40_000.0, 3.0
_ISO = (25, 4_000_000)
_AGAIN = 1.3  # times the steps of the file, those that its pixels show are of an earlier compression
_ODD, _ABSURD = 0.2, 0.5  # of the range: more noise than any photograph has, and than a picture survives


class Noise(NamedTuple):
    """What is passed on as `noise_level`, where it comes from, and a remark."""

    level: Any
    source: str
    note: str = ""


ESTIMATED = Noise(None, "estimated")


def noise_of_source(
    given: Any,
    compression: Compression | None,
    *,
    gain: float | None = None,
    read_noise: float | None = None,
    unit: float = 1.0,
    is_fraction: bool = False,
) -> Noise:
    """Return what to pass on as `noise_level`.

    Parameters
    ----------
    given : float, array, str, mapping, path-like, NoiseModel or None
        As given: a level; ``"5%"``; ``"iso:800"``; a JSON file, or its content (see `parse_table`); None or ``"auto"``
        to estimate it.
    compression : Compression, optional
        How strongly the source was compressed, for a level that is estimated.
    gain : float, optional
        Electrons per count, of which photon noise follows.
    read_noise : float, optional
        Electrons.
    unit : float
        The number of counts that stand for 1.
    is_fraction : bool
        Whether a level is a fraction of the full range, which 1 exceeds.

    Raises
    ------
    TypeError, ValueError
        If the level is none, or absurd; one line that says what is accepted.
    """
    if gain is not None or read_noise is not None:
        return _of_detector(given, gain, read_noise, unit)
    if given is None or (isinstance(given, str) and given == "auto"):
        return _estimated(compression)
    if isinstance(given, bool):
        raise TypeError(f"noise_level must be a number, got {given!r}")
    if isinstance(given, NoiseModel):
        return Noise(given, "as given")
    if isinstance(given, Mapping):
        return Noise(parse_table(given), "table")
    if isinstance(given, str | os.PathLike):
        return _of_text(os.fspath(given), is_fraction)
    return Noise(given, "as given", _checked(given, is_fraction))


def array_compression(image: Any, channel_axis: int | None) -> Compression | None:
    """Return the compression that an array of 8-bit samples shows, if it is one picture.

    Parameters
    ----------
    image : array-like
        Anything with a shape, a dtype and slicing.
    channel_axis : int, optional
        Axis of the channels.
    """
    kind = str(image.dtype).removeprefix("torch.")
    if kind not in ("uint8", "float32", "float64") or len(image.shape) != 2 + (channel_axis is not None):
        return None
    window = [slice(max(0, (size - GRID_SIDE) // 2), (size + GRID_SIDE) // 2) for size in image.shape]
    if channel_axis is not None:
        window[channel_axis] = slice(None)
    part = image[tuple(window)]
    samples = np.asarray(part.detach().cpu() if isinstance(part, torch.Tensor) else part)
    if kind != "uint8" and not _has_8_bits(samples):
        return None
    return compression_of(samples if channel_axis is None else np.moveaxis(samples, channel_axis, -1))


def photo_compression(photo: Photo) -> Compression | None:
    """Return how strongly a photograph was compressed: by its file, or by its pixels if they were a JPEG before."""
    if photo.dtype != np.uint8 or photo.is_stack:
        return photo.compression
    return _stronger(photo.compression, compression_of(photo.pixels))


def _stronger(tables: Compression | None, grid: Compression | None) -> Compression | None:
    """Return the compression that has done more harm: a file may have been compressed before, more strongly."""
    if tables is None or grid is None:
        return tables or grid
    return grid if grid.luminance > _AGAIN * tables.luminance else tables


def _has_8_bits(samples: np.ndarray) -> bool:
    """Return whether floating samples are integers of 8 bits divided by 255."""
    steps = 255 * samples
    with np.errstate(invalid="ignore"):
        return bool((np.abs(steps - np.rint(steps)) < 1e-3).all() and samples.min() >= 0 and samples.max() <= 1)


def is_integer(dtype: Any) -> bool:
    """Return whether a type of NumPy or torch is one of integers, which are scaled to [0, 1]."""
    return "int" in str(dtype)


def parse_table(table: Mapping[str, Any]) -> NoiseModel:
    """Return the noise model in a table.

    Parameters
    ----------
    table : mapping
        Either ``{"white": s, "shot": a}``, for a variance of ``s**2 + a x`` at the mean x; or ``{"levels": [[x, s],
        ...]}``, measured standard deviations s at means x, to which that is fitted. All on the scale [0, 1].

    Raises
    ------
    ValueError
        If it has other keys or values.
    """
    if set(table) == {"levels"}:
        points = np.asarray(table["levels"], float)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all() or (points < 0).any():
            raise ValueError("levels must be pairs of a mean and a standard deviation, none negative")
        from scipy.optimize import nnls

        white, shot = nnls(np.stack([np.ones(len(points)), points[:, 0]], 1), points[:, 1] ** 2)[0]
        return NoiseModel(white=math.sqrt(white), shot=float(shot))
    if not set(table) or not set(table) <= {"white", "shot"}:
        raise ValueError(f'a noise table has "white" and "shot", or "levels"; got {", ".join(map(repr, table))}')
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} must be a number, got {value!r}")
    return NoiseModel(white=float(table.get("white", 0.0)), shot=float(table.get("shot", 0.0)))


def of_iso(iso: float) -> NoiseModel:
    """Return the noise of a typical camera at an ISO speed, in linear light on the scale [0, 1]."""
    if not _ISO[0] <= iso <= _ISO[1]:
        raise ValueError(f"an ISO speed is {_ISO[0]} to {_ISO[1]}, got {iso:g}")
    electrons = _FULL_WELL * 100 / iso
    return NoiseModel(white=_READ_NOISE / electrons, shot=1 / electrons)


def _estimated(compression: Compression | None) -> Noise:
    if compression is None:
        return ESTIMATED
    model = NoiseModel(
        luminance=compression.luminance, chrominance=compression.chrominance, sampling=compression.sampling
    )
    return Noise(model, f"estimated, and {compression.origin}")


def _of_detector(given: Any, gain: float | None, read_noise: float | None, unit: float) -> Noise:
    if given is not None and given != "auto":
        raise ValueError("noise_level goes with neither gain nor read_noise, which it follows from: leave it out")
    for name, value in (("gain", gain), ("read_noise", read_noise)):
        if value is not None and not (_is_number(value) and 0 <= value < math.inf):
            raise ValueError(f"{name} must be a number that is not negative, got {value!r}")
    if not gain:
        raise ValueError("gain must be positive, in electrons per count; without it no noise follows from read_noise")
    white = None if read_noise is None else read_noise / (gain * unit)
    return Noise(NoiseModel(white=white, shot=1 / (gain * unit)), "gain of the detector")


def _of_text(text: str, is_fraction: bool) -> Noise:
    if text.lower().startswith("iso:"):
        speed = _number(text[4:])
        if speed is None:
            raise ValueError(f"noise_level must be like iso:800, got {text!r}")
        return Noise(of_iso(speed), f"typical of ISO {speed:g}")
    if text.lower().endswith(".json"):
        path = Path(text)
        with reading(path, 'it is not a noise table, such as {"white": 0.002, "shot": 0.0001}'):
            table = json.loads(path.read_text(encoding="utf-8"))
            return Noise(parse_table(table if isinstance(table, dict) else {"": table}), f"table {path.name}")
    percent = text.rstrip().endswith("%")
    level = _number(text.rstrip().rstrip("%"))
    if level is None:
        raise ValueError(f"noise_level must be auto, a number, a percentage, iso:N or a .json file, got {text!r}")
    level = level / 100 if percent else level
    return Noise(level, "as given", _checked(level, is_fraction or percent))


def _checked(level: Any, is_fraction: bool) -> str:
    """Raise an error for an absurd level, and return a remark on an odd one."""
    if not is_fraction or not _is_number(level):
        return ""
    if level > _ABSURD:
        hint = f"{level:g}% is {level / 100:g}" if 1 <= level <= 50 else "0.01 is usual"
        raise ValueError(f"noise_level is a fraction of the full range, at most {_ABSURD}, got {level:g}; {hint}")
    return f"a noise level of {level:g} is more than photographs have; 0.01 is usual" if level > _ODD else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
