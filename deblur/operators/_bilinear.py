"""The base of all convolutions: boundaries, the two implementations, and the two adjoints of a bilinear map.

Along an axis of N samples, for a kernel of size k and a boundary, the result is

    y[i] = sum_j kernel[j] e[i + k - 1 - j],    e = x continued by `left` samples before and `right` after it,

so every boundary is a continuation followed by the one valid convolution, and its adjoint is the adjoint of that
valid convolution followed by the adjoint of the continuation.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from deblur._core.arrays import as_float_tensor

from ._cost import direct_is_faster
from ._grid import Pad, flat_pad, gather, scatter
from ._linear import LinearOperator, Shape, as_shape
from ._shapes import fast_size, is_fast_size

BOUNDARIES = ("circular", "zero", "reflect", "replicate", "valid", "full", "causal")
_CONTINUED = ("circular", "reflect", "replicate")  # by samples of x; the others by zeros, or not at all

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class Geometry:
    """The layout of a convolution: the continuation of x, the range, and the padded grid of the Fourier transforms."""

    def __init__(self, shape: Shape, kernel: Shape, boundary: str, center: int | Sequence[int] | None) -> None:
        if boundary not in BOUNDARIES:
            raise ValueError(f"boundary must be one of {', '.join(BOUNDARIES)}, got {boundary!r}")
        self.shape, self.kernel = shape, kernel
        self.ndim = len(shape)
        self.widths = [_widths(k, c, boundary) for k, c in zip(kernel, _centers(kernel, boundary, center), strict=True)]
        self._continuation = Pad(shape, self.widths, boundary if boundary in _CONTINUED else "zero")
        extended = self._continuation.range_shape
        self.range_shape = tuple(n - k + 1 for n, k in zip(extended, kernel, strict=True))
        if any(size < 1 for size in self.range_shape):
            raise ValueError(f"a kernel of {kernel} leaves nothing of shape {shape} with boundary='valid'")
        self.is_circular = boundary == "circular"
        self._plan_fft(extended, boundary)

    def _plan_fft(self, extended: Shape, boundary: str) -> None:
        """Choose the padded grid, and `origin`: the kernel element that multiplies x[0] (or e[0]) in y[0].

        A result sample is correct as long as no other continuation sample wraps onto a sample of x that it needs. So
        zeros need no storing, and the padded grid only has to be longer by the wider of the two sides.
        """
        self.continue_for_fft = boundary in _CONTINUED
        if boundary == "circular" and _period_is_cheap(self.shape, extended):
            self.fft_shape, self.continue_for_fft = self.shape, False
        elif self.continue_for_fft:
            self.fft_shape = tuple(fast_size(n) for n in extended)
        else:
            self.fft_shape = tuple(fast_size(n + max(w)) for n, w in zip(self.shape, self.widths, strict=True))
        self.stored_shape = extended if self.continue_for_fft else self.shape
        before = [0 if self.continue_for_fft else left for left, _ in self.widths]
        origin = [k - 1 - left for k, left in zip(self.kernel, before, strict=True)]
        self.kernel_indices = [
            (torch.arange(k) - o) % size for k, o, size in zip(self.kernel, origin, self.fft_shape, strict=True)
        ]
        self.axes = tuple(range(-self.ndim, 0))

    def extend(self, x: torch.Tensor) -> torch.Tensor:
        return self._continuation._forward(x)

    def extend_adjoint(self, e: torch.Tensor) -> torch.Tensor:
        return self._continuation._adjoint(e)

    def stored(self, x: torch.Tensor) -> torch.Tensor:
        """Return the part of the padded grid that is not zero: x, continued unless the boundary is zero."""
        return self.extend(x) if self.continue_for_fft else x

    def stored_adjoint(self, e: torch.Tensor) -> torch.Tensor:
        return self.extend_adjoint(e) if self.continue_for_fft else e

    def spectrum(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfftn(self.stored(x), s=self.fft_shape, dim=self.axes)

    def range_spectrum(self, y: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfftn(y, s=self.fft_shape, dim=self.axes)

    def kernel_spectrum(self, kernel: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfftn(scatter(kernel, self.kernel_indices, self.fft_shape), dim=self.axes)

    def to_range(self, spectrum: torch.Tensor) -> torch.Tensor:
        return self._inverse(spectrum)[self._corner(self.range_shape)]

    def to_domain(self, spectrum: torch.Tensor) -> torch.Tensor:
        return self.stored_adjoint(self._inverse(spectrum)[self._corner(self.stored_shape)])

    def to_kernel(self, spectrum: torch.Tensor) -> torch.Tensor:
        return gather(self._inverse(spectrum), self.kernel_indices)

    def _inverse(self, spectrum: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfftn(spectrum, s=self.fft_shape, dim=self.axes)

    def transfer_function(self, kernel: torch.Tensor) -> torch.Tensor:
        """Return the half spectrum of the kernel, its center on the origin of a periodic grid of the shape of x."""
        axes = zip(self.kernel, self.widths, self.shape, strict=True)
        wrapped = [(torch.arange(k) - center) % n for k, (_, center), n in axes]
        return torch.fft.rfftn(scatter(kernel, wrapped, self.shape), dim=self.axes)

    @staticmethod
    def _corner(shape: Shape) -> tuple[Any, ...]:
        return (..., *(slice(size) for size in shape))


class BilinearConvolution(LinearOperator):
    """A convolution, linear in x (this operator) and in its kernel (`kernel_operator`)."""

    methods: tuple[str, ...] = ("direct", "fft")  # all but "fft" do the valid convolution of the continued x

    def __init__(
        self,
        kernel: Any,
        name: str,
        shape: int | Sequence[int],
        boundary: str,
        center: int | Sequence[int] | None,
        method: str,
    ) -> None:
        spatial = as_shape(shape)
        self.kernel = as_float_tensor(kernel, name)[0].clone()
        if not 1 <= len(spatial) <= 3:
            raise ValueError(f"shape must have one to three axes, got {shape}")
        self._check_kernel(name, len(spatial))
        if method != "auto" and method not in self.methods:
            raise ValueError(f"method must be one of auto, {', '.join(self.methods)}, got {method!r}")
        kernel_shape = tuple(self.kernel.shape[-len(spatial) :])
        self._geometry = geometry = Geometry(spatial, kernel_shape, boundary, center)
        domain, range_ = self._leading_shapes(len(spatial))
        super().__init__((*domain, *spatial), (*range_, *geometry.range_shape))
        self.method = self._fastest_method() if method == "auto" else method
        self._spectra: dict[tuple[torch.dtype, torch.device, bool], torch.Tensor] = {}

    def _fastest_method(self) -> str:
        g = self._geometry
        transforms = sum(math.prod(lead) for lead in self._leading_shapes(g.ndim))
        products = self.kernel.numel() // math.prod(g.kernel)
        return "direct" if direct_is_faster(transforms, products, g.range_shape, g.kernel, g.fft_shape) else "fft"

    @abstractmethod
    def _check_kernel(self, name: str, ndim: int) -> None: ...

    @abstractmethod
    def _leading_shapes(self, ndim: int) -> tuple[Shape, Shape]: ...

    @abstractmethod
    def _multiply(self, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _multiply_adjoint(self, y: torch.Tensor, conjugate_kernel: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _multiply_kernel_adjoint(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _direct(self, e: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _direct_adjoint(self, y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor: ...

    @abstractmethod
    def _direct_kernel_adjoint(self, e: torch.Tensor, y: torch.Tensor) -> torch.Tensor: ...

    def _kernel_spectrum(self, like: torch.Tensor, conjugate: bool = False) -> torch.Tensor:
        key = (like.dtype, like.device, conjugate)
        if key in self._spectra:
            return self._spectra[key]
        if conjugate:
            spectrum = self._kernel_spectrum(like).conj().resolve_conj()
        else:
            spectrum = self._geometry.kernel_spectrum(self.kernel.to(like))
        if not spectrum.requires_grad:  # a graph must not outlive its backward pass
            self._spectra[key] = spectrum
        return spectrum

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.method != "fft":
            return self._direct(self._geometry.extend(x), self.kernel.to(x))
        return self._geometry.to_range(self._multiply(self._geometry.spectrum(x), self._kernel_spectrum(x)))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        if self.method != "fft":
            return self._geometry.extend_adjoint(self._direct_adjoint(y, self.kernel.to(y)))
        spectrum = self._multiply_adjoint(self._geometry.range_spectrum(y), self._kernel_spectrum(y, conjugate=True))
        return self._geometry.to_domain(spectrum)

    def kernel_operator(self, x: Any) -> LinearOperator:
        """Return the linear map that takes a kernel to its convolution with the fixed `x`.

        Its adjoint is the second adjoint of the bilinear map, so ``kernel_operator(x)`` passes the same adjoint
        test as the convolution itself, and solvers for the kernel can use it like any operator.

        Parameters
        ----------
        x : numpy.ndarray or torch.Tensor
            Shape ``(*batch, *domain_shape)``.

        Returns
        -------
        LinearOperator
            From the shape of the kernel to ``(*batch, *range_shape)``.
        """
        return KernelOperator(self, x)

    def kernel_adjoint(self, x: Any, y: Any) -> Any:
        """Adjoint with respect to the kernel: ``<A_k x, y> == <k, kernel_adjoint(x, y)>``, summed over the batch.

        Frameworks call it the weight gradient.

        Parameters
        ----------
        x, y : numpy.ndarray or torch.Tensor
            Shapes ``(*batch, *domain_shape)`` and ``(*batch, *range_shape)``.

        Returns
        -------
        numpy.ndarray or torch.Tensor
            Of the shape of the kernel, and the kind of `y`.
        """
        return self.kernel_operator(x).T(y)


class KernelOperator(LinearOperator):
    """A convolution as a linear map of its kernel, with x fixed."""

    def __init__(self, convolution: BilinearConvolution, x: Any) -> None:
        tensor = as_float_tensor(x, "x")[0]
        ndim = len(convolution.domain_shape)
        batch, last = tuple(tensor.shape[: tensor.ndim - ndim]), tuple(tensor.shape[tensor.ndim - ndim :])
        if last != convolution.domain_shape:
            raise ValueError(f"the last axes of x must be {convolution.domain_shape}, got shape {tuple(tensor.shape)}")
        super().__init__(tuple(convolution.kernel.shape), (*batch, *convolution.range_shape))
        self._convolution, self._x = convolution, tensor
        self._own_spectrum: torch.Tensor | None = None

    def _forward(self, kernel: torch.Tensor) -> torch.Tensor:
        if kernel.ndim > len(self.domain_shape):
            flat = kernel.reshape(-1, *self.domain_shape)
            return torch.stack([self._forward(one) for one in flat]).reshape(
                *kernel.shape[: -len(self.domain_shape)], *self.range_shape
            )
        a, geometry, x = self._convolution, self._convolution._geometry, self._x.to(kernel)
        if a.method != "fft":
            return a._direct(geometry.extend(x), kernel)
        return geometry.to_range(a._multiply(self._spectrum(x), geometry.kernel_spectrum(kernel)))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        if y.ndim > len(self.range_shape):
            flat = y.reshape(-1, *self.range_shape)
            return torch.stack([self._adjoint(one) for one in flat]).reshape(
                *y.shape[: -len(self.range_shape)], *self.domain_shape
            )
        a, geometry, x = self._convolution, self._convolution._geometry, self._x.to(y)
        if a.method != "fft":
            return a._direct_kernel_adjoint(geometry.extend(x), y)
        return geometry.to_kernel(a._multiply_kernel_adjoint(self._spectrum(x), geometry.range_spectrum(y)))

    def _spectrum(self, x: torch.Tensor) -> torch.Tensor:
        if x is not self._x or x.requires_grad:
            return self._convolution._geometry.spectrum(x)
        if self._own_spectrum is None:  # kept: solvers for the kernel apply the operator many times
            self._own_spectrum = self._convolution._geometry.spectrum(x)
        return self._own_spectrum


def valid_convolution(e: torch.Tensor, kernel: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """Convolve ``(batch, channels, *space)`` with ``(out, channels / groups, *kernel)``, keeping the valid part."""
    ndim = e.ndim - 2
    return _CONV[ndim](e, kernel.flip(tuple(range(-ndim, 0))), groups=groups)


def full_correlation(y: torch.Tensor, kernel: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """Correlate in a frame of ``k - 1`` zeros: the adjoint of `valid_convolution`; the caller swaps channels.

    A plain convolution on a padded array, because the transposed ones of torch are two to five times slower on a CPU.
    """
    ndim = y.ndim - 2
    return _CONV[ndim](F.pad(y, flat_pad([(k - 1, k - 1) for k in kernel.shape[-ndim:]])), kernel, groups=groups)


def _widths(size: int, center: int, boundary: str) -> tuple[int, int]:
    if boundary == "valid":
        return 0, 0
    if boundary == "full":
        return size - 1, size - 1
    return size - 1 - center, center


def _centers(kernel: Shape, boundary: str, center: int | Sequence[int] | None) -> Shape:
    if center is None:
        return tuple(0 if boundary == "causal" else k // 2 for k in kernel)
    if boundary in ("valid", "full", "causal"):
        raise ValueError(f"center has no meaning with boundary={boundary!r}: leave it out")
    centers = (center,) * len(kernel) if isinstance(center, int) else tuple(int(c) for c in center)
    if len(centers) != len(kernel) or any(not 0 <= c < k for c, k in zip(centers, kernel, strict=True)):
        raise ValueError(f"center must index the kernel, 0 to size - 1 along each axis of {kernel}, got {center}")
    return centers


def _period_is_cheap(period: Shape, extended: Shape) -> bool:
    """Whether transforms at the period itself cost less than on a longer grid of a fast size."""
    penalty = 1 if all(map(is_fast_size, period)) else 4  # measured: benchmarks/speed/fft_sizes.py
    return penalty * math.prod(period) <= math.prod(fast_size(n) for n in extended)
