"""The module of two factors: their parameters, the model that they form, and its components."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nmf.arrays import Array, ArrayT
from nmf.data.stored import StoredMatrix
from nmf.maps.geometry import Geometry

from .masks import wiener
from .shapes import infer_shapes, validate_factor


class Factors(nn.Module):
    """Templates W and activations H as the parameters of a module.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V.
    rank : int, optional
        Number of components.
    geometry : Geometry
        Which product of the factors is the model.
    kernel_shape : tuple of int
        Size of a template along the axes of a convolution.
    W, H, trainable_W, trainable_H, share_W, dtype, device, seed
        As of `nmf.NMF`.
    """

    W: Tensor
    H: Tensor

    def __init__(
        self,
        shape: Sequence[int] | None,
        rank: int | None,
        geometry: Geometry,
        kernel_shape: tuple[int, ...] = (),
        *,
        W: Array | None = None,
        H: Array | None = None,
        trainable_W: bool = True,
        trainable_H: bool = True,
        share_W: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        given = {name: validate_factor(x, name, geometry) for name, x in (("W", W), ("H", H)) if x is not None}
        shapes = infer_shapes(shape, rank, kernel_shape, given, geometry, share_W=share_W)
        self.geometry, self.share_W = geometry, share_W
        self.rank = shapes["W"][geometry.component_axis_W]
        first = next(iter(given.values()), None)
        dtype = dtype or (first.dtype if first is not None else torch.get_default_dtype())
        if not dtype.is_floating_point:
            raise TypeError(f"dtype must be of floating-point numbers, got {dtype}")
        device = device or (first.device if first is not None else None)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for name, trainable in (("W", trainable_W), ("H", trainable_H)):
            value = given[name].clone() if name in given else torch.randn(shapes[name], generator=generator).abs_()
            self.register_parameter(name, nn.Parameter(value.to(device, dtype), requires_grad=trainable))
        self.running_sums: tuple[Tensor, Tensor] | None = None  # the halves of the slope in W, of partial_fit
        # A factor that was drawn and not written to since is rescaled to the data by the first fit. Torch counts the
        # writes to a tensor.
        self._drawn_at_construction = [name for name in ("W", "H") if name not in given]
        self._drawn = {name: getattr(self, name)._version for name in self._drawn_at_construction}

    @property
    def problem_axes(self) -> int:
        """How many leading axes of W count separate problems."""
        return self.W.ndim - 2 - self.geometry.kernel_axes

    def extra_repr(self) -> str:
        """Describe the shapes."""
        return f"W={tuple(self.W.shape)}, H={tuple(self.H.shape)}"

    def forward(self) -> Tensor:
        """Return the product of the factors; see `reconstruct`."""
        return self.reconstruct()

    def reconstruct(self, W: Tensor | None = None, H: Tensor | None = None) -> Tensor:
        """Return the model of V, differentiable in the factors.

        Parameters
        ----------
        W, H : torch.Tensor, optional
            Factors that replace the module's, of their shapes.
        """
        W, H = self.W if W is None else W, self.H if H is None else H
        return self.geometry.model(W, H).of_H(W)._forward(H)

    def components(self) -> Tensor:
        """Return the part of each component in the model, ``(..., R, *axes of V)``; they sum to `reconstruct`."""
        axis_W, axis_H = self.geometry.component_axis_W, self.geometry.component_axis_H
        parts = [self.reconstruct(self.W.narrow(axis_W, r, 1), self.H.narrow(axis_H, r, 1)) for r in range(self.rank)]
        return torch.stack(parts, dim=axis_H - 1)

    @torch.no_grad()
    def separate(self, X: ArrayT, alpha: float = 1.0) -> ArrayT:
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
        return wiener(X, self.components(), self.geometry.space_axes, alpha)


def check_data_shape(module: Factors, V: Tensor | StoredMatrix, *, same_activations: bool) -> None:
    """Check that V fits the templates of a module and, if `same_activations`, its activations too.

    Raises
    ------
    ValueError
        If not.
    """
    geometry, W, H = module.geometry, module.W, module.H
    n, rows = geometry.space_axes, W.shape[module.problem_axes]
    fits = V.ndim >= n + 1 and V.shape[-n - 1] == rows
    if fits and not module.share_W:
        fits = V.shape[: -n - 1] == W.shape[: module.problem_axes]
    if fits and same_activations:
        expected = geometry.activations(tuple(V.shape[-n:]), geometry.kernel_shape(tuple(W.shape)))
        fits = expected == tuple(H.shape[H.ndim - n :]) and V.shape[: -n - 1] == H.shape[: -n - 1]
    if not fits:
        wanted = "the shape given at construction" if same_activations else f"{rows} rows"
        raise ValueError(f"V must have {wanted}, got shape {tuple(V.shape)} for {module}")


def untouched(module: Factors) -> set[str]:
    """Name the factors that were drawn at random and have not been written to since."""
    return {name for name, version in module._drawn.items() if getattr(module, name)._version == version}


def redraw(module: Factors, seed: int) -> None:
    """Draw those factors anew that were not given at construction."""
    generator = torch.Generator().manual_seed(seed)
    for name in module._drawn_at_construction:
        factor = getattr(module, name)
        factor.copy_(torch.randn(factor.shape, generator=generator).abs_())
        module._drawn[name] = factor._version


def write(module: Factors, W: Tensor | None = None, H: Tensor | None = None, *, frozen: Tensor | None = None) -> None:
    """Write fitted factors to the trainable parameters; components of W where `frozen` is true keep their bits."""
    for name, value, keep in (("W", W, frozen), ("H", H, None)):
        if value is None:
            continue
        factor = getattr(module, name)
        if factor.requires_grad:
            factor.copy_(value if keep is None else torch.where(keep, factor, value))
        module._drawn.pop(name, None)
