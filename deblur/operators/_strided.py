"""The frameworks' strided convolution and its adjoint, the transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn import grad

from deblur._core.arrays import as_float_tensor

from ._linear import LinearOperator, as_shape
from ._shapes import conv_output_size, output_padding_for

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_KERNEL_ADJOINT = {1: grad.conv1d_weight, 2: grad.conv2d_weight, 3: grad.conv3d_weight}


class StridedConvolution(LinearOperator):
    """The convolution of deep-learning frameworks (a correlation); its `T` is their transposed convolution.

    The adjoint lands on `shape` by itself: the output padding is derived, not guessed. It is an adjoint, not an
    inverse; see `adjoint_versus_inverse`.

    Parameters
    ----------
    weight : numpy.ndarray or torch.Tensor
        Shape ``(out, in / groups, *kernel)``.
    shape : sequence of int
        Spatial shape of x, one to three axes; x itself is ``(*batch, in, *shape)``.
    stride, dilation : int or sequence of int
        Step of the output and spacing of the kernel elements.
    padding : int or sequence of int
        Zeros added at both ends.
    groups : int
        Number of groups of channels that do not mix.

    Raises
    ------
    ValueError
        If the weight does not fit the shape or the groups.

    Examples
    --------
    >>> import torch
    >>> from deblur.operators import StridedConvolution
    >>> down = StridedConvolution(torch.ones(1, 1, 3, 3), (438, 438), stride=2, padding=1)
    >>> down.range_shape, down.T(torch.ones(1, 219, 219)).shape
    ((1, 219, 219), torch.Size([1, 438, 438]))
    """

    def __init__(
        self,
        weight: Any,
        shape: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
    ) -> None:
        space = as_shape(shape)
        n = len(space)
        self.weight = as_float_tensor(weight, "weight")[0].clone()
        if not 1 <= n <= 3 or self.weight.ndim != n + 2:
            raise ValueError(
                "weight must have shape (out, in / groups, *kernel) with as many kernel axes as shape, one to three; "
                f"got weight {tuple(self.weight.shape)} and shape {space}"
            )
        out, kernel_shape = self.weight.shape[0], tuple(self.weight.shape[2:])
        if groups < 1 or out % groups:
            raise ValueError(f"groups must divide the {out} output channels, got {groups}")
        strides, dilations = as_shape(stride, "stride", n), as_shape(dilation, "dilation", n)
        paddings = (padding,) * n if isinstance(padding, int) else tuple(padding)
        if len(paddings) != n or any(p < 0 for p in paddings):
            raise ValueError(f"padding must be a number >= 0, or {n} of them, got {padding}")
        axes = list(zip(space, kernel_shape, strides, paddings, dilations, strict=True))
        super().__init__((self.weight.shape[1] * groups, *space), (out, *(conv_output_size(*axis) for axis in axes)))
        self._options: dict[str, Any] = {
            "stride": strides,
            "padding": paddings,
            "dilation": dilations,
            "groups": groups,
        }
        self.output_padding = tuple(output_padding_for(*axis) for axis in axes)
        self._n = n

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        y = _CONV[self._n](x.reshape(-1, *self.domain_shape), self.weight.to(x), **self._options)
        return y.reshape(*x.shape[: x.ndim - self._n - 1], *self.range_shape)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        batch = y.reshape(-1, *self.range_shape)
        x = _CONV_TRANSPOSE[self._n](batch, self.weight.to(y), output_padding=self.output_padding, **self._options)
        return x.reshape(*y.shape[: y.ndim - self._n - 1], *self.domain_shape)

    def kernel_adjoint(self, x: Any, y: Any) -> Any:
        """Adjoint with respect to the weight, summed over the batch: the frameworks' weight gradient.

        Parameters
        ----------
        x, y : numpy.ndarray or torch.Tensor
            Shapes ``(*batch, *domain_shape)`` and ``(*batch, *range_shape)``.

        Returns
        -------
        numpy.ndarray or torch.Tensor
            Of the shape of the weight, and the kind of `y`.
        """
        data, to_input_kind = as_float_tensor(y, "y")
        images = as_float_tensor(x, "x")[0].to(data).reshape(-1, *self.domain_shape)
        data = data.reshape(-1, *self.range_shape)
        return to_input_kind(_KERNEL_ADJOINT[self._n](images, self.weight.shape, data, **self._options))


def bilinear_kernel(channels: int, factor: int, *, ndim: int = 2) -> torch.Tensor:
    """Weights with which a transposed convolution of stride `factor` interpolates linearly, channel by channel.

    The initialization of upsampling layers in fully convolutional networks (Long, Shelhamer and Darrell, CVPR 2015),
    to be used with ``stride=factor, padding=factor // 2``: the result is `factor` times as large.

    Parameters
    ----------
    channels : int
        Number of channels, in and out.
    factor : int
        Enlargement, at least 1.
    ndim : int
        Spatial axes, 1 to 3.

    Returns
    -------
    torch.Tensor
        Shape ``(channels, channels, *kernel)`` with ``2 factor - factor % 2`` elements along each kernel axis, float32.

    Raises
    ------
    ValueError
        If `channels` or `factor` is not positive, or `ndim` is not 1 to 3.

    Examples
    --------
    >>> from deblur.operators import bilinear_kernel
    >>> bilinear_kernel(1, 2, ndim=1)
    tensor([[[0.2500, 0.7500, 0.7500, 0.2500]]])
    """
    if channels < 1 or factor < 1 or not 1 <= ndim <= 3:
        raise ValueError(f"channels and factor must be positive and ndim 1 to 3, got {channels}, {factor}, {ndim}")
    size = 2 * factor - factor % 2
    axis = 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor
    kernel = axis
    for _ in range(ndim - 1):
        kernel = kernel[..., None] * axis
    weight = torch.zeros(channels, channels, *kernel.shape)
    weight[torch.arange(channels), torch.arange(channels)] = kernel
    return weight


def checkerboard(operator: LinearOperator) -> float:
    """Measure the checkerboard that ``operator.T`` prints on a constant: how uneven ``A.T`` of ones is.

    The rim, where any adjoint falls off, does not count: only the middle half of the spatial axes (the last ones,
    without the channel axis) does.

    Parameters
    ----------
    operator : LinearOperator
        A `StridedConvolution`, or any operator with shapes ``(channels, *space)``.

    Returns
    -------
    float
        Standard deviation over mean: 0 is even.

    Raises
    ------
    Exception
        What the operator itself raises.

    Examples
    --------
    >>> import torch
    >>> from deblur.operators import StridedConvolution, checkerboard
    >>> uneven = StridedConvolution(torch.ones(1, 1, 3, 3), (32, 32), stride=2, padding=1)
    >>> even = StridedConvolution(torch.ones(1, 1, 4, 4), (32, 32), stride=2, padding=1)
    >>> round(checkerboard(uneven), 2), checkerboard(even)
    (0.48, 0.0)
    """
    with torch.no_grad():
        response = operator.T(torch.ones(operator.range_shape, dtype=torch.float64))
    middle = response[(slice(None), *(slice(size // 4, size - size // 4) for size in response.shape[1:]))]
    return float(middle.std(correction=0) / middle.mean())
