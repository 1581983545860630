"""Blurs that vary over the image or with depth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch

from deblur._core.arrays import as_float_tensor

from ._bank import ConvolutionBank
from ._convolution import Convolution
from ._linear import LinearOperator, Shape, as_shape


class ProductConvolution(LinearOperator):
    """``y = sum_i psfs[i] * (weights[i] x)``: a blur that varies, as a few convolutions of products.

    Any smoothly varying blur is nearly of this form, with few terms (Escande and Weiss, SIAM J. Imaging Sci. 2017):
    weights that interpolate between measured PSFs, or the factors of a singular value decomposition of all of them.

    Parameters
    ----------
    psfs : numpy.ndarray or torch.Tensor
        Shape ``(terms, *kernel)``.
    weights : numpy.ndarray or torch.Tensor
        Shape ``(terms, *shape)``; where they sum to 1 and all PSFs are one, this is the convolution with it.
    boundary, center
        As for `Convolution`.
    method : {"auto", "direct", "fft"}
        Implementation of the convolutions.

    Raises
    ------
    ValueError
        If the numbers of terms or of axes differ, or an option does not fit.

    See Also
    --------
    TiledConvolution : One PSF for each part of the picture; cheaper where there are many.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import ProductConvolution
    >>> left = np.array([1.0, 1.0, 0.0, 0.0])
    >>> A = ProductConvolution(np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]), np.stack([left, 1 - left]), "zero")
    >>> A(np.array([1.0, 0.0, 2.0, 0.0]))
    array([1., 1., 0., 1.])
    """

    def __init__(
        self,
        psfs: Any,
        weights: Any,
        boundary: str = "circular",
        *,
        center: int | Sequence[int] | None = None,
        method: str = "auto",
    ) -> None:
        kernels, factors = as_float_tensor(psfs, "psfs")[0], as_float_tensor(weights, "weights")[0]
        if kernels.ndim != factors.ndim or len(kernels) != len(factors) or kernels.ndim < 2:
            raise ValueError(
                "psfs and weights must have as many terms and axes, (terms, *kernel_shape) and (terms, *shape), got "
                f"{tuple(kernels.shape)} and {tuple(factors.shape)}"
            )
        shape = tuple(factors.shape[1:])
        self._bank = ConvolutionBank(kernels[None], shape, boundary, center=center, method=method)
        super().__init__(shape, self._bank.range_shape[1:])
        self._weights = factors.clone()

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        axis = x.ndim - len(self.domain_shape)
        return self._bank._forward(x.unsqueeze(axis) * self._weights.to(x)).squeeze(axis)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        axis = y.ndim - len(self.range_shape)
        return (self._bank._adjoint(y.unsqueeze(axis)) * self._weights.to(y)).sum(axis)


class TiledConvolution(LinearOperator):
    """``y = sum_i K_i W_i x``: a PSF for each part of the picture, or for each depth, with smooth windows between them.

    The windows W_i are squared cosines that go over from the middle of one part to the middle of the next and sum to 1
    (Nagy and O'Leary, SIAM J. Sci. Comput. 1998); each is blurred by itself, so that the cost hardly grows with the
    number of parts.

    Parameters
    ----------
    psfs : numpy.ndarray or torch.Tensor
        Shape ``(*tiles, *kernel)``, as many tile axes as kernel axes: the PSF of each tile of a regular grid.
        ``(n, 1, 1, *kernel)`` is a volume whose PSF varies with the depth.
    shape : sequence of int
        Spatial shape of x: one to three axes.
    boundary : {"zero", "valid", "full"}
        How x continues outside, as for `Convolution`.
    method : {"auto", "direct", "fft"}
        Implementation of the convolutions.

    Raises
    ------
    ValueError
        If the axes do not fit, there are more tiles than samples, or an option does not fit.

    Examples
    --------
    A stack whose lower planes are blurred:

    >>> import numpy as np
    >>> from deblur.operators import TiledConvolution
    >>> psfs = np.zeros((2, 1, 1, 1, 1, 3))
    >>> psfs[0, ..., 1] = 1
    >>> psfs[1] = 1 / 3
    >>> A = TiledConvolution(psfs, (4, 1, 3))
    >>> x = np.zeros((4, 1, 3)); x[:, 0, 1] = 1
    >>> A(x)[:, 0].round(2)
    array([[0.  , 1.  , 0.  ],
           [0.05, 0.9 , 0.05],
           [0.28, 0.43, 0.28],
           [0.33, 0.33, 0.33]])
    """

    def __init__(self, psfs: Any, shape: int | Sequence[int], boundary: str = "zero", *, method: str = "auto") -> None:
        kernels = as_float_tensor(psfs, "psfs")[0]
        n = kernels.ndim // 2
        space = as_shape(shape)
        if kernels.ndim != 2 * len(space):
            raise ValueError(
                f"psfs must have {len(space)} tile axes and {len(space)} kernel axes for a shape of {len(space)} axes, "
                f"got {tuple(kernels.shape)}"
            )
        tiles, kernel_shape = tuple(kernels.shape[:n]), tuple(kernels.shape[n:])
        if any(count > size for count, size in zip(tiles, space, strict=True)):
            raise ValueError(f"psfs are for {tiles} tiles, more than there are samples, {space}")
        if boundary not in _STARTS:
            raise ValueError(f"boundary must be {', '.join(_STARTS)}, got {boundary!r}")
        full = tuple(size + k - 1 for size, k in zip(space, kernel_shape, strict=True))
        starts = [_STARTS[boundary](k) for k in kernel_shape]
        sizes = {
            "zero": space,
            "valid": tuple(size - k + 1 for size, k in zip(space, kernel_shape, strict=True)),
            "full": full,
        }
        if min(sizes[boundary]) < 1:
            raise ValueError(f"psfs of shape {kernel_shape} are larger than the shape, {space}")
        super().__init__(space, sizes[boundary])
        self._full = full
        self._crop = _box(starts, self.range_shape)
        axes = [_windows(size, count) for size, count in zip(space, tiles, strict=True)]
        self._parts = [
            _Part(kernels[place], [axis[i] for axis, i in zip(axes, place, strict=True)], method)
            for place in itertools.product(*(range(count) for count in tiles))
        ]

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        full = x.new_zeros((*x.shape[: x.ndim - len(self._full)], *self._full))
        for part in self._parts:
            full[part.reached] += part.blur._forward(x[part.box] * part.window.to(x))
        return full[self._crop]

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        batch = y.shape[: y.ndim - len(self._full)]
        full, x = y.new_zeros((*batch, *self._full)), y.new_zeros((*batch, *self.domain_shape))
        full[self._crop] = y
        for part in self._parts:
            x[part.box] += part.blur._adjoint(full[part.reached]) * part.window.to(y)
        return x


_STARTS = {"zero": lambda k: k // 2, "valid": lambda k: k - 1, "full": lambda k: 0}
"""Where the range begins in the full convolution."""


class _Part:
    """One term: its window and its blur, with the boxes of both in x and in the full convolution."""

    def __init__(self, kernel: torch.Tensor, windows: list[tuple[int, torch.Tensor]], method: str) -> None:
        shape: Shape = tuple(len(values) for _, values in windows)
        self.window = torch.ones((), dtype=torch.float64)
        for _, values in windows:
            self.window = self.window[..., None] * values
        self.blur = Convolution(kernel, shape, "full", method=method)
        starts = [start for start, _ in windows]
        self.box, self.reached = _box(starts, shape), _box(starts, self.blur.range_shape)


def _box(starts: Sequence[int], shape: Sequence[int]) -> tuple[Any, ...]:
    return (..., *(slice(start, start + size) for start, size in zip(starts, shape, strict=True)))


def _windows(size: int, count: int) -> list[tuple[int, torch.Tensor]]:
    """Return the start and the values of the window of each part of an axis; the windows sum to 1."""
    centers = [(i + 0.5) * size / count - 0.5 for i in range(count)]
    at = torch.arange(size, dtype=torch.float64)
    windows = []
    for i, center in enumerate(centers):
        rise = torch.ones_like(at) if i == 0 else ((at - centers[i - 1]) / (center - centers[i - 1])).clamp(0, 1)
        fall = (
            torch.ones_like(at) if i == count - 1 else ((centers[i + 1] - at) / (centers[i + 1] - center)).clamp(0, 1)
        )
        values = (torch.minimum(rise, fall) * math.pi / 2).sin().square()
        inside = torch.nonzero(values > 1e-30).flatten()
        start, stop = int(inside[0]), int(inside[-1]) + 1
        windows.append((start, values[start:stop]))
    return windows
