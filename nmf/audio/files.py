"""Reading and writing of sound files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from deblur._core.extras import needs_extra
from nmf.arrays import Array


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Read a sound file: wav, flac, ogg, mp3 and all other formats of libsndfile.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    samples : numpy.ndarray
        float32 in [-1, 1], shape ``(samples,)``, or ``(channels, samples)`` with several channels.
    rate : int
        Samples per second.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is not a sound file, or it has no samples.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from nmf import audio
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(800) / 8000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "tone.wav")
    ...     audio.write(path, tone, 8000)
    ...     samples, rate = audio.read(path)
    >>> samples.shape, rate, bool(abs(samples - tone).max() < 1e-6)
    ((800,), 8000, True)
    """
    with needs_extra("audio", "reading and writing sound files"):
        import soundfile

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: cannot be read as sound ({error.error_string.rstrip('.')})") from None
    if len(samples) == 0:
        raise ValueError(f"{path}: has no samples")
    return np.ascontiguousarray(samples.T if samples.shape[1] > 1 else samples[:, 0]), int(rate)


def write(path: str | Path, samples: Array, rate: int) -> None:
    """Write a sound file in the format of its suffix; 32-bit float for wav, so that nothing is clipped.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; replaced if it exists.
    samples : numpy.ndarray or torch.Tensor
        Shape ``(samples,)`` or ``(channels, samples)``.
    rate : int
        Samples per second, positive.

    Raises
    ------
    ValueError
        If the suffix is not a known format, or the rate is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf import audio
    >>> audio.write("noise.txt", np.zeros(100), 8000)
    Traceback (most recent call last):
    ...
    ValueError: noise.txt: unknown sound format; use .wav, .flac or .ogg

    `read` has an example of a written file.
    """
    with needs_extra("audio", "reading and writing sound files"):
        import soundfile

    target = Path(path)
    kind = target.suffix.lstrip(".").upper()
    if kind not in soundfile.available_formats():
        raise ValueError(f"{path}: unknown sound format; use .wav, .flac or .ogg")
    if not rate > 0:
        raise ValueError(f"rate must be positive, got {rate}")
    handle, name = tempfile.mkstemp(suffix=target.suffix, prefix=f".{target.stem}-", dir=target.parent)
    os.close(handle)
    try:
        soundfile.write(name, np.asarray(samples).T, rate, subtype="FLOAT" if kind == "WAV" else None, format=kind)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
