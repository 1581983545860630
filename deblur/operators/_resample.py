"""Operators that change the sampling rate: up, down, sub-pixel shuffling, unpooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from ._grid import gather, scatter
from ._linear import LinearOperator, Shape, as_shape


def _multiply(shape: Shape, factors: Shape) -> Shape:
    return tuple(size * factor for size, factor in zip(shape, factors, strict=True))


class Upsample(LinearOperator):
    """Enlarge by whole factors, with nearest-neighbor or (bi-, tri-)linear interpolation, as frameworks do.

    Parameters
    ----------
    shape : sequence of int
        Shape of the small array, any number of axes.
    factor : int or sequence of int
        Enlargement, one for all axes or one per axis.
    mode : {"nearest", "linear"}
        Interpolation.
    align_corners : bool
        For `linear`: whether the end samples of both grids coincide (True) or their pixel edges do (False).

    Raises
    ------
    ValueError
        If a size or factor is not positive, the mode is not one of these, or `align_corners` is used with `nearest`.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Upsample
    >>> Upsample((2,), 2, mode="linear")(np.array([0.0, 1.0]))
    array([0.  , 0.25, 0.75, 1.  ])
    """

    def __init__(
        self,
        shape: Sequence[int],
        factor: int | Sequence[int],
        mode: str = "nearest",
        *,
        align_corners: bool = False,
    ) -> None:
        domain = as_shape(shape)
        factors = as_shape(factor, "factor", len(domain))
        if mode not in ("nearest", "linear"):
            raise ValueError(f"mode must be nearest or linear, got {mode!r}")
        if align_corners and mode == "nearest":
            raise ValueError("align_corners is for mode='linear': nearest-neighbor interpolation has no corners")
        super().__init__(domain, _multiply(domain, factors))
        self._interpolation = [
            _interpolation(small, large, mode, align_corners)
            for small, large in zip(domain, self.range_shape, strict=True)
        ]

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        for axis, terms in zip(range(-len(self._interpolation), 0), self._interpolation, strict=True):
            x = sum(_along(weight, axis).to(x) * x.index_select(axis, index.to(x.device)) for index, weight in terms)  # type: ignore[assignment]
        return x

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        for axis, terms in zip(range(-len(self._interpolation), 0), self._interpolation, strict=True):
            target = list(y.shape)
            target[axis] = self.domain_shape[axis]
            total = y.new_zeros(target)
            for index, weight in terms:
                total = total.index_add(axis, index.to(y.device), y * _along(weight, axis).to(y))
            y = total
        return y


def _interpolation(small: int, large: int, mode: str, align_corners: bool) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the index and weight of each sample of the small axis in an output sample."""
    position = torch.arange(large, dtype=torch.float64)
    if mode == "nearest":
        return [(torch.arange(large) * small // large, torch.ones_like(position))]
    if align_corners:
        position = position * (small - 1) / max(large - 1, 1)
    else:
        position = ((position + 0.5) * small / large - 0.5).clamp_min(0)
    left = position.floor().long().clamp_max(small - 1)
    fraction = position - left
    return [(left, 1 - fraction), ((left + 1).clamp_max(small - 1), fraction)]


def _along(weight: torch.Tensor, axis: int) -> torch.Tensor:
    return weight.reshape(-1, *[1] * (-axis - 1))


class Downsample(LinearOperator):
    """Keep every `factor`-th sample; the adjoint inserts zeros.

    Parameters
    ----------
    shape : sequence of int
        Shape of the large array.
    factor : int or sequence of int
        Step, one for all axes or one per axis.
    offset : int
        First sample kept, below every factor.

    Raises
    ------
    ValueError
        If a size or factor is not positive, or the offset is not below every factor and size.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Downsample
    >>> Downsample((5,), 2)(np.arange(5.0))
    array([0., 2., 4.])
    """

    def __init__(self, shape: Sequence[int], factor: int | Sequence[int], offset: int = 0) -> None:
        domain = as_shape(shape)
        factors = as_shape(factor, "factor", len(domain))
        if not 0 <= offset < min(*factors, *domain):
            raise ValueError(
                f"offset must be at least 0 and below every factor {factors} and size {domain}, got {offset}"
            )
        self._indices = [torch.arange(offset, size, step) for size, step in zip(domain, factors, strict=True)]
        super().__init__(domain, tuple(len(index) for index in self._indices))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return gather(x, self._indices)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return scatter(y, self._indices, self.domain_shape)


class SubPixel(LinearOperator):
    """Interleave channels into space (pixel shuffle; Shi et al., CVPR 2016), in one to three dimensions.

    Orthogonal: the adjoint is the inverse. In two dimensions it equals `torch.nn.functional.pixel_shuffle`.

    Parameters
    ----------
    channels : int
        Channels after shuffling; there are ``channels * factor**len(shape)`` before.
    shape : sequence of int
        Spatial shape before shuffling.
    factor : int
        Enlargement of every axis.

    Raises
    ------
    ValueError
        If a size, `channels` or `factor` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import SubPixel
    >>> SubPixel(1, (3,), 2)(np.array([[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]))
    array([[0., 1., 2., 3., 4., 5.]])
    """

    def __init__(self, channels: int, shape: Sequence[int], factor: int) -> None:
        small = as_shape(shape)
        if channels < 1 or factor < 1:
            raise ValueError(f"channels and factor must be positive, got {channels} and {factor}")
        super().__init__(
            (channels * factor ** len(small), *small), (channels, *_multiply(small, (factor,) * len(small)))
        )
        self._factor = factor

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, small = x.shape[: x.ndim - len(self.domain_shape)], self.domain_shape[1:]
        n, start = len(small), x.ndim - len(self.domain_shape)
        split = x.reshape(*batch, self.range_shape[0], *[self._factor] * n, *small)
        pairs = [axis for i in range(n) for axis in (start + 1 + n + i, start + 1 + i)]
        return split.permute(*range(start + 1), *pairs).reshape(*batch, *self.range_shape)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        batch, small = y.shape[: y.ndim - len(self.range_shape)], self.domain_shape[1:]
        n, start = len(small), y.ndim - len(self.range_shape)
        split = y.reshape(*batch, self.range_shape[0], *[part for size in small for part in (size, self._factor)])
        steps = [start + 2 + 2 * i for i in range(n)]
        cells = [start + 1 + 2 * i for i in range(n)]
        return split.permute(*range(start + 1), *steps, *cells).reshape(*batch, *self.domain_shape)


class MaxUnpool(LinearOperator):
    """Put values back where max-pooling took them from (Zeiler and Fergus, 2014); zeros elsewhere.

    With the indices stored, unpooling is linear; its adjoint picks the values up again.

    Parameters
    ----------
    indices : torch.Tensor
        Second result of ``torch.nn.functional.max_pool*d(..., return_indices=True)``: for each pooled sample its flat
        index in the last ``len(shape)`` axes. Where windows overlap and an index occurs twice, the values add.
    shape : sequence of int
        Spatial shape before pooling; one to three axes.

    Raises
    ------
    ValueError
        If the indices are not integers, have fewer axes than `shape`, or lie outside it.

    Examples
    --------
    >>> import torch
    >>> from deblur.operators import MaxUnpool
    >>> x = torch.tensor([[[1.0, 5.0, 2.0, 3.0]]])
    >>> pooled, indices = torch.nn.functional.max_pool1d(x, 2, return_indices=True)
    >>> MaxUnpool(indices, (4,))(pooled)
    tensor([[[0., 5., 0., 3.]]])
    """

    def __init__(self, indices: Any, shape: Sequence[int]) -> None:
        large = as_shape(shape)
        where = torch.as_tensor(indices).clone()
        if where.is_floating_point() or where.ndim < len(large):
            raise ValueError(
                f"indices must be integers with at least {len(large)} axes, got {where.dtype}, {where.shape}"
            )
        if int(where.min()) < 0 or int(where.max()) >= math.prod(large):
            raise ValueError(f"indices must lie in 0 to {math.prod(large) - 1}, the flat positions of shape {large}")
        lead = tuple(where.shape[: where.ndim - len(large)])
        super().__init__(tuple(where.shape), (*lead, *large))
        self._lead = lead
        self._flat = where.reshape(*lead, -1).long()

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        batch = x.shape[: x.ndim - len(self.domain_shape)]
        index = self._flat.to(x.device).expand(*batch, *self._flat.shape)
        size = math.prod(self.range_shape[len(self._lead) :])
        y = x.new_zeros(*batch, *self._lead, size).scatter_add(-1, index, x.reshape(index.shape))
        return y.reshape(*batch, *self.range_shape)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        batch = y.shape[: y.ndim - len(self.range_shape)]
        index = self._flat.to(y.device).expand(*batch, *self._flat.shape)
        return y.reshape(*batch, *self._lead, -1).gather(-1, index).reshape(*batch, *self.domain_shape)
