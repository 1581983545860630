"""The policies of arrays and of files: what a source says of itself, and what the user says against it."""

from __future__ import annotations

import math
import numbers
import os
from typing import Any

import numpy as np

from deblur.photo import Compression
from deblur.psf import PsfFile, read
from deblur.restoration._kinds import Kind
from deblur.restoration._noise import array_compression, is_integer, noise_of_source
from deblur.restoration._policy import Policy, policy_for


def array_policy(
    image: Any, psf: Any, *, channel_axis: int | None, noise_level: Any, psf_batch: int = 0, **overrides: Any
) -> Policy:
    """Decide what restoring an array means.

    Parameters
    ----------
    image : array-like
        Anything with a shape, a dtype and slicing.
    psf, psf_batch, **overrides
        See `policy_for`.
    channel_axis : int or None
        Axis of the channels.
    noise_level
        As given by the user, see `noise_of_source`.
    """
    compression = None if psf_batch else array_compression(image, channel_axis)
    noise = noise_of_source(noise_level, compression, is_fraction=is_integer(image.dtype))
    return policy_for("array", image.dtype, psf, psf_batch=psf_batch, noise=noise, **overrides)


def file_policy(
    kind: tuple[Kind, str],
    dtype: np.dtype,
    psf: Any,
    *,
    encoded: bool,
    compression: Compression | None,
    noise_level: Any,
    gain: float | None,
    read_noise: float | None,
    **overrides: Any,
) -> Policy:
    """Decide what restoring a file means.

    Parameters
    ----------
    kind : tuple of str
        What it is, and the evidence for that.
    dtype : numpy.dtype
        Type of its samples.
    psf, encoded, **overrides
        See `policy_for`.
    compression : Compression or None
        How strongly it was compressed.
    noise_level, gain, read_noise
        As given by the user, see `noise_of_source`.

    Raises
    ------
    ValueError
        If what is given is for files of another kind.
    """
    decided, reason = kind
    if (gain is not None or read_noise is not None) and decided == "photo" and encoded:
        raise ValueError(
            f"gain and read_noise are for counts, and this is a photograph ({reason}); kind counts overrules"
        )
    unit = counts_per_unit(dtype)
    noise = noise_of_source(
        noise_level, compression, gain=gain, read_noise=read_noise, unit=unit, is_fraction=is_integer(dtype)
    )
    return policy_for(decided, dtype, psf, encoded=encoded, kind_reason=reason, noise=noise, **overrides)


def background_option(background: Any, policy: Policy, method: str, unit: float) -> dict[str, Any]:
    """Return the option of a method for a background in the unit of a file; none where it is not given.

    Raises
    ------
    ValueError
        If it is negative or no number, or the default method for the file takes none.
    """
    if background is None:
        return {}
    if policy.kind == "photo" and method == "auto":
        why = policy.kind_reason
        raise ValueError(f"background is for counts, and this is a photograph ({why}); kind counts overrules")
    if isinstance(background, str) and background == "auto":
        return {"background": background}
    is_number = isinstance(background, numbers.Real) and not isinstance(background, bool)
    if not is_number or not 0 <= background < math.inf:
        raise ValueError(f"background must be 'auto' or a number that is not negative, got {background!r}")
    return {"background": background / unit}


def counts_per_unit(dtype: np.dtype) -> float:
    """Return the value in a file that restoration scales to 1: the largest of an integer type."""
    return float(np.iinfo(dtype).max) if is_integer(dtype) else 1.0


def opened_psf(psf: Any) -> tuple[Any, Any]:
    """Return a PSF as `policy_for` takes it, read if it is the path of a file, and its array."""
    psf = read(psf) if isinstance(psf, str | os.PathLike) else psf
    return psf, psf.psf if isinstance(psf, PsfFile) else psf
