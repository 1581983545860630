"""Methods of the user's own, in a Python file: other people's networks, whose code and weights cannot ship."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ._samples import Estimate, Sample

_OF_SAMPLE = ("psf", "boundary", "channel_axis")


def load_function(path: Path, name: str) -> tuple[Callable[..., Any], str]:
    """Import a function from a Python file; return it, and a hash of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be imported, or has no such function.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; a method of your own is FILE.py:FUNCTION")
    specification = importlib.util.spec_from_file_location(f"deblur_benchmark_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise ValueError(f"{path} is not a Python file; a method of your own is FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        names = [each for each, value in vars(module).items() if inspect.isfunction(value) and not each.startswith("_")]
        raise ValueError(f"{path} has no function {name!r}; it has {', '.join(names) or 'none'}")
    return function, hashlib.sha256(path.read_bytes()).hexdigest()


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's parameters after the first, which is the blurred picture."""
    return list(inspect.signature(function).parameters)[1:]


def restore_with(function: Callable[..., Any], options: dict[str, Any], sample: Sample) -> Estimate:
    """Call a function with what it asks for by name; without a channel axis, one channel at a time."""
    accepted = parameters_of(function)
    known = {name: getattr(sample, name) for name in _OF_SAMPLE if name in accepted}
    call = partial(function, **(known | options))
    if sample.channel_axis is None or "channel_axis" in accepted:
        return _estimate(call(sample.blurred))
    channels = [_estimate(call(channel)) for channel in np.moveaxis(sample.blurred, sample.channel_axis, 0)]
    return Estimate(np.stack([each.image for each in channels], axis=sample.channel_axis), channels[0].psf)


def _estimate(result: Any) -> Estimate:
    """Return what a function has returned: an image, or an image and the PSF that it has found."""
    image, psf = result if isinstance(result, tuple) else (result, None)
    return Estimate(np.asarray(image), None if psf is None else np.asarray(psf))
