"""A figure of templates and activations."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .separation import Separation
from .spectrogram import Spectrogram


def save(path: Path, parts: Separation[Any], rate: int, transform: Spectrogram) -> bool:
    """Plot the factors to a file, if matplotlib is installed.

    Returns
    -------
    bool
        Whether the file was written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    W, H = parts.W.cpu(), parts.H.cpu()
    rank, seconds = len(parts.names), transform.hop / rate
    figure = Figure(figsize=(10, 1 + 1.6 * rank), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rank, 2, width_ratios=[1, 4], squeeze=False, sharex="col")
    for r, (name, (left, right)) in enumerate(zip(parts.names, axes, strict=True)):
        decibels = 20 * torch.log10(W[:, r] / W[:, r].max().clamp_min(1e-30) + 1e-4).numpy()
        extent = (0, 1e3 * seconds * W.shape[2], 0, rate / 2e3)
        left.imshow(decibels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-80, vmax=0)
        left.set_ylabel(f"{name}\nkHz")
        right.plot(np.arange(H.shape[1]) * seconds, H[r].numpy(), color="black", linewidth=0.8)
        right.set_yticks([])
        right.margins(x=0)
        right.set_ylim(bottom=0)
    axes[0, 0].set_title("template (dB)")
    axes[0, 1].set_title("activation")
    axes[-1, 0].set_xlabel("ms")
    axes[-1, 1].set_xlabel("s")
    figure.savefig(path, dpi=110)
    return True
