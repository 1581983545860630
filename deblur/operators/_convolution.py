"""Convolution with one point-spread function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from ._bilinear import BilinearConvolution, full_correlation, valid_convolution
from ._linear import LinearOperator, Shape, as_shape
from ._slabs import filter_in_slabs


class Convolution(BilinearConvolution):
    """True convolution ``x -> psf * x`` on arrays of a shape, with both adjoints.

    Along each axis, ``y[i] = sum_j psf[j] x[i + center - j]``. The center of a kernel of size k defaults to ``k // 2``.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Shape ``(*batch, *kernel)``: the last ``len(shape)`` axes are the kernel, of any size, odd or even, and any axes
        before them are a batch of kernels, one for each image. Any sum; it is not normalized. With a torch tensor
        that requires a gradient, the result is differentiable in it.
    shape : sequence of int
        Spatial shape of x: one to three axes.
    boundary : {"circular", "zero", "reflect", "replicate", "valid", "full", "causal"}
        How x continues outside. `reflect` mirrors about the end samples without repeating them, as in torch and NumPy
        (SciPy's ndimage calls it mirror). `valid` keeps the ``N - k + 1`` samples that need nothing from outside,
        `full` all the ``N + k - 1`` that x reaches. `causal` takes only x[i - j], j >= 0: zeros before the start.
    center : int or sequence of int, optional
        Kernel index of no shift, for the boundaries that keep the shape; ``k // 2`` along each axis by default.
    method : {"auto", "direct", "fft"}
        Implementation; both agree to rounding. `auto` takes the faster one by a measured cost model.

    Raises
    ------
    ValueError
        If shapes, boundary, center or method do not fit; the message lists what does.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import Convolution
    >>> A = Convolution(np.array([1.0, 2.0, 0.5]), (4,), boundary="zero")
    >>> A(np.array([1.0, 0.0, 0.0, 1.0]))
    array([2. , 0.5, 1. , 2. ])
    >>> A.T(np.array([1.0, 0.0, 0.0, 0.0]))
    array([2., 1., 0., 0.])
    >>> A.kernel_adjoint(np.array([1.0, 0.0, 0.0, 1.0]), np.ones(4))
    array([1., 2., 1.])
    """

    def __init__(
        self,
        psf: Any,
        shape: int | Sequence[int],
        boundary: str = "circular",
        *,
        center: int | Sequence[int] | None = None,
        method: str = "auto",
    ) -> None:
        super().__init__(psf, "psf", shape, boundary, center, method)

    def _check_kernel(self, name: str, ndim: int) -> None:
        if self.kernel.ndim < ndim:
            raise ValueError(f"{name} must have at least {ndim} axes, as shape has, got {tuple(self.kernel.shape)}")

    def _leading_shapes(self, ndim: int) -> tuple[Shape, Shape]:
        self._lead = tuple(self.kernel.shape[: self.kernel.ndim - ndim])
        return self._lead, self._lead

    def norm(self, *, tolerance: float = 1e-6, max_iter: int = 1000, seed: int = 0) -> float:
        """Largest singular value: in closed form for the circular boundary, else by power iteration.

        Parameters
        ----------
        tolerance, max_iter, seed
            As of `LinearOperator.norm`.
        """
        if self._geometry.is_circular:
            with torch.no_grad():
                return float(self.transfer_function(torch.float64).abs().max())
        return super().norm(tolerance=tolerance, max_iter=max_iter, seed=seed)

    def transfer_function(self, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Return the eigenvalues of a circular convolution: the factors it multiplies spectra by.

        Parameters
        ----------
        dtype : torch.dtype, optional
            float32 or float64; that of the PSF if None.

        Returns
        -------
        torch.Tensor
            Complex half spectrum, as `torch.fft.rfftn` of x over the axes of `shape` has it.

        Raises
        ------
        ValueError
            If the boundary is not circular: then Fourier modes are not eigenvectors.

        Examples
        --------
        >>> import numpy as np
        >>> from deblur.operators import Convolution
        >>> A = Convolution(np.array([1.0, 1.0, 1.0]) / 3, (6,), boundary="circular")
        >>> A.transfer_function().real.abs()
        tensor([1.0000, 0.6667, 0.0000, 0.3333], dtype=torch.float64)
        """
        if not self._geometry.is_circular:
            raise ValueError("only a circular convolution has a transfer function")
        return self._geometry.transfer_function(self.kernel.to(dtype or self.kernel.dtype))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self._goes_in_slabs(x):
            return super()._forward(x)
        return self._filter(self._geometry.stored(x), self._geometry.range_shape, conjugate=False)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        if not self._goes_in_slabs(y):
            return super()._adjoint(y)
        return self._geometry.stored_adjoint(self._filter(y, self._geometry.stored_shape, conjugate=True))

    def _goes_in_slabs(self, x: torch.Tensor) -> bool:
        """Return whether x is a volume, and autograd need not record each step."""
        graph = torch.is_grad_enabled() and (x.requires_grad or self.kernel.requires_grad)
        return self.method == "fft" and self._geometry.ndim == 3 and not graph

    def _filter(self, x: torch.Tensor, shape: Shape, *, conjugate: bool) -> torch.Tensor:
        return filter_in_slabs(x, self._kernel_spectrum(x), self._geometry.fft_shape, shape, conjugate=conjugate)

    def _multiply(self, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return x * kernel

    def _multiply_adjoint(self, y: torch.Tensor, conjugate_kernel: torch.Tensor) -> torch.Tensor:
        return y * conjugate_kernel

    def _multiply_kernel_adjoint(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        product = x.conj() * y
        return product.reshape(-1, *product.shape[product.ndim - self.kernel.ndim :]).sum(0)

    def _grouped(self, x: torch.Tensor) -> torch.Tensor:
        """(*batch, *lead, *space) as (batch, lead, *space)."""
        space = x.shape[x.ndim - self._geometry.ndim :]
        return x.reshape(-1, math.prod(self._lead), *space)

    def _flat_kernels(self, kernel: torch.Tensor) -> torch.Tensor:
        return kernel.reshape(-1, 1, *self._geometry.kernel)

    @property
    def _is_factor(self) -> bool:
        """Whether the kernel has one element: a product is then far faster than the convolutions of libraries."""
        return math.prod(self._geometry.kernel) == 1

    def _direct(self, e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        if self._is_factor:
            return e * kernel
        y = valid_convolution(self._grouped(e), self._flat_kernels(kernel), groups=math.prod(self._lead))
        return y.reshape(*e.shape[: e.ndim - self._geometry.ndim], *self._geometry.range_shape)

    def _direct_adjoint(self, y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        if self._is_factor:
            return y * kernel
        e = full_correlation(self._grouped(y), self._flat_kernels(kernel), groups=math.prod(self._lead))
        return e.reshape(*y.shape[: y.ndim - self._geometry.ndim], *e.shape[2:])

    def _direct_kernel_adjoint(self, e: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        # Each image is correlated with its own y: one group an image, then the sum over the batch.
        ndim = self._geometry.ndim
        images, data = (
            e.reshape(1, -1, *e.shape[e.ndim - ndim :]),
            y.reshape(-1, 1, *y.shape[y.ndim - ndim :]),
        )
        reversed_kernel = valid_convolution(images, data.flip(tuple(range(-ndim, 0))), groups=data.shape[0])
        kernel = reversed_kernel.flip(tuple(range(-ndim, 0)))
        return kernel.reshape(-1, *self.kernel.shape).sum(0)


class FramedConvolution(Convolution):
    """A circular convolution on a padded grid, of which the first corner is kept: the image of a larger scene.

    Equal to ``Crop(grid, frame, start=0) @ Convolution(psf, grid)``, without computing what is cropped.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Shape ``(*batch, *kernel)``, as for `Convolution`.
    grid : sequence of int
        Shape of the padded grid: one to three axes. Where it is at least ``frame + kernel_shape - 1``, no sample of the
        image wraps around.
    frame : sequence of int
        Shape of the image: the corner that is kept.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.operators import FramedConvolution
    >>> A = FramedConvolution(np.array([0.25, 0.5, 0.25]), (6,), (4,))
    >>> A(np.array([0.0, 4.0, 0.0, 0.0, 0.0, 8.0])).round(6) + 0.0
    array([3., 2., 1., 0.])
    """

    def __init__(self, psf: Any, grid: int | Sequence[int], frame: int | Sequence[int]) -> None:
        super().__init__(psf, grid, "circular", method="fft")
        corner = as_shape(frame, "frame", self._geometry.ndim)
        if any(size > period for size, period in zip(corner, self._geometry.shape, strict=True)):
            raise ValueError(f"a frame of {corner} does not lie within a grid of {self._geometry.shape}")
        self._geometry.range_shape = corner
        self.range_shape = (*self._lead, *corner)

    def norm(self, *, tolerance: float = 1e-6, max_iter: int = 1000, seed: int = 0) -> float:
        """Largest singular value, by power iteration.

        Parameters
        ----------
        tolerance, max_iter, seed
            As of `LinearOperator.norm`.
        """
        return LinearOperator.norm(self, tolerance=tolerance, max_iter=max_iter, seed=seed)
