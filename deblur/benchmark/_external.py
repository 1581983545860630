"""Methods that know nothing of this library: those of other packages, and the user's, in a Python file."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ._samples import Estimate, Sample

_OF_SAMPLE = ("psf", "boundary", "channel_axis")


def load_function(path: Path, name: str) -> tuple[Callable[..., Any], str]:
    """Import a function from a Python file, and what lies beside it; return it, and a hash of the file.

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
    module = sys.modules[specification.name] = importlib.util.module_from_spec(specification)
    if (folder := str(path.parent.absolute())) not in sys.path:
        sys.path.append(folder)  # after the others, so that no file there hides a library
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
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
    """Call a function with those of the PSF, the boundary and the channel axis that it has parameters for."""
    accepted = parameters_of(function)

    def call(blurred: np.ndarray) -> Any:
        known = {name: copy.copy(getattr(sample, name)) for name in _OF_SAMPLE if name in accepted}
        try:
            return function(blurred.copy(), **(known | options))
        except SystemExit as error:
            raise RuntimeError(f"it ended the program with {error.code}") from error

    return _estimate(call(sample.blurred)) if "channel_axis" in accepted else by_channel(call, sample)


def by_channel(function: Callable[[np.ndarray], Any], sample: Sample) -> Estimate:
    """Call a function that knows no channel axis, with one channel at a time; a PSF is that of the first."""
    if sample.channel_axis is None:
        return _estimate(function(sample.blurred))
    channels = [_estimate(function(channel)) for channel in np.moveaxis(sample.blurred, sample.channel_axis, 0)]
    return Estimate(np.stack([each.image for each in channels], axis=sample.channel_axis), channels[0].psf)


def _estimate(result: Any) -> Estimate:
    """Return what a function has returned: an image, or an image and the PSF that it has found."""
    image, psf = result if isinstance(result, tuple) else (result, None)
    return Estimate(_array(image), None if psf is None else _array(psf))


def _array(values: Any) -> np.ndarray:
    array = np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values)
    if array.dtype.kind not in "buif":
        raise TypeError(f"the function must return real numbers, got {array.dtype}")
    return array
