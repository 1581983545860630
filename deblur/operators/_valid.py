"""Implementations of the valid convolution of a bank of kernels, and of its two adjoints.

All take the continued input e, ``(batch, lead, in, *space)``, kernels ``(lead, out, in, *kernel)`` and the result
y, ``(batch, lead, out, *space)``, where `lead` counts independent banks, and agree with

    y[o, n] = sum_i sum_j kernel[o, i, j] e[i, n + kernel_size - 1 - j].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from ._bilinear import full_correlation, valid_convolution
from ._shapes import fast_size


class Backend(NamedTuple):
    """A valid convolution, its adjoint in e, and its adjoint in the kernels."""

    forward: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    adjoint: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    kernel_adjoint: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


# -- the convolution of torch, one group per bank


def _conv_forward(e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    y = valid_convolution(e.flatten(1, 2), kernel.flatten(0, 1), groups=len(kernel))
    return y.unflatten(1, kernel.shape[:2])


def _conv_adjoint(y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    swapped = kernel.transpose(1, 2)
    return full_correlation(y.flatten(1, 2), swapped.flatten(0, 1), groups=len(kernel)).unflatten(1, swapped.shape[:2])


def _conv_kernel_adjoint(e: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    # With channels and batch exchanged, the sum over the batch is a convolution's sum over channels.
    ndim, lead = e.ndim - 3, e.shape[1]
    axes = tuple(range(-ndim, 0))
    images, data = e.movedim(0, 2).movedim(1, 0), y.permute(1, 2, 0, *axes)
    kernel = valid_convolution(images.flatten(1, 2), data.flatten(0, 1).flip(axes), groups=lead).flip(axes)
    return kernel.unflatten(1, (lead, -1)).movedim(0, 2)


# -- a matrix product with all shifts of e: the fastest when there are many channels


def shifts(e: torch.Tensor, kernel_shape: Sequence[int]) -> torch.Tensor:
    """Return ``(batch, lead, in * prod(kernel_shape), prod(space))`` with the shifted copies of e as rows."""
    ndim = len(kernel_shape)
    for i, k in enumerate(kernel_shape):
        axis = e.ndim - ndim + i
        n = e.shape[axis] - k + 1
        e = torch.stack([e.narrow(axis, k - 1 - j, n) for j in range(k)], dim=3 + i)
    return e.flatten(-ndim).flatten(2, -2)


def fold(rows: torch.Tensor, kernel_shape: Sequence[int], space: Sequence[int]) -> torch.Tensor:
    """Adjoint of `shifts`: add every row back where it was read."""
    x = rows.unflatten(-1, tuple(space)).unflatten(2, (-1, *kernel_shape))
    for left, k in zip(range(len(kernel_shape), 0, -1), kernel_shape, strict=True):
        n = x.shape[3 + left]
        parts = x.unbind(3)
        x = x.new_zeros(*parts[0].shape[: 2 + left], n + k - 1, *parts[0].shape[3 + left :])
        for j, part in enumerate(parts):
            x.narrow(2 + left, k - 1 - j, n).add_(part)
        x = x.movedim(2 + left, -1)
    return x


def _gemm_forward(e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    space = [n - k + 1 for n, k in zip(e.shape[3:], kernel.shape[3:], strict=True)]
    return (kernel.flatten(2) @ shifts(e, kernel.shape[3:])).unflatten(-1, space)


def _gemm_adjoint(y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return fold(kernel.flatten(2).mT @ y.flatten(3), kernel.shape[3:], y.shape[3:])


def _gemm_kernel_adjoint(e: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    kernel_shape = [n - m + 1 for n, m in zip(e.shape[3:], y.shape[3:], strict=True)]
    rows, data = shifts(e, kernel_shape), y.flatten(3)
    kernel = (data @ rows.mT)[0] if len(e) == 1 else torch.einsum("blon,blin->loi", data, rows)
    return kernel.unflatten(-1, (e.shape[2], *kernel_shape))


# -- short transforms along one axis: for very long kernels


def _block(kernel_size: int, samples: int) -> int:
    return fast_size(min(8 * kernel_size, samples + kernel_size - 1))


def _blocks(e: torch.Tensor, size: int, hop: int, count: int) -> torch.Tensor:
    """Return the spectra of `count` blocks of `size` samples, `hop` apart: (..., count, frequencies)."""
    e = torch.nn.functional.pad(e, (0, (count - 1) * hop + size - e.shape[-1]))
    return torch.fft.rfft(e.unfold(-1, size, hop))


def _save_forward(e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    kernel_size = kernel.shape[-1]
    samples = e.shape[-1] - kernel_size + 1
    size = _block(kernel_size, samples)
    hop = size - kernel_size + 1
    spectra = _blocks(e, size, hop, -(-samples // hop))
    product = torch.einsum("blicx,loix->blocx", spectra, torch.fft.rfft(kernel, n=size))
    return torch.fft.irfft(product, n=size)[..., kernel_size - 1 :].flatten(-2)[..., :samples]


def _save_adjoint(y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    kernel_size = kernel.shape[-1]
    framed = torch.nn.functional.pad(y, (kernel_size - 1, kernel_size - 1))
    return _save_forward(framed, kernel.transpose(1, 2).flip(-1))


def _save_kernel_adjoint(e: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    samples = y.shape[-1]
    kernel_size = e.shape[-1] - samples + 1
    size = _block(kernel_size, samples)
    hop = size - kernel_size + 1
    count = -(-samples // hop)
    data = torch.nn.functional.pad(y, (0, count * hop - samples)).unflatten(-1, (count, hop))
    product = torch.einsum(
        "blicx,blocx->loix", _blocks(e, size, hop, count), torch.fft.rfft(data, n=size).conj().resolve_conj()
    )
    return torch.fft.irfft(product, n=size)[..., :kernel_size].flip(-1)


BACKENDS = {
    "direct": Backend(_conv_forward, _conv_adjoint, _conv_kernel_adjoint),
    "gemm": Backend(_gemm_forward, _gemm_adjoint, _gemm_kernel_adjoint),
    "overlap-save": Backend(_save_forward, _save_adjoint, _save_kernel_adjoint),
}
