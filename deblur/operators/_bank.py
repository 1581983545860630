"""Convolution with a bank of kernels that mixes channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ._bilinear import BilinearConvolution, full_correlation, valid_convolution
from ._linear import Shape


class ConvolutionBank(BilinearConvolution):
    """True convolution with many kernels: ``y[o] = sum_i weight[o, i] * x[i]``, with both adjoints.

    With ``boundary="causal"`` in one dimension this is the model of convolutive NMF: templates `weight` of shape
    (frequencies, components, frames), activations x of shape (components, time).

    Parameters
    ----------
    weight : numpy.ndarray or torch.Tensor
        Shape ``(out, in, *taps)``.
    shape : sequence of int
        Spatial shape of x, one to three axes; x itself is ``(*batch, in, *shape)``.
    boundary, center, method
        As in `Convolution`.

    Raises
    ------
    ValueError
        If `weight` has not two axes more than `shape`, or an option does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> templates = np.zeros((2, 1, 3))
    >>> templates[0, 0, 0] = templates[1, 0, 2] = 1.0
    >>> ConvolutionBank(templates, (5,), boundary="causal")(np.array([[1.0, 0.0, 0.0, 2.0, 0.0]]))
    array([[1., 0., 0., 2., 0.],
           [0., 0., 1., 0., 0.]])
    """

    def __init__(
        self,
        weight: Any,
        shape: int | Sequence[int],
        boundary: str = "circular",
        *,
        center: int | Sequence[int] | None = None,
        method: str = "auto",
    ) -> None:
        super().__init__(weight, "weight", shape, boundary, center, method)

    def _check_kernel(self, name: str, ndim: int) -> None:
        if self.kernel.ndim != ndim + 2:
            raise ValueError(
                f"{name} must have shape (out, in, *taps) with {ndim} axes of taps, got {tuple(self.kernel.shape)}"
            )

    def _leading_shapes(self, ndim: int) -> tuple[Shape, Shape]:
        out, into = self.kernel.shape[:2]
        return (into,), (out,)

    def _multiply(self, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return self._contract("bix,oix->box", x, kernel)

    def _multiply_adjoint(self, y: torch.Tensor, conjugate_kernel: torch.Tensor) -> torch.Tensor:
        return self._contract("box,oix->bix", y, conjugate_kernel)

    def _multiply_kernel_adjoint(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        n = self._geometry.ndim
        flat = [t.reshape(-1, t.shape[-n - 1], t.shape[-n:].numel()) for t in (x.conj(), y)]
        return torch.einsum("bix,box->oix", *flat).reshape(*self.kernel.shape[:2], *x.shape[-n:])

    def _contract(self, equation: str, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        n = self._geometry.ndim
        batch, space = x.shape[: -n - 1], x.shape[-n:]
        y = torch.einsum(equation, x.reshape(-1, x.shape[-n - 1], space.numel()), kernel.flatten(2))
        return y.reshape(*batch, y.shape[1], *space)

    def _one_batch(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, *x.shape[x.ndim - self._geometry.ndim - 1 :])

    def _direct(self, e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        y = valid_convolution(self._one_batch(e), kernel)
        return y.reshape(*e.shape[: e.ndim - self._geometry.ndim - 1], *y.shape[1:])

    def _direct_adjoint(self, y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        e = full_correlation(self._one_batch(y), kernel.transpose(0, 1))
        return e.reshape(*y.shape[: y.ndim - self._geometry.ndim - 1], *e.shape[1:])

    def _direct_kernel_adjoint(self, e: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        # With channels and batch exchanged, the sum over the batch is a convolution's sum over channels.
        axes = tuple(range(-self._geometry.ndim, 0))
        images, data = self._one_batch(e).transpose(0, 1), self._one_batch(y).transpose(0, 1)
        return valid_convolution(images, data.flip(axes)).flip(axes).transpose(0, 1)
