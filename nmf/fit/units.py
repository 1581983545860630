"""Scaling of data to a mean near 1, so that neither floors nor overflows depend on the caller's unit.

The scale is a power of two: multiplying by it and dividing again is exact, and frozen factors keep their bits.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nmf.data.shards import SINGLE_PROCESS, Shards
from nmf.data.stored import StoredMatrix
from nmf.objective.divergence import accumulator, total
from nmf.objective.penalties import Penalties


class Units:
    """The scale of V in each problem, and the scales of factors, penalties and objective that follow from it.

    Parameters
    ----------
    V : torch.Tensor or StoredMatrix
        Data, 0 where they have no weight; dense, sparse or on disk.
    weights : torch.Tensor, optional
        Of the shape of V.
    beta : float
        Of the divergence.
    problem_axes : int
        Number of leading axes that count separate problems.
    in_W : bool
        Whether W carries the scale (where H is fixed); else H does.
    shards : Shards
        The processes that hold the other columns of V.
    """

    def __init__(
        self,
        V: Tensor | StoredMatrix,
        weights: Tensor | None,
        beta: float,
        problem_axes: int,
        *,
        in_W: bool,
        shards: Shards = SINGLE_PROCESS,
    ) -> None:
        self._V, self._beta, self._axes, self._in_W, self._shards = V, beta, problem_axes, in_W, shards
        entries = torch.tensor(float(math.prod(V.shape[problem_axes:])), dtype=accumulator(V.device), device=V.device)
        self._entries = shards.sum(entries)
        count = self._entries
        if weights is not None:
            count = shards.sum(_sum((weights > 0).to(V.dtype), problem_axes)).clamp_min(1)
        mean = shards.sum(_sum(V, problem_axes)) / count
        exponent = torch.where(mean > 0, mean, 1.0).log2().round()
        self._mean, self._scale = mean * torch.exp2(-exponent), torch.exp2(exponent)
        self.of_objective = self._scale**beta

    def data(self) -> Tensor | StoredMatrix:
        """Return V, scaled."""
        return self._V / self._like(self._V)

    def enter(self, W: Tensor, H: Tensor) -> tuple[Tensor, Tensor]:
        """Scale factors with the data."""
        return (W / self._like(W), H) if self._in_W else (W, H / self._like(H))

    def leave(self, W: Tensor, H: Tensor) -> tuple[Tensor, Tensor]:
        """Undo `enter`."""
        return (W * self._like(W), H) if self._in_W else (W, H * self._like(H))

    def fill(self, W: Tensor, H: Tensor, names: set[str]) -> tuple[Tensor, Tensor]:
        """Rescale the named factors, W and H, so that the model has about the mean of the scaled data."""
        if not names:
            return W, H
        # The sum of a product is about that of the factors' sums, and so is that of a convolution, but for its ends.
        rank = W.shape[self._axes + 1]
        model = _sum(W, self._axes) * self._shards.sum(_sum(H, self._axes)) / (rank * self._entries)
        ratio = torch.where(model > 0, self._mean / model, 1.0) ** (1 / len(names))
        return (
            W * spread(ratio.to(W.dtype), W) if "W" in names else W,
            H * spread(ratio.to(H.dtype), H) if "H" in names else H,
        )

    def penalties(self, penalties: Penalties) -> Penalties:
        """Return penalties that weigh as much against the scaled data as these do against V."""
        objective = self._scale**-self._beta

        def of_carrier(power: int) -> Tensor:
            return objective * self._scale**power

        def of_other(power: int) -> Tensor:
            return objective

        return Penalties(
            penalties.W.scaled(of_carrier if self._in_W else of_other),
            penalties.H.scaled(of_other if self._in_W else of_carrier),
        )

    def _like(self, x: Tensor | StoredMatrix) -> Tensor:
        return spread(self._scale.to(x.dtype), x)


def spread(problems: Tensor, x: Tensor | StoredMatrix) -> Tensor:
    """Reshape one number per problem so that it broadcasts to x."""
    return problems.reshape(*problems.shape, *[1] * (x.ndim - problems.ndim)) if problems.ndim else problems


def choose(where: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the problems of `a` where `where` is true, those of `b` elsewhere."""
    return torch.where(spread(where, a), a, b)


def _sum(x: Tensor | StoredMatrix, axes: int) -> Tensor:
    if isinstance(x, StoredMatrix):
        return x.sum
    if x.is_sparse:
        return x.values().sum(dtype=accumulator(x.device))
    return total(x, axes)
