"""Checkpoints: the whole state of a training in one safetensors file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deblur.networks._tensors import read_tensors, write_tensors

NAME = "checkpoint.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq")


def save(
    folder: Path,
    recipe: dict[str, Any],
    counts: dict[str, int],
    model: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.AdamW,
) -> None:
    """Write a checkpoint, replacing the last one only when the new one is complete."""
    tensors = {f"model/{name}": p for name, p in model.state_dict().items()}
    tensors |= {f"averaged/{name}": p for name, p in averaged.state_dict().items()}
    for name, parameter in model.named_parameters():
        for moment in _MOMENTS if parameter in optimizer.state else ():
            tensors[f"{moment}/{name}"] = optimizer.state[parameter][moment]
    meta = {"recipe": json.dumps(recipe), **{name: str(count) for name, count in counts.items()}}
    write_tensors(folder / NAME, tensors, meta, overwrite=True)


def load(
    folder: Path, recipe: dict[str, Any], model: nn.Module, averaged: nn.Module, optimizer: torch.optim.AdamW
) -> dict[str, int]:
    """Fill the model, its average and the optimizer from a checkpoint; return the counts ``step`` and ``pixels``.

    Raises
    ------
    ValueError
        If the file is damaged, or is of another training.
    """
    meta, tensors = read(folder)
    stored = json.loads(meta["recipe"])
    names = (recipe.keys() | stored.keys()) - {"steps"}  # the length may change, the task may not
    different = sorted(key for key in names if recipe.get(key) != stored.get(key))
    if different:
        key = different[0]
        raise ValueError(f"{folder} holds another training: its {key} is {stored.get(key)}, not {recipe.get(key)}")
    model.load_state_dict(part(tensors, "model"))
    averaged.load_state_dict(part(tensors, "averaged"))
    counts = {"step": int(meta["step"]), "pixels": int(meta.get("pixels", 0))}
    updates = float(counts["step"] - recipe["first_step"])  # that this optimizer has made
    for name, parameter in model.named_parameters():
        if f"{_MOMENTS[0]}/{name}" in tensors:
            # In the memory layout that the optimizer would choose: another order of sums is not bit-identical.
            moments = {m: torch.empty_like(parameter).copy_(tensors[f"{m}/{name}"]) for m in _MOMENTS}
            optimizer.state[parameter] = {"step": torch.tensor(updates), **moments}
    return counts


def branch(folder: Path, recipe: dict[str, Any], output: Path) -> None:
    """Copy the checkpoint of a folder into another, under a new recipe."""
    meta, tensors = read(folder)
    output.mkdir(parents=True, exist_ok=True)
    write_tensors(output / NAME, tensors, meta | {"recipe": json.dumps(recipe)}, overwrite=False)


def read(folder: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Return the metadata and the tensors of the checkpoint in a folder.

    Raises
    ------
    ValueError
        If there is none, or the file is damaged or something else.
    """
    path = folder / NAME
    try:
        meta, tensors = read_tensors(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"no training to resume in {folder}: it has no {NAME}") from None
    if not {"recipe", "step"} <= meta.keys():
        raise ValueError(f"{path} is no checkpoint of a training")
    return meta, tensors


def part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Return the tensors of one part of a checkpoint: ``model`` or ``averaged``."""
    return {name.removeprefix(f"{prefix}/"): t for name, t in tensors.items() if name.startswith(f"{prefix}/")}
