"""Atomic reading and writing of safetensors files."""

from __future__ import annotations

import os

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from deblur._core.atomic import atomic_path


def write_tensors(
    path: str | os.PathLike[str], tensors: dict[str, torch.Tensor], meta: dict[str, str], *, overwrite: bool
) -> None:
    """Write tensors and metadata to a temporary file, and replace the target by it.

    Raises
    ------
    OSError
        If the file cannot be written, or exists and `overwrite` is False.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path, overwrite=overwrite) as temporary:
        mode = temporary.stat().st_mode
        try:
            save_file(plain, temporary, meta)
        except SafetensorError as error:  # the library's error for a full disk
            raise OSError(f"cannot write {path}: {error}") from None
        temporary.chmod(mode)  # the library makes the file readable by its owner only


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Return the metadata and the tensors of a file.

    Raises
    ------
    ValueError
        If it is not a whole safetensors file.
    OSError
        If it cannot be read.
    """
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, or is no safetensors file: {error}") from None
