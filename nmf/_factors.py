"""A module with two factors: their shapes, and taking the model apart."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from ._input import as_tensor, check_values
from ._maps import Model
from ._separate import wiener
from ._stored import StoredMatrix


class Factors(nn.Module):
    """Templates W and activations H as the parameters of a module.

    Subclasses say how many axes of W are taps, and which product of the two is the model.
    """

    taps_axes = 0
    W: Tensor
    H: Tensor

    def __init__(
        self,
        shape: Sequence[int] | None,
        rank: int | None,
        taps: tuple[int, ...],
        *,
        W: Any = None,
        H: Any = None,
        trainable_W: bool = True,
        trainable_H: bool = True,
        share_W: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        given = {name: self._given(x, name) for name, x in (("W", W), ("H", H)) if x is not None}
        self.share_W = share_W
        shapes = self._shapes(shape, rank, taps, given)
        self.rank = shapes["W"][-1 - self.taps_axes]
        first = next(iter(given.values()), None)
        dtype = dtype or (first.dtype if first is not None else torch.get_default_dtype())
        if not dtype.is_floating_point:
            raise TypeError(f"dtype must be of floating-point numbers, got {dtype}")
        device = device or (first.device if first is not None else None)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for name, trainable in (("W", trainable_W), ("H", trainable_H)):
            value = given[name].clone() if name in given else torch.randn(shapes[name], generator=generator).abs_()
            self.register_parameter(name, nn.Parameter(value.to(device, dtype), requires_grad=trainable))
        # A factor that nobody gave or wrote to since is scaled to the data by the first fit.
        self._online: tuple[Tensor, Tensor] | None = None  # the sums of partial_fit
        self._drawn_at_construction = [name for name in ("W", "H") if name not in given]
        self._drawn = {name: getattr(self, name)._version for name in self._drawn_at_construction}

    # -- shapes

    @abstractmethod
    def _activations(self, space: tuple[int, ...], taps: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the activations of one component, for data of shape `space`."""

    @abstractmethod
    def _model(self, W: Tensor, H: Tensor) -> Model: ...

    @property
    def _space_axes(self) -> int:
        return max(self.taps_axes, 1)

    @property
    def _problem_axes(self) -> int:
        return self.W.ndim - 2 - self.taps_axes

    def _given(self, factor: Any, name: str) -> Tensor:
        tensor = as_tensor(factor, name).detach()
        check_values(tensor, name)
        axes = 2 + self.taps_axes if name == "W" else 1 + self._space_axes
        if tensor.ndim < axes:
            raise ValueError(f"{name} must have at least {axes} axes, got shape {tuple(tensor.shape)}")
        return tensor

    def _shapes(
        self, shape: Sequence[int] | None, rank: int | None, taps: tuple[int, ...], given: dict[str, Tensor]
    ) -> dict[str, tuple[int, ...]]:
        n, shapes = self._space_axes, {name: tuple(x.shape) for name, x in given.items()}
        if shape is None and len(shapes) < 2:
            raise ValueError("give the shape of V, or both W and H")
        if rank is None:
            if not shapes:
                raise ValueError("give the rank, or W or H")
            rank = shapes["W"][-1 - self.taps_axes] if "W" in shapes else shapes["H"][-1 - n]
        if not isinstance(rank, Integral):
            raise TypeError(f"rank must be an integer, got {rank!r}")
        if rank < 1:
            raise ValueError(f"rank must be at least 1, got {rank}")
        if shape is not None:
            V = tuple(int(size) for size in shape)
            if len(V) < n + 1 or any(size < 1 for size in V):
                raise ValueError(f"shape must be that of V, (..., {self._axes_of_V()}), got {tuple(shape)}")
            lead, rows, space = V[: -n - 1], V[-n - 1], V[-n:]
            taps = tuple(shapes["W"][len(shapes["W"]) - self.taps_axes :]) if "W" in shapes else taps
            if any(k < 1 for k in taps):
                raise ValueError(f"the templates must have at least one tap an axis, got {taps}")
            expected = {
                "W": (*(() if self.share_W else lead), rows, rank, *taps),
                "H": (*lead, rank, *self._activations(space, taps)),
            }
            for name, wanted in expected.items():
                if shapes.setdefault(name, wanted) != wanted:
                    raise ValueError(f"{name} must have shape {wanted} for V of shape {V}, got {shapes[name]}")
        elif shapes["W"][-1 - self.taps_axes] != shapes["H"][-1 - n]:
            raise ValueError(f"W and H must have one rank, got shapes {shapes['W']} and {shapes['H']}")
        elif not self.share_W and shapes["W"][: -2 - self.taps_axes] != shapes["H"][: -1 - n]:
            raise ValueError(f"W and H must have one batch shape, got shapes {shapes['W']} and {shapes['H']}")
        return shapes

    def _axes_of_V(self) -> str:
        return "F, T"

    def _check_shape(self, V: Tensor | StoredMatrix, activations: tuple[int, ...] | None) -> None:
        n = self._space_axes
        rows, taps = self.W.shape[self._problem_axes], tuple(self.W.shape[self.W.ndim - self.taps_axes :])
        good = V.ndim >= n + 1 and V.shape[-n - 1] == rows
        if good and not self.share_W:
            good = V.shape[: -n - 1] == self.W.shape[: self._problem_axes]
        if good and activations is not None:
            good = self._activations(tuple(V.shape[-n:]), taps) == activations
            good = good and V.shape[: -n - 1] == self.H.shape[: -n - 1]
        if not good:
            wanted = "the shape given at construction" if activations is not None else f"{rows} rows"
            raise ValueError(f"V must have {wanted}, got shape {tuple(V.shape)} for {self}")

    def _untouched(self) -> set[str]:
        """Name the factors that were drawn, and that nobody wrote to since."""
        return {name for name, version in self._drawn.items() if getattr(self, name)._version == version}

    def _draw(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for name in self._drawn_at_construction:
            factor = getattr(self, name)
            factor.copy_(torch.randn(factor.shape, generator=generator).abs_())
            self._drawn[name] = factor._version

    def extra_repr(self) -> str:
        """Describe the shapes."""
        return f"W={tuple(self.W.shape)}, H={tuple(self.H.shape)}"

    # -- the model and its parts

    def forward(self) -> Tensor:
        """Return the product of the factors; see `reconstruct`."""
        return self.reconstruct()

    def reconstruct(self, W: Tensor | None = None, H: Tensor | None = None) -> Tensor:
        """Return the model of V, differentiable in the factors.

        Parameters
        ----------
        W, H : torch.Tensor, optional
            Other factors than the module's, of their shapes.
        """
        W, H = self.W if W is None else W, self.H if H is None else H
        return self._model(W, H).of_H(W)._forward(H)

    def components(self) -> Tensor:
        """Return the part of each component in the model, ``(..., R, *axes of V)``; they sum to `reconstruct`."""
        axis_W, axis_H = -1 - self.taps_axes, -1 - self._space_axes
        parts = [self.reconstruct(self.W.narrow(axis_W, r, 1), self.H.narrow(axis_H, r, 1)) for r in range(self.rank)]
        return torch.stack(parts, dim=-2 - self._space_axes)

    @torch.no_grad()
    def separate(self, X: Any, alpha: float = 1.0) -> Any:
        r"""Split a complex spectrogram by Wiener masks: ``(..., R, F, T)``, which sum to X.

        Component r gets the share :math:`v_r^\alpha / \sum_s v_s^\alpha` of each bin, v being its part of the model
        (Liutkus and Badeau, ICASSP 2015, eq. 6). Where the model is zero the shares are equal.

        Parameters
        ----------
        X : numpy.ndarray or torch.Tensor
            Complex (or real) spectrogram, of the shape of the model.
        alpha : float
            Exponent, positive: 1 for magnitudes modeled by Kullback-Leibler, 2 for sharper masks.

        Raises
        ------
        ValueError
            If the shape of X is not that of the model, or `alpha` is not positive.
        """
        return wiener(X, self.components(), self._space_axes, alpha)
