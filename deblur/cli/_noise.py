"""What the command line says of the noise, and of the pixels that are no good; what it means, the policy decides."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from deblur.cli._errors import in_options

if TYPE_CHECKING:
    import numpy as np

AUTO = "auto"


def parse_noise(noise_level: str, gain: float | None = None, read_noise: float | None = None) -> str | None:
    """Check ``--noise-level``, ``--gain`` and ``--read-noise``; return the first as the policy takes it.

    Parameters
    ----------
    noise_level : str
        A fraction, a percentage, ``iso:800``, a JSON file, or ``auto``, for which None is returned.
    gain, read_noise : float, optional
        Electrons per count, and electrons.

    Raises
    ------
    OSError, ValueError
        If one is wrong, or they do not go together.

    Examples
    --------
    >>> parse_noise("auto"), parse_noise(" 5%"), parse_noise("iso:800")
    (None, '5%', 'iso:800')
    """
    text = noise_level.strip()
    given = None if text == AUTO else text
    if given is None and gain is None and read_noise is None:
        return None
    from deblur.restoration._noise import noise_of_source  # after the quick checks, for it loads all that computes

    try:
        level = noise_of_source(given, None, gain=gain, read_noise=read_noise).level
    except ValueError as error:
        raise ValueError(in_options(str(error))) from None
    if isinstance(level, float) and not 0 <= level < math.inf:
        raise ValueError(f"--noise-level must be a number that is not negative, got {text!r}")
    is_file = text.lower().endswith(".json")
    return str(Path(text).absolute()) if is_file else given  # for processes in other folders


def parse_background(text: str | None) -> float | str | None:
    """Read ``--background``: a number in the unit of the file, ``auto``, or None where it is not given."""
    if text is None or text == AUTO:
        return text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"--background must be auto or a number in the unit of the file, got {text!r}")
    return value


def read_mask(path: Path) -> np.ndarray:
    """Read ``--mask``: true for the pixels that are used, which are white, false for those left out, which are black.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, is no gray picture, or leaves nothing.
    """
    used = _white_in("--mask", path)
    if not used.any():
        raise ValueError(f"--mask {path} is black all over, and leaves no pixel to restore: white ones are used")
    return used


def read_bad_pixels(text: str | None) -> np.ndarray | str | None:
    """Read ``--bad-pixels``: ``auto``, or a gray picture in which the bad pixels are white; None where not given."""
    if text is None or text == AUTO:
        return text
    bad = _white_in("--bad-pixels", Path(text))
    if bad.all():
        raise ValueError(f"--bad-pixels {text} is white all over, and leaves no good pixel: white ones are bad")
    return bad


def _white_in(option: str, path: Path) -> np.ndarray:
    """Return where a gray picture is nearer to white than to black; in one of zeros and ones, 1 is white."""
    import numpy as np

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
        return np.asarray(pixels > 0)
    return np.asarray(pixels > 0.5)
