"""The shapes of the factors, from the shape of V, the rank and the factors that are given."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

from torch import Tensor

from nmf.arrays import Array, as_tensor
from nmf.maps.geometry import Geometry
from nmf.validation import check_values

Shape = tuple[int, ...]


def validate_factor(factor: Array, name: str, geometry: Geometry) -> Tensor:
    """Return a given factor as a tensor.

    Raises
    ------
    ValueError
        If it is negative or not finite, or has too few axes.
    """
    tensor = as_tensor(factor, name).detach()
    check_values(tensor, name)
    axes = 2 + geometry.kernel_axes if name == "W" else 1 + geometry.space_axes
    if tensor.ndim < axes:
        raise ValueError(f"{name} must have at least {axes} axes, got shape {tuple(tensor.shape)}")
    return tensor


def infer_shapes(
    shape: Sequence[int] | None,
    rank: int | None,
    kernel_shape: Shape,
    given: dict[str, Tensor],
    geometry: Geometry,
    *,
    share_W: bool,
) -> dict[str, Shape]:
    """Return the shapes of W and H.

    Raises
    ------
    TypeError, ValueError
        If something is missing, or the shapes do not fit together.
    """
    shapes = {name: tuple(x.shape) for name, x in given.items()}
    if shape is None and len(shapes) < 2:
        raise ValueError("give the shape of V, or both W and H")
    rank = _rank(rank, shapes, geometry)
    if shape is None:
        _check_alike(shapes, geometry, share_W)
        return shapes
    V = tuple(int(size) for size in shape)
    n = geometry.space_axes
    if len(V) < n + 1 or any(size < 1 for size in V):
        raise ValueError(f"shape must be that of V, (..., {geometry.axes_of_V}), got {tuple(shape)}")
    lead, rows, space = V[: -n - 1], V[-n - 1], V[-n:]
    kernel_shape = geometry.kernel_shape(shapes["W"]) if "W" in shapes else kernel_shape
    if any(k < 1 for k in kernel_shape):
        raise ValueError(f"templates must have a size of at least 1 along each axis, got {kernel_shape}")
    expected = {
        "W": (*(() if share_W else lead), rows, rank, *kernel_shape),
        "H": (*lead, rank, *geometry.activations(space, kernel_shape)),
    }
    for name, wanted in expected.items():
        if shapes.setdefault(name, wanted) != wanted:
            raise ValueError(f"{name} must have shape {wanted} for V of shape {V}, got {shapes[name]}")
    return shapes


def _rank(rank: int | None, shapes: dict[str, Shape], geometry: Geometry) -> int:
    if rank is None:
        if not shapes:
            raise ValueError("give the rank, or W or H")
        in_W = "W" in shapes
        return shapes["W"][geometry.component_axis_W] if in_W else shapes["H"][geometry.component_axis_H]
    if not isinstance(rank, Integral):
        raise TypeError(f"rank must be an integer, got {rank!r}")
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    return int(rank)


def _check_alike(shapes: dict[str, Shape], geometry: Geometry, share_W: bool) -> None:
    W, H = shapes["W"], shapes["H"]
    if W[geometry.component_axis_W] != H[geometry.component_axis_H]:
        raise ValueError(f"W and H must have the same rank, got shapes {W} and {H}")
    if not share_W and W[: geometry.component_axis_W - 1] != H[: geometry.component_axis_H]:
        raise ValueError(f"W and H must have the same batch shape, got shapes {W} and {H}")
