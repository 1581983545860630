"""Fits are computed on data whose mean is near 1, so that neither floors nor overflows depend on the caller's unit.

The unit is a power of two: multiplying by it and dividing again is exact, and frozen factors keep their bits.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ._divergence import total
from ._penalties import Penalty
from ._shards import ALL_HERE, Shards
from ._stored import StoredMatrix


class Units:
    """The scale of V for each problem, and what it does to factors, penalties and objective.

    Parameters
    ----------
    V : torch.Tensor or StoredMatrix
        Data, 0 where they have no weight; dense, sparse or on disk.
    weights : torch.Tensor, optional
        Of the shape of V.
    beta : float
        Of the divergence.
    problem_axes : int
        How many leading axes count separate problems.
    in_W : bool
        Whether W carries the unit (where H must stay as it is); else H does.
    shards : Shards
        Who has the other columns of V.
    """

    def __init__(
        self,
        V: Tensor | StoredMatrix,
        weights: Tensor | None,
        beta: float,
        problem_axes: int,
        *,
        in_W: bool,
        shards: Shards = ALL_HERE,
    ) -> None:
        self._V, self._beta, self._axes, self._in_W, self._shards = V, beta, problem_axes, in_W, shards
        entries = math.prod(V.shape[problem_axes:])
        self._entries = shards.sum(torch.tensor(float(entries), dtype=torch.float64, device=V.device))
        count = self._entries
        if weights is not None:
            count = shards.sum(_sum((weights > 0).to(V.dtype), problem_axes)).clamp_min(1)
        mean = shards.sum(_sum(V, problem_axes)) / count
        exponent = torch.where(mean > 0, mean, 1.0).log2().round()
        self._mean, self._scale = mean * torch.exp2(-exponent), torch.exp2(exponent)
        self.of_objective = self._scale**beta

    def data(self) -> Tensor | StoredMatrix:
        """Return V in the unit of the computation."""
        return self._V / self._like(self._V)

    def enter(self, W: Tensor, H: Tensor) -> tuple[Tensor, Tensor]:
        """Bring factors into the unit of the computation."""
        return (W / self._like(W), H) if self._in_W else (W, H / self._like(H))

    def leave(self, W: Tensor, H: Tensor) -> tuple[Tensor, Tensor]:
        """Bring factors back into the unit of V."""
        return (W * self._like(W), H) if self._in_W else (W, H * self._like(H))

    def fill(self, W: Tensor, H: Tensor, drawn: set[str]) -> tuple[Tensor, Tensor]:
        """Scale the factors named in `drawn`, so that the model has about the mean of the data."""
        if not drawn:
            return W, H
        # The sum of a product, and but for the ends that of a convolution, is about that of the sums.
        rank = W.shape[self._axes + 1]
        model = _sum(W, self._axes) * self._shards.sum(_sum(H, self._axes)) / (rank * self._entries)
        ratio = torch.where(model > 0, self._mean / model, 1.0) ** (1 / len(drawn))
        return (
            W * spread(ratio.to(W.dtype), W) if "W" in drawn else W,
            H * spread(ratio.to(H.dtype), H) if "H" in drawn else H,
        )

    def penalty_W(self, **weights: float) -> Penalty:
        """Return the penalty on W in the unit of the computation."""
        return self._penalty(weights, carries=self._in_W)

    def penalty_H(self, **weights: float) -> Penalty:
        """Return the penalty on H in the unit of the computation."""
        return self._penalty(weights, carries=not self._in_W)

    def _penalty(self, weights: dict[str, float], *, carries: bool) -> Penalty:
        objective = self._scale**-self._beta
        linear, quadratic = (objective * self._scale**power if carries else objective for power in (1, 2))
        return Penalty(**weights).scaled(linear, quadratic)

    def _like(self, x: Tensor | StoredMatrix) -> Tensor:
        return spread(self._scale.to(x.dtype), x)


def spread(problems: Tensor, x: Tensor | StoredMatrix) -> Tensor:
    """Give a number for each problem the axes of x."""
    return problems.reshape(*problems.shape, *[1] * (x.ndim - problems.ndim)) if problems.ndim else problems


def _sum(x: Tensor | StoredMatrix, axes: int) -> Tensor:
    if isinstance(x, StoredMatrix):
        return x.sum
    if x.is_sparse:
        return x.values().sum(dtype=torch.float64)
    return total(x, axes)
