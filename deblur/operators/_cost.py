"""When direct convolution beats the FFT: a model of the time of one application, fitted to measurements.

``python -m benchmarks.speed.convolution --fit`` prints the constants for the machine it runs on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ._linear import Shape


class _Cost(NamedTuple):
    """Nanoseconds, float32, one thread: of a call, and of each unit of work."""

    direct_call: float
    direct_spill: float  # times samples**1.5: libraries pad one channel to sixteen, which soon leaves the cache
    direct_product: float
    fft_call: float
    fft_point: float  # times log2 of the points


_COSTS = {
    1: _Cost(13e3, 0.026, 0.15, 13e3, 0.94),
    2: _Cost(24e3, 0.010, 0.22, 26e3, 0.23),
    3: _Cost(17e3, 0.030, 0.30, 37e3, 0.30),
}


def direct_is_faster(transforms: int, products: int, range_shape: Shape, kernel_shape: Shape, fft_shape: Shape) -> bool:
    """Whether the model expects the direct method to be the faster one.

    Parameters
    ----------
    transforms : int
        Channels of x and of y together: each is transformed once.
    products : int
        Number of kernels: each is multiplied once.
    range_shape, kernel_shape, fft_shape : tuple of int
        Sizes of the result, of a kernel and of the transforms.
    """
    if math.prod(kernel_shape) == 1:
        return True
    cost, size = _COSTS[len(kernel_shape)], math.prod(kernel_shape)
    samples, points = math.prod(range_shape), math.prod(fft_shape)
    direct = cost.direct_call + cost.direct_spill * samples**1.5 + cost.direct_product * products * samples * size
    fourier = cost.fft_call + cost.fft_point * points * (transforms / 2 * math.log2(points + 1) + products - 1)
    return direct < fourier


def fastest_bank_method(out: int, into: int, range_shape: Shape, kernel_shape: Shape, fft_shape: Shape) -> str:
    """Name the method of `ConvolutionBank` that is expected to be the fastest.

    Times of a forward and two adjoint applications, float32, one thread, are modeled from the numbers that
    ``python -m benchmarks.nmf.convolution`` prints.

    Parameters
    ----------
    out, into : int
        Number of channels of y and of x.
    range_shape, kernel_shape, fft_shape : tuple of int
        Sizes of the result, of a kernel and of the transforms.
    """
    kernels, samples, k, points = out * into, math.prod(range_shape), math.prod(kernel_shape), math.prod(fft_shape)
    shifts = into * k * samples
    milliseconds = {
        "gemm": 0.6 + shifts * (out * 35e-9 + 3.5e-6),
        "direct": 1.3 + shifts * max(out, 4) * 120e-9,  # libraries pad few channels to more
        "fft": 0.8 + points * (kernels * 14e-6 + (out + into) * math.log2(points + 1) * 0.6e-6),
    }
    if len(kernel_shape) == 1:
        spill = 3 if k >= 128 else 1  # longer blocks leave the cache
        transforms = (out + into) * math.log2(8 * k) * 2.1e-6
        milliseconds["overlap-save"] = 0.8 + samples * (kernels * 3e-6 * spill + transforms)
    return min(milliseconds, key=milliseconds.__getitem__)
