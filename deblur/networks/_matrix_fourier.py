"""Two-dimensional Fourier transforms as products with cosine and sine matrices, for runtimes without an FFT.

Few runtimes of ONNX have its operator DFT. With that of onnxruntime a network took several times as long as with
matrices on images of 50 x 60 pixels, and its result was ten times as far from torch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

Shape = Sequence[int]


def decompositions() -> dict[Any, Callable[..., torch.Tensor]]:
    """Return the table for `torch.export.ExportedProgram.run_decompositions`: real transforms as matrix products."""
    return {torch.ops.aten.fft_rfftn.default: rfft2, torch.ops.aten.fft_irfftn.default: irfft2}


def rfft2(
    x: torch.Tensor, s: Shape | None = None, dim: Shape | None = (-2, -1), norm: str | None = None
) -> torch.Tensor:
    """Return ``torch.fft.rfftn(x, s, dim, norm)`` for the last two axes, not scaled."""
    _check(x, dim, norm)
    height, width = x.shape[-2:] if s is None else s
    x = functional.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]))
    cosine, sine = _waves(width, x)
    real, imaginary = (x @ wave[:, : width // 2 + 1] for wave in (cosine, -sine))
    return torch.complex(*_along_columns(real, imaginary, 1))


def irfft2(spectrum: torch.Tensor, s: Shape, dim: Shape | None = (-2, -1), norm: str | None = None) -> torch.Tensor:
    """Return ``torch.fft.irfftn(spectrum, s, dim, norm)`` for the last two axes, divided by the size."""
    _check(spectrum, dim, norm)
    (height, width), parts = s, torch.view_as_real(spectrum)
    real, imaginary = _along_columns(parts[..., 0], parts[..., 1], -1)
    cosine, sine = _waves(width, real)
    column = torch.arange(width // 2 + 1, device=real.device)
    is_single = (column == 0) | (2 * column == width)  # all others stand for their mirror images too
    share = torch.where(is_single, 1.0, 2.0).to(real)[:, None] / (height * width)
    return real @ (share * cosine[: len(share)]) - imaginary @ (share * sine[: len(share)])


def _along_columns(real: torch.Tensor, imaginary: torch.Tensor, sign: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Transform the second-last axis of a complex array, forward (1) or back (-1), without scaling."""
    cosine, sine = _waves(real.shape[-2], real)
    sine = sign * sine
    return cosine @ real + sine @ imaginary, cosine @ imaginary - sine @ real


def _waves(size: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    index = torch.arange(size, device=like.device)
    angle = (index[:, None] * index % size).double() * (2 * torch.pi / size)
    return angle.cos().to(like), angle.sin().to(like)


def _check(x: torch.Tensor, dim: Shape | None, norm: str | None) -> None:
    if dim is None or sorted(axis % x.ndim for axis in dim) != [x.ndim - 2, x.ndim - 1] or norm is not None:
        raise NotImplementedError(
            f"only plain transforms of the last two axes have a matrix form here, got {dim}, {norm}"
        )
