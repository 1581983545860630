"""Shape arithmetic: sizes of convolutions and of their transposes, and sizes at which the FFT is fast."""

from __future__ import annotations

from functools import cache


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Size of a (strided, padded, dilated) convolution along one axis, as frameworks count it.

    Parameters
    ----------
    size, kernel : int
        Input and kernel size in samples.
    stride, padding, dilation : int
        Step of the output, zeros added at both ends, spacing of the kernel elements.

    Returns
    -------
    int
        ``floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1``.

    Raises
    ------
    ValueError
        If the dilated kernel is larger than the padded input.

    Examples
    --------
    >>> from deblur.operators import conv_output_size
    >>> conv_output_size(438, 3, stride=2, padding=1)
    219
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ValueError(f"kernel of {kernel} (dilation {dilation}) does not fit into {size} samples + 2 x {padding}")
    return room // stride + 1


def conv_transpose_output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """Size of a transposed convolution along one axis.

    Several input sizes of a strided convolution share one output size, so the way back is ambiguous: a network that
    halves 438 three times and doubles three times comes back to 440. `output_padding_for` settles it.

    Parameters
    ----------
    size, kernel, stride, padding, dilation : int
        As in `conv_output_size`; `size` is the size before the transposed convolution.
    output_padding : int
        Samples added at the end, below `stride`.

    Returns
    -------
    int
        ``(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.

    Raises
    ------
    ValueError
        If no sample would be left.

    Examples
    --------
    >>> from deblur.operators import conv_output_size, conv_transpose_output_size, output_padding_for
    >>> down = [438]
    >>> for _ in range(3):
    ...     down.append(conv_output_size(down[-1], 3, stride=2, padding=1))
    >>> down
    [438, 219, 110, 55]
    >>> size = 55
    >>> for _ in range(3):
    ...     size = conv_transpose_output_size(size, 4, stride=2, padding=1)
    >>> size
    440

    With the missing samples derived from the size to come back to, it is 438 again:

    >>> size = 55
    >>> for target in (110, 219, 438):
    ...     extra = output_padding_for(target, 3, stride=2, padding=1)
    ...     size = conv_transpose_output_size(size, 3, stride=2, padding=1, output_padding=extra)
    >>> size
    438
    """
    result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    if result < 1:
        raise ValueError(f"a transposed convolution of {size} samples, padding {padding}, leaves none")
    return result


def output_padding_for(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Output padding with which a transposed convolution comes back to exactly `size` samples.

    Parameters
    ----------
    size : int
        Input size of the forward convolution: where the transposed one must land.
    kernel, stride, padding, dilation : int
        Of the forward convolution.

    Returns
    -------
    int
        Between 0 and ``stride - 1``.

    Raises
    ------
    ValueError
        If the dilated kernel is larger than the padded input.

    Examples
    --------
    >>> from deblur.operators import output_padding_for
    >>> output_padding_for(438, 3, stride=2, padding=1), output_padding_for(219, 3, stride=2, padding=1)
    (1, 0)
    """
    conv_output_size(size, kernel, stride, padding, dilation)
    return (size + 2 * padding - dilation * (kernel - 1) - 1) % stride


@cache
def fast_size(size: int) -> int:
    """Smallest FFT size, at least `size`, that transforms fast: even, with no prime factor above 13.

    Odd sizes and large primes cost two to five times as much in every library we measured
    (``python -m benchmarks.speed.fft_sizes``).

    Parameters
    ----------
    size : int
        Samples; below 1 counts as 1.

    Returns
    -------
    int
        At least `size`.

    Examples
    --------
    >>> from deblur.operators import fast_size
    >>> fast_size(1), fast_size(1038), fast_size(1086)
    (1, 1040, 1092)
    """
    if size <= 2:
        return size
    candidate = size + size % 2
    while not is_fast_size(candidate):
        candidate += 2
    return candidate


def is_fast_size(size: int) -> bool:
    """Whether `fast_size` would keep `size`."""
    if size > 2 and size % 2:
        return False
    for prime in (2, 3, 5, 7, 11, 13):
        while size % prime == 0:
            size //= prime
    return size == 1
