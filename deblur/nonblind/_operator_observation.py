"""The door of a method that takes any operator for the blur, and not only a point-spread function."""

from __future__ import annotations

from typing import Any

import torch

from deblur.operators import LinearOperator
from deblur.solvers.noise import noise_of

from ._observation import channel_first, given_level, weighted


class OperatorObservation:
    """A picture with the operator that blurred it: what Richardson-Lucy asks of an `Observation`.

    The estimate has the operator's domain, and is returned whole.
    """

    def __init__(self, image: Any, operator: LinearOperator, *, channel_axis: int | None, weights: Any) -> None:
        y, seen, self._give_back = channel_first(image, channel_axis, weights)
        n = len(operator.range_shape)
        if len(operator.domain_shape) != n:
            raise ValueError(f"the operator must map between shapes of as many axes, got {operator!r}")
        if tuple(y.shape[y.ndim - n :]) != operator.range_shape:
            raise ValueError(f"image must end in the axes that {operator!r} maps to, got shape {tuple(y.shape)}")
        self.y, self.weights = weighted(y, seen)
        self.axes = tuple(range(-n, 0))
        self._operator = operator

    @property
    def gain(self) -> torch.Tensor:
        """What a scene of ones looks like, where nothing of it is missing."""
        return self._operator(self.y.new_ones(self._operator.domain_shape)).amax()

    def blur(self, boundary: str) -> LinearOperator:
        """Return the operator, which has a boundary of its own."""
        return self._operator

    def residual_level(self, given: Any) -> torch.Tensor:
        """Return the standard deviation of the noise with one number an image, by wavelets where not given."""
        return noise_of(self.y, len(self.axes)) if given is None else given_level(given, self.y, self.axes)

    def finish(self, x: torch.Tensor) -> Any:
        """Return an estimate in the kind and layout of the image."""
        return self._give_back(x)
