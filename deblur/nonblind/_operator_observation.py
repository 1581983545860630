"""The door of a method that takes any operator for the blur, and not only a point-spread function."""

from __future__ import annotations

from typing import Any

import torch

from deblur._arrays import check_finite, enter
from deblur.operators import LinearOperator

from ._noise import noise_of
from ._observation import broadcast_weights


class OperatorObservation:
    """A picture with the operator that blurred it: what Richardson-Lucy asks of an `Observation`.

    The estimate has the operator's domain, and is returned whole.
    """

    def __init__(self, image: Any, operator: LinearOperator, *, channel_axis: int | None, weights: Any) -> None:
        seen = None if weights is None else enter(weights, "weights")[0]
        y, self._give_back = enter(image, "image")
        if channel_axis is not None:
            if not -y.ndim <= channel_axis < y.ndim:
                raise ValueError(f"channel_axis {channel_axis} is not an axis of an image of shape {tuple(y.shape)}")
            y = y.movedim(channel_axis, 0)
            if seen is not None and seen.ndim == y.ndim:
                seen = seen.movedim(channel_axis, 0)
        n = len(operator.range_shape)
        if len(operator.domain_shape) != n:
            raise ValueError(f"the operator must map between shapes of as many axes, got {operator!r}")
        if tuple(y.shape[y.ndim - n :]) != operator.range_shape:
            raise ValueError(f"image must end in the axes that {operator!r} maps to, got shape {tuple(y.shape)}")
        self.weights = broadcast_weights(seen, y)
        self.y = torch.where(self.weights == 0, torch.zeros_like(y), y) if seen is not None else y
        check_finite(self.y, "image")
        self.axes = tuple(range(-n, 0))
        self._operator, self._channel_axis = operator, channel_axis

    @property
    def gain(self) -> torch.Tensor:
        """What a scene of ones looks like, where nothing of it is missing."""
        return self._operator(self.y.new_ones(self._operator.domain_shape)).amax()

    def blur(self, boundary: str) -> LinearOperator:
        """Return the operator, which has a boundary of its own."""
        return self._operator

    def noise_level(self, given: Any) -> torch.Tensor:
        """Return the standard deviation of the noise with one number an image, by wavelets where not given."""
        return noise_of(self.y, len(self.axes)) if given is None else torch.as_tensor(given).to(self.y)

    def finish(self, x: torch.Tensor) -> Any:
        """Return an estimate in the kind and layout of the image."""
        x = x if self._channel_axis is None else x.movedim(0, self._channel_axis)
        return self._give_back(x.contiguous())
