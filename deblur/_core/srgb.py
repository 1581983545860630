"""The sRGB transfer curve, both ways."""

from __future__ import annotations

import torch

from deblur._core.arrays import ArrayT, as_float_tensor

# IEC 61966-2-1. The standard also prints the knee in linear light, rounded to 0.0031308; dividing instead keeps the
# two functions on the same branch, and so inverse of each other.
_SLOPE, _OFFSET, _EXPONENT, _KNEE = 12.92, 0.055, 2.4, 0.04045
_LINEAR_KNEE = _KNEE / _SLOPE


def to_linear(pixels: ArrayT) -> ArrayT:
    """Undo the sRGB curve: stored values to values proportional to light.

    A blur adds light, so it is a convolution of linear values; the values in a JPEG are about their power 1/2.2.

    Parameters
    ----------
    pixels : numpy.ndarray or torch.Tensor
        sRGB values, any shape; [0, 1] is black to white. Integers are scaled to that range first. Beyond it
        the curve goes on: by its own formula above 1, and as an odd function below 0, so that nothing is clipped and
        the noise around black keeps its mean.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Linear light in the same kind, shape and floating dtype; 0 and 1 stay as they are. Differentiable.

    Raises
    ------
    TypeError
        If `pixels` is neither NumPy nor torch, or not real.
    ValueError
        If it has no elements.

    See Also
    --------
    from_linear : The inverse.

    References
    ----------
    IEC 61966-2-1:1999, "Default RGB colour space - sRGB", section 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.photo import to_linear
    >>> to_linear(np.array([0.0, 0.5, 1.0, -0.5])).round(4)
    array([ 0.   ,  0.214,  1.   , -0.214])
    """
    encoded, to_input_kind = as_float_tensor(pixels, "pixels")
    size = encoded.abs()
    # The clamp keeps the gradient of the branch that is not taken finite.
    curved = ((size.clamp_min(_KNEE) + _OFFSET) / (1 + _OFFSET)) ** _EXPONENT
    return to_input_kind(torch.where(size <= _KNEE, encoded / _SLOPE, torch.copysign(curved, encoded)))


def from_linear(pixels: ArrayT) -> ArrayT:
    """Apply the sRGB curve: values proportional to light to stored values.

    Parameters
    ----------
    pixels : numpy.ndarray or torch.Tensor
        Linear light, any shape; [0, 1] is black to white, and values beyond it are carried on as `to_linear` says.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        sRGB values in the same kind, shape and floating dtype. Differentiable.

    Raises
    ------
    TypeError
        If `pixels` is neither NumPy nor torch, or not real.
    ValueError
        If it has no elements.

    See Also
    --------
    to_linear : The inverse, and the reference.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.photo import from_linear, to_linear
    >>> stored = np.linspace(-0.2, 1.2, 5)
    >>> bool(np.allclose(from_linear(to_linear(stored)), stored, rtol=0, atol=1e-15))
    True
    """
    linear, to_input_kind = as_float_tensor(pixels, "pixels")
    size = linear.abs()
    curved = (1 + _OFFSET) * size.clamp_min(_LINEAR_KNEE) ** (1 / _EXPONENT) - _OFFSET
    return to_input_kind(torch.where(size <= _LINEAR_KNEE, linear * _SLOPE, torch.copysign(curved, linear)))
