"""The kind of product that the factors form, and the shapes that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .convolutive import ConvolutiveModel
from .matrix import MatrixModel, Model

# For each set of activations: the boundary of the convolution whose result has the shape of V, and by how many kernel
# lengths, less one sample, H is longer than V.
_BOUNDARIES = {"causal": ("causal", 0), "full": ("full", -1), "extend": ("valid", 1)}


@dataclass(frozen=True)
class Geometry:
    """How templates and activations form the model: as a matrix product, or by convolution.

    Parameters
    ----------
    kernel_axes : int
        Axes along which templates extend and are shifted: 0 for a matrix product, 1 to 3 for a convolution.
    boundary : {"causal", "full", "extend"}
        Which activations a convolution has; see `nmf.NMFD`.

    Raises
    ------
    ValueError
        If `boundary` is unknown.
    """

    kernel_axes: int = 0
    boundary: str = "causal"

    def __post_init__(self) -> None:
        if self.boundary not in _BOUNDARIES:
            raise ValueError(f"boundary must be one of {', '.join(_BOUNDARIES)}, got {self.boundary!r}")

    @property
    def space_axes(self) -> int:
        """How many trailing axes of V the activations have: its columns are the one axis of a matrix product."""
        return max(self.kernel_axes, 1)

    @property
    def component_axis_W(self) -> int:
        """The axis of W that counts components, from the end."""
        return -1 - self.kernel_axes

    @property
    def component_axis_H(self) -> int:
        """The axis of H that counts components, from the end."""
        return -1 - self.space_axes

    @property
    def axes_of_V(self) -> str:
        """The names of the axes of V, for error messages."""
        return ("F, T", "F, T", "C, M, N", "C, L, M, N")[self.kernel_axes]

    def kernel_shape(self, templates: tuple[int, ...]) -> tuple[int, ...]:
        """Return the size of a template from the shape of W."""
        return templates[len(templates) - self.kernel_axes :]

    def activations(self, space: tuple[int, ...], kernel_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one component's activations for V of shape `space` along its last axes.

        Raises
        ------
        ValueError
            If the templates do not fit into V.
        """
        if not self.kernel_axes:
            return space
        extra = _BOUNDARIES[self.boundary][1]
        sizes = tuple(n + extra * (k - 1) for n, k in zip(space, kernel_shape, strict=True))
        if any(size < 1 for size in sizes):
            raise ValueError(f"templates of size {kernel_shape} do not fit into V of size {space}")
        return sizes

    def model(self, W: Tensor, H: Tensor) -> Model:
        """Return the model of factors of the shapes of `W` and `H`."""
        if not self.kernel_axes:
            return MatrixModel(W, H)
        return ConvolutiveModel(W, H, self.kernel_axes, _BOUNDARIES[self.boundary][0])


def expand_kernel(size: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """Return the size of a template along each axis, from one number for all or one per axis.

    Raises
    ------
    ValueError
        If there are not `axes` sizes.
    """
    sizes = (size,) * axes if isinstance(size, int) else tuple(int(n) for n in size)
    if len(sizes) != axes:
        raise ValueError(f"the templates must have {axes} sizes, one per axis, got {size}")
    return sizes
