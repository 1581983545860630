"""Maps on the sampling grid: index gathers, cropping, padding, differences, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from deblur._core.arrays import as_float_tensor

from ._linear import LinearOperator, Shape, as_shape


def boundary_indices(size: int, left: int, right: int, mode: str) -> torch.Tensor:
    """Return the indices of the samples that continue an axis of `size` by `left` and `right` samples.

    `circular` wraps, `replicate` repeats the end samples, `reflect` mirrors about them (``d c b | a b c d | c b a``,
    as torch and NumPy mean it; SciPy calls it mirror). Any width is allowed: the pattern goes on.
    """
    index = torch.arange(-left, size + right)
    if mode == "circular":
        return index % size
    if mode == "replicate":
        return index.clamp(0, size - 1)
    if mode == "reflect":
        period = max(2 * size - 2, 1)
        index = index % period
        return torch.minimum(index, period - index) if size > 1 else torch.zeros_like(index)
    raise ValueError(f"boundary must be circular, replicate or reflect here, got {mode!r}")


def gather(x: torch.Tensor, indices: Sequence[torch.Tensor]) -> torch.Tensor:
    """Pick `indices[i]` along the i-th of the last ``len(indices)`` axes of x."""
    for axis, index in zip(range(-len(indices), 0), indices, strict=True):
        x = x.index_select(axis, index.to(x.device))
    return x


def scatter(y: torch.Tensor, indices: Sequence[torch.Tensor], shape: Shape) -> torch.Tensor:
    """Adjoint of `gather`: add each sample back to where it was picked from, on a grid of `shape`."""
    for axis, index, size in zip(range(-len(indices), 0), indices, shape, strict=True):
        target = list(y.shape)
        target[axis] = size
        y = y.new_zeros(target).index_add(axis, index.to(y.device), y)
    return y


def flat_pad(widths: Sequence[tuple[int, int]]) -> list[int]:
    """Return the (left, right) width of each axis in the order of `torch.nn.functional.pad`: last axis first."""
    return [width for pair in reversed(widths) for width in pair]


class Crop(LinearOperator):
    """Cut a window out of an array; the adjoint puts it back into zeros.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    window : sequence of int
        Shape of the window.
    start : int or sequence of int, optional
        First sample of the window along each axis; centered (rounded down) by default.

    Raises
    ------
    ValueError
        If a size is not positive, or the window does not lie within the array.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Crop
    >>> Crop((5,), (3,))(np.arange(5.0))
    array([1., 2., 3.])
    """

    def __init__(self, shape: Sequence[int], window: Sequence[int], start: int | Sequence[int] | None = None) -> None:
        domain, size = as_shape(shape), as_shape(window, "window", len(tuple(shape)))
        if start is None:
            start = [(whole - part) // 2 for whole, part in zip(domain, size, strict=True)]
        starts = (start,) * len(domain) if isinstance(start, int) else tuple(start)
        if any(s < 0 or s + part > whole for s, part, whole in zip(starts, size, domain, strict=True)):
            raise ValueError(f"a window of {size} at {starts} does not lie within {domain}")
        super().__init__(domain, size)
        self._slices: Any = (..., *(slice(s, s + part) for s, part in zip(starts, size, strict=True)))
        self._widths = [(s, whole - s - part) for s, part, whole in zip(starts, size, domain, strict=True)]

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[self._slices].clone()  # a view would let writes into the window change x

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return F.pad(y, flat_pad(self._widths))


class Pad(LinearOperator):
    """Continue an array past its ends; the adjoint folds the margin back.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    width : int or sequence of (int, int)
        Samples added before and after, one number for all or one pair per axis.
    mode : {"zero", "circular", "reflect", "replicate"}
        How the array goes on; `reflect` does not repeat the end samples, as in NumPy and torch.

    Raises
    ------
    ValueError
        If a size is not positive, a width is negative or is not one pair per axis, or the mode is not one of these.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Pad
    >>> pad = Pad((3,), 2, mode="reflect")
    >>> pad(np.array([1.0, 2.0, 3.0]))
    array([3., 2., 1., 2., 3., 2., 1.])
    >>> pad.T(np.ones(7))
    array([2., 3., 2.])
    """

    def __init__(self, shape: Sequence[int], width: int | Sequence[tuple[int, int]], mode: str = "zero") -> None:
        domain = as_shape(shape)
        widths = [(width, width)] * len(domain) if isinstance(width, int) else [(int(a), int(b)) for a, b in width]
        if len(widths) != len(domain) or any(side < 0 for pair in widths for side in pair):
            raise ValueError(f"width must be a number >= 0 or one such pair per axis of {domain}, got {width}")
        if mode not in ("zero", "circular", "reflect", "replicate"):
            raise ValueError(f"mode must be zero, circular, reflect or replicate, got {mode!r}")
        super().__init__(domain, tuple(a + size + b for (a, b), size in zip(widths, domain, strict=True)))
        self._widths = widths
        self._indices = (
            None
            if mode == "zero"
            else [boundary_indices(size, a, b, mode) for (a, b), size in zip(widths, domain, strict=True)]
        )

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x, flat_pad(self._widths)) if self._indices is None else gather(x, self._indices)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        if self._indices is None:
            return F.pad(y, [-width for width in flat_pad(self._widths)])
        return scatter(y, self._indices, self.domain_shape)


class Differences(LinearOperator):
    """Forward differences ``x[i + 1] - x[i]`` along every axis, stacked on a new leading axis: the discrete gradient.

    Its adjoint is the negative divergence.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    boundary : {"circular", "replicate", "zero"}
        Continuation after the last sample: the first one, itself (the last difference is 0), or zero.

    Raises
    ------
    ValueError
        If a size is not positive, or the boundary is not one of these.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Differences
    >>> Differences((3,), boundary="circular")(np.array([1.0, 2.0, 4.0]))
    array([[ 1.,  2., -3.]])
    """

    def __init__(self, shape: Sequence[int], boundary: str = "circular") -> None:
        domain = as_shape(shape)
        if boundary not in ("circular", "replicate", "zero"):
            raise ValueError(f"boundary must be circular, replicate or zero, got {boundary!r}")
        super().__init__(domain, (len(domain), *domain))
        self._boundary = boundary
        self._axes = range(-len(domain), 0)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._next(x, axis) - x for axis in self._axes], dim=-len(self.range_shape))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        parts = y.unbind(-len(self.range_shape))
        total = torch.zeros_like(parts[0])
        for axis, part in zip(self._axes, parts, strict=True):
            total = total + self._next_adjoint(part, axis) - part
        return total

    def _next(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        last = {"circular": x.narrow(axis, 0, 1), "replicate": x.narrow(axis, -1, 1)}.get(self._boundary)
        if last is None:
            last = torch.zeros_like(x.narrow(axis, 0, 1))
        return torch.cat([x.narrow(axis, 1, x.shape[axis] - 1), last], dim=axis)

    def _next_adjoint(self, y: torch.Tensor, axis: int) -> torch.Tensor:
        size = y.shape[axis]
        body, end = y.narrow(axis, 0, size - 1), y.narrow(axis, -1, 1)
        zero = torch.zeros_like(end)
        shifted = torch.cat([zero, body], dim=axis)
        if self._boundary == "zero":
            return shifted
        rest = y.new_zeros([*y.shape[:axis], size - 1, *y.shape[y.ndim + axis + 1 :]])
        return shifted + torch.cat([end, rest] if self._boundary == "circular" else [rest, end], dim=axis)


class Mask(LinearOperator):
    """Multiply by one weight per sample (0 where there is no data): diagonal, its own adjoint.

    Parameters
    ----------
    weights : numpy.ndarray or torch.Tensor
        Real weights; their shape is that of the domain and of the range.

    Raises
    ------
    TypeError
        If the weights are neither a NumPy array nor a torch tensor, or not real.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Mask
    >>> Mask(np.array([1.0, 0.0, 0.5]))(np.array([4.0, 5.0, 6.0]))
    array([4., 0., 3.])
    """

    def __init__(self, weights: Any) -> None:
        tensor = as_float_tensor(weights, "weights")[0].clone()
        super().__init__(tuple(tensor.shape), tuple(tensor.shape))
        self._weights = tensor

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self._weights.to(x)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._forward(y)
