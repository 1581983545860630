"""When direct convolution beats the FFT: a model of the time of one application, fitted to measurements.

``python -m benchmarks.convolution --fit`` prints the constants for the machine it runs on.
"""

from __future__ import annotations

import math

from ._linear import Shape

# Nanoseconds, float32, one thread of a 2.6 GHz server core.
_DIRECT_CALL, _DIRECT_TAP = 3e4, {1: 0.30, 2: 0.34, 3: 0.40}
_FFT_CALL, _FFT_POINT = 6e4, 0.3


def direct_time(kernels: int, range_shape: Shape, taps: Shape) -> float:
    """Estimated nanoseconds of one direct convolution."""
    return _DIRECT_CALL + _DIRECT_TAP[len(taps)] * kernels * math.prod(range_shape) * math.prod(taps)


def fft_time(kernels: int, fft_shape: Shape) -> float:
    """Estimated nanoseconds of one convolution by FFT, the spectrum of the kernel being at hand."""
    points = math.prod(fft_shape)
    return _FFT_CALL + _FFT_POINT * kernels * points * math.log2(points + 1)


def direct_is_faster(kernels: int, range_shape: Shape, taps: Shape, fft_shape: Shape) -> bool:
    """Whether the model expects the direct method to be the faster one."""
    return direct_time(kernels, range_shape, taps) < fft_time(kernels, fft_shape)
