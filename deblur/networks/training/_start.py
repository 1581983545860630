"""Trained weights as the starting point of a training, widened to a larger network where needed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import torch
from torch import nn

from deblur.networks._tensors import read_tensors
from deblur.networks._weights import load, pretrained, weights_folder

PRETRAINED = "pretrained"


@dataclass(frozen=True)
class Start:
    """Weights to start a training from, and the training that they have had.

    Attributes
    ----------
    model : torch.nn.Module
        The network.
    steps : int
        Optimizer steps so far; the training counts on from here.
    pixels : int
        Pixels of training crops so far; 0 for weights that do not say.
    """

    model: nn.Module
    steps: int
    pixels: int


def read_start(source: str | os.PathLike[str], kind: str) -> Start:
    """Read the weights that a training is to start from.

    Parameters
    ----------
    source : path-like or "pretrained"
        A file that `deblur.networks.save` or `export` wrote, or the weights of this kind that ship.
    kind : {"denoiser", "unrolled", "udn"}
        The kind of network to train.

    Returns
    -------
    Start
        To be given to a `Trainer`.

    Raises
    ------
    ValueError
        If the file is missing, damaged, or holds a network of another kind.

    Examples
    --------
    >>> from deblur.networks.training import read_start
    >>> read_start("pretrained", "denoiser").steps
    15000
    """
    is_shipped = os.fspath(source) == PRETRAINED
    model = pretrained(kind) if is_shipped else load(source)
    meta, _ = read_tensors(weights_folder() / f"{kind}.safetensors" if is_shipped else source)
    if meta["kind"] != kind:
        raise ValueError(f"{os.fspath(source)} holds weights of {meta['kind']}, not of {kind}")
    facts = json.loads(meta.get("facts", "{}"))
    return Start(model, int(facts.get("steps", 0)), int(facts.get("pixels", 0)))


@torch.no_grad()
def start_from(model: nn.Module, trained: nn.Module) -> None:
    """Copy trained weights into a network of the same or larger size, which then computes the same function.

    Channels and blocks that `trained` lacks keep their initial values, but nothing that was trained reads from them
    yet (Net2Net, Chen et al., ICLR 2016, without its duplicated units: these are new). Gradients reach them from the
    first step.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place.
    trained : torch.nn.Module
        Of the same class, with as many scales, and no wider or deeper at any of them.

    Raises
    ------
    ValueError
        If it does not fit.
    """
    mine, theirs = model.state_dict(), trained.state_dict()
    for name, value in theirs.items():
        if name not in mine or not _fits(value.shape, mine[name].shape, _growing_axes(name)):
            raise ValueError(f"the trained weights do not fit into this network: it is smaller, or another, at {name}")
    for name, value in mine.items():
        if name in theirs:
            _embed(value, theirs[name])
        elif ".second." in name:
            value.zero_()  # a residual block that the trained network lacks adds nothing at first
        elif ".first." not in name and ".shift." not in name:
            raise ValueError(f"the trained weights do not fit into this network: they lack {name}")


def _growing_axes(name: str) -> tuple[int, ...]:
    """Return the axes of a parameter along which there may be more channels: inside a U-Net, not at its two ends."""
    if not name.startswith("unet.") or name.startswith("unet.embed."):
        return ()
    return {"unet.head.weight": (0,), "unet.tail.weight": (1,), "unet.tail.bias": ()}.get(name, (0, 1))


def _fits(trained: torch.Size, wanted: torch.Size, growing: tuple[int, ...]) -> bool:
    sizes = enumerate(zip(trained, wanted, strict=False))
    return len(trained) == len(wanted) and all(a == b or (a < b and axis in growing) for axis, (a, b) in sizes)


def _embed(value: torch.Tensor, trained: torch.Tensor) -> None:
    if trained.ndim < 2:
        value[...] = trained if trained.shape == value.shape else torch.cat([trained, value[len(trained) :]])
        return
    outputs, inputs = trained.shape[:2]
    value[:outputs, inputs:] = 0  # what was trained does not see the new channels
    value[:outputs, :inputs] = trained
