"""Trained networks as safetensors files in half precision, with the SHA-256 sums of those that ship."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ._denoiser import Denoiser
from ._tensors import read_tensors, write_tensors
from ._udn import UDN
from ._unrolled import UnrolledHQS

_KINDS: dict[str, type[nn.Module]] = {"denoiser": Denoiser, "unrolled": UnrolledHQS, "udn": UDN}
_SUMS = "SHA256SUMS"


def pretrained(name: str) -> nn.Module:
    """Return a network that ships with the package, ready to use.

    Parameters
    ----------
    name : {"denoiser", "unrolled"}
        See the model card beside the weights, ``deblur/networks/weights/README.md``.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, float32, on the CPU.

    Raises
    ------
    ValueError
        If there is no such network, or its file is missing, truncated or changed.

    Examples
    --------
    >>> from deblur.networks import pretrained
    >>> type(pretrained("denoiser")).__name__
    'Denoiser'
    """
    folder = weights_folder()
    lines = _shipped(folder / _SUMS).decode("ascii").splitlines()
    sums = {file: digest for digest, file in map(str.split, lines)}
    file = f"{name}.safetensors"
    if file not in sums:
        known = ", ".join(each.removesuffix(".safetensors") for each in sums)
        raise ValueError(f"there are weights for {known}, not for {name!r}")
    found = hashlib.sha256(_shipped(folder / file)).hexdigest()
    if found != sums[file]:
        raise ValueError(
            f"{folder / file} is not the file that was shipped: its SHA-256 is {found}, not {sums[file]}; "
            "install the package again"
        )
    return load(folder / file)


def weights_folder() -> Path:
    """Return the folder of the weights that ship."""
    return Path(str(resources.files("deblur.networks"))) / "weights"


def _shipped(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} is missing; install the package again") from None


def load(path: str | os.PathLike[str]) -> nn.Module:
    """Read a network written by `save` or by `deblur train`.

    Parameters
    ----------
    path : path-like
        A ``.safetensors`` file.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, float32, on the CPU.

    Raises
    ------
    ValueError
        If the file is missing, damaged, or holds something else.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur.networks import UDN, load, save
    >>> net = UDN(2, width=8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "small.safetensors")
    ...     save(path, net, {"depth": 2, "width": 8})
    ...     len(load(path).layers)
    2
    """
    try:
        meta, tensors = read_tensors(path)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    kind = _KINDS.get(meta.get("kind", ""))
    if kind is None:
        raise ValueError(f"{path} holds no network of this package ({', '.join(_KINDS)})")
    try:
        with torch.device("meta"):  # no random weights to begin with, which would advance the user's random state
            model = kind(**json.loads(meta["settings"]))
        model.load_state_dict({name: t.float() for name, t in tensors.items()}, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:  # the last is torch's for differing shapes
        raise ValueError(f"{path} does not fit its settings: {str(error).splitlines()[-1].strip()}") from None
    model.eval().requires_grad_(False)
    # Convolutions in bfloat16 are twice as fast in this layout.
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def save(
    path: str | os.PathLike[str],
    model: nn.Module,
    settings: dict[str, Any],
    facts: dict[str, Any] | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a network in float16, with the settings that rebuild it and facts about its training.

    Parameters
    ----------
    path : path-like
        Where to write, ``.safetensors``.
    model : torch.nn.Module
        A `Denoiser`, an `UnrolledHQS` or a `UDN`.
    settings : dict
        Keyword arguments of its class.
    facts : dict, optional
        Facts about the training to store: steps, scores.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    TypeError
        If the network is of another class.
    OSError
        If the file exists and `overwrite` is False, or it cannot be written; no partial file is left.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur.networks import UDN, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "small.safetensors")
    ...     save(path, UDN(1, width=8), {"depth": 1, "width": 8}, {"steps": 0})
    ...     path.exists()
    True
    """
    kind = next((name for name, each in _KINDS.items() if type(model) is each), None)
    if kind is None:
        classes = ", ".join(each.__name__ for each in _KINDS.values())
        raise TypeError(f"model must be one of {classes}, got {type(model).__name__}")
    tensors = {name: t.half() if t.is_floating_point() else t for name, t in model.state_dict().items()}
    meta = {"kind": kind, "settings": json.dumps(settings), "facts": json.dumps(facts or {})}
    write_tensors(path, tensors, meta, overwrite=overwrite)
