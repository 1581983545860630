"""Convolution with a bank of kernels that mixes channels."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch

from deblur._core.arrays import as_float_tensor

from ._bilinear import BilinearConvolution
from ._cost import fastest_bank_method
from ._linear import LinearOperator, Shape
from ._valid import BACKENDS, fold, shifts


class ConvolutionBank(BilinearConvolution):
    """True convolution with many kernels: ``y[o] = sum_i weight[o, i] * x[i]``, with both adjoints.

    With ``boundary="causal"`` in one dimension this is the model of convolutive NMF: templates `weight` of shape
    (frequencies, components, frames), activations x of shape (components, time).

    Parameters
    ----------
    weight : numpy.ndarray or torch.Tensor
        Shape ``(*lead, out, in, *kernel)``; leading axes are independent banks, one for each x.
    shape : sequence of int
        Spatial shape of x, one to three axes; x itself is ``(*batch, *lead, in, *shape)``.
    boundary, center
        As in `Convolution`.
    method : {"auto", "direct", "gemm", "fft", "overlap-save"}
        Implementation; all agree to rounding. `direct` is the convolution of torch, `gemm` a matrix product with
        all shifts of x, `fft` transforms of the whole axes, `overlap-save` short transforms along a single
        axis. `auto` takes the one that was fastest in ``python -m benchmarks.nmf.convolution``.

    Raises
    ------
    ValueError
        If `weight` has not at least two axes more than `shape`, or an option does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import ConvolutionBank
    >>> templates = np.zeros((2, 1, 3))
    >>> templates[0, 0, 0] = templates[1, 0, 2] = 1.0
    >>> ConvolutionBank(templates, (5,), boundary="causal")(np.array([[1.0, 0.0, 0.0, 2.0, 0.0]]))
    array([[1., 0., 0., 2., 0.],
           [0., 0., 1., 0., 0.]])
    """

    methods = ("direct", "gemm", "fft", "overlap-save")

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
        if self.method == "overlap-save" and self._geometry.ndim > 1:
            raise ValueError(f"method='overlap-save' is for one axis, got shape {tuple(self._geometry.shape)}")

    def with_weight(self, weight: Any) -> ConvolutionBank:
        """Return the same map with other kernels of the same size: cheap, for kernels that change often.

        Parameters
        ----------
        weight : numpy.ndarray or torch.Tensor
            Shape ``(*lead, out, in, *kernel)``; out may differ. It is not copied: do not write into it meanwhile.

        Raises
        ------
        ValueError
            If the number of channels or the kernel size differs.
        """
        tensor = as_float_tensor(weight, "weight")[0]
        n, lead = self._geometry.ndim, len(self.domain_shape) - self._geometry.ndim - 1
        fixed = (*self.kernel.shape[:lead], *self.kernel.shape[lead + 1 :])
        if tensor.ndim != self.kernel.ndim or (*tensor.shape[:lead], *tensor.shape[lead + 1 :]) != fixed:
            raise ValueError(f"weight must have shape {self._axes_of_weight(n)} as before, got {tuple(tensor.shape)}")
        bank = copy.copy(self)
        bank.kernel, bank._spectra = tensor, {}
        bank.range_shape = (*tensor.shape[: lead + 1], *self._geometry.range_shape)
        return bank

    def shifts(self) -> LinearOperator:
        """Return the linear map from x to its shifted copies, one per element of a kernel (im2col).

        The bank is a matrix product with it, ``y = weight.flatten(-kernel_axes - 1) @ shifts(x)``, with the
        spatial axes flattened to one. The method `gemm` computes this; solvers for kernels can compute the shifts once.

        Returns
        -------
        LinearOperator
            From ``(*lead, in, *shape)`` to ``(*lead, in * prod(kernel_shape), *space of y)``, the kernel axes last.

        Examples
        --------
        >>> import numpy as np
        >>> from deblur.operators import ConvolutionBank
        >>> bank = ConvolutionBank(np.ones((1, 1, 2)), (3,), boundary="causal")
        >>> bank.shifts()(np.array([[1.0, 2.0, 3.0]]))
        array([[1., 2., 3.],
               [0., 1., 2.]])
        """
        return Shifts(self)

    def _axes_of_weight(self, ndim: int) -> str:
        return f"(*lead, out, in, *kernel) with {ndim} kernel {'axis' if ndim == 1 else 'axes'}"

    def _check_kernel(self, name: str, ndim: int) -> None:
        if self.kernel.ndim < ndim + 2:
            raise ValueError(f"{name} must have shape {self._axes_of_weight(ndim)}, got {tuple(self.kernel.shape)}")

    def _leading_shapes(self, ndim: int) -> tuple[Shape, Shape]:
        *lead, out, into = self.kernel.shape[: self.kernel.ndim - ndim]
        return (*lead, into), (*lead, out)

    def _fastest_method(self) -> str:
        g = self._geometry
        out, into = self.kernel.shape[self.kernel.ndim - g.ndim - 2 :][:2]
        return fastest_bank_method(out, into, g.range_shape, g.kernel, g.fft_shape)

    def _banks(self, kernel: torch.Tensor) -> torch.Tensor:
        """(*lead, out, in, *kernel) as (lead, out, in, *kernel)."""
        return kernel.reshape(-1, *kernel.shape[kernel.ndim - self._geometry.ndim - 2 :])

    def _channels(self, x: torch.Tensor) -> torch.Tensor:
        """(*batch, *lead, channels, *space) as (batch, lead, channels, *space)."""
        lead = math.prod(self.kernel.shape[: self.kernel.ndim - self._geometry.ndim - 2])
        return x.reshape(-1, lead, *x.shape[x.ndim - self._geometry.ndim - 1 :])

    def _like(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Give (batch, lead, channels, *space) the leading axes of x."""
        return y.reshape(*x.shape[: x.ndim - self._geometry.ndim - 1], *y.shape[2:])

    def _multiply(self, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return self._contract("blix,loix->blox", x, kernel)

    def _multiply_adjoint(self, y: torch.Tensor, conjugate_kernel: torch.Tensor) -> torch.Tensor:
        return self._contract("blox,loix->blix", y, conjugate_kernel)

    def _multiply_kernel_adjoint(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        flat = [self._channels(t).flatten(3) for t in (x.conj(), y)]
        product = torch.einsum("blix,blox->loix", *flat)
        return product.reshape(*self.kernel.shape[: -self._geometry.ndim], *x.shape[-self._geometry.ndim :])

    def _contract(self, equation: str, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        y = torch.einsum(equation, self._channels(x).flatten(3), self._banks(kernel).flatten(3))
        return self._like(y.unflatten(-1, x.shape[-self._geometry.ndim :]), x)

    def _direct(self, e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return self._like(BACKENDS[self.method].forward(self._channels(e), self._banks(kernel)), e)

    def _direct_adjoint(self, y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return self._like(BACKENDS[self.method].adjoint(self._channels(y), self._banks(kernel)), y)

    def _direct_kernel_adjoint(self, e: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        kernel = BACKENDS[self.method].kernel_adjoint(self._channels(e), self._channels(y))
        return kernel.reshape(self.kernel.shape)


class Shifts(LinearOperator):
    """The shifted copies of x that a bank multiplies; see `ConvolutionBank.shifts`."""

    def __init__(self, bank: ConvolutionBank) -> None:
        self._bank, self._geometry = bank, bank._geometry
        *lead, into = bank.domain_shape[: -self._geometry.ndim]
        rows = into * math.prod(self._geometry.kernel)
        super().__init__(bank.domain_shape, (*lead, rows, *self._geometry.range_shape))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        e = self._geometry.extend(x)
        rows = shifts(self._bank._channels(e), self._geometry.kernel)
        return self._bank._like(rows.unflatten(-1, self._geometry.range_shape), e)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        e = fold(self._bank._channels(y).flatten(3), self._geometry.kernel, self._geometry.range_shape)
        return self._geometry.extend_adjoint(self._bank._like(e, y))
